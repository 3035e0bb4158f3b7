package analyze

import (
	"maps"
	"slices"

	"gengtu/index"
	"gengtu/index/edition"
)

// balanceSum is what a place has in one kind of balance: net areas of record, but area,
// which are ellipsoidal. 0 is in, 1 is out.
type balanceSum struct {
	net, area, paddy [2]Area
	graded           [2]Area    // with a grade
	grades           [2]float64 // grade × net area in 0.01 m²
	transition       Area
	approved         Area // of what left, inside approvals
	twice            Area
	items            int64
}

// add adds an item.
func (s *balanceSum) add(x *item, transition bool) {
	way := 0
	if x.out {
		way = 1
		if x.approved {
			s.approved += x.net
		}
		if transition {
			s.transition += x.net
		}
	}
	s.items++
	s.net[way] += x.net
	s.area[way] += x.area
	if x.paddy {
		s.paddy[way] += x.net
	}
	if x.grade > 0 {
		s.graded[way] += x.net
		s.grades[way] += x.grade * float64(x.net)
	}
	if len(x.others) > 0 {
		s.twice += x.net
	}
}

// mean is the mean grade of a way, nil for none.
func (s *balanceSum) mean(way int) any {
	if s.graded[way] == 0 {
		return nil
	}
	return s.grades[way] / float64(s.graded[way])
}

// left is what is held against the balance: transition, where it is decided, is not.
func (s *balanceSum) left(apart bool) Area {
	if apart {
		return s.net[0] - (s.net[1] - s.transition)
	}
	return s.net[0] - s.net[1]
}

// transition returns until when outflow is counted apart, and whether that is decided: by
// the request, or by a confirmed rule.
func (w *balancing) transition() (until string, decided bool) {
	if p := w.Parameter("transition_until"); p != "" {
		return p, true
	}
	return w.rules.TransitionUntil.Value, w.rules.TransitionUntil.Confirmed
}

// tables adds the tables of the answer.
func (w *balancing) tables() error {
	until, decided := w.transition()
	apart := until != "" && edition.CompareVintages(w.states.of[1].layer.Meta.Vintage, until) <= 0
	if until != "" {
		w.r.note("过渡期到 %[1]s：期末%[2]s，其他农用地流出%[3]s", "a transition period runs until %[1]s: the later vintage is %[4]s, conversion %[5]s", until,
			map[bool]string{true: "在内", false: "在外"}[apart], map[bool]string{true: "另列，不计入差额", false: "照常计入差额"}[apart && decided],
			map[bool]string{true: "inside", false: "after it"}[apart], map[bool]string{true: "stands apart and does not count", false: "counts"}[apart && decided])
	}
	asked := w.Parameter("kind")
	var listed, told Area
	for _, kind := range []string{occupation, conversion} {
		if asked != "" && asked != kind {
			continue
		}
		t, sum := w.kindTable(kind, apart && kind == conversion, apart && decided && kind == conversion)
		told += sum
		w.r.Tables = append(w.r.Tables, t)
	}
	w.r.Tables = append(w.r.Tables, w.otherTable())
	items, err := w.itemTable(asked)
	if err != nil {
		return err
	}
	for i := range w.items {
		if x := &w.items[i]; x.kind != neither && (asked == "" || asked == x.kind) {
			listed += x.net
		}
	}
	w.r.identity("items", "各地区流出流入之和＝清单之和", "what left and came of all places is that of the items", told, listed)
	w.r.Tables = append(w.r.Tables, items)
	if w.supplement == nil {
		return nil
	}
	plots, err := w.plotTable()
	if err != nil {
		return err
	}
	doubles, err := w.doubleTable()
	if err != nil {
		return err
	}
	w.r.Tables = append(w.r.Tables, plots, doubles)
	return nil
}

// by adds items of a kind up by the first digits of their places.
func (w *balancing) by(kind string, digits int, transition bool) map[string]*balanceSum {
	out := map[string]*balanceSum{}
	for i := range w.items {
		x := &w.items[i]
		if x.kind != kind {
			continue
		}
		p := x.place[:min(len(x.place), digits)]
		if out[p] == nil {
			out[p] = &balanceSum{}
		}
		out[p].add(x, transition)
	}
	return out
}

// kindTable is the table of one kind of balance, and all that left and came in it.
func (w *balancing) kindTable(kind string, transition, apart bool) (*Table, Area) {
	t := &Table{Name: kind, Title: map[string]edition.Title{
		occupation: {Zh: "占补平衡", En: "occupation and supplement"}, conversion: {Zh: "进出平衡", En: "conversion to other agricultural land and back"},
	}[kind], Columns: append(placeColumns(),
		titled("year", Text, "年度", "year"),
		titled("out", Areas, "流出耕地面积（TBDLMJ 分摊）", "cropland that left, net of record"), titled("in", Areas, "流入耕地面积（TBDLMJ 分摊）", "cropland that came, net of record"),
		titled("transition_out", Areas, "其中过渡期流出", "of it in the transition period"), titled("net", Areas, "差额（流入－流出）", "balance"),
		titled("paddy_out", Areas, "水田流出", "paddy that left"), titled("paddy_in", Areas, "水田流入", "paddy that came"), titled("paddy_net", Areas, "水田差额", "balance of paddy"),
		titled("dry_out", Areas, "旱地流出（含水浇地）", "dry and irrigated land that left"), titled("dry_in", Areas, "旱地流入（含水浇地）", "dry and irrigated land that came"),
		titled("grade_out", Number, "流出平均等别（GDDB，按面积）", "mean grade of what left"), titled("grade_in", Number, "流入平均等别（GDDB，按面积）", "mean grade of what came"),
		titled("grade_worse", Truth, "流入等别更差", "what came is of a worse grade"),
		titled("approved_out", Areas, "流出中在审批范围内", "of what left, inside approvals"), titled("double_in", Areas, "流入中重复使用", "of what came, used twice"),
		titled("out_area", Areas, "流出椭球面积", "ellipsoidal area that left"), titled("in_area", Areas, "流入椭球面积", "ellipsoidal area that came"),
		titled("items", Count, "清单项数", "items"), titled("status", Text, "状态", "status"))}
	sums, total := w.by(kind, w.By.Digits(), transition), Area(0)
	status := w.statuses(kind, transition, apart)
	year := w.states.of[1].layer.Meta.Vintage
	for _, p := range slices.Sorted(maps.Keys(sums)) {
		s := sums[p]
		total += s.net[0] + s.net[1]
		var worse any
		out, in := s.mean(1), s.mean(0)
		if a, ok := out.(float64); ok {
			if b, ok := in.(float64); ok {
				worse = b > a // 1 is the best grade
			}
		}
		t.Add(p, w.placeName(p), year, s.net[1], s.net[0], s.transition, s.left(apart), s.paddy[1], s.paddy[0], s.paddy[0]-s.paddy[1],
			s.net[1]-s.paddy[1], s.net[0]-s.paddy[0], out, in, worse, s.approved, s.twice, s.area[1], s.area[0], s.items, status(p))
	}
	return t, total
}

// statuses returns how a place's balance is met: in its county, or in the prefecture or the
// province that the county is of. Of places that are wider than what was asked about
// nothing is known.
func (w *balancing) statuses(kind string, transition, apart bool) func(place string) any {
	type level struct {
		digits int
		text   string
		sums   map[string]*balanceSum
	}
	levels := []level{{6, "县内平衡", nil}, {4, "市州内平衡", nil}, {2, "省内平衡", nil}}
	for i := range levels {
		levels[i].sums = w.by(kind, levels[i].digits, transition)
	}
	return func(place string) any {
		if len(place) < 2 {
			return nil
		}
		for _, l := range levels {
			switch {
			case len(place) < l.digits:
				continue
			case len(w.Place) > l.digits:
				return "缺口（只问了一部分，上级未算）"
			}
			if s := l.sums[place[:l.digits]]; s != nil && s.left(apart) >= 0 {
				return l.text
			}
		}
		return "缺口"
	}
}

// otherTable tells what is in neither balance.
func (w *balancing) otherTable() *Table {
	t := &Table{Name: "other", Title: edition.Title{Zh: "不入占补、进出的流出流入（变为未利用地等，未核实的流入）", En: "in neither balance: unused land, and what nothing verifies"}, Columns: append(placeColumns(),
		titled("out", Areas, "流出耕地面积（TBDLMJ 分摊）", "cropland that left, net of record"), titled("in", Areas, "流入耕地面积（TBDLMJ 分摊）", "cropland that came, net of record"),
		titled("out_area", Areas, "流出椭球面积", "ellipsoidal area that left"), titled("in_area", Areas, "流入椭球面积", "ellipsoidal area that came"), titled("items", Count, "项数", "items"))}
	sums := w.by(neither, w.By.Digits(), false)
	for _, p := range slices.Sorted(maps.Keys(sums)) {
		s := sums[p]
		t.Add(p, w.placeName(p), s.net[1], s.net[0], s.area[1], s.area[0], s.items)
	}
	return t
}

// itemTable lists the items of both kinds, with the patches before and after.
func (w *balancing) itemTable(asked string) (*Table, error) {
	t := &Table{Name: "items", Title: edition.Title{Zh: "流出流入清单", En: "items"}, Single: true, Columns: append(placeColumns(),
		titled("kind", Text, "类别", "kind"), titled("direction", Text, "方向", "direction"),
		titled("from_bsm", Code, "变更前 BSM", "BSM before"), titled("from", Code, "变更前地类", "class before"),
		titled("to_bsm", Code, "变更后 BSM", "BSM after"), titled("to", Code, "变更后地类", "class after"),
		titled("net", Areas, "耕地面积（TBDLMJ 分摊）", "net area of record"), titled("area", Areas, "椭球面积", "ellipsoidal area"),
		titled("grade", Number, "等别（GDDB）", "grade"), titled("recovery", Truth, "变更前为恢复属性", "marked as land to recover"), titled("approved", Truth, "在审批范围内", "inside an approval"),
		titled("plot", Code, "补充耕地地块", "plot of the supplement"), titled("double", Truth, "重复使用", "used twice"),
		titled("unverified", Truth, "未核实", "not verified"), titled("noise", Truth, "可疑碎屑", "likely noise"))}
	plot, err := columnOf(w.supplement, "BSM", "DKBH")
	if err != nil {
		return nil, err
	}
	for i := range w.items {
		x := &w.items[i]
		if asked != "" && asked != x.kind {
			continue
		}
		var net, grade any
		if x.recorded {
			net = x.net
		}
		if x.grade > 0 {
			grade = x.grade
		}
		before, err := codeOf(w.bsm[0], x.from)
		if err != nil {
			return nil, err
		}
		after, err := codeOf(w.bsm[1], x.to)
		if err != nil {
			return nil, err
		}
		of, err := codeOf(plot, x.plot)
		if err != nil {
			return nil, err
		}
		p := x.place[:min(len(x.place), w.By.Digits())]
		t.Add(p, w.placeName(p), x.kind, map[bool]string{true: "流出", false: "流入"}[x.out], before, x.class[0], after, x.class[1], net, x.area, grade, x.recovery, x.approved, of, len(x.others) > 0, x.unchecked, x.noise)
	}
	sortRows(t, "kind", "direction", "xzqdm", "from_bsm", "to_bsm", "plot", "net", "area")
	return t, nil
}

// plotTable tells of each plot of the supplement how much of it is new cropland.
func (w *balancing) plotTable() (*Table, error) {
	t := &Table{Name: "plots", Title: edition.Title{Zh: "补充耕地地块核对", En: "plots of the supplement"}, Single: true, Columns: append(placeColumns(),
		titled("plot", Code, "地块", "plot"), titled("year", Text, "实施年份", "year"), titled("in_period", Truth, "在两时相之间", "between the vintages"),
		titled("stated", Areas, "填报面积", "area of record"), titled("area", Areas, "椭球面积", "ellipsoidal area"),
		titled("new_area", Areas, "新增耕地椭球面积", "ellipsoidal area of new cropland"), titled("new_net", Areas, "新增耕地面积（TBDLMJ 分摊）", "new cropland, net of record"),
		titled("not_new_area", Areas, "非新增部分椭球面积", "ellipsoidal area that is not new cropland"))}
	code, err := columnOf(w.supplement, "BSM", "DKBH")
	if err != nil {
		return nil, err
	}
	year, err := columnOf(w.supplement, "SSND")
	if err != nil {
		return nil, err
	}
	area, net := map[int32]Area{}, map[int32]Area{}
	for i := range w.items {
		if x := &w.items[i]; x.plot >= 0 {
			area[x.plot], net[x.plot] = area[x.plot]+x.area, net[x.plot]+x.net
		}
	}
	at := w.places(w.supplement)
	for i := range w.supplement.Len() {
		p, ok := at.of(i)
		if !ok {
			continue
		}
		name, err := codeOf(code, int32(i))
		if err != nil {
			return nil, err
		}
		y, err := codeOf(year, int32(i))
		if err != nil {
			return nil, err
		}
		rec := w.supplement.Record(i)
		var stated any
		if index.OfRecord(rec.Patch) {
			stated = Area(rec.Patch)
		}
		whole := areaOf(rec.AreaM2)
		t.Add(p, w.placeName(p), name, y, w.inPeriod[i], stated, whole, area[int32(i)], net[int32(i)], whole-area[int32(i)])
	}
	sortRows(t, "xzqdm", "plot", "stated", "area")
	return t, nil
}

// doubleTable tells what is used twice: ground of several plots, and plots on ground whose
// record is in the pool of conversion.
func (w *balancing) doubleTable() (*Table, error) {
	t := &Table{Name: "errors", Title: edition.Title{Zh: "重复使用（错误）", En: "used twice (errors)"}, Single: true, Columns: append(placeColumns(),
		titled("error", Text, "错误", "error"), titled("plot", Code, "补充耕地地块", "plot"), titled("other_plot", Code, "另一地块", "the other plot"),
		titled("to_bsm", Code, "变更后 BSM", "BSM after"), titled("net", Areas, "耕地面积（TBDLMJ 分摊）", "net area of record"), titled("area", Areas, "椭球面积", "ellipsoidal area"))}
	code, err := columnOf(w.supplement, "BSM", "DKBH")
	if err != nil {
		return nil, err
	}
	for i := range w.items {
		x := &w.items[i]
		if x.plot < 0 || len(x.others) == 0 && !x.recovery {
			continue
		}
		p := x.place[:min(len(x.place), w.By.Digits())]
		plot, err := codeOf(code, x.plot)
		if err != nil {
			return nil, err
		}
		bsm, err := codeOf(w.bsm[1], x.to)
		if err != nil {
			return nil, err
		}
		if x.recovery {
			t.Add(p, w.placeName(p), "地块在恢复属性的地面上，进出平衡也可计", plot, nil, bsm, x.net, x.area)
		}
		for _, o := range x.others {
			other, err := codeOf(code, o)
			if err != nil {
				return nil, err
			}
			t.Add(p, w.placeName(p), "同一地面有几个补充耕地地块", plot, other, bsm, x.net, x.area)
		}
	}
	sortRows(t, "xzqdm", "plot", "other_plot", "to_bsm", "net", "area")
	if n := len(t.Rows); n > 0 {
		w.r.note("补充耕地有 %d 处重复使用，见错误表；面积只计一次", "the supplement is used twice at %d places, see the table of errors; the ground counts once", n)
	}
	return t, nil
}
