package geo_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"gengtu/index/geo"
)

// A short line's length by the scale of its middle is the geodesic's, as PROJ's geod has
// it by Karney's method, within the bound that the comment states.
func TestLocalScale(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	type line struct {
		a, b geo.Position
		far  float64
	}
	var lines []line
	var in strings.Builder
	for range 4000 {
		far := []float64{1, 50, 100, 1000}[r.IntN(4)]
		lat, lon := 160*r.Float64()-80, 360*r.Float64()-180
		turn := 2 * math.Pi * r.Float64()
		l := line{a: geo.PositionOf(geo.LonLat{Lon: lon, Lat: lat}), far: far}
		l.b = geo.PositionOf(geo.LonLat{
			Lon: lon + far*math.Sin(turn)/111320/math.Cos(lat*math.Pi/180),
			Lat: lat + far*math.Cos(turn)/111320,
		})
		lines = append(lines, l)
		fmt.Fprintf(&in, "%.10f %.10f %.10f %.10f\n", l.a.LonLat().Lat, l.a.LonLat().Lon, l.b.LonLat().Lat, l.b.LonLat().Lon)
	}
	out := strings.Split(strings.TrimSpace(run(t, in.String(), "geod", "-I", "+a=6378137", "+rf=298.257222101", "-F", "%.9f")), "\n")
	if len(out) != len(lines) {
		t.Fatalf("geod says %d lines of %d", len(out), len(lines))
	}
	var s geo.LocalScale
	worst := map[float64]float64{}
	for i, l := range lines {
		f := strings.Fields(out[i])
		want, err := strconv.ParseFloat(f[len(f)-1], 64)
		if err != nil {
			t.Fatal(err)
		}
		east, north := s.At(l.a.Lat + (l.b.Lat-l.a.Lat)/2)
		got := math.Hypot(float64(l.b.Lon-l.a.Lon)*east, float64(l.b.Lat-l.a.Lat)*north)
		worst[l.far] = max(worst[l.far], math.Abs(got-want))
	}
	t.Log(worst)
	// The bound: 4e-9 of the length for the scale, d³/(24 R²) (1+tan²) for the middle, and
	// 1e-9 m that geod prints.
	for far, d := range worst {
		if bound := 4e-9*far + far*far*far/24/6.36e6/6.36e6*34 + 2e-9; d > bound {
			t.Errorf("lines of %v m are wrong by %g m, at most %g are allowed", far, d, bound)
		}
	}
}

// What the scale says of a latitude does not depend on what it was asked before, poles
// and the equator included.
func TestLocalScaleForgets(t *testing.T) {
	var s geo.LocalScale
	for _, lat := range []int64{0, -1, 1, 89 * geo.Unit, 90 * geo.Unit, -90 * geo.Unit, 34*geo.Unit + 7, 0} {
		var fresh geo.LocalScale
		e, n := s.At(lat)
		if fe, fn := fresh.At(lat); e != fe || n != fn {
			t.Errorf("at %d: %v %v, by a new one %v %v", lat, e, n, fe, fn)
		}
		if !(e >= -1e-9 && e < 1.2e-5 && n > 1.1e-5 && n < 1.12e-5) {
			t.Errorf("at %d: %v and %v m for a unit", lat, e, n)
		}
	}
}
