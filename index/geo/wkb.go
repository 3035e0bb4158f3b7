package geo

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Geometry types of well-known binary (OGC 06-103r4, 8.2.3); Z adds 1000, M
// 2000. PostGIS's older form sets the high bits instead.
const (
	wkbPolygon      = 3
	wkbMultiPolygon = 6
	wkbCollection   = 7
	wkbZFlag        = 0x80000000
	wkbMFlag        = 0x40000000
	wkbSRIDFlag     = 0x20000000
)

// AppendWKB appends m to dst as little-endian well-known binary and returns the
// extended slice: a Polygon when there is exactly one, a MultiPolygon otherwise.
// Positions are longitude, latitude in degrees, the float64 nearest to each.
func AppendWKB(dst []byte, m MultiPolygon) []byte {
	if len(m) == 1 {
		return appendPolygonWKB(dst, m[0])
	}
	dst = append(dst, 1)
	dst = binary.LittleEndian.AppendUint32(dst, wkbMultiPolygon)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(m)))
	for _, p := range m {
		dst = appendPolygonWKB(dst, p)
	}
	return dst
}

func appendPolygonWKB(dst []byte, p Polygon) []byte {
	dst = append(dst, 1)
	dst = binary.LittleEndian.AppendUint32(dst, wkbPolygon)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(p)))
	for _, r := range p {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(r)))
		for _, v := range r {
			d := v.LonLat()
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(d.Lon))
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(d.Lat))
		}
	}
	return dst
}

// ParseWKB reads well-known binary of either byte order: a Polygon, a
// MultiPolygon or a GeometryCollection of these, of ISO's form or PostGIS's, the
// Z and M of positions and an SRID dropped. It returns the polygons, each a shell
// followed by its holes, as the numbers stand there; rings may be open, short or
// empty, polygons without rings are left out.
//
// Errors are [*GeometryError] with the place: [ErrGeometrySyntax] (also for
// bytes left over), [ErrGeometryType], [ErrGeometryLimit] or
// [ErrGeometryCoordinate] for a number that is not finite.
func ParseWKB(data []byte, limits Limits) ([][][]XY, error) {
	r := wkbReader{data: data, limits: limits, verticesLeft: limits.vertices()}
	if err := r.geometry(0, wkbCollection); err != nil {
		return nil, err
	}
	if r.pos != len(r.data) {
		return nil, r.fault(ErrGeometrySyntax, fmt.Sprintf("%d bytes too many", len(r.data)-r.pos))
	}
	return r.polygons, nil
}

// wkbReader reads one geometry from front to back. Every count is held against
// the bytes that are left before anything is made for it.
type wkbReader struct {
	data         []byte
	pos          int
	order        binary.ByteOrder
	limits       Limits
	verticesLeft int
	polygons     [][][]XY
	place        Place
}

func (r *wkbReader) fault(kind error, found string) error {
	return &GeometryError{Kind: kind, Place: r.place, Offset: r.pos, Found: found}
}

// uint32 reads four bytes.
func (r *wkbReader) uint32() (uint32, error) {
	if len(r.data)-r.pos < 4 {
		return 0, r.fault(ErrGeometrySyntax, fmt.Sprintf("%d bytes left", len(r.data)-r.pos))
	}
	v := r.order.Uint32(r.data[r.pos:])
	r.pos += 4
	return v, nil
}

// count reads the number of items that need at least size bytes each.
func (r *wkbReader) count(size int) (int, error) {
	n, err := r.uint32()
	if err != nil {
		return 0, err
	}
	if left := len(r.data) - r.pos; uint64(n) > uint64(left/size) {
		r.pos -= 4
		return 0, r.fault(ErrGeometrySyntax, fmt.Sprintf("%d items in %d bytes", n, left))
	}
	return int(n), nil
}

// header reads byte order and type and returns the type without Z and M, and
// the number of float64 in a position.
func (r *wkbReader) header() (kind uint32, dimensions int, err error) {
	if r.pos >= len(r.data) || r.data[r.pos] > 1 {
		return 0, 0, r.fault(ErrGeometrySyntax, "byte order?")
	}
	r.order = binary.ByteOrder(binary.BigEndian)
	if r.data[r.pos] == 1 {
		r.order = binary.LittleEndian
	}
	r.pos++
	full, err := r.uint32()
	if err != nil {
		return 0, 0, err
	}
	kind = full &^ (wkbZFlag | wkbMFlag | wkbSRIDFlag)
	iso := kind / 1000
	if iso > 3 {
		r.pos -= 4
		return 0, 0, r.fault(ErrGeometryType, fmt.Sprintf("WKB %d", full))
	}
	dimensions = 2
	if full&wkbZFlag != 0 || iso == 1 || iso == 3 {
		dimensions++
	}
	if full&wkbMFlag != 0 || iso >= 2 {
		dimensions++
	}
	if full&wkbSRIDFlag != 0 {
		_, err = r.uint32()
	}
	return kind % 1000, dimensions, err
}

// emptyGeometry is the size of the smallest geometry: byte order, type, count.
const emptyGeometry = 9

// geometry reads one geometry; within is the type of what it stands in.
func (r *wkbReader) geometry(depth int, within uint32) error {
	if depth > r.limits.depth()+1 {
		return r.fault(ErrGeometryLimit, "")
	}
	start := r.pos
	kind, dimensions, err := r.header()
	if err != nil {
		return err
	}
	switch {
	case kind == wkbPolygon:
		return r.polygon(dimensions)
	case within == wkbCollection && (kind == wkbMultiPolygon || kind == wkbCollection):
		n, err := r.count(emptyGeometry)
		if err != nil {
			return err
		}
		for range n {
			if err := r.geometry(depth+1, kind); err != nil {
				return err
			}
		}
		return nil
	}
	r.pos = start
	return r.fault(ErrGeometryType, fmt.Sprintf("WKB %d", kind))
}

// polygon reads a polygon's rings.
func (r *wkbReader) polygon(dimensions int) error {
	n, err := r.count(4)
	if err != nil || n == 0 {
		return err
	}
	rings := make([][]XY, 0, n)
	for i := range n {
		r.place = Place{Polygon: len(r.polygons) + 1, Ring: i + 1}
		points, err := r.ring(dimensions)
		if err != nil {
			return err
		}
		rings = append(rings, points)
	}
	r.polygons = append(r.polygons, rings)
	r.place = Place{}
	return nil
}

// ring reads a ring's positions.
func (r *wkbReader) ring(dimensions int) ([]XY, error) {
	n, err := r.count(8 * dimensions)
	if err != nil {
		return nil, err
	}
	if r.verticesLeft -= n; r.verticesLeft < 0 {
		return nil, r.fault(ErrGeometryLimit, fmt.Sprintf("more than %d positions", r.limits.vertices()))
	}
	points := make([]XY, n)
	for i := range points {
		p := XY{
			X: math.Float64frombits(r.order.Uint64(r.data[r.pos:])),
			Y: math.Float64frombits(r.order.Uint64(r.data[r.pos+8:])),
		}
		if !finite(p.X) || !finite(p.Y) {
			r.place.Position = i + 1
			return nil, r.fault(ErrGeometryCoordinate, fmt.Sprintf("[%v %v]", p.X, p.Y))
		}
		points[i] = p
		r.pos += 8 * dimensions
	}
	return points, nil
}
