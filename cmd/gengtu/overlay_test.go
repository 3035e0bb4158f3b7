package main_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// overlaid is what these tests look at in an answer.
type overlaid struct {
	ID         any
	Properties map[string]any
	Status     string
	Generation string
	AOI        struct {
		AreaM2   float64 `json:"area_m2"`
		Problems []struct{ Code string }
	}
	Layers []struct {
		Layer  string
		AreaM2 float64 `json:"area_m2"`
		Pieces []any
	}
}

// boundaryFile writes a surveyor's TXT of n squares of side metres over the
// delivery, in GBK.
func boundaryFile(t testing.TB, n int, side float64) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("[属性描述]\r\n格式版本号=1.01版本\r\n坐标系=2000国家大地坐标系\r\n几度分带=3\r\n投影类型=高斯克吕格\r\n计量单位=米\r\n带号=36\r\n[地块坐标]\r\n")
	for i := range n {
		east, north := 36466000+float64(i%50)*70, 3799000+float64(i/50%50)*70
		fmt.Fprintf(&b, "5,%.4f,DK%04d,地块%d号,面,,道路用地,1003,@\r\n", side*side/1e4, i+1, i+1)
		for k, d := range [][2]float64{{0, 0}, {0, side}, {side, side}, {side, 0}, {0, 0}} {
			fmt.Fprintf(&b, "J%d,1,%.3f,%.3f\r\n", k%4+1, north+d[1], east+d[0])
		}
	}
	data, err := simplifiedchinese.GBK.NewEncoder().Bytes([]byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "plots.txt")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Boundary points go in, every form comes out, the same bytes each time, and the
// report says what was written.
func TestOverlayTXTToEveryForm(t *testing.T) {
	e := theEditions(t)
	plots := boundaryFile(t, 60, 65)
	var answers []overlaid
	decode(t, []byte(must(t, "overlay", "--edition", e.Secure, plots)), &answers)
	if len(answers) != 60 || answers[59].ID != "DK0060" || answers[59].Properties["name"] != "地块60号" || math.Abs(answers[0].AOI.AreaM2-65*65) > 2 {
		t.Fatalf("%d answers, the last %+v", len(answers), answers[len(answers)-1])
	}
	for _, a := range answers {
		for _, p := range a.AOI.Problems {
			if p.Code == "AREA_STATED" {
				t.Errorf("%v: a right area is doubted", a.ID)
			}
		}
	}
	dir := t.TempDir()
	for ending, holds := range map[string]func(data []byte) error{
		"json":    func(d []byte) error { return json.Unmarshal(d, &answers) },
		"geojson": func(d []byte) error { return json.Unmarshal(d, new(struct{ Features []any })) },
		"ndjson": func(d []byte) error {
			if n := bytes.Count(d, []byte("\n")); n != 60 {
				return fmt.Errorf("%d lines", n)
			}
			return nil
		},
		"csv":  func(d []byte) error { _, err := csv.NewReader(bytes.NewReader(d[3:])).ReadAll(); return err },
		"xlsx": func(d []byte) error { _, err := zip.NewReader(bytes.NewReader(d), int64(len(d))); return err },
		"html": func(d []byte) error {
			if !bytes.Contains(d, []byte("DK0060")) {
				return fmt.Errorf("the last plot is missing")
			}
			return nil
		},
	} {
		out := filepath.Join(dir, "o."+ending)
		var first []byte
		for range 2 {
			report := must(t, "overlay", "--json", "--edition", e.Secure, "--by", "DLBM", "--out", out, plots)
			var r struct{ Shapes, Failed int }
			decode(t, []byte(report), &r)
			data, err := os.ReadFile(out)
			if err != nil || r.Shapes != 60 || r.Failed != 0 {
				t.Fatalf("%s: %v, report %s", ending, err, report)
			}
			if err := holds(data); err != nil {
				t.Errorf("%s: %v", ending, err)
			}
			if first != nil && !bytes.Equal(first, data) {
				t.Errorf("%s: other bytes at the second time", ending)
			}
			first = data
		}
	}
}

// The same shapes have the same areas from every format that holds them.
func TestOverlayFromEveryFormat(t *testing.T) {
	e := theEditions(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "shapes.geojson")
	if err := os.WriteFile(file, collection(randomShapes(40, 7)), 0o600); err != nil {
		t.Fatal(err)
	}
	ask := func(path string, args ...string) []overlaid {
		var out []overlaid
		decode(t, []byte(must(t, append([]string{"overlay", "--edition", e.Secure, "--crs", "EPSG:4490", path}, args...)...)), &out)
		return out
	}
	want := ask(file)
	for _, f := range []struct{ ending, driver string }{{"gpkg", "GPKG"}, {"shp", "ESRI Shapefile"}, {"fgb", "FlatGeobuf"}, {"geojsonl", "GeoJSONSeq"}, {"geojsons", "GeoJSONSeq"}} {
		path := filepath.Join(dir, "again."+f.ending)
		args := []string{"-f", f.driver, path, file, "-nlt", "PROMOTE_TO_MULTI"}
		switch f.ending {
		case "geojsons":
			args = append(args, "-lco", "RS=YES")
		case "fgb":
			args = append(args, "-lco", "SPATIAL_INDEX=NO") // which keeps the order
		}
		if f.driver == "GeoJSONSeq" {
			args = append(args, "-lco", "COORDINATE_PRECISION=10")
		}
		if out, err := exec.Command("ogr2ogr", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v %s (apt-get install gdal-bin)", args, err, out)
		}
		got := ask(path)
		if len(got) != len(want) {
			t.Errorf("%s: %d answers, want %d", f.ending, len(got), len(want))
			continue
		}
		for i := range got {
			if g, w := got[i], want[i]; g.Status != w.Status || math.Abs(g.AOI.AreaM2-w.AOI.AreaM2) > 0.01 || len(g.Layers) != 3 || math.Abs(g.Layers[0].AreaM2-w.Layers[0].AreaM2) > 0.01 || g.Properties["kind"] != w.Properties["kind"] {
				t.Errorf("%s: shape %d is %+v, want %+v", f.ending, i+1, g, w)
			}
		}
		if strings.HasPrefix(f.ending, "geojson") && got[6].ID != want[6].ID {
			t.Errorf("%s: id %v, want %v", f.ending, got[6].ID, want[6].ID)
		}
	}
	feature := filepath.Join(dir, "one.json")
	if err := os.WriteFile(feature, []byte(`{"type":"Feature","properties":{},"geometry":`+randomShapes(1, 7)[0].geoJSON()+`}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var one overlaid
	decode(t, []byte(must(t, "overlay", "--edition", e.Secure, feature)), &one)
	if one.Status != "" || math.Abs(one.AOI.AreaM2-want[0].AOI.AreaM2) > 1e-3 {
		t.Errorf("a feature alone: %+v", one)
	}
}

// What is wrong with a file is told with its line, and exits 1; a wrong ending
// exits 2.
func TestOverlayTXTFaults(t *testing.T) {
	e := theEditions(t)
	good, err := os.ReadFile(boundaryFile(t, 2, 65))
	if err != nil {
		t.Fatal(err)
	}
	text, err := simplifiedchinese.GBK.NewDecoder().Bytes(good)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, old, new, says string
		code                 int
	}{
		{"another datum", "2000国家大地坐标系", "1980西安坐标系", "line 3", 1},
		{"another zone", "带号=36", "带号=35", "EPSG:4524", 1},
		{"one plot of two", "J1,1,3799000.000", "J1,1,37990OO.000", "line 10", 0},
		{"no section", "[地块坐标]", "", "TXT_", 1},
	} {
		path := filepath.Join(t.TempDir(), "p.txt")
		if err := os.WriteFile(path, []byte(strings.Replace(string(text), c.old, c.new, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, errs, code := gengtu(t, "overlay", "--edition", e.Secure, path); code != c.code || !strings.Contains(errs, c.says) || c.code == 1 && !strings.Contains(errs, "p.txt") {
			t.Errorf("%s: exit code %d, %s; want %d, %q", c.name, code, errs, c.code, c.says)
		}
	}
	if _, errs, code := gengtu(t, "overlay", "--edition", e.Secure, "--out", "x.pdf", "plots.txt"); code != 2 || !strings.Contains(errs, ".xlsx") {
		t.Errorf("a wrong ending: exit code %d, %s", code, errs)
	}
}

// Ctrl-C leaves no file, and what standard output has got says that it is not
// whole.
func TestOverlayInterrupted(t *testing.T) {
	e := theEditions(t)
	plots := boundaryFile(t, 60_000, 600)
	for _, name := range []string{"o.ndjson", ""} {
		dir := t.TempDir()
		args := []string{"overlay", "--edition", e.Secure, plots}
		if name != "" {
			args = append(args, "--out", filepath.Join(dir, name))
		}
		cmd := exec.Command(binary(), args...)
		cmd.Env = append(os.Environ(), "GENGTU_LANG=en")
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if name != "" { // its draft is there when it has begun
			for end := time.Now().Add(20 * time.Second); time.Now().Before(end); <-time.After(2 * time.Millisecond) {
				if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
					break
				}
			}
		}
		<-time.After(300 * time.Millisecond)
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // the exit code tells
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) > 0 {
			t.Errorf("%q: %v is left, %v", name, entries, err)
		}
		if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(errs.String(), "INTERRUPTED") {
			t.Errorf("%q: exit code %d, %.500s", name, cmd.ProcessState.ExitCode(), errs.String())
		}
		if name == "" && out.Len() > 0 {
			var all []overlaid
			decode(t, out.Bytes(), &all)
			if all[len(all)-1].Status != "aborted" {
				t.Errorf("%d answers on standard output, and no word that they are not all", len(all))
			}
		}
	}
}
