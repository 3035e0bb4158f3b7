package pairtest

import (
	"slices"

	"gengtu/index/geo"
)

// BadKind names a kind of polygon that breaks the rules.
type BadKind int

// The kinds of [Bad].
const (
	BowTie      BadKind = iota // a ring whose halves run opposite ways
	Spike                      // a ring with a spike of no width, out or in
	Doubled                    // a ring that runs round twice
	Overlapping                // parts that share ground
	InnerLoop                  // a ring with a loop inside, run the same way
	OuterLoop                  // a ring with a loop outside, run the other way
	StrayHole                  // a hole across its shell, or outside
	NestedHole                 // a hole in a hole
	Scribble                   // vertices at random
	WrongWay                   // valid but for shells that run clockwise
	badCount
)

var badNames = [badCount]string{
	"bow-tie", "spike", "doubled", "overlapping", "inner-loop", "outer-loop", "stray-hole", "nested-hole", "scribble", "wrong-way",
}

// String returns the name of k, lower case with hyphens.
func (k BadKind) String() string {
	if k < 0 || k >= badCount {
		return "unknown"
	}
	return badNames[k]
}

// BadKinds returns all kinds, in their order.
func BadKinds() []BadKind {
	ks := make([]BadKind, badCount)
	for i := range ks {
		ks[i] = BadKind(i)
	}
	return ks
}

// Bad returns the polygon of kind k that seed stands for; an unknown kind gives
// nil. Rings are closed and their positions lie on the grid, and no more is promised.
func Bad(k BadKind, seed uint64) geo.MultiPolygon {
	g := newGenerator(1000+uint64(k), seed)
	size := g.anySize(5, 1000)
	switch k {
	case BowTie:
		// Two neighbours of a ring without dents change places: its edges cross.
		r := g.star(0, 0, size, 1, 6+g.IntN(20))
		i := 1 + g.IntN(len(r)-4)
		r[i], r[i+1] = r[i+1], r[i]
		return single(r)
	case Spike:
		r := g.star(0, 0, size, 0.6, 6+g.IntN(20))
		i := 1 + g.IntN(len(r)-2)
		tip := g.polar(0, 0, size*g.between(0, 1.5), g.Float64())
		return single(slices.Insert(r, i, r[i], tip))
	case Doubled:
		r := g.star(0, 0, size, 0.5, 6+g.IntN(20))
		return single(append(r[:len(r)-1:len(r)-1], r...))
	case Overlapping:
		return geo.MultiPolygon{
			{g.star(0, 0, size, 0.5, 6+g.IntN(20))},
			{g.star(size*g.between(-1, 1), size*g.between(-1, 1), size, 0.5, 6+g.IntN(20))},
		}
	case InnerLoop, OuterLoop:
		return single(g.loop(size, k == OuterLoop))
	case StrayHole:
		return single(g.star(0, 0, size, 0.6, 6+g.IntN(20)),
			reversed(g.star(size*g.between(0.5, 2), 0, size*g.between(0.2, 0.6), 0.5, 6+g.IntN(10))))
	case NestedHole:
		rs := g.rings(0, 0, size, 3)
		return single(rs[0], reversed(rs[1]), reversed(rs[2]))
	case Scribble:
		r := make(geo.Ring, 0, 16)
		for range 4 + g.IntN(10) {
			r = append(r, g.at(size*g.between(-1, 1), size*g.between(-1, 1)))
		}
		return single(closed(r...))
	case WrongWay:
		r := g.star(0, 0, size, 0.6, 6+g.IntN(20))
		return single(reversed(r))
	default:
		return nil
	}
}

// loop returns a square of 2 × size whose upper side runs through a loop: inside
// the square, run as the square is, or above it, run the other way.
func (g *generator) loop(size float64, outside bool) geo.Ring {
	d := size * g.between(0.1, 0.8)
	sign := -1.0
	if outside {
		sign = 1
	}
	// Westward along the top, through the crossing, round the loop and on.
	return closed(
		g.at(-size, -size), g.at(size, -size), g.at(size, size),
		g.at(-d/2, size+sign*d), g.at(d/2, size+sign*d), g.at(-size, size),
	)
}
