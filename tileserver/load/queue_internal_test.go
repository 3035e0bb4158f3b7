package load

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// So many tiles are made at once, so many wait for each, and the next one is told at once;
// who gives up waiting leaves his place in the queue to another one.
func TestTileQueue(t *testing.T) {
	const atOnce = 2
	q := NewQueue(atOnce)
	var leave []func()
	for range atOnce {
		l, err := q.Enter(t.Context())
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
			l, err := q.Enter(ctx)
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
		if _, err := q.Enter(at); !errors.Is(err, ErrOverloaded) {
			t.Fatalf("behind a full queue: %v", err)
		}
	}
	giveUp()
	full(atOnce * (tilesWait + 1 - tilesWait/10))
	if r := q.Occupied(); r.Running != atOnce || r.Places != atOnce || r.Waiting != atOnce*(tilesWait-tilesWait/10) {
		t.Errorf("%v are made", r)
	}
	for _, l := range leave {
		l()
	}
	waiters.Wait()
	if gone.Load() != atOnce*tilesWait/10 || most.Load() > atOnce || q.waiting.Load() != 0 || q.Occupied().Running != 0 {
		t.Errorf("%d gave up, %d at once, %d are left", gone.Load(), most.Load(), q.waiting.Load())
	}
}
