package overlay

import (
	"context"
	"math"
	"slices"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// ringID names a ring of what was given to Mend.
type ringID struct{ polygon, ring int }

// verdict is what a check came to.
type verdict int

const (
	clean    verdict = iota // valid as it is
	touching                // rings touch in places: valid or not by how they do
	faulty                  // not valid
)

// checker looks at a polygon by the rules.
type checker struct {
	rings   []geo.Ring // closed, no position repeated, at least three different
	ids     []ringID
	edges   []checkedEdge
	found   findings
	touches []touch
	faulty  bool
	crossed bool // whether edges cross between their ends
}

// checkedEdge is edge number index of ring number ring.
type checkedEdge struct {
	p, q  geo.Position
	ring  int32
	index int32
}

// touch is a place where two rings meet.
type touch struct {
	a, b int32
	at   geo.Position
}

// outsideDegrees tells whether v is no longitude and latitude.
func outsideDegrees(v geo.Position) bool {
	return v.Lon < -180*geo.Unit || v.Lon > 180*geo.Unit || v.Lat < -90*geo.Unit || v.Lat > 90*geo.Unit
}

// load takes the rings of m in, closing them and taking out what is repeated.
func (c *checker) load(m geo.MultiPolygon) error {
	for i, p := range m {
		for j, r := range p {
			if k := slices.IndexFunc(r, outsideDegrees); k >= 0 {
				at := r[k].LonLat()
				return problem.New("OVERLAY_RANGE",
					"第 %d 部分第 %d 环的坐标 %.7f, %.7f 超出经纬度范围",
					"position %[3]v, %[4]v of part %[1]d, ring %[2]d is no longitude and latitude", i+1, j+1, at.Lon, at.Lat).
					Advise("请检查坐标系", "check the coordinate system")
			}
			c.loadRing(r, ringID{i, j})
		}
	}
	c.undouble()
	for k, r := range c.rings {
		for i := 1; i < len(r); i++ {
			c.edges = append(c.edges, checkedEdge{r[i-1], r[i], int32(k), int32(i - 1)})
		}
	}
	return nil
}

func (c *checker) loadRing(r geo.Ring, id ringID) {
	s := make(geo.Ring, 0, len(r)+1)
	for _, v := range r {
		if len(s) > 0 && s[len(s)-1] == v {
			c.found.add(RepeatedPosition, id, v)
			continue
		}
		s = append(s, v)
	}
	switch {
	case len(s) > 1 && s[0] != s[len(s)-1]:
		c.found.add(RingNotClosed, id, s[len(s)-1])
		s = append(s, s[0])
	case len(s) == 1:
		s = append(s, s[0])
	}
	if len(s) < 4 {
		var at geo.Position
		if len(s) > 0 {
			at = s[0]
		}
		c.found.add(RingTooShort, id, at)
		// A hole or a part that was only a line is gone; so may a shell be whose
		// holes stay.
		c.faulty = c.faulty || id.ring == 0
		return
	}
	c.rings = append(c.rings, s)
	c.ids = append(c.ids, id)
}

// polygons returns copies of the rings as they were grouped.
func (c *checker) polygons() geo.MultiPolygon {
	var out geo.MultiPolygon
	for i, r := range c.rings {
		if i == 0 || c.ids[i].polygon != c.ids[i-1].polygon {
			out = append(out, nil)
		}
		last := len(out) - 1
		out[last] = append(out[last], slices.Clone(r))
	}
	return out
}

func (c *checker) anyPosition() geo.Position {
	if len(c.rings) > 0 {
		return c.rings[0][0]
	}
	if len(c.found.list) > 0 {
		return c.found.list[0].At
	}
	return geo.Position{}
}

// maxNested is the number of rings up to which every ring is looked for in every
// other; beyond, the region is built and compared.
const maxNested = 2000

// maxMeetings bounds the pairs of edges of one geometry that meet wrongly, which
// keeps a scribble within 0.2 GB, and several at once within what there is: mending
// takes some 700 bytes for each.
const maxMeetings = 1 << 18

// check looks at all pairs of edges that come near each other, on the grid and
// exactly, and then at which ring lies in which.
func (c *checker) check() (verdict, error) {
	spans := make([]span, len(c.edges))
	for i := range c.edges {
		if e := &c.edges[i]; before(e.p, e.q) {
			spans[i] = spanOf(e.p, e.q)
		} else {
			spans[i] = spanOf(e.q, e.p)
		}
	}
	var f finder
	seen := map[[2]int32]bool{}
	err := f.search(context.Background(), spans, func(i, j int32) bool {
		i, j = min(i, j), max(i, j)
		if kind, at := c.meet(i, j); kind != apart && !seen[[2]int32{i, j}] {
			seen[[2]int32{i, j}] = true
			c.blame(i, j, kind, at)
		}
		return len(seen) < maxMeetings
	})
	switch {
	case err != nil:
		return faulty, err
	case len(seen) >= maxMeetings:
		return faulty, tooComplex(geo.Box{Min: c.anyPosition(), Max: c.anyPosition()})
	}
	if !c.faulty && len(c.touches) == 0 && len(c.rings) <= maxNested {
		c.checkNesting()
		if !c.faulty {
			return c.orEmpty(clean), nil
		}
	}
	if c.faulty {
		return faulty, nil
	}
	return c.orEmpty(touching), nil
}

// orEmpty returns v, or faulty when no ring is left.
func (c *checker) orEmpty(v verdict) verdict {
	if len(c.rings) == 0 {
		return faulty
	}
	return v
}

// meeting is how two edges meet.
type meeting int

const (
	apart meeting = iota
	inPlace
	crossing
	along
)

// meet tells how edges i and j meet, and where. Neighbours in a ring, which share
// an end, count as apart unless they lie on each other.
func (c *checker) meet(i, j int32) (meeting, geo.Position) {
	e, f := &c.edges[i], &c.edges[j]
	d1, d2 := cross(f.p, f.q, e.p), cross(f.p, f.q, e.q)
	d3, d4 := cross(e.p, e.q, f.p), cross(e.p, e.q, f.q)
	if d1 == 0 && d2 == 0 {
		return collinear(e, f, c.neighbours(e, f))
	}
	if d1 > 0 && d2 > 0 || d1 < 0 && d2 < 0 || d3 > 0 && d4 > 0 || d3 < 0 && d4 < 0 {
		return apart, geo.Position{}
	}
	if d1 != 0 && d2 != 0 && d3 != 0 && d4 != 0 {
		t := d1 / (d1 - d2)
		return crossing, geo.Position{
			Lon: e.p.Lon + int64(math.Round(t*float64(e.q.Lon-e.p.Lon))),
			Lat: e.p.Lat + int64(math.Round(t*float64(e.q.Lat-e.p.Lat))),
		}
	}
	if c.neighbours(e, f) {
		return apart, geo.Position{}
	}
	switch {
	case d1 == 0:
		return inPlace, e.p
	case d2 == 0:
		return inPlace, e.q
	case d3 == 0:
		return inPlace, f.p
	default:
		return inPlace, f.q
	}
}

// collinear is meet for edges on one line.
func collinear(e, f *checkedEdge, neighbours bool) (meeting, geo.Position) {
	a, b, p, q := e.p, e.q, f.p, f.q
	if before(b, a) {
		a, b = b, a
	}
	if before(q, p) {
		p, q = q, p
	}
	from, to := a, b
	if before(from, p) {
		from = p
	}
	if before(q, to) {
		to = q
	}
	switch {
	case before(from, to):
		return along, from
	case from == to && !neighbours:
		return inPlace, from
	default:
		return apart, geo.Position{}
	}
}

// neighbours tells whether e and f follow each other in a ring.
func (c *checker) neighbours(e, f *checkedEdge) bool {
	if e.ring != f.ring {
		return false
	}
	n := int32(len(c.rings[e.ring]) - 1)
	return (e.index+1)%n == f.index || (f.index+1)%n == e.index
}

// blame records that edges i and j meet.
func (c *checker) blame(i, j int32, kind meeting, at geo.Position) {
	e, f := &c.edges[i], &c.edges[j]
	a, b := c.ids[e.ring], c.ids[f.ring]
	c.crossed = c.crossed || kind == crossing
	if e.ring == f.ring {
		rule := RingCrossesSelf
		switch {
		case kind == along && c.neighbours(e, f):
			rule = RingSpike
			if e.q == f.p {
				at = e.q
			} else {
				at = e.p
			}
		case kind != crossing:
			rule = RingTouchesSelf
		}
		c.found.add(rule, a, at)
		c.faulty = true
		return
	}
	if b.polygon < a.polygon || b.polygon == a.polygon && b.ring < a.ring {
		a, b = b, a
	}
	switch {
	case kind == inPlace:
		c.touches = append(c.touches, touch{e.ring, f.ring, at})
		return
	case a.polygon != b.polygon:
		c.found.add(PartsOverlap, b, at)
	case kind == crossing:
		c.found.add(RingsCross, b, at)
	default:
		c.found.add(RingsShareEdge, b, at)
	}
	c.faulty = true
}

// blameTouch records that rings which touch in places do not do so by the rules:
// touching, they cross, lie where they must not, or cut the interior apart.
func (c *checker) blameTouch() {
	before := len(c.found.list)
	c.checkNesting()
	if len(c.found.list) > before {
		return
	}
	for _, t := range c.touches {
		a, b := c.ids[t.a], c.ids[t.b]
		rule := PartsOverlap
		if a.polygon == b.polygon {
			rule = InteriorSplit
		}
		if b.polygon < a.polygon || b.polygon == a.polygon && b.ring < a.ring {
			b = a
		}
		c.found.add(rule, b, t.at)
	}
	if len(c.touches) == 0 {
		c.found.add(PartsOverlap, c.ids[0], c.anyPosition())
	}
}

// checkNesting looks where each ring lies among the others, none of which it crosses.
func (c *checker) checkNesting() {
	if len(c.rings) == 1 || len(c.rings) > maxNested {
		return
	}
	boxes := make([]geo.Box, len(c.rings))
	for i, r := range c.rings {
		boxes[i] = boxOf(r)
	}
	for i := range c.rings {
		c.checkPlace(i, boxes)
	}
}

// checkPlace looks where ring i lies: a hole in its own shell and in no other
// hole, any ring in the shell of another polygon only within one of its holes.
func (c *checker) checkPlace(i int, boxes []geo.Box) {
	depth, at := 0, c.rings[i][0]
	own := c.ids[i].ring == 0
	for j := range c.rings {
		if j == i || !boxes[j].Contains(boxes[i]) || !c.contains(j, i) {
			continue
		}
		switch {
		case c.ids[j].polygon != c.ids[i].polygon:
			// Shells count up and holes down; each polygon comes out even.
			if c.ids[j].ring == 0 {
				depth++
			} else {
				depth--
			}
		case c.ids[j].ring == 0:
			own = true
		default:
			c.found.add(HolesNested, c.ids[i], at)
			c.faulty = true
		}
	}
	if !own {
		c.found.add(HoleOutsideShell, c.ids[i], at)
		c.faulty = true
	}
	if depth != 0 {
		c.found.add(PartsOverlap, c.ids[i], at)
		c.faulty = true
	}
}

// contains tells whether ring j contains ring i, which it does not cross.
func (c *checker) contains(j, i int) bool {
	r := c.rings[i]
	for k := 1; k < len(r); k++ {
		mid := geo.Position{Lon: r[k-1].Lon + r[k].Lon, Lat: r[k-1].Lat + r[k].Lat}
		if at := locate(c.rings[j], mid); at != onRing {
			return at == insideRing
		}
	}
	return false
}
