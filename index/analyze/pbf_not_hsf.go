package analyze

import (
	"cmp"
	"context"
	"slices"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/pieces"
	"gengtu/index/problem"
	"gengtu/index/setting"
)

// ProgressRules are the rules of pbf-not-hsf.
type ProgressRules struct {
	// TargetYear is the year by which all PBF that meets the conditions is to be built.
	TargetYear Threshold `yaml:"target_year"`
	// TrendYears is over how many years the trend is taken.
	TrendYears Threshold `yaml:"trend_years"`
	// UpgradeStates are the values of ZLDJ of parcels that are to be upgraded, and
	// UpgradeAge the age in years beyond which one might be.
	UpgradeStates Listed    `yaml:"upgrade_states"`
	UpgradeAge    Threshold `yaml:"upgrade_age"`
	GapM          Threshold `yaml:"gap_m"`
}

func checkProgress(r *Rules, f *setting.File) *problem.Problem {
	p := &r.Progress
	return bounded(f, "pbf-not-hsf",
		bound{"target_year", p.TargetYear, 2000, 2100, true},
		bound{"trend_years", p.TrendYears, 2, 50, true},
		bound{"upgrade_age", p.UpgradeAge, 0, 100, true},
		bound{"gap_m", p.GapM, 0, 1000, false},
	)
}

var pbfNotHSF = Question{
	Name:  "pbf-not-hsf",
	Title: edition.Title{Zh: "永久基本农田建成高标准农田进度", En: "Permanent basic farmland not yet high-standard: progress"},
	About: edition.Title{
		Zh: "永久基本农田面积（扣田坎，YJJBNTMJ）中，到每一年为止落在已验收高标准农田（合并后，按建设年度）内的部分为已建；未建部分除以到目标年的年数为每年需建；近几年已建面积的最小二乘斜率为趋势。各年都按所问时相的永久基本农田范围计。没有建设年度的高标准农田不推定年份，单列，计为已建。图层 pbf_nocond（不具备条件的永久基本农田）存在时，其中未建的部分单列，不计入应建。",
		En: "Of the net area of record of permanent basic farmland (YJJBNTMJ), what lies in accepted high-standard farmland, dissolved, of that year of building or an earlier one is built; what is left, by the years to the target year, is needed each year; the least-squares slope of the last years is the trend. Every year is measured on the basic farmland of the vintage that is asked about. High-standard farmland without a year is given none: it is told by itself, and counts as built. Where there is a layer pbf_nocond (basic farmland that does not meet the conditions), what of that is not built is told by itself and need not be built.",
	},
	Sources:  []edition.Title{{Zh: "到 2035 年，力争将具备条件的永久基本农田全部建成高标准农田", En: "by 2035 all permanent basic farmland that meets the conditions is to be high-standard"}},
	Layers:   []string{"pbf", "hsf"},
	Optional: []string{"hsf-project", noCondition},
	Parameters: []Parameter{{
		Name: "year", Title: edition.Title{Zh: "高标准农田的年度字段", En: "year of high-standard farmland"}, Takes: Choose, Choices: []Choice{
			choice("", "按图层所有", "as the layer has it"), choice("JSND", "建设年度 JSND", "of building, JSND"), choice("JCND", "建成年度 JCND", "of completion, JCND"),
		},
		About: edition.Title{Zh: "高标准农田的年度字段：JSND 建设年度，JCND 建成年度；默认 JSND，图层没有 JSND 时为 JCND", En: "field of the year of high-standard farmland: JSND, of building, or JCND, of completion; by default JSND, or JCND where the layer has no JSND"},
	}},
	Answer: runPBFNotHSF,
}

// noCondition is the layer of basic farmland that does not meet the conditions.
const noCondition = "pbf_nocond"

// What the key of a piece says in pbf-not-hsf: the year of building, or that it has none;
// 0 is not built.
const (
	keyYear    = 1<<12 - 1
	keyUndated = 1 // in place of a year, which is not below firstYear
	keyNoMeans = 1 << 12
)

// unbuilt is a part of a patch that is not high-standard yet.
type unbuilt struct {
	feature    int32
	noMeans    bool
	whole      bool // the patch is nothing else
	grade      int
	part       int
	area       Area
	patch, net int64
	tract      Area
	code       string
}

// progressSum is what a place has, in net areas of record.
type progressSum struct {
	pbf, undated, ineligible Area
	unbuilt                  Area
	years                    map[int]Area
	listed, slivers          int64
	sliver, sliverArea       Area
	unrecorded               int64
}

// progressWork is the question at work.
type progressWork struct {
	*Job
	r            *Result
	pbf          *index.Layer
	hsf          pieces.Cover
	covers       []pieces.Cover
	noMeans      int // cover, -1 for none
	years        []int
	first, state int // years: the earliest of building, and that of the state asked about
	grades, code *column
	places       *places
	sums         map[string]*progressSum
	list         []unbuilt
	rowsNet      Area
}

func runPBFNotHSF(ctx context.Context, j *Job) (*Result, error) {
	w := &progressWork{Job: j, r: &Result{}, noMeans: -1, sums: map[string]*progressSum{}}
	if err := w.open(); err != nil {
		return nil, err
	}
	in := w.covers[0].Only
	doubled, err := j.shares(ctx, pieces.Question{Covers: w.covers, Key: w.key}, w.feature)
	if err != nil {
		return nil, err
	}
	w.r.doubledNote("永久基本农田", "permanent basic farmland", doubled)
	// What no box of a parcel touches is not built, whole.
	for i := range w.pbf.Len() {
		if _, ok := w.places.of(i); ok && !in(i) {
			r := w.pbf.Record(i)
			whole := pieces.Share{Feature: int32(i), Area: int64(geo.HundredthsOf(r.AreaM2)), Patch: r.Patch, Net: r.Net, AreaM2: r.AreaM2}
			if err := w.feature([]pieces.Share{whole}); err != nil {
				return nil, err
			}
		}
	}
	t, err := j.tracts(ctx, pieces.Cover{Layer: w.pbf}, w.Rules.Progress.GapM.Value)
	if err != nil {
		return nil, err
	}
	for i := range w.list {
		w.list[i].tract = t.of(int(w.list[i].feature))
	}
	w.rank()
	return w.r, w.tables()
}

// open finds the layers, years and fields.
func (w *progressWork) open() error {
	var err error
	if w.pbf, err = w.Layer("pbf", ""); err != nil {
		return err
	}
	hsf, err := w.Layer("hsf", "")
	if err != nil {
		return err
	}
	w.r.use(w.Job, "pbf", "hsf")
	w.hsf = pieces.Cover{Layer: hsf}
	if w.hsf.Only, err = w.accepted(w.r, hsf); err != nil {
		return err
	}
	w.places = w.Job.places(w.pbf)
	reach := touched(w.pbf, w.hsf)
	w.covers = []pieces.Cover{{Layer: w.pbf}, w.hsf}
	w.r.use(w.Job, noCondition)
	if l := w.Maybe(noCondition); l != nil {
		w.noMeans = len(w.covers)
		w.covers = append(w.covers, pieces.Cover{Layer: l})
		near, far := reach, touched(w.pbf, pieces.Cover{Layer: l})
		reach = func(i int) bool { return near(i) || far(i) }
	}
	w.covers[0].Only = both(reach, w.places.only())
	if w.grades, err = columnOf(w.pbf, "GDDJ"); err != nil {
		return err
	}
	if w.code, err = columnOf(w.pbf, "BSM", "YJJBNTTBBH"); err != nil {
		return err
	}
	return w.openYears()
}

// key tells the parts of a patch apart: by the earliest year in which any of its ground
// was built, and where none was by whether it meets the conditions.
func (w *progressWork) key(p *pieces.Piece, _ int) uint64 {
	year, built := 0, false
	p.Each(1, func(i int) {
		built = true
		if y := w.years[i]; y != 0 && (year == 0 || y < year) {
			year = y
		}
	})
	switch {
	case year != 0:
		return uint64(year)
	case built:
		return keyUndated
	case w.noMeans >= 0 && p.In(w.noMeans):
		return keyNoMeans
	}
	return 0
}

// feature takes the shares of a patch.
func (w *progressWork) feature(shares []pieces.Share) error {
	f := int(shares[0].Feature)
	place, _ := w.places.of(f)
	sum := w.sums[place]
	if sum == nil {
		sum = &progressSum{years: map[int]Area{}}
		w.sums[place] = sum
	}
	net, recorded := netOf(w.pbf.Record(f))
	if recorded {
		sum.pbf += net
	} else {
		sum.unrecorded++
	}
	parts := 0
	for i := range shares {
		if s := &shares[i]; s.Mask&keyYear == 0 {
			parts++
		}
	}
	part := 0
	for i := range shares {
		s := &shares[i]
		own := Area(max(s.Net, 0))
		switch year := int(s.Mask & keyYear); {
		case year == keyUndated:
			sum.undated += own
		case year != 0:
			sum.years[year] += own
		default:
			part++
			u := unbuilt{feature: s.Feature, noMeans: s.Mask&keyNoMeans != 0, whole: len(shares) == 1, area: Area(s.Area), patch: s.Patch, net: s.Net}
			if parts > 1 {
				u.part = part
			}
			if err := w.add(&u, sum); err != nil {
				return err
			}
		}
	}
	return nil
}

// add takes in a part that is not built.
func (w *progressWork) add(u *unbuilt, sum *progressSum) error {
	net := Area(max(u.net, 0))
	if u.noMeans {
		sum.ineligible += net
	} else {
		sum.unbuilt += net
	}
	if geo.Hundredths(u.area).M2() < w.Rules.Slivers.AreaM2.Value {
		sum.slivers++
		sum.sliver += net
		sum.sliverArea += u.area
		return nil
	}
	sum.listed++
	f := int(u.feature)
	var err error
	if u.grade, err = w.grades.grade(f); err != nil {
		return err
	}
	if u.code, err = w.code.orID(f); err != nil {
		return err
	}
	w.rowsNet += net
	w.list = append(w.list, *u)
	return nil
}

// rank puts parts in order: those that meet the conditions first, then the better grade
// of quality, then the greater tract, then the greater part.
func (w *progressWork) rank() {
	slices.SortFunc(w.list, func(a, b unbuilt) int {
		return cmp.Or(
			compareBools(a.noMeans, b.noMeans),
			cmp.Compare(worst(a.grade), worst(b.grade)),
			cmp.Compare(b.tract, a.tract),
			cmp.Compare(b.net, a.net),
			cmp.Compare(b.area, a.area),
			cmp.Compare(a.code, b.code),
			cmp.Compare(a.part, b.part),
			cmp.Compare(a.feature, b.feature))
	})
}

// shape returns the ground of a part that is not built.
func (w *progressWork) shape(ctx context.Context, c *cutter, u *unbuilt) (geo.MultiPolygon, error) {
	if u.whole && w.noMeans < 0 {
		f, err := w.pbf.Feature(int(u.feature))
		return f.Geometry, err
	}
	var in []pieces.Cover
	out := []pieces.Cover{w.hsf}
	switch {
	case w.noMeans < 0:
	case u.noMeans:
		in = append(in, w.covers[w.noMeans])
	default:
		out = append(out, w.covers[w.noMeans])
	}
	return c.cut(ctx, w.pbf, int(u.feature), in, out)
}
