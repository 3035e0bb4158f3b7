package pyramid

import (
	"slices"

	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// snapper draws parcels on the tile's grid so that what was one border stays one
// border: snap rounding (Hobby 1999). Every corner, and every point in which
// edges cross, makes the unit square around it hot; every edge is bent to the
// middle of each hot square that it runs through. All edges of the tile are bent
// together, so borders that were shared, in whole or in part, are shared still,
// and no two edges cross. A parcel loses what is thinner than a unit; its
// neighbours, bent to the same line, gain it.
type snapper struct {
	ring, spare []spot

	edges []segment
	rings []ringOf
	hot   []uint64 // a bit for each unit of the tile and its margin
	lit   []int32  // the bits that are set

	buckets []int32 // where each bucket's edges begin in members
	members []int32
	chain   []mvt.Point
	chains  [][]mvt.Point
	marks   []uint64 // a bit for each unit that the feature has a corner in
	arcs    arcs
}

// segment is an edge in subunits, in the direction of its ring.
type segment struct{ a, b spot32 }

type spot32 struct{ x, y int32 }

// ringOf is a ring: its feature and where its edges end.
type ringOf struct{ feature, end int32 }

// tile returns what t shows of features, and how many of them are too thin for it.
func (s *snapper) tile(t tile.Tile, features []*loaded) ([]mvt.Feature, int) {
	s.gather(t, features)
	s.heat()
	defer s.cool()
	var out []mvt.Feature
	var slivers []sliver
	edge := 0
	seen := false
	for i := 0; i < len(s.rings); {
		f := s.rings[i].feature
		s.chain, s.chains = s.chain[:0], s.chains[:0]
		from := edge
		for ; i < len(s.rings) && s.rings[i].feature == f; i++ {
			s.bend(s.edges[edge:s.rings[i].end])
			edge = int(s.rings[i].end)
		}
		polygons := s.polygons()
		if len(polygons) == 0 {
			// Clipping leaves traces of features that only reach into the margin.
			if len(s.chain) > 0 && visible(s.edges[from:edge]) {
				slivers = append(slivers, s.sliver(f, s.edges[from:edge]))
			}
			continue
		}
		seen = seen || shows(polygons)
		l := features[f]
		out = append(out, mvt.Feature{ID: l.ID, Tags: l.Tags, Polygons: polygons})
	}
	for i := range slivers {
		if polygons := slivers[i].polygons(&s.arcs, out); len(polygons) > 0 {
			l := features[slivers[i].feature]
			out = append(out, mvt.Feature{ID: l.ID, Tags: l.Tags, Polygons: polygons})
			seen = true
		}
	}
	if !seen {
		return nil, len(slivers)
	}
	return out, len(slivers)
}

// gather puts the edges of all features, cut to the tile, into s.edges.
func (s *snapper) gather(t tile.Tile, features []*loaded) {
	s.edges, s.rings = s.edges[:0], s.rings[:0]
	for i, f := range features {
		start := 0
		for _, end := range f.ends {
			ring := f.points[start:end]
			start = end
			if len(ring) < 3 {
				continue
			}
			if !s.cutRing(t, ring) {
				s.clip()
			}
			if len(s.ring) < 3 {
				continue
			}
			a := s.ring[len(s.ring)-1]
			for _, b := range s.ring {
				if a != b {
					s.edges = append(s.edges, segment{spot32{int32(a.x), int32(a.y)}, spot32{int32(b.x), int32(b.y)}})
				}
				a = b
			}
			s.rings = append(s.rings, ringOf{int32(i), int32(len(s.edges))})
		}
	}
}

// pixel returns the unit square that p lies in: squares lie around whole units
// and hold their west and north sides.
func pixel(p spot32) mvt.Point {
	return mvt.Point{X: (p.x + halfUnit) >> subShift, Y: (p.y + halfUnit) >> subShift}
}

func bit(p mvt.Point) int32 { return (p.Y-lowPixel)*pixelSide + p.X - lowPixel }

func (s *snapper) light(p mvt.Point) {
	b := bit(p)
	if s.hot[b>>6]&(1<<(b&63)) == 0 {
		s.hot[b>>6] |= 1 << (b & 63)
		s.lit = append(s.lit, b)
	}
}

// cool makes the squares of the last tile cold.
func (s *snapper) cool() {
	for _, b := range s.lit {
		s.hot[b>>6] = 0
	}
	s.lit = s.lit[:0]
}

// heat makes hot the squares of all corners and crossings.
func (s *snapper) heat() {
	if s.hot == nil {
		s.hot = make([]uint64, (pixelSide*pixelSide+63)/64)
	}
	for i := range s.edges {
		s.light(pixel(s.edges[i].a))
	}
	s.bucket()
	for i := 1; i < len(s.buckets); i++ {
		in := s.members[s.buckets[i-1]:s.buckets[i]]
		// By the west end, so that a pair that is too far apart ends the search.
		slices.SortFunc(in, func(i, j int32) int {
			return int(min(s.edges[i].a.x, s.edges[i].b.x)) - int(min(s.edges[j].a.x, s.edges[j].b.x))
		})
		for j, m := range in {
			e := &s.edges[m]
			east := max(e.a.x, e.b.x)
			north, south := min(e.a.y, e.b.y), max(e.a.y, e.b.y)
			for _, n := range in[j+1:] {
				f := &s.edges[n]
				if min(f.a.x, f.b.x) > east {
					break
				}
				if min(f.a.y, f.b.y) > south || max(f.a.y, f.b.y) < north {
					continue
				}
				if p, ok := e.crosses(f); ok {
					s.light(p)
				}
			}
		}
	}
}

// bucketShift makes buckets of 64 units: a parcel's edge lies in one or two.
const (
	bucketShift = subShift + 6
	bucketSide  = (clipHigh-clipLow)>>bucketShift + 1
)

// bucket sorts edges into squares of the tile by their boxes: long edges are few.
func (s *snapper) bucket() {
	each := func(visit func(bucket, edge int)) {
		for i := range s.edges {
			e := &s.edges[i]
			x0, x1 := (min(e.a.x, e.b.x)-clipLow)>>bucketShift, (max(e.a.x, e.b.x)-clipLow)>>bucketShift
			y0, y1 := (min(e.a.y, e.b.y)-clipLow)>>bucketShift, (max(e.a.y, e.b.y)-clipLow)>>bucketShift
			for y := y0; y <= y1; y++ {
				for x := x0; x <= x1; x++ {
					if x0 == x1 || y0 == y1 || e.meetsBucket(x, y) {
						visit(int(y*bucketSide+x), i)
					}
				}
			}
		}
	}
	s.buckets = append(s.buckets[:0], make([]int32, bucketSide*bucketSide+1)...)
	each(func(b, _ int) { s.buckets[b]++ })
	sum := int32(0)
	for i, n := range s.buckets {
		sum += n
		s.buckets[i] = sum
	}
	s.members = slices.Grow(s.members[:0], int(sum))[:sum]
	// Filling from the end leaves each count at its bucket's beginning.
	each(func(b, i int) { s.buckets[b]--; s.members[s.buckets[b]] = int32(i) })
}

// meetsBucket tells whether e may meet bucket x, y: whether the bucket's corners
// are not all on one side of it.
func (e *segment) meetsBucket(x, y int32) bool {
	l, n := x<<bucketShift+clipLow, y<<bucketShift+clipLow
	r, s := l+1<<bucketShift, n+1<<bucketShift
	a, b := turn(e.a, e.b, spot32{l, n}), turn(e.a, e.b, spot32{r, n})
	c, d := turn(e.a, e.b, spot32{l, s}), turn(e.a, e.b, spot32{r, s})
	return min(a, b, c, d) <= 0 && max(a, b, c, d) >= 0
}

// turn is twice the area of a, b, c; coordinates of a tile leave it far below
// 2^63.
func turn(a, b, c spot32) int64 {
	return int64(b.x-a.x)*int64(c.y-a.y) - int64(c.x-a.x)*int64(b.y-a.y)
}

// crosses returns the unit square in which e and f cross, when they do between
// their ends. Where an end lies on the other edge its own square is hot.
func (e *segment) crosses(f *segment) (mvt.Point, bool) {
	d1, d2 := turn(f.a, f.b, e.a), turn(f.a, f.b, e.b)
	if d1 == 0 || d2 == 0 || (d1 > 0) == (d2 > 0) {
		return mvt.Point{}, false
	}
	d3, d4 := turn(e.a, e.b, f.a), turn(e.a, e.b, f.b)
	if d3 == 0 || d4 == 0 || (d3 > 0) == (d4 > 0) {
		return mvt.Point{}, false
	}
	// The crossing is a + (b-a)·d1/(d1-d2), rounded to its square at once.
	whole := d1 - d2
	if whole < 0 {
		d1, whole = -d1, -whole
	}
	at := func(a, b int32) int32 {
		return int32(floorDiv((int64(a)+halfUnit)*whole+int64(b-a)*d1, whole<<subShift))
	}
	return mvt.Point{X: at(e.a.x, e.b.x), Y: at(e.a.y, e.b.y)}, true
}

// floorDiv returns a/b, rounded down; b is positive.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// bend appends the ring of edges, bent to the hot squares, to s.chains. A ring
// that shrinks to a point or line stays, as corners that run back and forth.
func (s *snapper) bend(edges []segment) {
	start := len(s.chain)
	for i := range edges {
		e := &edges[i]
		if e.b.x < e.a.x || e.b.x == e.a.x && e.b.y < e.a.y {
			// Both directions are bent alike.
			from := len(s.chain)
			s.through(e.b, e.a)
			slices.Reverse(s.chain[from:])
		} else {
			s.through(e.a, e.b)
		}
	}
	ring := slices.Compact(s.chain[start:])
	for len(ring) > 1 && ring[0] == ring[len(ring)-1] {
		ring = ring[:len(ring)-1]
	}
	s.chain = s.chain[:start+len(ring)]
	s.chains = append(s.chains, ring[:len(ring):len(ring)])
}

// through appends the hot squares that the edge from p eastwards to q runs
// through, in order.
func (s *snapper) through(p, q spot32) {
	first, last := pixel(p), pixel(q)
	dx, dy := int64(q.x-p.x), int64(q.y-p.y)
	if first.X == last.X {
		s.column(first.X, first.Y, last.Y, dy)
		return
	}
	// high is where the edge enters the next column, with half a unit added, in
	// subunits times dx.
	enter := (int64(p.y) + halfUnit) * dx
	for c := first.X; c <= last.X; c++ {
		leave := (int64(q.y) + halfUnit) * dx
		if c < last.X {
			leave = (int64(p.y)+halfUnit)*dx + (int64(c)<<subShift+halfUnit-int64(p.x))*dy
		}
		from, to := floorDiv(enter, dx<<subShift), floorDiv(leave, dx<<subShift)
		// The square's east side is its neighbour's: an edge that falls and leaves
		// exactly through a corner is never in the square below it here.
		if c < last.X && dy > 0 && leave == to*(dx<<subShift) {
			to--
		}
		s.column(c, int32(from), int32(to), dy)
		enter = leave
	}
}

// column appends the hot squares of one column between two rows.
func (s *snapper) column(x, from, to int32, dy int64) {
	step := int32(1)
	if dy < 0 {
		step = -1
	}
	for y := from; (y-to)*step <= 0; y += step {
		if b := bit(mvt.Point{X: x, Y: y}); s.hot[b>>6]&(1<<(b&63)) != 0 {
			s.chain = append(s.chain, mvt.Point{X: x, Y: y})
		}
	}
}

// visible tells whether edges reach into the tile itself.
func visible(edges []segment) bool {
	low, high := spot32{clipHigh, clipHigh}, spot32{clipLow, clipLow}
	for _, e := range edges {
		low = spot32{min(low.x, e.a.x), min(low.y, e.a.y)}
		high = spot32{max(high.x, e.a.x), max(high.y, e.a.y)}
	}
	return low.x < tileSide && low.y < tileSide && high.x > 0 && high.y > 0
}

// shows tells whether a polygon reaches into the tile itself.
func shows(polygons []mvt.Polygon) bool {
	for _, p := range polygons {
		low, high := p[0][0], p[0][0]
		for _, v := range p[0] {
			low = mvt.Point{X: min(low.X, v.X), Y: min(low.Y, v.Y)}
			high = mvt.Point{X: max(high.X, v.X), Y: max(high.Y, v.Y)}
		}
		if low.X < mvt.Extent && low.Y < mvt.Extent && high.X > 0 && high.Y > 0 {
			return true
		}
	}
	return false
}
