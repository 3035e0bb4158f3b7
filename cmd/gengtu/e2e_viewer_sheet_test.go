package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/tileserver/viewer/viewertest"
)

// noticeCut lists what of the line at the foot is not to be seen whole in the window.
const noticeCut = `[...document.querySelectorAll('.edition-line > *')].filter((el) => {
	const r = el.getBoundingClientRect();
	return r.width === 0 || r.height === 0 || r.left < -0.5 || r.right > innerWidth + 0.5 || r.bottom > innerHeight + 0.5 || el.scrollHeight > el.clientHeight + 1 && el.clientHeight > 0 || el.scrollWidth > el.clientWidth + 1 && el.clientWidth > 0
		|| ![...Array(3).keys()].every((i) => document.elementFromPoint(r.left + r.width * (1 + i) / 4, r.top + r.height / 2)?.closest('.edition-line'));
}).map((el) => el.className + ': ' + el.textContent)`

// toldOf is what each page of an edition must say, in the language of the page.
func toldOf(t *testing.T, dir, tier string, english bool) []string {
	t.Helper()
	m := manifestOf(t, dir)
	approval, name := m.Policy.Approval, map[string]string{"secure": "涉密版", "government": "政务版", "public": "公众版"}[tier]
	text := m.Policy.Disclaimer.Zh
	if english {
		name, text = map[string]string{"secure": "Secure", "government": "Government", "public": "Public"}[tier], m.Policy.Disclaimer.En
	}
	if approval == "" {
		approval = map[bool]string{false: "尚无审图号", true: "No map approval"}[english]
	}
	if text == "" {
		t.Fatalf("%s has no disclaimer: the test would prove nothing", tier)
	}
	return []string{name, approval, text, m.Generation[:8], "2024"}
}

// The line at the foot says all of edition, approval number or that there is none,
// disclaimer, generation and vintage, whole and under nothing, on a desk and on the narrowest
// phone, in both languages, with cards open and shut.
func TestViewerNoticeWhole(t *testing.T) {
	e := theEditions(t)
	phone := narrowest
	phone.Lang = "en-US"
	for tier, dir := range map[string]string{"secure": e.Secure, "government": e.Government, "public": e.Public} {
		s := serve(t, dir)
		for name, view := range map[string]viewertest.View{"desk": viewertest.Desktop, "phone": narrowest, "desk-en": viewertest.English, "phone-en": phone} {
			b := openViewer(t, s, tier, "map=13/34.33/108.64", view)
			line := b.Text(t, "notice")
			for _, want := range toldOf(t, dir, tier, strings.HasSuffix(name, "en")) {
				if !strings.Contains(line, want) {
					t.Errorf("%s %s: the line %q has no %q", tier, name, line, want)
				}
			}
			for _, state := range []string{"map", "report"} {
				if state == "report" {
					viewertest.Eval[any](t, b, "gengtu.drawPolygon("+deliveryRings[0]+")")
				}
				if cut := viewertest.Eval[[]string](t, b, noticeCut); len(cut) > 0 {
					t.Errorf("%s %s %s: not to be seen whole: %q", tier, name, state, cut)
				}
			}
			b.CheckWidth(t)
			b.Picture(t, "notice-"+tier+"-"+name)
		}
	}
}

// Whatever is printed says the same, and has the watermark of the secure edition: the map, the
// sheet of a report, the dashboard, the answer of an analysis. The browser's own command to
// print gives what the buttons do: one sheet, and nothing of the page around it.
func TestViewerPrinted(t *testing.T) {
	e := theEditions(t)
	for tier, dir := range map[string]string{"secure": e.Secure, "government": e.Government} {
		s := serve(t, dir)
		b := openViewer(t, s, tier, "map=13/34.33/108.64", viewertest.Desktop)
		viewertest.Eval[bool](t, b, "(window.print = () => { window.asked = true; }, true)")
		around := []string{"图层与图例", "全部分析", "下载"}
		check := func(what, figure string) {
			pdf := printout(t, b)
			keepPDF(t, pdf, "printed-"+tier+"-"+what)
			text := textOfPDF(t, pdf)
			for _, want := range append(toldOf(t, dir, tier, false), figure) {
				if !strings.Contains(strings.ReplaceAll(text, "\n", ""), want) {
					t.Errorf("%s, %s: the printout lacks %q:\n%s", tier, what, want, text)
				}
			}
			for _, not := range around {
				if strings.Contains(text, not) {
					t.Errorf("%s, %s: the printout has %q of the page around it:\n%s", tier, what, not, text)
				}
			}
			if marks := strings.Count(text, "涉密版 secure"); marks > 0 != (tier == "secure") {
				t.Errorf("%s, %s: %d watermarks", tier, what, marks)
			}
		}
		check("map", "高标准农田")
		viewertest.Eval[any](t, b, "gengtu.drawPolygon("+deliveryRings[0]+")")
		figure := viewertest.Eval[string](t, b, "document.querySelector('[data-testid=overlay-area-cropland-m2]').textContent")
		check("report-command", figure)
		b.Click(t, "overlay-print")
		b.Until(t, "window.asked === true")
		check("report", figure)
		viewertest.Eval[any](t, b, "(dispatchEvent(new Event('afterprint')), window.asked = false)")
		b.Click(t, "dash-open")
		b.Text(t, "dash-table")
		figure = viewertest.Eval[string](t, b, "document.querySelector('[data-testid^=dash-value-] data').textContent")
		check("dashboard-command", figure)
		b.Click(t, "dash-print")
		b.Until(t, "window.asked === true")
		check("dashboard", figure)
		if tier == "secure" { // whose answers the helper reads
			askedOnPage(t, s, b, "pbf-not-hsf")
			check("analysis", viewertest.Eval[string](t, b, "document.querySelector('[data-testid=analyses-grid] tbody td.number data').textContent"))
		}
		viewertest.Eval[any](t, b, "dispatchEvent(new Event('afterprint'))")
		if viewertest.Eval[bool](t, b, "document.querySelector('.print-origin, #print') !== null || document.documentElement.className !== ''") {
			t.Error("the page is left as it was printed")
		}
	}
}

// keepPDF keeps a printout beside the pictures, where those are kept.
func keepPDF(t *testing.T, pdf []byte, name string) {
	t.Helper()
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name+".pdf"), pdf, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
