package geo

import (
	"errors"
	"strconv"
	"strings"
)

// What can be wrong with a geometry that is read; the Kind of a
// [GeometryError].
var (
	// ErrGeometrySyntax: the text or bytes do not follow the format.
	ErrGeometrySyntax = errors.New("geometry not readable")
	// ErrGeometryType: the geometry has no area, or is of an unknown type.
	ErrGeometryType = errors.New("geometry type not supported")
	// ErrGeometryLimit: the geometry has too many positions or is nested too deep.
	ErrGeometryLimit = errors.New("geometry too large")
	// ErrGeometryRing: a ring has fewer than three different positions.
	ErrGeometryRing = errors.New("ring has too few positions")
	// ErrGeometryCoordinate: a position has fewer than two numbers, or one that is
	// not finite.
	ErrGeometryCoordinate = errors.New("position not valid")
)

// Place is where in a geometry something is: the polygon, its ring and the
// position, each counted from 1; 0 where it is not known. Ring 1 is the shell.
// Polygons are counted through a collection.
type Place struct {
	Polygon, Ring, Position int
}

// String returns the place in English, or "" for the zero value.
func (p Place) String() string {
	var b strings.Builder
	for _, part := range [...]struct {
		name string
		n    int
	}{{"polygon ", p.Polygon}, {"ring ", p.Ring}, {"position ", p.Position}} {
		if part.n == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(part.name + strconv.Itoa(part.n))
	}
	return b.String()
}

// GeometryError tells what is wrong with a geometry, and where. errors.Is finds
// its Kind.
type GeometryError struct {
	// Kind is one of the ErrGeometry values, or a [*CoordinateError].
	Kind error
	// Place is where in the geometry.
	Place Place
	// Offset is where in the text or bytes, from 0.
	Offset int
	// Found is what stood there, shortened; may be "".
	Found string
}

// Error returns the kind, the place and what was found.
func (e *GeometryError) Error() string {
	s := e.Kind.Error()
	if e.Found != "" {
		s += ": " + e.Found
	}
	if p := e.Place.String(); p != "" {
		s += " at " + p
	}
	return s
}

// Unwrap returns the kind.
func (e *GeometryError) Unwrap() error { return e.Kind }

// Limits bounds what a geometry may hold. A field that is 0 means the default.
type Limits struct {
	// Vertices is the greatest number of positions; default 20 million, 320 MB.
	Vertices int
	// Depth is how deep collections may stand in each other; default 8.
	Depth int
}

const (
	defaultVertices = 20_000_000
	defaultDepth    = 8
)

func (l Limits) vertices() int {
	if l.Vertices <= 0 {
		return defaultVertices
	}
	return l.Vertices
}

func (l Limits) depth() int {
	if l.Depth <= 0 {
		return defaultDepth
	}
	return l.Depth
}
