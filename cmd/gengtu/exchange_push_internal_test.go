package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gengtu/ingest/exchange"
)

// A message is posted as it is, with its ID and the token; what is no 2xx is a failure,
// whoever answers with another address is not followed, and a wait that is asked for is
// told.
func TestPost(t *testing.T) {
	dir := t.TempDir()
	message, token := filepath.Join(dir, "m"), filepath.Join(dir, "token")
	for path, text := range map[string]string{message: "a\nb\n", token: "secret\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	status, asked := http.StatusOK, 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != "a\nb\n" || r.Method != http.MethodPost || r.ContentLength != 4 {
			t.Errorf("%s %q %d %v", r.Method, body, r.ContentLength, err)
		}
		if r.Header.Get("Idempotency-Key") != "gtc-1" || r.Header.Get("Authorization") != "Bearer secret" {
			t.Errorf("%v", r.Header)
		}
		switch status {
		case http.StatusFound, http.StatusTemporaryRedirect:
			w.Header().Set("Location", "/elsewhere")
		case http.StatusTooManyRequests:
			w.Header().Set("Retry-After", "90")
		}
		w.WriteHeader(status)
	}))
	defer s.Close()
	sub := &exchange.Subscription{Name: "a", To: s.URL, TokenFile: token}
	for _, c := range []struct {
		status int
		good   bool
		wait   time.Duration
	}{
		{200, true, 0}, {201, true, 0}, {204, true, 0}, {302, false, 0}, {307, false, 0}, {400, false, 0}, {401, false, 0}, {429, false, 90 * time.Second}, {500, false, 0},
	} {
		status, asked = c.status, 0
		err := post(t.Context(), sub, "gtc-1", message)
		var later *exchange.LaterError
		errors.As(err, &later)
		if (err == nil) != c.good || asked != 1 || (later != nil) != (c.wait > 0) || later != nil && later.Wait != c.wait {
			t.Errorf("%d: %v, asked %d times", c.status, err, asked)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := post(ctx, sub, "gtc-1", message); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	sub.TokenFile = message + "none"
	if err := post(t.Context(), sub, "gtc-1", message); err == nil {
		t.Error("posted without its token")
	}
	s.Close()
	sub.TokenFile = token
	if err := post(t.Context(), sub, "gtc-1", message); err == nil {
		t.Error("nobody was there")
	}
}
