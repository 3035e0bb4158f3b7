package ingest_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/edition"
	"gengtu/ingest"
)

// noted returns the codes of a layer's notes.
func noted(l *ingest.LayerReport) []string {
	var out []string
	for _, n := range l.Notes {
		out = append(out, n.Code)
	}
	return out
}

func fieldNames(l *edition.Layer) []string {
	var out []string
	for _, f := range l.Fields {
		out = append(out, f.Name)
	}
	return out
}

// What an export adds to the fields is no part of a layer that is made of one, so
// that it can be exported again; a field of the deliverer's own that has such a name
// stays.
func TestOwnFields(t *testing.T) {
	values := func(more map[string]any) map[string]any {
		out := map[string]any{"BSM": "610402211000000001", "DLBM": "0101"}
		for k, v := range more {
			out[k] = v
		}
		return out
	}
	plain := mustTake(t, "dltb="+deliver(t, "x.geojson", record{at(0, 0, 0.001), values(nil)}))
	again := mustTake(t, "dltb="+deliver(t, "x.geojson", record{at(0, 0, 0.001), values(map[string]any{"gengtu_id": 7, "area_m2": 1.5})}))
	if again.hash != plain.hash {
		t.Errorf("an export gives the fields %q, want %q", fieldNames(&again.layers[0]), fieldNames(&plain.layers[0]))
	}
	l := layer(t, again.report, "dltb")
	if len(l.UnknownFields) > 0 || !slices.Contains(noted(l), "OWN_FIELDS") {
		t.Errorf("unknown fields %q, notes %q", l.UnknownFields, noted(l))
	}
	other := mustTake(t, "wells="+deliver(t, "x.geojson", record{at(0, 0, 0.001), values(map[string]any{"area_m2": 1.5})}))
	if diff := cmp.Diff([]string{"BSM", "DLBM", "area_m2"}, fieldNames(&other.layers[0])); diff != "" {
		t.Error(diff)
	}
	if l := layer(t, other.report, "wells"); slices.Contains(noted(l), "OWN_FIELDS") {
		t.Error("a field of the deliverer's is said to be ours")
	}
}
