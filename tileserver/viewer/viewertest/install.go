package viewertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"gengtu/index/disk"
)

// installTime is how long the packages may take to come, from a cold cache.
const installTime = 10 * time.Minute

// Page returns the directory of the page's sources, with the packages that its lock file
// names in node_modules: they are installed when others are there, or none. Tests of
// several packages at once install once. It ends the test when Node is missing.
func Page(t testing.TB) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is needed to build the page: apt-get install -y nodejs npm", program)
		}
	}
	dir, err := source()
	if err != nil {
		t.Fatal(err)
	}
	lock, err := os.Open(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := disk.Lock(lock); err != nil {
		t.Fatal(err)
	}
	if err := installed(dir); err != nil {
		t.Logf("npm ci: %v", err)
		ctx, cancel := context.WithTimeout(context.Background(), installTime)
		defer cancel()
		Node(t, ctx, dir, "npm", "ci", "--ignore-scripts")
	}
	if err := installed(dir); err != nil {
		t.Fatalf("after npm ci: %v", err)
	}
	return dir
}

// source finds the page from the working directory, which is that of a package's tests.
func source() (string, error) {
	at, err := os.Getwd()
	for ; err == nil; at = filepath.Dir(at) {
		if _, found := os.Stat(filepath.Join(at, "go.mod")); found == nil {
			return filepath.Join(at, "tileserver", "viewer", "page"), nil
		}
		if at == filepath.Dir(at) {
			err = errors.New("no go.mod above the working directory")
		}
	}
	return "", err
}

// Node runs one of the page's commands in dir and returns what it said; it ends the test
// with that when the command fails.
func Node(t testing.TB, ctx context.Context, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		err = errors.Join(err, ctx.Err())
	}
	if err != nil {
		t.Fatalf("cd %s && %s: %v\n%s", dir, cmd, err, out)
	}
	return string(out)
}

// locked is what is read of a lock file: packages by their place in node_modules.
type locked struct {
	Packages map[string]struct {
		Version   string
		Integrity string
		Resolved  string
		Optional  bool
	}
}

func readLock(file string) (locked, error) {
	var l locked
	data, err := os.ReadFile(file)
	if err != nil {
		return l, err
	}
	if err := json.Unmarshal(data, &l); err != nil {
		return l, fmt.Errorf("%s: %w", file, err)
	}
	return l, nil
}

// installed tells how node_modules differs from the lock file. npm writes there, last of
// all, what it has installed.
func installed(dir string) error {
	want, err := readLock(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return err
	}
	got, err := readLock(filepath.Join(dir, "node_modules", ".package-lock.json"))
	if err != nil {
		return err
	}
	for name, p := range want.Packages {
		g, ok := got.Packages[name]
		switch {
		case name == "" || !ok && p.Optional: // The page itself; what is for other systems.
		case !ok:
			return fmt.Errorf("%s is not installed", name)
		case g.Version != p.Version || g.Integrity != p.Integrity:
			return fmt.Errorf("%s is installed as %s, the lock file has %s", name, g.Version, p.Version)
		}
	}
	for name := range got.Packages {
		if _, ok := want.Packages[name]; !ok {
			return fmt.Errorf("%s is installed, but not in the lock file", name)
		}
	}
	return nil
}
