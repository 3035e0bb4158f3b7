package areas

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// A figure is rounded as its digits say, halves away from zero: by whole numbers
// it comes to the same.
func TestSteps(t *testing.T) {
	for _, c := range []struct {
		v        float64
		decimals int
		want     string
	}{
		{1.005, 2, "1.01"}, {1.0049, 2, "1.00"}, {-1.005, 2, "-1.01"}, {0, 2, "0.00"}, {14.0602, 4, "14.0602"}, {0.937350, 2, "0.94"},
		{0.125, 2, "0.13"}, {9_600_000_000_000.01, 2, "9600000000000.01"}, {0.000049, 4, "0.0000"}, {2.5, 0, "3"},
	} {
		if got := fixed(steps(c.v, c.decimals), c.decimals); got != c.want {
			t.Errorf("%v with %d decimals is %s, want %s", c.v, c.decimals, got, c.want)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		n := random.Int64N(1e13) // in 0.0001
		want := (n + 50) / 100
		var v float64
		if _, err := fmt.Sscan(fmt.Sprintf("%d.%04d", n/1e4, n%1e4), &v); err != nil {
			t.Fatal(err)
		}
		if got := steps(v, 2); got != want {
			t.Fatalf("%d.%04d is %d hundredths, want %d", n/1e4, n%1e4, got, want)
		}
	}
}
