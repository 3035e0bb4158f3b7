package viewer_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gengtu/tileserver/viewer"
)

// Every file below web/ is served as it is, in both encodings, and nothing else.
func TestAsset(t *testing.T) {
	err := filepath.WalkDir("web", func(name string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		path := strings.TrimPrefix(filepath.ToSlash(name), "web/")
		want, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		body, contentType, etag, ok := viewer.Asset(path)
		if !ok || !bytes.Equal(body, want) {
			t.Errorf("%s: not served as it is", path)
		}
		zipped, zippedType, zippedTag, ok := viewer.AssetGzip(path)
		if !ok || zippedType != contentType || zippedTag == etag {
			t.Errorf("%s: gzip has type %q and ETag %s, plain has %q and %s", path, zippedType, zippedTag, contentType, etag)
		}
		r, err := gzip.NewReader(bytes.NewReader(zipped))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if plain, err := io.ReadAll(r); err != nil || !bytes.Equal(plain, want) {
			t.Errorf("%s: gzip does not give the file back: %v", path, err)
		}
		if !regexp.MustCompile(`^"[0-9a-f]{24}"$`).MatchString(etag) {
			t.Errorf("%s: ETag %s", path, etag)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	page, contentType, _, ok := viewer.Asset("")
	if !ok || contentType != "text/html; charset=utf-8" || !bytes.HasPrefix(page, []byte("<!doctype html>")) {
		t.Errorf("the empty path is %q", contentType)
	}
	for _, path := range []string{"/", "/main.js", "web/main.js", "../viewer.go", "maplibre", "maplibre/", "main.js?x", "MAIN.JS"} {
		if _, _, _, ok := viewer.Asset(path); ok {
			t.Errorf("%q: served", path)
		}
		if _, _, _, ok := viewer.AssetGzip(path); ok {
			t.Errorf("%q: served with gzip", path)
		}
	}
}

// Whatever the page loads has a name that stands for its content, so that a browser which
// has it asks no more; but for the page itself, that of logins, and MapLibre's worker, whose policy comes
// with it.
func TestLasting(t *testing.T) {
	asks := map[string]bool{"index.html": true, "LICENCES.txt": true, "login.js": true, "login.css": true}
	lasting := 0
	for name := range tree(t, "web") {
		want := !asks[name] && !strings.HasSuffix(name, "-worker.mjs")
		if got := viewer.Lasting(name); got != want {
			t.Errorf("%s: lasting is %v", name, got)
		}
		if want {
			lasting++
		}
	}
	if lasting < 4 {
		t.Errorf("%d files last", lasting)
	}
	for _, name := range []string{"", "main.js", "main-0123.js", "maplibre/maplibre-gl.mjs"} {
		if viewer.Lasting(name) {
			t.Errorf("%q lasts, and its name tells nothing of its content", name)
		}
	}
}

// own are the files that are written here, by path.
func own(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, pattern := range []string{"web/*.html", "web/*.js", "web/*.css"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files[strings.TrimPrefix(filepath.ToSlash(name), "web/")] = string(data)
		}
	}
	return files
}

// The page needs nothing from elsewhere and nothing that its policy forbids.
func TestSelfContained(t *testing.T) {
	forbidden := map[string]*regexp.Regexp{
		"an address elsewhere": regexp.MustCompile(`(?i)(https?:)?//[a-z0-9-]+\.[a-z]`),
		"an inline script":     regexp.MustCompile(`(?i)<script(?:[^>](?:[^s]|s[^r]))*>[^<]`),
		"an inline handler":    regexp.MustCompile(`(?i)<[^>]+\son[a-z]+=`),
		"an inline style":      regexp.MustCompile(`(?i)<[^>]+\sstyle=`),
		"markup from a string": regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write`),
		"code from a string":   regexp.MustCompile(`\beval\(|new Function\(`),
	}
	quoted := regexp.MustCompile(`(?:from '\./|import '\./|new URL\('\./|(?:src|href)="viewer/)([^'"]+)`)
	for name, text := range own(t) {
		for what, pattern := range forbidden {
			found := pattern.FindString(strings.ReplaceAll(text, "http://www.w3.org/2000/svg", ""))
			if found != "" {
				t.Errorf("%s: %s: %.60q", name, what, found)
			}
		}
		for _, m := range quoted.FindAllStringSubmatch(text, -1) {
			if _, _, _, ok := viewer.Asset(m[1]); !ok {
				t.Errorf("%s: refers to %s, which is not there", name, m[1])
			}
		}
	}
}
