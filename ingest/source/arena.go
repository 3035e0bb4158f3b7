package source

import (
	"math"
	"strings"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// arenaBlock is how many elements are allocated at once. 4096 points are 64 KiB:
// about a hundred parcels, so that a kept feature holds little else alive.
const arenaBlock = 4096

// arena cuts the slices of features out of larger blocks, so that a feature
// costs a fraction of an allocation. What was handed out is never used again,
// unless reuse says so.
type arena struct {
	points   block[geo.XY]
	rings    block[[]geo.XY]
	polygons block[[][]geo.XY]
	values   block[any]
}

// block is what slices are cut out of.
type block[T any] struct {
	free []T
	// of an arena that is reused, all that there are, and how many are begun
	all    [][]T
	begun  int
	reused bool
}

// take cuts n elements from a block, which is renewed when it is used up. The
// slice has no spare capacity, so that appending to it cannot reach its neighbour.
func take[T any](from *block[T], n int) []T {
	if n > arenaBlock/4 {
		return make([]T, n)
	}
	if n > len(from.free) {
		from.renew()
	}
	s := from.free[:n:n]
	from.free = from.free[n:]
	return s
}

// renew begins another block.
func (b *block[T]) renew() {
	if b.begun < len(b.all) {
		b.free = b.all[b.begun]
	} else {
		b.free = make([]T, arenaBlock)
		if b.reused {
			b.all = append(b.all, b.free)
		}
	}
	b.begun++
}

// reuse takes back all that was cut from the block.
func (b *block[T]) reuse() { b.free, b.begun, b.reused = nil, 0, true }

// reuse takes back all that was handed out: from the first time on the arena keeps
// its memory. What it hands out may hold what was there before.
func (a *arena) reuse() {
	a.points.reuse()
	a.rings.reuse()
	a.polygons.reuse()
	a.values.reuse()
}

// textBlock is how much memory for texts is taken at once. A text that is kept holds
// that much alive: who keeps one for long clones it.
const textBlock = 8 << 10

// texts cuts strings out of larger ones.
type texts struct{ block strings.Builder }

// keep returns b as a string.
func (t *texts) keep(b []byte) string {
	if len(b) > textBlock/8 {
		return string(b)
	}
	if t.block.Cap()-t.block.Len() < len(b) {
		t.block.Reset()
		t.block.Grow(textBlock)
	}
	start := t.block.Len()
	t.block.Write(b)
	return t.block.String()[start:]
}

// row returns a slice of n values, all nil.
func (a *arena) row(n int) []any {
	row := take(&a.values, n)
	clear(row)
	return row
}

// shape is the geometry of one record while it is parsed: all points, where each
// ring ends in points, and where each polygon ends in rings. It is reused from
// record to record.
type shape struct {
	points      []geo.XY
	ringEnds    []int
	polygonEnds []int
}

// reset empties s and keeps its memory.
func (s *shape) reset() {
	s.points, s.ringEnds, s.polygonEnds = s.points[:0], s.ringEnds[:0], s.polygonEnds[:0]
}

// endRing ends a ring; a ring without a point is none.
func (s *shape) endRing() {
	start := 0
	if n := len(s.ringEnds); n > 0 {
		start = s.ringEnds[n-1]
	}
	if len(s.points) > start {
		s.ringEnds = append(s.ringEnds, len(s.points))
	}
}

// endPolygon ends a polygon; a polygon without a ring is none.
func (s *shape) endPolygon() {
	start := 0
	if n := len(s.polygonEnds); n > 0 {
		start = s.polygonEnds[n-1]
	}
	if len(s.ringEnds) > start {
		s.polygonEnds = append(s.polygonEnds, len(s.ringEnds))
	}
}

// rings copies the rings of s.
func (a *arena) copyRings(s *shape) [][]geo.XY {
	points := take(&a.points, len(s.points))
	copy(points, s.points)
	rings := take(&a.rings, len(s.ringEnds))
	start := 0
	for i, end := range s.ringEnds {
		rings[i] = points[start:end:end]
		start = end
	}
	return rings
}

// copyShape copies the polygons of s; nil when there is none.
func (a *arena) copyShape(s *shape) ([][][]geo.XY, *problem.Problem) {
	if len(s.polygonEnds) == 0 {
		return nil, nil
	}
	if p := s.finite(); p != nil {
		return nil, p
	}
	rings := a.copyRings(s)
	polygons := take(&a.polygons, len(s.polygonEnds))
	start := 0
	for i, end := range s.polygonEnds {
		polygons[i] = rings[start:end:end]
		start = end
	}
	return polygons, nil
}

// finite returns the problem of the first coordinate that is no number.
func (s *shape) finite() *problem.Problem {
	for i, p := range s.points {
		// A difference with itself is 0 for a finite number only.
		if p.X-p.X != 0 || p.Y-p.Y != 0 {
			return problem.New("SOURCE_COORDINATE", "第 %d 个点的坐标不是有限数：%v, %v",
				"coordinates of point %d are not finite: %v, %v", i+1, finiteText(p.X), finiteText(p.Y)).
				Advise("请更正该点坐标后重新提交", "correct the point and deliver again")
		}
	}
	return nil
}

// finiteText writes a coordinate for a message.
func finiteText(v float64) any {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 0):
		return "Inf"
	}
	return v
}
