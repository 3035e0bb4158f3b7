package main_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"gengtu/tileserver/viewer/viewertest"
)

// turn moves the slider of vintages, and waits until the map has followed.
func turn(t *testing.T, b *viewertest.Tab, to string) {
	t.Helper()
	at := map[string]string{"2023": "0", "2024": "1"}[to]
	viewertest.Eval[any](t, b, `(() => { const s = document.querySelector('[data-testid=vintage-slider]'); s.value = '`+at+`'; s.dispatchEvent(new Event('input')); s.dispatchEvent(new Event('change')); })()`)
	b.Until(t, "document.querySelector('[data-testid=vintage-value]').innerText.includes('"+to+"') && document.getElementById('vintage').getAttribute('aria-busy') !== 'true'")
}

// wantVintage waits until a line of the card says a vintage.
func wantVintage(t *testing.T, b *viewertest.Tab, in, vintage string) {
	t.Helper()
	b.Until(t, fmt.Sprintf(`document.querySelector('[data-testid=%s] [data-testid=overlay-vintage]')?.innerText.includes(%q)`, in, vintage))
}

// An open report follows the slider: its figures, its pieces, and what a file's shape or a
// place has are those of the vintage that the map shows, the API's to the last digit; the
// shape that is open stays open.
func TestViewerTurnedReport(t *testing.T) {
	s := serve(t, bothYears(t))
	answers := func(vintage, contentType string, body []byte) askedAnswer {
		return overlayOf[askedAnswer](t, s, "secure", "vintage="+vintage, contentType, body)
	}
	b := openViewer(t, s, "secure", "map=14/34.328/108.645", viewertest.Desktop)
	shape := []byte(polygonOf(deliveryRings[0]))
	old, now := answers("2023", "application/geo+json", shape), answers("2024", "application/geo+json", shape)
	if old.Layers[0].AreaM2 == now.Layers[0].AreaM2 {
		t.Fatal("both years have the same cropland: the test would prove nothing")
	}
	viewertest.Eval[any](t, b, "gengtu.drawPolygon("+deliveryRings[0]+")")
	wantVintage(t, b, "overlay-result", "2024")
	wantReport(t, b, &now)
	turn(t, b, "2023")
	wantVintage(t, b, "overlay-result", "2023")
	wantReport(t, b, &old)
	b.Click(t, "pieces-cropland")
	b.Until(t, "document.querySelector('[data-testid=pieces-sum]') !== null")
	if got := valueOf(t, b, "pieces-sum"); math.Abs(got-old.Layers[0].GrossAreaM2) > 0.01 {
		t.Errorf("the pieces add up to %v, the layer has %v in 2023", got, old.Layers[0].GrossAreaM2)
	}
	b.Picture(t, "turned-report")
	turn(t, b, "2024")
	wantVintage(t, b, "overlay-result", "2024")
	wantReport(t, b, &now)
	if viewertest.Eval[bool](t, b, "document.querySelector('[data-testid=pieces-sum]') !== null") {
		t.Error("pieces of 2023 stand below figures of 2024")
	}

	// The second shape of a file stays open.
	b.Drop(t, viewertest.File{Name: "a.geojson", Data: collectionOf(deliveryRings)})
	b.Click(t, "several-open-1")
	turn(t, b, "2023")
	wantVintage(t, b, "overlay-result", "2023")
	second := answers("2023", "application/geo+json", []byte(polygonOf(deliveryRings[1])))
	wantReport(t, b, &second)
	b.Click(t, "several-back")
	wantVintage(t, b, "several", "2023")
	wantFigure(t, b, "several-0-cropland", old.Layers[0].AreaMu)

	// A place, and a slider that is moved before the answer is there.
	code := "610402001"
	viewertest.Eval[any](t, b, "gengtu.app.ask({place: '"+code+"', name: '街道'})")
	turn(t, b, "2024")
	turn(t, b, "2023")
	wantVintage(t, b, "overlay-result", "2023")
	var place askedAnswer
	decode(t, s.do(t, "POST", "/secure/overlay?group_by=DLBM&vintage=2023", []byte(`{"place":"`+code+`"}`)).Body, &place)
	wantReport(t, b, &place)
}

// Alternatives side by side follow the slider, all of them, and their verdicts of before go;
// an alternative that cannot be measured anew is said, and tried again.
func TestViewerTurnedAlternatives(t *testing.T) {
	s := serve(t, bothYears(t))
	b := openViewer(t, s, "secure", "map=14/34.328/108.645", viewertest.Desktop)
	for _, ring := range deliveryRings {
		viewertest.Eval[any](t, b, "gengtu.drawPolygon("+ring+")")
		b.Click(t, "overlay-keep")
	}
	b.Click(t, "compare-siting")
	b.Text(t, "siting-verdicts")
	check := func(vintage string) {
		t.Helper()
		wantVintage(t, b, "compare", vintage)
		for i, ring := range deliveryRings {
			want := overlayOf[askedAnswer](t, s, "secure", "vintage="+vintage, "application/geo+json", []byte(polygonOf(ring)))
			for _, l := range want.Layers {
				wantFigure(t, b, fmt.Sprintf("compare-%d-%s", i, l.Layer), l.AreaMu)
			}
		}
		if viewertest.Eval[bool](t, b, "document.querySelector('[data-testid=siting-verdicts]') !== null") {
			t.Errorf("verdicts of before stand below figures of %s", vintage)
		}
	}
	turn(t, b, "2023")
	check("2023")
	b.Picture(t, "turned-alternatives")
	b.Click(t, "compare-siting")
	b.Text(t, "siting-verdicts")
	if asked := b.Asked(); !strings.Contains(strings.Join(asked, "\n"), "/secure/analyses?vintage=2023") {
		t.Error("the sites are not judged in the vintage that is shown")
	}
	viewertest.Eval[any](t, b, "(window.kept = fetch, window.fetch = (url, o) => String(url).includes('/overlay') ? Promise.reject(new TypeError('cut')) : kept(url, o), null)")
	turn(t, b, "2024")
	b.Until(t, "document.querySelector('#compare [data-testid=problem]') !== null")
	if viewertest.Eval[bool](t, b, "document.querySelector('[data-testid=compare]') !== null") {
		t.Error("figures of 2023 stand beside a map of 2024")
	}
	viewertest.Eval[any](t, b, "(window.fetch = kept, document.querySelector('#compare [data-testid=problem] button').click())")
	check("2024")
}

// The dashboard and the answer of an analysis never stand beside a map of another year
// unsaid: the views follow the slider; a year that is chosen in them, and an answer of
// another year, say so and offer to show theirs.
func TestViewerTurnedDashboard(t *testing.T) {
	s := serve(t, bothYears(t))
	b := openViewer(t, s, "secure", "dash=rank,,township,cropland,ground,mu,", viewertest.Desktop)
	differs := func(of string) bool {
		return viewertest.Eval[bool](t, b, "document.querySelector('[data-testid="+of+"-differs]') !== null")
	}
	want := s.answerOf(t, "secure", `{"question":"summary","by":"township"}`, "dash_area")
	ranked := func(year string) {
		t.Helper()
		b.Until(t, "document.querySelector('[data-testid=dash-year]')?.value === '"+year+"'")
		for _, row := range rankingOf(t, b) {
			for _, r := range want {
				if r["xzqdm"] == row.Code && r["year"] == year && (row.Value == nil || *row.Value != r["crop_area_mu"]) {
					t.Errorf("%s of %s: the page has %v, the answer %v", row.Code, year, row.Value, r["crop_area_mu"])
				}
			}
		}
	}
	b.Text(t, "dash-table")
	ranked("2024")
	turn(t, b, "2023")
	ranked("2023")
	if differs("dash") {
		t.Error("figures of 2023 are said to differ from a map of 2023")
	}
	chooseOption(t, b, "dash-year", "2024")
	ranked("2024")
	if text := b.Text(t, "dash-differs"); !strings.Contains(text, "这里是2024 年度的数，地图是2023 年度的") {
		t.Errorf("%q", text)
	}
	b.Picture(t, "turned-dashboard")
	b.Click(t, "dash-differs-show")
	b.Until(t, "document.querySelector('[data-testid=vintage-value]').innerText.includes('2024')")
	ranked("2024")
	if differs("dash") {
		t.Error("figures of 2024 are said to differ from a map of 2024")
	}
	for _, year := range []string{"2023", "2024"} {
		turn(t, b, year)
		b.Click(t, "dash-view-progress")
		b.Until(t, "document.querySelector('[data-testid=dash-source]')?.innerText.includes('数据年度 "+year+" ·')")
		b.Click(t, "dash-view-rank")
		b.Text(t, "dash-table")
	}
	b.Click(t, "dash-view-flow")
	b.Text(t, "dash-flow-table")
	turn(t, b, "2023") // one of the two ends
	b.Text(t, "dash-flow-table")
	if differs("dash") {
		t.Error("flows of 2023 to 2024 are said to differ from a map of 2023")
	}
	turn(t, b, "2024")

	askedOnPage(t, s, b, "pbf-not-hsf")
	if differs("analyses") {
		t.Error("an answer of 2024 is said to differ from a map of 2024")
	}
	turn(t, b, "2023")
	if text := b.Text(t, "analyses-differs"); !strings.Contains(text, "结果是2024 年度的数，地图是2023 年度的") {
		t.Errorf("%q", text)
	}
	b.Picture(t, "turned-analysis")
	b.Click(t, "analyses-differs-show")
	b.Until(t, "document.querySelector('[data-testid=vintage-value]').innerText.includes('2024') && document.querySelector('[data-testid=analyses-differs]') === null")
}
