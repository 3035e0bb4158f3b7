package pyramid

import (
	"math"

	"gengtu/index/geo"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// marginUnits is how far beyond its border a tile shows parcels, so that lines
// along them, which are drawn half outside, do not stop at the border: 64 units
// are 8 pixels of a tile of 512, more than half of any line of ours.
const marginUnits = 64

// loaded is a feature with its corners on the plane of a grid.
type loaded struct {
	// What is looked at first stands together.
	min    tile.World
	max    tile.World
	layers uint64       // a bit for each layer of its work that holds it
	points []tile.World // of all rings, each open, shells clockwise as y grows south
	ends   []int        // where each ring ends in points
	row    mvt.Row      // attributes beside Tags
	Feature
}

// project puts rings, whose memory points and ends have room for, on the plane of
// g. They run the other way round there, because y grows south, and are turned so
// that shells have positive area.
func (f *loaded) project(g tile.Grid, r *geo.Rings, points []tile.World) {
	f.points = points[:0]
	f.min, f.max = tile.World{X: math.Inf(1), Y: math.Inf(1)}, tile.World{X: math.Inf(-1), Y: math.Inf(-1)}
	start := 0
	for _, end := range r.Ends {
		ring := r.Positions[start:end]
		start = int(end)
		for i := len(ring) - 1; i > 0; i-- {
			v := g.Project(ring[i])
			f.points = append(f.points, v)
			f.min = tile.World{X: min(f.min.X, v.X), Y: min(f.min.Y, v.Y)}
			f.max = tile.World{X: max(f.max.X, v.X), Y: max(f.max.Y, v.Y)}
		}
		f.ends = append(f.ends, len(f.points))
	}
}

// reaches tells whether f's box meets t or its margin, and one unit more, which is
// cut like the margin's last.
func (f *loaded) reaches(t tile.Tile) bool {
	return f.meets(t, tile.Span(t.Z)*(marginUnits+1)/mvt.Extent)
}

// meets tells whether f's box comes to t as near as margin.
func (f *loaded) meets(t tile.Tile, margin float64) bool {
	o, span := t.Origin(), tile.Span(t.Z)
	return f.max.X >= o.X-margin && f.min.X <= o.X+span+margin && f.max.Y >= o.Y-margin && f.min.Y <= o.Y+span+margin
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
