package oidc_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The tokens of these tests are put together and signed with the standard library
// alone, after RFC 7515 and 7518, so that a fault of the library that verifies is
// not made twice.

// testIssuer is an issuer on a server of its own.
type testIssuer struct {
	*httptest.Server
	mu      sync.Mutex
	keys    []map[string]any // the published ones
	answer  func(w http.ResponseWriter, r *http.Request) bool
	fetches atomic.Int64
}

func newTestIssuer(t testing.TB) *testIssuer {
	t.Helper()
	i := &testIssuer{}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.answer != nil && i.answer(w, r) {
			return
		}
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			writeJSON(w, map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys"})
		case "/keys":
			i.fetches.Add(1)
			writeJSON(w, map[string]any{"keys": i.keys})
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(i.Close)
	return i
}

func writeJSON(w http.ResponseWriter, v any) {
	// The client of a test that has gone is told nothing.
	_ = json.NewEncoder(w).Encode(v)
}

func (i *testIssuer) publish(keys ...map[string]any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = keys
}

func (i *testIssuer) answerBy(f func(w http.ResponseWriter, r *http.Request) bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answer = f
}

// key is a key for signatures.
type key struct {
	id, alg string
	sign    func(text []byte) []byte
	public  map[string]any
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func digest(text []byte) []byte {
	d := sha256.Sum256(text)
	return d[:]
}

func rsaKey(id string) key {
	k := must(rsa.GenerateKey(rand.Reader, 2048))
	return key{id, "RS256", func(text []byte) []byte {
		return must(rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, digest(text)))
	}, map[string]any{"kty": "RSA", "kid": id, "use": "sig", "n": b64(k.N.Bytes()), "e": b64(big.NewInt(int64(k.E)).Bytes())}}
}

func ecKey(id string) key {
	k := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	point := must(k.PublicKey.Bytes())
	return key{id, "ES256", func(text []byte) []byte {
		r, s, err := ecdsa.Sign(rand.Reader, k, digest(text))
		if err != nil {
			panic(err)
		}
		out := make([]byte, 64)
		r.FillBytes(out[:32])
		s.FillBytes(out[32:])
		return out
	}, map[string]any{"kty": "EC", "crv": "P-256", "kid": id, "x": b64(point[1:33]), "y": b64(point[33:])}}
}

func edKey(id string) key {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return key{id, "EdDSA", func(text []byte) []byte { return ed25519.Sign(private, text) },
		map[string]any{"kty": "OKP", "crv": "Ed25519", "kid": id, "x": b64(public)}}
}

// secretKey signs with what everybody can read.
func secretKey(id string, secret []byte) key {
	return key{id, "HS256", func(text []byte) []byte {
		h := hmac.New(sha256.New, secret)
		h.Write(text)
		return h.Sum(nil)
	}, map[string]any{"kty": "oct", "kid": id, "k": b64(secret)}}
}

// token signs claims; header holds what else stands in the header.
func (k key) token(claims, header map[string]any) string {
	h := map[string]any{"alg": k.alg, "kid": k.id, "typ": "JWT"}
	for name, v := range header {
		h[name] = v
		if v == nil {
			delete(h, name)
		}
	}
	text := b64(must(json.Marshal(h))) + "." + b64(must(json.Marshal(claims)))
	return text + "." + b64(k.sign([]byte(text)))
}

// day0 is when these tests are.
var day0 = time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)

// claims are right ones of an issuer, but for changes; nil takes one away.
func claims(issuer string, changes map[string]any) map[string]any {
	c := map[string]any{
		"iss": issuer, "aud": "gengtu", "sub": "u1", "exp": day0.Add(time.Hour).Unix(), "iat": day0.Unix(),
		"roles": []string{"reader", "surveyor"}, "realm_access": map[string]any{"roles": []string{"land"}}, "code": 610402001001, "a/b": "slash",
	}
	for name, v := range changes {
		c[name] = v
		if v == nil {
			delete(c, name)
		}
	}
	return c
}
