package pyramid

import (
	"cmp"
	"slices"
)

// overlaps finds what features that may overlap each other cover of each cell,
// ground counted once: the pieces of their borders are kept cell by cell, and
// where several features have part of a cell it is cut into slabs at every corner
// and crossing, between which borders are straight and do not cross.
type overlaps struct {
	pieces  []piece // of all features, each feature's by cell
	first   int     // where the present feature's pieces begin
	backs   []climb // what lies west of the cells, see part.back
	parts   []part  // chained by cell
	heads   []int32 // the newest part of each cell, as a number from 1
	touched []int32 // the cells that have parts
	spare   []climb // what lies west of the present cell
	slabs   slabs
}

// piece is a part of an edge inside one cell.
type piece struct {
	cell           int32
	x0, y0, x1, y1 float64
}

// climb is an edge seen from far east: where it begins and ends.
type climb struct{ from, to float64 }

// part is what one feature has of one cell.
type part struct {
	next       int32 // the same cell's part of the next feature, from 1
	class      *class
	cover      float64
	piece, end int32 // the feature's pieces in the cell
	back, last int32 // the feature's climbs west of the cell, in its row
}

// inRow keeps a piece that runs inside one row, cut where it leaves a cell.
func (o *overlaps) inRow(row int, xa, ya, xb, yb float64) {
	step := 1
	at, to := int(xa), int(xb)
	if xb < xa {
		step = -1
		// A border between cells belongs to the cell that the edge runs in.
		if float64(at) == xa {
			at--
		}
	} else if float64(to) == xb && to > at {
		to--
	}
	slope := 0.0
	if at != to {
		slope = (yb - ya) / (xb - xa)
	}
	x, y := xa, ya
	for c := at; ; c += step {
		nx, ny := xb, yb
		if c != to {
			nx = float64(max(c, c+step))
			if step < 0 {
				nx = float64(c)
			}
			ny = ya + float64((nx-xa)*slope)
		}
		if c < tileCells && y != ny {
			o.pieces = append(o.pieces, piece{int32(row*tileCells + max(c, 0)), x, y, nx, ny})
		}
		x, y = nx, ny
		if c == to {
			return
		}
	}
}

// gather makes the parts of class k of the pieces since the last call.
func (o *overlaps) gather(k *class) {
	if o.heads == nil {
		o.heads = make([]int32, tileCells*tileCells)
	}
	pieces := o.pieces[o.first:]
	slices.SortFunc(pieces, func(a, b piece) int { return cmp.Compare(a.cell, b.cell) })
	for i := 0; i < len(pieces); {
		row := pieces[i].cell / tileCells
		o.spare = o.spare[:0]
		for i < len(pieces) && pieces[i].cell/tileCells == row {
			cell, begin := pieces[i].cell, i
			for i < len(pieces) && pieces[i].cell == cell {
				i++
			}
			back := o.keepBack()
			o.add(k, cell, [2]int{o.first + begin, o.first + i}, back)
			for _, p := range pieces[begin:i] {
				o.climb(p.y0, p.y1)
			}
			end := (row + 1) * tileCells
			if i < len(pieces) && pieces[i].cell < end {
				end = pieces[i].cell
			}
			if len(o.spare) == 0 || cell+1 == end {
				continue
			}
			back = o.keepBack()
			for between := cell + 1; between < end; between++ {
				o.add(k, between, [2]int{}, back)
			}
		}
	}
	o.first = len(o.pieces)
}

// climb adds a climb to those west of the next cell. Climbs that go on where
// another ends are one; those that cancel out are none.
func (o *overlaps) climb(from, to float64) {
	for i := 0; i < len(o.spare); i++ {
		c := o.spare[i]
		switch {
		case c.to == from:
			from = c.from
		case c.from == to:
			to = c.to
		default:
			continue
		}
		o.spare = slices.Delete(o.spare, i, i+1)
		if from == to {
			return
		}
		i = -1
	}
	o.spare = append(o.spare, climb{from, to})
}

// keepBack keeps the climbs west of the next cell, and tells where.
func (o *overlaps) keepBack() [2]int {
	begin := len(o.backs)
	o.backs = append(o.backs, o.spare...)
	return [2]int{begin, len(o.backs)}
}

// add adds the part of k in a cell.
func (o *overlaps) add(k *class, cell int32, pieces, back [2]int) {
	sum := 0.0
	for _, p := range o.pieces[pieces[0]:pieces[1]] {
		sum += float64((p.y1 - p.y0) * (float64(cell%tileCells+1) - (p.x0+p.x1)/2))
	}
	for _, c := range o.backs[back[0]:back[1]] {
		sum += c.to - c.from
	}
	cover := min(max(sum, -sum), 1)
	if cover == 0 {
		return
	}
	if o.heads[cell] == 0 {
		o.touched = append(o.touched, cell)
	}
	o.parts = append(o.parts, part{o.heads[cell], k, cover, int32(pieces[0]), int32(pieces[1]), int32(back[0]), int32(back[1])})
	o.heads[cell] = int32(len(o.parts))
}

// resolve adds what the features gathered, the last one first, cover to their
// classes, and forgets them.
func (o *overlaps) resolve() {
	for _, cell := range o.touched {
		head := o.heads[cell]
		o.heads[cell] = 0
		if p := &o.parts[head-1]; p.next == 0 || p.cover == 1 {
			give(p.class, cell, p.cover)
			continue
		}
		o.share(cell, head)
	}
	o.pieces, o.first = o.pieces[:0], 0
	o.backs, o.parts, o.touched = o.backs[:0], o.parts[:0], o.touched[:0]
}

// give adds cover, of a whole cell, to k.
func give(k *class, cell int32, cover float64) {
	x, y := cell%tileCells, cell/tileCells
	// Rounded down by less than a share: sums of a cell do not exceed a whole.
	share := uint32(cover*fineShares + 0.5)
	if share > 0 {
		k.block(int(y/blockCells*tileBlocks + x/blockCells))[y%blockCells*blockCells+x%blockCells] += share
	}
}

// share divides a cell among the parts of the chain from head on.
func (o *overlaps) share(cell, head int32) {
	s := &o.slabs
	s.begin(float64(cell%tileCells), float64(cell/tileCells))
	n := 0
	for at := head; at != 0; n++ {
		p := &o.parts[at-1]
		for _, e := range o.pieces[p.piece:p.end] {
			s.edge(e.x0, e.y0, e.x1, e.y1, n)
		}
		for _, e := range o.backs[p.back:p.last] {
			s.edge(s.west, e.from, s.west, e.to, n)
		}
		at = p.next
	}
	areas := s.areas(n)
	for at, i := head, 0; at != 0; i++ {
		p := &o.parts[at-1]
		give(p.class, cell, areas[i])
		at = p.next
	}
}

// slabs measures what each of several regions of a cell adds to those before it.
type slabs struct {
	west, north float64
	edges       []slabEdge
	cuts        []float64
	row         []slabEdge
	winding     []int
	shares      []float64
}

// slabEdge is a border of region who, from its upper to its lower end.
type slabEdge struct {
	x0, y0, x1, y1 float64
	way            int // 1 if it was entered at its upper end, else -1
	who            int
	mid            float64 // x in the middle of the present slab
}

func (s *slabs) begin(west, north float64) {
	s.west, s.north = west, north
	s.edges = s.edges[:0]
	s.cuts = append(s.cuts[:0], north, north+1)
}

func (s *slabs) edge(x0, y0, x1, y1 float64, who int) {
	way := 1
	if y0 > y1 {
		x0, y0, x1, y1, way = x1, y1, x0, y0, -1
	}
	s.edges = append(s.edges, slabEdge{x0, y0, x1, y1, way, who, 0})
	s.cuts = append(s.cuts, y0, y1)
}

// areas returns for each of n regions how much of the cell it covers that none
// before it does. The result is valid until the next call.
func (s *slabs) areas(n int) []float64 {
	for i, a := range s.edges {
		for _, b := range s.edges[:i] {
			if a.who != b.who {
				s.cross(a, b)
			}
		}
	}
	slices.Sort(s.cuts)
	s.shares = append(s.shares[:0], make([]float64, n)...)
	s.winding = append(s.winding[:0], make([]int, n)...)
	for i := 1; i < len(s.cuts); i++ {
		if y0, y1 := s.cuts[i-1], s.cuts[i]; y0 < y1 && y0 >= s.north && y1 <= s.north+1 {
			s.slab(y0, y1)
		}
	}
	return s.shares
}

// cross adds a cut where a and b cross.
func (s *slabs) cross(a, b slabEdge) {
	top, bottom := max(a.y0, b.y0), min(a.y1, b.y1)
	if top >= bottom {
		return
	}
	d0, d1 := a.at(top)-b.at(top), a.at(bottom)-b.at(bottom)
	if d0 < 0 && d1 > 0 || d0 > 0 && d1 < 0 {
		s.cuts = append(s.cuts, top+float64((bottom-top)*(d0/(d0-d1))))
	}
}

// at returns x where e is at y.
func (e *slabEdge) at(y float64) float64 {
	return e.x0 + float64((e.x1-e.x0)*((y-e.y0)/(e.y1-e.y0)))
}

// slab adds what lies between y0 and y1, where no two borders cross.
func (s *slabs) slab(y0, y1 float64) {
	middle := (y0 + y1) / 2
	s.row = s.row[:0]
	for _, e := range s.edges {
		if e.y0 <= y0 && e.y1 >= y1 {
			e.mid = e.at(middle)
			s.row = append(s.row, e)
		}
	}
	for i := 1; i < len(s.row); i++ {
		for j := i; j > 0 && s.row[j].mid < s.row[j-1].mid; j-- {
			s.row[j], s.row[j-1] = s.row[j-1], s.row[j]
		}
	}
	clear(s.winding)
	for i, e := range s.row {
		s.winding[e.who] += e.way
		end := s.west + 1
		if i+1 < len(s.row) {
			end = s.row[i+1].mid
		}
		for who, w := range s.winding {
			if w != 0 {
				s.shares[who] += float64((end - e.mid) * (y1 - y0))
				break
			}
		}
	}
}
