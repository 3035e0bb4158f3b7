package pyramid

import (
	"slices"
	"strings"
	"sync/atomic"
)

// A tile is divided into cells of 8 by 8 units, one pixel of a tile of 512, and
// the cells into blocks of 64 by 64, a block into 8 by 8 tracts of 8 by 8 cells.
const (
	cellUnits   = 8
	tileCells   = 512
	blockCells  = 64
	tileBlocks  = tileCells / blockCells
	tractCells  = 8
	blockTracts = blockCells / tractCells
)

// wholeUnits is how many square units a cell has.
const wholeUnits = cellUnits * cellUnits

// A cell's cover is a number of shares. Where cells are counted first a share is
// one square unit; one level up a cell is the sum of four, so a whole one has four
// times as many. Sums of integers are exact and do not depend on their order. At
// wholeMost, 13 levels up, shares are made four times larger instead.
const wholeMost = wholeUnits << 24

// block is how much of each of its cells is covered, in shares.
type block [blockCells * blockCells]uint32

// class is what one class covers of a tile, and the figures of the features that
// are counted in it.
type class struct {
	name            string
	blocks          [tileBlocks * tileBlocks]*block     // nil where nothing is
	stored          *[tileBlocks * tileBlocks]lazyBlock // the blocks of an opened cover, instead
	count           int64
	area, net       int64 // in 0.01 m²
	hasArea, hasNet bool
}

// cover is what covers a tile: its classes by name. Classes never cover ground
// twice. Once a cover is drawn it is not changed any more; what was drawn of it is
// kept in it, and may be asked for by several goroutines.
type cover struct {
	whole   int64 // the shares of a fully covered cell
	classes []*class
	drawn   drawn
	bad     atomic.Bool // stored cells were found damaged
}

// class returns the class named name, a new one if need be.
func (c *cover) class(name string) *class {
	i, ok := slices.BinarySearchFunc(c.classes, name, func(k *class, n string) int { return strings.Compare(k.name, n) })
	if !ok {
		c.classes = slices.Insert(c.classes, i, &class{name: name})
	}
	return c.classes[i]
}

// block returns the block of number i.
func (k *class) block(i int) *block {
	if k.blocks[i] == nil {
		k.blocks[i] = new(block)
	}
	return k.blocks[i]
}

// enter counts f and its figures.
func (k *class) enter(f *Feature) {
	k.count++
	if v, ok := hundredths(f.AreaM2); ok {
		k.area, k.hasArea = k.area+v, true
	}
	if v, ok := hundredths(f.NetM2); ok {
		k.net, k.hasNet = k.net+v, true
	}
}

// join adds the figures of other.
func (k *class) join(other *class) {
	k.count += other.count
	k.area += other.area
	k.net += other.net
	k.hasArea = k.hasArea || other.hasArea
	k.hasNet = k.hasNet || other.hasNet
}

// sum sums block i of a quarter of k's tile, in which a cell has whole shares.
func (k *class) sum(b *block, i, quarter int, whole int64) {
	bx, by := i%tileBlocks+quarter%2*tileBlocks, i/tileBlocks+quarter/2*tileBlocks
	out := k.block(by/2*tileBlocks + bx/2)
	ox, oy := bx%2*blockCells/2, by%2*blockCells/2
	for y := range blockCells / 2 {
		row := (*[blockCells / 2]uint32)(out[(oy+y)*blockCells+ox:])
		north, south := (*[blockCells]uint32)(b[2*y*blockCells:]), (*[blockCells]uint32)(b[(2*y+1)*blockCells:])
		if whole < wholeMost {
			for x := 0; x < blockCells; x += 2 {
				row[x/2] = north[x] + north[x+1] + south[x] + south[x+1]
			}
			continue
		}
		// Shares are made larger; what is there stays.
		for x := range row {
			sum := uint64(north[2*x]) + uint64(north[2*x+1]) + uint64(south[2*x]) + uint64(south[2*x+1])
			row[x] = uint32((sum + 3) / 4)
		}
	}
}

// cells returns what k covers of block i, nil for nothing. What is stored is read
// the first time; when it is damaged c is bad from then on, and it is empty.
func (c *cover) cells(k *class, i int) *block {
	if k.stored == nil || k.stored[i].total == 0 {
		return k.blocks[i]
	}
	s := &k.stored[i]
	s.once.Do(func() {
		if s.block = new(block); !s.read(s.block, uint32(c.whole)) {
			*s.block = block{}
			c.bad.Store(true)
		}
	})
	return s.block
}

// total sums what k covers of block i.
func (k *class) total(i int) int64 {
	if k.stored != nil {
		return k.stored[i].total
	}
	return k.blocks[i].total()
}

// total sums what b covers; a nil b covers nothing.
func (b *block) total() int64 {
	if b == nil {
		return 0
	}
	sum := int64(0)
	for _, v := range b {
		sum += int64(v)
	}
	return sum
}
