package pyramidtest

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/tileserver/tile"
)

// Ground is a layer's ground counted once.
type Ground struct {
	// Pieces are the features without what features of lower ids cover, in the
	// order of their ids; those of which nothing is left have no geometry.
	Pieces []Feature
	// Outline is the ground of all of them together.
	Outline geo.MultiPolygon
	// Overlap is the ground that several cover, once for each time more, in m².
	Overlap float64

	features []Feature
}

// NewGround counts the ground of features once. Features are not changed; an id
// of 0 or one that is there twice is an error. ctx stops it.
func NewGround(ctx context.Context, features []Feature) (*Ground, error) {
	g := &Ground{features: features, Pieces: slices.Clone(features)}
	slices.SortFunc(g.Pieces, func(a, b Feature) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	all := make([]geo.MultiPolygon, len(g.Pieces))
	boxes := make([]geo.Box, len(g.Pieces))
	for i, f := range g.Pieces {
		if f.ID == 0 || i > 0 && f.ID == g.Pieces[i-1].ID {
			return nil, fmt.Errorf("id %d is no id of one feature", f.ID)
		}
		all[i], boxes[i] = f.Geometry, f.Geometry.Box()
	}
	if err := g.part(ctx, all, boxes); err != nil {
		return nil, err
	}
	var err error
	g.Outline, err = overlay.Dissolve(ctx, all)
	return g, err
}

// part takes from each feature what those before it cover.
func (g *Ground) part(ctx context.Context, all []geo.MultiPolygon, boxes []geo.Box) error {
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return int(min(1, max(-1, boxes[a].Min.Lon-boxes[b].Min.Lon))) })
	before := map[int][]int{}
	var open []int
	for _, i := range order {
		if err := ctx.Err(); err != nil {
			return err
		}
		open = slices.DeleteFunc(open, func(j int) bool { return boxes[j].Max.Lon < boxes[i].Min.Lon })
		for _, j := range open {
			if boxes[i].Intersects(boxes[j]) && overlay.SharedArea(all[i], all[j]) > 0 {
				before[max(i, j)] = append(before[max(i, j)], min(i, j))
			}
		}
		open = append(open, i)
	}
	for i, js := range before {
		for _, j := range js {
			// The rounding of a cut can leave a trace that has no area.
			left, err := overlay.Difference(g.Pieces[i].Geometry, all[j])
			if err != nil {
				return fmt.Errorf("id %d without id %d: %w", g.Pieces[i].ID, g.Pieces[j].ID, err)
			}
			g.Pieces[i].Geometry = left
		}
		g.Overlap += areaOf(all[i]) - areaOf(g.Pieces[i].Geometry)
	}
	return nil
}

// areaOf is the area of m on the ellipsoid in m², edges straight in longitude and
// the equal-area latitude.
func areaOf(m geo.MultiPolygon) float64 {
	sum := 0.0
	for _, p := range m {
		for _, r := range p {
			sum += planar(plane(r))
		}
	}
	return sum
}

// plane puts r on the plane of longitude in radians and equal-area latitude in
// m², without its last position.
func plane(r geo.Ring) []point {
	out := make([]point, 0, len(r)-1)
	for _, p := range r[:len(r)-1] {
		v := p.LonLat()
		out = append(out, point{v.Lon * math.Pi / 180, equalArea(v.Lat)})
	}
	return out
}

// shares is the ground of each class in each tile of one zoom, in m².
type shares map[tile.Tile]map[string]float64

// sharesAt cuts the pieces along the borders of the tiles of zoom z, which are
// meridians and parallels in both grids.
func (g *Ground) sharesAt(grid tile.Grid, z uint8) shares {
	out := shares{}
	var c clipper
	add := func(t tile.Tile, class string, m2 float64) {
		if out[t] == nil {
			out[t] = map[string]float64{}
		}
		out[t][class] += m2
	}
	border := func(x, y uint32) point {
		v := grid.Unproject(tile.Tile{Grid: grid, Z: z, X: x, Y: y}.Origin())
		return point{v.Lon * math.Pi / 180, equalArea(v.Lat)}
	}
	for _, f := range g.Pieces {
		x0, y0, x1, y1 := grid.Range(f.Geometry.Box(), z)
		for _, p := range f.Geometry {
			for _, r := range p {
				ring := plane(r)
				for x := x0; x <= x1; x++ {
					for y := y0; y <= y1; y++ {
						nw, se := border(x, y), border(x+1, y+1)
						// The outermost tiles have what Range gave them.
						if x == x0 {
							nw.x = -math.Pi
						}
						if x == x1 {
							se.x = math.Pi
						}
						if y == y0 {
							nw.y = math.Inf(1)
						}
						if y == y1 {
							se.y = math.Inf(-1)
						}
						add(tile.Tile{Grid: grid, Z: z, X: x, Y: y}, f.Class, planar(c.box(ring, nw.x, se.y, se.x, nw.y)))
					}
				}
			}
		}
	}
	return out
}

// up adds the tiles up to those of the zoom above.
func (s shares) up() shares {
	out := shares{}
	for t, classes := range s {
		t = tile.Tile{Grid: t.Grid, Z: t.Z - 1, X: t.X / 2, Y: t.Y / 2}
		if out[t] == nil {
			out[t] = map[string]float64{}
		}
		for k, v := range classes {
			out[t][k] += v
		}
	}
	return out
}
