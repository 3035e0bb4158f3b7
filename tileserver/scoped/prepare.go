package scoped

import (
	"context"
	"errors"
	"time"

	"gengtu/tileserver/access"
	"gengtu/tileserver/live"
)

// Want is an edition for a scope that is to be there before anybody asks: of the generation
// in force of an edition.
type Want[G Generation] struct {
	Of    *live.Edition[G]
	Scope *access.Scope
}

// retryMost is the longest time after which Prepare tries again: what cannot be made today
// costs the making of it each time.
const retryMost = time.Hour

// Prepare makes the editions that wanted lists, one after another, so that the first who asks
// need not wait: at once, and again whenever wake receives. While some could not be made it
// tries them again after 30 s, and then after twice as long each time, up to an hour. It
// returns when ctx ends or s is closed.
//
// It does nothing for a scope that bounds no ground or has nothing in it, and where as many
// are kept as may be: it takes nobody's place but that of the same scope of a generation
// before. That one cannot be made is logged, as for [Editions.Take].
func (s *Editions[G]) Prepare(ctx context.Context, wake <-chan struct{}, wanted func() []Want[G]) {
	pause := retry
	for {
		left := 0
		for _, w := range wanted() {
			if ctx.Err() == nil && !s.prepare(ctx, w) {
				left++
			}
		}
		var again <-chan time.Time // nil never receives
		if left > 0 && ctx.Err() == nil {
			s.opt.Log.Info("editions for scopes not prepared; they are tried again, or made when they are asked for", "editions", left, "seconds", pause.Seconds())
			again = time.After(pause)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.ctx.Done():
			return
		case <-wake:
			pause = retry
		case <-again:
			pause = min(2*pause, retryMost)
		}
	}
}

// prepare makes one edition that is wanted, and returns when it is made; false when there is
// cause to try it again.
func (s *Editions[G]) prepare(ctx context.Context, w Want[G]) bool {
	if !w.Scope.Local() {
		return true
	}
	base, err := w.Of.Take()
	if err != nil {
		return false // nothing is in force, or no more
	}
	defer func() { _ = base.Release() }() // only read
	key, err := keyOf(base, w.Scope)
	if err != nil {
		s.opt.Log.Error("a scope has no name", "error", err)
		return true // nor will it have one
	}
	if lacks, failed := s.lacks(key); !lacks {
		return !failed
	}
	g, busy, err := s.find(key, base, w.Scope)
	switch {
	case err != nil: // it is logged where it was found, and told to who asks
		return errors.Is(err, ErrEmpty)
	case busy == nil: // another was faster
		_ = g.Release() // only read
		return true
	}
	select {
	case <-busy:
	case <-ctx.Done():
	}
	_, failed := s.lacks(key)
	return !failed
}

// lacks tells whether the edition of that key is to be made now and there is room for it, and
// whether it could not be made when it was tried.
func (s *Editions[G]) lacks(key string) (lacks, failed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[key]; e != nil {
		failed = e.err != nil && !errors.Is(e.err, ErrEmpty)
		if e.bytes > 0 || e.busy != nil || e.err != nil && (!failed || time.Since(e.failed) < retry) {
			return false, failed
		}
	}
	kept, size := 0, int64(0)
	now := newEntry[G](key)
	for _, e := range s.entries {
		switch {
		case e.precedes(now): // its place is the one that is taken
		case e.bytes > 0 || e.busy != nil:
			size += e.bytes
			kept++
		}
	}
	return kept < s.opt.Limits.Editions && size < s.opt.Limits.Bytes, failed
}

// precedes tells whether e is for the scope of now, of another generation.
func (e *entry[G]) precedes(now *entry[G]) bool {
	return e.key != now.key && e.tier == now.tier && e.digest == now.digest
}
