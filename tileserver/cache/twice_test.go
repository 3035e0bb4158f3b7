package cache_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/tileserver/cache"
	"gengtu/tileserver/tile"
)

// A tile that is put twice is one tile: as it was before the update and as it is in
// the end.
func TestUpdaterTwice(t *testing.T) {
	small, large := cache.Compress(content(1, 300)), cache.Compress(content(2, 3000))
	kept, gone, fresh, passing := tile.Tile{Grid: tile.W, Z: 3, X: 1}, tile.Tile{Grid: tile.W, Z: 3, X: 2}, tile.Tile{Grid: tile.W, Z: 3, X: 3}, tile.Tile{Grid: tile.W, Z: 3, X: 4}
	for _, flushed := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "tiles.db")
		m := model{map[placed]cache.Part{{"a@1", kept}: small, {"a@1", gone}: small}, nil}
		m.write(t, path)
		u, err := cache.Update(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		put := func(at tile.Tile, p cache.Part) {
			t.Helper()
			if err := u.Put("a@1", at, p); err != nil {
				t.Fatal(err)
			}
		}
		for _, at := range []tile.Tile{kept, gone, fresh, passing} {
			put(at, large)
		}
		if flushed { // more than a transaction writes
			for i := range uint32(5000) {
				put(tile.Tile{Grid: tile.W, Z: 13, X: i}, cache.Part{})
			}
		}
		put(kept, small)
		put(fresh, small)
		put(gone, cache.Part{})
		put(passing, cache.Part{})
		got, err := u.Close()
		if err != nil {
			t.Fatal(err)
		}
		want := &cache.Updated{Now: cache.Totals{}, Put: cache.Totals{}, Gone: cache.Totals{}}
		for _, at := range []tile.Tile{kept, fresh} {
			add(want.Now, at, len(small.Deflated))
			add(want.Put, at, len(small.Deflated))
		}
		add(want.Gone, gone, len(small.Deflated))
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("flushed between: %t (-want +got)\n%s", flushed, d)
		}
	}
}
