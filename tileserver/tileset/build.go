package tileset

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/tile"
)

// BuildOptions says which tiles [Build] builds, and with what.
type BuildOptions struct {
	MinZoom, MaxZoom int
	// Grids are the grids to build; nil: all.
	Grids []tile.Grid
	// Workers is the number of goroutines; 0 means one a processor.
	Workers int
	// MemoryBytes bounds what is held of features; 0 means
	// [pyramid.DefaultMemoryBytes].
	MemoryBytes int64
	// Progress, which may be nil, is called with how many of the tiles that
	// features are read for are done, by one goroutine at a time.
	Progress func(done, all int)
}

// Built tells what [Build] built.
type Built struct {
	// Counts is the number of tiles by grid and zoom.
	Counts map[string]map[string]int
	// Large are the tiles whose layers together have more than [LargeTileBytes],
	// though they were generalised, the largest first.
	Large []LargeTile
}

// Build builds the tiles of every layer of ix into a new file at path, with
// the cells that tiles of low zooms are made of on demand. A layer of the manifest
// whose parcel zoom is not chosen yet is given one, see [ParcelZoom].
func Build(ctx context.Context, ix *index.Index, path string, opt BuildOptions) (*Built, error) {
	w, err := cache.Create(path)
	if err != nil {
		return nil, err
	}
	if opt.Grids == nil {
		opt.Grids = tile.Grids()
	}
	sink := &buildSink{w, newTally(ix), ix}
	plan := pyramid.Plan{
		Works: worksOf(ix), Grids: opt.Grids, MinZoom: opt.MinZoom, MaxZoom: opt.MaxZoom, Cells: pyramid.CellsAll,
		Workers: opt.Workers, MemoryBytes: opt.MemoryBytes, Progress: opt.Progress,
	}
	_, err = pyramid.BuildAll(ctx, plan, sink)
	if err == nil {
		err = sink.relieve(ctx, plan)
	}
	var counts map[tile.Grid]map[uint8]int
	if err == nil {
		counts, err = w.Counts()
	}
	if err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	out := &Built{Counts: map[string]map[string]int{}, Large: sink.large()}
	for _, g := range tile.Grids() {
		out.Counts[g.String()] = map[string]int{}
		for z, n := range counts[g] {
			out.Counts[g.String()][strconv.Itoa(int(z))] = n
		}
	}
	return out, w.Close()
}

// worksOf returns the layers to be built, views with the layer that they are views
// of where they show it alike.
func worksOf(ix *index.Index) []pyramid.Work {
	var works []pyramid.Work
	at := map[string]int{} // by key of a layer that is no view
	for _, views := range []bool{false, true} {
		for i := range ix.Manifest.Layers {
			meta := &ix.Manifest.Layers[i]
			if (meta.View != nil) != views {
				continue
			}
			l := ix.Layer(meta.Name, meta.Vintage)
			if meta.ParcelZoom == 0 {
				meta.ParcelZoom = ParcelZoom(l)
			}
			layer := pyramid.Layer{Key: meta.Key(), Name: meta.Name, ParcelZoom: meta.ParcelZoom, ClassKey: meta.ClassField, RoundM2: ix.Manifest.Policy.RoundM2}
			if views {
				of := ix.Layer(meta.View.Of, meta.Vintage)
				if alike(of.Meta, meta) {
					layer.Holds = l.Holds
					k := at[of.Meta.Key()]
					works[k].Layers = append(works[k].Layers, layer)
					continue
				}
			}
			at[meta.Key()] = len(works)
			works = append(works, pyramid.Work{Source: newSource(l), Layers: []pyramid.Layer{layer}})
		}
	}
	return works
}

// alike tells whether tiles carry the same of a feature in two layers.
func alike(a, b *edition.Layer) bool {
	return a.ClassField == b.ClassField && slices.EqualFunc(a.Fields, b.Fields, func(f, g edition.Field) bool {
		return f.Name == g.Name && f.Tile == g.Tile
	})
}

// What a click can hit: a parcel of this many pixels, the tile having
// tilePixels, as web maps show it.
const (
	hitPixels  = 8
	tilePixels = 512
)

// ParcelZoom chooses the zoom from which the features of l are drawn as themselves:
// the lowest at which the root of their median area is at least 8 pixels of a tile
// of 512 in w, at the middle latitude of l. Most parcels can be hit then; and a
// tile that parcels of median size fill has 4,096 of them at most, some 300,000
// bytes of gzip with their fields. Places, which are few and labelled by name, are
// always drawn as themselves.
func ParcelZoom(l *index.Layer) int {
	if l.Meta.Name == edition.Region {
		return pyramid.ParcelsAlways
	}
	if l.Len() == 0 {
		return pyramid.DefaultParcelZoom
	}
	areas := make([]float64, l.Len())
	for i := range areas {
		areas[i] = l.Record(i).AreaM2
	}
	slices.Sort(areas)
	box := l.Extent()
	lat := float64(box.Min.Lat+box.Max.Lat) / 2 / geo.Unit
	return ZoomOf(math.Sqrt(areas[len(areas)/2]), lat, hitPixels)
}

// ZoomOf is the lowest zoom from 1 to [MaxZoom] at which side, in metres at a latitude in
// degrees, is at least so many pixels of a tile of 512 in w; MaxZoom where it is at none.
func ZoomOf(side, lat, pixels float64) int {
	cos := math.Cos(lat * math.Pi / 180)
	for z := 1; z < MaxZoom; z++ {
		if pixel := tile.W.Resolution(uint8(z)) * cos * tile.PixelsPerTile / tilePixels; side >= pixels*pixel {
			return z
		}
	}
	return MaxZoom
}

// buildSink writes what is built and adds up the sizes of layers that are sent together.
type buildSink struct {
	*cache.Writer
	*tally
	ix *index.Index
}

// serves tells whether the layer of that key is served at the zoom of t.
func (s *buildSink) serves(key string, t tile.Tile) bool {
	name, vintage, _ := strings.Cut(key, "@")
	return s.ix.Layer(name, vintage).Meta.ServedAt(int(t.Z))
}

func (s *buildSink) PutTile(key string, t tile.Tile, data []byte) error {
	if !s.serves(key, t) {
		return nil
	}
	n, err := s.PutRaw(key, t, data)
	if err == nil {
		s.add(key, t, n)
	}
	return err
}

// What [BuildOneZoom] builds, and with how much memory.
const (
	oneZoom       = 10
	oneZoomMemory = 256 << 20
)

// BuildOneZoom builds the tiles of a small edition in the draft d: those of one zoom, with the
// cells that all low ones are drawn from. The others are made when they are asked for, so that
// the first who asks waits for a part of the work. It enters what it built in ix's manifest.
func BuildOneZoom(ctx context.Context, d *edition.Draft, ix *index.Index) error {
	m := ix.Manifest
	zoom := min(oneZoom, m.MaxZoom)
	m.BuiltZooms = [2]int{zoom, zoom}
	built, err := Build(ctx, ix, d.File(edition.TilesFile), BuildOptions{MinZoom: zoom, MaxZoom: zoom, Workers: 1, MemoryBytes: oneZoomMemory})
	if err != nil {
		return err
	}
	m.Tiles, m.Drawing = built.Counts, Drawing
	return nil
}
