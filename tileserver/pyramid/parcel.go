package pyramid

import (
	"math"
	"math/bits"
	"slices"

	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// Parcels are noded in subunits, 4096 to a tile unit: so fine that a corner on a
// neighbour's edge stays on it, and coarse enough that the products of a tile's
// coordinates stay within 64 bits.
const (
	subShift = 12
	subunits = 1 << subShift
	halfUnit = subunits / 2
	tileSide = mvt.Extent * subunits
)

// The frame is the tile with its margin: what a tile shows. Its sides, in units.
const (
	frameLow  = -marginUnits
	frameHigh = mvt.Extent + marginUnits
)

// cutLines are where edges that cross them get a corner, on both axes: a tile's
// borders, and the inner and outer borders of the margins along them, those of
// the tiles beside it too. The lines are the same for every tile of a zoom, so
// every tile that shows a part of an edge cuts that part alike, and no piece of
// an edge that comes near the tile is longer than a tile is wide.
var cutLines = [8]int64{
	(-mvt.Extent + marginUnits) * subunits, frameLow * subunits, 0, marginUnits * subunits,
	(mvt.Extent - marginUnits) * subunits, tileSide, frameHigh * subunits, (2*mvt.Extent - marginUnits) * subunits,
}

// spot is a place in subunits from the tile's north-west corner.
type spot struct{ x, y int64 }

// window puts points of the plane on the grid of subunits. The grid is that of
// the zoom; only its numbers begin at the tile's corner.
type window struct {
	scale  float64
	ox, oy int64
}

func windowOf(t tile.Tile) window {
	return window{math.Ldexp(tileSide, int(t.Z)), int64(t.X) * tileSide, int64(t.Y) * tileSide}
}

// at returns the spot nearest to w, whose coordinates lie in [0, 1].
func (v *window) at(w tile.World) spot {
	return spot{int64(float64(w.X*v.scale)+0.5) - v.ox, int64(float64(w.Y*v.scale)+0.5) - v.oy}
}

// inCore tells whether p lies where no line cuts: in the tile, beyond its inner
// margin. Most points do.
func inCore(p spot) bool {
	const low, span = marginUnits * subunits, (mvt.Extent - 2*marginUnits) * subunits
	return uint64(p.x-low) <= span && uint64(p.y-low) <= span
}

func inFrame(p spot) bool {
	const low, span = frameLow * subunits, (frameHigh - frameLow) * subunits
	return uint64(p.x-low) <= span && uint64(p.y-low) <= span
}

// apart tells whether a and b lie more than a unit beyond the same side of the
// frame: then nothing of the edge between them bears on what the frame shows.
func apart(a, b spot) bool {
	const low, high = (frameLow - 1) * subunits, (frameHigh + 1) * subunits
	return max(a.x, b.x) < low || min(a.x, b.x) > high || max(a.y, b.y) < low || min(a.y, b.y) > high
}

// onFrame returns the place of the frame nearest to p.
func onFrame(p spot) spot {
	return spot{
		max(frameLow*subunits, min(p.x, frameHigh*subunits)),
		max(frameLow*subunits, min(p.y, frameHigh*subunits)),
	}
}

func isCorner(p spot) bool {
	return (p.x == frameLow*subunits || p.x == frameHigh*subunits) && (p.y == frameLow*subunits || p.y == frameHigh*subunits)
}

// cutter takes the rings of one feature after another apart into edges inside
// the frame and along it. A point outside is moved to the nearest place of the
// frame, which leaves every ring closed and changes nothing inside; of what runs
// along the frame then, only the way from corner to corner matters.
type cutter struct {
	edges   *edges
	rims    []rim
	thin    []int32 // features that are thinner than a unit
	feature int32
	order   []uint64 // see nearby

	// On the frame: where the ring left it last, if it did, and, of one that begins
	// outside, where it first came to it.
	last, first spot
	hasLast     bool
}

// rim is an edge along one side of the frame.
type rim struct {
	a, b    spot
	feature int32
}

// gather takes over the edges of all features.
func (c *cutter) gather(t tile.Tile, features []*loaded) {
	c.rims, c.thin = c.rims[:0], c.thin[:0]
	v := windowOf(t)
	for _, key := range c.nearby(&v, features) {
		c.feature = int32(key & (1<<32 - 1))
		f := features[c.feature]
		start, rounded := 0, int64(0)
		for _, end := range f.ends {
			if end-start > 2 {
				rounded += c.ring(&v, f.points[start:end])
			}
			start = end
		}
		if rounded == 0 {
			c.thin = append(c.thin, c.feature)
		}
	}
}

// nearby returns the numbers of features, in the lower half of each, so that
// those that lie together come one after another: rows of squares of 256 units,
// each row the other way round. What is drawn does not depend on it, but the
// processor's cache does.
func (c *cutter) nearby(v *window, features []*loaded) []uint64 {
	c.order = c.order[:0]
	for i, f := range features {
		p := onFrame(v.at(f.min))
		x, y := uint64(p.x-frameLow*subunits)>>(subShift+5), uint64(p.y-frameLow*subunits)>>(subShift+8)
		if y&1 != 0 {
			x = 255 - x
		}
		c.order = append(c.order, (y<<8|x)<<32|uint64(i))
	}
	slices.Sort(c.order)
	return c.order
}

// ring takes over one ring and returns twice the area that it has when each of
// its corners is moved to the nearest whole unit.
func (c *cutter) ring(v *window, ring []tile.World) (rounded int64) {
	a := v.at(ring[len(ring)-1])
	home := a
	aCore, aUnit := inCore(a), unitOf(a)
	origin := aUnit
	c.hasLast = false
	for _, w := range ring {
		b := v.at(w)
		if a == b {
			continue
		}
		bCore, bUnit := inCore(b), unitOf(b)
		rounded += (aUnit.x-origin.x)*(bUnit.y-origin.y) - (bUnit.x-origin.x)*(aUnit.y-origin.y)
		switch {
		case aCore && bCore:
			c.edges.add(spot32{int32(a.x), int32(a.y)}, spot32{int32(b.x), int32(b.y)}, c.feature)
		case apart(a, b):
			c.skirt(a, b)
		default:
			c.cut(a, b)
		}
		a, aCore, aUnit = b, bCore, bUnit
	}
	if c.hasLast && !inFrame(home) {
		c.rim(c.last, c.first)
	}
	return rounded
}

// unitOf returns the whole unit nearest to p.
func unitOf(p spot) spot { return spot{(p.x + halfUnit) >> subShift, (p.y + halfUnit) >> subShift} }

// cut takes over the pieces of the edge from a to b between the lines that it
// crosses.
func (c *cutter) cut(a, b spot) {
	var cuts [2*len(cutLines) + 1]spot
	n := 0
	for _, v := range cutLines {
		if (a.x < v) != (b.x < v) && a.x != v && b.x != v {
			cuts[n] = spot{v, crossing(a, b, v)}
			n++
		}
		if (a.y < v) != (b.y < v) && a.y != v && b.y != v {
			cuts[n] = spot{crossing(spot{a.y, a.x}, spot{b.y, b.x}, v), v}
			n++
		}
	}
	// Along an edge both coordinates run one way, so the way from a orders them.
	way := func(p spot) int64 { return max(p.x-a.x, a.x-p.x) + max(p.y-a.y, a.y-p.y) }
	for i := 1; i < n; i++ {
		for j := i; j > 0 && way(cuts[j]) < way(cuts[j-1]); j-- {
			cuts[j], cuts[j-1] = cuts[j-1], cuts[j]
		}
	}
	cuts[n] = b
	for _, p := range cuts[:n+1] {
		if p != a {
			c.piece(a, p)
			a = p
		}
	}
}

// piece takes over an edge that crosses none of the lines.
func (c *cutter) piece(a, b spot) {
	if inFrame(a) && inFrame(b) {
		c.edges.add(spot32{int32(a.x), int32(a.y)}, spot32{int32(b.x), int32(b.y)}, c.feature)
		return
	}
	if !apart(a, b) {
		c.edges.addOutside(spot32{int32(a.x), int32(a.y)}, spot32{int32(b.x), int32(b.y)})
	}
	c.skirt(a, b)
}

// skirt follows the frame where the ring runs from a to b outside it, along one
// of its sides.
func (c *cutter) skirt(a, b spot) {
	if inFrame(a) {
		c.last, c.hasLast = a, true
	}
	to := onFrame(b)
	if to != b && !isCorner(to) {
		return // still under way along a side
	}
	if c.hasLast {
		c.rim(c.last, to)
	} else {
		c.first = to
	}
	c.last, c.hasLast = to, true
}

func (c *cutter) rim(a, b spot) {
	if a != b {
		c.rims = append(c.rims, rim{a, b, c.feature})
	}
}

// crossing returns y where the line from a to b has the given x between theirs:
// the nearest whole number, the same for both directions.
func crossing(a, b spot, x int64) int64 {
	if b.x < a.x {
		a, b = b, a
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
