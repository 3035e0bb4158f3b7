package analyze

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// proposed is a shape of a proposal.
type proposed struct {
	name   string // its id as given, or its number from 1
	place  string
	given  Area             // of the shape
	ground geo.MultiPolygon // what of it is not in the layer, nor in a shape before it
	area   Area             // of ground
}

// change tells the state after the proposal, and both side by side.
func (w *contiguityWork) change(ctx context.Context, before *contiguityState) error {
	for i := range w.Shapes {
		p, err := w.propose(ctx, i)
		if err != nil {
			return fmt.Errorf("%d: %w", i+1, err)
		}
		w.proposed = append(w.proposed, p)
		if len(p.ground) > 0 {
			w.added = append(w.added, i)
		}
	}
	after, err := w.state(ctx, true)
	if err != nil {
		return err
	}
	if err := w.tell(after, "_after", edition.Title{Zh: "（方案之后）", En: " (after the proposal)"}); err != nil {
		return err
	}
	added, removed := Area(0), Area(0)
	for i := range w.proposed {
		added += w.proposed[i].area
	}
	for i := range w.removed {
		removed += areaOf(w.layer.Record(int(i)).AreaM2)
	}
	w.r.identity("change", "之前＋划入－划出＝之后", "before + added − removed = after", before.all+added-removed, after.all)
	w.r.Tables = append(w.r.Tables, w.sideBySide(before, after)...)
	if len(w.proposed) > 0 {
		if n := len(w.proposed) - len(w.added); n > 0 {
			w.r.note("方案有 %d 个图形已全在层内，没有可划入的", "%d shapes of the proposal are in the layer already, and add nothing", n)
		}
		t, err := w.effects(before, after)
		if err != nil {
			return err
		}
		w.r.Tables = append(w.r.Tables, t)
		w.r.note("方案的图形没有净面积的记录：之后含有它们的行不给净面积", "shapes of the proposal have no net area of record: rows of the state after with one of them have none")
	}
	return nil
}

// propose reads a shape of the request.
func (w *contiguityWork) propose(ctx context.Context, i int) (proposed, error) {
	g := &w.Shapes[i]
	p := proposed{name: strconv.Itoa(i + 1)}
	if g.Err != nil {
		return p, g.Err
	}
	var text string
	if json.Unmarshal(g.ID, &text) == nil && text != "" {
		p.name = text
	} else if id := string(g.ID); id != "" && id != "null" {
		p.name = id
	}
	m, err := areas.Shape(g.Polygons, g.CRS)
	if err != nil {
		return p, err
	}
	if m, _, err = overlay.Mend(m); err != nil {
		return p, err
	}
	if allow := areas.Allowance(&w.Index.Manifest.Policy); allow != nil {
		if err := allow(ctx, m); err != nil {
			return p, err
		}
	}
	p.given = areaOf(geo.Area(m))
	if p.ground, err = w.uncovered(ctx, m); err != nil {
		return p, err
	}
	p.area = areaOf(geo.Area(p.ground))
	p.place, err = w.placeOf(p.ground)
	return p, err
}

// uncovered returns what of a shape neither the layer has, without what is removed, nor the
// shapes before.
func (w *contiguityWork) uncovered(ctx context.Context, m geo.MultiPolygon) (geo.MultiPolygon, error) {
	box := m.Box()
	if box.Empty() {
		return nil, nil
	}
	var near []int
	only := w.without(w.places(w.layer).only())
	w.layer.Search(box, func(i int) bool {
		if only == nil || only(i) {
			near = append(near, i)
		}
		return true
	})
	slices.Sort(near)
	var others []geo.MultiPolygon
	for _, i := range near {
		f, err := w.layer.Feature(i)
		if err != nil {
			return nil, err
		}
		others = append(others, f.Geometry)
	}
	for i := range w.proposed {
		if w.proposed[i].ground.Box().Intersects(box) {
			others = append(others, w.proposed[i].ground)
		}
	}
	if len(others) == 0 {
		return m, nil
	}
	return overlay.DifferenceOfLayers(ctx, []geo.MultiPolygon{m}, others)
}

// placeOf returns the place, at the question's level, that most of a shape lies in; "" where
// the edition has no regions there.
func (w *contiguityWork) placeOf(m geo.MultiPolygon) (string, error) {
	regions := w.Maybe(edition.Region)
	if regions == nil || len(m) == 0 {
		return "", nil
	}
	best, most := "", 0.0
	var err error
	var at []int
	regions.Search(m.Box(), func(i int) bool {
		at = append(at, i)
		return true
	})
	slices.Sort(at)
	digits := w.By.Digits()
	for _, i := range at {
		f, ferr := regions.Feature(i)
		if ferr != nil {
			err = ferr
			break
		}
		code := f.Place[:min(len(f.Place), digits)]
		// The finest region that the level has, and of those the one with most of it.
		if share := overlay.SharedArea(f.Geometry, m); share > overlay.MinShared && (len(code) > len(best) || len(code) == len(best) && share > most) {
			best, most = code, share
		}
	}
	return best, err
}

// sideBySide are the tables of both states, in all and by place.
func (w *contiguityWork) sideBySide(before, after *contiguityState) []*Table {
	total := &Table{Name: "contiguity_change_total", Title: edition.Title{Zh: "方案前后：合计", En: "Before and after the proposal: in all"}, Columns: w.changeColumns(false)}
	places := &Table{Name: "contiguity_change", Title: edition.Title{Zh: "方案前后：按地方", En: "Before and after the proposal: by place"}, Columns: w.changeColumns(true)}
	codes := slices.Concat(before.codes, after.codes)
	slices.Sort(codes)
	codes = slices.Compact(codes)
	rows := make([][][]any, len(codes))
	for gap := range w.gaps {
		byBefore, allBefore := before.measures(gap, w.large)
		byAfter, allAfter := after.measures(gap, w.large)
		total.Add(w.changeRow(gap, &allBefore, &allAfter)...)
		for i, code := range codes {
			a, b := pickTract(before.codes, byBefore, code), pickTract(after.codes, byAfter, code)
			rows[i] = append(rows[i], append([]any{code, w.placeName(code)}, w.changeRow(gap, a, b)...))
		}
	}
	for _, of := range rows {
		for _, row := range of {
			places.Add(row...)
		}
	}
	return []*Table{total, places}
}

// pickTract returns the measure of a place, an empty one where the state does not have it.
func pickTract(codes []string, by []tractMeasure, code string) *tractMeasure {
	if i, ok := slices.BinarySearch(codes, code); ok {
		return &by[i]
	}
	return &tractMeasure{}
}

// sideFigures are the figures that stand side by side, by their columns in a row of measures.
var sideFigures = []string{"n", "patches", "area", "mean", "largest", "mesh", "coherence", "lpi", "shape_index"}

// toldIn returns the columns that stand side by side, and where they are in a row of
// measures.
func (w *contiguityWork) toldIn() ([]Column, []int) {
	all := &Table{Columns: w.measureColumns(false)}
	names := slices.Clone(sideFigures)
	for _, c := range all.Columns {
		if len(c.Name) > 5 && c.Name[:5] == "share" {
			names = append(names, c.Name)
		}
	}
	var cs []Column
	var at []int
	for _, name := range names {
		i := all.Column(name)
		cs, at = append(cs, all.Columns[i]), append(at, i)
	}
	return cs, at
}

func (w *contiguityWork) changeColumns(place bool) []Column {
	all := w.measureColumns(place)
	cs := slices.Clone(all[:slices.IndexFunc(all, func(c Column) bool { return c.Name == "gap_m" })+1])
	of, _ := w.toldIn()
	for _, c := range of {
		before, after := c, c
		before.Name, after.Name = c.Name+"_before", c.Name+"_after"
		before.Title = edition.Title{Zh: c.Title.Zh + "：前", En: c.Title.En + ", before"}
		after.Title = edition.Title{Zh: c.Title.Zh + "：后", En: c.Title.En + ", after"}
		cs = append(cs, before, after)
	}
	return cs
}

func (w *contiguityWork) changeRow(gap int, before, after *tractMeasure) []any {
	row := []any{w.gaps[gap]}
	a, b := w.measureRow(gap, before), w.measureRow(gap, after)
	_, at := w.toldIn()
	for _, i := range at {
		row = append(row, a[i], b[i])
	}
	return row
}

// effects is what each shape of the proposal comes to.
func (w *contiguityWork) effects(before, after *contiguityState) (*Table, error) {
	t := &Table{Name: "contiguity_proposal", Single: true, Title: edition.Title{Zh: "方案的图形", En: "Shapes of the proposal"}, Columns: []Column{
		titled("shape", Code, "图形", "shape"),
		titled("xzqdm", Code, "行政区代码", "place"),
		titled("xzqmc", Text, "行政区名称", "name of the place"),
		titled("given", Areas, "图形面积", "area of the shape"),
		titled("area", Areas, "划入面积（尚未在层内的）", "area added (not in the layer yet)"),
		titled("perimeter", Length, "划入部分周长（米）", "perimeter of what is added (m)"),
		titled("shared", Length, "与层内图斑共边（米）", "border shared with patches of the layer (m)"),
		titled("gap_m", Number, "间距（米）", "gap (m)"),
		titled("joined", Count, "并入它的原有片数", "components before that are joined with it"),
		titled("comp_area", Areas, "划入后所在片面积", "area of its component after"),
		titled("gain", Areas, "所在片减划入面积", "its component less the area added"),
	}}
	seeker := after.ground.Seeker()
	at := map[int]int{} // the extra shape that is one of the proposed
	for k, i := range w.added {
		at[i] = k
	}
	where := make([]map[int32]*tract, len(w.gaps))
	for gap := range where {
		where[gap] = after.known(gap)
	}
	for i := range w.proposed {
		p := &w.proposed[i]
		k, ok := at[i]
		if !ok {
			for _, d := range w.gaps {
				t.Add(p.name, p.place, w.placeName(p.place), p.given, p.area, nil, nil, d, nil, nil, nil)
			}
			continue
		}
		shared, perimeter, err := seeker.Border(p.ground, func(m int32) bool { return after.ground.Owner(m).Cover == 0 })
		if err != nil {
			return nil, err
		}
		for gap, d := range w.gaps {
			c := where[gap][after.comps.Of(gap, after.ground.Extra(k))]
			joined := after.joined(before, gap, c)
			t.Add(p.name, p.place, w.placeName(p.place), p.given, p.area, perimeter, shared, d, int64(joined), Area(c.area), Area(c.area)-p.area)
		}
	}
	return t, nil
}

// known returns the components at a gap by their least members.
func (s *contiguityState) known(gap int) map[int32]*tract {
	out := map[int32]*tract{}
	for i := range s.list[gap] {
		c := &s.list[gap][i]
		out[s.comps.Of(gap, s.members[gap][c.first])] = c
	}
	return out
}

// joined returns how many components of the state before have features in a component.
func (s *contiguityState) joined(before *contiguityState, gap int, c *tract) int {
	found := map[int32]bool{}
	for _, m := range s.members[gap][c.first:c.end] {
		if o := s.ground.Owner(m); o.Cover == 0 {
			if b, ok := before.ground.Member(0, int(o.Feature)); ok {
				found[before.comps.Of(gap, b)] = true
			}
		}
	}
	return len(found)
}
