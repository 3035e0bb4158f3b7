package pyramid

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
)

func byName(k class, name string) int { return strings.Compare(k.name, name) }

// curve lists the squares of a grid of side by side, row by row from 0, along
// Hilbert's curve. side is a power of two.
func curve(side int) []int {
	t := make([]int, side*side)
	for d := range t {
		x, y := 0, 0
		for s, rest := 1, d; s < side; s, rest = s*2, rest/4 {
			rx := rest / 2 & 1
			ry := (rest ^ rx) & 1
			if ry == 0 {
				if rx == 1 {
					x, y = s-1-x, s-1-y
				}
				x, y = y, x
			}
			x, y = x+s*rx, y+s*ry
		}
		t[d] = y*side + x
	}
	return t
}

// ways holds Hilbert's curve through the blocks of a tile, and through the tracts
// of a block: both are 8 by 8.
var ways = curve(tileBlocks)

// allot decides how many units each class of c is to have of each block.
//
// The tile as a whole has its area, rounded once, and at least a unit if a
// feature is counted in it; its units go to the classes by largest remainder, and
// each class's to the blocks along the curve, each taking what makes the sum up to
// it right. So a class is drawn where it is, and its error is less than a unit in
// the tile and up to any of its blocks.
func allot(c *cover) [][tileBlocks * tileBlocks]int64 {
	unit := c.whole / wholeUnits
	units := make([][tileBlocks * tileBlocks]int64, len(c.classes))
	masses := make([][tileBlocks * tileBlocks]int64, len(c.classes))
	sums := make([]int64, len(c.classes))
	for k, class := range c.classes {
		for i := range class.blocks {
			masses[k][i] = class.total(i)
			sums[k] += masses[k][i]
		}
	}
	wanted := apportion(c.classes, sums, unit)
	for k := range units {
		sum, given := uint64(0), uint64(0)
		for _, i := range ways {
			if masses[k][i] == 0 {
				continue
			}
			sum += uint64(masses[k][i])
			// The sum's share of what is wanted, rounded: it fits 64 bits, as the
			// sum is at most all of it.
			hi, lo := bits.Mul64(sum, uint64(wanted[k]))
			lo, carry := bits.Add64(lo, uint64(sums[k])/2, 0)
			share, _ := bits.Div64(hi+carry, lo, uint64(sums[k]))
			units[k][i] = int64(share - given)
			given = share
		}
	}
	fit(units, masses, unit)
	hold(c, units, masses)
	return units
}

// apportion returns how many units each class of a tile is to have.
func apportion(classes []*class, sums []int64, unit int64) []int64 {
	total, counted := int64(0), false
	for k, sum := range sums {
		total += sum
		counted = counted || classes[k].count > 0
	}
	left := (total + unit/2) / unit
	if left == 0 && counted && total > 0 {
		left = 1
	}
	wanted := make([]int64, len(sums))
	order := make([]int, len(sums))
	for k, sum := range sums {
		order[k] = k
		wanted[k] = sum / unit
		left -= wanted[k]
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(sums[b]%unit, sums[a]%unit) })
	for _, k := range order {
		if left > 0 && sums[k] > 0 {
			wanted[k]++
			left--
		}
	}
	// A class that is counted here shows, as long as another can spare a unit.
	for k := range sums {
		if classes[k].count == 0 || wanted[k] > 0 || sums[k] == 0 {
			continue
		}
		donor := 0
		for j := range wanted {
			if wanted[j] > wanted[donor] {
				donor = j
			}
		}
		if wanted[donor] > 1 || wanted[donor] == 1 && classes[donor].count == 0 {
			wanted[donor]--
			wanted[k]++
		}
	}
	return wanted
}

// fit moves units that a block has no room for to later blocks along the curve,
// and what is left there to any block that the class is in: rounding several
// classes may ask for a unit or two more than a full block has.
func fit(units, masses [][tileBlocks * tileBlocks]int64, unit int64) {
	over := make([]int64, len(units))
	for range 2 { // the second round finds room before the block that had none
		for _, i := range ways {
			sum := int64(0)
			for k := range units {
				if masses[k][i] > 0 {
					units[k][i] += over[k]
					over[k] = 0
				}
				sum += units[k][i]
			}
			for ; sum > blockCells*blockCells*wholeUnits; sum-- {
				worst := -1
				for k := range units {
					if units[k][i] > 0 && (worst < 0 || units[k][i]*unit-masses[k][i] > units[worst][i]*unit-masses[worst][i]) {
						worst = k
					}
				}
				units[worst][i]--
				over[worst]++
			}
		}
	}
}

// hold fills the blocks that are covered all over. Rounding may leave them a few
// units short, and a hole in the middle of covered ground is seen, while at the
// edge of what is drawn a unit more or less is not: so they get them from blocks
// that have an edge.
func hold(c *cover, units, masses [][tileBlocks * tileBlocks]int64) {
	var spare [tileBlocks * tileBlocks]int64
	for i := range spare {
		for k := range units {
			spare[i] += units[k][i]
		}
		if c.full(i, masses) {
			spare[i] -= blockCells * blockCells * wholeUnits
		}
	}
	for at, i := range ways {
		for spare[i] < 0 {
			from := fetch(units, masses, &spare, at)
			if from < 0 {
				break
			}
			spare[from]--
			spare[i]++
		}
	}
}

// full tells whether every cell of block i is covered.
func (c *cover) full(i int, masses [][tileBlocks * tileBlocks]int64) bool {
	sum := int64(0)
	for k := range c.classes {
		if masses[k][i] > 0 {
			sum += masses[k][i]
		}
	}
	if sum < (blockCells*blockCells-blockCells)*c.whole {
		return false
	}
	var blocks []*block
	for k, class := range c.classes {
		if masses[k][i] > 0 {
			blocks = append(blocks, c.cells(class, i))
		}
	}
	enough := c.whole - c.slack(len(blocks))
	for cell := range blockCells * blockCells {
		v := int64(0)
		for _, b := range blocks {
			v += int64(b[cell])
		}
		if v < enough {
			return false
		}
	}
	return true
}

// slack is how many shares a covered cell may lack because the shares of classes
// were rounded, a unit or so for each class and each row of the cells that were
// counted first.
func (c *cover) slack(classes int) int64 {
	rows := (bits.Len64(uint64(c.whole/wholeUnits)) - 1) / 2
	return int64(min(classes, 4)) << rows
}

// fetch moves a unit to the block that lies at a place of the curve, from the
// block nearest along it that can spare one, and returns that; -1 if none can. Where
// the two have no class in common, blocks between them change one for another.
func fetch(units, masses [][tileBlocks * tileBlocks]int64, spare *[tileBlocks * tileBlocks]int64, at int) int {
	type way struct{ to, class int }
	var found [tileBlocks * tileBlocks]*way
	found[ways[at]] = &way{-1, -1}
	for queue := []int{ways[at]}; len(queue) > 0; queue = queue[1:] {
		to := queue[0]
		for away := 1; away < len(ways); away++ {
			for _, next := range []int{at + away, at - away} {
				if next < 0 || next >= len(ways) || found[ways[next]] != nil {
					continue
				}
				i := ways[next]
				k := common(units, masses, i, to)
				if k < 0 {
					continue
				}
				found[i], queue = &way{to, k}, append(queue, i)
				if spare[i] <= 0 {
					continue
				}
				for b := i; found[b].to >= 0; b = found[b].to {
					units[found[b].class][b]--
					units[found[b].class][found[b].to]++
				}
				return i
			}
		}
	}
	return -1
}

// common returns the first class of which one block has a unit and another has mass, so
// that the unit can move there; -1 for none.
func common(units, masses [][tileBlocks * tileBlocks]int64, from, to int) int {
	for k := range units {
		if units[k][from] > 0 && masses[k][to] > 0 {
			return k
		}
	}
	return -1
}
