package main

import (
	"database/sql"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gengtu/index/problem"
)

// A full disc is told as such, with the file and what to do, whether the system or
// SQLite found it; other errors stay as they are.
func TestFullDisc(t *testing.T) {
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	_, err = db.Exec("PRAGMA max_page_count = 2; CREATE TABLE t (b BLOB); INSERT INTO t VALUES (zeroblob(100000))")
	if err == nil {
		t.Fatal("a database of two pages holds 100,000 bytes")
	}
	for name, err := range map[string]error{"SQLite": err, "the system": &fs.PathError{Op: "write", Path: ".a.tmp", Err: syscall.ENOSPC}} {
		p := problem.Of(withDisc("a.mbtiles", errors.Join(err)))
		if p == nil || p.Code != "OUT_UNWRITABLE" || p.File != "a.mbtiles" || !strings.Contains(p.Advice(problem.English), "make room") || !errors.Is(p, err) {
			t.Errorf("%s: %v", name, p)
		}
	}
	other := errors.New("other")
	if got := withDisc("a", other); !errors.Is(got, other) || problem.Of(got) != nil {
		t.Errorf("another error becomes %v", got)
	}
	if err := withDisc("a", nil); err != nil {
		t.Errorf("no error becomes %v", err)
	}
}
