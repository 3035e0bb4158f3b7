package pyramid

import (
	"cmp"
	"slices"

	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// along returns how far along Hilbert's curve the square x, y lies of one of 2^bits
// squares a side.
func along(bits int, x, y uint32) uint64 {
	d := uint64(0)
	for s := uint32(1) << (bits - 1); s > 0; s /= 2 {
		rx, ry := x&s != 0, y&s != 0
		quarter := uint64(0)
		switch {
		case rx && !ry:
			quarter = 3
		case rx && ry:
			quarter = 2
		case ry:
			quarter = 1
		}
		d = d<<2 | quarter
		if !ry {
			if rx {
				x, y = ^x, ^y
			}
			x, y = y, x
		}
	}
	return d
}

// alongTiles orders tiles of one zoom along Hilbert's curve.
func alongTiles(a, b tile.Tile) int {
	return cmp.Or(cmp.Compare(a.Z, b.Z), cmp.Compare(along(32, a.X, a.Y), along(32, b.X, b.Y)), cmp.Compare(a.Grid, b.Grid))
}

// orderBits is that of the squares of one unit in a tile and its margin.
const orderBits = 13

// spaceOrder puts the features of one tile after another into order.
type spaceOrder struct {
	keys []uint64
	out  []mvt.Feature
}

// order returns features along Hilbert's curve, by a corner of each: neighbours have
// like numbers, names and places, so that a tile compresses better than by id. Of
// features that begin in one unit the order stays. The result is valid until the
// next call.
func (o *spaceOrder) order(features []mvt.Feature) []mvt.Feature {
	o.keys = o.keys[:0]
	for i := range features {
		p := features[i].Polygons[0][0][0]
		x, y := max(0, p.X+marginUnits), max(0, p.Y+marginUnits)
		o.keys = append(o.keys, along(orderBits, uint32(x), uint32(y))<<32|uint64(i))
	}
	slices.Sort(o.keys)
	o.out = o.out[:0]
	for _, k := range o.keys {
		o.out = append(o.out, features[uint32(k)])
	}
	return o.out
}
