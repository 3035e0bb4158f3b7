package edition_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/problem"
)

// A draft's checksums are those of its files, however long these are, and whether
// Finish came before Commit or not.
func TestChecksums(t *testing.T) {
	const block = 1 << 20
	rng := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, block - 1, block, block + 1, 3*block + 77} {
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		dir := filepath.Join(t.TempDir(), "e")
		d, err := edition.Begin(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{edition.FeaturesFile, edition.TilesFile} {
			if err := os.WriteFile(d.File(name), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		d.Finish(edition.TilesFile)
		m := manifest("content")
		if err := d.Commit(m, 2); err != nil {
			t.Fatal(err)
		}
		sum, blocks := sha256.Sum256(data), ""
		for at := 0; at < size; at += block {
			blocks += fmt.Sprintf("%08x", crc32.Checksum(data[at:min(at+block, size)], crc32.MakeTable(crc32.Castagnoli)))
		}
		for _, name := range []string{edition.FeaturesFile, edition.TilesFile} {
			if m.Files[name] != hex.EncodeToString(sum[:]) || m.Blocks[name] != blocks {
				t.Errorf("%d bytes: %s has the checksums %s and %s", size, name, m.Files[name], m.Blocks[name])
			}
		}
	}
}

// A copy is what it is a copy of, or an error: one bit that is another is found,
// wherever it is, and so is a file that has become longer or shorter; with and
// without checksums of blocks.
func TestCopyFile(t *testing.T) {
	const size = 2<<20 + 12345
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i * i >> 7)
	}
	dir := filepath.Join(t.TempDir(), "e")
	d, err := edition.Begin(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{edition.FeaturesFile, edition.TilesFile} {
		if err := os.WriteFile(d.File(name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m := manifest("content")
	if err := d.Commit(m, 2); err != nil {
		t.Fatal(err)
	}
	spoiled := *m
	spoiled.Blocks = map[string]string{edition.TilesFile: m.Blocks[edition.TilesFile][8:]}
	if p := problem.Of(edition.CheckFiles(dir, &spoiled)); p == nil || p.Code != "CHECKSUM" {
		t.Errorf("with checksums of other blocks: %v", p)
	}
	gdir := edition.Path(dir, m.Generation)
	bare := *m
	bare.Blocks = nil
	flip := func(at int) []byte {
		b := bytes.Clone(data)
		b[at] ^= 4
		return b
	}
	for _, row := range []struct {
		name, code string
		data       []byte
	}{
		{"as it was", "", data},
		{"the first byte", "CHECKSUM", flip(0)},
		{"the last of a block", "CHECKSUM", flip(1<<20 - 1)},
		{"the first of the next", "CHECKSUM", flip(1 << 20)},
		{"the last byte", "CHECKSUM", flip(size - 1)},
		{"longer", "CHECKSUM", append(bytes.Clone(data), 0)},
		{"longer by blocks", "CHECKSUM", append(bytes.Clone(data), make([]byte, 1<<20)...)},
		{"shorter", "CHECKSUM", data[:size-1]},
		{"cut at a block", "CHECKSUM", data[:2<<20]},
		{"empty", "CHECKSUM", nil},
	} {
		if err := os.WriteFile(filepath.Join(gdir, edition.TilesFile), row.data, 0o644); err != nil {
			t.Fatal(err)
		}
		for _, m := range []*edition.Manifest{m, &bare} {
			to := filepath.Join(t.TempDir(), "copy")
			err := edition.CopyFile(t.Context(), gdir, m, edition.TilesFile, to)
			code := ""
			if p := problem.Of(err); p != nil {
				code = p.Code
			}
			if code != row.code || (err == nil) != (row.code == "") {
				t.Errorf("%s, %d block sums: %v", row.name, len(m.Blocks), err)
			}
			if got, rerr := os.ReadFile(to); err == nil && (rerr != nil || !bytes.Equal(got, data)) {
				t.Errorf("%s: the copy has %d bytes (%v)", row.name, len(got), rerr)
			}
		}
	}
	if err := os.Remove(filepath.Join(gdir, edition.TilesFile)); err != nil {
		t.Fatal(err)
	}
	if p := problem.Of(edition.CopyFile(t.Context(), gdir, m, edition.TilesFile, filepath.Join(t.TempDir(), "copy"))); p == nil || p.Code != "EDITION_INCOMPLETE" {
		t.Errorf("a file that is not there: %v", p)
	}
}

// A manifest names the updates of years, and no more.
func TestNote(t *testing.T) {
	m := manifest("content")
	first := *m
	for i := range 4000 {
		m.Note(edition.Update{Generation: fmt.Sprint(i)})
	}
	if len(m.Updates) != 3650 || m.Updates[3649].Generation != "3999" || m.Updates[0].Generation != "350" || first.Updates != nil {
		t.Errorf("%d updates, from %s to %s", len(m.Updates), m.Updates[0].Generation, m.Updates[len(m.Updates)-1].Generation)
	}
}
