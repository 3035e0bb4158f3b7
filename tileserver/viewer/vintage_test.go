package viewer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"gengtu/tileserver/viewer/viewertest"
)

// openYears opens a page of a server with several vintages.
func openYears(t *testing.T, c *contract, hash string, v viewertest.View) *viewertest.Tab {
	t.Helper()
	c.years = true
	b := viewertest.OpenMap(t, viewertest.Browser(t), c.URL+"/#"+hash, v)
	t.Cleanup(func() { b.Quiet(t, c.URL) })
	return b
}

// hash changes what stands behind the # of the page's address.
func hash(t *testing.T, b *viewertest.Tab, to string) {
	t.Helper()
	viewertest.Eval[string](t, b, fmt.Sprintf("location.hash = %q", to))
}

// link is what stands there.
func link(t *testing.T, b *viewertest.Tab) string {
	t.Helper()
	return viewertest.Eval[string](t, b, "location.hash")
}

// The parcels that are not cropland yet in 2023 and are drawn; of the others, how many.
const (
	newParcels = "gengtu.map.queryRenderedFeatures().filter((f) => f.sourceLayer === 'cropland' && f.id % 5 === 0).length"
	oldParcels = "gengtu.map.queryRenderedFeatures().filter((f) => f.sourceLayer === 'cropland' && f.id % 5 !== 0).length"
	hsfBlocks  = "gengtu.map.queryRenderedFeatures().filter((f) => f.sourceLayer === 'hsf').length"
)

// settled waits until a vintage is drawn.
func settled(t *testing.T, b *viewertest.Tab, vintage string) {
	t.Helper()
	b.Until(t, fmt.Sprintf("gengtu.app.drawn.vintage() === %q && document.getElementById('vintage').getAttribute('aria-busy') !== 'true'", vintage))
	b.Idle(t)
}

// The slider goes from vintage to vintage by keys, and the map goes with it: the land that
// is drawn is that vintage's; view, opacity, switches, order, base map and what was drawn on
// the map stay; the card tells that vintage's counts, and of layers that lack it, that they
// do. The page is not loaded again.
func TestVintageSlider(t *testing.T) {
	c := newContract(t)
	b := openYears(t, c, "map=13.5/34.3288/108.6288&layers=pbf:40,cropland,hsf&base=vec", viewertest.Desktop)
	viewertest.Eval[any](t, b, "(window.same = true, gengtu.drawPolygon([[108.62,34.32],[108.63,34.32],[108.63,34.33]]))")
	if text := b.Text(t, "vintage-value"); text != "各层最新" {
		t.Errorf("the slider begins at %q: layers differ in their latest", text)
	}
	if n := viewertest.Eval[int](t, b, newParcels); n == 0 {
		t.Fatal("no parcels of 2024 are drawn: the test would prove nothing")
	}
	state := `JSON.stringify([gengtu.map.getCenter(), gengtu.map.getZoom(), [...gengtu.app.layers.on()], gengtu.map.getStyle().sources['gengtu-aoi'].data, window.same,
		gengtu.map.getStyle().layers.filter((l) => l['source-layer'] !== 'hsf').map((l) => [l.id.replace(/@.*/, ''), l.paint?.['fill-opacity'] ?? l.paint?.['line-opacity'], l.layout?.visibility])])`
	before := viewertest.Eval[string](t, b, state)

	b.Run(t, chromedp.Focus(viewertest.ID("vintage-slider")), chromedp.KeyEvent(kb.ArrowLeft))
	settled(t, b, "2024")
	b.Run(t, chromedp.KeyEvent(kb.Home))
	settled(t, b, "2023")
	b.Picture(t, "vintage-2023")
	if text := b.Text(t, "vintage-value"); text != "2023 年度" {
		t.Errorf("the slider says %q", text)
	}
	if n, others := viewertest.Eval[int](t, b, newParcels), viewertest.Eval[int](t, b, oldParcels); n != 0 || others == 0 {
		t.Errorf("in 2023 the map draws %d parcels of 2024 and %d others", n, others)
	}
	if after := viewertest.Eval[string](t, b, state); after != before {
		t.Errorf("the state was\n%s\nand is\n%s", before, after)
	}
	if got := viewertest.Eval[string](t, b, `document.querySelector('[data-testid="layer-facts-cropland"] data').value`); got != "8001" {
		t.Errorf("the card counts %s parcels", got)
	}
	if text := b.Text(t, "layer-lacks-hsf"); !strings.Contains(text, "没有 2023 年度的数据（有 2024）") {
		t.Errorf("of hsf the card says %q", text)
	}
	if viewertest.Eval[int](t, b, hsfBlocks) != 0 {
		t.Error("hsf, which has no 2023, is drawn")
	}
	if got := link(t, b); !strings.Contains(got, "&vintage=2023") {
		t.Errorf("the address is %s", got)
	}

	b.Run(t, chromedp.Focus(viewertest.ID("vintage-slider")), chromedp.KeyEvent(kb.End))
	settled(t, b, "")
	b.Until(t, hsfBlocks+" > 0")
	if got := link(t, b); strings.Contains(got, "vintage") {
		t.Errorf("back at the latest the address is %s", got)
	}
}

// The address restores the vintage: in its query, as older addresses have it, behind #, and
// in a page that is open. What is asked for then is that vintage: tiles, records, figures.
func TestVintageLink(t *testing.T) {
	c := newContract(t)
	c.years = true
	b := viewertest.OpenMap(t, viewertest.Browser(t), c.URL+"/?vintage=2023#map=14/34.3288/108.6288", viewertest.Desktop)
	settled(t, b, "2023")
	if n := viewertest.Eval[int](t, b, newParcels); n != 0 {
		t.Errorf("%d parcels of 2024 are drawn", n)
	}
	if address := viewertest.Eval[string](t, b, "location.search + location.hash"); strings.Contains(address, "?vintage") || !strings.Contains(address, "vintage=2023") {
		t.Errorf("the address is %s", address)
	}
	b.Press(t, 640, 420)
	b.Until(t, `[...document.querySelectorAll('[data-testid="feature-cropland"] [data-field="vintage"] td')].some((td) => td.innerText === '2023')`)
	viewertest.Eval[any](t, b, "gengtu.drawPolygon([[108.62,34.32],[108.63,34.32],[108.63,34.33]])")
	var request struct{ Layers []string }
	decodeJSON(t, c.lastOverlay(), &request)
	if got := strings.Join(request.Layers, " "); got != "cropland pbf" {
		t.Errorf("figures are asked for %s, want the layers that have a 2023", got)
	}
	asked := c.asked("vintage=2023")
	for _, want := range []string{"/public/features/cropland/", "/public/overlay?vintage=2023"} {
		found := false
		for _, r := range asked {
			found = found || strings.Contains(r, want)
		}
		if !found {
			t.Errorf("%s was not asked with the vintage: %s", want, strings.Join(asked, "\n"))
		}
	}

	hash(t, b, "map=14/34.3288/108.6288&vintage=2024")
	settled(t, b, "2024")
	b.Until(t, newParcels+" > 0")
	hash(t, b, "map=14/34.3288/108.6288&vintage=1999")
	settled(t, b, "")
	if text := b.Text(t, "toast"); !strings.Contains(text, "1999") || !strings.Contains(text, "2024 2023Q2 2023") {
		t.Errorf("of a vintage that there is not the page says %q", text)
	}
	b.Quiet(t, c.URL)
}

// A vintage whose style cannot be had is said, and the slider goes back to what is drawn.
func TestVintageFails(t *testing.T) {
	c := newContract(t)
	c.years, c.broken = true, "2023"
	b := viewertest.OpenMap(t, viewertest.Browser(t), c.URL+"/", viewertest.English)
	b.Run(t, chromedp.Focus(viewertest.ID("vintage-slider")), chromedp.KeyEvent(kb.Home))
	if text := b.Text(t, "toast"); !strings.Contains(text, "2023 could not be loaded; Latest of each is still shown") {
		t.Errorf("the page says %q", text)
	}
	if text := b.Text(t, "vintage-value"); text != "Latest of each" || strings.Contains(link(t, b), "vintage") {
		t.Errorf("the slider says %q, the address %s", text, link(t, b))
	}
}

// Where there is one vintage, there is no slider.
func TestVintageAlone(t *testing.T) {
	c := newContract(t)
	b := viewertest.OpenMap(t, viewertest.Browser(t), c.URL+"/", viewertest.Desktop)
	if viewertest.Eval[bool](t, b, "!document.getElementById('vintage').hidden || !!document.getElementById('swipe-open')") {
		t.Error("a slider or a comparison is offered")
	}
	b.Quiet(t, c.URL)
}
