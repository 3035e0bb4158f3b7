package tileserver

import (
	"math"
	"math/rand/v2"
	"testing"

	"gengtu/index/geo"
)

// A label point must lie inside of the place, outside of its holes, whatever its
// form.
func TestLabelPoint(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	for n := range 300 {
		star := func(radius float64) geo.Ring {
			var r geo.Ring
			for k := range 14 {
				a, d := float64(k)/14*2*math.Pi, radius*(0.3+0.7*rng.Float64())
				r = append(r, geo.Position{Lon: 1086e9 + int64(d*math.Cos(a)), Lat: 343e9 + int64(d*math.Sin(a))})
			}
			return append(r, r[0])
		}
		m := geo.MultiPolygon{{star(1e8)}}
		if n%2 == 0 {
			m[0] = append(m[0], star(2e7)) // lies within the shell's least radius
		}
		p := labelPoint(m)
		if winding(m[0][0], p) == 0 {
			t.Fatalf("shape %d: the label lies outside", n)
		}
		if len(m[0]) > 1 && winding(m[0][1], p) != 0 {
			t.Fatalf("shape %d: the label lies in the hole", n)
		}
	}
}

// winding counts how often a ring runs around p, by adding up angles.
func winding(r geo.Ring, p geo.Position) int {
	sum := 0.0
	for i := 1; i < len(r); i++ {
		a := math.Atan2(float64(r[i-1].Lat-p.Lat), float64(r[i-1].Lon-p.Lon))
		b := math.Atan2(float64(r[i].Lat-p.Lat), float64(r[i].Lon-p.Lon))
		d := b - a
		for d > math.Pi {
			d -= 2 * math.Pi
		}
		for d < -math.Pi {
			d += 2 * math.Pi
		}
		sum += d
	}
	return int(math.Round(sum / (2 * math.Pi)))
}
