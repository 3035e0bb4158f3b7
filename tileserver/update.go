package tileserver

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/tile"
)

// Rebuilt counts what [UpdateTiles] did.
type Rebuilt struct {
	// Counts is the number of tiles of the new file by grid and zoom.
	Counts map[string]map[string]int
	// Made is how many were made anew, empty ones among them.
	Made int
}

// UpdateTiles writes a file of tiles to path, which must not exist: that at from
// with those tiles and cells made anew from ix that a change may show in. changed
// are the boxes of the features that changed, by layer key, of what they were and
// what they are. The tiles are those that [BuildTiles] makes of ix; of opt, zooms
// and grids must be those of the file at from.
func UpdateTiles(ctx context.Context, ix *index.Index, from, path string, changed map[string][]geo.Box, opt BuildOptions) (*Rebuilt, error) {
	old, err := cache.Open(from)
	if err != nil {
		return nil, err
	}
	u, err := cache.Update(from, path)
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
	s := &updateSink{Updater: u, old: old, work: r, made: map[keyedTile]int{}, cells: map[keyedTile][]byte{}}
	err = r.Run(ctx, s)
	relieved := 0
	if err == nil {
		relieved, err = s.relieve(ctx, plan, crews(ix))
	}
	if err == nil {
		err = s.clear()
	}
	if err = errors.Join(err, old.Close()); err != nil {
		return nil, errors.Join(err, u.Abort())
	}
	counts, err := u.Close()
	if err != nil {
		return nil, err
	}
	out := &Rebuilt{Counts: map[string]map[string]int{}, Made: relieved}
	for _, tiles := range r.Tiles {
		out.Made += len(tiles)
	}
	for _, g := range tile.Grids() {
		zooms := map[string]int{}
		for z, n := range counts[g] {
			zooms[strconv.Itoa(int(z))] = n
		}
		out.Counts[g.String()] = zooms
	}
	return out, nil
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
	work *pyramid.Remaking

	mu    sync.Mutex
	made  map[keyedTile]int    // the bytes of what was made
	cells map[keyedTile][]byte // made anew
}

func (s *updateSink) PutTile(key string, t tile.Tile, data []byte) error {
	p := cache.Compress(data)
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

// relieve makes crowded tiles among those that were made anew smaller. It returns how
// many tiles it made.
func (s *updateSink) relieve(ctx context.Context, p pyramid.Plan, all []crew) (int, error) {
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
				if sizes[i], err = s.size(l, t); err != nil {
					return 0, err
				}
			}
			for i, budget := range c.budgets(t, sizes) {
				if budget > 0 {
					r.Budgets[c.layers[i].Key()][t] = budget
				}
			}
		}
	}
	return pyramid.Relieve(ctx, p, r, s)
}

// size returns how many bytes a layer's part of a tile has with everything.
func (s *updateSink) size(l *edition.Layer, t tile.Tile) (int, error) {
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
	}
	part, _, err := s.old.Get(key, t)
	return len(part.Deflated), err
}

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
