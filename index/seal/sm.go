package seal

import (
	"bytes"
	"context"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/rand"
	"fmt"
	"hash"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"
	"github.com/emmansun/gmsm/smx509"
)

// smCurve is the DER of the object identifier 1.2.156.10197.1.301 (GM/T 0006),
// the curve of SM2 keys. It tells such a key before any code for it has run.
var smCurve = []byte{0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d}

func isSM(der []byte) bool { return bytes.Contains(der, smCurve) }

func newSM3() hash.Hash { return sm3.New() }

// smKey verifies with SM2 and SM3 (GB/T 32918.2), the identifier being the
// default one of GM/T 0009.
type smKey struct{ public *ecdsa.PublicKey }

func (k smKey) verify(_ context.Context, message, signature []byte) (bool, error) {
	return sm2.VerifyASN1WithSM2(k.public, nil, message, signature), nil
}

// smSigner signs with SM2 and SM3.
type smSigner struct {
	key    *sm2.PrivateKey
	public Key
}

func (s *smSigner) Algorithm() Algorithm { return SM2 }
func (s *smSigner) Public() Key          { return s.public }

func (s *smSigner) Sign(_ context.Context, message []byte) ([]byte, error) {
	signature, err := s.key.Sign(rand.Reader, message, sm2.NewSM2SignerOption(true, nil))
	if err != nil {
		return nil, fmt.Errorf("sm2: %w", err)
	}
	return signature, nil
}

// parsePublicSM reads a SubjectPublicKeyInfo of SM2, nil of anything else.
func parsePublicSM(der []byte) *ecdsa.PublicKey {
	key, err := smx509.ParsePKIXPublicKey(der)
	public, ok := key.(*ecdsa.PublicKey)
	if err != nil || !ok || !sm2.IsSM2PublicKey(public) {
		return nil
	}
	return public
}

// parsePrivateSM reads a PKCS#8 private key of SM2, nil of anything else.
func parsePrivateSM(der []byte) *sm2.PrivateKey {
	key, err := smx509.ParsePKCS8PrivateKey(der)
	private, ok := key.(*sm2.PrivateKey)
	if err != nil || !ok {
		return nil
	}
	return private
}

// makeSM makes an SM2 key.
func makeSM() (halves, error) {
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		return halves{}, fmt.Errorf("sm2: %w", err)
	}
	private, err := smx509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return halves{}, fmt.Errorf("sm2: %w", err)
	}
	public, err := publicOfSM(key)
	return halves{private, public}, err
}

// publicOfSM returns the SubjectPublicKeyInfo of a private key.
func publicOfSM(key *sm2.PrivateKey) ([]byte, error) {
	der, err := smx509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("sm2: %w", err)
	}
	return der, nil
}

// newSM4 returns the block cipher SM4 (GB/T 32907).
func newSM4(key []byte) (cipher.Block, error) { return sm4.NewCipher(key) }
