package viewer_test

import (
	"strings"
	"testing"

	"gengtu/tileserver/viewer/viewertest"
)

// A base map is asked for once it is chosen, not before, lies under all layers, is named at
// the foot as text, and goes when none is chosen. Those of another grid are not offered.
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
	if got := viewertest.Eval[string](t, b, `[...document.querySelectorAll('[data-testid="base"] option')].map((o) => o.textContent).join('|')`); got != "无|<b>矢量</b>" {
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
	choose("0")
	if n := asked(); n == 0 {
		t.Error("no tile of the base map was asked for")
	}
	b.Picture(t, "base")
	order := viewertest.Eval[string](t, b, "gengtu.map.getStyle().layers.filter((l) => l.type !== 'background')[0].id")
	if foot := b.Text(t, "notice"); order != "gengtu-base" || !strings.Contains(foot, "<i>天地图</i>") || !strings.Contains(foot, "示例数据") {
		t.Errorf("%s is at the bottom, the foot is %q", order, foot)
	}
	choose("")
	if foot := b.Text(t, "notice"); viewertest.Eval[bool](t, b, "!!gengtu.map.getSource('gengtu-base')") || strings.Contains(foot, "天地图") {
		t.Errorf("it is still there, the foot is %q", foot)
	}
	b.Quiet(t, c.URL)
}
