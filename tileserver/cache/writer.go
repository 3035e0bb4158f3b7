package cache

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"sync"

	"gengtu/tileserver/tile"
)

// The buckets of tiles.db: content by its hash; for each layer key a bucket of
// tiles, each the hash of its content, and one of cells; the format's name.
var (
	bucketContent = []byte("content")
	bucketLayers  = []byte("layers")
	bucketCells   = []byte("cells")
	bucketMeta    = []byte("meta")
	keyFormat     = []byte("format")
)

// format names what is stored and how.
const format = "gengtu tiles 3"

// hashBytes is the length of a content's hash: 128 bits of SHA-256. Two
// contents of one hash would be refused, not mixed up.
const hashBytes = 16

// batchBytes is how much content a transaction writes, which bounds its memory
// and makes its cost small beside its content.
const batchBytes = 16 << 20

// ErrTwice is wrapped by the error about a tile that is put twice with different
// contents.
var ErrTwice = errors.New("a tile was put twice with different contents")

// Writer writes a tiles.db. Its methods may be called by several goroutines.
//
// What is put goes to a file beside it, the spool, in the order of its coming.
// Close sorts what is known of it, some 100 bytes a tile, and writes the store from
// its first key to its last, so that pages are full and none is written twice. The
// result does not depend on the order of puts.
type Writer struct {
	path string
	seed [2]maphash.Seed

	mu      sync.Mutex
	spool   *spool
	layers  map[string]int32
	tiles   []putTile
	cells   []putCells
	cellsAt map[cellsKey]place
	raws    map[rawHash]*content
	hashes  map[[hashBytes]byte]*content
}

// content is a record that is in the spool once done is closed.
type content struct {
	hash  [hashBytes]byte
	place place
	err   error
	done  chan struct{}
}

type putTile struct {
	layer   int32
	key     [keyBytes]byte
	content *content
	instead bool // of what was put before
}

type cellsKey struct {
	layer int32
	key   [keyBytes]byte
}

type putCells struct {
	layer int32
	key   [keyBytes]byte
	place place
}

// rawHash tells contents apart that are not compressed yet: 128 bits of keys that
// nobody knows, and the length.
type rawHash struct {
	a, b uint64
	n    int
}

// Create makes the file path, which must not exist, for writing. The writer must
// be closed, or aborted, which removes the file.
func Create(path string) (*Writer, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("tile store: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("tile store: %w", err)
	}
	s, err := createSpool(path + ".spool")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("tile store: %w", err), os.Remove(path))
	}
	return &Writer{
		path: path, seed: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, spool: s, layers: map[string]int32{},
		cellsAt: map[cellsKey]place{}, raws: map[rawHash]*content{}, hashes: map[[hashBytes]byte]*content{},
	}, nil
}

// Put enters p as tile t of the layer layerKey. An empty part is passed over: a
// tile that is not there is empty. Putting a tile twice is an error of [Writer.Counts]
// or [Writer.Close] that wraps [ErrTwice] unless the contents are equal. p's data
// are not kept. After an error the writer must be aborted.
func (w *Writer) Put(layerKey string, t tile.Tile, p Part) error {
	if p.Empty() {
		return nil
	}
	return w.put(layerKey, putTile{key: tileKey(t)}, p)
}

func (w *Writer) put(layerKey string, t putTile, p Part) error {
	record := encodeRecord(p)
	hash := hashOf(record)
	w.mu.Lock()
	defer w.mu.Unlock()
	var err error
	if t.layer, err = w.layer(layerKey); err != nil {
		return err
	}
	c := w.hashes[hash]
	if c == nil {
		c = &content{hash: hash, done: make(chan struct{})}
		close(c.done)
		if c.place, err = w.spool.add(record); err != nil {
			return fmt.Errorf("tile store: %w", err)
		}
		w.hashes[hash] = c
	}
	t.content = c
	w.tiles = append(w.tiles, t)
	return nil
}

// PutRaw enters raw, a tile that is not compressed, as [Writer.Put] does. It is
// compressed by the caller's goroutine, unless equal content was put before.
// It returns the part's length; raw is not kept.
func (w *Writer) PutRaw(layerKey string, t tile.Tile, raw []byte) (int, error) {
	if len(raw) == 0 {
		return 0, nil
	}
	if len(raw) > MaxRawBytes {
		_, err := CompressTile(layerKey, t, raw) // says so
		return 0, err
	}
	known := rawHash{maphash.Bytes(w.seed[0], raw), maphash.Bytes(w.seed[1], raw), len(raw)}
	w.mu.Lock()
	layer, err := w.layer(layerKey)
	if err != nil {
		w.mu.Unlock()
		return 0, err
	}
	c := w.raws[known]
	mine := c == nil
	if mine {
		c = &content{done: make(chan struct{})}
		w.raws[known] = c
	}
	w.tiles = append(w.tiles, putTile{layer: layer, key: tileKey(t), content: c})
	w.mu.Unlock()
	if mine {
		record := encodeRecord(Compress(raw))
		c.hash = hashOf(record)
		w.mu.Lock()
		c.place, c.err = w.spool.add(record)
		w.mu.Unlock()
		close(c.done)
	}
	<-c.done
	if c.err != nil {
		return 0, fmt.Errorf("tile store: %w", c.err)
	}
	return int(c.place.n) - recordHead, nil
}

func hashOf(record []byte) (h [hashBytes]byte) {
	sum := sha256.Sum256(record)
	copy(h[:], sum[:])
	return h
}

// layer returns the number of a layer key.
func (w *Writer) layer(key string) (int32, error) {
	if key == "" {
		return 0, errors.New("tile store: a layer without a key")
	}
	n, ok := w.layers[key]
	if !ok {
		n = int32(len(w.layers))
		w.layers[key] = n
	}
	return n, nil
}

// PutCells enters data, which must not be empty, as what is known of the ground
// under t in the layer layerKey; see [Reader.Cells]. data are not kept. Cells that
// are put again replace the ones before.
func (w *Writer) PutCells(layerKey string, t tile.Tile, data []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	layer, err := w.layer(layerKey)
	if err != nil {
		return err
	}
	key := tileKey(t)
	at, err := w.spool.add(withSum(key[:], data))
	if err != nil {
		return fmt.Errorf("tile store: %w", err)
	}
	w.cells = append(w.cells, putCells{layer, key, at})
	w.cellsAt[cellsKey{layer, key}] = at
	return nil
}

// Cells returns what was put by [Writer.PutCells] last, or nil. The data are the
// caller's.
func (w *Writer) Cells(layerKey string, t tile.Tile) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	layer, ok := w.layers[layerKey]
	key := tileKey(t)
	at, known := w.cellsAt[cellsKey{layer, key}]
	if !ok || !known {
		return nil, nil
	}
	data, err := w.spool.read(at)
	if err == nil {
		data, err = checkSum(key[:], data)
	}
	if err != nil {
		return nil, fmt.Errorf("tile store, cells %s of %s: %w", t, layerKey, err)
	}
	return data, nil
}
