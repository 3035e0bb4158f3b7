package main_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The figures of the delivery that its maker states must come out, and what was
// read must be what is kept, refused and left out.
func TestIngestReport(t *testing.T) {
	e := theEditions(t)
	data, err := os.ReadFile(e.Report)
	if err != nil {
		t.Fatal(err)
	}
	var rep struct {
		Layers []struct {
			Layer                       string
			Read, Kept, Mended, Refused int
			AreaIn                      float64 `json:"area_in_m2"`
			AreaOut                     float64 `json:"area_out_m2"`
			AreaRefused                 float64 `json:"area_refused_m2"`
			AreaMending                 float64 `json:"area_mending_m2"`
			Cropland                    *struct {
				Features int
				Patch    float64 `json:"patch_m2"`
				Net      float64 `json:"net_m2"`
			}
			LeftOut  []struct{ Features int } `json:"left_out"`
			Findings []struct {
				Code, Action, Key string
				Before            float64 `json:"area_before_m2"`
				After             float64 `json:"area_after_m2"`
			}
		}
	}
	decode(t, data, &rep)
	for _, l := range rep.Layers {
		if l.Read != l.Kept+l.Refused {
			t.Errorf("%s: read %d, kept %d, refused %d", l.Layer, l.Read, l.Kept, l.Refused)
		}
		if d := l.AreaIn - l.AreaOut - l.AreaRefused - l.AreaMending; math.Abs(d) > 1e-3 {
			t.Errorf("%s: %.4f m² of what came in are not told of", l.Layer, d)
		}
		mended, diff := map[string]bool{}, 0.0
		for _, f := range l.Findings {
			if f.Action == "mended" && !mended[f.Key] {
				mended[f.Key] = true
				diff += f.Before - f.After
			}
		}
		if len(mended) != l.Mended || math.Abs(diff-l.AreaMending) > 1e-3 {
			t.Errorf("%s: %d mended by BSM with %.4f m², the report says %d with %.4f", l.Layer, len(mended), diff, l.Mended, l.AreaMending)
		}
		if l.Layer != "dltb" {
			continue
		}
		if l.Cropland == nil || l.Cropland.Features != 9608 || l.Cropland.Patch != 61904860.22 || l.Cropland.Net != 58810147.44 {
			t.Errorf("cropland is %+v, want 9608 patches with 61904860.22 and 58810147.44 m²", l.Cropland)
		}
		out := 0
		for _, c := range l.LeftOut {
			out += c.Features
		}
		if out+9608 != l.Kept {
			t.Errorf("%d of %d patches are counted as no cropland", out, l.Kept)
		}
	}
}

// Editions are whole, and a byte changed anywhere in their files is found.
func TestVerify(t *testing.T) {
	e := theEditions(t)
	for _, dir := range []string{e.Secure, e.Government, e.Public} {
		must(t, "verify", dir)
	}
	copyDir := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copyDir, os.DirFS(e.Public)); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(copyDir, "g*", "*.db"))
	if err != nil || len(files) != 3 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/3] ^= 1
		if err := os.WriteFile(f, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, errs, code := gengtu(t, "verify", copyDir); code != 1 || !strings.Contains(errs, "[") {
			t.Errorf("%s with a changed bit: exit code %d, %s", filepath.Base(f), code, errs)
		}
		data[len(data)/3] ^= 1
		if err := os.WriteFile(f, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	must(t, "verify", copyDir)
}

// The same input gives the same generation, whatever the number of workers;
// another input a second one, which can be gone back from.
func TestGenerations(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	ingest := func(year, workers string) string {
		must(t, "ingest", "--out", dir, "--layer", "hsf="+delivery(t, "delivery", year, "GBZNT.geojson"),
			"--layer", "dltb="+delivery(t, "delivery", year, "DLTB.shp"), "--vintage", year, "--zooms", "10-12", "--workers", workers)
		var m struct {
			Generation string
			Hash       string `json:"content_hash"`
		}
		decode(t, []byte(must(t, "info", dir, "--json")), &m)
		return m.Generation + m.Hash
	}
	first := ingest("2024", "1")
	if again := ingest("2024", "7"); again != first {
		t.Errorf("the same input gives %s and %s", first, again)
	}
	second := ingest("2023", "2")
	if second == first {
		t.Error("another input gives the same generation")
	}
	if lines := strings.Count(must(t, "history", dir), "\n"); lines != 2 {
		t.Errorf("history has %d lines, want 2", lines)
	}
	back := strings.TrimSpace(must(t, "rollback", dir))
	if !strings.HasPrefix(first, back) {
		t.Errorf("rollback leads to %s, want the first generation", back)
	}
	must(t, "verify", dir)
}

// A publish that is refused must leave nothing behind in the edition that it was
// given: no key least of all.
func TestRefusedPublishWritesNothing(t *testing.T) {
	e := theEditions(t)
	dir := filepath.Join(t.TempDir(), "p")
	if err := os.CopyFS(dir, os.DirFS(e.Public)); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := gengtu(t, "publish", "--from", dir, "--tier", "government", "--out", filepath.Join(t.TempDir(), "g")); code != 1 || !strings.Contains(errs, "PUBLISH_UPWARD") {
		t.Errorf("publishing upward: exit code %d, %s", code, errs)
	}
	if _, err := os.Stat(filepath.Join(dir, "publisher.key")); !os.IsNotExist(err) {
		t.Errorf("a key lies in the public edition (%v)", err)
	}
}

// Shapes without an answer are told of, and a run without any answer fails.
func TestOverlayFailures(t *testing.T) {
	e := theEditions(t)
	file := filepath.Join(t.TempDir(), "metres.geojson")
	body := `{"type":"FeatureCollection","features":[{"type":"Feature","id":"a","properties":{},"geometry":{"type":"Polygon","coordinates":[[[36466000,3799000],[36467000,3799000],[36467000,3800000],[36466000,3799000]]]}}]}`
	if err := os.WriteFile(file, []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
	out, errs, code := gengtu(t, "overlay", "--edition", e.Secure, file)
	if code != 1 || !strings.Contains(out, `"failed"`) || !strings.Contains(errs, "EPSG:4524") || !strings.Contains(errs, "OVERLAY_NONE") {
		t.Errorf("exit code %d\n%s\n%s", code, out, errs)
	}
	// What is asked for and is not there is said at once, and not of each shape.
	for want, args := range map[string][]string{
		"NO_LAYER": {"--layers", "nosuch"}, "NO_VINTAGE": {"--vintage", "1999", "--by", "DLBM"}, "PARAMETER_FIELD": {"--by", "NOSUCH"},
	} {
		out, errs, code := gengtu(t, append([]string{"overlay", "--edition", e.Secure, file}, args...)...)
		if code != 1 || out != "" || !strings.Contains(errs, want) || strings.Contains(errs, "OVERLAY_NONE") {
			t.Errorf("%v: exit code %d\n%s\n%s", args, code, out, errs)
		}
	}
}

// A file that looks like another layer's goes in, but not without a word.
func TestLooksLikeAnotherLayer(t *testing.T) {
	out := must(t, "ingest", "--out", filepath.Join(t.TempDir(), "s"), "--layer", "hsf="+delivery(t, "delivery", "2024", "XZQ.fgb"), "--vintage", "2024", "--zooms", "10-10")
	if !strings.Contains(out, "[LOOKS_LIKE]") {
		t.Errorf("nothing is said:\n%s", out)
	}
	if out := must(t, "ingest", "--out", filepath.Join(t.TempDir(), "s"), "--layer", "hsf="+delivery(t, "delivery", "2024", "GBZNT.geojson"), "--vintage", "2024", "--zooms", "10-10"); strings.Contains(out, "LOOKS_LIKE") {
		t.Errorf("a right file is doubted:\n%s", out)
	}
}
