package oidc

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// says is an issuer that answers everything with the same bytes.
type says []byte

func (s says) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{Status: "200 OK", StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(s)), Request: r}, nil
}

// fuzzKey is a pair of keys, the same in each run.
var fuzzKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

// Whatever an issuer sends as its keys, those that are kept are public keys for signatures,
// no more than are read, and the same when they are written and read again. No error
// tells what is behind the address's question mark.
func FuzzKeys(f *testing.F) {
	own := jose.JSONWebKey{Key: fuzzKey.Public(), KeyID: "one", Algorithm: "EdDSA", Use: "sig"}
	text, err := own.MarshalJSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"keys":[` + string(text) + `]}`))
	for _, s := range []string{
		`{"keys":[` + string(text) + `,{"kty":"oct","k":"AAAA","kid":"two"},{"kty":"RSA","n":"AQAB","e":"AQAB"},7]}`,
		`{"keys":[{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA","kid":"x","use":"enc"}]}`, `{"keys":[]}`, `{"keys":{}}`, `[`, ``,
	} {
		f.Add([]byte(s))
	}
	const hidden = "onlyTheIssuerIsToldThis"
	f.Fuzz(func(t *testing.T, data []byte) {
		s := &keySet{config: Config{JWKSURL: "https://issuer.test/keys?k=" + hidden}, client: &http.Client{Transport: says(data)}, now: time.Now}
		keys, err := s.download()
		if err != nil {
			if strings.Contains(err.Error(), hidden) && !bytes.Contains(data, []byte(hidden)) {
				t.Fatalf("the error tells the key of the address: %v", err)
			}
			return
		}
		if len(keys) == 0 || len(keys) > maxKeys {
			t.Fatalf("%d keys", len(keys))
		}
		for i := range keys {
			if !signs(&keys[i]) || !keys[i].IsPublic() {
				t.Fatalf("%T of use %q is kept", keys[i].Key, keys[i].Use)
			}
		}
		out, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
		if err != nil {
			return // a chain of certificates that cannot be written
		}
		s.client = &http.Client{Transport: says(out)}
		again, err := s.download()
		if err != nil || len(again) != len(keys) {
			t.Fatalf("%d keys, %d when they are read again: %v", len(keys), len(again), err)
		}
		for i := range keys {
			if again[i].KeyID != keys[i].KeyID || again[i].Algorithm != keys[i].Algorithm {
				t.Fatalf("key %q is read again as %q", keys[i].KeyID, again[i].KeyID)
			}
		}
	})
}

// Whatever the endpoint of tokens answers, it ends in one of the errors that a login
// knows, which does not tell the token, or in a token that is signed in a way that is
// taken, from an answer that says 200.
func FuzzTokenAnswer(f *testing.F) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: fuzzKey}, nil)
	if err != nil {
		f.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(jwt.Claims{Subject: "zhang"}).Serialize()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(200, []byte(`{"id_token":"`+token+`","access_token":"x"}`))
	f.Add(400, []byte(`{"error":"invalid_grant"}`))
	f.Add(400, []byte(`{"error":"invalid_client","id_token":"`+token+`"}`))
	f.Add(200, []byte(`{"id_token":"eyJhbGciOiJub25lIn0.e30."}`))
	f.Add(500, []byte(`{"id_token":"`+token+`"}`))
	f.Add(200, []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, data []byte) {
		got, err := idToken(status, data, "https://issuer.test/token")
		var sent struct {
			IDToken string `json:"id_token"`
		}
		if err != nil {
			if !errors.Is(err, ErrAway) && !errors.Is(err, ErrCode) && !errors.Is(err, ErrToken) || got != "" {
				t.Fatalf("%q %v", got, err)
			}
			if json.Unmarshal(data, &sent) == nil && len(sent.IDToken) > 40 && strings.Contains(err.Error(), sent.IDToken) {
				t.Fatalf("the error tells the token: %v", err)
			}
			return
		}
		if status != http.StatusOK || json.Unmarshal(data, &sent) != nil || sent.IDToken != got {
			t.Fatalf("%q of an answer %d %s", got, status, data)
		}
		parsed, err := jwt.ParseSigned(got, algorithms)
		if err != nil || len(parsed.Headers) != 1 || parsed.Headers[0].Algorithm == "none" || strings.HasPrefix(parsed.Headers[0].Algorithm, "HS") {
			t.Fatalf("%q is taken: %v", got, err)
		}
	})
}
