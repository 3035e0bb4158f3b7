package viewer_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
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
	for _, path := range []string{"/", "/main.js", "web/main.js", "../viewer.go", "vendor", "vendor/maplibre/", "main.js?x", "MAIN.JS"} {
		if _, _, _, ok := viewer.Asset(path); ok {
			t.Errorf("%q: served", path)
		}
		if _, _, _, ok := viewer.AssetGzip(path); ok {
			t.Errorf("%q: served with gzip", path)
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
		"an address elsewhere":  regexp.MustCompile(`(?i)(https?:)?//[a-z0-9-]+\.[a-z]`),
		"an inline script":      regexp.MustCompile(`(?i)<script(?:[^>](?:[^s]|s[^r]))*>[^<]`),
		"an inline handler":     regexp.MustCompile(`(?i)<[^>]+\son[a-z]+=`),
		"an inline style":       regexp.MustCompile(`(?i)<[^>]+\sstyle=`),
		"markup from a string":  regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write`),
		"code from a string":    regexp.MustCompile(`\beval\(|new Function\(`),
		"a file over 500 lines": regexp.MustCompile(`(?:[^\n]*\n){500}`),
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

// Every word that the page uses is there in both languages, and every word is
// used.
func TestWords(t *testing.T) {
	files := own(t)
	known := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^  '([a-z0-9.]+)': \['(.*)', '(.*)'\],$`).FindAllStringSubmatch(files["words.js"], -1) {
		known[m[1]] = true
		if m[2] == "" || m[3] == "" {
			t.Errorf("%s: empty in one language", m[1])
		}
		placeholder := regexp.MustCompile(`\{\w+\}`)
		if zh, en := placeholder.FindAllString(m[2], -1), placeholder.FindAllString(m[3], -1); fmt.Sprint(zh) != fmt.Sprint(en) {
			t.Errorf("%s: values differ: %v and %v", m[1], zh, en)
		}
	}
	if lines := strings.Count(files["words.js"], ": ['"); lines != len(known) {
		t.Fatalf("%d words read of %d", len(known), lines)
	}
	used := map[string]bool{}
	for name, text := range files {
		if name == "words.js" {
			continue
		}
		for _, m := range regexp.MustCompile(`data-i18n(?:-label|-placeholder)?="([^"]+)"|'([a-z]+(?:\.[a-z0-9]+)+)'`).FindAllStringSubmatch(text, -1) {
			used[m[1]+m[2]] = true
		}
		for _, m := range regexp.MustCompile(`\bt\('([^']+)'`).FindAllStringSubmatch(text, -1) {
			used[m[1]] = true
			if !known[m[1]] {
				t.Errorf("%s: %q has no words", name, m[1])
			}
		}
		for _, m := range regexp.MustCompile(`data-i18n(?:-label|-placeholder)?="([^"]+)"`).FindAllStringSubmatch(text, -1) {
			if !known[m[1]] {
				t.Errorf("%s: %q has no words", name, m[1])
			}
		}
	}
	// Words whose key is put together: t(`tier.${name}`) and the like.
	built := regexp.MustCompile(`^(tier\.(secure|government|public)(\.short)?|token\.(missing|wrong|change)|error\.\d+|overlay\.(mu|ha|m2)|(grade|update|record)\.[a-z]+|service\.[a-z.]+)$`)
	for key := range known {
		if !used[key] && !built.MatchString(key) {
			t.Errorf("%q is used nowhere", key)
		}
	}
}

// The library is the one that its README names, unchanged.
func TestVendor(t *testing.T) {
	readme, err := os.ReadFile("web/vendor/maplibre/README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| (\\S+) \\| \\S+ \\| `([0-9a-f]{64})` \\|$").FindAllStringSubmatch(string(readme), -1)
	if len(rows) != 4 {
		t.Fatalf("%d files are listed, want 4", len(rows))
	}
	for _, row := range rows {
		data, err := os.ReadFile("web/vendor/maplibre/" + row[1])
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(data)); got != row[2] {
			t.Errorf("%s: SHA-256 is %s, want %s", row[1], got, row[2])
		}
	}
}
