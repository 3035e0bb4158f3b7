package tileserver_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"testing"

	"gengtu/index/edition"
	"gengtu/tileserver"
	"gengtu/tileserver/load"
	"gengtu/tileserver/tile"
)

// burst asks n times for an address and returns how many were answered.
func (s *service) burst(t *testing.T, n int, address string, headers ...string) (answered int) {
	t.Helper()
	for range n {
		r := s.get(t, address, headers...)
		switch r.StatusCode {
		case http.StatusOK, http.StatusNoContent:
			answered++
		case http.StatusTooManyRequests:
			wantProblem(t, address, r, http.StatusTooManyRequests, "too_many")
			if v, err := strconv.Atoi(r.Header.Get("Retry-After")); err != nil || v < 1 {
				t.Errorf("%s: Retry-After is %q", address, r.Header.Get("Retry-After"))
			}
		default:
			t.Fatalf("%s: %d %s", address, r.StatusCode, r.body)
		}
	}
	return answered
}

// An address gets what its rate lets through and another one its own; costly questions
// count for ten; what tells whether the server lives is not counted. Whom a proxy that is
// not trusted names counts for nothing.
func TestAddressRate(t *testing.T) {
	pixel := "/public/tiles/all/w/" + tileAt(tile.W, 13) + ".mvt"
	cfg := tileserver.Config{}
	// So slow that nothing is gained while the test runs.
	cfg.Limits.AddressRate = load.Rate{PerSecond: 0.0001, Burst: 30}
	plain, _ := serveTCPWith(t, cfg)
	answered := 0
	for i := range 40 {
		answered += plain.burst(t, 1, pixel, "X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i))
	}
	if answered != 30 {
		t.Errorf("%d answered of an address that names others, want 30", answered)
	}
	cfg.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	s, _ := serveTCPWith(t, cfg)
	for i, c := range []struct {
		address string
		want    int
	}{{pixel, 30}, {"/public/overlay?place=610402001", 3}, {"/public/summary", 3}, {"/public/nothing", -1}} {
		from := fmt.Sprintf("198.51.100.%d", i)
		if c.want < 0 {
			for range 40 {
				s.get(t, c.address, "X-Forwarded-For", from)
			}
			c.address, c.want = pixel, 0 // what is not there counts as well
		}
		if got := s.burst(t, 40, c.address, "X-Forwarded-For", from); got != c.want {
			t.Errorf("%s: %d answered, want %d", c.address, got, c.want)
		}
	}
	for i := range 40 {
		if r := s.get(t, pixel, "X-Forwarded-For", fmt.Sprintf("2001:db8:0:1::%x", i)); r.StatusCode == http.StatusTooManyRequests != (i >= 30) {
			t.Errorf("address %d of one network: %d", i, r.StatusCode)
		}
	}
	for range 40 {
		for _, open := range []string{"/health", "/ready", "/metrics"} {
			if r := s.get(t, open, "X-Forwarded-For", "198.51.100.0"); r.StatusCode != http.StatusOK {
				t.Fatalf("%s: %d", open, r.StatusCode)
			}
		}
	}
}

// A viewport of many tiles at once is nothing that the default limits.
func TestNoRateByDefault(t *testing.T) {
	s := serve(t, nil, edition.Public)
	if got := s.burst(t, 500, "/public/tiles/all/w/"+tileAt(tile.W, 13)+".mvt"); got != 500 {
		t.Errorf("%d of 500 answered", got)
	}
}

// The rate for tokens is of each token, whatever address it comes from, and not of one
// that has its own.
func TestRateOfAnyToken(t *testing.T) {
	s := serve(t, func(c *tileserver.Config) {
		c.Limits.TokenRate = load.Rate{PerSecond: 0.0001, Burst: 20}
	}, edition.Secure, edition.Government)
	for _, tier := range []edition.Tier{edition.Secure, edition.Government} {
		if got := s.burst(t, 40, "/"+string(tier)+"/catalog", s.bearer(tier)...); got != 20 {
			t.Errorf("%s: %d answered, want 20", tier, got)
		}
	}
}

// Work counts the same by whatever address it is asked for: a picture of any extent by WMS,
// features by a filter.
func TestRateOfOtherAddresses(t *testing.T) {
	cfg := tileserver.Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	cfg.Limits.AddressRate = load.Rate{PerSecond: 0.0001, Burst: 30}
	s, _ := serveTCPWith(t, cfg)
	for i, address := range []string{"map.png?bbox=108.7,34.3,108.8,34.4", getMap(nil), "ogc/collections/cropland/items?area_m2=1"} {
		answered := 0
		for range 10 {
			if r := s.get(t, "/public/"+address, "X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i)); r.StatusCode == http.StatusOK {
				answered++
			}
		}
		if answered != 3 {
			t.Errorf("%s: %d answered, want 3", address, answered)
		}
	}
}
