package pyramid

import (
	"math"
	"slices"

	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// blockUnits is the side of a block in units of its tile.
const blockUnits = mvt.Extent / tileBlocks

// maskID marks the features that stand for merged blocks: above all ids.
const maskID = 1 << 63

// drawCrowded returns what t shows of features where it or tiles around it are
// crowded. Each merged block is a feature before all others for the snapper, so it
// takes its ground away from them along its straight sides, as exactly as parcels
// share theirs; what is drawn there instead is the ground that classes cover.
func (d *desk) drawCrowded(m *maker, t tile.Tile, features []*loaded, around *crowds) ([]mvt.Feature, int, error) {
	shown, vanished := d.snap.tile(t, append(masks(t, around), features...))
	shown = slices.DeleteFunc(shown, func(f mvt.Feature) bool { return f.ID == maskID })
	if own := around[4]; own != nil {
		shown = stripped(shown, own.without)
	}
	if len(shown) == 0 && !around[4].merges() {
		return nil, vanished, nil
	}
	shown = d.order.order(shown)
	merged, err := d.drawer.patchwork(around, m.telling())
	return append(shown, merged...), vanished, err
}

// masks returns a feature for each merged block that t's frame shows.
func masks(t tile.Tile, around *crowds) []*loaded {
	var out []*loaded
	for n, c := range around {
		if c == nil {
			continue
		}
		for i := range tileBlocks * tileBlocks {
			x, y := (n%3-1)*mvt.Extent+i%tileBlocks*blockUnits, (n/3-1)*mvt.Extent+i/tileBlocks*blockUnits
			if c.merged>>i&1 == 0 || x >= frameHigh || y >= frameHigh || x+blockUnits <= frameLow || y+blockUnits <= frameLow {
				continue
			}
			out = append(out, mask(t, x, y))
		}
	}
	return out
}

// mask returns the feature of the block whose north-west corner is x, y in units of t.
// Its corners are whole units: powers of two, which floats hold exactly.
func mask(t tile.Tile, x, y int) *loaded {
	at := func(column, row int) tile.World {
		return tile.World{
			X: math.Ldexp(float64(int64(t.X)*mvt.Extent+int64(column)), -int(t.Z)) / mvt.Extent,
			Y: math.Ldexp(float64(int64(t.Y)*mvt.Extent+int64(row)), -int(t.Z)) / mvt.Extent,
		}
	}
	f := &loaded{Feature: Feature{ID: maskID}, ends: []int{4}}
	f.points = []tile.World{at(x, y), at(x+blockUnits, y), at(x+blockUnits, y+blockUnits), at(x, y+blockUnits)}
	f.min, f.max = f.points[0], f.points[2]
	return f
}

// solid is a block that is covered all over, ground one that is so everywhere.
var (
	solid = func() *block {
		b := new(block)
		for i := range b {
			b[i] = wholeUnits
		}
		return b
	}()
	ground = func() *cover {
		k := &class{}
		for i := range k.blocks {
			k.blocks[i] = solid
		}
		return &cover{whole: wholeUnits, classes: []*class{k}}
	}()
)

// opened returns what covers the merged blocks of crowded tiles, and beside it all that
// lies around these. Whatever is drawn as parcels counts as covered there: where a
// merged block ends is no edge of what is drawn, at which ground could be left out.
func (a *crowds) opened() (covers, surrounded neighbours, err error) {
	for n, c := range a {
		surrounded[n] = ground
		if !c.merges() {
			continue
		}
		if covers[n], err = openCover(c.cells); err != nil {
			return covers, surrounded, err
		}
		covers[n].plan()
		covers[n].fill()
		for i := range tileBlocks * tileBlocks {
			if c.merged>>i&1 == 0 {
				covers[n].classes[0].blocks[i] = solid
			}
		}
		surrounded[n] = covers[n]
	}
	return covers, surrounded, nil
}

// fill gives blocks that are covered all over the few units that rounding took from them:
// the tile's other blocks, which have got them, are not all merged.
func (c *cover) fill() {
	masses := make([][tileBlocks * tileBlocks]int64, len(c.classes))
	for k, class := range c.classes {
		for i := range masses[k] {
			masses[k][i] = class.total(i)
		}
	}
	for i := range tileBlocks * tileBlocks {
		if !c.full(i, masses) {
			continue
		}
		most, missing := 0, int64(blockCells*blockCells*wholeUnits)
		for k := range masses {
			if missing -= c.drawn.units[k][i]; masses[k][i] > masses[most][i] {
				most = k
			}
		}
		c.drawn.units[most][i] += missing
	}
}

// patchwork returns the shapes of the merged blocks of a tile and, in its margin, of
// those around it. A class that only neighbours draw has a shape with the count 0, as
// [drawer.draw] has it.
func (d *drawer) patchwork(around *crowds, tell telling) ([]mvt.Feature, error) {
	covers, surrounded, err := around.opened()
	if err != nil {
		return nil, err
	}
	if covers[4] == nil {
		// Only neighbours draw here, and their classes have the count 0.
		return d.shapes(&covers, &surrounded, "", tell)
	}
	most, _ := covers[4].most()
	return d.shapes(&covers, &surrounded, most, tell)
}

// restricted returns what of c, the cover of t, lies in the merged blocks, with the
// figures of those of features whose first corner lies there. Its blocks are c's.
func (c *cover) restricted(t tile.Tile, features []*loaded, merged uint64) *cover {
	out := &cover{whole: c.whole}
	for _, k := range c.classes {
		for i, b := range k.blocks {
			if merged>>i&1 != 0 && b.total() > 0 {
				out.class(k.name).blocks[i] = b
			}
		}
	}
	seats := map[*class]int{}
	for _, f := range features {
		if len(f.points) == 0 || !f.counts(t) {
			continue
		}
		at := seat(t, f.points[0])
		if merged>>(at/tileCells/blockCells*tileBlocks+at%tileCells/blockCells)&1 != 0 {
			k := out.class(f.Class)
			k.enter(&f.Feature)
			seats[k] = at
		}
	}
	for k, at := range seats {
		k.sit(at)
	}
	return out
}
