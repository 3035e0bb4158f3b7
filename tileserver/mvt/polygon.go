package mvt

import (
	"cmp"
	"slices"

	"gengtu/index/problem"
)

// edge is one side of a polygon, its ends ordered by X then Y.
type edge struct {
	a, b    Point
	ring    int32
	at, len int32 // the edge's place in its ring and the ring's number of edges
}

// check tells whether p is a valid polygon: every ring simple, rings meeting in
// single points at most, holes inside the shell and outside each other.
func (p Polygon) check() *problem.Problem {
	var edges []edge
	for i, r := range p {
		for j, a := range r {
			b := r[(j+1)%len(r)]
			if a == b {
				return invalid("环在 (%d, %d) 处重复一点", "a ring repeats its point (%d, %d)", a.X, a.Y)
			}
			if max(a.X, a.Y) > maxUnits || min(a.X, a.Y) < -maxUnits {
				return invalid("点 (%d, %d) 离瓦片太远", "the point (%d, %d) is too far from its tile", a.X, a.Y)
			}
			if b.X < a.X || b.X == a.X && b.Y < a.Y {
				a, b = b, a
			}
			edges = append(edges, edge{a, b, int32(i), int32(j), int32(len(r))})
		}
	}
	touching, err := crossings(edges, len(p))
	if err != nil {
		return err
	}
	boxes := make([]bounds, len(p))
	for i, r := range p {
		boxes[i] = r.bounds()
	}
	shell := newOutline(p[0])
	for i := 1; i < len(p); i++ {
		if !shell.holds(p[i], touching[i]) || touching[i] && p[i].encroached(p[0]) {
			return invalid("在 (%d, %d) 处的内环不在外环之内", "the hole at (%d, %d) does not lie inside its shell", p[i][0].X, p[i][0].Y)
		}
		for j := 1; j < len(p); j++ {
			if i != j && boxes[i].holds(boxes[j]) && p[i].encroached(p[j]) {
				return invalid("在 (%d, %d) 处的内环在另一内环之内", "the hole at (%d, %d) lies inside another", p[j][0].X, p[j][0].Y)
			}
		}
	}
	return nil
}

// crossings looks at all pairs of edges that share a column, and tells for each
// ring whether it touches another one.
func crossings(edges []edge, rings int) ([]bool, *problem.Problem) {
	slices.SortFunc(edges, func(e, f edge) int { return cmp.Compare(e.a.X, f.a.X) })
	touching := make([]bool, rings)
	var active []*edge
	for i := range edges {
		e := &edges[i]
		low, high := min(e.a.Y, e.b.Y), max(e.a.Y, e.b.Y)
		kept := active[:0]
		for _, f := range active {
			if f.b.X < e.a.X {
				continue
			}
			kept = append(kept, f)
			if f.a.Y < low && f.b.Y < low || f.a.Y > high && f.b.Y > high {
				continue
			}
			touch, cross := e.meets(f)
			if cross {
				return nil, invalid("环在 (%d, %d) 附近自相交或相切", "rings cross or run along each other near (%d, %d)", e.a.X, e.a.Y)
			}
			if touch && e.ring != f.ring {
				touching[e.ring], touching[f.ring] = true, true
			}
		}
		active = append(kept, e)
	}
	return touching, nil
}

// meets tells whether e and f touch in a way that a polygon may, or in one that
// it may not.
func (e *edge) meets(f *edge) (touch, cross bool) {
	d1, d2 := turn(f.a, f.b, e.a), turn(f.a, f.b, e.b)
	d3, d4 := turn(e.a, e.b, f.a), turn(e.a, e.b, f.b)
	if d1 == 0 && d2 == 0 {
		return e.meetsAlong(f)
	}
	if d1*d2 > 0 || d3*d4 > 0 {
		return false, false
	}
	if d1 != 0 && d2 != 0 && d3 != 0 && d4 != 0 {
		return false, true
	}
	// One end lies on the other edge: allowed between neighbours in a ring, and
	// between two rings.
	return true, e.ring == f.ring && !e.follows(f)
}

// meetsAlong is meets for two edges on one line: they may share an end.
func (e *edge) meetsAlong(f *edge) (touch, cross bool) {
	less := func(p, q Point) bool { return p.X < q.X || p.X == q.X && p.Y < q.Y }
	if less(e.b, f.a) || less(f.b, e.a) {
		return false, false
	}
	if e.b == f.a || f.b == e.a {
		return true, e.ring == f.ring && !e.follows(f)
	}
	return true, true
}

// follows tells whether e and f are neighbours in their ring.
func (e *edge) follows(f *edge) bool {
	d := e.at - f.at
	return d == 1 || d == -1 || d == e.len-1 || d == 1-e.len
}

// turn is the sign of the area of a, b, c.
func turn(a, b, c Point) int {
	l := (int64(b.X) - int64(a.X)) * (int64(c.Y) - int64(a.Y))
	r := (int64(c.X) - int64(a.X)) * (int64(b.Y) - int64(a.Y))
	return cmp.Compare(l, r)
}

// outline is a ring whose edges are found by their rows, because a shell of
// thousands of edges may have thousands of holes.
type outline struct {
	ring  Ring
	north int32
	bands [][]int32 // for each band of bandRows rows, the edges that reach into it
}

// bandRows is the height of a band in units.
const bandRows = 32

func newOutline(r Ring) *outline {
	box := r.bounds()
	o := &outline{ring: r, north: box.min.Y, bands: make([][]int32, (box.max.Y-box.min.Y)/bandRows+1)}
	for i, a := range r {
		b := r[(i+1)%len(r)]
		for k := (min(a.Y, b.Y) - o.north) / bandRows; k <= (max(a.Y, b.Y)-o.north)/bandRows; k++ {
			o.bands[k] = append(o.bands[k], int32(i))
		}
	}
	return o
}

// side tells whether p, in half units, lies inside o (1), on it (0) or outside
// (-1).
func (o *outline) side(p Point) int {
	k := (p.Y>>1 - o.north) / bandRows
	if p.Y < 2*o.north || int(k) >= len(o.bands) {
		return -1
	}
	inside := -1
	for _, i := range o.bands[k] {
		a, b := o.ring[i], o.ring[(int(i)+1)%len(o.ring)]
		if on, crossed := pass(a, b, p); on {
			return 0
		} else if crossed {
			inside = -inside
		}
	}
	return inside
}

// holds tells whether no point of hole lies outside o. Rings that do not touch
// are told apart by one point; others are tried at every corner and in the
// middle of every edge.
func (o *outline) holds(hole Ring, touching bool) bool {
	if !touching {
		return o.side(Point{hole[0].X * 2, hole[0].Y * 2}) >= 0
	}
	for i, a := range hole {
		b := hole[(i+1)%len(hole)]
		if o.side(Point{a.X * 2, a.Y * 2}) < 0 || o.side(Point{a.X + b.X, a.Y + b.Y}) < 0 {
			return false
		}
	}
	return true
}

// encroached tells whether a corner or the middle of an edge of s lies inside r.
func (r Ring) encroached(s Ring) bool {
	box := r.bounds()
	for i, a := range s {
		b := s[(i+1)%len(s)]
		if box.has(a) && r.side(Point{a.X * 2, a.Y * 2}) > 0 ||
			(box.has(a) || box.has(b)) && r.side(Point{a.X + b.X, a.Y + b.Y}) > 0 {
			return true
		}
	}
	return false
}

// side tells whether p, in half units, lies inside r (1), on it (0) or outside
// (-1).
func (r Ring) side(p Point) int {
	inside := -1
	for i, a := range r {
		if on, crossed := pass(a, r[(i+1)%len(r)], p); on {
			return 0
		} else if crossed {
			inside = -inside
		}
	}
	return inside
}

// pass tells whether p, in half units, lies on the edge from a to b, and whether
// the way from p to the east crosses it.
func pass(a, b, p Point) (on, crossed bool) {
	a, b = Point{a.X * 2, a.Y * 2}, Point{b.X * 2, b.Y * 2}
	if max(a.Y, b.Y) < p.Y || min(a.Y, b.Y) > p.Y || max(a.X, b.X) < p.X {
		return false, false
	}
	t := turn(a, b, p)
	if t == 0 && min(a.X, b.X) <= p.X {
		return true, false
	}
	return false, (a.Y > p.Y) != (b.Y > p.Y) && (b.Y > a.Y) == (t > 0)
}

// bounds is a closed box of tile units.
type bounds struct{ min, max Point }

func (r Ring) bounds() bounds {
	b := bounds{r[0], r[0]}
	for _, p := range r {
		b.min.X, b.min.Y = min(b.min.X, p.X), min(b.min.Y, p.Y)
		b.max.X, b.max.Y = max(b.max.X, p.X), max(b.max.Y, p.Y)
	}
	return b
}

func (b bounds) has(p Point) bool {
	return b.min.X <= p.X && p.X <= b.max.X && b.min.Y <= p.Y && p.Y <= b.max.Y
}

func (b bounds) holds(c bounds) bool { return b.has(c.min) && b.has(c.max) }
