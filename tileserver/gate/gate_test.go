package gate_test

import (
	"net"
	"testing"
	"time"

	"gengtu/tileserver/gate"
	"gengtu/tileserver/load"
)

// door is a gate on loopback. in and out are who was let in, and who was not.
func door(t *testing.T, opt gate.Options) (g *gate.Gate, in, out chan net.Conn) {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	in, out = make(chan net.Conn, 16), make(chan net.Conn, 16)
	opt.Refused = func(c net.Conn) { out <- c }
	g = gate.New(ln, opt)
	go func() {
		defer close(in)
		for {
			c, err := g.Accept()
			if err != nil {
				return // the listener is closed
			}
			in <- c
		}
	}()
	t.Cleanup(func() { _ = ln.Close() })
	return g, in, out
}

// knock opens a connection from an address of loopback.
func knock(t *testing.T, g *gate.Gate, from string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 5 * time.Second}
	c, err := d.DialContext(t.Context(), "tcp", g.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// next is the next connection of those.
func next(t *testing.T, what string, of chan net.Conn) net.Conn {
	t.Helper()
	select {
	case c := <-of:
		t.Cleanup(func() { _ = c.Close() })
		return c
	case <-time.After(10 * time.Second):
		t.Fatalf("no connection was %s", what)
		return nil
	}
}

// So many are let in, in all and from one address, and no more; who leaves makes room once,
// however often the connection is closed.
func TestGate(t *testing.T) {
	g, in, out := door(t, gate.Options{All: 3, PerIP: 2})
	knock(t, g, "127.0.0.1")
	first := next(t, "let in", in)
	knock(t, g, "127.0.0.1")
	next(t, "let in", in)
	knock(t, g, "127.0.0.1")
	next(t, "refused: a third of one address", out)
	knock(t, g, "127.0.0.2")
	next(t, "let in: the first of another address", in)
	knock(t, g, "127.0.0.3")
	next(t, "refused: a fourth in all", out)
	if g.Open() != 3 {
		t.Errorf("%d are open", g.Open())
	}
	for range 3 {
		_ = first.Close() // the second closing is an error of the system's
	}
	if g.Open() != 2 {
		t.Errorf("after one has left %d are open", g.Open())
	}
	knock(t, g, "127.0.0.3")
	next(t, "let in when there is room", in)
	knock(t, g, "127.0.0.3")
	next(t, "refused when there is none again", out)
}

// What answers hold is given back when the next request is read, and when the connection is
// closed; small answers hold nothing, and nor does a connection of others.
func TestOwe(t *testing.T) {
	const large = load.FreeForEach + 1
	g, in, _ := door(t, gate.Options{Answers: load.NewMemory(large)})
	theirs := knock(t, g, "127.0.0.1")
	a := next(t, "let in", in)
	knock(t, g, "127.0.0.1")
	b := next(t, "let in", in)
	if !gate.Owe(a, large) || gate.Owe(b, large) {
		t.Error("two hold what is enough for one")
	}
	if !gate.Owe(b, load.FreeForEach) || !gate.Owe(theirs, 2*large) || !gate.Owe(nil, 2*large) {
		t.Error("what needs no memory is refused")
	}
	if _, err := theirs.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if !gate.Owe(b, large) {
		t.Error("the answer is sent, and its memory is not given back")
	}
	_ = b.Close() // nobody reads it
	if !gate.Owe(a, large) {
		t.Error("the connection is closed, and its memory is not given back")
	}
}
