package viewer_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"gengtu/tileserver/viewer/viewertest"
)

// judge answers the question siting: each of its jobs runs until the test sends its end.
type judge struct {
	ends chan string
	left chan bool // A stream was let go by the page.

	mu   sync.Mutex
	jobs int
	end  string
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
		id = fmt.Sprint("s", j.jobs)
		j.mu.Unlock()
		answer(w, map[string]any{"id": id, "state": "waiting"})
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
	case "GET analyses/" + id + "/result.json":
		answer(w, map[string]any{"rules": map[string]string{"version": "7"}, "tables": []any{map[string]any{"name": "siting_sum", "rows": []any{map[string]any{"alt": "方案一", "verdict": "可用", "reasons": "甲；乙"}}}}})
	default:
		refuse(w, fault{Title: "not found", Status: 404, Detail: path, Code: "no_job"})
	}
}

// The sites are judged by a job that is followed by its stream, and not asked for again and
// again; why it fails is said with what to do; it is let go once the alternatives change.
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
	select {
	case <-j.left:
	case <-time.After(10 * time.Second):
		t.Fatal("the page follows a job whose answer nobody waits for")
	}
	judged("done")
	if text := b.Text(t, "siting-verdicts"); !strings.Contains(text, "可用") || !strings.Contains(text, "乙") {
		t.Errorf("the verdicts are %q", text)
	}
	if n := len(c.asked("/public/analyses/s1")) + len(c.asked("/public/analyses/s3")); n != 5 {
		t.Errorf("%d requests about two jobs, want a stream and the job of both, and a result: %q", n, c.asked("/public/analyses/"))
	}
	b.Quiet(t, c.URL)
}
