package report_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/report"
)

// What the reading says of a file, and of features that it takes as they are, stands in
// the report in each of its forms, and is a warning.
func TestNotes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gd.geojson")
	const feature = `{"type":"Feature","properties":{"BSM":"610402210000000001","TBMJ":"多"},"geometry":{"type":"Polygon","coordinates":[[[108.5,34.5],[108.501,34.5],[108.501,34.501],[108.5,34.5]]]}}`
	text := `{"type":"FeatureCollection","features":[` + feature + `,` + strings.ReplaceAll(feature, "108.5", "108.6") + `]}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := report.Run(t.Context(), []ingest.Input{{Layer: "cropland", Vintage: "2024", Path: path}}, ingest.Options{Tier: "secure"}, report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(r.Layers[0].Notes); n == 0 || r.Summary.Notes != n {
		t.Errorf("the summary counts %d notes, the layer has %d", r.Summary.Notes, n)
	}
	var data, page, printed bytes.Buffer
	for _, err := range []error{r.JSON(&data), r.HTML(&page), r.Write(&printed, problem.Chinese)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for form, c := range map[string]struct {
		text string
		want []string
	}{
		"JSON": {data.String(), []string{`"CROPLAND_WHOLE"`, `"action": "noted"`, `"VALUE_TYPE"`}},
		"page": {page.String(), []string{"整个文件都算作耕地", "照原样收下并记录的要素", "原样保留"}},
		"text": {printed.String(), []string{"整个文件都算作耕地", "记录 VALUE_TYPE: " + path + ": 第 1 条记录 (610402210000000001)"}},
	} {
		for _, want := range c.want {
			if !strings.Contains(c.text, want) {
				t.Errorf("%s has no %q", form, want)
			}
		}
	}
	if r.Verdict == report.Pass {
		t.Error("notes are no warning")
	}
}
