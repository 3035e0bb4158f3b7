package main_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"gengtu/benchmarks/suite"
	"gengtu/tileserver/access/oidc/oidctest"
	"gengtu/tileserver/viewer/viewertest"
)

// atParcels is a place of the delivery at a zoom that shows single parcels.
const atParcels = "map=15/34.33/108.64"

// on says which server a moment is of.
type on string

// The servers of moments: two editions of a year; one of both years, and one of all themes,
// at the highest tier; and one that asks whoever comes for a token.
const (
	onThemes     on = "themes"
	onGovernment on = "a year"
	onSecure     on = "both years"
	onStranger   on = "stranger"
)

// moment is a state of the page: where it begins, and what brings it about there.
type moment struct {
	name  string
	on    on
	hash  string
	enter func(*testing.T, *viewertest.Tab)
}

// moments are the main ones. Whoever adds a room adds its own here, a line each.
var moments = []moment{
	{"map", onGovernment, "map=13/34.33/108.64", func(*testing.T, *viewertest.Tab) {}},
	{"themes", onThemes, "layers=cropland,pbf,fragile,arid,supplement,change,urban,redline,region", func(t *testing.T, b *viewertest.Tab) {
		showLayers(t, b)
		b.Click(t, "zoom-fit")
		b.Idle(t)
	}},
	{"layers", onGovernment, atParcels, func(t *testing.T, b *viewertest.Tab) { showLayers(t, b); b.Click(t, "record-cropland") }},
	{"drawing", onGovernment, atParcels, func(t *testing.T, b *viewertest.Tab) { b.Click(t, "draw-polygon"); pressMiddle(t, b) }},
	{"report", onGovernment, "map=13/34.33/108.64", func(t *testing.T, b *viewertest.Tab) {
		viewertest.Eval[any](t, b, "gengtu.drawPolygon([[108.63,34.32],[108.65,34.32],[108.65,34.335],[108.63,34.335]])")
	}},
	{"feature", onGovernment, atParcels, func(t *testing.T, b *viewertest.Tab) {
		pressMiddle(t, b)
		b.Until(t, "document.querySelectorAll('[data-testid=feature-panel] [data-field]').length > 5")
	}},
	{"search", onGovernment, atParcels, func(t *testing.T, b *viewertest.Tab) {
		b.Run(t, chromedp.SendKeys(viewertest.ID("search"), "61"))
		b.Until(t, "document.querySelectorAll('#search-list [role=option], #search-list li').length > 0")
	}},
	{"alternatives", onGovernment, "map=13/34.33/108.64", func(t *testing.T, b *viewertest.Tab) {
		for _, ring := range deliveryRings {
			viewertest.Eval[any](t, b, "gengtu.drawPolygon("+ring+")")
			b.Click(t, "overlay-keep")
		}
		b.Text(t, "compare")
	}},
	{"place", onGovernment, "map=13/34.33/108.64", func(t *testing.T, b *viewertest.Tab) {
		b.Click(t, "draw-pick")
		pressMiddle(t, b)
		b.Text(t, "pick-levels")
	}},
	{"addresses", onGovernment, atParcels, openShare},
	{"tiers", onGovernment, atParcels, func(t *testing.T, b *viewertest.Tab) { b.Click(t, "tier") }},
	{"token", onGovernment, atParcels, func(t *testing.T, b *viewertest.Tab) { b.Click(t, "token-open") }},
	{"questions", onGovernment, "map=13/34.33/108.64", func(t *testing.T, b *viewertest.Tab) {
		b.Click(t, "analyses-open")
		b.Until(t, "document.querySelectorAll('.analyses-question').length > 5")
	}},
	{"answer", onGovernment, "map=13/34.33/108.64", func(t *testing.T, b *viewertest.Tab) { answeredOnPage(t, b, "summary") }},
	{"chart", onGovernment, "map=13/34.33/108.64", func(t *testing.T, b *viewertest.Tab) {
		answeredOnPage(t, b, "summary")
		b.Click(t, "analyses-show-chart")
		b.Text(t, "chart-bar")
	}},
	{"dashboard", onSecure, "dash=rank,,township,cropland,net,mu,", func(t *testing.T, b *viewertest.Tab) { b.Text(t, "dash-table"); b.Text(t, "chart-bar") }},
	{"trend", onSecure, "dash=trend,,township,cropland,net,mu,", func(t *testing.T, b *viewertest.Tab) { b.Text(t, "dash-trend-pbf") }},
	{"progress", onSecure, "dash=progress,,township,cropland,net,mu,", func(t *testing.T, b *viewertest.Tab) { b.Text(t, "dash-progress-years") }},
	{"flow", onSecure, "dash=flow,,township,cropland,net,mu,", func(t *testing.T, b *viewertest.Tab) { b.Text(t, "dash-flow-table"); b.Text(t, "chart-sankey") }},
	{"swipe", onSecure, "map=14/34.33/108.64", func(t *testing.T, b *viewertest.Tab) {
		b.Click(t, "swipe-open")
		b.Run(t, chromedp.WaitVisible(viewertest.ID("swipe-divider")))
		b.Idle(t)
	}},
	{"watermark", onSecure, "map=13/34.33/108.64", func(t *testing.T, b *viewertest.Tab) {
		b.Until(t, "/^(涉密版|Secure) secure$/.test(document.querySelector('[data-testid=watermark] text').textContent)")
	}},
	{"login", onStranger, "map=13/34.33/108.64", func(t *testing.T, b *viewertest.Tab) { b.Text(t, "login") }},
}

// showLayers opens the card of layers, which stands open on a desk.
func showLayers(t *testing.T, b *viewertest.Tab) {
	t.Helper()
	if viewertest.Eval[bool](t, b, "document.getElementById('layers').hidden") {
		b.Click(t, "layers-open")
	}
}

// pressMiddle clicks what the map has in its middle.
func pressMiddle(t *testing.T, b *viewertest.Tab) {
	t.Helper()
	at := viewertest.Eval[[2]float64](t, b, "(({left, top, width, height}) => [left + width / 2, top + height / 2])(gengtu.map.getContainer().getBoundingClientRect())")
	b.Press(t, at[0], at[1])
}

// answeredOnPage asks a question by the page's form and waits for the table of its answer.
func answeredOnPage(t *testing.T, b *viewertest.Tab, question string) {
	t.Helper()
	b.Click(t, "analyses-open")
	b.Click(t, "analyses-question-"+question)
	b.Click(t, "analyses-start")
	b.Text(t, "analyses-grid")
}

// stages are the servers that moments stand on, each started once for its test.
type stages map[on]*server

func theStages(t *testing.T) stages {
	t.Helper()
	e := theEditions(t)
	return stages{onGovernment: serve(t, e.Government, e.Public), onSecure: serve(t, bothYears(t)), onThemes: serve(t, allThemes(t)), onStranger: serveIssuer(t, e.Secure, oidctest.New(t))}
}

// allThemes is a secure edition of a sample, with the themes that moments show.
func allThemes(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	sample, edition := filepath.Join(dir, "sample"), filepath.Join(dir, "edition")
	must(t, "sample", "--out", sample, "--parcels", "3000")
	args := []string{"ingest", "--out", edition, "--zooms", "9-9", "--vintage", "2024", "--delivery", filepath.Join(sample, "2024")}
	for layer, file := range map[string]string{
		"redline": "STBHHX.shp", "urban": "CZKFBJ.gpkg", "arid": "严重干旱区.geojson", "fragile": "生态脆弱区.geojson", "supplement": "补充耕地.gpkg", "change": "监测图斑/疑似变化图斑_2024Q4.shp", "soil": "土壤环境质量类别.shp",
	} {
		args = append(args, "--layer", layer+"@2024="+filepath.Join(sample, "专题", filepath.FromSlash(file)))
	}
	must(t, args...)
	return edition
}

// open brings a moment about in a tab of its own. At the end of the test the page must have
// complained of nothing, but to a stranger of the one refusal that makes it ask who he is.
func (s stages) open(t *testing.T, m moment, v viewertest.View) *viewertest.Tab {
	t.Helper()
	if m.on != onStranger {
		tier := "secure"
		if m.on == onGovernment {
			tier = "government"
		}
		b := openViewer(t, s[m.on], tier, m.hash, v)
		m.enter(t, b)
		return b
	}
	at := s[m.on].URL
	b := viewertest.Open(t, viewertest.Browser(t), at+"/?tier=secure#"+m.hash, v)
	m.enter(t, b)
	t.Cleanup(func() {
		said := b.Complaints(at)
		if len(said) != 1 || !strings.Contains(said[0], "401") || !strings.HasSuffix(said[0], at+"/secure/catalog") {
			t.Errorf("to a stranger the page says %q, want the one refusal of the catalogue", said)
		}
	})
	return b
}

// Each main moment of the page on a desk, there at twice the size, and on the narrowest
// phone: axe finds no serious fault, nothing has to be scrolled sideways, and the page
// complains of nothing. Words are longer in English, and the phone has them.
func TestViewerAccess(t *testing.T) {
	s := theStages(t)
	phone := viewertest.Narrow
	phone.Lang = "en-US"
	for _, m := range moments {
		for name, v := range map[string]viewertest.View{"desk": viewertest.Desktop, "phone": phone} {
			t.Run(m.name+"/"+name, func(t *testing.T) {
				b := s.open(t, m, v)
				check := func(name string) {
					b.Picture(t, "state-"+m.name+"-"+name)
					b.CheckWidth(t)
					b.CheckAccess(t)
					suite.Count(t, "axe", 1, "looks")
				}
				check(name)
				if !v.Mobile {
					b.Resize(t, v.Width/2, v.Height/2)
					check("twice")
				}
			})
		}
	}
}
