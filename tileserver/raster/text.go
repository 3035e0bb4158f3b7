package raster

import (
	"image"

	"gengtu/styles"
	"gengtu/tileserver/glyph"
)

// Text is one line of text. X and Y are where its left end's middle stands, in
// pixels of the canvas; Size is that of an em and HaloWidth how far the halo
// reaches over the letters, both in pixels. A HaloWidth of 0 is no halo.
type Text struct {
	String      string
	X, Y, Size  float64
	HaloWidth   float64
	Color, Halo styles.Color
}

// Text writes t over what is there already; what lies outside of the canvas is cut
// off. Characters that the typeface of package glyph does not have are left out.
func (c *Canvas) Text(t Text) error {
	letters, around, err := t.letters()
	if err != nil {
		return err
	}
	around = box{around.minX - t.HaloWidth, around.minY - t.HaloWidth, around.maxX + t.HaloWidth, around.maxY + t.HaloWidth}
	bounds := around.pixels(c.img.Bounds())
	b := blocks.Get().(*block)
	defer blocks.Put(b)
	for y := bounds.Min.Y; y < bounds.Max.Y; y += blockSide {
		for x := bounds.Min.X; x < bounds.Max.X; x += blockSide {
			r := image.Rect(x, y, x+blockSide, y+blockSide).Intersect(bounds)
			if t.HaloWidth > 0 {
				b.path.reset(r)
				for _, l := range letters {
					b.path.stroke(l, t.HaloWidth)
				}
				b.ink(c, r, t.Halo)
			}
			b.path.reset(r)
			for _, l := range letters {
				for i, p := range l.pts {
					b.path.line(p, l.pts[(i+1)%len(l.pts)])
				}
			}
			b.ink(c, r, t.Color)
		}
	}
	return nil
}

// ink paints the path over r in one colour.
func (b *block) ink(c *Canvas, r image.Rectangle, color styles.Color) {
	b.path.draw(&b.mask)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		mask := b.mask.Pix[(y-r.Min.Y)*b.mask.Stride:][:r.Dx()]
		pix := c.img.Pix[c.img.PixOffset(r.Min.X, y):]
		for x, m := range mask {
			if m > 0 {
				over(pix[4*x:4*x+4:4*x+4], color, uint32(m))
			}
		}
	}
}

// letters returns the contours of t on the canvas, and the box around them.
func (t Text) letters() ([]chain, box, error) {
	var out []chain
	around := emptyBox()
	x, y := t.X, t.Y+glyph.Middle*t.Size
	for _, r := range t.String {
		o, err := glyph.OutlineOf(r)
		if err != nil {
			return nil, around, err
		}
		var last glyph.Edge
		for i, e := range o.Edges {
			if i == 0 || e.AX != last.BX || e.AY != last.BY {
				out = append(out, chain{closed: true})
			}
			p := point{x + e.AX*t.Size, y + e.AY*t.Size}
			around = around.with(p)
			l := &out[len(out)-1]
			l.pts = append(l.pts, p)
			last = e
		}
		x += o.Advance * t.Size
	}
	return out, around, nil
}
