// Package tile numbers the squares that the map is cut into, in the two grids
// that gengtu serves: w, Web Mercator as every web map has it, and c, plain
// CGCS2000 longitude and latitude as Tianditu has it.
//
// Positions go in and tiles come out, or the other way round, through [World],
// a plane in which the whole earth is one unit wide in either grid. Both grids
// are quadtrees: a tile of zoom z has four children at zoom z+1, and c and w
// share their columns. A tile is half-open: its west and north borders belong
// to it, its east and south borders to its neighbours.
//
// The package knows nothing of layers, of pixels' contents or of protocols.
package tile

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"gengtu/index/geo"
)

// The reasons for which a tile address is refused. [ErrZoom] wraps [ErrRange].
var (
	// ErrGrid means a grid that does not exist.
	ErrGrid = errors.New("no such grid")
	// ErrRange means a zoom, column or row outside the grid.
	ErrRange = errors.New("tile out of range")
	// ErrZoom means a zoom that the grid does not have.
	ErrZoom = fmt.Errorf("%w: no such zoom", ErrRange)
	// ErrSyntax means a path element that is no number as addresses write it.
	ErrSyntax = errors.New("not a tile number")
)

// MaxZoom is the deepest zoom of both grids: two zooms below Tianditu's 18, so
// that pictures of twice the density exist for it too. A column of it takes 20
// bits.
const MaxZoom = 20

// PixelsPerTile is the edge of a tile in pixels, from which resolutions and
// scale denominators are counted.
const PixelsPerTile = 256

// Tile is one square of a grid.
//
// X counts columns east from the antimeridian, in [0, cols), and Y counts rows
// south from the grid's top, in [0, rows), where cols and rows are those of
// [Grid.Size]. A Tile made otherwise than by [New], [Parse], [Grid.At] or from
// another Tile may be outside its grid; the zero value is, having no grid.
type Tile struct {
	Grid Grid
	Z    uint8
	X, Y uint32
}

// New returns the tile z/x/y of g. The error wraps [ErrGrid] when g does not
// exist, [ErrZoom] (and so [ErrRange]) when g has no zoom z, and [ErrRange]
// when x or y is outside the matrix.
func New(g Grid, z uint8, x, y uint32) (Tile, error) {
	if !g.valid() {
		return Tile{}, fmt.Errorf("%w: %d", ErrGrid, uint8(g))
	}
	if z < g.MinZoom() || z > MaxZoom {
		return Tile{}, fmt.Errorf("%w: %d, grid %s has zooms in [%d, %d]", ErrZoom, z, g, g.MinZoom(), MaxZoom)
	}
	cols, rows := g.Size(z)
	if x >= cols || y >= rows {
		return Tile{}, fmt.Errorf("%w: %s/%d/%d/%d, x lies in [0, %d] and y in [0, %d]",
			ErrRange, g, z, x, y, cols-1, rows-1)
	}
	return Tile{g, z, x, y}, nil
}

// Parse returns the tile of g whose address has the path elements z, x and y.
// Each is a number as [ParseNumber] reads it, so that a tile has one address.
// Errors are those of [New] and [ParseNumber].
func Parse(g Grid, z, x, y string) (Tile, error) {
	zoom, err := ParseZoom(z)
	if err != nil {
		return Tile{}, err
	}
	col, err := ParseNumber(x)
	if err != nil {
		return Tile{}, fmt.Errorf("x: %w", err)
	}
	row, err := ParseNumber(y)
	if err != nil {
		return Tile{}, fmt.Errorf("y: %w", err)
	}
	return New(g, zoom, col, row)
}

// ParseZoom reads a zoom, written as [ParseNumber] asks. A number above
// [MaxZoom] wraps [ErrZoom]; whether a grid has the zoom is asked of [New].
func ParseZoom(s string) (uint8, error) {
	n, err := ParseNumber(s)
	if errors.Is(err, ErrRange) || err == nil && n > MaxZoom {
		return 0, fmt.Errorf("%w: %s, zooms end at %d", ErrZoom, s, MaxZoom)
	}
	if err != nil {
		return 0, fmt.Errorf("z: %w", err)
	}
	return uint8(n), nil
}

// ParseNumber reads a column, row or zoom as addresses write it: decimal
// digits alone, without sign, space or leading zero. Anything else wraps
// [ErrSyntax]; a number of 2^32 or more wraps [ErrRange].
func ParseNumber(s string) (uint32, error) {
	// longest is the most that a message repeats of a wrong element.
	const longest = 20
	shown := s
	if len(shown) > longest {
		shown = shown[:longest] + "..."
	}
	if s == "" || s[0] == '0' && len(s) > 1 || strings.Trim(s, "0123456789") != "" {
		return 0, fmt.Errorf("%w: %q", ErrSyntax, shown)
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%w: %s", ErrRange, shown)
	}
	return uint32(n), nil
}

// String returns t as grid/z/x/y: "c/14/12889/2475".
func (t Tile) String() string {
	return fmt.Sprintf("%s/%d/%d/%d", t.Grid, t.Z, t.X, t.Y)
}

// Origin returns t's north-west corner, exactly. Its opposite corner is one
// [Span] of t's zoom further in x and in y.
func (t Tile) Origin() World {
	s := Span(t.Z)
	return World{float64(t.X) * s, float64(t.Y) * s}
}

// Box returns the ground under t, each corner rounded to the nearest position,
// so that neighbours share their border exactly. In w the outermost rows end at
// ±[MaxLat].
func (t Tile) Box() geo.Box {
	s := Span(t.Z)
	nw := geo.PositionOf(t.Grid.Unproject(t.Origin()))
	se := geo.PositionOf(t.Grid.Unproject(World{float64(t.X+1) * s, float64(t.Y+1) * s}))
	return geo.Box{
		Min: geo.Position{Lon: nw.Lon, Lat: se.Lat},
		Max: geo.Position{Lon: se.Lon, Lat: nw.Lat},
	}
}

// Parent returns the tile one zoom up that t is a quarter of, or false when t
// is at its grid's lowest zoom.
func (t Tile) Parent() (Tile, bool) {
	if t.Z <= t.Grid.MinZoom() {
		return Tile{}, false
	}
	return Tile{t.Grid, t.Z - 1, t.X / 2, t.Y / 2}, true
}

// Children returns the four quarters of t one zoom down: north-west,
// north-east, south-west, south-east. Those of a tile of [MaxZoom] are outside
// the grid.
func (t Tile) Children() [4]Tile {
	x, y := 2*t.X, 2*t.Y
	return [4]Tile{
		{t.Grid, t.Z + 1, x, y}, {t.Grid, t.Z + 1, x + 1, y},
		{t.Grid, t.Z + 1, x, y + 1}, {t.Grid, t.Z + 1, x + 1, y + 1},
	}
}
