package reconcile

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"gengtu/index/analyze"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/problem"
)

// cell is a place and a class that both sides have a figure of, or one has.
type cell struct{ place, class string }

// figures are a side's figures by place and class.
type figures map[cell]*Row

// bare answers where a side has no features: differences by place, and by class where both
// sides tell it.
func (r *run) bare() (*analyze.Result, error) {
	if err := r.settleTables(); err != nil {
		return nil, err
	}
	var of [2]figures
	classed, digits := r.classed(), r.digits()
	for n, o := range []*Operand{&r.A, &r.B} {
		var err error
		if of[n], err = r.figuresOf(n, o, classed, digits); err != nil {
			return nil, err
		}
	}
	out := r.result()
	if o := r.open(); o != nil {
		var err error
		if r.names, err = areas.PlaceNames(o.Index, ""); err != nil {
			return nil, err
		}
	}
	for n, o := range []*Operand{&r.A, &r.B} {
		if o.Table != nil {
			about := o.Table.About
			note(out, "%[1]s是上报的数（%[2]s%[3]s），没有要素：只列各政区的差额，不说明原因", "%[1]s is reported figures (%[2]s%[3]s) without features: there are differences by place only, and no reasons", sideNames[n], o.Table.Name, about)
		} else {
			m := o.Layer.Meta
			out.Layers = append(out.Layers, analyze.LayerVersion{Layer: m.Name, Vintage: m.Vintage, Title: m.Title, Features: o.Layer.Len()})
		}
	}
	diff := r.differences(of, classed)
	out.Tables = []*analyze.Table{r.bareBridge(out, diff), diff}
	return out, r.close(out)
}

// settleTables chooses of saved answers the column that is of the other side's kind.
func (r *run) settleTables() error {
	for n, o := range []*Operand{&r.A, &r.B} {
		if o.Table == nil {
			continue
		}
		want := cmp.Or(o.Figure, []*Operand{&r.B, &r.A}[n].Figure)
		t, err := o.Table.settled(want)
		if err != nil {
			return err
		}
		o.Table = t
	}
	return nil
}

// open returns a side that has features, nil where neither has.
func (r *run) open() *Operand {
	for _, o := range []*Operand{&r.A, &r.B} {
		if o.Layer != nil {
			return o
		}
	}
	return nil
}

// classed tells whether both sides tell classes.
func (r *run) classed() bool {
	for _, o := range []*Operand{&r.A, &r.B} {
		switch {
		case o.Table != nil && !slices.ContainsFunc(o.Table.Rows, func(x Row) bool { return x.Class != "" }),
			o.Layer != nil && o.Layer.Meta.ClassField == "":
			return false
		}
	}
	return true
}

// digits is how long the codes are that figures are told by: those asked for, or what
// the coarser table has.
func (r *run) digits() int {
	d := r.By.Digits()
	for _, o := range []*Operand{&r.A, &r.B} {
		if o.Table == nil {
			continue
		}
		longest := 0
		for i := range o.Table.Rows {
			longest = max(longest, len(o.Table.Rows[i].Place))
		}
		d = min(d, longest)
	}
	return d
}

// figuresOf adds a side up by place and class.
func (r *run) figuresOf(n int, o *Operand, classed bool, digits int) (figures, error) {
	out := figures{}
	add := func(place, class string, v analyze.Area, half float64) {
		if !strings.HasPrefix(place, r.Place) {
			return
		}
		if !classed {
			class = ""
		}
		k := cell{place[:min(len(place), digits)], class}
		if out[k] == nil {
			out[k] = &Row{}
		}
		out[k].Area += v
		out[k].Half += half
	}
	if o.Table != nil {
		rows, err := o.Table.asked(r.layerOf(1 - n))
		if err != nil {
			return nil, err
		}
		for i := range rows {
			if at := rows[i].Place; len(at) < len(r.Place) && strings.HasPrefix(r.Place, at) {
				return nil, problem.New("FIGURES_PLACE", "%[1]q 的数比所问的 %[2]s 范围大，其中多少属于 %[2]s 不知道", "the figure of %[1]q is of more than %[2]s, which is asked about: what of it is of %[2]s is not known", at, r.Place).In(o.Table.Name).
					Advise("给出 %[1]s 或其下各政区的数，或不写 --place", "give figures of %[1]s or of the places in it, or leave the place out", r.Place)
			}
			add(rows[i].Place, rows[i].Class, rows[i].Area, rows[i].Half)
		}
		return out, nil
	}
	s, err := newSide(o)
	if err != nil {
		return nil, err
	}
	if o.Figure == Ground {
		return nil, problem.New("RECONCILE_FIGURE", "与上报的数对账，口径不能是 ground", "against reported figures the kind of figure cannot be ground").
			Advise("用 area、patch 或 net", "take area, patch or net")
	}
	for i := range o.Layer.Len() {
		if !s.takes(i) {
			continue
		}
		v, ok := s.value(i)
		if !ok {
			s.missing++
			continue
		}
		add(o.Layer.Head(i).Place, s.class(i), analyze.Area(v), 0)
	}
	return out, nil
}

// layerOf names the layer of a side, "" for a table.
func (r *run) layerOf(n int) string {
	if o := []*Operand{&r.A, &r.B}[n]; o.Layer != nil {
		return o.Layer.Meta.Name
	}
	return ""
}

// asked returns the rows of a layer, all where the table names none; of rows of which some are
// parts of others, as classes of 01 or villages of a township, those that are not
// parts.
func (t *Table) asked(layer string) ([]Row, error) {
	var names []string
	for i := range t.Rows {
		if n := t.Rows[i].Layer; n != "" && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	if layer == "" && len(names) > 1 || layer != "" && len(names) > 0 && !slices.Contains(names, layer) {
		return nil, problem.New("FIGURES_LAYER", "表中有图层 %[1]s，不知取哪一个", "the table has the layers %[1]s, and which is meant is not known", strings.Join(names, " ")).In(t.Name).
			Advise("另一方给出同名图层，或只留一个图层的行", "let the other side be the layer of that name, or leave the lines of one layer")
	}
	var rows []Row
	for _, x := range t.Rows {
		if layer == "" || x.Layer == "" || x.Layer == layer {
			rows = append(rows, x)
		}
	}
	has := map[cell]bool{}
	for i := range rows {
		has[cell{rows[i].Place, rows[i].Class}] = true
	}
	for i := range rows {
		x := &rows[i]
		for _, level := range areas.Levels {
			d := level.Digits()
			if d < len(x.Place) && has[cell{x.Place[:d], x.Class}] {
				return nil, problem.New("FIGURES_LEVELS", "表中既有 %[1]s 又有其中的 %[2]s，会重复相加", "the table has %[1]s and %[2]s, which is part of it: both would count", x.Place[:d], x.Place).In(t.Name).
					Advise("只留一级政区的行", "leave the lines of one level of places")
			}
		}
	}
	return rows, nil
}

// differences lists the cells of both sides.
func (r *run) differences(of [2]figures, classed bool) *analyze.Table {
	t := &analyze.Table{Name: "bridge_by_place", Title: edition.Title{Zh: "按政区的差额", En: "differences by place"}, Columns: []analyze.Column{
		column("xzqdm", analyze.Code, "政区代码", "place"), column("xzqmc", analyze.Text, "政区名称", "place name"), column("class", analyze.Code, "地类", "class"),
		column("a", analyze.Areas, "甲数", "figure A"), column("rounding", analyze.Areas, Rounding.Title().Zh, Rounding.Title().En),
		column("unexplained", analyze.Areas, Unexplained.Title().Zh, Unexplained.Title().En), column("b", analyze.Areas, "乙数", "figure B"),
	}}
	all := map[cell]bool{}
	for n := range of {
		for k := range of[n] {
			all[k] = true
		}
	}
	keys := slices.SortedFunc(maps.Keys(all), func(x, y cell) int {
		return cmp.Or(strings.Compare(x.place, y.place), strings.Compare(x.class, y.class))
	})
	for _, k := range keys {
		var class any
		if classed {
			class = k.class
		}
		var values [2]any
		var areas [2]analyze.Area
		half := 0.0
		for n := range of {
			if x := of[n][k]; x != nil {
				values[n], areas[n] = x.Area, x.Area
				half += x.Half
			}
		}
		rounding, open := areas[1]-areas[0], analyze.Area(0)
		if values[0] == nil || values[1] == nil || math.Abs(float64(rounding)) > half+0.5 {
			rounding, open = 0, rounding
		}
		t.Add(k.place, r.name(k.place), class, values[0], rounding, open, values[1])
	}
	return t
}

// bareBridge sums the differences up.
func (r *run) bareBridge(out *analyze.Result, diff *analyze.Table) *analyze.Table {
	t := &analyze.Table{Name: "bridge", Title: edition.Title{Zh: "差额", En: "the difference"}, Columns: []analyze.Column{
		column("line", analyze.Code, "项", "line"), column("name", analyze.Text, "名称", "name in Chinese"), column("name_en", analyze.Text, "英文名称", "name"),
		column("area", analyze.Areas, "面积", "area"), column("after", analyze.Areas, "累计", "so far"),
		column("features", analyze.Count, "政区和地类数", "places and classes"),
	}}
	var sums [4]analyze.Area
	var counts [4]int64
	for _, row := range diff.Rows {
		for k, name := range []string{"a", "rounding", "unexplained", "b"} {
			if v, ok := row[diff.Column(name)].(analyze.Area); ok {
				sums[k] += v
				if v != 0 {
					counts[k]++
				}
			}
		}
	}
	t.Add("a", "甲数", "figure A", sums[0], sums[0], counts[0])
	t.Add(string(Rounding), Rounding.Title().Zh, Rounding.Title().En, sums[1], sums[0]+sums[1], counts[1])
	t.Add(string(Unexplained), Unexplained.Title().Zh, Unexplained.Title().En, sums[2], sums[0]+sums[1]+sums[2], counts[2])
	t.Add("b", "乙数", "figure B", sums[3], sums[3], counts[3])
	out.Identities = append(out.Identities, analyze.Identity{Name: "bridge", Title: edition.Title{Zh: "甲数加各项等于乙数", En: "A and the lines are B"}, Left: sums[0] + sums[1] + sums[2], Right: sums[3]})
	return t
}
