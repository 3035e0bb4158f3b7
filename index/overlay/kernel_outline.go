package overlay

import (
	"math"
	"slices"

	"gengtu/index/geo"
)

// Outline is a feature as [Kernel] wants it: its edges in an equal-area plane,
// in the order of its rings, and over them a tree of chains. The zero value is
// the empty outline; it may be loaded again and again and keeps its memory. An
// Outline that nobody loads may be read by several goroutines at once.
type Outline struct {
	edges  []chord
	nodes  []chain // from the root down, each before its parts; empty until [Outline.grow]
	rings  []int32 // for each ring, the index behind the last of its edges
	leaves []chain // chains without parts, in the order of their edges; working memory of grow
	ref    float64 // ordinate that the chains' integrals count from
	top    float64 // highest ordinate
	scale  float64 // m of one unit of longitude

	x0, x1, low, high int64 // the box around it; all 0 if there are no edges
}

// chord is an edge from west to east. Abscissas are longitudes in units, so that
// differences of them are exact; ordinates are metres in the plane. An edge along
// a meridian has no width and adds nothing to an area, but [Prepared.Side] looks at it.
type chord struct {
	x0, x1    int64
	low, high int64   // latitudes
	y0        float64 // at x0
	slope     float64 // m for one unit
	sign      float64 // -1 if the ring runs west to east, +1 if it runs east to west
}

// chain is a run of edges of one ring, or several rings together. Seen from
// below, and by itself, it is no more than a straight line from its start to its
// end: what lies between them west of the start and east of the end it covers as
// often in one direction as in the other.
type chain struct {
	x0, x1     int64   // longitudes of all of it
	low, high  int64   // latitudes of all of it: ordinates grow with them
	start, end int64   // the same for whole rings
	integral   float64 // of the ordinate above ref, signed, along it; m for units
	first      int32   // index of the first edge of a chain that has no parts
	next       int32   // index behind its last edge; or, negative, index of the second part
}

// chainEdges is the number of edges above which a chain has parts: with fewer,
// walking the tree costs more than the pairs of edges that it saves.
const chainEdges = 6

// Load replaces what o holds by the polygon of rings r, directed as features are
// stored. plane is that of all outlines that meet in one [Kernel]; it should lie
// within 5 degrees of latitude of them. Neither r nor plane is kept.
func (o *Outline) Load(plane *geo.EqualAreaPlane, r *geo.Rings) {
	o.appendRings(plane, r)
	o.grow()
	o.finish(plane)
}

// appendRings replaces what o holds by the edges of r.
func (o *Outline) appendRings(plane *geo.EqualAreaPlane, r *geo.Rings) {
	o.begin(plane)
	start := int32(0)
	for _, end := range r.Ends {
		o.appendRing(plane, r.Positions[start:end])
		start = end
	}
}

// Area returns the outline's own area in m², by its direction.
func (o *Outline) Area() float64 {
	if len(o.nodes) > 0 {
		return o.nodes[0].integral * o.scale
	}
	t := 0.0
	for i := range o.edges {
		t += o.edges[i].integral(o.ref)
	}
	return t * o.scale
}

// ends returns where the edge starts and ends, in the direction of its ring.
func (e *chord) ends() (start, end int64) {
	if e.sign > 0 {
		return e.x1, e.x0
	}
	return e.x0, e.x1
}

// integral returns the signed integral of e above ref.
func (e *chord) integral(ref float64) float64 {
	w := float64(e.x1 - e.x0)
	return e.sign * w * (e.y0 - ref + 0.5*e.slope*w)
}

// same tells whether o and p, in one plane, have the same edges in the same order.
func (o *Outline) same(p *Outline) bool {
	if len(o.edges) != len(p.edges) {
		return false
	}
	for i := range o.edges {
		e, f := &o.edges[i], &p.edges[i]
		if e.x0 != f.x0 || e.x1 != f.x1 || e.y0 != f.y0 || e.slope != f.slope || e.sign != f.sign {
			return false
		}
	}
	return true
}

func (o *Outline) begin(plane *geo.EqualAreaPlane) {
	o.edges, o.nodes, o.rings = o.edges[:0], o.nodes[:0], o.rings[:0]
	o.x0, o.x1, o.low, o.high = 0, 0, 0, 0
	at := plane.Origin()
	at.Lon += geo.Unit
	o.scale = plane.To(at).X / geo.Unit
}

// appendRing adds the edges of a ring.
func (o *Outline) appendRing(plane *geo.EqualAreaPlane, ring []geo.Position) {
	last := len(ring) - 1
	if last < 2 {
		return
	}
	if ring[last] != ring[0] {
		last++ // the edge back to the start is not written out
	}
	n := len(o.edges)
	o.edges = slices.Grow(o.edges, last)[:n+last]
	edges := o.edges[n:]
	p := clamped(ring[0])
	first, firstY := p, plane.To(p).Y
	if n == 0 {
		o.ref = firstY
	}
	py := firstY
	used := 0
	for i := 1; i <= last; i++ {
		q, qy := first, firstY
		if i < len(ring) {
			q = clamped(ring[i])
			qy = plane.To(q).Y
		}
		if p != q {
			edges[used].set(p, py, q, qy)
			used++
		}
		p, py = q, qy
	}
	o.edges = o.edges[:n+used]
	if used > 0 {
		o.rings = append(o.rings, int32(n+used))
	}
}

// set makes e the edge from p to q. Directions of edges are not to be foretold,
// so it does without branches on them, and without a temporary chord, the copying
// of which would wait for its parts.
func (e *chord) set(p geo.Position, py float64, q geo.Position, qy float64) {
	y0, y1 := math.Float64bits(py), math.Float64bits(qy)
	if p.Lon > q.Lon {
		y0 = y1
	}
	width, slope := float64(p.Lon-q.Lon), 0.0
	if width != 0 {
		slope = (py - qy) / width
	}
	e.x0, e.x1 = min(p.Lon, q.Lon), max(p.Lon, q.Lon)
	e.low, e.high = min(p.Lat, q.Lat), max(p.Lat, q.Lat)
	e.y0, e.slope = math.Float64frombits(y0), slope
	e.sign = math.Copysign(1, width)
}

// appendLeaf adds the chain of edges [i, j).
func (o *Outline) appendLeaf(i, j int32) {
	edges := o.edges[i:j]
	x0, x1, low, high := edges[0].x0, edges[0].x1, edges[0].low, edges[0].high
	integral := 0.0
	for k := range edges {
		e := &edges[k]
		x0, x1 = min(x0, e.x0), max(x1, e.x1)
		low, high = min(low, e.low), max(high, e.high)
		integral += e.integral(o.ref)
	}
	start, end := edges[0].x0, edges[len(edges)-1].x1
	if edges[0].sign > 0 {
		start = edges[0].x1
	}
	if edges[len(edges)-1].sign > 0 {
		end = edges[len(edges)-1].x0
	}
	o.leaves = append(o.leaves, chain{})
	c := &o.leaves[len(o.leaves)-1]
	c.x0, c.x1, c.low, c.high, c.start, c.end = x0, x1, low, high, start, end
	c.integral, c.first, c.next = integral, i, j
}

// finish finds the box, when all rings are in: from the tree where there is one.
func (o *Outline) finish(plane *geo.EqualAreaPlane) {
	if len(o.edges) == 0 {
		return
	}
	if len(o.nodes) > 0 {
		c := &o.nodes[0]
		o.x0, o.x1, o.low, o.high = c.x0, c.x1, c.low, c.high
	} else {
		x0, x1, low, high := o.edges[0].x0, o.edges[0].x1, o.edges[0].low, o.edges[0].high
		for i := range o.edges {
			e := &o.edges[i]
			x0, x1 = min(x0, e.x0), max(x1, e.x1)
			low, high = min(low, e.low), max(high, e.high)
		}
		o.x0, o.x1, o.low, o.high = x0, x1, low, high
	}
	o.top = plane.To(geo.Position{Lon: o.x0, Lat: o.high}).Y
}

// grow builds the tree.
func (o *Outline) grow() {
	if len(o.rings) == 0 {
		return
	}
	o.leaves = slices.Grow(o.leaves[:0], len(o.edges)/chainEdges+len(o.rings))
	start := int32(0)
	for i, end := range o.rings {
		for ; start < end; start += chainEdges {
			o.appendLeaf(start, min(start+chainEdges, end))
		}
		start = end
		o.rings[i] = int32(len(o.leaves))
	}
	o.nodes = slices.Grow(o.nodes[:0], 2*len(o.leaves)-1)
	o.joinRings(0, len(o.rings))
	o.rings = o.rings[:0]
}

// joinRings appends the node of rings [i, j) and those below it.
func (o *Outline) joinRings(i, j int) {
	if j-i == 1 {
		first := int32(0)
		if i > 0 {
			first = o.rings[i-1]
		}
		o.joinLeaves(first, o.rings[i])
		return
	}
	at := len(o.nodes)
	o.nodes = append(o.nodes, chain{})
	middle := (i + j) / 2
	o.joinRings(i, middle)
	second := len(o.nodes)
	o.joinRings(middle, j)
	o.join(at, second)
	o.nodes[at].start = o.nodes[at].end
}

// joinLeaves appends the node of leaves [i, j) of one ring and those below it.
func (o *Outline) joinLeaves(i, j int32) {
	if j-i == 1 {
		o.nodes = append(o.nodes, o.leaves[i])
		return
	}
	at := len(o.nodes)
	o.nodes = append(o.nodes, chain{})
	middle := (i + j) / 2
	o.joinLeaves(i, middle)
	second := len(o.nodes)
	o.joinLeaves(middle, j)
	o.join(at, second)
}

// join sets the node at from its parts, that behind it and second.
func (o *Outline) join(at, second int) {
	a, b := &o.nodes[at+1], &o.nodes[second]
	c := &o.nodes[at]
	c.x0, c.x1 = min(a.x0, b.x0), max(a.x1, b.x1)
	c.low, c.high = min(a.low, b.low), max(a.high, b.high)
	c.start, c.end = a.start, b.end
	c.integral = a.integral + b.integral
	c.first, c.next = 0, int32(-second)
}
