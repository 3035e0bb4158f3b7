package edition_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

func TestTiers(t *testing.T) {
	for i, a := range edition.Tiers {
		for k, b := range edition.Tiers {
			if a.Above(b) != (i < k) {
				t.Errorf("%s above %s: %v", a, b, a.Above(b))
			}
		}
		if got, err := edition.ParseTier(string(a)); got != a || err != nil {
			t.Error(got, err)
		}
	}
	if _, err := edition.ParseTier("Secure"); code(err) != "TIER_UNKNOWN" {
		t.Error(err)
	}
	if edition.Tier("").Above(edition.Public) || !edition.Public.Above("") {
		t.Error("no tier is below all tiers")
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
