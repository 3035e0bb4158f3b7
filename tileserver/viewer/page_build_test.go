package viewer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gengtu/tileserver/viewer/viewertest"
)

// What is embedded is what the sources give: their types, style and tests hold, and
// building them anew gives web/ byte for byte.
func TestPageBuild(t *testing.T) {
	dir := viewertest.Page(t)
	for _, sources := range []string{"src", "css", "test"} {
		tree(t, filepath.Join("page", sources)) // What the test reads itself is what go test's cache goes by.
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for _, script := range []string{"types", "lint", "test"} {
		t.Run(script, func(t *testing.T) { viewertest.Node(t, ctx, dir, "npm", "run", "--silent", script) })
	}
	t.Run("build", func(t *testing.T) {
		out := filepath.Join(t.TempDir(), "web")
		viewertest.Node(t, ctx, dir, "node", "build.mjs", out)
		want, got := tree(t, out), tree(t, "web")
		for name := range got {
			if _, ok := want[name]; !ok {
				t.Errorf("web/%s: the sources give no such file", name)
			}
		}
		for name, data := range want {
			if have, ok := got[name]; !ok {
				t.Errorf("web/%s: missing", name)
			} else if !bytes.Equal(have, data) {
				t.Errorf("web/%s: %d bytes that the sources do not give (%d bytes)", name, len(have), len(data))
			}
		}
		if t.Failed() {
			t.Error("build the page anew and commit web/ with its sources: make page")
		}
	})
}

// tree reads the files below a directory, by path.
func tree(t *testing.T, root string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		files[filepath.ToSlash(name)], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("%s: no files", root)
	}
	return files
}

// MapLibre is its package's own, whose hash the lock file has, but for the line that names
// a map of its sources, which is not served.
func TestMapLibre(t *testing.T) {
	dist := filepath.Join(viewertest.Page(t), "node_modules", "maplibre-gl", "dist")
	var library struct{ Version string }
	readJSON(t, filepath.Join(dist, "..", "package.json"), &library)
	folder := "web/maplibre-" + library.Version
	served := tree(t, folder)
	for _, name := range []string{"maplibre-gl.mjs", "maplibre-gl-worker.mjs", "maplibre-gl.css"} {
		data, err := os.ReadFile(filepath.Join(dist, name))
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.Split(bytes.TrimRight(data, "\n"), []byte("\n"))
		if last := len(lines) - 1; bytes.HasPrefix(lines[last], []byte("//# sourceMappingURL=")) {
			lines = lines[:last]
		}
		if want := bytes.Join(lines, []byte("\n")); !bytes.Equal(bytes.TrimRight(served[name], "\n"), want) {
			t.Errorf("%s/%s is not that of node_modules/maplibre-gl/dist", folder, name)
		}
		delete(served, name)
	}
	for name := range served {
		t.Errorf("%s/%s is no file of MapLibre", folder, name)
	}
}

// The lock file has the hash of every package and says of none where it comes from: that
// is the configuration's of whoever installs.
func TestLockFile(t *testing.T) {
	data, err := os.ReadFile("page/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	var lock struct {
		Packages map[string]struct{ Integrity, Resolved string }
	}
	if err := json.Unmarshal(data, &lock); err != nil {
		t.Fatal(err)
	}
	if len(lock.Packages) < 10 {
		t.Fatalf("%d packages", len(lock.Packages))
	}
	for name, p := range lock.Packages {
		if name != "" && !strings.HasPrefix(p.Integrity, "sha512-") || p.Resolved != "" {
			t.Errorf("%s: integrity %q, resolved %q", name, p.Integrity, p.Resolved)
		}
	}
	if host := regexp.MustCompile(`[a-z]+://[^"]*registry[^"]*`).Find(data); host != nil {
		t.Errorf("a registry: %s", host)
	}
}

// LICENCES.txt has the licence of every package whose code is served, with its version.
// Which packages MapLibre's files were built from stands in the maps of their sources.
func TestLicences(t *testing.T) {
	modules := filepath.Join(viewertest.Page(t), "node_modules")
	served := map[string]bool{"maplibre-gl": true}
	for _, name := range []string{"maplibre-gl.mjs.map", "maplibre-gl-worker.mjs.map"} {
		data, err := os.ReadFile(filepath.Join(modules, "maplibre-gl", "dist", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`node_modules/((?:@[^/"]+/)?[^/"]+)/`).FindAllSubmatch(data, -1) {
			served[string(m[1])] = true
		}
	}
	var ours struct{ Dependencies map[string]string }
	readJSON(t, "page/package.json", &ours)
	for name := range ours.Dependencies {
		served[name] = true
	}
	if len(served) < 10 {
		t.Fatalf("MapLibre is made of %v: the maps of its sources were not read", served)
	}
	text, err := os.ReadFile("web/LICENCES.txt")
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	for _, part := range strings.Split(string(text), strings.Repeat("-", 72)) {
		head, body, _ := strings.Cut(strings.TrimSpace(part), "\n")
		parts[head] = body
	}
	for name := range served {
		var p struct{ Version, License string }
		readJSON(t, filepath.Join(modules, filepath.FromSlash(name), "package.json"), &p)
		if head := name + " " + p.Version + " (" + p.License + ")"; !regexp.MustCompile(`(?i)copyright|permission`).MatchString(parts[head]) {
			t.Errorf("%s: no licence in web/LICENCES.txt", head)
		}
	}
}

// readJSON reads a file into value.
func readJSON(t *testing.T, file string, value any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err = errors.Join(err, json.Unmarshal(data, value)); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}
