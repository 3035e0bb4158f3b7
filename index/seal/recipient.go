package seal

import (
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/hpke"
	"crypto/rand"
	"crypto/x509"
	"fmt"

	"github.com/emmansun/gmsm/sm2"

	"gengtu/index/edition"
	"gengtu/index/problem"
)

// X25519 names keys that are encrypted for by HPKE (RFC 9180): DHKEM(X25519,
// HKDF-SHA256), HKDF-SHA256, AES-256-GCM. They sign nothing.
const X25519 Algorithm = "x25519"

// hpkeInfo binds what is wrapped to what it is for.
var hpkeInfo = []byte("gengtu sealed content key")

// xRecipient closes for an X25519 key.
type xRecipient struct {
	id  string
	key hpke.PublicKey
}

func (r *xRecipient) ID() string     { return r.id }
func (r *xRecipient) cipher() string { return aesGCM }

func (r *xRecipient) wrap(_ context.Context, key []byte) ([]byte, error) {
	out, err := hpke.Seal(r.key, hpke.HKDFSHA256(), hpke.AES256GCM(), hpkeInfo, key)
	if err != nil {
		return nil, fmt.Errorf("hpke: %w", err)
	}
	return out, nil
}

// xOpener opens with an X25519 key.
type xOpener struct {
	id  string
	key hpke.PrivateKey
}

func (o *xOpener) ID() string     { return o.id }
func (o *xOpener) cipher() string { return aesGCM }

func (o *xOpener) unwrap(_ context.Context, wrapped []byte) ([]byte, error) {
	key, err := hpke.Open(o.key, hpke.HKDFSHA256(), hpke.AES256GCM(), hpkeInfo, wrapped)
	if err != nil {
		return nil, altered()
	}
	return key, nil
}

// smRecipient closes for an SM2 key (GB/T 32918.4, ciphertext in ASN.1).
type smRecipient struct {
	id  string
	key *ecdsa.PublicKey
}

func (r *smRecipient) ID() string     { return r.id }
func (r *smRecipient) cipher() string { return sm4GCM }

func (r *smRecipient) wrap(_ context.Context, key []byte) ([]byte, error) {
	out, err := sm2.EncryptASN1(rand.Reader, r.key, key)
	if err != nil {
		return nil, fmt.Errorf("sm2: %w", err)
	}
	return out, nil
}

// smOpener opens with an SM2 key.
type smOpener struct {
	id  string
	key *sm2.PrivateKey
}

func (o *smOpener) ID() string     { return o.id }
func (o *smOpener) cipher() string { return sm4GCM }

func (o *smOpener) unwrap(_ context.Context, wrapped []byte) ([]byte, error) {
	key, err := o.key.Decrypt(rand.Reader, wrapped, nil)
	if err != nil {
		return nil, altered()
	}
	return key, nil
}

// deviceBox has a device wrap and unwrap.
type deviceBox struct{ *device }

func (b deviceBox) ID() string     { return b.public.ID() }
func (b deviceBox) cipher() string { return aesGCM }

func (b deviceBox) wrap(ctx context.Context, key []byte) ([]byte, error) {
	r, err := b.ask(ctx, request{Operation: "wrap", Message: key})
	if err == nil && len(r.Value) == 0 {
		err = b.wrong("没有给出结果", "it gave nothing back")
	}
	return r.Value, err
}

func (b deviceBox) unwrap(ctx context.Context, wrapped []byte) ([]byte, error) {
	r, err := b.ask(ctx, request{Operation: "unwrap", Message: wrapped})
	return r.Value, err
}

// ReadRecipient reads the public key to encrypt for from the file at path: the first
// one of a .pub file that gengtu key new makes, or the JSON of a [DeviceFile]. It is
// for an edition of the tier. Problems are those of [ReadTrust].
func ReadRecipient(path string, tier edition.Tier) (Recipient, error) {
	f, err := openFile(path, tier)
	if err != nil {
		return nil, err
	}
	if len(f.devices) > 0 {
		return deviceBox{f.devices[0]}, nil
	}
	r, err := first(f, publicBlock, useSign, func(e entry) (Recipient, error) { return e.recipient(path, tier) })
	if r == nil && err == nil {
		err = problem.New("SEAL_FILE", "文件里没有可加密的公钥", "the file holds no public key to encrypt for").In(path).
			Advise("请对方用 gengtu key new 生成，给我们 .pub 文件", "have the receiver make one with gengtu key new, and take its .pub file")
	}
	return r, err
}

// recipient returns the recipient of a public block, nil of a key that only signs.
func (e entry) recipient(path string, tier edition.Tier) (Recipient, error) {
	if isSM(e.der) {
		public, err := e.publicSM(path, tier)
		if err != nil {
			return nil, err
		}
		return &smRecipient{keyID(SM2, e.der), public}, nil
	}
	public, err := x509.ParsePKIXPublicKey(e.der)
	if err != nil {
		return nil, e.unreadable(path)
	}
	x, ok := public.(*ecdh.PublicKey)
	if !ok {
		return nil, nil
	}
	key, err := hpke.NewDHKEMPublicKey(x)
	if err != nil {
		return nil, e.unreadable(path)
	}
	return &xRecipient{keyID(X25519, e.der), key}, nil
}

// ReadOpener reads the private key that opens what was encrypted for it, from a file
// that gengtu key new makes or the JSON of a [DeviceFile]. It is for an edition of the
// tier. Problems are those of [ReadSigner].
func ReadOpener(path string, tier edition.Tier) (Opener, error) {
	f, err := openFile(path, tier)
	if err != nil {
		return nil, err
	}
	if len(f.devices) > 0 {
		return deviceBox{f.devices[0]}, nil
	}
	o, err := first(f, privateBlock, useSign, func(e entry) (Opener, error) { return e.opener(path, tier) })
	if o == nil && err == nil {
		err = problem.New("SEAL_FILE", "文件里没有解密私钥", "the file holds no private key that decrypts").In(path).
			Advise("用 gengtu key new --out FILE 生成", "make one with gengtu key new --out FILE")
	}
	return o, err
}

// opener returns the opener of a private block, nil of a key that only signs.
func (e entry) opener(path string, tier edition.Tier) (Opener, error) {
	if isSM(e.der) {
		key, der, err := e.privateSM(path, tier)
		if err != nil {
			return nil, err
		}
		return &smOpener{keyID(SM2, der), key}, nil
	}
	private, err := x509.ParsePKCS8PrivateKey(e.der)
	if err != nil {
		return nil, e.unreadable(path)
	}
	x, ok := private.(*ecdh.PrivateKey)
	if !ok {
		return nil, nil
	}
	key, err := hpke.NewDHKEMPrivateKey(x)
	if err != nil {
		return nil, e.unreadable(path)
	}
	der, err := x509.MarshalPKIXPublicKey(x.PublicKey())
	if err != nil {
		return nil, fmt.Errorf("x25519: %w", err)
	}
	return &xOpener{keyID(X25519, der), key}, nil
}
