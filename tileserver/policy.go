package tileserver

import (
	"gengtu/index/edition"
	"gengtu/index/problem"
)

// Questions are what a policy may allow or not, by the names that it calls them.
const (
	askOverlay = "overlay"
	askSummary = "summary"
	askDiff    = "diff"
	askLineage = "lineage"
)

// questionZh are their names for people who read Chinese.
var questionZh = map[string]string{askOverlay: "叠加", askSummary: "汇总", askDiff: "变化对比", askLineage: "沿革"}

// policy is what the edition's policy lets be asked.
func (r *request) policy() *edition.Policy { return &r.ix().Manifest.Policy }

// mayAsk refuses a question that the policy does not allow.
func (r *request) mayAsk(question string) error {
	if r.policy().MayAnswer(question) {
		return nil
	}
	return problem.New("POLICY", "本版不提供%[1]s（%[2]s）", "this edition does not answer %[2]s", questionZh[question], question).
		Advise("目录（catalog）的 analyses 一项列出本版可问的", "analyses of the catalogue lists what it answers")
}

// mayTellFeatures refuses to tell of single features where the policy lets totals alone be
// told, whatever way is taken to them.
func (r *request) mayTellFeatures() error {
	if !r.policy().TotalsOnly {
		return nil
	}
	return problem.New("POLICY", "本版只给合计，不给逐个要素", "this edition answers with totals alone, without single features").
		Advise("用 overlay 或 summary 问合计", "ask overlay or summary for totals")
}

// mayGroup refuses to tell ground apart by a field: one that the policy does not name,
// or, where it refuses single features, one that names each. code tells whether it does.
func (r *request) mayGroup(field string, code bool) error {
	p := r.policy()
	switch {
	case code && !p.Pieces:
		return problem.New("POLICY", "本版不按逐个要素的编码 %.40q 分组", "this edition does not group by %.40q, a code that names single features", field).
			Advise("按地类等字段分组", "group by another field, such as the class")
	case p.TotalsOnly:
		return problem.New("POLICY", "本版只给合计，不分组", "this edition answers with totals alone, without groups").
			Advise("去掉分组再问", "ask without groups")
	case !p.MayGroup(field):
		return problem.New("POLICY", "本版不按 %.40q 分组", "this edition does not group by %.40q", field).
			Advise("可按 %[1]q 分组", "it groups by %[1]q", p.Groups)
	}
	return nil
}
