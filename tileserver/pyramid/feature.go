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
	low, high := tile.World{X: math.Inf(1), Y: math.Inf(1)}, tile.World{X: math.Inf(-1), Y: math.Inf(-1)}
	start := 0
	for _, end := range r.Ends {
		ring := r.Positions[start:end]
		start = int(end)
		for i := len(ring) - 1; i > 0; i-- {
			v := g.Project(ring[i])
			f.points = append(f.points, v)
			// Hardly a point is an end of the box, and none is a NaN.
			if v.X < low.X {
				low.X = v.X
			}
			if v.X > high.X {
				high.X = v.X
			}
			if v.Y < low.Y {
				low.Y = v.Y
			}
			if v.Y > high.Y {
				high.Y = v.Y
			}
		}
		f.ends = append(f.ends, len(f.points))
	}
	f.min, f.max = low, high
}

// surface is a part of the plane, its borders included.
type surface struct{ min, max tile.World }

// surfaceOf returns t and a margin around it.
func surfaceOf(t tile.Tile, margin float64) surface {
	o, span := t.Origin(), tile.Span(t.Z)
	return surface{
		tile.World{X: o.X - margin, Y: o.Y - margin},
		tile.World{X: o.X + span + margin, Y: o.Y + span + margin},
	}
}

// reachOf returns t and its margin, and one unit more, which is cut like the
// margin's last.
func reachOf(t tile.Tile) surface { return surfaceOf(t, tile.Span(t.Z)*(marginUnits+1)/mvt.Extent) }

// meets tells whether f's box and s have a point in common.
func (f *loaded) meets(s *surface) bool {
	return f.max.X >= s.min.X && f.min.X <= s.max.X && f.max.Y >= s.min.Y && f.min.Y <= s.max.Y
}

// reaches tells whether f's box meets [reachOf] t.
func (f *loaded) reaches(t tile.Tile) bool {
	reach := reachOf(t)
	return f.meets(&reach)
}

// counts tells whether f's figures are counted in t, which is so in one tile of each
// zoom: the one that holds f's first corner.
func (f *loaded) counts(t tile.Tile) bool {
	cols, rows := t.Grid.Size(t.Z)
	scale := float64(uint64(1) << t.Z)
	at := func(v float64, n uint32) uint32 { return uint32(max(0, min(v*scale, float64(n-1)))) }
	return at(f.points[0].X, cols) == t.X && at(f.points[0].Y, rows) == t.Y
}

// hundredths returns m2 in units of 0.01 m², and false for NaN.
func hundredths(m2 float64) (int64, bool) {
	if math.IsNaN(m2) {
		return 0, false
	}
	return int64(math.Round(m2 * 100)), true
}
