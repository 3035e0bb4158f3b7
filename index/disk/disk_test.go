package disk_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gengtu/index/disk"
)

// holderEnv names to this test's own program the file whose lock it is to hold.
const holderEnv = "GENGTU_TEST_LOCK"

// A lock keeps other descriptors and other programs out, not readers and writers, and
// goes with the program that has it, also when that is killed.
func TestLock(t *testing.T) {
	if path := os.Getenv(holderEnv); path != "" {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err == nil {
			err = disk.Lock(f)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stdout.WriteString("holds it\n"); err != nil {
			t.Fatal(err)
		}
		select {} // until it is killed
	}
	path := filepath.Join(t.TempDir(), "lock")
	if err := os.WriteFile(path, []byte("what is locked"), 0o600); err != nil {
		t.Fatal(err)
	}
	holder := exec.Command(os.Args[0], "-test.run=^TestLock$")
	holder.Env = append(os.Environ(), holderEnv+"="+path)
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("%q %v", line, err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := disk.TryLock(f); got || err != nil {
		t.Fatalf("beside a program that lives: %v %v", got, err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "what is locked" {
		t.Fatalf("a reader beside the lock: %q %v", data, err)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.Wait() // killed
	if err := disk.Lock(f); err != nil {
		t.Fatal(err)
	}
	other, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if got, err := disk.TryLock(other); got || err != nil {
		t.Fatalf("a second descriptor: %v %v", got, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := disk.TryLock(other); !got || err != nil {
		t.Fatalf("after the first is closed: %v %v", got, err)
	}
	third, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	if got, err := disk.TryLock(third); got || err != nil {
		t.Fatalf("a third one beside what TryLock has taken: %v %v", got, err)
	}
}

// Replacing and removing work while another descriptor of the same program reads; what was
// open keeps what it had, where the system lets it.
func TestReplace(t *testing.T) {
	dir := t.TempDir()
	to, from := filepath.Join(dir, "CURRENT"), filepath.Join(dir, ".CURRENT")
	for path, text := range map[string]string{to: "old", from: "new"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := disk.SyncFile(path); err != nil {
			t.Fatal(err)
		}
	}
	reader, err := os.Open(to)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- disk.Replace(from, to) }()
	buf := make([]byte, 3)
	if _, err := reader.Read(buf); err != nil || string(buf) != "old" {
		t.Fatalf("%q %v", buf, err)
	}
	if err := errors.Join(reader.Close(), <-done, disk.SyncDir(dir)); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(to); err != nil || string(data) != "new" {
		t.Fatalf("%q %v", data, err)
	}
	if err := disk.Replace(filepath.Join(dir, "none"), to); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("a file that is not there: %v", err)
	}
	if err := disk.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil { // the test's own end removes it
		t.Fatal(err)
	}
}

// A passing file is written and read like others, and gone when it is closed.
func TestPassing(t *testing.T) {
	dir := t.TempDir()
	f, err := disk.Passing(dir, "p-*")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("kept for a while"), 3); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 5)
	if _, err := f.ReadAt(buf, 3); err != nil || string(buf) != "kept " {
		t.Fatalf("%q %v", buf, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Fatalf("left: %v %v", left, err)
	}
	if _, err := disk.Passing(filepath.Join(dir, "none"), "p-*"); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("in no directory: %v", err)
	}
}

// What is free is told of a directory that is there, and is no more than the disc holds.
func TestFree(t *testing.T) {
	dir := t.TempDir()
	got, err := disk.Free(dir)
	if err != nil || got <= 0 || got > 1<<60 {
		t.Fatalf("%d bytes, %v", got, err)
	}
	if out, err := exec.Command("df", "-B1", "--output=avail", dir).Output(); err == nil { // where there is a df that says so
		lines := strings.Fields(string(out))
		want, err := strconv.ParseInt(lines[len(lines)-1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		// Others write meanwhile; blocks taken for bytes would be off by hundreds of times.
		if got > 2*want || want > 2*got {
			t.Errorf("%d bytes are free, df says %d", got, want)
		}
	}
	if got, err := disk.Free(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory that is not there: %d bytes, %v", got, err)
	}
}

// Files at any depth count, and what is not there is an error.
func TestSize(t *testing.T) {
	dir := t.TempDir()
	for name, n := range map[string]int{"a": 3, filepath.Join("b", "c"): 5, filepath.Join("b", "d", "e"): 0} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700), os.WriteFile(filepath.Join(dir, name), make([]byte, n), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := disk.Size(dir); n != 8 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	if _, err := disk.Size(filepath.Join(dir, "nothing")); err == nil {
		t.Error("what is not there has a size")
	}
}
