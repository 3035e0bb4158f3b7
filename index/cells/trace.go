package cells

import (
	"cmp"
	"slices"
)

// Cell is a cell of a grid, by the coordinates of its south-west corner; or a
// corner of cells.
type Cell struct {
	X, Y int32
}

func less(a, b Cell) int {
	if c := cmp.Compare(a.Y, b.Y); c != 0 {
		return c
	}
	return cmp.Compare(a.X, b.X)
}

// Trace returns the outlines of a set of cells as polygons of corners: for each
// part that hangs together by sides, its shell counter-clockwise and then its
// holes clockwise, closed, without corners on straight lines. Rings are simple
// and touch each other in corners only. Cells may come in any order and more
// than once; the result depends on the set alone.
func Trace(set []Cell) [][][]Cell {
	t := newTracer(set)
	var shells [][][]Cell
	byPart := map[int32]int{}
	var holes []loop
	for i := range t.edges {
		if t.edges[i].used {
			continue
		}
		for _, l := range t.loops(i) {
			if l.area2 > 0 {
				byPart[l.part] = len(shells)
				shells = append(shells, [][]Cell{l.ring})
			} else {
				holes = append(holes, l)
			}
		}
	}
	for _, h := range holes {
		s := byPart[h.part]
		shells[s] = append(shells[s], h.ring)
	}
	slices.SortFunc(shells, func(a, b [][]Cell) int { return less(a[0][0], b[0][0]) })
	for _, s := range shells {
		slices.SortFunc(s[1:], func(a, b []Cell) int { return less(a[0], b[0]) })
	}
	return shells
}

// edge is a side of a cell that borders on no cell of the set, with the cell on
// its left.
type edge struct {
	from, to Cell
	part     int32
	used     bool
}

type tracer struct {
	edges []edge
	at    map[Cell][2]int32 // edges that leave a corner, +1; 0 for none
}

type loop struct {
	ring  []Cell
	area2 int64
	part  int32
}

func newTracer(set []Cell) *tracer {
	cs := slices.Clone(set)
	slices.SortFunc(cs, less)
	cs = slices.Compact(cs)
	index := make(map[Cell]int32, len(cs))
	for i, c := range cs {
		index[c] = int32(i)
	}
	parts := connect(cs, index)
	t := &tracer{at: make(map[Cell][2]int32, len(cs))}
	add := func(part int32, ax, ay, bx, by int32) {
		e := edge{from: Cell{ax, ay}, to: Cell{bx, by}, part: part}
		t.edges = append(t.edges, e)
		slots := t.at[e.from]
		if slots[0] == 0 {
			slots[0] = int32(len(t.edges))
		} else {
			slots[1] = int32(len(t.edges))
		}
		t.at[e.from] = slots
	}
	has := func(x, y int32) bool { _, ok := index[Cell{x, y}]; return ok }
	for i, c := range cs {
		x, y, p := c.X, c.Y, parts[i]
		if !has(x, y-1) {
			add(p, x, y, x+1, y)
		}
		if !has(x+1, y) {
			add(p, x+1, y, x+1, y+1)
		}
		if !has(x, y+1) {
			add(p, x+1, y+1, x, y+1)
		}
		if !has(x-1, y) {
			add(p, x, y+1, x, y)
		}
	}
	return t
}

// connect numbers the parts that hang together by sides.
func connect(cs []Cell, index map[Cell]int32) []int32 {
	parts := make([]int32, len(cs))
	next := int32(0)
	var stack []int32
	for i := range cs {
		if parts[i] != 0 {
			continue
		}
		next++
		parts[i] = next
		stack = append(stack[:0], int32(i))
		for len(stack) > 0 {
			c := cs[stack[len(stack)-1]]
			stack = stack[:len(stack)-1]
			for _, n := range [4]Cell{{c.X + 1, c.Y}, {c.X - 1, c.Y}, {c.X, c.Y + 1}, {c.X, c.Y - 1}} {
				if j, ok := index[n]; ok && parts[j] == 0 {
					parts[j] = next
					stack = append(stack, j)
				}
			}
		}
	}
	return parts
}

// loops walks the border that edge i lies on and returns it as simple loops:
// where the walk meets a corner again, what lies between is a loop of its own.
func (t *tracer) loops(i int) []loop {
	var out []loop
	var path []Cell
	seen := map[Cell]int{}
	part := t.edges[i].part
	for {
		e := &t.edges[i]
		e.used = true
		if k, ok := seen[e.from]; ok {
			out = append(out, finish(path[k:], part))
			for _, c := range path[k+1:] {
				delete(seen, c)
			}
			path = path[:k+1]
		} else {
			seen[e.from] = len(path)
			path = append(path, e.from)
		}
		next := t.after(e)
		if next < 0 {
			break
		}
		i = next
	}
	return append(out, finish(path, part))
}

// after returns the next unused edge of the border, of the same cell where two
// cells touch in a corner, or -1 at the end.
func (t *tracer) after(e *edge) int {
	best := -1
	for _, s := range t.at[e.to] {
		if s == 0 || t.edges[s-1].used {
			continue
		}
		n := &t.edges[s-1]
		dx, dy := e.to.X-e.from.X, e.to.Y-e.from.Y
		left := n.to.X-n.from.X == -dy && n.to.Y-n.from.Y == dx
		if best < 0 || left {
			best = int(s - 1)
		}
	}
	return best
}

// finish makes a loop of a path of neighbouring corners: straight ones are left
// out, the first is the smallest, and it is closed.
func finish(path []Cell, part int32) loop {
	n := len(path)
	var ring []Cell
	area2 := int64(0)
	for i, c := range path {
		p, q := path[(i+n-1)%n], path[(i+1)%n]
		area2 += int64(c.X)*int64(q.Y) - int64(q.X)*int64(c.Y)
		if (c.X-p.X)*(q.Y-c.Y) != (c.Y-p.Y)*(q.X-c.X) {
			ring = append(ring, c)
		}
	}
	k := 0
	for i := range ring {
		if less(ring[i], ring[k]) < 0 {
			k = i
		}
	}
	ring = append(slices.Clone(ring[k:]), ring[:k]...)
	return loop{append(ring, ring[0]), area2, part}
}
