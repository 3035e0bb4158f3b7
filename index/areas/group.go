package areas

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
)

// grouping tells the classes of a layer's features apart by the values of
// fields.
type grouping struct {
	names   []string
	fields  []int
	columns []*index.Classes // nil for a field with many values
	byCode  map[uint64]int32 // by the columns' codes
	byKey   map[string]int32 // by the values themselves, where a column is missing
	values  [][]any          // of each class
}

func newGrouping(l *index.Layer, names []string) (grouping, error) {
	g := grouping{names: names, byCode: map[uint64]int32{}, byKey: map[string]int32{}}
	for i, n := range names {
		f := l.Field(n)
		if f < 0 {
			return g, problem.New("PARAMETER_FIELD", "图层 %s 没有字段 %.40q", "layer %s has no field %.40q", l.Meta.Name, n).
				Advise("用 gengtu info 或目录查看图层的字段", "gengtu info and the catalogue list the fields of layers")
		}
		if slices.Contains(names[:i], n) {
			return g, problem.New("PARAMETER_FIELD", "group_by 两次写了字段 %.40q", "group_by names field %.40q twice", n).
				Advise("每个字段只写一次", "name each field once")
		}
		c, err := l.Classes(f)
		if err != nil {
			return g, err
		}
		g.fields, g.columns = append(g.fields, f), append(g.columns, c)
	}
	if slices.Contains(g.columns, nil) || !codesFit(g.columns) {
		g.columns = nil
	}
	return g, nil
}

// codesFit tells whether one number can hold a code of each column.
func codesFit(columns []*index.Classes) bool {
	n := 1.0
	for _, c := range columns {
		n *= float64(len(c.Values) + 1)
	}
	return n < 1<<63
}

// asked tells whether there is anything to group by.
func (g *grouping) asked() bool { return len(g.fields) > 0 }

// of returns the number of the class that feature i of l falls in.
func (g *grouping) of(l *index.Layer, i int) (int32, error) {
	if g.columns == nil {
		values := make([]any, len(g.fields))
		for k, f := range g.fields {
			var err error
			if values[k], err = l.Class(i, f); err != nil {
				return 0, err
			}
		}
		return g.ofValues(values), nil
	}
	code := uint64(0)
	for _, c := range g.columns {
		code = code*uint64(len(c.Values)+1) + uint64(c.Code(i))
	}
	class, ok := g.byCode[code]
	if !ok {
		class = int32(len(g.values))
		g.byCode[code] = class
		values := make([]any, len(g.columns))
		for k, c := range g.columns {
			values[k] = c.Values[c.Code(i)]
		}
		g.values = append(g.values, values)
	}
	return class, nil
}

// ofValues returns the number of the class of these values, which it keeps.
func (g *grouping) ofValues(values []any) int32 {
	var key strings.Builder
	for _, v := range values {
		// Type and length keep null from "" and one pair of texts from another.
		s := text(v)
		fmt.Fprintf(&key, "%T %d %s", v, len(s), s)
	}
	i, ok := g.byKey[key.String()]
	if !ok {
		i = int32(len(g.values))
		g.byKey[key.String()] = i
		g.values = append(g.values, values)
	}
	return i
}

// groupAnswers lists the classes that share ground, ordered by their values.
// Where no two classes share ground their areas add up to ground, the layer's,
// and their net areas to the layer's net area.
func (l *asked) groupAnswers(res *measured, layer *Layer, ground float64, limit int) ([]Group, error) {
	type class struct {
		gross      float64
		count      int
		patch, net record
	}
	classes := make([]class, len(l.groups.values))
	for i := range classes {
		classes[i].patch.exists, classes[i].net.exists = l.layer.Meta.PatchM2 != nil, l.layer.Meta.NetM2 != nil
	}
	for _, it := range l.items {
		c := &classes[it.class]
		c.gross += it.area
		if overlay.SharesGround(it.area, res.aoi) {
			c.count++
		}
		r := l.layer.Record(int(it.ordinal))
		c.patch.add(r.Patch, r.AreaM2, it.area)
		c.net.add(r.Net, r.AreaM2, it.area)
	}
	out := []Group{}
	var areas []float64
	var patches, nets recordList
	sum, twice := 0.0, 0.0
	for i := range classes {
		c := &classes[i]
		twice += l.classTwice[int32(i)]
		if c.count == 0 {
			continue
		}
		if limit > 0 && len(out) == limit {
			return nil, tooMany(limit)
		}
		o := Group{Fields: l.groups.names, Values: l.groups.values[i], Count: c.count}
		o.PatchM2, o.NetM2 = c.patch.into(&patches), c.net.into(&nets)
		area := max(0, c.gross-l.classTwice[int32(i)])
		o.AreaMu = round(area*geo.MuPerM2, 4)
		out, areas, sum = append(out, o), append(areas, area), sum+area
	}
	// What features share that are too small to be listed is in the layer's figures;
	// ground in two classes keeps the list from adding up to them.
	if math.Abs(l.twice-twice) < 0.5/unitsPerM2(ground) && math.Abs(sum-ground) < unlisted {
		sum = ground
	}
	for i, v := range shares(sum, areas, unitsPerM2(sum)) {
		out[i].AreaM2 = v
	}
	patches.allot(layer.PatchM2)
	nets.allot(layer.NetM2)
	for i := range out {
		out[i].NetMu = muOf(out[i].NetM2)
	}
	slices.SortFunc(out, func(a, b Group) int { return slices.CompareFunc(a.Values, b.Values, compareValues) })
	return out, nil
}

// into adds the sum, when there is one, to shares that are yet to be rounded.
func (r *record) into(s *recordList) *float64 {
	if v, _ := r.figures(); v == nil {
		return nil
	}
	v := r.sum
	s.add(&v)
	return &v
}

// compareValues orders null first, then numbers, then everything else as text.
func compareValues(a, b any) int {
	x, xn := numeric(a)
	y, yn := numeric(b)
	switch {
	case a == nil || b == nil:
		return cmp.Compare(rank(a), rank(b))
	case xn && yn:
		return cmp.Compare(x, y)
	case xn != yn:
		return cmp.Compare(rank(a), rank(b))
	}
	return strings.Compare(text(a), text(b))
}

func rank(v any) int {
	if v == nil {
		return 0
	}
	if _, ok := numeric(v); ok {
		return 1
	}
	return 2
}

func numeric(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// text writes a value for people and tables; null is "".
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}
