package main_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/ingest/source"
)

// sampleFlows are the files of the package in a sample.
const (
	samplePatches = "619901GX.gpkg"
	sampleFlows   = "619901GXGC.gpkg"
)

// samplePackage returns the folder of the package in a sample and its two files.
func samplePackage(t *testing.T, sample string) (folder, patches, flows string) {
	t.Helper()
	err := filepath.WalkDir(sample, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasSuffix(d.Name(), "数据库更新成果"):
			folder = path
		case d.Name() == samplePatches:
			patches = path
		case d.Name() == sampleFlows:
			flows = path
		}
		return nil
	})
	if err != nil || folder == "" || patches == "" || flows == "" {
		t.Fatalf("the sample has no package: %v", err)
	}
	return folder, patches, flows
}

// rewriting is how records are written anew: under other names of fields, each changed,
// and with shapes by the key in the field BGHTBBSM.
type rewriting struct {
	rename map[string]string
	change func(record int, value func(field string) *any)
	shapes map[string][][][]geo.XY
}

// records reads a table of a file to its end.
func records(t *testing.T, path, table string) (source.Layer, []source.Feature) {
	t.Helper()
	in, err := source.Open(t.Context(), path, source.Options{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	var out []source.Feature
	for {
		var f source.Feature
		err := in.Next(&f)
		if errors.Is(err, io.EOF) {
			return *in.Layer(), out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
}

// rewritten writes the records of a file's table anew, in the format of the new file's
// ending.
func rewritten(t *testing.T, from, table, to string, how rewriting) {
	t.Helper()
	l, list := records(t, from, table)
	fields := slices.Clone(l.Fields)
	for i, f := range fields {
		if name, ok := how.rename[f.Name]; ok {
			l.Fields[i].Name = name
		}
	}
	if how.shapes != nil {
		l.NoGeometry, l.CRS = false, source.CRSInfo{EPSG: 4524}
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := source.Create(to, &l, source.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range list {
		f := &list[n]
		value := func(field string) *any {
			return &f.Values[slices.IndexFunc(fields, func(f source.Field) bool { return f.Name == field })]
		}
		if how.shapes != nil {
			f.Polygons = how.shapes[(*value("BGHTBBSM")).(string)]
		}
		if how.change != nil {
			how.change(n+1, value)
		}
		if err := out.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// shapesOf returns the shapes of patches by BSM: in the sample, each is one flow.
func shapesOf(t *testing.T, patches string) map[string][][][]geo.XY {
	l, list := records(t, patches, "DLTBGX")
	at := slices.IndexFunc(l.Fields, func(f source.Field) bool { return f.Name == "BSM" })
	out := map[string][][][]geo.XY{}
	for _, f := range list {
		out[f.Values[at].(string)] = f.Polygons
	}
	return out
}

// copyOf copies a file into a folder.
func copyOf(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// packageForms are the forms that a package comes in: each makes one in a folder of the
// two files of the sample.
func packageForms(t *testing.T, patches, flows string) map[string]func(dir string) {
	shapes := shapesOf(t, patches)
	shaped := rewriting{shapes: shapes}
	forms := map[string]func(dir string){
		"flows as CSV": func(dir string) {
			copyOf(t, patches, filepath.Join(dir, "610402GX.gpkg"))
			rewritten(t, flows, "DLTBGXGC", filepath.Join(dir, "610402DLTBGXGC.csv"), rewriting{})
		},
		"flows as .dbf alone": func(dir string) {
			copyOf(t, patches, filepath.Join(dir, "610402GX.gpkg"))
			shp := filepath.Join(t.TempDir(), "x.shp")
			rewritten(t, flows, "DLTBGXGC", shp, shaped)
			copyOf(t, strings.TrimSuffix(shp, ".shp")+".dbf", filepath.Join(dir, "610402DLTBGXGC.dbf"))
		},
		"flows with shapes": func(dir string) {
			copyOf(t, patches, filepath.Join(dir, "610402GX.gpkg"))
			rewritten(t, flows, "DLTBGXGC", filepath.Join(dir, "610402GXGC.gpkg"), shaped)
		},
		"VCT beside shapefiles": func(dir string) {
			for _, form := range []string{"原格式数据/%s.shp", "标准格式数据/%s.vct"} {
				at := func(name string) string { return filepath.Join(dir, fmt.Sprintf(form, name)) }
				rewritten(t, patches, "DLTBGX", at("DLTBGX"), rewriting{})
				rewritten(t, flows, "DLTBGXGC", at("DLTBGXGC"), shaped)
			}
		},
		"VCT": func(dir string) {
			rewritten(t, patches, "DLTBGX", filepath.Join(dir, "DLTBGX.vct"), rewriting{})
			rewritten(t, flows, "DLTBGXGC", filepath.Join(dir, "DLTBGXGC.vct"), shaped)
		},
		"fields by their aliases": func(dir string) {
			rewritten(t, patches, "DLTBGX", filepath.Join(dir, "DLTBGX.gpkg"), rewriting{rename: map[string]string{"ZZSXDM": "GDZZSXDM", "XZDWKD": "XXTBKD"}})
			rewritten(t, flows, "DLTBGXGC", filepath.Join(dir, "DLTBGXGC.gpkg"), rewriting{rename: map[string]string{"TBBGMJ": "BGMJ", "BGQZZSXDM": "BGQGDZZSXDM", "BGHXZDWKD": "bghxxtbkd"}})
		},
	}
	if _, err := exec.LookPath("ogr2ogr"); err != nil {
		t.Log("without GDAL no geodatabase is tried")
		return forms
	}
	database := func(t *testing.T, to, from, table string) {
		args := []string{"-f", "OpenFileGDB", to, from, table, "-nln", table, "-lco", "FEATURE_DATASET=TDGX", "-lco", "XYSCALE=10000"}
		if said, err := exec.Command("ogr2ogr", args...).CombinedOutput(); err != nil {
			t.Fatalf("ogr2ogr %v: %v %s", args, err, said)
		}
	}
	forms["geodatabases, flows without shapes"] = func(dir string) {
		database(t, filepath.Join(dir, "610402GX.gdb"), patches, "DLTBGX")
		database(t, filepath.Join(dir, "610402GXGC.gdb"), flows, "DLTBGXGC")
	}
	forms["geodatabases"] = func(dir string) {
		with := filepath.Join(t.TempDir(), "x.gpkg")
		rewritten(t, flows, "DLTBGXGC", with, shaped)
		database(t, filepath.Join(dir, "610402GX.gdb"), patches, "DLTBGX")
		database(t, filepath.Join(dir, "610402GXGC.gdb"), with, "DLTBGXGC")
	}
	return forms
}

// The package that a sample writes makes, of the delivery of one year, the delivery of the
// next, in whatever form it comes.
func TestSamplePackage(t *testing.T) {
	dir := twoYears(t, "1500")
	folder, patches, flows := samplePackage(t, dir)
	whole := filepath.Join(t.TempDir(), "whole")
	must(t, slices.Concat([]string{"ingest", "--zooms", "8-9", "--out", whole}, yearOf(dir, "2023", "dltb"), yearOf(dir, "2024", "dltb"))...)
	begin := func(t *testing.T) string {
		out := filepath.Join(t.TempDir(), "updated")
		must(t, slices.Concat([]string{"ingest", "--zooms", "8-9", "--out", out}, yearOf(dir, "2023", "dltb"))...)
		return out
	}
	update := func(t *testing.T, out, folder string) (links int) {
		var rep struct {
			Vintage  string
			Flows    int
			Removed  int
			Inserted int
			Notes    []struct{ Code string }
		}
		decode(t, []byte(must(t, "update", "--edition", out, "--package", folder, "--json")), &rep)
		if rep.Vintage != "2024" || rep.Flows < 10 || rep.Removed != rep.Flows || rep.Inserted != rep.Flows {
			t.Errorf("report %+v", rep)
		}
		for _, n := range rep.Notes {
			if n.Code == "PACKAGE_FIELDS_LEFT" {
				t.Error("the sample's updates have fields that its patches have not")
			}
		}
		return rep.Flows
	}
	out := begin(t)
	links := update(t, out, folder)
	must(t, "verify", out)
	for _, layer := range []string{"dltb", "cropland"} {
		for _, year := range []string{"2023", "2024"} {
			sameLayer(t, whole, out, layer, year)
		}
	}
	want, m, err := edition.Current(out)
	if err != nil {
		t.Fatal(err)
	}
	checkServedLineage(t, out, links)

	for name, form := range packageForms(t, patches, flows) {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "更新数据包")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			form(dir)
			out := begin(t)
			update(t, out, dir)
			got, n, err := edition.Current(out)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(name, "geodatabases") {
				sameLayer(t, whole, out, "dltb", "2024") // by their own grid of coordinates
			} else if n.ContentHash != m.ContentHash {
				t.Errorf("generation %s, content %s; that of the sample's own package is %s, %s", got, n.ContentHash, want, m.ContentHash)
			}
		})
	}
}

// sameLayer fails the test where a layer of two editions differs: features, any value, or
// ground.
func sameLayer(t *testing.T, a, b, layer, vintage string) {
	t.Helper()
	var d struct {
		Counts map[string]int
		Matrix struct {
			LostM2   float64 `json:"lost_m2"`
			GainedM2 float64 `json:"gained_m2"`
		}
	}
	decode(t, []byte(must(t, "diff", a+"@"+vintage, b+"@"+vintage, "--layer", layer, "--ignore", "", "--json")), &d)
	for k, n := range d.Counts {
		if (k == "unchanged") != (n > 0) {
			t.Errorf("%s@%s: %d %s", layer, vintage, n, k)
		}
	}
	if d.Matrix.LostM2+d.Matrix.GainedM2 > 0.01 {
		t.Errorf("%s@%s: %+v", layer, vintage, d.Matrix)
	}
}

// A package that says one thing wrong is refused with the record that says it, whatever
// the form, and the edition stays.
func TestSamplePackageRefused(t *testing.T) {
	dir := twoYears(t, "1500")
	_, patches, flows := samplePackage(t, dir)
	out := filepath.Join(t.TempDir(), "updated")
	must(t, slices.Concat([]string{"ingest", "--zooms", "8-9", "--out", out}, yearOf(dir, "2023", "dltb"))...)
	before, _, err := edition.Current(out)
	if err != nil {
		t.Fatal(err)
	}
	const wrong = 7
	for i, row := range []struct {
		field string
		value func(any) any
		code  string
	}{
		{"BGQDLMC", func(any) any { return "水田水田" }, "PACKAGE_DIFFERS"},
		{"BGHTBDLMJ", func(v any) any { return v.(float64) + 0.01 }, "PACKAGE_DIFFERS"},
		{"TBBGMJ", func(v any) any { return v.(float64) - 0.01 }, "PACKAGE_AREA_FROM"},
		{"BGQTBBSM", func(any) any { return "619901200199999999" }, "PACKAGE_FROM_UNKNOWN"},
		{"BGQZZSXDM", func(any) any { return "GCHF" }, "PACKAGE_DIFFERS"}, // under an alias
	} {
		folder, key := t.TempDir(), ""
		copyOf(t, patches, filepath.Join(folder, samplePatches))
		file := filepath.Join(folder, "DLTBGXGC."+[]string{"csv", "gpkg", "shp", "geojson", "csv"}[i])
		how := rewriting{rename: map[string]string{"BGQZZSXDM": "BGQGDZZSXDM"}, change: func(record int, value func(string) *any) {
			if record == wrong {
				*value(row.field) = row.value(*value(row.field))
				key = fmt.Sprint(*value("BGQTBBSM"))
			}
		}}
		if !strings.HasSuffix(file, ".csv") {
			how.shapes = shapesOf(t, patches)
		}
		rewritten(t, flows, "DLTBGXGC", file, how)
		report := filepath.Join(folder, "report.json")
		_, errs, code := gengtu(t, "update", "--edition", out, "--package", folder, "--lang", "en", "--report", report)
		if code != 1 || !strings.Contains(errs, "PACKAGE_REFUSED") || !strings.Contains(errs, fmt.Sprintf("record %d", wrong)) {
			t.Errorf("%s: exit code %d, %s", row.field, code, errs)
		}
		data, err := os.ReadFile(report)
		if err != nil {
			t.Fatal(err)
		}
		type fault struct {
			Code, File, Key string
			Record          int
		}
		var rep struct{ Faults []fault }
		decode(t, data, &rep)
		if !slices.Contains(rep.Faults, fault{row.code, file, key, wrong}) {
			t.Errorf("%s: faults %+v", row.field, rep.Faults)
		}
		if now, _, err := edition.Current(out); err != nil || now != before || len(drafts(t, out)) > 0 {
			t.Errorf("%s: the edition is at %s (%v), it was at %s", row.field, now, err, before)
		}
	}
}
