package pyramid

import (
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// snapper draws parcels on the tile's grid so that what was one border stays one
// border: snap rounding (Hobby 1999). Every corner, and every point in which
// edges cross, makes the unit square around it hot; every edge is bent to the
// middle of each hot square that it runs through. All edges of the tile are bent
// together, each once, so borders that were shared, in whole or in part, are
// shared still, and no two edges cross. The faces between them are given to the
// features that cover them: each to the first of several, so that no ground is
// drawn twice. A parcel loses what is thinner than a unit; its neighbours, bent
// to the same line, gain it.
//
// METHOD.md tells why this holds and why tiles agree with their neighbours.
type snapper struct {
	pixels   pixels
	sets     sets
	edges    edges
	cutter   cutter
	graph    graph
	outlines outlines
	slivers  slivers
	chain    []int32
}

// tile returns what t shows of features, in their order, which is that of their
// ids, and how many of them are too thin for it. The answer and what it points to
// hold until the next call.
func (s *snapper) tile(t tile.Tile, features []*loaded) ([]mvt.Feature, int) {
	s.reset(len(features))
	s.cutter.gather(t, features)
	s.edges.cross()
	s.bend()
	s.graph.connect(&s.pixels)
	s.graph.label()
	s.outlines.reset()
	s.graph.trace(&s.outlines)
	vanished := s.drawSlivers(t, features)
	if !s.outlines.show() {
		return nil, vanished
	}
	return s.outlines.drawn(features), vanished
}

func (s *snapper) reset(features int) {
	s.edges.pixels, s.edges.sets = &s.pixels, &s.sets
	s.cutter.edges = &s.edges
	s.graph.sets = &s.sets
	s.pixels.cool()
	s.sets.reset(features)
	s.edges.reset()
}

// bend makes the sides of the graph from the edges.
func (s *snapper) bend() {
	g := &s.graph
	g.sides = g.sides[:0]
	for i := range s.edges.list {
		e := &s.edges.list[i]
		if e.flips.empty() {
			continue
		}
		s.chain = s.pixels.through(e.a, e.b, s.chain[:0])
		for j, p := range s.chain[1:] {
			g.sides = append(g.sides, side{s.chain[j], p, e.flips})
		}
	}
	// The frame's corners are nodes of what runs along it, and bend nothing.
	if len(s.cutter.rims) > 0 {
		for _, x := range [2]int32{frameLow, frameHigh} {
			s.pixels.light(x, frameLow)
			s.pixels.light(x, frameHigh)
		}
	}
	for _, r := range s.cutter.rims {
		s.bendRim(r)
	}
}

// bendRim makes sides from an edge along the frame: between all hot pixels there.
func (s *snapper) bendRim(r rim) {
	a, b := unitOf(r.a), unitOf(r.b)
	from, to := pixelAt(int32(a.x), int32(a.y)), pixelAt(int32(b.x), int32(b.y))
	if from > to {
		from, to = to, from
	}
	s.chain = s.chain[:0]
	if a.y == b.y {
		s.chain = s.pixels.forward(from, to, s.chain)
	} else {
		for p := from; p <= to; p += rowBits {
			s.chain = s.pixels.forward(p, p, s.chain)
		}
	}
	for j := 1; j < len(s.chain); j++ {
		s.graph.sides = append(s.graph.sides, side{s.chain[j-1], s.chain[j], flips{r.feature, none}})
	}
}

// show tells whether any outline reaches into the tile itself.
func (o *outlines) show() bool {
	for _, l := range o.list {
		low, high := o.points[l.from], o.points[l.from]
		for _, v := range o.points[l.from:l.to] {
			low = mvt.Point{X: min(low.X, v.X), Y: min(low.Y, v.Y)}
			high = mvt.Point{X: max(high.X, v.X), Y: max(high.Y, v.Y)}
		}
		if low.X < mvt.Extent && low.Y < mvt.Extent && high.X > 0 && high.Y > 0 {
			return true
		}
	}
	return false
}
