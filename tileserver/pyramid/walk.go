package pyramid

import (
	"context"

	"gengtu/index/geo"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// memoryPerByte is how much memory a feature takes, in two grids, for each byte
// of [Reader.Size], measured on parcels of 20 corners with 25 fields.
const memoryPerByte = 4

// run makes the tiles of a job and what lies under them.
func (b *builder) run(ctx context.Context, d *desk, j *job) error {
	box := geo.EmptyBox()
	var grids [3]bool
	for _, t := range j.tiles {
		box = box.Union(boxAround(t, j.marginZoom(t.Z)))
		grids[t.Grid] = true
	}
	numbers := within(j.source, box)
	size := int64(0)
	for _, i := range numbers {
		size += int64(j.source.Size(i))
	}
	if size*memoryPerByte > b.memory() && j.divisible() {
		return b.divided(ctx, d, j, numbers)
	}
	var planes []tile.Grid
	for _, g := range tile.Grids() {
		if grids[g] {
			planes = append(planes, g)
		}
	}
	if err := d.load.load(ctx, j.source, numbers, planes, holdersOf(j.makers)); err != nil {
		return err
	}
	for _, t := range j.tiles {
		for _, m := range j.makers {
			if m.grid != t.Grid {
				continue
			}
			if err := b.subtree(ctx, d, m, t, m.of(d.load.of[t.Grid], t)); err != nil {
				return err
			}
		}
		if !j.quarters {
			b.progress()
		}
	}
	return nil
}

// marginZoom returns the first zoom at which tiles of a job are drawn as parcels,
// and so have a margin.
func (j *job) marginZoom(z uint8) uint8 {
	for _, m := range j.makers {
		if m.base() < int(z) {
			return z
		}
	}
	return z + 1
}

// progress tells that one more tile's ground is done.
func (b *builder) progress() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if done := int(b.done.Add(1)); b.plan.Progress != nil {
		b.plan.Progress(done, b.all)
	}
}

// holdersOf returns which of makers' layers hold a feature, a bit for each.
func holdersOf(makers []*maker) func(i int) uint64 {
	return func(i int) uint64 {
		in := uint64(0)
		for _, m := range makers {
			if m.Holds == nil || in&m.bit == 0 && m.Holds(i) {
				in |= m.bit
			}
		}
		return in
	}
}

// of returns those of features that m's layer holds and that reach t.
func (m *maker) of(features []*loaded, t tile.Tile) []*loaded {
	here := make([]*loaded, 0, len(features))
	for _, f := range features {
		if f.layers&m.bit != 0 && f.reaches(t) {
			here = append(here, f)
		}
	}
	return here
}

// quarter returns those of features that reach each child of t, all looked at once.
// The lists are valid until it is called again for a tile of the same zoom.
func (d *desk) quarter(t tile.Tile, features []*loaded) *[4][]*loaded {
	lists := &d.quarters[t.Z]
	var reaches [4]surface
	for i, c := range t.Children() {
		lists[i], reaches[i] = lists[i][:0], reachOf(c)
	}
	for _, f := range features {
		for i := range reaches {
			if f.meets(&reaches[i]) {
				lists[i] = append(lists[i], f)
			}
		}
	}
	return lists
}

// subtree makes t and what lies under it, of features.
func (b *builder) subtree(ctx context.Context, d *desk, m *maker, t tile.Tile, features []*loaded) error {
	if err := ctx.Err(); err != nil || len(features) == 0 {
		return err
	}
	z := int(t.Z)
	if z > m.base() {
		if err := b.parcels(d, m, t, features); err != nil {
			return err
		}
	}
	if m.coversAt(t, b.plan.Cells) {
		if err := b.putCells(m, t, d.raster.cover(t, over(t, features))); err != nil {
			return err
		}
	}
	if z >= max(m.max, m.base()) {
		return nil
	}
	lists := d.quarter(t, features)
	for i, c := range t.Children() {
		if m.above != nil && !m.above[c] {
			continue
		}
		if err := b.subtree(ctx, d, m, c, lists[i]); err != nil {
			return err
		}
	}
	return nil
}

// over returns those of features whose boxes meet t itself.
func over(t tile.Tile, features []*loaded) []*loaded {
	here := make([]*loaded, 0, len(features))
	ground := surfaceOf(t, 0)
	for _, f := range features {
		if f.meets(&ground) {
			here = append(here, f)
		}
	}
	return here
}

// parcels makes t of features, as parcels, when its zoom is asked for.
func (b *builder) parcels(d *desk, m *maker, t tile.Tile, features []*loaded) error {
	if int(t.Z) < m.min || int(t.Z) > m.max || m.want != nil && !m.want[t] {
		return nil
	}
	shown, vanished := d.snap.tile(t, features)
	return b.emit(d, m, t, d.order.order(shown), vanished)
}

// emit hands out a tile that is not empty.
func (b *builder) emit(d *desk, m *maker, t tile.Tile, features []mvt.Feature, vanished int) error {
	var err error
	if d.data, err = mvt.Append(d.data[:0], &mvt.Layer{Name: m.Name, Features: features}); err != nil {
		return err
	}
	b.mu.Lock()
	b.stats.Vanished += vanished
	if len(d.data) > 0 {
		b.stats.Tiles[t.Z]++
		b.stats.Bytes += int64(len(d.data))
	}
	b.mu.Unlock()
	if len(d.data) == 0 {
		return nil
	}
	return b.sink.PutTile(m.Key, t, d.data)
}
