package overlay

import (
	"slices"

	"gengtu/index/geo"
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
	low    float64
	weight float64
}

// topEvent is a place where the AOI's ground at the cell's upper side changes.
type topEvent struct{ x, change float64 }

// Faces adds to areas, which is as long as the cell's faces, what the AOI has of
// each face in m². The cell must be the one that the clip was handed out for.
//
// With G(x, y) the length of a face below ordinate y on the upright line at x, a
// face's area in the AOI is the sum over the AOI's borders e of ± ∫ G(x, y_e) dx;
// G itself is a sum over the segments s of ± max(0, y - y_s). So each pair of a
// border and a segment adds the area between them where the border is higher,
// to the face above the segment, and takes it from the one below.
func (c *Clip) Faces(cell *Cell, areas []float64) {
	c.load(cell)
	for i := range c.edges {
		c.edges[i].gather(cell, areas)
	}
}

// load collects the AOI's borders in the cell, those along its upper side
// included; along the lower side G is 0.
func (c *Clip) load(cell *Cell) {
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
		k.low = min(k.yl, k.yr)
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
			c.edges = append(c.edges, clipEdge{line: line{xl: t.x, yl: cell.Y1, xr: right, yr: cell.Y1}, low: cell.Y1, weight: cover})
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

// gather adds what e has of each face below it.
func (e *clipEdge) gather(cell *Cell, areas []float64) {
	if e.xl == cell.X0 && e.xr == cell.X1 && e.low == cell.Y1 {
		for i := range cell.Faces {
			areas[i] += e.weight * cell.Faces[i].Area
		}
		return
	}
	for i := range cell.Bottom {
		b := &cell.Bottom[i]
		right := cell.X1
		if i+1 < len(cell.Bottom) {
			right = cell.Bottom[i+1].X
		}
		if l, r := max(e.xl, b.X), min(e.xr, right); l < r {
			areas[b.Face] += e.weight * (r - l) * ((e.at(l) - cell.Y0) + (e.at(r) - cell.Y0)) / 2
		}
	}
	high := max(e.yl, e.yr)
	for i := range cell.Segments {
		s := &cell.Segments[i]
		p, q := &cell.Vertices[s.From], &cell.Vertices[s.To]
		l, r := max(e.xl, p.X), min(e.xr, q.X)
		if l >= r || p.Y >= high && q.Y >= high {
			continue
		}
		if a := e.weight * e.over(p, q, l, r); a != 0 {
			areas[s.Above] += a
			areas[s.Below] -= a
		}
	}
}

// over returns the area between e and the segment from p to q where e is higher,
// for abscissas from l to r.
func (e *clipEdge) over(p, q *geo.XY, l, r float64) float64 {
	slope := (q.Y - p.Y) / (q.X - p.X)
	at := func(x float64) float64 {
		if x-p.X <= q.X-x {
			return p.Y + (x-p.X)*slope
		}
		return q.Y - (q.X-x)*slope
	}
	dl, dr := e.at(l)-at(l), e.at(r)-at(r)
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
