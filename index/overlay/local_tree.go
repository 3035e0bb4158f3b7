package overlay

import (
	"math"
	"slices"
	"sync"

	"gengtu/index/geo"
)

// ringTree is a polygon's edges in the order of its rings, and over them a binary
// tree of boxes. Its lists are used again.
type ringTree struct {
	at      []geo.Position // the closed rings one after another; edge i runs from at[i] to at[i+1]
	ends    []int32        // of the rings: index behind the last position
	nodes   []treeNode     // leaves first, the root last
	root    int32
	box     geo.Box
	bend    float64 // an edge bends by no more units than this times the square of its height
	doubts  []int32 // edges that come near others of the polygon
	visits  int     // that are left
	against bool    // whether a ring runs against its direction
}

// treeNode is a run of edges, or several runs together.
type treeNode struct {
	minX, maxX, minY, maxY int64
	first, last            int32 // edges from first up to last
	left                   int32 // the first of two parts, that follow each other; -1 if there are none
	ways                   ways  // in which all edges go that follow each other
	broken                 bool  // whether the edges belong to several rings
}

// ways are the directions, strictly east, west, north and south, that an edge goes in.
type ways uint8

const allWays ways = 15

func waysOf(p, q geo.Position) ways {
	dx, dy := uint64(q.Lon-p.Lon), uint64(q.Lat-p.Lat)
	return ways(-dx>>63 | dx>>63<<1 | -dy>>63<<2 | dy>>63<<3)
}

const (
	// boxEdges is the number of edges of a node without parts.
	boxEdges = 6
	// rim is the distance in units at which edges do not touch each other: in each of
	// maxLocalRounds rounds one of them moves by 0.71 at most.
	rim            = 8
	maxLocalRounds = 4
	// visitsPerEdge bounds the pairs that a search looks at, in a tree that does not
	// part what lies apart: long edges beside each other at a slant.
	visitsPerEdge = 64
)

// soundness is what a look at a polygon comes to.
type soundness int

const (
	sound   soundness = iota // it keeps to all rules, and no two rings touch
	unsound                  // it does not
	unclear                  // too much lies beside each other to tell
)

var ringTrees = sync.Pool{New: func() any { return new(ringTree) }}

// load replaces what t holds by m, and tells whether m keeps to the rules on the grid.
func (t *ringTree) load(m geo.MultiPolygon) soundness {
	t.at, t.ends, t.nodes, t.doubts = t.at[:0], t.ends[:0], t.nodes[:0], t.doubts[:0]
	t.against = false
	for _, p := range m {
		if len(p) == 0 {
			return unsound
		}
		for j, r := range p {
			if !t.loadRing(r, j == 0) {
				return unsound
			}
		}
	}
	if len(t.nodes) == 0 {
		return unsound
	}
	t.grow()
	n := &t.nodes[t.root]
	t.box = geo.Box{Min: geo.Position{Lon: n.minX, Lat: n.minY}, Max: geo.Position{Lon: n.maxX, Lat: n.maxY}}
	t.bend = bendRate(n.minY, n.maxY)
	t.visits = visitsPerEdge * (len(t.at) + boxEdges*boxEdges)
	switch {
	case !t.alone(t.root):
		return unsound
	case t.visits < 0:
		return unclear
	case len(t.ends) > 1 && !nested(m, len(t.ends)):
		return unsound
	}
	return sound
}

// bendRate returns the bend of edges between two latitudes for the square of their
// height: that of the sine, tan φ/8 of the squared angle, and a tenth more for the ellipsoid.
func bendRate(low, high int64) float64 {
	const radian = math.Pi / 180 / geo.Unit
	top := float64(max(high, -low))
	return 1.1 * math.Tan(min(top*radian, 1.57)) / 8 * radian
}

// loadRing adds a ring, and its leaves. It returns false if the ring is not closed or too short,
// or a position is repeated or off the Earth.
func (t *ringTree) loadRing(r geo.Ring, shell bool) bool {
	n := len(r) - 1
	if n < 3 || r[0] != r[n] {
		return false
	}
	first := len(t.at)
	t.at = append(t.at, r...)
	t.ends = append(t.ends, int32(len(t.at)))
	leaf := len(t.nodes)
	best := leaf
	for i := first; i < first+n; i += boxEdges {
		if !t.leaf(i, min(i+boxEdges, first+n)) {
			return false
		}
		if k := len(t.nodes) - 1; t.nodes[k].minX < t.nodes[best].minX {
			best = k
		}
	}
	low := t.nodes[best].minX
	// The westernmost position, the lowest of them, tells the direction.
	least := -1
	for k := leaf; k < len(t.nodes); k++ {
		if t.nodes[k].minX != low {
			continue
		}
		for i := t.nodes[k].first; i < t.nodes[k].last; i++ {
			if v := t.at[i]; v.Lon == low && (least < 0 || v.Lat < t.at[least].Lat) {
				least = int(i)
			}
		}
	}
	back := least - 1
	if least == first {
		back = first + n - 1
	}
	if (turnOf(t.at[back], t.at[least], t.at[least+1]) < 0) == shell {
		t.against = true
	}
	return true
}

// leaf adds the node of edges [i, j).
func (t *ringTree) leaf(i, j int) bool {
	p := t.at[i]
	minX, maxX, minY, maxY := p.Lon, p.Lon, p.Lat, p.Lat
	all := allWays
	for _, q := range t.at[i+1 : j+1] {
		minX, maxX, minY, maxY = min(minX, q.Lon), max(maxX, q.Lon), min(minY, q.Lat), max(maxY, q.Lat)
		w := waysOf(p, q)
		if w == 0 {
			return false
		}
		all &= w
		p = q
	}
	t.nodes = append(t.nodes, treeNode{minX, maxX, minY, maxY, int32(i), int32(j), -1, all, false})
	return onEarth(geo.Position{Lon: minX, Lat: minY}) && onEarth(geo.Position{Lon: maxX, Lat: maxY})
}

// grow builds the nodes above the leaves.
func (t *ringTree) grow() {
	from, to := 0, len(t.nodes)
	for to-from > 1 {
		for i := from; i < to; i += 2 {
			a := t.nodes[i]
			if i+1 == to {
				t.nodes = append(t.nodes, a)
				continue
			}
			b := &t.nodes[i+1]
			a.minX, a.maxX, a.minY, a.maxY = min(a.minX, b.minX), max(a.maxX, b.maxX), min(a.minY, b.minY), max(a.maxY, b.maxY)
			a.ways &= b.ways
			if a.broken = a.broken || b.broken || a.last != b.first; a.broken {
				a.ways = 0
			}
			a.last, a.left = b.last, int32(i)
			t.nodes = append(t.nodes, a)
		}
		from, to = to, len(t.nodes)
	}
	t.root = int32(len(t.nodes)) - 1
}

// apartFrom tells whether the boxes of two nodes lie apart by more than rim.
func (n *treeNode) apartFrom(o *treeNode) bool {
	return n.minX > o.maxX+rim || o.minX > n.maxX+rim || n.minY > o.maxY+rim || o.minY > n.maxY+rim
}

// edgeBox returns the box of edge i.
func (t *ringTree) edgeBox(i int32) (minX, maxX, minY, maxY int64) {
	p, q := &t.at[i], &t.at[i+1]
	return min(p.Lon, q.Lon), max(p.Lon, q.Lon), min(p.Lat, q.Lat), max(p.Lat, q.Lat)
}

// near tells whether edge i comes within rim of n's box.
func (t *ringTree) near(i int32, n *treeNode) bool {
	minX, maxX, minY, maxY := t.edgeBox(i)
	return minX <= n.maxX+rim && maxX >= n.minX-rim && minY <= n.maxY+rim && maxY >= n.minY-rim
}

// alone tells whether no two edges of node k meet but neighbours at their common end.
// What goes one way all along does not come back.
func (t *ringTree) alone(k int32) bool {
	n := &t.nodes[k]
	if n.ways != 0 || t.visits < 0 {
		return true
	}
	if n.left >= 0 {
		return t.alone(n.left) && t.alone(n.left+1) && t.aloneWith(n.left, n.left+1)
	}
	for i := n.first + 1; i < n.last; i++ {
		minX, maxX, minY, maxY := t.edgeBox(i)
		e := treeNode{minX: minX, maxX: maxX, minY: minY, maxY: maxY}
		for j := n.first; j < i; j++ {
			if t.near(j, &e) && !t.aside(j, i) {
				return false
			}
		}
	}
	return true
}

// aloneWith tells the same of the edges of node i and those of node j behind it.
func (t *ringTree) aloneWith(i, j int32) bool {
	a, b := &t.nodes[i], &t.nodes[j]
	if a.ways&b.ways != 0 && a.last == b.first || a.apartFrom(b) {
		return true
	}
	if t.visits--; t.visits < 0 {
		return true
	}
	switch {
	case a.left < 0 && b.left < 0:
		for e := a.first; e < a.last; e++ {
			if !t.near(e, b) {
				continue
			}
			minX, maxX, minY, maxY := t.edgeBox(e)
			n := treeNode{minX: minX, maxX: maxX, minY: minY, maxY: maxY}
			for f := b.first; f < b.last; f++ {
				if t.near(f, &n) && !t.aside(e, f) {
					return false
				}
			}
		}
		return true
	case b.left < 0 || a.left >= 0 && a.last-a.first >= b.last-b.first:
		return t.aloneWith(a.left, j) && t.aloneWith(a.left+1, j)
	default:
		return t.aloneWith(i, b.left) && t.aloneWith(i, b.left+1)
	}
}

// aside tells whether edges i and j, i before j, do not meet wrongly, and notes them
// if they come near each other.
func (t *ringTree) aside(i, j int32) bool {
	p, q, u, v := t.at[i], t.at[i+1], t.at[j], t.at[j+1]
	if j == i+1 {
		return t.asideNext(i, j, p, q, v)
	}
	if v == p {
		return t.asideNext(j, i, u, p, q)
	}
	m := margin(t.bend, p, q, t.bend, u, v)
	l1 := m * spread(p, q)
	d1, d2 := turnOf(p, q, u), turnOf(p, q, v)
	if d1 > l1 && d2 > l1 || d1 < -l1 && d2 < -l1 {
		return true
	}
	l2 := m * spread(u, v)
	d3, d4 := turnOf(u, v, p), turnOf(u, v, q)
	if d3 > l2 && d4 > l2 || d3 < -l2 && d4 < -l2 {
		return true
	}
	t.doubts = append(t.doubts, i, j)
	if d1 > 0 && d2 > 0 || d1 < 0 && d2 < 0 || d3 > 0 && d4 > 0 || d3 < 0 && d4 < 0 {
		return true
	}
	if d1 == 0 && d2 == 0 {
		// On one line; do their boxes meet?
		return max(p.Lon, q.Lon) < min(u.Lon, v.Lon) || max(u.Lon, v.Lon) < min(p.Lon, q.Lon) ||
			max(p.Lat, q.Lat) < min(u.Lat, v.Lat) || max(u.Lat, v.Lat) < min(p.Lat, q.Lat)
	}
	return false
}

// asideNext is aside for edge i from p to q and edge j, which goes on from q to v.
func (t *ringTree) asideNext(i, j int32, p, q, v geo.Position) bool {
	if waysOf(p, q)&waysOf(q, v) != 0 {
		return true
	}
	d := turnOf(p, q, v)
	if d == 0 {
		return false // straight back
	}
	m := margin(t.bend, p, q, t.bend, q, v)
	if d = math.Abs(d); d <= m*spread(p, q) && withinRim(p, q, v) || d <= m*spread(q, v) && withinRim(q, v, p) {
		t.doubts = append(t.doubts, i, j)
	}
	return true
}

// withinRim tells whether v comes within rim of the box of p and q.
func withinRim(p, q, v geo.Position) bool {
	return v.Lon >= min(p.Lon, q.Lon)-rim && v.Lon <= max(p.Lon, q.Lon)+rim &&
		v.Lat >= min(p.Lat, q.Lat)-rim && v.Lat <= max(p.Lat, q.Lat)+rim
}

// margin returns the distance in units beyond which the edges from p to q and from u
// to v do not touch each other, on the grid and in the equal-area plane, whatever else there is.
func margin(bend float64, p, q geo.Position, other float64, u, v geo.Position) float64 {
	g, h := float64(q.Lat-p.Lat), float64(v.Lat-u.Lat)
	return rim + 2*(bend*g*g+other*h*h)
}

// spread returns the length from p to q along the axes: a determinant is at most the
// distance from the line times it.
func spread(p, q geo.Position) float64 {
	return math.Abs(float64(q.Lon-p.Lon)) + math.Abs(float64(q.Lat-p.Lat))
}

// beside returns the edges before and after edge i in its ring.
func (t *ringTree) beside(i int32) (before, after int32) {
	k, _ := slices.BinarySearch(t.ends, i+1)
	low := int32(0)
	if k > 0 {
		low = t.ends[k-1]
	}
	before, after = i-1, i+1
	if i == low {
		before = t.ends[k] - 2
	}
	if after == t.ends[k]-1 {
		after = low
	}
	return before, after
}

// contains tells whether v, which lies on no edge, lies inside: how many edges lie east of it.
func (t *ringTree) contains(v geo.Position) bool { return t.east(t.root, v) }

func (t *ringTree) east(k int32, v geo.Position) bool {
	n := &t.nodes[k]
	if n.minY > v.Lat || n.maxY < v.Lat || n.maxX < v.Lon {
		return false
	}
	if n.minX > v.Lon && !n.broken {
		return (t.at[n.first].Lat > v.Lat) != (t.at[n.last].Lat > v.Lat)
	}
	if n.left >= 0 {
		return t.east(n.left, v) != t.east(n.left+1, v)
	}
	in := false
	for i := n.first; i < n.last; i++ {
		p, q := t.at[i], t.at[i+1]
		if (p.Lat > v.Lat) != (q.Lat > v.Lat) && (turnOf(p, q, v) > 0) == (q.Lat > p.Lat) {
			in = !in
		}
	}
	return in
}

// upright tells whether no polygon of m, which t holds, directed, runs clockwise in the
// equal-area plane: its area on the grid exceeds what all its edges' bends can make of it,
// or a closer look says so.
func (t *ringTree) upright(m geo.MultiPolygon) bool {
	ring := 0
	for i, poly := range m {
		first := int32(0)
		if ring > 0 {
			first = t.ends[ring-1]
		}
		low, high := t.at[first].Lat, t.at[first].Lat
		area, width := 0.0, 0.0
		for range poly {
			r := t.at[first:t.ends[ring]]
			first = t.ends[ring]
			ring++
			o := r[0]
			px, py := 0.0, 0.0
			for _, v := range r[1:] {
				low, high = min(low, v.Lat), max(high, v.Lat)
				x, y := float64(v.Lon-o.Lon), float64(v.Lat-o.Lat)
				area += px*y - x*py
				width += math.Abs(x - px)
				px, py = x, y
			}
		}
		h := float64(high - low)
		if area > 4*width*t.bend*h*h+1e-9*width*h {
			continue
		}
		if insideOut(m[i:i+1]) >= 0 {
			return false
		}
	}
	return true
}
