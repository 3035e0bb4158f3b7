package main_test

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gengtu/index/edition"
)

// overlapping writes two patches that overlap by 0.09 m.
func overlapping(t testing.TB) string {
	t.Helper()
	var list []*parcel
	for i, lon := range [][2]float64{{108.65, 108.651}, {108.650999, 108.652}} {
		p := &parcel{Type: "Feature", Properties: map[string]any{"BSM": fmt.Sprintf("61040220010000000%d", i+1), "DLBM": "0101"}}
		p.Geometry.Type = "Polygon"
		p.Geometry.Coordinates = json.RawMessage(fmt.Sprintf("[[[%[1]f,34.3],[%[2]f,34.3],[%[2]f,34.301],[%[1]f,34.301],[%[1]f,34.3]]]", lon[0], lon[1]))
		list = append(list, p)
	}
	return write(t, "dltb", list)
}

// What is added beside an edition's layers is mended as in an ingest of all at once, and
// where nothing would be mended the flag is refused.
func TestMendSlivers(t *testing.T) {
	file := overlapping(t)
	dltb := []string{"--layer", "dltb@2024=" + file}
	region := []string{"--zooms", "8-9", "--layer", "region@2024=" + delivery(t, "delivery", "2024", "XZQ.fgb")}
	mend := []string{"--mend-slivers", "0.2"}
	whole, added := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "added")
	must(t, slices.Concat([]string{"ingest", "--out", whole}, region, dltb, mend)...)
	must(t, slices.Concat([]string{"ingest", "--out", added}, region)...)
	if out := must(t, slices.Concat([]string{"ingest", "--add", "--out", added}, dltb, mend)...); !strings.Contains(out, "SLIVER_MENDED") {
		t.Errorf("it lists nothing that was mended:\n%s", out)
	}
	want, m, err := edition.Current(whole)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := edition.Current(added)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("generation %s, that of all at once is %s", got, want)
	}
	// Patch areas that no record gives are those of the shapes that are stored.
	at := slices.IndexFunc(m.Layers, func(l edition.Layer) bool { return l.Name == "dltb" })
	c := m.Layers[at].PatchComputed
	if c == nil || c.Features != 2 || math.Abs(c.M2-m.Layers[at].AreaM2) > 0.01 {
		t.Errorf("patch areas computed are %+v, those of the shapes add up to %.3f m²", c, m.Layers[at].AreaM2)
	}
	later := []string{"--layer", "dltb@2025=" + file}
	for _, row := range []struct {
		code string
		args []string
	}{
		{"SLIVER_WIDTH", slices.Concat([]string{"ingest", "--add", "--out", added, "--mend-slivers", "2"}, later)},
		{"SLIVER_WIDTH", slices.Concat([]string{"ingest", "--out", added, "--mend-slivers", "-1"}, later)},
		{"SLIVER_STRICT", slices.Concat([]string{"ingest", "--add", "--out", added, "--strict"}, later, mend)},
		{"FLAGS", slices.Concat([]string{"update", "--edition", added}, dltb, mend)},
		{"INGEST_TIER", slices.Concat([]string{"ingest", "--add", "--out", added, "--tier", "public"}, later)},
		{"INGEST_TIER", slices.Concat([]string{"ingest", "--out", added, "--tier", "government"}, later)},
	} {
		if _, errs, code := gengtu(t, row.args...); code != 2 || !strings.Contains(errs, row.code) {
			t.Errorf("%v: exit code %d, %s; want 2, %s", row.args, code, errs, row.code)
		}
	}
	if now, _, err := edition.Current(added); err != nil || now != got {
		t.Errorf("the edition is at %s (%v), it was at %s", now, err, got)
	}
}
