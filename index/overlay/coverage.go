package overlay

import (
	"context"
	"math"

	"gengtu/index/geo"
)

// Dissolve returns the ground of all of ms together: borders between them go,
// ground that several cover counts once. Otherwise as [Intersection].
//
// Edges that two of them have in common, in opposite directions, cancel before
// anything is divided; so a coverage, whose features share their borders, costs
// a sort of its edges and the work on its outline, and positions inside the
// outline move nowhere. The area is compared with the sum of the areas, or where
// features overlap with what [Measure] finds.
//
// It needs some 100 bytes for each position of ms. ctx stops it.
func Dissolve(ctx context.Context, ms []geo.MultiPolygon) (geo.MultiPolygon, error) {
	l, err := newGround(ctx, ms)
	if err != nil || l.box.Empty() {
		return nil, err
	}
	o := layerOperation{first: l, wanted: inEither}
	return o.region(ctx)
}

// DifferenceOfLayers returns the ground of as that is none of bs': what a layer
// has and another has not. Otherwise as [Dissolve]; the area is compared with what
// [Measure] finds.
func DifferenceOfLayers(ctx context.Context, as, bs []geo.MultiPolygon) (geo.MultiPolygon, error) {
	a, err := newGround(ctx, as)
	if err != nil || a.box.Empty() {
		return nil, err
	}
	b, err := newGround(ctx, within(bs, widened(a.box)))
	if err != nil {
		return nil, err
	}
	o := layerOperation{first: a, second: b, wanted: inFirstOnly}
	return o.region(ctx)
}

// layerOperation is an operation on whole layers.
type layerOperation struct {
	first, second *layerGround // second may be nil
	wanted        region
}

// region returns the ground of o, canonical, if its area is as it must be, see
// [operation.region].
func (o *layerOperation) region(ctx context.Context) (geo.MultiPolygon, error) {
	wanted := math.NaN()
	var err error
	for _, r := range bends {
		var out geo.MultiPolygon
		var length float64
		if out, length, err = o.build(ctx, r); err != nil {
			return nil, err
		}
		if o.second == nil && weighArea(out, o.first.area, length, o.first.box) == nil {
			return out, nil
		}
		if math.IsNaN(wanted) {
			if wanted, err = o.measure(ctx); err != nil {
				return nil, err
			}
		}
		if err = weighArea(out, wanted, length, o.first.box); err == nil {
			return out, nil
		}
	}
	return nil, err
}

// build returns the ground of o and the length in m of the border it was made from.
func (o *layerOperation) build(ctx context.Context, r refinement) (geo.MultiPolygon, float64, error) {
	s := newArrangement(ctx, windings)
	defer s.release()
	o.first.load(s, operandA)
	if o.second != nil {
		o.second.load(s, operandB)
	}
	length := s.length()
	out, err := s.ground(func(s *arrangement) error { return s.divide(r) }, o.wanted)
	return out, length, err
}

// measure returns the area in m² that o must have.
func (o *layerOperation) measure(ctx context.Context) (float64, error) {
	var items []Item
	for layer, l := range [...]*layerGround{o.first, o.second} {
		if l == nil {
			continue
		}
		for _, m := range l.ms {
			items = append(items, Item{Layer: layer, Group: NoGroup, Weight: math.NaN(), Geometry: m})
		}
	}
	r, err := Measure(ctx, geo.MultiPolygon{o.first.box.Polygon()}, items, Options{})
	if err != nil {
		return 0, err
	}
	for _, c := range r.Combinations {
		if c.Mask == 1 {
			return c.Area, nil
		}
	}
	return 0, nil
}

// within returns those of ms whose boxes meet box.
func within(ms []geo.MultiPolygon, box geo.Box) []geo.MultiPolygon {
	var out []geo.MultiPolygon
	for _, m := range ms {
		if m.Box().Intersects(box) {
			out = append(out, m)
		}
	}
	return out
}

// layerGround is what many features cover.
type layerGround struct {
	ms    []geo.MultiPolygon // mended
	box   geo.Box
	area  float64 // the sum of theirs, m²
	edges int
}

// checkEvery is the number of features after which ctx is asked.
const checkEvery = 64

func newGround(ctx context.Context, ms []geo.MultiPolygon) (*layerGround, error) {
	l := &layerGround{ms: make([]geo.MultiPolygon, len(ms)), box: geo.EmptyBox()}
	var area sum
	for i, m := range ms {
		if i%checkEvery == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		m, err := mended(m)
		if err != nil {
			return nil, err
		}
		l.ms[i] = m
		box := m.Box()
		l.box = l.box.Union(box)
		l.edges += m.Vertices()
		if len(m) > 0 {
			p := newPlane(box)
			area.add(p.area(m))
		}
	}
	l.area = area.value()
	return l, ctx.Err()
}

// load adds the edges of l that do not cancel each other to s.
func (l *layerGround) load(s *arrangement, o operand) {
	c := newCanceller(l.edges)
	for _, m := range l.ms {
		for _, p := range m {
			for _, r := range p {
				for i := 1; i < len(r); i++ {
					c.add(r[i-1], r[i])
				}
			}
		}
	}
	c.rest(s, o)
}

// canceller counts edges by their ends, those in opposite directions against
// each other. It is a hash table with open addressing.
type canceller struct {
	slots []cancelled
	mask  uint64
}

type cancelled struct {
	p, q geo.Position
	w    int32
	used bool
}

func newCanceller(edges int) *canceller {
	size := 16
	for size < edges*5/4 {
		size *= 2
	}
	return &canceller{make([]cancelled, size), uint64(size - 1)}
}

func (c *canceller) add(p, q geo.Position) {
	w := int32(1)
	if before(q, p) {
		p, q, w = q, p, -1
	}
	for i := hashEdge(p, q) & c.mask; ; i = (i + 1) & c.mask {
		e := &c.slots[i]
		if !e.used {
			*e = cancelled{p, q, w, true}
			return
		}
		if e.p == p && e.q == q {
			e.w += w
			return
		}
	}
}

// hashEdge mixes the four coordinates by multiplication with odd constants, the
// finaliser of splitmix64 (Steele, Lea, Flood 2014) and its golden ratio.
func hashEdge(p, q geo.Position) uint64 {
	h := uint64(p.Lon)
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27 ^ uint64(p.Lat)) * 0x94d049bb133111eb
	h = (h ^ h>>31 ^ uint64(q.Lon)) * 0x9e3779b97f4a7c15
	h = (h ^ h>>29 ^ uint64(q.Lat)) * 0xbf58476d1ce4e5b9
	return h ^ h>>32
}

// rest adds what is left to s, in the table's order.
func (c *canceller) rest(s *arrangement, o operand) {
	for i := range c.slots {
		e := &c.slots[i]
		if e.w == 0 {
			continue
		}
		g := segment{p: e.p, q: e.q}
		if o == operandA {
			g.a = e.w
		} else {
			g.b = e.w
		}
		s.segments = append(s.segments, g)
	}
}
