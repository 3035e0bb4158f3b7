package geo

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// The points that divide an edge are the same to the last bit from both ends.
func TestDivideSymmetric(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 11))
	for range 20000 {
		a := XY{X: (r.Float64() - 0.5) * 4e4, Y: r.Float64() * 1e7}
		b := XY{X: a.X + (r.Float64()-0.5)*2e4, Y: a.Y + (r.Float64()-0.5)*2e4}
		if r.IntN(10) == 0 {
			b.X = a.X
		}
		if edgeParts(a, b) != edgeParts(b, a) {
			t.Fatalf("%v %v: %d and %d parts", a, b, edgeParts(a, b), edgeParts(b, a))
		}
		var there, back []XY
		divide(a, b, edgeParts(a, b), func(p XY) { there = append(there, p) })
		divide(b, a, edgeParts(b, a), func(p XY) { back = append(back, p) })
		slices.Reverse(back)
		if !slices.Equal(there, back) {
			t.Fatalf("%v %v: %v and %v", a, b, there, back)
		}
	}
}
