package exchange

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/seal"
)

// Ensure: a package above the level is told as such whatever else is wrong with it.
func TestLevelIsToldFirst(t *testing.T) {
	k := newKeys(t)
	high, low, to := filepath.Join(t.TempDir(), "high"), filepath.Join(t.TempDir(), "low"), filepath.Join(t.TempDir(), "to")
	made(t, high, edition.Secure, parcels(3))
	made(t, low, edition.Government, parcels(3))
	if _, err := receive(t, k, to, packed(t, k, low, nil), nil); err != nil {
		t.Fatal(err)
	}
	secret := packed(t, k, high, nil) // number 1 of the same sender, as the one that was taken in
	damaged := takenApart(t, k, secret)
	damaged.members = func(m []file) []file { m[2].data[9] ^= 1; return m }
	for also, c := range map[string]struct {
		path   string
		change func(*ReceiveOptions)
	}{
		"PACKAGE_REPLAY":   {secret, nil},
		"PACKAGE_RECEIVER": {packed(t, k, high, func(o *PackOptions) { o.Receiver = "x" }), func(o *ReceiveOptions) { o.As = "we" }},
		"PACKAGE_DIGEST":   {damaged.written(t), func(o *ReceiveOptions) { o.Edition = filepath.Join(t.TempDir(), "new"); o.Level = edition.Government }},
	} {
		_, err := receive(t, k, to, c.path, c.change)
		p := problem.Of(err)
		if p == nil || p.Code != "PACKAGE_LEVEL" || !strings.Contains(p.Found(problem.English), also) || !strings.Contains(p.Found(problem.Chinese), also) {
			t.Errorf("%s: %v", also, err)
		}
		if !Refused(err) {
			t.Errorf("%s: it is not in quarantine", also)
		}
	}
}

// Ensure: what is not signed is not sent as if it were, and the sender learns of a package
// whose manifest nobody could read, by its file.
func TestReceiptOfUnreadable(t *testing.T) {
	k := newKeys(t)
	to, sender, out := filepath.Join(t.TempDir(), "to"), filepath.Join(t.TempDir(), "sender"), t.TempDir()
	path := filepath.Join(t.TempDir(), "a.gtp")
	garbage := []byte(strings.Repeat("x", 2048))
	if err := errors.Join(os.WriteFile(path, garbage, 0o600), os.Mkdir(sender, 0o700)); err != nil {
		t.Fatal(err)
	}
	for i, key := range []string{"", k.stranger} {
		if _, err := receive(t, k, to, path, func(o *ReceiveOptions) { o.Receipt, o.Now = key, noon.AddDate(0, 0, i) }); !Refused(err) {
			t.Fatal(err)
		}
	}
	sent, unsigned, err := SendReceipts(to, out)
	if err != nil || len(sent) != 1 || len(unsigned) != 1 {
		t.Fatal(sent, unsigned, err)
	}
	b := &Inbox{Edition: sender, Trust: k.stranger + seal.PublicEnding, Now: noon.AddDate(0, 0, 2)}
	c, err := b.TakeReceipt(t.Context(), filepath.Join(out, sent[0]))
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%x", sha256.Sum256(garbage)); c.File != want || c.Code != "PACKAGE_FORM" || c.Package != "" {
		t.Errorf("%+v, the file's SHA-256 is %s", c, want)
	}
	if all, err := filepath.Glob(filepath.Join(sender, edition.ExchangeDir, returnedDir, "*.json")); err != nil || len(all) != 1 {
		t.Error(all, err)
	}
}

// Ensure: where the trust file asks for encryption a package in the clear is refused, a
// public one and an encrypted one are not.
func TestEncryptionIsAskedFor(t *testing.T) {
	k := newKeys(t)
	text, err := os.ReadFile(k.trust)
	if err == nil {
		k.trust = filepath.Join(t.TempDir(), "trust")
		err = os.WriteFile(k.trust, append([]byte("encrypt: required\n"), text...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	recipient, err := seal.ReadRecipient(k.stranger+seal.PublicEnding, edition.Government)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		tier edition.Tier
		to   seal.Recipient
		code string
	}{{edition.Government, nil, "PACKAGE_PLAIN"}, {edition.Government, recipient, ""}, {edition.Public, nil, ""}} {
		from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
		made(t, from, c.tier, parcels(3))
		_, err := receive(t, k, to, packed(t, k, from, func(o *PackOptions) { o.Recipient = c.to }), func(o *ReceiveOptions) { o.Decrypt = k.stranger })
		if code(err) != c.code {
			t.Errorf("%s, encrypted %v: %v", c.tier, c.to != nil, err)
		}
	}
}

// Ensure: of a command for a directory that is not there, which names no package, nothing
// stays.
func TestNothingStaysOfASlip(t *testing.T) {
	k := newKeys(t)
	to := filepath.Join(t.TempDir(), "to")
	if _, err := receive(t, k, to, "nosuch.gtp", nil); code(err) != "PACK_READ" {
		t.Fatal(err)
	}
	if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is there: %v", to, err)
	}
}

// Ensure: the list that is printed is taken as it is, and the embedded one has nobody owe
// anything.
func TestPrintedListIsTaken(t *testing.T) {
	s, err := ParseSharing("printed", []byte(SharingText()))
	if err != nil || len(s.Deliveries) == 0 {
		t.Fatal(err)
	}
	if status := s.Track(noon, nil); len(status.Dues) < len(s.Deliveries) || !slices.ContainsFunc(status.Dues, func(d Due) bool { return d.State == Missing }) {
		t.Errorf("%+v", status)
	}
	if s, err = ParseSharing("", nil); err != nil || len(s.Deliveries) != 0 {
		t.Error(s.Deliveries, err)
	}
}
