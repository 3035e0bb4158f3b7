package geos_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	simple "github.com/peterstace/simplefeatures/geos"

	"gengtu/benchmarks/geos"
	"gengtu/benchmarks/suite"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/overlay/pairtest"
)

// What GEOS makes of polygons that break the rules, cut by a valid one, before
// and after its own MakeValid, beside ours, which are mended by the even-odd
// rule. MakeValid reads rings by another rule where parts of a multipolygon or
// holes overlap, so a difference from it is no error of either.
func TestBadRings(t *testing.T) {
	c := geos.NewContext()
	defer c.Close()
	table := []string{"\n| rings | pairs | GEOS: none | not as after MakeValid | MakeValid: none | gengtu: none | not as GEOS after MakeValid |\n|---|---|---|---|---|---|---|"}
	for _, k := range pairtest.BadKinds() {
		var none, other, unmended, ours, differ int
		for seed := range uint64(seeds(t)) {
			bad := pairtest.Bad(k, seed)
			box := bad.Box()
			box.Max.Lon -= (box.Max.Lon - box.Min.Lon) * 2 / 5
			box.Max.Lat -= (box.Max.Lat - box.Min.Lat) / 5
			p := newPair(c, bad, geo.MultiPolygon{box.Polygon()})
			// A crossing is put on the grid: by up to 8e-6 m off.
			rounded := 2e-5 * boundary(inPlane(&p.plane, bad))
			same := func(a, b float64) bool { return math.Abs(a-b) <= rounded+1e-9*p.larger }
			truth := math.NaN()
			if valid, err := simple.MakeValid(p.sa); err != nil {
				unmended++
			} else if cut, err := simple.Intersection(valid, p.sb); err != nil {
				unmended++
			} else {
				truth = cut.Area()
			}
			if area, err := p.ga.SharedArea(p.gb); err != nil {
				none++
			} else if !same(area, truth) {
				other++
			}
			mended, _, err := overlay.Mend(bad)
			if err != nil {
				ours++
				t.Errorf("%v %d: %v", k, seed, err)
			} else if got := overlay.SharedArea(mended, p.b); !same(got, truth) {
				differ++
			}
			p.free()
		}
		suite.Count(t, "geos-bad-rings", float64(seeds(t)), "pairs")
		table = append(table, fmt.Sprintf("| %v | %d | %d | %d | %d | %d | %d |", k, seeds(t), none, other, unmended, ours, differ))
	}
	t.Log(strings.Join(table, "\n"))
}

func boundary(m [][][]geos.XY) float64 {
	sum := 0.0
	for _, p := range m {
		for _, r := range p {
			sum += length(r)
		}
	}
	return sum
}
