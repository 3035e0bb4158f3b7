package tileserver

import (
	"context"
	"errors"
	"testing"
	"time"

	"gengtu/tileserver/cache"
	"gengtu/tileserver/tile"
)

// No more tiles are made at once than the server has places for: who finds none waits,
// and gets the tile when there is one.
func TestTilesAtOnce(t *testing.T) {
	ix := texts(t, 10, 10, 10)
	made, err := cache.OpenStore("g", cache.StoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = made.Close() })
	g := &generation{ix: ix, made: made, making: make(chan struct{}, 1), refs: 1}
	l := ix.Layer("cropland", "")
	at := tile.W.At(l.Box(0).Min, 15)
	g.making <- struct{}{}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := g.make(ctx, l, at); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with all places taken: %v", err)
	}
	<-g.making
	p, err := g.make(t.Context(), l, at)
	if err != nil || p.Empty() {
		t.Errorf("with a place free: %d bytes, %v", p.RawLen, err)
	}
	if len(g.making) != 0 {
		t.Error("a place is not given back")
	}
}
