package ingest_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"

	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/source"
)

// keyed writes patches with the given keys, 1 km apart; the second has a DLMC.
func keyed(t *testing.T, keys ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "DLTB.shp")
	w, err := source.Create(path, &source.Layer{Fields: []source.Field{{Name: "BSM"}, {Name: "DLBM"}, {Name: "DLMC"}}, CRS: source.CRSInfo{EPSG: 4524}}, source.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, key := range keys {
		e, n := 36500000+1000*float64(i), 3800000.0
		f := source.Feature{Values: []any{key, "0101", nil}, Polygons: [][][]geo.XY{{{{X: e, Y: n}, {X: e, Y: n + 9}, {X: e + 9, Y: n + 9}, {X: e + 9, Y: n}, {X: e, Y: n}}}}}
		if i == 1 {
			f.Values[2] = "水田"
		}
		if err := w.Write(&f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// codesAndKeys lists the codes and keys of what a report says of attributes.
func codesAndKeys(l *ingest.LayerReport) []string {
	var out []string
	for _, f := range l.Findings {
		out = append(out, f.Code+" "+f.Key)
	}
	for _, n := range l.Notes {
		out = append(out, n.Code+" "+n.Key)
	}
	slices.Sort(out)
	return out
}

// Attributes must be joined by key through the profile, in each encoding and with
// each separator; what the data have stays; keys that meet nothing and keys of several
// rows are listed, on both sides.
func TestAttributes(t *testing.T) {
	table := "\"BSM\",DLMC,TBMJ,GXSJ,备注一\r\n" +
		"k1,\"旱地,坡\",80.5,20241231,a\r\n" +
		"'k2,旱地,81,,\r\n" +
		"k3,x,1,,\r\nk3,y,2,,\r\n" +
		"k9,z,3,,\r\n6.10402E+17,z,3,,\r\n"
	gbk, err := simplifiedchinese.GBK.NewEncoder().String(table)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"UTF-8": table, "UTF-8 with a mark": "\uFEFF" + table, "GBK": gbk} {
		t.Run(name, func(t *testing.T) {
			csv := filepath.Join(t.TempDir(), "a.csv")
			if err := os.WriteFile(csv, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "features.db")
			layers, rep, err := ingest.Run(context.Background(), []ingest.Input{{Layer: "dltb", Vintage: "2024", Path: keyed(t, "k1", "k2", "k3", "k4")}}, path,
				ingest.Options{Attributes: []ingest.Attributes{{Layer: "dltb", Path: csv}}})
			if err != nil {
				t.Fatal(err)
			}
			want := []string{"ATTRIBUTES_DIFFER k2", "ATTRIBUTES_DOUBLE k3", "ATTRIBUTES_NONE k4", "ATTRIBUTES_UNMATCHED 6.10402E+17", "ATTRIBUTES_UNMATCHED k9"}
			if d := cmp.Diff(want, codesAndKeys(rep.Layers[0])); d != "" {
				t.Error(d)
			}
			if l := rep.Layers[0]; l.PatchM2 == nil || *l.PatchM2 != 161.5 || !slices.Contains(l.UnknownFields, "备注一") {
				t.Errorf("patch area %v, unknown fields %v", l.PatchM2, l.UnknownFields)
			}
			names := map[string]bool{}
			for _, f := range layers[0].Fields {
				names[f.Name] = f.Known
			}
			if !names["TBMJ"] || !names["DLMC"] || names["备注一"] {
				t.Errorf("fields %v", names)
			}
		})
	}
}

// A table that cannot be joined must fail the run with a reason.
func TestAttributesFaults(t *testing.T) {
	for _, c := range []struct{ name, layer, text, code string }{
		{"no key", "dltb", "A,B\n1,2\n", "ATTRIBUTES_KEY"},
		{"rows of another length", "dltb", "BSM,B\nk1,2,3\n", "ATTRIBUTES_CSV"},
		{"a quotation mark alone", "dltb", "BSM,B\nk1,\"2\n", "ATTRIBUTES_CSV"},
		{"nothing", "dltb", "", "ATTRIBUTES_CSV"},
		{"another layer", "hsf", "BSM,B\nk1,2\n", "ATTRIBUTES_LAYER"},
		{"no known encoding", "dltb", "BSM,B\nk1,\xff\xff\n", "TEXT_ENCODING"},
		{"a missing file", "dltb", "-", "ATTRIBUTES_FILE"},
	} {
		csv := filepath.Join(t.TempDir(), "a.csv")
		if c.text != "-" {
			if err := os.WriteFile(csv, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, _, err := ingest.Run(context.Background(), []ingest.Input{{Layer: "dltb", Vintage: "2024", Path: keyed(t, "k1")}}, filepath.Join(t.TempDir(), "features.db"),
			ingest.Options{Attributes: []ingest.Attributes{{Layer: c.layer, Path: csv}}})
		if p := problem.Of(err); p == nil || p.Code != c.code || p.File != csv {
			t.Errorf("%s: got %v, want %s", c.name, err, c.code)
		}
	}
}

// A row without a key, as one of totals, is joined to nothing: not to records without a
// key.
func TestAttributesWithoutKey(t *testing.T) {
	csv := filepath.Join(t.TempDir(), "a.csv")
	if err := os.WriteFile(csv, []byte("BSM,TBMJ\nk1,80.5\n,1234.5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, rep, err := ingest.Run(t.Context(), []ingest.Input{{Layer: "dltb", Vintage: "2024", Path: keyed(t, "k1", "", "")}}, filepath.Join(t.TempDir(), "features.db"),
		ingest.Options{Attributes: []ingest.Attributes{{Layer: "dltb", Path: csv}}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"ATTRIBUTES_NONE ", "ATTRIBUTES_NONE ", "ATTRIBUTES_UNMATCHED "}
	if d := cmp.Diff(want, codesAndKeys(rep.Layers[0])); d != "" {
		t.Error(d)
	}
	if l := rep.Layers[0]; l.PatchM2 == nil || *l.PatchM2 != 80.5 {
		t.Errorf("patch area %v, want 80.5", l.PatchM2)
	}
}
