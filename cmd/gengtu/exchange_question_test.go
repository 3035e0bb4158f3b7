package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/edition"
)

// subscriber is a server that fails in a way, and keeps what it was given.
type subscriber struct {
	*httptest.Server
	way       string
	bodies    map[string][]byte // by Idempotency-Key
	asked     []string          // the keys, in the order in which they came
	lured     int               // how often he whom a redirect leads to was asked
	elsewhere *httptest.Server
}

func newSubscriber(t *testing.T) *subscriber {
	s := &subscriber{bodies: map[string][]byte{}}
	s.elsewhere = httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { s.lured++ }))
	t.Cleanup(s.elsewhere.Close)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("Idempotency-Key")
		s.asked = append(s.asked, id)
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if was := s.bodies[id]; was != nil && !bytes.Equal(was, body) {
			t.Errorf("%s came twice as two", id)
		}
		switch s.way {
		case "500":
			w.WriteHeader(http.StatusInternalServerError)
		case "409":
			w.WriteHeader(http.StatusConflict)
		case "redirect":
			http.Redirect(w, r, s.elsewhere.URL, http.StatusFound) // which a client follows by GET
		case "lost": // he has it, and the answer never comes back
			s.bodies[id] = body
			c, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			c.Close()
		default:
			s.bodies[id] = body
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// Ensure: whoever subscribes to a question is posted the answer that the overlay command
// gives, signed, and after a change the answers before and after it; failures of any kind
// leave it in the queue, a redirect is not followed, what came twice is one, and a new
// program goes on where the one before was stopped.
func TestQuestionPushed(t *testing.T) {
	c := smallCountry(t, 200)
	dir := t.TempDir()
	secure, low, file, k := filepath.Join(dir, "e"), filepath.Join(dir, "low"), filepath.Join(dir, "s.yaml"), key(t, "std")
	c.ingest(t, secure)
	publish := func() { must(t, "publish", "--from", secure, "--tier", "government", "--out", low) }
	publish()
	place := fmt.Sprint(c.layers["region"][0].Properties["XZQDM"])
	s := newSubscriber(t)
	text := fmt.Sprintf("subscriptions:\n  - {name: sums, question: [cropland, pbf], place: %q, begin: whole, to: %q}\n", place, s.URL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	answer := func() any {
		t.Helper()
		var out map[string]any
		if err := json.Unmarshal([]byte(must(t, "overlay", "--edition", low, "--layers", "cropland,pbf", "--place", place)), &out); err != nil {
			t.Fatal(err)
		}
		return out["layers"]
	}
	state := filepath.Join(low, edition.ExchangeDir, "push.json")
	after := regexp.MustCompile(`"after": "20[^"]*"`)
	run := func(way string) (queued int) {
		t.Helper()
		// As if the wait since the last failure were over.
		if data, err := os.ReadFile(state); err == nil {
			if err := os.WriteFile(state, after.ReplaceAll(data, []byte(`"after": "2020-01-01T00:00:00Z"`)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s.way = way
		_, errs, code := gengtu(t, "exchange", "--edition", low, "--subscriptions", file, "--key", k)
		left, err := filepath.Glob(filepath.Join(low, edition.ExchangeDir, "queue", "sums", "*.gtc"))
		if err != nil {
			t.Fatal(err)
		}
		if want := len(left) > 0; (code == 1) != want || want && !strings.Contains(errs, "[PUSH_WAITS]") {
			t.Errorf("%s: %d %s", way, code, errs)
		}
		return len(left)
	}
	for _, way := range []string{"500", "409", "redirect", "lost"} {
		if n := run(way); n != 1 {
			t.Errorf("%s: %d wait", way, n)
		}
	}
	if n := run("well"); n != 0 || len(s.bodies) != 1 || len(s.asked) != 5 || s.lured != 0 {
		t.Errorf("%d wait, %d messages, %d posts, %d led elsewhere", n, len(s.bodies), len(s.asked), s.lured)
	}
	first := answer()
	// Nothing changed: nothing is posted.
	if run("well"); len(s.asked) != 5 {
		t.Errorf("%d posts", len(s.asked))
	}
	for round := 0; len(s.bodies) < 2 && round < 5; round++ {
		must(t, c.random(t, rand.New(rand.NewPCG(uint64(round), 3)), 60).args(t, secure)...)
		publish()
		run("well")
	}
	var last struct{ Before, After map[string]any }
	path := filepath.Join(dir, "m.gtc")
	if err := os.WriteFile(path, s.bodies[s.asked[len(s.asked)-1]], 0o600); err != nil {
		t.Fatal(err)
	}
	if out := must(t, "exchange", "read", "--trust", k+".pub", path); !strings.Contains(out, "number 2") {
		t.Error(out)
	}
	lines := bytes.Split(bytes.TrimSpace(s.bodies[s.asked[len(s.asked)-1]]), []byte("\n"))
	if err := json.Unmarshal(lines[2], &last); err != nil || len(lines) != 3 {
		t.Fatal(err, len(lines))
	}
	if diff := cmp.Diff(first, last.Before["layers"]); diff != "" {
		t.Error("before:", diff)
	}
	if diff := cmp.Diff(answer(), last.After["layers"]); diff != "" {
		t.Error("after:", diff)
	}
	if cmp.Equal(last.Before["layers"], last.After["layers"]) {
		t.Error("nothing changed")
	}
}
