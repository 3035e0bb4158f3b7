package overlay

import (
	"slices"
	"sync"

	"gengtu/index/geo"
)

// Doubt is ground of a polygon that does not mean the same in every reading of
// its rings, as [Screen] finds it.
type Doubt struct {
	// Rule is what the ring breaks: [RingNotClosed], [RingCrossesSelf] (or runs
	// round twice), [HoleOutsideShell], [HolesNested] or [PartsOverlap].
	Rule Rule
	// Polygon and Ring are indices into what was screened; -1 when no single ring
	// is to blame, or when there are too many to look at one by one.
	Polygon, Ring int
	// Area is, in m², the most by which the readings may differ there.
	Area float64
}

// The excess that a screen lets pass: half of the 1e-6 m² to which areas are
// promised, and twice what the integral of a valid polygon may be off by, as a
// part of its box (exactness_test.go).
const (
	screenArea = 5e-7
	screenPart = 4e-14
)

// screenRings is the number of rings up to which they are looked at one by one,
// each against each, for who is to blame.
const screenRings = 256

// Screen finds the ground of m that even-odd, non-zero and directed winding read
// differently; nil says that there is none, whatever else may be wrong with m.
//
// With w the number of times that m, its shells taken counter-clockwise and its
// holes clockwise, winds round a place, ∫w² and ∫w are the same if w is 0 or 1
// everywhere. Elsewhere w² exceeds w by 2 at least, and no reading of w as
// inside or outside is farther from w than w² − w. So the areas of m by all
// readings, and everything that [SharedArea] and [Kernel] measure with m once it
// is directed ([Direct]), agree within ∫(w² − w), which Screen holds against 5e-7 m² and
// 4e-14 of the box. Only what it finds needs [Mend] before it is measured.
//
// It does not replace Mend where geometry is kept or handed out: spikes without
// area, rings that touch themselves or each other, parts with a common border and
// repeated positions change no area, pass, and are not valid.
//
// Positions are CGCS2000 (EPSG:4490). m is neither changed nor kept; empty is
// clear. The cost is that of one pair of m's size in the [Kernel]; only when
// there is a doubt the rings are looked at one by one, to tell which.
func Screen(m geo.MultiPolygon) []Doubt {
	var doubts []Doubt
	for i, p := range m {
		for j, r := range p {
			if len(r) > 0 && r[0] != r[len(r)-1] {
				doubts = append(doubts, Doubt{Rule: RingNotClosed, Polygon: i, Ring: j})
			}
		}
	}
	if len(doubts) > 0 {
		return doubts // what the missing edges enclose, only Mend tells
	}
	m = Direct(m)
	box := m.Box()
	if box.Empty() {
		return nil
	}
	s := screens.Get().(*screen)
	defer screens.Put(s)
	s.plane = newPlane(box).EqualAreaPlane
	s.limit = screenArea + screenPart*geo.Area(geo.MultiPolygon{box.Polygon()})
	if excess := s.excess(m...); excess <= s.limit {
		return nil
	}
	return s.blame(m)
}

// Direct returns m with shells that run counter-clockwise and holes that run
// clockwise, by the sign of each ring's own area: m itself if it is so already,
// otherwise a copy. Rings without area stay as they are.
func Direct(m geo.MultiPolygon) geo.MultiPolygon {
	var out geo.MultiPolygon
	for i, p := range m {
		for j, r := range p {
			if d := doubledArea(r); d == 0 || (d > 0) == (j == 0) {
				continue
			}
			if out == nil {
				out = make(geo.MultiPolygon, len(m))
				for k := range m {
					out[k] = slices.Clone(m[k])
				}
			}
			out[i][j] = slices.Clone(r)
			slices.Reverse(out[i][j])
		}
	}
	if out == nil {
		return m
	}
	return out
}

// screen holds the working memory of one [Screen].
type screen struct {
	kernel Kernel
	plane  geo.EqualAreaPlane
	a, b   Outline
	rings  geo.Rings
	limit  float64 // m²
}

var screens = sync.Pool{New: func() any { return new(screen) }}

func (s *screen) load(o *Outline, polygons ...geo.Polygon) {
	s.rings.Reset()
	s.rings.Append(polygons)
	o.Load(&s.plane, &s.rings)
}

// excess returns ∫(w² − w) over polygons, directed ones, in m².
func (s *screen) excess(polygons ...geo.Polygon) float64 {
	s.load(&s.a, polygons...)
	return s.kernel.Shared(&s.a, &s.a) - s.a.Area()
}

// blame tells which rings of m, whose excess is over the limit, it comes from.
func (s *screen) blame(m geo.MultiPolygon) []Doubt {
	rings := 0
	for _, p := range m {
		rings += len(p)
	}
	if rings > screenRings {
		return []Doubt{{PartsOverlap, -1, -1, s.excess(m...)}}
	}
	var doubts []Doubt
	add := func(rule Rule, polygon, ring int, area float64) {
		if area > s.limit {
			doubts = append(doubts, Doubt{rule, polygon, ring, area})
		}
	}
	boxes := make([]geo.Box, len(m))
	for i, p := range m {
		boxes[i] = geo.MultiPolygon{p}.Box()
		for j, r := range p {
			// By itself, a ring counts as a shell.
			own := r
			if j > 0 {
				own = slices.Clone(r)
				slices.Reverse(own)
			}
			add(RingCrossesSelf, i, j, s.excess(geo.Polygon{own}))
			if j == 0 {
				continue
			}
			// Of a hole with winding -1 the shell covers all that the hole has.
			s.load(&s.b, geo.Polygon{p[0]})
			s.load(&s.a, geo.Polygon{own})
			add(HoleOutsideShell, i, j, 2*(s.a.Area()-s.kernel.Shared(&s.a, &s.b)))
			add(HolesNested, i, j, 2*s.sharedHoles(p, j))
		}
	}
	for i := range m {
		for j := range i {
			if !boxes[i].Intersects(boxes[j]) {
				continue
			}
			s.load(&s.a, m[j])
			s.load(&s.b, m[i])
			add(PartsOverlap, i, 0, 2*s.kernel.Shared(&s.a, &s.b))
		}
	}
	if len(doubts) == 0 {
		// Many doubts, each below the limit.
		doubts = append(doubts, Doubt{PartsOverlap, -1, -1, s.excess(m...)})
	}
	return doubts
}

// sharedHoles returns what hole j of p shares with the holes before it, m².
func (s *screen) sharedHoles(p geo.Polygon, j int) float64 {
	box := geo.MultiPolygon{{p[j]}}.Box()
	s.load(&s.a, geo.Polygon{p[j]})
	t := 0.0
	for k := 1; k < j; k++ {
		if !box.Intersects(geo.MultiPolygon{{p[k]}}.Box()) {
			continue
		}
		// Both run clockwise, so that their product is positive.
		s.load(&s.b, geo.Polygon{p[k]})
		t += s.kernel.Shared(&s.a, &s.b)
	}
	return t
}
