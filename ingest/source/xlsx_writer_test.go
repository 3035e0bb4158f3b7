package source_test

import (
	"encoding/csv"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// A workbook holds for GDAL what was written: codes with their zeros, numbers to the
// last digit, whole numbers beyond what a spreadsheet keeps and ids as text,
// nothing where there is nothing, and no text that is a formula.
func TestXLSX(t *testing.T) {
	l := &source.Layer{Table: "cropland:2024/a name that is far too long for a sheet", Count: -1, Fields: []source.Field{
		{Name: "BSM", Kind: source.Text, Width: 18}, {Name: "名称", Kind: source.Text}, {Name: "TBMJ", Kind: source.Real}, {Name: "N", Kind: source.Integer},
		{Name: "OK", Kind: source.Bool}, {Name: "gengtu_id", Kind: source.Integer},
	}}
	rows := [][]any{
		{"001122334455667788", "一号 <&\"'> 地块\n二行", 1.0 / 3, int64(-7), true, int64(12)},
		{"=1+1", "a\x01b", 1e21, int64(123456789012345678), false, int64(1) << 52},
		{nil, nil, nil, nil, nil, int64(3)},
	}
	features := make([]source.Feature, len(rows))
	for i := range rows {
		features[i].Values = rows[i]
	}
	path := write(t, "a.xlsx", l, features, source.WriteOptions{})
	out, err := exec.Command("ogr2ogr", "-f", "CSV", "/vsistdout/", path).Output()
	if err != nil {
		t.Fatal("gdal-bin is needed: ", err)
	}
	got, err := csv.NewReader(strings.NewReader(string(out))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"BSM", "名称", "TBMJ", "N", "OK", "gengtu_id"},
		{"001122334455667788", "一号 <&\"'> 地块\n二行", "0.333333333333333", "-7", "1", "12"},
		{"=1+1", "a\uFFFDb", "1e+21", "123456789012345678", "0", "4503599627370496"},
		{"", "", "", "", "", "3"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	info, err := exec.Command("ogrinfo", "-so", path).Output()
	if err != nil || !strings.Contains(string(info), "1: cropland_2024_a name that is fa (None)\n") {
		t.Errorf("the sheet is %s, %v", info, err)
	}
}

// What a workbook cannot hold is told: texts that were changed, numbers that are
// none, and more features than a sheet has rows, before and while they are written.
func TestXLSXLimits(t *testing.T) {
	dir := t.TempDir()
	l := &source.Layer{Table: "t", Count: -1, Fields: []source.Field{{Name: "A", Kind: source.Text}, {Name: "B", Kind: source.Real}}}
	w, err := source.Create(filepath.Join(dir, "a.xlsx"), l, source.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{strings.Repeat("田", 32767), strings.Repeat("田", 32768), "a\x00", "fine", "\xEF\xBF", "\uFFFD", strings.Repeat("𠀀", 16384)} {
		if err := w.Write(&source.Feature{Values: []any{text, 1.5}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil || len(w.Notes()) != 1 || w.Notes()[0].Code != "EXPORT_TEXT" || !strings.Contains(w.Notes()[0].Found(problem.English), "4 texts") {
		t.Errorf("the notes are %v, %v", w.Notes(), err)
	}

	code := func(err error) string {
		if p := problem.Of(err); p != nil {
			return p.Code
		}
		return ""
	}
	if w, err = source.Create(filepath.Join(dir, "b.xlsx"), l, source.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := w.Write(&source.Feature{Values: []any{"", math.NaN()}}); code(err) != "EXPORT_VALUE" {
		t.Errorf("NaN gives %v", err)
	}
	if err := w.Abort(); err != nil {
		t.Error(err)
	}

	l.Count = 1 << 20
	if _, err := source.Create(filepath.Join(dir, "c.xlsx"), l, source.WriteOptions{}); code(err) != "EXPORT_LIMIT" {
		t.Errorf("%d features give %v", l.Count, err)
	}
	l.Count = -1
	if w, err = source.Create(filepath.Join(dir, "d.xlsx"), l, source.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	f := &source.Feature{Values: []any{"a"}}
	for i := range 1<<20 - 1 {
		if err := w.Write(f); err != nil {
			t.Fatalf("feature %d: %v", i, err)
		}
	}
	if err := w.Write(f); code(err) != "EXPORT_LIMIT" {
		t.Errorf("a row too many gives %v", err)
	}
	if err := w.Abort(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("%v are there, %v", left, err)
	}
}
