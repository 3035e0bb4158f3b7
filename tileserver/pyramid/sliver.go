package pyramid

import (
	"cmp"
	"slices"

	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// slivers draws features that are thinner than a unit everywhere, so that
// nothing is left of them when their corners are moved to whole units: as
// squares of one unit along them, as many as their area asks for, where nothing
// else is drawn. Ground that a neighbour has taken over with the common border is
// drawn already.
//
// Which squares a feature asks for depends on nothing but the feature, and who
// gets a square on nothing but that square: so tiles agree.
type slivers struct {
	squares []square
	chain   []spot
	ends    []int

	borders         []border
	starts, members []int32 // the borders by rows, see index
}

// square is a unit square, by its north-west corner, that a feature asks for.
type square struct {
	corner  node
	feature int32
}

// drawSlivers appends outlines of the squares of features that are too thin, and
// tells how many of those that reach into the tile are not drawn otherwise.
func (s *snapper) drawSlivers(t tile.Tile, features []*loaded) (vanished int) {
	if len(s.cutter.thin) == 0 {
		return 0
	}
	v := &s.slivers
	v.squares = v.squares[:0]
	w := windowOf(t)
	drawn := make(map[int32]bool)
	for _, o := range s.outlines.list {
		drawn[o.owner] = true
	}
	for _, f := range s.cutter.thin {
		if !drawn[f] && features[f].within(t) {
			vanished++
		}
		v.ask(&w, features[f], f)
	}
	// The first of several features gets a square.
	slices.SortFunc(v.squares, func(a, b square) int {
		return cmp.Or(cmp.Compare(a.corner, b.corner), cmp.Compare(a.feature, b.feature))
	})
	v.squares = slices.CompactFunc(v.squares, func(a, b square) bool { return a.corner == b.corner })
	if len(v.squares) == 0 {
		return vanished
	}
	v.index(&s.graph)
	v.squares = slices.DeleteFunc(v.squares, func(q square) bool { return !v.free(q) })
	s.drawSquares()
	return vanished
}

// drawSquares makes outlines of the squares that are left.
func (s *snapper) drawSquares() {
	s.pixels.cool()
	for _, q := range s.slivers.squares {
		for _, n := range q.corners() {
			p := n.point()
			s.pixels.light(p.X, p.Y)
		}
	}
	s.pixels.settle()
	c := &s.chains
	c.reset(len(s.pixels.hot))
	for _, q := range s.slivers.squares {
		corners := q.corners()
		for i, n := range corners {
			next := corners[(i+1)%len(corners)]
			c.marks = append(c.marks, mark{n, s.pixels.slot(n)}, mark{next, s.pixels.slot(next)})
			c.close(false, flips{q.feature, none})
		}
	}
	c.arcs(&s.graph)
	s.graph.connect()
	s.graph.label()
	s.graph.trace(&s.outlines)
}

// corners returns the square's corners, in turn.
func (q square) corners() [4]node {
	const east, south = 1, 1 << nodeBits
	return [4]node{q.corner, q.corner + east, q.corner + east + south, q.corner + south}
}

// within tells whether f's box reaches into t itself.
func (f *loaded) within(t tile.Tile) bool {
	o, span := t.Origin(), tile.Span(t.Z)
	return f.max.X > o.X && f.min.X < o.X+span && f.max.Y > o.Y && f.min.Y < o.Y+span
}

// ask appends the squares of f that lie in the frame: spread evenly along its
// corners, in steps of units along x or y, whichever is more.
func (v *slivers) ask(w *window, f *loaded, feature int32) {
	count := v.measure(w, f)
	if count == 0 {
		return
	}
	length := int64(0)
	steps := func(a, b spot) int64 { return max(b.x-a.x, a.x-b.x, b.y-a.y, a.y-b.y) }
	v.each(func(a, b spot) { length += steps(a, b) })
	if length == 0 {
		v.claim(v.chain[0], feature)
		return
	}
	// The way runs there and back again: half of it is the whole. Square n of
	// count is (2n+1)·length/(4·count) from the start, in whole steps.
	passed, n := int64(0), int64(0)
	v.each(func(a, b spot) {
		k := steps(a, b)
		last := min(count, (4*count*(passed+k)/length+1)/2)
		if k > 0 && !apart(spot{a.x << subShift, a.y << subShift}, spot{b.x << subShift, b.y << subShift}) {
			for ; n < last; n++ {
				d := max(0, min((2*n+1)*length/(4*count)-passed, k-1))
				// Between two units of the way the square is the one on the way to b.
				v.claim(spot{a.x + floorDiv(d*(b.x-a.x), k), a.y + floorDiv(d*(b.y-a.y), k)}, feature)
			}
		}
		n = max(n, last)
		passed += k
	})
}

// claim appends the square with the north-west corner p, if the frame has it.
// Squares along the lines where some tile's frame ends are left out by all tiles:
// that tile does not know what lies on their other side.
func (v *slivers) claim(p spot, feature int32) {
	if p.x >= frameLow && p.x < frameHigh && p.y >= frameLow && p.y < frameHigh && !atMargin(p.x) && !atMargin(p.y) {
		v.squares = append(v.squares, square{nodeAt(int32(p.x), int32(p.y)), feature})
	}
}

// atMargin tells whether a margin ends at unit v or v+1.
func atMargin(v int64) bool {
	v &= mvt.Extent - 1
	return v == marginUnits || v == marginUnits-1 || v == mvt.Extent-marginUnits || v == mvt.Extent-marginUnits-1
}

// measure fills v.chain with the corners of f in whole units, ring by ring, each
// from a corner that is far from its others, and returns f's area in square units.
func (v *slivers) measure(w *window, f *loaded) int64 {
	v.chain, v.ends = v.chain[:0], v.ends[:0]
	const unit2 = 2 * subunits * subunits
	area2, start := int64(0), 0
	for _, end := range f.ends {
		from := len(v.chain)
		origin := w.at(f.points[start])
		a := w.at(f.points[end-1])
		for _, p := range f.points[start:end] {
			b := w.at(p)
			area2 += (a.x-origin.x)*(b.y-origin.y) - (b.x-origin.x)*(a.y-origin.y)
			v.chain = append(v.chain, unitOf(b))
			a = b
		}
		start = end
		ring := v.chain[from:]
		far := 0
		for i, p := range ring {
			if distance2(p, ring[0]) > distance2(ring[far], ring[0]) {
				far = i
			}
		}
		turned := slices.Concat(ring[far:], ring[:far])
		copy(ring, turned)
		v.ends = append(v.ends, len(v.chain))
	}
	return (max(area2, -area2) + unit2/2) / unit2
}

func distance2(p, q spot) int64 { return (p.x-q.x)*(p.x-q.x) + (p.y-q.y)*(p.y-q.y) }

// each calls visit with the steps of v.chain from corner to corner.
func (v *slivers) each(visit func(a, b spot)) {
	start := 0
	for _, end := range v.ends {
		for i := start; i < end; i++ {
			next := i + 1
			if next == end {
				next = start
			}
			visit(v.chain[i], v.chain[next])
		}
		start = end
	}
}

// border is a link between ground and nothing, and the owners of both.
type border struct {
	a, b        mvt.Point
	left, right label
}

// index sorts the links that have ground on one hand only into the rows of
// squares that they touch.
func (v *slivers) index(g *graph) {
	v.borders = v.borders[:0]
	for i := range g.arcs {
		left, right := g.labels[2*i], g.labels[2*i+1]
		if g.arcs[i].flips.empty() || (left == none) == (right == none) {
			continue
		}
		points := g.points(int32(i))
		for k, b := range points[1:] {
			v.borders = append(v.borders, border{points[k].point(), b.point(), left, right})
		}
	}
	v.starts = zeroed(v.starts, frameSide+1)
	each := func(visit func(row, n int32)) {
		for i := range v.borders {
			y0, y1 := v.borders[i].a.Y, v.borders[i].b.Y
			for y := max(min(y0, y1)-1, frameLow); y <= min(max(y0, y1), frameHigh); y++ {
				visit(y-frameLow, int32(i))
			}
		}
	}
	each(func(row, _ int32) { v.starts[row]++ })
	sum := int32(0)
	for i, n := range v.starts {
		sum += n
		v.starts[i] = sum
	}
	v.members = slices.Grow(v.members[:0], int(sum))[:sum]
	each(func(row, n int32) { v.starts[row]--; v.members[v.starts[row]] = n })
}

// free tells whether the square shares no ground with what is drawn, and no
// border with what is drawn of its own feature.
func (v *slivers) free(q square) bool {
	p := q.corner.point()
	inside := false
	for _, n := range v.members[v.starts[p.Y-frameLow]:v.starts[p.Y-frameLow+1]] {
		l := &v.borders[n]
		a, b := l.a, l.b
		own := l.left == q.feature || l.right == q.feature
		if meets, cuts := meetSquare(a, b, p); cuts || own && meets {
			return false
		}
		// In half units, so that the square has a middle.
		if (a.Y > p.Y) != (b.Y > p.Y) {
			turned := cross(mvt.Point{X: b.X - a.X, Y: b.Y - a.Y}, mvt.Point{X: 2*(p.X-a.X) + 1, Y: 2*(p.Y-a.Y) + 1})
			if (b.Y > a.Y) == (turned > 0) {
				inside = !inside
			}
		}
	}
	return !inside
}

// meetSquare tells whether the side from a to b touches the unit square with the
// north-west corner p, and whether it cuts through its inside.
func meetSquare(a, b, p mvt.Point) (meets, cuts bool) {
	x0, x1, y0, y1 := min(a.X, b.X), max(a.X, b.X), min(a.Y, b.Y), max(a.Y, b.Y)
	if x1 < p.X || x0 > p.X+1 || y1 < p.Y || y0 > p.Y+1 {
		return false, false
	}
	d := mvt.Point{X: b.X - a.X, Y: b.Y - a.Y}
	var low, high int64
	for i, c := range [4]mvt.Point{p, {X: p.X + 1, Y: p.Y}, {X: p.X, Y: p.Y + 1}, {X: p.X + 1, Y: p.Y + 1}} {
		k := cross(d, mvt.Point{X: c.X - a.X, Y: c.Y - a.Y})
		if i == 0 {
			low, high = k, k
		}
		low, high = min(low, k), max(high, k)
	}
	meets = low <= 0 && high >= 0
	cuts = low < 0 && high > 0 && x1 > p.X && x0 < p.X+1 && y1 > p.Y && y0 < p.Y+1
	return meets, cuts
}

// floorDiv returns a/b, rounded down; b is positive.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
