package pyramid

import (
	"math"
	"slices"
	"strings"

	"gengtu/tileserver/tile"
)

// A tile is divided into cells of 8 by 8 units, one pixel of a tile of 512, and
// the cells into blocks of 64 by 64.
const (
	cellUnits  = 8
	tileCells  = 512
	blockCells = 64
	tileBlocks = tileCells / blockCells
)

// wholeCell is a fully covered cell where cells are counted first. One level up
// a cell is the sum of four, so whole is four times as much: sums of integers are
// exact and do not depend on their order.
const wholeCell = 1 << 15

// block is how much of each of its cells is covered.
type block [blockCells * blockCells]int64

// class is what one class covers of a tile, and the figures of the features that
// are counted in it.
type class struct {
	name            string
	blocks          [tileBlocks * tileBlocks]*block // nil where nothing is
	count           int64
	area, net       int64 // in 0.01 m²
	hasArea, hasNet bool
}

// cover is what covers a tile: its classes by name.
type cover struct {
	whole   int64 // a fully covered cell
	classes []*class
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

// add sums child, which is quarter 0 to 3 of c's tile (north-west, north-east,
// south-west, south-east), into c: four cells into one. A nil child is
// empty.
func (c *cover) add(child *cover, quarter int) {
	if child == nil || len(child.classes) == 0 {
		return
	}
	c.whole = child.whole * 4
	for _, from := range child.classes {
		to := c.class(from.name)
		to.count += from.count
		to.area += from.area
		to.net += from.net
		to.hasArea = to.hasArea || from.hasArea
		to.hasNet = to.hasNet || from.hasNet
		for i, b := range from.blocks {
			if b == nil {
				continue
			}
			bx, by := i%tileBlocks+quarter%2*tileBlocks, i/tileBlocks+quarter/2*tileBlocks
			out := to.block(by/2*tileBlocks + bx/2)
			ox, oy := bx%2*blockCells/2, by%2*blockCells/2
			for y := range blockCells {
				row := out[(oy+y/2)*blockCells+ox:]
				for x, v := range b[y*blockCells : (y+1)*blockCells] {
					row[x/2] += v
				}
			}
		}
	}
}

// clamp takes from the classes of each cell what they cover more than once.
func (c *cover) clamp() {
	for i := range tileBlocks * tileBlocks {
		var here []*block
		for _, k := range c.classes {
			if k.blocks[i] != nil {
				here = append(here, k.blocks[i])
			}
		}
		for cell := range blockCells * blockCells {
			sum := int64(0)
			for _, b := range here {
				sum += b[cell]
			}
			if sum <= c.whole {
				continue
			}
			left := c.whole
			for j, b := range here {
				share := left
				if j < len(here)-1 {
					share = b[cell] * c.whole / sum
				}
				b[cell] = share
				left -= share
			}
		}
	}
}

// raster finds how much of each cell a feature covers, exactly. An edge is cut
// where it leaves a cell; a piece that climbs dy inside a cell, at mean distance
// xm from its left side, covers dy·(1-xm) of the cell and dy of every cell to the
// right of it. The running sum of a row is then the covered share of each cell.
//
// Products are rounded by explicit conversions before they are added: fused
// operations would give other last bits on other machines.
type raster struct {
	sums        []float64 // tileCells rows of rowWidth
	left, right [tileCells]int
}

// rowWidth leaves room for what an edge on the right border adds beyond it.
const rowWidth = tileCells + 2

// cover returns what features cover of t, in cells of t.
func (r *raster) cover(t tile.Tile, features []*loaded) *cover {
	if r.sums == nil {
		r.sums = make([]float64, tileCells*rowWidth)
		for y := range r.left {
			r.left[y], r.right[y] = rowWidth, -1
		}
	}
	c := &cover{whole: wholeCell}
	scale := math.Ldexp(tileCells, int(t.Z))
	ox, oy := float64(t.X)*tileCells, float64(t.Y)*tileCells
	for _, f := range features {
		if len(f.points) == 0 {
			continue
		}
		k := c.class(f.Class)
		if f.anchor(t.Grid, t.Z) == t {
			k.enter(&f.Feature)
		}
		start := 0
		for _, end := range f.ends {
			ring := f.points[start:end]
			start = end
			for i, a := range ring {
				b := ring[(i+1)%len(ring)]
				r.edge(float64(a.X*scale)-ox, float64(a.Y*scale)-oy, float64(b.X*scale)-ox, float64(b.Y*scale)-oy)
			}
		}
		r.collect(k)
	}
	c.clamp()
	return c
}

// edge adds the edge from (x0, y0) to (x1, y1), in cells, after cutting it at the
// tile's sides. What lies to the left of the tile covers whole rows of it, what
// lies to the right nothing.
func (r *raster) edge(x0, y0, x1, y1 float64) {
	if y0 == y1 || max(y0, y1) <= 0 || min(y0, y1) >= tileCells || min(x0, x1) >= tileCells {
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
			r.inRow(row, min(max(xa, 0), tileCells), min(max(xb, 0), tileCells), next-y)
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
	out := r.sums[row*rowWidth : (row+1)*rowWidth]
	if xa > xb {
		xa, xb = xb, xa // the area does not depend on the direction along x
	}
	first, last := int(xa), int(xb)
	r.left[row], r.right[row] = min(r.left[row], first), max(r.right[row], last+1)
	if first == last {
		part := float64(dy * ((xa+xb)/2 - float64(first)))
		out[first] += dy - part
		out[first+1] += part
		return
	}
	per := dy / (xb - xa)
	for c := first; c <= last; c++ {
		l, e := math.Max(xa, float64(c)), math.Min(xb, float64(c+1))
		d := float64(per * (e - l))
		part := float64(d * ((l+e)/2 - float64(c)))
		out[c] += d - part
		out[min(c+1, rowWidth-1)] += part
	}
}

// collect adds what the edges since the last call cover to k, and clears them.
func (r *raster) collect(k *class) {
	for y := range r.left {
		if r.right[y] < 0 {
			continue
		}
		row := r.sums[y*rowWidth : (y+1)*rowWidth]
		sum := 0.0
		for x := r.left[y]; x < tileCells; x++ {
			sum += row[x]
			row[x] = 0
			share := int64(min(math.Abs(sum), 1)*wholeCell + 0.5)
			if share > 0 {
				b := k.block(y/blockCells*tileBlocks + x/blockCells)
				b[y%blockCells*blockCells+x%blockCells] += share
			} else if x > r.right[y] {
				break
			}
		}
		row[tileCells], row[tileCells+1] = 0, 0
		r.left[y], r.right[y] = rowWidth, -1
	}
}
