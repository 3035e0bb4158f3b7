package ingest_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/sample"
)

// Of all that a sample writes each file must be taken as the layer and, where a name says
// one, of the vintage that it was written as, or be left aside for a reason; and what was
// taken must go in.
func TestDeliveryOfSample(t *testing.T) {
	s, err := sample.Write(t.Context(), t.TempDir(), sample.Options{Parcels: 300, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	// What is no layer of its own to store, and why.
	aside := map[string]string{
		"dltbgx": "DELIVERY_UPDATE", "dltbgxgc": "DELIVERY_UPDATE", "xzqjx": "DELIVERY_LINES", "control-village": "DELIVERY_TABLE", "cropland": "DELIVERY_VIEW",
	}
	want := map[string]string{} // by path: the layer or the reason
	add := func(layer, path string) {
		want[path] = layer
		if why := aside[layer]; why != "" {
			want[path] = why
		}
	}
	for _, d := range s.Deliveries {
		for _, l := range d.Layers {
			add(l.Name, d.Vintage+"/"+l.File)
		}
	}
	for _, l := range s.Themes {
		add(l.Name, l.File)
	}
	d, err := ingest.FindDelivery(t.Context(), embedded(t), s.Dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, quarters := map[string]string{}, []string{}
	relative := func(path string) string {
		r, err := filepath.Rel(s.Dir, path)
		if err != nil {
			t.Fatal(err)
		}
		return filepath.ToSlash(r)
	}
	for _, x := range d.Taken {
		path := relative(x.Path)
		got[path] = x.Layer
		if x.Layer == "change" {
			quarters = append(quarters, x.Vintage)
		}
		if year, _, _ := strings.Cut(path, "/"); year == "2023" || year == "2024" {
			if x.Vintage != year {
				t.Errorf("%s is of the vintage %q", path, x.Vintage)
			}
		} else if strings.HasPrefix(year, "示例省") && x.Vintage != "2024" {
			t.Errorf("%s of the yearly survey is of the vintage %q", path, x.Vintage)
		}
	}
	for _, x := range d.Aside {
		got[relative(x.Path)] = x.Problem.Code
		if x.Problem.Code == "DELIVERY_UPDATE" && !strings.Contains(x.Problem.Advice(problem.English), "gengtu update --package") {
			t.Errorf("%s: %v", x.Path, x.Problem)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if !slices.Equal(quarters, []string{"2024Q1", "2024Q2", "2024Q3", "2024Q4"}) || d.Others != 1 {
		t.Errorf("monitoring of %v, %d others", quarters, d.Others)
	}
	_, rep, err := ingest.Run(t.Context(), d.Inputs(""), filepath.Join(t.TempDir(), "features.db"), ingest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range rep.Layers {
		if l.Refused > 0 || l.Kept == 0 && l.Read > 0 || len(l.UnknownFields) > 0 {
			t.Errorf("%s@%s: read %d, kept %d, refused %d, unknown %v", l.Layer, l.Vintage, l.Read, l.Kept, l.Refused, l.UnknownFields)
		}
	}
}
