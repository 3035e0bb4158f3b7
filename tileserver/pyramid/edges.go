package pyramid

import "math/bits"

// spot32 is a spot in or near the frame.
type spot32 struct{ x, y int32 }

// edge is an edge of one feature or of several, from its northern end to its
// southern one, or eastwards.
type edge struct {
	a, b  spot32
	flips flips
	// turned tells that the first ring that brought the edge runs from b to a.
	turned bool
}

// edges holds every edge in the frame once, whatever number of rings run along
// it and which way, and lights the pixels of their ends and crossings. An edge
// that stays in one pixel leaves no trace but this: whatever crosses it does so
// in the same pixel.
type edges struct {
	pixels *pixels
	sets   *sets

	list  []edge
	table []int32 // by hash: an edge's place in list, from 1

	outside []edge // pieces that may cross others in the pixels along the frame

	guess   int32 // where in list the next edge may be
	buckets buckets
}

func (e *edges) reset() {
	// To clear a table of a much larger tile would take longer than what is left to do.
	if n := len(e.table); n > leastTable && 16*len(e.list) < n {
		e.table = e.table[:n/4]
	}
	e.list, e.outside, e.guess = e.list[:0], e.outside[:0], 0
	clear(e.table)
}

const leastTable = 1 << 12

// add takes over that an edge of feature runs from a to b.
func (e *edges) add(a, b spot32, feature int32) {
	xa, ya := (a.x+halfUnit)>>subShift, (a.y+halfUnit)>>subShift
	xb, yb := (b.x+halfUnit)>>subShift, (b.y+halfUnit)>>subShift
	if xa == xb && ya == yb {
		e.pixels.light(xa, ya)
		return
	}
	turned := b.y < a.y || b.y == a.y && b.x < a.x
	if turned {
		a, b = b, a
	}
	// A neighbour's ring comes along a common border the other way round.
	if e.guess--; e.guess >= 0 {
		if f := &e.list[e.guess]; f.a == a && f.b == b {
			f.flips = e.sets.flip(f.flips, feature)
			return
		}
	}
	if 2*len(e.list) >= len(e.table) {
		e.grow()
	}
	mask := len(e.table) - 1
	at := hashEdge(a, b) & mask
	for ; e.table[at] != 0; at = (at + 1) & mask {
		if f := &e.list[e.table[at]-1]; f.a == a && f.b == b {
			e.guess = e.table[at] - 1
			f.flips = e.sets.flip(f.flips, feature)
			return
		}
	}
	e.list = append(e.list, edge{a, b, flips{feature, none}, turned})
	e.table[at] = int32(len(e.list))
	e.pixels.light(xa, ya)
	e.pixels.light(xb, yb)
}

// addOutside takes over a piece of an edge outside the frame.
func (e *edges) addOutside(a, b spot32) {
	if b.y < a.y || b.y == a.y && b.x < a.x {
		a, b = b, a
	}
	e.outside = append(e.outside, edge{a: a, b: b})
	e.pixels.light((a.x+halfUnit)>>subShift, (a.y+halfUnit)>>subShift)
	e.pixels.light((b.x+halfUnit)>>subShift, (b.y+halfUnit)>>subShift)
}

// hashEdge mixes all bits of the ends into the lower ones (Fibonacci hashing,
// Knuth, The Art of Computer Programming 3, 6.4).
func hashEdge(a, b spot32) int {
	h := uint64(uint32(a.x))<<32 | uint64(uint32(a.y))
	h = bits.RotateLeft64(h*0x9e3779b97f4a7c15, 29) ^ (uint64(uint32(b.x))<<32 | uint64(uint32(b.y)))
	return int(h * 0x9e3779b97f4a7c15 >> 33)
}

// grow makes the table four times as large.
func (e *edges) grow() {
	n := max(leastTable, 4*len(e.table))
	e.table = zeroed(e.table, n)
	for i := range e.list {
		at := hashEdge(e.list[i].a, e.list[i].b) & (n - 1)
		for e.table[at] != 0 {
			at = (at + 1) & (n - 1)
		}
		e.table[at] = int32(i + 1)
	}
}

// buckets hold edges by squares of the frame, in a chain for each square.
type buckets struct {
	side, shift int32   // how many squares lie along a side of the frame, and their size
	heads       []int32 // for each square its first member, from 1
	members     []member
}

// member is an edge in a square, with the box around it: x in the upper and y in
// the lower half of each number, from a corner beyond what edges may reach, so that
// none is negative. In low there is one more, and in high the upper bit of each half
// is set.
type member struct {
	low, high  uint64
	edge, next int32
}

const (
	boxOrigin = 1 << 26
	boxBits   = 1<<63 | 1<<31
	boxOnes   = 1<<32 | 1
)

func packed(x, y int32) uint64 { return uint64(x+boxOrigin)<<32 | uint64(y+boxOrigin) }

// cross lights the pixels in which edges cross. An edge between two pixels that
// share a side is left out: whatever it crosses, it does so in one of the two.
func (e *edges) cross() {
	inner := len(e.list)
	e.list = append(e.list, e.outside...)
	e.buckets.reset(len(e.list))
	for i := range e.list {
		f := &e.list[i]
		dx, dy := (f.a.x+halfUnit)>>subShift-(f.b.x+halfUnit)>>subShift, (f.a.y+halfUnit)>>subShift-(f.b.y+halfUnit)>>subShift
		if dx*dx+dy*dy > 1 {
			e.enter(f, int32(i))
		}
	}
	e.list = e.list[:inner]
}

// reset empties the squares. Their size is such that neither an edge lies in many
// nor many edges in one: 64 units, or less for more edges.
func (b *buckets) reset(edges int) {
	b.shift = subShift + 6
	for n := 1 << 13; n <= edges && b.shift > subShift+3; n <<= 2 {
		b.shift--
	}
	b.side = (frameSide+2)<<subShift>>b.shift + 1
	b.heads = zeroed(b.heads, int(b.side*b.side))
	b.members = append(b.members[:0], member{})
}

// enter puts f, the edge of a number, into the squares that it may meet, and looks
// whether it crosses what they hold.
func (e *edges) enter(f *edge, number int32) {
	const low = (frameLow - 1) * subunits
	b := &e.buckets
	west, east := min(f.a.x, f.b.x), max(f.a.x, f.b.x)
	m := member{low: packed(west, f.a.y) + boxOnes, high: packed(east, f.b.y) | boxBits, edge: number}
	x0, x1, y0, y1 := b.at(west-low), b.at(east-low), b.at(f.a.y-low), b.at(f.b.y-low)
	few := x1-x0 < 2 && y1-y0 < 2 || x0 == x1 || y0 == y1
	for y := y0; y <= y1; y++ {
		for x := x0; x <= x1; x++ {
			if few || f.meetsSquare(x<<b.shift+low, y<<b.shift+low, 1<<b.shift) {
				head := &b.heads[y*b.side+x]
				m.next = *head
				e.meet(f, &m)
				*head = int32(len(b.members))
				b.members = append(b.members, m)
			}
		}
	}
}

// at returns the row or column of squares at v, which counts from the first one's
// side; beyond the last one, that.
func (b *buckets) at(v int32) int32 { return min(max(v, 0)>>(b.shift&31), b.side-1) }

// meet looks at f, which is m, beside all members of the chain that follows m.
func (e *edges) meet(f *edge, m *member) {
	low, high := m.low, m.high
	members := e.buckets.members
	for at := m.next; at != 0; {
		n := &members[at]
		// The upper bit of each half stays when what is taken away is not more.
		if (high-n.low)&(n.high-low)&boxBits == boxBits {
			e.pair(f, &e.list[n.edge])
		}
		at = n.next
	}
}

// pair lights the pixel in which f and g cross, if they do.
func (e *edges) pair(f, g *edge) {
	// Edges that share an end have no other point in common, or lie on a line.
	if f.a == g.a || f.b == g.b || f.a == g.b || f.b == g.a {
		return
	}
	if x, y, ok := f.crosses(g); ok {
		e.pixels.light(x, y)
	}
}

// meetsSquare tells whether the square with the north-west corner x, y has
// corners on both sides of the edge.
func (f *edge) meetsSquare(x, y, side int32) bool {
	a, b := turn(f.a, f.b, spot32{x, y}), turn(f.a, f.b, spot32{x + side, y})
	c, d := turn(f.a, f.b, spot32{x, y + side}), turn(f.a, f.b, spot32{x + side, y + side})
	return min(a, b, c, d) <= 0 && max(a, b, c, d) >= 0
}

// turn is twice the area of a, b, c. Coordinates reach from one tile before the
// tile to one behind it, so it stays below 2^53.
func turn(a, b, c spot32) int64 {
	return int64(b.x-a.x)*int64(c.y-a.y) - int64(c.x-a.x)*int64(b.y-a.y)
}

// crosses returns the whole unit around which f and g cross, when they do
// between their ends. Where an end lies on the other edge its own pixel is hot.
func (f *edge) crosses(g *edge) (x, y int32, ok bool) {
	d1, d2 := turn(g.a, g.b, f.a), turn(g.a, g.b, f.b)
	if d1 == 0 || d2 == 0 || (d1 > 0) == (d2 > 0) {
		return 0, 0, false
	}
	d3, d4 := turn(f.a, f.b, g.a), turn(f.a, f.b, g.b)
	if d3 == 0 || d4 == 0 || (d3 > 0) == (d4 > 0) {
		return 0, 0, false
	}
	// The crossing is a + (b-a)·d1/(d1-d2), rounded to its pixel at once.
	whole := d1 - d2
	if whole < 0 {
		d1, whole = -d1, -whole
	}
	at := func(a, b int32) int32 {
		part := d1
		if b < a {
			a, b, part = b, a, whole-d1
		}
		hi, lo := bits.Mul64(uint64(b-a), uint64(part))
		q, _ := bits.Div64(hi, lo, uint64(whole))
		return int32((int64(a) + halfUnit + int64(q)) >> subShift)
	}
	return at(f.a.x, f.b.x), at(f.a.y, f.b.y), true
}
