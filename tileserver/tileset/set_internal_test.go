package tileset

import (
	"slices"
	"testing"
	"time"

	"gengtu/tileserver/tile"
)

// What a set makes of crowded tiles, of zooms that were not built, is what a maker
// makes of them, as the server does.
func TestSetCrowded(t *testing.T) {
	ix := texts(t, 400, 10, 400)
	ix.Manifest.BuiltZooms = [2]int{12, 12}
	built := readTiles(t, func(path string) error {
		_, err := Build(t.Context(), ix, path, BuildOptions{MinZoom: 12, MaxZoom: 12})
		return err
	})
	m := makerOf(t, ix, 2)
	for _, names := range [][]string{{"cropland"}, {"pbf", "hsf"}} {
		s := &Set{ix: ix, built: built, zooms: map[string]*[2]int{}}
		t.Cleanup(func() { _ = s.made.Close() })
		for _, n := range names {
			s.layers = append(s.layers, ix.Layer(n, ""))
		}
		made := 0
		opt := &Options{WorkDir: t.TempDir(), Making: func(_ string, n int) { made = n }}
		if err := s.make(t.Context(), 12, 13, opt); err != nil {
			t.Fatal(err)
		}
		crowded, all := 0, 0
		for _, l := range s.layers {
			x0, y0, x1, y1 := tile.W.Range(l.Extent(), 13)
			for y := y0; y <= y1; y++ {
				for x := x0; x <= x1; x++ {
					at := tile.Tile{Grid: tile.W, Z: 13, X: x, Y: y}
					want, err := m.Make(t.Context(), l, at)
					if err != nil {
						t.Fatal(err)
					}
					got, ok, err := s.made.Get(l.Meta.Key(), at)
					if err != nil || ok == want.Empty() || !slices.Equal(got.Deflated, want.Deflated) {
						t.Errorf("%s %s: %d bytes, a maker makes %d, %v", l.Meta.Name, at, len(got.Deflated), len(want.Deflated), err)
					}
					if ok {
						all++
					}
					if m.mayBeCrowded(l, at) {
						crowded++
					}
				}
			}
		}
		if crowded == 0 || crowded == all {
			t.Errorf("%v: %d of %d tiles are crowded", names, crowded, all)
		}
		if made != all {
			t.Errorf("%v: %d tiles were told of, %d are there", names, made, all)
		}
	}
}

// Whatever ends the making of a set, it waits for what is still being drawn: the files
// are closed next.
func TestSetEnds(t *testing.T) {
	s := &Set{ix: texts(t, 10, 10, 10)}
	m, err := s.newMaker(nil, &Options{})
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := m.maker.queue.Enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- m.close() }()
	select {
	case err := <-done:
		t.Errorf("it does not wait: %v", err)
	case <-time.After(20 * time.Millisecond):
		drawn()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
