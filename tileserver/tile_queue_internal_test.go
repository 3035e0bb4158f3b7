package tileserver

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gengtu/tileserver/tile"
)

// So many tiles are made at once, so many wait for each, and the next one is told at once;
// who gives up waiting leaves his place in the queue to another one.
func TestTileQueue(t *testing.T) {
	const atOnce = 2
	q := newTileQueue(atOnce)
	var leave []func()
	for range atOnce {
		l, err := q.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, l)
	}
	impatient, giveUp := context.WithCancel(t.Context())
	var waiters sync.WaitGroup
	var inside, most, gone atomic.Int32
	for i := range atOnce * tilesWait {
		ctx := t.Context()
		if i%10 == 0 {
			ctx = impatient
		}
		waiters.Go(func() {
			l, err := q.enter(ctx)
			if err != nil {
				gone.Add(1)
				return
			}
			most.Store(max(most.Load(), inside.Add(1)))
			inside.Add(-1)
			l()
		})
	}
	full := func(n int32) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); q.waiting.Load() != n; <-time.After(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d are made or wait, want %d", q.waiting.Load(), n)
			}
		}
	}
	full(atOnce * (tilesWait + 1))
	at, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for range 10 {
		if _, err := q.enter(at); !errors.Is(err, errOverloaded) {
			t.Fatalf("behind a full queue: %v", err)
		}
	}
	giveUp()
	full(atOnce * (tilesWait + 1 - tilesWait/10))
	if r := q.occupied(); r.running != atOnce || r.places != atOnce || r.waiting != atOnce*(tilesWait-tilesWait/10) {
		t.Errorf("%v are made", r)
	}
	for _, l := range leave {
		l()
	}
	waiters.Wait()
	if gone.Load() != atOnce*tilesWait/10 || most.Load() > atOnce || q.waiting.Load() != 0 || q.occupied().running != 0 {
		t.Errorf("%d gave up, %d at once, %d are left", gone.Load(), most.Load(), q.waiting.Load())
	}
}

// Pictures of tiles wait as tiles do: painting takes milliseconds and megabytes.
func TestPicturesWait(t *testing.T) {
	s := &Server{painting: newTileQueue(1)}
	s.painting.waiting.Store(tilesWait + 1)
	s.cfg.Limits.Tile = time.Second
	ix := texts(t, 10, 10, 10)
	r := &request{server: s, gen: servedAlone(t, ix, nil, 1)}
	l := ix.Layer("cropland", "")
	at := pictureKey{tile: tile.W.At(l.Box(0).Min, 15), side: 256}
	if _, err := r.paint(nil, at, nil); !errors.Is(err, errOverloaded) {
		t.Errorf("behind a full queue: %v", err)
	}
}
