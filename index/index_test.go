package index_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/indextest"
)

// square returns a square of side n units with its south-west corner at p.
func square(p geo.Position, n int64) geo.MultiPolygon {
	return geo.MultiPolygon{geo.Box{Min: p, Max: geo.Position{Lon: p.Lon + n, Lat: p.Lat + n}}.Polygon()}
}

func randomFeatures(n int) []index.Feature {
	rng := rand.New(rand.NewPCG(7, uint64(n)))
	classes := []string{"0101", "0102", "0301", "0201K"}
	out := make([]index.Feature, n)
	for i := range out {
		p := geo.Position{Lon: 1086e9 + rng.Int64N(1e9), Lat: 343e9 + rng.Int64N(1e9)}
		out[i] = index.Feature{
			ID:       uint64(i + 1),
			Geometry: square(p, 1+rng.Int64N(2e7)),
			Values:   []any{classes[rng.IntN(4)], rng.Float64() * 1e5, rng.Int64() - 1<<62, nil, true, "61040220010000" + string(rune('A'+i%26))},
			AreaM2:   rng.Float64() * 1e5,
			Patch:    rng.Int64N(1e7), Net: index.NoArea, Place: "610402001",
		}
		out[i].Box = out[i].Geometry.Box()
	}
	return out
}

var fields = []edition.Field{
	{Name: "DLBM"}, {Name: "X"}, {Name: "N"}, {Name: "E"}, {Name: "B"}, {Name: "BSM", Code: true},
}

// write stores features as dltb, with the view cropland.
func write(t testing.TB, features []index.Feature) (string, *edition.Manifest) {
	t.Helper()
	dir := t.TempDir()
	w := index.NewWriter(filepath.Join(dir, edition.FeaturesFile))
	w.View(edition.Layer{Name: "cropland", Vintage: "2024", View: &edition.View{Of: "dltb", Field: "DLBM", Prefix: "01"}})
	l := w.Layer(edition.Layer{Name: "dltb", Vintage: "2024", Fields: fields})
	for i := range features {
		if err := l.Add(&features[i]); err != nil {
			t.Fatal(err)
		}
	}
	layers, err := w.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return dir, &edition.Manifest{Tier: edition.Secure, Layers: layers}
}

// What is written comes back whole, is found by every box that a scan of all
// boxes finds it by, by id and by code; a view does the same for what it selects,
// and the figures of both are those of a plain sum.
func TestIndex(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 17, 500, 3000} {
		features := randomFeatures(n)
		dir, m := write(t, features)
		ix, err := index.OpenFiles(dir, m)
		if err != nil {
			t.Fatal(err)
		}
		all := map[uint64]index.Feature{}
		crop := map[uint64]index.Feature{}
		for _, f := range features {
			all[f.ID] = f
			if strings.HasPrefix(f.Values[0].(string), "01") {
				crop[f.ID] = f
			}
		}
		compare(t, ix.Layer("dltb", ""), all, features)
		compare(t, ix.Layer("cropland", "2024"), crop, features)
		if err := ix.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// compare holds a layer against the features that it should have; others are all
// that were written.
func compare(t *testing.T, l *index.Layer, want map[uint64]index.Feature, others []index.Feature) {
	t.Helper()
	extent, patch, area := geo.EmptyBox(), int64(0), 0.0
	for _, f := range others {
		i, ok := l.ByID(f.ID)
		w, in := want[f.ID]
		if ok != in {
			t.Fatalf("%s: id %d is found %v, want %v", l.Meta.Key(), f.ID, ok, in)
		}
		found, err := l.ByCode(f.Values[5].(string), len(others))
		if err != nil || slices.Contains(found, i) != in && in {
			t.Fatalf("%s: code %v finds %v, %v; want it to hold %d", l.Meta.Key(), f.Values[5], found, err, i)
		}
		if !in {
			continue
		}
		got, err := l.Feature(i)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(w, got); d != "" {
			t.Fatalf("%s: feature differs (-want +got):\n%s", l.Meta.Key(), d)
		}
		if h, w := l.Head(i), (index.Head{ID: w.ID, Box: w.Box, AreaM2: w.AreaM2, Patch: w.Patch, Net: w.Net, Place: w.Place}); h != w {
			t.Fatalf("%s: head is %+v, want %+v", l.Meta.Key(), h, w)
		}
		extent, patch, area = extent.Union(w.Box), patch+w.Patch, area+w.AreaM2
	}
	if l.Len() != len(want) || l.Meta.Features != len(want) || l.Extent() != extent {
		t.Fatalf("%s: %d features (manifest %d) in %v, want %d in %v", l.Meta.Key(), l.Len(), l.Meta.Features, l.Extent(), len(want), extent)
	}
	if len(want) > 0 && (*l.Meta.PatchM2 != float64(patch)/100 || l.Meta.NetM2 != nil || math.Abs(l.Meta.AreaM2-area) > 1e-6*area) {
		t.Fatalf("%s: sums %v %v %v, want %v, none and %v", l.Meta.Key(), *l.Meta.PatchM2, l.Meta.NetM2, l.Meta.AreaM2, patch, area)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		p := geo.Position{Lon: 1086e9 + rng.Int64N(1e9), Lat: 343e9 + rng.Int64N(1e9)}
		box := square(p, rng.Int64N(2e8)).Box()
		n := 0
		for _, f := range want {
			if f.Box.Intersects(box) {
				n++
			}
		}
		got := map[int]bool{}
		l.Search(box, func(i int) bool { got[i] = true; return true })
		if len(got) != n {
			t.Fatalf("%s: search finds %d, a scan %d", l.Meta.Key(), len(got), n)
		}
		calls := 0
		l.Search(box, func(int) bool { calls++; return false })
		if calls != min(n, 1) {
			t.Fatalf("%s: a search that is stopped visits %d", l.Meta.Key(), calls)
		}
	}
}

// The order of delivery must not show in the file's content or in the sums.
func TestWriterOrder(t *testing.T) {
	sum := func(features []index.Feature) (string, float64) {
		dir, m := write(t, features)
		return indextest.ContentHash(t, filepath.Join(dir, edition.FeaturesFile)), m.Layers[0].AreaM2
	}
	a := randomFeatures(300)
	b := slices.Clone(a)
	slices.Reverse(b)
	h1, s1 := sum(a)
	h2, s2 := sum(b)
	if h1 != h2 || s1 != s2 {
		t.Errorf("content differs with the order of delivery: %s %v, %s %v", h1, s1, h2, s2)
	}
	b[0].AreaM2++
	if h3, _ := sum(b); h3 == h1 {
		t.Error("another area has the same content hash")
	}
}

func TestWriterRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.db")
	w := index.NewWriter(path)
	l := w.Layer(edition.Layer{Name: "x", Vintage: "1"})
	f := index.Feature{ID: 1, Geometry: square(geo.Position{}, 1)}
	if err := l.Add(&f); err != nil {
		t.Fatal(err)
	}
	if err := l.Add(&f); !errors.Is(err, index.ErrDuplicate) {
		t.Errorf("second feature of an id: got %v, want ErrDuplicate", err)
	}
	for name, g := range map[string]index.Feature{
		"no id": {Geometry: f.Geometry}, "id of 54 bits": {ID: 1 << 53, Geometry: f.Geometry},
		"no geometry": {ID: 2}, "a value too many": {ID: 3, Geometry: f.Geometry, Values: []any{1}},
	} {
		if err := l.Add(&g); err == nil {
			t.Errorf("%s: stored", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled Close: got %v", err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a cancelled Close leaves a file (%v)", err)
	}
	if _, err := w.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := index.NewWriter(path).Close(t.Context()); err == nil {
		t.Error("an existing file is written over")
	}
	for name, add := range map[string]func(*index.Writer){
		"a layer twice":     func(w *index.Writer) { w.Layer(edition.Layer{Name: "a"}); w.Layer(edition.Layer{Name: "a"}) },
		"a view of nothing": func(w *index.Writer) { w.View(edition.Layer{Name: "v", View: &edition.View{Of: "a"}}) },
		"a view by no field": func(w *index.Writer) {
			w.Layer(edition.Layer{Name: "a"})
			w.View(edition.Layer{Name: "v", View: &edition.View{Of: "a", Field: "F"}})
		},
		"a view in another year": func(w *index.Writer) {
			w.Layer(edition.Layer{Name: "a", Vintage: "1"})
			w.View(edition.Layer{Name: "v", Vintage: "2", View: &edition.View{Of: "a"}})
		},
	} {
		w := index.NewWriter(filepath.Join(t.TempDir(), "f.db"))
		add(w)
		if _, err := w.Close(t.Context()); err == nil {
			t.Errorf("%s: written", name)
		}
	}
}

// A feature that is taken back is as if it had never come, whichever it is.
func TestTake(t *testing.T) {
	for take := range 4 {
		features := randomFeatures(4)
		dir := t.TempDir()
		w := index.NewWriter(filepath.Join(dir, edition.FeaturesFile))
		l := w.Layer(edition.Layer{Name: "dltb", Vintage: "2024", Fields: fields})
		for i := range features {
			if err := l.Add(&features[i]); err != nil {
				t.Fatal(err)
			}
		}
		f, ok, err := l.Take(features[take].ID)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if d := cmp.Diff(features[take], f); d != "" {
			t.Error(d)
		}
		if _, ok, err := l.Take(features[take].ID); ok || err != nil {
			t.Errorf("taken twice (%v)", err)
		}
		other := features[(take+1)%4].ID
		if _, ok, err := l.Take(other); !ok || err != nil {
			t.Errorf("another cannot be taken (%v)", err)
		}
		f.ID = 99
		if err := l.Add(&f); err != nil {
			t.Fatal(err)
		}
		layers, err := w.Close(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ix, err := index.OpenFiles(dir, &edition.Manifest{Layers: layers})
		if err != nil {
			t.Fatal(err)
		}
		got := ix.Layer("dltb", "")
		for _, id := range []uint64{1, 2, 3, 4, 99} {
			_, ok := got.ByID(id)
			if want := id != features[take].ID && id != other; ok != want {
				t.Errorf("id %d is found %v, want %v", id, ok, want)
			}
		}
		found, err := got.ByCode(f.Values[5].(string), 9)
		if err != nil || len(found) != 1 {
			t.Errorf("its code finds %v, %v", found, err)
		}
		if err := ix.Close(); err != nil {
			t.Error(err)
		}
	}
}
