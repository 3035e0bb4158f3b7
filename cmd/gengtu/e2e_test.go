package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gengtu/tileserver/viewer/viewertest"
)

// The end-to-end tests drive the built binary over the synthetic delivery, as a
// user would.

// work is the directory that TestMain makes for everything the tests share.
var work string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "gengtu-e2e-")
	if err == nil {
		work = dir
		err = exec.Command("go", "build", "-o", binary(), ".").Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "building the binary:", err)
		os.Exit(1)
	}
	code := m.Run()
	if err := errors.Join(viewertest.Close(), os.RemoveAll(dir)); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func binary() string { return filepath.Join(work, "gengtu") }

// delivery returns a file of the synthetic delivery beside the project.
func delivery(t testing.TB, elem ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{"..", "..", "..", "shared", "data"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the test data are missing: %v", err)
	}
	return path
}

// gengtu runs the binary and returns what it printed and its exit code.
func gengtu(t testing.TB, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(binary(), args...)
	cmd.Env = append(os.Environ(), "LANG=en_US.UTF-8", "LC_ALL=", "GENGTU_LANG=en")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// must runs the binary, which must succeed, and returns its standard output.
func must(t testing.TB, args ...string) string {
	t.Helper()
	out, errs, code := gengtu(t, args...)
	if code != 0 {
		t.Fatalf("gengtu %s: exit code %d\n%s", strings.Join(args, " "), code, errs)
	}
	return out
}

// editions are the three editions of the 2024 delivery, made once for all
// tests, which must not change them.
type editions struct {
	Secure, Government, Public string
	Report                     string // of the ingest, JSON
}

var makeEditions = sync.OnceValues(func() (*editions, error) {
	e := &editions{
		Secure: filepath.Join(work, "secure"), Government: filepath.Join(work, "government"), Public: filepath.Join(work, "public"),
		Report: filepath.Join(work, "report.json"),
	}
	data := filepath.Join("..", "..", "..", "shared", "data", "delivery", "2024")
	runs := [][]string{
		{"ingest", "--out", e.Secure, "--vintage", "2024", "--report", e.Report,
			"--layer", "dltb=" + filepath.Join(data, "DLTB.shp"), "--layer", "pbf=" + filepath.Join(data, "YJJBNTTB.gpkg"),
			"--layer", "hsf=" + filepath.Join(data, "GBZNT.geojson"), "--layer", "region=" + filepath.Join(data, "XZQ.fgb")},
		{"publish", "--from", e.Secure, "--tier", "government", "--out", e.Government},
		{"publish", "--from", e.Secure, "--tier", "public", "--out", e.Public},
	}
	for _, args := range runs {
		if out, err := exec.Command(binary(), args...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("gengtu %s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	return e, nil
})

func theEditions(t testing.TB) *editions {
	t.Helper()
	e, err := makeEditions()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// server is a running `gengtu serve`.
type server struct {
	URL    string
	tokens map[string]string // by tier
	cmd    *exec.Cmd
	log    *lockedBuffer
	access string // the access file, beside which the audit log lies
	faulty bool   // its files were damaged, so that it may log faults
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// serve starts the binary on a free port with tokens for the higher tiers, and
// stops it when the test ends: it must stop by itself and have logged nothing
// above info.
func serve(t testing.TB, dirs ...string) *server {
	t.Helper()
	return serveWith(t, nil, dirs...)
}

// serveWith is [serve] with more flags.
func serveWith(t testing.TB, flags []string, dirs ...string) *server {
	t.Helper()
	access := filepath.Join(t.TempDir(), "access.json")
	s := &server{tokens: map[string]string{}, log: &lockedBuffer{}, access: access}
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--access", access}, flags...)
	for _, tier := range []string{"secure", "government"} {
		s.tokens[tier] = strings.TrimSpace(must(t, "token", "add", "--access", access, "--tier", tier, "--name", tier))
	}
	for _, d := range dirs {
		args = append(args, "--edition", d)
	}
	s.start(t, args...)
	return s
}

// start runs the binary, waits until it serves, and stops it when the test ends.
func (s *server) start(t testing.TB, args ...string) {
	t.Helper()
	s.cmd = exec.Command(binary(), args...)
	s.cmd.Env = append(os.Environ(), "GENGTU_LANG=en")
	s.cmd.Stderr = s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(t) })
	s.URL = waitForAddress(t, s.log)
}

// waitForAddress returns the address that a server says in its log.
func waitForAddress(t testing.TB, log *lockedBuffer) string {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		if _, rest, ok := strings.Cut(log.String(), "serving at "); ok && strings.Contains(rest, "\n") {
			return strings.TrimSuffix(strings.Split(rest, "\n")[0], "/")
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server did not start:\n%s", log.String())
		}
		<-time.After(10 * time.Millisecond)
	}
}

func (s *server) stop(t testing.TB) {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("stopping the server: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("the server ended with %v", err)
		}
	case <-ctx.Done():
		_ = s.cmd.Process.Kill()
		t.Error("the server did not stop within 20 s")
	}
	for _, line := range strings.Split(s.log.String(), "\n") {
		if s.faulty {
			break
		}
		if strings.Contains(line, `"level":"ERROR"`) || strings.Contains(line, `"level":"WARN"`) || strings.Contains(line, "panic") {
			t.Errorf("the server logged: %s", line)
		}
	}
}

// answer is what came back for one request.
type answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// do sends a request with the tier's token, if the path has a tier that needs
// one. Headers are given as pairs.
func (s *server) do(t testing.TB, method, path string, body []byte, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequest(method, s.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	tier, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if tok := s.tokens[tier]; tok != "" {
		req.Header.Set("Authorization", "Bearer "+tok)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{resp.StatusCode, resp.Header, data}
}

// get sends a GET that must answer with status, and returns the answer.
func (s *server) get(t testing.TB, status int, path string, headers ...string) answer {
	t.Helper()
	a := s.do(t, http.MethodGet, path, nil, headers...)
	if a.Status != status {
		t.Fatalf("GET %s: status %d, want %d\n%.500s", path, a.Status, status, a.Body)
	}
	return a
}

func decode(t testing.TB, data []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%v in %.300s", err, data)
	}
}
