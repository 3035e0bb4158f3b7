package cache

import (
	"encoding/json"
	"maps"

	"gengtu/index/patch"
	"gengtu/tileserver/tile"
)

// Tally counts tiles and the bytes that they take, compressed; a content that
// several tiles have counts for each.
type Tally struct {
	Tiles int
	Bytes int64
}

// Totals are tallies by grid and zoom.
type Totals map[tile.Grid]map[uint8]Tally

// count counts so many tiles whose records have so many bytes each.
func (s Totals) count(t tile.Tile, tiles, record int) {
	if s[t.Grid] == nil {
		s[t.Grid] = map[uint8]Tally{}
	}
	sum := s[t.Grid][t.Z]
	sum = Tally{sum.Tiles + tiles, sum.Bytes + int64(tiles*(record-recordHead))}
	if sum.Tiles != 0 {
		s[t.Grid][t.Z] = sum
		return
	}
	if delete(s[t.Grid], t.Z); len(s[t.Grid]) == 0 {
		delete(s, t.Grid)
	}
}

// keyTotals leads to the totals of a file, as JSON, so that an update need not look at
// every tile for them.
var keyTotals = []byte("totals")

// put stores s as a file's totals.
func (s Totals) put(tx *patch.Tx) error {
	meta, err := tx.Bucket(string(bucketMeta))
	if err != nil {
		return err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return meta.Put(keyTotals, text)
}

// totalsOf returns the totals of a file: those that are stored, or where there are none,
// as in older files, those of its tiles.
func totalsOf(tx *patch.Tx) (Totals, error) {
	meta, err := tx.Bucket(string(bucketMeta))
	if err != nil {
		return nil, err
	}
	if text := meta.Get(keyTotals); text != nil {
		return parseTotals(text)
	}
	content, err := tx.Bucket(string(bucketContent))
	if err != nil {
		return nil, err
	}
	names, err := tx.Buckets(string(bucketLayers))
	if err != nil {
		return nil, err
	}
	s := Totals{}
	for _, name := range names {
		layer, err := tx.Bucket(string(bucketLayers), name)
		if err != nil {
			return nil, err
		}
		if err := s.addAll(layer, content); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func parseTotals(text []byte) (Totals, error) {
	s := Totals{}
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, corrupt("瓦片总数解不出来（%v）", "the totals of tiles do not decode (%v)", err)
	}
	if s == nil {
		return nil, corrupt("瓦片总数是 null", "the totals of tiles are null")
	}
	return s, nil
}

// addAll counts the tiles of a layer.
func (s Totals) addAll(layer, content *patch.Bucket) error {
	return layer.ForEach(func(k, entry []byte) error {
		t, err := tileOf(k)
		if err != nil {
			return err
		}
		hash, err := contentOf(k, entry)
		if err != nil {
			return err
		}
		record := content.Get(hash[:])
		if len(record) < recordHead {
			return corrupt("缺少内容 %x", "the content %x is missing", hash)
		}
		s.count(t, 1, len(record))
		return nil
	})
}

// checkTotals compares the stored totals with those of the tiles.
func (r *Reader) checkTotals() error {
	text := r.file.Bucket(string(bucketMeta)).Get(keyTotals)
	if text == nil {
		return nil // an older file
	}
	got, err := parseTotals(text)
	if err != nil {
		return err
	}
	want := Totals{}
	for _, name := range r.names {
		if err := want.addAll(r.layers[name], r.content); err != nil {
			return err
		}
	}
	if !maps.EqualFunc(got, want, maps.Equal) {
		return corrupt("瓦片总数是 %v，记的是 %v", "there are tiles %v, and %v are noted", want, got)
	}
	return nil
}
