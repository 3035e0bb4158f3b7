package viewer_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"gengtu/tileserver/viewer/viewertest"
)

// rankless is a server whose tier answers no analyses: its summary fails once, and then has
// three places, one of them without a record.
func rankless(t *testing.T) *contract {
	t.Helper()
	c := newContract(t)
	rest := c.Config.Handler
	var asked atomic.Int32
	group := func(place string, net any) map[string]any {
		return map[string]any{"place": place, "layer": "cropland", "vintage": "2024", "by": "total", "features": 7, "area_m2": 900.25, "area_mu": 1.3504, "patch_m2": nil, "net_m2": net, "net_mu": net}
	}
	c.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/public/analyses":
			refuse(w, fault{Title: "refused", Status: 403, Detail: "no analyses", Code: "policy"})
		case "/public/summary":
			if asked.Add(1) == 1 {
				refuse(w, fault{Title: "broken", Status: 500, Detail: "the disc is gone", Code: "internal"})
				return
			}
			answer(w, map[string]any{"generation": generation, "formula": "ellipsoidal CGCS2000", "groups": []any{group("610402000001", 12.5), group("610402000002", nil), group("610402001000", 88.75)}})
		default:
			rest.ServeHTTP(w, r)
		}
	})
	return c
}

// Where a tier answers no analyses the ranking is that of summary, which says so; a fault
// is told with the server's words and can be tried again; a place without a record takes no
// rank and is counted; the other views say that they are refused.
func TestDashboardWithoutAnalyses(t *testing.T) {
	c := rankless(t)
	b := viewertest.OpenMap(t, viewertest.Browser(t), c.URL+"/?tier=public#dash=rank,,village,cropland,net,mu,", viewertest.Phone)
	if text := b.Text(t, "problem"); !strings.Contains(text, "the disc is gone") {
		t.Errorf("%q", text)
	}
	viewertest.Eval[any](t, b, `document.querySelector('[data-testid="problem"] button').click()`)
	b.Until(t, `document.querySelector('[data-testid="dash-table"]')`)
	got := viewertest.Eval[string](t, b, `[...document.querySelectorAll('[data-testid="dash-table"] tbody tr')].map((tr) => [tr.cells[0].innerText, tr.dataset.code, tr.querySelector('[data-testid^="dash-value-"] data')?.value ?? 'none'].join(' ')).join()`)
	if want := "1 610402001000 88.75,2 610402000001 12.5,— 610402000002 none"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if text := b.Text(t, "dash-missing"); !strings.HasPrefix(text, "1 ") {
		t.Errorf("%q", text)
	}
	if text := b.Text(t, "dash-source"); !strings.Contains(text, "/summary") || !strings.Contains(text, generation) {
		t.Errorf("%q", text)
	}
	b.CheckWidth(t)
	if wide := viewertest.Eval[float64](t, b, `document.getElementById('side').offsetWidth`); wide != float64(b.Width) {
		t.Errorf("the sheet is %v pixels wide on a phone of %d", wide, b.Width)
	}
	b.Picture(t, "dashboard-summary")
	for _, view := range []string{"trend", "progress", "flow"} {
		b.Click(t, "dash-view-"+view)
		b.Until(t, `document.querySelector('[data-testid="dash-refused"]')`)
	}
}
