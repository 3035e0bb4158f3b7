package analyze

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"

	"gengtu/index"
	"gengtu/index/contiguity"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/pieces"
)

// contiguityState is a layer with its components, before a proposal or after.
type contiguityState struct {
	ground   *contiguity.Ground
	comps    *contiguity.Components
	outlines []float64
	// By member: its area and its net area of record, -1 for none, and its place, a number in
	// codes.
	area, net []int64
	place     []int32
	codes     []string // of places, in their order
	list      [][]tract
	members   [][]int32 // by gap all members, in the order of their components

	unplaced, unrecorded int
	// What the layer and the proposal have, added up without regard to components.
	all Area
}

// tract is a component at one gap.
type tract struct {
	first, end int // of members
	name       string
	area       int64
	net        int64 // [index.NoArea] where a member has none
	box        geo.Box
	outlineM   float64
	parts      []tractPart // in the order of places
}

// tractPart is what a component has in a place.
type tractPart struct {
	place   int32
	patches int64
	area    int64
	net     int64 // [index.NoArea] where a member has none
}

// state finds the components of the layer, of the proposal where after is set.
func (w *contiguityWork) state(ctx context.Context, after bool) (*contiguityState, error) {
	only := w.places(w.layer).only()
	var shapes []geo.MultiPolygon
	if after {
		only = w.without(only)
		for _, i := range w.added {
			shapes = append(shapes, w.proposed[i].ground)
		}
	}
	s := &contiguityState{ground: contiguity.New([]pieces.Cover{{Layer: w.layer, Only: only}}, shapes, w.barriers)}
	stage := func(zh, en string) contiguity.Options {
		return contiguity.Options{Workers: w.Workers, Tell: func(done, all int) { w.Tell(edition.Title{Zh: zh, En: en}, done, all) }}
	}
	var err error
	if s.comps, err = s.ground.Components(ctx, w.gaps, stage("连片", "components")); err != nil {
		return nil, err
	}
	if s.outlines, err = s.ground.Outlines(ctx, stage("边界", "outlines")); err != nil {
		return nil, err
	}
	w.figures(s)
	for i := range w.layer.Len() {
		if only == nil || only(i) {
			s.all += areaOf(w.layer.Record(i).AreaM2)
		}
	}
	if after {
		for i := range w.proposed {
			s.all += w.proposed[i].area
		}
	}
	for gap := range w.gaps {
		s.gather(w, gap)
	}
	return s, nil
}

// without returns the choice of what only takes, nil for all, but for what is removed.
func (w *contiguityWork) without(only func(i int) bool) func(i int) bool {
	if len(w.removed) == 0 {
		return only
	}
	return func(i int) bool { return !w.removed[int32(i)] && (only == nil || only(i)) }
}

// figures finds the areas and places of the members.
func (w *contiguityWork) figures(s *contiguityState) {
	n := s.ground.Members()
	s.area, s.net, s.place = make([]int64, n), make([]int64, n), make([]int32, n)
	places := w.places(w.layer)
	codes := make([]string, n)
	for m := range codes {
		o := s.ground.Owner(int32(m))
		if o.Cover > 0 {
			p := &w.proposed[w.added[o.Feature]]
			s.area[m], s.net[m], codes[m] = int64(p.area), index.NoArea, p.place
		} else {
			i := int(o.Feature)
			r := w.layer.Record(i)
			s.area[m], s.net[m] = int64(geo.HundredthsOf(r.AreaM2)), index.NoArea
			if net, ok := netOf(r); ok {
				s.net[m] = int64(net)
			} else {
				s.unrecorded++
			}
			codes[m], _ = places.of(i)
		}
		if codes[m] == "" {
			s.unplaced++
		}
	}
	s.codes = slices.Clone(codes)
	slices.Sort(s.codes)
	s.codes = slices.Compact(s.codes)
	for m, code := range codes {
		at, _ := slices.BinarySearch(s.codes, code)
		s.place[m] = int32(at)
	}
}

// gather adds the members of the components at a gap up.
func (s *contiguityState) gather(w *contiguityWork, gap int) {
	order := make([]int32, s.ground.Members())
	for m := range order {
		order[m] = int32(m)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(s.comps.Of(gap, a), s.comps.Of(gap, b)), cmp.Compare(s.place[a], s.place[b]), cmp.Compare(a, b))
	})
	var list []tract
	for at := 0; at < len(order); {
		c := tract{first: at, box: geo.EmptyBox()}
		least, root := uint64(math.MaxUint64), s.comps.Of(gap, order[at])
		for ; at < len(order) && s.comps.Of(gap, order[at]) == root; at++ {
			m := order[at]
			c.add(s, m)
			if o := s.ground.Owner(m); o.Cover == 0 {
				least = min(least, w.layer.Head(int(o.Feature)).ID)
			} else if c.name == "" {
				c.name = "proposal-" + w.proposed[w.added[o.Feature]].name
			}
		}
		if least != math.MaxUint64 {
			c.name = strconv.FormatUint(least, 10)
		}
		c.end = at
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b tract) int {
		return cmp.Or(cmp.Compare(b.area, a.area), cmp.Compare(len(a.name), len(b.name)), cmp.Compare(a.name, b.name))
	})
	s.list, s.members = append(s.list, list), append(s.members, order)
}

// add adds a member, which comes in the order of places.
func (c *tract) add(s *contiguityState, m int32) {
	c.area += s.area[m]
	c.net = sumOf(c.net, s.net[m])
	c.box = c.box.Union(s.ground.Box(m))
	c.outlineM += s.outlines[m]
	if n := len(c.parts); n == 0 || c.parts[n-1].place != s.place[m] {
		c.parts = append(c.parts, tractPart{place: s.place[m]})
	}
	p := &c.parts[len(c.parts)-1]
	p.patches++
	p.area += s.area[m]
	p.net = sumOf(p.net, s.net[m])
}

// main returns the place with the largest part, the first of equal ones.
func (c *tract) main() int32 {
	best := c.parts[0]
	for _, p := range c.parts[1:] {
		if p.area > best.area {
			best = p
		}
	}
	return best.place
}

// shapeIndex is the perimeter over that of the circle of the same area: 1 for a circle,
// 1.128 for a square.
func (c *tract) shapeIndex() float64 {
	if c.area <= 0 {
		return 0
	}
	return c.outlineM / (2 * math.Sqrt(math.Pi*float64(c.area)/100))
}

// tractMeasure is what components come to in a place, or in all of them.
type tractMeasure struct {
	n, main, across, patches int64
	area, largest            int64
	net                      int64
	parts                    []int64
	large                    []int64 // by step the area in large components
	mesh, within, shape      float64 // Σ part × whole, Σ part², Σ part × shape index
}

// take adds what a component has in the place.
func (m *tractMeasure) take(c *tract, p tractPart, large []float64) {
	if m.large == nil {
		m.large = make([]int64, len(large))
	}
	m.n++
	m.patches += p.patches
	m.area += p.area
	m.net = sumOf(m.net, p.net)
	m.largest = max(m.largest, p.area)
	m.parts = append(m.parts, p.area)
	for i, mu := range large {
		// 0.01 m² × 3/200000 is mu.
		if float64(c.area)*3 >= mu*200000 {
			m.large[i] += p.area
		}
	}
	m.mesh += float64(p.area) * float64(c.area)
	m.within += float64(p.area) * float64(p.area)
	m.shape += float64(p.area) * c.shapeIndex()
}

// median returns the middle one of the parts, of an even number the mean of two.
func (m *tractMeasure) median() int64 {
	slices.Sort(m.parts)
	n := len(m.parts)
	if n%2 == 1 {
		return m.parts[n/2]
	}
	return (m.parts[n/2-1] + m.parts[n/2]) / 2
}

// measures returns what the components at a gap come to in each place, in the order of
// codes, and in all.
func (s *contiguityState) measures(gap int, large []float64) (by []tractMeasure, all tractMeasure) {
	by = make([]tractMeasure, len(s.codes))
	for k := range s.list[gap] {
		c := &s.list[gap][k]
		whole := tractPart{area: c.area, net: c.net, patches: int64(c.end - c.first)}
		all.take(c, whole, large)
		all.main++
		by[c.main()].main++
		for _, p := range c.parts {
			by[p.place].take(c, p, large)
			if len(c.parts) > 1 {
				by[p.place].across++
			}
		}
		if len(c.parts) > 1 {
			all.across++
		}
	}
	return by, all
}
