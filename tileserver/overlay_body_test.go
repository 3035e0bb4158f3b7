package tileserver_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"gengtu/index/edition"
	"gengtu/tileserver"
)

// What the address asks counts beside a body of JSON, where the body says nothing
// else.
func TestOverlayBeside(t *testing.T) {
	s := serve(t, nil, edition.Government)
	head := s.bearer(edition.Government)
	square := lotPolygon(0, 0, 2, 2)
	post := func(query, body string) reply { return s.post(t, "/government/overlay"+query, body, head...) }
	geometry := `{"geometry":` + square + `}`

	a := decode[overlayAnswer](t, post("?layers=cropland&survey=true&return=features&group_by=DLBM&combinations=false", geometry))
	if len(a.Layers) != 1 || a.Layers[0].Pieces == nil || len(a.Layers[0].Groups) != 3 || a.Combinations != nil || a.AOI.SurveyM2 == nil {
		t.Errorf("the address is not heard: %+v", a)
	}
	for _, c := range []struct{ name, query, body string }{
		{"fields of the body's layers", "?group_by=DLBM", `{"geometry":` + square + `,"layers":["cropland"]}`},
		{"null is nothing said", "?layers=cropland&group_by=DLBM", `{"geometry":` + square + `,"layers":null,"group_by":null}`},
		{"the same twice", "?layers=cropland&group_by=DLBM&crs=4490&survey=false", `{"geometry":` + square + `,"layers":["cropland"],"group_by":{"cropland":["DLBM"]},"crs":"EPSG:4490","survey":false}`},
		{"a box beside what is asked", "?bbox=108.7,34.3,108.702,34.302", `{"layers":["cropland"],"group_by":{"cropland":["DLBM"]}}`},
	} {
		r := post(c.query, c.body)
		if a := decode[overlayAnswer](t, r); len(a.Layers) != 1 || len(a.Layers[0].Groups) != 3 {
			t.Errorf("%s: %.300s", c.name, r.body)
		}
	}
	old := decode[overlayAnswer](t, post("?vintage=2023&group_by=DLBM", `{"geometry":`+square+`,"layers":["cropland"]}`))
	if len(old.Layers) != 1 || old.Layers[0].Vintage != "2023" {
		t.Errorf("vintage: %+v", old.Layers)
	}
	for _, c := range []struct{ name, query, body, code string }{
		{"other layers", "?layers=pbf", `{"geometry":` + square + `,"layers":["cropland"]}`, "parameter_twice"},
		{"another system", "?crs=EPSG:4524", `{"geometry":` + square + `,"crs":"EPSG:4490"}`, "parameter_twice"},
		{"another vintage", "?vintage=2023", `{"geometry":` + square + `,"vintage":"2024"}`, "parameter_twice"},
		{"other combinations", "?combinations=true", `{"geometry":` + square + `,"combinations":false}`, "parameter_twice"},
		{"an unknown system", "?crs=EPSG:2434", geometry, "crs_unknown"}, {"a place beside", "?place=61", geometry, "parameter_shape"},
		{"a point beside a place", "?point=108.7,34.3", `{"place":"61"}`, "parameter_shape"},
	} {
		wantProblem(t, c.name, post(c.query, c.body), http.StatusBadRequest, c.code)
	}
}

// GeoJSON is taken for what it is whatever it is called, behind a byte order mark
// too, and never in another encoding.
func TestOverlayPlainGeoJSON(t *testing.T) {
	s := serve(t, nil, edition.Government)
	head := s.bearer(edition.Government)
	square := lotPolygon(0, 0, 2, 2)
	feature := `{"crs":null,"properties":{"name":"耕地"},"geometry":` + square + `,"id":7,"type":"Feature"}`
	const mark = "\uFEFF"
	for _, c := range []struct{ name, contentType, body string }{
		{"a geometry", "application/json", square}, {"a feature", "application/json", feature}, {"as text", "text/plain", feature}, {"without a type", "", feature},
		{"a mark", "application/geo+json", mark + square}, {"a mark before what is asked", "application/json", mark + `{"geometry":` + square + `,"layers":["cropland"]}`},
		{"a mark before text", "text/plain", mark + square}, {"white space", "application/json", " \n" + square},
	} {
		r := s.post(t, "/government/overlay?layers=cropland", c.body, append(head, "Content-Type", c.contentType)...)
		if a := decode[overlayAnswer](t, r); len(a.Layers) != 1 || !near(a.AOI.AreaM2, lotArea(0, 0, 2, 2)) {
			t.Errorf("%s: %d %.300s", c.name, r.StatusCode, r.body)
		}
	}
	collection := `{"features":[` + feature + `],"type":"FeatureCollection","name":"x"}`
	if a := decode[[]overlayAnswer](t, s.post(t, "/government/overlay", collection, head...)); len(a) != 1 || a[0].ID != 7.0 {
		t.Errorf("a collection: %+v", a)
	}
	gbk := strings.Replace(feature, "耕地", "\xb8\xfb\xb5\xd8", 1)
	for _, contentType := range []string{"application/json", "application/geo+json", "application/x-ndjson", "text/plain"} {
		r := s.post(t, "/government/overlay", gbk, append(head, "Content-Type", contentType)...)
		if d := wantProblem(t, "GBK as "+contentType, r, http.StatusBadRequest, "geojson_encoding"); !strings.Contains(d.Detail, "at byte 34") || !strings.Contains(d.Advice, "UTF-8") {
			t.Errorf("GBK: %+v", d)
		}
	}
	wantProblem(t, "another type", s.post(t, "/government/overlay", `{"type":"Topology","geometry":`+square+`}`, head...), http.StatusBadRequest, "json_member")
}

// A packed body is unpacked, up to the bound that holds for any.
func TestOverlayPackedBodies(t *testing.T) {
	const most = 1 << 20
	s := serve(t, func(c *tileserver.Config) { c.Limits.BodyBytes, c.Limits.OverlayAtOnce = most, 1 }, edition.Government)
	packed := func(text string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	whole := `{"geometry":` + lotPolygon(0, 0, 2, 2) + `}`
	post := func(coding, body string) reply {
		return s.post(t, "/government/overlay", body, append(s.bearer(edition.Government), "Content-Encoding", coding)...)
	}
	for _, c := range []struct{ coding, body string }{
		{"gzip", packed(whole)}, {"GZIP", packed(whole)}, {"x-gzip", packed(lotPolygon(0, 0, 2, 2))}, {"identity", whole},
		{"gzip", packed(whole + strings.Repeat(" ", most-len(whole)))},
	} {
		r := post(c.coding, c.body)
		if a := decode[overlayAnswer](t, r); !near(a.AOI.AreaM2, lotArea(0, 0, 2, 2)) {
			t.Errorf("%s: %d %.300s", c.coding, r.StatusCode, r.body)
		}
	}
	// Each failure gives its place back: there is one.
	for _, c := range []struct {
		name, coding, body string
		status             int
		code               string
	}{
		{"too much unpacked", "gzip", packed(strings.Repeat(" ", most+1)), 413, "too_large_body"}, {"not packed", "gzip", whole, 400, "parameter_gzip"},
		{"cut off", "gzip", packed(whole)[:40], 400, "parameter_gzip"}, {"nothing", "gzip", "", 400, "parameter_gzip"},
		{"no JSON inside", "gzip", packed("{"), 400, "json_syntax"}, {"another coding", "br", whole, 415, "content_coding"}, {"two codings", "gzip, gzip", whole, 415, "content_coding"},
	} {
		r := post(c.coding, c.body)
		wantProblem(t, c.name, r, c.status, c.code)
		if (r.Header.Get("Accept-Encoding") == "gzip") != (c.status == 415) {
			t.Errorf("%s: Accept-Encoding %q", c.name, r.Header.Get("Accept-Encoding"))
		}
	}
	free := s.Server.HoldPlaces()
	wantProblem(t, "without a place", post("gzip", packed(whole)), http.StatusTooManyRequests, "too_many")
	free()
}
