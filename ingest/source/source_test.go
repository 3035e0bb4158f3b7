package source_test

import (
	"testing"

	"gengtu/ingest/source"
)

const fixture = "testdata/parcels.geojson"

// Every file must hold for us what it holds for GDAL: the same records in the
// same order, attributes to the last digit, coordinates to the last bit, and the
// same rings grouped into the same polygons.
func TestReadAgainstGDAL(t *testing.T) {
	files := map[string]string{
		"the fixture":                    fixture,
		"a shapefile in UTF-8":           convert(t, fixture, "u.shp", "-lco", "ENCODING=UTF-8"),
		"a shapefile in GBK":             convert(t, fixture, "g.shp", "-lco", "ENCODING=GBK"),
		"a shapefile with Z":             convert(t, fixture, "z.shp", "-lco", "ENCODING=CP936", "-lco", "SHPT=POLYGONZ"),
		"a shapefile with M":             convert(t, fixture, "m.shp", "-lco", "ENCODING=GBK", "-lco", "SHPT=POLYGONM"),
		"a GeoPackage":                   convert(t, fixture, "p.gpkg"),
		"a GeoPackage with Z and M":      convert(t, fixture, "zm.gpkg", "-dim", "XYZM"),
		"a GeoPackage of multipolygons":  convert(t, fixture, "mp.gpkg", "-nlt", "MULTIPOLYGON"),
		"a GeoPackage without envelopes": convert(t, "testdata/point.geojson", "e.gpkg", "-where", "0"),
		"a FlatGeobuf":                   convert(t, fixture, "p.fgb", "-where", "NUM != -4"),
		"a FlatGeobuf without index":     convert(t, fixture, "n.fgb", "-lco", "SPATIAL_INDEX=NO"),
		"a FlatGeobuf of multipolygons":  convert(t, fixture, "mp.fgb", "-nlt", "MULTIPOLYGON", "-where", "NUM != -4"),
		"lines":                          convert(t, fixture, "l.geojsonl", "-f", "GeoJSONSeq", "-a_srs", "EPSG:4326"),
		"a text sequence":                convert(t, fixture, "s.geojsons", "-f", "GeoJSONSeq", "-lco", "RS=YES", "-a_srs", "EPSG:4326"),
	}
	for _, name := range []string{
		"delivery/2023/DLTB.shp", "delivery/2023/YJJBNTTB.gpkg", "delivery/2023/GBZNT.geojson", "delivery/2023/XZQ.fgb",
		"delivery/2024/DLTB.shp", "delivery/2024/YJJBNTTB.gpkg", "delivery/2024/GBZNT.geojson", "delivery/2024/XZQ.fgb",
		"nl_parcels/fields.shp", "nl_parcels/fields_4490.gpkg", "gbk/jiangsu_counties_gbk.shp", "shapefile_cases/poly.shp",
		"flatgeobuf/countries.fgb", "flatgeobuf/empty.fgb", "flatgeobuf/poly00.fgb", "flatgeobuf/poly01.fgb",
		"flatgeobuf/unknown_feature_count.fgb",
	} {
		if path := shared(t, name); path != "" {
			files[name] = path
		}
	}
	for name, path := range files {
		t.Run(name, func(t *testing.T) {
			l, features := readAll(t, path, source.Options{})
			if l.Count >= 0 && l.Count != int64(len(features)) {
				t.Errorf("layer says %d records, there are %d", l.Count, len(features))
			}
			compare(t, rowsOf(t, l, features), gdalRows(t, path), features)
			for _, n := range l.Notes {
				if n.Code != "DBF_OVERFLOW" { // which is how GDAL writes null
					t.Errorf("note: %v", n)
				}
			}
		})
	}
}
