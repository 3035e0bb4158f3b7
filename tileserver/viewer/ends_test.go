package viewer_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"gengtu/tileserver/viewer/viewertest"
)

// An address that names an edition that there is not shows no other one unsaid: it says so,
// and offers those that there are.
func TestUnknownTier(t *testing.T) {
	in := viewertest.Browser(t)
	c := newContract(t)
	for lang, want := range map[string]string{"zh-CN": "没有名为“foo”的版本", "en-US": "no edition called “foo”"} {
		view := viewertest.Desktop
		view.Lang = lang
		b := viewertest.Open(t, in, c.URL+"/?tier=foo#map=13/34.33/108.63", view)
		if got := b.Text(t, "problem"); !strings.Contains(got, want) {
			t.Errorf("%s: the page says %q", lang, got)
		}
		if title := viewertest.Eval[string](t, b, "document.title + document.getElementById('tier-name').textContent"); strings.Contains(title, "公众") || strings.Contains(title, "Public") {
			t.Errorf("the page calls itself %q", title)
		}
		b.Picture(t, "tier-unknown-"+lang)
		for _, asked := range b.Asked() {
			if strings.Contains(asked, "/public/") {
				t.Errorf("the page asks for %s", asked)
			}
		}
		b.Click(t, "lang")
		other := map[string]string{"zh-CN": "no edition called “foo”", "en-US": "没有名为“foo”的版本"}[lang]
		if got := b.Text(t, "problem"); !strings.Contains(got, other) || strings.Contains(got, want) {
			t.Errorf("%s: in the other language the page says %q", lang, got)
		}
		b.Click(t, "edition-public")
		b.Until(t, "location.search === '?tier=public' && location.hash.startsWith('#map=13') && window.gengtu")
		b.Ready(t)
	}
	b := viewertest.Open(t, in, c.URL+"/?tier=secure", viewertest.Phone)
	if got := b.Text(t, "problem"); !strings.Contains(got, "不提供涉密版") || !strings.Contains(got, "公众版") || !strings.Contains(got, "政务版") {
		t.Errorf("a tier that is not served: the page says %q", got)
	}
	b.Picture(t, "tier-missing-phone")
}

// Who has cancelled the dialog of an open page is not asked again by each refused request: a
// line stays and offers to log in.
func TestTokenCancelled(t *testing.T) {
	c := newContract(t)
	b := viewertest.OpenMap(t, viewertest.Browser(t), c.URL+"/?tier=government#tk="+governmentToken, viewertest.Desktop)
	c.mu.Lock()
	c.revoked = true
	c.mu.Unlock()
	refused := func() {
		t.Helper()
		if status := viewertest.Eval[int](t, b, "gengtu.drawPolygon("+square+").then(() => 200, (p) => p.status)"); status != 401 {
			t.Fatalf("drawPolygon ends with %d, want 401", status)
		}
	}
	refused()
	b.Until(t, "document.querySelector('dialog').open")
	viewertest.Eval[any](t, b, "document.getElementById('token-cancel').click()")
	b.Until(t, "document.querySelector('[data-testid=standing]') && !document.querySelector('dialog').open")
	refused()
	if viewertest.Eval[bool](t, b, "document.querySelector('dialog').open || document.querySelectorAll('[data-testid=standing]').length !== 1") {
		t.Error("the dialog opens again, or the line stands there twice")
	}
	if text := b.Text(t, "problem"); strings.Contains(text, "Bearer") || !strings.Contains(text, "登录") {
		t.Errorf("the report says %q", text)
	}
	b.Picture(t, "token-standing")
	b.Click(t, "standing-login")
	b.Until(t, "document.querySelector('dialog').open")
	c.mu.Lock()
	c.revoked = false
	c.mu.Unlock()
	b.Run(t, chromedp.SendKeys(viewertest.ID("token"), governmentToken+kb.Enter))
	b.Until(t, "window.gengtu?.app && !document.querySelector('[data-testid=standing]')")
}

// A list of analyses that cannot be read anew says since when it is old, until it can.
func TestAnalysesStale(t *testing.T) {
	e := newEnds(t)
	e.set("running")
	tab := openBench(t, e.bench, "", viewertest.Desktop)
	tab.Click(t, "analyses-open")
	tab.Until(t, `document.querySelector('[data-testid="analyses-job-j1"]')`)
	e.refuse("GET analyses", &fault{Title: "unavailable", Status: 503, Detail: "busy", Code: "busy"})
	tab.Until(t, `document.querySelector('[data-testid="analyses-stale"]')`)
	if text := tab.Text(t, "analyses-stale"); !strings.Contains(text, "以后没能刷新") || !strings.Contains(text, fmt.Sprint(time.Now().Year())) {
		t.Errorf("the page says %q", text)
	}
	if !viewertest.Eval[bool](t, tab, `document.querySelector('[data-testid="analyses-job-j1"]') !== null`) {
		t.Error("the list of before is gone")
	}
	tab.Picture(t, "analyses-stale")
	e.refuse("GET analyses", nil)
	tab.Until(t, `!document.querySelector('[data-testid="analyses-stale"]')`)
}

// The layer of an analysis that is removed while its style is on the way is not drawn.
func TestAnalysesRemovedLayer(t *testing.T) {
	b := newBench(t)
	b.set("done")
	wait, asked := make(chan struct{}), make(chan struct{}, 100)
	whole := b.Config.Handler
	b.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/style.json") && r.FormValue("layers") == madeLayer {
			asked <- struct{}{}
			<-wait
		}
		whole.ServeHTTP(w, r)
	})
	tab := openBench(t, b, "&job=j1", viewertest.Desktop)
	tab.Until(t, `document.querySelector('[data-testid="analyses-grid"]')`)
	select {
	case <-asked:
	case <-time.After(20 * time.Second):
		t.Fatal("the style of the layer is not asked for")
	}
	viewertest.Eval[any](t, tab, `document.querySelector('[data-testid="analyses-cancel"]').click()`)
	tab.Until(t, `document.querySelector('[data-testid="analyses-questions"], .analyses-questions')`)
	close(wait)
	tab.Idle(t)
	viewertest.Eval[any](t, tab, "new Promise((done) => setTimeout(done, 700))")
	if viewertest.Eval[bool](t, tab, `gengtu.map.getStyle().layers.some((l) => l.id.startsWith('`+madeLayer+`')) || document.querySelector('[data-testid="analyses-legend"] li') !== null`) {
		t.Error("a layer of the removed analysis is drawn")
	}
}

// Enter that is pressed twice searches once and goes there once.
func TestSearchEnterTwice(t *testing.T) {
	c := newContract(t)
	b := viewertest.OpenMap(t, viewertest.Browser(t), c.URL+"/?tier=public#map=12/34.33/108.63", viewertest.Desktop)
	viewertest.Eval[any](t, b, `(() => {
		window.flights = 0;
		const input = document.querySelector('[data-testid=search]');
		const enter = () => input.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true, cancelable: true}));
		// A third one comes as soon as the map has set out, while it is one of the double press.
		const first = performance.now();
		for (const name of ['fitBounds', 'flyTo']) { const own = gengtu.map[name].bind(gengtu.map); gengtu.map[name] = (...all) => { if (++window.flights === 1) setTimeout(() => { if (performance.now() - first < 450) enter(); }); return own(...all); }; }
		input.focus(); input.value = '`+places[0].Name+`';
		enter(); enter();
	})()`)
	b.Until(t, "window.flights > 0")
	viewertest.Eval[any](t, b, "new Promise((done) => setTimeout(done, 900))")
	searches := 0
	for _, asked := range b.Asked() {
		if strings.Contains(asked, "/places?") {
			searches++
		}
	}
	if flights := viewertest.Eval[int](t, b, "window.flights"); searches != 1 || flights > 1 {
		t.Errorf("%d searches and %d flights", searches, flights)
	}
}
