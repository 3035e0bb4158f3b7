package gate

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// pair returns both ends of a connection, ours as the server has it.
func pair(t *testing.T) (*counted, net.Conn) {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var d net.Dialer
	theirs, err := d.DialContext(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ours, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _, _ = ours.Close(), theirs.Close(), ln.Close() })
	return &counted{Conn: ours, leave: func() {}}, theirs
}

// A deadline that is put off holds, no sooner and no later; one that is brought forward,
// too.
func TestReadDeadline(t *testing.T) {
	for _, row := range []struct {
		name     string
		set      []time.Duration
		from, to time.Duration
	}{
		{"put off", []time.Duration{50 * time.Millisecond, 300 * time.Millisecond}, 300 * time.Millisecond, 3 * time.Second},
		{"put off twice", []time.Duration{50 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond}, 300 * time.Millisecond, 3 * time.Second},
		{"brought forward", []time.Duration{time.Minute, 100 * time.Millisecond}, 100 * time.Millisecond, 3 * time.Second},
		{"put off and brought forward", []time.Duration{100 * time.Millisecond, time.Minute, 200 * time.Millisecond}, 200 * time.Millisecond, 3 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, _ := pair(t)
			start := time.Now()
			for _, d := range row.set {
				if err := c.SetReadDeadline(start.Add(d)); err != nil {
					t.Fatal(err)
				}
			}
			_, err := c.Read(make([]byte, 1))
			if took := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || took < row.from || took > row.to {
				t.Errorf("%v after %v", err, took)
			}
		})
	}
}

// What is held back goes out before the connection reads again, whatever comes between.
func TestHeldBack(t *testing.T) {
	c, theirs := pair(t)
	c.expected = true
	if n, err := c.Write([]byte("first ")); n != 6 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := c.Write([]byte("second ")); n != 7 || err != nil {
		t.Fatal(n, err)
	}
	c.expected = true
	if _, err := c.Write([]byte("third")); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	if err := theirs.SetReadDeadline(time.Now().Add(3 * time.Second)); err != nil {
		t.Fatal(err)
	}
	const want = "first second third"
	got := make([]byte, len(want))
	for n := 0; n < len(got); {
		m, err := theirs.Read(got[n:])
		if err != nil {
			t.Fatalf("%q and %v", got[:n], err)
		}
		n += m
	}
	if string(got) != want {
		t.Errorf("%q", got)
	}
}
