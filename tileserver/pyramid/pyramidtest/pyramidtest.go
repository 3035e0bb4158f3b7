// Package pyramidtest judges tiles that somebody made against the ground they
// were made from. It takes encoded tiles of one layer and one zoom and the
// layer's features; it knows nothing of how tiles are made, and measures them as
// a stranger would who has nothing but the specification of vector tiles.
//
// The truth is the ground counted once: where features of a layer overlap, each
// piece of ground belongs to the feature with the lowest id. Areas are those of
// the ellipsoid of CGCS2000, by formulas that the package has of its own.
//
// Overlaps, gaps and margins are measured in square tile units, unit column by
// unit column. All corners of a tile are integers, so within a column two edges
// meet its sides in the same place or at least 2^-28 apart (see columns): a
// figure of 0 is exact, others are rounded.
//
// The package is for tests and measurements; nothing of the product imports it.
package pyramidtest

import (
	"gengtu/index/geo"
	"gengtu/tileserver/tile"
)

// Feature is one polygon or multipolygon of the input.
type Feature struct {
	// ID is what tiles carry, unique in the layer and not 0.
	ID uint64
	// Class is what merged shapes keep apart, "" for none.
	Class string
	// Geometry is valid: shells counter-clockwise, holes clockwise.
	Geometry geo.MultiPolygon
	// AreaM2 and NetM2 are the figures that a merged shape adds up, in 0.01 m².
	AreaM2, NetM2 int64
}

// Tile is one tile as it was made: a vector tile that is not compressed.
type Tile struct {
	At   tile.Tile
	Data []byte
	// Packed is the size in bytes as it is sent, 0 when it is not known.
	Packed int
}

// Zoom is what [Checker.Zoom] found of the tiles of one zoom.
type Zoom struct {
	// Z is the zoom, Tiles the number of tiles, Parcels that of different ids in
	// them and Merged that of shapes without id.
	Z               uint8
	Tiles           int
	Parcels, Merged int
	// Packed is the sum of the tiles' packed sizes, Largest that of the largest.
	Packed  int64
	Largest int
	// TrueM2 is the ground counted once, DrawnM2 what the features of all tiles
	// show inside the tiles' borders, added up, and UnionM2 the same counted once.
	TrueM2, DrawnM2, UnionM2 float64
	// UnitM2 is the ground of one square tile unit in the middle of the layer.
	UnitM2 float64
	// Classes has the true and the drawn area by class, in m².
	Classes map[string][2]float64
	// WorstTile is the tile of at least 5 % cover whose drawn part is furthest
	// from the true one, WorstRatio drawn through true there, and OffTiles the
	// number of those more than 1 % off.
	WorstTile  tile.Tile
	WorstRatio float64
	OffTiles   int
	// Overlap is the ground that features of a tile cover more than once, once
	// for each time more; Gap what none covers though the input does so, further
	// than the reach from the input's outline; Stray what is drawn further than
	// that from what the input covers. All in square units of the tile.
	Overlap, Gap, Stray float64
	// OverlapTiles, GapTiles and StrayTiles count the tiles that have any.
	OverlapTiles, GapTiles, StrayTiles int
	// OverlapAt, GapAt and TornAt tell where the first of each is: a tile and a
	// place in its units.
	OverlapAt, GapAt, TornAt string
	// Reach is the distance in units that Gap and Stray were looked for beyond.
	Reach float64
	// Margin is how far tiles show beyond their borders, in units; Torn is what
	// they show there that their neighbours do not, or the other way round, in
	// square units, and TornPairs the number of pairs of tiles that have any of
	// Pairs.
	Margin           int
	Torn             float64
	TornPairs, Pairs int
	// Invalid counts tiles that are not valid; Fault is what is wrong with one.
	Invalid int
	Fault   string
	// Count, AreaM2 and NetM2 add up the figures of shapes without id.
	Count         int64
	AreaM2, NetM2 float64
	// WorstParcel is the largest difference of a parcel's drawn area from its own
	// as a share of its perimeter times one unit, WorstID its id; OffParcels
	// counts those above 1, Missing those of more than a square unit that no tile
	// shows. Hidden counts those near ground that is drawn as merged at a zoom of
	// parcels, of which nothing more is asked than of the ground.
	WorstParcel         float64
	WorstID             uint64
	OffParcels, Missing int
	Hidden              int
}
