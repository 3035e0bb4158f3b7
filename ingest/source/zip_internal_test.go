package source

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"gengtu/index/geo"
)

// Whatever an archive holds, listing and reading it must end with the end or a
// problem, and leave nothing behind.
func FuzzZip(f *testing.F) {
	dir := f.TempDir()
	w, err := Create(filepath.Join(dir, "x.shp"), &Layer{Fields: []Field{{Name: "BSM"}}, CRS: CRSInfo{EPSG: 4490}}, WriteOptions{})
	if err != nil {
		f.Fatal(err)
	}
	if err := errors.Join(w.Write(&Feature{Polygons: [][][]geo.XY{{{{X: 1}, {Y: 1}, {X: 1, Y: 1}, {X: 1}}}}, Values: []any{"1"}}), w.Close()); err != nil {
		f.Fatal(err)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, ending := range ShapefileEndings() {
		data, err := os.ReadFile(filepath.Join(dir, "x"+ending))
		if err != nil {
			f.Fatal(err)
		}
		m, err := z.Create("县/DLTB" + ending)
		if err != nil {
			f.Fatal(err)
		}
		if _, err := m.Write(data); err != nil {
			f.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	path, passing := filepath.Join(dir, "f.zip"), filepath.Join(dir, "tmp")
	if err := os.Mkdir(passing, 0o700); err != nil {
		f.Fatal(err)
	}
	f.Setenv("TMPDIR", passing)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		tables, err := zipTables(path)
		if err != nil && !readable(inFile(err, path)) {
			t.Fatal(err)
		}
		for _, table := range tables {
			r, err := openZip(context.Background(), path, Options{Table: table.Name})
			if err != nil {
				if !readable(inFile(err, path)) {
					t.Fatal(err)
				}
				continue
			}
			for err == nil {
				err = r.Next(&Feature{})
			}
			if !readable(inFile(err, path)) || r.Close() != nil {
				t.Fatal(err)
			}
		}
		if left, err := os.ReadDir(passing); err != nil || len(left) > 0 {
			t.Fatal(left, err)
		}
	})
}
