package main_test

import (
	"fmt"
	"math"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"gengtu/tileserver/viewer/viewertest"
)

// fillsOf are the layers whose ground the map draws, the lowest first.
func fillsOf(t *testing.T, b *viewertest.Tab) string {
	t.Helper()
	return viewertest.Eval[string](t, b, `[...new Set(gengtu.map.getStyle().layers.filter((l) => l.type === 'fill' && l['source-layer'] && l.layout?.visibility !== 'none').map((l) => l['source-layer']))].join(' ')`)
}

// paintOf is all that the map draws of the tier, in order, with its opacities.
func paintOf(t *testing.T, b *viewertest.Tab) string {
	t.Helper()
	return viewertest.Eval[string](t, b, `gengtu.map.getStyle().layers.filter((l) => gengtu.app.drawn.owns(l.id) && l.layout?.visibility !== 'none')
		.map((l) => l.id + ' ' + JSON.stringify(Object.entries(l.paint ?? {}).filter(([k]) => k.endsWith('opacity')))).join('\n')`)
}

// cardOf are the rows of the card, the topmost first: layer, switch, opacity.
func cardOf(t *testing.T, b *viewertest.Tab) string {
	t.Helper()
	return viewertest.Eval[string](t, b, `[...document.querySelectorAll('#layer-list > li')].map((li) => [li.dataset.testid.slice(6), li.querySelector('.switch').checked, li.querySelector('.opacity input').value].join()).join(' ')`)
}

// topAt is the layer of the topmost ground at a place where cropland, pbf and hsf all lie.
func topAt(t *testing.T, b *viewertest.Tab) string {
	t.Helper()
	b.Idle(t)
	return viewertest.Eval[string](t, b, `(() => {
		const of = (point) => [...new Set(gengtu.map.queryRenderedFeatures(point).filter((f) => f.layer.type === 'fill' && ['cropland', 'pbf', 'hsf', 'dltb'].includes(f.sourceLayer)).map((f) => f.sourceLayer))];
		for (let x = 420; x < 1200; x += 7) for (let y = 60; y < 640; y += 7) { const found = of([x, y]); if (['cropland', 'pbf', 'hsf'].every((name) => found.includes(name))) return found.join(' '); }
		return 'no place has all three';
	})()`)
}

// fresh opens the address that a page has now in a tab of its own.
func fresh(t *testing.T, s *server, b *viewertest.Tab, v viewertest.View) *viewertest.Tab {
	t.Helper()
	other := openViewer(t, s, "secure", strings.TrimPrefix(viewertest.Eval[string](t, b, "location.hash"), "#"), v)
	other.Idle(t)
	return other
}

// What the card does is what the map draws: layers go up and down by mouse and by keyboard,
// with the focus, and the map draws them so; they are made faint, hidden, added and taken off;
// and the page's address restores all of it in another tab.
func TestViewerLayers(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Secure)
	b := openViewer(t, s, "secure", "map=15/34.326/108.656", viewertest.Desktop)
	want := func(what, fills, top string) {
		t.Helper()
		if got := fillsOf(t, b); got != fills {
			t.Errorf("%s: the map draws %q, want %q", what, got, fills)
		}
		if got := topAt(t, b); got != top {
			t.Errorf("%s: at one place lie, the topmost first, %q, want %q", what, got, top)
		}
	}
	key := func(testid, keys string, n int) {
		t.Helper()
		// In one step, as the list is made anew when legends come.
		b.Until(t, fmt.Sprintf(`((e) => { e?.focus(); return e !== null && e === document.activeElement; })(document.querySelector('[data-testid="%s"]'))`, testid))
		for range n {
			b.Run(t, chromedp.KeyEvent(keys))
		}
	}
	focus := func(testid string) {
		t.Helper()
		if got := viewertest.Eval[string](t, b, "document.activeElement.dataset.testid"); got != testid {
			t.Errorf("the focus is on %q, want %q", got, testid)
		}
	}
	want("at first", "cropland pbf hsf region", "hsf pbf cropland")
	key("layer-down-hsf", kb.Enter, 1)
	want("hsf down by a key", "cropland hsf pbf region", "pbf hsf cropland")
	focus("layer-down-hsf")
	key("layer-down-hsf", " ", 1)
	want("hsf at the bottom", "hsf cropland pbf region", "pbf cropland hsf")
	focus("layer-toggle-hsf") // what went down cannot go further
	b.Click(t, "layer-up-cropland")
	want("cropland up by the mouse", "hsf pbf cropland region", "cropland pbf hsf")
	if got := cardOf(t, b); got != "region,true,100 cropland,true,100 pbf,true,100 hsf,true,100" {
		t.Errorf("the card lists %q", got)
	}

	before := paintOf(t, b)
	viewertest.Eval[bool](t, b, "(window.full = gengtu.map.getPaintProperty('pbf-fill', 'fill-opacity'), true)")
	key("layer-opacity-pbf", kb.ArrowLeft, 6)
	// Numbers of the style's expression are zooms, which stay, or opacities, which are 70 % of
	// what they were.
	if got := viewertest.Eval[[]float64](t, b, `(() => {
		const numbers = (v) => JSON.stringify(v).match(/-?[\d.]+/g).map(Number);
		const now = numbers(gengtu.map.getPaintProperty('pbf-fill', 'fill-opacity'));
		return numbers(window.full).flatMap((n, i) => (now[i] === n ? [] : [now[i] / n]));
	})()`); len(got) == 0 || slices.ContainsFunc(got, func(part float64) bool { return math.Abs(part-0.7) > 1e-9 }) {
		t.Errorf("at 70%% the opacities of pbf are %v of the style's", got)
	}
	if got := paintOf(t, b); got == before {
		t.Error("the opacity of pbf changes nothing that is drawn")
	}
	b.Click(t, "layer-toggle-region")
	want("places hidden", "hsf pbf cropland", "cropland pbf hsf")

	b.Click(t, "layer-add")
	// The list is made anew when legends come, which a click of the mouse may meet.
	viewertest.Eval[bool](t, b, `(document.querySelector('[data-testid="layer-group"] summary').click(), document.querySelector('[data-testid="layer-pick-dltb"]').click(), true)`)
	b.Click(t, "layer-add")
	b.Until(t, "gengtu.map.queryRenderedFeatures().some((f) => f.sourceLayer === 'dltb')")
	if got := fillsOf(t, b); got != "dltb hsf pbf cropland" {
		t.Errorf("with dltb the map draws %q", got)
	}
	key("layer-up-dltb", kb.Enter, 2)
	want("dltb up", "hsf pbf dltb cropland", "cropland dltb pbf hsf")
	b.Picture(t, "layers-ordered")

	other := fresh(t, s, b, viewertest.Desktop)
	other.Until(t, "gengtu.map.queryRenderedFeatures().some((f) => f.sourceLayer === 'dltb')")
	for what, state := range map[string]func(*testing.T, *viewertest.Tab) string{"the map": paintOf, "the fills": fillsOf, "the ground": topAt} {
		if got, want := state(t, other), state(t, b); got != want {
			t.Errorf("%s of the address in another tab is\n%s\nwant\n%s", what, got, want)
		}
	}
	// Where a layer that is off stood, no address says.
	on := func(card string) string {
		return strings.Join(slices.DeleteFunc(strings.Fields(card), func(row string) bool { return strings.Contains(row, ",false,") }), " ")
	}
	if got, want := on(cardOf(t, other)), on(cardOf(t, b)); got != want {
		t.Errorf("the card of the address in another tab lists %q, want %q", got, want)
	}
	other.CheckAccess(t)
	b.Click(t, "layer-remove-dltb")
	b.Until(t, "gengtu.app.drawn.styleLayers('dltb').length === 0")
	want("dltb taken off", "hsf pbf cropland", "cropland pbf hsf")
	if got := viewertest.Eval[string](t, b, "location.hash"); strings.Contains(got, "dltb") || !strings.Contains(got, "layers=hsf,pbf:70,cropland") {
		t.Errorf("the address is %s", got)
	}
}

// An address that asks for what there is no longer, or is no address, opens all the same: what
// there is is shown, and all that there is not is said at once.
func TestViewerLinkGone(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Secure)
	b := viewertest.OpenMap(t, viewertest.Browser(t), s.URL+"/?tier=secure#tk="+s.tokens["secure"]+"&map=15/34.326/108.656&layers=pbf:40,oldtheme,cropland,"+url.QueryEscape("老图层")+"&vintage=1999&base=gone", viewertest.Desktop)
	// The style is asked for before it is known which vintages there are.
	t.Cleanup(func() {
		for _, c := range b.Complaints(s.URL) {
			if !strings.Contains(c, "/style.json?vintage=1999") {
				t.Error(c)
			}
		}
	})
	said := b.Text(t, "toast")
	for _, part := range []string{"oldtheme 老图层", "1999", "有：2024", "“gone”"} {
		if !strings.Contains(said, part) {
			t.Errorf("the page says %q, want %q in it", said, part)
		}
	}
	if got := fillsOf(t, b); got != "pbf cropland" {
		t.Errorf("the map draws %q", got)
	}
	b.Until(t, "gengtu.map.queryRenderedFeatures().some((f) => f.sourceLayer === 'pbf')")
	b.Picture(t, "link-gone")
	b.CheckWidth(t)
	viewertest.Eval[bool](t, b, "(gengtu.map.jumpTo({center: [108.655, 34.327]}), true)")
	if got := viewertest.Eval[string](t, b, "location.hash"); strings.Contains(got, "oldtheme") || strings.Contains(got, "vintage=") || strings.Contains(got, "base=") {
		t.Errorf("what there is not stays in the address: %s", got)
	}

	// Where none of the layers is left, the map is not blank.
	viewertest.Eval[string](t, b, "location.hash = 'map=15/34.326/108.656&layers=oldtheme'")
	b.Until(t, "document.querySelector('[data-testid=toast]').textContent.includes('oldtheme。')")
	if got := fillsOf(t, b); got != "cropland pbf hsf region" {
		t.Errorf("of no layer that there is the map draws %q", got)
	}
	for _, hash := range []string{"%E0%A4%A&&&=;map=a/b/c&layers=:::,,%&at=x&answer=%00&dashboard=zz&compare=,,,", "map=99/999/-999&layers=pbf:-4,cropland:abc&vintage=&base=", "🌾", "layers=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E"} {
		other := openViewer(t, s, "secure", hash, viewertest.Narrow)
		other.Until(t, "gengtu.map.queryRenderedFeatures().some((f) => f.sourceLayer === 'cropland')")
		if n := viewertest.Eval[int](t, other, "document.querySelectorAll('#toast img').length"); n != 0 {
			t.Error("an address has become a part of the page")
		}
		other.CheckWidth(t)
	}
}

// A base map whose server is down is said by its name, the layers stay, and the page goes on:
// another view, none, and back.
func TestViewerBaseDown(t *testing.T) {
	e := theEditions(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "base.yaml")
	text := fmt.Sprintf("sources:\n  - name: vec\n    title: {zh: 市局底图, en: City}\n    url: http://%s/{z}/{x}/{y}.png\n    grid: w\n    zooms: [1, 18]\n    tiers: [secure]\n", closed.Addr())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serveWith(t, []string{"--base-maps", file}, e.Secure)
	s.faulty = true // it warns that the base map rests
	b := viewertest.OpenMap(t, viewertest.Browser(t), s.URL+"/?tier=secure#tk="+s.tokens["secure"]+"&map=15/34.326/108.656&base=vec", viewertest.Desktop)
	if got := b.Text(t, "toast"); !strings.Contains(got, "底图“市局底图”没有载入") {
		t.Errorf("the page says %q", got)
	}
	drawn := "gengtu.map.queryRenderedFeatures().some((f) => f.sourceLayer === 'cropland')"
	b.Until(t, drawn)
	b.Picture(t, "base-down")
	choose := func(value string) {
		t.Helper()
		viewertest.Eval[bool](t, b, fmt.Sprintf(`(() => { const s = document.querySelector('[data-testid=base]'); s.value = %q; s.dispatchEvent(new Event('change')); return true; })()`, value))
	}
	choose("")
	b.Until(t, "!gengtu.map.getSource('gengtu-base') && !location.hash.includes('base=')")
	viewertest.Eval[bool](t, b, "(document.querySelector('.toast-close').click(), gengtu.map.jumpTo({center: [108.64, 34.33]}), true)")
	b.Idle(t)
	b.Until(t, drawn)
	choose("vec")
	b.Until(t, "document.querySelector('[data-testid=toast]').hidden === false && location.hash.includes('base=vec')")
	want := overlayOf[askedAnswer](t, s, "secure", "", "application/geo+json", []byte(polygonOf(deliveryRings[0])))
	viewertest.Eval[any](t, b, "gengtu.drawPolygon("+deliveryRings[0]+")")
	wantReport(t, b, &want)
	for _, c := range b.Complaints(s.URL) {
		if !strings.Contains(c, "/base/vec/") {
			t.Error(c)
		}
	}
}
