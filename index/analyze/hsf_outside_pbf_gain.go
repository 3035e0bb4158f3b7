package analyze

import (
	"cmp"
	"context"
	"slices"

	"gengtu/index/contiguity"
	"gengtu/index/pieces"
)

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
