package extract_test

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/extract"
	"gengtu/index/geo"
	"gengtu/index/indextest"
	"gengtu/index/problem"
)

// The land is a square of 8 × 8 lots: four villages of 4 × 4 in two townships, west and
// east. Of each lot a patch is recorded; blocks of 3 × 3 lots, whose records tell no
// place, lie across the villages' borders.
const side = 8

func lot(x, y, w, h int) geo.Box {
	const step = 10_000_000 // 0.001 degree
	at := geo.Position{Lon: 1087e9 + int64(x)*step, Lat: 343e9 + int64(y)*step}
	return geo.Box{Min: at, Max: geo.Position{Lon: at.Lon + int64(w)*step, Lat: at.Lat + int64(h)*step}}
}

// size is the area of a box by the survey's formula, which no geometry goes into.
func size(b geo.Box) float64 { return geo.CellArea(b.Min.LonLat(), b.Max.LonLat()) }

func common(a, b geo.Box) float64 {
	c := geo.Box{
		Min: geo.Position{Lon: max(a.Min.Lon, b.Min.Lon), Lat: max(a.Min.Lat, b.Min.Lat)},
		Max: geo.Position{Lon: min(a.Max.Lon, b.Max.Lon), Lat: min(a.Max.Lat, b.Max.Lat)},
	}
	if c.Min.Lon >= c.Max.Lon || c.Min.Lat >= c.Max.Lat {
		return 0
	}
	return size(c)
}

func feature(id uint64, b geo.Box, place string, values ...any) index.Feature {
	f := index.Feature{ID: id, Geometry: geo.MultiPolygon{b.Polygon()}, AreaM2: size(b), Place: place, Values: values, Patch: index.NoArea, Net: index.NoArea}
	return f
}

func village(x, y int) string { return fmt.Sprintf("61040200%d20%d", 1+x/4, y/4) }

var villages = map[string]geo.Box{
	"610402001200": lot(0, 0, 4, 4), "610402001201": lot(0, 4, 4, 4), "610402002200": lot(4, 0, 4, 4), "610402002201": lot(4, 4, 4, 4),
}

// land is the edition of the land, with a lineage of all patches but one.
func land(t testing.TB) *index.Index {
	t.Helper()
	text := func(name string, code bool) edition.Field {
		return edition.Field{Name: name, Kind: edition.Text, Code: code}
	}
	area := func(name string) edition.Field { return edition.Field{Name: name, Kind: edition.Real} }
	dltb := edition.Layer{Name: "dltb", ParcelZoom: 13, Source: []string{"DLTB.shp"}, Fields: []edition.Field{
		text("BSM", true), text("DLBM", false), text("ZLDWDM", false), area("TBMJ"), area("KCMJ"), area("TBDLMJ"), area("KCXS"),
	}}
	dir := t.TempDir()
	w := index.NewWriter(filepath.Join(dir, edition.FeaturesFile))
	var links []index.Link
	for _, vintage := range []string{"2023", "2024"} {
		dltb.Vintage = vintage
		to := w.Layer(dltb)
		for y := range side {
			for x := range side {
				b := lot(x, y, 1, 1)
				f := feature(uint64(1000+y*side+x), b, village(x, y), fmt.Sprintf("610402%012d", y*side+x), []string{"0101", "0301"}[(x+y)%2], village(x, y)+"0000000", 100.0, 4.5, 95.5, 0.1)
				f.Patch, f.Net = 10_000, 9_550
				add(t, to, &f)
				if vintage == "2024" {
					links = append(links, index.Link{From: f.ID, To: f.ID, Area: 10_000})
				}
			}
		}
		w.View(edition.Layer{Name: "cropland", Vintage: vintage, ParcelZoom: 12, View: &edition.View{Of: "dltb", Field: "DLBM", Prefix: "01"}, Fields: dltb.Fields})
	}
	links = append(links, index.Link{From: 1000, To: 1007, Area: 5}) // from the south-west corner to the south-east
	w.Lineage(index.NewLineage("dltb", "2023", "2024", links))
	hsf := w.Layer(edition.Layer{Name: "hsf", Vintage: "2024", PatchWithheldM2: 6, NetWithheldM2: 5, Fields: []edition.Field{text("BSM", true), area("MJ"), {Name: "JSMJ", Kind: edition.Integer}, text("XMMC", false)}})
	for i, at := range blocks {
		b := lot(at[0], at[1], 3, 3)
		f := feature(uint64(2000+i), b, blockVillage[i], blockVillage[i]+fmt.Sprint(i), 900.0, int64(10_000), "项目")
		f.Patch = 90_000
		if i == computedBlock {
			f.Patch = index.Computed(90_000)
		}
		add(t, hsf, &f)
	}
	region := w.Layer(edition.Layer{Name: "region", Vintage: "2024", Fields: []edition.Field{text("XZQDM", true), text("XZQMC", false)}})
	id := uint64(3000)
	for code, b := range villages {
		f := feature(id, b, code, code, "村"+code)
		add(t, region, &f)
		id++
	}
	for code, b := range map[string]geo.Box{"610402001": lot(0, 0, 4, side), "610402002": lot(4, 0, 4, side), "610402": lot(0, 0, side, side)} {
		f := feature(id, b, code, code, "镇"+code)
		add(t, region, &f)
		id++
	}
	m := &edition.Manifest{Tier: edition.Secure, BuiltZooms: [2]int{5, 14}, MaxZoom: 18, Policy: edition.Policy{Digest: "d"}}
	var err error
	if m.Layers, err = w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return indextest.Open(t, dir, m)
}

// computedBlock is the block whose record has no area.
const computedBlock = 2

// Blocks, and where most of each lies.
var (
	blocks       = [][2]int{{0, 0}, {2, 1}, {3, 0}, {3, 3}, {5, 5}}
	blockVillage = []string{"610402001200", "610402001200", "610402002200", "610402002201", "610402002201"}
)

func add(t testing.TB, w *index.LayerWriter, f *index.Feature) {
	t.Helper()
	if err := w.Add(f); err != nil {
		t.Fatal(err)
	}
}

// write makes the edition of a scope and returns it opened, with the digest of its
// content.
func write(t testing.TB, from *index.Index, s extract.Scope) (*index.Index, *extract.Report, string) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, edition.FeaturesFile)
	m, report, err := extract.Write(t.Context(), from, s, index.NewWriter(path))
	if err != nil {
		t.Fatal(err)
	}
	if err := index.Seal(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	digest, err := index.ContentDigest(path)
	if err != nil {
		t.Fatal(err)
	}
	return indextest.Open(t, dir, m), report, digest
}

// all returns the features of a layer by id; none of a layer that is not there.
func all(t testing.TB, ix *index.Index, name, vintage string) map[uint64]index.Feature {
	t.Helper()
	out := map[uint64]index.Feature{}
	l := ix.Layer(name, vintage)
	if l == nil {
		return out
	}
	for i := range l.Len() {
		f, err := l.Feature(i)
		if err != nil {
			t.Fatal(err)
		}
		out[f.ID] = f
	}
	return out
}

// Of a place come the patches whose record says so, as they are, the blocks cut at its
// border with their shares, and the regions of the place and inside it. What the places
// of the land get adds up to the land.
func TestPlaces(t *testing.T) {
	from := land(t)
	sums := map[uint64]float64{}
	patches := map[uint64]int64{}
	for code, box := range villages {
		ix, report, _ := write(t, from, extract.Scope{Places: []string{code}})
		for _, vintage := range []string{"2023", "2024"} {
			got, want := all(t, ix, "dltb", vintage), all(t, from, "dltb", vintage)
			for id, f := range want {
				if f.Place != code {
					delete(want, id)
				}
			}
			if d := cmp.Diff(want, got); d != "" || len(got) != 16 {
				t.Errorf("%s: patches of %s: %s", code, vintage, d)
			}
			if v := ix.Layer("cropland", vintage); v == nil || v.Meta.View == nil || v.Len() != 8 || v.Meta.ParcelZoom != 12 {
				t.Errorf("%s: cropland %+v", code, v)
			}
		}
		for id, f := range all(t, ix, "region", "") {
			if f.Place != code {
				t.Errorf("%s: region %d of %s", code, id, f.Place)
			}
		}
		got, whole := all(t, ix, "hsf", ""), all(t, from, "hsf", "")
		for i, at := range blocks {
			id, ground := uint64(2000+i), common(lot(at[0], at[1], 3, 3), box)
			f, ok := got[id]
			if ok != (ground > 0) {
				t.Errorf("%s: block %d is there: %v", code, i, ok)
			}
			if !ok {
				continue
			}
			part := ground / whole[id].AreaM2
			if i == computedBlock {
				if c, ok := index.ComputedOf(f.Patch); !ok || c != int64(math.Round(90_000*part)) || f.Values[1] != nil && part < 1-1e-9 {
					t.Errorf("%s: block %d has %d computed, %v", code, i, c, f.Values)
				}
				continue
			}
			sums[id] += f.AreaM2
			patches[id] += f.Patch
			if math.Abs(f.AreaM2-ground) > 1e-3 || f.Patch != int64(math.Round(90_000*part)) || f.Net != index.NoArea || f.Place != code || !box.Contains(f.Geometry.Box()) {
				t.Errorf("%s: block %d has %.4f m² of %.4f, %d of record, place %s", code, i, f.AreaM2, ground, f.Patch, f.Place)
			}
			// Areas of the whole are no areas of a part.
			if inside := part > 1-1e-9; (f.Values[1] != nil) != inside || (f.Values[2] != nil) != inside {
				t.Errorf("%s: block %d has the values %v", code, i, f.Values)
			}
		}
		if n := report.Features(); n != 32+len(got)+1 {
			t.Errorf("%s: %d features are told of", code, n)
		}
		for i := range ix.Manifest.Layers {
			if ix.Manifest.Layers[i].Source != nil {
				t.Errorf("%s: sources are told", code)
			}
		}
	}
	for id, f := range all(t, from, "hsf", "") {
		if id != 2000+computedBlock && (math.Abs(sums[id]-f.AreaM2) > 1e-3 || math.Abs(float64(patches[id]-f.Patch)) > 2) {
			t.Errorf("block %d: its pieces have %.4f m² of %.4f, %d of %d", id, sums[id], f.AreaM2, patches[id], f.Patch)
		}
	}
}

// Two villages of two townships, and a township with its villages.
func TestPlacesTogether(t *testing.T) {
	from := land(t)
	for _, c := range []struct {
		places  []string
		boxes   []geo.Box
		regions int
	}{
		{[]string{"610402001200", "610402002201"}, []geo.Box{lot(0, 0, 4, 4), lot(4, 4, 4, 4)}, 2},
		{[]string{"610402002"}, []geo.Box{lot(4, 0, 4, side)}, 3},
		{[]string{"610402002", "610402002200"}, []geo.Box{lot(4, 0, 4, side)}, 3},
		{[]string{"6104"}, []geo.Box{lot(0, 0, side, side)}, 7},
	} {
		ix, _, _ := write(t, from, extract.Scope{Places: c.places})
		if n := len(all(t, ix, "region", "")); n != c.regions {
			t.Errorf("%v: %d regions, want %d", c.places, n, c.regions)
		}
		got := all(t, ix, "hsf", "")
		for i, at := range blocks {
			want := 0.0
			for _, b := range c.boxes {
				want += common(lot(at[0], at[1], 3, 3), b)
			}
			if f := got[uint64(2000+i)]; math.Abs(f.AreaM2-want) > 1e-3 {
				t.Errorf("%v: block %d has %.4f m², want %.4f", c.places, i, f.AreaM2, want)
			}
		}
	}
}

// An area cuts every layer, and the areas of a patch's record with it.
func TestArea(t *testing.T) {
	from := land(t)
	box := geo.Box{Min: geo.Position{Lon: lot(1, 1, 1, 1).Min.Lon + 2_500_000, Lat: lot(1, 1, 1, 1).Min.Lat + 1_000_000}, Max: lot(5, 2, 1, 1).Max}
	area, err := extract.ParseArea(string(geo.AppendGeoJSON(nil, geo.MultiPolygon{box.Polygon()})))
	if err != nil {
		t.Fatal(err)
	}
	ix, _, _ := write(t, from, extract.Scope{Area: area})
	for _, name := range []string{"dltb", "hsf", "region"} {
		got := all(t, ix, name, "")
		for id, f := range all(t, from, name, "") {
			ground := common(f.Geometry.Box(), box)
			g, ok := got[id]
			if ok != (ground > 0) || math.Abs(g.AreaM2-ground) > 2e-3 || ok && !box.Contains(g.Geometry.Box()) {
				t.Errorf("%s %d: %v, %.4f m², want %.4f", name, id, ok, g.AreaM2, ground)
			}
			if name != "dltb" || !ok {
				continue
			}
			part := ground / f.AreaM2
			if part > 1-1e-9 {
				if d := cmp.Diff(f, g); d != "" {
					t.Errorf("patch %d: %s", id, d)
				}
				continue
			}
			patch, net := math.Round(10_000*part), math.Round(9_550*part)
			want := []any{f.Values[0], f.Values[1], f.Values[2], nil, nil, nil, 0.1}
			if d := cmp.Diff(want, g.Values); d != "" || float64(g.Patch) != patch || float64(g.Net) != net || g.Place != f.Place {
				t.Errorf("patch %d, %.4f of it: %s", id, part, d)
			}
		}
	}
}

// A scope of layers has those alone: a view becomes a layer of its own, with the ids of
// its source, and keeps what of the lineage is its own.
func TestLayers(t *testing.T) {
	from := land(t)
	ix, _, _ := write(t, from, extract.Scope{Layers: []string{"cropland"}, Places: []string{"610402001200"}})
	if d := cmp.Diff([]string{"cropland"}, ix.Names()); d != "" {
		t.Error(d)
	}
	got, want := all(t, ix, "cropland", ""), all(t, from, "cropland", "")
	for id, f := range want {
		if f.Place != "610402001200" {
			delete(want, id)
		}
	}
	if d := cmp.Diff(want, got); d != "" || len(got) != 8 {
		t.Error(d)
	}
	g := ix.Lineage(ix.Layer("cropland", ""), "2023", "2024")
	if g == nil {
		t.Fatal("the lineage is lost")
	}
	for _, k := range g.Links() {
		_, from := got[k.From]
		_, to := got[k.To]
		if k.From != 0 && !from || k.To != 0 && !to || k == (index.Link{From: 1000, To: 1007, Area: 5}) {
			t.Errorf("the link %+v leads out", k)
		}
	}
	if d := cmp.Diff([]index.Link{{From: 1000, To: 0, Area: 5}, {From: 1000, To: 1000, Area: 10_000}}, g.Successors(1000)); d != "" {
		t.Error(d)
	}
	whole, _, _ := write(t, from, extract.Scope{Layers: []string{"hsf"}})
	if m := whole.Layer("hsf", "").Meta; m.PatchWithheldM2 != 6 || m.NetWithheldM2 != 5 {
		t.Errorf("a whole layer withholds %v and %v", m.PatchWithheldM2, m.NetWithheldM2)
	}
	part, _, _ := write(t, from, extract.Scope{Layers: []string{"hsf"}, Places: []string{"610402001200"}})
	if m := part.Layer("hsf", "").Meta; m.PatchWithheldM2 != 0 || m.NetWithheldM2 != 0 {
		t.Errorf("a place tells what the whole layer withholds: %v and %v", m.PatchWithheldM2, m.NetWithheldM2)
	}
	if d := cmp.Diff(all(t, from, "hsf", ""), all(t, whole, "hsf", "")); d != "" || len(whole.Manifest.Layers) != 1 {
		t.Error(d)
	}
}

// A place without outline has what its records say; one that nothing lies in is told.
func TestNoRegion(t *testing.T) {
	from := land(t)
	ix, _, _ := write(t, from, extract.Scope{Places: []string{"610402001200"}})
	alone, _, _ := write(t, ix, extract.Scope{Layers: []string{"dltb", "hsf"}})
	again, _, _ := write(t, alone, extract.Scope{Places: []string{"610402001200"}})
	if d := cmp.Diff(all(t, alone, "hsf", ""), all(t, again, "hsf", "")); d != "" {
		t.Error(d)
	}
	for _, s := range []extract.Scope{{Places: []string{"999999"}}, {Layers: []string{"soil"}}, {Places: []string{"610402001201"}, Layers: []string{"pbf"}}} {
		w := index.NewWriter(filepath.Join(t.TempDir(), edition.FeaturesFile))
		_, _, err := extract.Write(t.Context(), from, s, w)
		if p := problem.Of(err); p == nil || p.Code != "SCOPE_EMPTY" {
			t.Errorf("%+v: %v", s, err)
		}
		if err := w.Abandon(); err != nil {
			t.Error(err)
		}
	}
}

// The content is the same for any number of processors.
func TestSameContent(t *testing.T) {
	from := land(t)
	s := extract.Scope{Places: []string{"610402001"}}
	_, _, want := write(t, from, s)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	for range 3 {
		if _, _, got := write(t, from, s); got != want {
			t.Fatal("another content")
		}
	}
}

func TestParseArea(t *testing.T) {
	for text, code := range map[string]string{
		`{"type":"Polygon","coordinates":[[[108.6,34.3],[108.7,34.3],[108.7,34.4],[108.6,34.3]]]}`:                         "",
		`{"type":"Point","coordinates":[108.6,34.3]}`:                                                                      "GEOMETRY_REFUSED",
		`{"type":"FeatureCollection","features":[]}`:                                                                       "SCOPE_AREA",
		`{"type":"Polygon","coordinates":[]}`:                                                                              "SCOPE_AREA",
		`{"type":"Polygon","coordinates":[[[36500000,3800000],[36500100,3800000],[36500100,3800100],[36500000,3800000]]]}`: "CRS_MISMATCH",
		`{"type":"Polygon","coordinates":[[[108.6,34.3],[108.7,34.3],[108.6,34.3]]]}`:                                      "SCOPE_AREA",
		`x`: "GEOJSON_SYNTAX",
	} {
		area, err := extract.ParseArea(text)
		got := ""
		if p := problem.Of(err); p != nil {
			got = p.Code
		} else if err != nil {
			got = err.Error()
		}
		if got != code && !(code != "" && strings.HasPrefix(got, "GEO")) || (err == nil) != (len(area) > 0) {
			t.Errorf("%s: %v, %d polygons, want %q", text, err, len(area), code)
		}
	}
}

// Whatever is read is ground that can be cut with, and is read again as it is.
func FuzzParseArea(f *testing.F) {
	f.Add(`{"type":"Polygon","coordinates":[[[108.6,34.3],[108.7,34.3],[108.7,34.4],[108.6,34.3]]]}`)
	f.Add(`{"type":"MultiPolygon","coordinates":[[[[0,0],[2,0],[2,2],[0,2],[0,0]],[[1,1],[1,2],[2,2],[1,1]]]]}`)
	f.Fuzz(func(t *testing.T, text string) {
		area, err := extract.ParseArea(text)
		if err != nil {
			if problem.Of(err) == nil {
				t.Fatal(err)
			}
			return
		}
		again, err := extract.ParseArea(string(geo.AppendGeoJSON(nil, area)))
		if err != nil || !cmp.Equal(area, again) {
			t.Fatal(errors.Join(errors.New("read otherwise the second time"), err))
		}
	})
}
