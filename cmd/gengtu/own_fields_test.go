package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file that came out of an edition changes nothing when it is given back as it is,
// and what the program added to it is said to be left out; so is the id that the
// server's answers carry.
func TestUpdateFromExport(t *testing.T) {
	c := smallCountry(t, 40)
	dir := filepath.Join(t.TempDir(), "s")
	c.ingest(t, dir)
	for _, ending := range []string{".geojson", ".gpkg", ".fgb", ".shp"} {
		file := filepath.Join(t.TempDir(), "x"+ending)
		must(t, "export", "--edition", dir, "--layer", "hsf", "--out", file)
		given(t, dir, file, "gengtu_id area_m2")
	}
	p := c.layers["hsf"][0]
	answer, err := json.Marshal(map[string]any{
		"type": "Feature", "id": 4711, "geometry": p.Geometry, "properties": p.Properties, "layer": "hsf", "area_m2": 1.5,
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "x.geojson")
	if err := os.WriteFile(file, answer, 0o600); err != nil {
		t.Fatal(err)
	}
	given(t, dir, file, "id")
}

// given updates hsf with a file and wants nothing changed, and fields said to be left
// out.
func given(t *testing.T, dir, file, fields string) {
	t.Helper()
	out, errs, code := gengtu(t, "update", "--lang", "en", "--edition", dir, "--layer", "hsf="+file)
	if code != 0 || !strings.Contains(out, "added 0, replaced 0, deleted 0") {
		t.Errorf("%s: exit code %d\n%s%s", filepath.Base(file), code, out, errs)
	}
	if !strings.Contains(out+errs, "[OWN_FIELDS]") || !strings.Contains(out+errs, "fields "+fields+" are") {
		t.Errorf("%s: that %s are left out is not said\n%s%s", filepath.Base(file), fields, out, errs)
	}
}

// An export must not write two fields of one name where a layer has one that is
// called as one of those that an export adds.
func TestExportOwnNames(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "wells.geojson")
	text := `{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"EPSG:4490"}},"features":[{"type":"Feature","properties":` +
		`{"BSM":"1","AREA_M2":3.5},"geometry":{"type":"Polygon","coordinates":[[[108.6,34.3],[108.601,34.3],[108.601,34.301],[108.6,34.3]]]}}]}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	edition := filepath.Join(dir, "s")
	must(t, "ingest", "--out", edition, "--zooms", "8", "--layer", "wells@2024="+file)
	content, _ := exported(t, edition, "wells", filepath.Join(dir, "x.csv"))
	head, _, _ := strings.Cut(string(content), "\n")
	if want := "BSM,AREA_M2,gengtu_id,area_m2_2"; strings.TrimSpace(strings.TrimPrefix(head, "\ufeff")) != want {
		t.Errorf("the fields are %q, want %q", head, want)
	}
}
