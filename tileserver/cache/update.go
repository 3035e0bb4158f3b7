package cache

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	bolt "go.etcd.io/bbolt"

	"gengtu/index"
	"gengtu/tileserver/tile"
)

// Updater makes a tiles.db that differs in some tiles from another one. Its
// methods may be called by several goroutines.
type Updater struct {
	mu      sync.Mutex
	db      *bolt.DB
	path    string
	pending []pending
	bytes   int
	dropped map[[hashBytes]byte]bool // contents that tiles have no more
	before  map[layerTile]int        // how long the records were of tiles that were put, 0 for none
}

// layerTile is a tile of a layer by its key.
type layerTile struct {
	layer string
	key   [keyBytes]byte
}

// Tally counts tiles and the bytes that they take, compressed; a content that
// several tiles have counts for each.
type Tally struct {
	Tiles int
	Bytes int64
}

// Totals are tallies by grid and zoom.
type Totals map[tile.Grid]map[uint8]Tally

// add counts a tile whose record has so many bytes.
func (s Totals) add(t tile.Tile, bytes int) {
	if s[t.Grid] == nil {
		s[t.Grid] = map[uint8]Tally{}
	}
	sum := s[t.Grid][t.Z]
	s[t.Grid][t.Z] = Tally{sum.Tiles + 1, sum.Bytes + int64(bytes-recordHead)}
}

// Updated tells what an [Updater] did, in all layers together.
type Updated struct {
	// Now are the tiles of the file, Put those of them that were put, and Gone
	// those that were there before and are empty.
	Now, Put, Gone Totals
}

// pending is a tile, or cells, that are not written yet.
type pending struct {
	bucket []byte // bucketLayers or bucketCells
	layer  string
	key    [keyBytes]byte
	hash   [hashBytes]byte // of a tile's record
	data   []byte          // the record, or the cells; nil: it goes
}

// Update opens the file path, a copy of a finished one, for changes. The updater
// must be closed, or aborted, which removes the file.
func Update(path string) (*Updater, error) {
	// The list of free pages is stored, so that the next update need not look for
	// them. Nobody reads the file before it is whole, so no commit is synced.
	db, err := bolt.Open(path, 0o644, &bolt.Options{NoSync: true, NoGrowSync: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("tile store %s: %w", path, err), os.Remove(path))
	}
	return &Updater{db: db, path: path, dropped: map[[hashBytes]byte]bool{}, before: map[layerTile]int{}}, nil
}

// Put makes p tile t of the layer layerKey, in place of what it was. An empty
// part takes the tile away. p's data are not kept. Errors may concern tiles that
// were put before; after one the updater must be aborted.
func (u *Updater) Put(layerKey string, t tile.Tile, p Part) error {
	e := pending{bucket: bucketLayers, layer: layerKey, key: tileKey(t)}
	if !p.Empty() {
		e.data = encodeRecord(p)
		e.hash = hashOf(e.data)
	}
	return u.put(e)
}

// PutCells makes data the cells of t, as [Writer.PutCells] has them, in place of
// what they were; nil takes them away. data are not kept.
func (u *Updater) PutCells(layerKey string, t tile.Tile, data []byte) error {
	e := pending{bucket: bucketCells, layer: layerKey, key: tileKey(t)}
	if len(data) > 0 {
		e.data = withSum(e.key[:], data)
	}
	return u.put(e)
}

// batchTiles bounds how many tiles and cells a transaction writes.
const batchTiles = 4096

func (u *Updater) put(e pending) error {
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
		return cmp.Or(bytes.Compare(a.bucket, b.bucket), cmp.Compare(a.layer, b.layer), bytes.Compare(a.key[:], b.key[:]))
	})
	err := guarded(func() error {
		return u.db.Update(func(tx *bolt.Tx) error {
			for i := range u.pending {
				if err := u.write(tx, &u.pending[i]); err != nil {
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

func (u *Updater) write(tx *bolt.Tx, e *pending) error {
	content, all := tx.Bucket(bucketContent), tx.Bucket(e.bucket)
	if content == nil || all == nil {
		return corrupt("文件中没有瓦片", "the file holds no tiles")
	}
	layer := all.Bucket([]byte(e.layer))
	if layer == nil {
		if e.data == nil {
			return nil
		}
		// As a full build does it, a layer with cells alone is among the tiles' too.
		for _, bucket := range [][]byte{bucketLayers, bucketCells} {
			if _, err := tx.Bucket(bucket).CreateBucketIfNotExists([]byte(e.layer)); err != nil {
				return err
			}
		}
		layer = all.Bucket([]byte(e.layer))
	}
	if &e.bucket[0] != &bucketLayers[0] {
		if e.data == nil {
			return layer.Delete(e.key[:])
		}
		return layer.Put(e.key[:], e.data)
	}
	return u.writeTile(layer, content, e)
}

func (u *Updater) writeTile(layer, content *bolt.Bucket, e *pending) error {
	at := layerTile{e.layer, e.key}
	_, known := u.before[at]
	if !known {
		u.before[at] = 0
	}
	if old := layer.Get(e.key[:]); old != nil {
		hash, err := checkSum(e.key[:], old)
		if err != nil || len(hash) != hashBytes {
			return errors.Join(corrupt("瓦片的散列坏了", "a tile's hash is damaged"), err)
		}
		if !known {
			u.before[at] = len(content.Get(hash))
		}
		if e.data != nil && bytes.Equal(hash, e.hash[:]) {
			return nil
		}
		u.dropped[[hashBytes]byte(hash)] = true
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

// Close writes what is left, takes the contents and layers away that no tile has
// any more, and closes the file. The file is not seen on disk: that is up to who
// takes its checksum. On an error it is closed but not to be used.
func (u *Updater) Close() (*Updated, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	err := u.flush()
	done := &Updated{Now: Totals{}, Put: Totals{}, Gone: Totals{}}
	if err == nil {
		err = guarded(func() error { return u.db.Update(func(tx *bolt.Tx) error { return u.prune(tx, done) }) })
	}
	if err = errors.Join(err, u.db.Close()); err != nil {
		return nil, fmt.Errorf("tile store %s: %w", u.path, err)
	}
	return done, index.Compact(u.path)
}

// prune counts all tiles and removes what none of them has.
func (u *Updater) prune(tx *bolt.Tx, done *Updated) error {
	layers, cells, content := tx.Bucket(bucketLayers), tx.Bucket(bucketCells), tx.Bucket(bucketContent)
	var empty [][]byte
	err := layers.ForEachBucket(func(name []byte) error {
		n := 0
		err := layers.Bucket(name).ForEach(func(k, hash []byte) error {
			t, err := tileOf(k)
			if err != nil {
				return err
			}
			if hash, err = checkSum(k, hash); err != nil || len(hash) != hashBytes {
				return errors.Join(corrupt("瓦片的散列坏了", "a tile's hash is damaged"), err)
			}
			record := content.Get(hash)
			if len(record) < recordHead {
				return corrupt("缺少内容 %x", "the content %x is missing", hash)
			}
			delete(u.dropped, [hashBytes]byte(hash))
			done.Now.add(t, len(record))
			at := layerTile{string(name), [keyBytes]byte(k)}
			if _, put := u.before[at]; put {
				done.Put.add(t, len(record))
				delete(u.before, at)
			}
			n++
			return nil
		})
		if c := cells.Bucket(name); n == 0 && (c == nil || c.Stats().KeyN == 0) {
			empty = append(empty, bytes.Clone(name))
		}
		return err
	})
	if err != nil {
		return err
	}
	for at, bytes := range u.before { // what was put and is not there
		t, err := tileOf(at.key[:])
		if err != nil {
			return err
		}
		if bytes >= recordHead {
			done.Gone.add(t, bytes)
		}
	}
	for _, name := range empty {
		if err := layers.DeleteBucket(name); err != nil {
			return err
		}
		if cells.Bucket(name) == nil {
			continue
		}
		if err := cells.DeleteBucket(name); err != nil {
			return err
		}
	}
	for hash := range u.dropped {
		if err := content.Delete(hash[:]); err != nil {
			return err
		}
	}
	return nil
}

// Abort closes the file and removes it.
func (u *Updater) Abort() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return errors.Join(u.db.Close(), os.Remove(u.path))
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
// no tile has. The error matches [ErrCorrupt].
func (r *Reader) CheckContent() error {
	used := map[[hashBytes]byte]bool{}
	err := guarded(func() error {
		for _, name := range r.names {
			err := r.layers[name].ForEach(func(k, entry []byte) error {
				hash, err := checkSum(k, entry)
				if err != nil || len(hash) != hashBytes {
					return errors.Join(corrupt("瓦片的散列坏了", "a tile's hash is damaged"), err)
				}
				used[[hashBytes]byte(hash)] = true
				return nil
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
