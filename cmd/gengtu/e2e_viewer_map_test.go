package main_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gengtu/tileserver/viewer/viewertest"
)

// deliveredYears is a secure edition of the delivery's two years: hsf is given for 2024
// alone, and the places for both.
func deliveredYears(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "secure")
	args := []string{"ingest", "--zooms", "12-14", "--out", dir}
	for _, year := range []string{"2023", "2024"} {
		data := filepath.Join("..", "..", "..", "shared", "data", "delivery", year)
		args = append(args, "--layer", "dltb@"+year+"="+filepath.Join(data, "DLTB.shp"), "--layer", "region@"+year+"="+filepath.Join(data, "XZQ.fgb"))
		if year == "2024" {
			args = append(args, "--layer", "hsf@2024="+filepath.Join(data, "GBZNT.geojson"))
		}
	}
	must(t, args...)
	return dir
}

// drawnIDs are the ids of the cropland in a tile that a map of the page has loaded.
func drawnIDs(t *testing.T, b *viewertest.Tab, of string) []string {
	t.Helper()
	ids := viewertest.Eval[[]string](t, b, fmt.Sprintf(`(() => { const d = %s; const s = d.styleLayers('cropland')[0];
		return [...new Set(d.map.querySourceFeatures(s.source, {sourceLayer: 'cropland'}).map((f) => String(f.id)))].sort(); })()`, of))
	slices.Sort(ids)
	return ids
}

// missingIn are those of a that b lacks.
func missingIn(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(id string) bool { _, there := slices.BinarySearch(b, id); return there })
}

// Two years of the delivery are two maps: what the page draws of each is what the API has
// of it and not of the other, the counts in the card are the catalogue's, and a comparison
// shows both at once.
func TestViewerMapYears(t *testing.T) {
	s := serve(t, deliveredYears(t))
	bearer := []string{"Authorization", "Bearer " + s.tokens["secure"]}
	b := openViewer(t, s, "secure", "map=15/34.33/108.64&vintage=2023&layers=cropland,hsf,region", viewertest.Desktop)
	b.Until(t, "gengtu.app.drawn.vintage() === '2023' && gengtu.map.areTilesLoaded()")
	old := drawnIDs(t, b, "gengtu.app.drawn")
	counts := func(year string) string {
		var c struct {
			Layers []struct {
				Name     string
				Features int
			}
		}
		decode(t, s.do(t, "GET", "/secure/catalog?vintage="+year, nil, bearer...).Body, &c)
		for _, l := range c.Layers {
			if l.Name == "cropland" {
				return fmt.Sprint(l.Features)
			}
		}
		t.Fatalf("the catalogue of %s has no cropland", year)
		return ""
	}
	told := `[...document.querySelectorAll('[data-testid="layer-facts-cropland"] data')].map((d) => d.value).join()`
	b.Until(t, told+" === '"+counts("2023")+"'")
	if text := b.Text(t, "layer-lacks-hsf"); !strings.Contains(text, "2024") {
		t.Errorf("of hsf the card says %q", text)
	}

	viewertest.Eval[string](t, b, "location.hash = 'map=15/34.33/108.64&layers=cropland,hsf,region'")
	b.Until(t, "gengtu.app.drawn.vintage() === '' && gengtu.map.areTilesLoaded()")
	now := drawnIDs(t, b, "gengtu.app.drawn")
	gone, came := missingIn(old, now), missingIn(now, old)
	if len(gone) == 0 || len(old) < 100 {
		t.Fatalf("2023 draws %d parcels, %d of them not in 2024: nothing to tell the years by", len(old), len(gone))
	}
	has := func(id, year string) bool {
		status := s.do(t, "GET", "/secure/features/cropland/"+id+"?vintage="+year, nil, bearer...).Status
		if status != 200 && status != 404 {
			t.Fatalf("%s of %s: %d", id, year, status)
		}
		return status == 200
	}
	for _, id := range gone[:min(12, len(gone))] {
		if !has(id, "2023") || has(id, "2024") {
			t.Errorf("%s is drawn in 2023 alone, the API has it in 2023 %v, in 2024 %v", id, has(id, "2023"), has(id, "2024"))
		}
	}
	for _, id := range came[:min(12, len(came))] {
		if has(id, "2023") || !has(id, "2024") {
			t.Errorf("%s is drawn in 2024 alone, the API has it in 2023 %v, in 2024 %v", id, has(id, "2023"), has(id, "2024"))
		}
	}

	b.Click(t, "swipe-open")
	left := "gengtu.app.seen({x: 1, y: 300})"
	b.Until(t, left+" !== gengtu.app.drawn && "+left+".map.areTilesLoaded() && "+left+".map.queryRenderedFeatures().length > 100")
	if l, r := drawnIDs(t, b, left), drawnIDs(t, b, "gengtu.app.drawn"); !slices.Equal(l, old) || !slices.Equal(r, now) {
		t.Errorf("compared: %d parcels at the left, want %d; %d at the right, want %d", len(l), len(old), len(r), len(now))
	}
	b.Until(t, told+" === '"+counts("2023")+","+counts("2024")+"'")
	b.Picture(t, "binary-compare")
}
