package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A server takes its configuration from a file, the environment and its line, in that
// order, prints it, and serves by what it printed.
func TestServeByConfig(t *testing.T) {
	e := theEditions(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "serve.yaml")
	file := "# of the county\nedition:\n  - " + e.Public + "\nlisten: 127.0.0.1:1\npublic-url: http://map.example.org\nlog: warn\n"
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GENGTU_CONFIG", path)
	t.Setenv("GENGTU_PUBLIC_URL", "https://farmland.example.org")
	printed := must(t, "serve", "--listen", "127.0.0.1:0", "--print-config")
	for _, want := range []string{
		`listen: "127.0.0.1:0"  # flag`, `public-url: "https://farmland.example.org"  # environment GENGTU_PUBLIC_URL`,
		`edition: ["` + e.Public + `"]  # ` + path + " line 2", `log: "warn"  # ` + path + " line 6", `cache: ""  # default`,
	} {
		if !strings.Contains(printed, want+"\n") {
			t.Errorf("%s lacks %s", printed, want)
		}
	}
	again := filepath.Join(dir, "again.yaml")
	if err := os.WriteFile(again, []byte(printed), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GENGTU_CONFIG", "")
	t.Setenv("GENGTU_PUBLIC_URL", "")
	s := &server{log: &lockedBuffer{}}
	s.start(t, "serve", "--config", again)
	if a := s.do(t, "GET", "/public/tiles/cropland/w.json", nil); a.Status != 200 || !strings.Contains(string(a.Body), "https://farmland.example.org/public/tiles/") {
		t.Errorf("%d %s", a.Status, a.Body)
	}

	if err := os.WriteFile(path, []byte(file+"acces: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := gengtu(t, "serve", "--lang", "en", "--config", path); code != 2 || !strings.Contains(errs, path+": line 7: acces is not known") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	// What does not go together says where to see why it is there.
	t.Setenv("GENGTU_ACCESS", "access.json")
	if _, errs, code := gengtu(t, "serve", "--lang", "en", "--edition", e.Public, "--open"); code != 2 || !strings.Contains(errs, "OPEN_ACCESS") || !strings.Contains(errs, "--print-config") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}
