package pyramid

import (
	"math"

	"gengtu/tileserver/mvt"
)

// patch is a small shape inside a cell that belongs to another class than the
// cell, or to empty ground.
type patch struct {
	x, y   int32 // the cell
	units  int32
	holder uint16 // as in sheet.owner
}

// patchSide is the largest side of a patch: one unit of its cell stays around it,
// so that no patch touches a border.
const (
	patchSide = cellUnits - 2
	patchMost = patchSide * patchSide
)

// patchWidths holds for each number of units the width of a patch: a square as
// far as may be.
var patchWidths = func() (t [patchMost + 1]int32) {
	for n := range t {
		t[n] = int32(math.Ceil(math.Sqrt(float64(n))))
	}
	return t
}()

// ring returns the patch's border, in the middle of its cell, in units from the
// north-west corner of the cell 0, 0: full rows, and below them what is left.
func (p patch) ring() mvt.Ring {
	w := patchWidths[p.units]
	h, rest := p.units/w, p.units%w
	x := p.x*cellUnits + (cellUnits-w)/2
	y := p.y*cellUnits + (cellUnits-h)/2
	if rest == 0 {
		return mvt.Ring{{X: x, Y: y}, {X: x + w, Y: y}, {X: x + w, Y: y + h}, {X: x, Y: y + h}}
	}
	return mvt.Ring{{X: x, Y: y}, {X: x + w, Y: y}, {X: x + w, Y: y + h}, {X: x + rest, Y: y + h}, {X: x + rest, Y: y + h + 1}, {X: x, Y: y + h + 1}}
}

func (d *blockDrawer) patched(cell int) bool {
	return d.has[cell/blockCells]>>(cell%blockCells)&1 != 0
}

func (d *blockDrawer) addPatch(cell, units, holder int) {
	d.has[cell/blockCells] |= 1 << (cell % blockCells)
	d.sheet.patches = append(d.sheet.patches, patch{int32(cell % blockCells), int32(cell / blockCells), int32(units), uint16(holder)})
}

// settle gives classes that are still owed units, number 0 standing for empty
// ground, patches in cells of those that have too many. After it none is owed
// any.
func (d *blockDrawer) settle() {
	for k := range d.classes {
		// Both carries together are whole units, as the plan is.
		d.left[k+1] = (d.owed[k] + d.small[k]) / d.unit
		d.left[0] -= d.left[k+1]
	}
	// Each round settles one of two classes or fills one cell's patch.
	for range blockCells * blockCells {
		to, from := 0, 0
		for k, n := range d.left {
			if n > d.left[to] {
				to = k
			}
			if n < d.left[from] {
				from = k
			}
		}
		n := min(d.left[to], -d.left[from], patchMost)
		if n <= 0 {
			return
		}
		var cell int
		var ok bool
		if to == 0 {
			cell, from, ok = d.hollow(from)
		} else {
			cell, ok = d.place(to-1, from-1)
		}
		if !ok {
			// Every cell of from has its patch: take the others first.
			d.left[from] = 0
			continue
		}
		holder := 0
		if to > 0 {
			holder = d.classes[to-1] + 1
		}
		d.addPatch(cell, int(n), holder)
		d.left[to] -= n
		d.left[from] += n
	}
}

// hollow finds a cell for a patch of empty ground and the class, from 1, that owns
// it: of class from the least covered one that is not covered all over, or else one
// at the edge of what is covered, of another class if it must be, which then gets
// its units back from class from. Only where there is no edge it is any cell of from.
func (d *blockDrawer) hollow(from int) (cell, owner int, ok bool) {
	cell, ok = d.place(-1, from-1)
	if ok && d.surroundings.cell(cell%blockCells, cell/blockCells) < d.near {
		return cell, from, true
	}
	for k := range d.classes {
		// From itself first, then the others.
		k = (from - 1 + k) % len(d.classes)
		if at, found := d.edge(uint16(d.classes[k] + 1)); found {
			return at, k + 1, true
		}
	}
	return cell, from, ok
}

// place finds the cell that from owns, has no patch, and is covered most by to;
// where there is none, the one nearest to where to covers most. Empty ground, -1,
// is put where least is covered.
func (d *blockDrawer) place(to, from int) (int, bool) {
	owner := uint16(0)
	if from >= 0 {
		owner = uint16(d.classes[from] + 1)
	}
	best, most := -1, int64(0)
	if to < 0 {
		most = math.MinInt64
	}
	for _, tract := range ways {
		if to >= 0 && d.sums[to][tract] == 0 || to < 0 && d.sums[from][tract] == 0 {
			continue
		}
		if d.bound(to, tract) <= most {
			continue
		}
		for i := range tractCells * tractCells {
			cell := cellOf(tract, i)
			if d.sheet.owner[cell] != owner {
				continue
			}
			v := int64(0)
			if to >= 0 {
				v = int64(d.blocks[to][cell])
			} else {
				for _, b := range d.blocks {
					v -= int64(b[cell])
				}
			}
			if v > most && !d.patched(cell) {
				best, most = cell, v
			}
		}
	}
	if best >= 0 || to < 0 {
		return best, best >= 0
	}
	return d.nearest(to, owner)
}

// bound returns what no cell of a tract has more of, as [blockDrawer.place] looks for
// it: no more of class to than the tract, and no less of all than what the other
// cells of the tract do not hold.
func (d *blockDrawer) bound(to, tract int) int64 {
	if to >= 0 {
		return d.sums[to][tract]
	}
	sum := int64(0)
	for k := range d.sums {
		sum += d.sums[k][tract]
	}
	// Shares that were made larger may be rounded up, each by one.
	return -max(0, sum-(tractCells*tractCells-1)*(d.whole+int64(len(d.sums))))
}

// nearest finds the cell of owner that has no patch, nearest to the cell that
// class k covers most; among empty cells, one that something covers if there is one.
func (d *blockDrawer) nearest(k int, owner uint16) (int, bool) {
	heart := 0
	for cell, v := range d.blocks[k] {
		if v > d.blocks[k][heart] {
			heart = cell
		}
	}
	const bare = 2 * blockCells * blockCells // further than any cell of the block
	best, least := -1, math.MaxInt
	for cell, o := range d.sheet.owner {
		if o != owner || d.patched(cell) {
			continue
		}
		away := distance(cell, heart)
		if owner == 0 && d.surroundings.cell(cell%blockCells, cell/blockCells) == 0 {
			away += bare
		}
		if away < least {
			best, least = cell, away
		}
	}
	return best, best >= 0
}
