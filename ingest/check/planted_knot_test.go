package check_test

import (
	"math"
	"testing"

	"gengtu/index/geo"
	"gengtu/ingest/check"
)

// tie exchanges two vertices of a patch that is convex there, so that its ring crosses
// itself; its areas of record stay. False where there is no such place.
func (l *landscape) tie(p *patch) bool {
	r := p.rings[0]
	n := len(r) - 1
	turn := func(a, b, c geo.XY) float64 { return (b.X-a.X)*(c.Y-a.Y) - (b.Y-a.Y)*(c.X-a.X) }
	for i := range n {
		a, b, c, d := r[i], r[(i+1)%n], r[(i+2)%n], r[(i+3)%n]
		// The diagonals cross well inside, and what lies between is worth a fault.
		if n < 4 || turn(a, c, b)*turn(a, c, d) >= 0 || turn(b, d, a)*turn(b, d, c) >= 0 ||
			min(math.Abs(turn(a, b, c)), math.Abs(turn(b, c, d))) < 4 || math.Hypot(b.X-c.X, b.Y-c.Y) < 2 {
			continue
		}
		ring := append([]geo.XY{}, r[:n]...)
		ring[(i+1)%n], ring[(i+2)%n] = c, b
		p.rings[0] = append(ring, ring[0])
		return true
	}
	return false
}

// A ring that crosses itself covers other ground than was meant: that is told once, as the
// crossing, and neither as overlaps with its neighbours nor as gaps beside them, while
// these are found where something else is their cause.
func TestPlantedKnots(t *testing.T) {
	l := newLandscape(t)
	l.index()
	knots, overlaps, gaps := map[string]float64{}, map[string]float64{}, map[string]float64{}
	for i, n := range l.rng.Perm(len(l.patches)) {
		switch i % 3 {
		case 0, 1:
			if l.take(n) && l.tie(l.patches[n]) {
				knots[l.key(n)] = math.NaN()
			}
		default:
			if k, ok := l.findBump(n, 3, 1, i%2 == 0); ok && l.take(n) {
				l.dent(&k)
				if i%2 == 0 {
					overlaps[pairKey(l.key(n), l.key(k.neighbour))] = k.area
				} else {
					gaps[pairKey(l.key(n), l.key(k.neighbour))] = k.area
				}
			}
		}
	}
	got := judge(t, l.write(), check.Options{})
	compare(t, "G4205", knots, got["G4205"], bsmOf)
	compare(t, "G4101", overlaps, got["G4101"], pairOf)
	compare(t, "G4103", gaps, got["G4103"], pairOf)
	only(t, got, "G4205", "G4101", "G4103")
	if len(knots) < 300 || len(overlaps) < 100 || len(gaps) < 100 {
		t.Errorf("%d crossings, %d overlaps, %d gaps planted", len(knots), len(overlaps), len(gaps))
	}
}

// Nor is the ground told as uncovered or outside of villages and regions.
func TestKnotsInPlaces(t *testing.T) {
	s := newSquares(t, 12)
	knots := map[string]float64{}
	for n := range s.townships {
		if p := s.patches[4*n]; s.tie(p) {
			knots[s.landscape.key(4*n)] = math.NaN()
		}
	}
	got := judge(t, s.write(), check.Options{})
	compare(t, "G4205", knots, got["G4205"], bsmOf)
	only(t, got, "G4205")
	if len(knots) != len(s.townships) {
		t.Errorf("%d of %d planted", len(knots), len(s.townships))
	}
}
