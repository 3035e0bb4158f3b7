package audit_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gengtu/tileserver/audit"
)

// message is RFC 5424, 6, of what we send: facility 13, severity 6, a time in UTC, host,
// program, process, the chain, no structured data, and UTF-8 text with its mark.
var message = regexp.MustCompile("^<110>1 \\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}Z \\S+ gengtu \\d+ test - \uFEFF(\\{.*\\})$")

// receiver takes messages as RFC 5426 and 6587 send them.
type receiver struct {
	address string
	got     chan string
}

func listenStream(t *testing.T, address string) (*receiver, net.Listener) {
	t.Helper()
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{"tcp://" + ln.Addr().String(), make(chan string, 10_000)}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				in := bufio.NewReader(c)
				for {
					n, err := in.ReadString(' ')
					if err != nil {
						return
					}
					size, err := strconv.Atoi(strings.TrimSuffix(n, " "))
					if err != nil {
						r.got <- "no length: " + n
						return
					}
					text := make([]byte, size)
					if _, err := io.ReadFull(in, text); err != nil {
						return
					}
					r.got <- string(text)
				}
			}()
		}
	}()
	t.Cleanup(func() { _ = ln.Close() })
	return r, ln
}

func listenPackets(t *testing.T, network, address string) *receiver {
	t.Helper()
	c, err := net.ListenPacket(network, address)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{network + "://" + c.LocalAddr().String(), make(chan string, 10_000)}
	if network == "unixgram" {
		r.address = "unix:" + address
	}
	go func() {
		buf := make([]byte, 1<<16)
		for {
			n, _, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			r.got <- string(buf[:n])
		}
	}()
	t.Cleanup(func() { _ = c.Close() })
	return r
}

func (r *receiver) next(t *testing.T) string {
	t.Helper()
	select {
	case m := <-r.got:
		return m
	case <-time.After(10 * time.Second):
		t.Fatal("no message")
		return ""
	}
}

func openWith(t *testing.T, dir, address string, need audit.Required, failed func(error)) (*audit.Log, *audit.Syslog) {
	t.Helper()
	s, err := audit.OpenSyslog(address, need, failed)
	if err != nil {
		t.Fatal(err)
	}
	l, err := audit.Open(dir, chain, audit.Options{Syslog: s})
	if err != nil {
		t.Fatal(err)
	}
	return l, s
}

// Each line of the file reaches the syslog, in order and whole, by each way.
func TestSyslogTakesEveryLine(t *testing.T) {
	stream, _ := listenStream(t, "127.0.0.1:0")
	for _, r := range []*receiver{stream, listenPackets(t, "udp", "127.0.0.1:0"), listenPackets(t, "unixgram", filepath.Join(t.TempDir(), "log"))} {
		dir := newDir(t)
		l, s := openWith(t, dir, r.address, audit.Needed, nil)
		const n = 20
		for i := range n {
			if err := l.Append(audit.Record{Time: day0, Who: "张三\n", Bytes: int64(i + 1)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		for i, line := range bytes.SplitAfter(read(t, file(dir, 1)), []byte("\n"))[:n] {
			m := r.next(t)
			parts := message.FindStringSubmatch(m)
			if parts == nil || parts[1]+"\n" != string(line) {
				t.Fatalf("%s: message %d: got %q, want %q", r.address, i+1, m, line)
			}
		}
		if s.Lost() != 0 {
			t.Errorf("%s: %d lost", r.address, s.Lost())
		}
	}
}

// A receiver that goes away is told of; where it is needed nothing is written meanwhile,
// and all goes on when it is back.
func TestSyslogThatFails(t *testing.T) {
	for _, need := range []audit.Required{audit.Besides, audit.Needed} {
		r, ln := listenStream(t, "127.0.0.1:0")
		var told atomic.Int64
		l, s := openWith(t, newDir(t), r.address, need, func(error) { told.Add(1) })
		if err := l.Append(audit.Record{Time: day0}); err != nil {
			t.Fatal(err)
		}
		first := r.next(t)
		if !message.MatchString(first) {
			t.Fatalf("got %q", first)
		}
		if err := errors.Join(ln.Close(), l.Close(), s.Close()); err != nil {
			t.Fatal(err)
		}
		gone, err := audit.OpenSyslog(r.address, need, func(error) { told.Add(1) })
		if need == audit.Needed {
			wantCode(t, err, "AUDIT_SYSLOG")
			continue
		}
		if err != nil || told.Load() == 0 {
			t.Fatalf("%v, told %d times", err, told.Load())
		}
		if l, err = audit.Open(newDir(t), chain, audit.Options{Syslog: gone}); err != nil {
			t.Fatal(err)
		}
		for range audit.SyslogQueue + 10 {
			if err := l.Append(audit.Record{Time: day0}); err != nil {
				t.Fatal(err)
			}
		}
		if gone.Lost() == 0 {
			t.Error("what the queue does not hold is not counted")
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if err := gone.Close(); err != nil {
			t.Fatal(err)
		}
		if lost := gone.Lost(); lost != audit.SyslogQueue+10 {
			t.Errorf("%d lost, want all", lost)
		}
	}
}

// A local receiver that is needed and goes away shuts the log, and opens it when it
// is back: of datagrams that fail at once the sender knows.
func TestSyslogThatIsNeededComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	c, err := net.ListenPacket("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	dir := newDir(t)
	l, s := openWith(t, dir, "unix:"+path, audit.Needed, nil)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	refused := error(nil)
	for refused == nil && time.Now().Before(deadline) {
		refused = l.Append(audit.Record{Time: day0})
		<-time.After(time.Millisecond)
	}
	wantCode(t, refused, "AUDIT_SYSLOG")
	r := listenPackets(t, "unixgram", path)
	r.next(t) // that waited
	for l.Append(audit.Record{Time: day0}) != nil && time.Now().Before(deadline) {
		<-time.After(time.Millisecond)
	}
	if err := l.Append(audit.Record{Time: day0}); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if sum, err := one(dir); err != nil || sum.Lost == 0 {
		t.Errorf("%+v, %v", sum, err)
	}
}

func TestSyslogAddresses(t *testing.T) {
	for _, bad := range []string{"", "x", "udp://", "udp://host", "tcp://:5", "unix:", "unix://host/x", "http://host:1", "tls://host:1/x", "udp://host:1:2", "udp://me:secret@host:1", "tcp://host:1?key=x", "tls://host:1#x"} {
		_, err := audit.OpenSyslog(bad, audit.Besides, nil)
		wantCode(t, err, "AUDIT_SYSLOG_ADDRESS")
	}
}
