package analyze

import (
	"cmp"
	"context"
	"slices"
)

// measure finds, for every candidate, how long its border is and how much of that it
// shares with PBF, and which tract of PBF it would join.
func (w *outsideWork) measure(ctx context.Context) error {
	return inChunks(ctx, w.Job, len(w.list), w.tell("量算候选地块", "measuring candidates"), func() *cutter { return &cutter{} }, func(ctx context.Context, t *cutter, i int) error {
		c := &w.list[i]
		g, err := w.shape(ctx, t, c)
		if err != nil {
			return err
		}
		c.perimeterM = perimeter(g)
		return nil
	})
}

// rank puts the candidates in order: those without a flag first, then the better grade of
// quality, then the greater tract that is joined, then the greater piece.
func (w *outsideWork) rank() {
	slices.SortFunc(w.list, func(a, b candidate) int {
		return cmp.Or(
			cmp.Compare(flagged(&a), flagged(&b)),
			cmp.Compare((a.grade+10)%11, (b.grade+10)%11), // none is last
			cmp.Compare(b.gain, a.gain),
			cmp.Compare(b.net, a.net),
			cmp.Compare(b.area, a.area),
			cmp.Compare(a.code, b.code),
			cmp.Compare(a.part, b.part),
			cmp.Compare(a.feature, b.feature))
	})
}

func flagged(c *candidate) int {
	if c.key&keyFlags != 0 {
		return 1
	}
	return 0
}
