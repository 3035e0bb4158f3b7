package policy_test

import (
	"path/filepath"
	"slices"
	"testing"

	"gengtu/index"
	"gengtu/index/compare/comparetest"
	"gengtu/index/edition"
	"gengtu/ingest"
	"gengtu/ingest/policy"
)

// Lineage comes along under the ids of the lower edition, with areas only where the
// policy shows the features' own, without ends that the layer does not hold, and not at
// all where features are put on a grid or dissolved.
func TestLineageComesDown(t *testing.T) {
	land := comparetest.New(31, 16)
	id := func(bsm string) uint64 { return ingest.KeyID("dltb", bsm) }
	was, is := comparetest.StateOf(t, land.From, "2024", id), comparetest.StateOf(t, land.To, "2025", id)
	var links []index.Link
	for _, f := range land.Flows {
		k := index.Link{Area: f.Record()}
		if f.From != "" {
			k.From = id(f.From)
		}
		if f.To != "" {
			k.To = id(f.To)
		}
		links = append(links, k)
	}
	is.Lineage = index.NewLineage("dltb", "2024", "2025", links)
	ix := comparetest.Open(t, was, is)
	classes := map[string]string{}
	for _, p := range land.From {
		classes["from "+p.BSM] = p.DLBM
	}
	for _, p := range land.To {
		classes["to "+p.BSM] = p.DLBM
	}
	crop := func(side, bsm string) bool {
		return bsm != "" && classes[side+bsm][:2] == "01"
	}
	cropLinks := 0
	for _, f := range land.Flows {
		if crop("from ", f.From) || crop("to ", f.To) {
			cropLinks++
		}
	}
	for _, row := range []struct {
		name, yaml string
		layer      string // that has a lineage, "" for none
		links      int
		areas      bool
	}{
		{"all fields", "grid_m: 0\n    layers: {dltb: {fields: known}, cropland: {fields: known}}", "dltb", len(links), true},
		{"no areas", "grid_m: 0\n    layers: {dltb: {fields: [BSM, DLBM]}}", "dltb", len(links), false},
		{"cropland alone", "grid_m: 0\n    layers: {cropland: {fields: [BSM, DLBM, TBMJ]}}", "cropland", -cropLinks, true},
		{"rounded areas", "round_m2: 50\n    layers: {dltb: {fields: known}}", "dltb", len(links), true},
		{"small features left out", "min_patch_m2: 800\n    small_patches: leave_out\n    layers: {dltb: {fields: known}}", "dltb", -len(links), true},
		{"a grid", "grid_m: 5\n    layers: {dltb: {fields: known}}", "", 0, false},
		{"dissolved", "grid_m: 5\n    layers: {cropland: {dissolve: true}}", "", 0, false},
	} {
		p, err := policy.Parse(row.name, []byte("name: test\ntiers:\n  government:\n    max_zoom: 14\n    "+row.yaml+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		m, _, err := policy.Derive(t.Context(), ix, p, edition.Government, []byte("key"), index.NewWriter(filepath.Join(dir, edition.FeaturesFile)))
		if err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		low, err := index.OpenFiles(dir, m)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = low.Close() }()
		all := low.Lineages()
		if row.layer == "" {
			if len(all) > 0 {
				t.Errorf("%s: there is a lineage of %d links", row.name, len(all[0].Links()))
			}
			continue
		}
		if len(all) != 1 || all[0].Layer != row.layer {
			t.Errorf("%s: %d lineages", row.name, len(all))
			continue
		}
		checkLower(t, row.name, low, all[0], is.Lineage, row.areas)
		rounded := !slices.ContainsFunc(all[0].Links(), func(k index.Link) bool { return k.Area%5000 != 0 })
		if rounded != (row.name == "rounded areas") && row.areas {
			t.Errorf("%s: all areas are multiples of 50 m²: %t", row.name, rounded)
		}
		if n := len(all[0].Links()); row.links >= 0 && n != row.links || row.links < 0 && (n == 0 || n > -row.links) {
			t.Errorf("%s: %d links, want %d", row.name, n, row.links)
		}
	}
}

// checkLower holds a derived lineage against the layers that it is of.
func checkLower(t *testing.T, name string, low *index.Index, g, above *index.Lineage, areas bool) {
	t.Helper()
	secure := map[uint64]bool{}
	for _, k := range above.Links() {
		secure[k.From], secure[k.To] = k.From != 0, k.To != 0
	}
	from, to := low.Layer(g.Layer, g.From), low.Layer(g.Layer, g.To)
	for _, k := range g.Links() {
		for _, end := range []struct {
			id uint64
			l  *index.Layer
		}{{k.From, from}, {k.To, to}} {
			if _, ok := end.l.ByID(end.id); end.id != 0 && !ok || secure[end.id] {
				t.Errorf("%s: the end %d is not in the layer, or is the secure edition's", name, end.id)
			}
		}
		if (k.Area != index.NoArea) != areas {
			t.Errorf("%s: an area %d, want some: %t", name, k.Area, areas)
		}
	}
}
