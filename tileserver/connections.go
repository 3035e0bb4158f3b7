package tileserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"gengtu/tileserver/load"
)

// gate is a listener that lets a number of connections in at once, in all and
// from one address, and tells the others so.
type gate struct {
	net.Listener
	all, perIP int // 0 is no limit
	refused    func(net.Conn)
	answers    *load.Memory

	mu    sync.Mutex
	open  int
	perOf map[string]int
	conns map[*counted]struct{}
}

// Accept returns the next connection that is let in.
func (g *gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		ip := addressOf(c)
		if g.enter(ip) {
			return g.admit(c, ip), nil
		}
		g.refused(c)
	}
}

// admit returns c, counted until it is closed.
func (g *gate) admit(c net.Conn, ip string) *counted {
	in := &counted{Conn: c, answers: g.answers}
	in.leave = sync.OnceFunc(func() { g.leave(in, ip) })
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.conns == nil {
		g.conns = map[*counted]struct{}{}
	}
	g.conns[in] = struct{}{}
	return in
}

// closeUnused closes the connections on which nothing has come yet: clients open
// some ahead of need, and a stop must not wait for them.
func (g *gate) closeUnused() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		if !c.used.Load() {
			// Nobody has asked anything on it. Its reader closes and counts it.
			_ = c.Conn.Close()
		}
	}
}

// sweep closes unused connections until ctx ends; some may still be coming in
// when a stop begins.
func (g *gate) sweep(ctx context.Context) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		g.closeUnused()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (g *gate) enter(ip string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all > 0 && g.open >= g.all || g.perIP > 0 && g.perOf[ip] >= g.perIP {
		return false
	}
	g.open++
	if g.perOf == nil {
		g.perOf = map[string]int{}
	}
	g.perOf[ip]++
	return true
}

func (g *gate) leave(c *counted, ip string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
	delete(g.conns, c)
	if g.perOf[ip]--; g.perOf[ip] == 0 {
		delete(g.perOf, ip)
	}
}

// addressOf returns the address that a connection comes from, without its port.
func addressOf(c net.Conn) string {
	a := c.RemoteAddr().String()
	if host, _, err := net.SplitHostPort(a); err == nil {
		return host
	}
	return a
}

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

// owe takes n bytes for an answer, until all of it is sent or the connection is closed.
// It tells whether there are as many.
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

// encrypted tells whether c is a connection of TLS, which fasthttp does not see
// through the counting.
func encrypted(c net.Conn) bool {
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

// refuse tells a connection that there are too many, and closes it. It is given
// a moment to take the answer, in which nobody waits.
func (s *Server) refuse(c net.Conn) {
	s.metrics.requests.WithLabelValues("refused", "", "429").Inc()
	id := requestID()
	body := problemBody(fasthttp.StatusTooManyRequests, load.ErrBusy, s.cfg.Lang, id, nil)
	text := fmt.Sprintf("HTTP/1.1 429 Too Many Requests\r\nContent-Type: %s\r\nContent-Length: %d\r\nRetry-After: %s\r\nX-Request-Id: %s\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n%s",
		problemType, len(body), retryAfter, id, body)
	go func() {
		// The client may be gone; there is nobody else to tell.
		_ = c.SetDeadline(time.Now().Add(time.Second))
		_, _ = c.Write([]byte(text))
		_, _ = io.CopyN(io.Discard, c, 64<<10) // see drain
		_ = c.Close()
	}()
}

// leastDrained is how much of a refused request is read at least: a body that is
// too large is mostly a delivery's file, of some megabytes.
const leastDrained = 16 << 20

// drain reads what is still coming of a request that is refused, from the connection or
// a reader of it, so that the client, who may read only when it has written, gets the
// answer rather than a reset connection. It stops after a pause, after some time, or
// after some bytes, and tells whether the reader came to its end before.
func drain(c net.Conn, from io.Reader, limit int) (whole bool) {
	const pause, longest = 200 * time.Millisecond, 5 * time.Second
	end := time.Now().Add(longest)
	buf := make([]byte, 32<<10)
	for left := limit; left > 0 && time.Now().Before(end); {
		if c.SetReadDeadline(time.Now().Add(pause)) != nil {
			return false
		}
		n, err := from.Read(buf)
		if err != nil {
			return errors.Is(err, io.EOF)
		}
		left -= n
	}
	return false
}
