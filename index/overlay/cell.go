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
	keys   []uint64  // of xs, while they are sorted
	starts starts    // of lines, by slab
	flips  starts    // of toggles, by slab
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

// starts holds, slab by slab, what begins at the slab's left side.
type starts struct {
	first []int32 // by slab: its first place in list, and one more at the end
	list  []int32
	slab  []int32 // by thing: its slab
}

// fill orders things by slab; slab[i] has been set for each of them.
func (s *starts) fill(slabs int) {
	s.first = append(s.first[:0], make([]int32, slabs+2)...)
	for _, k := range s.slab {
		s.first[k+2]++
	}
	for k := 2; k < len(s.first); k++ {
		s.first[k] += s.first[k-1]
	}
	s.list = slices.Grow(s.list[:0], len(s.slab))[:len(s.slab)]
	for i, k := range s.slab {
		s.list[s.first[k+1]] = int32(i)
		s.first[k+1]++
	}
}

// at returns what begins with slab k.
func (s *starts) at(k int) []int32 { return s.list[s.first[k]:s.first[k+1]] }

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

// enter makes active the lines of slab k, and returns the toggles at its left side.
func (c *cell) enter(k int) []int32 {
	kept := 0
	for _, v := range c.active {
		if c.lines[v.line].xr > c.xs[k] {
			c.active[kept] = v
			kept++
		}
	}
	c.active = c.active[:kept]
	for _, i := range c.starts.at(k) {
		c.active = append(c.active, active{line: i})
	}
	return c.flips.at(k)
}

// sortable returns a number that is ordered as x is among floats.
func sortable(x float64) uint64 {
	b := math.Float64bits(x)
	return b ^ (uint64(int64(b)>>63) | 1<<63)
}

// unsortable undoes sortable.
func unsortable(k uint64) float64 {
	return math.Float64frombits(k ^ (uint64(int64(^k)>>63) | 1<<63))
}

// load fills the lists from n, and stands left of the first slab.
func (c *cell) load(n *node) {
	c.active, c.bottom = c.active[:0], append(c.bottom[:0], n.base...)
	c.lines, c.keys = c.lines[:0], append(c.keys[:0], sortable(n.x0), sortable(n.x1))
	last := n.x1
	for i := range n.edges {
		e := &n.edges[i]
		l := line{e.x0, e.y0, e.x1, e.y1, 0, e.owner}
		if l.xl > l.xr {
			l.xl, l.yl, l.xr, l.yr = l.xr, l.yr, l.xl, l.yl
		}
		l.slope = (l.yr - l.yl) / (l.xr - l.xl)
		c.lines = append(c.lines, l)
		if e.x0 != last {
			c.keys = append(c.keys, sortable(e.x0))
		}
		c.keys = append(c.keys, sortable(e.x1))
		last = e.x1
	}
	for _, t := range n.toggles {
		c.keys = append(c.keys, sortable(t.x))
	}
	slices.Sort(c.keys)
	c.xs = c.xs[:0]
	for i, k := range c.keys {
		if i == 0 || k != c.keys[i-1] {
			c.xs = append(c.xs, unsortable(k))
		}
	}
	c.starts.slab = c.starts.slab[:0]
	for i := range c.lines {
		c.starts.slab = append(c.starts.slab, c.slabAt(c.lines[i].xl))
	}
	c.starts.fill(len(c.xs))
	c.flips.slab = c.flips.slab[:0]
	for i := range n.toggles {
		c.flips.slab = append(c.flips.slab, c.slabAt(n.toggles[i].x))
	}
	c.flips.fill(len(c.xs))
}

// slabAt returns the slab that begins at x, which is one of xs.
func (c *cell) slabAt(x float64) int32 {
	lo, hi := 0, len(c.xs)
	for lo < hi {
		if mid := (lo + hi) / 2; c.xs[mid] < x {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return int32(lo)
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
	if s.slabs++; s.slabs&1023 == 0 && s.err == nil {
		s.err = s.ctx.Err()
	}
	if s.err != nil {
		return
	}
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
