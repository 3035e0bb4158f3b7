package overlay

import (
	"gengtu/index/geo"
)

// Outline is a feature as [Kernel] wants it: its edges in an equal-area plane,
// in the order of its rings, and over them a tree of chains. The zero value is
// the empty outline; it may be loaded again and again and keeps its memory. An
// Outline that nobody loads may be read by several goroutines at once.
type Outline struct {
	edges []chord
	nodes []chain // from the root down, each before its parts; empty if there are no edges
	rings []int32 // for each ring, the index behind its last edge
	ref   float64 // ordinate that the chains' integrals count from
	scale float64 // m of one unit of longitude
}

// chord is an edge from west to east. Abscissas are longitudes in units, so that
// differences of them are exact; ordinates are metres in the plane. Edges along
// a meridian have no width and are not kept.
type chord struct {
	x0, x1 int64
	y0, y1 float64
	slope  float64 // m for one unit
	sign   float64 // -1 if the ring runs west to east, +1 if it runs east to west
}

// chain is a run of edges of one ring, or several rings together. Seen from
// below, and by itself, it is no more than a straight line from its start to its
// end: what lies between them west of the start and east of the end it covers as
// often in one direction as in the other.
type chain struct {
	x0, x1     int64 // of all of it
	low, high  float64
	start, end int64   // the same for whole rings
	integral   float64 // of the ordinate above ref, signed, along it; m for units
	first      int32   // of the edges, of a chain that has no parts
	next       int32   // the index behind the edges; or, negative, that of the second part
}

// chainEdges is the number of edges from which on a chain has parts.
const chainEdges = 8

// Load replaces what o holds by the polygon of rings r, directed as features are
// stored. plane is that of all outlines that meet in one [Kernel]; it should lie
// within 5 degrees of latitude of them. Neither r nor plane is kept.
func (o *Outline) Load(plane *geo.EqualAreaPlane, r *geo.Rings) {
	o.begin(plane)
	start := int32(0)
	for _, end := range r.Ends {
		o.appendRing(plane, r.Positions[start:end])
		start = end
	}
	o.finish()
}

// Area returns the outline's own area in m², by its direction.
func (o *Outline) Area() float64 {
	if len(o.nodes) == 0 {
		return 0
	}
	return o.nodes[0].integral * o.scale
}

func (o *Outline) begin(plane *geo.EqualAreaPlane) {
	o.edges, o.nodes, o.rings = o.edges[:0], o.nodes[:0], o.rings[:0]
	at := plane.Origin()
	at.Lon += geo.Unit
	o.scale = plane.To(at).X / geo.Unit
}

// appendRing adds the edges of a ring.
func (o *Outline) appendRing(plane *geo.EqualAreaPlane, ring []geo.Position) {
	if len(ring) < 3 {
		return
	}
	before := len(o.edges)
	first := clamped(ring[0])
	x, y := first.Lon, plane.To(first).Y
	if before == 0 {
		o.ref = y
	}
	firstY := y
	for _, q := range ring[1:] {
		q = clamped(q)
		qy := plane.To(q).Y
		o.appendEdge(x, y, q.Lon, qy)
		x, y = q.Lon, qy
	}
	o.appendEdge(x, y, first.Lon, firstY)
	if len(o.edges) > before {
		o.rings = append(o.rings, int32(len(o.edges)))
	}
}

// appendEdge adds the edge from p to q.
func (o *Outline) appendEdge(px int64, py float64, qx int64, qy float64) {
	switch {
	case px < qx:
		o.edges = append(o.edges, chord{px, qx, py, qy, (qy - py) / float64(qx-px), -1})
	case px > qx:
		o.edges = append(o.edges, chord{qx, px, qy, py, (py - qy) / float64(px-qx), 1})
	}
}

// finish builds the tree.
func (o *Outline) finish() {
	if len(o.rings) > 0 {
		o.joinRings(0, len(o.rings))
	}
}

// joinRings appends the node of rings [i, j) and those below it.
func (o *Outline) joinRings(i, j int) {
	if j-i == 1 {
		first := int32(0)
		if i > 0 {
			first = o.rings[i-1]
		}
		o.joinEdges(first, o.rings[i])
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

// joinEdges appends the node of edges [i, j) of one ring and those below it.
func (o *Outline) joinEdges(i, j int32) {
	at := len(o.nodes)
	if j-i <= chainEdges {
		o.nodes = append(o.nodes, o.leaf(i, j))
		return
	}
	o.nodes = append(o.nodes, chain{})
	middle := (i + j) / 2
	o.joinEdges(i, middle)
	second := len(o.nodes)
	o.joinEdges(middle, j)
	o.join(at, second)
}

// join sets the node at from its parts, that behind it and second.
func (o *Outline) join(at, second int) {
	a, b := &o.nodes[at+1], &o.nodes[second]
	o.nodes[at] = chain{
		x0: min(a.x0, b.x0), x1: max(a.x1, b.x1),
		low: min(a.low, b.low), high: max(a.high, b.high),
		start: a.start, end: b.end,
		integral: a.integral + b.integral,
		next:     int32(-second),
	}
}

// leaf returns the chain of edges [i, j).
func (o *Outline) leaf(i, j int32) chain {
	e := &o.edges[i]
	c := chain{x0: e.x0, x1: e.x1, low: min(e.y0, e.y1), high: max(e.y0, e.y1), first: i, next: j}
	c.start = e.x0
	if e.sign > 0 {
		c.start = e.x1
	}
	for k := i; k < j; k++ {
		e = &o.edges[k]
		c.x0, c.x1 = min(c.x0, e.x0), max(c.x1, e.x1)
		if e.y0 < e.y1 {
			c.low, c.high = min(c.low, e.y0), max(c.high, e.y1)
		} else {
			c.low, c.high = min(c.low, e.y1), max(c.high, e.y0)
		}
		c.integral += e.sign * float64(e.x1-e.x0) * ((e.y0 - o.ref) + (e.y1 - o.ref)) * 0.5
	}
	c.end = e.x1
	if e.sign > 0 {
		c.end = e.x0
	}
	return c
}
