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

// Rebuilt tells what [UpdateTiles] did.
type Rebuilt struct {
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

// UpdateTiles makes the tiles and cells anew that a change may show in, from ix, in
// the file at path, a copy of the one at from. changed
// are the boxes of the features that changed, by layer key, of what they were and
// what they are. The tiles are those that [BuildTiles] makes of ix; of opt, zooms
// and grids must be those of the file at from. The file is not seen on disk, see
// [edition.Draft.Finish]; after an error it is removed.
func UpdateTiles(ctx context.Context, ix *index.Index, from, path string, changed map[string][]geo.Box, opt BuildOptions) (*Rebuilt, error) {
	old, err := cache.Open(from)
	if err != nil {
		return nil, err
	}
	u, err := cache.Update(path)
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
	done, err := u.Close()
	if err != nil {
		return nil, err
	}
	return rebuilt(done), nil
}

func rebuilt(u *cache.Updated) *Rebuilt {
	out := &Rebuilt{Counts: map[string]map[string]int{}}
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

func (s *updateSink) CellsBefore(key string, t tile.Tile) ([]byte, error) { return s.old.Cells(key, t) }

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
