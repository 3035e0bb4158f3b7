package catalog_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/catalog"
)

// write puts a text in the place of a file by a rename, as editors do.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// Tables are followed; one that is wrong, or gone, leaves all as they were; one that is
// mended is taken.
func TestRefresh(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "government.yaml"), filepath.Join(dir, "public.yaml")
	write(t, one, edited)
	write(t, two, "tier: public\ndefaults: {source: a}\n")
	s, err := catalog.Open([]string{one, two}, func() (map[edition.Tier][]string, error) { return has, nil })
	if err != nil {
		t.Fatal(err)
	}
	want := func(name string, changed bool, code, source string) {
		t.Helper()
		got, err := s.Refresh()
		if p := problem.Of(err); got != changed || (p == nil) != (code == "") || p != nil && p.Code != code {
			t.Errorf("%s: changed %t, %v, want %t %s", name, got, err, changed, code)
		}
		if r := s.Of(edition.Public, "pbf"); r.Source != source || r.Net != edition.Public {
			t.Errorf("%s: the source is %q, want %q", name, r.Source, source)
		}
	}
	want("as it was", false, "", "a")
	write(t, two, "tier: public\ndefaults: {source: b}\n")
	want("changed", true, "", "b")
	want("as it was since", false, "", "b")
	for name, text := range map[string]string{
		"broken": "tier: [", "of no edition": "tier: secure\n", "a second one": edited, "of another's layer": "tier: public\nlayers: {dltb: {}}\n",
		"too long": strings.Repeat("#", 2<<20),
	} {
		write(t, two, text)
		write(t, one, edited+"# changed, too\n")
		code := "CATALOGUE_FILE"
		if name == "of no edition" || name == "a second one" {
			code = "CATALOGUE_TIER"
		}
		want(name, true, code, "b")
		want(name+" again", true, code, "b")
	}
	if err := os.Remove(two); err != nil {
		t.Fatal(err)
	}
	want("gone", false, "CATALOGUE_FILE", "b")
	write(t, two, "tier: public\ndefaults: {source: c}\n")
	want("mended", true, "", "c")
}

// What nobody says is listed, layer by layer.
func TestGaps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.yaml")
	write(t, path, edited)
	s, err := catalog.Open([]string{path}, func() (map[edition.Tier][]string, error) { return has, nil })
	if err != nil {
		t.Fatal(err)
	}
	gaps, err := s.Gaps()
	if err != nil {
		t.Fatal(err)
	}
	want := map[edition.Tier][]catalog.Gap{
		edition.Government: {}, // a list in JSON, too
		edition.Public:     {{Layer: "pbf", Missing: []string{"grade", "source", "contact"}}},
	}
	if diff := cmp.Diff(want, gaps); diff != "" {
		t.Error(diff)
	}
}
