package main_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// rules are what the contract says of all addresses at once.
func (w *contract) rules(t *testing.T, commands []contractCase) {
	t.Run("a server with one edition serves that tier alone", w.oneTier)
	t.Run("401 without a token, 403 with one that does not reach", w.tokensAsked)
	t.Run("too many 429 with Retry-After", w.tooMany)
	t.Run("every GET of data takes vintage=", w.vintages)
	t.Run("every GET of data takes generation=", w.generations)
	t.Run("an ETag of their content", w.etags)
	t.Run("Gengtu-Generation, ETag and Cache-Control", w.headers)
	t.Run("addresses use --public-url and repeat the caller's tk", w.publicAddresses)
	t.Run("CORS, OPTIONS answered", w.cors)
	t.Run("tk= is masked in logs", func(t *testing.T) {
		for name, token := range w.three.tokens {
			if strings.Contains(w.three.log.String(), token) {
				t.Errorf("the token %s stands in the log", name)
			}
		}
	})
	t.Run("text by Accept-Language", w.spoken)
	t.Run("each command says its flags in both languages", func(t *testing.T) { helps(t, commands) })
	t.Run("serve looks at CURRENT each second", w.follows) // the last: it changes what is in force
}

// oneTier asks the server of one edition for the others.
func (w *contract) oneTier(t *testing.T) {
	w.one.get(t, 200, "/secure/catalog")
	for _, tier := range []string{"government", "public"} {
		c := refuse("", tier, "/"+tier+"/catalog", 404, "NOT_FOUND")
		c.on = w.one
		w.ask(t, &c)
	}
}

// tokensAsked asks for what is there, and for what is not, without a token that reaches it.
func (w *contract) tokensAsked(t *testing.T) {
	for _, tier := range []string{"secure", "government"} {
		other := map[string]string{"secure": "government", "government": "secure"}[tier]
		for _, path := range []string{"/catalog", "/features/hsf/1", "/nothing"} {
			for _, c := range []contractCase{
				{name: "none", path: "/" + tier + path, headers: []string{"Authorization", ""}, status: 401, fault: "TOKEN_MISSING"},
				{name: "unknown", path: "/" + tier + path + "?tk=gt_wrong", headers: []string{"Authorization", ""}, status: 401, fault: "TOKEN_INVALID"},
				{name: "another tier's", path: "/" + tier + path, headers: []string{"Authorization", "Bearer " + w.three.tokens[other]}, status: 403, fault: "TOKEN_REFUSED"},
			} {
				c.method = http.MethodGet
				w.ask(t, &c)
			}
		}
		w.three.get(t, 200, "/"+tier+"/catalog?tk="+w.three.tokens[tier], "Authorization", "")
		w.three.get(t, 200, "/"+tier+"/catalog")
	}
	w.three.get(t, 200, "/public/catalog")
}

// tooMany asks twice with a token that may ask once in a hundred seconds.
func (w *contract) tooMany(t *testing.T) {
	slow := []string{"Authorization", "Bearer " + w.three.tokens["slow"]}
	w.three.get(t, 200, "/secure/catalog", slow...)
	w.ask(t, &contractCase{method: http.MethodGet, path: "/secure/catalog", headers: slow, status: 429, fault: "TOO_MANY"})
	a := w.three.get(t, 429, "/secure/catalog", slow...)
	if s, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || s < 1 {
		t.Errorf("Retry-After is %q", a.Header.Get("Retry-After"))
	}
}

// matchedBy is how many projects the server of one edition has in a year, and its answer.
func (w *contract) matchedBy(t *testing.T, query string) (int, answer) {
	t.Helper()
	a := w.one.get(t, 200, "/secure/ogc/collections/hsf/items?limit=1&"+query)
	var c struct{ NumberMatched int }
	decode(t, a.Body, &c)
	return c.NumberMatched, a
}

// vintages asks for each year, for the latest and for one that there is not.
func (w *contract) vintages(t *testing.T) {
	for query, want := range map[string]int{"vintage=2023": len(w.projects[0]), "vintage=2024": len(w.projects[1]) - 1, "": len(w.projects[1]) - 1} {
		if n, _ := w.matchedBy(t, query); n != want {
			t.Errorf("%q: %d projects, want %d", query, n, want)
		}
	}
	for _, path := range []string{"/catalog?", "/tiles/hsf/w/5/25/12.mvt?", "/tiles/hsf/w.json?", "/overlay?place=610402&layers=hsf&", "/summary?", "/features/hsf?code=1&", "/style.json?", "/ogc/collections/hsf/items?"} {
		c := refuse("", path, "/secure"+path+"vintage=1999", 404, "NO_VINTAGE")
		c.on = w.one
		w.ask(t, &c)
	}
}

// generations asks for the one in force, the one kept and the one that is gone.
func (w *contract) generations(t *testing.T) {
	for generation, want := range map[string]int{w.current: len(w.projects[1]) - 1, w.before: len(w.projects[1])} {
		n, a := w.matchedBy(t, "generation="+generation)
		if n != want || a.Header.Get("Gengtu-Generation") != generation || !strings.Contains(a.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d projects, want %d; %v", generation, n, want, a.Header)
		}
	}
	if _, a := w.matchedBy(t, ""); a.Header.Get("Gengtu-Generation") != w.current {
		t.Errorf("%s is in force, not %s", w.current, a.Header.Get("Gengtu-Generation"))
	}
	for _, path := range []string{"/catalog?", "/tiles/hsf/w/5/25/12.mvt?", "/tiles/hsf/w.json?", "/overlay?place=610402&layers=hsf&", "/summary?", "/places?", "/legend.json?", "/ogc?"} {
		c := refuse("", path, "/secure"+path+"generation="+w.gone, 410, "GENERATION_GONE")
		c.on = w.one
		w.ask(t, &c)
	}
}

// etags holds a tile of places, which the update left alone, and one of projects, which it
// did not, against those of the generation before.
func (w *contract) etags(t *testing.T) {
	p := w.middle(t)
	for layer, same := range map[string]bool{"region": true, "hsf": false} {
		path := "/secure" + p.tile(layer, "w", 14) + ".mvt"
		now, then := w.one.do(t, http.MethodGet, path, nil), w.one.do(t, http.MethodGet, path+"?generation="+w.before, nil)
		if a, b := now.Header.Get("ETag"), then.Header.Get("ETag"); a == "" || b == "" || (a == b) != same {
			t.Errorf("%s: %d %s now, %d %s before", layer, now.Status, a, then.Status, b)
		}
	}
}

// headers looks at what each answer with data carries, pinned and not, and asks for it again.
func (w *contract) headers(t *testing.T) {
	tile := w.middle(t).tile("hsf", "w", 12)
	generation := map[string]string{"secure": generationOf(t, w.e.Secure), "government": generationOf(t, w.e.Government), "public": generationOf(t, w.e.Public)}
	for tier, want := range map[string][2]string{"secure": {"private, no-cache", "private, max-age=31536000, immutable"}, "government": {"private, no-cache", "private, max-age=31536000, immutable"}, "public": {"public, max-age=300", "public, max-age=31536000, immutable"}} {
		for _, path := range []string{
			"/catalog", tile + ".mvt", tile + ".png", "/tiles/all/w.json", "/map.png?bbox=108.6,34.3,108.61,34.31&width=9&height=9", "/style.json", "/legend.json", "/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "/ogc",
			"/ogc/collections/hsf/items?limit=1", "/places", "/overlay?bbox=108.6,34.3,108.61,34.31", "/summary?by=county",
		} {
			path = "/" + tier + path
			a := w.three.get(t, 200, path)
			if a.Header.Get("Gengtu-Generation") != generation[tier] || !strings.HasPrefix(a.Header.Get("ETag"), `"`) || a.Header.Get("Cache-Control") != want[0] {
				t.Errorf("%s: %v", path, a.Header)
			}
			if b := w.three.get(t, 304, path, "If-None-Match", a.Header.Get("ETag")); len(b.Body) != 0 {
				t.Errorf("%s: 304 with %d bytes", path, len(b.Body))
			}
			if b := w.three.get(t, 200, withQuery(path, "generation="+generation[tier])); b.Header.Get("Cache-Control") != want[1] {
				t.Errorf("%s pinned: %v", path, b.Header)
			}
		}
	}
}

// publicAddresses looks at the addresses in documents that name some.
func (w *contract) publicAddresses(t *testing.T) {
	token := w.three.tokens["secure"]
	for _, path := range []string{"/tiles/all/w.json", "/style.json", "/catalog", "/wmts?SERVICE=WMTS&REQUEST=GetCapabilities"} {
		a := w.three.get(t, 200, withQuery("/secure"+path, "tk="+token), "Authorization", "", "Accept-Encoding", "identity")
		if body := string(a.Body); !strings.Contains(body, publicURL+"/secure/") || !strings.Contains(body, token) || strings.Contains(body, w.three.URL) {
			t.Errorf("%s: public address %v, token %v, own address %v", path, strings.Contains(body, publicURL+"/secure/"), strings.Contains(body, token), strings.Contains(body, w.three.URL))
		}
		if a := w.three.get(t, 200, "/public"+path, "Accept-Encoding", "identity"); strings.Contains(string(a.Body), "tk=") {
			t.Errorf("%s: public repeats a token that nobody gave", path)
		}
	}
}

// cors asks as pages of other origins do.
func (w *contract) cors(t *testing.T) {
	const stranger = "https://stranger.example.org"
	for _, c := range []struct{ tier, from, want string }{{"public", stranger, "*"}, {"public", origin, "*"}, {"secure", origin, origin}, {"secure", stranger, ""}, {"government", origin, origin}} {
		ask := []string{"Origin", c.from, "Access-Control-Request-Method", "GET"}
		a := w.three.get(t, 200, "/"+c.tier+"/catalog", ask...)
		o := w.three.do(t, http.MethodOptions, "/"+c.tier+"/catalog", nil, append(ask, "Authorization", "")...)
		if got := a.Header.Get("Access-Control-Allow-Origin"); got != c.want {
			t.Errorf("GET of %s from %s: %q, want %q", c.tier, c.from, got, c.want)
		}
		if got := o.Header.Get("Access-Control-Allow-Origin"); o.Status != 204 || got != c.want || (c.want != "") != strings.Contains(o.Header.Get("Access-Control-Allow-Methods"), "GET") {
			t.Errorf("OPTIONS of %s from %s: %d %v", c.tier, c.from, o.Status, o.Header)
		}
	}
}

// follows goes back to the generation before and waits until the server has done so, too.
func (w *contract) follows(t *testing.T) {
	if out := must(t, "rollback", w.years); strings.TrimSpace(out) != w.before {
		t.Fatalf("rollback says %s, %s was before", out, w.before)
	}
	for deadline := time.Now().Add(30 * time.Second); ; <-time.After(50 * time.Millisecond) {
		now := w.one.get(t, 200, "/secure/catalog").Header.Get("Gengtu-Generation")
		if now == w.before {
			return
		}
		if now != w.current || time.Now().After(deadline) {
			t.Fatalf("%s is served, %s is in force", now, w.before)
		}
	}
}

// spoken asks for documents that people read, in both languages.
func (w *contract) spoken(t *testing.T) {
	for _, path := range []string{"/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "/tiles/all/w.json", "/ogc"} {
		for _, tier := range []string{"public", "secure"} {
			texts := map[bool]string{}
			for lang, chinese := range languages {
				a := w.three.get(t, 200, "/"+tier+path, "Accept-Language", lang, "Accept-Encoding", "identity")
				texts[chinese] = string(a.Body)
				if !strings.Contains(strings.Join(a.Header.Values("Vary"), ","), "Accept-Language") {
					t.Errorf("%s%s varies by %q", tier, path, a.Header.Values("Vary"))
				}
			}
			if texts[true] == texts[false] || !han.MatchString(texts[true]) {
				t.Errorf("%s%s says the same in both languages", tier, path)
			}
		}
	}
}

// helps asks each command for its help, in both languages: it tells of the flags that cases
// give, each in words of the language, and of the defaults that the contract names.
func helps(t *testing.T, commands []contractCase) {
	flags, told := givenFlags(commands), 0
	for verb, given := range flags {
		zh, en := must(t, verb, "--help", "--lang", "zh"), must(t, verb, "--help", "--lang", "en")
		for flag := range given {
			told++
			if a, b := helpOf(zh, flag), helpOf(en, flag); a == "" || b == "" || a == b || !han.MatchString(a) {
				t.Errorf("the help of %s says of %s\n%s\n%s", verb, flag, a, b)
			}
		}
		for _, d := range helpDefaults[verb] {
			for _, help := range []string{zh, en} {
				if !strings.HasSuffix(helpOf(help, d[0]), "("+d[1]+")") {
					t.Errorf("the help of %s does not say that %s is %s by default: %s", verb, d[0], d[1], helpOf(help, d[0]))
				}
			}
		}
	}
	if told < 40 {
		t.Errorf("the cases give %d flags", told)
	}
	for lang, line := range map[string]string{"zh": "gengtu: 没有命令", "en": "gengtu: no command"} {
		if _, errs, code := as(t, []string{"GENGTU_LANG=" + lang}, "fly"); code != 2 || !strings.HasPrefix(errs, line) {
			t.Errorf("the environment says %s: %d %s", lang, code, errs)
		}
	}
	var version struct{ Product, Version string }
	decode(t, []byte(must(t, "version", "--json")), &version)
	if version.Product != "gengtu" || version.Version == "" {
		t.Errorf("%+v", version)
	}
}

// helpDefaults are the defaults that the contract names, by verb and flag.
var helpDefaults = map[string][][2]string{
	"demo": {{"--listen", "127.0.0.1:8080"}}, "sample": {{"--parcels", "10000"}, {"--seed", "1"}}, "ingest": {{"--zooms", "5-14"}, {"--keep", "2"}, {"--tier", "secure"}},
	"publish": {{"--keep", "2"}}, "update": {{"--keep", "2"}}, "unpack": {{"--keep", "2"}},
}

// givenFlags are the flags of the cases that succeed, by verb.
func givenFlags(commands []contractCase) map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for _, c := range commands {
		if c.fault != "" || c.args[0] == "help" {
			continue
		}
		if out[c.args[0]] == nil {
			out[c.args[0]] = map[string]bool{}
		}
		for _, a := range c.args {
			if strings.HasPrefix(a, "--") && a != "--json" {
				out[c.args[0]][a] = true
			}
		}
	}
	return out
}

// helpOf is the line of a help that tells of a flag.
func helpOf(help, flag string) string {
	for line := range strings.Lines(help) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, flag+" ") {
			return line
		}
	}
	return ""
}
