package pyramid

import "slices"

// graph is what bent edges become: nodes in the middles of hot pixels, and sides
// between them that meet in nodes only, so that they part the plane into faces.
// Each side is two ways, there and back: way 2s leads from the first node of side
// s to its second, way 2s+1 back.
//
// Angles grow from x to y, as they do in a polygon of positive area. What lies at
// the growing angles of a way is the ground beside it.
type graph struct {
	sets *sets

	sides  []side
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

	walked []bool  // of each way
	loop   []int32 // the nodes of a walk
	inLoop []int32 // of each node: where it may be in loop
}

// node is the middle of a hot pixel, in units.
type node struct{ x, y int16 }

// side is a piece of border between two nodes, in pixels until connect has
// numbered them.
type side struct {
	ends  [2]int32
	flips flips
}

func (g *graph) from(way int32) int32 { return g.sides[way>>1].ends[way&1] }

func (g *graph) to(way int32) int32 { return g.sides[way>>1].ends[way&1^1] }

// direction returns the way's course from its node.
func (g *graph) direction(way int32) (dx, dy int32) {
	a, b := g.nodes[g.from(way)], g.nodes[g.to(way)]
	return int32(b.x) - int32(a.x), int32(b.y) - int32(a.y)
}

// connect numbers the nodes, puts the ways out of each in order, and makes one of
// sides that lie on one another. p knows the hot pixels.
func (g *graph) connect(p *pixels) {
	g.nodes = p.number(g.nodes[:0])
	n := len(g.nodes)
	g.starts = zeroed(g.starts, n+1)
	for i := range g.sides {
		s := &g.sides[i]
		for k, pixel := range s.ends {
			s.ends[k] = p.rank(pixel)
			g.starts[s.ends[k]]++
		}
	}
	sum := int32(0)
	for i, k := range g.starts {
		sum += k
		g.starts[i] = sum
	}
	g.fans = slices.Grow(g.fans[:0], int(sum))[:sum]
	for i := len(g.sides) - 1; i >= 0; i-- {
		for k, node := range g.sides[i].ends {
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
			if !g.sides[way>>1].flips.empty() {
				g.fans[at], g.places[way] = way, at
				at++
			}
		}
		g.stops[i] = at
	}
}

func zeroed(list []int32, n int) []int32 {
	list = slices.Grow(list[:0], n)[:n]
	clear(list)
	return list
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

// join makes one of the sides that lead from a node to the same other one, which
// lie beside one another in its fan. Each pair of nodes is looked at from one end.
func (g *graph) join(node int32, fan []int32) {
	for i := 0; i < len(fan); {
		first, to := fan[i]>>1, g.to(fan[i])
		for i++; i < len(fan) && g.to(fan[i]) == to; i++ {
			if node < to {
				s := &g.sides[fan[i]>>1]
				g.sides[first].flips = g.sets.join(g.sides[first].flips, s.flips)
				s.flips = flips{none, none}
			}
		}
	}
}

// label finds what ground lies beside each way. From one way of a piece of the
// graph that hangs together the labels are known by going round its nodes; what
// lies around the piece is what lies south of the next side north of it.
func (g *graph) label() {
	n := len(g.nodes)
	g.labels = slices.Grow(g.labels[:0], 2*len(g.sides))[:2*len(g.sides)]
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
				g.rows[g.nodes[i].y-frameLow]++
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
		y := g.nodes[i].y - frameLow
		g.rows[y]--
		g.tops[g.rows[y]] = i
	}
	for y := range frameSide {
		row := g.tops[g.rows[y]:g.rows[y+1]]
		for i := 1; i < len(row); i++ {
			for j := i; j > 0 && g.nodes[row[j]].x < g.nodes[row[j-1]].x; j-- {
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
		l = g.sets.over(l, g.sides[next>>1].flips)
		g.labels[next] = l
		if to := g.to(next); !g.seen[to] {
			g.seen[to] = true
			g.stack = append(g.stack, next^1)
		}
	}
}
