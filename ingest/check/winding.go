package check

import (
	"cmp"
	"slices"
	"sort"
	"sync"

	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// windings tells how many features of each ground cover a place, from the edges of a
// weave. Places are in half units, so that the middle of an edge is one.
//
// From the far west a way leads along a line below the row of the grid that the place is
// in, on which no vertex lies, and then up to the place; each edge that it crosses adds or
// takes what it has. Along the line these are summed beforehand; on the way up they stand
// in one cell. A way runs just west of the place's meridian; places on an edge count as
// west of it, on a horizontal one as south of it. All tests are exact.
type windings struct {
	grid *grid
	rows map[int64]rowLine
	list []lineCrossing
}

// rowLine is where the crossings of a row's line stand in the list.
type rowLine struct{ from, to int32 }

// lineCrossing is where an edge crosses the line of a row, and the covers behind it, going
// east.
type lineCrossing struct {
	row   int64
	x     float64 // half units, to 1e-3 of one
	edge  int32
	after [2]int32
}

// newWindings returns the windings of g's edges.
func newWindings(g *grid) *windings {
	w := &windings{grid: g, rows: map[int64]rowLine{}}
	edges := g.edges
	for i := range edges {
		low, high := edges[i].a, edges[i].b
		if low.Lat > high.Lat {
			low, high = high, low
		}
		for r := w.grid.row(low.Lat); r <= w.grid.row(high.Lat); r++ {
			y := w.line(r)
			if 2*low.Lat > y || 2*high.Lat < y {
				continue
			}
			f := float64(y-2*low.Lat) / float64(2*(high.Lat-low.Lat))
			w.list = append(w.list, lineCrossing{row: r, edge: int32(i), x: float64(2*low.Lon) + f*float64(2*(high.Lon-low.Lon))})
		}
	}
	slices.SortFunc(w.list, func(a, b lineCrossing) int {
		switch {
		case a.row != b.row:
			return cmp.Compare(a.row, b.row)
		case a.x != b.x:
			return cmp.Compare(a.x, b.x)
		}
		return cmp.Compare(a.edge, b.edge)
	})
	for i := 0; i < len(w.list); {
		from, sum := i, [2]int32{}
		for ; i < len(w.list) && w.list[i].row == w.list[from].row; i++ {
			sum = crossed(&edges[w.list[i].edge], sum, false)
			w.list[i].after = sum
		}
		w.rows[w.list[from].row] = rowLine{int32(from), int32(i)}
	}
	return w
}

// line returns the latitude of the line below a row, in half units: an odd number, so
// that no vertex lies on it.
func (w *windings) line(row int64) int64 { return 2*(southmost+row*w.grid.size) - 1 }

// upward tells whether e runs north, or east when it is horizontal.
func upward(e *edge) bool {
	return e.b.Lat > e.a.Lat || e.b.Lat == e.a.Lat && e.b.Lon > e.a.Lon
}

// crossed returns the covers after crossing e, of those before: from the left side, as
// seen going north along it, to the right, or toLeft the other way.
func crossed(e *edge, covers [2]int32, toLeft bool) [2]int32 {
	s := int32(-1)
	if toLeft == upward(e) {
		s = 1
	}
	return [2]int32{covers[0] + s*e.n[0], covers[1] + s*e.n[1]}
}

// leftOf tells whether the place x, y, in half units, lies left of e as seen going north
// along it; on it counts as left, on a horizontal one as right.
func leftOf(e *edge, x, y int64) bool {
	a, b := e.a, e.b
	if !upward(e) {
		a, b = b, a
	}
	s := overlay.Turn(geo.Position{Lon: 2 * a.Lon, Lat: 2 * a.Lat}, geo.Position{Lon: 2 * b.Lon, Lat: 2 * b.Lat}, geo.Position{Lon: x, Lat: y})
	return s > 0 || s == 0 && a.Lat != b.Lat
}

// at returns the covers of the place x, y, in half units.
func (w *windings) at(x, y int64) [2]int32 {
	row := w.grid.row(floorHalf(y))
	start := w.line(row)
	covers := w.along(row, x, start)
	for _, c := range w.grid.cell(row, w.grid.column(floorHalf(x))) {
		e := &w.grid.edges[c.edge]
		if 2*min(e.a.Lon, e.b.Lon) >= x || 2*max(e.a.Lon, e.b.Lon) < x {
			continue
		}
		if from, to := leftOf(e, x, start), leftOf(e, x, y); from != to {
			covers = crossed(e, covers, to)
		}
	}
	return covers
}

// along returns the covers on the line of a row just west of x.
func (w *windings) along(row, x, y int64) [2]int32 {
	line := w.rows[row]
	list := w.list[line.from:line.to]
	const doubt = 4 // half units: far more than abscissas are off
	from := sort.Search(len(list), func(i int) bool { return list[i].x >= float64(x)-doubt })
	var covers [2]int32
	if from > 0 {
		covers = list[from-1].after
	}
	for _, c := range list[from:] {
		if c.x > float64(x)+doubt {
			break
		}
		if e := &w.grid.edges[c.edge]; !leftOf(e, x, y) {
			covers = crossed(e, covers, false)
		}
	}
	return covers
}

// sides returns the covers of the left and the right side of an edge at its middle.
// Edges must not cross each other.
func (w *windings) sides(e *edge) (left, right [2]int32) {
	here := w.at(e.a.Lon+e.b.Lon, e.a.Lat+e.b.Lat)
	other := crossed(e, here, e.a.Lat == e.b.Lat)
	if upward(e) != (e.a.Lat == e.b.Lat) {
		return here, other // it runs north and here is west of it, or west and south
	}
	return other, here
}

func floorHalf(v int64) int64 { return v >> 1 }

// region is a piece of ground that one question is about, with the edges around it.
type region struct {
	shape geo.MultiPolygon // one polygon
	edges []edge
	area  float64
	// of names the layer of places that the ground is held against, "" for none.
	of string
}

// regions returns the ground for whose covers inside says yes, in connected pieces, in the
// order of their southern-western ends. What reaches to infinity is no region.
func (w *weave) regions(inside func(covers [2]int32) bool) []region {
	if len(w.edges) == 0 {
		return nil
	}
	t := &tracer{}
	sides := w.covers()
	for i := range w.edges {
		e := w.edges[i]
		l, r := inside(sides[i][0]), inside(sides[i][1])
		switch {
		case l == r:
		case l:
			t.edges = append(t.edges, e)
		default:
			t.edges = append(t.edges, reversed(e))
		}
	}
	return t.regions()
}

// covers returns the covers of the left and right side of each edge.
func (w *weave) covers() [][2][2]int32 {
	if w.sides != nil || len(w.edges) == 0 {
		return w.sides
	}
	if w.grid == nil {
		w.grid = newGrid(w.edges, max(w.near.edgeM, w.near.vertexM))
	}
	wind := newWindings(w.grid)
	w.sides = make([][2][2]int32, len(w.edges))
	var work sync.WaitGroup
	const piece = 1 << 13
	for from := 0; from < len(w.edges); from += piece {
		work.Go(func() {
			for i := from; i < min(from+piece, len(w.edges)); i++ {
				w.sides[i][0], w.sides[i][1] = wind.sides(&w.edges[i])
			}
		})
	}
	work.Wait()
	return w.sides
}

func reversed(e edge) edge {
	e.a, e.b = e.b, e.a
	e.n[0], e.n[1], e.bent = -e.n[0], -e.n[1], -e.bent
	return e
}

// tracer puts edges that have a region on their left together to rings, and these to
// regions.
type tracer struct {
	edges []edge
	used  []bool
}

func (t *tracer) regions() []region {
	slices.SortFunc(t.edges, func(d, e edge) int {
		return cmp.Or(cmp.Compare(d.a.Lon, e.a.Lon), cmp.Compare(d.a.Lat, e.a.Lat), cmp.Compare(d.b.Lon, e.b.Lon), cmp.Compare(d.b.Lat, e.b.Lat))
	})
	t.used = make([]bool, len(t.edges))
	var shells, holes []region
	for i := range t.edges {
		if t.used[i] {
			continue
		}
		r := t.ring(i)
		if r.area = geo.RingArea(r.shape[0][0]); r.area > 0 {
			shells = append(shells, r)
		} else {
			holes = append(holes, r)
		}
	}
	around := newShells(shells)
	for _, h := range holes {
		if i := around.smallest(&h); i >= 0 {
			shells[i].shape[0] = append(shells[i].shape[0], h.shape[0][0])
			shells[i].edges = append(shells[i].edges, h.edges...)
			shells[i].area += h.area
		}
	}
	return shells
}

// ring follows the border from edge i on, at each vertex into the edge that comes first
// turning clockwise from where it came from: the region lies between the two.
func (t *tracer) ring(i int) region {
	var out region
	ring := geo.Ring{t.edges[i].a}
	for ; i >= 0 && !t.used[i]; i = t.next(i) {
		t.used[i] = true
		ring = append(ring, t.edges[i].b)
		out.edges = append(out.edges, t.edges[i])
	}
	if ring[0] != ring[len(ring)-1] {
		ring = append(ring, ring[0])
	}
	out.shape = geo.MultiPolygon{{ring}}
	return out
}

// next returns the edge that follows edge i, or −1.
func (t *tracer) next(i int) int {
	e := &t.edges[i]
	from, _ := slices.BinarySearchFunc(t.edges, e.b, func(d edge, p geo.Position) int {
		return cmp.Or(cmp.Compare(d.a.Lon, p.Lon), cmp.Compare(d.a.Lat, p.Lat))
	})
	best := -1
	for k := from; k < len(t.edges) && t.edges[k].a == e.b; k++ {
		if !t.used[k] && (best < 0 || overlay.ClockwiseBefore(e.b, e.a, t.edges[k].b, t.edges[best].b)) {
			best = k
		}
	}
	return best
}

// shells finds the shells around holes.
type shells struct {
	list  []region
	areas []float64 // without regard to holes
	boxes []item
	near  *boxTree
}

func newShells(list []region) *shells {
	s := &shells{list: list, areas: make([]float64, len(list)), boxes: make([]item, len(list))}
	for i := range list {
		s.areas[i], s.boxes[i].box = list[i].area, list[i].shape.Box()
	}
	s.near = newBoxTree(s.boxes)
	return s
}

// smallest returns the smallest shell around a hole, or −1.
func (s *shells) smallest(h *region) int {
	box, best := h.shape.Box(), -1
	s.near.search(box, func(n uint32) {
		i := int(n)
		if best >= 0 && s.areas[i] >= s.areas[best] || -h.area > s.areas[i] {
			return
		}
		if s.boxes[i].box.Contains(box) && insideRing(s.list[i].shape[0][0], &h.edges[0]) {
			best = i
		}
	})
	return best
}

// insideRing tells whether the middle of e, which is no part of r, lies in r.
func insideRing(r geo.Ring, e *edge) bool {
	x, y := e.a.Lon+e.b.Lon, e.a.Lat+e.b.Lat
	in := false
	for i := 1; i < len(r); i++ {
		d := edge{a: r[i-1], b: r[i]}
		if (2*d.a.Lat > y) != (2*d.b.Lat > y) && !leftOf(&d, x, y) {
			in = !in
		}
	}
	return in
}
