package seal

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/x509"
	"fmt"

	"github.com/emmansun/gmsm/sm2"

	"gengtu/index/edition"
)

// signer returns the signer of a private block, nil of a key that only encrypts.
func (e entry) signer(path string, tier edition.Tier) (Signer, error) {
	if isSM(e.der) {
		key, der, err := e.privateSM(path, tier)
		if err != nil {
			return nil, err
		}
		return &smSigner{key, e.named(SM2, der, smKey{&key.PublicKey})}, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(e.der)
	if err != nil {
		return nil, e.unreadable(path)
	}
	switch key := key.(type) {
	case ed25519.PrivateKey:
		public := key.Public().(ed25519.PublicKey)
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			return nil, fmt.Errorf("ed25519: %w", err)
		}
		return &edSigner{key, e.named(Ed25519, der, edKey(public))}, nil
	case *ecdh.PrivateKey:
		return nil, nil
	}
	return nil, e.unreadable(path)
}

// key returns the key of a public block; found is false of one that only
// encrypts.
func (e entry) key(path string, tier edition.Tier) (k Key, found bool, err error) {
	if e.block != publicBlock {
		return Key{}, false, wrongLine(path, e.line, "这里应是公钥（PUBLIC KEY），却是 %.40q", "a PUBLIC KEY should stand here, it is %.40q", e.block)
	}
	if isSM(e.der) {
		public, err := e.publicSM(path, tier)
		if err != nil {
			return Key{}, false, err
		}
		return e.named(SM2, e.der, smKey{public}), true, nil
	}
	public, err := x509.ParsePKIXPublicKey(e.der)
	if err != nil {
		return Key{}, false, e.unreadable(path)
	}
	switch public := public.(type) {
	case ed25519.PublicKey:
		return e.named(Ed25519, e.der, edKey(public)), true, nil
	case *ecdh.PublicKey:
		return Key{}, false, nil
	}
	return Key{}, false, e.unreadable(path)
}

// privateSM reads a private block of SM2, and returns the public half as well, in DER.
// For the secure tier none is read.
func (e entry) privateSM(path string, tier edition.Tier) (*sm2.PrivateKey, []byte, error) {
	if tier == edition.Secure {
		return nil, nil, refuseSM(path, e.line)
	}
	key := parsePrivateSM(e.der)
	if key == nil {
		return nil, nil, e.unreadable(path)
	}
	der, err := publicOfSM(key)
	return key, der, err
}

// publicSM reads a public block of SM2. For the secure tier none is read.
func (e entry) publicSM(path string, tier edition.Tier) (*ecdsa.PublicKey, error) {
	if tier == edition.Secure {
		return nil, refuseSM(path, e.line)
	}
	public := parsePublicSM(e.der)
	if public == nil {
		return nil, e.unreadable(path)
	}
	return public, nil
}

// named is the key of a block with the name and expiry that the file gives it; a
// key without a name is called by the first digits of its ID.
func (e entry) named(a Algorithm, der []byte, v verifier) Key {
	k := Key{Name: e.name, Algorithm: a, Expires: e.expires, Signs: e.signs, Tiers: e.tiers, id: keyID(a, der), public: string(der), verifier: v}
	if k.Name == "" {
		k.Name = k.id[:8]
	}
	return k
}

func (e entry) unreadable(path string) error {
	return wrongLine(path, e.line, "%.40q 块里的密钥不是 Ed25519、X25519 或 SM2", "the key in the block %.40q is none of Ed25519, X25519 or SM2", e.block)
}
