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
// to do with each other in any round of [arrangement.divide], of few rounds, that no edge is
// given points in for its bend: see [rim]. So what comes near nothing stays as it is, and what
// comes near something is divided as it would be among all edges. What lies on either side
// of a divided segment follows by turning round the places where the polygons meet. The
// region is the same, to the last bit, as that of [operation.region].
//
// Where that does not hold, or most edges come near others, it gives up.
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

	tracer tracer
}

var locals = sync.Pool{New: func() any { return new(locally) }}

const (
	// A region is built from all edges if more than fewTouched of them and more than one
	// in touchedShare come near others.
	fewTouched   = 48
	touchedShare = 4
)

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

// region returns the ground of o in the polygons that a and b hold, which are sound and directed, or
// false where that is not to be had.
func (l *locally) region(o *operation, a, b *ringTree) (geo.MultiPolygon, bool) {
	l.sides[0].begin(a)
	l.sides[1].begin(b)
	edges := len(a.at) + len(b.at)
	c := crossover{a: &l.sides[0], b: &l.sides[1], visits: visitsPerEdge * edges}
	c.search(a.root, b.root)
	l.sides[0].end()
	l.sides[1].end()
	n := len(l.sides[0].list) + len(l.sides[1].list)
	if c.visits < 0 || n > fewTouched && n > edges/touchedShare {
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
	out := l.trace(o.wanted)
	return out, o.weigh(out) == nil
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
	if s.divide(refineWhereNeeded) != nil || s.rounds > maxLocalRounds || s.pointed || s.dropped {
		return false
	}
	for _, g := range s.segments {
		l.arcs = append(l.arcs, arc{p: g.p, q: g.q, next: g.q, prev: g.p, a: g.a, b: g.b})
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
	a, ok := l.load(operandA, a)
	if !ok {
		return nil, false
	}
	b, ok = l.load(operandB, b)
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
	a, ok := l.load(operandA, a)
	if !ok {
		return nil, false
	}
	b, ok = l.load(operandB, b)
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
	a, ok := l.load(operandA, a)
	if !ok {
		return nil, false
	}
	b, ok = l.load(operandB, b)
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
