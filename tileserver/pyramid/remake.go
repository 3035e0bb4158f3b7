package pyramid

import (
	"bytes"
	"cmp"
	"context"
	"runtime"
	"slices"

	"gengtu/index/geo"
	"gengtu/tileserver/tile"
)

// Remaking is the work of making those tiles of a [Plan] anew that a change can
// show in.
type Remaking struct {
	// Tiles and Cells are, by layer key, the tiles to be made anew and those whose
	// cells are: what the sink is not given of them is empty now. Run takes tiles
	// out of Tiles that nothing has changed for.
	Tiles, Cells map[string]map[tile.Tile]bool

	plan    Plan
	changed map[string][]geo.Box
	jobs    []job
	builder *builder
}

// NewRemaking finds out what of p is to be made anew. The sources of p are those of
// after the change; changed holds, by layer key, the boxes of the features that
// changed, of what they were and of what they are. Cells of all zooms are kept.
func NewRemaking(p Plan, changed map[string][]geo.Box) *Remaking {
	if p.Workers <= 0 {
		p.Workers = runtime.GOMAXPROCS(0)
	}
	if p.MemoryBytes <= 0 {
		p.MemoryBytes = DefaultMemoryBytes
	}
	p.Cells = CellsAll
	r := &Remaking{Tiles: map[string]map[tile.Tile]bool{}, Cells: map[string]map[tile.Tile]bool{}, plan: p, changed: changed}
	r.builder = &builder{plan: &r.plan, stats: Stats{Tiles: map[uint8]int{}}}
	for i := range p.Works {
		r.work(&p.Works[i])
	}
	for i := range r.jobs {
		r.builder.all += len(r.jobs[i].tiles)
	}
	return r
}

// work adds what is to be done of a work.
func (r *Remaking) work(w *Work) {
	source := readerOf(w.Source)
	byZoom := map[int][]*maker{}
	roots := map[int]map[tile.Tile]bool{}
	for _, g := range r.plan.Grids {
		for i := range w.Layers {
			boxes := r.changed[w.Layers[i].Key]
			m := newMaker(w.Layers[i], g, r.plan.MinZoom, r.plan.MaxZoom)
			if m.min > m.max || len(boxes) == 0 {
				continue
			}
			m.bit = 1 << i
			z := m.min
			if m.summed() {
				z = m.base()
			}
			if roots[z] == nil {
				roots[z] = map[tile.Tile]bool{}
			}
			r.dirty(m, boxes, z, roots[z])
			byZoom[z] = append(byZoom[z], m)
			r.builder.makers = append(r.builder.makers, m)
		}
	}
	zooms := make([]int, 0, len(byZoom))
	for z := range byZoom {
		zooms = append(zooms, z)
	}
	slices.Sort(zooms)
	for _, z := range zooms {
		tiles := make([]tile.Tile, 0, len(roots[z]))
		for t := range roots[z] {
			tiles = append(tiles, t)
		}
		slices.SortFunc(tiles, alongTiles)
		for _, t := range tiles {
			r.jobs = append(r.jobs, job{source: source, makers: byZoom[z], tiles: []tile.Tile{t}})
		}
	}
}

// dirty notes which tiles and cells of m are to be made, and adds to roots the
// tiles of zoom z that features are read for.
func (r *Remaking) dirty(m *maker, boxes []geo.Box, z int, roots map[tile.Tile]bool) {
	m.want, m.wantCells, m.above = map[tile.Tile]bool{}, map[tile.Tile]bool{}, map[tile.Tile]bool{}
	if r.Tiles[m.Key] == nil {
		r.Tiles[m.Key], r.Cells[m.Key] = map[tile.Tile]bool{}, map[tile.Tile]bool{}
	}
	for zoom := m.min; zoom <= m.max; zoom++ {
		for _, t := range Dirty(m.grid, uint8(zoom), m.base()+1, boxes) {
			m.want[t], r.Tiles[m.Key][t] = true, true
			for p := t; zoom > m.base() && int(p.Z) >= z && !m.above[p]; p, _ = p.Parent() {
				m.above[p] = true
			}
		}
	}
	for t := range m.above {
		if int(t.Z) == z {
			roots[t] = true
		}
	}
	for zoom := int(m.grid.MinZoom()); m.summed() && zoom <= m.base(); zoom++ {
		for _, t := range reached(m.grid, uint8(zoom), coverReach, boxes) {
			m.wantCells[t], r.Cells[m.Key][t] = true, true
			if zoom == z {
				roots[t] = true
			}
		}
	}
}

// RemakeSink is a [Sink] that knows what was there before.
type RemakeSink interface {
	Sink
	// CellsBefore returns the cells of before the change, nil for none.
	CellsBefore(key string, t tile.Tile) ([]byte, error)
}

// Run makes everything anew and gives it to sink, whose Cells returns for the
// cells to be made what was put, and for others what was there before. Errors are
// those of [BuildAll].
func (r *Remaking) Run(ctx context.Context, sink RemakeSink) error {
	b := r.builder
	b.sink = sink
	err := b.each(ctx, len(r.jobs), func(ctx context.Context, d *desk, i int) error { return b.run(ctx, d, &r.jobs[i]) })
	covers := NewCovers(coverBytes(&r.plan), sink.Cells)
	for up := 0; err == nil; up++ {
		cells, parents := r.zoom(up)
		if len(cells) == 0 {
			return nil
		}
		var here []spotted
		if here, err = r.drawn(sink, cells); err != nil {
			break
		}
		err = b.each(ctx, len(here), func(_ context.Context, d *desk, i int) error { return b.drawCells(d, covers, here[i]) })
		if err != nil {
			break
		}
		err = b.each(ctx, len(parents), func(_ context.Context, _ *desk, i int) error {
			c, err := b.sumCells(parents[i])
			if err != nil {
				return err
			}
			return b.putCells(parents[i].m, parents[i].t, c)
		})
	}
	return err
}

// zoom returns the cells to be made that lie so many zooms up from the bases, and
// those one zoom further.
func (r *Remaking) zoom(up int) (here, parents []spotted) {
	for _, m := range r.builder.makers {
		for t := range m.wantCells {
			switch z := m.base() - up; int(t.Z) {
			case z:
				here = append(here, spotted{m, t})
			case z - 1:
				parents = append(parents, spotted{m, t})
			}
		}
	}
	return here, parents
}

// drawn returns the tiles that are to be drawn because one of cells, which are all
// that were made of their zoom, is another than before: the tile's own or one beside
// it. The others of that zoom are not to be made.
func (r *Remaking) drawn(sink RemakeSink, cells []spotted) ([]spotted, error) {
	wanted := map[spotted]bool{}
	zooms := map[*maker]uint8{}
	for _, s := range cells {
		zooms[s.m] = s.t.Z
		was, err := sink.CellsBefore(s.m.Key, s.t)
		if err != nil {
			return nil, err
		}
		is, err := sink.Cells(s.m.Key, s.t)
		if err != nil {
			return nil, err
		}
		if bytes.Equal(was, is) {
			continue
		}
		for i := range 9 {
			if t, ok := beside(s.t, i%3-1, i/3-1); ok && s.m.want[t] {
				wanted[spotted{s.m, t}] = true
			}
		}
	}
	for m, z := range zooms {
		for t := range m.want {
			if t.Z == z && !wanted[spotted{m, t}] {
				delete(r.Tiles[m.Key], t)
			}
		}
	}
	here := make([]spotted, 0, len(wanted))
	for s := range wanted {
		here = append(here, s)
	}
	// Along a curve, so that neighbours find each other's covers still kept.
	slices.SortFunc(here, func(a, b spotted) int {
		return cmp.Or(cmp.Compare(a.m.Key, b.m.Key), cmp.Compare(a.t.Grid, b.t.Grid), alongTiles(a.t, b.t))
	})
	return here, nil
}
