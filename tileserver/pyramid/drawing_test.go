package pyramid_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/tile"
)

// drawings are the digests of one landscape's tiles, drawn in each way that there was.
// Where this test fails because features give other bytes on purpose, [pyramid.Drawing]
// is to be raised, and the new digest goes here.
var drawings = map[int]string{1: "3bcdc2b31ab60029"}

func TestDrawing(t *testing.T) {
	h := sha256.New()
	s := newMemory("cropland", landscape(400, 108.4, 34.3, 1))
	for _, g := range tile.Grids() {
		tiles, _ := build(t, g, s, pyramid.Options{MinZoom: 8, MaxZoom: 15, ClassKey: "DLBM"})
		at := slices.SortedFunc(maps.Keys(tiles), func(a, b tile.Tile) int { return strings.Compare(a.String(), b.String()) })
		for _, tl := range at {
			if _, err := fmt.Fprintf(h, "%s %d\n%s", tl, len(tiles[tl]), tiles[tl]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := hex.EncodeToString(h.Sum(nil)[:8]); got != drawings[pyramid.Drawing] {
		t.Errorf("tiles are drawn as %s, not as %q: raise pyramid.Drawing", got, drawings[pyramid.Drawing])
	}
}
