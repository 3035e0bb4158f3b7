package glyph

import (
	"image"
	"math"
	"testing"

	"golang.org/x/image/vector"
)

// The distance field, cut at its edge, must be the glyph: against x/image's
// rasterizer, an independent filler of the same outline, for every character of
// several ranges.
func TestFieldIsTheGlyph(t *testing.T) {
	f, err := typeface()
	if err != nil {
		t.Fatal(err)
	}
	var p pen
	pixels, wrong, worst := 0, 0, 0.0
	for _, start := range []rune{0, 0x100, 0x400, 0x3000, 0x4e00, 0x6c00, 0x9e00, 0xff00} {
		for r := start; r < start+RangeSize; r++ {
			g, ok, err := p.glyph(f, r)
			if err != nil {
				t.Fatal(err)
			}
			if !ok || g.bitmap == nil {
				continue
			}
			cover := p.coverage(t, f, r, g)
			for i, c := range cover {
				// Where a straight edge passes through a pixel, its distance from the
				// centre is the coverage minus a half, up to the pixel's corners.
				got := max(0, min(float64(int(g.bitmap[i])-edge)/steps+0.5, 1))
				d := math.Abs(got - c)
				worst = max(worst, d)
				pixels++
				if d > 0.3 {
					wrong++
				}
				if c > 0.999 && g.bitmap[i] < edge || c < 0.001 && g.bitmap[i] > edge {
					t.Errorf("U+%04X pixel %d: coverage %.3f, field %d", r, i, c, g.bitmap[i])
				}
			}
		}
	}
	t.Logf("%d pixels, %d differ by more than 0.3, worst %.2f", pixels, wrong, worst)
	// Corners and strokes thinner than a pixel are where the two may differ.
	if wrong*200 > pixels {
		t.Errorf("%d of %d pixels differ by more than 0.3", wrong, pixels)
	}
}

// coverage fills r's outline by x/image/vector on the grid of g's field.
func (p *pen) coverage(t *testing.T, f fonts, r rune, g glyph) []float64 {
	t.Helper()
	for _, face := range f.order(r) {
		i, err := face.GlyphIndex(&p.buf, r)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			continue
		}
		if _, err := p.outline(face, i); err != nil {
			t.Fatal(err)
		}
		break
	}
	w, h := g.width+2*margin, g.height+2*margin
	dx, dy := float32(margin-g.left), float32(margin+g.top+ascender)
	rast := vector.NewRasterizer(w, h)
	for _, s := range p.segments {
		rast.MoveTo(float32(s.a.x)+dx, float32(s.a.y)+dy)
		rast.LineTo(float32(s.b.x)+dx, float32(s.b.y)+dy)
	}
	mask := image.NewAlpha(image.Rect(0, 0, w, h))
	rast.Draw(mask, mask.Rect, image.Opaque, image.Point{})
	out := make([]float64, w*h)
	for i, a := range mask.Pix {
		out[i] = float64(a) / 255
	}
	return out
}

// The field of a square must be the distances to a square, inside and out.
func TestFieldOfSquare(t *testing.T) {
	var p pen
	corners := []point{{2, -12}, {12, -12}, {12, -2}, {2, -2}}
	for i, a := range corners {
		p.line(a, corners[(i+1)%4])
	}
	g := p.field()
	if g.width != 10 || g.height != 10 || g.left != 2 || g.top != 12-ascender {
		t.Fatalf("got %+v", g)
	}
	for j := range 16 {
		for i := range 16 {
			x, y := float64(i)-2.5, float64(j)-2.5 // The square is [0, 10]².
			ox, oy := math.Max(math.Max(-x, x-10), 0), math.Max(math.Max(-y, y-10), 0)
			d := math.Hypot(ox, oy)
			if d == 0 {
				d = -min(x, 10-x, y, 10-y)
			}
			want := math.Round(max(0, min(191-32*d, 255)))
			if got := g.bitmap[j*16+i]; got != uint8(want) {
				t.Errorf("pixel %d, %d: got %d, want %v", i, j, got, want)
			}
		}
	}
}

// The field must be the distance to the nearest of all segments, asked of each.
func TestFieldIsTheDistance(t *testing.T) {
	f, err := typeface()
	if err != nil {
		t.Fatal(err)
	}
	var p pen
	for _, r := range "LCgQ凵口田村囧灬" {
		g, ok, err := p.glyph(f, r)
		if err != nil || !ok {
			t.Fatal(r, err)
		}
		w, h := g.width+2*margin, g.height+2*margin
		for i := range w * h {
			x, y, best := float64(i%w), float64(i/w), math.Inf(1)
			for _, s := range p.segments {
				dx, dy := s.b.x-s.a.x, s.b.y-s.a.y
				k := max(0, min(1, ((x-s.a.x)*dx+(y-s.a.y)*dy)/(dx*dx+dy*dy)))
				best = min(best, math.Hypot(x-s.a.x-k*dx, y-s.a.y-k*dy))
			}
			lo, hi := max(0, min(191-32*best, 255)), max(0, min(191+32*best, 255))
			if v := float64(g.bitmap[i]); math.Abs(v-lo) > 0.6 && math.Abs(v-hi) > 0.6 {
				t.Errorf("%c pixel %d: got %v, want %.1f or %.1f", r, i, v, lo, hi)
			}
		}
	}
}

func TestZigzag(t *testing.T) {
	for v, want := range map[int]uint64{0: 0, -1: 1, 1: 2, -2: 3, -26: 51} {
		if got := zigzag(v); got != want {
			t.Errorf("%d: got %d, want %d", v, got, want)
		}
	}
}

func BenchmarkRange(b *testing.B) {
	if _, err := typeface(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if out, err := glyphsFrom(0x4e00); err != nil || len(out) < 100_000 {
			b.Fatal(len(out), err)
		}
	}
}
