package index_test

import (
	"errors"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
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

func write(t *testing.T, features []index.Feature) (string, *edition.Manifest) {
	t.Helper()
	dir := t.TempDir()
	w := index.NewWriter(filepath.Join(dir, edition.FeaturesFile))
	l := w.Layer(edition.Layer{Name: "dltb", Vintage: "2024", Fields: []edition.Field{
		{Name: "DLBM"}, {Name: "X"}, {Name: "N"}, {Name: "E"}, {Name: "B"}, {Name: "BSM", Code: true},
	}})
	for i := range features {
		if err := l.Add(&features[i]); err != nil {
			t.Fatal(err)
		}
	}
	layers, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	return dir, &edition.Manifest{Tier: edition.Secure, Layers: layers}
}

// What is written comes back whole, is found by every box that a scan of all
// boxes finds it by, by id and by code, and views select by their prefix.
func TestIndex(t *testing.T) {
	for _, n := range []int{0, 1, 2, 500} {
		features := randomFeatures(n)
		dir, m := write(t, features)
		crop := 0
		for _, f := range features {
			if f.Values[0].(string)[:2] == "01" {
				crop++
			}
		}
		view := m.Layers[0]
		view.Name, view.View, view.Features = "cropland", &edition.View{Of: "dltb", Field: "DLBM", Prefix: "01"}, crop
		m.Layers = append([]edition.Layer{view}, m.Layers...)
		ix, err := index.OpenFiles(dir, m)
		if err != nil {
			t.Fatal(err)
		}
		l := ix.Layer("dltb", "")
		for _, want := range features {
			i, ok := l.ByID(want.ID)
			if !ok {
				t.Fatalf("n=%d: id %d is not found", n, want.ID)
			}
			got, err := l.Feature(i)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("n=%d: feature differs (-want +got):\n%s", n, d)
			}
			found, err := l.ByCode(want.Values[5].(string), 1000)
			if err != nil || !slices.Contains(found, i) {
				t.Fatalf("n=%d: code %v finds %v, %v; want it to hold %d", n, want.Values[5], found, err, i)
			}
		}
		rng := rand.New(rand.NewPCG(1, 1))
		for range 50 {
			p := geo.Position{Lon: 1086e9 + rng.Int64N(1e9), Lat: 343e9 + rng.Int64N(1e9)}
			box := square(p, rng.Int64N(2e8)).Box()
			want := 0
			for _, f := range features {
				if f.Box.Intersects(box) {
					want++
				}
			}
			got := 0
			l.Search(box, func(int) bool { got++; return true })
			if got != want {
				t.Fatalf("n=%d: search finds %d, a scan %d", n, got, want)
			}
		}
		if got := ix.Layer("cropland", "2024").Len(); got != crop {
			t.Errorf("n=%d: view has %d features, want %d", n, got, crop)
		}
		if err := ix.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// The order of delivery must not show in the file's content or in the sums.
func TestWriterOrder(t *testing.T) {
	sum := func(features []index.Feature) (string, float64) {
		dir, m := write(t, features)
		h := index.NewContentHasher()
		if err := index.Each(filepath.Join(dir, edition.FeaturesFile), func(b string, k, v []byte) error {
			h.Add(b, k, v)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return h.Sum(), m.Layers[0].AreaM2
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
	w := index.NewWriter(filepath.Join(t.TempDir(), "f.db"))
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
}

// A reader that still holds the index must be able to read after Close.
func TestCloseWaitsForReaders(t *testing.T) {
	dir, m := write(t, randomFeatures(3))
	ix, err := index.OpenFiles(dir, m)
	if err != nil {
		t.Fatal(err)
	}
	if !ix.Acquire() {
		t.Fatal("an open index cannot be acquired")
	}
	if err := ix.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := ix.Layer("dltb", "").Feature(0); err != nil {
		t.Errorf("reading while acquired: %v", err)
	}
	ix.Release()
	if ix.Acquire() {
		t.Error("a closed index can be acquired")
	}
}
