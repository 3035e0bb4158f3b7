package overlay

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"gengtu/benchmarks/suite"
	"gengtu/index/geo"
	"gengtu/index/geo/postgistest"
)

// results returns results of every operation on hostile input of every size.
func (g generator) results(t *testing.T) []geo.MultiPolygon {
	t.Helper()
	var out []geo.MultiPolygon
	keep := func(m geo.MultiPolygon, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if len(m) > 0 {
			out = append(out, m)
		}
	}
	for i := range 4200 {
		a, b := g.pair(i)
		if i%7 == 6 {
			b = g.scribble(4+g.IntN(20), []float64{1e-4, 1e-3, 1e-2, 1, 100, 10_000, 300_000}[i/7%7])
		}
		keep(Intersection(a, b))
		keep(Union(a, b))
		keep(Difference(a, b))
		keep(Difference(b, a))
	}
	for i := range 4000 {
		m, _ := mustMend(t, g.scribble(3+g.IntN(16), []float64{3e-5, 1e-4, 3e-4, 1e-3, 1e-2, 1, 100, 1000}[i%8]))
		keep(m, nil)
	}
	for kind := range fabricKinds {
		if _, as, bs := g.fabrics(kind); valid(as) && valid(bs) {
			pieces, both := cutFabrics(t, as, bs)
			for _, m := range append(pieces, both) {
				keep(m, nil)
			}
		}
	}
	return out
}

// GEOS finds every result valid, as it is written for others: in degrees.
func TestResultsAreValidForPostGIS(t *testing.T) {
	results := newGenerator(41).results(t)
	p := postgistest.Start(t)
	var script strings.Builder
	script.WriteString("CREATE TABLE results(i int, g geometry);\nCOPY results FROM STDIN;\n")
	for i, m := range results {
		fmt.Fprintf(&script, "%d\t%s\n", i, postgistest.WKB(m))
	}
	// A planted bow tie shows that the question is asked at all.
	fmt.Fprintf(&script, "-1\t%s\n", postgistest.WKB(single(closed(ground(0, 0), ground(10, 10), ground(10, 0), ground(0, 10)))))
	script.WriteString("\\.\nSELECT count(*) FROM results; SELECT i FROM results WHERE NOT ST_IsValid(g) ORDER BY i LIMIT 20;")
	answer := p.Ask(t, script.String())
	if len(answer) != 2 || answer[0][0] != strconv.Itoa(len(results)+1) || answer[1][0] != "-1" {
		for _, row := range answer[min(2, len(answer)):] {
			i, err := strconv.Atoi(row[0])
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d: %v", i, results[i])
		}
		t.Errorf("of %d results, and one planted, GEOS finds invalid: %v", len(results), answer)
	}
	if len(results) < 20_000 {
		t.Errorf("only %d results", len(results))
	}
	t.Logf("%d results", len(results))
	suite.Count(t, "valid", float64(len(results)), "pieces")
}
