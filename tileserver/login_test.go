package tileserver_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/tileserver"
	"gengtu/tileserver/access"
	"gengtu/tileserver/access/oidc"
	"gengtu/tileserver/access/oidc/oidctest"
	"gengtu/tileserver/audit"
)

// publicURL is what the servers of these tests are called.
const publicURL = "https://map.example.org/land"

// loginServer is a server with all that it has logged so far: its own log, the access log
// and the audit log.
type loginServer struct {
	*service
	logged func() string
}

// withIssuer serves the secure and the government tier, to whose users an issuer gives
// tokens: surveyors of secure.
func withIssuer(t *testing.T, i *oidctest.Issuer, login oidc.Login) *loginServer {
	t.Helper()
	dir, lines := filepath.Join(t.TempDir(), "audit"), &logBuffer{}
	s := serve(t, func(c *tileserver.Config) {
		c.PublicURL = publicURL
		var err error
		if c.Audit, err = audit.OpenServer(dir, audit.Record{Act: "serve"}, audit.Options{}); err != nil {
			t.Fatal(err)
		}
		if c.AccessLog, err = tileserver.OpenAccessLog(tileserver.StandardError, lines, tileserver.LogJSON, func(err error) { t.Error(err) }); err != nil {
			t.Fatal(err)
		}
		access, log := c.AccessLog, c.Audit
		t.Cleanup(access.Close)
		t.Cleanup(func() { // else its files are written to while their folder is removed
			if err := log.Close(); err != nil {
				t.Error(err)
			}
		})
	}, edition.Secure, edition.Government)
	s.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	f, err := access.Load(s.accessFile)
	if err != nil {
		t.Fatal(err)
	}
	f.OIDC = []access.Issuer{{
		Config: oidc.Config{Issuer: i.URL, Audience: "gengtu"}, NameClaim: "preferred_username", Login: &login,
		Grants: []access.Grant{{Claim: "roles", Value: "surveyor", Tier: "secure"}, {Claim: "roles", Value: "reader", Tier: "government"}},
	}}
	data, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.accessFile, data, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Reload()
	return &loginServer{s, func() string {
		text := s.log.String() + lines.String()
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("the audit log has the files %v: %v", files, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text += string(data)
		}
		return text
	}}
}

// browser is a user who logs in without a browser: what it keeps, and where it was sent.
type browser struct {
	*loginServer
	issuer *oidctest.Issuer
	cookie string // of the login that was begun last
	// jar is what the browser has when it begins a login, and forgotten what it then forgets.
	jar       string
	forgotten []string
}

// leave begins a login and returns the address at the issuer.
func (b *browser) leave(t *testing.T, tier, query string) *url.URL {
	t.Helper()
	r := b.get(t, "/"+tier+"/login"+query, "Cookie", b.jar)
	if r.StatusCode != http.StatusFound {
		t.Fatalf("login%s: %d %s", query, r.StatusCode, r.body)
	}
	cookies := r.Header.Values("Set-Cookie")
	cookie := cookies[len(cookies)-1]
	b.forgotten = nil
	for _, c := range cookies[:len(cookies)-1] {
		name, rest, _ := strings.Cut(c, "=")
		if !strings.HasPrefix(rest, "; expires=Tue, 10 Nov 2009") || !strings.Contains(rest, "secure") || !strings.Contains(rest, "path=/") {
			t.Errorf("%s is not forgotten so", c)
		}
		b.forgotten = append(b.forgotten, name)
	}
	kept := regexp.MustCompile(`^(__Host-gengtu-login-` + tier + `-[\w-]{16}=[\w-]+); `).FindStringSubmatch(cookie)
	if kept == nil || !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "secure") || !strings.Contains(cookie, "SameSite=Lax") || !strings.Contains(cookie, "max-age=600") || !strings.Contains(cookie, "path=/") || strings.Contains(strings.ToLower(cookie), "domain") {
		t.Fatalf("the cookie is %s", cookie)
	}
	b.cookie = kept[1]
	to, err := url.Parse(r.Header.Get("Location"))
	if err != nil || !strings.HasPrefix(to.String(), b.issuer.URL+"/authorize?") {
		t.Fatalf("sent to %v", to)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"} {
		if r.Header.Get(name) != want {
			t.Errorf("%s: %s", name, r.Header.Get(name))
		}
	}
	return to
}

// name is that of the cookie.
func (b *browser) name() string {
	name, _, _ := strings.Cut(b.cookie, "=")
	return name
}

// visit goes to the issuer and returns the query that it sends the browser back with.
func (b *browser) visit(t *testing.T, to *url.URL) url.Values {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Get(to.String())
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close() // nothing is in it
	back, err := url.Parse(res.Header.Get("Location"))
	if err != nil || res.StatusCode != http.StatusFound || back.Scheme+"://"+back.Host != "https://map.example.org" {
		t.Fatalf("the issuer answers %d, %v", res.StatusCode, back)
	}
	return back.Query()
}

// comeBack asks for the callback.
func (b *browser) comeBack(t *testing.T, tier string, q url.Values) reply {
	t.Helper()
	return b.get(t, "/"+tier+"/login/callback?"+q.Encode(), "Cookie", b.cookie, "Accept-Language", "zh")
}

// token is what a page hands over, "" for none.
func token(r reply) string {
	m := regexp.MustCompile(`data-token="([^"]+)"`).FindSubmatch(r.body)
	if m == nil {
		return ""
	}
	return string(m[1])
}

// A user of an issuer gets a token that opens the tier, through this server alone. It
// stands in no address and no log, and neither do code and state.
func TestLogin(t *testing.T) {
	i := oidctest.New(t)
	i.User = map[string]any{"roles": []string{"surveyor"}, "preferred_username": "李工"}
	i.Redirect = publicURL + "/secure/login/callback"
	s := withIssuer(t, i, oidc.Login{Title: "统一认证", Scopes: []string{"profile"}, EndSessionEndpoint: i.URL + "/logout"})
	refused := s.get(t, "/secure/catalog")
	if refused.StatusCode != http.StatusUnauthorized || !strings.Contains(string(refused.body), `"login":[{"title":"统一认证","address":"`+publicURL+`/secure/login"}]`) {
		t.Errorf("who has no token is not told where to get one: %s", refused.body)
	}
	b := &browser{loginServer: s, issuer: i}
	to := b.leave(t, "secure", "")
	if q := to.Query(); q.Get("scope") != "openid profile" || q.Get("redirect_uri") != i.Redirect || q.Get("client_id") != "gengtu" || len(q.Get("state")) != 43 || len(q.Get("nonce")) != 43 || len(q.Get("code_challenge")) != 43 || q.Get("code_challenge_method") != "S256" {
		t.Errorf("asked: %v", q)
	}
	if strings.Contains(to.String(), b.cookie[len(b.cookie)-20:]) {
		t.Error("the issuer sees what the browser keeps")
	}
	back := b.visit(t, to)
	r := b.comeBack(t, "secure", back)
	tk := token(r)
	if r.StatusCode != http.StatusOK || tk == "" || r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("Referrer-Policy") != "no-referrer" || r.Header.Get("ETag") != "" || r.Header.Get("Location") != "" {
		t.Fatalf("%d %v %s", r.StatusCode, r.Header, r.body)
	}
	if c := r.Header.Get("Set-Cookie"); !strings.HasPrefix(c, b.name()+"=;") {
		t.Errorf("the login is kept: %s", c)
	}
	if !strings.Contains(r.Header.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'") {
		t.Errorf("policy %s", r.Header.Get("Content-Security-Policy"))
	}
	me := decode[whoAmI](t, s.get(t, "/secure/me", "Authorization", "Bearer "+tk))
	if me.How != "oidc" || *me.Name != "李工" || *me.Issuer != i.URL || me.Expires == nil || !strings.HasPrefix(me.Logout, i.URL+"/logout?client_id=gengtu&post_logout_redirect_uri="+url.QueryEscape(publicURL+"/?tier=secure")) {
		t.Errorf("%+v", me)
	}
	wantProblem(t, "the other tier", s.get(t, "/government/me", "Authorization", "Bearer "+tk), http.StatusForbidden, "token_refused")
	lines := s.logged()
	if !strings.Contains(lines, "/secure/login/callback") || !strings.Contains(lines, "oidc:李工") {
		t.Errorf("the login left no line: %s", lines)
	}
	for name, secret := range map[string]string{"code": back.Get("code"), "state": back.Get("state"), "token": tk, "cookie": b.cookie, "nonce": to.Query().Get("nonce")} {
		if strings.Contains(lines, secret) {
			t.Errorf("the %s is in a log: %s", name, lines)
		}
	}
}

// What an attacker may do with a login ends with a page that says what to do, without a
// token, and counts as a wrong token where it is made up.
func TestLoginAttacks(t *testing.T) {
	for _, c := range []struct {
		name   string
		issuer func(*oidctest.Issuer)
		do     func(t *testing.T, b *browser) reply
		status int
		code   string
	}{
		{"a state of another login", nil, func(t *testing.T, b *browser) reply {
			q := b.visit(t, b.leave(t, "secure", ""))
			q.Set("state", b.leave(t, "secure", "").Query().Get("nonce"))
			return b.comeBack(t, "secure", q)
		}, 400, "login_state"},
		{"no state", nil, func(t *testing.T, b *browser) reply {
			q := b.visit(t, b.leave(t, "secure", ""))
			q.Del("state")
			return b.comeBack(t, "secure", q)
		}, 400, "login_state"},
		{"a code that was used", nil, func(t *testing.T, b *browser) reply {
			q := b.visit(t, b.leave(t, "secure", ""))
			if token(b.comeBack(t, "secure", q)) == "" {
				t.Error("the first time is refused")
			}
			return b.comeBack(t, "secure", q) // with the cookie that was to be forgotten
		}, 400, "login_code"},
		{"an attacker's code with the victim's state", nil, func(t *testing.T, b *browser) reply {
			injected := b.visit(t, b.leave(t, "secure", "")).Get("code")
			q := b.visit(t, b.leave(t, "secure", ""))
			q.Set("code", injected)
			return b.comeBack(t, "secure", q)
		}, 400, "login_code"},
		{"the same at an issuer that does not look", func(i *oidctest.Issuer) { i.Lax = true }, func(t *testing.T, b *browser) reply {
			injected := b.visit(t, b.leave(t, "secure", "")).Get("code")
			q := b.visit(t, b.leave(t, "secure", ""))
			q.Set("code", injected)
			return b.comeBack(t, "secure", q)
		}, 403, "login_token"},
		{"a token with another nonce", func(i *oidctest.Issuer) { i.User["nonce"] = "n" }, arrive, 403, "login_token"},
		{"a token without nonce", func(i *oidctest.Issuer) { i.User["nonce"] = nil }, arrive, 403, "login_token"},
		{"a token for another audience", func(i *oidctest.Issuer) { i.User["aud"] = "other" }, arrive, 403, "login_token"},
		{"a token of another client", func(i *oidctest.Issuer) { i.User["aud"], i.User["azp"] = []string{"gengtu", "other"}, "other" }, arrive, 403, "login_token"},
		{"a token of another issuer", func(i *oidctest.Issuer) { i.User["iss"] = "https://id.example.org" }, arrive, 403, "login_token"},
		{"a token that has expired", func(i *oidctest.Issuer) { i.User["exp"] = 1 }, arrive, 403, "login_token"},
		{"a forged token", func(i *oidctest.Issuer) {
			other := oidctest.New(t)
			i.Sign = other.Token
		}, arrive, 403, "login_token"},
		{"an answer in another issuer's name", nil, func(t *testing.T, b *browser) reply {
			q := b.visit(t, b.leave(t, "secure", ""))
			q.Set("iss", "https://id.example.org")
			return b.comeBack(t, "secure", q)
		}, 400, "login_state"},
		{"an answer in nobody's name", nil, func(t *testing.T, b *browser) reply {
			q := b.visit(t, b.leave(t, "secure", ""))
			q.Del("iss")
			return b.comeBack(t, "secure", q)
		}, 400, "login_state"},
		{"no cookie", nil, func(t *testing.T, b *browser) reply {
			q := b.visit(t, b.leave(t, "secure", ""))
			b.cookie = ""
			return b.comeBack(t, "secure", q)
		}, 400, "login_state"},
		{"a cookie that was changed", nil, func(t *testing.T, b *browser) reply {
			q := b.visit(t, b.leave(t, "secure", ""))
			b.cookie = b.cookie[:len(b.cookie)-1] + map[bool]string{true: "B", false: "A"}[strings.HasSuffix(b.cookie, "A")]
			return b.comeBack(t, "secure", q)
		}, 400, "login_state"},
		{"the cookie of another tier", nil, func(t *testing.T, b *browser) reply {
			q := b.visit(t, b.leave(t, "government", ""))
			b.cookie = strings.Replace(b.cookie, "government", "secure", 1)
			return b.comeBack(t, "secure", q)
		}, 400, "login_state"},
		{"a user who has nothing here", func(i *oidctest.Issuer) { i.User["roles"] = []string{"reader"} }, arrive, 403, "login_grant"},
		{"a user who says no", func(i *oidctest.Issuer) { i.Deny = "access_denied" }, arrive, 403, "login_denied"},
		{"an issuer that has gone", nil, func(t *testing.T, b *browser) reply {
			q := b.visit(t, b.leave(t, "secure", ""))
			b.issuer.Set(func(i *oidctest.Issuer) { i.Down = true })
			return b.comeBack(t, "secure", q)
		}, 503, "login_away"},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := oidctest.New(t)
			i.User = map[string]any{"roles": []string{"surveyor"}}
			s := withIssuer(t, i, oidc.Login{})
			if c.issuer != nil {
				i.Set(c.issuer)
			}
			b := &browser{loginServer: s, issuer: i}
			wantLoginPage(t, c.do(t, b), c.status, c.code)
		})
	}
}

// arrive goes the whole way.
func arrive(t *testing.T, b *browser) reply {
	t.Helper()
	return b.comeBack(t, "secure", b.visit(t, b.leave(t, "secure", "")))
}

// wantLoginPage checks that a login ended with a page that says what is wrong and what to
// do, in both languages, with a way back to the map and without a token.
func wantLoginPage(t *testing.T, r reply, status int, code string) {
	t.Helper()
	text := string(r.body)
	if r.StatusCode != status || r.Header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(text, "<code>"+code+"</code>") || token(r) != "" || r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("Location") != "" {
		t.Fatalf("%d %v, want %d %s: %s", r.StatusCode, r.Header, status, code, text)
	}
	if m := regexp.MustCompile(`<h1>[a-z]|<p>[a-z]`).FindString(text); m != "" {
		t.Errorf("a sentence begins with a small letter: %s", text)
	}
	for _, want := range []string{`lang="zh"`, `lang="en"`, "回到地图", "Back to the map", "?tier="} {
		if !strings.Contains(text, want) {
			t.Errorf("the page has no %s: %s", want, text)
		}
	}
}

// Nothing that a request says sends a user, or the code, to another place.
func TestLoginRedirects(t *testing.T) {
	i := oidctest.New(t)
	i.User = map[string]any{"roles": []string{"surveyor"}}
	s := withIssuer(t, i, oidc.Login{})
	b := &browser{loginServer: s, issuer: i}
	for _, query := range []string{"?return=https://evil.example", "?redirect_uri=https://evil.example", "?next=//evil.example&tier=public", "?state=x&nonce=y&client_id=z&iss=https://evil.example"} {
		to := b.leave(t, "secure", query)
		if q := to.Query(); q.Get("redirect_uri") != publicURL+"/secure/login/callback" || q.Get("client_id") != "gengtu" || q.Get("state") == "x" || strings.Contains(to.String(), "evil") {
			t.Errorf("%s: %s", query, to)
		}
		q := b.visit(t, to)
		q.Set("return", "https://evil.example")
		if r := b.comeBack(t, "secure", q); token(r) == "" || strings.Contains(string(r.body), "evil") {
			t.Errorf("%s: %s", query, r.body)
		}
	}
	if r := s.get(t, "/secure/login?issuer=2"); r.StatusCode != http.StatusNotFound {
		t.Errorf("an issuer that there is not: %d", r.StatusCode)
	}
	if r := s.do(t, http.MethodHead, "/secure/login/callback?code=1&state=2", nil); r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("a look at the callback: %d", r.StatusCode)
	}
}

// Where no issuer says how to log in, or this server does not know what it is called,
// login is as if it were not there.
func TestNoLogin(t *testing.T) {
	i := oidctest.New(t)
	plain := serve(t, nil, edition.Secure, edition.Public)
	unnamed := withIssuer(t, i, oidc.Login{})
	for name, s := range map[string]*service{"no issuer": plain, "no name": unnamed.service} {
		if name == "no name" {
			s = serve(t, func(c *tileserver.Config) {
				store, err := access.Open(unnamed.accessFile)
				if err != nil {
					t.Fatal(err)
				}
				c.Access = store
			}, edition.Secure, edition.Public)
		}
		for _, path := range []string{"login", "login/callback?code=1&state=2"} {
			wantProblem(t, name+": "+path, s.get(t, "/secure/"+path), http.StatusUnauthorized, "token_missing")
			wantProblem(t, name+": public "+path, s.get(t, "/public/"+path), http.StatusNotFound, "not_found")
		}
		if r := s.get(t, "/secure/catalog"); strings.Contains(string(r.body), "login") {
			t.Errorf("%s: %s", name, r.body)
		}
	}
	if asked := i.Asked(); len(asked) > 0 {
		t.Errorf("the issuer was asked: %v", asked)
	}
}

// Codes that are made up for logins that were begun are slowed and then barred like wrong
// tokens, by address; a login that comes while its address is barred can come again.
func TestLoginGuesses(t *testing.T) {
	i := oidctest.New(t)
	s := withIssuer(t, i, oidc.Login{})
	statuses := map[int]int{}
	b := &browser{loginServer: s, issuer: i}
	var last reply
	for n := range 50 {
		state := b.leave(t, "secure", "").Query().Get("state")
		last = b.comeBack(t, "secure", url.Values{"code": {fmt.Sprint(n)}, "state": {state}, "iss": {i.URL}})
		statuses[last.StatusCode]++
	}
	if statuses[http.StatusBadRequest] > 40 || statuses[http.StatusTooManyRequests] < 10 {
		t.Errorf("made-up codes were answered so: %v", statuses)
	}
	if last.Header.Get("Set-Cookie") != "" {
		t.Error("a login that was not looked at is forgotten")
	}
}

// A page of somebody else can have a browser ask for the callback with whatever it makes up,
// with the cookie or without: that bars nobody's address, asks no issuer, and leaves the
// login that the user is in.
func TestLoginForeignPage(t *testing.T) {
	i := oidctest.New(t)
	i.User = map[string]any{"roles": []string{"surveyor"}}
	s := withIssuer(t, i, oidc.Login{})
	b := &browser{loginServer: s, issuer: i}
	back := b.visit(t, b.leave(t, "secure", ""))
	for n := range 60 {
		forged := url.Values{"code": {fmt.Sprint(n)}, "state": {fmt.Sprint(n)}}
		if n%3 == 0 {
			forged = url.Values{"error": {"access_denied"}, "state": {fmt.Sprint(n)}}
		}
		r := b.comeBack(t, "secure", forged)
		if n%2 == 0 {
			r = s.get(t, "/secure/login/callback?"+forged.Encode())
		}
		if r.StatusCode != http.StatusBadRequest || r.Header.Get("Set-Cookie") != "" {
			t.Fatalf("made up, %d: %d, cookie %q: %s", n, r.StatusCode, r.Header.Get("Set-Cookie"), r.body)
		}
	}
	if slices.Contains(i.Asked(), "POST /token") {
		t.Error("the issuer was asked about codes that no browser has brought from there")
	}
	if r := b.comeBack(t, "secure", back); token(r) == "" || !strings.HasPrefix(r.Header.Get("Set-Cookie"), b.name()+"=;") {
		t.Errorf("the login that was begun: %d %s", r.StatusCode, r.body)
	}
}

// A client with a secret shows it to the issuer; one whose secret is wrong, or gone, gets
// nothing, and nobody is told it.
func TestLoginSecret(t *testing.T) {
	i := oidctest.New(t)
	i.User, i.Secret = map[string]any{"roles": []string{"surveyor"}}, "geheim %&+"
	file := t.TempDir() + "/secret"
	for content, want := range map[string]int{"geheim %&+\n": http.StatusOK, "falsch": http.StatusServiceUnavailable, "": http.StatusServiceUnavailable} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		s := withIssuer(t, i, oidc.Login{ClientSecretFile: file, AuthorizationEndpoint: i.URL + "/authorize", TokenEndpoint: i.URL + "/token"})
		r := arrive(t, &browser{loginServer: s, issuer: i})
		if r.StatusCode != want || (token(r) != "") != (want == http.StatusOK) {
			t.Errorf("%q: %d %s", content, r.StatusCode, r.body)
		}
		if text := s.logged() + string(r.body); content != "" && strings.Contains(text, strings.TrimSpace(content)) {
			t.Errorf("the secret is told: %s", text)
		}
	}
}

// Who comes back while too many others wait for the issuer is told to try again, and can:
// nothing of the login has been used up.
func TestLoginBusy(t *testing.T) {
	i := oidctest.New(t)
	i.User = map[string]any{"roles": []string{"surveyor"}}
	i.Redirect = publicURL + "/secure/login/callback"
	s := withIssuer(t, i, oidc.Login{})
	b := &browser{loginServer: s, issuer: i}
	back := b.visit(t, b.leave(t, "secure", ""))
	free := s.HoldLogins()
	busy := b.comeBack(t, "secure", back)
	free()
	if busy.StatusCode != http.StatusTooManyRequests || busy.Header.Get("Retry-After") == "" || busy.Header.Get("Set-Cookie") != "" {
		t.Errorf("too many: %d %v", busy.StatusCode, busy.Header)
	}
	if r := b.comeBack(t, "secure", back); r.StatusCode != http.StatusOK || token(r) == "" {
		t.Errorf("again: %d %s", r.StatusCode, r.body)
	}
}
