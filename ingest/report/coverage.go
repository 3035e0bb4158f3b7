package report

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"

	"golang.org/x/image/vector"

	"gengtu/index/geo"
)

// The size of the map's picture, in pixels; the larger it is, the larger the page.
const (
	mapWidth  = 1200
	mapHeight = 1300
	mapMargin = 0.02
	// leastParcel is how large a parcel must be on the mean, in pixels, for parcels to be
	// drawn with their borders.
	leastParcel = 9
	borderWidth = 0.5 // pixels, of parcels
	placeWidth  = 1.6 // of places,
	placeThin   = 0.8 // where there are more than manyPlaces
	manyPlaces  = 100
	mapMostPNG  = 1_200_000
)

// tint is the colour of a kind of ground.
type tint struct{ r, g, b uint8 }

// kinds of ground on the map, by the first two digits of the class; light, so that the
// marks stand out.
const (
	kindCropland = iota
	kindGarden
	kindForest
	kindGrass
	kindBuilt
	kindRoad
	kindWater
	kindOther
	kindOverlay // of layers without a class
	kindBorder
	kindPlace // borders of places
	kinds
)

var tints = [kinds]tint{
	kindCropland: {250, 243, 190}, kindGarden: {236, 232, 176}, kindForest: {205, 228, 196}, kindGrass: {222, 238, 200},
	kindBuilt: {240, 212, 206}, kindRoad: {222, 222, 222}, kindWater: {200, 224, 242}, kindOther: {233, 230, 222},
	kindOverlay: {176, 214, 160}, kindBorder: {150, 145, 130}, kindPlace: {70, 65, 58},
}

func kindOf(class []byte) int {
	switch string(class) {
	case "01":
		return kindCropland
	case "02":
		return kindGarden
	case "03":
		return kindForest
	case "04":
		return kindGrass
	case "05", "06", "07", "08", "09":
		return kindBuilt
	case "10":
		return kindRoad
	case "11", "00":
		return kindWater
	}
	return kindOther
}

// coverage is the light picture under the marks. Each kind of ground is gathered as one
// figure, so that parcels that share a border leave no seam between them; a figure's
// coverage of a pixel is exact.
type coverage struct {
	frame      frame
	figures    [kinds]*vector.Rasterizer
	borders    bool
	placeWidth float64
	overlay    float64 // how much of what is under it the ground of layers without class hides
}

func (c *coverage) figure(kind int) *vector.Rasterizer {
	if c.figures[kind] == nil {
		c.figures[kind] = vector.NewRasterizer(int(c.frame.width), int(c.frame.height))
	}
	return c.figures[kind]
}

// add draws a feature's ground.
func (c *coverage) add(m geo.MultiPolygon, kind int) {
	z := c.figure(kind)
	for _, p := range m {
		for _, r := range p {
			var last point
			for i, v := range r {
				at := c.frame.to(v)
				if i == 0 {
					z.MoveTo(float32(at.X), float32(at.Y))
				} else {
					z.LineTo(float32(at.X), float32(at.Y))
					if c.borders {
						stroke(c.figure(kindBorder), last, at, borderWidth)
					}
				}
				last = at
			}
			z.ClosePath()
		}
	}
}

// outline draws the border of a place.
func (c *coverage) outline(m geo.MultiPolygon) {
	for _, p := range m {
		for _, r := range p {
			var last point
			for i, v := range r {
				at := c.frame.to(v)
				if i > 0 {
					stroke(c.figure(kindPlace), last, at, c.placeWidth)
				}
				last = at
			}
		}
	}
}

// stroke draws a piece of a border as a thin rectangle, always turned the same way.
func stroke(z *vector.Rasterizer, a, b point, width float64) {
	dx, dy := b.X-a.X, b.Y-a.Y
	long := math.Hypot(dx, dy)
	if long == 0 {
		return
	}
	x, y := dy/long*width/2, -dx/long*width/2
	z.MoveTo(float32(a.X+x), float32(a.Y+y))
	z.LineTo(float32(b.X+x), float32(b.Y+y))
	z.LineTo(float32(b.X-x), float32(b.Y-y))
	z.LineTo(float32(a.X-x), float32(a.Y-y))
	z.ClosePath()
}

// png returns the picture, of half the size again until it is small enough.
func (c *coverage) png() ([]byte, error) {
	img := c.paint()
	for {
		var out bytes.Buffer
		if err := png.Encode(&out, img); err != nil {
			return nil, err
		}
		if out.Len() <= mapMostPNG {
			return out.Bytes(), nil
		}
		img = halved(img)
	}
}

// paint mixes the kinds of ground by how much of each pixel they cover: the classes side
// by side, then the layers without class and the borders over them.
func (c *coverage) paint() *image.NRGBA {
	bounds := image.Rect(0, 0, int(c.frame.width), int(c.frame.height))
	var masks [kinds]*image.Alpha
	for k, z := range c.figures {
		if z != nil {
			masks[k] = image.NewAlpha(bounds)
			z.Draw(masks[k], bounds, image.Opaque, image.Point{})
		}
	}
	img := image.NewNRGBA(bounds)
	for i := range bounds.Dx() * bounds.Dy() {
		var sum, r, g, b float64
		for k := range kindOverlay {
			if masks[k] != nil && masks[k].Pix[i] > 0 {
				a := float64(masks[k].Pix[i]) / 255
				sum, r, g, b = sum+a, r+a*float64(tints[k].r), g+a*float64(tints[k].g), b+a*float64(tints[k].b)
			}
		}
		if sum < 1 {
			r, g, b = r+(1-sum)*255, g+(1-sum)*255, b+(1-sum)*255
			sum = 1
		}
		r, g, b = r/sum, g/sum, b/sum
		for _, over := range [...]struct {
			kind  int
			share float64
		}{{kindOverlay, c.overlay}, {kindBorder, 0.7}, {kindPlace, 0.85}} {
			if m := masks[over.kind]; m != nil {
				a, t := over.share*float64(m.Pix[i])/255, tints[over.kind]
				r, g, b = r+a*(float64(t.r)-r), g+a*(float64(t.g)-g), b+a*(float64(t.b)-b)
			}
		}
		img.SetNRGBA(i%bounds.Dx(), i/bounds.Dx(), color.NRGBA{level(r), level(g), level(b), 255})
	}
	return img
}

// level rounds a colour to one of 51 levels: more of them are not seen and cost bytes.
func level(v float64) uint8 { return uint8(math.Round(v/5) * 5) }

// halved returns the picture with each four pixels as one.
func halved(img *image.NRGBA) *image.NRGBA {
	b := img.Bounds()
	out := image.NewNRGBA(image.Rect(0, 0, (b.Dx()+1)/2, (b.Dy()+1)/2))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			var r, g, bl float64
			for k := range 4 {
				p := img.NRGBAAt(min(2*x+k%2, b.Dx()-1), min(2*y+k/2, b.Dy()-1))
				r, g, bl = r+float64(p.R)/4, g+float64(p.G)/4, bl+float64(p.B)/4
			}
			out.SetNRGBA(x, y, color.NRGBA{level(r), level(g), level(bl), 255})
		}
	}
	return out
}
