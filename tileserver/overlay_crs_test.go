package tileserver_test

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/geo"
)

// The crs member of GeoJSON of 2008 counts where the request names no system, and
// is not overruled without a word.
func TestOverlayStatedCRS(t *testing.T) {
	s := serve(t, nil, edition.Government)
	head := s.bearer(edition.Government)
	zone, err := geo.EPSG(4524)
	if err != nil {
		t.Fatal(err)
	}
	var points []string
	for _, p := range lotBox(0, 0, 2, 2).Polygon()[0] {
		xy := zone.Forward(p.LonLat())
		points = append(points, fmt.Sprintf("[%.4f,%.4f]", xy.X, xy.Y))
	}
	plane := `{"type":"Polygon","coordinates":[[` + strings.Join(points, ",") + `]]}`
	collection := func(crs, geometry string) string {
		return `{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"` + crs + `"}},"features":[{"type":"Feature","properties":{},"geometry":` + geometry + `}]}`
	}
	want := lotArea(0, 0, 2, 2)
	for _, c := range []struct{ name, contentType, query, body string }{
		{"a collection", "application/geo+json", "", collection("urn:ogc:def:crs:EPSG::4524", plane)},
		{"within the contract's body", "application/json", "", `{"geometry":` + collection("EPSG:4524", plane) + `}`},
		{"said twice", "application/geo+json", "?crs=4524", collection("EPSG:4524", plane)},
		{"lines", "application/x-ndjson", "", `{"type":"Feature","crs":{"properties":{"name":"EPSG:4524"}},"geometry":` + plane + "}\n"},
		{"WGS 84 of OGC", "application/geo+json", "?crs=EPSG:4490", collection("urn:ogc:def:crs:OGC:1.3:CRS84", lotPolygon(0, 0, 2, 2))},
	} {
		r := s.post(t, "/government/overlay"+c.query, c.body, append(head, "Content-Type", c.contentType)...)
		if a := decode[[]overlayAnswer](t, r); len(a) != 1 || math.Abs(a[0].AOI.AreaM2-want) > 0.02 {
			t.Errorf("%s: %d %.300s", c.name, r.StatusCode, r.body)
		}
	}
	for _, c := range []struct{ name, query, body, code string }{
		{"Xi'an 80", "", collection("urn:ogc:def:crs:EPSG::4610", lotPolygon(0, 0, 2, 2)), "crs_unknown"},
		{"another system than is asked", "?crs=EPSG:4525", collection("EPSG:4524", plane), "crs_conflict"},
		{"degrees beside a member", "?crs=EPSG:4490", collection("EPSG:4524", plane), "crs_conflict"},
	} {
		r := s.post(t, "/government/overlay"+c.query, c.body, append(head, "Content-Type", "application/geo+json")...)
		wantProblem(t, c.name, r, http.StatusBadRequest, c.code)
	}
}
