package tileserver

import (
	"sync/atomic"
	"time"
)

// places are how many answers of a costly kind are made at once. Safe for concurrent use.
type places struct {
	taken   chan struct{} // holds one for each
	waiting atomic.Int32
}

func newPlaces(n int) *places { return &places{taken: make(chan struct{}, n)} }

const (
	// placeTime is how long a request waits for a place.
	placeTime = 2 * time.Second
	// queueShare is how many wait for one place. Who would be behind them is told so at
	// once: he holds memory, and would mostly wait for nothing.
	queueShare = 32
)

// take takes a place, waiting a moment when there is none, and returns what
// gives it back.
func (p *places) take() (func(), error) {
	select {
	case p.taken <- struct{}{}: // a timer costs more than most answers
		return p.enter(), nil
	default:
	}
	defer p.waiting.Add(-1)
	if int(p.waiting.Add(1)) > queueShare*cap(p.taken) {
		return nil, errOverloaded
	}
	wait := time.NewTimer(placeTime)
	defer wait.Stop()
	select {
	case p.taken <- struct{}{}:
		return p.enter(), nil
	case <-wait.C:
		return nil, errBusy
	}
}

// enter tells that one with a place begins, and returns what tells that it is done.
func (p *places) enter() (leave func()) {
	end := long.begin()
	return func() {
		end()
		<-p.taken
	}
}
