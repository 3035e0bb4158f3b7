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
		for i, b := range class.blocks {
			masses[k][i] = b.total()
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
