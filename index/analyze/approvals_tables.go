package analyze

import (
	"context"
	"maps"
	"slices"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
)

// tables adds the tables of the answer, and its identities.
func (w *approving) tables() error {
	each, err := w.approvalTable()
	if err != nil {
		return err
	}
	places, sum := w.placeTable()
	outside, rows, err := w.outsideTable()
	if err != nil {
		return err
	}
	w.r.Tables = []*Table{places, each, outside}
	w.r.Shapes = []*Shapes{{
		Name: "occupied_outside", Title: edition.Title{Zh: "审批范围外占用的耕地", En: "cropland occupied outside of approvals"}, Table: outside,
		Geometry: func(ctx context.Context, row int) (geo.MultiPolygon, error) { return w.shape(ctx, rows[row]) },
	}}
	inside, beyond := [2]Area{}, [2]Area{}
	for _, a := range w.of {
		for k := range 2 {
			inside[k], beyond[k] = inside[k]+a.inside[k], beyond[k]+a.beyond[k]
		}
	}
	for k, name := range []string{"area", "crop"} {
		zh, en := []string{"椭球面积", "耕地面积"}[k], []string{"ellipsoidal area", "net area of record"}[k]
		w.r.identity("occupied-"+name, zh+"：占用＝各审批范围内＋各审批超出＋无审批", en+": occupied = inside + beyond of all approvals + without", w.total[k], inside[k]+beyond[k]+sum[k])
	}
	found, stored := w.measured()
	w.r.identity("approved", "各审批地块的椭球面积＝分类所得之和", "the ellipsoidal area of approvals is that of their parts", areaOf(stored), areaOf(found))
	unrecorded := 0
	for i := range w.list {
		if !w.list[i].recorded {
			unrecorded++
		}
	}
	if unrecorded > 0 {
		w.r.note("有 %d 处占用的图斑没有记录面积，不计入耕地面积", "%d places that are occupied have no area of record and count for none", unrecorded)
	}
	if !w.Rules.Approvals.Types.Confirmed || !w.Rules.Balance.Construction.Confirmed {
		w.r.note("算数的业务类型和建设用地的地类清单未确认（规则 approvals.types、balance.construction）", "which types count and which classes are construction is not confirmed (rules approvals.types, balance.construction)")
	}
	a, b := w.states.of[0].layer.Meta, w.states.of[1].layer.Meta
	w.r.note("占用是 %[1]s 为耕地、%[2]s 为建设用地的地面", "occupied is what was cropland in %[1]s and is construction land in %[2]s", a.Key(), b.Key())
	return nil
}

// approvalTable tells of each approval.
func (w *approving) approvalTable() (*Table, error) {
	t := &Table{Name: "approvals", Title: edition.Title{Zh: "逐个审批", En: "approvals"}, Single: true, Columns: placeColumns()}
	var names []*column
	for _, h := range headOf {
		t.Columns = append(t.Columns, titled(h.name, h.kind, h.zh, h.en))
		c, err := columnOf(w.layer, h.fields...)
		if err != nil {
			return nil, err
		}
		names = append(names, c)
	}
	t.Columns = append(t.Columns,
		titled("stated", Areas, "填报面积", "stated area"), titled("area", Areas, "椭球面积", "ellipsoidal area"), titled("differs", Areas, "椭球面积－填报面积", "ellipsoidal less stated area"),
		titled("used", Areas, "已是建设用地", "is construction land"), titled("occupied", Areas, "其中占用耕地", "of it cropland before"), titled("used_share", Ratio, "已用比例", "used"),
		titled("unused", Areas, "尚未使用", "not used yet"), titled("cropland_left", Areas, "其中现为耕地", "of it cropland now"), titled("unsurveyed", Areas, "在调查范围外", "outside of the survey"),
		titled("shared", Areas, "与其他审批重叠", "shared with other approvals"),
		titled("inside_crop", Areas, "范围内占用耕地面积（TBDLMJ 分摊）", "cropland occupied inside, net of record"),
		titled("beyond", Areas, "超出占用椭球面积", "occupied beyond, ellipsoidal"), titled("beyond_crop", Areas, "超出占用耕地面积（TBDLMJ 分摊）", "cropland occupied beyond, net of record"))
	at := w.places(w.layer)
	for i := range w.layer.Len() {
		place, ok := at.of(i)
		if !ok || !w.chosen[i] {
			continue
		}
		row := []any{place, w.placeName(place)}
		for _, c := range names {
			v, err := codeOf(c, int32(i))
			if err != nil {
				return nil, err
			}
			row = append(row, v)
		}
		t.Add(append(row, w.figures(i)...)...)
	}
	sortRows(t, "xzqdm", "approval", "number", "area")
	return t, nil
}

// figures are the columns of an approval's areas. Its parts add up to its area.
func (w *approving) figures(i int) []any {
	rec := w.layer.Record(i)
	a := w.of[int32(i)]
	if a == nil {
		a = &approved{}
	}
	whole := geo.HundredthsOf(rec.AreaM2)
	parts := []float64{a.occupied, a.built, a.crop, a.other, a.outside}
	for k := range parts {
		parts[k] = max(parts[k], 0)
	}
	p := geo.LargestRemainder(whole, parts)
	used, unused := Area(p[0]+p[1]), Area(p[2]+p[3]+p[4])
	var stated, differs, share any
	if index.OfRecord(rec.Patch) {
		stated, differs = Area(rec.Patch), Area(whole)-Area(rec.Patch)
	}
	if whole > 0 {
		share = float64(used) / float64(whole)
	}
	return []any{stated, Area(whole), differs, used, Area(p[0]), share, unused, Area(p[2]), Area(p[4]), areaOf(max(a.shared, 0)), a.inside[1], a.beyond[0], a.beyond[1]}
}

// placeTable tells of each place, and what is without approval in all: ellipsoidal, and
// net of record.
func (w *approving) placeTable() (*Table, [2]Area) {
	t := &Table{Name: "occupied_by_place", Title: edition.Title{Zh: "各地区占用耕地与审批", En: "occupied cropland by place"}, Columns: placeColumns()}
	kinds := []struct{ name, zh, en string }{{"occupied", "占用", "occupied"}, {"inside", "审批范围内", "inside approvals"}, {"beyond", "超出审批", "beyond approvals"}, {"without", "无审批", "without approval"}}
	for _, k := range kinds {
		t.Columns = append(t.Columns, titled(k.name, Areas, k.zh+"椭球面积", k.en+", ellipsoidal"), titled(k.name+"_crop", Areas, k.zh+"耕地面积（TBDLMJ 分摊）", k.en+", net of record"))
	}
	sums, without := map[string]*[4][2]Area{}, [2]Area{}
	for n := range w.list {
		o := &w.list[n]
		s := sums[o.place]
		if s == nil {
			s = &[4][2]Area{}
			sums[o.place] = s
		}
		kind := 3
		switch {
		case o.inside:
			kind = 1
		case o.at >= 0:
			kind = 2
		default:
			without[0], without[1] = without[0]+o.area, without[1]+o.net
		}
		for _, k := range []int{0, kind} {
			s[k][0], s[k][1] = s[k][0]+o.area, s[k][1]+o.net
		}
	}
	for _, p := range slices.Sorted(maps.Keys(sums)) {
		row := []any{p, w.placeName(p)}
		for _, v := range sums[p] {
			row = append(row, v[0], v[1])
		}
		t.Add(row...)
	}
	return t, without
}

// outsideTable lists what is occupied outside of approvals; rows are what its rows are of.
func (w *approving) outsideTable() (*Table, []*occupied, error) {
	t := &Table{Name: "occupied_outside", Single: true, Title: edition.Title{Zh: "审批范围外占用的耕地", En: "cropland occupied outside of approvals"}, Columns: append(placeColumns(),
		titled("beyond", Code, "超出的审批地块（空为无审批）", "the approval that it is beyond; none without approval"),
		titled("from_bsm", Code, "变更前 BSM", "BSM before"), titled("from", Code, "变更前地类", "class before"),
		titled("to_bsm", Code, "变更后 BSM", "BSM after"), titled("to", Code, "变更后地类", "class after"),
		titled("area", Areas, "椭球面积", "ellipsoidal area"), titled("crop", Areas, "耕地面积（TBDLMJ 分摊）", "net area of record"), titled("noise", Truth, "可疑碎屑", "likely noise"))}
	bsm := [2]*column{}
	for side, x := range w.states.of {
		var err error
		if bsm[side], err = columnOf(x.layer, "BSM"); err != nil {
			return nil, nil, err
		}
	}
	name, err := columnOf(w.layer, headOf[0].fields...)
	if err != nil {
		return nil, nil, err
	}
	of := map[*any]*occupied{} // by the first cell of the row, which stays where it is
	for n := range w.list {
		o := &w.list[n]
		if o.inside {
			continue
		}
		row := []any{o.place, w.placeName(o.place), nil, nil, nil, nil, nil, o.area, nil, geo.Hundredths(o.area).M2() < w.Rules.Slivers.AreaM2.Value}
		if row[2], err = w.bsmOf(name, o.at); err != nil {
			return nil, nil, err
		}
		for side, i := range []int32{o.from, o.to} {
			if row[3+2*side], err = w.bsmOf(bsm[side], i); err != nil {
				return nil, nil, err
			}
			class, err := w.states.of[side].class.text(int(i))
			if err != nil {
				return nil, nil, err
			}
			row[4+2*side] = class
		}
		if o.recorded {
			row[8] = o.net
		}
		t.Add(row...)
		of[&row[0]] = o
	}
	sortRows(t, "xzqdm", "from_bsm", "to_bsm", "area", "crop")
	rows := make([]*occupied, len(t.Rows))
	for i, row := range t.Rows {
		rows[i] = of[&row[0]]
	}
	return t, rows, nil
}
