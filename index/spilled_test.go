package index_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/edition"
)

// written makes a file of features in two layers, one of which has views, under a
// limit, with some features taken back and put under other ids.
func written(t *testing.T, features []index.Feature, memoryBytes int64) (string, []edition.Layer) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "f.db")
	w := index.NewWriter(path)
	w.Limit(memoryBytes)
	l := w.Layer(landedMeta)
	w.View(landedView("01"))
	other := landedMeta
	other.Name = "pbf"
	second := w.Layer(other)
	for i := range features {
		f := features[i]
		if err := l.Add(&f); err != nil {
			t.Fatal(err)
		}
		if err := l.Add(&f); !errors.Is(err, index.ErrDuplicate) {
			t.Fatalf("added twice: %v", err)
		}
		if i%5 == 0 {
			if err := second.Add(&f); err != nil {
				t.Fatal(err)
			}
		}
		if i%10 == 9 {
			retake(t, l, &features[i/2])
		}
	}
	layers, err := w.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v (%v)", left, err)
	}
	return path, layers
}

// retake takes a feature back, once, and adds it under another id.
func retake(t *testing.T, l *index.LayerWriter, want *index.Feature) {
	t.Helper()
	f, ok, err := l.Take(want.ID)
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return
	}
	w := *want
	w.Box = w.Geometry.Box()
	if d := cmp.Diff(w, f); d != "" {
		t.Fatal(d)
	}
	if _, again, err := l.Take(want.ID); again || err != nil {
		t.Fatalf("taken twice (%v)", err)
	}
	f.ID += 1 << 40
	if err := l.Add(&f); err != nil {
		t.Fatal(err)
	}
}

// Features that do not fit into memory make the file, key by key, that those make
// which do.
func TestLimit(t *testing.T) {
	features := landed(12_000)
	want, layers := written(t, features, 0)
	all := content(t, want)
	for _, memory := range []int64{100_000, 1 << 20, 1 << 40} {
		got, list := written(t, features, memory)
		if d := cmp.Diff(layers, list); d != "" {
			t.Errorf("%d bytes: %s", memory, d)
		}
		if d := cmp.Diff(all, content(t, got)); d != "" {
			t.Errorf("%d bytes: %s", memory, d)
		}
	}
}

// What the disk does not take is an error of whoever adds.
func TestLimitErrors(t *testing.T) {
	features := landed(10)
	w := index.NewWriter(filepath.Join(t.TempDir(), "none", "f.db"))
	w.Limit(1)
	if err := w.Layer(landedMeta).Add(&features[0]); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
