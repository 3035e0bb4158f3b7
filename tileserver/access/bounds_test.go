package access_test

import (
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"gengtu/tileserver/access"
)

// open returns a store with a clock that the test sets, and a token of it.
func open(t *testing.T, token access.Token) (*access.Store, string, *time.Time) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "access.json")
	plain := issue(t, path, token)
	now := day0
	s, err := access.OpenAt(path, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	return s, plain, &now
}

func prefixes(all ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range all {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// A token that is bound to networks opens nothing from elsewhere, and nothing when it
// is not known where a request comes from.
func TestAddresses(t *testing.T) {
	s, token, _ := open(t, access.Token{Name: "a", Tier: "secure", Bounds: access.Bounds{Addresses: prefixes("10.1.0.0/16", "192.0.2.7/32", "2001:db8::/32")}})
	for address, want := range map[string]access.Outcome{
		"10.1.255.255": access.Allowed, "192.0.2.7": access.Allowed, "2001:db8::1": access.Allowed, "::ffff:10.1.0.1": access.Allowed, "2001:db8::1%eth0": access.Allowed,
		"10.2.0.0": access.WrongAddress, "192.0.2.8": access.WrongAddress, "2001:db9::1": access.WrongAddress, "::ffff:10.2.0.1": access.WrongAddress, "127.0.0.1": access.WrongAddress,
	} {
		if got := s.Check(access.Request{Token: token, Tier: "secure", Address: netip.MustParseAddr(address)}); got.Outcome != want || got.Name != "a" {
			t.Errorf("from %s: %+v, want %s", address, got, want)
		}
	}
	if got := s.Check(access.Request{Token: token, Tier: "secure"}); got.Outcome != access.WrongAddress {
		t.Errorf("from nowhere: %+v", got)
	}
	if got := s.Check(access.Request{Token: token, Tier: "government", Address: netip.MustParseAddr("10.2.0.0")}); got.Outcome != access.WrongTier {
		t.Errorf("at another tier: %+v", got)
	}
}

// A token that is bound to pages is used from them alone: Origin says so, or Referer
// where there is no Origin.
func TestTokenOrigins(t *testing.T) {
	s, token, _ := open(t, access.Token{Name: "a", Tier: "secure", Bounds: access.Bounds{Origins: []string{"https://map.example.org", "http://127.0.0.1:8080"}}})
	for _, c := range []struct {
		origin, referer string
		want            access.Outcome
	}{
		{"https://map.example.org", "", access.Allowed},
		{"", "https://map.example.org/", access.Allowed},
		{"", "https://map.example.org/a/b?c=d", access.Allowed},
		{"", "http://127.0.0.1:8080/?tier=secure", access.Allowed},
		{"https://map.example.org", "https://evil.example/", access.Allowed}, // Origin cannot be left out or made by a page
		{"", "", access.WrongOrigin},
		{"null", "https://map.example.org/", access.WrongOrigin},
		{"https://evil.example", "https://map.example.org/", access.WrongOrigin},
		{"http://map.example.org", "", access.WrongOrigin},
		{"https://map.example.org.evil.example", "", access.WrongOrigin},
		{"", "https://map.example.org@evil.example/", access.WrongOrigin},
		{"", "https://map.example.org.evil.example/", access.WrongOrigin},
		{"", "https://evil.example/https://map.example.org/", access.WrongOrigin},
		{"", "https://map.example.org:444/", access.WrongOrigin},
		{"", "http://127.0.0.1/", access.WrongOrigin},
		{"", "//map.example.org/", access.WrongOrigin},
		{"", "map.example.org", access.WrongOrigin},
		{"", "%", access.WrongOrigin},
	} {
		if got := s.Check(access.Request{Token: token, Tier: "secure", Origin: c.origin, Referer: c.referer}); got.Outcome != c.want {
			t.Errorf("Origin %q, Referer %q: %s, want %s", c.origin, c.referer, got.Outcome, c.want)
		}
	}
	if !s.AllowsOrigin("https://map.example.org") || s.AllowsOrigin("https://evil.example") {
		t.Error("CORS is not as the token says")
	}
}

// A rate is kept to over any time, and goes on over a change of the file.
func TestRate(t *testing.T) {
	s, token, now := open(t, access.Token{Name: "a", Tier: "secure", Bounds: access.Bounds{Rate: 20, Burst: 5}})
	ask := func() access.Decision { return s.Check(access.Request{Token: token, Tier: "secure"}) }
	allowed := 0
	const tries = 10_000
	for range tries { // ten times the rate, for 50 s
		if ask().Outcome == access.Allowed {
			allowed++
		}
		*now = now.Add(5 * time.Millisecond)
	}
	if want := 20*50 + 5; allowed < want-1 || allowed > want+1 {
		t.Errorf("%d of %d requests in 50 s, want %d", allowed, tries, want)
	}
	*now = now.Add(time.Hour)
	for range 5 {
		if got := ask(); got.Outcome != access.Allowed {
			t.Fatalf("of the burst: %+v", got)
		}
	}
	got := ask()
	if got.Outcome != access.TooFast || got.Retry <= 0 || got.Retry > 50*time.Millisecond || got.Name != "a" {
		t.Fatalf("beyond the burst: %+v", got)
	}
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := ask(); got.Outcome != access.TooFast {
		t.Errorf("the file was read anew, and what was used up is forgotten: %+v", got)
	}
	*now = now.Add(got.Retry)
	if got := ask(); got.Outcome != access.Allowed {
		t.Errorf("after Retry: %+v", got)
	}
}

func TestBoundsRefused(t *testing.T) {
	for code, all := range map[string][]access.Token{
		"ACCESS_RATE": {
			{Bounds: access.Bounds{Rate: -1}}, {Bounds: access.Bounds{Rate: 2e6}}, {Bounds: access.Bounds{Burst: 5}}, {Bounds: access.Bounds{Rate: 1, Burst: -1}}, {Bounds: access.Bounds{Rate: 1, Burst: 2e6}},
		},
		"ACCESS_ADDRESS":   {{Bounds: access.Bounds{Addresses: prefixes("10.1.2.3/8")}}, {Bounds: access.Bounds{Addresses: []netip.Prefix{{}}}}, {Bounds: access.Bounds{Addresses: prefixes("::ffff:10.0.0.0/104")}}},
		"ACCESS_ORIGIN":    {{Bounds: access.Bounds{Origins: []string{"*"}}}, {Bounds: access.Bounds{Origins: []string{"https://map.example.org/"}}}},
		"ACCESS_TOO_LARGE": {{Bounds: access.Bounds{Addresses: make([]netip.Prefix, 101)}}, {Bounds: access.Bounds{Origins: make([]string, 101)}}},
		"ACCESS_SCOPE": {
			{Scope: &access.Scope{Layers: []string{"../x"}}}, {Scope: &access.Scope{Layers: make([]string, 101)}}, {Scope: &access.Scope{Operations: []access.Operation{"fly"}}},
			{Scope: &access.Scope{MinZoom: 5, MaxZoom: 4}}, {Scope: &access.Scope{MinZoom: -1}}, {Scope: &access.Scope{Places: []string{"61a"}}},
			{Scope: &access.Scope{Places: []string{"610402"}, Area: "{}"}},
		},
	} {
		for _, token := range all {
			token.Name, token.Tier = "a", "secure"
			path := filepath.Join(t.TempDir(), "access.json")
			_, err := access.Add(path, token)
			wantCode(t, err, code)
		}
	}
}
