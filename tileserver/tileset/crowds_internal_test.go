package tileset

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/indextest"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/load"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/tile"
)

// texts stores three layers of 40 by 40 fields of 100 m, each field with a note of as
// many random letters as its layer's number says: no two are alike, so a tile is hardly
// smaller compressed.
func texts(t *testing.T, letters ...int) *index.Index {
	t.Helper()
	var layers []indextest.Layer
	for n, name := range []string{"cropland", "pbf", "hsf"} {
		r := rand.New(rand.NewPCG(5, uint64(n)))
		l := indextest.Layer{Meta: edition.Layer{Name: name, Vintage: "2024", ClassField: "DLBM", ParcelZoom: 13, Fields: []edition.Field{
			{Name: "DLBM", Kind: "text", Tile: true}, {Name: "BZ", Kind: "text", Tile: true}, {Name: "QSDWMC", Kind: "text", Tile: true},
		}}}
		for i := range 1600 {
			note := make([]byte, letters[n])
			for k := range note {
				note[k] = byte(' ' + r.IntN(95))
			}
			const side = 0.0009 * geo.Unit
			at := geo.Position{Lon: 1084e9 + int64(i%40)*int64(side), Lat: 341e9 + int64(i/40)*int64(side)}
			g := geo.MultiPolygon{geo.Box{Min: at, Max: geo.Position{Lon: at.Lon + int64(side), Lat: at.Lat + int64(side)}}.Polygon()}
			l.Features = append(l.Features, index.Feature{
				ID: uint64(i + 1), Geometry: g, Box: g.Box(), AreaM2: geo.Area(g), Patch: index.NoArea, Net: index.NoArea,
				Values: []any{"0101", string(note), "a village"},
			})
		}
		layers = append(layers, l)
	}
	return indextest.New(t, &edition.Manifest{Tier: edition.Secure, MaxZoom: MaxZoom, BuiltZooms: [2]int{12, 13}}, layers...)
}

// readTiles builds ix, or brings the file at from up to it, and opens the file.
func readTiles(t *testing.T, write func(path string) error) *cache.Reader {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tiles.db")
	if err := write(path); err != nil {
		t.Fatal(err)
	}
	r, err := cache.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// gzipOf returns what is sent for a tile of all layers of ix.
func gzipOf(t *testing.T, ix *index.Index, r *cache.Reader, at tile.Tile) []byte {
	t.Helper()
	var parts []cache.Part
	for i := range ix.Manifest.Layers {
		p, _, err := r.Get(ix.Manifest.Layers[i].Key(), at)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, p)
	}
	return cache.AppendGzip(nil, parts)
}

// Three layers of long texts are far more than a tile may have. All parcels stay, with
// their ids and classes; the texts that cost most go from the tiles that are crowded; an
// update and the making of one tile give the same bytes; and without so much text no
// tile loses anything.
func TestCrowds(t *testing.T) {
	opt := BuildOptions{MinZoom: 12, MaxZoom: 13}
	cases := []*index.Index{texts(t, 10, 10, 10), texts(t, 300, 300, 300), texts(t, 10, 300, 300), texts(t, 10, 300, 10)}
	var files []*cache.Reader
	var paths []string
	for i, ix := range cases {
		files = append(files, readTiles(t, func(path string) error {
			paths = append(paths, path)
			built, err := Build(t.Context(), ix, path, opt)
			if err == nil && len(built.Large) > 0 {
				err = errors.New("tiles are too large")
			}
			return err
		}))
		checkCrowds(t, ix, files[i], i == 1 || i == 2)
	}
	for _, c := range []struct {
		from, to int
		layers   []string
	}{
		{1, 0, []string{"cropland", "pbf", "hsf"}},
		{0, 1, []string{"cropland", "pbf", "hsf"}},
		// Layers that have not changed lose more or get back what they had lost.
		{2, 1, []string{"cropland"}}, {1, 2, []string{"cropland"}}, {2, 3, []string{"hsf"}}, {3, 2, []string{"hsf"}},
	} {
		ix, changed := cases[c.to], map[string][]geo.Box{}
		for _, name := range c.layers {
			l := ix.Layer(name, "")
			for k := range l.Len() {
				changed[l.Meta.Key()] = append(changed[l.Meta.Key()], l.Box(k))
			}
		}
		updated := readTiles(t, func(path string) error {
			copied, err := os.ReadFile(paths[c.from])
			if err == nil {
				err = os.WriteFile(path, copied, 0o600)
			}
			if err != nil {
				return err
			}
			_, err = Update(t.Context(), ix, paths[c.from], path, changed, opt)
			return err
		})
		sameDigest(t, updated, files[c.to])
	}
}

// sameDigest compares all tiles of two files.
func sameDigest(t *testing.T, got, want *cache.Reader) {
	t.Helper()
	var sums [2]string
	for i, r := range []*cache.Reader{got, want} {
		var err error
		if sums[i], err = r.Digest(); err != nil {
			t.Fatal(err)
		}
		err = r.EachCells(func(key string, at tile.Tile, data []byte) error {
			other, err := []*cache.Reader{want, got}[i].Cells(key, at)
			if !slices.Equal(data, other) {
				t.Errorf("%s %s: %d bytes of cells, %d", key, at, len(data), len(other))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if sums[0] != sums[1] {
		t.Error("the tiles are not those of a full build")
	}
}

// makerOf returns the maker of ix, with places for so many tiles to be made at once.
func makerOf(t *testing.T, ix *index.Index, places int) *Maker {
	t.Helper()
	m, err := NewMaker(ix, MakerOptions{Queue: load.NewQueue(places)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func checkCrowds(t *testing.T, ix *index.Index, r *cache.Reader, crowded bool) {
	t.Helper()
	m := makerOf(t, ix, 2)
	lost := map[string]int{}
	for _, grid := range tile.Grids() {
		x0, y0, x1, y1 := grid.Range(ix.Layer("cropland", "").Extent(), 13)
		for y := y0; y <= y1; y++ {
			for x := x0; x <= x1; x++ {
				at := tile.Tile{Grid: grid, Z: 13, X: x, Y: y}
				if n := len(gzipOf(t, ix, r, at)); n > LargeTileBytes {
					t.Errorf("%s has %d bytes", at, n)
				}
				for _, name := range []string{"cropland", "pbf", "hsf"} {
					compareMade(t, m, r, ix.Layer(name, ""), at, lost)
				}
			}
		}
	}
	if crowded != (lost["BZ"] > 0) || lost["QSDWMC"] > 0 || lost["DLBM"] > 0 || lost["id"] > 0 {
		t.Errorf("lost: %v", lost)
	}
}

// compareMade makes a tile that was built, and counts what its parcels have lost.
func compareMade(t *testing.T, m *Maker, r *cache.Reader, l *index.Layer, at tile.Tile, lost map[string]int) {
	t.Helper()
	p, _, err := r.Get(l.Meta.Key(), at)
	if err != nil {
		t.Fatal(err)
	}
	built, err := p.Raw()
	if err != nil {
		t.Fatal(err)
	}
	opt := m.options(l)
	whole, err := pyramid.Make(t.Context(), newSource(l), at, opt)
	if err != nil {
		t.Fatal(err)
	}
	part, err := m.uncrowded(t.Context(), l, at)
	var made []byte
	if err == nil {
		made, err = part.Raw()
	}
	if err != nil || !slices.Equal(made, built) {
		t.Errorf("%s %s: made %d bytes, built %d, %v", l.Meta.Name, at, len(made), len(built), err)
	}
	all, kept := decoded(t, whole), decoded(t, built)
	for id, tags := range all {
		if _, ok := kept[id]; !ok {
			lost["id"]++
		}
		for key := range tags {
			if _, ok := kept[id][key]; !ok {
				lost[key]++
			}
		}
	}
}

func decoded(t *testing.T, data []byte) map[uint64]map[string]bool {
	t.Helper()
	layers, err := mvt.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	out := map[uint64]map[string]bool{}
	for _, l := range layers {
		for _, f := range l.Features {
			out[f.ID] = map[string]bool{}
			for _, tag := range f.Tags {
				out[f.ID][tag.Key] = true
			}
		}
	}
	return out
}

// Each layer of a crowded tile that is drawn as parcels gives up the same share; small
// ones and merged ground stay as they are.
func TestBudgets(t *testing.T) {
	c := crew{[]*edition.Layer{{ParcelZoom: 13}, {ParcelZoom: 13}, {ParcelZoom: 14}, {ParcelZoom: pyramid.ParcelsAlways}}}
	at := tile.Tile{Grid: tile.W, Z: 13}
	const limit = LargeTileBytes - gzipBytes
	for _, k := range []struct{ sizes, want []int }{
		{[]int{200_000, 200_000, limit - 400_000, 0}, []int{0, 0, 0, 0}},
		{[]int{400_000, 400_000, limit - 410_000, 10_000}, []int{200_000, 200_000, 0, 0}},
		{[]int{600_000, 200_000, 0, limit - 400_000 + 1}, nil},
		{[]int{20_000, 15_000, 900_000, 0}, []int{1, 0, 0, 0}},
	} {
		got := c.budgets(at, k.sizes)
		if k.want != nil && !slices.Equal(got, k.want) {
			t.Errorf("%v: got %v, want %v", k.sizes, got, k.want)
		}
		if k.want == nil && (got[0]+got[1]+got[3] > limit || got[0] != 3*got[1] && got[0]-3*got[1] > 3) {
			t.Errorf("%v: got %v", k.sizes, got)
		}
	}
}
