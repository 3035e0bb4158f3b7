package source

import (
	"math"
	"slices"

	"github.com/tidwall/rtree"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// A shapefile record holds its rings in one flat list: shells clockwise, holes
// counter-clockwise (ESRI Shapefile Technical Description, 1998, "Polygon"), and
// nothing says which hole lies in which shell. Not every program keeps to the
// orientation, so it is believed only as long as it agrees with what lies in
// what; otherwise a ring inside an even number of others is a shell and one
// inside an odd number a hole. No ring is left out.

// maxEdgeVisits bounds the work for one record; some twenty times what the most
// intricate county in one piece needs, some seconds.
const maxEdgeVisits = 1 << 30

// sideVisits is what asking for the side of a point costs besides the edges that it
// looks at.
const sideVisits = 8

// ringBox is the extent of a ring.
type ringBox struct{ min, max [2]float64 }

// grouping finds out which rings of one record form a polygon together.
type grouping struct {
	rings  [][]geo.XY
	boxes  []ringBox
	areas  []float64 // signed, positive counter-clockwise
	edges  []*edgeIndex
	tree   rtree.RTreeG[int]
	visits int64
}

// groupRings returns the polygons that rings form, each as the indices of its
// shell and its holes. Every index occurs once. Shells are in file order, and so
// are the holes of one.
func groupRings(rings [][]geo.XY) ([][]int, *problem.Problem) {
	if len(rings) == 1 {
		return [][]int{{0}}, nil
	}
	g := &grouping{
		rings: rings, boxes: make([]ringBox, len(rings)),
		areas: make([]float64, len(rings)), edges: make([]*edgeIndex, len(rings)),
	}
	for i, r := range rings {
		g.boxes[i], g.areas[i] = measure(r)
		g.tree.Insert(g.boxes[i].min, g.boxes[i].max, i)
	}
	containers := make([][]int, len(rings))
	for i := range rings {
		containers[i] = g.containers(i)
		if g.visits > maxEdgeVisits {
			return nil, problem.New("SHP_COMPLEX", "%d 个环互相重叠太多，无法归组", "its %d rings overlap too much to be grouped", len(rings)).
				Advise("请拆成多条记录", "divide it into several records")
		}
	}
	parents, ok := g.parentsByOrientation(containers)
	if !ok {
		parents = g.parentsByDepth(containers)
	}
	return collect(parents), nil
}

// groupShape copies the rings of s, of which nothing says which form a polygon
// together, as polygons.
func (a *arena) groupShape(s *shape) ([][][]geo.XY, *problem.Problem) {
	if p := s.finite(); p != nil {
		return nil, p
	}
	if len(s.ringEnds) == 0 {
		return nil, nil
	}
	if len(s.ringEnds) == 1 {
		s.endPolygon()
		return a.copyShape(s)
	}
	rings := a.copyRings(s)
	groups, p := groupRings(rings)
	if p != nil {
		return nil, p
	}
	sorted := take(&a.rings, len(rings))[:0]
	polygons := take(&a.polygons, len(groups))
	for i, group := range groups {
		start := len(sorted)
		for _, ring := range group {
			sorted = append(sorted, rings[ring])
		}
		polygons[i] = sorted[start:len(sorted):len(sorted)]
	}
	return polygons, nil
}

// collect turns the shell of each ring, or -1 for a shell, into groups.
func collect(parents []int) [][]int {
	place := make([]int, len(parents))
	var groups [][]int
	for i, parent := range parents {
		if parent < 0 {
			place[i] = len(groups)
			groups = append(groups, []int{i})
		}
	}
	for i, parent := range parents {
		if parent >= 0 {
			groups[place[parent]] = append(groups[place[parent]], i)
		}
	}
	return groups
}

// parentsByOrientation gives each counter-clockwise ring the smallest clockwise
// ring around it. It is false when orientation and containment disagree.
func (g *grouping) parentsByOrientation(containers [][]int) ([]int, bool) {
	parents := make([]int, len(g.rings))
	for i, area := range g.areas {
		parents[i] = -1
		switch {
		case area < 0:
			if len(containers[i])%2 == 1 {
				return nil, false
			}
		case area > 0:
			if n := len(containers[i]); n > 0 && n%2 == 0 {
				return nil, false
			}
			parents[i] = g.smallest(containers[i], func(j int) bool { return g.areas[j] < 0 })
			if parents[i] < 0 {
				parents[i] = g.crossedShell(i)
			}
			if parents[i] < 0 {
				return nil, false
			}
		}
	}
	return parents, true
}

// parentsByDepth gives each ring at an odd depth the smallest ring around it.
func (g *grouping) parentsByDepth(containers [][]int) []int {
	parents := make([]int, len(g.rings))
	for i := range parents {
		parents[i] = -1
		if len(containers[i])%2 == 1 && g.areas[i] != 0 {
			parents[i] = g.smallest(containers[i], func(j int) bool { return len(containers[j])%2 == 0 })
		}
	}
	return parents
}

// smallest returns the ring of least area among those that fit, or -1.
func (g *grouping) smallest(rings []int, fits func(int) bool) int {
	best := -1
	for _, j := range rings {
		if fits(j) && (best < 0 || math.Abs(g.areas[j]) < math.Abs(g.areas[best])) {
			best = j
		}
	}
	return best
}

// containers returns the rings that ring i lies in, in file order.
func (g *grouping) containers(i int) []int {
	var in []int
	g.tree.Search(g.boxes[i].min, g.boxes[i].max, func(lo, hi [2]float64, j int) bool {
		b := g.boxes[i]
		g.visits++ // rings that lie on each other are many to look at, too
		if j != i && g.areas[j] != 0 && lo[0] <= b.min[0] && lo[1] <= b.min[1] && hi[0] >= b.max[0] && hi[1] >= b.max[1] &&
			math.Abs(g.areas[j]) >= math.Abs(g.areas[i]) && g.contains(j, i) {
			in = append(in, j)
		}
		return g.visits <= maxEdgeVisits
	})
	slices.Sort(in)
	return in
}

// votes is how many vertices decide whether a ring lies in another. More than
// one, because a vertex that touches the other ring may fall on the wrong side
// by the file's own rounding.
const votes = 9

// contains tells whether ring i lies in ring j. Rings that coincide contain each
// other only as a shell and its hole: the hole lies in the shell.
func (g *grouping) contains(j, i int) bool {
	inside, decided := 0, 0
	r := g.rings[i]
	step := max(1, len(r)/votes)
	for k := 0; k < len(r) && decided < votes; k += step {
		if side := g.side(j, r[k]); side != 0 {
			inside += side
			decided++
		}
	}
	for k := 0; k+1 < len(r) && decided == 0; k++ {
		middle := geo.XY{X: r[k].X + (r[k+1].X-r[k].X)/2, Y: r[k].Y + (r[k+1].Y-r[k].Y)/2}
		if side := g.side(j, middle); side != 0 {
			inside += side
			decided++
		}
	}
	if decided == 0 {
		return g.areas[j] < 0 && g.areas[i] > 0
	}
	return inside > 0
}

// crossedShell returns the smallest clockwise ring that holds a vertex of ring
// i, for holes that stick out of their shell; -1 when there is none.
func (g *grouping) crossedShell(i int) int {
	var crossed []int
	g.tree.Search(g.boxes[i].min, g.boxes[i].max, func(_, _ [2]float64, j int) bool {
		if g.areas[j] < 0 && slices.ContainsFunc(g.rings[i], func(p geo.XY) bool { return g.side(j, p) > 0 }) {
			crossed = append(crossed, j)
		}
		return g.visits <= maxEdgeVisits
	})
	return g.smallest(crossed, func(int) bool { return true })
}

// side returns 1 when p lies in ring j, -1 outside, 0 on its border.
func (g *grouping) side(j int, p geo.XY) int {
	b := g.boxes[j]
	if p.X < b.min[0] || p.X > b.max[0] || p.Y < b.min[1] || p.Y > b.max[1] {
		return -1
	}
	if g.edges[j] == nil {
		g.edges[j] = newEdgeIndex(g.rings[j], b)
	}
	side, visited := g.edges[j].side(p)
	g.visits += int64(visited) + sideVisits
	return side
}

// measure returns the extent of r and its area by the shoelace formula taken
// from its first point, so that large coordinates cost no digits.
func measure(r []geo.XY) (ringBox, float64) {
	b := ringBox{min: [2]float64{r[0].X, r[0].Y}, max: [2]float64{r[0].X, r[0].Y}}
	var sum float64
	for i, p := range r {
		b.min[0], b.min[1] = min(b.min[0], p.X), min(b.min[1], p.Y)
		b.max[0], b.max[1] = max(b.max[0], p.X), max(b.max[1], p.Y)
		q := r[(i+1)%len(r)]
		sum += (p.X-r[0].X)*(q.Y-r[0].Y) - (q.X-r[0].X)*(p.Y-r[0].Y)
	}
	return b, sum / 2
}
