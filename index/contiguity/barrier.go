package contiguity

import (
	"math"
	"slices"

	"gengtu/index/geo"
)

// throughM is how many metres of a line must lie in a barrier to be blocked by it: a
// barrier that is only touched, or that overlaps by the tolerance, blocks nothing.
const throughM = 0.001

// blocks tells whether a line runs through one of the seeker's members.
func (s *Seeker) blocks(l line) (bool, error) {
	b := geo.EmptyBox()
	b.Extend(l.from)
	b.Extend(l.to)
	s.search(b, 0, func(int32) bool { return true })
	for _, m := range s.found {
		wall, err := s.shape(m)
		if err != nil {
			return false, err
		}
		if s.ruler.within(wall, l) > throughM {
			return true, nil
		}
	}
	return false, nil
}

// within returns how many metres of a line lie in a shape.
func (r *ruler) within(s *shape, l line) float64 {
	along := edge{l.from, l.to}
	cuts := []float64{0, 1}
	at := 0
	for _, end := range s.rings.Ends {
		ring := s.rings.Positions[at:end]
		at = int(end)
		for i := 1; i < len(ring); i++ {
			cuts = appendCuts(cuts, along, edge{ring[i-1], ring[i]})
		}
	}
	slices.Sort(cuts)
	share := 0.0
	for i := 1; i < len(cuts); i++ {
		t := (cuts[i-1] + cuts[i]) / 2
		if cuts[i] > cuts[i-1] && containsAt(s, float64(l.from.Lon)+t*float64(l.to.Lon-l.from.Lon), float64(l.from.Lat)+t*float64(l.to.Lat-l.from.Lat)) {
			share += cuts[i] - cuts[i-1]
		}
	}
	return share * l.d
}

// appendCuts appends where along e, in (0, 1), f meets it: the crossing, or where they run
// along each other the ends of f.
func appendCuts(cuts []float64, e, f edge) []float64 {
	dx, dy := float64(e.b.Lon-e.a.Lon), float64(e.b.Lat-e.a.Lat)
	ax, ay := float64(f.a.Lon-e.a.Lon), float64(f.a.Lat-e.a.Lat)
	bx, by := float64(f.b.Lon-e.a.Lon), float64(f.b.Lat-e.a.Lat)
	ta, tb := dx*ay-dy*ax, dx*by-dy*bx
	add := func(t float64) {
		if t > 0 && t < 1 {
			cuts = append(cuts, t)
		}
	}
	if n := dx*dx + dy*dy; ta == 0 && tb == 0 && n > 0 {
		add((ax*dx + ay*dy) / n)
		add((bx*dx + by*dy) / n)
		return cuts
	}
	if (ta > 0) == (tb > 0) && ta != 0 && tb != 0 {
		return cuts
	}
	u := ta / (ta - tb)
	x, y := ax+u*(bx-ax), ay+u*(by-ay)
	if math.Abs(dx) >= math.Abs(dy) {
		add(x / dx)
	} else {
		add(y / dy)
	}
	return cuts
}

// containsAt is contains of a place between positions.
func containsAt(s *shape, lon, lat float64) bool {
	in := false
	at := 0
	for _, end := range s.rings.Ends {
		ring := s.rings.Positions[at:end]
		at = int(end)
		for i := 1; i < len(ring); i++ {
			a, b := ring[i-1], ring[i]
			if (float64(a.Lat) > lat) == (float64(b.Lat) > lat) {
				continue
			}
			t := (lat - float64(a.Lat)) / float64(b.Lat-a.Lat)
			if lon-float64(a.Lon) < t*float64(b.Lon-a.Lon) {
				in = !in
			}
		}
	}
	return in
}
