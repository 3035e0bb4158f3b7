package geo

// Rings is the flat form of a polygon or multipolygon: all of its rings one after
// another, closed, in one slice that can be used again. Which ring is whose hole
// is not kept; directed as features are stored, shells counter-clockwise and
// holes clockwise, the rings alone tell inside from outside.
//
// Positions are CGCS2000 (EPSG:4490). The zero value is empty and ready for use.
type Rings struct {
	Positions []Position
	// Ends holds, for each ring, the index in Positions behind its last position.
	Ends []int32
}

// Reset empties r and keeps its memory.
func (r *Rings) Reset() {
	r.Positions, r.Ends = r.Positions[:0], r.Ends[:0]
}

// Append adds the rings of m.
func (r *Rings) Append(m MultiPolygon) {
	for _, p := range m {
		for _, ring := range p {
			r.Positions = append(r.Positions, ring...)
			r.Ends = append(r.Ends, int32(len(r.Positions)))
		}
	}
}

// Box returns the smallest box around r; the empty box when r has no position.
func (r *Rings) Box() Box {
	b := EmptyBox()
	for _, p := range r.Positions {
		b.Extend(p)
	}
	return b
}

// InRing tells whether p lies inside ring, which need not be closed, by the even-odd
// rule: a ray from p to the east crosses it an odd number of times. Of a point on the
// border either may be told.
func InRing(ring []XY, p XY) bool {
	in := false
	for i, a := range ring {
		b := ring[(i+1)%len(ring)]
		if (a.Y > p.Y) != (b.Y > p.Y) && p.X < a.X+(p.Y-a.Y)/(b.Y-a.Y)*(b.X-a.X) {
			in = !in
		}
	}
	return in
}
