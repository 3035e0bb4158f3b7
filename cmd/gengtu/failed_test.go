package main_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A copy in a folder of its own inside a delivery names both files and how to leave one out,
// and what is printed of the run says that nothing was stored.
func TestCopyInDelivery(t *testing.T) {
	dir := t.TempDir()
	if _, stderr, code := gengtu(t, "sample", "--out", dir, "--parcels", "300"); code != 0 {
		t.Fatal(stderr)
	}
	year := filepath.Join(dir, "2024")
	copied := filepath.Join(year, "备份")
	if err := os.Mkdir(copied, 0o755); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(year, "DLTB.*"))
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(copied, filepath.Base(file)), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kept, out := filepath.Join(year, "DLTB.shp"), filepath.Join(dir, "edition")
	stdout, stderr, code := gengtu(t, "--lang", "en", "ingest", "--delivery", year, "--out", out)
	hint := "--layer dltb@2024=" + kept
	if code != 1 || !strings.Contains(stderr, filepath.Join(copied, "DLTB.shp")) || !strings.Contains(stderr, hint) {
		t.Errorf("exit %d, and which files to choose from is not told: %s", code, stderr)
	}
	const nothing = "! nothing was stored"
	if !strings.HasPrefix(stdout, nothing) || strings.Count(stdout, nothing) != 2 || !strings.Contains(stdout, "kept 300") {
		t.Errorf("of a run that failed is printed %.300s", stdout)
	}
	stdout, stderr, code = gengtu(t, "--lang", "en", "ingest", "--delivery", year, "--layer", "dltb@2024="+kept, "--out", out)
	if code != 0 || strings.Contains(stdout, nothing) {
		t.Errorf("one of them alone: exit %d %.300s %s", code, stdout, stderr)
	}
	// A report that was asked for is not proposed.
	report := filepath.Join(dir, "faults")
	stdout, _, _ = gengtu(t, "--lang", "en", "check", "--delivery", year, "--layer", "dltb", kept, "--report", report)
	if strings.Contains(stdout, "--report DIR") || !strings.Contains(stdout, "more, in "+report) {
		t.Errorf("the summary does not say where the rest stands: %.2000s", stdout)
	}
	if stdout, _, _ = gengtu(t, "--lang", "en", "check", "--delivery", year, "--layer", "dltb", kept); !strings.Contains(stdout, "not checked: "+copied) || !strings.Contains(stdout, "--report DIR") || !strings.Contains(stdout, "EPSG:4524 (CGCS2000") {
		t.Errorf("without a report: %.2000s", stdout)
	}
}

// Files of a layer add up. A fault of one is no reason to leave another out, which would
// lose a county; a file whose records all stand in another is left out by naming all others.
func TestFaultBesideOthers(t *testing.T) {
	dir := t.TempDir()
	parcels := smallCountry(t, 40).layers["dltb"]
	place := func(county string, data []byte) string {
		t.Helper()
		file := filepath.Join(dir, county, "DLTB.geojsonl")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	lines := func(from, to int) []byte {
		t.Helper()
		data, err := os.ReadFile(write(t, "dltb", parcels[from:to]))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	line := []string{"ingest", "--delivery", dir, "--vintage", "2024", "--zooms", "9-9", "--out", filepath.Join(t.TempDir(), "e")}
	// fault is the last line, behind what was taken as what.
	fault := func(args ...string) (said string, code int) {
		t.Helper()
		_, said, code = gengtu(t, append(args, line...)...)
		return said[max(0, strings.LastIndex(said, "gengtu: ingest: ")):], code
	}
	first, second := lines(0, 20), lines(20, 40)
	a, b := place("A", first[:len(first)-40]), place("B", second)
	for _, lang := range []string{"zh", "en"} {
		said, code := fault("--lang", lang)
		if code != 1 || !strings.Contains(said, a) || strings.Contains(said, b) || strings.Contains(said, "--layer") {
			t.Errorf("%s: a broken county beside another: exit %d: %s", lang, code, said)
		}
	}
	place("A", first)
	c := place("C", second)
	for _, lang := range []string{"zh", "en"} {
		said, code := fault("--lang", lang)
		hint := "--layer dltb@2024=" + a + " --layer dltb@2024=" + b + " "
		if code != 1 || !strings.Contains(said, hint) || strings.Count(said, c) != 1 || strings.Contains(said, "; ;") || strings.Contains(said, "；；") {
			t.Errorf("%s: a copy of one of two counties: exit %d: %s", lang, code, said)
		}
	}
	stdout, said, code := gengtu(t, append(line, "--layer", "dltb@2024="+a, "--layer", "dltb@2024="+b)...)
	if code != 0 || !strings.Contains(stdout, "kept 40") {
		t.Errorf("as advised: exit %d %s %s", code, stdout, said)
	}
	// What is copied in part has faults of its own: the rest stands nowhere else.
	rest := bytes.ReplaceAll(lines(30, 40), []byte(`"coordinates":[[`), []byte(`"coordinates":[],"was":[[`))
	place("C", append(lines(20, 30), rest...))
	if said, code := fault(); code != 1 || !strings.Contains(said, c) || !strings.Contains(said, "NOTHING_KEPT") || strings.Contains(said, "--layer") {
		t.Errorf("a file copied in part: exit %d: %s", code, said)
	}
}
