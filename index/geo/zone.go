package geo

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// What can be wrong with a coordinate; the Kind of a [CoordinateError].
var (
	// ErrNotFinite: a coordinate is NaN or infinite.
	ErrNotFinite = errors.New("coordinate is not a finite number")
	// ErrRange: a coordinate lies outside the system's range.
	ErrRange = errors.New("coordinate outside the range of its system")
	// ErrDegrees: the system has metres and the coordinate looks like degrees.
	ErrDegrees = errors.New("coordinate looks like degrees, the system has metres")
	// ErrMetres: the system has degrees and the coordinate looks like metres.
	ErrMetres = errors.New("coordinate looks like metres, the system has degrees")
	// ErrSwapped: the coordinate fits the system with its two numbers exchanged.
	ErrSwapped = errors.New("easting and northing, or longitude and latitude, are exchanged")
	// ErrZone: the number before the easting is that of another zone.
	ErrZone = errors.New("easting belongs to another zone")
)

// CoordinateError tells what is wrong with a coordinate. errors.Is finds its
// Kind.
type CoordinateError struct {
	// Kind is one of the values above.
	Kind error
	// Found is the coordinate, in CRS.
	Found XY
	// CRS is the system that the coordinate was said to be in.
	CRS CRS
}

// Error returns the kind, the coordinate and its system.
func (e *CoordinateError) Error() string {
	return fmt.Sprintf("%v: [%v %v] in %v", e.Kind, e.Found.X, e.Found.Y, e.CRS)
}

// Unwrap returns the kind.
func (e *CoordinateError) Unwrap() error { return e.Kind }

// Proposal returns the system that the coordinate probably is in, when its
// easting carries a zone number; see [ProposeZone].
func (e *CoordinateError) Proposal() (CRS, bool) {
	if errors.Is(e.Kind, ErrMetres) || errors.Is(e.Kind, ErrZone) {
		return ProposeZone(e.Found)
	}
	return CRS{}, false
}

const (
	// quarterMeridian is above the distance from equator to pole, 10001965.73 m.
	quarterMeridian = 10_002_000
	// mercatorHalf is half the width of the Web Mercator square, pi·a, rounded up
	// to the centimetre so that files that round outwards fit.
	mercatorHalf = 20_037_508.35
)

// Check returns nil when p may be a coordinate in c, or a [*CoordinateError].
//
// A geographic system takes longitudes in [-180, 180] and latitudes in
// [-90, 90]; Web Mercator its square; a Gauss-Krueger zone northings from the
// equator to the pole and eastings within 500 km of its meridian, so that the
// zone number before them is unambiguous. Neither plane takes what could be
// degrees, the origin of Web Mercator apart.
func (c CRS) Check(p XY) error {
	if !finite(p.X) || !finite(p.Y) {
		return &CoordinateError{Kind: ErrNotFinite, Found: p, CRS: c}
	}
	if c.holds(p) {
		return nil
	}
	return &CoordinateError{Kind: c.misfit(p), Found: p, CRS: c}
}

// holds tells whether p, which is finite, may be a coordinate in c.
func (c CRS) holds(p XY) bool {
	switch c.kind {
	case kindGeographic:
		return math.Abs(p.X) <= 180 && math.Abs(p.Y) <= 90
	case kindMercator:
		return math.Abs(p.X) <= mercatorHalf && math.Abs(p.Y) <= mercatorHalf && (!degreeLike(p) || p == XY{})
	default:
		return math.Abs(p.X-c.easting) < falseEasting && p.Y >= 0 && p.Y < quarterMeridian && !degreeLike(p)
	}
}

// misfit returns why p, which is finite, is no coordinate in c.
func (c CRS) misfit(p XY) error {
	switch {
	case !c.Geographic() && degreeLike(p):
		return ErrDegrees
	case c.holds(XY{X: p.Y, Y: p.X}):
		return ErrSwapped
	case c.Geographic() && (math.Abs(p.X) > 1000 || math.Abs(p.Y) > 1000):
		return ErrMetres
	case c.Geographic():
		return ErrRange
	}
	if other, ok := ProposeZone(p); ok && c.GaussKrueger() && other != c {
		return ErrZone
	}
	return ErrRange
}

// degreeLike tells whether p could be longitude and latitude, in either order.
func degreeLike(p XY) bool { return math.Abs(p.X) <= 180 && math.Abs(p.Y) <= 180 }

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// ProposeZone returns the Gauss-Krueger zone whose number stands before the
// easting of p, metres: 36 in 36512345.6 is the 3 degree zone 36, EPSG:4524; 13
// to 23 are 6 degree zones. It returns false when there is no such number, as
// with eastings from a central meridian, or when the northing is none.
func ProposeZone(p XY) (CRS, bool) {
	if !(p.Y >= 0 && p.Y < quarterMeridian) || !(p.X >= 0 && p.X < 100*zoneNumberFactor) {
		return CRS{}, false
	}
	switch zone := int(p.X) / zoneNumberFactor; {
	case zone >= firstZone3 && zone < firstZone3+zones3:
		return gaussOf(codeGauss3 + zone - firstZone3), true
	case zone >= firstZone6 && zone < firstZone6+zones6:
		return gaussOf(codeGauss6 + zone - firstZone6), true
	}
	return CRS{}, false
}

// ZoneOf returns the Gauss-Krueger zone of that number and width, 3 or 6 degrees, in
// the form that p's easting has: with the number before it, or counted from the
// central meridian. It returns false when there is no such zone.
func ZoneOf(width, zone int, p XY) (CRS, bool) {
	_, numbered := ProposeZone(p)
	var code int
	switch {
	case width == 3 && zone >= firstZone3 && zone < firstZone3+zones3:
		if code = codeGauss3Centre + zone - firstZone3; numbered {
			code = codeGauss3 + zone - firstZone3
		}
	case width == 6 && zone >= firstZone6 && zone < firstZone6+zones6:
		if code = codeGauss6Centre + zone - firstZone6; numbered {
			code = codeGauss6 + zone - firstZone6
		}
	default:
		return CRS{}, false
	}
	return gaussOf(code), true
}

const (
	// maxEdge is the length in metres above which the survey's area rule divides
	// an edge (TD/T 1055-2019, appendix on the area of patches).
	maxEdge = 70
	// maxParts bounds the division of one edge; 70 m steps reach 1146 km, more
	// than a zone is wide.
	maxParts = 1 << 14
)

// edgeParts returns the number of equal parts of at most 70 m that the edge
// from a to b is divided in: 1 for what is not longer or not finite.
func edgeParts(a, b XY) int {
	length := math.Hypot(b.X-a.X, b.Y-a.Y)
	if !(length > maxEdge) {
		return 1
	}
	return int(min(math.Ceil(length/maxEdge), maxParts))
}

// before orders plane points by X, then Y.
func before(a, b XY) bool { return a.X < b.X || a.X == b.X && a.Y < b.Y }

// divide calls yield with each point that divides the edge from a to b in parts
// equal parts, ends left out, in the order from a to b. The points are computed
// from the end that is lexicographically smaller, so that both neighbours of an
// edge get the same ones.
func divide(a, b XY, parts int, yield func(XY)) {
	low, high := a, b
	if before(b, a) {
		low, high = b, a
	}
	dx, dy := high.X-low.X, high.Y-low.Y
	for i := 1; i < parts; i++ {
		k := i
		if low != a {
			k = parts - i
		}
		f := float64(k) / float64(parts)
		yield(XY{X: low.X + dx*f, Y: low.Y + dy*f})
	}
}

// Positions returns an upper bound for the number of positions in
// [CRS.Ring] of points, to be held against a limit before it is made.
func (c CRS) Positions(points []XY) int {
	n := len(points) + 1
	if c.Geographic() || len(points) == 0 {
		return n
	}
	last := points[len(points)-1]
	for _, p := range points {
		n += edgeParts(last, p) - 1
		last = p
	}
	return n
}

// Ring returns the ring through points, which are in the system c and have
// passed [CRS.Check].
//
// In a plane system an edge longer than 70 m is divided into equal parts before
// it leaves the plane, because a straight edge there is none in longitude and
// latitude; the two rings beside an edge get the same positions. An open ring is
// closed. A position that equals the one before it is dropped, so that the
// result may have fewer than the four positions of a ring: then it encloses
// nothing. points is not kept.
func (c CRS) Ring(points []XY) Ring {
	if len(points) == 0 {
		return nil
	}
	if c.Geographic() {
		return geographicRing(points)
	}
	ring := make(Ring, 0, c.Positions(points))
	add := func(p XY) {
		v := PositionOf(c.Inverse(p))
		if len(ring) == 0 || ring[len(ring)-1] != v {
			ring = append(ring, v)
		}
	}
	for i, p := range points {
		if i > 0 {
			divide(points[i-1], p, edgeParts(points[i-1], p), add)
		}
		add(p)
	}
	last := points[len(points)-1]
	if last != points[0] {
		divide(last, points[0], edgeParts(last, points[0]), add)
	}
	if ring[0] != ring[len(ring)-1] {
		ring = append(ring, ring[0])
	}
	return ring
}

// geographicRing is [CRS.Ring] for longitude and latitude.
func geographicRing(points []XY) Ring {
	ring := make(Ring, 0, len(points)+1)
	for i, p := range points {
		v := Position{nearest(float64(p.X * Unit)), nearest(float64(p.Y * Unit))}
		if i == 0 || ring[len(ring)-1] != v {
			ring = append(ring, v)
		}
	}
	if ring[0] != ring[len(ring)-1] {
		ring = append(ring, ring[0])
	}
	return ring
}

// nearest rounds f, which an int64 can hold, as [math.Round] does: what truncation
// leaves over is exact, and twice of it is a whole number away from 0 from a half on.
func nearest(f float64) int64 {
	whole := int64(f)
	return whole + int64(2*(f-float64(whole)))
}

// shells returns an empty multipolygon with room for n polygons, and if n is 1 an empty
// polygon with room for one ring in the same piece of memory: such are most parcels.
func shells(n int) (MultiPolygon, Polygon) {
	if n != 1 {
		return make(MultiPolygon, 0, n), nil
	}
	one := new(struct {
		m [1]Polygon
		p [1]Ring
	})
	return one.m[:0], one.p[:0]
}

// firstMisfit returns the first of points that does not pass [CRS.Check], or -1.
func (c CRS) firstMisfit(points []XY) int {
	if c.Geographic() {
		return slices.IndexFunc(points, func(p XY) bool { return !(math.Abs(p.X) <= 180 && math.Abs(p.Y) <= 90) })
	}
	return slices.IndexFunc(points, func(p XY) bool { return c.Check(p) != nil })
}

// MultiPolygon checks polygons, in the system c, and returns them as
// [CRS.Ring] does, in the same order and with the same winding. It returns a
// [*GeometryError] that names the place: of a coordinate that does not pass
// [CRS.Check], or of kind [ErrGeometryLimit] when the result would have more
// than limits.Vertices positions.
func (c CRS) MultiPolygon(polygons [][][]XY, limits Limits) (MultiPolygon, error) {
	left := limits.vertices()
	m, p := shells(len(polygons))
	for i, rings := range polygons {
		if p == nil || len(rings) > cap(p) {
			p = make(Polygon, 0, len(rings))
		}
		for j, points := range rings {
			if k := c.firstMisfit(points); k >= 0 {
				return nil, &GeometryError{Kind: c.Check(points[k]), Place: Place{i + 1, j + 1, k + 1}}
			}
			if left -= c.Positions(points); left < 0 {
				return nil, &GeometryError{
					Kind: ErrGeometryLimit, Place: Place{i + 1, j + 1, 0},
					Found: fmt.Sprintf("more than %d positions", limits.vertices()),
				}
			}
			p = append(p, c.Ring(points))
		}
		m = append(m, p)
		p = nil
	}
	return m, nil
}
