package overlay

// Known is a [Source] of stored features, of which more is known than their
// shapes. [Join] asks it where both sides are: a permanent basic farmland that was
// drawn along a parcel is settled without looking at either.
type Known interface {
	Source
	// Area returns the area of feature i in m².
	Area(i int) float64
	// Alone tells that feature i shares no ground with another feature of its source;
	// false when that is not known.
	Alone(i int) bool
	// Twin tells that feature i is, position by position, feature j of the other
	// source; false when that is not known.
	Twin(i int, other Source, j int) bool
}

// settle adds the pairs of features that are one another's twins to block, and
// leaves out what cannot share ground with anything else: what a feature shares
// with others its twin shares with them, and one that is alone in its layer
// shares none.
func (w *joinWorker) settle(block *joinBlock) {
	a, ok := w.join.sources[0].(Known)
	b, known := w.join.sources[1].(Known)
	if !ok || !known {
		return
	}
	as, bs := w.sides[0], w.sides[1]
	first := 0
	for i := range as {
		f := &as[i]
		for first < len(bs) && bs[first].box.Min.Lon < f.box.Min.Lon {
			first++
		}
		for j := first; j < len(bs) && bs[j].box.Min.Lon == f.box.Min.Lon; j++ {
			g := &bs[j]
			if f.box != g.box || f.settled || g.settled {
				continue
			}
			aloneA, aloneB := a.Alone(int(f.id)), b.Alone(int(g.id))
			if !aloneA && !aloneB || !a.Twin(int(f.id), b, int(g.id)) {
				continue
			}
			f.settled, g.settled = aloneB, aloneA
			if block.owns(f.box.Min.Lon, f.box.Min.Lat) {
				block.pairs = append(block.pairs, Pair{f.id, g.id, a.Area(int(f.id))})
			}
		}
	}
	for side := range w.sides {
		kept := w.sides[side][:0]
		for _, f := range w.sides[side] {
			if !f.settled {
				kept = append(kept, f)
			}
		}
		w.sides[side] = kept
	}
}
