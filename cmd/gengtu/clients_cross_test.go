package main_test

import (
	"cmp"
	"fmt"
	"image"
	"image/color"
	"math"
	"testing"
)

// The shape that [TestClientsLineUp] looks for: a cross whose four arms are all of
// another length and width, so that a picture that is mirrored, or whose axes are
// exchanged, fits it nowhere. In degrees of CGCS2000 from the middle of the window,
// for a window of zoom 14; at other zooms it is so much larger or smaller that the
// window shows as much of it.
const (
	armWest, armEast   = -0.0127, 0.0133
	armSouth, armNorth = -0.0111, 0.0099
	barSouth, barNorth = -0.0021, 0.0029 // the arms to west and east
	postWest, postEast = -0.0037, 0.0023
)

// crossView is a window over one cross of its own: of zoom 8, where parcels are
// drawn as the ground that they cover, 14, the last that is built, and 17, which is
// made on demand. No middle lies on a tile's border.
type crossView struct {
	zoom     int
	lon, lat float64 // of the window's middle
}

var crossViews = map[int]crossView{
	8: {8, 108.9767, 36.9741}, 14: {14, 108.0767, 34.2741}, 17: {17, 108.2767, 34.2741},
}

// bsm is the cross's key.
func (v crossView) bsm() string { return fmt.Sprintf("6104020000000000%02d", v.zoom) }

// at is a place on the cross.
func (v crossView) at(east, north float64) (lon, lat float64) {
	scale := math.Exp2(float64(14 - v.zoom))
	return v.lon + east*scale, v.lat + north*scale
}

// ring is the cross's outline.
func (v crossView) ring() [][2]float64 {
	var ring [][2]float64
	for _, p := range [][2]float64{
		{armWest, barSouth}, {postWest, barSouth}, {postWest, armSouth}, {postEast, armSouth}, {postEast, barSouth},
		{armEast, barSouth}, {armEast, barNorth}, {postEast, barNorth}, {postEast, armNorth}, {postWest, armNorth},
		{postWest, barNorth}, {armWest, barNorth}, {armWest, barSouth},
	} {
		lon, lat := v.at(p[0], p[1])
		ring = append(ring, [2]float64{lon, lat})
	}
	return ring
}

// edgeNames are the edges that are measured: pixels from the left, then from the top.
var edgeNames = [8]string{
	"the west end", "the east end", "the post's west side", "the post's east side",
	"the north end", "the south end", "the bar's north side", "the bar's south side",
}

// The window of all programs, in pixels.
const viewWidth, viewHeight = 640, 512

// mapView is what a program shows, in the units of a grid's coordinate system.
type mapView struct {
	crossView
	grid       string
	x, y       float64 // of the middle
	resolution float64 // units a pixel
}

// in is the view in a grid, a pixel of the window a pixel of a tile. Resolutions
// are those of the national grids (GB/T 35634-2017) and of WebMercatorQuad, not
// taken from our code.
func (v crossView) in(grid string) mapView {
	m := mapView{crossView: v, grid: grid, resolution: 360.0 / 256 / math.Exp2(float64(v.zoom))}
	m.x, m.y = planeOf(grid, v.lon, v.lat)
	if grid == "w" {
		m.resolution = 156543.03392804097 / math.Exp2(float64(v.zoom))
	}
	return m
}

// planeOf is a place in a grid's coordinate system: degrees, or the metres of
// EPSG:3857 (EPSG Guidance Note 7-2, 3.2.1.2).
func planeOf(grid string, lon, lat float64) (x, y float64) {
	if grid == "c" {
		return lon, lat
	}
	const a = 6378137
	return a * lon * math.Pi / 180, a * math.Log(math.Tan(math.Pi/4+lat*math.Pi/360))
}

// pixel is where a place is shown, in pixels from the window's upper left corner.
func (v mapView) pixel(lon, lat float64) (px, py float64) {
	x, y := planeOf(v.grid, lon, lat)
	return viewWidth/2.0 + (x-v.x)/v.resolution, viewHeight/2.0 - (y-v.y)/v.resolution
}

// spec is the view as the pages and scripts of testdata/clients take it.
func (v mapView) spec(form, service, token string) map[string]any {
	w, h := viewWidth/2.0*v.resolution, viewHeight/2.0*v.resolution
	spec := map[string]any{
		"form": form, "grid": v.grid, "layer": "cropland", "bsm": v.bsm(), "service": service, "token": token,
		"lon": v.lon, "lat": v.lat, "zoom": v.zoom, "width": viewWidth, "height": viewHeight,
		"centre": [2]float64{v.x, v.y}, "resolution": v.resolution,
		"extent": [4]float64{v.x - w, v.y - h, v.x + w, v.y + h},
	}
	west, south := v.degrees(v.x-w, v.y-h)
	east, north := v.degrees(v.x+w, v.y+h)
	spec["bounds"] = [4]float64{west, south, east, north}
	return spec
}

// degrees is the inverse of [planeOf].
func (v mapView) degrees(x, y float64) (lon, lat float64) {
	if v.grid == "c" {
		return x, y
	}
	const a = 6378137
	return x / a * 180 / math.Pi, (2*math.Atan(math.Exp(y/a)) - math.Pi/2) * 180 / math.Pi
}

// edges is where the edges belong.
func (v mapView) edges() [8]float64 {
	x := func(east float64) float64 { px, _ := v.pixel(v.at(east, 0)); return px }
	y := func(north float64) float64 { _, py := v.pixel(v.at(0, north)); return py }
	return [8]float64{x(armWest), x(armEast), x(postWest), x(postEast), y(armNorth), y(armSouth), y(barNorth), y(barSouth)}
}

// measure finds where a picture shows the edges, to parts of a pixel. What it shows
// between them must be whole: tiles leave no seam.
func (v mapView) measure(img image.Image) ([8]float64, error) {
	var e [8]float64
	if img.Bounds().Dx() != viewWidth || img.Bounds().Dy() != viewHeight {
		return e, fmt.Errorf("the picture is %v", img.Bounds())
	}
	want := v.edges()
	middle := func(a, b int) int { return int((want[a] + want[b]) / 2) }
	bar, post := middle(6, 7), middle(2, 3)
	north, east := middle(4, 6), middle(3, 1) // across the north arm, and the east arm
	m := profile{img: img, ground: colour(img, 3, 3), fill: colour(img, post, bar)}
	if m.contrast() < 30*30 {
		return e, fmt.Errorf("no shape is drawn: %v in the middle of the cross, %v beside it", m.fill, m.ground)
	}
	right, bottom := viewWidth-1, viewHeight-1
	for i, l := range [8]line{
		{0, bar, post, bar}, {right, bar, post, bar}, {0, north, post, north}, {right, north, post, north},
		{post, 0, post, bar}, {post, bottom, post, bar}, {east, 0, east, bar}, {east, bottom, east, bar},
	} {
		e[i] = m.edge(l)
	}
	for x := int(want[0]) + 3; x < int(want[1])-3; x++ {
		if _, fill := m.shares(x, bar); fill < 0.95 {
			return e, fmt.Errorf("there is a seam at x = %d of the bar: %v", x, colour(img, x, bar))
		}
	}
	for y := int(want[4]) + 3; y < int(want[5])-3; y++ {
		if _, fill := m.shares(post, y); fill < 0.95 {
			return e, fmt.Errorf("there is a seam at y = %d of the post: %v", y, colour(img, post, y))
		}
	}
	return e, nil
}

// line leads from a pixel beside the cross to one within it.
type line struct{ x, y, toX, toY int }

// profile tells what a picture's pixels are mixed of.
type profile struct {
	img          image.Image
	ground, fill rgb
}

type rgb [3]float64

func (a rgb) minus(b rgb) rgb     { return rgb{a[0] - b[0], a[1] - b[1], a[2] - b[2]} }
func (a rgb) times(b rgb) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }

// outline is the colour of the outlines of cropland (styles.yaml). They are not quite
// opaque; what shines through is ground on the outer half and fill on the inner.
var outline = rgb{0xa8, 0x84, 0x2c}

func colour(img image.Image, x, y int) rgb {
	c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
	return rgb{float64(c.R), float64(c.G), float64(c.B)}
}

func (p profile) contrast() float64 {
	d := p.fill.minus(p.ground)
	return d.times(d)
}

// shares are the shares of ground and of fill in a pixel's colour; what is missing to
// 1 is outline. By least squares over the three channels.
func (p profile) shares(x, y int) (ground, fill float64) {
	c, o, f := colour(p.img, x, y).minus(p.ground), outline.minus(p.ground), p.fill.minus(p.ground)
	oo, of, ff, oc, fc := o.times(o), o.times(f), f.times(f), o.times(c), f.times(c)
	det := oo*ff - of*of
	line := (oc*ff - fc*of) / det
	fill = (fc*oo - oc*of) / det
	return 1 - line - fill, fill
}

// edge is the place of the border along l: in the middle between the end of the
// ground and the beginning of the fill, because outlines are drawn half to each side.
func (p profile) edge(l line) float64 {
	dx, dy := cmp.Compare(l.toX, l.x), cmp.Compare(l.toY, l.y)
	n, ground, fill := 0.0, 0.0, 0.0
	for x, y := l.x, l.y; x != l.toX || y != l.toY; x, y = x+dx, y+dy {
		g, f := p.shares(x, y)
		n, ground, fill = n+1, ground+g, fill+f
	}
	along := (ground + n - fill) / 2
	switch {
	case dx > 0:
		return float64(l.x) + along
	case dx < 0:
		return float64(l.x+1) - along
	case dy > 0:
		return float64(l.y) + along
	}
	return float64(l.y+1) - along
}

// The measure finds the edges of a picture that is painted by formula to a twentieth
// of a pixel, outlines of any width around them, and says so when they are elsewhere.
func TestCrossEdges(t *testing.T) {
	for _, grid := range []string{"w", "c"} {
		for _, c := range []struct{ shift, width float64 }{{0, 0}, {0.3, 0}, {2.25, 0}, {0, 1.1}, {0.4, 2.3}} {
			v := crossViews[14].in(grid)
			want := v.edges()
			got, err := v.measure(paintCross(want, c.shift, c.width))
			if err != nil {
				t.Fatal(err)
			}
			for i := range got {
				if math.Abs(got[i]-want[i]-c.shift) > 0.05 {
					t.Errorf("grid %s, outline %g, %s: measured at %.3f, painted at %.3f", grid, c.width, edgeNames[i], got[i], want[i]+c.shift)
				}
			}
		}
	}
}

// paintCross paints a cross with its edges shift pixels from the places given, and an
// outline around it, anti-aliased.
func paintCross(edges [8]float64, shift, width float64) image.Image {
	cover := func(p, a, b int, grow float64) float64 {
		return max(0, min(float64(p+1), edges[b]+shift+grow)-max(float64(p), edges[a]+shift-grow))
	}
	at := func(x, y int, grow float64) float64 {
		return max(cover(x, 0, 1, grow)*cover(y, 6, 7, grow), cover(x, 2, 3, grow)*cover(y, 4, 5, grow))
	}
	img := image.NewNRGBA(image.Rect(0, 0, viewWidth, viewHeight))
	for y := range viewHeight {
		for x := range viewWidth {
			outer, inner := at(x, y, width/2), at(x, y, -width/2)
			mix := func(i int, fill float64) uint8 {
				return uint8(math.Round((1-outer)*255 + (outer-inner)*outline[i] + inner*fill))
			}
			img.SetNRGBA(x, y, color.NRGBA{mix(0, 224), mix(1, 231), mix(2, 121), 255})
		}
	}
	return img
}
