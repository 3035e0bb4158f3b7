package pieces_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"gengtu/index"
	"gengtu/index/analyze/analyzetest"
	"gengtu/index/pieces"
)

// covers are the layers that the tests divide, and those of the county behind them.
func covers(ix *index.Index) []pieces.Cover {
	return []pieces.Cover{{Layer: ix.Layer("dltb", "2024")}, {Layer: ix.Layer("pbf", "2024")}, {Layer: ix.Layer("hsf", "2024")}, {Layer: ix.Layer("dltb", "2023")}}
}

// key names the owners of a piece by their layers and ids.
func key(covers []pieces.Cover, owners []pieces.Owner) string {
	var ids []string
	for _, o := range owners {
		ids = append(ids, fmt.Sprint(o.Cover, ":", covers[o.Cover].Layer.Head(int(o.Feature)).ID))
	}
	slices.Sort(ids)
	return fmt.Sprint(ids)
}

// TestDivideCells holds pieces against cells: each set of features has the ground that a
// count of cells finds, and there is no other. Where the partition of the ground tells who
// is alone, most features are settled undivided.
func TestDivideCells(t *testing.T) {
	for seed := range uint64(8) {
		c := analyzetest.New(seed/2, 60, 40, 80)
		crowd(c, seed/2)
		ix := c.Index(t)
		if seed%2 == 1 {
			known(t, ix)
		}
		cs := covers(ix)
		layers := []*analyzetest.Layer{c.Layer("dltb", "2024"), c.Layer("pbf", "2024"), c.Layer("hsf", "2024"), c.Layer("dltb", "2023")}
		want := map[string]float64{}
		for cell := range c.W * c.H {
			var ids []string
			for n, l := range layers {
				for _, i := range l.On(cell) {
					ids = append(ids, fmt.Sprint(n, ":", l.Features[i].ID))
				}
			}
			slices.Sort(ids)
			want[fmt.Sprint(ids)] += c.Area(cell)
		}
		got := map[string]float64{}
		err := pieces.Divide(t.Context(), cs, pieces.Options{}, func(ps []pieces.Piece) error {
			for i := range ps {
				got[key(cs, ps[i].Owners)] += ps[i].Area
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for k, area := range want {
			if math.Abs(got[k]-area) > 1e-6 {
				t.Errorf("seed %d: %s has %.8f m², the cells %.8f", seed, k, got[k], area)
			}
			delete(got, k)
		}
		for k, area := range got {
			if math.Abs(area) > 1e-6 {
				t.Errorf("seed %d: %s has %.8f m², and no cell", seed, k, area)
			}
		}
	}
}

// crowd adds what makes settling hard: HSF of many parcels, and features of the other
// layers that lie on ground of their own layer, or come twice.
func crowd(c *analyzetest.County, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 3))
	for _, name := range []string{"hsf", "pbf", "dltb"} {
		l := c.Layer(name, "2024")
		n := len(l.Features)
		for k := range 4 {
			f := l.Features[rnd.IntN(n)]
			f.ID = uint64(8_000_000 + k)
			switch {
			case name == "hsf":
				f.Cells = c.Rectangle(rnd, c.W-1)
			case k%2 == 0:
				f.Cells = c.Rectangle(rnd, 12)
			}
			l.Features = append(l.Features, f)
		}
		if name == "hsf" { // the small ones would hold nothing
			l.Features = l.Features[n:]
		}
	}
}

// known lets the layers of ix know which of their features are alone on their ground.
func known(t *testing.T, ix *index.Index) {
	t.Helper()
	if made, err := index.BuildGround(t.Context(), ix, filepath.Join(t.TempDir(), "ground.db"), func(int, int) {}); err != nil || !made {
		t.Fatal(made, err)
	}
}

// TestSharesClose holds shares against cells, and their sums against the records.
func TestSharesClose(t *testing.T) {
	c := analyzetest.New(7, 80, 40, 120)
	ix := c.Index(t)
	known(t, ix)
	survey, pbf, hsf := c.Layer("dltb", "2024"), c.Layer("pbf", "2024"), c.Layer("hsf", "2024")
	want := map[uint64]map[uint64]float64{} // by feature and mask
	for cell := range c.W * c.H {
		mask := uint64(1)
		if len(pbf.On(cell)) > 0 {
			mask |= 2
		}
		if len(hsf.On(cell)) > 0 {
			mask |= 4
		}
		for _, i := range survey.On(cell) {
			id := survey.Features[i].ID
			if want[id] == nil {
				want[id] = map[uint64]float64{}
			}
			want[id][mask] += c.Area(cell)
		}
	}
	l := ix.Layer("dltb", "2024")
	seen := 0
	doubled, err := pieces.Shares(t.Context(), pieces.Question{Covers: covers(ix)[:3]}, pieces.Options{}, func(ss []pieces.Share) error {
		seen++
		r := l.Record(int(ss[0].Feature))
		var area, patch, net int64
		for i, s := range ss {
			area, patch, net = area+s.Area, patch+s.Patch, net+s.Net
			if i > 0 && ss[i-1].Mask >= s.Mask {
				t.Errorf("masks %b and %b of one feature", ss[i-1].Mask, s.Mask)
			}
			if w := want[l.Head(int(s.Feature)).ID][s.Mask]; math.Abs(s.AreaM2-w) > 1e-6 || math.Abs(float64(s.Area)/100-w) > 0.01 {
				t.Errorf("feature %d, mask %b: %.6f m² and %d, the cells have %.6f", s.Feature, s.Mask, s.AreaM2, s.Area, w)
			}
			if share := float64(r.Net) * s.AreaM2 / r.AreaM2; math.Abs(float64(s.Net)-share) > 1 {
				t.Errorf("feature %d, mask %b: net %d, its share is %.3f", s.Feature, s.Mask, s.Net, share)
			}
		}
		if patch != r.Patch || net != r.Net || area != int64(math.Round(r.AreaM2*100)) {
			t.Errorf("feature %d: shares add up to %d, %d, %d of %.4f m², %d, %d", ss[0].Feature, area, patch, net, r.AreaM2, r.Patch, r.Net)
		}
		return nil
	})
	if err != nil || seen != l.Len() || doubled != 0 {
		t.Errorf("%d of %d features, %.3f m² doubled, %v", seen, l.Len(), doubled, err)
	}
}

// TestDoubled: ground under two features of the subject counts for each of them, and is told.
func TestDoubled(t *testing.T) {
	c := analyzetest.New(3, 40, 40, 30)
	ix := c.Index(t)
	hsf := c.Layer("hsf", "2024")
	want := 0.0
	for cell := range c.W * c.H {
		want += float64(max(0, len(hsf.On(cell))-1)) * c.Area(cell)
	}
	doubled, err := pieces.Shares(t.Context(), pieces.Question{Covers: []pieces.Cover{{Layer: ix.Layer("hsf", "")}}}, pieces.Options{}, func([]pieces.Share) error { return nil })
	if err != nil || want == 0 || math.Abs(doubled-want) > 1e-6 {
		t.Errorf("%.6f m² doubled, the cells have %.6f; %v", doubled, want, err)
	}
}

// TestWorkers: the order and every bit of the areas are the same for any number of workers,
// and features that are left out do not take part.
func TestWorkers(t *testing.T) {
	ix := analyzetest.New(5, 200, 200, 900).Index(t)
	known(t, ix)
	cs := covers(ix)
	rnd := rand.New(rand.NewPCG(1, 2))
	out := map[int32]bool{}
	for range 200 {
		out[int32(rnd.IntN(cs[0].Layer.Len()))] = true
	}
	cs[0].Only = func(i int) bool { return !out[int32(i)] }
	run := func(workers int) string {
		text := ""
		if err := pieces.Divide(t.Context(), cs, pieces.Options{Workers: workers}, func(ps []pieces.Piece) error {
			for i := range ps {
				if f, ok := ps[i].Of(0); ok && out[int32(f)] {
					t.Errorf("feature %d was left out and has a piece", f)
				}
				text += fmt.Sprintf("%v %x\n", ps[i].Owners, math.Float64bits(ps[i].Area))
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return text
	}
	one := run(1)
	for _, n := range []int{2, 3, 8} {
		if run(n) != one {
			t.Errorf("%d workers give another result than one", n)
		}
	}
}

// TestStops: the context's end and visit's error end the work and are returned.
func TestStops(t *testing.T) {
	ix := analyzetest.New(5, 100, 100, 300).Index(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := pieces.Divide(ctx, covers(ix), pieces.Options{}, func([]pieces.Piece) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended gives %v", err)
	}
	mine := errors.New("mine")
	if err := pieces.Divide(t.Context(), covers(ix), pieces.Options{}, func([]pieces.Piece) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("visit's error comes back as %v", err)
	}
}
