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
	chains   chains
	graph    graph
	outlines outlines
	slivers  slivers
	bender   bender
}

// tile returns what t shows of features, in their order, which is that of their
// ids, and how many of them are too thin for it. The answer and what it points to
// hold until the next call.
func (s *snapper) tile(t tile.Tile, features []*loaded) ([]mvt.Feature, int) {
	s.reset(len(features))
	s.cutter.gather(t, features)
	s.edges.cross()
	s.settle()
	s.bend()
	s.graph.connect()
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

// frameCorners are the frame's corners: nodes of what runs along it, which bend
// nothing.
var frameCorners = [4]node{
	nodeAt(frameLow, frameLow), nodeAt(frameHigh, frameLow), nodeAt(frameLow, frameHigh), nodeAt(frameHigh, frameHigh),
}

func (s *snapper) settle() {
	if len(s.cutter.rims) > 0 {
		for _, n := range frameCorners {
			s.pixels.room(n)
		}
	}
	s.pixels.settle()
}

// bend makes the graph's arcs from the edges.
func (s *snapper) bend() {
	c := &s.chains
	c.reset(len(s.pixels.hot))
	s.bender.reset(&s.pixels)
	for i := range s.edges.list {
		e := &s.edges.list[i]
		if !e.flips.empty() {
			c.marks = s.bender.through(e.a, e.b, c.marks)
			c.close(e.turned, e.flips)
		}
	}
	if len(s.cutter.rims) > 0 {
		for _, n := range frameCorners {
			s.pixels.heat(n)
		}
	}
	for _, r := range s.cutter.rims {
		c.marks = r.along(&s.pixels, c.marks)
		c.close(false, flips{r.feature, none})
	}
	c.arcs(&s.graph)
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
