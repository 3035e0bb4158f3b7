package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"gengtu/tileserver/access"
	"gengtu/tileserver/access/oidc"
	"gengtu/tileserver/access/oidc/oidctest"
	"gengtu/tileserver/viewer/viewertest"
)

// narrowest is the narrowest window that the page is made for.
var narrowest = viewertest.View{Width: 360, Height: 740, Lang: "zh-CN", Mobile: true}

// issueFor adds a token to a server's access file and waits until it is taken.
func issueFor(t *testing.T, s *server, token access.Token) string {
	t.Helper()
	plain, err := access.Add(s.access, token)
	if err != nil {
		t.Fatal(err)
	}
	h := newThief(s, token.Tier, nil, nil)
	h.look = func([]byte) int { return 0 }
	kept := s.tokens[token.Tier]
	s.tokens[token.Tier] = plain
	h.until(t, 200, "/catalog")
	s.tokens[token.Tier] = kept
	return plain
}

// Each edition's page says at a glance which it is, on a desk and on the narrowest phone:
// in colour and words, with approval number or that there is none, vintage and generation;
// a click shows all of it. The secure one alone has a watermark, which names who looks.
func TestViewerEditions(t *testing.T) {
	e := theEditions(t)
	colours := map[string]bool{}
	for tier, dir := range map[string]string{"secure": e.Secure, "government": e.Government, "public": e.Public} {
		s := serve(t, dir)
		m := manifestOf(t, dir)
		for name, view := range map[string]viewertest.View{"desk": viewertest.Desktop, "phone": narrowest} {
			b := openViewer(t, s, tier, "map=13/34.33/108.64", view)
			at := tier + " " + name
			words := map[string]string{"secure": "涉密版", "government": "政务版", "public": "公众版"}[tier]
			approval := m.Policy.Approval
			if approval == "" {
				approval = "尚无审图号"
			}
			line := b.Text(t, "notice")
			for _, want := range []string{words, approval, m.Generation[:8], "年度"} {
				if !strings.Contains(line, want) {
					t.Errorf("%s: the line %q has no %q", at, line, want)
				}
			}
			if got := b.Text(t, "tier"); !strings.Contains(got, words) {
				t.Errorf("%s: the head says %q", at, got)
			}
			colours[viewertest.Eval[string](t, b, "getComputedStyle(document.querySelector('.notice-tier')).color")] = true
			b.Picture(t, "edition-"+tier+"-"+name)
			b.Click(t, "notice-open")
			panel := b.Text(t, "edition-panel")
			for _, want := range []string{m.Generation, m.Policy.Digest, m.Policy.Disclaimer.Zh, m.Policy.Use.Zh, m.Program} {
				if !strings.Contains(panel, want) {
					t.Errorf("%s: the panel %q has no %q", at, panel, want)
				}
			}
			if over := viewertest.Eval[string](t, b, strings.ReplaceAll(overflowing, "WIDTH", strconv.FormatInt(view.Width, 10))); over != "" {
				t.Errorf("%s: cut off or beyond the window: %s", at, over)
			}
			b.Picture(t, "edition-panel-"+tier+"-"+name)
			b.Run(t, chromedp.KeyEvent(kb.Escape))
			if viewertest.Eval[bool](t, b, "document.activeElement !== document.querySelector('[data-testid=notice-open]') || !document.querySelector('#edition-panel').hidden") {
				t.Errorf("%s: Escape does not shut the panel", at)
			}
			mark := viewertest.Eval[string](t, b, "document.querySelector('[data-testid=watermark]')?.dataset.text ?? ''")
			if (mark != "") != (tier == "secure") || tier == "secure" && !strings.HasPrefix(mark, "涉密版 secure\n"+time.Now().Format("2006-01-02 ")) {
				t.Errorf("%s: the watermark is %q", at, mark)
			}
		}
	}
	if len(colours) != 3 {
		t.Errorf("three editions have the colours %v", colours)
	}
}

// overflowing names what of the line and the panel of the edition lies beyond the window,
// WIDTH pixels wide, but for the part that is meant to be cut, and what is cut without a panel that shows it.
const overflowing = `[...document.querySelectorAll('.edition-line span:not(.notice-use, .notice-word), .edition-line .icon, .tier > button, #edition-panel, #edition-panel dd')].filter((el) => {
	const r = el.getBoundingClientRect();
	return r.left < 0 || r.right > WIDTH + 0.5 || innerWidth > WIDTH || r.top < -0.5 || (el.closest('.edition-line') && (r.width === 0 || r.bottom > innerHeight + 0.5)) || (el.tagName !== 'SECTION' && el.scrollWidth > el.clientWidth + 1 && getComputedStyle(el).display !== 'inline');
}).map((el) => el.className + ' ' + el.textContent + ' ' + JSON.stringify(el.getBoundingClientRect())).join('; ')`

// A page shows the tools of what its token grants and asks for nothing else; the panel of
// the user says what that is, and never the token.
func TestViewerMay(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Government, e.Public)
	whole := s.tokens["government"]
	poor := issueFor(t, s, access.Token{Name: "看图的", Tier: "government", Created: time.Now(), Expires: time.Now().Add(48 * time.Hour), Scope: &access.Scope{Layers: []string{"cropland", "region"}, Operations: []access.Operation{access.Tiles}}, Bounds: access.Bounds{Rate: 100}})
	for name, c := range map[string]struct {
		token string
		may   string
	}{"whole": {whole, `{"tiles":true,"features":true,"overlay":true,"analyses":true}`}, "poor": {poor, `{"tiles":true,"features":false,"overlay":false,"analyses":false}`}} {
		b := viewertest.OpenMap(t, viewertest.Browser(t), s.URL+"/?tier=government#tk="+c.token+"&map=13/34.33/108.64", viewertest.Desktop)
		got := viewertest.Eval[string](t, b, "JSON.stringify(Object.fromEntries(['tiles','features','overlay','analyses'].map((o) => [o, gengtu.app.may(o)])))")
		if got != c.may {
			t.Errorf("%s: may %s, want %s", name, got, c.may)
		}
		shown := func(id string) bool {
			return viewertest.Eval[bool](t, b, "(document.querySelector('[data-testid="+id+"]')?.getClientRects().length ?? 0) > 0")
		}
		for _, id := range []string{"draw-polygon", "search"} {
			if shown(id) != (name == "whole") {
				t.Errorf("%s: %s is shown: %t", name, id, shown(id))
			}
		}
		viewertest.Eval[any](t, b, "gengtu.map.fire('click', {lngLat: gengtu.map.getCenter(), point: gengtu.map.project(gengtu.map.getCenter()), originalEvent: new MouseEvent('click')}); null")
		b.Idle(t)
		b.Click(t, "token-open")
		panel := b.Text(t, "me-panel")
		want := []string{"政务版", "看图", "127.0.0.1", "令牌"}
		if name == "poor" {
			want = append(want, "看图的", "cropland", time.Now().Add(48*time.Hour).Format("2006-01-02"), "100")
		}
		for _, w := range want {
			if !strings.Contains(panel, w) {
				t.Errorf("%s: the panel %q has no %q", name, panel, w)
			}
		}
		if html := viewertest.Eval[string](t, b, "document.documentElement.outerHTML"); strings.Contains(html, c.token) {
			t.Errorf("%s: the token is in the page", name)
		}
		b.Picture(t, "me-"+name)
		b.Quiet(t, s.URL) // the console tells of each request that is refused
		for _, a := range b.Asked() {
			if strings.Contains(a, "/secure/") || strings.Contains(a, "/public/") {
				t.Errorf("%s: another tier was asked: %s", name, a)
			}
		}
		b.Click(t, "me-logout")
		b.Until(t, "document.querySelector('#token-dialog')?.open === true")
		if kept := viewertest.Eval[string](t, b, "JSON.stringify(sessionStorage) + JSON.stringify(localStorage)"); strings.Contains(kept, c.token) {
			t.Errorf("%s: logged out, the page keeps %s", name, kept)
		}
	}
}

// A page without a token asks for what is open and for the catalogue once, which is
// refused; a token that is entered is told what it opens. One that ends soon is said to.
func TestViewerToken(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Secure)
	short := issueFor(t, s, access.Token{Name: "短期", Tier: "secure", Created: time.Now(), Expires: time.Now().Add(90 * time.Second)})
	b := viewertest.Open(t, viewertest.Browser(t), s.URL+"/?tier=secure", viewertest.Desktop)
	b.Until(t, "document.querySelector('#token-dialog')?.open === true")
	var below []string
	for _, a := range b.Asked() {
		path := strings.TrimPrefix(a, s.URL)
		if !strings.HasPrefix(path, "/viewer/") && !strings.HasPrefix(path, "/?") && !strings.HasPrefix(a, "data:") {
			below = append(below, path)
		}
	}
	if len(below) != 1 || below[0] != "/secure/catalog" {
		t.Errorf("a page without a token asked for %q", below)
	}
	if viewertest.Eval[bool](t, b, "!document.querySelector('#token-places').hidden || document.querySelector('[data-testid=login]') !== null") {
		t.Error("a login is offered where no issuer is")
	}
	b.Run(t, chromedp.SendKeys(viewertest.ID("token"), short+kb.Enter))
	b.Ready(t)
	if got := b.Text(t, "toast"); !strings.Contains(got, "短期 已进入涉密版") && !strings.Contains(got, "分钟到期") {
		t.Errorf("after a token was entered: %q", got)
	}
	b.Picture(t, "token-entered")
	if mark := viewertest.Eval[string](t, b, "document.querySelector('[data-testid=watermark]').dataset.text"); !strings.HasPrefix(mark, "涉密版 短期\n") {
		t.Errorf("the watermark is %q", mark)
	}
}

// The watermark covers map and panels and lets clicks through, is on a picture of the
// screen and in the printout, and comes back when it is taken away or changed.
func TestViewerWatermark(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Secure)
	b := openViewer(t, s, "secure", "map=13/34.33/108.64", viewertest.Desktop)
	whole := "(() => { const w = document.querySelectorAll('[data-testid=watermark]'); if (w.length !== 1) return w.length + ' marks'; const [el] = w, r = el.getBoundingClientRect(), c = getComputedStyle(el); return r.width === innerWidth && r.height === innerHeight && c.pointerEvents === 'none' && c.display !== 'none' && c.visibility === 'visible' && c.opacity === '1' && el.querySelectorAll('text').length > 0 && el.querySelector('text').textContent === '涉密版 secure' ? '' : el.outerHTML; })()"
	for _, attack := range []string{
		"0", "document.querySelector('.watermark').remove()", "document.querySelector('.watermark').hidden = true", "document.querySelector('.watermark').style.setProperty('display', 'none')",
		"document.querySelector('.watermark').className = ''", "document.querySelector('.watermark text').textContent = 'x'", "document.querySelector('.watermark svg').remove()",
		"document.body.append(document.createElement('div'))",
	} {
		viewertest.Eval[any](t, b, attack+"; null")
		b.Until(t, whole+" === ''")
	}
	if on := viewertest.Eval[string](t, b, "document.elementFromPoint(innerWidth / 2, innerHeight / 2).tagName"); on != "CANVAS" {
		t.Errorf("a click in the middle meets %s", on)
	}
	with := b.Picture(t, "watermark")
	// The same without it: who rules the browser can do that.
	viewertest.Eval[any](t, b, "const none = new CSSStyleSheet(); none.replaceSync('.watermark { visibility: hidden }'); document.adoptedStyleSheets = [none]; null")
	without := b.Picture(t, "watermark-without")
	for name, part := range map[string]image.Rectangle{"the map": image.Rect(500, 200, 1200, 700), "the card of layers": image.Rect(80, 80, 340, 400)} {
		changed := 0
		for y := part.Min.Y; y < part.Max.Y; y++ {
			for x := part.Min.X; x < part.Max.X; x++ {
				if with.At(x, y) != without.At(x, y) {
					changed++
				}
			}
		}
		if share := float64(changed) / float64(part.Dx()*part.Dy()); share < 0.01 || share > 0.25 {
			t.Errorf("the watermark changes %.1f %% of %s", 100*share, name)
		}
	}
	viewertest.Eval[any](t, b, "document.adoptedStyleSheets = []; null")
	if text := printed(t, b); strings.Count(text, "secure") < 20 || strings.Count(text, time.Now().Format("2006-01-02 ")) < 20 {
		t.Errorf("the printout says %q", text)
	}
}

// printed is the text of the page's printout.
func printed(t *testing.T, b *viewertest.Tab) string {
	t.Helper()
	return textOfPDF(t, printout(t, b))
}

// printout prints the page.
func printout(t *testing.T, b *viewertest.Tab) (pdf []byte) {
	t.Helper()
	b.Run(t, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		r, err := cdp.Call(ctx, target, cdppage.PrintToPDF, cdppage.PrintToPDFParams{})
		pdf = r.Data
		return err
	}))
	return pdf
}

func textOfPDF(t *testing.T, pdf []byte) string {
	t.Helper()
	program, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Fatal("pdftotext is needed: apt-get install -y poppler-utils")
	}
	cmd := exec.Command(program, "-raw", "-", "-")
	cmd.Stdin = bytes.NewReader(pdf)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// serveIssuer serves an edition to whose users an issuer gives tokens.
func serveIssuer(t *testing.T, dir string, i *oidctest.Issuer) *server {
	t.Helper()
	s := serve(t, dir)
	f, err := access.Load(s.access)
	if err != nil {
		t.Fatal(err)
	}
	f.OIDC = []access.Issuer{{
		Config: oidc.Config{Issuer: i.URL, Audience: "gengtu"}, NameClaim: "preferred_username", Login: &oidc.Login{Title: "统一认证", EndSessionEndpoint: i.URL + "/logout"},
		Grants: []access.Grant{{Claim: "roles", Value: "surveyor", Tier: "secure"}},
	}}
	data, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.access, data, 0o600); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for kept := s.tokens["secure"]; ; <-time.After(50 * time.Millisecond) {
		s.tokens["secure"] = ""
		a := s.do(t, "GET", "/secure/catalog", nil)
		s.tokens["secure"] = kept
		if strings.Contains(string(a.Body), "/secure/login") {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("the issuer is not taken: %s", a.Body)
		}
	}
}

// arrived waits until a condition holds on a page that the tab is on its way to.
func arrived(t *testing.T, b *viewertest.Tab, condition string) {
	t.Helper()
	var last error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-time.After(50 * time.Millisecond) {
		there, err := chromedp.Run(b, chromedp.Evaluate[bool]("!!("+condition+")"))
		if err == nil && there {
			return
		}
		last = err // the page is being left, mostly
	}
	t.Fatalf("%s does not come: %v", condition, last)
}

// A user of an issuer logs in by a click, comes back to where the page was, and logs out.
// The token stands in no address, in no entry of the history and in no log.
func TestViewerLogin(t *testing.T) {
	e := theEditions(t)
	i := oidctest.New(t)
	i.User = map[string]any{"roles": []string{"surveyor"}, "preferred_username": "李工"}
	s := serveIssuer(t, e.Secure, i)
	const at = "map=13.00/34.33000/108.64000"
	b := viewertest.Open(t, viewertest.Browser(t), s.URL+"/?tier=secure#"+at, viewertest.Desktop)
	b.Until(t, "document.querySelector('#token-dialog')?.open === true")
	b.Picture(t, "login")
	b.Click(t, "login")
	arrived(t, b, "location.pathname === '/' && document.getElementById('toast')?.innerText.includes('李工 已进入涉密版')") // which stands for some seconds
	b.Ready(t)
	if href := viewertest.Eval[string](t, b, "location.href"); !strings.HasPrefix(href, s.URL+"/?tier=secure#") || !strings.Contains(href, at) {
		t.Errorf("back at %s", href)
	}
	token := viewertest.Eval[string](t, b, "sessionStorage.getItem('gengtu.token.secure')")
	if strings.Count(token, ".") != 2 {
		t.Fatalf("the token is %q", token)
	}
	if mark := viewertest.Eval[string](t, b, "document.querySelector('[data-testid=watermark]').dataset.text"); !strings.HasPrefix(mark, "涉密版 李工\n") {
		t.Errorf("the watermark is %q", mark)
	}
	var history []string
	b.Run(t, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		r, err := cdp.Call(ctx, target, cdppage.GetNavigationHistory, cdp.Empty{})
		for _, entry := range r.Entries {
			history = append(history, entry.URL)
		}
		return err
	}))
	for where, text := range map[string]string{"the history": strings.Join(history, "\n"), "an address": strings.Join(b.Asked(), "\n"), "the log": s.log.String(), "the kept": viewertest.Eval[string](t, b, "JSON.stringify(localStorage) + document.cookie + document.documentElement.outerHTML")} {
		if strings.Contains(text, token) || strings.Contains(text, token[strings.LastIndexByte(token, '.'):]) {
			t.Errorf("the token is in %s", where)
		}
	}
	b.Click(t, "token-open")
	if got := b.Text(t, "me-panel"); !strings.Contains(got, "李工") || !strings.Contains(got, "统一认证") || !strings.Contains(got, i.URL) {
		t.Errorf("the panel says %q", got)
	}
	b.Picture(t, "login-me")
	b.Click(t, "me-logout")
	arrived(t, b, "location.pathname === '/' && document.querySelector('#token-dialog')?.open === true")
	if kept := viewertest.Eval[string](t, b, "JSON.stringify(sessionStorage)"); strings.Contains(kept, token) {
		t.Errorf("logged out, the page keeps %s", kept)
	}
	asked := strings.Join(i.Asked(), " ")
	if !strings.Contains(asked, "GET /authorize") || !strings.Contains(asked, "POST /token") || !strings.HasSuffix(asked, "GET /logout") {
		t.Errorf("the issuer was asked %s", asked)
	}
}

// A login that is refused ends on a page that says so, from which there is a way back.
func TestViewerLoginRefused(t *testing.T) {
	e := theEditions(t)
	i := oidctest.New(t)
	i.Deny = "access_denied"
	s := serveIssuer(t, e.Secure, i)
	b := viewertest.Open(t, viewertest.Browser(t), s.URL+"/?tier=secure", narrowest)
	b.Until(t, "document.querySelector('#token-dialog')?.open === true")
	b.Click(t, "login")
	arrived(t, b, "document.querySelector('[data-testid=login-problem]') !== null")
	if got := b.Text(t, "login-problem"); !strings.Contains(got, "统一认证没有准许登录") || !strings.Contains(got, "login_denied") {
		t.Errorf("the page says %q", got)
	}
	b.Picture(t, "login-refused")
	if viewertest.Eval[bool](t, b, "document.documentElement.scrollWidth > innerWidth") {
		t.Error("the page is wider than the phone")
	}
	b.Run(t, chromedp.Click(viewertest.ID("login-again"), chromedp.NodeVisible))
	arrived(t, b, "location.pathname === '/' && document.querySelector('#token-dialog')?.open === true")
}
