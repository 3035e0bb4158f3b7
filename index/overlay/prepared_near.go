package overlay

import (
	"math"
	"slices"

	"gengtu/index/geo"
)

// nearEdges is the number of a shape's edges up to which a feature is measured
// against them one by one. A border that runs through a field has one or two there.
const nearEdges = 8

// nearby is what a feature sees of a prepared shape: the edges that reach into
// its box, and its upper side wherever the shape runs above.
type nearby struct {
	edges [nearEdges]chord
	n     int
	whole int // how often the shape runs above all of it, counted by direction
	upper upper
}

// upper is where a shape runs above a feature. By itself a chain is no more than a
// line from its start to its end, and so are chains that follow one another.
type upper struct{ start, end int64 }

// gather collects what f sees of chain i of o and those under it; false when that
// is too much. All of f lies in the same plane.
func (n *nearby) gather(o *Outline, i int32, f *seen) bool {
	c := &o.nodes[i]
	switch {
	case c.x1 <= f.x0 || f.x1 <= c.x0 || c.high <= f.low:
		// What runs below f counts once for each of f's edges, whose directions cancel.
		return true
	case c.low >= f.high:
		return n.above(c.start, c.end, f)
	case c.next < 0:
		return n.gather(o, i+1, f) && n.gather(o, -c.next, f)
	}
	edges := o.edges[c.first:c.next]
	for k := range edges {
		e := &edges[k]
		switch {
		case e.x1 <= f.x0 || f.x1 <= e.x0 || e.high <= f.low:
		case e.low < f.high:
			if n.n == nearEdges {
				return false
			}
			n.edges[n.n] = *e
			n.n++
		default:
			start, end := e.x0, e.x1
			if e.sign > 0 {
				start, end = end, start
			}
			if !n.above(start, end, f) {
				return false
			}
		}
	}
	return true
}

// above takes in what runs above f from start to end.
func (n *nearby) above(start, end int64, f *seen) bool {
	if n.upper.end == start {
		n.upper.end = end
		return true
	}
	ok := n.endUpper(f)
	n.upper = upper{start, end}
	return ok
}

// endUpper counts what has been running above f; false when that is too much.
func (n *nearby) endUpper(f *seen) bool {
	r := n.upper
	n.upper = upper{}
	x0, x1 := min(r.start, r.end), max(r.start, r.end)
	x0, x1 = max(x0, f.x0), min(x1, f.x1)
	if x0 >= x1 {
		return true
	}
	sign := 1
	if r.start < r.end {
		sign = -1
	}
	if x0 == f.x0 && x1 == f.x1 {
		n.whole += sign
		return true
	}
	if n.n == nearEdges {
		return false
	}
	n.edges[n.n] = chord{x0: x0, x1: x1, low: f.high, high: f.high, y0: f.top, sign: float64(sign)}
	n.n++
	return true
}

// shared returns the area, in m², that f and the shape share, from all that f
// sees of it. It is the sum of [Kernel], taken vertex by vertex: f's ordinates
// stand in them once, not at both ends of each edge, and nothing else is made of it.
func (n *nearby) shared(f *seen, scale float64) float64 {
	total, rest := 0.0, 0.0
	if n.whole != 0 {
		total = float64(n.whole) * f.integral()
	}
	for k := range n.edges[:n.n] {
		e := &n.edges[k]
		// As [Kernel.add] does.
		v := e.sign * f.under(e)
		s := total + v
		u := s - total
		rest += (total - (s - u)) + (v - u)
		total = s
	}
	return max(0, 0.5*(total+rest)*scale)
}

// seen is a feature that is held against a prepared shape.
type seen struct {
	rings             *geo.Rings
	ordinates         []float64 // m, parallel to the rings' positions
	x0, x1, low, high int64     // the box around it
	top               float64   // its highest ordinate
}

// see makes f what plane shows of r; false when r is none that is stored: not
// closed, or off the Earth.
func (f *seen) see(plane *geo.EqualAreaPlane, r *geo.Rings) bool {
	f.rings = r
	f.ordinates = slices.Grow(f.ordinates[:0], len(r.Positions))[:len(r.Positions)]
	box := geo.EmptyBox()
	for i, v := range r.Positions {
		box.Extend(v)
		f.ordinates[i] = plane.To(v).Y
	}
	f.x0, f.x1, f.low, f.high = box.Min.Lon, box.Max.Lon, box.Min.Lat, box.Max.Lat
	f.top = plane.To(geo.Position{Lon: f.x0, Lat: f.high}).Y
	start := int32(0)
	for _, end := range r.Ends {
		if end-start < 4 || r.Positions[start] != r.Positions[end-1] {
			return false
		}
		start = end
	}
	return clamped(box.Min) == box.Min && clamped(box.Max) == box.Max
}

// integral returns twice the signed integral of f's ordinate above its top, m
// for units: positive, since the rings run over their ground from east to west.
func (f *seen) integral() float64 {
	t, start := 0.0, int32(0)
	for _, end := range f.rings.Ends {
		ps, ys := f.rings.Positions[start:end], f.ordinates[start:end]
		start = end
		for i := 1; i < len(ps); i++ {
			t += float64(ps[i-1].Lon-ps[i].Lon) * ((ys[i-1] - f.top) + (ys[i] - f.top))
		}
	}
	return t
}

// under returns twice the signed integral of the lower of f's edges and e, above
// f's top, where both are.
func (f *seen) under(e *chord) float64 {
	t, start := 0.0, int32(0)
	for _, end := range f.rings.Ends {
		ps, ys := f.rings.Positions[start:end], f.ordinates[start:end]
		start = end
		x0, y0 := ps[0].Lon, ys[0]
		d0 := e.y0 + e.slope*float64(x0-e.x0) - y0 // of e above the vertex
		for i := 1; i < len(ps); i++ {
			x1, y1 := ps[i].Lon, ys[i]
			d1 := e.y0 + e.slope*float64(x1-e.x0) - y1
			if min(x0, x1) >= e.x0 && max(x0, x1) <= e.x1 {
				t += float64(x0-x1) * lower(y0-f.top, y1-f.top, d0, d1)
			} else {
				t += f.underPart(e, ps[i-1], ps[i], y0, y1)
			}
			x0, y0, d0 = x1, y1, d1
		}
	}
	return t
}

// underPart is under for the edge from p to q that e ends above or below.
func (f *seen) underPart(e *chord, p, q geo.Position, py, qy float64) float64 {
	x0, x1 := max(min(p.Lon, q.Lon), e.x0), min(max(p.Lon, q.Lon), e.x1)
	if x0 >= x1 {
		return 0
	}
	slope := (qy - py) / float64(q.Lon-p.Lon)
	y0, y1 := py+slope*float64(x0-p.Lon), py+slope*float64(x1-p.Lon)
	d0 := e.y0 + e.slope*float64(x0-e.x0) - y0
	d1 := e.y0 + e.slope*float64(x1-e.x0) - y1
	w := float64(x1 - x0)
	if p.Lon < q.Lon {
		w = -w
	}
	return w * lower(y0-f.top, y1-f.top, d0, d1)
}

// lower returns twice the mean of the lower of two lines: one has the ordinates
// y0 and y1 at its ends, the other is higher by d0 and d1.
func lower(y0, y1, d0, d1 float64) float64 {
	s0, s1 := math.Abs(d0), math.Abs(d1)
	s := s0 + s1
	less := 0.5 * ((s0 - d0) + (s1 - d1))
	if less*(s-less) > 0 { // they cross
		less *= less / s
	}
	return y0 + y1 - less
}
