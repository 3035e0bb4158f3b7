package tileserver_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"gengtu/index/edition"
	"gengtu/tileserver"
	"gengtu/tileserver/tile"
)

// serveTCP is serve on a real socket, where an answer can be lost that a pipe
// would keep.
func serveTCP(t *testing.T, limits tileserver.Limits) (*service, string) {
	t.Helper()
	return serveTCPWith(t, tileserver.Config{Limits: limits})
}

// serveTCPWith is [serveTCP] of the public tier with another configuration.
func serveTCPWith(t *testing.T, cfg tileserver.Config) (*service, string) {
	t.Helper()
	s := serve(t, func(c *tileserver.Config) { c.Limits = cfg.Limits }, edition.Public)
	s.stop()
	cfg.Editions, cfg.Lang = []string{s.dirs[edition.Public]}, "en"
	var err error
	if s.Server, err = tileserver.New(cfg); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.listen(t, ln)
	return s, ln.Addr().String()
}

// exchange sends text over a connection of its own and returns the answer.
func exchange(t *testing.T, addr, text string) reply {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }() // read to its end
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatalf("while sending %.40q: %v", text, err)
	}
	return readReply(t, c)
}

func readReply(t *testing.T, c net.Conn) reply {
	t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	res.Request = &http.Request{} // errors name its address
	return reply{res, body}
}

// Bodies, addresses and headers over their limits are refused, over a socket
// too, where the client is still sending; at the limit they are not.
func TestRequestLimits(t *testing.T) {
	const body, head = 10_000, 4096
	s, addr := serveTCP(t, tileserver.Limits{BodyBytes: body, URLBytes: head})
	pad := func(n int) string {
		b := `{"place":"610402001"}`
		return b + strings.Repeat(" ", n-len(b))
	}
	post := "POST /public/overlay HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
	if r := exchange(t, addr, fmt.Sprintf(post, body, pad(body))); r.StatusCode != http.StatusOK {
		t.Errorf("a body at the limit: %d %s", r.StatusCode, r.body)
	}
	for _, n := range []int{body + 1, 4 * body, 12_000_000} {
		r := exchange(t, addr, fmt.Sprintf(post, n, pad(n)))
		wantProblem(t, fmt.Sprintf("a body of %d", n), r, http.StatusRequestEntityTooLarge, "too_large_body")
		if r.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("a body of %d: %v", n, r.Header)
		}
	}
	chunked := "POST /public/overlay HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat(fmt.Sprintf("%x\r\n%s\r\n", 1000, strings.Repeat(" ", 1000)), 30) + "0\r\n\r\n"
	wantProblem(t, "a body in chunks", exchange(t, addr, chunked), http.StatusRequestEntityTooLarge, "too_large_body")
	wantProblem(t, "an address too long", exchange(t, addr, "GET /public/places?q="+strings.Repeat("a", 2*head)+" HTTP/1.1\r\nHost: x\r\n\r\n"), http.StatusRequestURITooLong, "url_too_long")
	wantProblem(t, "a header too long", exchange(t, addr, "GET /public/places HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("a", 2*head)+"\r\n\r\n"), http.StatusRequestURITooLong, "url_too_long")
	if r := exchange(t, addr, "GET /public/places?q="+strings.Repeat("a", head/2)+" HTTP/1.1\r\nHost: x\r\n\r\n"); r.StatusCode != http.StatusOK {
		t.Errorf("an address within the limit: %d", r.StatusCode)
	}
	wantProblem(t, "no HTTP", exchange(t, addr, "nonsense\r\n\r\n"), http.StatusBadRequest, "parameter_request")
	if r := s.get(t, "/metrics"); !strings.Contains(string(r.body), `gengtu_requests_total{route="overlay",status="413",tier="public"} 4`) {
		t.Errorf("what is refused is not counted: %.2000s", r.body)
	}
}

// Connections over the limit, in all and from one address, get 429; when others
// close there is room again.
func TestConnectionLimits(t *testing.T) {
	for name, limits := range map[string]tileserver.Limits{"in all": {Connections: 3}, "from one address": {PerIP: 3}} {
		s, addr := serveTCP(t, limits)
		var held []net.Conn
		for range 3 {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(c, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			if r := readReply(t, c); r.StatusCode != http.StatusOK {
				t.Fatalf("%s: %d within the limit", name, r.StatusCode)
			}
			held = append(held, c)
		}
		r := exchange(t, addr, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
		wantProblem(t, name, r, http.StatusTooManyRequests, "too_many")
		if r.Header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After in %v", name, r.Header)
		}
		for _, c := range held {
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
		}
		for end := time.Now().Add(10 * time.Second); ; {
			if r := exchange(t, addr, "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); r.StatusCode == http.StatusOK {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%s: no room after the others have gone", name)
			}
		}
		s.stop()
	}
}

// Who sends slowly, or says nothing, is cut off in time and does not keep others
// waiting.
func TestSlowClients(t *testing.T) {
	s, addr := serveTCP(t, tileserver.Limits{Read: 500 * time.Millisecond, Idle: 500 * time.Millisecond})
	var slow []net.Conn
	for _, text := range []string{"", "GET /pub", "GET /public/catalog HTTP/1.1\r\nHost: x\r\n", "POST /public/overlay HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"} {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		slow = append(slow, c)
	}
	start := time.Now()
	if r := s.get(t, "/public/catalog"); r.StatusCode != http.StatusOK {
		t.Errorf("meanwhile: %d", r.StatusCode)
	}
	for i, c := range slow {
		if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(c)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("slow client %d is not cut off", i)
		}
		if len(got) > 0 && !strings.HasPrefix(string(got), "HTTP/1.1 408 ") {
			t.Errorf("slow client %d is told %.60q", i, got)
		}
		_ = c.Close() // the server has closed it
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// Painted tiles are kept up to their limit and no further.
func TestPictureMemory(t *testing.T) {
	const limit = 20_000
	s := serve(t, func(c *tileserver.Config) { c.Limits.PictureMemory = limit }, edition.Public)
	z := strings.Split(tileAt(tile.W, 14), "/")
	for x := range 4 {
		for _, layers := range []string{"all", "cropland", "pbf", "hsf", "pbf,hsf", "hsf,pbf"} {
			for _, twice := range []string{"", "@2x"} {
				address := fmt.Sprintf("/public/tiles/%s/w/14/%s/%d%s.png", layers, z[1], 6500+x, twice)
				first, again := s.get(t, address), s.get(t, address)
				if first.StatusCode != http.StatusOK || string(first.body) != string(again.body) {
					t.Fatalf("%s: %d, or another picture the second time", address, first.StatusCode)
				}
				if size, n := s.PictureBytes(); size > limit || n == 0 {
					t.Fatalf("%d pictures with %d bytes are kept", n, size)
				}
			}
		}
	}
	none := serve(t, func(c *tileserver.Config) { c.Limits.PictureMemory = 1 }, edition.Public)
	if r := none.get(t, "/public/tiles/all/w/14/0/0.png"); r.StatusCode != http.StatusOK {
		t.Errorf("without room: %d", r.StatusCode)
	}
	if size, n := none.PictureBytes(); size != 0 || n != 0 {
		t.Errorf("without room %d pictures with %d bytes are kept", n, size)
	}
}

// A tile that takes longer than its limit is given up.
func TestTileTime(t *testing.T) {
	s := serve(t, func(c *tileserver.Config) { c.Limits.Tile = time.Nanosecond }, edition.Public)
	wantProblem(t, "a tile on demand", s.get(t, "/public/tiles/all/w/"+tileAt(tile.W, 14)+".mvt"), http.StatusServiceUnavailable, "timeout")
	if r := s.get(t, "/public/tiles/all/w/"+tileAt(tile.W, 12)+".mvt"); r.StatusCode != http.StatusOK {
		t.Errorf("a built tile: %d", r.StatusCode)
	}
}

// A list stops at its limit and says how many there are.
func TestListLimits(t *testing.T) {
	s := serve(t, func(c *tileserver.Config) { c.Limits.Features = 1 }, edition.Government)
	type list struct {
		Total  int
		Places []any
	}
	if l := decode[list](t, s.get(t, "/government/places", s.bearer(edition.Government)...)); l.Total != 6 || len(l.Places) != 1 {
		t.Errorf("%+v", l)
	}
	wantProblem(t, "features of one code", s.get(t, "/government/features/cropland?code="+bsm(1, lots-1), s.bearer(edition.Government)...), http.StatusRequestEntityTooLarge, "too_large_list")
}

// A Host that is none is refused, and stands in no answer; names, addresses and ports are
// taken.
func TestHostIsAHost(t *testing.T) {
	s := serve(t, nil, edition.Public)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.listen(t, ln)
	for host, want := range map[string]int{
		"map.example.org": 200, "map_1.example.org:8080": 200, "10.0.0.1:8080": 200, "[2001:db8::1]:8080": 200,
		`evil"><script>x</script>`: 400, "a b": 400, "a'b": 400, "a/b": 400, "a\x01b": 400, "主机": 400, strings.Repeat("a", 300): 400,
	} {
		r := exchange(t, ln.Addr().String(), "GET /public/catalog HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
		if r.StatusCode != want || want == 400 && strings.Contains(string(r.body), host) {
			t.Errorf("%q: status %d, want %d\n%.200s", host, r.StatusCode, want, r.body)
		}
	}
}
