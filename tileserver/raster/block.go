package raster

import (
	"image"
	"image/draw"
	"sync"

	"golang.org/x/image/vector"

	"gengtu/styles"
	"gengtu/tileserver/mvt"
)

// blockSide is the side, in pixels, of the part of a canvas that is painted at
// once: the scratch memory stays small whatever the canvas, and up to 512 the
// rasterizer counts in fixed point, where a border that two neighbours share
// cancels exactly.
const blockSide = 512

// block is the scratch memory for painting blockSide × blockSide pixels.
type block struct {
	path  path
	mask  image.Alpha
	cover []uint16 // of all classes of a layer, per pixel, in 1/255
	sum   []uint32 // their colours weighted by coverage, three per pixel
	rings [2][]point
}

var blocks = sync.Pool{New: func() any { return new(block) }}

// fill paints the areas of j within r.
func (b *block) fill(c *Canvas, r image.Rectangle, j job) {
	shapes := j.shapes
	if len(shapes) == 0 {
		return
	}
	if shapes[0].class == shapes[len(shapes)-1].class {
		if at := b.rasterize(shapes, r); !at.Empty() {
			b.shade(c, j.layer, at, colorOf(j.layer, shapes[0].class))
		}
		return
	}
	n := r.Dx() * r.Dy()
	b.cover, b.sum = cleared(b.cover, n), cleared(b.sum, 3*n)
	all := image.Rectangle{}
	for len(shapes) > 0 {
		n := 1
		for n < len(shapes) && shapes[n].class == shapes[0].class {
			n++
		}
		at := b.rasterize(shapes[:n], r)
		b.collect(at, r, colorOf(j.layer, shapes[0].class))
		all, shapes = all.Union(at), shapes[n:]
	}
	b.blend(c, j.layer, all, r)
}

// colorOf returns the fill colour of a class of l.
func colorOf(l styles.Layer, class int) styles.Color {
	if class < 0 {
		return l.Fill.Color
	}
	return l.Classes[class].Fill
}

// cleared returns s with n zeros.
func cleared[T uint16 | uint32](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// rasterize leaves in b.mask how much of each pixel shapes cover, as one path,
// and returns the mask's place: the pixels that they touch within r.
func (b *block) rasterize(shapes []shape, r image.Rectangle) image.Rectangle {
	var at image.Rectangle
	for _, s := range shapes {
		at = at.Union(s.box.pixels(r))
	}
	if at.Empty() {
		return at
	}
	b.path.reset(at)
	for _, s := range shapes {
		if s.box.pixels(at).Empty() {
			continue
		}
		for _, poly := range s.feature.Polygons {
			for i, ring := range poly {
				b.addRing(ring, i > 0, s.to)
			}
		}
	}
	b.path.draw(&b.mask)
	return at
}

// addRing adds a ring to the path, a shell clockwise and a hole the other way
// round whatever way they are given, cut at the tile's square.
func (b *block) addRing(ring mvt.Ring, hole bool, to Affine) {
	if len(ring) < 3 {
		return
	}
	inside, area2 := true, 0.0
	pts := b.rings[0][:0]
	prev := ring[len(ring)-1]
	for _, p := range ring {
		area2 += float64(prev.X)*float64(p.Y) - float64(p.X)*float64(prev.Y)
		inside = inside && uint32(p.X) <= mvt.Extent && uint32(p.Y) <= mvt.Extent
		pts = append(pts, point{float64(p.X), float64(p.Y)})
		prev = p
	}
	b.rings[0] = pts
	if !inside {
		pts = b.cutToTile(pts)
	}
	if len(pts) < 3 {
		return
	}
	last := to.at(pts[len(pts)-1].x, pts[len(pts)-1].y)
	for _, p := range pts {
		q := to.at(p.x, p.y)
		if (area2 < 0) != hole {
			b.path.line(q, last)
		} else {
			b.path.line(last, q)
		}
		last = q
	}
}

// cutToTile cuts a ring at the tile's square, side by side (Sutherland and
// Hodgman 1974). Parts that it joins along the border cover nothing.
func (b *block) cutToTile(pts []point) []point {
	for side := range 4 {
		out := b.rings[(side+1)%2][:0]
		for i, q := range pts {
			p := pts[(i+len(pts)-1)%len(pts)]
			dp, dq := p.within(side), q.within(side)
			if (dp < 0) != (dq < 0) {
				t := dp / (dp - dq)
				out = append(out, point{p.x + (q.x-p.x)*t, p.y + (q.y-p.y)*t})
			}
			if dq >= 0 {
				out = append(out, q)
			}
		}
		b.rings[(side+1)%2] = out
		pts = out
	}
	return pts
}

// within returns how far p lies inside a side of the tile's square.
func (p point) within(side int) float64 {
	switch side {
	case 0:
		return p.x
	case 1:
		return mvt.Extent - p.x
	case 2:
		return p.y
	}
	return mvt.Extent - p.y
}

// collect adds the mask at at to the sums of the layer, in color.
func (b *block) collect(at, r image.Rectangle, color styles.Color) {
	red, green, blue := uint32(color.R), uint32(color.G), uint32(color.B)
	for y := at.Min.Y; y < at.Max.Y; y++ {
		mask := b.mask.Pix[(y-at.Min.Y)*b.mask.Stride:][:at.Dx()]
		first := (y-r.Min.Y)*r.Dx() + at.Min.X - r.Min.X
		cover := b.cover[first:][:at.Dx()]
		sum := b.sum[3*first:][:3*at.Dx()]
		for x, m := range mask {
			if m == 0 {
				continue
			}
			cover[x] += uint16(m)
			s := sum[3*x : 3*x+3 : 3*x+3]
			s[0] += red * uint32(m)
			s[1] += green * uint32(m)
			s[2] += blue * uint32(m)
		}
	}
}

// shade paints the mask at at in one colour, and the hatch over it.
func (b *block) shade(c *Canvas, l styles.Layer, at image.Rectangle, color styles.Color) {
	opacity := alphaOf(l.Fill.Opacity.At(c.look.Zoom))
	hatch := newHatching(c.look, l)
	for y := at.Min.Y; y < at.Max.Y; y++ {
		mask := b.mask.Pix[(y-at.Min.Y)*b.mask.Stride:][:at.Dx()]
		pix := c.img.Pix[c.img.PixOffset(at.Min.X, y):]
		for x, m := range mask {
			if m == 0 {
				continue
			}
			over(pix[4*x:4*x+4:4*x+4], color, div255(uint32(m)*opacity))
			if hatch.width > 0 {
				over(pix[4*x:4*x+4:4*x+4], l.Hatch.Color, hatch.at(at.Min.X+x, y, uint32(m)))
			}
		}
	}
}

// blend paints the sums of a layer of several classes within at, and the hatch
// over them.
func (b *block) blend(c *Canvas, l styles.Layer, at, r image.Rectangle) {
	opacity := alphaOf(l.Fill.Opacity.At(c.look.Zoom))
	hatch := newHatching(c.look, l)
	for y := at.Min.Y; y < at.Max.Y; y++ {
		pix := c.img.Pix[c.img.PixOffset(at.Min.X, y):]
		first := (y-r.Min.Y)*r.Dx() + at.Min.X - r.Min.X
		for x := range at.Dx() {
			total := uint32(b.cover[first+x])
			if total == 0 {
				continue
			}
			s := b.sum[3*(first+x):][:3]
			half := total / 2
			color := styles.Color{
				R: uint8((s[0] + half) / total), G: uint8((s[1] + half) / total), B: uint8((s[2] + half) / total),
			}
			// Each mask is rounded down, so where three classes fill a pixel
			// together two may be missing.
			if total >= 253 {
				total = 255
			}
			over(pix[4*x:4*x+4:4*x+4], color, div255(total*opacity))
			if hatch.width > 0 {
				over(pix[4*x:4*x+4:4*x+4], l.Hatch.Color, hatch.at(at.Min.X+x, y, total))
			}
		}
	}
}

// hatching is the hatch of a layer, ready to be looked up by pixel.
type hatching struct {
	width   float64
	side    int
	left    int // of the canvas on its plane
	top     int
	cover   []uint8
	opacity uint32
}

func newHatching(look Look, l styles.Layer) hatching {
	if l.Hatch.Width == 0 {
		return hatching{}
	}
	return hatching{
		width: l.Hatch.Width, side: l.Hatch.Side(look.Ratio), left: look.Left, top: look.Top,
		cover: l.Hatch.Coverage(look.Ratio), opacity: alphaOf(l.Hatch.Opacity.At(look.Zoom)),
	}
}

// at returns the alpha of the hatch at pixel x, y of the canvas where the area
// covers mask/255 of it.
func (h hatching) at(x, y int, mask uint32) uint32 {
	return div255(mask * div255(uint32(h.cover[wrap(y+h.top, h.side)*h.side+wrap(x+h.left, h.side)])*h.opacity))
}

// wrap returns v modulo side, in [0, side).
func wrap(v, side int) int {
	if v %= side; v < 0 {
		v += side
	}
	return v
}

// alphaOf returns an opacity in 1/255.
func alphaOf(opacity float64) uint32 { return uint32(opacity*255 + 0.5) }

// div255 returns v/255 rounded, for v up to 255².
func div255(v uint32) uint32 {
	v += 128
	return (v + v>>8) >> 8
}

// over paints color with alpha a over the premultiplied pixel pix.
func over(pix []uint8, color styles.Color, a uint32) {
	rest := 255 - a
	pix[0] = uint8(div255(uint32(color.R)*a + uint32(pix[0])*rest))
	pix[1] = uint8(div255(uint32(color.G)*a + uint32(pix[1])*rest))
	pix[2] = uint8(div255(uint32(color.B)*a + uint32(pix[2])*rest))
	pix[3] = uint8(div255(255*a + uint32(pix[3])*rest))
}

// point is a place in pixels, or in tile units before it is placed.
type point struct {
	x, y float64
}

// path is a set of closed outlines over a rectangle of pixels.
type path struct {
	at   image.Rectangle
	rast vector.Rasterizer
	// The corner and the size of at.
	x0, y0, w, h float64
}

// reset empties the path and moves it to at, at most blockSide on a side.
func (p *path) reset(at image.Rectangle) {
	p.at = at
	p.rast.Reset(at.Dx(), at.Dy())
	p.rast.DrawOp = draw.Src
	p.x0, p.y0, p.w, p.h = float64(at.Min.X), float64(at.Min.Y), float64(at.Dx()), float64(at.Dy())
}

// draw leaves the coverage of the path in mask.
func (p *path) draw(mask *image.Alpha) {
	w, h := p.at.Dx(), p.at.Dy()
	if cap(mask.Pix) < w*h {
		mask.Pix = make([]uint8, w*h)
	}
	mask.Pix, mask.Stride, mask.Rect = mask.Pix[:w*h], w, image.Rect(0, 0, w, h)
	p.rast.Draw(mask, mask.Rect, image.Opaque, image.Point{})
}

// line adds the directed edge a–b. What lies above or below the rectangle is
// cut off; what lies beside it is moved onto its side, so that it still counts
// for the pixels to its right, and no coordinate is too large for the
// rasterizer's fixed point.
func (p *path) line(a, b point) {
	a.x, a.y, b.x, b.y = a.x-p.x0, a.y-p.y0, b.x-p.x0, b.y-p.y0
	if a.y == b.y || max(a.y, b.y) <= 0 || min(a.y, b.y) >= p.h {
		return
	}
	if min(a.y, b.y) < 0 || max(a.y, b.y) > p.h {
		lo, hi := a, b
		a, b = at(lo, hi, clamp(lo.y, p.h)), at(lo, hi, clamp(hi.y, p.h))
	}
	if max(a.x, b.x) <= 0 || min(a.x, b.x) >= p.w {
		a.x, b.x = clamp(a.x, p.w), clamp(b.x, p.w)
	}
	if min(a.x, b.x) >= 0 && max(a.x, b.x) <= p.w {
		p.edge(a, b)
		return
	}
	// The places where the edge crosses the two sides, in its own order.
	cross := [2]float64{0, p.w}
	if a.x > b.x {
		cross = [2]float64{p.w, 0}
	}
	from := a
	for _, x := range cross {
		if (a.x < x) == (b.x < x) {
			continue
		}
		to := point{x, a.y + (b.y-a.y)*(x-a.x)/(b.x-a.x)}
		p.edge(point{clamp(from.x, p.w), from.y}, to)
		from = to
	}
	p.edge(point{clamp(from.x, p.w), from.y}, point{clamp(b.x, p.w), b.y})
}

// at returns the point of the line a–b at height y.
func at(a, b point, y float64) point {
	if y == a.y {
		return a
	}
	if y == b.y {
		return b
	}
	return point{a.x + (b.x-a.x)*(y-a.y)/(b.y-a.y), y}
}

func clamp(v, hi float64) float64 { return max(0, min(v, hi)) }

func (p *path) edge(a, b point) {
	p.rast.MoveTo(float32(a.x), float32(a.y))
	p.rast.LineTo(float32(b.x), float32(b.y))
}
