package overlay

import "gengtu/index/geo"

// edge is a part of a ring, in the ring's direction, in the equal-area plane.
// Edges without width in x are not kept: they bound no ground from below.
type edge struct {
	x0, y0, x1, y1 float64
	owner          int32
}

// toggle is a place on the bottom of a node where, going right, one comes into
// or out of owner's ground.
type toggle struct {
	x     float64
	owner int32
}

// node is a box with all that is in it. Whether a place is inside an owner
// follows from what lies below it: the owner's edges, and at the bottom base
// and toggles; edges beside or above the box need not be kept. Edges below it
// have become toggles at their two ends, where those of neighbouring edges
// cancel each other.
type node struct {
	x0, y0, x1, y1 float64
	edges          []edge
	toggles        []toggle
	base           []int32 // owners inside at the bottom left corner that also have edges or toggles
	covers         []int32 // owners that have the whole box
	stall          int     // how many splits in a row took away no edges
}

func (n *node) reset(x0, y0, x1, y1 float64) {
	n.x0, n.y0, n.x1, n.y1 = x0, y0, x1, y1
	n.edges, n.toggles = n.edges[:0], n.toggles[:0]
	n.base, n.covers = n.base[:0], n.covers[:0]
	n.stall = 0
}

// below adds to toggles what an edge below a box leaves there: its ends, in its
// ring's direction.
func below(toggles []toggle, e *edge) []toggle {
	if e.x0 == e.x1 {
		return toggles
	}
	return flip(flip(toggles, e.x0, e.owner), e.x1, e.owner)
}

// flip adds a toggle; with an equal one just before, both go.
func flip(toggles []toggle, x float64, owner int32) []toggle {
	if k := len(toggles) - 1; k >= 0 && toggles[k].x == x && toggles[k].owner == owner {
		return toggles[:k]
	}
	return append(toggles, toggle{x, owner})
}

// yAt returns the ordinate of e at x, the same for an edge and its reverse.
func (e *edge) yAt(x float64) float64 {
	x0, y0, x1, y1 := e.x0, e.y0, e.x1, e.y1
	if x1 < x0 {
		x0, y0, x1, y1 = x1, y1, x0, y0
	}
	m := (y1 - y0) / (x1 - x0)
	if x-x0 <= x1-x {
		return y0 + float64((x-x0)*m)
	}
	return y1 - float64((x1-x)*m)
}

// xAt returns the abscissa of e at y, the same for an edge and its reverse.
func (e *edge) xAt(y float64) float64 {
	x0, y0, x1, y1 := e.x0, e.y0, e.x1, e.y1
	if y1 < y0 {
		x0, y0, x1, y1 = x1, y1, x0, y0
	}
	m := (x1 - x0) / (y1 - y0)
	if y-y0 <= y1-y {
		return x0 + float64((y-y0)*m)
	}
	return x1 - float64((y1-y)*m)
}

// cutX divides e at abscissa x, which lies strictly between its ends.
func (e *edge) cutX(x float64) (first, second edge) {
	y := e.yAt(x)
	return edge{e.x0, e.y0, x, y, e.owner}, edge{x, y, e.x1, e.y1, e.owner}
}

// cutY divides e at ordinate y, which lies strictly between its ends.
func (e *edge) cutY(y float64) (first, second edge) {
	x := e.xAt(y)
	return edge{e.x0, e.y0, x, y, e.owner}, edge{x, y, e.x1, e.y1, e.owner}
}

// builder adds the edges of polygons to a node, cut to its box.
type builder struct {
	plane *plane
	node  *node
}

func (b *builder) add(m geo.MultiPolygon, owner int32) {
	for _, poly := range m {
		for _, r := range poly {
			if len(r) < 3 {
				continue
			}
			px, py := b.plane.at(r[len(r)-1])
			for _, v := range r {
				x, y := b.plane.at(v)
				b.cut(edge{px, py, x, y, owner})
				px, py = x, y
			}
		}
	}
}

// cut adds what of e lies in the box, and what lies below it as toggles.
func (b *builder) cut(e edge) {
	n := b.node
	if max(e.x0, e.x1) <= n.x0 || min(e.x0, e.x1) >= n.x1 || e.x0 == e.x1 || min(e.y0, e.y1) >= n.y1 {
		return
	}
	if min(e.x0, e.x1) < n.x0 {
		first, second := e.cutX(n.x0)
		e = second
		if first.x0 > n.x0 {
			e = first
		}
	}
	if max(e.x0, e.x1) > n.x1 {
		first, second := e.cutX(n.x1)
		e = first
		if second.x1 < n.x1 {
			e = second
		}
	}
	if max(e.y0, e.y1) <= n.y0 {
		n.toggles = below(n.toggles, &e)
		return
	}
	if max(e.y0, e.y1) > n.y1 {
		if min(e.y0, e.y1) >= n.y1 {
			return
		}
		first, second := e.cutY(n.y1)
		e = first
		if first.y0 > n.y1 {
			e = second
		}
	}
	if min(e.y0, e.y1) < n.y0 {
		first, second := e.cutY(n.y0)
		if e.y0 < n.y0 {
			n.toggles = below(n.toggles, &first)
			e = second
		} else {
			n.toggles = below(n.toggles, &second)
			e = first
		}
	}
	if e.x0 != e.x1 {
		n.edges = append(n.edges, e)
	}
}
