package main_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// What a line alone says wrong is exit code 2 (DESIGN.md, section 1), before anything is
// opened; what is wrong beside what an edition holds is 1.
func TestWrongLines(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	access := filepath.Join(t.TempDir(), "access.json")
	holder := func(flags ...string) []string {
		return append([]string{"token", "add", "--access", access, "--tier", "secure"}, flags...)
	}
	for _, c := range []struct {
		code string
		args []string
	}{
		{"PARAMETER_PLACE", []string{"overlay", "--edition", none, "--place", "999"}},
		{"CRS_UNKNOWN", []string{"overlay", "--edition", none, "--crs", "EPSG:abc", "plot.geojson"}},
		{"FLAGS", []string{"overlay", "--edition", none, "--place", "61", "--crs", "EPSG:4490"}},
		{"FLAGS", []string{"overlay", "--edition", none, "--place", "61", "--table", "plots"}},
		{"PUBLISH_UPWARD", []string{"publish", "--from", none, "--tier", "secure", "--out", none}},
		{"FLAGS", []string{"publish", "--from", none, "--tier", "public", "--out", none, "--workers", "-3"}},
		{"PARAMETER_PLACE", []string{"analyze", "--edition", none, "contiguity", "--place", "61040"}},
		{"ANALYZE_PARAMETER", []string{"analyze", "--edition", none, "contiguity", "--set", "nosuch=1"}},
		{"CRS_UNKNOWN", []string{"analyze", "--edition", none, "siting", "--crs", "EPSG:abc", "plot.geojson"}},
		{"FORMAT_UNKNOWN", []string{"analyze", "--edition", none, "flows", "--out", "flows.geojson"}},
		{"PARAMETER_BY", []string{"reconcile", "--edition", none, "pbf", "cropland", "--by", "street"}},
		{"PARAMETER_PLACE", []string{"reconcile", "--edition", none, "pbf", "cropland", "--place", "999"}},
		{"RECONCILE_FIGURE", []string{"reconcile", "--edition", none, "pbf", "cropland", "--figure", "gross"}},
		{"FLAGS", []string{"check", "--delivery", none, "--layer", "dltb@2024=plot.shp"}},
		{"PROFILE_UNKNOWN", []string{"profile", "show", "nosuch"}},
		{"ACCESS_NAME", holder("--name", "two words")},
		{"ACCESS_SCOPE", holder("--operations", "fly")},
		{"ACCESS_SCOPE", holder("--place", "abc")},
		{"ACCESS_RATE", holder("--rate", "-1")},
		{"ACCESS_ORIGIN", holder("--origins", "example.org")},
	} {
		if _, stderr, exit := gengtu(t, append([]string{"--lang", "en"}, c.args...)...); exit != 2 || !strings.Contains(stderr, "["+c.code+"]") || !strings.Contains(stderr, "Try: ") {
			t.Errorf("%v: exit %d, want 2 and %s: %s", c.args, exit, c.code, stderr)
		}
	}
	for code, args := range map[string][]string{
		"CRS_UNKNOWN": {"overlay", "--edition", none, "--crs", "EPSG:2437", "plot.geojson"},
		"CRS_REFUSED": {"ingest", "--out", none, "--layer", "pbf=x.shp", "--crs", "EPSG:2437"},
	} {
		if _, stderr, _ := gengtu(t, append([]string{"--lang", "zh"}, args...)...); !strings.Contains(stderr, code) || strings.Contains(stderr, "parameters") {
			t.Errorf("two languages in one message: %s", stderr)
		}
	}
	if out, _ := filepath.Glob(access + "*"); len(out) != 0 {
		t.Errorf("a wrong line left %v", out)
	}
	e := theEditions(t)
	for _, c := range []struct {
		code string
		args []string
	}{
		{"NO_PLACE", []string{"overlay", "--edition", e.Secure, "--place", "990101"}},
		{"NO_PLACE", []string{"reconcile", "--edition", e.Secure, "pbf", "cropland", "--place", "990101"}},
		{"NO_VINTAGE", []string{"overlay", "--edition", e.Secure, "--place", "61", "--vintage", "1999"}},
		{"EXPORT_CREATE", []string{"export", "--edition", e.Secure, "--layer", "pbf", "--out", filepath.Join(none, "pbf.geojson")}},
	} {
		if _, stderr, exit := gengtu(t, c.args...); exit != 1 || !strings.Contains(stderr, "["+c.code+"]") {
			t.Errorf("%v: exit %d, want 1 and %s: %s", c.args, exit, c.code, stderr)
		} else if c.code == "EXPORT_CREATE" && !strings.Contains(stderr, "; ") && !strings.Contains(stderr, "；") {
			t.Errorf("what to do is not told: %s", stderr)
		}
	}
}
