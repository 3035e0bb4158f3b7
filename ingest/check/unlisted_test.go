package check_test

import (
	"path/filepath"
	"testing"

	"gengtu/ingest"
	"gengtu/ingest/check"
	"gengtu/ingest/sample"
)

// Faults beyond the listed are told, so that the two are all, up to the limit.
func TestUnlisted(t *testing.T) {
	dir := t.TempDir()
	if _, err := sample.Write(t.Context(), dir, sample.Options{Parcels: 400, Seed: 7}); err != nil {
		t.Fatal(err)
	}
	inputs := []ingest.Input{
		{Layer: "pbf", Vintage: "2024", Path: filepath.Join(dir, "2024", "YJJBNTTB.gpkg")},
		{Layer: "dltb", Vintage: "2024", Path: filepath.Join(dir, "2024", "YJJBNTTB.gpkg")}, // not its layer: its values are faults
	}
	for _, most := range []int{3, 1 << 20} {
		told := map[string]int{}
		res, _, err := check.Run(t.Context(), inputs, ingest.Options{}, check.Options{
			Listed: 2, UnlistedMost: most,
			Unlisted: func(f *check.Fault) error { told[f.Rule]++; return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		some := false
		for _, r := range res.Rules {
			want := min(r.Count-len(r.Faults), most)
			if told[r.Number] != want || len(r.Faults) > 2 {
				t.Errorf("%s: %d listed, %d told of %d", r.Number, len(r.Faults), told[r.Number], r.Count)
			}
			some = some || want > 1
		}
		if !some {
			t.Error("no rule has faults enough")
		}
	}
}
