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

// Metres that are sent as degrees are refused with the zones that put them on the
// edition's ground, also where no number of a zone stands before the eastings.
func TestOverlayZoneProposed(t *testing.T) {
	s := serve(t, nil, edition.Government)
	head := s.bearer(edition.Government)
	for _, code := range []int{4508, 4545, 4524} { // 6 and 3 degrees by meridian, 3 degrees by number
		zone, err := geo.EPSG(code)
		if err != nil {
			t.Fatal(err)
		}
		box := lotBox(0, 0, 2, 2)
		lo, hi := zone.Forward(box.Min.LonLat()), zone.Forward(box.Max.LonLat())
		var points []string
		for _, p := range box.Polygon()[0] {
			xy := zone.Forward(p.LonLat())
			points = append(points, fmt.Sprintf("[%.4f,%.4f]", xy.X, xy.Y))
		}
		plane := `{"type":"Polygon","coordinates":[[` + strings.Join(points, ",") + `]]}`
		want := zone.String()
		for name, r := range map[string]reply{
			"posted": s.post(t, "/government/overlay", plane, append(head, "Content-Type", "application/geo+json")...),
			"a box":  s.get(t, fmt.Sprintf("/government/overlay?bbox=%.4f,%.4f,%.4f,%.4f", lo.X, lo.Y, hi.X, hi.Y), head...),
			"point":  s.get(t, fmt.Sprintf("/government/overlay?point=%.4f,%.4f", (lo.X+hi.X)/2, (lo.Y+hi.Y)/2), head...),
		} {
			wantProblem(t, name, r, http.StatusBadRequest, "crs_mismatch")
			if !strings.Contains(string(r.body), want) {
				t.Errorf("%s in %v: %s", name, zone, r.body)
			}
		}
	}
	txt := boundaryFile(lotBox(0, 0, 2, 2))
	bare := strings.NewReplacer("带号=36", "带号=", ",36", ",").Replace(txt)
	r := s.post(t, "/government/overlay", bare, append(head, "Content-Type", "text/plain")...)
	wantProblem(t, "TXT", r, http.StatusBadRequest, "txt_zone")
	if !strings.Contains(string(r.body), "EPSG:4545") {
		t.Errorf("TXT: %s\n%s", r.body, bare)
	}
}
