package geo_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"gengtu/index/geo"
)

// Of all zones those are proposed that put the points on the ground, and never another;
// what is on no ground by any, gets none.
func TestZonesOnGround(t *testing.T) {
	ground := geo.Box{Min: geo.PositionOf(geo.LonLat{Lon: 108.6, Lat: 34.3}), Max: geo.PositionOf(geo.LonLat{Lon: 108.7, Lat: 34.4})}
	r := rand.New(rand.NewPCG(1, 2))
	for code := 4491; code < 4555; code++ {
		zone, err := geo.EPSG(code)
		if err != nil {
			t.Fatal(err)
		}
		var points []geo.XY
		for range 5 {
			points = append(points, zone.Forward(geo.LonLat{Lon: 108.61 + 0.08*r.Float64(), Lat: 34.31 + 0.08*r.Float64()}))
		}
		// By trial of every system there is.
		var want []string
		for other := 4491; other < 4555; other++ {
			c, err := geo.EPSG(other)
			if err != nil {
				t.Fatal(err)
			}
			inside := true
			for _, p := range points {
				if inside = inside && c.Check(p) == nil; inside {
					at := c.Inverse(p)
					inside = at.Lon >= 108.6 && at.Lon <= 108.7 && at.Lat >= 34.3 && at.Lat <= 34.4
				}
			}
			if inside {
				want = append(want, c.String())
			}
		}
		var got []string
		for _, c := range geo.ZonesOnGround(points, ground) {
			got = append(got, c.String())
		}
		if near := zone.CentralMeridian() >= 105 && zone.CentralMeridian() <= 111; near && len(want) == 0 {
			t.Errorf("%v: the oracle finds none", zone)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v: proposed %v, want %v", zone, got, want)
		}
	}
	zone, err := geo.EPSG(4545) // by the meridian of 108
	if err != nil {
		t.Fatal(err)
	}
	over := []geo.XY{zone.Forward(geo.LonLat{Lon: 108.65, Lat: 34.35}), zone.Forward(geo.LonLat{Lon: 108.75, Lat: 34.35})}
	if got := geo.ZonesOnGround(over, ground); fmt.Sprint(got) != "[EPSG:4545]" {
		t.Errorf("a shape over the border: %v", got)
	}
	for name, c := range map[string]struct {
		points []geo.XY
		ground geo.Box
	}{
		"elsewhere":  {[]geo.XY{{X: 500000, Y: 1000000}}, ground},
		"nothing":    {nil, ground},
		"no ground":  {[]geo.XY{{X: 500000, Y: 3800000}}, geo.EmptyBox()},
		"no numbers": {[]geo.XY{{X: 1e300, Y: -1e300}}, ground},
	} {
		if got := geo.ZonesOnGround(c.points, c.ground); len(got) > 0 {
			t.Errorf("%s: proposed %v", name, got)
		}
	}
}
