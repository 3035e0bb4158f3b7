package analyze

import (
	"context"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/setting"
)

// NonagriRules are the rules of nonagri.
type NonagriRules struct {
	// Construction and Nongrain are land classes, by how their codes begin; ground that is
	// no cropland any more and none of them is other use.
	Construction Listed `yaml:"construction"`
	Nongrain     Listed `yaml:"nongrain"`
	// Planting are values of ZZSXDM that say that cropland grows no grain.
	Planting Listed `yaml:"planting"`
	// Monitored says what kinds of monitored change (TBLX) mean.
	MonitoredConstruction Listed `yaml:"monitored_construction"`
	MonitoredNongrain     Listed `yaml:"monitored_nongrain"`
	// UnstableRefinements (TBXHDM) and UnstableSlopes (GDPDJB) say which cropland is not
	// stable.
	UnstableRefinements Listed `yaml:"unstable_refinements"`
	UnstableSlopes      Listed `yaml:"unstable_slopes"`
	// Approvals are the kinds of approval (YWLX) that let ground be built on.
	Approvals Listed `yaml:"approvals"`
	// KnownShare is the share of an alert's ground from which on an earlier alert is the
	// same.
	KnownShare Threshold `yaml:"known_share"`
}

// checkNonagri refuses rules of nonagri that make no sense.
func checkNonagri(r *Rules, f *setting.File) *problem.Problem {
	n := &r.Nonagri
	if !(n.KnownShare.Value >= 0 && n.KnownShare.Value < 1) {
		return f.Problem(f.Line("nonagri", "known_share"), "known_share 应在 [0, 1) 内", "known_share is to be in [0, 1)")
	}
	for _, c := range n.Construction.Values {
		for _, g := range n.Nongrain.Values {
			if strings.HasPrefix(c, g) || strings.HasPrefix(g, c) {
				return f.Problem(f.Line("nonagri", "nongrain"), "地类 %[1]s 同时在 construction 和 nongrain 里", "the class %[1]s is in both construction and nongrain", g)
			}
		}
	}
	for _, c := range n.MonitoredNongrain.Values {
		if n.MonitoredConstruction.has(c) {
			return f.Problem(f.Line("nonagri", "monitored_nongrain"), "TBLX %[1]s 同时在两个清单里", "TBLX %[1]s is in both lists", c)
		}
	}
	return nil
}

var nonagri = Question{
	Name:  "nonagri",
	Title: edition.Title{Zh: "耕地“非农化”“非粮化”", En: "Cropland turned to other use"},
	About: edition.Title{
		Zh: "变化图斑（change）或后一期调查中已不是耕地的图斑，与前一期耕地、永久基本农田相交的地面为疑似问题 V；按永久基本农田、稳定耕地、其他耕地分严重程度，扣除已批准用地（只对“非农化”），剩下的如有一半以上（规则）落在以前推送过的图斑内为已知（known），否则为新增（new）。小于 10 m² 或窄于规则的碎片只进合计。耕地上种植非粮作物（ZZSXDM）只作提示（planting）。V = 已批准 + 新增 + 已知 + 碎片。推送时间等要由办理系统填写的列为空。",
		En: "Ground of monitored change, or of patches that are no cropland in the later survey, on cropland or permanent basic farmland of the earlier state (V), by severity: permanent basic farmland, stable cropland, other cropland. Approved ground is taken off (of construction alone); what is left is known where more than half of it (rules) lies in alerts that were pushed before, else new. Slivers below 10 m² or narrower than the rules count in sums only. Cropland that grows no grain (ZZSXDM) is told as a note (planting). V = approved + new + known + slivers. Times that only those who handle alerts know are empty.",
	},
	Sources: []edition.Title{
		{Zh: "黄河流域“一张图”文件 000：及时推送新增永久基本农田“非粮化”矢量数据", En: "document 000: new ground of permanent basic farmland without grain is pushed in time"},
		{Zh: "文件 004：耕地“非农化”“非粮化”监测", En: "document 004: monitoring of cropland"},
	},
	Optional: []string{"change", "dltb", "cropland", "pbf", "approval", "alert"},
	Between:  true,
	Parameters: []Parameter{
		{Name: "source", Title: edition.Title{Zh: "依据", En: "evidence"}, Default: "auto", About: edition.Title{Zh: "依据：change 变化图斑，survey 两期调查，auto 有变化图斑时用变化图斑", En: "change (monitoring), survey (two vintages), auto: monitoring where there is any"}, Takes: Choose, Choices: []Choice{
			choice("auto", "有变化图斑时用变化图斑", "monitoring where there is any"), choice("change", "变化图斑", "monitoring"), choice("survey", "两期调查", "two surveys"),
		}},
		{Name: "planting", Title: edition.Title{Zh: "种植非粮作物的耕地", En: "cropland without grain"}, Default: "pbf", About: edition.Title{Zh: "是否列出种植非粮作物的耕地：none 不列，pbf 只列永久基本农田上的，all 全列（只用于 survey）", En: "cropland without grain is listed: none, pbf (on permanent basic farmland), all; of surveys alone"}, Takes: Choose, Choices: []Choice{
			choice("none", "不列", "none"), choice("pbf", "只列永久基本农田上的", "on permanent basic farmland"), choice("all", "全列", "all"),
		}},
	},
	NotPublic: true,
	Answer:    runNonagri,
}

func runNonagri(ctx context.Context, j *Job) (*Result, error) {
	r := &Result{}
	n, err := openNonagri(j, r)
	if err != nil {
		return nil, err
	}
	if err := n.shares(ctx); err != nil {
		return nil, err
	}
	if err := n.earlier(ctx); err != nil {
		return nil, err
	}
	if err := n.look(ctx); err != nil {
		return nil, err
	}
	if err := n.tables(r); err != nil {
		return nil, err
	}
	return r, n.close(ctx, r)
}
