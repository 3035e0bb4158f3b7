package tileserver

import (
	"context"
	"sync/atomic"
)

// tileQueue is where tiles wait to be made: so many are at once. Safe for concurrent use.
type tileQueue struct {
	places  chan struct{} // holds one for each that is being made
	waiting atomic.Int32  // those that are made or wait
}

// tilesWait is how many tiles wait for one of those that are being made: some ten seconds
// of work. Who asks for another one is told at once to come again.
const tilesWait = 500

func newTileQueue(n int) *tileQueue { return &tileQueue{places: make(chan struct{}, n)} }

// enter waits for a place until ctx ends, and returns what gives it back.
func (q *tileQueue) enter(ctx context.Context) (leave func(), err error) {
	if int(q.waiting.Add(1)) > (tilesWait+1)*cap(q.places) {
		q.waiting.Add(-1)
		return nil, errOverloaded
	}
	select {
	case q.places <- struct{}{}:
	case <-ctx.Done():
		q.waiting.Add(-1)
		return nil, ctx.Err()
	}
	end := long.begin()
	return func() {
		end()
		<-q.places
		q.waiting.Add(-1)
	}, nil
}

// occupied tells of the places.
func (q *tileQueue) occupied() occupancy {
	running := len(q.places)
	return occupancy{running, cap(q.places), max(0, int(q.waiting.Load())-running)}
}
