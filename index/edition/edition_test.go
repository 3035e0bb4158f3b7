package edition_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/edition"
	"gengtu/index/problem"
)

// code returns the code of the problem in err, or what err says.
func code(err error) string {
	if err == nil {
		return ""
	}
	if p := problem.Of(err); p != nil {
		return p.Code
	}
	return err.Error()
}

// draft begins a generation with that content.
func draft(t *testing.T, dir, content string) *edition.Draft {
	t.Helper()
	d, err := edition.Begin(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{edition.FeaturesFile, edition.TilesFile} {
		if err := os.WriteFile(d.File(name), []byte(name+content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func manifest(content string) *edition.Manifest {
	sum := sha256.Sum256([]byte(content))
	return &edition.Manifest{Tier: edition.Secure, ContentHash: hex.EncodeToString(sum[:]), BuiltZooms: [2]int{5, 14}, MaxZoom: 18}
}

// commit adds a generation and returns its name.
func commit(t *testing.T, dir, content string, keep int) string {
	t.Helper()
	d := draft(t, dir, content)
	defer d.Abort()
	m := manifest(content)
	if err := d.Commit(m, keep); err != nil {
		t.Fatal(err)
	}
	return m.Generation
}

func inForce(t *testing.T, dir string) string {
	t.Helper()
	name, m, err := edition.Current(dir)
	if err != nil {
		t.Fatal(err)
	}
	if m.Generation != name {
		t.Errorf("CURRENT is %s, its manifest says %s", name, m.Generation)
	}
	if err := edition.CheckFiles(dir, m); err != nil {
		t.Error(err)
	}
	return name
}

// files lists all files below dir, but the lock.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && e.Name() != ".lock" {
			rel, rerr := filepath.Rel(dir, path)
			out = append(out, rel)
			return rerr
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func history(t *testing.T, dir string) []string {
	t.Helper()
	all, err := edition.History(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range all {
		out = append(out, m.Generation)
	}
	return out
}

// Older generations go even where one of them cannot be read.
func TestPruneDamaged(t *testing.T) {
	dir := t.TempDir()
	a := commit(t, dir, "one", 3)
	b := commit(t, dir, "two", 3)
	if err := os.WriteFile(filepath.Join(dir, a, edition.ManifestFile), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{b, a}, history(t, dir)); d != "" {
		t.Errorf("a generation without manifest is not told of: %s", d)
	}
	if _, err := edition.Rollback(dir, a); code(err) != "MANIFEST_BROKEN" {
		t.Errorf("back to a broken generation: %v", err)
	}
	c := commit(t, dir, "three", 2)
	if d := cmp.Diff([]string{c, b}, history(t, dir)); d != "" {
		t.Error(d)
	}
}

// What was in force before is what one may want to go back to: after a rollback it is
// not the newest, and stays all the same.
func TestPruneAfterRollback(t *testing.T) {
	dir := t.TempDir()
	a := commit(t, dir, "one", 2)
	b := commit(t, dir, "bad", 2)
	if _, err := edition.Rollback(dir, ""); err != nil {
		t.Fatal(err)
	}
	c := commit(t, dir, "three", 2)
	if d := cmp.Diff([]string{c, a}, history(t, dir)); d != "" {
		t.Errorf("%s went, which was in force, and not %s: %s", a, b, d)
	}
	if d := cmp.Diff([]string{commit(t, dir, "four", 1)}, history(t, dir)); d != "" {
		t.Error(d)
	}
}

func TestRollback(t *testing.T) {
	dir := t.TempDir()
	var names []string
	for _, c := range []string{"one", "two", "three"} {
		names = append(names, commit(t, dir, c, 9))
	}
	back := func(generation, want, wantCode string) {
		t.Helper()
		got, err := edition.Rollback(dir, generation)
		if code(err) != wantCode || err == nil && (got != want || inForce(t, dir) != want) {
			t.Errorf("rollback %q: %s, %v; want %s %s", generation, got, err, want, wantCode)
		}
	}
	back("", names[1], "")
	back("", names[0], "")
	back("", "", "ROLLBACK_NONE")
	back(names[2], names[2], "")
	back("gffffffffffffffff", "", "GENERATION_UNKNOWN")
	back("../x", "", "GENERATION_UNKNOWN")
	for _, broken := range []string{"", "nothing", "gffffffffffffffff\n", "../../etc\n"} {
		if err := os.WriteFile(filepath.Join(dir, "CURRENT"), []byte(broken), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, _, err := edition.Current(dir); code(err) != "CURRENT_BROKEN" {
			t.Errorf("CURRENT of %q: %v", broken, err)
		}
		if broken != "gffffffffffffffff\n" {
			back("", "", "CURRENT_BROKEN")
		}
		back(names[0], names[0], "")
	}
	remove(t, filepath.Join(dir, "CURRENT"))
	back("", "", "EDITION_MISSING")
	back(names[1], names[1], "")
	empty := t.TempDir()
	if _, err := edition.Rollback(empty, ""); code(err) != "EDITION_MISSING" {
		t.Errorf("rollback of nothing: %v", err)
	}
	if left := files(t, empty); len(left) != 0 {
		t.Errorf("rollback of nothing leaves %v", left)
	}
	if _, err := os.Stat(filepath.Join(empty, ".lock")); err == nil {
		t.Error("rollback of nothing leaves a lock")
	}
}

// A clock that goes back does not turn history round.
func TestHistoryOrder(t *testing.T) {
	dir := t.TempDir()
	a := commit(t, dir, "one", 9)
	path := filepath.Join(dir, a, edition.ManifestFile)
	m, err := edition.ReadManifest(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	m.Created = "2999-01-01T00:00:00.000000000Z"
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	b := commit(t, dir, "two", 9)
	c := commit(t, dir, "three", 9)
	if d := cmp.Diff([]string{c, b, a}, history(t, dir)); d != "" {
		t.Error(d)
	}
}

// Changed bytes, missing files and the manifest of another generation are found.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	commit(t, dir, "one", 2)
	name := commit(t, dir, "two", 2)
	_, m, err := edition.Current(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{edition.FeaturesFile, edition.TilesFile} {
		path := filepath.Join(dir, name, f)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data[0] ^= 1
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := edition.CheckFiles(dir, m); code(err) != "CHECKSUM" || problem.Of(err).File != path {
			t.Errorf("%s with a changed bit: %v", f, err)
		}
		remove(t, path)
		if err := edition.CheckFiles(dir, m); code(err) != "EDITION_INCOMPLETE" {
			t.Errorf("%s missing: %v", f, err)
		}
		data[0] ^= 1
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	mkdir(t, filepath.Join(dir, "g0000000000000000"))
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "g0000000000000000", edition.ManifestFile), text, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := edition.Read(dir, "g0000000000000000"); code(err) != "MANIFEST_BROKEN" {
		t.Errorf("the manifest of another generation: %v", err)
	}
	if err := os.Rename(filepath.Join(dir, "g0000000000000000"), filepath.Join(dir, "other")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"other", "../" + filepath.Base(dir) + "/other", "g0000000000000000"} {
		if _, _, err := edition.Read(dir, name); code(err) != "GENERATION_UNKNOWN" {
			t.Errorf("generation %q: %v", name, err)
		}
	}
	for dir, want := range map[string]string{t.TempDir(): "EDITION_MISSING", filepath.Join(dir, "nowhere"): "EDITION_MISSING", filepath.Join(dir, "CURRENT"): "EDITION_UNREADABLE"} {
		if _, _, err := edition.Current(dir); code(err) != want {
			t.Errorf("%s: %v, want %s", dir, err, want)
		}
	}
}

func TestCompareVintages(t *testing.T) {
	want := []string{edition.Undated, "2019", "2023", "2024", "2024Q1", "2024Q3", "2025"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, edition.CompareVintages)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
