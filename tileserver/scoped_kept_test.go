package tileserver_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gengtu/index/edition"
	"gengtu/tileserver"
	"gengtu/tileserver/access"
)

// While an edition is made that takes longer than a request waits, the answer says when
// to come again.
func TestScopedWait(t *testing.T) {
	s := serve(t, func(c *tileserver.Config) { c.Limits.ScopedWait = time.Nanosecond }, edition.Secure)
	var token string
	var r reply
	// It is begun when the token is added, and may be made before the first request comes.
	for _, code := range []string{village, "610402001201", "610402002200", "610402002201", "610402001", "610402002"} {
		token = s.issue(t, code, access.Scope{Places: []string{code}})
		if r = s.with(t, "catalog", "", token); r.StatusCode != http.StatusOK {
			break
		}
	}
	wantProblem(t, "catalog", r, http.StatusServiceUnavailable, "scope_making")
	told := 0
	for line := range strings.Lines(s.log.String()) {
		if strings.Contains(line, "request failed") || strings.Contains(line, "is being prepared") && !strings.Contains(line, `"level":"INFO"`) {
			t.Errorf("a wait that is no fault is logged as %s", line)
		}
		told += strings.Count(line, "is being prepared")
	}
	if told == 0 {
		t.Error("the log does not tell of the wait")
	}
	if r.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	for end := time.Now().Add(20 * time.Second); r.StatusCode != http.StatusOK; r = s.with(t, "catalog", "", token) {
		if time.Now().After(end) {
			t.Fatalf("still %d", r.StatusCode)
		}
	}
}

// What the scopes of tokens hold is made before anybody asks: at the start, when a token is
// added, when a generation comes into force, and not where as many editions are kept as may be.
func TestScopedPrepared(t *testing.T) {
	s := serve(t, func(c *tileserver.Config) { c.Limits.ScopedEditions = 2 }, edition.Secure)
	s.issue(t, "village", access.Scope{Places: []string{village}})
	s.waitMade(t, 1)
	s.stop()
	store, err := access.Open(s.accessFile)
	if err != nil {
		t.Fatal(err)
	}
	next := serve(t, func(c *tileserver.Config) {
		c.Editions, c.Access, c.Limits.ScopedEditions = []string{s.dirs[edition.Secure]}, store, 2
	})
	next.waitMade(t, 1)
	next.accessFile = s.accessFile
	next.issue(t, "other", access.Scope{Places: []string{"610402002200"}})
	next.waitMade(t, 2)
	next.issue(t, "third", access.Scope{Places: []string{"610402002201"}})
	<-time.After(500 * time.Millisecond) // it would have been begun
	if n := next.made(); n != 2 {
		t.Errorf("%d editions were made where two are kept: one took another's place", n)
	}
	next.dirs = s.dirs
	next.variant(t, edition.Secure, "1", 1)
	next.Reload()
	next.waitMade(t, 4)
}

// waitMade waits until n editions for scopes were made.
func (s *service) waitMade(t testing.TB, n int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); s.made() < n; <-time.After(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d editions were made without being asked for, want %d", s.made(), n)
		}
	}
}

// scopes lists the directories of scopes below that of the cache.
func scopes(t testing.TB, cache string) []string {
	t.Helper()
	out, err := filepath.Glob(filepath.Join(cache, "scoped", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// made counts the editions that the log says were made.
func (s *service) made() int { return strings.Count(s.log.String(), "edition made for a scope") }

// Scopes that bound alike share an edition; those used least recently go when there are
// too many.
func TestScopedKept(t *testing.T) {
	cache := t.TempDir()
	s := serve(t, func(c *tileserver.Config) { c.CacheDir, c.Limits.ScopedEditions = cache, 2 }, edition.Secure)
	ask := func(places ...string) {
		t.Helper()
		if r := s.with(t, "catalog", "", s.issue(t, strings.Join(places, "-")+fmt.Sprint(time.Now().UnixNano()), access.Scope{Places: places})); r.StatusCode != http.StatusOK {
			t.Fatalf("%v: %d %s", places, r.StatusCode, r.body)
		}
	}
	ask("610402001", "610402002200")
	ask("610402002200", "610402001", "610402001")
	if s.made() != 1 {
		t.Errorf("%d editions were made for one scope", s.made())
	}
	ask(village)
	ask("610402001", "610402002200")
	ask("610402002")
	if got := scopes(t, cache); len(got) != 2 || s.made() != 3 {
		t.Errorf("%d editions are kept of %d made: %v", len(got), s.made(), got)
	}
	ask(village)
	if s.made() != 4 {
		t.Errorf("%d were made: what was used last went", s.made())
	}
}

// A new generation comes into force while the scope is asked without an answer that
// fails, is that of the scope soon, and the old one's edition goes with it.
func TestScopedGenerations(t *testing.T) {
	cache := t.TempDir()
	s := serve(t, func(c *tileserver.Config) { c.CacheDir, c.Limits.ScopedWait = cache, 5*time.Second }, edition.Secure)
	token := s.issue(t, "village", access.Scope{Places: []string{village}})
	first := s.generations[edition.Secure]
	if r := s.with(t, "catalog", "", token); r.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	second := s.variant(t, edition.Secure, "1", 2)
	s.Reload()
	seen := map[string]bool{}
	for end := time.Now().Add(20 * time.Second); !seen[second]; {
		r := s.with(t, "catalog", "", token)
		if r.StatusCode != http.StatusOK || time.Now().After(end) {
			t.Fatalf("%d %s", r.StatusCode, r.body)
		}
		seen[r.Header.Get("Gengtu-Generation")] = true
	}
	if r := s.with(t, "catalog?generation="+first, "", token); r.StatusCode != http.StatusOK || r.Header.Get("Gengtu-Generation") != first {
		t.Errorf("the first generation: %d", r.StatusCode)
	}
	third := s.variant(t, edition.Secure, "2", 1)
	s.Reload()
	if got := slices.DeleteFunc(scopes(t, cache), func(dir string) bool { return strings.Contains(dir, third) }); len(got) != 0 {
		t.Errorf("of generations that are gone there are %v", got)
	}
	if r := s.with(t, "catalog?generation="+first, "", token); r.StatusCode != http.StatusGone {
		t.Errorf("the first generation: %d", r.StatusCode)
	}
}

// What lies in the cache from before is opened again, and made anew where it is damaged.
func TestScopedAgain(t *testing.T) {
	cache := t.TempDir()
	s := serve(t, func(c *tileserver.Config) { c.CacheDir = cache }, edition.Secure)
	token := s.issue(t, "village", access.Scope{Places: []string{village}})
	want := s.with(t, "overlay?place="+village, "", token)
	s.stop()
	store, err := access.Open(s.accessFile)
	if err != nil {
		t.Fatal(err)
	}
	for made, damage := range []func(){
		func() {},
		func() {
			files, err := filepath.Glob(filepath.Join(cache, "scoped", "*", "edition", "*", edition.FeaturesFile))
			if err != nil || len(files) != 1 {
				t.Fatal(files, err)
			}
			if err := os.Truncate(files[0], 4096); err != nil {
				t.Fatal(err)
			}
		},
	} {
		damage()
		next := serve(t, func(c *tileserver.Config) {
			c.Editions, c.CacheDir, c.Access = []string{s.dirs[edition.Secure]}, cache, store
		})
		if r := next.with(t, "overlay?place="+village, "", token); !bytes.Equal(r.body, want.body) {
			t.Errorf("%d %s, want %s", r.StatusCode, r.body, want.body)
		}
		next.stop()
		if n := next.made(); n != made {
			t.Errorf("%d editions were made, want %d", n, made)
		}
	}
}

// An edition that is larger than may be kept is refused, told of in the log, and leaves
// nothing behind; others are answered.
func TestScopedTooLarge(t *testing.T) {
	cache := t.TempDir()
	s := serve(t, func(c *tileserver.Config) { c.CacheDir, c.Limits.ScopedBytes = cache, 1000 }, edition.Secure)
	token := s.issue(t, "village", access.Scope{Places: []string{village}})
	wantProblem(t, "catalog", s.with(t, "catalog", "", token), http.StatusServiceUnavailable, "not_ready")
	if !strings.Contains(s.log.String(), "SCOPE_TOO_LARGE") {
		t.Error("the log does not say why")
	}
	if left := scopes(t, cache); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
	if r := s.with(t, "catalog", "", s.tokens[edition.Secure]); r.StatusCode != http.StatusOK {
		t.Errorf("the whole tier: %d", r.StatusCode)
	}
}

// Many who ask for several scopes at once, while generations come and go, get what is
// theirs; each edition is made once.
func TestScopedAtOnce(t *testing.T) {
	s := serve(t, func(c *tileserver.Config) { c.Limits.OverlayAtOnce = 64 }, edition.Secure)
	tokens := map[string]string{}
	for code := range map[string]bool{"610402001200": true, "610402001201": true, "610402002200": true, "610402002201": true} {
		tokens[code] = s.issue(t, code, access.Scope{Places: []string{code}})
	}
	var group sync.WaitGroup
	for range 4 {
		for code, token := range tokens {
			group.Go(func() {
				for range 10 {
					r := s.with(t, "places", "", token)
					if r.StatusCode != http.StatusOK || strings.Count(string(r.body), `"code"`) != 1 || !strings.Contains(string(r.body), code) {
						t.Errorf("%s: %d %s", code, r.StatusCode, r.body)
					}
				}
			})
		}
	}
	s.variant(t, edition.Secure, "1", 2)
	s.Reload()
	group.Wait()
	if n := s.made(); n < 4 || n > 8 {
		t.Errorf("%d editions were made for four scopes of two generations", n)
	}
}
