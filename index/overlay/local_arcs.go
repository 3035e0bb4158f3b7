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
	first, last int32
	out         int32 // how many arcs of the region's border leave it
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
	slices.SortFunc(l.ends, func(a, b arcEnd) int { return order(a.at, b.at) })
	for i := 0; i < len(l.ends); {
		j := i + 1
		for j < len(l.ends) && l.ends[j].at == l.ends[i].at {
			j++
		}
		for k := i; k < j; k++ {
			if e := &l.ends[k]; e.back {
				l.arcs[e.arc].to = int32(len(l.nodes))
			} else {
				l.arcs[e.arc].from = int32(len(l.nodes))
			}
		}
		l.nodes = append(l.nodes, junction{first: int32(i), last: int32(j)})
		if !l.turnRound(l.ends[i:j]) {
			return false
		}
		i = j
	}
	return l.spreadOut()
}

// turnRound goes round a place and gives the arcs there the winding numbers that follow.
func (l *locally) turnRound(ends []arcEnd) bool {
	if len(ends) < 2 {
		return false
	}
	if len(ends) > 2 {
		v := ends[0].at
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
		a := l.arcs[l.stack[len(l.stack)-1]]
		l.stack = l.stack[:len(l.stack)-1]
		for _, n := range [2]int32{a.from, a.to} {
			ends := l.ends[l.nodes[n].first:l.nodes[n].last]
			if slices.ContainsFunc(ends, func(e arcEnd) bool { return l.jump(&e, o) != 0 }) {
				continue
			}
			for _, e := range ends {
				b := &l.arcs[e.arc]
				if !b.known[o] {
					b.left[o], b.known[o] = a.left[o], true
					l.stack = append(l.stack, e.arc)
				} else if b.left[o] != a.left[o] {
					return false
				}
			}
		}
	}
	return true
}
