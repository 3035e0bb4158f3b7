package main_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"

	"gengtu/index/geo"
)

// exchanged is a position with its coordinates exchanged.
func exchanged(p geo.XY) geo.XY { return geo.XY{X: p.Y, Y: p.X} }

// badPlaces are shapefiles whose coordinate system is wrong, or not said.
func badPlaces(testing.TB) []bad {
	in := func(in, says int) func(testing.TB) string {
		return func(t testing.TB) string { return made(t, spoil{in: in, says: says}) }
	}
	with := func(s spoil, ending string, change func([]byte) []byte) func(testing.TB) string {
		return func(t testing.TB) string { return edited(t, made(t, s), ending, change) }
	}
	west := spoil{in: 4490, values: func(_ int, v []any) { v[2] = "6501022010010000000" }, shape: moved(func(p geo.XY) geo.XY {
		return geo.XY{X: p.Y + 9.5, Y: p.X - 21} // Ürümqi, latitude first
	})}
	return []bad{
		{name: "the zone of others in .prj", file: in(4524, 4525), code: "NOTHING_KEPT", about: 1, says: "--crs EPSG:4524"},
		{name: "a central meridian in .prj, zone numbers in eastings", file: in(4524, 4545), code: "NOTHING_KEPT", about: 1, says: "--crs EPSG:4524"},
		{name: "a zone number in .prj, none in eastings", file: in(4545, 4524), code: "NOTHING_KEPT", about: 1, says: "--crs EPSG:4545"},
		{name: "another central meridian", file: in(4545, 4548), code: "PLACE_ASTRAY", says: "--crs EPSG:4545"},
		{name: "a meridian in the west", file: in(4545, 4540), code: "PLACE_ASTRAY", says: "--crs EPSG:4545"},
		{name: "Web Mercator in .prj", file: in(4545, 3857), code: "PLACE_ASTRAY", says: "--crs EPSG:4545"},
		{name: "Web Mercator called a zone", file: in(3857, 4524), code: "NOTHING_KEPT", about: 1, says: "--crs EPSG:3857"},
		{name: "degrees called metres", file: in(4490, 4524), code: "NOTHING_KEPT", about: 1, says: "--crs EPSG:4490"},
		{name: "metres called degrees", file: in(4524, 4490), code: "NOTHING_KEPT", about: 1, says: "--crs EPSG:4524"},
		{name: "metres without zone called degrees", file: in(4545, 4490), code: "NOTHING_KEPT", about: 1, says: "--crs EPSG:4545"},
		{name: "northings first", file: func(t testing.TB) string { return made(t, spoil{shape: moved(exchanged)}) }, code: "NOTHING_KEPT", about: 1, says: "--swap-xy all"},
		{name: "northings first, and --swap-xy", file: func(t testing.TB) string { return made(t, spoil{shape: moved(exchanged)}) }, args: []string{"--swap-xy", "all"}, listed: "SWAPPED_XY"},
		{name: "latitudes first in the far west", file: func(t testing.TB) string { return made(t, west) }, code: "PLACE_ASTRAY", says: "--crs EPSG:4490 --swap-xy all"},
		{name: "a meridian that the user insists on", file: in(4545, 4548), args: []string{"--crs", "EPSG:4548"}, listed: "PLACE_ASTRAY"},
		{name: "the meridian that was proposed", file: in(4545, 4548), args: []string{"--crs", "EPSG:4545"}},
		{name: "the system of a file that is not read", file: in(4524, 4524), args: []string{"--crs", "XZQ.shp=EPSG:4524"}, code: "CRS_FILE", elsewhere: true},
		{name: "no .prj, zone numbers in eastings", file: with(spoil{}, ".prj", gone), listed: "CRS_FROM_EASTINGS"},
		{name: "no .prj, strictly", file: with(spoil{}, ".prj", gone), args: []string{"--strict"}, code: "CRS_MISSING", says: "--crs"},
		{name: "no .prj, no zone numbers", file: with(spoil{in: 4545}, ".prj", gone), code: "CRS_MISSING", says: "--crs"},
		{name: "no .prj, degrees", file: with(spoil{in: 4490}, ".prj", gone), code: "CRS_MISSING", says: "--crs EPSG:4490"},
		{name: "no .prj, northings first", file: with(spoil{shape: moved(exchanged)}, ".prj", gone), code: "CRS_MISSING", says: "--crs EPSG:4524 --swap-xy all"},
	}
}

// badArchives are archives that are made to do harm, or are damaged.
func badArchives(testing.TB) []bad {
	with := func(more ...zipMember) func(testing.TB) string {
		return func(t testing.TB) string { return packed(t, append(shapefileMembers(t, "DLTB"), more...)...) }
	}
	bomb := func(t testing.TB) string {
		m := shapefileMembers(t, "DLTB")
		m[2].data = make([]byte, 100<<20)
		return packed(t, m...)
	}
	gbk, err := simplifiedchinese.GBK.NewEncoder().String("成果/../../地类图斑")
	if err != nil {
		panic(err) // the text stands above
	}
	chinese := func(t testing.TB) string {
		name, err := simplifiedchinese.GBK.NewEncoder().String("成果/地类图斑")
		if err != nil {
			t.Fatal(err)
		}
		m := shapefileMembers(t, name)
		for i := range m {
			m[i].gbk = true
		}
		return packed(t, m...)
	}
	cut := func(part float64) func(testing.TB) string {
		return func(t testing.TB) string {
			path := with()(t)
			return edited(t, path, ".zip", func(b []byte) []byte { return b[:int(part*float64(len(b)))] })
		}
	}
	inner := func(t testing.TB) string {
		return packed(t, zipMember{name: "DLTB.zip", data: []byte("PK\x05\x06" + strings.Repeat("\x00", 18))})
	}
	return []bad{
		{name: "a way out of an archive", file: with(zipMember{name: "../../../tmp/x.shp", data: []byte("x")}), code: "ZIP_PATH"},
		{name: "a way out in GBK", file: with(zipMember{name: gbk + ".shp", data: []byte("x"), gbk: true}), code: "ZIP_PATH"},
		{name: "an absolute path in an archive", file: with(zipMember{name: "/etc/cron.d/x", data: []byte("x")}), code: "ZIP_PATH"},
		{name: "a link in an archive", file: with(zipMember{name: "XZQ.shp", data: []byte("/etc/passwd"), link: true}), code: "ZIP_PATH"},
		{name: "Chinese names in GBK", file: chinese},
		{name: "a bomb", file: bomb, code: "ZIP_BOMB"},
		{name: "an archive in an archive", file: inner, code: "ZIP_NESTED"},
		{name: "half an archive", file: cut(0.5), code: "ZIP_DAMAGED"},
		{name: "an archive without its end", file: cut(0.97), code: "ZIP_DAMAGED"},
		{name: "an archive of a spoiled delivery", file: func(t testing.TB) string {
			m := shapefileMembers(t, "DLTB")
			m[0].data = m[0].data[:700]
			return packed(t, m...)
		}, code: "SHP_TRUNCATED"},
	}
}

// badTexts are GeoJSON, VCT and TXT that are wrong.
func badTexts(t testing.TB) []bad {
	text := func(name, content string) func(testing.TB) string {
		return func(t testing.TB) string { return written(t, name, []byte(content)) }
	}
	whole := vctText(t)
	vct := func(from, to string) func(testing.TB) string {
		return func(t testing.TB) string {
			if strings.Count(whole, from) == 0 {
				t.Fatalf("%q is not in the VCT", from)
			}
			return written(t, "2001H2024610402.VCT", []byte(strings.Replace(whole, from, to, 1)))
		}
	}
	feature := func(geometry string) string {
		return `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"BSM":"610402100000000001"},"geometry":` + geometry + `}]}`
	}
	const deep = 100_000
	out := []bad{
		{name: "coordinates nested without end", file: text("deep.geojson", feature(`{"type":"Polygon","coordinates":`+strings.Repeat("[", deep)+strings.Repeat("]", deep)+`}`)), code: "NOTHING_KEPT", about: 1},
		{name: "a collection that does not end", file: text("open.geojson", strings.TrimSuffix(feature("null"), "]}")), code: "GEOJSON_TRUNCATED"},
		{name: "a VCT with more positions than it has", file: vct("\r\n11\r\n5\r\n", "\r\n11\r\n99999999\r\n"), code: "VCT_SYNTAX"},
		{name: "a VCT whose polygon uses a line that is not there", file: vct("\r\n21\r\n1\r\n2\r\n", "\r\n21\r\n1\r\n777\r\n"), listed: "VCT_NO_LINE", about: 1},
		{name: "a VCT whose polygon is made of polygons", file: vct("\r\n21\r\n1\r\n2\r\n", "\r\n21\r\n1\r\n3\r\n"), listed: "VCT_NO_LINE", about: 1},
		{name: "a VCT that ends in its lines", file: text("2001H2024610402.VCT", whole[:strings.Index(whole, "LineEnd")]), code: "VCT_TRUNCATED"},
		{name: "a VCT of another zone", file: vct("Parameters:108,1,36500000,0,3,36", "Parameters:111,1,37500000,0,3,37"), code: "VCT_ZONE", says: "--crs EPSG:4524"},
		{name: "a VCT of Xi'an 80", file: vct("Spheroid:CGCS2000,6378137.0,298.257222101", "Spheroid:Xian80,6378140,298.257"), code: "VCT_SPHEROID"},
	}
	r := rand.New(rand.NewPCG(9, 9))
	for range 6 {
		at := 40 + r.IntN(len(whole)-80)
		out = append(out, bad{name: fmt.Sprintf("a VCT cut at byte %d", at), file: text("2001H2024610402.VCT", whole[:at]), code: "VCT_TRUNCATED"})
	}
	return out
}

// badPackages are GeoPackages that were changed behind their maker's back.
func badPackages(testing.TB) []bad {
	sql := func(statements ...string) func(testing.TB) string {
		return func(t testing.TB) string { return geoPackage(t, statements...) }
	}
	return []bad{
		{name: "a geometry that is none", file: sql(`UPDATE DLTB SET geom = x'47500001' WHERE fid = 4`), listed: "GPKG_GEOMETRY", about: 4},
		{name: "a geometry that announces billions of rings", file: sql(`UPDATE DLTB SET geom = substr(geom, 1, 45) || x'FFFFFF7F' || substr(geom, 50) WHERE fid = 4`), listed: "GPKG_GEOMETRY", about: 4},
		{name: "a geometry that is cut", file: sql(`UPDATE DLTB SET geom = substr(geom, 1, 70) WHERE fid = 4`), listed: "GPKG_GEOMETRY", about: 4},
		{name: "a table that is a view without end", file: sql(`ALTER TABLE DLTB RENAME TO hidden`, `CREATE VIEW DLTB AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT i AS fid, geom, BSM FROM n, hidden`), code: "GPKG_VIEW"},
		{name: "triggers that delete what is read", file: sql(`CREATE TRIGGER gone AFTER UPDATE ON DLTB BEGIN DELETE FROM DLTB; END`)},
		{name: "contents that name a table that is not there", file: sql(`DROP TABLE DLTB`), code: "GPKG_DATABASE"},
		{name: "a system that is not there", file: sql(`UPDATE gpkg_geometry_columns SET srs_id = 999999`), code: "CRS_MISSING", says: "--crs"},
	}
}
