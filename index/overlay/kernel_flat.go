package overlay

import (
	"math"
	"math/bits"
)

// flatKernel gives what [Kernel.Shared] gives for outlines without trees. It
// picks the edges that matter to a pair and takes each of one with each of the
// other, which is the faster way where neighbours have little in common.
type flatKernel struct {
	a, b picked
	n, m uint // the numbers that are picked
}

const (
	// flatEdges is the number of edges up to which a flatKernel takes an outline,
	// and flatRoom a power of two above it, so that an index needs no check.
	flatEdges = 48
	flatRoom  = 64
	// flatPairs is the number of pairs of edges from which on a tree is worth
	// building and walking.
	flatPairs = 400
)

// picked are the edges of an outline that matter to a pair.
type picked struct {
	x0, x1 [flatRoom]int64
	at     [flatRoom]uint8 // in the outline's edges
}

// pick picks the edges that reach in between the meridians x0 and x1 and above
// the latitude low, and returns their number. It has no branch on where an edge
// lies: each is written down, and the next one over it if it does not matter.
func (p *picked) pick(edges []chord, x0, x1, low int64) uint {
	n := uint(0)
	for i := range edges {
		e := &edges[i]
		p.x0[n%flatRoom], p.x1[n%flatRoom], p.at[n%flatRoom] = e.x0, e.x1, uint8(i)
		n += uint(uint64((x0-e.x1)&(e.x0-x1)&(low-e.high)) >> 63)
	}
	return n
}

// pick picks the edges of a and b, of no more than flatEdges each, and tells
// whether they are few enough.
//
// Edges that lie below all of the other outline add nothing: their ordinate
// counts once for each of the other's edges above them, and the directions of
// those cancel in a closed ring. Where the lowest edges of both lie on one
// parallel that holds for those of one of the two only: a's stay. What is beside
// the other outline adds nothing either.
func (k *flatKernel) pick(a, b *Outline) bool {
	x0, x1 := max(a.x0, b.x0), min(a.x1, b.x1)
	k.n = k.a.pick(a.edges, x0, x1, b.low-1)
	k.m = k.b.pick(b.edges, x0, x1, a.low)
	return k.n*k.m <= flatPairs
}

// shared returns the area, in m², that a and b share, when their edges are picked.
func (k *flatKernel) shared(a, b *Outline) float64 {
	if k.n == 0 || k.m == 0 {
		return 0
	}
	top2 := 2 * min(a.top, b.top)
	total, rest := 0.0, 0.0
	for i := range k.n {
		found := uint64(0)
		x0, x1 := k.a.x0[i%flatRoom], k.a.x1[i%flatRoom]
		for j := range k.m {
			found = found<<1 | uint64((k.b.x0[j%flatRoom]-x1)&(x0-k.b.x1[j%flatRoom]))>>63
		}
		if found == 0 {
			continue
		}
		e := &a.edges[k.a.at[i%flatRoom]]
		t := 0.0
		for found != 0 {
			j := k.m - 1 - uint(bits.TrailingZeros64(found))
			found &= found - 1
			f := &b.edges[k.b.at[j%flatRoom]]
			x0 := max(e.x0, f.x0)
			w := float64(min(e.x1, f.x1) - x0)
			e0 := e.y0 + e.slope*float64(x0-e.x0)
			f0 := f.y0 + f.slope*float64(x0-f.x0)
			e1, f1 := e0+e.slope*w, f0+f.slope*w
			d0, d1 := e0-f0, e1-f1
			s0, s1 := math.Abs(d0), math.Abs(d1)
			s := s0 + s1
			n := (s0 - d0) + (s1 - d1)
			less := 0.5 * n
			// Only few edges cross: for all others that is 0 or s itself, and the
			// processor need not wait for a division.
			if less*(s-less) > 0 {
				less *= less / s
			}
			t += f.sign * w * (f0 + f1 - top2 - less)
		}
		// As [Kernel.add] does.
		v := e.sign * t
		s := total + v
		u := s - total
		rest += (total - (s - u)) + (v - u)
		total = s
	}
	return max(0, 0.5*(total+rest)*a.scale)
}
