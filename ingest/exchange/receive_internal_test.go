package exchange

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	steps := []struct {
		what, path, dir, code string
		change                func(*ReceiveOptions)
	}{
		{"a delta first", two, to, "PACKAGE_BASE", nil},
		{"the first", one, to, "", nil},
		{"the first again", one, to, "PACKAGE_REPLAY", nil},
		{"the third before the second", three, to, "PACKAGE_SEQUENCE", nil},
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

// Everything that a package may have wrong, though it is signed by a sender who is
// trusted, is refused for what it is: the edition stays as it was, the package is in
// quarantine, the log and a receipt say why.
func TestRefused(t *testing.T) {
	k := newKeys(t)
	from := filepath.Join(t.TempDir(), "from")
	made(t, from, edition.Government, parcels(8))
	good := packed(t, k, from, nil)
	bow := geo.MultiPolygon{{{{Lon: 0, Lat: 0}, {Lon: 9e6, Lat: 9e6}, {Lon: 9e6, Lat: 0}, {Lon: 0, Lat: 9e6}, {Lon: 0, Lat: 0}}}}
	feature := func(change func(f *index.Feature)) func(t testing.TB, f *forgery) {
		return func(t testing.TB, f *forgery) {
			all := f.records(t)
			change(&all[2])
			f.raw[0] = encoded(t, all, len(all[2].Values))
		}
	}
	member := func(change func(h *file)) func(t testing.TB, f *forgery) {
		return func(_ testing.TB, f *forgery) {
			f.members = func(m []file) []file {
				change(&m[2])
				return m
			}
		}
	}
	named := func(name string) func(t testing.TB, f *forgery) {
		return member(func(m *file) { m.header.Name = name })
	}
	for _, c := range []struct {
		what, code string
		forge      func(t testing.TB, f *forgery)
	}{
		{"nothing wrong, but a byte", "SEAL_BROKEN", func(_ testing.TB, f *forgery) {
			f.members = func(m []file) []file {
				m[0].data = bytes.Replace(m[0].data, []byte("sender"), []byte("Sender"), 1)
				return m
			}
		}},
		{"a tier above the network's", "PACKAGE_LEVEL", func(_ testing.TB, f *forgery) { f.manifest.Tier = edition.Secure }},
		{"a secret mark", "PACKAGE_LEVEL", func(_ testing.TB, f *forgery) { f.manifest.Mark = "秘密" }},
		{"no mark", "PACKAGE_LEVEL", func(_ testing.TB, f *forgery) { f.manifest.Mark = "" }},

		{"a field of the manifest that nobody knows", "PACKAGE_FIELD", func(_ testing.TB, f *forgery) {
			f.edit = func(m []byte) []byte { return bytes.Replace(m, []byte(`"mj":`), []byte(`"note": 1, "mj":`), 1) }
		}},
		{"a personal field", "PACKAGE_FIELD", func(_ testing.TB, f *forgery) {
			f.manifest.Layers[0].Fields[0].Name = "LXDH"
		}},
		{"a field that no profile knows", "PACKAGE_FIELD", func(_ testing.TB, f *forgery) { f.manifest.Layers[0].Fields[0].Name = "EXTRA" }},
		{"a source below secure", "PACKAGE_FIELD", func(_ testing.TB, f *forgery) { f.manifest.Layers[0].Source = []string{"a.shp"} }},
		{"a layer that the policy withholds", "PACKAGE_FIELD", func(_ testing.TB, f *forgery) { f.manifest.Layers[0].Name = "patrol" }},
		{"a value more than fields", "PACKAGE_FIELD", func(t testing.TB, f *forgery) {
			all := f.records(t)
			for i := range all {
				all[i].Values = append(all[i].Values, "13800000000")
			}
			f.raw[0] = encoded(t, all, len(all[0].Values))
		}},
		{"a value of another kind", "PACKAGE_FIELD", feature(func(f *index.Feature) { f.Values[1] = "text" })},
		{"a place that is no code", "PACKAGE_FIELD", feature(func(f *index.Feature) { f.Place = "x" })},

		{"a name that leads out", "PACKAGE_PATH", named("../CURRENT")},
		{"a name that leads out from within", "PACKAGE_PATH", named("data/../../CURRENT")},
		{"an absolute name", "PACKAGE_PATH", named("/etc/passwd")},
		{"a name with a drive", "PACKAGE_PATH", named("c:data")},
		{"a name with a backslash", "PACKAGE_PATH", named(`data\0000.gz`)},
		{"a name with a control character", "PACKAGE_PATH", named("data/\x01")},
		{"a symbolic link", "PACKAGE_PATH", member(func(m *file) {
			m.header.Typeflag, m.header.Linkname, m.header.Size, m.data = tar.TypeSymlink, "/etc/passwd", 0, nil
		})},
		{"a hard link", "PACKAGE_PATH", member(func(m *file) {
			m.header.Typeflag, m.header.Linkname, m.header.Size, m.data = tar.TypeLink, "manifest.json", 0, nil
		})},
		{"a directory", "PACKAGE_PATH", member(func(m *file) { m.header.Typeflag, m.header.Size, m.data = tar.TypeDir, 0, nil })},
		{"a name twice", "PACKAGE_PATH", named(manifestName)},

		{"another name", "PACKAGE_FORM", named("data/0001.gz")},
		{"another mode", "PACKAGE_FORM", member(func(m *file) { m.header.Mode = 0o777 })},
		{"another owner", "PACKAGE_FORM", member(func(m *file) { m.header.Uname = "root" })},
		{"a file more", "PACKAGE_FORM", func(_ testing.TB, f *forgery) {
			f.members = func(m []file) []file { return append(m, plainFile("data/0001.gz", []byte("x"))) }
		}},
		{"a file less", "PACKAGE_FORM", func(_ testing.TB, f *forgery) { f.members = func(m []file) []file { return m[:2] } }},
		{"no manifest first", "PACKAGE_FORM", func(_ testing.TB, f *forgery) {
			f.members = func(m []file) []file { return []file{m[1], m[0], m[2]} }
		}},
		{"something behind its end", "PACKAGE_FORM", func(_ testing.TB, f *forgery) { f.tail = make([]byte, 512) }},

		{"a part ten times longer than the manifest says", "PACKAGE_SIZE", func(_ testing.TB, f *forgery) {
			f.sizes = func(p []Part) { p[0].Bytes /= 10 }
		}},
		{"a part that unpacks to ten times what it says", "PACKAGE_SIZE", func(_ testing.TB, f *forgery) {
			f.sizes = func(p []Part) { p[0].RawBytes /= 10 }
		}},
		{"a part that unpacks to less than it says", "PACKAGE_SIZE", func(_ testing.TB, f *forgery) {
			f.sizes = func(p []Part) { p[0].RawBytes++ }
		}},
		{"a part that unpacks without end", "PACKAGE_SIZE", func(_ testing.TB, f *forgery) {
			f.packPart = func(raw []byte) []byte {
				long := binary.AppendUvarint(nil, 200<<20)
				return zipped(append(long, make([]byte, 64<<20)...))
			}
		}},
		{"a header that says ten times more than there is", "PACKAGE_LIMIT", member(func(m *file) { m.header.Size *= 10 })},
		{"a feature that says it is longer than may be", "PACKAGE_LIMIT", func(_ testing.TB, f *forgery) {
			f.raw[0] = append(binary.AppendUvarint(nil, MaxRecordBytes+1), f.raw[0]...)
		}},
		{"a feature that is longer than the part", "PACKAGE_PART", func(_ testing.TB, f *forgery) {
			f.raw[0] = append(binary.AppendUvarint(nil, MaxRecordBytes), f.raw[0]...)
		}},
		{"ten times the features", "PACKAGE_COUNT", func(t testing.TB, f *forgery) {
			f.raw[0] = encoded(t, parcels(80), 2)
		}},
		{"fewer features", "PACKAGE_COUNT", func(t testing.TB, f *forgery) { f.raw[0] = encoded(t, parcels(7), 2) }},
		{"a feature twice", "PACKAGE_PART", func(_ testing.TB, f *forgery) {
			n, w := binary.Uvarint(f.raw[0])
			first := f.raw[0][:w+int(n)]
			f.raw[0] = slices.Concat(first, f.raw[0])
			f.manifest.Layers[0].Features++
			f.manifest.Layers[0].Put++
		}},
		{"something behind the features", "PACKAGE_PART", func(_ testing.TB, f *forgery) { f.raw[0] = append(f.raw[0], 1) }},
		{"a second stream behind the first", "PACKAGE_PART", func(_ testing.TB, f *forgery) {
			f.packPart = func(raw []byte) []byte { return append(zipped(raw), zipped([]byte("more"))...) }
		}},
		{"no gzip", "PACKAGE_PART", func(_ testing.TB, f *forgery) { f.packPart = func(raw []byte) []byte { return raw } }},
		{"a record that does not decode", "PACKAGE_PART", func(_ testing.TB, f *forgery) { f.raw[0][1] ^= 0xff }},

		{"answers with single features", "PACKAGE_POLICY", func(_ testing.TB, f *forgery) {
			f.manifest.Tier, f.manifest.State.Policy = edition.Public, edition.Policy{GridM: 25, GridLon: 2_500_000, GridLat: 2_500_000, Pieces: true}
		}},
		{"zooms above the policy's", "PACKAGE_POLICY", func(_ testing.TB, f *forgery) { f.manifest.State.MaxZoom = 19 }},
		{"no grid where the policy has one", "PACKAGE_POLICY", func(_ testing.TB, f *forgery) { f.manifest.Tier = edition.Public }},
		{"a grid that is finer than it says", "PACKAGE_POLICY", func(_ testing.TB, f *forgery) {
			f.manifest.Tier, f.manifest.State.Policy = edition.Public, edition.Policy{GridM: 25, GridLon: 2_000_000, GridLat: 2_500_000}
		}},

		{"another digest", "PACKAGE_DIGEST", func(_ testing.TB, f *forgery) {
			f.sizes = func(p []Part) { p[0].Digest = "sha256:" + strings.Repeat("0", 64) }
		}},
		{"a ring that crosses itself", "PACKAGE_GEOMETRY", feature(func(f *index.Feature) { f.Geometry = bow })},
		{"a position off the Earth", "PACKAGE_GEOMETRY", feature(func(f *index.Feature) {
			f.Geometry[0][0][0].Lat, f.Geometry[0][0][4].Lat = 95*geo.Unit, 95*geo.Unit
		})},
		{"another area", "PACKAGE_AREA", feature(func(f *index.Feature) { f.AreaM2 *= 1.001 })},
		{"another area of record", "PACKAGE_AREA", feature(func(f *index.Feature) { f.Patch++ })},
		{"another sum of areas", "PACKAGE_AREA", func(_ testing.TB, f *forgery) { f.manifest.Layers[0].Sums.Area++ }},
		{"another value", "PACKAGE_CONTENT", feature(func(f *index.Feature) { f.Values[0] = "other" })},
		{"another extent", "PACKAGE_CONTENT", func(_ testing.TB, f *forgery) { f.manifest.Layers[0].Extent[0]++ }},
		{"another content hash", "PACKAGE_CONTENT", func(_ testing.TB, f *forgery) {
			f.manifest.State.ContentHash = strings.Repeat("0", 64)
		}},
		{"another digest of the features", "PACKAGE_CONTENT", func(_ testing.TB, f *forgery) {
			f.manifest.State.Features = strings.Repeat("0", 64)
		}},
		{"vertices beside the policy's grid", "PACKAGE_GEOMETRY", func(_ testing.TB, f *forgery) {
			f.manifest.State.Policy.GridLon, f.manifest.State.Policy.GridLat = 7_000_000, 7_000_000
		}},

		{"a stranger's signature", "SEAL_UNTRUSTED", func(_ testing.TB, f *forgery) { f.by = k.stranger }},
		{"another sender's name for the key", "PACKAGE_MANIFEST", func(_ testing.TB, f *forgery) {
			f.manifest.Sender.Key = strings.Repeat("0", 32)
		}},
		{"another format", "PACKAGE_FORMAT", func(_ testing.TB, f *forgery) { f.manifest.Format = "gengtu-package/2" }},
		{"a sequence without a package before", "PACKAGE_MANIFEST", func(_ testing.TB, f *forgery) { f.manifest.Sequence = 2 }},
		{"a full package with a base", "PACKAGE_MANIFEST", func(_ testing.TB, f *forgery) { f.manifest.Base = &f.manifest.State }},
		{"a view of nothing", "PACKAGE_MANIFEST", func(_ testing.TB, f *forgery) {
			v := f.manifest.Layers[0]
			v.Name, v.View, v.Change, v.Part, v.Put = "cropland", &edition.View{Of: "dltb", Field: "DLBM"}, View, -1, 0
			f.manifest.Layers = append(f.manifest.Layers, v)
		}},
		{"a part that belongs to nobody", "PACKAGE_MANIFEST", func(_ testing.TB, f *forgery) { f.raw = append(f.raw, []byte{0}) }},
		{"two approvals, one without a name", "PACKAGE_MANIFEST", func(_ testing.TB, f *forgery) {
			f.manifest.Approvals = []Approval{{By: "a", At: "2026-11-22T12:00:00Z"}, {At: "2026-11-22T12:00:00Z"}}
		}},
		{"two values for a manifest", "PACKAGE_MANIFEST", func(_ testing.TB, f *forgery) {
			f.edit = func(m []byte) []byte { return append(m, "{}"...) }
		}},
		{"a manifest beyond the limit", "PACKAGE_LIMIT", func(_ testing.TB, f *forgery) {
			f.edit = func(m []byte) []byte { return append(m, bytes.Repeat([]byte(" "), MaxManifestBytes)...) }
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			f := takenApart(t, k, good)
			c.forge(t, f)
			to := filepath.Join(t.TempDir(), "to")
			if f.manifest.Tier != edition.Public {
				made(t, to, edition.Government, parcels(3))
			}
			before := inForce(t, to)
			_, err := receive(t, k, to, f.written(t), func(o *ReceiveOptions) { o.Replace = true })
			if code(err) != c.code {
				t.Fatalf("%v, want %s", err, c.code)
			}
			if !cmp.Equal(before, inForce(t, to)) {
				t.Error("the edition changed")
			}
			all, err := os.ReadDir(QuarantineDir(to))
			if err != nil || len(all) != 1 {
				t.Errorf("in quarantine: %v %v", all, err)
			}
			log, err := os.ReadFile(filepath.Join(to, edition.ExchangeDir, logFile))
			if err != nil || !strings.Contains(string(log), c.code) {
				t.Errorf("log: %s %v", log, err)
			}
			receipts, err := filepath.Glob(filepath.Join(to, edition.ExchangeDir, receiptsDir, "*refused.json"))
			if err != nil || len(receipts) != 1 {
				t.Fatal(receipts, err)
			}
			if text, err := os.ReadFile(receipts[0]); err != nil || !strings.Contains(string(text), c.code) {
				t.Errorf("receipt: %s %v", text, err)
			}
			if drafts, err := filepath.Glob(filepath.Join(to, ".draft-*")); err != nil || len(drafts) > 0 {
				t.Error("a draft is left")
			}
		})
	}
	// The very same package with nothing wrong is taken in.
	to := filepath.Join(t.TempDir(), "to")
	if _, err := receive(t, k, to, takenApart(t, k, good).written(t), nil); err != nil {
		t.Error(err)
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
}

type memory struct{ *bytes.Reader }

func (memory) Close() error { return nil }

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
	_, err = receive(t, k, to, held, func(o *ReceiveOptions) { o.By, o.ReleasedBy = waiting.By, "甲" })
	if code(err) != "RELEASE_SAME" {
		t.Fatal(err)
	}
	if _, err = receive(t, k, to, held, func(o *ReceiveOptions) { o.By, o.ReleasedBy = waiting.By, "乙" }); err != nil {
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
	if err := p.Write(path); err != nil {
		t.Fatal(err)
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
