package viewer_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gengtu/tileserver/viewer/viewertest"
)

// answerBefore has requests answered by before, in the server's stead; nil ends that.
func (c *contract) answerBefore(before func(http.ResponseWriter, *http.Request) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.before = before
}

// busy is the answer of a server that is getting ready.
func busy(w http.ResponseWriter) bool {
	w.Header().Set("Retry-After", "3")
	refuse(w, fault{Title: "unavailable", Status: 503, Detail: "starting", Code: "busy"})
	return true
}

// cut ends a connection without an answer, as a server that is not there.
func cut(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }

// A server that is not ready when the page comes is said to be so; after Try again the map
// stands in the page and is drawn, whether the catalogue was refused or the style.
func TestRetryAfterBusy(t *testing.T) {
	for _, path := range []string{"/public/catalog", "/public/style.json"} {
		t.Run(path, func(t *testing.T) {
			c := newContract(t)
			c.answerBefore(func(w http.ResponseWriter, r *http.Request) bool { return r.URL.Path == path && busy(w) })
			b := viewertest.Open(t, viewertest.Browser(t), c.URL+"/", viewertest.Desktop)
			if text := b.Text(t, "problem"); !strings.Contains(text, "服务器正在准备数据，请 3 秒后再试") || !strings.Contains(text, "重试") {
				t.Errorf("the page says %q", text)
			}
			b.Picture(t, "busy")
			retry := `document.querySelector('[data-testid="problem"] button')`
			viewertest.Eval[any](t, b, retry+".click()") // in vain
			b.Until(t, retry)
			c.answerBefore(nil)
			viewertest.Eval[any](t, b, retry+".click()")
			b.Ready(t)
			if !viewertest.Eval[bool](t, b, "document.querySelector('#map canvas')?.isConnected === true && gengtu.map.getCanvas() === document.querySelector('#map canvas') && !document.querySelector('[data-testid=problem]')") {
				t.Error("after Try again the map's canvas is not in the page, or the problem still is")
			}
			if share := coloured(b.Picture(t, "busy-over")); share < 0.8 || rendered(t, b, "cropland") == 0 {
				t.Errorf("after Try again %.0f%% of the map is drawn", 100*share)
			}
		})
	}
}

// A server that goes away under an open page is said to be away, and the map fills in by
// itself once it is back: the page is not loaded again, and the message goes.
func TestServerAwayAndBack(t *testing.T) {
	c := newContract(t)
	b := openYearsUnquiet(t, c, "map=14/34.3288/108.6288", viewertest.Desktop)
	viewertest.Eval[any](t, b, "(window.same = true)")
	c.answerBefore(cut)
	viewertest.Eval[bool](t, b, "(gengtu.map.jumpTo({center: [108.615, 34.315], zoom: 16}), true)")
	b.Until(t, "document.getElementById('toast').innerText.includes('会自动补上')")
	b.Until(t, "gengtu.map.areTilesLoaded()") // as failed
	b.Picture(t, "away")
	c.answerBefore(nil)
	b.Until(t, "document.getElementById('toast').innerText.includes('服务器已恢复')")
	b.Until(t, "gengtu.map.queryRenderedFeatures({layers: ['cropland-fill']}).some((f) => f.tile?.z >= 14 || f.id)")
	if share := coloured(b.Picture(t, "away-back")); share < 0.8 {
		t.Errorf("once the server is back %.0f%% of the map is drawn", 100*share)
	}
	if !viewertest.Eval[bool](t, b, "window.same === true") {
		t.Error("the page was loaded again")
	}

	// The map of a comparison, too; and one that is shut meanwhile is let go.
	b.Click(t, "swipe-open")
	comparing(t, b)
	c.answerBefore(func(w http.ResponseWriter, r *http.Request) bool {
		return strings.Contains(r.URL.Path, "/tiles/") && busy(w)
	})
	viewertest.Eval[bool](t, b, "(gengtu.map.jumpTo({center: [108.64, 34.34], zoom: 16.5}), true)")
	b.Until(t, "document.getElementById('toast').innerText.includes('会自动补上')")
	c.answerBefore(nil)
	b.Until(t, "document.getElementById('toast').innerText.includes('服务器已恢复')")
	b.Until(t, leftOld+" > 0 && "+oldParcels+" > 0")
	c.answerBefore(cut)
	viewertest.Eval[bool](t, b, "(gengtu.map.jumpTo({center: [108.61, 34.31], zoom: 16.5}), true)")
	b.Until(t, "document.getElementById('toast').innerText.includes('会自动补上')")
	b.Click(t, "swipe-close")
	c.answerBefore(nil)
	b.Until(t, "document.getElementById('toast').innerText.includes('服务器已恢复')")
	for _, said := range b.Said() {
		if !strings.Contains(said, "Failed to load resource") {
			t.Errorf("the page said: %s", said)
		}
	}
}

// openYearsUnquiet is [openYears] for a page that will have to complain.
func openYearsUnquiet(t *testing.T, c *contract, hash string, v viewertest.View) *viewertest.Tab {
	t.Helper()
	c.years = true
	return viewertest.OpenMap(t, viewertest.Browser(t), c.URL+"/#"+hash, v)
}

// The tool of the comparison pressed again and again while its style is on its way: the last
// press counts, and what comes of those before is taken away. Once for an even, once for an
// odd number of presses.
func TestComparePressedAgain(t *testing.T) {
	for presses, want := range map[int]int{3: 1, 2: 0} {
		t.Run(fmt.Sprint(presses), func(t *testing.T) {
			c := newContract(t)
			b := openYears(t, c, "map=13.5/34.3288/108.6288&vintage=2024", viewertest.Desktop)
			release := make(chan struct{})
			var held atomic.Int32
			c.answerBefore(func(_ http.ResponseWriter, r *http.Request) bool {
				if strings.HasSuffix(r.URL.Path, "/style.json") && r.FormValue("vintage") == "2023" {
					held.Add(1)
					<-release
				}
				return false
			})
			for range presses {
				b.Click(t, "swipe-open")
			}
			for end := time.Now().Add(20 * time.Second); held.Load() == 0 && time.Now().Before(end); {
				<-time.After(20 * time.Millisecond)
			}
			if held.Load() == 0 {
				t.Fatal("the style was not asked for: the test would prove nothing")
			}
			close(release)
			if want == 1 {
				comparing(t, b)
			}
			// What was pressed away is there until its map has loaded.
			shown := "[document.querySelectorAll('.swipe').length, document.querySelectorAll('canvas.maplibregl-canvas').length, document.getElementById('swipe-open').getAttribute('aria-pressed')].join()"
			b.Until(t, fmt.Sprintf("%s === '%d,%d,%t'", shown, want, want+1, want == 1))
			<-time.After(1500 * time.Millisecond) // that nothing more comes has no sign to wait for
			if got := viewertest.Eval[string](t, b, shown); got != fmt.Sprintf("%d,%d,%t", want, want+1, want == 1) {
				t.Errorf("comparisons, maps, pressed: %s", got)
			}
			if got := strings.Contains(link(t, b), "compare="); got != (want == 1) {
				t.Errorf("the address is %s", link(t, b))
			}
		})
	}
}

// A tab that is shut behind another leaves that one and its stream alone; a tab that is
// shut ends its stream, and asks for no other.
func TestStreamsEnd(t *testing.T) {
	n := newBench(t)
	n.set("running")
	b := openBench(t, n, "&job=j1", viewertest.Desktop)
	n.streamOf(t, 0) <- "id: 1\nevent: running\ndata: {}\n\n"
	b.Until(t, `document.querySelector('[data-testid="analyses-stage"]')`)
	viewertest.Eval[any](t, b, "gengtu.drawPolygon("+square+")")
	viewertest.Eval[any](t, b, "document.getElementById('tab-analyses').click()")
	left := func() int { n.mu.Lock(); defer n.mu.Unlock(); return n.left }
	if !viewertest.Eval[bool](t, b, "!document.getElementById('tab-overlay').hidden && document.getElementById('overlay').hidden") {
		t.Fatal("the report does not lie behind")
	}
	b.Click(t, "draw-polygon") // which shuts the report
	b.Until(t, "document.getElementById('tab-overlay').hidden")
	if !viewertest.Eval[bool](t, b, `!document.getElementById('analyses').hidden && document.querySelector('[data-testid="analyses-stage"]') !== null`) || left() != 0 {
		t.Errorf("a tab shut behind it took the job from the front; %d streams ended", left())
	}
	b.Click(t, "side-close")
	for end := time.Now().Add(20 * time.Second); left() == 0 && time.Now().Before(end); {
		<-time.After(20 * time.Millisecond)
	}
	if left() != 1 {
		t.Errorf("%d streams ended with the tab, want 1", left())
	}
	<-time.After(1500 * time.Millisecond) // that no other comes has no sign to wait for
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.after) != 1 {
		t.Errorf("%d streams were asked for, want 1", len(n.after))
	}
}
