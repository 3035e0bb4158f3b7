package overlay

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"gengtu/index/geo"
)

// segment is a piece of border, p before q. Going up across it, the winding
// numbers of the two operands change by a and b.
type segment struct {
	p, q geo.Position
	a, b int32
}

func compareSegments(s, t segment) int {
	switch {
	case s.p.Lon != t.p.Lon:
		return cmp.Compare(s.p.Lon, t.p.Lon)
	case s.p.Lat != t.p.Lat:
		return cmp.Compare(s.p.Lat, t.p.Lat)
	case s.q.Lon != t.q.Lon:
		return cmp.Compare(s.q.Lon, t.q.Lon)
	default:
		return cmp.Compare(s.q.Lat, t.q.Lat)
	}
}

// reading is how winding numbers tell inside from outside.
type reading int

const (
	windings reading = iota // of directed, valid polygons
	evenOdd                 // of anything: borders that lie on each other cancel in pairs
	together                // of directed, valid polygons whose union is wanted: borders that lie on each other cancel
)

// arrangement is a set of segments on the grid, to be divided until they meet at
// their ends only. Its lists are used again for the next one.
type arrangement struct {
	ctx      context.Context
	reading  reading
	fair     bool // whether each operand is valid in itself
	limit    int  // of the cuts of one round
	segments []segment

	spare     []segment
	tails     []segment
	runs      []int32
	cuts      []cut
	found     []geo.Position // crossings of the round
	spans     []span
	finder    finder
	lines     []line64 // of the segments, in the frame of a round
	refined   []bool
	bent      bool      // whether a segment is
	cancelled []segment // borders of both operands that have cancelled, read together
	sweep     sweepLine
	tracer    tracer
	rounds    int // of the last division, for tests
}

var arrangements = sync.Pool{New: func() any { return new(arrangement) }}

// newArrangement returns an empty arrangement; [arrangement.release] gives it back.
func newArrangement(ctx context.Context, r reading) *arrangement {
	s := arrangements.Get().(*arrangement)
	s.ctx, s.reading, s.fair, s.limit, s.segments = ctx, r, false, maxCuts, s.segments[:0]
	s.cancelled = s.cancelled[:0]
	return s
}

// keptSegments bounds the memory that an arrangement keeps for the next one.
const keptSegments = 1 << 16

func (s *arrangement) release() {
	s.ctx = nil
	if cap(s.segments) <= keptSegments {
		arrangements.Put(s)
	}
}

// operand names the winding number that a polygon counts in.
type operand int

const (
	operandA operand = iota
	operandB
)

// add takes the rings of m in, closed ones.
func (s *arrangement) add(m geo.MultiPolygon, o operand) {
	for _, poly := range m {
		for _, r := range poly {
			for i := 1; i < len(r); i++ {
				s.addEdge(r[i-1], r[i], o)
			}
		}
	}
}

func (s *arrangement) addEdge(p, q geo.Position, o operand) {
	if p == q {
		return
	}
	// Left of a counter-clockwise ring is inside, and left of an edge that runs
	// to the right is above.
	g, w := segment{p: p, q: q}, int32(1)
	if before(q, p) {
		g.p, g.q, w = q, p, -1
	}
	if o == operandA {
		g.a = w
	} else {
		g.b = w
	}
	s.segments = append(s.segments, g)
}

// merge sorts the segments and makes one of those that are the same.
func (s *arrangement) merge() {
	s.sort()
	g := s.segments
	k := 0
	for i := 0; i < len(g); {
		t := g[i]
		for i++; i < len(g) && g[i].p == t.p && g[i].q == t.q; i++ {
			t.a += g[i].a
			t.b += g[i].b
		}
		switch {
		case s.reading == evenOdd:
			t.a, t.b = t.a&1, t.b&1
		case s.reading == together && t.a+t.b == 0 && t.a != 0:
			s.cancelled = append(s.cancelled, t)
			t.a, t.b = 0, 0
		}
		if t.a != 0 || t.b != 0 {
			g[k] = t
			k++
		}
	}
	s.segments = g[:k]
}

// sort sorts the segments by merging the runs that are sorted already: along a ring
// they are few, and among the parts of sorted segments too.
func (s *arrangement) sort() {
	n := len(s.segments)
	s.runs = s.runs[:0]
	for i := 0; i < n; {
		j := i + 1
		if j < n && compareSegments(s.segments[j], s.segments[i]) < 0 {
			for j++; j < n && compareSegments(s.segments[j], s.segments[j-1]) < 0; j++ {
			}
			slices.Reverse(s.segments[i:j])
		} else {
			for j++; j < n && compareSegments(s.segments[j-1], s.segments[j]) <= 0; j++ {
			}
		}
		s.runs = append(s.runs, int32(i))
		i = min(j, n)
	}
	for len(s.runs) > 1 {
		s.runs = append(s.runs, int32(n))
		out := slices.Grow(s.spare[:0], n)
		k := 0
		for r := 0; r+1 < len(s.runs); r += 2 {
			s.runs[k] = s.runs[r]
			k++
			first := s.segments[s.runs[r]:s.runs[r+1]]
			var second []segment
			if r+2 < len(s.runs) {
				second = s.segments[s.runs[r+1]:s.runs[r+2]]
			}
			out = mergeRuns(out, first, second)
		}
		s.runs = s.runs[:k]
		s.segments, s.spare = out, s.segments[:0]
	}
}

// mergeRuns appends two sorted runs to out as one.
func mergeRuns(out, first, second []segment) []segment {
	for len(first) > 0 && len(second) > 0 {
		a, b := &first[0].p, &second[0].p
		if a.Lon < b.Lon || a.Lon == b.Lon && compareSegments(first[0], second[0]) <= 0 {
			out = append(out, first[0])
			first = first[1:]
		} else {
			out = append(out, second[0])
			second = second[1:]
		}
	}
	return append(append(out, first...), second...)
}

func (s *arrangement) box() geo.Box {
	b := geo.EmptyBox()
	for i := range s.segments {
		b.Extend(s.segments[i].p)
		b.Extend(s.segments[i].q)
	}
	return b
}

// cut is a place that a segment is to be led through.
type cut struct {
	segment int32
	at      geo.Position
}

// apply replaces each segment that has cuts by its parts.
//
// The places that a segment passes nearly follow each other as it does in both
// longitude and latitude, see [arrangement.divide]; so that is their order.
func (s *arrangement) apply() {
	slices.SortFunc(s.cuts, func(a, b cut) int {
		if a.segment != b.segment {
			return cmp.Compare(a.segment, b.segment)
		}
		if a.at.Lon != b.at.Lon {
			return cmp.Compare(a.at.Lon, b.at.Lon)
		}
		if g := &s.segments[a.segment]; g.q.Lat < g.p.Lat {
			return cmp.Compare(b.at.Lat, a.at.Lat)
		}
		return cmp.Compare(a.at.Lat, b.at.Lat)
	})
	out := slices.Grow(s.spare[:0], len(s.segments)+len(s.cuts))
	s.tails = s.tails[:0]
	k := 0
	for i := range s.segments {
		g := s.segments[i]
		if k == len(s.cuts) || s.cuts[k].segment != int32(i) {
			out = append(out, g)
			continue
		}
		// The first part begins where the segment did, and keeps the order.
		out = appendPart(out, g, g.p, s.cuts[k].at)
		from := s.cuts[k].at
		for k++; k < len(s.cuts) && s.cuts[k].segment == int32(i); k++ {
			if !s.single() {
				s.tails = appendPart(s.tails, g, from, s.cuts[k].at)
				from = s.cuts[k].at
			}
		}
		s.tails = appendPart(s.tails, g, from, g.q)
	}
	s.segments, s.spare = append(out, s.tails...), s.segments[:0]
}

// appendPart appends g's part from p to q, which may run the other way round.
func appendPart(out []segment, g segment, p, q geo.Position) []segment {
	switch {
	case p == q:
		return out
	case before(q, p):
		return append(out, segment{q, p, -g.a, -g.b})
	default:
		return append(out, segment{p, q, g.a, g.b})
	}
}
