package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// lines is the table of features, and their shapes.
func (r *run) lines() (*analyze.Table, *analyze.Shapes, error) {
	t := &analyze.Table{Name: "lines", Single: true, Title: edition.Title{Zh: "各项的要素", En: "the features of the lines"}, Columns: []analyze.Column{
		column("line", analyze.Code, "项", "line"), column("xzqdm", analyze.Code, "政区代码", "place"), column("xzqmc", analyze.Text, "政区名称", "place name"),
		column("a_id", analyze.Count, "甲标识", "id in A"), column("a_code", analyze.Code, "甲编号", "code in A"), column("a_class", analyze.Code, "甲地类", "class in A"),
		column("b_id", analyze.Count, "乙标识", "id in B"), column("b_code", analyze.Code, "乙编号", "code in B"), column("b_class", analyze.Code, "乙地类", "class in B"),
		column("ground", analyze.Areas, "地面（椭球面积）", "ground, ellipsoidal"), column("area", analyze.Areas, "差额", "difference"),
	}}
	kept, left := r.listed()
	read := [2]reader{{side: r.sides[0]}, {side: r.sides[1]}}
	for i := range kept {
		x := &kept[i]
		row := []any{string(Lines[x.line]), r.sums.list[x.place], r.name(r.sums.list[x.place])}
		for s, f := range []int32{x.a, x.b} {
			cells, err := read[s].cells(f)
			if err != nil {
				return nil, nil, err
			}
			row = append(row, cells...)
		}
		t.Add(append(row, analyze.Area(hundredths(x.ground)), x.amount)...)
	}
	for k, x := range left {
		if x.features > 0 {
			t.Add(string(Lines[k]), nil, fmt.Sprintf("其余 %[1]d 行 %[1]d more rows", x.features), nil, nil, nil, nil, nil, nil, nil, x.amount)
		}
	}
	shapes := &analyze.Shapes{Name: "reconcile_lines", Title: t.Title, Table: t, Geometry: func(ctx context.Context, row int) (geo.MultiPolygon, error) {
		if row >= len(kept) {
			return nil, nil
		}
		return r.geometry(ctx, &kept[row])
	}}
	return t, shapes, nil
}

// remainder are the rows of a line that are not listed.
type remainder struct {
	features int
	amount   analyze.Area
}

// listed returns the items to list, in each line those with the greatest amounts first, and
// what is left out of each.
func (r *run) listed() (kept []item, left [10]remainder) {
	most := int(r.rules.Listed.Value)
	var lists [10][]item
	for _, x := range r.items {
		if strings.HasPrefix(r.sums.list[x.place], r.Place) {
			lists[x.line] = append(lists[x.line], x)
		}
	}
	for k, list := range lists {
		n := min(most, len(list))
		if len(r.Only) > 0 && !slices.Contains(r.Only, Lines[k]) {
			n = 0
		}
		// Stable: equals stay in the order of the features.
		slices.SortStableFunc(list, func(x, y item) int {
			return int(max(-1, min(1, max(y.amount, -y.amount)-max(x.amount, -x.amount))))
		})
		kept = append(kept, list[:n]...)
		for _, x := range list[n:] {
			left[k].features++
			left[k].amount += x.amount
		}
	}
	return kept, left
}

// reader reads what tells a feature to a person.
type reader struct {
	side *side
	row  index.Attributes
}

// cells returns id, code and class of a feature; nils for none.
func (d *reader) cells(f int32) ([]any, error) {
	if f < 0 {
		return []any{nil, nil, nil}, nil
	}
	l := d.side.Layer
	if err := l.Attributes(int(f), &d.row); err != nil {
		return nil, err
	}
	var code, class any
	for i := range l.Meta.Fields {
		if v := d.row.Values[i]; l.Meta.Fields[i].Code && v.Kind == index.RawText && len(v.Text) > 0 {
			code = string(v.Text)
			break
		}
	}
	if c := d.side.class(int(f)); c != "" {
		class = c
	}
	return []any{int64(l.Head(int(f)).ID), code, class}, nil
}

// geometry is the ground of an item.
func (r *run) geometry(ctx context.Context, x *item) (geo.MultiPolygon, error) {
	switch {
	case x.a >= 0 && x.b >= 0:
		a, err := r.sides[0].Layer.Feature(int(x.a))
		if err != nil {
			return nil, err
		}
		b, err := r.sides[1].Layer.Feature(int(x.b))
		if err != nil {
			return nil, err
		}
		return overlay.Intersection(a.Geometry, b.Geometry)
	case Lines[x.line] == Doubled:
		s, f := 0, x.a
		if x.a < 0 {
			s, f = 1, x.b
		}
		whole, err := r.sides[s].Layer.Feature(int(f))
		return whole.Geometry, err
	}
	return r.onlyGround(ctx, x)
}

// onlyGround is the ground of an item that one side has alone: its feature without the other
// side's, on the features of the survey that the line is of, and as wide as it is.
func (r *run) onlyGround(ctx context.Context, x *item) (geo.MultiPolygon, error) {
	s, f := 0, x.a
	if x.a < 0 {
		s, f = 1, x.b
	}
	rest, err := r.beyond(ctx, s, int(f))
	if err != nil {
		return nil, err
	}
	lines, others := map[int32]map[uint8]bool{}, []int32(nil)
	for _, p := range r.partsOf(s, f) {
		if lines[p.other] == nil {
			lines[p.other] = map[uint8]bool{}
			others = append(others, p.other)
		}
		lines[p.other][p.line] = true
	}
	var out []geo.MultiPolygon
	for _, o := range others {
		if !lines[o][x.line] {
			continue
		}
		ground, err := r.on(ctx, s, rest, others, o)
		if err != nil {
			return nil, err
		}
		mixed := lines[o][number(Band)] && len(lines[o]) > 1
		for _, p := range ground {
			if !mixed || (WidthM(p) < r.width) == (Lines[x.line] == Band) {
				out = append(out, geo.MultiPolygon{p})
			}
		}
	}
	return overlay.Dissolve(ctx, out)
}

// partsOf returns the parts that only a feature of one side holds. It may be called by
// several goroutines.
func (r *run) partsOf(s int, f int32) []part {
	r.alone.Do(func() {
		r.aloneOf = [2]map[int32][]int32{{}, {}}
		for i := range r.parts {
			if p := &r.parts[i]; p.kind == onlyA || p.kind == onlyB {
				side := int(p.kind - onlyA)
				r.aloneOf[side][p.of(side)] = append(r.aloneOf[side][p.of(side)], int32(i))
			}
		}
	})
	var out []part
	for _, i := range r.aloneOf[s][f] {
		out = append(out, r.parts[i])
	}
	return out
}
