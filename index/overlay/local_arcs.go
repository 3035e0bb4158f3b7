package overlay

import (
	"cmp"
	"slices"

	"gengtu/index/geo"
)

// arc is a piece of border between two places where pieces end: a divided segment, or
// a run of edges of a ring that nothing comes near. To its left the winding numbers of
// the two operands are greater by a and b.
type arc struct {
	p, q       geo.Position // its ends
	next, prev geo.Position // the positions after p and before q
	a, b       int32
	tree       *ringTree // of a run, else nil
	first      int32     // edge of a run
	count      int32     // of its edges
	ring       int32     // the run's
	from, to   int32     // numbers of p and q among the nodes
	// left are the winding numbers to the left; where one does not change from
	// right to left, it follows from others.
	left  [2]int32
	known [2]bool
	used  bool
}

// junction is a place where arcs end: ends[first:last].
type junction struct {
	at          geo.Position
	first, last int32
	turns       [2]bool // whether the winding number of an operand changes round it
	out         int32   // how many arcs of the region's border leave it
}

// arcEnd is an end of an arc, and the position next to it along the arc.
type arcEnd struct {
	at, next geo.Position
	arc      int32
	back     bool // whether it is where the arc ends
}

// jump returns by how much the winding number of operand o grows from right to left,
// looking away from the end.
func (l *locally) jump(e *arcEnd, o int) int32 {
	w := l.arcs[e.arc].a
	if o == 1 {
		w = l.arcs[e.arc].b
	}
	if e.back {
		return -w
	}
	return w
}

// addRuns adds the runs of t's rings, and lists the rings that are free of others. In t's
// operand a run counts one.
func (l *locally) addRuns(o operand) {
	t, touched := l.sides[o].ringTree, l.sides[o].list
	k, low := 0, int32(0)
	for ring, end := range t.ends {
		last := end - 1 // as many edges as positions but one
		from := k
		for k < len(touched) && touched[k] < last {
			k++
		}
		if from == k {
			l.free = append(l.free, freeRing{t, low, end, o})
		}
		for i := from; i < k; i++ {
			// From behind this edge to the next one that is touched.
			first, until := touched[i]+1, touched[from]+last-low
			if i+1 < k {
				until = touched[i+1]
			}
			if until > first {
				l.addRun(t, o, int32(ring), first, until-first, low)
			}
		}
		low = end
	}
}

// addRun adds count edges of a ring that begins at low; the first may lie behind its end.
func (l *locally) addRun(t *ringTree, o operand, ring, first, count, low int32) {
	n := t.ends[ring] - 1 - low
	wrap := func(i int32) int32 {
		if i >= low+n {
			return i - n
		}
		return i
	}
	first = wrap(first)
	last := wrap(first + count)
	a := arc{
		p: t.at[first], q: t.at[last], next: t.at[first+1], prev: t.at[wrap(first+count-1)],
		tree: t, first: first, count: count, ring: ring,
	}
	if o == operandA {
		a.a = 1
	} else {
		a.b = 1
	}
	l.arcs = append(l.arcs, a)
}

// connect finds the places where arcs end, and what lies on the sides of the arcs. It
// returns false where the arcs do not part inside from outside as they ought to.
func (l *locally) connect() bool {
	l.ends, l.nodes = l.ends[:0], l.nodes[:0]
	for i := range l.arcs {
		a := &l.arcs[i]
		l.ends = append(l.ends, arcEnd{a.p, a.next, int32(i), false}, arcEnd{a.q, a.prev, int32(i), true})
		for o, w := range [2]int32{a.a, a.b} {
			switch w {
			case 0:
			case 1:
				a.left[o], a.known[o] = 1, true
			case -1:
				a.left[o], a.known[o] = 0, true
			default:
				return false
			}
		}
	}
	l.group()
	for i := range l.nodes {
		if !l.turnRound(&l.nodes[i]) {
			return false
		}
	}
	return l.spreadOut()
}

// group numbers the places where arcs end, and puts the ends in their order.
func (l *locally) group() {
	bits := 4
	for 1<<bits < 2*len(l.ends) {
		bits++
	}
	l.slots = resized(l.slots, 1<<bits)
	clear(l.slots)
	for i := range l.ends {
		e := &l.ends[i]
		// Fibonacci hashing (Knuth, TAOCP 6.4), then one slot after another.
		h := (uint64(e.at.Lon)*0x9E3779B97F4A7C15 ^ uint64(e.at.Lat)) * 0x9E3779B97F4A7C15 >> (64 - bits)
		for l.slots[h] > 0 && l.nodes[l.slots[h]-1].at != e.at {
			h = (h + 1) & (1<<bits - 1)
		}
		if l.slots[h] == 0 {
			l.nodes = append(l.nodes, junction{at: e.at})
			l.slots[h] = int32(len(l.nodes))
		}
		k := l.slots[h] - 1
		l.nodes[k].last++
		if a := &l.arcs[e.arc]; e.back {
			a.to = k
		} else {
			a.from = k
		}
	}
	n := int32(0)
	for i := range l.nodes {
		v := &l.nodes[i]
		v.first, v.last, n = n, n, n+v.last
	}
	l.sorted = resized(l.sorted, len(l.ends))
	for i := range l.ends {
		e := &l.ends[i]
		a := &l.arcs[e.arc]
		k := a.from
		if e.back {
			k = a.to
		}
		v := &l.nodes[k]
		l.sorted[v.last] = *e
		v.last++
	}
	l.ends, l.sorted = l.sorted, l.ends
}

// turnRound goes round a place and gives the arcs there the winding numbers that follow.
func (l *locally) turnRound(at *junction) bool {
	ends := l.ends[at.first:at.last]
	if len(ends) < 2 {
		return false
	}
	if len(ends) > 2 {
		v := at.at
		east := geo.Position{Lon: v.Lon + 1, Lat: v.Lat}
		slices.SortFunc(ends, func(a, b arcEnd) int {
			// Counter-clockwise from east: east itself, the upper half, west, the lower.
			if c := cmp.Compare(halfTurn(v, east, b.next), halfTurn(v, east, a.next)); c != 0 {
				return c
			}
			return -cmp.Compare(turnOf(v, a.next, b.next), 0)
		})
	}
	for o := range 2 {
		first := -1
		for k := range ends {
			if l.jump(&ends[k], o) != 0 {
				first = k
				break
			}
		}
		if first < 0 {
			continue
		}
		at.turns[o] = true
		// To the left of an end that leads away, when the number grows there, it is 1.
		w := max(0, -l.jump(&ends[first], o))
		for k := range ends {
			e := &ends[(first+k)%len(ends)]
			a := &l.arcs[e.arc]
			if j := l.jump(e, o); j != 0 {
				if w += j; w != 0 && w != 1 {
					return false
				}
				continue
			}
			if a.known[o] && a.left[o] != w {
				return false
			}
			a.left[o], a.known[o] = w, true
		}
		if w != max(0, -l.jump(&ends[first], o)) {
			return false
		}
	}
	return true
}

// spreadOut gives winding numbers on along arcs of one operand: they change only where
// one meets the other. What meets the other nowhere is looked up.
func (l *locally) spreadOut() bool {
	for o := range 2 {
		l.stack = l.stack[:0]
		for i := range l.arcs {
			if a := &l.arcs[i]; a.known[o] && (o == 0 && a.a == 0 || o == 1 && a.b == 0) {
				l.stack = append(l.stack, int32(i))
			}
		}
		if !l.follow(o) {
			return false
		}
		for i := range l.arcs {
			a := &l.arcs[i]
			if a.known[o] || a.tree == nil || a.count < 2 {
				continue
			}
			// A position between edges that nothing comes near.
			a.left[o], a.known[o] = 0, true
			if l.sides[o].contains(a.next) {
				a.left[o] = 1
			}
			l.stack = append(l.stack, int32(i))
			if !l.follow(o) {
				return false
			}
		}
		for i := range l.arcs {
			if !l.arcs[i].known[o] {
				return false
			}
		}
	}
	return true
}

// follow gives the winding numbers of operand o from the arcs on the stack to those that
// meet them, and so on. It returns false if they contradict each other.
func (l *locally) follow(o int) bool {
	for len(l.stack) > 0 {
		a := &l.arcs[l.stack[len(l.stack)-1]]
		left := a.left[o]
		l.stack = l.stack[:len(l.stack)-1]
		for _, n := range [2]int32{a.from, a.to} {
			v := &l.nodes[n]
			if v.turns[o] {
				continue
			}
			ends := l.ends[v.first:v.last]
			for k := range ends {
				b := &l.arcs[ends[k].arc]
				if !b.known[o] {
					b.left[o], b.known[o] = left, true
					l.stack = append(l.stack, ends[k].arc)
				} else if b.left[o] != left {
					return false
				}
			}
		}
	}
	return true
}
