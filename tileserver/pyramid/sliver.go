package pyramid

import (
	"math"

	"gengtu/tileserver/mvt"
)

// sliver is a parcel that bending left nothing of: thinner than a unit.
type sliver struct {
	feature int32
	squares int // its area in units, rounded
	chain   []mvt.Point
}

// sliver returns what is to be drawn of feature f, of the given edges: squares of
// one unit along the line that it has become, as many as its area asks for.
func (s *snapper) sliver(f int32, edges []segment) sliver {
	area2 := int64(0)
	for _, e := range edges {
		area2 += int64(e.a.x)*int64(e.b.y) - int64(e.b.x)*int64(e.a.y)
	}
	v := sliver{feature: f, squares: int(math.Abs(float64(area2))/(2*subunits*subunits) + 0.5)}
	for _, c := range s.chains {
		v.chain = append(v.chain, c...)
	}
	return v
}

// polygons returns v's squares: spread evenly along its line, inside the tile,
// where no other parcel is drawn. Ground that a neighbour has taken over with the
// common border is drawn already.
func (v *sliver) polygons(a *arcs, drawn []mvt.Feature) []mvt.Polygon {
	length := 0.0
	for i, p := range v.chain {
		q := v.chain[(i+1)%len(v.chain)]
		length += math.Hypot(float64(q.X-p.X), float64(q.Y-p.Y))
	}
	var squares [][]mvt.Point
	taken := map[mvt.Point]bool{}
	for n := range v.squares {
		// The line runs there and back again: half of it is the whole.
		start := length / 2 * (float64(n) + 0.5) / float64(v.squares)
		for d := start; d <= length; d++ {
			p := v.along(d)
			if taken[p] {
				continue // a branch that has its square: the next place
			}
			taken[p] = true
			if p.X >= 0 && p.Y >= 0 && p.X < mvt.Extent && p.Y < mvt.Extent && free(p, drawn) {
				squares = append(squares, []mvt.Point{p, {X: p.X + 1, Y: p.Y}, {X: p.X + 1, Y: p.Y + 1}, {X: p.X, Y: p.Y + 1}})
			}
			break
		}
	}
	a.shells, a.holes = a.shells[:0], a.holes[:0]
	a.trace(squares)
	return a.polygons()
}

// along returns the unit square at a distance along v's line.
func (v *sliver) along(distance float64) mvt.Point {
	for i, p := range v.chain {
		q := v.chain[(i+1)%len(v.chain)]
		dx, dy := float64(q.X-p.X), float64(q.Y-p.Y)
		step := math.Hypot(dx, dy)
		if distance < step {
			k := distance / step
			return mvt.Point{X: p.X + int32(math.Floor(float64(k*dx))), Y: p.Y + int32(math.Floor(float64(k*dy)))}
		}
		distance -= step
	}
	return v.chain[0]
}

// free tells whether the unit square with the north-west corner p shares no
// ground with what is drawn.
func free(p mvt.Point, drawn []mvt.Feature) bool {
	// In half units, so that the square has a middle.
	middle := mvt.Point{X: 2*p.X + 1, Y: 2*p.Y + 1}
	for _, f := range drawn {
		for _, polygon := range f.Polygons {
			inside := false
			for _, ring := range polygon {
				a := ring[len(ring)-1]
				for _, b := range ring {
					if through(a, b, p) {
						return false
					}
					if (2*a.Y > middle.Y) != (2*b.Y > middle.Y) {
						side := cross(mvt.Point{X: b.X - a.X, Y: b.Y - a.Y}, mvt.Point{X: middle.X - 2*a.X, Y: middle.Y - 2*a.Y})
						if (b.Y > a.Y) == (side > 0) {
							inside = !inside
						}
					}
					a = b
				}
			}
			if inside {
				return false
			}
		}
	}
	return true
}

// through tells whether the edge from a to b runs through the inside of the unit
// square with the north-west corner p.
func through(a, b, p mvt.Point) bool {
	if max(a.X, b.X) <= p.X || min(a.X, b.X) >= p.X+1 || max(a.Y, b.Y) <= p.Y || min(a.Y, b.Y) >= p.Y+1 {
		return false
	}
	d := mvt.Point{X: b.X - a.X, Y: b.Y - a.Y}
	low, high := int64(math.MaxInt64), int64(math.MinInt64)
	for _, c := range [4]mvt.Point{p, {X: p.X + 1, Y: p.Y}, {X: p.X, Y: p.Y + 1}, {X: p.X + 1, Y: p.Y + 1}} {
		v := cross(d, mvt.Point{X: c.X - a.X, Y: c.Y - a.Y})
		low, high = min(low, v), max(high, v)
	}
	return low < 0 && high > 0
}
