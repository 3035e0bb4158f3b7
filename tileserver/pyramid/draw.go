package pyramid

import (
	"encoding/binary"
	"hash/fnv"
	"math"

	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// drawer draws a cover as whole cells. Inside a block the error of each class is
// carried from cell to cell along a Hilbert curve, so that as many cells are drawn
// as the area asks for and each close to the ground that it stands for. What is
// left at the block's end, less than a cell, is exchanged between classes, and
// with empty ground, as small rectangles inside single cells.
type drawer struct {
	owner   [tileCells * tileCells]uint16 // 0 for empty ground, or a class's number from 1
	patches []patch
	has     [tileCells * tileCells / 64]uint64 // a bit for each cell that has a patch
	mass    []int64                            // of each class, still to be drawn in the block
	tracer  tracer
}

// patch is a rectangle inside a cell that belongs to another class than the cell.
type patch struct {
	x, y   int32 // the cell
	w, h   int32 // units
	holder uint16
}

// patchSide is the largest side of a patch: one unit of its cell stays around it,
// so that no patch touches a border.
const patchSide = cellUnits - 2

// fewCells is how much a block must hold to be drawn as whole cells. Less than
// that, which several classes may share, is drawn as patches alone.
const fewCells = 4

// patchSizes holds for each number of units the sides of the largest patch that
// is not larger.
var patchSizes = func() (t [patchSide*patchSide + 1][2]int32) {
	for n := range t {
		for w := int32(1); w <= patchSide; w++ {
			for h := int32(1); h <= w; h++ {
				if size := w * h; int(size) <= n && size > t[n][0]*t[n][1] {
					t[n] = [2]int32{w, h}
				}
			}
		}
	}
	return t
}()

// hilbert lists the cells of a block along Hilbert's curve.
var hilbert = func() (t [blockCells * blockCells]uint16) {
	for d := range t {
		x, y := 0, 0
		for s, rest := 1, d; s < blockCells; s, rest = s*2, rest/4 {
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
		t[d] = uint16(y*blockCells + x)
	}
	return t
}()

// draw returns the features that show c in t, one for each class that shows.
func (d *drawer) draw(t tile.Tile, c *cover, classKey string) []mvt.Feature {
	// Class numbers are 16 bits; more classes than that are not told apart.
	classes := c.classes[:min(len(c.classes), 1<<16-2)]
	clear(d.owner[:])
	d.patches = d.patches[:0]
	clear(d.has[:])
	drawn := false
	for i := range tileBlocks * tileBlocks {
		drawn = d.drawBlock(t, classes, i, c.whole) || drawn
	}
	if !drawn && !d.drawOne(classes) {
		return nil
	}
	shapes := d.tracer.trace(&d.owner, d.patches, len(classes))
	var features []mvt.Feature
	for i, k := range classes {
		if len(shapes[i]) == 0 {
			continue
		}
		f := mvt.Feature{Polygons: shapes[i]}
		if classKey != "" && k.name != "" {
			f.Tags = append(f.Tags, mvt.Tag{Key: classKey, Value: k.name})
		}
		f.Tags = append(f.Tags, mvt.Tag{Key: "count", Value: k.count})
		if k.hasArea {
			f.Tags = append(f.Tags, mvt.Tag{Key: "area_m2", Value: float64(k.area) / 100})
		}
		if k.hasNet {
			f.Tags = append(f.Tags, mvt.Tag{Key: "net_m2", Value: float64(k.net) / 100})
		}
		features = append(features, f)
	}
	return features
}

// drawBlock draws block i, and tells whether anything was.
func (d *drawer) drawBlock(t tile.Tile, classes []*class, i int, whole int64) bool {
	blocks := make([]*block, len(classes))
	empty := true
	for k, c := range classes {
		blocks[k] = c.blocks[i]
		empty = empty && blocks[k] == nil
	}
	if empty {
		return false
	}
	d.mass = append(d.mass[:0], make([]int64, len(classes)+1)...)
	x0, y0 := i%tileBlocks*blockCells, i/tileBlocks*blockCells
	drawn := false
	enough := total(blocks) >= fewCells*whole
	held := int64(0)
	for _, cell := range hilbert {
		best, covered := -1, int64(0)
		for k, b := range blocks {
			if b == nil || b[cell] == 0 {
				continue
			}
			covered += b[cell]
			d.mass[k+1] += b[cell]
			if best < 0 || d.mass[k+1] > d.mass[best+1] {
				best = k
			}
		}
		held += covered
		// A cell with hardly anything in it is no place to draw; what is owed
		// waits for a better one.
		if enough && 2*held >= whole && covered*50 >= whole {
			d.owner[(y0+int(cell)/blockCells)*tileCells+x0+int(cell)%blockCells] = uint16(best + 1)
			d.mass[best+1] -= whole
			held -= whole
			drawn = true
		}
	}
	d.mass[0] = -held
	return d.settle(t, blocks, i, whole) || drawn
}

// settle gives classes that are still owed ground, number 0 standing for empty
// ground, patches in cells of those that have too much, and tells whether it gave
// any. After it each is owed less than the rounding of a patch.
func (d *drawer) settle(t tile.Tile, blocks []*block, i int, whole int64) bool {
	gave := false
	unit := float64(whole) / (cellUnits * cellUnits)
	// Each round settles one of two classes or fills one cell's patch.
	for range blockCells * blockCells {
		to, from := 0, 0
		for k, m := range d.mass {
			if m > d.mass[to] {
				to = k
			}
			if m < d.mass[from] {
				from = k
			}
		}
		most, least := float64(d.mass[to])/unit, float64(-d.mass[from])/unit
		n := int(min(most, least) + 0.5)
		if n == 0 && most+least > 1 {
			n = 1 // leaves both nearer to their right than they were
		}
		if n == 0 && to > 0 && d.alone(to, i) && most > chance(t, i, to) {
			n = 1
		}
		if n <= 0 {
			break
		}
		size := patchSizes[min(n, len(patchSizes)-1)]
		x, y, ok := d.place(blocks, i, to, from)
		if !ok {
			// Every cell of from has its patch: take the others first.
			d.mass[from] = 0
			continue
		}
		d.patches = append(d.patches, patch{int32(x), int32(y), size[0], size[1], uint16(to)})
		d.has[(y*tileCells+x)>>6] |= 1 << ((y*tileCells + x) & 63)
		moved := int64(float64(size[0]*size[1]) * unit)
		d.mass[to] -= moved
		d.mass[from] += moved
		gave = gave || to > 0
	}
	return gave
}

// alone tells whether nothing of class number k is drawn in block i: what it has
// there is less than half a unit. A share of such blocks draws one, so that many
// of them together have their area.
func (d *drawer) alone(k, i int) bool {
	x0, y0 := i%tileBlocks*blockCells, i/tileBlocks*blockCells
	for y := y0; y < y0+blockCells; y++ {
		for _, o := range d.owner[y*tileCells+x0 : y*tileCells+x0+blockCells] {
			if o == uint16(k) {
				return false
			}
		}
	}
	for _, p := range d.patches {
		if p.holder == uint16(k) && int(p.x) >= x0 && int(p.x) < x0+blockCells && int(p.y) >= y0 && int(p.y) < y0+blockCells {
			return false
		}
	}
	return true
}

// chance returns a number in [0, 1) that depends on the block and class alone.
func chance(t tile.Tile, i, k int) float64 {
	h := fnv.New64a()
	var b [15]byte
	b[0], b[1] = byte(t.Grid), t.Z
	binary.BigEndian.PutUint32(b[2:], t.X)
	binary.BigEndian.PutUint32(b[6:], t.Y)
	b[10] = byte(i)
	binary.BigEndian.PutUint32(b[11:], uint32(k))
	// Writing to a hash fails at no time.
	_, _ = h.Write(b[:])
	// FNV's low bits vary most.
	return float64(h.Sum64()*0x9e3779b97f4a7c15>>11) / (1 << 53)
}

// place finds the cell of block i that from owns, has no patch, and is covered
// most by to; where no such cell is covered at all, the one nearest to where to
// covers most. Empty ground, as to, is put where least is covered.
func (d *drawer) place(blocks []*block, i, to, from int) (x, y int, ok bool) {
	x0, y0 := i%tileBlocks*blockCells, i/tileBlocks*blockCells
	most := int64(0)
	if to == 0 {
		most = math.MinInt64
	}
	for _, h := range hilbert {
		cell := int(h)
		cx, cy := x0+cell%blockCells, y0+cell/blockCells
		if d.owner[cy*tileCells+cx] != uint16(from) {
			continue
		}
		v := int64(0)
		if to > 0 {
			if b := blocks[to-1]; b != nil {
				v = b[cell]
			}
		} else {
			v = -covered(blocks, cell)
		}
		if v > most && !d.patched(cx, cy) {
			most, x, y, ok = v, cx, cy, true
		}
	}
	if ok || to == 0 {
		return x, y, ok
	}
	return d.nearest(blocks[to-1], i, from)
}

// nearest finds the cell of block i that from owns and has no patch, nearest to
// the cell that b covers most.
func (d *drawer) nearest(b *block, i, from int) (x, y int, ok bool) {
	x0, y0 := i%tileBlocks*blockCells, i/tileBlocks*blockCells
	heart := 0
	if b != nil {
		for cell := range b {
			if b[cell] > b[heart] {
				heart = cell
			}
		}
	}
	least := math.MaxInt
	for _, h := range hilbert {
		cell := int(h)
		dx, dy := cell%blockCells-heart%blockCells, cell/blockCells-heart/blockCells
		cx, cy := x0+cell%blockCells, y0+cell/blockCells
		if away := dx*dx + dy*dy; away < least && d.owner[cy*tileCells+cx] == uint16(from) && !d.patched(cx, cy) {
			least, x, y, ok = away, cx, cy, true
		}
	}
	return x, y, ok
}

// covered sums what blocks cover of a cell.
func covered(blocks []*block, cell int) int64 {
	sum := int64(0)
	for _, b := range blocks {
		if b != nil {
			sum += b[cell]
		}
	}
	return sum
}

// total sums what blocks cover.
func total(blocks []*block) int64 {
	sum := int64(0)
	for _, b := range blocks {
		if b != nil {
			for _, v := range b {
				sum += v
			}
		}
	}
	return sum
}

func (d *drawer) patched(x, y int) bool {
	b := y*tileCells + x
	return d.has[b>>6]&(1<<(b&63)) != 0
}

// drawOne draws one unit of the class that covers most, in its best cell: a tile
// that something lies in is not empty.
func (d *drawer) drawOne(classes []*class) bool {
	most := patch{}
	covered := int64(0)
	for k, c := range classes {
		for i, b := range c.blocks {
			if b == nil {
				continue
			}
			for cell, v := range b {
				if v > covered {
					covered = v
					most = patch{int32(i%tileBlocks*blockCells + cell%blockCells), int32(i/tileBlocks*blockCells + cell/blockCells), 1, 1, uint16(k + 1)}
				}
			}
		}
	}
	if covered > 0 {
		d.patches = append(d.patches, most)
	}
	return covered > 0
}
