package tileserver_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"gengtu/index/edition"
	"gengtu/tileserver"
	"gengtu/tileserver/audit"
	"gengtu/tileserver/tile"
)

// value returns what /metrics shows of a series, and whether it shows it.
func (s *service) value(t testing.TB, series string) (float64, bool) {
	t.Helper()
	for line := range strings.Lines(string(s.get(t, "/metrics").body)) {
		if v, ok := strings.CutPrefix(line, series+" "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
			if err != nil {
				t.Fatal(err)
			}
			return n, true
		}
	}
	return 0, false
}

// wantValue waits for a series to show a value: what a request did is counted after its
// answer went out.
func (s *service) wantValue(t testing.TB, series string, want float64) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		got, there := s.value(t, series)
		if there && got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("%s is %v (%v), want %v", series, got, there, want)
			return
		}
		<-time.After(10 * time.Millisecond)
	}
}

// Names and help are as Prometheus's own lint asks for, but for what its library calls
// the process and the runtime.
func TestMetricsLint(t *testing.T) {
	log, err := tileserver.OpenAccessLog(tileserver.StandardError, &logBuffer{}, tileserver.LogJSON, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	audited, err := audit.OpenServer(filepath.Join(t.TempDir(), "audit"), audit.Record{Act: "serve"}, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := audited.Close(); err != nil {
			t.Error(err)
		}
	}()
	s := serve(t, func(c *tileserver.Config) {
		c.Audit, c.AccessLog, c.CacheDir, c.CertificateEnds = audited, log, t.TempDir(), func() time.Time { return time.Unix(2e9, 0) }
	}, edition.Secure, edition.Public)
	s.get(t, "/public/nothing")
	s.get(t, "/secure/overlay?place=610402001", s.bearer(edition.Secure)...)
	text := s.get(t, "/metrics").body
	problems, err := promlint.New(bytes.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if !strings.HasPrefix(p.Metric, "gengtu_go_") && !strings.HasPrefix(p.Metric, "gengtu_process_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	for _, want := range []string{
		`gengtu_build_info{version="gengtu test"} 1`, "gengtu_ready 1", `gengtu_generation_info{generation="` + s.generations[edition.Secure] + `",tier="secure"} 1`,
		`gengtu_generation_refused{tier="public"} 0`, "gengtu_certificate_expiry_timestamp_seconds 2e+09", `gengtu_disk_free_bytes{disk="cache"} `, `gengtu_problems_total{code="not_found"} 1`,
		`gengtu_work_places{kind="overlay"} `, "gengtu_connections_open 1", "gengtu_generations_open 2", "gengtu_audit_unsynced_lines ", `gengtu_access_log_lines_total{result="written"} `,
	} {
		if !strings.Contains(string(text), "\n"+want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	at, there := s.value(t, `gengtu_generation_created_timestamp_seconds{tier="secure"}`)
	if since := time.Since(time.Unix(int64(at), 0)); !there || since < -time.Minute || since > 24*time.Hour {
		t.Errorf("the generation was made %s ago", since)
	}
}

// Who waits for a place is shown while he waits, beside those who have one.
func TestWaitingMetrics(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	s.wantValue(t, `gengtu_work_waiting{kind="overlay"}`, 0)
	free := s.HoldPlaces()
	places, _ := s.value(t, `gengtu_work_places{kind="overlay"}`)
	var waiting sync.WaitGroup
	for range 3 {
		waiting.Go(func() { s.get(t, "/secure/overlay?place=610402001", s.bearer(edition.Secure)...) })
	}
	s.wantValue(t, `gengtu_work_waiting{kind="overlay"}`, 3)
	s.wantValue(t, `gengtu_work_running{kind="overlay"}`, places)
	free()
	waiting.Wait()
	s.wantValue(t, `gengtu_work_waiting{kind="overlay"}`, 0)
	for _, kind := range []string{"map", "tile"} {
		if got, there := s.value(t, `gengtu_work_waiting{kind="`+kind+`"}`); got != 0 || !there {
			t.Errorf("%s: %v wait (%v)", kind, got, there)
		}
	}
}

// Looks for tiles are counted by where they were found, and so they are when the
// generation that made them is gone: no counter goes back.
func TestCacheMetrics(t *testing.T) {
	s := serve(t, nil, edition.Public)
	looks := func(cache, result string) string {
		return fmt.Sprintf("gengtu_cache_requests_total{cache=%q,result=%q}", cache, result)
	}
	made, memory := looks("tiles", "made"), looks("tiles", "memory")
	painted, found := looks("pictures", "made"), looks("pictures", "memory")
	answers, general := looks("answers", "memory"), looks("answers", "made")
	s.wantValue(t, made, 0)
	address := "/public/tiles/cropland/w/" + tileAt(tile.W, 14)
	for range 3 {
		if r := s.get(t, address+".mvt?x=past+answers"); r.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", r.StatusCode, r.body)
		}
	}
	s.wantValue(t, made, 1)
	s.wantValue(t, memory, 2)
	for range 4 {
		s.get(t, address+".png?x=past+answers")
	}
	s.wantValue(t, answers, 0)
	s.wantValue(t, general, 0)
	for range 3 {
		s.get(t, address+".png")
	}
	s.wantValue(t, answers, 2)
	s.wantValue(t, general, 1)
	s.wantValue(t, painted, 1)
	s.wantValue(t, found, 4)
	s.wantValue(t, memory, 3)
	if size, _ := s.value(t, `gengtu_cache_memory_bytes{cache="tiles"}`); size <= 0 {
		t.Error("nothing is held")
	}
	s.variant(t, edition.Public, "next", 1)
	s.Reload()
	s.Reload() // gives up what is no longer kept
	s.wantValue(t, "gengtu_generations_open", 1)
	s.wantValue(t, made, 1)
	s.wantValue(t, found, 4)
	s.wantValue(t, answers, 2)
	s.wantValue(t, `gengtu_cache_memory_bytes{cache="tiles"}`, 0)
	s.get(t, address+".mvt")
	s.wantValue(t, made, 2)
}

// Overlays are counted by shapes and vertices; errors by their codes, of which nobody
// who asks can make new ones.
func TestWorkMetrics(t *testing.T) {
	s := serve(t, nil, edition.Secure, edition.Public)
	const square = `{"type":"Polygon","coordinates":[[[108.7,34.3],[108.702,34.3],[108.702,34.302],[108.7,34.302],[108.7,34.3]]]}`
	if r := s.post(t, "/public/overlay", `{"geometry":{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":`+square+`},{"type":"Feature","properties":{},"geometry":`+square+`}]}}`); r.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	s.wantValue(t, `gengtu_overlay_shapes_total{tier="public"}`, 2)
	s.wantValue(t, `gengtu_overlay_vertices_total{tier="public"}`, 10)
	s.wantValue(t, `gengtu_overlay_shapes_total{tier="secure"}`, 0)
	for range 3 {
		s.get(t, "/secure/catalog?tk=wrong")
	}
	s.get(t, "/public/wmts?SERVICE=WMTS&REQUEST=Nonsense")
	s.wantValue(t, `gengtu_problems_total{code="token_invalid"}`, 3)
	text := string(s.get(t, "/metrics").body)
	for _, m := range regexp.MustCompile(`gengtu_problems_total\{code="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		if !regexp.MustCompile(`^[a-z][a-z_0-9]*$`).MatchString(m[1]) {
			t.Errorf("a code %q", m[1])
		}
	}
}

// A generation that cannot be taken is shown while CURRENT names it, and no longer.
func TestRefusedGenerationMetric(t *testing.T) {
	s := serve(t, nil, edition.Public)
	const refused = `gengtu_generation_refused{tier="public"}`
	current := filepath.Join(s.dirs[edition.Public], "CURRENT")
	before, err := os.ReadFile(current)
	if err != nil {
		t.Fatal(err)
	}
	s.wantValue(t, refused, 0)
	writeFile(t, current, []byte("nonsense\n"))
	s.Reload()
	s.wantValue(t, refused, 1)
	writeFile(t, current, before)
	s.Reload()
	s.wantValue(t, refused, 0)
}

// The access log has a line for each answer of every tier, with what it is documented to
// have and without tokens.
func TestAccessLog(t *testing.T) {
	for _, format := range []tileserver.LogFormat{tileserver.LogJSON, tileserver.LogText} {
		path := filepath.Join(t.TempDir(), "access.log")
		log, err := tileserver.OpenAccessLog(path, nil, format, func(err error) { t.Error(err) })
		if err != nil {
			t.Fatal(err)
		}
		s := serve(t, func(c *tileserver.Config) { c.AccessLog = log }, edition.Secure, edition.Public)
		s.get(t, "/public/tiles/cropland/w/"+tileAt(tile.W, 12)+".mvt", "User-Agent", "a \"map\"")
		s.get(t, "/secure/features/cropland/1000?tk="+s.tokens[edition.Secure])
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
		log.Reopen()
		deadline := time.Now().Add(5 * time.Second)
		for _, err = os.Stat(path); err != nil && time.Now().Before(deadline); _, err = os.Stat(path) {
			<-time.After(5 * time.Millisecond)
		}
		s.get(t, "/nowhere?TK="+s.tokens[edition.Secure], "User-Agent", strings.Repeat("x", 1000))
		s.stop()
		log.Close()
		log.Close()
		old, err := os.ReadFile(path + ".1")
		if err != nil {
			t.Fatal(err)
		}
		recent, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(string(old)+string(recent), "\n"), "\n")
		if len(lines) != 3 || strings.Count(string(recent), "\n") != 1 || strings.Contains(strings.Join(lines, ""), s.tokens[edition.Secure]) {
			t.Fatalf("%s: %q then %q", format, old, recent)
		}
		if format == tileserver.LogText {
			combined := regexp.MustCompile(`^(\S+) - (\S+) \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET \S+ HTTP/1.1" \d{3} (\d+|-) "-" "[^"]*" \d+\.\d{6} [0-9a-f]{16}$`)
			for _, line := range lines {
				if !combined.MatchString(strings.ReplaceAll(line, `\"`, "'")) {
					t.Errorf("%s", line)
				}
			}
			continue
		}
		var got [3]map[string]any
		for i, line := range lines {
			if err := json.Unmarshal([]byte(line), &got[i]); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
		for i, want := range []map[string]any{
			{"method": "GET", "route": "mvt", "tier": "public", "layer": "cropland", "generation": s.generations[edition.Public], "status": 200.0, "agent": "a \"map\""},
			{"route": "feature", "tier": "secure", "token": "secure", "layer": "cropland", "path": "/secure/features/cropland/1000?tk=***", "generation": s.generations[edition.Secure]},
			{"path": "/nowhere?TK=***", "status": 404.0, "route": "", "agent": strings.Repeat("x", 200)},
		} {
			for k, v := range want {
				if got[i][k] != v {
					t.Errorf("line %d: %s is %v, want %v", i+1, k, got[i][k], v)
				}
			}
			for _, k := range []string{"time", "request", "address", "bytes", "seconds"} {
				if got[i][k] == nil {
					t.Errorf("line %d has no %s", i+1, k)
				}
			}
		}
	}
}

// stuck is a writer that takes nothing before it is let go.
type stuck chan struct{}

func (w stuck) Write(p []byte) (int, error) {
	<-w
	return len(p), nil
}

// Where nobody takes the lines, answers go on, and the lines that are lost are counted.
func TestAccessLogThatIsStuck(t *testing.T) {
	w := make(stuck)
	log, err := tileserver.OpenAccessLog(tileserver.StandardError, w, tileserver.LogJSON, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, func(c *tileserver.Config) { c.AccessLog = log }, edition.Public)
	deadline := time.Now().Add(30 * time.Second)
	for {
		for range 500 {
			s.get(t, "/health")
		}
		if lost, _ := s.value(t, `gengtu_access_log_lines_total{result="lost"}`); lost > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no line is lost")
		}
	}
	close(w)
	s.stop()
	log.Close()
}

// full is a writer that fails while it is full.
type full struct{ atomic.Bool }

func (w *full) Write(p []byte) (int, error) {
	if w.Load() {
		return 0, errors.New("no space")
	}
	return len(p), nil
}

// A disc that takes no lines is told of when that begins, not for each line, which are
// counted; and again when it happens again.
func TestAccessLogOnAFullDisc(t *testing.T) {
	var w full
	var told atomic.Int32
	log, err := tileserver.OpenAccessLog(tileserver.StandardError, &w, tileserver.LogJSON, func(error) { told.Add(1) })
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, func(c *tileserver.Config) { c.AccessLog = log }, edition.Public)
	for round := range int32(2) {
		for _, at := range []struct {
			full   bool
			result string
		}{{true, "lost"}, {false, "written"}} {
			w.Store(at.full)
			series := fmt.Sprintf("gengtu_access_log_lines_total{result=%q}", at.result)
			before, _ := s.value(t, series)
			for range 20 {
				s.get(t, "/health")
			}
			deadline := time.Now().Add(5 * time.Second)
			for {
				if now, _ := s.value(t, series); now >= before+20 {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("%s does not grow", series)
				}
			}
		}
		if got := told.Load(); got != round+1 {
			t.Errorf("told %d times after %d times", got, round+1)
		}
	}
	s.stop()
	log.Close()
}
