package exchange_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest/exchange"
)

// Ensure: a subscription to what the edition does not have is refused with its line before
// anything is sent, whether it begins now or with the whole.
func TestSubscriptionsFitTheEdition(t *testing.T) {
	signer, _ := keys(t)
	dir := t.TempDir()
	plots{1: {"0101", "610402001"}}.commit(t, dir, 3)
	for text, want := range map[string]string{
		"  - {name: a, layer: cropland}\n":                                                "",
		"  - {name: a, layer: cropland, place: '610402'}\n":                               "",
		"  - {name: a, layer: cropland, place: '610402002'}\n":                            "", // a region without a feature
		"  - {name: a, question: [cropland], place: '610402001'}\n":                       "",
		"  - {name: a, layer: cropland}\n  - {name: b, layer: hsf}\n":                     "line 3: the layer \"hsf\" of b is not in this government edition",
		"  - {name: a, layer: nosuch, begin: whole}\n":                                    "line 2: the layer \"nosuch\"",
		"  - {name: a, layer: cropland, place: '999999'}\n":                               "line 2: no feature lies in the place 999999",
		"  - {name: a, question: [nosuch], place: '610402001'}\n":                         "line 2: the layer \"nosuch\"",
		"  - {name: a, question: [cropland], place: '999999'}\n":                          "line 2: the question of a cannot be asked",
		"  - {name: a, question: [cropland, nosuch], place: '610402001', begin: whole}\n": "line 2: the layer \"nosuch\"",
	} {
		subs, err := exchange.ParseSubscriptions("s.yaml", []byte("subscriptions:\n"+text), edition.Government)
		if err != nil {
			t.Fatal(err)
		}
		fresh := filepath.Join(t.TempDir(), "e")
		if err := os.CopyFS(fresh, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		out := t.TempDir()
		push := &exchange.Push{Edition: fresh, Signer: signer, Outbox: out, Now: time.Now(), Subscriptions: subs}
		_, err = push.Run(t.Context())
		switch p := problem.Of(err); {
		case want == "" && err != nil, want != "" && (p == nil || p.Code != "SUBSCRIPTIONS_FILE" || !strings.Contains(p.Found(problem.English), want)):
			t.Errorf("%s: %v", text, err)
		}
		if sent, err := os.ReadDir(out); err != nil || len(sent) != 0 {
			t.Errorf("%s: %d were sent, %v", text, len(sent), err)
		}
	}
}

// Ensure: whoever subscribes to a layer that goes is told of what was deleted, and
// later that the layer is gone, with the line.
func TestLayerGoes(t *testing.T) {
	signer, _ := keys(t)
	dir, out := filepath.Join(t.TempDir(), "e"), t.TempDir()
	plots{1: {"0101", "610402001"}}.commit(t, dir, 2)
	subs, err := exchange.ParseSubscriptions("s.yaml", []byte("subscriptions:\n  - {name: kept, layer: cropland}\n"), edition.Government)
	if err != nil {
		t.Fatal(err)
	}
	push := &exchange.Push{Edition: dir, Signer: signer, Outbox: out, Now: time.Now(), Subscriptions: subs}
	if _, err := push.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"made", "line 2: the layer \"cropland\" of kept is not in this"} {
		alone(t, dir, fmt.Sprint("region of ", i))
		all, err := push.Run(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		switch p := all[0].Problem; {
		case i == 0 && (p != nil || all[0].Delivered != 1), i > 0 && (p == nil || !strings.Contains(p.Found(problem.English), want)):
			t.Errorf("round %d: %+v", i, all[0])
		}
	}
	files, err := filepath.Glob(filepath.Join(out, "*.gtc"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if data, err := os.ReadFile(files[0]); err != nil || strings.Count(string(data), `{"op":"delete","layer":"cropland"`) != 1 {
		t.Errorf("%s %v", data, err)
	}
}

// alone makes a generation whose one layer is a region of that name.
func alone(t *testing.T, dir, name string) {
	t.Helper()
	d, err := edition.Begin(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Abort()
	w := index.NewWriter(d.File(edition.FeaturesFile))
	l := w.Layer(edition.Layer{Name: "region", Vintage: "2024", Fields: []edition.Field{{Name: "XZQMC", Kind: edition.Text}}})
	from := geo.Position{Lon: 108_7000000000, Lat: 34_3000000000}
	box := geo.Box{Min: from, Max: geo.Position{Lon: from.Lon + 1e7, Lat: from.Lat + 1e7}}
	f := index.Feature{ID: 1, Geometry: geo.MultiPolygon{box.Polygon()}, AreaM2: geo.CellArea(box.Min.LonLat(), box.Max.LonLat()), Patch: index.NoArea, Net: index.NoArea, Place: "610402001", Values: []any{name}}
	if err := l.Add(&f); err != nil {
		t.Fatal(err)
	}
	m := &edition.Manifest{Tier: edition.Government, Policy: edition.Policy{Name: "t", Digest: "d", Pieces: true}, MaxZoom: 14}
	if m.Layers, err = w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := index.Seal(t.Context(), d.File(edition.FeaturesFile)); err != nil {
		t.Fatal(err)
	}
	if m.ContentHash, err = index.ContentDigest(d.File(edition.FeaturesFile)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.File(edition.TilesFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Commit(m, 2); err != nil {
		t.Fatal(err)
	}
}

// Ensure: answers in messages say which program gave them.
func TestAnswersNameTheProgram(t *testing.T) {
	signer, _ := keys(t)
	dir, out := t.TempDir(), t.TempDir()
	plots{1: {"0101", "610402001"}}.commit(t, dir, 3)
	push := &exchange.Push{Edition: dir, Signer: signer, Outbox: out, Now: time.Now(), Program: "gengtu 1.2", Subscriptions: []exchange.Subscription{
		{Name: "a", Question: []string{"cropland"}, Place: "610402001", To: "outbox", Begin: "whole"},
	}}
	if _, err := push.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(out, "*.gtc"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if data, err := os.ReadFile(files[0]); err != nil || !strings.Contains(string(data), `"program":"gengtu 1.2"`) {
		t.Errorf("%s %v", data, err)
	}
}
