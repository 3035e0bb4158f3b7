package glyph

import (
	"math"
	"sync"
)

// Edge is a straight piece of a character's outline, from A to B, in ems: x to
// the right of where the character begins, y down from the baseline.
type Edge struct {
	AX, AY, BX, BY float64
}

// Outline is the shape of one character. Edges follow each other around closed
// contours: one begins where the edge before it does not end. What lies inside is
// told by the non-zero rule. Advance is the way to the next character, in ems.
type Outline struct {
	Edges   []Edge
	Advance float64
}

// Middle is the height of the middle of a line above its baseline, in ems: that
// which the distance fields are made for.
const Middle = 9.0 / em

// maxOutlines bounds the outlines that are kept; the characters of a province's
// places are about 3,000.
const maxOutlines = 8192

var outlines struct {
	sync.Mutex
	pen  pen
	made map[rune]Outline
}

// OutlineOf returns the shape of r in the typeface of [Range]; without edges and
// advance when the typeface does not have it. Curves are chords that depart from
// them by at most 1/1536 em. The edges are shared and must not be changed. It is
// safe for concurrent use.
func OutlineOf(r rune) (Outline, error) {
	f, err := typeface()
	if err != nil {
		return Outline{}, err
	}
	outlines.Lock()
	defer outlines.Unlock()
	if o, ok := outlines.made[r]; ok {
		return o, nil
	}
	o, err := outlines.pen.shape(f, r)
	if err != nil {
		return Outline{}, err
	}
	if outlines.made == nil || len(outlines.made) >= maxOutlines {
		outlines.made = map[rune]Outline{}
	}
	outlines.made[r] = o
	return o, nil
}

// shape returns the outline of r from the first of f that has it.
func (p *pen) shape(f fonts, r rune) (Outline, error) {
	for _, face := range f.order(r) {
		i, err := face.GlyphIndex(&p.buf, r)
		if err != nil {
			return Outline{}, err
		}
		if i == 0 {
			continue
		}
		advance, err := p.outline(face, i)
		if err != nil {
			return Outline{}, err
		}
		o := Outline{Advance: advance / em, Edges: make([]Edge, len(p.segments))}
		for k, s := range p.segments {
			o.Edges[k] = Edge{s.a.x / em, s.a.y / em, s.b.x / em, s.b.y / em}
		}
		return o, nil
	}
	return Outline{}, nil
}

// Width returns the length of a line of text, in ems.
func Width(text string) (float64, error) {
	w := 0.0
	for _, r := range text {
		o, err := OutlineOf(r)
		if err != nil {
			return math.NaN(), err
		}
		w += o.Advance
	}
	return w, nil
}
