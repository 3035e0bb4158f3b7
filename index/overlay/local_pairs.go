package overlay

import "slices"

// touches are the edges of a tree that something comes near.
type touches struct {
	*ringTree
	marked []bool // by edge; none but in the middle of a search
	list   []int32
}

// begin takes t as the tree, and the edges that come near each other in it.
func (m *touches) begin(t *ringTree) {
	m.ringTree, m.list = t, m.list[:0]
	m.marked = resized(m.marked, len(t.at))
	for _, i := range t.doubts {
		m.touch(i)
	}
}

// touch marks edge i.
func (m *touches) touch(i int32) {
	if !m.marked[i] {
		m.marked[i] = true
		m.list = append(m.list, i)
	}
}

// neighbours touches the edges before and after touched ones that bend, and so on, where
// they leave the common end so much alike that points given to the one may come near the other.
func (m *touches) neighbours() {
	for k := 0; k < len(m.list); k++ { //nolint:intrange // the list grows meanwhile
		i := m.list[k]
		p, q := m.at[i], m.at[i+1]
		if h := float64(q.Lat - p.Lat); m.bend*h*h < straight/4 {
			continue
		}
		before, after := m.beside(i)
		for _, j := range [2]int32{before, after} {
			u, v := m.at[j], m.at[j+1]
			far := u
			if j == after {
				far = v
			}
			apart := margin(m.bend, p, q, m.bend, u, v)
			l := apart * max(spread(p, q), spread(u, v))
			if d := turnOf(p, q, far); d <= l && d >= -l {
				m.touch(j)
			}
		}
	}
}

// end takes the marks back, and sorts the list.
func (m *touches) end() {
	for _, i := range m.list {
		m.marked[i] = false
	}
	slices.Sort(m.list)
}

// crossover searches two trees for edges that come near each other.
type crossover struct {
	a, b   *touches
	visits int // that are left
}

// search touches all edges of the nodes i of a and j of b that come near one of the other's.
func (m *crossover) search(i, j int32) {
	n, o := &m.a.nodes[i], &m.b.nodes[j]
	if n.apartFrom(o) || m.visits < 0 {
		return
	}
	m.visits--
	switch {
	case n.left < 0 && o.left < 0:
		m.leaves(n, o)
	case o.left < 0 || n.left >= 0 && n.last-n.first >= o.last-o.first:
		m.search(n.left, j)
		m.search(n.left+1, j)
	default:
		m.search(i, o.left)
		m.search(i, o.left+1)
	}
}

// leaves is search for two nodes without parts.
func (m *crossover) leaves(n, o *treeNode) {
	for i := n.first; i < n.last; i++ {
		if !m.a.near(i, o) {
			continue
		}
		minX, maxX, minY, maxY := m.a.edgeBox(i)
		e := treeNode{minX: minX, maxX: maxX, minY: minY, maxY: maxY}
		for j := o.first; j < o.last; j++ {
			if m.b.near(j, &e) && !(m.a.marked[i] && m.b.marked[j]) && m.close(i, j) {
				m.a.touch(i)
				m.b.touch(j)
			}
		}
	}
}

// close tells whether edge i of a and j of b may have to do with each other.
func (m *crossover) close(i, j int32) bool {
	p, q, u, v := m.a.at[i], m.a.at[i+1], m.b.at[j], m.b.at[j+1]
	apart := margin(m.a.bend, p, q, m.b.bend, u, v)
	l := apart * spread(p, q)
	d, e := turnOf(p, q, u), turnOf(p, q, v)
	if d > l && e > l || d < -l && e < -l {
		return false
	}
	l = apart * spread(u, v)
	d, e = turnOf(u, v, p), turnOf(u, v, q)
	return !(d > l && e > l || d < -l && e < -l)
}
