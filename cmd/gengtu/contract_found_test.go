package main_test

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// found are the cases of features and places.
func (w *contract) found(t *testing.T) []contractCase {
	t.Helper()
	p := w.projects[1][3]
	byCode := "/secure/features/hsf?code=" + p.bsm()
	var feature struct{ ID any }
	decode(t, w.three.get(t, 200, byCode).Body, &feature)
	id, ok := feature.ID.(float64)
	if !ok {
		t.Fatalf("the id of %s is %v", p.bsm(), feature.ID)
	}
	mine := func(t *testing.T, a *told) {
		var f struct{ Properties map[string]any }
		decode(t, a.Body, &f)
		for name, want := range p.Properties {
			if got := f.Properties[name]; got != want {
				t.Errorf("%s is %v, the delivery says %v", name, got, want)
			}
		}
	}
	matched := func(want int) func(*testing.T, *told) {
		return func(t *testing.T, a *told) {
			var c struct{ NumberMatched int }
			decode(t, a.Body, &c)
			if c.NumberMatched != want {
				t.Errorf("%d features, want %d", c.NumberMatched, want)
			}
		}
	}
	return []contractCase{
		get(rowFeatures, "by BSM", byCode, formGeoJSON, mine),
		get(rowFeatures, "by id", "/secure/features/hsf/"+strconv.FormatFloat(id, 'f', 0, 64), formGeoJSON, mine),
		refuse(rowFeatures, "a code that there is not", "/secure/features/hsf?code=1", 404, "NO_FEATURE"),
		refuse(rowFeatures, "an id that is none", "/secure/features/hsf/x", 400, "PARAMETER_ID"),
		refuse(rowFeatures, "a layer that there is not", "/secure/features/roads/1", 404, "NO_LAYER"),

		get(rowOGC, "conformance", "/secure/ogc/conformance", formJSON, func(t *testing.T, a *told) {
			holdsBytes(t, a.Body, "ogcapi-features-1/1.0/conf/core", "ogcapi-tiles-1/1.0/conf/core")
		}),
		get(rowOGC, "all cropland", "/secure/ogc/collections/cropland/items?limit=1", formGeoJSON, matched(croplandFeatures)),
		get(rowOGC, "all of permanent basic farmland", "/government/ogc/collections/pbf/items?limit=1", formGeoJSON, matched(pbfFeatures)),
		get(rowOGC, "one project", "/secure/ogc/collections/hsf/items?BSM="+p.bsm(), formGeoJSON, matched(1)),
		refuse(rowOGC, "a collection that there is not", "/secure/ogc/collections/roads", 404, "NO_LAYER"),
		refuse(rowOGC, "a tile outside the matrix", "/secure/ogc/tiles/w/3/9/9", 404, "NO_TILE"),

		get(rowPlaces, "by name", "/secure/places?q=%E7%AC%AC0%E6%9D%91", formJSON, placed(1, "610402000000")),
		get(rowPlaces, "by what they lie in", "/secure/places?parent=610402", formJSON, placed(villages, "610402001001")),
		refuse(rowPlaces, "a form that is none", "/secure/places?f=doc", 400, "PARAMETER_F"),
	}
}

// placed wants so many villages in a list of places, and one of a code among them.
func placed(count int, code string) func(*testing.T, *told) {
	return func(t *testing.T, a *told) {
		var list struct {
			Places []struct {
				Code, Name string
				Extent     []float64
			}
		}
		decode(t, a.Body, &list)
		n, found := 0, false
		for _, p := range list.Places {
			if len(p.Code) == 12 {
				n++
			}
			found = found || p.Code == code && p.Name != "" && len(p.Extent) == 4
		}
		if n != count || !found {
			t.Errorf("%d villages, %s among them: %v: %.500s", n, code, found, a.Body)
		}
	}
}

// measured are the cases of areas, within a shape and by place.
func (w *contract) measured(p spot) []contractCase {
	const county = "bbox=108,34,109,35"
	shape := func(body string) contractCase {
		return contractCase{line: rowOverlay, name: "a posted question", method: http.MethodPost, path: "/secure/overlay", body: body, status: 200, form: formJSON, holds: func(t *testing.T, a *told) {
			w.wholeOverlay(t, a.Body)
			holdsBytes(t, a.Body, `"groups"`, `"DLBM":"0101"`)
		}}
	}
	const around = `{"type":"Polygon","coordinates":[[[108,34],[109,34],[109,35],[108,35],[108,34]]]}`
	posted := func(name, path, body string, status int, fault string) contractCase {
		return contractCase{line: rowOverlay, name: name, method: http.MethodPost, path: path, body: body, status: status, fault: fault}
	}
	summary := func(t *testing.T, rows []map[string]string) {
		patch, places := 0.0, map[string]bool{}
		for _, row := range rows {
			if row["layer"] == "cropland" {
				v, err := strconv.ParseFloat(row["patch_m2"], 64)
				if err != nil {
					t.Fatal(err)
				}
				patch += v
				places[row["place"]] = true
			}
		}
		if math.Abs(patch-croplandPatch) > .005 || len(places) != 2 || !places["610402001"] {
			t.Errorf("the townships %v have %.2f m² of cropland, the delivery %.2f", places, patch, croplandPatch)
		}
	}
	return []contractCase{
		shape(`{"geometry":` + around + `,"crs":"EPSG:4490","layers":["cropland","pbf","hsf"],"group_by":{"cropland":["DLBM"]},"return":"summary","combinations":true}`),
		get(rowOverlay, "a place", "/secure/overlay?place=610402&layers=cropland,pbf&f=json", formJSON, func(t *testing.T, a *told) { w.wholeOverlay(t, a.Body) }),
		get(rowOverlay, "a box as CSV", "/secure/overlay?"+county+"&f=csv", formCSV, func(t *testing.T, a *told) { overlayRows(t, a.Body) }),
		get(rowOverlay, "a point", fmt.Sprintf("/secure/overlay?layers=hsf&point=%.7f,%.7f", p.lon, p.lat), formJSON, func(t *testing.T, a *told) {
			holdsBytes(t, a.Body, `"layer":"hsf","vintage":"2024","features":1`)
		}),
		refuse(rowOverlay, "a place that there is not", "/secure/overlay?place=99", 404, "NO_PLACE"),
		posted("no JSON", "/secure/overlay", `{"geometry"`, 400, "JSON_SYNTAX"),
		posted("larger than the policy lets", "/public/overlay", `{"geometry":`+around+`}`, 403, "POLICY"),
		posted("single features, which the policy keeps", "/public/overlay", `{"geometry":`+around+`,"return":"features"}`, 403, "POLICY"),
		posted("larger than the limit", "/secure/overlay", `{"place":"`+strings.Repeat("6", 17<<20)+`"}`, 413, "TOO_LARGE_BODY"),

		get(rowSummary, "as JSON", "/secure/summary?by=township&vintage=2024&f=json", formJSON, func(t *testing.T, a *told) {
			var list struct{ Rows []map[string]any }
			decode(t, a.Body, &list)
			var rows []map[string]string
			for _, r := range list.Rows {
				patch, _ := r["patch_m2"].(float64)
				rows = append(rows, map[string]string{"layer": fmt.Sprint(r["layer"]), "place": fmt.Sprint(r["place"]), "patch_m2": strconv.FormatFloat(patch, 'f', 2, 64)})
			}
			summary(t, rows)
		}),
		get(rowSummary, "as CSV", "/secure/summary?by=township&f=csv", formCSV, func(t *testing.T, a *told) { summary(t, csvRows(t, a.Body)) }),
		get(rowSummary, "as a sheet", "/secure/summary?by=township&f=xlsx", formSheet, func(t *testing.T, a *told) { holdsBytes(t, unpackedSheet(t, a.Body), "610402001") }),
		refuse(rowSummary, "a level that is none", "/secure/summary?by=street", 400, "PARAMETER_BY"),
		refuse(rowSummary, "a year that there is not", "/secure/summary?vintage=1999", 404, "NO_VINTAGE"),
	}
}

// analysed are the cases of long questions: one is asked while the cases are made, and
// followed to its end.
func (w *contract) analysed(t *testing.T) []contractCase {
	t.Helper()
	const question = `{"question":"hsf-outside-pbf","by":"township"}`
	var job askedJob
	decode(t, w.three.do(t, http.MethodPost, "/secure/analyses", []byte(question)).Body, &job)
	at := "/secure/analyses/" + job.ID
	if said := w.three.eventsOf(t, at); !strings.HasSuffix(said, "done") {
		t.Fatalf("the analysis goes %s", said)
	}
	posted := func(name, path, body string, status int, fault string) contractCase {
		return contractCase{line: rowAnalyses, name: name, method: http.MethodPost, path: path, body: body, status: status, form: formJSON, fault: fault}
	}
	asked := posted("the same question is the same job", "/secure/analyses", question, 200, "")
	asked.holds = func(t *testing.T, a *told) { holdsBytes(t, a.Body, job.ID) }
	out := []contractCase{
		asked,
		get(rowAnalyses, "how it stands", at, formJSON, func(t *testing.T, a *told) { holdsBytes(t, a.Body, `"state":"done"`) }),
		get(rowAnalyses, "its events", at+"/events", "text/event-stream", func(t *testing.T, a *told) { holdsBytes(t, a.Body, "event: done") }),
		posted("a question that is none", "/secure/analyses", `{"question":"weather"}`, 404, "ANALYZE_UNKNOWN"),
		posted("a question that the policy keeps", "/public/analyses", `{"question":"flows"}`, 403, "POLICY"),
		refuse(rowAnalyses, "a job that there is not", "/secure/analyses/1", 404, "NO_JOB"),
		refuse(rowAnalyses, "a form that is none", at+"/result.doc", 404, "NO_ANSWER"),
	}
	for file, form := range map[string]string{"result.json": formJSON, "result.csv": formCSV, "result.xlsx": formSheet, "result.geojson": formGeoJSON, "result.html": formHTML} {
		out = append(out, get(rowAnalyses, file, at+"/"+file, form, func(t *testing.T, a *told) {
			if len(a.Body) < 500 {
				t.Errorf("%d bytes", len(a.Body))
			}
		}))
	}
	return out
}
