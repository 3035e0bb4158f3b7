package contiguity

import (
	"cmp"
	"context"
	"math"
	"slices"

	"gengtu/index/geo"
)

// leastRunM is the length in metres below which a run of border beside another's is taken
// for a touch, unless it is a whole edge: two borders that cross at a right angle are
// within the tolerance of each other for 0.2 mm, and at a hundredth of a radian for 2 cm.
const leastRunM = 0.02

// toleranceNorth is a little more than the tolerance, in units of latitude.
const toleranceNorth int64 = 10

// Border returns how many metres of a shape's border run along the border of members that
// choose takes (nil is all), which is within [Tolerance] of it, and how long the
// border is. Where several members do it counts once; holes have borders, too. A
// member that is the shape itself shares all. The shape is valid, as overlay.Mend returns
// it. Errors are those of reading.
func (s *Seeker) Border(m geo.MultiPolygon, choose func(m int32) bool) (sharedM, lengthM float64, err error) {
	s.bound()
	a := shapeOf(m)
	if err := s.besides(&a, func(k int32) bool { return choose == nil || choose(k) }); err != nil {
		return 0, 0, err
	}
	s.eachEdge(&a, func(b *base, near []side) {
		runs := b.runs(near, func(side, bool) bool { return true })
		sharedM += joint(runs)
		lengthM += b.length
	})
	return sharedM, lengthM, nil
}

// Outline returns how many metres of a member's border are outline of all members
// together: without what runs along or inside others. Over the members of a component it
// adds up to the component's perimeter, holes included. Of members that cover the same
// ground the first has the outline. Errors are those of reading.
func (s *Seeker) Outline(m int32) (float64, error) {
	a, err := s.shape(m)
	if err != nil {
		return 0, err
	}
	if err := s.besides(a, func(k int32) bool { return k != m }); err != nil {
		return 0, err
	}
	sum := 0.0
	s.eachEdge(a, func(b *base, near []side) {
		if slices.ContainsFunc(near, func(f side) bool { return f.a == b.b && f.b == b.a }) {
			return
		}
		// Ground lies to the left of each border. Where another's runs the other way, there is
		// ground on both sides; where it runs the same way, one of the two counts.
		runs := b.runs(near, func(f side, along bool) bool { return !along || f.member < m })
		sum += b.length - joint(s.covered(b, near, runs))
	})
	return sum, nil
}

// Outlines returns [Seeker.Outline] of all members. Nothing depends on the number of
// workers. Errors are ctx's and those of reading.
func (g *Ground) Outlines(ctx context.Context, opt Options) ([]float64, error) {
	out := make([]float64, g.Members())
	err := g.each(ctx, opt.Workers, func(s *Seeker, m int32) error {
		d, err := s.Outline(m)
		out[m] = d
		return err
	}, func(done int) {
		if opt.Tell != nil {
			opt.Tell(done, g.chunks())
		}
	})
	return out, err
}

// side is an edge of a member.
type side struct {
	edge
	member int32
}

// besides finds the edges near a shape of the members that choose takes, in the order
// of their south ends.
func (s *Seeker) besides(a *shape, choose func(m int32) bool) error {
	s.search(a.box, 0, choose)
	s.sides = s.sides[:0]
	wide := s.ruler.grow(a.box, 2*Tolerance)
	for _, k := range s.found {
		b, err := s.shape(k)
		if err != nil {
			return err
		}
		s.ruler.ea = near(s.ruler.ea[:0], b, wide)
		for _, e := range s.ruler.ea {
			s.sides = append(s.sides, side{e, k})
		}
	}
	slices.SortFunc(s.sides, func(e, f side) int {
		return cmp.Or(cmp.Compare(e.south(), f.south()), cmp.Compare(e.member, f.member), cmp.Compare(e.a.Lon, f.a.Lon), cmp.Compare(e.a.Lat, f.a.Lat), cmp.Compare(e.b.Lon, f.b.Lon))
	})
	s.tops = s.tops[:0]
	top := int64(math.MinInt64)
	for i := range s.sides {
		top = max(top, s.sides[i].north())
		s.tops = append(s.tops, top)
	}
	return nil
}

// eachEdge visits the edges of a shape with those of the sides that [Seeker.besides]
// found whose boxes come within the tolerance.
func (s *Seeker) eachEdge(a *shape, visit func(b *base, near []side)) {
	at := 0
	for _, end := range a.rings.Ends {
		ring := a.rings.Positions[at:end]
		at = int(end)
		for i := 1; i < len(ring); i++ {
			b := s.ruler.base(edge{ring[i-1], ring[i]})
			if b.length == 0 {
				continue
			}
			s.beside = s.beside[:0]
			from, _ := slices.BinarySearch(s.tops, b.south()-toleranceNorth)
			for _, f := range s.sides[from:] {
				if f.south() > b.north()+toleranceNorth {
					break
				}
				if f.north() >= b.south()-toleranceNorth && f.west() <= b.east()+b.tolerance && f.east() >= b.west()-b.tolerance {
					s.beside = append(s.beside, f)
				}
			}
			visit(&b, s.beside)
		}
	}
}

// base is an edge as an axis, from [0 0] to [length 0], in metres.
type base struct {
	edge
	east1, north1 float64 // metres of a unit
	x, y          float64 // where the edge ends, east and north of its beginning
	length        float64
	tolerance     int64 // in units of longitude
}

func (r *ruler) base(e edge) base {
	b := base{edge: e}
	b.east1, b.north1 = r.scale.At(e.a.Lat + (e.b.Lat-e.a.Lat)/2)
	b.x, b.y = float64(e.b.Lon-e.a.Lon)*b.east1, float64(e.b.Lat-e.a.Lat)*b.north1
	b.length = math.Hypot(b.x, b.y)
	b.tolerance = 360 * geo.Unit
	if b.east1*float64(b.tolerance) > Tolerance {
		b.tolerance = int64(Tolerance/b.east1) + 1
	}
	return b
}

// to returns a position along and to the left of the axis.
func (b *base) to(p geo.Position) geo.XY {
	x, y := float64(p.Lon-b.a.Lon)*b.east1, float64(p.Lat-b.a.Lat)*b.north1
	return geo.XY{X: (x*b.x + y*b.y) / b.length, Y: (y*b.x - x*b.y) / b.length}
}

// run is a part of an edge, in metres from its beginning, along a member's border.
type run struct {
	from, to float64
	member   int32
}

// runs returns where sides run along the axis, those that take takes; along tells whether
// they run its way.
func (b *base) runs(near []side, take func(f side, along bool) bool) []run {
	var runs []run
	for _, f := range near {
		p, q := b.to(f.a), b.to(f.b)
		if u, ok := beside(p, q, b.length); ok && take(f, p.X < q.X) {
			u.member = f.member
			runs = append(runs, u)
		}
	}
	return runs
}

// beside returns which part of the line from [0 0] to [length 0] the line from a to b
// runs along, in metres: where it is within the tolerance of the axis.
func beside(a, b geo.XY, length float64) (run, bool) {
	if a.X > b.X {
		a, b = b, a
	}
	lo, hi := 0.0, 1.0
	if dy := b.Y - a.Y; dy != 0 {
		t0, t1 := (-Tolerance-a.Y)/dy, (Tolerance-a.Y)/dy
		lo, hi = max(lo, min(t0, t1)), min(hi, max(t0, t1))
	} else if math.Abs(a.Y) > Tolerance {
		return run{}, false
	}
	if lo > hi {
		return run{}, false
	}
	u := run{from: max(a.X+lo*(b.X-a.X), 0), to: min(a.X+hi*(b.X-a.X), length)}
	whole := u.to-u.from >= length-2*Tolerance && length > 2*Tolerance
	return u, u.to > u.from && (u.to-u.from >= leastRunM || whole)
}

// joint returns how long runs are together. It puts them in order.
func joint(runs []run) float64 {
	slices.SortFunc(runs, func(a, b run) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	sum, end := 0.0, 0.0
	for _, u := range runs {
		if u.to > end {
			sum += u.to - max(u.from, end)
			end = u.to
		}
	}
	return sum
}

// covered adds to runs the parts of an edge that lie inside of a member near it: between
// where borders cross it, but for the members that run along it there.
func (s *Seeker) covered(b *base, near []side, runs []run) []run {
	cuts := []float64{0, b.length}
	all := b.runs(near, func(side, bool) bool { return true })
	for _, u := range all {
		cuts = append(cuts, u.from, u.to)
	}
	for _, f := range near {
		p, q := b.to(f.a), b.to(f.b)
		if (p.Y > 0) != (q.Y > 0) {
			if x := p.X + p.Y/(p.Y-q.Y)*(q.X-p.X); x > 0 && x < b.length {
				cuts = append(cuts, x)
			}
		}
	}
	slices.Sort(cuts)
	for i := 1; i < len(cuts); i++ {
		if u := (run{from: cuts[i-1], to: cuts[i]}); u.to-u.from > Tolerance && s.within(b, u, all) {
			runs = append(runs, u)
		}
	}
	return runs
}

// within tells whether the middle of a part of an edge lies inside a member that does not
// run along it.
func (s *Seeker) within(b *base, part run, all []run) bool {
	t := (part.from + part.to) / 2
	lon := float64(b.a.Lon) + t/b.length*float64(b.b.Lon-b.a.Lon)
	lat := float64(b.a.Lat) + t/b.length*float64(b.b.Lat-b.a.Lat)
	at := geo.Position{Lon: int64(lon), Lat: int64(lat)}
	for _, k := range s.found {
		c := s.shapes[k]
		if !c.box.Contains(geo.Box{Min: at, Max: at}) {
			continue
		}
		if !slices.ContainsFunc(all, func(u run) bool { return u.member == k && u.from <= t && t <= u.to }) && containsAt(c, lon, lat) {
			return true
		}
	}
	return false
}
