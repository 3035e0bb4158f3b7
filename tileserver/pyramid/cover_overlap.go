package pyramid

import (
	"slices"
)

// overlaps finds what features that may overlap each other cover of each cell,
// ground counted once: the pieces of their borders are kept cell by cell, and
// where several features have part of a cell it is cut into slabs at every corner
// and crossing, between which borders are straight and do not cross.
//
// Only what is found to be covered twice is taken off. So whether a feature is
// known to be alone makes no difference to what it covers.
type overlaps struct {
	pieces  []piece // of all features
	rims    []int32 // the present feature's newest piece in each cell, from 1
	backs   []climb // what lies west of cells, see part.back
	parts   []part  // chained by cell
	heads   []int32 // the newest part of each cell, from 1
	touched []int32 // the cells that have parts
	west    []climb // what lies west of the present cell
	slabs   slabs
}

// piece is a part of an edge inside one cell.
type piece struct {
	x0, y0, x1, y1 float64
	next           int32 // the same feature's next piece in the cell, from 1
}

// climb is an edge seen from far east: where it begins and ends.
type climb struct{ from, to float64 }

// part is what one feature has of one cell.
type part struct {
	class      *class
	next       int32 // the same cell's part of the next feature, from 1
	share      uint32
	rim        int32 // the feature's pieces in the cell, from 1
	back, last int32 // the feature's climbs west of the cell, in its row
}

// inRow keeps a piece that runs inside one row, cut where it leaves a cell.
func (o *overlaps) inRow(row int, xa, ya, xb, yb float64) {
	at, to := int(xa), int(xb)
	if at == to {
		o.keep(row, at, piece{xa, ya, xb, yb, 0})
		return
	}
	slope := (yb - ya) / (xb - xa)
	x, y := xa, ya
	if at < to {
		for ; at < to; at++ {
			nx := float64(at + 1)
			ny := ya + float64((nx-xa)*slope)
			o.keep(row, at, piece{x, y, nx, ny, 0})
			x, y = nx, ny
		}
	} else {
		for ; at > to; at-- {
			nx := float64(at)
			ny := ya + float64((nx-xa)*slope)
			o.keep(row, at, piece{x, y, nx, ny, 0})
			x, y = nx, ny
		}
	}
	o.keep(row, to, piece{x, y, xb, yb, 0})
}

// keep keeps p, which is in the cell of a row and column.
func (o *overlaps) keep(row, column int, p piece) {
	if column >= tileCells || p.y0 == p.y1 {
		return
	}
	rim := &o.rims[row*tileCells+column]
	p.next = *rim
	o.pieces = append(o.pieces, p)
	*rim = int32(len(o.pieces))
}

// enter goes on to the row's next cell, share of which is covered by k, and tells
// whether there are pieces in it. back is where the climbs west of the cell are
// kept; the result is where those west of the next one are.
func (o *overlaps) enter(k *class, cell int32, share uint32, back [2]int32) (next [2]int32, rim bool) {
	first := o.rims[cell]
	if share > 0 {
		if o.heads[cell] == 0 {
			o.touched = append(o.touched, cell)
		}
		o.parts = append(o.parts, part{k, o.heads[cell], share, first, back[0], back[1]})
		o.heads[cell] = int32(len(o.parts))
	}
	if first == 0 {
		return back, false
	}
	o.rims[cell] = 0
	for at := first; at != 0; at = o.pieces[at-1].next {
		o.climb(o.pieces[at-1].y0, o.pieces[at-1].y1)
	}
	begin := int32(len(o.backs))
	o.backs = append(o.backs, o.west...)
	return [2]int32{begin, int32(len(o.backs))}, true
}

// climb adds a climb to those west of the next cell. Climbs that go on where
// another ends are one; those that cancel out are none.
func (o *overlaps) climb(from, to float64) {
	for i := 0; i < len(o.west); i++ {
		c := o.west[i]
		switch {
		case c.to == from:
			from = c.from
		case c.from == to:
			to = c.to
		default:
			continue
		}
		o.west = slices.Delete(o.west, i, i+1)
		if from == to {
			return
		}
		i = -1
	}
	o.west = append(o.west, climb{from, to})
}

// resolve adds what the features entered, the last one first, cover to their
// classes, and forgets them.
func (o *overlaps) resolve() {
	for _, cell := range o.touched {
		head := o.heads[cell]
		o.heads[cell] = 0
		p := &o.parts[head-1]
		if p.next > 0 && p.share < fineShares {
			o.divide(cell, head)
			continue
		}
		p.class.give(cell, p.share)
	}
	o.pieces, o.backs = o.pieces[:0], o.backs[:0]
	o.parts, o.touched = o.parts[:0], o.touched[:0]
}

// give adds shares of a cell to k.
func (k *class) give(cell int32, share uint32) {
	if share > 0 {
		x, y := cell%tileCells, cell/tileCells
		k.block(int(y/blockCells*tileBlocks + x/blockCells))[y%blockCells*blockCells+x%blockCells] += share
	}
}

// mostParts and mostEdges bound what is divided exactly in one cell, whose cost
// grows with their square. Parts beyond get what is left of the cell.
const (
	mostParts = 64
	mostEdges = 2048
)

// divide divides a cell among the parts of the chain from head on: what a part
// shares with one before it is taken off.
func (o *overlaps) divide(cell, head int32) {
	s := &o.slabs
	s.begin(float64(cell%tileCells), float64(cell/tileCells))
	n := int32(0)
	for at := head; at != 0 && n < mostParts && len(s.edges) < mostEdges; n++ {
		p := &o.parts[at-1]
		for e := p.rim; e != 0; e = o.pieces[e-1].next {
			e := &o.pieces[e-1]
			s.edge(e.x0, e.y0, e.x1, e.y1, n)
		}
		for _, e := range o.backs[p.back:p.last] {
			s.edge(s.west, e.from, s.west, e.to, n)
		}
		at = p.next
	}
	lost := s.lost(int(n))
	left := uint32(fineShares)
	for at, i := head, 0; at != 0; i++ {
		p := &o.parts[at-1]
		share := p.share
		if i < len(lost) {
			share -= min(share, uint32(lost[i]*fineShares+0.5))
		} else {
			share = min(share, left)
		}
		left -= min(left, share)
		p.class.give(cell, share)
		at = p.next
	}
}

// slabs measures what each of several regions of a cell shares with those before
// it.
type slabs struct {
	west, north float64
	edges       []slabEdge
	cuts        []float64
	row         []passing
	winding     []int32
	losses      []float64
}

// slabEdge is a border of region who, from its upper to its lower end.
type slabEdge struct {
	x0, y0, y1, slope float64
	who, way          int32 // way is 1 if it was entered at its upper end, else -1
}

// passing is where an edge passes the middle of a slab.
type passing struct {
	x        float64
	who, way int32
}

func (s *slabs) begin(west, north float64) {
	s.west, s.north = west, north
	s.edges = s.edges[:0]
	s.cuts = append(s.cuts[:0], north, north+1)
}

func (s *slabs) edge(x0, y0, x1, y1 float64, who int32) {
	way := int32(1)
	if y0 > y1 {
		x0, y0, x1, y1, way = x1, y1, x0, y0, -1
	}
	slope := 0.0
	if x0 != x1 {
		slope = (x1 - x0) / (y1 - y0)
	}
	s.edges = append(s.edges, slabEdge{x0, y0, y1, slope, who, way})
	s.cut(y0)
	s.cut(y1)
}

// cut puts y among the cuts, which are in order.
func (s *slabs) cut(y float64) {
	i := len(s.cuts)
	for i > 0 && s.cuts[i-1] > y {
		i--
	}
	if i == 0 || i == len(s.cuts) || s.cuts[i-1] == y {
		return // outside the cell by rounding, or known
	}
	s.cuts = slices.Insert(s.cuts, i, y)
}

// lost returns for each of n regions how much of the cell it shares with any
// before it. The result is valid until the next call.
func (s *slabs) lost(n int) []float64 {
	for i := range s.edges {
		for j := range i {
			if a, b := &s.edges[i], &s.edges[j]; a.who != b.who {
				s.cross(a, b)
			}
		}
	}
	s.losses = append(s.losses[:0], make([]float64, n)...)
	s.winding = append(s.winding[:0], make([]int32, n)...)
	for i := 1; i < len(s.cuts); i++ {
		s.slab(s.cuts[i-1], s.cuts[i])
	}
	return s.losses
}

// cross adds a cut where a and b cross.
func (s *slabs) cross(a, b *slabEdge) {
	top, bottom := max(a.y0, b.y0), min(a.y1, b.y1)
	if top >= bottom {
		return
	}
	d0, d1 := a.at(top)-b.at(top), a.at(bottom)-b.at(bottom)
	if d0 < 0 && d1 > 0 || d0 > 0 && d1 < 0 {
		s.cut(top + float64((bottom-top)*(d0/(d0-d1))))
	}
}

// at returns x where e is at y.
func (e *slabEdge) at(y float64) float64 { return e.x0 + float64(e.slope*(y-e.y0)) }

// slab adds what lies between y0 and y1, where no two borders cross.
func (s *slabs) slab(y0, y1 float64) {
	middle := (y0 + y1) / 2
	s.row = s.row[:0]
	for i := range s.edges {
		e := &s.edges[i]
		if e.y0 > y0 || e.y1 < y1 {
			continue
		}
		p := passing{e.at(middle), e.who, e.way}
		j := len(s.row)
		s.row = append(s.row, p)
		for ; j > 0 && s.row[j-1].x > p.x; j-- {
			s.row[j] = s.row[j-1]
		}
		s.row[j] = p
	}
	clear(s.winding)
	for i, p := range s.row {
		s.winding[p.who] += p.way
		end := s.west + 1
		if i+1 < len(s.row) {
			end = s.row[i+1].x
		}
		owned := false
		for who, w := range s.winding {
			if w != 0 && owned {
				s.losses[who] += float64((end - p.x) * (y1 - y0))
			}
			owned = owned || w != 0
		}
	}
}
