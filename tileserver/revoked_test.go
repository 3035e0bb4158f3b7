package tileserver_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"gengtu/index/edition"
	"gengtu/tileserver/access"
)

// until asks, over one connection that is kept, until an answer has the status, and
// returns how long that took.
func (s *service) until(t *testing.T, status int, path, token string) time.Duration {
	t.Helper()
	start := time.Now()
	for {
		r := s.get(t, path, "Authorization", "Bearer "+token)
		if r.StatusCode == status {
			return time.Since(start)
		}
		if r.StatusCode >= 500 || time.Since(start) > 10*time.Second {
			t.Fatalf("%s: %d after %s, want %d", path, r.StatusCode, time.Since(start), status)
		}
	}
}

// A token ends within the second over a connection that stays open, also where the
// edition of its scope has been made and stays; and it ends by its time.
func TestTokensEndDuringAConnection(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	for name, scope := range map[string]*access.Scope{"all": nil, "scoped": {Places: []string{village}}, "layers": {Layers: []string{"pbf"}}} {
		token := s.token(t, access.Token{Name: name, Scope: scope})
		s.until(t, http.StatusOK, "/secure/catalog", token)
		made := s.made()
		if err := access.Revoke(s.accessFile, name, time.Now()); err != nil {
			t.Fatal(err)
		}
		took := s.until(t, http.StatusUnauthorized, "/secure/catalog", token)
		t.Logf("%s: revoked after %s", name, took)
		if took > time.Second || s.made() != made {
			t.Errorf("%s: revoked after %s, %d editions made meanwhile", name, took, s.made()-made)
		}
		for range 3 { // and stays so
			if r := s.get(t, "/secure/catalog", "Authorization", "Bearer "+token); r.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s: %d", name, r.StatusCode)
			}
		}
	}
	end := time.Now().Add(2 * time.Second) // the server has taken it in long before
	brief := s.token(t, access.Token{Name: "brief", Created: time.Now().Add(-time.Hour), Expires: end})
	s.until(t, http.StatusOK, "/secure/catalog", brief)
	s.until(t, http.StatusUnauthorized, "/secure/catalog", brief)
	if late := time.Since(end); late > 500*time.Millisecond {
		t.Errorf("expired %s late", late)
	}
}

// An answer that is on its way ends, and says why, when its token is revoked.
func TestStreamsEndWithTheirToken(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	token := s.token(t, access.Token{Name: "long"})
	const count = 8_000
	one := `{"type":"Feature","properties":{},"geometry":` + lotPolygon(0, 0, 6, 6) + `}`
	body := `{"geometry":{"type":"FeatureCollection","features":[` + strings.Repeat(one+",", count-1) + one + `]},"layers":["cropland","pbf","hsf"]}`
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://gengtu.test/secure/overlay?f=ndjson", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := s.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }() // only read
	if res.StatusCode != http.StatusOK {
		t.Fatal(res.Status)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	n, last := 0, ""
	for lines.Scan() {
		n, last = n+1, lines.Text()
		if n != 1 {
			continue
		}
		if err := access.Revoke(s.accessFile, "long", time.Now()); err != nil {
			t.Fatal(err)
		}
		s.Reload()
		<-time.After(300 * time.Millisecond) // as often as a running answer looks
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if n >= count || !strings.Contains(last, "aborted") || !strings.Contains(strings.ToLower(last), "token_ended") {
		t.Errorf("%d of %d lines, the last: %.300s", n, count, last)
	}
	t.Logf("%d of %d lines", n, count)
}
