package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// nothingStored checks what is printed of a run that failed, in both languages, and the
// report in JSON: they say that nothing was stored.
func nothingStored(t *testing.T, args ...string) {
	t.Helper()
	for lang, word := range map[string]string{"zh": "! 什么也没有入库", "en": "! nothing was stored"} {
		out, errs, code := gengtu(t, append([]string{"--lang", lang}, args...)...)
		last := map[string]string{"zh": "! 以上都没有入库：这次没有成功\n", "en": "! nothing was stored of all this: the run failed\n"}[lang]
		if code != 1 || !strings.HasPrefix(out, word) || !strings.HasSuffix(out, last) {
			t.Errorf("%s: exit code %d, %s\n%s", strings.Join(args, " "), code, out, errs)
		}
	}
	out, errs, code := gengtu(t, append([]string{"--json"}, args...)...)
	if code != 1 || storedOf(t, []byte(out)) {
		t.Errorf("%s: exit code %d, %s\n%s", strings.Join(args, " "), code, out, errs)
	}
}

// storedOf reads the member stored of a report, which must be there.
func storedOf(t *testing.T, report []byte) bool {
	t.Helper()
	var rep struct{ Stored *bool }
	if err := json.Unmarshal(report, &rep); err != nil || rep.Stored == nil {
		t.Fatalf("no member stored (%v): %.300s", err, report)
	}
	return *rep.Stored
}

// Each run that takes data in tells whether it stored anything, failed or not.
func TestStored(t *testing.T) {
	c := smallCountry(t, 40)
	dir := filepath.Join(t.TempDir(), "s")
	file := write(t, "hsf", c.layers["hsf"])
	if out := must(t, "--json", "ingest", "--out", dir, "--zooms", "9-9", "--layer", "hsf@2024="+file); !storedOf(t, []byte(out)) {
		t.Errorf("ingest: %s", out)
	}
	change := write(t, "hsf", []*parcel{c.layers["hsf"][0].moved(t, 1e-5, 0)})
	if out := must(t, "--json", "update", "--edition", dir, "--layer", "hsf="+change); !storedOf(t, []byte(out)) {
		t.Errorf("update: %s", out)
	}
	if out := must(t, "--json", "ingest", "--add", "--out", dir, "--layer", "hsf@2023="+file); !storedOf(t, []byte(out)) {
		t.Errorf("ingest --add: %s", out)
	}
	bad := c.layers["hsf"][1].clone()
	bad.Geometry.Coordinates = json.RawMessage(`[]`)
	mixed := write(t, "hsf", []*parcel{c.layers["hsf"][0].moved(t, 2e-5, 0), bad})
	nothingStored(t, "update", "--strict", "--edition", dir, "--layer", "hsf="+mixed)
	nothingStored(t, "ingest", "--strict", "--out", dir, "--layer", "hsf@2024="+mixed)
	nothingStored(t, "ingest", "--add", "--strict", "--out", dir, "--layer", "hsf@2022="+mixed)
}

// So does one that applies an update package, to the file of --report, too.
func TestStoredPackage(t *testing.T) {
	dir := twoYears(t, "300")
	whole, out := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "updated")
	must(t, append(append([]string{"ingest", "--zooms", "8-8", "--out", whole}, yearOf(dir, "2023", "dltb")...), yearOf(dir, "2024", "dltb")...)...)
	must(t, append([]string{"ingest", "--zooms", "8-8", "--out", out}, yearOf(dir, "2023", "dltb")...)...)
	folder := packageOf(t, exportedPatches(t, whole, "dltb@2023"), exportedPatches(t, whole, "dltb@2024"))
	flows := filepath.Join(folder, "DLTBGXGC.geojsonl")
	good, err := os.ReadFile(flows)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(flows, []byte(strings.Replace(string(good), `"BGQDLMC":"`, `"BGQDLMC":"x`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	report := filepath.Join(t.TempDir(), "report.json")
	nothingStored(t, "update", "--edition", out, "--package", folder, "--report", report)
	data, err := os.ReadFile(report)
	if err != nil || storedOf(t, data) {
		t.Errorf("the report of a package that is refused (%v): %.300s", err, data)
	}
	if err := os.WriteFile(flows, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := must(t, "--json", "update", "--edition", out, "--package", folder); !storedOf(t, []byte(out)) {
		t.Errorf("update --package: %s", out)
	}
}
