package tileserver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp/fasthttputil"

	"gengtu/benchmarks/suite"
	"gengtu/index/edition"
	"gengtu/tileserver"
	"gengtu/tileserver/access"
	"gengtu/tileserver/tile"
)

// variant commits another generation of the tier's edition.
func (s *service) variant(t testing.TB, tier edition.Tier, name string, keep int) string {
	t.Helper()
	f := newFarm(tier)
	f.variant = name
	// The content differs, so that answers of the generations can be told apart.
	f.layers = append(f.layers, f.block("extra"+name, edition.Title{Zh: "x", En: "x"}, lotBox(0, 0, 1, 1), "XMMC"))
	return f.commit(t, s.dirs[tier], keep)
}

// With 64 clients over all addresses no request fails while generations come
// into force, are rolled back and are removed; an answer is of one generation,
// and what is pinned stays as it was.
func TestSwapUnderLoad(t *testing.T) {
	s := serve(t, func(c *tileserver.Config) {
		c.CacheDir = t.TempDir()
		c.Limits.OverlayAtOnce, c.Limits.MapAtOnce = 64, 64
	}, edition.Secure, edition.Public)
	var addresses []string
	for _, tier := range []edition.Tier{edition.Secure, edition.Public} {
		for a := range data() {
			sep := "?"
			if strings.Contains(a, "?") {
				sep = "&"
			}
			addresses = append(addresses, "/"+string(tier)+"/"+a+sep+"tk="+s.tokens[edition.Secure])
		}
	}
	addresses = append(addresses, "/health", "/ready", "/metrics", "/")
	first := s.generations[edition.Public]
	pinned := "/public/tiles/all/w/" + tileAt(tile.W, 13) + ".mvt?generation=" + first
	want := s.get(t, pinned)
	var stop atomic.Bool
	var asked atomic.Int64
	changes, pause := 0, time.Duration(0)
	if os.Getenv("SOAK") != "" {
		pause = 6 * time.Second // a minute in all
	}
	var clients sync.WaitGroup
	for c := range 64 {
		clients.Go(func() {
			rng := rand.New(rand.NewPCG(3, uint64(c)))
			for !stop.Load() {
				address := addresses[rng.IntN(len(addresses))]
				if c%8 == 0 {
					address = pinned
				}
				s.load(t, address, pinned, want)
				asked.Add(1)
			}
		})
	}
	swap := func(names ...string) {
		for _, n := range names {
			for _, tier := range []edition.Tier{edition.Secure, edition.Public} {
				s.generations[tier] = s.variant(t, tier, n, 12)
			}
			s.Reload()
			changes++
			<-time.After(pause)
		}
	}
	began := time.Now()
	swap("1", "2", "3", "4", "5")
	for _, tier := range []edition.Tier{edition.Secure, edition.Public} {
		if _, err := edition.Rollback(s.dirs[tier], ""); err != nil {
			t.Error(err)
		}
	}
	s.Reload()
	changes++
	swap("6", "7", "8", "a", "b")
	stop.Store(true)
	clients.Wait()
	suite.Count(t, "swap-seconds", time.Since(began).Seconds(), "seconds")
	if asked.Load() < 500 {
		t.Errorf("only %d requests were made", asked.Load())
	}
	t.Logf("%d requests over %d changes of generation", asked.Load(), changes)
	suite.Count(t, "swaps", float64(changes), "changes")
	suite.Count(t, "swap-requests", float64(asked.Load()), "requests")
	if n := s.OpenGenerations(); n > 6 {
		t.Errorf("%d generations are held open", n)
	}
	// Once it is no longer kept it is gone, open or not.
	s.variant(t, edition.Public, "9", 1)
	wantProblem(t, "a generation that is no longer kept", s.get(t, pinned), http.StatusGone, "generation_gone")
	s.Reload()
	if strings.Contains(s.log.String(), `"level":"ERROR"`) {
		t.Errorf("the log holds errors: %.1000s", s.log.String()[strings.Index(s.log.String(), `"level":"ERROR"`):])
	}
}

// load asks once and checks the answer.
func (s *service) load(t *testing.T, address, pinned string, want reply) {
	res, err := s.Get("http://gengtu.test" + address)
	if err != nil {
		t.Errorf("%s: %v", address, err)
		return
	}
	body, err := io.ReadAll(res.Body)
	if cerr := res.Body.Close(); err != nil || cerr != nil || res.StatusCode != http.StatusOK {
		t.Errorf("%s: %d %v %.300s", address, res.StatusCode, err, body)
	}
	if address == pinned && (!bytes.Equal(body, want.body) || res.Header.Get("Gengtu-Generation") != want.Header.Get("Gengtu-Generation")) {
		t.Errorf("what is pinned has changed")
	}
	// A catalogue names the generation that its header does.
	if strings.Contains(address, "/catalog") && !bytes.Contains(body, []byte(`"generation":"`+res.Header.Get("Gengtu-Generation"))) {
		t.Errorf("%s mixes generations", address)
	}
}

// A tick of the clock or a wake is enough; the watcher needs no other call.
func TestServeNoticesGenerations(t *testing.T) {
	s := serve(t, nil, edition.Public)
	next := s.variant(t, edition.Public, "next", 2)
	s.wake <- struct{}{}
	for end := time.Now().Add(10 * time.Second); ; {
		if s.get(t, "/public/catalog").Header.Get("Gengtu-Generation") == next {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the new generation does not come into force")
		}
	}
}

// A new generation that is damaged, cut short, without its files or of another
// tier is not taken; the one before goes on, the log says so once, and when it
// is mended it is taken.
func TestDamagedGeneration(t *testing.T) {
	s := serve(t, nil, edition.Public)
	dir, old := s.dirs[edition.Public], s.generations[edition.Public]
	serves := func(at, want string) {
		t.Helper()
		s.Reload()
		s.Reload()
		if r := s.get(t, "/public/tiles/all/w/"+tileAt(tile.W, 12)+".mvt"); r.StatusCode != http.StatusOK || r.Header.Get("Gengtu-Generation") != want {
			t.Errorf("%s: %d, generation %s, want %s", at, r.StatusCode, r.Header.Get("Gengtu-Generation"), want)
		}
	}
	next := s.variant(t, edition.Public, "next", 3)
	for _, name := range []string{edition.FeaturesFile, edition.TilesFile, edition.ManifestFile} {
		path := filepath.Join(edition.Path(dir, next), name)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		flipped := bytes.Clone(whole)
		flipped[len(flipped)/2] ^= 0x10
		// A manifest that is cut is told as one that is empty: what differs comes between.
		for _, c := range []struct {
			what    string
			content []byte
		}{{"cut", whole[:len(whole)/2]}, {"flipped", flipped}, {"empty", nil}} {
			what, content := c.what, c.content
			if name == edition.ManifestFile && what == "flipped" {
				content = bytes.Replace(whole, []byte(`"public"`), []byte(`"secure"`), 1)
			}
			s.log.reset()
			writeFile(t, path, content)
			serves(name+" "+what, old)
			if n := strings.Count(s.log.String(), "new generation not taken"); n != 1 {
				t.Errorf("%s %s is logged %d times", name, what, n)
			}
			if what != "cut" {
				continue
			}
			// Pinned, it is no more an answer than in force.
			if r := s.get(t, "/public/catalog?generation="+next); r.StatusCode == http.StatusOK {
				t.Errorf("%s %s is served when it is pinned", name, what)
			}
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		serves(name+" missing", old)
		writeFile(t, path, whole)
	}
	serves("mended", next)
	writeFile(t, filepath.Join(dir, "CURRENT"), []byte("nonsense\n"))
	serves("CURRENT broken", next)
}

func (l *logBuffer) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Reset()
}

// A directory that held another tier before does not give it away to those who
// pin it.
func TestPinnedGenerationOfAnotherTier(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "edition")
	newFarm(edition.Public).commit(t, dir, 2)
	other, secret := newEdition(t, edition.Secure)
	if err := os.Rename(edition.Path(other, secret), edition.Path(dir, secret)); err != nil {
		t.Fatal(err)
	}
	s := serve(t, func(c *tileserver.Config) { c.Editions = []string{dir} })
	r := s.get(t, "/public/catalog?generation="+secret)
	if r.StatusCode != http.StatusInternalServerError || bytes.Contains(r.body, []byte("dltb")) || bytes.Contains(r.body, []byte(dir)) {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
}

func TestNewRefuses(t *testing.T) {
	public, _ := newEdition(t, edition.Public)
	other, _ := newEdition(t, edition.Public)
	damaged, generation := newEdition(t, edition.Secure)
	writeFile(t, filepath.Join(edition.Path(damaged, generation), edition.TilesFile), []byte("x"))
	for want, dirs := range map[string][]string{"TIER_TWICE": {public, other}, "EDITION_MISSING": {t.TempDir()}, "CHECKSUM": {public, damaged}} {
		if _, err := tileserver.New(tileserver.Config{Editions: dirs}); codeOf(err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// Requests that run when the server stops are finished; no new ones are taken.
func TestGracefulStop(t *testing.T) {
	s := serve(t, nil, edition.Public)
	entered, leave := make(chan struct{}), make(chan struct{})
	s.AddRoute("/{tier}/slow", func() error {
		close(entered)
		<-leave
		return nil
	})
	got := make(chan int, 1)
	go func() {
		res, err := s.Get("http://gengtu.test/public/slow")
		if err != nil {
			t.Error(err)
			got <- 0
			return
		}
		_ = res.Body.Close()
		got <- res.StatusCode
	}()
	<-entered
	stopped := make(chan struct{})
	go func() { s.stop(); close(stopped) }()
	select {
	case <-stopped:
		t.Error("the server did not wait for a request that runs")
	case <-time.After(300 * time.Millisecond):
	}
	close(leave)
	if status := <-got; status != 200 {
		t.Errorf("the request that ran got %d", status)
	}
	<-stopped
}

// Connections that clients opened ahead of need, and have asked nothing on, must
// not hold up a stop.
func TestStopWithUnusedConnections(t *testing.T) {
	dir, _ := newEdition(t, edition.Public)
	s, err := tileserver.New(tileserver.Config{Editions: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, ln, nil) }()
	for range 5 {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
	}
	res, err := http.Get("http://" + ln.Addr().String() + "/health")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	start := time.Now()
	cancel()
	if err := errors.Join(<-done, s.Close()); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("the stop took %v", took)
	}
}

// A server that is stopped before it has begun stops.
func TestStopAtOnce(t *testing.T) {
	dir, _ := newEdition(t, edition.Public)
	for range 20 {
		s, err := tileserver.New(tileserver.Config{Editions: []string{dir}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		done := make(chan error, 1)
		go func() { done <- s.Serve(ctx, fasthttputil.NewInmemoryListener(), nil) }()
		select {
		case err := <-done:
			if err := errors.Join(err, s.Close()); err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("it does not stop")
		}
	}
}

// Tokens that are added, revoked or expired while the server runs count at once
// after the file is read again; a broken file leaves those before in force.
func TestTokensAtRunTime(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	status := func(token string) int {
		return s.get(t, "/secure/catalog", "Authorization", "Bearer "+token).StatusCode
	}
	added, err := access.Add(s.accessFile, access.Token{Name: "second", Tier: "secure"})
	if err != nil {
		t.Fatal(err)
	}
	if got := status(added); got != 401 {
		t.Errorf("before the file is read: %d", got)
	}
	s.Reload()
	if a, b := status(added), status(s.tokens[edition.Secure]); a != 200 || b != 200 {
		t.Errorf("after: %d and %d", a, b)
	}
	if err := access.Revoke(s.accessFile, "second", time.Now()); err != nil {
		t.Fatal(err)
	}
	s.Reload()
	if a, b := status(added), status(s.tokens[edition.Secure]); a != 401 || b != 200 {
		t.Errorf("revoked: %d and %d", a, b)
	}
	writeFile(t, s.accessFile, []byte("{"))
	s.Reload()
	s.Reload()
	if got := status(s.tokens[edition.Secure]); got != 200 || strings.Count(s.log.String(), "access file not taken") != 1 {
		t.Errorf("with a broken file: %d, logged %s", got, s.log)
	}
}

// A panic in a handler is a fault of ours: 500 with the title and nothing else,
// the rest in the log under the request's id.
func TestFaultsOfOurs(t *testing.T) {
	s := serve(t, nil, edition.Public)
	s.AddRoute("/{tier}/panic", func() error { panic("a secret place") })
	s.AddRoute("/{tier}/fault", func() error { return fmt.Errorf("a secret place: %w", io.ErrUnexpectedEOF) })
	for _, address := range []string{"/public/panic", "/public/fault"} {
		for range 3 {
			r := s.get(t, address)
			wantProblem(t, address, r, http.StatusInternalServerError, "server_fault")
			if bytes.Contains(r.body, []byte("secret")) || bytes.Contains(r.body, []byte("detail")) {
				t.Errorf("%s shows %s", address, r.body)
			}
			if id := r.Header.Get("X-Request-Id"); !strings.Contains(s.log.String(), id) || !strings.Contains(s.log.String(), "a secret place") {
				t.Errorf("%s is not in the log", address)
			}
		}
	}
	if r := s.get(t, "/public/catalog"); r.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %d", r.StatusCode)
	}
}

// Metrics have the product's prefix and speak of routes, never of paths, tokens
// or places; logs mask tokens.
func TestMetricsAndLogs(t *testing.T) {
	s := serve(t, nil, edition.Secure, edition.Public)
	token := s.tokens[edition.Secure]
	s.get(t, "/secure/overlay?place=610402001&tk="+token)
	s.get(t, "/secure/overlay?place=610402001&TK="+token)
	s.get(t, "/public/tiles/cropland/w/5/0/0.mvt")
	s.get(t, "/public/nothing/at/all?tk="+token)
	s.get(t, "/secure/catalog", s.bearer(edition.Secure)...)
	text := string(s.get(t, "/metrics").body)
	for line := range strings.Lines(text) {
		name := strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE ")
		if !strings.HasPrefix(name, "gengtu_") {
			t.Errorf("a metric of another name: %s", line)
		}
	}
	for _, word := range []string{token, "610402001", "nothing", "/public", "cropland"} {
		if strings.Contains(text, word) {
			t.Errorf("the metrics hold %q", word)
		}
	}
	for _, want := range []string{`gengtu_requests_total{route="overlay",status="200",tier="secure"} 1`, `gengtu_requests_total{route="mvt",status="204",tier="public"} 1`, `gengtu_requests_total{route="none",status="404",tier="public"} 1`, "gengtu_go_goroutines", "gengtu_request_seconds_bucket"} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	log := s.log.String()
	if strings.Contains(log, token) || !strings.Contains(log, `/secure/overlay?place=610402001&tk=***`) || !strings.Contains(log, `"token":"secure"`) {
		t.Errorf("the log is %s", log)
	}
}

// Connections that go away in the middle of everything leave nothing held.
func TestClientsThatGoAway(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, nil, edition.Public)
	s.stop()
	s2, err := tileserver.New(tileserver.Config{Editions: []string{s.dirs[edition.Public]}})
	if err != nil {
		t.Fatal(err)
	}
	s.Server = s2
	s.listen(t, ln)
	for i := range 40 {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		request := "GET /public/tiles/all/w/" + tileAt(tile.W, 13) + ".png HTTP/1.1\r\nHost: x\r\n\r\n"
		if _, err := io.WriteString(c, request[:len(request)-i]); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if r := s.get(t, "/public/catalog"); r.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %d", r.StatusCode)
	}
}
