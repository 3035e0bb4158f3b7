package gate

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// fasthttp puts off a connection's deadlines three times for each request, which of a
// small answer is a tenth of all the work. A deadline that is put off need not be told to
// the system at once: when the old one comes, the new one is looked at.

// deadlines are those of a connection, Unix nanoseconds; 0 is none or not known.
type deadlines struct {
	read, readTold, writeTold atomic.Int64
}

// writeSlack is by how much earlier than it was asked for a write may be given up.
const writeSlack = 100 * time.Millisecond

// SetReadDeadline sets the time after which a read fails.
func (c *counted) SetReadDeadline(t time.Time) error {
	at := t.UnixNano()
	if _, ok := c.Conn.(*net.TCPConn); !ok || t.IsZero() {
		c.forgetDeadline()
		return c.Conn.SetReadDeadline(t)
	}
	c.read.Store(at)
	if told := c.readTold.Load(); told != 0 && told <= at {
		return nil
	}
	c.readTold.Store(at)
	return c.Conn.SetReadDeadline(t)
}

// forgetDeadline is called by whoever sets a deadline of the connection below.
func (c *counted) forgetDeadline() {
	c.read.Store(0)
	c.readTold.Store(0)
}

// readLater tells whether a read that failed is to be tried again, because its deadline
// had been put off.
func (c *counted) readLater(err error) bool {
	at := c.read.Load()
	if !errors.Is(err, os.ErrDeadlineExceeded) || at <= c.readTold.Load() {
		return false
	}
	c.readTold.Store(at)
	return c.Conn.SetReadDeadline(time.Unix(0, at)) == nil
}

// SetWriteDeadline sets the time after which a write fails, or up to writeSlack earlier.
func (c *counted) SetWriteDeadline(t time.Time) error {
	at := t.UnixNano()
	if told := c.writeTold.Load(); told != 0 && at >= told && at-told < int64(writeSlack) {
		return nil
	}
	if t.IsZero() {
		at = 0
	}
	c.writeTold.Store(at)
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline sets both.
func (c *counted) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}
