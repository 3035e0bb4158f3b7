package compare_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"gengtu/index/compare"
	"gengtu/index/compare/comparetest"
	"gengtu/index/problem"
)

// Every form holds all changes, and says the same.
func TestWrite(t *testing.T) {
	land := comparetest.New(5, 16)
	from, to := layers(t, land)
	r, err := compare.Layers(t.Context(), from, to, compare.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out := func(f compare.Form) []byte {
		var b bytes.Buffer
		if err := r.Write(t.Context(), &b, f, compare.Whole); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	var doc struct {
		Counts  compare.Counts
		Changes []struct {
			Change string
			ID     uint64
		}
	}
	if err := json.Unmarshal(out(compare.JSON), &doc); err != nil {
		t.Fatal(err)
	}
	var features struct{ Features []struct{ ID uint64 } }
	if err := json.Unmarshal(out(compare.GeoJSON), &features); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(out(compare.CSV))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(r.Changes); n == 0 || len(doc.Changes) != n || len(features.Features) != n || len(rows) != n+1 {
		t.Errorf("%d changes: JSON has %d, GeoJSON %d, CSV %d", n, len(doc.Changes), len(features.Features), len(rows)-1)
	}
	if doc.Counts != r.Counts {
		t.Errorf("counts %+v, want %+v", doc.Counts, r.Counts)
	}
	if !bytes.HasPrefix(out(compare.XLSX), []byte("PK")) {
		t.Error("the workbook is none")
	}
	var b bytes.Buffer
	if err := r.Write(t.Context(), &b, compare.JSON, compare.SumsOnly); err != nil || strings.Contains(b.String(), `"changes"`) {
		t.Errorf("sums alone: %v, %s", err, &b)
	}
	for _, f := range []compare.Form{compare.CSV, compare.GeoJSON, compare.XLSX} {
		if err := r.Write(t.Context(), &b, f, compare.SumsOnly); problem.Of(err) == nil || problem.Of(err).Code != "POLICY" {
			t.Errorf("%s without a list: %v", f, err)
		}
	}
	broken := errors.New("broken")
	if err := r.Write(t.Context(), brokenWriter{broken}, compare.JSON, compare.Whole); !errors.Is(err, broken) {
		t.Errorf("a writer that breaks: %v", err)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

// What a delivery says is text in every table: no spreadsheet runs it as a formula.
func TestTablesAreText(t *testing.T) {
	land := comparetest.New(5, 8)
	to := slices.Clone(land.To)
	for i := range to {
		to[i].TBBH, to[i].DLBM = "=1+1", "@SUM(1)"
	}
	ix := comparetest.Open(t, comparetest.StateOf(t, land.From, "2024", idOf), comparetest.StateOf(t, to, "2025", idOf))
	r, err := compare.Layers(t.Context(), ix.Layer("dltb", "2024"), ix.Layer("dltb", "2025"), compare.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []compare.Form{compare.CSV, compare.Flows} {
		var b bytes.Buffer
		if err := r.Write(t.Context(), &b, form, compare.Whole); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&b).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		told := false
		for _, row := range rows {
			for _, cell := range row {
				told = told || strings.HasPrefix(cell, "'=") || strings.HasPrefix(cell, "'@")
				if cell != "" && strings.ContainsRune("=@", rune(cell[0])) {
					t.Fatalf("%s: the cell %q is a formula", form, cell)
				}
			}
		}
		if !told {
			t.Errorf("%s: what the delivery says is not told", form)
		}
	}
}
