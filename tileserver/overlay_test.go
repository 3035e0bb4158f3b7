package tileserver_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/receipt"
	"gengtu/tileserver"
)

// overlayAnswer is an answer, or an element of a collection's.
type overlayAnswer struct {
	ID         any
	Properties any
	Status     string
	Problem    *struct{ Code, Zh, En string }

	Generation, Program, Tier, Formula string

	AOI struct {
		AreaM2   float64  `json:"area_m2"`
		AreaMu   float64  `json:"area_mu"`
		SurveyM2 *float64 `json:"survey_m2"`
		Mended   bool
		Problems []struct{ Code string }
	}
	Layers []struct {
		Layer, Vintage string
		Features       int
		AreaM2         float64  `json:"area_m2"`
		AreaMu         float64  `json:"area_mu"`
		AreaHa         float64  `json:"area_ha"`
		PatchM2        *float64 `json:"patch_m2"`
		NetM2          *float64 `json:"net_m2"`
		NetMu          *float64 `json:"net_mu"`
		GrossM2        float64  `json:"gross_area_m2"`
		Groups         []map[string]any
		Pieces         *[]struct {
			ID       uint64
			AreaM2   float64 `json:"area_m2"`
			NetM2    *float64
			Geometry struct{ Type string }
		}
	}
	Combinations []struct {
		Inside, Outside []string
		AreaM2          float64             `json:"area_m2"`
		NetM2           map[string]*float64 `json:"net_m2"`
	}
	Failed []any
}

// lotPolygon is a GeoJSON polygon of lots.
func lotPolygon(x0, y0, x1, y1 int) string {
	return string(geo.AppendGeoJSON(nil, geo.MultiPolygon{lotBox(x0, y0, x1, y1).Polygon()}))
}

func near(got, want float64) bool { return math.Abs(got-want) <= 2e-4+1e-10*math.Abs(want) }

// A shape over all three layers: each figure of the contract is what the lots
// add up to.
func TestOverlayAnswer(t *testing.T) {
	s := serve(t, nil, edition.Government)
	head := s.bearer(edition.Government)
	a := decode[overlayAnswer](t, s.post(t, "/government/overlay",
		`{"geometry":`+lotPolygon(1, 1, 5, 5)+`,"layers":["cropland","pbf","hsf"],"group_by":{"cropland":["DLBM"]},"return":"features","combinations":true,"crs":"EPSG:4490"}`, head...))
	all := lotArea(1, 1, 5, 5)
	if a.Generation != s.generations[edition.Government] || a.Program != "gengtu test" || a.Tier != "government" || a.Formula != "ellipsoidal CGCS2000" || len(a.Failed) != 0 || a.Failed == nil {
		t.Errorf("the answer calls itself %+v", a)
	}
	if !near(a.AOI.AreaM2, all) || !near(a.AOI.AreaMu, all*0.0015) || a.AOI.Mended || len(a.AOI.Problems) != 0 {
		t.Errorf("aoi %+v, want %v m²", a.AOI, all)
	}
	crop, pbf, hsf := a.Layers[0], a.Layers[1], a.Layers[2]
	if crop.Features != 16 || !near(crop.AreaM2, all) || !near(crop.GrossM2, all) || math.Abs(*crop.NetM2-0.93*all) > 0.1 || math.Abs(*crop.PatchM2-all) > 0.1 || !near(*crop.NetMu, *crop.NetM2*0.0015) {
		t.Errorf("cropland %+v", crop)
	}
	if pbf.Features != 1 || !near(pbf.AreaM2, lotArea(1, 1, 4, 4)) || pbf.NetM2 != nil || pbf.PatchM2 == nil || pbf.NetMu != nil {
		t.Errorf("pbf %+v", pbf)
	}
	if !near(hsf.AreaM2, lotArea(2, 2, 5, 5)) || math.Abs(hsf.AreaHa-hsf.AreaM2/1e4) > 1e-6 {
		t.Errorf("hsf %+v", hsf)
	}
	if len(crop.Groups) != 3 || crop.Groups[0]["DLBM"] != "0101" || crop.Pieces == nil || len(*crop.Pieces) != 16 || (*crop.Pieces)[0].Geometry.Type != "Polygon" {
		t.Errorf("groups %v, pieces %v", crop.Groups, crop.Pieces)
	}
	units := int64(0)
	for _, c := range a.Combinations {
		units += int64(math.Round(c.AreaM2 * 1e4))
	}
	if len(a.Combinations) != 4 || units != int64(math.Round(a.AOI.AreaM2*1e4)) {
		t.Errorf("combinations %+v add up to %d units of %v", a.Combinations, units, a.AOI.AreaM2)
	}
}

// The same square in every form and coordinate system has the same ground.
func TestOverlayForms(t *testing.T) {
	s := serve(t, nil, edition.Government)
	head := s.bearer(edition.Government)
	want := lotArea(0, 0, 2, 2)
	square := lotPolygon(0, 0, 2, 2)
	inPlane := func(code int) string {
		crs, err := geo.EPSG(code)
		if err != nil {
			t.Fatal(err)
		}
		var points []string
		for _, p := range lotBox(0, 0, 2, 2).Polygon()[0] {
			xy := crs.Forward(p.LonLat())
			points = append(points, fmt.Sprintf("[%.4f,%.4f,7]", xy.X, xy.Y))
		}
		return `{"type":"Polygon","coordinates":[[` + strings.Join(points, ",") + `]]}`
	}
	b := lotBox(0, 0, 2, 2)
	lo, hi := b.Min.LonLat(), b.Max.LonLat()
	for name, body := range map[string]string{
		"a geometry":                 `{"geometry":` + square + `}`,
		"a feature":                  `{"geometry":{"type":"Feature","id":3,"properties":null,"geometry":` + square + `}}`,
		"EPSG:4326":                  `{"geometry":` + square + `,"crs":"EPSG:4326"}`,
		"EPSG:4524, zone 36":         `{"geometry":` + inPlane(4524) + `,"crs":"EPSG:4524"}`,
		"EPSG:4526, zone 38, beside": `{"geometry":` + inPlane(4526) + `,"crs":"EPSG:4526"}`,
		"EPSG:4545, without zone":    `{"geometry":` + inPlane(4545) + `,"crs":"EPSG:4545"}`,
		"EPSG:3857":                  `{"geometry":` + inPlane(3857) + `,"crs":"EPSG:3857"}`,
	} {
		r := s.post(t, "/government/overlay", body, head...)
		a := decode[overlayAnswer](t, r)
		if r.StatusCode != http.StatusOK || math.Abs(a.AOI.AreaM2-want) > 0.02 || len(a.Layers) != 3 || math.Abs(a.Layers[0].AreaM2-want) > 0.02 || a.Layers[0].Pieces != nil {
			t.Errorf("%s: %d %.400s, want %v m²", name, r.StatusCode, r.body, want)
		}
		if r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: headers %v", name, r.Header)
		}
	}
	bbox := decode[overlayAnswer](t, s.get(t, fmt.Sprintf("/government/overlay?bbox=%v,%v,%v,%v&layers=cropland,hsf&combinations=false&group_by=DLBM", lo.Lon, lo.Lat, hi.Lon, hi.Lat), head...))
	if !near(bbox.AOI.AreaM2, want) || len(bbox.Layers) != 2 || bbox.Combinations != nil || len(bbox.Layers[0].Groups) != 3 || bbox.Layers[1].Groups != nil {
		t.Errorf("bbox: %+v", bbox)
	}
	point := decode[overlayAnswer](t, s.get(t, "/government/overlay?point=108.7035,34.3035&return=features&layers=cropland,pbf", head...))
	if point.Layers[0].Features != 1 || (*point.Layers[0].Pieces)[0].ID != 1000+3*lots+3 || point.Layers[1].Features != 1 {
		t.Errorf("point: %+v", point.Layers)
	}
	crs, err := geo.EPSG(4524)
	if err != nil {
		t.Fatal(err)
	}
	xy := crs.Forward(geo.LonLat{Lon: 108.7035, Lat: 34.3035})
	metres := decode[overlayAnswer](t, s.get(t, fmt.Sprintf("/government/overlay?point=%.3f,%.3f&crs=EPSG:4524&layers=cropland", xy.X, xy.Y), head...))
	if len(metres.Layers) != 1 || metres.Layers[0].Features != 1 {
		t.Errorf("point in metres: %+v", metres.Layers)
	}
	for code, area := range map[string]float64{"610402001": lotArea(0, 0, 4, lots), "610402002200": lotArea(4, 0, lots, 4), "61": lotArea(0, 0, lots, lots)} {
		byPost := decode[overlayAnswer](t, s.post(t, "/government/overlay", `{"place":"`+code+`"}`, head...))
		byGet := decode[overlayAnswer](t, s.get(t, "/government/overlay?place="+code, head...))
		if !near(byPost.AOI.AreaM2, area) || !near(byGet.Layers[0].AreaM2, area) {
			t.Errorf("place %s: %v and %v, want %v", code, byPost.AOI.AreaM2, byGet.Layers[0].AreaM2, area)
		}
	}
	old := decode[overlayAnswer](t, s.post(t, "/government/overlay", `{"geometry":`+lotPolygon(0, 6, 2, 8)+`,"layers":["cropland"],"vintage":"2023"}`, head...))
	if old.Layers[0].Vintage != "2023" || !near(old.Layers[0].AreaM2, lotArea(0, 6, 2, 7)) {
		t.Errorf("2023: %+v", old.Layers)
	}
}

// A collection is answered by an array, in order, each with its own; one bad
// shape never fails the rest.
func TestOverlayCollection(t *testing.T) {
	s := serve(t, nil, edition.Government)
	head := s.bearer(edition.Government)
	feature := func(id, geometry string) string {
		return `{"type":"Feature","id":` + id + `,"properties":{"n":` + id + `},"geometry":` + geometry + `}`
	}
	collection := func(features ...string) string {
		return `{"geometry":{"type":"FeatureCollection","features":[` + strings.Join(features, ",") + `]}}`
	}
	bow := `{"type":"Polygon","coordinates":[[[108.7,34.3],[108.702,34.302],[108.702,34.3],[108.7,34.302],[108.7,34.3]]]}`
	body := collection(feature("1", lotPolygon(0, 0, 1, 1)), feature(`"b"`, "null"), feature("3", `{"type":"Point","coordinates":[108.7,34.3]}`),
		feature("4", `{"type":"Polygon","coordinates":[[[36500000,3800000],[36500100,3800000],[36500100,3800100]]]}`), feature("5", lotPolygon(60, 60, 61, 61)),
		feature("6", bow), `{"type":"Feature","geometry":{"type":"Polygon","coordinates":[]}}`, feature("8", lotPolygon(0, 0, 2, 2)))
	answers := decode[[]overlayAnswer](t, s.post(t, "/government/overlay", body, head...))
	want := []string{"ok", "AOI_EMPTY", "GEOMETRY_REFUSED", "CRS_MISMATCH", "ok AOI_OUTSIDE", "ok RING_SELF_CROSSING", "AOI_EMPTY", "ok"}
	for i, a := range answers {
		got := a.Status
		if a.Problem != nil {
			got = a.Problem.Code
			if a.Status != "failed" || a.Layers != nil {
				t.Errorf("shape %d failed and says %+v", i, a)
			}
		}
		for _, p := range a.AOI.Problems {
			got += " " + p.Code
		}
		if i >= len(want) || got != want[i] {
			t.Errorf("shape %d: %s, want %s", i, got, want[min(i, len(want)-1)])
		}
	}
	if len(answers) != len(want) {
		t.Fatalf("%d answers", len(answers))
	}
	if answers[0].ID != 1.0 || answers[1].ID != "b" || answers[6].ID != nil || answers[7].Properties.(map[string]any)["n"] != 8.0 {
		t.Errorf("ids %v %v %v", answers[0].ID, answers[1].ID, answers[6].ID)
	}
	if !strings.Contains(answers[3].Problem.En, "4490") && !strings.Contains(answers[3].Problem.Zh, "坐标") {
		t.Errorf("metres as degrees: %+v", answers[3].Problem)
	}
	if !answers[5].AOI.Mended || answers[0].AOI.Mended {
		t.Error("only the bow was mended")
	}
	one := decode[[]overlayAnswer](t, s.post(t, "/government/overlay", collection(feature("1", lotPolygon(0, 0, 1, 1))), head...))
	if len(one) != 1 || one[0].Status != "ok" {
		t.Errorf("a collection of one gives %+v", one)
	}
	if none := s.post(t, "/government/overlay", collection(), head...); strings.TrimSpace(string(none.body)) != "[]" {
		t.Errorf("a collection of none gives %s", none.body)
	}

	r := s.post(t, "/government/overlay?f=csv", body, head...)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(r.body), "\uFEFF"))).ReadAll()
	if err != nil || r.Header.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.Contains(r.Header.Get("Content-Disposition"), "overlay.csv") {
		t.Fatalf("%v %v", err, r.Header)
	}
	seen, problems := map[string]string{}, map[string]string{}
	last := len(rows[0]) - 1
	for _, row := range rows[1:] {
		if _, ok := seen[row[0]]; !ok {
			seen[row[0]], problems[row[0]] = row[2], row[last]
		}
	}
	if len(seen) != 8 || seen["1"] != "ok" || !strings.HasPrefix(seen["2"], "failed") || seen["5"] != "ok" {
		t.Errorf("the table tells %v", seen)
	}
	if rows[0][last] != "problems" || problems["1"] != "" || problems["5"] != "AOI_OUTSIDE" {
		t.Errorf("the column %s tells %v", rows[0][last], problems)
	}
}

// What an overlay refuses, with which code.
func TestOverlayRefuses(t *testing.T) {
	s := serve(t, func(c *tileserver.Config) {
		c.Limits = tileserver.Limits{AOIFeatures: 2, AOIVertices: 50, AnswerItems: 10, OverlayVertices: 30_000}
	},
		edition.Government, edition.Public)
	square := lotPolygon(0, 0, 2, 2)
	wide := `{"type":"Polygon","coordinates":[[[-20000000,0],[20000000,0],[20000000,10000000],[-20000000,10000000]]]}`
	for _, c := range []struct {
		name, body string
		status     int
		code       string
	}{
		{"no body", "", 400, "json_syntax"},
		{"half a body", `{"geometry":`, 400, "json_syntax"},
		{"something behind the body", `{"place":"61"}}`, 400, "json_syntax"},
		{"a body of another kind", `[]`, 400, "json_member"},
		{"an unknown member", `{"geom":1}`, 400, "json_member"},
		{"a member of another kind", `{"place":"61","layers":"cropland"}`, 400, "json_member"},
		{"neither geometry nor place", `{}`, 400, "parameter_shape"},
		{"a null geometry", `{"geometry":null}`, 400, "parameter_shape"},
		{"both geometry and place", `{"geometry":` + square + `,"place":"61"}`, 400, "parameter_shape"},
		{"a feature without a geometry", `{"geometry":{"type":"Feature","geometry":null}}`, 400, "aoi_empty"},
		{"an empty geometry", `{"geometry":{"type":"Polygon","coordinates":[]}}`, 400, "aoi_empty"},
		{"a point", `{"geometry":{"type":"Point","coordinates":[108,34]}}`, 400, "geometry_refused"},
		{"NaN", `{"geometry":{"type":"Polygon","coordinates":[[[NaN,34],[108,34],[108,35]]]}}`, 400, "json_syntax"},
		{"a number beyond floats", `{"geometry":{"type":"Polygon","coordinates":[[[1e999,34],[108,34],[108,35]]]}}`, 400, "geometry_refused"},
		{"a text for a geometry", `{"geometry":"x"}`, 400, "geojson_syntax"},
		{"an unknown system", `{"geometry":` + square + `,"crs":"EPSG:2434"}`, 400, "crs_unknown"},
		{"degrees sent as metres", `{"geometry":` + square + `,"crs":"EPSG:4524"}`, 400, "crs_mismatch"},
		{"an unknown layer", `{"geometry":` + square + `,"layers":["roads"]}`, 404, "no_layer"},
		{"an unknown vintage", `{"geometry":` + square + `,"vintage":"1999"}`, 404, "no_vintage"},
		{"an unknown field", `{"geometry":` + square + `,"group_by":{"cropland":["XM"]}}`, 400, "parameter_field"},
		{"a field of a higher edition", `{"geometry":` + square + `,"group_by":{"cropland":["QSDWMC"]}}`, 400, "parameter_field"},
		{"an unknown return", `{"geometry":` + square + `,"return":"all"}`, 400, "parameter_return"},
		{"an unknown place", `{"place":"62"}`, 404, "no_place"},
		{"a place that is none", `{"place":"6"}`, 400, "parameter_place"},
		{"a shape too many", `{"geometry":{"type":"FeatureCollection","features":[1,2,3]}}`, 413, "too_large_collection"},
		{"vertices too many", `{"geometry":{"type":"Polygon","coordinates":[[` + strings.Repeat("[108,34],", 50) + `[109,35]]]}}`, 413, "too_large_shapes"},
		{"four vertices whose edges are too long", `{"geometry":` + wide + `,"crs":"EPSG:3857"}`, 413, "too_large_shapes"},
		{"pieces too many", `{"geometry":` + lotPolygon(0, 0, 4, 4) + `,"return":"features"}`, 413, "too_large_answer"},
	} {
		wantProblem(t, c.name, s.post(t, "/government/overlay", c.body, s.bearer(edition.Government)...), c.status, c.code)
	}
	for _, c := range []struct {
		name, query string
		code        string
	}{
		{"three numbers", "bbox=1,2,3", "parameter_number"}, {"no numbers", "bbox=a,b,c,d", "parameter_number"}, {"NaN", "bbox=nan,34,109,35", "parameter_number"},
		{"infinity", "bbox=-inf,34,109,35", "parameter_number"}, {"a box the wrong way round", "bbox=109,34,108,35", "parameter_bbox"},
		{"box and point", "bbox=108,34,109,35&point=108,34", "parameter_shape"}, {"place and point", "place=61&point=108,34", "parameter_shape"},
		{"latitude first", "point=34.3,108.7", "crs_mismatch"}, {"another form", "place=61&f=shp", "parameter_f"}, {"nothing", "", "parameter_shape"},
		{"neither true nor false", "place=61&combinations=maybe", "parameter_combinations"}, {"booked or not", "place=61&survey=2", "parameter_survey"}, {"a field of no layer", "place=61&group_by=XM", "parameter_field"},
	} {
		wantProblem(t, c.name, s.get(t, "/government/overlay?"+c.query, s.bearer(edition.Government)...), 400, c.code)
	}
	r := s.post(t, "/government/overlay", `{"geometry":{"type":"Polygon","coordinates":[[[36500000,3800000],[36500100,3800000],[36500100,3800100]]]}}`, s.bearer(edition.Government)...)
	if d := wantProblem(t, "metres as degrees", r, 400, "crs_mismatch"); !strings.Contains(d.Advice, "EPSG:4524") {
		t.Errorf("metres as degrees are advised %q", d.Advice)
	}
}

// The public policy: no single features, no shapes over its limit; places are
// answered.
func TestOverlayPolicy(t *testing.T) {
	s := serve(t, nil, edition.Public)
	wantProblem(t, "pieces", s.post(t, "/public/overlay", `{"geometry":`+lotPolygon(0, 0, 1, 1)+`,"return":"features"}`), 403, "policy")
	wantProblem(t, "a large shape", s.post(t, "/public/overlay", `{"geometry":`+lotPolygon(0, 0, 60, 60)+`}`), 403, "policy")
	r := s.post(t, "/public/overlay", `{"geometry":{"type":"FeatureCollection","features":[{"type":"Feature","geometry":`+lotPolygon(0, 0, 60, 60)+`},{"type":"Feature","geometry":`+lotPolygon(0, 0, 1, 1)+`}]}}`)
	if a := decode[[]overlayAnswer](t, r); a[0].Problem == nil || a[0].Problem.Code != "POLICY" || a[1].Status != "ok" {
		t.Errorf("a large shape among others: %s", r.body)
	}
	a := decode[overlayAnswer](t, s.post(t, "/public/overlay", `{"place":"610402001"}`))
	if !near(a.Layers[0].AreaM2, lotArea(0, 0, 4, lots)) || a.Layers[0].NetM2 != nil || a.Layers[0].PatchM2 != nil {
		t.Errorf("a place: %+v", a.Layers)
	}
	wantProblem(t, "a village", s.post(t, "/public/overlay", `{"place":"610402001200"}`), 404, "no_place")
}

// Where single features are refused, groups of one feature each are too.
func TestOverlayPolicyGroups(t *testing.T) {
	s := serve(t, nil, edition.Public, edition.Government)
	square := lotPolygon(1, 1, 3, 3)
	var field string
	for _, l := range decode[struct {
		Layers []struct {
			Name   string
			Fields []struct {
				Name string
				Code bool
			}
		}
	}](t, s.get(t, "/public/catalog")).Layers {
		if l.Name == "pbf" && len(l.Fields) == 1 {
			field = l.Fields[0].Name
		}
	}
	body := `{"geometry":` + square + `,"layers":["pbf"],"group_by":{"pbf":["` + field + `"]}}`
	wantProblem(t, "codes in a body", s.post(t, "/public/overlay", body), http.StatusForbidden, "policy")
	wantProblem(t, "codes in the address", s.get(t, "/public/overlay?bbox=108.7,34.3,108.701,34.301&layers=pbf&group_by="+field), http.StatusForbidden, "policy")
	wantProblem(t, "codes of a place", s.get(t, "/public/overlay?place=610402001&layers=pbf&group_by="+field), http.StatusForbidden, "policy")
	if a := decode[overlayAnswer](t, s.post(t, "/government/overlay", body, s.bearer(edition.Government)...)); len(a.Layers) != 1 || len(a.Layers[0].Groups) == 0 {
		t.Errorf("codes where features are given: %+v", a)
	}
}

// The pieces of a collection are bounded together: from the shape on that goes
// beyond, each is told so.
func TestOverlayPiecesTogether(t *testing.T) {
	s := serve(t, func(c *tileserver.Config) { c.Limits.AnswerItems = 10 }, edition.Government)
	var features []string
	for x := range 5 {
		features = append(features, `{"type":"Feature","id":`+fmt.Sprint(x)+`,"geometry":`+lotPolygon(x, 4, x+1, 8)+`}`)
	}
	body := `{"type":"FeatureCollection","features":[` + strings.Join(features, ",") + `]}`
	codes := func(query string) string {
		var got []string
		for line := range strings.Lines(string(s.post(t, "/government/overlay?layers=cropland"+query, body, s.bearer(edition.Government)...).body)) {
			var a overlayAnswer
			if err := json.Unmarshal([]byte(line), &a); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			if got = append(got, a.Status); a.Problem != nil {
				got[len(got)-1] = a.Problem.Code
			}
		}
		return strings.Join(got, " ")
	}
	const want = "ok ok TOO_LARGE_ANSWER TOO_LARGE_ANSWER TOO_LARGE_ANSWER"
	if got := codes("&f=ndjson&return=features"); got != want {
		t.Errorf("features: %s, want %s", got, want)
	}
	if got := codes("&f=ndjson"); got != "ok ok ok ok ok" {
		t.Errorf("sums: %s", got)
	}
	held := decode[[]overlayAnswer](t, s.post(t, "/government/overlay?layers=cropland&return=features", body, s.bearer(edition.Government)...))
	if len(held) != 5 || held[1].Status != "ok" || held[2].Problem == nil || held[4].Problem == nil || held[4].ID != 4.0 {
		t.Errorf("as one array: %+v", held)
	}
}

// An overlay that takes longer than its limit is given up; when all places are
// taken the next is told to come again.
func TestOverlayTimeAndPlaces(t *testing.T) {
	slow := serve(t, func(c *tileserver.Config) { c.Limits.Overlay = time.Nanosecond }, edition.Public)
	wantProblem(t, "out of time", slow.post(t, "/public/overlay", `{"geometry":`+lotPolygon(0, 0, 2, 2)+`}`), http.StatusServiceUnavailable, "timeout")
	wantProblem(t, "a summary out of time", slow.get(t, "/public/summary"), http.StatusServiceUnavailable, "timeout")

	s := serve(t, func(c *tileserver.Config) {
		c.Limits.OverlayAtOnce, c.Limits.MapAtOnce = 1, 1
		c.Seal = &receipt.Sealer{Signer: newSigner(t, "own")}
	}, edition.Public)
	free := s.Server.HoldPlaces()
	for name, r := range map[string]reply{
		"overlay": s.post(t, "/public/overlay", `{"geometry":`+lotPolygon(0, 0, 2, 2)+`}`), "summary": s.get(t, "/public/summary"),
		"map": s.get(t, "/public/map.png?bbox=108.7,34.3,108.71,34.31"), "verify": s.post(t, "/public/verify", "{}"),
	} {
		wantProblem(t, name, r, http.StatusTooManyRequests, "too_many")
		if r.Header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", name)
		}
	}
	free()
	if r := s.post(t, "/public/overlay", `{"geometry":`+lotPolygon(0, 0, 2, 2)+`}`); r.StatusCode != http.StatusOK {
		t.Errorf("with a free place: %d", r.StatusCode)
	}
}

func FuzzOverlayBody(f *testing.F) {
	s := serve(f, nil, edition.Public)
	for _, b := range []string{`{"place":"610402001"}`, `{"geometry":` + lotPolygon(0, 0, 1, 1) + `,"layers":["pbf"],"combinations":false}`, `{"geometry":{"type":"FeatureCollection","features":[null,{"type":"Feature","geometry":null}]}}`, `{"geometry":1,"crs":"4524"}`, `[`} {
		f.Add(b)
	}
	// Whatever the body, the answer is JSON with figures or a problem of the
	// caller's; never a fault of ours.
	f.Fuzz(func(t *testing.T, body string) {
		r := s.post(t, "/public/overlay", body)
		if r.StatusCode >= 500 || !json.Valid(r.body) {
			t.Fatalf("%d %s", r.StatusCode, r.body)
		}
	})
}
