package sample

import (
	"math"

	"gengtu/index/geo"
)

// unit is the step of the plane grid that all vertices lie on: 0.1 mm, the
// resolution to which the survey keeps coordinates (TD/T 1055-2019, appendix on
// the area of patches).
const unit = 1e-4

// spot is a place on the plane grid, in units of 0.1 mm from the landscape's
// south-western corner; int32 reaches 214 km.
type spot struct{ x, y int32 }

// ring is a closed line through vertices of a mesh, counter-clockwise, the first
// vertex not repeated.
type ring []int32

// mesh holds the vertices of all faces. A face is a ring; where a face is cut,
// the ends of the cut become vertices of the neighbours too, because an edge
// that was divided is remembered.
type mesh struct {
	spots []spot
	// divided gives the vertex that an edge was divided at, for the edge from the
	// vertex with the lower number to the other.
	divided map[edge]int32
}

type edge struct{ low, high int32 }

func edgeOf(a, b int32) edge {
	if a > b {
		a, b = b, a
	}
	return edge{a, b}
}

// add makes a vertex at the place of the grid nearest to p.
func (m *mesh) add(p geo.XY) int32 {
	m.spots = append(m.spots, spot{int32(math.Round(p.X / unit)), int32(math.Round(p.Y / unit))})
	return int32(len(m.spots) - 1) //nolint:gosec // a landscape has far fewer than 2^31 vertices
}

// at returns the place of v in metres from the south-western corner.
func (m *mesh) at(v int32) geo.XY {
	s := m.spots[v]
	return geo.XY{X: float64(s.x) * unit, Y: float64(s.y) * unit}
}

// expand returns r with the vertices that its edges have been divided at.
func (m *mesh) expand(r ring) ring {
	out := make(ring, 0, len(r)+8)
	for i, a := range r {
		out = append(out, a)
		out = m.between(out, a, r[(i+1)%len(r)])
	}
	return out
}

// between appends the vertices that divide the edge from a to b.
func (m *mesh) between(out ring, a, b int32) ring {
	v, ok := m.divided[edgeOf(a, b)]
	if !ok {
		return out
	}
	out = append(m.between(out, a, v), v)
	return m.between(out, v, b)
}

// points returns the places of r's vertices.
func (m *mesh) points(r ring) []geo.XY {
	out := make([]geo.XY, len(r))
	for i, v := range r {
		out[i] = m.at(v)
	}
	return out
}

// area returns the plane area of r in square metres.
func (m *mesh) area(r ring) float64 { return area(m.points(r)) }

// area returns the plane area of a ring, positive counter-clockwise.
func area(ring []geo.XY) float64 {
	twice := 0.0
	for i, p := range ring {
		q := ring[(i+1)%len(ring)]
		twice += (p.X-ring[0].X)*(q.Y-ring[0].Y) - (q.X-ring[0].X)*(p.Y-ring[0].Y)
	}
	return twice / 2
}

// centroid returns the centre of gravity of a ring with an area.
func centroid(ring []geo.XY) geo.XY {
	o := ring[0]
	var twice, x, y float64
	for i, p := range ring {
		q := ring[(i+1)%len(ring)]
		c := (p.X-o.X)*(q.Y-o.Y) - (q.X-o.X)*(p.Y-o.Y)
		twice += c
		x += c * (p.X + q.X - 2*o.X)
		y += c * (p.Y + q.Y - 2*o.Y)
	}
	return geo.XY{X: o.X + x/(3*twice), Y: o.Y + y/(3*twice)}
}

// segmentDistance returns the distance in metres from p to the segment a-b.
func segmentDistance(p, a, b geo.XY) float64 {
	dx, dy := b.X-a.X, b.Y-a.Y
	t := 0.0
	if l := dx*dx + dy*dy; l > 0 {
		t = min(max(((p.X-a.X)*dx+(p.Y-a.Y)*dy)/l, 0), 1)
	}
	return math.Hypot(p.X-a.X-t*dx, p.Y-a.Y-t*dy)
}

// clearance returns the distance in metres from p to the nearest edge of a ring.
func clearance(ring []geo.XY, p geo.XY) float64 {
	d := math.Inf(1)
	for i, a := range ring {
		d = min(d, segmentDistance(p, a, ring[(i+1)%len(ring)]))
	}
	return d
}

// axes is a frame of two directions at right angles, u and v; v is left of u.
type axes struct{ u, v geo.XY }

func axesAt(angle float64) axes {
	sin, cos := math.Sincos(angle)
	return axes{geo.XY{X: cos, Y: sin}, geo.XY{X: -sin, Y: cos}}
}

// turned returns a turned left by a right angle.
func (a axes) turned() axes { return axes{a.v, geo.XY{X: -a.u.X, Y: -a.u.Y}} }

func dot(a, b geo.XY) float64 { return a.X*b.X + a.Y*b.Y }

// along returns the place s along u and t along v from p.
func (a axes) along(p geo.XY, s, t float64) geo.XY {
	return geo.XY{X: p.X + s*a.u.X + t*a.v.X, Y: p.Y + s*a.u.Y + t*a.v.Y}
}

// span returns the least and the greatest extent of a ring in direction d.
func span(ring []geo.XY, d geo.XY) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, p := range ring {
		w := dot(p, d)
		low, high = min(low, w), max(high, w)
	}
	return low, high
}

// grain returns the direction in [-pi/4, pi/4) that most of a ring's edges run
// along or across, and how much of its length agrees, in [0, 1].
func grain(ring []geo.XY) (angle, agreement float64) {
	var c, s, length float64
	for i, p := range ring {
		q := ring[(i+1)%len(ring)]
		l := math.Hypot(q.X-p.X, q.Y-p.Y)
		sin, cos := math.Sincos(4 * math.Atan2(q.Y-p.Y, q.X-p.X))
		c, s, length = c+l*cos, s+l*sin, length+l
	}
	return math.Atan2(s, c) / 4, math.Hypot(c, s) / length
}

// share returns the coordinate w along d below which the part f of a ring's
// area lies.
func share(ring []geo.XY, d geo.XY, f float64) float64 {
	low, high := span(ring, d)
	want := area(ring) * f
	// 16 halvings place the line to 1/65536 of the extent, far below a boundary's
	// own unevenness.
	for range 16 {
		middle := (low + high) / 2
		if areaBelow(ring, d, middle) < want {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}

// areaBelow returns the area of the part of a ring whose coordinate along d is
// below w.
func areaBelow(ring []geo.XY, d geo.XY, w float64) float64 {
	o := geo.XY{X: d.X * w, Y: d.Y * w} // on the line, so that its parts add nothing
	twice := 0.0
	for i, p := range ring {
		q := ring[(i+1)%len(ring)]
		wp, wq := dot(p, d)-w, dot(q, d)-w
		if wp >= 0 && wq >= 0 {
			continue
		}
		a, b := p, q
		if wp >= 0 {
			a = mix(p, q, wp/(wp-wq))
		} else if wq >= 0 {
			b = mix(p, q, wp/(wp-wq))
		}
		twice += (a.X-o.X)*(b.Y-o.Y) - (b.X-o.X)*(a.Y-o.Y)
	}
	return twice / 2
}

// mix returns the place at the part t of the way from a to b.
func mix(a, b geo.XY, t float64) geo.XY {
	return geo.XY{X: a.X + t*(b.X-a.X), Y: a.Y + t*(b.Y-a.Y)}
}
