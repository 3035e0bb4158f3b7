package main_test

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"testing"
)

// The shape that [TestClientsLineUp] looks for: a cross whose four arms are all of
// another length and width, so that a picture that is mirrored, or whose axes are
// exchanged, fits it nowhere. In degrees of CGCS2000.
const (
	armWest, armEast   = 108.064, 108.090
	armSouth, armNorth = 34.263, 34.284
	barSouth, barNorth = 34.272, 34.277 // the arms to west and east
	postWest, postEast = 108.073, 108.079
)

// crossRing is its outline.
func crossRing() [][2]float64 {
	return [][2]float64{
		{armWest, barSouth}, {postWest, barSouth}, {postWest, armSouth}, {postEast, armSouth}, {postEast, barSouth},
		{armEast, barSouth}, {armEast, barNorth}, {postEast, barNorth}, {postEast, armNorth}, {postWest, armNorth},
		{postWest, barNorth}, {armWest, barNorth}, {armWest, barSouth},
	}
}

// edgeNames are the edges that are measured: pixels from the left, then from the top.
var edgeNames = [8]string{
	"the west end", "the east end", "the post's west side", "the post's east side",
	"the north end", "the south end", "the bar's north side", "the bar's south side",
}

// What all programs show: a window of so many pixels about a place on no tile's
// border, in which a pixel of a tile of zoom 14 is a pixel.
const (
	viewWidth, viewHeight = 640, 512
	viewLon, viewLat      = 108.0767, 34.2741
	viewZoom              = 14
)

// mapView is what a program shows, in the units of a grid's coordinate system.
type mapView struct {
	grid       string
	x, y       float64 // of the middle
	resolution float64 // units a pixel
}

// crossView is the view of a grid. Resolutions are those of the national grids
// (GB/T 35634-2017) and of WebMercatorQuad, not taken from our code.
func crossView(grid string) mapView {
	v := mapView{grid: grid}
	v.x, v.y = planeOf(grid, viewLon, viewLat)
	v.resolution = 360.0 / 256 / math.Exp2(viewZoom)
	if grid == "w" {
		v.resolution = 156543.03392804097 / math.Exp2(viewZoom)
	}
	return v
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
		"form": form, "grid": v.grid, "layer": "cropland", "service": service, "token": token,
		"lon": viewLon, "lat": viewLat, "zoom": viewZoom, "width": viewWidth, "height": viewHeight,
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

// crossAt is where the edges belong.
func crossAt(grid string) [8]float64 {
	v := crossView(grid)
	x := func(lon float64) float64 { px, _ := v.pixel(lon, viewLat); return px }
	y := func(lat float64) float64 { _, py := v.pixel(viewLon, lat); return py }
	return [8]float64{x(armWest), x(armEast), x(postWest), x(postEast), y(armNorth), y(armSouth), y(barNorth), y(barSouth)}
}

// crossEdges measures where a picture shows the edges, to parts of a pixel.
func crossEdges(img image.Image, grid string) ([8]float64, error) {
	var e [8]float64
	if img.Bounds().Dx() != viewWidth || img.Bounds().Dy() != viewHeight {
		return e, fmt.Errorf("the picture is %v", img.Bounds())
	}
	want := crossAt(grid)
	middle := func(a, b int) int { return int((want[a] + want[b]) / 2) }
	bar, post := middle(6, 7), middle(2, 3)
	north, east := middle(4, 6), middle(3, 1) // across the north arm, and the east arm
	m := profile{img: img, ground: colour(img, 3, 3), fill: colour(img, post, bar)}
	if m.contrast() < 30*30 {
		return e, fmt.Errorf("no shape is drawn: %v in the middle of the cross, %v beside it", m.fill, m.ground)
	}
	for i, from := range [8]ray{
		{0, bar, 1, 0}, {viewWidth - 1, bar, -1, 0}, {0, north, 1, 0}, {viewWidth - 1, north, -1, 0},
		{post, 0, 0, 1}, {post, viewHeight - 1, 0, -1}, {east, 0, 0, 1}, {east, viewHeight - 1, 0, -1},
	} {
		at, ok := m.edge(from)
		if !ok {
			return e, fmt.Errorf("%s is not there", edgeNames[i])
		}
		e[i] = at
	}
	return e, nil
}

// ray is a pixel and a step from it.
type ray struct{ x, y, dx, dy int }

// profile tells how much of a pixel a shape covers.
type profile struct {
	img          image.Image
	ground, fill [3]float64
}

func colour(img image.Image, x, y int) [3]float64 {
	c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
	return [3]float64{float64(c.R), float64(c.G), float64(c.B)}
}

func (p profile) contrast() float64 {
	sum := 0.0
	for i := range p.fill {
		d := p.fill[i] - p.ground[i]
		sum += d * d
	}
	return sum
}

// cover is how far the pixel's colour is on the way from ground to fill; outlines,
// which are darker, count as fill.
func (p profile) cover(x, y int) float64 {
	c, sum := colour(p.img, x, y), 0.0
	for i := range c {
		sum += (c[i] - p.ground[i]) * (p.fill[i] - p.ground[i])
	}
	return min(1, max(0, sum/p.contrast()))
}

// edge goes along r to the shape, and returns the place of its border along the
// way: cover counts from where it begins to the first pixel that is full.
func (p profile) edge(r ray) (float64, bool) {
	for x, y, part := r.x, r.y, 0.0; image.Pt(x, y).In(p.img.Bounds()); x, y = x+r.dx, y+r.dy {
		c := p.cover(x, y)
		if c < 0.95 {
			part += c
			continue
		}
		switch r {
		case ray{r.x, r.y, 1, 0}:
			return float64(x) - part, true
		case ray{r.x, r.y, -1, 0}:
			return float64(x+1) + part, true
		case ray{r.x, r.y, 0, 1}:
			return float64(y) - part, true
		default:
			return float64(y+1) + part, true
		}
	}
	return 0, false
}

// The measure finds the edges of a picture that is painted by formula to a twentieth
// of a pixel (so much counts as a full one), and says so when they are elsewhere.
func TestCrossEdges(t *testing.T) {
	for _, grid := range []string{"w", "c"} {
		for _, shift := range []float64{0, 0.3, 2.25} {
			want := crossAt(grid)
			img := image.NewNRGBA(image.Rect(0, 0, viewWidth, viewHeight))
			cover := func(p int, a, b float64) float64 {
				return max(0, min(float64(p+1), b+shift)-max(float64(p), a+shift))
			}
			for y := range viewHeight {
				for x := range viewWidth {
					bar := cover(x, want[0], want[1]) * cover(y, want[6], want[7])
					post := cover(x, want[2], want[3]) * cover(y, want[4], want[5])
					img.SetNRGBA(x, y, color.NRGBA{255 - uint8(200*max(bar, post)), 255, 255 - uint8(100*max(bar, post)), 255})
				}
			}
			got, err := crossEdges(img, grid)
			if err != nil {
				t.Fatal(err)
			}
			for i := range got {
				if math.Abs(got[i]-want[i]-shift) > 0.06 {
					t.Errorf("grid %s, %s: measured at %.3f, painted at %.3f", grid, edgeNames[i], got[i], want[i]+shift)
				}
			}
		}
	}
}
