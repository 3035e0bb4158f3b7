package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/edition"
)

// heavy writes parcels side by side, rows of columns, each with a field of 10,000
// bytes that no tile carries: 240 MB that a small bound does not hold.
func heavy(t *testing.T, rows, columns int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "heavy.geojsonl")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	const step = 0.001 // degrees
	for i := range rows * columns {
		x, y := 108+step*float64(i%columns), 34+step*float64(i/columns)
		// Neighbours stand far apart in the file.
		key := (i * 7919) % (rows * columns)
		_, err := fmt.Fprintf(w, `{"type":"Feature","properties":{"BSM":"6199012001%08d","DLBM":"010%d","TBMJ":%d,"REMARK":%q},`+
			`"geometry":{"type":"Polygon","coordinates":[[[%.3f,%.3f],[%.3f,%.3f],[%.3f,%.3f],[%.3f,%.3f],[%.3f,%.3f]]]}}`+"\n",
			key, 1+i%3, 9000+i%1000, strings.Repeat(fmt.Sprintf("%010d", key), 1000), x, y, x+step, y, x+step, y+step, x, y+step, x, y)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// ingested takes a file in with a bound, in a process that the system gives no more
// than so many KiB of data, and returns what the manifest says of the content.
func ingested(t *testing.T, file, memory string, limitKB int) (content map[string]string, said string, err error) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "edition")
	command := fmt.Sprintf("ulimit -d %d; exec %q ingest --out %q --layer cropland@2024=%q --zooms 9-14 --workers 2 --memory %s", limitKB, binary(), out, file, memory)
	cmd := exec.Command("sh", "-c", command)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=2")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Run(); err != nil {
		return nil, errs.String(), err
	}
	_, m, err := edition.Read(out, "")
	if err != nil {
		t.Fatal(err)
	}
	tiles, err := json.Marshal(m.Tiles)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"content": m.ContentHash, "tiles": m.Files[edition.TilesFile], "counts": string(tiles)}, errs.String(), nil
}

// With a small --memory the process stays within it and what does not depend on the
// features, and makes what it makes with a large one: with that it would not.
func TestMemory(t *testing.T) {
	file := heavy(t, 150, 160)
	const limitKB = 384 << 10
	small, said, err := ingested(t, file, "16M", limitKB)
	if err != nil {
		t.Fatalf("--memory 16M: %v\n%.2000s", err, said)
	}
	large, said, err := ingested(t, file, "4G", 8<<20)
	if err != nil {
		t.Fatalf("--memory 4G: %v\n%.2000s", err, said)
	}
	if d := cmp.Diff(large, small); d != "" {
		t.Error(d)
	}
	if _, said, err := ingested(t, file, "4G", limitKB); err == nil || !strings.Contains(said, "out of memory") && !strings.Contains(said, "cannot allocate memory") {
		t.Errorf("with --memory 4G it does with %d KiB, too, so that the limit shows nothing: %v\n%.2000s", limitKB, err, said)
	}
}
