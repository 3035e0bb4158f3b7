package tileserver_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/receipt"
	"gengtu/tileserver"
	"gengtu/tileserver/access"
	"gengtu/tileserver/tile"
)

// areaScope is the scope of a box of lots.
func areaScope(b geo.Box) access.Scope {
	return access.Scope{Area: string(geo.AppendGeoJSON(nil, geo.MultiPolygon{b.Polygon()}))}
}

// overAll is a box around the farm.
const overAll = "bbox=108.69,34.29,108.72,34.32"

// Every answer to a token of a place, or an area, says of what part of the data it is, in
// a header and, where it is an object of JSON, in a member; no other answer does.
func TestScopeIsTold(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	g := s.generations[edition.Secure]
	at := tile.W.At(lotBox(1, 1, 2, 2).Min, 14)
	area := areaScope(lotBox(0, 0, 5, 3))
	for want, token := range map[string]string{
		village:                     s.issue(t, "village", access.Scope{Places: []string{village}}),
		"610402001200,610402001201": s.issue(t, "two", access.Scope{Places: []string{"610402001201", village, village}}),
		area.Ground():               s.issue(t, "area", area),
		"":                          s.tokens[edition.Secure],
	} {
		for address, body := range map[string]string{
			"overlay?" + overAll: "", "overlay?place=" + village: "", "overlay": `{"geometry":` + lotPolygon(1, 1, 2, 2) + `}`, "overlay?f=geojson&" + overAll: "",
			"summary": "", "summary?by=village&layers=cropland": "", "summary?table=hectare": "", "diff?layer=cropland": "", "changes?since=" + g: "", "changes?list=false&since=" + g: "",
			"catalog": "", "tiles/cropland/w.json": "", "features/cropland/1001": "", "features/cropland?code=" + bsm(1, 1): "", "features/cropland/1001/lineage": "", "places": "", "places?f=geojson": "",
		} {
			r := s.with(t, address, body, token)
			var told struct{ Scope string }
			if err := json.Unmarshal(r.body, &told); err != nil || r.StatusCode != http.StatusOK || told.Scope != want || r.Header.Get("Gengtu-Scope") != want || strings.Count(string(r.body), `"scope"`) > 1 {
				t.Errorf("%s: %d, scope %q and %q, want %q: %.300s %v", address, r.StatusCode, told.Scope, r.Header.Get("Gengtu-Scope"), want, r.body, err)
			}
		}
		for _, address := range []string{
			"overlay?f=csv&" + overAll, "overlay?f=xlsx&" + overAll, "overlay?f=html&" + overAll, "summary?f=csv", "summary?f=xlsx", "summary?table=hectare&f=csv", "summary?table=hectare&f=xlsx",
			"diff?layer=cropland&f=csv", "style.json", "map.png?width=10&height=10&" + overAll, fmt.Sprintf("tiles/cropland/w/14/%d/%d.mvt", at.X, at.Y), "catalog/cropland.xml",
		} {
			r := s.with(t, address, "", token)
			if r.StatusCode != http.StatusOK || r.Header.Get("Gengtu-Scope") != want {
				t.Errorf("%s: %d, scope %q, want %q", address, r.StatusCode, r.Header.Get("Gengtu-Scope"), want)
			}
			// Those that are handed on without their headers.
			if form := strings.HasPrefix(address, "overlay") || strings.Contains(address, "f=xlsx"); form && want != "" && !strings.Contains(openly(t, address, reply{&http.Response{Header: http.Header{}}, r.body}), want) {
				t.Errorf("%s does not tell the scope %q", address, want)
			}
		}
		lines := strings.Split(strings.TrimSpace(string(s.with(t, "overlay?f=ndjson", `{"type":"FeatureCollection","features":[{"type":"Feature","properties":null,"geometry":`+lotPolygon(1, 1, 2, 2)+`},{"type":"Feature","properties":null,"geometry":`+lotPolygon(0, 1, 2, 2)+`}]}`, token).body)), "\n")
		for _, l := range lines {
			if strings.Contains(l, `"scope":"`+want+`"`) != (want != "") {
				t.Errorf("%q: %s", want, l)
			}
		}
	}
}

// A place that a granted one lies in is refused as its neighbour is, and so is one beside
// it, whether it is there or not.
func TestParentPlaceIsRefused(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	token := s.issue(t, "village", access.Scope{Places: []string{village}})
	for _, place := range []string{"61", "6104", "610402", "610402001", "610402001201", "610402002", "999999"} {
		for _, address := range []string{"overlay?place=", "overlay?receipt=0&f=csv&place=", "summary?place=", "summary?table=hectare&place=", "summary?by=village&f=csv&place="} {
			wantProblem(t, address+place, s.with(t, address+place, "", token), http.StatusForbidden, "token_refused")
		}
		wantProblem(t, place, s.with(t, "overlay", `{"place":"`+place+`"}`, token), http.StatusForbidden, "token_refused")
	}
	for _, address := range []string{"overlay?place=", "summary?place="} {
		if r := s.with(t, address+village, "", token); r.StatusCode != http.StatusOK || strings.Contains(string(r.body), "BEYOND") || strings.Contains(string(r.body), `"partial"`) {
			t.Errorf("%s: %d %.300s", address, r.StatusCode, r.body)
		}
	}
}

// sums are the rows of a summary and of a hectare table, as far as these tests look.
type sums struct {
	Rows, Groups []row
	Leveled      bool
	Tables       []struct{ Rows []row }
}

type row struct {
	Place   string
	Partial bool
}

// Of places that the token reaches a part of, rows say so in each form; of others they
// do not.
func TestPartialRows(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	const other, township, county = "610402001201", "610402001", "610402"
	for name, c := range map[string]struct {
		token string
		whole map[string]bool // of the places that rows are of
	}{
		"a village":        {s.issue(t, "village", access.Scope{Places: []string{village}}), map[string]bool{village: true, township: false, county: false}},
		"a township":       {s.issue(t, "township", access.Scope{Places: []string{township}}), map[string]bool{village: true, other: true, township: true, county: false}},
		"a village's area": {s.issue(t, "area", areaScope(lotBox(0, 0, 4, 5))), map[string]bool{village: true, other: false, township: false, county: false}},
		"less than one":    {s.issue(t, "lots", areaScope(lotBox(1, 1, 3, 3))), map[string]bool{village: false, township: false, county: false}},
		"no regions":       {s.issue(t, "layers", access.Scope{Places: []string{village}, Layers: []string{"cropland", "dltb"}}), map[string]bool{village: true, township: false, county: false}},
	} {
		check := func(what string, rows []row) {
			t.Helper()
			for _, r := range rows {
				if whole, ok := c.whole[r.Place]; !ok || whole == r.Partial {
					t.Errorf("%s, %s: %+v", name, what, r)
				}
			}
			if len(rows) == 0 {
				t.Errorf("%s, %s: no rows", name, what)
			}
		}
		for _, by := range []string{"county", "township", "village"} {
			got := decode[sums](t, s.with(t, "summary?layers=cropland&by="+by, "", c.token))
			check(by, slices.Concat(got.Rows, got.Groups))
			for _, kind := range []string{"", "&kind=total"} {
				check("csv "+by+kind, tableRows(t, s.with(t, "summary?layers=cropland&f=csv&by="+by+kind, "", c.token).body))
			}
		}
		got := decode[sums](t, s.with(t, "summary?table=hectare", "", c.token))
		check("hectare", got.Tables[0].Rows)
		if got.Leveled {
			t.Errorf("%s: %+v", name, got)
		}
		check("hectare csv", tableRows(t, s.with(t, "summary?table=hectare&f=csv", "", c.token).body))
		for _, address := range []string{"summary?f=xlsx&by=county", "summary?f=xlsx&table=hectare"} {
			if r := s.with(t, address, "", c.token); !strings.Contains(openly(t, address, r), "（部分 partial）") {
				t.Errorf("%s: %s says of nothing that it is partial", name, address)
			}
		}
	}
	county0 := s.issue(t, "county", access.Scope{Places: []string{county}})
	for _, token := range []string{county0, s.tokens[edition.Secure]} {
		if got := decode[sums](t, s.with(t, "summary?table=hectare", "", token)); !got.Leveled || slices.ContainsFunc(got.Tables[0].Rows, func(r row) bool { return r.Partial }) {
			t.Errorf("%+v", got)
		}
	}
	if text := string(s.with(t, "summary?f=csv", "", s.tokens[edition.Secure]).body); strings.Contains(text, "partial") {
		t.Errorf("all of the tier: %.300s", text)
	}
}

// tableRows reads the places of a CSV and which are partial.
func tableRows(t *testing.T, text []byte) []row {
	t.Helper()
	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(text), "\uFEFF"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	last := len(lines[0]) - 1
	if lines[0][last] != "partial" || lines[0][0] != "place" {
		t.Fatalf("columns %v", lines[0])
	}
	var out []row
	for _, l := range lines[1:] {
		out = append(out, row{l[0], l[last] == "true"})
	}
	return out
}

// Of a shape, or a place, that reaches beyond what the token grants the answer says so.
func TestShapesBeyondTheScope(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	type answer struct {
		AOI struct{ Problems []struct{ Code string } }
	}
	beyond := func(a answer) bool {
		return slices.ContainsFunc(a.AOI.Problems, func(p struct{ Code string }) bool { return p.Code == "AOI_BEYOND_SCOPE" })
	}
	for name, scope := range map[string]access.Scope{"place": {Places: []string{village}}, "area": areaScope(villageBox), "places": {Places: []string{"610402002200", village}}} {
		token := s.issue(t, name, scope)
		for _, c := range []struct {
			shape string
			want  bool
		}{
			{lotPolygon(1, 1, 2, 2), false}, {lotPolygon(0, 0, 4, 4), false}, {lotPolygon(0, 0, 8, 4), name != "places"}, {lotPolygon(3, 3, 5, 5), true}, {lotPolygon(6, 6, 7, 7), true}, {lotPolygon(500, 500, 501, 501), true},
			{`{"type":"Polygon","coordinates":[[[108.7001,34.3001],[108.7003,34.3003],[108.7003,34.3001],[108.7001,34.3003],[108.7001,34.3001]]]}`, false},
		} {
			r := s.with(t, "overlay", `{"geometry":`+c.shape+`}`, token)
			if a := decode[answer](t, r); beyond(a) != c.want || r.StatusCode != http.StatusOK {
				t.Errorf("%s, %s: %+v", name, c.shape, a)
			}
			r = s.with(t, "overlay?f=csv", `{"geometry":`+c.shape+`}`, token)
			if strings.Contains(string(r.body), "AOI_BEYOND_SCOPE") != c.want {
				t.Errorf("%s, %s: %s", name, c.shape, r.body)
			}
		}
	}
	if a := decode[answer](t, s.with(t, "overlay?"+overAll, "", s.tokens[edition.Secure])); beyond(a) {
		t.Errorf("all of the tier: %+v", a)
	}
	token := s.issue(t, "lots", areaScope(lotBox(0, 0, 5, 4)))
	for place, want := range map[string]bool{village: false, "610402002200": true, "610402001": true, "610402": true} {
		if a := decode[answer](t, s.with(t, "overlay?place="+place, "", token)); beyond(a) != want {
			t.Errorf("%s: %+v", place, a)
		}
	}
}

// A receipt signs the scope, and is in force for whoever has the same alone.
func TestReceiptsOfScopes(t *testing.T) {
	s := serve(t, func(c *tileserver.Config) { c.Seal = &receipt.Sealer{Signer: newSigner(t, "own")} }, edition.Secure)
	scopes := map[string]access.Scope{village: {Places: []string{village}}, "610402": {Places: []string{"610402"}}}
	for _, b := range []geo.Box{lotBox(0, 0, 5, 5), lotBox(0, 0, 5, 6)} {
		a := areaScope(b)
		scopes[a.Ground()] = a
	}
	tokens := map[string]string{"": s.tokens[edition.Secure]}
	for name, scope := range scopes {
		tokens[name] = s.issue(t, fmt.Sprint("token", len(tokens)), scope)
	}
	for name, token := range tokens {
		for _, address := range []string{"summary?receipt=1&by=county", "overlay?receipt=1&" + overAll, "diff?receipt=1&layer=cropland&list=false", "summary?receipt=1&table=hectare", "summary?f=csv&receipt=1", "overlay?f=xlsx&receipt=1&" + overAll} {
			r := s.with(t, address, "", token)
			for other, judge := range tokens {
				v := decode[verdictDoc](t, s.post(t, "/secure/verify", string(r.body), "Authorization", "Bearer "+judge, "Gengtu-Receipt", r.Header.Get("Gengtu-Receipt")))
				if !v.Genuine || v.Receipt.Scope != name || v.InForce != (name == other) {
					t.Errorf("%s of %q, judged by %q: %+v", address, name, other, v)
				}
			}
		}
	}
}

// A question by place to a token without the layer of places says what is missing; the
// layers that are asked about and not granted are refused all the same.
func TestPlaceWithoutRegions(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	token := s.issue(t, "layers", access.Scope{Places: []string{village}, Layers: []string{"cropland", "pbf"}})
	for _, address := range []string{"overlay?place=" + village, "overlay?layers=hsf&place=" + village} {
		r := s.with(t, address, "", token)
		wantProblem(t, address, r, http.StatusForbidden, "token_refused")
		if !strings.Contains(string(r.body), "region") || !strings.Contains(string(r.body), "cropland pbf") {
			t.Errorf("%s: %s", address, r.body)
		}
	}
	if r := s.with(t, "summary?by=village&place="+village, "", token); r.StatusCode != http.StatusOK {
		t.Errorf("sums by code need no outline: %d %s", r.StatusCode, r.body)
	}
}
