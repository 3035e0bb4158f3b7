// Package pyramid makes tiles of every zoom from the features of layers. It
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
// Each tile of parcels depends only on the features that reach into it and, where they
// are too many, on those of its neighbours. What a class is to have of a tile of cells
// depends on that tile's ground alone, how a block of them is drawn on the ground beside
// it too; never on how another block is drawn. So tiles can be made in any
// order, by any number of workers, all at once by [Build] or one by one by
// [Make], and are the same bytes.
package pyramid

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"sync"

	"gengtu/index/geo"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// Drawing is the version of the way in which features become tiles. It is raised
// whenever the same features would give other bytes: then tiles of an edition cannot
// be made anew one by one beside those that it has.
const Drawing = 1

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

// Options says how tiles are made. [Make] and [Build] agree about a tile when
// all but MinZoom, MaxZoom, Workers, Covers, Key and Crowding are the same.
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
	// RoundM2 is the step in m² of the areas that a merged shape carries; 0 rounds none.
	RoundM2 float64
	// Workers is the number of goroutines; 0 means one a processor.
	Workers int
	// Covers, which may be nil, know what [BuildAll] gave its [Sink] as the cells of
	// the layer Key. With them, Make reads no features below ParcelZoom.
	Covers *Covers
	Key    string
	// Crowding, which may be nil, tells Make which tiles of parcels hold more than may
	// be sent. [Relieve] does it for what [BuildAll] built.
	Crowding *Crowding
}

// Stats counts what [Build] made.
type Stats struct {
	// Tiles is the number of tiles by zoom.
	Tiles map[uint8]int
	// Bytes is their size before compression.
	Bytes int64
	// Vanished counts parcels in tiles, each once a tile, that are thinner than
	// the tile's unit and so not in it as themselves. Their ground has gone to
	// the neighbours that they share borders with, or to squares of one unit.
	Vanished int
}

// Build makes every tile of zooms [MinZoom, MaxZoom] of one layer in one grid that
// is not empty and hands each to put: a vector tile, not compressed. put is called
// by one goroutine at a time, in an order that depends on the workers, and may keep
// data; its first error ends the work. So does an error of s, and the end of ctx,
// whose error is then returned. [BuildAll] does more at once.
func Build(ctx context.Context, g tile.Grid, s Source, opt Options, put func(t tile.Tile, data []byte) error) (Stats, error) {
	if opt.MinZoom > opt.MaxZoom || opt.MinZoom < int(g.MinZoom()) || opt.MaxZoom > tile.MaxZoom {
		return Stats{}, fmt.Errorf("zooms %d to %d: grid %s has zooms in [%d, %d]", opt.MinZoom, opt.MaxZoom, g, g.MinZoom(), tile.MaxZoom)
	}
	return BuildAll(ctx, Plan{
		Works: []Work{{Source: s, Layers: []Layer{opt.layer(s)}}}, Grids: []tile.Grid{g},
		MinZoom: opt.MinZoom, MaxZoom: opt.MaxZoom, Workers: opt.Workers,
	}, &putter{put: put, cells: map[tile.Tile][]byte{}})
}

func (o Options) layer(s Source) Layer {
	return Layer{Key: o.Key, Name: s.Name(), ParcelZoom: o.ParcelZoom, ClassKey: o.ClassKey, RoundM2: o.RoundM2}
}

// putter is the sink of one layer in memory.
type putter struct {
	mu    sync.Mutex
	put   func(t tile.Tile, data []byte) error
	cells map[tile.Tile][]byte
}

func (p *putter) PutTile(_ string, t tile.Tile, data []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.put(t, bytes.Clone(data))
}

func (p *putter) PutCells(_ string, t tile.Tile, data []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cells[t] = data
	return nil
}

func (p *putter) Cells(_ string, t tile.Tile) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cells[t], nil
}

// Make makes one tile, of any zoom, as [BuildAll] does: equal bytes. It returns nil
// for an empty tile. Below ParcelZoom it reads the cells of nine tiles; without
// [Options.Covers] every feature in and around the tile, so that low zooms are
// better built then than made while somebody waits.
func Make(ctx context.Context, s Source, t tile.Tile, opt Options) ([]byte, error) {
	if _, err := tile.New(t.Grid, t.Z, t.X, t.Y); err != nil {
		return nil, err
	}
	d := desks.Get().(*desk)
	data, err := makeOne(ctx, d, s, t, opt)
	if err == nil {
		desks.Put(d) // not after an error or a panic, which leaves what is half done on it
	}
	return data, err
}

func makeOne(ctx context.Context, d *desk, s Source, t tile.Tile, opt Options) ([]byte, error) {
	var data []byte
	sink := &putter{cells: map[tile.Tile][]byte{}, put: func(_ tile.Tile, d []byte) error { data = d; return nil }}
	b := &builder{plan: &Plan{Workers: 1, MemoryBytes: math.MaxInt64, Cells: CellsAll}, sink: sink, stats: Stats{Tiles: map[uint8]int{}}}
	m := newMaker(opt.layer(s), t.Grid, int(t.Z), int(t.Z))
	m.bit = 1
	if int(t.Z) > m.base() && opt.Crowding != nil {
		err := b.makeCrowded(ctx, d, readerOf(s), spotted{m, t}, opt.Crowding)
		return data, err
	}
	if int(t.Z) > m.base() {
		err := b.run(ctx, d, &job{source: readerOf(s), makers: []*maker{m}, tiles: []tile.Tile{t}})
		return data, err
	}
	covers := opt.Covers
	if covers == nil {
		if err := b.cellsAround(ctx, d, readerOf(s), spotted{m, t}); err != nil {
			return nil, err
		}
		covers = NewCovers(DefaultMemoryBytes/4, sink.Cells)
	}
	err := b.drawCells(d, covers, spotted{m, t})
	return data, err
}

// cellsAround finds the cells of a tile and its neighbours from features.
func (b *builder) cellsAround(ctx context.Context, d *desk, s Reader, at spotted) error {
	var find func(t tile.Tile) error
	find = func(t tile.Tile) error {
		switch {
		case !anyIn(s, t):
			return nil
		case int(t.Z) == at.m.base():
			return b.run(ctx, d, &job{source: s, makers: []*maker{at.m}, tiles: []tile.Tile{t}})
		}
		for _, c := range t.Children() {
			if err := find(c); err != nil {
				return err
			}
		}
		c, err := b.sumCells(spotted{at.m, t})
		if err != nil {
			return err
		}
		return b.putCells(at.m, t, c)
	}
	for i := range 9 {
		if t, ok := beside(at.t, i%3-1, i/3-1); ok {
			if err := find(t); err != nil {
				return err
			}
		}
	}
	return nil
}
