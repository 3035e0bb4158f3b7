// Package change applies the update packages of the yearly survey of changes: the
// patches as they are now (DLTBGX) and the record of what each came from (DLTBGXGC)
// make a new vintage of the land survey out of the one before, which stays as it was.
//
// Nothing of a package is believed: keys, attributes, areas and ground of every record
// are held against the stored patches and the new ones, and a package with one fault
// is refused whole, with all faults told. What follows from what is kept with the new
// vintage as its lineage.
//
// Package change writes nothing and puts nothing in force: what [Apply] returns is for
// ingest.Extend to store.
package change

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/profiles"
)

// layer is the layer that packages are of.
const layer = "dltb"

// Options say how to take a package in.
type Options struct {
	ingest.Options
	// Vintage is that of the new state; "" takes the year that the patches speak of.
	Vintage string
}

// Report says what a package did, or what is wrong with it. Areas are of record, in m².
type Report struct {
	Edition    string   `json:"edition,omitempty"`
	Generation string   `json:"generation,omitempty"`
	Layer      string   `json:"layer"`
	From       string   `json:"from_vintage"`
	Vintage    string   `json:"vintage"`
	Sources    []string `json:"sources"`
	// Flows counts the records of DLTBGXGC, Removed and Inserted the patches, Kept
	// those that are in the new vintage as they were.
	Flows    int `json:"flows"`
	Removed  int `json:"removed"`
	Inserted int `json:"inserted"`
	Kept     int `json:"kept"`
	// RemovedM2 − OutM2 + InM2 = InsertedM2: In and Out are what came from and went to
	// other counties or the sea (XZQTZLX 1 and 3, 2 and 4).
	RemovedM2  float64 `json:"removed_m2"`
	InsertedM2 float64 `json:"inserted_m2"`
	InM2       float64 `json:"in_m2"`
	OutM2      float64 `json:"out_m2"`
	// Groups counts the parts of the package that share no patch; the ground of each
	// was held against the ground before.
	Groups int `json:"groups"`
	// WorstM2 is the most ground, of all groups, that was in one state alone, and
	// ToleranceM the width along borders that it was allowed to be.
	WorstM2    float64            `json:"worst_ground_m2"`
	ToleranceM float64            `json:"tolerance_m"`
	Faults     []*problem.Problem `json:"faults"`
	// FaultsFound counts all faults, also those beyond [MaxFaults].
	FaultsFound int                 `json:"faults_found"`
	Notes       []*problem.Problem  `json:"notes,omitempty"`
	Patches     *ingest.LayerReport `json:"patches,omitempty"`
}

// MaxFaults is how many faults are listed; the rest are counted.
const MaxFaults = 300

// Applied is a package that is in order, ready to be put beside the edition's layers.
type Applied struct {
	Report *Report

	base     *index.Base
	from, to edition.Layer
	views    []edition.Layer
	removed  map[uint64]bool
	inserted []ingest.Given
	links    []index.Link
}

// Apply holds a package against the edition of base. The report is never nil; with an
// error, which is ctx's or a problem, nothing may be stored. A package with faults is
// the problem PACKAGE_REFUSED, which names the first.
func Apply(ctx context.Context, base *index.Base, p *Package, opt Options) (*Applied, *Report, error) {
	a := &applying{ctx: ctx, opt: opt, base: base, report: &Report{Layer: layer, Faults: []*problem.Problem{}, ToleranceM: toleranceM, Vintage: opt.Vintage}}
	for _, in := range slices.Concat(p.Patches, p.Flows) {
		a.report.Sources = append(a.report.Sources, in.Path)
	}
	a.report.Notes = append(a.report.Notes, p.Unread...)
	if len(p.Aside) > 0 {
		a.report.Notes = append(a.report.Notes, problem.New("PACKAGE_FORMS", "同一图层有几种格式，这些没有读：%s", "the same layer is there in several formats; these are not read: %s", strings.Join(p.Aside, ", ")).
			Advise("要读哪一份就用 --package 指明文件", "name the files with --package to have others read"))
	}
	out, err := a.apply(p)
	return out, a.report, err
}

// applying is a package that is being held against an edition.
type applying struct {
	ctx    context.Context //nolint:containedctx // lives as long as the call that made it
	opt    Options
	base   *index.Base
	known  *profiles.Set
	report *Report

	from, to *edition.Layer
	flows    []flow
	old, now map[string]*state // by BSM
}

// state is a patch, as it was or as it is, with the flows that it takes part in.
type state struct {
	feature index.Feature
	path    string // of a new patch
	record  int64
	told    int64 // what the flows say of it together, in 0.01 m²
	flows   []int // in applying.flows
	group   int
}

func (a *applying) apply(p *Package) (*Applied, error) {
	if err := a.open(p); err != nil {
		return nil, err
	}
	for _, step := range []func() error{func() error { return a.readFlows(p.Flows) }, a.gather, a.checkRecords, a.checkAreas, a.checkGround} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	if n := a.report.FaultsFound; n > 0 {
		first := a.report.Faults[0]
		return nil, problem.New("PACKAGE_REFUSED", "更新包有 %[1]d 处不符，什么都没有存；第一处（%[2]s）：%[3]s", "the update package is wrong in %[1]d places, nothing is stored; the first (%[2]s): %[4]s",
			n, first.Code, first.Found(problem.Chinese), first.Found(problem.English)).In(first.File).At(first.Record, first.Key).Because(first).
			Advise("报告里逐条列出；请提交单位更正后重新提交", "the report lists them; have it corrected and delivered again")
	}
	return a.settle(), nil
}

// open reads the patches and settles the vintages.
func (a *applying) open(p *Package) error {
	if len(p.Patches) == 0 || len(p.Flows) == 0 {
		return p.incomplete()
	}
	latest := a.latest("")
	if latest == nil {
		return problem.New("PACKAGE_BASE", "版本里没有 dltb，更新包没有可更新的对象", "the edition has no dltb that a package could change").
			Advise("先用 gengtu ingest 入库上一年度的 DLTB", "take the DLTB of the year before in with gengtu ingest first")
	}
	if a.known = a.opt.Profiles; a.known == nil {
		var err error
		if a.known, err = profiles.Embedded(); err != nil {
			return err
		}
	}
	// The patches are read by the fields of the latest vintage, whichever they are of.
	meta := *latest
	given, rep, err := ingest.ReadFor(a.ctx, a.base, &meta, p.Patches, a.opt.Options)
	a.report.Patches = rep
	if err != nil {
		return err
	}
	if rep.Refused > 0 {
		i := slices.IndexFunc(rep.Findings, func(f ingest.Finding) bool { return f.Action == ingest.Refused })
		first := rep.Findings[i]
		return problem.New("PACKAGE_PATCHES", "DLTBGX 有 %[1]d 条记录不能收（%[2]s），什么都没有存", "%[1]d records of DLTBGX cannot be taken (%[2]s), nothing is stored", rep.Refused, first.Code).
			In(first.File).At(first.Record, first.Key).Because(first.Problem).
			Advise("报告里逐条列出", "the report lists them")
	}
	own := func(field string) bool {
		return a.known.Of(patchesProfile).Knows(field) && !a.known.Of(layer).Knows(field)
	}
	if left := slices.DeleteFunc(slices.Clone(rep.UnknownFields), own); len(left) > 0 {
		a.report.Notes = append(a.report.Notes, problem.New("PACKAGE_FIELDS_LEFT", "版本里的 dltb 没有 DLTBGX 的字段 %v，不存", "the dltb of this edition has none of the fields %v of DLTBGX; they are not stored", left).
			Advise("若应保留，把它们加进上一年度的 DLTB，重新入库后再更新", "if they are to be kept, add them to the DLTB of the year before, ingest it anew, and update then"))
	}
	a.now = map[string]*state{}
	key := fieldOf(&meta, "BSM")
	for i := range given {
		g := &given[i]
		bsm, _ := g.Values[key].(string)
		if bsm == "" {
			a.fault(problem.New("PACKAGE_PATCH_KEYLESS", "DLTBGX 的图斑没有 BSM", "a patch of DLTBGX has no BSM").In(g.Path).At(g.Record, ""))
			continue
		}
		a.now[bsm] = &state{feature: g.Feature, path: g.Path, record: g.Record, group: -1}
	}
	return a.settleVintages()
}

// settleVintages finds the new vintage and the one that it is made from.
func (a *applying) settleVintages() error {
	v := a.opt.Vintage
	if v == "" {
		v = a.yearOf()
	}
	if !edition.ValidVintage(v) {
		return problem.New("PACKAGE_VINTAGE", "看不出更新包是哪一年的（SJNF 不一致或没有）", "the package does not say of which year it is: its patches have no SJNF, or several").
			Advise("用 --vintage 写明，例如 --vintage 2025", "name it with --vintage, such as --vintage 2025")
	}
	if a.base.Layer(layer, v) != nil || a.base.Layer("cropland", v) != nil {
		return problem.New("VINTAGE_EXISTS", "版本里已有时相 %s", "the edition has vintage %s already", v).
			Advise("更新包生成新的时相；请核对 --vintage", "a package makes a new vintage: check --vintage")
	}
	from := a.latest(v)
	if from == nil {
		return problem.New("PACKAGE_BASE", "版本里没有早于 %s 的 dltb", "the edition has no dltb earlier than %s", v).
			Advise("更新包要从上一年度的 dltb 生成新的时相", "a package makes the new vintage from the dltb of the year before")
	}
	to := *from
	to.Vintage, to.Source = v, nil
	a.from, a.to = from, &to
	a.report.From, a.report.Vintage = from.Vintage, v
	return nil
}

// latest returns the latest stored dltb before a vintage, or of all for "".
func (a *applying) latest(before string) *edition.Layer {
	var best *edition.Layer
	for i := range a.base.Manifest.Layers {
		l := &a.base.Manifest.Layers[i]
		if l.Name != layer || l.View != nil || before != "" && edition.CompareVintages(l.Vintage, before) >= 0 {
			continue
		}
		if best == nil || edition.CompareVintages(l.Vintage, best.Vintage) > 0 {
			best = l
		}
	}
	return best
}

// yearOf returns the year that all patches speak of, "" when they do not agree.
func (a *applying) yearOf() string {
	year := ""
	i := fieldOf(a.latest(""), "SJNF")
	for _, s := range a.now {
		if i < 0 || s.feature.Values[i] == nil {
			return ""
		}
		y := fmt.Sprint(s.feature.Values[i])
		if year != "" && y != year {
			return ""
		}
		year = y
	}
	return year
}

func fieldOf(m *edition.Layer, name string) int {
	return slices.IndexFunc(m.Fields, func(f edition.Field) bool { return f.Name == name })
}

// fault counts a fault, and lists it while there is room.
func (a *applying) fault(p *problem.Problem) {
	if p.Advice(problem.English) == "" {
		p = p.Advise("请提交单位核对这条记录，更正后重新提交整个更新包", "have the record checked, and the whole package corrected and delivered again")
	}
	if a.report.FaultsFound++; len(a.report.Faults) < MaxFaults {
		a.report.Faults = append(a.report.Faults, p)
	}
}

// settle makes what is to be stored out of a package that is in order.
func (a *applying) settle() *Applied {
	out := &Applied{Report: a.report, base: a.base, from: *a.from, to: *a.to, removed: map[uint64]bool{}}
	for _, s := range a.old {
		out.removed[s.feature.ID] = true
	}
	for _, s := range a.now {
		out.inserted = append(out.inserted, ingest.Given{Feature: s.feature})
	}
	for i := range a.flows {
		f := &a.flows[i]
		k := index.Link{Area: f.area}
		if f.kind != comesIn {
			k.From = ingest.KeyID(layer, f.from)
		}
		if f.kind != goesOut {
			k.To = ingest.KeyID(layer, f.to)
		}
		out.links = append(out.links, k)
	}
	for _, v := range a.base.Manifest.Layers {
		if v.View != nil && v.View.Of == layer && v.Vintage == a.from.Vintage {
			v.Vintage, v.ParcelZoom = a.to.Vintage, 0
			out.views = append(out.views, v)
		}
	}
	for _, p := range a.report.Sources {
		out.to.Source = append(out.to.Source, baseName(p))
	}
	a.report.Kept = a.from.Features - len(out.removed)
	return out
}

// Add puts the new vintage into a writer: the patches that stay, with the new year, and
// the new ones; and their lineage. It is what [ingest.Extend] asks for.
func (p *Applied) Add(ctx context.Context) func(w *index.Writer) error {
	return func(w *index.Writer) error {
		out := w.Layer(p.to)
		for _, v := range p.views {
			w.View(v)
		}
		year := fieldOf(&p.to, "SJNF")
		date := func(f *index.Feature) {
			if year >= 0 {
				f.Values[year] = p.yearValue(f.Values[year])
			}
		}
		err := p.base.Each(p.from.Key(), func(f *index.Feature) error {
			if p.removed[f.ID] {
				return ctx.Err()
			}
			date(f)
			return out.Add(f)
		})
		for i := range p.inserted {
			if err == nil {
				date(&p.inserted[i].Feature)
				err = out.Add(&p.inserted[i].Feature)
			}
		}
		if err != nil {
			return err
		}
		w.Lineage(index.NewLineage(layer, p.from.Vintage, p.to.Vintage, p.links))
		return w.Settle(ctx, out)
	}
}

// yearValue is SJNF of the new vintage: its year, where the vintage begins with one.
// Patches that stay speak of the new year, too (reference domain 3.6).
func (p *Applied) yearValue(was any) any {
	if len(p.to.Vintage) < 4 {
		return was
	}
	t, err := time.Parse("2006", p.to.Vintage[:4])
	if err != nil {
		return was
	}
	if p.to.Fields[fieldOf(&p.to, "SJNF")].Kind == edition.Text {
		return strconv.Itoa(t.Year())
	}
	return int64(t.Year())
}

// Write prints the report for a person.
func (r *Report) Write(w io.Writer, lang problem.Lang) error {
	pick := func(zh, en string) string {
		if lang == problem.Chinese {
			return zh
		}
		return en
	}
	_, err := fmt.Fprintf(w, pick(
		"%s@%s → %s@%s\n  流量记录 %d，删除图斑 %d，新增图斑 %d，未变 %d\n  面积 m²：删除 %.2f − 调出 %.2f + 调入 %.2f = 新增 %.2f\n  分组 %d，图形最大出入 %.4f m²（界线两侧允许 %g m）\n",
		"%s@%s → %s@%s\n  flow records %d, patches removed %d, inserted %d, kept %d\n  area m²: removed %.2f − out %.2f + in %.2f = inserted %.2f\n  groups %d, ground that differs most %.4f m² (%g m along borders is allowed)\n"),
		r.Layer, r.From, r.Layer, r.Vintage, r.Flows, r.Removed, r.Inserted, r.Kept, r.RemovedM2, r.OutM2, r.InM2, r.InsertedM2, r.Groups, r.WorstM2, r.ToleranceM)
	for _, n := range r.Notes {
		if err == nil {
			_, err = fmt.Fprintf(w, "  ! %s\n", n.Text(lang))
		}
	}
	for _, f := range r.Faults {
		if err == nil {
			_, err = fmt.Fprintf(w, "  - %s\n", f.Text(lang))
		}
	}
	if more := r.FaultsFound - len(r.Faults); more > 0 && err == nil {
		_, err = fmt.Fprintf(w, pick("  另有 %d 处\n", "  and %d more\n"), more)
	}
	return err
}
