package main_test

import (
	"testing"

	"github.com/chromedp/chromedp"

	"gengtu/tileserver/viewer/viewertest"
)

// atParcels is a place of the delivery at a zoom that shows single parcels.
const atParcels = "map=15/34.33/108.64"

// moment is a state of the page: where it begins, and what brings it about there.
type moment struct {
	name, hash string
	enter      func(*testing.T, *viewertest.Tab)
}

// moments are the main ones. Whoever adds a room adds its own here, a line each.
var moments = []moment{
	{"map", "map=13/34.33/108.64", func(*testing.T, *viewertest.Tab) {}},
	{"layers", atParcels, func(t *testing.T, b *viewertest.Tab) { showLayers(t, b); b.Click(t, "record-cropland") }},
	{"drawing", atParcels, func(t *testing.T, b *viewertest.Tab) { b.Click(t, "draw-polygon"); pressMiddle(t, b) }},
	{"report", "map=13/34.33/108.64", func(t *testing.T, b *viewertest.Tab) {
		viewertest.Eval[any](t, b, "gengtu.drawPolygon([[108.63,34.32],[108.65,34.32],[108.65,34.335],[108.63,34.335]])")
	}},
	{"feature", atParcels, func(t *testing.T, b *viewertest.Tab) {
		pressMiddle(t, b)
		b.Until(t, "document.querySelectorAll('[data-testid=feature-panel] [data-field]').length > 5")
	}},
	{"search", atParcels, func(t *testing.T, b *viewertest.Tab) {
		b.Run(t, chromedp.SendKeys(viewertest.ID("search"), "61"))
		b.Until(t, "document.querySelectorAll('#search-list [role=option], #search-list li').length > 0")
	}},
	{"alternatives", "map=13/34.33/108.64", func(t *testing.T, b *viewertest.Tab) {
		for _, ring := range deliveryRings {
			viewertest.Eval[any](t, b, "gengtu.drawPolygon("+ring+")")
			b.Click(t, "overlay-keep")
		}
		b.Text(t, "compare")
	}},
	{"place", "map=13/34.33/108.64", func(t *testing.T, b *viewertest.Tab) {
		b.Click(t, "draw-pick")
		pressMiddle(t, b)
		b.Text(t, "pick-levels")
	}},
	{"addresses", atParcels, openShare},
	{"tiers", atParcels, func(t *testing.T, b *viewertest.Tab) { b.Click(t, "tier") }},
	{"token", atParcels, func(t *testing.T, b *viewertest.Tab) { b.Click(t, "token-open") }},
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

// Each main moment of the page on a desk, there at twice the size, and on the narrowest
// phone: axe finds no serious fault, nothing has to be scrolled sideways, and the page
// complains of nothing. Words are longer in English, and the phone has them.
func TestViewerAccess(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Government, e.Public)
	phone := viewertest.Narrow
	phone.Lang = "en-US"
	for _, m := range moments {
		for name, v := range map[string]viewertest.View{"desk": viewertest.Desktop, "phone": phone} {
			t.Run(m.name+"/"+name, func(t *testing.T) {
				b := openViewer(t, s, "government", m.hash, v)
				m.enter(t, b)
				check := func(name string) {
					b.Picture(t, "state-"+m.name+"-"+name)
					b.CheckWidth(t)
					b.CheckAccess(t)
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
