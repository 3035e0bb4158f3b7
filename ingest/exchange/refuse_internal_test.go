package exchange

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
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
)

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

		{"a place that is finer than the policy's", "PACKAGE_POLICY", func(t testing.TB, f *forgery) {
			f.manifest.Tier, f.manifest.State.Policy = edition.Public, allowed(t, edition.Public)
			all := f.records(t)
			all[2].Place = "610402001002"
			f.raw[0] = encoded(t, all, len(all[2].Values))
		}},
		{"a policy that no manifest may have", "PACKAGE_MANIFEST", func(_ testing.TB, f *forgery) { f.manifest.State.Policy.RoundM2 = -1 }},

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
			suite.Count(t, "forged-packages", 1, "packages")
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
