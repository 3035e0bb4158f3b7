package compare_test

import (
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/compare"
	"gengtu/index/edition"
)

// The command and the server compare the same layer when none is named.
func TestDefaultLayer(t *testing.T) {
	for _, tt := range []struct{ name, from, to, want string }{
		{"land survey patches first", "hsf@2023 hsf@2024 cropland@2023 cropland@2024 dltb@2023 dltb@2024", "", "dltb"},
		{"cropland before others", "hsf@2023 hsf@2024 cropland@2023 cropland@2024", "", "cropland"},
		{"the first other", "pbf@2024 hsf@2023 hsf@2024", "", "hsf"},
		{"vintages of one generation, dltb has one", "dltb@2024 cropland@2023 cropland@2024", "", "cropland"},
		{"one vintage of each", "cropland@2024 dltb@2024", "", "dltb"},
		{"two generations, one vintage each", "cropland@2024 dltb@2024", "cropland@2024 dltb@2024", "dltb"},
		{"two generations, dltb has one vintage", "cropland@2023 cropland@2024 dltb@2024", "cropland@2023 cropland@2024 dltb@2024", "dltb"},
		{"what one of two does not hold", "dltb@2024 cropland@2024", "cropland@2024", "cropland"},
		{"what the other of two does not hold", "hsf@2024", "dltb@2024 cropland@2024 hsf@2024", "hsf"},
		{"nothing in common", "hsf@2024", "pbf@2024", ""},
		{"no layers", "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			from := held("g1", tt.from)
			to := from
			if tt.to != "" {
				to = held("g2", tt.to)
			}
			if got := compare.DefaultLayer(from, to); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// held is an index whose manifest lists layers, NAME@VINTAGE each.
func held(generation, layers string) *index.Index {
	m := &edition.Manifest{Generation: generation}
	for _, l := range strings.Fields(layers) {
		if name, vintage, ok := strings.Cut(l, "@"); ok {
			m.Layers = append(m.Layers, edition.Layer{Name: name, Vintage: vintage})
		}
	}
	return &index.Index{Manifest: m}
}
