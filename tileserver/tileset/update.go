package tileset

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/patch"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/tile"
)

// Updated tells what [Update] did.
type Updated struct {
	// Counts is the number of tiles of the new file by grid and zoom.
	Counts map[string]map[string]int
	// Work says for each grid and zoom, in their order, how much of it was made.
	Work []Rework
}

// Rework counts the tiles of a grid and zoom, those of all layers together.
type Rework struct {
	Grid string `json:"grid"`
	Zoom int    `json:"zoom"`
	// Dirty of All tiles that are there now or were before were made anew, empty
	// ones among them.
	Dirty int `json:"dirty"`
	All   int `json:"all"`
	// DirtyBytes and AllBytes are what these tiles take compressed: as they are, or
	// were where they are empty now.
	DirtyBytes int64 `json:"dirty_bytes"`
	AllBytes   int64 `json:"all_bytes"`
}

// Update makes the tiles and cells anew that a change may show in, from ix, in
// the patch of the file at path, which is the one at from in a draft, see
// [edition.Draft.Take]. What is read of it is compared with the checksums of blocks in
// the manifest of ix. changed
// are the boxes of the features that changed, by layer key, of what they were and
// what they are. The tiles are those that [Build] makes of ix; of opt, zooms
// and grids must be those of the file at from. The patch is not seen on disk, see
// [edition.Draft.Finish]; after an error it is not to be used.
func Update(ctx context.Context, ix *index.Index, from, path string, changed map[string][]geo.Box, opt BuildOptions) (*Updated, error) {
	sums := patch.NewSums(ix.Manifest.Blocks[edition.TilesFile])
	old, err := cache.OpenChecked(from, sums)
	if err != nil {
		return nil, err
	}
	u, err := cache.Update(path, sums)
	if err != nil {
		return nil, errors.Join(err, old.Close())
	}
	if opt.Grids == nil {
		opt.Grids = tile.Grids()
	}
	plan := pyramid.Plan{
		Works: worksOf(ix), Grids: opt.Grids, MinZoom: opt.MinZoom, MaxZoom: opt.MaxZoom,
		Workers: opt.Workers, MemoryBytes: opt.MemoryBytes, Progress: opt.Progress,
	}
	r := pyramid.NewRemaking(plan, changed)
	s := &updateSink{Updater: u, old: old, ix: ix, work: r, made: map[keyedTile]int{}, cells: map[keyedTile][]byte{}}
	err = r.Run(ctx, s)
	if err == nil {
		err = s.relieve(ctx, plan, crews(ix))
	}
	if err == nil {
		err = s.clear()
	}
	if err = errors.Join(err, old.Close()); err != nil {
		return nil, errors.Join(err, u.Abort())
	}
	done, err := u.Close()
	if err != nil {
		return nil, err
	}
	return updated(done), nil
}

func updated(u *cache.Updated) *Updated {
	out := &Updated{Counts: map[string]map[string]int{}}
	for _, g := range tile.Grids() {
		counts := map[string]int{}
		out.Counts[g.String()] = counts
		for z := range uint8(tile.MaxZoom + 1) {
			now, put, gone := u.Now[g][z], u.Put[g][z], u.Gone[g][z]
			if now.Tiles > 0 {
				counts[strconv.Itoa(int(z))] = now.Tiles
			}
			if all := now.Tiles + gone.Tiles; all > 0 {
				out.Work = append(out.Work, Rework{
					g.String(), int(z), put.Tiles + gone.Tiles, all, put.Bytes + gone.Bytes, now.Bytes + gone.Bytes,
				})
			}
		}
	}
	return out
}

// keyedTile is a tile of a layer.
type keyedTile struct {
	key string
	t   tile.Tile
}

// updateSink puts what is made anew into a file.
type updateSink struct {
	*cache.Updater
	old  *cache.Reader
	ix   *index.Index
	work *pyramid.Remaking

	mu    sync.Mutex
	made  map[keyedTile]int    // the bytes of what was made
	cells map[keyedTile][]byte // made anew
}

func (s *updateSink) PutTile(key string, t tile.Tile, data []byte) error {
	p, err := cache.CompressTile(key, t, data)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.made[keyedTile{key, t}] = len(p.Deflated)
	s.mu.Unlock()
	return s.Put(key, t, p)
}

func (s *updateSink) PutCells(key string, t tile.Tile, data []byte) error {
	s.mu.Lock()
	s.cells[keyedTile{key, t}] = append([]byte(nil), data...)
	s.mu.Unlock()
	return s.Updater.PutCells(key, t, data)
}

func (s *updateSink) Cells(key string, t tile.Tile) ([]byte, error) {
	s.mu.Lock()
	data, known := s.cells[keyedTile{key, t}]
	s.mu.Unlock()
	if known || s.work.Cells[key][t] {
		return data, nil
	}
	return s.old.Cells(key, t)
}

// relieve makes crowded tiles among those that were made anew smaller.
func (s *updateSink) relieve(ctx context.Context, p pyramid.Plan, all []crew) error {
	r := pyramid.Relief{Packed: packedBytes, Budgets: map[string]map[tile.Tile]int{}, Made: map[string]map[tile.Tile]bool{}}
	for _, c := range all {
		dirty := map[tile.Tile]bool{}
		for _, l := range c.layers {
			for t := range s.work.Tiles[l.Key()] {
				if slices.ContainsFunc(c.layers, func(l *edition.Layer) bool { return parcelsAt(l, t) }) {
					dirty[t] = true
				}
			}
		}
		for _, l := range c.layers {
			r.Made[l.Key()], r.Budgets[l.Key()] = dirty, map[tile.Tile]int{}
		}
		for t := range dirty {
			sizes := make([]int, len(c.layers))
			for i, l := range c.layers {
				var err error
				if sizes[i], err = s.size(ctx, l, t); err != nil {
					return err
				}
			}
			for i, budget := range c.budgets(t, sizes) {
				if budget > 0 {
					r.Budgets[c.layers[i].Key()][t] = budget
				}
			}
		}
	}
	_, err := pyramid.Relieve(ctx, p, r, s)
	return err
}

// size returns how many bytes a layer's part of a tile has with everything.
func (s *updateSink) size(ctx context.Context, l *edition.Layer, t tile.Tile) (int, error) {
	key := l.Key()
	if s.work.Tiles[key][t] {
		return s.made[keyedTile{key, t}], nil
	}
	if parcelsAt(l, t) {
		data, err := s.old.Cells(key, t)
		if err != nil || len(data) > 0 {
			n, cerr := pyramid.CrowdedBytes(data)
			return n, errors.Join(err, cerr)
		}
		merged, err := pyramid.MergedAround(t, func(t tile.Tile) ([]byte, error) { return s.old.Cells(key, t) })
		if err != nil {
			return 0, err
		}
		if merged { // what is stored shows some of it
			l := s.ix.Layer(l.Name, l.Vintage)
			data, err := pyramid.Make(ctx, newSource(l), t, pyramid.Options{ParcelZoom: l.Meta.ParcelZoom, ClassKey: l.Meta.ClassField, RoundM2: s.ix.Manifest.Policy.RoundM2})
			return packedBytes(data), err
		}
	}
	part, _, err := s.old.Get(key, t)
	return len(part.Deflated), err
}

func (s *updateSink) CellsBefore(key string, t tile.Tile) ([]byte, error) { return s.old.Cells(key, t) }

// clear takes away what was to be made and is empty now.
func (s *updateSink) clear() error {
	for key, tiles := range s.work.Tiles {
		for t := range tiles {
			if _, ok := s.made[keyedTile{key, t}]; !ok {
				if err := s.Put(key, t, cache.Part{}); err != nil {
					return err
				}
			}
		}
	}
	for key, tiles := range s.work.Cells {
		for t := range tiles {
			if s.cells[keyedTile{key, t}] == nil {
				if err := s.Updater.PutCells(key, t, nil); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
