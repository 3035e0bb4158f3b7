package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest"
)

// text is a sentence in the languages of people.
type text struct{ zh, en string }

func say(zh, en string, args ...any) text {
	return text{fmt.Sprintf(zh, args...), fmt.Sprintf(en, args...)}
}

func (t text) in(l problem.Lang) string {
	if l == problem.Chinese {
		return t.zh
	}
	return t.en
}

// TierWords says in words what a tier gets by a policy.
type TierWords struct {
	Tier  edition.Tier `json:"tier"`
	Title string       `json:"title"`
	Says  []string     `json:"says"`
}

// Words says what each tier gets, the higher tier first.
func (p *Policy) Words(l problem.Lang) []TierWords {
	var out []TierWords
	for _, tier := range edition.Tiers {
		t, ok := p.Tiers[tier]
		if !ok {
			continue
		}
		w := TierWords{Tier: tier, Title: tier.Title(l)}
		for _, a := range aspects {
			w.Says = append(w.Says, a.say(&t).in(l))
		}
		for _, name := range slices.Sorted(maps.Keys(t.Layers)) {
			w.Says = append(w.Says, t.layerWords(name).in(l))
		}
		out = append(out, w)
	}
	return out
}

// TierChange says in words what a tier gains and loses from one policy to another, and
// what is otherwise than it was.
type TierChange struct {
	Tier    edition.Tier `json:"tier"`
	Title   string       `json:"title"`
	Gains   []string     `json:"gains"`
	Loses   []string     `json:"loses"`
	Changes []string     `json:"changes"`
}

// Compare says what each tier gains and loses from a to b, the higher tier first; tiers
// for which nothing changes are left out.
func Compare(a, b *Policy, l problem.Lang) []TierChange {
	out := []TierChange{}
	for _, tier := range edition.Tiers {
		c := &TierChange{Tier: tier, Title: tier.Title(l), Gains: []string{}, Loses: []string{}, Changes: []string{}}
		from, had := a.Tiers[tier]
		to, has := b.Tiers[tier]
		switch {
		case had && has:
			c.compare(&from, &to, l)
		case had:
			c.Loses = append(c.Loses, say("整版不再派生", "the whole edition is not made any more").in(l))
		case has:
			c.Gains = append(c.Gains, say("开始派生这一版", "the edition is made").in(l))
			c.compare(&TierRules{MaxZoom: -1, Layers: map[string]Layer{}}, &to, l)
		}
		if len(c.Gains)+len(c.Loses)+len(c.Changes) > 0 {
			out = append(out, *c)
		}
	}
	return out
}

// aspect is something that a policy says of a tier as a whole.
type aspect struct {
	// keys are those of the tier that the words are about.
	keys []string
	say  func(t *TierRules) text
	// order is above 0 where the second tier lets see, or ask, more than the first, below
	// 0 where it lets less, 0 where neither. nil is by what the manifest limits under these
	// keys, and 0 where that is nothing: see [edition.Policy.Beyond].
	order func(from, to *TierRules) int
}

// ordered is what order says, or what the manifest limits.
func (a *aspect) ordered(from, to *TierRules) int {
	if a.order != nil {
		return a.order(from, to)
	}
	return truth(to.beyond(from, a.keys)) - truth(from.beyond(to, a.keys))
}

// beyond tells whether a tier lets through more than another of what the manifest limits
// under one of the keys.
func (t *TierRules) beyond(let *TierRules, keys []string) bool {
	has, most := t.reference(), let.reference()
	return slices.ContainsFunc(has.Beyond(&most), func(l edition.Limit) bool {
		return slices.ContainsFunc(l.Keys, func(k string) bool { return slices.Contains(keys, k) })
	})
}

// by orders tiers by a number that is larger where more is let through.
func by(open func(t *TierRules) float64) func(from, to *TierRules) int {
	return func(from, to *TierRules) int { return cmp.Compare(open(to), open(from)) }
}

// aspects are all of them but the lists of names.
var aspects = []aspect{
	{[]string{"grid_m", "as_surveyed"}, sayGrid, nil},
	{[]string{"generalise_m"}, sayCells, by(func(t *TierRules) float64 { return -t.cellM(Layer{}) })},
	{[]string{"precision_m"}, sayPrecision, nil},
	{[]string{"min_patch_m2", "small_patches"}, saySmall, by(func(t *TierRules) float64 { return -t.MinPatchM2 })},
	{[]string{"min_zoom"}, func(t *TierRules) text { return say("最低级别 %d", "lowest zoom %d", t.MinZoom) }, nil},
	{[]string{"max_zoom"}, func(t *TierRules) text { return say("最高级别 %d", "highest zoom %d", t.MaxZoom) }, by(func(t *TierRules) float64 { return float64(t.MaxZoom) })},
	{[]string{"place_digits"}, sayPlaces, by(func(t *TierRules) float64 { return float64(t.PlaceDigits) })},
	{[]string{"pieces"}, sayPieces, nil},
	{[]string{"groups"}, sayGroups, nil},
	{[]string{"totals_only"}, sayTotals, nil},
	{[]string{"round_m2"}, sayRounding, nil},
	{[]string{"max_aoi_m2"}, sayMost, nil},
	{[]string{"min_aoi_m2"}, sayLeast, nil},
	{[]string{"analyses"}, func(t *TierRules) text {
		return say("可问：%[1]s", "questions answered: %[2]s", t.Analyses.words().zh, t.Analyses.words().en)
	}, nil},
	{[]string{"use"}, func(t *TierRules) text {
		return say("使用条件：%[1]s（英文：%[2]s）", "conditions of use: %[2]s (in Chinese: %[1]s)", orDash(t.Use.Zh), orDash(t.Use.En))
	}, nil},
	{[]string{"disclaimer"}, func(t *TierRules) text {
		return say("声明：%[1]s（英文：%[2]s）", "disclaimer: %[2]s (in Chinese: %[1]s)", orDash(t.Disclaimer.Zh), orDash(t.Disclaimer.En))
	}, nil},
	{[]string{"approval"}, func(t *TierRules) text { return say("审图号：%s", "map approval number: %s", orDash(t.Approval)) }, nil},
	{[]string{"approved_by", "document"}, sayApproval, nil},
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

func orDash(s string) string {
	if s == "" {
		return "—"
	}
	return s
}

func sayGrid(t *TierRules) text {
	switch {
	case t.AsSurveyed:
		return say("图形与测量成果一样精细，策略明写（as_surveyed）", "shapes as fine as they were surveyed, as the policy says in so many words (as_surveyed)")
	case t.GridM == 0:
		return say("图形与上级相同", "shapes as they are in the higher edition")
	}
	return say("顶点在 %v 米网格上，中误差 %.1f 米", "vertices on a grid of %v m, whose mean error is %.1f m", t.GridM, t.GridM*GridPrecision)
}

func sayCells(t *TierRules) text {
	if t.GridM == 0 {
		return say("图形不综合", "shapes are not generalised")
	}
	if t.GeneraliseM == 0 {
		return say("图形由整格组成", "shapes are made of whole cells of the grid")
	}
	return say("图形由 %v 米的网格单元组成", "shapes are made of cells of %v m", t.GeneraliseM)
}

func sayPrecision(t *TierRules) text {
	if t.PrecisionM == 0 {
		return say("没有写明精度", "no precision is stated")
	}
	return say("位置精度不优于 %v 米（中误差）", "positions are no better than %v m (mean error)", t.PrecisionM)
}

func saySmall(t *TierRules) text {
	least, rule := t.small(Layer{})
	switch {
	case least == 0:
		return say("再小的图斑也显示", "patches are shown however small they are")
	case rule == LeaveOut:
		return say("小于 %v m² 的图斑略去，整个略去的要素连同其登记面积（net_withheld_m2 说明有多少）", "patches below %v m² are left out, features of nothing else with their areas of record (net_withheld_m2 tells those)", least)
	}
	return say("小于 %v m² 的图斑并入邻居；整个并入的要素，登记面积不归邻居，合计因此偏小（net_withheld_m2 说明有多少）",
		"patches below %v m² go to their neighbours; the areas of record of features that go whole do not, so that sums of record are short of them (net_withheld_m2 tells how much)", least)
}

func sayPlaces(t *TierRules) text {
	if t.PlaceDigits == 0 {
		return say("不给政区：政区图层的要素都略去", "no codes of place: of a layer of places nothing is left")
	}
	return say("政区代码 %[1]d 位：更细的政区略去；其上级不在图层中的，并成上级，不带名称",
		"codes of place of %[1]d digits: finer places are left out, or stand without a name as the place of %[1]d digits that they lie in where the layer has none", t.PlaceDigits)
}

func sayPieces(t *TierRules) text {
	if t.Pieces {
		return say("叠加可给出逐个要素", "overlay answers with single features")
	}
	return say("叠加不给逐个要素", "overlay does not answer with single features")
}

func sayGroups(t *TierRules) text {
	w := t.Groups.words()
	return say("可按字段分组：%[1]s", "fields to group by: %[2]s", w.zh, w.en)
}

func sayTotals(t *TierRules) text {
	if t.TotalsOnly {
		return say("只给合计，不给逐个要素：/features、点查、沿革和变化清单都拒绝；瓦片仍带图层留下的图形和字段",
			"answers are totals alone, without single features: /features, feature information, lineage and lists of changes are refused; tiles carry the shapes and fields that layers keep")
	}
	return say("合计之外还给分组和组合；/features 和点查按标识、编码或位置给出逐个要素及其字段", "answers have groups and combinations beside totals; /features and feature information give single features with their fields, by id, code or position")
}

func sayRounding(t *TierRules) text {
	if t.RoundM2 == 0 {
		return say("面积不另取整", "areas are not rounded further")
	}
	return say("面积取整到 %v m²", "areas are rounded to %v m²", t.RoundM2)
}

func sayMost(t *TierRules) text {
	if t.MaxAOIM2 == 0 {
		return say("叠加范围不限大", "shapes asked about may be of any size")
	}
	return say("叠加范围最大 %v km²", "shapes asked about have %v km² at most", t.MaxAOIM2/1e6)
}

func sayLeast(t *TierRules) text {
	if t.MinAOIM2 == 0 {
		return say("叠加范围不限小", "shapes asked about may be however small")
	}
	return say("叠加范围最小 %v m²", "shapes asked about have %v m² at least", t.MinAOIM2)
}

func sayApproval(t *TierRules) text {
	if len(t.ApprovedBy) == 0 {
		return say("发布不要求批准人，文号 %s", "publishing asks for nobody's approval, document %s", orDash(t.Document))
	}
	return say("发布须由 %[1]s 之一批准，文号 %[2]s", "publishing needs the approval of one of %[1]s, document %[2]s", strings.Join(t.ApprovedBy, "、"), orDash(t.Document))
}

// words lists the names.
func (n Names) words() text {
	switch {
	case !n.Listed:
		return text{"任意", "any"}
	case len(n.Names) == 0:
		return text{"无", "none"}
	}
	return text{strings.Join(n.Names, "、"), strings.Join(n.Names, ", ")}
}

// layerWords says what a tier gets of a layer.
func (t *TierRules) layerWords(name string) text {
	r := t.Layers[name]
	w := say("图层 %[1]s：字段 %[2]s", "layer %[1]s: fields %[2]s", name, orDash(strings.Join(r.shown(name), " ")))
	if r.Dissolve {
		w = say("图层 %s：融合，没有图斑界线、标识和字段，按 %d 位政区分开", "layer %s: dissolved, without features' borders, ids or fields, parted by places of %d digits", name, t.PlaceDigits)
		if t.PlaceDigits == 0 {
			w = say("图层 %s：融合，没有图斑界线、标识和字段", "layer %s: dissolved, without features' borders, ids or fields", name)
		}
	}
	for _, s := range append(t.layerPlaces(name), t.layerShapes(r)...) {
		w.zh, w.en = w.zh+"；"+s.zh, w.en+"; "+s.en
	}
	return w
}

// layerPlaces says which fields' codes of place are cut.
func (t *TierRules) layerPlaces(name string) []text {
	p, err := ingest.ProfileOf(name)
	if err != nil {
		return nil // the profiles are broken: publish says so
	}
	var cut []string
	for _, n := range t.Layers[name].shown(name) {
		if f := p.Field(n); holdsPlaces(p, n) && (f == nil || f.Length == 0 || f.Length > t.PlaceDigits) {
			cut = append(cut, n)
		}
	}
	if len(cut) == 0 {
		return nil
	}
	return []text{say("%[1]s 只留前 %[2]d 位", "%[1]s cut to %[2]d digits", strings.Join(cut, " "), t.PlaceDigits)}
}

// layerShapes says what is particular to a layer's shapes.
func (t *TierRules) layerShapes(r Layer) []text {
	var out []text
	if r.GeneraliseM != nil {
		out = append(out, say("网格单元 %v 米", "cells of %v m", t.cellM(r)))
	}
	if z := r.Zooms; z != nil {
		out = append(out, say("%d 到 %d 级", "zooms %d to %d", z[0], z[1]))
	}
	if r.MinPatchM2 != nil || r.SmallPatches != "" {
		least, rule := t.small(r)
		what := say("并入邻居", "go to their neighbours")
		if rule == LeaveOut {
			what = say("略去", "are left out")
		}
		out = append(out, say("小于 %[1]v m² 的图斑%[2]s", "patches below %[1]v m² %[3]s", least, what.zh, what.en))
	}
	return out
}

// shown lists the fields that a layer may have by the rule; of a layer for which there
// is no standard, those that a delivery may have beside them never pass by `known`.
func (r Layer) shown(layer string) []string {
	if !r.Fields.Known {
		return r.Fields.Names
	}
	p, err := ingest.ProfileOf(layer)
	if err != nil {
		return []string{"known"} // the profiles are broken: publish says so
	}
	var out []string
	for _, f := range p.Fields {
		if !f.Personal && !slices.Contains(r.Except, f.Name) {
			out = append(out, f.Name)
		}
	}
	return out
}

// compare says what is different between two versions of a tier.
func (c *TierChange) compare(from, to *TierRules, l problem.Lang) {
	var told []string
	for _, a := range aspects {
		was, is := a.say(from), a.say(to)
		if was == is {
			continue
		}
		told = append(told, a.keys...)
		words := say("%[1]s（原：%[2]s）", "%[3]s (was: %[4]s)", is.zh, was.zh, is.en, was.en).in(l)
		order := a.ordered(from, to)
		switch {
		case order > 0:
			c.Gains = append(c.Gains, words)
		case order < 0:
			c.Loses = append(c.Loses, words)
		default:
			c.Changes = append(c.Changes, words)
		}
	}
	if from.MaxZoom >= 0 { // else there was none
		c.same("", from, to, told, l)
	}
	names := slices.Sorted(maps.Keys(from.Layers))
	for n := range to.Layers {
		if _, ok := from.Layers[n]; !ok {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	for _, n := range names {
		_, had := from.Layers[n]
		_, has := to.Layers[n]
		switch {
		case !had:
			c.Gains = append(c.Gains, to.layerWords(n).in(l))
		case !has:
			c.Loses = append(c.Loses, from.layerWords(n).in(l))
		default:
			c.compareLayer(n, from, to, l)
		}
	}
}

// compareLayer says what is different of a layer that both have.
func (c *TierChange) compareLayer(name string, from, to *TierRules, l problem.Lang) {
	a, b := from.Layers[name], to.Layers[name]
	before := len(c.Gains) + len(c.Loses) + len(c.Changes)
	var told []string
	tell := func(keys ...string) { // that something was told of them, if it was
		if now := len(c.Gains) + len(c.Loses) + len(c.Changes); now > before {
			before, told = now, append(told, keys...)
		}
	}
	switch {
	case a.Dissolve && !b.Dissolve:
		c.Gains = append(c.Gains, say("图层 %s 的图斑界线和标识", "layer %s: features' borders and ids", name).in(l))
	case !a.Dissolve && b.Dissolve:
		c.Loses = append(c.Loses, say("图层 %s 的图斑界线和标识", "layer %s: features' borders and ids", name).in(l))
	}
	tell("dissolve")
	had, has := a.shown(name), b.shown(name)
	if n := without(has, had); len(n) > 0 {
		c.Gains = append(c.Gains, say("图层 %s 的字段 %s", "layer %s: fields %s", name, strings.Join(n, " ")).in(l))
	}
	if n := without(had, has); len(n) > 0 {
		c.Loses = append(c.Loses, say("图层 %s 的字段 %s", "layer %s: fields %s", name, strings.Join(n, " ")).in(l))
	}
	tell("fields", "except")
	// What holds for the whole tier is told of the tier.
	was, is := from.cellM(a), to.cellM(b)
	if a.GeneraliseM == nil && b.GeneraliseM == nil {
		was = is
	}
	c.order(-was, -is, l, say("图层 %s 的网格单元 %v 米（原 %v）", "layer %s: cells of %v m (was %v)", name, is, was))
	tell("generalise_m")
	c.compareZooms(name, from, to, l)
	tell("zooms")
	leastWas, ruleWas := from.small(a)
	least, rule := to.small(b)
	if a.MinPatchM2 == nil && b.MinPatchM2 == nil && a.SmallPatches == "" && b.SmallPatches == "" {
		leastWas, ruleWas = least, rule
	}
	c.order(-leastWas, -least, l, say("图层 %s 的最小图斑 %v m²（原 %v）", "layer %s: smallest patch of %v m² (was %v)", name, least, leastWas))
	tell("min_patch_m2")
	if rule != ruleWas && least > 0 {
		c.Changes = append(c.Changes, say("图层 %s 的小图斑：%s（原 %s）", "layer %s: small patches: %s (was %s)", name, rule, ruleWas).in(l))
	}
	tell("small_patches")
	c.same(say("图层 %s 的 ", "layer %s: ", name).in(l), a, b, told, l)
}

// zooms are the lowest and highest zoom that a layer is served at.
func (t *TierRules) zooms(r Layer) (lo, hi int) {
	if r.Zooms == nil {
		return t.MinZoom, t.MaxZoom
	}
	return r.Zooms[0], r.Zooms[1]
}

// compareZooms says at which zooms a layer is served, where a policy has zooms of its own
// for it.
func (c *TierChange) compareZooms(name string, from, to *TierRules, l problem.Lang) {
	a, b := from.Layers[name], to.Layers[name]
	if a.Zooms == nil && b.Zooms == nil {
		return
	}
	loWas, hiWas := from.zooms(a)
	lo, hi := to.zooms(b)
	c.order(float64(-loWas), float64(-lo), l, say("图层 %s 的最低级别 %d（原 %d）", "layer %s: lowest zoom %d (was %d)", name, lo, loWas))
	c.order(float64(hiWas), float64(hi), l, say("图层 %s 的最高级别 %d（原 %d）", "layer %s: highest zoom %d (was %d)", name, hi, hiWas))
}

// order tells w as a gain or a loss, by how open the sides are.
func (c *TierChange) order(was, is float64, l problem.Lang, w text) {
	switch {
	case is > was:
		c.Gains = append(c.Gains, w.in(l))
	case is < was:
		c.Loses = append(c.Loses, w.in(l))
	}
}

// without lists the names of a that b does not have.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(n string) bool { return slices.Contains(b, n) })
}
