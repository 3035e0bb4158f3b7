package main_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What is written of an edition above public, or of a delivery, is for the owner and the
// group alone, each file that belongs to it, and less than that where the umask says so;
// what is written of public is as the umask says.
func TestOutputsAreClosed(t *testing.T) {
	dir := t.TempDir()
	must(t, "sample", "--out", filepath.Join(dir, "d"), "--parcels", "300")
	secure, public := filepath.Join(dir, "secure"), filepath.Join(dir, "public")
	dltb := "dltb=" + filepath.Join(dir, "d", "2024", "DLTB.shp")
	must(t, "ingest", "--out", secure, "--layer", dltb, "--zooms", "10-10")
	must(t, "publish", "--from", secure, "--tier", "public", "--out", public)
	for _, c := range []struct {
		edition string
		umask   int
		file    fs.FileMode
	}{{secure, 0, 0o640}, {secure, 0o077, 0o600}, {public, 0, 0o644}} {
		out := filepath.Join(dir, fmt.Sprintf("%s-%03o", filepath.Base(c.edition), c.umask))
		if err := os.MkdirAll(out, 0o755); err != nil {
			t.Fatal(err)
		}
		lines := [][]string{
			{"export", "--edition", c.edition, "--layer", "cropland", "--out", "a.geojson"}, {"export", "--edition", c.edition, "--layer", "cropland", "--out", "a.shp"},
			{"export", "--edition", c.edition, "--layer", "cropland", "--out", "a.gpkg"}, {"export", "--edition", c.edition, "--layer", "cropland", "--out", "a.pmtiles"},
			{"overlay", "--edition", c.edition, "a.geojson", "--layers", "cropland", "--out", "o.json"}, {"info", c.edition, "--by", "county", "--out", "i.csv"},
			{"diff", c.edition, c.edition, "--layer", "cropland", "--out", "d.json"},
		}
		if c.edition == secure {
			lines = append(lines, []string{"check", dltb, "--report", "check"}, []string{"check", dltb, "--report", "check.json"},
				[]string{"ingest", "--out", "again", "--layer", dltb, "--zooms", "10-10", "--report", "ingest.json"})
		}
		for _, line := range lines {
			cmd := exec.Command("sh", "-c", fmt.Sprintf(`umask %03o; exec "$0" "$@"`, c.umask), binary())
			cmd.Args, cmd.Dir = append(cmd.Args, line...), out
			if text, err := cmd.CombinedOutput(); err != nil && line[0] != "check" {
				t.Fatalf("%v: %v %s", line, err, text)
			}
		}
		seen := 0
		err := filepath.WalkDir(out, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() && d.Name() == "again" {
				return fs.SkipDir
			}
			info, err := d.Info()
			if err != nil || path == out {
				return err
			}
			want := c.file
			if d.IsDir() {
				want |= c.file >> 2 & 0o111
			}
			// The writers of features leave it to the umask what the group may write.
			if seen++; info.Mode().Perm()&^0o022 != want&^0o022 {
				t.Errorf("umask %03o: %s of %s is %v, want %v", c.umask, strings.TrimPrefix(path, out), filepath.Base(c.edition), info.Mode().Perm(), want)
			}
			return nil
		})
		if least := len(lines) + 3; err != nil || seen < least { // a shapefile is four
			t.Errorf("umask %03o: %d files of %s, want %d at least (%v)", c.umask, seen, filepath.Base(c.edition), least, err)
		}
	}
}
