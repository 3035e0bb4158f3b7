package seal

import (
	"context"
	"crypto/ed25519"
)

// edKey verifies with Ed25519 (RFC 8032).
type edKey ed25519.PublicKey

func (k edKey) verify(_ context.Context, message, signature []byte) (bool, error) {
	return ed25519.Verify(ed25519.PublicKey(k), message, signature), nil
}

// edSigner signs with Ed25519. Signatures of one message are always the same.
type edSigner struct {
	key    ed25519.PrivateKey
	public Key
}

func (s *edSigner) Algorithm() Algorithm { return Ed25519 }
func (s *edSigner) Public() Key          { return s.public }

func (s *edSigner) Sign(_ context.Context, message []byte) ([]byte, error) {
	return ed25519.Sign(s.key, message), nil
}
