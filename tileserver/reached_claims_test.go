package tileserver_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"testing"
	"time"

	"gengtu/index/edition"
	"gengtu/index/receipt"
	"gengtu/tileserver"
)

// user returns a token, signed by an issuer whom the access file is made to trust, of a
// user whose claim names places.
func (s *service) user(t *testing.T, places ...string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString
	public, err := key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		t.Fatal(err)
	}
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		// A client that has gone is told nothing.
		_, _ = fmt.Fprintf(w, `{"keys":[{"kty":"EC","crv":"P-256","kid":"1","use":"sig","x":%q,"y":%q}]}`, text(public[1:33]), text(public[33:]))
	}))
	t.Cleanup(keys.Close)
	data, err := os.ReadFile(s.accessFile)
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	file["oidc"] = []any{map[string]any{"issuer": keys.URL, "audience": "gengtu", "jwks_url": keys.URL, "grants": []any{map[string]any{"claim": "sub", "value": "u1", "tier": "secure", "places_claim": "xzqdm"}}}}
	if data, err = json.Marshal(file); err != nil {
		t.Fatal(err)
	}
	writeFile(t, s.accessFile, data)
	s.Reload()
	claims, err := json.Marshal(map[string]any{"iss": keys.URL, "aud": "gengtu", "sub": "u1", "exp": time.Now().Add(time.Hour).Unix(), "xzqdm": places})
	if err != nil {
		t.Fatal(err)
	}
	signed := text([]byte(`{"alg":"ES256","kid":"1","typ":"JWT"}`)) + "." + text(claims)
	sum := sha256.Sum256([]byte(signed))
	a, b, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	value := append(a.FillBytes(make([]byte, 32)), b.FillBytes(make([]byte, 32))...)
	return signed + "." + text(value)
}

// Who reaches places by a claim is told of them, and refused what they lie in, as who has
// a token of the file.
func TestScopeByClaim(t *testing.T) {
	s := serve(t, func(c *tileserver.Config) { c.Seal = &receipt.Sealer{Signer: newSigner(t, "own")} }, edition.Secure)
	token := s.user(t, village)
	wantProblem(t, "the parent", s.with(t, "overlay?receipt=1&place=610402", "", token), http.StatusForbidden, "token_refused")
	wantProblem(t, "the parent's sums", s.with(t, "summary?place=610402", "", token), http.StatusForbidden, "token_refused")
	r := s.with(t, "summary?by=county&layers=cropland&receipt=1", "", token)
	got := decode[sums](t, r)
	if r.Header.Get("Gengtu-Scope") != village || len(got.Rows) == 0 || slices.ContainsFunc(got.Rows, func(r row) bool { return !r.Partial }) {
		t.Errorf("%d %q %.500s", r.StatusCode, r.Header.Get("Gengtu-Scope"), r.body)
	}
	for judge, want := range map[string]bool{token: true, s.tokens[edition.Secure]: false} {
		v := decode[verdictDoc](t, s.post(t, "/secure/verify", string(r.body), "Authorization", "Bearer "+judge))
		if !v.Genuine || v.Receipt.Scope != village || v.InForce != want {
			t.Errorf("%+v, want in force %t", v, want)
		}
	}
}
