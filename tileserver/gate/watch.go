package gate

import (
	"context"
	"net"
	"sync"
	"time"
)

// watchAfter is how long an answer has to take before its client is watched: most
// take less, and the watch costs some microseconds.
const watchAfter = 20 * time.Millisecond

// Watch returns a context that ends when ctx does, and when the client closes its
// side of the connection: nobody waits for the answer then. stop ends the watch and has to be called before the next request is read
// from the connection.
func Watch(ctx context.Context, conn net.Conn) (watched context.Context, stop func()) {
	watched, cancel := context.WithCancel(ctx)
	c, ok := conn.(*counted)
	if !ok {
		return watched, cancel
	}
	end := c.watch(cancel)
	return watched, func() {
		end()
		cancel()
	}
}

// watch calls lost when the other side closes the connection while nobody else
// reads from it, until stop is called. Of what comes meanwhile one byte is taken,
// which Read gives out again.
func (c *counted) watch(lost func()) (stop func()) {
	var mu sync.Mutex
	stopping := false
	done := make(chan struct{})
	timer := time.AfterFunc(watchAfter, func() {
		defer close(done)
		mu.Lock()
		if stopping {
			mu.Unlock()
			return
		}
		// The deadline of reading the request is over or near; a far one can be
		// brought forward, which none cannot be on every kind of connection.
		err := c.Conn.SetReadDeadline(time.Now().Add(24 * time.Hour))
		mu.Unlock()
		if err != nil {
			return
		}
		b := make([]byte, 1)
		n, err := c.Conn.Read(b)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case n > 0:
			c.early = b
		case err != nil && !stopping:
			lost()
		}
	})
	return func() {
		if timer.Stop() {
			return
		}
		mu.Lock()
		stopping = true
		mu.Unlock()
		for waiting := true; waiting; {
			// The server sets a deadline of its own before it reads again.
			_ = c.Conn.SetReadDeadline(time.Now().Add(time.Millisecond))
			select {
			case <-done:
				waiting = false
			case <-time.After(20 * time.Millisecond): // brought forward between two looks
			}
		}
		_ = c.Conn.SetReadDeadline(time.Time{})
		c.forgetDeadline()
	}
}
