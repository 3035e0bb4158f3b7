package edition_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/problem"
)

// Lists of a layer that are empty are written as empty lists: whoever reads a manifest
// may go through them.
func TestEmptyListsAreWritten(t *testing.T) {
	dir := t.TempDir()
	d := draft(t, dir, "one")
	defer d.Abort()
	m := manifest("one")
	m.Layers = []edition.Layer{{Name: "cropland", Vintage: "2024"}}
	if err := d.Commit(m, 1); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, m.Generation, edition.ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Layers []map[string]any }
	if err := json.Unmarshal(text, &got); err != nil || len(got.Layers) != 1 {
		t.Fatalf("%s: %v", text, err)
	}
	for _, name := range []string{"fields", "source"} {
		if list, ok := got.Layers[0][name].([]any); !ok || len(list) > 0 {
			t.Errorf("%s is written as %v", name, got.Layers[0][name])
		}
	}
}

// Whatever is read as a manifest is written as one that reads the same.
func FuzzParseManifest(f *testing.F) {
	v := 12.25
	m := manifest("one")
	m.Product, m.Format = edition.Product, edition.Format
	m.Layers = []edition.Layer{
		{Name: "cropland", Vintage: "2024", View: &edition.View{Of: "dltb", Field: "DLBM", Prefix: "01"}, Features: 2},
		{Name: "dltb", Vintage: "2024", Features: 3, NetM2: &v, Extent: &[4]float64{1, 2, 3, 4}, Fields: []edition.Field{{Name: "DLBM", Kind: edition.Text}}},
	}
	seed, err := json.Marshal(m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{"product":"gengtu","format":4,"tier":"public"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := edition.ParseManifest("m.json", data)
		if err != nil {
			if p := problem.Of(err); p == nil || p.File != "m.json" {
				t.Fatalf("not a problem with its place: %v", err)
			}
			return
		}
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		b, err := edition.ParseManifest("m.json", text)
		if err != nil {
			t.Fatalf("a manifest of our own does not read: %v", err)
		}
		again, err := json.Marshal(b)
		if err = errors.Join(err); err != nil || string(again) != string(text) {
			t.Fatalf("round trip differs: %s, %s (%v)", text, again, err)
		}
	})
}

func TestParseManifest(t *testing.T) {
	for name, c := range map[string]struct{ text, code string }{
		"empty":                {``, "MANIFEST_BROKEN"},
		"cut off":              {`{"product":"gengtu"`, "MANIFEST_BROKEN"},
		"text behind it":       {`{"product":"gengtu","format":4,"tier":"public"} x`, "MANIFEST_BROKEN"},
		"another product":      {`{"product":"x","format":4,"tier":"public"}`, "MANIFEST_FORMAT"},
		"a later format":       {`{"product":"gengtu","format":6,"tier":"public"}`, "MANIFEST_FORMAT"},
		"with patches":         {`{"product":"gengtu","format":5,"tier":"public","files":{"tiles.patch":"00"}}`, ""},
		"a file elsewhere":     {`{"product":"gengtu","format":5,"tier":"public","files":{"../tiles.db":"00"}}`, "MANIFEST_BROKEN"},
		"no tier":              {`{"product":"gengtu","format":4}`, "MANIFEST_FORMAT"},
		"a layer twice":        {layers(`{"name":"a","vintage":"1"},{"name":"a","vintage":"1"}`), "MANIFEST_BROKEN"},
		"a layer named all":    {layers(`{"name":"all","vintage":"1"}`), "MANIFEST_BROKEN"},
		"a layer with a slash": {layers(`{"name":"a/b","vintage":"1"}`), "MANIFEST_BROKEN"},
		"no vintage":           {layers(`{"name":"a"}`), "MANIFEST_BROKEN"},
		"a negative count":     {layers(`{"name":"a","vintage":"1","features":-1}`), "MANIFEST_BROKEN"},
		"a view of nothing":    {layers(`{"name":"a","vintage":"1","view":{"of":"b","field":"x"}}`), "MANIFEST_BROKEN"},
		"a view of itself":     {layers(`{"name":"a","vintage":"1","view":{"of":"a","field":"x"},"fields":[{"name":"x"}]}`), "MANIFEST_BROKEN"},
		"zooms the wrong way":  {`{"product":"gengtu","format":4,"tier":"public","built_zooms":[5,4]}`, "MANIFEST_BROKEN"},
		"whole":                {layers(`{"name":"a","vintage":"1"}`), ""},
	} {
		if _, err := edition.ParseManifest("m.json", []byte(c.text)); code(err) != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
	}
}

func layers(text string) string {
	return `{"product":"gengtu","format":4,"tier":"public","layers":[` + text + `]}`
}
