package source

import (
	"math"

	"gengtu/index/geo"
)

// edgeIndex sorts the edges of a ring into horizontal slabs, so that finding the
// side of a point looks at the edges of one slab only.
type edgeIndex struct {
	ring   []geo.XY
	bottom float64
	scale  float64 // slabs per unit of height
	starts []int32 // where each slab begins in edges
	edges  []int32
	// tolerance is the distance, roughly, below which a point counts as on an
	// edge: what rounding of the ring's largest coordinate can move a point by.
	tolerance float64
}

// newEdgeIndex indexes ring, whose extent is b.
func newEdgeIndex(ring []geo.XY, b ringBox) *edgeIndex {
	largest := max(math.Abs(b.min[0]), math.Abs(b.min[1]), math.Abs(b.max[0]), math.Abs(b.max[1]))
	x := &edgeIndex{ring: ring, bottom: b.min[1], tolerance: largest * 0x1p-50}
	height := b.max[1] - b.min[1]
	var climb float64
	for i, p := range ring {
		climb += math.Abs(ring[(i+1)%len(ring)].Y - p.Y)
	}
	// An edge stands in one slab and in one more for each border it crosses:
	// n + slabs*climb/height entries. This many slabs keep that below 2n.
	slabs := 1
	if climb > 0 && height > 0 {
		slabs = max(1, min(int(float64(len(ring))*height/climb), len(ring)/4))
	}
	if slabs > 1 {
		x.scale = float64(slabs) / height
	}
	x.starts = make([]int32, slabs+2)
	x.each(slabs, func(slab, _ int) { x.starts[slab+2]++ })
	for s := 2; s < len(x.starts); s++ {
		x.starts[s] += x.starts[s-1]
	}
	x.edges = make([]int32, x.starts[slabs+1])
	x.each(slabs, func(slab, edge int) {
		x.edges[x.starts[slab+1]] = int32(edge) //nolint:gosec // a ring has fewer than 2^31 points
		x.starts[slab+1]++
	})
	return x
}

// each calls add for every slab and edge that meet.
func (x *edgeIndex) each(slabs int, add func(slab, edge int)) {
	for i, p := range x.ring {
		q := x.ring[(i+1)%len(x.ring)]
		// One tolerance more, so that points just beyond an edge's end find it.
		low := x.slab(min(p.Y, q.Y)-x.tolerance, slabs)
		high := x.slab(max(p.Y, q.Y)+x.tolerance, slabs)
		for s := low; s <= high; s++ {
			add(s, i)
		}
	}
}

// slab returns the slab that height y lies in.
func (x *edgeIndex) slab(y float64, slabs int) int {
	return max(0, min(int((y-x.bottom)*x.scale), slabs-1))
}

// side returns 1 when p lies in the ring by the even-odd rule, -1 outside, 0 on
// its border, and how many edges were looked at.
func (x *edgeIndex) side(p geo.XY) (side, visited int) {
	slab := x.slab(p.Y, len(x.starts)-2)
	edges := x.edges[x.starts[slab]:x.starts[slab+1]]
	inside := false
	for _, e := range edges {
		a := x.ring[e]
		b := x.ring[0]
		if int(e)+1 < len(x.ring) {
			b = x.ring[e+1]
		}
		dx, dy := b.X-a.X, b.Y-a.Y
		cross := dx*(p.Y-a.Y) - dy*(p.X-a.X)
		if math.Abs(cross) <= x.tolerance*(math.Abs(dx)+math.Abs(dy)) && between(a, b, p, x.tolerance) {
			return 0, len(edges)
		}
		if (a.Y > p.Y) != (b.Y > p.Y) && (cross > 0) == (dy > 0) {
			inside = !inside
		}
	}
	if inside {
		return 1, len(edges)
	}
	return -1, len(edges)
}

// between tells whether p lies in the box of a and b, widened by tolerance.
func between(a, b, p geo.XY, tolerance float64) bool {
	return p.X >= min(a.X, b.X)-tolerance && p.X <= max(a.X, b.X)+tolerance &&
		p.Y >= min(a.Y, b.Y)-tolerance && p.Y <= max(a.Y, b.Y)+tolerance
}
