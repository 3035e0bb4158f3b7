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

// Side against the truth for boxes of all sizes, and against exact touches.
func TestPreparedSide(t *testing.T) {
	g := newGenerator(22)
	var counts [3]int
	for i := range 300 {
		a := g.parcel(0, 0, 100, 4+g.IntN(200))
		if i%3 == 0 {
			a[0] = append(a[0], reversed(g.star(0, 0, 30, 12)[0][0]))
		}
		p := Prepare(a)
		for range 40 {
			x, y := 300*g.Float64()-150, 300*g.Float64()-150
			size := math.Pow(10, 2*g.Float64())
			counts[checkSide(t, a, p, single(rectangle(x, y, x+size, y+size*g.Float64())).Box())]++
		}
		// A box whose west side lies on the meridian of a vertex.
		v := a[0][0][g.IntN(len(a[0][0]))]
		low := ground(0, 300*g.Float64()-150).Lat
		checkSide(t, a, p, geo.Box{Min: geo.Position{Lon: v.Lon, Lat: low}, Max: geo.Position{Lon: v.Lon + 3e5, Lat: low + 3e5}})
		// The box of a single position of the border is across.
		if s := p.Side(geo.Box{Min: v, Max: v}); s != Across {
			t.Fatalf("case %d: a vertex of the border is %d", i, s)
		}
	}
	for s, n := range counts {
		if n < 100 {
			t.Fatalf("side %d came up %d times only", s, n)
		}
	}
}

// checkSide fails when Side says more of box than is true, and returns it.
func checkSide(t *testing.T, a geo.MultiPolygon, p *Prepared, box geo.Box) Side {
	t.Helper()
	b := geo.MultiPolygon{box.Polygon()}
	shared, area := SharedArea(a, b), geo.Area(b)
	s := p.Side(box)
	if s == Inside && area-shared > 1e-6 || s == Outside && shared > 1e-6 {
		t.Fatalf("side %d of a box of %g m² that shares %g m²", s, area, shared)
	}
	return s
}

// Whatever the shapes, prepared and not prepared agree, and with what Measure says;
// and Side is never surer than the truth.
func FuzzPrepared(f *testing.F) {
	fuzzSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		all := polygonsOf(data, 60)
		a, _, err := Mend(all[:1])
		if err != nil {
			return
		}
		p := Prepare(a)
		var w Workspace
		for _, poly := range all[1:] {
			b, _, err := Mend(geo.MultiPolygon{poly})
			if err != nil || b.Box().Empty() {
				continue
			}
			tolerance := 1e-6 + 1e-12*(p.Area()+geo.Area(b))
			got, pair := p.Shared(&w, ringsOf(b)), SharedArea(a, b)
			whole := mustMeasure(t, a, []Item{{Group: NoGroup, Geometry: b}}).Items[0]
			if math.Abs(got-pair) > tolerance || math.Abs(got-whole) > tolerance {
				t.Fatalf("prepared %.12f, pair %.12f, measured %.12f", got, pair, whole)
			}
			checkSide(t, a, p, b.Box())
		}
	})
}
