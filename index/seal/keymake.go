package seal

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"gengtu/index/edition"
	"gengtu/index/problem"
)

// Pair is a new key file and its public half, both as text.
type Pair struct {
	// Private is what [ReadSigner] and [ReadOpener] read: keep it.
	Private []byte
	// Public is what [ReadTrust] and [ReadRecipient] read: give it away.
	Public []byte
	// Key is the public key of signatures.
	Key Key
}

// NewKeys makes two keys, one to sign and one to be encrypted for, under a name:
// Ed25519 and X25519 for [Ed25519], two of SM2 for [SM2]. expires is when the
// public half ceases to be trusted, zero for never. tiers are those that its owner may
// send packages of; none stands for all that the algorithm may be used for. Another
// algorithm is a problem SEAL_ALGORITHM, a name that will not do SEAL_NAME, SM2 for the secure tier SEAL_SUITE.
func NewKeys(a Algorithm, name string, expires time.Time, tiers ...edition.Tier) (Pair, error) {
	if !goodName(name) {
		return Pair{}, problem.New("SEAL_NAME", "名称 %.80q 不行：要 1 至 %d 个字，没有控制符", "the name %.80q will not do: 1 to %d characters, none of them control characters", name, MaxNameRunes)
	}
	var signs, encrypts halves
	var err error
	switch a {
	case Ed25519:
		if signs, err = makeEd25519(); err == nil {
			encrypts, err = makeX25519()
		}
	case SM2:
		if signs, err = makeSM(); err == nil {
			encrypts, err = makeSM()
		}
	default:
		return Pair{}, problem.New("SEAL_ALGORITHM", "不能生成 %.20q 密钥", "no key of %.20q can be made", string(a)).
			Advise("请用 ed25519（std）或 sm2（sm）；设备里的密钥由设备生成", "use ed25519 (std) or sm2 (sm); a device makes its own")
	}
	if err != nil {
		return Pair{}, err
	}
	switch {
	case len(tiers) == 0 && a == SM2:
		tiers = []edition.Tier{edition.Government, edition.Public}
	case len(tiers) == 0:
		tiers = edition.Tiers
	case a == SM2 && slices.Contains(tiers, edition.Secure):
		return Pair{}, refuseSM("", 0)
	}
	e := entry{name: name, expires: expires, tiers: tiers}
	p := Pair{Private: heading(name, tiers, expires), Public: heading(name, tiers, expires), Key: e.named(a, signs.public, nil)}
	for _, k := range []struct {
		use string
		halves
	}{{useSign, signs}, {useEncrypt, encrypts}} {
		p.Private = k.append(p.Private, k.use, privateBlock, k.private)
		p.Public = k.append(p.Public, k.use, publicBlock, k.public)
	}
	return p, nil
}

// heading is what stands before the blocks of a key file.
func heading(name string, tiers []edition.Tier, expires time.Time) []byte {
	head := "name: " + name + "\n"
	if len(tiers) > 0 {
		head += "tiers: " + joined(tiers) + "\n"
	}
	if !expires.IsZero() {
		head += "expires: " + expires.UTC().Format(time.RFC3339) + "\n"
	}
	return []byte(head)
}

// halves is a key as PKCS#8 and as SubjectPublicKeyInfo.
type halves struct{ private, public []byte }

func (halves) append(to []byte, use, block string, der []byte) []byte {
	var b bytes.Buffer
	b.Write(to)
	fmt.Fprintf(&b, "use: %s\n", use)
	b.Write(pem.EncodeToMemory(&pem.Block{Type: block, Bytes: der}))
	return b.Bytes()
}

func makeEd25519() (halves, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return halves{}, fmt.Errorf("ed25519: %w", err)
	}
	return encode(private, public)
}

func makeX25519() (halves, error) {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return halves{}, fmt.Errorf("x25519: %w", err)
	}
	return encode(key, key.PublicKey())
}

func encode(private, public any) (h halves, err error) {
	if h.private, err = x509.MarshalPKCS8PrivateKey(private); err != nil {
		return halves{}, fmt.Errorf("pkcs#8: %w", err)
	}
	if h.public, err = x509.MarshalPKIXPublicKey(public); err != nil {
		return halves{}, fmt.Errorf("subject public key: %w", err)
	}
	return h, nil
}

// PublicEnding is what is added to a key file's path for its public half.
const PublicEnding = ".pub"

// Write writes the pair to path, which its owner alone may read, and to path.pub.
// A file that is there already is never written over: problem SEAL_EXISTS.
func (p Pair) Write(path string) error {
	if err := create(path, p.Private, 0o600); err != nil {
		return err
	}
	if err := create(path+PublicEnding, p.Public, 0o644); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// create writes a file that is not there yet, and sees it on disk.
func create(path string, data []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	switch {
	case errors.Is(err, fs.ErrExist):
		return problem.New("SEAL_EXISTS", "文件已存在", "the file exists").In(path).
			Advise("密钥不覆盖：换一个文件名", "no key is written over: choose another name")
	case err != nil:
		return problem.New("SEAL_FILE", "密钥文件写不了（%v）", "the key file cannot be written (%v)", err).In(path).Because(err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(problem.New("SEAL_FILE", "密钥文件写不了（%v）", "the key file cannot be written (%v)", err).In(path).Because(err), os.Remove(path))
	}
	return nil
}
