package main_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gengtu/tileserver/access"
	"gengtu/tileserver/viewer/viewertest"
)

// saved presses a button and returns the file that the page hands out, and its name.
func saved(t *testing.T, b *viewertest.Tab, button string) (data []byte, name string) {
	t.Helper()
	got := viewertest.Eval[[]string](t, b, `(async () => {
		const [made, pressed] = [URL.createObjectURL, HTMLAnchorElement.prototype.click];
		let name = '';
		HTMLAnchorElement.prototype.click = function () { name = this.download; };
		const blob = await new Promise((resolve) => {
			URL.createObjectURL = (b) => { resolve(b); return made.call(URL, new Blob([])); };
			document.querySelector('[data-testid="`+button+`"]').click();
		});
		await new Promise((resolve) => setTimeout(resolve));
		URL.createObjectURL = made;
		HTMLAnchorElement.prototype.click = pressed;
		return [btoa(Array.from(new Uint8Array(await blob.arrayBuffer()), (c) => String.fromCharCode(c)).join('')), name];
	})()`)
	if err := json.Unmarshal([]byte(strconv.Quote(got[0])), &data); err != nil {
		t.Fatal(err)
	}
	return data, got[1]
}

// sheetOf reads a CSV of the page: rows by the names of their columns.
func sheetOf(t *testing.T, data []byte) []map[string]string {
	t.Helper()
	text, marked := bytes.CutPrefix(data, []byte("\uFEFF"))
	if !marked {
		t.Error("the CSV has no byte order mark")
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatalf("%v: %s", err, data)
	}
	var out []map[string]string
	for _, row := range rows[1:] {
		line := map[string]string{}
		for i, cell := range row {
			line[rows[0][i]] = cell
		}
		out = append(out, line)
	}
	return out
}

// writtenAnswer is what a report's files say, as the API gives it.
type writtenAnswer struct {
	Generation, Formula string
	AOI                 map[string]any
	Layers              []map[string]any
	Combinations        []struct {
		Inside []string
		AreaM2 float64 `json:"area_m2"`
	}
}

// linesOf are the figures of an answer as lines of the CSV: kind, layer and class, then the
// areas.
func (a *writtenAnswer) linesOf() []string {
	text := func(m map[string]any, keys ...string) string {
		var out []string
		for _, k := range keys {
			if v, ok := m[k].(float64); ok {
				out = append(out, strconv.FormatFloat(v, 'f', -1, 64))
			} else {
				out = append(out, "")
			}
		}
		return strings.Join(out, " ")
	}
	lines := []string{"aoi   " + text(a.AOI, "area_m2", "area_mu", "none", "none")}
	for _, l := range a.Layers {
		lines = append(lines, fmt.Sprintf("layer %s  %s", l["layer"], text(l, "area_m2", "area_mu", "patch_m2", "net_m2")))
		groups, _ := l["groups"].([]any)
		for _, g := range groups {
			group := g.(map[string]any)
			lines = append(lines, fmt.Sprintf("class %s %s %s", l["layer"], group["DLBM"], text(group, "area_m2", "area_mu", "patch_m2", "net_m2")))
		}
	}
	for _, c := range a.Combinations {
		lines = append(lines, fmt.Sprintf("combination %s  %s   ", strings.Join(c.Inside, "+"), strconv.FormatFloat(c.AreaM2, 'f', -1, 64)))
	}
	return lines
}

// ringQuestion is what the page asks of a ring.
func ringQuestion(ring string) []byte {
	return []byte(`{"geometry":` + polygonOf(ring) + `,"layers":["cropland","pbf","hsf"],"combinations":true,"group_by":{"cropland":["DLBM"]}}`)
}

// The files of a report hold the API's figures to the last digit: CSV and GeoJSON that the
// page makes, and the forms that the server makes byte by byte; each has a name of its kind.
func TestViewerAskSaved(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Secure)
	ring := deliveryRings[0]
	var want writtenAnswer
	decode(t, s.do(t, http.MethodPost, "/secure/overlay", ringQuestion(ring), "Content-Type", "application/json").Body, &want)
	b := openViewer(t, s, "secure", "map=13/34.33/108.64", viewertest.Desktop)
	viewertest.Eval[any](t, b, "gengtu.drawPolygon("+ring+")")
	b.Text(t, "overlay-result")
	viewertest.Eval[any](t, b, "void (document.querySelector('details.more').open = true)")

	data, name := saved(t, b, "overlay-csv")
	var lines []string
	for _, r := range sheetOf(t, data) {
		lines = append(lines, fmt.Sprint(r["kind"], " ", r["layer"], " ", r["class"], " ", r["area_m2"], " ", r["area_mu"], " ", r["patch_m2"], " ", r["net_m2"]))
		if r["generation"] != want.Generation || r["kind"] == "layer" && r["vintage"] != "2024" {
			t.Errorf("a line is of %q %q", r["generation"], r["vintage"])
		}
	}
	if diff := cmp.Diff(want.linesOf(), lines); diff != "" || !strings.HasSuffix(name, ".csv") {
		t.Errorf("%s (-API +CSV):\n%s", name, diff)
	}

	data, name = saved(t, b, "overlay-geojson")
	var shape struct {
		Features []struct {
			Properties map[string]any
			Geometry   json.RawMessage
		}
	}
	decode(t, data, &shape)
	if len(shape.Features) != 1 || !strings.HasSuffix(name, ".geojson") {
		t.Fatalf("%s: %s", name, data)
	}
	if got := string(shape.Features[0].Geometry); got != polygonOf(ring) {
		t.Errorf("the shape is %s", got)
	}
	p := shape.Features[0].Properties
	for _, k := range []string{"area_m2", "area_mu", "area_ha"} {
		if p[k] != want.AOI[k] {
			t.Errorf("%s: the file has %v, the API %v", k, p[k], want.AOI[k])
		}
	}
	for _, l := range want.Layers {
		for _, k := range []string{"vintage", "features", "area_m2", "area_mu", "area_ha", "patch_m2", "net_m2", "net_mu"} {
			if got := p[fmt.Sprint(l["layer"], "_", k)]; got != l[k] {
				t.Errorf("%s of %s: the file has %v, the API %v", k, l["layer"], got, l[k])
			}
		}
	}
	for button, form := range map[string]string{"overlay-xlsx": "xlsx", "overlay-geojson-pieces": "geojson"} {
		body := ringQuestion(ring)
		if form == "geojson" {
			body = bytes.Replace(body, []byte(`"combinations":true`), []byte(`"combinations":false,"return":"features"`), 1)
		}
		api := s.do(t, http.MethodPost, "/secure/overlay?f="+form, body, "Content-Type", "application/json")
		if data, name = saved(t, b, button); !bytes.Equal(data, api.Body) || api.Status != 200 || !strings.HasSuffix(name, "."+form) {
			t.Errorf("%s saves %d bytes, the API gives %d: %d", name, len(data), len(api.Body), api.Status)
		}
	}
}

// The files of a list of shapes and of alternatives hold the figures of each.
func TestViewerAskSavedSeveral(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Secure)
	b := openViewer(t, s, "secure", "map=13/34.33/108.64", viewertest.Desktop)
	b.Drop(t, viewertest.File{Name: "地块.geojson", Data: collectionOf(deliveryRings)})
	b.Text(t, "several")
	data, _ := saved(t, b, "several-csv")
	got := map[string][]string{}
	for _, r := range sheetOf(t, data) {
		got[r["shape"]] = append(got[r["shape"]], fmt.Sprint(r["kind"], " ", r["layer"], " ", r["class"], " ", r["area_m2"], " ", r["area_mu"], " ", r["patch_m2"], " ", r["net_m2"]))
	}
	answers := make([]writtenAnswer, len(deliveryRings))
	for i, ring := range deliveryRings {
		decode(t, s.do(t, http.MethodPost, "/secure/overlay", ringQuestion(ring), "Content-Type", "application/json").Body, &answers[i])
		if diff := cmp.Diff(answers[i].linesOf(), got[fmt.Sprint("地块", i+1)]); diff != "" {
			t.Errorf("shape %d (-API +CSV):\n%s", i+1, diff)
		}
		viewertest.Eval[any](t, b, "gengtu.drawPolygon("+ring+")")
		b.Click(t, "overlay-keep")
	}
	data, _ = saved(t, b, "compare-csv")
	for _, r := range sheetOf(t, data) {
		for i, a := range answers {
			cell := r[fmt.Sprint("方案", []string{"一", "二"}[i])]
			for _, l := range a.Layers {
				if r["figure"] == l["layer"] && cell != strconv.FormatFloat(l["area_"+r["unit"]].(float64), 'f', -1, 64) {
					t.Errorf("%s in %s: the file has %s, the API %v", r["figure"], r["unit"], cell, l["area_"+r["unit"]])
				}
			}
			if r["figure"] == "generation" && cell != a.Generation || r["figure"] == "vintage" && cell != "2024" {
				t.Errorf("%s is %q", r["figure"], cell)
			}
		}
	}
}

// The files of the dashboard are the API's of the same question, byte by byte; where analyses
// are not open, that of the areas by place.
func TestViewerDashboardSaved(t *testing.T) {
	s := serve(t, bothYears(t))
	b := openViewer(t, s, "secure", "dash=rank,,township,cropland,net,mu,", viewertest.Desktop)
	tables := map[string]string{"rank": "dash_area", "trend": "dash_trend", "progress": "pbf_hsf_progress", "flow": "flow"}
	questions := map[string]string{
		"rank": `{"question":"summary","by":"township"}`, "trend": `{"question":"summary","by":"prefecture"}`,
		"progress": `{"question":"pbf-not-hsf","by":"prefecture"}`, "flow": `{"question":"flows","by":"county","from":"2023","vintage":"2024"}`,
	}
	for _, view := range slices.Sorted(maps.Keys(tables)) {
		b.Click(t, "dash-view-"+view)
		b.Until(t, `document.querySelector('[data-testid="dash-csv"]') !== null && document.querySelector('[data-testid="dash-view-`+view+`"]').getAttribute('aria-pressed') === 'true'`)
		var job askedJob
		decode(t, s.do(t, http.MethodPost, "/secure/analyses", []byte(questions[view])).Body, &job)
		s.do(t, http.MethodGet, "/secure/analyses/"+job.ID+"/events", nil)
		for button, file := range map[string]string{"dash-csv": "csv?table=" + tables[view], "dash-xlsx": "xlsx"} {
			want := s.get(t, http.StatusOK, "/secure/analyses/"+job.ID+"/result."+file).Body
			if data, name := saved(t, b, button); !bytes.Equal(data, want) || len(want) < 50 || !strings.HasSuffix(name, "."+file[:strings.IndexByte(file+"?", '?')]) {
				t.Errorf("%s: %s saves %d bytes, the API gives %d", view, name, len(data), len(want))
			}
		}
	}

	token := issueFor(t, s, access.Token{Name: "areas", Tier: "secure", Created: time.Now(), Expires: time.Now().Add(time.Hour), Scope: &access.Scope{Operations: []access.Operation{access.Overlay}}})
	poor := viewertest.OpenMap(t, viewertest.Browser(t), s.URL+"/?tier=secure#tk="+token+"&dash=rank,,township,pbf,ground,mu,", viewertest.Desktop)
	poor.Text(t, "dash-table")
	data, _ := saved(t, poor, "dash-csv")
	if want := s.get(t, http.StatusOK, "/secure/summary?by=township&layers=pbf&f=csv&vintage=2024&kind=total").Body; !bytes.Equal(data, want) {
		t.Errorf("the areas by place are saved as\n%s\nthe API gives\n%s", data, want)
	}
	poor.Quiet(t, s.URL)
}
