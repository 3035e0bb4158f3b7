package oidc_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gengtu/tileserver/access/oidc"
)

// clock is a time that tests set.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func verifier(t testing.TB, i *testIssuer, c *clock) *oidc.Verifier {
	t.Helper()
	v, err := oidc.New(oidc.Config{Issuer: i.URL, Audience: "gengtu"}, c.now)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVerify(t *testing.T) {
	i := newTestIssuer(t)
	rs, es, ed, other := rsaKey("r"), ecKey("e"), edKey("d"), rsaKey("r")
	hs := secretKey("r", []byte(rs.public["n"].(string)))
	published := secretKey("h", []byte("a secret that stands in the key set"))
	forEncryption := ecKey("x")
	forEncryption.public["use"] = "enc"
	bound := rsaKey("b")
	bound.public["alg"] = "PS256"
	i.publish(rs.public, es.public, ed.public, published.public, forEncryption.public, bound.public, map[string]any{"kty": "new", "kid": "z"})
	c := &clock{at: day0}
	v := verifier(t, i, c)
	right := claims(i.URL, nil)
	none := key{"r", "none", func([]byte) []byte { return nil }, nil}
	cut := strings.Split(rs.token(right, nil), ".")
	for _, tc := range []struct {
		name, token string
		want        error
	}{
		{"RS256", rs.token(right, nil), nil},
		{"ES256", es.token(right, nil), nil},
		{"EdDSA", ed.token(right, nil), nil},
		{"no key's name", es.token(right, map[string]any{"kid": nil}), nil},
		{"audience among others", rs.token(claims(i.URL, map[string]any{"aud": []string{"x", "gengtu"}}), nil), nil},
		{"expired within the skew", rs.token(claims(i.URL, map[string]any{"exp": day0.Add(-59 * time.Second).Unix()}), nil), nil},

		{"alg none", none.token(right, nil), oidc.ErrInvalid},
		{"alg None", none.token(right, map[string]any{"alg": "None"}), oidc.ErrInvalid},
		{"no alg", rs.token(right, map[string]any{"alg": nil}), oidc.ErrInvalid},
		{"HS256 with the public key as secret", hs.token(right, nil), oidc.ErrInvalid},
		{"HS256 with a secret of the key set", published.token(right, nil), oidc.ErrInvalid},
		{"HS256 said to be RS256", hs.token(right, map[string]any{"alg": "RS256"}), oidc.ErrInvalid},
		{"another key of that name", other.token(right, nil), oidc.ErrInvalid},
		{"a key that the token brings", other.token(right, map[string]any{"jwk": other.public, "kid": nil}), oidc.ErrInvalid},
		{"a key's address in the token", other.token(right, map[string]any{"jku": "https://evil.example/keys"}), oidc.ErrInvalid},
		{"a key for encryption", forEncryption.token(right, nil), oidc.ErrInvalid},
		{"a key of another algorithm", bound.token(right, nil), oidc.ErrInvalid},
		{"a critical header", rs.token(right, map[string]any{"crit": []string{"exp"}, "exp": 1}), oidc.ErrInvalid},
		{"another issuer", rs.token(claims("https://evil.example", nil), nil), oidc.ErrInvalid},
		{"no issuer", rs.token(claims(i.URL, map[string]any{"iss": nil}), nil), oidc.ErrInvalid},
		{"issuer with a slash", rs.token(claims(i.URL+"/", nil), nil), oidc.ErrInvalid},
		{"another audience", rs.token(claims(i.URL, map[string]any{"aud": "gengtu2"}), nil), oidc.ErrInvalid},
		{"no audience", rs.token(claims(i.URL, map[string]any{"aud": nil}), nil), oidc.ErrInvalid},
		{"no audience in a list", rs.token(claims(i.URL, map[string]any{"aud": []string{}}), nil), oidc.ErrInvalid},
		{"no exp", rs.token(claims(i.URL, map[string]any{"exp": nil}), nil), oidc.ErrInvalid},
		{"expired", rs.token(claims(i.URL, map[string]any{"exp": day0.Add(-61 * time.Second).Unix()}), nil), oidc.ErrExpired},
		{"not yet valid", rs.token(claims(i.URL, map[string]any{"nbf": day0.Add(61 * time.Second).Unix()}), nil), oidc.ErrExpired},
		{"issued tomorrow", rs.token(claims(i.URL, map[string]any{"iat": day0.AddDate(0, 0, 1).Unix()}), nil), oidc.ErrExpired},
		{"other claims under the signature", cut[0] + "." + b64([]byte(`{"iss":"`+i.URL+`","aud":"gengtu","exp":9999999999}`)) + "." + cut[2], oidc.ErrInvalid},
		{"no signature", cut[0] + "." + cut[1] + ".", oidc.ErrInvalid},
		{"two parts", cut[0] + "." + cut[1], oidc.ErrInvalid},
		{"nothing", "", oidc.ErrInvalid},
		{"JSON serialization", `{"payload":"` + cut[1] + `","protected":"` + cut[0] + `","signature":"` + cut[2] + `"}`, oidc.ErrInvalid},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := v.Verify(tc.token)
			if !errors.Is(err, tc.want) || tc.want == nil && (err != nil || got.Subject != "u1") {
				t.Errorf("got %v, %v, want %v", got, err, tc.want)
			}
		})
	}
	if n := i.fetches.Load(); n != 1 {
		t.Errorf("keys were fetched %d times", n)
	}
}

// Each bit of a token counts, but for those that base64 leaves over.
func TestVerifyAltered(t *testing.T) {
	i := newTestIssuer(t)
	k := edKey("d")
	i.publish(k.public)
	v := verifier(t, i, &clock{at: day0})
	token := k.token(claims(i.URL, nil), nil)
	for at := range len(token) {
		for bit := range 6 {
			altered := []byte(token)
			altered[at] ^= 1 << bit
			if _, err := v.Verify(string(altered)); err == nil && !slices.Equal(content(token), content(string(altered))) {
				t.Fatalf("byte %d, bit %d: taken", at, bit)
			}
		}
	}
}

// content returns what the parts of a token hold.
func content(token string) []string {
	var out []string
	for part := range strings.SplitSeq(token, ".") {
		b, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			return nil
		}
		out = append(out, string(b))
	}
	return out
}

func TestTexts(t *testing.T) {
	i := newTestIssuer(t)
	k := edKey("d")
	i.publish(k.public)
	c, err := verifier(t, i, &clock{at: day0}).Verify(k.token(claims(i.URL, map[string]any{"admin": true, "deep": map[string]any{"a/b": map[string]any{"~": "x"}}, "mixed": []any{"a", 1, nil}}), nil))
	if err != nil {
		t.Fatal(err)
	}
	for claim, want := range map[string][]string{
		"sub": {"u1"}, "roles": {"reader", "surveyor"}, "/realm_access/roles": {"land"}, "code": {"610402001001"}, "a/b": {"slash"}, "/a~1b": {"slash"},
		"/deep/a~1b/~0": {"x"}, "admin": {"true"}, "mixed": {"a"}, "realm_access": nil, "no": nil, "/no/more": nil, "/sub/more": nil, "/": nil, "": nil,
	} {
		if d := cmp.Diff(want, c.Texts(claim)); d != "" {
			t.Errorf("%q: %s", claim, d)
		}
	}
}

// Keys are changed by the issuer, without a restart and without a request for each
// token that names one we do not have.
func TestRotation(t *testing.T) {
	i := newTestIssuer(t)
	first, second, forged := ecKey("1"), ecKey("2"), ecKey("3")
	i.publish(first.public)
	c := &clock{at: day0}
	v := verifier(t, i, c)
	take := func(k key, want error) {
		t.Helper()
		if _, err := v.Verify(k.token(claims(i.URL, map[string]any{"exp": day0.AddDate(1, 0, 0).Unix()}), nil)); !errors.Is(err, want) {
			t.Fatalf("key %s: %v, want %v", k.id, err, want)
		}
	}
	fetched := func(want int64) {
		t.Helper()
		if n := i.fetches.Load(); n != want {
			t.Fatalf("keys were fetched %d times, want %d", n, want)
		}
	}
	fetched(0) // nothing at the start
	take(first, nil)
	fetched(1)
	i.publish(first.public, second.public)
	take(second, oidc.ErrInvalid) // just after a fetch there is none
	fetched(1)
	c.pass(31 * time.Second)
	take(second, nil)
	take(first, nil)
	fetched(2)
	c.pass(31 * time.Second)
	for range 100 {
		take(forged, oidc.ErrInvalid)
	}
	fetched(3)
	// The first key is taken back: it works until the keys are fetched, which a
	// request sets off.
	i.publish(second.public)
	c.pass(16 * time.Minute)
	take(second, nil)
	deadline := time.Now().Add(10 * time.Second)
	for i.fetches.Load() < 4 && time.Now().Before(deadline) {
		<-time.After(time.Millisecond)
	}
	for time.Now().Before(deadline) {
		if _, err := v.Verify(first.token(claims(i.URL, nil), nil)); errors.Is(err, oidc.ErrInvalid) {
			return
		}
		<-time.After(time.Millisecond)
	}
	t.Error("a key that was taken back is still taken")
}

// An issuer that cannot be reached is none at the start; later its keys are kept for a
// time.
func TestOutage(t *testing.T) {
	i := newTestIssuer(t)
	k := ecKey("1")
	i.publish(k.public)
	down := func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, "down", http.StatusBadGateway)
		return true
	}
	i.answerBy(down)
	c := &clock{at: day0}
	v := verifier(t, i, c)
	take := func(want error) {
		t.Helper()
		if _, err := v.Verify(k.token(claims(i.URL, map[string]any{"exp": day0.AddDate(1, 0, 0).Unix()}), nil)); !errors.Is(err, want) {
			t.Fatalf("%v, want %v", err, want)
		}
	}
	take(oidc.ErrKeys)
	i.answerBy(nil)
	take(oidc.ErrKeys) // not asked again at once
	c.pass(31 * time.Second)
	take(nil)
	i.answerBy(down)
	c.pass(oidc.Kept - time.Second)
	take(nil)
	c.pass(2 * time.Second)
	take(oidc.ErrKeys)
	i.answerBy(nil)
	c.pass(31 * time.Second)
	take(nil)
}

// What an issuer's address answers is not believed when it is not what it should be.
func TestBadIssuers(t *testing.T) {
	i := newTestIssuer(t)
	k := ecKey("1")
	i.publish(k.public)
	for name, answer := range map[string]func(w http.ResponseWriter, r *http.Request) bool{
		"the description of another issuer": func(w http.ResponseWriter, _ *http.Request) bool {
			writeJSON(w, map[string]any{"issuer": "https://evil.example", "jwks_uri": i.URL + "/keys"})
			return true
		},
		"keys without TLS": func(w http.ResponseWriter, _ *http.Request) bool {
			writeJSON(w, map[string]any{"issuer": i.URL, "jwks_uri": "http://id.example.org/keys"})
			return true
		},
		"a redirect": func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, i.URL+"/keys", http.StatusFound)
			return true
		},
		"no JSON": func(w http.ResponseWriter, _ *http.Request) bool {
			_, _ = w.Write([]byte("<html>"))
			return true
		},
		"an answer without end": func(w http.ResponseWriter, _ *http.Request) bool {
			_, _ = w.Write([]byte(`{"issuer":"` + strings.Repeat("x", 2<<20) + `"}`))
			return true
		},
		"too many keys": func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/keys" {
				return false
			}
			writeJSON(w, map[string]any{"keys": make([]map[string]any, 101)})
			return true
		},
		"no keys": func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/keys" {
				return false
			}
			writeJSON(w, map[string]any{"keys": []any{}})
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			i.answerBy(answer)
			if _, err := verifier(t, i, &clock{at: day0}).Verify(k.token(claims(i.URL, nil), nil)); !errors.Is(err, oidc.ErrKeys) {
				t.Errorf("%v, want %v", err, oidc.ErrKeys)
			}
		})
	}
}

func TestConfigCheck(t *testing.T) {
	for _, c := range []struct {
		issuer, audience, jwks string
		ok                     bool
	}{
		{"https://id.example.org/realms/land", "gengtu", "", true},
		{"https://id.example.org", "gengtu", "https://id.example.org/keys", true},
		{"http://127.0.0.1:8080", "gengtu", "", true},
		{"http://localhost", "gengtu", "", true},
		{"http://[::1]:80", "gengtu", "", true},
		{"http://id.example.org", "gengtu", "", false},
		{"https://id.example.org", "gengtu", "http://id.example.org/keys", false},
		{"https://id.example.org", "", "", false},
		{"", "gengtu", "", false},
		{"file:///etc/passwd", "gengtu", "", false},
		{"https://user:word@id.example.org", "gengtu", "", false},
	} {
		config := oidc.Config{Issuer: c.issuer, Audience: c.audience, JWKSURL: c.jwks}
		if p := config.Check(); (p == nil) != c.ok {
			t.Errorf("%+v: %v", config, p)
		}
	}
}

// Whatever is sent, nothing but what the issuer signed is taken.
func FuzzVerify(f *testing.F) {
	i := newTestIssuer(f)
	k := edKey("d")
	i.publish(k.public)
	v := verifier(f, i, &clock{at: day0})
	f.Add(k.token(claims(i.URL, nil), nil))
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		c, err := v.Verify(token)
		if err == nil && c.Subject != "u1" {
			t.Errorf("%q is taken for %+v", token, c)
		}
		if err == nil && oidc.IssuerOf(token) != i.URL {
			t.Errorf("%q is of %q", token, oidc.IssuerOf(token))
		}
	})
}
