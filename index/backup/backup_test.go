package backup_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/backup"
	"gengtu/index/problem"
)

// files are what the archive of these tests holds.
var files = map[string]string{
	"public/g1/features.db": strings.Repeat("features ", 1000), "public/CURRENT": "g1\n", "access.json": "{}", "secure/空.txt": "",
}

// archive makes an archive of files, with one that has a second name.
func archive(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	w := backup.NewWriter(&out, "test", time.Unix(1e9, 5))
	w.Origin("public", "/somewhere")
	for _, name := range []string{"public/g1/features.db", "public/CURRENT", "access.json", "secure/空.txt"} {
		e := backup.Entry{Name: name, Bytes: int64(len(files[name])), Mode: 0o640}
		// What is behind the size that is asked for stays out.
		if _, err := w.Put(context.Background(), e, strings.NewReader(files[name]+"later")); err != nil {
			t.Fatal(err)
		}
	}
	if e, err := w.Link("public/g2/features.db", "public/g1/features.db"); err != nil || e.Bytes == 0 {
		t.Fatal(e, err)
	}
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func code(err error) string {
	if p := problem.Of(err); p != nil {
		return p.Code
	}
	return ""
}

// What was put in comes out, a second name of a file as the same file; GNU tar reads the
// archive, too (by hand: tar tvf).
func TestRestore(t *testing.T) {
	data := archive(t)
	dir := t.TempDir()
	x, err := backup.Restore(t.Context(), bytes.NewReader(data), dir)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"public/g2/features.db": files["public/g1/features.db"]}
	for name, text := range files {
		want[name] = text
	}
	got := map[string]string{}
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			text, rerr := os.ReadFile(path)
			got[filepath.ToSlash(rel)], err = string(text), rerr
		}
		return err
	})
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Fatal(err, d)
	}
	a, _ := os.Stat(filepath.Join(dir, "public/g1/features.db"))
	b, _ := os.Stat(filepath.Join(dir, "public/g2/features.db"))
	if !os.SameFile(a, b) {
		t.Error("a second name became a second file")
	}
	if n := int64(len(files["public/g1/features.db"]) + len("g1\n") + len("{}")); x.Bytes() != n || x.Origins["public"] != "/somewhere" || len(x.Digest) != 64 {
		t.Errorf("%d bytes, want %d; %+v", x.Bytes(), n, x)
	}
	y, err := backup.Read(t.Context(), bytes.NewReader(data))
	if d := cmp.Diff(x, y); err != nil || d != "" {
		t.Error(err, d)
	}
}

// An archive that ends before its end, at whatever byte, or has another byte in what
// counts, is refused.
func TestDamaged(t *testing.T) {
	data := archive(t)
	const trailer = 1024 + 512 // what tar adds behind the last entry, which is shorter than its block
	for n := 0; n < len(data)-trailer; n += 97 {
		if _, err := backup.Read(t.Context(), bytes.NewReader(data[:n])); code(err) != "BACKUP_BROKEN" {
			t.Fatalf("cut at %d of %d: %v", n, len(data), err)
		}
	}
	for _, mark := range []string{"features features", "g1\n", `"product"`, `"sha256"`, `"made"`, "backup.sha256"} {
		i := bytes.LastIndex(data, []byte(mark))
		if i < 0 {
			t.Fatalf("no %q", mark)
		}
		bad := bytes.Clone(data)
		bad[i] ^= 4
		if _, err := backup.Read(t.Context(), bytes.NewReader(bad)); err == nil {
			t.Errorf("a byte of %q changed, and nobody says so", mark)
		}
	}
}

// Names that lead out of the directory, stand twice, or are no files, are refused, and
// nothing is written outside.
func TestHostile(t *testing.T) {
	outside := t.TempDir()
	for name, heads := range map[string][]tar.Header{
		"upwards":          {{Typeflag: tar.TypeReg, Name: "../x"}},
		"upwards below":    {{Typeflag: tar.TypeReg, Name: "public/../../x"}},
		"absolute":         {{Typeflag: tar.TypeReg, Name: outside + "/x"}},
		"a drive":          {{Typeflag: tar.TypeReg, Name: "c:x"}},
		"back slashes":     {{Typeflag: tar.TypeReg, Name: `public\x`}},
		"twice":            {{Typeflag: tar.TypeReg, Name: "x"}, {Typeflag: tar.TypeReg, Name: "x"}},
		"a symbolic link":  {{Typeflag: tar.TypeSymlink, Name: "x", Linkname: outside}},
		"a link elsewhere": {{Typeflag: tar.TypeLink, Name: "x", Linkname: "/etc/passwd"}},
		"a link forward":   {{Typeflag: tar.TypeLink, Name: "x", Linkname: "y"}},
		"a device":         {{Typeflag: tar.TypeChar, Name: "x"}},
		"a long name":      {{Typeflag: tar.TypeReg, Name: strings.Repeat("x", 5000)}},
	} {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		for _, h := range heads {
			if err := w.WriteHeader(&h); err != nil {
				t.Fatal(name, err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Restore(t.Context(), &out, t.TempDir()); code(err) != "BACKUP_NAME" && code(err) != "BACKUP_BROKEN" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("outside: %v %v", left, err)
	}
}

// A file that ends too soon, a name that stands twice, one that is no name and an end of
// the work are told of in writing.
func TestWriterRefuses(t *testing.T) {
	w := backup.NewWriter(io.Discard, "test", time.Now())
	if _, err := w.Put(t.Context(), backup.Entry{Name: "a", Bytes: 3}, strings.NewReader("abc")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Put(t.Context(), backup.Entry{Name: "a"}, strings.NewReader("")); code(err) != "BACKUP_NAME" {
		t.Errorf("twice: %v", err)
	}
	for _, name := range []string{"", ".", "/a", "a/../b", `a\b`, "c:", "backup.json"} {
		if _, err := w.Put(t.Context(), backup.Entry{Name: name}, strings.NewReader("")); code(err) != "BACKUP_NAME" {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := w.Link("b", "none"); code(err) != "BACKUP_NAME" {
		t.Errorf("a link to nothing: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := w.Put(ctx, backup.Entry{Name: "b", Bytes: 1}, strings.NewReader("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("an end: %v", err)
	}
	w = backup.NewWriter(io.Discard, "test", time.Now())
	if _, err := w.Put(t.Context(), backup.Entry{Name: "c", Bytes: 5}, strings.NewReader("ab")); code(err) != "BACKUP_CHANGED" {
		t.Errorf("a short file: %v", err)
	}
}

// Whatever the bytes, reading ends with an index that fits what was read, or an error.
func FuzzRead(f *testing.F) {
	data := archive(f)
	f.Add(data)
	f.Add(data[:700])
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := backup.Read(t.Context(), bytes.NewReader(data))
		if (x == nil) == (err == nil) {
			t.Fatalf("%+v %v", x, err)
		}
		if err != nil {
			return
		}
		again, err := backup.Restore(t.Context(), bytes.NewReader(data), t.TempDir())
		if d := cmp.Diff(x, again); d != "" && err == nil {
			t.Fatal(d)
		}
	})
}

// A file that is said to be mostly holes is taken from no archive: a few bytes of it would
// fill the disk. PAX writes such files under the type of any other.
func TestHoles(t *testing.T) {
	for name, head := range map[string]tar.Header{
		"a file":    {Name: "public/CURRENT"},
		"the index": {Name: "backup.json"},
		"its sum":   {Name: "backup.sha256"},
	} {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		if head.Name == "backup.sha256" {
			if err := errors.Join(w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "backup.json", Size: 2}), func() error { _, err := w.Write([]byte("{}")); return err }()); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		out.Write(sparse(t, head.Name))
		taken := taken{t.TempDir()}
		_, err := backup.Restore(t.Context(), &out, taken.dir)
		if code(err) != "BACKUP_BROKEN" || taken.bytes(t) > 0 {
			t.Errorf("%s: %v, %d bytes taken out", name, err, taken.bytes(t))
		}
	}
}

// taken is a directory whose files are added up.
type taken struct{ dir string }

func (c taken) bytes(t *testing.T) (n int64) {
	t.Helper()
	err := filepath.WalkDir(c.dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// sparse is an entry of that name, in GNU's form 1.0 in PAX, of a megabyte of which all
// but the map of its holes is hole. archive/tar reads such entries and writes none, so
// that their records are written under another name of the same length.
func sparse(t *testing.T, name string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	body := make([]byte, 512)
	copy(body, "1\n1048576\n0\n")
	err := w.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: "x", Size: int64(len(body)), Format: tar.FormatPAX,
		PAXRecords: map[string]string{"GNU_sparse.major": "1", "GNU_sparse.minor": "0", "GNU_sparse.name": name, "GNU_sparse.realsize": "1048576"},
	})
	if err == nil {
		_, err = w.Write(body)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return bytes.ReplaceAll(out.Bytes(), []byte("GNU_sparse."), []byte("GNU.sparse."))
}
