// Package gate holds the connections of a server: how many are let in, until when each may
// be silent, and what is written to it in how many calls of the system.
//
// What [Gate.Accept] returns is an ordinary connection to the library that serves it. The
// functions of this package find it again behind [net.Conn], and do nothing to another.
//
// It reads no request and writes no answer: who is refused, and what he is told, is decided
// by the caller.
package gate

import (
	"context"
	"net"
	"sync"
	"time"

	"gengtu/tileserver/load"
)

// Options say whom a [Gate] lets in.
type Options struct {
	// All and PerIP are how many connections are open at once, in all and from one address;
	// 0 is no limit.
	All, PerIP int
	// Refused is given each connection that is not let in, and has to close it. Nobody is let
	// in meanwhile.
	Refused func(net.Conn)
	// Answers is what [Owe] takes from; nil is no bound.
	Answers *load.Memory
}

// Gate is a listener that lets a number of connections in at once. Safe for concurrent use.
type Gate struct {
	net.Listener
	opt Options

	mu    sync.Mutex
	open  int
	perOf map[string]int
	conns map[*counted]struct{}
}

// New returns the gate before ln.
func New(ln net.Listener, opt Options) *Gate { return &Gate{Listener: ln, opt: opt} }

// Open is how many connections are open.
func (g *Gate) Open() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

// Accept returns the next connection that is let in. Errors are those of the listener.
func (g *Gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		ip := addressOf(c)
		if g.enter(ip) {
			return g.admit(c, ip), nil
		}
		g.opt.Refused(c)
	}
}

// admit returns c, counted until it is closed.
func (g *Gate) admit(c net.Conn, ip string) *counted {
	in := &counted{Conn: c, answers: g.opt.Answers}
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
func (g *Gate) closeUnused() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		if !c.used.Load() {
			// Nobody has asked anything on it. Its reader closes and counts it.
			_ = c.Conn.Close()
		}
	}
}

// Sweep closes the connections on which nothing has come yet until ctx ends; some may still
// be coming in when a stop begins.
func (g *Gate) Sweep(ctx context.Context) {
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

func (g *Gate) enter(ip string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opt.All > 0 && g.open >= g.opt.All || g.opt.PerIP > 0 && g.perOf[ip] >= g.opt.PerIP {
		return false
	}
	g.open++
	if g.perOf == nil {
		g.perOf = map[string]int{}
	}
	g.perOf[ip]++
	return true
}

func (g *Gate) leave(c *counted, ip string) {
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
