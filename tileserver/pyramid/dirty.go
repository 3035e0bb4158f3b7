package pyramid

import (
	"cmp"
	"math"
	"slices"

	"gengtu/index/geo"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// How far beyond its border the ground is that a tile's bytes can depend on, in
// units of the tile, with two units for roundings: at parcel zooms the margin that it
// shows and a block of the global grid; below, where what is drawn of a tile is
// allotted over all of it and the tile shows a margin of its neighbours, the whole of
// these.
const (
	parcelReach = mvt.Extent/tileBlocks + marginUnits + 2
	cellReach   = mvt.Extent + 2
)

// coverReach is how far beyond a tile the features are that its cells can depend on:
// they are counted from what lies on the tile itself.
const coverReach = 2

// Dirty returns the tiles of zoom z, of a layer with that parcel zoom, that may be
// others when what lies in boxes has changed, where boxes hold the features that
// were and those that are: each once, by column and row. All other tiles keep their
// bytes. METHOD.md says why.
func Dirty(g tile.Grid, z uint8, parcelZoom int, boxes []geo.Box) []tile.Tile {
	if int(z) < parcelZoom {
		return reached(g, z, cellReach, boxes)
	}
	return reached(g, z, parcelReach, boxes)
}

// reached returns the tiles of zoom z that one of boxes, grown by so many units,
// comes to.
func reached(g tile.Grid, z uint8, units int, boxes []geo.Box) []tile.Tile {
	cols, rows := g.Size(z)
	if cols == 0 {
		return nil
	}
	at := func(v float64, n uint32) uint32 { return uint32(max(0, min(math.Floor(v), float64(n-1)))) }
	scale, reach := math.Ldexp(1, int(z)), float64(units)/mvt.Extent
	seen := map[tile.Tile]bool{}
	for _, b := range boxes {
		if b.Empty() {
			continue
		}
		nw := g.Project(geo.Position{Lon: b.Min.Lon, Lat: b.Max.Lat})
		se := g.Project(geo.Position{Lon: b.Max.Lon, Lat: b.Min.Lat})
		x0, x1 := at(nw.X*scale-reach, cols), at(se.X*scale+reach, cols)
		y0, y1 := at(nw.Y*scale-reach, rows), at(se.Y*scale+reach, rows)
		for y := y0; y <= y1; y++ {
			for x := x0; x <= x1; x++ {
				seen[tile.Tile{Grid: g, Z: z, X: x, Y: y}] = true
			}
		}
	}
	out := make([]tile.Tile, 0, len(seen))
	for t := range seen {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b tile.Tile) int { return cmp.Or(cmp.Compare(a.X, b.X), cmp.Compare(a.Y, b.Y)) })
	return out
}
