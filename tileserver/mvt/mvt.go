// Package mvt turns one tile's features into the bytes of a Mapbox Vector Tile
// 2.1 and back. It is pure: the same layer gives the same bytes.
//
// A tile is a sequence of layer messages, so tiles of single layers may be
// joined by joining their bytes.
//
// Encoder and decoder are our own, and orb's decoder gives a second opinion in
// [Validate]. Orb takes floating point geometry and a map of properties for each
// feature, reads every id and integer as float64, passes over tags that point
// nowhere, and does not look at versions, winding or ClosePath. On 1,000 parcels
// of 30 corners and 6 fields (2 cores, Go 1.26) BenchmarkAppend takes 0.55 ms
// and no allocation where orb's encoder takes 2.6 ms and 1.7 MB, BenchmarkDecode
// 1.9 ms where its decoder takes 2.4 ms. Where both can say the same, the bytes
// are the same.
package mvt

// Extent is the width and height of a tile in tile units.
const Extent = 4096

// Point is a place in a tile, in tile units: X grows east and Y grows south,
// both 0 at the tile's north-west corner. Values outside [0, Extent] lie in the
// tile's margin.
type Point struct {
	X, Y int32
}

// Ring is an open list of at least three points; the last is joined to the
// first. With Y growing south, a shell has positive area by the surveyor's
// formula (clockwise on the screen), a hole negative.
type Ring []Point

// Polygon is a shell followed by its holes.
type Polygon []Ring

// Tag is one attribute: Value is a string, int64, float64 or bool.
type Tag struct {
	Key   string
	Value any
}

// Feature is a polygon or multipolygon of a layer. ID 0 means that it has none. Its
// attributes are Row's and then Tags; a decoded one has Tags alone.
type Feature struct {
	ID       uint64
	Row      Row
	Tags     []Tag
	Polygons []Polygon
}

// Layer is a named list of features, in drawing order.
type Layer struct {
	Name     string
	Features []Feature
}
