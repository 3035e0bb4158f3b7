package raster

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The nearest entry is the one that looking at all of them finds, the first of equals.
func TestNearestAgainstAll(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 60 {
		few := rgba(0xFFFFFFFF)
		if round%2 == 0 {
			few = 0x03030303 // many as near as each other
		}
		var entries []rgba
		for range 1 + r.IntN(256) {
			entries = append(entries, rgba(r.Uint32())&few)
		}
		near := newNearest(entries)
		for range 300 {
			c := rgba(r.Uint32()) & few
			want, best := 0, math.MaxInt
			for i, e := range entries {
				d := 0
				for k, v := range e.parts() {
					d += (v - c.parts()[k]) * (v - c.parts()[k])
				}
				if d < best {
					want, best = i, d
				}
			}
			if got := near.of(c); int(got) != want {
				t.Fatalf("%08x of %08x: %d, want %d", uint32(c), entries, got, want)
			}
		}
	}
}
