package tileset

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/tileserver/tile"
)

// Tiles over the limit are named, the largest first; the limit itself is not over.
func TestLarge(t *testing.T) {
	at := func(x uint32) tile.Tile { return tile.Tile{Grid: tile.W, Z: 13, X: x, Y: 1} }
	const most = LargeTileBytes - gzipBytes
	s := &tally{sums: []map[tile.Tile]int{
		{at(1): most, at(2): most + 1, at(3): 3 * most}, {at(4): 5, at(5): most + 1},
	}}
	want := []LargeTile{{at(3), 3 * most}, {at(2), most + 1}, {at(5), most + 1}}
	if d := cmp.Diff(want, s.large()); d != "" {
		t.Error(d)
	}
}
