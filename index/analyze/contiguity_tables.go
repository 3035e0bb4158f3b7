package analyze

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// tell adds the tables, shapes and identities of a state, whose names end in suffix.
func (w *contiguityWork) tell(s *contiguityState, suffix string, of edition.Title) error {
	total := &Table{Name: "contiguity_total" + suffix, Title: tractTitle("集中连片度：合计", "Contiguity: in all", of), Columns: w.measureColumns(false)}
	places := &Table{Name: "contiguity" + suffix, Title: tractTitle("集中连片度：按地方", "Contiguity: by place", of), Columns: w.measureColumns(true)}
	for gap := range w.gaps {
		by, all := s.measures(gap, w.large)
		total.Add(w.measureRow(gap, &all)...)
		sum, large := Area(0), int64(0)
		for i := range by {
			m := &by[i]
			places.Add(append([]any{s.codes[i], w.placeName(s.codes[i])}, w.measureRow(gap, m)...)...)
			sum += Area(m.area)
			for _, a := range m.large {
				large += a
			}
		}
		comps, whole := Area(0), int64(0)
		for i := range s.list[gap] {
			comps += Area(s.list[gap][i].area)
		}
		for _, a := range all.large {
			whole += a
		}
		name, d := suffix+"-"+gapText(w.gaps[gap]), gapText(w.gaps[gap])
		w.r.identity("components"+name, "间距 "+d+" 米各片面积之和＝图斑面积之和"+of.Zh, "areas of components at "+d+" m = areas of patches"+of.En, comps, s.all)
		w.r.identity("places"+name, "间距 "+d+" 米各地面积之和＝图斑面积之和"+of.Zh, "areas of places at "+d+" m = areas of patches"+of.En, sum, s.all)
		w.r.identity("large"+name, "间距 "+d+" 米各地大片面积之和＝合计"+of.Zh, "large components of places at "+d+" m = those in all"+of.En, Area(large), Area(whole))
	}
	// By place first, then by gap.
	slices.SortStableFunc(places.Rows, func(a, b []any) int { return cmp.Compare(a[0].(string), b[0].(string)) })
	list := w.components(s, suffix, of)
	w.r.Tables = append(w.r.Tables, total, places, list.Table)
	w.r.Shapes = append(w.r.Shapes, list)
	return nil
}

// tractTitle is a title with what it is of behind it.
func tractTitle(zh, en string, of edition.Title) edition.Title {
	return edition.Title{Zh: zh + of.Zh, En: en + of.En}
}

// gapText returns a gap, or another number, in as few digits as it has.
func gapText(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// measureColumns are the columns of [contiguityWork.measureRow], behind those of the place.
func (w *contiguityWork) measureColumns(place bool) []Column {
	var cs []Column
	add := func(name string, kind Kind, zh, en string) {
		cs = append(cs, titled(name, kind, zh, en))
	}
	if place {
		add("xzqdm", Code, "行政区代码", "place")
		add("xzqmc", Text, "行政区名称", "name of the place")
	}
	add("gap_m", Number, "间距（米）", "gap (m)")
	add("n", Count, "片数（在该地有部分的）", "components with a part here")
	add("main", Count, "片数（最大部分在该地的）", "components with their largest part here")
	add("across", Count, "跨地方的片数", "components that reach beyond one place")
	add("patches", Count, "图斑数", "patches")
	add("area", Areas, "椭球面积", "ellipsoidal area")
	add("net", Areas, "净面积（记录）", "net area of record")
	add("mean", Areas, "片均面积（该地部分）", "mean of the parts here")
	add("median", Areas, "中位面积（该地部分）", "median of the parts here")
	add("largest", Areas, "最大片面积（该地部分）", "largest part here")
	add("mesh", Areas, "有效网格面积（按全片，含界外部分）", "effective mesh (by whole components)")
	add("coherence", Ratio, "聚集度 C", "coherence C")
	add("lpi", Ratio, "最大片占比", "largest patch index")
	for _, mu := range w.large {
		t := gapText(mu)
		name := strings.ReplaceAll(t, ".", "_")
		add("area"+name, Areas, t+" 亩以上的片的面积", "area in components of "+t+" mu and more")
		add("share"+name, Ratio, t+" 亩以上的片占比", "share of components of "+t+" mu and more")
	}
	add("shape_index", Number, "形状指数（面积加权）", "shape index (weighted by area)")
	return cs
}

// measureRow is what is told of components at a gap.
func (w *contiguityWork) measureRow(gap int, m *tractMeasure) []any {
	row := []any{w.gaps[gap], m.n, m.main, m.across, m.patches, Area(m.area), recordCell(m.net)}
	if m.n == 0 || m.area <= 0 {
		row = append(row, nil, nil, nil, nil, nil, nil)
		for range w.large {
			row = append(row, nil, nil)
		}
		return append(row, nil)
	}
	whole := float64(m.area)
	row = append(row, Area((m.area+m.n/2)/m.n), Area(m.median()), Area(m.largest), Area(m.mesh/whole+0.5),
		min(m.within/whole/whole, 1), float64(m.largest)/whole)
	for _, a := range m.large {
		row = append(row, Area(a), float64(a)/whole)
	}
	return append(row, m.shape/whole)
}

// components is the list of components, with their shapes.
func (w *contiguityWork) components(s *contiguityState, suffix string, of edition.Title) *Shapes {
	t := &Table{Name: "contiguity_comp" + suffix, Single: true, Title: tractTitle("连片清单", "Components", of), Columns: []Column{
		titled("gap_m", Number, "间距（米）", "gap (m)"),
		titled("comp_id", Code, "片号（片内最小的要素 id）", "component: the least id of its features"),
		titled("patches", Count, "图斑数", "patches"),
		titled("area", Areas, "椭球面积", "ellipsoidal area"),
		titled("net", Areas, "净面积（记录）", "net area of record"),
		titled("xzqdm", Code, "最大部分所在地", "place of its largest part"),
		titled("xzqmc", Text, "行政区名称", "name of the place"),
		titled("places", Count, "跨几个地方", "places it reaches over"),
		titled("west", Number, "西（经度）", "west (longitude)"),
		titled("south", Number, "南（纬度）", "south (latitude)"),
		titled("east", Number, "东（经度）", "east (longitude)"),
		titled("north", Number, "北（纬度）", "north (latitude)"),
		titled("perimeter", Length, "周长（含内洞，米）", "perimeter with holes (m)"),
		titled("shape_index", Number, "形状指数", "shape index"),
	}}
	type at struct{ gap, comp int }
	var rows []at
	for gap := range w.gaps {
		left, leftArea := 0, Area(0)
		for i := range s.list[gap] {
			c := &s.list[gap][i]
			if float64(c.area)*3 < w.leastMu*200000 {
				left++
				leftArea += Area(c.area)
				continue
			}
			place := s.codes[c.main()]
			t.Add(w.gaps[gap], c.name, int64(c.end-c.first), Area(c.area), recordCell(c.net), place, w.placeName(place), int64(len(c.parts)),
				degrees(c.box.Min.Lon), degrees(c.box.Min.Lat), degrees(c.box.Max.Lon), degrees(c.box.Max.Lat), c.outlineM, c.shapeIndex())
			rows = append(rows, at{gap, i})
		}
		if left > 0 {
			w.r.listNote("间距 %[1]s 米有 %[2]d 片小于 %[3]s 亩，共 %[4]s m²，不在清单里，仍在合计里%[5]s", "at %[1]s m %[2]d components below %[3]s mu, %[4]s m² in all, are not listed, but are in all totals%[6]s",
				gapText(w.gaps[gap]), left, gapText(w.leastMu), leftArea, of.Zh, of.En)
		}
	}
	return &Shapes{Name: "contiguity" + suffix, Title: t.Title, Table: t, Geometry: func(ctx context.Context, row int) (geo.MultiPolygon, error) {
		return w.dissolved(ctx, s, rows[row].gap, &s.list[rows[row].gap][rows[row].comp])
	}}
}

func degrees(v int64) float64 { return float64(v) / geo.Unit }

// dissolved returns the ground of a component. What lies together at the smallest gap is
// dissolved for itself: it touches nothing else of the component.
func (w *contiguityWork) dissolved(ctx context.Context, s *contiguityState, gap int, c *tract) (geo.MultiPolygon, error) {
	members := slices.Clone(s.members[gap][c.first:c.end])
	slices.SortFunc(members, func(a, b int32) int {
		return cmp.Or(cmp.Compare(s.comps.Of(0, a), s.comps.Of(0, b)), cmp.Compare(a, b))
	})
	var out geo.MultiPolygon
	var shapes []geo.MultiPolygon
	for i, m := range members {
		g, err := w.shapeOf(s, m)
		if err != nil {
			return nil, err
		}
		shapes = append(shapes, g)
		if i+1 < len(members) && s.comps.Of(0, members[i+1]) == s.comps.Of(0, m) {
			continue
		}
		whole := g
		if len(shapes) > 1 {
			if whole, err = overlay.Dissolve(ctx, shapes); err != nil {
				return nil, fmt.Errorf("component %s: %w", c.name, err)
			}
		}
		out, shapes = append(out, whole...), shapes[:0]
	}
	slices.SortFunc(out, func(a, b geo.Polygon) int {
		return cmp.Or(cmp.Compare(a[0][0].Lon, b[0][0].Lon), cmp.Compare(a[0][0].Lat, b[0][0].Lat))
	})
	return out, nil
}

// shapeOf returns the shape of a member.
func (w *contiguityWork) shapeOf(s *contiguityState, m int32) (geo.MultiPolygon, error) {
	o := s.ground.Owner(m)
	if o.Cover > 0 {
		return w.proposed[w.added[o.Feature]].ground, nil
	}
	f, err := w.layer.Feature(int(o.Feature))
	return f.Geometry, err
}
