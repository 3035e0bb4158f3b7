// Package geo holds places on the ground: positions and polygons in CGCS2000,
// boxes, the coordinate systems that deliveries come in, and the survey's
// ellipsoidal area.
//
// Everything inside gengtu is CGCS2000 longitude, latitude (EPSG:4490) in
// integers of 1e-10 degree, [Position]. Floating point degrees, [LonLat], and
// plane coordinates, [XY], occur only where data come in, go out or are
// measured. Longitude and easting always stand before latitude and northing.
//
// The package imports nothing of ours and knows no layer, field or file.
package geo

import "math"

// Unit is the number of [Position] units in one degree. One unit is 0.011 mm
// along a meridian, so that plane coordinates on the survey's grid of 0.1 mm
// come back exactly.
const Unit = 1e10

// Position is a place in CGCS2000 (EPSG:4490), longitude then latitude, in
// units of 1e-10 degree. Lon lies in [-180e10, 180e10], Lat in [-90e10, 90e10].
type Position struct {
	Lon, Lat int64
}

// LonLat is a place in CGCS2000 (EPSG:4490) in degrees.
type LonLat struct {
	Lon, Lat float64
}

// XY is a place in the coordinate system that stands beside it: easting and
// northing in metres, or longitude and latitude in degrees. X is always the
// easting or longitude, whatever order the system's definition gives.
type XY struct {
	X, Y float64
}

// PositionOf rounds p to the nearest [Position], halves away from zero.
func PositionOf(p LonLat) Position {
	return Position{int64(math.Round(p.Lon * Unit)), int64(math.Round(p.Lat * Unit))}
}

// LonLat returns p in degrees; the value nearest to p that a float64 can hold.
func (p Position) LonLat() LonLat {
	return LonLat{float64(p.Lon) / Unit, float64(p.Lat) / Unit}
}

// Ring is a closed line: the first position is repeated at the end, so a ring
// has at least four positions. A ring of a stored feature runs counter-clockwise
// when it is a shell and clockwise when it is a hole.
type Ring []Position

// Polygon is a shell followed by its holes.
type Polygon []Ring

// MultiPolygon is a set of polygons; nil is the empty area.
type MultiPolygon []Polygon

// Vertices counts the positions of m, each ring's repeated one included.
func (m MultiPolygon) Vertices() int {
	n := 0
	for _, p := range m {
		for _, r := range p {
			n += len(r)
		}
	}
	return n
}

// Box returns the smallest box around m, or the empty box when m has no
// position.
func (m MultiPolygon) Box() Box {
	b := EmptyBox()
	for _, p := range m {
		for _, r := range p {
			for _, v := range r {
				b.Extend(v)
			}
		}
	}
	return b
}

// Box is a closed rectangle of longitude and latitude. It is empty when Min
// lies beyond Max in either axis. Boxes never cross the antimeridian.
type Box struct {
	Min, Max Position
}

// EmptyBox returns the box that holds nothing and that [Box.Extend] may start from.
func EmptyBox() Box {
	return Box{
		Min: Position{math.MaxInt64, math.MaxInt64},
		Max: Position{math.MinInt64, math.MinInt64},
	}
}

// Empty tells whether b holds no position.
func (b Box) Empty() bool {
	return b.Min.Lon > b.Max.Lon || b.Min.Lat > b.Max.Lat
}

// Extend grows b until it holds p.
func (b *Box) Extend(p Position) {
	b.Min.Lon, b.Min.Lat = min(b.Min.Lon, p.Lon), min(b.Min.Lat, p.Lat)
	b.Max.Lon, b.Max.Lat = max(b.Max.Lon, p.Lon), max(b.Max.Lat, p.Lat)
}

// Union returns the smallest box that holds b and c; empty boxes add nothing.
func (b Box) Union(c Box) Box {
	if c.Empty() {
		return b
	}
	b.Extend(c.Min)
	b.Extend(c.Max)
	return b
}

// Intersects tells whether b and c share a position; a shared border counts.
func (b Box) Intersects(c Box) bool {
	return b.Min.Lon <= c.Max.Lon && c.Min.Lon <= b.Max.Lon &&
		b.Min.Lat <= c.Max.Lat && c.Min.Lat <= b.Max.Lat
}

// Contains tells whether every position of c lies in b; an empty c does.
func (b Box) Contains(c Box) bool {
	return c.Empty() || b.Min.Lon <= c.Min.Lon && c.Max.Lon <= b.Max.Lon &&
		b.Min.Lat <= c.Min.Lat && c.Max.Lat <= b.Max.Lat
}

// Polygon returns b as a shell of five positions, counter-clockwise.
func (b Box) Polygon() Polygon {
	return Polygon{Ring{
		b.Min, {b.Max.Lon, b.Min.Lat}, b.Max, {b.Min.Lon, b.Max.Lat}, b.Min,
	}}
}
