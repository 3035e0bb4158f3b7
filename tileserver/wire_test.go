package tileserver_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"gengtu/tileserver"
	"gengtu/tileserver/access"
	"gengtu/tileserver/audit"
)

// The variables of TestWire, which is run by hand: an edition, addresses of tiles of it
// below a tier without their ending (all/w/12/3284/1632), go-pmtiles and the archive that
// gengtu export made of the edition. Of the last two, nothing is measured without.
const (
	wireEdition = "BENCH_WIRE"
	wireTiles   = "BENCH_WIRE_TILES"
	wirePmtiles = "BENCH_GO_PMTILES"
	wireArchive = "BENCH_GO_PMTILES_ARCHIVE"
	wireRounds  = "BENCH_WIRE_ROUNDS"
	wireOnly    = "BENCH_WIRE_ONLY"   // a regular expression of questions; all without
	wireServer  = "BENCH_WIRE_SERVER" // set for the servers, which are processes of this program
	wireDir     = "BENCH_WIRE_DIR"
)

// TestMain is a server where TestWire asks for one.
func TestMain(m *testing.M) {
	if kind := os.Getenv(wireServer); kind != "" {
		if err := serveWire(kind, os.Getenv(wireDir)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serveWire serves on a port of its own, which it writes to dir/kind.port: the kinds of
// bare what serveBare says, "gengtu" the edition as for trials, "gengtu-audit" with a token
// and the audit log.
func serveWire(kind, dir string) error {
	var lc net.ListenConfig
	ln, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	told := func() error { return os.WriteFile(filepath.Join(dir, kind+".port"), []byte(port), 0o600) }
	if kind == bare || kind == bareHeaders {
		return serveBare(kind, dir, ln, told)
	}
	cfg := tileserver.Config{Editions: []string{os.Getenv(wireEdition)}}
	if kind == "gengtu-audit" {
		if cfg.Access, err = access.Open(filepath.Join(dir, "access.json")); err != nil {
			return err
		}
		if cfg.Audit, err = audit.OpenServer(filepath.Join(dir, "audit"), audit.Record{Act: "serve"}, audit.Options{}); err != nil {
			return err
		}
	}
	s, err := tileserver.New(cfg)
	if err != nil {
		return err
	}
	if err := told(); err != nil {
		return err
	}
	return s.Serve(context.Background(), ln, nil)
}

// wire is what is measured.
type wire struct {
	dir     string
	bearer  string
	servers []wireOf
}

// wireOf is a server: its process, and the address of a tile that it sends.
type wireOf struct {
	name    string
	process *exec.Cmd
	address func(tile string) string
}

// start starts a server and waits until it answers.
func (w *wire) start(t *testing.T, name string, process *exec.Cmd, port func() string, path func(tile string) string) {
	t.Helper()
	process.Stderr = os.Stderr
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	})
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(20 * time.Second); ; <-again.C {
		if p := port(); p != "" {
			c, err := net.DialTimeout("tcp", "127.0.0.1:"+p, time.Second)
			if err == nil {
				_ = c.Close()
				w.servers = append(w.servers, wireOf{name, process, func(tile string) string { return "http://127.0.0.1:" + p + path(tile) }})
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not listen", name)
		}
	}
}

func (w *wire) ours(t *testing.T, kind string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	process := exec.CommandContext(t.Context(), self)
	process.Env = append(os.Environ(), wireServer+"="+kind, wireDir+"="+w.dir)
	w.start(t, kind, process, func() string {
		port, _ := os.ReadFile(filepath.Join(w.dir, kind+".port"))
		return string(port)
	}, func(tile string) string { return "/secure/tiles/" + tile + ".mvt" })
}

// processor returns the processor time of a process so far.
func processor(t *testing.T, pid int) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100
}

// wireFigures are those of one round.
type wireFigures struct {
	perSecond, perProcessorSecond float64
	p50, p99                      time.Duration
}

var wrkFigure = map[string]*regexp.Regexp{
	"p50": regexp.MustCompile(`50%\s+(\S+)`), "p99": regexp.MustCompile(`99%\s+(\S+)`), "rate": regexp.MustCompile(`Requests/sec:\s+(\S+)`),
	"all": regexp.MustCompile(`(\d+) requests in`), "bad": regexp.MustCompile(`Socket errors:.*|Non-2xx or 3xx responses: \d+`),
}

// round lets wrk ask one server for a second.
func (w *wire) round(t *testing.T, s wireOf, headers []string, tiles []string) wireFigures {
	t.Helper()
	script := "local p = {"
	for _, tile := range tiles {
		script += fmt.Sprintf("%q,", strings.SplitN(s.address(tile), "/", 4)[3])
	}
	script += "}\nlocal i = 0\nrequest = function() i = i % #p + 1; return wrk.format(nil, '/' .. p[i]) end\n"
	lua := filepath.Join(w.dir, "tiles.lua")
	if err := os.WriteFile(lua, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-t1", "-c16", "-d1s", "--latency", "-H", "Accept-Encoding: gzip", "-H", "Authorization: " + w.bearer}
	for _, h := range headers {
		args = append(args, "-H", h)
	}
	if len(tiles) > 1 {
		args = append(args, "-s", lua)
	}
	before := processor(t, s.process.Process.Pid)
	out, err := exec.CommandContext(t.Context(), "wrk", append(args, s.address(tiles[0]))...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	took := processor(t, s.process.Process.Pid) - before
	if bad := wrkFigure["bad"].Find(out); bad != nil {
		t.Fatalf("%s: %s", s.name, bad)
	}
	text := func(name string) string { return string(wrkFigure[name].FindSubmatch(out)[1]) }
	var f wireFigures
	f.perSecond, _ = strconv.ParseFloat(text("rate"), 64)
	all, _ := strconv.ParseFloat(text("all"), 64)
	f.perProcessorSecond = all / took.Seconds()
	f.p50, _ = time.ParseDuration(text("p50"))
	f.p99, _ = time.ParseDuration(text("p99"))
	return f
}

// TestWire measures tiles in memory over sockets, by hand: our server beside bare fasthttp
// handlers that send the same bytes, go-pmtiles and nginx with sendfile, each in a process
// of its own, in turns of a second. Middles of the rounds are printed as the rows of a
// table: requests a second by the clock and in % of bare's and of bare-headers', the same of
// the server's processor time, and the times in ms that half and 99 % of answers took.
//
//	BENCH_WIRE=EDITION BENCH_WIRE_TILES="all/w/12/3284/1632 …" go test -v -run TestWire ./tileserver
func TestWire(t *testing.T) {
	if os.Getenv(wireEdition) == "" {
		t.Skip("by hand: set " + wireEdition)
	}
	w := &wire{dir: t.TempDir()}
	token, err := access.Add(filepath.Join(w.dir, "access.json"), access.Token{Name: "wrk", Tier: "secure"})
	if err != nil {
		t.Fatal(err)
	}
	w.bearer = "Bearer " + token
	w.ours(t, "gengtu")
	w.ours(t, "gengtu-audit")
	tiles := strings.Fields(os.Getenv(wireTiles))
	questions := map[string][]string{}
	var order []string
	for _, tile := range tiles {
		question := fmt.Sprintf("%6d bytes", len(w.keep(t, tile)))
		questions[question] = []string{tile}
		order = append(order, question)
	}
	slices.Sort(order)
	view := around(t, tiles[2*len(tiles)/3])
	view = slices.DeleteFunc(view, func(tile string) bool { return w.keep(t, tile) == nil }) // rivals have no empty ones
	questions["viewport 4×4"] = view
	questions["304"] = tiles[:1]
	w.ours(t, bare)
	w.ours(t, bareHeaders)
	w.rivals(t)
	rounds, _ := strconv.Atoi(os.Getenv(wireRounds))
	only := regexp.MustCompile(os.Getenv(wireOnly))
	for _, question := range append(order, "viewport 4×4", "304") {
		if only.MatchString(question) {
			w.measure(t, question, max(rounds, 3), questions[question])
		}
	}
}

// keep fetches a tile of ours, as it goes out, for the others to send; nil of an empty one.
func (w *wire) keep(t *testing.T, tile string) []byte {
	t.Helper()
	res := w.ask(t, w.servers[0], tile, "")
	if res.StatusCode() == fasthttp.StatusNoContent {
		return nil
	}
	if res.StatusCode() != fasthttp.StatusOK {
		t.Fatalf("%s: %d", tile, res.StatusCode())
	}
	name := strings.ReplaceAll("secure/tiles/"+tile+".mvt", "/", "_")
	for dir, data := range map[string][]byte{"tiles": res.Body(), "heads": res.Header.Header()} {
		dir = filepath.Join(w.dir, dir)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return res.Body()
}

// ask asks a server for a tile once, for one that is not tag where there is a tag.
func (w *wire) ask(t *testing.T, s wireOf, tile, tag string) *fasthttp.Response {
	t.Helper()
	var req fasthttp.Request
	req.SetRequestURI(s.address(tile))
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("Authorization", w.bearer)
	if tag != "" {
		req.Header.Set("If-None-Match", tag)
	}
	res := &fasthttp.Response{}
	if err := fasthttp.Do(&req, res); err != nil {
		t.Fatalf("%s: %s: %v", s.name, tile, err)
	}
	return res
}

// around are the 16 tiles of a map in whose middle a tile lies.
func around(t *testing.T, tile string) []string {
	t.Helper()
	var x, y int
	e := strings.Split(tile, "/")
	if _, err := fmt.Sscan(e[3], &x); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(e[4], &y); err != nil {
		t.Fatal(err)
	}
	var out []string
	for dx := range 4 {
		for dy := range 4 {
			out = append(out, strings.Join([]string{e[0], e[1], e[2], strconv.Itoa(x + dx - 1), strconv.Itoa(y + dy - 1)}, "/"))
		}
	}
	return out
}

// rivals starts those that are there.
func (w *wire) rivals(t *testing.T) {
	t.Helper()
	if program, archive := os.Getenv(wirePmtiles), os.Getenv(wireArchive); program != "" {
		port := freePort(t)
		name := strings.TrimSuffix(filepath.Base(archive), ".pmtiles")
		w.start(t, "go-pmtiles", exec.CommandContext(t.Context(), program, "serve", filepath.Dir(archive), "--port", port), func() string { return port },
			func(tile string) string {
				e := strings.Split(tile, "/")
				return "/" + name + "/" + strings.Join(e[2:], "/") + ".mvt"
			})
	}
	if nginx, err := exec.LookPath("nginx"); err == nil {
		port := freePort(t)
		conf := filepath.Join(w.dir, "nginx.conf")
		text := fmt.Sprintf(`daemon off; master_process off; user root; pid %[1]s/nginx.pid; error_log %[1]s/error.log;
events {} http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 10000000; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
server { listen 127.0.0.1:%[2]s; root %[1]s/tiles; default_type application/vnd.mapbox-vector-tile; add_header Content-Encoding gzip; } }`, w.dir, port)
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		w.start(t, "nginx", exec.CommandContext(t.Context(), nginx, "-c", conf, "-e", filepath.Join(w.dir, "start.log")), func() string { return port },
			func(tile string) string { return "/" + strings.ReplaceAll("secure/tiles/"+tile+".mvt", "/", "_") })
	}
}

// freePort returns a port that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	return port
}

// headersOf are those by which a server is asked a question, once it is seen that it gives
// the answer that the question is about: the tile's bytes or, to its own ETag, 304.
func (w *wire) headersOf(t *testing.T, s wireOf, question, tile string) []string {
	t.Helper()
	res := w.ask(t, s, tile, "")
	what := fmt.Sprintf("%s: %s: %d, body of %d bytes, head of %d", question, s.name, res.StatusCode(), len(res.Body()), len(res.Header.Header()))
	if res.StatusCode() != fasthttp.StatusOK {
		t.Fatal(what)
	}
	if question != "304" {
		t.Log(what)
		return nil
	}
	tag := string(res.Header.Peek(fasthttp.HeaderETag))
	if tag == "" {
		tag = "*"
	}
	res = w.ask(t, s, tile, tag)
	t.Logf("%s: %s: %d to %s, head of %d", question, s.name, res.StatusCode(), tag, len(res.Header.Header()))
	return []string{"If-None-Match: " + tag}
}

// measure prints the middles of some rounds.
func (w *wire) measure(t *testing.T, question string, rounds int, tiles []string) {
	t.Helper()
	all := make([][]wireFigures, len(w.servers))
	headers := make([][]string, len(w.servers))
	for i, s := range w.servers {
		headers[i] = w.headersOf(t, s, question, tiles[0])
	}
	for range rounds {
		for i, s := range w.servers {
			all[i] = append(all[i], w.round(t, s, headers[i], tiles))
		}
	}
	middle := func(name string, of func(wireFigures) float64) float64 {
		var v []float64
		for _, f := range all[slices.IndexFunc(w.servers, func(s wireOf) bool { return s.name == name })] {
			v = append(v, of(f))
		}
		slices.Sort(v)
		return v[len(v)/2]
	}
	clock := func(f wireFigures) float64 { return f.perSecond }
	cpu := func(f wireFigures) float64 { return f.perProcessorSecond }
	p50 := func(f wireFigures) float64 { return f.p50.Seconds() * 1e3 }
	p99 := func(f wireFigures) float64 { return f.p99.Seconds() * 1e3 }
	for _, s := range w.servers {
		line := "| " + question + " | " + s.name
		for _, of := range []func(wireFigures) float64{clock, cpu} {
			of0 := middle(s.name, of)
			line += fmt.Sprintf(" | %.0f | %.0f | %.0f", of0, 100*of0/middle(bare, of), 100*of0/middle(bareHeaders, of))
		}
		t.Logf("%s | %.2f | %.2f |", line, middle(s.name, p50), middle(s.name, p99))
	}
	name := map[string]string{"viewport 4×4": "viewport=4x4", "304": "status=304"}[question]
	if size, ok := strings.CutSuffix(strings.TrimSpace(question), " bytes"); ok {
		name = "bytes=" + size
	}
	for i, s := range w.servers {
		for _, f := range all[i] { // what RESULTS.md is made of
			_, err := fmt.Fprintf(os.Stdout, "BenchmarkWire/%s/by=%s 1 %.0f requests/s %.0f requests/cpu-s %.3f p50-ms %.3f p99-ms\n", name, s.name, clock(f), cpu(f), p50(f), p99(f))
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}
