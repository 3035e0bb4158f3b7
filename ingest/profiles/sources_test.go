package profiles_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	markCited    = regexp.MustCompile(`\bS[1-9][0-9]?\b`)
	sectionCited = regexp.MustCompile(`domain(?:\.md)? ([1-9]\.[0-9]+)`)
	sectionRow   = regexp.MustCompile(`(?m)^\| domain ([^|]+)\|`)
	sectionSpan  = regexp.MustCompile(`([1-9])\.([0-9]+)(?: to [1-9]\.([0-9]+))?`)
)

// Every source and every section of the notes that the repository cites stands in
// SOURCES.md: the notes themselves are not in the repository.
func TestSources(t *testing.T) {
	page, err := os.ReadFile("SOURCES.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]bool{}
	for _, row := range sectionRow.FindAllStringSubmatch(string(page), -1) {
		for _, m := range sectionSpan.FindAllStringSubmatch(row[1], -1) {
			from, _ := strconv.Atoi(m[2]) // the pattern has digits alone
			to := from
			if m[3] != "" {
				to, _ = strconv.Atoi(m[3])
			}
			for n := from; n <= to; n++ {
				sections[m[1]+"."+strconv.Itoa(n)] = true
			}
		}
	}
	marks, cited := map[string]bool{}, 0
	err = filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git"):
			return filepath.SkipDir
		case d.IsDir() || !strings.Contains(".go.md.yaml", filepath.Ext(path)) || filepath.Ext(path) == "":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range sectionCited.FindAllStringSubmatch(string(text), -1) {
			if cited++; !sections[m[1]] {
				t.Errorf("%s cites domain %s, which SOURCES.md does not name", path, m[1])
			}
		}
		if filepath.Ext(path) != ".yaml" || !strings.Contains(path, "profiles") && !strings.Contains(path, "rules") {
			return nil
		}
		for _, m := range markCited.FindAllString(string(text), -1) {
			if marks[m] = true; !strings.Contains(string(page), "\n| "+m+" |") {
				t.Errorf("%s cites %s, which SOURCES.md does not list", path, m)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if cited < 50 || len(marks) < 10 {
		t.Errorf("%d sections and %d sources were looked for", cited, len(marks))
	}
}
