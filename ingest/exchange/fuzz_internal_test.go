package exchange

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"gengtu/index"
	"gengtu/index/edition"
)

// seed packs a small edition and returns the package.
func seed(f *testing.F) []byte {
	f.Helper()
	from := filepath.Join(f.TempDir(), "from")
	made(f, from, edition.Government, parcels(2))
	data, err := os.ReadFile(packed(f, newKeys(f), from, nil))
	if err != nil {
		f.Fatal(err)
	}
	return data
}

// memory is a package that lies in no file.
type memory struct{ *bytes.Reader }

func (memory) Close() error { return nil }

// Whatever a file holds, its members lie inside of it, one behind the other, under
// plain names, and nothing else is in it.
func FuzzScan(f *testing.F) {
	f.Add(seed(f))
	f.Add(make([]byte, 1024))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := scan("f", bytes.NewReader(data), int64(len(data)))
		if err != nil {
			if code(err) == err.Error() {
				t.Fatal(err)
			}
			return
		}
		var again bytes.Buffer
		for _, m := range all {
			if err := writeEntry(&again, m.name, m.size, bytes.NewReader(data[m.at:m.at+m.size])); err != nil {
				t.Fatal(err)
			}
		}
		if err := writeEnd(&again); err != nil || !bytes.Equal(again.Bytes(), data) {
			t.Fatal("it would not be written so")
		}
	})
}

// Whatever a manifest says, one that is believed can be: parts and layers belong to
// each other, within the limits.
func FuzzManifest(f *testing.F) {
	data := seed(f)
	all, err := scan("f", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data[all[0].at : all[0].at+all[0].size])
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseManifest("f", data)
		if err != nil {
			return
		}
		used := 0
		for _, l := range m.Layers {
			if l.Part >= 0 {
				used++
				_ = m.Parts[l.Part]
			}
		}
		for _, g := range m.Lineages {
			used++
			_ = m.Parts[g.Part]
		}
		if used != len(m.Parts) || len(m.Parts) > MaxParts {
			t.Fatal("parts")
		}
		if _, err := m.encode(); err != nil {
			t.Fatal(err)
		}
	})
}

// Whatever a part unpacks to, no more is read than it says, and a feature that is let
// through can be stored.
func FuzzPart(f *testing.F) {
	data := seed(f)
	all, err := scan("f", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		f.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(data[all[2].at:]))
	if err != nil {
		f.Fatal(err)
	}
	z.Multistream(false)
	raw, err := io.ReadAll(z)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw, 2)
	f.Add(append(binary.AppendUvarint(nil, 1<<40), 1), 1)
	f.Add([]byte{0, 1, 1}, 0)
	f.Fuzz(func(t *testing.T, raw []byte, put int) {
		if put < 0 || len(raw) == 0 {
			return
		}
		data := zipped(raw)
		p, err := newPartReader(t.Context(), "f", Part{Name: "p", Bytes: int64(len(data)), RawBytes: int64(len(raw)), Digest: "sha256:"}, bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		j := &judge{path: "f", layer: &Layer{Layer: edition.Layer{Fields: fields()}}, policy: &edition.Policy{}}
		w := index.NewWriter(filepath.Join(t.TempDir(), "f.db"))
		out := w.Layer(edition.Layer{Name: "pbf", Vintage: "2024", Fields: fields()})
		var buffer []byte
		for {
			record, err := p.record(buffer)
			if err != nil || record == nil {
				return
			}
			if cap(record) > 2*len(raw)+128<<10 {
				t.Fatalf("%d bytes held for %d", cap(record), len(raw))
			}
			buffer = record
			x, err := j.feature(record)
			if err != nil {
				continue
			}
			if err := out.Add(&x); err != nil && !errors.Is(err, index.ErrDuplicate) {
				t.Fatal(err)
			}
		}
	})
}
