package tileserver_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"gengtu/tileserver"
)

// dial opens a connection and sends text.
func dial(t *testing.T, addr, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // a second time, mostly
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c
}

const postOverlay = "POST /public/overlay HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"

// Who announces a body of 16 MiB and does not send it costs next to no memory.
func TestAnnouncedBodies(t *testing.T) {
	s, addr := serveTCP(t, tileserver.Limits{})
	heap := func() int64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	const many = 100
	for range many {
		dial(t, addr, fmt.Sprintf(postOverlay, 16_000_000, strings.Repeat(" ", 10_000)))
	}
	if r := s.get(t, "/public/catalog"); r.StatusCode != http.StatusOK {
		t.Errorf("meanwhile: %d", r.StatusCode)
	}
	<-time.After(200 * time.Millisecond)
	if grown := heap() - before; grown > many*200_000 {
		t.Errorf("%d bodies that were announced take %d bytes", many, grown)
	}
}

// Large bodies share the memory that there is for them: where it is taken another is told
// to come again, small ones are answered all the same, and what is given up is there for
// the next.
func TestBodyMemory(t *testing.T) {
	s, addr := serveTCP(t, tileserver.Limits{BodyMemory: 256 << 10})
	const large = 200_000
	body := `{"place":"610402001"}`
	body += strings.Repeat(" ", large-len(body))
	if r := exchange(t, addr, fmt.Sprintf(postOverlay, large, body)); r.StatusCode != http.StatusOK {
		t.Fatalf("one large body: %d", r.StatusCode)
	}
	slow := dial(t, addr, fmt.Sprintf(postOverlay, large, body[:large-1]))
	taken := func() bool { // the server reads when it comes to it
		r := exchange(t, addr, fmt.Sprintf(postOverlay, large, body))
		if r.StatusCode != http.StatusOK {
			wantProblem(t, "a second large body", r, http.StatusServiceUnavailable, "overloaded")
		}
		if r.StatusCode != http.StatusOK && r.Header.Get("Retry-After") == "" {
			t.Error("there is no Retry-After")
		}
		return r.StatusCode != http.StatusOK
	}
	until(t, "the memory is never taken", func() bool {
		if taken() {
			return true
		}
		// It may have come behind ours, and been sent away itself.
		if err := slow.Close(); err != nil {
			t.Fatal(err)
		}
		slow = dial(t, addr, fmt.Sprintf(postOverlay, large, body[:large-1]))
		<-time.After(100 * time.Millisecond)
		return false
	})
	if r := exchange(t, addr, fmt.Sprintf(postOverlay, 1000, body[:1000])); r.StatusCode != http.StatusOK {
		t.Errorf("a small body meanwhile: %d %s", r.StatusCode, r.body)
	}
	if text := string(s.get(t, "/metrics").body); !strings.Contains(text, `gengtu_requests_total{route="overlay",status="503",tier="public"}`) {
		t.Error("what was turned away is not counted")
	}
	if err := slow.Close(); err != nil {
		t.Fatal(err)
	}
	until(t, "the memory is not given back", func() bool { return !taken() })
}

// until tries for some seconds.
func until(t *testing.T, or string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(or)
		}
	}
}

// A body that no handler reads is not taken for a request, however long and however it
// is sent; the next request on the connection is answered, or the connection is closed.
func TestBodyIsNoRequest(t *testing.T) {
	_, addr := serveTCP(t, tileserver.Limits{})
	hidden := "GET /public/style.json HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, n := range []int{1, 300, 5000} {
		body := strings.Repeat(hidden, n)
		for what, head := range map[string]string{
			"GET": "GET /public/catalog", "POST to nothing": "POST /public/nothing", "POST to GET": "POST /public/catalog", "OPTIONS": "OPTIONS /public/overlay", "PUT": "PUT /public/overlay",
		} {
			for how, sent := range map[string]string{
				"length": fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body),
				"chunks": fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body),
			} {
				c := dial(t, addr, head+" HTTP/1.1\r\nHost: x\r\n"+sent+"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
				all, err := io.ReadAll(bufio.NewReader(c))
				if err != nil {
					t.Fatalf("%s with a body of %d in %s: %v", what, len(body), how, err)
				}
				_, second, more := strings.Cut(string(all)[1:], "HTTP/1.1 ")
				if more && !(strings.HasPrefix(second, "200 ") && strings.HasSuffix(second, "\r\n\r\nok\n")) {
					t.Errorf("%s with a body of %d in %s: behind the answer comes\n%.600s", what, len(body), how, second)
				}
			}
		}
	}
}

// Where a body that nobody wants stops coming, the connection is closed behind the answer:
// what comes later would be taken for a request.
func TestBodyThatStops(t *testing.T) {
	_, addr := serveTCP(t, tileserver.Limits{})
	for what, sent := range map[string]string{
		"length": "Content-Length: 20000\r\n\r\n" + strings.Repeat("a", 10_000), "chunks": "Transfer-Encoding: chunked\r\n\r\n100\r\nten bytes.",
	} {
		c := dial(t, addr, "PUT /public/overlay HTTP/1.1\r\nHost: x\r\n"+sent)
		in := bufio.NewReader(c)
		r, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		_, err = io.Copy(io.Discard, r.Body)
		if err = errors.Join(err, r.Body.Close()); err != nil || !r.Close {
			t.Errorf("%s: %v; the connection is closed: %v", what, err, r.Close)
		}
		if rest, err := io.ReadAll(in); len(rest) > 0 {
			t.Errorf("%s: behind the answer comes %q, %v", what, rest, err)
		}
	}
}

// A body whose length is said in two ways is read by chunks, and nothing behind it on the
// connection: a proxy in front may have read it by the number.
func TestBodyOfTwoLengths(t *testing.T) {
	_, addr := serveTCP(t, tileserver.Limits{})
	for what, sent := range map[string]string{
		"number first": "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "chunks first": "transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
	} {
		c := dial(t, addr, "POST /public/overlay HTTP/1.1\r\nHost: x\r\n"+sent+"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
		in := bufio.NewReader(c)
		r, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		_, err = io.Copy(io.Discard, r.Body)
		if err = errors.Join(err, r.Body.Close()); err != nil || !r.Close {
			t.Errorf("%s: %v; the connection is closed: %v", what, err, r.Close)
		}
		if rest, err := io.ReadAll(in); len(rest) > 0 {
			t.Errorf("%s: behind the answer comes %q, %v", what, rest, err)
		}
	}
}

// Clients that ask for large answers and do not read them hold a bounded memory; others
// are told to come again, small answers go out, and who reads or goes gives it back.
func TestAnswerMemory(t *testing.T) {
	s, addr := serveTCP(t, tileserver.Limits{SendMemory: 4 << 20})
	const address = "/public/fonts/a/19968-20223.pbf"
	get := "GET " + address + " HTTP/1.1\r\nHost: x\r\n\r\n"
	size := len(s.get(t, address).body)
	if size <= 64<<10 {
		t.Fatalf("the answer has only %d bytes", size)
	}
	busy := func() bool {
		r := exchange(t, addr, get)
		if r.StatusCode != http.StatusOK {
			wantProblem(t, "an answer too many", r, http.StatusServiceUnavailable, "overloaded")
		}
		return r.StatusCode != http.StatusOK
	}
	var readers []net.Conn
	until(t, "nobody is turned away", func() bool {
		// The system keeps some megabytes of a connection that is not read: here it is to
		// keep little, and more is asked for.
		c := dial(t, addr, "")
		if err := c.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, strings.Repeat(get, 200)); err != nil {
			t.Fatal(err)
		}
		readers = append(readers, c)
		return busy()
	})
	if r := exchange(t, addr, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"); r.StatusCode != http.StatusOK {
		t.Errorf("a small answer: %d", r.StatusCode)
	}
	for _, c := range readers {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the memory is not given back", func() bool { return !busy() })
	// A connection that waits for its next request holds nothing.
	for range 4<<20/size + 2 {
		c := dial(t, addr, get)
		if r := readReply(t, c); r.StatusCode != http.StatusOK {
			t.Fatalf("behind answers that were read: %d", r.StatusCode)
		}
	}
}
