// Package relate tells how features lie to shapes that are asked about: whether they
// share a place, and whether one lies within the other, as OGC 06-103r4 6.1.15 defines it
// for closed sets. It decides by exact predicates on integers, so that a border that is
// only touched is neither missed nor invented.
//
// Edges are straight in longitude and latitude. (Areas are measured along other lines,
// see package overlay; what lies on an edge of a kilometre differs by 0.2 mm at most.)
//
// The package measures no area, mends nothing and knows no layer.
package relate

import (
	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// Shape is what is asked about: points, lines and polygons, in CGCS2000 (EPSG:4490),
// units of 1e-10 degree. It is not changed once it is made; safe for concurrent use.
type Shape struct {
	points []geo.Position
	lines  [][]geo.Position
	area   geo.Rings // valid and directed: shells counter-clockwise, holes clockwise
	// parts are the boxes of what it is made of; box is around all of them.
	parts []geo.Box
	box   geo.Box
	// rectangle is set where the shape is its box.
	rectangle bool
}

// Rectangle returns a box as a shape; b must not be empty. One without width or height is a line or a point.
func Rectangle(b geo.Box) *Shape {
	s := &Shape{box: geo.EmptyBox()}
	switch {
	case b.Min == b.Max:
		s.AddPoint(b.Min)
	case b.Min.Lon == b.Max.Lon || b.Min.Lat == b.Max.Lat:
		s.AddLine([]geo.Position{b.Min, b.Max})
	default:
		s.AddPolygons(geo.MultiPolygon{b.Polygon()})
		s.rectangle = true
	}
	return s
}

// New returns a shape of nothing, to which parts are added before it is used.
func New() *Shape { return &Shape{box: geo.EmptyBox()} }

// AddPoint adds a point.
func (s *Shape) AddPoint(p geo.Position) {
	s.points = append(s.points, p)
	s.grow(geo.Box{Min: p, Max: p})
}

// AddLine adds a line of at least one position, which s keeps.
func (s *Shape) AddLine(line []geo.Position) {
	s.lines = append(s.lines, line)
	b := geo.EmptyBox()
	for _, p := range line {
		b.Extend(p)
	}
	s.grow(b)
}

// AddPolygons adds polygons, valid and directed as [overlay.Mend] returns them. They
// must not overlap others of the shape: ground that two cover would be outside.
func (s *Shape) AddPolygons(m geo.MultiPolygon) {
	s.area.Append(m)
	for _, p := range m {
		b := geo.EmptyBox()
		for _, at := range p[0] {
			b.Extend(at)
		}
		s.grow(b)
	}
}

func (s *Shape) grow(b geo.Box) {
	s.rectangle = false
	s.parts = append(s.parts, b)
	s.box = s.box.Union(b)
}

// Box returns the smallest box around the shape; the empty box for a shape of nothing.
func (s *Shape) Box() geo.Box { return s.box }

// Near tells whether a box shares a place with the box of a part; what it does not
// share one with lies apart from the shape.
func (s *Shape) Near(b geo.Box) bool {
	if !s.box.Intersects(b) {
		return false
	}
	for _, p := range s.parts {
		if p.Intersects(b) {
			return true
		}
	}
	return false
}

// Covers tells that everything in a box lies in the shape; of shapes that are no
// rectangle it is not looked at, and false.
func (s *Shape) Covers(b geo.Box) bool { return s.rectangle && s.box.Contains(b) }

// Meets tells whether the shape shares a place with a feature: its rings, valid and
// directed as stored, and the box around them.
func (s *Shape) Meets(f *geo.Rings, box geo.Box) bool {
	if !s.Near(box) || len(f.Positions) == 0 {
		return false
	}
	if s.Covers(box) {
		return true
	}
	for _, p := range s.points {
		if locate(f, p) != outside {
			return true
		}
	}
	for _, line := range s.lines {
		if locate(f, line[0]) != outside || lineCuts(line, f, box) {
			return true
		}
	}
	return s.areaMeets(f, box)
}

// MeetsShape tells whether two shapes share a place.
func (s *Shape) MeetsShape(o *Shape) bool {
	f := o.outline()
	return s.Meets(&f, o.box)
}

// outline is a shape as rings: a line goes there and back, a point stays where it is.
// Such rings have borders and no ground.
func (s *Shape) outline() geo.Rings {
	var f geo.Rings
	for ring := range rings(&s.area) {
		f.Positions = append(f.Positions, ring...)
		f.Ends = append(f.Ends, int32(len(f.Positions)))
	}
	for _, line := range s.lines {
		f.Positions = append(f.Positions, line...)
		for i := len(line) - 1; i >= 0; i-- {
			f.Positions = append(f.Positions, line[i])
		}
		f.Ends = append(f.Ends, int32(len(f.Positions)))
	}
	for _, p := range s.points {
		f.Positions = append(f.Positions, p, p)
		f.Ends = append(f.Ends, int32(len(f.Positions)))
	}
	return f
}

// areaMeets is Meets of the polygons: borders share a place, or else each ring lies on
// one side of the other's borders with all of its positions.
func (s *Shape) areaMeets(f *geo.Rings, box geo.Box) bool {
	for ring := range rings(&s.area) {
		if lineCuts(ring, f, box) || locate(f, ring[0]) != outside {
			return true
		}
	}
	if len(s.area.Positions) == 0 {
		return false
	}
	for ring := range rings(f) {
		if locate(&s.area, ring[0]) != outside {
			return true
		}
	}
	return false
}

// lineCuts tells whether an edge of a line shares a place with a border of f.
func lineCuts(line []geo.Position, f *geo.Rings, box geo.Box) bool {
	for i := range len(line) - 1 {
		a, b := line[i], line[i+1]
		e := edgeBox(a, b)
		if !e.Intersects(box) {
			continue
		}
		for ring := range rings(f) {
			for k := range len(ring) - 1 {
				c, d := ring[k], ring[k+1]
				if e.Intersects(edgeBox(c, d)) && segmentsMeet(a, b, c, d) {
					return true
				}
			}
		}
	}
	return false
}

// segmentsMeet tells whether two segments, whose boxes do, share a place.
func segmentsMeet(a, b, c, d geo.Position) bool {
	return overlay.Turn(a, b, c)*overlay.Turn(a, b, d) <= 0 && overlay.Turn(c, d, a)*overlay.Turn(c, d, b) <= 0
}

// rings yields the rings of r.
func rings(r *geo.Rings) func(yield func([]geo.Position) bool) {
	return func(yield func([]geo.Position) bool) {
		from := int32(0)
		for _, end := range r.Ends {
			if !yield(r.Positions[from:end]) {
				return
			}
			from = end
		}
	}
}

// side is where a place lies to a polygon.
type side int8

const (
	outside side = iota
	border
	inside
)

// locate tells where p lies to the ground of rings, which are closed.
func locate(r *geo.Rings, p geo.Position) side {
	in := false
	for ring := range rings(r) {
		for k := range len(ring) - 1 {
			a, b := ring[k], ring[k+1]
			if edgeBox(a, b).Intersects(geo.Box{Min: p, Max: p}) && overlay.Turn(a, b, p) == 0 {
				return border
			}
			if (a.Lat > p.Lat) == (b.Lat > p.Lat) {
				continue
			}
			// A ray to the east: an upward edge is crossed where p is left of it.
			if t := overlay.Turn(a, b, p); (t > 0) == (b.Lat > a.Lat) {
				in = !in
			}
		}
	}
	if in {
		return inside
	}
	return outside
}

func edgeBox(a, b geo.Position) geo.Box {
	return geo.Box{
		Min: geo.Position{Lon: min(a.Lon, b.Lon), Lat: min(a.Lat, b.Lat)},
		Max: geo.Position{Lon: max(a.Lon, b.Lon), Lat: max(a.Lat, b.Lat)},
	}
}
