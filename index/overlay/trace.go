package overlay

import (
	"cmp"
	"slices"

	"gengtu/index/geo"
)

// trace joins the pieces of a region's border to polygons in canonical form.
//
// At a place where several pieces meet it stays in the same corner of the
// region, so that shells come out as they touch themselves nowhere and holes
// touch at places only.
func trace(bounds []bound) geo.MultiPolygon {
	slices.SortFunc(bounds, func(a, b bound) int { return order(a.p, b.p) })
	t := &tracer{bounds: bounds}
	for i := range bounds {
		if !bounds[i].used {
			t.walk(i)
		}
	}
	t.place()
	return canonical(t.polygons)
}

// tracer collects rings.
type tracer struct {
	bounds   []bound
	polygons geo.MultiPolygon // shells with the holes that touch them
	areas    []float64        // of the shells
	boxes    []geo.Box
	holes    []geo.Ring // whose shell is not known yet
	path     geo.Ring
}

// walk follows the border from piece i until it is back, and takes the rings
// that it is made of: whenever a place comes again, what lies between is one.
func (t *tracer) walk(i int) {
	t.path = t.path[:0]
	seen := map[geo.Position]int{} // of places where pieces meet: index in path
	shell := -1
	var holes []geo.Ring
	take := func(loop geo.Ring) {
		r := append(slices.Clone(loop), loop[0])
		area := doubledArea(r)
		switch {
		case len(r) < 4 || area == 0:
		case area > 0 && shell < 0:
			shell = len(t.polygons)
			t.polygons = append(t.polygons, geo.Polygon{r})
			t.areas = append(t.areas, area)
			t.boxes = append(t.boxes, geo.MultiPolygon{{r}}.Box())
		case area > 0:
			t.polygons = append(t.polygons, geo.Polygon{r})
			t.areas = append(t.areas, area)
			t.boxes = append(t.boxes, geo.MultiPolygon{{r}}.Box())
		default:
			holes = append(holes, r)
		}
	}
	for i >= 0 {
		b := &t.bounds[i]
		b.used = true
		if first, last := t.from(b.p); last-first > 1 {
			if k, again := seen[b.p]; again {
				take(t.path[k:])
				for _, v := range t.path[k+1:] {
					delete(seen, v)
				}
				t.path = t.path[:k]
			}
			seen[b.p] = len(t.path)
		}
		t.path = append(t.path, b.p)
		i = t.next(b)
	}
	if len(t.path) > 0 {
		take(t.path)
	}
	if shell >= 0 {
		t.polygons[shell] = append(t.polygons[shell], holes...)
	} else {
		t.holes = append(t.holes, holes...)
	}
}

// from returns the range of pieces that begin at p.
func (t *tracer) from(p geo.Position) (first, last int) {
	first, _ = slices.BinarySearchFunc(t.bounds, p, func(b bound, p geo.Position) int { return order(b.p, p) })
	last = first
	for last < len(t.bounds) && t.bounds[last].p == p {
		last++
	}
	return first, last
}

// next returns the unused piece that goes on from b along the same corner of the
// region, or -1: the first one clockwise from where b comes from.
func (t *tracer) next(b *bound) int {
	first, last := t.from(b.q)
	best := -1
	for k := first; k < last; k++ {
		if !t.bounds[k].used && (best < 0 || clockwiseBefore(b.q, b.p, t.bounds[k].q, t.bounds[best].q)) {
			best = k
		}
	}
	return best
}

// clockwiseBefore tells whether, turning clockwise round v from the direction of
// back, one meets u before w.
func clockwiseBefore(v, back, u, w geo.Position) bool {
	su, sw := halfTurn(v, back, u), halfTurn(v, back, w)
	if su != sw {
		return su < sw
	}
	return cross(v, u, w) < 0
}

// halfTurn tells where u lies, turning clockwise round v from back: 0 in the
// first half turn, 1 opposite, 2 in the second half, 3 at back itself.
func halfTurn(v, back, u geo.Position) int {
	switch d := cross(v, back, u); {
	case d < 0:
		return 0
	case d > 0:
		return 2
	}
	if between(back, u, v) {
		return 1
	}
	return 3
}

// place puts each hole into the smallest shell round it.
func (t *tracer) place() {
	for _, h := range t.holes {
		area := -doubledArea(h)
		box := geo.MultiPolygon{{h}}.Box()
		// Pieces of border meet at ends only: a middle lies on no shell.
		mid := geo.Position{Lon: h[0].Lon + h[1].Lon, Lat: h[0].Lat + h[1].Lat}
		best := -1
		for i := range t.polygons {
			if t.areas[i] > area && (best < 0 || t.areas[i] < t.areas[best]) &&
				t.boxes[i].Contains(box) && locate(t.polygons[i][0], mid) == insideRing {
				best = i
			}
		}
		if best >= 0 {
			t.polygons[best] = append(t.polygons[best], h)
		}
	}
}

// canonical gives m its one form, in place: shells counter-clockwise, holes clockwise,
// each ring from its smallest position, holes and polygons in the order of
// their rings.
func canonical(m geo.MultiPolygon) geo.MultiPolygon {
	for _, p := range m {
		for i, r := range p {
			if (doubledArea(r) < 0) == (i == 0) {
				slices.Reverse(r)
			}
			rotate(r)
		}
		if len(p) > 1 {
			slices.SortFunc(p[1:], compareRings)
		}
	}
	slices.SortFunc(m, func(a, b geo.Polygon) int { return slices.CompareFunc(a, b, compareRings) })
	return m
}

func compareRings(a, b geo.Ring) int { return slices.CompareFunc(a, b, order) }

// rotate makes the closed ring r begin at its smallest position.
func rotate(r geo.Ring) {
	open := r[:len(r)-1]
	k := 0
	for i := range open {
		c := order(open[i], open[k])
		if c < 0 || c == 0 && compareFrom(open, i, k) < 0 {
			k = i
		}
	}
	slices.Reverse(open[:k])
	slices.Reverse(open[k:])
	slices.Reverse(open)
	r[len(r)-1] = r[0]
}

// compareFrom compares the positions that follow i and k, for rings that visit
// their smallest position more than once.
func compareFrom(open geo.Ring, i, k int) int {
	return cmp.Or(
		order(open[(i+1)%len(open)], open[(k+1)%len(open)]),
		order(open[(i+2)%len(open)], open[(k+2)%len(open)]),
	)
}
