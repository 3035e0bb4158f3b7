package cache

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	bolt "go.etcd.io/bbolt"

	"gengtu/tileserver/tile"
)

// The buckets of tiles.db: content by its hash; for each layer key a bucket of
// tiles, each the hash of its content; the format's name.
var (
	bucketContent = []byte("content")
	bucketLayers  = []byte("layers")
	bucketMeta    = []byte("meta")
	keyFormat     = []byte("format")
)

// format names what is stored and how.
const format = "gengtu tiles 1"

// hashBytes is the length of a content's hash: 128 bits of SHA-256. Two
// contents of one hash would be refused, not mixed up.
const hashBytes = 16

// Batches are written when they reach one of these sizes, which keep a
// transaction's pages in memory and its cost small beside its content.
const (
	batchTiles = 4096
	batchBytes = 8 << 20
)

// ErrTwice is wrapped by the error about a tile that is put twice with different
// contents.
var ErrTwice = errors.New("a tile was put twice with different contents")

// Writer writes a tiles.db. Its methods may be called by several goroutines.
type Writer struct {
	mu      sync.Mutex
	db      *bolt.DB
	path    string
	pending []pendingTile
	bytes   int
	counts  map[tile.Grid]map[uint8]int
}

type pendingTile struct {
	layer  string
	key    [keyBytes]byte
	hash   [hashBytes]byte
	record []byte
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
	// Nobody reads the file before Close has synced it, so no commit has to.
	db, err := bolt.Open(path, 0o644, &bolt.Options{NoSync: true, NoFreelistSync: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("tile store %s: %w", path, err), os.Remove(path))
	}
	w := &Writer{db: db, path: path, counts: map[tile.Grid]map[uint8]int{}}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, b := range [][]byte{bucketContent, bucketLayers, bucketMeta} {
			if _, err := tx.CreateBucket(b); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketMeta).Put(keyFormat, []byte(format))
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("tile store %s: %w", path, err), w.Abort())
	}
	return w, nil
}

// Put enters p as tile t of the layer layerKey. An empty part is passed over: a
// tile that is not there is empty. Putting a tile twice is an error that wraps
// [ErrTwice] unless the contents are equal. p's data are not kept. Errors may
// concern tiles that were put before; after one the writer must be aborted.
func (w *Writer) Put(layerKey string, t tile.Tile, p Part) error {
	if p.Empty() {
		return nil
	}
	if layerKey == "" {
		return errors.New("tile store: a layer without a key")
	}
	e := pendingTile{layer: layerKey, key: tileKey(t), record: appendRecord(nil, p)}
	sum := sha256.Sum256(e.record)
	copy(e.hash[:], sum[:])

	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending = append(w.pending, e)
	w.bytes += len(e.record)
	if len(w.pending) < batchTiles && w.bytes < batchBytes {
		return nil
	}
	return w.flush()
}

// flush writes the batch in the order of its keys.
func (w *Writer) flush() error {
	slices.SortFunc(w.pending, func(a, b pendingTile) int {
		if a.layer != b.layer {
			return bytes.Compare([]byte(a.layer), []byte(b.layer))
		}
		return bytes.Compare(a.key[:], b.key[:])
	})
	err := w.db.Update(func(tx *bolt.Tx) error {
		content, layers := tx.Bucket(bucketContent), tx.Bucket(bucketLayers)
		for i := range w.pending {
			if err := w.write(content, layers, &w.pending[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("tile store %s: %w", w.path, err)
	}
	clear(w.pending)
	w.pending, w.bytes = w.pending[:0], 0
	return nil
}

func (w *Writer) write(content, layers *bolt.Bucket, e *pendingTile) error {
	layer, err := layers.CreateBucketIfNotExists([]byte(e.layer))
	if err != nil {
		return err
	}
	t, err := tileOf(e.key[:])
	if err != nil {
		return err
	}
	if old := layer.Get(e.key[:]); old != nil {
		if !bytes.Equal(old, e.hash[:]) {
			return fmt.Errorf("%s %s: %w", e.layer, t, ErrTwice)
		}
		return nil
	}
	if err := layer.Put(e.key[:], e.hash[:]); err != nil {
		return err
	}
	if w.counts[t.Grid] == nil {
		w.counts[t.Grid] = map[uint8]int{}
	}
	w.counts[t.Grid][t.Z]++
	if old := content.Get(e.hash[:]); old != nil {
		if !bytes.Equal(old, e.record) {
			return fmt.Errorf("%s %s: two contents have the hash %x", e.layer, t, e.hash)
		}
		return nil
	}
	return content.Put(e.hash[:], e.record)
}

// Counts writes out what was put and returns the number of tiles by grid and
// zoom, those of all layers together.
func (w *Writer) Counts() (map[tile.Grid]map[uint8]int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.flush(); err != nil {
		return nil, err
	}
	out := map[tile.Grid]map[uint8]int{}
	for g, zooms := range w.counts {
		out[g] = map[uint8]int{}
		for z, n := range zooms {
			out[g][z] = n
		}
	}
	return out, nil
}

// Close writes what is left, to the disk itself, and closes the file. On an
// error the file is closed but not to be used.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.flush()
	if err == nil {
		err = w.db.Sync()
	}
	if err = errors.Join(err, w.db.Close()); err != nil {
		return fmt.Errorf("tile store %s: %w", w.path, err)
	}
	return syncDir(filepath.Dir(w.path))
}

// Abort closes the file and removes it.
func (w *Writer) Abort() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return errors.Join(w.db.Close(), os.Remove(w.path))
}

// syncDir makes the entry of a new file last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("tile store: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
