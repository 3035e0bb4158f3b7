package geo

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Rounding must be that of the math package, halves and their neighbours included.
func TestNearest(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 13))
	for range 300_000 {
		whole := float64(rnd.Int64N(4e12) - 2e12)
		if rnd.IntN(3) == 0 {
			whole = float64(rnd.IntN(5) - 2)
		}
		half := whole + 0.5
		for _, f := range []float64{whole, half, math.Nextafter(half, half+1), math.Nextafter(half, half-1), whole + rnd.Float64()} {
			if got := nearest(f); got != int64(math.Round(f)) {
				t.Fatalf("%v becomes %d", f, got)
			}
		}
	}
}
