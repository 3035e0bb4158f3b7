package index_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/problem"
)

// A partition that is cut off while it is changed must be an error of whoever changes
// it, and never the end of the program: others than the goroutine that asked for
// the change read it, too.
func TestReviseGroundDamaged(t *testing.T) {
	features := randomFeatures(3000)
	from, m := write(t, features)
	ix, err := index.OpenFiles(from, m)
	if err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	path := filepath.Join(to, edition.GroundFile)
	if _, err := index.BuildGround(t.Context(), ix, path, func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	if err := ix.Close(); err != nil {
		t.Fatal(err)
	}
	if err := index.Seal(t.Context(), filepath.Join(from, edition.FeaturesFile)); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(from, edition.FeaturesFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to, edition.FeaturesFile), whole, 0o600); err != nil {
		t.Fatal(err)
	}
	base, err := index.OpenBase(from, m)
	if err != nil {
		t.Fatal(err)
	}
	stored := base.Layer("dltb", "2024")
	revision, err := base.Revise(t.Context(), filepath.Join(to, edition.FeaturesFile), []index.Delta{
		{Layer: stored, Put: index.NewWriter("").Layer(*stored), Delete: []uint64{features[7].ID}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := base.Close(); err != nil {
		t.Fatal(err)
	}
	changed := *m
	changed.Layers = revision.Layers
	if ix, err = index.OpenFiles(to, &changed); err != nil {
		t.Fatal(err)
	}
	cut := false
	_, err = index.ReviseGround(t.Context(), ix, path, revision, func(done, all int) {
		if cut = true; all > 4 {
			t.Errorf("%d blocks: it is built anew", all)
		}
		if err := os.Truncate(path, 2*pageBytes); err != nil {
			t.Error(err)
		}
	})
	if !cut {
		t.Fatal("nothing was made anew")
	}
	if err == nil {
		t.Error("a partition that was cut off is taken")
	}
	if p := problem.Of(err); p == nil || p.Code != "FEATURES_DAMAGED" {
		t.Errorf("got %v", err)
	}
	if err := ix.Close(); err != nil {
		t.Fatal(err)
	}
}

// cutting is a context that cuts a file off whenever it is asked.
type cutting struct {
	context.Context //nolint:containedctx // it is one
	cut             func()
}

func (c cutting) Err() error {
	c.cut()
	return c.Context.Err()
}

// The same of a features file that is cut off while it is changed.
func TestReviseDamaged(t *testing.T) {
	features := randomFeatures(3000)
	from, m := write(t, features)
	path := filepath.Join(from, edition.FeaturesFile)
	if err := index.Seal(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), edition.FeaturesFile)
	if err := os.WriteFile(to, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	base, err := index.OpenBase(from, m)
	if err != nil {
		t.Fatal(err)
	}
	stored := base.Layer("dltb", "2024")
	ctx := cutting{t.Context(), func() {
		if err := os.Truncate(to, 2*pageBytes); err != nil {
			t.Error(err)
		}
	}}
	_, err = base.Revise(ctx, to, []index.Delta{{Layer: stored, Put: index.NewWriter("").Layer(*stored), Delete: []uint64{features[7].ID}}}, nil)
	if p := problem.Of(err); p == nil || p.Code != "FEATURES_DAMAGED" {
		t.Errorf("got %v", err)
	}
	if err := base.Close(); err != nil {
		t.Fatal(err)
	}
}
