package overlay

import (
	"context"
	"sync"

	"gengtu/index/geo"
)

// locally builds regions of two polygons from the places where they come near each
// other. Its lists are used again.
//
// Two edges that lie apart by more than a margin, on either side of a line, have nothing
// to do with each other in any of few rounds of [arrangement.divide]: see [rim]. So what
// comes near nothing stays as it is, and what comes near something is divided as it would
// be among all edges. What lies on either side of a divided segment follows by turning
// round the places where the polygons meet. The region is the same, to the last bit, as
// that of [operation.build].
//
// It gives up, and all edges are to be taken, where a polygon is not sound, rounding takes
// more rounds, boxes do not part what lies apart, or windings do not come out as they ought to.
type locally struct {
	loaded [2]ringTree
	sides  [2]touches
	arcs   []arc
	ends   []arcEnd
	nodes  []junction
	free   []freeRing
	stack  []int32
	ways   []way
	path   []int32
	rings  []geo.Ring

	sorted []arcEnd
	slots  []int32 // of a table of nodes by their positions: one more than the number
	tracer tracer
}

var locals = sync.Pool{New: func() any { return new(locally) }}

// load loads m as operand o, directed, and returns it as it is loaded; false if it is not sound.
func (l *locally) load(o operand, m geo.MultiPolygon) (geo.MultiPolygon, bool) {
	t := &l.loaded[o]
	if t.load(m) != sound {
		return nil, false
	}
	if t.against {
		m = canonicalCopy(m, len(t.at))
		if t.load(m) != sound {
			return nil, false
		}
	}
	return m, t.upright(m)
}

// loadBoth is load for both operands.
func (l *locally) loadBoth(a, b geo.MultiPolygon) (loadedA, loadedB geo.MultiPolygon, ok bool) {
	if a, ok = l.load(operandA, a); !ok {
		return nil, nil, false
	}
	b, ok = l.load(operandB, b)
	return a, b, ok
}

// region returns the ground of o in the polygons that a and b hold, which are sound and
// directed, if it has the area that it must have; or false where that is not to be had.
func (l *locally) region(o *operation, a, b *ringTree) (geo.MultiPolygon, bool) {
	out, ok := l.build(o, a, b)
	return out, ok && o.weigh(out) == nil
}

// build is region without regard to the area.
func (l *locally) build(o *operation, a, b *ringTree) (geo.MultiPolygon, bool) {
	l.sides[0].begin(a)
	l.sides[1].begin(b)
	c := crossover{a: &l.sides[0], b: &l.sides[1], visits: visitsPerEdge * (len(a.at) + len(b.at))}
	c.search(a.root, b.root)
	for k := range l.sides {
		l.sides[k].neighbours()
		l.sides[k].end()
	}
	if c.visits < 0 {
		return nil, false
	}
	l.arcs, l.free = l.arcs[:0], l.free[:0]
	if !l.divide(o.reading) {
		return nil, false
	}
	l.addRuns(operandA)
	l.addRuns(operandB)
	if !l.connect() {
		return nil, false
	}
	return l.trace(o.wanted), true
}

// divide divides the edges that something comes near, and makes arcs of them.
func (l *locally) divide(r reading) bool {
	s := newArrangement(context.Background(), r)
	defer s.release()
	s.fair = r == windings
	for k := range l.sides {
		for _, i := range l.sides[k].list {
			s.addEdge(l.sides[k].at[i], l.sides[k].at[i+1], operand(k))
		}
	}
	if s.divide(refineWhereNeeded) != nil || s.rounds > maxLocalRounds {
		return false
	}
	for _, list := range [2][]segment{s.segments, s.cancelled} {
		for _, g := range list {
			l.arcs = append(l.arcs, arc{p: g.p, q: g.q, next: g.q, prev: g.p, a: g.a, b: g.b})
		}
	}
	return true
}

// release gives l back, without what it holds of others.
func (l *locally) release() {
	l.sides[0].ringTree, l.sides[1].ringTree = nil, nil
	clear(l.arcs)
	clear(l.free)
	clear(l.rings)
	if max(cap(l.loaded[0].at), cap(l.loaded[1].at), cap(l.sides[0].marked)/8) <= keptSegments {
		locals.Put(l)
	}
}

// sharedLocally returns what a and b share, if both are sound and a local look is enough.
func sharedLocally(a, b geo.MultiPolygon) (geo.MultiPolygon, bool) {
	l := locals.Get().(*locally)
	defer l.release()
	a, b, ok := l.loadBoth(a, b)
	if !ok {
		return nil, false
	}
	if !l.loaded[0].box.Intersects(l.loaded[1].box) {
		return nil, true
	}
	o := operation{first: a, second: b, wanted: inBoth, area: SharedArea(a, b)}
	return l.region(&o, &l.loaded[0], &l.loaded[1])
}

// unitedLocally is the same for the ground of both.
func unitedLocally(a, b geo.MultiPolygon) (geo.MultiPolygon, bool) {
	l := locals.Get().(*locally)
	defer l.release()
	a, b, ok := l.loadBoth(a, b)
	if !ok {
		return nil, false
	}
	p := newPlane(l.loaded[0].box.Union(l.loaded[1].box))
	o := operation{reading: together, first: a, second: b, wanted: inEither, area: p.area(a) + p.area(b) - SharedArea(a, b)}
	return l.region(&o, &l.loaded[0], &l.loaded[1])
}

// differenceLocally is the same for the ground of a that is not b's.
func differenceLocally(a, b geo.MultiPolygon) (geo.MultiPolygon, bool) {
	l := locals.Get().(*locally)
	defer l.release()
	a, b, ok := l.loadBoth(a, b)
	if !ok {
		return nil, false
	}
	box := l.loaded[0].box
	if !widened(box).Intersects(l.loaded[1].box) {
		return canonicalCopy(a, len(l.loaded[0].at)), true
	}
	p := newPlane(box)
	o := operation{first: a, second: b, wanted: inFirstOnly, area: p.area(a) - SharedArea(a, b)}
	return l.region(&o, &l.loaded[0], &l.loaded[1])
}
