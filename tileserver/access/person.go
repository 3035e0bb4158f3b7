package access

import (
	"crypto/sha256"
	"strings"
	"time"
)

// Way is how somebody says who they are.
type Way string

// The ways.
const (
	ByToken  Way = "token" // one of the access file
	ByIssuer Way = "oidc"  // one that an issuer has signed
)

// Person is who holds a token, as they may be told themselves. Nothing of it is the
// token or its hash.
type Person struct {
	Way Way
	// Name is the token's, or what the issuer calls the user by (the claim of NameClaim).
	Name string
	// Issuer is who has signed the token, "" for one of the file.
	Issuer string
	// Scope is what they reach inside of the tier, nil is all of it.
	Scope *Scope
	Bounds
	// Expires is when the token ceases to be valid; zero is never.
	Expires time.Time
}

// Who tells who holds the token of a request that is allowed; false where it is not, or
// no longer. It counts for no rate and as no wrong token.
func (s *Store) Who(q Request) (Person, bool) {
	now, current := s.time(), s.current.Load()
	if e := current.find(sha256.Sum256([]byte(q.Token))); e != nil {
		t := &e.token
		return Person{Way: ByToken, Name: t.Name, Scope: t.Scope, Bounds: t.Bounds, Expires: t.Expires}, t.outcome(q.Tier, now) == Allowed && t.Bounds.outcome(&q) == Allowed
	}
	i, claims, err := current.signed(q.Token)
	if err != nil || i == nil {
		return Person{}, false
	}
	for n := range i.Grants {
		g := &i.Grants[n]
		if !g.opens(q.Tier, claims) {
			continue
		}
		scope, ok := g.scope(claims)
		return Person{
			Way: ByIssuer, Name: strings.TrimPrefix(i.nameOf(claims), userPrefix), Issuer: i.Config.Issuer, Scope: scope, Bounds: g.Bounds, Expires: claims.Expires,
		}, ok && g.Bounds.outcome(&q) == Allowed
	}
	return Person{}, false
}
