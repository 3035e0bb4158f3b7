package main_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"gengtu/tileserver/viewer/viewertest"
)

// corners are those of a shape that are changed in a page.
type corners struct {
	*viewertest.Tab
	s *server
}

// cornersOf measures the square of the delivery and shows its corners, at the press of a key or
// of the mouse.
func cornersOf(t *testing.T, s *server, hash string, v viewertest.View, byKey bool) corners {
	t.Helper()
	c := corners{openViewer(t, s, "secure", hash, v), s}
	viewertest.Eval[any](t, c.Tab, "gengtu.drawPolygon("+deliveryRings[1]+")")
	c.Idle(t)
	if byKey {
		c.Run(t, chromedp.Focus(viewertest.ID("overlay-reshape")), chromedp.KeyEvent(kb.Enter))
	} else {
		c.Click(t, "overlay-reshape")
	}
	c.Until(t, "document.querySelectorAll('.corner').length === 4")
	c.Idle(t)
	return c
}

// ring is the shape that the map shows, without its end.
func (c corners) ring(t *testing.T) [][2]float64 {
	t.Helper()
	ring := viewertest.Eval[[][2]float64](t, c.Tab, "gengtu.map.getStyle().sources['gengtu-aoi'].data.geometry.coordinates[0]")
	if len(ring) < 4 || ring[0] != ring[len(ring)-1] {
		t.Fatalf("the map shows the ring %v", ring)
	}
	return ring[:len(ring)-1]
}

// pixels are where the corners are in the window.
func (c corners) pixels(t *testing.T) [][2]float64 {
	t.Helper()
	return viewertest.Eval[[][2]float64](t, c.Tab, `[...document.querySelectorAll('.corner')].map((el) => { const r = el.getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2]; })`)
}

// moved is ring with corner i moved by pixels, as the map of now tells them.
func (c corners) moved(t *testing.T, ring [][2]float64, i int, dx, dy float64) [][2]float64 {
	t.Helper()
	at := viewertest.Eval[[2]float64](t, c.Tab, fmt.Sprintf("(() => { const {x, y} = gengtu.map.project([%v, %v]); return gengtu.map.unproject([x + %v, y + %v]).toArray(); })()", ring[i][0], ring[i][1], dx, dy))
	out := append([][2]float64(nil), ring...)
	out[i] = at
	return out
}

// wantRing compares the shape on the map with another, to some 0.01 pixels of zoom 15.
func (c corners) wantRing(t *testing.T, what string, want [][2]float64) {
	t.Helper()
	got := c.ring(t)
	if len(got) != len(want) {
		t.Fatalf("%s: the ring is %v, want %v", what, got, want)
	}
	for i := range got {
		if math.Abs(got[i][0]-want[i][0]) > 5e-7 || math.Abs(got[i][1]-want[i][1]) > 5e-7 {
			t.Errorf("%s: corner %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// wantAnswer waits for the figures of the shape that the map shows, and compares all of them
// with the API's; the API is asked with that very shape.
func (c corners) wantAnswer(t *testing.T) {
	t.Helper()
	ring := c.ring(t)
	data, err := json.Marshal(append(ring, ring[0]))
	if err != nil {
		t.Fatal(err)
	}
	want := overlayOf[askedAnswer](t, c.s, "secure", "", "application/geo+json", []byte(polygonOf(string(data))))
	c.Until(t, fmt.Sprintf("document.querySelector('[data-testid=overlay-aoi-m2]')?.value === '%v' && !document.querySelector('#overlay > [inert]')",
		viewertest.Eval[string](t, c.Tab, fmt.Sprintf("String(%v)", want.AOI.AreaM2))))
	wantReport(t, c.Tab, &want)
}

// said waits until a screen reader is told something.
func (c corners) said(t *testing.T, part string) {
	t.Helper()
	c.Until(t, fmt.Sprintf("document.querySelector('[data-testid=corner-said]').textContent.includes(%q)", part))
}

// Corners are dragged by the mouse, one after the other: each goes where the pointer takes it
// and no other moves, the map stays, and after each the figures are the API's for the new
// shape. Undo brings the shape before back, with its figures.
func TestViewerDrawCornersMouse(t *testing.T) {
	e := theEditions(t)
	c := cornersOf(t, serve(t, e.Secure), "map=15/34.326/108.656", viewertest.Desktop, false)
	first := c.ring(t)
	middle := "gengtu.map.getCenter().toArray().join()"
	before := viewertest.Eval[string](t, c.Tab, middle)
	c.Picture(t, "draw-corners")
	at := c.pixels(t)
	c.Drag(t, at[2][0]+4, at[2][1]-3, at[2][0]+4-83, at[2][1]-3+41) // not from its very middle
	second := c.moved(t, first, 2, -83, 41)
	c.wantRing(t, "dragged", second)
	c.wantAnswer(t)
	c.Drag(t, at[0][0], at[0][1], at[0][0]+30, at[0][1]-55)
	c.wantRing(t, "another", c.moved(t, second, 0, 30, -55))
	c.wantAnswer(t)
	if after := viewertest.Eval[string](t, c.Tab, middle); after != before {
		t.Errorf("the middle of the map was %s and is %s", before, after)
	}
	c.Click(t, "corner-undo")
	c.wantRing(t, "undone", second)
	c.wantAnswer(t)
	// A press that moves nothing is no change, and asks nothing.
	requests := len(c.Asked())
	c.Press(t, at[1][0], at[1][1])
	c.wantRing(t, "pressed", second)
	if n := len(c.Asked()); n != requests {
		t.Errorf("a press on a corner asks %v", c.Asked()[requests:])
	}
	c.Idle(t)
	c.Picture(t, "draw-corners-dragged")
	c.Click(t, "corner-done")
	if n := viewertest.Eval[int](t, c.Tab, "document.querySelectorAll('.corner').length"); n != 0 {
		t.Errorf("%d corners are left when all is done", n)
	}
	c.wantAnswer(t)
}

// All of it goes by keyboard: Tab from corner to corner, arrows move, Delete removes, Enter
// adds, Ctrl+Z undoes, Escape ends and gives the focus back; each change is said, and the
// figures are the API's.
func TestViewerDrawCornersKeys(t *testing.T) {
	e := theEditions(t)
	c := cornersOf(t, serve(t, e.Secure), "map=15/34.326/108.656", viewertest.Desktop, true)
	focus := func(want string) {
		t.Helper()
		if got := viewertest.Eval[string](t, c.Tab, "document.activeElement.dataset.testid + ' ' + document.activeElement.getAttribute('aria-label')"); got != want {
			t.Errorf("the focus is on %q, want %q", got, want)
		}
	}
	press := func(keys string, n int, modifiers ...chromedp.Modifier) {
		t.Helper()
		for range n {
			c.Run(t, chromedp.KeyEvent(keys, chromedp.KeyModifiers(modifiers...)))
		}
	}
	first := c.ring(t)
	focus("corner-0 第 1 角，共 4 角")
	c.said(t, "方向键移动")
	press(kb.ArrowRight, 4)
	press(kb.ArrowUp, 2)
	press(kb.ArrowLeft, 3, chromedp.ModifierShift)
	second := c.moved(t, first, 0, 20-3, -10)
	c.wantRing(t, "moved", second)
	c.said(t, fmt.Sprintf("第 1 角：东经 %.6f°，北纬 %.6f°。", c.ring(t)[0][0], c.ring(t)[0][1]))
	c.wantAnswer(t)
	c.said(t, "范围面积 "+viewertest.Eval[string](t, c.Tab, "document.querySelector('[data-testid=overlay-aoi-mu]').textContent")+" 亩")
	c.CheckAccess(t)

	press(kb.Tab, 1)
	focus("corner-1 第 2 角，共 4 角")
	c.Picture(t, "draw-corners-keys")
	press(kb.Delete, 1)
	c.wantRing(t, "removed", append(append([][2]float64(nil), second[0]), second[2:]...))
	c.said(t, "还有 3 角")
	focus("corner-1 第 2 角，共 3 角")
	c.wantAnswer(t)
	press(kb.Delete, 1)
	c.said(t, "三角形不能再删角")
	press(kb.Enter, 1)
	focus("corner-2 第 3 角，共 4 角")
	added := c.ring(t)
	if mid := [2]float64{(added[1][0] + added[3][0]) / 2, (added[1][1] + added[3][1]) / 2}; math.Hypot(mid[0]-added[2][0], mid[1]-added[2][1]) > 1e-8 {
		t.Errorf("the new corner is %v, want %v", added[2], mid)
	}
	press("z", 1, chromedp.ModifierCtrl)
	c.said(t, "已撤销")
	if n := len(c.ring(t)); n != 3 {
		t.Errorf("undone, there are %d corners, want 3", n)
	}
	// Two steps, or more where the keys of the first came slowly.
	for n := 2; n > 0 || n > -10 && !viewertest.Eval[bool](t, c.Tab, "document.querySelector('[data-testid=corner-undo]').disabled"); n-- {
		press("z", 1, chromedp.ModifierCtrl)
	}
	c.wantRing(t, "all undone", first)
	c.wantAnswer(t)

	// What was not measured yet when Escape is pressed is.
	press(kb.ArrowDown, 3)
	press(kb.Escape, 1)
	c.Until(t, "document.querySelectorAll('.corner').length === 0 && document.querySelector('[data-testid=corner-bar]').hidden")
	c.wantRing(t, "ended", c.moved(t, first, 2, 0, 15))
	c.wantAnswer(t)
	if at := viewertest.Eval[bool](t, c.Tab, "!!document.activeElement.closest('#overlay')"); !at {
		t.Error("the focus is not in the report")
	}
	// Of a shape whose figures stand, Escape leads back to the button.
	c.Run(t, chromedp.Focus(viewertest.ID("overlay-reshape")), chromedp.KeyEvent(kb.Enter), chromedp.KeyEvent(kb.Escape))
	if got := viewertest.Eval[string](t, c.Tab, "document.activeElement.dataset.testid"); got != "overlay-reshape" {
		t.Errorf("the focus is on %q", got)
	}
}

// A corner that lies out of sight comes into it when the keyboard gets there.
func TestViewerDrawCornersReveal(t *testing.T) {
	e := theEditions(t)
	c := cornersOf(t, serve(t, e.Secure), "map=15/34.326/108.656", viewertest.English, true)
	viewertest.Eval[bool](t, c.Tab, "(gengtu.map.jumpTo({center: [108.652, 34.322], zoom: 18}), true)")
	c.Run(t, chromedp.KeyEvent(kb.Tab))
	c.Until(t, `(() => { const r = document.querySelector('[data-testid=corner-1]').getBoundingClientRect(); const side = document.getElementById('side').getBoundingClientRect();
		return r.left > 0 && r.right < side.left && r.top > 0 && r.bottom < innerHeight; })()`)
	if got := c.Text(t, "corner-bar"); !strings.Contains(got, "Delete removes") {
		t.Errorf("in English the help is %q", got)
	}
	c.Idle(t)
	c.CheckWidth(t)
	c.Picture(t, "draw-corners-english")
}

// By touch, a finger takes a corner along, and the map stays; the report takes it back.
func TestViewerDrawCornersTouch(t *testing.T) {
	e := theEditions(t)
	c := cornersOf(t, serve(t, e.Secure), "map=14/34.320/108.656", viewertest.Narrow, false)
	first := c.ring(t)
	middle := "gengtu.map.getCenter().toArray().join()"
	before := viewertest.Eval[string](t, c.Tab, middle)
	at := c.pixels(t)
	c.Swipe(t, at[3][0]+5, at[3][1]+5, at[3][0]+5-40, at[3][1]+5+30)
	c.wantRing(t, "swiped", c.moved(t, first, 3, -40, 30))
	c.wantAnswer(t)
	if after := viewertest.Eval[string](t, c.Tab, middle); after != before {
		t.Errorf("the middle of the map was %s and is %s", before, after)
	}
	c.Click(t, "overlay-unshape")
	c.wantRing(t, "undone", first)
	c.wantAnswer(t)
	c.Until(t, "document.querySelector('[data-testid=overlay-unshape]').disabled")
	c.CheckWidth(t)
	c.Picture(t, "draw-corners-phone")
	c.Click(t, "overlay-reshape")
	if n := viewertest.Eval[int](t, c.Tab, "document.querySelectorAll('.corner').length"); n != 0 {
		t.Errorf("%d corners are left when all is done", n)
	}
}
