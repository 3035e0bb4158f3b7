package tileserver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/access"
	"gengtu/tileserver/tileset"
)

// reach is what a request reaches of a tier: the generations of its edition or, by a
// token whose scope is bounded, of the editions that are made of them for the scope.
// Handlers have no other way to a generation, so none of them can forget the scope.
type reach struct {
	tier   *tierState
	scope  *access.Scope // nil is all of the tier
	scoped *scopedEditions
}

// take returns the generation in force, acquired.
func (e *reach) take() (*generation, error) {
	g, err := e.tier.take()
	if err != nil || !e.scope.Local() {
		return g, err
	}
	defer func() { _ = g.release() }() // only read
	return e.scoped.of(e, g, e.scoped.before)
}

// pin returns the generation of that name, acquired.
func (e *reach) pin(name string) (*generation, error) {
	g, err := e.tier.pin(name)
	if err != nil || !e.scope.Local() {
		return g, err
	}
	defer func() { _ = g.release() }() // only read
	return e.scoped.of(e, g, func(*reach, string, string) *generation { return nil })
}

// scopedEditions are the editions that are made for scopes of tokens, each of one
// generation. They lie in a directory of their own: those used least recently are
// removed when there are too many. Safe for concurrent use.
type scopedEditions struct {
	server    *Server
	temporary bool // the directory goes when the server is closed

	ctx    context.Context //nolint:containedctx // ends with the server
	cancel context.CancelFunc
	jobs   sync.WaitGroup
	place  chan struct{} // holds one while an edition is made

	mu      sync.Mutex
	dir     string                    // "" until the first is made
	entries map[string]*scopedEdition // by key
}

// scopedEdition is the edition for one scope of one generation. It is guarded by
// scopedEditions.mu.
type scopedEdition struct {
	key, digest string
	tier        edition.Tier
	base        string // the generation that it is made of
	bytes       int64
	used        time.Time
	gen         *generation   // nil unless it is open
	busy        chan struct{} // closed when it has been made or cannot be; nil while nobody makes it
	err         error         // why it could not be made
	failed      time.Time
}

// scopedFormat is a part of the names of the editions: those that another way of
// making them has left behind are not used.
const scopedFormat = 1

const (
	// scopedRetry is how long an edition that could not be made is not tried again.
	scopedRetry = 30 * time.Second
	// scopedIdle is how long an edition of a generation that is no longer in force stays
	// after it was asked last.
	scopedIdle = 10 * time.Minute
	// scopedShare is the part of a generation's memory, as a divisor, that one of a scope
	// has.
	scopedShare = 16
)

// scopedName is how the directories of scopes are named: the tier, the generation and a
// digest of the scope.
var scopedName = regexp.MustCompile(`^(secure|government|public)-(g[0-9a-f]{16})-([0-9a-f]{32})$`)

// scopedFolder is the directory of scopes below that of the cache.
const scopedFolder = "scoped"

// scopedEditionFolder is the edition in a scope's directory; beside it lie tiles made on
// demand.
const scopedEditionFolder = "edition"

func newScopedEditions(s *Server) *scopedEditions {
	e := &scopedEditions{server: s, temporary: s.cfg.CacheDir == "", entries: map[string]*scopedEdition{}, place: make(chan struct{}, 1)}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	if !e.temporary {
		e.dir = filepath.Join(s.cfg.CacheDir, scopedFolder)
	}
	return e
}

// newEntry returns the entry of a key; nil when the key is none.
func newEntry(key string) *scopedEdition {
	parts := scopedName.FindStringSubmatch(key)
	if parts == nil {
		return nil
	}
	return &scopedEdition{key: key, tier: edition.Tier(parts[1]), base: parts[2], digest: parts[3]}
}

// recall finds the editions that lie below the directory of the cache from before, those
// of the tiers that are served: other servers may keep others there.
func (s *scopedEditions) recall(tiers map[edition.Tier]*tierState) {
	if s.temporary {
		return
	}
	lying, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.server.cfg.Log.Error("editions for scopes cannot be listed", "error", err)
	}
	for _, d := range lying {
		e := newEntry(d.Name())
		if e == nil || tiers[e.tier] == nil {
			continue
		}
		if info, err := d.Info(); err == nil {
			e.used = info.ModTime()
		}
		// What cannot be measured counts nothing, and is the first to go.
		e.bytes, _ = sizeOf(filepath.Join(s.dir, e.key))
		s.entries[e.key] = e
	}
}

// digestOf names what of a scope bounds an edition: equal for scopes that bound it
// alike.
func digestOf(scope *access.Scope) (string, error) {
	layers := slices.Compact(slices.Sorted(slices.Values(scope.Layers)))
	places := slices.Compact(slices.Sorted(slices.Values(scope.Places)))
	data, err := json.Marshal([]any{scopedFormat, tileset.Drawing, layers, places, strings.TrimSpace(scope.Area)})
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16]), err
}

// of returns the edition of what of base the request reaches, acquired. While it is made
// it waits, up to a limit; then the answer is that it is being made. What meanwhile
// returns, if anything, does until it is made.
func (s *scopedEditions) of(r *reach, base *generation, meanwhile func(r *reach, key, digest string) *generation) (*generation, error) {
	digest, err := digestOf(r.scope)
	if err != nil {
		return nil, err
	}
	key := string(r.tier.tier) + "-" + base.name + "-" + digest
	timeout := time.NewTimer(s.server.cfg.Limits.ScopedWait)
	defer timeout.Stop()
	for {
		g, busy, err := s.find(key, base, r.scope)
		if g != nil || errors.Is(err, errForbidden) {
			return g, err
		}
		if g := meanwhile(r, key, digest); g != nil {
			return g, nil
		}
		if err != nil {
			return nil, err
		}
		select {
		case <-busy:
		case <-timeout.C:
			return nil, errMaking
		case <-s.ctx.Done():
			return nil, errServing
		}
	}
}

// find returns the edition of that key, acquired, or what is closed when it has been
// made, which it begins, or why there is none.
func (s *scopedEditions) find(key string, base *generation, scope *access.Scope) (*generation, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[key]
	if e == nil {
		e = newEntry(key)
		s.entries[key] = e
	}
	e.used = time.Now()
	switch {
	case e.gen != nil && e.gen.acquire():
		return e.gen, nil, nil
	case e.busy != nil:
		return nil, e.busy, nil
	case e.err != nil && time.Since(e.failed) < scopedRetry:
		return nil, nil, e.err
	case s.waiting() >= s.server.cfg.Limits.ScopedQueue:
		return nil, nil, errMaking
	case s.ctx.Err() != nil || !base.acquire():
		return nil, nil, errServing
	}
	e.busy, e.err = make(chan struct{}), nil
	s.jobs.Go(func() {
		defer func() { _ = base.release() }() // only read
		s.make(e, base, scope)
	})
	return nil, e.busy, nil
}

// waiting counts the editions that are being made, or wait for it.
func (s *scopedEditions) waiting() int {
	n := 0
	for _, e := range s.entries {
		if e.busy != nil {
			n++
		}
	}
	return n
}

// before returns the edition for the same scope that was used last, of another
// generation that is kept, acquired; nil when there is none. So a new generation comes
// into force without a request that fails.
func (s *scopedEditions) before(r *reach, key, digest string) *generation {
	s.mu.Lock()
	defer s.mu.Unlock()
	var last *scopedEdition
	for _, e := range s.entries {
		if e.key != key && e.tier == r.tier.tier && e.digest == digest && e.gen != nil && (last == nil || e.used.After(last.used)) {
			last = e
		}
	}
	if last == nil || !r.tier.kept(last.base) || !last.gen.acquire() {
		return nil
	}
	last.used = time.Now()
	return last.gen
}

// make makes or opens the edition e when there is a place for it.
func (s *scopedEditions) make(e *scopedEdition, base *generation, scope *access.Scope) {
	var g *generation
	var size int64
	err := s.ctx.Err()
	select {
	case s.place <- struct{}{}:
		defer func() { <-s.place }()
		if err == nil {
			g, size, err = s.open(e.key, base, scope)
		}
	case <-s.ctx.Done():
		err = s.ctx.Err()
	}
	s.mu.Lock()
	e.gen, e.bytes, e.err, e.failed = g, size, nil, time.Now()
	switch {
	case errEmptyScope(err):
		e.err = errForbidden
	case err != nil:
		e.err = errServing
	}
	gone := s.evict(e)
	s.mu.Unlock()
	s.remove(gone)
	// Before anybody is answered.
	switch log := s.server.cfg.Log; {
	case errEmptyScope(err):
		log.Warn("nothing lies in the scope of a token", "scope", e.key)
	case err != nil && s.ctx.Err() == nil:
		log.Error("no edition for a scope", "scope", e.key, "error", err)
		s.server.metrics.scopesFailed.WithLabelValues(string(e.tier)).Inc()
	}
	s.mu.Lock()
	close(e.busy)
	e.busy = nil
	s.mu.Unlock()
}

// open opens the edition of that key, which it makes unless it lies there already.
func (s *scopedEditions) open(key string, base *generation, scope *access.Scope) (*generation, int64, error) {
	dir, err := s.folder(key)
	if err != nil {
		return nil, 0, err
	}
	at := filepath.Join(dir, scopedEditionFolder)
	name, m, err := edition.Current(at)
	var g *generation
	if err == nil {
		g, err = s.openAt(dir, base, edition.Path(at, name), m)
	}
	if err != nil { // it is not there, or damaged
		if err = os.RemoveAll(dir); err == nil {
			g, err = s.fresh(dir, base, scope)
		}
	}
	if err != nil {
		return nil, 0, errors.Join(err, os.RemoveAll(dir))
	}
	size, err := sizeOf(dir)
	if most := s.server.cfg.Limits.ScopedBytes; err == nil && size > most {
		err = problem.New("SCOPE_TOO_LARGE", "范围版本有 %d 字节，上限 %d", "the edition for the scope has %d bytes, the limit is %d", size, most).In(dir).
			Advise("缩小令牌的范围，或提高上限", "give the token a smaller scope, or raise the limit")
	}
	if err != nil {
		return nil, 0, errors.Join(err, g.release(), os.RemoveAll(dir))
	}
	return g, size, nil
}

// fresh makes the edition in dir and opens it.
func (s *scopedEditions) fresh(dir string, base *generation, scope *access.Scope) (*generation, error) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(s.ctx, s.server.cfg.Limits.Scoped)
	defer cancel()
	at := filepath.Join(dir, scopedEditionFolder)
	report, err := makeScoped(ctx, base.ix, scope, at)
	if err != nil {
		return nil, err
	}
	name, m, err := edition.Current(at)
	if err != nil {
		return nil, err
	}
	s.server.metrics.scopes.WithLabelValues(string(m.Tier)).Inc()
	log, key := s.server.cfg.Log, filepath.Base(dir)
	log.Info("edition made for a scope", "scope", key, "features", report.Features(), "seconds", time.Since(start).Seconds())
	for _, l := range report.Layers {
		if len(l.Failed) > 0 {
			log.Warn("features across the border of a scope cannot be cut and are left out", "scope", key, "layer", l.Layer, "ids", l.Failed)
		}
	}
	return s.openAt(dir, base, edition.Path(at, name), m)
}

// openAt opens the generation in gdir, below dir. It answers under the name of the generation that
// it is made of, as which it is asked for and written down.
func (s *scopedEditions) openAt(dir string, base *generation, gdir string, m *edition.Manifest) (*generation, error) {
	if m.Tier != base.ix.Manifest.Tier || m.Policy.Digest != base.ix.Manifest.Policy.Digest {
		return nil, problem.New("TIER_CHANGED", "范围版本与版别不符", "the edition for a scope is not one of the tier").In(gdir)
	}
	named := *m
	named.Generation, named.Created = base.name, base.ix.Manifest.Created
	keep := stock{cache: string(m.Tier), share: scopedShare}
	if !s.temporary {
		keep.dir = dir
	}
	return s.server.openFiles(gdir, &named, keep)
}

// folder returns the directory of an edition, making the one that it lies in.
func (s *scopedEditions) folder(key string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.dir == "" {
		s.dir, err = os.MkdirTemp("", "gengtu-scoped-")
	} else {
		err = os.MkdirAll(s.dir, 0o700)
	}
	return filepath.Join(s.dir, key), err
}

// evict takes off the list what is beyond the limits, used least recently first, but
// for the one that is wanted now, and returns it. What is being made stays.
func (s *scopedEditions) evict(now *scopedEdition) []*scopedEdition {
	var idle []*scopedEdition
	count, size := 0, int64(0)
	for _, e := range s.entries {
		size += e.bytes
		if e.bytes > 0 {
			count++
		}
		if e != now && e.busy == nil {
			idle = append(idle, e)
		}
	}
	slices.SortFunc(idle, func(a, b *scopedEdition) int { return a.used.Compare(b.used) })
	limits := &s.server.cfg.Limits
	var gone []*scopedEdition
	for _, e := range idle {
		// Those that could not be made are kept in mind for a while, and take no room.
		if over := count > limits.ScopedEditions || size > limits.ScopedBytes; e.bytes > 0 && !over || e.bytes == 0 && time.Since(e.failed) < scopedRetry {
			continue
		}
		size -= e.bytes
		if e.bytes > 0 {
			count--
		}
		delete(s.entries, e.key)
		gone = append(gone, e)
	}
	return gone
}

// remove gives up editions that are off the list. Who reads one goes on reading.
func (s *scopedEditions) remove(gone []*scopedEdition) {
	for _, e := range gone {
		if e.gen != nil {
			_ = e.gen.release() // only read
		}
		dir, err := s.folder(e.key)
		if err == nil {
			err = os.RemoveAll(dir)
		}
		if err != nil {
			s.server.cfg.Log.Error("an edition for a scope cannot be removed", "scope", e.key, "error", err)
		}
	}
}

// prune removes the editions of generations that are no longer kept, and of those that
// are not in force and that nobody has asked for some time.
func (s *scopedEditions) prune(tiers map[edition.Tier]*tierState) {
	s.mu.Lock()
	var gone []*scopedEdition
	for _, e := range s.entries {
		t := tiers[e.tier]
		stale := e.base != t.current() && (!t.kept(e.base) || time.Since(e.used) > scopedIdle)
		if stale && e.busy == nil {
			delete(s.entries, e.key)
			gone = append(gone, e)
		}
	}
	s.mu.Unlock()
	s.remove(gone)
}

// close ends what is being made and gives up all editions. Those below the directory of
// the cache stay for the next start.
func (s *scopedEditions) close() error {
	s.cancel()
	s.jobs.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, e := range s.entries {
		if e.gen != nil {
			errs = append(errs, e.gen.release())
		}
	}
	clear(s.entries)
	if s.temporary && s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

// sizeOf adds up the files below dir.
func sizeOf(dir string) (int64, error) {
	size := int64(0)
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}
