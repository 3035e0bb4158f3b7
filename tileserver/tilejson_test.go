package tileserver_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"testing"

	"gengtu/index/edition"
	"gengtu/tileserver/archive"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// tileJSONRules are the rules of the JSON schema of TileJSON 3.0.0, and beyond it
// those of the specification's text, member by member.
var tileJSONRules = map[string]func(v any) bool{
	"tilejson":    matching(`^3\.\d+\.\d+$`),
	"tiles":       listOf(1, 1<<20, matching(`\{z\}/\{x\}/\{y\}`)),
	"attribution": matching(``), "description": matching(``), "legend": matching(``), "name": matching(``), "template": matching(``),
	"scheme":  matching(`^(xyz|tms)$`),
	"version": matching(`\d+\.\d+\.\d+\w?[\w\d]*`),
	"minzoom": whole, "maxzoom": whole, "fillzoom": whole,
	"bounds": listOf(4, 4, number), "center": listOf(3, 3, number),
	"data": listOf(0, 1<<20, matching(``)), "grids": listOf(0, 1<<20, matching(``)),
	"vector_layers": listOf(0, 1<<20, func(v any) bool {
		o, ok := v.(map[string]any)
		fields, ok2 := o["fields"].(map[string]any)
		id, ok3 := o["id"].(string)
		for _, f := range fields {
			if _, text := f.(string); !text {
				return false
			}
		}
		for k, rule := range map[string]func(any) bool{"description": matching(``), "minzoom": whole, "maxzoom": whole} {
			if o[k] != nil && !rule(o[k]) {
				return false
			}
		}
		return ok && ok2 && ok3 && id != ""
	}),
}

func matching(pattern string) func(any) bool {
	re := regexp.MustCompile(pattern)
	return func(v any) bool { s, ok := v.(string); return ok && re.MatchString(s) }
}

func listOf(least, most int, rule func(any) bool) func(any) bool {
	return func(v any) bool {
		l, ok := v.([]any)
		return ok && len(l) >= least && len(l) <= most && !slices.ContainsFunc(l, func(e any) bool { return !rule(e) })
	}
}

func number(v any) bool { _, ok := v.(float64); return ok }

// whole is a zoom: a whole number in [0, 30].
func whole(v any) bool {
	n, ok := v.(float64)
	return ok && n == float64(int(n)) && n >= 0 && n <= 30
}

// checkTileJSON holds a document against the rules.
func checkTileJSON(t *testing.T, data []byte) {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	for _, required := range []string{"tilejson", "tiles", "vector_layers"} {
		if doc[required] == nil {
			t.Errorf("%s is missing", required)
		}
	}
	for k, v := range doc {
		if rule := tileJSONRules[k]; rule != nil && !rule(v) {
			t.Errorf("%s is %v", k, v)
		}
	}
	minZoom, maxZoom := doc["minzoom"].(float64), doc["maxzoom"].(float64)
	b, c := doc["bounds"].([]any), doc["center"].([]any)
	at := func(l []any, i int) float64 { return l[i].(float64) }
	if at(b, 0) < -180 || at(b, 1) < -90 || at(b, 2) > 180 || at(b, 3) > 90 || at(b, 0) > at(b, 2) || at(b, 1) > at(b, 3) {
		t.Errorf("bounds %v", b)
	}
	if at(c, 0) < at(b, 0) || at(c, 0) > at(b, 2) || at(c, 1) < at(b, 1) || at(c, 1) > at(b, 3) || at(c, 2) < minZoom || at(c, 2) > maxZoom || minZoom > maxZoom {
		t.Errorf("center %v, zooms %v to %v", c, minZoom, maxZoom)
	}
	for _, l := range doc["vector_layers"].([]any) {
		o := l.(map[string]any)
		if o["minzoom"].(float64) < minZoom || o["maxzoom"].(float64) > maxZoom {
			t.Errorf("layer %v has other zooms than the set", o["id"])
		}
	}
}

// addFields adds the attributes that a tile's features carry to held, by layer and
// zoom, with the type that TileJSON calls their values.
func addFields(t testing.TB, held map[string]map[int]map[string]string, z int, raw []byte) {
	t.Helper()
	layers, err := mvt.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		if held[l.Name] == nil {
			held[l.Name] = map[int]map[string]string{}
		}
		if held[l.Name][z] == nil {
			held[l.Name][z] = map[string]string{}
		}
		for _, f := range l.Features {
			for _, tag := range f.Tags {
				kind := "Number"
				switch tag.Value.(type) {
				case string:
					kind = "String"
				case bool:
					kind = "Boolean"
				}
				held[l.Name][z][tag.Key] = kind
			}
		}
	}
}

// checkFields holds the description of layers against what their tiles hold.
func checkFields(t *testing.T, layers []archive.VectorLayer, held map[string]map[int]map[string]string) {
	t.Helper()
	for _, l := range layers {
		if len(held[l.ID]) == 0 {
			t.Errorf("layer %s has no tiles", l.ID)
		}
		all, next := map[string]string{}, l.MinZoom
		for _, r := range l.ZoomFields {
			if r.MinZoom != next || r.MaxZoom < r.MinZoom {
				t.Errorf("layer %s: zooms %d to %d, not from %d", l.ID, r.MinZoom, r.MaxZoom, next)
			}
			next = r.MaxZoom + 1
			maps.Copy(all, r.Fields)
			for z := r.MinZoom; z <= r.MaxZoom; z++ {
				if got := held[l.ID][z]; got != nil && !maps.Equal(got, r.Fields) {
					t.Errorf("layer %s, zoom %d: features have %v, described are %v", l.ID, z, got, r.Fields)
				}
			}
		}
		if next != l.MaxZoom+1 || !maps.Equal(all, l.Fields) {
			t.Errorf("layer %s: zooms to %d, fields %v; of %d and %v", l.ID, l.MaxZoom, l.Fields, next-1, all)
		}
	}
}

// TileJSON keeps to the schema and describes what the tiles hold, zoom by zoom, in
// both grids and every tier.
func TestTileJSON(t *testing.T) {
	s := serve(t, nil, edition.Secure, edition.Government, edition.Public)
	for _, c := range []struct {
		tier   edition.Tier
		layers string
		grid   tile.Grid
		center int
	}{
		// The land is 0.008 degrees wide and high: two tiles of zoom 16 are 0.011 wide,
		// and in w 0.009 high. Public ends before that.
		{edition.Secure, "all", tile.W, 16}, {edition.Secure, "dltb", tile.C, 16}, {edition.Government, "cropland,region", tile.C, 16}, {edition.Public, "all", tile.W, 14},
	} {
		t.Run(fmt.Sprint(c.tier, c.layers, c.grid), func(t *testing.T) {
			r := s.get(t, fmt.Sprintf("/%s/tiles/%s/%s.json?tk=%s", c.tier, c.layers, c.grid, s.tokens[c.tier]))
			checkTileJSON(t, r.body)
			doc := decode[struct {
				MinZoom, MaxZoom int
				Center           []float64
				Attribution      string
				VectorLayers     []archive.VectorLayer `json:"vector_layers"`
			}](t, r)
			if doc.Center[2] != float64(c.center) || doc.Attribution == "" || doc.MinZoom != int(c.grid.MinZoom()) {
				t.Errorf("the document is %+v", doc)
			}
			held := map[string]map[int]map[string]string{}
			for z := doc.MinZoom; z <= doc.MaxZoom; z++ {
				x0, y0, _, _ := c.grid.Range(lotBox(2, 2, 4, 4), uint8(z))
				r := s.get(t, fmt.Sprintf("/%s/tiles/%s/%s/%d/%d/%d.mvt?tk=%s", c.tier, c.layers, c.grid, z, x0, y0, s.tokens[c.tier]))
				if r.StatusCode != http.StatusOK {
					t.Fatalf("zoom %d: status %d", z, r.StatusCode)
				}
				addFields(t, held, z, r.body)
			}
			checkFields(t, doc.VectorLayers, held)
		})
	}
}
