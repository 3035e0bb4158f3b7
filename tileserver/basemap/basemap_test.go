package basemap_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/basemap"
	"gengtu/tileserver/tile"
)

// picture returns a PNG of that side.
func picture(t testing.TB, side int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, side, side))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const secretKey = "s3cret+Key/7="

// other is a server of somebody else's tiles.
type other struct {
	*httptest.Server
	asked   atomic.Int64
	handler atomic.Pointer[http.HandlerFunc]
}

func newOther(t *testing.T, h http.HandlerFunc) *other {
	o := &other{}
	o.handler.Store(&h)
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.asked.Add(1)
		(*o.handler.Load())(w, r)
	}))
	t.Cleanup(o.Close)
	return o
}

func (o *other) now(h http.HandlerFunc) { o.handler.Store(&h) }

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func sends(kind string, data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(data) // the asker tells what it got
	}
}

// file writes a file of sources and the key beside it, and returns its path.
func file(t testing.TB, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "key"), []byte(secretKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "bases.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func proxyOf(t *testing.T, o *other, opt basemap.Options) *basemap.Proxy {
	t.Helper()
	sources, err := basemap.Read(file(t, "sources:\n  - name: vec\n    url: "+o.URL+"/vec/{z}/{y}/{x}?tk={key}\n    key_file: key\n    grid: w\n    zooms: [1, 18]\n    tiers: [public, government]\n    keep: 1h\n"))
	if err != nil {
		t.Fatal(err)
	}
	return basemap.New(sources, opt)
}

func ask(p *basemap.Proxy, zxy ...string) (*basemap.Picture, error) {
	return p.Tile(context.Background(), edition.Public, "vec", [3]string(zxy))
}

// A tile is fetched once by the key, row before column as the address says, kept as long
// as the source says, and answered from what is kept while the source fails.
func TestTile(t *testing.T) {
	want := picture(t, 256)
	var paths sync.Map
	o := newOther(t, func(w http.ResponseWriter, r *http.Request) {
		paths.Store(r.URL.Path+" "+r.URL.Query().Get("tk"), true)
		sends("image/png; charset=x", want)(w, r)
	})
	c := &clock{t: time.Unix(1e9, 0)}
	var failures atomic.Int64
	p := proxyOf(t, o, basemap.Options{Now: c.now, Failed: func(string, error) { failures.Add(1) }})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if got, err := ask(p, "5", "26", "12"); err != nil || got.Type != "image/png" || !bytes.Equal(got.Data, want) {
				t.Errorf("%v %v", got, err)
			}
		})
	}
	all.Wait()
	if _, there := paths.Load("/vec/5/12/26 " + secretKey); !there || o.asked.Load() != 1 {
		t.Errorf("asked %d times", o.asked.Load())
	}
	c.move(2 * time.Hour)
	o.now(status(500))
	for range 12 {
		if got, err := ask(p, "5", "26", "12"); err != nil || !bytes.Equal(got.Data, want) {
			t.Errorf("while the source fails: %v", err)
		}
	}
	if n := o.asked.Load(); n != 6 || failures.Load() != 1 {
		t.Errorf("asked %d times, told %d times", n, failures.Load())
	}
	if _, err := ask(p, "5", "26", "13"); !errors.Is(err, basemap.ErrUpstream) {
		t.Errorf("%v", err)
	}
	o.now(sends("image/png", want))
	c.move(time.Minute)
	if _, err := ask(p, "5", "26", "13"); err != nil {
		t.Error(err)
	}
	if s := p.Stats()["vec"]; s.Fetched != 2 || s.Stale != 12 || s.Failed != 1 || s.Memory+s.Fetched+s.Stale+s.Failed < 15 {
		t.Errorf("%+v", s)
	}
	o.now(status(404))
	for range 3 {
		if _, err := ask(p, "5", "1", "1"); !errors.Is(err, basemap.ErrNoTile) {
			t.Errorf("%v", err)
		}
	}
	if n := o.asked.Load(); n != 8 {
		t.Errorf("asked %d times", n)
	}
}

// Nothing is passed on but pictures of the hosts that the file names, and no error holds
// the address or the key.
func TestWhatIsNotPassedOn(t *testing.T) {
	elsewhere := newOther(t, sends("image/png", picture(t, 16)))
	html := []byte("<html><script>alert(1)</script></html>")
	for name, h := range map[string]http.HandlerFunc{
		"a page":              sends("text/html", html),
		"a page as a picture": sends("image/png", html),
		"a drawing":           sends("image/svg+xml", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)),
		"no type":             sends("", html),
		"another picture":     sends("image/jpeg", picture(t, 16)),
		"too much":            sends("image/png", append(picture(t, 16), make([]byte, 5<<20)...)),
		"nothing":             sends("image/png", nil),
		"a redirect":          func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) },
		"an error":            status(503),
		"a refusal":           status(403),
		"a cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(http.StatusOK)
		},
		"a place nowhere": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://[::1?"+r.URL.RawQuery) // which repeats the key
			w.WriteHeader(http.StatusFound)
		},
		"a close": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		o := newOther(t, h)
		var told []string
		p := proxyOf(t, o, basemap.Options{Failed: func(source string, err error) { told = append(told, source+": "+err.Error()) }})
		for i := range 6 {
			if _, err := ask(p, "9", "1", fmt.Sprint(i)); !errors.Is(err, basemap.ErrUpstream) || strings.Contains(err.Error(), "tk=") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if len(told) != 1 || strings.Contains(told[0], "s3cret") || strings.Contains(told[0], "/vec/") || !strings.HasPrefix(told[0], "vec: ") {
			t.Errorf("%s: told %q", name, told)
		}
		if o.asked.Load() != 5 {
			t.Errorf("%s: asked %d times", name, o.asked.Load())
		}
	}
	if elsewhere.asked.Load() != 0 {
		t.Error("a redirect was followed")
	}
	gone := newOther(t, status(200))
	p := proxyOf(t, gone, basemap.Options{Failed: func(_ string, err error) {
		if strings.Contains(err.Error(), "s3cret") {
			t.Error(err)
		}
	}})
	gone.Close()
	for i := range 5 {
		if _, err := ask(p, "9", "1", fmt.Sprint(i)); !errors.Is(err, basemap.ErrUpstream) {
			t.Errorf("%v", err)
		}
	}
}

// Who asks chooses among the sources of the tier and the tiles of the grid, and nothing
// else goes to the other server.
func TestWhatIsNotAsked(t *testing.T) {
	o := newOther(t, sends("image/png", picture(t, 16)))
	p := proxyOf(t, o, basemap.Options{})
	for _, c := range []struct {
		tier edition.Tier
		name string
		zxy  [3]string
		want error
	}{
		{edition.Secure, "vec", [3]string{"5", "1", "1"}, basemap.ErrNoMap},
		{edition.Public, "vac", [3]string{"5", "1", "1"}, basemap.ErrNoMap},
		{edition.Public, "../vec", [3]string{"5", "1", "1"}, basemap.ErrNoMap},
		{edition.Public, "vec", [3]string{"0", "0", "0"}, basemap.ErrNoTile},
		{edition.Public, "vec", [3]string{"19", "0", "0"}, basemap.ErrNoTile},
		{edition.Public, "vec", [3]string{"5", "32", "0"}, tile.ErrRange},
		{edition.Public, "vec", [3]string{"5", "-1", "0"}, tile.ErrSyntax},
		{edition.Public, "vec", [3]string{"5", "1", "1@evil.example"}, tile.ErrSyntax},
		{edition.Public, "vec", [3]string{"5", "1", "1&tk="}, tile.ErrSyntax},
		{edition.Public, "vec", [3]string{"05", "1", "1"}, tile.ErrSyntax},
	} {
		if _, err := p.Tile(context.Background(), c.tier, c.name, c.zxy); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if o.asked.Load() != 0 {
		t.Error("the other server was asked")
	}
	for _, s := range p.Of(edition.Public) {
		if strings.Contains(fmt.Sprintf("%+v", s), "s3cret") || s.URL != "" {
			t.Errorf("%+v", s)
		}
	}
	if n := len(p.Of(edition.Secure)); n != 0 {
		t.Errorf("secure has %d", n)
	}
}

// What is kept is bounded: the tiles used longest ago go.
func TestMemoryIsBounded(t *testing.T) {
	data := append(picture(t, 64), make([]byte, 10_000)...)
	o := newOther(t, sends("image/png", data))
	const limit = 100_000
	p := proxyOf(t, o, basemap.Options{MemoryBytes: limit})
	for i := range 50 {
		if _, err := ask(p, "9", "1", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
		if _, err := ask(p, "9", "1", "0"); err != nil {
			t.Fatal(err)
		}
		if b := p.Bytes(); b > limit || b < 10_000 {
			t.Fatalf("%d bytes", b)
		}
	}
	if n := o.asked.Load(); n != 50 {
		t.Errorf("asked %d times, the tile used most among them", n)
	}
}

const good = "sources:\n  - name: vec\n    url: https://t{s}.example.org/{z}/{x}/{y}?tk={key}\n    servers: [a, b]\n    key_file: key\n    grid: c\n    zooms: [1, 18]\n"

// A file that makes no sense is refused with the line.
func TestReadFaults(t *testing.T) {
	if _, err := basemap.Read(file(t, good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, said string }{
		{"vec", "Vec", "line 2: name"},
		{"{s}.example.org", "{z}.example.org", "line 3: url"},
		{"https://t{s}", "https://{key}.t{s}", "line 3: url"},
		{"https://", "file://", "line 3: url"},
		{"https://", "https://u:p@", "line 3: url"},
		{"{x}", "{w}", "line 3: url of vec: {w} is not known"},
		{"{x}", "1", "line 3: url"},
		{"?tk={key}", "", "line 3: url"},
		{"    servers: [a, b]\n", "", "line 3: url"},
		{"[a, b]", "[a, b.evil]", "line 3: url"},
		{"key_file: key", "key_file: nokey", "line 5: key_file"},
		{"key_file: key", "key_file: bases.yaml", "line 5: key_file"},
		{"grid: c", "grid: d", "line 6: grid"},
		{"[1, 18]", "[0, 18]", "line 7: zooms"},
		{"[1, 18]", "[1, 21]", "line 7: zooms"},
		{"[1, 18]", "[1]", "line 7: zooms"},
		{"zooms: [1, 18]\n", "zooms: [1, 18]\n    keep: 1s\n", "line 8: keep"},
		{"zooms: [1, 18]\n", "zooms: [1, 18]\n    tiers: [publik]\n", "line 8: tiers"},
		{"zooms: [1, 18]\n", "zooms: [1, 18]\n    hosts: [x]\n", "line 8: hosts is not known"},
		{good, good + good[len("sources:\n"):], "stands twice"},
		{good, "sources: []\n", "line 1: it has 0 maps"},
	} {
		_, err := basemap.Read(file(t, strings.Replace(good, c.old, c.new, 1)))
		if p := problem.Of(err); p == nil || p.Code != "BASE_MAPS" || !strings.Contains(p.Text(problem.English), c.said) {
			t.Errorf("%q for %q: %v, want %q", c.new, c.old, err, c.said)
		}
	}
	path := file(t, good)
	if err := os.Chmod(filepath.Join(filepath.Dir(path), "key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := basemap.Read(path); err == nil || !strings.Contains(problem.Of(err).Text(problem.English), "chmod 600") {
		t.Errorf("a key that others read: %v", err)
	}
}
