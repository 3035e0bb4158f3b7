package gate

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/valyala/fasthttp/fasthttputil"
)

// pairs are connections of the kinds that a server may have.
func pairs(t *testing.T) map[string][2]net.Conn {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }() // has served
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	memory := fasthttputil.NewPipeConns()
	return map[string][2]net.Conn{"TCP": {server, client}, "memory": {memory.Conn1(), memory.Conn2()}}
}

// A watched connection reads on as if nothing had been, whether something came
// meanwhile or not; a closed one is told.
func TestWatch(t *testing.T) {
	for kind, p := range pairs(t) {
		c, client := &counted{Conn: p[0], leave: func() {}}, p[1]
		lost := make(chan struct{}, 1)
		tell := func() { lost <- struct{}{} }
		read := func(want string) {
			t.Helper()
			b := make([]byte, len(want))
			if _, err := io.ReadFull(c, b); err != nil || string(b) != want {
				t.Fatalf("%s: read %q, %v; want %q", kind, b, err, want)
			}
		}
		write := func(s string) {
			t.Helper()
			if _, err := io.WriteString(client, s); err != nil {
				t.Fatal(err)
			}
		}
		c.watch(tell)() // over before it began
		write("one")
		read("one")
		stop := c.watch(tell)
		<-time.After(3 * watchAfter)
		stop() // nothing came
		write("two")
		read("two")
		stop = c.watch(tell)
		<-time.After(2 * watchAfter)
		write("three") // comes while it is watched
		<-time.After(2 * watchAfter)
		stop()
		read("three")
		select {
		case <-lost:
			t.Fatalf("%s: an open connection was called lost", kind)
		default:
		}
		stop = c.watch(tell)
		if err := client.Close(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-lost:
		case <-time.After(5 * time.Second):
			t.Errorf("%s: a closed connection is not noticed", kind)
		}
		stop()
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Errorf("%s: a closed connection is read", kind)
		}
	}
}
