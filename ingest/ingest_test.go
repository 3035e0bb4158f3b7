package ingest_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/indextest"
	"gengtu/index/overlay"
	"gengtu/index/problem"
	"gengtu/ingest"
)

// delivered returns the path of a delivered file.
func delivered(t *testing.T, elem ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{"..", "..", "shared", "data"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the test data are not there: %v", err)
	}
	return path
}

// record is one feature of a delivery made here: its geometry as GeoJSON and its
// attributes.
type record struct {
	geometry string
	values   map[string]any
}

// at returns a square of the given side in degrees, with its south-west corner
// x and y sides from 108.6, 34.3.
func at(x, y, side float64) string {
	a, b := 108.6+x*side, 34.3+y*side
	return fmt.Sprintf(`{"type":"Polygon","coordinates":[[[%.9f,%.9f],[%.9f,%.9f],[%.9f,%.9f],[%.9f,%.9f],[%.9f,%.9f]]]}`,
		a, b, a+side, b, a+side, b+side, a, b+side, a, b)
}

const (
	bowtie  = `{"type":"Polygon","coordinates":[[[108.61,34.31],[108.612,34.312],[108.612,34.31],[108.61,34.313],[108.61,34.31]]]}`
	flat    = `{"type":"Polygon","coordinates":[[[108.61,34.31],[108.612,34.31],[108.614,34.31],[108.61,34.31]]]}`
	metres  = `{"type":"Polygon","coordinates":[[[36500000,3800000],[36500100,3800000],[36500100,3800100],[36500000,3800000]]]}`
	nothing = `null`
	// twice breaks a rule in two of its parts.
	twice = `{"type":"MultiPolygon","coordinates":[[[[108.62,34.31],[108.622,34.312],[108.622,34.31],[108.62,34.313],[108.62,34.31]]],` +
		`[[[108.63,34.31],[108.632,34.312],[108.632,34.31],[108.63,34.313],[108.63,34.31]]]]}`
)

// deliver writes records as GeoJSON in EPSG:4490 and returns its path.
func deliver(t *testing.T, name string, records ...record) string {
	t.Helper()
	features := []any{}
	for _, r := range records {
		features = append(features, map[string]any{"type": "Feature", "geometry": json.RawMessage(r.geometry), "properties": r.values})
	}
	text, err := json.Marshal(map[string]any{
		"type": "FeatureCollection", "features": features,
		"crs": map[string]any{"type": "name", "properties": map[string]any{"name": "urn:ogc:def:crs:EPSG::4490"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// result is what an ingest gave.
type result struct {
	layers []edition.Layer
	report *ingest.Report
	ix     *index.Index
	hash   string
}

// take ingests inputs written as for --layer.
func take(t *testing.T, opt ingest.Options, inputs ...string) (result, error) {
	t.Helper()
	dir := t.TempDir()
	var in []ingest.Input
	for _, text := range inputs {
		i, err := ingest.ParseInput(text, "2024", func(string) bool { return false })
		if err != nil {
			t.Fatal(err)
		}
		in = append(in, i)
	}
	path := filepath.Join(dir, edition.FeaturesFile)
	var r result
	var err error
	r.layers, r.report, err = ingest.Run(t.Context(), in, path, opt)
	if err != nil {
		if _, serr := os.Stat(path); serr == nil {
			t.Errorf("a failed run leaves a features file (%v)", err)
		}
		return r, err
	}
	balanced(t, r.report)
	r.ix = indextest.Open(t, dir, &edition.Manifest{Tier: edition.Secure, Layers: r.layers})
	r.hash = indextest.ContentHash(t, path)
	return r, nil
}

func mustTake(t *testing.T, inputs ...string) result {
	t.Helper()
	r, err := take(t, ingest.Options{}, inputs...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// balanced holds a report against itself: nothing read may be missing from what
// was kept, refused and left out, and each change of area is listed.
func balanced(t *testing.T, rep *ingest.Report) {
	t.Helper()
	for _, l := range rep.Layers {
		out, outArea := 0, 0.0
		if l.Layer == "cropland" {
			for _, c := range l.LeftOut {
				out, outArea = out+c.Features, outArea+c.AreaM2
			}
		}
		if l.Read != l.Kept+l.Refused+l.NoArea+out {
			t.Errorf("%s: read %d, kept %d, refused %d, left out %d", l.Layer, l.Read, l.Kept, l.Refused, out)
		}
		if d := l.AreaIn - l.AreaOut - l.AreaRefused - outArea - l.AreaMending; math.Abs(d) > 1e-9*max(l.AreaIn, 1) {
			t.Errorf("%s: %.6f m² are not told of", l.Layer, d)
		}
		sources, diff := 0, 0.0
		mended, refused := map[string]bool{}, map[string]bool{}
		for _, s := range l.Sources {
			sources += s.Read
		}
		for _, f := range l.Findings {
			at := fmt.Sprintf("%s %d", f.File, f.Record)
			switch f.Action {
			case ingest.Mended:
				mended[at] = true
				diff += f.AreaBefore - f.AreaAfter
			case ingest.Refused:
				refused[at] = true
			}
			if f.File == "" || f.Record == 0 || f.Code == "" {
				t.Errorf("%s: a finding without place: %v", l.Layer, f.Problem)
			}
		}
		if sources != l.Read || len(mended) != l.Mended || len(refused) != l.Refused || math.Abs(diff-l.AreaMending) > 1e-9*max(l.AreaIn, 1) {
			t.Errorf("%s: files read %d of %d; %d mended and %d refused are listed of %d and %d; %.6f m² of mending of %.6f",
				l.Layer, sources, l.Read, len(mended), len(refused), l.Mended, l.Refused, diff, l.AreaMending)
		}
	}
}

func layer(t *testing.T, rep *ingest.Report, name string) *ingest.LayerReport {
	t.Helper()
	for _, l := range rep.Layers {
		if l.Layer == name {
			return l
		}
	}
	t.Fatalf("no report of %s", name)
	return nil
}

// codes lists record:CODE:action of what was found.
func codes(l *ingest.LayerReport) string {
	var out []string
	for _, f := range l.Findings {
		out = append(out, fmt.Sprintf("%d:%s:%s", f.Record, f.Code, f.Action))
	}
	return strings.Join(out, " ")
}

func code(err error) string {
	if p := problem.Of(err); p != nil {
		return p.Code
	}
	return fmt.Sprint(err)
}

// id53 is the contract's id, written down anew.
func id53(layer, key string) uint64 {
	sum := sha256.Sum256([]byte(layer + "\x00" + key))
	return binary.BigEndian.Uint64(sum[:8]) / (1 << 11)
}

// The county's delivery comes out with the figures that its maker states, each
// ring that crosses itself named by its BSM, and every geometry stored is one
// that needs no mending.
func TestDelivery(t *testing.T) {
	dir := func(f string) string { return delivered(t, "delivery", "2024", f) }
	r := mustTake(t, "dltb="+dir("DLTB.shp"), "pbf="+dir("YJJBNTTB.gpkg"), "hsf="+dir("GBZNT.geojson"), "region="+dir("XZQ.fgb"))
	d := layer(t, r.report, "dltb")
	if c := d.Cropland; c == nil || c.Features != 9608 || c.PatchM2 != 61904860.22 || c.NetM2 != 58810147.44 {
		t.Errorf("cropland is %+v", d.Cropland)
	}
	out := 0
	for _, c := range d.LeftOut {
		out += c.Features
		if strings.HasPrefix(c.Class, "01") {
			t.Errorf("class %s is left out of cropland", c.Class)
		}
	}
	if out != 10000-9608 {
		t.Errorf("%d patches are listed as no cropland", out)
	}
	for _, f := range d.Findings {
		if f.Action == ingest.Mended && (len(f.Key) != 18 || f.AreaAfter == 0) {
			t.Errorf("a mended feature without its BSM or areas: %+v", f)
		}
	}
	if d.Mended == 0 || d.Refused != 0 {
		t.Errorf("mended %d, refused %d", d.Mended, d.Refused)
	}
	crop := r.ix.Layer("cropland", "2024")
	if crop.Len() != 9608 || *crop.Meta.PatchM2 != 61904860.22 || *crop.Meta.NetM2 != 58810147.44 {
		t.Errorf("the view has %d features, %v, %v", crop.Len(), *crop.Meta.PatchM2, *crop.Meta.NetM2)
	}
	for _, name := range []string{"dltb", "pbf", "hsf", "region"} {
		l := r.ix.Layer(name, "")
		for i := range l.Len() {
			f, err := l.Feature(i)
			if err != nil {
				t.Fatal(err)
			}
			if _, found, err := overlay.Mend(f.Geometry); err != nil || len(found) > 0 {
				t.Fatalf("%s %d is stored as it should not be: %v, %v", name, f.ID, found, err)
			}
			key := "BSM"
			if name == "region" {
				key = "XZQDM"
			}
			bsm, _ := f.Values[l.Field(key)].(string)
			if f.ID != id53(name, bsm) {
				t.Fatalf("%s %s has the id %d, want %d", name, bsm, f.ID, id53(name, bsm))
			}
			if f.Place == "" {
				t.Fatalf("%s %s has no place", name, bsm)
			}
			if name == "dltb" && math.Abs(float64(f.Patch)/100-f.AreaM2) > 0.02+1e-6*f.AreaM2 && !named(d, bsm) {
				t.Fatalf("patch %s measures %.4f, its record says %d", bsm, f.AreaM2, f.Patch)
			}
		}
	}
}

func named(l *ingest.LayerReport, key string) bool {
	for _, f := range l.Findings {
		if f.Key == key {
			return true
		}
	}
	return false
}

// Real parcels whose file knows neither BSM nor DLBM are cropland as a whole, the
// report says so, and each has an id of its own.
func TestRealParcels(t *testing.T) {
	r := mustTake(t, "cropland="+delivered(t, "nl_parcels", "fields_4490.gpkg"))
	l := layer(t, r.report, "cropland")
	if l.Read != 4872 || l.Kept+l.Refused != 4872 || len(l.LeftOut) != 0 {
		t.Errorf("read %d, kept %d, refused %d, left out %v", l.Read, l.Kept, l.Refused, l.LeftOut)
	}
	if len(l.Notes) != 1 || l.Notes[0].Code != "CROPLAND_WHOLE" {
		t.Errorf("notes %v", l.Notes)
	}
	again := mustTake(t, "cropland@2019="+delivered(t, "nl_parcels", "fields_4490.gpkg"))
	a, b := r.ix.Layer("cropland", ""), again.ix.Layer("cropland", "")
	for i := range a.Len() {
		if _, ok := b.ByID(a.Head(i).ID); !ok {
			t.Fatalf("feature %d has another id in another vintage", a.Head(i).ID)
		}
	}
}

// Whatever is wrong with a record, it is told of by its number and key, and the
// others are not touched.
func TestFindings(t *testing.T) {
	good := func(bsm any) record { return record{at(0, 0, 0.001), map[string]any{"BSM": bsm, "DLBM": "0101"}} }
	path := deliver(t, "d.geojson",
		good("1"),
		record{bowtie, map[string]any{"BSM": "2", "DLBM": "0101"}},
		record{nothing, map[string]any{"BSM": "3", "DLBM": "0101"}},
		record{flat, map[string]any{"BSM": "4", "DLBM": "0101"}},
		record{metres, map[string]any{"BSM": "5", "DLBM": "0101"}},
		good("1"),
		record{at(1, 1, 0.001), map[string]any{"BSM": nil, "DLBM": "0101"}},
		record{at(1, 1, 0.001), map[string]any{"BSM": "  ", "DLBM": "0101"}},
		record{at(2, 1, 0.001), map[string]any{"BSM": "9", "DLBM": "0101", "TBMJ": -3.1}},
		record{at(3, 1, 0.001), map[string]any{"BSM": "10", "DLBM": "0101", "TBMJ": "many"}},
		record{`{"type":"Point","coordinates":[1,2]}`, map[string]any{"BSM": "11", "DLBM": "0101"}},
		record{twice, map[string]any{"BSM": "12", "DLBM": "0101"}},
	)
	r := mustTake(t, "dltb="+path)
	l := layer(t, r.report, "dltb")
	want := "2:RING_SELF_CROSSING:mended 3:GEOMETRY_MISSING:refused 4:GEOMETRY_EMPTY:refused 5:COORDINATE:refused " +
		"6:DUPLICATE:refused 8:DUPLICATE:refused 9:RECORD_AREA:noted 10:VALUE_TYPE:noted 10:RECORD_AREA:noted 11:SOURCE_GEOMETRY_TYPE:refused " +
		"12:RING_SELF_CROSSING:mended 12:RING_SELF_CROSSING:mended"
	if got := codes(l); got != want {
		t.Errorf("found\n%s, want\n%s", got, want)
	}
	for _, f := range l.Findings {
		if want := fmt.Sprint(f.Record); f.Record < 7 && f.Record != 6 && f.Key != want || f.Record == 6 && f.Key != "1" {
			t.Errorf("record %d is called %q", f.Record, f.Key)
		}
		if f.Record == 2 && math.Abs(f.AreaBefore-f.AreaAfter) < 100 {
			t.Errorf("mending a bow tie changes its area from %v to %v", f.AreaBefore, f.AreaAfter)
		}
		if f.Code == "RECORD_AREA" && f.Record == 9 && !strings.Contains(f.Text(problem.English), "TBMJ holds -3.1,") {
			t.Errorf("an area that is none is told as %s", f.Text(problem.English))
		}
		if f.Code == "COORDINATE" && !strings.Contains(f.Text(problem.Chinese), "EPSG:4524") {
			t.Errorf("no zone is proposed: %s", f.Text(problem.Chinese))
		}
	}
	d := r.ix.Layer("dltb", "")
	if d.Len() != 6 || d.Meta.PatchM2 != nil {
		t.Errorf("%d features with %v m² of record", d.Len(), d.Meta.PatchM2)
	}
	found, err := d.ByCode("10", 2)
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	f, err := d.Feature(found[0])
	if err != nil || f.Values[d.Field("TBMJ")] != "many" {
		t.Errorf("the value that is no number is %v, %v", f.Values, err)
	}

	// Strict: the same faults, and nothing stored.
	s, err := take(t, ingest.Options{Strict: true}, "dltb="+path)
	if !errors.Is(err, ingest.ErrStrict) || len(s.layers) > 0 {
		t.Errorf("strict: %v", err)
	}
	if got := codes(layer(t, s.report, "dltb")); !strings.Contains(got, "2:RING_SELF_CROSSING:refused") || strings.Contains(got, "mended") {
		t.Errorf("strict finds %s", got)
	}
	if _, err := take(t, ingest.Options{Strict: true}, "dltb="+deliver(t, "g.geojson", good("1"))); err != nil {
		t.Errorf("strict fails on what is in order: %v", err)
	}
}

// A file none of whose records can be taken fails the run, with the reason.
func TestNothingKept(t *testing.T) {
	path := deliver(t, "m.geojson", record{metres, map[string]any{"BSM": "1"}}, record{metres, map[string]any{"BSM": "2"}})
	_, err := take(t, ingest.Options{}, "dltb="+path)
	p := problem.Of(err)
	if p == nil || p.Code != "NOTHING_KEPT" || p.File != path {
		t.Fatalf("got %v", err)
	}
	for _, lang := range []problem.Lang{problem.Chinese, problem.English} {
		if text := p.Text(lang); !strings.Contains(text, "--crs EPSG:4524") || !strings.Contains(text, "2") || strings.Contains(text, "%!") {
			t.Errorf("it says %s", text)
		}
	}
	twice := deliver(t, "t.geojson", record{at(0, 0, 0.001), map[string]any{"BSM": "1"}})
	if _, err := take(t, ingest.Options{}, "dltb="+twice, "dltb="+twice); code(err) != "NOTHING_KEPT" {
		t.Errorf("a file given twice: %v", err)
	}
	empty := deliver(t, "e.geojson")
	r := mustTake(t, "hsf="+empty)
	if l := r.ix.Layer("hsf", ""); l == nil || l.Len() != 0 {
		t.Error("a file without records is no empty layer")
	}
}

// Only DLBM 01… is cropland; the rest is counted and listed, blanks too.
func TestCropland(t *testing.T) {
	var records []record
	for i, c := range []any{"0101", "0102", "0103", "0201K", "0301", "", nil, " 0101 ", "10", 101} {
		records = append(records, record{at(float64(i), 0, 0.001), map[string]any{"BSM": fmt.Sprint("k", i), "DLBM": c, "TBMJ": 100.25}})
	}
	// What is not cropland is not judged either.
	records = append(records, record{bowtie, map[string]any{"BSM": "b", "DLBM": "1001", "TBMJ": 1}})
	path := deliver(t, "d.geojson", records...)
	want := map[string]int{"": 2, "0201K": 1, "0301": 1, "10": 1, "101": 1, "1001": 1}
	for _, name := range []string{"dltb", "cropland"} {
		r := mustTake(t, name+"="+path)
		l := layer(t, r.report, name)
		got := map[string]int{}
		for _, c := range l.LeftOut {
			got[c.Class] = c.Features
			if c.Class == "0301" && c.PatchM2 != 100.25 {
				t.Errorf("%s: %v m² of 0301", name, c.PatchM2)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: left out %v, want %v", name, got, want)
		}
		crop := r.ix.Layer("cropland", "")
		if crop.Len() != 4 || *crop.Meta.PatchM2 != 401 {
			t.Errorf("%s: cropland has %d features and %v m²", name, crop.Len(), *crop.Meta.PatchM2)
		}
		if (name == "dltb") != (r.ix.Layer("dltb", "") != nil) {
			t.Errorf("%s brings layers %v", name, r.ix.Names())
		}
		if i, ok := crop.ByID(id53(name, "k7")); !ok {
			t.Errorf("%s: the patch with blanks around its class is not there (%d)", name, i)
		}
	}

	// One file with classes and one without: each by its own rule.
	plain := deliver(t, "plain.geojson", record{at(20, 0, 0.001), map[string]any{"BSM": "p"}})
	r := mustTake(t, "cropland="+path, "cropland="+plain)
	l := layer(t, r.report, "cropland")
	if l.Kept != 5 || len(l.Notes) != 1 || l.Notes[0].Code != "CROPLAND_WHOLE" || l.Notes[0].File != plain {
		t.Errorf("kept %d, notes %v", l.Kept, l.Notes)
	}
	r = mustTake(t, "dltb="+plain)
	if l := layer(t, r.report, "dltb"); len(l.Notes) != 1 || l.Notes[0].Code != "CROPLAND_UNTOLD" || r.ix.Layer("cropland", "") != nil {
		t.Errorf("a dltb without classes: %v", l.Notes)
	}
	if _, err := take(t, ingest.Options{}, "dltb="+path, "cropland="+path); code(err) != "CROPLAND_TWICE" {
		t.Errorf("dltb and cropland: %v", err)
	}
}
