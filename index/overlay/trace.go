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
// touch at places only. The ends of bounds are numbered below places.
func (t *tracer) trace(bounds []bound, places int) geo.MultiPolygon {
	if len(bounds) == 0 {
		return nil
	}
	t.bounds = bounds
	t.seen = resized(t.seen, places)
	clear(t.seen)
	t.list(places)
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
	seen     []int32 // by place: one more than its index in path
	// starting[starts[k]:starts[k+1]] are the pieces that begin at place k.
	starts, starting []int32
}

// pathStep is a position on a path; place is its number if several pieces begin
// there, and -1 otherwise.
type pathStep struct {
	at    geo.Position
	place int32
}

// list lists the pieces by the place where they begin.
func (t *tracer) list(places int) {
	t.starts = resized(t.starts, places+2)
	clear(t.starts)
	for i := range t.bounds {
		t.starts[t.bounds[i].from+2]++
	}
	for k := 2; k < len(t.starts); k++ {
		t.starts[k] += t.starts[k-1]
	}
	t.starting = resized(t.starting, len(t.bounds))
	for i := range t.bounds {
		at := &t.starts[t.bounds[i].from+1]
		t.starting[*at] = int32(i)
		*at++
	}
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
	for i >= 0 {
		b := &t.bounds[i]
		b.used = true
		place := int32(-1)
		if t.starts[b.from+1]-t.starts[b.from] > 1 {
			place = b.from
			if again := t.seen[place]; again > 0 {
				k := int(again) - 1
				take(t.path[k:])
				t.forget(k)
			}
			t.seen[place] = int32(len(t.path)) + 1
		}
		t.path = append(t.path, pathStep{b.p, place})
		i = t.next(b)
	}
	if len(t.path) > 0 {
		take(t.path)
		t.forget(0)
	}
	if shell >= 0 {
		t.polygons[shell] = append(t.polygons[shell], holes...)
	} else {
		t.holes = append(t.holes, holes...)
	}
}

// forget takes the path back to its first k positions.
func (t *tracer) forget(k int) {
	for _, v := range t.path[k:] {
		if v.place >= 0 {
			t.seen[v.place] = 0
		}
	}
	t.path = t.path[:k]
}

// next returns the piece that goes on from b along the same corner of the region,
// the first one clockwise from where b comes from; or -1 when that has been
// followed already, where the walk began.
func (t *tracer) next(b *bound) int {
	list := t.starting[t.starts[b.to]:t.starts[b.to+1]]
	best := -1
	for _, k := range list {
		if best < 0 || ClockwiseBefore(b.q, b.p, t.bounds[k].q, t.bounds[best].q) {
			best = int(k)
		}
	}
	if best >= 0 && t.bounds[best].used {
		return -1
	}
	return best
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
