// Package seal signs bytes and says whose signature is genuine: packages that
// cross a gate, and receipts of answers. It also closes bytes for one receiver
// ([Recipient], [Opener]).
//
// There are three kinds of keys behind one small interface: Ed25519 with SHA-256
// of Go's own library, SM2 with SM3 of a library that is no certified product,
// and a device of the unit's own behind a command or a socket. Every function
// that reads keys is told for which tier, and for the secure tier none that needs
// SM2 in software can be had: what cannot be read cannot be used.
//
// A signature is always one for a [Purpose], which is signed with the message, so
// that a receipt can never stand for a package. Package seal knows nothing of
// what it signs.
package seal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"time"

	"gengtu/index/edition"
	"gengtu/index/problem"
)

// Algorithm is how a key signs.
type Algorithm string

// The algorithms.
const (
	// Ed25519 is RFC 8032's, with SHA-256 for digests.
	Ed25519 Algorithm = "ed25519"
	// SM2 is GB/T 32918.2's with SM3 and the default identifier
	// 1234567812345678, signatures in ASN.1 (GB/T 35276).
	SM2 Algorithm = "sm2"
	// Device is what a unit's own device does: only it signs and only it, or one
	// of its kind, verifies.
	Device Algorithm = "device"
)

// Purpose is what a signature is for. It is signed with the message.
type Purpose string

// The purposes.
const (
	// Package is the manifest of an exchange package.
	Package Purpose = "package"
	// Changes is a list of changes that is pushed to a subscriber.
	Changes Purpose = "changes"
	// Receipt is the receipt of a package that was taken in or refused.
	Receipt Purpose = "receipt"
	// Answer is the receipt of an overlay answer or a report.
	Answer Purpose = "answer"
	// Approval is a person's approval of a package that is to be sent.
	Approval Purpose = "approval"
	// Import is that a person brings a package in, Release that another lets it in.
	Import  Purpose = "import"
	Release Purpose = "release"
)

// MaxMessageBytes is the longest message that is signed or verified. What is
// longer is signed by its digest.
const MaxMessageBytes = 16 << 20

// MaxSignatureBytes is the longest signature that is looked at.
const MaxSignatureBytes = 8 << 10

// Key is the public half of a signing key. It is not changed once it is made.
type Key struct {
	// Name is whose key it is, as the file that it was read from says; of a key
	// that is trusted it is who signed.
	Name      string
	Algorithm Algorithm
	// Expires is when the key ceases to be trusted; zero means never.
	Expires time.Time
	// Signs are the purposes that its signatures are believed for, see [Key.May].
	Signs []Purpose
	// Tiers are those that its owner may send packages of; none where its file names
	// none.
	Tiers []edition.Tier
	// id tells keys apart.
	id string
	// public is the DER of the SubjectPublicKeyInfo, of a device its own name of it.
	public   string
	verifier verifier
}

// verifier is how a key's signatures are looked at.
type verifier interface {
	// verify tells whether signature is one over message. An error means that it
	// could not be found out.
	verify(ctx context.Context, message, signature []byte) (bool, error)
}

// keyIDBytes is how much of a digest names a key: 2^64 keys until two meet.
const keyIDBytes = 16

// keyID names a key by its algorithm and what is public of it: the DER of its
// SubjectPublicKeyInfo (RFC 5280), or a device's own name for it.
func keyID(a Algorithm, public []byte) string {
	sum := sha256.Sum256(append([]byte(a+"\n"), public...))
	return hex.EncodeToString(sum[:keyIDBytes])
}

// ID names the key in signatures: 32 hexadecimal digits of the SHA-256 of
// algorithm and public key. Two files that hold the same key under two names give
// the same.
func (k Key) ID() string { return k.id }

// File is the key as a file that [ReadTrust] and OpenSSL read: its name, what it may sign, its expiry
// and its SubjectPublicKeyInfo as PEM (RFC 7468). nil is that of a device's key, which
// only the device verifies with.
func (k Key) File() []byte {
	if k.Algorithm == Device {
		return nil
	}
	head := heading(k.Name, k.Tiers, k.Expires)
	if len(k.Signs) > 0 {
		head = append(head, "signs: "+joined(k.Signs)+"\n"...)
	}
	return halves{}.append(head, useSign, publicBlock, []byte(k.public))
}

// Signature is a signature as it stands beside what it signs.
type Signature struct {
	Algorithm Algorithm `json:"algorithm"`
	// Key is the [Key.ID] of the key that made it. It says where to look, and is
	// believed only as far as the signature proves it.
	Key string `json:"key"`
	// Value is the signature in base64: 64 bytes of Ed25519, ASN.1 of SM2, what
	// a device gave.
	Value []byte `json:"value"`
}

// Signer signs with a private key, which it does not show. It may be used by
// several goroutines at once.
type Signer interface {
	// Algorithm is how it signs.
	Algorithm() Algorithm
	// Public is the key that its signatures are verified with.
	Public() Key
	// Sign signs message as it is. Callers use [Sign], which adds the purpose.
	// Errors are problems: of a device that does not answer SEAL_DEVICE.
	Sign(ctx context.Context, message []byte) ([]byte, error)
}

// Sign signs message for a purpose. message is neither kept nor changed. A
// message beyond [MaxMessageBytes] is a problem SEAL_LENGTH; others are those of
// the signer.
func Sign(ctx context.Context, s Signer, purpose Purpose, message []byte) (Signature, error) {
	if len(message) > MaxMessageBytes {
		return Signature{}, tooLong(len(message))
	}
	value, err := s.Sign(ctx, bound(purpose, message))
	if err != nil {
		return Signature{}, err
	}
	return Signature{Algorithm: s.Algorithm(), Key: s.Public().ID(), Value: value}, nil
}

// bound is what is signed in fact: a line that names the purpose, then the
// message. No purpose has a line break in it, so no two pairs give the same bytes.
func bound(purpose Purpose, message []byte) []byte {
	return append([]byte("gengtu "+string(purpose)+"\n"), message...)
}

func tooLong(n int) error {
	return problem.New("SEAL_LENGTH", "要签名的内容有 %d 字节，上限 %d", "%d bytes to sign, the limit is %d", n, MaxMessageBytes)
}

// Trust is the keys whose signatures are believed. The zero value believes
// nobody. It may be used by several goroutines at once, but not while it is
// changed.
type Trust struct {
	// Keys are the keys, each once.
	Keys []Key
	// Self is who we are, as the file says; "" where it does not.
	Self string
	// Approvals is how many approvals, signed by keys that are trusted for that, a
	// package must carry.
	Approvals int
	// Encrypted tells that packages above public must come encrypted.
	Encrypted bool
	// Now is the clock that expiry is held against; nil is the machine's.
	Now func() time.Time
}

// Find returns the key of that ID.
func (t Trust) Find(id string) (Key, bool) {
	for _, k := range t.Keys {
		if k.id == id {
			return k, true
		}
	}
	return Key{}, false
}

// Verify returns the key of t that made the signature over message for purpose.
// Neither slice is kept or changed.
//
// Problems: SEAL_UNTRUSTED when no key of t has the signature's ID, SEAL_EXPIRED
// when that key's time is over, SEAL_PURPOSE when the key is trusted for other
// purposes, SEAL_BROKEN when message, purpose or signature is
// not what was signed, SEAL_LENGTH of a message beyond [MaxMessageBytes] and
// SEAL_DEVICE when a device does not answer. The key is the zero value with each.
func Verify(ctx context.Context, t Trust, purpose Purpose, message []byte, s Signature) (Key, error) {
	k, ok := t.Find(s.Key)
	switch {
	case len(message) > MaxMessageBytes:
		return Key{}, tooLong(len(message))
	case !ok:
		return Key{}, problem.New("SEAL_UNTRUSTED", "签名的密钥 %.40q 不在信任名单里", "the key %.40q of the signature is not trusted", s.Key).
			Advise("核对对方的公钥后加入信任文件", "compare the sender's public key by another way and add it to the trust file")
	case k.Algorithm != s.Algorithm:
		return Key{}, problem.New("SEAL_BROKEN", "签名称算法为 %.20q，这个密钥是 %s", "the signature says algorithm %.20q, its key is one of %s", s.Algorithm, k.Algorithm).
			Advise("内容或签名被改动：请对方重发", "content or signature was altered: have it sent again")
	}
	now := time.Now
	if t.Now != nil {
		now = t.Now
	}
	if !k.Expires.IsZero() && !now().Before(k.Expires) {
		return Key{}, problem.New("SEAL_EXPIRED", "%s 的密钥 %s 已于 %s 过期", "the key of %s, %s, expired at %s", k.Name, k.id, k.Expires.Format(time.RFC3339)).
			Advise("请对方用新的密钥签名", "have the sender sign with a new key")
	}
	good := false
	if n := len(s.Value); n > 0 && n <= MaxSignatureBytes {
		var err error
		if good, err = k.verifier.verify(ctx, bound(purpose, message), s.Value); err != nil {
			return Key{}, err
		}
	}
	if !good {
		return Key{}, problem.New("SEAL_BROKEN", "签名与内容不符（密钥 %s，%s）", "the signature does not fit the content (key %s, %s)", k.id, k.Name).
			Advise("内容或签名被改动：请对方重发", "content or signature was altered: have it sent again")
	}
	if !k.May(purpose) {
		return Key{}, problem.New("SEAL_PURPOSE", "信任文件不许 %s 的密钥 %s 签 %s", "the trust file does not have the key of %s, %s, sign for the purpose %s", k.Name, k.id, purpose).
			Advise("由有此职责的人签名；职责在信任文件的 signs 一行", "have it signed by one who may; the line signs of the trust file says who")
	}
	return k, nil
}

// NewHash returns the digest that goes with an algorithm: SM3 (GB/T 32905) with
// SM2, else SHA-256. Both have 32 bytes. It belongs to the caller.
func (a Algorithm) NewHash() hash.Hash {
	if a == SM2 {
		return newSM3()
	}
	return sha256.New()
}

// HashName names [Algorithm.NewHash]'s digest in files: "sm3" or "sha256".
func (a Algorithm) HashName() string {
	if a == SM2 {
		return "sm3"
	}
	return "sha256"
}

// Text describes the key in one line: name, algorithm, ID, and what its file says that
// it signs and sends.
func (k Key) Text() string {
	text := fmt.Sprintf("%s %s %s", k.Name, k.Algorithm, k.id)
	if len(k.Signs) > 0 {
		text += " signs: " + joined(k.Signs)
	}
	if len(k.Tiers) > 0 {
		text += " tiers: " + joined(k.Tiers)
	}
	return text
}
