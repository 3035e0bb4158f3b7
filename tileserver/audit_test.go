package tileserver_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/tileserver"
	"gengtu/tileserver/audit"
)

// The audit log has a line for each answer above public, without tokens; when
// it cannot be written there is no answer.
func TestAudit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	log, err := audit.OpenServer(dir, audit.Record{Act: "serve"}, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, func(c *tileserver.Config) { c.Audit = log }, edition.Secure, edition.Public)
	s.get(t, "/secure/features/cropland/1000?tk="+s.tokens[edition.Secure])
	s.get(t, "/secure/catalog?tk=wrong")
	s.get(t, "/public/catalog")
	sums, err := audit.Verify(dir, nil)
	if err != nil || len(sums) != 2 || sums[1].N != 2 {
		t.Errorf("%+v, %v", sums, err)
	}
	lines, err := os.ReadFile(filepath.Join(dir, "server-1.000001.jsonl"))
	if err != nil || bytes.Contains(lines, []byte(s.tokens[edition.Secure])) || !bytes.Contains(lines, []byte(`"layer":"cropland"`)) || !bytes.Contains(lines, []byte(`"outcome":"unknown"`)) {
		t.Errorf("%v %s", err, lines)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	r := s.get(t, "/secure/features/cropland/1000", s.bearer(edition.Secure)...)
	wantProblem(t, "without the audit", r, http.StatusServiceUnavailable, "audit_write")
	if m := s.get(t, "/metrics"); !bytes.Contains(m.body, []byte("gengtu_audit_lines_total 2\n")) || !bytes.Contains(m.body, []byte("gengtu_audit_refused_total 1\n")) {
		t.Errorf("the metrics do not tell it: %s", m.body)
	}
	if bytes.Contains(r.body, []byte("DLBM")) {
		t.Error("the answer was given all the same")
	}
}

// What is asked is told: who, from where, about which place or box and layers, and how
// much the answer had; of an answer that is sent while it is made in a second line.
func TestAuditTellsWhatIsAsked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	log, err := audit.OpenServer(dir, audit.Record{Act: "serve"}, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, func(c *tileserver.Config) { c.Audit = log }, edition.Secure, edition.Public)
	token := s.bearer(edition.Secure)
	const square = `{"type":"Polygon","coordinates":[[[108.7,34.3],[108.702,34.3],[108.702,34.302],[108.7,34.302],[108.7,34.3]]]}`
	many := `{"type":"FeatureCollection","features":[` + strings.TrimSuffix(strings.Repeat(`{"type":"Feature","properties":{},"geometry":`+square+`},`, 3), ",") + `]}`
	last := func() (r audit.Record) {
		t.Helper()
		if err := audit.Read(dir, audit.Filter{Tier: "secure"}, func(_ string, _ int64, got audit.Record) error { r = got; return nil }); err != nil {
			t.Fatal(err)
		}
		return r
	}
	areaOf := decode[overlayAnswer](t, s.post(t, "/secure/overlay", `{"geometry":`+square+`,"layers":["cropland"]}`, token...))
	for name, c := range map[string]struct {
		ask  func() reply
		want string
	}{
		"a shape": {
			func() reply {
				return s.post(t, "/secure/overlay", `{"geometry":`+square+`,"layers":["cropland"]}`, token...)
			},
			fmt.Sprintf("overlay cropland place= box=[108.7 34.3 108.702 34.302] shapes=1 features=%d area=%.2f 200", areaOf.Layers[0].Features, areaOf.AOI.AreaM2),
		},
		"a box": {
			func() reply {
				return s.get(t, "/secure/overlay?bbox=108.7,34.3,108.702,34.302&layers=cropland", token...)
			},
			fmt.Sprintf("overlay cropland place= box=[108.7 34.3 108.702 34.302] shapes=1 features=%d area=%.2f 200", areaOf.Layers[0].Features, areaOf.AOI.AreaM2),
		},
		"three shapes": {
			func() reply {
				return s.post(t, "/secure/overlay", `{"geometry":`+many+`,"layers":["cropland"]}`, token...)
			},
			fmt.Sprintf("overlay cropland place= box=[108.7 34.3 108.702 34.302] shapes=3 features=%d area=%.2f 200", 3*areaOf.Layers[0].Features, 3*areaOf.AOI.AreaM2),
		},
		"a feature":      {func() reply { return s.get(t, "/secure/features/cropland/1000", token...) }, "feature cropland place= box=[] shapes=0 features=1 area=0.00 200"},
		"a place's sums": {func() reply { return s.get(t, "/secure/summary?place=610402&layers=cropland", token...) }, "summary cropland place=610402 box=[] shapes=0 features=0 area=0.00 200"},
		"what is not there": {
			func() reply { return s.get(t, "/secure/nothing", token...) }, "  place= box=[] shapes=0 features=0 area=0.00 404",
		},
	} {
		reply := c.ask()
		r := last()
		got := fmt.Sprintf("%s %s place=%s box=%v shapes=%d features=%d area=%.2f %d", r.Route, r.Layer, r.Place, r.Box, r.Shapes, r.Features, r.AreaM2, r.Status)
		if got != c.want || r.Request != reply.Header.Get("X-Request-Id") || r.Who == "" || r.Outcome != "allowed" || r.Generation != reply.Header.Get("Gengtu-Generation") {
			t.Errorf("%s:\ngot  %s\nwant %s\n%+v", name, got, c.want, r)
		}
	}
	reply := s.post(t, "/secure/overlay?f=ndjson", `{"geometry":`+many+`,"layers":["cropland"]}`, token...)
	r := last()
	if r.Outcome != "sent" || r.Bytes < int64(len(reply.body)) || r.Bytes == 0 || r.Shapes != 3 || r.AreaM2 == 0 {
		t.Errorf("streamed: %d %d bytes, %+v", reply.StatusCode, len(reply.body), r)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.Verify(dir, nil); err != nil {
		t.Error(err)
	}
}

// Every route above public leaves one line, whatever is answered, and none in public.
func TestAuditMissesNoRoute(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	log, err := audit.OpenServer(dir, audit.Record{Act: "serve"}, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, func(c *tileserver.Config) { c.Audit = log }, edition.Secure, edition.Public)
	lines := func() (n int) {
		t.Helper()
		if err := audit.Read(dir, audit.Filter{Tier: "secure"}, func(string, int64, audit.Record) error { n++; return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	want := 0
	for _, pattern := range tileserver.Patterns(s.Server) {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions, http.MethodDelete} {
			for _, tier := range []string{"secure", "public"} {
				path := strings.NewReplacer("{tier}", tier, "{grid}", "w", "{layers}", "all", "{layer}", "pbf", "*", "x", "{z}", "12", "{", "", "}", "").Replace(pattern)
				s.do(t, method, path, nil, s.bearer(edition.Secure)...)
				if tier == "secure" && strings.HasPrefix(path, "/secure") {
					want++
				}
				if got := lines(); got != want {
					t.Errorf("%s %s: %d lines, want %d", method, path, got, want)
					want = got
				}
			}
		}
	}
	if want < 100 {
		t.Errorf("only %d requests", want)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}
