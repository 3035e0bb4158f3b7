//go:build unix

package edition_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"gengtu/index/edition"
)

// modes are the modes of all that an edition's directory holds, it included, by path;
// generations are called g.
func modes(t *testing.T, dir string) map[string]fs.FileMode {
	t.Helper()
	out := map[string]fs.FileMode{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil {
			rel, _ := filepath.Rel(dir, path)
			out[rel] = info.Mode().Perm()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Above public nobody but the owner and the group gets at an edition, whatever the umask;
// public is as the umask says. What an update links, copies or rolls back to keeps to it,
// and a generation in the making is its owner's alone.
func TestModes(t *testing.T) {
	before := syscall.Umask(0)
	defer syscall.Umask(before)
	for _, umask := range []int{0, 0o002, 0o022, 0o027, 0o077} {
		for _, tier := range edition.Tiers {
			syscall.Umask(umask)
			dir := filepath.Join(t.TempDir(), "e")
			most := fs.FileMode(0o755)
			if tier != edition.Public {
				most = 0o750
			}
			most &^= fs.FileMode(umask)
			check := func(what string) {
				t.Helper()
				for path, mode := range modes(t, dir) {
					want := most
					if st, err := os.Stat(filepath.Join(dir, path)); err != nil || !st.IsDir() {
						want &= 0o644
					}
					if path == ".lock" {
						want &= 0o640
					}
					if mode != want {
						t.Errorf("umask %03o, %s, %s: %s has the mode %03o, want %03o", umask, tier, what, path, mode, want)
					}
				}
			}
			d := draft(t, dir, "one")
			if st, err := os.Stat(d.File("")); err != nil || st.Mode().Perm() != 0o700 {
				t.Errorf("a draft has the mode %v (%v)", st.Mode(), err)
			}
			first := manifest("one")
			first.Tier = tier
			if err := d.Commit(first, 2); err != nil {
				t.Fatal(err)
			}
			check("a first generation")
			d, err := edition.Begin(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{edition.FeaturesFile, edition.TilesFile} {
				if _, err := d.Take(t.Context(), edition.Path(dir, first.Generation), first, name); err != nil {
					t.Fatal(err)
				}
			}
			second := manifest("two")
			second.Tier = tier
			if err := d.Commit(second, 2); err != nil {
				t.Fatal(err)
			}
			check("files taken over")
			if _, err := edition.Rollback(dir, first.Generation); err != nil {
				t.Fatal(err)
			}
			check("rolled back")
		}
	}
}

// A directory that somebody made for an edition is closed with the first generation in it,
// and stays as it is made afterwards.
func TestModeOfGivenDirectory(t *testing.T) {
	before := syscall.Umask(0o022)
	defer syscall.Umask(before)
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, want := range []fs.FileMode{0o750, 0o751} {
		commit(t, dir, want.String(), 2)
		if got := modes(t, dir)["."]; got != want {
			t.Errorf("the directory has the mode %03o, want %03o", got, want)
		}
		if err := os.Chmod(dir, 0o751); err != nil {
			t.Fatal(err)
		}
	}
}
