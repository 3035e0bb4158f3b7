package main_test

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"testing"

	"gengtu/ingest/policy"
)

// plainAreas asks PostGIS what a layer's features have added up, and what ground they
// cover, counted once.
func (p *postgis) plainAreas(t *testing.T, dir, layer, table string) (gross, ground float64) {
	t.Helper()
	file := filepath.Join(t.TempDir(), table+".fgb")
	must(t, "export", "--edition", dir, "--layer", layer, "--out", file)
	p.load(t, file, table)
	row := p.Ask(t, fmt.Sprintf("SELECT sum(ST_Area(g)), ST_Area(ST_Union(g)) FROM (SELECT ST_CollectionExtract(ST_MakeValid(plane(geom)),3) g FROM %s) x", table))[0]
	var out [2]float64
	for i := range out {
		var err error
		if out[i], err = strconv.ParseFloat(row[i], 64); err != nil {
			t.Fatal(err)
		}
	}
	return out[0], out[1]
}

// What the register says of a layer's area is what PostGIS finds in both editions: what
// the features had, what of it lay over one another, what the ground is afterwards, within
// the error that is stated, and nothing is unaccounted for.
func TestPublishedAreas(t *testing.T) {
	dir := t.TempDir()
	sample, secure, public := filepath.Join(dir, "sample"), filepath.Join(dir, "secure"), filepath.Join(dir, "public")
	must(t, "sample", "--out", sample, "--parcels", "1000")
	must(t, "ingest", "--out", secure, "--vintage", "2024", "--delivery", filepath.Join(sample, "2024"), "--zooms", "10-11")
	publishJSON(t, "--from", secure, "--tier", "public", "--out", public)
	e := theEditions(t)
	p := startPostGIS(t)
	p.Ask(t, planeSQL)
	for name, c := range map[string]struct{ high, low string }{"delivery": {e.Secure, e.Public}, "sample": {secure, public}} {
		entries, _, err := policy.ReadRegister(c.high)
		if err != nil {
			t.Fatal(err)
		}
		made, overlaps := manifestOf(t, c.low).Generation, 0
		for i := range entries {
			if entries[i].Made != made {
				continue
			}
			for _, r := range entries[i].Layers {
				table := name + "_" + r.Layer
				gross, before := p.plainAreas(t, c.high, r.Layer, table+"_high")
				lowGross, after := p.plainAreas(t, c.low, r.Layer, table+"_low")
				t.Logf("%s: %.2f m², %.2f of ground → %.2f (%+.2f, stated %.2f)", table, gross, before, after, after-before, r.GroundError)
				near := func(what string, got, want, off float64) {
					t.Helper()
					if !(math.Abs(got-want) <= off) {
						t.Errorf("%s: the register says %s %.4f, PostGIS %.4f", table, what, got, want)
					}
				}
				near("before", r.AreaBefore, gross, 1e-8*gross)
				near("ground before", r.GroundBefore, before, 2e-8*gross)
				near("overlap", r.OverlapM2, gross-before, 2e-8*gross)
				near("after", r.AreaAfter, after, 1e-8*after)
				near("after, features added up", r.AreaAfter, lowGross, 1e-8*after)
				near("an account", r.AreaBefore-r.OverlapM2-r.Small.LeftOutM2+r.CellsM2, after, 1e-8*after)
				near("an error", after-before+r.Small.LeftOutM2, 0, r.GroundError)
				near("whole cells", r.CellsM2, after-before+r.Small.LeftOutM2, 4e-8*gross)
				if r.GroundError > 0.005*before || r.CellM != 25 {
					t.Errorf("%s: the stated error is %.2f m² of %.2f", table, r.GroundError, before)
				}
				if r.OverlapM2 > 0.01*gross {
					overlaps++
				}
			}
		}
		if (overlaps > 0) != (name == "sample") {
			t.Errorf("%s: %d layers overlap", name, overlaps)
		}
	}
}
