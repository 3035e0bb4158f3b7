package viewer_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gengtu/index/analyze"
	"gengtu/tileserver/viewer/viewertest"
)

// judge answers the question siting: each of its jobs runs until the test sends its end.
type judge struct {
	ends  chan string
	left  chan bool // A stream was let go by the page.
	there bool      // What is asked is on its way already.

	mu        sync.Mutex
	jobs      int
	end       string
	cancelled []string
}

func (j *judge) serve(w http.ResponseWriter, r *http.Request) {
	_, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	j.mu.Lock()
	id, end := fmt.Sprint("s", j.jobs), j.end
	j.mu.Unlock()
	switch r.Method + " " + path {
	case "GET analyses":
		answer(w, map[string]any{"jobs": []any{}, "questions": []any{map[string]any{"name": "siting", "answerable": true}}})
	case "POST analyses":
		j.mu.Lock()
		j.jobs, j.end = j.jobs+1, ""
		again := j.there
		id = fmt.Sprint("s", j.jobs)
		j.mu.Unlock()
		answer(w, map[string]any{"id": id, "state": "waiting", "again": again})
	case "GET analyses/" + id + "/events":
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte("id: 1\nevent: running\ndata: {}\n\n")) // A page that went away is seen below.
		w.(http.Flusher).Flush()
		select {
		case end = <-j.ends:
			j.mu.Lock()
			j.end = end
			j.mu.Unlock()
		case <-r.Context().Done():
			j.left <- true
		}
	case "GET analyses/" + id:
		answer(w, map[string]any{"id": id, "state": end, "problem": map[string]string{"code": "NO_RULES", "detail": "没有规则", "advice": "请换一份"}})
	case "DELETE analyses/" + id:
		j.mu.Lock()
		j.cancelled = append(j.cancelled, id+" "+r.URL.RawQuery)
		j.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	case "GET analyses/" + id + "/result.json":
		var columns []any
		for _, name := range []string{"alt", "verdict", "reasons", "reasons_en", "not_judged"} {
			columns = append(columns, map[string]any{"name": name, "kind": "text", "title": name, "values": analyze.Values("siting_sum", name)})
		}
		row := map[string]any{"alt": "方案一", "verdict": "不得占用 deny", "reasons": "甲；乙", "reasons_en": "one; two", "not_judged": "redline、urban"}
		answer(w, map[string]any{"rules": map[string]string{"version": "7"}, "tables": []any{map[string]any{"name": "siting_sum", "columns": columns, "rows": []any{row}}}})
	default:
		refuse(w, fault{Title: "not found", Status: 404, Detail: path, Code: "no_job"})
	}
}

// found has what is asked from now on be on its way already, or not.
func (j *judge) found(there bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.there = there
}

// gone are the jobs that were cancelled, with what the address said of it.
func (j *judge) gone() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.cancelled)
}

// The sites are judged by a job that is followed by its stream, and not asked for again and
// again; why it fails is said with what to do; once the alternatives change it is let go, and left to
// the server where the page began it.
// Verdicts and layers stand in words, in the page's language, and go with the name of before.
func TestSitingFollowed(t *testing.T) {
	c, j := newContract(t), &judge{ends: make(chan string), left: make(chan bool, 1)}
	c.more = j.serve
	b := viewertest.OpenMap(t, viewertest.Browser(t), c.URL+"/?tier=public#map=13/34.33/108.63", viewertest.Desktop)
	for _, ring := range []string{"[[108.615,34.32],[108.63,34.32],[108.63,34.33]]", "[[108.62,34.32],[108.64,34.32],[108.64,34.33]]"} {
		viewertest.Eval[any](t, b, "gengtu.drawPolygon("+ring+")")
		b.Click(t, "overlay-keep")
	}
	judged := func(end string) {
		t.Helper()
		b.Click(t, "compare-siting")
		b.Until(t, "document.querySelector('#compare .busy') !== null")
		if end != "" {
			j.ends <- end
		}
	}
	judged("failed")
	if text := b.Text(t, "problem"); !strings.Contains(text, "分析没有完成：没有规则") || !strings.Contains(text, "请换一份") {
		t.Errorf("a job that failed is told as %q", text)
	}
	b.Picture(t, "siting-failed")
	judged("")
	b.Click(t, "compare-remove-1")
	let := func() {
		t.Helper()
		select {
		case <-j.left:
		case <-time.After(10 * time.Second):
			t.Fatal("the page follows a job whose answer nobody waits for")
		}
	}
	let()
	for end := time.Now().Add(10 * time.Second); len(j.gone()) == 0 && time.Now().Before(end); {
		<-time.After(20 * time.Millisecond)
	}
	begun := []string{"s2 unless=wanted"}
	if gone := j.gone(); !slices.Equal(gone, begun) {
		t.Errorf("jobs that were left: %q, want %q", gone, begun)
	}
	j.found(true) // by another window
	judged("")
	viewertest.Eval[any](t, b, "gengtu.drawPolygon([[108.625,34.32],[108.64,34.32],[108.64,34.33]])")
	b.Click(t, "overlay-keep")
	let()
	j.found(false)
	judged("done")
	told := func(lang string, want ...string) {
		t.Helper()
		text := b.Text(t, "siting-verdicts")
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: the verdicts are %q, without %q", lang, text, w)
			}
		}
		for _, code := range []string{"deny", "redline"} {
			if strings.Contains(text, code) {
				t.Errorf("%s: the verdicts are %q, with the code %s", lang, text, code)
			}
		}
	}
	told("zh", "不得占用", "乙", "生态保护红线、城镇开发边界")
	b.Click(t, "lang")
	told("en", "not to be occupied", "two", "ecological red line, urban boundary")
	b.Click(t, "lang")
	viewertest.Eval[any](t, b, `(() => {
		const name = document.querySelector('[data-testid=compare-name-0]');
		name.focus();
		name.value = '东址';
		name.dispatchEvent(new Event('change'));
	})()`)
	if got := viewertest.Eval[string](t, b, `[document.querySelector('[data-testid=siting-verdicts]'), document.querySelector('[data-testid=compare-siting]') !== null, document.querySelector('[data-testid=alternative-0] .print-only').textContent, document.querySelector('[data-testid=compare-remove-0]').title.includes('东址'), document.activeElement.dataset.testid].join()`); got != ",true,东址,true,compare-name-0" {
		t.Errorf("after a new name: verdicts, button, name on paper, in words, keyboard: %s", got)
	}
	if gone := j.gone(); !slices.Equal(gone, begun) {
		t.Errorf("jobs that were left: %q, and what another window began is none", gone)
	}
	if n := len(c.asked("/public/analyses/s1")) + len(c.asked("/public/analyses/s4")); n != 5 {
		t.Errorf("%d requests about two jobs, want a stream and the job of both, and a result: %q", n, c.asked("/public/analyses/"))
	}
	b.Quiet(t, c.URL)
}
