package analyze

import (
	"context"
	"slices"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/overlay"
	"gengtu/index/problem"
	"gengtu/index/setting"
)

// ConflictRules are the rules of conflicts.
type ConflictRules struct {
	// Registers are the layers of registered rights, in the order in which they are told;
	// Managed those among them that manage ground as forest or grassland.
	Registers []string `yaml:"registers"`
	Managed   []string `yaml:"managed"`
	// A pair counts from the larger of MinM2 and MinShare of the smaller parcel on.
	MinM2    Threshold `yaml:"min_m2"`
	MinShare Threshold `yaml:"min_share"`
	// NoiseWidthM is the mean width below which a part of an overlap is a border that
	// was drawn twice.
	NoiseWidthM Threshold `yaml:"noise_width_m"`
	// Holders names the fields by which a register says who holds a parcel.
	Holders map[string]HolderFields `yaml:"holders"`
}

// HolderFields are fields with the number and the name of a holder.
type HolderFields struct {
	ID   []string `yaml:"id"`
	Name []string `yaml:"name"`
}

// checkConflicts refuses rules of conflicts that make no sense.
func checkConflicts(r *Rules, f *setting.File) *problem.Problem {
	c := &r.Conflicts
	at := func(key, zh, en string) *problem.Problem {
		return f.Problem(f.Line("conflicts", key), "conflicts."+key+"："+zh, "conflicts."+key+": "+en)
	}
	if p := bounded(f, "conflicts", bound{"min_m2", c.MinM2, 0, 1e9, false}, bound{"noise_width_m", c.NoiseWidthM, 0, 1000, false}); p != nil {
		return p
	}
	switch {
	case len(c.Registers) == 0 || len(c.Registers) > 16:
		return at("registers", "要有 1 到 16 个图层", "there are to be 1 to 16 layers")
	case !(c.MinShare.Value >= 0 && c.MinShare.Value < 1):
		return at("min_share", "应在 [0, 1) 内", "it is to be in [0, 1)")
	}
	for _, m := range c.Managed {
		if !slices.Contains(c.Registers, m) {
			return at("managed", m+" 不在 registers 里", m+" is none of the registers")
		}
	}
	return nil
}

var conflicts = Question{
	Name:  "conflicts",
	Title: edition.Title{Zh: "一地多证与地类冲突", En: "Overlapping rights"},
	About: edition.Title{
		Zh: "不同登记（承包地、林权、草原、不动产）的宗地两两相交，面积超过 10 m² 与较小宗地 1 % 中较大者（规则）即列出；调查耕地与林地、草原管理范围相交为地类冲突。重叠的各部分平均宽度（2×面积÷周长）都小于 2 m（规则）的是边界误差，单独标出，不并入案件；相连的宗地为一个案件。同一登记内部的重叠只在 conflict_ground 中给出面积。权利人只在本机内按加密散列比对，不输出。",
		En: "Parcels of different registers (contracts, forest, grassland, real estate) that share more ground than 10 m² and 1 % of the smaller (rules) are listed in pairs; surveyed cropland inside of forest or grassland management is a conflict of classes. An overlap of which all parts are narrower than 2 m (rules) on average (2 × area ÷ perimeter) is a border drawn twice: it is marked, and is no case. Parcels that hang together by overlaps are one case. Overlaps inside one register are told as an area in conflict_ground alone. Holders are compared by keyed hashes and never printed.",
	},
	Sources: []edition.Title{{
		Zh: "黄河流域“一张图”文件 003：及时发现耕地、林地、草地“一地多证”权属重叠问题，在数据库中做好标注，建立台账",
		En: "document 003: overlapping rights on cropland, forest and grassland are found in time, marked in the database and kept in a ledger",
	}},
	Optional:  []string{"contract", "forest", "grass", "estate", "cropland", "dltb"},
	NotPublic: true,
	Enough: func(rules *Rules, there func(layer string) bool) bool {
		return someConflict(registersOf(&rules.Conflicts, there))
	},
	Answer: runConflicts,
}

// register is a layer of rights, or the surveyed cropland, that takes part.
type register struct {
	name  string
	layer *index.Layer
	codes *featureCodes
	at    *places
	// holderID and holderName may be absent columns.
	holderID, holderName *column
	managed, cropland    bool
}

// conflictPair is two parcels that share ground.
type conflictPair struct {
	a, b int // registers, a before b
	overlay.Pair
}

// conflictKind tells what two registers are in conflict about.
type conflictKind string

const (
	rightsConflict conflictKind = "rights"
	classConflict  conflictKind = "class"
)

// conflictJob answers the question.
type conflictJob struct {
	*Job
	rules *ConflictRules
	regs  []*register
	pairs []conflictPair
	sums  map[[2]int]*pairSum
	// found is parallel to pairs.
	found []overlap
}

// pairSum adds up the pairs of two registers.
type pairSum struct {
	a, b  int
	all   float64 // m², of all pairs that share ground
	below map[string]*belowSum
}

// belowSum adds up the pairs of a place that are under the threshold.
type belowSum struct {
	n      int64
	ground float64
}

func runConflicts(ctx context.Context, j *Job) (*Result, error) {
	c := &conflictJob{Job: j, rules: &j.Rules.Conflicts, sums: map[[2]int]*pairSum{}}
	r := &Result{}
	if err := c.open(r); err != nil {
		return nil, err
	}
	for a := range c.regs {
		for b := a + 1; b < len(c.regs); b++ {
			if kindOf(c.regs[a], c.regs[b]) == "" {
				continue
			}
			if err := c.join(ctx, a, b); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(c.pairs, comparePairs)
	if err := c.look(ctx); err != nil {
		return nil, err
	}
	if err := c.tell(ctx, r); err != nil {
		return nil, err
	}
	return r, c.ground(ctx, r)
}

// registersOf lists the layers that can take part and are there: those of the rules, and the
// surveyed cropland.
func registersOf(rules *ConflictRules, there func(layer string) bool) []*register {
	var out []*register
	for _, name := range rules.Registers {
		if there(name) {
			out = append(out, &register{name: name, managed: slices.Contains(rules.Managed, name)})
		}
	}
	if there("cropland") {
		out = append(out, &register{name: "cropland", cropland: true})
	}
	return out
}

// someConflict tells whether any two registers can be in conflict.
func someConflict(regs []*register) bool {
	for i, a := range regs {
		if slices.ContainsFunc(regs[i+1:], func(b *register) bool { return kindOf(a, b) != "" }) {
			return true
		}
	}
	return false
}

// open finds the registers, and refuses an edition in which none can be in conflict.
func (c *conflictJob) open(r *Result) error {
	for _, name := range c.rules.Registers {
		r.use(c.Job, name)
		if c.Maybe(name) == nil {
			r.note("没有图层 %[1]s：未判断与它的冲突", "there is no layer %[1]s: conflicts with it are not judged", name)
		}
	}
	r.use(c.Job, "cropland")
	if c.Maybe("cropland") == nil {
		r.note("没有图层 cropland：未判断地类冲突，重叠处也没有地类", "there is no layer cropland: conflicts of classes are not judged")
	}
	c.regs = registersOf(c.rules, func(name string) bool { return c.Maybe(name) != nil })
	if !someConflict(c.regs) {
		return problem.New("ANALYZE_LAYER", "要有至少两种登记，或耕地与林、草管理范围", "two registers are needed, or cropland and forest or grassland management").
			Advise("用 gengtu ingest --add 入库 %[1]v 中的图层", "take layers of %[1]v in by gengtu ingest --add", c.rules.Registers)
	}
	for _, g := range c.regs {
		g.layer = c.Maybe(g.name)
		g.at = c.places(g.layer)
		if err := g.columns(c.rules.Holders[g.name]); err != nil {
			return err
		}
	}
	return nil
}

// kindOf tells what parcels of two registers are in conflict about; "" for nothing.
func kindOf(a, b *register) conflictKind {
	switch {
	case !a.cropland && !b.cropland:
		return rightsConflict
	case a.managed && b.cropland || a.cropland && b.managed:
		return classConflict
	}
	return ""
}

func comparePairs(x, y conflictPair) int {
	for _, d := range []int{x.a - y.a, x.b - y.b, int(x.A - y.A)} {
		if d != 0 {
			return d
		}
	}
	return int(x.B - y.B)
}

// join finds the pairs of two registers.
func (c *conflictJob) join(ctx context.Context, a, b int) error {
	la, lb := c.regs[a].layer, c.regs[b].layer
	inA, inB := c.places(la).only(), c.places(lb).only()
	s := &pairSum{a: a, b: b, below: map[string]*belowSum{}}
	c.sums[[2]int{a, b}] = s
	return overlay.Join(ctx, la, lb, c.Workers, func(pairs []overlay.Pair) error {
		for _, p := range pairs {
			if inA != nil && !(inA(int(p.A)) && inB(int(p.B))) {
				continue
			}
			s.all += p.Area
			if p.Area < overlay.MinShared {
				continue // a touching border
			}
			smaller := min(la.Area(int(p.A)), lb.Area(int(p.B)))
			if p.Area <= max(c.rules.MinM2.Value, c.rules.MinShare.Value*smaller) {
				s.under(c.placeOf(a, b, p), p.Area)
				continue
			}
			c.pairs = append(c.pairs, conflictPair{a, b, p})
		}
		c.Tell(edition.Title{Zh: "比对 " + c.regs[a].name + " 与 " + c.regs[b].name, En: "comparing " + c.regs[a].name + " and " + c.regs[b].name}, len(c.pairs), len(c.pairs))
		return ctx.Err()
	})
}

// under adds a pair that is under the threshold.
func (s *pairSum) under(place string, m2 float64) {
	if s.below[place] == nil {
		s.below[place] = &belowSum{}
	}
	s.below[place].n++
	s.below[place].ground += m2
}

// placeOf is where a pair is told: with its first parcel, or where that has no place with
// the other one.
func (c *conflictJob) placeOf(a, b int, p overlay.Pair) string {
	place, _ := c.regs[a].at.of(int(p.A))
	if place == "" {
		place, _ = c.regs[b].at.of(int(p.B))
	}
	return place
}
