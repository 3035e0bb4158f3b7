package source_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// write writes features to a file called name and returns its path.
func write(t *testing.T, name string, l *source.Layer, features []source.Feature, opt source.WriteOptions) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	w, err := source.Create(path, l, opt)
	if err != nil {
		t.Fatal(err)
	}
	for i := range features {
		if err := w.Write(&features[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// What we write must be, for GDAL, what we were given, and so it must be for us.
func TestWriteAgainstGDAL(t *testing.T) {
	inputs := map[string]string{"fixture": fixture}
	for _, name := range []string{"delivery/2024/DLTB.shp", "gbk/jiangsu_counties_gbk.shp", "delivery/2024/GBZNT.geojson"} {
		if path := shared(t, name); path != "" {
			inputs[filepath.Base(name)] = path
		}
	}
	for input, from := range inputs {
		l, features := readAll(t, from, source.Options{})
		for _, ext := range []string{"shp", "gpkg", "geojson", "geojsonl", "fgb"} {
			if input == "DLTB.shp" && ext != "shp" && ext != "fgb" {
				continue // The others are shown on smaller files.
			}
			t.Run(input+" to "+ext, func(t *testing.T) {
				opt := source.WriteOptions{CoordinateDecimals: 17}
				path := write(t, "out."+ext, l, features, opt)
				back, again := readAll(t, path, source.Options{})
				compare(t, rowsOf(t, back, again), gdalRows(t, path), again)
				want, got := rowsOf(t, l, features), rowsOf(t, back, again)
				if ext == "fgb" { // along the Hilbert curve, if every record has a geometry
					sortRows(want)
					sortRows(got)
				}
				compareWritten(t, ext, got, want)
			})
		}
	}
}

// compareWritten allows for what the shapefile cannot say: which of null and
// empty a text is, a kind of field that it does not have, and a winding of its own.
func compareWritten(t *testing.T, ext string, got, want []row) {
	t.Helper()
	if ext == "shp" {
		for i := range want {
			for k, v := range want[i].Values {
				if v == "" {
					want[i].Values[k] = "null"
				}
			}
			want[i].Shape, got[i].Shape = unwound(want[i].Shape), unwound(got[i].Shape)
		}
	}
	compare(t, got, want, nil)
}

// unwound counts rings and points; the other tests hold the coordinates.
func unwound(shape string) string {
	return fmt.Sprintf("%d rings, %d points", strings.Count(shape, "("), strings.Count(shape, ","))
}

// The same features must give the same bytes, whenever they are written.
func TestWriteIsDeterministic(t *testing.T) {
	l, features := readAll(t, fixture, source.Options{})
	for _, ext := range []string{"shp", "gpkg", "geojson", "geojsonl", "fgb", "csv"} {
		a, b := write(t, "x."+ext, l, features, source.WriteOptions{}), write(t, "x."+ext, l, features, source.WriteOptions{})
		names, err := filepath.Glob(filepath.Join(filepath.Dir(a), "*"))
		if err != nil || len(names) == 0 {
			t.Fatal(names, err)
		}
		for _, name := range names {
			if !bytes.Equal(read(t, name), read(t, filepath.Join(filepath.Dir(b), filepath.Base(name)))) {
				t.Errorf("%s differs between two writings", filepath.Base(name))
			}
		}
		if hidden, err := filepath.Glob(filepath.Join(filepath.Dir(a), ".*")); err != nil || len(hidden) > 0 {
			t.Errorf("%s left %v behind, %v", ext, hidden, err)
		}
	}
}

// nan returns a number that is none.
func nan() float64 { return math.NaN() }

// sortRows puts rows in one order.
func sortRows(rows []row) {
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// GDAL must find through our spatial indexes what a scan of all boxes finds.
func TestSpatialIndexAgainstScan(t *testing.T) {
	var features []source.Feature
	for i := range 1500 {
		x, y := float64(i*7919%1000)/100, float64(i*104729%997)/100
		features = append(features, source.Feature{Record: int64(i + 1), Values: []any{int64(i)}, Polygons: [][][]geo.XY{{{
			{X: x, Y: y}, {X: x + .2, Y: y}, {X: x + .2, Y: y + .2}, {X: x, Y: y + .2}, {X: x, Y: y},
		}}}})
	}
	l := &source.Layer{Table: "squares", Fields: []source.Field{{Name: "n", Kind: source.Integer}}, CRS: source.CRSInfo{EPSG: 4490}}
	for _, n := range []int{1, 2, 16, 17, 256, 257, 1500} {
		for _, ext := range []string{"gpkg", "fgb"} {
			path := write(t, "x."+ext, l, features[:n], source.WriteOptions{})
			// No edge of a box meets an edge of a square.
			for _, box := range [][4]float64{{-1, -1, 20, 20}, {3.055, 3.055, 4.155, 5.155}, {50, 50, 60, 60}} {
				want := 0
				for _, f := range features[:n] {
					a, b := f.Polygons[0][0][0], f.Polygons[0][0][2]
					if a.X <= box[2] && b.X >= box[0] && a.Y <= box[3] && b.Y >= box[1] {
						want++
					}
				}
				args := []string{"-so", "-al", "-ro", "-spat"}
				for _, v := range box {
					args = append(args, strconv.FormatFloat(v, 'f', -1, 64))
				}
				out := string(program(t, "ogrinfo", append(args, path)...))
				if !strings.Contains(out, fmt.Sprintf("Feature Count: %d\n", want)) {
					t.Errorf("%s of %d, box %v: want %d, GDAL says\n%s", ext, n, box, want, out)
				}
			}
		}
	}
}

// An aborted or failing writer must leave nothing, and an older file as it was.
func TestAbortLeavesOldFile(t *testing.T) {
	l, features := readAll(t, fixture, source.Options{})
	for _, ext := range []string{"shp", "gpkg", "geojson", "geojsonl", "fgb", "csv"} {
		path := filepath.Join(t.TempDir(), "x."+ext)
		if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		w, err := source.Create(path, l, source.WriteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(&features[0]); err != nil {
			t.Fatal(err)
		}
		if err := w.Abort(); err != nil {
			t.Errorf("%s: %v", ext, err)
		}
		entries, err := os.ReadDir(filepath.Dir(path))
		if err != nil || len(entries) != 1 || string(read(t, path)) != "old" {
			t.Errorf("%s: %v remain, %v", ext, entries, err)
		}
	}
}

func TestWriterRefuses(t *testing.T) {
	text := &source.Layer{Table: "t", Fields: []source.Field{{Name: "a"}}}
	for _, c := range []struct {
		name, file string
		layer      *source.Layer
		value      any
		opt        source.WriteOptions
		code       string
	}{
		{"an ending that it does not know", "x.dwg", text, "", source.WriteOptions{}, "EXPORT_FORMAT"},
		{"a folder that is not there", "no/x.csv", text, "", source.WriteOptions{}, "EXPORT_CREATE"},
		{"an encoding that does not exist", "x.shp", text, "", source.WriteOptions{Encoding: "klingon"}, "SOURCE_ENCODING"},
		{"text that GBK does not hold", "x.shp", text, "😀", source.WriteOptions{}, "EXPORT_ENCODING"},
		{"text that is too wide for a dbf", "x.shp", text, strings.Repeat("耕", 128), source.WriteOptions{}, "EXPORT_WIDTH"},
		{"a value that is none of ours", "x.shp", text, []int{1}, source.WriteOptions{}, "EXPORT_VALUE"},
		{"a value of another kind", "x.fgb", text, int64(1), source.WriteOptions{}, "EXPORT_VALUE"},
		{"a number that JSON does not have", "x.geojson", text, nan(), source.WriteOptions{}, "EXPORT_VALUE"},
		{"a number that dbf does not have", "x.shp", text, nan(), source.WriteOptions{}, "EXPORT_VALUE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			w, err := source.Create(filepath.Join(dir, c.file), c.layer, c.opt)
			if err == nil {
				err = w.Write(&source.Feature{Record: 7, Values: []any{c.value}})
				if aborted := w.Abort(); aborted != nil {
					t.Error(aborted)
				}
			}
			if p := problem.Of(err); p == nil || p.Code != c.code || p.File == "" {
				t.Errorf("got %v, want %s", err, c.code)
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
				t.Errorf("%v remain, %v", entries, err)
			}
		})
	}
}

func TestShapefileTellsRenamedFields(t *testing.T) {
	l := &source.Layer{Table: "t", Fields: []source.Field{{Name: "永久基本农田图斑面积"}, {Name: "YJJBNTTBBHX"}, {Name: "YJJBNTTBBHY"}, {Name: "BSM"}}}
	path := filepath.Join(t.TempDir(), "x.shp")
	w, err := source.Create(path, l, source.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(&source.Feature{Values: []any{"a", "b", "c", "d"}}), w.Close()); err != nil {
		t.Fatal(err)
	}
	back, features := readAll(t, path, source.Options{})
	var names []string
	for _, f := range back.Fields {
		names = append(names, f.Name)
		if !utf8.ValidString(f.Name) {
			t.Errorf("%q is cut in the middle of a character", f.Name)
		}
	}
	if got := strings.Join(names, " "); got != "永久基本农 YJJBNTTBBH YJJBNTTB_1 BSM" {
		t.Error(got)
	}
	if len(w.Notes()) != 3 || features[0].Values[2] != "c" {
		t.Error(w.Notes(), features[0].Values)
	}
}

func TestCSV(t *testing.T) {
	l, features := readAll(t, fixture, source.Options{})
	got := string(read(t, write(t, "x.csv", l, features, source.WriteOptions{Mark: source.ByteOrderMark})))
	want := "\uFEFFBSM,DLMC,NUM,MJ,YES,NOTE\r\n" +
		"610402300100000001,水田,610402300100000001,1234.56,true,\r\n" +
		"610402300100000002,旱地（坡）,999999999999999999,-0.1,false,\"a \"\"quoted\"\", line\"\r\n" +
		"610402300100000003,果园,3,100000.25,,\"两\r\n行\"\r\n" +
		"610402300100000004,,-4,0,true,没有图形\r\n,,,,,\r\n"
	if got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// Rings that are open must leave closed, as other programs want them, and what was given
// to the writer must stay as it was.
func TestOpenRingsLeaveClosed(t *testing.T) {
	ring := func(x, side float64) []geo.XY {
		return []geo.XY{{X: 100 + x, Y: 30 + x}, {X: 100 + x + side, Y: 30 + x}, {X: 100 + x + side, Y: 30 + x + side}, {X: 100 + x, Y: 30 + x + side}}
	}
	features := []source.Feature{
		{Record: 1, Polygons: [][][]geo.XY{{ring(0, 1)}}, Values: []any{"one"}},
		{Record: 2, Polygons: [][][]geo.XY{{ring(2, 1), ring(2.25, 0.5)}, {ring(4, 1)}}, Values: []any{"parts and a hole"}},
	}
	l := &source.Layer{Table: "rings", Fields: []source.Field{{Name: "BZ"}}, CRS: source.CRSInfo{EPSG: 4490}}
	for ext, shape := range map[string]string{"gpkg": "geom", "geojson": "geometry", "geojsonl": "geometry", "fgb": "geometry", "shp": "geometry", "vct": ""} {
		path := write(t, "rings."+ext, l, features, source.WriteOptions{})
		_, again := readAll(t, path, source.Options{})
		for i, f := range again {
			for _, polygon := range f.Polygons {
				for _, r := range polygon {
					if r[0] != r[len(r)-1] {
						t.Errorf("%s, feature %d: %v is open", ext, i, r)
					}
				}
			}
		}
		if shape == "" {
			continue // GDAL does not read it
		}
		printed := string(program(t, "ogrinfo", "-q", "-dialect", "sqlite", "-sql",
			"select count(*) n, min(st_isvalid("+shape+")) valid, round(sum(st_area("+shape+")), 6) area from rings", path))
		for _, want := range []string{"n (Integer) = 2", "valid (Integer) = 1", "area (Real) = 2.75"} {
			if !strings.Contains(printed, want) {
				t.Errorf("%s: no %q in %s", ext, want, printed)
			}
		}
	}
	if n := len(features[1].Polygons[0][1]); n != 4 {
		t.Errorf("the writer's input has %d points, had 4", n)
	}
}

// A table of attributes in a GeoPackage must be one to GDAL, be listed as one, and read
// back as it was; beside one layer with shapes it is read by its name alone.
func TestGeoPackageAttributes(t *testing.T) {
	l := &source.Layer{Table: "DLTBGXGC", NoGeometry: true, Fields: []source.Field{{Name: "BSM"}, {Name: "TBBGMJ", Kind: source.Real}, {Name: "geom", Kind: source.Integer}}}
	rows := []source.Feature{{Values: []any{"a", 1.5, int64(7)}}, {Values: []any{"b", nil, nil}}}
	path := write(t, "t.gpkg", l, rows, source.WriteOptions{})
	if printed := string(program(t, "ogrinfo", "-so", "-al", path)); !strings.Contains(printed, "Geometry: None") || !strings.Contains(printed, "Feature Count: 2") || strings.Contains(printed, "Warning") {
		t.Error(printed)
	}
	back, again := readAll(t, path, source.Options{})
	if !back.NoGeometry || back.CRS != (source.CRSInfo{}) || len(again) != 2 || again[0].Values[1] != 1.5 || again[0].Values[2] != int64(7) || again[1].Values[1] != nil || again[0].Polygons != nil {
		t.Errorf("%+v %+v", back, again)
	}
	if names, err := source.Tables(path); err != nil || len(names) > 0 {
		t.Errorf("layers with polygons: %v, %v", names, err)
	}
	program(t, "ogr2ogr", "-update", path, shared(t, "delivery/2024/XZQ.fgb"), "-nln", "XZQ", "-nlt", "MULTIPOLYGON")
	tables, err := source.AllTables(path)
	if err != nil || !slices.Equal(tables, []source.TableInfo{{Name: "DLTBGXGC", NoGeometry: true}, {Name: "XZQ"}}) {
		t.Errorf("%v, %v", tables, err)
	}
	if back, again = readAll(t, path, source.Options{}); back.Table != "XZQ" || len(again) != 4 || again[0].Polygons == nil {
		t.Errorf("without a name %s is read", back.Table)
	}
	if back, again = readAll(t, path, source.Options{Table: "dltbgxgc"}); !back.NoGeometry || len(again) != 2 {
		t.Errorf("by its name %+v is read", back)
	}
}

// A dbf that may cut holds as much of a text as fits, and says how many it did not hold.
func TestCutTexts(t *testing.T) {
	l := &source.Layer{Table: "t", Fields: []source.Field{{Name: "说明", Kind: source.Text}}}
	square := [][][]geo.XY{{{{X: 117, Y: 32}, {X: 117.01, Y: 32}, {X: 117.01, Y: 32.01}}}}
	texts := map[string]string{
		strings.Repeat("耕", 127):       strings.Repeat("耕", 127), // 254 bytes
		strings.Repeat("耕", 128):       strings.Repeat("耕", 126) + "…",
		"a" + strings.Repeat("耕", 200): "a" + strings.Repeat("耕", 125) + "…",
		"面积 5 m² 的 😀 地":                "面积 5 m? 的 ? 地",
		"水田":                           "水田",
	}
	path := filepath.Join(t.TempDir(), "t.shp")
	w, err := source.Create(path, l, source.WriteOptions{Cut: true})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for text, kept := range texts {
		want = append(want, kept)
		if err := w.Write(&source.Feature{Polygons: square, Values: []any{text}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if n := w.Notes(); len(n) != 1 || n[0].Code != "EXPORT_TEXT" || !strings.HasPrefix(n[0].Found(problem.English), "3 texts") {
		t.Errorf("the notes are %v", n)
	}
	_, features := readAll(t, path, source.Options{})
	for i := range features {
		if got := features[i].Values[0]; got != want[i] {
			t.Errorf("%q came back, not %q", got, want[i])
		}
	}
}

// A GeoPackage holds several layers, each with fields and shapes of its own, beside tables
// of attributes; GDAL finds them all, and the same are the same bytes.
func TestSeveralLayers(t *testing.T) {
	square := func(x float64) [][][]geo.XY {
		return [][][]geo.XY{{{{X: x, Y: 32}, {X: x + 0.01, Y: 32}, {X: x + 0.01, Y: 32.01}, {X: x, Y: 32.01}, {X: x, Y: 32}}}}
	}
	layers := []*source.Layer{
		{Table: "候选", Fields: []source.Field{{Name: "BSM", Kind: source.Text}}, CRS: source.CRSInfo{EPSG: 4490}},
		{Table: "sums", Fields: []source.Field{{Name: "n", Kind: source.Integer}}, NoGeometry: true},
		{Table: "retire", Fields: []source.Field{{Name: "share", Kind: source.Real}, {Name: "flag", Kind: source.Bool}}, CRS: source.CRSInfo{EPSG: 4490}},
	}
	rows := [][]source.Feature{
		{{Polygons: square(117), Values: []any{"0123"}}, {Polygons: square(118), Values: []any{"0124"}}},
		{{Values: []any{int64(7)}}},
		{{Polygons: square(119), Values: []any{0.25, true}}},
	}
	made := func() string {
		path := filepath.Join(t.TempDir(), "several.gpkg")
		w, err := source.Create(path, layers[0], source.WriteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for i, l := range layers {
			if i > 0 {
				if err := w.(source.Layered).Next(l); err != nil {
					t.Fatal(err)
				}
			}
			for k := range rows[i] {
				if err := w.Write(&rows[i][k]); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := made()
	one, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	two, err := os.ReadFile(made())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one, two) {
		t.Error("the same layers have other bytes")
	}
	for i, l := range layers {
		got, features := readAll(t, path, source.Options{Table: l.Table})
		if got.NoGeometry != l.NoGeometry || len(features) != len(rows[i]) {
			t.Errorf("%s has %d features", l.Table, len(features))
		}
		out, err := exec.CommandContext(t.Context(), "ogrinfo", "-q", path, l.Table).CombinedOutput()
		if err != nil || strings.Contains(string(out), "ERROR") || strings.Contains(string(out), "Warning") {
			t.Errorf("%v: %s", err, out)
		}
		if n := strings.Count(string(out), "OGRFeature("); n != len(rows[i]) {
			t.Errorf("GDAL finds %d features in %s:\n%s", n, l.Table, out)
		}
	}
	if _, features := readAll(t, path, source.Options{Table: "候选"}); features[1].Values[0] != "0124" || len(features[1].Polygons) != 1 {
		t.Errorf("%+v", features[1])
	}
}
