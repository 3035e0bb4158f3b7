package analyze

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/pieces"
)

var balance = Question{
	Name:  "balance",
	Title: edition.Title{Zh: "占补平衡和进出平衡", En: "Balance of cropland: occupation and supplement, outflow and inflow"},
	About: edition.Title{
		Zh: "比较国土调查两个时相，列出每一块流出、流入耕地的地面。占补：耕地被建设占用，与补充耕地（图层 supplement 中落在新增耕地上、实施年份在两时相之间的部分）对照；没有该图层时以建设用地和未利用地变为的耕地代替，并注明未经核实。" +
			"进出：耕地与其他农用地之间的流出和流入。变为未利用地等的流出、未核实的流入另列。面积是耕地面积（TBDLMJ 分摊，不含田坎），椭球面积另成一列。同一块地面只进一个池：先占补后进出，重复使用列在错误表。" +
			"状态按县、市州、省依次判断，只算版本内的数据；transition_until 之前的流出另列，规则未确认时不影响差额。行政区调整不是流入流出。",
		En: "The survey in two vintages: every ground that left cropland or became it. Occupation: cropland that became construction land, against supplement cropland (what of the layer supplement, of years between the vintages, is cropland that was none before); without that layer, against construction and unused land that became cropland, which is told as unverified. " +
			"Conversion: what went between cropland and other agricultural land. What became unused land, and inflow that nothing verifies, stand apart. Areas are net areas of cropland (shares of TBDLMJ, without ridges); ellipsoidal area is a column of its own. Ground is in one pool: occupation before conversion; what is used twice is told as an error. " +
			"The status is that of the county, then the prefecture, then the province, of what the edition holds; outflow up to transition_until stands apart and counts as long as the rule is not confirmed. Ground that changed its place is neither.",
	},
	Sources: []edition.Title{
		{Zh: "领域说明 6.5（自然资发〔2024〕204号、自然资发〔2021〕166号；文件 002、004）", En: "domain 6.5 (MNR 2024 No. 204, 2021 No. 166; documents 002, 004)"},
	},
	Layers:   []string{"cropland"},
	Optional: []string{"dltb", "supplement", "approval", edition.Region},
	Twice:    []string{"dltb", "cropland"},
	Between:  true,
	Parameters: []Parameter{
		{Name: "kind", Title: edition.Title{Zh: "哪种平衡", En: "which balance"}, Takes: Choose, Choices: []Choice{
			choice("", "两者", "both"), choice(occupation, "占补平衡", "occupation and supplement"), choice(conversion, "进出平衡", "outflow and inflow"),
		}, About: edition.Title{Zh: "occupation（占补）、conversion（进出），空为两者", En: "occupation or conversion; both when empty"}},
		{Name: "transition_until", Title: edition.Title{Zh: "过渡期的最后时相", En: "last vintage of the transition"}, Takes: AtState, About: edition.Title{Zh: "过渡期的最后时相（如 2024）：期末不晚于它的其他农用地流出不计入差额；空为规则文件所定", En: "the last vintage of a transition period, such as 2024: conversion of periods that end by then is not held against the balance; empty is what the rules say"}},
	},
	NoShapes: true,
	Answer:   runBalance,
}

// The kinds of balance, as parameter and tables name them, and what is in neither.
const (
	occupation = "occupation"
	conversion = "conversion"
	neither    = "other"
)

// item is ground of one patch that left cropland or became it.
type item struct {
	kind      string
	out       bool
	place     string // in full
	from, to  int32
	class     [2]string
	area      Area
	net       Area
	recorded  bool
	paddy     bool
	grade     float64 // 0 for none
	recovery  bool    // the earlier record marks the ground as one to recover
	approved  bool
	plot      int32   // of the supplement, -1 for none
	others    []int32 // other plots on the same ground
	noise     bool
	unchecked bool // inflow that nothing verifies
}

// balancing is the question on its way.
type balancing struct {
	*Job
	r          *Result
	states     *states
	rules      *BalanceRules
	classes    *areas.Classes
	supplement *index.Layer
	approval   *index.Layer
	inPeriod   []bool // of the supplement's plots
	under      []covered
	known      map[string]uint64
	full       [2]*places
	grade      [2]*column
	planted    *column
	bsm        [2]*column
	items      []item
	kept       [2]Area // cropland in both states, as either records it
	gone       [2]Area // cropland of features without partner in the edition, and under others
	unrecorded int64
}

// covered is what lies on a piece beside the survey.
type covered struct {
	plots    []int32
	approved bool
}

func runBalance(ctx context.Context, j *Job) (*Result, error) {
	// Number 0 is of nothing: links that were not divided, or that a package alone tells of.
	w := &balancing{Job: j, r: &Result{}, rules: &j.Rules.Balance, known: map[string]uint64{"": 0}, under: make([]covered, 1)}
	if err := w.open(); err != nil {
		return nil, err
	}
	d := dividing{key: w.key, also: w.states.reclassed}
	if w.supplement != nil {
		d.covers = append(d.covers, pieces.Cover{Layer: w.supplement, Only: func(i int) bool { return w.inPeriod[i] }})
	}
	if w.approval != nil {
		d.covers = append(d.covers, pieces.Cover{Layer: w.approval})
	}
	found, stored, err := w.states.links(ctx, d, w.link)
	if err != nil {
		return nil, err
	}
	w.r.identity("divided", "叠加所得面积＝参加叠加的图斑面积", "what dividing found is the area of the features that were divided", areaOf(found), areaOf(stored))
	if err := w.close(); err != nil {
		return nil, err
	}
	if err := w.tables(); err != nil {
		return nil, err
	}
	w.notes()
	return w.r, nil
}

// open finds the layers, and the fields of them that are read.
func (w *balancing) open() (err error) {
	if w.states, err = w.Job.states(); err != nil {
		return err
	}
	if w.classes, err = areas.DefaultClasses(); err != nil {
		return err
	}
	w.states.use(w.r)
	w.supplement, w.approval = w.Maybe("supplement"), w.Maybe("approval")
	w.r.use(w.Job, "supplement", "approval")
	for side, x := range w.states.of {
		w.full[side] = &places{layer: x.layer, digits: 14, within: w.Place, known: map[string]string{}}
		if w.grade[side], err = columnOf(x.layer, "GDDB"); err != nil {
			return err
		}
		if w.bsm[side], err = columnOf(x.layer, "BSM"); err != nil {
			return err
		}
	}
	if w.planted, err = columnOf(w.states.of[0].layer, "ZZSXDM"); err != nil {
		return err
	}
	return w.period()
}

// period finds the plots of the supplement whose year lies between the vintages; those
// without a year are taken.
func (w *balancing) period() error {
	if w.supplement == nil {
		return nil
	}
	year, err := columnOf(w.supplement, "SSND")
	if err != nil {
		return err
	}
	w.inPeriod = make([]bool, w.supplement.Len())
	left, from, to := 0, w.states.of[0].layer.Meta.Vintage, w.states.of[1].layer.Meta.Vintage
	for i := range w.inPeriod {
		y, err := year.text(i)
		if err != nil {
			return err
		}
		w.inPeriod[i] = y == "" || y > from[:min(4, len(from))] && y <= to[:min(4, len(to))]
		if !w.inPeriod[i] {
			left++
		}
	}
	if left > 0 {
		w.r.note("补充耕地有 %[1]d 块的实施年份不在 %[2]s 与 %[3]s 之间，不计入", "%d plots of the supplement are of years that do not lie between %s and %s and do not count", left, from, to)
	}
	return nil
}

// key numbers what lies on a piece.
func (w *balancing) key(p *pieces.Piece) uint64 {
	var c covered
	cover := 2
	if w.supplement != nil {
		p.Each(cover, func(i int) { c.plots = append(c.plots, int32(i)) })
		cover++
	}
	if w.approval != nil {
		c.approved = p.In(cover)
	}
	var text []byte
	for _, i := range c.plots {
		text = binary.AppendUvarint(text, uint64(i)+2)
	}
	if c.approved {
		text = append(text, 1)
	}
	byID(w.supplement, c.plots)
	k, ok := w.known[string(text)]
	if !ok {
		k = uint64(len(w.under))
		w.known[string(text)] = k
		w.under = append(w.under, c)
	}
	return k
}

// link books a link: as kept cropland, as an item, or as none of cropland's business.
func (w *balancing) link(l *link) error {
	class, at := [2]string{notCropland, notCropland}, spot{}
	for side, i := range []int32{l.from, l.to} {
		if i < 0 {
			continue
		}
		place, ok := w.full[side].of(int(i))
		c, err := w.states.of[side].class.text(int(i))
		if err != nil {
			return err
		}
		class[side], at = c, spot{place, c, !ok}
	}
	is := [2]bool{cropland(class[0]), cropland(class[1])}
	inside := [2]bool{w.inside(0, l.from), w.inside(1, l.to)}
	alone := !l.counted[0] || !l.counted[1] || w.states.whole && (l.from < 0 || l.to < 0)
	for side := range 2 {
		// What left or came from another place than those asked about is kept there.
		if is[side] && l.counted[side] && inside[side] && (alone || is[1-side] || at.outside) {
			if alone {
				w.gone[side] += Area(l.record[side].main)
			} else {
				w.kept[side] += Area(l.record[side].main)
			}
		}
	}
	if alone || is[0] == is[1] || at.outside {
		return nil
	}
	if is[0] && !inside[0] {
		w.gone[0] -= Area(l.record[0].main) // it was transferred, and left cropland here
	}
	return w.item(l, class, is[0], at.place)
}

// inside tells whether feature i of a side lies in the place asked about.
func (w *balancing) inside(side int, i int32) bool {
	if i < 0 {
		return false
	}
	_, ok := w.full[side].of(int(i))
	return ok
}

// item lists a link between cropland and what is none.
func (w *balancing) item(l *link, class [2]string, out bool, place string) error {
	side, of := 1, int(l.to)
	if out {
		side, of = 0, int(l.from)
	}
	rec := l.record[side]
	x := item{
		out: out, place: place, from: l.from, to: l.to, class: class, area: Area(l.area[side]), net: Area(rec.main), recorded: rec.there,
		paddy: strings.HasPrefix(class[side], "0101"), plot: -1, noise: l.cut && l.areaM2 < w.Rules.Slivers.AreaM2.Value,
	}
	if !rec.there {
		w.unrecorded++
	}
	grade, ok, err := w.grade[side].number(of)
	if err != nil {
		return err
	}
	if ok && grade > 0 {
		x.grade = grade
	}
	if !out && l.from >= 0 {
		text, err := w.planted.text(int(l.from))
		if err != nil {
			return err
		}
		x.recovery = slices.Contains(w.rules.Recovery.Values, text)
	}
	c := w.under[l.key]
	x.approved = c.approved
	if !out && len(c.plots) > 0 {
		x.plot, x.others = c.plots[0], c.plots[1:]
	}
	w.pool(&x)
	w.items = append(w.items, x)
	return nil
}

// pool puts an item in its one pool.
func (w *balancing) pool(x *item) {
	other := x.class[0]
	if x.out {
		other = x.class[1]
	}
	kind := w.rules.kindOf(other)
	switch {
	case x.out:
		x.kind = kind
	case x.plot >= 0:
		x.kind = occupation
	case kind == conversion:
		x.kind = conversion
	case w.supplement == nil:
		x.kind, x.unchecked = occupation, true
	default:
		x.kind, x.unchecked = neither, true
	}
}

// close adds the identities: all cropland of either state is kept, an item, or told apart.
func (w *balancing) close() error {
	var moved [2]Area
	for i := range w.items {
		side := 1
		if w.items[i].out {
			side = 0
		}
		moved[side] += w.items[i].net
	}
	for side, x := range w.states.of {
		whole := Area(0)
		for i := range x.layer.Len() {
			class, err := x.class.text(i)
			if err != nil {
				return err
			}
			if cropland(class) && w.inside(side, int32(i)) {
				whole += Area(recordOf(x.layer.Record(i)).main)
			}
		}
		name, zh, en := "opening", "期初耕地＝保留的耕地＋流出＋调出和重叠", "cropland before = kept + left + transferred and double"
		if side == 1 {
			name, zh, en = "closing", "期末耕地＝保留的耕地＋流入＋调入和重叠", "cropland after = kept + came + transferred and double"
		}
		w.r.identity(name, zh, en, whole, w.kept[side]+moved[side]+w.gone[side])
	}
	return nil
}

// notes says what a reader must know of this answer.
func (w *balancing) notes() {
	a, b := w.states.of[0].layer.Meta, w.states.of[1].layer.Meta
	w.r.note("期初是 %[1]s，期末是 %[2]s", "opening is %[1]s, closing %[2]s", a.Key(), b.Key())
	if w.supplement == nil {
		w.r.note("版本里没有图层 supplement（补充耕地）：占补的流入是建设用地和未利用地变为的耕地，未经核实", "the edition has no layer supplement: what came in of occupation is construction and unused land that became cropland, and nobody verified it")
	}
	if !w.states.whole {
		w.r.note("版本里没有两个时相的地类图斑（dltb）：流出、流入的地类不详，全部不入占补和进出", "the edition has no two vintages of dltb: what cropland became is not known, and all of it is in neither balance")
	}
	if w.unrecorded > 0 {
		w.r.note("有 %d 项没有记录面积，不计入耕地面积", "%d items have no area of record and count for none", w.unrecorded)
	}
	if !w.rules.Construction.Confirmed || !w.rules.Agricultural.Confirmed {
		w.r.note("建设用地、其他农用地的地类清单在规则文件里（balance），未确认", "which classes are construction land and which other agricultural land stands in the rules file (balance), and is not confirmed")
	}
	if !w.grade[0].there() || !w.grade[1].there() {
		w.r.note("图斑没有耕地等别（GDDB），不能按等别比较", "patches have no grade (GDDB): means of grades are not told")
	}
}
