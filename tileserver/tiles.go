package tileserver

import (
	"context"
	"math"
	"slices"
	"strings"
	"sync"

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
	raws  sync.Pool

	columns []string // the names of tags
}

var _ pyramid.Reader = (*layerSource)(nil)

func newLayerSource(l *index.Layer) *layerSource {
	s := &layerSource{layer: l, class: l.Field(l.Meta.ClassField), raws: sync.Pool{New: func() any { return &index.Raw{} }}}
	for i, f := range l.Meta.Fields {
		if f.Tile {
			s.tags, s.columns = append(s.tags, i), append(s.columns, f.Name)
		}
	}
	return s
}

func (s *layerSource) Name() string                         { return s.layer.Meta.Name }
func (s *layerSource) Len() int                             { return s.layer.Len() }
func (s *layerSource) Extent() geo.Box                      { return s.layer.Extent() }
func (s *layerSource) Search(b geo.Box, v func(i int) bool) { s.layer.Search(b, v) }
func (s *layerSource) Size(i int) int                       { return s.layer.Size(i) }

func (s *layerSource) Feature(i int) (pyramid.Feature, error) {
	r := pyramid.Reading{Values: &mvt.Values{}}
	if err := s.Read(i, &r); err != nil {
		return pyramid.Feature{}, err
	}
	f, err := s.layer.Feature(i)
	if err != nil {
		return pyramid.Feature{}, err
	}
	out := pyramid.Feature{ID: r.ID, Geometry: f.Geometry, Class: r.Class, AreaM2: r.AreaM2, NetM2: r.NetM2, Alone: r.Alone}
	for k, t := range s.tags {
		if k < len(r.Cells) && r.Cells[k] > 0 {
			out.Tags = append(out.Tags, mvt.Tag{Key: s.columns[k], Value: f.Values[t]})
		}
	}
	return out, nil
}

func (s *layerSource) Read(i int, r *pyramid.Reading) error {
	raw := s.raws.Get().(*index.Raw)
	defer s.raws.Put(raw)
	// The rings are read into the reader's own memory.
	raw.Rings, r.Rings = r.Rings, raw.Rings
	err := s.layer.Read(i, raw)
	raw.Rings, r.Rings = r.Rings, raw.Rings
	if err != nil {
		return err
	}
	r.ID, r.AreaM2, r.NetM2, r.Alone = raw.ID, raw.AreaM2, math.NaN(), s.layer.Alone(i)
	if index.OfRecord(raw.Net) {
		r.NetM2 = float64(raw.Net) / 100
	}
	r.Class = ""
	if s.class >= 0 && s.class < len(raw.Values) && raw.Values[s.class].Kind == index.RawText {
		r.Class = r.ClassOf(raw.Values[s.class].Text)
	}
	r.Values.Columns, r.Tags = s.columns, r.Tags[:0]
	r.Cells = slices.Grow(r.Cells[:0], len(s.tags))[:len(s.tags)]
	for k, t := range s.tags {
		r.Cells[k] = 0
		if t < len(raw.Values) {
			r.Cells[k] = cellOf(r.Values, k, &raw.Values[t])
		}
	}
	return nil
}

// cellOf returns a stored value as tiles carry it, 0 for none.
func cellOf(values *mvt.Values, column int, v *index.RawValue) mvt.Cell {
	switch v.Kind {
	case index.RawText:
		return values.TextOf(column, v.Text)
	case index.RawInteger:
		return values.Int(v.Int)
	case index.RawReal:
		return values.Real(v.Real)
	case index.RawBool:
		return values.Bool(v.Int != 0)
	default:
		return 0
	}
}

func (g *generation) options(l *index.Layer) pyramid.Options {
	return pyramid.Options{ParcelZoom: l.Meta.ParcelZoom, ClassKey: l.Meta.ClassField, RoundM2: g.ix.Manifest.Policy.RoundM2, Covers: g.covers, Key: l.Meta.Key()}
}

// known returns one layer's tile of a zoom that was built; false for other zooms.
// An empty tile is a part without data. The bytes are valid while the generation
// is held.
func (g *generation) known(l *index.Layer, t tile.Tile) (cache.Part, bool, error) {
	m := g.ix.Manifest
	if z := int(t.Z); z < m.BuiltZooms[0] || z > m.BuiltZooms[1] {
		return cache.Part{}, false, nil
	}
	p, _, err := g.built.Get(l.Meta.Key(), t)
	return p, true, err
}

// make returns a tile of a zoom that was not built: a kept one, or a new one.
func (g *generation) make(ctx context.Context, l *index.Layer, t tile.Tile) (cache.Part, error) {
	return g.made.Get(ctx, l.Meta.Key(), t, func(ctx context.Context) (cache.Part, error) {
		// The store goes on when the one who asked has gone: the files must stay.
		if !g.acquire() {
			return cache.Part{}, errServing
		}
		defer func() { _ = g.release() }() // only read
		if g.mayBeCrowded(l, t) {
			return g.uncrowded(ctx, l, t)
		}
		return g.draw(ctx, l, t, nil)
	})
}

// draw makes a layer's tile when there is a place for it. Whoever has one waits for no
// other.
func (g *generation) draw(ctx context.Context, l *index.Layer, t tile.Tile, crowding *pyramid.Crowding) (cache.Part, error) {
	// As in make, whoever asked may have gone.
	if !g.acquire() {
		return cache.Part{}, errServing
	}
	defer func() { _ = g.release() }() // only read
	leave, err := g.making.Enter(ctx)
	if err != nil {
		return cache.Part{}, err
	}
	defer leave()
	source, err := remember(&g.memo, "source "+l.Meta.Key(), func() (*layerSource, error) { return newLayerSource(l), nil })
	if err != nil {
		return cache.Part{}, err
	}
	opt := g.options(l)
	opt.Crowding = crowding
	data, err := pyramid.Make(ctx, source, t, opt)
	if err != nil {
		return cache.Part{}, err
	}
	return cache.CompressTile(l.Meta.Key(), t, data)
}

// shownLayers lists the layers that `all` stands for, in drawing order; dltb
// and layers beyond the product's own are asked for by name. Of an answer they are all.
func shownLayers(m *edition.Manifest) []string {
	var out []string
	if len(m.Layers) > 0 && !slices.ContainsFunc(m.Layers, func(l edition.Layer) bool { return !strings.HasPrefix(l.Name, answerLayerPrefix) }) {
		for i := range m.Layers {
			out = append(out, m.Layers[i].Name)
		}
		return out
	}
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
