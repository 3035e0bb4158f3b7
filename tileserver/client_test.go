package tileserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp/fasthttputil"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver"
	"gengtu/tileserver/access"
)

// service is a server on a listener in memory, with its editions.
type service struct {
	*tileserver.Server
	*http.Client
	dirs        map[edition.Tier]string
	generations map[edition.Tier]string
	tokens      map[edition.Tier]string
	accessFile  string
	log         *logBuffer
	stop        func()
	wake        chan struct{}
}

// logBuffer keeps what is logged.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// origin is what the access file of the tests lets read.
const origin = "https://map.example.org"

// serve starts a server with an edition of each of tiers; change, when it is not
// nil, changes its configuration. It stops with the test.
func serve(t testing.TB, change func(*tileserver.Config), tiers ...edition.Tier) *service {
	t.Helper()
	s := &service{
		dirs: map[edition.Tier]string{}, generations: map[edition.Tier]string{}, tokens: map[edition.Tier]string{},
		log: &logBuffer{}, accessFile: filepath.Join(t.TempDir(), "access.json"), wake: make(chan struct{}),
	}
	cfg := tileserver.Config{Lang: problem.English, Program: "gengtu test", Log: slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for _, tier := range tiers {
		s.dirs[tier], s.generations[tier] = newEdition(t, tier)
		cfg.Editions = append(cfg.Editions, s.dirs[tier])
	}
	for _, tier := range []edition.Tier{edition.Government, edition.Secure} {
		token, err := access.Add(s.accessFile, access.Token{Name: string(tier), Tier: string(tier)})
		if err != nil {
			t.Fatal(err)
		}
		s.tokens[tier] = token
	}
	allowOrigin(t, s.accessFile)
	store, err := access.Open(s.accessFile)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Access = store
	if change != nil {
		change(&cfg)
	}
	if s.Server, err = tileserver.New(cfg); err != nil {
		t.Fatal(err)
	}
	s.listen(t, fasthttputil.NewInmemoryListener())
	return s
}

// dialer is a listener in memory.
type dialer interface {
	net.Listener
	Dial() (net.Conn, error)
}

func (s *service) listen(t testing.TB, ln net.Listener) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	server := s.Server
	go func() { done <- server.Serve(ctx, ln, s.wake) }()
	s.stop = sync.OnceFunc(func() {
		s.CloseIdleConnections()
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("serving ended with %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("the server does not stop")
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(s.stop)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", ln.Addr().String())
	}
	if m, ok := ln.(dialer); ok {
		dial = func(context.Context, string, string) (net.Conn, error) { return m.Dial() }
	}
	s.Client = &http.Client{
		Transport: &http.Transport{DialContext: dial, DisableCompression: true, MaxIdleConnsPerHost: 100},
		Timeout:   30 * time.Second,
	}
}

func allowOrigin(t testing.TB, path string) {
	t.Helper()
	f, err := access.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	f.Origins = []string{origin}
	data, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, data)
}

// reply is an answer that has been read.
type reply struct {
	*http.Response
	body []byte
}

// do sends a request; headers are name, value, name, value.
func (s *service) do(t testing.TB, method, address string, body io.Reader, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, "http://gengtu.test"+address, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := s.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, address, err)
	}
	data, err := io.ReadAll(res.Body)
	if cerr := res.Body.Close(); err != nil || cerr != nil {
		t.Fatalf("%s %s: %v %v", method, address, err, cerr)
	}
	return reply{res, data}
}

func (s *service) get(t testing.TB, address string, headers ...string) reply {
	t.Helper()
	return s.do(t, http.MethodGet, address, nil, headers...)
}

func (s *service) post(t testing.TB, address, body string, headers ...string) reply {
	t.Helper()
	return s.do(t, http.MethodPost, address, strings.NewReader(body), headers...)
}

// bearer is the header that opens the tier.
func (s *service) bearer(tier edition.Tier) []string {
	return []string{"Authorization", "Bearer " + s.tokens[tier]}
}

// decode reads a JSON answer.
func decode[T any](t testing.TB, r reply) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(r.body, &v); err != nil {
		t.Fatalf("%s: %v in %.300s", r.Request.URL, err, r.body)
	}
	return v
}

// problemDoc is a problem+json answer.
type problemDoc struct {
	Type, Title, Code, Detail, Advice, Request string
	Status                                     int
}

// wantProblem checks that r is the problem of that status and code, whole.
func wantProblem(t testing.TB, at string, r reply, status int, code string) problemDoc {
	t.Helper()
	if r.StatusCode != status || r.Header.Get("Content-Type") != "application/problem+json; charset=utf-8" {
		t.Errorf("%s: %d %s, want %d %s: %.200s", at, r.StatusCode, r.Header.Get("Content-Type"), status, code, r.body)
		return problemDoc{}
	}
	d := decode[problemDoc](t, r)
	if d.Code != code || d.Status != status || d.Title == "" || d.Type != "/problems/"+strings.ReplaceAll(code, "_", "-") {
		t.Errorf("%s: %s, want %s", at, r.body, code)
	}
	if id := r.Header.Get("X-Request-Id"); id == "" || d.Request != id {
		t.Errorf("%s: request %q in the body, %q in the header", at, d.Request, id)
	}
	if r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("ETag") != "" || r.Header.Get("Content-Encoding") != "" {
		t.Errorf("%s: headers %v", at, r.Header)
	}
	return d
}
