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

// questionsZh are what the questions are called in Chinese.
var questionsZh = map[string]string{askOverlay: "叠加分析", askSummary: "分类汇总", askDiff: "时相对比", askLineage: "变更沿革"}

// policy is what the edition's policy lets be asked.
func (r *request) policy() *edition.Policy { return &r.ix().Manifest.Policy }

// mayAsk refuses a question that the policy does not allow.
func (r *request) mayAsk(question string) error {
	if r.policy().MayAnswer(question) {
		return nil
	}
	return problem.New("POLICY", "本版不提供%[2]s（%[1]s）", "this edition does not answer %[1]s", question, questionsZh[question]).
		Advise("本版目录的“可问的分析”（analyses）列出可问的", "analyses of the catalogue lists what it answers")
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
