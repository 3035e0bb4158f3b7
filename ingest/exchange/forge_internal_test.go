package exchange

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/index/seal"
	"gengtu/ingest/policy"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// square is a parcel of some 100 m a side, number i of a row.
func square(i int) geo.MultiPolygon {
	const side = 10_000_000 // 0.001 degree
	x, y := int64(1_080_000_000_000+i*side), int64(345_000_000_000)
	return geo.MultiPolygon{{{{Lon: x, Lat: y}, {Lon: x + side, Lat: y}, {Lon: x + side, Lat: y + side}, {Lon: x, Lat: y + side}, {Lon: x, Lat: y}}}}
}

// parcel is a feature with the values of the layer pbf.
func parcel(i int) index.Feature {
	f := index.Feature{ID: uint64(1000 + i), Geometry: square(i), Values: []any{fmt.Sprintf("61040200%010d", i), float64(i) + 0.5}, Patch: int64(100*i + 1), Net: index.NoArea, Place: "610402"}
	f.AreaM2 = geo.Area(f.Geometry)
	return f
}

// fields are those of the layer pbf in these tests.
func fields() []edition.Field {
	return []edition.Field{{Name: "YJJBNTTBBH", Kind: edition.Text, Known: true, Code: true}, {Name: "YJJBNTMJ", Kind: edition.Real, Known: true}}
}

// made makes a generation of an edition, of parcels, and returns its name. Its tiles
// are no tiles: package exchange never looks at them.
func made(t testing.TB, dir string, tier edition.Tier, parcels []index.Feature) string {
	t.Helper()
	d, err := edition.Begin(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Abort()
	w := index.NewWriter(d.File(edition.FeaturesFile))
	l := w.Layer(edition.Layer{Name: "pbf", Vintage: "2024", Title: edition.Title{Zh: "永久基本农田", En: "PBF"}, Fields: fields(), ParcelZoom: 13})
	for i := range parcels {
		f := parcels[i]
		if err := l.Add(&f); err != nil {
			t.Fatal(err)
		}
	}
	layers, err := w.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m := &edition.Manifest{Tier: tier, Layers: layers, BuiltZooms: [2]int{5, 6}, MaxZoom: 14, Drawing: 1, Policy: allowed(t, tier)}
	if err := finish(t, d, m, nil); err != nil {
		t.Fatal(err)
	}
	return m.Generation
}

// finish completes a draft and puts it in force.
func finish(t testing.TB, d *edition.Draft, m *edition.Manifest, approve func(m *edition.Manifest) error) error {
	t.Helper()
	if err := index.Seal(t.Context(), d.File(edition.FeaturesFile)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.File(edition.TilesFile), []byte("tiles"), 0o644); err != nil {
		t.Fatal(err)
	}
	digest, err := index.ContentDigest(d.File(edition.FeaturesFile))
	if err != nil {
		t.Fatal(err)
	}
	m.Drawing = 1
	m.ContentHash = digest
	if approve != nil {
		if err := approve(m); err != nil {
			return err
		}
	}
	if err := d.Commit(m, edition.DefaultKeep); err != nil {
		t.Fatal(err)
	}
	return nil
}

// keys are two parties.
type keys struct{ sender, stranger, trust string }

func newKeys(t testing.TB) keys {
	t.Helper()
	k := keys{sender: filepath.Join(t.TempDir(), "sender"), stranger: filepath.Join(t.TempDir(), "stranger")}
	for _, path := range []string{k.sender, k.stranger} {
		p, err := seal.NewKeys(seal.Ed25519, filepath.Base(path), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Write(path); err != nil {
			t.Fatal(err)
		}
	}
	k.trust = k.sender + seal.PublicEnding
	return k
}

func signer(t testing.TB, path string) seal.Signer {
	t.Helper()
	s, err := seal.ReadSigner(path, edition.Government)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// packed packs an edition.
func packed(t testing.TB, k keys, dir string, change func(*PackOptions)) string {
	t.Helper()
	o := PackOptions{Edition: dir, Out: filepath.Join(t.TempDir(), "p.gtp"), Signer: signer(t, k.sender), Grade: Important, Mark: OpenMark, Created: noon, Program: "test"}
	if change != nil {
		change(&o)
	}
	if _, err := Pack(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return o.Out
}

// receive takes a package in, as the command does, and returns what is in force then.
func receive(t testing.TB, k keys, dir, path string, change func(*ReceiveOptions)) (*edition.Manifest, error) {
	t.Helper()
	p, err := policy.Default()
	if err != nil {
		t.Fatal(err)
	}
	o := ReceiveOptions{Package: path, Edition: dir, Trust: k.trust, Policy: p, By: "甲", Now: noon}
	if change != nil {
		change(&o)
	}
	r, err := Receive(t.Context(), o)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	m, err := apply(t, r, dir)
	if err != nil {
		return nil, r.Refuse(err)
	}
	return m, nil
}

func apply(t testing.TB, r *Reception, dir string) (*edition.Manifest, error) {
	if err := r.Released(); err != nil {
		return nil, err
	}
	d, err := edition.Begin(dir)
	if err != nil {
		return nil, err
	}
	defer d.Abort()
	var base *index.Base
	if r.Manifest.Kind == Delta {
		if base, err = index.OpenBase(edition.Path(dir, r.Held.Generation), r.Held); err != nil {
			return nil, err
		}
		defer base.Close()
	}
	layers, err := r.Write(t.Context(), base, index.NewWriter(d.File(edition.FeaturesFile)))
	if err != nil {
		return nil, err
	}
	s := r.Manifest.State
	m := &edition.Manifest{Tier: r.Manifest.Tier, Layers: layers, BuiltZooms: s.BuiltZooms, MaxZoom: s.MaxZoom, Policy: s.Policy}
	err = finish(t, d, m, func(m *edition.Manifest) error {
		return errors.Join(r.Check(m, m.ContentHash), r.Intend(edition.GenerationName(m.Tier, m.ContentHash, m.Policy.Digest)))
	})
	if err != nil {
		return nil, err
	}
	return m, r.Accept(m)
}

// forgery is a package taken apart, to be put together again with something wrong.
type forgery struct {
	manifest Manifest
	raw      [][]byte // the parts, unpacked
	by       string   // the key that signs
	edit     func(manifest []byte) []byte
	sizes    func(parts []Part)      // after they were found
	members  func(m []file) []file   // after the package was put together
	tail     []byte                  // behind its end
	packPart func(raw []byte) []byte // instead of gzip
}

type file struct {
	header tar.Header
	data   []byte
}

// takenApart reads a package.
func takenApart(t testing.TB, k keys, path string) *forgery {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all, err := scan(path, bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	f := &forgery{by: k.sender}
	for i, m := range all {
		part := data[m.at : m.at+m.size]
		switch {
		case i == 0:
			if err := json.Unmarshal(part, &f.manifest); err != nil {
				t.Fatal(err)
			}
		case i > 1:
			f.raw = append(f.raw, unzipped(t, part))
		}
	}
	return f
}

func unzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func zipped(raw []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(raw)
	_ = z.Close()
	return b.Bytes()
}

// written puts the package together, signs it and writes it.
func (f *forgery) written(t testing.TB) string {
	t.Helper()
	s := signer(t, f.by)
	f.manifest.Parts = nil
	var parts []file
	for i, raw := range f.raw {
		data := zipped(raw)
		if f.packPart != nil {
			data = f.packPart(raw)
		}
		h := s.Algorithm().NewHash()
		h.Write(data)
		f.manifest.Parts = append(f.manifest.Parts, Part{partName(i), int64(len(data)), int64(len(raw)), digestText(s.Algorithm(), h.Sum(nil))})
		parts = append(parts, plainFile(partName(i), data))
	}
	if f.sizes != nil {
		f.sizes(f.manifest.Parts)
	}
	text, err := f.manifest.encode()
	if err != nil {
		t.Fatal(err)
	}
	if f.edit != nil {
		text = f.edit(text)
	}
	sig, err := seal.Sign(context.Background(), s, seal.Package, text)
	if err != nil {
		t.Fatal(err)
	}
	sigText, err := encodeSignature(sig)
	if err != nil {
		t.Fatal(err)
	}
	all := append([]file{plainFile(manifestName, text), plainFile(signatureName, sigText)}, parts...)
	if f.members != nil {
		all = f.members(all)
	}
	var b bytes.Buffer
	for _, m := range all {
		var head bytes.Buffer
		if err := tar.NewWriter(&head).WriteHeader(&m.header); err != nil {
			t.Fatal(err)
		}
		b.Write(head.Bytes())
		b.Write(m.data)
		b.Write(zeroBlock[:padding(int64(len(m.data)))])
	}
	if err := writeEnd(&b); err != nil {
		t.Fatal(err)
	}
	b.Write(f.tail)
	path := filepath.Join(t.TempDir(), "forged.gtp")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func plainFile(name string, data []byte) file {
	return file{tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(data)), Mode: 0o644, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}, data}
}

// records are the features of part 0.
func (f *forgery) records(t testing.TB) []index.Feature {
	t.Helper()
	var out []index.Feature
	for raw := f.raw[0]; ; {
		n, k := binary.Uvarint(raw)
		if k <= 0 {
			t.Fatal("part damaged")
		}
		if n == 0 {
			return out
		}
		x, err := index.DecodeRecord(raw[k : k+int(n)])
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, x)
		raw = raw[k+int(n):]
	}
}

// encoded brings features into the form of a part, without any judging.
func encoded(t testing.TB, features []index.Feature, n int) []byte {
	t.Helper()
	dir := t.TempDir()
	w := index.NewWriter(filepath.Join(dir, "f.db"))
	meta := edition.Layer{Name: "pbf", Vintage: "2024", Fields: make([]edition.Field, n)}
	l := w.Layer(meta)
	for i := range features {
		if err := l.Add(&features[i]); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var raw []byte
	err := index.Each(filepath.Join(dir, "f.db"), func(bucket string, _, v []byte) error {
		if bucket == "features/pbf@2024" {
			raw = append(binary.AppendUvarint(raw, uint64(len(v))), v...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return append(raw, 0)
}

// code is that of a problem, "" of none.
func code(err error) string {
	if err == nil {
		return ""
	}
	if p := problem.Of(err); p != nil {
		return p.Code
	}
	return err.Error()
}

// allowed is what the embedded policy lets a tier's editions answer.
func allowed(t testing.TB, tier edition.Tier) edition.Policy {
	t.Helper()
	p := defaultPolicy(t).Tiers[tier]
	out := edition.Policy{Name: "p", GridM: p.GridM, PrecisionM: p.PrecisionM, MinZoom: p.MinZoom, MaxAOIM2: p.MaxAOIM2, MinAOIM2: p.MinAOIM2, Pieces: p.Pieces, TotalsOnly: p.TotalsOnly, RoundM2: p.RoundM2}
	if p.GridM > 0 {
		out.GridLon, out.GridLat = 2_500_000, 2_500_000 // 25 m and more, and the parcels lie on it
	}
	if p.Groups.Listed {
		out.Groups = append([]string{}, p.Groups.Names...)
	}
	if p.Analyses.Listed {
		out.Analyses = append([]string{}, p.Analyses.Names...)
	}
	return out
}

func defaultPolicy(t testing.TB) *policy.Policy {
	t.Helper()
	p, err := policy.Default()
	if err != nil {
		t.Fatal(err)
	}
	return p
}
