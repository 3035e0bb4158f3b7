package compare_test

import (
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/compare"
	"gengtu/index/edition"
	"gengtu/index/problem"
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
			got, err := compare.DefaultLayer(from, to)
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("got %q (%v), want %q", got, err, tt.want)
			}
		})
	}
}

// Of two that have no layer in common both lists are told, in both languages.
func TestDefaultLayerNone(t *testing.T) {
	for _, tt := range []struct{ from, to, zh, en string }{
		{"hsf@2023 hsf@2024 region@2024", "pbf@2024", "两者没有共同的图层；前者有：hsf region；后者有：pbf [NO_LAYER]", "the two hold no layer in common; the first holds: hsf region; the second holds: pbf [NO_LAYER]"},
		{"", "pbf@2024", "两者没有共同的图层；前者有：—；后者有：pbf [NO_LAYER]", "the two hold no layer in common; the first holds: —; the second holds: pbf [NO_LAYER]"},
	} {
		_, err := compare.DefaultLayer(held("g1", tt.from), held("g2", tt.to))
		p := problem.Of(err)
		if p == nil || p.Text(problem.Chinese) != tt.zh || p.Text(problem.English) != tt.en {
			t.Errorf("%q and %q: %v", tt.from, tt.to, err)
		}
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
