package contiguity

import (
	"cmp"
	"math"
	"slices"

	"gengtu/index/geo"
)

// leastRunM is the length in metres below which a run of border beside another's is taken
// for a touch, unless it is a whole edge: two borders that cross at a right angle are
// within the tolerance of each other for 0.2 mm, and at a hundredth of a radian for 2 cm.
const leastRunM = 0.02

// Border returns how many metres of a shape's border run along the border of members that
// choose takes (nil is all), which is within [Tolerance] of it, and how long the
// border is. Where several members do it counts once; holes have borders, too. A
// member that is the shape itself shares all. The shape is valid, as overlay.Mend returns
// it. Errors are those of reading.
func (s *Seeker) Border(m geo.MultiPolygon, choose func(m int32) bool) (sharedM, lengthM float64, err error) {
	s.bound()
	a := shapeOf(m)
	s.search(a.box, 0, func(k int32) bool { return choose == nil || choose(k) })
	var others []edge
	wide := s.ruler.grow(a.box, 2*Tolerance)
	for _, k := range s.found {
		b, err := s.shape(k)
		if err != nil {
			return 0, 0, err
		}
		others = near(others, b, wide)
	}
	slices.SortFunc(others, func(e, f edge) int { return cmp.Compare(e.south(), f.south()) })
	tops := make([]int64, len(others))
	top := int64(math.MinInt64)
	for i, e := range others {
		top = max(top, e.north())
		tops[i] = top
	}
	at := 0
	for _, end := range a.rings.Ends {
		ring := a.rings.Positions[at:end]
		at = int(end)
		for i := 1; i < len(ring); i++ {
			run, whole := s.ruler.along(edge{ring[i-1], ring[i]}, others, tops)
			sharedM += run
			lengthM += whole
		}
	}
	return sharedM, lengthM, nil
}

// toleranceNorth is a little more than the tolerance, in units of latitude.
const toleranceNorth int64 = 10

// run is a part of an edge, from and to in metres from its beginning.
type run struct{ from, to float64 }

// along returns how many metres of e lie within the tolerance of others, which are in the
// order of their south ends; tops are the northernmost ends so far.
func (r *ruler) along(e edge, others []edge, tops []int64) (shared, length float64) {
	east, north := r.scale.At(e.a.Lat + (e.b.Lat-e.a.Lat)/2)
	b := geo.XY{X: float64(e.b.Lon-e.a.Lon) * east, Y: float64(e.b.Lat-e.a.Lat) * north}
	if length = math.Hypot(b.X, b.Y); length == 0 {
		return 0, 0
	}
	lat := toleranceNorth
	lon := lat
	if east > 0 {
		lon = int64(min(Tolerance/east, 360*geo.Unit)) + 1
	}
	var runs []run
	from, _ := slices.BinarySearch(tops, e.south()-lat)
	for _, f := range others[from:] {
		if f.south() > e.north()+lat {
			break
		}
		if f.north() < e.south()-lat || f.west() > e.east()+lon || f.east() < e.west()-lon {
			continue
		}
		to := func(p geo.Position) geo.XY {
			x, y := float64(p.Lon-e.a.Lon)*east, float64(p.Lat-e.a.Lat)*north
			return geo.XY{X: (x*b.X + y*b.Y) / length, Y: (y*b.X - x*b.Y) / length}
		}
		if u, ok := beside(to(f.a), to(f.b), length); ok {
			runs = append(runs, u)
		}
	}
	slices.SortFunc(runs, func(a, b run) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	end := 0.0
	for _, u := range runs {
		if u.to > end {
			shared += u.to - max(u.from, end)
			end = u.to
		}
	}
	return shared, length
}

// beside returns which part of the line from [0 0] to [length 0] the line from a to b
// runs along, in metres: where it is within the tolerance of the axis.
func beside(a, b geo.XY, length float64) (run, bool) {
	if a.X > b.X {
		a, b = b, a
	}
	// Where |y| ≤ Tolerance along the other line.
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
	u := run{max(a.X+lo*(b.X-a.X), 0), min(a.X+hi*(b.X-a.X), length)}
	whole := u.to-u.from >= length-2*Tolerance && length > 2*Tolerance
	return u, u.to > u.from && (u.to-u.from >= leastRunM || whole)
}
