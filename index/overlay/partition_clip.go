package overlay

import (
	"cmp"
	"math"
	"slices"
)

// Clip is the part of an AOI that lies in a cell. It is valid during the call
// that it is handed to.
type Clip struct {
	node  *node
	edges []clipEdge
	tops  []topEvent
	all   float64 // how often the AOI has the whole cell, apart from edges
}

// clipEdge is a border of the AOI, from left to right, that its ground lies
// below (weight 1) or above (weight -1).
type clipEdge struct {
	xl, xr, yl, slope float64
	high              float64 // its highest ordinate
	weight            float64
}

// topEvent is a place where the AOI's ground at the cell's upper side changes.
type topEvent struct{ x, change float64 }

// Share tells how much the AOI has of a cell that no border of it runs through: 1
// for all and 0 for nothing; mixed when one may.
func (c *Clip) Share() (share float64, mixed bool) {
	n := c.node
	if len(n.edges) > 0 {
		return 0, true
	}
	// Borders that meet below the cell leave two toggles in one place.
	slices.SortFunc(n.toggles, func(a, b toggle) int { return cmp.Compare(a.x, b.x) })
	left := n.toggles[:0]
	for _, t := range n.toggles {
		if k := len(left) - 1; k >= 0 && left[k].x == t.x {
			left = left[:k]
			continue
		}
		left = append(left, t)
	}
	n.toggles = left
	switch {
	case len(left) > 0:
		return 0, true
	case len(n.base) > 0:
		return 1, false
	}
	return 0, false
}

// Faces adds to areas, which is as long as the cell's faces, what the AOI has of
// each face in m². The cell must be the one that the clip was handed out for;
// false says that it is damaged.
//
// With G(x, y) the length of a face below ordinate y on the upright line at x, a
// face's area in the AOI is the sum over the AOI's borders e of ± ∫ G(x, y_e) dx;
// G itself is a sum over the segments s of ± max(0, y - y_s). So each pair of a
// border and a segment adds the area between them where the border is higher,
// to the face above the segment, and takes it from the one below.
func (c *Clip) Faces(cell *PackedCell, areas []float64) bool {
	if len(areas) != cell.Faces() {
		return false
	}
	c.load()
	if c.all != 0 {
		for i := range areas {
			areas[i] += c.all * cell.FaceArea(i)
		}
	}
	return len(c.edges) == 0 || c.bottoms(cell, areas) && c.segments(cell, areas)
}

// bottoms adds what the borders have above the lower side, as if there were no
// segments.
func (c *Clip) bottoms(cell *PackedCell, areas []float64) bool {
	step, low := 8+cell.width, c.node.y0
	for data := cell.bottoms; len(data) >= step; data = data[step:] {
		face := cell.indexAt(data[8:], 0)
		if face >= len(areas) {
			return false
		}
		left, right := floatAt(data, 0), c.node.x1
		if len(data) >= step+8 {
			right = floatAt(data, step)
		}
		for i := range c.edges {
			e := &c.edges[i]
			if l, r := max(e.xl, left), min(e.xr, right); l < r {
				areas[face] += e.weight * (r - l) * (e.yl - low + e.slope*((l-e.xl)+(r-e.xl))/2)
			}
		}
	}
	return true
}

// segments moves what the borders have above each segment from the face below it
// to the face above.
func (c *Clip) segments(cell *PackedCell, areas []float64) bool {
	left, right, high := c.reach()
	vertices, width := cell.vertices, cell.width
	for data := cell.segments; len(data) >= 4*width; data = data[4*width:] {
		var from, to, below, above int
		if width == 1 {
			from, to, below, above = int(data[0]), int(data[1]), int(data[2]), int(data[3])
		} else {
			from, to, below, above = cell.indexAt(data, 0), cell.indexAt(data, 1), cell.indexAt(data, 2), cell.indexAt(data, 3)
		}
		if 16*from >= len(vertices) || 16*to >= len(vertices) || below >= len(areas) || above >= len(areas) {
			return false
		}
		p, q := vertices[16*from:][:16], vertices[16*to:][:16]
		s := packedSegment{xl: floatAt(p, 0), yl: floatAt(p, 8), xr: floatAt(q, 0), yr: floatAt(q, 8)}
		if s.xl >= right {
			break // and so are all that follow
		}
		if s.xr <= left || s.yl >= high && s.yr >= high {
			continue
		}
		moved := 0.0
		for k := range c.edges {
			moved += c.edges[k].over(&s)
		}
		areas[above] += moved
		areas[below] -= moved
	}
	return true
}

// packedSegment is a segment of a cell.
type packedSegment struct{ xl, yl, xr, yr float64 }

// over returns the area between e and s where e is higher, times e's weight.
func (e *clipEdge) over(s *packedSegment) float64 {
	l, r := s.xl, s.xr
	if e.xl > l {
		l = e.xl
	}
	if e.xr < r {
		r = e.xr
	}
	if l >= r {
		return 0
	}
	sl, sr := s.yl, s.yr
	if l != s.xl || r != s.xr {
		slope := (s.yr - s.yl) / (s.xr - s.xl)
		sl, sr = s.yl+(l-s.xl)*slope, s.yl+(r-s.xl)*slope
	}
	dl, dr := e.yl+(l-e.xl)*e.slope-sl, e.yl+(r-e.xl)*e.slope-sr
	// twice is 2 (max(0, dl) + max(0, dr)). Where they cross, the triangle under the
	// higher end is as wide as that end's part in the sum of both.
	apart := math.Abs(dl) + math.Abs(dr)
	twice := dl + dr + apart
	if dl*dr < 0 {
		twice *= twice / (2 * apart)
	}
	return e.weight * twice * (r - l) / 4
}

// reach returns the range of abscissas and the highest ordinate of the borders.
func (c *Clip) reach() (left, right, high float64) {
	left, right, high = math.Inf(1), math.Inf(-1), math.Inf(-1)
	for i := range c.edges {
		e := &c.edges[i]
		left, right, high = min(left, e.xl), max(right, e.xr), max(high, e.high)
	}
	return left, right, high
}

// load collects the AOI's borders in the cell, those along its upper side
// included; along the lower side G is 0.
func (c *Clip) load() {
	n := c.node
	c.edges, c.tops, c.all = c.edges[:0], c.tops[:0], 0
	at := 0.0
	if len(n.base) > 0 {
		at = 1
	}
	c.tops = append(c.tops, topEvent{n.x0, at})
	for _, t := range n.toggles {
		c.tops = append(c.tops, topEvent{t.x, 0})
	}
	// The changes of a toggle follow from their order.
	sortEvents(c.tops[1:])
	for i := range c.tops[1:] {
		change := 1 - 2*at
		c.tops[i+1].change = change
		at += change
	}
	for i := range n.edges {
		e := &n.edges[i]
		k := clipEdge{xl: e.x0, xr: e.x1, yl: e.y0, high: max(e.y0, e.y1), weight: -1, slope: (e.y1 - e.y0) / (e.x1 - e.x0)}
		if e.x0 > e.x1 {
			k.xl, k.xr, k.yl, k.weight = e.x1, e.x0, e.y1, 1
		}
		c.edges = append(c.edges, k)
		c.tops = append(c.tops, topEvent{k.xl, -k.weight}, topEvent{k.xr, k.weight})
	}
	sortEvents(c.tops)
	x, cover := n.x0, 0.0
	for i := 0; i < len(c.tops); {
		at, change := c.tops[i].x, c.tops[i].change
		for i++; i < len(c.tops) && c.tops[i].x == at; i++ {
			change += c.tops[i].change
		}
		if change != 0 {
			c.top(x, at, cover)
			x, cover = at, cover+change
		}
	}
	c.top(x, n.x1, cover)
}

// top takes in what of the AOI lies below the upper side from l to r.
func (c *Clip) top(l, r, cover float64) {
	n := c.node
	switch {
	case cover == 0 || l >= r:
	case l == n.x0 && r == n.x1:
		c.all += cover
	default:
		c.edges = append(c.edges, clipEdge{xl: l, xr: r, yl: n.y1, high: n.y1, weight: cover})
	}
}

// sortEvents sorts by x. There are few, as a rule one or two borders'.
func sortEvents(s []topEvent) {
	if len(s) > 16 {
		slices.SortFunc(s, func(a, b topEvent) int { return cmp.Compare(a.x, b.x) })
		return
	}
	for i := 1; i < len(s); i++ {
		for k := i; k > 0 && s[k].x < s[k-1].x; k-- {
			s[k], s[k-1] = s[k-1], s[k]
		}
	}
}
