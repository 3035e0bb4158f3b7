package access_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/index/problem"
	"gengtu/tileserver/access"
)

// square is an area as access files hold it.
const square = `{"type":"Polygon","coordinates":[[[108,34],[108.1,34],[108.1,34.1],[108,34.1],[108,34]]]}`

// Whatever is wrong in a file is told with its line, found here by what stands there.
func TestLines(t *testing.T) {
	const here = "«»" // marks the line, and is taken out
	token := func(name, more string) string {
		return fmt.Sprintf("{\n\"name\": %q, \"tier\": \"secure\",\n\"hash\": \"%064d\"%s}", name, len(name), more)
	}
	area := func(text string) string {
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(quoted)
	}
	issuer := func(grant string) string {
		return `{"tokens": [], "oidc": [` + "\n" + `{"issuer": "https://id.example.org", "audience": "a", "grants": [` + "\n" + `{"claim": "a", "value": "b", "tier": "secure"},` + "\n" + grant + `]}]}`
	}
	first := token("a", `, "scope": {"area": `+area(square)+"}")
	for name, c := range map[string]struct{ content, code string }{
		"no JSON":            {"{\n\"tokens\": [],\n" + here + "origins: 1}", "ACCESS_SYNTAX"},
		"an unknown member":  {"{\n\"tokens\": [],\n" + here + "\"open\": true\n}", "ACCESS_SYNTAX"},
		"cut off":            {"{\n\"tokens\": [" + here, "ACCESS_SYNTAX"},
		"a wrong kind":       {"{\n\"tokens\": [" + first + ",\n{\"name\":\n" + here + " 5}]}", "ACCESS_SYNTAX"},
		"an origin":          {"{\"origins\": [\"https://a.example\",\n\"https://b.example\",\n " + here + "\"*\"],\"tokens\": []}", "ACCESS_ORIGIN"},
		"a tier":             {"{\"tokens\": [" + first + ",\n" + here + "{\"name\": \"b\", \"tier\": \"public\"}]}", "ACCESS_TIER"},
		"a name twice":       {"{\"tokens\": [" + first + ",\n" + here + token("a", "") + "]}", "ACCESS_NAME"},
		"an area of nothing": {"{\"tokens\": [" + first + ",\n" + token("bb", ", \"scope\":\n {\"max_zoom\": 12,\n"+here+"\"area\": "+area(`{"type":"Polygon","coordinates":[[[1,1],[2,2],[1,1]]]}`)+"}") + "]}", "ACCESS_SCOPE"},
		"an area cut off":    {"{\"tokens\": [" + token("bb", ", \"scope\": {\n"+here+"\"area\": "+area(square[:60])+"}") + "]}", "ACCESS_SCOPE"},
		"an area in metres":  {"{\"tokens\": [" + token("bb", ", \"scope\": {\n"+here+"\"area\": "+area(`{"type":"Polygon","coordinates":[[[36500000,3800000],[36500100,3800000],[36500000,3800100],[36500000,3800000]]]}`)+"}") + "]}", "ACCESS_SCOPE"},
		"a line as area":     {"{\"tokens\": [" + token("bb", ", \"scope\": {\n"+here+"\"area\": "+area(`{"type":"LineString","coordinates":[[1,1],[2,2]]}`)+"}") + "]}", "ACCESS_SCOPE"},
		"an issuer":          {strings.Replace(issuer(`{"claim": "", "value": "b", "tier": "secure"}`), `{"issuer"`, here+`{"issuer"`, 1), "ACCESS_OIDC"},
		"an issuer's area":   {issuer(`{"claim": "c", "value": "b", "tier": "secure", "scope":` + "\n" + here + `{"area": "x"}}`), "ACCESS_SCOPE"},
		"audit":              {"{\"tokens\": [],\n" + here + "\"audit\": {\"file_mb\": -1}}", "ACCESS_AUDIT"},
	} {
		before, after, ok := strings.Cut(c.content, here)
		if !ok {
			t.Fatal(name)
		}
		want := 1 + strings.Count(before, "\n")
		_, err := access.Parse([]byte(before + after))
		wantCode(t, err, c.code)
		p := problem.Of(err)
		for l, text := range map[problem.Lang]string{problem.Chinese: fmt.Sprintf("第 %d 行", want), problem.English: fmt.Sprintf("line %d", want)} {
			if found := p.Found(l); !strings.HasPrefix(found, text+"：") && !strings.HasPrefix(found, text+": ") && !strings.HasPrefix(found, text+" ") && !strings.HasPrefix(found, text+"（") {
				t.Errorf("%s: %q does not begin with %q", name, found, text)
			}
		}
		if c.code == "ACCESS_SCOPE" && (p.Advice(problem.Chinese) == "" || p.Advice(problem.English) == "") {
			t.Errorf("%s: no advice", name)
		}
	}
}

// An area that cannot be used is refused when the token is issued, and a right one of
// many positions is taken, up to what the file holds: the file is never written so that
// it cannot be read again.
func TestAreasOfTokens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.json")
	token := issue(t, path, access.Token{Name: "a", Tier: "secure"})
	for _, bad := range []string{"{}", "x", `{"type":"Polygon","coordinates":[]}`, `{"type":"Polygon","coordinates":[[[108,34],[108,34],[108,34],[108,34]]]}`, `{"type":"Point","coordinates":[108,34]}`, `{"type":"FeatureCollection","features":[]}`} {
		_, err := access.Add(path, access.Token{Name: "b", Tier: "secure", Scope: &access.Scope{Area: bad}})
		wantCode(t, err, "ACCESS_SCOPE")
	}
	circle := func(n int) string {
		var b strings.Builder
		b.WriteString(`{"type":"Polygon","coordinates":[[`)
		for i := range n {
			a := 2 * math.Pi * float64(i) / float64(n)
			fmt.Fprintf(&b, "[%.10f,%.10f],", 108+math.Cos(a), 34+math.Sin(a))
		}
		b.WriteString("[109.0000000000,34.0000000000]]]}")
		return b.String()
	}
	if _, err := access.Add(path, access.Token{Name: "county", Tier: "secure", Scope: &access.Scope{Area: circle(100_000)}}); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = access.Add(path, access.Token{Name: "more", Tier: "secure", Scope: &access.Scope{Area: circle(60_000)}})
	wantCode(t, err, "ACCESS_TOO_LARGE")
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Error("the file was changed by what it refused")
	}
	s, err := access.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Check(access.Request{Token: token, Tier: "secure"}); got.Outcome != access.Allowed {
		t.Errorf("%+v", got)
	}
}
