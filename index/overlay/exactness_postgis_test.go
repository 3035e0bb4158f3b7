package overlay

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"gengtu/benchmarks/suite"
	"gengtu/index/geo"
	"gengtu/index/geo/postgistest"
	"gengtu/index/overlay/pairtest"
)

// postgis is a cluster that shapes are put to.
type postgis struct{ *postgistest.Cluster }

// wkt returns m in the plane p, every coordinate to its last bit.
func wkt(p *plane, m geo.MultiPolygon) string {
	var b strings.Builder
	b.WriteString("MULTIPOLYGON(")
	for i, poly := range m {
		b.WriteString(strings.Repeat(",", min(i, 1)) + "(")
		for j, r := range poly {
			b.WriteString(strings.Repeat(",", min(j, 1)) + "(")
			for k, v := range r {
				x, y := p.at(v)
				b.WriteString(strings.Repeat(",", min(k, 1)))
				fmt.Fprintf(&b, "%s %s", strconv.FormatFloat(x, 'g', -1, 64), strconv.FormatFloat(y, 'g', -1, 64))
			}
			b.WriteString(")")
		}
		b.WriteString(")")
	}
	b.WriteString(")")
	return b.String()
}

// geosSample is the number of pairs of a family that GEOS is asked about.
const geosSample = 40

// GEOS gives the exact areas to 1e-9 of the larger input, or is itself shown to be
// wrong by the 106-bit truth; ours are right on every one of these pairs.
func TestAreasAgainstGEOS(t *testing.T) {
	p := &postgis{postgistest.Start(t)}
	var script strings.Builder
	// No row of an operation that GEOS gives up on stops the others.
	script.WriteString(`CREATE FUNCTION areas(a geometry, b geometry) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN RETURN ST_Area(ST_Intersection(a,b))||' '||ST_Area(ST_Union(a,b))||' '||ST_Area(ST_Difference(a,b))||' '||ST_Area(ST_SymDifference(a,b));
	EXCEPTION WHEN OTHERS THEN RETURN 'failed: '||SQLERRM; END $$;
	CREATE TABLE pairs(id int, a text, b text);
	SET extra_float_digits TO 3;
	COPY pairs FROM STDIN;
`)
	type key struct {
		f    pairtest.Family
		seed uint64
	}
	var keys []key
	for _, f := range pairtest.Families() {
		for seed := range uint64(geosSample) {
			a, b := pairtest.Pair(f, seed)
			at := newPlane(a.Box().Union(b.Box()))
			fmt.Fprintf(&script, "%d\t%s\t%s\n", len(keys), wkt(&at, a), wkt(&at, b))
			keys = append(keys, key{f, seed})
		}
	}
	script.WriteString("\\.\nSELECT areas(ST_GeomFromText(a), ST_GeomFromText(b)) FROM pairs ORDER BY id;\n")
	rows := p.Ask(t, script.String())
	if len(rows) != len(keys) {
		t.Fatalf("%d rows, want %d", len(rows), len(keys))
	}
	right, worst, worstOurs := 0, 0.0, 0.0
	for i, row := range rows {
		k := keys[i]
		a, b := pairtest.Pair(k.f, k.seed)
		want := truthOf(a, b)
		larger := max(want.a.hi, want.b.hi)
		ours, err := areasByPair(a, b)
		if err != nil {
			t.Fatal(err)
		}
		wants := [4]double{want.shared, want.union(), want.difference(), want.symmetric()}
		geos := strings.Fields(row[0])
		if strings.HasPrefix(row[0], "failed") || len(geos) != 4 {
			t.Logf("%s seed %d: GEOS %s", k.f, k.seed, row[0])
			continue
		}
		off := 0.0
		for j := range wants {
			v, err := strconv.ParseFloat(geos[j], 64)
			if err != nil {
				t.Fatal(err)
			}
			off = max(off, math.Abs(v-wants[j].value())/larger)
			worstOurs = max(worstOurs, math.Abs(ours[j]-wants[j].value())/larger)
		}
		if off > 1e-9 {
			t.Logf("%s seed %d: GEOS is off by %.2g of the larger input, %.2g m²", k.f, k.seed, off, off*larger)
			continue
		}
		right++
		worst = max(worst, off)
	}
	t.Logf("GEOS is right to 1e-9 on %d of %d pairs, there to %.2g; ours on all, to %.2g", right, len(keys), worst, worstOurs)
	suite.Count(t, "geos-areas", float64(len(keys)), "pairs")
	suite.Count(t, "geos-areas-wrong", float64(len(keys)-right), "pairs")
	if right < len(keys)*9/10 {
		t.Errorf("GEOS agrees on only %d of %d pairs", right, len(keys))
	}
	compareMakeValid(t, p)
}

// makeValid returns the areas of all of ms after MakeValid by linework and by structure.
func (p *postgis) makeValid(t *testing.T, ms []geo.MultiPolygon) [][2]float64 {
	t.Helper()
	var script strings.Builder
	script.WriteString("CREATE TEMP TABLE bad(id int, g text);\nSET extra_float_digits TO 3;\nCOPY bad FROM STDIN;\n")
	for i, m := range ms {
		fmt.Fprintf(&script, "%d\t%s\n", i, wkt(planeOf(m), m))
	}
	script.WriteString("\\.\nSELECT ST_Area(ST_MakeValid(ST_GeomFromText(g), 'method=linework')), ST_Area(ST_MakeValid(ST_GeomFromText(g), 'method=structure')) FROM bad ORDER BY id;\n")
	rows := p.Ask(t, script.String())
	if len(rows) != len(ms) {
		t.Fatalf("%d rows, want %d", len(rows), len(ms))
	}
	out := make([][2]float64, len(ms))
	for i, row := range rows {
		for j := range out[i] {
			v, err := strconv.ParseFloat(row[j], 64)
			if err != nil {
				t.Fatal(err)
			}
			out[i][j] = v
		}
	}
	return out
}

// compareMakeValid holds both rules of MendBy against both methods of MakeValid:
// non-zero is structure, always. Even-odd is linework but where lines are drawn
// twice, see ruleCases.
func compareMakeValid(t *testing.T, p *postgis) {
	var ms []geo.MultiPolygon
	for _, c := range ruleCases {
		ms = append(ms, c.in)
	}
	for i, got := range p.makeValid(t, ms) {
		c := &ruleCases[i]
		if math.Abs(got[0]-c.linework) > 0.1 || math.Abs(got[1]-c.nonZero) > 0.1 {
			t.Errorf("%s: MakeValid %.2f by linework, %.2f by structure; want %.0f and %.0f", c.name, got[0], got[1], c.linework, c.nonZero)
		}
	}
	const sample = 60
	ms = nil
	for _, k := range pairtest.BadKinds() {
		for seed := range uint64(sample) {
			ms = append(ms, pairtest.Bad(k, seed))
		}
	}
	pockets := 0
	for i, want := range p.makeValid(t, ms) {
		k, at := pairtest.BadKind(i/sample), planeOf(ms[i])
		even, _ := mustMend(t, ms[i])
		filled, _, err := MendBy(NonZero, ms[i])
		if err != nil {
			t.Errorf("%s seed %d: %v", k, i%sample, err)
			continue
		}
		// What is mended is rounded to the grid: by half a unit along its border.
		rounding := 1e-6 + 1.2e-5*at.length(ms[i])
		a, b := at.area(even), at.area(filled)
		if math.Abs(b-want[1]) > rounding {
			t.Errorf("%s seed %d: %.6f m² by non-zero, %.6f by structure", k, i%sample, b, want[1])
		}
		switch {
		case k == pairtest.Spike && want[0] > a+rounding && math.Abs(a-want[1]) <= rounding:
			pockets++
		case math.Abs(a-want[0]) > rounding:
			t.Errorf("%s seed %d: %.6f m² by even-odd, %.6f by linework", k, i%sample, a, want[0])
		}
	}
	t.Logf("%d polygons by both methods; linework filled %d bays behind spikes", len(ms), pockets)
}
