package sample_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gengtu/index/problem"
	"gengtu/ingest/sample"

	"github.com/google/go-cmp/cmp"
)

// files returns the digest of every file under dir.
func files(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	out := map[string][32]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		out[filepath.ToSlash(name)] = sha256.Sum256(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSameSeedSameBytes(t *testing.T) {
	t.Parallel()
	a := files(t, write(t, sample.Options{Parcels: 800, Seed: 9}).Dir)
	b := files(t, write(t, sample.Options{Parcels: 800, Seed: 9}).Dir)
	if !cmp.Equal(a, b) {
		t.Errorf("equal seeds differ: %s", cmp.Diff(a, b))
	}
	if len(a) != 95 {
		t.Errorf("%d files, want 17 of the yearly deliveries and the label, 10 GeoPackages, 3 GeoJSON and 13 shapefiles", len(a))
	}
	c := files(t, write(t, sample.Options{Parcels: 800, Seed: 10}).Dir)
	for name := range a {
		fixed := strings.HasSuffix(name, ".prj") || strings.HasSuffix(name, ".cpg")
		if !fixed && a[name] == c[name] {
			t.Errorf("%s does not depend on the seed", name)
		}
	}
}

// gdal runs a program of GDAL's and returns what it prints.
func gdal(t *testing.T, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("ogrinfo")
	if err != nil {
		t.Fatal("ogrinfo is missing: apt-get install gdal-bin")
	}
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ogrinfo %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// number returns the value that GDAL prints for the column name of a query.
func number(t *testing.T, printed, name string) float64 {
	t.Helper()
	_, rest, ok := strings.Cut(printed, "  "+name+" (")
	if ok {
		_, rest, ok = strings.Cut(rest, ") = ")
	}
	line, _, _ := strings.Cut(rest, "\n")
	f, err := strconv.ParseFloat(strings.TrimSpace(line), 64)
	if !ok || err != nil {
		t.Fatalf("no %s in %s", name, printed)
	}
	return f
}

func TestGDALReadsAllFiles(t *testing.T) {
	t.Parallel()
	s := write(t, sample.Options{Parcels: 1200, Seed: 1})
	for _, d := range s.Deliveries {
		for _, layer := range d.Layers {
			path := filepath.Join(s.Dir, d.Vintage, layer.File)
			name := strings.TrimSuffix(layer.File, filepath.Ext(layer.File))
			code, shape, invalid := "4490", "geometry", 0
			switch layer.Name {
			case "dltb":
				code, invalid = "4524", len(s.Faulty)
			case "pbf":
				shape = "geom"
			}
			printed := gdal(t, "-so", "-al", path)
			if !strings.Contains(printed, `ID["EPSG",`+code+`]]`) || strings.Contains(printed, "Warning") {
				t.Errorf("%s: %s", path, printed)
			}
			printed = gdal(t, "-q", "-dialect", "sqlite", "-sql",
				"select count(*) n, sum(not st_isvalid("+shape+")) bad  from \""+name+"\"", path)
			if got := number(t, printed, "n"); int(got) != layer.Features {
				t.Errorf("%s: %v records, the summary says %d", path, got, layer.Features)
			}
			if got := number(t, printed, "bad"); int(got) != invalid {
				t.Errorf("%s: %v invalid polygons, want %d", path, got, invalid)
			}
		}
		path := filepath.Join(s.Dir, d.Vintage, "DLTB.shp")
		printed := gdal(t, "-q", "-dialect", "sqlite", "-sql",
			"select sum(DLBM like '01%') crop, sum(DLMC in ('水田', '水浇地', '旱地')) named, sum(TBMJ) booked, "+
				"sum(st_area(geometry)) ground from DLTB where st_isvalid(geometry)", path)
		if number(t, printed, "crop") != number(t, printed, "named") {
			t.Errorf("%s: names and codes of classes differ: %s", path, printed)
		}
		// 59 km from its meridian the plane's areas are (59 / 6371)² too large.
		if r := number(t, printed, "ground") / number(t, printed, "booked"); r < 1.00008 || r > 1.00009 {
			t.Errorf("%s: plane and booked areas differ by the factor %v", path, r)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	for _, n := range []int{-1, 1, sample.MinParcels - 1, sample.MaxParcels + 1} {
		dir := filepath.Join(t.TempDir(), "new")
		_, err := sample.Write(context.Background(), dir, sample.Options{Parcels: n})
		if p := problem.Of(err); p == nil || p.Code != "SAMPLE_SIZE" {
			t.Errorf("%d parcels: %v", n, err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%d parcels: made the folder", n)
		}
	}
	dir := t.TempDir()
	survey := filepath.Join(dir, "2024", "DLTB.shp")
	if err := errors.Join(os.Mkdir(filepath.Dir(survey), 0o777), os.WriteFile(survey, []byte("a survey"), 0o666)); err != nil {
		t.Fatal(err)
	}
	before := files(t, dir)
	_, err := sample.Write(context.Background(), dir, sample.Options{Parcels: 100})
	if p := problem.Of(err); p == nil || p.Code != "SAMPLE_EXISTS" {
		t.Errorf("a folder with a survey delivery: %v", err)
	}
	if !cmp.Equal(before, files(t, dir)) {
		t.Error("a survey delivery was changed")
	}
}

func TestWriteReplacesSample(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for seed := range uint64(2) {
		if _, err := sample.Write(context.Background(), dir, sample.Options{Parcels: 150, Seed: seed}); err != nil {
			t.Fatal(err)
		}
	}
	fresh := write(t, sample.Options{Parcels: 150, Seed: 1})
	if diff := cmp.Diff(files(t, fresh.Dir), files(t, dir)); diff != "" {
		t.Error(diff)
	}
	label, err := os.ReadFile(filepath.Join(dir, "README.txt"))
	if err != nil || !bytes.Contains(label, []byte("合成")) || !bytes.Contains(label, []byte("SYNTHETIC")) {
		t.Errorf("label %q, %v", label, err)
	}
}

func TestWriteStops(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := sample.Write(context.Background(), dir, sample.Options{Parcels: 120}); err != nil {
		t.Fatal(err)
	}
	before := files(t, dir)
	for _, after := range []int{0, 1, 3000, 7500} {
		ctx, cancel := context.WithCancel(context.Background())
		if after == 0 {
			cancel()
		}
		_, err := sample.Write(ctx, dir, sample.Options{Parcels: 2000, Progress: func(done, _ int) {
			if done >= after {
				cancel()
			}
		}})
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("stopped after %d: %v", after, err)
		}
		if diff := cmp.Diff(before, files(t, dir)); diff != "" {
			t.Errorf("stopped after %d: %s", after, diff)
		}
	}
}

func TestProgressAndSummary(t *testing.T) {
	t.Parallel()
	last, total := 0, 0
	s := write(t, sample.Options{Parcels: 1000, Progress: func(done, of int) {
		if done <= last || done > of {
			t.Errorf("%d of %d after %d", done, of, last)
		}
		last, total = done, of
	}})
	if last != total || total < 2*2*1000 {
		t.Errorf("ended at %d of %d", last, total)
	}
	b, err := json.Marshal(s)
	if err != nil || !bytes.Contains(b, []byte(`"vintage":"2023","layers":[{"layer":"dltb","file":"DLTB.shp","features":1000,`)) {
		t.Errorf("%s, %v", b, err)
	}
}
