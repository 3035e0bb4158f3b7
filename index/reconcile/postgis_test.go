package reconcile_test

import (
	"math"
	"strconv"
	"testing"

	"gengtu/index/analyze/analyzetest"
	"gengtu/index/geo/postgistest"
)

// All causes together: what PostGIS finds of ground that is another class, that is gone or
// new, and that lies twice, in shares of the records, is what the lines have.
func TestPostGIS(t *testing.T) {
	t.Parallel()
	c := newCounty()
	for _, x := range causes {
		x.plant(c)
	}
	ix := c.open(t)
	db := postgistest.Start(t)
	for table, l := range map[string][2]string{"a": {"cropland", "2023"}, "b": {"cropland", "2024"}, "sa": {"dltb", "2023"}, "sb": {"dltb", "2024"}} {
		analyzetest.Load(t, db, table, ix.Layer(l[0], l[1]), corner, "DLBM", "BSM")
	}
	rows := db.Ask(t, `
CREATE FUNCTION other(mine text, theirs text) RETURNS float8 LANGUAGE plpgsql AS $$ DECLARE v float8; BEGIN
EXECUTE format('SELECT coalesce(sum(m.net * ST_Area(ST_Intersection(m.geom, s.geom)) / ST_Area(m.geom)), 0) FROM %I m JOIN %I s ON m.geom && s.geom WHERE left(s.dlbm, 2) <> ''01''', mine, theirs) INTO v; RETURN v; END $$;
CREATE FUNCTION alone(mine text, theirs text) RETURNS float8 LANGUAGE plpgsql AS $$ DECLARE v float8; BEGIN
EXECUTE format('SELECT sum(m.net * ST_Area(ST_Difference(m.geom, (SELECT ST_Union(s.geom) FROM %I s))) / ST_Area(m.geom)) FROM %I m', theirs, mine) INTO v; RETURN v; END $$;
SELECT other('b', 'sa') - other('a', 'sb'), alone('b', 'sa') - alone('a', 'sb'),
(SELECT sum(x.net) FROM b x WHERE EXISTS (SELECT FROM b y WHERE ST_Equals(x.geom, y.geom) AND x.bsm > y.bsm)), (SELECT sum(net) FROM a)`)
	var v [4]float64
	for k := range v {
		var err error
		if v[k], err = strconv.ParseFloat(rows[0][k], 64); err != nil {
			t.Fatal(err)
		}
	}
	got := lineSums(t, ask(t, ix, "cropland@2023", "cropland@2024", nil))
	for k, lines := range [][]string{{"reclassed", "band"}, {"ground", "transfer"}, {"doubled"}} {
		sum := int64(0)
		for _, l := range lines {
			sum += got[l]
		}
		if d := math.Abs(float64(sum)/100 - v[k]); sum == 0 || d > 1e-6*v[3] {
			t.Errorf("%v: %.2f m², PostGIS has %.4f", lines, float64(sum)/100, v[k])
		}
	}
}
