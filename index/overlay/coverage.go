package overlay

import (
	"context"
	"errors"
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
// It needs some 20 bytes for each position of ms and 200 for each on the outline. ctx stops it.
func Dissolve(ctx context.Context, ms []geo.MultiPolygon) (geo.MultiPolygon, error) {
	l, err := newGround(ctx, ms)
	if err != nil || l.box.Empty() {
		return nil, err
	}
	o := layerOperation{first: l, wanted: inEither}
	out, err := o.region(ctx)
	if errors.Is(err, errDense) {
		return cascade(ctx, l.ms)
	}
	return out, err
}

// errDense says that the edges of a layer cross each other too often to be divided
// all at once, as those of hundreds of copies do.
var errDense = errors.New("overlay: a layer whose edges cross each other too often")

// denseCuts and cutsPerEdge bound what is divided at once. The edges of layers that
// touch and overlap here and there are cut less than twice each.
const (
	denseCuts   = 1 << 17
	cutsPerEdge = 8
)

// cascade is Dissolve by halves, whose outlines are few, and each union is held
// against the areas of its two.
func cascade(ctx context.Context, ms []geo.MultiPolygon) (geo.MultiPolygon, error) {
	if err := ctx.Err(); err != nil || len(ms) == 0 {
		return nil, err
	}
	if len(ms) == 1 {
		return ms[0], nil
	}
	a, err := cascade(ctx, ms[:len(ms)/2])
	if err != nil {
		return nil, err
	}
	b, err := cascade(ctx, ms[len(ms)/2:])
	if err != nil {
		return nil, err
	}
	return Union(a, b)
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
	out, err := o.region(ctx)
	if !errors.Is(err, errDense) {
		return out, err
	}
	all, err := cascade(ctx, a.ms)
	if err != nil {
		return nil, err
	}
	less, err := cascade(ctx, b.ms)
	if err != nil {
		return nil, err
	}
	return Difference(all, less)
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
	s.limit = min(maxCuts, max(denseCuts, cutsPerEdge*len(s.segments)))
	out, err := s.ground(func(s *arrangement) error { return s.divide(r) }, o.wanted)
	if len(s.cuts) >= s.limit {
		err = errDense
	}
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
	ms   []geo.MultiPolygon // mended
	box  geo.Box
	area float64 // the sum of theirs, m²
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
	var c canceller
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
// each other. It is a hash table with open addressing that forgets what has
// cancelled: of features that come in the order of their places it holds the
// border of those that have come, and stays small.
type canceller struct {
	slots []cancelled // a power of two of them, at most half of them in use
	used  int
}

// cancelled is an edge, p before q, and how often it came in that direction more
// often than in the other; a slot with 0 is free.
type cancelled struct {
	p, q geo.Position
	w    int32
}

func (c *canceller) add(p, q geo.Position) {
	if p == q {
		return
	}
	e := cancelled{p, q, 1}
	if before(q, p) {
		e = cancelled{q, p, -1}
	}
	if 2*c.used >= len(c.slots) {
		c.grow()
	}
	i := c.find(e)
	s := &c.slots[i]
	if s.w == 0 {
		*s = e
		c.used++
		return
	}
	if s.w += e.w; s.w == 0 {
		c.free(i)
	}
}

// find returns the slot that holds e's edge, or else the free one where it belongs.
func (c *canceller) find(e cancelled) int {
	mask := len(c.slots) - 1
	i := int(hashEdge(e.p, e.q)) & mask
	for s := &c.slots[i]; s.w != 0 && (s.p != e.p || s.q != e.q); s = &c.slots[i] {
		i = (i + 1) & mask
	}
	return i
}

// free closes the gap at slot i, so that everything after it is still found
// (Knuth, The Art of Computer Programming 3, 6.4, algorithm R).
func (c *canceller) free(i int) {
	mask := len(c.slots) - 1
	c.used--
	for j := i; ; {
		c.slots[i] = cancelled{}
		for {
			j = (j + 1) & mask
			s := &c.slots[j]
			if s.w == 0 {
				return
			}
			home := int(hashEdge(s.p, s.q)) & mask
			// It stays where it is if its home lies after the gap, going round.
			if (j-home)&mask >= (j-i)&mask {
				break
			}
		}
		c.slots[i] = c.slots[j]
		i = j
	}
}

func (c *canceller) grow() {
	old := c.slots
	c.slots = make([]cancelled, max(1024, 2*len(old)))
	for i := range old {
		if old[i].w != 0 {
			c.slots[c.find(old[i])] = old[i]
		}
	}
}

// hashEdge mixes the four coordinates by multiplication with odd constants, those of
// the finaliser of splitmix64 (Steele, Lea, Flood 2014).
func hashEdge(p, q geo.Position) uint64 {
	h := uint64(p.Lon) * 0x9e3779b97f4a7c15
	h = (h ^ h>>30 ^ uint64(p.Lat)) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27 ^ uint64(q.Lon)) * 0x94d049bb133111eb
	h = (h ^ h>>31 ^ uint64(q.Lat)) * 0xbf58476d1ce4e5b9
	return h ^ h>>32
}

// rest adds what is left to s.
func (c *canceller) rest(s *arrangement, o operand) {
	for i := range c.slots {
		e := &c.slots[i]
		switch {
		case e.w == 0:
		case o == operandA:
			s.segments = append(s.segments, segment{p: e.p, q: e.q, a: e.w})
		default:
			s.segments = append(s.segments, segment{p: e.p, q: e.q, b: e.w})
		}
	}
}
