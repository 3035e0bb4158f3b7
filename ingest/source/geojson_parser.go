package source

import (
	"unicode/utf8"

	"gengtu/index/problem"
)

// jsonParser parses features, one at a time, by the schema of their file.
type jsonParser struct {
	schema *jsonSchema
	shape  shape
	arena  arena
	texts  texts
	names  jsonNames
	last   []jsonLast // by field
	seen   *jsonSeen  // nil when the schema is no guess
	record int64
}

// newJSONParser returns a parser for the features of a file with that schema, which
// proof is gathered of when it is a guess.
func newJSONParser(s *jsonSchema, proof *jsonProof) *jsonParser {
	return &jsonParser{schema: s, last: make([]jsonLast, len(s.names)), seen: proof.watch(s)}
}

// parse parses the feature b, which stands at place at of the file, into f.
func (r *jsonParser) parse(b []byte, at int64, f *Feature) {
	f.Values = r.arena.row(len(r.schema.names))
	r.shape.reset()
	r.record = f.Record
	c := &jsonCursor{b: b, base: at}
	f.Problem = r.feature(c, f.Values)
	if f.Problem == nil && c.space() != 0 {
		f.Problem = c.fail("要素之后有多余内容", "something follows the feature")
	}
	if f.Problem == nil {
		f.Polygons, f.Problem = r.arena.copyShape(&r.shape)
	}
	r.seen.fault(b, f)
}

// feature parses a Feature, or a bare geometry, into r.shape and values. What is
// wrong with the geometry is told after the properties are read.
func (r *jsonParser) feature(c *jsonCursor, values []any) *problem.Problem {
	g := jsonGeometry{cursor: c, shape: &r.shape, shapes: r.schema.shapes}
	isFeature := false
	var id jsonKinds
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
			var p *problem.Problem
			id, p = r.schema.identifier(c, values)
			return p
		case "geometry":
			start := c.i
			r.shape.reset() // Of two geometries the last counts, as with all members.
			if bad = (&jsonGeometry{cursor: c, shape: &r.shape, shapes: r.schema.shapes}).parse(0); bad != nil {
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
	if p == nil {
		r.seen.metID(id)
	}
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
	return c.properties(&r.names, func(name []byte, spelling int) (int, *problem.Problem) {
		var ok bool
		if spelling < 0 {
			if spelling, ok = s.index[string(name)]; !ok {
				r.seen.surprise()
				return -1, c.fail("属性名不是有效文本", "the name of a property is no valid text")
			}
		}
		field := s.spelling[spelling].field
		last := &r.last[field]
		if last.next(c) {
			values[field] = last.value
			return spelling, nil
		}
		start := c.i
		if v, kind := r.plainValue(field, c); kind != 0 {
			r.seen.met(field, kind, r.record)
			last.keep(c.b[start:c.i], v)
			values[field] = v
			return spelling, nil
		}
		v, p := c.skip()
		if p != nil {
			return -1, p
		}
		scalar, ok := scalarOf(v)
		if ok {
			r.seen.met(field, scalar.kind, r.record)
			values[field], ok = s.value(field, scalar, v)
		}
		if !ok {
			return -1, c.fail("属性值无法识别", "the value of a property cannot be understood")
		}
		last.keep(v, values[field])
		return spelling, nil
	})
}

// plainValue consumes the value that is next if it is written as most are: a string
// without escapes, or in a property of real numbers one with a point. It returns the
// kind of it, 0 when it is another.
func (r *jsonParser) plainValue(field int, c *jsonCursor) (any, jsonKinds) {
	b, at := c.b, c.i
	switch {
	case at >= len(b):
	case b[at] == '"':
		end := nextInText(b, at+1)
		if text := b[at+1 : end]; end < len(b) && b[end] == '"' && utf8.Valid(text) {
			c.i = end + 1
			return r.texts.keep(text), jsonString
		}
	case b[at] >= '1' && b[at] <= '9' && r.schema.kinds[field].kind() == Real:
		if v, end, ok := plainNumber(b, at); ok && jsonScalarEnds[b[end]] {
			c.i = end
			return v, jsonReal
		}
	}
	return nil, 0
}

// identifier parses the feature's id, of the kind returned, into its field.
func (s *jsonSchema) identifier(c *jsonCursor, values []any) (jsonKinds, *problem.Problem) {
	v, p := c.skip()
	if p != nil {
		return 0, p
	}
	scalar, ok := scalarOf(v)
	if s.ids < 0 {
		return scalar.kind, nil
	}
	if ok {
		values[s.ids], ok = s.value(s.ids, scalar, v)
	}
	if !ok {
		return scalar.kind, c.fail("id 无法识别", "the id cannot be understood")
	}
	return scalar.kind, nil
}

// jsonNames foretells the names of properties: in most files the same names
// follow each other in each feature, with the same blanks around them.
type jsonNames struct {
	after []jsonLead // by the number of a spelling and 1; 0 for the beginning of an object
	at    int        // -1 where nothing is remembered
}

// jsonLead is what stood between one value and the next, or before the first one.
type jsonLead struct {
	raw      []byte // empty for none
	spelling int
}

// maxLead bounds what is remembered of what stands between two values, and
// maxSpellings of how many names.
const (
	maxLead      = 128
	maxSpellings = 2 * maxProperties
)

// next moves c to the value of the property foretold if just the same leads to it,
// and returns the number of its spelling; -1 if not.
func (n *jsonNames) next(c *jsonCursor) int {
	if n.at < 0 || n.at >= len(n.after) {
		return -1
	}
	lead := &n.after[n.at]
	end := c.i + len(lead.raw)
	if len(lead.raw) == 0 || end > len(c.b) || string(c.b[c.i:end]) != string(lead.raw) {
		return -1
	}
	c.i = end
	c.space() // There may be more than the last time.
	n.at = lead.spelling + 1
	return lead.spelling
}

// met notes which name came, and what led to its value.
func (n *jsonNames) met(spelling int, lead []byte) {
	if spelling >= maxSpellings {
		n.at = -1
		return
	}
	for len(n.after) <= max(n.at, spelling+1) {
		n.after = append(n.after, jsonLead{})
	}
	if n.at >= 0 && len(lead) <= maxLead {
		l := &n.after[n.at]
		l.raw, l.spelling = append(l.raw[:0], lead...), spelling
	}
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
// spelling that it is given, or finds it out by the name when it is given -1.
func (c *jsonCursor) properties(names *jsonNames, member func(name []byte, spelling int) (int, *problem.Problem)) *problem.Problem {
	if c.space() != '{' {
		return c.fail("应为对象", "an object was expected")
	}
	c.i++
	names.at = 0
	for first := true; ; first = false {
		if spelling := names.next(c); spelling >= 0 {
			if _, p := member(nil, spelling); p != nil {
				return p
			}
			continue
		}
		start := c.i
		more, p := c.another(first)
		if !more || p != nil {
			return p
		}
		name, p := c.skip()
		if p == nil {
			p = c.colon()
		}
		if p != nil {
			return p
		}
		lead := c.b[start:c.i]
		spelling, p := member(name[1:len(name)-1], -1)
		if p != nil {
			return p
		}
		names.met(spelling, lead)
	}
}
