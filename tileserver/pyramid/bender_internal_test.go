package pyramid

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// An edge along the frame has the hot pixels that it has when each unit is looked at, and
// one inside it those that its line runs through, whatever blocks are kept.
func TestBenderFindsAll(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	const width = frameHigh - frameLow
	for round := range 300 {
		var p pixels
		p.cool()
		unit := func() int32 { return frameLow + r.Int32N(width+1) }
		for range r.IntN(3000) {
			p.light(unit(), unit())
		}
		fixed := int32(frameLow)
		if round&1 != 0 {
			fixed = frameHigh
		}
		a, b := spot32{unit(), fixed}, spot32{unit(), fixed}
		for range r.IntN(40) {
			p.light(unit(), fixed)
			p.light(fixed, unit())
		}
		if round&2 != 0 {
			a, b = spot32{a.y, a.x}, spot32{b.y, b.x}
		}
		c, d := spot32{unit(), unit()}, spot32{unit(), unit()}
		if round&4 != 0 { // as short as most are
			d = spot32{min(c.x+r.Int32N(30), frameHigh), min(c.y+r.Int32N(30), frameHigh)}
		}
		if d.y < c.y || d.y == c.y && d.x < c.x {
			c, d = d, c
		}
		for _, s := range []spot32{a, b, c, d} {
			p.light(s.x, s.y)
		}
		p.settle()

		rim := rim{spot{int64(a.x) << subShift, int64(a.y) << subShift}, spot{int64(b.x) << subShift, int64(b.y) << subShift}, 0}
		if a != b {
			var want []node
			dx, dy := int32(cmp.Compare(b.x, a.x)), int32(cmp.Compare(b.y, a.y))
			for at := a; ; at = (spot32{at.x + dx, at.y + dy}) {
				if p.isHot(nodeAt(at.x, at.y)) {
					want = append(want, nodeAt(at.x, at.y))
				}
				if at == b {
					break
				}
			}
			if got := nodesOf(rim.along(&p, nil)); !slices.Equal(got, want) {
				t.Fatalf("round %d: along the frame from %v to %v: %v, want %v", round, a, b, got, want)
			}
		}

		if nodeAt(c.x, c.y) == nodeAt(d.x, d.y) {
			continue
		}
		var bend bender
		bend.reset(&p)
		got := nodesOf(bend.through(spot32{c.x << subShift, c.y << subShift}, spot32{d.x << subShift, d.y << subShift}, nil))
		want := []node{nodeAt(c.x, c.y), nodeAt(d.x, d.y)}
		for _, n := range p.lit {
			if bend.passes(n) && !slices.Contains(want, n) {
				want = append(want, n)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("round %d: from %v to %v: %v, want %v", round, c, d, got, want)
		}
	}
}

func nodesOf(marks []mark) []node {
	var out []node
	for _, m := range marks {
		out = append(out, m.node)
	}
	return out
}
