package geo

import (
	"fmt"
	"strconv"
)

// ParseGeometry reads a GeoJSON geometry (RFC 7946): a Polygon, a MultiPolygon,
// a GeometryCollection of these, or null. It returns the polygons, each a shell
// followed by its holes, as the numbers stand there: easting or longitude first,
// in whatever system they are, third and further numbers dropped, winding and
// closing as given. null and empty geometries have no polygons.
//
// A ring needs three positions besides the repeated first one; it may be left
// open. Members that the geometry does not need are passed over. Errors are
// [*GeometryError] with the place: [ErrGeometrySyntax], [ErrGeometryType] (a
// point or a line has no area, and is an error also in a collection),
// [ErrGeometryLimit], [ErrGeometryRing] or [ErrGeometryCoordinate].
func ParseGeometry(data []byte, limits Limits) ([][][]XY, error) {
	r := geoJSONReader{
		jsonScanner: jsonScanner{data: data},
		limits:      limits, verticesLeft: limits.vertices(),
	}
	if err := r.geometry(0); err != nil {
		return nil, err
	}
	if r.space(); r.pos != len(r.data) {
		r.place = Place{}
		return nil, r.fault(ErrGeometrySyntax)
	}
	return r.polygons, nil
}

// geoJSONReader collects the polygons of one geometry.
type geoJSONReader struct {
	jsonScanner
	limits       Limits
	verticesLeft int
	polygons     [][][]XY
}

// geometry reads a geometry object or null. The members may stand in any order:
// coordinates that come before the type are passed over and read once it is
// known.
func (r *geoJSONReader) geometry(depth int) error {
	if depth > r.limits.depth() {
		return r.fault(ErrGeometryLimit)
	}
	if r.literal("null") {
		return nil
	}
	r.space()
	start := r.pos
	kind, seen, read := "", map[string]int{}, false
	err := r.object(func(name string) error {
		r.space()
		switch name {
		case "type", "coordinates", "geometries":
			if _, twice := seen[name]; twice {
				return r.fault(ErrGeometrySyntax)
			}
			seen[name] = r.pos
		}
		var err error
		switch {
		case name == "type":
			kind, err = r.text()
		case name != "" && name == coordinateMember(kind):
			read, err = true, r.coordinates(kind, depth)
		default:
			err = r.skip(0)
		}
		return err
	})
	if err != nil || read {
		return err
	}
	member := coordinateMember(kind)
	if member == "" {
		return &GeometryError{Kind: ErrGeometryType, Offset: start, Found: strconv.Quote(kind[:min(len(kind), foundLength)])}
	}
	at, found := seen[member]
	if !found {
		return &GeometryError{Kind: ErrGeometrySyntax, Offset: start, Found: fmt.Sprintf("%s, %q?", kind, member)}
	}
	end := r.pos
	r.pos = at
	if err := r.coordinates(kind, depth); err != nil {
		return err
	}
	r.pos = end
	return nil
}

// coordinateMember returns the name of the member that holds the coordinates of
// a type of geometry, or "" for a type that has no area.
func coordinateMember(kind string) string {
	switch kind {
	case "Polygon", "MultiPolygon":
		return "coordinates"
	case "GeometryCollection":
		return "geometries"
	}
	return ""
}

// coordinates reads the coordinate member of a geometry of the given type.
func (r *geoJSONReader) coordinates(kind string, depth int) error {
	switch kind {
	case "Polygon":
		return r.polygon()
	case "MultiPolygon":
		return r.array(r.polygon)
	default:
		return r.array(func() error { return r.geometry(depth + 1) })
	}
}

// polygon reads the array of a polygon's rings; one without rings is none.
func (r *geoJSONReader) polygon() error {
	r.place = Place{Polygon: len(r.polygons) + 1}
	var rings [][]XY
	err := r.array(func() error {
		r.place = Place{Polygon: len(r.polygons) + 1, Ring: len(rings) + 1}
		points, err := r.ring()
		rings = append(rings, points)
		return err
	})
	if err != nil {
		return err
	}
	if len(rings) > 0 {
		r.polygons = append(r.polygons, rings)
	}
	r.place = Place{}
	return nil
}

// ring reads the array of a ring's positions.
func (r *geoJSONReader) ring() ([]XY, error) {
	r.space()
	start := r.pos
	var points []XY
	err := r.array(func() error {
		r.place.Position = len(points) + 1
		if r.verticesLeft--; r.verticesLeft < 0 {
			err := &GeometryError{Kind: ErrGeometryLimit, Place: r.place, Offset: r.pos}
			err.Found = fmt.Sprintf("more than %d positions", r.limits.vertices())
			return err
		}
		p, err := r.position()
		points = append(points, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	sides := len(points)
	if sides > 1 && points[0] == points[sides-1] {
		sides--
	}
	if sides < 3 {
		r.place.Position = 0
		return nil, &GeometryError{
			Kind: ErrGeometryRing, Place: r.place, Offset: start, Found: strconv.Itoa(len(points)),
		}
	}
	return points, nil
}

// position reads one position.
func (r *geoJSONReader) position() (XY, error) {
	var p XY
	n := 0
	r.space()
	start := r.pos
	err := r.array(func() error {
		f, err := r.number()
		switch n {
		case 0:
			p.X = f
		case 1:
			p.Y = f
		}
		n++
		return err
	})
	if err == nil && n < 2 {
		r.pos = start
		err = r.fault(ErrGeometryCoordinate)
	}
	return p, err
}

// AppendGeoJSON appends m to dst as a GeoJSON geometry and returns the extended
// slice: a Polygon when there is exactly one, a MultiPolygon otherwise, without
// coordinates when m is empty. Positions are longitude, latitude in exact
// decimal degrees of at most 10 decimals.
func AppendGeoJSON(dst []byte, m MultiPolygon) []byte {
	if len(m) == 1 {
		dst = append(dst, `{"type":"Polygon","coordinates":`...)
		return append(appendPolygonJSON(dst, m[0]), '}')
	}
	dst = append(dst, `{"type":"MultiPolygon","coordinates":[`...)
	for i, p := range m {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendPolygonJSON(dst, p)
	}
	return append(dst, ']', '}')
}

func appendPolygonJSON(dst []byte, p Polygon) []byte {
	dst = append(dst, '[')
	for i, r := range p {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '[')
		for j, v := range r {
			if j > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, '[')
			dst = appendDegrees(dst, v.Lon)
			dst = append(dst, ',')
			dst = appendDegrees(dst, v.Lat)
			dst = append(dst, ']')
		}
		dst = append(dst, ']')
	}
	return append(dst, ']')
}

// appendDegrees appends units of 1e-10 degree as degrees, without zeros at the
// end.
func appendDegrees(dst []byte, units int64) []byte {
	u := uint64(units)
	if units < 0 {
		dst = append(dst, '-')
		u = -u
	}
	dst = strconv.AppendUint(dst, u/Unit, 10)
	fraction := u % Unit
	if fraction == 0 {
		return dst
	}
	dst = append(dst, ".0000000000"...)
	for i := len(dst) - 1; fraction > 0; i-- {
		dst[i] = byte('0' + fraction%10)
		fraction /= 10
	}
	end := len(dst)
	for dst[end-1] == '0' {
		end--
	}
	return dst[:end]
}
