package analyze

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/overlay"
	"gengtu/index/problem"
	"gengtu/index/setting"
)

// SitingRules are the rules of siting.
type SitingRules struct {
	// AreaToleranceHa is how far a stated area may be off.
	AreaToleranceHa Threshold `yaml:"area_tolerance_ha"`
	// Layers say what it means that a site lies on them, in the order in which they are
	// told; other layers are information.
	Layers []SitingLayer `yaml:"layers"`
	// Projects are the kinds of project that may lie on layers that say so.
	Projects []SitingProject `yaml:"projects"`
	// AltFields are properties of a shape that name its alternative; NumberFields its
	// number, and the others what is stated of it.
	AltFields    []string `yaml:"alt_fields"`
	NumberFields []string `yaml:"number_fields"`
	HaFields     []string `yaml:"ha_fields"`
	M2Fields     []string `yaml:"m2_fields"`
	PointFields  []string `yaml:"point_fields"`
}

// SitingLayer is the rule of a layer.
type SitingLayer struct {
	Layer string `yaml:"layer"`
	// Kind is hard (a site must not lie on it), soft (it may, under a condition) or
	// information.
	Kind string `yaml:"kind"`
	// Projects tells that the kinds of project of the list may lie on a hard layer.
	Projects  bool   `yaml:"projects"`
	Zh        string `yaml:"zh"`
	En        string `yaml:"en"`
	Source    string `yaml:"source"`
	Confirmed bool   `yaml:"confirmed"`
}

// SitingProject is a kind of project.
type SitingProject struct {
	Code      string `yaml:"code"`
	Zh        string `yaml:"zh"`
	En        string `yaml:"en"`
	Source    string `yaml:"source"`
	Confirmed bool   `yaml:"confirmed"`
}

// The kinds of rules.
const (
	hardRule = "hard"
	softRule = "soft"
	infoRule = "information"
)

// checkSiting refuses rules of siting that make no sense.
func checkSiting(r *Rules, f *setting.File) *problem.Problem {
	s := &r.Siting
	if p := bounded(f, "siting", bound{"area_tolerance_ha", s.AreaToleranceHa, 0, 1e6, false}); p != nil {
		return p
	}
	seen := map[string]bool{}
	for i, l := range s.Layers {
		line := f.Line("siting", "layers", fmt.Sprint(i))
		switch {
		case l.Layer == "" || seen[l.Layer]:
			return f.Problem(line, "图层 %q 空着或重复", "the layer %q is empty or stands twice", l.Layer)
		case l.Kind != hardRule && l.Kind != softRule && l.Kind != infoRule:
			return f.Problem(line, "kind 是 %q，应为 hard、soft 或 information", "kind is %q and should be hard, soft or information", l.Kind)
		case l.Projects && l.Kind != hardRule:
			return f.Problem(line, "projects 只用于 hard", "projects is for hard layers alone")
		}
		seen[l.Layer] = true
	}
	for i, p := range s.Projects {
		if p.Code == "" || slices.ContainsFunc(s.Projects[:i], func(q SitingProject) bool { return q.Code == p.Code }) {
			return f.Problem(f.Line("siting", "projects", fmt.Sprint(i)), "项目类型代码 %q 空着或重复", "the code of project %q is empty or stands twice", p.Code)
		}
	}
	return nil
}

var siting = Question{
	Name:  "siting",
	Title: edition.Title{Zh: "项目选址合规分析", En: "Siting of projects"},
	About: edition.Title{
		Zh: "各方案（属性 alt 或“方案”，否则每个文件一个方案）并排比较：先逐地块校核并列补正清单（写明面积与计算面积、界址点数、闭合、带号与坐标、自相交、地块重叠、超出本版范围），再按图层求占用地面（地类、三大类、权属性质、坡度级、等级），依规则给出结论和依据：hard 不得占用，soft 附条件，information 提示。没有的图层写“未判断”，绝不当作通过。不打分：只列占用耕地、占用永农、耕地平均等级上互不占优（帕累托）的方案。结论供审查参考，不代替审批。",
		En: "Alternatives (by the property alt, else one a file) side by side: each plot is checked and what is to be corrected is listed (stated and computed area, points, closure, zone and coordinates, crossings, overlaps, ground outside of the edition); then the ground of each layer is measured and grouped (class, broad class, ownership, slope, grade), and rules give verdicts with evidence: hard, soft or information. Layers that are not there are told as not judged and never as passed. There is no score: alternatives that no other one dominates in cropland, permanent basic farmland and mean grade are marked (Pareto). It informs whoever examines; it approves nothing.",
	},
	Sources: []edition.Title{{
		Zh: "黄河流域“一张图”文件 003：对项目选址进行多维度合规性、合理性快速筛查与比选",
		En: "document 003: quick screening and comparison of project sites in several dimensions",
	}},
	Optional: []string{"dltb", "cropland", "pbf", "reserve", "hsf", "redline", "urban", "quality", "soil", "forest", "grass", "contract", "estate", "supplement", "fragile", "arid", "approval"},
	Parameters: []Parameter{{
		Name: "alternatives", Title: edition.Title{Zh: "方案怎样分", En: "what is an alternative"}, Default: "auto",
		About: edition.Title{Zh: "方案怎样分：auto（属性，否则文件）、file（文件）、plot（每个图形一个方案）", En: "what is an alternative: auto (by property, else file), file, plot (each shape)"},
		Takes: Choose, Choices: []Choice{
			choice("auto", "按属性 alt 或“方案”，否则每个文件", "by the property alt, else each file"), choice("file", "每个文件", "each file"), choice("plot", "每个图形", "each shape"),
		},
	}, {
		Name: "project", Title: edition.Title{Zh: "项目类型", En: "kind of project"}, Takes: Choose, ByRules: projectChoices,
		About: edition.Title{Zh: "项目类型代码（规则文件 siting.projects），空为未说明", En: "the kind of project, by its code in siting.projects of the rules; empty is not told"},
	}},
	NeedsShapes: true,
	NotPublic:   true,
	Answer:      runSiting,
}

// projectChoices are the kinds of project that the rules know.
func projectChoices(r *Rules) []Choice {
	out := []Choice{choice("", "未说明", "not told")}
	for i := range r.Siting.Projects {
		p := &r.Siting.Projects[i]
		out = append(out, choice(p.Code, p.Zh, p.En))
	}
	return out
}

// sitingJob answers the question.
type sitingJob struct {
	*Job
	rules   *SitingRules
	project *SitingProject // nil for none
	themes  []*theme
	names   *classNames
	alts    []*alternative
	// corrections are of all plots, in the order of alternatives and plots.
	corrections []correction
}

func runSiting(ctx context.Context, j *Job) (*Result, error) {
	s := &sitingJob{Job: j, rules: &j.Rules.Siting}
	r := &Result{}
	if err := s.open(r); err != nil {
		return nil, err
	}
	s.gather()
	for i, a := range s.alts {
		s.Tell(edition.Title{Zh: "校核与量测方案", En: "checking and measuring alternatives"}, i, len(s.alts))
		if err := s.validate(ctx, a); err != nil {
			return nil, err
		}
		if err := s.measure(ctx, a); err != nil {
			return nil, err
		}
	}
	graded, err := s.grades()
	if err != nil {
		return nil, err
	}
	if graded != "" {
		r.note("平均等级取自图层 %[1]s 的 GDDJ，按椭球面积加权，只计有等级的部分", "the mean grade is of GDDJ of layer %[1]s, weighted by ground, where there is one", graded)
	}
	s.pareto()
	if err := s.tell(r); err != nil {
		return nil, err
	}
	for _, a := range s.alts {
		if a.shape != nil {
			r.identity("area_"+a.name, "方案 "+a.name+"：Σ 地类 − 图斑重叠 + 图斑之外 = 方案面积", "alternative "+a.name+": Σ classes − overlaps of patches + outside = its area", a.base.sum-a.base.doubled+a.outside, a.area)
		}
	}
	s.Tell(edition.Title{Zh: "校核与量测方案", En: "checking and measuring alternatives"}, len(s.alts), len(s.alts))
	return r, nil
}

// open finds the layers and the kind of project.
func (s *sitingJob) open(r *Result) error {
	if code := s.Parameter("project"); code != "" {
		i := slices.IndexFunc(s.rules.Projects, func(p SitingProject) bool { return p.Code == code })
		if i < 0 {
			var codes []string
			for _, p := range s.rules.Projects {
				codes = append(codes, p.Code+" "+p.Zh)
			}
			return badParameter("project", code, "规则里只有 "+strings.Join(codes, "、"), "the rules have "+strings.Join(codes, ", "))
		}
		s.project = &s.rules.Projects[i]
	}
	var err error
	if s.names, err = newClassNames(); err != nil {
		return err
	}
	base := "dltb"
	if s.Maybe(base) == nil {
		base = "cropland"
		r.note("没有图层 dltb：按耕地图斑量测，耕地以外的地类未判断", "there is no layer dltb: cropland alone is measured, other classes are not judged")
	}
	if s.Maybe(base) == nil {
		return problem.New("ANALYZE_LAYER", "要有图层 dltb 或 cropland", "a layer dltb or cropland is needed").
			Advise("用 gengtu ingest --add --layer dltb=文件 入库", "take it in by gengtu ingest --add --layer dltb=FILE")
	}
	if s.Maybe(base).Field(areas.ClassField) < 0 {
		return problem.New("ANALYZE_LAYER", "图层 %[1]s 没有字段 %[2]s", "the layer %[1]s has no field %[2]s", base, areas.ClassField)
	}
	r.use(s.Job, base)
	if err := s.addTheme(SitingLayer{Layer: base, Kind: infoRule, Zh: "占用地类", En: "classes of the ground", Source: "domain 6.7", Confirmed: true}); err != nil {
		return err
	}
	for _, l := range s.rules.Layers {
		r.use(s.Job, l.Layer)
		if err := s.addTheme(l); err != nil {
			return err
		}
	}
	return nil
}

// maxSiteVertices bounds the positions of a site and of the features near it, which are
// held in memory, 200 bytes each.
const maxSiteVertices = 2_000_000

// sitingChunk is how many themes are measured together: the base takes two of the
// layers that a measurement tells apart.
const sitingChunk = overlay.MaxLayers - 2
