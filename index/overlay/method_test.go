package overlay

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"gengtu/index/geo"
	"gengtu/index/overlay/pairtest"
)

// roundingTerms are what the error bound of METHOD.md, section 1, is made of.
type roundingTerms struct {
	m float64 // M: the largest ordinate or height of an edge over the common abscissas, m
	x float64 // X: the widths of all edges there, m
	j float64 // J: the integral of the product of how many edges of each lie there, m
}

// roundingTermsOf walks over the abscissas that a and b have in common.
func roundingTermsOf(a, b geo.MultiPolygon) (t roundingTerms, ok bool) {
	common := intersectBoxes(a.Box(), b.Box())
	if common.Empty() || common.Min.Lon == common.Max.Lon {
		return t, false
	}
	type event struct {
		at     int64
		na, nb int
	}
	var events []event
	p := newPlane(common)
	for k, m := range []geo.MultiPolygon{a, b} {
		for _, poly := range m {
			for _, r := range poly {
				for i := 1; i < len(r); i++ {
					from := max(min(r[i-1].Lon, r[i].Lon), common.Min.Lon)
					to := min(max(r[i-1].Lon, r[i].Lon), common.Max.Lon)
					if from >= to {
						continue
					}
					events = append(events, event{from, 1 - k, k}, event{to, k - 1, -k})
					_, y0 := p.at(r[i-1])
					_, y1 := p.at(r[i])
					t.m = max(t.m, math.Abs(y0), math.Abs(y1), math.Abs(y1-y0))
				}
			}
		}
	}
	slices.SortFunc(events, func(e, f event) int { return cmp.Compare(e.at, f.at) })
	metres, _ := p.at(geo.Position{Lon: p.Origin().Lon + 1e6, Lat: p.Origin().Lat})
	last, na, nb := common.Min.Lon, 0, 0
	for _, e := range events {
		width := float64(e.at-last) * metres / 1e6
		t.x += width * float64(na+nb)
		t.j += width * float64(na) * float64(nb)
		last, na, nb = e.at, na+e.na, nb+e.nb
	}
	return t, true
}

// The error of a pair's area is far below the bound that METHOD.md derives, and
// the part of it that the page says was measured still holds.
func TestErrorBound(t *testing.T) {
	const u = 0x1p-53
	worst := 0.0
	for _, f := range pairtest.Families() {
		for seed := uint64(1 << 20); seed < 1<<20+120; seed++ {
			a, b := pairtest.Pair(f, seed)
			terms, ok := roundingTermsOf(a, b)
			if !ok {
				continue
			}
			off := math.Abs(truthOf(a, b).shared.sub(double{SharedArea(a, b), 0}).value())
			if bound := u * terms.m * (2*terms.x + 110*terms.j); off > bound {
				t.Errorf("%s seed %d: off by %g m², the bound is %g", f, seed, off, bound)
			}
			worst = max(worst, off/(u*terms.m*terms.j))
		}
	}
	if t.Logf("worst error %.2f u M J", worst); worst > 4 {
		t.Errorf("worst error %.2f u M J: the page says 2.4", worst)
	}
}
