package exchange

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/seal"
)

// person makes a person's key and returns its file; the public half says what it signs.
func person(t testing.TB, name string, signs ...seal.Purpose) string {
	t.Helper()
	p, err := seal.NewKeys(seal.Ed25519, name, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, s := range signs {
		list = append(list, string(s))
	}
	if len(list) > 0 {
		p.Public = bytes.Replace(p.Public, []byte("\ntiers:"), []byte("\nsigns: "+strings.Join(list, " ")+"\ntiers:"), 1)
	}
	path := filepath.Join(t.TempDir(), "key")
	if err := p.Write(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// trusting writes a trust file of a head and the public halves of keys.
func trusting(t testing.TB, head string, keys ...string) string {
	t.Helper()
	text := []byte(head)
	for _, k := range keys {
		data, err := os.ReadFile(k + seal.PublicEnding)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, data...)
	}
	path := filepath.Join(t.TempDir(), "trust")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Ensure: where the trust file lists who imports and who releases, a package comes into
// force by two keys alone, each for its purpose, and the receipt proves who they were;
// names as typed, one key for both, a key for another purpose and a note that was altered
// do not.
func TestReleaseByKeys(t *testing.T) {
	k := newKeys(t)
	from := filepath.Join(t.TempDir(), "from")
	made(t, from, edition.Government, parcels(3))
	path := packed(t, k, from, nil)
	li, zhang, both, stranger := person(t, "li", seal.Import), person(t, "zhang", seal.Release), person(t, "both", seal.Import, seal.Release), person(t, "stranger")
	trust := trusting(t, "", k.sender, li, zhang, both)
	released := trusting(t, "", k.sender, zhang) // names who releases alone
	for _, c := range []struct {
		what, trust, code string
		change            func(o *ReceiveOptions)
	}{
		{"nobody releases", trust, "RELEASE_PROOF", func(o *ReceiveOptions) {}},
		{"names as typed", trust, "RELEASE_PROOF", func(o *ReceiveOptions) { o.ReleasedBy = "zhang" }},
		{"a releaser's name as typed", trust, "RELEASE_PROOF", func(o *ReceiveOptions) { o.ByKey, o.ReleasedBy = li, "zhang" }},
		{"one key for both", trust, "RELEASE_SAME", func(o *ReceiveOptions) { o.ByKey, o.ReleasedByKey = both, both }},
		{"an importer releases", trust, "RELEASE_PROOF", func(o *ReceiveOptions) { o.ByKey, o.ReleasedByKey = both, li }},
		{"a releaser imports", trust, "RELEASE_PROOF", func(o *ReceiveOptions) { o.ByKey, o.ReleasedByKey = zhang, both }},
		{"a sender releases", trust, "RELEASE_PROOF", func(o *ReceiveOptions) { o.ByKey, o.ReleasedByKey = li, k.sender }},
		{"a stranger releases", trust, "RELEASE_PROOF", func(o *ReceiveOptions) { o.ByKey, o.ReleasedByKey = li, stranger }},
		{"two keys", trust, "", func(o *ReceiveOptions) { o.ByKey, o.ReleasedByKey = li, zhang }},
		{"an account that may be the releaser's own", released, "RELEASE_SAME", func(o *ReceiveOptions) { o.ReleasedByKey = zhang }},
	} {
		to := filepath.Join(t.TempDir(), "to")
		_, err := receive(t, k, to, path, func(o *ReceiveOptions) {
			o.Trust = c.trust
			c.change(o)
		})
		if err != nil {
			if code(err) != c.code {
				t.Errorf("%s: %v", c.what, err)
			}
			if inForce(t, to) != nil {
				t.Errorf("%s: it is in force", c.what)
			}
			if _, err := os.Stat(QuarantineDir(to)); err == nil {
				t.Errorf("%s: a good package is in quarantine", c.what)
			}
			continue
		}
		if c.code != "" {
			t.Errorf("%s: taken in", c.what)
			continue
		}
		proves(t, to, c.trust)
	}
}

// proves fails unless the receipt in an edition proves by itself who brought the package
// in, li, and who let it in, zhang.
func proves(t *testing.T, to, trust string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(to, edition.ExchangeDir, receiptsDir, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := ParseReceipt(t.Context(), "r", data, nil)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := seal.ReadTrust(trust, edition.Government)
	if err != nil {
		t.Fatal(err)
	}
	message := []byte(c.Package + "\n" + c.Manifest + "\nli\n")
	for purpose, p := range map[seal.Purpose]*Person{seal.Import: c.Importer, seal.Release: c.Releaser} {
		if p == nil || p.Proof != ByKey || p.User != "" {
			t.Fatalf("%s: %+v", purpose, p)
		}
		by, err := seal.Verify(t.Context(), keys, purpose, message, *p.Signature)
		if err != nil || by.Name != p.Name {
			t.Errorf("%s: %s %v", purpose, by.Name, err)
		}
	}
	if c.By != "li" || c.ReleasedBy != "zhang" {
		t.Errorf("%s %s", c.By, c.ReleasedBy)
	}
}

// Ensure: a package that waits is released for him who signed that he brought it in,
// whatever the note beside it says; without a list the names are told as typed.
func TestReleaseHeld(t *testing.T) {
	k := newKeys(t)
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	made(t, from, edition.Government, parcels(3))
	path := packed(t, k, from, nil)
	li, both := person(t, "li", seal.Import), person(t, "both", seal.Import, seal.Release)
	trust := trusting(t, "", k.sender, li, both)
	r, err := Receive(t.Context(), ReceiveOptions{Package: path, Edition: to, Trust: trust, ByKey: both, Now: noon, Policy: defaultPolicy(t)})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Waits() {
		t.Error("the list of who releases asks for nobody")
	}
	if err := r.Hold(); err != nil {
		t.Fatal(err)
	}
	r.Close()
	held, waiting, err := HeldPackage(to, r.Manifest.ID)
	if err != nil || waiting.By != "both" || waiting.Signature == nil {
		t.Fatalf("%+v %v", waiting, err)
	}
	for what, alter := range map[string]func(w *Waiting){
		"as it is":     func(*Waiting) {},
		"another name": func(w *Waiting) { w.By = "li" },
		"no signature": func(w *Waiting) { w.By, w.Signature = "li", nil },
		"another signature": func(w *Waiting) {
			w.Signature = &seal.Signature{Algorithm: seal.Ed25519, Key: w.Signature.Key, Value: []byte("x")}
		},
	} {
		w := waiting
		alter(&w)
		_, err := receive(t, k, to, held, func(o *ReceiveOptions) { o.Trust, o.By, o.Waiting, o.ReleasedByKey = trust, w.By, &w, both })
		want := "RELEASE_PROOF"
		if what == "as it is" {
			want = "RELEASE_SAME"
		}
		if code(err) != want || inForce(t, to) != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	// Names as typed, where there is no list: two in one command are one person's.
	if _, err := receive(t, k, to, path, func(o *ReceiveOptions) { o.ReleasedBy = "乙" }); code(err) != "RELEASE_SAME" || inForce(t, to) != nil {
		t.Errorf("two names in one command: %v", err)
	}
	if _, err := receive(t, k, to, path, func(o *ReceiveOptions) {
		o.Waiting, o.ReleasedBy = &Waiting{ID: r.Manifest.ID, By: "甲", User: account()}, "乙"
	}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(to, edition.ExchangeDir, receiptsDir, r.Manifest.ID+".json"))
	if err != nil || strings.Count(string(data), `"proof":"name as typed"`) != 2 {
		t.Errorf("%s %v", data, err)
	}
}

// Ensure: approvals count that are signed by those whom the trust file has for it, each
// once; a name as typed is none, and one bit that is another is found.
func TestApprovals(t *testing.T) {
	k := newKeys(t)
	from := filepath.Join(t.TempDir(), "from")
	made(t, from, edition.Government, parcels(3))
	a, b, c := person(t, "a", seal.Approval), person(t, "b", seal.Approval), person(t, "c")
	trust := trusting(t, "approvals: 2\n", k.sender, a, b, c)
	by := func(files ...string) string {
		return packed(t, k, from, func(o *PackOptions) {
			o.Approvals = []Approval{{By: "typed", At: "2026-11-22T12:00:00Z"}}
			for _, f := range files {
				o.Approvers = append(o.Approvers, signer(t, f))
			}
		})
	}
	moved := takenApart(t, k, by(a, b))
	moved.manifest.Mark = "公开"
	forged := takenApart(t, k, by(a))
	second := forged.manifest.Approvals[1]
	second.By = "b"
	forged.manifest.Approvals = append(forged.manifest.Approvals, second)
	for _, x := range []struct{ what, path, trust, code string }{
		{"two", by(a, b), trust, ""},
		{"nobody", by(), trust, "PACKAGE_APPROVAL"},
		{"one", by(a), trust, "PACKAGE_APPROVAL"},
		{"one, and one who may not", by(a, c), trust, "PACKAGE_APPROVAL"},
		{"one, asked of nobody", by(a), k.trust, ""},
		{"two of another manifest", moved.written(t), trust, "SEAL_BROKEN"},
		{"one twice under two names", forged.written(t), trust, "SEAL_BROKEN"},
	} {
		to := filepath.Join(t.TempDir(), "to")
		_, err := receive(t, k, to, x.path, func(o *ReceiveOptions) { o.Trust, o.Replace = x.trust, true })
		if err != nil {
			if code(err) != x.code || inForce(t, to) != nil {
				t.Errorf("%s: %v", x.what, err)
			}
		} else if x.code != "" {
			t.Errorf("%s: taken in", x.what)
		}
	}
	if _, err := Pack(t.Context(), PackOptions{Edition: from, Out: filepath.Join(t.TempDir(), "p"), Signer: signer(t, k.sender), Approvers: []seal.Signer{signer(t, a), signer(t, a)}, Grade: General, Created: noon}); code(err) != "PACK_APPROVAL" {
		t.Error(err)
	}
}

// Ensure: a directory without an edition takes what its level was told for, or what the
// trust file has the sender send, and public; who we are is known by the trust file.
func TestFreshLevel(t *testing.T) {
	k := newKeys(t)
	bare := func(tiers string) string {
		data, err := os.ReadFile(k.trust)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "trust")
		if err := os.WriteFile(path, bytes.Replace(data, []byte("tiers: secure, government, public\n"), []byte(tiers), 1), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	us := trusting(t, "we: 甘肃\n", k.sender)
	for _, c := range []struct {
		what  string
		tier  edition.Tier
		trust string
		level edition.Tier
		code  string
	}{
		{"nothing told", edition.Secure, bare(""), "", "PACK_TIER"},
		{"nothing told", edition.Government, bare(""), "", "PACK_TIER"},
		{"the level told", edition.Government, bare(""), edition.Government, ""},
		{"a level below", edition.Secure, bare(""), edition.Government, "PACKAGE_LEVEL"},
		{"the sender's tiers", edition.Government, bare("tiers: government\n"), "", ""},
		{"other tiers", edition.Secure, bare("tiers: government\n"), "", "PACK_TIER"},
		{"other tiers where the level is told", edition.Government, bare("tiers: public\n"), edition.Government, "PACKAGE_SENDER"},
		{"a file as it was made", edition.Secure, k.trust, "", ""},
		{"for others than us", edition.Government, us, "", "PACKAGE_RECEIVER"},
	} {
		from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
		made(t, from, c.tier, parcels(3))
		path := packed(t, k, from, func(o *PackOptions) {
			if c.trust == us {
				o.Receiver = "宁夏"
			}
		})
		_, err := receive(t, k, to, path, func(o *ReceiveOptions) { o.Trust, o.Level = c.trust, c.level })
		if p := problem.Of(err); c.code == "" && err != nil || c.code != "" && (p == nil || p.Code != c.code) {
			t.Errorf("%s, %s: %v", c.what, c.tier, err)
		}
		if (inForce(t, to) != nil) != (c.code == "") {
			t.Errorf("%s, %s: in force?", c.what, c.tier)
		}
	}
}

// A file that is there is replaced by the user's word alone, and a key does not
// send what it is not for.
func TestPackExisting(t *testing.T) {
	k := newKeys(t)
	from := filepath.Join(t.TempDir(), "from")
	made(t, from, edition.Government, parcels(3))
	path := packed(t, k, from, nil)
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	o := PackOptions{Edition: from, Out: path, Signer: signer(t, k.sender), Grade: Important, Mark: OpenMark, Created: noon}
	if _, err := Pack(t.Context(), o); code(err) != "PACK_EXISTS" {
		t.Error(err)
	}
	if again, err := os.ReadFile(path); err != nil || !bytes.Equal(first, again) {
		t.Error("the file is another", err)
	}
	// One that comes into being meanwhile stays as well.
	p := &packing{PackOptions: o}
	late := filepath.Join(t.TempDir(), "late")
	if err := os.WriteFile(late, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.place(late); code(err) != "PACK_EXISTS" {
		t.Error(err)
	}
	o.Existing = Replace
	m, err := Pack(t.Context(), o)
	if err != nil || m.Sequence != 2 {
		t.Error(m, err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".gtp-*")); err != nil || len(left) > 0 {
		t.Error(left, err)
	}
	pair, err := seal.NewKeys(seal.Ed25519, "public", time.Time{}, edition.Public)
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "k")
	if err := pair.Write(key); err != nil {
		t.Fatal(err)
	}
	o.Signer = signer(t, key)
	if _, err := Pack(t.Context(), o); code(err) != "PACK_SENDER" {
		t.Error(err)
	}
}
