package seal

import (
	"bytes"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"gengtu/index/disk"
	"gengtu/index/edition"
	"gengtu/index/problem"
)

// The limits of a key file.
const (
	// MaxFileBytes is how long a key file may be.
	MaxFileBytes = 1 << 20
	// MaxKeys is how many keys a file may hold.
	MaxKeys = 1000
	// MaxNameRunes is how long the name of a key may be.
	MaxNameRunes = 80
)

// The types of PEM blocks in key files (RFC 7468).
const (
	privateBlock = "PRIVATE KEY" // PKCS#8
	publicBlock  = "PUBLIC KEY"  // SubjectPublicKeyInfo
)

// The uses that a block of a key file is marked with where its algorithm does not
// tell: SM2 signs and encrypts.
const (
	useSign    = "sign"
	useEncrypt = "encrypt"
)

// entry is one block of a key file with what the lines before it say.
type entry struct {
	name    string
	use     string // useSign, useEncrypt or "" for whatever its algorithm does
	expires time.Time
	signs   []Purpose
	tiers   []edition.Tier
	said    []string // the lines that speak of the key and are there already
	line    int64    // where it begins, from 1
	block   string
	der     []byte
}

// readFile reads a key file, whole.
func readFile(path string) ([]byte, fs.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		p := problem.New("SEAL_FILE", "密钥文件读不出来（%v）", "the key file cannot be read (%v)", err).In(path).Because(err)
		if errors.Is(err, fs.ErrNotExist) {
			p = p.Advise("用 gengtu key new --out FILE 生成", "make one with gengtu key new --out FILE")
		}
		return nil, nil, p
	}
	info, err := f.Stat()
	var data []byte
	if err == nil {
		data, err = io.ReadAll(io.LimitReader(f, MaxFileBytes+1))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, nil, problem.New("SEAL_FILE", "密钥文件读不出来（%v）", "the key file cannot be read (%v)", err).In(path).Because(err)
	}
	if len(data) > MaxFileBytes {
		return nil, nil, problem.New("SEAL_FILE", "密钥文件超过 %d 字节", "the key file is longer than %d bytes", MaxFileBytes).In(path)
	}
	return data, info, nil
}

// private refuses a file with a private key that others may read.
func private(path string, info fs.FileInfo) error {
	if mode := disk.Perm(info); mode&0o077 != 0 {
		return problem.New("SEAL_MODE", "私钥文件的权限是 %#o，别人也能读", "the file of a private key has mode %#o, others can read it", mode).In(path).
			Advise("执行 chmod 600；若已被别人读过，请换新密钥", "chmod 600; if others have read it, make a new key")
	}
	return nil
}

// keyFile is what a key file holds: blocks of PEM, or devices.
type keyFile struct {
	path    string
	info    fs.FileInfo
	entries []entry
	devices []*device
	terms   terms
}

// terms are what a key file says as a whole.
type terms struct {
	we        string
	approvals int
	encrypt   bool
	said      []string // the lines that are there already
}

// openFile reads the key file at path, for an edition of the tier.
func openFile(path string, tier edition.Tier) (*keyFile, error) {
	data, info, err := readFile(path)
	if err != nil {
		return nil, err
	}
	f := &keyFile{path: path, info: info}
	if isJSON(data) {
		f.devices, f.terms, err = parseDevices(path, data, tier)
	} else {
		f.entries, f.terms, err = parseEntries(path, data)
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// first returns the first key that of makes of a file's blocks of one type, those that
// are marked for the other use passed over; the zero value where there is none. of
// returns the zero value of a block that is not of its kind.
func first[T comparable](f *keyFile, block, otherUse string, of func(e entry) (T, error)) (T, error) {
	var none T
	for _, e := range f.entries {
		if e.block != block || e.use == otherUse {
			continue
		}
		if block == privateBlock {
			if err := private(f.path, f.info); err != nil {
				return none, err
			}
		}
		if k, err := of(e); k != none || err != nil {
			return k, err
		}
	}
	return none, nil
}

// parseEntries reads the blocks of a key file. Between blocks stand empty lines,
// comments that begin with #, and lines: "name: …", "use: …", "expires: …", "signs: …"
// and "tiers: …" speak of the blocks after them until the next name, "we: …",
// "approvals: …" and "encrypt: …" of the file as a whole. None may stand twice. A line that speaks of no block is refused, and one
// that comes too late for the key of signatures: the key would be trusted for more than
// was meant.
func parseEntries(path string, data []byte) ([]entry, terms, error) {
	var entries []entry
	var now entry
	var all terms
	loose := int64(0) // the first line since the last block that speaks of one, 0 for none
	began := false    // a block has that name
	rest, line := data, int64(0)
	for len(rest) > 0 {
		row, tail, _ := bytes.Cut(rest, []byte("\n"))
		line++
		text := strings.TrimSpace(string(row))
		switch {
		case text == "" || strings.HasPrefix(text, "#"):
		case strings.HasPrefix(text, "-----BEGIN "):
			block, after := pem.Decode(rest)
			if block == nil || len(block.Headers) > 0 {
				return nil, all, wrongLine(path, line, "这里的 PEM 块读不懂", "the PEM block here cannot be read")
			}
			if loose > 0 && began && now.use == useEncrypt {
				return nil, all, ofNoKey(path, loose)
			}
			loose, began = 0, true
			e := now
			now.said = slices.DeleteFunc(slices.Clone(now.said), func(name string) bool { return name == "use" }) // each block has its own
			e.line, e.block, e.der = line, block.Type, block.Bytes
			if entries = append(entries, e); len(entries) > MaxKeys {
				return nil, all, problem.New("SEAL_FILE", "密钥超过 %d 个", "more than %d keys", MaxKeys).In(path)
			}
			line += int64(bytes.Count(rest[:len(rest)-len(after)], []byte("\n"))) - 1
			rest = after
			continue
		default:
			name, value := attribute(text)
			if name == "name" {
				if loose > 0 {
					return nil, all, ofNoKey(path, loose)
				}
				began = false
			}
			if p := now.take(&all, name, value); p != nil {
				return nil, all, p.In(path).At(line, "")
			}
			if loose == 0 && slices.Contains([]string{"name", "expires", "signs", "tiers"}, name) {
				loose = line
			}
		}
		rest = tail
	}
	if loose > 0 {
		return nil, all, ofNoKey(path, loose)
	}
	return entries, all, nil
}

// ofNoKey is the problem of a line that stands where it speaks of no key.
func ofNoKey(path string, line int64) error {
	return problem.New("SEAL_FILE", "这一行后面没有它说的密钥", "no key follows this line, which speaks of one").In(path).At(line, "").
		Advise("写在这把密钥的 name 行之后、PEM 块之前；记录号即行号", "write it below the name of the key and above its block of PEM; the record is the line")
}

// attribute divides a line of a key file.
func attribute(text string) (name, value string) {
	name, value, _ = strings.Cut(text, ":")
	return strings.TrimSpace(name), strings.TrimSpace(value)
}

// take takes a line of a key file; what is wrong with it is a problem SEAL_FILE.
func (e *entry) take(all *terms, name, value string) *problem.Problem {
	if p := e.once(all, name); p != nil {
		return p
	}
	var p *problem.Problem
	switch name {
	case "name":
		if !goodName(value) {
			return wrong("名称 %.80q 不行：要 1 至 %d 个字，没有控制符", "the name %.80q will not do: 1 to %d characters, none of them control characters", value, MaxNameRunes)
		}
		*e = entry{name: value}
	case "use":
		if value != useSign && value != useEncrypt {
			return wrong("用途 %.40q 应为 sign 或 encrypt", "the use %.40q should be sign or encrypt", value)
		}
		e.use = value
	case "expires":
		at, err := parseExpiry(value)
		if err != nil {
			return wrong("日期 %.40q 读不懂，例：2027-12-31", "the date %.40q cannot be read, an example is 2027-12-31", value)
		}
		e.expires = at
	case "signs":
		e.signs, p = purposesOf(words(value))
	case "tiers":
		e.tiers, p = tiersOf(words(value))
	case "we":
		if !goodName(value) {
			return wrong("我方名称 %.80q 不行", "our name %.80q will not do", value)
		}
		all.we = value
	case "approvals":
		n, err := strconv.Atoi(value)
		if err != nil {
			n = -1 // no number
		}
		all.approvals, p = n, goodApprovals(n)
	case "encrypt":
		all.encrypt, p = encryptOf(value)
	default:
		// It may be of a private key without its first line: as much as all keys begin with.
		return wrong("这一行读不懂：%.16q", "this line cannot be read: %.16q", name)
	}
	return p
}

// once refuses a line that is there already: the last one would win without a word. A name
// begins what is said of its keys anew.
func (e *entry) once(all *terms, name string) *problem.Problem {
	said := &e.said
	switch name {
	case "name":
		return nil
	case "we", "approvals", "encrypt":
		said = &all.said
	}
	if slices.Contains(*said, name) {
		return wrong("%.16q 写了两次", "%.16q stands there twice", name)
	}
	*said = append(*said, name)
	return nil
}

// parseExpiry reads a day, which is the last one, or a moment of RFC 3339.
func parseExpiry(text string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	return time.Parse(time.RFC3339, text)
}

// goodName tells whether name may stand in logs, lists and key files.
func goodName(name string) bool {
	n := 0
	for _, r := range name {
		if n++; n > MaxNameRunes || !unicode.IsPrint(r) {
			return false
		}
	}
	return n > 0 && strings.TrimSpace(name) == name
}

// wrong is the problem of a line of a key file.
func wrong(zh, en string, args ...any) *problem.Problem {
	return problem.New("SEAL_FILE", zh, en, args...).
		Advise("记录号即行号；密钥文件由 gengtu key new 生成，公钥在同名 .pub 里", "the record is the line; key files are made by gengtu key new, the public half lies in the .pub beside")
}

func wrongLine(path string, line int64, zh, en string, args ...any) error {
	return wrong(zh, en, args...).In(path).At(line, "")
}

// refuseSM is the problem of a key that a tier must not use.
func refuseSM(path string, line int64) error {
	return problem.New("SEAL_SUITE", "涉密版不用软件实现的 SM2 密钥", "the secure tier uses no SM2 key in software").In(path).At(line, "").
		Advise("请用本单位的密码设备（device）或 Ed25519 密钥", "use the unit's own device, or an Ed25519 key")
}

// ReadSigner reads the private key that signs from the file at path: the first one
// of a PEM file made by gengtu key new (or any PKCS#8 of Ed25519 or SM2), or the
// JSON of a [DeviceFile]. It is for an edition of the tier.
//
// Problems: SEAL_FILE with the line when the file cannot be read or holds no such
// key, SEAL_MODE when others may read it, SEAL_SUITE when the tier may not use it.
func ReadSigner(path string, tier edition.Tier) (Signer, error) {
	f, err := openFile(path, tier)
	if err != nil {
		return nil, err
	}
	if len(f.devices) > 0 {
		return f.devices[0].signer(), nil
	}
	s, err := first(f, privateBlock, useEncrypt, func(e entry) (Signer, error) { return e.signer(path, tier) })
	if s == nil && err == nil {
		err = problem.New("SEAL_FILE", "文件里没有签名私钥", "the file holds no private key that signs").In(path).
			Advise("用 gengtu key new --out FILE 生成", "make one with gengtu key new --out FILE")
	}
	return s, err
}

// EncryptionRequired tells whether the key file at path, which [ReadSigner] reads, has a
// line "encrypt: required": then its owner sends nothing above public in the clear.
// Problems are those of [ReadSigner].
func EncryptionRequired(path string, tier edition.Tier) (bool, error) {
	f, err := openFile(path, tier)
	if err != nil {
		return false, err
	}
	return f.terms.encrypt, nil
}

// ReadTrust reads the public keys that are trusted from the file at path: one or
// more PEM blocks with the name of each before it (the .pub files that gengtu key
// new makes, one after another), or the JSON of [DeviceFile]s. Keys that only
// encrypt are passed over. It is for an edition of the tier.
//
// Problems: SEAL_FILE with the line when the file cannot be read, holds a private
// key, a key twice or none, SEAL_SUITE when the tier may not use one of them.
func ReadTrust(path string, tier edition.Tier) (Trust, error) {
	f, err := openFile(path, tier)
	if err != nil {
		return Trust{}, err
	}
	t := Trust{Self: f.terms.we, Approvals: f.terms.approvals, Encrypted: f.terms.encrypt}
	for i, d := range f.devices {
		if err := t.add(path, int64(i+1), d.public); err != nil {
			return Trust{}, err
		}
	}
	for _, e := range f.entries {
		if e.use == useEncrypt {
			continue
		}
		k, found, err := e.key(path, tier)
		if err != nil {
			return Trust{}, err
		}
		if !found {
			continue
		}
		if err := t.add(path, e.line, k); err != nil {
			return Trust{}, err
		}
	}
	if len(t.Keys) == 0 {
		return Trust{}, problem.New("SEAL_FILE", "文件里没有可信任的签名公钥", "the file holds no public key of signatures").In(path).
			Advise("放入对方的 .pub 文件内容", "put the sender's .pub file there")
	}
	return t, nil
}

// add takes a key that is not there yet.
func (t *Trust) add(path string, line int64, k Key) error {
	if other, ok := t.Find(k.id); ok {
		return wrongLine(path, line, "密钥 %s 出现了两次（%s、%s）", "the key %s stands there twice (%s, %s)", k.id, other.Name, k.Name)
	}
	t.Keys = append(t.Keys, k)
	return nil
}
