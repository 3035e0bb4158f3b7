package viewertest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gengtu/tileserver/viewer/viewertest"
)

// serve answers with one page under a strict policy.
func serve(t *testing.T, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; img-src data:; connect-src *")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, `<!doctype html><html lang="zh-CN"><head><title>试</title><meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"></head><body><main><h1>试</h1>%s</main></body></html>`, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// What a page does wrong is found, and a page that does nothing wrong has no fault: each
// of the checks that all flows of the viewer go through can fail.
func TestChecks(t *testing.T) {
	in := viewertest.Browser(t)
	// Answers on any host but the page's own.
	elsewhere := strings.Replace(serve(t, ""), "127.0.0.1", "localhost", 1)
	for name, test := range map[string]struct {
		body, script              string
		complaint, wide, unusable string
	}{
		"nothing wrong":   {body: `<p>好</p><button>按</button>`},
		"an inline style": {body: `<p style="color: red">红</p>`, complaint: "style-src"},
		"a script's text": {script: `document.body.append(Object.assign(document.createElement('script'), {textContent: '1'}))`, complaint: "script-src"},
		"an error":        {script: `console.error('wrong', 7)`, complaint: "wrong"},
		"an exception":    {script: `setTimeout(() => { throw new Error('thrown') })`, complaint: "thrown"},
		"a missing file":  {script: `fetch('/missing')`, complaint: "404"},
		"another host":    {script: fmt.Sprintf(`fetch(%q, {mode: 'no-cors'})`, elsewhere), complaint: "another host"},
		"a wide element":  {script: `document.querySelector('main').style.width = '400px'`, wide: "main"},
		"wide contents":   {body: `<p class="card-body" tabindex="0">长</p>`, script: `Object.assign(document.querySelector('p').style, {width: '90px', overflow: 'auto', textIndent: '99px', whiteSpace: 'nowrap'})`, wide: "p.card-body"},
		"a nameless box":  {body: `<input>`, unusable: "label"},
		"pale text":       {body: `<p>太淡的字</p>`, script: `Object.assign(document.querySelector('p').style, {color: '#ccc', background: '#fff'})`, unusable: "color-contrast"},
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, test.body)
			b := viewertest.Open(t, in, server+"/", viewertest.Narrow)
			viewertest.Eval[bool](t, b, "(() => { "+test.script+"; return new Promise((done) => setTimeout(() => done(true), 200)); })()")
			for what, found := range map[string]struct {
				want string
				got  []string
			}{
				"complaints": {test.complaint, b.Complaints(server)}, "wide": {test.wide, b.Wide(t)}, "unusable": {test.unusable, b.Faults(t)},
			} {
				if all := strings.Join(found.got, "\n"); (found.want == "") != (len(found.got) == 0) || !strings.Contains(all, found.want) {
					t.Errorf("%s: want %q, found %q", what, found.want, all)
				}
			}
		})
	}
}
