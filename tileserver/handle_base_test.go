package tileserver_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"gengtu/index/edition"
	"gengtu/tileserver"
	"gengtu/tileserver/basemap"
)

// A base map is passed on to the tiers that its source names, under their rules of
// tokens; the key is in no answer, log or metric.
func TestBaseMaps(t *testing.T) {
	const key = "tiandituKEY0123456789"
	var tile bytes.Buffer
	if err := png.Encode(&tile, image.NewGray(image.Rect(0, 0, 256, 256))); err != nil {
		t.Fatal(err)
	}
	var fails atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fails.Load() || r.URL.Query().Get("tk") != key {
			http.Error(w, "no tk="+key, http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(tile.Bytes()) // the asker tells what it got
	}))
	defer other.Close()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "key"), []byte(key))
	if err := os.Chmod(filepath.Join(dir, "key"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "bases.yaml")
	writeFile(t, path, fmt.Appendf(nil, "sources:\n  - name: vec\n    title: {zh: 矢量, en: Streets}\n    url: %s/{z}/{x}/{y}?tk={key}\n    key_file: key\n    grid: w\n    zooms: [1, 18]\n    tiers: [public, government]\n    attribution: 天地图\n", other.URL))
	sources, err := basemap.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, func(c *tileserver.Config) {
		c.BaseMaps = basemap.New(sources, basemap.Options{Failed: func(source string, err error) { c.Log.Warn("base map fails", "source", source, "error", err) }})
	}, edition.Secure, edition.Government, edition.Public)
	r := s.get(t, "/public/base/vec/5/26/12")
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "image/png" || !bytes.Equal(r.body, tile.Bytes()) || r.Header.Get("Gengtu-Generation") != "" || r.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Fatalf("%d %v", r.StatusCode, r.Header)
	}
	if again := s.get(t, "/public/base/vec/5/26/12?generation="+s.generations[edition.Public], "If-None-Match", r.Header.Get("ETag")); again.StatusCode != http.StatusNotModified || strings.Contains(again.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("%d %v", again.StatusCode, again.Header)
	}
	wantProblem(t, "without a token", s.get(t, "/government/base/vec/5/26/12"), http.StatusUnauthorized, "token_missing")
	if g := s.get(t, "/government/base/vec/5/26/12", s.bearer(edition.Government)...); g.StatusCode != http.StatusOK || !strings.Contains(g.Header.Get("Cache-Control"), "private") {
		t.Errorf("%d %v", g.StatusCode, g.Header)
	}
	wantProblem(t, "a tier that is not named", s.get(t, "/secure/base/vec/5/26/12", s.bearer(edition.Secure)...), http.StatusNotFound, "no_base_map")
	wantProblem(t, "outside the matrix", s.get(t, "/public/base/vec/5/32/12"), http.StatusBadRequest, "tile_range")
	wantProblem(t, "no number", s.get(t, "/public/base/vec/5/a/12"), http.StatusBadRequest, "parameter_tile")
	wantProblem(t, "no zoom", s.get(t, "/public/base/vec/19/1/1"), http.StatusNotFound, "no_base_tile")
	wantProblem(t, "no number at all", s.get(t, "/public/base/vec/99999999999/1/1"), http.StatusNotFound, "no_base_tile")
	type list struct {
		Base []struct {
			Name, Title, Grid, Attribution, Tiles string
			MinZoom, MaxZoom                      int
		}
	}
	if l := decode[list](t, s.get(t, "/public/base")); len(l.Base) != 1 || l.Base[0].Title != "Streets" || l.Base[0].MaxZoom != 18 || l.Base[0].Tiles != "http://gengtu.test/public/base/vec/{z}/{x}/{y}" {
		t.Errorf("%+v", l)
	}
	if l := decode[list](t, s.get(t, "/secure/base", s.bearer(edition.Secure)...)); l.Base == nil || len(l.Base) != 0 {
		t.Errorf("%+v", l)
	}
	// The catalogue says the same, of tiers that have one.
	type catalogue struct {
		BaseMaps json.RawMessage `json:"base_maps"`
	}
	if c, l := decode[catalogue](t, s.get(t, "/public/catalog")), s.get(t, "/public/base"); `{"base":`+string(c.BaseMaps)+"}" != strings.TrimSpace(string(l.body)) {
		t.Errorf("%s, /base says %s", c.BaseMaps, l.body)
	}
	if c := decode[catalogue](t, s.get(t, "/secure/catalog", s.bearer(edition.Secure)...)); c.BaseMaps != nil {
		t.Errorf("%s", c.BaseMaps)
	}
	fails.Store(true)
	var last reply
	for i := range 6 {
		last = s.get(t, fmt.Sprintf("/public/base/vec/9/1/%d", i))
		wantProblem(t, "a source that fails", last, http.StatusBadGateway, "base_upstream")
	}
	if r := s.get(t, "/public/base/vec/5/26/12"); r.StatusCode != http.StatusOK {
		t.Errorf("what is kept, while the source fails: %d", r.StatusCode)
	}
	metrics := s.get(t, "/metrics")
	if n := strings.Count(s.log.String(), `"level":"WARN"`) + strings.Count(s.log.String(), `"level":"ERROR"`); n != 1 {
		t.Errorf("a source that fails makes %d lines of log, want one:\n%s", n, s.log)
	}
	if !strings.Contains(s.log.String(), "base map fails") || !strings.Contains(string(metrics.body), `gengtu_base_requests_total{result="failed",source="vec"} 6`) {
		t.Errorf("%s", s.log)
	}
	for at, text := range map[string]string{"the log": s.log.String(), "the metrics": string(metrics.body), "an error": string(last.body), "the list": string(s.get(t, "/public/base").body)} {
		if strings.Contains(text, key) {
			t.Errorf("the key is in %s", at)
		}
	}
}
