package analyze

import (
	"context"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/pieces"
	"gengtu/index/problem"
)

// alertKind is what became of the ground.
type alertKind string

const (
	nonagriAlert  alertKind = "nonagri"  // 非农化
	nongrainAlert alertKind = "nongrain" // 非粮化
	otherAlert    alertKind = "other"    // 其他
	plantingNote  alertKind = "planting" // 种植非粮作物，提示
)

// The severities, by what the ground was, the gravest last.
const (
	noSeverity = iota
	otherCrop
	stableCrop
	onPBF
	severities
)

var severityNames = [severities]string{"", "other", "stable", "pbf"}

// The covers, and what is told apart of a piece beside its severity: whether it is
// approved, whether it was cropland, and what class it was.
const (
	alertSubject = iota
	alertCrop
	alertPBF
	alertApproval

	severityBits = 3
	approvedBit  = 1 << 2
	cropBit      = 1 << 3
	classShift   = 4
)

// nonagriJob answers the question.
type nonagriJob struct {
	*Job
	rules    *NonagriRules
	survey   bool // by two surveys, not by monitoring
	subject  *index.Layer
	crop     *index.Layer
	pbf      *index.Layer // may be nil
	approval *index.Layer // may be nil
	covers   []pieces.Cover
	// kinds are those of the subject's features, "" for what takes no part.
	kinds            []alertKind
	class, tblx      *column // of the subject
	qsx, hsx         *column
	before, pbfClass *column // of cropland and of PBF
	unstable         []bool  // of cropland
	classes          []string
	classNumbers     map[string]uint64
	alerts           []*alert
	total            [severities]Area // of all shares
	onFarmland       float64          // m², subjects on PBF as often as features of it lie there
	doubled          bool             // features of the subject lie on each other
	past             *pastAlerts
}

// alert is what one feature of the subject has on cropland and PBF.
type alert struct {
	feature int
	kind    alertKind
	ground  [severities]Area // by severity, approved ground included
	allowed [severities]Area // of it approved
	crop    Area
	before  string
	state   alertState
	earlier *pastAlert
	sliver  bool
	why     error // no shape could be made of it
}

// area is all of an alert's ground, left what of it is not approved.
func (a *alert) area() (sum Area) {
	for _, v := range a.ground {
		sum += v
	}
	return sum
}

func (a *alert) approved() (sum Area) {
	for _, v := range a.allowed {
		sum += v
	}
	return sum
}

func (a *alert) left() Area { return a.area() - a.approved() }

// openNonagri finds the layers: the subject, what the ground was before, and approvals.
func openNonagri(j *Job, r *Result) (*nonagriJob, error) {
	n := &nonagriJob{Job: j, rules: &j.Rules.Nonagri, classNumbers: map[string]uint64{}}
	source := j.Parameter("source")
	n.survey = source == "survey" || source == "auto" && len(j.Index.Vintages("change")) == 0
	var err error
	var from string
	if n.survey {
		if n.subject, err = j.Layer("dltb", ""); err != nil {
			return nil, err
		}
	} else {
		vintage := ""
		if slices.Contains(j.Index.Vintages("change"), j.Vintage) {
			vintage = j.Vintage
		}
		if n.subject = j.Index.Layer("change", vintage); n.subject == nil {
			return nil, noLayer(j.Index, "change", vintage)
		}
	}
	if from, err = n.earlierVintage(); err != nil {
		return nil, err
	}
	if n.crop = j.Index.Layer("cropland", from); n.crop == nil {
		return nil, noLayer(j.Index, "cropland", from)
	}
	if n.pbf = j.Index.Layer("pbf", from); n.pbf == nil {
		n.pbf = j.Index.Layer("pbf", "")
	}
	n.approval = j.Maybe("approval")
	for _, l := range []*index.Layer{n.subject, n.crop, n.pbf, n.approval} {
		if l != nil {
			r.Layers = append(r.Layers, LayerVersion{Layer: l.Meta.Name, Vintage: l.Meta.Vintage, Title: l.Meta.Title, Features: l.Len()})
		}
	}
	n.tellMissing(r)
	if err := n.columns(r); err != nil {
		return nil, err
	}
	return n, n.choose(r)
}

// earlierVintage is the state before: the one asked for, else of surveys the one before the
// subject's, of monitoring the latest from before the year of the batch.
func (n *nonagriJob) earlierVintage() (string, error) {
	all := n.Index.Vintages("cropland") // the latest first
	if n.From != "" {
		if slices.Contains(all, n.From) {
			return n.From, nil
		}
		return "", noLayer(n.Index, "cropland", n.From)
	}
	now := n.subject.Meta.Vintage
	if !n.survey && len(now) > 4 {
		now = now[:4] // 2024Q3 is held against the end of 2023
	}
	for _, v := range all {
		if edition.CompareVintages(v, now) < 0 {
			return v, nil
		}
	}
	return "", problem.New("ANALYZE_VINTAGES", "没有早于 %.40[1]q 的耕地时相", "there is no cropland of a vintage before %.40[1]q", now).
		Advise("用 gengtu ingest --add --layer dltb@年度=文件 入库上一年度，或用 from 指明", "take the year before in by gengtu ingest --add --layer dltb@YEAR=FILE, or name one by from")
}

// tellMissing says what cannot be judged.
func (n *nonagriJob) tellMissing(r *Result) {
	if n.pbf == nil {
		r.Layers = append(r.Layers, LayerVersion{Layer: "pbf", Missing: true})
		r.note("没有图层 pbf：未判断永久基本农田，严重程度只分耕地", "there is no layer pbf: permanent basic farmland is not judged")
	} else if n.pbf.Meta.Vintage != n.crop.Meta.Vintage {
		r.note("永久基本农田没有时相 %[1]s，用 %[2]s", "permanent basic farmland has no vintage %[1]s, %[2]s is used", n.crop.Meta.Vintage, n.pbf.Meta.Vintage)
	}
	if n.approval == nil {
		r.Layers = append(r.Layers, LayerVersion{Layer: "approval", Missing: true})
		r.note("没有图层 approval：未扣除已批准用地", "there is no layer approval: nothing is taken off as approved")
	}
}

// columns reads what tells features apart.
func (n *nonagriJob) columns(r *Result) error {
	var err error
	read := func(to **column, l *index.Layer, fields ...string) {
		if err == nil {
			*to, err = columnOf(l, fields...)
		}
	}
	read(&n.class, n.subject, "DLBM")
	read(&n.tblx, n.subject, "TBLX")
	read(&n.qsx, n.subject, "QSX")
	read(&n.hsx, n.subject, "HSX")
	read(&n.before, n.crop, "DLBM")
	read(&n.pbfClass, n.pbf, "DLBM")
	var refined, slope *column
	read(&refined, n.crop, "TBXHDM")
	read(&slope, n.crop, "GDPDJB")
	if err != nil {
		return err
	}
	if n.survey && !n.class.there() || !n.survey && !n.tblx.there() {
		return problem.New("ANALYZE_LAYER", "图层 %[1]s 没有 %[2]s 字段", "layer %[1]s has no field %[2]s", n.subject.Meta.Key(), map[bool]string{true: "DLBM", false: "TBLX"}[n.survey])
	}
	n.unstable = make([]bool, n.crop.Len())
	if !slope.there() {
		r.note("耕地没有坡度级别（GDPDJB），稳定与否未判断，一律按其他耕地", "cropland has no slope (GDPDJB): none of it is told as stable")
	}
	for i := range n.unstable {
		t, err := refined.text(i)
		if err != nil {
			return err
		}
		s, err := slope.text(i)
		if err != nil {
			return err
		}
		n.unstable[i] = !slope.there() || n.rules.UnstableRefinements.has(t) || n.rules.UnstableSlopes.has(s)
	}
	return nil
}

// choose finds which features of the subject take part, and as what.
func (n *nonagriJob) choose(r *Result) error {
	var planting *column
	var err error
	if planting, err = columnOf(n.subject, "ZZSXDM"); err != nil {
		return err
	}
	n.kinds = make([]alertKind, n.subject.Len())
	in := n.places(n.subject).only()
	unknown := 0
	for i := range n.kinds {
		if in != nil && !in(i) {
			continue
		}
		if !n.survey {
			t, err := n.tblx.text(i)
			if err != nil {
				return err
			}
			if n.kinds[i] = n.monitored(t); n.kinds[i] == otherAlert {
				unknown++
			}
			continue
		}
		class, err := n.class.text(i)
		if err != nil {
			return err
		}
		grown, err := planting.text(i)
		if err != nil {
			return err
		}
		n.kinds[i] = n.surveyed(class, grown)
	}
	if unknown > 0 {
		r.note("有 %[1]d 个变化图斑的类型（TBLX）不在规则清单里，列为其他，须人工判断", "the kind (TBLX) of %[1]d monitored changes is in no list of the rules: they are told as other and are to be judged", unknown)
	}
	n.covers = []pieces.Cover{{Layer: n.subject, Only: func(i int) bool { return n.kinds[i] != "" }}, {Layer: n.crop}}
	if n.pbf != nil {
		n.covers = append(n.covers, pieces.Cover{Layer: n.pbf})
	}
	if n.approval == nil {
		return nil
	}
	approved, err := n.approvals(r)
	if n.pbf == nil { // the number of a cover tells what it is
		n.covers = append(n.covers, pieces.Cover{Layer: n.crop, Only: func(int) bool { return false }})
	}
	n.covers = append(n.covers, pieces.Cover{Layer: n.approval, Only: approved})
	return err
}

// monitored is what a kind of monitored change means.
func (n *nonagriJob) monitored(tblx string) alertKind {
	switch {
	case n.rules.MonitoredConstruction.has(tblx):
		return nonagriAlert
	case n.rules.MonitoredNongrain.has(tblx):
		return nongrainAlert
	}
	return otherAlert
}

// surveyed is what a patch of the later survey is, "" for cropland that grows grain.
func (n *nonagriJob) surveyed(class, planting string) alertKind {
	begins := func(l *Listed) bool {
		return slices.ContainsFunc(l.Values, func(p string) bool { return strings.HasPrefix(class, p) })
	}
	switch {
	case cropland(class):
		if n.Parameter("planting") != "none" && n.rules.Planting.has(planting) {
			return plantingNote
		}
		return ""
	case begins(&n.rules.Construction):
		return nonagriAlert
	case begins(&n.rules.Nongrain):
		return nongrainAlert
	}
	return otherAlert
}

// approvals chooses the approvals that let ground be built on.
func (n *nonagriJob) approvals(r *Result) (func(i int) bool, error) {
	kind, err := columnOf(n.approval, "YWLX")
	if err != nil {
		return nil, err
	}
	in, without := make([]bool, n.approval.Len()), 0
	for i := range in {
		v, err := kind.text(i)
		if err != nil {
			return nil, err
		}
		if in[i] = n.rules.Approvals.has(v); v == "" {
			without++
		}
	}
	if without > 0 {
		r.note("有 %[1]d 个审批没有业务类型（YWLX），不作为已批准用地", "%[1]d approvals have no kind (YWLX) and take nothing off", without)
	}
	return func(i int) bool { return in[i] }, nil
}

// classNumber numbers classes as they come.
func (n *nonagriJob) classNumber(c string) uint64 {
	k, ok := n.classNumbers[c]
	if !ok {
		k = uint64(len(n.classes))
		n.classNumbers[c], n.classes = k, append(n.classes, c)
	}
	return k
}

// shares finds what each feature of the subject has on cropland and PBF.
func (n *nonagriJob) shares(ctx context.Context) error {
	var failed error
	q := pieces.Question{Covers: n.covers, Subject: alertSubject, Key: func(p *pieces.Piece, _ int) uint64 {
		key, err := n.key(p)
		if err != nil && failed == nil {
			failed = err
		}
		return key
	}}
	doubled, err := n.Job.shares(ctx, q, func(shares []pieces.Share) error {
		if failed != nil {
			return failed
		}
		n.add(shares)
		return nil
	})
	n.doubled = doubled >= 0.01
	if err == nil {
		err = failed
	}
	return err
}

// key tells what a piece was, and adds up how much of the subject lies on PBF.
func (n *nonagriJob) key(p *pieces.Piece) (uint64, error) {
	severity, key, class := noSeverity, uint64(0), ""
	if n.pbf != nil {
		count := 0
		p.Each(alertPBF, func(int) { count++ })
		n.onFarmland += float64(count) * p.Area
	}
	if f, ok := p.Of(alertCrop); ok {
		key |= cropBit
		severity = otherCrop
		p.Each(alertCrop, func(i int) {
			if !n.unstable[i] {
				severity = stableCrop
			}
		})
		var err error
		if class, err = n.before.text(f); err != nil {
			return 0, err
		}
	}
	if f, ok := p.Of(alertPBF); ok && n.pbf != nil {
		severity = onPBF
		if class == "" {
			var err error
			if class, err = n.pbfClass.text(f); err != nil {
				return 0, err
			}
		}
	}
	if p.In(alertApproval) {
		key |= approvedBit
	}
	return key | uint64(severity) | n.classNumber(class)<<classShift, nil
}

// add makes an alert of the shares of one feature, if it has ground on cropland or PBF.
func (n *nonagriJob) add(shares []pieces.Share) {
	a := &alert{feature: int(shares[0].Feature)}
	a.kind = n.kinds[a.feature]
	most := map[string]Area{}
	for _, s := range shares {
		severity := int(s.Mask & severityBits)
		if severity == noSeverity || a.kind == plantingNote && severity != onPBF && n.Parameter("planting") == "pbf" {
			continue
		}
		area := Area(s.Area)
		a.ground[severity] += area
		n.total[severity] += area
		if s.Mask&approvedBit != 0 && a.kind == nonagriAlert {
			a.allowed[severity] += area
		}
		if s.Mask&cropBit != 0 {
			a.crop += area
		}
		class := n.classes[s.Mask>>classShift]
		most[class] += area
	}
	if a.area() == 0 {
		return
	}
	best := Area(-1)
	for _, class := range n.classes {
		if v, ok := most[class]; ok && (v > best || v == best && class < a.before) {
			best, a.before = v, class
		}
	}
	n.alerts = append(n.alerts, a)
}
