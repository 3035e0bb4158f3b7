package pyramid

import (
	"math"

	"gengtu/tileserver/tile"
)

// raster finds how much of each cell a feature covers, exactly. An edge is cut
// where it leaves a cell; a piece that climbs dy inside a cell, at mean distance
// xm from its left side, covers dy·(1-xm) of the cell and dy of every cell to the
// right of it. The running sum of a row is then the covered share of each cell.
//
// Features that may overlap others are kept as pieces instead, see [overlaps].
//
// Products are rounded by explicit conversions before they are added: fused
// operations would give other last bits on other machines.
type raster struct {
	sums        *[tileCells][rowWidth]float64
	left, right [tileCells]int
	top, bottom int
	// The rows that features with kept pieces have cells in.
	highest, lowest int
	overlaps        overlaps
	keep            bool // whether pieces are kept
	carry           []int64
}

// rowWidth leaves room for what an edge on the right border adds beyond it.
const rowWidth = tileCells + 2

// fineShares is a fully covered cell while features are added up; units follow
// when all are.
const (
	fineShares = 1 << 15
	fineUnit   = fineShares / wholeUnits
)

// cover returns what features, in the order of their ids, cover of t. Ground that
// several cover belongs to the first of them.
func (r *raster) cover(t tile.Tile, features []*loaded) *cover {
	c := r.begin(t)
	c.add(features)
	return c.end()
}

// covering is a cover in the making.
type covering struct {
	raster *raster
	t      tile.Tile
	cover  *cover
	seats  map[*class]int // a cell that holds a counted feature of the class
}

// begin begins the cover of t.
func (r *raster) begin(t tile.Tile) *covering {
	if r.sums == nil {
		r.sums = new([tileCells][rowWidth]float64)
		for y := range r.left {
			r.left[y], r.right[y] = rowWidth, -1
		}
		r.top, r.bottom = tileCells, -1
		r.overlaps.rims = make([]int32, tileCells*tileCells)
		r.overlaps.heads = make([]int32, tileCells*tileCells)
	}
	r.highest, r.lowest = tileCells, -1
	return &covering{r, t, &cover{whole: wholeUnits}, map[*class]int{}}
}

// add takes in features, in the order of their ids, that come before all that were
// added.
func (c *covering) add(features []*loaded) {
	r := c.raster
	for i := len(features) - 1; i >= 0; i-- {
		f := features[i]
		if len(f.points) == 0 {
			continue
		}
		k := c.cover.class(f.Class)
		if f.counts(c.t) {
			k.enter(&f.Feature)
			c.seats[k] = seat(c.t, f.points[0])
		}
		r.keep = !f.Alone
		r.edges(c.t, f)
		if f.Alone {
			r.collect(k)
		} else {
			r.part(k)
		}
	}
}

// end returns the cover.
func (c *covering) end() *cover {
	r := c.raster
	r.overlaps.resolve(r.highest, r.lowest)
	r.settle(c.cover)
	for k, at := range c.seats {
		k.sit(at)
	}
	return c.cover
}

// seat returns the cell of t that w lies in.
func seat(t tile.Tile, w tile.World) int {
	scale := math.Ldexp(tileCells, int(t.Z))
	at := func(v, o float64) int { return int(max(0, min(math.Floor(float64(v*scale)-o), tileCells-1))) }
	return at(w.Y, float64(t.Y)*tileCells)*tileCells + at(w.X, float64(t.X)*tileCells)
}

// sit gives k a share of the cell at when it covers nothing at all: a class that
// is counted is somewhere.
func (k *class) sit(at int) {
	for _, b := range k.blocks {
		if b.total() > 0 {
			return
		}
	}
	x, y := at%tileCells, at/tileCells
	k.block(y/blockCells*tileBlocks + x/blockCells)[y%blockCells*blockCells+x%blockCells] = 1
}

// edges adds the edges of f.
func (r *raster) edges(t tile.Tile, f *loaded) {
	scale := math.Ldexp(tileCells, int(t.Z))
	ox, oy := float64(t.X)*tileCells, float64(t.Y)*tileCells
	inside := float64(f.min.X*scale)-ox >= 0 && float64(f.max.X*scale)-ox < tileCells &&
		float64(f.min.Y*scale)-oy >= 0 && float64(f.max.Y*scale)-oy < tileCells
	start := 0
	for _, end := range f.ends {
		ring := f.points[start:end]
		start = end
		if len(ring) == 0 {
			continue
		}
		a := ring[len(ring)-1]
		ax, ay := float64(a.X*scale)-ox, float64(a.Y*scale)-oy
		for _, b := range ring {
			bx, by := float64(b.X*scale)-ox, float64(b.Y*scale)-oy
			if !inside {
				r.edge(ax, ay, bx, by)
			} else if ay != by {
				r.within(ax, ay, bx, by)
			}
			ax, ay = bx, by
		}
	}
}

// edge adds the edge from (x0, y0) to (x1, y1), in cells, after cutting it at the
// tile's sides. What lies to the left of the tile covers whole rows of it, what
// lies to the right nothing.
func (r *raster) edge(x0, y0, x1, y1 float64) {
	if y0 == y1 || max(y0, y1) <= 0 || min(y0, y1) >= tileCells || min(x0, x1) >= tileCells {
		return
	}
	if min(x0, x1, y0, y1) >= 0 && max(x0, x1, y0, y1) < tileCells {
		r.within(x0, y0, x1, y1)
		return
	}
	if max(x0, x1) <= 0 {
		x0, x1 = 0, 0
	}
	for _, side := range [2]float64{0, tileCells} {
		if (x0 < side) != (x1 < side) && x0 != side && x1 != side {
			y := y0 + float64((side-x0)*(y1-y0)/(x1-x0))
			r.edge(x0, y0, side, y)
			r.edge(side, y, x1, y1)
			return
		}
	}
	slope := (x1 - x0) / (y1 - y0)
	for y := y0; y != y1; {
		row, next := rowStep(y, y1)
		xa, xb := x0+float64((y-y0)*slope), x0+float64((next-y0)*slope)
		if next == y1 {
			xb = x1
		}
		if row >= 0 && row < tileCells {
			xa, xb = min(max(xa, 0), tileCells), min(max(xb, 0), tileCells)
			r.piece(row, xa, y, xb, next)
		} else if row < 0 == (y1 < y0) {
			return // past the tile, going on
		} else if y1 > y0 {
			next = min(0, y1)
		} else {
			next = max(tileCells, y1)
		}
		y = next
	}
}

// within adds an edge that lies in the tile.
func (r *raster) within(x0, y0, x1, y1 float64) {
	row, step, side := int(y0), 1, 1 // side is where the edge leaves a row
	if y1 < y0 {
		step, side = -1, 0
		if float64(row) == y0 {
			row--
		}
	}
	if int(y1) == row { // most edges stay in a row
		r.piece(row, x0, y0, x1, y1)
		return
	}
	slope := (x1 - x0) / (y1 - y0)
	x, y := x0, y0
	for {
		nx, ny := x1, float64(row+side)
		last := step > 0 && ny >= y1 || step < 0 && ny <= y1
		if last {
			ny = y1
		} else {
			nx = x0 + float64((ny-y0)*slope)
		}
		r.piece(row, x, y, nx, ny)
		if last {
			return
		}
		x, y, row = nx, ny, row+step
	}
}

// piece adds a piece that runs from (xa, ya) to (xb, yb) inside one row.
func (r *raster) piece(row int, xa, ya, xb, yb float64) {
	if r.keep {
		r.overlaps.inRow(row, xa, ya, xb, yb)
	}
	r.inRow(row, xa, xb, yb-ya)
}

// rowStep tells in which row the edge is after y, and where it leaves it or ends.
func rowStep(y, end float64) (row int, next float64) {
	if end > y {
		f := math.Floor(y)
		return int(f), math.Min(f+1, end)
	}
	c := math.Ceil(y)
	return int(c) - 1, math.Max(c-1, end)
}

// inRow adds a piece that runs from xa to xb inside one row while climbing dy.
func (r *raster) inRow(row int, xa, xb, dy float64) {
	out := &r.sums[row]
	if xa > xb {
		xa, xb = xb, xa // the area does not depend on the direction along x
	}
	first, last := int(xa), int(xb)
	r.left[row], r.right[row] = min(r.left[row], first), max(r.right[row], last+1)
	r.top, r.bottom = min(r.top, row), max(r.bottom, row)
	if first == last {
		part := float64(dy * ((xa+xb)/2 - float64(first)))
		out[first] += dy - part
		out[first+1] += part
		return
	}
	per, l := dy/(xb-xa), xa
	for c := first; c < last; c++ {
		e := float64(c + 1)
		d := float64(per * (e - l))
		part := float64(d * ((l+e)/2 - float64(c)))
		out[c] += d - part
		out[c+1] += part
		l = e
	}
	d := float64(per * (xb - l))
	part := float64(d * ((l+xb)/2 - float64(last)))
	out[last] += d - part
	out[min(last+1, rowWidth-1)] += part
}

// collect adds what the edges since the last call cover to k, and clears them.
func (r *raster) collect(k *class) {
	for y := r.top; y <= r.bottom; y++ {
		row := &r.sums[y]
		sum := 0.0
		for x := r.left[y]; x < tileCells; x++ {
			sum += row[x]
			row[x] = 0
			if share := fine(sum); share > 0 {
				b := k.block(y/blockCells*tileBlocks + x/blockCells)
				b[y%blockCells*blockCells+x%blockCells] += share
			} else if x > r.right[y] {
				break
			}
		}
		r.clear(y)
	}
	r.top, r.bottom = tileCells, -1
}

// part enters what the edges since the last call cover of cells as parts of k, and
// clears them.
func (r *raster) part(k *class) {
	r.overlaps.whole = 0
	for y := r.top; y <= r.bottom; y++ {
		r.overlaps.row(k, y, r.left[y], r.right[y], &r.sums[y])
		r.clear(y)
	}
	r.highest, r.lowest = min(r.highest, r.top), max(r.lowest, r.bottom)
	r.top, r.bottom = tileCells, -1
}

// fine turns a running sum into shares.
func fine(sum float64) uint32 {
	if sum = math.Abs(sum); sum >= 1 {
		return fineShares
	}
	return uint32(sum*fineShares + 0.5)
}

// clear ends row y.
func (r *raster) clear(y int) {
	r.sums[y][tileCells], r.sums[y][tileCells+1] = 0, 0
	r.left[y], r.right[y] = rowWidth, -1
}

// settle turns fine shares into units. What rounding takes from a cell or gives
// to it is carried to the next one of the class, so that over the tile it is less
// than half a unit.
func (r *raster) settle(c *cover) {
	r.carry = append(r.carry[:0], make([]int64, len(c.classes))...)
	var here []int
	for i := range tileBlocks * tileBlocks {
		here = here[:0]
		for k, class := range c.classes {
			if class.blocks[i] != nil {
				here = append(here, k)
			}
		}
		for cell := range blockCells * blockCells {
			sum := int64(0)
			for _, k := range here {
				b := c.classes[k].blocks[i]
				if b[cell] == 0 {
					continue
				}
				v := int64(b[cell]) + r.carry[k]
				n := max(0, min((v+fineUnit/2)>>fineUnitShift, wholeUnits))
				r.carry[k] = v - n<<fineUnitShift
				b[cell] = uint32(n)
				sum += n
			}
			for ; sum > wholeUnits; sum-- {
				r.giveBack(c, here, i, cell)
			}
		}
	}
}

// fineUnitShift is the binary logarithm of fineUnit.
const fineUnitShift = 9

// giveBack takes a unit of a cell from the class that was given most too much.
func (r *raster) giveBack(c *cover, here []int, i, cell int) {
	worst := -1
	for _, k := range here {
		if c.classes[k].blocks[i][cell] > 0 && (worst < 0 || r.carry[k] < r.carry[worst]) {
			worst = k
		}
	}
	c.classes[worst].blocks[i][cell]--
	r.carry[worst] += fineUnit
}
