package main_test

import (
	"path/filepath"
	"testing"
)

// The layers that are compared are those that the states name, each the other's where it
// names none; without a name the command and the server take the same.
func TestDiffLayer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "edition")
	must(t, "ingest", "--out", dir, "--zooms", "9-9", "--layer", "pbf@2024="+delivery(t, "delivery", "2024", "YJJBNTTB.gpkg"),
		"--layer", "hsf@2023="+delivery(t, "delivery", "2023", "GBZNT.geojson"), "--layer", "hsf@2024="+delivery(t, "delivery", "2024", "GBZNT.geojson"))
	type states struct {
		From, To struct{ Layer, Vintage string }
	}
	check := func(name string, answer []byte, from, to string) {
		t.Helper()
		var d states
		decode(t, answer, &d)
		if got := [2]string{d.From.Layer + "@" + d.From.Vintage, d.To.Layer + "@" + d.To.Vintage}; got != [2]string{from, to} {
			t.Errorf("%s: compared %v, want %s and %s", name, got, from, to)
		}
	}
	both := theEditions(t).Secure
	for _, tt := range []struct {
		from, to         string
		within           bool
		wantFrom, wantTo string
	}{
		{"@2023", "@2024", true, "hsf@2023", "hsf@2024"},
		{"pbf@2024", "@2024", true, "pbf@2024", "pbf@2024"},
		{"@2024", "pbf@2024", true, "pbf@2024", "pbf@2024"},
		{"pbf@2024", "hsf@2024", true, "pbf@2024", "hsf@2024"},
		{dir, both, false, "pbf@2024", "pbf@2024"}, // which both hold, as neither dltb nor cropland
		{both, both, false, "dltb@2024", "dltb@2024"},
	} {
		args := []string{"--json", "diff", tt.from, tt.to}
		if tt.within {
			args = append(args, "--edition", dir)
		}
		check(tt.from+" "+tt.to, []byte(must(t, args...)), tt.wantFrom, tt.wantTo)
	}
	check("--layer", []byte(must(t, "--json", "diff", "--layer", "hsf", dir, both)), "hsf@2024", "hsf@2024")
	s := serve(t, dir)
	check("GET", s.get(t, 200, "/secure/diff?list=false").Body, "hsf@2023", "hsf@2024")
	check("GET of one layer", s.get(t, 200, "/secure/diff?list=false&layer=pbf&from=2024&to=2024").Body, "pbf@2024", "pbf@2024")
}
