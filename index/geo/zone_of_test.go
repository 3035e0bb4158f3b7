package geo_test

import (
	"testing"

	"gengtu/index/geo"
)

// Each zone must be found by its own width and number and the form of its eastings.
func TestZoneOf(t *testing.T) {
	for code := 4491; code <= 4554; code++ {
		c, err := geo.EPSG(code)
		if err != nil {
			t.Fatal(err)
		}
		width, number := c.Zone()
		got, ok := geo.ZoneOf(width, number, geo.XY{X: c.FalseEasting() + 12345, Y: 3_800_000})
		if !ok || got != c {
			t.Errorf("%v: zone %d of %d degrees gives %v", c, number, width, got)
		}
	}
	for _, bad := range [][2]int{{3, 24}, {3, 46}, {6, 12}, {6, 24}, {0, 36}, {4, 30}, {3, -1}} {
		if c, ok := geo.ZoneOf(bad[0], bad[1], geo.XY{X: 500000, Y: 3_800_000}); ok {
			t.Errorf("zone %d of %d degrees is %v", bad[1], bad[0], c)
		}
	}
	if w, n := (geo.CRS{}).Zone(); w != 0 || n != 0 {
		t.Errorf("longitude and latitude are zone %d of %d degrees", n, w)
	}
}
