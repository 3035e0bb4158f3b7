// Package indextest makes indexes for tests: of features that a test thinks up, or of
// files that it wrote. What it makes goes with the test.
package indextest

import (
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
