package styles

import (
	"math"
	"slices"
)

// mapLibreOpacity is the opacity at which MapLibre paints outlines with as much
// colour as l has on a picture tile. It differs from Opacity twice:
//
// MapLibre spreads the edges of a line over a pixel (shaders/line.fragment.glsl:
// coverage falls from 1 to 0 between half the width less and plus half a pixel), and
// where the line is thinner than that it keeps the ramps but not the sum: w pixels
// paint (w/2 + 1/2)² pixels.
//
// It paints every feature's outline, so a border between two parcels twice; a picture
// tile has it once. Outlines with gaps fall on each other anyhow and are left as they
// are.
//
// Between whole zooms it is interpolated. A border of one parcel alone is lighter by it, and so
// are lines below a pixel on screens with more than one pixel per CSS pixel.
func (l Line) mapLibreOpacity() Stops {
	var zooms []float64
	for _, given := range []Stops{l.Width, l.Opacity} {
		if len(given) == 1 {
			continue // the same at every zoom
		}
		for _, s := range given {
			zooms = append(zooms, s.Zoom)
		}
	}
	if len(zooms) == 0 {
		return Stops{{0, l.mapLibreOpacityAt(0)}}
	}
	lo, hi := slices.Min(zooms), slices.Max(zooms)
	var out Stops
	for z := lo; ; z = min(math.Floor(z)+1, hi) {
		out = append(out, Stop{z, l.mapLibreOpacityAt(z)})
		if z >= hi {
			return out
		}
	}
}

// mapLibreOpacityAt is [Line.mapLibreOpacity] at one zoom, to 1/10000.
func (l Line) mapLibreOpacityAt(zoom float64) float64 {
	width, opacity := l.Width.At(zoom), l.Opacity.At(zoom)
	if width < 1 {
		opacity *= width / ((width + 1) * (width + 1) / 4)
	}
	if len(l.Dash) == 0 {
		opacity = 1 - math.Sqrt(1-opacity)
	}
	return math.Round(opacity*10000) / 10000
}
