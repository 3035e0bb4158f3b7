package compare_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/compare"
	"gengtu/index/compare/comparetest"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/indextest"
)

// The content of a feature has one name, wherever its rings begin and in whatever
// order its parts and fields stand; another position or value has another.
func TestIdentity(t *testing.T) {
	b := func(x, y int) geo.Polygon { return comparetest.Cell{X: x, Y: y}.Box().Polygon() }
	outer := geo.Box{Min: (comparetest.Cell{}).Box().Min, Max: (comparetest.Cell{X: 5, Y: 5}).Box().Max}.Polygon()
	holed := geo.Polygon{outer[0], reversed(b(1, 1)[0]), reversed(b(3, 3)[0])}
	m := geo.MultiPolygon{holed, b(9, 9)}
	id := func(m geo.MultiPolygon, fields []string, values ...any) [32]byte {
		l := &edition.Layer{}
		for _, f := range fields {
			l.Fields = append(l.Fields, edition.Field{Name: f})
		}
		return compare.Identity(l, &index.Feature{Geometry: m, Values: values}, []string{"SJNF"})
	}
	names := []string{"A", "B", "SJNF"}
	want := id(m, names, "x", 1.0, int64(2024))
	turned := geo.MultiPolygon{{rotated(b(9, 9)[0], 2)}, {rotated(reversed(outer[0]), 3), b(3, 3)[0], rotated(reversed(b(1, 1)[0]), 1)}}
	for name, got := range map[string][32]byte{
		"turned":           id(turned, names, "x", 1.0, int64(2024)),
		"another year":     id(m, names, "x", 1.0, int64(2025)),
		"another order":    id(m, []string{"B", "A"}, int64(1), "x"),
		"a field of blank": id(m, []string{"A", "B", "C"}, "x", int64(1), ""),
	} {
		if got != want {
			t.Errorf("%s: another identity", name)
		}
	}
	moved := geo.MultiPolygon{holed, {slices.Clone(b(9, 9)[0])}}
	moved[1][0][2].Lon++
	for name, got := range map[string][32]byte{
		"a position moved": id(moved, names, "x", 1.0, int64(2024)),
		"another value":    id(m, names, "x", 2.0, int64(2024)),
		"another field":    id(m, []string{"A", "C", "SJNF"}, "x", 1.0, int64(2024)),
		"no hole":          id(geo.MultiPolygon{{outer[0]}, b(9, 9)}, names, "x", 1.0, int64(2024)),
	} {
		if got == want {
			t.Errorf("%s: the same identity", name)
		}
	}
}

func reversed(r geo.Ring) geo.Ring {
	r = slices.Clone(r)
	slices.Reverse(r)
	return r
}

func rotated(r geo.Ring, by int) geo.Ring {
	open := r[:len(r)-1]
	out := append(slices.Clone(open[by:]), open[:by]...)
	return append(out, out[0])
}

// What comes back from another format up to 0.1 mm off, from another position on, is
// the same geometry; farther off it is another.
func TestNearGeometry(t *testing.T) {
	land := comparetest.New(8, 10)
	was, is := comparetest.StateOf(t, land.From, "2024", idOf), comparetest.StateOf(t, land.From, "2025", idOf)
	shift := func(by int64) compare.Counts {
		for i := range is.Features {
			m := was.Features[i].Geometry
			var out geo.MultiPolygon
			for _, p := range m {
				var q geo.Polygon
				for _, r := range p {
					r = rotated(r, 1+i%(len(r)-1))
					for k := range r {
						r[k].Lon += by
						r[k].Lat -= by
					}
					q = append(q, r)
				}
				out = append(out, q)
			}
			is.Features[i].Geometry = out
		}
		ix := comparetest.Open(t, was, is)
		r, err := compare.Layers(t.Context(), ix.Layer("dltb", "2024"), ix.Layer("dltb", "2025"), compare.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return r.Counts
	}
	if c := shift(9); c.Unchanged != len(land.From) {
		t.Errorf("0.09 mm off: %+v", c)
	}
	if c := shift(50); c.Geometry != len(land.From) {
		t.Errorf("0.5 mm off: %+v", c)
	}
}

// What another format makes of the same feature is no change: holes in another order,
// blanks for nothing, numbers of another kind. What is another hole or value is one.
func TestSameContent(t *testing.T) {
	fields := []edition.Field{{Name: "A"}, {Name: "B"}, {Name: "C"}, {Name: "D"}}
	outer := geo.Box{Min: (comparetest.Cell{}).Box().Min, Max: (comparetest.Cell{X: 9, Y: 9}).Box().Max}.Polygon()[0]
	hole := func(x int) geo.Ring { return reversed(comparetest.Cell{X: x, Y: x}.Box().Polygon()[0]) }
	feature := func(id uint64, m geo.MultiPolygon, values ...any) index.Feature {
		return index.Feature{ID: id, Geometry: m, Values: values, AreaM2: geo.Area(m), Patch: index.NoArea, Net: index.NoArea}
	}
	shape := geo.MultiPolygon{{outer, hole(1), hole(3), hole(5), hole(7)}}
	turned := geo.MultiPolygon{{outer, hole(7), hole(5), rotated(hole(3), 2), hole(1)}}
	other := geo.MultiPolygon{{outer, hole(1), hole(3), hole(5), hole(6)}}
	var was, is []index.Feature
	for id, c := range map[uint64]struct {
		m      geo.MultiPolygon
		values []any
	}{
		1: {turned, []any{nil, int64(12345678), "7", true}},
		2: {other, []any{"", 12345678.0, int64(7), "true"}},
		3: {shape, []any{"x", 12345678.0, int64(7), true}},
		4: {shape, []any{"", 7.5, int64(7), true}},
		5: {other, []any{"", 12345678.0, int64(7), nil}},
	} {
		was, is = append(was, feature(id, shape, "", 12345678.0, int64(7), true)), append(is, feature(id, c.m, c.values...))
	}
	layer := func(vintage string, of []index.Feature) indextest.Layer {
		return indextest.Layer{Meta: edition.Layer{Name: "dltb", Vintage: vintage, Fields: fields}, Features: of}
	}
	ix := indextest.New(t, &edition.Manifest{}, layer("2024", was), layer("2025", is))
	r, err := compare.Layers(t.Context(), ix.Layer("dltb", "2024"), ix.Layer("dltb", "2025"), compare.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[uint64]string{}
	err = r.List(t.Context(), func(i *compare.Item) error {
		got[i.ID] = string(i.Change)
		for _, f := range i.Fields {
			got[i.ID] += " " + f.Field
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[uint64]string{2: "geometry", 3: "attribute A", 4: "attribute B", 5: "both D"}, got); d != "" {
		t.Errorf("changes (-made +found):\n%s", d)
	}
}
