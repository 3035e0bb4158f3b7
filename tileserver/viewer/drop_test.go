package viewer_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"gengtu/tileserver/viewer/viewertest"
)

// dragged lets a file of one shape over the page, and drops it if that is among kinds; it is
// whether the page has kept the browser from leaving for it each time.
func dragged(kinds string) string {
	return `document.body !== null && ` + kinds + `.every((kind) => {
		const dataTransfer = new DataTransfer();
		dataTransfer.items.add(new File(['{"type":"Polygon","coordinates":[[[108.62,34.32],[108.63,34.32],[108.63,34.33],[108.62,34.32]]]}'], '早到.geojson'));
		return !document.body.dispatchEvent(new DragEvent(kind, {dataTransfer, bubbles: true, cancelable: true}));
	})`
}

// A file that is dropped before the map is there is kept, said to be, and measured once it
// is, be it that the script itself, the catalogue or the style is late; the browser does not
// leave the page for it.
func TestDropEarly(t *testing.T) {
	for name, late := range map[string]string{"script": "/viewer/maplibre-", "catalogue": "/public/catalog", "style": "/public/style.json"} {
		t.Run(name, func(t *testing.T) {
			c := newContract(t)
			whole, ready := c.Config.Handler, make(chan struct{})
			c.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.URL.Path, late) {
					select {
					case <-ready:
					case <-r.Context().Done():
						return
					}
				}
				whole.ServeHTTP(w, r)
			})
			// The map's page is gone to from another, since what opens a page waits for its scripts;
			// from an empty one, for which the browser asks no server for an icon.
			b := viewertest.Open(t, viewertest.Browser(t), "about:blank", viewertest.Desktop)
			viewertest.Eval[any](t, b, "void location.assign('"+c.URL+"/?tier=public#map=13/34.33/108.63')")
			b.Until(t, "document.getElementById('map') && "+dragged("['dragover']"))
			if name != "script" {
				b.Until(t, "window.gengtu")
			}
			if !viewertest.Eval[bool](t, b, dragged("['dragover', 'drop']")) {
				t.Error("the browser leaves the page for a file")
			}
			if name != "script" {
				if said := b.Text(t, "toast"); !strings.Contains(said, "早到.geojson 已收下") {
					t.Errorf("the page says %q", said)
				}
				b.Picture(t, "drop-early-"+name)
			}
			if viewertest.Eval[bool](t, b, "!!window.gengtu?.map") || len(c.overlays) != 0 {
				t.Fatal("the map is there already: the test would prove nothing")
			}
			close(ready)
			b.Until(t, "document.querySelector('[data-testid=overlay-result], [data-testid=file-problem]') !== null")
			if len(c.overlays) != 1 || !strings.Contains(string(c.lastOverlay()), "[108.63,34.33]") {
				t.Errorf("%d questions were asked, want one about the file", len(c.overlays))
			}
			b.Quiet(t, c.URL)
		})
	}
}

// Where there will be no map a file is not said to be kept, whether it was dropped before that
// is known or after.
func TestDropLeft(t *testing.T) {
	in := viewertest.Browser(t)
	c := newContract(t)
	left := func(b *viewertest.Tab) {
		t.Helper()
		if !viewertest.Eval[bool](t, b, dragged("['dragover', 'drop']")) {
			t.Error("the browser leaves the page for a file")
		}
		if said := b.Text(t, "toast"); !strings.Contains(said, "没有收下 早到.geojson") {
			t.Errorf("the page says %q", said)
		}
	}
	b := viewertest.Open(t, in, c.URL+"/?tier=foo", viewertest.Desktop)
	b.Until(t, "document.querySelector('[data-testid=edition-public]')")
	left(b)

	// Without WebGL, and with the catalogue late: at first the file is kept.
	ready := make(chan struct{})
	c.answerBefore(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/public/catalog" {
			<-ready
		}
		return false
	})
	b = viewertest.Open(t, in, "about:blank", viewertest.Desktop)
	b.Run(t, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: "HTMLCanvasElement.prototype.getContext = () => null;"})
		return err
	}))
	viewertest.Eval[any](t, b, "void location.assign('"+c.URL+"/?tier=public')")
	b.Until(t, "document.getElementById('map') && window.gengtu")
	viewertest.Eval[bool](t, b, dragged("['dragover', 'drop']"))
	b.Until(t, "document.getElementById('toast').innerText.includes('早到.geojson 已收下')")
	close(ready)
	b.Until(t, "document.getElementById('toast').innerText.includes('没有收下 早到.geojson')")
	if text := b.Text(t, "problem"); !strings.Contains(text, "WebGL2") {
		t.Errorf("the page says %q", text)
	}
	left(b)
	if len(c.overlays) != 0 {
		t.Errorf("%d questions were asked", len(c.overlays))
	}
}
