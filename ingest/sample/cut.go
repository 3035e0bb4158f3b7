package sample

import (
	"math"
	"slices"

	"gengtu/index/geo"
)

const (
	// snap is the distance in metres below which a cut ends at a vertex that is
	// there rather than at a new one beside it.
	snap = 1.5
	// margin is the least distance in metres between a cut and a border that it
	// does not meet.
	margin = 0.5
	// apart is the least distance in metres between the end of a cut and the
	// vertex before it.
	apart = 4
)

// curve is a line to cut a face along; the sample numbered start lies in the
// face, and both ends lie outside.
type curve struct {
	samples []geo.XY
	start   int
}

// hit is where a curve leaves a face.
type hit struct {
	edge int    // the face's edge from vertex edge to the next
	at   geo.XY // the place on it
	last int    // the last sample inside
	// corner is the vertex of the face that the cut ends at, or -1 for a new one.
	corner int
}

// division is a face cut in two.
type division struct {
	left, right ring
	// first is the number of the sample that ids[0] stands at; ids are the
	// vertices at the samples between the ends.
	first int
	ids   ring
}

// leave follows c from its start, forward (step 1) or backward (-1), to where it
// leaves a ring; false when it ends before.
func leave(ring []geo.XY, c curve, step int) (hit, bool) {
	for k := c.start; k+step >= 0 && k+step < len(c.samples); k += step {
		a, b := c.samples[k], c.samples[k+step]
		minX, maxX := min(a.X, b.X), max(a.X, b.X)
		minY, maxY := min(a.Y, b.Y), max(a.Y, b.Y)
		best := hit{edge: -1, last: k, corner: -1}
		nearest := math.Inf(1)
		q := ring[len(ring)-1]
		for i, p := range ring {
			o := q
			q = p
			if o.X < minX && p.X < minX || o.X > maxX && p.X > maxX || o.Y < minY && p.Y < minY || o.Y > maxY && p.Y > maxY {
				continue
			}
			if t, ok := crossing(a, b, o, p); ok && t < nearest {
				nearest, best.edge = t, (i+len(ring)-1)%len(ring)
			}
		}
		if best.edge >= 0 {
			best.at = mix(a, b, nearest)
			return best, true
		}
	}
	return hit{}, false
}

// crossing returns how far along a-b it is crossed by p-q, in [0, 1].
func crossing(a, b, p, q geo.XY) (float64, bool) {
	dx, dy := b.X-a.X, b.Y-a.Y
	sp := dx*(p.Y-a.Y) - dy*(p.X-a.X)
	sq := dx*(q.Y-a.Y) - dy*(q.X-a.X)
	if (sp >= 0) == (sq >= 0) {
		return 0, false
	}
	x := mix(p, q, sp/(sp-sq))
	t := (dx*(x.X-a.X) + dy*(x.Y-a.Y)) / (dx*dx + dy*dy)
	return t, t >= 0 && t <= 1
}

// plan is a cut that can be made.
type plan struct {
	from, to hit // where the curve enters and leaves, in its direction
	kept     []geo.XY
	first    int // the number of the first sample kept
}

// planCut finds how c cuts the face with the given points; false when it would
// leave a sliver, meet a border twice or run along one.
func planCut(ring []geo.XY, c curve) (plan, bool) {
	var p plan
	var entered, left bool
	p.from, entered = leave(ring, c, -1)
	p.to, left = leave(ring, c, 1)
	if !entered || !left || p.from.edge == p.to.edge {
		return p, false
	}
	for _, h := range []*hit{&p.from, &p.to} {
		next := (h.edge + 1) % len(ring)
		if distance(ring[h.edge], h.at) < snap {
			h.corner, h.at = h.edge, ring[h.edge]
		} else if distance(ring[next], h.at) < snap {
			h.corner, h.at = next, ring[next]
		}
	}
	if p.from.corner >= 0 && p.from.corner == p.to.corner {
		return p, false
	}
	first, last := p.from.last, p.to.last
	for first <= last && distance(c.samples[first], p.from.at) < apart {
		first++
	}
	for first <= last && distance(c.samples[last], p.to.at) < apart {
		last--
	}
	p.first, p.kept = first, c.samples[first:max(first, last+1)]
	return p, p.clears(ring)
}

func distance(a, b geo.XY) float64 { return math.Hypot(a.X-b.X, a.Y-b.Y) }

// clears tells whether the cut keeps its distance from the borders that it does
// not end at.
func (p *plan) clears(ring []geo.XY) bool {
	line := make([]geo.XY, 0, len(p.kept)+2)
	line = append(append(append(line, p.from.at), p.kept...), p.to.at)
	for k := range len(line) - 1 {
		a, b := line[k], line[k+1]
		minX, maxX := min(a.X, b.X)-margin, max(a.X, b.X)+margin
		minY, maxY := min(a.Y, b.Y)-margin, max(a.Y, b.Y)+margin
		q := ring[len(ring)-1]
		for i, v := range ring {
			o := q
			q = v
			if o.X < minX && v.X < minX || o.X > maxX && v.X > maxX || o.Y < minY && v.Y < minY || o.Y > maxY && v.Y > maxY {
				continue
			}
			if i != p.from.corner && i != p.to.corner && segmentDistance(v, a, b) < margin {
				return false
			}
			if k > 0 && segmentDistance(a, o, v) < margin {
				return false
			}
		}
	}
	// An end moved to a corner may have moved its segment over another border.
	return p.staysInside(ring, line[0], line[1]) && p.staysInside(ring, line[len(line)-1], line[len(line)-2])
}

// staysInside tells whether the segment from an end of the cut to the vertex next
// to it crosses no edge but those at the ends, and runs inside.
func (p *plan) staysInside(ring []geo.XY, end, next geo.XY) bool {
	for i, a := range ring {
		b := ring[(i+1)%len(ring)]
		if i == p.from.edge && p.from.corner < 0 || i == p.to.edge && p.to.corner < 0 {
			continue
		}
		if a == p.from.at || a == p.to.at || b == p.from.at || b == p.to.at {
			continue
		}
		if _, ok := crossing(end, next, a, b); ok {
			return false
		}
	}
	return geo.InRing(ring, mix(end, next, 0.5))
}

// cut divides the face r, whose rings has all its vertices, along c.
func (m *mesh) cut(r ring, c curve) (division, bool) {
	p, ok := planCut(m.points(r), c)
	if !ok {
		return division{}, false
	}
	whole := make(ring, 0, len(r)+2)
	var from, to int
	for i, v := range r {
		if p.from.corner == i {
			from = len(whole)
		}
		if p.to.corner == i {
			to = len(whole)
		}
		whole = append(whole, v)
		for _, h := range []struct {
			hit
			place *int
		}{{p.from, &from}, {p.to, &to}} {
			if h.corner >= 0 || h.edge != i {
				continue
			}
			n := m.add(h.at)
			m.divided[edgeOf(v, r[(i+1)%len(r)])] = n
			*h.place = len(whole)
			whole = append(whole, n)
		}
	}
	d := division{first: p.first, ids: make(ring, len(p.kept))}
	for i, s := range p.kept {
		d.ids[i] = m.add(s)
	}
	d.left = append(arc(whole, to, from), d.ids...)
	back := slices.Clone(d.ids)
	slices.Reverse(back)
	d.right = append(arc(whole, from, to), back...)
	return d, true
}

// arc returns the vertices of r from number from to number to, both included.
func arc(r ring, from, to int) ring {
	if from <= to {
		return append(make(ring, 0, to-from+1+8), r[from:to+1]...)
	}
	out := append(make(ring, 0, len(r)-from+to+1+8), r[from:]...)
	return append(out, r[:to+1]...)
}

// line is the course of a cut: from base in the direction axes.u, bent aside by
// aside[i] at every step.
type line struct {
	base geo.XY
	axes
	step  float64
	aside []float64 // an odd number; the middle one is at base and 0
}

// curve returns the line moved left by offset metres.
func (l line) curve(offset float64) curve {
	c := curve{samples: make([]geo.XY, len(l.aside)), start: len(l.aside) / 2}
	for i, a := range l.aside {
		c.samples[i] = l.along(l.base, float64(i-c.start)*l.step, a+offset)
	}
	return c
}

// interval returns the middle of the longest stretch of a ring on the line with
// the coordinate w along a.v, as a place.
func interval(ring []geo.XY, a axes, w float64) geo.XY {
	var at []float64
	q := ring[len(ring)-1]
	for _, p := range ring {
		o := q
		q = p
		wo, wp := dot(o, a.v)-w, dot(p, a.v)-w
		if (wo >= 0) != (wp >= 0) {
			at = append(at, dot(mix(o, p, wo/(wo-wp)), a.u))
		}
	}
	slices.Sort(at)
	var s, longest float64
	for i := 0; i+1 < len(at); i += 2 {
		if l := at[i+1] - at[i]; l > longest {
			s, longest = (at[i]+at[i+1])/2, l
		}
	}
	return a.along(geo.XY{}, s, w)
}
