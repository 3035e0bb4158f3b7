package tileserver_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/tileserver/tileset"
)

// The landscape of the tests: a field of squares of some 100 m around this
// place, whose south-west corner is on a lattice of lots.
var corner = geo.Position{Lon: 108_7000000000, Lat: 34_3000000000}

const (
	lot  = 10_000_000 // units of 1e-10 degree
	lots = 8          // along each side
)

// lotBox is the box from lattice point x0, y0 to x1, y1.
func lotBox(x0, y0, x1, y1 int) geo.Box {
	at := func(x, y int) geo.Position {
		return geo.Position{Lon: corner.Lon + int64(x)*lot, Lat: corner.Lat + int64(y)*lot}
	}
	return geo.Box{Min: at(x0, y0), Max: at(x1, y1)}
}

func lotArea(x0, y0, x1, y1 int) float64 {
	b := lotBox(x0, y0, x1, y1)
	return geo.CellArea(b.Min.LonLat(), b.Max.LonLat())
}

// farm is an edition in the making.
type farm struct {
	tier    edition.Tier
	variant string // part of the content: another variant, another generation
	policy  edition.Policy
	maxZoom int
	layers  []farmLayer
}

type farmLayer struct {
	meta     edition.Layer
	features []index.Feature
}

// newFarm is the landscape in one tier. Above public cropland, pbf and hsf have
// fields and areas of record; in public they have none, as after publish.
func newFarm(tier edition.Tier) *farm {
	f := &farm{
		tier: tier, maxZoom: 18,
		policy: edition.Policy{
			Name: "test", Digest: "d", Pieces: tier != edition.Public,
			Use: edition.Title{Zh: "用途", En: "use"}, Disclaimer: edition.Title{Zh: "示意", En: "sketch"}, Approval: "GS(2024)0001",
		},
	}
	if tier == edition.Public {
		f.maxZoom = 14
		f.policy.MaxAOIM2 = 25e6
	}
	for _, vintage := range []string{"2023", "2024"} {
		f.layers = append(f.layers, f.cropland(vintage))
	}
	f.layers = append(f.layers,
		f.block("pbf", edition.Title{Zh: "永久基本农田", En: "permanent basic farmland"}, lotBox(0, 0, 4, 4), "YJJBNTTBBH"),
		f.block("hsf", edition.Title{Zh: "高标准农田", En: "high-standard farmland"}, lotBox(2, 2, 6, 6), "XMMC"),
		f.regions())
	if tier != edition.Public {
		dltb := f.block("dltb", edition.Title{Zh: "地类图斑", En: "patches"}, lotBox(0, 0, lots, lots), "BSM")
		f.layers = append(f.layers, dltb)
	}
	return f
}

var classes = []string{"0101", "0102", "0103"}

// cropland is a square a lot, of which 2023 has one row less.
func (f *farm) cropland(vintage string) farmLayer {
	l := farmLayer{meta: edition.Layer{Name: "cropland", Vintage: vintage, Title: edition.Title{Zh: "耕地", En: "cropland"}}}
	if f.tier != edition.Public {
		l.meta.ClassField = "DLBM"
		l.meta.Fields = []edition.Field{
			{Name: "BSM", Kind: edition.Text, Title: "标识码", Known: true, Code: true},
			{Name: "DLBM", Kind: edition.Text, Title: "地类编码", Known: true, Tile: true},
			{Name: "KD", Kind: edition.Real},
		}
		if f.tier == edition.Secure {
			l.meta.Fields = append(l.meta.Fields, edition.Field{Name: "QSDWMC", Kind: edition.Text, Title: "权属单位", Personal: true})
		}
	}
	rows := lots
	if vintage == "2023" {
		rows--
	}
	for y := range rows {
		for x := range lots {
			b := lotBox(x, y, x+1, y+1)
			a := geo.CellArea(b.Min.LonLat(), b.Max.LonLat())
			ft := index.Feature{
				ID: uint64(1000 + y*lots + x), Geometry: geo.MultiPolygon{b.Polygon()}, AreaM2: a,
				Patch: index.NoArea, Net: index.NoArea, Place: fmt.Sprintf("61040200%d%03d", 1+x/4, 200+y/4),
			}
			if f.tier != edition.Public {
				ft.Patch, ft.Net = int64(math.Round(a*100)), int64(math.Round(a*93))
				ft.Values = []any{bsm(x, y), classes[(x+y)%3], math.NaN()}
			}
			if f.tier == edition.Secure {
				ft.Values = append(ft.Values, "张村"+f.variant)
			}
			l.features = append(l.features, ft)
		}
	}
	return l
}

// bsm is the business key of the lot; two lots of the last row share one.
func bsm(x, y int) string {
	if y == lots-1 && x == 1 {
		x = 0
	}
	return fmt.Sprintf("6104022100%08d", y*lots+x)
}

// block is a layer of one feature.
func (f *farm) block(name string, title edition.Title, b geo.Box, field string) farmLayer {
	a := geo.CellArea(b.Min.LonLat(), b.Max.LonLat())
	return farmLayer{
		meta: edition.Layer{Name: name, Vintage: "2024", Title: title, Fields: []edition.Field{{Name: field, Kind: edition.Text, Tile: true, Code: true}}},
		features: []index.Feature{{
			ID: 77, Geometry: geo.MultiPolygon{b.Polygon()}, AreaM2: a, Patch: int64(math.Round(a * 100)), Net: index.NoArea,
			Values: []any{name + "-1" + f.variant}, Place: "610402001",
		}},
	}
}

// regions are two townships, west and east, with two villages in each.
func (f *farm) regions() farmLayer {
	l := farmLayer{meta: edition.Layer{Name: "region", Vintage: "2024", Title: edition.Title{Zh: "行政区", En: "places"}, Fields: []edition.Field{
		{Name: "XZQDM", Kind: edition.Text, Tile: true, Code: true}, {Name: "XZQMC", Kind: edition.Text, Tile: true},
	}}}
	add := func(code, name string, b geo.Box) {
		l.features = append(l.features, index.Feature{
			ID: uint64(5000 + len(l.features)), Geometry: geo.MultiPolygon{b.Polygon()}, AreaM2: geo.CellArea(b.Min.LonLat(), b.Max.LonLat()),
			Patch: index.NoArea, Net: index.NoArea, Values: []any{code, name}, Place: code,
		})
	}
	add("610402001", "西镇", lotBox(0, 0, 4, lots))
	add("610402002", "东镇", lotBox(4, 0, lots, lots))
	if f.tier != edition.Public {
		add("610402001200", "西南村", lotBox(0, 0, 4, 4))
		add("610402001201", "西北村", lotBox(0, 4, 4, lots))
		add("610402002200", "东南村", lotBox(4, 0, lots, 4))
		add("610402002201", "东北村", lotBox(4, 4, lots, lots))
	}
	return l
}

// commit makes a generation of the farm in the edition at dir and returns its
// name. Two older ones are kept at most.
func (f *farm) commit(t testing.TB, dir string, keep int) string {
	t.Helper()
	d, err := edition.Begin(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Abort()
	w := index.NewWriter(d.File(edition.FeaturesFile))
	for _, l := range f.layers {
		lw := w.Layer(l.meta)
		for i := range l.features {
			if err := lw.Add(&l.features[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	m := &edition.Manifest{Tier: f.tier, Policy: f.policy, BuiltZooms: [2]int{10, 12}, MaxZoom: f.maxZoom, Program: "gengtu test"}
	if m.Layers, err = w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	ix, err := index.OpenFiles(d.File(""), m)
	if err != nil {
		t.Fatal(err)
	}
	built, err := tileset.Build(t.Context(), ix, d.File(edition.TilesFile), tileset.BuildOptions{MinZoom: m.BuiltZooms[0], MaxZoom: m.BuiltZooms[1]})
	if cerr := ix.Close(); err != nil || cerr != nil {
		t.Fatal(err, cerr)
	}
	m.Tiles = built.Counts
	sum := sha256.Sum256([]byte(f.variant + string(f.tier)))
	m.ContentHash = hex.EncodeToString(sum[:])
	if err := d.Commit(m, keep); err != nil {
		t.Fatal(err)
	}
	return m.Generation
}

// newEdition makes an edition of the tier and returns its directory and
// generation.
func newEdition(t testing.TB, tier edition.Tier) (dir, generation string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), string(tier))
	return dir, newFarm(tier).commit(t, dir, 2)
}

// codeOf is the code of err's problem, "" when it has none.
func codeOf(err error) string {
	if p := problem.Of(err); p != nil {
		return p.Code
	}
	return ""
}
