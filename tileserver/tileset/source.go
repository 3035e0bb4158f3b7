package tileset

import (
	"math"
	"slices"
	"sync"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/pyramid"
)

// source gives the pyramid one layer of the index.
type source struct {
	layer *index.Layer
	class int   // the field that tells merged shapes apart, or -1
	tags  []int // the fields that tiles carry
	raws  sync.Pool

	columns []string // the names of tags
}

var _ pyramid.Reader = (*source)(nil)

func newSource(l *index.Layer) *source {
	s := &source{layer: l, class: l.Field(l.Meta.ClassField), raws: sync.Pool{New: func() any { return &index.Raw{} }}}
	for i, f := range l.Meta.Fields {
		if f.Tile {
			s.tags, s.columns = append(s.tags, i), append(s.columns, f.Name)
		}
	}
	return s
}

func (s *source) Name() string                         { return s.layer.Meta.Name }
func (s *source) Len() int                             { return s.layer.Len() }
func (s *source) Extent() geo.Box                      { return s.layer.Extent() }
func (s *source) Search(b geo.Box, v func(i int) bool) { s.layer.Search(b, v) }
func (s *source) Size(i int) int                       { return s.layer.Size(i) }

func (s *source) Feature(i int) (pyramid.Feature, error) {
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

func (s *source) Read(i int, r *pyramid.Reading) error {
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
		r.NetM2 = geo.Hundredths(raw.Net).M2()
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
