package check_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/check"
)

// A file whose records all lie in one place has half as many overlaps as the square of
// their number: the search ends, says so and where, and the check goes on.
func TestStackedFeatures(t *testing.T) {
	const copies, most = 700, 200_000
	var features []string
	for i := range copies {
		features = append(features, fmt.Sprintf(`{"type":"Feature","properties":{"BSM":"61040221000000%04d"},"geometry":{"type":"Polygon","coordinates":`+
			`[[[108.64,34.34],[108.641,34.34],[108.641,34.341],[108.64,34.341],[108.64,34.34]]]}}`, i))
	}
	path := filepath.Join(t.TempDir(), "dltb.geojson")
	if err := os.WriteFile(path, []byte(`{"type":"FeatureCollection","features":[`+strings.Join(features, ",")+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	res, _, err := check.Run(t.Context(), []ingest.Input{{Layer: "dltb", Vintage: "2024", Path: path}}, ingest.Options{Tier: "secure"}, check.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range res.Rules {
		r := &res.Rules[i]
		if r.Check != "overlap" || r.Count == 0 {
			continue
		}
		if r.Count != most+1 {
			t.Errorf("rule %s has %d faults, want %d overlaps and the word that there are more", r.Number, r.Count, most)
		}
		if f := r.Faults[0]; f.Record == 0 || !strings.Contains(f.Problem.Text(problem.English), "more than 200000 overlaps") {
			t.Errorf("the first fault is %+v, want that the search ended, with its record", f)
		}
		return
	}
	t.Error("no overlap is told")
}
