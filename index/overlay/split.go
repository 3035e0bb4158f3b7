package overlay

const (
	// cellEdges is the number of edges up to which a node is summed up slab by
	// slab instead of being split. Between 24 and 100 the time hardly changes.
	cellEdges = 64
	// stallSplits is the number of splits after which a node whose edges do not
	// get fewer is summed up as it is: edges that lie on each other or end in one
	// point make few slabs, however many they are.
	stallSplits = 4
	// deepest bounds the recursion: each level halves the box's area, so that
	// below it a box has no ground in float64.
	deepest = 128
)

// splitter divides nodes; it holds what is needed to tell which owners take part in
// a node.
type splitter struct {
	mark   []uint32 // by owner: the last node it was seen in
	stamp  uint32
	parity []bool // by owner, false between calls
}

func newSplitter(owners int) splitter {
	return splitter{mark: make([]uint32, owners), parity: make([]bool, owners)}
}

// settle brings n, whose lists have just been filled, into its final form:
// toggles at the corner become base, owners that take no further part become
// covers. It tells whether the AOI, with inside saying whether an ancestor lies
// wholly in it, has ground in n; if not, n is of no interest.
func (s *splitter) settle(n *node, inside bool) bool {
	s.stamp++
	if s.stamp == 0 {
		clear(s.mark)
		s.stamp = 1
	}
	last := int32(-1)
	for i := range n.edges {
		if o := n.edges[i].owner; o != last {
			s.mark[o] = s.stamp
			last = o
		}
	}
	k := 0
	for _, t := range n.toggles {
		switch {
		case t.x <= n.x0:
			n.base = append(n.base, t.owner)
		case t.x < n.x1:
			n.toggles[k] = t
			k++
			s.mark[t.owner] = s.stamp
		}
	}
	n.toggles = n.toggles[:k]
	for _, o := range n.base {
		s.parity[o] = !s.parity[o]
	}
	k = 0
	for _, o := range n.base {
		if !s.parity[o] {
			continue
		}
		s.parity[o] = false
		if s.mark[o] == s.stamp {
			n.base[k] = o
			k++
			continue
		}
		n.covers = append(n.covers, o)
		inside = inside || o == 0
	}
	n.base = n.base[:k]
	return inside || s.mark[0] == s.stamp
}

// whole tells whether n is to be summed up as it is.
func (n *node) whole(depth int) bool {
	return len(n.edges) <= cellEdges || n.stall > stallSplits || depth >= deepest
}

// split divides n along its longer side into lo and hi, which are not settled yet.
func (n *node) split(lo, hi *node) {
	if n.x1-n.x0 >= n.y1-n.y0 {
		n.splitX(lo, hi)
	} else {
		n.splitY(lo, hi)
	}
	if total := len(lo.edges) + len(hi.edges); total*5 >= len(n.edges)*7 {
		lo.stall, hi.stall = n.stall+1, n.stall+1
	} else {
		lo.stall, hi.stall = n.stall, n.stall
	}
	for _, c := range [2]*node{lo, hi} {
		if len(c.edges)*20 < len(n.edges)*19 {
			c.stall = 0
		}
	}
}

func (n *node) splitX(lo, hi *node) {
	x := n.x0 + (n.x1-n.x0)/2
	lo.reset(n.x0, n.y0, x, n.y1)
	hi.reset(x, n.y0, n.x1, n.y1)
	left, right := lo.edges, hi.edges
	for i := range n.edges {
		e := &n.edges[i]
		switch {
		case e.x0 <= x && e.x1 <= x:
			left = append(left, *e)
		case e.x0 >= x && e.x1 >= x:
			right = append(right, *e)
		case e.x0 < x:
			first, second := e.cutX(x)
			left, right = append(left, first), append(right, second)
		default:
			first, second := e.cutX(x)
			right, left = append(right, first), append(left, second)
		}
	}
	lo.edges, hi.edges = left, right
	lo.base = append(lo.base, n.base...)
	hi.base = append(hi.base, n.base...)
	for _, t := range n.toggles {
		if t.x < x {
			lo.toggles = append(lo.toggles, t)
		}
	}
	hi.toggles = append(hi.toggles, n.toggles...)
}

func (n *node) splitY(lo, hi *node) {
	y := n.y0 + (n.y1-n.y0)/2
	lo.reset(n.x0, n.y0, n.x1, y)
	hi.reset(n.x0, y, n.x1, n.y1)
	under, over, toggles := lo.edges, hi.edges, hi.toggles
	for i := range n.edges {
		e := &n.edges[i]
		switch {
		case e.y0 <= y && e.y1 <= y:
			under = append(under, *e)
			toggles = below(toggles, e)
		case e.y0 >= y && e.y1 >= y:
			over = append(over, *e)
		default:
			first, second := e.cutY(y)
			if e.y0 > y {
				first, second = second, first
			}
			if first.x0 != first.x1 {
				under = append(under, first)
				toggles = below(toggles, &first)
			}
			if second.x0 != second.x1 {
				over = append(over, second)
			}
		}
	}
	lo.edges, hi.edges = under, over
	lo.base = append(lo.base, n.base...)
	lo.toggles = append(lo.toggles, n.toggles...)
	hi.base = append(hi.base, n.base...)
	hi.toggles = append(toggles, n.toggles...)
}
