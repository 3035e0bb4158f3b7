package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"unicode/utf8"

	"gengtu/index/problem"
)

// jsonSchema is what the first reading of a GeoJSON file learns.
type jsonSchema struct {
	names   []string
	kinds   []jsonKinds
	index   map[string]int // by the name as it is written, escapes included
	crs     []byte         // the crs member of the collection, nil if there is none
	records int64
	// ids is the place of the field for the features' own id, -1 if none has one
	// or a property of that name exists.
	ids int
}

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

// kindOf returns the kind of the value b.
func kindOf(b []byte) (jsonKinds, bool) {
	switch b[0] {
	case '"':
		return jsonString, true
	case '{', '[':
		return jsonNested, true
	case 't', 'f':
		return jsonBool, string(b) == "true" || string(b) == "false"
	case 'n':
		return 0, string(b) == "null"
	}
	if digits := bytes.TrimPrefix(b, []byte("-")); len(digits) == 0 || digits[0] < '0' || digits[0] > '9' ||
		(len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9') {
		return 0, false // RFC 8259 section 6: no plus sign, no leading zeros
	}
	if _, ok := parseInteger(b); ok {
		return jsonInteger, true
	}
	c := jsonCursor{b: b}
	if _, ok := c.number(); !ok || c.i != len(b) {
		return 0, false
	}
	if bytes.ContainsAny(b, ".eE") {
		return jsonReal, true
	}
	return jsonLong, true
}

// fields returns the layer's fields.
func (s *jsonSchema) fields() []Field {
	fields := make([]Field, len(s.names))
	for i, name := range s.names {
		fields[i] = Field{Name: name, Kind: s.kinds[i].kind()}
	}
	return fields
}

// add notes that property name, as it is written, was met with kinds k.
func (s *jsonSchema) add(name []byte, k jsonKinds) bool {
	i, ok := s.index[string(name)]
	if !ok {
		decoded, valid := unquote(name)
		if !valid || len(s.names) == maxProperties {
			return false
		}
		// One name may be written in two ways, with escapes and without.
		for i = 0; i < len(s.names) && s.names[i] != decoded; i++ {
			continue
		}
		if i == len(s.names) {
			s.names, s.kinds = append(s.names, decoded), append(s.kinds, 0)
		}
		s.index[string(name)] = i
	}
	s.kinds[i] |= k
	return true
}

// learn goes through the whole file. What is wrong with one feature is left for
// the second reading to tell.
func (r *geoJSON) learn(ctx context.Context) (*jsonSchema, error) {
	s := &jsonSchema{index: map[string]int{}, ids: -1}
	var ids jsonKinds
	for {
		b, err := r.walker.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		s.records++
		c := &jsonCursor{b: b, base: r.walker.at}
		if s.records == 1 && !r.walker.inside && !isGeoJSON(b) {
			return nil, problem.New("GEOJSON_NOT", "是 JSON，但不是 GeoJSON", "is JSON but not GeoJSON").
				Advise("顶层应为 FeatureCollection、Feature 或几何", "its top should be a FeatureCollection, a Feature or a geometry")
		}
		id, p := s.scan(c)
		if p != nil && p.Code != "GEOJSON_SYNTAX" {
			return nil, p
		}
		ids |= id
	}
	if r.walker.crs != nil {
		s.crs = r.walker.crs
	}
	if r.walker.texts == 0 {
		return nil, problem.New("SOURCE_EMPTY", "文件里没有内容", "the file holds nothing")
	}
	if _, taken := s.index["id"]; ids != 0 && !taken {
		s.ids = len(s.names)
		s.names, s.kinds = append(s.names, "id"), append(s.kinds, ids)
	}
	return s, nil
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

// scan adds the properties of one feature and returns the kind of its id.
func (s *jsonSchema) scan(c *jsonCursor) (jsonKinds, *problem.Problem) {
	var id jsonKinds
	p := c.object(func(name []byte) *problem.Problem {
		switch string(name) {
		case "properties":
			if c.space() == '{' {
				return s.scanProperties(c)
			}
		case "id", "crs":
			v, p := c.skip()
			if p != nil {
				return p
			}
			if string(name) == "id" {
				id, _ = kindOf(v)
			} else if s.records == 1 {
				s.crs = bytes.Clone(v)
			}
			return nil
		}
		_, p := c.skip()
		return p
	})
	return id, p
}

// scanProperties adds the properties in the object that is next.
func (s *jsonSchema) scanProperties(c *jsonCursor) *problem.Problem {
	return c.object(func(name []byte) *problem.Problem {
		v, p := c.skip()
		if p != nil {
			return p
		}
		if !utf8.Valid(name) || !utf8.Valid(v) {
			return problem.New("GEOJSON_ENCODING", "第 %d 字节附近的文本不是 UTF-8", "the text near byte %d is not UTF-8", c.base+int64(c.i)).
				Advise("用 --encoding GBK 指定编码，或另存为 UTF-8", "name the encoding, as --encoding GBK, or save the file as UTF-8")
		}
		k, ok := kindOf(v)
		if !ok {
			return c.fail("值无法识别", "not a value")
		}
		if !s.add(name, k) {
			if len(s.names) < maxProperties {
				return c.fail("属性名不是有效文本", "the name of a property is no valid text")
			}
			return problem.New("GEOJSON_FIELDS", "属性名超过 %d 个", "it has more than %d property names", maxProperties)
		}
		return nil
	})
}

// values parses the properties in the object that is next into values.
func (s *jsonSchema) values(c *jsonCursor, values []any) *problem.Problem {
	return c.object(func(name []byte) *problem.Problem {
		i, ok := s.index[string(name)]
		if !ok {
			return c.fail("属性名不是有效文本", "the name of a property is no valid text")
		}
		v, p := c.skip()
		if p != nil {
			return p
		}
		if values[i], ok = s.value(i, v); !ok {
			return c.fail("属性值无法识别", "the value of a property cannot be understood")
		}
		return nil
	})
}

// identifier parses the feature's id into its field.
func (s *jsonSchema) identifier(c *jsonCursor, values []any) *problem.Problem {
	v, p := c.skip()
	if p != nil || s.ids < 0 {
		return p
	}
	var ok bool
	if values[s.ids], ok = s.value(s.ids, v); !ok {
		return c.fail("id 无法识别", "the id cannot be understood")
	}
	return nil
}

// value returns the value b of property i. In a property of mixed kinds numbers
// and booleans stand as they are written.
func (s *jsonSchema) value(i int, b []byte) (any, bool) {
	kind, ok := kindOf(b)
	switch {
	case !ok || kind == 0:
		return nil, ok
	case kind == jsonString:
		if len(b) < 2 {
			return nil, false
		}
		return textValue(unquote(b[1 : len(b)-1]))
	case kind == jsonNested:
		return textValue(compactJSON(b))
	}
	switch s.kinds[i].kind() {
	case Bool:
		return b[0] == 't', true
	case Integer:
		v, ok := parseInteger(b)
		return v, ok
	case Real:
		c := jsonCursor{b: b}
		v, ok := c.number()
		return v, ok
	}
	return string(b), true
}

// textValue returns s as a value.
func textValue(s string, ok bool) (any, bool) { return s, ok }
