package oidc_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gengtu/tileserver/access/oidc"
)

// A token that is signed with a secret, or not at all, is none of any issuer, before any
// key is looked for; RSA's public half is no secret, in whichever form it is taken.
func TestSecretsSignNothing(t *testing.T) {
	i := newTestIssuer(t)
	rs := rsaKey("r")
	i.publish(rs.public)
	v := verifier(t, i, &clock{at: day0})
	right := claims(i.URL, nil)
	n := must(base64.RawURLEncoding.DecodeString(rs.public["n"].(string)))
	e := must(base64.RawURLEncoding.DecodeString(rs.public["e"].(string)))
	public := must(x509.ParsePKCS1PublicKey(must(marshalPKCS1(n, e))))
	spki := must(x509.MarshalPKIXPublicKey(public))
	for name, secret := range map[string][]byte{
		"n as text": []byte(rs.public["n"].(string)), "n": n, "SPKI": spki, "PKCS#1": x509.MarshalPKCS1PublicKey(public),
		"PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}), "PKCS#1 PEM": pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(public)}), "nothing": {},
	} {
		k := secretKey("r", secret)
		for _, header := range []map[string]any{nil, {"kid": nil}, {"kid": "h"}, {"alg": "HS384"}, {"alg": "HS512"}} {
			token := k.token(right, header)
			if said := oidc.IssuerOf(token); said != "" {
				t.Errorf("HMAC by %s, %v: read as a token of %s", name, header, said)
			}
			if _, err := v.Verify(token); !errors.Is(err, oidc.ErrInvalid) {
				t.Errorf("HMAC by %s, %v: %v", name, header, err)
			}
		}
	}
	none := key{"r", "none", func([]byte) []byte { return nil }, nil}
	for _, alg := range []any{"none", "None", "NONE", "nOnE", "", nil, 5} {
		token := none.token(right, map[string]any{"alg": alg})
		if said := oidc.IssuerOf(token); said != "" {
			t.Errorf("alg %v: read as a token of %s", alg, said)
		}
		if _, err := v.Verify(token); !errors.Is(err, oidc.ErrInvalid) {
			t.Errorf("alg %v: %v", alg, err)
		}
	}
	if said := oidc.IssuerOf(rs.token(right, nil)); said != i.URL {
		t.Errorf("a right one is of %q", said)
	}
}

// marshalPKCS1 writes an RSA key as PKCS#1 (RFC 8017, A.1.1), by hand.
func marshalPKCS1(n, e []byte) ([]byte, error) {
	integer := func(b []byte) []byte {
		b = new(big.Int).SetBytes(b).Bytes()
		if b[0]&0x80 != 0 {
			b = append([]byte{0}, b...)
		}
		return append(append([]byte{2}, length(len(b))...), b...)
	}
	body := append(integer(n), integer(e)...)
	return append(append([]byte{0x30}, length(len(body))...), body...), nil
}

// length is one of DER below 65536.
func length(n int) []byte {
	switch {
	case n < 128:
		return []byte{byte(n)}
	case n < 256:
		return []byte{0x81, byte(n)}
	}
	return []byte{0x82, byte(n >> 8), byte(n)}
}

// Keys that a token brings, or says where to fetch, are neither taken nor fetched.
func TestKeysOfTheTokenAreNotLookedAt(t *testing.T) {
	i := newTestIssuer(t)
	own, forged := rsaKey("r"), rsaKey("f")
	i.publish(own.public)
	v := verifier(t, i, &clock{at: day0})
	var fetched atomic.Int64
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fetched.Add(1)
		writeJSON(w, map[string]any{"keys": []any{forged.public}})
	}))
	defer evil.Close()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: day0.AddDate(100, 0, 0)}
	chain := []string{base64.StdEncoding.EncodeToString(must(x509.CreateCertificate(rand.Reader, template, template, public, private)))}
	ed := key{"f", "EdDSA", func(text []byte) []byte { return ed25519.Sign(private, text) }, nil}
	for name, token := range map[string]string{
		"jwk":              forged.token(claims(i.URL, nil), map[string]any{"jwk": forged.public}),
		"jwk, no kid":      forged.token(claims(i.URL, nil), map[string]any{"jwk": forged.public, "kid": nil}),
		"jwk, the own":     forged.token(claims(i.URL, nil), map[string]any{"jwk": forged.public, "kid": "r"}),
		"jku":              forged.token(claims(i.URL, nil), map[string]any{"jku": evil.URL}),
		"jku, the own":     forged.token(claims(i.URL, nil), map[string]any{"jku": evil.URL, "kid": "r"}),
		"x5u":              forged.token(claims(i.URL, nil), map[string]any{"x5u": evil.URL}),
		"x5c":              ed.token(claims(i.URL, nil), map[string]any{"x5c": chain}),
		"x5c, no kid":      ed.token(claims(i.URL, nil), map[string]any{"x5c": chain, "kid": nil}),
		"kid as address":   forged.token(claims(i.URL, nil), map[string]any{"kid": evil.URL}),
		"kid as a path":    forged.token(claims(i.URL, nil), map[string]any{"kid": "../../../../dev/null"}),
		"issuer is theirs": forged.token(claims(evil.URL, nil), nil),
	} {
		if _, err := v.Verify(token); !errors.Is(err, oidc.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := fetched.Load(); n != 0 {
		t.Errorf("what tokens named was fetched %d times", n)
	}
	if _, err := v.Verify(own.token(claims(i.URL, nil), map[string]any{"jku": evil.URL})); err != nil {
		t.Errorf("a right one that names another address: %v", err)
	}
}

// Names of keys that are not known are asked for once in a while, however many come at
// once and with whatever names.
func TestUnknownNamesAtOnce(t *testing.T) {
	i := newTestIssuer(t)
	k := edKey("d")
	i.publish(k.public)
	c := &clock{at: day0}
	v := verifier(t, i, c)
	flood := func() {
		var group sync.WaitGroup
		for n := range 200 {
			group.Go(func() {
				forged := edKey("x" + string(rune('a'+n%26)) + string(rune('a'+n/26)))
				_, _ = v.Verify(forged.token(claims(i.URL, nil), nil)) // TestVerify says what it answers
			})
		}
		group.Wait()
	}
	for round := range 5 {
		flood()
		if n := i.fetches.Load(); n != int64(round+1) {
			t.Fatalf("after %d floods keys were fetched %d times", round+1, n)
		}
		if _, err := v.Verify(k.token(claims(i.URL, map[string]any{"exp": day0.AddDate(0, 0, 1).Unix()}), nil)); err != nil {
			t.Fatalf("a right token beside them: %v", err)
		}
		c.pass(31 * time.Second)
	}
}
