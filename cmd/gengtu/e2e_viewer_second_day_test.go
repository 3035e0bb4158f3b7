package main_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"gengtu/tileserver/viewer/viewertest"
)

// shownState is what a page shows, as far as its address is to bring it back: the middle of
// the map and its zoom, the years drawn, which layers are on and how opaque, the comparison
// with its divider, and what the card of layers says.
const shownState = `JSON.stringify([gengtu.map.getCenter().toArray().map((x) => x.toFixed(5)), gengtu.map.getZoom().toFixed(2), gengtu.app.drawn.vintage(), [...gengtu.app.layers.on()],
	[...document.querySelectorAll('.swipe-choice select')].map((s) => s.selectedOptions[0].textContent), document.querySelector('[data-testid=swipe-divider]')?.getAttribute('aria-valuenow') ?? '',
	gengtu.app.drawn.styleLayers('pbf').map((l) => [l.id.replace(/@.*/, ''), JSON.stringify(gengtu.map.getPaintProperty(l.id, l.type + '-opacity') ?? null)]),
	[...document.querySelectorAll('#layer-list .layer')].map((l) => [l.dataset.testid, l.querySelector('.switch').checked, l.querySelector('.opacity-value').value]), document.querySelector('[data-testid=dash]') !== null])`

// The address of a page opened by someone else, on a machine that never saw the page, shows
// the same: view, year, layers and their opacity, two years side by side, the dashboard.
func TestViewerPermalink(t *testing.T) {
	s := serve(t, bothYears(t))
	for name, enter := range map[string]func(t *testing.T, b *viewertest.Tab){
		"year": func(t *testing.T, b *viewertest.Tab) { turn(t, b, "2023") },
		"compared": func(t *testing.T, b *viewertest.Tab) {
			b.Click(t, "swipe-open")
			b.Run(t, chromedp.WaitVisible(viewertest.ID("swipe-divider")))
			b.Run(t, chromedp.Focus(viewertest.ID("swipe-divider")), chromedp.KeyEvent(kb.PageUp), chromedp.KeyEvent(kb.ArrowRight))
		},
		"dashboard": func(t *testing.T, b *viewertest.Tab) {
			b.Click(t, "dash-open")
			b.Click(t, "dash-view-trend")
			b.Text(t, "dash-trend-pbf")
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := openViewer(t, s, "secure", "", viewertest.Desktop)
			b.Click(t, "layer-toggle-hsf")
			viewertest.Eval[any](t, b, "(gengtu.app.layers.set('pbf', {opacity: 0.4}), gengtu.map.jumpTo({center: [108.651, 34.327], zoom: 14.25}), null)")
			enter(t, b)
			b.Idle(t)
			want := viewertest.Eval[string](t, b, shownState)
			href := viewertest.Eval[string](t, b, "location.href")
			if strings.Contains(href, s.tokens["secure"]) {
				t.Fatal("the address has the token in it")
			}
			_, part, _ := strings.Cut(href, "#")
			other := openViewer(t, s, "secure", part, viewertest.Desktop)
			other.Until(t, fmt.Sprintf("%s === %s", shownState, quoted(want)))
			other.Picture(t, "permalink-"+name)
			if got := viewertest.Eval[string](t, other, "location.hash.slice(1)"); got != part {
				t.Errorf("the address was %s and has become %s", part, got)
			}
		})
	}
}

// quoted writes text as a JavaScript string.
func quoted(text string) string { return fmt.Sprintf("%q", text) }

// The slider of years by mouse, dragged and clicked beside its thumb, and by its arrows.
func TestViewerSliderByMouse(t *testing.T) {
	s := serve(t, bothYears(t))
	b := openViewer(t, s, "secure", "", viewertest.Desktop)
	box := viewertest.Eval[[4]float64](t, b, "(({left, right, top, bottom}) => [left, right, top, bottom])(document.querySelector('[data-testid=vintage-slider]').getBoundingClientRect())")
	y := (box[2] + box[3]) / 2
	left := chromedp.ButtonType(input.MouseButtonLeft)
	b.Run(t, chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, box[1]-9, y, left, chromedp.ClickCount(1)),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, box[0]+60, y, left), chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, box[0]+12, y, left),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, box[0]+12, y, left, chromedp.ClickCount(1)))
	shown := func(year string) {
		t.Helper()
		b.Until(t, "gengtu.app.drawn.vintage() === '"+map[string]string{"2023": "2023", "2024": ""}[year]+"' && document.querySelector('[data-testid=vintage-value]').innerText.includes('"+year+"')")
	}
	shown("2023")
	b.Run(t, chromedp.MouseClickXY(box[1]-9, y))
	shown("2024")
	b.Click(t, "vintage-before")
	shown("2023")
	b.Click(t, "vintage-after")
	shown("2024")
	b.Run(t, chromedp.Focus(viewertest.ID("vintage-slider")), chromedp.KeyEvent(kb.ArrowLeft))
	shown("2023")
}
