package source_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// geodatabase makes a File Geodatabase of the delivery: two layers, one of them in a
// feature dataset as update packages have it, and a table without geometry.
func geodatabase(t *testing.T) string {
	t.Helper()
	shp, gpkg := shared(t, "delivery/2024/DLTB.shp"), shared(t, "delivery/2024/YJJBNTTB.gpkg")
	if _, err := exec.LookPath("ogr2ogr"); err != nil || shp == "" {
		t.Skip("GDAL or the delivery is not here")
	}
	path := filepath.Join(t.TempDir(), "610402GX.gdb")
	table := put(t, []string{"DLTBGXGC.csv"}, []byte("BGQTBBSM,BGMJ\n610402000000000001,12.5\n"))
	for _, args := range [][]string{
		{"-f", "OpenFileGDB", path, shp, "-nln", "DLTB", "-nlt", "MULTIPOLYGON", "-lco", "FEATURE_DATASET=TDDC", "-lco", "XYSCALE=10000", "-limit", "500"},
		{"-update", "-f", "OpenFileGDB", path, gpkg, "-nln", "YJJBNTTB", "-limit", "50"},
		{"-update", "-f", "OpenFileGDB", path, table, "-nln", "DLTBGXGC"},
	} {
		if said, err := exec.Command("ogr2ogr", args...).CombinedOutput(); err != nil {
			t.Skipf("GDAL cannot write one: %v %s", err, said)
		}
	}
	return path
}

// A File Geodatabase must be read as the shapefile that it was made from.
func TestGeodatabase(t *testing.T) {
	path := geodatabase(t)
	tables, err := source.AllTables(path)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, table := range tables {
		names[table.Name] = table.NoGeometry
	}
	if d := cmp.Diff(map[string]bool{"DLTB": false, "YJJBNTTB": false, "DLTBGXGC": true}, names); d != "" {
		t.Error(d)
	}
	want, _ := readTable(t, shared(t, "delivery/2024/DLTB.shp"), "")
	got, l := readTable(t, path, "DLTB")
	if len(got) != 500 || l.Count != 500 || l.Table != "DLTB" || l.CRS.EPSG != 4524 {
		t.Fatalf("%d records, %+v", len(got), l)
	}
	for i := range got {
		a, b := 0.0, 0.0
		for k := range want[i].Polygons {
			a += shoelace(want[i].Polygons[k])
		}
		for k := range got[i].Polygons {
			b += shoelace(got[i].Polygons[k])
		}
		// Coordinates are kept to 0.1 mm in the database, too.
		if diff := a - b; diff > 0.01 || diff < -0.01 || got[i].Values[0] != want[i].Values[0] {
			t.Fatalf("record %d: %v m² and %v, %v m² and %v", i+1, b, got[i].Values[0], a, want[i].Values[0])
		}
	}
	if rows, l := readTable(t, path, "DLTBGXGC"); len(rows) != 1 || !l.NoGeometry || rows[0].Values[0] != "610402000000000001" {
		t.Errorf("the table: %+v %+v", rows, l)
	}
	if _, err := tryRead(path, source.Options{}); problem.Of(err) == nil || problem.Of(err).Code != "GDB_MANY_LAYERS" {
		t.Errorf("without a table: %v", err)
	}
	if _, err := tryRead(path, source.Options{Table: "XZQ"}); problem.Of(err) == nil || problem.Of(err).Code != "SOURCE_NO_TABLE" {
		t.Errorf("a table that is not there: %v", err)
	}
}

// Without GDAL the message must give the command that converts the file.
func TestGeodatabaseWithoutGDAL(t *testing.T) {
	path := filepath.Join(t.TempDir(), "610402GX.gdb")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", t.TempDir())
	_, err := tryRead(path, source.Options{})
	p := problem.Of(err)
	want := fmt.Sprintf("ogr2ogr -f GPKG %q %q", "610402GX.gpkg", path)
	if p == nil || p.Code != "GDB_TOOL" || !strings.Contains(p.Text(problem.Chinese), want) || !strings.Contains(p.Text(problem.English), want) {
		t.Errorf("got %v, want the command %s", err, want)
	}
}

// play puts programs of GDAL's name into PATH that do what a script says.
func play(t *testing.T, ogrinfo, ogr2ogr string) (path, dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, script := range map[string]string{"ogrinfo": ogrinfo, "ogr2ogr": ogr2ogr} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	path = filepath.Join(dir, "x.gdb")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return path, dir
}

const saysOne = "echo 'Layer: DLTB (Multi Polygon)'; echo 'Feature Count: 3'"

// When the program dies, or gives less than it said, the reading must fail and tell
// what it said last.
func TestGeodatabaseDies(t *testing.T) {
	fgb := shared(t, "delivery/2024/XZQ.fgb")
	if fgb == "" {
		t.Skip("the delivery is not here")
	}
	for _, c := range []struct{ name, info, run, code, said string }{
		{"at once", saysOne, "echo 'ERROR 1: broken table' >&2; exit 1", "GDB_READ", "broken table"},
		{"in the middle", saysOne, "head -c 3000 '" + fgb + "'; echo 'ERROR 1: cut off' >&2; exit 2", "GDB_READ", "cut off"},
		{"silently", saysOne, "true", "GDB_READ", ""},
		{"well, with fewer records than it said", "echo 'Layer: DLTB (Multi Polygon)'; echo 'Feature Count: 1000000'", "cat '" + fgb + "'", "GDB_COUNT", "1000000"},
		{"no layer", "echo nothing", "true", "GDB_NO_LAYER", ""},
		{"ogrinfo itself", "echo 'no such driver' >&2; exit 1", "true", "GDB_READ", "no such driver"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path, _ := play(t, c.info, c.run)
			_, err := tryRead(path, source.Options{})
			p := problem.Of(err)
			if p == nil || p.Code != c.code || !strings.Contains(p.Text(problem.English), c.said) {
				t.Errorf("got %v, want %s", err, c.code)
			}
		})
	}
}

// Where what the program writes makes no sense, the reading must end with that, though
// the program would go on writing.
func TestGeodatabaseTalksNonsense(t *testing.T) {
	fgb := shared(t, "delivery/2024/XZQ.fgb")
	if fgb == "" {
		t.Skip("the delivery is not here")
	}
	path, _ := play(t, saysOne, "cat '"+fgb+"'; printf '\\377\\377\\377\\377'; exec yes")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		r, err := source.Open(ctx, path, source.Options{})
		if err != nil {
			done <- err
			return
		}
		for err == nil {
			err = r.Next(&source.Feature{})
		}
		done <- errors.Join(err, r.Close())
	}()
	select {
	case err := <-done:
		if p := problem.Of(err); p == nil || p.Code != "FGB_TRUNCATED" {
			t.Errorf("got %v, want what is wrong with the text", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it hangs")
	}
}

// A cancelled context, and Close before the end, must end the program.
func TestGeodatabaseStops(t *testing.T) {
	fgb := shared(t, "delivery/2024/XZQ.fgb")
	if fgb == "" {
		t.Skip("the delivery is not here")
	}
	for _, way := range []string{"cancel", "close"} {
		path, dir := play(t, saysOne, "echo $$ > \"$(dirname \"$0\")/pid\"; head -c 3000 '"+fgb+"'; exec sleep 600")
		ctx, cancel := context.WithCancel(context.Background())
		r, err := source.Open(ctx, path, source.Options{})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		if way == "cancel" {
			time.AfterFunc(50*time.Millisecond, cancel)
			go func() {
				var err error
				for err == nil {
					err = r.Next(&source.Feature{})
				}
				done <- errors.Join(err, r.Close())
			}()
		} else {
			go func() { done <- r.Close() }()
		}
		select {
		case err := <-done:
			if way == "cancel" && !errors.Is(err, context.Canceled) || way == "close" && err != nil {
				t.Errorf("%s: %v", way, err)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: it hangs", way)
		}
		b, err := os.ReadFile(filepath.Join(dir, "pid"))
		if err != nil {
			t.Fatal(err)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
		if err != nil {
			t.Fatal(err)
		}
		p, err := os.FindProcess(pid)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Signal(syscall.Signal(0)); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("%s: process %d is still there: %v", way, pid, err)
		}
		cancel()
	}
}
