package source_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// A CSV is read in whatever encoding and with whatever separator it comes.
func TestOpenTable(t *testing.T) {
	want := [][]any{{"1", "水田"}, {"2", nil}}
	for name, text := range map[string]string{
		"UTF-8":      "\uFEFFBSM,DLMC\r\n1,水田\r\n2,\r\n",
		"semicolons": "BSM;DLMC\n1;水田\n2;\n",
		"tabs":       "BSM\tDLMC\n1\t\"水田\"\n2\t\n",
		"GBK":        "BSM,DLMC\n1,\xcb\xae\xcc\xef\n2,\n",
	} {
		path := put(t, []string{"x.csv"}, []byte(text))
		if d := cmp.Diff(want, tableRows(t, path)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	path := put(t, []string{"x.csv"}, []byte("A,B\n1\n"))
	r, err := source.OpenTable(t.Context(), path, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var f source.Feature
	if p := problem.Of(r.Next(&f)); p == nil || p.Code != "CSV_READ" || p.File != path {
		t.Errorf("a row that is short: %v", p)
	}
}

// Rows of commas are refused before each becomes a value, those with commas inside of
// quotation marks are not.
func TestOpenTableTooWide(t *testing.T) {
	for name, row := range map[string]struct {
		text string
		line int // 0: it is read
	}{
		"names":        {strings.Repeat(",", 4096) + "\n", 1},
		"as many":      {strings.Repeat(",", 4095) + "\n", 0},
		"values":       {"A,B\n1,2\n" + strings.Repeat(",", 5000) + "\n", 3},
		"over lines":   {"A,B\n" + strings.Repeat("\"\n\",", 5000) + "\n", 2},
		"inside texts": {"A,B\n\"" + strings.Repeat(",", 5000) + "\",2\n", 0},
	} {
		path := put(t, []string{"x.csv"}, []byte(row.text))
		r, err := source.OpenTable(t.Context(), path, source.Options{})
		p := problem.Of(err)
		switch {
		case row.line == 0 && err != nil:
			t.Errorf("%s: %v", name, err)
		case row.line > 0 && (p == nil || p.Code != "CSV_FIELDS" || !strings.Contains(p.Found(problem.English), fmt.Sprintf("line %d ", row.line))):
			t.Errorf("%s: %v, want CSV_FIELDS at line %d", name, err, row.line)
		}
		if err == nil {
			_ = r.Close()
		}
	}
}

// tableRows returns the values of a table.
func tableRows(t *testing.T, path string) [][]any {
	t.Helper()
	r, err := source.OpenTable(t.Context(), path, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if !r.Layer().NoGeometry {
		t.Error("a table has geometry")
	}
	var out [][]any
	for {
		var f source.Feature
		err := r.Next(&f)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f.Values)
	}
}

func FuzzTable(f *testing.F) {
	f.Add([]byte("BSM,DLMC\n1,a\n"), true)
	f.Add([]byte{3, 124, 1, 1, 0, 0, 0, 0, 65, 0, 12, 0}, false)
	f.Fuzz(func(t *testing.T, text []byte, asCSV bool) {
		path := filepath.Join(t.TempDir(), "x.dbf")
		if asCSV {
			path = filepath.Join(filepath.Dir(path), "x.csv")
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := source.OpenTable(t.Context(), path, source.Options{})
		for err == nil {
			var f source.Feature
			if err = r.Next(&f); err == nil && len(f.Values) != len(r.Layer().Fields) {
				t.Errorf("%d values of %d fields", len(f.Values), len(r.Layer().Fields))
			}
		}
		if !errors.Is(err, io.EOF) && problem.Of(err) == nil {
			t.Errorf("%v is no problem for a person", err)
		}
		if r != nil {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}
