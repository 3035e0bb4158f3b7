package analyze

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/pieces"
)

// FlowRules are the rules of flows.
type FlowRules struct{}

var flows = Question{
	Name:  "flows",
	Title: edition.Title{Zh: "地类流向（年度间流入流出）", En: "Flows between land classes from year to year"},
	About: edition.Title{
		Zh: "比较国土调查的两个时相：每一块地面原来是什么地类、现在是什么地类。两期完全相同的图斑直接对应，其余图斑叠加。" +
			"椭球面积（只计一次地面）与记录面积分列，从不相加。记录面积按变更前图斑的记录分摊；版本里有更新数据包的，以包内变更记录（TBBGMJ）为准。耕地扣除的田坎计入 1203。" +
			"地面换了行政区的是调入调出，不是流向。同一地面两期记录之差（平差、尾差、系数变化）列为调整，重叠图斑列为重叠。" +
			"恒等式：期初＋流入－流出＋调入－调出±重叠±调整＝期末。",
		En: "The survey in two vintages: what class each ground was of, and what it is of. Patches that are the same in both are taken as they are, others are laid over each other. " +
			"Ellipsoidal area, which counts ground once, and areas of record are columns of their own and never added up. Areas of record are shares of the earlier patch's; where the edition has an update package, its records of change (TBBGMJ) say which. Ridges that are deducted from cropland are booked under 1203. " +
			"Ground that changed its place is a transfer and no flow. What the same ground is recorded as otherwise (levelling, rounding, another coefficient) is told as adjusted, ground under several patches of one state as double. " +
			"Opening + in − out + transferred in − transferred out ± double ± adjusted = closing.",
	},
	Sources:  []edition.Title{{Zh: "领域说明 6.9（文件 000、004；TD/T 1057 DLTBGXGC）", En: "domain 6.9 (documents 000, 004; TD/T 1057 DLTBGXGC)"}},
	Layers:   []string{"cropland"},
	Optional: []string{"dltb", "pbf", "hsf", edition.Region},
	Twice:    []string{"dltb", "cropland"},
	Between:  true,
	Parameters: []Parameter{{
		Name: "cube", Title: edition.Title{Zh: "另列按永农、高标、坡度的分解", En: "also told apart by PBF, HSF and slope"}, Default: "false", Takes: YesNo, Check: checkTruth("cube"),
		About: edition.Title{Zh: "true 时另列流向按永久基本农田、高标准农田、坡度级别的分解（flow_cube）", En: "true adds the flows told apart by PBF, HSF and slope grade (flow_cube)"},
	}},
	NoShapes: true,
	Answer:   runFlows,
}

// checkTruth refuses what is neither true nor false.
func checkTruth(name string) func(string) error {
	return func(v string) error {
		if v != "true" && v != "false" {
			return badParameter(name, v, "只能是 true 或 false", "it is true or false")
		}
		return nil
	}
}

// flowing is the question on its way.
type flowing struct {
	*Job
	states  *states
	books   books
	classes *areas.Classes
	more    map[[3]string]*flowMore
	cube    map[cubeKey]*cubeCell
	slope   [2]*column
	noise   int64
	cut     int64 // pairs that were found by dividing
	pair    pairOf
	// doubtful are pairs of other classes that may share a sliver.
	doubtful []pairOf
}

// pairOf is what two patches share: the links of a pair, which follow each other, are
// one, however covers part them.
type pairOf struct {
	from, to int32
	flow     [3]string
	areaM2   float64
	cut      bool
	counted  bool // there is one
}

// flowMore is what is told of a flow beside its areas.
type flowMore struct {
	links, noise int64
	patch, small Area
	recorded     bool
}

// cubeKey tells flows apart by what lay on their ground.
type cubeKey struct {
	place, from, to, slope string
	covers                 uint64
}

type cubeCell struct {
	area, patch, net Area
	recorded         [2]bool // patch, net
}

// The covers of a flow cube, as bits of its keys.
const (
	cubePBF = 1 << iota
	cubeHSF
)

func runFlows(ctx context.Context, j *Job) (*Result, error) {
	w := &flowing{Job: j, more: map[[3]string]*flowMore{}}
	var err error
	if w.states, err = j.states(); err != nil {
		return nil, err
	}
	if w.classes, err = areas.DefaultClasses(); err != nil {
		return nil, err
	}
	r := &Result{Extra: map[string]any{}}
	w.states.use(r)
	d, err := w.dividing(r)
	if err != nil {
		return nil, err
	}
	w.books = books{s: w.states, ridges: w.classes.Ridges, ground: newLedger(), record: newLedger()}
	if err := w.books.open(); err != nil {
		return nil, err
	}
	found, stored, err := w.states.links(ctx, d, w.link)
	if err != nil {
		return nil, err
	}
	w.endPair()
	if err := w.markNarrow(ctx); err != nil {
		return nil, err
	}
	r.identity("divided", "叠加所得面积＝参加叠加的图斑面积", "what dividing found is the area of the features that were divided", areaOf(found), areaOf(stored))
	w.books.ground.close(r, w.states.whole, "ground", "椭球面积", "ellipsoidal area")
	w.books.record.close(r, w.states.whole, "record", "记录面积", "area of record")
	w.tables(r)
	w.notes(r)
	r.Extra["sankey"] = w.sankey()
	return r, nil
}

// dividing says how the ground is divided: for a cube by PBF and HSF, too, of the ground
// whose class changed.
func (w *flowing) dividing(r *Result) (dividing, error) {
	var d dividing
	if w.Parameter("cube") != "true" {
		return d, nil
	}
	w.cube = map[cubeKey]*cubeCell{}
	before := w.states.of[0].layer.Meta.Vintage
	bits := []uint64{}
	for _, c := range []struct {
		name string
		bit  uint64
	}{{"pbf", cubePBF}, {"hsf", cubeHSF}} {
		l := w.Index.Layer(c.name, before)
		if l == nil {
			l = w.Maybe(c.name)
		}
		if l == nil {
			r.Layers = append(r.Layers, LayerVersion{Layer: c.name, Missing: true})
			r.note("版本里没有图层 %[1]s，flow_cube 的这一列全为否", "the edition has no layer %[1]s, whose column of flow_cube is false throughout", c.name)
			continue
		}
		r.Layers = append(r.Layers, LayerVersion{Layer: c.name, Vintage: l.Meta.Vintage, Title: l.Meta.Title, Features: l.Len()})
		d.covers, bits = append(d.covers, pieces.Cover{Layer: l}), append(bits, c.bit)
	}
	for side, x := range w.states.of {
		var err error
		if w.slope[side], err = columnOf(x.layer, "GDPDJB"); err != nil {
			return d, err
		}
	}
	d.key = func(p *pieces.Piece) uint64 {
		key := uint64(0)
		for n, bit := range bits {
			if p.In(2 + n) {
				key |= bit
			}
		}
		return key
	}
	d.also = w.states.reclassed
	return d, nil
}

// reclassed tells whether a patch that is the same in both states has another class.
func (s *states) reclassed(from, to int) (bool, error) {
	a, err := s.of[0].class.text(from)
	if err != nil {
		return false, err
	}
	b, err := s.of[1].class.text(to)
	return a != b, err
}

// link books a link.
func (w *flowing) link(l *link) error {
	if err := w.books.book(l); err != nil {
		return err
	}
	if !l.counted[0] || !l.counted[1] || w.states.whole && (l.from < 0 || l.to < 0) {
		return nil // no flow
	}
	k, ok, err := w.flowOf(l)
	if err != nil || !ok {
		return err
	}
	m := w.more[k]
	if m == nil {
		m = &flowMore{}
		w.more[k] = m
	}
	side := 0
	if l.from < 0 {
		side = 1
	}
	if rec := l.record[side]; rec.patched {
		m.patch, m.recorded = m.patch+Area(rec.whole()), true
	}
	if w.pair.counted && w.pair.from == l.from && w.pair.to == l.to {
		w.pair.areaM2 += l.areaM2
	} else {
		w.endPair()
		w.pair = pairOf{l.from, l.to, k, l.areaM2, l.cut, true}
	}
	if w.cube == nil || k[1] == k[2] {
		return nil
	}
	return w.dice(k, l, side)
}

// endPair counts the pair whose links have all come.
func (w *flowing) endPair() {
	p := w.pair
	if !p.counted {
		return
	}
	w.pair = pairOf{}
	m := w.more[p.flow]
	m.links++
	if !p.cut {
		return
	}
	w.cut++
	switch {
	case p.flow[1] == p.flow[2]:
	case p.areaM2 < w.Rules.Slivers.AreaM2.Value:
		w.mark(&p)
	case p.from >= 0 && p.to >= 0:
		w.doubtful = append(w.doubtful, p)
	}
}

// mark counts a pair as likely noise.
func (w *flowing) mark(p *pairOf) {
	m := w.more[p.flow]
	m.noise++
	m.small += areaOf(p.areaM2)
	w.noise++
}

// markNarrow marks the pairs that share a sliver by its form (domain 6.0 rule 2). Only of
// those whose borders are long enough is the shape made: that of a part is no longer than
// both together.
func (w *flowing) markNarrow(ctx context.Context) error {
	for n := range w.doubtful {
		p := &w.doubtful[n]
		if err := ctx.Err(); err != nil {
			return err
		}
		a, err := w.states.of[0].layer.Feature(int(p.from))
		if err != nil {
			return err
		}
		b, err := w.states.of[1].layer.Feature(int(p.to))
		if err != nil {
			return err
		}
		if !w.Rules.Slivers.narrow(p.areaM2, perimeter(a.Geometry)+perimeter(b.Geometry)) {
			continue
		}
		g, err := overlay.Intersection(a.Geometry, b.Geometry)
		if err != nil {
			return err
		}
		if w.Rules.Slivers.narrow(p.areaM2, perimeter(g)) {
			w.mark(p)
		}
	}
	return nil
}

// flowOf returns the place and the classes of a link's flow; false outside of the places
// asked about.
func (w *flowing) flowOf(l *link) (k [3]string, ok bool, err error) {
	k = [3]string{"", notCropland, notCropland}
	ok = true
	for side, i := range []int32{l.from, l.to} {
		if i < 0 {
			continue
		}
		at, err := w.books.spot(side, i)
		if err != nil {
			return k, false, err
		}
		k[0], k[1+side], ok = at.place, at.class, !at.outside
	}
	return k, ok, nil
}

// dice adds a link to the cube.
func (w *flowing) dice(k [3]string, l *link, side int) error {
	at := l.from
	if side == 1 {
		at = l.to
	}
	slope, err := w.slope[side].text(int(at))
	if err != nil {
		return err
	}
	if slope == "" && side == 0 && l.to >= 0 {
		if slope, err = w.slope[1].text(int(l.to)); err != nil {
			return err
		}
	}
	key := cubeKey{k[0], k[1], k[2], slope, l.key}
	c := w.cube[key]
	if c == nil {
		c = &cubeCell{}
		w.cube[key] = c
	}
	c.area += Area(l.area[side])
	if rec := l.record[side]; rec.there {
		c.net, c.recorded[1] = c.net+Area(rec.main), true
		if rec.patched {
			c.patch, c.recorded[0] = c.patch+Area(rec.whole()), true
		}
	}
	return nil
}

// notes says what a reader must know of this answer.
func (w *flowing) notes(r *Result) {
	a, b := w.states.of[0].layer.Meta, w.states.of[1].layer.Meta
	r.note("期初是 %[1]s，期末是 %[2]s", "opening is %[1]s, closing %[2]s", a.Key(), b.Key())
	if !w.states.whole {
		r.note("版本里没有两个时相的地类图斑（dltb），只有耕地：流出到、流入自“非耕地”的地类不详", "the edition has no two vintages of dltb, only cropland: of what is not cropland the class is not known")
	}
	if w.states.lineage != nil {
		r.note("记录面积按更新数据包的 %d 条变更记录分配", "areas of record follow the %d records of the update package", len(w.states.lineage.Links()))
	} else {
		r.note("两个时相之间没有更新数据包：流向由叠加得出，叠加出图斑对 %d 对，其中地类变化而小于 %g m² 或狭长的 %d 对标为可疑碎屑，仍计入合计",
			"no update package lies between the vintages: flows are found by overlay. Dividing found %d pairs of patches; %[3]d of another class, below %[2]g m² or narrow, are marked as likely noise, and counted", w.cut, w.Rules.Slivers.AreaM2.Value, w.noise)
	}
	for side, n := range w.books.unrecorded {
		if n > 0 {
			m := w.states.of[side].layer.Meta
			r.note("%[1]s 有 %[2]d 个图斑没有记录面积，不在记录面积的表里", "%[2]d patches of %[1]s have no area of record and are not in the tables of record", m.Key(), n)
		}
	}
}

// sankey is the flows of all places together, as nodes and links in the form that d3-sankey
// and ECharts read: a link names its nodes, values are hectares of ellipsoidal area.
func (w *flowing) sankey() any {
	type node struct {
		Name  string `json:"name"`
		Title string `json:"title"`
		Side  string `json:"side"`
		Depth int    `json:"depth"`
	}
	type edge struct {
		Source string  `json:"source"`
		Target string  `json:"target"`
		Value  float64 `json:"value"`
		AreaM2 float64 `json:"area_m2"`
	}
	sums, used := map[[2]string]Area{}, [2]map[string]bool{{}, {}}
	for k, v := range w.books.ground.flows {
		sums[[2]string{k[1], k[2]}] += v
		used[0][k[1]], used[1][k[2]] = true, true
	}
	out := struct {
		Form  string `json:"form"`
		Unit  string `json:"unit"`
		Nodes []node `json:"nodes"`
		Links []edge `json:"links"`
	}{"d3-sankey (nodeId = name); ECharts series.sankey", "ha", []node{}, []edge{}}
	vintage := [2]string{w.states.of[0].layer.Meta.Vintage, w.states.of[1].layer.Meta.Vintage}
	name := func(side int, class string) string { return class + "@" + vintage[side] }
	for side, set := range used {
		for _, class := range sortedKeys(set) {
			out.Nodes = append(out.Nodes, node{name(side, class), fmt.Sprint(w.className(class)), vintage[side], side})
		}
	}
	for _, k := range keysOf(sums) {
		if v := sums[k]; v > 0 {
			out.Links = append(out.Links, edge{name(0, k[0]), name(1, k[1]), hectares(v), geo.Hundredths(v).M2()})
		}
	}
	return out
}

// hectares is an area in ha with the six digits that 0.01 m² take.
func hectares(a Area) float64 {
	v, err := strconv.ParseFloat(fmt.Sprintf("%d.%06d", a/1e6, a%1e6), 64)
	if err != nil {
		return 0 // digits and a point always read as a number
	}
	return v
}

// sortedKeys returns the keys of a set in order.
func sortedKeys(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for k := range set {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// className is what a class is called.
func (w *flowing) className(class string) string {
	switch name := w.classes.Name(class); {
	case class == notCropland:
		return "非耕地"
	case name == "":
		return class
	default:
		return name
	}
}
