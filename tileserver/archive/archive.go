// Package archive writes the tiles of an edition to one file that other programs
// read: PMTiles version 3 and MBTiles 1.3. Finished tiles go in, packed by gzip,
// in the order of [TileID]; nothing is compressed again, and equal tiles are
// stored once.
//
// Both formats number tiles as Web Mercator does, so only the grid w has a place
// in them. Equal tiles and an equal [Info] give equal bytes. Memory holds the
// directory, some 32 bytes an entry and 64 a content, and never the tiles.
//
// The package does not make tiles, read editions or name files: who calls it
// says what is written where, and removes what an error left behind.
package archive

import (
	"errors"
	"fmt"

	"gengtu/index/geo"
	"gengtu/tileserver/tile"
)

// Generator is what archives name as the program that made them.
const Generator = "gengtu"

// Writer takes the tiles of one archive. It is used by one goroutine.
type Writer interface {
	// Put adds tile t of grid w, whose content is one gzip stream. Tiles come in
	// the order of [TileID], each once, and none is empty; else the error wraps
	// [ErrOrder]. data stay the caller's. After an error only Abort makes sense.
	Put(t tile.Tile, data []byte) error
	// Close writes what is left. The file stays open when the caller opened it.
	Close() error
	// Abort gives up what the writer holds; after Close it does nothing.
	Abort() error
}

// ErrOrder is wrapped by the error about a tile that has no place behind the one
// before it: it comes too late or twice, is empty, or is of another grid.
var ErrOrder = errors.New("a tile is out of order")

// ErrEmpty means an archive without a tile, which neither format has a header for.
var ErrEmpty = errors.New("an archive without tiles")

// Info describes an archive. It is only read.
type Info struct {
	Name, Description string
	// Attribution is shown with the map; Version is the program's.
	Attribution, Version string
	// Tier and Generation name what the tiles were taken from.
	Tier, Generation string
	// Box is what the layers cover, in units of 1e-10 degree, longitude first.
	Box geo.Box
	// CenterZoom is the zoom that a map begins at, over the middle of Box; one that
	// has no tiles stands for the nearest that has.
	CenterZoom uint8
	Layers     []VectorLayer
}

// VectorLayer describes a layer of vector tiles as TileJSON 3.0.0 does (clause
// 3.3), which PMTiles and MBTiles took over.
type VectorLayer struct {
	ID          string `json:"id"`
	Description string `json:"description"`
	// MinZoom and MaxZoom are the zooms whose tiles can hold the layer, both
	// included.
	MinZoom int `json:"minzoom"`
	MaxZoom int `json:"maxzoom"`
	// Fields are the attributes that a feature can have at any of these zooms, by
	// name: "Number", "Boolean" or "String". None is an empty map, not nil.
	Fields map[string]string `json:"fields"`
	// ZoomFields tells the fields apart by zoom: shapes merged at low zooms carry
	// others than parcels do. It is an addition to TileJSON.
	ZoomFields []ZoomFields `json:"zoom_fields,omitempty"`
}

// ZoomFields are the fields of a layer's features at zooms [MinZoom, MaxZoom].
type ZoomFields struct {
	MinZoom int               `json:"minzoom"`
	MaxZoom int               `json:"maxzoom"`
	Fields  map[string]string `json:"fields"`
}

// center returns the middle of the box.
func (i *Info) center() geo.Position {
	return geo.Position{
		Lon: i.Box.Min.Lon + (i.Box.Max.Lon-i.Box.Min.Lon)/2,
		Lat: i.Box.Min.Lat + (i.Box.Max.Lat-i.Box.Min.Lat)/2,
	}
}

// sequence holds the tiles of an archive to their order.
type sequence struct {
	tiles            int
	last             uint64
	minZoom, maxZoom uint8
}

// next returns the number of t, which must be behind all before it.
func (s *sequence) next(t tile.Tile, data []byte) (uint64, error) {
	id := TileID(t)
	if t.Grid != tile.W || len(data) == 0 || s.tiles > 0 && id <= s.last {
		return 0, fmt.Errorf("%w: %s with %d bytes behind number %d", ErrOrder, t, len(data), s.last)
	}
	if s.tiles == 0 {
		s.minZoom = t.Z
	}
	s.tiles++
	s.last, s.maxZoom = id, t.Z
	return id, nil
}

// center returns z, or the nearest zoom that has tiles.
func (s *sequence) center(z uint8) uint8 { return min(max(z, s.minZoom), s.maxZoom) }
