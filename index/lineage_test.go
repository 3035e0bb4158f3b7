package index_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/edition"
)

// lineaged writes a file of no feature with links and returns the digest of its content
// and what it is read back as.
func lineaged(t *testing.T, links ...index.Link) (string, []*index.Lineage) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, edition.FeaturesFile)
	w := index.NewWriter(path)
	w.Layer(edition.Layer{Name: "dltb", Vintage: "2025"})
	w.Lineage(index.NewLineage("dltb", "2024", "2025", links))
	m := &edition.Manifest{}
	var err error
	if m.Layers, err = w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := index.Seal(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if err := index.CheckContent(t.Context(), path, m); err != nil {
		t.Error(err)
	}
	digest, err := index.ContentDigest(path)
	if err != nil {
		t.Fatal(err)
	}
	ix, err := index.OpenFiles(dir, m)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ix.Close() }() // only read
	return digest, ix.Lineages()
}

// Lineage comes back as it was given, from either side, and counts for the content.
func TestLineage(t *testing.T) {
	links := []index.Link{{From: 9, To: 2, Area: 700}, {From: 1, To: 5, Area: 30}, {From: 1, To: 2, Area: 400}, {From: 0, To: 5, Area: index.NoArea}, {From: 1, To: 2, Area: 1}}
	digest, got := lineaged(t, slices.Clone(links)...)
	if len(got) != 1 || got[0].Layer != "dltb" || got[0].From != "2024" || got[0].To != "2025" {
		t.Fatalf("%+v", got)
	}
	for id, want := range map[uint64][2][]index.Link{
		1: {{{From: 1, To: 2, Area: 401}, {From: 1, To: 5, Area: 30}}, nil},
		2: {nil, {{From: 1, To: 2, Area: 401}, {From: 9, To: 2, Area: 700}}},
		5: {nil, {{From: 0, To: 5, Area: index.NoArea}, {From: 1, To: 5, Area: 30}}},
	} {
		if d := cmp.Diff(want, [2][]index.Link{got[0].Successors(id), got[0].Predecessors(id)}); d != "" {
			t.Errorf("feature %d (-want +got):\n%s", id, d)
		}
	}
	if same, _ := lineaged(t, links[3], links[4], links[0], links[2], links[1]); same != digest {
		t.Error("the same links in another order are another content")
	}
	if other, _ := lineaged(t, links[:4]...); other == digest {
		t.Error("another area is the same content")
	}
	if none, got := lineaged(t); none == digest || len(got) != 0 {
		t.Errorf("without links: %v", got)
	}
}

// What is not known of one of several links between two features is not known of
// their sum, in whatever order they come.
func TestLineageWithoutArea(t *testing.T) {
	links := []index.Link{{From: 1, To: 2, Area: 400}, {From: 1, To: 2, Area: index.NoArea}, {From: 1, To: 2, Area: 7}}
	for range 3 {
		links = append(links[1:], links[0])
		got := index.NewLineage("dltb", "2024", "2025", slices.Clone(links)).Links()
		if d := cmp.Diff([]index.Link{{From: 1, To: 2, Area: index.NoArea}}, got); d != "" {
			t.Errorf("%v (-want +got):\n%s", links, d)
		}
	}
}
