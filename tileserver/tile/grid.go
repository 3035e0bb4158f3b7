package tile

import (
	"fmt"
	"math"

	"gengtu/index/geo"
)

// Grid is a way of cutting the earth into tiles. The zero value is no grid:
// its name is "", it has no zoom, and [New] refuses it.
type Grid uint8

const (
	// W is Web Mercator (EPSG:3857) in XYZ numbering: 2^z by 2^z tiles from
	// zoom 0, row 0 at latitude +[MaxLat].
	W Grid = 1 + iota
	// C is CGCS2000 longitude and latitude (EPSG:4490) as Tianditu cuts it:
	// 2^z by 2^(z-1) tiles from zoom 1, row 0 at latitude +90°.
	C
)

// Grids returns all grids, in the order in which they are offered.
func Grids() []Grid { return []Grid{C, W} }

// ParseGrid returns the grid named s, "w" or "c" in lower case; any other name
// wraps [ErrGrid].
func ParseGrid(s string) (Grid, error) {
	for _, g := range Grids() {
		if s == g.String() {
			return g, nil
		}
	}
	return 0, fmt.Errorf("%w: %.20q, the grids are w and c", ErrGrid, s)
}

// String returns the name of g in addresses and in tile matrix sets: "w", "c",
// or "" when there is no such grid.
func (g Grid) String() string {
	switch g {
	case W:
		return "w"
	case C:
		return "c"
	default:
		return ""
	}
}

func (g Grid) valid() bool { return g == W || g == C }

// MinZoom returns the lowest zoom: 0 in w, 1 in c, whose two squares side by
// side have no common parent.
func (g Grid) MinZoom() uint8 {
	if g == C {
		return 1
	}
	return 0
}

// Size returns how many columns and rows g has at zoom z, or zeros when it has
// no such zoom.
func (g Grid) Size(z uint8) (cols, rows uint32) {
	if !g.valid() || z < g.MinZoom() || z > MaxZoom {
		return 0, 0
	}
	if g == C {
		return 1 << z, 1 << (z - 1)
	}
	return 1 << z, 1 << z
}

// EPSG returns the number of g's coordinate system: 3857 for w, 4490 for c, 0
// when there is no such grid.
func (g Grid) EPSG() int {
	switch g {
	case W:
		return 3857
	case C:
		return 4490
	default:
		return 0
	}
}

// CRS returns g's coordinate system as OGC documents name it:
// "urn:ogc:def:crs:EPSG::4490".
func (g Grid) CRS() string { return fmt.Sprintf("urn:ogc:def:crs:EPSG::%d", g.EPSG()) }

// TopLeftCorner returns the north-west corner of g as WMTS writes it: in the
// axis order of the coordinate system's definition, so latitude first, in
// degrees, for c, and easting first, in metres, for w.
func (g Grid) TopLeftCorner() string {
	switch g {
	case W:
		return "-20037508.3427892 20037508.3427892"
	case C:
		return "90 -180"
	default:
		return ""
	}
}

// semiMajorM is the semi-major axis in metres of CGCS2000 and WGS 84 alike,
// which Web Mercator takes as the radius of its sphere.
const semiMajorM = 6378137

// Resolution returns the edge of one of [PixelsPerTile] pixels at zoom z: in
// degrees for c; for w in metres of the projection, which are metres of ground
// at the equator only.
func (g Grid) Resolution(z uint8) float64 {
	if g == C {
		return 360.0 / PixelsPerTile * Span(z)
	}
	return 2 * math.Pi * semiMajorM / PixelsPerTile * Span(z)
}

// ScaleDenominator returns that of zoom z for pixels of 0.28 mm, as WMTS
// 07-057r7 clause 6.1 defines it. It is the same in both grids, because a
// degree is counted there as 2π·6378137/360 m.
func ScaleDenominator(z uint8) float64 {
	return 2 * math.Pi * semiMajorM / PixelsPerTile / 0.00028 * Span(z)
}

// ScaleDenominator96 returns that of zoom z for pixels of 1/96 inch, which
// Tianditu's own capabilities print in place of [ScaleDenominator].
func ScaleDenominator96(z uint8) float64 {
	return 2 * math.Pi * semiMajorM / PixelsPerTile * 96 / 0.0254 * Span(z)
}

// At returns the tile of zoom z that holds p. A p outside the grid is given to
// the nearest tile; so is one beyond ±[MaxLat] in w. When g has no zoom z the
// tile is the zero value.
func (g Grid) At(p geo.Position, z uint8) Tile {
	cols, rows := g.Size(z)
	if cols == 0 {
		return Tile{}
	}
	f := g.Fix(p)
	return Tile{g, z, index(f.X, z, cols), index(f.Y, z, rows)}
}

// index returns which of n squares of zoom z holds the fixed coordinate v.
func index(v int64, z uint8, n uint32) uint32 {
	return uint32(max(0, min(v>>(FixedBits-z), int64(n)-1)))
}

// Range returns the first and last column and row of zoom z that share ground
// with b, both inclusive and inside the matrix; what of b lies outside the
// matrix is given to the nearest tile.
//
// A tile that b only touches does not count, and neither does one that shares
// a strip of no more than one unit of [geo.Position] with b, which is what the
// rounding of [Tile.Box] can add: the range of a tile's box is the tile. When b
// is empty or g has no zoom z the range is 1, 1, 0, 0, over which a loop from
// first to last does not run.
func (g Grid) Range(b geo.Box, z uint8) (x0, y0, x1, y1 uint32) {
	if cols, _ := g.Size(z); cols == 0 || b.Empty() {
		return 1, 1, 0, 0
	}
	if b.Max.Lon-b.Min.Lon > 2 {
		b.Min.Lon++
		b.Max.Lon--
	}
	if b.Max.Lat-b.Min.Lat > 2 {
		b.Min.Lat++
		b.Max.Lat--
	}
	nw := g.At(geo.Position{Lon: b.Min.Lon, Lat: b.Max.Lat}, z)
	se := g.At(geo.Position{Lon: b.Max.Lon, Lat: b.Min.Lat}, z)
	return nw.X, nw.Y, se.X, se.Y
}
