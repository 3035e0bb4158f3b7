package exchange

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/seal"
)

// GNU tar, gzip, sha256sum and OpenSSL read a package as we do: its names, the digests
// of its parts, and who signed.
func TestOthersRead(t *testing.T) {
	for _, program := range []string{"tar", "gzip", "sha256sum", "openssl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("no " + program)
		}
	}
	k := newKeys(t)
	from, dir := filepath.Join(t.TempDir(), "from"), t.TempDir()
	made(t, from, edition.Government, parcels(9))
	path := packed(t, k, from, nil)
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v %s", name, args, err, out)
		}
		return string(out)
	}
	run("tar", "xf", path)
	m := takenApart(t, k, path).manifest
	for _, p := range m.Parts {
		if sum := "sha256:" + strings.Fields(run("sha256sum", p.Name))[0]; sum != p.Digest {
			t.Errorf("%s: %s, %s", p.Name, sum, p.Digest)
		}
		run("gzip", "-t", p.Name)
	}
	manifest, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, signatureName))
	if err != nil {
		t.Fatal(err)
	}
	var s seal.Signature
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	message, signature := filepath.Join(dir, "m"), filepath.Join(dir, "s")
	err = errors.Join(os.WriteFile(message, append([]byte("gengtu package\n"), manifest...), 0o600), os.WriteFile(signature, s.Value, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	run("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", k.trust, "-rawin", "-in", message, "-sigfile", signature)
	// The sums, added up in another way.
	area := 0.0
	for _, f := range parcels(9) {
		area += geo.Area(f.Geometry)
	}
	if got := float64(m.Layers[0].Sums.Area) / 100; got < area-0.1 || got > area+0.1 || m.Layers[0].Sums.Patch != 3609 {
		t.Errorf("%v %v", m.Layers[0].Sums, area)
	}
}

// What was packed twice at one time is the same, byte by byte.
func TestDeterministic(t *testing.T) {
	k := newKeys(t)
	var all [2]string
	for i := range all {
		from := filepath.Join(t.TempDir(), "from")
		made(t, from, edition.Government, parcels(9))
		data, err := os.ReadFile(packed(t, k, from, nil))
		if err != nil {
			t.Fatal(err)
		}
		all[i] = string(data)
	}
	if all[0] != all[1] {
		t.Error("they differ")
	}
}

// A package that cannot be made leaves neither a file nor a gap in the sequence.
func TestPackFails(t *testing.T) {
	k := newKeys(t)
	from := filepath.Join(t.TempDir(), "from")
	made(t, from, edition.Government, parcels(3))
	out := filepath.Join(t.TempDir(), "p.gtp")
	ended, end := context.WithCancel(t.Context())
	end()
	for _, c := range []struct {
		what, code string
		ctx        context.Context
		change     func(*PackOptions)
	}{
		{"a base that is not kept", "PACK_BASE", t.Context(), func(o *PackOptions) { o.Since = "g0123456789abcdef" }},
		{"the last when nothing was sent", "PACK_BASE", t.Context(), func(o *PackOptions) { o.Since = SinceLast }},
		{"one approver twice", "PACK_APPROVAL", t.Context(), func(o *PackOptions) { o.Approvals = []Approval{{By: "a"}, {By: "a"}} }},
		{"a receiver with a line break", "PACK_TEXT", t.Context(), func(o *PackOptions) { o.Receiver = "a\nb" }},
		{"a folder that is not there", "PACK_WRITE", t.Context(), func(o *PackOptions) { o.Out = filepath.Join(from, "none", "p") }},
		{"no edition", "EDITION_MISSING", t.Context(), func(o *PackOptions) { o.Edition = t.TempDir() }},
		{"an end", context.Canceled.Error(), ended, func(*PackOptions) {}},
	} {
		o := PackOptions{Edition: from, Out: out, Signer: signer(t, k.sender), Grade: Important, Mark: OpenMark, Created: noon, Program: "test"}
		c.change(&o)
		_, err := Pack(c.ctx, o)
		if got := code(err); got != c.code && !strings.HasSuffix(got, c.code) {
			t.Errorf("%s: %v", c.what, err)
		}
		if left, err := os.ReadDir(filepath.Dir(out)); err != nil || len(left) > 0 {
			t.Errorf("%s: %v %v", c.what, left, err)
		}
	}
	s, err := openStore(from)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Pack(t.Context(), PackOptions{Edition: from, Out: out, Signer: signer(t, k.sender), Created: noon})
	if code(err) != "EXCHANGE_BUSY" {
		t.Error(err)
	}
	s.close()
	if m := takenApart(t, k, packed(t, k, from, nil)).manifest; m.Sequence != 1 {
		t.Errorf("number %d", m.Sequence)
	}
}

// An encrypted package is opened by the key that it was encrypted for; what was
// decrypted does not stay, and what was altered is refused.
func TestEncrypted(t *testing.T) {
	k := newKeys(t)
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	made(t, from, edition.Government, parcels(3))
	path := packed(t, k, from, func(o *PackOptions) {
		r, err := seal.ReadRecipient(k.stranger+seal.PublicEnding, edition.Government)
		if err != nil {
			t.Fatal(err)
		}
		o.Recipient = r
	})
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	altered := slices.Clone(data)
	altered[len(altered)-100] ^= 1
	bad := filepath.Join(t.TempDir(), "bad.gtp")
	if err := os.WriteFile(bad, altered, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, decrypt, code string }{
		{path, "", "PACK_KEY"}, {path, k.sender, "SEAL_RECIPIENT"}, {bad, k.stranger, "SEAL_BROKEN"}, {path, k.stranger, ""},
	} {
		_, err := receive(t, k, to, c.path, func(o *ReceiveOptions) { o.Decrypt = c.decrypt })
		if code(err) != c.code {
			t.Errorf("%s: %v", c.code, err)
		}
		if left, err := filepath.Glob(filepath.Join(to, edition.ExchangeDir, plainFiles)); err != nil || len(left) > 0 {
			t.Error("what was decrypted is left")
		}
	}
	if all, err := os.ReadDir(QuarantineDir(to)); err != nil || len(all) != 1 {
		t.Errorf("in quarantine: %v %v", all, err)
	}
	// What a program that was stopped left in the clear goes with the next run.
	left := filepath.Join(to, edition.ExchangeDir, ".plain-1")
	if err := os.WriteFile(left, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = receive(t, k, to, path, func(o *ReceiveOptions) { o.Decrypt = k.stranger })
	if _, serr := os.Stat(left); code(err) != "PACKAGE_REPLAY" || serr == nil {
		t.Error(err, serr)
	}
}

// A reception that is ended half-way changes nothing, and the package is taken in
// afterwards.
func TestEnded(t *testing.T) {
	k := newKeys(t)
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	made(t, from, edition.Government, parcels(3))
	path := packed(t, k, from, nil)
	ctx, end := context.WithCancel(t.Context())
	end()
	o := ReceiveOptions{Package: path, Edition: to, Trust: k.trust, Policy: defaultPolicy(t), By: "a", Now: noon}
	if _, err := Receive(ctx, o); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	r, err := Receive(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Judge(ctx); !errors.Is(r.Refuse(err), context.Canceled) {
		t.Error(err)
	}
	r.Close()
	if _, err := os.Stat(QuarantineDir(to)); err == nil || inForce(t, to) != nil {
		t.Error("it was refused or taken in")
	}
	if _, err := receive(t, k, to, path, nil); err != nil {
		t.Error(err)
	}
}

// The log is a chain: each line names the one before.
func TestLog(t *testing.T) {
	k := newKeys(t)
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	made(t, from, edition.Government, parcels(3))
	path := packed(t, k, from, nil)
	for range 3 {
		_, _ = receive(t, k, to, path, nil) // the first is taken in, the others are refused
	}
	data, err := os.ReadFile(filepath.Join(to, edition.ExchangeDir, logFile))
	if err != nil {
		t.Fatal(err)
	}
	before, outcomes := "", map[string]int{}
	for line := range strings.Lines(string(data)) {
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Previous != before || e.User == "" || e.At == "" || e.File == "" {
			t.Errorf("%s after %s", line, before)
		}
		sum := sha256.Sum256([]byte(line))
		before = hex.EncodeToString(sum[:])
		outcomes[e.Step+" "+e.Outcome]++
	}
	want := map[string]int{"apply done": 1, "sequence done": 1, "sequence refused": 2, "end refused": 2, "signature done": 3, "content done": 1}
	for what, n := range want {
		if outcomes[what] != n {
			t.Errorf("%s: %d, want %d (%v)", what, outcomes[what], n, fmt.Sprint(outcomes))
		}
	}
}
