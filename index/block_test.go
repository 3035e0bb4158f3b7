package index_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// A sweep meets each feature once: those that it swallows in sums that are those
// of their features, the others one by one with the box that the feature has, and
// none of a box that was passed. It stops with an error.
func TestSweep(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	l := manySquares(t, rng, 9000)
	for range 30 {
		x, y := rng.Float64()*100, rng.Float64()*100
		window := geo.Box{Min: spot(x, y, 0), Max: spot(x+rng.Float64()*60, y+rng.Float64()*60, 0)}
		met := make([]int, l.Len())
		passed := 0
		ask := func(b geo.Box) index.Visit {
			switch {
			case window.Contains(b):
				return index.Swallow
			case window.Intersects(b):
				return index.Enter
			}
			passed++
			return index.Pass
		}
		whole := func(b *index.Block) error {
			var want index.RecordSum
			for i := b.First; i < b.End; i++ {
				met[i]++
				addRecord(&want, l.Record(i))
			}
			if math.Abs(want.AreaM2-b.Sum.AreaM2) > 1e-6 || want.Features != b.Sum.Features || want.Patch.Sum != b.Sum.Patch.Sum || want.Net.Sum != b.Sum.Net.Sum ||
				math.Abs(want.Net.With-b.Sum.Net.With) > 1e-6 || math.Abs(want.Net.Without-b.Sum.Net.Without) > 1e-6 {
				t.Fatalf("a block adds up to %+v, want %+v", b.Sum, want)
			}
			return nil
		}
		each := func(i int, box geo.Box) error {
			met[i]++
			if box != l.Head(i).Box {
				t.Fatalf("feature %d has box %v, want %v", i, box, l.Head(i).Box)
			}
			return nil
		}
		if err := l.Sweep(ask, whole, each); err != nil {
			t.Fatal(err)
		}
		for i := range met {
			if met[i] > 1 || met[i] == 0 && window.Intersects(l.Head(i).Box) {
				t.Fatalf("feature %d was met %d times", i, met[i])
			}
		}
		if passed == 0 {
			t.Error("no box was passed")
		}
	}
	stop := errors.New("stop")
	all := func(geo.Box) index.Visit { return index.Enter }
	if err := l.Sweep(all, nil, func(int, geo.Box) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("error %v", err)
	}
}

func addRecord(s *index.RecordSum, r index.Record) {
	if r.AreaM2 >= overlay.MinShared {
		s.Features++
	}
	s.AreaM2 += r.AreaM2
	for _, k := range []struct {
		sum    *index.PartialSum
		record int64
	}{{&s.Patch, r.Patch}, {&s.Net, r.Net}} {
		if k.record == index.NoArea {
			k.sum.Without += r.AreaM2
			continue
		}
		k.sum.Sum += k.record
		k.sum.With += r.AreaM2
	}
}

func spot(x, y, side float64) geo.Position {
	return geo.Position{Lon: 108e10 + int64((x+side)*1e6), Lat: 34e10 + int64((y+side)*1e6)}
}

func manySquares(t *testing.T, rng *rand.Rand, n int) *index.Layer {
	t.Helper()
	dir := t.TempDir()
	w := index.NewWriter(dir + "/" + edition.FeaturesFile)
	lw := w.Layer(edition.Layer{Name: "l", Vintage: "1"})
	for i := range n {
		x, y := rng.Float64()*100, rng.Float64()*100
		box := geo.Box{Min: spot(x, y, 0), Max: spot(x, y, 0.2+rng.Float64())}
		f := index.Feature{ID: uint64(i + 1), Geometry: geo.MultiPolygon{box.Polygon()}, Patch: int64(rng.IntN(1e6)), Net: index.NoArea}
		f.AreaM2 = geo.Area(f.Geometry)
		if rng.IntN(3) > 0 {
			f.Net = f.Patch / 2
		}
		if rng.IntN(50) == 0 {
			f.AreaM2 = 0.001
		}
		if err := lw.Add(&f); err != nil {
			t.Fatal(err)
		}
	}
	layers, err := w.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ix, err := index.OpenFiles(dir, &edition.Manifest{Layers: layers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ix.Close(); err != nil {
			t.Error(err)
		}
	})
	return ix.Layer("l", "1")
}
