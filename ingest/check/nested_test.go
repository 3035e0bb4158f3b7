package check_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gengtu/ingest"
	"gengtu/ingest/check"
)

// A thin gap all round a patch has less ground than a gap inside that patch. What lies
// in the inner one is a hole of that one, and not of the thin one.
func TestGapInsideThinGap(t *testing.T) {
	const x, y = 1 / 92_000.0, 1 / 110_900.0 // about a metre, in degrees
	square := func(half float64) string {
		var p []string
		for _, c := range [][2]float64{{-1, -1}, {1, -1}, {1, 1}, {-1, 1}, {-1, -1}} {
			p = append(p, fmt.Sprintf("[%.10f,%.10f]", 108.64+c[0]*half*x, 34.34+c[1]*half*y))
		}
		return "[" + strings.Join(p, ",") + "]"
	}
	var features []string
	for i, rings := range []string{
		square(60) + "," + square(50.05), // round the thin gap of 20 m²
		square(50) + "," + square(3.5),   // with a gap of 49 m² in its middle,
		square(1.5),                      // and 9 m² in that
	} {
		features = append(features, fmt.Sprintf(`{"type":"Feature","properties":{"BSM":"6104022100000000%02d"},"geometry":{"type":"Polygon","coordinates":[%s]}}`, i, rings))
	}
	path := filepath.Join(t.TempDir(), "dltb.geojson")
	if err := os.WriteFile(path, []byte(`{"type":"FeatureCollection","features":[`+strings.Join(features, ",")+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	res, _, err := check.Run(t.Context(), []ingest.Input{{Layer: "dltb", Vintage: "2024", Path: path}}, ingest.Options{Tier: "secure"}, check.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []float64
	for i := range res.Rules {
		if r := &res.Rules[i]; r.Check == "gap" {
			for k := range r.Faults {
				got = append(got, r.Faults[k].AreaM2)
			}
		}
	}
	slices.Sort(got)
	if len(got) != 2 || math.Abs(got[0]-20) > 0.5 || math.Abs(got[1]-40) > 0.5 {
		t.Errorf("gaps of %.2f m², want 20 and 40", got)
	}
}
