package main_test

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"gengtu/benchmarks/suite"
)

// The flow matrix of layers whose borders cut across each other is what PostGIS
// intersects, class by class, to 0.01 m².
func TestMatrixAgreesWithPostGIS(t *testing.T) {
	dir := twoYears(t, "400")
	out := filepath.Join(t.TempDir(), "s")
	must(t, slices.Concat([]string{"ingest", "--zooms", "8-9", "--out", out}, yearOf(dir, "2023", "dltb", "hsf"))...)
	p := startPostGIS(t)
	for _, layer := range []string{"dltb", "hsf"} {
		file := filepath.Join(t.TempDir(), layer+".gpkg")
		must(t, "export", "--edition", out, "--layer", layer, "--out", file)
		p.load(t, file, layer)
	}
	// Blocks overlap each other, and their ground counts once.
	rows := p.Ask(t, planeSQL+`; CREATE TABLE ground AS SELECT ST_Union(plane(geom)) g FROM hsf;
SELECT coalesce(a.dlbm, ''), sum(ST_Area(ST_Intersection(plane(a.geom), b.g))) area FROM dltb a CROSS JOIN ground b GROUP BY 1
HAVING sum(ST_Area(ST_Intersection(plane(a.geom), b.g))) > 0.01 ORDER BY 1`)
	want := map[string]float64{}
	for _, r := range rows {
		want[r[0]] = number(t, r[1])
	}
	var d struct {
		Matrix struct {
			Flows []struct {
				From, To *string
				AreaM2   float64 `json:"area_m2"`
			}
		}
	}
	decode(t, []byte(must(t, "diff", "--edition", out, "dltb@2023", "hsf@2023", "--json")), &d)
	n := 0
	for _, f := range d.Matrix.Flows {
		if f.From == nil || f.To == nil || f.AreaM2 < 0.01 {
			continue
		}
		n++
		if w := want[*f.From]; math.Abs(w-f.AreaM2) > 0.01 {
			t.Errorf("%s: %.4f m², PostGIS has %.4f", *f.From, f.AreaM2, w)
		}
	}
	if n != len(want) || n < 3 {
		t.Errorf("%d classes share ground, PostGIS has %d", n, len(want))
	}
	suite.Count(t, "matrix-postgis", float64(n), "cells")
}
