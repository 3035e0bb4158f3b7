package archive

import "gengtu/tileserver/tile"

// TileID returns the number of a tile of grid w in a PMTiles archive (version 3,
// clause 4.1.1): zoom by zoom from 0, and within a zoom along a Hilbert curve
// that begins in the north-west and ends in the north-east.
func TileID(t tile.Tile) uint64 {
	id := (uint64(1)<<(2*t.Z) - 1) / 3 // the tiles of all zooms before: 1 + 4 + 16 + …
	x, y := t.X, t.Y
	var d uint64
	// From the largest quarters to the smallest: which quarter the tile lies in,
	// in the order of the curve, and how the curve lies inside it.
	for side := uint32(1) << t.Z >> 1; side > 0; side >>= 1 {
		east, south := x&side != 0, y&side != 0
		x, y = x&(side-1), y&(side-1)
		d <<= 2
		switch {
		case !east && !south:
			x, y = y, x
		case !east && south:
			d |= 1
		case east && south:
			d |= 2
		default:
			d |= 3
			x, y = side-1-y, side-1-x
		}
	}
	return id + d
}

// TileOf is the inverse of [TileID] for the numbers of zooms up to
// [tile.MaxZoom]; of other numbers it returns false.
func TileOf(id uint64) (tile.Tile, bool) {
	z := uint8(0)
	for n := uint64(1); id >= n; n *= 4 {
		id -= n
		if z++; z > tile.MaxZoom {
			return tile.Tile{}, false
		}
	}
	x, y := uint32(0), uint32(0)
	// From the smallest quarters to the largest, undoing what TileID does.
	for side := uint32(1); side < 1<<z; side, id = side<<1, id>>2 {
		switch id & 3 {
		case 0:
			x, y = y, x
		case 1:
			y += side
		case 2:
			x, y = x+side, y+side
		case 3:
			x, y = side-1-y+side, side-1-x
		}
	}
	return tile.Tile{Grid: tile.W, Z: z, X: x, Y: y}, true
}
