package tileserver

import (
	"bufio"
	"fmt"
	"io"

	"gengtu/index/problem"
	"gengtu/tileserver/load"
)

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
	place *load.Lease
}

// Write writes b.
func (w *leasedWriter) Write(b []byte) (n int, err error) {
	err = w.place.During(func() error {
		n, err = w.Writer.Write(b)
		return err
	})
	return n, err
}

// Flush writes what is held back.
func (w *leasedWriter) Flush() error { return w.place.During(w.Writer.Flush) }

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
