package main_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// asking are the cases of what an edition is asked at the command line.
func (w *contract) asking(t *testing.T) []contractCase {
	overlay := func(name, form string, holds func(*testing.T, []byte)) contractCase {
		file := w.at("overlay." + form)
		return contractCase{
			line: "gengtu overlay", name: name, args: []string{"overlay", "--edition", w.e.Secure, "--layers", "cropland,pbf", "--by", "DLBM", "--place", "610402", "--out", file},
			holds: holdsFile(file, holds),
		}
	}
	out := []contractCase{
		overlay("a place as JSON", "json", func(t *testing.T, data []byte) { w.wholeOverlay(t, data) }),
		overlay("a place as CSV", "csv", func(t *testing.T, data []byte) { overlayRows(t, data) }),
		overlay("a place as a sheet", "xlsx", func(t *testing.T, data []byte) { holdsBytes(t, unpackedSheet(t, data), "9608") }),
		overlay("a place's pieces", "geojson", func(t *testing.T, data []byte) {
			if n := featuresIn(t, data); n < croplandFeatures+pbfFeatures {
				t.Errorf("%d pieces", n)
			}
		}),
		overlay("a place to print", "html", func(t *testing.T, data []byte) { holdsBytes(t, data, "<html", "9608") }),
		{line: "gengtu overlay", name: "to standard output", args: []string{"overlay", "--edition", w.e.Secure, "--place", "610402"}, holds: func(t *testing.T, a *told) { w.wholeOverlay(t, []byte(a.stdout)) }},
		{line: "gengtu overlay", name: "a collection gives an array in its order", holds: w.inOrder, args: []string{"overlay", "--edition", w.e.Secure, "--layers", "hsf", w.fileOf(t, "shapes.geojson", w.projects[1][2], w.projects[1][0])}},
		{line: "gengtu overlay", name: "a Feature gives one answer", args: []string{"overlay", "--edition", w.e.Secure, "--layers", "hsf", w.file(t, "feature.geojson", featureText(t, w.projects[1][4]))}, holds: holdsText(`"aoi": {`, `"layer": "hsf"`)},
		{line: "gengtu overlay", name: "the surveyor's TXT", args: []string{"overlay", "--edition", w.e.Secure, boundaryFile(t, 3, 50)}, holds: surveyed(3, 2500)},
		{line: "gengtu overlay", name: "a place that is not there", args: []string{"overlay", "--edition", w.e.Secure, "--place", "99"}, code: 1, fault: "NO_PLACE"},
		{line: "gengtu overlay", name: "shapes that are not there", args: []string{"overlay", "--edition", w.e.Secure, w.at("nosuch.geojson")}, code: 1, fault: "SOURCE_MISSING"},
		{line: "gengtu overlay", name: "a form that is none", args: []string{"overlay", "--edition", w.e.Secure, "--place", "610402", "--out", w.at("o.doc")}, code: 2, fault: "FORMAT_UNKNOWN"},
		{line: "gengtu analyze", name: "a question that is none", args: []string{"analyze", "--edition", w.at("four"), "weather"}, code: 2, fault: "ANALYZE_UNKNOWN"},
		{line: "gengtu analyze", name: "a level that is none", args: []string{"analyze", "--edition", w.at("four"), "hsf-outside-pbf", "--by", "street"}, code: 2, fault: "PARAMETER_BY"},
	}
	for _, by := range []string{"group", "village", "township", "county", "prefecture"} {
		file := w.at("analysis-" + by + ".json")
		out = append(out, contractCase{
			line: "gengtu analyze", name: "by " + by, args: []string{"analyze", "--edition", w.at("four"), "hsf-outside-pbf", "--by", by, "--out", file},
			holds: holdsFile(file, func(t *testing.T, data []byte) { holdsBytes(t, data, `"hsf-outside-pbf"`, `"`+by+`"`) }),
		})
	}
	return append(out, w.exporting()...)
}

// wholeOverlay holds an overlay with the whole county against the delivery, and its members
// against the contract's.
func (w *contract) wholeOverlay(t *testing.T, data []byte) {
	t.Helper()
	var members map[string]json.RawMessage
	decode(t, data, &members)
	for _, name := range []string{"generation", "program", "tier", "formula", "aoi", "layers", "combinations"} {
		if members[name] == nil {
			t.Errorf("the answer has no %s", name)
		}
	}
	var a struct {
		Generation, Tier, Formula string
		AOI                       map[string]any
		Layers                    []map[string]any
		Combinations              []map[string]any
	}
	decode(t, data, &a)
	if a.Generation != generationOf(t, w.e.Secure) || a.Tier != "secure" || a.Formula != "ellipsoidal CGCS2000" || len(a.Layers) < 2 || len(a.Combinations) < 3 {
		t.Fatalf("%.600s", data)
	}
	membersOf(t, "aoi", a.AOI, "area_m2", "area_mu", "mended", "problems")
	membersOf(t, "layer", a.Layers[0], "layer", "vintage", "features", "area_m2", "area_mu", "area_ha", "patch_m2", "net_m2", "net_mu", "gross_area_m2")
	membersOf(t, "combination", a.Combinations[0], "inside", "outside", "area_m2", "net_m2")
	if l := a.Layers[0]; l["layer"] != "cropland" || l["features"] != float64(croplandFeatures) || l["patch_m2"] != croplandPatch || l["net_m2"] != croplandNet {
		t.Errorf("cropland is %v", l)
	}
	if l := a.Layers[1]; l["layer"] != "pbf" || l["features"] != float64(pbfFeatures) {
		t.Errorf("pbf is %v", l)
	}
}

// membersOf fails unless an object has members.
func membersOf(t *testing.T, what string, object map[string]any, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, ok := object[name]; !ok {
			t.Errorf("%s has no %s: %v", what, name, object)
		}
	}
}

// overlayRows looks for the delivery's cropland in the rows of an overlay.
func overlayRows(t *testing.T, data []byte) {
	t.Helper()
	for _, row := range csvRows(t, data) {
		if row["layer"] == "cropland" && row["class"] == "" && row["features"] == strconv.Itoa(croplandFeatures) && strings.HasPrefix(row["patch_m2"], "61904860.22") {
			return
		}
	}
	t.Errorf("no row has the delivery's cropland: %.600s", data)
}

// csvRows reads a table by the names of its columns.
func csvRows(t *testing.T, data []byte) (out []map[string]string) {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff")))).ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows[1:] {
		named := map[string]string{}
		for i, v := range row {
			named[rows[0][i]] = v
		}
		out = append(out, named)
	}
	return out
}

// inOrder holds the answers to two shapes against them: a project covers itself.
func (w *contract) inOrder(t *testing.T, a *told) {
	var answers []struct {
		Status     string
		Properties map[string]any
		Layers     []struct{ Features int }
	}
	decode(t, []byte(a.stdout), &answers)
	if len(answers) != 2 {
		t.Fatalf("%d answers to two shapes: %.300s", len(answers), a.stdout)
	}
	for i, want := range []project{w.projects[1][2], w.projects[1][0]} {
		if got := answers[i]; got.Properties["BSM"] != want.bsm() || got.Status != "ok" || len(got.Layers) != 1 || got.Layers[0].Features < 1 {
			t.Errorf("shape %d is %s, the answer %+v", i, want.bsm(), got)
		}
	}
}

// surveyed wants so many plots of an area in m², which is that of the plane but for its scale.
func surveyed(plots int, area float64) func(*testing.T, *told) {
	return func(t *testing.T, a *told) {
		var answers []struct {
			Status string
			AOI    struct {
				Area float64 `json:"area_m2"`
			}
		}
		decode(t, []byte(a.stdout), &answers)
		for i, p := range answers {
			if p.Status != "ok" || math.Abs(p.AOI.Area-area) > area/1000 {
				t.Errorf("plot %d: %+v, want %.0f m²", i+1, p, area)
			}
		}
		if len(answers) != plots {
			t.Errorf("%d answers to %d plots", len(answers), plots)
		}
	}
}

// featureText writes a project as a Feature.
func featureText(t *testing.T, p project) string {
	t.Helper()
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// holdsFile looks at what a command wrote.
func holdsFile(file string, holds func(*testing.T, []byte)) func(*testing.T, *told) {
	return func(t *testing.T, _ *told) {
		t.Helper()
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		holds(t, data)
	}
}

// holdsBytes wants some text in a document.
func holdsBytes(t *testing.T, data []byte, want ...string) {
	t.Helper()
	for _, text := range want {
		if !bytes.Contains(data, []byte(text)) {
			t.Errorf("%q is not in %.600s", text, data)
		}
	}
}

// exporting are the cases of a layer's files: all projects of the delivery in each form.
func (w *contract) exporting() (out []contractCase) {
	some := func(n int) int { // a whole number of tiles is known nowhere else
		if n > 0 {
			return hsfFeatures
		}
		return 0
	}
	count := map[string]func(t *testing.T, data []byte) int{
		"geojson":  featuresIn,
		"geojsonl": func(_ *testing.T, data []byte) int { return bytes.Count(bytes.TrimSpace(data), []byte("\n")) + 1 },
		"fgb":      func(_ *testing.T, data []byte) int { return bytes.Count(data, []byte("6104023001")) },
		"gpkg":     func(t *testing.T, _ []byte) int { return rowsIn(t, w.at("export.gpkg"), "hsf") },
		"shp": func(t *testing.T, _ []byte) int {
			index, err := os.ReadFile(w.at("export.shx"))
			if err != nil {
				t.Fatal(err)
			}
			return (len(index) - 100) / 8
		},
		"csv":     func(t *testing.T, data []byte) int { return len(csvRows(t, data)) },
		"xlsx":    func(t *testing.T, data []byte) int { return bytes.Count(unpackedSheet(t, data), []byte("6104023001")) },
		"pmtiles": func(t *testing.T, data []byte) int { return some(tilesIn(t, data)) },
		"mbtiles": func(t *testing.T, _ []byte) int { return some(rowsIn(t, w.at("export.mbtiles"), "tiles")) },
	}
	for form, n := range count {
		file := w.at("export." + form)
		out = append(out, contractCase{line: "gengtu export", name: form, args: []string{"export", "--edition", w.at("first"), "--layer", "hsf", "--out", file}, holds: func(t *testing.T, _ *told) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got := n(t, data); got != hsfFeatures {
				t.Errorf("%d of %d projects", got, hsfFeatures)
			}
		}})
	}
	return append(out,
		contractCase{line: "gengtu export", name: "a layer that is not there", args: []string{"export", "--edition", w.at("first"), "--layer", "roads", "--out", w.at("roads.csv")}, code: 1, fault: "NO_LAYER"},
		contractCase{line: "gengtu export", name: "a form that is none", args: []string{"export", "--edition", w.at("first"), "--layer", "hsf", "--out", w.at("x.doc")}, code: 2, fault: "FORMAT_UNKNOWN"},
	)
}

// handing are the cases of looking an edition over, and of packages.
func (w *contract) handing(t *testing.T) []contractCase {
	first, there := w.at("first"), w.at("there")
	damaged := w.at("damaged")
	k, foreign := key(t, "std"), key(t, "std")
	pack := func(name, file string) contractCase {
		return contractCase{line: "gengtu pack", name: name, once: true, args: []string{"pack", "--edition", first, "--key", k, "--out", file}, holds: func(t *testing.T, _ *told) {
			if info, err := os.Stat(file); err != nil || info.Size() < 10_000 {
				t.Errorf("%v, %v", info, err)
			}
		}}
	}
	return []contractCase{
		{line: "gengtu verify", name: "whole", args: []string{"verify", first}, holds: holdsText(strconv.Itoa(hsfFeatures + villages))},
		{line: "gengtu verify", name: "every value for a search", args: []string{"verify", first, "--dump"}, holds: holdsText(w.projects[1][0].bsm(), w.projects[1][hsfFeatures-1].bsm(), "manifest")},
		{line: "gengtu verify", name: "no edition", args: []string{"verify", w.at("none")}, code: 1, fault: "EDITION_MISSING"},
		{line: "gengtu info", name: "the manifest", args: []string{"info", first, "--json"}, holds: holdsText(`"content_hash"`, `"generation"`, `"features": 115`)},
		{line: "gengtu info", name: "a delivery and how it would be mapped", args: []string{"info", delivery(t, "delivery", "2024", "DLTB.shp")}, holds: holdsText("10000", "dltb", "TBDLMJ", "GBK")},
		{line: "gengtu info", name: "nothing", args: []string{"info", w.at("none")}, code: 1, fault: "SOURCE_MISSING"},
		pack("signed", w.at("p.gtp")),
		{line: "gengtu pack", name: "no key", args: []string{"pack", "--edition", first, "--key", w.at("nosuch.pem"), "--out", w.at("q.gtp")}, code: 1, fault: "SEAL_FILE"},
		{line: "gengtu unpack", name: "the same generation there", once: true, args: []string{"unpack", "--trust", k + ".pub", "--out", there, w.at("p.gtp")}, holds: func(t *testing.T, _ *told) {
			if a, b := generationOf(t, first), generationOf(t, there); a != b {
				t.Errorf("%s became %s", a, b)
			}
		}},
		{line: "gengtu unpack", name: "a key that is not trusted", args: []string{"unpack", "--trust", foreign + ".pub", "--out", damaged, w.at("p.gtp")}, code: 1, fault: "SEAL_UNTRUSTED"},
		{line: "gengtu unpack", name: "no package", args: []string{"unpack", "--trust", k + ".pub", "--out", damaged, delivery(t, "delivery", "2024", "XZQ.fgb")}, code: 1, fault: "PACKAGE_FORM"},
	}
}

// entering are the cases of tokens, and of the program as such.
func (w *contract) entering() []contractCase {
	file := w.at("tokens.json")
	token := ""
	return []contractCase{
		{line: "gengtu token", name: "a new one, printed alone", once: true, args: []string{"token", "add", "--access", file, "--tier", "secure", "--name", "desk"}, holds: func(t *testing.T, a *told) {
			token = strings.TrimSuffix(a.stdout, "\n")
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(token, "gt_") || strings.ContainsAny(token, " \n") || bytes.Contains(data, []byte(token)) || !bytes.Contains(data, []byte(`"desk"`)) {
				t.Errorf("printed %q, kept %s", a.stdout, data)
			}
		}},
		{line: "gengtu token", name: "a tier that is none", args: []string{"token", "add", "--access", file, "--tier", "royal"}, code: 2, fault: "TIER_UNKNOWN"},
		{line: "gengtu token", name: "a name that is taken", args: []string{"token", "add", "--access", file, "--tier", "secure", "--name", "desk"}, code: 1, fault: "ACCESS_NAME"},
		{line: "gengtu token", name: "those there are", args: []string{"token", "list", "--access", file}, holds: func(t *testing.T, a *told) {
			if !strings.Contains(a.stdout, "desk") || strings.Contains(a.stdout, token) {
				t.Error(a.stdout)
			}
		}},
		{line: "gengtu token", name: "one taken back", once: true, args: []string{"token", "revoke", "--access", file, "--name", "desk"}},
		{line: "gengtu token", name: "a name that is not there", args: []string{"token", "revoke", "--access", file, "--name", "nobody"}, code: 1, fault: "ACCESS_UNKNOWN"},
		{line: "gengtu version", name: "the program and its Go", args: []string{"version"}, holds: holdsText("gengtu ", "go1.")},
		{line: "gengtu version", name: "more than it takes", args: []string{"version", "x"}, code: 2, fault: "ARGUMENTS"},
		{line: "gengtu version", name: "a command that is none", args: []string{"fly"}, code: 2, fault: "COMMAND_UNKNOWN"},
		{line: "gengtu version", name: "no command", args: []string{"help"}, holds: holdsText("demo", "unpack", "version")},
	}
}
