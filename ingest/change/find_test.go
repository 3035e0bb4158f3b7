package change_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"gengtu/ingest/change"
	"gengtu/ingest/profiles"
)

// known are the embedded profiles.
func known(t testing.TB) *profiles.Set {
	t.Helper()
	s, err := profiles.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A package's layers are known by the names that the profiles give them, those of the
// user's, too.
func TestFindByProfiles(t *testing.T) {
	own, err := profiles.Load(fstest.MapFS{"dltbgx.yaml": {Data: []byte("name: dltbgx\ntitle: {zh: 更新, en: updates}\nlike: dltbgx\nfiles: [\"XIN_TB\"]\nsource: test\n")}})
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		known          *profiles.Set
		files          []string
		patches, flows []string
	}{
		"codes":             {known(t), []string{"610402DLTBGX2024.shp", "610402DLTBGXGC2024.dbf", "DLTB.shp"}, []string{"610402DLTBGX2024.shp"}, []string{"610402DLTBGXGC2024.dbf"}},
		"words around":      {known(t), []string{"sx_dltbgx_new.geojson", "sx_dltbgxgc_new.csv"}, []string{"sx_dltbgx_new.geojson"}, []string{"sx_dltbgxgc_new.csv"}},
		"Chinese names":     {known(t), []string{"渭城区地类图斑更新.shp", "渭城区地类图斑更新过程.csv", "渭城区地类图斑.shp"}, []string{"渭城区地类图斑更新.shp"}, []string{"渭城区地类图斑更新过程.csv"}},
		"lines of features": {known(t), []string{"DLTBGX.ndjson", "DLTBGXGC.jsonl", "DLTBGX.vct.bak"}, []string{"DLTBGX.ndjson"}, []string{"DLTBGXGC.jsonl"}},
		"the makers' own":   {known(t), []string{"DLTBGX.geojsons", "DLTBGX.shp", "DLTBGXGC.csv"}, []string{"DLTBGX.shp"}, []string{"DLTBGXGC.csv"}},
		"beside documents":  {known(t), []string{"DLTBGX.shp", "DLTBGXGC.csv", "说明.zip"}, []string{"DLTBGX.shp"}, []string{"DLTBGXGC.csv"}},
		"a user's naming":   {own, []string{"XIN_TB.shp", "DLTBGXGC.csv"}, []string{"XIN_TB.shp"}, []string{"DLTBGXGC.csv"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, f := range c.files {
				if err := os.WriteFile(filepath.Join(dir, f), []byte("x"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			p, err := change.Find(c.known, []string{dir})
			if err != nil {
				t.Fatal(err)
			}
			var patches, flows []string
			for _, in := range p.Patches {
				patches = append(patches, filepath.Base(in.Path))
			}
			for _, in := range p.Flows {
				flows = append(flows, filepath.Base(in.Path))
			}
			if diff := cmp.Diff([][]string{c.patches, c.flows}, [][]string{patches, flows}); diff != "" {
				t.Error(diff)
			}
		})
	}
}
