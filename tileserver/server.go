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
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"gengtu/index/analyze"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/receipt"
	"gengtu/index/seal"
	"gengtu/tileserver/access"
	"gengtu/tileserver/answer"
	"gengtu/tileserver/audit"
	"gengtu/tileserver/basemap"
	"gengtu/tileserver/catalog"
	"gengtu/tileserver/gate"
	"gengtu/tileserver/live"
	"gengtu/tileserver/load"
	"gengtu/tileserver/scoped"
	"gengtu/tileserver/viewer"
)

// Config says what to serve and how.
type Config struct {
	// Editions are the directories to serve, at most one of a tier.
	Editions []string
	// Access decides on tokens; nil asks for none, for trials on loopback.
	Access *access.Store
	// TrustedProxies are the networks of proxies whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// Audit takes a line for each answer above public; nil keeps none.
	Audit *audit.Log
	// CacheDir keeps tiles that are made on demand; "" keeps them in memory only.
	CacheDir string
	// PublicURL is the address that answers name the server by; "" takes the
	// request's Host.
	PublicURL string
	Limits    Limits
	Log       *slog.Logger
	// Lang is the language where a request asks for none.
	Lang problem.Lang
	// Classes tells how land classes add up; nil is [areas.DefaultClasses].
	Classes *areas.Classes
	// Seal signs the receipts that are asked for; nil signs none.
	Seal *receipt.Sealer
	// Trust is the keys, beside Seal's own, whose receipts are taken for genuine.
	Trust seal.Trust
	// Catalogue is what an operator says of the layers of the tiers; nil is what the
	// embedded table says.
	Catalogue *catalog.Store
	// Program names this program and its version in answers.
	Program string
	// AccessLog takes a line for each answer of every tier; nil keeps none. It is the
	// caller's to close, when the server is.
	AccessLog *AccessLog
	// BaseMaps are maps of other servers that are passed on; nil passes none on.
	BaseMaps *basemap.Proxy
	// JobsDir keeps long questions and their answers; "" keeps them in a directory that goes
	// with the server.
	JobsDir string
	// Rules are those that long questions are answered by; nil is the embedded ones.
	Rules *analyze.Rules
	// AnswerFiles are forms of their answers beside the server's own.
	AnswerFiles []answer.Extra
	// CertificateEnds tells when the certificate in force expires; nil where there is
	// none.
	CertificateEnds func() time.Time
}

// Server serves editions. Safe for concurrent use.
type Server struct {
	cfg      Config
	tiers    map[edition.Tier]*tierState
	routes   []route
	mvtRoute *route // of routes
	pngRoute *route // of routes
	metrics  *metrics
	overlays *load.Places
	maps     *load.Places
	hands    load.Hands
	bodies   *load.Memory
	sending  *load.Memory // of answers on their way
	callers  callers
	making   *load.Queue
	painting *load.Queue
	scoped   *scoped.Editions[*generation]
	renewed  chan struct{} // told that the access file or a generation in force has changed
	answers  *answers      // long questions
	logins   chan struct{} // holds one for each login that waits for its issuer
	held     chan struct{} // holds one for each answer to a wrong token that waits
	http     *fasthttp.Server
	door     atomic.Pointer[gate.Gate] // nil before Serve
	caches   cacheBook
	stopping atomic.Bool
	ending   chan struct{} // closed when the server stops
	endOnce  sync.Once

	auditHealth auditHealth

	reloading     sync.Mutex
	catalogueFail string // the last error of the catalogue's tables that was logged; guarded by reloading
	refreshing    sync.Mutex
	accessFail    string // the last error of the access file that was logged; guarded by refreshing
}

// New opens the editions and checks their files against their manifests. Close
// gives them up. Errors are problems of the editions, or TIER_TWICE.
func New(cfg Config) (*Server, error) {
	cfg.Limits = cfg.Limits.withDefaults()
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		cfg: cfg, tiers: map[edition.Tier]*tierState{},
		overlays: load.NewPlaces(cfg.Limits.OverlayAtOnce), maps: load.NewPlaces(cfg.Limits.MapAtOnce),
		hands: load.NewHands(), bodies: load.NewMemory(cfg.Limits.BodyMemory), sending: load.NewMemory(cfg.Limits.SendMemory),
		ending: make(chan struct{}), renewed: make(chan struct{}, 1), making: load.NewQueue(cfg.Limits.TilesAtOnce), painting: load.NewQueue(cfg.Limits.TilesAtOnce), held: make(chan struct{}, maxHeld), logins: make(chan struct{}, maxLogins),
	}
	s.metrics = newMetrics(cfg.Audit, stateMetrics{s})
	s.callers = newCallers(&cfg.Limits)
	s.scoped = s.newScoped()
	s.routes = s.routeTable()
	s.mvtRoute, s.pngRoute = routeNamed(s.routes, "mvt"), routeNamed(s.routes, "png")
	var err error
	if s.cfg.Catalogue == nil {
		if s.cfg.Catalogue, err = catalog.Open(nil, nil); err != nil {
			return nil, err
		}
	}
	for _, dir := range cfg.Editions {
		if err := s.openTier(dir); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	s.scoped.Recall()
	if s.answers, err = newAnswers(s); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.http = &fasthttp.Server{
		Handler:                      s.Handle,
		ErrorHandler:                 s.refuseBroken,
		Name:                         "gengtu",
		MaxRequestBodySize:           cfg.Limits.BodyBytes,
		StreamRequestBody:            true, // see wholeBody
		ReadBufferSize:               cfg.Limits.URLBytes,
		WriteBufferSize:              gate.WriteBuffer,
		Concurrency:                  cfg.Limits.Connections + 1, // the gate refuses before
		ReadTimeout:                  cfg.Limits.Read,
		WriteTimeout:                 cfg.Limits.Write,
		IdleTimeout:                  cfg.Limits.Idle,
		DisablePreParseMultipartForm: true,
		CloseOnShutdown:              true,
		Logger:                       quiet{},
	}
	return s, nil
}

// quiet drops fasthttp's own lines: what concerns a request is logged by us,
// and broken connections are no news.
type quiet struct{}

// Printf drops the line.
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

// stopTime is how long running requests have to finish when the server stops.
const stopTime = 10 * time.Second

// Serve answers on ln until ctx ends, then lets running requests finish within
// ten seconds. Once a second, and whenever wake receives, it looks for
// generations that have come into force and for changes of the catalogue's tables,
// and more often for changes of the access file.
func (s *Server) Serve(ctx context.Context, ln net.Listener, wake <-chan struct{}) error {
	failed := make(chan error, 1)
	door := gate.New(ln, gate.Options{All: s.cfg.Limits.Connections, PerIP: s.cfg.Limits.PerIP, Refused: s.refuse, Answers: s.sending})
	s.door.Store(door)
	go func() { failed <- s.http.Serve(door) }()
	watching, stopWatching := context.WithCancel(ctx)
	var watcher sync.WaitGroup
	watcher.Go(func() { s.watch(watching, wake) })
	watcher.Go(func() { s.watchAccess(watching) })
	watcher.Go(func() { s.prepareScopes(watching) })
	watcher.Go(viewer.Prepare)
	defer watcher.Wait()
	defer stopWatching()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.end()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	watcher.Go(func() { door.Sweep(stop) })
	err := s.http.ShutdownWithContext(stop)
	cancel()
	// A server that has not come to listening yet is not stopped by that. The
	// second closing of a listener has nothing to tell.
	_ = ln.Close()
	if errors.Is(err, context.DeadlineExceeded) {
		s.cfg.Log.Warn("some requests were cut off", "after", stopTime.String())
		err = nil
	}
	return errors.Join(err, <-failed)
}

// watch reloads once a second and at each wake, apart from the requests and from
// stopping: a large generation takes its time to be checked.
func (s *Server) watch(ctx context.Context, wake <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-wake:
		}
		s.Reload()
	}
}

// accessEvery is how often the access file is looked at: a token that is revoked
// is so within the second. A look is one stat.
const accessEvery = 250 * time.Millisecond

// watchAccess follows the access file, apart from the generations: one that is large
// takes minutes to be checked, and no revoked token may wait for that.
func (s *Server) watchAccess(ctx context.Context) {
	if s.cfg.Access == nil {
		return
	}
	tick := time.NewTicker(accessEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.refreshAccess()
		}
	}
}

// Reload swaps in the generations that have come into force, gives up those that
// are no longer kept, and reads the access file and the catalogue's tables when they
// have changed. An edition that cannot be opened is logged, once, and the generation
// before it goes on; so is a table that is wrong.
func (s *Server) Reload() {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	for _, t := range s.tiers {
		changed, err := t.Follow()
		switch {
		case err != nil && err.Error() != t.lastError:
			s.cfg.Log.Error("new generation not taken", "tier", t.tier, "error", err)
			t.lastError = err.Error()
			t.refused.Store(true)
			s.metrics.reloadsFailed.WithLabelValues(string(t.tier)).Inc()
		case err == nil:
			t.lastError = ""
			t.refused.Store(false)
		}
		if changed {
			s.cfg.Log.Info("generation in force", "tier", t.tier, "generation", t.Current())
			s.metrics.reloads.WithLabelValues(string(t.tier)).Inc()
			s.tellRenewed()
		}
		t.Prune()
	}
	s.scoped.Prune()
	s.refreshCatalogue()
	s.refreshAccess()
}

// refreshCatalogue reads the catalogue's tables when they have changed.
func (s *Server) refreshCatalogue() {
	changed, err := s.cfg.Catalogue.Refresh()
	switch {
	case err != nil && err.Error() != s.catalogueFail:
		s.catalogueFail = err.Error()
		s.metrics.cataloguesFailed.Inc()
		s.cfg.Log.Error("catalogue table not taken; those read before stay in force", "error", err)
	case err == nil:
		s.catalogueFail = ""
	}
	if !changed || err != nil {
		return
	}
	s.metrics.catalogues.Inc()
	s.cfg.Log.Info("catalogue tables in force")
}

// refreshAccess reads the access file when it has changed. One that is wrong is
// logged, once.
func (s *Server) refreshAccess() {
	if s.cfg.Access == nil {
		return
	}
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	if changed, err := s.cfg.Access.Refresh(); err == nil {
		s.accessFail = ""
		if changed {
			s.tellRenewed()
		}
	} else if err.Error() != s.accessFail {
		s.accessFail = err.Error()
		s.cfg.Log.Error("access file not taken; the tokens read before stay in force", "error", err)
	}
}

// end ends what waits for something to happen.
func (s *Server) end() {
	s.stopping.Store(true)
	s.endOnce.Do(func() { close(s.ending) })
}

// Close closes all editions, each when the last request that holds it is done.
func (s *Server) Close() error {
	s.end()
	errs := []error{s.answers.close(), s.scoped.Close()}
	for _, t := range s.tiers {
		errs = append(errs, t.Close())
	}
	return errors.Join(errs...)
}

// tierState is one tier's edition and its generations that are open.
type tierState struct {
	tier      edition.Tier
	lastError string      // that was logged; guarded by Server.reloading
	refused   atomic.Bool // lastError is not "", for those who do not wait
	*live.Edition[*generation]
}

// openTier opens the edition at dir, unless its tier is served already.
func (s *Server) openTier(dir string) error {
	_, m, err := edition.Current(dir)
	if err != nil {
		return err
	}
	if s.tiers[m.Tier] != nil {
		return problem.New("TIER_TWICE", "给了两个%[1]s", "two editions of tier %[2]s are given", m.Tier.Title(problem.Chinese), m.Tier).In(dir).
			Advise("每一版只给一个目录", "give one directory for each tier")
	}
	t := &tierState{tier: m.Tier}
	t.Edition = live.NewEdition(dir, func(name string) (*generation, error) { return s.openGeneration(dir, name, m.Tier) })
	if _, err := t.Follow(); err != nil {
		return err
	}
	s.tiers[m.Tier] = t
	return nil
}

// scopedFolder is the directory of editions for scopes below that of the cache.
const scopedFolder = "scoped"

// newScoped returns the editions for scopes of tokens, none of them open.
func (s *Server) newScoped() *scoped.Editions[*generation] {
	l := &s.cfg.Limits
	opt := scoped.Options[*generation]{
		Limits: scoped.Limits{Make: l.Scoped, Wait: l.ScopedWait, Queue: l.ScopedQueue, Editions: l.ScopedEditions, Bytes: l.ScopedBytes},
		Of: func(tier edition.Tier) *live.Edition[*generation] {
			if t := s.tiers[tier]; t != nil {
				return t.Edition
			}
			return nil
		},
		Open: func(gdir string, m *edition.Manifest, keep string) (*generation, error) {
			return s.openFiles(gdir, m, stock{cache: string(m.Tier), dir: keep, share: smallShare})
		},
		Log:    s.cfg.Log,
		Made:   func(tier edition.Tier) { s.metrics.scopes.WithLabelValues(string(tier)).Inc() },
		Failed: func(tier edition.Tier) { s.metrics.scopesFailed.WithLabelValues(string(tier)).Inc() },
	}
	if s.cfg.CacheDir != "" {
		opt.Dir = filepath.Join(s.cfg.CacheDir, scopedFolder)
	}
	return scoped.New(opt)
}
