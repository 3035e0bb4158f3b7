package tileserver

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"gengtu/tileserver/access"
)

// Each route of a tier says what a token must reach for it.
func TestRoutesNameTheirOperation(t *testing.T) {
	for _, r := range new(Server).routeTable() {
		if r.open != !strings.HasPrefix(r.pattern, "/{tier}/") {
			t.Errorf("%s: open is %t", r.pattern, r.open)
		}
		if !r.open && r.op != looking && !slices.Contains(access.Operations, r.op) {
			t.Errorf("%s names the operation %q", r.pattern, r.op)
		}
	}
	// One that says nothing is closed to tokens that are bound.
	bound := request{scope: &access.Scope{Operations: []access.Operation{access.Tiles}}}
	if bound.allows("") || !bound.allows(looking) || !bound.allows(access.Tiles) || bound.allows(access.Features) {
		t.Error("a bound token reaches what it should not, or does not reach what it should")
	}
}

// X-Forwarded-For is believed of trusted proxies, as far as they wrote it.
func TestCaller(t *testing.T) {
	s := &Server{cfg: Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("::1/128")}}}
	for _, c := range []struct {
		peer      string
		forwarded []string
		want      string
	}{
		{"192.0.2.1:5", nil, "192.0.2.1"},
		{"192.0.2.1:5", []string{"203.0.113.9"}, "192.0.2.1"}, // says it of itself
		{"10.0.0.1:5", []string{"203.0.113.9"}, "203.0.113.9"},
		{"10.0.0.1:5", []string{"10.0.0.77, 203.0.113.9"}, "203.0.113.9"}, // what the caller sent comes first
		{"10.0.0.1:5", []string{"203.0.113.9, 10.0.0.2"}, "203.0.113.9"},
		{"10.0.0.1:5", []string{"1.1.1.1", "203.0.113.9"}, "203.0.113.9"},
		{"10.0.0.1:5", []string{"203.0.113.9:4711"}, "203.0.113.9"},
		{"10.0.0.1:5", []string{"[2001:db8::1]:4711"}, "2001:db8::1"},
		{"10.0.0.1:5", []string{"2001:db8::1"}, "2001:db8::1"},
		{"10.0.0.1:5", []string{"203.0.113.9, unknown"}, ""},
		{"10.0.0.1:5", nil, ""},
		{"10.0.0.1:5", []string{""}, ""},
		{"[::1]:5", []string{"203.0.113.9"}, "203.0.113.9"},
		{"[::ffff:10.0.0.1]:5", []string{"203.0.113.9"}, "203.0.113.9"},
	} {
		peer, err := net.ResolveTCPAddr("tcp", c.peer)
		if err != nil {
			t.Fatal(err)
		}
		var req fasthttp.Request
		for _, f := range c.forwarded {
			req.Header.Add("X-Forwarded-For", f)
		}
		var ctx fasthttp.RequestCtx
		ctx.Init(&req, peer, nil)
		got := s.caller(&request{ctx: &ctx, server: s})
		if c.want == "" && got.IsValid() || c.want != "" && got.String() != c.want {
			t.Errorf("%s forwarded %q: %s, want %q", c.peer, c.forwarded, got, c.want)
		}
	}
}

// A token that is revoked does not wait for a generation that is being checked.
func TestRevokedWhileReloading(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.json")
	token, err := access.Add(path, access.Token{Name: "a", Tier: "secure"})
	if err != nil {
		t.Fatal(err)
	}
	store, err := access.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{cfg: Config{Access: store, Log: slog.New(slog.DiscardHandler)}}
	s.reloading.Lock() // as while a generation is checked
	defer s.reloading.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { s.watchAccess(ctx) })
	defer watching.Wait()
	defer cancel()
	ask := func() access.Outcome { return store.Check(access.Request{Token: token, Tier: "secure"}).Outcome }
	if got := ask(); got != access.Allowed {
		t.Fatal(got)
	}
	if err := access.Revoke(path, "a", time.Now()); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for ask() != access.Revoked {
		if time.Now().After(deadline) {
			t.Fatal("the revoked token still opens the tier")
		}
		<-time.After(time.Millisecond)
	}
}
