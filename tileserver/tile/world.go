package tile

import (
	"math"

	"gengtu/index/geo"
)

// MaxLat is the latitude, in degrees, at which Web Mercator becomes a square:
// 2·atan(e^π) − π/2.
const MaxLat = 85.051128779806604

// World is a place on a grid's plane, which is one unit wide: X grows east from
// 0 at longitude -180° to 1, Y grows south from 0 at the grid's top, to 1 in w
// and to 0.5 in c. A tile of zoom z is a square of 2^-z of it.
type World struct {
	X, Y float64
}

// Span returns the edge of a tile of zoom z on the [World] plane, 2^-z.
func Span(z uint8) float64 { return math.Ldexp(1, -int(z)) }

// Project maps p to the plane of g: [Grid.Fix] in floating point, the same on
// every machine and exact, so that a comparison with the corner of a tile decides
// as the integers do.
func (g Grid) Project(p geo.Position) World { return g.Fix(p).World() }

// Unproject is the inverse of [Grid.Project], in degrees. A w outside the
// plane gives a longitude beyond ±180° or, in c, a latitude beyond ±90°.
func (g Grid) Unproject(w World) geo.LonLat {
	lon := w.X*360 - 180
	if g == C {
		return geo.LonLat{Lon: lon, Lat: 90 - w.Y*360}
	}
	return geo.LonLat{Lon: lon, Lat: math.Atan(math.Sinh(math.Pi*(1-2*w.Y))) * (180 / math.Pi)}
}
