package geo_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gengtu/index/geo"
)

// Of a star around a centre the triangles from there to its edges are all there is.
func TestInRing(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	centre := geo.XY{X: 36559000, Y: 3801000}
	for range 200 {
		n := 3 + rnd.IntN(20)
		ring := make([]geo.XY, n)
		for i := range ring {
			sin, cos := math.Sincos(2 * math.Pi * (float64(i) + 0.4*rnd.Float64()) / float64(n))
			far := 10 + 90*rnd.Float64()
			ring[i] = geo.XY{X: centre.X + far*cos, Y: centre.Y + far*sin}
		}
		closed := append(append([]geo.XY{}, ring...), ring[0])
		for range 100 {
			p := geo.XY{X: centre.X + 220*rnd.Float64() - 110, Y: centre.Y + 220*rnd.Float64() - 110}
			want := false
			for i, a := range ring {
				b := ring[(i+1)%n]
				left := func(a, b geo.XY) bool { return (b.X-a.X)*(p.Y-a.Y) > (p.X-a.X)*(b.Y-a.Y) }
				want = want || left(centre, a) && left(a, b) && left(b, centre)
			}
			if geo.InRing(ring, p) != want || geo.InRing(closed, p) != want {
				t.Fatalf("%v in %v: want %v", p, ring, want)
			}
		}
	}
	if geo.InRing(nil, centre) {
		t.Error("a place in no ring")
	}
}
