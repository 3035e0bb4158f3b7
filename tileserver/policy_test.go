package tileserver_test

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/tileserver"
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
func (s *service) ask(t *testing.T, path string) reply {
	t.Helper()
	return s.get(t, "/government"+path, s.bearer(edition.Government)...)
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
				if r.StatusCode != 200 {
					t.Errorf("%v: %s answers %d", allowed, name, r.StatusCode)
				}
				continue
			}
			wantProblem(t, fmt.Sprint(allowed, name), r, 403, "policy")
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
	if r := s.ask(t, "/overlay?layers=cropland&group_by=KD&"+aBox); r.StatusCode != 200 {
		t.Errorf("the field that is named: %d %s", r.StatusCode, r.body)
	}
	for _, path := range []string{"/summary", "/diff", "/diff?f=flows.csv", "/summary?f=csv"} {
		if r := s.ask(t, path); r.StatusCode != 200 || strings.Contains(string(r.body), "0102") && !strings.Contains(path, "diff") {
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
	if r.StatusCode != 200 || strings.Contains(string(r.body), "combinations") || strings.Contains(string(r.body), "groups") {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	for _, path := range []string{"&combinations=true", "&layers=cropland&group_by=DLBM", "&return=features", "&f=geojson"} {
		wantProblem(t, path, s.ask(t, "/overlay?"+aBox+path), 403, "policy")
	}
}

// Under a policy that rounds, no figure of any answer is finer than its step; the
// catalogue says so.
func TestPolicyRounding(t *testing.T) {
	const step = 100.0
	s := serveUnder(t, func(p *edition.Policy) { p.RoundM2 = step })
	for _, path := range []string{
		"/overlay?layers=cropland,pbf,hsf&group_by=DLBM&" + aBox, "/overlay?place=610402001", "/summary?by=village", "/summary?by=county", "/diff", "/catalog",
		"/overlay?return=features&" + aBox,
	} {
		r := s.ask(t, path)
		if r.StatusCode != 200 {
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
		if n < 6 {
			t.Errorf("%s: only %d areas were looked at", path, n)
		}
		if path == "/diff" && len(decode[diffDoc](t, r).Changes) > 0 {
			t.Error("the difference lists single features, with their areas")
		}
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
