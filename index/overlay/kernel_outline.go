package overlay

import (
	"math"

	"gengtu/index/geo"
)

// Outline is a feature as [Kernel] wants it: its edges in an equal-area plane,
// in the order of its rings, and over them a tree of chains. The zero value is
// the empty outline; it may be loaded again and again and keeps its memory. An
// Outline that nobody loads may be read by several goroutines at once.
type Outline struct {
	edges  []chord
	nodes  []chain // from the root down, each before its parts; empty if there are no edges
	rings  []int32 // for each ring, the index behind the last of its leaves
	leaves []chain // chains without parts, in the order of their edges
	ref    float64 // ordinate that the chains' integrals count from
	high   float64 // highest ordinate
	scale  float64 // m of one unit of longitude
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
	o.begin(plane)
	start := int32(0)
	for _, end := range r.Ends {
		o.appendRing(plane, r.Positions[start:end])
		start = end
	}
	o.finish(plane)
}

// Area returns the outline's own area in m², by its direction.
func (o *Outline) Area() float64 {
	if len(o.nodes) == 0 {
		return 0
	}
	return o.nodes[0].integral * o.scale
}

func (o *Outline) begin(plane *geo.EqualAreaPlane) {
	o.edges, o.leaves, o.nodes, o.rings = o.edges[:0], o.leaves[:0], o.nodes[:0], o.rings[:0]
	at := plane.Origin()
	at.Lon += geo.Unit
	o.scale = plane.To(at).X / geo.Unit
}

// appendRing adds the edges of a ring and its chains without parts. Directions
// of edges are not to be foretold, so it does without branches on them.
func (o *Outline) appendRing(plane *geo.EqualAreaPlane, ring []geo.Position) {
	if len(ring) < 3 {
		return
	}
	before := len(o.leaves)
	first := clamped(ring[0])
	p, py := first, plane.To(first).Y
	if len(o.edges) == 0 {
		o.ref = py
	}
	c := o.newLeaf()
	if last := len(ring) - 1; ring[last] == ring[0] {
		ring = ring[:last]
	}
	for i := 1; i <= len(ring); i++ {
		q := first
		if i < len(ring) {
			q = clamped(ring[i])
		}
		qy := plane.To(q).Y
		if p != q {
			y0, y1 := math.Float64bits(py), math.Float64bits(qy)
			if p.Lon > q.Lon {
				y0 = y1
			}
			width, slope := float64(p.Lon-q.Lon), 0.0
			if width != 0 {
				slope = (py - qy) / width
			}
			e := chord{
				min(p.Lon, q.Lon), max(p.Lon, q.Lon), min(p.Lat, q.Lat), max(p.Lat, q.Lat),
				math.Float64frombits(y0), slope, math.Copysign(1, width),
			}
			o.edges = append(o.edges, e)
			if c.next == 0 {
				c.start = p.Lon
			}
			c.x0, c.x1 = min(c.x0, e.x0), max(c.x1, e.x1)
			c.low, c.high = min(c.low, e.low), max(c.high, e.high)
			c.integral += width * ((py - o.ref) + (qy - o.ref))
			c.end = q.Lon
			c.next++
			if c.next == chainEdges {
				o.appendLeaf(&c)
				c = o.newLeaf()
			}
		}
		p, py = q, qy
	}
	if c.next > 0 {
		o.appendLeaf(&c)
	}
	if len(o.leaves) > before {
		o.rings = append(o.rings, int32(len(o.leaves)))
	}
}

// newLeaf returns a chain without edges; next counts them, and integral is
// twice theirs, until it is complete.
func (o *Outline) newLeaf() chain {
	return chain{
		x0: math.MaxInt64, x1: math.MinInt64,
		low: math.MaxInt64, high: math.MinInt64,
		first: int32(len(o.edges)),
	}
}

// appendLeaf adds the complete chain c.
func (o *Outline) appendLeaf(c *chain) {
	c.next += c.first
	c.integral *= 0.5
	o.leaves = append(o.leaves, *c)
}

// finish builds the tree.
func (o *Outline) finish(plane *geo.EqualAreaPlane) {
	if len(o.rings) == 0 {
		return
	}
	o.joinRings(0, len(o.rings))
	o.high = plane.To(geo.Position{Lon: o.nodes[0].x0, Lat: o.nodes[0].high}).Y
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
	o.nodes[at] = chain{
		x0: min(a.x0, b.x0), x1: max(a.x1, b.x1),
		low: min(a.low, b.low), high: max(a.high, b.high),
		start: a.start, end: b.end,
		integral: a.integral + b.integral,
		next:     int32(-second),
	}
}
