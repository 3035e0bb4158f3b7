package seal_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"testing/iotest"

	"gengtu/index/edition"
	"gengtu/index/seal"
)

// pairOf reads both halves of a key file for encryption.
func pairOf(t *testing.T, path, public string, tier edition.Tier) (seal.Recipient, seal.Opener) {
	t.Helper()
	to, err := seal.ReadRecipient(public, tier)
	if err != nil {
		t.Fatal(err)
	}
	by, err := seal.ReadOpener(path, tier)
	if err != nil {
		t.Fatal(err)
	}
	return to, by
}

func closed(t *testing.T, to seal.Recipient, content []byte, step int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := seal.Encrypt(t.Context(), &b, to)
	if err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk(content, step) {
		if n, err := w.Write(part); err != nil || n != len(part) {
			t.Fatal(n, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(t *testing.T, by seal.Opener, data []byte) ([]byte, error) {
	t.Helper()
	r, err := seal.Decrypt(t.Context(), bytes.NewReader(data), by)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// What was closed for a key comes back whatever its length and however it is written
// and read; no other key opens it.
func TestEnvelope(t *testing.T) {
	const piece = 64 << 10
	rng := rand.NewChaCha8([32]byte{7})
	t.Setenv(asDevice, "well")
	deviceKey := device(t, `"command": [`+quoted(os.Args[0])+`]`)
	std, sm := made(t, seal.Ed25519, "a"), made(t, seal.SM2, "b")
	for _, k := range []struct {
		name, private, public string
		tier                  edition.Tier
	}{{"std", std, std + seal.PublicEnding, edition.Secure}, {"sm", sm, sm + seal.PublicEnding, edition.Government}, {"device", deviceKey, deviceKey, edition.Secure}} {
		t.Run(k.name, func(t *testing.T) {
			to, by := pairOf(t, k.private, k.public, k.tier)
			stranger := made(t, seal.Ed25519, "c")
			_, other := pairOf(t, stranger, stranger+seal.PublicEnding, edition.Secure)
			for _, n := range []int{0, 1, piece - 1, piece, piece + 1, 3 * piece, 3*piece + 5} {
				content := make([]byte, n)
				_, _ = rng.Read(content)
				data := closed(t, to, content, max(n/7, 1))
				if !seal.Encrypted(data[:16]) || n > 32 && bytes.Contains(data, content[:32]) {
					t.Fatal("not closed")
				}
				got, err := open(t, by, data)
				if err != nil || !bytes.Equal(got, content) {
					t.Fatalf("%d bytes: %d came back, %v", n, len(got), err)
				}
				r, err := seal.Decrypt(t.Context(), iotest.OneByteReader(bytes.NewReader(data)), by)
				if err != nil {
					t.Fatal(err)
				}
				if got, err = io.ReadAll(r); err != nil || !bytes.Equal(got, content) {
					t.Fatalf("%d bytes, one by one: %v", n, err)
				}
				_, err = open(t, other, data)
				wants(t, "another key", err, "SEAL_RECIPIENT")
			}
		})
	}
}

// Each bit that is altered is found, and each end that is cut off, before anything
// behind it is returned; pieces cannot be moved.
func TestEnvelopeAltered(t *testing.T) {
	const piece = 64<<10 + 16
	for _, a := range []seal.Algorithm{seal.Ed25519, seal.SM2} {
		path := made(t, a, "a")
		to, by := pairOf(t, path, path+seal.PublicEnding, edition.Government)
		content := []byte("耕地 61904860.22")
		data := closed(t, to, content, 5)
		for i := range data {
			d := slices.Clone(data)
			d[i] ^= 1 << (i % 8)
			if got, err := open(t, by, d); err == nil || len(got) > 0 {
				t.Fatalf("%s: byte %d: %q %v", a, i, got, err)
			}
			if got, err := open(t, by, data[:i]); err == nil || len(got) > 0 {
				t.Fatalf("%s: cut at %d: %q %v", a, i, got, err)
			}
		}
		if _, err := open(t, by, append(slices.Clone(data), 0)); err == nil {
			t.Error("a byte more was not found")
		}
		long := closed(t, to, make([]byte, 3*(piece-16)), 1000)
		body := len(long) - 3*piece
		swapped := slices.Concat(long[:body], long[body+piece:body+2*piece], long[body:body+piece], long[body+2*piece:])
		if got, err := open(t, by, swapped); err == nil || len(got) > 0 {
			t.Error("pieces that changed places were not found")
		}
		if got, err := open(t, by, long[:body+2*piece]); err == nil || len(got) > piece {
			t.Error("a piece that is missing at the end was not found")
		}
	}
}

// A writer that fails is told of, and nothing is taken after Close.
func TestEnvelopeWriter(t *testing.T) {
	path := made(t, seal.Ed25519, "a")
	to, _ := pairOf(t, path, path+seal.PublicEnding, edition.Secure)
	if _, err := seal.Encrypt(t.Context(), failing{}, to); err == nil {
		t.Error("no error of the writer")
	}
	w, err := seal.Encrypt(t.Context(), io.Discard, to)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte{1}); err == nil {
		t.Error("written after Close")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }

// Whatever is given to be opened, what comes back was closed for the key.
func FuzzDecrypt(f *testing.F) {
	dir := f.TempDir()
	p, err := seal.NewKeys(seal.Ed25519, "a", seal.Key{}.Expires)
	if err != nil {
		f.Fatal(err)
	}
	if err := p.Write(dir + "/k"); err != nil {
		f.Fatal(err)
	}
	by, err := seal.ReadOpener(dir+"/k", edition.Secure)
	if err != nil {
		f.Fatal(err)
	}
	to, err := seal.ReadRecipient(dir+"/k.pub", edition.Secure)
	if err != nil {
		f.Fatal(err)
	}
	var b bytes.Buffer
	w, err := seal.Encrypt(f.Context(), &b, to)
	if err != nil {
		f.Fatal(err)
	}
	if _, err := io.WriteString(w, "耕地"); err != nil {
		f.Fatal(err)
	}
	if err := w.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("gengtu-sealed/1\n{}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := seal.Decrypt(t.Context(), bytes.NewReader(data), by)
		if err != nil {
			return
		}
		if got, err := io.ReadAll(r); err == nil && string(got) != "耕地" {
			t.Fatalf("%q", got)
		}
	})
}
