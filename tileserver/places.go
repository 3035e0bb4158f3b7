package tileserver

import "time"

// places are how many answers of a costly kind are made at once.
type places chan struct{}

// placeTime is how long a request waits for a place.
const placeTime = 2 * time.Second

// take takes a place, waiting a moment when there is none, and returns what
// gives it back.
func (p places) take() (func(), error) {
	select {
	case p <- struct{}{}: // a timer costs more than most answers
		return p.leave, nil
	default:
	}
	wait := time.NewTimer(placeTime)
	defer wait.Stop()
	select {
	case p <- struct{}{}:
		return p.leave, nil
	case <-wait.C:
		return nil, errBusy
	}
}

func (p places) leave() { <-p }
