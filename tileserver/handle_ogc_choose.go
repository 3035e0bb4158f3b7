package tileserver

import (
	"cmp"
	"context"
	"slices"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/index/relate"
	"gengtu/tileserver/ogc"
)

// areaProperty is what a feature's area is asked for by, beside its fields: as answers
// have it, rounded where the policy rounds.
const areaProperty = "area_m2"

// ogcKinds are the kinds of fields as OGC API names them.
var ogcKinds = map[edition.FieldKind]ogc.Kind{edition.Text: ogc.Text, edition.Integer: ogc.Integer, edition.Real: ogc.Real, edition.Bool: ogc.Bool, edition.Date: ogc.Date}

// queryables are what a layer's features may be chosen by: its fields, in their order,
// and behind them their area.
func queryables(l *index.Layer) []ogc.Queryable {
	out := make([]ogc.Queryable, 0, len(l.Meta.Fields)+1)
	for _, f := range l.Meta.Fields {
		out = append(out, ogc.Queryable{Name: f.Name, Title: f.Title, Kind: ogcKinds[f.Kind]})
	}
	if l.Field(areaProperty) < 0 {
		out = append(out, ogc.Queryable{Name: areaProperty, Title: "椭球面积 m²", Kind: ogc.Real})
	}
	return out
}

// ogcRow is a feature as a filter looks at it. What is read of it is read when it is
// asked for.
type ogcRow struct {
	layer   *index.Layer
	roundM2 float64
	i       int
	read    bool // attributes
	shaped  bool // rings
	values  index.Attributes
	rings   geo.Rings
	err     error // the first one
}

// at goes to a feature.
func (o *ogcRow) at(i int) { o.i, o.read, o.shaped = i, false, false }

// Value implements [ogc.Row].
func (o *ogcRow) Value(queryable int) ogc.Value {
	if queryable == len(o.layer.Meta.Fields) {
		return ogc.Value{Kind: ogc.IsReal, Real: areas.RoundedTo(o.roundM2, o.layer.Record(o.i).AreaM2)}
	}
	if !o.read {
		o.err = cmp.Or(o.err, o.layer.Attributes(o.i, &o.values))
		o.read = true
	}
	if queryable >= len(o.values.Values) {
		return ogc.Value{}
	}
	v := &o.values.Values[queryable]
	switch v.Kind {
	case index.RawText:
		return ogc.Value{Kind: ogc.IsText, Text: v.Text}
	case index.RawInteger:
		return ogc.Value{Kind: ogc.IsInt, Int: v.Int}
	case index.RawReal:
		return ogc.Value{Kind: ogc.IsReal, Real: v.Real}
	case index.RawBool:
		return ogc.Value{Kind: ogc.IsBool, Int: v.Int}
	case index.RawNil:
	}
	return ogc.Value{}
}

// shape reads the feature's rings.
func (o *ogcRow) shape() *geo.Rings {
	if !o.shaped {
		o.rings.Reset()
		o.err = cmp.Or(o.err, o.layer.Rings(o.i, &o.rings))
		o.shaped = true
	}
	return &o.rings
}

// Meets implements [ogc.Row].
func (o *ogcRow) Meets(s *relate.Shape) bool {
	box := o.layer.Box(o.i)
	return s.Near(box) && (s.Covers(box) || s.Meets(o.shape(), box))
}

// Holds implements [ogc.Row].
func (o *ogcRow) Holds(s *relate.Shape) bool {
	box := o.layer.Box(o.i)
	return s.Box().Contains(box) && (s.Covers(box) || s.Holds(o.shape(), box))
}

// lookEvery is how many features are looked at between two looks at the clock.
const lookEvery = 1024

// choose lists the features that a filter chooses, in the layer's order.
func (o *ogcRow) choose(ctx context.Context, f *ogc.Filter) ([]int32, error) {
	out := []int32{}
	looked := 0
	look := func(i int, _ geo.Box) error {
		if looked++; looked%lookEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		o.at(i)
		if f.Matches(o) {
			out = append(out, int32(i))
		}
		return o.err
	}
	window, only := f.Window(), f.Only()
	if window == nil {
		for i := range o.layer.Len() {
			if err := look(i, geo.Box{}); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	err := o.layer.Sweep(func(b geo.Box) index.Visit {
		switch {
		case !window.Near(b):
			return index.Pass
		case only != nil && only.Covers(b):
			return index.Swallow
		}
		return index.Enter
	}, func(b *index.Block) error {
		for i := b.First; i < b.End; i++ {
			out = append(out, int32(i))
		}
		return ctx.Err()
	}, look)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Bounds of what one answer puts in order: some 50 bytes of memory for each feature and for
// each value that features are compared by.
const (
	maxSorted       = 1_000_000
	maxSortedValues = 2 * maxSorted
)

// sortKey is a property that features are put in order by.
type sortKey struct {
	queryable int
	falling   bool
}

// order puts features in order: by keys, nulls last, and then by their ids.
func (o *ogcRow) order(ctx context.Context, list []int32, keys []sortKey) error {
	if len(list) > maxSorted {
		return problem.New("TOO_LARGE_SORT", "要排序的要素有 %d 个，上限 %d", "%d features are to be put in order, the limit is %d", len(list), maxSorted).
			Advise("用 bbox 或 filter 缩小范围，或不排序", "narrow it by bbox or filter, or leave sortby out")
	}
	if n := len(list) * len(keys); n > maxSortedValues {
		return problem.New("TOO_LARGE_SORT", "%d 个要素按 %d 个字段排序，合计上限 %d", "%d features are to be put in order by %d properties, together the limit is %d", len(list), len(keys), maxSortedValues).
			Advise("用 bbox 或 filter 缩小范围，或减少排序字段", "narrow it by bbox or filter, or name fewer properties in sortby")
	}
	type entry struct {
		i    int32
		id   uint64
		keys []ogc.Value
	}
	all := make([]entry, len(list))
	values := make([]ogc.Value, len(list)*len(keys))
	for n, i := range list {
		if n%lookEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		o.at(int(i))
		all[n] = entry{i, o.layer.Head(int(i)).ID, values[n*len(keys) : (n+1)*len(keys)]}
		for k := range keys {
			all[n].keys[k] = o.Value(keys[k].queryable) // texts lie in the mapped file
		}
	}
	if o.err != nil {
		return o.err
	}
	err := index.Guard(func() error {
		slices.SortFunc(all, func(a, b entry) int {
			for k := range keys {
				if c := ogc.Order(a.keys[k], b.keys[k], keys[k].falling); c != 0 {
					return c
				}
			}
			return cmp.Compare(a.id, b.id)
		})
		return nil
	})
	for n := range all {
		list[n] = all[n].i
	}
	return err
}
