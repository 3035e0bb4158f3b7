package viewer_test

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"gengtu/tileserver/viewer/viewertest"
)

// search types into the box in the stead of what stands there, and waits for the answer.
func search(t *testing.T, b *viewertest.Tab, text string) string {
	t.Helper()
	viewertest.Eval[bool](t, b, fmt.Sprintf(`(() => {
		const box = document.querySelector('[data-testid="search"]');
		box.focus(); box.value = %q; box.dispatchEvent(new InputEvent('input', {bubbles: true}));
		return true;
	})()`, text))
	b.Until(t, `!document.querySelector('[data-testid="search-list"]').hidden`)
	return b.Text(t, "search-list")
}

// press sends a key to whatever has the focus.
func press(t *testing.T, b *viewertest.Tab, key string) {
	t.Helper()
	b.Run(t, chromedp.KeyEvent(key))
}

// centre is the map's middle once it stands still, longitude first.
func centre(t *testing.T, b *viewertest.Tab) [2]float64 {
	t.Helper()
	b.Until(t, "!gengtu.map.isMoving()")
	return viewertest.Eval[[2]float64](t, b, "gengtu.map.getCenter().toArray()")
}

// A coordinate is found in every form without asking the server; it is told how it was
// read, the map goes there and it is marked, also in the address, until it is taken away.
func TestSearchCoordinate(t *testing.T) {
	in := viewertest.Browser(t)
	c := newContract(t)
	b := viewertest.OpenMap(t, in, c.URL+"/", viewertest.Desktop)
	viewertest.Eval[bool](t, b, "(document.getElementById('layers-close').click(), true)")
	for text, want := range map[string]string{
		"108.64，34.33": "先经度后纬度", "34.33N 108.64E": "先纬度后经度", "108°38′24″、34°19′48″": "先经度后纬度",
		"3800452.3295 36558897.0916": "3° 36 带 中央经线 108° · 读作：先 X（北）后 Y（东）",
		"3800452.3295 558897.0916":   "坐标没有带号，按3° 36 带",
	} {
		if got := search(t, b, text); !strings.Contains(got, want) || !strings.Contains(got, "108.640000, 34.330000") {
			t.Errorf("%s: %q", text, got)
		}
		press(t, b, kb.Enter)
		b.Until(t, `document.querySelector('[data-testid="search-list"]').hidden`)
		if at := centre(t, b); math.Abs(at[0]-108.64) > 1e-3 || math.Abs(at[1]-34.33) > 1e-7 {
			t.Errorf("%s: the map is at %v", text, at)
		}
		if got := b.Text(t, "mark-text"); got != "108.640000, 34.330000" {
			t.Errorf("%s: the mark says %q", text, got)
		}
	}
	if hash := viewertest.Eval[string](t, b, "location.hash"); !strings.Contains(hash, "at=108.6400000,34.3300000") {
		t.Errorf("the address is %s", hash)
	}
	b.Picture(t, "search-mark")
	again := viewertest.OpenMap(t, in, c.URL+"/#map=13/34.33/108.63&at=108.64,34.33", viewertest.Desktop)
	if got := again.Text(t, "mark-text"); got != "108.640000, 34.330000" {
		t.Errorf("from the address the mark says %q", got)
	}
	again.Click(t, "mark-clear")
	if viewertest.Eval[bool](t, again, `document.querySelector('[data-testid="mark"]') !== null || location.hash.includes('at=')`) {
		t.Error("the mark is still there")
	}
	for text, want := range map[string]string{"108°61′ 34°19′": "分和秒应小于 60，这里是 61。", "10,20": "不在中国范围内", "3800452 47558897": "没有 47 带"} {
		if got := search(t, b, text); !strings.Contains(got, want) {
			t.Errorf("%s: %q", text, got)
		}
	}
	b.Picture(t, "search-fault")
	if asked := append(c.asked("/features/"), c.asked("/places")...); len(asked) > 0 {
		t.Errorf("the server was asked %q", asked)
	}
	if got := viewertest.Eval[string](t, b, "JSON.stringify({...localStorage, ...sessionStorage})"); strings.Contains(got, "108") {
		t.Errorf("kept is %s", got)
	}
	b.Quiet(t, c.URL)
	again.Quiet(t, c.URL)
}

// A code is sought in all layers at once: a parcel that two layers show is one result, its
// panel opens, and it is drawn. What the server knows of a bad code is told.
func TestSearchCode(t *testing.T) {
	in := viewertest.Browser(t)
	c := newContract(t)
	b := viewertest.OpenMap(t, in, c.URL+"/", viewertest.Desktop)
	code := "610402200100000031"
	got := search(t, b, "６１０４０２２００１０００００031")
	if n := viewertest.Eval[int](t, b, `document.querySelectorAll('[data-testid="search-feature"]').length`); n != 1 || !strings.Contains(got, code) || !strings.Contains(got, "耕地、永久基本农田 · 2024") {
		t.Errorf("%d results: %q", n, got)
	}
	b.Picture(t, "search-code")
	press(t, b, kb.ArrowDown)
	if id := viewertest.Eval[string](t, b, `document.activeElement.getAttribute('aria-activedescendant')`); id != "search-option-0" {
		t.Errorf("chosen is %q", id)
	}
	press(t, b, kb.Enter)
	b.Until(t, `document.querySelector('[data-field="ZLDWMC"]') !== null`)
	if got := b.Text(t, "feature-panel"); !strings.Contains(got, code) {
		t.Errorf("the panel is %q", got)
	}
	if asked := c.asked("?code="); len(asked) != 1 || !strings.Contains(asked[0], "/public/features/cropland,pbf,hsf?code="+code) {
		t.Errorf("asked was %q", asked)
	}
	b.Idle(t)
	b.Picture(t, "search-parcel")
	if got := search(t, b, "61040220010001000001X"); !strings.Contains(got, "校验位不对") {
		t.Errorf("a bad code: %q", got)
	}
	if got := search(t, b, "999999999999999999"); !strings.Contains(got, "各图层都没有编码 999999999999999999") {
		t.Errorf("an unknown code: %q", got)
	}
	b.Quiet(t, c.URL)
}

// codes answers a list of layers with the features that have a code, or why there are none.
func (c *contract) codes(w http.ResponseWriter, r *http.Request) {
	code := r.FormValue("code")
	features, missing := []any{}, []any{}
	for name := range strings.SplitSeq(r.PathValue("layer"), ",") {
		switch {
		case len(code) == 21:
			missing = append(missing, map[string]string{"layer": name, "code": "code_check", "detail": "空间码的校验位不对", "advice": "逐位核对"})
		case name == "hsf" || strings.HasPrefix(code, "9"):
			missing = append(missing, map[string]string{"layer": name, "code": "no_feature", "detail": "没有"})
		default: // the same parcel in both layers
			features = append(features, map[string]any{"type": "Feature", "id": uint64(1<<52 + 30), "layer": name, "vintage": "2024", "geometry": nil, "properties": map[string]any{}})
		}
	}
	answer(w, map[string]any{"type": "FeatureCollection", "features": features, "missing": missing})
}

// The list is that of the combobox pattern: the box keeps the focus, arrows go round, Esc
// shuts and again clears, Shift+Enter measures; names are sent as they were written.
func TestSearchKeys(t *testing.T) {
	in := viewertest.Browser(t)
	c := newContract(t)
	b := viewertest.OpenMap(t, in, c.URL+"/", viewertest.Desktop)
	search(t, b, "村")
	n := viewertest.Eval[int](t, b, `document.querySelectorAll('#search-options [role="option"]').length`)
	if n != 4 {
		t.Fatalf("%d places", n)
	}
	state := func() string {
		return viewertest.Eval[string](t, b, `(() => {
			const box = document.querySelector('[data-testid="search"]');
			const chosen = [...document.querySelectorAll('#search-options [aria-selected="true"]')].map((o) => o.id);
			return [document.activeElement === box, box.getAttribute('aria-expanded'), box.getAttribute('aria-activedescendant'), chosen].join(' ');
		})()`)
	}
	for _, step := range []struct{ key, want string }{
		{kb.ArrowUp, "true true search-option-3 search-option-3"}, {kb.ArrowDown, "true true search-option-0 search-option-0"},
		{kb.ArrowDown, "true true search-option-1 search-option-1"}, {kb.Escape, "true false  "}, {kb.ArrowDown, "true true search-option-0 search-option-0"},
	} {
		press(t, b, step.key)
		if got := state(); got != step.want {
			t.Errorf("after %q: %s, want %s", step.key, got, step.want)
		}
	}
	b.Run(t, chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierShift)))
	if got := b.Text(t, "overlay-result"); !strings.Contains(got, "东渠村") {
		t.Errorf("the report is %q", got)
	}
	if got := search(t, b, "分水度村１组"); !strings.Contains(got, "没有找到“分水度村１组”") || !strings.Contains(got, "可以输入") {
		t.Errorf("nothing found: %q", got)
	}
	b.Picture(t, "search-none")
	if asked := c.asked("places?q=" + "%E5%88%86%E6%B0%B4%E5%BA%A6%E6%9D%911%E7%BB%84"); len(asked) != 1 {
		t.Errorf("the name was not asked as it was written: %q", c.asked("places"))
	}
	b.Quiet(t, c.URL)
}
