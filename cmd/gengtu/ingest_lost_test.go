package main_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gengtu/ingest/source"
)

// emptyDelivery copies a year of the sample to a new folder, with DLTB.shp of no record,
// and returns it.
func emptyDelivery(t *testing.T, from string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "delivery")
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	for _, ending := range []string{".shp", ".shx", ".dbf", ".prj", ".cpg"} {
		if err := os.Remove(filepath.Join(dir, "DLTB"+ending)); err != nil {
			t.Fatal(err)
		}
	}
	w, err := source.Create(filepath.Join(dir, "DLTB.shp"), &source.Layer{Fields: []source.Field{{Name: "BSM"}, {Name: "DLBM"}}, CRS: source.CRSInfo{EPSG: 4524}}, source.WriteOptions{})
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// layersOf are the layers of the generation in force, NAME@VINTAGE, and how many features
// they have.
func layersOf(t *testing.T, dir string) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, l := range manifestOf(t, dir).Layers {
		out[l.Name+"@"+l.Vintage] = l.Features
	}
	return out
}

// A layer that comes without features does not take the place of one that has some, nor
// goes into a new edition where every county has it; who says so has it, and is told.
func TestEmptyLayerIsRefused(t *testing.T) {
	sample := twoYears(t, "300")
	year, empty := filepath.Join(sample, "2024"), emptyDelivery(t, filepath.Join(sample, "2024"))
	dir, low := filepath.Join(t.TempDir(), "secure"), filepath.Join(t.TempDir(), "government")
	must(t, "ingest", "--out", dir, "--vintage", "2024", "--delivery", year, "--zooms", "10-10")
	must(t, "publish", "--from", dir, "--tier", "government", "--out", low)
	before := layersOf(t, dir)
	for _, line := range [][]string{
		{"--out", dir, "--vintage", "2024"}, {"--out", dir, "--vintage", "2025", "--add"}, {"--out", filepath.Join(t.TempDir(), "new"), "--vintage", "2024"},
		{"--out", dir, "--vintage", "2024", "--allow-empty", "pbf"},
	} {
		_, said, code := gengtu(t, append([]string{"ingest", "--delivery", empty, "--zooms", "10-10"}, line...)...)
		if code != 1 || !strings.Contains(said, "[LAYER_EMPTY]") || !strings.Contains(said, "DLTB.shp") || !strings.Contains(said, "--allow-empty dltb") {
			t.Errorf("%v: %d\n%s", line, code, said)
		}
	}
	if now := layersOf(t, dir); now["dltb@2024"] != before["dltb@2024"] || now["dltb@2024"] == 0 {
		t.Errorf("in force: %v, was %v", now, before)
	}
	if _, said, code := gengtu(t, "check", "--delivery", empty, "--report", filepath.Join(t.TempDir(), "r.json")); code != 1 || !strings.Contains(said, "LAYER_EMPTY") {
		t.Errorf("check: %d\n%s", code, said)
	}
	_, said, code := gengtu(t, "ingest", "--lang", "en", "--out", dir, "--vintage", "2024", "--delivery", empty, "--zooms", "10-10", "--allow-empty", "dltb", "--allow-empty", "cropland")
	if code != 0 || !strings.Contains(said, "[LAYERS_EMPTIED]") || !strings.Contains(said, "dltb@2024") {
		t.Errorf("on the user's word: %d\n%s", code, said)
	}
	if _, said, code = gengtu(t, "publish", "--lang", "en", "--from", dir, "--tier", "government", "--out", low); code != 0 || !strings.Contains(said, "[LAYERS_EMPTIED]") {
		t.Errorf("publish: %d\n%s", code, said)
	}
}

// Of a layer that not every county has, the edition alone tells that it is missed.
func TestEmptyLayerOfOwnCounty(t *testing.T) {
	file := filepath.Join(t.TempDir(), "plots.geojson")
	if err := os.WriteFile(file, []byte(`{"type":"FeatureCollection","features":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := small(t)
	for _, line := range [][]string{{"--layer", "hsf@2024=" + file}, {"--layer", "hsf@2025=" + file, "--add"}} {
		_, said, code := gengtu(t, append([]string{"ingest", "--out", dir, "--zooms", "10-10"}, line...)...)
		if code != 1 || !strings.Contains(said, "[LAYER_EMPTY]") || !strings.Contains(said, "the edition has ") {
			t.Errorf("%v: %d\n%s", line, code, said)
		}
	}
	if out := must(t, "ingest", "--out", filepath.Join(t.TempDir(), "new"), "--layer", "hsf@2024="+file, "--zooms", "10-10"); !strings.Contains(out, "[LAYER_EMPTY]") {
		t.Errorf("it goes in without a word:\n%s", out)
	}
}

// A layer without a year beside others that have one is told.
func TestUndatedLayersAreTold(t *testing.T) {
	plots, places := delivery(t, "delivery", "2024", "GBZNT.geojson"), delivery(t, "delivery", "2024", "XZQ.fgb")
	for _, c := range []struct {
		region string
		told   bool
	}{{"region@2024", true}, {"region", false}} {
		_, said, code := gengtu(t, "ingest", "--out", filepath.Join(t.TempDir(), "s"), "--layer", "hsf="+plots, "--layer", c.region+"="+places, "--zooms", "10-10")
		if told := strings.Contains(said, "[VINTAGE_MISSING]"); code != 0 || told != c.told {
			t.Errorf("%s: %d, told %v\n%s", c.region, code, told, said)
		}
	}
}

// What a new generation no longer has is told, in both languages, and whether one can go
// back; --add loses nothing.
func TestLostVintageIsTold(t *testing.T) {
	sample := twoYears(t, "300")
	dir, low := filepath.Join(t.TempDir(), "secure"), filepath.Join(t.TempDir(), "government")
	take := func(year string, more ...string) string {
		_, said, code := gengtu(t, slices.Concat([]string{"ingest", "--out", dir, "--delivery", filepath.Join(sample, year), "--zooms", "10-10"}, more)...)
		if code != 0 {
			t.Fatalf("%s: %d\n%s", year, code, said)
		}
		return said
	}
	take("2023") // the folder is the vintage
	if said := take("2024", "--add"); strings.Contains(said, "LAYERS_GONE") {
		t.Errorf("--add:\n%s", said)
	}
	must(t, "publish", "--from", dir, "--tier", "government", "--out", low)
	for name := range layersOf(t, dir) {
		if !strings.HasSuffix(name, "@2023") && !strings.HasSuffix(name, "@2024") {
			t.Errorf("%s is of another vintage than its folder", name)
		}
	}
	was := manifestOf(t, dir).Generation
	for _, c := range []struct{ lang, keep string }{{"zh", "2"}, {"en", "1"}} {
		must(t, "rollback", dir, was)
		said := take("2024", "--lang", c.lang, "--keep", c.keep)
		k := slices.IndexFunc(strings.Split(said, "\n"), func(line string) bool { return strings.Contains(line, "[LAYERS_GONE]") })
		if k < 0 {
			t.Fatalf("%v: not told:\n%s", c, said)
		}
		line := strings.Split(said, "\n")[k]
		if !strings.Contains(line, "dltb@2023") || strings.Contains(line, "@2024") || !strings.Contains(line, "--add") {
			t.Errorf("%v: %s", c, line)
		}
		if kept := strings.Contains(line, "gengtu rollback "+dir+" "+was); kept != (c.keep == "2") {
			t.Errorf("%v: the way back is told: %v\n%s", c, kept, line)
		}
	}
	_, said, code := gengtu(t, "publish", "--lang", "en", "--from", dir, "--tier", "government", "--out", low)
	if code != 0 || !strings.Contains(said, "[LAYERS_GONE]") || !strings.Contains(said, "dltb@2023") {
		t.Errorf("publish: %d\n%s", code, said)
	}
}

// A layer that no profile knows is stored, and not without a word.
func TestUnknownLayerIsTold(t *testing.T) {
	file := delivery(t, "delivery", "2024", "GBZNT.geojson")
	for name, near := range map[string]string{"hfs": "did you mean hsf?", "orchards": "gengtu profile list", "hsf": ""} {
		out := must(t, "ingest", "--out", filepath.Join(t.TempDir(), "s"), "--layer", name+"@2024="+file, "--zooms", "10-10")
		if told := strings.Contains(out, "[LAYER_UNKNOWN]"); told != (near != "") || !strings.Contains(out, near) {
			t.Errorf("%s: told %v\n%s", name, told, out)
		}
	}
}
