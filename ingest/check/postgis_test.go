package check_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"gengtu/benchmarks/suite"
	"gengtu/index/geo/postgistest"
	"gengtu/ingest/check"
)

// planeText returns a patch as WKT in its plane, metres from the landscape's middle so that
// digits are left for the areas.
func planeText(p *patch) string {
	var b strings.Builder
	b.WriteString("POLYGON(")
	for i, r := range p.rings {
		b.WriteString(strings.Repeat(",", min(i, 1)) + "(")
		for k, v := range r {
			fmt.Fprintf(&b, "%s%.4f %.4f", strings.Repeat(",", min(k, 1)), v.X-36_559_000, v.Y-3_801_000)
		}
		b.WriteString(")")
	}
	return b.String() + ")"
}

// PostGIS, in the plane of the delivery, finds the overlaps and gaps that the check finds,
// with the same areas but for the plane's scale.
func TestAgainstPostGIS(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a database")
	}
	l := newLandscape(t)
	l.index()
	for i, n := range l.rng.Perm(len(l.patches)) {
		area := l.logUniform(0.011, 30)
		if k, ok := l.findBump(n, area, max(math.Sqrt(area)*l.logUniform(0.05, 1), 0.002), i%2 == 0); ok && !l.used[n] && !l.used[k.neighbour] {
			l.used[n], l.used[k.neighbour] = true, true
			l.dent(&k)
		}
	}
	var script strings.Builder
	script.WriteString("CREATE TABLE p (key text, g geometry);\nCOPY p FROM STDIN;\n")
	for n, p := range l.patches {
		fmt.Fprintf(&script, "%s\t%s\n", l.key(n), planeText(p))
	}
	script.WriteString(`\.
CREATE INDEX ON p USING gist (g);
ANALYZE p;
SELECT 'overlap', a.key, b.key, ST_Area(ST_Intersection(a.g, b.g)) FROM p a JOIN p b ON a.g && b.g AND a.key < b.key
	WHERE ST_Overlaps(a.g, b.g) AND ST_Area(ST_Intersection(a.g, b.g)) > 0.009;
SELECT 'gap', '', '', ST_Area(r.geom) FROM (SELECT (ST_Dump(ST_Union(g))).geom AS g FROM p) u, LATERAL ST_DumpRings(u.g) r
	WHERE r.path[1] > 0 AND ST_Area(r.geom) > 0.009;
`)
	want, gaps := map[string]float64{}, 0.0
	count := 0
	for _, row := range postgistest.Start(t).Ask(t, script.String()) {
		area, err := strconv.ParseFloat(row[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		if row[0] == "gap" {
			gaps += area
			count++
			continue
		}
		want[pairKey(row[1], row[2])] = area
	}
	got := judge(t, l.write(), check.Options{})
	compare(t, "overlaps", want, append(got["G4101"], got["G4102"]...), pairOf)
	sum := 0.0
	for i := range got["G4103"] {
		sum += got["G4103"][i].AreaM2
	}
	if len(got["G4103"]) != count || math.Abs(sum-gaps) > 1e-3*gaps {
		t.Errorf("%d gaps of %.3f m², PostGIS has %d of %.3f", len(got["G4103"]), sum, count, gaps)
	}
	t.Logf("%d overlaps, %d gaps", len(want), count)
	suite.Count(t, "check-postgis", float64(len(want)+count), "findings")
}
