package overlay

import (
	"cmp"
	"math"
	"slices"
)

// cell holds the working lists of the cell that is being summed up.
type cell struct {
	lines  []line
	xs     []float64
	active []active
	bottom []int32 // owners inside at the bottom of the slab
	saved  state   // of the bottom, without them
}

// line is an edge from left to right.
type line struct {
	xl, yl, xr, yr, slope float64
	owner                 int32
}

// active is a line in a slab, with its ordinates at the slab's ends.
type active struct {
	line int32
	a, b float64
}

// deepestSlab bounds how often a slab is divided at crossings; divided near the
// middle each time, 64 levels hold more crossings than memory does.
const deepestSlab = 64

func (l *line) at(x float64) float64 {
	if x-l.xl <= l.xr-x {
		return l.yl + (x-l.xl)*l.slope
	}
	return l.yr - (l.xr-x)*l.slope
}

// sumCell returns the AOI's area in n, slab by slab: between neighbouring
// abscissas at which something begins, ends or toggles, edges are straight
// from side to side.
func (s *solver) sumCell(n *node) float64 {
	c := &s.cell
	c.load(n)
	slices.SortFunc(n.toggles, func(a, b toggle) int {
		if d := cmp.Compare(a.x, b.x); d != 0 {
			return d
		}
		return int(a.owner - b.owner)
	})
	c.active = c.active[:0]
	c.bottom = append(c.bottom[:0], n.base...)
	next, nextToggle := 0, 0
	c.saved = s.state
	var total sum
	for i := 1; i < len(c.xs); i++ {
		xa, xb := c.xs[i-1], c.xs[i]
		k := 0
		for _, v := range c.active {
			if c.lines[v.line].xr > xa {
				c.active[k] = v
				k++
			}
		}
		c.active = c.active[:k]
		for ; next < len(c.lines) && c.lines[next].xl <= xa; next++ {
			c.active = append(c.active, active{line: int32(next)})
		}
		for ; nextToggle < len(n.toggles) && n.toggles[nextToggle].x <= xa; nextToggle++ {
			c.flipBottom(n.toggles[nextToggle].owner)
		}
		s.slab(n, xa, xb, &total, deepestSlab)
	}
	return total.value()
}

// load fills lines, from left to right, and xs.
func (c *cell) load(n *node) {
	c.lines, c.xs = c.lines[:0], append(c.xs[:0], n.x0, n.x1)
	for i := range n.edges {
		e := &n.edges[i]
		l := line{e.x0, e.y0, e.x1, e.y1, 0, e.owner}
		if l.xl > l.xr {
			l.xl, l.yl, l.xr, l.yr = l.xr, l.yr, l.xl, l.yl
		}
		l.slope = (l.yr - l.yl) / (l.xr - l.xl)
		c.lines = append(c.lines, l)
		if c.xs[len(c.xs)-1] != e.x0 {
			c.xs = append(c.xs, e.x0)
		}
		c.xs = append(c.xs, e.x1)
	}
	for _, t := range n.toggles {
		c.xs = append(c.xs, t.x)
	}
	slices.SortFunc(c.lines, func(a, b line) int { return cmp.Compare(a.xl, b.xl) })
	slices.Sort(c.xs)
	c.xs = slices.Compact(c.xs)
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

// slab sums up what lies between abscissas xa and xb; depth is how many more
// times it may be divided.
func (s *solver) slab(n *node, xa, xb float64, total *sum, depth int) {
	c := &s.cell
	for i := range c.active {
		v := &c.active[i]
		l := &c.lines[v.line]
		v.a, v.b = l.at(xa), l.at(xb)
	}
	c.order()
	if depth > 0 {
		if x, ok := c.crossing(xa, xb, s.tol); ok {
			s.slab(n, xa, x, total, depth-1)
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
		if y := v.a + v.b; y > level {
			if s.state.inAOI {
				area := (y - level) * half
				ground += area
				s.ground(area)
			}
			level = y
		}
		s.flip(c.lines[v.line].owner, ground)
	}
	if y := 2 * n.y1; y > level && s.state.inAOI {
		area := (y - level) * half
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
			if d := cmp.Compare(p.a+p.b, q.a+q.b); d != 0 {
				return d
			}
			return int(p.line - q.line)
		})
		return
	}
	for i := 1; i < len(v); i++ {
		w := v[i]
		y := w.a + w.b
		j := i
		for ; j > 0; j-- {
			if u := v[j-1].a + v[j-1].b; u < y || u == y && v[j-1].line < w.line {
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
			if at := xa + t*(xb-xa); xa < at && at < xb {
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
