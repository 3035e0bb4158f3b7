package analyze

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
)

func alertTable() *Table {
	return &Table{Name: "alert", Single: true, Title: edition.Title{Zh: "“非农化”“非粮化”疑似图斑", En: "cropland turned to other use"}, Columns: []Column{
		{"alert_id", edition.Title{Zh: "疑似图斑编号", En: "alert"}, Code},
		{"src_batch", edition.Title{Zh: "来源批次", En: "batch"}, Code},
		{"xzqdm", edition.Title{Zh: "行政区代码", En: "place"}, Code},
		{"xzqmc", edition.Title{Zh: "行政区名称", En: "name of the place"}, Text},
		{"subject", edition.Title{Zh: "图斑标识（变化图斑或后期图斑）", En: "code of the monitored or later patch"}, Code},
		{"kind", edition.Title{Zh: "类型", En: "kind"}, Code},
		{"tblx", edition.Title{Zh: "变化图斑类型 TBLX", En: "kind of monitored change"}, Code},
		{"qsx", edition.Title{Zh: "前时相", En: "picture before"}, Text},
		{"hsx", edition.Title{Zh: "后时相", En: "picture after"}, Text},
		{"before", edition.Title{Zh: "原地类（占多数）", En: "class before, of most of the ground"}, Code},
		{"after", edition.Title{Zh: "现地类（变化图斑无）", En: "class after, of surveys"}, Code},
		{"severity", edition.Title{Zh: "严重程度", En: "severity"}, Code},
		{"area", edition.Title{Zh: "疑似面积 V（椭球）", En: "ground on cropland or farmland, V, ellipsoidal"}, Areas},
		{"pbf", edition.Title{Zh: "其中永久基本农田（椭球）", En: "of it permanent basic farmland, ellipsoidal"}, Areas},
		{"stable", edition.Title{Zh: "其中其余稳定耕地（椭球）", En: "of the rest stable cropland, ellipsoidal"}, Areas},
		{"other", edition.Title{Zh: "其中其余耕地（椭球）", En: "of the rest other cropland, ellipsoidal"}, Areas},
		{"crop", edition.Title{Zh: "V 中前期耕地，含永农内的（椭球）", En: "of V cropland before, on farmland or not, ellipsoidal"}, Areas},
		{"approved", edition.Title{Zh: "已批准（椭球）", En: "approved, ellipsoidal"}, Areas},
		{"remaining", edition.Title{Zh: "扣除已批准后（椭球）", En: "what is left, ellipsoidal"}, Areas},
		{"state", edition.Title{Zh: "状态", En: "state"}, Code},
		{"first_seen", edition.Title{Zh: "首次发现批次", En: "batch first seen in"}, Code},
		{"earlier_id", edition.Title{Zh: "以前的编号", En: "alert that it goes on from"}, Code},
		{"pushed_to", edition.Title{Zh: "推送单位（待填）", En: "pushed to (to be filled in)"}, Text},
		{"pushed_at", edition.Title{Zh: "推送时间（待填）", En: "pushed at (to be filled in)"}, Text},
		{"due", edition.Title{Zh: "办理期限（待填）", En: "due (to be filled in)"}, Text},
		{"remark", edition.Title{Zh: "备注", En: "remark"}, Text},
	}}
}

func alertSumTable() *Table {
	return &Table{Name: "alert_sum", Title: edition.Title{Zh: "按地区、类型和严重程度合计", En: "sums by place, kind and severity"}, Columns: []Column{
		{"xzqdm", edition.Title{Zh: "行政区代码", En: "place"}, Code},
		{"xzqmc", edition.Title{Zh: "行政区名称", En: "name of the place"}, Text},
		{"kind", edition.Title{Zh: "类型", En: "kind"}, Code},
		{"severity", edition.Title{Zh: "严重程度（地面）", En: "severity of the ground"}, Code},
		{"n_new", edition.Title{Zh: "新增图斑数（按图斑的严重程度）", En: "new alerts of that severity"}, Count},
		{"n_known", edition.Title{Zh: "已知图斑数", En: "known alerts"}, Count},
		{"n_approved", edition.Title{Zh: "已批准图斑数", En: "approved alerts"}, Count},
		{"n_sliver", edition.Title{Zh: "碎片数", En: "slivers"}, Count},
		{"area", edition.Title{Zh: "疑似面积 V（椭球）", En: "V, ellipsoidal"}, Areas},
		{"approved", edition.Title{Zh: "已批准（椭球）", En: "approved, ellipsoidal"}, Areas},
		{"new", edition.Title{Zh: "新增（椭球）", En: "new, ellipsoidal"}, Areas},
		{"known", edition.Title{Zh: "已知（椭球）", En: "known, ellipsoidal"}, Areas},
		{"sliver", edition.Title{Zh: "碎片（椭球）", En: "slivers, ellipsoidal"}, Areas},
	}}
}

// severity is the gravest of which an alert has more than a sliver, else the gravest of
// which it has any.
func (a *alert) severity(least Area) int {
	for _, l := range []Area{least, 1} {
		for s := severities - 1; s > noSeverity; s-- {
			if a.ground[s] >= l {
				return s
			}
		}
	}
	return noSeverity
}

// alertID names an alert by what it was seen in.
func (n *nonagriJob) alertID(a *alert) string {
	name := idOf(n.subject, a.feature)
	sum := sha256.Sum256([]byte(strings.Join([]string{"gengtu alert", name[0], n.subject.Meta.Vintage, name[1]}, "\x00")))
	return "A-" + hex.EncodeToString(sum[:])[:12]
}

// tables makes the tables and the layer of alerts.
func (n *nonagriJob) tables(r *Result) error {
	least := n.Rules.Slivers.least()
	at := n.places(n.subject)
	var listed []*alert
	for _, a := range n.alerts {
		if !a.sliver {
			listed = append(listed, a)
		}
	}
	states := []alertState{newState, knownState, approvedState}
	place := func(a *alert) string { code, _ := at.of(a.feature); return code }
	slices.SortFunc(listed, func(x, y *alert) int {
		return cmp.Or(slices.Index(states, x.state)-slices.Index(states, y.state), y.severity(least)-x.severity(least),
			cmp.Compare(place(x), place(y)), cmp.Compare(n.subject.Head(x.feature).ID, n.subject.Head(y.feature).ID))
	})
	list := alertTable()
	code, err := newFeatureCodes(n.subject)
	if err != nil {
		return err
	}
	for _, a := range listed {
		if err := n.row(list, a, place(a), severityNames[a.severity(least)], code); err != nil {
			return err
		}
	}
	r.Tables = append(r.Tables, list, n.sums(r, place, least))
	r.Shapes = append(r.Shapes, &Shapes{Name: "alert", Title: list.Title, Table: list, Geometry: func(ctx context.Context, row int) (geo.MultiPolygon, error) {
		if listed[row].why != nil {
			return nil, ctx.Err()
		}
		return n.shape(ctx, listed[row])
	}})
	n.notes(r)
	return nil
}

// row adds the row of an alert.
func (n *nonagriJob) row(list *Table, a *alert, place, severity string, code *featureCodes) error {
	texts := make([]any, 0, 5)
	for _, c := range []*column{n.tblx, n.qsx, n.hsx} {
		t, err := c.text(a.feature)
		if err != nil {
			return err
		}
		texts = append(texts, textCell(t))
	}
	var after any
	if n.survey {
		t, err := n.class.text(a.feature)
		if err != nil {
			return err
		}
		after = textCell(t)
	}
	name, err := code.of(a.feature)
	if err != nil {
		return err
	}
	batch := n.subject.Meta.Vintage
	seen, before, remark := batch, any(nil), any(nil)
	if a.earlier != nil {
		seen, before = cmp.Or(a.earlier.firstSeen, batch), textCell(a.earlier.id)
	}
	if a.crop == 0 {
		remark = "前期已不是耕地 no cropland before, either"
	}
	if a.why != nil {
		remark = "图形求交失败，须人工核对 no shape could be made: to be looked at"
	}
	list.Add(n.alertID(a), batch, place, n.placeName(place), name, string(a.kind), texts[0], texts[1], texts[2], textCell(a.before), after, severity,
		a.area(), a.ground[onPBF], a.ground[stableCrop], a.ground[otherCrop], a.crop, a.approved(), a.left(), string(a.state), seen, before, nil, nil, nil, remark)
	return nil
}

// sums adds up by place, kind and severity, and holds the sums against the shares.
func (n *nonagriJob) sums(r *Result, place func(*alert) string, least Area) *Table {
	type key struct {
		place, kind string
		severity    int
	}
	type figures struct {
		count [4]int64 // new, known, approved, sliver
		area  [5]Area  // V, approved, new, known, sliver
	}
	by := map[key]*figures{}
	at := func(a *alert, severity int) *figures {
		k := key{place(a), string(a.kind), severity}
		if by[k] == nil {
			by[k] = &figures{}
		}
		return by[k]
	}
	for _, a := range n.alerts {
		kind := slices.Index([]alertState{newState, knownState, approvedState}, a.state)
		if a.sliver {
			kind = 3
		}
		at(a, a.severity(least)).count[kind]++
		for s := noSeverity + 1; s < severities; s++ {
			if a.ground[s] == 0 {
				continue
			}
			f, rest := at(a, s), a.ground[s]-a.allowed[s]
			f.area[0] += a.ground[s]
			f.area[1] += a.allowed[s]
			switch {
			case a.sliver || a.state == approvedState:
				f.area[4] += rest // what is left of approved ground is below a sliver
			case a.state == knownState:
				f.area[3] += rest
			default:
				f.area[2] += rest
			}
		}
	}
	keys := make([]key, 0, len(by))
	for k := range by {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(x, y key) int {
		return cmp.Or(cmp.Compare(x.place, y.place), cmp.Compare(x.kind, y.kind), y.severity-x.severity)
	})
	t := alertSumTable()
	var parts [severities]Area
	for _, k := range keys {
		f := by[k]
		t.Add(k.place, n.placeName(k.place), k.kind, severityNames[k.severity], f.count[0], f.count[1], f.count[2], f.count[3], f.area[0], f.area[1], f.area[2], f.area[3], f.area[4])
		parts[k.severity] += f.area[1] + f.area[2] + f.area[3] + f.area[4]
	}
	for s := severities - 1; s > noSeverity; s-- {
		r.identity("V_"+severityNames[s], "严重程度“"+graveness(s).Zh+"”：V = 已批准 + 新增 + 已知 + 碎片", "severity "+graveness(s).En+": V = approved + new + known + slivers", n.total[s], parts[s])
	}
	return t
}

// graveness is what a severity is called.
func graveness(s int) edition.Title { return Told("alert", "severity", severityNames[s]) }

// notes tells what the answer rests on.
func (n *nonagriJob) notes(r *Result) {
	if n.doubled {
		r.note("依据的图斑相互重叠：重叠处在各图斑中分别计面积", "patches that the answer is about lie on each other: such ground counts in each of them")
	}
	if len(n.past.list) == 0 {
		r.note("没有以前的推送可比：全部为新增", "there are no earlier alerts to compare with: all are new")
	}
	lists := []*Listed{&n.rules.UnstableRefinements, &n.rules.UnstableSlopes, &n.rules.Approvals}
	if !n.survey {
		lists = append(lists, &n.rules.MonitoredConstruction, &n.rules.MonitoredNongrain)
	}
	for _, l := range lists {
		if !l.Confirmed {
			r.note("规则清单 %[1]s 未经确认（%[2]s）：据此的分类是提示", "the list %[1]s of the rules is not confirmed (%[2]s): what follows from it is a flag", strings.Join(l.Values, " "), l.Source)
		}
	}
}

// close holds the ground on permanent basic farmland against the pairs of features, which
// are found without dividing any ground.
func (n *nonagriJob) close(ctx context.Context, r *Result) error {
	if n.pbf == nil {
		return nil
	}
	joined := 0.0
	err := overlay.Join(ctx, n.subject, n.pbf, n.Workers, func(pairs []overlay.Pair) error {
		for _, p := range pairs {
			if n.kinds[p.A] != "" {
				joined += p.Area
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	r.identity("pbf", "落在永久基本农田上的地面：划分地面 = 两两求交", "ground on permanent basic farmland: by division = by pairs of features", areaOf(n.onFarmland), areaOf(joined))
	return nil
}
