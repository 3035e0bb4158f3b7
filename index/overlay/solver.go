package overlay

import (
	"context"
	"slices"
)

// leaf is what one part of the subdivision holds.
type leaf struct {
	path         uint64 // order among the leaves
	aoi          float64
	items        []indexed
	groups       []indexed
	combinations []combination
}

// indexed is the area of an owner or of a group slot.
type indexed struct {
	index int32
	area  float64
}

// combination gathers the ground of one mask.
type combination struct {
	mask       uint16
	area       sum
	weighted   [MaxLayers]float64
	unweighted [MaxLayers]float64
}

func (c *combination) merge(d *combination) {
	c.area.add(d.area.s)
	c.area.add(d.area.c)
	for l := range c.weighted {
		c.weighted[l] += d.weighted[l]
		c.unweighted[l] += d.unweighted[l]
	}
}

func (c *combination) result(layers int) Combination {
	return Combination{
		Mask:       c.mask,
		Area:       c.area.value(),
		Weighted:   slices.Clone(c.weighted[:layers]),
		Unweighted: slices.Clone(c.unweighted[:layers]),
	}
}

// outside is the value of solver.enter for an owner that one is not inside of.
const outside = -1

// solver sums up leaves. It is used by one goroutine at a time and holds
// nothing between leaves but memory.
type solver struct {
	splitter
	ctx    context.Context
	owners []owner
	tol    float64

	area   []float64 // by owner, of this leaf
	enter  []float64 // by owner: the slab's ground so far when it was entered, or outside
	seen   []bool    // by owner
	items  []int32   // owners seen in this leaf
	groups groupState

	state  state
	slotOf []int32 // by mask: index in combos, plus one
	combos []combination

	levels  [][2]*node
	spare   []*node // whose lists may be used again
	cell    cell
	visited int
	slabs   int
	err     error
}

// state is what covers the place that the sweep is at.
type state struct {
	inAOI      bool
	mask       uint16
	count      [MaxLayers]int32
	weight     [MaxLayers]float64
	unweighted [MaxLayers]int32
}

// groupState is by group slot, as its namesakes in solver are by owner.
type groupState struct {
	area, enter []float64
	count       []int32
	seen        []bool
	list        []int32
}

func newSolver(ctx context.Context, m *measurement) *solver {
	n, g := len(m.owners), len(m.groups)
	s := &solver{
		splitter: newSplitter(n), ctx: ctx, owners: m.owners, tol: m.tol,
		area: make([]float64, n), enter: make([]float64, n), seen: make([]bool, n),
		groups: groupState{
			area: make([]float64, g), enter: make([]float64, g),
			count: make([]int32, g), seen: make([]bool, g),
		},
		slotOf: make([]int32, 1<<m.layers),
	}
	for i := range s.enter {
		s.enter[i] = outside
	}
	return s
}

// leaf sums up n, whose ancestors are covered by what covers lists. n is settled.
func (s *solver) leaf(n *node, covers *coverList) (leaf, error) {
	for c := covers; c != nil; c = c.above {
		s.cover(c.owners)
	}
	total := s.solve(n, 0)
	for c := covers; c != nil; c = c.above {
		s.uncover(c.owners, total)
	}
	l := leaf{aoi: total, combinations: slices.Clone(s.combos)}
	for i := range s.combos {
		s.slotOf[s.combos[i].mask] = 0
	}
	s.combos = s.combos[:0]
	slices.Sort(s.items)
	for _, o := range s.items {
		if s.area[o] != 0 {
			l.items = append(l.items, indexed{o, s.area[o]})
		}
		s.area[o], s.seen[o] = 0, false
	}
	s.items = s.items[:0]
	g := &s.groups
	slices.Sort(g.list)
	for _, i := range g.list {
		if g.area[i] != 0 {
			l.groups = append(l.groups, indexed{i, g.area[i]})
		}
		g.area[i], g.seen[i] = 0, false
	}
	g.list = g.list[:0]
	return l, s.err
}

// node returns a node to be filled.
func (s *solver) node() *node {
	last := len(s.spare) - 1
	if last < 0 {
		return &node{}
	}
	n := s.spare[last]
	s.spare = s.spare[:last]
	return n
}

// solve returns the AOI's area in n and adds all else that is in n.
func (s *solver) solve(n *node, depth int) float64 {
	s.cover(n.covers)
	total := 0.0
	switch {
	case s.err != nil:
	case len(n.edges) == 0 && len(n.toggles) == 0:
		if s.state.inAOI {
			total = (n.x1 - n.x0) * (n.y1 - n.y0)
			s.ground(total)
		}
	case n.whole(depth):
		if s.visited++; s.visited%256 == 0 {
			s.err = s.ctx.Err()
		}
		total = s.sumCell(n)
	default:
		if depth == len(s.levels) {
			s.levels = append(s.levels, [2]*node{{}, {}})
		}
		lo, hi := s.levels[depth][0], s.levels[depth][1]
		n.split(lo, hi)
		if s.settle(lo, s.state.inAOI) {
			total += s.solve(lo, depth+1)
		}
		if s.settle(hi, s.state.inAOI) {
			total += s.solve(hi, depth+1)
		}
	}
	s.uncover(n.covers, total)
	return total
}

// cover takes owners as covering all that is solved until uncover.
func (s *solver) cover(owners []int32) {
	for _, o := range owners {
		if o == 0 {
			s.state.inAOI = true
			continue
		}
		s.state.in(&s.owners[o])
		if g := s.owners[o].group; g >= 0 {
			s.groups.count[g]++
		}
	}
}

// uncover ends cover; total is the AOI's area solved in between.
func (s *solver) uncover(owners []int32, total float64) {
	for _, o := range slices.Backward(owners) {
		if o == 0 {
			s.state.inAOI = false
			continue
		}
		s.add(o, total)
		s.state.out(&s.owners[o])
		if g := s.owners[o].group; g >= 0 {
			if s.groups.count[g]--; s.groups.count[g] == 0 {
				s.groups.add(g, total)
			}
		}
	}
}

func (s *solver) add(o int32, area float64) {
	if !s.seen[o] {
		s.seen[o] = true
		s.items = append(s.items, o)
	}
	s.area[o] += area
}

func (g *groupState) add(i int32, area float64) {
	if !g.seen[i] {
		g.seen[i] = true
		g.list = append(g.list, i)
	}
	g.area[i] += area
}

// in enters an item's ground.
func (t *state) in(o *owner) {
	l := o.layer
	t.count[l]++
	t.mask |= 1 << l
	if o.unweighted {
		t.unweighted[l]++
	} else {
		t.weight[l] += o.weight
	}
}

// out leaves an item's ground.
func (t *state) out(o *owner) {
	l := o.layer
	if o.unweighted {
		t.unweighted[l]--
	} else {
		t.weight[l] -= o.weight
	}
	if t.count[l]--; t.count[l] == 0 {
		t.mask &^= 1 << l
		t.weight[l] = 0
	}
}

// ground adds area, which lies in the AOI, to the combination that the state is in.
func (s *solver) ground(area float64) {
	t := &s.state
	slot := s.slotOf[t.mask]
	if slot == 0 {
		s.combos = append(s.combos, combination{mask: t.mask})
		slot = int32(len(s.combos))
		s.slotOf[t.mask] = slot
	}
	c := &s.combos[slot-1]
	c.area.add(area)
	for l, rest := 0, t.mask; rest != 0; l, rest = l+1, rest>>1 {
		if rest&1 != 0 {
			c.weighted[l] += t.weight[l] * area
			if t.unweighted[l] > 0 {
				c.unweighted[l] += area
			}
		}
	}
}
