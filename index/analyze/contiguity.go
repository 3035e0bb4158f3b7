package analyze

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/pieces"
	"gengtu/index/problem"
	"gengtu/index/setting"
)

// ContiguityRules are the rules of contiguity.
type ContiguityRules struct {
	// GapsM are the gaps in metres that components are found at, LargeMu the areas in mu from
	// which on a component is told as large; both rise.
	GapsM   Steps `yaml:"gaps_m"`
	LargeMu Steps `yaml:"large_mu"`
	// Barriers break links where they are asked for.
	Barriers BarrierRules `yaml:"barriers"`
}

// Steps are several values of one threshold, rising.
type Steps struct {
	Values    []float64 `yaml:"values"`
	Source    string    `yaml:"source"`
	Confirmed bool      `yaml:"confirmed"`
}

// BarrierRules choose the patches of the survey that part what lies on both sides: by
// class (DLBM, whole or its beginning) or by grade of slope (GDPDJB).
type BarrierRules struct {
	Classes   []string `yaml:"classes"`
	Slopes    []string `yaml:"slopes"`
	Source    string   `yaml:"source"`
	Confirmed bool     `yaml:"confirmed"`
}

// maxSteps is how many gaps may be asked for at once.
const maxSteps = 8

func checkContiguity(r *Rules, f *setting.File) *problem.Problem {
	c := &r.Contiguity
	for _, s := range []struct {
		name       string
		of         []float64
		least, top float64
	}{{"gaps_m", c.GapsM.Values, 0, maxGapM}, {"large_mu", c.LargeMu.Values, math.SmallestNonzeroFloat64, 1e9}} {
		if !rising(s.of, s.least, s.top) {
			return f.Problem(f.Line("contiguity", s.name), "%[1]s 要有 1 到 %[2]d 个从小到大的数，不超过 %[3]v", "%[1]s has to be 1 to %[2]d rising numbers of at most %[3]v", s.name, maxSteps, s.top)
		}
	}
	return nil
}

// rising tells whether there are one to maxSteps numbers in [least, top] that rise.
func rising(of []float64, least, top float64) bool {
	for i, v := range of {
		if !(v >= least && v <= top) || i > 0 && v <= of[i-1] {
			return false
		}
	}
	return len(of) > 0 && len(of) <= maxSteps
}

// maxGapM is the greatest gap in metres that may be asked for.
const maxGapM = 1000

var contiguityQuestion = Question{
	Name:  "contiguity",
	Title: edition.Title{Zh: "集中连片度", En: "Contiguity"},
	About: edition.Title{
		Zh: "图斑之间的地面距离不超过间距 d 的连成一片（d=0：共边或共点，顶点容差 0.1 毫米；面积相互覆盖的也算相连）。每个间距各算一次。面积为图斑椭球面积之和，图斑相互覆盖处各计一次；净面积为记录值。" +
			"跨越几个地方的片在每个地方都列，各计落在该地的部分，因此各地面积加起来正好等于合计；main 是最大部分落在该地的片，各地加起来等于总片数。" +
			"有效网格面积＝Σ(该地部分×全片面积)/该地面积，合计即 Σa²/A，各地按面积加权平均等于合计；聚集度＝Σ(该地部分²)/该地面积²；是否大片按全片面积判断；形状指数＝周长/(2√(π·面积))，周长为合并后的外边界和内洞，按面积加权。" +
			"限定地方时只看该地的图斑，片在界上截断。给出图形时另算划入后的情况：图形只计尚未在层内的部分。结果是供审查的计算，不是划定。",
		En: "Patches whose distance on the ground is at most the gap d lie together (d = 0: they share a border or a point, vertices within 0.1 mm; patches that cover the same ground do, too). Each gap is computed for itself. Areas are sums of the patches' ellipsoidal areas, where patches cover each other each counts; net areas are those of record. " +
			"A component that reaches over several places is told in each with its part there, so that areas of places add up to the total exactly; main are the components whose largest part is there, which add up to all. " +
			"The effective mesh is Σ(part × whole)/area of the place, in total Σa²/A, whose mean over places by area is the total's; coherence is Σ part²/area²; what is large goes by whole components; the shape index is perimeter/(2√(π area)), of the outline of the union and its holes, weighted by area. " +
			"Where a place is asked about, only its patches are looked at, and components end at its border. With shapes the state after they are added is told beside: of a shape only what is not in the layer yet counts. It is a computation for officers to judge; it decides nothing.",
	},
	Sources: []edition.Title{{Zh: "提高集中连片程度（永久基本农田优化）", En: "domain 6.4; cross-boundary mesh after J. Moser et al., Landscape Ecology 22 (2007)"}},
	Layers:  nil,
	Parameters: []Parameter{
		{Name: "layer", Title: edition.Title{Zh: "图层", En: "layer"}, Takes: OfLayer, About: edition.Title{Zh: "哪一层：pbf、cropland 或其它面图层", En: "the layer: pbf, cropland or another"}, Default: "pbf"},
		{Name: "gaps", Title: edition.Title{Zh: "间距", En: "gaps"}, Takes: Figures, Unit: "m", About: edition.Title{Zh: "间距，米，逗号分隔，缺省按规则文件", En: "gaps in metres between commas; by the rules where not given"}, Check: checkGaps},
		{
			Name: "barriers", Title: edition.Title{Zh: "阻隔", En: "barriers"}, Default: "none", Takes: Choose,
			Choices: []Choice{choice("none", "不计", "none"), choice("rules", "按规则文件", "those of the rules")},
			About:   edition.Title{Zh: "阻隔：none 不计，rules 按规则文件（地类、坡度级别，取自 dltb）", En: "barriers: none, or rules for those of the rules file (classes and slopes of dltb)"},
		},
		{Name: "remove", Title: edition.Title{Zh: "划出的图斑", En: "patches taken out"}, Features: true, Takes: Codes, About: edition.Title{Zh: "划出的图斑编码（BSM 等），逗号分隔：另算划出后的情况", En: "codes (BSM …) of patches that are taken out, between commas: the state after is told beside"}},
		{Name: "least_mu", Title: edition.Title{Zh: "清单从多大的片列起", En: "list components from"}, Default: "0", Takes: Figure, Unit: "mu", About: edition.Title{Zh: "片的清单从多少亩列起（合计不受影响）", En: "the area in mu from which on components are listed (totals have all)"}, Check: checkLeast},
	},
	Named:  contiguityLayers,
	Answer: runContiguity,
}

// contiguityLayers lists the layers that a request names.
func contiguityLayers(req *Request) []string {
	names := []string{cmp.Or(req.Parameters["layer"], "pbf")}
	if b := req.Parameters["barriers"]; b != "" && b != "none" {
		names = append(names, "dltb")
	}
	return names
}

func checkGaps(value string) error {
	if _, err := parseGaps(value); err != nil {
		return err
	}
	return nil
}

// parseGaps reads gaps, in any order.
func parseGaps(value string) ([]float64, error) {
	var gaps []float64
	for _, t := range strings.Split(value, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(t), 64)
		if err != nil {
			v = math.NaN()
		}
		gaps = append(gaps, v+0) // no −0
	}
	slices.Sort(gaps)
	if gaps = slices.Compact(gaps); !rising(gaps, 0, maxGapM) {
		return nil, badParameter("gaps", value, "要 1 到 8 个 0 到 1000 的数（米），逗号分隔", "it has to be 1 to 8 numbers from 0 to 1000 (metres) between commas")
	}
	return gaps, nil
}

func checkLeast(value string) error {
	if v, err := strconv.ParseFloat(value, 64); err != nil || !(v >= 0 && v <= 1e9) {
		return badParameter("least_mu", value, "要一个 0 到 10 亿的数（亩）", "it has to be a number from 0 to 1e9 (mu)")
	}
	return nil
}

// contiguityWork is the question at work.
type contiguityWork struct {
	*Job
	r        *Result
	layer    *index.Layer
	gaps     []float64
	large    []float64 // mu
	leastMu  float64
	barriers []pieces.Cover
	removed  map[int32]bool // features of the layer
	proposed []proposed
	added    []int // of the proposed those with ground to add
}

func runContiguity(ctx context.Context, j *Job) (*Result, error) {
	w := &contiguityWork{Job: j, r: &Result{}, large: j.Rules.Contiguity.LargeMu.Values}
	if err := w.open(); err != nil {
		return nil, err
	}
	before, err := w.state(ctx, false)
	if err != nil {
		return nil, err
	}
	if err := w.tell(before, "", edition.Title{}); err != nil {
		return nil, err
	}
	if len(w.removed) > 0 || len(w.Shapes) > 0 {
		if err := w.change(ctx, before); err != nil {
			return nil, err
		}
	}
	w.notes(before)
	return w.r, nil
}

// open reads the parameters and finds the layers.
func (w *contiguityWork) open() error {
	var err error
	name := w.Parameter("layer")
	if w.layer, err = w.Layer(name, ""); err != nil {
		return err
	}
	w.r.use(w.Job, name)
	w.gaps = w.Rules.Contiguity.GapsM.Values
	if text := w.Parameter("gaps"); text != "" {
		if w.gaps, err = parseGaps(text); err != nil {
			return err
		}
	}
	if w.leastMu, err = strconv.ParseFloat(w.Parameter("least_mu"), 64); err != nil {
		return err
	}
	if w.Parameter("barriers") == "rules" {
		if err := w.openBarriers(); err != nil {
			return err
		}
	}
	return w.openRemoved()
}

// openBarriers chooses the patches that part others.
func (w *contiguityWork) openBarriers() error {
	dltb, err := w.Layer("dltb", "")
	if err != nil {
		return err
	}
	w.r.use(w.Job, "dltb")
	class, err := columnOf(dltb, "DLBM")
	if err != nil {
		return err
	}
	slope, err := columnOf(dltb, "GDPDJB", "PDJB")
	if err != nil {
		return err
	}
	rules := &w.Rules.Contiguity.Barriers
	in, n := make([]bool, dltb.Len()), 0
	for i := range in {
		c, err := class.text(i)
		if err != nil {
			return err
		}
		s, err := slope.text(i)
		if err != nil {
			return err
		}
		in[i] = slices.ContainsFunc(rules.Classes, func(of string) bool { return of != "" && strings.HasPrefix(c, of) }) || s != "" && slices.Contains(rules.Slopes, s)
		if in[i] {
			n++
		}
	}
	w.barriers = []pieces.Cover{{Layer: dltb, Only: func(i int) bool { return in[i] }}}
	w.r.note("计入阻隔：地类 %[1]s，坡度级别 %[2]s，共 %[3]d 个图斑；两片之间每条最短连线都穿过阻隔的不相连",
		"barriers are patches of the classes %[1]s and of slope grade %[2]s, %[3]d in all; two patches are parted where every shortest line between edges of theirs runs through one",
		strings.Join(rules.Classes, "、"), strings.Join(rules.Slopes, "、"), n)
	return nil
}

// openRemoved finds the features that are taken out.
func (w *contiguityWork) openRemoved() error {
	w.removed = map[int32]bool{}
	only := w.places(w.layer).only()
	for _, code := range strings.Split(w.Parameter("remove"), ",") {
		if code = strings.TrimSpace(code); code == "" {
			continue
		}
		at, err := w.layer.ByCode(code, 1000)
		if err != nil {
			return err
		}
		found := false
		for _, i := range at {
			if only == nil || only(i) {
				w.removed[int32(i)], found = true, true
			}
		}
		if !found {
			return badParameter("remove", code, "图层 "+w.layer.Meta.Name+" 没有这个编码（或不在所问的地方）", "the layer "+w.layer.Meta.Name+" has no such code, or not in the place that is asked about")
		}
	}
	return nil
}

// notes says what the figures rest on.
func (w *contiguityWork) notes(s *contiguityState) {
	c := &w.Rules.Contiguity
	if !c.GapsM.Confirmed {
		w.r.note("间距没有查到标准值（规则文件标为未确认）：各间距并列，不作判定", "no standard value of the gap was found (not confirmed in the rules): the gaps stand side by side and decide nothing")
	}
	if !c.LargeMu.Confirmed {
		w.r.note("大片的面积界限未经确认（规则文件），只作分档", "the areas from which on a component is large are not confirmed (rules); they only tell sizes apart")
	}
	if w.barriers != nil && !c.Barriers.Confirmed {
		w.r.note("哪些地类算阻隔未经确认（规则文件）", "which classes are barriers is not confirmed (rules)")
	}
	if w.Place != "" {
		w.r.note("只看 %[1]s 的图斑，片在其界上截断", "only patches of %[1]s are looked at; components end at its border", w.Place)
	}
	if n := s.unplaced; n > 0 {
		w.r.note("%d 个图斑没有所在地代码，计在空白的一行", "%d patches have no code of a place and stand in the row without one", n)
	}
	if n := s.unrecorded; n > 0 {
		w.r.note("%d 个图斑没有记录的净面积：含有它们的行不给净面积", "%d patches have no net area of record: rows with one of them have no net area", n)
	}
}
