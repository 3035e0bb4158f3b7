package main_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/analyze/analyzetest"
	"gengtu/index/geo"
	"gengtu/index/geo/postgistest"
)

// bridgeOf runs the verb and reads its lines in m².
func bridgeOf(t *testing.T, args ...string) map[string]float64 {
	t.Helper()
	var doc struct {
		Tables []struct {
			Name string
			Rows []struct {
				Line   string
				AreaM2 float64 `json:"area_m2"`
			}
		}
	}
	if err := json.Unmarshal([]byte(must(t, append([]string{"reconcile", "--json"}, args...)...)), &doc); err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, row := range doc.Tables[0].Rows {
		out[row.Line] = row.AreaM2
	}
	sum := 0.0
	for line, v := range out {
		if line != "b" {
			sum += v
		}
	}
	if math.Abs(sum-out["b"]) > 0.005 || out["unexplained"] != 0 || len(out) != 12 {
		t.Errorf("%v: %v", args, out)
	}
	return out
}

// The delivery of two years: figures are those of the manifest, what was reclassed, what is
// no cropland inside HSF and what blocks leave out are what PostGIS finds.
func TestReconcileDelivery(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "e")
	args := []string{"ingest", "--zooms", "8-9", "--out", dir}
	for _, v := range []string{"2023", "2024"} {
		for layer, file := range map[string]string{"dltb": "DLTB.shp", "pbf": "YJJBNTTB.gpkg", "hsf": "GBZNT.geojson", "region": "XZQ.fgb"} {
			args = append(args, "--layer", layer+"@"+v+"="+delivery(t, "delivery", v, file))
		}
	}
	must(t, args...)
	years := bridgeOf(t, "--edition", dir, "cropland@2023", "cropland@2024")
	blocks := bridgeOf(t, "--edition", dir, "--by", "village", "cropland@2024", dir+"#hsf@2024")
	bridgeOf(t, "--edition", dir, "--by", "village", "cropland@2024", "pbf@2024")
	ix, err := index.Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ix.Close() }()
	for line, l := range map[string]*index.Layer{"a": ix.Layer("cropland", "2023"), "b": ix.Layer("cropland", "2024")} {
		if math.Abs(years[line]-*l.Meta.NetM2) > 0.005 {
			t.Errorf("%s is %.2f, the manifest has %.2f", line, years[line], *l.Meta.NetM2)
		}
	}
	db := postgistest.Start(t)
	origin := geo.Position{Lon: 108_6500000000, Lat: 34_3300000000}
	analyzetest.Load(t, db, "a", ix.Layer("cropland", "2023"), origin)
	analyzetest.Load(t, db, "b", ix.Layer("cropland", "2024"), origin)
	analyzetest.Load(t, db, "s", ix.Layer("dltb", "2024"), origin, "DLBM")
	analyzetest.Load(t, db, "h", ix.Layer("hsf", "2024"), origin)
	rows := db.Ask(t, `SELECT
-(SELECT sum(a.net * ST_Area(ST_Intersection(a.geom, s.geom)) / a.area_m2) FROM a JOIN s ON ST_Intersects(a.geom, s.geom) WHERE left(s.dlbm, 2) <> '01'),
(SELECT sum(ST_Area(h.geom) - ST_Area(ST_Intersection(h.geom, (SELECT ST_Union(b.geom) FROM b WHERE b.geom && h.geom)))) FROM h),
-(SELECT sum(b.net * (1 - coalesce((SELECT ST_Area(ST_Intersection(b.geom, ST_Union(h.geom))) FROM h WHERE h.geom && b.geom), 0) / b.area_m2)) FROM b)`)
	for name, x := range map[string]struct{ got, want, within float64 }{
		"reclassed":    {years["reclassed"], number(t, rows[0][0]), 1e-6 * math.Abs(years["reclassed"])},
		"not cropland": {blocks["not-cropland"], number(t, rows[0][1]), 1e-6 * blocks["not-cropland"]},
		// Parcels that lie on each other count in another line.
		"ground and band": {blocks["ground"] + blocks["band"], number(t, rows[0][2]), 1e-6 * blocks["a"]},
	} {
		if d := math.Abs(x.got - x.want); d > x.within || x.got == 0 {
			t.Errorf("%s: %.2f m², PostGIS has %.4f", name, x.got, x.want)
		}
	}
}

// The verb writes every form, takes reported figures and its own answers, and says what is
// wrong.
func TestReconcileVerb(t *testing.T) {
	dir := twoYears(t, "300")
	out := t.TempDir()
	ed := filepath.Join(out, "e")
	must(t, append(append([]string{"ingest", "--zooms", "8-9", "--out", ed}, yearOf(dir, "2023", "dltb", "hsf")...), yearOf(dir, "2024", "dltb")...)...)
	for _, ending := range []string{"json", "csv", "xlsx", "geojson", "html", "gpkg"} {
		path := filepath.Join(out, "x."+ending)
		must(t, "reconcile", "--edition", ed, "--by", "village", "cropland@2023", "cropland@2024", "--out", path)
		if st, err := os.Stat(path); err != nil || st.Size() < 100 {
			t.Errorf("%s: %v", path, err)
		}
	}
	text := must(t, "reconcile", "--edition", ed, "cropland@2024", filepath.Join(out, "x.json")+"#bridge_by_place.b")
	if !strings.Contains(text, "no reasons") || !strings.Contains(text, "+0.00 m²        +0.0000 mu        0  unexplained") {
		t.Errorf("against its own answer: %s", text)
	}
	for _, x := range []struct {
		args []string
		code string
		exit int
	}{
		{[]string{"cropland@2023", "cropland@2024"}, "ARGUMENTS", 2},
		{[]string{"--edition", ed, "cropland@2023"}, "ARGUMENTS", 2},
		{[]string{"--edition", ed, "cropland@2023", "cropland@1999"}, "RECONCILE_OPERAND", 1},
		{[]string{"--edition", ed, "--figure", "gross", "cropland@2023", "cropland@2024"}, "RECONCILE_FIGURE", 2},
		{[]string{"--edition", ed, "--figure", "net", "cropland@2023", "hsf@2023"}, "RECONCILE_FIGURE", 1},
		{[]string{"--edition", ed, "--width", "x", "cropland@2023", "cropland@2024"}, "FLAGS", 2},
		{[]string{"--edition", ed, "--width", "1000", "cropland@2023", "cropland@2024"}, "RECONCILE_WIDTH", 1},
		{[]string{"--edition", ed, "--by", "street", "cropland@2023", "cropland@2024"}, "PARAMETER_BY", 2},
		{[]string{"--edition", ed, "--lines", "x", "cropland@2023", "cropland@2024"}, "RECONCILE_LINE", 2},
		{[]string{"--edition", ed, "--out", "x.pdf", "cropland@2023", "cropland@2024"}, "FORMAT_UNKNOWN", 2},
		{[]string{"--edition", ed, "cropland@2024", filepath.Join(out, "x.json") + "#nothing"}, "FIGURES_COLUMN", 1},
	} {
		_, errs, exit := gengtu(t, append([]string{"reconcile"}, x.args...)...)
		if exit != x.exit || !strings.Contains(errs, "["+x.code+"]") {
			t.Errorf("%v: exit %d, %s; want %d, %s", x.args, exit, errs, x.exit, x.code)
		}
	}
}
