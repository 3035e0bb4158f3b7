package edition_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/edition"
)

// Generations come into force one after the other, the newest keep of them stay,
// and an equal one is the same.
func TestCommit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	var names []string
	for _, c := range []string{"one", "two", "three", "four"} {
		names = append(names, commit(t, dir, c, 3))
		if got := inForce(t, dir); got != names[len(names)-1] {
			t.Fatalf("%s is in force, want %s", got, names[len(names)-1])
		}
	}
	if d := cmp.Diff([]string{names[3], names[2], names[1]}, history(t, dir)); d != "" {
		t.Error(d)
	}
	if again := commit(t, dir, "three", 3); again != names[2] || inForce(t, dir) != names[2] {
		t.Errorf("equal content is %s in force, want %s", again, names[2])
	}
	if d := cmp.Diff([]string{names[3], names[2], names[1]}, history(t, dir)); d != "" {
		t.Error(d)
	}
	commit(t, dir, "two", 1)
	if d := cmp.Diff([]string{names[1]}, history(t, dir)); d != "" {
		t.Errorf("with one to keep: %s", d)
	}
	want := []string{"CURRENT"}
	for _, f := range []string{edition.FeaturesFile, edition.ManifestFile, edition.TilesFile} {
		want = append(want, filepath.Join(names[1], f))
	}
	if d := cmp.Diff(want, files(t, dir)); d != "" {
		t.Errorf("files left: %s", d)
	}
}

// An abort leaves what was there before, and nothing where there was nothing.
func TestAbort(t *testing.T) {
	root := t.TempDir()
	d := draft(t, filepath.Join(root, "a", "b", "c"), "one")
	d.Abort()
	d.Abort()
	if left, err := os.ReadDir(root); err != nil || len(left) != 0 {
		t.Errorf("an abort leaves %v, %v", left, err)
	}
	dir := filepath.Join(root, "e")
	name := commit(t, dir, "one", 2)
	before := files(t, dir)
	draft(t, dir, "two").Abort()
	if diff := cmp.Diff(before, files(t, dir)); diff != "" || inForce(t, dir) != name {
		t.Errorf("an abort changes the edition: %s", diff)
	}
}

// Wherever a commit fails, the generation before stays in force, and after the
// abort there is nothing else.
func TestCommitFails(t *testing.T) {
	cases := map[string]struct {
		prepare func(t *testing.T, dir string, d *edition.Draft, m *edition.Manifest)
		code    string
	}{
		"a file is missing": {func(t *testing.T, _ string, d *edition.Draft, _ *edition.Manifest) {
			remove(t, d.File(edition.TilesFile))
		}, "EDITION_INCOMPLETE"},
		"the manifest cannot be written": {func(t *testing.T, _ string, d *edition.Draft, _ *edition.Manifest) {
			mkdir(t, d.File(edition.ManifestFile))
		}, ""},
		"CURRENT cannot be prepared": {func(t *testing.T, dir string, _ *edition.Draft, _ *edition.Manifest) {
			mkdir(t, filepath.Join(dir, ".CURRENT", "x"))
			t.Cleanup(func() { _ = os.RemoveAll(filepath.Join(dir, ".CURRENT")) })
		}, "EDITION_UNWRITABLE"},
		"another tier": {func(_ *testing.T, _ string, _ *edition.Draft, m *edition.Manifest) {
			m.Tier = edition.Public
		}, "TIER_CHANGED"},
		"the draft is gone": {func(t *testing.T, _ string, d *edition.Draft, _ *edition.Manifest) {
			if err := os.RemoveAll(d.File("")); err != nil {
				t.Fatal(err)
			}
		}, "EDITION_INCOMPLETE"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "e")
			first := commit(t, dir, "one", 2)
			before := files(t, dir)
			d := draft(t, dir, "two")
			m := manifest("two")
			c.prepare(t, dir, d, m)
			err := d.Commit(m, 2)
			if err == nil || c.code != "" && code(err) != c.code {
				t.Fatalf("got %v, want %s", err, c.code)
			}
			d.Abort()
			if got := inForce(t, dir); got != first {
				t.Errorf("%s is in force, want %s", got, first)
			}
			if diff := cmp.Diff(before, files(t, dir)); diff != "" {
				t.Errorf("files left: %s", diff)
			}
			if err := os.RemoveAll(filepath.Join(dir, ".CURRENT")); err != nil {
				t.Fatal(err)
			}
			commit(t, dir, "two", 2) // and the lock is free
		})
	}
	// A first commit that fails leaves no edition at all.
	root := t.TempDir()
	d := draft(t, filepath.Join(root, "e"), "one")
	mkdir(t, filepath.Join(root, "e", "CURRENT", "x"))
	if err := d.Commit(manifest("one"), 2); code(err) != "EDITION_UNWRITABLE" {
		t.Errorf("got %v", err)
	}
	remove(t, filepath.Join(root, "e", "CURRENT", "x"))
	remove(t, filepath.Join(root, "e", "CURRENT"))
	d.Abort()
	if left, err := os.ReadDir(root); err != nil || len(left) != 0 {
		t.Errorf("a first commit that fails leaves %v, %v", left, err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
}

// A generation that has been damaged is made whole by the same content again.
func TestCommitRepairs(t *testing.T) {
	for _, file := range []string{edition.FeaturesFile, edition.TilesFile, edition.ManifestFile} {
		dir := t.TempDir()
		name := commit(t, dir, "one", 2)
		if err := os.WriteFile(filepath.Join(dir, name, file), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		if again := commit(t, dir, "one", 2); again != name || inForce(t, dir) != name {
			t.Errorf("%s: %s in force, want %s", file, again, name)
		}
		for _, f := range files(t, dir) {
			if strings.HasPrefix(f, ".") {
				t.Errorf("%s: %s is left", file, f)
			}
		}
	}
}

// One writer at a time, also across an abort that removes the directory.
func TestTwoWriters(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "e")
	d := draft(t, dir, "one")
	if _, err := edition.Begin(dir); code(err) != "EDITION_BUSY" {
		t.Errorf("a second writer: %v", err)
	}
	if _, err := os.Stat(d.File(edition.TilesFile)); err != nil {
		t.Errorf("the first writer's draft is gone: %v", err)
	}
	if err := d.Commit(manifest("one"), 2); err != nil {
		t.Fatal(err)
	}
	d = draft(t, dir, "two")
	if _, err := edition.Rollback(dir, inForce(t, dir)); code(err) != "EDITION_BUSY" {
		t.Errorf("rollback while writing: %v", err)
	}
	d.Abort()
	commit(t, dir, "two", 2)
}

// What a writer that was killed left behind goes with the next; what belongs to
// someone else is not touched.
func TestBegin(t *testing.T) {
	dir := t.TempDir()
	name := commit(t, dir, "one", 2)
	mkdir(t, filepath.Join(dir, ".draft-1", "deep"))
	for _, f := range []string{".CURRENT", edition.PublisherKey, ".DS_Store"} {
		if err := os.WriteFile(filepath.Join(dir, f), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	draft(t, dir, "two").Abort()
	if _, err := os.Stat(filepath.Join(dir, ".draft-1")); err == nil {
		t.Error("an old draft stays")
	}
	if !slices.Contains(files(t, dir), edition.PublisherKey) || inForce(t, dir) != name {
		t.Error("the key or the generation is gone")
	}

	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "letter.txt"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := edition.Begin(foreign); code(err) != "NOT_AN_EDITION" {
		t.Errorf("a directory of someone else: %v", err)
	}
	if left, err := os.ReadDir(foreign); err != nil || len(left) != 1 {
		t.Errorf("something is left in a directory of someone else: %v, %v", left, err)
	}
	file := filepath.Join(foreign, "letter.txt")
	for _, at := range []string{file, filepath.Join(file, "sub")} {
		if _, err := edition.Begin(at); code(err) != "EDITION_UNWRITABLE" {
			t.Errorf("%s: %v", at, err)
		}
	}
}
