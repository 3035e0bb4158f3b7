package overlay

import (
	"context"
	"slices"
	"sync"

	"gengtu/index/geo"
)

// fair returns m canonical, and true, if a quick look finds nothing at all to
// mention about it: no rule broken and no two rings that touch. It returns false
// if a closer look is needed.
func fair(m geo.MultiPolygon) (geo.MultiPolygon, bool) {
	t := ringTrees.Get().(*ringTree)
	defer ringTrees.Put(t)
	switch t.load(m) {
	case unsound:
		return nil, false
	case unclear:
		return fairInStrips(m)
	default:
		out := canonicalCopy(m, len(t.at))
		if t.against {
			return out, insideOut(out) < 0
		}
		return out, t.upright(m)
	}
}

// fairInStrips is [fair] for polygons whose edges lie beside each other at a slant.
func fairInStrips(m geo.MultiPolygon) (geo.MultiPolygon, bool) {
	c := fairChecks.Get().(*fairCheck)
	defer fairChecks.Put(c)
	if !c.load(m) || !c.apart() || !nested(m, len(c.ends)) {
		return nil, false
	}
	out := canonicalCopy(m, len(c.edges)+len(c.ends))
	return out, insideOut(out) < 0
}

// insideOut returns the first polygon of m, which is canonical, that runs clockwise in
// the equal-area plane, or -1. Thinner than its edges bend, it is valid on the grid and
// inside out where areas are measured.
func insideOut(m geo.MultiPolygon) int {
	for i, poly := range m {
		box := boxOf(poly[0])
		if box.Max.Lat-box.Min.Lat < flatUnits {
			continue
		}
		if p := newPlane(box); p.area(m[i:i+1]) < 0 {
			return i
		}
	}
	return -1
}

var fairChecks = sync.Pool{New: func() any { return new(fairCheck) }}

// fairCheck holds the lists of a quick look.
type fairCheck struct {
	edges  []fairEdge
	ends   []int32 // of the rings: index behind the last edge
	spans  []span
	finder finder
}

// fairEdge is an edge and the numbers of those before and after it in its ring.
type fairEdge struct {
	p, q geo.Position
	next int32
}

// load lists the edges; false if a ring is not closed, too short, or runs back on
// itself, or a position is repeated or off the Earth.
func (c *fairCheck) load(m geo.MultiPolygon) bool {
	c.edges, c.ends, c.spans = c.edges[:0], c.ends[:0], c.spans[:0]
	for _, p := range m {
		if len(p) == 0 {
			return false
		}
		for _, r := range p {
			n := len(r) - 1
			if n < 3 || r[0] != r[n] {
				return false
			}
			first := int32(len(c.edges))
			back := r[n-1]
			for i := range n {
				a, b := r[i], r[i+1]
				if !onEarth(a) || a == b || backwards(back, a, b) {
					return false
				}
				c.edges = append(c.edges, fairEdge{a, b, first + int32(i) + 1})
				if before(a, b) {
					c.spans = append(c.spans, spanOf(a, b))
				} else {
					c.spans = append(c.spans, spanOf(b, a))
				}
				back = a
			}
			c.edges[len(c.edges)-1].next = first
			c.ends = append(c.ends, int32(len(c.edges)))
		}
	}
	return len(c.edges) > 0
}

func onEarth(v geo.Position) bool {
	return v.Lon >= -180*geo.Unit && v.Lon <= 180*geo.Unit && v.Lat >= -90*geo.Unit && v.Lat <= 90*geo.Unit
}

// backwards tells whether the way from a over b to d turns straight back at b.
func backwards(a, b, d geo.Position) bool {
	ux, uy, vx, vy := float64(b.Lon-a.Lon), float64(b.Lat-a.Lat), float64(d.Lon-b.Lon), float64(d.Lat-b.Lat)
	return ux*vx+uy*vy < 0 && turnOf(a, b, d) == 0
}

// apart tells whether no two edges meet but neighbours at their common end.
func (c *fairCheck) apart() bool {
	met := false
	err := c.finder.search(context.Background(), c.spans, func(i, j int32) bool {
		met = c.meet(i, j)
		return !met
	})
	return err == nil && !met
}

// meet tells whether edges i and j, whose boxes meet, meet wrongly.
func (c *fairCheck) meet(i, j int32) bool {
	e, f := &c.edges[i], &c.edges[j]
	if e.next == j || f.next == i {
		return false // the turn between them has been looked at
	}
	d1, d2 := turnOf(f.p, f.q, e.p), turnOf(f.p, f.q, e.q)
	if d1 > 0 && d2 > 0 || d1 < 0 && d2 < 0 {
		return false
	}
	if d1 == 0 && d2 == 0 {
		return true // on one line, with boxes that meet
	}
	d3, d4 := turnOf(e.p, e.q, f.p), turnOf(e.p, e.q, f.q)
	return !(d3 > 0 && d4 > 0 || d3 < 0 && d4 < 0)
}

// nested tells whether m's rings, which do not meet, lie within each other as they ought to.
func nested(m geo.MultiPolygon, rings int) bool {
	if rings == 1 {
		return true
	}
	if rings > maxNested {
		return false
	}
	k := &checker{}
	for i, p := range m {
		for j, r := range p {
			k.rings = append(k.rings, r)
			k.ids = append(k.ids, ringID{i, j})
		}
	}
	k.checkNesting()
	return !k.faulty
}

// emptyShape returns a multipolygon as long as m and a first polygon for it, of one ring,
// which are one piece of memory where m is one polygon, as most parcels are.
func emptyShape(m geo.MultiPolygon) (geo.MultiPolygon, geo.Polygon) {
	if len(m) != 1 {
		return make(geo.MultiPolygon, len(m)), nil
	}
	one := new(struct {
		m [1]geo.Polygon
		p [1]geo.Ring
	})
	return one.m[:], one.p[:]
}

// canonicalCopy returns a copy of m, whose rings have n positions in all and do not
// cross themselves, in canonical form.
func canonicalCopy(m geo.MultiPolygon, n int) geo.MultiPolygon {
	all := make(geo.Ring, 0, n)
	out, first := emptyShape(m)
	for i, p := range m {
		if out[i] = first; i > 0 || len(p) != len(first) {
			out[i] = make(geo.Polygon, len(p))
		}
		for j, r := range p {
			open := r[:len(r)-1]
			k := 0
			for l := range open {
				if before(open[l], open[k]) {
					k = l
				}
			}
			from := len(all)
			all = append(append(append(all, open[k:]...), open[:k]...), open[k])
			// Its own capacity, so that appending to a ring leaves the next one alone.
			ring := all[from:len(all):len(all)]
			if (cross(ring[len(ring)-2], ring[0], ring[1]) < 0) == (j == 0) {
				slices.Reverse(ring)
			}
			out[i][j] = ring
		}
	}
	return ordered(out)
}
