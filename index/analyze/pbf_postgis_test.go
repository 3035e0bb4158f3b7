package analyze_test

import (
	"fmt"
	"math"
	"testing"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/analyze/analyzetest"
	"gengtu/index/geo"
	"gengtu/index/geo/postgistest"
)

// asked returns the numbers that a query of one row answers.
func asked(t testing.TB, db *postgistest.Cluster, sql string) []float64 {
	t.Helper()
	rows := db.Ask(t, sql)
	if len(rows) != 1 {
		t.Fatalf("%d rows: %s", len(rows), sql)
	}
	out := make([]float64, len(rows[0]))
	for i, text := range rows[0] {
		if _, err := fmt.Sscan(text, &out[i]); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
	}
	return out
}

// agree holds a sum of ours, in 0.01 m², against PostGIS's in m². Ours adds n figures, each
// a whole number of 0.01 m².
func agree(t testing.TB, name string, ours analyze.Area, theirs float64, n int) {
	t.Helper()
	if off := math.Abs(float64(ours)/100 - theirs); off > 1e-6*math.Abs(theirs)+0.005*math.Sqrt(float64(n))+0.01 {
		t.Errorf("%s is %.2f m², PostGIS has %.4f", name, float64(ours)/100, theirs)
	}
}

// The three questions of basic farmland and high-standard farmland agree with PostGIS.
func TestPBFAgainstPostGIS(t *testing.T) {
	if testing.Short() {
		t.Skip("starts PostGIS")
	}
	db := postgistest.Start(t)
	t.Run("hsf-outside-pbf", func(t *testing.T) { outsideByPostGIS(t, db) })
	t.Run("pbf-not-hsf", func(t *testing.T) { progressByPostGIS(t, db) })
	t.Run("pbf-to-retire", func(t *testing.T) { retireByPostGIS(t, db) })
}

// load brings layers into PostGIS, in the place of any that are there.
func load(t testing.TB, db *postgistest.Cluster, ix *index.Index, fields map[string][]string) {
	t.Helper()
	b := ix.Layer("cropland", "").Extent()
	origin := geo.Position{Lon: (b.Min.Lon + b.Max.Lon) / 2, Lat: (b.Min.Lat + b.Max.Lat) / 2}
	for name, f := range fields {
		db.Ask(t, "DROP TABLE IF EXISTS "+name)
		analyzetest.Load(t, db, name, ix.Layer(name, ""), origin, f...)
	}
}

// The net areas inside and outside, and those under each flag, are PostGIS's.
func outsideByPostGIS(t *testing.T, db *postgistest.Cluster) {
	ix := restricted(11, 60, 50, 500).Index(t)
	load(t, db, ix, map[string][]string{"cropland": {"GDPDJB"}, "pbf": nil, "hsf": {"STAGE"}, "redline": nil, "urban": nil, "approval": nil, "soil": {"TRHJLB"}})
	r := run(t, ix, analyze.Request{Question: "hsf-outside-pbf"}, analyze.Options{})
	sum := table(t, r, "hsf_not_pbf_sum")
	n := len(table(t, r, "hsf_not_pbf").Rows)
	const ground = `
CREATE TABLE h AS SELECT ST_Union(geom) g FROM hsf WHERE stage='验收';
CREATE TABLE p AS SELECT ST_Union(geom) g FROM pbf;
CREATE TABLE c AS SELECT id, net/ST_Area(geom) k, gdpdjb, ST_Intersection(geom, h.g) inside, ST_Difference(ST_Intersection(geom, h.g), p.g) g FROM cropland, h, p;
SELECT sum(k*ST_Area(inside)), sum(k*ST_Area(g)) FROM c`
	got := asked(t, db, ground)
	agree(t, "hsf_crop", total(sum, "hsf_crop"), got[0], n)
	agree(t, "crop", total(sum, "crop"), got[1], n)
	agree(t, "pbf_crop", total(sum, "pbf_crop"), got[0]-got[1], n)
	flagged := "ST_GeomFromText('POLYGON EMPTY')"
	for flag, of := range map[string]string{"in_redline": "redline", "in_ugb": "urban", "approved_use": "approval", "soil_strict": "soil WHERE trhjlb='3'"} {
		union := "(SELECT ST_Union(geom) FROM " + of + ")"
		agree(t, flag, total(sum, flag+"_crop"), asked(t, db, "SELECT sum(k*ST_Area(ST_Intersection(g, "+union+"))) FROM c")[0], n)
		flagged = "ST_Union(" + flagged + ", " + union + ")"
	}
	agree(t, "slope5", total(sum, "slope5_crop"), asked(t, db, "SELECT sum(k*ST_Area(g)) FROM c WHERE gdpdjb='5'")[0], n)
	agree(t, "eligible", total(sum, "eligible_crop"), asked(t, db, "SELECT sum(k*ST_Area(ST_Difference(g, "+flagged+"))) FROM c WHERE gdpdjb<>'5'")[0], n)
	for _, column := range []string{"eligible", "in_redline", "in_ugb", "approved_use", "soil_strict", "slope5"} {
		if total(sum, column+"_crop") == 0 {
			t.Errorf("%s was not tried", column)
		}
	}
}

// What is built by each year is PostGIS's.
func progressByPostGIS(t *testing.T, db *postgistest.Cluster) {
	ix := builtCounty(9).Index(t)
	load(t, db, ix, map[string][]string{"cropland": nil, "pbf": nil, "hsf": {"JSND", "XMBH"}, "pbf_nocond": nil})
	r := run(t, ix, analyze.Request{Question: "pbf-not-hsf"}, analyze.Options{})
	progress := table(t, r, "pbf_hsf_progress")
	db.Ask(t, `CREATE TABLE y AS SELECT geom, CASE WHEN jsnd IS NULL AND xmbh='A' THEN 2019 WHEN jsnd='2025' THEN NULL ELSE jsnd::int END y FROM hsf;
CREATE TABLE built AS SELECT ST_Union(geom) g FROM y; CREATE TABLE dated AS SELECT ST_Union(geom) g FROM y WHERE y IS NOT NULL; CREATE TABLE poor AS SELECT ST_Union(geom) g FROM pbf_nocond`)
	const inside = "SELECT coalesce(sum(net*ST_Area(ST_Intersection(geom, (%s)))/ST_Area(geom)), 0) FROM pbf"
	n := ix.Layer("pbf", "").Len()
	for i := range progress.Rows {
		year := cell(progress, i, "year").(int64)
		built := asked(t, db, fmt.Sprintf(inside, fmt.Sprintf("SELECT ST_Union(geom) FROM y WHERE y<=%d", year)))[0]
		agree(t, fmt.Sprint("built by ", year), cell(progress, i, "built").(analyze.Area), built, n)
	}
	last := len(progress.Rows) - 1
	agree(t, "pbf", cell(progress, last, "pbf").(analyze.Area), asked(t, db, "SELECT sum(net) FROM pbf")[0], n)
	agree(t, "undated", cell(progress, last, "undated").(analyze.Area), asked(t, db, fmt.Sprintf(inside, "SELECT ST_Difference(built.g, dated.g) FROM built, dated"))[0], n)
	agree(t, "ineligible", cell(progress, last, "ineligible").(analyze.Area), asked(t, db, fmt.Sprintf(inside, "SELECT ST_Difference(poor.g, built.g) FROM poor, built"))[0], n)
	agree(t, "listed", total(table(t, r, "pbf_not_hsf"), "crop"), asked(t, db, "SELECT sum(net*ST_Area(ST_Difference(geom, g))/ST_Area(geom)) FROM pbf, built")[0], n)
	if last < 3 || cell(progress, last, "undated") == analyze.Area(0) {
		t.Error("nothing was tried")
	}
}

// The shares by which patches retire are PostGIS's.
func retireByPostGIS(t *testing.T, db *postgistest.Cluster) {
	ix := retiringCounty(5).Index(t)
	load(t, db, ix, map[string][]string{"cropland": nil, "pbf": {"BSM"}, "fragile": nil, "arid": nil, "soil": {"TRHJLB"}})
	r := run(t, ix, analyze.Request{Question: "pbf-to-retire"}, analyze.Options{Rules: retireRules(t)})
	list := table(t, r, "pbf_retire")
	type shares [4]float64
	theirs := map[string]shares{}
	for _, row := range db.Ask(t, `SELECT bsm, 1-ST_Area(ST_Intersection(geom, c.g))/ST_Area(geom), ST_Area(ST_Intersection(geom, f.g))/ST_Area(geom), ST_Area(ST_Intersection(geom, a.g))/ST_Area(geom), ST_Area(ST_Intersection(geom, s.g))/ST_Area(geom)
 FROM pbf, (SELECT ST_Union(geom) g FROM cropland) c, (SELECT ST_Union(geom) g FROM fragile) f, (SELECT ST_Union(geom) g FROM arid) a, (SELECT ST_Union(geom) g FROM soil WHERE trhjlb='3') s`) {
		var s shares
		for k := range s {
			if _, err := fmt.Sscan(row[1+k], &s[k]); err != nil {
				t.Fatal(err)
			}
		}
		theirs[row[0]] = s
	}
	for i := range list.Rows {
		s := theirs[cell(list, i, "bsm").(string)]
		for k, column := range []string{"share_offcrop", "share_fragile", "share_arid", "share_soil"} {
			// A share is one of hundredths of a square metre, and a patch has 400 m² or more.
			if got := cell(list, i, column).(float64); math.Abs(got-s[k]) > 4e-5 {
				t.Errorf("%s of %v is %.7f, PostGIS has %.7f", column, cell(list, i, "bsm"), got, s[k])
			}
		}
	}
	if len(list.Rows) < 10 {
		t.Errorf("%d rows: nothing was tried", len(list.Rows))
	}
}
