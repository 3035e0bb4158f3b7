package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"gengtu/index/patch"
	"gengtu/index/problem"
	"gengtu/tileserver/tile"
)

// Reader reads a tiles.db. Several processes may read one file at once, and
// several goroutines one Reader; Close alone must come after all other calls.
type Reader struct {
	path    string
	file    *patch.File
	content *patch.Bucket
	layers  map[string]*patch.Bucket
	cells   map[string]*patch.Bucket
	names   []string
}

// Open opens the finished file path, and its patch where there is one, for reading. A
// file that is not there, is no tile store, or is shorter than it says gives a
// [*problem.Problem].
func Open(path string) (*Reader, error) { return OpenChecked(path, nil) }

// OpenChecked is Open for who makes new tiles of what the file holds: what is read of it
// is compared with sums, see [patch.Open], and what differs is
// [ErrCorrupt].
func OpenChecked(path string, sums *patch.Sums) (*Reader, error) {
	r := &Reader{path: path, layers: map[string]*patch.Bucket{}, cells: map[string]*patch.Bucket{}}
	err := guarded(func() error { return r.open(sums) })
	if err == nil {
		return r, nil
	}
	if r.file != nil {
		err = errors.Join(err, r.file.Close())
	}
	return nil, unopened(path, err)
}

// unopened says why a file does not open.
func unopened(path string, err error) error {
	if p := problem.Of(err); p != nil {
		return p.In(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return problem.New("TILES_MISSING", "没有瓦片库", "there is no tile store").In(path).Because(err)
	}
	return corrupt("不是瓦片库：%v", "it is no tile store: %v", err).In(path).Because(err)
}

func (r *Reader) open(sums *patch.Sums) (err error) {
	if r.file, err = patch.Open(r.path, sums); err != nil {
		return err
	}
	r.content = r.file.Bucket(string(bucketContent))
	meta, layers, cells := r.file.Bucket(string(bucketMeta)), r.file.Bucket(string(bucketLayers)), r.file.Bucket(string(bucketCells))
	if meta == nil {
		return corrupt("文件中没有瓦片", "the file holds no tiles")
	}
	if got := meta.Get(keyFormat); string(got) != format {
		return problem.New("TILES_FORMAT", "瓦片库格式为 %q，本程序读取 %q", "the tile store has the format %q, this program reads %q", got, format).
			Advise("请用本程序重新生成该版本", "build the edition again with this program")
	}
	if r.content == nil || layers == nil || cells == nil {
		return corrupt("文件中没有瓦片", "the file holds no tiles")
	}
	// Buckets are opened here once, and not at each reading. A layer that an update has
	// emptied is none, as it would be in a file that is written whole.
	for _, name := range cells.Buckets() {
		if b := cells.Bucket(name); !b.Empty() {
			r.cells[name] = b
		}
	}
	for _, name := range layers.Buckets() {
		if b := layers.Bucket(name); !b.Empty() {
			r.layers[name] = b
		}
	}
	for name := range r.cells {
		if r.layers[name] == nil {
			r.layers[name] = &patch.Bucket{} // it has no tiles
		}
	}
	r.names = slices.Sorted(maps.Keys(r.layers))
	return nil
}

// Layers returns the layer keys of the file, sorted.
func (r *Reader) Layers() []string { return append([]string(nil), r.names...) }

// keys are those that are looked up: the checksums take them to the heap.
var keys = sync.Pool{New: func() any { return new([keyBytes]byte) }}

// Get returns tile t of the layer layerKey, and false when the file has none: the
// tile is empty then, or was not built. The part's data lie in the file's memory
// and are valid until Close; they must not be written to. The bytes' checksum
// has been tested; when it is wrong the error matches [ErrCorrupt].
func (r *Reader) Get(layerKey string, t tile.Tile) (p Part, ok bool, err error) {
	layer := r.layers[layerKey]
	if layer == nil {
		return Part{}, false, nil
	}
	key := keys.Get().(*[keyBytes]byte) //nolint:forcetypeassert // the pool has nothing else
	defer keys.Put(key)
	*key = tileKey(t)
	err = guarded(func() error {
		entry := layer.Get(key[:])
		if entry == nil {
			if layer.Astray(key[:], isWhole) {
				return corrupt("瓦片键的次序已乱", "the keys of tiles are out of order")
			}
			return nil
		}
		ok = true
		p, err = r.part(key[:], entry)
		return err
	})
	if err != nil {
		return Part{}, false, fmt.Errorf("%s, tile %s of %s: %w", r.path, t, layerKey, err)
	}
	return p, ok, nil
}

// isWhole tells whether a record is a tile's as it was written.
func isWhole(key, entry []byte) bool {
	_, err := checkSum(key, entry)
	return err == nil
}

// Cells returns what was put by [Writer.PutCells] for t, or nil. The data lie in
// the file's memory, as those of [Reader.Get].
func (r *Reader) Cells(layerKey string, t tile.Tile) (data []byte, err error) {
	cells := r.cells[layerKey]
	if cells == nil {
		return nil, nil
	}
	key := tileKey(t)
	err = guarded(func() (err error) {
		if b := cells.Get(key[:]); b != nil {
			data, err = checkSum(key[:], b)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s, cells %s of %s: %w", r.path, t, layerKey, err)
	}
	return data, nil
}

// EachCells calls visit for all cells, as [Reader.Each] does for tiles.
func (r *Reader) EachCells(visit func(layerKey string, t tile.Tile, data []byte) error) error {
	for _, name := range slices.Sorted(maps.Keys(r.cells)) {
		c := r.cells[name].Cursor()
		var key, entry []byte
		step := func() error { key, entry = c.Next(); return nil }
		err := guarded(func() error { key, entry = c.First(); return nil })
		for ; err == nil && key != nil; err = guarded(step) {
			var t tile.Tile
			var data []byte
			err = guarded(func() (err error) {
				if t, err = tileOf(key); err == nil {
					data, err = checkSum(key, entry)
				}
				return err
			})
			if err != nil {
				break
			}
			if err := visit(name, t, data); err != nil {
				return err
			}
		}
		if err != nil {
			return fmt.Errorf("%s, cells of %s: %w", r.path, name, err)
		}
	}
	return nil
}

// part returns the content that is entered under a tile's key.
func (r *Reader) part(key, entry []byte) (Part, error) {
	hash, err := checkSum(key, entry)
	if err != nil {
		return Part{}, err
	}
	record := r.content.Get(hash)
	if record == nil {
		return Part{}, corrupt("缺少内容 %x", "the content %x is missing", hash)
	}
	return parseRecord(record)
}

// Each calls visit for every tile: layer keys in byte order, then grid, z, x, y.
// The first error ends it and is returned as it is. Data are valid as with Get.
func (r *Reader) Each(visit func(layerKey string, t tile.Tile, p Part) error) error {
	for _, name := range r.names {
		// What visit returns, and its panics, are not the file's.
		c := r.layers[name].Cursor()
		var key, entry []byte
		step := func() error { key, entry = c.Next(); return nil }
		err := guarded(func() error { key, entry = c.First(); return nil })
		for ; err == nil && key != nil; err = guarded(step) {
			var t tile.Tile
			var p Part
			err = guarded(func() (err error) {
				if t, err = tileOf(key); err == nil {
					p, err = r.part(key, entry)
				}
				return err
			})
			if err != nil {
				break
			}
			if err := visit(name, t, p); err != nil {
				return err
			}
		}
		if err != nil {
			return fmt.Errorf("%s, layer %s: %w", r.path, name, err)
		}
	}
	return nil
}

// Close ends the reading; all parts that came from r are invalid after it. Closing twice
// does nothing.
func (r *Reader) Close() error { return r.file.Close() }
