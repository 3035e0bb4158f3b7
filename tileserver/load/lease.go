package load

import (
	"sync"
	"time"
)

// Lease is a place of an answer that is sent while it is made. A client that does not take
// the answer keeps it from going on, and must not keep the place from others meanwhile.
// Safe for concurrent use.
type Lease struct {
	places *Places
	who    any

	mu    sync.Mutex
	leave func() // nil while the place is given back
}

// NewLease returns the lease of a place that who has already, which leave gives back.
func NewLease(p *Places, who any, leave func()) *Lease {
	return &Lease{places: p, who: who, leave: leave}
}

// stallTime is how long a client takes nothing before the place is given back.
const stallTime = time.Second

// During runs what waits for the client. Errors are those of f, and those of
// [Places.Take] where the answer cannot go on behind a wait that was too long.
func (l *Lease) During(f func() error) error {
	given := make(chan struct{})
	stalled := time.AfterFunc(stallTime, func() {
		l.End()
		close(given)
	})
	err := f()
	if !stalled.Stop() {
		<-given // else the place would be given back below, while the answer goes on
	}
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.leave == nil {
		l.leave, err = l.places.Take(l.who)
	}
	return err
}

// End gives the place back, if it is held.
func (l *Lease) End() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.leave != nil {
		l.leave()
		l.leave = nil
	}
}
