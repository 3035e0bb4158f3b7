package tileset

import (
	"testing"

	"gengtu/tileserver/cache"
	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/tile"
)

// What a layer that has not changed adds to a tile is what it has with everything, as a
// full build counts it, though the tile shows merged blocks of one beside it.
func TestUpdateSizes(t *testing.T) {
	ix := texts(t, 10, 0, 0)
	l := ix.Layer("cropland", "")
	// The tile in the middle is crowded; all around show some of it.
	crowded := tile.W.At(l.Box(l.Len()/2).Min, 13)
	tiles := map[tile.Tile]bool{}
	for i := range uint32(9) {
		tiles[tile.Tile{Grid: tile.W, Z: 13, X: crowded.X + i%3 - 1, Y: crowded.Y + i/3 - 1}] = true
	}
	var want map[tile.Tile]int
	old := readTiles(t, func(path string) error {
		w, err := cache.Create(path)
		if err != nil {
			return err
		}
		s := &buildSink{w, newTally(ix), ix}
		p := pyramid.Plan{Works: worksOf(ix), Grids: []tile.Grid{tile.W}, MinZoom: 13, MaxZoom: 13}
		if _, err := pyramid.BuildAll(t.Context(), p, s); err != nil {
			return err
		}
		want = w.Sizes(tiles)[l.Meta.Key()]
		r := pyramid.Relief{Packed: packedBytes, Budgets: map[string]map[tile.Tile]int{l.Meta.Key(): {crowded: 500}}}
		if _, err := pyramid.Relieve(t.Context(), p, r, &reliefSink{buildSink: s, put: map[tile.Tile]bool{}}); err != nil {
			return err
		}
		return w.Close()
	})
	s := &updateSink{old: old, ix: ix, work: &pyramid.Remaking{}}
	others := 0
	for at := range tiles {
		got, err := s.size(t.Context(), l.Meta, at)
		if err != nil || got != want[at] {
			t.Errorf("%s: %d bytes, a full build has %d, %v", at, got, want[at], err)
		}
		p, _, err := old.Get(l.Meta.Key(), at)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Deflated) != want[at] {
			others++
		}
	}
	if others < 2 {
		t.Errorf("%d tiles are stored otherwise: none shows merged blocks", others)
	}
}
