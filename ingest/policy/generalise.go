package policy

import (
	"cmp"
	"context"
	"math"
	"slices"

	"gengtu/index"
	"gengtu/index/cells"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
)

// grid is a grid of longitudes and latitudes, in units of 1e-10 degree, whose
// lines lie at multiples of its steps. The zero value is no grid.
type grid struct {
	lon, lat int64
}

// gridStep is what a grid's steps are multiples of: 1e-6 degree.
const gridStep = 1e4

// newGrid returns a grid whose cells are at least stepM metres wide and high
// everywhere in box. It depends on the whole degree of latitude that box reaches
// alone, so that an edition that grows a little keeps its grid: at its lower
// edge a cell may be 3 % wider at 60 degrees, 1.5 % at 40.
func newGrid(stepM float64, box geo.Box) grid {
	if stepM == 0 || box.Empty() {
		return grid{}
	}
	units := func(metresPerDegree float64) int64 {
		return int64(math.Ceil(stepM/metresPerDegree*geo.Unit/gridStep)) * gridStep
	}
	// A degree is shortest along the meridian at the equator, and along the
	// parallel at the highest latitude of the box (GRS 80: a, b).
	const a, b = 6378137.0, 6356752.31414036
	degree := math.Ceil(max(math.Abs(float64(box.Min.Lat)), math.Abs(float64(box.Max.Lat))) / geo.Unit)
	phi := min(degree, 89) * math.Pi / 180
	n := a / math.Sqrt(1-(1-b*b/a/a)*math.Sin(phi)*math.Sin(phi))
	return grid{lon: units(n * math.Cos(phi) * math.Pi / 180), lat: units(b * b / a * math.Pi / 180)}
}

// blockCells is the side of the blocks in which cells are given to features.
// Every decision depends on the block alone, so that a change moves no cell far
// from it.
const blockCells = 64

// coverage gives the cells of a grid to the features of a layer.
//
// Each cell goes to one of the features that lie in it, or to none, so that in
// each block the number of cells given is the layer's area there, to within half
// a cell: what a cell gives too much or too little is carried on to the next
// along a Hilbert curve, for the layer and for each feature. Neighbours keep
// sharing their borders because a cell has one owner.
type coverage struct {
	grid   grid
	layer  *index.Layer
	by     owners
	owned  map[int32][]cells.Cell // by ordinal
	raster *cells.Raster
	here   [blockCells * blockCells][]part
	told   groundTold
}

// groundTold is what the register says of a layer's ground on the grid, in m².
type groundTold struct {
	// before is the ground of the features, as far as cells tell: once where features
	// overlap. bound is how far the ground on the grid may be from it.
	before, bound float64
}

// part is how much of a cell a feature covers.
type part struct {
	feature int32
	share   float64
}

// maxCells bounds the cells of a layer, which are held in memory while they are
// given away: 8 bytes each, 2.4 GB. On a grid of 25 m they cover 187,500 km².
const maxCells = 300_000_000

// generalise returns each feature's cells, by ordinal, and what it may have done to the
// ground. Features that own none are not listed; those that go to nobody by owners are
// passed over, as if the layer did not have them.
//
// The area of the layer's ground is kept to half a cell in each block of 64 × 64
// cells that it meets; of a single feature to about a cell in each block.
func generalise(ctx context.Context, l *index.Layer, by owners, g grid) (map[int32][]cells.Cell, groundTold, error) {
	c := &coverage{grid: g, layer: l, by: by, owned: map[int32][]cells.Cell{}, raster: cells.NewRaster(blockCells, blockCells)}
	box := l.Extent()
	if box.Empty() {
		return c.owned, c.told, nil
	}
	lo, hi := geo.Position{Lon: box.Min.Lon, Lat: box.Min.Lat}.LonLat(), geo.Position{Lon: box.Min.Lon + g.lon, Lat: box.Min.Lat + g.lat}.LonLat()
	if n := l.Meta.AreaM2 / geo.CellArea(lo, hi); n > maxCells {
		return nil, c.told, problem.New("POLICY_GRID_FINE", "网格太细：图层约有 %.0f 个网格，上限 %d", "the grid is too fine: the layer has some %.0f cells, the limit is %d", n, maxCells).
			Advise("请加大策略中的 grid_m", "raise grid_m in the policy")
	}
	err := c.blocks(ctx, blockRange{
		floorDiv(box.Min.Lon, g.lon*blockCells), floorDiv(box.Min.Lat, g.lat*blockCells),
		floorDiv(box.Max.Lon, g.lon*blockCells), floorDiv(box.Max.Lat, g.lat*blockCells),
	})
	return c.owned, c.told, err
}

// blockRange is a range of blocks, both ends of it included.
type blockRange struct {
	x0, y0, x1, y1 int64
}

// blocks gives the cells of a range of blocks away, passing over what is empty:
// layers may lie far apart.
func (c *coverage) blocks(ctx context.Context, r blockRange) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w, h := blockCells*c.grid.lon, blockCells*c.grid.lat
	empty := true
	c.layer.Search(geo.Box{Min: geo.Position{Lon: r.x0 * w, Lat: r.y0 * h}, Max: geo.Position{Lon: (r.x1 + 1) * w, Lat: (r.y1 + 1) * h}}, func(int) bool {
		empty = false
		return false
	})
	switch {
	case empty:
		return nil
	case r.x0 == r.x1 && r.y0 == r.y1:
		return c.block(ctx, r.x0, r.y0)
	}
	a, b := r, r
	if r.x1-r.x0 >= r.y1-r.y0 {
		a.x1 = (r.x0 + r.x1) >> 1
		b.x0 = a.x1 + 1
	} else {
		a.y1 = (r.y0 + r.y1) >> 1
		b.y0 = a.y1 + 1
	}
	if err := c.blocks(ctx, a); err != nil {
		return err
	}
	return c.blocks(ctx, b)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// block gives the cells of block (bx, by) away.
func (c *coverage) block(ctx context.Context, bx, by int64) error {
	origin := geo.Position{Lon: bx * blockCells * c.grid.lon, Lat: by * blockCells * c.grid.lat}
	box := geo.Box{Min: origin, Max: geo.Position{Lon: origin.Lon + blockCells*c.grid.lon, Lat: origin.Lat + blockCells*c.grid.lat}}
	var found []int32
	c.layer.Search(box, func(i int) bool {
		if c.by.of(i) != nobody {
			found = append(found, int32(i))
		}
		return true
	})
	if len(found) == 0 {
		return nil
	}
	slices.SortFunc(found, func(a, b int32) int {
		return cmp.Compare(c.layer.Head(int(a)).ID, c.layer.Head(int(b)).ID)
	})
	for i := range c.here {
		c.here[i] = c.here[i][:0]
	}
	items := make([]overlay.Item, 0, len(found))
	for _, i := range found {
		f, err := c.layer.Feature(int(i))
		if err != nil {
			return err
		}
		items = append(items, overlay.Item{Group: overlay.NoGroup, Weight: math.NaN(), Geometry: f.Geometry})
		for _, p := range f.Geometry {
			for _, r := range p {
				c.raster.Ring(c.inCells(r, origin))
			}
		}
		c.raster.Collect(func(x, y int, share float64) {
			k := y*blockCells + x
			c.here[k] = append(c.here[k], part{i, share})
		})
	}
	c.settle()
	once, err := c.groundShare(ctx, box, items)
	if err != nil {
		return err
	}
	c.tell(origin, once)
	c.give(int32(bx*blockCells), int32(by*blockCells), once)
	return nil
}

// tell adds the block that begins at origin to what is told.
//
// Along the curve the layer is never owed more than half a cell, nor has it more than
// half a cell too much. So the number of cells is right to half of one; and what cells of
// different rows differ by counts half, each time that the curve goes from a row to
// another: 4095 steps of a 63rd of the whole difference at most.
func (c *coverage) tell(origin geo.Position, once float64) {
	least, most := math.Inf(1), 0.0
	for y := range int64(blockCells) {
		lo := geo.Position{Lon: origin.Lon, Lat: origin.Lat + y*c.grid.lat}
		cell := geo.CellArea(lo.LonLat(), geo.Position{Lon: lo.Lon + c.grid.lon, Lat: lo.Lat + c.grid.lat}.LonLat())
		least, most = min(least, cell), max(most, cell)
		for _, parts := range c.here[y*blockCells : (y+1)*blockCells] {
			for _, p := range parts {
				c.told.before += p.share * once * cell
			}
		}
	}
	c.told.bound += (most + (blockCells+1)*(most-least)) / 2
}

// settle makes a cell one cell where features overlap: it is the first one's by
// id, so that a whole overlap goes to the same feature.
func (c *coverage) settle() {
	for k, parts := range c.here {
		left := 1.0
		n := 0
		for _, p := range parts {
			p.share = min(p.share, left)
			left -= p.share
			if p.share > 0 {
				parts[n] = p
				n++
			}
		}
		c.here[k] = parts[:n]
	}
}

// groundShare returns what part of the settled shares is ground that counts once.
// It is 1 but where features overlap within cells that they do not fill.
func (c *coverage) groundShare(ctx context.Context, box geo.Box, items []overlay.Item) (float64, error) {
	if len(items) < 2 {
		return 1, nil
	}
	r, err := overlay.Measure(ctx, geo.MultiPolygon{box.Polygon()}, items, overlay.Options{Workers: 1})
	if err != nil {
		return 0, err
	}
	if l := r.Layers[0]; l.Gross-l.Area <= 1e-9*l.Gross {
		return 1, nil
	}
	settled := 0.0
	for _, parts := range c.here {
		for _, p := range parts {
			settled += p.share
		}
	}
	if settled == 0 {
		return 1, nil
	}
	return min(1, r.Layers[0].Area/r.AOI*blockCells*blockCells/settled), nil
}

func (c *coverage) inCells(r geo.Ring, origin geo.Position) []cells.XY {
	out := make([]cells.XY, len(r))
	for i, v := range r {
		out[i] = cells.XY{
			X: float64(v.Lon-origin.Lon) / float64(c.grid.lon),
			Y: float64(v.Lat-origin.Lat) / float64(c.grid.lat),
		}
	}
	return out
}

// give walks the block along a Hilbert curve. When the layer is owed half a cell
// or more, the cell goes to the feature in it that is owed most. Of what features
// cover, the part once is owed.
func (c *coverage) give(x0, y0 int32, once float64) {
	owed, layer := map[int32]float64{}, 0.0
	for d := range blockCells * blockCells {
		x, y := hilbertCell(d)
		best := int32(-1)
		for _, p := range c.here[y*blockCells+x] {
			owed[p.feature] += p.share * once
			layer += p.share * once
			if best < 0 || owed[p.feature] > owed[best] {
				best = p.feature
			}
		}
		if best >= 0 && layer >= 0.5 {
			owed[best]--
			layer--
			c.owned[best] = append(c.owned[best], cells.Cell{X: x0 + int32(x), Y: y0 + int32(y)})
		}
	}
}

// hilbertCell returns cell number d of a Hilbert curve through a block.
func hilbertCell(d int) (x, y int) {
	t := d
	for s := 1; s < blockCells; s *= 2 {
		rx := 1 & (t / 2)
		ry := 1 & (t ^ rx)
		if ry == 0 {
			if rx == 1 {
				x, y = s-1-x, s-1-y
			}
			x, y = y, x
		}
		x += s * rx
		y += s * ry
		t /= 4
	}
	return x, y
}

// shape returns the outline of cells on the ground.
func (g grid) shape(set []cells.Cell) geo.MultiPolygon {
	var m geo.MultiPolygon
	for _, p := range cells.Trace(set) {
		var poly geo.Polygon
		for _, r := range p {
			ring := make(geo.Ring, len(r))
			for i, v := range r {
				ring[i] = geo.Position{Lon: int64(v.X) * g.lon, Lat: int64(v.Y) * g.lat}
			}
			poly = append(poly, ring)
		}
		m = append(m, poly)
	}
	return m
}
