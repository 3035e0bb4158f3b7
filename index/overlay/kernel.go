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
	k.plane = newPlane(common)
	k.load(&k.a, a, common)
	k.load(&k.b, b, common)
	return k.Shared(&k.a, &k.b)
}

// pairKernel is a kernel with the outlines that it is used on.
type pairKernel struct {
	Kernel
	plane plane
	a, b  Outline
	ring  []geo.Position
}

var kernels = sync.Pool{New: func() any { return new(pairKernel) }}

// intersectBoxes returns the box that a and b share, empty when they share none.
func intersectBoxes(a, b geo.Box) geo.Box {
	return geo.Box{
		Min: geo.Position{Lon: max(a.Min.Lon, b.Min.Lon), Lat: max(a.Min.Lat, b.Min.Lat)},
		Max: geo.Position{Lon: min(a.Max.Lon, b.Max.Lon), Lat: min(a.Max.Lat, b.Max.Lat)},
	}
}

// load loads m without what is far from common, as [near] leaves it.
func (k *pairKernel) load(o *Outline, m geo.MultiPolygon, common geo.Box) {
	o.begin(&k.plane.EqualAreaPlane)
	for _, p := range m {
		for _, r := range p {
			k.ring = appendNear(k.ring[:0], r, common)
			o.appendRing(&k.plane.EqualAreaPlane, k.ring)
		}
	}
	o.grow()
	o.finish(&k.plane.EqualAreaPlane)
}

// appendNear appends r to dst; where three and more positions on end lie beyond
// the same side of box, only the first and the last of them.
func appendNear(dst, r []geo.Position, box geo.Box) []geo.Position {
	before, last := 0, 0 // what the two positions before v are beyond
	for _, v := range r {
		sides := beyond(v, box)
		if sides&last&before != 0 {
			dst[len(dst)-1] = v
			last = sides
			continue
		}
		dst = append(dst, v)
		before, last = last, sides
	}
	return dst
}

// Kernel measures what two outlines share. It holds working memory only: the
// zero value is ready, and one must not be used by two goroutines at once.
//
// With winding functions w, counted from the edges e above a place and their
// directions s_e (-1 west to east, +1 east to west),
//
//	area(A ∩ B) = ∫∫ w_A w_B = Σ over e, f of s_e s_f ∫ min(y_e, y_f) - c dx
//
// over the common range of e and f, for any c. Chains of edges that lie above
// or below one another are settled together: min is then the lower chain's
// ordinate, for which the higher one counts as the line from its start to its
// end, and the lower one as its stored integral.
//
// Error, with u = 2^-53: abscissas are integers and their differences exact.
// Ordinates at the ends of a common range carry 4u of M, the largest ordinate
// or height of an edge counted from c; twice the mean of the lower edge carries 58u M, the
// product with the width w and the sign 4u M w more, and the sum of a leaf
// at most 70u M w; leaves are added with compensation. So the area is right to
// 110u M J, where J is the integral along x of how many edges of A times how many of B lie
// there: 5e-14 of the common box for two convex shapes, at worst. METHOD.md has
// the derivation.
type Kernel struct {
	a, b *Outline
	top  float64 // ordinates count from here
	// total is the sum so far, rest what roundings have cost it.
	total, rest float64
}

// Shared returns the area, in m², that a and b share. Both have to be loaded in
// the same plane; neither is changed. It does not allocate.
func (k *Kernel) Shared(a, b *Outline) float64 {
	if len(a.nodes) == 0 || len(b.nodes) == 0 {
		return 0
	}
	if a.x1 <= b.x0 || b.x1 <= a.x0 || a.high <= b.low || b.high <= a.low {
		return 0
	}
	k.a, k.b = a, b
	k.top = min(a.top, b.top)
	k.total, k.rest = 0, 0
	k.meet(0, 0)
	return max(0, (k.total+k.rest)*a.scale)
}

// meet adds the pairs of edges of chain i of a and chain j of b.
func (k *Kernel) meet(i, j int32) {
	a, b := &k.a.nodes[i], &k.b.nodes[j]
	switch {
	case a.x1 <= b.x0 || b.x1 <= a.x0:
	case a.low >= b.high:
		if a.start != a.end {
			k.cover(k.b, j, a.start, a.end)
		}
	case b.low >= a.high:
		if b.start != b.end {
			k.cover(k.a, i, b.start, b.end)
		}
	case a.next > 0 && b.next > 0:
		k.cross(a, b)
	case b.next > 0 || a.next < 0 && a.x1-a.x0 >= b.x1-b.x0:
		k.meet(i+1, j)
		k.meet(-a.next, j)
	default:
		k.meet(i, j+1)
		k.meet(i, -b.next)
	}
}

// add adds v; the rounding error is kept apart (Knuth, TAOCP 4.2.2, theorem B).
func (k *Kernel) add(v float64) {
	t := k.total + v
	w := t - k.total
	k.rest += (k.total - (t - w)) + (v - w)
	k.total = t
}

// cover adds chain i of o, everything of which lies below a chain of the other
// outline that runs from start to end.
func (k *Kernel) cover(o *Outline, i int32, start, end int64) {
	c := &o.nodes[i]
	x0, x1, sign := start, end, -1.0
	if start > end {
		x0, x1, sign = end, start, 1
	}
	if x1 <= c.x0 || c.x1 <= x0 {
		return
	}
	if x0 <= c.x0 && c.x1 <= x1 {
		k.add(sign * (c.integral - (k.top-o.ref)*float64(c.start-c.end)))
		return
	}
	if c.next < 0 {
		k.cover(o, i+1, start, end)
		k.cover(o, -c.next, start, end)
		return
	}
	t := 0.0
	edges := o.edges[c.first:c.next]
	for n := range edges {
		if e := &edges[n]; e.x0 < x1 && x0 < e.x1 {
			t += e.under(x0, x1, k.top)
		}
	}
	k.add(sign * t)
}

// under returns the signed integral of e above top between x0 and x1, which it reaches into.
func (e *chord) under(x0, x1 int64, top float64) float64 {
	x0, x1 = max(x0, e.x0), min(x1, e.x1)
	w := float64(x1 - x0)
	return e.sign * w * (e.y0 - top + e.slope*(float64(x0-e.x0)+0.5*w))
}

// cross adds the pairs of two chains without parts. It is where the time goes:
// some sixty instructions for a pair of edges, twenty cycles, without a branch on
// how their ordinates lie.
func (k *Kernel) cross(a, b *chain) {
	t := 0.0
	top2 := 2 * k.top
	others := k.b.edges[b.first:b.next]
	edges := k.a.edges[a.first:a.next]
	for i := range edges {
		e := &edges[i]
		if e.x1 <= b.x0 || b.x1 <= e.x0 {
			continue
		}
		if e.low >= b.high {
			for j := range others {
				if f := &others[j]; f.x0 < e.x1 && e.x0 < f.x1 {
					t += e.sign * 2 * f.under(e.x0, e.x1, k.top)
				}
			}
			continue
		}
		if e.high <= b.low {
			x0, x1, sign := b.start, b.end, -2.0
			if x0 > x1 {
				x0, x1, sign = x1, x0, 2
			}
			if e.x0 < x1 && x0 < e.x1 {
				t += sign * e.under(x0, x1, k.top)
			}
			continue
		}
		for j := range others {
			f := &others[j]
			x0 := max(e.x0, f.x0)
			x1 := min(e.x1, f.x1)
			if x1 <= x0 {
				continue
			}
			w := float64(x1 - x0)
			e0 := e.y0 + e.slope*float64(x0-e.x0)
			f0 := f.y0 + f.slope*float64(x0-f.x0)
			e1, f1 := e0+e.slope*w, f0+f.slope*w
			d0, d1 := e0-f0, e1-f1
			s0, s1 := math.Abs(d0), math.Abs(d1)
			n := (s0 - d0) + (s1 - d1)
			t += e.sign * f.sign * w * (f0 + f1 - top2 - n*n/(4*(s0+s1)+tiny))
		}
	}
	k.add(0.5 * t)
}

// tiny keeps 0/0 out of where two edges coincide.
const tiny = 1e-300
