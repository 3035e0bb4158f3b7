package styles

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
)

// Hatch is a pattern of parallel lines, or of two such crossing. Width is measured
// across a line and Spacing along a row (down a column where lines lie level), both in
// CSS pixels; Spacing is a power of two up to 32, so that the pattern goes on from tile
// to tile. A Width of 0 is no hatch.
type Hatch struct {
	Color   Color
	Opacity Stops
	Width   float64
	Spacing int
	Lines   Lines
}

// Lines says how the lines of a hatch run. It is never empty in a sheet's hatches.
type Lines string

// The ways lines run: at 45°, rising or falling to the east, both crossing, level or
// upright.
const (
	LinesRising  Lines = "rising"
	LinesFalling Lines = "falling"
	LinesCrossed Lines = "crossed"
	LinesLevel   Lines = "level"
	LinesUpright Lines = "upright"
)

// Side returns the side, in pixels, of the square that the pattern repeats:
// Spacing × ratio, where ratio is the number of pixels per CSS pixel.
func (h Hatch) Side(ratio int) int { return h.Spacing * ratio }

// Coverage returns how much of each pixel of the repeated square the lines
// cover, 0 to 255, row by row from the upper left; Side × Side values. The
// pixel x, y of a picture whose corner lies on the tile's takes the value at
// x mod Side, y mod Side.
func (h Hatch) Coverage(ratio int) []uint8 {
	side := h.Side(ratio)
	slanted := h.profile(ratio, math.Sqrt2, below)
	straight := h.profile(ratio, 1, func(s float64) float64 { return max(0, min(1, s)) })
	cover := make([]uint8, side*side)
	for y := range side {
		for x := range side {
			// x + y is constant along a line that rises to the east, x - y, one less for
			// the pixel's corner, along one that falls.
			rising, falling := slanted[(x+y)%side], slanted[(x-y-1+2*side)%side]
			share := rising
			switch h.Lines {
			case LinesFalling:
				share = falling
			case LinesCrossed:
				share = 1 - (1-rising)*(1-falling)
			case LinesLevel:
				share = straight[y]
			case LinesUpright:
				share = straight[x]
			}
			cover[y*side+x] = uint8(share*255 + 0.5)
		}
	}
	return cover
}

// profile returns the share of each pixel across the lines that they cover, the pattern's
// side long. A line is stretch times its width across; below tells the share of a pixel
// that lies before a place.
func (h Hatch) profile(ratio int, stretch float64, below func(float64) float64) []float64 {
	side := h.Side(ratio)
	half := h.Width * float64(ratio) * stretch / 2
	out := make([]float64, side)
	for d := range side {
		// The line of the square lies around side, those of its neighbours one side less
		// or more.
		for _, middle := range [3]float64{0, float64(side), 2 * float64(side)} {
			out[d] += below(middle+half-float64(d)) - below(middle-half-float64(d))
		}
	}
	return out
}

// below returns the share of the unit square in which x + y is below s.
func below(s float64) float64 {
	switch {
	case s <= 0:
		return 0
	case s <= 1:
		return s * s / 2
	case s < 2:
		return 1 - (2-s)*(2-s)/2
	}
	return 1
}

// hatchImage is the name in the sprite of the pattern of layer l.
func (l Layer) hatchImage() string { return l.Name + "-hatch" }

// Sprite returns the sprite of the embedded sheet: see [Sheet.Sprite].
func Sprite(ratio int) (picture, index []byte, err error) { return Default().Sprite(ratio) }

// Sprite returns a MapLibre sprite, a PNG and its JSON index, with the hatch
// patterns of the sheet at ratio (1 or 2) pixels per CSS pixel. The patterns
// stand in drawing order from left to right. Another ratio is an error.
func (s *Sheet) Sprite(ratio int) (picture, index []byte, err error) {
	if ratio != 1 && ratio != 2 {
		return nil, nil, fmt.Errorf("sprite pixel ratio %d is neither 1 nor 2", ratio)
	}
	type place struct {
		X          int `json:"x"`
		Y          int `json:"y"`
		Width      int `json:"width"`
		Height     int `json:"height"`
		PixelRatio int `json:"pixelRatio"`
	}
	places := map[string]place{}
	width, height := 0, 1
	for _, l := range s.Layers {
		if side := l.Hatch.Side(ratio); l.Hatch.Width > 0 {
			places[l.hatchImage()] = place{width, 0, side, side, ratio}
			width, height = width+side, max(height, side)
		}
	}
	img := image.NewNRGBA(image.Rect(0, 0, max(width, 1), height))
	for _, l := range s.Layers {
		if l.Hatch.Width == 0 {
			continue
		}
		at, side := places[l.hatchImage()], l.Hatch.Side(ratio)
		for i, a := range l.Hatch.Coverage(ratio) {
			c := l.Hatch.Color
			img.SetNRGBA(at.X+i%side, i/side, color.NRGBA{R: c.R, G: c.G, B: c.B, A: a})
		}
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		return nil, nil, err
	}
	index, err = json.Marshal(places)
	return buf.Bytes(), index, err
}
