package glyph

import (
	"errors"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// The measures of fontnik's distance fields, in pixels.
const (
	em     = 24 // the size that glyphs are drawn at
	margin = 3  // around the box of the glyph
	// steps is the number of values per pixel: 256 values over a radius of 8.
	steps = 256 / 8
	// edge is the value on the outline: a quarter of the values lies inside.
	edge = 255 - 256/4
	// reach is the greatest distance that a value tells, outside.
	reach = 6
)

// ascender is the height above the baseline that a glyph's top is counted from.
// MapLibre puts the middle of a line 17 pixels below that height; with 26 the
// middle is 9 pixels above the baseline, half the height of a Chinese character
// of 24 pixels and of a capital letter. Both fonts share it, so that they share
// the baseline.
const ascender = 26

// flatness is the greatest distance, in pixels, between a curve and the chords
// that stand for it: half a step of the field.
const flatness = 0.5 / steps

// glyph is one character's distance field and place on the line, in pixels.
type glyph struct {
	id            rune
	bitmap        []byte // (width + 2 margin) × (height + 2 margin), or nil
	width, height int
	left, top     int
	advance       int
}

// point is a place in pixels, y down, the origin on the baseline.
type point struct {
	x, y float64
}

// segment is a directed straight piece of an outline.
type segment struct {
	a, b point
}

// pen makes glyphs, and keeps its memory from one to the next.
type pen struct {
	buf      sfnt.Buffer
	segments []segment
	dist2    []float32
	winding  []int
}

// glyph returns the glyph of r from the first of f that has it, or false when
// none has.
func (p *pen) glyph(f fonts, r rune) (glyph, bool, error) {
	for _, face := range f.order(r) {
		i, err := face.GlyphIndex(&p.buf, r)
		if err != nil {
			return glyph{}, false, err
		}
		if i == 0 {
			continue
		}
		advance, err := p.outline(face, i)
		if err != nil {
			return glyph{}, false, err
		}
		g := p.field()
		g.id, g.advance = r, int(math.Round(advance))
		return g, true, nil
	}
	return glyph{}, false, nil
}

// outline leaves the outline of glyph i in p.segments and returns its advance in
// pixels.
func (p *pen) outline(face *sfnt.Font, i sfnt.GlyphIndex) (advance float64, err error) {
	p.segments = p.segments[:0]
	// At one unit per pixel no coordinate is rounded.
	units := fixed.I(int(face.UnitsPerEm()))
	width, err := face.GlyphAdvance(&p.buf, i, units, font.HintingNone)
	if err != nil {
		return 0, err
	}
	scale := em / float64(units)
	loaded, err := face.LoadGlyph(&p.buf, i, units, nil)
	if errors.Is(err, sfnt.ErrNotFound) {
		err = nil
	}
	if err != nil {
		return 0, err
	}
	var first, at point
	for _, s := range loaded {
		var q [3]point
		for k, a := range s.Args {
			q[k] = point{float64(a.X) * scale, float64(a.Y) * scale}
		}
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			p.line(at, first)
			first, at = q[0], q[0]
			continue
		case sfnt.SegmentOpLineTo:
			p.line(at, q[0])
			at = q[0]
		case sfnt.SegmentOpQuadTo:
			p.curve(at, mix(at, q[0], 2./3), mix(q[1], q[0], 2./3), q[1])
			at = q[1]
		case sfnt.SegmentOpCubeTo:
			p.curve(at, q[0], q[1], q[2])
			at = q[2]
		}
	}
	p.line(at, first)
	return float64(width) * scale, nil
}

func mix(a, b point, t float64) point { return point{a.x + (b.x-a.x)*t, a.y + (b.y-a.y)*t} }

func (p *pen) line(a, b point) {
	if a != b {
		p.segments = append(p.segments, segment{a, b})
	}
}

// curve adds a cubic Bézier curve as chords. A chord of 1/n of it departs from it
// by at most its second derivative / 8n².
func (p *pen) curve(a, b, c, d point) {
	bend := 6 * max(math.Hypot(a.x-2*b.x+c.x, a.y-2*b.y+c.y), math.Hypot(b.x-2*c.x+d.x, b.y-2*c.y+d.y))
	n := max(1, math.Ceil(math.Sqrt(bend/(8*flatness))))
	from := a
	for i := 1.0; i <= n; i++ {
		t := i / n
		ab, bc, cd := mix(a, b, t), mix(b, c, t), mix(c, d, t)
		to := mix(mix(ab, bc, t), mix(bc, cd, t), t)
		p.line(from, to)
		from = to
	}
}

// field turns p.segments into a distance field. Without an outline it is empty.
func (p *pen) field() glyph {
	if len(p.segments) == 0 {
		return glyph{}
	}
	lo, hi := p.segments[0].a, p.segments[0].a
	for _, s := range p.segments {
		lo = point{min(lo.x, s.b.x), min(lo.y, s.b.y)}
		hi = point{max(hi.x, s.b.x), max(hi.y, s.b.y)}
	}
	left, top := int(math.Floor(lo.x)), int(math.Floor(lo.y))
	g := glyph{
		left: left, top: -top - ascender,
		width: max(1, int(math.Ceil(hi.x))-left), height: max(1, int(math.Ceil(hi.y))-top),
	}
	w, h := g.width+2*margin, g.height+2*margin
	// From here on the centre of pixel i, j is the point i, j.
	for k, s := range p.segments {
		dx, dy := margin-float64(left)-0.5, margin-float64(top)-0.5
		p.segments[k] = segment{point{s.a.x + dx, s.a.y + dy}, point{s.b.x + dx, s.b.y + dy}}
	}
	p.measure(w, h)
	g.bitmap = make([]byte, w*h)
	for y := range h {
		p.wind(y, w)
		for x := range w {
			d := math.Sqrt(float64(p.dist2[y*w+x])) * steps
			if p.winding[x] != 0 {
				d = -d
			}
			g.bitmap[y*w+x] = uint8(max(0, min(math.Round(edge-d), 255)))
		}
	}
	return g
}

// measure leaves in p.dist2 the squared distance from each pixel's centre to the
// nearest segment, or a greater one than reach.
func (p *pen) measure(w, h int) {
	if cap(p.dist2) < w*h {
		p.dist2 = make([]float32, w*h)
	}
	p.dist2 = p.dist2[:w*h]
	for i := range p.dist2 {
		p.dist2[i] = (reach + 1) * (reach + 1)
	}
	for _, s := range p.segments {
		x0 := max(0, int(min(s.a.x, s.b.x)-reach))
		x1 := min(w-1, int(max(s.a.x, s.b.x)+reach+1))
		y0 := max(0, int(min(s.a.y, s.b.y)-reach))
		y1 := min(h-1, int(max(s.a.y, s.b.y)+reach+1))
		ax, ay := float32(s.a.x), float32(s.a.y)
		dx, dy := float32(s.b.x-s.a.x), float32(s.b.y-s.a.y)
		inv := 1 / (dx*dx + dy*dy)
		for y := y0; y <= y1; y++ {
			py := float32(y) - ay
			row := p.dist2[y*w+x0 : y*w+x1+1]
			px := float32(x0) - ax
			for i := range row {
				t := max(0, min((px*dx+py*dy)*inv, 1))
				ex, ey := px-t*dx, py-t*dy
				row[i] = min(row[i], ex*ex+ey*ey)
				px++
			}
		}
	}
}

// wind leaves in p.winding the winding numbers of the centres of row y.
func (p *pen) wind(y, w int) {
	if cap(p.winding) < w+1 {
		p.winding = make([]int, w+1)
	}
	p.winding = p.winding[:w+1]
	clear(p.winding)
	at := float64(y)
	for _, s := range p.segments {
		if (s.a.y <= at) == (s.b.y <= at) {
			continue
		}
		x := s.a.x + (s.b.x-s.a.x)*(at-s.a.y)/(s.b.y-s.a.y)
		i := max(0, min(int(math.Ceil(x)), w))
		if s.a.y <= at {
			p.winding[i]++
		} else {
			p.winding[i]--
		}
	}
	for i := 1; i <= w; i++ {
		p.winding[i] += p.winding[i-1]
	}
}
