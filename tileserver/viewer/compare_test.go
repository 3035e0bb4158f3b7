package viewer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"gengtu/tileserver/viewer/viewertest"
)

// Parcels of the left map of a comparison that 2023 does not have, and others.
const (
	leftMap  = "gengtu.app.seen({x: 1, y: 300}).map"
	leftNew  = leftMap + ".queryRenderedFeatures().filter((f) => f.sourceLayer === 'cropland' && f.id % 5 === 0).length"
	leftOld  = leftMap + ".queryRenderedFeatures().filter((f) => f.sourceLayer === 'cropland' && f.id % 5 !== 0).length"
	divider  = `document.querySelector('[data-testid="swipe-divider"]')`
	selected = `[...document.querySelectorAll('.swipe-choice select')].map((s) => s.selectedOptions[0].textContent).join('|')`
)

// comparing waits until both sides are drawn.
func comparing(t *testing.T, b *viewertest.Tab) {
	t.Helper()
	b.Until(t, "!!"+divider+" && "+leftMap+" !== gengtu.map && "+leftMap+".areTilesLoaded() && gengtu.map.areTilesLoaded()")
	b.Until(t, leftOld+" > 0")
}

// Two years are drawn side by side, with the layers, opacities and shapes of the page on
// both, and move together; the divider is dragged and moved by keys; each side's year can
// be chosen; a click asks the side that it is on; Esc and the button leave.
func TestCompare(t *testing.T) {
	c := newContract(t)
	b := openYears(t, c, "map=13.5/34.3288/108.6288&layers=cropland:70,pbf,region&vintage=2024&base=vec", viewertest.Desktop)
	viewertest.Eval[any](t, b, "gengtu.drawPolygon([[108.615,34.32],[108.63,34.32],[108.63,34.33]])")
	if n := len(c.asked("/viewer/view-")); n != 0 {
		t.Error("the comparison is loaded before it is asked for")
	}
	b.Click(t, "swipe-open")
	comparing(t, b)
	b.Picture(t, "compare")
	if got := viewertest.Eval[string](t, b, selected); got != "2023 年度|2024 年度" {
		t.Errorf("it begins with %s", got)
	}
	b.Until(t, leftNew+" === 0")
	if n := viewertest.Eval[int](t, b, newParcels); n == 0 {
		t.Error("the right side has no parcels of 2024")
	}
	both := `(m) => { const of = (id) => m.getLayer(id) ?? m.getLayer(id + '@2023') ?? m.getLayer(id + '@2024');
		return [of('cropland-fill').getPaintProperty('fill-opacity'), of('hsf-fill')?.visibility ?? 'none', !!m.getLayer('gengtu-base'), JSON.stringify(m.getStyle().sources['gengtu-aoi']?.data), m.getCenter().toArray().map((x) => x.toFixed(9)).join(), m.getZoom().toFixed(6)].join(' '); }`
	same := func(what string) {
		t.Helper()
		if l, r := viewertest.Eval[string](t, b, "("+both+")("+leftMap+")"), viewertest.Eval[string](t, b, "("+both+")(gengtu.map)"); l != r || !strings.Contains(l, "Polygon") {
			t.Errorf("%s: left\n%s\nright\n%s", what, l, r)
		}
	}
	same("at first")
	viewertest.Eval[bool](t, b, "(gengtu.app.layers.set('cropland', {opacity: 0.3}), gengtu.map.jumpTo({center: [108.63, 34.33], zoom: 14}), true)")
	same("moved")
	if got := viewertest.Eval[string](t, b, `[...document.querySelectorAll('[data-testid="layer-facts-cropland"] data')].map((d) => d.value).join()`); got != "8001,9608" {
		t.Errorf("the card counts %s, want both years", got)
	}

	choose := func(index, vintage string) {
		t.Helper()
		viewertest.Eval[bool](t, b, `(() => { const s = document.querySelector('[data-testid="swipe-left"]'); s.value = '`+index+`'; s.dispatchEvent(new Event('change')); return true; })()`)
		// Asking for what is drawn, again and again, would keep the page from drawing it.
		b.Until(t, strings.TrimSuffix(leftMap, ".map")+".vintage() === '"+vintage+"'")
	}
	choose("3", "")
	b.Until(t, leftNew+" > 0")
	choose("0", "2023")
	b.Until(t, leftNew+" === 0 && "+leftOld+" > 0")

	// Keys, and what a screen reader is told.
	b.Run(t, chromedp.Focus(viewertest.ID("swipe-divider")), chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.PageUp))
	if got := viewertest.Eval[string](t, b, divider+".getAttribute('aria-valuenow') + ' ' + "+divider+".getAttribute('aria-valuetext')"); got != "62 左侧 2023 年度 占 62%，右侧 2024 年度" {
		t.Errorf("the divider says %q", got)
	}
	// Dragged by the mouse to 25 % of the window.
	b.Run(t, chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, 1280*0.62, 600, chromedp.ButtonType(input.MouseButtonLeft), chromedp.ClickCount(1)),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 700, 600, chromedp.ButtonType(input.MouseButtonLeft)),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 640, 600, chromedp.ButtonType(input.MouseButtonLeft)),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, 640, 600, chromedp.ButtonType(input.MouseButtonLeft), chromedp.ClickCount(1)))
	if got := viewertest.Eval[string](t, b, divider+".getAttribute('aria-valuenow')"); got != "50" {
		t.Errorf("dragged to %s, want 50", got)
	}
	if got := link(t, b); !strings.Contains(got, "&compare=2023,2024,50") {
		t.Errorf("the address is %s", got)
	}

	// A click asks the side that it is on.
	for x, year := range map[float64]string{560: "2023", 700: "2024"} {
		b.Press(t, x, 500)
		b.Until(t, fmt.Sprintf(`document.querySelector('[data-testid="feature-vintage"]')?.innerText.includes('%s 年度')`, year))
		if got := c.asked("/features/"); !strings.HasSuffix(got[len(got)-1], "?vintage="+year) {
			t.Errorf("a click at %v asks %s", x, got[len(got)-1])
		}
	}
	b.Run(t, chromedp.Focus(viewertest.ID("swipe-divider")), chromedp.KeyEvent(kb.Escape))
	gone := "!document.getElementById('swipe') && gengtu.app.seen({x: 1, y: 300}) === gengtu.app.drawn && document.activeElement.id === 'swipe-open'"
	b.Until(t, gone)
	if got := link(t, b); strings.Contains(got, "compare") || !strings.Contains(got, "vintage=2024") {
		t.Errorf("the address is %s", got)
	}
}

// The address restores a comparison, in a page that is opened with it, on a phone, by touch,
// and in one that is open; a year that there is not is named.
func TestCompareLink(t *testing.T) {
	c := newContract(t)
	b := openYears(t, c, "map=13/34.3288/108.6288&compare=2023,2024,30", viewertest.Phone)
	comparing(t, b)
	b.Until(t, leftNew+" === 0")
	b.Picture(t, "compare-phone")
	if got := viewertest.Eval[string](t, b, selected+" + ' ' + "+divider+".getAttribute('aria-valuenow')"); got != "2023 年度|2024 年度 30" {
		t.Errorf("opened as %s", got)
	}
	b.Run(t, touch(390*0.3, 600, 200, 600)...)
	b.Until(t, divider+".getAttribute('aria-valuenow') === '51'")

	hash(t, b, "map=13/34.3288/108.6288&compare=2024,,80")
	comparing(t, b)
	b.Until(t, selected+" === '2024 年度|各层最新' && "+divider+".getAttribute('aria-valuenow') === '80'")
	b.Until(t, leftNew+" > 0")
	hash(t, b, "map=13/34.3288/108.6288&compare=1999,2024,80")
	b.Until(t, "!document.getElementById('swipe')")
	if text := b.Text(t, "toast"); !strings.Contains(text, "1999") {
		t.Errorf("of a year that there is not the page says %q", text)
	}
	hash(t, b, "map=13/34.3288/108.6288&vintage=2023")
	settled(t, b, "2023")
}

// touch drags with a finger.
func touch(x0, y0, x1, y1 float64) []chromedp.Action[chromedp.Void] {
	at := func(kind input.DispatchTouchEventType, points ...*input.TouchPoint) chromedp.Action[chromedp.Void] {
		return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: kind, TouchPoints: points})
			return err
		})
	}
	return []chromedp.Action[chromedp.Void]{
		at(input.DispatchTouchEventTypeTouchStart, &input.TouchPoint{X: x0, Y: y0}),
		at(input.DispatchTouchEventTypeTouchMove, &input.TouchPoint{X: (x0 + x1) / 2, Y: (y0 + y1) / 2}),
		at(input.DispatchTouchEventTypeTouchMove, &input.TouchPoint{X: x1, Y: y1}),
		at(input.DispatchTouchEventTypeTouchEnd),
	}
}

// The picture on a printed sheet has both sides of a comparison, as the window has them, and
// says which is which.
func TestComparePrinted(t *testing.T) {
	c := newContract(t)
	b := openYears(t, c, "map=14/34.3288/108.6288&vintage=2024&compare=2023,2024,40", viewertest.Desktop)
	comparing(t, b)
	b.Until(t, leftNew+" === 0")
	viewertest.Eval[any](t, b, "gengtu.drawPolygon([[108.615,34.32],[108.63,34.32],[108.63,34.33]])")
	b.Idle(t)
	viewertest.Eval[any](t, b, "void (window.print = () => { window.printed = true; })")
	b.Click(t, "overlay-print")
	b.Until(t, "window.printed")
	if text := viewertest.Eval[string](t, b, "document.querySelector('#print figcaption').textContent"); text != "打印时的地图：左 2023 年度，右 2024 年度" {
		t.Errorf("below the picture stands %q", text)
	}
	// How much of the picture, left and right of the divider, is as each map has it.
	same := viewertest.Eval[[4]float64](t, b, `(() => {
		const img = document.querySelector('#print canvas'), {width, height} = img;
		const pixels = (source) => { const c = Object.assign(document.createElement('canvas'), {width, height}).getContext('2d', {willReadFrequently: true}); c.drawImage(source, 0, 0); return new Uint32Array(c.getImageData(0, 0, width, height).data.buffer); };
		const shown = (map) => { map.redraw(); return pixels(map.getCanvas()); };
		const [sheet, left, right] = [pixels(img), shown(`+leftMap+`), shown(gengtu.map)];
		const share = (map, from, to) => { let same = 0, all = 0; for (let y = 0; y < height; y++) for (let x = Math.round(from * width); x < to * width; x++) { all++; if (map[y * width + x] === sheet[y * width + x]) same++; } return same / all; };
		return [share(left, 0, 0.39), share(right, 0, 0.39), share(left, 0.41, 1), share(right, 0.41, 1)];
	})()`)
	if same[0] < 0.999 || same[3] < 0.999 || same[1] > 0.98 || same[2] > 0.98 {
		t.Errorf("left of the divider the picture is to %.3f as the left map and to %.3f as the right one; right of it to %.3f and %.3f", same[0], same[1], same[2], same[3])
	}
	viewertest.Eval[any](t, b, "void document.body.append(Object.assign(new Image(), {src: document.querySelector('#print canvas').toDataURL(), id: 'sheet-picture', style: 'position: fixed; inset: 0; z-index: 99; width: 100%'}))")
	b.Picture(t, "compare-printed")
	viewertest.Eval[any](t, b, "document.getElementById('sheet-picture').remove()")
	b.Click(t, "swipe-close")
	b.Until(t, "!document.getElementById('swipe')")
	viewertest.Eval[any](t, b, "void (window.printed = false)")
	b.Click(t, "overlay-print")
	b.Until(t, "window.printed")
	if text := viewertest.Eval[string](t, b, "document.querySelector('#print figcaption').textContent"); text != "打印时的地图" {
		t.Errorf("once it is over, below the picture stands %q", text)
	}
	b.Quiet(t, c.URL)
}
