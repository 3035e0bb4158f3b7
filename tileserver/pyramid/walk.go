package pyramid

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"gengtu/index/geo"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// walk goes through the quadtree of tiles. Tiles of zoom base, one above the
// parcels', are where features are read: from there cells are summed upwards and
// parcels are cut downwards.
type walk struct {
	grid   tile.Grid
	source Source
	opt    Options
	low    int // the zoom of build's tasks

	mu    sync.Mutex // guards put, stats and cells
	cells map[tile.Tile]*cover
	put   func(tile.Tile, []byte) error
	stats Stats
}

// tasksPerWorker is into how many parts the work is divided, so that workers end
// at about the same time though the parts differ.
const tasksPerWorker = 8

// desk is what one worker works with: buffers that are used again and again.
type desk struct {
	raster raster
	drawer drawer
	snap   snapper
}

// desks holds desks between calls: their buffers are some 10 MB.
var desks = sync.Pool{New: func() any { return &desk{} }}

func (w *walk) base() int { return w.opt.ParcelZoom - 1 }

// build makes all tiles: those of the tasks' subtrees in parallel, then those
// above the tasks.
func (w *walk) build(ctx context.Context) error {
	x0, y0, x1, y1 := w.grid.Range(w.source.Extent(), uint8(w.opt.MinZoom))
	var roots, tasks []tile.Tile
	for y := y0; y <= y1 && w.source.Len() > 0; y++ {
		for x := x0; x <= x1; x++ {
			if t := (tile.Tile{Grid: w.grid, Z: uint8(w.opt.MinZoom), X: x, Y: y}); w.any(t) {
				roots = append(roots, t)
			}
		}
	}
	tasks = roots
	low := w.opt.MinZoom
	for ; low < w.base() && len(tasks) < tasksPerWorker*w.opt.Workers; low++ {
		var next []tile.Tile
		for _, t := range tasks {
			for _, c := range t.Children() {
				if w.any(c) {
					next = append(next, c)
				}
			}
		}
		tasks = next
	}
	w.cells = map[tile.Tile]*cover{}
	group, groupCtx := errgroup.WithContext(ctx)
	numbers := make(chan int)
	group.Go(func() error {
		defer close(numbers)
		for i := range tasks {
			select {
			case numbers <- i:
			case <-groupCtx.Done():
				return groupCtx.Err()
			}
		}
		return nil
	})
	for range w.opt.Workers {
		group.Go(func() error {
			d := desks.Get().(*desk)
			defer desks.Put(d)
			for i := range numbers {
				if _, err := w.cover(groupCtx, d, tasks[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	w.low = low
	for _, t := range roots {
		if _, err := w.above(ctx, t); err != nil {
			return err
		}
	}
	return w.drawAll(ctx)
}

// drawAll draws the tiles below the parcel zoom, when all that covers them is
// known: a tile's margin shows what its neighbours draw.
func (w *walk) drawAll(ctx context.Context) error {
	tiles := make([]tile.Tile, 0, len(w.cells))
	for t := range w.cells {
		tiles = append(tiles, t)
	}
	slices.SortFunc(tiles, func(a, b tile.Tile) int {
		return cmp.Or(cmp.Compare(a.Z, b.Z), cmp.Compare(a.Y, b.Y), cmp.Compare(a.X, b.X))
	})
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range w.opt.Workers {
		group.Go(func() error {
			d := desks.Get().(*desk)
			defer desks.Put(d)
			for i := next.Add(1) - 1; int(i) < len(tiles); i = next.Add(1) - 1 {
				if err := w.drawCells(ctx, d, tiles[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// above sums the tiles from t down to those that are done, and returns what t is
// covered by.
func (w *walk) above(ctx context.Context, t tile.Tile) (*cover, error) {
	if int(t.Z) >= w.low {
		return w.cells[t], nil
	}
	if !w.any(t) {
		return nil, nil
	}
	sum := &cover{}
	for i, child := range t.Children() {
		c, err := w.above(ctx, child)
		if err != nil {
			return nil, err
		}
		sum.add(c, i)
	}
	w.keep(t, sum)
	return sum, nil
}

// keep remembers what t is covered by.
func (w *walk) keep(t tile.Tile, c *cover) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cells[t] = c
}

// subtree makes t and what lies under it, as far as the options ask for it.
func (w *walk) subtree(ctx context.Context, t tile.Tile) error {
	d := desks.Get().(*desk)
	defer desks.Put(d)
	if int(t.Z) >= w.opt.ParcelZoom {
		_, err := w.cover(ctx, d, t)
		return err
	}
	cols, rows := t.Grid.Size(t.Z)
	for dy := range uint32(3) {
		for dx := range uint32(3) {
			n := tile.Tile{Grid: t.Grid, Z: t.Z, X: t.X + dx - 1, Y: t.Y + dy - 1}
			if n.X >= cols || n.Y >= rows {
				continue
			}
			if _, err := w.cover(ctx, d, n); err != nil {
				return err
			}
		}
	}
	return w.drawCells(ctx, d, t)
}

// cover makes t and what lies under it and returns what t is covered by, or nil
// at parcel zooms and where nothing is.
func (w *walk) cover(ctx context.Context, d *desk, t tile.Tile) (*cover, error) {
	if err := ctx.Err(); err != nil || !w.any(t) {
		return nil, err
	}
	z := int(t.Z)
	if z >= w.opt.ParcelZoom {
		features, err := w.load(ctx, t, t.Z)
		if err != nil {
			return nil, err
		}
		return nil, w.parcels(ctx, d, t, features)
	}
	if z < w.base() {
		sum := &cover{}
		for i, child := range t.Children() {
			c, err := w.cover(ctx, d, child)
			if err != nil {
				return nil, err
			}
			sum.add(c, i)
		}
		w.keep(t, sum)
		return sum, nil
	}
	features, err := w.load(ctx, t, t.Z+1)
	if err != nil {
		return nil, err
	}
	if w.opt.MaxZoom > z {
		for _, child := range t.Children() {
			if err := w.parcels(ctx, d, child, features); err != nil {
				return nil, err
			}
		}
	}
	c := d.raster.cover(t, features)
	w.keep(t, c)
	return c, nil
}

// drawCells hands out t, drawn as cells, when its zoom is asked for.
func (w *walk) drawCells(ctx context.Context, d *desk, t tile.Tile) error {
	if int(t.Z) < w.opt.MinZoom || int(t.Z) > w.opt.MaxZoom {
		return ctx.Err()
	}
	around := &neighbours{}
	for i := range around {
		around[i] = w.cells[tile.Tile{Grid: t.Grid, Z: t.Z, X: t.X + uint32(i%3) - 1, Y: t.Y + uint32(i/3) - 1}]
	}
	layer := mvt.Layer{Name: w.source.Name(), Features: d.drawer.draw(around, w.opt.ClassKey)}
	data, err := mvt.Append(nil, &layer)
	if err != nil {
		return err
	}
	return w.emit(t, data)
}

// parcels makes t from those of features that reach into it, and the tiles
// under it.
func (w *walk) parcels(ctx context.Context, d *desk, t tile.Tile, features []*loaded) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var here []*loaded
	vertices := 0
	for _, f := range features {
		if f.reaches(t) {
			here = append(here, f)
			vertices += len(f.points)
		}
	}
	if len(here) == 0 {
		return nil
	}
	if int(t.Z) >= w.opt.MinZoom {
		if err := w.parcelTile(d, t, here, vertices); err != nil {
			return err
		}
	}
	if int(t.Z) < w.opt.MaxZoom {
		for _, c := range t.Children() {
			if err := w.parcels(ctx, d, c, here); err != nil {
				return err
			}
		}
	}
	return nil
}

// parcelTile makes t from features, as parcels or, if that is too large, merged.
func (w *walk) parcelTile(d *desk, t tile.Tile, features []*loaded, vertices int) error {
	layer := mvt.Layer{Name: w.source.Name()}
	vanished, merged := 0, 0
	var data []byte
	if vertices <= maxTileVertices {
		layer.Features, vanished = d.snap.tile(t, features)
		var err error
		if data, err = mvt.Append(nil, &layer); err != nil {
			return err
		}
	}
	if vertices > maxTileVertices || len(data) > w.opt.MaxTileBytes {
		merged, vanished = 1, 0
		layer.Features = d.drawer.draw(&neighbours{4: d.raster.cover(t, features)}, w.opt.ClassKey)
		var err error
		if data, err = mvt.Append(nil, &layer); err != nil {
			return err
		}
	}
	w.mu.Lock()
	w.stats.Merged += merged
	w.stats.Vanished += vanished
	w.mu.Unlock()
	return w.emit(t, data)
}

// emit hands out a tile that is not empty.
func (w *walk) emit(t tile.Tile, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stats.Tiles[t.Z]++
	w.stats.Bytes += int64(len(data))
	return w.put(t, data)
}

// any tells whether a feature's box meets t.
func (w *walk) any(t tile.Tile) bool {
	found := false
	w.source.Search(t.Box(), func(int) bool { found = true; return false })
	return found
}

// load reads the features that reach into t, with the margin that tiles of zoom
// z have, in the order of their ids: an order that the index has no part in.
func (w *walk) load(ctx context.Context, t tile.Tile, z uint8) ([]*loaded, error) {
	var numbers []int
	w.source.Search(boxAround(t, z), func(i int) bool { numbers = append(numbers, i); return true })
	slices.Sort(numbers)
	features := make([]*loaded, 0, len(numbers))
	for n, i := range numbers {
		if n%256 == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
		f, err := w.source.Feature(i)
		if err != nil {
			return nil, err
		}
		features = append(features, project(w.grid, f))
	}
	slices.SortStableFunc(features, func(a, b *loaded) int { return cmp.Compare(a.ID, b.ID) })
	return features, nil
}

// boxAround returns the ground under t and the margin of a tile of zoom z.
func boxAround(t tile.Tile, z uint8) geo.Box {
	o, span := t.Origin(), tile.Span(t.Z)
	// One unit more than the margin covers the rounding to positions.
	margin := tile.Span(z) * (marginUnits + 1) / mvt.Extent
	nw := geo.PositionOf(t.Grid.Unproject(tile.World{X: o.X - margin, Y: o.Y - margin}))
	se := geo.PositionOf(t.Grid.Unproject(tile.World{X: o.X + span + margin, Y: o.Y + span + margin}))
	return geo.Box{Min: geo.Position{Lon: nw.Lon, Lat: se.Lat}, Max: geo.Position{Lon: se.Lon, Lat: nw.Lat}}
}
