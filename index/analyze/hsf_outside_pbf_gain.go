package analyze

import (
	"cmp"
	"context"
	"slices"

	"gengtu/index/contiguity"
	"gengtu/index/geo"
	"gengtu/index/pieces"
)

// tracts are the components of a layer at one gap, with the ellipsoidal area of each.
type tracts struct {
	ground     *contiguity.Ground
	components *contiguity.Components
	area       []int64 // by component, 0.01 m²
}

// tracts finds the components of all features of a layer at a gap in metres.
func (j *Job) tracts(ctx context.Context, cover pieces.Cover, gapM float64) (*tracts, error) {
	t := &tracts{ground: contiguity.New([]pieces.Cover{cover}, nil, nil)}
	var err error
	t.components, err = t.ground.Components(ctx, []float64{gapM}, contiguity.Options{Workers: j.Workers, Tell: j.tell("连片分析", "finding tracts")})
	if err != nil {
		return nil, err
	}
	t.area = t.components.Sums(0, func(m int32) int64 {
		return int64(geo.HundredthsOf(cover.Layer.Area(int(t.ground.Owner(m).Feature))))
	})
	return t, nil
}

// of returns the area of the tract that a feature is in; 0 for one that takes no part.
func (t *tracts) of(feature int) Area {
	m, ok := t.ground.Member(0, feature)
	if !ok {
		return 0
	}
	return Area(t.area[t.components.Of(0, m)])
}

// joined returns the area of all tracts that a shape with these neighbours would join.
func (t *tracts) joined(near []contiguity.Neighbour) Area {
	sum := Area(0)
	for _, k := range t.components.Joined(0, near) {
		sum += Area(t.area[k])
	}
	return sum
}

// gauge is what a worker measures candidates with.
type gauge struct {
	cutter
	seeker *contiguity.Seeker
}

// measure finds, for every candidate, how long its border is and how much of that it
// shares with PBF, and which tracts of PBF it would join.
func (w *outsideWork) measure(ctx context.Context) error {
	gap := w.Rules.HSFOutside.GapM.Value
	t, err := w.tracts(ctx, pieces.Cover{Layer: w.pbf}, gap)
	if err != nil {
		return err
	}
	tool := func() *gauge { return &gauge{seeker: t.ground.Seeker()} }
	return inChunks(ctx, w.Job, len(w.list), w.tell("量算候选地块", "measuring candidates"), tool, func(ctx context.Context, by *gauge, i int) error {
		c := &w.list[i]
		g, err := w.shape(ctx, &by.cutter, c)
		if err != nil || len(g) == 0 {
			return err
		}
		near, err := by.seeker.Near(g, gap)
		if err != nil {
			return err
		}
		c.gain = t.joined(near)
		c.sharedM, c.perimeterM, err = by.seeker.Border(g, nil)
		return err
	})
}

// rank puts the candidates in order: those without a flag first, then the better grade of
// quality, then the greater tracts that are joined, then the greater piece.
func (w *outsideWork) rank() {
	slices.SortFunc(w.list, func(a, b candidate) int {
		return cmp.Or(
			cmp.Compare(flagged(&a), flagged(&b)),
			cmp.Compare(worst(a.grade), worst(b.grade)),
			cmp.Compare(b.gain, a.gain),
			cmp.Compare(b.net, a.net),
			cmp.Compare(b.area, a.area),
			cmp.Compare(a.code, b.code),
			cmp.Compare(a.part, b.part),
			cmp.Compare(a.feature, b.feature))
	})
}

// flagged is 1 for a candidate with a flag.
func flagged(c *candidate) int {
	if c.key&keyFlags != 0 {
		return 1
	}
	return 0
}

// worst is a grade of quality by which none comes last.
func worst(grade int) int {
	if grade == 0 {
		return maxGrade + 1
	}
	return grade
}
