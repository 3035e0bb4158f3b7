package access_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"

	"gengtu/tileserver/access"
	"gengtu/tileserver/access/oidc"
)

// idp is an issuer; its tokens have what claims says beside what every token has.
type idp struct {
	URL  string
	sign func(claims map[string]any) string
}

func newIDP(t *testing.T) idp {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "1"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The client of a test that has gone is told nothing.
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1", Use: "sig"}}})
	}))
	t.Cleanup(s.Close)
	return idp{s.URL, func(claims map[string]any) string {
		all := map[string]any{"iss": s.URL, "aud": "gengtu", "sub": "u1", "exp": day0.Add(time.Hour).Unix()}
		for k, v := range claims {
			all[k] = v
		}
		token, err := jwt.Signed(signer).Claims(all).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}}
}

// openFile returns a store of f, at day0.
func openFile(t *testing.T, f *access.File) *access.Store {
	t.Helper()
	data, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "access.json")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := access.OpenAt(path, func() time.Time { return day0 })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Users of an issuer get what the first grant of the tier asked for says.
func TestGrants(t *testing.T) {
	i := newIDP(t)
	tiles := &access.Scope{Layers: []string{"pbf"}, Operations: []access.Operation{access.Tiles}}
	s := openFile(t, &access.File{OIDC: []access.Issuer{{
		Config: oidc.Config{Issuer: i.URL, Audience: "gengtu", JWKSURL: i.URL}, NameClaim: "preferred_username",
		Grants: []access.Grant{
			{Claim: "/realm_access/roles", Value: "surveyor", Tier: "secure"},
			{Claim: "groups", Value: "readers", Tier: "secure", Scope: tiles, Bounds: access.Bounds{Rate: 1, Burst: 2}},
			{Claim: "groups", Value: "readers", Tier: "government", Bounds: access.Bounds{Addresses: prefixes("10.0.0.0/8"), Origins: []string{"https://map.example.org"}}},
		},
	}}})
	if !s.AllowsOrigin("https://map.example.org") {
		t.Error("pages of a grant may not read")
	}
	roles := func(names ...string) map[string]any {
		return map[string]any{"realm_access": map[string]any{"roles": names}}
	}
	inside := netip.MustParseAddr("10.1.1.1")
	for _, c := range []struct {
		name   string
		claims map[string]any
		q      access.Request
		want   access.Decision
	}{
		{"a surveyor", roles("x", "surveyor"), access.Request{Tier: "secure"}, access.Decision{Outcome: access.Allowed, Name: "oidc:u1"}},
		{"a surveyor at another tier", roles("surveyor"), access.Request{Tier: "government"}, access.Decision{Outcome: access.WrongTier, Name: "oidc:u1"}},
		{"a reader", map[string]any{"groups": "readers", "preferred_username": "li"}, access.Request{Tier: "secure"}, access.Decision{Outcome: access.Allowed, Name: "oidc:li", Scope: tiles, Rated: true}},
		{"a reader again", map[string]any{"groups": "readers"}, access.Request{Tier: "secure"}, access.Decision{Outcome: access.Allowed, Name: "oidc:u1", Scope: tiles, Rated: true}},
		{"a reader too often", map[string]any{"groups": "readers"}, access.Request{Tier: "secure"}, access.Decision{Outcome: access.TooFast, Name: "oidc:u1", Scope: tiles, Rated: true, Retry: time.Second}},
		{"another reader", map[string]any{"groups": "readers", "sub": "u2"}, access.Request{Tier: "secure"}, access.Decision{Outcome: access.Allowed, Name: "oidc:u2", Scope: tiles, Rated: true}},
		{"from outside", map[string]any{"groups": "readers"}, access.Request{Tier: "government", Origin: "https://map.example.org"}, access.Decision{Outcome: access.WrongAddress, Name: "oidc:u1"}},
		{"from another page", map[string]any{"groups": "readers"}, access.Request{Tier: "government", Address: inside}, access.Decision{Outcome: access.WrongOrigin, Name: "oidc:u1"}},
		{"as it should be", map[string]any{"groups": "readers"}, access.Request{Tier: "government", Address: inside, Origin: "https://map.example.org"}, access.Decision{Outcome: access.Allowed, Name: "oidc:u1"}},
		{"a user of nothing", nil, access.Request{Tier: "secure"}, access.Decision{Outcome: access.WrongTier, Name: "oidc:u1"}},
		{"a name that is none", map[string]any{"preferred_username": "a\nb"}, access.Request{Tier: "secure"}, access.Decision{Outcome: access.WrongTier, Name: "oidc:?"}},
		{"a part of a value", map[string]any{"groups": "readers2"}, access.Request{Tier: "secure"}, access.Decision{Outcome: access.WrongTier, Name: "oidc:u1"}},
		{"of another audience", map[string]any{"aud": "other", "groups": "readers"}, access.Request{Tier: "secure"}, access.Decision{Outcome: access.Unknown}},
		{"expired", map[string]any{"exp": day0.Add(-time.Hour).Unix()}, access.Request{Tier: "secure"}, access.Decision{Outcome: access.Expired}},
	} {
		c.q.Token = i.sign(c.claims)
		if d := cmp.Diff(c.want, s.Check(c.q)); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
	if got := s.Check(access.Request{Token: strings.Repeat("a.", 3), Tier: "secure"}); got.Outcome != access.Unknown {
		t.Errorf("what is no token: %+v", got)
	}
}

// Nothing is fetched when the file is read; an issuer that cannot be reached is said
// to be so, and hurts no token of the file.
func TestIssuerAway(t *testing.T) {
	i := newIDP(t)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	path := filepath.Join(t.TempDir(), "access.json")
	own := issue(t, path, access.Token{Name: "own", Tier: "secure"})
	f, err := access.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	f.OIDC = []access.Issuer{{Config: oidc.Config{Issuer: i.URL, Audience: "gengtu", JWKSURL: gone.URL + "/keys?secret=geheim"}, Grants: []access.Grant{{Claim: "sub", Value: "u1", Tier: "secure"}}}}
	s := openFile(t, f)
	got := s.Check(access.Request{Token: i.sign(nil), Tier: "secure"})
	if got.Outcome != access.NoKeys || got.Name != "" {
		t.Errorf("%+v", got)
	}
	// The cause says where and what, and nothing that is secret.
	if c := got.Cause; c == nil || !strings.Contains(c.Error(), gone.URL+"/keys: ") || !strings.Contains(c.Error(), "refused") || strings.Contains(c.Error(), "geheim") {
		t.Errorf("the cause is %v", c)
	}
	if got := s.Check(access.Request{Token: own, Tier: "secure"}); got.Outcome != access.Allowed {
		t.Errorf("a token of the file: %+v", got)
	}
}

func TestIssuersRefused(t *testing.T) {
	grant := `{"claim": "a", "value": "b", "tier": "secure"}`
	for name, c := range map[string]struct{ issuer, code string }{
		"no TLS":            {`{"issuer": "http://id.example.org", "audience": "a", "grants": [` + grant + `]}`, "ACCESS_OIDC"},
		"no audience":       {`{"issuer": "https://id.example.org", "grants": [` + grant + `]}`, "ACCESS_OIDC"},
		"no grants":         {`{"issuer": "https://id.example.org", "audience": "a"}`, "ACCESS_OIDC"},
		"too many grants":   {`{"issuer": "https://id.example.org", "audience": "a", "grants": [` + strings.Repeat(grant+",", 200) + grant + `]}`, "ACCESS_OIDC"},
		"no claim":          {`{"issuer": "https://id.example.org", "audience": "a", "grants": [{"value": "b", "tier": "secure"}]}`, "ACCESS_OIDC"},
		"no value":          {`{"issuer": "https://id.example.org", "audience": "a", "grants": [{"claim": "b", "tier": "secure"}]}`, "ACCESS_OIDC"},
		"the public tier":   {`{"issuer": "https://id.example.org", "audience": "a", "grants": [{"claim": "a", "value": "b", "tier": "public"}]}`, "ACCESS_TIER"},
		"a wrong scope":     {`{"issuer": "https://id.example.org", "audience": "a", "grants": [{"claim": "a", "value": "b", "tier": "secure", "scope": {"operations": ["fly"]}}]}`, "ACCESS_SCOPE"},
		"places twice":      {`{"issuer": "https://id.example.org", "audience": "a", "grants": [{"claim": "a", "value": "b", "tier": "secure", "places_claim": "c", "scope": {"places": ["61"]}}]}`, "ACCESS_SCOPE"},
		"a wrong rate":      {`{"issuer": "https://id.example.org", "audience": "a", "grants": [{"claim": "a", "value": "b", "tier": "secure", "rate": -1}]}`, "ACCESS_RATE"},
		"an unknown member": {`{"issuer": "https://id.example.org", "audience": "a", "grant": []}`, "ACCESS_SYNTAX"},
	} {
		_, err := access.Parse([]byte(`{"tokens": [], "oidc": [` + c.issuer + `]}`))
		if err == nil {
			t.Errorf("%s: taken", name)
			continue
		}
		wantCode(t, err, c.code)
	}
}

// A grant is unlimited unless something bounds whom or what it opens.
func TestUnlimitedGrants(t *testing.T) {
	for name, c := range map[string]struct {
		grant access.Grant
		want  bool
	}{
		"nothing":        {access.Grant{}, true},
		"an empty scope": {access.Grant{Scope: &access.Scope{}}, true},
		"zooms alone":    {access.Grant{Scope: &access.Scope{MaxZoom: 14}}, true},
		"a claim":        {access.Grant{PlacesClaim: "p"}, false},
		"places":         {access.Grant{Scope: &access.Scope{Places: []string{"61"}}}, false},
		"an area":        {access.Grant{Scope: &access.Scope{Area: "{}"}}, false},
		"layers":         {access.Grant{Scope: &access.Scope{Layers: []string{"pbf"}}}, false},
		"operations":     {access.Grant{Scope: &access.Scope{Operations: []access.Operation{access.Tiles}}}, false},
	} {
		if got := c.grant.Unlimited(); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
