package analyze

import (
	"cmp"
	"context"
	"slices"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/pieces"
	"gengtu/index/problem"
	"gengtu/index/setting"
)

// HSFOutsideRules are the rules of hsf-outside-pbf.
type HSFOutsideRules struct {
	// AcceptedStages are the values of STAGE of parcels that are built and accepted.
	AcceptedStages Listed `yaml:"accepted_stages"`
	// StateOrder are the values of ZLDJ from the best to the worst.
	StateOrder Listed `yaml:"state_order"`
	// StrictSoil are the values of TRHJLB of soil under strict control, SteepSlopes those of
	// GDPDJB of slopes too steep, StableValues those of WDGD of stable cropland.
	StrictSoil   Listed    `yaml:"strict_soil"`
	SteepSlopes  Listed    `yaml:"steep_slopes"`
	StableValues Listed    `yaml:"stable_values"`
	GapM         Threshold `yaml:"gap_m"`
}

func checkHSFOutside(r *Rules, f *setting.File) *problem.Problem {
	return bounded(f, "hsf-outside-pbf", bound{"gap_m", r.HSFOutside.GapM, 0, 1000, false})
}

var hsfOutsideLayers = []string{"cropland", "pbf", "hsf"}

var hsfOutsidePBF = Question{
	Name:  "hsf-outside-pbf",
	Title: edition.Title{Zh: "已建高标准农田在永久基本农田外：可划入", En: "High-standard farmland outside permanent basic farmland: candidates to bring in"},
	About: edition.Title{
		Zh: "已验收的高标准农田合并后与耕地叠加，扣除永久基本农田，余下的按耕地图斑、按各限制图层的范围切成块。每块列出限制标记、质量等级、与永久基本农田共边长度、划入后的连片面积，并排序。耕地面积为图斑地类面积（扣除田坎）按面积比例分摊。结果是供审查的候选清单，不是划入决定。",
		En: "Accepted high-standard farmland, dissolved, is laid over cropland, and permanent basic farmland is taken off; what is left is cut by patch and by the grounds of restriction. Each piece is told with its flags, grade, border shared with permanent basic farmland and the area of the tract it would join, and ranked. Cropland areas are the patches' net areas of record (without ridges), shared out by area. The list is for officers to judge; it decides nothing.",
	},
	Sources:  []edition.Title{{Zh: "优先将已经建成尚不在永久基本农田范围内的高标准农田纳入永久基本农田管理，提高集中连片程度", En: "built high-standard farmland outside permanent basic farmland is to be brought in first (domain 6.1, doc 000)"}},
	Layers:   hsfOutsideLayers,
	Optional: []string{"redline", "urban", "soil", "approval", "quality"},
	Answer:   runHSFOutside,
}

// flag is a reason against bringing a piece in.
type flag struct {
	name, zh, en string
	layer        string // whose ground it is, or "" where a field of cropland tells
	fields       []string
}

// flags are those of domain 6.1, in the order of their bits.
var flags = []flag{
	{"in_redline", "在生态保护红线内", "in the ecological red line", "redline", nil},
	{"in_ugb", "在城镇开发边界内", "in the urban boundary", "urban", nil},
	{"soil_strict", "土壤严格管控类", "soil under strict control", "soil", []string{"TRHJLB"}},
	{"approved_use", "已批准占用", "approved for another use", "approval", nil},
	{"slope5", "坡度 25 度以上（坡度级别 5）", "steeper than 25 degrees (slope grade 5)", "", []string{"GDPDJB", "PDJB"}},
	{"unstable", "不稳定耕地", "not stable cropland", "", []string{"WDGD"}},
}

// What the key of a piece says: the first bits are flags.
const (
	keyFlags   = 1<<6 - 1
	keyHSF     = 1 << 6
	keyPBF     = 1 << 7
	keyReserve = 1 << 8
	keyGrade   = 16 // grade of quality, 0 for none
	keyState   = 24 // number in states, 0 for none
)

// candidate is a piece that might be brought in.
type candidate struct {
	feature    int32
	key        uint64 // flags, and keyReserve
	seen       uint64 // of all pieces of the feature, the bits that some have
	cut        bool   // a part of the feature is outside the accepted parcels
	grade      int    // of quality, 0 for none
	state      int    // number in states
	area       Area
	patch, net int64
	areaM2     float64
	part       int // of the pieces of the patch, from 1; 0 for a patch with one piece
	code       string
	place      string

	perimeterM, sharedM float64
	gain                Area // area of the tracts of PBF that it would join
}

// taken is a patch of PBF on a patch of cropland, in accepted parcels.
type taken struct{ patch, pbf int32 }

// outsideWork is the question at work.
type outsideWork struct {
	*Job
	r                *Result
	crop, pbf        *index.Layer
	hsf              pieces.Cover
	covers           []pieces.Cover
	cover            [len4]int // by flag, its cover, -1 for none
	reserve, quality int       // covers, -1 for none
	grades           *column   // of cropland or quality
	hsfStates        []uint8   // by parcel, number in states
	states           []string  // from the best to the worst; the first is none
	known            [len4 + 2]bool
	fieldFlag        [2]*column
	code             *column
	places           *places
	list             []candidate
	taken            []taken               // in the order of the ground, then by patch
	byGrade          [][maxGrade + 1]int64 // of the patch at hand: by piece and grade its area
	sums             map[string]*outsideSum
	failed           error // of reading, where the engine asks for a key
}

// len4 is how many flags come from layers.
const len4 = 4

// outsideSum is what a place has, net areas of record of cropland but for areas.
type outsideSum struct {
	listed, slivers, eligible int64
	area                      Area // of the candidates, slivers among them
	hsf, inside, crop         Area // in accepted parcels; of that in PBF and outside
	eligibleCrop, sliverCrop  Area
	sliverArea                Area
	flagged                   [6]Area
	unrecorded                int64 // patches without an area of record
}

func runHSFOutside(ctx context.Context, j *Job) (*Result, error) {
	w, err := j.outside(ctx, false)
	if err != nil {
		return nil, err
	}
	if err := w.measure(ctx); err != nil {
		return nil, err
	}
	w.rank()
	return w.r, w.tables()
}

// outside finds the candidates; with those in the reserve marked where that is asked for.
func (j *Job) outside(ctx context.Context, reserve bool) (*outsideWork, error) {
	w := &outsideWork{Job: j, r: &Result{}, reserve: -1, quality: -1, sums: map[string]*outsideSum{}}
	if err := w.open(reserve); err != nil {
		return nil, err
	}
	doubled, err := j.shares(ctx, pieces.Question{Covers: w.covers, Key: w.key}, w.feature)
	if err != nil {
		return nil, err
	}
	w.r.doubledNote("耕地", "cropland", doubled)
	slices.SortFunc(w.taken, func(a, b taken) int { return cmp.Or(cmp.Compare(a.patch, b.patch), cmp.Compare(a.pbf, b.pbf)) })
	w.taken = slices.Compact(w.taken)
	return w, nil
}

// open finds the layers and chooses the features that can matter: no patch away from the
// boxes of accepted parcels can have a piece.
func (w *outsideWork) open(reserve bool) error {
	var err error
	hsf, err := w.Layer("hsf", "")
	if err != nil {
		return err
	}
	if w.crop, err = w.Layer("cropland", ""); err != nil {
		return err
	}
	if w.pbf, err = w.Layer("pbf", ""); err != nil {
		return err
	}
	w.r.use(w.Job, hsfOutsideLayers...)
	w.hsf = pieces.Cover{Layer: hsf}
	if w.hsf.Only, err = w.accepted(w.r, hsf); err != nil {
		return err
	}
	w.places = w.Job.places(w.crop)
	crop := pieces.Cover{Layer: w.crop, Only: both(touched(w.crop, w.hsf), w.places.only())}
	w.covers = []pieces.Cover{crop, {Layer: w.pbf, Only: touched(w.pbf, w.hsf)}, w.hsf}
	for i := range w.cover {
		if w.cover[i], err = w.flagCover(&flags[i]); err != nil {
			return err
		}
		w.known[i] = w.cover[i] >= 0
	}
	for i := range w.fieldFlag {
		if w.fieldFlag[i], err = columnOf(w.crop, flags[len4+i].fields...); err != nil {
			return err
		}
		w.known[len4+i] = w.fieldFlag[i].there()
	}
	if reserve {
		w.reserve = w.add(w.Maybe("reserve"), nil)
	}
	return w.openFields()
}

// add adds a layer to the covers, and returns its number; -1 for no layer.
func (w *outsideWork) add(l *index.Layer, only func(i int) bool) int {
	if l == nil {
		return -1
	}
	w.covers = append(w.covers, pieces.Cover{Layer: l, Only: both(touched(l, w.hsf), only)})
	return len(w.covers) - 1
}

// flagCover adds the cover of a flag.
func (w *outsideWork) flagCover(f *flag) (int, error) {
	w.r.use(w.Job, f.layer)
	l := w.Maybe(f.layer)
	if l == nil || f.fields == nil {
		return w.add(l, nil), nil
	}
	only, err := chosen(l, f.fields[0], &w.Rules.HSFOutside.StrictSoil)
	if err != nil || only == nil {
		return -1, err
	}
	return w.add(l, only), nil
}

// openFields finds where grades, states and codes stand.
func (w *outsideWork) openFields() error {
	var err error
	if w.grades, err = columnOf(w.crop, "GDDJ"); err != nil {
		return err
	}
	if !w.grades.there() {
		w.r.use(w.Job, "quality")
		if q := w.Maybe("quality"); q != nil {
			if w.grades, err = columnOf(q, "GDDJ"); err != nil {
				return err
			}
			if w.grades.there() {
				w.quality = w.add(q, nil)
			}
		}
	}
	if w.code, err = columnOf(w.crop, "BSM"); err != nil {
		return err
	}
	return w.openStates()
}

// openStates numbers the states of parcels, the worst last: values that the rules do not
// know are worse than those they do.
func (w *outsideWork) openStates() error {
	c, err := columnOf(w.hsf.Layer, "ZLDJ")
	if err != nil {
		return err
	}
	texts := make([]string, w.hsf.Layer.Len())
	found := map[string]bool{}
	for i := range texts {
		if texts[i], err = c.text(i); err != nil {
			return err
		}
		found[texts[i]] = true
	}
	delete(found, "")
	order := w.Rules.HSFOutside.StateOrder.Values
	at := func(v string) int {
		if k := slices.Index(order, v); k >= 0 {
			return k
		}
		return len(order)
	}
	w.states = []string{""}
	for v := range found {
		w.states = append(w.states, v)
	}
	slices.SortFunc(w.states[1:], func(a, b string) int { return cmp.Or(cmp.Compare(at(a), at(b)), cmp.Compare(a, b)) })
	if len(w.states) > 256 {
		w.r.note("高标准农田的 ZLDJ 有 %d 种写法，不列出", "ZLDJ of high-standard farmland is written in %d ways, and is not told", len(w.states)-1)
		w.states = w.states[:1]
	}
	number := map[string]uint8{}
	for i, v := range w.states {
		number[v] = uint8(i)
	}
	w.hsfStates = make([]uint8, len(texts))
	for i, v := range texts {
		w.hsfStates[i] = number[v]
	}
	return nil
}
