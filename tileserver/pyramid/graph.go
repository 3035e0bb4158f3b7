package pyramid

import (
	"slices"

	"gengtu/tileserver/mvt"
)

// graph is what bent edges become: arcs along the middles of hot pixels, which meet
// in nodes only, so that they part the plane into faces. Each arc is two ways, there
// and back: way 2a leads from the first node of arc a to its second, way 2a+1 back.
// Nodes are where more than two links meet, and some others.
//
// Angles grow from x to y, as they do in a polygon of positive area. What lies at
// the growing angles of a way is the ground beside it.
type graph struct {
	sets *sets

	arcs   []arc
	path   []node // the points of all arcs
	nodes  []node
	fans   []int32 // the ways out of each node, by angle
	starts []int32 // where the ways of each node begin in fans; those of node i end
	stops  []int32 // at stops[i]
	places []int32 // of each way in fans
	labels []label // of the ground beside each way
	seen   []bool  // of each node
	stack  []int32
	found  []int32 // see findTops
	tops   []int32
	rows   []int32
	above  quarters

	walked []bool      // of each way
	loop   []mvt.Point // the points of a walk
	inLoop []int32     // of each node: where it may be in loop
}

// arc is a piece of border between two nodes, which flips the same features all
// along.
type arc struct {
	from, to int32 // its points in path: both ends, and the corners in between
	ends     [2]int32
	flips    flips
}

func (g *graph) from(way int32) int32 { return g.arcs[way>>1].ends[way&1] }

func (g *graph) to(way int32) int32 { return g.arcs[way>>1].ends[way&1^1] }

// points returns an arc's points, in the direction of way 2·arc.
func (g *graph) points(arc int32) []node {
	a := &g.arcs[arc]
	return g.path[a.from:a.to]
}

// direction returns the way's course from its node.
func (g *graph) direction(way int32) (dx, dy int32) {
	r := &g.arcs[way>>1]
	a, b := g.path[r.from], g.path[r.from+1]
	if way&1 != 0 {
		a, b = g.path[r.to-1], g.path[r.to-2]
	}
	return b.column() - a.column(), b.row() - a.row()
}

// begin begins an arc. Until the nodes are numbered its ends are slots.
func (g *graph) begin(m mark, d flips) {
	at := int32(len(g.path))
	g.path = append(g.path, m.node)
	g.arcs = append(g.arcs, arc{from: at, ends: [2]int32{m.slot, none}, flips: d})
}

// extend leads the last arc on to p. Corners in straight lines are left out.
func (g *graph) extend(p node) {
	n := len(g.path)
	if n-int(g.arcs[len(g.arcs)-1].from) > 1 {
		a, b := g.path[n-2], g.path[n-1]
		if (b.column()-a.column())*(p.row()-b.row()) == (p.column()-b.column())*(b.row()-a.row()) {
			g.path[n-1] = p
			return
		}
	}
	g.path = append(g.path, p)
}

// end ends the last arc, for now.
func (g *graph) end(m mark) {
	a := &g.arcs[len(g.arcs)-1]
	a.to, a.ends[1] = int32(len(g.path)), m.slot
}

// connect puts the ways out of each node in order, and makes one of arcs that lie
// on one another.
func (g *graph) connect() {
	n := len(g.nodes)
	sum := g.starts[n]
	g.fans = slices.Grow(g.fans[:0], int(sum))[:sum]
	for i := len(g.arcs) - 1; i >= 0; i-- {
		for k, node := range g.arcs[i].ends {
			g.starts[node]--
			g.fans[g.starts[node]] = int32(2*i + k)
		}
	}
	g.stops = slices.Grow(g.stops[:0], n)[:n]
	for i := range n {
		fan := g.fans[g.starts[i]:g.starts[i+1]]
		g.arrange(fan)
		g.join(int32(i), fan)
	}
	g.places = slices.Grow(g.places[:0], int(sum))[:sum]
	for i := range n {
		at := g.starts[i]
		for _, way := range g.fans[at:g.starts[i+1]] {
			if !g.arcs[way>>1].flips.empty() {
				g.fans[at], g.places[way] = way, at
				at++
			}
		}
		g.stops[i] = at
	}
}

// arrange sorts the ways out of a node by their angles from x to y.
func (g *graph) arrange(fan []int32) {
	if len(fan) < 2 {
		return
	}
	type course struct{ dx, dy int32 }
	var few [8]course
	courses := few[:0]
	for _, way := range fan {
		dx, dy := g.direction(way)
		courses = append(courses, course{dx, dy})
	}
	for i := 1; i < len(fan); i++ {
		for j := i; j > 0; j-- {
			c, d := courses[j], courses[j-1]
			if hc, hd := c.dy < 0 || c.dy == 0 && c.dx < 0, d.dy < 0 || d.dy == 0 && d.dx < 0; hc != hd && hc || hc == hd && c.dx*d.dy-c.dy*d.dx <= 0 {
				break
			}
			courses[j], courses[j-1] = d, c
			fan[j], fan[j-1] = fan[j-1], fan[j]
		}
	}
}

// join makes one of the links that lead from a node to the same other one, which
// lie beside one another in its fan. Only whole arcs do: where links lie on one
// another more than two end. Each pair of nodes is looked at from one end.
func (g *graph) join(node int32, fan []int32) {
	for i := 0; i < len(fan); {
		first, to := fan[i]>>1, g.to(fan[i])
		straight := len(g.points(first)) == 2
		for i++; i < len(fan) && straight && g.to(fan[i]) == to && len(g.points(fan[i]>>1)) == 2; i++ {
			if node < to {
				a := &g.arcs[fan[i]>>1]
				g.arcs[first].flips = g.sets.join(g.arcs[first].flips, a.flips)
				a.flips = flips{none, none}
			}
		}
	}
}

// label finds what ground lies beside each way. From one way of a piece of the
// graph that hangs together the labels are known by going round its nodes; what
// lies around the piece is what lies south of the next side north of it.
func (g *graph) label() {
	n := len(g.nodes)
	g.labels = slices.Grow(g.labels[:0], 2*len(g.arcs))[:2*len(g.arcs)]
	g.seen = slices.Grow(g.seen[:0], n)[:n]
	clear(g.seen)
	g.above.ready = false
	pieces := 0
	for _, i := range g.findTops() {
		if g.seen[i] {
			continue
		}
		around := label(none)
		if pieces++; pieces > 1 {
			around = g.above.find(g, i)
		}
		// No node of the piece lies north of this one, or west of it in its row, so
		// no way goes there: the outside is behind the last way by angle.
		g.seen[i] = true
		last := g.fans[g.stops[i]-1]
		g.labels[last] = around
		for g.stack = append(g.stack[:0], last); len(g.stack) > 0; {
			way := g.stack[len(g.stack)-1]
			g.stack = g.stack[:len(g.stack)-1]
			g.round(way)
		}
	}
}

// findTops returns the nodes from which no way leads north, or west along their
// row: row by row and from west to east. The first node of every piece is one.
func (g *graph) findTops() []int32 {
	g.rows = zeroed(g.rows, frameSide+1)
	g.found = g.found[:0]
	for i := range g.nodes {
		if g.starts[i] < g.stops[i] {
			if dx, dy := g.direction(g.fans[g.stops[i]-1]); dy > 0 || dy == 0 && dx > 0 {
				g.found = append(g.found, int32(i))
				g.rows[g.nodes[i].row()]++
			}
		}
	}
	sum := int32(0)
	for y, n := range g.rows {
		sum += n
		g.rows[y] = sum
	}
	g.tops = slices.Grow(g.tops[:0], len(g.found))[:len(g.found)]
	for _, i := range g.found {
		y := g.nodes[i].row()
		g.rows[y]--
		g.tops[g.rows[y]] = i
	}
	for y := range frameSide {
		row := g.tops[g.rows[y]:g.rows[y+1]]
		for i := 1; i < len(row); i++ {
			for j := i; j > 0 && g.nodes[row[j]] < g.nodes[row[j-1]]; j-- {
				row[j], row[j-1] = row[j-1], row[j]
			}
		}
	}
	return g.tops
}

// round goes round the node that way leads out of, whose label is known, and
// labels the ways there and those that come in.
func (g *graph) round(way int32) {
	node := g.from(way)
	start, stop := g.starts[node], g.stops[node]
	at, l := g.places[way], g.labels[way]
	for range stop - start {
		if at++; at == stop {
			at = start
		}
		next := g.fans[at]
		g.labels[next^1] = l
		l = g.sets.over(l, g.arcs[next>>1].flips)
		g.labels[next] = l
		if to := g.to(next); !g.seen[to] {
			g.seen[to] = true
			g.stack = append(g.stack, next^1)
		}
	}
}
