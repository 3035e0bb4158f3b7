package overlay

import (
	"context"
	"math"
	"math/big"
	"slices"
	"testing"

	"gengtu/index/geo"
)

// The ordinate grows with every unit of latitude, across the borders of bands and up
// to the poles, and gives its latitude back.
func TestOrdinateGrowsAndReturns(t *testing.T) {
	g := newGenerator(60)
	check := func(lat int64) {
		t.Helper()
		if lat >= poleUnits {
			return
		}
		y, up := ordinate(lat), ordinate(lat+1)
		if up <= y {
			t.Fatalf("ordinate of %d is %d, of the next %d", lat, y, up)
		}
		for _, near := range []int64{lat, lat - bandUnits, lat + bandUnits} {
			if got := latitudeOf(float64(y), near); got != lat {
				t.Fatalf("latitude %d comes back as %d", lat, got)
			}
		}
	}
	for k := int64(-90); k <= 90; k++ {
		for d := int64(-3); d <= 3; d++ {
			check(max(-poleUnits, k*bandUnits+d))
		}
	}
	for range 20_000 {
		check(g.Int64N(2*poleUnits) - poleUnits)
		check(lastLatitude + g.Int64N(9) - 5)
		check(-lastLatitude + g.Int64N(9) - 5)
	}
}

// Ordinates are those of the equal-area plane, to 0.6 step.
func TestOrdinateAgainstPlane(t *testing.T) {
	g := newGenerator(61)
	unit := geo.EqualArea(geo.Position{Lat: 1e6}).Y / 1e6
	for range 20_000 {
		lat := g.Int64N(2*lastLatitude) - lastLatitude
		want := geo.EqualArea(geo.Position{Lat: lat}).Y / unit * ordinateSteps
		if d := math.Abs(float64(ordinate(lat)) - want); d > 0.6 {
			t.Fatalf("ordinate of %d is %.2f steps off", lat, d)
		}
	}
}

// line returns an edge of up to size units round home, p before q.
func (g generator) line(size int64) segment {
	for {
		at := func() geo.Position {
			return geo.Position{Lon: homeLon + g.Int64N(2*size+1) - size, Lat: homeLat + g.Int64N(2*size+1) - size}
		}
		if p, q := at(), at(); before(p, q) {
			return segment{p: p, q: q}
		}
	}
}

// lineOf returns what a round in the equal-area plane knows of g.
func lineOf(g *segment) *line64 {
	return &line64{low: ordinate(g.p.Lat), top: ordinate(g.q.Lat)}
}

// Crossings lie within 0.52 unit of the rational ones, in each axis, for edges of every
// length and angle.
func TestCrossingsAgainstRationals(t *testing.T) {
	g := newGenerator(62)
	worst, count := 0.0, 0
	for i := range 60_000 {
		size := int64(1) << (3 + g.IntN(32))
		a := g.line(size)
		b := g.line(size)
		if i%2 == 0 { // nearly parallel, from one side to the other
			d := 1 + g.Int64N(1+min(size/4, 1<<uint(g.IntN(20))))
			b = segment{p: geo.Position{Lon: a.p.Lon, Lat: a.p.Lat + d}, q: geo.Position{Lon: a.q.Lon, Lat: a.q.Lat - d}}
		}
		la, lb := lineOf(&a), lineOf(&b)
		d1 := product(b.q.Lon-b.p.Lon, lb.top-lb.low, a.p.Lon-b.p.Lon, la.low-lb.low)
		d2 := product(b.q.Lon-b.p.Lon, lb.top-lb.low, a.q.Lon-b.p.Lon, la.top-lb.low)
		d3 := product(a.q.Lon-a.p.Lon, la.top-la.low, b.p.Lon-a.p.Lon, lb.low-la.low)
		d4 := product(a.q.Lon-a.p.Lon, la.top-la.low, b.q.Lon-a.p.Lon, lb.top-la.low)
		if !opposite(d1, d2) || !opposite(d3, d4) {
			continue
		}
		count++
		at := crossingOf(areaFrame, &a, la, &b, lb)
		x, y := rationalCrossing(&a, la, &b, lb)
		slope := slopeAt(at.Lat)
		offX := math.Abs(x - float64(at.Lon-homeLon))
		offY := math.Abs(y-float64(ordinate(at.Lat))) / slope
		worst = max(worst, offX, offY)
		if offX > 0.52 || offY > 0.52 {
			t.Fatalf("%v and %v cross %.3f, %.3f units from %v", a, b, offX, offY, at)
		}
	}
	t.Logf("%d crossings, worst %.4f units", count, worst)
	if count < 20_000 {
		t.Errorf("only %d crossings", count)
	}
}

// rationalCrossing returns where a and b cross, exactly but for the last rounding:
// longitude from home and ordinate.
func rationalCrossing(a *segment, la *line64, b *segment, lb *line64) (x, y float64) {
	n := func(v int64) *big.Int { return big.NewInt(v) }
	det := func(ax, ay, bx, by int64) *big.Int {
		return new(big.Int).Sub(new(big.Int).Mul(n(ax), n(by)), new(big.Int).Mul(n(ay), n(bx)))
	}
	d1 := det(b.q.Lon-b.p.Lon, lb.top-lb.low, a.p.Lon-b.p.Lon, la.low-lb.low)
	d2 := det(b.q.Lon-b.p.Lon, lb.top-lb.low, a.q.Lon-b.p.Lon, la.top-lb.low)
	t := new(big.Rat).SetFrac(d1, new(big.Int).Sub(d1, d2))
	along := func(from, to int64) float64 {
		v := new(big.Rat).Mul(t, new(big.Rat).SetInt64(to-from))
		f, _ := v.Add(v, new(big.Rat).SetInt64(from)).Float64()
		return f
	}
	return along(a.p.Lon-homeLon, a.q.Lon-homeLon), along(la.low, la.top)
}

// Two edges cross in the same place whatever else there is, whichever is whose, and
// whichever way they run.
func TestCrossingsAreTheirEdgesAlone(t *testing.T) {
	g := newGenerator(63)
	count := 0
	for range 4000 {
		size := int64(1) << (8 + g.IntN(24))
		a, b := g.line(size), g.line(size)
		la, lb := lineOf(&a), lineOf(&b)
		if !opposite(side(b.q.Lon-b.p.Lon, lb.top-lb.low, a.p.Lon-b.p.Lon, la.low-lb.low), side(b.q.Lon-b.p.Lon, lb.top-lb.low, a.q.Lon-b.p.Lon, la.top-lb.low)) ||
			!opposite(side(a.q.Lon-a.p.Lon, la.top-la.low, b.p.Lon-a.p.Lon, lb.low-la.low), side(a.q.Lon-a.p.Lon, la.top-la.low, b.q.Lon-a.p.Lon, lb.top-la.low)) {
			continue
		}
		want := crossingOf(areaFrame, &a, la, &b, lb)
		if compareSegments(b, a) < 0 {
			want = crossingOf(areaFrame, &b, lb, &a, la)
		}
		count++
		for k := range 4 {
			s := newArrangement(context.Background(), windings)
			ends := [2][2]geo.Position{{a.p, a.q}, {b.p, b.q}}
			if k&1 != 0 {
				ends[0], ends[1] = ends[1], ends[0]
			}
			if k&2 != 0 {
				ends[0][0], ends[0][1] = ends[0][1], ends[0][0]
			}
			s.addEdge(ends[0][0], ends[0][1], operandA)
			s.addEdge(ends[1][0], ends[1][1], operandB)
			for range k * 3 {
				h := g.line(1 << 30)
				s.addEdge(h.q, h.p, operand(g.IntN(2)))
			}
			if err := s.divide(refineWhereNeeded); err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(s.segments, func(h segment) bool { return h.p == want || h.q == want }) {
				t.Fatalf("%v and %v do not cross in %v, with %d more", a, b, want, k*3)
			}
			s.release()
		}
	}
	if count < 500 {
		t.Errorf("only %d crossings", count)
	}
}

// When all is divided no segment passes the open square round an end of another, no
// border lies more than two units from where it was, and few rounds did it.
func TestDividedSegmentsKeepApart(t *testing.T) {
	g := newGenerator(64)
	most, worst := 0, 0.0
	for i := range 1500 {
		s := newArrangement(t.Context(), windings)
		size := []float64{2e-4, 1e-3, 1e-2, 1, 100, 10_000}[i%6]
		s.add(g.scribble(4+g.IntN(14), size), operandA)
		s.add(g.scribble(4+g.IntN(14), size), operandB)
		s.merge()
		before := slices.Clone(s.segments)
		if err := s.divide(refineWhereNeeded); err != nil {
			t.Fatal(err)
		}
		most = max(most, s.rounds)
		for j := range s.segments {
			h := &s.segments[j]
			reach := gridReach * float64(h.q.Lon-h.p.Lon+max(h.q.Lat-h.p.Lat, h.p.Lat-h.q.Lat))
			for k := range s.segments {
				for _, v := range [2]geo.Position{s.segments[k].p, s.segments[k].q} {
					if h.beside(v) && passes(cross(h.p, h.q, v), reach) {
						t.Fatalf("case %d: %v passes %v", i, *h, v)
					}
				}
			}
			for _, v := range [2]geo.Position{h.p, h.q} {
				worst = max(worst, nearestLine(before, v))
			}
		}
		s.release()
	}
	t.Logf("at most %d rounds, %.2f units", most, worst)
	if most > 8 || worst > 2 {
		t.Errorf("%d rounds, %.2f units", most, worst)
	}
}

// nearestLine returns how far v is from the nearest of lines in the equal-area plane, in units.
func nearestLine(lines []segment, v geo.Position) float64 {
	p := newPlane(geo.Box{Min: v, Max: v})
	best := math.Inf(1)
	for _, l := range lines {
		best = min(best, math.Hypot(float64(v.Lon-l.p.Lon), float64(v.Lat-l.p.Lat)), math.Hypot(float64(v.Lon-l.q.Lon), float64(v.Lat-l.q.Lat)))
		if d, within := distance(&p, l.p, l.q, v); within {
			best = min(best, d)
		}
	}
	return best
}
