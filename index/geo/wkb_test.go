package geo_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
	"gengtu/index/geo/postgistest"
)

// GDAL reads the bytes that [postgistest.WKB] writes as the geometry that AppendGeoJSON
// writes.
func TestWKBAgainstGDAL(t *testing.T) {
	t.Parallel()
	for _, m := range []geo.MultiPolygon{
		{{{{1081234567891, 350000000001}, {1081234567991, 350000000001}, {1081234567991, 350000000201}, {1081234567891, 350000000001}}}},
		{
			geo.Box{Min: geo.Position{Lon: -1e10, Lat: -2e10}, Max: geo.Position{Lon: 5e9, Lat: 1e10}}.Polygon(),
			geo.Box{Min: geo.Position{Lon: 10e10, Lat: 20e10}, Max: geo.Position{Lon: 11e10, Lat: 21e10}}.Polygon(),
		},
	} {
		sql := "SELECT AsGeoJSON(GeomFromWKB(x'" + postgistest.WKB(m) + "', 4490), 10) AS g"
		got := run(t, "", "ogrinfo", "-q", "-dialect", "sqlite", "-sql", sql, "testdata/empty.geojson")
		_, text, _ := strings.Cut(got, "= ")
		polygons, err := geo.ParseGeometry([]byte(text), geo.Limits{})
		if err != nil {
			t.Fatalf("%v in %q", err, got)
		}
		want, err := geo.ParseGeometry(geo.AppendGeoJSON(nil, m), geo.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, polygons); diff != "" {
			t.Error(diff)
		}
	}
}
