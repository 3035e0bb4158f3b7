package main_test

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/ingest/source"
)

// asVCT writes the first layer of a file as VCT.
func asVCT(t *testing.T, from, to string) {
	t.Helper()
	r, err := source.Open(t.Context(), from, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	w, err := source.Create(to, r.Layer(), source.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for {
		var f source.Feature
		if err := r.Next(&f); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(&f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// asZip packs a shapefile.
func asZip(t *testing.T, shp, to string) {
	t.Helper()
	f, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for _, ending := range []string{".shp", ".shx", ".dbf", ".prj", ".cpg"} {
		b, err := os.ReadFile(strings.TrimSuffix(shp, ".shp") + ending)
		if err != nil {
			t.Fatal(err)
		}
		w, err := z.Create("610402/DLTB" + ending)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// judgement is what a report says of a layer.
type judgement struct {
	Layer   string   `json:"layer"`
	Vintage string   `json:"vintage"`
	Read    int      `json:"features_read"`
	Kept    int      `json:"features_kept"`
	Mended  int      `json:"features_mended"`
	AreaIn  float64  `json:"area_in_m2"`
	AreaOut float64  `json:"area_out_m2"`
	PatchM2 *float64 `json:"patch_m2"`
	NetM2   *float64 `json:"net_m2"`
}

// checked judges files with check and returns what it says of each layer.
func checked(t *testing.T, args ...string) []judgement {
	t.Helper()
	out, said, code := gengtu(t, append([]string{"check", "--json"}, args...)...)
	if code > 1 || out == "" { // 1: it breaks rules
		t.Fatalf("check %v: %s", args, said)
	}
	var rep struct {
		Layers   []judgement
		Delivery *struct{ Taken []any }
	}
	if err := json.Unmarshal([]byte(out), &rep); err != nil {
		t.Fatal(err)
	}
	return rep.Layers
}

// The same survey must be judged alike whatever format it comes in: counts, areas and
// sums of record to the last digit, and mended alike.
func TestFormatsAgree(t *testing.T) {
	shp, dir := delivery(t, "delivery", "2024", "DLTB.shp"), t.TempDir()
	want := checked(t, shp)
	files := map[string]string{"vct": filepath.Join(dir, "2001H2024610402.VCT"), "zip": filepath.Join(dir, "x.zip")}
	vct := filepath.Join(dir, "x.vct")
	asVCT(t, shp, vct)
	if err := os.Rename(vct, files["vct"]); err != nil {
		t.Fatal(err)
	}
	asZip(t, shp, files["zip"])
	for name, path := range files {
		if d := cmp.Diff(want, checked(t, path)); d != "" {
			t.Errorf("%s (-shapefile +%s):\n%s", name, name, d)
		}
		if out, said, code := gengtu(t, "info", "--json", path); code != 0 || !strings.Contains(out, `"layer": "dltb"`) || !strings.Contains(out, `"features": 10000`) {
			t.Errorf("info of the %s: %s %.300s", name, said, out)
		}
	}
	gdb := filepath.Join(dir, "610402.gdb")
	if _, err := exec.Command("ogr2ogr", "-f", "OpenFileGDB", gdb, shp, "-nln", "DLTB", "-nlt", "MULTIPOLYGON", "-lco", "XYSCALE=10000000").CombinedOutput(); err != nil {
		t.Skip("GDAL cannot write a File Geodatabase here")
	}
	got := checked(t, gdb)
	if len(got) != 1 || got[0].Kept != want[0].Kept || *got[0].PatchM2 != *want[0].PatchM2 || got[0].AreaOut-want[0].AreaOut > 1 || want[0].AreaOut-got[0].AreaOut > 1 {
		t.Errorf("gdb: %+v, want %+v", got, want)
	}
	if out, said, code := gengtu(t, "info", "--json", gdb); code != 0 || !strings.Contains(out, `"layer": "dltb"`) {
		t.Errorf("info of the gdb: %s %.300s", said, out)
	}
}

// A whole folder must be taken in by one flag, and what is exported as VCT must come
// back as it was; a VCT may be asked about and may bring changes.
func TestDeliveryAndVCT(t *testing.T) {
	dir := t.TempDir()
	edition := filepath.Join(dir, "edition")
	_, said, code := gengtu(t, "ingest", "--out", edition, "--delivery", delivery(t, "delivery", "2024"), "--vintage", "2024", "--zooms", "5-5")
	if code != 0 {
		t.Fatal(said)
	}
	for _, want := range []string{"dltb = ", "pbf = ", "hsf = ", "region = "} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not said: %s", want, said)
		}
	}
	changes := filepath.Join(dir, "changes")
	if err := os.Mkdir(changes, 0o755); err != nil {
		t.Fatal(err)
	}
	vct := filepath.Join(changes, "610402DLTB.vct")
	must(t, "export", "--edition", edition, "--layer", "dltb", "--out", vct)
	before := checked(t, "--layer", "dltb", delivery(t, "delivery", "2024", "DLTB.shp"))
	after := checked(t, "--layer", "dltb", vct)
	if len(after) != 1 || after[0].Read != before[0].Kept || math.Abs(after[0].AreaOut-before[0].AreaOut) > 1e-3 || *after[0].PatchM2 != *before[0].PatchM2 || after[0].Mended != 0 {
		t.Errorf("exported %+v, taken in %+v", after, before)
	}
	region := filepath.Join(changes, "XZQ.vct")
	must(t, "export", "--edition", edition, "--layer", "region", "--out", region)
	if out, said, code := gengtu(t, "overlay", "--edition", edition, "--layers", "cropland", region); code != 0 || strings.Count(out, `"aoi"`) != 4 {
		t.Errorf("overlay with a VCT: %s %.300s", said, out)
	}
	if out, said, code := gengtu(t, "update", "--json", "--edition", edition, "--delivery", changes); code != 0 || !strings.Contains(out, `"unchanged": 10000`) || !strings.Contains(out, `"unchanged": 4`) {
		t.Errorf("update by a folder of VCT: %s %.600s", said, out)
	}
}
