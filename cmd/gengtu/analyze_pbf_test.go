package main_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/analyze/analyzetest"
	"gengtu/index/geo"
	"gengtu/index/geo/postgistest"
)

// The delivery's two vintages answer what basic farmland and high-standard farmland have of
// each other as PostGIS and gengtu overlay do, and what they answer closes.
func TestAnalyzePBFOfDelivery(t *testing.T) {
	if testing.Short() {
		t.Skip("takes in the delivery and starts PostGIS")
	}
	dir := filepath.Join(t.TempDir(), "e")
	args := []string{"ingest", "--out", dir, "--zooms", "9-9"}
	for _, v := range []string{"2023", "2024"} {
		for layer, file := range map[string]string{"dltb": "DLTB.shp", "pbf": "YJJBNTTB.gpkg", "hsf": "GBZNT.geojson", "region": "XZQ.fgb"} {
			args = append(args, "--layer", layer+"@"+v+"="+delivery(t, "delivery", v, file))
		}
	}
	must(t, args...)
	ix, err := index.Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ix.Close(); err != nil {
			t.Error(err)
		}
	})
	db := postgistest.Start(t)
	for _, v := range []string{"2023", "2024"} {
		t.Run(v, func(t *testing.T) {
			d := &deliveryCheck{T: t, ix: ix, db: db, vintage: v, sums: map[string]float64{}}
			d.load()
			d.outside()
			d.progress()
			d.overlay(dir)
		})
	}
}

// deliveryCheck holds one vintage's answers against others.
type deliveryCheck struct {
	*testing.T
	ix      *index.Index
	db      *postgistest.Cluster
	vintage string
	sums    map[string]float64
}

func (d *deliveryCheck) load() {
	b := d.ix.Layer("cropland", d.vintage).Extent()
	origin := geo.Position{Lon: (b.Min.Lon + b.Max.Lon) / 2, Lat: (b.Min.Lat + b.Max.Lat) / 2}
	for layer, fields := range map[string][]string{"cropland": nil, "pbf": nil, "hsf": {"JCND"}} {
		d.db.Ask(d, "DROP TABLE IF EXISTS "+layer)
		analyzetest.Load(d, d.db, layer, d.ix.Layer(layer, d.vintage), origin, fields...)
	}
	d.db.Ask(d, `DROP TABLE IF EXISTS part; CREATE TABLE part AS
 SELECT c.id, c.net/ST_Area(c.geom) k, ST_Intersection(c.geom, (SELECT ST_Union(h.geom) FROM hsf h WHERE h.geom && c.geom)) g FROM cropland c;
 DELETE FROM part WHERE g IS NULL OR ST_IsEmpty(g); ALTER TABLE part ADD rest geometry;
 UPDATE part SET rest = coalesce(ST_Difference(g, (SELECT ST_Union(p.geom) FROM pbf p WHERE p.geom && g)), g)`)
}

// ask answers a question of the vintage.
func (d *deliveryCheck) ask(question string) *analyze.Result {
	d.Helper()
	r, err := analyze.Run(d.Context(), d.ix, analyze.Request{Question: question, By: "village", Vintage: d.vintage}, analyze.Options{})
	if err != nil {
		d.Fatal(err)
	}
	return r
}

// total is the sum of a column of areas, in m², where rows hold.
func (d *deliveryCheck) total(t *analyze.Table, column string, holds func(row []any) bool) float64 {
	sum := analyze.Area(0)
	for _, row := range t.Rows {
		if holds == nil || holds(row) {
			sum += row[t.Column(column)].(analyze.Area)
		}
	}
	return float64(sum) / 100
}

// agree holds a sum, in m², against one that a query of PostGIS answers.
func (d *deliveryCheck) agree(name string, ours float64, sql string) {
	d.Helper()
	theirs := 0.0
	if _, err := fmt.Sscan(d.db.Ask(d, sql)[0][0], &theirs); err != nil {
		d.Fatal(err)
	}
	if math.Abs(ours-theirs) > 1e-6*theirs || theirs == 0 {
		d.Errorf("%s is %.2f m², PostGIS has %.4f", name, ours, theirs)
	}
	d.Logf("%s: %.2f m², PostGIS %.4f", name, ours, theirs)
	d.sums[name] = ours
}

func (d *deliveryCheck) outside() {
	r := d.ask("hsf-outside-pbf")
	sum := r.Tables[1]
	d.agree("hsf_crop", d.total(sum, "hsf_crop", nil), "SELECT sum(k*ST_Area(g)) FROM part")
	d.agree("crop", d.total(sum, "crop", nil), "SELECT sum(k*ST_Area(rest)) FROM part")
	d.agree("pbf_crop", d.total(sum, "pbf_crop", nil), "SELECT sum(k*(ST_Area(g)-ST_Area(rest))) FROM part")
	d.agree("area", d.total(sum, "area", nil), "SELECT sum(ST_Area(rest)) FROM part")
	shapes := 0.0
	list := r.Tables[0]
	for i := range list.Rows {
		g, err := r.Shapes[0].Geometry(d.Context(), i)
		if err != nil {
			d.Fatal(err)
		}
		shapes += geo.Area(g)
	}
	if rows := d.total(list, "area", nil); math.Abs(shapes-rows) > 1e-6*rows {
		d.Errorf("the shapes have %.2f m², the rows %.2f", shapes, rows)
	}
}

func (d *deliveryCheck) progress() {
	t := d.ask("pbf-not-hsf").Tables[0]
	const built = `SELECT sum(net*ST_Area(ST_Intersection(p.geom, (SELECT ST_Union(h.geom) FROM hsf h WHERE h.geom && p.geom AND h.jcnd::int<=%d)))/ST_Area(p.geom)) FROM pbf p`
	for _, year := range []int64{2013, 2018, 2023} {
		d.agree(fmt.Sprint("built by ", year), d.total(t, "built", func(row []any) bool { return row[t.Column("year")] == year }), fmt.Sprintf(built, year))
	}
}

// overlay holds the ground against gengtu overlay's combinations, which count it once.
func (d *deliveryCheck) overlay(dir string) {
	b := d.ix.Layer("dltb", d.vintage).Extent()
	w, s, e, n := float64(b.Min.Lon)/geo.Unit-0.01, float64(b.Min.Lat)/geo.Unit-0.01, float64(b.Max.Lon)/geo.Unit+0.01, float64(b.Max.Lat)/geo.Unit+0.01
	aoi := filepath.Join(d.TempDir(), "all.geojson")
	text := fmt.Sprintf(`{"type":"Polygon","coordinates":[[[%[1]v,%[2]v],[%[3]v,%[2]v],[%[3]v,%[4]v],[%[1]v,%[4]v],[%[1]v,%[2]v]]]}`, w, s, e, n)
	if err := os.WriteFile(aoi, []byte(text), 0o600); err != nil {
		d.Fatal(err)
	}
	var answer struct {
		Combinations []struct {
			Inside  []string           `json:"inside"`
			Outside []string           `json:"outside"`
			AreaM2  float64            `json:"area_m2"`
			Net     map[string]float64 `json:"net_m2"`
		} `json:"combinations"`
	}
	out := must(d, "overlay", "--edition", dir, "--vintage", d.vintage, "--layers", "cropland,pbf,hsf", aoi)
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		d.Fatalf("%v: %s", err, out)
	}
	for _, c := range answer.Combinations {
		if got := strings.Join(c.Inside, " "); got != "cropland hsf" {
			continue
		}
		// Ours adds hundredths of each patch up.
		if ours := d.sums["crop"]; math.Abs(ours-c.Net["cropland"]) > 1 || ours == 0 {
			d.Errorf("cropland in high-standard and outside basic farmland is %.2f m², overlay has %.2f", ours, c.Net["cropland"])
		}
		if ours := d.sums["area"]; math.Abs(ours-c.AreaM2) > 1 {
			d.Errorf("its ground is %.2f m², overlay has %.2f", ours, c.AreaM2)
		}
		d.Logf("overlay: %.2f m² net, %.2f m²", c.Net["cropland"], c.AreaM2)
		return
	}
	d.Errorf("overlay has no such combination: %s", out)
}
