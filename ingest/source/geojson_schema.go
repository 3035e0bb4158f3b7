package source

import (
	"bytes"
	"slices"

	"gengtu/index/problem"
)

// jsonSchema is what the first reading of a GeoJSON file learns.
type jsonSchema struct {
	names    []string
	shapes   Shapes // that are read
	kinds    []jsonKinds
	spelling []jsonSpelling
	index    map[string]int // of a spelling, by the name as it is written, escapes included
	crs      []byte         // the crs member of the collection, nil if there is none
	records  int64
	idKinds  jsonKinds // of the features' own ids
	// ids is the place of the field for the features' own id, -1 if none has one
	// or a property of that name exists.
	ids int
}

// jsonSpelling is a property's name as it is written in a file. One name may be
// written in several ways, with escapes and without.
type jsonSpelling struct {
	name  []byte
	field int
}

// newJSONSchema returns the schema of no feature.
func newJSONSchema() *jsonSchema { return &jsonSchema{index: map[string]int{}, ids: -1} }

// jsonKinds is a set of the kinds of values that a property was met with.
type jsonKinds uint8

const (
	jsonString jsonKinds = 1 << iota
	jsonBool
	jsonInteger
	jsonReal
	jsonLong   // a whole number beyond int64
	jsonNested // an object or array
)

// maxProperties bounds the number of different property names; a table with
// more columns is no layer but data in the wrong place.
const maxProperties = 4096

// kind returns the one kind that holds all values of a set.
func (k jsonKinds) kind() Kind {
	switch {
	case k == jsonBool:
		return Bool
	case k == jsonInteger:
		return Integer
	case k != 0 && k&^(jsonInteger|jsonReal) == 0:
		return Real
	}
	return Text
}

// jsonScalar is the kind of a value, and of a number what it is.
type jsonScalar struct {
	kind    jsonKinds
	integer int64
	real    float64
}

// kindOf returns the kind of the value b.
func kindOf(b []byte) (jsonKinds, bool) {
	v, ok := scalarOf(b)
	return v.kind, ok
}

// scalarOf returns what the value b is.
func scalarOf(b []byte) (jsonScalar, bool) {
	switch b[0] {
	case '"':
		return jsonScalar{kind: jsonString}, true
	case '{', '[':
		return jsonScalar{kind: jsonNested}, true
	case 't', 'f':
		return jsonScalar{kind: jsonBool}, string(b) == "true" || string(b) == "false"
	case 'n':
		return jsonScalar{}, string(b) == "null"
	}
	if digits := bytes.TrimPrefix(b, []byte("-")); len(digits) == 0 || digits[0] < '0' || digits[0] > '9' ||
		(len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9') {
		return jsonScalar{}, false // RFC 8259 section 6: no plus sign, no leading zeros
	}
	if v, ok := parseInteger(b); ok {
		return jsonScalar{kind: jsonInteger, integer: v}, true
	}
	c := jsonCursor{b: b}
	v, ok := c.number()
	if !ok || c.i != len(b) {
		return jsonScalar{}, false
	}
	if bytes.IndexByte(b, '.') >= 0 || bytes.ContainsAny(b, "eE") {
		return jsonScalar{kind: jsonReal, real: v}, true
	}
	return jsonScalar{kind: jsonLong, real: v}, true
}

// fields returns the layer's fields.
func (s *jsonSchema) fields() []Field {
	fields := make([]Field, len(s.names))
	for i, name := range s.names {
		fields[i] = Field{Name: name, Kind: s.kinds[i].kind()}
	}
	return fields
}

// add notes that property name, as it is written, was met with kinds k, and
// returns the number of its spelling.
func (s *jsonSchema) add(name []byte, k jsonKinds) (int, bool) {
	i, ok := s.index[string(name)]
	if !ok {
		decoded, valid := unquote(name)
		if !valid || len(s.names) == maxProperties {
			return 0, false
		}
		field := slices.Index(s.names, decoded)
		if field < 0 {
			field = len(s.names)
			s.names, s.kinds = append(s.names, decoded), append(s.kinds, 0)
		}
		i = len(s.spelling)
		s.spelling = append(s.spelling, jsonSpelling{bytes.Clone(name), field})
		s.index[string(name)] = i
	}
	s.kinds[s.spelling[i].field] |= k
	return i, true
}

// join adds what was learned of later features.
func (s *jsonSchema) join(later *jsonSchema) {
	for _, sp := range later.spelling {
		s.add(sp.name, later.kinds[sp.field])
	}
	s.idKinds |= later.idKinds
}

// identify adds the field for the features' own ids, when all is learned.
func (s *jsonSchema) identify() {
	if _, taken := s.index["id"]; s.idKinds != 0 && !taken {
		s.ids = len(s.names)
		s.names, s.kinds = append(s.names, "id"), append(s.kinds, s.idKinds)
	}
}

// isGeoJSON tells whether b is an object with a type that RFC 7946 knows, or one
// that is not to be understood at all, which is told later.
func isGeoJSON(b []byte) bool {
	var typ []byte
	c := &jsonCursor{b: b}
	p := c.object(func(name []byte) *problem.Problem {
		v, p := c.skip()
		if string(name) == "type" {
			typ = v
		}
		return p
	})
	switch string(typ) {
	case `"Feature"`, `"Point"`, `"MultiPoint"`, `"LineString"`, `"MultiLineString"`,
		`"Polygon"`, `"MultiPolygon"`, `"GeometryCollection"`:
		return true
	}
	return p != nil
}

// value returns the value b of property i, which is v. In a property of mixed kinds
// numbers and booleans stand as they are written.
func (s *jsonSchema) value(i int, v jsonScalar, b []byte) (any, bool) {
	switch {
	case v.kind == 0:
		return nil, true
	case v.kind == jsonString:
		if len(b) < 2 {
			return nil, false
		}
		return textValue(unquote(b[1 : len(b)-1]))
	case v.kind == jsonNested:
		return textValue(compactJSON(b))
	}
	switch s.kinds[i].kind() {
	case Bool:
		return b[0] == 't', true
	case Integer:
		return v.integer, true
	case Real:
		if v.kind == jsonReal {
			return v.real, true
		}
		c := jsonCursor{b: b}
		whole, ok := c.number()
		return whole, ok
	}
	return string(b), true
}

// textValue returns s as a value.
func textValue(s string, ok bool) (any, bool) { return s, ok }
