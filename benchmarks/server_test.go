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
// returns a connection to it. Both end with the benchmark.
func serve(tb testing.TB, d *dataset) *client {
	tb.Helper()
	s, err := tileserver.New(tileserver.Config{Editions: []string{d.edition}, Program: "benchmarks", Limits: tileserver.Limits{TileMemory: -1}})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	entrance := newDoor()
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, entrance, nil) }()
	ours, theirs := net.Pipe()
	select {
	case entrance.conns <- theirs:
	case err := <-done:
		tb.Fatal(err)
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
