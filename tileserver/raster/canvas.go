package raster

import (
	"cmp"
	"fmt"
	"image"
	"math"
	"slices"

	"gengtu/index/problem"
	"gengtu/styles"
	"gengtu/tileserver/mvt"
)

// MaxSide is the greatest width and height of a canvas, in pixels: 4096 × 4096
// is a picture of 64 MB in memory.
const MaxSide = 4096

// Look is how a canvas is painted.
type Look struct {
	// Sheet holds the styles, nil for styles.Default.
	Sheet *styles.Sheet
	// Zoom is the style zoom, MapLibre's: a degree of longitude is
	// 512 × 2^Zoom / 360 CSS pixels wide.
	Zoom float64
	// Ratio is the number of pixels per CSS pixel, 1 or 2.
	Ratio int
	// Left and Top are where the canvas begins on the plane of its zoom, in pixels
	// from the corner of the grid: hatching goes on from canvas to canvas. They are 0
	// for tiles, whose sides are multiples of every pattern.
	Left, Top int
	// Merged says that features are merged shapes: only layers that always have
	// outlines have them.
	Merged bool
	// LineZooms are, by layer, the style zooms from which outlines are drawn that a layer
	// always has; every zoom of a layer that is not there.
	LineZooms map[string]int
}

// outlined tells whether l's features have outlines.
func (k Look) outlined(l styles.Layer) bool {
	if l.Line.Always {
		return k.Zoom >= float64(k.LineZooms[l.Name])
	}
	return !k.Merged
}

// Affine maps tile units to pixels: x = XX·X + XY·Y + X0, y = YX·X + YY·Y + Y0.
// Both y axes point south.
type Affine struct {
	XX, XY, X0, YX, YY, Y0 float64
}

// at maps the tile units x, y to pixels.
func (a Affine) at(x, y float64) point {
	return point{a.XX*x + a.XY*y + a.X0, a.YX*x + a.YY*y + a.Y0}
}

// scale returns the pixels per tile unit.
func (a Affine) scale() float64 { return math.Sqrt(math.Abs(a.XX*a.YY - a.XY*a.YX)) }

// finite tells whether tiles come out at a size and place that can be painted.
func (a Affine) finite() bool {
	for _, v := range []float64{a.XX, a.XY, a.X0, a.YX, a.YY, a.Y0} {
		// Beyond this no pixel of the canvas is resolved any more.
		if !(math.Abs(v) < 1e12) {
			return false
		}
	}
	return a.scale() > 1e-12
}

// Placed is the content of a tile with its place on a canvas. What reaches over
// the square [0, mvt.Extent] is its neighbours' to paint, and is cut off.
type Placed struct {
	Layers []mvt.Layer
	To     Affine
}

// Canvas is a picture of any extent. It is not safe for concurrent use.
type Canvas struct {
	look Look
	img  *image.RGBA
}

// NewCanvas returns a transparent canvas. A side that is not in [1, MaxSide], or
// a ratio that is neither 1 nor 2, is a *problem.Problem.
func NewCanvas(width, height int, look Look) (*Canvas, error) {
	if width < 1 || height < 1 || width > MaxSide || height > MaxSide {
		return nil, problem.New("PICTURE_SIZE", "图片尺寸 %d×%d 超出范围，边长应在 1 到 %d 之间",
			"a picture of %d × %d pixels is out of range: sides are from 1 to %d", width, height, MaxSide)
	}
	if look.Ratio != 1 && look.Ratio != 2 {
		return nil, problem.New("PICTURE_RATIO", "像素比 %d 不可用，只有 1 和 2",
			"a pixel ratio of %d is not offered: there are 1 and 2", look.Ratio)
	}
	if look.Sheet == nil {
		look.Sheet = styles.Default()
	}
	return &Canvas{look: look, img: image.NewRGBA(image.Rect(0, 0, width, height))}, nil
}

// Image returns the picture, premultiplied. It is the canvas's own.
func (c *Canvas) Image() *image.RGBA { return c.img }

// Paint paints tiles over what is there already. Tiles of one call that touch
// are painted as one, without a seam. The tiles are not changed or kept. A place
// that is not finite is a *problem.Problem; nothing is painted then.
func (c *Canvas) Paint(tiles []Placed) error {
	for _, t := range tiles {
		if !t.To.finite() {
			return problem.New("PICTURE_PLACE", "瓦片在图片中的位置无法计算: %v",
				"the tile's place in the picture cannot be computed: %v", t.To)
		}
	}
	jobs := c.plan(tiles)
	b := blocks.Get().(*block)
	defer blocks.Put(b)
	bounds := c.img.Bounds()
	for y := 0; y < bounds.Max.Y; y += blockSide {
		for x := 0; x < bounds.Max.X; x += blockSide {
			r := image.Rect(x, y, x+blockSide, y+blockSide).Intersect(bounds)
			for _, j := range jobs {
				b.fill(c, r, j)
			}
			for _, j := range jobs {
				b.stroke(c, r, j)
			}
		}
	}
	return nil
}

// job is a layer with all that is to be painted of it.
type job struct {
	layer  styles.Layer
	shapes []shape // by class
	lines  []chain
	width  float64 // of the outline, in pixels
}

// shape is a feature to fill. Its class is an index in the layer's classes, -1
// for the layer's own colour.
type shape struct {
	feature *mvt.Feature
	class   int
	to      Affine
	box     box // in pixels
}

// plan sorts the content of tiles by layer, in drawing order, and by class.
func (c *Canvas) plan(tiles []Placed) []job {
	var jobs []job
	own := beside(tiles)
	for n, t := range tiles {
		for i := range t.Layers {
			l := &t.Layers[i]
			k := slices.IndexFunc(jobs, func(j job) bool { return j.layer.Name == l.Name })
			if k < 0 {
				look := c.look.Sheet.Layer(l.Name)
				k = len(jobs)
				jobs = append(jobs, job{layer: look, width: look.Line.Width.At(c.look.Zoom) * float64(c.look.Ratio)})
			}
			jobs[k].add(l, t.To, own[n], c.look)
		}
	}
	for _, j := range jobs {
		slices.SortStableFunc(j.shapes, func(a, b shape) int { return cmp.Compare(a.class, b.class) })
	}
	slices.SortStableFunc(jobs, func(a, b job) int {
		return cmp.Or(c.look.Sheet.Order(a.layer.Name)-c.look.Sheet.Order(b.layer.Name), cmp.Compare(a.layer.Name, b.layer.Name))
	})
	return jobs
}

// add adds the features of l, placed by to; own is what its outlines are drawn in.
func (j *job) add(l *mvt.Layer, to Affine, own edges, look Look) {
	filled := j.layer.Fill.Opacity.At(look.Zoom) > 0 || j.layer.Hatch.Width > 0
	for i := range l.Features {
		f := &l.Features[i]
		if !filled {
			break
		}
		if b := boxOf(f, to); b.minX <= b.maxX {
			j.shapes = append(j.shapes, shape{f, j.layer.ClassOf(tag(f, j.layer.ClassField)), to, b})
		}
	}
	if look.outlined(j.layer) && j.width > 0 {
		j.lines = outlines(j.lines, l, to, own, j.width)
	}
}

// tag returns f's attribute key as text, as MapLibre's to-string does; "" when it
// has none.
func tag(f *mvt.Feature, key string) string {
	for _, t := range f.Tags {
		if t.Key != key {
			continue
		}
		switch v := t.Value.(type) {
		case string:
			return v
		case nil:
			return ""
		default:
			return fmt.Sprint(v) // codes that are numbers are whole and small
		}
	}
	return ""
}

// box is a rectangle in pixels; minX > maxX says that it is empty.
type box struct {
	minX, minY, maxX, maxY float64
}

func emptyBox() box { return box{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)} }

func (b box) with(p point) box {
	return box{min(b.minX, p.x), min(b.minY, p.y), max(b.maxX, p.x), max(b.maxY, p.y)}
}

// pixels returns the pixels that b touches, within r.
func (b box) pixels(r image.Rectangle) image.Rectangle {
	if b.minX > b.maxX {
		return image.Rectangle{}
	}
	clamp := func(v float64, lo, hi int) int { return int(max(float64(lo), min(v, float64(hi)))) }
	return image.Rect(
		clamp(math.Floor(b.minX), r.Min.X, r.Max.X), clamp(math.Floor(b.minY), r.Min.Y, r.Max.Y),
		clamp(math.Ceil(b.maxX), r.Min.X, r.Max.X), clamp(math.Ceil(b.maxY), r.Min.Y, r.Max.Y))
}

// boxOf returns the box of the shells of f in pixels.
func boxOf(f *mvt.Feature, to Affine) box {
	minX, minY, maxX, maxY := int32(math.MaxInt32), int32(math.MaxInt32), int32(math.MinInt32), int32(math.MinInt32)
	for _, poly := range f.Polygons {
		for _, ring := range poly {
			for _, p := range ring {
				minX, minY, maxX, maxY = min(minX, p.X), min(minY, p.Y), max(maxX, p.X), max(maxY, p.Y)
			}
		}
	}
	b := emptyBox()
	if minX > maxX {
		return b
	}
	// The fill is cut at the tile's square.
	x0, y0 := max(0, float64(minX)), max(0, float64(minY))
	x1, y1 := min(mvt.Extent, float64(maxX)), min(mvt.Extent, float64(maxY))
	if x0 > x1 || y0 > y1 {
		return b
	}
	for _, p := range [4]point{{x0, y0}, {x1, y0}, {x0, y1}, {x1, y1}} {
		b = b.with(to.at(p.x, p.y))
	}
	return b
}

// Wash paints the pixels of r in one colour, over what is there already; what lies
// outside of the canvas is left out. opacity lies in [0, 1].
func (c *Canvas) Wash(r image.Rectangle, color styles.Color, opacity float64) {
	r = r.Intersect(c.img.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for i := c.img.PixOffset(r.Min.X, y); i < c.img.PixOffset(r.Max.X, y); i += 4 {
			over(c.img.Pix[i:i+4:i+4], color, alphaOf(opacity))
		}
	}
}
