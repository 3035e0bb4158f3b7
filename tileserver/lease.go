package tileserver

import (
	"bufio"
	"fmt"
	"io"
	"sync"
	"time"

	"gengtu/index/problem"
)

// lease is a place of an answer that is sent while it is made. A client that does not take
// the answer keeps it from going on, and must not keep the place from others meanwhile.
// Safe for concurrent use.
type lease struct {
	places *places
	who    any

	mu    sync.Mutex
	leave func() // nil while the place is given back
}

// stallTime is how long a client takes nothing before the place is given back.
const stallTime = time.Second

// during runs what waits for the client. It returns an error of places where the answer
// cannot go on behind a wait that was too long.
func (l *lease) during(f func() error) error {
	stalled := time.AfterFunc(stallTime, l.end)
	err := f()
	stalled.Stop()
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.leave == nil {
		l.leave, err = l.places.take(l.who)
	}
	return err
}

// end gives the place back, if it is held.
func (l *lease) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.leave != nil {
		l.leave()
		l.leave = nil
	}
}

// unsent is what a failed write means: the client is gone, unless there was no place for
// the answer to go on in.
func unsent(err error) error {
	if err == nil || problem.Of(err) != nil {
		return err
	}
	return fmt.Errorf("%w: %w", errGoneClient, err)
}

// leasedWriter writes to a client who may stall.
type leasedWriter struct {
	*bufio.Writer
	place *lease
}

// Write writes b.
func (w *leasedWriter) Write(b []byte) (n int, err error) {
	err = w.place.during(func() error {
		n, err = w.Writer.Write(b)
		return err
	})
	return n, err
}

// Flush writes what is held back.
func (w *leasedWriter) Flush() error { return w.place.during(w.Writer.Flush) }

// spill writes to what it is given, which changes from a buffer to the
// connection.
type spill struct {
	w io.Writer
	n int64
}

// Write writes, and counts the bytes. An error is the client's.
func (s *spill) Write(b []byte) (int, error) {
	n, err := s.w.Write(b)
	s.n += int64(n)
	return n, unsent(err)
}
