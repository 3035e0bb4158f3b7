package pyramid

import (
	"math"
	"math/bits"
	"slices"
)

// blockDrawer draws a block.
type blockDrawer struct {
	classes   []int    // the classes that the block has, by their numbers in the cover
	blocks    []*block // what they cover
	sums      [][blockTracts * blockTracts]int64
	owed      []int64 // of each class, in shares: carried between tracts of whole cells
	small     []int64 // the same, between tracts that have less than a cell
	quotas    []int
	left      []int64 // in units, of empty ground and of each class
	covered   [tractCells * tractCells]int64
	keys      []key
	whole     int64
	unit      int64 // shares, a power of two
	unitShift int   // the binary logarithm of unit
	near      int64 // the shares of a cell that is covered but for roundings
	sheet     *sheet
	has       [blockCells]uint64 // a bit for each cell that has a patch

	surroundings surroundings
}

// key orders cells, or cells and classes, by what is covered, the most covered
// first: its bits are what is not covered, the class and the cell.
type key uint64

const (
	keyCell  = 6
	keyClass = 16
)

func newKey(share int64, class, cell int) key {
	return key((1<<32-1-uint64(share))<<(keyClass+keyCell) | uint64(class)<<keyCell | uint64(cell))
}

func (k key) cell() int  { return int(k & (1<<keyCell - 1)) }
func (k key) class() int { return int(k >> keyCell & (1<<keyClass - 1)) }

// scarce is the part of a cell, as a divisor, that must be covered for the cell to
// be drawn whole: a cell with hardly anything in it is no place to draw.
const scarce = 50

// draw draws block i of cover n of those around, as many units of each class as
// are planned; nil if there are none, and when the cover is damaged.
func (d *blockDrawer) draw(around *neighbours, n, i int) *sheet {
	c := around[n]
	d.surroundings = surroundings{around, n%3*tileBlocks + i%tileBlocks, n/3*tileBlocks + i/tileBlocks}
	d.classes, d.blocks, d.sums = d.classes[:0], d.blocks[:0], d.sums[:0]
	d.owed, d.small, d.left = d.owed[:0], d.small[:0], append(d.left[:0], 0)
	d.whole, d.unit, d.unitShift = c.whole, c.whole/wholeUnits, unitShift(uint32(c.whole))
	units := int64(0)
	for k := range c.classes {
		b := c.cells(c.classes[k], i)
		if b == nil {
			continue
		}
		n := c.drawn.units[k][i]
		units += n
		d.classes, d.blocks = append(d.classes, k), append(d.blocks, b)
		d.sums = append(d.sums, b.tracts())
		// What the plan rounds is a part of a unit.
		d.small = append(d.small, n*d.unit-c.classes[k].total(i))
		d.owed, d.left = append(d.owed, 0), append(d.left, 0)
	}
	if units == 0 || c.bad.Load() {
		return nil
	}
	d.near = d.whole - c.slack(len(d.classes))
	d.sheet, d.has = &sheet{}, [blockCells]uint64{}
	for _, tract := range ways {
		sum := int64(0)
		for k := range d.sums {
			sum += d.sums[k][tract]
		}
		switch {
		case sum == 0:
		case sum < d.whole || sum < lonely*d.whole && d.around(tract) < lonely*d.whole:
			d.drawSmall(tract)
		default:
			d.drawTract(tract)
		}
	}
	d.settle()
	return d.sheet
}

// lonely is how many cells a tract and those around it may have together to be
// drawn at its size: what is alone has no neighbours to exchange with.
const lonely = 8

// around sums what is covered of a tract and of those around it, in other blocks
// too.
func (d *blockDrawer) around(tract int) int64 {
	sum := int64(0)
	x, y := tract%blockTracts, tract/blockTracts
	for v := y - 1; v <= y+1; v++ {
		for u := x - 1; u <= x+1; u++ {
			if u < 0 || v < 0 || u >= blockTracts || v >= blockTracts {
				sum += d.surroundings.tract(u, v)
				continue
			}
			for k := range d.sums {
				sum += d.sums[k][v*blockTracts+u]
			}
		}
	}
	return sum
}

// tracts sums what b covers of each tract.
func (b *block) tracts() (sums [blockTracts * blockTracts]int64) {
	for y := range blockCells {
		row := b[y*blockCells:][:blockCells]
		out := sums[y/tractCells*blockTracts:][:blockTracts]
		for x := range out {
			c := row[x*tractCells:][:tractCells]
			out[x] += int64(c[0]) + int64(c[1]) + int64(c[2]) + int64(c[3]) + int64(c[4]) + int64(c[5]) + int64(c[6]) + int64(c[7])
		}
	}
	return sums
}

// cellOf returns the number in its block of cell i of a tract.
func cellOf(tract, i int) int {
	t, c := uint(tract), uint(i) // divisions by powers of two are shifts then
	return int((t/blockTracts*tractCells+c/tractCells)*blockCells + t%blockTracts*tractCells + c%tractCells)
}

// drawTract draws whole cells in a tract: all that are covered, and of the others
// as many as are due. As covered cells count as much as they are drawn, what is
// owed does not grow with them and is left for the edges.
func (d *blockDrawer) drawTract(tract int) {
	full, near, some := d.cover(tract)
	due := int64(0)
	for k := range d.sums {
		if d.sums[k][tract] > 0 {
			due += d.sums[k][tract] + d.owed[k]
		}
	}
	cells := int(max(0, min((due+d.whole/2)/d.whole, int64(some))))
	if due > int64(near-mostOwed)*d.whole {
		full = near
	}
	cells = max(cells, full)
	classes, chosen := d.divide(tract, cells), d.choose(cells)
	if len(classes) == 1 {
		d.own(tract, chosen, uint16(d.classes[classes[0]]+1))
		return
	}
	d.keys = d.keys[:0]
	for rest := chosen; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros64(rest)
		for _, k := range classes {
			d.keys = append(d.keys, newKey(int64(d.blocks[k][cellOf(tract, i)]), k, i))
		}
	}
	slices.Sort(d.keys)
	for _, e := range d.keys {
		if k, i := e.class(), e.cell(); d.quotas[k] > 0 && chosen>>i&1 != 0 {
			d.quotas[k]--
			chosen &^= 1 << i
			d.sheet.owner[cellOf(tract, i)] = uint16(d.classes[k] + 1)
		}
	}
}

// own gives cells of a tract to a class, by its number from 1.
func (d *blockDrawer) own(tract int, cells uint64, owner uint16) {
	for i := cellOf(tract, 0); cells != 0; i, cells = i+blockCells, cells>>tractCells {
		row := (*[tractCells]uint16)(d.sheet.owner[i:])
		for x := range row {
			if cells>>x&1 != 0 {
				row[x] = owner
			}
		}
	}
}

// mostOwed is how many cells may be drawn too many because cells lack a rounding
// to be full: cells that really lack as much are rare.
const mostOwed = 4

// cover sums what is covered of each cell of a tract, and returns how many are
// full, are so but for roundings, and are covered enough to be drawn.
func (d *blockDrawer) cover(tract int) (full, near, some int) {
	first := true
	for k, b := range d.blocks {
		if d.sums[k][tract] == 0 {
			continue
		}
		for y := 0; y < len(d.covered); y += tractCells {
			row, out := (*[tractCells]uint32)(b[cellOf(tract, y):]), (*[tractCells]int64)(d.covered[y:])
			for x, v := range row {
				if first {
					out[x] = 0
				}
				out[x] += int64(v)
			}
		}
		first = false
	}
	// Signs are added up, as branches would go either way.
	enough := (d.whole + scarce - 1) / scarce
	for _, v := range d.covered {
		full += int(uint64(d.whole-1-v) >> 63)
		near += int(uint64(d.near-1-v) >> 63)
		some += int(uint64(enough-1-v) >> 63)
	}
	return full, near, some
}

// divide shares out cells among the classes that the tract has, by largest
// remainder, to d.quotas, and returns those that get any. What they are owed goes
// on.
func (d *blockDrawer) divide(tract, cells int) (classes []int) {
	d.quotas = append(d.quotas[:0], make([]int, len(d.classes))...)
	left := cells
	for k := range d.sums {
		if d.sums[k][tract] > 0 {
			d.owed[k] += d.sums[k][tract]
			d.quotas[k] = int(max(0, d.owed[k]/d.whole))
			left -= d.quotas[k]
		}
	}
	for ; left != 0; left -= sign(left) {
		best := -1
		for k := range d.sums {
			if d.sums[k][tract] == 0 || left < 0 && d.quotas[k] == 0 {
				continue
			}
			if best < 0 || int64(sign(left))*(d.rest(k)-d.rest(best)) > 0 {
				best = k
			}
		}
		d.quotas[best] += sign(left)
	}
	for k, n := range d.quotas {
		d.owed[k] -= int64(n) * d.whole
		if n > 0 {
			classes = append(classes, k)
		}
	}
	return classes
}

// rest is what class k is owed beyond its quota.
func (d *blockDrawer) rest(k int) int64 { return d.owed[k] - int64(d.quotas[k])*d.whole }

func sign(n int) int {
	if n < 0 {
		return -1
	}
	return 1
}

// choose returns the n most covered cells of the tract, a bit for each; of those that
// are covered alike, the first ones.
func (d *blockDrawer) choose(n int) uint64 {
	switch n {
	case 0:
		return 0
	case len(d.covered):
		return math.MaxUint64
	}
	// Cells are counted by what is covered of them, in units: only those that have as
	// many as the last one chosen are put into order. Two rows of counters, because
	// neighbours are often alike and would wait for each other.
	var counts [2][wholeUnits + 2]int
	for i := 0; i < len(d.covered); i += 2 {
		counts[0][min(d.covered[i]>>d.unitShift, wholeUnits)]++
		counts[1][min(d.covered[i+1]>>d.unitShift, wholeUnits)]++
	}
	last := int64(wholeUnits)
	for ; counts[0][last]+counts[1][last] < n; last-- {
		n -= counts[0][last] + counts[1][last]
	}
	more, same := uint64(0), uint64(0)
	for i, v := range d.covered {
		v = min(v>>d.unitShift, wholeUnits)
		more |= uint64(last-v) >> 63 << i
		same |= uint64((v^last)-1) >> 63 << i
	}
	if d.unit > 1 && n < bits.OnesCount64(same) {
		d.keys = d.keys[:0]
		for rest := same; rest != 0; rest &= rest - 1 {
			i := bits.TrailingZeros64(rest)
			d.keys = append(d.keys, newKey(d.covered[i], 0, i))
		}
		leastFirst(d.keys, n)
		for _, e := range d.keys[:n] {
			more |= 1 << e.cell()
		}
		return more
	}
	for ; n > 0; n-- {
		more |= same & -same
		same &= same - 1
	}
	return more
}

// leastFirst puts the n least keys first, in any order. All keys differ.
func leastFirst(keys []key, n int) {
	for n > 0 && n < len(keys) {
		pivot := keys[len(keys)/2]
		i, j := 0, len(keys)-1
		for i <= j {
			for keys[i] < pivot {
				i++
			}
			for keys[j] > pivot {
				j--
			}
			if i <= j {
				keys[i], keys[j] = keys[j], keys[i]
				i, j = i+1, j-1
			}
		}
		// Up to j keys are at most the pivot, from i on at least.
		switch {
		case n <= j:
			keys = keys[:j+1]
		case n >= i:
			keys, n = keys[i:], n-i
		default:
			return
		}
	}
}

// drawSmall draws a tract that has few cells as large as it is: whole cells, and
// patches for the rest.
func (d *blockDrawer) drawSmall(tract int) {
	for k := range d.sums {
		if d.sums[k][tract] == 0 {
			continue
		}
		due := d.sums[k][tract] + d.small[k]
		n := max(0, (due+d.unit/2)/d.unit)
		d.small[k] = due - n*d.unit
		heart := -1
		for n > 0 {
			size := min(n, patchMost)
			if n >= wholeUnits {
				size = wholeUnits
			}
			cell := d.bestOf(tract, k, heart)
			if cell < 0 {
				d.small[k] += n * d.unit // so many classes that the next tract takes it
				break
			}
			if heart < 0 {
				heart = cell
			}
			if size == wholeUnits {
				d.sheet.owner[cell] = uint16(d.classes[k] + 1)
			} else {
				d.addPatch(cell, int(size), d.classes[k]+1)
			}
			n -= size
		}
	}
}

// bestOf returns the cell of a tract that k covers most, or of those that it covers
// as much the one nearest to heart, if there is one. It has neither owner nor
// patch; -1 if there is no such cell.
func (d *blockDrawer) bestOf(tract, k, heart int) int {
	best, most, least := -1, int64(-1), 0
	for i := range tractCells * tractCells {
		cell := cellOf(tract, i)
		v := int64(d.blocks[k][cell])
		if v < most || d.sheet.owner[cell] > 0 || d.patched(cell) {
			continue
		}
		away := 0
		if heart >= 0 {
			away = distance(cell, heart)
		}
		if v > most || away < least {
			best, most, least = cell, v, away
		}
	}
	return best
}

// distance is the square of the distance between two cells of a block.
func distance(a, b int) int {
	dx, dy := a%blockCells-b%blockCells, a/blockCells-b/blockCells
	return dx*dx + dy*dy
}
