package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/profiles"
	"gengtu/ingest/source"
)

// ids returns the ids of a layer by a field's value.
func ids(t *testing.T, l *index.Layer, field string) map[string]uint64 {
	t.Helper()
	out := map[string]uint64{}
	for i := range l.Len() {
		f, err := l.Feature(i)
		if err != nil {
			t.Fatal(err)
		}
		out[fmt.Sprint(f.Values[l.Field(field)])] = f.ID
	}
	return out
}

// A key makes the id, whatever its type and the blanks around it; what has none
// is told apart by what it is; neither the vintage nor other files count.
func TestIdentity(t *testing.T) {
	records := []record{
		{at(0, 0, 0.001), map[string]any{"BSM": int64(610402211000000123), "NAME": "number"}},
		{at(1, 0, 0.001), map[string]any{"BSM": " 610402211000000124 ", "NAME": "blanks"}},
		{at(2, 0, 0.001), map[string]any{"BSM": nil, "NAME": "none", "AA": "x", "ZZ": "y"}},
		{at(3, 0, 0.001), map[string]any{"BSM": "", "NAME": "empty"}},
	}
	a := mustTake(t, "dltb="+deliver(t, "a.geojson", records...))
	got := ids(t, a.ix.Layer("dltb", ""), "NAME")
	for name, key := range map[string]string{"number": "610402211000000123", "blanks": "610402211000000124"} {
		if got[name] != id53("dltb", key) {
			t.Errorf("%s: id %d, want %d", name, got[name], id53("dltb", key))
		}
	}
	slices.Reverse(records)
	other := deliver(t, "0.geojson", record{at(9, 0, 0.001), map[string]any{"BSM": "9", "NAME": "other", "ZZ": "z", "DLBM": "0101"}})
	b := mustTake(t, "dltb@2019="+deliver(t, "b.geojson", records...), "dltb@2019="+other)
	again := ids(t, b.ix.Layer("dltb", ""), "NAME")
	delete(again, "other")
	if d := cmp.Diff(got, again); d != "" {
		t.Errorf("ids differ with the vintage, the order or another file: %s", d)
	}
}

// A weak key that several parts share takes the geometry in, for all of them
// alike, so that neither their order nor how many there are shows; a copy is
// refused.
func TestSharedKeys(t *testing.T) {
	part := func(x float64) record {
		return record{at(x, 0, 0.001), map[string]any{"XMBH": "P1", "NAME": fmt.Sprint(x)}}
	}
	single := record{at(9, 9, 0.001), map[string]any{"XMBH": "P2", "NAME": "single"}}
	a := mustTake(t, "hsf="+deliver(t, "a.geojson", part(1), single, part(2), part(3)))
	b := mustTake(t, "hsf="+deliver(t, "b.geojson", part(3), part(2), single, part(2)))
	ida, idb := ids(t, a.ix.Layer("hsf", ""), "NAME"), ids(t, b.ix.Layer("hsf", ""), "NAME")
	if len(ida) != 4 || len(idb) != 3 {
		t.Fatal(ida, idb)
	}
	for name, id := range idb {
		if ida[name] != id {
			t.Errorf("part %s has the id %d and, with another part left out, %d", name, ida[name], id)
		}
		if (id == id53("hsf", "P1")) || (name == "single") != (id == id53("hsf", "P2")) {
			t.Errorf("part %s has the id %d of its key", name, id)
		}
	}
	if got := codes(layer(t, a.report, "hsf")); got != "3:KEY_SHARED:noted 4:KEY_SHARED:noted" {
		t.Errorf("found %s", got)
	}
	if got := codes(layer(t, b.report, "hsf")); got != "2:KEY_SHARED:noted 4:DUPLICATE:refused" {
		t.Errorf("found %s", got)
	}
	found, err := a.ix.Layer("hsf", "").ByCode("P1", 10)
	if err != nil || len(found) != 3 {
		t.Errorf("the shared code finds %v, %v", found, err)
	}
}

// The result is the same whatever the number of workers and the order of the
// inputs, byte for byte.
func TestDeterminism(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 2))
	var a, b, hsf []record
	for i := range 700 {
		x, y := float64(i%40), float64(i/40)
		r := record{at(x, y, 0.001), map[string]any{"BSM": fmt.Sprint(i), "DLBM": []string{"0101", "0301"}[rng.IntN(2)], "TBMJ": rng.Float64() * 1e5}}
		if i%97 == 0 {
			r.values["BSM"] = "same"
		}
		if i%2 == 0 {
			a = append(a, r)
		} else {
			r.values["EXTRA"] = i
			b = append(b, r)
		}
	}
	for i := range 30 {
		hsf = append(hsf, record{at(float64(i), 3.5, 0.0013), map[string]any{"XMBH": fmt.Sprint("P", i/7)}})
	}
	region := []record{
		{at(0, 0, 0.02), map[string]any{"XZQDM": "610402001001", "XZQMC": "一"}}, {at(1, 0, 0.02), map[string]any{"XZQDM": "610402001002", "XZQMC": "二"}},
	}
	inputs := []string{
		"dltb=" + deliver(t, "a.geojson", a...), "dltb=" + deliver(t, "b.geojson", b...), "hsf=" + deliver(t, "h.geojson", hsf...),
		"region=" + deliver(t, "r.geojson", region...), "region@2019=" + deliver(t, "q.geojson", region...),
	}
	first := ""
	for _, workers := range []int{1, 2, 7} {
		for range 3 {
			rng.Shuffle(len(inputs), func(i, k int) { inputs[i], inputs[k] = inputs[k], inputs[i] })
			r, err := take(t, ingest.Options{Workers: workers}, inputs...)
			if err != nil {
				t.Fatal(err)
			}
			text := r.hash + fmt.Sprintf("%+v", names(r.layers))
			if first == "" {
				first = text
			}
			if text != first {
				t.Fatalf("%d workers, order %v: %s, want %s", workers, inputs, text, first)
			}
		}
	}
	if !strings.Contains(first, "cropland@2024") {
		t.Error("there is no cropland")
	}
}

func names(layers []edition.Layer) []string {
	var out []string
	for _, l := range layers {
		out = append(out, fmt.Sprint(l.Key(), l.Features, l.AreaM2, l.Source))
	}
	return out
}

// Files of one layer add up, whatever their formats, zones and fields.
func TestAddUp(t *testing.T) {
	a := deliver(t, "a.geojson", record{at(0, 0, 0.001), map[string]any{"BSM": "1", "DLBM": "0101", "gdpdjb": "2", "Odd": "x"}})
	b := filepath.Join(t.TempDir(), "b.shp")
	src := deliver(t, "src.geojson", record{at(1, 0, 0.001), map[string]any{"bsm": "2", "DLBM": "0102", "TBMJ": 12.5, "ODD": 7}})
	if out, err := exec.Command("ogr2ogr", "-s_srs", "EPSG:4490", "-t_srs", "EPSG:4524", b, src).CombinedOutput(); err != nil {
		t.Fatalf("ogr2ogr: %v %s; apt-get install gdal-bin", err, out)
	}
	r := mustTake(t, "dltb="+a, "dltb="+b)
	l := r.ix.Layer("dltb", "")
	if l.Len() != 2 {
		t.Fatalf("%d features", l.Len())
	}
	for key, want := range map[string]map[string]any{
		"1": {"GDPDJB": "2", "TBMJ": nil, "Odd": "x"}, "2": {"GDPDJB": nil, "TBMJ": 12.5, "Odd": "7"},
	} {
		i, ok := l.ByID(id53("dltb", key))
		if !ok {
			t.Fatalf("%s is not there", key)
		}
		f, err := l.Feature(i)
		if err != nil {
			t.Fatal(err)
		}
		for field, v := range want {
			if k := l.Field(field); k < 0 || f.Values[k] != v {
				t.Errorf("%s: %s is %v, want %v", key, field, f.Values, v)
			}
		}
		// A square of 0.001 degree at 34.3 N, in either system.
		if f.AreaM2 < 10211 || f.AreaM2 > 10213 {
			t.Errorf("%s: %.2f m²", key, f.AreaM2)
		}
	}
	rep := layer(t, r.report, "dltb")
	if len(rep.Sources) != 2 || rep.Sources[0].CRS == rep.Sources[1].CRS || len(rep.UnknownFields) != 2 {
		t.Errorf("sources %+v, unknown %v", rep.Sources, rep.UnknownFields)
	}
}

// Features that name no place lie where most of them lies, in the finest level of
// places, of their own year where there is one.
func TestPlaces(t *testing.T) {
	region := func(shift float64) []record {
		return []record{
			{at(0, 0, 1), map[string]any{"XZQDM": "610402", "XZQMC": "county"}},
			{at(shift, 0, 0.01), map[string]any{"XZQDM": "610402001001"}}, {at(shift+1, 0, 0.01), map[string]any{"XZQDM": "610402001002"}},
			// A second part of the first village.
			{at(shift+2, 0, 0.01), map[string]any{"XZQDM": "610402001001"}},
		}
	}
	hsf := []record{
		{at(0.7, 0, 0.01), map[string]any{"BSM": "70 % in the second"}}, {at(0.2, 0, 0.01), map[string]any{"BSM": "80 % in the first"}},
		// It has 0.7 and 0.8 of the parts of the first village, and all that is between.
		{`{"type":"Polygon","coordinates":[[[108.603,34.301],[108.628,34.301],[108.628,34.302],[108.603,34.302],[108.603,34.301]]]}`, map[string]any{"BSM": "in two parts"}},
		{at(50, 50, 0.01), map[string]any{"BSM": "in no village"}}, {at(50, -50, 0.01), map[string]any{"BSM": "nowhere"}},
		{at(0.7, 0, 0.01), map[string]any{"BSM": "by its code", "XZQDM": "610402001009"}}, {at(0.7, 0.1, 0.01), map[string]any{"BSM": "by a bad code", "XZQDM": "61A"}},
	}
	check := func(r result, want map[string]string) {
		t.Helper()
		l := r.ix.Layer("hsf", "2024")
		for key, place := range want {
			i, ok := l.ByID(id53("hsf", key))
			if !ok || l.Head(i).Place != place {
				t.Errorf("%s lies in %q, want %q", key, l.Head(i).Place, place)
			}
		}
	}
	h, now, then := deliver(t, "h.geojson", hsf...), deliver(t, "r.geojson", region(0)...), deliver(t, "old.geojson", region(1)...)
	want := map[string]string{
		"70 % in the second": "610402001002", "80 % in the first": "610402001001", "in no village": "610402", "nowhere": "",
		"in two parts": "610402001001",
		"by its code":  "610402001009", "by a bad code": "610402001002",
	}
	check(mustTake(t, "hsf="+h, "region="+now, "region@2019="+then), want)
	check(mustTake(t, "region@2019="+then, "region@2018="+now, "hsf="+h), map[string]string{"70 % in the second": "610402001001"})
}

// At whatever moment the context ends, that is the error, no goroutine is left,
// and there is no file.
func TestCancel(t *testing.T) {
	path := delivered(t, "delivery", "2024", "DLTB.shp")
	in := []ingest.Input{{Layer: "dltb", Vintage: "2024", Path: path}, {Layer: "pbf", Vintage: "2024", Path: delivered(t, "delivery", "2024", "YJJBNTTB.gpkg")}}
	before := runtime.NumGoroutine()
	calls := 0
	run := func(stop int) error {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		out := filepath.Join(t.TempDir(), "f.db")
		calls = 0
		if stop == 0 {
			cancel()
		}
		_, rep, err := ingest.Run(ctx, in, out, ingest.Options{Workers: 3, Progress: func(ingest.Progress) {
			if calls++; calls == stop {
				cancel()
			}
		}})
		if rep == nil {
			t.Fatal("no report")
		}
		if _, serr := os.Stat(out); err != nil && serr == nil {
			t.Errorf("cancelled at %d: a file is left", stop)
		}
		return err
	}
	if err := run(-1); err != nil {
		t.Fatal(err)
	}
	all := calls
	for _, stop := range []int{0, 1, 2, all / 3, all / 2, all - 1, all} {
		if err := run(stop); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled at %d of %d: %v", stop, all, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, _, err := ingest.Run(ctx, in, filepath.Join(t.TempDir(), "f.db"), ingest.Options{})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("past the deadline: %v", err)
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		runtime.Gosched()
		<-time.After(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines are left of %d", runtime.NumGoroutine(), before)
}

// A file that breaks off ends the run with its problem, wherever that is, and
// leaves no goroutine.
func TestBrokenFile(t *testing.T) {
	whole, err := os.ReadFile(delivered(t, "delivery", "2024", "XZQ.fgb"))
	if err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	for _, n := range []int{0, 10, len(whole) / 2, len(whole) - 7} {
		path := filepath.Join(t.TempDir(), "cut.fgb")
		if err := os.WriteFile(path, whole[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := take(t, ingest.Options{}, "region="+path)
		if p := problem.Of(err); p == nil || p.File != path {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	if _, err := take(t, ingest.Options{}, "region=/nowhere.shp"); problem.Of(err) == nil {
		t.Errorf("a file that is not there: %v", err)
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines are left of %d", runtime.NumGoroutine(), before)
}

// A delivery is taken for what it is by its fields.
func TestDescribe(t *testing.T) {
	for path, want := range map[string]struct {
		layer    string
		features int64
		crs      string
	}{
		delivered(t, "delivery", "2024", "DLTB.shp"):      {"dltb", 10000, "CGCS2000_3_Degree_GK_Zone_36"},
		delivered(t, "delivery", "2024", "YJJBNTTB.gpkg"): {"pbf", 8487, "GCS_China_Geodetic_Coordinate_System_2000"},
		delivered(t, "delivery", "2024", "GBZNT.geojson"): {"hsf", -1, "GCS_China_Geodetic_Coordinate_System_2000"},
		delivered(t, "delivery", "2024", "XZQ.fgb"):       {"region", 4, "GCS_China_Geodetic_Coordinate_System_2000"},
		delivered(t, "nl_parcels", "fields_4490.gpkg"):    {"other", 4872, "GCS_China_Geodetic_Coordinate_System_2000"},
		delivered(t, "nl_parcels", "fields.shp"):          {"other", 4872, ""},
		deliver(t, "cj.geojson", record{at(0, 0, 1), map[string]any{"ZLDWDM": "610402001001", "ZLDWMC": "一村", "DCMJ": 1}}): {"cjdcq", -1, "GCS_China_Geodetic_Coordinate_System_2000"},
	} {
		d, err := describe(t, path, source.Options{})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if d.Layer != want.layer || d.CRS != want.crs || want.features >= 0 && d.Features != want.features || (d.Problem == nil) != (want.crs != "") {
			t.Errorf("%s: layer %s, %d features, %s, %v; want %+v", path, d.Layer, d.Features, d.CRS, d.Problem, want)
		}
		if d.Layer != "other" && len(d.Unknown) > 2 {
			t.Errorf("%s: unknown fields %v", path, d.Unknown)
		}
		for _, lang := range []problem.Lang{problem.Chinese, problem.English} {
			var b strings.Builder
			if err := d.Write(&b, lang); err != nil || !strings.Contains(b.String(), want.layer) || strings.Contains(b.String(), "%!") {
				t.Errorf("%s: %v\n%s", path, err, b.String())
			}
		}
	}
}

// Of a file with several tables each is described by itself, and none is chosen.
func TestDescribeTables(t *testing.T) {
	path := filepath.Join(t.TempDir(), "two.gpkg")
	for _, layer := range []string{"YJJBNTTB.gpkg", "XZQ.fgb"} {
		args := []string{"-f", "GPKG", "-update", "-append", path, delivered(t, "delivery", "2024", layer)}
		if _, err := os.Stat(path); err != nil {
			args = append(args[:2], args[4:]...)
		}
		if out, err := exec.Command("ogr2ogr", args...).CombinedOutput(); err != nil {
			t.Fatalf("ogr2ogr: %v %s; apt-get install gdal-bin", err, out)
		}
	}
	for table, want := range map[string]string{"YJJBNTTB": "pbf", "XZQ": "region"} {
		d, err := describe(t, path, source.Options{Table: table})
		if err != nil || d.Layer != want || d.Table != table {
			t.Errorf("%s: %+v, %v", table, d, err)
		}
	}
	if _, err := describe(t, path, source.Options{}); problem.Of(err) == nil {
		t.Errorf("one of several tables is described: %v", err)
	}
	r := mustTake(t, "region="+path+"#XZQ")
	if got := r.layers[0].Source; len(got) != 1 || got[0] != "two.gpkg#XZQ" {
		t.Errorf("source %v", got)
	}
}

func TestParseInput(t *testing.T) {
	for text, want := range map[string]any{
		"dltb=a.shp":                       ingest.Input{Layer: "dltb", Vintage: "2024", Path: "a.shp"},
		"dltb@2023=a.gpkg#T":               ingest.Input{Layer: "dltb", Vintage: "2023", Path: "a.gpkg", Table: "T"},
		"dltb=there#T":                     ingest.Input{Layer: "dltb", Vintage: "2024", Path: "there#T"},
		"dltb=a=b.shp":                     ingest.Input{Layer: "dltb", Vintage: "2024", Path: "a=b.shp"},
		"dltb=a.shp#":                      ingest.Input{Layer: "dltb", Vintage: "2024", Path: "a.shp#"},
		"soil-2_x=a.shp":                   ingest.Input{Layer: "soil-2_x", Vintage: "2024", Path: "a.shp"},
		"dltb":                             "LAYER_SYNTAX",
		"dltb=":                            "LAYER_SYNTAX",
		"=a.shp":                           "LAYER_NAME",
		"all=a.shp":                        "LAYER_NAME",
		"DLTB=a.shp":                       "LAYER_NAME",
		"a/b=a.shp":                        "LAYER_NAME",
		"耕地=a.shp":                         "LAYER_NAME",
		"dltb@=a.shp":                      "VINTAGE_NAME",
		"dltb@20/24=a.shp":                 "VINTAGE_NAME",
		"dltb@2023@2024=a.shp":             "VINTAGE_NAME",
		strings.Repeat("a", 65) + "=a.shp": "LAYER_NAME",
	} {
		got, err := ingest.ParseInput(text, "2024", func(p string) bool { return p == "there#T" })
		if err != nil {
			if code(err) != want {
				t.Errorf("%s: %v, want %v", text, err, want)
			}
		} else if got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
}

// What ParseInput takes can be written down again and means the same.
func FuzzParseInput(f *testing.F) {
	f.Add("dltb@2024=a.gpkg#T", "2023")
	f.Add("x=y", "")
	f.Fuzz(func(t *testing.T, text, vintage string) {
		none := func(string) bool { return false }
		in, err := ingest.ParseInput(text, vintage, none)
		if err != nil {
			if problem.Of(err) == nil {
				t.Fatal(err)
			}
			return
		}
		again := in.Layer
		if in.Vintage != "" {
			again += "@" + in.Vintage
		}
		again += "=" + in.Path
		if in.Table != "" {
			again += "#" + in.Table
		}
		if back, err := ingest.ParseInput(again, "other", none); err != nil && in.Vintage != "" || err == nil && in.Vintage != "" && back != in {
			t.Fatalf("%q is %+v, %q is %+v (%v)", text, in, again, back, err)
		}
		if !edition.ValidLayer(in.Layer) {
			t.Fatalf("layer %q", in.Layer)
		}
	})
}

// The vintage that nobody names is read from the first record.
func TestVintages(t *testing.T) {
	dated := deliver(t, "d.geojson", record{at(0, 0, 0.001), map[string]any{"BSM": "1", "SJNF": 2022}})
	plain := deliver(t, "p.geojson", record{at(0, 0, 0.001), map[string]any{"BSM": "1", "SJNF": nil}})
	_, rep, err := ingest.Run(t.Context(), []ingest.Input{{Layer: "dltb", Path: dated}, {Layer: "hsf", Path: plain}}, filepath.Join(t.TempDir(), "f.db"), ingest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := layer(t, rep, "dltb").Vintage, layer(t, rep, "hsf").Vintage; a != "2022" || b != ingest.Undated {
		t.Errorf("vintages %s and %s", a, b)
	}
}

// describe describes a file by the embedded profiles.
func describe(t *testing.T, path string, opt source.Options) (*ingest.Description, error) {
	t.Helper()
	known, err := profiles.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return ingest.Describe(t.Context(), known, path, opt)
}
