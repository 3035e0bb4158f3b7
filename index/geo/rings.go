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
