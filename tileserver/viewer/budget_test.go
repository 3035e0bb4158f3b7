package viewer_test

import (
	"regexp"
	"strings"
	"testing"

	"gengtu/benchmarks/suite"
	"gengtu/tileserver/viewer"
)

// The page stays as small as page/budget.json says, in bytes, as they are and by gzip:
// what a first visit loads of our own before the map, all of our own code, and MapLibre.
// Whoever makes it larger on purpose edits that table.
func TestBudget(t *testing.T) {
	type size struct{ Raw, Gzip int }
	var budget map[string]size
	readJSON(t, "page/budget.json", &budget)
	files := tree(t, "web")
	sum := func(names ...string) (s size) {
		for _, name := range names {
			zipped, _, _, ok := viewer.AssetGzip(name)
			if !ok {
				t.Fatalf("%s is not served", name)
			}
			s.Raw += len(files[name])
			s.Gzip += len(zipped)
		}
		return s
	}
	var first, own, library []string
	page := string(files["index.html"])
	for name := range files {
		switch {
		case name == "LICENCES.txt":
		case strings.HasPrefix(name, "maplibre-"):
			library = append(library, name)
		default:
			own = append(own, name)
			if name == "index.html" || strings.Contains(page, `"viewer/`+name+`"`) {
				first = append(first, name)
			}
		}
	}
	// What main.js imports at once is in the page, to be loaded early, or it would not be counted.
	for _, name := range first {
		for _, m := range regexp.MustCompile(`(?:from|import)"\./([^"]+)"`).FindAllSubmatch(files[name], -1) {
			if imported := string(m[1]); strings.HasSuffix(name, ".js") && !strings.Contains(page, `"viewer/`+imported+`"`) {
				t.Errorf("%s imports %s, which index.html does not preload", name, imported)
			}
		}
	}
	if len(first) < 3 || len(library) != 3 || len(budget) != 3 {
		t.Fatalf("first %q, MapLibre %q, budget %v", first, library, budget)
	}
	for what, names := range map[string][]string{"first load": first, "own code": own, "MapLibre": library} {
		got, most := sum(names...), budget[what]
		t.Logf("%s: %d bytes, %d by gzip, in %d files", what, got.Raw, got.Gzip, len(names))
		if what == "first load" {
			suite.Count(t, "page-first-load", float64(got.Gzip), "bytes")
			suite.Count(t, "page-budget", float64(got.Gzip)/float64(most.Gzip), "part")
		}
		if got.Raw > most.Raw || got.Gzip > most.Gzip {
			t.Errorf("%s: %d bytes, %d by gzip; page/budget.json allows %d and %d\nof %s", what, got.Raw, got.Gzip, most.Raw, most.Gzip, strings.Join(names, " "))
		}
	}
}
