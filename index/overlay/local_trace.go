package overlay

import (
	"math"
	"slices"

	"gengtu/index/geo"
)

// freeRing is a ring that nothing comes near.
type freeRing struct {
	tree      *ringTree
	low, high int32 // its positions
	own       operand
}

// way is an arc in the direction in which the wanted region lies to its left.
type way int8

const (
	noWay way = iota // the region does not end here
	onWards
	backWards
)

// wayOf returns which way arc a bounds the region.
func (a *arc) wayOf(wanted region) way {
	left := wanted(a.left[0], a.left[1])
	right := wanted(a.left[0]-a.a, a.left[1]-a.b)
	switch {
	case left && !right:
		return onWards
	case right && !left:
		return backWards
	default:
		return noWay
	}
}

// trace joins arcs to the polygons of the wanted region, in canonical form, as
// [tracer.trace] does with their segments.
func (l *locally) trace(wanted region) geo.MultiPolygon {
	t := &l.tracer
	l.ways = resized(l.ways, len(l.arcs))
	for i := range l.arcs {
		a := &l.arcs[i]
		l.ways[i] = a.wayOf(wanted)
		switch l.ways[i] {
		case onWards:
			l.nodes[a.from].out++
		case backWards:
			l.nodes[a.to].out++
		}
	}
	t.seen = resized(t.seen, len(l.nodes))
	clear(t.seen)
	for i := range l.arcs {
		if l.ways[i] != noWay && !l.arcs[i].used {
			l.walk(int32(i))
		}
	}
	for _, f := range l.free {
		l.takeFree(f, wanted)
	}
	if len(t.holes) > 0 {
		for i, p := range t.polygons {
			t.areas[i] = doubledArea(p[0])
			t.boxes = append(t.boxes, boxOf(p[0]))
		}
		t.place()
	}
	out := canonical(t.polygons)
	t.polygons = nil
	clear(t.holes)
	t.areas, t.boxes, t.holes = t.areas[:0], t.boxes[:0], t.holes[:0]
	return out
}

// takeFree takes a free ring if the region ends there.
func (l *locally) takeFree(f freeRing, wanted region) {
	ring := f.tree.at[f.low:f.high]
	var a arc
	other := 1
	if f.own == operandA {
		a.a, a.left[0] = 1, 1
	} else {
		a.b, a.left[1], other = 1, 1, 0
	}
	if l.sides[other].contains(ring[0]) {
		a.left[other] = 1
	}
	w := a.wayOf(wanted)
	if w == noWay {
		return
	}
	r := slices.Clone(ring)
	if w == backWards {
		slices.Reverse(r)
	}
	l.takeRings([]geo.Ring{r})
}

// takeRings takes the rings of one walk.
func (l *locally) takeRings(rings []geo.Ring) {
	t := &l.tracer
	shell := -1
	var holes []geo.Ring
	for _, r := range rings {
		switch area := quickArea(r); {
		case len(r) < 4 || area == 0:
		case area > 0:
			if shell < 0 {
				shell = len(t.polygons)
			}
			t.polygons = append(t.polygons, geo.Polygon{r})
			t.areas = append(t.areas, area)
		default:
			holes = append(holes, r)
		}
	}
	if shell >= 0 {
		t.polygons[shell] = append(t.polygons[shell], holes...)
	} else {
		t.holes = append(t.holes, holes...)
	}
}

// quickArea returns twice the area of r, with the sign of [doubledArea].
func quickArea(r geo.Ring) float64 {
	o := r[0]
	px, py, area, all := 0.0, 0.0, 0.0, 0.0
	for _, v := range r[1:] {
		x, y := float64(v.Lon-o.Lon), float64(v.Lat-o.Lat)
		s, t := px*y, x*py
		area += s - t
		all += math.Abs(s) + math.Abs(t)
		px, py = x, y
	}
	if math.Abs(area) > 1e-9*all {
		return area
	}
	return doubledArea(r)
}

// walk follows the border from arc i until it is back, and takes the rings that it
// is made of, as [tracer.walk] does.
func (l *locally) walk(i int32) {
	t := &l.tracer
	l.path, l.rings = l.path[:0], l.rings[:0]
	for i >= 0 {
		a := &l.arcs[i]
		a.used = true
		at := a.from
		if l.ways[i] == backWards {
			at = a.to
		}
		if l.nodes[at].out > 1 {
			if again := t.seen[at]; again > 0 {
				l.close(int(again) - 1)
			}
			t.seen[at] = int32(len(l.path)) + 1
		}
		l.path = append(l.path, i)
		i = l.next(i)
	}
	l.close(0)
	l.takeRings(l.rings)
}

// close takes the path from its k-th arc on as a ring.
func (l *locally) close(k int) {
	loop := l.path[k:]
	if len(loop) == 0 {
		return
	}
	n := 1
	for _, i := range loop {
		n += max(1, int(l.arcs[i].count))
		at := l.arcs[i].from
		if l.ways[i] == backWards {
			at = l.arcs[i].to
		}
		l.tracer.seen[at] = 0
	}
	r := make(geo.Ring, 0, n)
	for _, i := range loop {
		r = l.arcs[i].append(r, l.ways[i])
	}
	l.rings = append(l.rings, append(r, r[0]))
	l.path = l.path[:k]
}

// append appends the positions of a in direction w, without the last one.
func (a *arc) append(r geo.Ring, w way) geo.Ring {
	switch {
	case a.tree == nil && w == onWards:
		return append(r, a.p)
	case a.tree == nil:
		return append(r, a.q)
	}
	t := a.tree
	end := t.ends[a.ring] - 1 // the closing position
	low := int32(0)
	if a.ring > 0 {
		low = t.ends[a.ring-1]
	}
	n := len(r)
	first, last := a.first, a.first+a.count
	if w == backWards {
		first, last = first+1, last+1
	}
	if first >= end {
		first, last = first-(end-low), last-(end-low)
	}
	if last <= end {
		r = append(r, t.at[first:last]...)
	} else {
		r = append(append(r, t.at[first:end]...), t.at[low:low+last-end]...)
	}
	if w == backWards {
		slices.Reverse(r[n:])
	}
	return r
}

// next returns the arc that goes on from arc i along the same corner of the region,
// or -1 when that has been followed already.
func (l *locally) next(i int32) int32 {
	a := &l.arcs[i]
	at, v, back := a.to, a.q, a.prev
	if l.ways[i] == backWards {
		at, v, back = a.from, a.p, a.next
	}
	best := -1
	ends := l.ends[l.nodes[at].first:l.nodes[at].last]
	for k := range ends {
		e := &ends[k]
		if w := l.ways[e.arc]; w != noWay && (w == backWards) == e.back &&
			(best < 0 || ClockwiseBefore(v, back, e.next, ends[best].next)) {
			best = k
		}
	}
	if best < 0 || l.arcs[ends[best].arc].used {
		return -1
	}
	return ends[best].arc
}
