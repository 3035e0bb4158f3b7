package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A token without any limit, or one that may ask for areas but not by place, is issued,
// with a warning that says so; the token stands on standard output alone.
func TestUnlimitedTokensAreToldOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.json")
	for name, c := range map[string]struct {
		flags   []string
		warning string
	}{
		"all":        {nil, "TOKEN_UNLIMITED"},
		"rated":      {[]string{"--rate", "5"}, "TOKEN_UNLIMITED"},
		"brief":      {[]string{"--days", "30"}, ""},
		"layered":    {[]string{"--layers", "pbf"}, "TOKEN_NO_REGION"},
		"regions":    {[]string{"--layers", "pbf,region"}, ""},
		"pictures":   {[]string{"--layers", "pbf", "--operations", "tiles,features"}, ""},
		"sums":       {[]string{"--layers", "pbf", "--operations", "overlay", "--place", "610402"}, "TOKEN_NO_REGION"},
		"placed":     {[]string{"--place", "610402"}, ""},
		"operations": {[]string{"--operations", "tiles"}, ""},
	} {
		out, errs, code := gengtu(t, append([]string{"token", "add", "--access", path, "--tier", "secure", "--name", name}, c.flags...)...)
		if code != 0 || !strings.HasPrefix(out, "gt_") || strings.Count(out, "\n") != 1 {
			t.Fatalf("%s: %d %q", name, code, out)
		}
		if !strings.Contains(errs, c.warning) || !strings.Contains(errs, name) && c.warning != "" || c.warning == "" && errs != "" {
			t.Errorf("%s: %q, want a warning %q", name, errs, c.warning)
		}
	}
	out := must(t, "access", "check", path)
	for _, code := range []string{"TOKEN_UNLIMITED", "TOKEN_NO_REGION"} {
		if n := strings.Count(out, code); n != 2 {
			t.Errorf("access check warns of %d tokens with %s, want 2:\n%s", n, code, out)
		}
	}
}

// What a token names and no edition has is found when it is issued and when the file is
// checked; it is named, and what is there is not complained of.
func TestTokensAreHeldAgainstEditions(t *testing.T) {
	e := theEditions(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "access.json")
	far := filepath.Join(dir, "far.geojson")
	if err := os.WriteFile(far, []byte(`{"type":"Polygon","coordinates":[[[100,30],[100.1,30],[100.1,30.1],[100,30.1],[100,30]]]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	add := func(name, tier string, flags ...string) (string, string, int) {
		return gengtu(t, append([]string{"token", "add", "--access", path, "--tier", tier, "--name", name}, flags...)...)
	}
	for name, c := range map[string]struct {
		flags []string
		named []string // nil is issued
	}{
		"right":   {[]string{"--layers", "pbf,hsf", "--place", "610402"}, nil},
		"layers":  {[]string{"--layers", "pbf,forest"}, []string{"forest"}},
		"places":  {[]string{"--place", "610402,110101"}, []string{"110101"}},
		"both":    {[]string{"--layers", "wetland", "--place", "99"}, []string{"wetland", "99"}},
		"area":    {[]string{"--area", far}, []string{"its area"}},
		"zooms":   {[]string{"--zooms", "30-31"}, []string{"30"}},
		"no-tier": {[]string{"--layers", "pbf", "--edition", "nowhere"}, []string{"nowhere"}},
	} {
		out, errs, code := add(name, "secure", append(c.flags, "--edition", e.Secure)...)
		if issued := code == 0 && strings.HasPrefix(out, "gt_"); issued != (c.named == nil) || !issued && out != "" {
			t.Errorf("%s: exit code %d, %q %s", name, code, out, errs)
		}
		for _, n := range c.named {
			if !strings.Contains(errs, n) || strings.Contains(errs, "hsf") && name == "right" {
				t.Errorf("%s: %s does not name %s", name, errs, n)
			}
		}
	}
	if _, errs, code := add("other", "government", "--layers", "pbf", "--edition", e.Secure); code != 1 || !strings.Contains(errs, "government") {
		t.Errorf("an edition of another tier: %d %s", code, errs)
	}
	if list := must(t, "token", "list", "--access", path); strings.Count(list, "\n") != 1 {
		t.Errorf("issued were:\n%s", list)
	}
	if _, _, code := add("wrong", "secure", "--layers", "forest", "--place", "110101,610402"); code != 0 {
		t.Fatal("without an edition nothing is held against it")
	}
	if _, _, code := add("above", "government", "--layers", "pbf"); code != 0 {
		t.Fatal(code)
	}
	var report struct {
		Tokens  int
		InForce int `json:"in_force"`
		Missing []struct{ Code, File, Zh, En string }
	}
	out, _, code := gengtu(t, "access", "check", path, "--edition", e.Secure, "--edition", e.Government, "--json")
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 1 || report.Tokens != 3 || report.InForce != 3 || len(report.Missing) != 2 {
		t.Fatalf("%v, exit code %d: %s", err, code, out)
	}
	for i, n := range []string{"forest", "110101"} {
		if m := report.Missing[i]; m.Code != "ACCESS_MISSING" || m.File != e.Secure || !strings.Contains(m.Zh, n) || !strings.Contains(m.En, n) || !strings.Contains(m.En, "wrong") {
			t.Errorf("%+v does not name %s", m, n)
		}
	}
	if out, _, code := gengtu(t, "access", "check", path, "--edition", e.Secure); code != 1 || strings.Count(out, "missing: ") != 2 {
		t.Errorf("%d %s", code, out)
	}
	must(t, "token", "revoke", "--access", path, "--name", "wrong")
	if out := must(t, "access", "check", path, "--edition", e.Secure); strings.Contains(out, "missing") {
		t.Errorf("a token that is revoked is complained of: %s", out)
	}
	// One token is left, of a tier of which no edition is given.
	must(t, "token", "revoke", "--access", path, "--name", "right")
	if out, errs, code := gengtu(t, "access", "check", path, "--edition", e.Secure); code != 0 || !strings.Contains(out, "ACCESS_UNCHECKED") || !strings.Contains(out, "government") || strings.Contains(out, "all layers") {
		t.Errorf("of a tier that was not looked at: %d %s%s", code, out, errs)
	}
}

// Without a file it is said how to name one.
func TestAccessCheckAdvises(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		said string
	}{
		{[]string{"access"}, 2, "gengtu access check access.json"},
		{[]string{"access", "check"}, 2, "gengtu access check access.json"},
		{[]string{"access", "look", "x"}, 2, "gengtu access check access.json"},
		{[]string{"access", "check", filepath.Join(t.TempDir(), "none.json")}, 1, "gengtu token add"},
	} {
		if _, errs, code := gengtu(t, c.args...); code != c.code || !strings.Contains(errs, c.said) {
			t.Errorf("%v: exit code %d, %s", c.args, code, errs)
		}
	}
}

// One who tries wrong tokens without end does not lock out the others behind the same
// address.
func TestServeBesideAGuesser(t *testing.T) {
	s := serve(t, theEditions(t).Secure)
	statuses := map[int]int{}
	for n := range 200 {
		wrong := s.do(t, http.MethodGet, "/secure/catalog", nil, "Authorization", fmt.Sprintf("Bearer gt_%043d", n))
		statuses[wrong.Status]++
		if right := s.do(t, http.MethodGet, "/secure/catalog", nil); right.Status != http.StatusOK {
			t.Fatalf("the right token after %d wrong ones: %d %s", n+1, right.Status, right.Body)
		}
	}
	if statuses[http.StatusUnauthorized] > 40 || statuses[http.StatusTooManyRequests] < 160 {
		t.Errorf("wrong tokens were answered so: %v", statuses)
	}
}

// An issuer whose users have the whole tier is warned of; one that is bounded is not.
func TestUnlimitedIssuersAreToldOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.json")
	grants := `{"claim": "role", "value": "surveyor", "tier": "secure"}, {"claim": "role", "value": "clerk", "tier": "secure", "places_claim": "places"}`
	if err := os.WriteFile(path, []byte(`{"tokens": [], "oidc": [{"issuer": "https://id.example.org", "audience": "gengtu", "grants": [`+grants+`]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	out := must(t, "access", "check", path)
	if strings.Count(out, "ISSUER_UNLIMITED") != 1 || !strings.Contains(out, "surveyor") || strings.Contains(out, "clerk") {
		t.Error(out)
	}
}

// A token may end with a day or at a time; the list says when, or that it never does.
func TestTokensEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.json")
	for name, c := range map[string]struct {
		flags []string
		state string // "" is refused
	}{
		"never": {nil, "valid for ever"}, "day": {[]string{"--until", "2099-01-31"}, "valid until 2099-01-31"},
		"time": {[]string{"--until", "2099-01-31T08:00:00+08:00"}, "valid until 2099-01-31"},
		"over": {[]string{"--until", "2020-01-31"}, ""}, "both": {[]string{"--until", "2099-01-31", "--days", "3"}, ""}, "none": {[]string{"--until", "soon"}, ""},
	} {
		_, errs, code := gengtu(t, append([]string{"token", "add", "--access", path, "--tier", "secure", "--layers", "pbf", "--name", name}, c.flags...)...)
		if (code == 0) != (c.state != "") || code != 0 && code != 2 {
			t.Errorf("%s: exit code %d\n%s", name, code, errs)
		}
		if c.state == "" {
			continue
		}
		for line := range strings.Lines(must(t, "token", "list", "--access", path)) {
			if strings.HasPrefix(line, name+" ") && !strings.Contains(line, c.state) {
				t.Errorf("%s, want %s", line, c.state)
			}
		}
	}
	var all []struct{ Name, Expires string }
	decode(t, []byte(must(t, "token", "list", "--access", path, "--json")), &all)
	for _, token := range all {
		want := map[string]string{"never": "", "day": "2099-01-31T23:59:59Z", "time": "2099-01-31T00:00:00Z"}
		if token.Expires != want[token.Name] {
			t.Errorf("%+v", token)
		}
	}
	if len(all) != 3 {
		t.Errorf("%d tokens", len(all))
	}
	var p struct {
		Name, Digest, Text string
		Tiers              []any
	}
	decode(t, []byte(must(t, "policy", "show", "--json")), &p)
	if p.Text != must(t, "policy", "show") || p.Name == "" || p.Digest == "" || len(p.Tiers) < 2 {
		t.Errorf("%s %s %v", p.Name, p.Digest, p.Tiers)
	}
}

// Beyond loopback and above public, a server without an address of its own warns.
func TestServeWarnsOfItsAddress(t *testing.T) {
	e := theEditions(t)
	for _, c := range []struct {
		flags []string
		want  bool
	}{
		{[]string{"--edition", e.Secure, "--listen", "0.0.0.0:0"}, true},
		{[]string{"--edition", e.Secure, "--listen", "127.0.0.1:0"}, false},
		{[]string{"--edition", e.Public, "--listen", "0.0.0.0:0"}, false},
		{[]string{"--edition", e.Secure, "--listen", "0.0.0.0:0", "--public-url", "http://map.example.org"}, false},
	} {
		access := filepath.Join(t.TempDir(), "access.json")
		must(t, "token", "add", "--access", access, "--tier", "secure", "--layers", "pbf", "--name", "x")
		s := &server{log: &lockedBuffer{}, access: access}
		s.start(t, append([]string{"serve", "--access", access, "--plain-http"}, c.flags...)...)
		if got := strings.Contains(s.log.String(), "[PUBLIC_URL_MISSING]"); got != c.want {
			t.Errorf("%v: warned %t\n%s", c.flags, got, s.log)
		}
	}
}
