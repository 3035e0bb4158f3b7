package pyramidtest

import (
	"math"

	"gengtu/index/geo"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// core is what of a tile's unit squares the input covers, and which lie near its
// outline: bit y of column x.
type core struct {
	inside, near [mvt.Extent][mvt.Extent / 64]uint64
}

func span(bits *[mvt.Extent / 64]uint64, from, to int, flip bool) {
	from, to = max(from, 0), min(to, mvt.Extent)
	for from < to {
		word, bit := from/64, from%64
		n := min(64-bit, to-from)
		mask := (^uint64(0) >> (64 - n)) << bit
		if flip {
			bits[word] ^= mask
		} else {
			bits[word] |= mask
		}
		from += n
	}
}

// draw marks the squares whose middle lies inside rings, in tile units, and
// those within reach of their edges. Rings are closed or cut further outside the
// tile than the reach.
func (c *core) draw(rings [][]point, reach float64) {
	*c = core{}
	for _, r := range rings {
		for i, a := range r {
			b := r[(i+1)%len(r)]
			if a.x > b.x {
				a, b = b, a
			}
			c.edge(a, b, reach)
		}
	}
}

func (c *core) edge(a, b point, reach float64) {
	slope := 0.0
	if b.x > a.x {
		slope = (b.y - a.y) / (b.x - a.x)
	}
	at := func(x float64) float64 { return a.y + slope*(max(a.x, min(x, b.x))-a.x) }
	for x := max(0, int(math.Floor(a.x-reach))-1); x <= min(mvt.Extent-1, int(math.Ceil(b.x+reach))); x++ {
		middle := float64(x) + 0.5
		if a.x <= middle && middle < b.x {
			// All squares south of the edge: of each pair of edges those between stay.
			span(&c.inside[x], int(math.Ceil(at(middle)-0.5)), mvt.Extent, true)
		}
		y0, y1 := at(float64(x)-reach), at(float64(x)+1+reach)
		if slope == 0 {
			y0, y1 = a.y, b.y
		}
		span(&c.near[x], int(math.Floor(min(y0, y1)-reach)), int(math.Floor(max(y0, y1)+reach))+1, false)
	}
}

// outlines cuts the outline of a ground into the tiles of one zoom.
type outlines struct {
	grid  tile.Grid
	rings map[tile.Tile][][]point
}

// newOutlines cuts m, with margin units around each tile.
func newOutlines(g tile.Grid, z uint8, m geo.MultiPolygon, margin float64) *outlines {
	o := &outlines{grid: g, rings: map[tile.Tile][][]point{}}
	n := math.Ldexp(mvt.Extent, int(z))
	for _, p := range m {
		for _, r := range p {
			ring := make([]point, len(r)-1)
			for i, v := range r[:len(r)-1] {
				w := g.Project(v)
				ring[i] = point{w.X * n, w.Y * n}
			}
			o.cut(ring, z, margin)
		}
	}
	return o
}

// cut cuts columns first and rows of each, so that a large ring is not read once
// a tile.
func (o *outlines) cut(ring []point, z uint8, margin float64) {
	lo, hi := bounds(ring)
	cols, rows := o.grid.Size(z)
	tiles := func(a, b float64, n uint32) (int, int) {
		return max(0, int(math.Floor((a-margin)/mvt.Extent))), min(int(n)-1, int(math.Floor((b+margin)/mvt.Extent)))
	}
	x0, x1 := tiles(lo.x, hi.x, cols)
	for x := x0; x <= x1; x++ {
		left := float64(x) * mvt.Extent
		var c clipper
		column := c.box(ring, left-margin, math.Inf(-1), left+mvt.Extent+margin, math.Inf(1))
		if len(column) < 3 {
			continue
		}
		lo, hi := bounds(column)
		y0, y1 := tiles(lo.y, hi.y, rows)
		var d clipper
		for y := y0; y <= y1; y++ {
			top := float64(y) * mvt.Extent
			part := d.box(column, math.Inf(-1), top-margin, math.Inf(1), top+mvt.Extent+margin)
			if len(part) < 3 {
				continue
			}
			moved := make([]point, len(part))
			for i, p := range part {
				moved[i] = point{p.x - left, p.y - top}
			}
			t := tile.Tile{Grid: o.grid, Z: z, X: uint32(x), Y: uint32(y)}
			o.rings[t] = append(o.rings[t], moved)
		}
	}
}

func bounds(r []point) (lo, hi point) {
	lo, hi = point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	for _, p := range r {
		lo = point{min(lo.x, p.x), min(lo.y, p.y)}
		hi = point{max(hi.x, p.x), max(hi.y, p.y)}
	}
	return lo, hi
}
