package overlay

import (
	"cmp"
	"fmt"
	"slices"

	"gengtu/index/geo"
)

// region tells whether ground with winding numbers a and b is wanted.
type region func(a, b int32) bool

func inOdd(a, _ int32) bool { return a&1 != 0 }

func inBoth(a, b int32) bool { return a > 0 && b > 0 }

func inEither(a, b int32) bool { return a > 0 || b > 0 }

func inFirstOnly(a, b int32) bool { return a > 0 && b <= 0 }

// bound is a directed piece of a region's border, the region on its left.
type bound struct {
	p, q     geo.Position
	from, to int32 // the numbers of p and q among all places
	used     bool
}

// border sweeps over the divided segments from left to right, and returns those
// that have wanted ground on one side only, in a list that is used again. Upright
// segments count as leaning right by less than anything, so that they too have a
// side above and a side below.
func (s *arrangement) border(wanted region) ([]bound, error) {
	g := s.segments // sorted by p
	w := &s.sweep
	w.start(g)
	ends := w.ends
	out := w.bounds[:0]
	place := int32(-1)
	for i, k := 0, 0; k < len(ends); {
		place++
		v := ends[k].at
		if i < len(g) && before(g[i].p, v) {
			v = g[i].p
		}
		from, ending := i, 0
		for i < len(g) && g[i].p == v {
			i++
		}
		for k < len(ends) && ends[k].at == v {
			w.last[ends[k].segment] = place
			k++
			ending++
		}
		if err := w.pass(v, ending, from, i); err != nil {
			return nil, err
		}
		for j := from; j < i; j++ {
			switch low, high := wanted(w.below[j][0], w.below[j][1]), wanted(w.over(int32(j))); {
			case high && !low:
				out = append(out, bound{p: g[j].p, q: g[j].q, from: place, to: int32(j)})
			case low && !high:
				out = append(out, bound{p: g[j].q, q: g[j].p, from: int32(^j), to: place})
			}
		}
	}
	// Where a segment ends is known by now.
	for i := range out {
		if b := &out[i]; b.from < 0 {
			b.from = w.last[^b.from]
		} else {
			b.to = w.last[b.to]
		}
	}
	w.places = int(place) + 1
	w.bounds = out
	w.segments = nil
	return out, nil
}

// sweepLine holds the segments that the sweep is crossing, lowest first. As they
// meet at ends only, their order never changes.
type sweepLine struct {
	segments []segment
	status   []int32
	below    [][2]int32 // by segment: the winding numbers below it
	starting []int32
	ends     []sweepEnd
	last     []int32 // by segment: the number of the place where it ends
	places   int     // how many places there are, numbered from left to right
	bounds   []bound
}

// sweepEnd is where a segment ends.
type sweepEnd struct {
	at      geo.Position
	segment int32
}

func (w *sweepLine) start(g []segment) {
	w.segments, w.status = g, w.status[:0]
	w.below = resized(w.below, len(g))
	w.ends = resized(w.ends, len(g))
	w.last = resized(w.last, len(g))
	for i := range g {
		w.ends[i] = sweepEnd{g[i].q, int32(i)}
	}
	slices.SortFunc(w.ends, func(a, b sweepEnd) int {
		if a.at.Lon != b.at.Lon {
			return cmp.Compare(a.at.Lon, b.at.Lon)
		}
		return cmp.Compare(a.at.Lat, b.at.Lat)
	})
}

// pass moves the line over v, where as many segments as ending end and those
// from index from up to index to begin.
func (w *sweepLine) pass(v geo.Position, ending, from, to int) error {
	g := w.segments
	lo, hi := 0, len(w.status)
	for lo < hi {
		mid := (lo + hi) / 2
		if t := &g[w.status[mid]]; t.q != v && turnOf(t.p, t.q, v) > 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	for j := lo; j < lo+ending; j++ {
		if j >= len(w.status) || g[w.status[j]].q != v {
			return fmt.Errorf("overlay: segments still meet at [%d %d]", v.Lon, v.Lat)
		}
	}
	w.starting = w.starting[:0]
	for j := from; j < to; j++ {
		w.starting = append(w.starting, int32(j))
	}
	w.upwards(v)
	var a, b int32
	if lo > 0 {
		under := w.status[lo-1]
		a, b = w.over(under)
	}
	for _, j := range w.starting {
		w.below[j] = [2]int32{a, b}
		a, b = w.over(j)
	}
	if ending == 1 && len(w.starting) == 1 {
		w.status[lo] = w.starting[0]
		return nil
	}
	w.status = slices.Replace(w.status, lo, lo+ending, w.starting...)
	return nil
}

// upwards orders the segments that begin at v from the lowest to the highest direction.
func (w *sweepLine) upwards(v geo.Position) {
	g, list := w.segments, w.starting
	if len(list) > 16 {
		slices.SortFunc(list, func(i, j int32) int { return cmp.Compare(0, turnOf(v, g[i].q, g[j].q)) })
		return
	}
	for i := range list {
		j, k := list[i], i
		for ; k > 0 && turnOf(v, g[list[k-1]].q, g[j].q) < 0; k-- {
			list[k] = list[k-1]
		}
		list[k] = j
	}
}

// over returns the winding numbers above segment i.
func (w *sweepLine) over(i int32) (a, b int32) {
	return w.below[i][0] + w.segments[i].a, w.below[i][1] + w.segments[i].b
}
