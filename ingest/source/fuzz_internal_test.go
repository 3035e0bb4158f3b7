package source

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// readable tells whether err is what reading may end with.
func readable(err error) bool { return errors.Is(err, io.EOF) || problem.Of(err) != nil }

// points counts the points of polygons.
func points(polygons [][][]geo.XY) int {
	n := 0
	for _, polygon := range polygons {
		for _, ring := range polygon {
			n += len(ring)
		}
	}
	return n
}

// Whatever a dbf holds, reading it must end with the end or a problem, with as
// many rows as it says, each with a value of the kind of its field.
func FuzzDBF(f *testing.F) {
	w, err := newDBFWriter(filepath.Join(f.TempDir(), "x.dbf"), []Field{{Name: "a"}, {Name: "b", Kind: Integer}, {Name: "c", Kind: Real}, {Name: "d", Kind: Date}, {Name: "e", Kind: Bool}}, charsetGBK, modifiedByDefault)
	if err != nil {
		f.Fatal(err)
	}
	for _, v := range [][]any{{"水田", int64(5), 1.5, "2024-01-31", true}, {nil, nil, nil, nil, nil}} {
		if err := w.write(&Feature{Values: v}); err != nil {
			f.Fatal(err)
		}
	}
	if err := errors.Join(w.finish(), w.file.commit()); err != nil {
		f.Fatal(err)
	}
	seed, err := os.ReadFile(w.file.path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	seven := bytes.Clone(seed)
	seven[0] = 4
	f.Add(seven)
	path := filepath.Join(f.TempDir(), "f.dbf")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		table, err := openDBF(path)
		if err != nil {
			if problem.Of(err) == nil {
				t.Fatal(err)
			}
			return
		}
		c, _, err := table.chooseCharset("", "")
		if err != nil {
			t.Fatal(err)
		}
		fields := table.useCharset(c)
		values := make([]any, len(fields))
		for i := range table.count {
			if _, err := table.next(i+1, values); err != nil {
				t.Fatal(err)
			}
			for k, v := range values {
				switch v.(type) {
				case nil, string:
				case int64:
					if fields[k].Kind != Integer {
						t.Fatalf("%T in a field of kind %v", v, fields[k].Kind)
					}
				case float64:
					if fields[k].Kind != Integer && fields[k].Kind != Real {
						t.Fatalf("%T in a field of kind %v", v, fields[k].Kind)
					}
				case bool:
					if fields[k].Kind != Bool {
						t.Fatalf("%T in a field of kind %v", v, fields[k].Kind)
					}
				}
			}
		}
		if err := table.close(); err != nil {
			t.Fatal(err)
		}
	})
}

// No point of a shapefile's record may be lost or made up.
func FuzzShapefileRecord(f *testing.F) {
	w := shapefileWriter{extent: emptyExtent()}
	f.Add(bytes.Clone(w.content([][][]geo.XY{{square(0, 0, -4), square(0, 0, 2)}, {square(9, 9, 3)}})))
	f.Add(bytes.Clone(w.content(nil)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 4 {
			return // content returns no shorter ones
		}
		var r shapefile
		polygons, p := r.polygons(b)
		if p != nil || polygons == nil {
			return
		}
		if n := points(polygons); n != int(binary.LittleEndian.Uint32(b[40:])) {
			t.Fatalf("%d points of %d", n, binary.LittleEndian.Uint32(b[40:]))
		}
	})
}

// What is read from a GeoPackage's geometry and written again must read the same.
func FuzzGeoPackageBlob(f *testing.F) {
	shell := [][][]geo.XY{{square(0, 0, 4), square(0, 0, -2)}, {square(9, 9, 3)}}
	f.Add(appendGeoPackageBlob(nil, shell, extentOf(shell), 4490))
	f.Add([]byte("GP\x00\x01\x8a\x11\x00\x00\x01\x03\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("GP\x00\x00\x00\x00\x11\x8a\x00\x00\x00\x0b\xbb\x00\x00\x00\x01\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		read := func(b []byte) ([][][]geo.XY, *problem.Problem) {
			var s shape
			var a arena
			if p := parseGeoPackageBlob(&s, b, 4490); p != nil {
				return nil, p
			}
			return a.copyShape(&s)
		}
		polygons, p := read(b)
		if p != nil {
			return
		}
		if points(polygons) > len(b)/16 {
			t.Fatal("more points than bytes hold")
		}
		again, p := read(appendGeoPackageBlob(nil, polygons, extentOf(polygons), 4490))
		if p != nil || !equalPolygons(polygons, again) {
			t.Fatal("not the same after writing", p)
		}
	})
}

// equalPolygons tells whether a and b hold the same bits.
func equalPolygons(a, b [][][]geo.XY) bool {
	flat := func(polygons [][][]geo.XY) []byte {
		var out []byte
		for _, polygon := range polygons {
			out = append(out, 'P')
			for _, ring := range polygon {
				out = append(out, 'R')
				for _, p := range ring {
					out = binary.LittleEndian.AppendUint64(out, math.Float64bits(p.X))
					out = binary.LittleEndian.AppendUint64(out, math.Float64bits(p.Y))
				}
			}
		}
		return out
	}
	return bytes.Equal(flat(a), flat(b))
}

// readBytes reads b as a file of name and returns its layer and sound features.
func readBytes(t *testing.T, path string, b []byte) (*Layer, []Feature) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Open(t.Context(), path, Options{})
	if err != nil {
		if problem.Of(err) == nil {
			t.Fatal(err)
		}
		return nil, nil
	}
	var features []Feature
	for {
		var f Feature
		if err = r.Next(&f); err != nil {
			break
		}
		if f.Problem == nil {
			features = append(features, f)
		}
	}
	if !readable(err) {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return r.Layer(), features
}

// rewritten writes features in the format of path and reads them again.
func rewritten(t *testing.T, path string, l *Layer, features []Feature) {
	t.Helper()
	w, err := Create(path, l, WriteOptions{CoordinateDecimals: 400})
	if err != nil {
		t.Fatal(err)
	}
	for i := range features {
		if err := w.Write(&features[i]); err != nil {
			if problem.Of(err) == nil {
				t.Fatal(err)
			}
			if err := w.Abort(); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, again := readBytes(t, path, b)
	if len(again) != len(features) {
		t.Fatalf("%d features, %d after writing", len(features), len(again))
	}
	for i := range again {
		if len(l.Fields) == len(again[i].Values) {
			for k := range again[i].Values {
				if got, want := valueText(again[i].Values[k]), valueText(features[i].Values[k]); got != want {
					t.Fatalf("value %d is %q, %q after writing", k, want, got)
				}
			}
		}
		// A zero with a sign has none in GeoJSON.
		if points(again[i].Polygons) != points(features[i].Polygons) {
			t.Fatal("points differ after writing")
		}
	}
}

// Whatever reads as GeoJSON must be the same when it is written and read again.
func FuzzGeoJSON(f *testing.F) {
	for _, seed := range []string{
		`{"type":"FeatureCollection","features":[{"type":"Feature","id":7,"properties":{"a":"水\u7530\n","b":123456789012345678,"c":1.5,"d":[1,{}],"e":true},"geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1e0],[0,0]]]}}],"crs":{"type":"name","properties":{"name":"EPSG:4490"}}}`,
		`{"coordinates":[[[[0,0,5],[1,0],[1,1],[0,0]]]],"type":"MultiPolygon"}`,
		"\x1e{\"type\":\"Feature\",\"properties\":null,\"geometry\":null}\n\x1e{\"type\":\"Polygon\",\"coordinates\":[]}\n",
		"{\"type\":\"Feature\",\"properties\":{\"a\":1},\"geometry\":null}\n{\"type\":\"Feature\",\"properties\":{\"a\":2.5},\"geometry\":{\"type\":\"GeometryCollection\",\"geometries\":[]}}\n",
	} {
		f.Add([]byte(seed))
	}
	path := filepath.Join(f.TempDir(), "x.geojson")
	f.Fuzz(func(t *testing.T, b []byte) {
		l, features := readBytes(t, path, b)
		if l != nil {
			rewritten(t, path, l, features)
		}
	})
}

// Whatever reads as FlatGeobuf must hold no more points than bytes.
func FuzzFlatGeobuf(f *testing.F) {
	path := filepath.Join(f.TempDir(), "x.fgb")
	for _, polygons := range [][][][]geo.XY{nil, {{square(0, 0, 4)}}, {{square(0, 0, 4), square(0, 0, -2)}, {square(9, 9, 3)}}} {
		w, err := Create(path, &Layer{Fields: []Field{{Name: "a"}, {Name: "b", Kind: Integer}, {Name: "c", Kind: Real}, {Name: "d", Kind: Bool}}, CRS: CRSInfo{EPSG: 4490}}, WriteOptions{})
		if err != nil {
			f.Fatal(err)
		}
		if err := errors.Join(w.Write(&Feature{Values: []any{"水", int64(1), 2.5, true}, Polygons: polygons}), w.Close()); err != nil {
			f.Fatal(err)
		}
		seed, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, features := readBytes(t, path, b)
		for _, feature := range features {
			if points(feature.Polygons) > len(b)/16 {
				t.Fatal("more points than bytes hold")
			}
		}
	})
}
