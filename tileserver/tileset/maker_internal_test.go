package tileset

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gengtu/tileserver/load"
	"gengtu/tileserver/tile"
)

// No more tiles are made at once than there are places for: who finds none waits,
// and gets the tile when there is one.
func TestTilesAtOnce(t *testing.T) {
	ix := texts(t, 10, 10, 10)
	m := makerOf(t, ix, 1)
	l := ix.Layer("cropland", "")
	at := tile.W.At(l.Box(0).Min, 15)
	leave, err := m.queue.Enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := m.Make(ctx, l, at); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with all places taken: %v", err)
	}
	leave()
	p, err := m.Make(t.Context(), l, at)
	if err != nil || p.Empty() {
		t.Errorf("with a place free: %d bytes, %v", p.RawLen, err)
	}
	if m.queue.Occupied().Running != 0 {
		t.Error("a place is not given back")
	}
}

// A crowded tile takes no more places than others: each of the layers that are made to
// know that it is waits for one. A fault in one of them is the answer, and not the end of
// the process.
func TestCrowdedTilesAtOnce(t *testing.T) {
	ix := texts(t, 300, 300, 300)
	m := makerOf(t, ix, 1)
	l := ix.Layer("cropland", "")
	at := tile.W.At(l.Box(0).Min, 13)
	if !m.mayBeCrowded(l, at) {
		t.Fatal("the tile is not crowded")
	}
	leave, err := m.queue.Enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := m.uncrowded(ctx, l, at); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with all places taken: %v", err)
	}
	leave()
	p, err := m.Make(t.Context(), l, at)
	if err != nil || p.Empty() {
		t.Errorf("with a place free: %d bytes, %v", p.RawLen, err)
	}

	m = makerOf(t, ix, 1)
	m.sources["pbf@2024"] = &source{} // whatever is read of it panics
	if _, err := m.Make(t.Context(), l, at); err == nil || !strings.Contains(err.Error(), "panic") {
		t.Errorf("with a layer that panics: %v", err)
	}
	// The layers beside it may still be made.
	soon, giveUp := context.WithTimeout(t.Context(), 30*time.Second)
	defer giveUp()
	if _, err := m.queue.Enter(soon); err != nil {
		t.Errorf("a place is not given back: %v", err)
	}
}

// Cells of layers beside parcels of another count: what is sent is all of them.
func TestMayBeCrowded(t *testing.T) {
	ix := texts(t, 90, 10, 10) // some 340 and twice 210 kB where they are stored
	l := ix.Layer("cropland", "")
	m := &Maker{ix: ix}
	for _, c := range []struct {
		zoom             uint8
		cropland, others int
		want             bool
	}{{12, 12, 13, true}, {12, 13, 13, false}, {12, 12, 12, true}, {16, 13, 13, false}, {16, 13, 17, false}, {13, 13, 17, true}} {
		for i := range ix.Manifest.Layers {
			ix.Manifest.Layers[i].ParcelZoom = c.others
		}
		l.Meta.ParcelZoom = c.cropland
		if got := m.mayBeCrowded(l, tile.W.At(l.Box(800).Min, c.zoom)); got != c.want {
			t.Errorf("z%d, parcels from %d and %d: %t", c.zoom, c.cropland, c.others, got)
		}
	}
}

// While a tile is drawn the index is held, also where nobody waits for it any more; an index
// that is closed already is the answer.
func TestMakerHolds(t *testing.T) {
	var held, times atomic.Int32
	var closed error
	ix := texts(t, 300, 300, 300)
	m, err := NewMaker(ix, MakerOptions{Queue: load.NewQueue(1), Hold: func() (func(), error) {
		held.Add(1)
		times.Add(1)
		return func() { held.Add(-1) }, closed
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	l := ix.Layer("cropland", "")
	if _, err := m.Make(t.Context(), l, tile.W.At(l.Box(0).Min, 15)); err != nil || times.Load() != 1 || held.Load() != 0 {
		t.Errorf("a tile: %v, held %d times, %d still", err, times.Load(), held.Load())
	}
	// Of a crowded one all three layers are drawn, and its own again.
	if _, err := m.Make(t.Context(), l, tile.W.At(l.Box(0).Min, 13)); err != nil || times.Load() != 5 || held.Load() != 0 {
		t.Errorf("a crowded tile: %v, held %d times, %d still", err, times.Load(), held.Load())
	}
	closed = errors.New("closed")
	if _, err := m.Make(t.Context(), l, tile.W.At(l.Box(0).Min, 16)); !errors.Is(err, closed) || m.queue.Occupied().Running != 0 {
		t.Errorf("of a closed index: %v, %d are made", err, m.queue.Occupied().Running)
	}
}
