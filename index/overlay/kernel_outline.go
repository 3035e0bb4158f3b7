package overlay

import (
	"slices"

	"gengtu/index/geo"
)

// Outline is a feature as [Kernel] wants it: its edges in an equal-area plane, in
// order from west to east. The zero value is the empty outline; it may be loaded
// again and again and keeps its memory. An Outline that nobody loads may be read
// by several goroutines at once.
type Outline struct {
	edges     []chord
	x0, x1    int64   // longitudes, units
	low, high float64 // ordinates in the plane, m
	scale     float64 // m of one unit of longitude
	area      float64
	plane     *geo.EqualAreaPlane // while it is being loaded
}

// chord is an edge from west to east. Abscissas are longitudes in units, so
// that what is done with them is exact; ordinates are metres in the plane.
type chord struct {
	x0, x1 int64
	y0, y1 float64
	slope  float64 // m for one unit
	sign   float64 // +1 if the ring runs east to west, or up where x0 = x1 ... see appendEdge
}

// Load replaces what o holds by the polygon of rings r, directed as features are
// stored. plane is that of all outlines that meet in one [Kernel]; it should lie
// within 5 degrees of latitude of them. Neither r nor plane is kept.
func (o *Outline) Load(plane *geo.EqualAreaPlane, r *geo.Rings) {
	o.begin(plane)
	box := geo.EmptyBox()
	start := int32(0)
	for _, end := range r.Ends {
		ring := r.Positions[start:end]
		start = end
		if len(ring) == 0 {
			continue
		}
		p := clamped(ring[0])
		py := plane.To(p).Y
		box.Extend(p)
		for _, q := range ring[1:] {
			q = clamped(q)
			box.Extend(q)
			qy := plane.To(q).Y
			o.appendEdge(p.Lon, py, q.Lon, qy)
			p, py = q, qy
		}
	}
	o.finish(box)
}

// Area returns the outline's own area in m², by its direction.
func (o *Outline) Area() float64 { return o.area }

func (o *Outline) begin(plane *geo.EqualAreaPlane) {
	o.edges = o.edges[:0]
	o.plane = plane
	at := plane.Origin()
	at.Lon += geo.Unit
	o.scale = plane.To(at).X / geo.Unit
}

// finish puts the edges in order; box holds all that was to be loaded.
func (o *Outline) finish(box geo.Box) {
	if box.Empty() {
		box = geo.Box{}
	}
	low, high := clamped(box.Min), clamped(box.Max)
	o.x0, o.x1 = low.Lon, high.Lon
	o.low, o.high = o.plane.To(low).Y, o.plane.To(high).Y
	o.plane = nil
	t := 0.0
	for i := range o.edges {
		e := &o.edges[i]
		t += e.sign * float64(e.x1-e.x0) * ((e.y0 - o.high) + (e.y1 - o.high))
	}
	o.area = t / 2 * o.scale
	o.edges = sortChords(o.edges, 0)
}

// appendEdge adds the edge from p to q.
func (o *Outline) appendEdge(px int64, py float64, qx int64, qy float64) {
	switch {
	case px < qx:
		o.edges = append(o.edges, chord{px, qx, py, qy, (qy - py) / float64(qx-px), -1})
	case px > qx:
		o.edges = append(o.edges, chord{qx, px, qy, py, (py - qy) / float64(px-qx), 1})
	case py != qy:
		// As an edge of no width that runs west to east.
		o.edges = append(o.edges, chord{px, qx, py, qy, 0, -1})
	}
}

// appendNear adds the edges of m that reach into common's longitudes and above
// latitude floor.
func (o *Outline) appendNear(m geo.MultiPolygon, common geo.Box, floor int64) {
	for _, poly := range m {
		for _, r := range poly {
			var py float64
			known := false // whether py is that of the vertex before
			for i := 1; i < len(r); i++ {
				p, q := r[i-1], r[i]
				if max(p.Lon, q.Lon) <= common.Min.Lon || min(p.Lon, q.Lon) >= common.Max.Lon ||
					max(p.Lat, q.Lat) < floor {
					known = false
					continue
				}
				p, q = clamped(p), clamped(q)
				if !known {
					py = o.plane.To(p).Y
				}
				y := o.plane.To(q).Y
				o.appendEdge(p.Lon, py, q.Lon, y)
				py, known = y, true
			}
		}
	}
}

// insertionLimit is the length up to which sorting by insertion is fastest.
const insertionLimit = 48

// sortChords puts s[first:] in order of x0 and returns s.
func sortChords(s []chord, first int) []chord {
	t := s[first:]
	if len(t) > insertionLimit {
		slices.SortFunc(t, func(a, b chord) int {
			if a.x0 < b.x0 {
				return -1
			}
			if a.x0 > b.x0 {
				return 1
			}
			return 0
		})
		return s
	}
	for i := 1; i < len(t); i++ {
		if t[i-1].x0 <= t[i].x0 {
			continue
		}
		e := t[i]
		j := i
		for ; j > 0 && t[j-1].x0 > e.x0; j-- {
			t[j] = t[j-1]
		}
		t[j] = e
	}
	return s
}
