package load

import (
	"context"
	"sync/atomic"
)

// Queue is where tiles wait to be made: so many are at once. Safe for concurrent use.
type Queue struct {
	places  chan struct{} // holds one for each that is being made
	waiting atomic.Int32  // those that are made or wait
}

// tilesWait is how many tiles wait for one of those that are being made: some ten seconds
// of work. Who asks for another one is told at once to come again.
const tilesWait = 500

// NewQueue returns a queue for n at once; with 0 of them [Queue.Enter] lets none in.
func NewQueue(n int) *Queue { return &Queue{places: make(chan struct{}, n)} }

// Enter waits for a place until ctx ends, and returns what gives it back, which is to be
// called once. Errors are [ErrOverloaded], when too many wait already, and that of ctx.
func (q *Queue) Enter(ctx context.Context) (leave func(), err error) {
	if int(q.waiting.Add(1)) > (tilesWait+1)*cap(q.places) {
		q.waiting.Add(-1)
		return nil, ErrOverloaded
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

// Occupied tells of the places.
func (q *Queue) Occupied() Occupancy {
	running := len(q.places)
	return Occupancy{running, cap(q.places), max(0, int(q.waiting.Load())-running)}
}

// Drain waits until nothing is made, and keeps all places from then on: what is made in them
// uses files that the caller closes next.
func (q *Queue) Drain() {
	for range cap(q.places) {
		q.places <- struct{}{}
	}
}
