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

// Hatch is a pattern of parallel lines at 45°, rising to the east. Width is
// measured across a line and Spacing along a row, both in CSS pixels; Spacing is
// a power of two up to 32, so that the pattern goes on from tile to tile. A
// Width of 0 is no hatch.
type Hatch struct {
	Color   Color
	Opacity Stops
	Width   float64
	Spacing int
}

// Side returns the side, in pixels, of the square that the pattern repeats:
// Spacing × ratio, where ratio is the number of pixels per CSS pixel.
func (h Hatch) Side(ratio int) int { return h.Spacing * ratio }

// Coverage returns how much of each pixel of the repeated square the lines
// cover, 0 to 255, row by row from the upper left; Side × Side values. The
// pixel x, y of a picture whose corner lies on the tile's takes the value at
// x mod Side, y mod Side.
func (h Hatch) Coverage(ratio int) []uint8 {
	side := h.Side(ratio)
	cover := make([]uint8, side*side)
	// A line of width w at 45° is w·√2 wide along a row. The line of the square
	// has x + y around side, those of its neighbours one side less or more.
	half := h.Width * float64(ratio) * math.Sqrt2 / 2
	for d := range side {
		share := 0.0
		for _, middle := range [3]float64{0, float64(side), 2 * float64(side)} {
			share += below(middle+half-float64(d)) - below(middle-half-float64(d))
		}
		value := uint8(share*255 + 0.5)
		for y := range side {
			// x + y is constant along a line that rises to the east.
			cover[y*side+((d-y)%side+side)%side] = value
		}
	}
	return cover
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
