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
// touch at places only. bounds is reordered.
func (t *tracer) trace(bounds []bound) geo.MultiPolygon {
	if len(bounds) == 0 {
		return nil
	}
	slices.SortFunc(bounds, func(a, b bound) int {
		if a.p.Lon != b.p.Lon {
			return cmp.Compare(a.p.Lon, b.p.Lon)
		}
		return cmp.Compare(a.p.Lat, b.p.Lat)
	})
	t.bounds = bounds
	t.seen = resized(t.seen, len(bounds))
	clear(t.seen)
	for i := range bounds {
		if !bounds[i].used {
			t.walk(i)
		}
	}
	t.place()
	out := canonical(t.polygons)
	t.bounds, t.polygons = nil, nil
	clear(t.holes)
	t.areas, t.boxes, t.holes = t.areas[:0], t.boxes[:0], t.holes[:0]
	return out
}

// tracer collects rings. Its lists are used again.
type tracer struct {
	bounds   []bound
	polygons geo.MultiPolygon // shells with the holes that touch them
	areas    []float64        // of the shells
	boxes    []geo.Box
	holes    []geo.Ring // whose shell is not known yet
	path     []pathStep
	seen     []int32 // by the first piece at a place: one more than its index in path
}

// pathStep is a position on a path; node is the first piece that begins there if
// several do, and -1 otherwise.
type pathStep struct {
	at   geo.Position
	node int32
}

// walk follows the border from piece i until it is back, and takes the rings
// that it is made of: whenever a place comes again, what lies between is one.
func (t *tracer) walk(i int) {
	t.path = t.path[:0]
	shell := -1
	var holes []geo.Ring
	take := func(loop []pathStep) {
		r := make(geo.Ring, 0, len(loop)+1)
		for k := range loop {
			r = append(r, loop[k].at)
		}
		r = append(r, r[0])
		area := doubledArea(r)
		switch {
		case len(r) < 4 || area == 0:
		case area > 0:
			if shell < 0 {
				shell = len(t.polygons)
			}
			t.polygons = append(t.polygons, geo.Polygon{r})
			t.areas = append(t.areas, area)
			t.boxes = append(t.boxes, boxOf(r))
		default:
			holes = append(holes, r)
		}
	}
	first, last := t.from(t.bounds[i].p)
	for i >= 0 {
		b := &t.bounds[i]
		b.used = true
		node := int32(-1)
		if last-first > 1 {
			node = int32(first)
			if again := t.seen[node]; again > 0 {
				k := int(again) - 1
				take(t.path[k:])
				for _, v := range t.path[k:] {
					if v.node >= 0 {
						t.seen[v.node] = 0
					}
				}
				t.path = t.path[:k]
			}
			t.seen[node] = int32(len(t.path)) + 1
		}
		t.path = append(t.path, pathStep{b.p, node})
		first, last = t.from(b.q)
		i = t.next(b, first, last)
	}
	if len(t.path) > 0 {
		take(t.path)
		for _, v := range t.path {
			if v.node >= 0 {
				t.seen[v.node] = 0
			}
		}
	}
	if shell >= 0 {
		t.polygons[shell] = append(t.polygons[shell], holes...)
	} else {
		t.holes = append(t.holes, holes...)
	}
}

// from returns the range of pieces that begin at p.
func (t *tracer) from(p geo.Position) (first, last int) {
	lo, hi := 0, len(t.bounds)
	for lo < hi {
		mid := (lo + hi) / 2
		if before(t.bounds[mid].p, p) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	first, last = lo, lo
	for last < len(t.bounds) && t.bounds[last].p == p {
		last++
	}
	return first, last
}

// next returns the unused piece, of those from first up to last, that goes on
// from b along the same corner of the region, or -1: the first one clockwise from
// where b comes from.
func (t *tracer) next(b *bound, first, last int) int {
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
		box := boxOf(h)
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

func boxOf(r geo.Ring) geo.Box {
	b := geo.EmptyBox()
	for _, v := range r {
		b.Extend(v)
	}
	return b
}

// canonical gives m its one form, in place: shells counter-clockwise, holes clockwise,
// each ring from its smallest position, holes and polygons in the order of
// their rings.
func canonical(m geo.MultiPolygon) geo.MultiPolygon {
	for _, p := range m {
		for i, r := range p {
			if clockwise(r) == (i == 0) {
				slices.Reverse(r)
			}
			rotate(r)
		}
	}
	return ordered(m)
}

// ordered sorts holes and polygons, whose rings are canonical.
func ordered(m geo.MultiPolygon) geo.MultiPolygon {
	for _, p := range m {
		if len(p) > 2 {
			slices.SortFunc(p[1:], compareRings)
		}
	}
	if len(m) > 1 {
		slices.SortFunc(m, func(a, b geo.Polygon) int { return slices.CompareFunc(a, b, compareRings) })
	}
	return m
}

// clockwise tells which way the closed ring r runs. Round a ring that does not
// cross itself, the turn at the smallest position says so.
func clockwise(r geo.Ring) bool {
	n := len(r) - 1
	k, again := 0, false
	for i := 1; i < n; i++ {
		switch {
		case before(r[i], r[k]):
			k, again = i, false
		case r[i] == r[k]:
			again = true
		}
	}
	if !again && n > 2 {
		prev := k - 1
		if k == 0 {
			prev = n - 1
		}
		if d := cross(r[prev], r[k], r[k+1]); d != 0 {
			return d < 0
		}
	}
	return doubledArea(r) < 0
}

func compareRings(a, b geo.Ring) int { return slices.CompareFunc(a, b, order) }

// rotate makes the closed ring r begin at its smallest position.
func rotate(r geo.Ring) {
	open := r[:len(r)-1]
	k := 0
	for i := range open {
		if before(open[i], open[k]) || i > k && open[i] == open[k] && compareFrom(open, i, k) < 0 {
			k = i
		}
	}
	if k == 0 {
		return
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
