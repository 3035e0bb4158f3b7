package pyramid

import "gengtu/tileserver/mvt"

// quarters hold the sides of a graph by the squares of 32 units that they pass,
// in a chain for each square.
type quarters struct {
	ready bool
	heads []int32 // for each square its first link, from 1
	links []link
}

type link struct{ way, next int32 }

const (
	quarterShift = 5
	quarterSide  = (frameSide-1)>>quarterShift + 1
)

// point returns the node as a point of a tile.
func (n node) point() mvt.Point { return mvt.Point{X: int32(n.x), Y: int32(n.y)} }

// fill sorts in all sides of g that lead from west to east or back.
func (q *quarters) fill(g *graph) {
	q.ready = true
	q.heads = zeroed(q.heads, quarterSide*quarterSide)
	q.links = append(q.links[:0], link{})
	for i := range g.sides {
		s := &g.sides[i]
		if s.flips.empty() {
			continue
		}
		a, b, way := g.nodes[s.ends[0]].point(), g.nodes[s.ends[1]].point(), int32(2*i)
		if a.X > b.X {
			a, b, way = b, a, way+1
		}
		if a.X == b.X {
			continue
		}
		y0, y1 := (min(a.Y, b.Y)-frameLow)>>quarterShift, (max(a.Y, b.Y)-frameLow)>>quarterShift
		x0, x1 := (a.X-frameLow)>>quarterShift, (b.X-1-frameLow)>>quarterShift
		for y := y0; y <= y1; y++ {
			for x := x0; x <= x1; x++ {
				at := y*quarterSide + x
				q.links = append(q.links, link{way, q.heads[at]})
				q.heads[at] = int32(len(q.links) - 1)
			}
		}
	}
}

// find returns the label of the ground just north of a node, a little to the
// east of it. Sides there must be labelled.
func (q *quarters) find(g *graph, n int32) label {
	if !q.ready {
		q.fill(g)
	}
	p := g.nodes[n].point()
	found := label(none)
	// The nearest side so far is top/width south of the frame's upper side, and
	// falls by rise/width.
	top, rise, width := int64(0), int64(0), int64(0)
	column := (p.X - frameLow) >> quarterShift
	for y := (p.Y - frameLow) >> quarterShift; y >= 0; y-- {
		for l := q.heads[y*quarterSide+column]; l != 0; l = q.links[l].next {
			way := q.links[l].way
			a, b := g.nodes[g.from(way)].point(), g.nodes[g.to(way)].point()
			if p.X < a.X || p.X >= b.X || min(a.Y, b.Y) >= p.Y {
				continue
			}
			w, r := int64(b.X-a.X), int64(b.Y-a.Y)
			t := int64(a.Y-frameLow)*w + int64(p.X-a.X)*r
			if t >= int64(p.Y-frameLow)*w {
				continue
			}
			if nearer := t*width - top*w; width == 0 || nearer > 0 || nearer == 0 && r*width > rise*w {
				top, rise, width = t, r, w
				found = g.labels[way]
			}
		}
		if width > 0 && top >= int64(y)<<quarterShift*width {
			break // what squares further north hold is further away
		}
	}
	return found
}
