package seal_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
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

// SM3 of GB/T 32905-2016, annex A.
func TestSM3(t *testing.T) {
	h := seal.SM2.NewHash()
	h.Write([]byte("abc"))
	if got := hex.EncodeToString(h.Sum(nil)); got != "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0" {
		t.Error(got)
	}
}
