package overlay

import (
	"math"
	"sync"

	"gengtu/index/geo"
)

// SharedArea returns the area, in m², that a and b share.
//
// It integrates the product of the two winding functions, edge pair by edge
// pair, and builds nothing; see [Kernel] for the integral and its error. So a
// and b must be valid and directed, shells counter-clockwise and holes
// clockwise, as [Mend] returns them and as features are stored; where a part is
// covered twice it counts twice, and what runs clockwise counts negative.
// [Measure] has no such condition.
//
// Positions are CGCS2000 (EPSG:4490). Empty arguments share 0. Arguments are
// neither changed nor kept. Whoever measures a feature more than once loads it
// into an [Outline] and uses a [Kernel], or prepares it ([Prepare]).
func SharedArea(a, b geo.MultiPolygon) float64 {
	boxA, boxB := a.Box(), b.Box()
	common := intersectBoxes(boxA, boxB)
	if common.Empty() || common.Min.Lon == common.Max.Lon || common.Min.Lat == common.Max.Lat {
		return 0
	}
	k := kernels.Get().(*pairKernel)
	defer kernels.Put(k)
	p := newPlane(common)
	k.a.begin(&p.EqualAreaPlane)
	k.a.appendNear(a, common, boxB.Min.Lat)
	k.a.finish(boxA)
	k.b.begin(&p.EqualAreaPlane)
	k.b.appendNear(b, common, boxA.Min.Lat)
	k.b.finish(boxB)
	return k.Shared(&k.a, &k.b)
}

// pairKernel is a kernel with the outlines that it is used on.
type pairKernel struct {
	Kernel
	a, b Outline
}

var kernels = sync.Pool{New: func() any { return new(pairKernel) }}

// intersectBoxes returns the box that a and b share, empty when they share none.
func intersectBoxes(a, b geo.Box) geo.Box {
	return geo.Box{
		Min: geo.Position{Lon: max(a.Min.Lon, b.Min.Lon), Lat: max(a.Min.Lat, b.Min.Lat)},
		Max: geo.Position{Lon: min(a.Max.Lon, b.Max.Lon), Lat: min(a.Max.Lat, b.Max.Lat)},
	}
}

// Kernel measures what two outlines share. It holds working memory only: the
// zero value is ready, and one must not be used by two goroutines at once.
type Kernel struct {
	a, b             []chord
	activeA, activeB []int32
	steps            []step
}

// Shared returns the area, in m², that a and b share. Both have to be loaded in
// the same plane; neither is changed. It does not allocate once k has grown to
// the size of its outlines.
func (k *Kernel) Shared(a, b *Outline) float64 {
	w := window{x0: max(a.x0, b.x0), x1: min(a.x1, b.x1), top: min(a.high, b.high)}
	if w.x0 >= w.x1 || max(a.low, b.low) >= w.top {
		return 0
	}
	// An edge below all of the other outline meets that one's edges in pairs that
	// cancel, as long as none of those is left out in turn: so only the outline
	// that reaches lower loses edges.
	floorA, floorB := b.low, math.Inf(-1)
	if b.low < a.low {
		floorA, floorB = floorB, a.low
	}
	w.floor = floorA
	k.a = k.reduce(k.a[:0], a, &w)
	w.floor = floorB
	k.b = k.reduce(k.b[:0], b, &w)
	return max(0, k.sweep()*a.scale)
}

// window is the part of the plane in which an outline's edges matter for a pair.
type window struct {
	x0, x1     int64
	floor, top float64
}

// step is a place where the number of times that something lies above changes.
type step struct {
	x      int64
	change float64
}

// reduce appends the edges of o that matter within w, in order of x0, with
// ordinates from w.top: edges wholly below the floor are left out, and those
// wholly above the top are drawn together to flat ones along it, for there min
// is the other outline's ordinate.
func (k *Kernel) reduce(dst []chord, o *Outline, w *window) []chord {
	first := len(dst)
	if o.high <= w.top {
		for i := range o.edges {
			e := &o.edges[i]
			if e.x0 >= w.x1 {
				break
			}
			if e.x1 > w.x0 && e.x1 > e.x0 && max(e.y0, e.y1) > w.floor {
				dst = append(dst, chord{e.x0, e.x1, e.y0 - w.top, e.y1 - w.top, e.slope, e.sign})
			}
		}
		return dst
	}
	k.steps = k.steps[:0]
	covered := 0.0
	for i := range o.edges {
		e := &o.edges[i]
		if e.x0 >= w.x1 {
			break
		}
		if e.x1 <= w.x0 || e.y0 <= w.floor && e.y1 <= w.floor {
			continue
		}
		if e.y0 >= w.top && e.y1 >= w.top {
			if e.x0 <= w.x0 {
				covered += e.sign
			}
			continue
		}
		// Where an edge leaves through the top, the ring goes on above.
		if e.y1 >= w.top && e.x1 < w.x1 {
			k.steps = append(k.steps, step{e.x1, e.sign})
		}
		if e.y0 >= w.top && e.x0 > w.x0 {
			k.steps = append(k.steps, step{e.x0, -e.sign})
		}
		if e.x1 > e.x0 {
			dst = append(dst, chord{e.x0, e.x1, e.y0 - w.top, e.y1 - w.top, e.slope, e.sign})
		}
	}
	return appendCover(dst, first, k.steps, covered, w)
}

// appendCover adds the flat edges along the top of w to dst[first:], which stays
// in order. covered is their number at the left side of w.
func appendCover(dst []chord, first int, steps []step, covered float64, w *window) []chord {
	for i := 1; i < len(steps); i++ {
		s := steps[i]
		j := i
		for ; j > 0 && steps[j-1].x > s.x; j-- {
			steps[j] = steps[j-1]
		}
		steps[j] = s
	}
	x := w.x0
	for i := 0; i <= len(steps); i++ {
		next := w.x1
		if i < len(steps) {
			next = steps[i].x
		}
		if covered != 0 && next > x {
			dst = append(dst, chord{x0: x, x1: next, sign: covered})
			x = next
		}
		if i < len(steps) {
			covered += steps[i].change
			x = next
		}
	}
	return sortChords(dst, first)
}

// sweep adds the pairs whose ranges of x meet, from left to right.
func (k *Kernel) sweep() float64 {
	a, b := k.a, k.b
	k.activeA, k.activeB = k.activeA[:0], k.activeB[:0]
	var total sum
	for i, j := 0, 0; i < len(a) || j < len(b); {
		if j >= len(b) || i < len(a) && a[i].x0 <= b[j].x0 {
			total.add(meet(&a[i], b, &k.activeB))
			k.activeA = append(k.activeA, int32(i))
			i++
			continue
		}
		total.add(meet(&b[j], a, &k.activeA))
		k.activeB = append(k.activeB, int32(j))
		j++
	}
	return total.value()
}

// meet adds e's pairs with the active edges of the other outline, all of which
// start left of e, and drops from them what ends left of e.
func meet(e *chord, other []chord, active *[]int32) float64 {
	t, k := 0.0, 0
	for _, i := range *active {
		f := &other[i]
		if f.x1 <= e.x0 {
			continue
		}
		(*active)[k] = i
		k++
		t += below(e, f)
	}
	*active = (*active)[:k]
	return t
}

// below returns the signed integral of the lower of e and f over their common range.
func below(e, f *chord) float64 {
	x0 := max(e.x0, f.x0)
	w := float64(max(0, min(e.x1, f.x1)-x0))
	e0 := e.y0 + e.slope*float64(x0-e.x0)
	f0 := f.y0 + f.slope*float64(x0-f.x0)
	e1, f1 := e0+e.slope*w, f0+f.slope*w
	d0, d1 := e0-f0, e1-f1
	s0, s1 := math.Abs(d0), math.Abs(d1)
	n := (s0 - d0) + (s1 - d1)
	return e.sign * f.sign * w * (f0 + f1 - n*(n/(4*(s0+s1)+tiny))) * 0.5
}

// tiny keeps 0/0 out of [below] where two edges coincide.
const tiny = 1e-300
