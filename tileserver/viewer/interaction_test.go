package viewer_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"gengtu/tileserver/viewer/viewertest"
)

// overlayRing returns the ring of the last overlay request.
func (c *contract) overlayRing(t *testing.T) [][2]float64 {
	t.Helper()
	var request struct {
		Geometry struct {
			Coordinates [][][2]float64 `json:"coordinates"`
		} `json:"geometry"`
	}
	if err := json.Unmarshal(c.lastOverlay(), &request); err != nil {
		t.Fatal(err)
	}
	if len(request.Geometry.Coordinates) != 1 {
		t.Fatalf("overlay request %s: want one ring", c.lastOverlay())
	}
	return request.Geometry.Coordinates[0]
}

// A polygon drawn with the mouse is what is asked for: each corner at the place
// that the map gives for its pixel, closed, and nothing else. Backspace takes a
// corner back, a double click closes, and clicks while drawing open no feature.
func TestDrawPolygon(t *testing.T) {
	in := viewertest.Browser(t)
	c := newContract(t)
	b := viewertest.OpenMap(t, in, c.URL+"/#map=13/34.3288/108.6288", viewertest.Desktop)
	b.Click(t, "draw-polygon")
	pixels := [][2]float64{{500, 250}, {700, 260}, {720, 480}, {520, 500}}
	b.Press(t, pixels[0][0], pixels[0][1])
	b.Press(t, pixels[1][0], pixels[1][1])
	b.Press(t, 900, 600)
	b.Run(t, chromedp.KeyEvent(kb.Backspace))
	b.Press(t, pixels[2][0], pixels[2][1])
	b.Run(t, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 560, 400))
	b.Picture(t, "draw-desktop")
	want := viewertest.Eval[[][2]float64](t, b, fmt.Sprintf(`(() => {
		const box = gengtu.map.getContainer().getBoundingClientRect();
		return %s.map(([x, y]) => gengtu.map.unproject([x - box.left, y - box.top]).toArray());
	})()`, jsonOf(t, pixels)))
	b.Run(t,
		chromedp.MouseClickXY(pixels[3][0], pixels[3][1]),
		chromedp.MouseClickXY(pixels[3][0], pixels[3][1], chromedp.ClickCount(2)))
	b.Text(t, "overlay-result")

	got := c.overlayRing(t)
	if len(got) != len(want)+1 || got[0] != got[len(got)-1] {
		t.Fatalf("ring %v: want %d corners and the first again", got, len(want))
	}
	for k := range want {
		if math.Abs(got[k][0]-want[k][0]) > 1e-6 || math.Abs(got[k][1]-want[k][1]) > 1e-6 {
			t.Errorf("corner %d: got %v, want %v", k, got[k], want[k])
		}
	}
	if viewertest.Eval[bool](t, b, "!document.getElementById('feature').hidden") {
		t.Error("a click while drawing has opened a feature")
	}
	if n := len(c.overlays); n != 1 {
		t.Errorf("%d overlay requests, want 1", n)
	}
	b.Quiet(t, c.URL)
}

// By touch, corners are tapped and the button closes; nothing needs a keyboard.
func TestDrawTouch(t *testing.T) {
	in := viewertest.Browser(t)
	c := newContract(t)
	b := viewertest.OpenMap(t, in, c.URL+"/", viewertest.Phone)
	b.Run(t, chromedp.Tap(viewertest.ID("draw-polygon")))
	for _, p := range [][2]float64{{80, 350}, {250, 360}, {200, 520}} {
		b.Run(t, chromedp.TapXY(p[0], p[1]))
	}
	b.Until(t, "!document.getElementById('draw-finish').disabled")
	b.Picture(t, "draw-phone")
	b.Run(t, chromedp.Tap(viewertest.ID("draw-finish")))
	b.Text(t, "overlay-result")
	if ring := c.overlayRing(t); len(ring) != 4 {
		t.Errorf("ring %v: want the three corners and the first again", ring)
	}
	b.Quiet(t, c.URL)
}

// A rectangle is two clicks; Esc gives a drawing up; a polygon can be drawn by
// keyboard alone, and closes with Enter.
func TestDrawRectangleAndKeyboard(t *testing.T) {
	in := viewertest.Browser(t)
	c := newContract(t)
	b := viewertest.OpenMap(t, in, c.URL+"/#map=13/34.3288/108.6288", viewertest.Desktop)
	b.Click(t, "draw-rectangle")
	b.Press(t, 600, 500)
	b.Press(t, 500, 300)
	b.Text(t, "overlay-result")
	ring := c.overlayRing(t)
	if len(ring) != 5 || ring[0][0] != ring[3][0] || ring[0][1] != ring[1][1] || ring[0][0] >= ring[1][0] || ring[1][1] >= ring[2][1] {
		t.Errorf("rectangle %v: want west south first, counterclockwise", ring)
	}

	b.Click(t, "draw-polygon")
	b.Press(t, 600, 400)
	b.Run(t, chromedp.KeyEvent(kb.Escape))
	if viewertest.Eval[bool](t, b, "!document.getElementById('hint').hidden") {
		t.Error("still drawing after Esc")
	}

	b.Idle(t)
	b.Run(t, chromedp.Focus(viewertest.ID("draw-polygon")), chromedp.KeyEvent(kb.Enter))
	for _, centre := range []string{"[108.62, 34.32]", "[108.64, 34.32]", "[108.63, 34.34]"} {
		viewertest.Eval[bool](t, b, "(gengtu.map.jumpTo({center: "+centre+"}), true)")
		b.Run(t, chromedp.KeyEvent(" "))
	}
	b.Picture(t, "draw-keyboard")
	b.Run(t, chromedp.KeyEvent(kb.Enter))
	b.Until(t, "document.querySelector('[data-testid=overlay-result]') !== null")
	if got, want := jsonOf(t, c.overlayRing(t)), "[[108.62,34.32],[108.64,34.32],[108.63,34.34],[108.62,34.32]]"; got != want {
		t.Errorf("drawn by keyboard: got %s, want %s", got, want)
	}
	b.Quiet(t, c.URL)
}

func jsonOf(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A tier that needs a token asks for it, refuses a wrong one in words, opens
// with the right one, and never writes it into an address.
func TestToken(t *testing.T) {
	in := viewertest.Browser(t)
	c := newContract(t)
	b := viewertest.Open(t, in, c.URL+"/?tier=government", viewertest.Desktop)
	if got := b.Text(t, "token-reason"); !strings.Contains(got, "政务版须凭令牌访问") {
		t.Errorf("the dialog says %q", got)
	}
	b.Picture(t, "token-desktop")
	b.Run(t, chromedp.SendKeys(viewertest.ID("token"), "wrong"+kb.Enter))
	b.Until(t, "document.querySelector('[data-testid=token-reason]').textContent.includes('不能打开') && document.querySelector('dialog').open")
	b.Run(t, chromedp.SendKeys(viewertest.ID("token"), governmentToken+kb.Enter))
	b.Ready(t)
	if rendered(t, b, "cropland") == 0 {
		t.Error("no features drawn with the right token")
	}
	viewertest.Eval[any](t, b, "gengtu.drawPolygon("+square+")")
	c.checkNoToken(t)
	for _, kept := range []string{"localStorage", "document.cookie", "location.href"} {
		if viewertest.Eval[bool](t, b, fmt.Sprintf("JSON.stringify(%s).includes(%q)", kept, governmentToken)) {
			t.Errorf("the token is in %s", kept)
		}
	}

	// A token that is revoked while the page stands is asked for again.
	c.mu.Lock()
	c.revoked = true
	c.mu.Unlock()
	if status := viewertest.Eval[int](t, b, "gengtu.drawPolygon("+square+").then(() => 200, (p) => p.status)"); status != 401 {
		t.Errorf("a revoked token: drawPolygon ends with %d, want 401", status)
	}
	b.Until(t, "document.querySelector('dialog').open")
	c.mu.Lock()
	c.revoked = false
	c.mu.Unlock()

	// A link that carries the token works, and the address loses it.
	for _, link := range []string{"/?tier=government#tk=" + governmentToken, "/?tier=government&tk=" + governmentToken + "#map=13/34.32/108.62"} {
		b := viewertest.OpenMap(t, in, c.URL+link, viewertest.Desktop)
		if href := viewertest.Eval[string](t, b, "location.href"); strings.Contains(href, governmentToken) || !strings.Contains(href, "tier=government") {
			t.Errorf("the address is %s", href)
		}
	}
}

// checkNoToken fails the test if any request but that of the page itself named
// the token in its address.
func (c *contract) checkNoToken(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.requests {
		if strings.Contains(r, governmentToken) {
			t.Errorf("the token is in an address: %s", r)
		}
	}
}

// Errors are told in the page's language, with the server's words and code.
func TestProblem(t *testing.T) {
	in := viewertest.Browser(t)
	c := newContract(t)
	b := viewertest.OpenMap(t, in, c.URL+"/", viewertest.Desktop)
	for _, test := range []struct {
		fault
		zh, en string
	}{
		{fault{Status: 403, Title: "policy", Detail: "范围小于 10 亩", Code: "policy"}, "数据政策不允许", "policy of this edition"},
		{fault{Status: 413, Title: "too large", Detail: "20000 vertices", Code: "too-large"}, "太大", "too large"},
		{fault{Status: 500, Title: "internal", Code: "internal"}, "服务器内部出错", "Something went wrong"},
	} {
		c.mu.Lock()
		c.fault = &test.fault
		c.mu.Unlock()
		status := viewertest.Eval[int](t, b, "gengtu.drawPolygon("+square+").then(() => 200, (p) => p.status)")
		if status != test.Status {
			t.Errorf("%d: drawPolygon ends with %d", test.Status, status)
		}
		got := b.Text(t, "overlay-panel")
		b.Click(t, "lang")
		got += b.Text(t, "overlay-panel")
		b.Picture(t, fmt.Sprintf("problem-%d", test.Status))
		b.Click(t, "lang")
		for _, want := range []string{test.zh, test.en, test.Detail, test.Code} {
			if !strings.Contains(got, want) {
				t.Errorf("%d: %q is missing in %q", test.Status, want, got)
			}
		}
	}
}

// The language follows the browser, the switch changes everything, and the
// choice is kept.
func TestLanguage(t *testing.T) {
	in := viewertest.Browser(t)
	c := newContract(t)
	b := viewertest.OpenMap(t, in, c.URL+"/", viewertest.English)
	viewertest.Eval[any](t, b, "gengtu.drawPolygon("+square+")")
	for _, testid := range []string{"legend", "overlay-panel", "notice", "lang"} {
		got := b.Text(t, testid)
		got = strings.NewReplacer("审图号", "", "耕图", "", "陕S（2024）012号", "", "中文", "").Replace(got)
		if strings.ContainsFunc(got, func(r rune) bool { return r >= 0x4e00 && r <= 0x9fff }) {
			t.Errorf("%s in English: %q", testid, got)
		}
	}
	b.Idle(t)
	b.Picture(t, "english-desktop")
	b.CheckWidth(t)
	b.Click(t, "lang")
	small := viewertest.OpenMap(t, in, c.URL+"/?tier=government#tk="+governmentToken+"&map=15.5/34.3258/108.6300", viewertest.View{Width: 390, Height: 844, Lang: "en-US", Mobile: true})
	small.Run(t, chromedp.TapXY(150, 300))
	small.Until(t, `document.querySelector('[data-field="ZLDWMC"]') !== null`)
	small.Idle(t)
	small.Picture(t, "english-phone")
	small.CheckWidth(t)
	for testid, want := range map[string]string{"legend": "永久基本农田", "overlay-panel": "净面积", "lang": "EN"} {
		if got := b.Text(t, testid); !strings.Contains(got, want) {
			t.Errorf("%s in Chinese: %q is missing in %q", testid, want, got)
		}
	}
	if got := viewertest.Eval[string](t, b, "document.documentElement.lang + localStorage.getItem('gengtu.lang')"); got != "zh-CNzh" {
		t.Errorf("language of the document and kept: %q", got)
	}
	b.Quiet(t, c.URL)
}

// A place is found by name, shown and measured; the address follows the map and
// leads back to the same view and layers.
func TestPlacesAndAddress(t *testing.T) {
	in := viewertest.Browser(t)
	c := newContract(t)
	b := viewertest.OpenMap(t, in, c.URL+"/", viewertest.Desktop)
	b.Run(t, chromedp.SendKeys(viewertest.ID("search"), "柳林"))
	if got := b.Text(t, "search-list"); !strings.Contains(got, "柳林村") || !strings.Contains(got, "610402001001") {
		t.Errorf("list: %q", got)
	}
	b.Picture(t, "search-desktop")
	b.Run(t, chromedp.Click(chromedp.CSS("#search-list .place-measure")))
	if got := b.Text(t, "overlay-result"); !strings.Contains(got, "柳林村面积") {
		t.Errorf("report of a place: %q", got)
	}
	if got := string(c.lastOverlay()); !strings.Contains(got, `"place":"610402001001"`) || strings.Contains(got, "geometry") {
		t.Errorf("request: %s", got)
	}
	b.Click(t, "layer-toggle-hsf")
	viewertest.Eval[bool](t, b, "(gengtu.map.stop().jumpTo({center: [108.62, 34.32], zoom: 14.25}), true)")
	hash := viewertest.Eval[string](t, b, "location.hash")
	if want := "#map=14.25/34.32000/108.62000&layers=cropland,pbf,region"; hash != want {
		t.Errorf("address: got %s, want %s", hash, want)
	}

	again := viewertest.OpenMap(t, in, c.URL+"/"+strings.Replace(hash, "pbf", "pbf:40", 1), viewertest.Desktop)
	view := viewertest.Eval[[]float64](t, again, "[gengtu.map.getZoom(), ...gengtu.map.getCenter().toArray()]")
	if jsonOf(t, view) != "[14.25,108.62,34.32]" {
		t.Errorf("view from the address: %v", view)
	}
	if rendered(t, again, "hsf") != 0 || rendered(t, again, "pbf") == 0 {
		t.Error("layers from the address are not those of the address")
	}
	if got := viewertest.Eval[float64](t, again, "gengtu.map.getPaintProperty('pbf-fill', 'fill-opacity')"); math.Abs(got-0.5*0.4) > 1e-9 {
		t.Errorf("opacity of pbf: got %v, want 40%% of the style's 0.5", got)
	}
	again.Quiet(t, c.URL)
}

// The menu offers the tiers that the server has, and no others; a page whose
// tier is not served says so.
func TestTiers(t *testing.T) {
	in := viewertest.Browser(t)
	c := newContract(t)
	b := viewertest.OpenMap(t, in, c.URL+"/", viewertest.Desktop)
	b.Quiet(t, c.URL)
	b.Click(t, "tier")
	b.Until(t, "document.querySelector('[data-testid=tier-government]') !== null")
	b.Picture(t, "tiers-desktop")
	if got := b.Text(t, "tier-list"); !strings.Contains(got, "公众版") || strings.Contains(got, "涉密版") {
		t.Errorf("menu: %q", got)
	}

	missing := viewertest.Open(t, in, c.URL+"/?tier=secure", viewertest.Desktop)
	if got := missing.Text(t, "problem"); !strings.Contains(got, "不提供涉密版") {
		t.Errorf("a tier that is not served: %q", got)
	}
}
