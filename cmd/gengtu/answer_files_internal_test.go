package main

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gengtu/index/analyze"
	"gengtu/index/analyze/forms"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// twoLayers is an answer with two layers of one table each, a long text and long names.
func twoLayers() *analyze.Result {
	r := &analyze.Result{Run: "0011223344556677", Question: &analyze.Question{Name: "two"}, Generation: "g1", Tier: edition.Secure}
	for i, name := range []string{"first", "second"} {
		t := &analyze.Table{Name: name, Columns: []analyze.Column{
			{Name: "标识码标识码标识码", Kind: analyze.Code}, {Name: "comp_area_after", Kind: analyze.Areas}, {Name: "comp_area_before", Kind: analyze.Areas},
			{Name: "remark", Kind: analyze.Text}, {Name: "flag", Kind: analyze.Truth}, {Name: "share", Kind: analyze.Ratio},
		}}
		t.Add("0123", analyze.Area(12345), analyze.Area(-5), strings.Repeat("耕", 300), true, 0.25)
		t.Add(nil, nil, nil, nil, nil, nil)
		r.Tables = append(r.Tables, t)
		lon := int64(117+i) * 1e10
		r.Shapes = append(r.Shapes, &analyze.Shapes{Name: name, Table: t, Geometry: func(_ context.Context, row int) (geo.MultiPolygon, error) {
			if row > 0 {
				return nil, nil
			}
			return geo.MultiPolygon{{{{Lon: lon, Lat: 32e10}, {Lon: lon + 1e8, Lat: 32e10}, {Lon: lon + 1e8, Lat: 32e10 + 1e8}, {Lon: lon, Lat: 32e10}}}}, nil
		}})
	}
	return r
}

// Of several layers there is a shapefile each, with fields of names that a dbf holds and
// that are told apart, and what is cut is said.
func TestAnswerShapefiles(t *testing.T) {
	dir := t.TempDir()
	files, notes, err := writeAnswer(t.Context(), filepath.Join(dir, "甲.shp"), twoLayers(), "")
	if err != nil || len(files) != 10 || len(notes) != 2 || notes[0].Code != "EXPORT_TEXT" {
		t.Fatalf("%v, %v, %v", files, notes, err)
	}
	for _, name := range []string{"甲_first.shp", "甲_second.shp"} {
		rd, err := source.Open(t.Context(), filepath.Join(dir, name), source.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range rd.Layer().Fields {
			names = append(names, f.Name)
		}
		want := []string{"标识码标识", "comp_ar_m2", "comp_ar_mu", "comp_ar_ha", "comp_2_m2", "comp_2_mu", "comp_2_ha", "remark", "flag", "share", "run_id", "generation", "rule_versi", "tier", "crs"}
		if !slices.Equal(names, want) {
			t.Errorf("the fields are %q", names)
		}
		var f source.Feature
		if err := rd.Next(&f); err != nil || f.Values[0] != "0123" || f.Values[1] != 123.45 || f.Values[4] != -0.05 || f.Values[7] != strings.Repeat("耕", 126)+"…" || f.Values[8] != true || f.Values[9] != 0.25 || len(f.Polygons) != 1 {
			t.Errorf("%v, %v", f, err)
		}
		if err := rd.Next(&f); err != nil || len(f.Polygons) != 0 || f.Values[10] != "0011223344556677" {
			t.Errorf("%v, %v", f, err)
		}
		if err := rd.Close(); err != nil {
			t.Error(err)
		}
	}
	one, _, err := writeAnswer(t.Context(), filepath.Join(dir, "one.shp"), twoLayers(), "second")
	if err != nil || len(one) != 5 || filepath.Base(one[0]) != "one.shp" {
		t.Errorf("%v, %v", one, err)
	}
}

// A layer that cannot be read leaves nothing, of all that was begun.
func TestAnswerFilesFail(t *testing.T) {
	broken := problem.New("INDEX_DAMAGED", "坏", "damaged")
	for _, ending := range []string{".shp", ".gpkg"} {
		dir := t.TempDir()
		r := twoLayers()
		r.Shapes[1].Geometry = func(context.Context, int) (geo.MultiPolygon, error) { return nil, broken }
		if _, _, err := writeAnswer(t.Context(), filepath.Join(dir, "a"+ending), r, ""); problem.Of(err) == nil || problem.Of(err).Code != broken.Code {
			t.Errorf("%s: %v", ending, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := writeAnswer(ctx, filepath.Join(dir, "a"+ending), twoLayers(), ""); err == nil {
			t.Errorf("%s is written although it was called off", ending)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: %v is left (%v)", ending, left, err)
		}
	}
}

// The server gets a GeoPackage, or a zip of all shapefiles, the same bytes each time; an
// answer without shapes says that it has none.
func TestAnswerFilesForServer(t *testing.T) {
	dir := t.TempDir()
	sent := map[forms.Form][]byte{}
	for _, form := range []forms.Form{forms.GeoPackage, forms.Shapefile} {
		for range 2 {
			var b bytes.Buffer
			if err := sendAnswer(t.Context(), &b, twoLayers(), form, "", dir); err != nil {
				t.Fatal(err)
			}
			if was, ok := sent[form]; ok && !bytes.Equal(was, b.Bytes()) {
				t.Errorf("%s: the same answer has other bytes", form)
			}
			sent[form] = b.Bytes()
		}
	}
	z, err := zip.NewReader(bytes.NewReader(sent[forms.Shapefile]), int64(len(sent[forms.Shapefile])))
	if err != nil || len(z.File) != 10 || z.File[0].Name != "two_first.shp" {
		t.Fatalf("%v, %v", z, err)
	}
	bare := twoLayers()
	bare.Shapes = nil
	if err := sendAnswer(t.Context(), &bytes.Buffer{}, bare, forms.Shapefile, "", dir); problem.Of(err) == nil || problem.Of(err).Code != "ANSWER_TABLE" {
		t.Errorf("%v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("%v is left (%v)", entries, err)
	}
}
