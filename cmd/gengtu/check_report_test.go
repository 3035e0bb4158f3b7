package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A check writes its report where it is told to, prints the JSON or a summary, and its
// exit code is the verdict: 0 for pass and for warnings, 1 for fail, as the rules say.
func TestCheckReport(t *testing.T) {
	dltb, dir := delivery(t, "delivery", "2024", "DLTB.shp"), t.TempDir()
	type report struct {
		Verdict string
		Date    string
		County  struct{ Name, Code string }
		Summary struct{ Faults int }
	}
	parse := func(text string) report {
		t.Helper()
		var r report
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	out := filepath.Join(dir, "new", "report")
	text, said, code := gengtu(t, "check", dltb, "--report", out, "--date", "2025-01-15", "--county", "试验县")
	if code != 1 || !strings.Contains(said, "[CHECK_FAILED]") || !strings.Contains(text, "verdict: FAIL") {
		t.Errorf("exit %d, %s\n%s", code, said, text)
	}
	var names []string
	files, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		names = append(names, f.Name())
	}
	want := []string{
		"faults.cpg", "faults.dbf", "faults.prj", "faults.shp", "faults.shx",
		"faults_area.cpg", "faults_area.dbf", "faults_area.prj", "faults_area.shp", "faults_area.shx", "report.html", "report.json",
	}
	if d := cmp.Diff(want, names); d != "" {
		t.Error(d)
	}
	b, err := os.ReadFile(filepath.Join(out, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	r := parse(string(b))
	if r.Verdict != "fail" || r.Date != "2025-01-15" || r.County.Name != "试验县" || r.County.Code == "" || r.Summary.Faults == 0 {
		t.Errorf("%+v", r)
	}
	printed, _, code := gengtu(t, "check", dltb, "--json", "--date", "2025-01-15", "--county", "试验县")
	if printed != string(b) || code != 1 {
		t.Errorf("--json prints another JSON than --report writes (exit %d)", code)
	}

	rules := filepath.Join(dir, "rules.yaml")
	embedded := must(t, "check", "--print-rules")
	lenient := strings.Replace(embedded, "fails: [一类, 二类]", "fails: []", 1)
	if err := os.WriteFile(rules, []byte(lenient), 0o644); err != nil || lenient == embedded {
		t.Fatal("the rules have no list of what fails", err)
	}
	if r := parse(must(t, "check", dltb, "--json", "--rules", rules)); r.Verdict != "pass_with_warnings" || r.Summary.Faults == 0 {
		t.Errorf("where nothing fails: %+v", r)
	}
	printed, said, code = gengtu(t, "check", dltb, "--json", "--rules", rules, "--strict")
	if code != 1 || parse(printed).Verdict != "fail" {
		t.Errorf("--strict with refused features: exit %d, %s", code, said)
	}
	if err := os.WriteFile(rules, []byte(strings.Replace(embedded, "fails: [一类, 二类]", "", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, said, code := gengtu(t, "check", dltb, "--rules", rules); code != 1 || !strings.Contains(said, "fails is missing") {
		t.Errorf("rules that do not say what fails: exit %d, %s", code, said)
	}

	broken := filepath.Join(dir, "broken.shp")
	if err := os.WriteFile(broken, []byte("nothing"), 0o644); err != nil {
		t.Fatal(err)
	}
	out = filepath.Join(dir, "second")
	_, said, code = gengtu(t, "check", broken, dltb, "--report", out)
	b, err = os.ReadFile(filepath.Join(out, "report.html"))
	if code != 1 || !strings.Contains(said, "broken.shp") || err != nil || !strings.Contains(string(b), "broken.shp") {
		t.Errorf("with a file that cannot be opened: exit %d, %s %v", code, said, err)
	}
}
