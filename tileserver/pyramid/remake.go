package pyramid

import (
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
	// cells are: what the sink is not given of them is empty now.
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
			r.jobs = append(r.jobs, job{source, byZoom[z], []tile.Tile{t}})
		}
	}
}

// dirty notes which tiles and cells of m are to be made, and adds to roots the
// tiles of zoom z that features are read for.
func (r *Remaking) dirty(m *maker, boxes []geo.Box, z int, roots map[tile.Tile]bool) {
	m.want, m.wantCells = map[tile.Tile]bool{}, map[tile.Tile]bool{}
	if r.Tiles[m.Key] == nil {
		r.Tiles[m.Key], r.Cells[m.Key] = map[tile.Tile]bool{}, map[tile.Tile]bool{}
	}
	for zoom := min(int(m.grid.MinZoom()), m.min); zoom <= max(m.max, z); zoom++ {
		for _, t := range Dirty(m.grid, uint8(zoom), m.base()+1, boxes) {
			if zoom >= m.min && zoom <= m.max {
				m.want[t], r.Tiles[m.Key][t] = true, true
			}
			if m.summed() && zoom <= m.base() {
				m.wantCells[t], r.Cells[m.Key][t] = true, true
			}
			if zoom < z {
				continue
			}
			for t.Z > uint8(z) {
				t, _ = t.Parent()
			}
			roots[t] = true
		}
	}
}

// Run makes everything anew and gives it to sink, whose Cells returns for the
// cells to be made what was put, and for others what was there before. Errors are
// those of [BuildAll].
func (r *Remaking) Run(ctx context.Context, sink Sink) error {
	b := r.builder
	b.sink = sink
	err := b.each(ctx, len(r.jobs), func(ctx context.Context, d *desk, i int) error { return b.run(ctx, d, &r.jobs[i]) })
	covers := NewCovers(coversKept, sink.Cells)
	for up := 0; err == nil; up++ {
		var here, parents []spotted
		for _, m := range b.makers {
			for t := range m.wantCells {
				switch z := m.base() - up; int(t.Z) {
				case z:
					here = append(here, spotted{m, t})
				case z - 1:
					parents = append(parents, spotted{m, t})
				}
			}
		}
		if len(here) == 0 {
			return nil
		}
		err = b.each(ctx, len(here), func(_ context.Context, d *desk, i int) error {
			if !here[i].m.want[here[i].t] {
				return nil
			}
			return b.drawCells(d, covers, here[i])
		})
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
