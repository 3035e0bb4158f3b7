package exchange

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/benchmarks/suite"
	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/seal"
)

// parcels are n parcels.
func parcels(n int) []index.Feature {
	var out []index.Feature
	for i := range n {
		out = append(out, parcel(i))
	}
	return out
}

// inForce is what an edition holds: the generation, and each stored entry of its
// features.
func inForce(t testing.TB, dir string) map[string]string {
	t.Helper()
	name, m, err := edition.Current(dir)
	if err != nil {
		return nil
	}
	out := map[string]string{"generation": name, "content": m.ContentHash}
	err = index.Each(filepath.Join(edition.Path(dir, name), edition.FeaturesFile), func(bucket string, k, v []byte) error {
		out[bucket+" "+string(k)] = string(v)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Unpacked is what was packed, key by key and value by value, by full packages and by
// deltas that add, change, move and delete; with each a receipt.
func TestFullAndDelta(t *testing.T) {
	k := newKeys(t)
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	set := parcels(40)
	first := made(t, from, edition.Government, set)
	if _, err := receive(t, k, to, packed(t, k, from, nil), nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(inForce(t, from), inForce(t, to)); diff != "" {
		t.Fatal(diff)
	}
	rounds := []func(){
		func() { set[3].Values = []any{"changed", 2.0} },
		func() { set = append(set[:5:5], set[9:]...) },
		func() { set = append(set, parcel(77), parcel(78)) },
		func() { // one moves far away, so that its place in the file is another
			set[0].Geometry = square(9000)
			set[0].AreaM2 = geo.Area(set[0].Geometry)
		},
		func() { set = set[:1] },
	}
	for i, change := range rounds {
		change()
		made(t, from, edition.Government, set)
		path := packed(t, k, from, func(o *PackOptions) { o.Since = SinceLast })
		f := takenApart(t, k, path)
		m, err := receive(t, k, to, path, nil)
		if err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		if f.manifest.Kind != Delta || f.manifest.Layers[0].Put > 2 {
			t.Errorf("round %d: %s with %d features", i, f.manifest.Kind, f.manifest.Layers[0].Put)
		}
		if diff := cmp.Diff(inForce(t, from), inForce(t, to)); diff != "" {
			t.Fatalf("round %d: %s", i, diff)
		}
		if m.Generation == first {
			t.Error("nothing changed")
		}
		data, err := os.ReadFile(filepath.Join(to, edition.ExchangeDir, receiptsDir, f.manifest.ID+".json"))
		if err != nil || !strings.Contains(string(data), m.ContentHash) || !strings.Contains(string(data), accepted) {
			t.Errorf("round %d: receipt %s %v", i, data, err)
		}
	}
	if _, err := os.Stat(QuarantineDir(to)); err == nil {
		t.Error("something is in quarantine")
	}
}

// The order of things: what was taken in already, what comes too early, what follows
// another package, and a delta whose base is not in force are refused.
func TestSequence(t *testing.T) {
	k := newKeys(t)
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	a := made(t, from, edition.Government, parcels(5))
	one := packed(t, k, from, nil)
	made(t, from, edition.Government, parcels(6))
	two := packed(t, k, from, func(o *PackOptions) { o.Since = a })
	three := packed(t, k, from, nil)
	other := packed(t, k, from, func(o *PackOptions) { o.Receiver = "宁夏" })
	forgedTwo := takenApart(t, k, two)
	forgedTwo.manifest.Previous = "gtp-other"
	elsewhere, otherState := filepath.Join(t.TempDir(), "elsewhere"), filepath.Join(t.TempDir(), "other")
	made(t, otherState, edition.Government, parcels(9))
	steps := []struct {
		what, path, dir, code string
		change                func(*ReceiveOptions)
	}{
		{"a delta first", two, to, "PACKAGE_BASE", nil},
		{"the first", one, to, "", nil},
		{"the first again", one, to, "PACKAGE_REPLAY", nil},
		{"the third before the second", three, to, "PACKAGE_SEQUENCE", nil},
		{"a delta on another state", two, otherState, "PACKAGE_BASE", nil},
		{"one that follows another", forgedTwo.written(t), to, "PACKAGE_SEQUENCE", nil},
		{"one for somebody else", other, to, "PACKAGE_RECEIVER", func(o *ReceiveOptions) { o.As = "甘肃" }},
		{"the second", two, to, "", nil},
		{"the second again", two, to, "PACKAGE_REPLAY", nil},
		{"the third", three, to, "", nil},
		{"any full one where nothing is", three, elsewhere, "", nil},
		{"an older one then", one, elsewhere, "PACKAGE_REPLAY", nil},
	}
	for _, s := range steps {
		before := inForce(t, s.dir)
		_, err := receive(t, k, s.dir, s.path, s.change)
		if got := code(err); got != s.code {
			t.Fatalf("%s: %v", s.what, err)
		}
		if s.code != "" && !cmp.Equal(before, inForce(t, s.dir)) {
			t.Errorf("%s changed the edition", s.what)
		}
		if end := lastLogged(t, s.dir); s.code != "" && (end.Code != s.code || end.Outcome != "refused") {
			t.Errorf("%s: the log ends with %+v", s.what, end)
		}
	}
	// Missing packages are passed over by the user's word alone, and by a full one.
	made(t, from, edition.Government, parcels(7))
	packed(t, k, from, nil)
	late := packed(t, k, from, nil)
	_, err := receive(t, k, to, late, nil)
	if code(err) != "PACKAGE_SEQUENCE" {
		t.Error(err)
	}
	if _, err = receive(t, k, to, late, func(o *ReceiveOptions) { o.Replace = true }); err != nil {
		t.Error(err)
	}
	// What came by another way is not replaced unasked.
	made(t, elsewhere+"2", edition.Government, parcels(3))
	_, err = receive(t, k, elsewhere+"2", late, nil)
	if code(err) != "PACK_REPLACES" {
		t.Error(err)
	}
	if _, err := os.Stat(QuarantineDir(elsewhere + "2")); err == nil {
		t.Error("a good package is in quarantine")
	}
}

// lastLogged is the last line of an edition's log.
func lastLogged(t testing.TB, dir string) (end entry) {
	t.Helper()
	if err := eachLine(filepath.Join(dir, edition.ExchangeDir, logFile), func(e *entry, _ string) { end = *e }); err != nil {
		t.Fatal(err)
	}
	return end
}

// Whose signature is not believed is refused, logged, and changes nothing: an altered bit,
// a stranger, a key that has expired or signs for other purposes, a package that is closed
// for another, an SM suite on a secure network.
func TestRefusedSenders(t *testing.T) {
	k := newKeys(t)
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	made(t, from, edition.Government, parcels(4))
	made(t, to, edition.Government, parcels(2))
	good := packed(t, k, from, nil)
	with := func(line string) string {
		data, err := os.ReadFile(k.trust)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "trust")
		if err := os.WriteFile(path, bytes.Replace(data, []byte("tiers:"), []byte(line+"\ntiers:"), 1), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	altered := func(member int) string {
		data, err := os.ReadFile(good)
		if err != nil {
			t.Fatal(err)
		}
		members, err := scan(good, bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		data[members[member].at+members[member].size/2] ^= 1
		path := filepath.Join(t.TempDir(), "altered.gtp")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	to2, err := seal.ReadRecipient(k.stranger+seal.PublicEnding, edition.Government)
	if err != nil {
		t.Fatal(err)
	}
	closed := packed(t, k, from, func(o *PackOptions) { o.Recipient = to2 })
	for _, c := range []struct {
		what, path, code string
		change           func(o *ReceiveOptions)
	}{
		{"a bit of the manifest", altered(0), "SEAL_BROKEN", nil},
		{"a bit of a part", altered(2), "PACKAGE_DIGEST", nil},
		{"a stranger", good, "SEAL_UNTRUSTED", func(o *ReceiveOptions) { o.Trust = k.stranger + seal.PublicEnding }},
		{"a key that has expired", good, "SEAL_EXPIRED", func(o *ReceiveOptions) { o.Trust = with("expires: 2026-11-21") }},
		{"a key that signs receipts alone", good, "SEAL_PURPOSE", func(o *ReceiveOptions) { o.Trust = with("signs: receipt") }},
		{"one that was closed for another and is cut", cutOff(t, closed), "SEAL_BROKEN", func(o *ReceiveOptions) { o.Decrypt = k.stranger }},
		{"a tier that its sender does not send", good, "PACKAGE_SENDER", func(o *ReceiveOptions) {
			data, err := os.ReadFile(k.trust)
			if err != nil {
				t.Fatal(err)
			}
			o.Trust = filepath.Join(t.TempDir(), "trust")
			if err := os.WriteFile(o.Trust, bytes.Replace(data, []byte("secure, government, public"), []byte("public"), 1), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		before := inForce(t, to)
		_, err := receive(t, k, to, c.path, func(o *ReceiveOptions) {
			o.Replace, o.Quarantine = true, t.TempDir()
			if c.change != nil {
				c.change(o)
			}
		})
		if code(err) != c.code || !Refused(err) {
			t.Errorf("%s: %v", c.what, err)
		}
		if end := lastLogged(t, to); end.Code != c.code || end.Outcome != "refused" || end.Step != "end" {
			t.Errorf("%s: the log ends with %+v", c.what, end)
		}
		if !cmp.Equal(before, inForce(t, to)) {
			t.Errorf("%s: the edition changed", c.what)
		}
	}
	// A fault of ours is logged as well, and leaves the package where it is.
	for _, decrypt := range []string{"", k.sender} {
		_, err = receive(t, k, to, closed, func(o *ReceiveOptions) { o.Decrypt = decrypt })
		if want := map[string]string{"": "PACK_KEY", k.sender: "SEAL_RECIPIENT"}[decrypt]; code(err) != want || Refused(err) || lastLogged(t, to).Code != want {
			t.Errorf("%v", err)
		}
	}
}

// cutOff is a package without its end.
func cutOff(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "cut.gtp")
	if err := os.WriteFile(out, data[:len(data)-100], 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}

// A program that is stopped between putting a package in force and noting it knows
// afterwards that it was taken in; before that, that it was not.
func TestStopped(t *testing.T) {
	k := newKeys(t)
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	made(t, from, edition.Government, parcels(5))
	path := packed(t, k, from, nil)
	m, err := receive(t, k, to, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(to, edition.ExchangeDir, receivedFile)
	for generation, want := range map[string]string{m.Generation: "PACKAGE_REPLAY", "g0123456789abcdef": "PACK_REPLACES"} {
		text := `{"streams": {}, "pending": {"stream": "sender > ", "seq": 1, "id": "x", "generation": "` + generation + `", "at": ""}}`
		if err := os.WriteFile(state, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := receive(t, k, to, path, nil)
		if code(err) != want {
			t.Errorf("%s: %v", generation, err)
		}
	}
}

// Each byte of a package that is another is found before a part is unpacked.
func TestEachByte(t *testing.T) {
	k := newKeys(t)
	from := filepath.Join(t.TempDir(), "from")
	made(t, from, edition.Government, parcels(3))
	path := packed(t, k, from, nil)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	look := func(data []byte) error {
		r := &Reception{o: ReceiveOptions{Trust: k.trust, Now: noon}, path: path, file: memory{bytes.NewReader(data)}, size: int64(len(data)), received: &received{}}
		for _, step := range []error{r.form(t.Context()), r.signature(t.Context())} {
			if step != nil {
				return step
			}
		}
		return r.digests(t.Context())
	}
	if err := look(data); err != nil {
		t.Fatal(err)
	}
	for i := range data {
		for _, bit := range []int{i % 8, 5} { // 5 is the case of letters
			altered := slices.Clone(data)
			altered[i] ^= 1 << bit
			if err := look(altered); err == nil || !strings.HasPrefix(code(err), "PACKAGE_") && !strings.HasPrefix(code(err), "SEAL_") {
				t.Fatalf("byte %d, bit %d: %v", i, bit, err)
			}
		}
	}
	for n := range data {
		if look(data[:n]) == nil {
			t.Fatalf("cut at %d", n)
		}
	}
	suite.Count(t, "package-bytes", float64(len(data)), "bytes")
}

// A package needs the release of another person than the one who brought it in, where
// that is asked for.
func TestRelease(t *testing.T) {
	k := newKeys(t)
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	made(t, from, edition.Government, parcels(3))
	path := packed(t, k, from, nil)
	_, err := receive(t, k, to, path, func(o *ReceiveOptions) { o.ReleasedBy = " 甲" })
	if code(err) != "RELEASE_SAME" || inForce(t, to) != nil {
		t.Fatal(err)
	}
	if err := RequireTwo(to, ByTwo); err != nil {
		t.Fatal(err)
	}
	o := ReceiveOptions{Package: path, Edition: to, Trust: k.trust, By: "甲", Now: noon}
	if o.Policy = defaultPolicy(t); o.Policy == nil {
		t.Fatal("no policy")
	}
	r, err := Receive(t.Context(), o)
	if err != nil || !r.Waits() {
		t.Fatal(err)
	}
	if err := r.Judge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Hold(); err != nil {
		t.Fatal(err)
	}
	r.Close()
	if inForce(t, to) != nil {
		t.Fatal("it is in force")
	}
	all, err := ListHeld(to)
	if err != nil || len(all) != 1 || all[0].By != "甲" {
		t.Fatal(all, err)
	}
	held, waiting, err := HeldPackage(to, all[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	_, err = receive(t, k, to, held, func(o *ReceiveOptions) { o.Waiting, o.ReleasedBy = &waiting, "甲" })
	if code(err) != "RELEASE_SAME" {
		t.Fatal(err)
	}
	if _, err = receive(t, k, to, held, func(o *ReceiveOptions) { o.Waiting, o.ReleasedBy = &waiting, "乙" }); err != nil {
		t.Fatal(err)
	}
	if !cmp.Equal(inForce(t, from), inForce(t, to)) {
		t.Error("not what was sent")
	}
	if all, err = ListHeld(to); err != nil || len(all) != 0 {
		t.Error(all, err)
	}
	for _, id := range []string{"../x", all2(all), "gtp-none"} {
		if _, _, err := HeldPackage(to, id); code(err) != "RELEASE_UNKNOWN" {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func all2(w []Waiting) string {
	data, _ := json.Marshal(w)
	return string(data)
}

// A receipt is signed by whom it was given by, and each altered figure in it is found.
func TestReceipt(t *testing.T) {
	k := newKeys(t)
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	made(t, from, edition.Government, parcels(3))
	path := packed(t, k, from, nil)
	m, err := receive(t, k, to, path, func(o *ReceiveOptions) { o.Receipt = k.stranger })
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(to, edition.ExchangeDir, receiptsDir, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	trust, err := seal.ReadTrust(k.stranger+seal.PublicEnding, edition.Government)
	if err != nil {
		t.Fatal(err)
	}
	c, by, err := ParseReceipt(t.Context(), "r", data, &trust)
	if err != nil || by != "stranger" || c.Outcome != accepted || c.ContentHash != m.ContentHash || c.Sender.Name != "sender" {
		t.Fatal(c, by, err)
	}
	for i := range bytes.Index(data, []byte(`"signature"`)) {
		if b := data[i]; b >= '0' && b <= '8' {
			altered := slices.Clone(data)
			altered[i]++
			if _, _, err := ParseReceipt(t.Context(), "r", altered, &trust); err == nil {
				t.Errorf("byte %d", i)
			}
		}
	}
	other, err := seal.ReadTrust(k.trust, edition.Government)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := ParseReceipt(t.Context(), "r", data, &other); code(err) != "SEAL_UNTRUSTED" {
		t.Error(err)
	}
	for _, text := range []string{"", "{}", `{"receipt": {"format": "x"}}`, `{"receipt": 1}`} {
		if _, _, err := ParseReceipt(t.Context(), "r", []byte(text), nil); code(err) != "RECEIPT_BROKEN" {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// The secure tier takes nothing that was made with SM2 or SM3 in software.
func TestSecureTakesNoSM(t *testing.T) {
	k := newKeys(t)
	p, err := seal.NewKeys(seal.SM2, "sm", noon.AddDate(1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "sm")
	// As a key of another program, which says nothing of tiers, is.
	for _, half := range []*[]byte{&p.Private, &p.Public} {
		*half = bytes.Replace(*half, []byte("tiers: government, public\n"), nil, 1)
	}
	if err := p.Write(path); err != nil {
		t.Fatal(err)
	}
	// Closed for a key of SM2, and nobody has said what the network's level is.
	recipient, err := seal.ReadRecipient(path+seal.PublicEnding, edition.Government)
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	made(t, secret, edition.Secure, parcels(3))
	closed := packed(t, k, secret, func(o *PackOptions) { o.Recipient = recipient })
	fresh := filepath.Join(t.TempDir(), "fresh")
	if _, err := receive(t, k, fresh, closed, func(o *ReceiveOptions) { o.Decrypt = path }); code(err) != "SEAL_SUITE" || inForce(t, fresh) != nil || lastLogged(t, fresh).Code != "SEAL_SUITE" {
		t.Errorf("closed by SM2: %v", err)
	}
	for _, tier := range []edition.Tier{edition.Government, edition.Secure} {
		from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
		made(t, from, tier, parcels(3))
		sm := packed(t, k, from, func(o *PackOptions) { o.Signer = signer(t, path) })
		_, err := receive(t, k, to, sm, func(o *ReceiveOptions) { o.Trust, o.Level = path+seal.PublicEnding, tier })
		if want := map[edition.Tier]string{edition.Secure: "SEAL_SUITE"}[tier]; code(err) != want {
			t.Errorf("%s: %v", tier, err)
		}
		f := takenApart(t, k, sm) // SM3 under a signature of Ed25519
		f.sizes = func(p []Part) { p[0].Digest = "sm3:" + strings.Repeat("0", 64) }
		_, err = receive(t, k, to, f.written(t), func(o *ReceiveOptions) { o.Level, o.Replace = tier, true })
		if code(err) == "" {
			t.Errorf("%s: taken in", tier)
		}
	}
}
