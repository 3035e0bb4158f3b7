package overlay

import (
	"math"
	"testing"

	"gengtu/index/geo"
)

func ringsOf(m geo.MultiPolygon) *geo.Rings {
	var r geo.Rings
	r.Append(m)
	return &r
}

// The prepared form must give the 320-bit area on every kind of hostile pair, and
// Side must not say more than is true.
func TestPreparedAgainstOracle(t *testing.T) {
	g := newGenerator(21)
	var w Workspace
	worst := 0.0
	for i := range 900 {
		a, b := g.pair(i)
		p := Prepare(a)
		want := oracleShared(planeOf(a), a, b)
		got := p.Shared(&w, ringsOf(b))
		worst = max(worst, math.Abs(got-want))
		if !agree(got, want, p.Area()) {
			t.Fatalf("pair %d: Prepared %.12f, want %.12f", i, got, want)
		}
		box := b.Box()
		whole := SharedArea(a, geo.MultiPolygon{box.Polygon()})
		area := SharedArea(geo.MultiPolygon{box.Polygon()}, geo.MultiPolygon{box.Polygon()})
		switch p.Side(box) {
		case Inside:
			if !agree(whole, area, area) {
				t.Fatalf("pair %d: Inside, but %g of %g m² are shared", i, whole, area)
			}
		case Outside:
			if !agree(whole, 0, area) {
				t.Fatalf("pair %d: Outside, but %g m² are shared", i, whole)
			}
		}
	}
	t.Logf("worst difference %.2g m²", worst)
}
