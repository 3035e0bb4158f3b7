package pyramid

import (
	"math"
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
	pieces []piece // of all features
	rims   []int32 // the present feature's newest piece in each cell, from 1
	backs  []climb // what lies west of cells, see part.back
	parts  []part  // chained by cell
	heads  []int32 // the newest part of each cell, from 1
	west   []climb // what lies west of the present cell
	whole  int32   // the present feature's part of cells that it covers all over, from 1
	shared shared
}

// piece is a part of an edge inside one cell.
type piece struct {
	x0, y0, x1, y1 float64
	next           int32 // the same feature's next piece in the cell, from 1
}

// climb is an edge seen from far east: where it begins and ends.
type climb struct{ from, to float64 }

// part is what one feature has of one cell. Cells that a feature covers all over,
// with no border in them, have one part for all: what is below it does not show.
type part struct {
	class      *class
	cell       int32 // none of its own for whole cells
	next       int32 // the same cell's part of the next feature, from 1
	share      uint32
	rim        int32 // the feature's pieces in the cell, from 1
	back, last int32 // the feature's climbs west of the cell, in its row; wholeBack for a whole cell
}

// wholeBack stands for a climb along the cell's whole west side.
const wholeBack = -1

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

// row enters what the feature of class k has of the cells of a row: sums holds
// what its edges add to the running sum of each, from cell first on, and nothing is
// left of them in it; behind cell last there are no edges.
func (o *overlaps) row(k *class, y, first, last int, sums *[rowWidth]float64) {
	rims, heads := o.rims[y*tileCells:][:tileCells], o.heads[y*tileCells:][:tileCells]
	o.west = o.west[:0]
	back, end, full := int32(0), int32(0), false
	sum := 0.0
	for x := first; x < tileCells; x++ {
		sum += sums[x]
		sums[x] = 0
		share, rim := fine(sum), rims[x]
		switch {
		case share == 0:
		case full && rim == 0 && share == fineShares:
			if o.whole == 0 {
				o.parts = append(o.parts, part{class: k, cell: none, share: fineShares, back: wholeBack})
				o.whole = int32(len(o.parts))
			}
			heads[x] = o.whole
		default:
			o.parts = append(o.parts, part{k, int32(y*tileCells + x), heads[x], share, rim, back, end})
			heads[x] = int32(len(o.parts))
		}
		if rim == 0 {
			if share == 0 && x > last {
				break
			}
			continue
		}
		rims[x] = 0
		for at := rim; at != 0; at = o.pieces[at-1].next {
			o.climb(o.pieces[at-1].y0, o.pieces[at-1].y1)
		}
		back = int32(len(o.backs))
		o.backs = append(o.backs, o.west...)
		end = int32(len(o.backs))
		full = len(o.west) == 1 && math.Abs(o.west[0].to-o.west[0].from) == 1
	}
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

// resolve adds what the features entered, the last one first, cover of the cells
// from row top to row bottom to their classes, and forgets them.
func (o *overlaps) resolve(top, bottom int) {
	// In the order of their coming, parts and pieces that lie together are met together.
	for i := range o.parts {
		p := &o.parts[i]
		if p.cell < 0 || o.heads[p.cell] != int32(i+1) {
			continue
		}
		o.heads[p.cell] = 0
		if p.next > 0 && p.share < fineShares {
			o.divide(p)
		} else {
			p.class.give(p.cell, p.share)
		}
	}
	for cell := int32(top) * tileCells; cell < int32(bottom+1)*tileCells; cell++ {
		if head := o.heads[cell]; head != 0 {
			o.heads[cell] = 0
			o.parts[head-1].class.give(cell, fineShares)
		}
	}
	o.pieces, o.backs, o.parts = o.pieces[:0], o.backs[:0], o.parts[:0]
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

// divide divides a cell among the parts of the chain from first on: what a part
// shares with one before it is taken off.
func (o *overlaps) divide(first *part) {
	cell := first.cell
	if second := &o.parts[first.next-1]; second.back == wholeBack && second.next == 0 {
		first.class.give(cell, first.share)
		second.class.give(cell, fineShares-first.share)
		return
	}
	s := &o.shared
	s.begin(float64(cell%tileCells), float64(cell/tileCells))
	for p := first; p != nil && len(s.ends) < mostParts && len(s.edges) < mostEdges; p = o.after(p) {
		for e := p.rim; e != 0; {
			piece := &o.pieces[e-1]
			s.edge(piece.x0, piece.y0, piece.x1, piece.y1)
			e = piece.next
		}
		if p.back == wholeBack {
			s.edge(s.west, s.north, s.west, s.north+1)
		} else {
			for _, e := range o.backs[p.back:p.last] {
				s.edge(s.west, e.from, s.west, e.to)
			}
		}
		s.end()
	}
	lost := s.lost()
	left := uint32(fineShares)
	for p, i := first, 0; p != nil; p, i = o.after(p), i+1 {
		share := p.share
		if i < len(lost) {
			share -= min(share, uint32(lost[i]*fineShares+0.5))
		} else {
			share = min(share, left)
		}
		left -= min(left, share)
		p.class.give(cell, share)
	}
}

// after returns the part below p in its cell, or nil.
func (o *overlaps) after(p *part) *part {
	if p.next == 0 {
		return nil
	}
	return &o.parts[p.next-1]
}
