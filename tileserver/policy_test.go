package tileserver_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/tileserver"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/tileset"
)

// serveUnder serves one government edition under a policy that change makes.
func serveUnder(t *testing.T, change func(*edition.Policy)) *service {
	t.Helper()
	f := newFarm(edition.Government)
	change(&f.policy)
	dir := filepath.Join(t.TempDir(), "government")
	f.commit(t, dir, 1)
	return serve(t, func(c *tileserver.Config) { c.Editions = []string{dir} })
}

// ask gets an address of the government edition.
func (s *service) ask(t *testing.T, path string, headers ...string) reply {
	t.Helper()
	return s.get(t, "/government"+path, append(headers, s.bearer(edition.Government)...)...)
}

const aBox = "bbox=108.7,34.3,108.703,34.303"

// What a policy does not let be asked is refused by every route that would answer it;
// what it does, is answered.
func TestPolicyQuestions(t *testing.T) {
	all := map[string]string{"overlay": "/overlay?" + aBox, "summary": "/summary", "diff": "/diff", "lineage": "/features/cropland/1000/lineage"}
	for _, allowed := range [][]string{nil, {}, {"overlay", "diff"}, {"summary", "lineage"}} {
		s := serveUnder(t, func(p *edition.Policy) { p.Analyses = allowed })
		for name, path := range all {
			r := s.ask(t, path)
			if allowed == nil || strings.Contains(fmt.Sprint(allowed), name) {
				if r.StatusCode != http.StatusOK {
					t.Errorf("%v: %s answers %d", allowed, name, r.StatusCode)
				}
				continue
			}
			wantProblem(t, fmt.Sprint(allowed, name), r, 403, "policy")
			want := map[string]string{"overlay": "叠加（", "summary": "汇总（", "diff": "变化对比（", "lineage": "沿革（"}
			if zh := s.ask(t, path, "Accept-Language", "zh"); !strings.Contains(string(zh.body), want[name]) {
				t.Errorf("%s in Chinese: %s", name, zh.body)
			}
		}
		if r := s.ask(t, "/tiles/cropland/w/12/3284/1632.mvt"); r.StatusCode > 204 {
			t.Errorf("%v: a tile answers %d", allowed, r.StatusCode)
		}
	}
}

// Groups, in whatever way they are asked for, are of the fields that the policy names.
func TestPolicyGroups(t *testing.T) {
	s := serveUnder(t, func(p *edition.Policy) { p.Groups = []string{"KD"} })
	body := `{"geometry":` + lotPolygon(1, 1, 3, 3) + `,"layers":["cropland"],"group_by":{"cropland":["DLBM"]}}`
	wantProblem(t, "a body", s.post(t, "/government/overlay", body, s.bearer(edition.Government)...), 403, "policy")
	for _, path := range []string{"/overlay?layers=cropland&group_by=DLBM&" + aBox, "/diff?by=DLBM", "/summary?table=hectare&layers=cropland"} {
		wantProblem(t, path, s.ask(t, path), 403, "policy")
	}
	if r := s.ask(t, "/overlay?layers=cropland&group_by=KD&"+aBox); r.StatusCode != http.StatusOK {
		t.Errorf("the field that is named: %d %s", r.StatusCode, r.body)
	}
	for _, path := range []string{"/summary", "/diff", "/diff?f=flows.csv", "/summary?f=csv"} {
		if r := s.ask(t, path); r.StatusCode != http.StatusOK || strings.Contains(string(r.body), "0102") && !strings.Contains(path, "diff") {
			t.Errorf("%s answers %d and tells classes", path, r.StatusCode)
		}
	}
	for _, f := range decode[diffDoc](t, s.ask(t, "/diff?list=false")).Matrix.Flows {
		if f.From != nil && *f.From != "" || f.To != nil && *f.To != "" {
			t.Errorf("the difference tells classes: %+v", f)
		}
	}
}

// Totals alone are totals: no groups, pieces or combinations, though who does not ask for
// them is answered.
func TestPolicyTotals(t *testing.T) {
	s := serveUnder(t, func(p *edition.Policy) { p.TotalsOnly, p.Pieces = true, false })
	r := s.ask(t, "/overlay?"+aBox)
	if r.StatusCode != http.StatusOK || strings.Contains(string(r.body), "combinations") || strings.Contains(string(r.body), "groups") {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	for _, path := range []string{"&combinations=true", "&layers=cropland&group_by=DLBM", "&return=features", "&f=geojson"} {
		wantProblem(t, path, s.ask(t, "/overlay?"+aBox+path), 403, "policy")
	}
}

// Totals alone are told of no single feature, whatever way leads to one, and whether it is
// there or not; sums, pictures and places are. Where single features are kept out of
// overlays alone, the other ways stay open.
func TestPolicyTotalsTellNoFeature(t *testing.T) {
	totals := serveUnder(t, func(p *edition.Policy) { p.TotalsOnly, p.Pieces = true, false })
	open := serveUnder(t, func(p *edition.Policy) { p.Pieces = false })
	for path, status := range map[string]int{
		"/features/cropland/1000": 200, "/features/cropland/1": 404, "/features/cropland?code=nosuch": 404, "/features/cropland/1000/lineage": 403,
		"/wmts/cropland/default/w/12/1632/3284/10/10.json": 200, "/wmts?service=WMTS&request=GetFeatureInfo&version=1.0.0&layer=cropland&style=default&tilematrixset=w&tilematrix=12&tilerow=1632&tilecol=3284&i=1&j=1&infoformat=application/json&format=image/png": 200,
		"/diff?list=true": 200,
	} {
		r := totals.ask(t, path)
		if strings.Contains(path, "/wmts?") {
			if r.StatusCode != http.StatusForbidden {
				t.Errorf("totals alone: %s answers %d %.80s", path, r.StatusCode, r.body)
			}
		} else {
			wantProblem(t, path, r, 403, "policy")
		}
		if r := open.ask(t, path); r.StatusCode != status {
			t.Errorf("no pieces: %s answers %d, want %d: %.120s", path, r.StatusCode, status, r.body)
		}
	}
	wantProblem(t, "changes", totals.ask(t, "/changes?list=true&since=g000000000000"), 403, "policy")
	wantProblem(t, "changes", totals.ask(t, "/changes?return=features&since=g000000000000"), 403, "policy")
	for _, path := range []string{"/summary", "/diff", "/overlay?" + aBox, "/places", "/catalog"} {
		if r := totals.ask(t, path); r.StatusCode != http.StatusOK {
			t.Errorf("totals alone: %s answers %d", path, r.StatusCode)
		}
	}
}

// Under a policy that rounds, no figure of any answer is finer than its step; the
// catalogue says so.
func TestPolicyRounding(t *testing.T) {
	const step = 100.0
	s := serveUnder(t, func(p *edition.Policy) { p.RoundM2 = step })
	for _, path := range []string{
		"/overlay?layers=cropland,pbf,hsf&group_by=DLBM&" + aBox, "/overlay?place=610402001", "/summary?by=village", "/summary?by=county", "/diff", "/catalog",
		"/overlay?return=features&" + aBox, "/features/cropland/1000", "/features/cropland/1000/lineage",
	} {
		r := s.ask(t, path)
		if r.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s", path, r.StatusCode, r.body)
		}
		var doc any
		if err := json.Unmarshal(r.body, &doc); err != nil {
			t.Fatal(err)
		}
		n := 0
		eachArea(doc, func(key string, v float64) {
			n++
			if math.Abs(v/step-math.Round(v/step)) > 1e-6 {
				t.Errorf("%s: %s is %v", path, key, v)
			}
		})
		if least := map[bool]int{true: 1, false: 6}[strings.HasPrefix(path, "/features")]; n < least {
			t.Errorf("%s: only %d areas were looked at", path, n)
		}
		if path == "/diff" && len(decode[diffDoc](t, r).Changes) > 0 {
			t.Error("the difference lists single features, with their areas")
		}
	}
	for _, path := range []string{"/overlay?f=csv&group_by=DLBM&layers=cropland,pbf&" + aBox, "/summary?f=csv&by=village", "/summary?f=csv&kind=total", "/diff?f=flows.csv"} {
		rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(s.ask(t, path).body, []byte("\uFEFF")))).ReadAll()
		if err != nil || len(rows) < 2 {
			t.Fatalf("%s: %d rows, %v", path, len(rows), err)
		}
		n := 0
		for i, head := range rows[0] {
			for _, row := range rows[1:] {
				if v, err := strconv.ParseFloat(row[i], 64); err == nil && strings.HasSuffix(head, "_m2") {
					n++
					if math.Abs(v/step-math.Round(v/step)) > 1e-6 {
						t.Errorf("%s: %s is %s", path, head, row[i])
					}
				}
			}
		}
		if n < 2 {
			t.Errorf("%s: only %d areas were looked at: %v", path, n, rows[0])
		}
	}
	shapes := 0
	for z := range 12 {
		for _, grid := range tile.Grids() {
			at := grid.At(geo.PositionOf(geo.LonLat{Lon: 108.7015, Lat: 34.3015}), uint8(max(z, 1)))
			r := s.ask(t, fmt.Sprintf("/tiles/cropland,pbf,hsf/%s.mvt", at), "Accept-Encoding", "identity")
			layers, err := mvt.Decode(r.body)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range layers {
				for _, f := range l.Features {
					for _, tag := range f.Tags {
						if v, ok := tag.Value.(float64); ok && strings.HasSuffix(tag.Key, "_m2") {
							shapes++
							if math.Abs(v/step-math.Round(v/step)) > 1e-6 {
								t.Errorf("tile %s: %s is %v", at, tag.Key, v)
							}
						}
					}
				}
			}
		}
	}
	if shapes < 10 {
		t.Errorf("only %d figures of merged shapes were looked at", shapes)
	}
	if c := string(s.ask(t, "/catalog").body); !strings.Contains(c, `"rounded_to_m2":100`) {
		t.Error("the catalogue does not say that areas are rounded")
	}
}

// eachArea visits the figures of a document whose names say that they are in m².
func eachArea(doc any, visit func(key string, v float64)) {
	switch doc := doc.(type) {
	case []any:
		for _, x := range doc {
			eachArea(x, visit)
		}
	case map[string]any:
		for k, x := range doc {
			if v, ok := x.(float64); ok && strings.HasSuffix(k, "_m2") && !strings.HasPrefix(k, "aoi_") {
				visit(k, v)
			}
			if m, ok := x.(map[string]any); ok && k == "net_m2" {
				for _, v := range m {
					if v, ok := v.(float64); ok {
						visit(k, v)
					}
				}
			}
			eachArea(x, visit)
		}
	}
}

// A layer that the policy gives fewer zooms is served at those alone, by every address and
// in no file of tiles; the others are as they were.
func TestPolicyLayerZooms(t *testing.T) {
	f := newFarm(edition.Government)
	for i := range f.layers {
		if f.layers[i].meta.Name == "pbf" {
			f.layers[i].meta.Zooms = &[2]int{11, 13}
		}
	}
	dir := filepath.Join(t.TempDir(), "government")
	f.commit(t, dir, 1)
	s := serve(t, func(c *tileserver.Config) { c.Editions = []string{dir} })
	for path, status := range map[string]int{
		"/tiles/pbf/w/12/3284/1632.mvt": 200, "/tiles/pbf/w/10/821/408.mvt": 404, "/tiles/pbf/w/10/821/408.png": 404, "/tiles/pbf/w/14/13139/6530.mvt": 404,
		"/tiles/cropland/w/10/821/408.mvt": 200, "/wmts/pbf/default/w/10/408/821.png": 404, "/wmts/cropland/default/w/10/408/821.png": 200,
	} {
		if r := s.ask(t, path); r.StatusCode != status {
			t.Errorf("%s: %d, want %d", path, r.StatusCode, status)
		}
	}
	for z, has := range map[string]bool{"10/821/408": false, "11/1642/816": true, "14/13139/6528": false} {
		r := s.ask(t, "/tiles/cropland,pbf/w/"+z+".mvt", "Accept-Encoding", "identity")
		if !strings.Contains(string(r.body), "cropland") || strings.Contains(string(r.body), "pbf") != has {
			t.Errorf("a tile of both at %s: pbf is there: %v", z, !has)
		}
	}
	doc := decode[struct {
		MinZoom, MaxZoom int
		VectorLayers     []struct {
			ID               string
			MinZoom, MaxZoom int
		} `json:"vector_layers"`
	}](t, s.ask(t, "/tiles/pbf/w.json"))
	if doc.MinZoom != 11 || doc.MaxZoom != 13 || len(doc.VectorLayers) != 1 || doc.VectorLayers[0].MaxZoom != 13 {
		t.Errorf("TileJSON says %+v", doc)
	}
	for _, l := range decode[struct {
		Layers []struct {
			Name             string
			MinZoom, MaxZoom int
		}
	}](t, s.ask(t, "/catalog")).Layers {
		if want := map[bool][2]int{true: {11, 13}, false: {0, 18}}[l.Name == "pbf"]; [2]int{l.MinZoom, l.MaxZoom} != want {
			t.Errorf("the catalogue says zooms %d to %d of %s", l.MinZoom, l.MaxZoom, l.Name)
		}
	}
	if r := s.ask(t, "/style.json"); r.StatusCode != http.StatusOK || !strings.Contains(string(r.body), `"minzoom":11`) {
		t.Errorf("the style: %d", r.StatusCode)
	}
	set, err := tileset.Open(t.Context(), dir, tileset.Options{Layers: []string{"pbf"}, Zooms: &[2]int{9, 15}, WorkDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = set.Close() }()
	if l := set.Info("test").Layers; len(l) != 1 || l[0].MinZoom != 11 || l[0].MaxZoom != 13 {
		t.Errorf("the archive has %+v", l)
	}
}

// Zooms below the policy's lowest are not served by any address, and not announced.
func TestPolicyLowestZoom(t *testing.T) {
	s := serveUnder(t, func(p *edition.Policy) { p.MinZoom = 11 })
	for path, status := range map[string]int{
		"/tiles/cropland/w/11/1642/816.mvt": 200, "/tiles/cropland/w/10/821/408.mvt": 404, "/tiles/cropland/c/10/821/158.png": 404,
		"/wmts/cropland/default/w/10/408/821.png": 404, "/cropland_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=cropland&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles&TILEMATRIX=10&TILEROW=408&TILECOL=821": 400,
	} {
		if r := s.ask(t, path); r.StatusCode != status {
			t.Errorf("%s: %d, want %d", path, r.StatusCode, status)
		}
	}
	if d := decode[struct{ MinZoom int }](t, s.ask(t, "/tiles/cropland/w.json")); d.MinZoom != 11 {
		t.Errorf("TileJSON says %d", d.MinZoom)
	}
	if caps := string(s.ask(t, "/wmts/1.0.0/WMTSCapabilities.xml").body); strings.Contains(caps, "<TileMatrix>10</TileMatrix>") || !strings.Contains(caps, "<TileMatrix>11</TileMatrix>") {
		t.Error("the capabilities announce zoom 10, or not 11")
	}
}
