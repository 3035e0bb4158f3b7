package viewer_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gengtu/tileserver/viewer/viewertest"
)

// ends is a bench on which requests fail as a test tells it to: by method and path below the
// tier, with what they are refused.
type ends struct {
	*bench

	mu      sync.Mutex
	refused map[string]fault
}

func newEnds(t *testing.T) *ends {
	t.Helper()
	e := &ends{bench: newBench(t), refused: map[string]fault{}}
	rest := e.more
	e.more = func(w http.ResponseWriter, r *http.Request) {
		_, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		e.mu.Lock()
		f, is := e.refused[r.Method+" "+path]
		e.mu.Unlock()
		if is {
			refuse(w, f)
			return
		}
		rest(w, r)
	}
	return e
}

// refuse refuses a request from now on; nil lets it through again.
func (e *ends) refuse(request string, f *fault) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.refused, request)
	if f != nil {
		e.refused[request] = *f
	}
}

// shownState is the state of the job as the page shows it.
const shownState = `document.querySelector('[data-testid="analyses-result"]')?.dataset.state`

// A job that is watched while the server goes away for a while, comes back, begins the job
// again and fails it: the page says each of it, in the server's words, and asks again as it
// was asked.
func TestAnalysesServerGone(t *testing.T) {
	e := newEnds(t)
	e.set("running")
	tab := openBench(t, e.bench, "&job=j1", viewertest.Desktop)
	first := e.streamOf(t, 0)
	first <- "id: 1\nevent: running\ndata: {}\n\nid: 2\nevent: progress\ndata: {\"stage\":{\"zh\":\"叠加\",\"en\":\"dividing\"},\"done\":5,\"all\":20}\n\n"
	tab.Until(t, `document.querySelector('[data-testid="analyses-stage"]')?.innerText === '叠加：5 / 20'`)
	away := &fault{Title: "unavailable", Status: 503, Detail: "starting", Code: "busy"}
	e.refuse("GET analyses/j1", away)
	e.refuse("GET analyses/j1/events", away)
	close(first)
	tab.Until(t, `document.querySelector('[data-testid="analyses-broken"]')`)
	if text := tab.Text(t, "analyses-result"); !strings.Contains(text, "叠加：5 / 20") || viewertest.Eval[bool](t, tab, `document.querySelector('#analyses [data-testid="problem"]') !== null`) {
		t.Errorf("while the server is away the page shows %q", text)
	}
	tab.Picture(t, "analyses-away")
	e.refuse("GET analyses/j1", nil)
	e.refuse("GET analyses/j1/events", nil)
	second := e.streamOf(t, 1)
	second <- "id: 3\nevent: restarted\ndata: {}\n\n"
	tab.Until(t, `document.querySelector('[data-testid="analyses-restarted"]') && !document.querySelector('[data-testid="analyses-broken"]')`)
	e.bench.mu.Lock()
	e.fail = map[string]any{"code": "analyze_open", "detail": "对不上：甲与乙", "advice": "报告给维护者"}
	e.bench.mu.Unlock()
	e.set("failed")
	second <- "id: 4\nevent: failed\ndata: {}\n\n"
	second <- ""
	tab.Until(t, shownState+` === 'failed'`)
	text := tab.Text(t, "analyses-result")
	for _, want := range []string{"对不上：甲与乙", "报告给维护者", "analyze_open", "重新提问"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in %q", want, text)
		}
	}
	if viewertest.Eval[bool](t, tab, `document.querySelector('[data-testid="analyses-bar"], [data-testid="analyses-broken"]') !== null`) {
		t.Error("a job that failed is shown on its way")
	}
	tab.Picture(t, "analyses-failed")
	tab.Click(t, "analyses-again")
	tab.Text(t, "analyses-form")
	if by := viewertest.Eval[string](t, tab, `document.querySelector('[data-testid="analyses-field-by"]').value`); by != "village" {
		t.Errorf("the form is filled with %q", by)
	}
}

// A job that another window cancels, or that is removed, while it is watched is said to be
// so, and is not asked after any more.
func TestAnalysesCancelledElsewhere(t *testing.T) {
	e := newEnds(t)
	e.set("running")
	tab := openBench(t, e.bench, "&job=j1", viewertest.Phone)
	first := e.streamOf(t, 0)
	first <- "id: 1\nevent: running\ndata: {}\n\n"
	tab.Until(t, `document.querySelector('[data-testid="analyses-stage"]')`)
	e.set("cancelled")
	first <- "id: 2\nevent: cancelled\ndata: {}\n\n"
	first <- ""
	tab.Until(t, shownState+` === 'cancelled'`)
	text := tab.Text(t, "analyses-result")
	if !strings.Contains(text, "已取消") || viewertest.Eval[bool](t, tab, `document.querySelector('[data-testid="analyses-bar"], #analyses [data-testid="problem"]') !== null`) {
		t.Errorf("a cancelled job is shown as %q", text)
	}
	if buttons := viewertest.Eval[string](t, tab, `[...document.querySelectorAll('#analyses article .analyses-buttons button')].map((b) => b.innerText).join()`); buttons != "重新提问,删除" {
		t.Errorf("what is offered: %s", buttons)
	}
	tab.CheckWidth(t)
	tab.Picture(t, "analyses-cancelled")
	tab.Click(t, "analyses-back")
	tab.Until(t, `document.querySelector('[data-testid="analyses-job-j1"]')?.innerText.includes('已取消')`)

	e.set("running")
	tab.Until(t, `document.querySelector('[data-testid="analyses-job-j1"]') !== null`)
	viewertest.Eval[any](t, tab, "(location.hash = 'job=j1')")
	second := e.streamOf(t, 1)
	e.refuse("GET analyses/j1", &fault{Title: "not found", Status: 404, Detail: "no such analysis", Code: "no_job"})
	second <- "event: gone\ndata: {}\n\n"
	second <- ""
	tab.Until(t, `document.querySelector('#analyses [data-testid="problem"]')?.innerText.includes('这项分析已被删除')`)
	e.bench.mu.Lock()
	streams := len(e.after)
	e.bench.mu.Unlock()
	<-time.After(3 * time.Second) // that nothing comes has no sign to wait for
	e.bench.mu.Lock()
	defer e.bench.mu.Unlock()
	if len(e.after) != streams {
		t.Errorf("a job that is gone is asked after %d times more", len(e.after)-streams)
	}
}

// What cannot be cancelled stays, and why is said; an answer that cannot be had is said with
// the server's words, and tried again.
func TestAnalysesRefused(t *testing.T) {
	e := newEnds(t)
	e.set("done")
	e.refuse("GET analyses/j1/result.json", &fault{Title: "gone", Status: 410, Detail: "旧的数据版本已清除", Code: "generation_gone"})
	tab := openBench(t, e.bench, "&job=j1", viewertest.Desktop)
	tab.Until(t, `document.querySelector('#analyses [data-testid="problem"]')?.innerText.includes('旧的数据版本已清除')`)
	e.refuse("GET analyses/j1/result.json", nil)
	viewertest.Eval[any](t, tab, `document.querySelector('#analyses [data-testid="problem"] button').click()`)
	tab.Text(t, "analyses-grid")
	e.refuse("DELETE analyses/j1", &fault{Title: "forbidden", Status: 403, Detail: "别人也问了这项分析，不能取消", Code: "token_refused"})
	tab.Click(t, "analyses-cancel")
	tab.Until(t, `document.getElementById('toast').innerText.includes('别人也问了这项分析')`)
	if viewertest.Eval[string](t, tab, shownState) != "done" {
		t.Error("a job that could not be removed is not shown any more")
	}
	e.refuse("DELETE analyses/j1", nil)
	tab.Click(t, "analyses-cancel")
	tab.Until(t, `document.querySelector('[data-testid="analyses-jobs"]') && !document.querySelector('[data-testid="analyses-job-j1"]')`)
	if n := viewertest.Eval[int](t, tab, `gengtu.map.getStyle().layers.filter((l) => l.id.startsWith('`+madeLayer+`')).length`); n != 0 {
		t.Errorf("the layer of a removed answer is on the map, %d times", n)
	}
	if !slices.Contains(e.asked(""), "DELETE /government/analyses/j1") {
		t.Error("it was not removed")
	}
}

// Of the jobs that a public tab remembers those that are gone, or not its own to see, are
// forgotten; one that cannot be read now hides none of the others, and is said to be old.
func TestAnalysesOwn(t *testing.T) {
	e := newEnds(t)
	rest := e.more
	e.more = func(w http.ResponseWriter, r *http.Request) {
		if id, is := strings.CutPrefix(r.URL.Path, "/public/analyses/own-"); is && e.letThrough(r) {
			job := e.job()
			job["id"] = "own-" + id
			answer(w, job)
			return
		}
		rest(w, r)
	}
	e.set("running")
	e.mu.Lock()
	for name, status := range map[string]int{"forbidden": 403, "gone": 410, "missing": 404} {
		e.refused["GET analyses/own-"+name] = fault{Title: "refused", Status: status, Detail: "refused", Code: "refused"}
	}
	e.mu.Unlock()
	tab := viewertest.OpenMap(t, viewertest.Browser(t), e.URL+"/?tier=public#map=13/34.33/108.63", viewertest.Desktop)
	viewertest.Eval[any](t, tab, `sessionStorage.setItem('gengtu.analyses.public', JSON.stringify(['own-forbidden', 'own-a', 'own-gone', 'own-b', 'own-missing']))`)
	tab.Click(t, "analyses-open")
	const both = `document.querySelector('[data-testid="analyses-job-own-a"]') && document.querySelector('[data-testid="analyses-job-own-b"]')`
	tab.Until(t, both+` && !document.querySelector('[data-testid="analyses-stale"]')`)
	if kept := viewertest.Eval[string](t, tab, `sessionStorage.getItem('gengtu.analyses.public')`); kept != `["own-a","own-b"]` {
		t.Errorf("the tab remembers %s", kept)
	}
	e.refuse("GET analyses/own-a", &fault{Title: "unavailable", Status: 503, Detail: "busy", Code: "busy"})
	tab.Until(t, both+` && document.querySelector('[data-testid="analyses-stale"]')`)
	e.refuse("GET analyses/own-a", nil)
	tab.Until(t, both+` && !document.querySelector('[data-testid="analyses-stale"]')`)
}

// letThrough tells whether a request is not refused.
func (e *ends) letThrough(r *http.Request) bool {
	_, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	e.mu.Lock()
	defer e.mu.Unlock()
	_, is := e.refused[r.Method+" "+path]
	return !is
}
