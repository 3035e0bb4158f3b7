package ingest

import (
	"os"
	"path/filepath"
	"testing"

	"gengtu/index/problem"
)

// Whatever a table holds, loading it must end with rows that all have its fields, each
// under one key, or with a problem.
func FuzzAttributes(f *testing.F) {
	f.Add([]byte("BSM,A\n1,2\n1,3\n\"x\",\"a,b\"\n"))
	f.Add([]byte("\uFEFFbsm;A\r\n1;2\r\n"))
	p, err := ProfileOf("dltb")
	if err != nil {
		f.Fatal(err)
	}
	path := filepath.Join(f.TempDir(), "a.csv")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		table, err := loadAttributes(path, "", p)
		if err != nil {
			if problem.Of(err) == nil {
				t.Fatal(err)
			}
			return
		}
		twice := 0
		for key, row := range table.byKey {
			if row == severalRows {
				twice++
			} else if plainKey(table.rows[row][table.keyAt]) != key {
				t.Fatalf("%q is row %d", key, row)
			}
		}
		for _, row := range table.rows {
			if len(row) != len(table.fields) {
				t.Fatalf("%d values, %d fields", len(row), len(table.fields))
			}
		}
		if twice != len(table.double) {
			t.Fatalf("%d double keys, %d are listed", twice, len(table.double))
		}
	})
}
