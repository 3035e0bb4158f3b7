// Package tileserver answers over HTTP from the editions that it is given:
// tiles, WMTS, features, places, overlay and the viewer.
//
// The first element of a path is the tier, so that no cache, log or proxy can
// confuse two tiers. An edition's generation is opened whole and swapped in one
// step when another comes into force; a request keeps the generation that it
// began with. Handlers return errors; one place turns them into answers, counts
// and logs. Package tileserver decides nothing about what a tier may show: that
// is not in its files.
package tileserver

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"time"

	"github.com/valyala/fasthttp"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/access"
)

// Limits bound what one request, one client and the server may take. Every
// field has a default, which [Limits.withDefaults] fills in for zero.
type Limits struct {
	BodyBytes     int           // of a request; 8 MiB
	URLBytes      int           // of a request line and its headers; 16 KiB
	Connections   int           // at once; 10,000
	PerIP         int           // connections at once from one address; 0 is no limit
	Read, Write   time.Duration // of a request, of an answer; 30 s, 60 s
	Idle          time.Duration // of a kept connection; 60 s
	Overlay       time.Duration // of one overlay answer; 30 s
	OverlayAtOnce int           // overlay answers at once, the rest wait or get 429; 2 × processors
	AOIVertices   int           // of one overlay request; 200,000
	AOIFeatures   int           // of one overlay request; 1,000
	Features      int           // in a list; 1,000
	TileMemory    int64         // bytes of tiles kept in memory for each generation; 256 MiB
	TileDisk      int64         // bytes of tiles kept on disc; 4 GiB
}

func (l Limits) withDefaults() Limits {
	set := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	set(&l.BodyBytes, 8<<20)
	set(&l.URLBytes, 16<<10)
	set(&l.Connections, 10_000)
	set(&l.OverlayAtOnce, 4)
	set(&l.AOIVertices, 200_000)
	set(&l.AOIFeatures, 1_000)
	set(&l.Features, 1_000)
	for p, v := range map[*time.Duration]time.Duration{&l.Read: 30 * time.Second, &l.Write: time.Minute, &l.Idle: time.Minute, &l.Overlay: 30 * time.Second} {
		if *p == 0 {
			*p = v
		}
	}
	for p, v := range map[*int64]int64{&l.TileMemory: 256 << 20, &l.TileDisk: 4 << 30} {
		if *p == 0 {
			*p = v
		}
	}
	return l
}

// Config says what to serve and how.
type Config struct {
	// Editions are the directories to serve, at most one of a tier.
	Editions []string
	// Access decides on tokens; nil asks for none, for trials on loopback.
	Access *access.Store
	// Audit takes a line for each answer above public; nil keeps none.
	Audit *access.Log
	// CacheDir keeps tiles that are made on demand; "" keeps them in memory only.
	CacheDir string
	// PublicURL is the address that answers name the server by; "" takes the
	// request's Host.
	PublicURL string
	Limits    Limits
	Log       *slog.Logger
	// Lang is the language where a request asks for none.
	Lang problem.Lang
	// Program names this program and its version in answers.
	Program string
}

// Server serves editions. Safe for concurrent use.
type Server struct {
	cfg     Config
	tiers   map[edition.Tier]*tierState
	routes  []route
	metrics *metrics
	overlay chan struct{} // a place for each overlay answer at once
	http    *fasthttp.Server
}

// New opens the editions. Close gives them up.
func New(cfg Config) (*Server, error) {
	cfg.Limits = cfg.Limits.withDefaults()
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, tiers: map[edition.Tier]*tierState{}, metrics: newMetrics(), overlay: make(chan struct{}, cfg.Limits.OverlayAtOnce)}
	s.routes = s.routeTable()
	for _, dir := range cfg.Editions {
		t, err := s.openTier(dir)
		if err == nil && s.tiers[t.tier] != nil {
			err = errors.Join(problem.New("TIER_TWICE", "给了两个 %s 版", "two editions of tier %s are given", t.tier).In(dir).
				Advise("每一版只给一个目录", "give one directory for each tier"), t.close())
		}
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.tiers[t.tier] = t
	}
	s.http = &fasthttp.Server{
		Handler:                       s.Handle,
		ErrorHandler:                  s.refuseBroken,
		Name:                          "gengtu",
		MaxRequestBodySize:            cfg.Limits.BodyBytes,
		ReadBufferSize:                cfg.Limits.URLBytes,
		Concurrency:                   cfg.Limits.Connections,
		MaxConnsPerIP:                 cfg.Limits.PerIP,
		ReadTimeout:                   cfg.Limits.Read,
		WriteTimeout:                  cfg.Limits.Write,
		IdleTimeout:                   cfg.Limits.Idle,
		NoDefaultDate:                 false,
		DisableHeaderNamesNormalizing: false,
		CloseOnShutdown:               true,
		Logger:                        quiet{},
	}
	return s, nil
}

// quiet drops fasthttp's own lines: what concerns a request is logged by us,
// and broken connections are no news.
type quiet struct{}

func (quiet) Printf(string, ...any) {}

// Tiers lists the tiers served, highest first.
func (s *Server) Tiers() []edition.Tier {
	var out []edition.Tier
	for _, t := range edition.Tiers {
		if s.tiers[t] != nil {
			out = append(out, t)
		}
	}
	return out
}

// Serve answers on ln until ctx ends, then lets running requests finish within
// ten seconds. Once a second, and whenever wake receives, it looks for
// generations that have come into force.
func (s *Server) Serve(ctx context.Context, ln net.Listener, wake <-chan struct{}) error {
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(ln) }()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case err := <-failed:
			return err
		case <-tick.C:
			s.Reload()
		case <-wake:
			s.Reload()
		case <-ctx.Done():
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			err := s.http.ShutdownWithContext(stop)
			if errors.Is(err, context.DeadlineExceeded) {
				s.cfg.Log.Warn("some requests were cut off", "after", "10s")
				err = nil
			}
			return errors.Join(err, <-failed)
		}
	}
}

// Reload swaps in the generations that have come into force. An edition that
// cannot be opened is logged and the generation before it goes on.
func (s *Server) Reload() {
	for _, t := range s.tiers {
		changed, err := s.reloadTier(t)
		switch {
		case err != nil && err.Error() != t.lastError:
			s.cfg.Log.Error("new generation not taken", "tier", t.tier, "error", err)
			t.lastError = err.Error()
		case changed:
			t.lastError = ""
			s.cfg.Log.Info("generation in force", "tier", t.tier, "generation", t.current().name)
			s.metrics.reloads.WithLabelValues(string(t.tier)).Inc()
		}
	}
	if s.cfg.Access != nil {
		if _, err := s.cfg.Access.Refresh(); err != nil {
			s.cfg.Log.Error("access file not taken", "error", err)
		}
	}
}

// Close closes all editions.
func (s *Server) Close() error {
	var errs []error
	for _, t := range s.tiers {
		errs = append(errs, t.close())
	}
	return errors.Join(errs...)
}

// Handle answers one request. It is the one place where errors become answers.
func (s *Server) Handle(ctx *fasthttp.RequestCtx) {
	start := time.Now()
	r := &request{ctx: ctx, server: s, lang: language(ctx, s.cfg.Lang)}
	ctx.Response.Header.Set("X-Request-Id", requestID())
	ctx.Response.Header.Set("X-Content-Type-Options", "nosniff")
	err := s.dispatch(r)
	status := ctx.Response.StatusCode()
	if err != nil {
		status = r.fail(err)
		if status >= 500 {
			s.cfg.Log.Error("request failed", "id", string(ctx.Response.Header.Peek("X-Request-Id")), "route", r.route, "error", err)
		}
	}
	if aerr := s.audit(r, status); aerr != nil {
		s.cfg.Log.Error("audit line not written; answer taken back", "error", aerr)
		status = r.fail(errServing)
	}
	if ctx.IsHead() {
		ctx.Response.SkipBody = true
	}
	r.release()
	s.account(r, status, time.Since(start))
}

// dispatch finds the route, the tier and its generation, checks the token and
// calls the handler. A panic is a fault of ours and answers 500.
func (s *Server) dispatch(r *request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	path := string(r.ctx.Path())
	method := string(r.ctx.Method())
	rt, p, allow := s.find(method, path)
	if rt == nil && allow == "" {
		return s.notHere(r, path)
	}
	r.params = p
	if rt != nil {
		r.route = rt.name
		if rt.open {
			return rt.handle(r)
		}
	}
	if rt == nil {
		_, r.params, _ = s.find(allowFirst(allow), path)
	}
	if err := s.enter(r); err != nil {
		return err
	}
	if method == fasthttp.MethodOptions {
		r.ctx.Response.Header.Set("Allow", allow+" HEAD OPTIONS")
		r.ctx.SetStatusCode(fasthttp.StatusNoContent)
		return nil
	}
	if rt == nil {
		r.ctx.Response.Header.Set("Allow", allow)
		return errMethod
	}
	return rt.handle(r)
}

// notHere answers for a path without a route: like any other path of a tier, it
// does not tell anything to those who may not enter.
func (s *Server) notHere(r *request, path string) error {
	p, ok := match("/{tier}/*", path)
	if !ok {
		return errNotFound
	}
	r.params = p
	if err := s.enter(r); err != nil {
		return err
	}
	return errNotFound
}

func allowFirst(allow string) string {
	if len(allow) >= 4 && allow[:4] == "POST" {
		return "POST"
	}
	return "GET"
}

func requestID() string {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "0"
	}
	return hex.EncodeToString(b[:])
}

// refuseBroken answers requests that cannot be parsed.
func (s *Server) refuseBroken(ctx *fasthttp.RequestCtx, err error) {
	var small *fasthttp.ErrSmallBuffer
	switch {
	case errors.As(err, &small):
		err = problem.New("URL_TOO_LONG", "请求行和头超过 %d 字节", "request line and headers are over %d bytes", s.cfg.Limits.URLBytes)
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		err = problem.New("TOO_LARGE_BODY", "请求体超过 %d 字节", "the body is over %d bytes", s.cfg.Limits.BodyBytes)
	default:
		err = problem.New("PARAMETER_REQUEST", "这不是完整的 HTTP 请求", "this is no whole HTTP request")
	}
	writeProblem(ctx, err, s.cfg.Lang)
}

// tierState is one tier's edition and its generations that are open.
type tierState struct {
	tier      edition.Tier
	dir       string
	lastError string
	generations
}

func (s *Server) openTier(dir string) (*tierState, error) {
	_, m, err := edition.Current(dir)
	if err != nil {
		return nil, err
	}
	t := &tierState{tier: m.Tier, dir: dir}
	t.open = func(name string) (*generation, error) { return s.openGeneration(dir, name) }
	g, err := t.open(m.Generation)
	if err != nil {
		return nil, err
	}
	t.swap(g)
	return t, nil
}

func (s *Server) reloadTier(t *tierState) (bool, error) {
	name, m, err := edition.Current(t.dir)
	if err != nil {
		return false, err
	}
	if name == t.current().name {
		return false, nil
	}
	if m.Tier != t.tier {
		return false, problem.New("TIER_CHANGED", "目录里的版别从 %s 变成了 %s", "the directory's tier changed from %s to %s", t.tier, m.Tier).In(t.dir)
	}
	g, err := t.open(name)
	if err != nil {
		return false, err
	}
	t.swap(g)
	return true, nil
}
