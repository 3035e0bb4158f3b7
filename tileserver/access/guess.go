package access

import (
	"crypto/sha256"
	"math"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Wrong tokens are counted by address, in a meter that runs empty by itself: a
// person who mistypes is answered at once, who goes on is answered ever later, and
// then refused until the meter has run down. A token that was tried just before
// is not counted again: it tells nothing new, and a page with an old token asks for
// many tiles. Right tokens that nobody can guess are not asked about here: those of a
// county behind one address go on while one of its users tries wrong ones.
const (
	// freeGuesses are answered at once.
	freeGuesses = 10
	// maxGuesses bar an address.
	maxGuesses = 30
	// guessLeak is how long a wrong token counts, one after the other.
	guessLeak = 10 * time.Second
	// firstDelay is that of the first wrong token beyond freeGuesses; each further
	// one takes that much longer.
	firstDelay = 50 * time.Millisecond
	// manyGuesses are how many wrong tokens of all addresses together make a single
	// one bar its address; they run down by leakAll a second.
	manyGuesses = 1000
	leakAll     = 10
	// maxGuessers bounds the addresses that are remembered: some 2 MB.
	maxGuessers = 8192
	// lastTokens is how many tokens of an address are told from new ones.
	lastTokens = 4
)

// guesses counts wrong tokens. Safe for concurrent use.
type guesses struct {
	known atomic.Int64 // addresses, so that nobody waits where there are none

	mu  sync.Mutex
	of  map[netip.Prefix]*guesser
	all meter
}

// guesser is what is known of an address.
type guesser struct {
	meter
	last []([sha256.Size]byte)
}

// meter counts up by one and runs down with time.
type meter struct {
	level float64
	at    time.Time
}

// run lets the meter run down until now, by perSecond.
func (m *meter) run(now time.Time, perSecond float64) {
	if past := now.Sub(m.at).Seconds(); past > 0 {
		m.level = math.Max(0, m.level-past*perSecond)
		m.at = now
	}
}

// leakOne is what an address's meter loses in a second.
const leakOne = float64(time.Second) / float64(guessLeak)

// guesserOf is what addresses are counted together by: one of IPv4, and of IPv6 a
// net of 64 bits, which a single user has.
func guesserOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // an address that is not known
	}
	return p
}

// barred returns for how long a must wait before one that may be guessed is looked at.
func (g *guesses) barred(a netip.Addr, now time.Time) time.Duration {
	if g.known.Load() == 0 {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	key := guesserOf(a)
	w := g.of[key]
	if w == nil {
		return 0
	}
	w.run(now, leakOne)
	g.all.run(now, leakAll)
	if w.level == 0 {
		delete(g.of, key)
		g.known.Store(int64(len(g.of)))
		return 0
	}
	bound := float64(maxGuesses)
	if g.all.level >= manyGuesses {
		bound = 1
	}
	if w.level < bound {
		return 0
	}
	// Just when the meter is below the bound, and a moment more.
	return time.Duration((w.level-bound)/leakOne*float64(time.Second)) + time.Second
}

// wrong counts a wrong token of a and returns how long its answer is to be held
// back.
func (g *guesses) wrong(a netip.Addr, token [sha256.Size]byte, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := guesserOf(a)
	w := g.of[key]
	if w == nil {
		w = &guesser{meter: meter{at: now}}
		g.remember(key, w, now)
	}
	w.run(now, leakOne)
	g.all.run(now, leakAll)
	if !slices.Contains(w.last, token) {
		w.last = append(w.last, token)
		w.last = w.last[max(len(w.last)-lastTokens, 0):]
		w.level++
		g.all.level++
	}
	return time.Duration(max(w.level-freeGuesses, 0) * float64(firstDelay))
}

// remember adds an address, for which another one goes when there are too many:
// one that has run down, or the one with the fewest wrong tokens of some.
func (g *guesses) remember(key netip.Prefix, w *guesser, now time.Time) {
	if g.of == nil {
		g.of = map[netip.Prefix]*guesser{}
	}
	if len(g.of) >= maxGuessers {
		const looked = 8
		n, least, level := 0, netip.Prefix{}, math.Inf(1)
		for k, other := range g.of {
			other.run(now, leakOne)
			if other.level < level {
				least, level = k, other.level
			}
			if n++; n == looked {
				break
			}
		}
		delete(g.of, least)
	}
	g.of[key] = w
	g.known.Store(int64(len(g.of)))
}
