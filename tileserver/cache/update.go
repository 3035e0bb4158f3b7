package cache

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"

	"gengtu/index/patch"
	"gengtu/tileserver/tile"
)

// Updater changes tiles of a tiles.db by a patch. Its methods may be called by several
// goroutines.
type Updater struct {
	mu      sync.Mutex
	file    *patch.Editor
	path    string
	pending []pending
	bytes   int
	dropped map[[hashBytes]byte]bool // contents that tiles have no more
	now     Totals                   // of all tiles
	put     map[layerTile]*fate
}

// layerTile is a tile of a layer by its key.
type layerTile struct {
	layer string
	key   [keyBytes]byte
}

// fate is how long the records of a tile were before the update, and are; 0 for none.
type fate struct{ before, now int }

// Updated tells what an [Updater] did, in all layers together.
type Updated struct {
	// Now are the tiles of the file, Put those of them that were put, and Gone
	// those that were there before and are empty.
	Now, Put, Gone Totals
}

// pending is a tile, or cells, that are not written yet.
type pending struct {
	bucket string // bucketLayers or bucketCells
	layer  string
	key    [keyBytes]byte
	hash   [hashBytes]byte // of a tile's record
	data   []byte          // the record, or the cells; nil: it goes
}

// Update opens the file path, a finished one, for changes, which go to its patch.
// Sums are as with [OpenChecked]. The updater must be closed, or aborted.
func Update(path string, sums *patch.Sums) (*Updater, error) {
	e, err := patch.Edit(path, sums)
	if err != nil {
		return nil, unopened(path, err)
	}
	u := &Updater{file: e, path: path, dropped: map[[hashBytes]byte]bool{}, put: map[layerTile]*fate{}}
	err = guarded(func() error {
		return e.Update(func(tx *patch.Tx) (err error) {
			u.now, err = totalsOf(tx)
			return err
		})
	})
	if err != nil {
		return nil, errors.Join(unopened(path, err), e.Abort())
	}
	return u, nil
}

// Put makes p tile t of the layer layerKey, in place of what it was. An empty
// part takes the tile away. p's data are not kept. Errors may concern tiles that
// were put before; after one the updater must be aborted.
func (u *Updater) Put(layerKey string, t tile.Tile, p Part) error {
	e := pending{bucket: string(bucketLayers), layer: layerKey, key: tileKey(t)}
	if !p.Empty() {
		e.data = encodeRecord(p)
		e.hash = hashOf(e.data)
	}
	return u.enter(e)
}

// PutCells makes data the cells of t, as [Writer.PutCells] has them, in place of
// what they were; nil takes them away. data are not kept.
func (u *Updater) PutCells(layerKey string, t tile.Tile, data []byte) error {
	e := pending{bucket: string(bucketCells), layer: layerKey, key: tileKey(t)}
	if len(data) > 0 {
		e.data = withSum(e.key[:], data)
	}
	return u.enter(e)
}

// batchTiles bounds how many tiles and cells a transaction writes.
const batchTiles = 4096

func (u *Updater) enter(e pending) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.pending = append(u.pending, e)
	u.bytes += len(e.data)
	if len(u.pending) < batchTiles && u.bytes < batchBytes {
		return nil
	}
	return u.flush()
}

// flush writes the batch in the order of its keys.
func (u *Updater) flush() error {
	slices.SortStableFunc(u.pending, func(a, b pending) int {
		return cmp.Or(cmp.Compare(a.bucket, b.bucket), cmp.Compare(a.layer, b.layer), bytes.Compare(a.key[:], b.key[:]))
	})
	err := guarded(func() error {
		return u.file.Update(func(tx *patch.Tx) error {
			content, err := tx.Bucket(string(bucketContent))
			if err != nil {
				return err
			}
			var at pending
			var layer *patch.Bucket
			for i := range u.pending {
				e := &u.pending[i]
				if layer == nil || e.bucket != at.bucket || e.layer != at.layer {
					if layer, err = tx.Bucket(e.bucket, e.layer); err != nil {
						return err
					}
					at = *e
				}
				if err := u.write(layer, content, e); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("tile store %s: %w", u.path, err)
	}
	clear(u.pending)
	u.pending, u.bytes = u.pending[:0], 0
	return nil
}

// write puts what is pending into the bucket of its layer.
func (u *Updater) write(layer, content *patch.Bucket, e *pending) error {
	switch {
	case e.bucket == string(bucketLayers):
		return u.writeTile(layer, content, e)
	case e.data == nil:
		return layer.Delete(e.key[:])
	}
	return layer.Put(e.key[:], e.data)
}

func (u *Updater) writeTile(layer, content *patch.Bucket, e *pending) error {
	t, err := tileOf(e.key[:])
	if err != nil {
		return err
	}
	at := layerTile{e.layer, e.key}
	f := u.put[at]
	first := f == nil
	if first {
		f = &fate{}
		u.put[at] = f
	}
	f.now = len(e.data)
	if entry := layer.Get(e.key[:]); entry != nil {
		hash, err := contentOf(e.key[:], entry)
		if err != nil {
			return err
		}
		record := content.Get(hash[:])
		if len(record) < recordHead {
			return corrupt("缺少内容 %x", "the content %x is missing", hash)
		}
		if first {
			f.before = len(record)
		}
		if e.data != nil && hash == e.hash {
			return nil
		}
		u.dropped[hash] = true
		u.now.count(t, -1, len(record))
	}
	if e.data != nil {
		u.now.count(t, 1, len(e.data))
	}
	if e.data == nil {
		return layer.Delete(e.key[:])
	}
	if err := layer.Put(e.key[:], withSum(e.key[:], e.hash[:])); err != nil {
		return err
	}
	if content.Get(e.hash[:]) != nil {
		return nil
	}
	return content.Put(e.hash[:], e.data)
}

// Close writes what is left, takes the contents away that no tile has any more, and
// closes the file. The patch is not seen on disk: that is up to who takes its checksum.
// On an error it is closed but not to be used.
func (u *Updater) Close() (*Updated, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	err := u.flush()
	done := &Updated{Now: u.now, Put: Totals{}, Gone: Totals{}}
	for at, f := range u.put {
		t, terr := tileOf(at.key[:])
		switch err = errors.Join(err, terr); {
		case f.now > 0:
			done.Put.count(t, 1, f.now)
		case f.before > 0:
			done.Gone.count(t, 1, f.before)
		}
	}
	if err == nil {
		err = guarded(func() error {
			return u.file.Update(func(tx *patch.Tx) error { return errors.Join(u.prune(tx), u.now.put(tx)) })
		})
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("tile store %s: %w", u.path, err), u.file.Abort())
	}
	return done, u.file.Close()
}

// prune removes the contents that no tile has any more. It looks at the keys of all
// tiles, but at no content.
func (u *Updater) prune(tx *patch.Tx) error {
	if len(u.dropped) == 0 {
		return nil
	}
	names, err := tx.Buckets(string(bucketLayers))
	if err != nil {
		return err
	}
	for _, name := range names {
		layer, err := tx.Bucket(string(bucketLayers), name)
		if err != nil {
			return err
		}
		err = layer.ForEach(func(k, entry []byte) error {
			hash, err := contentOf(k, entry)
			delete(u.dropped, hash)
			return err
		})
		if err != nil {
			return err
		}
	}
	content, err := tx.Bucket(string(bucketContent))
	if err != nil {
		return err
	}
	for hash := range u.dropped {
		if err := content.Delete(hash[:]); err != nil {
			return err
		}
	}
	return nil
}

// contentOf returns the hash of the content that is entered under a tile's key.
func contentOf(key, entry []byte) ([hashBytes]byte, error) {
	hash, err := checkSum(key, entry)
	if err != nil || len(hash) != hashBytes {
		return [hashBytes]byte{}, errors.Join(corrupt("瓦片的散列坏了", "a tile's hash is damaged"), err)
	}
	return [hashBytes]byte(hash), nil
}

// Abort closes the file. Its patch is not to be used.
func (u *Updater) Abort() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.file.Abort()
}

// Digest returns the SHA-256, in hex, over all tiles: layer keys in byte order,
// then the tiles by grid, z, x, y, each with the hash of its content. Contents
// are not read; [Reader.CheckContent] does that.
func (r *Reader) Digest() (string, error) {
	h := sha256.New()
	for _, name := range r.names {
		h.Write(fmt.Appendf(nil, "%d %s", len(name), name))
		err := guarded(func() error {
			return r.layers[name].ForEach(func(k, hash []byte) error {
				h.Write(k)
				h.Write(hash)
				return nil
			})
		})
		if err != nil {
			return "", fmt.Errorf("%s, layer %s: %w", r.path, name, err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// CheckContent compares every content with its hash, and tells of contents that
// no tile has and of totals that are not those of the tiles. The error matches
// [ErrCorrupt].
func (r *Reader) CheckContent() error {
	used := map[[hashBytes]byte]bool{}
	err := guarded(func() error {
		for _, name := range r.names {
			err := r.layers[name].ForEach(func(k, entry []byte) error {
				hash, err := contentOf(k, entry)
				used[hash] = true
				return err
			})
			if err != nil {
				return err
			}
		}
		for _, cells := range r.cells {
			err := cells.ForEach(func(k, b []byte) error {
				_, err := checkSum(k, b)
				return err
			})
			if err != nil {
				return err
			}
		}
		if err := r.checkTotals(); err != nil {
			return err
		}
		return r.content.ForEach(func(hash, record []byte) error {
			sum := sha256.Sum256(record)
			switch {
			case !bytes.Equal(sum[:hashBytes], hash):
				return corrupt("内容 %x 的散列不符", "the content %x does not have its hash", hash)
			case !used[[hashBytes]byte(hash)]:
				return corrupt("内容 %x 不属任何瓦片", "the content %x is that of no tile", hash)
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("%s: %w", r.path, err)
	}
	return nil
}
