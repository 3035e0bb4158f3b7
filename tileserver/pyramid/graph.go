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
	pixels []int32 // of each node; nodes are numbered by rows
	fans   []int32 // the ways out of each node, by angle
	starts []int32 // where the ways of each node begin in fans; those of node i end
	stops  []int32 // at stops[i]
	places []int32 // of each way in fans
	labels []label // of the ground beside each way
	seen   []bool  // of each node
	stack  []int32
	above  bands

	walked []bool  // of each way
	loop   []int32 // the nodes of a walk
	inLoop []int32 // of each node: where it may be in loop
}

// side is a piece of border between two nodes, in pixels until connect has
// numbered them.
type side struct {
	a, b  int32
	flips flips
}

func (g *graph) from(way int32) int32 {
	if way&1 == 0 {
		return g.sides[way>>1].a
	}
	return g.sides[way>>1].b
}

func (g *graph) to(way int32) int32 { return g.from(way ^ 1) }

// direction returns the way's course from its node.
func (g *graph) direction(way int32) (dx, dy int32) {
	ax, ay := middleOf(g.pixels[g.from(way)])
	bx, by := middleOf(g.pixels[g.to(way)])
	return bx - ax, by - ay
}

// connect numbers the nodes, puts the ways out of each in order, and makes one of
// sides that lie on one another. p knows the hot pixels.
func (g *graph) connect(p *pixels) {
	g.pixels = p.number(g.pixels[:0])
	n := len(g.pixels)
	g.starts = zeroed(g.starts, n+1)
	for i := range g.sides {
		s := &g.sides[i]
		s.a, s.b = p.rank(s.a), p.rank(s.b)
		g.starts[s.a]++
		g.starts[s.b]++
	}
	sum := int32(0)
	for i, k := range g.starts {
		sum += k
		g.starts[i] = sum
	}
	g.fans = slices.Grow(g.fans[:0], int(sum))[:sum]
	for i := len(g.sides) - 1; i >= 0; i-- {
		s := &g.sides[i]
		g.starts[s.a]--
		g.fans[g.starts[s.a]] = int32(2 * i)
		g.starts[s.b]--
		g.fans[g.starts[s.b]] = int32(2*i + 1)
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
	var few [16]course
	courses := few[:0]
	for _, way := range fan {
		dx, dy := g.direction(way)
		courses = append(courses, course{dx, dy})
	}
	half := func(c course) bool { return c.dy < 0 || c.dy == 0 && c.dx < 0 }
	before := func(c, d course) bool {
		if half(c) != half(d) {
			return half(d)
		}
		return int64(c.dx)*int64(d.dy)-int64(c.dy)*int64(d.dx) > 0
	}
	for i := 1; i < len(fan); i++ {
		for j := i; j > 0 && before(courses[j], courses[j-1]); j-- {
			courses[j], courses[j-1] = courses[j-1], courses[j]
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
	n := len(g.pixels)
	g.labels = slices.Grow(g.labels[:0], 2*len(g.sides))[:2*len(g.sides)]
	g.seen = slices.Grow(g.seen[:0], n)[:n]
	clear(g.seen)
	g.above.ready = false
	pieces := 0
	for i := range n {
		if g.seen[i] || g.starts[i] == g.stops[i] {
			continue
		}
		around := label(none)
		if pieces++; pieces > 1 {
			around = g.above.find(g, int32(i))
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

// bands hold the sides of a graph by the columns, 16 units wide, that they pass.
type bands struct {
	ready   bool
	starts  []int32
	members []int32
}

const bandShift = 4

// find returns the label of the ground just north of a node, a little to the
// east of it. Sides there must be labelled.
func (b *bands) find(g *graph, node int32) label {
	if !b.ready {
		b.fill(g)
	}
	x, y := middleOf(g.pixels[node])
	band := (x - frameLow) >> bandShift
	found := label(none)
	// The nearest side so far is at top/width below the frame's upper side, and
	// falls by rise/width.
	top, rise, width := int64(0), int64(0), int64(0)
	for _, way := range b.members[b.starts[band]:b.starts[band+1]] {
		x0, y0 := middleOf(g.pixels[g.from(way)])
		x1, y1 := middleOf(g.pixels[g.to(way)])
		if x < x0 || x >= x1 || min(y0, y1) >= y {
			continue
		}
		w, r := int64(x1-x0), int64(y1-y0)
		t := int64(y0-frameLow)*w + int64(x-x0)*r
		if t >= int64(y-frameLow)*w {
			continue
		}
		if nearer := t*width - top*w; width == 0 || nearer > 0 || nearer == 0 && r*width > rise*w {
			top, rise, width = t, r, w
			found = g.labels[way]
		}
	}
	return found
}

func (b *bands) fill(g *graph) {
	const count = (frameSide-1)>>bandShift + 1
	b.ready = true
	b.starts = zeroed(b.starts, count+1)
	// each calls visit with every band and the eastward way of each side in it.
	each := func(visit func(band, way int32)) {
		for i := range g.sides {
			s := &g.sides[i]
			if s.flips.empty() {
				continue
			}
			x0, x1, way := g.pixels[s.a]%rowBits, g.pixels[s.b]%rowBits, int32(2*i)
			if x0 > x1 {
				x0, x1, way = x1, x0, way+1
			}
			if x0 == x1 {
				continue
			}
			for k := x0 >> bandShift; k <= (x1-1)>>bandShift; k++ {
				visit(k, way)
			}
		}
	}
	each(func(band, _ int32) { b.starts[band]++ })
	sum := int32(0)
	for i, n := range b.starts {
		sum += n
		b.starts[i] = sum
	}
	b.members = slices.Grow(b.members[:0], int(sum))[:sum]
	each(func(band, way int32) { b.starts[band]--; b.members[b.starts[band]] = way })
}
