package ingest_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gengtu/ingest"
	"gengtu/ingest/sample"
	"gengtu/ingest/source"
)

// Every file of a sample is taken for the layer that it is, and goes in without a
// refusal, a field that is not known or one that is missing; what is personal is marked.
func TestThemes(t *testing.T) {
	s, err := sample.Write(t.Context(), t.TempDir(), sample.Options{Parcels: 1000, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	type file struct{ layer, vintage, path string }
	var files []file
	for _, d := range s.Deliveries {
		for _, l := range d.Layers {
			files = append(files, file{l.Name, d.Vintage, filepath.Join(s.Dir, d.Vintage, l.File)})
		}
	}
	records := map[string]int{}
	for _, l := range s.Themes {
		files = append(files, file{l.Name, l.Vintage, filepath.Join(s.Dir, filepath.FromSlash(l.File))})
		records[l.Name+"@"+l.Vintage] = l.Features
	}
	var inputs []string
	for _, f := range files {
		d, err := describe(t, f.path, source.Options{})
		if err != nil || d.Layer != f.layer || d.Problem != nil || len(d.Unknown)+len(d.Missing) > 0 && f.layer != "region" {
			t.Errorf("%s: %+v, %v", f.path, d, err)
			continue
		}
		if len(d.Mapping) == 0 || slices.ContainsFunc(d.Mapping, func(m ingest.Mapped) bool { return !m.Known || m.From != m.To || m.Title == "" }) {
			t.Errorf("%s: mapping %+v", f.path, d.Mapping)
		}
		// dltb brings its own view cropland for the vintage.
		if f.layer != "cropland" {
			inputs = append(inputs, f.layer+"@"+f.vintage+"="+f.path)
		}
	}
	r := mustTake(t, inputs...)
	for _, l := range r.report.Layers {
		if l.Refused > 0 || len(l.UnknownFields)+len(l.MissingFields) > 0 || len(l.Notes) > 0 {
			t.Errorf("%s: refused %d, unknown %v, missing %v, notes %v", l.Layer, l.Refused, l.UnknownFields, l.MissingFields, l.Notes)
		}
		for code, n := range l.Counts {
			// Six rings of DLTB cross themselves on purpose, and are mended.
			if l.Layer != "dltb" || n != l.Mended {
				t.Errorf("%s: %d %s", l.Layer, n, code)
			}
		}
		if want, ok := records[l.Layer+"@"+l.Vintage]; ok && l.Read != want {
			t.Errorf("%s@%s: read %d of %d", l.Layer, l.Vintage, l.Read, want)
		}
		lines := 0
		if slices.Contains([]string{"xzqjx", "dltbgxgc", "control-village"}, l.Layer) { // lines, and tables without shapes
			lines = l.Read
		}
		if l.NoArea != lines || l.Kept+l.NoArea != l.Read {
			t.Errorf("%s: read %d, kept %d, without area %d", l.Layer, l.Read, l.Kept, l.NoArea)
		}
	}
	for _, l := range r.layers {
		for _, f := range l.Fields {
			if strings.Contains(" ZJRXM CBFBM CBFMC QLRMC ZJH QLRDH LXR LXDH ZRRZJHM DC_RY ", " "+f.Name+" ") != f.Personal && !slices.Contains([]string{"CFZR", "ZMC", "ZZRR", "ZRRMC", "JZDZ"}, f.Name) {
				t.Errorf("%s.%s: personal %v", l.Name, f.Name, f.Personal)
			}
		}
	}
}

// A layer that may come as a table: records without a shape are counted and left out;
// where the profile asks for shapes they are refused.
func TestTableWithoutShapes(t *testing.T) {
	rows := []record{
		{`null`, map[string]any{"BSM": "1", "BGQTBBSM": "a", "BGHTBBSM": "b", "TBBGMJ": 5.0, "XZQTZLX": "0"}},
		{at(0, 0, 1), map[string]any{"BSM": "2", "BGQTBBSM": "a", "BGHTBBSM": "c", "TBBGMJ": 5.0, "XZQTZLX": "0"}},
	}
	for layer, want := range map[string][3]int{"dltbgxgc": {1, 1, 0}, "dltb": {1, 0, 1}, "something": {1, 0, 1}} {
		r, err := take(t, ingest.Options{}, layer+"="+deliver(t, "t.geojson", rows...))
		if err != nil {
			t.Fatal(err)
		}
		l := r.report.Layers[0]
		if got := [3]int{l.Kept, l.NoArea, l.Refused}; got != want {
			t.Errorf("%s: kept, without shape, refused %v, want %v", layer, got, want)
		}
	}
}
