package source

import "gengtu/index/problem"

// jsonParser parses features, one at a time, by the schema of their file.
type jsonParser struct {
	schema *jsonSchema
	shape  shape
	arena  arena
	names  jsonNames
	last   []jsonLast // by field
}

// newJSONParser returns a parser for the features of a file with that schema.
func newJSONParser(s *jsonSchema) *jsonParser {
	return &jsonParser{schema: s, last: make([]jsonLast, len(s.names))}
}

// parse parses the feature b, which stands at place at of the file, into f.
func (r *jsonParser) parse(b []byte, at int64, f *Feature) {
	f.Values = r.arena.row(len(r.schema.names))
	r.shape.reset()
	c := &jsonCursor{b: b, base: at}
	f.Problem = r.feature(c, f.Values)
	if f.Problem == nil && c.space() != 0 {
		f.Problem = c.fail("要素之后有多余内容", "something follows the feature")
	}
	if f.Problem == nil {
		f.Polygons, f.Problem = r.arena.copyShape(&r.shape)
	}
}

// feature parses a Feature, or a bare geometry, into r.shape and values. What is
// wrong with the geometry is told after the properties are read.
func (r *jsonParser) feature(c *jsonCursor, values []any) *problem.Problem {
	g := jsonGeometry{cursor: c, shape: &r.shape}
	isFeature := false
	var bad *problem.Problem
	p := c.object(func(name []byte) *problem.Problem {
		switch string(name) {
		case "type":
			v, p := c.skip()
			isFeature = string(v) == `"Feature"`
			g.typ = v
			return p
		case "properties":
			if c.null() {
				return nil
			}
			return r.properties(c, values)
		case "id":
			return r.schema.identifier(c, values)
		case "geometry":
			start := c.i
			r.shape.reset() // Of two geometries the last counts, as with all members.
			if bad = (&jsonGeometry{cursor: c, shape: &r.shape}).parse(0); bad != nil {
				c.i = start
				_, p := c.skip()
				return p
			}
			return nil
		case "coordinates", "geometries":
			return g.member(name)
		}
		_, p := c.skip()
		return p
	})
	if p != nil || isFeature {
		return firstProblem(p, bad)
	}
	if bad == nil && g.typ == nil {
		return c.fail("没有 type 成员", "it has no member type")
	}
	return g.finish(0)
}

// properties parses the properties in the object that is next into values.
func (r *jsonParser) properties(c *jsonCursor, values []any) *problem.Problem {
	s := r.schema
	return c.properties(&r.names, s, func(name []byte, spelling int) (int, *problem.Problem) {
		ok := true
		if spelling < 0 {
			if spelling, ok = s.index[string(name)]; !ok {
				return -1, c.fail("属性名不是有效文本", "the name of a property is no valid text")
			}
		}
		field := s.spelling[spelling].field
		last := &r.last[field]
		if last.next(c) {
			values[field] = last.value
			return spelling, nil
		}
		v, p := c.skip()
		if p != nil {
			return -1, p
		}
		if values[field], ok = s.value(field, v); !ok {
			return -1, c.fail("属性值无法识别", "the value of a property cannot be understood")
		}
		last.keep(v, values[field])
		return spelling, nil
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

// jsonNames foretells the names of properties: in most files the same names
// follow each other in each feature.
type jsonNames struct {
	after []int32 // by the number of a spelling and 1, 0 at the beginning: that of the next and 1
	at    int
}

// expected moves c over the name of a property if it is the one foretold, and
// returns the number of its spelling; -1 if it is another.
func (n *jsonNames) expected(c *jsonCursor, s *jsonSchema) int {
	if n.at >= len(n.after) || n.after[n.at] == 0 {
		return -1
	}
	spelling := int(n.after[n.at] - 1)
	name := s.spelling[spelling].quoted
	if len(c.b)-c.i < len(name) || string(c.b[c.i:c.i+len(name)]) != name {
		return -1
	}
	c.i += len(name)
	return spelling
}

// met notes which name came.
func (n *jsonNames) met(spelling int) {
	for len(n.after) <= spelling+1 {
		n.after = append(n.after, 0)
	}
	n.after[n.at] = int32(spelling + 1)
	n.at = spelling + 1
}

// maxKept bounds the values that are remembered; long ones are seldom the same.
const maxKept = 64

// jsonLast is the last value of a property: in most files many values are those
// of the feature before, and need not be understood again.
type jsonLast struct {
	raw   []byte // as it is written; empty for none
	value any
}

// next moves c over the value that is next if it is the last one again.
func (l *jsonLast) next(c *jsonCursor) bool {
	end := c.i + len(l.raw)
	if len(l.raw) == 0 || end > len(c.b) || string(c.b[c.i:end]) != string(l.raw) {
		return false
	}
	if !jsonStops[l.raw[0]] && end < len(c.b) && !jsonScalarEnds[c.b[end]] {
		return false // a longer number or word
	}
	c.i = end
	return true
}

// keep remembers a value.
func (l *jsonLast) keep(raw []byte, value any) {
	if len(raw) > maxKept {
		l.raw = l.raw[:0]
		return
	}
	l.raw, l.value = append(l.raw[:0], raw...), value
}

// properties goes through the members of the object that is next, as object does,
// and lets names foretell theirs. The function member returns the number of the
// spelling that it is given, or finds out when it is given -1.
func (c *jsonCursor) properties(names *jsonNames, s *jsonSchema, member func(name []byte, spelling int) (int, *problem.Problem)) *problem.Problem {
	if c.space() != '{' {
		return c.fail("应为对象", "an object was expected")
	}
	c.i++
	names.at = 0
	for first := true; ; first = false {
		more, p := c.another(first)
		if !more || p != nil {
			return p
		}
		start := c.i
		spelling := names.expected(c, s)
		if spelling < 0 {
			_, p = c.skip()
		}
		name := c.b[start+1 : max(c.i-1, start+1)]
		if p == nil {
			p = c.colon()
		}
		if p == nil {
			spelling, p = member(name, spelling)
		}
		if p != nil {
			return p
		}
		names.met(spelling)
	}
}
