// Package pyramid makes tiles of every zoom from the features of one layer. It
// takes polygons on the ground and gives encoded vector tiles; it knows no file
// and no server.
//
// The map does not lie: at every zoom the drawn area of a layer is its true
// area, and nothing is dropped or doubled. From [Options.ParcelZoom] on parcels
// are drawn as themselves, and what shares a border in the input shares it in
// the tile. Below, where parcels are too small to be hit, the ground they cover
// is summed exactly in a grid of cells and drawn as whole cells, as many as the
// area asks for, with one shape for each class that carries what it stands for.
//
// Each tile depends only on the features that reach into it, and each decision
// about cells only on a block of 64 by 64 of them. So tiles can be made in any
// order, by any number of workers, all at once by [Build] or one by one by
// [Make], and are the same bytes.
package pyramid

import (
	"context"
	"fmt"
	"runtime"

	"gengtu/index/geo"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// Feature is one polygon or multipolygon of a layer, as a tile may show it.
type Feature struct {
	// ID is the feature's id, in [1, 2^53), or 0 for none.
	ID uint64
	// Geometry is valid: shells counter-clockwise, holes clockwise, no crossings.
	Geometry geo.MultiPolygon
	// Class is the value that shapes merged at low zooms keep apart, "" for none.
	Class string
	// Tags are the attributes that a tile may carry; they are not changed.
	Tags []mvt.Tag
	// AreaM2 and NetM2 are what count into a merged shape's area_m2 and net_m2,
	// each rounded to 0.01 m². NaN: there is none.
	AreaM2, NetM2 float64
	// Alone tells that the feature is known to share no ground with another of its
	// layer. It saves work, and makes no difference to tiles.
	Alone bool
}

// Source is a layer's features. Its methods may be called by several goroutines.
type Source interface {
	// Name is the layer's name in tiles.
	Name() string
	// Len is the number of features; they are numbered from 0.
	Len() int
	// Extent is the box around all features.
	Extent() geo.Box
	// Search calls visit with the number of every feature whose box meets b,
	// once each and in any order, and maybe of others, until visit returns false.
	Search(b geo.Box, visit func(i int) bool)
	// Feature reads feature i. The feature may be kept and is not changed.
	Feature(i int) (Feature, error)
}

// DefaultParcelZoom is the zoom from which parcels are drawn as themselves when
// the options name none: a field of 100 m by 100 m is 10 pixels wide there (at
// 512 pixels a tile), so that a click can hit it. Both grids have the same
// columns, so the zoom is the same in both.
const DefaultParcelZoom = 13

// ParcelsAlways is the [Options.ParcelZoom] that draws features as themselves at every
// zoom: for layers of few and large shapes, such as places.
const ParcelsAlways = -1

// DefaultMaxTileBytes is the size of the largest tile of one layer, before
// compression: about 500,000 bytes of gzip.
const DefaultMaxTileBytes = 2 << 20

// maxTileVertices bounds the vertices that one tile is made from; a tile with
// more is merged without trying.
const maxTileVertices = 1 << 20

// Options says how tiles are made. [Make] and [Build] agree about a tile when
// all but MinZoom, MaxZoom and Workers are the same.
type Options struct {
	// MinZoom and MaxZoom are the zooms that Build makes, both included. Make
	// does not look at them.
	MinZoom, MaxZoom int
	// ParcelZoom is the first zoom at which features are drawn as themselves;
	// 0 means [DefaultParcelZoom], see [ParcelsAlways].
	ParcelZoom int
	// ClassKey is the key under which a merged shape carries its class; with ""
	// classes are kept apart but not named.
	ClassKey string
	// Workers is the number of goroutines; 0 means one a processor.
	Workers int
	// MaxTileBytes bounds a tile before compression; 0 means
	// [DefaultMaxTileBytes]. A tile of parcels that is larger is drawn merged, as
	// at lower zooms; one of cells is bounded by the number of cells.
	MaxTileBytes int
}

// Stats counts what [Build] made.
type Stats struct {
	// Tiles is the number of tiles by zoom.
	Tiles map[uint8]int
	// Bytes is their size before compression.
	Bytes int64
	// Merged counts tiles at parcel zooms that were drawn merged because they
	// were too large.
	Merged int
	// Vanished counts parcels in tiles, each once a tile, that are thinner than
	// the tile's unit and so not in it as themselves. Their ground has gone to
	// the neighbours that they share borders with, or to squares of one unit.
	Vanished int
}

// Build makes every tile of zooms [MinZoom, MaxZoom] that is not empty and hands
// each to put: a vector tile of the one layer, not compressed. put is called by
// one goroutine at a time, in an order that depends on the workers, and may keep
// data; its first error ends the work. So does an error of s, and the end of
// ctx, whose error is then returned.
//
// Memory holds the features of one tile of zoom ParcelZoom-1 (of MinZoom, when
// that is larger) for each worker, and cells where there are features.
func Build(ctx context.Context, g tile.Grid, s Source, opt Options, put func(t tile.Tile, data []byte) error) (Stats, error) {
	opt = opt.filled(g)
	if opt.MinZoom > opt.MaxZoom || opt.MinZoom < int(g.MinZoom()) || opt.MaxZoom > tile.MaxZoom {
		return Stats{}, fmt.Errorf("zooms %d to %d: grid %s has zooms in [%d, %d]", opt.MinZoom, opt.MaxZoom, g, g.MinZoom(), tile.MaxZoom)
	}
	w := &walk{grid: g, source: s, opt: opt, put: put, stats: Stats{Tiles: map[uint8]int{}}}
	err := w.build(ctx)
	return w.stats, err
}

// Make makes one tile, of any zoom, as [Build] does: equal bytes. It returns nil
// for an empty tile. Below ParcelZoom it reads every feature in the tile, so that
// tiles of low zooms are better built than made while somebody waits.
func Make(ctx context.Context, s Source, t tile.Tile, opt Options) ([]byte, error) {
	if _, err := tile.New(t.Grid, t.Z, t.X, t.Y); err != nil {
		return nil, err
	}
	opt.MinZoom, opt.MaxZoom = int(t.Z), int(t.Z)
	opt = opt.filled(t.Grid)
	var data []byte
	w := &walk{grid: t.Grid, source: s, opt: opt, cells: map[tile.Tile]*cover{}, stats: Stats{Tiles: map[uint8]int{}}}
	w.put = func(_ tile.Tile, d []byte) error { data = d; return nil }
	err := w.subtree(ctx, t)
	return data, err
}

// filled returns o with its defaults.
func (o Options) filled(g tile.Grid) Options {
	if o.ParcelZoom == 0 {
		o.ParcelZoom = DefaultParcelZoom
	}
	// The lowest zoom has no cells to sum: it may be drawn as parcels only.
	if o.ParcelZoom <= int(g.MinZoom()) {
		o.ParcelZoom = int(g.MinZoom())
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.MaxTileBytes <= 0 {
		o.MaxTileBytes = DefaultMaxTileBytes
	}
	return o
}
