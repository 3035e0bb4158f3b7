package pyramid

import (
	"cmp"
	"context"
	"slices"

	"gengtu/tileserver/tile"
)

// memory is what one worker may hold of features.
func (b *builder) memory() int64 { return b.plan.MemoryBytes / int64(b.plan.Workers) }

// divisible tells whether j can be done in parts: one tile that is drawn as parcels
// has all its features at once.
func (j *job) divisible() bool {
	if len(j.tiles) > 1 {
		return true
	}
	t := j.tiles[0]
	for _, m := range j.makers {
		if m.grid == t.Grid && int(t.Z) > m.base() && int(t.Z) >= m.min && int(t.Z) <= m.max {
			return false
		}
	}
	return true
}

// divided does j, whose features take too much memory at once: half of its tiles
// and then the others, or one tile's cells from a part of the features after the
// other and then its quarters. What it makes is the same.
func (b *builder) divided(ctx context.Context, d *desk, j *job, numbers []int) error {
	if half := len(j.tiles) / 2; half > 0 {
		for _, tiles := range [2][]tile.Tile{j.tiles[:half], j.tiles[half:]} {
			part := *j
			part.tiles = tiles
			if err := b.run(ctx, d, &part); err != nil {
				return err
			}
		}
		return nil
	}
	t := j.tiles[0]
	below := job{source: j.source, quarters: true}
	for _, m := range j.makers {
		if m.grid != t.Grid {
			continue
		}
		if m.coversAt(t, b.plan.Cells) {
			if err := b.coverInParts(ctx, d, j, spotted{m, t}, numbers); err != nil {
				return err
			}
		}
		if int(t.Z) < max(m.max, m.base()) {
			below.makers = append(below.makers, m)
		}
	}
	for _, c := range t.Children() {
		below.tiles = append(below.tiles, c)
	}
	if len(below.makers) > 0 {
		if err := b.run(ctx, d, &below); err != nil {
			return err
		}
	}
	if !j.quarters {
		b.progress()
	}
	return nil
}

// coversAt tells whether the cells of t are found from features.
func (m *maker) coversAt(t tile.Tile, depth CellsDepth) bool {
	z := int(t.Z)
	return z == m.base() && (m.min <= z || depth == CellsAll) && (m.wantCells == nil || m.wantCells[t])
}

// coverInParts finds the cells of a tile from as many features at a time as fit
// into memory. Ground that several cover belongs to the first of their ids, so parts
// are read in that order, from its end; that takes one reading more.
func (b *builder) coverInParts(ctx context.Context, d *desk, j *job, at spotted, numbers []int) error {
	type known struct {
		id     uint64
		number int
	}
	holds := holdersOf([]*maker{at.m})
	var order []known
	for n, i := range numbers {
		if n%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if holds(i) == 0 {
			continue
		}
		d.load.raw.Values = &d.load.values
		d.load.values.Reset()
		if err := j.source.Read(i, &d.load.raw); err != nil {
			return err
		}
		order = append(order, known{d.load.raw.ID, i})
	}
	slices.SortFunc(order, func(a, b known) int { return cmp.Or(cmp.Compare(b.id, a.id), cmp.Compare(b.number, a.number)) })
	c := d.raster.begin(at.t)
	for len(order) > 0 {
		var part []int
		for size := int64(0); len(order) > 0; order = order[1:] {
			size += int64(j.source.Size(order[0].number)) * memoryPerByte
			if len(part) > 0 && size > b.memory() {
				break
			}
			part = append(part, order[0].number)
		}
		slices.Sort(part)
		if err := d.load.load(ctx, j.source, part, []tile.Grid{at.t.Grid}, holds); err != nil {
			return err
		}
		c.add(over(at.t, at.m.of(d.load.of[at.t.Grid], at.t)))
	}
	return b.putCells(at.m, at.t, c.end())
}
