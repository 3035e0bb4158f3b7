package edition_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"gengtu/index/edition"
)

// sameFile tells whether two paths lead to one file.
func sameFile(t *testing.T, a, b string) bool {
	t.Helper()
	x, err := os.Stat(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := os.Stat(b)
	if err != nil {
		t.Fatal(err)
	}
	return os.SameFile(x, y)
}

// A draft has a generation's files as they are, linked where that can be, with the
// checksums that they had, and copies of their patches; with patches the generation is of
// another format. A file that is put in place of a linked one has its own checksums.
func TestTake(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "e")
	d := draft(t, dir, "one")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(d.File(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(edition.GroundFile, "ground")
	write(edition.TilesPatch, "patch")
	first := manifest("one")
	if err := d.Commit(first, 2); err != nil {
		t.Fatal(err)
	}
	from := edition.Path(dir, first.Generation)
	take := func(m *edition.Manifest, want map[string]bool) {
		t.Helper()
		var err error
		if d, err = edition.Begin(dir); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{edition.FeaturesFile, edition.GroundFile, edition.TilesFile} {
			linked, err := d.Take(t.Context(), from, m, name)
			if err != nil || linked != want[name] || sameFile(t, filepath.Join(from, name), d.File(name)) != want[name] {
				t.Fatalf("%s: linked %v (%v), want %v", name, linked, err, want[name])
			}
		}
		if sameFile(t, filepath.Join(from, edition.TilesPatch), d.File(edition.TilesPatch)) {
			t.Error("a patch is linked")
		}
	}
	all := map[string]bool{edition.FeaturesFile: true, edition.GroundFile: true, edition.TilesFile: true}
	take(first, all)
	write(edition.TilesPatch, "another patch")
	if err := os.Remove(d.File(edition.GroundFile)); err != nil {
		t.Fatal(err)
	}
	write(edition.GroundFile, "built anew")
	d.Finish(edition.GroundFile)
	second := manifest("two")
	if err := d.Commit(second, 2); err != nil {
		t.Fatal(err)
	}
	if err := edition.CheckFiles(dir, second); err != nil {
		t.Error(err)
	}
	if second.Files[edition.FeaturesFile] != first.Files[edition.FeaturesFile] || second.Files[edition.GroundFile] == first.Files[edition.GroundFile] {
		t.Errorf("checksums %v, before %v", second.Files, first.Files)
	}
	if second.Format != edition.Format || inForce(t, dir) != second.Generation {
		t.Errorf("format %d", second.Format)
	}

	// A symbolic link is copied, for it leads out of the directory; so is a file of which
	// only the whole checksum is known.
	tiles := filepath.Join(from, edition.TilesFile)
	if err := os.Rename(tiles, filepath.Join(filepath.Dir(dir), "elsewhere")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(filepath.Dir(dir), "elsewhere"), tiles); err != nil {
		t.Fatal(err)
	}
	bare := *first
	bare.Blocks = map[string]string{edition.TilesFile: first.Blocks[edition.TilesFile], edition.TilesPatch: first.Blocks[edition.TilesPatch], edition.GroundFile: first.Blocks[edition.GroundFile]}
	take(&bare, map[string]bool{edition.GroundFile: true})
	if err := os.Remove(d.File(edition.TilesPatch)); err != nil {
		t.Fatal(err)
	}
	third := manifest("three")
	if err := d.Commit(third, 3); err != nil {
		t.Fatal(err)
	}
	if err := edition.CheckFiles(dir, third); err != nil || third.Format != edition.Format-1 {
		t.Errorf("copied, and without a patch, it has the format %d (%v)", third.Format, err)
	}

	// What is not there, or is damaged and copied, is not taken.
	for name, spoil := range map[string]func(path string) error{
		"EDITION_INCOMPLETE": os.Remove,
		"CHECKSUM":           func(path string) error { return os.WriteFile(path, bytes.Repeat([]byte("x"), 5), 0o644) },
	} {
		if err := spoil(filepath.Join(from, edition.TilesPatch)); err != nil {
			t.Fatal(err)
		}
		var err error
		if d, err = edition.Begin(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Take(t.Context(), from, first, edition.TilesFile); code(err) != name {
			t.Errorf("got %v, want %s", err, name)
		}
		d.Abort()
		if name == "EDITION_INCOMPLETE" {
			write := os.WriteFile(filepath.Join(from, edition.TilesPatch), []byte("patch"), 0o644)
			if write != nil {
				t.Fatal(write)
			}
		}
	}
}

// A draft that has the content of a generation that is there gives way to it, but not
// where that is damaged in a file of its own.
func TestTakeAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "e")
	name := commit(t, dir, "one", 2)
	_, m, err := edition.Current(dir)
	if err != nil {
		t.Fatal(err)
	}
	from := edition.Path(dir, name)
	if err := os.WriteFile(filepath.Join(from, edition.FeaturesFile), []byte("damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	d := draft(t, dir, "one")
	if err := os.Remove(d.File(edition.TilesFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Take(t.Context(), from, m, edition.TilesFile); err != nil {
		t.Fatal(err)
	}
	if err := d.Commit(manifest("one"), 2); err != nil {
		t.Fatal(err)
	}
	if inForce(t, dir) != name {
		t.Error("another generation is in force")
	}
}
