package tileserver

import (
	"context"
	"errors"
	"math"
	"strconv"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/tile"
)

// MaxZoom is the highest zoom that is served, in both grids.
const MaxZoom = 18

// layerSource gives the pyramid one layer of the index.
type layerSource struct {
	layer *index.Layer
	class int   // the field that tells merged shapes apart, or -1
	tags  []int // the fields that tiles carry
}

func newLayerSource(l *index.Layer) *layerSource {
	s := &layerSource{layer: l, class: l.Field(l.Meta.ClassField)}
	for i, f := range l.Meta.Fields {
		if f.Tile {
			s.tags = append(s.tags, i)
		}
	}
	return s
}

func (s *layerSource) Name() string                         { return s.layer.Meta.Name }
func (s *layerSource) Len() int                             { return s.layer.Len() }
func (s *layerSource) Extent() geo.Box                      { return s.layer.Extent() }
func (s *layerSource) Search(b geo.Box, v func(i int) bool) { s.layer.Search(b, v) }

func (s *layerSource) Feature(i int) (pyramid.Feature, error) {
	f, err := s.layer.Feature(i)
	if err != nil {
		return pyramid.Feature{}, err
	}
	out := pyramid.Feature{ID: f.ID, Geometry: f.Geometry, AreaM2: f.AreaM2, NetM2: math.NaN()}
	if f.Net != index.NoArea {
		out.NetM2 = float64(f.Net) / 100
	}
	if s.class >= 0 {
		out.Class, _ = f.Values[s.class].(string)
	}
	for _, t := range s.tags {
		if v := f.Values[t]; v != nil {
			out.Tags = append(out.Tags, mvt.Tag{Key: s.layer.Meta.Fields[t].Name, Value: v})
		}
	}
	return out, nil
}

func (s *layerSource) options(minZoom, maxZoom int) pyramid.Options {
	opt := pyramid.Options{MinZoom: minZoom, MaxZoom: maxZoom, ClassKey: s.layer.Meta.ClassField}
	if s.layer.Meta.Name == "region" {
		opt.ParcelZoom = pyramid.ParcelsAlways // few and large, and labelled by name
	}
	return opt
}

// BuildTiles builds the tiles of every layer of ix in both grids for the zooms
// from minZoom to maxZoom, into a new file at path, and returns how many there
// are by grid and zoom. Progress, which may be nil, is called with the layer
// and grid begun, from one goroutine.
func BuildTiles(ctx context.Context, ix *index.Index, path string, minZoom, maxZoom int, progress func(layer, grid string)) (map[string]map[string]int, error) {
	w, err := cache.Create(path)
	if err != nil {
		return nil, err
	}
	counts := map[string]map[string]int{}
	for _, g := range tile.Grids() {
		counts[g.String()] = map[string]int{}
	}
	for i := range ix.Manifest.Layers {
		meta := &ix.Manifest.Layers[i]
		src := newLayerSource(ix.Layer(meta.Name, meta.Vintage))
		for _, g := range tile.Grids() {
			if progress != nil {
				progress(meta.Key(), g.String())
			}
			lo := max(minZoom, int(g.MinZoom()))
			put := func(t tile.Tile, data []byte) error {
				counts[g.String()][strconv.Itoa(int(t.Z))]++
				return w.Put(meta.Key(), t, cache.Compress(data))
			}
			if _, err := pyramid.Build(ctx, g, src, src.options(lo, maxZoom), put); err != nil {
				return nil, errors.Join(err, w.Abort())
			}
		}
	}
	return counts, w.Close()
}

// part returns one layer's tile, built or made on demand. An empty tile is a
// part without data. The bytes are valid while the generation is held.
func (g *generation) part(ctx context.Context, l *index.Layer, t tile.Tile) (cache.Part, error) {
	m := g.ix.Manifest
	if z := int(t.Z); z >= m.BuiltZooms[0] && z <= m.BuiltZooms[1] {
		p, _, err := g.built.Get(l.Meta.Key(), t)
		return p, err
	}
	return g.made.Get(ctx, l.Meta.Key(), t, func(ctx context.Context) ([]byte, error) {
		// The store goes on when the one who asked has gone: the files must stay.
		if !g.acquire() {
			return nil, errServing
		}
		defer func() { _ = g.release() }() // only read
		src := newLayerSource(l)
		return pyramid.Make(ctx, src, t, src.options(int(t.Z), int(t.Z)))
	})
}

// shownLayers lists the layers that `all` stands for, in drawing order; dltb
// and layers beyond the product's own are asked for by name.
func shownLayers(m *edition.Manifest) []string {
	var out []string
	for _, n := range []string{"cropland", "pbf", "hsf", "region"} {
		for i := range m.Layers {
			if m.Layers[i].Name == n {
				out = append(out, n)
				break
			}
		}
	}
	return out
}
