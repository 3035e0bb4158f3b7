package seal_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/seal"
)

func quoted(s string) string {
	data, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(data)
}

func openssl(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("openssl", args...).CombinedOutput(); err != nil {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// OpenSSL believes what we sign and we believe what OpenSSL signs, with keys of
// either's making.
func TestOpenSSL(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("no openssl")
	}
	ctx, message := t.Context(), []byte("耕地 61904860.22")
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// What is signed: one line of purpose, then the message.
	input := file("message", append([]byte("gengtu package\n"), message...))
	for _, c := range []struct {
		a       seal.Algorithm
		options []string
		make    []string
	}{
		{seal.Ed25519, []string{"-rawin"}, []string{"-algorithm", "ed25519"}},
		{seal.SM2, []string{"-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678"}, []string{"-algorithm", "SM2"}},
	} {
		theirs, theirPublic := filepath.Join(dir, string(c.a)), filepath.Join(dir, string(c.a)+".pub")
		openssl(t, append([]string{"genpkey", "-out", theirs}, c.make...)...)
		openssl(t, "pkey", "-in", theirs, "-pubout", "-out", theirPublic)
		ours := made(t, c.a, "ours")
		for _, k := range []struct{ private, public string }{{theirs, theirPublic}, {ours, ours + seal.PublicEnding}} {
			signer, err := seal.ReadSigner(k.private, edition.Government)
			if err != nil {
				t.Fatal(err)
			}
			trust, err := seal.ReadTrust(k.public, edition.Government)
			if err != nil {
				t.Fatal(err)
			}
			s, err := seal.Sign(ctx, signer, seal.Package, message)
			if err != nil {
				t.Fatal(err)
			}
			sig := file("sig", s.Value)
			openssl(t, append([]string{"pkeyutl", "-verify", "-pubin", "-inkey", k.public, "-in", input, "-sigfile", sig}, c.options...)...)
			openssl(t, append([]string{"pkeyutl", "-sign", "-inkey", k.private, "-in", input, "-out", sig}, c.options...)...)
			if s.Value, err = os.ReadFile(sig); err != nil {
				t.Fatal(err)
			}
			if _, err := seal.Verify(ctx, trust, seal.Package, message, s); err != nil {
				t.Errorf("%s: OpenSSL's signature: %v", c.a, err)
			}
		}
	}
}

// extract is HKDF-Extract of RFC 5869 with the labels of RFC 9180, 4.
func extract(salt []byte, suite, label string, ikm []byte) []byte {
	h := hmac.New(sha256.New, salt)
	h.Write(append([]byte("HPKE-v1"+suite+label), ikm...))
	return h.Sum(nil)
}

// expand is HKDF-Expand, of 32 bytes at most, with those labels.
func expand(prk []byte, suite, label string, info []byte, n int) []byte {
	h := hmac.New(sha256.New, prk)
	h.Write(append([]byte{byte(n >> 8), byte(n)}, "HPKE-v1"+suite+label...))
	h.Write(append(info, 1))
	return h.Sum(nil)[:n]
}

// hpkeKey is the key and nonce of RFC 9180's base mode, 4.1 and 5.1, of X25519 (0x0020),
// HKDF-SHA256 (1) and AES-256-GCM (2).
func hpkeKey(dh, enc, public, info []byte) (key, nonce []byte) {
	kem, suite := "KEM\x00\x20", "HPKE\x00\x20\x00\x01\x00\x02"
	shared := expand(extract(nil, kem, "eae_prk", dh), kem, "shared_secret", slices.Concat(enc, public), 32)
	context := slices.Concat([]byte{0}, extract(nil, suite, "psk_id_hash", nil), extract(nil, suite, "info_hash", info))
	secret := extract(shared, suite, "secret", nil)
	return expand(secret, suite, "key", context, 32), expand(secret, suite, "base_nonce", context, 12)
}

// OpenSSL opens what we close: its X25519 or SM2 gives the content's key, and its AES or
// SM4 in counter mode, which is what GCM encrypts by (its tags are held against the
// published vectors elsewhere), the content.
func TestOpenSSLOpens(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("no openssl")
	}
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	counter := func(cipher string, key, nonce, sealed []byte) []byte {
		out := filepath.Join(dir, "out")
		openssl(t, "enc", "-d", "-"+cipher+"-ctr", "-K", hex.EncodeToString(key), "-iv", hex.EncodeToString(nonce)+"00000002", "-in", file("in", sealed[:len(sealed)-16]), "-out", out)
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	content := []byte("耕地 61904860.22")
	for a, cipher := range map[seal.Algorithm]string{seal.Ed25519: "aes-256", seal.SM2: "sm4"} {
		private := made(t, a, "ours")
		to, err := seal.ReadRecipient(private+seal.PublicEnding, edition.Government)
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.SplitN(closed(t, to, content, 100), []byte("\n"), 3)
		var head struct{ Key []byte }
		if err := json.Unmarshal(lines[1], &head); err != nil {
			t.Fatal(err)
		}
		all, err := os.ReadFile(private)
		if err != nil {
			t.Fatal(err)
		}
		_, second, _ := strings.Cut(string(all), "use: encrypt\n")
		ours, key := file("ours", []byte(second)), filepath.Join(dir, "key")
		if a == seal.SM2 {
			openssl(t, "pkeyutl", "-decrypt", "-inkey", ours, "-in", file("wrapped", head.Key), "-out", key)
		} else {
			enc := file("enc", append(unhex(t, "302a300506032b656e032100"), head.Key[:32]...)) // RFC 8410
			openssl(t, "pkeyutl", "-derive", "-inkey", ours, "-peerkey", enc, "-peerform", "DER", "-out", filepath.Join(dir, "dh"))
			openssl(t, "pkey", "-in", ours, "-pubout", "-outform", "DER", "-out", filepath.Join(dir, "public"))
			dh, err := os.ReadFile(filepath.Join(dir, "dh"))
			if err != nil {
				t.Fatal(err)
			}
			public, err := os.ReadFile(filepath.Join(dir, "public"))
			if err != nil {
				t.Fatal(err)
			}
			k, nonce := hpkeKey(dh, head.Key[:32], public[12:], []byte("gengtu sealed content key"))
			file("key", counter(cipher, k, nonce, head.Key[32:]))
		}
		k, err := os.ReadFile(key)
		if err != nil {
			t.Fatal(err)
		}
		if got := counter(cipher, k, append(make([]byte, 11), 1), lines[2]); !bytes.Equal(got, content) {
			t.Errorf("%s: %q", a, got)
		}
	}
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
