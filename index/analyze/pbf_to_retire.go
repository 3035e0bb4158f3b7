package analyze

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/pieces"
	"gengtu/index/problem"
	"gengtu/index/setting"
)

// RetireRules are the rules of pbf-to-retire. A rule whose threshold is not confirmed
// flags, and never leads to a proposal.
type RetireRules struct {
	// OffCropland is the share of a patch off cropland from which it is told (R0).
	OffCropland Threshold `yaml:"off_cropland"`
	// FragileShare and AridShare are the least shares of a patch in such a zone (R1, R2).
	FragileShare Threshold `yaml:"fragile_share"`
	AridShare    Threshold `yaml:"arid_share"`
	// OwnerDigits is at which level of codes the owner and the seat must differ, Flown are
	// the values of FRDBS, EnclaveM2 the greatest tract in another village (R4).
	OwnerDigits Threshold `yaml:"owner_digits"`
	Flown       Listed    `yaml:"flown"`
	EnclaveM2   Threshold `yaml:"enclave_m2"`
	// FragmentM2 is below which area a tract is fragmented (R5), at GapM.
	FragmentM2 Threshold `yaml:"fragment_m2"`
	GapM       Threshold `yaml:"gap_m"`
	// FreeReserve are the values of DYZT of reserve that may be used.
	FreeReserve Listed `yaml:"free_reserve"`
}

func checkRetire(r *Rules, f *setting.File) *problem.Problem {
	p := &r.Retire
	return bounded(f, "pbf-to-retire",
		bound{"off_cropland", p.OffCropland, 0, 1, false},
		bound{"fragile_share", p.FragileShare, 0, 1, false},
		bound{"arid_share", p.AridShare, 0, 1, false},
		bound{"owner_digits", p.OwnerDigits, 2, 14, false},
		bound{"enclave_m2", p.EnclaveM2, 0, 1e9, false},
		bound{"fragment_m2", p.FragmentM2, 0, 1e9, false},
		bound{"gap_m", p.GapM, 0, 1000, false},
	)
}

var pbfToRetire = Question{
	Name:  "pbf-to-retire",
	Title: edition.Title{Zh: "永久基本农田可退出分析", En: "Permanent basic farmland that might retire"},
	About: edition.Title{
		Zh: "逐图斑列出各条规则的标记和占比：R1 生态脆弱区、R2 严重干旱区、R3 土壤严格管控（该部分单列一行）、R4 插花地、R5 细碎；R0 现状非耕地是违法线索，不是退出理由。只有规则文件确认了阈值的规则才产生退出建议，并按县平衡：退出不超过可划入（专题 hsf-outside-pbf 无限制标记的）与储备区，不减少数量、不降低平均质量等级。",
		En: "Every patch is told with the flags and shares of the rules: R1 fragile zones, R2 severely arid zones, R3 soil under strict control (that part is a row of its own), R4 enclaves, R5 fragments; R0, not cropland now, points at a violation and is no reason to retire. Only rules whose thresholds the rules file confirms lead to proposals, which each county balances: no more than what hsf-outside-pbf finds without a flag and the reserve, no loss of quantity, no worse mean grade.",
	},
	Sources:  []edition.Title{{Zh: "优先将位于生态脆弱区、严重干旱区、严格管控类（重度）受污染耕地及“插花地”、细碎地的永久基本农田退出", En: "which permanent basic farmland is to retire first (domain 6.2, doc 000)"}},
	Layers:   []string{"pbf"},
	Optional: []string{"fragile", "arid", "soil", "cropland", "dltb", "hsf", "reserve", "redline", "urban", "approval", "quality"},
	Answer:   runPBFToRetire,
}

// retireRules are R0 to R5 by their bits.
var retireRules = []struct{ name, zh, en string }{
	{"r0", "R0 现状非耕地（违法线索）", "R0 not cropland now (points at a violation)"},
	{"r1", "R1 生态脆弱区", "R1 fragile zone"},
	{"r2", "R2 严重干旱区", "R2 severely arid zone"},
	{"r3", "R3 土壤严格管控", "R3 soil under strict control"},
	{"r4", "R4 插花地", "R4 enclave"},
	{"r5", "R5 细碎", "R5 fragment"},
}

// What the key of a piece says in pbf-to-retire.
const (
	onSoil = 1 << iota
	onFragile
	onArid
	offCropland
)

// retiring is a patch, or the part of one on soil under strict control or beside it.
type retiring struct {
	feature    int32
	split      bool // the patch has two rows
	soil       bool // this is the row of the soil
	rules      uint8
	confirmed  int // rules whose thresholds are confirmed
	grade      int
	area       Area
	patch, net int64
	shares     [4]float64 // of the patch: by bit
	tract      Area
	why        string
	code       string
	county     string
	proposal   any
}

// countyDigits is the length of a county's code: each county has a balance of its own.
const countyDigits = 6

// retireWork is the question at work.
type retireWork struct {
	*Job
	r            *Result
	pbf          *index.Layer
	covers       []pieces.Cover
	cover        [4]int  // by bit, -1 for none; cropland at offCropland's
	known        [6]bool // by rule
	sure         [6]bool // by rule: its thresholds are confirmed
	grades, code *column
	class        *column
	owner, flown *column
	places       *places
	tract        *tracts
	enclaves     map[int32]bool // by component
	list         []retiring
	counties     map[string]*county
	free         Area // net area of patches that no rule flags
}

// county is the balance of one.
type county struct {
	listed, proposed   int64
	flagged, out       Area
	in, reserve        Area // drawn
	inAll, reserveAll  Area // there
	area, grade        float64
	areaNow, gradeNow  float64
	mesh, meshNow      float64
	weight, weightNow  float64
	supply             []supply
	drawn              int
	ungraded, unbacked int64
}

func runPBFToRetire(ctx context.Context, j *Job) (*Result, error) {
	w := &retireWork{Job: j, r: &Result{}, counties: map[string]*county{}}
	if err := w.open(); err != nil {
		return nil, err
	}
	var err error
	if w.tract, err = j.tracts(ctx, pieces.Cover{Layer: w.pbf}, w.Rules.Retire.GapM.Value); err != nil {
		return nil, err
	}
	if err := w.findEnclaves(ctx); err != nil {
		return nil, err
	}
	doubled, err := j.shares(ctx, pieces.Question{Covers: w.covers, Key: w.key}, w.feature)
	if err != nil {
		return nil, err
	}
	w.r.doubledNote("永久基本农田", "permanent basic farmland", doubled)
	if err := w.balance(ctx); err != nil {
		return nil, err
	}
	return w.r, w.tables()
}

// open finds the layers and fields, and which rules can be judged.
func (w *retireWork) open() error {
	var err error
	if w.pbf, err = w.Layer("pbf", ""); err != nil {
		return err
	}
	w.r.use(w.Job, "pbf", "fragile", "arid", "soil", "cropland")
	w.places = &places{layer: w.pbf, digits: countyDigits, within: w.Place, known: map[string]string{}}
	w.covers = []pieces.Cover{{Layer: w.pbf, Only: w.places.only()}}
	for i, name := range []string{"soil", "fragile", "arid", "cropland"} {
		w.cover[i] = -1
		l := w.Maybe(name)
		only := (func(i int) bool)(nil)
		if l != nil && name == "soil" {
			if only, err = chosen(l, "TRHJLB", &w.Rules.HSFOutside.StrictSoil); err != nil {
				return err
			}
			if only == nil {
				l = nil
			}
		}
		if l != nil {
			w.cover[i] = len(w.covers)
			w.covers = append(w.covers, pieces.Cover{Layer: l, Only: only})
		}
	}
	for _, c := range []struct {
		to     **column
		fields []string
	}{{&w.grades, []string{"GDDJ"}}, {&w.code, []string{"BSM", "YJJBNTTBBH"}}, {&w.class, []string{"DLBM"}}, {&w.owner, []string{"QSDWDM"}}, {&w.flown, []string{"FRDBS"}}} {
		if *c.to, err = columnOf(w.pbf, c.fields...); err != nil {
			return err
		}
	}
	p := &w.Rules.Retire
	w.known = [6]bool{w.cover[3] >= 0 || w.class.there(), w.cover[1] >= 0, w.cover[2] >= 0, w.cover[0] >= 0, true, true}
	w.sure = [6]bool{false, p.FragileShare.Confirmed, p.AridShare.Confirmed, w.Rules.HSFOutside.StrictSoil.Confirmed, false, p.FragmentM2.Confirmed && p.GapM.Confirmed}
	return nil
}

// key tells the pieces of a patch apart by what they lie on.
func (w *retireWork) key(p *pieces.Piece, _ int) uint64 {
	key := uint64(0)
	for bit, c := range w.cover {
		// Of cropland it is what lies beside it that is told.
		if c >= 0 && p.In(c) != (1<<bit == offCropland) {
			key |= 1 << bit
		}
	}
	return key
}

// feature takes the shares of a patch.
func (w *retireWork) feature(shares []pieces.Share) error {
	f := int(shares[0].Feature)
	whole, soil := retiring{feature: shares[0].Feature}, retiring{feature: shares[0].Feature, soil: true}
	var on [4]Area
	for i := range shares {
		s := &shares[i]
		for bit := range on {
			if s.Mask>>bit&1 != 0 {
				on[bit] += Area(s.Area)
			}
		}
		to := &whole
		if s.Mask&onSoil != 0 {
			to = &soil
		}
		to.area += Area(s.Area)
		to.patch, to.net = sumOf(to.patch, s.Patch), sumOf(to.net, s.Net)
	}
	least := w.Rules.Slivers.least()
	rows := []retiring{whole, soil}
	switch {
	case soil.area < least || soil.area == 0:
		rows = []retiring{joined(whole, soil, false)}
	case whole.area < least:
		rows = []retiring{joined(soil, whole, true)}
	default:
		rows[0].split, rows[1].split = true, true
	}
	all := whole.area + soil.area
	for i := range rows {
		for bit := range on {
			rows[i].shares[bit] = ratio(float64(on[bit]), float64(all))
		}
		if err := w.judge(&rows[i], f); err != nil {
			return err
		}
	}
	return nil
}

// joined is a part with what is too small to be one.
func joined(a, b retiring, soil bool) retiring {
	a.area += b.area
	a.patch, a.net, a.soil = sumOf(a.patch, b.patch), sumOf(a.net, b.net), soil
	return a
}

// judge flags a row, and lists it where a rule speaks of it.
func (w *retireWork) judge(r *retiring, f int) error {
	p := &w.Rules.Retire
	class, err := w.class.text(f)
	if err != nil {
		return err
	}
	r.county, _ = w.places.of(f)
	r.tract = w.tract.of(f)
	off := w.cover[3] >= 0 && r.shares[3] > 0 && r.shares[3] >= p.OffCropland.Value
	if off || class != "" && !cropland(class) {
		r.rules |= 1
	}
	w.rule(r, 1, w.cover[1] >= 0 && r.shares[1] > 0 && r.shares[1] >= p.FragileShare.Value, w.sure[1])
	w.rule(r, 2, w.cover[2] >= 0 && r.shares[2] > 0 && r.shares[2] >= p.AridShare.Value, w.sure[2])
	w.rule(r, 3, r.soil, w.sure[3])
	if err := w.enclave(r, f); err != nil {
		return err
	}
	w.rule(r, 5, geo.Hundredths(r.tract).M2() < p.FragmentM2.Value, w.sure[5])
	c := w.county(r.county)
	if r.grade, err = w.grades.grade(f); err != nil {
		return err
	}
	net := float64(max(r.net, 0))
	if r.grade > 0 {
		c.area += net
		c.grade += net * float64(r.grade)
	}
	c.mesh += float64(r.area) * float64(r.tract)
	c.weight += float64(r.area)
	if r.rules == 0 {
		w.free += Area(max(r.net, 0))
		return nil
	}
	if r.code, err = w.code.orID(f); err != nil {
		return err
	}
	c.listed++
	c.flagged += Area(max(r.net, 0))
	w.list = append(w.list, *r)
	return nil
}

// rule flags a row by a rule.
func (w *retireWork) rule(r *retiring, n int, holds, sure bool) {
	if !holds {
		return
	}
	r.rules |= 1 << n
	if sure {
		r.confirmed++
	}
}

// enclave flags a row by R4, whose three reasons are confirmed each by itself.
func (w *retireWork) enclave(r *retiring, f int) error {
	p := &w.Rules.Retire
	owner, err := w.owner.text(f)
	if err != nil {
		return err
	}
	flown, err := w.flown.text(f)
	if err != nil {
		return err
	}
	seat, digits := w.pbf.Head(f).Place, int(p.OwnerDigits.Value)
	var why []string
	sure := false
	if len(owner) >= digits && len(seat) >= digits && owner[:digits] != seat[:digits] {
		why, sure = append(why, "owner"), sure || p.OwnerDigits.Confirmed
	}
	if flown != "" && p.Flown.has(flown) {
		why, sure = append(why, "frdbs"), sure || p.Flown.Confirmed
	}
	if m, ok := w.tract.ground.Member(0, f); ok && w.enclaves[w.tract.components.Of(0, m)] {
		why, sure = append(why, "enclave"), sure || p.EnclaveM2.Confirmed && p.GapM.Confirmed
	}
	r.why = strings.Join(why, " ")
	w.rule(r, 4, len(why) > 0, sure)
	return nil
}

// county returns that of a code.
func (w *retireWork) county(code string) *county {
	c := w.counties[code]
	if c == nil {
		c = &county{}
		w.counties[code] = c
	}
	return c
}

// id is the patch's code, with -R3 for its part on soil under strict control and -1
// for the rest.
func (r *retiring) id() string {
	switch {
	case !r.split:
		return r.code
	case r.soil:
		return r.code + "-R3"
	}
	return r.code + "-1"
}

// shape returns the ground of a row.
func (w *retireWork) shape(ctx context.Context, c *cutter, r *retiring) (geo.MultiPolygon, error) {
	switch {
	case !r.split:
		f, err := w.pbf.Feature(int(r.feature))
		return f.Geometry, err
	case r.soil:
		return c.cut(ctx, w.pbf, int(r.feature), []pieces.Cover{w.covers[w.cover[0]]}, nil)
	}
	return c.cut(ctx, w.pbf, int(r.feature), nil, []pieces.Cover{w.covers[w.cover[0]]})
}

// order is that in which patches retire: by how many confirmed rules speak of them, the
// worst grade first, then the greater.
func (w *retireWork) order() {
	slices.SortFunc(w.list, func(a, b retiring) int {
		return cmp.Or(
			cmp.Compare(b.confirmed, a.confirmed),
			cmp.Compare(rulesOf(b.rules), rulesOf(a.rules)),
			cmp.Compare(b.grade, a.grade),
			cmp.Compare(b.net, a.net),
			cmp.Compare(b.area, a.area),
			cmp.Compare(a.code, b.code),
			compareBools(a.soil, b.soil),
			cmp.Compare(a.feature, b.feature))
	})
}

// rulesOf counts R1 to R5.
func rulesOf(rules uint8) int {
	n := 0
	for rules >>= 1; rules != 0; rules >>= 1 {
		n += int(rules & 1)
	}
	return n
}
