// Package reconcile says why one figure is not another: in go two figures, each of a
// layer in some vintage of some edition or from a table that somebody reported; out comes
// a bridge from the one to the other, whose lines add up to the difference in integers
// of 0.01 m², by place, each with the features that make it up.
//
// METHOD.md defines the figures, the lines and the rules by which each piece of ground
// and each share of record belongs to exactly one line. Coordinates are CGCS2000
// (EPSG:4490), ellipsoidal areas by the survey's formula.
//
// Against figures without features there is a difference by place and class, and no
// bridge; the answer says so.
//
// The package stores nothing, and says of neither figure that it is the right one.
package reconcile

import (
	"context"
	"sync"

	"gengtu/index/analyze"
	"gengtu/index/areas"
	"gengtu/index/compare"
	"gengtu/index/edition"
	"gengtu/index/problem"
)

// Line is a line of the bridge.
type Line string

// The lines, see METHOD.md.
const (
	GroundLine  Line = "ground"
	Reclassed   Line = "reclassed"
	Ridges      Line = "ridges"
	Doubled     Line = "doubled"
	NotCropland Line = "not-cropland"
	Band        Line = "band"
	Transfer    Line = "transfer"
	RecordLine  Line = "record"
	Rounding    Line = "rounding"
	Unexplained Line = "unexplained"
)

// Lines are all lines in the order of attribution, which is that of the bridge.
var Lines = []Line{GroundLine, Reclassed, Ridges, Doubled, NotCropland, Band, Transfer, RecordLine, Rounding, Unexplained}

// lineTitles name the lines.
var lineTitles = map[Line]edition.Title{
	GroundLine:  {Zh: "范围增减", En: "ground gained or lost"},
	Reclassed:   {Zh: "地类改变", En: "reclassed"},
	Ridges:      {Zh: "田坎扣除", En: "ridge deduction"},
	Doubled:     {Zh: "重复计算", En: "counted twice"},
	NotCropland: {Zh: "高标准农田内的非耕地", En: "non-cropland inside HSF"},
	Band:        {Zh: "数字化边带", En: "digitising band"},
	Transfer:    {Zh: "界线调整", En: "boundary transfer"},
	RecordLine:  {Zh: "库面积与椭球面积之差", En: "record against ellipsoidal"},
	Rounding:    {Zh: "取舍误差", En: "rounding"},
	Unexplained: {Zh: "未能解释", En: "unexplained"},
}

// Title returns what people call the line.
func (l Line) Title() edition.Title { return lineTitles[l] }

// Question asks why the figure of B is not that of A.
type Question struct {
	A, B Operand
	// By is the level of places that the bridge is told by; "" is county.
	By areas.Level
	// Place bounds the question to a place, by code; "" is all.
	Place string
	// WidthM is the width of the digitising band in metres; nil is that of the rules.
	WidthM *float64
	// Only lists the lines whose features are listed; nil is all.
	Only []Line
	// Shapes asks for the shapes of the features that are listed.
	Shapes bool
}

// Options changes how [Run] works; they change no figure.
type Options struct {
	Rules   *analyze.Rules // nil is [analyze.DefaultRules]
	Workers int            // goroutines; 0 is one for each processor
	Program string
	// Tell is told how far a stage is; may be nil.
	Tell func(stage edition.Title, done, all int)
}

// About is what answers say of themselves, and who may have them. It is never changed; see
// [Asked] for the question.
var About = analyze.Question{
	NotPublic: true,
	Optional:  []string{"cropland", "pbf", "hsf", "dltb", edition.Region},
	Name:      "reconcile",
	Title:     edition.Title{Zh: "对账：两个数为什么不一样", En: "Reconciliation: why one figure is not the other"},
	About: edition.Title{
		Zh: "从甲数到乙数逐项搭桥：范围增减、地类改变、田坎扣除、重复计算、高标准农田内的非耕地、数字化边带、界线调整、库面积与椭球面积之差、取舍误差、未能解释。每块地面、每份库面积只归一项，各项以 0.01 平方米的整数相加，正好等于两数之差。",
		En: "A bridge from figure A to figure B: ground gained or lost, reclassed, ridge deduction, counted twice, non-cropland inside HSF, digitising band, boundary transfer, record against ellipsoidal, rounding, unexplained. Each piece of ground and each share of record belongs to one line, and in integers of 0.01 m² the lines add up to the difference.",
	},
}

// Run answers a question. The indexes must stay open while the answer's shapes are used.
// Errors are ctx's, those of reading, and problems: RECONCILE_OPERAND, RECONCILE_FIGURE,
// RECONCILE_RULES, DIFF_TIER, POLICY, PARAMETER_BY, PARAMETER_PLACE, NO_PLACE where no
// feature of either edition lies in the place, and RECONCILE_OPEN where the
// bridge does not close, which is a fault of this package.
func Run(ctx context.Context, q Question, opt Options) (*analyze.Result, error) {
	r, err := newRun(q, opt)
	if err != nil {
		return nil, err
	}
	for _, o := range []*Operand{&r.A, &r.B} {
		if err := o.check(); err != nil {
			return nil, err
		}
	}
	if r.A.Table != nil || r.B.Table != nil {
		return r.bare()
	}
	if err := analyze.CheckPlace(r.Place, r.A.Index, r.B.Index); err != nil {
		return nil, err
	}
	if err := compare.Comparable(r.A.Index.Manifest.Tier, r.B.Index.Manifest.Tier); err != nil {
		return nil, err
	}
	if err := r.load(); err != nil {
		return nil, err
	}
	if err := r.divide(ctx); err != nil {
		return nil, err
	}
	if err := r.bands(ctx); err != nil {
		return nil, err
	}
	r.allot()
	r.attribute()
	return r.answer()
}

// run is a question on its way.
type run struct {
	Question
	opt   Options
	rules *analyze.ReconcileRules
	width float64
	sides [2]*side
	parts []part
	items []item
	sums  sums
	names map[string]string

	// aloneOf are the parts that one side alone holds, by side and feature, for shapes.
	alone   sync.Once
	aloneOf [2]map[int32][]int32
}

func newRun(q Question, opt Options) (*run, error) {
	r := &run{Question: q, opt: opt}
	if opt.Tell == nil {
		r.opt.Tell = func(edition.Title, int, int) {}
	}
	if opt.Rules == nil {
		rules, err := analyze.DefaultRules()
		if err != nil {
			return nil, err
		}
		r.opt.Rules = rules
	}
	r.rules = &r.opt.Rules.Reconcile
	if r.rules.WidthM == (analyze.Threshold{}) || r.rules.StepFeatures.Value == 0 || r.rules.Listed.Value == 0 {
		return nil, problem.New("RECONCILE_RULES", "规则文件缺 reconcile 一节，或缺其中的 width_m、step_features、listed", "the rules have no section reconcile, or no width_m, step_features or listed in it").
			Advise("gengtu analyze --show-rules 打印内置规则", "gengtu analyze --show-rules prints the embedded rules")
	}
	r.width = r.rules.WidthM.Value
	if q.WidthM != nil {
		r.width = *q.WidthM
	}
	if !(r.width >= 0 && r.width <= maxWidthM) {
		return nil, badWidth(r.width)
	}
	if r.By == "" {
		r.By = "county"
	}
	if _, err := areas.ParseLevel(string(r.By)); err != nil {
		return nil, err
	}
	if r.Place != "" && !edition.IsPlace(r.Place) {
		return nil, edition.BadPlace(r.Place)
	}
	for _, l := range q.Only {
		if _, err := ParseLine(string(l)); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// maxWidthM bounds the width of the band: what is wider is no band.
const maxWidthM = 100

func badWidth(v any) error {
	return problem.New("RECONCILE_WIDTH", "边带宽度是 %.40[1]v 米", "the width of the band is %.40[1]v m", problem.Shown(v)).Advise("应在 0 到 100 之间", "it lies between 0 and 100")
}

// ParseLine returns the line of that name, or a problem RECONCILE_LINE.
func ParseLine(name string) (Line, error) {
	if _, ok := lineTitles[Line(name)]; ok {
		return Line(name), nil
	}
	return "", problem.New("RECONCILE_LINE", "没有 %.40q 这一项", "there is no line %.40q", name).Advise("有 %v", "there are %v", Lines)
}
