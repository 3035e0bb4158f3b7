package pyramid

import (
	"math"
	"math/bits"

	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// Parcels are noded in subunits, 64 to a tile unit: fine enough that a corner on
// a neighbour's edge stays on it, coarse enough that the exact arithmetic of a
// tile stays within 64 bits.
const (
	subunits  = 1 << subShift
	subShift  = 6
	halfUnit  = subunits / 2
	tileSide  = mvt.Extent * subunits
	clipLow   = -marginUnits * subunits
	clipHigh  = (mvt.Extent + marginUnits) * subunits
	lowPixel  = -marginUnits
	pixelSide = mvt.Extent + 2*marginUnits + 1
)

// spot is a place in subunits from the tile's north-west corner.
type spot struct{ x, y int64 }

// cutRing returns the corners of ring in subunits of t, without repeated ones,
// and whether all lie in the tile. Where an edge crosses the line of one of the
// tile's sides it gets a corner. Corners and crossings are rounded on a grid that
// all tiles of the zoom share, and a crossing does not depend on the edge's
// direction: so neighbouring tiles, and parcels, cut a common edge alike.
func (s *snapper) cutRing(t tile.Tile, ring []tile.World) (inside bool) {
	scale := math.Ldexp(tileSide, int(t.Z))
	ox, oy := int64(t.X)*tileSide, int64(t.Y)*tileSide
	at := func(w tile.World) spot {
		return spot{int64(math.Floor(float64(w.X*scale)+0.5)) - ox, int64(math.Floor(float64(w.Y*scale)+0.5)) - oy}
	}
	s.ring = s.ring[:0]
	inside = true
	a := at(ring[len(ring)-1])
	for _, w := range ring {
		b := at(w)
		if a == b {
			continue
		}
		if b.x <= 0 || b.y <= 0 || b.x >= tileSide || b.y >= tileSide {
			inside = false
		}
		s.cutEdge(a, b)
		s.ring = append(s.ring, b)
		a = b
	}
	return inside
}

// cutEdge appends where the edge from a to b crosses the lines of the tile's
// sides, in order.
func (s *snapper) cutEdge(a, b spot) {
	var cuts [4]spot
	n := 0
	for _, v := range [2]int64{0, tileSide} {
		if (a.x < v) != (b.x < v) && a.x != v && b.x != v {
			cuts[n] = spot{v, crossing(a, b, v)}
			n++
		}
		if (a.y < v) != (b.y < v) && a.y != v && b.y != v {
			cuts[n] = spot{crossing(spot{a.y, a.x}, spot{b.y, b.x}, v), v}
			n++
		}
	}
	if n == 0 {
		return
	}
	// Along an edge both coordinates run one way, so the way from a orders them.
	way := func(p spot) int64 { return max(p.x-a.x, a.x-p.x) + max(p.y-a.y, a.y-p.y) }
	for i := 1; i < n; i++ {
		for j := i; j > 0 && way(cuts[j]) < way(cuts[j-1]); j-- {
			cuts[j], cuts[j-1] = cuts[j-1], cuts[j]
		}
	}
	s.ring = append(s.ring, cuts[:n]...)
}

// crossing returns y where the line from a to b has the given x between theirs:
// the nearest whole number, the same for both directions.
func crossing(a, b spot, x int64) int64 {
	if b.x < a.x {
		a, b = b, a
	}
	if a.x == b.x {
		return a.y
	}
	dy, down := b.y-a.y, false
	if dy < 0 {
		dy, down = -dy, true
	}
	dx := uint64(b.x - a.x)
	hi, lo := bits.Mul64(uint64(x-a.x), uint64(dy))
	lo, carry := bits.Add64(lo, dx/2, 0)
	// The quotient is at most dy, so it fits.
	q, _ := bits.Div64(hi+carry, lo, dx)
	if down {
		return a.y - int64(q)
	}
	return a.y + int64(q)
}

// clip cuts s.ring at the tile's margin (Sutherland and Hodgman, one side after
// the other). Edges that it leaves along the margin's border lie on one another
// in opposite directions and cancel out later.
func (s *snapper) clip() {
	for _, side := range [4]struct {
		limit int64
		turn  bool // whether y is cut, not x
		upper bool
	}{{clipLow, false, false}, {clipHigh, false, true}, {clipLow, true, false}, {clipHigh, true, true}} {
		in := s.ring
		out := s.spare[:0]
		if len(in) == 0 {
			return
		}
		coordinate := func(p spot) int64 {
			if side.turn {
				return p.y
			}
			return p.x
		}
		outside := func(p spot) bool {
			if side.upper {
				return coordinate(p) > side.limit
			}
			return coordinate(p) < side.limit
		}
		a := in[len(in)-1]
		for _, b := range in {
			if outside(a) != outside(b) {
				if side.turn {
					out = append(out, spot{crossing(spot{a.y, a.x}, spot{b.y, b.x}, side.limit), side.limit})
				} else {
					out = append(out, spot{side.limit, crossing(a, b, side.limit)})
				}
			}
			if !outside(b) {
				out = append(out, b)
			}
			a = b
		}
		s.ring, s.spare = out, in
	}
}
