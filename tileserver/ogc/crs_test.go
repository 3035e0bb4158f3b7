package ogc_test

import (
	"slices"
	"testing"

	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/tileserver/ogc"
)

// Whatever a request calls a coordinate system, it is refused with a problem, or is one of
// those that are offered, and is found again by its own name.
func FuzzParseCRS(f *testing.F) {
	box := geo.EmptyBox()
	for _, p := range []geo.LonLat{{Lon: 107, Lat: 34}, {Lon: 109, Lat: 35}} {
		box.Extend(geo.PositionOf(p))
	}
	offered := ogc.Offered(box)
	if len(offered) < 6 {
		f.Fatalf("%d systems are offered", len(offered))
	}
	for _, c := range offered {
		f.Add(c.URI)
	}
	for _, s := range []string{"", "EPSG:4490", "[EPSG:4524]", "urn:ogc:def:crs:EPSG::4490", "CRS84", "HTTPS://www.opengis.net/def/crs/EPSG/0/3857", "EPSG:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		c, err := ogc.ParseCRS(name, offered)
		if err != nil {
			if p := problem.Of(err); p == nil || p.Code != "CRS_UNKNOWN" {
				t.Fatal(err)
			}
			return
		}
		if !slices.Contains(offered, c) {
			t.Fatalf("%q is %v, which is not offered", name, c)
		}
		if again, err := ogc.ParseCRS(c.URI, offered); err != nil || again != c {
			t.Fatalf("%s is read again as %v: %v", c.URI, again, err)
		}
	})
}
