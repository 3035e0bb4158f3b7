package pyramid

import (
	"math/bits"
	"slices"

	"gengtu/tileserver/mvt"
)

// node is a whole unit of the frame, the middle of a pixel: its row in the upper
// bits and its column in the lower ones, so that nodes are ordered row by row,
// southwards, and eastwards within a row.
type node int32

const (
	nodeBits  = 13
	frameSide = frameHigh - frameLow + 1
)

// nodeAt returns the node at the whole unit x, y, which the frame must have.
func nodeAt(x, y int32) node { return node((y-frameLow)<<nodeBits | (x - frameLow)) }

// column and row count from the frame's north-west corner.
func (n node) column() int32 { return int32(n) & (1<<nodeBits - 1) }

func (n node) row() int32 { return int32(n) >> nodeBits }

// point returns the node as a point of a tile.
func (n node) point() mvt.Point {
	return mvt.Point{X: n.column() + frameLow, Y: n.row() + frameLow}
}

// bit returns which of its block's pixels the node's is.
func (n node) bit() uint {
	return uint(n)>>(nodeBits-blockShift)&((blockSide-1)<<blockShift) | uint(n)&(blockSide-1)
}

// block returns the number of the block of n's pixel.
func (n node) block() int32 { return blockAt(n.column()>>blockShift, n.row()>>blockShift) }

// blockAt returns the number of the block in a column and row of blocks.
func blockAt(x, y int32) int32 { return y*(rowWords*64) + x }

// nodeOf returns the node in the north-west corner of the block in a column and row.
func nodeOf(x, y int32) node { return node(y<<(blockShift+nodeBits) | x<<blockShift) }

// pixels are the unit squares around the whole units of the frame, which hold
// their west and north sides. Those that are hot are what edges are bent to.
// Blocks of 8 by 8 pixels are one word; only words with hot pixels are kept, so
// that what is looked at again and again stays in a processor's cache. The number
// of a kept block times 64, and a pixel's bit, is the pixel's slot.
type pixels struct {
	lit    []node   // the hot pixels, some of them several times
	some   []uint64 // a bit for each block that is kept, by its number
	before []int32  // for each word of some, how many blocks before its are kept
	hot    []uint64 // the kept blocks: a bit for each hot pixel
}

const (
	blockShift = 3
	blockSide  = 1 << blockShift
	blockRows  = (frameSide + blockSide - 1) / blockSide
	rowWords   = (blockRows + 63) / 64 // how many words of some a row of blocks has
)

// cool makes all pixels cold.
func (p *pixels) cool() {
	if p.some == nil {
		p.some = make([]uint64, blockRows*rowWords)
		p.before = make([]int32, len(p.some))
	}
	clear(p.some)
	p.lit = p.lit[:0]
}

// light makes the pixel around the whole unit x, y hot, if it is the frame's.
func (p *pixels) light(x, y int32) {
	if uint32(x-frameLow) >= frameSide || uint32(y-frameLow) >= frameSide {
		return
	}
	n := nodeAt(x, y)
	if k := len(p.lit); k == 0 || p.lit[k-1] != n { // a ring's edge begins where its last one ended
		p.room(n)
		p.lit = append(p.lit, n)
	}
}

// room keeps the block of n's pixel, so that it can be heated later.
func (p *pixels) room(n node) {
	b := n.block()
	p.some[b>>6] |= 1 << (uint(b) & 63)
}

// settle makes the kept blocks from the pixels that were lit.
func (p *pixels) settle() {
	sum := int32(0)
	for i, s := range p.some {
		p.before[i] = sum
		sum += int32(bits.OnesCount64(s))
	}
	p.hot = zeroed(p.hot, int(sum))
	for _, n := range p.lit {
		p.heat(n)
	}
}

// heat makes n's pixel hot; its block has room.
func (p *pixels) heat(n node) { p.hot[p.place(n.block())] |= 1 << n.bit() }

// slot returns the slot of n's pixel, whose block is kept.
func (p *pixels) slot(n node) int32 { return p.place(n.block())<<6 | int32(n.bit()) }

// place returns where a block that is kept lies among the kept ones.
func (p *pixels) place(block int32) int32 {
	word := block >> 6
	return p.before[word] + int32(bits.OnesCount64(p.some[word]&(1<<(uint(block)&63)-1)))
}

// isHot tells whether n's pixel is.
func (p *pixels) isHot(n node) bool {
	b := n.block()
	return p.keeps(b) && p.hot[p.place(b)]>>n.bit()&1 != 0
}

// keeps tells whether a block is kept.
func (p *pixels) keeps(block int32) bool { return p.some[block>>6]>>(uint(block)&63)&1 != 0 }

func zeroed[T any](list []T, n int) []T {
	list = slices.Grow(list[:0], n)[:n]
	clear(list)
	return list
}
