package viewer_test

import (
	"strings"
	"testing"

	"gengtu/tileserver/viewer/viewertest"
)

// A base map is asked for once it is chosen, not before, lies under all layers, is named at
// the foot as text and in the address, and goes when none is chosen. Those of another grid
// cannot be chosen, and say why.
func TestBaseMap(t *testing.T) {
	in := viewertest.Browser(t)
	c := newContract(t)
	b := viewertest.OpenMap(t, in, c.URL+"/", viewertest.Desktop)
	asked := func() (n int) {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, r := range c.requests {
			if strings.HasPrefix(r, "GET /public/base/") {
				n++
			}
		}
		return n
	}
	if got := viewertest.Eval[string](t, b, `[...document.querySelectorAll('[data-testid="base"] option')].map((o) => o.textContent + (o.disabled ? '!' : '')).join('|')`); got != "无|坏底图|另一格网（经纬度格网，网页地图不能显示）!|<b>矢量</b>" {
		t.Errorf("offered are %q", got)
	}
	if n := asked(); n != 0 {
		t.Errorf("%d tiles before it was chosen", n)
	}
	choose := func(value string) {
		t.Helper()
		viewertest.Eval[bool](t, b, `(() => { const s = document.querySelector('[data-testid="base"]'); s.value = '`+value+`'; s.dispatchEvent(new Event('change')); return true; })()`)
		b.Idle(t)
	}
	choose("vec")
	if n := asked(); n == 0 {
		t.Error("no tile of the base map was asked for")
	}
	b.Picture(t, "base")
	order := viewertest.Eval[string](t, b, "gengtu.map.getStyle().layers.filter((l) => l.type !== 'background')[0].id")
	if foot := b.Text(t, "notice"); order != "gengtu-base" || !strings.Contains(foot, "<i>天地图</i>") || !strings.Contains(foot, "示例数据") {
		t.Errorf("%s is at the bottom, the foot is %q", order, foot)
	}
	if hash := viewertest.Eval[string](t, b, "location.hash"); !strings.Contains(hash, "&base=vec") {
		t.Errorf("the address is %s", hash)
	}
	choose("")
	if foot := b.Text(t, "notice"); viewertest.Eval[bool](t, b, "!!gengtu.map.getSource('gengtu-base')") || strings.Contains(foot, "天地图") {
		t.Errorf("it is still there, the foot is %q", foot)
	}
	b.Quiet(t, c.URL)
}

// The address restores the base map, in a page that is opened with it and in one that is
// open; one that there is not, or that this map cannot draw, is named.
func TestBaseMapLink(t *testing.T) {
	in := viewertest.Browser(t)
	c := newContract(t)
	b := viewertest.OpenMap(t, in, c.URL+"/#base=vec", viewertest.Desktop)
	shown := `(gengtu.map.getSource('gengtu-base')?.tiles ?? ['none'])[0] + ' ' + document.querySelector('[data-testid="base"]').value`
	if got := viewertest.Eval[string](t, b, shown); !strings.HasSuffix(got, "/public/base/vec/{z}/{x}/{y} vec") {
		t.Errorf("opened with base=vec: %s", got)
	}
	viewertest.Eval[string](t, b, "location.hash = 'base='")
	b.Until(t, "!gengtu.map.getSource('gengtu-base')")
	viewertest.Eval[string](t, b, "location.hash = 'base=vec'")
	b.Until(t, "!!gengtu.map.getSource('gengtu-base')")
	for _, name := range []string{"far", "gone"} {
		viewertest.Eval[string](t, b, "location.hash = 'base="+name+"'")
		b.Until(t, "!gengtu.map.getSource('gengtu-base')")
		if text := b.Text(t, "toast"); !strings.Contains(text, "“"+name+"”") {
			t.Errorf("base=%s: the page says %q", name, text)
		}
	}
	b.Quiet(t, c.URL)
}

// A base map that cannot be had is said once, by its name, and the layers stay.
func TestBaseMapFails(t *testing.T) {
	in := viewertest.Browser(t)
	c := newContract(t)
	b := viewertest.OpenMap(t, in, c.URL+"/#base=down", viewertest.Desktop)
	if text := b.Text(t, "toast"); !strings.Contains(text, "底图“坏底图”没有载入") {
		t.Errorf("the page says %q", text)
	}
	viewertest.Eval[bool](t, b, "(document.querySelector('.toast-close').click(), gengtu.map.jumpTo({zoom: gengtu.map.getZoom() + 2}), true)")
	b.Idle(t)
	if viewertest.Eval[bool](t, b, "!document.getElementById('toast').hidden") {
		t.Error("it is said twice")
	}
	if n := viewertest.Eval[int](t, b, "gengtu.map.queryRenderedFeatures({layers: ['cropland-fill']}).length"); n == 0 {
		t.Error("the cropland is gone")
	}
}

// Where all base maps are of the other grid, the card says so.
func TestBaseMapOtherGridOnly(t *testing.T) {
	in := viewertest.Browser(t)
	c := newContract(t)
	c.baseGrid = "c"
	b := viewertest.OpenMap(t, in, c.URL+"/", viewertest.Desktop)
	if text := b.Text(t, "base-note"); !strings.Contains(text, "经纬度格网") {
		t.Errorf("the card says %q", text)
	}
	if n := viewertest.Eval[int](t, b, `document.querySelectorAll('[data-testid="base"] option:not(:disabled)').length`); n != 1 {
		t.Errorf("%d can be chosen, want none alone", n)
	}
	b.Quiet(t, c.URL)
}
