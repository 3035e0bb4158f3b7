package main_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"gengtu/tileserver/viewer/viewertest"
)

// answerOf asks a question of a tier, waits for it and returns the rows of a table of it.
func (s *server) answerOf(t *testing.T, tier, body, table string) []map[string]any {
	t.Helper()
	var j askedJob
	var token []string
	if s.tokens[tier] != "" {
		token = []string{"Authorization", "Bearer " + s.tokens[tier]}
	}
	a := s.do(t, http.MethodPost, "/"+tier+"/analyses", []byte(body), token...)
	if a.Status != 200 && a.Status != 202 {
		t.Fatalf("%s: %d %s", body, a.Status, a.Body)
	}
	decode(t, a.Body, &j)
	at := "/" + tier + "/analyses/" + j.ID
	s.do(t, http.MethodGet, at+"/events", nil, token...) // ends with the job
	var answer struct {
		Tables []struct {
			Name string
			Rows []map[string]any
		}
	}
	decode(t, s.do(t, http.MethodGet, at+"/result.json", nil, token...).Body, &answer)
	for _, o := range answer.Tables {
		if o.Name == table {
			return o.Rows
		}
	}
	t.Fatalf("%s: no table %s", body, table)
	return nil
}

// shownRow is a row of the ranking as the page shows it.
type shownRow struct {
	Code, Rank string
	Value      *float64
}

// rankingOf are the rows of the ranking, from the top.
func rankingOf(t *testing.T, b *viewertest.Tab) []shownRow {
	t.Helper()
	return viewertest.Eval[[]shownRow](t, b, `[...document.querySelectorAll('[data-testid="dash-table"] tbody tr')].map((tr) => {
		const v = tr.querySelector('[data-testid^="dash-value-"] data');
		return {Code: tr.dataset.code, Rank: tr.cells[0].innerText, Value: v ? Number(v.value) : null};
	})`)
}

// choose chooses an option of a select, by its data-testid.
func chooseOption(t *testing.T, b *viewertest.Tab, testid, value string) {
	t.Helper()
	viewertest.Eval[any](t, b, fmt.Sprintf(`(() => { const s = document.querySelector('[data-testid=%q]'); s.value = %q; s.dispatchEvent(new Event('change')); })()`, testid, value))
}

// The ranking has the figures of the answer for each layer and kind of area, the largest
// first; a row goes to its place, and its arrow looks inside of it.
func TestViewerDashboardRanking(t *testing.T) {
	s := serve(t, bothYears(t))
	b := openViewer(t, s, "secure", "", viewertest.Desktop)
	b.Click(t, "dash-open")
	b.Until(t, `document.querySelector('[data-testid="dash-table"]')`)
	want := s.answerOf(t, "secure", `{"question":"summary","by":"township"}`, "dash_area")
	for _, c := range []struct{ layer, kind, unit, member string }{
		{"cropland", "net", "mu", "crop_mu"}, {"cropland", "ground", "ha", "crop_area_ha"}, {"pbf", "patch", "m2", "pbf_patch_m2"}, {"pbf", "net", "mu", "pbf_mu"}, {"hsf", "gross", "mu", "hsf_gross_mu"}, {"hsf", "ground", "mu", "hsf_area_mu"},
	} {
		chooseOption(t, b, "dash-unit", c.unit)
		chooseOption(t, b, "dash-layer", c.layer)
		chooseOption(t, b, "dash-kind", c.kind)
		for _, year := range []string{"2023", "2024"} {
			chooseOption(t, b, "dash-year", year)
			figures := map[string]float64{}
			for _, r := range want {
				if v, ok := r[c.member].(float64); ok && r["year"] == year {
					figures[r["xzqdm"].(string)] = v
				}
			}
			rows := rankingOf(t, b)
			if len(rows) != len(figures) || len(rows) < 2 {
				t.Fatalf("%v %s: the page has %v, the answer %v", c, year, rows, figures)
			}
			for i, r := range rows {
				if r.Value == nil || *r.Value != figures[r.Code] {
					t.Errorf("%v %s: the page has %v for %s, the answer %v", c, year, r.Value, r.Code, figures[r.Code])
				}
				if r.Rank != fmt.Sprint(i+1) || i > 0 && *r.Value > *rows[i-1].Value {
					t.Errorf("%v %s: %d is %+v", c, year, i, r)
				}
			}
			bars := viewertest.Eval[[]float64](t, b, `[...document.querySelectorAll('[data-testid="chart-bar"] data')].map((d) => Number(d.value))`)
			for i, v := range bars {
				if v != *rows[i].Value {
					t.Errorf("%v %s: bar %d is %v, its row %v", c, year, i, v, *rows[i].Value)
				}
			}
		}
	}
	chooseOption(t, b, "dash-layer", "cropland")
	b.Picture(t, "dashboard-ranking")
	goesThere(t, s, b, rankingOf(t, b)[0].Code)
}

// goesThere picks a place in the ranking, which the map then shows and marks, and looks
// inside of it.
func goesThere(t *testing.T, s *server, b *viewertest.Tab, code string) {
	t.Helper()
	var found struct{ Places []struct{ Extent [4]float64 } }
	decode(t, s.do(t, http.MethodGet, "/secure/places?q="+code, nil, "Authorization", "Bearer "+s.tokens["secure"]).Body, &found)
	if len(found.Places) == 0 {
		t.Fatalf("places know nothing of %s", code)
	}
	b.Click(t, "dash-go-"+code)
	b.Until(t, `document.querySelector('tr.picked') && !gengtu.map.isMoving() && gengtu.map.querySourceFeatures('gengtu-selected').length > 0`)
	b.Idle(t)
	seen := viewertest.Eval[[]float64](t, b, `gengtu.map.getBounds().toArray().flat()`)
	for _, p := range found.Places {
		if x := p.Extent; x[0] < seen[0] || x[1] < seen[1] || x[2] > seen[2] || x[3] > seen[3] {
			t.Errorf("the map shows %v, not all of %v", seen, x)
		}
	}
	b.Picture(t, "dashboard-go")
	b.Click(t, "dash-into-"+code)
	b.Until(t, `[...document.querySelectorAll('[data-testid="dash-table"] tbody tr')].some((tr) => tr.dataset.code.length === 12)`)
	rows := rankingOf(t, b)
	villages := s.answerOf(t, "secure", `{"question":"summary","by":"village","place":"`+code+`"}`, "dash_area")
	n := 0
	for _, r := range villages {
		if r["year"] == "2024" {
			n++
		}
	}
	if len(rows) != n {
		t.Errorf("%d villages, the answer has %d", len(rows), n)
	}
	for _, r := range rows {
		if !strings.HasPrefix(r.Code, code) {
			t.Errorf("%s is not in %s", r.Code, code)
		}
	}
}

// The trend has the figures of the answer, and says in words that there is no target, or
// how far it is; where a rule is not confirmed it says so.
func TestViewerDashboardTrend(t *testing.T) {
	s := serve(t, bothYears(t))
	b := openViewer(t, s, "secure", "dash=trend,,township,cropland,net,mu,", viewertest.English)
	b.Until(t, `document.querySelector('[data-testid="dash-trend-pbf"]')`)
	want := s.answerOf(t, "secure", `{"question":"summary","by":"prefecture"}`, "dash_trend")
	last := want[len(want)-1]
	for layer, member := range map[string]string{"cropland": "crop_mu", "pbf": "pbf_mu", "hsf": "hsf_area_mu"} {
		got := viewertest.Eval[float64](t, b, fmt.Sprintf(`Number(document.querySelector('[data-testid="dash-trend-%s"] .dash-big data').value)`, layer))
		if got != last[member] {
			t.Errorf("%s: the page has %v, the answer %v", layer, got, last[member])
		}
	}
	if text := b.Text(t, "dash-target-none"); !strings.Contains(text, "GDBHMB") {
		t.Errorf("%q", text)
	}
	b.Picture(t, "dashboard-trend")
}

// Progress has the figures of the answer, and marks what no officer answers for.
func TestViewerDashboardProgress(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Government)
	b := openViewer(t, s, "government", "dash=progress,,township,cropland,net,mu,", viewertest.Desktop)
	b.Until(t, `document.querySelector('[data-testid="dash-progress-years"]')`)
	want := s.answerOf(t, "government", `{"question":"pbf-not-hsf","by":"prefecture"}`, "pbf_hsf_progress")
	rows := viewertest.Eval[[][]float64](t, b, `[...document.querySelectorAll('[data-testid="dash-progress-years"] tbody tr')].map((tr) => [Number(tr.cells[0].innerText), ...[...tr.querySelectorAll('data')].map((d) => Number(d.value))])`)
	if len(rows) != len(want) || len(rows) < 2 {
		t.Fatalf("%d years, the answer has %d", len(rows), len(want))
	}
	for i, r := range rows {
		w := want[len(want)-1-i]
		if got, should := fmt.Sprint(r), fmt.Sprint([]any{w["year"], w["built_m2"], w["undated_m2"], w["gap_m2"], w["share"]}); got != should {
			t.Errorf("the page has %s, the answer %s", got, should)
		}
	}
	if !strings.Contains(b.Text(t, "dash"), "2035") || b.Text(t, "dash-unconfirmed") != "待确认" {
		t.Error(b.Text(t, "dash"))
	}
	b.Picture(t, "dashboard-progress")
}

// The Sankey diagram and its table have the flows of the answer, in hundredths as they are;
// a flow that is picked shows its patches on the map.
func TestViewerDashboardFlow(t *testing.T) {
	s := serve(t, bothYears(t))
	b := openViewer(t, s, "secure", "dash=flow,,township,cropland,net,m2,", viewertest.Desktop)
	b.Until(t, `document.querySelector('[data-testid="dash-flow-table"]')`)
	want := map[string]float64{}
	for _, r := range s.answerOf(t, "secure", `{"question":"flows","by":"county","from":"2023","vintage":"2024"}`, "flow") {
		if v, ok := r["area_m2"].(float64); ok && r["from"] != r["to"] {
			want[fmt.Sprint(r["from"], " ", r["to"])] += v
		}
	}
	got := viewertest.Eval[map[string]float64](t, b, `Object.fromEntries([...document.querySelectorAll('[data-testid="dash-flow-table"] tbody tr')].map((tr) => [tr.dataset.flow, Number(tr.querySelector('data').value)]))`)
	if len(want) < 3 || !maps.EqualFunc(got, want, func(a, b float64) bool { return a-b < 0.001 && b-a < 0.001 }) {
		t.Errorf("the page has %v, the answer %v", got, want)
	}
	drawn := viewertest.Eval[[]float64](t, b, `[...document.querySelectorAll('[data-testid="chart-sankey"] table data')].map((d) => Number(d.value))`)
	if !slices.IsSortedFunc(drawn, func(a, b float64) int { return int(100*b) - int(100*a) }) || len(drawn) == 0 || len(drawn) > 24 {
		t.Errorf("the diagram has %v", drawn)
	}
	for _, v := range drawn {
		if !slices.Contains(slices.Collect(maps.Values(got)), v) {
			t.Errorf("the table has no %v", v)
		}
	}
	b.Picture(t, "dashboard-flow")
	viewertest.Eval[any](t, b, `[...document.querySelectorAll('[data-testid="chart-sankey"] [role=button]')].find((r) => /0101 .*→ 0201K/.test(r.getAttribute('aria-label'))).dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter'}))`)
	b.Until(t, `document.querySelector('[data-testid="dash-flow-picked"]') && gengtu.map.querySourceFeatures('gengtu-selected').length > 0`)
	b.Picture(t, "dashboard-flow-picked")
}

// Public keeps no areas of record: the ranking is of ellipsoidal areas. Of the other
// questions it says that it does not answer them; a phone shows one column.
func TestViewerDashboardPublic(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Public)
	b := openViewer(t, s, "public", "dash=rank,,township,cropland,net,mu,", viewertest.Phone)
	b.Until(t, `document.querySelector('[data-testid="dash-table"]')`)
	want := map[string]float64{}
	for _, r := range s.answerOf(t, "public", `{"question":"summary","by":"township"}`, "dash_area") {
		want[r["xzqdm"].(string)] = r["crop_area_mu"].(float64)
	}
	rows := rankingOf(t, b)
	if len(rows) != len(want) || len(rows) < 2 {
		t.Errorf("the page has %v, the answer %v", rows, want)
	}
	for _, r := range rows {
		if r.Value == nil || *r.Value != want[r.Code] {
			t.Errorf("the page has %+v, the answer %v", r, want[r.Code])
		}
	}
	if text := b.Text(t, "dash-source"); !strings.Contains(text, "数据版本 g") {
		t.Errorf("%q", text)
	}
	b.Picture(t, "dashboard-public-phone")
	b.Click(t, "dash-view-flow")
	b.Until(t, `document.querySelector('[data-testid="dash-refused"]')`)
	if wide := viewertest.Eval[int](t, b, `document.documentElement.scrollWidth`); wide > 390 {
		t.Errorf("the page is %d pixels wide", wide)
	}
	b.Picture(t, "dashboard-refused-phone")
}
