package source

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// geoJSONWriter writes a FeatureCollection, one feature a line, or the features
// alone on lines.
type geoJSONWriter struct {
	file     *stagedFile
	keys     []string // the fields' names as JSON, with colon
	layer    *Layer
	decimals int
	before   string // what stands before the next feature
	begin    string // how a feature begins
	end      string // what ends the file
	buf      []byte
}

// crsMember returns the crs member for a system, as the deliveries have it; ""
// for EPSG:4326, which is what no member means, and for none.
func crsMember(c CRSInfo) string {
	if c.EPSG == 0 || c.EPSG == 4326 {
		return ""
	}
	return fmt.Sprintf(`"crs": { "type": "name", "properties": { "name": "urn:ogc:def:crs:EPSG::%d" } }`, c.EPSG)
}

// newGeoJSONWriter begins a file at path.
func newGeoJSONWriter(path string, l *Layer, opt WriteOptions) (*geoJSONWriter, error) {
	file, err := stage(path)
	if err != nil {
		return nil, err
	}
	w := &geoJSONWriter{file: file, layer: l, decimals: opt.CoordinateDecimals, begin: `{ "type": "Feature", "properties": {`}
	for _, f := range l.Fields {
		w.keys = append(w.keys, string(appendJSONText(nil, f.Name))+": ")
	}
	return w, nil
}

// createGeoJSON begins a FeatureCollection at path.
func createGeoJSON(path string, l *Layer, opt WriteOptions) (*geoJSONWriter, error) {
	w, err := newGeoJSONWriter(path, l, opt)
	if err != nil {
		return nil, err
	}
	head := append([]byte("{\n\"type\": \"FeatureCollection\",\n\"name\": "), appendJSONText(nil, l.Table)...)
	head = append(head, ",\n"...)
	if member := crsMember(opt.CRS); member != "" {
		head = append(head, member+",\n"...)
	}
	head = append(head, "\"features\": [\n"...)
	w.end = "\n]\n}\n"
	if _, err := w.file.Write(head); err != nil {
		return nil, errors.Join(err, w.file.abort())
	}
	return w, nil
}

// createGeoJSONLines begins a file of features on lines at path. A line says its
// coordinate system only when it is no longitude and latitude: CGCS2000 and
// WGS 84 are one to every reader of such files.
func createGeoJSONLines(path string, l *Layer, opt WriteOptions) (*geoJSONWriter, error) {
	w, err := newGeoJSONWriter(path, l, opt)
	if err != nil {
		return nil, err
	}
	if member := crsMember(opt.CRS); member != "" && opt.CRS.EPSG != 4490 {
		w.begin = `{ "type": "Feature", ` + member + `, "properties": {`
	}
	w.end = "\n"
	return w, nil
}

// Write implements [Writer].
func (w *geoJSONWriter) Write(f *Feature) error {
	b := append(w.buf[:0], w.before...)
	b = append(b, w.begin...)
	for i, key := range w.keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, ' ')
		b = append(b, key...)
		var ok bool
		if b, ok = appendJSONValue(b, valueAt(f, i)); !ok {
			return badValue(w.layer.Fields[i].Name, f.Values[i]).In(w.file.path).At(f.Record, "")
		}
	}
	b = append(b, ` }, "geometry": `...)
	b = append(w.appendGeometry(b, closedRings(f.Polygons)), " }"...)
	w.buf = b
	w.before = ",\n"
	if w.end == "\n" {
		w.before = "\n"
	}
	_, err := w.file.Write(b)
	return err
}

// valueAt returns value i of f, nil when f has fewer.
func valueAt(f *Feature, i int) any {
	if i < len(f.Values) {
		return f.Values[i]
	}
	return nil
}

// appendGeometry appends polygons as a Polygon, a MultiPolygon or null.
func (w *geoJSONWriter) appendGeometry(b []byte, polygons [][][]geo.XY) []byte {
	switch len(polygons) {
	case 0:
		return append(b, "null"...)
	case 1:
		b = append(b, `{ "type": "Polygon", "coordinates": `...)
		b = w.appendPolygon(b, polygons[0])
	default:
		b = append(b, `{ "type": "MultiPolygon", "coordinates": [ `...)
		for i, polygon := range polygons {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = w.appendPolygon(b, polygon)
		}
		b = append(b, " ]"...)
	}
	return append(b, " }"...)
}

// appendPolygon appends the rings of a polygon.
func (w *geoJSONWriter) appendPolygon(b []byte, polygon [][]geo.XY) []byte {
	b = append(b, '[')
	for i, ring := range polygon {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, " [ "...)
		for k, p := range ring {
			if k > 0 {
				b = append(b, ", "...)
			}
			b = append(b, "[ "...)
			b = appendDecimal(b, p.X, w.decimals)
			b = append(b, ", "...)
			b = appendDecimal(b, p.Y, w.decimals)
			b = append(b, " ]"...)
		}
		b = append(b, " ]"...)
	}
	return append(b, " ]"...)
}

// appendDecimal appends v with at most decimals digits behind the point and no
// zeros at the end.
func appendDecimal(b []byte, v float64, decimals int) []byte {
	start := len(b)
	b = strconv.AppendFloat(b, v, 'f', decimals, 64)
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	if b[len(b)-1] == '.' {
		b = b[:len(b)-1]
	}
	if string(b[start:]) == "-0" {
		b = append(b[:start], '0')
	}
	return b
}

// appendJSONValue appends v; false when JSON has no such value. A real number
// keeps its point, so that a reader finds its kind again.
func appendJSONValue(b []byte, v any) ([]byte, bool) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), true
	case string:
		return appendJSONText(b, v), true
	case int64:
		return strconv.AppendInt(b, v, 10), true
	case bool:
		return strconv.AppendBool(b, v), true
	case float64:
		if !finite(v) {
			return b, false
		}
		start := len(b)
		b = append(b, formatReal(v)...)
		for _, c := range b[start:] {
			if c == '.' || c == 'e' {
				return b, true
			}
		}
		return append(b, ".0"...), true
	}
	return b, false
}

// appendJSONText appends s as a JSON string; what is not UTF-8 in it becomes
// U+FFFD.
func appendJSONText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r < 0x20:
			b = append(b, `\u00`...)
			b = append(b, hex[r>>4], hex[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

// Close implements [Writer].
func (w *geoJSONWriter) Close() error {
	end := w.end
	if end == "\n" && w.before == "" {
		end = "" // Not one feature, not one line.
	}
	if _, err := w.file.Write([]byte(end)); err != nil {
		return err
	}
	return w.file.commit()
}

// Abort implements [Writer].
func (w *geoJSONWriter) Abort() error { return w.file.abort() }

// Notes implements [Writer].
func (w *geoJSONWriter) Notes() []*problem.Problem { return nil }
