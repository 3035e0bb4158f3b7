package areas

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gengtu/index"
	"gengtu/index/overlay"
	"gengtu/index/problem"
)

// grouping tells the classes of a layer's features apart by the values of
// fields.
type grouping struct {
	names  []string
	fields []int
	byKey  map[string]int32
	values [][]any // of each class
}

func newGrouping(l *index.Layer, names []string) (grouping, error) {
	g := grouping{names: names, byKey: map[string]int32{}}
	for i, n := range names {
		f := l.Field(n)
		if f < 0 {
			return g, problem.New("PARAMETER_FIELD", "图层 %s 没有字段 %.40q", "layer %s has no field %.40q", l.Meta.Name, n)
		}
		if slices.Contains(names[:i], n) {
			return g, problem.New("PARAMETER_FIELD", "group_by 两次写了字段 %.40q", "group_by names field %.40q twice", n)
		}
		g.fields = append(g.fields, f)
	}
	return g, nil
}

// asked tells whether there is anything to group by.
func (g *grouping) asked() bool { return len(g.fields) > 0 }

// of returns the number of the class that a feature with these values falls in.
func (g *grouping) of(values []any) int32 {
	var key strings.Builder
	vals := make([]any, len(g.fields))
	for k, f := range g.fields {
		v := values[f]
		if x, ok := v.(float64); ok && (math.IsNaN(x) || math.IsInf(x, 0)) {
			v = nil // JSON has no word for it
		}
		vals[k] = v
		// Type and length keep null from "" and one pair of texts from another.
		s := text(v)
		fmt.Fprintf(&key, "%T %d %s", v, len(s), s)
	}
	i, ok := g.byKey[key.String()]
	if !ok {
		i = int32(len(g.values))
		g.byKey[key.String()] = i
		g.values = append(g.values, vals)
	}
	return i
}

// answers lists the classes that share ground, ordered by their values.
func (g *grouping) answers(l *asked, res *overlay.Result, limit int) ([]Group, error) {
	net := make([]record, len(g.values))
	for k, i := range l.items {
		h := l.layer.Head(i)
		net[l.classes[k]].add(h.Net, h.AreaM2, res.Items[l.first+k])
	}
	out := []Group{}
	for _, a := range res.Groups {
		if a.Layer != l.number || a.Features == 0 {
			continue
		}
		if limit > 0 && len(out) == limit {
			return nil, tooMany(limit)
		}
		r := net[a.Group]
		r.exists = l.layer.Meta.NetM2 != nil
		o := Group{Fields: g.names, Values: g.values[a.Group], Count: a.Features, AreaM2: roundM2(a.Area)}
		o.NetM2, _ = r.figures()
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b Group) int { return slices.CompareFunc(a.Values, b.Values, compareValues) })
	return out, nil
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
