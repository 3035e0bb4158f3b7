package source_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// What the table of endings says is held against what the package does: each ending that is
// written is, and reads again as what the table says; none else is.
func TestEndings(t *testing.T) {
	all := source.Endings(func(source.Ending) bool { return true })
	seen := map[string]bool{}
	wrote := 0
	for _, ext := range all {
		e := source.EndingOf("X" + strings.ToUpper(ext))
		if e.Ending != ext || seen[ext] || e.Holds == 0 {
			t.Errorf("%s stands for %+v, or twice", ext, e)
		}
		seen[ext] = true
		path := filepath.Join(t.TempDir(), "x"+ext)
		w, err := source.Create(path, &source.Layer{Fields: []source.Field{{Name: "A"}}, CRS: source.CRSInfo{EPSG: 4490}}, source.WriteOptions{})
		if !e.Written {
			if p := problem.Of(err); p == nil || p.Code != "EXPORT_FORMAT" {
				t.Errorf("%s is not to be written, and is: %v", ext, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", ext, err)
			continue
		}
		if err := w.Close(); err != nil {
			t.Errorf("%s: %v", ext, err)
			continue
		}
		wrote++
		if e.Holds == source.HoldsLayers && !strings.Contains(".json.ndjson.jsonl.geojsonl", ext) { // an empty text sequence is an empty file
			if _, err := source.Tables(path); err != nil {
				t.Errorf("%s does not read what it wrote: %v", ext, err)
			}
		}
	}
	if wrote < 10 {
		t.Errorf("%d formats are written", wrote)
	}
	_, err := source.Create("x.dwg", &source.Layer{}, source.WriteOptions{})
	for _, ext := range all {
		if p := problem.Of(err); source.EndingOf("x"+ext).Written != strings.Contains(p.Advice(problem.English)+" ", ext+" ") {
			t.Errorf("the advice says %q; %s is written: %v", p.Advice(problem.English), ext, source.EndingOf("x"+ext).Written)
		}
	}
	if e := source.EndingOf("x.docx"); e != (source.Ending{}) {
		t.Errorf("docx: %+v", e)
	}
}

// A file whose content is none of a format must be told as what its name says, in every
// format that a name promises.
func TestEndingPromises(t *testing.T) {
	for ext, want := range map[string]string{".ndjson": "GeoJSON", ".zip": "zip of shapefiles", ".shp": "shapefile", ".vct": "VCT", ".fgb": "FlatGeobuf", ".gpkg": "GeoPackage", ".txt": "", ".csv": "", ".doc": ""} {
		path := filepath.Join(t.TempDir(), "x"+ext)
		if err := os.WriteFile(path, []byte("a document"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := source.Open(context.Background(), path, source.Options{})
		p := problem.Of(err)
		if p == nil || p.Code != "SOURCE_FORMAT" {
			t.Fatalf("%s: %v", ext, err)
		}
		if found := p.Found(problem.English); want != "" && !strings.Contains(found, "named as "+want) || want == "" && strings.Contains(found, "named as") {
			t.Errorf("%s: %q", ext, found)
		}
		if a := p.Advice(problem.English); !strings.Contains(a, "zip of shapefiles, GeoPackage, GeoJSON (text sequences too), FlatGeobuf, VCT, the surveyor's TXT and File Geodatabase") {
			t.Errorf("%s: advised %q", ext, a)
		}
	}
}
