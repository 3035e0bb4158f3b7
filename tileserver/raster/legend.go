package raster

import (
	"math"

	"gengtu/styles"
	"gengtu/tileserver/glyph"
	"gengtu/tileserver/mvt"
)

// LegendParams says what a legend's picture shows.
type LegendParams struct {
	// Sheet is the look, nil for styles.Default; Layers are what it says of itself.
	Sheet  *styles.Sheet
	Layers []styles.LegendLayer
	// Say chooses the language.
	Say func(styles.Text) string
	// Ratio is the number of pixels per CSS pixel, 1 or 2.
	Ratio int
}

// The measures of a legend, in CSS pixels.
const (
	legendPad               = 8.0
	legendRow               = 22.0
	swatchWide, swatchHigh  = 30.0, 16.0
	legendTitle, legendText = 14.0, 13.0
)

// legendColor is that of a legend's writing.
var legendColor = styles.Color{R: 0x22, G: 0x22, B: 0x22}

// legendLine is one line of a legend: a title, or a swatch with its label.
type legendLine struct {
	text   string
	swatch *mvt.Layer // nil for a title
}

// Legend returns the PNG of a legend: for each layer its title and a swatch with a
// label for each entry, one below the other. Swatches are painted as the map
// paints features of that class at styles.LegendZoom, by the same painter. What
// does not fit on MaxSide pixels is a *problem.Problem; no layers are a picture of
// the background alone.
func Legend(p LegendParams) ([]byte, error) {
	c, err := p.canvas()
	if err != nil {
		return nil, err
	}
	return c.PNG()
}

func (p LegendParams) lines() []legendLine {
	var out []legendLine
	for _, l := range p.Layers {
		out = append(out, legendLine{text: p.Say(l.Title)})
		for _, e := range l.Entries {
			const near, far = mvt.Extent / 64, mvt.Extent * 63 / 64
			f := mvt.Feature{Polygons: []mvt.Polygon{{{{X: near, Y: near}, {X: far, Y: near}, {X: far, Y: far}, {X: near, Y: far}}}}}
			if e.Value != "" {
				f.Tags = []mvt.Tag{{Key: l.Field, Value: e.Value}}
			}
			out = append(out, legendLine{p.Say(e.Label), &mvt.Layer{Name: l.Layer, Features: []mvt.Feature{f}}})
		}
	}
	return out
}

func (p LegendParams) size(lines []legendLine) (width, height int, err error) {
	wide := swatchWide
	for _, l := range lines {
		ems, err := glyph.Width(l.text)
		if err != nil {
			return 0, 0, err
		}
		if l.swatch == nil {
			wide = max(wide, ems*legendTitle)
		} else {
			wide = max(wide, swatchWide+legendPad+ems*legendText)
		}
	}
	ratio := float64(p.Ratio)
	return int(math.Ceil((wide + 2*legendPad) * ratio)), int(math.Ceil((legendRow*float64(max(len(lines), 1)) + 2*legendPad) * ratio)), nil
}

func (p LegendParams) canvas() (*Canvas, error) {
	lines := p.lines()
	width, height, err := p.size(lines)
	if err != nil {
		return nil, err
	}
	c, err := NewCanvas(width, height, Look{Sheet: p.Sheet, Zoom: styles.LegendZoom, Ratio: p.Ratio})
	if err != nil {
		return nil, err
	}
	c.Wash(c.img.Rect, c.look.Sheet.Background, 1)
	ratio := float64(p.Ratio)
	var swatches []Placed
	for i, l := range lines {
		t := Text{
			String: l.text, X: legendPad * ratio, Y: (legendPad + legendRow*(float64(i)+0.5)) * ratio,
			Size: legendTitle * ratio, Color: legendColor,
		}
		if l.swatch != nil {
			swatches = append(swatches, Placed{Layers: []mvt.Layer{*l.swatch}, To: Affine{
				XX: swatchWide * ratio / mvt.Extent, X0: t.X,
				YY: swatchHigh * ratio / mvt.Extent, Y0: t.Y - swatchHigh/2*ratio,
			}})
			t.X, t.Size = t.X+(swatchWide+legendPad)*ratio, legendText*ratio
		}
		if err := c.Text(t); err != nil {
			return nil, err
		}
	}
	return c, c.Paint(swatches)
}
