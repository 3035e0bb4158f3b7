package overlay

import (
	"math"
	"slices"

	"gengtu/index/geo"
)

// nearEdges is the number of a shape's edges up to which what is in a box is held
// against them one by one. A border that runs through a field has one or two there.
const nearEdges = 12

// View is what can be seen of a prepared shape from within a box: the edges that
// reach into it, and the shape's upper side wherever it runs above. A few features
// side by side share one view, and most of them see one edge or none. The zero
// value is ready for [Prepared.Look]; a View is for one goroutine.
type View struct {
	shape *Prepared
	box   geo.Box
	few   bool // else only the shape itself can tell
	edges [nearEdges]chord
	n     int
	// whole is how often the shape runs above all of the box, counted by direction.
	whole int
	upper upper
}

// upper is where a shape runs above a box. By itself a chain is no more than a
// line from its start to its end, and so are chains that follow one another.
type upper struct{ start, end int64 }

// Look makes v the view of p from box, which must not be empty, and returns where
// box lies, as [Prepared.Side] does.
func (p *Prepared) Look(v *View, box geo.Box) Side {
	v.look(p, box)
	return v.Side(box)
}

func (v *View) look(p *Prepared, box geo.Box) {
	v.shape, v.box, v.n, v.whole, v.upper, v.few = p, box, 0, 0, upper{}, true
	if len(p.outline.nodes) > 0 {
		v.few = v.gather(&p.outline, 0) && v.endUpper()
	}
}

// gather collects what is seen of chain i of o and those under it; false when that
// is too much. Edges that touch the box are seen.
func (v *View) gather(o *Outline, i int32) bool {
	c := &o.nodes[i]
	switch {
	case c.x1 < v.box.Min.Lon || v.box.Max.Lon < c.x0 || c.high < v.box.Min.Lat:
		return true // what runs below counts for all edges of a feature, whose directions cancel
	case c.low > v.box.Max.Lat:
		return v.above(c.start, c.end)
	case c.next < 0:
		return v.gather(o, i+1) && v.gather(o, -c.next)
	}
	edges := o.edges[c.first:c.next]
	for k := range edges {
		e := &edges[k]
		ok := true
		switch {
		case e.x1 < v.box.Min.Lon || v.box.Max.Lon < e.x0 || e.high < v.box.Min.Lat:
		case e.low > v.box.Max.Lat:
			ok = v.above(e.ends())
		default:
			ok = v.keep(*e)
		}
		if !ok {
			return false
		}
	}
	return true
}

func (v *View) keep(e chord) bool {
	if v.n == nearEdges {
		return false
	}
	v.edges[v.n] = e
	v.n++
	return true
}

// above takes in what runs above the box from start to end.
func (v *View) above(start, end int64) bool {
	if v.upper.end == start {
		v.upper.end = end
		return true
	}
	ok := v.endUpper()
	v.upper = upper{start, end}
	return ok
}

// endUpper counts what has been running above the box; false when that is too much.
func (v *View) endUpper() bool {
	r := v.upper
	v.upper = upper{}
	x0, x1 := min(r.start, r.end), max(r.start, r.end)
	if x0 == x1 || x1 < v.box.Min.Lon || v.box.Max.Lon < x0 {
		return true
	}
	sign := 1
	if r.start < r.end {
		sign = -1
	}
	if x0 <= v.box.Min.Lon && v.box.Max.Lon < x1 {
		v.whole += sign
		return true
	}
	// Above the pole's latitude it lies above everything.
	return v.keep(chord{x0: x0, x1: x1, low: poleUnits + 1, high: poleUnits + 1, sign: float64(sign)})
}

// Side is [Prepared.Side] for a box within the view's.
func (v *View) Side(box geo.Box) Side {
	if !v.few {
		return v.shape.Side(box)
	}
	s := sighting{box: box, plane: &v.shape.plane, winding: v.whole}
	if s.meetsAny(v.edges[:v.n]) {
		return Across
	}
	return s.side()
}

// Shared is [Prepared.Shared] for a feature within the view's box.
func (v *View) Shared(w *Workspace, r *geo.Rings) float64 {
	if f := &w.seen; v.few && f.see(&v.shape.plane, r) {
		return v.shared(f)
	}
	return v.shape.byTree(w, r)
}

// shared returns the area, in m², that f and the shape share. It is the sum of
// [Kernel], taken vertex by vertex: f's ordinates stand in it once, not at both
// ends of each edge, and nothing else is made of f.
func (v *View) shared(f *seen) float64 {
	var total sum
	whole := v.whole
	for k := range v.edges[:v.n] {
		e := &v.edges[k]
		switch {
		case e.x1 <= f.x0 || f.x1 <= e.x0 || e.high <= f.low:
		case e.low < f.high:
			total.add(e.sign * f.under(e))
		case e.x0 <= f.x0 && f.x1 <= e.x1:
			whole += int(e.sign)
		default:
			total.add(e.sign * f.under(&chord{x0: e.x0, x1: e.x1, y0: f.top}))
		}
	}
	if whole != 0 {
		total.add(float64(whole) * f.integral())
	}
	return max(0, 0.5*total.value()*v.shape.outline.scale)
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
