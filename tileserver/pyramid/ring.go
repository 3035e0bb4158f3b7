package pyramid

import (
	"cmp"
	"slices"

	"gengtu/tileserver/mvt"
)

// polygons makes polygons of the bent rings of a feature. Rings that pass no
// corner twice are simple and stay as they are; others are taken apart into
// edges and put together again.
func (s *snapper) polygons() []mvt.Polygon {
	if s.marks == nil {
		s.marks = make([]uint64, (pixelSide*pixelSide+63)/64)
	}
	simple := true
	for _, ring := range s.chains {
		simple = simple && len(ring) > 2
		for _, p := range ring {
			b := bit(p)
			simple = simple && s.marks[b>>6]&(1<<(b&63)) == 0
			s.marks[b>>6] |= 1 << (b & 63)
		}
	}
	for _, ring := range s.chains {
		for _, p := range ring {
			s.marks[bit(p)>>6] = 0
		}
	}
	a := &s.arcs
	a.shells, a.holes = a.shells[:0], a.holes[:0]
	if simple {
		for _, ring := range s.chains {
			a.sort(ring)
		}
	} else {
		a.trace(s.chains)
	}
	return a.polygons()
}

// arcs takes rings apart where they meet themselves.
type arcs struct {
	list          []arc
	used          []bool
	stack         []mvt.Point
	at            map[mvt.Point]int
	shells, holes []sized
}

// arc is an edge between two neighbouring corners.
type arc struct{ a, b mvt.Point }

// sized is a ring with twice its area.
type sized struct {
	ring  mvt.Ring
	area2 int64
}

func comparePoints(p, q mvt.Point) int {
	if c := cmp.Compare(p.X, q.X); c != 0 {
		return c
	}
	return cmp.Compare(p.Y, q.Y)
}

func compareArcs(e, f arc) int {
	if c := comparePoints(e.a, f.a); c != 0 {
		return c
	}
	return comparePoints(e.b, f.b)
}

// trace finds the simple rings around what chains surround. Edges that lie on one
// another in opposite directions cancel out. What is left is walked along with
// the inside on one hand, taking the sharpest turn towards it at each corner, and
// a loop that closes on the way is a ring of its own: so rings touch themselves
// nowhere, and what hangs together by a corner only becomes two polygons.
func (t *arcs) trace(chains [][]mvt.Point) {
	t.collect(chains)
	if t.at == nil {
		t.at = map[mvt.Point]int{}
	}
	t.used = append(t.used[:0], make([]bool, len(t.list))...)
	for i := range t.list {
		if t.used[i] {
			continue
		}
		t.stack = t.stack[:0]
		clear(t.at)
		// Every corner has as many edges in as out, so a walk ends where it began.
		for next := i; next >= 0; next = t.after(next) {
			t.used[next] = true
			p := t.list[next].a
			if k, ok := t.at[p]; ok {
				t.sort(t.stack[k:])
				for _, q := range t.stack[k+1:] {
					delete(t.at, q)
				}
				t.stack = t.stack[:k+1]
				continue
			}
			t.at[p] = len(t.stack)
			t.stack = append(t.stack, p)
		}
		t.sort(t.stack)
	}
}

// collect fills t.list with the edges of chains that do not cancel out, sorted.
func (t *arcs) collect(chains [][]mvt.Point) {
	t.list = t.list[:0]
	for _, ring := range chains {
		for i, a := range ring {
			if b := ring[(i+1)%len(ring)]; a != b {
				t.list = append(t.list, arc{a, b})
			}
		}
	}
	// An edge and its opposite become neighbours when sorted by their lower end.
	lower := func(e arc) arc {
		if comparePoints(e.b, e.a) < 0 {
			return arc{e.b, e.a}
		}
		return e
	}
	slices.SortFunc(t.list, func(e, f arc) int {
		if c := compareArcs(lower(e), lower(f)); c != 0 {
			return c
		}
		return compareArcs(e, f)
	})
	kept := 0
	for i := 0; i < len(t.list); {
		line, balance := lower(t.list[i]), 0
		for ; i < len(t.list) && lower(t.list[i]) == line; i++ {
			if t.list[i] == line {
				balance++
			} else {
				balance--
			}
		}
		for ; balance > 0; balance-- {
			t.list[kept] = line
			kept++
		}
		for ; balance < 0; balance++ {
			t.list[kept] = arc{line.b, line.a}
			kept++
		}
	}
	t.list = t.list[:kept]
	slices.SortFunc(t.list, compareArcs)
}

// after returns the edge to go on with after edge i, or -1 at the walk's end.
func (t *arcs) after(i int) int {
	from, at := t.list[i].a, t.list[i].b
	j, _ := slices.BinarySearchFunc(t.list, at, func(e arc, p mvt.Point) int { return comparePoints(e.a, p) })
	best := -1
	back := mvt.Point{X: from.X - at.X, Y: from.Y - at.Y}
	for ; j < len(t.list) && t.list[j].a == at; j++ {
		if t.used[j] {
			continue
		}
		way := func(k int) mvt.Point { return mvt.Point{X: t.list[k].b.X - at.X, Y: t.list[k].b.Y - at.Y} }
		if best < 0 || sooner(back, way(best), way(j)) {
			best = j
		}
	}
	return best
}

// sooner tells whether, turning from back by growing angles, u is met before v.
// Angles grow from x to y; the walks have the inside on the side of growing y
// when they go along x, so the last way met is the sharpest turn to the inside.
func sooner(back, u, v mvt.Point) bool {
	hu, hv := halfTurn(back, u), halfTurn(back, v)
	if hu != hv {
		return hu < hv
	}
	return cross(u, v) > 0
}

// halfTurn tells in which part of a turn from back v lies: up to a half, the half
// itself, beyond it, or a whole turn.
func halfTurn(back, v mvt.Point) int {
	c := cross(back, v)
	switch {
	case c > 0:
		return 0
	case c < 0:
		return 2
	case int64(back.X)*int64(v.X)+int64(back.Y)*int64(v.Y) < 0:
		return 1
	}
	return 3
}

func cross(u, v mvt.Point) int64 {
	return int64(u.X)*int64(v.Y) - int64(v.X)*int64(u.Y)
}

// sort copies ring, without corners in straight lines, to shells or holes.
func (t *arcs) sort(ring []mvt.Point) {
	out := make(mvt.Ring, 0, len(ring))
	for i, p := range ring {
		before, after := ring[(i+len(ring)-1)%len(ring)], ring[(i+1)%len(ring)]
		if cross(mvt.Point{X: p.X - before.X, Y: p.Y - before.Y}, mvt.Point{X: after.X - p.X, Y: after.Y - p.Y}) != 0 {
			out = append(out, p)
		}
	}
	switch area2 := out.Area2(); {
	case area2 > 0:
		t.shells = append(t.shells, sized{out, area2})
	case area2 < 0:
		t.holes = append(t.holes, sized{out, -area2})
	}
}

// polygons gives each hole to the smallest shell around it.
func (t *arcs) polygons() []mvt.Polygon {
	if len(t.shells) == 0 {
		return nil
	}
	out := make([]mvt.Polygon, len(t.shells))
	for i, s := range t.shells {
		out[i] = mvt.Polygon{s.ring}
	}
	for _, h := range t.holes {
		best := 0
		if len(t.shells) > 1 {
			best = -1
			for i, s := range t.shells {
				if s.area2 > h.area2 && (best < 0 || s.area2 < t.shells[best].area2) && surrounds(s.ring, h.ring) {
					best = i
				}
			}
		}
		// Edges that cancel out leave no hole without a shell; if the input was
		// not valid there may be one, and what it took away was not there.
		if best >= 0 {
			out[best] = append(out[best], h.ring)
		}
	}
	return out
}

// surrounds tells whether the middle of an edge of hole, which lies on no edge of
// shell, lies inside shell. Coordinates are doubled.
func surrounds(shell, hole mvt.Ring) bool {
	p := mvt.Point{X: hole[0].X + hole[1].X, Y: hole[0].Y + hole[1].Y}
	inside := false
	for i, a := range shell {
		b := shell[(i+1)%len(shell)]
		a, b = mvt.Point{X: 2 * a.X, Y: 2 * a.Y}, mvt.Point{X: 2 * b.X, Y: 2 * b.Y}
		if (a.Y > p.Y) == (b.Y > p.Y) {
			continue
		}
		side := cross(mvt.Point{X: b.X - a.X, Y: b.Y - a.Y}, mvt.Point{X: p.X - a.X, Y: p.Y - a.Y})
		if (b.Y > a.Y) == (side > 0) {
			inside = !inside
		}
	}
	return inside
}
