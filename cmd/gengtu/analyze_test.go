package main_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gengtu/index/analyze"
	"gengtu/index/analyze/forms"
	"gengtu/index/geo"
)

// smallEdition is an edition of two small years, made once for the tests of analyses.
var smallEdition = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(work, "two-years")
	edition := filepath.Join(dir, "edition")
	ingest := []string{"ingest", "--out", edition}
	for _, year := range []string{"2023", "2024"} {
		ingest = append(ingest, yearOf(dir, year, "dltb", "pbf", "hsf", "region")...)
	}
	for _, args := range [][]string{{"sample", "--out", dir, "--parcels", "900", "--seed", "7"}, ingest} {
		if out, err := exec.Command(binary(), args...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("gengtu %s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	return edition, nil
})

func theSmallEdition(t testing.TB) string {
	t.Helper()
	e, err := smallEdition()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// readAnswer reads a kept answer.
func readAnswer(t testing.TB, data []byte) *analyze.Result {
	t.Helper()
	r, err := forms.Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// areasOf returns the areas of a column of an answer's table, in m².
func areasOf(t testing.TB, table *analyze.Table, name string) []float64 {
	t.Helper()
	c := table.Column(name)
	if c < 0 {
		t.Fatalf("%s has no column %s", table.Name, name)
	}
	var out []float64
	for _, row := range table.Rows {
		a, ok := row[c].(analyze.Area)
		if !ok {
			t.Fatalf("%s holds %v", name, row[c])
		}
		out = append(out, float64(a)/100)
	}
	return out
}

// A question is answered in every form, the same bytes each time whatever the number of
// workers; GDAL reads the layers, whose shapes have the areas and whose fields the values
// of the table.
func TestAnalyzeEveryForm(t *testing.T) {
	e := theSmallEdition(t)
	dir := t.TempDir()
	ask := func(name string, more ...string) []byte {
		t.Helper()
		path := filepath.Join(dir, name)
		must(t, append([]string{"analyze", "--out", path, "--edition", e, "hsf-outside-pbf", "--by", "village"}, more...)...)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for _, ending := range []string{"json", "csv", "xlsx", "geojson", "html", "gpkg", "shp"} {
		if a, b := ask("a."+ending, "--workers", "1"), ask("b."+ending, "--workers", "4"); !bytes.Equal(a, b) {
			t.Errorf("%s: the same question has other bytes", ending)
		}
	}
	r := readAnswer(t, ask("a.json"))
	list := r.Shapes[0].Table
	if r.Question.Name != "hsf-outside-pbf" || len(list.Rows) < 10 || len(r.Identities) == 0 || r.Request.By != "village" {
		t.Fatalf("%d rows, %d identities, request %+v", len(list.Rows), len(r.Identities), r.Request)
	}
	shown := must(t, "--json", "analyze", "hsf-outside-pbf", "--edition", e, "--by", "village")
	if kept, err := os.ReadFile(filepath.Join(dir, "a.json")); err != nil || shown != string(kept) {
		t.Errorf("what --json prints is not what --out writes (%v)", err)
	}
	rows, err := csv.NewReader(bytes.NewReader(ask("a.csv")[3:])).ReadAll()
	if err != nil || len(rows) != len(r.Tables[0].Rows)+1 {
		t.Errorf("the CSV has %d rows (%v), the table %d", len(rows), err, len(r.Tables[0].Rows))
	}
	if sums, err := csv.NewReader(bytes.NewReader(ask("sums.csv", "--table", r.Tables[1].Name)[3:])).ReadAll(); err != nil || len(sums) != len(r.Tables[1].Rows)+1 {
		t.Errorf("the CSV of the sums has %d rows (%v)", len(sums), err)
	}
	for _, file := range []string{"a.gpkg", "a.shp", "a.geojson"} {
		checkLayer(t, dir, file, list)
	}
	if cpg, err := os.ReadFile(filepath.Join(dir, "a.cpg")); err != nil || string(cpg) != "GBK" {
		t.Errorf("the encoding is said to be %q (%v)", cpg, err)
	}
	if prj, err := os.ReadFile(filepath.Join(dir, "a.prj")); err != nil || !bytes.Contains(prj, []byte("China_2000")) && !bytes.Contains(prj, []byte("China Geodetic Coordinate System 2000")) {
		t.Errorf("the coordinate system is said to be %q (%v)", prj, err)
	}
	if layers := gdal(t, dir, "ogrinfo", "-so", "a.gpkg"); !strings.Contains(layers, r.Tables[1].Name+" (None)") || !strings.Contains(layers, "gengtu_about (None)") {
		t.Errorf("the GeoPackage holds %s", layers)
	}
}

// checkLayer holds what GDAL reads of a layer against the table that it was written from.
func checkLayer(t *testing.T, dir, file string, list *analyze.Table) {
	t.Helper()
	layer := list.Name
	if file == "a.shp" {
		layer = "a"
	}
	features := read(t, dir, file, layer)
	stated := areasOf(t, list, "area")
	if len(features) != len(stated) {
		t.Fatalf("%s: GDAL reads %d features of %d", file, len(features), len(stated))
	}
	name := list.Column("xzqmc")
	for i, f := range features {
		if got := f.number(t, "area_m2"); got != stated[i] {
			t.Errorf("%s: row %d says %v m², the table %.2f", file, i+1, got, stated[i])
		}
		// A figure has 0.01 m²; pieces of a feature are rounded so that they add up.
		if got := f.area(t); math.Abs(got-stated[i]) > 1e-6*got+0.011 {
			t.Errorf("%s: row %d covers %.4f m², the table says %.2f", file, i+1, got, stated[i])
		}
		if f.Properties["xzqmc"] != list.Rows[i][name] {
			t.Errorf("%s: row %d is in %v, not %v", file, i+1, f.Properties["xzqmc"], list.Rows[i][name])
		}
		if code, ok := f.Properties["bsm"].(string); !ok || code != list.Rows[i][list.Column("bsm")] {
			t.Errorf("%s: row %d has the code %v", file, i+1, f.Properties["bsm"])
		}
		if file != "a.geojson" && len(f.Properties["run_id"].(string)) != 16 {
			t.Errorf("%s: row %d does not say which answer it is of", file, i+1)
		}
		for field := range f.Properties {
			if file == "a.shp" && len(field) > 10 {
				t.Errorf("the field %s has %d bytes", field, len(field))
			}
		}
		if t.Failed() {
			return
		}
	}
	if file == "a.shp" {
		for _, field := range []string{"comp_ar_m2", "comp_ar_mu", "comp_ar_ha"} {
			if _, ok := features[0].Properties[field]; !ok {
				t.Errorf("there is no field %s in %v", field, features[0].Properties)
			}
		}
	}
}

// What makes no sense is refused by name before any work, with what there is; nothing is
// written.
func TestAnalyzeRefuses(t *testing.T) {
	e := theSmallEdition(t)
	dir := t.TempDir()
	out := filepath.Join(dir, "a.csv")
	broken := filepath.Join(dir, "broken.json")
	rules := filepath.Join(dir, "rules.yaml")
	for path, text := range map[string]string{broken: `{"type":"FeatureCollection","features":[]}`, rules: "version: x\nslivers: {area: 1}\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := func(args ...string) []string { return append([]string{"analyze", "--edition", e}, args...) }
	// Parameters are refused before the edition is opened: this one does not exist.
	nowhere := func(args ...string) []string {
		return append([]string{"analyze", "--edition", filepath.Join(dir, "nowhere")}, args...)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"analyze"}, 2, "[ARGUMENTS]"},
		{[]string{"analyze", "flow", "--edition", e}, 2, "flows is meant"},
		{[]string{"analyze", "flows"}, 2, "[FLAG_MISSING]"},
		{[]string{"analyze", "flows", "--edition", dir}, 1, "[EDITION_"},
		{in("flows", "--by", "street"), 2, "[PARAMETER_BY]"},
		{in("flows", "--set", "cube"), 2, "NAME=VALUE"},
		{in("flows", "--set", "cube=true", "--set", "cube=false"), 2, "each name once"},
		{in("flows", "--set", "cub=true"), 2, "cube is meant"},
		{in("flows", "--set", "cube=perhaps"), 2, "[ANALYZE_PARAMETER]"},
		{nowhere("flows"), 1, "[EDITION_"},
		{nowhere("flows", "--set", "cub=true"), 2, "cube is meant"},
		{nowhere("flows", "--set", "cube=perhaps"), 2, "[ANALYZE_PARAMETER]"},
		{nowhere("contiguity", "--set", "gaps=5,5000"), 2, "from 0 to 1000"},
		{nowhere("contiguity", "--set", "least_mu=-1"), 2, "from 0 to 1e9"},
		{nowhere("nonagri", "--set", "source=surveys"), 2, "survey is meant"},
		{nowhere("siting", "--set", "project=golf"), 2, "[ANALYZE_PARAMETER]"},
		{nowhere("flows", "--rules", rules), 1, "[ANALYZE_RULES]"},
		{in("hsf-outside-pbf", "--out", filepath.Join(dir, "a.pdf")), 2, "[FORMAT_UNKNOWN]"},
		{in("hsf-outside-pbf", "--out", filepath.Join(dir, "a.json"), "--table", "x"), 2, "[FLAGS]"},
		{in("hsf-outside-pbf", "--out", out, "--geometry"), 2, "[FLAGS]"},
		{in("hsf-outside-pbf", "--out", out, "--table", "nope"), 1, "hsf_not_pbf_sum"},
		{in("hsf-outside-pbf", "--out", filepath.Join(dir, "a.gpkg"), "--table", "nope"), 1, "[ANSWER_TABLE]"},
		{in("hsf-outside-pbf", "--out", filepath.Join(dir, "a.shp"), "--table", "hsf_not_pbf_sum"), 1, "[ANSWER_TABLE]"},
		{in("hsf-outside-pbf", "--vintage", "1999"), 1, "[ANALYZE_LAYER]"},
		{in("hsf-outside-pbf", "--previous", broken), 1, "broken.json"},
		{in("hsf-outside-pbf", "--previous", broken), 1, "[ANSWER_FORM]"},
		{in("hsf-outside-pbf", "--previous", filepath.Join(dir, "none.json")), 1, "none.json"},
		{in("hsf-outside-pbf", "--rules", rules), 1, "[ANALYZE_RULES]"},
		{in("siting"), 1, "[ANALYZE_SHAPES]"},
		{in("siting", filepath.Join(dir, "none.txt")), 1, "none.txt"},
		{in("hsf-outside-pbf", "--receipt"), 2, "[FLAG_MISSING]"},
		{[]string{"analyze", "--edition", theEditions(t).Public, "conflicts"}, 1, "[POLICY]"},
	} {
		stdout, errs, code := gengtu(t, c.args...)
		if code != c.code || !strings.Contains(errs, c.says) || stdout != "" {
			t.Errorf("%q: exit code %d, %s%s; want %d and %s", c.args, code, errs, stdout, c.code, c.says)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "*a.*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%q is left (%v)", left, err)
	}
}

// The questions are listed with what each needs, in both languages and for programs; so
// are the rules, which are read back.
func TestAnalyzeLists(t *testing.T) {
	zh, en := must(t, "analyze", "--list", "--lang", "zh"), must(t, "analyze", "--list", "--lang", "en")
	for _, want := range []string{"hsf-outside-pbf", "图层：cropland pbf hsf", "有则用：", "--set cube=…"} {
		if !strings.Contains(zh, want) {
			t.Errorf("there is no %s in\n%s", want, zh)
		}
	}
	if !strings.Contains(en, "layers: cropland pbf hsf") {
		t.Error(en)
	}
	var listed struct {
		Questions []struct {
			Question string
			Layers   []string
		}
	}
	decode(t, []byte(must(t, "--json", "analyze", "--list")), &listed)
	if len(listed.Questions) != strings.Count("\n"+en, "\n")-strings.Count(en, "\n ")-1 || listed.Questions[0].Layers[0] != "cropland" {
		t.Errorf("%+v", listed)
	}
	if _, errs, code := gengtu(t, "analyze"); code != 2 || !strings.Contains(errs, "flows") {
		t.Errorf("without a question: exit code %d, %s", code, errs)
	}
	rules := filepath.Join(t.TempDir(), "rules.yaml")
	text := strings.Replace(must(t, "analyze", "--show-rules"), "version: \"", "version: \"our own ", 1)
	if err := os.WriteFile(rules, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	e := theSmallEdition(t)
	r := readAnswer(t, []byte(must(t, "--json", "analyze", "--edition", e, "hsf-outside-pbf", "--rules", rules)))
	plain := readAnswer(t, []byte(must(t, "--json", "analyze", "--edition", e, "hsf-outside-pbf")))
	if !strings.HasPrefix(r.Rules.Version, "our own ") || r.Run == plain.Run || r.Rules.Digest == plain.Rules.Digest {
		t.Errorf("an answer by other rules is %+v, run %s; by the built-in ones %+v, run %s", r.Rules, r.Run, plain.Rules, plain.Run)
	}
}

// What is shown is a table that a person reads, cut where it is long.
func TestAnalyzeShows(t *testing.T) {
	e := theSmallEdition(t)
	out := must(t, "analyze", "--edition", e, "hsf-outside-pbf", "--by", "village", "--lang", "zh")
	for _, want := range []string{"已建高标准农田在永久基本农田外", "hsf_not_pbf_sum", "另有", "恒等", "= ", "run ", "/亩"} {
		if !strings.Contains(out, want) {
			t.Errorf("there is no %q in\n%s", want, out)
		}
	}
	if one := must(t, "analyze", "--edition", e, "hsf-outside-pbf", "--table", "hsf_not_pbf_sum"); strings.Contains(one, "hsf_not_pbf  ") || !strings.Contains(one, "hsf_not_pbf_sum") {
		t.Error(one)
	}
}

// A kept answer with its shapes is one that another goes on from, and a receipt of each
// form is genuine until a byte is another.
func TestAnalyzeSealed(t *testing.T) {
	e := theSmallEdition(t)
	key, public := newKey(t)
	dir := t.TempDir()
	for _, name := range []string{"a.json", "a.csv", "a.html", "a.gpkg", "a.shp"} {
		path := filepath.Join(dir, name)
		must(t, "analyze", "--edition", e, "hsf-outside-pbf", "--out", path, "--seal", key)
		verified(t, name, "", "--trust", public, path)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/2] ^= 1
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		verified(t, name+" altered", "RECEIPT_ALTERED", "--trust", public, path)
	}
	if _, err := os.Stat(filepath.Join(dir, "a.dbf.receipt.json")); err != nil {
		t.Error("the table of a shapefile has no receipt")
	}
	kept := filepath.Join(dir, "kept.json")
	must(t, "analyze", "--edition", e, "hsf-outside-pbf", "--out", kept, "--geometry")
	data, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	r := readAnswer(t, data)
	for i, stated := range areasOf(t, r.Shapes[0].Table, "area") {
		m, err := r.Shapes[0].Geometry(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		if got := geo.Area(m); math.Abs(got-stated) > 1e-6*got+0.011 {
			t.Fatalf("row %d covers %.4f m², its table says %.2f", i+1, got, stated)
		}
	}
	var again bytes.Buffer
	if err := forms.Write(t.Context(), &again, r, forms.JSON, forms.Options{Geometry: true}); err != nil || !bytes.Equal(again.Bytes(), data) {
		t.Errorf("a kept answer is written as other bytes (%v)", err)
	}
}

// Interrupted it says so, ends with 1, and leaves no file and no part of one.
func TestAnalyzeInterrupted(t *testing.T) {
	e := theSmallEdition(t)
	dir := t.TempDir()
	for _, ending := range []string{"gpkg", "json"} {
		c := exec.CommandContext(t.Context(), binary(), "analyze", "--edition", e, "hsf-outside-pbf", "--out", filepath.Join(dir, "a."+ending))
		c.Env = append(os.Environ(), "GENGTU_LANG=en")
		var errs bytes.Buffer
		c.Stderr = &errs
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(30*time.Millisecond, func() { _ = c.Process.Signal(syscall.SIGINT) })
		err := c.Wait()
		timer.Stop()
		left, _ := os.ReadDir(dir)
		if err != nil && (c.ProcessState.ExitCode() != 1 && c.ProcessState.ExitCode() != -1 || len(left) > 0) {
			t.Errorf("%v, %s, %v is left", err, errs.String(), left)
		}
		if err == nil && len(left) != 1 {
			t.Errorf("%v is left", left)
		}
		for _, f := range left {
			if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Flags may stand before and behind the question; --json says what was written.
func TestAnalyzeReport(t *testing.T) {
	e := theSmallEdition(t)
	dir := t.TempDir()
	var report struct {
		Question, Run, Generation, Format string
		Files                             []string
		Rows                              map[string]int
	}
	out := filepath.Join(dir, "x.shp")
	decode(t, []byte(must(t, "analyze", "--json", "hsf-outside-pbf", "--by", "county", "--out", out, "--edition", e)), &report)
	if report.Question != "hsf-outside-pbf" || len(report.Run) != 16 || report.Format != "shp" || len(report.Files) != 5 || report.Files[0] != out || report.Rows["hsf_not_pbf"] == 0 {
		t.Errorf("%+v", report)
	}
	for _, f := range report.Files {
		if _, err := os.Stat(f); err != nil {
			t.Error(err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(report.Files) || !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == "x.dbf" }) {
		t.Errorf("%v (%v)", entries, err)
	}
}
