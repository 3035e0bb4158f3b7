package overlay

import (
	"math"
	"testing"

	"gengtu/index/geo"
	"gengtu/index/overlay/pairtest"
)

// What neighbours share is the same without trees, however many edges are
// picked: on hostile pairs as in 320 bits, and turned as straight.
func TestFlatAgainstOracle(t *testing.T) {
	var k flatKernel
	worst, measured := 0.0, 0
	check := func(a, b geo.MultiPolygon) {
		t.Helper()
		p := planeOf(a)
		load := func(m geo.MultiPolygon) *Outline {
			var o Outline
			o.appendRings(&p.EqualAreaPlane, ringsOf(m))
			o.finish(&p.EqualAreaPlane)
			return &o
		}
		oa, ob := load(a), load(b)
		if len(oa.edges) > flatEdges || len(ob.edges) > flatEdges || oa.x1 <= ob.x0 || ob.x1 <= oa.x0 || oa.high <= ob.low || ob.high <= oa.low {
			return
		}
		measured++
		want := oracleShared(p, a, b)
		k.pick(oa, ob)
		straight := k.shared(oa, ob)
		k.pick(ob, oa)
		turned := k.shared(ob, oa)
		for _, got := range []float64{straight, turned} {
			worst = max(worst, math.Abs(got-want))
			if !agree(got, want, oa.Area()) {
				t.Fatalf("%.12f m², want %.12f: %v and %v", got, want, a, b)
			}
		}
		if area := p.area(a); !agree(oa.Area(), area, area) {
			t.Fatalf("Area %.12f m², want %.12f", oa.Area(), area)
		}
	}
	g := newGenerator(71)
	for i := range 900 {
		check(g.pair(i))
	}
	for _, f := range pairtest.Families() {
		for seed := range uint64(40) {
			check(pairtest.Pair(f, seed))
		}
	}
	// Lowest edges on one parallel, on the same and on another place.
	for _, b := range []geo.MultiPolygon{single(rectangle(5, 0, 20, 4)), single(rectangle(0, 0, 10, 10)), single(rectangle(2, 0, 3, 20)), single(rectangle(10, 0, 20, 10))} {
		check(single(rectangle(0, 0, 10, 10)), b)
	}
	if measured < 500 {
		t.Fatalf("%d pairs are short enough", measured)
	}
	t.Logf("worst difference %.2g m² of %d pairs", worst, measured)
}

// A feature that both layers have shares all of itself, and what differs by one
// unit in one position is not the same.
func TestJoinOfEqualFeatures(t *testing.T) {
	g := newGenerator(72)
	var a, b layer
	for i := range 40 {
		m := g.parcel(200*float64(i), 0, 40, 4+g.IntN(100))
		a, b = append(a, m), append(b, m)
	}
	for _, p := range joined(t, a, b, 1) {
		if area := geo.Area(a[p.A]); p.A != p.B || !agree(p.Area, area, area) {
			t.Fatalf("%d and %d share %.9f m² of %.9f", p.A, p.B, p.Area, area)
		}
	}
	p := planeOf(a[0])
	ring := append(geo.Ring(nil), a[0][0][0]...)
	ring[1].Lat++
	os := outlinesOf(&p.EqualAreaPlane, []geo.MultiPolygon{a[0], a[0], single(ring)})
	if !os[0].same(&os[1]) || os[0].same(&os[2]) {
		t.Fatal("same does not tell a feature from one that is a unit higher at a corner")
	}
}
