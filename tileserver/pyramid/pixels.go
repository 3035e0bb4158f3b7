package pyramid

import (
	"math/bits"
	"slices"

	"gengtu/tileserver/mvt"
)

// pixels are the unit squares around the whole units of the frame, which hold
// their west and north sides. Those that are hot are what edges are bent to.
// Blocks of 8 by 8 pixels are one word; only words with hot pixels are kept, so
// that what is looked at again and again stays in a processor's cache.
type pixels struct {
	lit    []int32  // the hot pixels, some of them several times
	some   []uint64 // a bit for each block that is kept
	before []int32  // for each 64 blocks, how many of those before them are kept
	hot    []uint64 // the kept blocks: a bit for each hot pixel
	ranks  []int32  // for each kept block, how many hot pixels come before it
}

const (
	frameSide  = frameHigh - frameLow + 1
	pixelShift = 3
	pixelSide  = 1 << pixelShift
	rowBlocks  = (frameSide + pixelSide - 1) / pixelSide
	allBlocks  = rowBlocks * rowBlocks
)

// pixelAt returns the number of the pixel around the whole unit x, y: the number
// of its block times 64, and its place there.
func pixelAt(x, y int32) int32 {
	x, y = x-frameLow, y-frameLow
	return (y>>pixelShift*rowBlocks+x>>pixelShift)<<(2*pixelShift) | y&(pixelSide-1)<<pixelShift | x&(pixelSide-1)
}

// middleOf returns the whole unit in the middle of pixel p.
func middleOf(p int32) mvt.Point {
	block := p >> (2 * pixelShift)
	return mvt.Point{
		X: block%rowBlocks<<pixelShift + p&(pixelSide-1) + frameLow,
		Y: block/rowBlocks<<pixelShift + p>>pixelShift&(pixelSide-1) + frameLow,
	}
}

// cool makes all pixels cold.
func (p *pixels) cool() {
	if p.some == nil {
		p.some = make([]uint64, (allBlocks+63)/64)
		p.before = make([]int32, len(p.some))
	}
	clear(p.some)
	p.lit = p.lit[:0]
}

// light makes the pixel around the whole unit x, y hot, if it is the frame's.
func (p *pixels) light(x, y int32) {
	if uint32(x-frameLow) < frameSide && uint32(y-frameLow) < frameSide {
		b := pixelAt(x, y)
		p.room(b)
		p.lit = append(p.lit, b)
	}
}

// room keeps the block of pixel b, so that b can be heated later.
func (p *pixels) room(b int32) { p.some[b>>12] |= 1 << (b >> 6 & 63) }

// settle makes the kept blocks from the pixels that were lit.
func (p *pixels) settle() {
	sum := int32(0)
	for i, s := range p.some {
		p.before[i] = sum
		sum += int32(bits.OnesCount64(s))
	}
	p.hot = slices.Grow(p.hot[:0], int(sum))[:sum]
	clear(p.hot)
	for _, b := range p.lit {
		p.heat(b)
	}
}

// heat makes pixel b hot; its block has room.
func (p *pixels) heat(b int32) { p.hot[p.place(b>>6)] |= 1 << (b & 63) }

// place returns where a block that is kept lies among the kept ones.
func (p *pixels) place(block int32) int32 {
	return p.before[block>>6] + int32(bits.OnesCount64(p.some[block>>6]&(1<<(block&63)-1)))
}

// kept tells whether a block may have hot pixels.
func (p *pixels) kept(block int32) bool { return p.some[block>>6]>>(block&63)&1 != 0 }

// isHot tells whether pixel b is.
func (p *pixels) isHot(b int32) bool {
	return p.kept(b>>6) && p.hot[p.place(b>>6)]>>(b&63)&1 != 0
}

// number gives the hot pixels numbers, block by block, appends their middles in
// this order to list, and returns it.
func (p *pixels) number(list []node) []node {
	p.ranks = p.ranks[:0]
	at := 0
	for i, s := range p.some {
		for ; s != 0; s &= s - 1 {
			p.ranks = append(p.ranks, int32(len(list)))
			corner := middleOf(int32(i<<6+bits.TrailingZeros64(s)) << 6)
			for h := p.hot[at]; h != 0; h &= h - 1 {
				b := int32(bits.TrailingZeros64(h))
				list = append(list, node{int16(corner.X + b&(pixelSide-1)), int16(corner.Y + b>>pixelShift)})
			}
			at++
		}
	}
	return list
}

// rank returns the number of hot pixel b.
func (p *pixels) rank(b int32) int32 {
	at := p.place(b >> 6)
	return p.ranks[at] + int32(bits.OnesCount64(p.hot[at]&(1<<(b&63)-1)))
}

// bender finds the hot pixels that one edge runs through.
type bender struct {
	x0, y0, x1, y1 int32 // the pixels of its ends
	ax, ay, dx, dy int64
	first, last    int32
	chain          []int32
}

// through makes b.chain the hot pixels that the edge from p to q runs through, in
// order. The edge lies in the frame and goes down, or along a row eastwards.
func (b *bender) through(h *pixels, p, q spot32) {
	b.x0, b.y0 = (p.x+halfUnit)>>subShift, (p.y+halfUnit)>>subShift
	b.x1, b.y1 = (q.x+halfUnit)>>subShift, (q.y+halfUnit)>>subShift
	b.ax, b.ay, b.dx, b.dy = int64(p.x), int64(p.y), int64(q.x-p.x), int64(q.y-p.y)
	b.first, b.last = pixelAt(b.x0, b.y0), pixelAt(b.x1, b.y1)
	b.chain = append(b.chain[:0], b.first)
	west, east := (min(b.x0, b.x1)-frameLow)>>pixelShift, (max(b.x0, b.x1)-frameLow)>>pixelShift
	north, south := (b.y0-frameLow)>>pixelShift, (b.y1-frameLow)>>pixelShift
	if east-west < 2 || south-north < 2 {
		for y := north; y <= south; y++ {
			b.blocks(h, y, west, east)
		}
	} else {
		// The columns of a row of blocks that the edge may pass: a little too many
		// do no harm, so rounding does none.
		slope := float64(b.dx) / float64(b.dy)
		for y := north; y <= south; y++ {
			top := float64(int64(y<<pixelShift+frameLow)<<subShift - b.ay - subunits)
			from := float64(b.ax) + slope*max(0, top)
			to := float64(b.ax) + slope*min(float64(b.dy), top+(pixelSide+2)*subunits)
			low := int32(min(from, to))>>subShift - 1 - frameLow
			high := int32(max(from, to))>>subShift + 2 - frameLow
			b.blocks(h, y, max(west, low>>pixelShift), min(east, high>>pixelShift))
		}
	}
	b.chain = append(b.chain, b.last)
}

// blocks looks for hot pixels in the blocks from..to of a row of blocks.
func (b *bender) blocks(h *pixels, row, from, to int32) {
	for block := row*rowBlocks + from; block <= row*rowBlocks+to; block++ {
		if !h.kept(block) {
			continue
		}
		word := h.hot[h.place(block)]
		if block == b.first>>6 {
			word &^= 1 << (b.first & 63)
		}
		if block == b.last>>6 {
			word &^= 1 << (b.last & 63)
		}
		for ; word != 0; word &= word - 1 {
			pixel := block<<6 | int32(bits.TrailingZeros64(word))
			if c := middleOf(pixel); b.passes(c.X, c.Y) {
				b.insert(pixel, c)
			}
		}
	}
}

// passes tells whether the edge runs through the pixel around x, y, which holds
// its west and north sides but not the others.
func (b *bender) passes(x, y int32) bool {
	switch {
	case y < b.y0 || y > b.y1:
		return false
	case b.y0 == b.y1:
		return (x >= b.x0) == (x <= b.x1)
	case b.dx == 0:
		return x == b.x0
	}
	// In the pixel's row the edge runs from column enter to column leave, both
	// divided by den, which is dy times a unit.
	den := b.dy << subShift
	west, east := int64(x)*den, int64(x+1)*den
	enter := (b.ax+halfUnit)*b.dy + (int64(y)<<subShift-halfUnit-b.ay)*b.dx
	leave := enter + b.dx<<subShift
	if b.dx > 0 {
		return (y == b.y0 && x >= b.x0 || y > b.y0 && enter < east) && (y == b.y1 && x <= b.x1 || y < b.y1 && leave > west)
	}
	return (y == b.y0 && x <= b.x0 || y > b.y0 && enter >= west) && (y == b.y1 && x >= b.x1 || y < b.y1 && leave < east)
}

// insert puts a pixel where it belongs in the chain.
func (b *bender) insert(pixel int32, c mvt.Point) {
	at := len(b.chain)
	b.chain = append(b.chain, pixel)
	for ; at > 1; at-- {
		d := middleOf(b.chain[at-1])
		if d.Y < c.Y || d.Y == c.Y && (d.X < c.X) == (b.x0 < b.x1) {
			break
		}
		b.chain[at] = b.chain[at-1]
	}
	b.chain[at] = pixel
}
