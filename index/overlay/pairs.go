package overlay

import (
	"cmp"
	"context"
	"slices"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

const (
	// fewSpans is the number of segments up to which they are not put into strips.
	fewSpans = 192
	// maxVisits bounds the pairs that one search looks at, a few seconds of work;
	// real layers of a million edges need a hundredth.
	maxVisits = 1 << 30
	// maxCuts bounds the crossings of one overlay, and with them its memory.
	maxCuts = 1 << 23
)

// tooComplex is the answer to input whose edges cross each other without end.
func tooComplex(box geo.Box) error {
	at := box.Min.LonLat()
	return problem.New("OVERLAY_TOO_COMPLEX",
		"边线交叉过多，无法叠加（%.7f, %.7f 附近）", "too many edges cross each other to be overlaid, near %.7f, %.7f",
		at.Lon, at.Lat).Advise("请检查数据或分块处理", "check the data or treat it in parts")
}

// span is the box of a segment on the grid. The segment leaves the box's
// diagonal by no more than slack units of latitude.
type span struct {
	minX, maxX, minY, maxY int64
	slack                  int64
	falling                bool // runs from upper left to lower right
}

// spanOf returns the span of the segment from p to q, p left of q or below it.
func spanOf(p, q geo.Position) span {
	if q.Lat < p.Lat {
		return span{minX: p.Lon, maxX: q.Lon, minY: q.Lat, maxY: p.Lat, falling: true}
	}
	return span{minX: p.Lon, maxX: q.Lon, minY: p.Lat, maxY: q.Lat}
}

// within narrows s's range of longitude to what it has between latitudes low and high.
func (s *span) within(low, high int64) (minX, maxX int64) {
	h := float64(s.maxY - s.minY)
	if low <= s.minY && high >= s.maxY || h == 0 {
		return s.minX, s.maxX
	}
	w := float64(s.maxX - s.minX)
	from := int64(w * max(0, float64(low-s.minY)) / h)
	to := int64(w * min(h, float64(high-s.minY)) / h)
	if s.falling {
		return max(s.minX, s.maxX-to-1), s.maxX - max(0, from-1)
	}
	return s.minX + max(0, from-1), min(s.maxX, s.minX+to+1)
}

// finder finds segments whose boxes come within a unit of each other. Its lists
// are used again.
type finder struct {
	list   []stripEntry
	starts []int32
	visits int64
}

// stripEntry is a segment's part in a strip, and its latitudes.
type stripEntry struct {
	minX, maxX, minY, maxY int64
	index                  int32
}

// search calls visit for all pairs of spans that may come within a unit of each
// other, for some of them more than once, until visit returns false.
//
// Up to [fewSpans] they are swept from left to right. More are put into strips
// of latitude that are some two segments high, and each strip is swept, what
// reaches into several strips with its part in each: n log n for segments that
// are small beside all of them.
func (f *finder) search(ctx context.Context, spans []span, visit func(i, j int32) bool) error {
	if err := ctx.Err(); err != nil || len(spans) < 2 {
		return err
	}
	f.visits = 0
	box := span{minX: spans[0].minX, maxX: spans[0].maxX, minY: spans[0].minY, maxY: spans[0].maxY}
	sum := 0.0
	for i := range spans {
		s := &spans[i]
		box.minY, box.maxY = min(box.minY, s.minY), max(box.maxY, s.maxY)
		sum += float64(s.maxY - s.minY)
	}
	n := int64(len(spans))
	if n <= fewSpans {
		f.whole(spans)
		f.sweep(f.list, visit)
		return nil
	}
	height := max(int64(2*sum)/n, (box.maxY-box.minY)/n, 4)
	count := int((box.maxY-box.minY+2)/height) + 1
	f.fill(spans, box.minY-1, height, count)
	for k := range count {
		if k%64 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		strip := f.list[f.starts[k]:f.starts[k+1]]
		sortEntries(strip)
		if !f.sweep(strip, visit) {
			return nil
		}
		if f.visits > maxVisits {
			return tooComplex(geo.Box{Min: geo.Position{Lon: box.minX, Lat: box.minY}, Max: geo.Position{Lon: box.minX, Lat: box.minY}})
		}
	}
	return nil
}

// whole lists all spans, from left to right.
func (f *finder) whole(spans []span) {
	f.list = slices.Grow(f.list[:0], len(spans))
	sorted := true
	for i := range spans {
		s := &spans[i]
		sorted = sorted && (i == 0 || spans[i-1].minX <= s.minX)
		f.list = append(f.list, stripEntry{s.minX, s.maxX, s.minY, s.maxY, int32(i)})
	}
	if !sorted {
		sortEntries(f.list)
	}
}

func sortEntries(list []stripEntry) {
	slices.SortFunc(list, func(a, b stripEntry) int { return cmp.Compare(a.minX, b.minX) })
}

// fill puts the spans into count strips of height units from base upwards.
func (f *finder) fill(spans []span, base, height int64, count int) {
	f.starts = slices.Grow(f.starts[:0], count+2)[:count+2]
	clear(f.starts)
	for i := range spans {
		s := &spans[i]
		for k := (s.minY - 1 - base) / height; k <= (s.maxY+1-base)/height; k++ {
			f.starts[k+2]++
		}
	}
	for k := 1; k < len(f.starts); k++ {
		f.starts[k] += f.starts[k-1]
	}
	total := int(f.starts[count+1])
	f.list = slices.Grow(f.list[:0], total)[:total]
	for i := range spans {
		s := &spans[i]
		for k := (s.minY - 1 - base) / height; k <= (s.maxY+1-base)/height; k++ {
			low := base + k*height - s.slack - 2
			minX, maxX := s.within(low, low+height+2*s.slack+4)
			at := &f.starts[k+1]
			f.list[*at] = stripEntry{minX, maxX, s.minY, s.maxY, int32(i)}
			*at++
		}
	}
}

// sweep visits the pairs of list, which is sorted, and returns whether to go on.
func (f *finder) sweep(list []stripEntry, visit func(i, j int32) bool) bool {
	for k := range list {
		e := &list[k]
		limit, low, high := e.maxX+1, e.minY-1, e.maxY+1
		m := k + 1
		for ; m < len(list); m++ {
			o := &list[m]
			if o.minX > limit {
				break
			}
			if o.minY <= high && o.maxY >= low && !visit(e.index, o.index) {
				return false
			}
		}
		if f.visits += int64(m - k); f.visits > maxVisits {
			return true
		}
	}
	return true
}
