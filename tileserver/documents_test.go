package tileserver_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/tileserver"
)

type catalogDoc struct {
	Tier, Generation, Approval string
	Extent                     []float64
	Limits                     map[string]any
	Services                   map[string]string
	Layers                     []struct {
		Name, Vintage string
		Vintages      []string
		Features      int
		AreaM2        float64  `json:"area_m2"`
		NetM2         *float64 `json:"net_m2"`
		Fields        []struct{ Name string }
		Services      map[string]string
	}
}

// The catalogue names the tier's layers and fields and nothing of other tiers;
// addresses carry the token and what was asked for, and lead to answers.
func TestContractCatalog(t *testing.T) {
	s := serve(t, nil, edition.Secure, edition.Public)
	secure := decode[catalogDoc](t, s.get(t, "/secure/catalog?tk="+s.tokens[edition.Secure]))
	public := s.get(t, "/public/catalog")
	for _, word := range []string{"secure", "government", "dltb", "DLBM", "BSM", "QSDWMC"} {
		if bytes.Contains(public.body, []byte(word)) {
			t.Errorf("the public catalogue speaks of %s", word)
		}
	}
	if len(secure.Layers) != 5 || secure.Generation != s.generations[edition.Secure] || secure.Approval == "" || len(secure.Extent) != 4 {
		t.Errorf("the secure catalogue is %+v", secure)
	}
	total := 0.0
	for _, l := range secure.Layers {
		if l.Name != "cropland" {
			continue
		}
		if total = l.AreaM2; l.Features != lots*lots || fmt.Sprint(l.Vintages) != "[2024 2023]" || l.NetM2 == nil {
			t.Errorf("cropland is %+v", l)
		}
		if !strings.Contains(l.Services["mvt_w"], "/{z}/{x}/{y}.mvt?tk="+s.tokens[edition.Secure]) {
			t.Errorf("cropland's tiles are at %s", l.Services["mvt_w"])
		}
	}
	if want := lotArea(0, 0, lots, lots); math.Abs(total-want) > 1 {
		t.Errorf("cropland has %v m², want %v", total, want)
	}
	for name, address := range secure.Services {
		address = strings.TrimPrefix(address, "http://gengtu.test")
		if name == "overlay" || name == "map" {
			continue // they ask for more
		}
		if r := s.get(t, address); r.StatusCode != http.StatusOK {
			t.Errorf("service %s at %s: %d", name, address, r.StatusCode)
		}
	}
	for _, limit := range []string{"body_bytes", "url_bytes", "aoi_vertices", "aoi_features", "overlay_seconds", "answer_items", "list_features", "tile_layers", "map_pixels"} {
		if v, ok := secure.Limits[limit].(float64); !ok || v <= 0 {
			t.Errorf("limit %s is %v", limit, secure.Limits[limit])
		}
	}
}

// Addresses in answers use the public address and repeat the caller's token and
// vintage.
func TestContractAddresses(t *testing.T) {
	s := serve(t, func(c *tileserver.Config) { c.PublicURL = "https://map.example.org/gengtu/" }, edition.Secure, edition.Public)
	for tier, token := range map[edition.Tier]string{edition.Secure: s.tokens[edition.Secure], edition.Public: "a-gate-of-its-own"} {
		contractAddresses(t, s, tier, token)
	}
	if csp := s.get(t, "/").Header.Get("Content-Security-Policy"); !strings.Contains(csp, "connect-src 'self' https://map.example.org") {
		t.Errorf("the page may not talk to the public address: %s", csp)
	}
}

// The page is told which tiers this server has, and no other file or address tells it.
func TestPageTellsTiers(t *testing.T) {
	s := serve(t, nil, edition.Secure, edition.Public)
	if got := s.get(t, "/").Header.Get("Gengtu-Tiers"); got != "secure public" {
		t.Errorf("the page is told of %q", got)
	}
	for _, address := range []string{"/viewer/LICENCES.txt", "/public/catalog", "/health", "/viewer/none"} {
		if got := s.get(t, address).Header.Get("Gengtu-Tiers"); got != "" {
			t.Errorf("%s tells of %q", address, got)
		}
	}
	alone := serve(t, nil, edition.Public)
	if got := alone.get(t, "/").Header.Get("Gengtu-Tiers"); got != "public" {
		t.Errorf("a server of public alone tells of %q", got)
	}
}

func contractAddresses(t *testing.T, s *service, tier edition.Tier, token string) {
	base := "https://map.example.org/gengtu/" + string(tier) + "/"
	for address, wants := range map[string][]string{
		"style.json":                      {base + "tiles/", base + "fonts/"},
		"tiles/all/w.json":                {base + "tiles/all/w/{z}/{x}/{y}.mvt?"},
		"wmts/1.0.0/WMTSCapabilities.xml": {base + "wmts"},
	} {
		r := s.get(t, "/"+string(tier)+"/"+address+"?vintage=2024&tk="+token)
		for _, want := range append(wants, "tk="+token, "vintage=2024") {
			if !bytes.Contains(r.body, []byte(want)) {
				t.Errorf("%s: no %s in %.600s", address, want, r.body)
			}
		}
		if bytes.Contains(r.body, []byte("gengtu.test")) {
			t.Errorf("%s names the address that it was asked at", address)
		}
	}
}

func TestContractFeatures(t *testing.T) {
	s := serve(t, nil, edition.Government, edition.Public)
	type feature struct {
		Type       string
		ID         uint64
		Layer      string
		AreaM2     float64 `json:"area_m2"`
		Properties map[string]any
		Geometry   struct{ Type string }
		Features   []struct{ ID uint64 }
	}
	f := decode[feature](t, s.get(t, "/government/features/cropland/1009", s.bearer(edition.Government)...))
	if f.Type != "Feature" || f.ID != 1009 || f.Layer != "cropland" || f.Properties["BSM"] != bsm(1, 1) || f.Geometry.Type != "Polygon" || math.Abs(f.AreaM2-lotArea(1, 1, 2, 2)) > 1e-6 {
		t.Errorf("feature 1009 is %+v", f)
	}
	if v, ok := f.Properties["KD"]; !ok || v != nil {
		t.Errorf("a number that is none is told as %v", v)
	}
	if _, ok := f.Properties["QSDWMC"]; ok {
		t.Error("a field of the secure edition is shown")
	}
	if byCode := decode[feature](t, s.get(t, "/government/features/cropland?code="+bsm(1, 1), s.bearer(edition.Government)...)); byCode.ID != 1009 {
		t.Errorf("by its code it is %+v", byCode)
	}
	two := decode[feature](t, s.get(t, "/government/features/cropland?code="+bsm(1, lots-1), s.bearer(edition.Government)...))
	if two.Type != "FeatureCollection" || len(two.Features) != 2 {
		t.Errorf("a code of two features gives %+v", two)
	}
}

// A code that is sought in several layers is answered with a collection, in the order of
// the layers, and with the reason of each layer that has none.
func TestCodeInSeveralLayers(t *testing.T) {
	s := serve(t, nil, edition.Government, edition.Public)
	type answer struct {
		Type     string
		Features []struct {
			ID    uint64
			Layer string
		}
		Missing []struct{ Layer, Code, Detail, Advice string }
	}
	ask := func(address string) answer {
		t.Helper()
		r := s.get(t, "/government/features/"+address, append(s.bearer(edition.Government), "Accept-Language", "en")...)
		if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "application/geo+json" {
			t.Fatalf("%s: %d %s", address, r.StatusCode, r.body)
		}
		return decode[answer](t, r)
	}
	a := ask("pbf,cropland?code=" + bsm(1, 1))
	if a.Type != "FeatureCollection" || len(a.Features) != 1 || a.Features[0].ID != 1009 || a.Features[0].Layer != "cropland" {
		t.Errorf("found are %+v", a)
	}
	if len(a.Missing) != 1 || a.Missing[0].Layer != "pbf" || a.Missing[0].Code != "no_feature" || !strings.Contains(a.Missing[0].Detail, bsm(1, 1)) {
		t.Errorf("missing are %+v", a.Missing)
	}
	if a = ask("pbf,cropland?code=nosuch"); a.Type != "FeatureCollection" || a.Features == nil || len(a.Features) != 0 || len(a.Missing) != 2 {
		t.Errorf("an unknown code gives %+v", a)
	}
	wantProblem(t, "a vintage that one of them lacks", s.get(t, "/government/features/cropland,pbf?vintage=2023&code="+bsm(3, 3), s.bearer(edition.Government)...), http.StatusNotFound, "no_vintage")
}

func TestContractPlacesAndSummary(t *testing.T) {
	s := serve(t, nil, edition.Government, edition.Public)
	type list struct {
		Total  int
		Places []struct {
			Code, Name string
			Extent     []float64
		}
	}
	for query, want := range map[string]string{
		"": "610402001 610402001200 610402001201 610402002 610402002200 610402002201", "q=%E8%A5%BF": "610402001 610402001200 610402001201",
		"q=610402002": "610402002 610402002200 610402002201", "parent=610402001": "610402001200 610402001201", "parent=610402001&q=%E5%8D%97": "610402001200", "q=nowhere": "",
	} {
		l := decode[list](t, s.get(t, "/government/places?"+query, s.bearer(edition.Government)...))
		var codes []string
		for _, p := range l.Places {
			codes = append(codes, p.Code)
		}
		if got := strings.Join(codes, " "); got != want || l.Total != len(codes) {
			t.Errorf("places?%s: %s, want %s", query, got, want)
		}
	}
	type table struct {
		Rows []struct {
			Place, Layer, Class string
			Features            int
			AreaM2              float64  `json:"area_m2"`
			PatchM2             *float64 `json:"patch_m2"`
			NetM2               *float64 `json:"net_m2"`
		}
	}
	sum, count := 0.0, 0
	for _, r := range decode[table](t, s.get(t, "/government/summary?by=village", s.bearer(edition.Government)...)).Rows {
		if r.Layer == "cropland" {
			sum, count = sum+r.AreaM2, count+r.Features
			if len(r.Place) != 12 || r.Class == "" || r.NetM2 == nil || math.Abs(*r.NetM2-0.93*r.AreaM2) > 1 {
				t.Errorf("row %+v", r)
			}
		}
		if r.Layer == "pbf" && (r.NetM2 != nil || r.PatchM2 == nil) {
			t.Errorf("pbf has patch areas of record and no net ones: %+v", r)
		}
	}
	if math.Abs(sum-lotArea(0, 0, lots, lots)) > 0.5 || count != lots*lots {
		t.Errorf("the summary of cropland has %v m² in %d features", sum, count)
	}
}

// style.json and legend.json are of the layers that are named, dltb too, in their order of
// drawing, or of all; what is not there is refused by name.
func TestStyleOfLayers(t *testing.T) {
	s := serve(t, nil, edition.Government)
	bearer := []string{"Authorization", "Bearer " + s.tokens[edition.Government]}
	get := func(address string) reply { return s.get(t, "/government/"+address, bearer...) }
	var styled struct {
		Sources map[string]struct{ Tiles []string }
		Layers  []struct{ ID string }
	}
	decode := func(r reply, to any) {
		t.Helper()
		if err := json.Unmarshal(r.body, to); err != nil || r.StatusCode != http.StatusOK {
			t.Fatalf("%d %v: %s", r.StatusCode, err, r.body)
		}
	}
	decode(get("style.json?layers=cropland,dltb"), &styled)
	var ids, tiles []string
	for _, l := range styled.Layers {
		ids = append(ids, l.ID)
	}
	for _, src := range styled.Sources {
		tiles = append(tiles, src.Tiles...)
	}
	if got := strings.Join(ids, " "); got != "background dltb-fill cropland-fill dltb-line cropland-line" {
		t.Errorf("layers %s", got)
	}
	if got := strings.Join(tiles, " "); !strings.Contains(got, "/tiles/dltb,cropland/w/") {
		t.Errorf("tiles %s", got)
	}
	var legend struct{ Layers []struct{ Layer string } }
	decode(get("legend.json?layers=dltb"), &legend)
	if len(legend.Layers) != 1 || legend.Layers[0].Layer != "dltb" {
		t.Errorf("legend %v", legend)
	}
	if all, none := get("style.json?layers=all"), get("style.json"); string(all.body) != string(none.body) {
		t.Error("layers=all is not the default")
	}
	for address, code := range map[string]string{
		"style.json?layers=nothing": "no_layer", "legend.json?layers=cropland,nothing": "no_layer", "style.json?layers=cropland,cropland": "parameter_layers",
	} {
		status := map[string]int{"no_layer": http.StatusNotFound, "parameter_layers": http.StatusBadRequest}[code]
		wantProblem(t, address, get(address), status, code)
	}
}
