package source_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/problem"
	"gengtu/ingest/source"
)

const ring = `[[[0,0],[1,0],[1,1],[0,0]]]`

// GeoJSON in all its forms must read alike.
func TestGeoJSONForms(t *testing.T) {
	feature := `{"type":"Feature","properties":{"a":1},"geometry":{"type":"Polygon","coordinates":` + ring + `}}`
	pretty := "{\n  \"type\": \"Feature\",\n  \"geometry\": {\"coordinates\": " + ring + ", \"type\": \"Polygon\"},\n  \"properties\": {\"a\": 1}\n}"
	crs := `"crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::4524"}}`
	for _, c := range []struct {
		name, text string
		records    int
		epsg       int
	}{
		{"a feature", feature, 1, 4326},
		{"a feature with crs", strings.Replace(feature, "{", "{"+crs+",", 1), 1, 4524},
		{"a bare geometry", `{"type":"Polygon","coordinates":` + ring + `}`, 1, 4326},
		{"a geometry whose type comes last", `{"coordinates":` + ring + `,"type":"Polygon"}`, 1, 4326},
		{"a collection", `{"type":"FeatureCollection","features":[` + feature + "," + feature + `]}`, 2, 4326},
		{"an empty collection", `{"type":"FeatureCollection","features":[]}`, 0, 4326},
		{"crs before the features", `{"type":"FeatureCollection",` + crs + `,"features":[` + feature + `]}`, 1, 4524},
		{"crs behind the features", `{"features":[` + feature + `],"type":"FeatureCollection",` + crs + `}`, 1, 4524},
		{"crs null", `{"crs":null,"features":[` + feature + `]}`, 1, 0},
		{"CRS84", `{"crs":{"properties":{"name":"urn:ogc:def:crs:OGC:1.3:CRS84"}},"features":[` + feature + `]}`, 1, 4326},
		{"a byte order mark", "\xef\xbb\xbf" + feature, 1, 4326},
		{"lines", feature + "\n" + feature + "\n\n" + feature, 3, 4326},
		{"geometries on lines", strings.Repeat(`{"type":"Polygon","coordinates":`+ring+"}\n", 3), 3, 4326},
		{"lines with crs", strings.Replace(feature+"\n"+feature, "{", "{"+crs+",", 1), 2, 4524},
		{"lines ended as on Windows", feature + "\r\n" + feature + "\r\n", 2, 4326},
		{"a text sequence", "\x1e" + feature + "\n\x1e" + pretty + "\n", 2, 4326},
		{"pretty features one after the other", pretty + "\n" + pretty, 2, 4326},
		{"a collection of geometries", `{"type":"GeometryCollection","geometries":[{"type":"Polygon","coordinates":` + ring + `}]}`, 1, 4326},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, features := readAll(t, put(t, []string{"x.json"}, []byte(c.text)), source.Options{})
			if len(features) != c.records || l.Count != int64(c.records) || l.CRS.EPSG != c.epsg {
				t.Fatalf("%d records of %d, EPSG %d", len(features), l.Count, l.CRS.EPSG)
			}
			for i, f := range features {
				if f.Problem != nil || canonical(f.Polygons) != "(0 0,1 0,1 1,0 0,)" || f.Record != int64(i+1) {
					t.Errorf("%v %v", f.Problem, f.Polygons)
				}
			}
		})
	}
}

// A bad feature must be told and the next ones read, wherever they stand.
func TestGeoJSONBadFeature(t *testing.T) {
	good := `{"type":"Feature","properties":{"a":1},"geometry":{"type":"Polygon","coordinates":` + ring + `}}`
	for name, bad := range map[string]string{
		"a point":                   `{"type":"Feature","properties":{"a":2},"geometry":{"type":"Point","coordinates":[1,2]}}`,
		"a word for a number":       `{"type":"Feature","properties":{"a":2},"geometry":{"type":"Polygon","coordinates":[[["x",0]]]}}`,
		"one number in a position":  `{"type":"Feature","properties":{"a":2},"geometry":{"type":"Polygon","coordinates":[[[0]]]}}`,
		"rings without a level":     `{"type":"Feature","properties":{"a":2},"geometry":{"type":"Polygon","coordinates":[[0,0],[1,1]]}}`,
		"an infinite coordinate":    `{"type":"Feature","properties":{"a":2},"geometry":{"type":"Polygon","coordinates":[[[1e999,0]]]}}`,
		"no coordinates":            `{"type":"Feature","properties":{"a":2},"geometry":{"type":"Polygon"}}`,
		"no type":                   `{"properties":{"a":2},"geometry":null}`,
		"null for a feature":        `null`,
		"a number with a zero more": `{"type":"Feature","properties":{"a":02},"geometry":null}`,
		"no comma":                  `{"type":"Feature","properties":{"a":2"a":3},"geometry":null}`,
		"a comma at first":          `{"type":"Feature","properties":{,"a":2},"geometry":null}`,
		"a bad escape":              `{"type":"Feature","properties":{"a":"\x"},"geometry":null}`,
		"a collection in nine":      `{"type":"Feature","properties":{},"geometry":` + strings.Repeat(`{"type":"GeometryCollection","geometries":[`, 10) + strings.Repeat("]}", 10) + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			for _, text := range []string{
				`{"type":"FeatureCollection","features":[` + good + "," + bad + "," + good + `]}`,
				good + "\n" + bad + "\n" + good + "\n",
				"\x1e" + good + "\n\x1e" + bad + "\n\x1e" + good + "\n",
			} {
				_, features := readAll(t, put(t, []string{"x.json"}, []byte(text)), source.Options{})
				if len(features) != 3 || features[0].Problem != nil || features[2].Problem != nil {
					t.Fatal(features)
				}
				if p := features[1].Problem; p == nil || p.Record != 2 || p.File == "" {
					t.Errorf("got %v for %s", p, bad)
				}
			}
		})
	}
	_, features := readAll(t, put(t, []string{"x.json"}, []byte(good+"\n{\"type\":\n"+good+"\n")), source.Options{})
	if len(features) != 3 || features[1].Problem == nil || features[2].Problem != nil {
		t.Error("a broken line hides the next", features)
	}
}

func TestGeoJSONValues(t *testing.T) {
	text := `{"features":[
{"type":"Feature","id":"k","properties":{"long":610402300100000001,"mixed":1,"real":1,"flag":true,"nested":{"a": [1, 2]},"huge":18446744073709551616,"none":null,"水\u7530":"\u00e9\ud83d\ude00\n"},"geometry":null},
{"type":"Feature","id":"m","properties":{"mixed":"x","real":2.5,"flag":false,"nested":[ ],"huge":1,"水田":"b","late":-3},"geometry":null}]}`
	l, features := readAll(t, put(t, []string{"x.json"}, []byte(text)), source.Options{})
	want := []source.Field{
		{Name: "long", Kind: source.Integer}, {Name: "mixed"}, {Name: "real", Kind: source.Real}, {Name: "flag", Kind: source.Bool},
		{Name: "nested"}, {Name: "huge"}, {Name: "none"}, {Name: "水田"}, {Name: "late", Kind: source.Integer}, {Name: "id"},
	}
	if diff := cmp.Diff(want, l.Fields); diff != "" {
		t.Error(diff)
	}
	values := [][]any{
		{int64(610402300100000001), "1", 1.0, true, `{"a":[1,2]}`, "18446744073709551616", nil, "é😀\n", nil, "k"},
		{nil, "x", 2.5, false, "[]", "1", nil, "b", int64(-3), "m"},
	}
	if diff := cmp.Diff(values, [][]any{features[0].Values, features[1].Values}); diff != "" {
		t.Error(diff)
	}
	gbk := []byte("{\"type\":\"Feature\",\"properties\":{\"\xb5\xd8\xc0\xe0\":\"\x8c\x5c\xcb\xae\"},\"geometry\":null}") // 0x5C is half a character
	l, features = readAll(t, put(t, []string{"x.json"}, gbk), source.Options{Encoding: "GBK"})
	if l.Fields[0].Name != "地类" || features[0].Values[0] != "孿水" {
		t.Error(l.Fields, features[0].Values)
	}
}

// makeDBF returns a dBASE III table of one row a line, its fields as given:
// name, type, width, decimals.
func makeDBF(language byte, fields [][4]any, rows ...string) []byte {
	length := 1
	var head []byte
	for _, f := range fields {
		var d [32]byte
		copy(d[:], f[0].(string))
		d[11], d[16], d[17] = f[1].(string)[0], byte(f[2].(int)), byte(f[3].(int))
		head = append(head, d[:]...)
		length += f[2].(int)
	}
	b := make([]byte, 32)
	b[0], b[29] = 3, language
	binary.LittleEndian.PutUint32(b[4:], uint32(len(rows)))
	binary.LittleEndian.PutUint16(b[8:], uint16(len(head)+33))
	binary.LittleEndian.PutUint16(b[10:], uint16(length))
	b = append(append(b, head...), 0x0D)
	for _, r := range rows {
		if len(r) != length {
			panic(fmt.Sprintf("row %q has %d bytes, not %d", r, len(r), length))
		}
		b = append(b, r...)
	}
	return append(b, 0x1A)
}

// nullShapes returns a .shp of n records without geometry.
func nullShapes(t *testing.T, n int) []byte {
	t.Helper()
	l := &source.Layer{Table: "x", Fields: []source.Field{{Name: "a"}}}
	shp, _, _ := companions(t, write(t, "x.shp", l, make([]source.Feature, n), source.WriteOptions{}))
	return shp
}

func TestDBFValues(t *testing.T) {
	fields := [][4]any{{"C", "C", 6, 0}, {"N", "N", 19, 0}, {"R", "N", 8, 2}, {"F", "F", 8, 0}, {"L", "L", 1, 0}, {"D", "D", 8, 0}, {"I", "I", 4, 0}}
	dbf := makeDBF(0, fields,
		" ab\x00zz "+" 610402300100000001"+"    1.50"+" 1.5e+01"+"T"+"20240131"+"\xfe\xff\xff\xff",
		" a     "+" -1                "+"********"+"        "+"?"+"00000000"+"\x07\x00\x00\x00",
		"*gone  "+"                  1"+"    0.00"+"       0"+"n"+"20240131"+"\x07\x00\x00\x00",
		"       "+"9999999999999999999"+"    1,25"+"     abc"+"n"+"2024    "+"\x07\x00\x00\x00")
	path := put(t, []string{"x.shp", "X.DBF"}, nullShapes(t, 4), dbf)
	l, features := readAll(t, path, source.Options{})
	var got [][]any
	for _, f := range features {
		got = append(got, f.Values)
	}
	want := [][]any{
		{"ab", int64(610402300100000001), 1.5, 15.0, true, "2024-01-31", int64(-2)},
		{"a", int64(-1), nil, nil, nil, nil, int64(7)},
		{nil, 9999999999999999999.0, 1.25, nil, false, "2024", int64(7)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if features[2].Record != 4 || l.Count != 4 {
		t.Errorf("record %d of %d: a deleted record has its number", features[2].Record, l.Count)
	}
	var codes []string
	for _, n := range l.Notes {
		codes = append(codes, n.Code)
	}
	if got := strings.Join(codes, " "); got != "SHX_MISSING DBF_INTEGER DBF_OVERFLOW DBF_VALUE" {
		t.Error(got)
	}
}

// The encoding must be what the user says, else the cpg, else the language id,
// else what the text is.
func TestDBFEncoding(t *testing.T) {
	gbk, utf := " \xcb\xae\xcc\xef  ", " 水田"
	fields := [][4]any{{"\xc3\xfb", "C", 6, 0}}
	for _, c := range []struct {
		name, row, cpg string
		language       byte
		ask            string
		want, encoding string
	}{
		{"asked", gbk, "UTF-8", 0x03, "GBK", "水田", "GBK"},
		{"by cpg", gbk, "936\r\n", 0x03, "", "水田", "GBK"},
		{"by language id", gbk, "", 0x4D, "", "水田", "GBK"},
		{"by language id when cpg says nothing", gbk, "OEM", 0x4D, "", "水田", "GBK"},
		{"GB18030 by the text", gbk, "", 0x57, "", "水田", "GB18030"},
		{"Latin by language id", gbk, "", 0x03, "", "Ë®Ìï", "windows-1252"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := put(t, []string{"x.shp", "x.dbf", "x.CPG"}, nullShapes(t, 1), makeDBF(c.language, fields, c.row), []byte(c.cpg))
			l, features := readAll(t, path, source.Options{Encoding: c.ask})
			if features[0].Values[0] != c.want || l.Encoding != c.encoding || (l.Fields[0].Name != "名" && c.encoding[0] == 'G') {
				t.Errorf("%q %q %q", features[0].Values[0], l.Encoding, l.Fields[0].Name)
			}
		})
	}
	fields[0][0] = "n"
	path := put(t, []string{"x.shp", "x.dbf"}, nullShapes(t, 2), makeDBF(0, fields, utf, " 水a\xe7\x94"))
	if l, features := readAll(t, path, source.Options{}); l.Encoding != "UTF-8" || features[0].Values[0] != "水田" {
		t.Error(l.Encoding, features[0].Values) // a character cut at the field's end is no sign of GBK
	}
}

// Records that were rewritten behind the others are found by the .shx; with a
// .shx that is wrong the .shp is read from front to back.
func TestSHX(t *testing.T) {
	l, features := readAll(t, fixture, source.Options{})
	shp, dbf, shx := companions(t, write(t, "x.shp", l, features, source.WriteOptions{}))
	want := canonical(features[0].Polygons)
	first := 8 + 2*int(binary.BigEndian.Uint32(shx[104:]))
	moved := bytes.Clone(shp)
	moved = append(moved, shp[100:100+first]...)
	for i := 108; i < 100+first; i++ {
		moved[i] = 0xEE // the old place of record 1
	}
	binary.BigEndian.PutUint32(moved[24:], uint32(len(moved)/2))
	index := bytes.Clone(shx)
	binary.BigEndian.PutUint32(index[100:], uint32(len(shp)/2))
	got, read := readAll(t, put(t, []string{"x.shp", "x.dbf", "x.shx"}, moved, dbf, index), source.Options{})
	if unwound(canonical(read[0].Polygons)) != unwound(want) || read[0].Problem != nil || len(got.Notes) > 2 {
		t.Error(read[0].Problem, got.Notes)
	}
	binary.BigEndian.PutUint32(index[100:], 0x7FFFFFFF)
	got, read = readAll(t, put(t, []string{"x.shp", "x.dbf", "x.shx"}, shp, dbf, index), source.Options{})
	if len(read) != len(features) || got.Notes[0].Code != "SHX_DISAGREES" {
		t.Error(len(read), got.Notes)
	}
}

func TestGeoPackageTables(t *testing.T) {
	one := convert(t, fixture, "x.gpkg", "-nln", "耕地 #1")
	program(t, "ogr2ogr", "-q", "-update", "-nln", "pbf", one, fixture)
	names, err := source.Tables(one)
	if diff := cmp.Diff([]string{"耕地 #1", "pbf"}, names); diff != "" || err != nil {
		t.Fatal(diff, err)
	}
	if _, err := source.Open(context.Background(), one, source.Options{}); problem.Of(err) == nil || !strings.Contains(err.Error(), "耕地 #1, pbf") {
		t.Error(err)
	}
	if _, err := source.Open(context.Background(), one, source.Options{Table: "x"}); problem.Of(err) == nil || problem.Of(err).Code != "SOURCE_NO_TABLE" {
		t.Error(err)
	}
	l, features := readAll(t, one, source.Options{Table: "PBF"})
	if l.Table != "pbf" || len(features) != 5 || l.CRS.EPSG != 4490 || l.CRS.WKT == "" {
		t.Error(l)
	}
	bare := filepath.Join(t.TempDir(), "x.gpkg")
	execute(t, bare, "CREATE TABLE a (b)")
	if _, err := source.Open(context.Background(), bare, source.Options{}); problem.Of(err) == nil || problem.Of(err).Code != "GPKG_NOT" {
		t.Error(err)
	}
}

// execute runs a statement on the database at path and leaves it closed.
func execute(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// Reading must leave no file beside a delivery, and must see what another
// program has committed but not yet moved into the main file.
func TestGeoPackageBeside(t *testing.T) {
	path := convert(t, fixture, "a b%#.gpkg")
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	// The triggers call functions that only GDAL has.
	execute(t, path, "PRAGMA journal_mode = wal; DROP TRIGGER rtree_parcels_geom_update3; DROP TRIGGER rtree_parcels_geom_update4")
	if _, features := readAll(t, path, source.Options{}); len(features) != 5 {
		t.Fatal(len(features))
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("%v beside the file, %v; it was %d bytes", entries, err, before.Size())
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	names, err := source.Tables(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `UPDATE "`+names[0]+`" SET DLMC = 'new' WHERE fid = 1`); err != nil {
		t.Fatal(err)
	}
	if _, features := readAll(t, path, source.Options{}); features[0].Values[1] != "new" {
		t.Error("what stands in the -wal is not read", features[0].Values)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
