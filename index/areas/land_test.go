package areas_test

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/indextest"
)

// The squares of the tests have their corners on a lattice of this many units,
// some ten metres, so that borders coincide often.
const step = 1_000_000

var origin = geo.Position{Lon: 108_7000000000, Lat: 34_3000000000}

// rect is the rectangle between lattice points.
type rect struct{ x0, y0, x1, y1 int }

func (r rect) box() geo.Box {
	at := func(x, y int) geo.Position {
		return geo.Position{Lon: origin.Lon + int64(x)*step, Lat: origin.Lat + int64(y)*step}
	}
	return geo.Box{Min: at(r.x0, r.y0), Max: at(r.x1, r.y1)}
}

func (r rect) shape() geo.MultiPolygon { return geo.MultiPolygon{r.box().Polygon()} }

func (r rect) holds(x, y int) bool { return r.x0 <= x && x < r.x1 && r.y0 <= y && y < r.y1 }

// parcel is one feature of a test.
type parcel struct {
	rect
	class      any
	patch, net int64 // 0.01 m², or index.NoArea
	place      string
}

// land is the features of each layer.
type land map[string][]parcel

var layerFields = []edition.Field{{Name: "DLBM", Kind: edition.Text}, {Name: "BSM", Kind: edition.Text, Code: true}}

// open writes the land as an index of one vintage, 2024, with one more of
// cropland, 2023, that is empty, and with the partition of its ground.
func (l land) open(t *testing.T) *index.Index {
	t.Helper()
	dir, m := l.write(t)
	bare := indextest.Open(t, dir, m)
	path := filepath.Join(dir, edition.GroundFile)
	made, err := index.BuildGround(t.Context(), bare, path, func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	if !made {
		return bare
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	whole := *m
	whole.Files = map[string]string{edition.GroundFile: hex.EncodeToString(sum[:])}
	ix := indextest.Open(t, dir, &whole)
	for name, features := range l {
		for i := range features {
			if got, want := bare.Layer(name, "2024").Alone(i), ix.Layer(name, "2024").Alone(i); got != want {
				t.Fatalf("%s %d: alone %v after the partition was made, %v when it is opened", name, i, got, want)
			}
		}
	}
	return ix
}

// openBare is open without the partition.
func (l land) openBare(t *testing.T) *index.Index {
	t.Helper()
	dir, m := l.write(t)
	return indextest.Open(t, dir, m)
}

func (l land) write(t *testing.T) (dir string, m *edition.Manifest) {
	t.Helper()
	dir = t.TempDir()
	w := index.NewWriter(filepath.Join(dir, edition.FeaturesFile))
	names := []string{"cropland", "pbf", "hsf", "region"}
	for n, name := range names {
		lw := w.Layer(edition.Layer{Name: name, Vintage: "2024", Fields: layerFields, ClassField: "DLBM"})
		for i, p := range l[name] {
			f := index.Feature{
				ID: uint64(n*100_000 + i + 1), Geometry: p.shape(), Values: []any{p.class, "61040220010000" + string(rune('A'+i%26))},
				AreaM2: cellArea(p.rect), Patch: p.patch, Net: p.net, Place: p.place,
			}
			if err := lw.Add(&f); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.Layer(edition.Layer{Name: "cropland", Vintage: "2023", Fields: layerFields})
	layers, err := w.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(layers, func(a, b edition.Layer) int { return slices.Index(names, a.Name) - slices.Index(names, b.Name) })
	return dir, &edition.Manifest{Tier: edition.Secure, Generation: "g0123456789abcdef", Layers: layers}
}

// cellArea is the area of a rectangle by the closed formula, which knows nothing
// of edges.
func cellArea(r rect) float64 {
	b := r.box()
	return geo.CellArea(b.Min.LonLat(), b.Max.LonLat())
}

// randomLand returns a land on a lattice of side points: squares that overlap,
// touch, coincide and lie in each other.
func randomLand(rng *rand.Rand, side, n int) land {
	l := land{}
	for _, name := range []string{"cropland", "pbf", "hsf"} {
		for range rng.IntN(n) {
			p := parcel{rect: randomRect(rng, side), patch: index.NoArea, net: index.NoArea}
			if c := rng.IntN(4); c > 0 {
				p.class = []string{"", "0101", "0102", "0103"}[c]
			}
			if name != "hsf" && rng.IntN(5) > 0 {
				p.net = int64(math.Round(cellArea(p.rect) * 93))
			}
			if name == "cropland" {
				p.patch = int64(math.Round(cellArea(p.rect) * 101))
			}
			l[name] = append(l[name], p)
		}
	}
	return l
}

func randomRect(rng *rand.Rand, side int) rect {
	x, y := rng.IntN(side), rng.IntN(side)
	return rect{x, y, x + 1 + rng.IntN(side-x), y + 1 + rng.IntN(side-y)}
}
