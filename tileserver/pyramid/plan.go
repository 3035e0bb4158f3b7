package pyramid

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"gengtu/tileserver/tile"
)

// Plan is what [BuildAll] builds: any number of layers, in one grid or both, from
// one reading of their features.
type Plan struct {
	Works []Work
	Grids []tile.Grid
	// MinZoom and MaxZoom are the zooms to build, both included. A grid without
	// MinZoom begins at its own lowest.
	MinZoom, MaxZoom int
	// Cells tells how far down cells are summed and given to the sink, though no
	// tile is built of them: to the grid's lowest zoom, or to MinZoom.
	Cells CellsDepth
	// Workers is the number of goroutines; 0 means one a processor.
	Workers int
	// MemoryBytes bounds what all workers together hold of features; 0 means
	// [DefaultMemoryBytes]. A worker takes as many tiles at a time as fit, but one that
	// is drawn as parcels at least.
	MemoryBytes int64
	// Progress, which may be nil, is called with how much of the work is done,
	// by one goroutine at a time.
	Progress func(done, all int)
}

// CellsDepth says of which zooms the sink is given cells.
type CellsDepth uint8

const (
	// CellsBuilt gives those that tiles are built of.
	CellsBuilt CellsDepth = iota
	// CellsAll gives those of every zoom below the parcels', whatever is built.
	CellsAll
)

// DefaultMemoryBytes is what a building holds of features when nothing is said.
const DefaultMemoryBytes = 2 << 30

// Work is the features of one source and the layers that are made of them: all
// of them, or a part.
type Work struct {
	Source Source
	Layers []Layer // at most 64
}

// Layer is one layer of tiles.
type Layer struct {
	// Key names the layer for the [Sink], Name in the tiles.
	Key, Name string
	// ParcelZoom, ClassKey and RoundM2 are those of [Options].
	ParcelZoom int
	ClassKey   string
	RoundM2    float64
	// Holds tells whether the layer has feature i of the source; nil: it has all.
	Holds func(i int) bool
}

// Sink takes what [BuildAll] makes. Its methods are called by several goroutines
// at once, in any order; data are not kept by them.
type Sink interface {
	// PutTile takes a tile: an encoded vector tile, not compressed, not empty.
	PutTile(key string, t tile.Tile, data []byte) error
	// PutCells takes what is known of the ground under t, from which [Make] draws
	// tiles without features.
	PutCells(key string, t tile.Tile, data []byte) error
	// Cells returns what PutCells was given. The data are not changed.
	Cells(key string, t tile.Tile) ([]byte, error)
}

// maker makes the tiles of one layer in one grid.
type maker struct {
	Layer
	grid     tile.Grid
	bit      uint64 // in loaded.layers
	min, max int

	// want and wantCells are what is to be made, nil for all; above holds the tiles
	// of wanted parcels and what they lie in.
	want, wantCells, above map[tile.Tile]bool

	mu    sync.Mutex
	cells map[tile.Tile]struct{} // whose cells the sink has
}

// base is the zoom whose cells are found from features.
func (m *maker) base() int { return m.ParcelZoom - 1 }

// summed tells whether m has zooms below the parcels'.
func (m *maker) summed() bool { return m.base() >= int(m.grid.MinZoom()) }

// builder carries out a plan.
type builder struct {
	plan   *Plan
	sink   Sink
	makers []*maker
	done   atomic.Int64
	all    int

	mu    sync.Mutex // guards stats and calls of Progress
	stats Stats
}

// job is a few neighbouring tiles of one work, those of all grids that lie on the
// same ground, whose features are read once.
type job struct {
	source Reader
	makers []*maker
	tiles  []tile.Tile
	// quarters tells that the tiles are those of one whose job took too much memory.
	quarters bool
}

// desk is what one worker works with: buffers that are used again and again.
type desk struct {
	load   loader
	raster raster
	drawer drawer
	snap   snapper
	// quarters are lists of features in the children of a tile, by its zoom.
	quarters [tile.MaxZoom + 1][4][]*loaded
	order    spaceOrder
	data     []byte
}

// desks holds desks between calls: their buffers are some 10 MB.
var desks = sync.Pool{New: func() any { return &desk{} }}

// BuildAll carries out p. Tiles and cells depend neither on the workers nor on the
// memory. The first error of a source or the sink ends the work; so does the end
// of ctx, whose error is then returned.
func BuildAll(ctx context.Context, p Plan, sink Sink) (Stats, error) {
	if p.Workers <= 0 {
		p.Workers = runtime.GOMAXPROCS(0)
	}
	if p.MemoryBytes <= 0 {
		p.MemoryBytes = DefaultMemoryBytes
	}
	if p.MinZoom > p.MaxZoom || p.MinZoom < 0 || p.MaxZoom > tile.MaxZoom {
		return Stats{}, fmt.Errorf("zooms %d to %d: they lie in [0, %d]", p.MinZoom, p.MaxZoom, tile.MaxZoom)
	}
	b := &builder{plan: &p, sink: sink, stats: Stats{Tiles: map[uint8]int{}}}
	var jobs []job
	for i := range p.Works {
		jobs = append(jobs, b.jobs(&p.Works[i])...)
	}
	for i := range jobs {
		b.all += len(jobs[i].tiles)
	}
	err := b.each(ctx, len(jobs), func(ctx context.Context, d *desk, i int) error { return b.run(ctx, d, &jobs[i]) })
	if err == nil {
		err = b.sums(ctx)
	}
	return b.stats, err
}

// each calls do for 0 to n-1, each in one of the workers.
func (b *builder) each(ctx context.Context, n int, do func(ctx context.Context, d *desk, i int) error) error {
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range min(b.plan.Workers, n) {
		group.Go(func() error {
			d := desks.Get().(*desk)
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := do(ctx, d, int(i)); err != nil {
					return err // what is half done stays on the desk, so nobody gets it
				}
			}
			desks.Put(d)
			return nil
		})
	}
	return group.Wait()
}

// jobs divides a work.
func (b *builder) jobs(w *Work) []job {
	source := readerOf(w.Source)
	byZoom := map[int][]*maker{}
	var zooms []int
	for _, g := range b.plan.Grids {
		var of []*maker
		zoom := tile.MaxZoom
		for i := range w.Layers {
			m := newMaker(w.Layers[i], g, b.plan.MinZoom, b.plan.MaxZoom)
			if m.min > m.max {
				continue
			}
			m.bit = 1 << i
			of = append(of, m)
			z := m.min
			if m.summed() && (m.min <= m.base() || b.plan.Cells == CellsAll) {
				z = m.base()
			}
			zoom = min(zoom, z)
		}
		if len(of) == 0 || w.Source.Len() == 0 {
			continue
		}
		if byZoom[zoom] == nil {
			zooms = append(zooms, zoom)
		}
		byZoom[zoom] = append(byZoom[zoom], of...)
		b.makers = append(b.makers, of...)
	}
	var jobs []job
	for _, z := range zooms {
		for _, tiles := range b.divide(w.Source, byZoom[z], uint8(z)) {
			jobs = append(jobs, job{source: source, makers: byZoom[z], tiles: tiles})
		}
	}
	return jobs
}

func newMaker(l Layer, g tile.Grid, minZoom, maxZoom int) *maker {
	low := int(g.MinZoom())
	m := &maker{Layer: l, grid: g, min: max(minZoom, low), max: maxZoom, cells: map[tile.Tile]struct{}{}}
	if m.ParcelZoom == 0 {
		m.ParcelZoom = DefaultParcelZoom
	}
	// The lowest zoom has no cells to sum: it may be drawn as parcels only.
	m.ParcelZoom = max(m.ParcelZoom, low)
	return m
}

// jobsPerWorker is into how many parts the work is divided at least, where there
// are as many tiles, so that workers end at about the same time.
const jobsPerWorker = 8

// mostRows bounds how many rows of tiles a job has: enough that hardly a feature
// is read twice for two grids whose rows begin at different latitudes.
const mostRows = 8

// divide returns the tiles of zoom z that features lie in, of all grids of makers,
// in groups that lie on the same ground: columns of some rows, along Hilbert's
// curve.
func (b *builder) divide(s Source, makers []*maker, z uint8) [][]tile.Tile {
	var tiles []tile.Tile
	for i, m := range makers {
		if i == 0 || m.grid != makers[i-1].grid {
			tiles = occupied(s, m.grid, z, tiles)
		}
	}
	rows := uint32(max(1, min(mostRows, len(tiles)/(2*jobsPerWorker*b.plan.Workers))))
	type place struct{ x, y uint32 }
	groups := map[place][]tile.Tile{}
	for _, t := range tiles {
		// A tile belongs to the rows of w that its middle lies in.
		box := t.Box()
		box.Min.Lat += (box.Max.Lat - box.Min.Lat) / 2
		at := tile.W.At(box.Min, max(z, tile.W.MinZoom()))
		k := place{t.X, at.Y / rows}
		groups[k] = append(groups[k], t)
	}
	out := make([][]tile.Tile, 0, len(groups))
	for _, g := range groups {
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b []tile.Tile) int { return alongTiles(a[0], b[0]) })
	return out
}

// occupied appends the tiles of zoom z that a feature's box comes to.
func occupied(s Source, g tile.Grid, z uint8, dst []tile.Tile) []tile.Tile {
	var descend func(t tile.Tile)
	descend = func(t tile.Tile) {
		switch {
		case !anyIn(s, t):
		case t.Z == z:
			dst = append(dst, t)
		default:
			for _, c := range t.Children() {
				descend(c)
			}
		}
	}
	cols, rows := g.Size(g.MinZoom())
	for y := range rows {
		for x := range cols {
			descend(tile.Tile{Grid: g, Z: g.MinZoom(), X: x, Y: y})
		}
	}
	return dst
}
