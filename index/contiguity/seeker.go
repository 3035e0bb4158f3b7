package contiguity

import (
	"cmp"
	"slices"

	"gengtu/index/geo"
)

// Neighbour is a member that lies near a shape.
type Neighbour struct {
	Member int32
	GapM   float64 // metres, 0 where they touch or share ground
}

// Seeker asks a ground about shapes. It keeps features that it has read for the next
// question, which had better be about a place nearby, and is used by one goroutine.
type Seeker struct {
	g        *Ground
	ruler    ruler
	shapes   map[int32]*shape
	spare    []*shape
	vertices int
	found    []int32
	walls    *Seeker // of the barriers, nil for none
}

// Seeker returns a new one.
func (g *Ground) Seeker() *Seeker {
	s := &Seeker{g: g, shapes: map[int32]*shape{}}
	if g.barriers != nil {
		s.walls = g.barriers.Seeker()
	}
	return s
}

// Near returns the members whose gap from a shape is at most gapM, in [0, MaxGap],
// in their order. The shape is valid, as overlay.Mend returns it; it need not be a member.
// Where it is one, it is among its own neighbours, at 0. Errors are [ErrGaps] and those of
// reading.
func (s *Seeker) Near(m geo.MultiPolygon, gapM float64) ([]Neighbour, error) {
	if err := checkGaps([]float64{gapM}); err != nil {
		return nil, err
	}
	s.bound()
	a := shapeOf(m)
	s.search(a.box, gapM, func(int32) bool { return true })
	var out []Neighbour
	for _, k := range s.found {
		b, err := s.shape(k)
		if err != nil {
			return nil, err
		}
		d, ok, err := s.gap(&a, b, gapM)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, Neighbour{k, d})
		}
	}
	return out, nil
}

// gap is the gap of two shapes, and whether it is at most limit; by lines that no barrier
// blocks where there are barriers.
func (s *Seeker) gap(a, b *shape, limit float64) (float64, bool, error) {
	if s.walls == nil {
		d, ok := s.ruler.distance(a, b, limit)
		return d, ok, nil
	}
	return s.ruler.clear(a, b, limit, s.walls.blocks)
}

// linkOne unites a member with those behind it that it is linked to.
func (s *Seeker) linkOne(f *forest, m int32, gap float64) error {
	s.search(s.g.Box(m), gap, func(k int32) bool { return k > m && !f.same(k, m) })
	for _, k := range s.found {
		if f.same(k, m) {
			continue
		}
		a, err := s.shape(m)
		if err != nil {
			return err
		}
		b, err := s.shape(k)
		if err != nil {
			return err
		}
		_, ok, err := s.gap(a, b, gap)
		if err != nil {
			return err
		}
		if ok {
			f.unite(m, k)
		}
	}
	return nil
}

// search finds the members that choose takes, in their order, whose boxes come within
// gap metres of a box.
func (s *Seeker) search(b geo.Box, gap float64, choose func(m int32) bool) {
	s.found = s.found[:0]
	if b.Empty() {
		return
	}
	s.g.search(s.ruler.grow(b, gap+Tolerance), func(m int32) bool {
		if choose(m) {
			s.found = append(s.found, m)
		}
		return true
	})
	slices.SortFunc(s.found, cmp.Compare[int32])
}

// shape returns the shape of a member, valid until the next forget.
func (s *Seeker) shape(m int32) (*shape, error) {
	if a, ok := s.shapes[m]; ok {
		return a, nil
	}
	a := new(shape)
	if n := len(s.spare); n > 0 {
		a, s.spare = s.spare[n-1], s.spare[:n-1]
	}
	if err := s.g.load(m, a); err != nil {
		return nil, err
	}
	s.shapes[m] = a
	s.vertices += len(a.rings.Positions)
	return a, nil
}

// A seeker keeps at most so many shapes and vertices when it begins with a question.
const (
	keptShapes   = 4096
	keptVertices = 1 << 18
)

// bound forgets the shapes that were read, when they are many.
func (s *Seeker) bound() {
	if len(s.shapes) > keptShapes || s.vertices > keptVertices {
		s.forget()
	}
	if s.walls != nil {
		s.walls.bound()
	}
}

// forget gives up the shapes that were read.
func (s *Seeker) forget() {
	base := s.g.first[len(s.g.covers)]
	for m, a := range s.shapes {
		// The memory of an extra shape is the ground's.
		if m < base && cap(a.rings.Positions) <= keptVertices/64 && len(s.spare) < keptShapes {
			s.spare = append(s.spare, a)
		}
	}
	clear(s.shapes)
	s.vertices = 0
	if s.walls != nil {
		s.walls.forget()
	}
}
