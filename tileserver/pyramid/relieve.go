package pyramid

import (
	"bytes"
	"context"
	"maps"
	"runtime"
	"slices"

	"gengtu/tileserver/tile"
)

// Relief says which tiles of parcels [Relieve] makes smaller.
type Relief struct {
	// Packed is that of [Crowding].
	Packed func(data []byte) int
	// Budgets are, by layer key, the crowded tiles and how many bytes, packed, each
	// may have. A tile that is crowded for one of several layers may be in it for all.
	Budgets map[string]map[tile.Tile]int
	// Made are, by layer key, the tiles that have just been made as if nothing were
	// crowded, and those whose budgets may have changed. The sink's cells tell how
	// crowded tiles were drawn before. Nil: all tiles, and none was crowded before.
	Made map[string]map[tile.Tile]bool
}

// Relieve makes crowded tiles of a plan's layers anew, so that they keep to their
// budgets, and what neighbours show of them in their margins. The sink has all tiles of
// the plan; it is given what is to take their place, and as cells of a crowded tile how
// it is drawn, nil for one that is crowded no longer. It returns how many tiles it made.
// Errors are those of [BuildAll].
func Relieve(ctx context.Context, p Plan, r Relief, sink Sink) (int, error) {
	if p.Workers <= 0 {
		p.Workers = runtime.GOMAXPROCS(0)
	}
	v := &relieving{
		builder: &builder{plan: &p, sink: sink, stats: Stats{Tiles: map[uint8]int{}}}, relief: r,
		sources: map[*maker]Reader{}, todo: map[spotted]bool{},
	}
	for i := range p.Works {
		for _, l := range p.Works[i].Layers {
			for _, g := range p.Grids {
				if m := newMaker(l, g, p.MinZoom, p.MaxZoom); m.min <= m.max {
					m.bit = 1
					v.sources[m] = readerOf(p.Works[i].Source)
					v.makers = append(v.makers, m)
				}
			}
		}
	}
	decided := v.crowded()
	if err := v.each(ctx, len(decided), func(ctx context.Context, d *desk, i int) error { return v.decide(ctx, d, decided[i]) }); err != nil {
		return 0, err
	}
	if err := v.besideMerged(); err != nil {
		return 0, err
	}
	drawn := slices.SortedFunc(maps.Keys(v.todo), func(a, b spotted) int { return alongTiles(a.t, b.t) })
	return len(drawn), v.each(ctx, len(drawn), func(ctx context.Context, d *desk, i int) error { return v.draw(ctx, d, drawn[i]) })
}

// relieving is the work of [Relieve]. The builder's lock guards todo.
type relieving struct {
	*builder
	relief  Relief
	sources map[*maker]Reader
	todo    map[spotted]bool // what is to be drawn
}

// crowded lists the tiles that are crowded, or may have been before.
func (v *relieving) crowded() []spotted {
	all := map[spotted]bool{}
	for _, m := range v.makers {
		for t := range v.relief.Budgets[m.Key] {
			if m.parcelsOf(t) {
				all[spotted{m, t}] = true
			}
		}
		for t := range v.relief.Made[m.Key] {
			if m.parcelsOf(t) {
				all[spotted{m, t}] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(all), func(a, b spotted) int { return alongTiles(a.t, b.t) })
}

// parcelsOf tells whether m draws t, as parcels.
func (m *maker) parcelsOf(t tile.Tile) bool {
	return t.Grid == m.grid && int(t.Z) > m.base() && int(t.Z) >= m.min && int(t.Z) <= m.max
}

// decide finds how a tile is drawn now, keeps it, and notes what is to be drawn anew.
func (v *relieving) decide(ctx context.Context, d *desk, at spotted) error {
	before, err := v.sink.Cells(at.m.Key, at.t)
	if err != nil {
		return err
	}
	budget := v.relief.Budgets[at.m.Key][at.t]
	if budget == 0 && len(before) == 0 {
		return nil
	}
	old, err := openCrowd(before)
	if err != nil {
		return err
	}
	var now *crowd
	if budget > 0 {
		if now, err = v.crowdOf(ctx, d, v.sources[at.m], at, budget, v.relief.Packed); err != nil {
			return err
		}
	}
	data := now.encode()
	if !bytes.Equal(data, before) {
		if err := v.sink.PutCells(at.m.Key, at.t, data); err != nil {
			return err
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.todo[at] = true
	if sameGround(old, now) {
		return nil
	}
	for i := range 9 {
		if t, ok := beside(at.t, i%3-1, i/3-1); ok {
			v.todo[spotted{at.m, t}] = true
		}
	}
	return nil
}

// sameGround tells whether neighbours show the same of both.
func sameGround(a, b *crowd) bool {
	if !a.merges() || !b.merges() {
		return a.merges() == b.merges()
	}
	return a.merged == b.merged && bytes.Equal(a.cells, b.cells)
}

// besideMerged notes those of the tiles made before that show merged blocks of others.
func (v *relieving) besideMerged() error {
	for _, m := range v.makers {
		for t := range v.relief.Made[m.Key] {
			if !m.parcelsOf(t) || v.todo[spotted{m, t}] {
				continue
			}
			around, err := v.around(spotted{m, t})
			if err != nil {
				return err
			}
			if around.merges() {
				v.todo[spotted{m, t}] = true
			}
		}
	}
	return nil
}

// around returns how a tile and those around it are drawn if they are crowded.
func (v *relieving) around(at spotted) (*crowds, error) {
	return crowdsAround(at.t, func(t tile.Tile) ([]byte, error) { return v.sink.Cells(at.m.Key, t) })
}

// crowdsAround opens what cells has of t and of the tiles around it.
func crowdsAround(t tile.Tile, cells func(t tile.Tile) ([]byte, error)) (*crowds, error) {
	var out crowds
	for i := range out {
		if t, ok := beside(t, i%3-1, i/3-1); ok {
			data, err := cells(t)
			if err == nil {
				out[i], err = openCrowd(data)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return &out, nil
}

// MergedAround tells whether t or a tile beside it has merged blocks, of which t may show
// some: it is not as it was made at first. cells returns what [Relieve] gave its sink as
// cells of a tile of parcels. Errors are its own and *problem.Problem of the code
// CELLS_DAMAGED.
func MergedAround(t tile.Tile, cells func(t tile.Tile) ([]byte, error)) (bool, error) {
	around, err := crowdsAround(t, cells)
	return err == nil && around.merges(), err
}

// draw makes a tile anew.
func (v *relieving) draw(ctx context.Context, d *desk, at spotted) error {
	around, err := v.around(at)
	if err != nil {
		return err
	}
	return v.putCrowded(ctx, d, v.sources[at.m], at, around)
}

// loadTile returns the features of a layer that reach a tile.
func (b *builder) loadTile(ctx context.Context, d *desk, s Reader, at spotted) ([]*loaded, error) {
	numbers := within(s, boxAround(at.t, at.t.Z))
	if err := d.load.load(ctx, s, numbers, []tile.Grid{at.t.Grid}, holdersOf([]*maker{at.m})); err != nil {
		return nil, err
	}
	return at.m.of(d.load.of[at.t.Grid], at.t), nil
}

// crowdOf finds how a tile is drawn within budget.
func (b *builder) crowdOf(ctx context.Context, d *desk, s Reader, at spotted, budget int, packed func([]byte) int) (*crowd, error) {
	features, err := b.loadTile(ctx, d, s, at)
	if err != nil {
		return nil, err
	}
	return (&decision{d, at.m, at.t, features, budget, packed}).decide()
}

// putCrowded makes a tile where it or tiles around it are crowded.
func (b *builder) putCrowded(ctx context.Context, d *desk, s Reader, at spotted, around *crowds) error {
	features, err := b.loadTile(ctx, d, s, at)
	if err != nil {
		return err
	}
	shown, vanished, err := d.drawCrowded(at.m, at.t, features, around)
	if err != nil {
		return err
	}
	return b.emit(d, at.m, at.t, shown, vanished)
}

// makeCrowded makes one tile of parcels with all that is crowded around it.
func (b *builder) makeCrowded(ctx context.Context, d *desk, s Reader, at spotted, c *Crowding) error {
	var around crowds
	for i := range around {
		t, ok := beside(at.t, i%3-1, i/3-1)
		if !ok {
			continue
		}
		budget, err := c.Budget(ctx, t)
		if err == nil && budget > 0 {
			around[i], err = b.crowdOf(ctx, d, s, spotted{at.m, t}, budget, c.Packed)
		}
		if err != nil {
			return err
		}
	}
	if around[4] == nil && !around.merges() {
		return b.run(ctx, d, &job{source: s, makers: []*maker{at.m}, tiles: []tile.Tile{at.t}})
	}
	return b.putCrowded(ctx, d, s, at, &around)
}
