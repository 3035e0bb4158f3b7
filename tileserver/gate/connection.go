package gate

import (
	"crypto/tls"
	"net"
	"sync/atomic"

	"gengtu/tileserver/load"
)

// counted is a connection that is counted until it is closed.
type counted struct {
	net.Conn
	leave func()
	used  atomic.Bool // something has come
	// early is what came while an answer was being made; see watch.
	early []byte
	together
	deadlines
	// owed is what of answers the answer holds that is being sent.
	owed    atomic.Int64
	answers *load.Memory
}

// Owe takes n bytes for an answer from the memory for answers, until all of it is sent or the
// connection is closed: clients that ask and do not read must not take more than there is.
// It tells whether there are as many.
func Owe(conn net.Conn, n int) bool {
	c, ok := conn.(*counted)
	return !ok || c.owe(n)
}

func (c *counted) owe(n int) bool {
	c.settle()
	if c.answers == nil || n <= load.FreeForEach {
		return true
	}
	if !c.answers.Take(n) {
		return false
	}
	c.owed.Store(int64(n))
	return true
}

// settle gives back what is owed.
func (c *counted) settle() {
	if c.owed.Load() == 0 {
		return
	}
	c.answers.Give(int(c.owed.Swap(0)))
}

// Encrypted tells whether c is a connection of TLS, which fasthttp does not see
// through the counting.
func Encrypted(c net.Conn) bool {
	if in, ok := c.(*counted); ok {
		c = in.Conn
	}
	_, ok := c.(*tls.Conn)
	return ok
}

// Read reads, and remembers that something came.
func (c *counted) Read(b []byte) (int, error) {
	c.settle() // who reads has written
	if len(c.early) > 0 && len(b) > 0 {
		n := copy(b, c.early)
		c.early = c.early[n:]
		return n, nil
	}
	if err := c.release(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	for err != nil && c.readLater(err) {
		n, err = c.Conn.Read(b)
	}
	if n > 0 {
		c.used.Store(true)
	}
	return n, err
}

// Close closes the connection and counts it out, once.
func (c *counted) Close() error {
	c.leave()
	c.settle()
	return c.Conn.Close()
}
