package pyramid

import "math/bits"

// mark is a hot pixel on the way of an edge.
type mark struct {
	node node
	slot int32
}

func (m mark) block() int32 { return m.slot >> 6 }

func (m mark) bit() uint64 { return 1 << (uint(m.slot) & 63) }

// bender finds the hot pixels that edges run through.
type bender struct {
	pixels *pixels
	known  [2]mark // the ends of the last edge
	a, b   spot32  // the ends of this one
	chain  []mark
	start  int // where the edge's marks begin in chain
}

// few is how many blocks wide an edge's box may be for all of them to be looked at.
const few = 6

func (b *bender) reset(p *pixels) { b.pixels, b.known = p, [2]mark{{node: none}, {node: none}} }

// through appends the hot pixels that the edge from p to q runs through, in order,
// to chain. The edge lies in the frame and goes down, or along a row eastwards.
func (b *bender) through(p, q spot32, chain []mark) []mark {
	b.a, b.b, b.start = p, q, len(chain)
	from, to := b.mark(p), b.mark(q)
	b.known = [2]mark{from, to}
	b.chain = append(chain, from)
	hot := b.pixels.hot[from.block()] &^ from.bit()
	if from.block() == to.block() {
		b.inBlock(from, hot&^to.bit())
	} else {
		b.inBlock(from, hot)
		b.inBlock(to, b.pixels.hot[to.block()]&^to.bit())
		b.between(from.node, to.node)
	}
	return append(b.chain, to)
}

// mark returns the pixel of an end. A ring's edge has one with the last edge.
func (b *bender) mark(p spot32) mark {
	n := nodeAt((p.x+halfUnit)>>subShift, (p.y+halfUnit)>>subShift)
	if b.known[0].node == n {
		return b.known[0]
	}
	if b.known[1].node == n {
		return b.known[1]
	}
	return mark{n, b.pixels.slot(n)}
}

// between looks at the kept blocks of the box around the edge, which reaches from
// the block of one end to that of the other.
func (b *bender) between(from, to node) {
	x0, x1 := from.column()>>blockShift, to.column()>>blockShift
	north, south := from.row()>>blockShift, to.row()>>blockShift
	west, east := min(x0, x1), max(x0, x1)
	if east-west+south-north == 1 {
		return // the blocks are beside one another
	}
	ends := [2]int32{blockAt(x0, north), blockAt(x1, south)}
	if east-west < few || south-north < 2 {
		b.inRows(north, south, west, east, ends)
		return
	}
	// The columns of a row of blocks that the edge may pass: a little too many
	// do no harm, so rounding does none.
	slope := float64(b.b.x-b.a.x) / float64(b.b.y-b.a.y)
	for y := north; y <= south; y++ {
		top := float64((y<<blockShift+frameLow)<<subShift - b.a.y - subunits)
		from := float64(b.a.x) + slope*max(0, top)
		to := float64(b.a.x) + slope*min(float64(b.b.y-b.a.y), top+(blockSide+2)*subunits)
		low := int32(min(from, to))>>subShift - 1 - frameLow
		high := int32(max(from, to))>>subShift + 2 - frameLow
		b.inRows(y, y, max(west, low>>blockShift), min(east, high>>blockShift), ends)
	}
}

// inRows looks at the kept blocks in columns west to east of rows of blocks, but not
// at those of the edge's ends. They hardly ever lie in two words of a row.
func (b *bender) inRows(north, south, west, east int32, ends [2]int32) {
	h := b.pixels
	for word := west >> 6; word <= east>>6; word++ {
		columns := ^uint64(0) << (uint(max(west-word<<6, 0)) & 63) & (^uint64(0) >> (uint(63-min(east-word<<6, 63)) & 63))
		for y := north; y <= south; y++ {
			for some := h.some[y*rowWords+word] & columns; some != 0; some &= some - 1 {
				x := word<<6 + int32(bits.TrailingZeros64(some))
				if k := blockAt(x, y); k != ends[0] && k != ends[1] {
					place := h.place(k)
					b.inBlock(mark{nodeOf(x, y), place << 6}, h.hot[place])
				}
			}
		}
	}
}

// inBlock looks at hot pixels of the block of m: at those in the box around the edge.
func (b *bender) inBlock(m mark, hot uint64) {
	if hot == 0 {
		return
	}
	corner := m.node &^ ((blockSide-1)<<nodeBits | blockSide - 1)
	x, y := corner.column(), corner.row()
	west, east := b.known[0].node.column(), b.known[1].node.column()
	west, east = max(min(west, east)-x, 0), min(max(west, east)-x, blockSide-1)
	north, south := max(b.known[0].node.row()-y, 0), min(b.known[1].node.row()-y, blockSide-1)
	const rows = 0x0101010101010101
	hot &= (2<<(uint(east)&63) - 1<<(uint(west)&63)) * rows
	hot &= (^uint64(0) << (uint(north<<blockShift) & 63)) & (^uint64(0) >> (uint((blockSide-1-south)<<blockShift) & 63))
	for ; hot != 0; hot &= hot - 1 {
		n := int32(bits.TrailingZeros64(hot))
		at := mark{corner + node(n>>blockShift<<nodeBits|n&(blockSide-1)), m.slot&^63 | n}
		if b.passes(at.node) {
			b.insert(at)
		}
	}
}

// passes tells whether the edge runs through n's pixel, which holds its west and
// north sides but not the others.
func (b *bender) passes(n node) bool {
	first, last := b.known[0].node, b.known[1].node
	x, y, x0, y0, x1, y1 := n.column(), n.row(), first.column(), first.row(), last.column(), last.row()
	dx, dy := int64(b.b.x-b.a.x), int64(b.b.y-b.a.y)
	switch {
	case y < y0 || y > y1:
		return false
	case y0 == y1:
		return (x >= x0) == (x <= x1)
	case dx == 0:
		return x == x0
	}
	// In the pixel's row the edge runs from column enter to column leave, both
	// divided by den, which is dy times a unit.
	den := dy << subShift
	west, east := int64(x+frameLow)*den, int64(x+frameLow+1)*den
	enter := (int64(b.a.x)+halfUnit)*dy + (int64(y+frameLow)<<subShift-halfUnit-int64(b.a.y))*dx
	leave := enter + dx<<subShift
	if dx > 0 {
		return (y == y0 && x >= x0 || y > y0 && enter < east) && (y == y1 && x <= x1 || y < y1 && leave > west)
	}
	return (y == y0 && x <= x0 || y > y0 && enter >= west) && (y == y1 && x >= x1 || y < y1 && leave < east)
}

// insert puts a pixel where it belongs in the chain.
func (b *bender) insert(m mark) {
	eastwards := b.known[0].node.column() < b.known[1].node.column()
	at := len(b.chain)
	b.chain = append(b.chain, m)
	for ; at > b.start+1; at-- {
		d := b.chain[at-1]
		if d.node.row() < m.node.row() || d.node.row() == m.node.row() && (d.node < m.node) == eastwards {
			break
		}
		b.chain[at] = d
	}
	b.chain[at] = m
}

// along appends the hot pixels along an edge that lies on the frame to chain. Blocks
// without any are passed at once.
func (r rim) along(p *pixels, chain []mark) []mark {
	from, to := unitOf(r.a), unitOf(r.b)
	dx, dy := int32(min(max(to.x-from.x, -1), 1)), int32(min(max(to.y-from.y, -1), 1))
	at, step := nodeAt(int32(from.x), int32(from.y)), node(dy<<nodeBits+dx)
	chain = append(chain, mark{at, p.slot(at)})
	for left := int32(max(to.x-from.x, from.x-to.x, to.y-from.y, from.y-to.y)); left > 0; left-- {
		if at += step; p.isHot(at) {
			chain = append(chain, mark{at, p.slot(at)})
		} else if !p.keeps(at.block()) {
			in := at.row() // how far in its block, along the edge
			if dx != 0 {
				in = at.column()
			}
			if dx+dy < 0 {
				in = ^in
			}
			skip := min(blockSide-1-in&(blockSide-1), left-1)
			at, left = at+step*node(skip), left-skip
		}
	}
	return chain
}
