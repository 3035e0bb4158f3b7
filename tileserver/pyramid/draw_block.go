package pyramid

import (
	"slices"
)

// blockDrawer draws a block.
type blockDrawer struct {
	classes []int    // the classes that the block has, by their numbers in the cover
	blocks  []*block // what they cover
	sums    [][blockPlots * blockPlots]int64
	owed    []int64 // of each class, in shares: carried between plots of whole cells
	small   []int64 // the same, between plots that have less than a cell
	quotas  []int
	left    []int64 // in units, of empty ground and of each class
	covered [plotCells * plotCells]int64
	chosen  [plotCells * plotCells]bool
	keys    []key
	whole   int64
	unit    int64
	sheet   *sheet
	has     [blockCells]uint64 // a bit for each cell that has a patch
}

// key orders cells, or cells and classes, by what is covered.
type key struct {
	share int64
	class int32
	cell  int32
}

// compare puts the most covered first.
func (a key) compare(b key) int {
	switch {
	case a.share != b.share:
		if a.share > b.share {
			return -1
		}
		return 1
	case a.class != b.class:
		return int(a.class - b.class)
	}
	return int(a.cell - b.cell)
}

// scarce is the part of a cell, as a divisor, that must be covered for the cell to
// be drawn whole: a cell with hardly anything in it is no place to draw.
const scarce = 50

// draw draws block i of c, as many units of each class as are planned; nil if
// there are none.
func (d *blockDrawer) draw(c *cover, i int) *sheet {
	d.classes, d.blocks, d.sums = d.classes[:0], d.blocks[:0], d.sums[:0]
	d.owed, d.small, d.left = d.owed[:0], d.small[:0], append(d.left[:0], 0)
	d.whole, d.unit = c.whole, c.whole/wholeUnits
	units := int64(0)
	for k := range c.classes {
		b := c.classes[k].blocks[i]
		if b == nil {
			continue
		}
		n := c.drawn.units[k][i]
		units += n
		d.classes, d.blocks = append(d.classes, k), append(d.blocks, b)
		d.sums = append(d.sums, b.plots())
		// What the plan rounds is a part of a unit.
		d.small = append(d.small, n*d.unit-b.total())
		d.owed, d.left = append(d.owed, 0), append(d.left, 0)
	}
	if units == 0 {
		return nil
	}
	d.sheet, d.has = &sheet{}, [blockCells]uint64{}
	for _, plot := range ways {
		sum := int64(0)
		for k := range d.sums {
			sum += d.sums[k][plot]
		}
		switch {
		case sum == 0:
		case sum < d.whole:
			d.drawSmall(plot)
		default:
			d.drawPlot(plot)
		}
	}
	d.settle()
	return d.sheet
}

// plots sums what b covers of each plot.
func (b *block) plots() (sums [blockPlots * blockPlots]int64) {
	for y := range blockCells {
		row := b[y*blockCells:][:blockCells]
		out := sums[y/plotCells*blockPlots:][:blockPlots]
		for x := range out {
			c := row[x*plotCells:][:plotCells]
			out[x] += int64(c[0]) + int64(c[1]) + int64(c[2]) + int64(c[3]) + int64(c[4]) + int64(c[5]) + int64(c[6]) + int64(c[7])
		}
	}
	return sums
}

// cellOf returns the number in its block of cell i of a plot.
func cellOf(plot, i int) int {
	return (plot/blockPlots*plotCells+i/plotCells)*blockCells + plot%blockPlots*plotCells + i%plotCells
}

// drawPlot draws whole cells in a plot.
func (d *blockDrawer) drawPlot(plot int) {
	full, some := d.cover(plot)
	due := int64(0)
	for k := range d.sums {
		if d.sums[k][plot] > 0 {
			due += d.sums[k][plot] + d.owed[k]
		}
	}
	cells := int(max(0, min((due+d.whole/2)/d.whole, int64(some))))
	classes := d.divide(plot, cells)
	d.choose(cells, full)
	if len(classes) == 1 {
		for i, yes := range d.chosen {
			if yes {
				d.sheet.owner[cellOf(plot, i)] = uint16(d.classes[classes[0]] + 1)
			}
		}
		return
	}
	d.keys = d.keys[:0]
	for i, yes := range d.chosen {
		for _, k := range classes {
			if yes {
				d.keys = append(d.keys, key{int64(d.blocks[k][cellOf(plot, i)]), int32(k), int32(i)})
			}
		}
	}
	slices.SortFunc(d.keys, key.compare)
	for _, e := range d.keys {
		if d.quotas[e.class] > 0 && d.chosen[e.cell] {
			d.quotas[e.class]--
			d.chosen[e.cell] = false
			d.sheet.owner[cellOf(plot, int(e.cell))] = uint16(d.classes[e.class] + 1)
		}
	}
}

// cover sums what is covered of each cell of a plot, and returns how many are
// full and how many are covered enough to be drawn.
func (d *blockDrawer) cover(plot int) (full, some int) {
	first := true
	for k, b := range d.blocks {
		if d.sums[k][plot] == 0 {
			continue
		}
		for i := range d.covered {
			v := int64(b[cellOf(plot, i)])
			if !first {
				v += d.covered[i]
			}
			d.covered[i] = v
		}
		first = false
	}
	for _, v := range d.covered {
		if v >= d.whole {
			full++
		}
		if v*scarce >= d.whole {
			some++
		}
	}
	return full, some
}

// divide shares out cells among the classes that the plot has, by largest
// remainder, to d.quotas, and returns those that get any. What they are owed goes
// on.
func (d *blockDrawer) divide(plot, cells int) (classes []int) {
	d.quotas = append(d.quotas[:0], make([]int, len(d.classes))...)
	left := cells
	for k := range d.sums {
		if d.sums[k][plot] > 0 {
			d.owed[k] += d.sums[k][plot]
			d.quotas[k] = int(max(0, d.owed[k]/d.whole))
			left -= d.quotas[k]
		}
	}
	for ; left != 0; left -= sign(left) {
		best := -1
		for k := range d.sums {
			if d.sums[k][plot] == 0 || left < 0 && d.quotas[k] == 0 {
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

// choose marks the most covered cells of the plot, full of which are full.
func (d *blockDrawer) choose(cells, full int) {
	if cells >= full {
		d.keys = d.keys[:0]
		for i, v := range d.covered {
			if d.chosen[i] = v >= d.whole; !d.chosen[i] && v > 0 {
				d.keys = append(d.keys, key{v, 0, int32(i)})
			}
		}
		cells -= full
	} else {
		d.keys = d.keys[:0]
		for i, v := range d.covered {
			d.chosen[i] = false
			d.keys = append(d.keys, key{v, 0, int32(i)})
		}
	}
	if cells < len(d.keys) {
		slices.SortFunc(d.keys, key.compare)
	}
	for _, e := range d.keys[:cells] {
		d.chosen[e.cell] = true
	}
}

// drawSmall draws a plot that has less than a cell.
func (d *blockDrawer) drawSmall(plot int) {
	for k := range d.sums {
		if d.sums[k][plot] == 0 {
			continue
		}
		due := d.sums[k][plot] + d.small[k]
		n := max(0, (due+d.unit/2)/d.unit)
		d.small[k] = due - n*d.unit
		for n > 0 {
			size := min(n, patchMost)
			cell := d.bestOf(plot, k)
			d.addPatch(cell, int(size), d.classes[k]+1)
			n -= size
		}
	}
}

// bestOf returns the cell of a plot without whole cells that k covers most and
// that has no patch; there is one, as a plot has fewer patches than cells.
func (d *blockDrawer) bestOf(plot, k int) int {
	best, most := -1, int64(-1)
	for i := range plotCells * plotCells {
		cell := cellOf(plot, i)
		if v := int64(d.blocks[k][cell]); v > most && !d.patched(cell) {
			best, most = cell, v
		}
	}
	return best
}
