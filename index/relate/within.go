package relate

import (
	"slices"

	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// Holds tells whether a feature lies within the shape: no place of it is outside the
// shape's polygons. Points and lines hold no feature. The feature's rings are valid and
// directed as stored, box is the box around them.
//
// With no border of the shape through its interior, each part of a feature lies wholly on
// one side of it, which one edge of each ring tells.
func (s *Shape) Holds(f *geo.Rings, box geo.Box) bool {
	if len(f.Positions) == 0 || len(s.area.Positions) == 0 || !s.box.Contains(box) {
		return false
	}
	if s.Covers(box) {
		return true
	}
	for ring := range rings(&s.area) {
		for k := range len(ring) - 1 {
			if edgeBox(ring[k], ring[k+1]).Intersects(box) && entersInterior(ring[k], ring[k+1], f) {
				return false
			}
		}
	}
	for ring := range rings(f) {
		if !s.holdsLeftOf(ring[0], ring[1]) {
			return false
		}
	}
	return true
}

// entersInterior tells whether the segment from a to b has a place strictly inside f.
// Where no edge crosses it, it meets borders at its ends and at positions of f alone, and
// between two of these it lies on one side.
func entersInterior(a, b geo.Position, f *geo.Rings) bool {
	e := edgeBox(a, b)
	cuts := []geo.Position{a, b}
	for ring := range rings(f) {
		for k := range len(ring) - 1 {
			c, d := ring[k], ring[k+1]
			if !e.Intersects(edgeBox(c, d)) {
				continue
			}
			onC, onD := overlay.Turn(a, b, c), overlay.Turn(a, b, d)
			if onC*onD < 0 && overlay.Turn(c, d, a)*overlay.Turn(c, d, b) < 0 {
				return true
			}
			if onC == 0 && e.Intersects(geo.Box{Min: c, Max: c}) {
				cuts = append(cuts, c)
			}
		}
	}
	along(cuts, a, b)
	twice := doubled(f)
	for i := range len(cuts) - 1 {
		if cuts[i] != cuts[i+1] && locate(twice, middle(cuts[i], cuts[i+1])) == inside {
			return true
		}
	}
	return false
}

// along sorts positions on the line from a to b, in its direction.
func along(ps []geo.Position, a, b geo.Position) {
	slices.SortFunc(ps, func(p, q geo.Position) int {
		d := (q.Lon - p.Lon) * sign(a.Lon-b.Lon)
		if d == 0 {
			d = (q.Lat - p.Lat) * sign(a.Lat-b.Lat)
		}
		return int(sign(d))
	})
}

func sign(v int64) int64 {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

// holdsLeftOf tells whether the ground left of an edge of a feature, whose interior no
// border of the shape enters, is the shape's.
func (s *Shape) holdsLeftOf(a, b geo.Position) bool {
	e := edgeBox(a, b)
	cuts := []geo.Position{a, b}
	for _, p := range s.area.Positions {
		if e.Intersects(geo.Box{Min: p, Max: p}) && overlay.Turn(a, b, p) == 0 {
			cuts = append(cuts, p)
		}
	}
	along(cuts, a, b)
	cuts = slices.Compact(cuts)
	m := middle(cuts[0], cuts[1])
	twice := doubled(&s.area)
	switch locate(twice, m) {
	case inside:
		return true
	case outside:
		return false
	case border:
	}
	// Both borders run along here, each with its ground on the left.
	for ring := range rings(twice) {
		for k := range len(ring) - 1 {
			c, d := ring[k], ring[k+1]
			if edgeBox(c, d).Intersects(geo.Box{Min: m, Max: m}) && overlay.Turn(c, d, m) == 0 {
				return sign(d.Lon-c.Lon) == sign(b.Lon-a.Lon) && sign(d.Lat-c.Lat) == sign(b.Lat-a.Lat)
			}
		}
	}
	return false
}

// middle returns the place halfway from a to b in half units, in which every such place
// has whole coordinates; doubled returns rings in them.
func middle(a, b geo.Position) geo.Position {
	return geo.Position{Lon: a.Lon + b.Lon, Lat: a.Lat + b.Lat}
}

func doubled(r *geo.Rings) *geo.Rings {
	out := &geo.Rings{Positions: make([]geo.Position, len(r.Positions)), Ends: r.Ends}
	for i, p := range r.Positions {
		out.Positions[i] = geo.Position{Lon: 2 * p.Lon, Lat: 2 * p.Lat}
	}
	return out
}
