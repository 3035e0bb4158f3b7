package seal_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/seal"
)

// made writes a new pair of key files and returns its path.
func made(t *testing.T, a seal.Algorithm, name string) string {
	t.Helper()
	p, err := seal.NewKeys(a, name, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.pem")
	if err := p.Write(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func opened(t *testing.T, path string) (seal.Signer, seal.Trust) {
	t.Helper()
	s, err := seal.ReadSigner(path, edition.Government)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := seal.ReadTrust(path+seal.PublicEnding, edition.Government)
	if err != nil {
		t.Fatal(err)
	}
	return s, trust
}

// wants fails unless err is a problem of that code; "" wants none.
func wants(t *testing.T, what string, err error, code string) {
	t.Helper()
	if code == "" && err == nil {
		return
	}
	if p := problem.Of(err); p == nil || p.Code != code {
		t.Errorf("%s: got %v, want %q", what, err, code)
	}
}

// What was signed is believed; every bit of message or signature that is another,
// another purpose, algorithm or key is found.
func TestVerify(t *testing.T) {
	for _, a := range []seal.Algorithm{seal.Ed25519, seal.SM2} {
		t.Run(string(a), func(t *testing.T) {
			ctx := t.Context()
			signer, trust := opened(t, made(t, a, "咸阳市局"))
			stranger, others := opened(t, made(t, a, "stranger"))
			message := []byte(`{"figures": [61904860.22]}`)
			s, err := seal.Sign(ctx, signer, seal.Answer, message)
			if err != nil {
				t.Fatal(err)
			}
			k, err := seal.Verify(ctx, trust, seal.Answer, message, s)
			if err != nil || k.Name != "咸阳市局" || k.ID() != s.Key || signer.Public().ID() != k.ID() {
				t.Errorf("believed %q %v", k.Name, err)
			}
			for i := range message {
				for bit := range 8 {
					m := slices.Clone(message)
					m[i] ^= 1 << bit
					_, err := seal.Verify(ctx, trust, seal.Answer, m, s)
					wants(t, "altered message", err, "SEAL_BROKEN")
				}
			}
			for i := range s.Value {
				for bit := range 8 {
					altered := s
					altered.Value = slices.Clone(s.Value)
					altered.Value[i] ^= 1 << bit
					_, err := seal.Verify(ctx, trust, seal.Answer, message, altered)
					wants(t, "altered signature", err, "SEAL_BROKEN")
				}
			}
			for _, c := range []struct {
				what  string
				trust seal.Trust
				p     seal.Purpose
				m     []byte
				alter func(*seal.Signature)
				code  string
			}{
				{"another purpose", trust, seal.Package, message, nil, "SEAL_BROKEN"},
				{"the purpose moved into the message", trust, "", append([]byte("answer\n"), message...), nil, "SEAL_BROKEN"},
				{"another key's ID", others, seal.Answer, message, func(s *seal.Signature) { s.Key = stranger.Public().ID() }, "SEAL_BROKEN"},
				{"nobody trusted", seal.Trust{}, seal.Answer, message, nil, "SEAL_UNTRUSTED"},
				{"a stranger", others, seal.Answer, message, nil, "SEAL_UNTRUSTED"},
				{"another algorithm", trust, seal.Answer, message, func(s *seal.Signature) { s.Algorithm = seal.Device }, "SEAL_BROKEN"},
				{"no signature", trust, seal.Answer, message, func(s *seal.Signature) { s.Value = nil }, "SEAL_BROKEN"},
				{"a long signature", trust, seal.Answer, message, func(s *seal.Signature) { s.Value = make([]byte, seal.MaxSignatureBytes+1) }, "SEAL_BROKEN"},
				{"a short message", trust, seal.Answer, message[1:], nil, "SEAL_BROKEN"},
				{"a message beyond the limit", trust, seal.Answer, make([]byte, seal.MaxMessageBytes+1), nil, "SEAL_LENGTH"},
			} {
				altered := s
				if c.alter != nil {
					c.alter(&altered)
				}
				_, err := seal.Verify(ctx, c.trust, c.p, c.m, altered)
				wants(t, c.what, err, c.code)
			}
			if _, err := seal.Sign(ctx, signer, seal.Answer, make([]byte, seal.MaxMessageBytes+1)); err == nil {
				t.Error("a message beyond the limit was signed")
			}
		})
	}
}

// A key is trusted until its time is over and no moment longer.
func TestExpiry(t *testing.T) {
	ctx, end := context.Background(), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, text := range []string{"2026-12-31", "2027-01-01T00:00:00Z", "2027-01-01T08:00:00+08:00"} {
		path := made(t, seal.Ed25519, "a")
		signer, _ := opened(t, path)
		data, err := os.ReadFile(path + seal.PublicEnding)
		if err != nil {
			t.Fatal(err)
		}
		file := written(t, "name: b\nexpires: "+text+"\n"+strings.TrimPrefix(string(data), "name: a\n"))
		trust, err := seal.ReadTrust(file, edition.Public)
		if err != nil {
			t.Fatal(err)
		}
		s, err := seal.Sign(ctx, signer, seal.Receipt, nil)
		if err != nil {
			t.Fatal(err)
		}
		trust.Now = func() time.Time { return end.Add(-1) }
		_, err = seal.Verify(ctx, trust, seal.Receipt, nil, s)
		wants(t, "before", err, "")
		trust.Now = func() time.Time { return end }
		_, err = seal.Verify(ctx, trust, seal.Receipt, nil, s)
		wants(t, "after", err, "SEAL_EXPIRED")
	}
}

func written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A secure edition can have no SM2 key of this program, by no file.
func TestSecureRefusesSM(t *testing.T) {
	path := made(t, seal.SM2, "a")
	data, err := os.ReadFile(path + seal.PublicEnding)
	if err != nil {
		t.Fatal(err)
	}
	device := written(t, `{"name": "d", "algorithm": "sm2", "command": ["true"], "public": `+quoted(string(data[strings.Index(string(data), "-----"):]))+`}`)
	for _, tier := range edition.Tiers {
		code := ""
		if tier == edition.Secure {
			code = "SEAL_SUITE"
		}
		_, err := seal.ReadSigner(path, tier)
		wants(t, "signer", err, code)
		_, err = seal.ReadTrust(path+seal.PublicEnding, tier)
		wants(t, "trust", err, code)
		_, err = seal.ReadSigner(device, tier)
		wants(t, "device", err, code)
		_, err = seal.ReadTrust(device, tier)
		wants(t, "trusted device", err, code)
	}
}

// A file that is wrong is refused with what is wrong, never with a panic or a key.
func TestKeyFiles(t *testing.T) {
	good := made(t, seal.Ed25519, "a")
	read := func(path string) string {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	public, private := read(good+seal.PublicEnding), read(good)
	for _, c := range []struct {
		what, text, code string
		line             int64
	}{
		{"two files, one after another", public + "\n# the next\n" + read(made(t, seal.SM2, "b")+seal.PublicEnding), "", 0},
		{"nothing", "", "SEAL_FILE", 0},
		{"the private half", private, "SEAL_FILE", 4},
		{"twice the same under two names", public + strings.Replace(public, "name: a", "name: b", 1), "SEAL_FILE", 14},
		{"a word", "hello\n", "SEAL_FILE", 1},
		{"an unknown line", "\ncolour: red\n" + public, "SEAL_FILE", 2},
		{"an empty name", "name:\n" + public, "SEAL_FILE", 1},
		{"a name with a control character", "name: a\x1b[2J\n" + public, "SEAL_FILE", 1},
		{"a long name", "name: " + strings.Repeat("长", 81) + "\n", "SEAL_FILE", 1},
		{"a use that is none", "use: eat\n" + public, "SEAL_FILE", 1},
		{"a date that is none", "expires: 2027-02-30\n" + public, "SEAL_FILE", 1},
		{"a purpose that is none", "name: a\nsigns: package, eat\n", "SEAL_FILE", 2},
		{"no purpose", "signs:\n", "SEAL_FILE", 1},
		{"a tier that is none", "tiers: secret\n", "SEAL_FILE", 1},
		{"a tier twice", "tiers: secure, secure\n", "SEAL_FILE", 1},
		{"two names for us", "we: a\nwe: b\n", "SEAL_FILE", 2},
		{"no number of approvals", "approvals: two\n", "SEAL_FILE", 1},
		{"too many approvals", "approvals: 21\n", "SEAL_FILE", 1},
		{"a device with a purpose that is none", `{"name": "d", "algorithm": "device", "key": "1", "socket": "s", "signs": ["eat"]}`, "SEAL_FILE", 1},
		{"a device with a tier that is none", `{"name": "d", "algorithm": "device", "key": "1", "socket": "s", "tiers": ["x"]}`, "SEAL_FILE", 1},
		{"a block cut short", public[:120], "SEAL_FILE", 4},
		{"a block of another kind", strings.ReplaceAll(public, "PUBLIC KEY", "CERTIFICATE"), "SEAL_FILE", 4},
		{"a block that is no key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "SEAL_FILE", 1},
		{"a file beyond the limit", strings.Repeat("#\n", seal.MaxFileBytes/2+1), "SEAL_FILE", 0},
		{"JSON with an unknown field", `{"nom": 1}`, "SEAL_FILE", 0},
		{"a device without a way to it", `{"name": "d", "algorithm": "device", "key": "1"}`, "SEAL_FILE", 1},
		{"a device with two", `{"name": "d", "algorithm": "device", "key": "1", "socket": "s", "command": ["c"]}`, "SEAL_FILE", 1},
		{"a device without a key", `{"name": "d", "algorithm": "device", "socket": "s"}`, "SEAL_FILE", 1},
		{"no keys", `{"keys": []}`, "SEAL_FILE", 0},
		{"an algorithm that needs a public key", `{"name": "d", "algorithm": "ed25519", "socket": "s"}`, "SEAL_FILE", 1},
	} {
		_, err := seal.ReadTrust(written(t, c.text), edition.Government)
		wants(t, c.what, err, c.code)
		if p := problem.Of(err); p != nil && p.Record != c.line {
			t.Errorf("%s: line %d, want %d", c.what, p.Record, c.line)
		}
	}
	_, err := seal.ReadSigner(good+seal.PublicEnding, edition.Government)
	wants(t, "no private key", err, "SEAL_FILE")
	_, err = seal.ReadSigner(filepath.Join(t.TempDir(), "none"), edition.Government)
	wants(t, "no file", err, "SEAL_FILE")
	if err := os.Chmod(good, 0o640); err != nil {
		t.Fatal(err)
	}
	_, err = seal.ReadSigner(good, edition.Government)
	wants(t, "a private key that others may read", err, "SEAL_MODE")
}

// New key files are its owner's alone, never written over, and half of a pair is
// not left behind.
func TestWrite(t *testing.T) {
	p, err := seal.NewKeys(seal.Ed25519, "a", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "k")
	if err := os.WriteFile(path+seal.PublicEnding, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wants(t, "the public half exists", p.Write(path), "SEAL_EXISTS")
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("half a pair is left")
	}
	if err := os.Remove(path + seal.PublicEnding); err != nil {
		t.Fatal(err)
	}
	wants(t, "new", p.Write(path), "")
	wants(t, "it exists", p.Write(path), "SEAL_EXISTS")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v %v", info.Mode(), err)
	}
	for _, name := range []string{"", " a", "a\nuse: sign", strings.Repeat("a", 81)} {
		_, err := seal.NewKeys(seal.Ed25519, name, time.Time{})
		wants(t, "name "+name, err, "SEAL_NAME")
	}
	_, err = seal.NewKeys(seal.Device, "a", time.Time{})
	wants(t, "a device's key", err, "SEAL_ALGORITHM")
}
