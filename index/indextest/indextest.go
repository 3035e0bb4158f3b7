// Package indextest makes indexes for tests: of features that a test thinks up, or of
// files that it wrote. What it makes goes with the test.
//
// Nothing of the product imports it.
package indextest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"path/filepath"
	"testing"

	"gengtu/index"
	"gengtu/index/edition"
)

// Layer is a layer and its features.
type Layer struct {
	Meta     edition.Layer
	Features []index.Feature
}

// New writes layers to a directory of the test and opens it as m, whose Layers it sets.
// The index is closed with the test.
func New(t testing.TB, m *edition.Manifest, layers ...Layer) *index.Index {
	t.Helper()
	dir := t.TempDir()
	w := index.NewWriter(filepath.Join(dir, edition.FeaturesFile))
	for _, l := range layers {
		to := w.Layer(l.Meta)
		for i := range l.Features {
			if err := to.Add(&l.Features[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	var err error
	if m.Layers, err = w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return Open(t, dir, m)
}

// Open opens the files in dir as m describes them. The index is closed with the test.
func Open(t testing.TB, dir string, m *edition.Manifest) *index.Index {
	t.Helper()
	ix, err := index.OpenFiles(dir, m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ix.Close(); err != nil {
			t.Error(err)
		}
	})
	return ix
}

// ContentHash is the SHA-256 of what the features.db at path stores, each name, key and
// value behind its length: it does not depend on how the file is laid out.
func ContentHash(t testing.TB, path string) string {
	t.Helper()
	h := sha256.New()
	err := index.Each(path, func(bucket string, key, value []byte) error {
		for _, b := range [][]byte{[]byte(bucket), key, value} {
			var n [8]byte
			binary.BigEndian.PutUint64(n[:], uint64(len(b)))
			h.Write(n[:])
			h.Write(b)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}
