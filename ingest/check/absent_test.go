package check_test

import (
	"os"
	"path/filepath"
	"testing"

	"gengtu/ingest"
	"gengtu/ingest/check"
)

// A delivery without KCMJ has its net area by KCXS, one without both has none to be held
// against; a field that is not there is told once, with how many patches need it.
func TestAbsentFields(t *testing.T) {
	const shape = `"geometry":{"type":"Polygon","coordinates":[[[108.5,34.5],[108.501,34.5],[108.501,34.501],[108.5,34.501],[108.5,34.5]]]}`
	faults := func(layer, properties string) map[string][]check.Fault {
		path := filepath.Join(t.TempDir(), "a.geojson")
		text := `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"BSM":"610402210000000001",` + properties + `},` + shape + `}]}`
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return judge(t, []ingest.Input{{Layer: layer, Vintage: "2024", Path: path}}, check.Options{})
	}
	for name, c := range map[string]struct {
		properties string
		wrong      int
	}{
		"by the ratio":      {`"YJJBNTTBMJ":4528.8,"KCXS":0.07,"YJJBNTMJ":4211.78`, 0},
		"not by the ratio":  {`"YJJBNTTBMJ":4528.8,"KCXS":0.07,"YJJBNTMJ":4211.76`, 1},
		"nothing is told":   {`"YJJBNTTBMJ":4528.8,"YJJBNTMJ":4211.78`, 0},
		"by what is stated": {`"YJJBNTTBMJ":4528.8,"KCMJ":300,"YJJBNTMJ":4228.8`, 0},
		"not as is stated":  {`"YJJBNTTBMJ":4528.8,"KCMJ":300,"YJJBNTMJ":4211.78`, 1},
	} {
		if got := faults("pbf", c.properties)["3204"]; len(got) != c.wrong {
			t.Errorf("%s: %d faults of net areas, want %d", name, len(got), c.wrong)
		}
	}
	got := faults("dltb", `"DLBM":"0103","GDPDJB":"3"`)
	for _, f := range got["3106"] {
		if f.Problem.Found("en") == "a required field is empty: GDLX" {
			t.Error("a field that is not there is told patch by patch")
		}
	}
	told := false
	for _, f := range got["G2301"] {
		told = told || f.Problem.Found("en") == "a required field is missing: GDLX (× 1)"
	}
	if !told {
		t.Errorf("the field GDLX is not told to be missing: %v", got["G2301"])
	}
}
