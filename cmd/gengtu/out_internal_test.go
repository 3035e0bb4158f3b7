package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"gengtu/index/problem"
)

func writeText(path, text string) error {
	return writeFile(path, func(w io.Writer) error { _, err := io.WriteString(w, text); return err })
}

// holds checks a regular file's text and mode, and that nothing else is left in
// its folder.
func holds(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil || string(data) != text || info.Mode() != mode {
		t.Errorf("%s is %v %q, %v; want %v %q", path, info.Mode(), data, err, mode, text)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// A file is replaced as a whole, keeps its mode, and keeps what it held when the
// writing fails.
func TestWriteFileMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.csv")
	if err := writeText(path, "one"); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "one", 0o644)
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeText(path, "two"); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "two", 0o600)
	why := errors.New("why")
	err := writeFile(path, func(w io.Writer) error { _, err := io.WriteString(w, "half"); return errors.Join(err, why) })
	if !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
	holds(t, path, "two", 0o600)
}

// A link stays a link, also one through a linked folder, and one to nothing yet.
func TestWriteFileThroughLinks(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"real/deep", "other"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{
		"linked": "real/deep", "plain.csv": "other/a.csv", "real/deep/up.csv": "../b.csv", "twice.csv": "plain.csv", "circle.csv": "circle.csv",
	} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "other/a.csv"), []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, target string
		mode         fs.FileMode
	}{
		{"plain.csv", "other/a.csv", 0o640},
		{"twice.csv", "other/a.csv", 0o640},
		{"linked/up.csv", "real/b.csv", 0o644},
	} {
		if err := writeText(filepath.Join(dir, c.path), c.path); err != nil {
			t.Fatal(err)
		}
		holds(t, filepath.Join(dir, c.target), c.path, c.mode)
		if info, err := os.Lstat(filepath.Join(dir, c.path)); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("%s is no link any more: %v", c.path, err)
		}
	}
	if p := problem.Of(writeText(filepath.Join(dir, "circle.csv"), "x")); p == nil || p.Code != "OUT_UNWRITABLE" {
		t.Errorf("a circle of links: %v", p)
	}
}

// Pipes and devices are written to and stay what they are.
func TestWriteFileToStreams(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe.csv")
	if err := exec.Command("mkfifo", "-m", "600", pipe).Run(); err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1)
	go func() {
		data, err := os.ReadFile(pipe)
		if err != nil {
			data = []byte(err.Error())
		}
		got <- string(data)
	}()
	if err := writeText(pipe, "text"); err != nil {
		t.Fatal(err)
	}
	select {
	case s := <-got:
		if s != "text" {
			t.Errorf("the pipe gave %q", s)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came through the pipe")
	}
	if info, err := os.Lstat(pipe); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		t.Errorf("the pipe is one no more: %v", err)
	}
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Fatal("this needs /dev/full")
	}
	// Through a link, so that a fault replaces the link and no device.
	full := filepath.Join(t.TempDir(), "full.csv")
	if err := os.Symlink("/dev/full", full); err != nil {
		t.Fatal(err)
	}
	err := writeText(full, "text")
	if p := problem.Of(err); p == nil || p.Code != "OUT_UNWRITABLE" || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a full device: %v", err)
	}
	if info, err := os.Lstat(full); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is one no more: %v", err)
	}
	if p := problem.Of(writeText(t.TempDir(), "x")); p == nil || p.Code != "OUT_UNWRITABLE" {
		t.Errorf("a folder: %v", p)
	}
}
