// Package access decides who may see a tier, and keeps the record of who did.
//
// Tokens come in and a [Decision] goes out: [Store] holds the tokens of an
// access file and follows its changes, [Add] and [Revoke] change the file, and
// [Log] writes a line a request that later lines vouch for. A token opens its
// own tier and no other: a token of the secure tier does not open the
// government tier, whose network must never see it.
//
// No token is ever stored or logged; the file holds hashes and [Mask] takes
// tokens out of addresses. The package knows no HTTP library: statuses and
// headers are the server's. Where the system has no flock, two programs that
// write one file at once are not kept apart.
package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
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
	// Allowed means a valid token of this tier.
	Allowed
)

// String returns the outcome as logs and metrics name it: "wrong_tier".
func (o Outcome) String() string {
	names := [...]string{"no_token", "unknown", "revoked", "expired", "wrong_tier", "allowed"}
	if int(o) < len(names) {
		return names[o]
	}
	return "invalid"
}

// Decision is what a token gives.
type Decision struct {
	Outcome Outcome
	// Name is that of the token, for the log; "" unless the token is known.
	Name string
	// Scope is what the token reaches inside of the tier; nil is all of it.
	Scope *Scope
}

// entry is a token as it is looked up.
type entry struct {
	token  Token
	digest [sha256.Size]byte
}

// snapshot is the content of an access file at one time; never changed.
type snapshot struct {
	entries []entry
	origins []string
	// info tells whether the file has changed since.
	info os.FileInfo
}

// Store holds the tokens of one access file. Its methods may be called by many
// goroutines at once.
type Store struct {
	path    string
	now     func() time.Time
	reload  sync.Mutex // one reader of the file at a time
	current atomic.Pointer[snapshot]
}

// Open reads the access file at path. Errors are those of [Load].
func Open(path string) (*Store, error) {
	return OpenAt(path, time.Now)
}

// OpenAt is [Open] with a clock, which says whether tokens have expired.
func OpenAt(path string, now func() time.Time) (*Store, error) {
	s := &Store{path: path, now: now}
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
	f, info, err := load(s.path)
	if err != nil {
		return err
	}
	next := &snapshot{origins: f.Origins, info: info}
	for _, t := range f.Tokens {
		// load has seen that every hash is well formed.
		next.entries = append(next.entries, entry{t, *parseHash(t.Hash)})
	}
	s.current.Store(next)
	return nil
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

// Check decides on a request for tier with token, which is "" when the request
// has none. The time it takes depends on the number of tokens in the file and
// on the length of the token, not on how far it agrees with any of them.
func (s *Store) Check(token, tier string) Decision {
	if token == "" {
		return Decision{Outcome: NoToken}
	}
	digest := sha256.Sum256([]byte(token))
	now := s.now()
	found := -1
	entries := s.current.Load().entries
	for i := range entries {
		equal := subtle.ConstantTimeCompare(digest[:], entries[i].digest[:])
		found = subtle.ConstantTimeSelect(equal, i, found)
	}
	if found < 0 {
		return Decision{Outcome: Unknown}
	}
	t := entries[found].token
	return Decision{Outcome: t.outcome(tier, now), Name: t.Name, Scope: t.Scope}
}

// AllowsOrigin tells whether a page of origin may read the answers of the tiers
// above public, as the file lists it: "https://map.example.org", compared as it
// is.
func (s *Store) AllowsOrigin(origin string) bool {
	return slices.Contains(s.current.Load().origins, origin)
}
