package tileserver

import (
	"image"
	"math"
	"strings"

	"gengtu/styles"
	"gengtu/tileserver/glyph"
	"gengtu/tileserver/raster"
)

// The measures of the imprint in a map's lower right corner, in pixels.
const (
	imprintSize = 11.0
	imprintRow  = 15.0
	imprintPad  = 5.0
	// imprintShare is the part of a picture's height that it takes at most, as a
	// divisor.
	imprintShare = 3
)

var (
	imprintColor  = styles.Color{R: 0x22, G: 0x22, B: 0x22}
	imprintGround = styles.Color{R: 0xff, G: 0xff, B: 0xff}
)

// imprint is what the policy wants maps to be shown with, the number of approval
// (审图号) and the disclaimer, in lines that fit on a picture of that size. There is
// none on pictures too small for it: TileJSON, style.json and the capabilities have
// it for those, as for tiles, of which many make one map.
func (r *request) imprint(width, height int) ([]string, error) {
	var lines []string
	for _, text := range []string{r.ix().Manifest.Policy.Approval, r.disclaimer()} {
		broken, err := broken(strings.TrimSpace(text), (float64(width)-4*imprintPad)/imprintSize)
		if err != nil {
			return nil, err
		}
		lines = append(lines, broken...)
	}
	if imprintRow*float64(len(lines))*imprintShare > float64(height) {
		return nil, nil
	}
	return lines, nil
}

// broken returns text in lines of at most ems, broken at any character, as Chinese
// is; at the last blank of a line where there is one.
func broken(text string, ems float64) ([]string, error) {
	var lines []string
	start, blank, wide := 0, -1, 0.0
	for i, c := range text {
		w, err := glyph.Width(string(c))
		if err != nil {
			return nil, err
		}
		if wide+w > ems && i > start {
			end := i
			if blank > start {
				end = blank
			}
			lines = append(lines, strings.TrimSpace(text[start:end]))
			start, blank = end, -1
			if wide, err = glyph.Width(text[start:i]); err != nil {
				return nil, err
			}
		}
		if c == ' ' {
			blank = i
		}
		wide += w
	}
	if rest := strings.TrimSpace(text[start:]); rest != "" {
		lines = append(lines, rest)
	}
	return lines, nil
}

// printImprint writes lines in the lower right corner of c.
func printImprint(c *raster.Canvas, lines []string) error {
	if len(lines) == 0 {
		return nil
	}
	wide := 0.0
	for _, l := range lines {
		ems, err := glyph.Width(l)
		if err != nil {
			return err
		}
		wide = max(wide, ems*imprintSize)
	}
	corner := c.Image().Rect.Max
	left := float64(corner.X) - wide - 2*imprintPad
	top := float64(corner.Y) - imprintRow*float64(len(lines)) - imprintPad
	c.Wash(image.Rect(int(math.Floor(left)), int(math.Floor(top)), corner.X, corner.Y), imprintGround, 0.8)
	for i, l := range lines {
		t := raster.Text{
			String: l, X: left + imprintPad, Y: top + imprintPad/2 + imprintRow*(float64(i)+0.5), Size: imprintSize, Color: imprintColor,
		}
		if err := c.Text(t); err != nil {
			return err
		}
	}
	return nil
}
