package overlay

import (
	"cmp"
	"math"
	"slices"
)

// cell holds the working lists of the cell that is being summed up.
type cell struct {
	lines  []line
	xs     []float64 // where slabs begin and end
	starts starts    // lines, by the slab that they begin with
	flips  starts    // toggles, by the slab at whose left side they are
	places places
	active []active
	bottom []int32 // owners inside at the bottom of the slab
	saved  state   // of the bottom, without them
}

// line is an edge from left to right.
type line struct {
	xl, yl, xr, yr, slope float64
	owner                 int32
}

// active is a line in a slab, with its ordinates at the slab's ends and their sum.
type active struct {
	line    int32
	a, b, m float64
}

// deepestSlab bounds how often a slab is divided at crossings; divided near the
// middle each time, 64 levels hold more crossings than memory does.
const deepestSlab = 64

func (l *line) at(x float64) float64 {
	if x-l.xl <= l.xr-x {
		return l.yl + float64((x-l.xl)*l.slope)
	}
	return l.yr - float64((l.xr-x)*l.slope)
}

// sumCell returns the AOI's area in n, slab by slab: between neighbouring
// abscissas at which something begins, ends or toggles, edges are straight
// from side to side.
func (s *solver) sumCell(n *node) float64 {
	c := &s.cell
	c.load(n)
	c.saved = s.state
	var total sum
	for k := range len(c.xs) - 1 {
		for _, i := range c.enter(k) {
			c.flipBottom(n.toggles[i].owner)
		}
		s.slab(n, c.xs[k], c.xs[k+1], &total, deepestSlab)
	}
	return total.value()
}

// enter makes active the lines of slab k, with their ordinates at its left side,
// and returns the toggles there. The slab before must have been swept to its end.
func (c *cell) enter(k int) []int32 {
	x, kept := c.xs[k], 0
	for i := range c.active {
		v := &c.active[i]
		if c.lines[v.line].xr > x {
			c.active[kept] = active{line: v.line, a: v.b}
			kept++
		}
	}
	c.active = c.active[:kept]
	for _, i := range c.starts.at(k) {
		c.active = append(c.active, active{line: i, a: c.lines[i].at(x)})
	}
	return c.flips.at(k)
}

// reach finds the ordinates at the right side of a slab, which is at x.
func (c *cell) reach(x float64) {
	for i := range c.active {
		v := &c.active[i]
		v.b = c.lines[v.line].at(x)
		v.m = v.a + v.b
	}
}

// step goes on to the slab that begins where the last one ended.
func (c *cell) step() {
	for i := range c.active {
		c.active[i].a = c.active[i].b
	}
}

// load fills the lists from n, and stands left of the first slab.
func (c *cell) load(n *node) {
	c.active, c.bottom, c.lines = c.active[:0], append(c.bottom[:0], n.base...), c.lines[:0]
	p := &c.places
	p.reset(n.x0, n.x1)
	p.add(n.x0, noPlace)
	for i := range n.edges {
		e := &n.edges[i]
		l := line{e.x0, e.y0, e.x1, e.y1, 0, e.owner}
		if l.xl > l.xr {
			l.xl, l.yl, l.xr, l.yr = l.xr, l.yr, l.xl, l.yl
		}
		l.slope = (l.yr - l.yl) / (l.xr - l.xl)
		c.lines = append(c.lines, l)
		p.add(l.xl, int32(i))
		if !n.listed(i) {
			p.add(l.xr, noPlace)
		}
	}
	for i := range n.toggles {
		p.add(n.toggles[i].x, int32(len(n.edges)+i))
	}
	p.add(n.x1, noPlace)
	p.sort()
	c.divide()
}

// listed tells whether the right end of edge i is where its neighbour on the ring
// has an end that is listed already.
func (n *node) listed(i int) bool {
	e := &n.edges[i]
	if e.x0 < e.x1 {
		return i+1 < len(n.edges) && n.edges[i+1].x0 == e.x1
	}
	return i > 0 && n.edges[i-1].x1 == e.x0 && n.edges[i-1].x1 < n.edges[i-1].x0
}

// divide makes the slabs of the places, which are in order.
func (c *cell) divide() {
	lines := int32(len(c.lines))
	c.xs = c.xs[:0]
	c.starts.reset()
	c.flips.reset()
	for i := range c.places.sorted {
		p := &c.places.sorted[i]
		if k := len(c.xs); k == 0 || p.x != c.xs[k-1] {
			c.xs = append(c.xs, p.x)
			c.starts.slab()
			c.flips.slab()
		}
		switch {
		case p.of >= lines:
			c.flips.list = append(c.flips.list, p.of-lines)
		case p.of >= 0:
			c.starts.list = append(c.starts.list, p.of)
		}
	}
	c.starts.slab()
	c.flips.slab()
}

// flipBottom takes owner into the list of those inside at the bottom, or out of it.
func (c *cell) flipBottom(o int32) {
	i := slices.Index(c.bottom, o)
	if i < 0 {
		c.bottom = append(c.bottom, o)
		return
	}
	last := len(c.bottom) - 1
	c.bottom[i] = c.bottom[last]
	c.bottom = c.bottom[:last]
}

// slab sums up what lies between abscissas xa and xb, of which the ordinates at xa
// are known; depth is how many more times it may be divided.
func (s *solver) slab(n *node, xa, xb float64, total *sum, depth int) {
	c := &s.cell
	if s.slabs++; s.slabs&1023 == 0 && s.err == nil {
		s.err = s.ctx.Err()
	}
	if s.err != nil {
		return
	}
	c.reach(xb)
	c.order()
	if depth > 0 {
		if x, ok := c.crossing(xa, xb, s.tol); ok {
			s.slab(n, xa, x, total, depth-1)
			c.step()
			s.slab(n, x, xb, total, depth-1)
			return
		}
	}
	half := (xb - xa) / 2
	ground, level := 0.0, 2*n.y0
	for _, o := range c.bottom {
		s.flip(o, ground)
	}
	for i := range c.active {
		v := &c.active[i]
		if v.m > level {
			if s.state.inAOI {
				area := float64((v.m - level) * half)
				ground += area
				s.ground(area)
			}
			level = v.m
		}
		s.flip(c.lines[v.line].owner, ground)
	}
	if y := 2 * n.y1; y > level && s.state.inAOI {
		area := float64((y - level) * half)
		ground += area
		s.ground(area)
	}
	for _, o := range c.bottom {
		s.leave(o, ground)
	}
	for i := range c.active {
		s.leave(c.lines[c.active[i].line].owner, ground)
	}
	total.add(ground)
	// As a whole: adding and taking away weights leaves roundings behind.
	s.state = c.saved
}

// order sorts the active lines by their middle, lowest first. From slab to slab
// their order hardly changes.
func (c *cell) order() {
	v := c.active
	if len(v) > 64 {
		slices.SortFunc(v, func(p, q active) int {
			return cmp.Or(cmp.Compare(p.m, q.m), int(p.line-q.line))
		})
		return
	}
	for i := 1; i < len(v); i++ {
		if v[i-1].m < v[i].m {
			continue
		}
		w := v[i]
		j := i
		for ; j > 0; j-- {
			if u := &v[j-1]; u.m < w.m || u.m == w.m && u.line < w.line {
				break
			}
			v[j] = v[j-1]
		}
		v[j] = w
	}
}

// crossing returns the place between xa and xb, nearest to their middle, at
// which two neighbouring lines cross.
func (c *cell) crossing(xa, xb, tol float64) (x float64, ok bool) {
	best := 1.0
	for i := 1; i < len(c.active); i++ {
		u, v := &c.active[i-1], &c.active[i]
		da, db := u.a-v.a, u.b-v.b
		if da <= tol && db <= tol {
			continue
		}
		// The middles are in order, so that da and db differ in sign.
		t := da / (da - db)
		if d := math.Abs(t - 0.5); d < best {
			if at := xa + float64(t*(xb-xa)); xa < at && at < xb {
				best, x, ok = d, at, true
			}
		}
	}
	return x, ok
}

// flip enters or leaves o's ground, ground being the AOI's area in the slab so far.
func (s *solver) flip(o int32, ground float64) {
	if o == 0 {
		s.state.inAOI = !s.state.inAOI
		return
	}
	w := &s.owners[o]
	if s.enter[o] >= 0 {
		if d := ground - s.enter[o]; d > 0 {
			s.add(o, d)
		}
		s.enter[o] = outside
		s.state.out(w)
		if w.group >= 0 {
			s.groups.leave(w.group, ground)
		}
		return
	}
	s.enter[o] = ground
	s.state.in(w)
	if w.group >= 0 {
		s.groups.join(w.group, ground)
	}
}

// leave leaves o's ground if the slab ends inside of it.
func (s *solver) leave(o int32, ground float64) {
	if o != 0 && s.enter[o] >= 0 {
		s.flip(o, ground)
	}
}

func (g *groupState) join(i int32, ground float64) {
	if g.count[i]++; g.count[i] == 1 {
		g.enter[i] = ground
	}
}

func (g *groupState) leave(i int32, ground float64) {
	if g.count[i]--; g.count[i] == 0 {
		if d := ground - g.enter[i]; d > 0 {
			g.add(i, d)
		}
	}
}
