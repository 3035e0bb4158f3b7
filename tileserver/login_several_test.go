package tileserver_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"gengtu/tileserver/access/oidc"
	"gengtu/tileserver/access/oidc/oidctest"
)

// One login that another page has the browser begin ends none: each has a cookie of its own.
// Of more than a few the oldest are forgotten, before the headers of a request overflow.
func TestLoginSeveral(t *testing.T) {
	i := oidctest.New(t)
	i.User = map[string]any{"roles": []string{"surveyor"}}
	s := withIssuer(t, i, oidc.Login{})
	kept := []string{"theme=dark", "__Host-gengtu-login-government-aaaaaaaaaaaaaaaa=other"}
	var backs []url.Values
	for n := range 6 {
		b := &browser{loginServer: s, issuer: i, jar: strings.Join(kept, "; ")}
		backs = append(backs, b.visit(t, b.leave(t, "secure", "")))
		kept = append(kept, b.cookie)
		// What is kept of a fifth, and of those before it, is forgotten as the browser is told.
		if want := max(0, n-3); len(b.forgotten) != want {
			t.Errorf("login %d: %q are forgotten, not %d", n, b.forgotten, want)
		}
		for k, name := range b.forgotten {
			if !strings.HasPrefix(kept[k+2], name+"=") {
				t.Errorf("login %d: %s is forgotten, and is not of the oldest", n, name)
			}
		}
	}
	b := &browser{loginServer: s, issuer: i, cookie: strings.Join(kept, "; ")}
	for _, n := range []int{0, 5, 2} {
		r := b.comeBack(t, "secure", backs[n])
		if name, _, _ := strings.Cut(kept[n+2], "="); token(r) == "" || !strings.HasPrefix(r.Header.Get("Set-Cookie"), name+"=;") {
			t.Errorf("login %d beside others: %d %s %s", n, r.StatusCode, r.Header.Get("Set-Cookie"), r.body)
		}
	}
}

// Who is held back for codes that are made up keeps nobody from the issuer meanwhile.
func TestLoginHeldBack(t *testing.T) {
	i := oidctest.New(t)
	s := withIssuer(t, i, oidc.Login{})
	b := &browser{loginServer: s, issuer: i}
	for n := range 60 {
		state := b.leave(t, "secure", "").Query().Get("state")
		q := url.Values{"code": {fmt.Sprint(n)}, "state": {state}, "iss": {i.URL}}
		done := make(chan struct{})
		go func() {
			defer close(done)
			b.comeBack(t, "secure", q)
		}()
		held := false
		for over := false; !over; {
			select {
			case <-done:
				over = true
			default:
				if s.Held() > 0 {
					held = true
					if n := s.Logins(); n > 0 {
						t.Errorf("%d wait for the issuer while one is held back", n)
					}
				}
			}
		}
		if held {
			return
		}
	}
	t.Error("nobody was held back")
}
