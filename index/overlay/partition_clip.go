package overlay

import (
	"math"
	"slices"
)

// Clip is the part of an AOI that lies in a cell. It is valid during the call
// that it is handed to.
type Clip struct {
	node  *node
	edges []clipEdge
	tops  []topEvent
}

// clipEdge is a border of the AOI, from left to right, that its ground lies
// below (sign 1) or above (sign -1); weight is the sign times how often.
type clipEdge struct {
	line
	low, high float64
	weight    float64
}

// topEvent is a place where the AOI's ground at the cell's upper side changes.
type topEvent struct{ x, change float64 }

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
	c.load(cell)
	kept := c.edges[:0]
	for _, e := range c.edges {
		if e.xl == cell.X0 && e.xr == cell.X1 && e.low == cell.Y1 && e.high == cell.Y1 {
			for i := range areas {
				areas[i] += e.weight * cell.FaceArea(i)
			}
			continue
		}
		kept = append(kept, e)
	}
	c.edges = kept
	return len(kept) == 0 || c.bottoms(cell, areas) && c.segments(cell, areas)
}

// bottoms adds what the borders have above the lower side, as if there were no
// segments.
func (c *Clip) bottoms(cell *PackedCell, areas []float64) bool {
	step := 8 + cell.width
	for at := 0; at < len(cell.bottoms); at += step {
		face := cell.indexAt(cell.bottoms[at+8:at+step], 0)
		if face >= len(areas) {
			return false
		}
		left, right := floatAt(cell.bottoms, at), cell.X1
		if at+step < len(cell.bottoms) {
			right = floatAt(cell.bottoms, at+step)
		}
		for i := range c.edges {
			e := &c.edges[i]
			if l, r := max(e.xl, left), min(e.xr, right); l < r {
				areas[face] += e.weight * (r - l) * ((e.at(l) - cell.Y0) + (e.at(r) - cell.Y0)) / 2
			}
		}
	}
	return true
}

// segments moves what the borders have above each segment from the face below it
// to the face above.
func (c *Clip) segments(cell *PackedCell, areas []float64) bool {
	left, right, high := c.reach()
	n := len(cell.segments) / (4 * cell.width)
	for i := range n {
		var from, to, below, above int
		if cell.width == 1 {
			s := cell.segments[4*i : 4*i+4]
			from, to, below, above = int(s[0]), int(s[1]), int(s[2]), int(s[3])
		} else {
			from, to = cell.indexAt(cell.segments, 4*i), cell.indexAt(cell.segments, 4*i+1)
			below, above = cell.indexAt(cell.segments, 4*i+2), cell.indexAt(cell.segments, 4*i+3)
		}
		if 16*from >= len(cell.vertices) || 16*to >= len(cell.vertices) || below >= len(areas) || above >= len(areas) {
			return false
		}
		p := cell.vertices[16*from : 16*from+16]
		q := cell.vertices[16*to : 16*to+16]
		s := line{xl: floatAt(p, 0), yl: floatAt(p, 8), xr: floatAt(q, 0), yr: floatAt(q, 8)}
		if s.xl >= right || s.xr <= left || s.yl >= high && s.yr >= high {
			continue
		}
		s.slope = (s.yr - s.yl) / (s.xr - s.xl)
		moved := 0.0
		for k := range c.edges {
			e := &c.edges[k]
			if l, r := max(e.xl, s.xl), min(e.xr, s.xr); l < r && (s.yl < e.high || s.yr < e.high) {
				moved += e.weight * e.over(&s, l, r)
			}
		}
		areas[above] += moved
		areas[below] -= moved
	}
	return true
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
func (c *Clip) load(cell *PackedCell) {
	n := c.node
	c.edges, c.tops = c.edges[:0], c.tops[:0]
	at := 0.0
	if len(n.base) > 0 {
		at = 1
	}
	c.tops = append(c.tops, topEvent{n.x0, at})
	for _, t := range n.toggles {
		c.tops = append(c.tops, topEvent{t.x, 0})
	}
	// The changes of a toggle follow from their order.
	slices.SortFunc(c.tops[1:], func(a, b topEvent) int { return sign(a.x - b.x) })
	for i := range c.tops[1:] {
		change := 1 - 2*at
		c.tops[i+1].change = change
		at += change
	}
	for i := range n.edges {
		e := &n.edges[i]
		k := clipEdge{line: line{xl: e.x0, yl: e.y0, xr: e.x1, yr: e.y1}, weight: -1}
		if e.x0 > e.x1 {
			k.line, k.weight = line{xl: e.x1, yl: e.y1, xr: e.x0, yr: e.y0}, 1
		}
		k.slope = (k.yr - k.yl) / (k.xr - k.xl)
		k.low, k.high = min(k.yl, k.yr), max(k.yl, k.yr)
		c.edges = append(c.edges, k)
		c.tops = append(c.tops, topEvent{k.xl, -k.weight}, topEvent{k.xr, k.weight})
	}
	slices.SortFunc(c.tops, func(a, b topEvent) int { return sign(a.x - b.x) })
	cover := 0.0
	for i, t := range c.tops {
		cover += t.change
		right := n.x1
		if i+1 < len(c.tops) {
			right = c.tops[i+1].x
		}
		if cover != 0 && right > t.x {
			c.edges = append(c.edges, clipEdge{line: line{xl: t.x, yl: cell.Y1, xr: right, yr: cell.Y1}, low: cell.Y1, high: cell.Y1, weight: cover})
		}
	}
}

func sign(v float64) int {
	switch {
	case v < 0:
		return -1
	case v > 0:
		return 1
	}
	return 0
}

// over returns the area between e and s where e is higher, for abscissas from l
// to r.
func (e *clipEdge) over(s *line, l, r float64) float64 {
	dl, dr := e.at(l)-s.at(l), e.at(r)-s.at(r)
	switch {
	case dl >= 0 && dr >= 0:
		return (dl + dr) / 2 * (r - l)
	case dl <= 0 && dr <= 0:
		return 0
	case dl > 0:
		return dl * (dl / (dl - dr)) / 2 * (r - l)
	default:
		return dr * (dr / (dr - dl)) / 2 * (r - l)
	}
}
