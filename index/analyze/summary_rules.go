package analyze

import (
	"context"
	"fmt"
	"strconv"

	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/setting"
)

// SummaryRules are the rules of summary.
type SummaryRules struct {
	// Targets are areas that places are to keep.
	Targets []Target `yaml:"targets"`
	// Breaks are changes of the survey's basis.
	Breaks []Break `yaml:"breaks"`
}

// Target is an area of a layer, cropland or pbf, that a place is to keep.
type Target struct {
	Place     string  `yaml:"place"`
	Layer     string  `yaml:"layer"`
	Mu        float64 `yaml:"mu"`
	Source    string  `yaml:"source"`
	Confirmed bool    `yaml:"confirmed"`
}

// Break is a change of the survey's basis: vintages from First on do not count as those
// before it did.
type Break struct {
	First     string `yaml:"first"`
	Zh        string `yaml:"zh"`
	Source    string `yaml:"source"`
	Confirmed bool   `yaml:"confirmed"`
}

// checkSummary refuses targets of no place or no area, and those that stand twice.
func checkSummary(r *Rules, f *setting.File) *problem.Problem {
	seen := map[[2]string]bool{}
	for i, t := range r.Summary.Targets {
		line := func(key string) int { return f.Line("summary", "targets", strconv.Itoa(i), key) }
		at := [2]string{t.Place, t.Layer}
		switch {
		case !edition.IsPlace(t.Place):
			return f.Problem(line("place"), "行政区代码 %.20q 应为 "+edition.PlaceDigitsZh, "the place code %.20q should have "+edition.PlaceDigitsEn, t.Place)
		case t.Layer != "cropland" && t.Layer != "pbf":
			return f.Problem(line("layer"), "目标的图层 %.20q 只能是 cropland 或 pbf", "the layer of a target, %.20q, is cropland or pbf", t.Layer)
		case !(t.Mu > 0 && t.Mu < 1e11):
			return f.Problem(line("mu"), "目标 %g 亩不在 0 与 1000 亿亩之间", "a target of %g mu is not between 0 and 1e11", t.Mu)
		case t.Source == "":
			return f.Problem(line("source"), "目标没有来源", "a target has no source")
		case seen[at]:
			return f.Problem(line("place"), "%[1]s 的 %[2]s 目标写了两次", "the target of %[2]s for %[1]s stands twice", t.Place, t.Layer)
		}
		seen[at] = true
	}
	for i, b := range r.Summary.Breaks {
		if b.First == "" || b.Zh == "" {
			return f.Problem(f.Line("summary", "breaks", strconv.Itoa(i)), "调查基础变更要有 first 和 zh", "a break has first and zh")
		}
	}
	return nil
}

// noSuchPlace is the problem of a place that no feature lies in.
func noSuchPlace(code string) error {
	return problem.New("NO_PLACE", "没有行政区 %.20q", "there is no place %.20q", code).At(0, code).
		Advise("请核对行政区代码：gengtu info --by 列出各政区，服务的 places 可按名称查", "check the code: gengtu info --by lists places, and places of the service finds them by name")
}

// between returns the break between two vintages, nil where there is none.
func (s *SummaryRules) between(before, after string) any {
	if before == "" {
		return nil
	}
	for _, b := range s.Breaks {
		if edition.CompareVintages(before, b.First) < 0 && edition.CompareVintages(after, b.First) >= 0 {
			return b.Zh + unconfirmed(b.Confirmed)
		}
	}
	return nil
}

// unconfirmed marks what no officer answers for.
func unconfirmed(confirmed bool) string {
	if confirmed {
		return ""
	}
	return "（未确认）"
}

// squareMetresPerMu is 1 亩 in m² (domain 2.5).
const squareMetresPerMu = 2000.0 / 3

// goal is a target and where it comes from.
type goal struct {
	area   Area
	source string
}

// cells are the columns of a target: its area, how much of it there is, its source.
func (g goal) cells(s *standing) []any {
	if g.area <= 0 {
		return []any{nil, nil, nil}
	}
	if net, ok := s.netArea(); ok {
		return []any{g.area, float64(net) / float64(g.area), g.source}
	}
	return []any{g.area, nil, g.source}
}

// goals returns the targets by place and layer: those of the layer target, and before
// those what the rules say.
func (j *Job) goals(ctx context.Context, r *Result, by areas.Level) (map[[2]string]goal, error) {
	out := map[[2]string]goal{}
	l := j.Maybe("target")
	r.use(j, "target")
	if l != nil {
		p := &places{layer: l, digits: by.Digits(), within: j.Place, known: map[string]string{}}
		unrecorded := 0
		for i := range l.Len() {
			if i%4096 == 0 && ctx.Err() != nil {
				return nil, ctx.Err()
			}
			at, ok := p.of(i)
			net, has := netOf(l.Record(i))
			switch {
			case !ok:
			case !has:
				unrecorded++
			default:
				k := [2]string{at, "cropland"}
				out[k] = goal{out[k].area + net, fmt.Sprintf("图层 %s（GDBHMB）TBDLMJ 之和", l.Meta.Key())}
			}
		}
		if unrecorded > 0 {
			r.note("图层 %[1]s 有 %[2]d 个图斑没有地类面积，不在目标里", "%[2]d patches of %[1]s have no net area and are in no target", l.Meta.Key(), unrecorded)
		}
	}
	for _, t := range j.Rules.Summary.Targets {
		out[[2]string{t.Place, t.Layer}] = goal{areaOf(t.Mu * squareMetresPerMu), t.Source + unconfirmed(t.Confirmed)}
	}
	return out, nil
}
