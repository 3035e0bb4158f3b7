package benchmarks

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"gengtu/tileserver"
)

// door is a listener whose connections are pipes in memory: what is measured is
// the server, not the system's network.
type door struct {
	conns  chan net.Conn
	closed context.Context
	close  context.CancelFunc
}

func newDoor() *door {
	d := &door{conns: make(chan net.Conn)}
	d.closed, d.close = context.WithCancel(context.Background())
	return d
}

// Accept returns the server's end of the next pipe.
func (d *door) Accept() (net.Conn, error) {
	select {
	case c := <-d.conns:
		return c, nil
	case <-d.closed.Done():
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (d *door) Close() error {
	d.close()
	return nil
}

// Addr names nothing that could be dialled.
func (d *door) Addr() net.Addr { return &net.UnixAddr{Name: "benchmarks", Net: "unix"} }

// client is one connection to a server.
type client struct {
	conn net.Conn
	in   *bufio.Reader
}

// serve starts a server of d's edition that keeps no tile it has made, and
// returns a connection to it through a pipe. Both end with the benchmark.
func serve(tb testing.TB, d *dataset) *client {
	tb.Helper()
	entrance := newDoor()
	return serveOn(tb, d, entrance, func() (net.Conn, error) {
		ours, theirs := net.Pipe()
		select {
		case entrance.conns <- theirs:
			return ours, nil
		case <-entrance.closed.Done():
			return nil, net.ErrClosed
		}
	})
}

// serveSocket is serve through a socket of the system's.
func serveSocket(tb testing.TB, d *dataset) *client {
	tb.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return serveOn(tb, d, ln, func() (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(tb.Context(), "tcp", ln.Addr().String())
	})
}

func serveOn(tb testing.TB, d *dataset, entrance net.Listener, dial func() (net.Conn, error)) *client {
	tb.Helper()
	s, err := tileserver.New(tileserver.Config{Editions: []string{d.edition}, Program: "benchmarks", Limits: tileserver.Limits{TileMemory: -1}})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, entrance, nil) }()
	ours, err := dial()
	if err != nil {
		stop()
		tb.Fatal(errors.Join(err, <-done))
	}
	tb.Cleanup(func() {
		ours.Close()
		stop()
		if err := <-done; err != nil {
			tb.Error(err)
		}
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return &client{ours, bufio.NewReader(ours)}
}

// request returns the bytes of a request.
func request(method, path string, body []byte) []byte {
	head := fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: benchmarks\r\nAccept-Encoding: gzip\r\n", method, path)
	if body != nil {
		head = fmt.Appendf(head, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	return append(append(head, "\r\n"...), body...)
}

// do sends a request and returns the body of the answer, which must have that
// status.
func (c *client) do(tb testing.TB, request []byte, status int) []byte {
	if _, err := c.conn.Write(request); err != nil {
		tb.Fatal(err)
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		tb.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		tb.Fatal(err)
	}
	if resp.StatusCode != status {
		first, _, _ := bytes.Cut(request, []byte("\r"))
		tb.Fatalf("%s: status %d, want %d\n%.300s", first, resp.StatusCode, status, body)
	}
	return body
}
