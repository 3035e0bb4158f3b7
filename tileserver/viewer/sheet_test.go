package viewer_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"gengtu/tileserver/viewer/viewertest"
)

// The sheet of the rooms that load later is asked for with the first of them and once: what
// the room builds has its style at once. Where it cannot be had that is said, and the next
// click tries again.
func TestRoomSheet(t *testing.T) {
	c := newContract(t)
	whole, missing := c.Config.Handler, atomic.Bool{}
	c.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if missing.Load() && strings.HasPrefix(r.URL.Path, "/viewer/rooms-") {
			http.NotFound(w, r)
			return
		}
		whole.ServeHTTP(w, r)
	})
	b := viewertest.OpenMap(t, viewertest.Browser(t), c.URL+"/?tier=public#map=13/34.33/108.63", viewertest.Desktop)
	asked := func(want int) {
		t.Helper()
		n := 0
		for _, a := range b.Asked() {
			if strings.HasPrefix(a, c.URL+"/viewer/rooms-") {
				n++
			}
		}
		if n != want {
			t.Errorf("the sheet was asked for %d times, want %d", n, want)
		}
	}
	asked(0)
	missing.Store(true)
	b.Click(t, "share-open")
	if said := b.Text(t, "toast"); !strings.Contains(said, "连接不上服务器") {
		t.Errorf("without the sheet the page says %q", said)
	}
	if viewertest.Eval[bool](t, b, "document.querySelector('.share') !== null") {
		t.Error("the room stands there without its style")
	}
	asked(1)
	missing.Store(false)
	b.Click(t, "share-open")
	b.Until(t, "document.querySelector('.share')")
	if display := viewertest.Eval[string](t, b, "getComputedStyle(document.querySelector('.share')).display"); display != "grid" {
		t.Errorf("the room is shown as %s", display)
	}
	b.Click(t, "analyses-open")
	b.Until(t, "document.querySelector('.analyses')")
	asked(2)
}

// What makes the sheet for the printer may come late or not at all: a page that prints without
// it says so, asks for it again, and has it the next time.
func TestPrintScript(t *testing.T) {
	c := newContract(t)
	var missing atomic.Bool
	missing.Store(true)
	c.answerBefore(func(w http.ResponseWriter, r *http.Request) bool {
		if !missing.Load() || !strings.HasPrefix(r.URL.Path, "/viewer/print-") {
			return false
		}
		http.NotFound(w, r)
		return true
	})
	b := viewertest.OpenMap(t, viewertest.Browser(t), c.URL+"/?tier=public#map=13/34.33/108.63", viewertest.Desktop)
	// What is said for a moment counts, too, however slow the machine is that looks.
	viewertest.Eval[any](t, b, "(window.told = [], new MutationObserver(() => told.push(document.getElementById('toast').innerText)).observe(document.getElementById('toast'), {childList: true, subtree: true, characterData: true}))")
	prints := func() bool {
		return viewertest.Eval[bool](t, b, "(dispatchEvent(new Event('beforeprint')), document.getElementById('print') !== null)")
	}
	if prints() {
		t.Fatal("the sheet is there: the test would prove nothing")
	}
	b.Until(t, "told.some((text) => text.includes('打印版式没有载入'))")
	missing.Store(false)
	if prints() {
		t.Error("the sheet is there before its script")
	}
	b.Until(t, "told.some((text) => text.includes('请再打印一次'))")
	if !prints() {
		t.Error("there is no sheet once the script is there")
	}
}
