package policy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/indextest"
	"gengtu/index/overlay"
	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/policy"
)

var key = bytes.Repeat([]byte{7}, 32)

func code(err error) string {
	if p := problem.Of(err); p != nil {
		return p.Code
	}
	return fmt.Sprint(err)
}

// edited is an index with the directory it lies in.
type edited struct {
	*index.Index
	path string
}

func open(t *testing.T, dir string, m *edition.Manifest) edited {
	t.Helper()
	return edited{indextest.Open(t, dir, m), filepath.Join(dir, edition.FeaturesFile)}
}

// delivery ingests the county's delivery.
func delivery(t *testing.T) edited {
	t.Helper()
	dir := t.TempDir()
	var in []ingest.Input
	for layer, file := range map[string]string{"dltb": "DLTB.shp", "pbf": "YJJBNTTB.gpkg", "hsf": "GBZNT.geojson", "region": "XZQ.fgb"} {
		path := filepath.Join("..", "..", "..", "shared", "data", "delivery", "2024", file)
		in = append(in, ingest.Input{Layer: layer, Vintage: "2024", Path: path})
	}
	layers, _, err := ingest.Run(t.Context(), in, filepath.Join(dir, edition.FeaturesFile), ingest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return open(t, dir, &edition.Manifest{Tier: edition.Secure, Layers: layers, BuiltZooms: [2]int{5, 16}, MaxZoom: 18})
}

// made returns a secure edition of one layer.
func made(t *testing.T, meta edition.Layer, features ...index.Feature) edited {
	t.Helper()
	dir := t.TempDir()
	w := index.NewWriter(filepath.Join(dir, edition.FeaturesFile))
	l := w.Layer(meta)
	for i := range features {
		f := &features[i]
		if f.ID == 0 {
			f.ID = uint64(i + 1)
		}
		f.AreaM2 = geo.Area(f.Geometry)
		if err := l.Add(f); err != nil {
			t.Fatal(err)
		}
	}
	layers, err := w.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return open(t, dir, &edition.Manifest{Tier: edition.Secure, Layers: layers, BuiltZooms: [2]int{5, 14}, MaxZoom: 18})
}

// derive publishes by a policy's text; "" is the embedded one.
func derive(t *testing.T, from edited, text string, to edition.Tier) (edited, *policy.Register) {
	t.Helper()
	dir := t.TempDir()
	m, reg, err := policy.Derive(t.Context(), from.Index, parse(t, text), to, key, index.NewWriter(filepath.Join(dir, edition.FeaturesFile)))
	if err != nil {
		t.Fatal(err)
	}
	return open(t, dir, m), reg
}

func parse(t *testing.T, text string) *policy.Policy {
	t.Helper()
	if text == "" {
		text = string(policy.DefaultText())
	}
	p, err := policy.Parse("p.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// rules is a policy of one tier with those layers.
func rules(tier string, gridM float64, layers string) string {
	ground := fmt.Sprint("grid_m: ", gridM)
	if gridM == 0 {
		ground = "as_surveyed: true"
	}
	return fmt.Sprintf("name: test\ntiers:\n  %s:\n    %s\n    max_zoom: 14\n    place_digits: 9\n    layers: %s\n", tier, ground, layers)
}

func hashOf(t *testing.T, e edited) string {
	t.Helper()
	return indextest.ContentHash(t, e.path)
}

func fields(l *index.Layer) string {
	var out []string
	for _, f := range l.Meta.Fields {
		out = append(out, f.Name)
	}
	return strings.Join(out, " ")
}

// features reads a layer whole.
func features(t *testing.T, l *index.Layer) []index.Feature {
	t.Helper()
	var out []index.Feature
	for i := range l.Len() {
		f, err := l.Feature(i)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

// The public edition of the county holds no field, position, name or id that the
// policy does not let through, and its geometry is sound: valid, on the grid,
// without overlaps, of the right area.
func TestPublicDelivery(t *testing.T) {
	from := delivery(t)
	to, reg := derive(t, from, "", edition.Public)
	if got := to.Names(); fmt.Sprint(got) != "[cropland pbf hsf region]" || fmt.Sprint(reg.Withheld) != "[dltb@2024]" {
		t.Errorf("layers %v, withheld %v", got, reg.Withheld)
	}
	for name, want := range map[string]string{"cropland": "", "pbf": "YJJBNTTBBH YJJBNTMJ", "hsf": "XMMC JCND", "region": "XZQDM XZQMC"} {
		if got := fields(to.Layer(name, "")); got != want {
			t.Errorf("%s has the fields %q, want %q", name, got, want)
		}
	}
	g := to.Manifest.Policy
	if g.GridLat < 2240000 || g.GridLon < 2680000 || g.GridM != 25 || to.Manifest.MaxZoom != 14 || to.Manifest.BuiltZooms != [2]int{5, 14} {
		t.Errorf("policy %+v, zooms %v to %d", g, to.Manifest.BuiltZooms, to.Manifest.MaxZoom)
	}
	higher := map[uint64]bool{}
	for _, name := range from.Names() {
		l := from.Layer(name, "")
		for i := range l.Len() {
			higher[l.Head(i).ID] = true
		}
	}
	for i := range to.Manifest.Layers {
		l := to.Layer(to.Manifest.Layers[i].Name, "")
		if l.Meta.Source != nil || l.Meta.PatchM2 != nil {
			t.Errorf("%s names sources %v or patch areas %v", l.Meta.Name, l.Meta.Source, l.Meta.PatchM2)
		}
		before, _ := ground(t, from.Layer(l.Meta.Name, ""))
		after, gross := ground(t, l)
		t.Logf("%s: ground %.0f m² → %.0f (%+.4f %%)", l.Meta.Name, before, after, 100*(after/before-1))
		if math.Abs(after/before-1) > 1e-3 {
			t.Errorf("%s: the ground is %.2f m², was %.2f", l.Meta.Name, after, before)
		}
		if math.Abs(gross-after) > 1e-6*after {
			t.Errorf("%s: features overlap by %.4f m²", l.Meta.Name, gross-after)
		}
		for _, f := range features(t, l) {
			if _, found, err := overlay.Mend(f.Geometry); err != nil || len(found) > 0 {
				t.Fatalf("%s %d: %v, %v", l.Meta.Name, f.ID, found, err)
			}
			if math.Abs(f.AreaM2-geo.Area(f.Geometry)) > 1e-6 {
				t.Fatalf("%s %d: area %v stored", l.Meta.Name, f.ID, f.AreaM2)
			}
			for _, p := range f.Geometry {
				for _, r := range p {
					for _, v := range r {
						if v.Lon%g.GridLon != 0 || v.Lat%g.GridLat != 0 {
							t.Fatalf("%s %d: %v is off the grid", l.Meta.Name, f.ID, v)
						}
					}
				}
			}
			if higher[f.ID] || len(f.Place) > 9 && l.Meta.Name != "region" || f.Patch != index.NoArea || (f.Net != index.NoArea) != (l.Meta.Name == "pbf") {
				t.Fatalf("%s: id %d, place %s, patch %d, net %d", l.Meta.Name, f.ID, f.Place, f.Patch, f.Net)
			}
		}
	}
	if again, _ := derive(t, from, "", edition.Public); hashOf(t, again) != hashOf(t, to) {
		t.Error("the same policy gives another content")
	}
	searchSecrets(t, from, to)
}

// searchSecrets looks for values of secure fields among all that an edition
// stores, and makes sure that the search finds them where they are.
func searchSecrets(t *testing.T, from, to edited) {
	t.Helper()
	text := func(e edited) string {
		var b strings.Builder
		m, err := json.Marshal(e.Manifest)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(m)
		if err := index.Each(e.path, func(bucket string, k, v []byte) error {
			b.WriteString(bucket + string(k) + string(v))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	high, low := text(from), text(to)
	l := from.Layer("pbf", "")
	n := 0
	for _, f := range features(t, l)[:200] {
		for _, field := range []string{"ZRRMC", "LXDH", "BSM", "ZLDWMC"} {
			i := l.Field(field)
			s, _ := f.Values[max(i, 0)].(string)
			if i < 0 || len(s) < 6 || strings.Contains(low, `"`+s+`"`) {
				continue
			}
			n++
			if !strings.Contains(high, s) {
				t.Errorf("%s %q is not found in secure", field, s)
			}
			if strings.Contains(low, s) && field != "ZLDWMC" {
				t.Errorf("%s %q is in public", field, s)
			}
		}
	}
	if n < 200 {
		t.Errorf("only %d values were looked for", n)
	}
}

// The government edition keeps geometry, records and views, and loses what speaks
// of persons; the public one can be made from it too, with the same ground.
func TestGovernmentDelivery(t *testing.T) {
	from := delivery(t)
	gov, reg := derive(t, from, "", edition.Government)
	for _, name := range from.Names() {
		a, b := from.Layer(name, ""), gov.Layer(name, "")
		if a.Len() != b.Len() || a.Meta.AreaM2 != b.Meta.AreaM2 || a.Extent() != b.Extent() {
			t.Errorf("%s: %d features with %v m², were %d with %v", name, b.Len(), b.Meta.AreaM2, a.Len(), a.Meta.AreaM2)
		}
		if d := cmp.Diff(a.Meta.NetM2, b.Meta.NetM2); d != "" || b.Meta.Source != nil {
			t.Errorf("%s: %s, sources %v", name, d, b.Meta.Source)
		}
		for _, personal := range []string{"ZRRMC", "LXDH"} {
			if b.Field(personal) >= 0 {
				t.Errorf("%s has %s", name, personal)
			}
		}
	}
	if v := gov.Layer("cropland", "").Meta.View; v == nil || v.Of != "dltb" {
		t.Error("cropland is no view")
	}
	i := slices.IndexFunc(reg.Layers, func(l policy.RegisterLayer) bool { return l.Layer == "pbf" })
	if r := reg.Layers[i]; fmt.Sprint(r.FieldsDropped) != "[ZRRMC LXDH]" || r.After != 8487 || *r.NetAfter != *r.NetBefore {
		t.Errorf("the register says %+v", r)
	}
	direct, _ := derive(t, from, "", edition.Public)
	public, _ := derive(t, gov, "", edition.Public)
	for _, name := range public.Names() {
		if a, b := public.Layer(name, "").Meta, direct.Layer(name, "").Meta; a.Features != b.Features && name == "cropland" || math.Abs(a.AreaM2/b.AreaM2-1) > 1e-3 {
			t.Errorf("%s by way of government: %d features with %v m², directly %d with %v", name, a.Features, a.AreaM2, b.Features, b.AreaM2)
		}
	}
	for _, c := range []struct {
		from edited
		to   edition.Tier
	}{{gov, edition.Government}, {gov, edition.Secure}, {public, edition.Government}, {from, edition.Secure}, {public, edition.Public}} {
		path := filepath.Join(t.TempDir(), "f.db")
		if _, _, err := policy.Derive(t.Context(), c.from.Index, parse(t, ""), c.to, key, index.NewWriter(path)); code(err) != "PUBLISH_UPWARD" {
			t.Errorf("%s to %s: %v", c.from.Manifest.Tier, c.to, err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Error("a refused publish leaves a file")
		}
	}
	if _, _, err := policy.Derive(t.Context(), from.Index, parse(t, rules("public", 25, "{}")), edition.Government, key, index.NewWriter("")); code(err) != "POLICY_TIER" {
		t.Errorf("a tier that the policy does not name: %v", err)
	}
}

func box(x0, y0, x1, y1 int64) geo.MultiPolygon {
	return geo.MultiPolygon{geo.Box{Min: geo.Position{Lon: 1086e9 + x0, Lat: 343e9 + y0}, Max: geo.Position{Lon: 1086e9 + x1, Lat: 343e9 + y1}}.Polygon()}
}

// What may leave secure: fields by the list, known ones at most, persons never,
// areas of record with their field, places to the digits allowed.
func TestFieldsAllowed(t *testing.T) {
	meta := edition.Layer{Name: "pbf", Vintage: "1", ClassField: "DLBM", Fields: []edition.Field{
		{Name: "BSM", Known: true, Code: true}, {Name: "DLBM", Known: true}, {Name: "YJJBNTTBMJ", Known: true}, {Name: "YJJBNTMJ", Known: true},
		{Name: "LXDH", Known: true}, {Name: "ODD"}, {Name: "CFZR", Known: true, Personal: true}, {Name: "BZ", Known: true},
		{Name: "ZLDWDM", Known: true},
	}}
	from := made(t, meta, index.Feature{
		Geometry: box(0, 0, 1e7, 1e7), Patch: 500, Net: 400, Place: "610402001001",
		Values: []any{"b1", "0101", 5.0, 4.0, "secret phone", "secret odd", "secret name", "note", "6104020010010000000"},
	})
	for name, c := range map[string]struct {
		rule, fields string
		patch, net   int64
	}{
		"nothing":  {"{pbf: {}}", "", index.NoArea, index.NoArea},
		"known":    {"{pbf: {fields: known}}", "BSM DLBM YJJBNTTBMJ YJJBNTMJ BZ ZLDWDM", 500, 400},
		"except":   {"{pbf: {fields: known, except: [BZ, BSM, YJJBNTMJ, ZLDWDM]}}", "DLBM YJJBNTTBMJ", 500, index.NoArea},
		"by name":  {"{pbf: {fields: [YJJBNTMJ, DLBM]}}", "DLBM YJJBNTMJ", index.NoArea, 400},
		"not here": {"{pbf: {fields: [GDLX]}}", "", index.NoArea, index.NoArea},
	} {
		to, _ := derive(t, from, rules("government", 0, c.rule), edition.Government)
		l := to.Layer("pbf", "")
		f := features(t, l)[0]
		place := "610402001" // and ZLDWDM tells no more
		if got := fields(l); got != c.fields || f.Patch != c.patch || f.Net != c.net || f.Place != place || len(f.Values) != len(l.Meta.Fields) {
			t.Errorf("%s: fields %q, patch %d, net %d, place %s, values %v", name, got, f.Patch, f.Net, f.Place, f.Values)
		}
		if (l.Meta.ClassField != "") != strings.Contains(c.fields, "DLBM") {
			t.Errorf("%s: class field %q", name, l.Meta.ClassField)
		}
		if found, err := l.ByCode("b1", 1); err != nil || (len(found) == 1) != strings.Contains(c.fields, "BSM") {
			t.Errorf("%s: the code finds %v, %v", name, found, err)
		}
	}
	// A layer that no profile is for has fields by name alone.
	meta.Name = "orchard"
	other := made(t, meta, index.Feature{Geometry: box(0, 0, 1e7, 1e7), Values: make([]any, 9)})
	for rule, want := range map[string]string{"{orchard: {fields: known}}": "BSM ZLDWDM", "{orchard: {fields: [ODD, BZ]}}": "ODD BZ", "{pbf: {}}": "-"} {
		to, reg := derive(t, other, rules("government", 0, rule), edition.Government)
		if l := to.Layer("orchard", ""); l == nil {
			if want != "-" || len(reg.Withheld) != 1 {
				t.Errorf("%s: withheld", rule)
			}
		} else if got := fields(l); got != want {
			t.Errorf("%s: fields %q, want %q", rule, got, want)
		}
	}
}

// A view stays one only where its source comes along with the very same fields.
func TestViews(t *testing.T) {
	dir := t.TempDir()
	w := index.NewWriter(filepath.Join(dir, edition.FeaturesFile))
	l := w.Layer(edition.Layer{Name: "dltb", Vintage: "1", ClassField: "DLBM", Fields: []edition.Field{{Name: "BSM", Known: true}, {Name: "DLBM", Known: true}, {Name: "TBDLMJ", Known: true}}})
	w.View(edition.Layer{Name: "cropland", Vintage: "1", ClassField: "DLBM", View: &edition.View{Of: "dltb", Field: "DLBM", Prefix: "01"}})
	for i, class := range []string{"0101", "0301", "0102"} {
		x := int64(i) * 2e8
		f := index.Feature{ID: uint64(i + 1), Geometry: box(x, 0, x+2e8, 1e8), Patch: index.NoArea, Net: int64(100 * i), Values: []any{fmt.Sprint("secret", i), class, float64(i)}}
		f.AreaM2 = geo.Area(f.Geometry)
		if err := l.Add(&f); err != nil {
			t.Fatal(err)
		}
	}
	layers, err := w.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	from := open(t, dir, &edition.Manifest{Tier: edition.Secure, Layers: layers, BuiltZooms: [2]int{5, 14}, MaxZoom: 18})
	for name, c := range map[string]struct {
		rule   string
		grid   float64
		view   bool
		fields string
		net    bool
	}{
		"both whole":             {"{dltb: {fields: known}, cropland: {fields: known}}", 0, true, "BSM DLBM TBDLMJ", true},
		"the source withheld":    {"{cropland: {fields: known}}", 0, false, "BSM DLBM TBDLMJ", true},
		"the view with less":     {"{dltb: {fields: known}, cropland: {fields: [DLBM]}}", 0, false, "DLBM", false},
		"the source with less":   {"{dltb: {fields: [DLBM]}, cropland: {fields: known}}", 0, false, "BSM DLBM TBDLMJ", true},
		"without what selects":   {"{dltb: {fields: [BSM]}, cropland: {fields: [BSM]}}", 0, false, "BSM", false},
		"on a grid":              {"{dltb: {fields: known}, cropland: {fields: known}}", 25, false, "BSM DLBM TBDLMJ", true},
		"the source dissolved":   {"{dltb: {dissolve: true}, cropland: {fields: known}}", 25, false, "BSM DLBM TBDLMJ", true},
		"the view dissolved too": {"{dltb: {fields: known}, cropland: {dissolve: true}}", 25, false, "", false},
	} {
		to, _ := derive(t, from, rules("government", c.grid, c.rule), edition.Government)
		crop := to.Layer("cropland", "")
		if (crop.Meta.View != nil) != c.view || fields(crop) != c.fields || !strings.Contains(c.rule, "cropland: {dissolve") && crop.Len() != 2 || (crop.Meta.NetM2 != nil) != c.net || c.net && *crop.Meta.NetM2 != 2 {
			t.Errorf("%s: view %v, fields %q, %d features, net %v", name, crop.Meta.View, fields(crop), crop.Len(), crop.Meta.NetM2)
		}
		if d := to.Layer("dltb", ""); d != nil && !strings.Contains(c.rule, "dissolve") {
			for i := range crop.Len() {
				if _, ok := d.ByID(crop.Head(i).ID); !ok {
					t.Errorf("%s: a patch of cropland has another id in dltb", name)
				}
			}
		}
		if !strings.Contains(c.rule, "known") || c.fields == "DLBM" && !strings.Contains(c.rule, "dltb: {fields: known") {
			if err := index.Each(to.path, func(_ string, _, v []byte) error {
				if bytes.Contains(v, []byte("secret")) && !strings.Contains(c.rule, "BSM") {
					return errors.New("a withheld value is stored")
				}
				return nil
			}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// What a derivation makes does not depend on the memory that its features may take.
func TestDeriveInLittleMemory(t *testing.T) {
	from := delivery(t)
	content := func(memory int64) map[string]string {
		dir := t.TempDir()
		path := filepath.Join(dir, edition.FeaturesFile)
		w := index.NewWriter(path)
		w.Limit(memory)
		if _, _, err := policy.Derive(t.Context(), from.Index, parse(t, ""), edition.Government, key, w); err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		if err := index.Each(path, func(b string, k, v []byte) error { out[b+" "+string(k)] = string(v); return nil }); err != nil {
			t.Fatal(err)
		}
		return out
	}
	if d := cmp.Diff(content(0), content(20_000)); d != "" {
		t.Error(d)
	}
}

// Cancelled at any moment, a derivation gives the context's error.
func TestDeriveCancelled(t *testing.T) {
	from := made(t, edition.Layer{Name: "hsf", Vintage: "1"}, index.Feature{Geometry: box(0, 0, 1e8, 1e8)})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, rule := range []string{"{hsf: {}}", "{hsf: {dissolve: true}}"} {
		path := filepath.Join(t.TempDir(), "f.db")
		_, _, err := policy.Derive(ctx, from.Index, parse(t, rules("public", 25, rule)), edition.Public, key, index.NewWriter(path))
		if _, serr := os.Stat(path); !errors.Is(err, context.Canceled) || serr == nil {
			t.Errorf("%s: %v", rule, err)
		}
	}
	huge := made(t, edition.Layer{Name: "hsf", Vintage: "1"}, index.Feature{Geometry: box(0, 0, 5e10, 5e10)})
	if _, _, err := policy.Derive(t.Context(), huge.Index, parse(t, rules("public", 1, "{hsf: {}}")), edition.Public, key, index.NewWriter("")); code(err) != "POLICY_GRID_FINE" {
		t.Errorf("billions of cells: %v", err)
	}
	far := made(t, edition.Layer{Name: "hsf", Vintage: "1"}, index.Feature{Geometry: box(0, 0, 1e6, 1e6)}, index.Feature{Geometry: box(-100e10, 15e10, -100e10+1e6, 15e10+1e6)})
	to, _ := derive(t, far, rules("public", 1, "{hsf: {}}"), edition.Public)
	if to.Layer("hsf", "").Len() != 2 {
		t.Error("features that lie far apart are lost")
	}
}
