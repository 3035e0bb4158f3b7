package overlay

import (
	"context"
	"slices"

	"gengtu/index/geo"
)

// tracing finds the faces of one cell, slab by slab as [solver.sumCell] does. A
// face is known by a hash of the owners that cover it, which a border changes by
// its own owner's: from slab to slab a line mostly has the same face above it, so
// that who covers it is listed once for each face only.
type tracing struct {
	ctx    context.Context
	cell   cell
	tol    float64
	out    Cell
	covers []int32
	inside []int32 // memory of owners inside, while they are listed
	trails []trail // by line
	bottom trail   // of the cell's lower side
	faces  numbering[uint64]
	points numbering[geo.XY]
	pieces []piece // segments, before their ends are numbered
	owners []int32 // memory of the faces' lists
	single bool    // lines are not made one
	work   int
	err    error // ctx's
}

// trail is what a line left behind in the slabs so far.
type trail struct {
	mix  uint64 // of its owners; of the lower side, the hash of those inside there
	hash uint64 // of the owners above it when face was found
	face int32  // above it, or -1
	last int32  // its latest piece, or -1
	with int32  // the next line that lies on it, or -1
}

// mix spreads the number of an owner over 64 bits (Steele, Lea and Flood 2014),
// so that sets of owners are told apart by the sum of their numbers.
func mix(o int32) uint64 {
	z := uint64(o+1) * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// cellOf returns the cell of a settled node that covers lie over.
func (t *tracing) cellOf(n *node, covers []int32) (*Cell, error) {
	c, out := &t.cell, &t.out
	c.load(n)
	*out = Cell{n.x0, n.y0, n.x1, n.y1, out.Vertices[:0], out.Segments[:0], out.Bottom[:0], out.Faces[:0]}
	t.faces.reset()
	t.points.reset()
	t.covers, t.owners, t.pieces = covers, t.owners[:0], t.pieces[:0]
	t.bottom, t.single = trail{face: -1, last: -1, with: -1}, false
	for _, o := range n.base {
		t.bottom.mix ^= mix(o)
	}
	t.trails = t.trails[:0]
	for i := range c.lines {
		t.trails = append(t.trails, trail{mix: mix(c.lines[i].owner), face: -1, last: -1, with: -1})
	}
	for k := range len(c.xs) - 1 {
		for _, i := range c.enter(k) {
			c.flipBottom(n.toggles[i].owner)
			t.bottom.mix ^= mix(n.toggles[i].owner)
		}
		t.unite(len(c.starts.at(k)))
		t.slab(n, c.xs[k], c.xs[k+1], deepestSlab)
		if t.err != nil {
			return nil, t.err
		}
	}
	out.Segments = slices.Grow(out.Segments, len(t.pieces))
	for i := range t.pieces {
		s := &t.pieces[i]
		from := t.points.number(hashOf(s.from), s.from)
		out.Segments = append(out.Segments, Segment{from, t.points.number(hashOf(s.to), s.to), s.below, s.above})
	}
	out.Vertices = t.points.keys
	return out, nil
}

// mostUnited bounds what unite takes on, which costs the square of it.
const mostUnited = 64

// unite makes one of those of the latest active lines that are the same, as those
// of neighbours and of layers mostly are. The last of them stands for all, as it
// does in slab for lines with equal ordinates.
func (t *tracing) unite(latest int) {
	c := &t.cell
	if t.single || latest > mostUnited {
		return
	}
	first := len(c.active) - latest
	kept := first
next:
	for i := first; i < len(c.active); i++ {
		v := c.active[i]
		l := &c.lines[v.line]
		for k := first; k < kept; k++ {
			u := &c.active[k]
			if m := &c.lines[u.line]; m.xr == l.xr && m.yr == l.yr && m.yl == l.yl {
				t.trails[v.line].mix ^= t.trails[u.line].mix
				t.trails[v.line].with = u.line
				u.line = v.line
				continue next
			}
		}
		c.active[kept] = v
		kept++
	}
	c.active = c.active[:kept]
}

// tied tells whether two neighbours have their middles at one place and do not lie
// on each other there. In their order the number of a line counts, so that what is
// found would depend on which lines were made one.
func (t *tracing) tied() bool {
	v := t.cell.active
	for i := 1; i < len(v); i++ {
		if v[i].m == v[i-1].m && v[i].a != v[i-1].a {
			return true
		}
	}
	return false
}

// part undoes unite for the rest of the cell.
func (t *tracing) part() {
	c := &t.cell
	t.single = true
	for i := range c.active {
		v := c.active[i]
		for v.line >= 0 {
			at := &t.trails[v.line]
			next := at.with
			at.mix, at.with = mix(c.lines[v.line].owner), -1
			if next >= 0 {
				c.active = append(c.active, active{next, v.a, v.b, v.m})
			}
			v.line = next
		}
	}
	c.order()
}

// slab finds what lies between abscissas xa and xb; the ordinates at xa are known.
func (t *tracing) slab(n *node, xa, xb float64, depth int) {
	c := &t.cell
	if t.work++; t.work&1023 == 0 && t.err == nil {
		t.err = t.ctx.Err()
	}
	if t.err != nil {
		return
	}
	c.reach(xb)
	c.order()
	if !t.single && t.tied() {
		t.part()
	}
	if depth > 0 {
		if x, ok := c.crossing(xa, xb, t.tol); ok {
			t.slab(n, xa, x, depth-1)
			c.step()
			t.slab(n, x, xb, depth-1)
			return
		}
	}
	hash := t.bottom.mix
	face := t.face(&t.bottom, hash, -1)
	if k := len(t.out.Bottom); k == 0 || t.out.Bottom[k-1].Face != face {
		t.out.Bottom = append(t.out.Bottom, BottomFace{xa, face})
	}
	half, level := (xb-xa)/2, 2*n.y0
	for i := range c.active {
		v := &c.active[i]
		at := &t.trails[v.line]
		hash ^= at.mix
		if i+1 < len(c.active) && c.active[i+1].a == v.a && c.active[i+1].b == v.b {
			continue // borders that lie on each other are one
		}
		above := t.face(at, hash, i)
		if above == face {
			continue
		}
		if v.m > level {
			t.out.Faces[face].Area += float64((v.m - level) * half)
			level = v.m
		}
		t.segment(v, [2]float64{xa, xb}, face, above)
		face = above
	}
	if y := 2 * n.y1; y > level {
		t.out.Faces[face].Area += float64((y - level) * half)
	}
}

// face returns the number of the face of that hash, which is above active line i,
// or above the cell's lower side where i is -1; at is the trail of either.
func (t *tracing) face(at *trail, hash uint64, i int) uint32 {
	if at.face < 0 || at.hash != hash {
		at.hash, at.face = hash, int32(t.faces.number(hash, hash))
		if int(at.face) == len(t.out.Faces) {
			t.list(i)
		}
	}
	return uint32(at.face)
}

// list adds the face above active line i to those of the cell.
func (t *tracing) list(i int) {
	t.inside = append(t.inside[:0], t.cell.bottom...)
	for _, v := range t.cell.active[:i+1] {
		for line := v.line; line >= 0; line = t.trails[line].with {
			t.flip(t.cell.lines[line].owner)
		}
	}
	first := len(t.owners)
	t.owners = append(append(t.owners, t.covers...), t.inside...)
	t.out.Faces = append(t.out.Faces, Face{Owners: t.owners[first:len(t.owners):len(t.owners)]})
}

// flip enters or leaves the ground of o.
func (t *tracing) flip(o int32) {
	k := slices.Index(t.inside, o)
	if k < 0 {
		t.inside = append(t.inside, o)
		return
	}
	last := len(t.inside) - 1
	t.inside[k] = t.inside[last]
	t.inside = t.inside[:last]
}

// piece is a segment whose ends are not numbered yet.
type piece struct {
	from, to     geo.XY
	below, above uint32
}

// segment adds the piece of a line from x[0] to x[1] between two faces, or makes
// the line's piece to the left of it longer.
func (t *tracing) segment(v *active, x [2]float64, below, above uint32) {
	at, to := &t.trails[v.line], geo.XY{X: x[1], Y: v.b}
	if at.last >= 0 {
		if s := &t.pieces[at.last]; s.below == below && s.above == above && s.to.X == x[0] {
			s.to = to
			return
		}
	}
	at.last = int32(len(t.pieces))
	t.pieces = append(t.pieces, piece{geo.XY{X: x[0], Y: v.a}, to, below, above})
}
