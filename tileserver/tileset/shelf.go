package tileset

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"gengtu/index"
	"gengtu/index/problem"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/load"
	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/tile"
)

// Shelf has every tile of one generation: those that were built, from their file, and
// others, which are made when they are asked for and kept, in memory and, where it has a
// directory, on disc. Safe for concurrent use.
type Shelf struct {
	built   *cache.Reader
	made    *cache.Store
	maker   *Maker
	zooms   [2]int // that were built
	options ShelfOptions
}

// ShelfOptions say where a [Shelf] keeps tiles, and how many.
type ShelfOptions struct {
	// Name is that of the file of tiles made on demand, in Dir; "" for Dir keeps none.
	Name, Dir string
	// MemoryBytes and DiskBytes bound the tiles made on demand that are kept; CoverBytes
	// what low zooms are drawn from.
	MemoryBytes, DiskBytes, CoverBytes int64
	// Queue is where tiles wait to be made.
	Queue *load.Queue
	// Hold keeps the index and the shelf open until release: a tile is made to its end, also
	// when the one who asked for it has gone.
	Hold func() (release func(), err error)
	// Log is told of what is damaged or cannot be kept; Damaged of each damaged tile.
	Log     *slog.Logger
	Damaged func()
}

// wholesShare is the part of the memory of tiles made on demand, as a divisor, that
// those take which may be crowded; leastWholes is room for those under way.
const (
	wholesShare = 8
	leastWholes = 8 << 20
)

// OpenShelf opens the tiles at path, which are those of ix. The checksum of the file is the
// caller's to compare before: one that is cut short would be mapped into memory all the same.
func OpenShelf(path string, ix *index.Index, opt ShelfOptions) (*Shelf, error) {
	built, err := cache.Open(path)
	if err != nil {
		return nil, err
	}
	// Tiles that may be crowded are asked for once by each layer that is sent with them,
	// also where no tile is kept.
	wholes := max(opt.MemoryBytes/wholesShare, leastWholes)
	memory := opt.MemoryBytes
	if memory > wholes {
		memory -= wholes
	}
	s := &Shelf{built: built, zooms: ix.Manifest.BuiltZooms, options: opt}
	if s.made, err = s.OpenStore("", memory, opt.DiskBytes); err != nil {
		return nil, errors.Join(err, built.Close())
	}
	s.maker, err = NewMaker(ix, MakerOptions{Covers: pyramid.NewCovers(opt.CoverBytes, built.Cells), WholeBytes: wholes, Queue: opt.Queue, Hold: opt.Hold})
	if err != nil {
		return nil, errors.Join(err, s.made.Close(), built.Close())
	}
	return s, nil
}

// OpenStore opens a store beside that of the tiles made on demand, under its name and suffix,
// which tells of itself as that does. It is the caller's to close.
func (s *Shelf) OpenStore(suffix string, memory, disk int64) (*cache.Store, error) {
	log := s.options.Log
	opt := cache.StoreOptions{
		MemoryBytes: memory, DiskBytes: disk, Dir: s.options.Dir,
		OnCorrupt: func(layerKey string, t tile.Tile) {
			log.Warn("damaged tile dropped and made anew", "layer", layerKey, "tile", t.String())
			s.options.Damaged()
		},
		OnUnwritten: func(err error) {
			log.Warn("tiles made on demand are not kept on disc; it is tried again", "error", err)
		},
	}
	store, err := cache.OpenStore(s.options.Name+suffix, opt)
	if err != nil && opt.Dir != "" && problem.Of(err) == nil && !errors.Is(err, os.ErrPermission) {
		// A full disc is no reason to keep a generation from serving.
		log.Warn("no file for tiles made on demand; they are kept in memory", "error", err)
		opt.Dir = ""
		store, err = cache.OpenStore(s.options.Name+suffix, opt)
	}
	return store, err
}

// Built returns the tile of a layer of that key, of a zoom that was built; false for other
// zooms. An empty tile is a part without data. The bytes are valid until Close.
func (s *Shelf) Built(layerKey string, t tile.Tile) (cache.Part, bool, error) {
	if z := int(t.Z); z < s.zooms[0] || z > s.zooms[1] {
		return cache.Part{}, false, nil
	}
	p, _, err := s.built.Get(layerKey, t)
	return p, true, err
}

// Make returns a tile of a zoom that was not built: a kept one, or a new one.
func (s *Shelf) Make(ctx context.Context, l *index.Layer, t tile.Tile) (cache.Part, error) {
	return s.made.Get(ctx, l.Meta.Key(), t, func(ctx context.Context) (cache.Part, error) {
		// The store goes on when the one who asked has gone: the files must stay.
		release, err := s.options.Hold()
		if err != nil {
			return cache.Part{}, err
		}
		defer release()
		return s.maker.Make(ctx, l, t)
	})
}

// Stats tells what the store of tiles made on demand did. Of its memory those are part that
// may be crowded, a step on the way to a tile.
func (s *Shelf) Stats() cache.StoreStats {
	out := s.made.Stats()
	out.MemoryBytes += s.maker.WholeBytes()
	return out
}

// Close closes the files. Nothing may be asked from then on; what is being made, Hold has
// let end before.
func (s *Shelf) Close() error {
	return errors.Join(s.made.Close(), s.maker.Close(), s.built.Close())
}
