package viewer_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"gengtu/tileserver/viewer/viewertest"
)

// madeRun and madeLayer are the run of the made-up answer and its layer.
const (
	madeRun   = "0123456789abcdef"
	madeLayer = "a-" + madeRun + "-pieces"
)

// bench answers questions about analyses as a test tells it to.
type bench struct {
	*contract

	mu     sync.Mutex
	state  string
	bodies []map[string]any
	gone   bool
	after  []string         // Last-Event-ID of each stream
	left   int              // streams that the page has ended
	stream []chan string    // what each stream is sent; a closed one breaks it
	answer map[string]any   // result.json
	jobs   int              // how often the list was read
	fail   map[string]any   // the problem of the job
	posted *fault           // what the next question is refused with
	files  map[string]int64 // bytes of forms
}

// newBench is a made-up server whose job lies at id "j1".
func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{contract: newContract(t), answer: madeAnswer(3)}
	b.land = append(b.land, shape{layer: madeLayer, id: 1, ring: pieceRing(10, 10)}, shape{layer: madeLayer, id: 2, ring: pieceRing(20, 20)})
	b.more = b.serve
	return b
}

// pieceRing is the ring of a piece that covers four lots.
func pieceRing(i, j float64) []position {
	w, s := west+i*cellDeg, south+j*cellDeg
	return []position{{w, s}, {w + 2*cellDeg, s}, {w + 2*cellDeg, s + 2*cellDeg}, {w, s + 2*cellDeg}}
}

// madeAnswer has a table of pieces, with shapes of the first two, and one of n sums.
func madeAnswer(n int) map[string]any {
	text := func(zh, en string) map[string]string { return map[string]string{"zh": zh, "en": en} }
	column := func(name, kind, zh string) map[string]any {
		return map[string]any{"name": name, "kind": kind, "title": text(zh, name)}
	}
	area := func(row map[string]any, name string, m2 float64) {
		row[name+"_m2"], row[name+"_mu"], row[name+"_ha"] = m2, m2*3/2000, m2/1e4
	}
	var pieces, sums []map[string]any
	for i := range 2 {
		row := map[string]any{"piece_id": fmt.Sprint("p", i), "xzqmc": `<img src=x onerror="document.title='hacked'">`, "ok": i == 0, "share": 0.25}
		area(row, "crop", 1000*float64(i+1))
		pieces = append(pieces, row)
	}
	for i := range n {
		p := places[i%len(places)]
		row := map[string]any{"xzqdm": p.Code, "xzqmc": p.Name, "year": strconv.Itoa(2023 + i%2), "count": i}
		area(row, "net", float64(i*100)-50)
		sums = append(sums, row)
	}
	return map[string]any{
		"run": madeRun, "question": "made", "title": text("做成的", "made"), "about": text("说明", "about"), "request": map[string]any{"question": "made"}, "generation": generation,
		"program": "gengtu", "formula": "f", "tier": "government", "rules": map[string]string{"version": "1", "digest": "d"},
		"layers":     []any{map[string]any{"layer": "cropland", "vintage": "2024", "title": text("耕地", "cropland"), "features": 5}, map[string]any{"layer": "soil", "vintage": "", "title": text("", ""), "features": 0, "missing": true}},
		"identities": []any{map[string]any{"name": "i", "title": text("左＝右", "left = right"), "left_m2": 5, "right_m2": 5, "difference_m2": 0}},
		"notes":      []any{text("要知道的一句", "a sentence to know")}, "sources": []any{},
		"tables": []any{
			map[string]any{"name": "pieces", "title": text("地块", "pieces"), "rows": pieces, "columns": []any{column("piece_id", "code", "编号"), column("xzqmc", "text", "名称"), column("ok", "bool", "可"), column("share", "ratio", "占比"), column("crop", "area", "面积")}},
			map[string]any{"name": "sums", "title": text("合计", "sums"), "rows": sums, "columns": []any{column("xzqdm", "code", "代码"), column("xzqmc", "text", "名称"), column("year", "text", "年度"), column("count", "count", "个数"), column("net", "area", "净面积")}},
		},
		"shapes": []any{map[string]any{"name": "pieces", "title": text("地块", "pieces"), "table": "pieces"}},
	}
}

// serve answers what lies below /{tier}/analyses.
func (b *bench) serve(w http.ResponseWriter, r *http.Request) {
	_, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch r.Method + " " + path {
	case "GET analyses":
		b.list(w)
	case "POST analyses":
		b.post(w, r)
	case "GET analyses/j1":
		answer(w, b.job())
	case "DELETE analyses/j1":
		b.mu.Lock()
		b.gone = true
		b.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	case "GET analyses/j1/events":
		b.events(w, r)
	case "GET analyses/j1/result.json":
		b.mu.Lock()
		defer b.mu.Unlock()
		answer(w, b.answer)
	case "GET analyses/j1/result.csv":
		_, _ = w.Write([]byte("a,b\n1,2\n")) // The browser went away: nothing to tell it.
	default:
		refuse(w, fault{Title: "not found", Status: 404, Detail: "no such analysis", Code: "no_job"})
	}
}

func (b *bench) list(w http.ResponseWriter) {
	b.mu.Lock()
	b.jobs++
	jobs := []any{}
	if b.state != "" && !b.gone {
		jobs = append(jobs, b.doc())
	}
	b.mu.Unlock()
	text := func(zh string) map[string]string { return map[string]string{"zh": zh, "en": zh + " (en)"} }
	layer := func(name string, optional, there bool) map[string]any {
		return map[string]any{"layer": name, "optional": optional, "there": there}
	}
	answer(w, map[string]any{"generation": generation, "forms": []string{"json", "csv"}, "jobs": jobs, "questions": []any{
		map[string]any{"name": "made", "title": text("做成的"), "about": text("怎么算"), "answerable": true, "between": true, "layers": []any{layer("cropland", false, true), layer("soil", true, false)}, "parameters": []any{
			map[string]any{"name": "kind", "title": text("种类"), "about": text("哪种"), "takes": "choice", "default": "a", "choices": []any{map[string]any{"value": "a", "title": text("甲")}, map[string]any{"value": "b", "title": text("乙")}}},
			map[string]any{"name": "gap", "title": text("间距"), "about": text("多远"), "takes": "number", "unit": "m", "default": "0"},
		}},
		map[string]any{"name": "lacking", "title": text("缺图层的"), "about": text("怎么算"), "answerable": false, "layers": []any{layer("hsf", false, true), layer("redline", false, false)}, "parameters": []any{}},
		map[string]any{"name": "few", "title": text("图层不够的"), "about": text("怎么算"), "answerable": false, "layers": []any{layer("cropland", true, true), layer("forest", true, false)}, "parameters": []any{}},
		map[string]any{"name": "once", "title": text("只有一期的"), "about": text("怎么算"), "answerable": false, "layers": []any{}, "twice": map[string]any{"layers": []string{"cropland"}, "there": false}, "parameters": []any{}},
	}})
}

func (b *bench) post(w http.ResponseWriter, r *http.Request) {
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		refuse(w, fault{Title: "bad request", Status: 400, Detail: err.Error(), Code: "json"})
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bodies = append(b.bodies, body)
	if f := b.posted; f != nil {
		b.posted = nil
		refuse(w, *f)
		return
	}
	b.state = "waiting"
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(b.doc()) // The browser went away: nothing to tell it.
}

func (b *bench) job() map[string]any {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.doc()
}

// doc is what is told of the job; b.mu is held.
func (b *bench) doc() map[string]any {
	d := map[string]any{
		"id": "j1", "state": b.state, "run": madeRun, "question": "made", "title": map[string]string{"zh": "做成的", "en": "made"}, "request": map[string]any{"question": "made", "by": "village"},
		"generation": generation, "current": true, "asked": "2024-09-30T08:00:00Z", "problem": b.fail,
	}
	if b.state == "done" {
		d["results"] = []any{
			map[string]any{"form": "json", "type": "application/json", "bytes": max(b.files["json"], 1)},
			map[string]any{"form": "csv", "table": "sums", "title": map[string]string{"zh": "合计"}, "type": "text/csv", "bytes": 8},
		}
		d["layers_made"] = []any{map[string]any{"name": madeLayer, "title": map[string]string{"zh": "地块", "en": "pieces"}, "vintage": "2024", "features": 2}}
	}
	return d
}

// events streams what the test sends to the next of b.stream.
func (b *bench) events(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	b.after = append(b.after, r.Header.Get("Last-Event-ID"))
	n := len(b.after) - 1
	for len(b.stream) <= n {
		b.stream = append(b.stream, make(chan string, 10))
	}
	from := b.stream[n]
	b.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	_, _ = fmt.Fprint(w, "retry: 50\n\n")
	_ = http.NewResponseController(w).Flush()
	for {
		select {
		case text, more := <-from:
			if !more {
				panic(http.ErrAbortHandler) // in the middle of a chunked answer
			}
			if text == "" {
				return
			}
			_, _ = fmt.Fprint(w, text)
			_ = http.NewResponseController(w).Flush()
		case <-r.Context().Done():
			b.mu.Lock()
			b.left++
			b.mu.Unlock()
			return
		}
	}
}

// streamOf waits until the page has asked for its nth stream.
func (b *bench) streamOf(t *testing.T, n int) chan string {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		b.mu.Lock()
		if len(b.stream) > n && len(b.after) > n {
			defer b.mu.Unlock()
			return b.stream[n]
		}
		b.mu.Unlock()
		if time.Now().After(deadline) {
			t.Fatalf("stream %d was never asked for", n)
		}
		<-time.After(20 * time.Millisecond)
	}
}

func (b *bench) set(state string) {
	b.mu.Lock()
	b.state = state
	b.mu.Unlock()
}

// openBench opens the page of the government tier.
func openBench(t *testing.T, b *bench, hash string, v viewertest.View) *viewertest.Tab {
	t.Helper()
	tab := viewertest.OpenMap(t, viewertest.Browser(t), b.URL+"/?tier=government#tk="+governmentToken+hash, v)
	t.Cleanup(func() { b.checkNoToken(t) })
	return tab
}

// A question is asked by its form, followed through a stream that is cut in the middle of
// an event and breaks, and through a restart, and its answer is shown.
func TestAnalysesFlow(t *testing.T) {
	b := newBench(t)
	tab := openBench(t, b, "", viewertest.Desktop)
	tab.Click(t, "analyses-open")
	tab.Until(t, `document.querySelector('[data-testid="analyses-question-made"]')`)
	for name, reason := range map[string]string{"lacking": "redline", "few": "forest", "once": "两个时相"} {
		if text := tab.Text(t, "analyses-question-"+name); !strings.Contains(text, reason) || !viewertest.Eval[bool](t, tab, `document.querySelector('[data-testid="analyses-question-`+name+`"]').disabled`) {
			t.Errorf("%s is offered, or without a reason: %q", name, text)
		}
	}
	tab.Click(t, "analyses-question-made")
	for field, value := range map[string]string{"by": "township", "p.kind": "b", "p.gap": "12.5"} {
		viewertest.Eval[any](t, tab, fmt.Sprintf(`(() => { const e = document.querySelector('[data-testid="analyses-field-%s"]'); e.value = %q; e.dispatchEvent(new Event(e.tagName === 'SELECT' ? 'change' : 'input')); })()`, field, value))
	}
	b.mu.Lock()
	b.posted = &fault{Title: "too many", Status: 429, Detail: "您有四项在排队", Code: "rate"}
	b.mu.Unlock()
	tab.Click(t, "analyses-start")
	tab.Until(t, `document.querySelector('#analyses [data-testid="problem"]')?.innerText.includes('您有四项在排队')`)
	tab.Click(t, "analyses-start")
	first := b.streamOf(t, 0)
	b.set("running")
	first <- "id: 1\nevent: running\ndata: {}\n\nid: 2\nevent: progress\ndata: {\"stage\":{\"zh\":\"叠加\",\"en\":\"dividing\"},\"do"
	first <- "ne\":5,\"all\":20}\n\n"
	tab.Until(t, `document.querySelector('[data-testid="analyses-stage"]')?.innerText === '叠加：5 / 20'`)
	if got := viewertest.Eval[string](t, tab, `(({value, max}) => value + '/' + max)(document.querySelector('[data-testid="analyses-bar"]'))`); got != "5/20" {
		t.Errorf("the bar is at %s", got)
	}
	tab.Until(t, `location.hash.includes('job=j1')`)
	tab.Picture(t, "analyses-progress")
	close(first)
	tab.Until(t, `document.querySelector('[data-testid="analyses-broken"]')`)
	second := b.streamOf(t, 1)
	second <- "id: 3\nevent: restarted\ndata: {}\n\n"
	tab.Until(t, `document.querySelector('[data-testid="analyses-restarted"]') && !document.querySelector('[data-testid="analyses-broken"]')`)
	b.set("done")
	second <- "id: 4\nevent: done\ndata: {}\n\n"
	second <- ""
	tab.Until(t, `document.querySelector('[data-testid="analyses-grid"]')`)
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Equal(b.after, []string{"", "2"}) {
		t.Errorf("the streams were asked for behind %q", b.after)
	}
	want := map[string]any{"question": "made", "by": "township", "parameters": map[string]any{"kind": "b", "gap": "12.5"}}
	if len(b.bodies) != 2 || fmt.Sprint(b.bodies[1]) != fmt.Sprint(want) {
		t.Errorf("asked %v, want %v", b.bodies, want)
	}
}

// The answer's texts are text, its figures as given; a row takes the map to its shape or its
// place, a piece on the map to its row; its layer is switched off and taken away.
func TestAnalysesAnswer(t *testing.T) {
	b := newBench(t)
	b.set("done")
	tab := openBench(t, b, "&job=j1&map=14/34.33/108.63", viewertest.Desktop)
	defer tab.Quiet(t, b.URL)
	tab.Until(t, `document.querySelector('[data-testid="analyses-grid"]') && gengtu.map.getStyle().layers.some((l) => l.id.startsWith('`+madeLayer+`'))`)
	body := tab.Text(t, "analyses-result")
	for _, want := range []string{"做成的", "要知道的一句", "1 条全部闭合", "<img src=x", "25.00%", "1.5000"} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is missing in %q", want, body)
		}
	}
	if title := viewertest.Eval[string](t, tab, "document.title"); strings.Contains(title, "hacked") {
		t.Error("text of the answer became code")
	}
	inside := func(i, j float64) string {
		r := pieceRing(i, j)
		return fmt.Sprintf("(({lng, lat}) => lng > %v && lng < %v && lat > %v && lat < %v)(gengtu.map.unproject([(gengtu.map.getContainer().clientWidth - document.getElementById('side').offsetWidth) / 2, gengtu.map.getContainer().clientHeight / 2]))", r[0][0], r[2][0], r[0][1], r[2][1])
	}
	tab.Click(t, "analyses-go-1")
	tab.Until(t, inside(20, 20))
	tab.Idle(t)
	if n := viewertest.Eval[int](t, tab, `gengtu.map.queryRenderedFeatures({layers: gengtu.map.getStyle().layers.map((l) => l.id).filter((id) => id.startsWith('`+madeLayer+`'))}).length`); n == 0 {
		t.Error("no piece is drawn")
	}
	tab.Picture(t, "analyses-piece")
	// The other piece, on the map.
	viewertest.Eval[any](t, tab, fmt.Sprintf("void gengtu.map.jumpTo({center: [%v, %v], zoom: 15})", west+11*cellDeg, south+11*cellDeg))
	viewertest.Eval[any](t, tab, "document.querySelector('[data-testid=\"analyses-table-sums\"]').click()")
	tab.Idle(t)
	at := viewertest.Eval[[]float64](t, tab, fmt.Sprintf("(() => { const p = gengtu.map.project([%v, %v]); const r = gengtu.map.getContainer().getBoundingClientRect(); return [p.x + r.left, p.y + r.top]; })()", west+10.2*cellDeg, south+11*cellDeg))
	if left := viewertest.Eval[float64](t, tab, "document.getElementById('side').getBoundingClientRect().left"); at[0] >= left {
		viewertest.Eval[any](t, tab, fmt.Sprintf("void gengtu.map.panBy([%v, 0], {animate: false})", at[0]-left+80))
		at[0] = left - 80
		tab.Idle(t)
	}
	tab.Press(t, at[0], at[1])
	tab.Until(t, `document.querySelector('tr.marked')?.dataset.row === '0' && document.querySelector('[data-testid="analyses-grid"]').dataset.table === 'pieces'`)
	if viewertest.Eval[bool](t, tab, "!document.getElementById('tab-feature').hidden") {
		t.Error("the click opened the card of features, too")
	}
	// A place.
	tab.Click(t, "analyses-table-sums")
	tab.Click(t, "analyses-go-2")
	e := places[2].Extent
	tab.Until(t, fmt.Sprintf("(({lng, lat}) => lng > %v && lng < %v && lat > %v && lat < %v)(gengtu.map.unproject([(gengtu.map.getContainer().clientWidth - document.getElementById('side').offsetWidth) / 2, gengtu.map.getContainer().clientHeight / 2]))", e[0], e[2], e[1], e[3]))
	press := func(testid string) { // in the answer; the legend has the same
		tab.Run(t, chromedp.Click(chromedp.CSS("#analyses "+string(viewertest.ID(testid))), chromedp.NodeVisible))
	}
	press("analyses-toggle-" + madeLayer)
	tab.Until(t, `gengtu.map.getStyle().layers.filter((l) => l.id.startsWith('`+madeLayer+`')).every((l) => l.layout.visibility === 'none')`)
	press("analyses-remove-" + madeLayer)
	tab.Until(t, `!gengtu.map.getStyle().layers.some((l) => l.id.startsWith('`+madeLayer+`'))`)
}

// A hundred thousand rows cost the page two hundred; they are sorted, found and chosen.
func TestAnalysesManyRows(t *testing.T) {
	b := newBench(t)
	b.answer = madeAnswer(100_000)
	b.set("done")
	tab := openBench(t, b, "&job=j1", viewertest.Desktop)
	tab.Until(t, `document.querySelector('[data-testid="analyses-table-sums"]')`)
	tab.Click(t, "analyses-table-sums")
	rows := func() []int {
		return viewertest.Eval[[]int](t, tab, `[...document.querySelectorAll('[data-testid="analyses-grid"] tbody tr')].map((tr) => Number(tr.dataset.row))`)
	}
	if r := rows(); len(r) != 200 || r[0] != 0 {
		t.Errorf("%d rows, first %v", len(r), r[:1])
	}
	tab.Click(t, "analyses-sort-net_mu")
	if r := rows(); len(r) != 200 || r[0] != 99_999 {
		t.Errorf("the greatest first: %v", r[:1])
	}
	tab.Click(t, "analyses-page-next")
	if r := rows(); len(r) != 200 || r[0] != 99_799 {
		t.Errorf("the next page: %v", r[:1])
	}
	viewertest.Eval[any](t, tab, `(() => { const e = document.querySelector('[data-testid="analyses-search"]'); e.value = '西渠'; e.dispatchEvent(new Event('input')); })()`)
	if r := rows(); len(r) != 200 || r[0] != 99_997 {
		t.Errorf("what is found: %v", r[:1])
	}
	if text := tab.Text(t, "analyses-count"); !strings.Contains(text, "25,000") || !strings.Contains(text, "100,000") {
		t.Errorf("it says %q", text)
	}
	tab.Click(t, "analyses-show-chart")
	if n := viewertest.Eval[int](t, tab, `document.querySelectorAll('[data-testid="chart-bar"] li').length`); n != 25 {
		t.Errorf("%d bars", n)
	}
	tab.Picture(t, "analyses-chart")
}

// A job that failed says why in the server's words; one that runs is cancelled; one that is
// not the user's is said to be not there; an answer too large to show is for downloading.
func TestAnalysesEnds(t *testing.T) {
	b := newBench(t)
	b.set("failed")
	b.mu.Lock()
	b.fail = map[string]any{"code": "analyze_open", "detail": "对不上：甲与乙", "advice": "报告给维护者"}
	b.mu.Unlock()
	tab := openBench(t, b, "&job=j1", viewertest.Phone)
	tab.Until(t, `document.querySelector('#analyses [data-testid="problem"]')`)
	if text := tab.Text(t, "analyses-result"); !strings.Contains(text, "对不上：甲与乙") || !strings.Contains(text, "报告给维护者") || !strings.Contains(text, "analyze_open") {
		t.Errorf("it says %q", text)
	}
	tab.CheckWidth(t)
	b.set("running")
	tab.Click(t, "analyses-back")
	tab.Until(t, `document.querySelector('[data-testid="analyses-job-j1"]')`)
	tab.Click(t, "analyses-job-j1")
	b.streamOf(t, 0) <- "id: 1\nevent: running\ndata: {}\n\n"
	tab.Until(t, `document.querySelector('[data-testid="analyses-stage"]')`)
	tab.Click(t, "analyses-cancel")
	tab.Until(t, `document.querySelector('[data-testid="analyses-jobs"]') && !document.querySelector('[data-testid="analyses-job-j1"]')`)
	if !slices.Contains(b.asked(""), "DELETE /government/analyses/j1") {
		t.Error("it was not cancelled")
	}
	// The list is read while the card is open, and not behind it.
	tab.Click(t, "side-close")
	before := b.reads()
	<-time.After(4 * time.Second)
	if now := b.reads(); now != before {
		t.Errorf("the list was read %d times behind a shut card", now-before)
	}
	viewertest.Eval[any](t, tab, "(location.hash = 'job=other')")
	tab.Until(t, `document.querySelector('#analyses [data-testid="problem"]')?.innerText.includes('no_job')`)
	b.set("done")
	b.mu.Lock()
	b.files = map[string]int64{"json": 1 << 30}
	b.mu.Unlock()
	viewertest.Eval[any](t, tab, "(location.hash = 'job=j1')")
	tab.Until(t, `document.querySelector('[data-testid="analyses-large"]')`)
	if slices.Contains(b.asked(""), "GET /government/analyses/j1/result.json") {
		t.Error("a gigabyte was asked for")
	}
}

// reads is how often the list was read.
func (b *bench) reads() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.jobs
}
