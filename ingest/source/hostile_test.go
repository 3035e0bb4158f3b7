package source_test

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// put writes files into a new folder and returns the path of the first.
func put(t *testing.T, names []string, contents ...[]byte) string {
	t.Helper()
	return putIn(t, t.TempDir(), names, contents...)
}

// putIn writes files into dir, over those that are there, and returns the path
// of the first.
func putIn(t *testing.T, dir string, names []string, contents ...[]byte) string {
	t.Helper()
	for i, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), contents[i], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, names[0])
}

// tryRead reads the file at path to its end and returns what went wrong with it
// or with its first bad record.
func tryRead(path string, opt source.Options) ([]source.Feature, error) {
	r, err := source.Open(context.Background(), path, opt)
	if err != nil {
		return nil, err
	}
	features, err := drain(r)
	for _, f := range features {
		if f.Problem != nil && err == nil {
			err = f.Problem
		}
	}
	return features, err
}

// companions returns the files of the shapefile at path: .shp, .dbf, .shx.
func companions(t *testing.T, path string) (shp, dbf, shx []byte) {
	t.Helper()
	base := strings.TrimSuffix(path, ".shp")
	return read(t, path), read(t, base+".dbf"), read(t, base+".shx")
}

// A file that ends anywhere must give a problem that names the file, or read as
// a whole; it must not panic, and no record may be there that was not.
func TestTruncated(t *testing.T) {
	dir := t.TempDir()
	l, features := readAll(t, fixture, source.Options{})
	for _, ext := range []string{"fgb", "geojson", "geojsonl"} {
		whole := read(t, write(t, "x."+ext, l, features, source.WriteOptions{}))
		for n := range whole {
			got, err := tryRead(putIn(t, dir, []string{"x." + ext}, whole[:n]), source.Options{})
			if p := problem.Of(err); err != nil && (p == nil || p.File == "" || strings.Contains(p.Found(problem.English), "%!")) {
				t.Fatalf("%s cut at %d: %v", ext, n, err)
			}
			if err == nil && ext != "geojsonl" && n < len(whole)-2 {
				t.Fatalf("%s cut at %d of %d reads %d records without a problem", ext, n, len(whole), len(got))
			}
			if len(got) > len(features) {
				t.Fatalf("%s cut at %d has %d records", ext, n, len(got))
			}
		}
	}
	shp, dbf, shx := companions(t, write(t, "x.shp", l, features, source.WriteOptions{}))
	for n := range shp {
		if _, err := tryRead(putIn(t, dir, []string{"x.shp", "x.dbf", "x.shx"}, shp[:n], dbf, shx), source.Options{}); problem.Of(err) == nil {
			t.Fatalf(".shp cut at %d: %v", n, err)
		}
	}
	for n := range len(dbf) - 1 { // the last byte is the end mark
		if _, err := tryRead(putIn(t, dir, []string{"x.shp", "x.dbf", "x.shx"}, shp, dbf[:n], shx), source.Options{}); problem.Of(err) == nil {
			t.Fatalf(".dbf cut at %d: %v", n, err)
		}
	}
	for n := range shx {
		if got, err := tryRead(putIn(t, dir, []string{"x.shp", "x.dbf", "x.shx"}, shp, dbf, shx[:n]), source.Options{}); err != nil || len(got) != len(features) {
			t.Fatalf(".shx cut at %d: %d records, %v", n, len(got), err)
		}
	}
	gpkg := read(t, write(t, "x.gpkg", l, features, source.WriteOptions{}))
	for n := 0; n < len(gpkg)-1; n += 997 {
		if _, err := tryRead(putIn(t, dir, []string{"x.gpkg"}, gpkg[:n]), source.Options{}); err != nil && problem.Of(err) == nil {
			t.Fatalf("GeoPackage cut at %d: %v", n, err)
		}
	}
}

// Any one byte turned must never lead to a panic or to an error that is none of ours.
func TestOneByteTurned(t *testing.T) {
	dir := t.TempDir()
	l, features := readAll(t, fixture, source.Options{})
	for _, ext := range []string{"fgb", "geojson"} {
		whole := read(t, write(t, "x."+ext, l, features, source.WriteOptions{}))
		for n := range whole {
			b := append([]byte(nil), whole...)
			b[n] ^= 0xFF
			if _, err := tryRead(putIn(t, dir, []string{"x." + ext}, b), source.Options{}); err != nil && problem.Of(err) == nil {
				t.Fatalf("%s, byte %d: %v", ext, n, err)
			}
		}
	}
	shp, dbf, shx := companions(t, write(t, "x.shp", l, features, source.WriteOptions{}))
	for n := range shp {
		b := append([]byte(nil), shp...)
		b[n] ^= 0xFF
		if _, err := tryRead(putIn(t, dir, []string{"x.shp", "x.dbf", "x.shx"}, b, dbf, shx), source.Options{}); err != nil && problem.Of(err) == nil {
			t.Fatalf(".shp, byte %d: %v", n, err)
		}
	}
}

func TestRefused(t *testing.T) {
	l, features := readAll(t, fixture, source.Options{})
	shp, dbf, _ := companions(t, write(t, "x.shp", l, features, source.WriteOptions{}))
	_, fewer, _ := companions(t, write(t, "x.shp", l, features[:3], source.WriteOptions{}))
	line := append([]byte(nil), shp...)
	binary.LittleEndian.PutUint32(line[32:], 3)
	for _, c := range []struct {
		name  string
		files []string
		data  [][]byte
		opt   source.Options
		code  string
	}{
		{"an empty file", []string{"x.shp"}, [][]byte{nil}, source.Options{}, "SOURCE_EMPTY"},
		{"white space as GeoJSON", []string{"x.geojson"}, [][]byte{[]byte(" \n ")}, source.Options{}, "SOURCE_EMPTY"},
		{"text named as a shapefile", []string{"x.shp"}, [][]byte{[]byte("hello")}, source.Options{}, "SOURCE_FORMAT"},
		{"text named as a GeoPackage", []string{"x.gpkg"}, [][]byte{[]byte("hello")}, source.Options{}, "SOURCE_FORMAT"},
		{"text named as nothing known", []string{"x.txt"}, [][]byte{[]byte("hello")}, source.Options{}, "SOURCE_FORMAT"},
		{"a zip", []string{"x.zip"}, [][]byte{[]byte("PK\x03\x04...")}, source.Options{}, "ZIP_DAMAGED"},
		{"UTF-16", []string{"x.geojson"}, [][]byte{[]byte("\xff\xfe{\x00}\x00")}, source.Options{}, "GEOJSON_ENCODING"},
		{"a dbf by itself", []string{"x.dbf"}, [][]byte{dbf}, source.Options{}, "SOURCE_COMPANION"},
		{"a shapefile without dbf", []string{"x.shp"}, [][]byte{shp}, source.Options{}, "SHP_NO_DBF"},
		{"a shapefile of lines", []string{"x.shp", "x.dbf"}, [][]byte{line, dbf}, source.Options{}, "SHP_TYPE"},
		{"another shapefile's dbf", []string{"x.shp", "x.dbf"}, [][]byte{shp, fewer}, source.Options{}, "SHP_DBF_COUNT"},
		{"an unknown encoding", []string{"x.shp", "x.dbf"}, [][]byte{shp, dbf}, source.Options{Encoding: "klingon"}, "SOURCE_ENCODING"},
		{"a table that is not there", []string{"x.shp", "x.dbf"}, [][]byte{shp, dbf}, source.Options{Table: "y"}, "SOURCE_NO_TABLE"},
		{"JSON that is no GeoJSON", []string{"x.json"}, [][]byte{[]byte(`{"type":"Topology","arcs":[]}`)}, source.Options{}, "GEOJSON_NOT"},
		{"a JSON array", []string{"x.json"}, [][]byte{[]byte(`[1]`)}, source.Options{}, "GEOJSON_SYNTAX"},
		{"GBK without saying so", []string{"x.json"}, [][]byte{[]byte("{\"type\":\"Feature\",\"properties\":{\"a\":\"\xcb\xae\xcc\xef\"},\"geometry\":null}")}, source.Options{}, "GEOJSON_ENCODING"},
		{"a point", []string{"x.json"}, [][]byte{[]byte(`{"type":"Point","coordinates":[1,2]}`)}, source.Options{}, "SOURCE_GEOMETRY_TYPE"},
		{"an older FlatGeobuf", []string{"x.fgb"}, [][]byte{[]byte("fgb\x02fgb\x00....")}, source.Options{}, "FGB_VERSION"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := put(t, c.files, c.data...)
			_, err := tryRead(path, c.opt)
			p := problem.Of(err)
			if p == nil || p.Code != c.code || p.File == "" {
				t.Fatalf("got %v, want %s", err, c.code)
			}
			for _, text := range []string{p.Text(problem.Chinese), p.Text(problem.English)} {
				if strings.Contains(text, "%!") {
					t.Error(text)
				}
			}
		})
	}
	for name, code := range map[string]string{".": "SOURCE_DIRECTORY", "nothing.shp": "SOURCE_MISSING"} {
		if _, err := tryRead(filepath.Join("testdata", name), source.Options{}); problem.Of(err) == nil || problem.Of(err).Code != code {
			t.Errorf("%s: got %v, want %s", name, err, code)
		}
	}
}

// The published corner cases must read or be refused, each in its own way.
func TestCornerCases(t *testing.T) {
	for name, want := range map[string]string{
		"shapefile_cases/line.shp": "SHP_TYPE", "shapefile_cases/linez.shp": "SHP_TYPE", "shapefile_cases/point.shp": "SHP_TYPE",
		"shapefile_cases/multipoint.shp": "SHP_TYPE", "shapefile_cases/multipatch.shp": "SHP_TYPE",
		"shapefile_cases/polygon.shp": "SHP_NO_DBF", "shapefile_cases/10m_populated_places_simple.zip": "SHP_TYPE",
		"flatgeobuf/alldatatypes.fgb": "SOURCE_GEOMETRY_TYPE", "flatgeobuf/heterogeneous.fgb": "SOURCE_GEOMETRY_TYPE",
		"flatgeobuf/no_properties.fgb": "SOURCE_GEOMETRY_TYPE", "flatgeobuf/surface/triangle.fgb": "SOURCE_GEOMETRY_TYPE",
		"flatgeobuf/topp_states.fgb": "FGB_VERSION",
	} {
		path := shared(t, name)
		if path == "" {
			return
		}
		if _, err := tryRead(path, source.Options{}); problem.Of(err) == nil || problem.Of(err).Code != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
	// With a table that fits, the polygons among them must be what GDAL sees.
	for name, records := range map[string]int{"polygon": 1, "polygon_hole": 1, "polygonm": 1, "polygonz": 1, "multi_polygon": 1} {
		rows := make([]source.Feature, records)
		l := &source.Layer{Table: name, Fields: []source.Field{{Name: "a", Kind: source.Integer}}}
		_, dbf, _ := companions(t, write(t, "x.shp", l, rows, source.WriteOptions{}))
		path := put(t, []string{name + ".shp", name + ".dbf"}, read(t, shared(t, "shapefile_cases/"+name+".shp")), dbf)
		got, features := readAll(t, path, source.Options{})
		if len(got.Notes) != 1 || got.Notes[0].Code != "SHX_MISSING" {
			t.Errorf("%s: %v", name, got.Notes)
		}
		if name == "polygon" { // three open rings, which GDAL warns about
			if shape := canonical(features[0].Polygons); strings.Count(shape, ",") != int(binary.LittleEndian.Uint32(read(t, path)[148:])) {
				t.Errorf("points are lost: %s", shape)
			}
			continue
		}
		compare(t, rowsOf(t, got, features), gdalRowsRestored(t, path), nil)
	}
}

// gdalRowsRestored is gdalRows after GDAL has made the missing .shx, about which
// it warns the first time.
func gdalRowsRestored(t *testing.T, path string) []row {
	t.Helper()
	shp := read(t, path)
	shx := append([]byte(nil), shp[:100]...)
	for pos := 100; pos < len(shp); {
		var entry [8]byte
		binary.BigEndian.PutUint32(entry[:], uint32(pos/2))
		copy(entry[4:], shp[pos+4:pos+8])
		shx = append(shx, entry[:]...)
		pos += 8 + 2*int(binary.BigEndian.Uint32(shp[pos+4:]))
	}
	binary.BigEndian.PutUint32(shx[24:], uint32(len(shx)/2))
	if err := os.WriteFile(strings.TrimSuffix(path, ".shp")+".shx", shx, 0o600); err != nil {
		t.Fatal(err)
	}
	return gdalRows(t, path)
}

// A cancelled context must end the reading with its own error, at once.
func TestCancel(t *testing.T) {
	for _, ext := range []string{"shp", "gpkg", "geojson", "fgb"} {
		l, features := readAll(t, fixture, source.Options{})
		path := write(t, "x."+ext, l, features, source.WriteOptions{})
		ctx, cancel := context.WithCancel(context.Background())
		r, err := source.Open(ctx, path, source.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var f source.Feature
		if err := r.Next(&f); err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := r.Next(&f); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", ext, err)
		}
		if err := r.Close(); err != nil {
			t.Errorf("%s: %v", ext, err)
		}
		if _, err := source.Open(ctx, path, source.Options{}); ext == "geojson" && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", ext, err)
		}
	}
}
