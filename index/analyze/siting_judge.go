package analyze

import (
	"cmp"
	"fmt"
	"slices"

	"gengtu/index/edition"
)

// verdict is what a rule, or all of them together, say of a site.
type verdict string

// The verdicts, the gravest first.
const (
	denyVerdict        verdict = "deny"        // 不得占用
	incompleteVerdict  verdict = "incomplete"  // 资料不全，不能判断
	checkVerdict       verdict = "check"       // 须核实
	conditionalVerdict verdict = "conditional" // 附条件
	infoVerdict        verdict = "information" // 提示
	clearVerdict       verdict = "clear"       // 不涉及
	missingVerdict     verdict = "not_judged"  // 未判断
)

var verdictText = map[verdict]string{
	denyVerdict: "不得占用 deny", incompleteVerdict: "资料不全，不能判断 incomplete", checkVerdict: "须核实 check", conditionalVerdict: "附条件 conditional",
	infoVerdict: "提示 information", clearVerdict: "不涉及 clear", missingVerdict: "未判断 not judged",
}

// judge gives each layer of an alternative its verdict, and the alternative the gravest.
// A layer that is not there is not judged; where it is a hard one nothing can be clear. The
// reasons are told in words for people, in both languages; files keep the verdicts' codes.
func (s *sitingJob) judge(a *alternative) {
	a.verdict = clearVerdict
	raise := func(v verdict, reason edition.Title) {
		order := []verdict{denyVerdict, incompleteVerdict, checkVerdict, conditionalVerdict, clearVerdict}
		if at := slices.Index(order, v); at >= 0 && at < slices.Index(order, a.verdict) {
			a.verdict = v
		}
		a.reasons = append(a.reasons, reason)
	}
	for _, f := range a.found[1:] {
		rule := &f.theme.rule
		f.verdict = s.judgeLayer(f)
		switch f.verdict {
		case denyVerdict, checkVerdict, conditionalVerdict:
			said, title := Told("siting", "verdict", verdictText[f.verdict]), f.theme.title
			if title.Zh == rule.Layer { // which the edition calls nothing else
				title = LayerTitle(rule.Layer)
			}
			raise(f.verdict, edition.Title{Zh: fmt.Sprintf("%s：%s，%s", said.Zh, title.Zh, rule.Zh), En: fmt.Sprintf("%s: %s, %s", said.En, cmp.Or(title.En, title.Zh), cmp.Or(rule.En, rule.Zh))})
		case missingVerdict:
			a.notJudged = append(a.notJudged, rule.Layer)
			if rule.Kind == hardRule {
				layer := LayerTitle(rule.Layer)
				raise(incompleteVerdict, edition.Title{Zh: fmt.Sprintf("没有%s图层，未判断：%s", layer.Zh, rule.Zh), En: fmt.Sprintf("there is no layer of %s, not judged: %s", layer.En, cmp.Or(rule.En, rule.Zh))})
			}
		}
	}
	a.base.verdict = infoVerdict
	errors, unread := 0, 0
	for _, c := range s.corrections {
		if c.alt == a && c.level == levelError {
			errors++
		}
	}
	for _, p := range a.plots {
		if p.shape == nil {
			unread++
		}
	}
	if unread > 0 {
		raise(incompleteVerdict, edition.Title{Zh: fmt.Sprintf("%d 个地块图形不能用，合计里没有它们", unread), En: fmt.Sprintf("plots that cannot be read and are not in the sums: %d", unread)})
	}
	if errors > 0 {
		raise(checkVerdict, edition.Title{Zh: fmt.Sprintf("有 %d 处须补正", errors), En: fmt.Sprintf("to be corrected: %d", errors)})
	}
	if a.outside > s.contact() {
		raise(checkVerdict, edition.Title{Zh: "有地面在本版图斑之外，未判断", En: "ground outside of the patches of this edition is not judged"})
	}
}

// contact is the area up to which a site only touches a layer: what slivers are.
func (s *sitingJob) contact() Area { return s.Rules.Slivers.least() }

// judgeLayer is the verdict of one layer.
func (s *sitingJob) judgeLayer(f *themeFound) verdict {
	rule := &f.theme.rule
	switch {
	case f.theme.layer == nil:
		return missingVerdict
	case f.ground == 0:
		return clearVerdict
	case rule.Kind == infoRule:
		return infoVerdict
	case !rule.Confirmed || f.ground <= s.contact():
		return checkVerdict // an unconfirmed rule decides nothing, nor does a touching border
	case rule.Kind == softRule:
		return conditionalVerdict
	case rule.Projects && s.project != nil && s.project.Confirmed:
		return conditionalVerdict
	case rule.Projects && s.project != nil:
		return checkVerdict
	}
	return denyVerdict
}

// goals are what alternatives are compared by: cropland of record, permanent basic
// farmland, and the mean grade of what is taken (a higher number is poorer ground, so that
// more is better). A goal that nobody measured is nil.
func (a *alternative) goals() [3]any {
	var pbf any
	for _, f := range a.found {
		if f.theme.rule.Layer == "pbf" && f.theme.layer != nil {
			pbf = float64(f.ground)
		}
	}
	var grade any
	if g, ok := a.grade.(float64); ok {
		grade = -g
	}
	return [3]any{float64(a.crop), pbf, grade}
}

// complete tells whether all plots of an alternative are in its figures.
func (a *alternative) complete() bool {
	return a.shape != nil && !slices.ContainsFunc(a.plots, func(p *plot) bool { return p.shape == nil })
}

// pareto marks the alternatives that no other one is better than in one goal without
// being worse in another. An alternative with plots that cannot be read is left out:
// its figures are too small. A goal that one of two has no figure for does not tell
// them apart.
func (s *sitingJob) pareto() {
	for _, a := range s.alts {
		if !a.complete() {
			continue
		}
		for _, b := range s.alts {
			if a != b && b.complete() && dominates(b.goals(), a.goals()) {
				a.dominatedBy = append(a.dominatedBy, b.name)
			}
		}
		a.pareto = len(a.dominatedBy) == 0
	}
}

// dominates tells whether b is no worse in any goal, and better in one.
func dominates(b, a [3]any) bool {
	better := false
	for i := range b {
		x, okB := b[i].(float64)
		y, okA := a[i].(float64)
		switch {
		case !okA || !okB:
		case x > y:
			return false
		case x < y:
			better = true
		}
	}
	return better
}
