package main_test

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Above public nothing is served without an access file, and without tokens nothing
// beyond this machine, whatever else is served beside.
func TestNothingLeftOpen(t *testing.T) {
	e := theEditions(t)
	for want, runs := range map[string][][]string{
		"[ACCESS_NEEDED]": {
			{"--edition", e.Secure}, {"--edition", e.Government}, {"--edition", e.Public, "--edition", e.Secure},
			{"--edition", e.Government, "--plain-http", "--listen", "0.0.0.0:0"},
		},
		"[OPEN_LOOPBACK]": {
			{"--edition", e.Secure, "--open", "--listen", "0.0.0.0:0"}, {"--edition", e.Public, "--open", "--listen", ":0"}, {"--edition", e.Public, "--open", "--listen", "[::]:0"},
			{"--edition", e.Government, "--open", "--plain-http", "--listen", "192.0.2.1:0"},
		},
	} {
		for _, args := range runs {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			args = append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)
			out, err := exec.CommandContext(ctx, binary(), args...).CombinedOutput()
			if err == nil || ctx.Err() != nil || !strings.Contains(string(out), want) {
				t.Errorf("%s: %v, want %s: %s", strings.Join(args, " "), err, want, out)
			}
			cancel()
		}
	}
}

// Each row of what THREATS.md says is defended names a test, and every test that it
// names is there.
func TestThreatsAreTested(t *testing.T) {
	root := filepath.Join("..", "..")
	known := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
			known[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "tileserver", "access", "THREATS.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`\bTest[A-Z]\w+`)
	for _, name := range named.FindAllString(string(page), -1) {
		if !known[name] {
			t.Errorf("there is no test %s", name)
		}
	}
	_, table, _ := strings.Cut(string(page), "## What is defended")
	table, _, _ = strings.Cut(table, "\n## ")
	rows := 0
	for _, row := range strings.Split(table, "\n") {
		if !strings.HasPrefix(row, "| ") || strings.HasPrefix(row, "| against ") {
			continue
		}
		rows++
		if !named.MatchString(row) {
			t.Errorf("no test holds %s", row)
		}
	}
	if rows < 14 {
		t.Errorf("%d rows were read", rows)
	}
}
