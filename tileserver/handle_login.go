package tileserver

import (
	"bytes"
	"context"
	"errors"
	"html/template"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/access"
	"gengtu/tileserver/access/oidc"
	"gengtu/tileserver/load"
)

// maxLogins bounds the logins that wait for an issuer at once.
const maxLogins = 16

// The problems of logins.
var (
	errLoginState = problem.New("LOGIN_STATE", "这不是本浏览器刚才开始的登录，或登录已经用过", "this is not the login that this browser has begun, or it was used already").
			Advise("请回到地图重新登录；浏览器须允许本站的 Cookie", "go back to the map and log in again; the browser has to let this site keep cookies")
	errLoginExpired = problem.New("LOGIN_EXPIRED", "登录用时太长，已经作废", "the login took too long and does not count any more").
			Advise("请回到地图重新登录", "go back to the map and log in again")
	errLoginCode = problem.New("LOGIN_CODE", "统一认证没有认可这次登录：已经用过、过期，或是另一次登录", "the login service does not take this login: it was used already, is too old, or is another one").
			Advise("请回到地图重新登录", "go back to the map and log in again")
	errLoginDenied = problem.New("LOGIN_DENIED", "统一认证没有准许登录", "the login service has not let you in").
			Advise("需要时重新登录并同意；账号的问题请问统一认证的管理员", "log in again and agree, where you want to; about your account ask who runs the login service")
	errLoginToken = problem.New("LOGIN_TOKEN", "统一认证给的凭证不是发给本系统、或不是这次登录的", "what the login service gave is not for this system, or not of this login").
			Advise("请系统管理员核对访问文件的 issuer、audience、client_id 和两边的时钟", "have the system administrator check issuer, audience and client_id of the access file, and both clocks")
	errLoginAway = problem.New("LOGIN_AWAY", "统一认证现在没有答复", "the login service does not answer now").
			Advise("稍后再试；也可以用令牌进入", "try again later, or enter with a token")
	errLoginGrant = problem.New("LOGIN_GRANT", "您的账号没有被授予这一版", "your account is not granted this edition").
			Advise("请系统管理员在统一认证中给账号相应的角色", "ask the system administrator to give your account the role for it in the login service")
)

// offer is a place to log in at.
type offer struct {
	Title   string `json:"title"`
	Address string `json:"address"`
}

// offersLogin tells whether users of the tier can log in: where an issuer of the access
// file says how, and this server knows under which address they come back. The Host of a
// request is believed on this machine alone.
func (r *request) offersLogin() bool {
	return len(r.logins()) > 0
}

// logins are the places to log in at; none where there is none.
func (r *request) logins() []offer {
	s := r.server
	if s.cfg.Access == nil || r.tier == edition.Public || r.tier == "" || s.cfg.PublicURL == "" && !isLoopback(string(r.ctx.Host())) {
		return nil
	}
	var out []offer
	for i, title := range s.cfg.Access.LoginTitles(string(r.tier)) {
		address := r.path("login")
		if i > 0 {
			address += "?issuer=" + strconv.Itoa(i+1)
		}
		out = append(out, offer{title, address})
	}
	return out
}

// isLoopback tells whether a Host is this machine.
func isLoopback(host string) bool {
	u := url.URL{Host: host}
	a, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && a.IsLoopback()
}

// loginsFor are the places to log in at for whom p refuses for want of a token.
func (r *request) loginsFor(p *problem.Problem) []offer {
	if p == nil || !strings.HasPrefix(p.Code, "TOKEN_") {
		return nil
	}
	return r.logins()
}

// pageAddress is the page of the tier.
func (r *request) pageAddress() string { return r.base() + "/?tier=" + string(r.tier) }

// enterLogin lets a login in, which has no token yet.
func (s *Server) enterLogin(r *request, _ *route) error {
	r.onError = r.loginFault
	r.from = s.caller(r)
	h := &r.ctx.Response.Header
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", loginPolicy)
	if r.ctx.IsHead() {
		h.Set("Allow", "GET")
		return errMethod // looking at it would use it up
	}
	return s.slowAddress(r)
}

// loginPolicy is what pages of logins work under.
const loginPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// handleLogin sends the user to the issuer.
func (s *Server) handleLogin(r *request) error {
	if !r.offersLogin() {
		return errNotFound
	}
	number := 1
	if text := r.query("issuer"); text != "" {
		var err error
		if number, err = strconv.Atoi(text); err != nil {
			return errNotFound
		}
	}
	done, err := s.waitForIssuer()
	if err != nil {
		return err
	}
	defer done()
	d, err := s.cfg.Access.BeginLogin(context.Background(), string(r.tier), number-1, r.path("login/callback"))
	switch {
	case errors.Is(err, access.ErrNoLogin):
		return errNotFound
	case errors.Is(err, oidc.ErrAway):
		r.outcome = access.NoKeys
		s.cfg.Log.Error("login not begun", "id", r.id(), "error", err)
		return errLoginAway
	case err != nil:
		return err
	}
	r.dropLogins()
	r.keepLogin(r.loginCookies()+d.Name, d.Kept)
	r.ctx.Response.Header.Set("Location", d.Address)
	r.ctx.SetStatusCode(fasthttp.StatusFound)
	return nil
}

// waitForIssuer takes a place among those who wait for an issuer; done gives it back.
func (s *Server) waitForIssuer() (done func(), err error) {
	select {
	case s.logins <- struct{}{}:
		return func() { <-s.logins }, nil
	default:
		return nil, load.ErrBusy
	}
}

// maxBegun bounds the logins of a tier that a browser keeps at once: enough for a few
// windows, and few beside what a request's headers may hold.
const maxBegun = 4

// loginCookies is how the names begin of what the browser keeps of logins; each login has a
// cookie of its own, so that one that another page begins ends none, though [maxBegun] of
// them do. With TLS the name makes browsers keep it from other hosts of the domain.
func (r *request) loginCookies() string {
	name := "gengtu-login-" + string(r.tier) + "-"
	if r.secure() {
		return "__Host-" + name
	}
	return name
}

// secure tells whether browsers reach this server by TLS.
func (r *request) secure() bool { return strings.HasPrefix(r.base(), "https://") }

// dropLogins has the browser forget the oldest logins of the tier, so that there is room
// for another one. Browsers send the oldest cookies first (RFC 6265, 5.4).
func (r *request) dropLogins() {
	var begun []string
	for name := range r.ctx.Request.Header.Cookies() {
		if bytes.HasPrefix(name, []byte(r.loginCookies())) {
			begun = append(begun, string(name))
		}
	}
	for _, name := range begun[:max(0, len(begun)-maxBegun+1)] {
		r.keepLogin(name, "")
	}
}

// keepLogin has the browser keep a login under a name, or forget it for "".
func (r *request) keepLogin(name, kept string) {
	c := fasthttp.AcquireCookie()
	defer fasthttp.ReleaseCookie(c)
	c.SetKey(name)
	c.SetValue(kept)
	c.SetPath("/")
	c.SetHTTPOnly(true)
	c.SetSecure(r.secure())
	c.SetSameSite(fasthttp.CookieSameSiteLaxMode) // it has to come with the way back from the issuer
	c.SetMaxAge(int(access.LoginTime.Seconds()))
	if kept == "" {
		c.SetMaxAge(0)
		c.SetExpire(fasthttp.CookieExpireDelete)
	}
	r.ctx.Response.Header.SetCookie(c)
}

// handleLoggedIn takes a user who comes back, and hands the page the token. It stands in
// the body of an answer that nobody keeps: in no address, so in no log, no history and no
// Referer.
func (s *Server) handleLoggedIn(r *request) error {
	if !r.offersLogin() {
		return errNotFound
	}
	cookie := r.loginCookies() + access.LoginName(r.query("state"))
	l, err := s.finishLogin(access.Arrival{
		Back: oidc.Back{Code: r.query("code"), State: r.query("state"), Issuer: r.query("iss")}, Denied: r.query("error"),
		Tier: string(r.tier), Redirect: r.path("login/callback"), Kept: string(r.ctx.Request.Header.Cookie(cookie)), Address: r.from,
	})
	r.token, r.outcome, r.retry = l.Name, l.Outcome, l.Retry
	if l.Own {
		r.keepLogin(cookie, "") // it counts once; another page's arrival leaves it
	}
	if l.Outcome == access.Allowed {
		return r.sendLogin(&loginPage{Token: l.Token, Title: "登录 · Login"})
	}
	if !s.hold(r, l.Delay) {
		return errGuesses
	}
	if l.Cause != nil {
		s.cfg.Log.Error("login not finished", "id", r.id(), "error", l.Cause)
	}
	return loginProblem(l.Outcome, err)
}

// finishLogin ends a login, in a place among those who wait for an issuer: who is held back
// afterwards has none. Where there is no place the login is as it was, and the page may be
// asked for again.
func (s *Server) finishLogin(a access.Arrival) (access.Login, error) {
	done, err := s.waitForIssuer()
	if err != nil {
		return access.Login{}, err
	}
	defer done()
	return s.cfg.Access.FinishLogin(context.Background(), a)
}

// loginProblem is what is told of a login that ended so.
func loginProblem(outcome access.Outcome, err error) error {
	switch {
	case outcome == access.Barred:
		return errGuesses
	case outcome == access.WrongTier:
		return errLoginGrant
	case errors.Is(err, access.ErrDenied):
		return errLoginDenied
	case errors.Is(err, oidc.ErrState):
		return errLoginState
	case errors.Is(err, oidc.ErrCode):
		return errLoginCode
	case errors.Is(err, oidc.ErrToken):
		return errLoginToken
	case errors.Is(err, oidc.ErrExpired):
		return errLoginExpired
	case errors.Is(err, oidc.ErrAway), errors.Is(err, oidc.ErrKeys):
		return errLoginAway
	}
	return err
}

// loginPage is a page of a login: one that hands over a token, or says what is wrong.
type loginPage struct {
	Lang, Title, Token, Code, Request string
	// Root is the way from the page's address to that of the viewer.
	Root  string
	Tier  edition.Tier
	Words []loginWords // the language in force first
}

// loginWords are what is wrong, in one language.
type loginWords struct{ Lang, Found, Advice, Back string }

// loginTemplate is the page of logins; its script is the viewer's.
var loginTemplate = template.Must(template.New("login").Parse(`<!doctype html>
<html lang="{{.Lang}}">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="referrer" content="no-referrer">
  <title>{{.Title}}</title>
  <link rel="stylesheet" href="{{.Root}}viewer/login.css">
{{- if .Token}}
  <script type="module" src="{{.Root}}viewer/login.js"></script>
{{- end}}
</head>
<body>
{{- if .Token}}
  <main id="login" data-tier="{{.Tier}}" data-token="{{.Token}}"><noscript>此页面需要 JavaScript。This page needs JavaScript.</noscript></main>
{{- else}}
  <main data-testid="login-problem">
{{- range .Words}}
    <section lang="{{.Lang}}">
      <h1>{{.Found}}</h1>
      <p>{{.Advice}}</p>
      <p><a class="strong" data-testid="login-again" href="{{$.Root}}?tier={{$.Tier}}">{{.Back}}</a></p>
    </section>
{{- end}}
    <p><code>{{.Code}}</code> <code>{{.Request}}</code></p>
  </main>
{{- end}}
</body>
</html>
`))

// sendLogin answers with a page of a login.
func (r *request) sendLogin(p *loginPage) error {
	p.Tier, p.Request, p.Lang, p.Root = r.tier, r.id(), "zh", "../"
	if strings.HasSuffix(string(r.ctx.Path()), "/callback") {
		p.Root = "../../"
	}
	if r.lang() != problem.Chinese {
		p.Lang = "en"
	}
	var b bytes.Buffer
	if err := loginTemplate.Execute(&b, p); err != nil {
		return err
	}
	r.ctx.SetContentType("text/html; charset=utf-8")
	r.ctx.SetBody(b.Bytes())
	return nil
}

// loginFault answers a login that failed by a page, and returns its status.
func (r *request) loginFault(err error) int {
	status, p := statusOf(err)
	if p == nil {
		p = problem.New("SERVER_FAULT", "服务器出错", "server fault").Advise("请把下面的编号告诉系统管理员", "tell the system administrator the number below")
	}
	lang := r.lang()
	r.errorHeaders(status)
	page := &loginPage{Title: p.Found(lang), Code: strings.ToLower(p.Code)}
	for _, l := range []problem.Lang{lang, other(lang)} {
		w := loginWords{Lang: string(l), Found: p.Found(l), Advice: p.Advice(l), Back: "Back to the map"}
		if l == problem.Chinese {
			w.Back = "回到地图"
		} else {
			w.Found, w.Advice = capital(w.Found), capital(w.Advice)
		}
		page.Words = append(page.Words, w)
	}
	if err := r.sendLogin(page); err != nil { // texts always make a page
		r.ctx.SetBodyString(p.Found(lang))
	}
	return status
}

// capital begins a text of letters as a sentence does.
func capital(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// other is the language of ours that lang is not.
func other(lang problem.Lang) problem.Lang {
	if lang == problem.Chinese {
		return problem.English
	}
	return problem.Chinese
}

// loggedURI is the request's address as logs have it: of a login without its query, in
// which codes and states stand.
func (r *request) loggedURI() string {
	uri := r.said(r.ctx.RequestURI())
	if r.lane {
		return uri
	}
	path, _, asked := strings.Cut(uri, "?")
	if asked && (r.route == "login" || strings.Contains(path, "/login")) {
		return path + "?***"
	}
	return uri
}
