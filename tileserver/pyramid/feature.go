package pyramid

import (
	"math"

	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// marginUnits is how far beyond its border a tile shows parcels, so that lines
// along them, which are drawn half outside, do not stop at the border: 64 units
// are 8 pixels of a tile of 512, more than half of any line of ours.
const marginUnits = 64

// loaded is a feature with its corners on the plane of a grid.
type loaded struct {
	Feature
	points []tile.World // of all rings, each open, shells clockwise as y grows south
	ends   []int        // where each ring ends in points
	min    tile.World
	max    tile.World
}

// project puts f on the plane of g. Rings run the other way round there, because
// y grows south, and are turned so that shells have positive area.
func project(g tile.Grid, f Feature) *loaded {
	l := &loaded{Feature: f,
		points: make([]tile.World, 0, f.Geometry.Vertices()),
		min:    tile.World{X: math.Inf(1), Y: math.Inf(1)},
		max:    tile.World{X: math.Inf(-1), Y: math.Inf(-1)},
	}
	for _, p := range f.Geometry {
		for _, r := range p {
			for i := len(r) - 1; i > 0; i-- {
				v := g.Project(r[i])
				l.points = append(l.points, v)
				l.min = tile.World{X: min(l.min.X, v.X), Y: min(l.min.Y, v.Y)}
				l.max = tile.World{X: max(l.max.X, v.X), Y: max(l.max.Y, v.Y)}
			}
			l.ends = append(l.ends, len(l.points))
		}
	}
	// The projected points are all that is needed from here on.
	l.Geometry = nil
	return l
}

// reaches tells whether f's box meets t or its margin.
func (f *loaded) reaches(t tile.Tile) bool {
	o, span := t.Origin(), tile.Span(t.Z)
	m := span * marginUnits / mvt.Extent
	return f.max.X >= o.X-m && f.min.X <= o.X+span+m && f.max.Y >= o.Y-m && f.min.Y <= o.Y+span+m
}

// anchor returns the tile of zoom z that f's figures are counted in: the one that
// holds f's first corner, so that every feature is counted once in every zoom.
func (f *loaded) anchor(g tile.Grid, z uint8) tile.Tile {
	cols, rows := g.Size(z)
	at := func(v float64, n uint32) uint32 { return uint32(max(0, min(math.Ldexp(v, int(z)), float64(n-1)))) }
	return tile.Tile{Grid: g, Z: z, X: at(f.points[0].X, cols), Y: at(f.points[0].Y, rows)}
}

// hundredths returns m2 in units of 0.01 m², and false for NaN.
func hundredths(m2 float64) (int64, bool) {
	if math.IsNaN(m2) {
		return 0, false
	}
	return int64(math.Round(m2 * 100)), true
}
