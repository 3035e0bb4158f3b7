package reconcile

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/pieces"
)

// kind says how the features of a part lie on their ground.
type kind uint8

const (
	shared kind = iota // a and b hold the ground in their states
	onlyA              // a holds it, and nobody in B
	onlyB              // b holds it, and nobody in A
	twiceA             // a is a further feature on ground that another one of A holds
	twiceB             // so is b
)

// part is ground that the same features of both sides hold, and what the other side's
// survey says of it; or a feature's further count of ground.
type part struct {
	a, b  int32 // ordinals, -1 for none
	other int32 // of onlyA and onlyB: the feature of the other side's survey, -1 for none
	kind  kind
	again bool // of shared: other features hold the ground, too, and these are further ones
	left  bool // of onlyA and onlyB: the ground is in this side's regions and not in the other's
	line  uint8
	area  float64 // m²
	// shareA and shareB are the shares of the features' figures, in 0.01 m².
	shareA, shareB int64
}

// of returns the feature of a side, -1 for none.
func (p *part) of(s int) int32 {
	if s == 0 {
		return p.a
	}
	return p.b
}

// lineNone marks parts whose line follows from their kind alone.
const lineNone = 255

// The covers of a division: both sides, their surveys and their regions.
const (
	coverSurvey = 2
	coverRegion = 4
)

// divide finds the parts. Features that are the same in both states, to the last bit, and
// alone on their ground are a part each; the ground of the others is divided.
func (r *run) divide(ctx context.Context) error {
	rest := r.twins()
	covers := r.covers(rest)
	err := pieces.Divide(ctx, covers, pieces.Options{Workers: r.opt.Workers, Tell: func(done, all int) {
		r.opt.Tell(edition.Title{Zh: "划分地面", En: "dividing the ground"}, done, all)
	}}, func(ps []pieces.Piece) error {
		for i := range ps {
			r.piece(&ps[i])
		}
		return nil
	})
	if err != nil {
		return err
	}
	// Stable, so that areas add up in the order of the ground.
	slices.SortStableFunc(r.parts, compareParts)
	merged := r.parts[:0]
	for _, p := range r.parts {
		if n := len(merged); n > 0 && compareParts(merged[n-1], p) == 0 {
			merged[n-1].area += p.area
			continue
		}
		merged = append(merged, p)
	}
	r.parts = merged
	return nil
}

func compareParts(x, y part) int {
	flag := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b), cmp.Compare(x.kind, y.kind), cmp.Compare(x.other, y.other), cmp.Compare(flag(x.left), flag(y.left)), cmp.Compare(flag(x.again), flag(y.again)))
}

// twins makes parts of the features that are the same in both states, and returns for
// each side the features that are left.
func (r *run) twins() (rest [2][]bool) {
	a, b := r.sides[0], r.sides[1]
	for n, s := range r.sides {
		rest[n] = make([]bool, s.Layer.Len())
		for i := range rest[n] {
			rest[n][i] = s.takes(i)
		}
	}
	for i := range rest[0] {
		if !rest[0][i] || !a.Layer.Alone(i) {
			continue
		}
		k, ok := b.Layer.ByID(a.Layer.Head(i).ID)
		if !ok || !rest[1][k] || !b.Layer.Alone(k) || !a.Layer.Twin(i, b.Layer, k) {
			continue
		}
		rest[0][i], rest[1][k] = false, false
		r.parts = append(r.parts, part{a: int32(i), b: int32(k), other: -1, kind: shared, line: lineNone, area: a.Layer.Record(i).AreaM2})
	}
	return rest
}

// covers are the covers of the division. Of the surveys those features take part that
// come near a feature that is divided, and are none of the side's own.
func (r *run) covers(rest [2][]bool) []pieces.Cover {
	covers := make([]pieces.Cover, coverRegion+2)
	none := func(int) bool { return false }
	for n, s := range r.sides {
		covers[n] = pieces.Cover{Layer: s.Layer, Only: func(i int) bool { return rest[n][i] }}
		covers[coverSurvey+n] = pieces.Cover{Layer: s.Layer, Only: none}
		covers[coverRegion+n] = covers[coverSurvey+n]
		if s.survey != nil && !r.surveys(n) {
			near := r.near(s.survey.Layer, 1-n, rest[1-n])
			covers[coverSurvey+n] = pieces.Cover{Layer: s.survey.Layer, Only: func(i int) bool { return near[i] }}
		}
		if x, y := r.sides[0].region, r.sides[1].region; x != nil && y != nil && x != y {
			covers[coverRegion+n] = pieces.Cover{Layer: s.region}
		}
	}
	return covers
}

// surveys tells whether the other side is, or is chosen from, the very survey that tells
// classes on side n: then of ground that the other side alone has its own features tell.
func (r *run) surveys(n int) bool {
	survey, other := r.sides[n].survey, r.sides[1-n].Layer
	v := other.Meta.View
	return survey != nil && (survey.Layer == other ||
		v != nil && v.Of == survey.Layer.Meta.Name && r.sides[1-n].Index.Layer(v.Of, other.Meta.Vintage) == survey.Layer)
}

// near marks the features of a survey whose boxes meet that of a feature that is divided.
func (r *run) near(survey *index.Layer, side int, rest []bool) []bool {
	out := make([]bool, survey.Len())
	own := r.sides[1-side]
	for i, divided := range rest {
		if !divided {
			continue
		}
		survey.Search(r.sides[side].Layer.Box(i), func(k int) bool {
			out[k] = true
			return true
		})
	}
	// What the operand itself has tells nothing of ground that it has not.
	if survey == own.Layer {
		for k := range out {
			out[k] = out[k] && !own.takes(k)
		}
	} else if v := own.Layer.Meta.View; v != nil && v.Of == survey.Meta.Name && own.Class == "" && survey.Meta.ClassField == v.Field {
		for k := range out {
			out[k] = out[k] && !strings.HasPrefix(own.survey.class(k), v.Prefix)
		}
	}
	return out
}

// piece makes parts of a piece of ground.
func (r *run) piece(p *pieces.Piece) {
	a, b := r.holders(p)
	if a < 0 && b < 0 {
		return
	}
	x := part{a: a, b: b, other: -1, line: lineNone, area: p.Area}
	switch {
	case b < 0:
		x.kind, x.other, x.left = onlyA, r.surveyed(p, 1, a), p.In(coverRegion) && !p.In(coverRegion+1)
	case a < 0:
		x.kind, x.other, x.left = onlyB, r.surveyed(p, 0, b), p.In(coverRegion+1) && !p.In(coverRegion)
	}
	r.parts = append(r.parts, x)
	if len(p.Owners) > 1 {
		r.further(p, a, b)
	}
}

// further makes parts of the features on a piece beside those that hold it: one of both
// states is compared with itself, the others count twice.
func (r *run) further(p *pieces.Piece, a, b int32) {
	var rest [2][]int32
	for s, holder := range []int32{a, b} {
		p.Each(s, func(f int) {
			if int32(f) != holder {
				rest[s] = append(rest[s], int32(f))
			}
		})
	}
	for _, f := range rest[0] {
		x := part{a: f, b: -1, other: -1, kind: twiceA, line: lineNone, area: p.Area}
		if k, ok := r.sides[1].Layer.ByID(r.sides[0].Layer.Head(int(f)).ID); ok && slices.Contains(rest[1], int32(k)) {
			x.b, x.kind, x.again = int32(k), shared, true
			rest[1] = slices.DeleteFunc(rest[1], func(o int32) bool { return o == int32(k) })
		}
		r.parts = append(r.parts, x)
	}
	for _, f := range rest[1] {
		r.parts = append(r.parts, part{a: -1, b: f, other: -1, kind: twiceB, line: lineNone, area: p.Area})
	}
}

// surveyed returns the feature of a side's survey on a piece that the other side's
// feature f has alone, -1 for none.
func (r *run) surveyed(p *pieces.Piece, side int, f int32) int32 {
	if r.surveys(side) {
		if k, ok := r.sides[side].survey.Layer.ByID(r.sides[1-side].Layer.Head(int(f)).ID); ok {
			return int32(k)
		}
		return -1
	}
	if f, ok := p.Of(coverSurvey + side); ok {
		return int32(f)
	}
	return -1
}

// holders returns the feature of each side that a piece counts for, -1 for none: where
// one feature is in both states it, else the one with the least id.
func (r *run) holders(p *pieces.Piece) (a, b int32) {
	a, b = -1, -1
	var ids [2][]uint64
	var at [2][]int32
	for _, o := range p.Owners {
		if o.Cover > 1 {
			break
		}
		at[o.Cover] = append(at[o.Cover], o.Feature)
	}
	if len(at[0]) <= 1 && len(at[1]) <= 1 {
		if len(at[0]) == 1 {
			a = at[0][0]
		}
		if len(at[1]) == 1 {
			b = at[1][0]
		}
		return a, b
	}
	least := func(s int, of []uint64) int32 {
		best := int32(-1)
		id := uint64(0)
		for k, f := range at[s] {
			if x := ids[s][k]; (best < 0 || x < id) && (of == nil || slices.Contains(of, x)) {
				best, id = f, x
			}
		}
		return best
	}
	for s := range at {
		for _, f := range at[s] {
			ids[s] = append(ids[s], r.sides[s].Layer.Head(int(f)).ID)
		}
	}
	if a = least(0, ids[1]); a >= 0 && len(ids[1]) > 0 {
		b = least(1, []uint64{r.sides[0].Layer.Head(int(a)).ID})
		return a, b
	}
	return least(0, nil), least(1, nil)
}
