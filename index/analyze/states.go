package analyze

import (
	"cmp"
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"gengtu/index"
	"gengtu/index/compare"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/pieces"
	"gengtu/index/problem"
)

// state is the survey in one vintage.
type state struct {
	layer  *index.Layer
	places *places
	class  *column
}

// states are the survey in two vintages, the earlier first, and what an update package
// told of how one became the other, nil where none did.
type states struct {
	j       *Job
	of      [2]*state
	lineage *index.Lineage
	// whole tells that the layer has all ground, not cropland alone: what is in one
	// state only then came from, or went, elsewhere.
	whole bool
}

// states opens the survey in the vintages that are asked about: dltb, where the edition
// has it in two vintages, else cropland. Errors are problems ANALYZE_VINTAGES and
// ANALYZE_LAYER.
func (j *Job) states() (*states, error) {
	name := "dltb"
	if len(j.Index.Vintages(name)) < 2 {
		name = "cropland"
	}
	later, err := j.Layer(name, "")
	if err != nil {
		return nil, err
	}
	all := j.Index.Vintages(name) // the latest first
	from := j.From
	if at := slices.Index(all, later.Meta.Vintage); from == "" && at+1 < len(all) {
		from = all[at+1]
	}
	if from == "" {
		return nil, problem.New("ANALYZE_VINTAGES", "%[1]s 要比较两个时相，图层 %[2]s 在 %.40[3]s 之前没有时相", "%[1]s compares two vintages, and layer %[2]s has none before %.40[3]s", j.Question.Name, name, later.Meta.Vintage).
			Advise("用 gengtu ingest --add --layer %[1]s@年度=文件 入库上一年度", "take the year before in by gengtu ingest --add --layer %[1]s@YEAR=FILE", name)
	}
	earlier, err := j.Layer(name, from)
	if err != nil {
		return nil, err
	}
	if edition.CompareVintages(from, later.Meta.Vintage) >= 0 {
		return nil, problem.New("ANALYZE_VINTAGES", "起始时相 %.40q 不早于 %.40q", "the vintage to begin with, %.40q, is not before %.40q", from, later.Meta.Vintage)
	}
	s := &states{j: j, whole: name == "dltb", lineage: j.Index.Lineage(later, from, later.Meta.Vintage)}
	for n, l := range []*index.Layer{earlier, later} {
		c, err := columnOf(l, cmp.Or(l.Meta.ClassField, "DLBM"))
		if err != nil {
			return nil, err
		}
		if !c.there() {
			return nil, problem.New("ANALYZE_LAYER", "图层 %s 没有地类字段", "layer %s has no field of classes", l.Meta.Key())
		}
		s.of[n] = &state{layer: l, places: j.places(l), class: c}
	}
	return s, nil
}

// use lists the states as what an answer was made from.
func (s *states) use(r *Result) {
	for _, x := range s.of {
		m := x.layer.Meta
		r.Layers = append(r.Layers, LayerVersion{Layer: m.Name, Vintage: m.Vintage, Title: m.Title, Features: x.layer.Len()})
	}
}

// link is ground of one feature of the earlier state that is of one of the later.
type link struct {
	from, to int32 // ordinals; -1 for ground that is in the other state alone
	// counted tells of which state's features it is a share: of both, but where several
	// features of one state lie on the ground, which the one of least id stands for.
	counted [2]bool
	key     uint64 // what [dividing.key] made of it; 0 where nothing was divided
	areaM2  float64
	cut     bool // not the whole of a feature that is the same in both
	// area and record are shares of either feature's areas, which add up to it; area is
	// index.NoArea on a side that is not counted.
	area   [2]int64
	record [2]recorded
}

// dividing says how ground is divided. The zero value divides what is not the same in
// both states.
type dividing struct {
	// covers are divided with the states, as covers 2, 3 …; key tells pieces apart by
	// them. bare tells that ground of covers without either state is a link, too.
	covers []pieces.Cover
	key    func(p *pieces.Piece) uint64
	bare   bool
	// also chooses features that are divided although they are the same in both; called
	// with the ordinals in both states. nil is none.
	also func(from, to int) (bool, error)
	// without leaves such features out instead of handing them over.
	without bool
}

// dividing a state's ground, as it is told to whoever waits.
var (
	settlingStage = edition.Title{Zh: "比对两期图斑", En: "holding the states beside each other"}
	dividingStage = edition.Title{Zh: "叠加变化图斑", En: "dividing what changed"}
)

// links hands over all links: those of features that are the same in both states, then
// what became of the others, in the order of their features; a link is valid until visit
// returns. What it returns is how far the areas that were found by dividing are from
// those of the features, in m²: both sums, of both states.
func (s *states) links(ctx context.Context, d dividing, visit func(*link) error) (found, stored float64, err error) {
	twins, rest, err := s.settle(ctx, d.also)
	if err != nil {
		return 0, 0, err
	}
	for i, k := range twins {
		if k < 0 || d.without {
			continue
		}
		if i%4096 == 0 && ctx.Err() != nil {
			return 0, 0, ctx.Err()
		}
		a, b := s.of[0].layer.Record(i), s.of[1].layer.Record(int(k))
		err := visit(&link{
			from: int32(i), to: k, counted: [2]bool{true, true}, areaM2: a.AreaM2,
			area:   [2]int64{int64(geo.HundredthsOf(a.AreaM2)), int64(geo.HundredthsOf(b.AreaM2))},
			record: [2]recorded{recordOf(a), recordOf(b)},
		})
		if err != nil {
			return 0, 0, err
		}
	}
	parts, err := s.divide(ctx, d, rest)
	if err != nil {
		return 0, 0, err
	}
	links := s.share(parts)
	for n := range links {
		for side, of := range []int32{links[n].from, links[n].to} {
			if of >= 0 && links[n].counted[side] {
				found += links[n].areaM2
			}
		}
		if err := visit(&links[n]); err != nil {
			return 0, 0, err
		}
	}
	for side, chosen := range rest {
		for i, in := range chosen {
			if in {
				stored += s.of[side].layer.Area(i)
			}
		}
	}
	return found, stored, nil
}

// settle finds for each feature of the earlier state the one of the later that is the
// same, or -1, and which features of either are to be divided.
func (s *states) settle(ctx context.Context, also func(from, to int) (bool, error)) (twins []int32, rest [2][]bool, err error) {
	from, to := s.of[0].layer, s.of[1].layer
	twins = make([]int32, from.Len())
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(s.j.workers())
	for first := 0; first < len(twins); first += 4096 {
		group.Go(func() error {
			for i := first; i < min(first+4096, len(twins)); i++ {
				twins[i] = -1
				if k, ok := compare.Settled(from, i, to); ok {
					twins[i] = int32(k)
				}
			}
			s.j.Tell(settlingStage, min(first+4096, len(twins)), len(twins))
			return gctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return nil, rest, err
	}
	rest = [2][]bool{make([]bool, from.Len()), slices.Repeat([]bool{true}, to.Len())}
	for i, k := range twins {
		if k >= 0 && also != nil {
			divided, err := also(i, int(k))
			if err != nil {
				return nil, rest, err
			}
			if divided {
				twins[i], k = -1, -1
			}
		}
		if k < 0 {
			rest[0][i] = true
			continue
		}
		rest[1][k] = false
	}
	return twins, rest, nil
}

// part is a link on its way.
type part struct {
	from, to int32
	counted  [2]bool
	key      uint64
	area     float64
}

func compareParts(a, b part) int {
	bit := func(v bool) int {
		if v {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), cmp.Compare(bit(a.counted[0]), bit(b.counted[0])),
		cmp.Compare(bit(a.counted[1]), bit(b.counted[1])), cmp.Compare(a.key, b.key))
}

// divide finds the links of the features in rest: sorted, each once.
func (s *states) divide(ctx context.Context, d dividing, rest [2][]bool) ([]part, error) {
	covers := []pieces.Cover{}
	for side, x := range s.of {
		chosen := rest[side]
		covers = append(covers, pieces.Cover{Layer: x.layer, Only: func(i int) bool { return chosen[i] }})
	}
	covers = append(covers, d.covers...)
	var parts []part
	tell := func(done, all int) { s.j.Tell(dividingStage, done, all) }
	err := pieces.Divide(ctx, covers, pieces.Options{Workers: s.j.Workers, Tell: tell}, func(ps []pieces.Piece) error {
		for n := range ps {
			key := uint64(0)
			if d.key != nil {
				key = d.key(&ps[n])
			}
			parts = s.piece(parts, &ps[n], key, d.bare)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	// Stable, so that areas add up in the order of the ground.
	slices.SortStableFunc(parts, compareParts)
	kept := parts[:0]
	for _, p := range parts {
		if n := len(kept); n > 0 && compareParts(kept[n-1], p) == 0 {
			kept[n-1].area += p.area
			continue
		}
		kept = append(kept, p)
	}
	return s.withLineage(kept, rest), nil
}

// piece adds the links of a piece: one of the features that stand for its ground, and one
// of each other feature on it.
func (s *states) piece(parts []part, p *pieces.Piece, key uint64, bare bool) []part {
	holder := [2]int32{-1, -1}
	for side := range holder {
		least := uint64(0)
		p.Each(side, func(i int) {
			if id := s.of[side].layer.Head(i).ID; holder[side] < 0 || id < least {
				holder[side], least = int32(i), id
			}
		})
	}
	if holder[0] < 0 && holder[1] < 0 && !bare {
		return parts
	}
	parts = append(parts, part{holder[0], holder[1], [2]bool{true, true}, key, p.Area})
	for side := range holder {
		p.Each(side, func(i int) {
			if int32(i) == holder[side] {
				return
			}
			o := part{holder[0], holder[1], [2]bool{side == 0, side == 1}, key, p.Area}
			if side == 0 {
				o.from = int32(i)
			} else {
				o.to = int32(i)
			}
			parts = append(parts, o)
		})
	}
	return parts
}

// withLineage adds links that a package told of and that have no ground to be seen, between
// features in rest: of the others it is known what became of them.
func (s *states) withLineage(parts []part, rest [2][]bool) []part {
	if s.lineage == nil {
		return parts
	}
	n := len(parts)
	at := func(layer *index.Layer, id uint64) int32 {
		if i, ok := layer.ByID(id); ok {
			return int32(i)
		}
		return -1
	}
	for _, k := range s.lineage.Links() {
		p := part{from: at(s.of[0].layer, k.From), to: at(s.of[1].layer, k.To), counted: [2]bool{true, true}}
		if p.from < 0 && p.to < 0 {
			continue // of neither layer: a view of cropland has a part of the patches
		}
		if p.from >= 0 && !rest[0][p.from] || p.to >= 0 && !rest[1][p.to] {
			continue
		}
		_, found := slices.BinarySearchFunc(parts[:n], p, func(a, b part) int {
			return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
		})
		if !found {
			parts = append(parts, p)
		}
	}
	slices.SortStableFunc(parts, compareParts)
	return parts
}
