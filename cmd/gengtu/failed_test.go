package main_test

import (
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
	hint := "--layer dltb=" + kept
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
