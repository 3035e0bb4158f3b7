// Package access decides who may see a tier.
//
// A [Request] comes in and a [Decision] goes out: [Store] holds the tokens and the
// issuers of an access file and follows its changes, [Add] and [Revoke] change the file.
// A token opens its own tier and no other: a token of the secure tier does not open the
// government tier, whose network must never see it.
//
// No token is ever stored or logged; the file holds hashes and [Mask] takes
// tokens out of addresses. The package knows no HTTP library: statuses and
// headers are the server's.
package access

import (
	"crypto/cipher"
	"crypto/sha256"
	"crypto/subtle"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Outcome is what is to be said of a request for a tier.
type Outcome uint8

// The outcomes. Only [Allowed] opens anything.
const (
	// NoToken means that the request has none.
	NoToken Outcome = iota
	// Unknown means a token that was never issued.
	Unknown
	// Revoked means a token that was taken back.
	Revoked
	// Expired means a token whose time is over.
	Expired
	// WrongTier means a valid token of another tier.
	WrongTier
	// WrongAddress means a token that is bound to other addresses.
	WrongAddress
	// WrongOrigin means a token that is bound to the pages of other origins.
	WrongOrigin
	// WrongOperation means a token that may not ask this; the server finds that.
	WrongOperation
	// WrongScope means a token that does not grant the layer, zoom or place asked for; the
	// server finds that.
	WrongScope
	// TooFast means a token that is used more often than its rate.
	TooFast
	// Barred means a wrong token from an address that has tried too many.
	Barred
	// NoKeys means the token of an issuer whose keys cannot be had, so that nobody
	// can tell.
	NoKeys
	// Allowed means a valid token of this tier.
	Allowed
)

// String returns the outcome as logs and metrics name it: "wrong_tier".
func (o Outcome) String() string {
	names := [...]string{"no_token", "unknown", "revoked", "expired", "wrong_tier", "wrong_address", "wrong_origin", "wrong_operation", "wrong_scope", "too_fast", "barred", "no_keys", "allowed"}
	if int(o) < len(names) {
		return names[o]
	}
	return "invalid"
}

// Request is who asks for what.
type Request struct {
	// Token is "" when the request has none.
	Token, Tier string
	// Address is where the request comes from; the zero value is not known.
	Address netip.Addr
	// Origin and Referer are the headers of those names, "" for none.
	Origin, Referer string
}

// Decision is what a token gives.
type Decision struct {
	Outcome Outcome
	// Name is that of the token, for the log; "" unless the token is known.
	Name string
	// Scope is what the token reaches inside of the tier; nil is all of it.
	Scope *Scope
	// Rated tells, of Allowed and TooFast, whether the access file sets a rate for it.
	Rated bool
	// Retry is after what time to ask again, of TooFast and Barred.
	Retry time.Duration
	// Delay is what the answer is to be held back for, of Unknown.
	Delay time.Duration
	// Cause is why there are no keys, of NoKeys: for the log, not for who asks.
	Cause error
}

// entry is a token as it is looked up.
type entry struct {
	token   Token
	limiter *rate.Limiter // nil where there is no rate
}

// snapshot is the content of an access file at one time; never changed.
type snapshot struct {
	digests [][sha256.Size]byte // of entries, close to one another
	entries []entry
	issuers []*issuer
	origins map[string]bool // of the file and of its tokens
	areas   areas
	roles   Roles
	// info tells whether the file has changed since.
	info os.FileInfo
}

// Store holds the tokens of one access file. Its methods may be called by many
// goroutines at once.
type Store struct {
	path    string
	now     func() time.Time
	opened  time.Time                     // by now
	elapsed func(time.Time) time.Duration // from then to what now said, whatever becomes of the clock
	reload  sync.Mutex                    // one reader of the file at a time
	current atomic.Pointer[snapshot]
	guesses guesses
	sealer  cipher.AEAD // of logins on their way
}

// Open reads the access file at path. Errors are those of [Load].
func Open(path string) (*Store, error) {
	return OpenAt(path, time.Now)
}

// OpenAt is [Open] with a clock, which says whether tokens have expired.
func OpenAt(path string, now func() time.Time) (*Store, error) {
	sealer, err := newSealer()
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, now: now, opened: now(), sealer: sealer}
	s.elapsed = func(t time.Time) time.Duration { return t.Sub(s.opened) } // time.Now's is monotonic
	if err := s.Reload(); err != nil {
		return nil, err
	}
	return s, nil
}

// Reload reads the file anew. When it cannot be read or is wrong, the error is
// that of [Load] and the tokens read before stay in force.
func (s *Store) Reload() error {
	s.reload.Lock()
	defer s.reload.Unlock()
	var known areas
	if last := s.current.Load(); last != nil {
		known = last.areas
	}
	f, info, err := load(s.path, known)
	if err != nil {
		return err
	}
	next, err := s.snapshot(f, info)
	if err != nil {
		return inFile(err, s.path)
	}
	s.current.Store(next)
	return nil
}

// snapshot returns the content of f. Tokens and issuers that were there before go on
// with the rates that were used up, and the keys that were known.
func (s *Store) snapshot(f *File, info os.FileInfo) (*snapshot, error) {
	last := s.current.Load()
	next := &snapshot{origins: map[string]bool{}, areas: f.areas(), roles: f.Roles, info: info}
	for _, o := range f.Origins {
		next.origins[o] = true
	}
	before := map[[sha256.Size]byte]*rate.Limiter{}
	if last != nil {
		for i, d := range last.digests {
			before[d] = last.entries[i].limiter
		}
	}
	for _, t := range f.Tokens {
		// load has seen that every hash is well formed.
		digest := *parseHash(t.Hash)
		e := entry{token: t}
		if t.Rate > 0 {
			e.limiter = limiterOf(&t.Bounds, before[digest])
		}
		for _, o := range t.Origins {
			next.origins[o] = true
		}
		next.digests, next.entries = append(next.digests, digest), append(next.entries, e)
	}
	for _, i := range f.OIDC {
		known, err := newIssuer(i, last, s.time)
		if err != nil {
			return nil, err
		}
		next.issuers = append(next.issuers, known)
		for _, g := range i.Grants {
			for _, o := range g.Origins {
				next.origins[o] = true
			}
		}
	}
	return next, nil
}

// limiterOf returns a limiter for b: last, which may be nil, when it is one.
func limiterOf(b *Bounds, last *rate.Limiter) *rate.Limiter {
	if last != nil && last.Limit() == rate.Limit(b.Rate) && last.Burst() == b.burst() {
		return last
	}
	return rate.NewLimiter(rate.Limit(b.Rate), b.burst())
}

// Refresh reads the file anew if it is another one, or has another size or
// time, than when it was last read, and tells whether it was. It costs one stat
// when nothing changed, so that a server may call it each second. Errors are
// those of [Store.Reload].
func (s *Store) Refresh() (bool, error) {
	info, err := os.Stat(s.path)
	if err != nil {
		return false, unreadable(s.path, err)
	}
	last := s.current.Load().info
	if os.SameFile(info, last) && info.Size() == last.Size() && info.ModTime().Equal(last.ModTime()) {
		return false, nil
	}
	if err := s.Reload(); err != nil {
		return false, err
	}
	return true, nil
}

// time is what the clock says, and no less than has passed since the file was opened: a
// clock that is set back brings no expired token back.
func (s *Store) time() time.Time {
	now := s.now()
	t := now.Round(0)
	if least := s.opened.Round(0).Add(s.elapsed(now)); t.Before(least) {
		return least
	}
	return t
}

// Check decides on a request. The time it takes depends on the number of tokens in
// the file and on the length of the token, not on how far it agrees with any of
// them. Wrong tokens are counted by the address that they come from, which bars that
// address for what can be guessed: a token of the form that [Add] makes has 256 random
// bits and one of an issuer is signed, so no number of tries finds either, and a right
// one is taken whoever else uses its address. With the token of an issuer whose keys
// are not known Check may wait for them, some seconds at most.
func (s *Store) Check(q Request) Decision {
	if q.Token == "" {
		return Decision{Outcome: NoToken}
	}
	now := s.time()
	// Nothing of q is kept of a token that is known: the server's texts may be views.
	var room [128]byte // for a token of ours
	digest := sha256.Sum256(append(room[:0], q.Token...))
	current := s.current.Load()
	e := current.find(digest)
	d := Decision{Outcome: Unknown}
	if e == nil {
		q.Token, q.Tier, q.Origin, q.Referer = strings.Clone(q.Token), strings.Clone(q.Tier), strings.Clone(q.Origin), strings.Clone(q.Referer)
		d = current.checkSigned(&q, now)
	}
	guessable := e != nil && !issuedForm(q.Token)
	if e == nil && d.Outcome == Unknown || guessable {
		// Whether it is right is not told to who is barred.
		if wait := s.guesses.barred(q.Address, now); wait > 0 {
			return Decision{Outcome: Barred, Retry: wait}
		}
	}
	if e == nil {
		if d.Outcome == Unknown {
			d.Delay = s.guesses.wrong(q.Address, digest, now)
		}
		return d
	}
	d = Decision{Outcome: e.token.outcome(q.Tier, now), Name: e.token.Name, Scope: e.token.Scope}
	if d.Outcome == Allowed {
		d.Outcome = e.token.Bounds.outcome(&q)
	}
	if d.Outcome == Allowed {
		d.Outcome, d.Retry = admit(e.limiter, now)
		d.Rated = e.limiter != nil
	}
	return d
}

// Holds tells whether a token that was allowed still is: not revoked, not expired, of the
// tier. It is for answers that take their time, and counts for no rate.
func (s *Store) Holds(q Request) bool {
	now, current := s.time(), s.current.Load()
	if e := current.find(sha256.Sum256([]byte(q.Token))); e != nil {
		return e.token.outcome(q.Tier, now) == Allowed
	}
	i, claims, err := current.signed(q.Token)
	if err != nil || i == nil {
		return false
	}
	return slices.ContainsFunc(i.Grants, func(g Grant) bool { return g.opens(q.Tier, claims) })
}

// find returns the token with that digest, or nil. It looks at all of them.
func (n *snapshot) find(digest [sha256.Size]byte) *entry {
	found := -1
	for i := range n.digests {
		equal := subtle.ConstantTimeCompare(digest[:], n.digests[i][:])
		found = subtle.ConstantTimeSelect(equal, i, found)
	}
	if found < 0 {
		return nil
	}
	return &n.entries[found]
}

// admit takes a request off what a limiter, which may be nil, lets through.
func admit(l *rate.Limiter, now time.Time) (Outcome, time.Duration) {
	if l == nil {
		return Allowed, 0
	}
	if l.AllowN(now, 1) { // takes no memory
		return Allowed, 0
	}
	r := l.ReserveN(now, 1)
	if wait := r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return TooFast, wait
	}
	return Allowed, 0
}

// Role returns the role that the access file gives the holder of the token of that name,
// "" for none.
func (s *Store) Role(name string) Role { return s.current.Load().roles.Of(tokenName + name) }

// Reach is a tier and what of it a token reaches.
type Reach struct {
	Tier  string
	Scope *Scope
}

// Bounded lists what the tokens in force reach that are bound to places or an area, in the
// order of the file. What an issuer's users reach is not known before they come.
func (s *Store) Bounded() []Reach {
	now := s.time()
	var out []Reach
	for _, e := range s.current.Load().entries {
		if t := &e.token; t.Scope.Local() && t.InForce(now) {
			out = append(out, Reach{t.Tier, t.Scope})
		}
	}
	return out
}

// AllowsOrigin tells whether a page of origin may read the answers of the tiers
// above public, as the file or one of its tokens lists it:
// "https://map.example.org", compared as it is.
func (s *Store) AllowsOrigin(origin string) bool { return s.current.Load().origins[origin] }
