package cache

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/singleflight"

	"gengtu/tileserver/recent"
	"gengtu/tileserver/tile"
)

// Sizes that a [Store] keeps to when its options name none.
const (
	DefaultMemoryBytes = 64 << 20
	DefaultDiskBytes   = 1 << 30
)

// StoreOptions says how much a [Store] may keep, and where.
type StoreOptions struct {
	// MemoryBytes bounds the tiles kept in memory; 0 means [DefaultMemoryBytes],
	// less than 0 none.
	MemoryBytes int64
	// Dir is the directory of the file that outlives the process; "" means none.
	Dir string
	// DiskBytes bounds the tiles kept in the file; 0 means [DefaultDiskBytes].
	DiskBytes int64
	// OnCorrupt is told of each stored tile that was found damaged and has been
	// dropped. It may be nil, and may be called by several goroutines.
	OnCorrupt func(layerKey string, t tile.Tile)
	// OnUnwritten is told when the file cannot be written, as on a full disc: tiles are
	// then not kept, and it is tried again after some seconds. It may be nil, and is
	// told once until it is written again.
	OnUnwritten func(error)
}

// StoreStats counts what a [Store] has done since it was opened.
type StoreStats struct {
	MemoryHits, DiskHits, Made, Failed int64
	Corrupt, Dropped                   int64 // damaged entries; tiles not written because the disk was too slow
	MemoryBytes                        int64 // now in memory
}

// Store keeps the tiles that are made while serving: the last used ones in
// memory and, when it has a directory, in a file of its generation. Its methods
// may be called by several goroutines.
type Store struct {
	opt  StoreOptions
	disk *disk
	ctx  context.Context
	stop context.CancelFunc

	flight singleflight.Group
	memory *recent.Values[string, Part]

	mu    sync.Mutex
	stats StoreStats // but for what memory counts
}

// OpenStore returns a store for the tiles of one generation. A directory's file
// that is damaged is made anew; one that another process has open gives a
// [*problem.Problem].
func OpenStore(generation string, opt StoreOptions) (*Store, error) {
	if opt.MemoryBytes == 0 {
		opt.MemoryBytes = DefaultMemoryBytes
	}
	if opt.DiskBytes == 0 {
		opt.DiskBytes = DefaultDiskBytes
	}
	s := &Store{opt: opt, memory: recent.New(opt.MemoryBytes, func(key string, p Part) int64 { return int64(len(key) + len(p.Deflated)) })}
	s.ctx, s.stop = context.WithCancel(context.Background())
	if opt.Dir != "" {
		d, err := openDisk(opt.Dir, generation, opt.DiskBytes)
		if err != nil {
			s.stop()
			return nil, err
		}
		d.failed = opt.OnUnwritten
		s.disk = d
	}
	return s, nil
}

// Get returns tile t of the layer layerKey: from memory, from the file, or made
// by calling produce, whose part is kept.
//
// Callers that want one tile at one time share one call of produce, each with its
// own answer. produce gets a context that ends when the store is closed, not when a
// caller goes away; when ctx ends, Get returns its error and the tile is made and
// kept all the same. Errors of produce are returned to all who wait, and not kept;
// so is a panic in it, as an error. The part is the caller's to read for ever,
// but must not be written to.
func (s *Store) Get(ctx context.Context, layerKey string, t tile.Tile, produce func(context.Context) (Part, error)) (Part, error) {
	k := tileKey(t)
	key := layerKey + "\x00" + string(k[:])
	if p, ok := s.memory.Get(key); ok {
		return p, nil
	}
	done := s.flight.DoChan(key, func() (any, error) {
		if p, ok := s.onDisk(key, layerKey, t); ok {
			s.memory.Put(key, p)
			return p, nil
		}
		p, err := s.run(produce)
		if err != nil {
			return nil, fmt.Errorf("tile %s of %s: %w", t, layerKey, err)
		}
		s.memory.Put(key, p)
		if s.disk != nil && !s.disk.put(key, p) {
			s.count(func(st *StoreStats) { st.Dropped++ })
		}
		return p, nil
	})
	select {
	case <-ctx.Done():
		return Part{}, ctx.Err()
	case r := <-done:
		if r.Err != nil {
			return Part{}, r.Err
		}
		return r.Val.(Part), nil
	}
}

// run calls produce and counts how it ended. A panic would end the process, because
// it happens in a goroutine of the flight's.
func (s *Store) run(produce func(context.Context) (Part, error)) (p Part, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
		s.count(func(st *StoreStats) {
			st.Made++
			if err != nil {
				st.Failed++
			}
		})
	}()
	if err := s.ctx.Err(); err != nil {
		return Part{}, err
	}
	return produce(s.ctx)
}

// onDisk reads key from the file. A damaged entry is dropped and told of.
func (s *Store) onDisk(key, layerKey string, t tile.Tile) (Part, bool) {
	if s.disk == nil {
		return Part{}, false
	}
	p, ok, err := s.disk.get(key)
	if err != nil {
		// Whatever is wrong with the file, the tile can be made again.
		s.count(func(st *StoreStats) { st.Corrupt++ })
		if s.opt.OnCorrupt != nil {
			s.opt.OnCorrupt(layerKey, t)
		}
		s.disk.drop(key)
		return Part{}, false
	}
	if ok {
		s.count(func(st *StoreStats) { st.DiskHits++ })
	}
	return p, ok
}

func (s *Store) count(f func(*StoreStats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.stats)
}

// Stats returns what the store has done so far.
func (s *Store) Stats() StoreStats {
	memory := s.memory.Stats()
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.stats
	out.MemoryHits, out.MemoryBytes = memory.Hits, memory.Bytes
	return out
}

// Close writes what is waiting for the disk and closes the file. Calls of produce
// that still run have their context ended; Get must not be called after Close.
func (s *Store) Close() error {
	s.stop()
	if s.disk == nil {
		return nil
	}
	if err := s.disk.close(); err != nil {
		return errors.Join(errors.New("tile cache"), err)
	}
	return nil
}
