package geo

import (
	"bytes"
	"errors"
	"unicode/utf8"
)

// Feature is one feature of a GeoJSON text (RFC 7946), or a geometry that stands
// in its place.
type Feature struct {
	// ID and Properties are the members' texts as they stand there, nil where
	// there is none. They are parts of the text that was read.
	ID, Properties []byte
	// Polygons is the geometry as [ParseGeometry] gives it.
	Polygons [][][]XY
	// NoGeometry tells that the geometry is null or missing.
	NoGeometry bool
	// Err is why the geometry, or the feature, cannot be used; Polygons is then
	// nil. It is a [*GeometryError].
	Err error
}

// ParseFeatures reads a GeoJSON geometry, Feature or FeatureCollection in one
// pass and calls yield with each feature in order; a geometry is a feature
// without id and properties. Collection tells that the text is a
// FeatureCollection. The feature given to yield is overwritten by the next; its
// polygons are not.
//
// What is wrong with one feature stands in its Err, as long as the text around
// it is JSON. The error is yield's, or a [*GeometryError] of what fails the whole
// text: its syntax, or more positions than limits allow in all features
// together ([ErrGeometryLimit] with a position).
func ParseFeatures(data []byte, limits Limits, yield func(*Feature) error) (collection bool, err error) {
	r := featureReader{
		geoJSONReader: geoJSONReader{jsonScanner: jsonScanner{data: data}, limits: limits, verticesLeft: limits.vertices()},
		yield:         yield, valid: utf8.Valid(data),
	}
	if err := r.document(); err != nil {
		return r.collection, err
	}
	if r.space(); r.pos != len(r.data) {
		return r.collection, r.fault(ErrGeometrySyntax)
	}
	if r.collection {
		return true, nil
	}
	return false, yield(&r.feature)
}

// ParseMembers calls member with the name and the text of each member of the JSON
// object that data is. The text is a part of data and valid JSON. Errors are
// member's, or a [*GeometryError] of the syntax.
func ParseMembers(data []byte, member func(name string, value []byte) error) error {
	s := jsonScanner{data: data}
	err := s.object(func(name string) error {
		value, err := s.raw()
		if err != nil {
			return err
		}
		return member(name, value)
	})
	if err != nil {
		return err
	}
	if s.space(); s.pos != len(s.data) {
		return s.fault(ErrGeometrySyntax)
	}
	return nil
}

// maxCRSDepth bounds how deep in one another [ParseCRSMembers] looks at objects;
// it is deeper than geometries may lie.
const maxCRSDepth = 32

// ParseCRSMembers calls member with the text of each `crs` member (GeoJSON of
// 2008, dropped by RFC 7946) of a GeoJSON text: that of a collection, of its
// features and of their geometries, in the order in which they stand there. What
// stands in properties is none. The text is a part of data and valid JSON. Errors
// are member's, or a [*GeometryError] of the syntax.
func ParseCRSMembers(data []byte, member func(value []byte) error) error {
	if !bytes.Contains(data, []byte("crs")) && !bytes.Contains(data, []byte(`\u`)) {
		return nil // names none, not even in escapes
	}
	s := jsonScanner{data: data}
	return s.crsMembers(0, member)
}

// crsMembers finds the crs members of the value that follows.
func (s *jsonScanner) crsMembers(depth int, member func(value []byte) error) error {
	inner := func() error { return s.crsMembers(depth+1, member) }
	if depth > maxCRSDepth || s.space() != '{' {
		return s.skip(0)
	}
	return s.object(func(name string) error {
		next := s.space()
		switch {
		case name == "crs":
			value, err := s.raw()
			if err != nil {
				return err
			}
			return member(value)
		case name == "geometry":
			return inner()
		case (name == "features" || name == "geometries") && next == '[':
			return s.array(inner)
		}
		return s.skip(0)
	})
}

// raw steps over any value and returns its text.
func (s *jsonScanner) raw() ([]byte, error) {
	s.space()
	start := s.pos
	if err := s.skip(0); err != nil {
		return nil, err
	}
	return s.data[start:s.pos:s.pos], nil
}

// featureReader reads features, each into the same place.
type featureReader struct {
	geoJSONReader
	yield      func(*Feature) error
	feature    Feature
	collection bool
	valid      bool // the text is UTF-8
}

// members are what has been seen of an object, and where those of its members
// stand whose type came behind them.
type members struct {
	kind               string
	features, geometry int
	read               bool // what the type asks for has been read
	twice              bool // a member stands twice

	hasKind, hasID, hasProperties, hasFeatures, hasGeometry, hasOwn bool
}

// document reads the one value of a text.
func (r *featureReader) document() error {
	r.feature = Feature{}
	if r.literal("null") {
		r.feature.NoGeometry = true
		return nil
	}
	return r.item(r.features)
}

// item reads an object that is a feature or a geometry into r.feature; a
// collection of features is read by collection, which is nil where none may
// stand.
func (r *featureReader) item(collection func() error) error {
	r.space()
	start := r.pos
	var m members
	err := r.object(func(name string) error {
		r.space()
		return r.member(name, &m, collection)
	})
	if err != nil || m.read && !m.twice {
		return err
	}
	end := r.pos
	switch {
	case m.twice && r.collection && collection != nil:
		return &GeometryError{Kind: ErrGeometrySyntax, Offset: start, Found: "a member that stands twice"}
	case m.twice:
		r.feature.Polygons = nil
		r.feature.Err = &GeometryError{Kind: ErrGeometrySyntax, Offset: start, Found: "a member that stands twice"}
		return nil
	case m.kind == "FeatureCollection" && collection != nil:
		if r.collection = true; !m.hasFeatures {
			return &GeometryError{Kind: ErrGeometrySyntax, Offset: start, Found: `FeatureCollection, "features"?`}
		}
		r.pos = m.features
		err = collection()
	case m.kind == "Feature":
		if r.pos = m.geometry; !m.hasGeometry {
			r.feature.NoGeometry = true
		} else {
			err = r.shape()
		}
	default:
		// ParseGeometry's reader says what is wrong with what is no geometry.
		r.pos = start
		err = r.shape()
	}
	r.pos = end
	return err
}

// member reads one member of an item, at once where the type is known already.
func (r *featureReader) member(name string, m *members, collection func() error) error {
	once := func(seen *bool) {
		m.twice = m.twice || *seen
		*seen = true
	}
	var err error
	switch name {
	case "type":
		once(&m.hasKind)
		if r.space() != '"' {
			return r.skip(0)
		}
		m.kind, err = r.text()
		return err
	case "id":
		once(&m.hasID)
		r.feature.ID, err = r.ownText()
		return err
	case "properties":
		once(&m.hasProperties)
		r.feature.Properties, err = r.ownText()
		return err
	case "features":
		once(&m.hasFeatures)
		if m.kind == "FeatureCollection" && collection != nil && !m.twice {
			m.read, r.collection = true, true
			return collection()
		}
		m.features = r.pos
	case "geometry":
		once(&m.hasGeometry)
		if m.kind == "Feature" && !m.twice {
			m.read = true
			return r.shape()
		}
		m.geometry = r.pos
	case "coordinates", "geometries":
		if name == coordinateMember(m.kind) {
			once(&m.hasOwn)
			if !m.twice {
				m.read = true
				return r.attempt(func() error { return r.coordinates(m.kind, 0) })
			}
		}
	}
	return r.skip(0)
}

// ownText is raw, in valid UTF-8.
func (r *featureReader) ownText() ([]byte, error) {
	text, err := r.raw()
	if err == nil && !r.valid {
		text = bytes.ToValidUTF8(text, []byte("\uFFFD"))
	}
	return text, err
}

// shape reads the geometry of r.feature, or null.
func (r *featureReader) shape() error {
	r.space()
	if r.literal("null") {
		r.feature.NoGeometry = true
		return nil
	}
	return r.attempt(func() error { return r.geometry(0) })
}

// attempt reads polygons into r.feature by read, which stands before a value. If
// that fails, the value is stepped over, and the feature keeps the error.
func (r *featureReader) attempt(read func() error) error {
	start := r.pos
	r.polygons, r.place = nil, Place{}
	err := read()
	if err == nil {
		r.feature.Polygons = r.polygons
		return nil
	}
	var g *GeometryError
	if errors.Is(err, ErrGeometryLimit) && errors.As(err, &g) && g.Place.Position > 0 {
		return err
	}
	r.feature.Err, r.pos, r.place = err, start, Place{}
	return r.skip(0)
}

// features reads the array of a collection's features and yields them.
func (r *featureReader) features() error {
	outer := r.feature // a collection has an id of its own, as foreign member
	err := r.array(func() error {
		r.feature = Feature{}
		switch r.space() {
		case '{':
			if err := r.item(nil); err != nil {
				return err
			}
		case 'n':
			if !r.literal("null") {
				return r.fault(ErrGeometrySyntax)
			}
			r.feature.NoGeometry = true
		default:
			r.feature.Err = r.fault(ErrGeometrySyntax)
			if err := r.skip(0); err != nil {
				return err
			}
		}
		return r.yield(&r.feature)
	})
	r.feature = outer
	return err
}
