package tileserver

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"gengtu/index"
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
	r := pyramid.NewRemaking(pyramid.Plan{
		Works: worksOf(ix), Grids: opt.Grids, MinZoom: opt.MinZoom, MaxZoom: opt.MaxZoom,
		Workers: opt.Workers, MemoryBytes: opt.MemoryBytes, Progress: opt.Progress,
	}, changed)
	s := &updateSink{Updater: u, old: old, work: r, made: map[keyedTile]bool{}, cells: map[keyedTile][]byte{}}
	err = r.Run(ctx, s)
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
	out := &Rebuilt{Counts: map[string]map[string]int{}}
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
	made  map[keyedTile]bool
	cells map[keyedTile][]byte // made anew
}

func (s *updateSink) PutTile(key string, t tile.Tile, data []byte) error {
	s.mu.Lock()
	s.made[keyedTile{key, t}] = true
	s.mu.Unlock()
	return s.Put(key, t, cache.Compress(data))
}

func (s *updateSink) PutCells(key string, t tile.Tile, data []byte) error {
	s.mu.Lock()
	s.cells[keyedTile{key, t}] = append([]byte(nil), data...)
	s.mu.Unlock()
	return s.Updater.PutCells(key, t, data)
}

func (s *updateSink) Cells(key string, t tile.Tile) ([]byte, error) {
	if !s.work.Cells[key][t] {
		return s.old.Cells(key, t)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cells[keyedTile{key, t}], nil
}

// clear takes away what was to be made and is empty now.
func (s *updateSink) clear() error {
	for key, tiles := range s.work.Tiles {
		for t := range tiles {
			if !s.made[keyedTile{key, t}] {
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
