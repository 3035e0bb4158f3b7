package change_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/problem"
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

// Of a package without its layers what stands in the way is told: that GDAL is missing, also
// where archives come behind the geodatabase, and else which layers are not there, with the
// archive that was not read.
func TestFindNothing(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // no GDAL
	gdb, zip := filepath.Join("x", "DLTBGX.gdb"), filepath.Join("x", "说明.zip")
	cases := map[string]struct {
		names      []string
		find       string // what Find says, "" for nothing
		incomplete string // what Apply says of it
	}{
		"a geodatabase":                      {[]string{gdb}, "GDB_TOOL", ""},
		"an archive behind a geodatabase":    {[]string{gdb, zip}, "GDB_TOOL", ""},
		"an archive before a geodatabase":    {[]string{gdb, filepath.Join("a", "z.zip")}, "GDB_TOOL", ""},
		"an archive":                         {[]string{zip}, "", "说明.zip"},
		"an archive and one layer":           {[]string{zip, "DLTBGX.shp"}, "", "1 and 0 files of them; archives that were not read: 1, the first is 说明.zip: "},
		"nothing":                            {[]string{"DLTB.shp"}, "", "0 and 0 files of them"},
		"a geodatabase beside other formats": {[]string{gdb, zip, "DLTBGX.shp", "DLTBGXGC.csv"}, "", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, f := range c.names {
				path := filepath.Join(dir, f)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if filepath.Ext(f) == ".gdb" {
					if err := os.Mkdir(path, 0o700); err != nil {
						t.Fatal(err)
					}
				} else if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			p, err := change.Find(known(t), []string{dir})
			if c.find != "" {
				if told := problem.Of(err); told == nil || told.Code != c.find {
					t.Errorf("%v, want %s", err, c.find)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Patches) > 0 && len(p.Flows) > 0 {
				return
			}
			_, rep, err := change.Apply(t.Context(), nil, p, change.Options{})
			if told := problem.Of(err); told == nil || told.Code != "PACKAGE_INCOMPLETE" || !strings.Contains(told.Found(problem.English), c.incomplete) {
				t.Errorf("%v, want PACKAGE_INCOMPLETE with %q", err, c.incomplete)
			}
			if len(rep.Notes) != len(p.Unread) {
				t.Errorf("notes %v of %v", rep.Notes, p.Unread)
			}
		})
	}
}
