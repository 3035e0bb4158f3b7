package cache

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	bolt "go.etcd.io/bbolt"

	files "gengtu/index/disk" // disk is the cache on it
	"gengtu/tileserver/tile"
)

// Counts returns the number of tiles by grid and zoom, those of all layers
// together. Nothing may be put while it runs.
func (w *Writer) Counts() (map[tile.Grid]map[uint8]int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.arrange(); err != nil {
		return nil, err
	}
	out := map[tile.Grid]map[uint8]int{}
	for i := range w.tiles {
		t, err := tileOf(w.tiles[i].key[:])
		if err != nil {
			return nil, err
		}
		if out[t.Grid] == nil {
			out[t.Grid] = map[uint8]int{}
		}
		out[t.Grid][t.Z]++
	}
	return out, nil
}

// arrange sorts what was put, tiles and cells by layer key and tile, and leaves out
// what was put twice.
func (w *Writer) arrange() error {
	names := w.names()
	rank := make([]int, len(names))
	for i, n := range names {
		rank[w.layers[n]] = i
	}
	slices.SortStableFunc(w.tiles, func(a, b putTile) int {
		return cmp.Or(cmp.Compare(rank[a.layer], rank[b.layer]), bytes.Compare(a.key[:], b.key[:]))
	})
	slices.SortStableFunc(w.cells, func(a, b putCells) int {
		return cmp.Or(cmp.Compare(rank[a.layer], rank[b.layer]), bytes.Compare(a.key[:], b.key[:]))
	})
	for i := 1; i < len(w.tiles); i++ {
		a, b := &w.tiles[i-1], &w.tiles[i]
		if a.layer == b.layer && a.key == b.key && a.content.hash != b.content.hash && !b.instead {
			t, err := tileOf(a.key[:])
			return errors.Join(fmt.Errorf("tile store %s: %s %s: %w", w.path, names[rank[a.layer]], t, ErrTwice), err)
		}
	}
	// The last of those that were put stays.
	slices.Reverse(w.tiles)
	w.tiles = slices.CompactFunc(w.tiles, func(a, b putTile) bool { return a.layer == b.layer && a.key == b.key })
	slices.Reverse(w.tiles)
	slices.Reverse(w.cells)
	w.cells = slices.CompactFunc(w.cells, func(a, b putCells) bool { return a.layer == b.layer && a.key == b.key })
	slices.Reverse(w.cells)
	return nil
}

// names returns the layer keys in their order in the file.
func (w *Writer) names() []string {
	names := make([]string, 0, len(w.layers))
	for n := range w.layers {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Close writes the store, to the disk itself, and closes the file. On an error the
// file is closed but not to be used. Nothing may be put while it runs.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.arrange()
	if err == nil {
		err = w.write()
	}
	if err = errors.Join(err, w.spool.remove()); err != nil {
		return fmt.Errorf("tile store %s: %w", w.path, err)
	}
	if err := files.SyncDir(filepath.Dir(w.path)); err != nil {
		return fmt.Errorf("tile store: %w", err)
	}
	return nil
}

// write writes the file in the order of its keys.
func (w *Writer) write() error {
	// Nobody reads the file before it is synced at the end, so no commit has to.
	db, err := bolt.Open(w.path, 0o644, &bolt.Options{NoSync: true, NoFreelistSync: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return err
	}
	s := &sequence{db: db, spool: w.spool}
	err = w.writeAll(s)
	if s.tx != nil {
		err = errors.Join(err, s.tx.Rollback())
	}
	if err == nil {
		err = db.Sync()
	}
	return errors.Join(err, db.Close())
}

func (w *Writer) writeAll(s *sequence) error {
	names := w.names()
	cells := w.cells
	for _, n := range names {
		of := 0
		for of < len(cells) && cells[of].layer == w.layers[n] {
			of++
		}
		if err := s.bucket(bucketCells, []byte(n)); err != nil {
			return err
		}
		for i := range cells[:of] {
			if err := s.copy(cells[i].key[:], cells[i].place); err != nil {
				return err
			}
		}
		cells = cells[of:]
	}
	if err := w.writeContent(s); err != nil {
		return err
	}
	tiles := w.tiles
	for _, n := range names {
		if err := s.bucket(bucketLayers, []byte(n)); err != nil {
			return err
		}
		for len(tiles) > 0 && tiles[0].layer == w.layers[n] {
			if err := s.put(tiles[0].key[:], withSum(tiles[0].key[:], tiles[0].content.hash[:])); err != nil {
				return err
			}
			tiles = tiles[1:]
		}
	}
	// A file of no layers has the buckets all the same.
	for _, b := range [][]byte{bucketCells, bucketLayers, bucketMeta} {
		if err := s.bucket(b); err != nil {
			return err
		}
	}
	if err := s.put(keyFormat, []byte(format)); err != nil {
		return err
	}
	totals, err := w.totals()
	if err != nil {
		return err
	}
	if err := s.put(keyTotals, totals); err != nil {
		return err
	}
	return s.commit()
}

// totals returns the totals of what was put, as they are stored.
func (w *Writer) totals() ([]byte, error) {
	s := Totals{}
	for i := range w.tiles {
		t, err := tileOf(w.tiles[i].key[:])
		if err != nil {
			return nil, err
		}
		s.count(t, 1, int(w.tiles[i].content.place.n))
	}
	return json.Marshal(s)
}

// writeContent writes every content that a tile has, once.
func (w *Writer) writeContent(s *sequence) error {
	if err := s.bucket(bucketContent); err != nil {
		return err
	}
	contents := make([]*content, len(w.tiles))
	for i := range w.tiles {
		contents[i] = w.tiles[i].content
	}
	// Of equal ones the first in the spool is taken: it is found sooner.
	slices.SortFunc(contents, func(a, b *content) int {
		return cmp.Or(bytes.Compare(a.hash[:], b.hash[:]), cmp.Compare(a.place.at, b.place.at))
	})
	var last *content
	for _, c := range contents {
		switch {
		case last == nil || c.hash != last.hash:
			if err := s.copy(c.hash[:], c.place); err != nil {
				return err
			}
			last = c
		case c != last && c.place.n != last.place.n:
			return fmt.Errorf("two contents have the hash %x", c.hash)
		}
	}
	return nil
}

// sequence writes keys that come in their order, in transactions of [batchBytes].
type sequence struct {
	db    *bolt.DB
	spool *spool
	tx    *bolt.Tx
	path  [][]byte
	b     *bolt.Bucket
	n     int
}

// bucket goes on in the bucket of that path, which is made if need be. Each has
// transactions of its own: of several buckets, bbolt places the pages in no order.
func (s *sequence) bucket(path ...[]byte) error {
	if err := s.commit(); err != nil {
		return err
	}
	s.path = path
	return s.enter()
}

func (s *sequence) enter() error {
	if s.tx == nil {
		var err error
		if s.tx, err = s.db.Begin(true); err != nil {
			return err
		}
		s.n = 0
	}
	b, err := s.tx.CreateBucketIfNotExists(s.path[0])
	for _, name := range s.path[1:] {
		if err == nil {
			b, err = b.CreateBucketIfNotExists(name)
		}
	}
	if err != nil {
		return err
	}
	// Keys only ever come at the end.
	b.FillPercent = 1
	s.b = b
	return nil
}

// put writes a key, whose value must stay until the next commit.
func (s *sequence) put(key, value []byte) error {
	if s.n > batchBytes {
		if err := s.commit(); err != nil {
			return err
		}
		if err := s.enter(); err != nil {
			return err
		}
	}
	s.n += len(key) + len(value)
	return s.b.Put(key, value)
}

// copy writes a key with what lies at a place of the spool.
func (s *sequence) copy(key []byte, from place) error {
	value, err := s.spool.read(from)
	if err != nil {
		return err
	}
	return s.put(key, value)
}

func (s *sequence) commit() error {
	tx := s.tx
	s.tx = nil
	if tx == nil {
		return nil
	}
	return tx.Commit()
}

// Abort removes the file.
func (w *Writer) Abort() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return errors.Join(w.spool.remove(), os.Remove(w.path))
}
