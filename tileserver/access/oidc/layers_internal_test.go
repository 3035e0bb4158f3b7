package oidc

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// What keeps signatures with shared secrets out stands in three places: the list of
// algorithms, the keys that are kept, and the library's pairing of the two. Any one of
// them hides that another has gone, so each is looked at by itself.
func TestNoSharedSecrets(t *testing.T) {
	for _, a := range algorithms {
		name := string(a)
		if name != "EdDSA" && !strings.HasPrefix(name, "RS") && !strings.HasPrefix(name, "PS") && !strings.HasPrefix(name, "ES") {
			t.Errorf("%s is among the algorithms", name)
		}
	}
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		key  any
		use  string
		want bool
	}{
		"RSA": {private.Public(), "sig", true}, "EC": {curve.Public(), "", true}, "Ed25519": {edwards, "", true},
		"a secret": {[]byte("0123456789abcdef0123456789abcdef"), "sig", false}, "a secret without a use": {[]byte("0123456789abcdef0123456789abcdef"), "", false},
		"a private key": {private, "sig", false}, "for encryption": {private.Public(), "enc", false}, "nothing": {nil, "sig", false},
	} {
		if got := signs(&jose.JSONWebKey{Key: c.key, KeyID: "k", Use: c.use}); got != c.want {
			t.Errorf("%s: kept %t, want %t", name, got, c.want)
		}
	}
}
