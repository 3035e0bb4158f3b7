package tileserver_test

import (
	"fmt"
	"io"
	"net"

	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gengtu/index/edition"
	"gengtu/tileserver"
	"gengtu/tileserver/access"
	"gengtu/tileserver/audit"
	"gengtu/tileserver/catalog"
	"gengtu/tileserver/tile"
)

// Whatever becomes of a request above public, it leaves its line: refused for its token,
// its address, its size or its form, not modified, without a body, failed, or left by
// who asked.
func TestAuditTellsWhatIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	log, err := audit.OpenServer(dir, audit.Record{Act: "serve"}, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var cfg tileserver.Config
	s := serve(t, func(c *tileserver.Config) {
		c.Audit, c.Limits = log, tileserver.Limits{BodyBytes: 10_000, URLBytes: 4096}
		cfg = *c
	}, edition.Secure, edition.Public)
	s.stop()
	if s.Server, err = tileserver.New(cfg); err != nil {
		t.Fatal(err)
	}
	tileserver.AddPanic(s.Server)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.listen(t, ln)
	slow := s.token(t, access.Token{Name: "slow", Bounds: access.Bounds{Rate: 0.001, Burst: 1}})
	placed := s.token(t, access.Token{Name: "placed", Scope: &access.Scope{Places: []string{"610402001"}, Operations: []access.Operation{access.Tiles}}})
	whole := s.bearer(edition.Secure)
	bearer := func(token string) string { return "Authorization: Bearer " + token + "\r\n" }
	raw := func(format string, args ...any) func() int {
		return func() int { return exchange(t, ln.Addr().String(), fmt.Sprintf(format, args...)).StatusCode }
	}
	get := func(method, path string, headers ...string) func() int {
		return func() int { return s.do(t, method, path, nil, headers...).StatusCode }
	}
	tag := s.get(t, "/secure/catalog", whole...).Header.Get("ETag")
	want := []string{"200 allowed catalog"}
	for _, c := range []struct {
		name string
		ask  func() int
		want string
	}{
		{"no token", get("GET", "/secure/catalog"), "401 no_token catalog"},
		{"a wrong token", get("GET", "/secure/catalog", "Authorization", "Bearer gt_AAAAAAAAAAAAAAAAAAAAAAAA"), "401 unknown catalog"},
		{"another tier's token", get("GET", "/secure/catalog", s.bearer(edition.Government)...), "403 wrong_tier catalog"},
		{"an operation that it has not", get("GET", "/secure/places", "Authorization", "Bearer "+placed), "403 wrong_operation places"},
		{"features by way of a map", get("GET", "/secure/wms?VERSION=1.3.0&REQUEST=GetFeatureInfo&CRS=CRS:84&BBOX=108.7,34.3,108.71,34.31&WIDTH=9&HEIGHT=9&FORMAT=image/png&STYLES=&I=1&J=1&INFO_FORMAT=application/json&LAYERS=pbf&QUERY_LAYERS=pbf", "Authorization", "Bearer "+placed), "403 wrong_operation wms"},
		{"no such address", get("GET", "/secure/nothing", whole...), "404 allowed "},
		{"no such method", get("DELETE", "/secure/catalog", whole...), "405 allowed "},
		{"HEAD", get("HEAD", "/secure/catalog", whole...), "200 allowed catalog"},
		{"not modified", get("GET", "/secure/catalog", append([]string{"If-None-Match", tag}, whole...)...), "304 allowed catalog"},
		{"OPTIONS", get("OPTIONS", "/secure/catalog"), "204 no_token "},
		{"the first of a slow token", get("GET", "/secure/legend.json", "Authorization", "Bearer "+slow), "200 allowed legend"},
		{"the second of a slow token", get("GET", "/secure/legend.json", "Authorization", "Bearer "+slow), "429 too_fast legend"},
		{"a panic", get("GET", "/secure/panic", whole...), "500 allowed panic"},
		{"a body too large", raw("POST /secure/overlay HTTP/1.1\r\nHost: x\r\n%sContent-Length: 20000\r\n\r\n%s", bearer(s.tokens[edition.Secure]), strings.Repeat(" ", 20000)), "413 allowed overlay"},
		{"what is no tier's", raw("GET /secret HTTP/1.1\r\nHost: x\r\n\r\n"), ""},
		{"public", get("GET", "/public/catalog"), ""},
		{"government, which is not served", get("GET", "/government/catalog", whole...), ""},
		{"who is gone before the answer", func() int {
			c, err := net.Dial("tcp", ln.Addr().String())
			if err == nil {
				_, err = io.WriteString(c, "GET /secure/style.json HTTP/1.1\r\nHost: x\r\n"+bearer(s.tokens[edition.Secure])+"\r\n")
			}
			if err != nil || c.Close() != nil {
				t.Fatal(err)
			}
			return 0
		}, "200 allowed style"},
	} {
		status := c.ask()
		if c.want != "" {
			want = append(want, c.want)
			if status != 0 && !strings.HasPrefix(c.want, fmt.Sprint(status)) {
				t.Errorf("%s: status %d, want %s", c.name, status, c.want)
			}
		}
		var got []string
		for deadline := time.Now().Add(5 * time.Second); ; {
			got = nil
			if err := audit.Read(dir, audit.Filter{Tier: "secure"}, func(_ string, _ int64, r audit.Record) error {
				got = append(got, fmt.Sprintf("%d %s %s", r.Status, r.Outcome, r.Route))
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if len(got) >= len(want) || time.Now().After(deadline) {
				break
			}
			<-time.After(5 * time.Millisecond) // who is gone waits for nothing
		}
		if len(got) != len(want) || got[len(got)-1] != want[len(want)-1] {
			t.Errorf("%s: lines %q, want %q", c.name, got, want)
			want = got
		}
	}
	s.stop()
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.Verify(dir, nil); err != nil {
		t.Error(err)
	}
}

// A line has the highest grade of the layers that were asked, as the catalogue has it.
func TestAuditTellsTheGrade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	log, err := audit.OpenServer(dir, audit.Record{Act: "serve"}, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "catalogue.yaml")
	writeFile(t, path, []byte("tier: secure\nlayers:\n  pbf: {grade: core}\n  cropland: {grade: general}\n"))
	s := serve(t, func(c *tileserver.Config) {
		c.Audit = log
		c.Catalogue = tables(t, path)
	}, edition.Secure)
	token := s.bearer(edition.Secure)
	grade := func(path string) (string, audit.Record) {
		t.Helper()
		s.get(t, "/secure/"+path, token...)
		var got audit.Record
		if err := audit.Read(dir, audit.Filter{Tier: "secure"}, func(_ string, _ int64, r audit.Record) error { got = r; return nil }); err != nil {
			t.Fatal(err)
		}
		return got.Grade, got
	}
	for path, want := range map[string]string{
		"tiles/cropland/w/" + tileAt(tile.W, 12) + ".mvt":     "general",
		"tiles/hsf/w/" + tileAt(tile.W, 12) + ".mvt":          "important",
		"tiles/cropland,hsf/w/" + tileAt(tile.W, 12) + ".mvt": "important",
		"tiles/all/w/" + tileAt(tile.W, 12) + ".mvt":          "core",
		"overlay?bbox=108.7,34.3,108.702,34.302":              "core",
		"features/cropland/1000":                              "general",
		"features/nothing/1000":                               "",
		"legend.json":                                         "",
	} {
		if got, line := grade(path); got != want {
			t.Errorf("%s: grade %q, want %q (%d, layer %q)", path, got, want, line.Status, line.Layer)
		}
	}
	// What an operator writes anew counts from then on.
	writeFile(t, path, []byte("tier: secure\nlayers:\n  cropland: {grade: important}\n"))
	s.Reload()
	if got, _ := grade("features/cropland/1000"); got != "important" {
		t.Errorf("after the table changed: grade %q", got)
	}
	s.stop()
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}

// tables follows a table of the secure tier's catalogue.
func tables(t *testing.T, path string) *catalog.Store {
	t.Helper()
	s, err := catalog.Open([]string{path}, func() (map[edition.Tier][]string, error) {
		return map[edition.Tier][]string{edition.Secure: {"cropland", "pbf", "hsf"}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The server is not ready while its audit log takes no lines, says which tiers that
// shuts, and is ready again without a restart. One of public alone does not care.
func TestReadyAsksTheAuditLog(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	log, err := audit.OpenServer(dir, audit.Record{Act: "serve"}, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	above := serve(t, func(c *tileserver.Config) { c.Audit = log }, edition.Secure, edition.Public)
	below := serve(t, func(c *tileserver.Config) { c.Audit = log }, edition.Public)
	wait := func(status int) string {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); ; {
			res := above.do(t, "GET", "/ready", nil)
			if res.StatusCode == status {
				return string(res.body)
			}
			if time.Now().After(deadline) {
				t.Fatalf("status %d, want %d: %s", res.StatusCode, status, res.body)
			}
			<-time.After(50 * time.Millisecond)
		}
	}
	wait(200)
	// What cannot be written as on a full disk.
	blocked := filepath.Join(dir, log.Chain()+".ready.new")
	if err := os.MkdirAll(filepath.Join(blocked, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if body := wait(503); !strings.Contains(body, "/problems/audit-write") || !strings.Contains(body, "secure") || strings.Contains(body, dir) {
		t.Error(body)
	}
	if res := below.do(t, "GET", "/ready", nil); res.StatusCode != http.StatusOK {
		t.Errorf("of public alone: status %d", res.StatusCode)
	}
	if err := os.RemoveAll(blocked); err != nil {
		t.Fatal(err)
	}
	wait(200)
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}
