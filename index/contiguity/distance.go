package contiguity

import (
	"cmp"
	"math"
	"slices"

	"gengtu/index/geo"
)

// leastNorth is a little less than the metres of one unit of latitude anywhere.
const leastNorth = 1.105e-5

// edge is a side of a ring.
type edge struct{ a, b geo.Position }

func (e edge) south() int64 { return min(e.a.Lat, e.b.Lat) }
func (e edge) north() int64 { return max(e.a.Lat, e.b.Lat) }
func (e edge) west() int64  { return min(e.a.Lon, e.b.Lon) }
func (e edge) east() int64  { return max(e.a.Lon, e.b.Lon) }

// line is the shortest between two edges.
type line struct {
	d        float64 // metres
	from, to geo.Position
}

// ruler measures distances. It is used by one goroutine.
type ruler struct {
	scale  geo.LocalScale
	ea, eb []edge
	tops   []int64 // by place in eb the northernmost end so far
	lines  []line
}

// grow returns a box that holds everything within d metres of b.
func (r *ruler) grow(b geo.Box, d float64) geo.Box {
	if b.Empty() {
		return b
	}
	lat := int64(d/leastNorth) + 1
	b.Min.Lat, b.Max.Lat = max(b.Min.Lat-lat, -90*geo.Unit), min(b.Max.Lat+lat, 90*geo.Unit)
	// The shortest unit of longitude is farthest from the equator, and shorter yet by
	// less than a hundredth within a cell of the scale below 80 degrees.
	east := r.leastEast(b)
	lon := int64(360 * geo.Unit)
	if east*float64(lon) > d {
		lon = int64(d/east) + 1
	}
	b.Min.Lon -= lon
	b.Max.Lon += lon
	return b
}

// leastEast returns the metres of the shortest unit of longitude in a box.
func (r *ruler) leastEast(b geo.Box) float64 {
	far := b.Max.Lat
	if -b.Min.Lat > far {
		far = b.Min.Lat
	}
	east, _ := r.scale.At(far)
	return max(east, 0)
}

// distance returns the gap of two shapes in metres, 0 up to [Tolerance]; false when it is
// more than limit and Tolerance.
func (r *ruler) distance(a, b *shape, limit float64) (float64, bool) {
	limit += Tolerance
	if !r.meet(a, b, limit) {
		return 0, false
	}
	best := math.Inf(1)
	r.pairs(a, b, limit, func(e, f edge) float64 {
		if l := r.between(e, f, limit); l.d < best {
			best = l.d
		}
		if best <= Tolerance {
			return -1
		}
		return min(best, limit)
	})
	switch {
	case best <= Tolerance, inside(a, b), inside(b, a):
		return 0, true
	}
	return best, best <= limit
}

// clear is distance along lines that blocked lets pass: the shortest of those which are
// the shortest between an edge of a and one of b.
func (r *ruler) clear(a, b *shape, limit float64, blocked func(line) (bool, error)) (float64, bool, error) {
	limit += Tolerance
	if !r.meet(a, b, limit) {
		return 0, false, nil
	}
	touch := false
	r.lines = r.lines[:0]
	r.pairs(a, b, limit, func(e, f edge) float64 {
		l := r.between(e, f, limit)
		if touch = l.d <= Tolerance; touch {
			return -1
		}
		if l.d <= limit {
			r.lines = append(r.lines, l)
		}
		return limit
	})
	if touch || inside(a, b) || inside(b, a) {
		return 0, true, nil
	}
	slices.SortFunc(r.lines, func(a, b line) int {
		return cmp.Or(cmp.Compare(a.d, b.d), cmp.Compare(a.from.Lon, b.from.Lon), cmp.Compare(a.from.Lat, b.from.Lat),
			cmp.Compare(a.to.Lon, b.to.Lon), cmp.Compare(a.to.Lat, b.to.Lat))
	})
	for _, l := range r.lines {
		if no, err := blocked(l); err != nil || !no {
			return l.d, err == nil, err
		}
	}
	return 0, false, nil
}

// meet finds the edges of each shape that come within limit of the other's box; false
// when the boxes are further apart.
func (r *ruler) meet(a, b *shape, limit float64) bool {
	wide := r.grow(b.box, limit)
	if !a.box.Intersects(wide) {
		return false
	}
	r.ea = near(r.ea[:0], a, wide)
	r.eb = near(r.eb[:0], b, r.grow(a.box, limit))
	return true
}

// near appends the edges of s whose boxes meet the window.
func near(dst []edge, s *shape, window geo.Box) []edge {
	at := 0
	for _, end := range s.rings.Ends {
		ring := s.rings.Positions[at:end]
		at = int(end)
		for i := 1; i < len(ring); i++ {
			e := edge{ring[i-1], ring[i]}
			if e.east() >= window.Min.Lon && e.west() <= window.Max.Lon && e.north() >= window.Min.Lat && e.south() <= window.Max.Lat {
				dst = append(dst, e)
			}
		}
	}
	return dst
}

// fewPairs is how many pairs of edges are looked at without putting them in order first.
const fewPairs = 1024

// pairs visits the pairs of r.ea and r.eb whose boxes are within reach metres of each
// other, reach being what the visit before returned; below 0 ends it.
func (r *ruler) pairs(a, b *shape, reach float64, visit func(e, f edge) float64) {
	few := len(r.ea)*len(r.eb) <= fewPairs
	if few && r.shareVertex() {
		visit(edge{}, edge{})
		return
	}
	r.tops = r.tops[:0]
	if !few {
		slices.SortFunc(r.eb, func(e, f edge) int {
			return cmp.Or(cmp.Compare(e.south(), f.south()), cmp.Compare(e.a.Lon, f.a.Lon), cmp.Compare(e.a.Lat, f.a.Lat))
		})
		top := int64(math.MinInt64)
		for _, f := range r.eb {
			top = max(top, f.north())
			r.tops = append(r.tops, top)
		}
	}
	east := r.leastEast(a.box.Union(b.box))
	for _, e := range r.ea {
		lat := int64(reach/leastNorth) + 1
		lon := math.Inf(1)
		if east > 0 {
			lon = reach/east + 1
		}
		from := 0
		if !few {
			from, _ = slices.BinarySearch(r.tops, e.south()-lat)
		}
		for _, f := range r.eb[from:] {
			if f.south() > e.north()+lat {
				if !few {
					break
				}
				continue
			}
			if e.south() > f.north()+lat || float64(f.west()-e.east()) > lon || float64(e.west()-f.east()) > lon {
				continue
			}
			if reach = visit(e, f); reach < 0 {
				return
			}
		}
	}
}

// shareVertex tells whether an end of an edge of r.ea is one of r.eb.
func (r *ruler) shareVertex() bool {
	for _, e := range r.ea {
		for _, f := range r.eb {
			if e.a == f.a || e.b == f.b || e.a == f.b || e.b == f.a {
				return true
			}
		}
	}
	return false
}

// between returns the shortest line between two edges. Where it is more than a little
// longer than limit it need not be exact.
func (r *ruler) between(e, f edge, limit float64) line {
	lat := e.a.Lat + ((e.b.Lat-e.a.Lat)+(f.a.Lat-e.a.Lat)+(f.b.Lat-e.a.Lat))/4
	l := r.shortest(e, f, lat)
	// The scale is that of the edges' middle; where they come nearest it may be another.
	if l.d > Tolerance && l.d <= limit*1.05 {
		l = r.shortest(e, f, l.from.Lat+(l.to.Lat-l.from.Lat)/2)
	}
	return l
}

// shortest is between by the scale at a latitude.
func (r *ruler) shortest(e, f edge, lat int64) line {
	east, north := r.scale.At(lat)
	to := func(p geo.Position) geo.XY {
		return geo.XY{X: float64(p.Lon-e.a.Lon) * east, Y: float64(p.Lat-e.a.Lat) * north}
	}
	eb, fa, fb := to(e.b), to(f.a), to(f.b)
	var ea geo.XY
	if cross(ea, eb, fa, fb) {
		return line{0, e.a, e.a}
	}
	best := line{d: math.Inf(1)}
	try := func(p, a, b geo.XY, v geo.Position, g edge) {
		if t, d := project(p, a, b); d < best.d {
			best = line{d, v, geo.Position{
				Lon: g.a.Lon + int64(math.Round(t*float64(g.b.Lon-g.a.Lon))),
				Lat: g.a.Lat + int64(math.Round(t*float64(g.b.Lat-g.a.Lat))),
			}}
		}
	}
	try(ea, fa, fb, e.a, f)
	try(eb, fa, fb, e.b, f)
	try(fa, ea, eb, f.a, e)
	try(fb, ea, eb, f.b, e)
	return best
}

// project returns how far along the line from a to b the place nearest to p lies, in
// [0, 1], and its distance.
func project(p, a, b geo.XY) (t, d float64) {
	dx, dy := b.X-a.X, b.Y-a.Y
	px, py := p.X-a.X, p.Y-a.Y
	if n := dx*dx + dy*dy; n > 0 {
		t = min(max((px*dx+py*dy)/n, 0), 1)
	}
	px, py = px-t*dx, py-t*dy
	return t, math.Sqrt(px*px + py*py)
}

// cross tells whether two lines run through each other. Where it is in doubt, an end of
// one lies on the other.
func cross(a, b, c, d geo.XY) bool {
	return (turn(a, b, c) > 0) != (turn(a, b, d) > 0) && (turn(c, d, a) > 0) != (turn(c, d, b) > 0)
}

func turn(a, b, c geo.XY) float64 { return (b.X-a.X)*(c.Y-a.Y) - (b.Y-a.Y)*(c.X-a.X) }

// inside tells whether a ring of b lies in a, where no border of one crosses the other's.
func inside(a, b *shape) bool {
	if !a.box.Intersects(b.box) {
		return false
	}
	at := 0
	for _, end := range b.rings.Ends {
		if at < int(end) && contains(a, b.rings.Positions[at]) {
			return true
		}
		at = int(end)
	}
	return false
}

// contains tells whether p lies in s, by the even-odd rule over all rings.
func contains(s *shape, p geo.Position) bool {
	if !s.box.Contains(geo.Box{Min: p, Max: p}) {
		return false
	}
	in := false
	at := 0
	for _, end := range s.rings.Ends {
		ring := s.rings.Positions[at:end]
		at = int(end)
		for i := 1; i < len(ring); i++ {
			a, b := ring[i-1], ring[i]
			if (a.Lat > p.Lat) == (b.Lat > p.Lat) {
				continue
			}
			t := float64(p.Lat-a.Lat) / float64(b.Lat-a.Lat)
			if float64(p.Lon-a.Lon) < t*float64(b.Lon-a.Lon) {
				in = !in
			}
		}
	}
	return in
}
