// Package scoped makes, keeps and removes the editions that tokens with a bounded scope are
// answered from: of what a generation has, no more than lies in some places or an area.
//
// Each is a directory of its own, made when it is asked for first or wanted before that, and a
// generation like any other from then on: whoever answers from it cannot tell more, for there is nothing more.
// It goes with the generation that it is made of, and when too many others were asked for
// since.
//
// Package scoped decides nothing about who may have what: it is given scopes.
package scoped

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/extract"
	"gengtu/index/problem"
	"gengtu/tileserver/access"
	"gengtu/tileserver/live"
	"gengtu/tileserver/tileset"
)

// The problems of who asks for an edition.
var (
	// ErrEmpty is of a scope in which nothing lies.
	ErrEmpty = problem.New("TOKEN_REFUSED", "令牌授予的图层、地点或范围内，这一版什么也没有", "nothing of this edition lies in the layers, places or area that the token grants").
			Advise("请签发令牌的人核对：gengtu access check FILE --edition EDITION", "have who issued it check it: gengtu access check FILE --edition EDITION")
	// ErrMaking is of an edition that is not made yet.
	ErrMaking = problem.New("SCOPE_MAKING", "令牌范围的数据正在准备", "what the token's scope holds is being prepared").
			Advise("过 Retry-After 的秒数再试；做好一次，以后不必再等", "try again after the seconds of Retry-After; it is made once and kept")
)

// Generation is an open generation, of an edition or of one for a scope.
type Generation interface {
	live.Generation
	Index() *index.Index
}

// Limits bound the editions for scopes.
type Limits struct {
	Make     time.Duration // that the making of one may take
	Wait     time.Duration // that a request waits for one, before it is told to come again
	Queue    int           // that are made or wait for it
	Editions int           // that are kept
	Bytes    int64         // of their files
}

// Options say how [Editions] are kept. All must be set but Dir.
type Options[G Generation] struct {
	// Dir is the directory that they lie in; "" for one that goes when they are closed.
	Dir    string
	Limits Limits
	// Of returns the edition that a tier is served from, nil where it is not served.
	Of func(edition.Tier) *live.Edition[G]
	// Open opens the generation in gdir that m describes, held once; tiles made on demand may
	// be kept in the directory keep, "" for none.
	Open func(gdir string, m *edition.Manifest, keep string) (G, error)
	Log  *slog.Logger
	// Made and Failed are told of each that was made and of each that could not be.
	Made, Failed func(edition.Tier)
}

// Editions are the editions for scopes, each of one generation. Those used least recently
// are removed when there are too many. Its methods may be called by several goroutines.
type Editions[G Generation] struct {
	opt       Options[G]
	temporary bool // the directory goes when they are closed

	ctx    context.Context //nolint:containedctx // ends with Close
	cancel context.CancelFunc
	jobs   sync.WaitGroup
	place  chan struct{} // holds one while an edition is made

	mu      sync.Mutex
	dir     string               // "" until the first is made
	entries map[string]*entry[G] // by key
}

// entry is the edition for one scope of one generation. It is guarded by Editions.mu.
type entry[G Generation] struct {
	key, digest string
	tier        edition.Tier
	base        string // the generation that it is made of
	bytes       int64
	used        time.Time
	open        bool
	gen         G             // while it is open
	busy        chan struct{} // closed when it has been made or cannot be; nil while nobody makes it
	err         error         // why it could not be made
	failed      time.Time
}

// retry is how long an edition that could not be made is not tried again, whoever asks.
const retry = 30 * time.Second

// New returns the editions in opt.Dir. [Editions.Recall] finds those that lie there.
func New[G Generation](opt Options[G]) *Editions[G] {
	s := &Editions[G]{opt: opt, temporary: opt.Dir == "", dir: opt.Dir, entries: map[string]*entry[G]{}, place: make(chan struct{}, 1)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// format is a part of the names of the editions: those that another way of making them has
// left behind are not used.
const format = 1

// Digest names what of a scope bounds an edition: equal for scopes that bound it alike.
func Digest(scope *access.Scope) (string, error) {
	layers := slices.Compact(slices.Sorted(slices.Values(scope.Layers)))
	places := slices.Compact(slices.Sorted(slices.Values(scope.Places)))
	data, err := json.Marshal([]any{format, tileset.Drawing, layers, places, strings.TrimSpace(scope.Area)})
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16]), err
}

// Part reads what of a scope bounds an edition. The rest of it bounds questions.
func Part(scope *access.Scope) (extract.Scope, error) {
	part := extract.Scope{Layers: scope.Layers, Places: scope.Places}
	if scope.Area == "" {
		return part, nil
	}
	area, err := extract.ParseArea(scope.Area)
	part.Area = area
	return part, err
}

// Take returns what a scope, nil for all, reaches of the generation in force of an edition,
// acquired. While an edition for the scope is made it waits, up to a limit; meanwhile the one
// of another generation that is kept does, so that a new generation comes into force without
// a request that fails. Errors are [ErrEmpty], [ErrMaking], those of [live.Edition.Take], and
// [live.ErrClosed] where it could not be made, which is logged.
func (s *Editions[G]) Take(of *live.Edition[G], scope *access.Scope) (G, error) {
	g, err := of.Take()
	if err != nil || !scope.Local() {
		return g, err
	}
	defer func() { _ = g.Release() }() // only read
	return s.wait(g, scope, s.before)
}

// Pin is Take for the generation of a name, and of no other; errors are those of
// [live.Edition.Pin], too.
func (s *Editions[G]) Pin(of *live.Edition[G], scope *access.Scope, name string) (G, error) {
	g, err := of.Pin(name)
	if err != nil || !scope.Local() {
		return g, err
	}
	defer func() { _ = g.Release() }() // only read
	return s.wait(g, scope, func(*entry[G]) (none G, ok bool) { return none, false })
}

// wait returns the edition for the scope of base, acquired, when it is made, or what
// meanwhile returns.
func (s *Editions[G]) wait(base G, scope *access.Scope, meanwhile func(*entry[G]) (G, bool)) (none G, err error) {
	key, err := keyOf(base, scope)
	if err != nil {
		return none, err
	}
	timeout := time.NewTimer(s.opt.Limits.Wait)
	defer timeout.Stop()
	for {
		g, busy, err := s.find(key, base, scope)
		if busy == nil && err == nil || errors.Is(err, ErrEmpty) {
			return g, err
		}
		if g, ok := meanwhile(newEntry[G](key)); ok {
			return g, nil
		}
		if err != nil {
			return none, err
		}
		select {
		case <-busy:
		case <-timeout.C:
			return none, ErrMaking
		case <-s.ctx.Done():
			return none, live.ErrClosed
		}
	}
}

// keyOf names the edition for a scope of base.
func keyOf[G Generation](base G, scope *access.Scope) (string, error) {
	digest, err := Digest(scope)
	return string(base.Index().Manifest.Tier) + "-" + base.Name() + "-" + digest, err
}

// find returns the edition of that key, acquired, or what is closed when it has been
// made, which it begins, or why there is none.
func (s *Editions[G]) find(key string, base G, scope *access.Scope) (none G, busy <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[key]
	if e == nil {
		e = newEntry[G](key)
		s.entries[key] = e
	}
	e.used = time.Now()
	switch {
	case e.open && e.gen.Acquire():
		return e.gen, nil, nil
	case e.busy != nil:
		return none, e.busy, nil
	case e.err != nil && time.Since(e.failed) < retry:
		return none, nil, e.err
	case s.waiting() >= s.opt.Limits.Queue:
		return none, nil, ErrMaking
	case s.ctx.Err() != nil || !base.Acquire():
		return none, nil, live.ErrClosed
	}
	e.busy, e.err = make(chan struct{}), nil
	s.jobs.Go(func() {
		defer func() { _ = base.Release() }() // only read
		s.make(e, base, scope)
	})
	return none, e.busy, nil
}

// waiting counts the editions that are being made, or wait for it.
func (s *Editions[G]) waiting() int {
	n := 0
	for _, e := range s.entries {
		if e.busy != nil {
			n++
		}
	}
	return n
}

// before returns the edition for the same scope that was used last, of another
// generation that is kept, acquired; false when there is none.
func (s *Editions[G]) before(now *entry[G]) (none G, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var last *entry[G]
	for _, e := range s.entries {
		if e.precedes(now) && e.open && (last == nil || e.used.After(last.used)) {
			last = e
		}
	}
	if last == nil || !s.opt.Of(last.tier).Kept(last.base) || !last.gen.Acquire() {
		return none, false
	}
	last.used = time.Now()
	return last.gen, true
}
