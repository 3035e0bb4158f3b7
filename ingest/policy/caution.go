package policy

import (
	"fmt"
	"maps"
	"slices"

	"gengtu/index/edition"
	"gengtu/index/problem"
)

// Cautions are what a person should look at before a tier is published by p: what p may
// say, and what nobody should say unknowingly. The values behind them are unconfirmed,
// so none keeps a policy from being used. Empty for a tier that p does not name.
//
// Source: reference domain 4.4 (positions of public maps), 4.6 (审图号), [design] 5.1
// (a lower edition is approved by somebody).
func (p *Policy) Cautions(tier edition.Tier, l problem.Lang) []string {
	t, ok := p.Tiers[tier]
	if !ok {
		return nil
	}
	var out []string
	note := func(is bool, zh, en string) {
		if is {
			out = append(out, text{zh, en}.in(l))
		}
	}
	public := tier == edition.Public
	note(public && t.Approval == "", "没有填审图号（approval）", "no map approval number (approval) is filled in")
	note(public && t.GridM == 0, "公众版位置与测量成果一样精细（as_surveyed）：谁都能量出界线", "public shows positions as fine as they were surveyed (as_surveyed): anybody can measure borders")
	note(public && t.GridM > 0 && t.PrecisionM == 0, "没有写明公众版位置的精度（precision_m），格网是否够粗没有核对", "no precision is stated for public (precision_m), so nothing says whether the grid is coarse enough")
	note(public && t.Pieces, "公众版叠加会给出单个图斑（pieces）", "overlay answers in public with single features (pieces)")
	note(public && !t.Analyses.Listed, "公众版什么都可以问（analyses: any），应只列批准公开的", "public answers any question (analyses: any); name those that are approved")
	for _, name := range slices.Sorted(maps.Keys(t.Layers)) {
		kept := t.TotalsOnly && !t.Layers[name].Dissolve && len(t.Layers[name].shown(name)) > 0
		note(kept, fmt.Sprintf("只给合计（totals_only），但图层 %s 的瓦片仍带逐个要素的字段：要收起就融合或去掉字段", name),
			fmt.Sprintf("answers are totals alone (totals_only), but tiles of layer %s carry the fields of single features: dissolve it or take the fields away to keep them back", name))
	}
	note(len(t.ApprovedBy) == 0, "没有写明由谁批准（approved_by），任何人都可发布", "nobody is named who approves (approved_by): anybody may publish")
	return out
}
