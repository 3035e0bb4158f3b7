package access

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"gengtu/index/problem"
	"gengtu/tileserver/access/oidc"
)

// The bounds of an access file's issuers.
const (
	maxIssuers = 10
	maxGrants  = 200
)

// Issuer is an OpenID Connect issuer whose users are let in, and with what.
type Issuer struct {
	oidc.Config
	// NameClaim is the claim that the log names users by; "" is sub.
	NameClaim string `json:"name_claim,omitempty"`
	// Login lets users of a browser get a token; nil where they bring one.
	Login *oidc.Login `json:"login,omitempty"`
	// Grants are looked through in order: the first one of the tier asked for that
	// a user has is what the user gets.
	Grants []Grant `json:"grants"`
}

// Grant is what users with a claim reach.
type Grant struct {
	// Claim and Value are what a user must have: the claim is the value, or a list
	// that holds it. A name that begins with a slash is a JSON pointer.
	Claim string `json:"claim"`
	Value string `json:"value"`
	// Tier is the tier that it opens: "secure" or "government".
	Tier string `json:"tier"`
	// Scope is what it reaches there; nil is all of it.
	Scope *Scope `json:"scope,omitempty"`
	// PlacesClaim is the claim that holds the codes of the user's places. A user
	// without it, or with other things in it, gets nothing.
	PlacesClaim string `json:"places_claim,omitempty"`
	Bounds
}

// Unlimited tells whether g bounds its users neither to places or an area nor to layers
// or operations: whoever the issuer gives the value to has the whole tier.
func (g *Grant) Unlimited() bool {
	return g.PlacesClaim == "" && (g.Scope == nil || !g.Scope.Local() && len(g.Scope.Layers)+len(g.Scope.Operations) == 0)
}

// check tells what is wrong with i, or nil.
func (i *Issuer) check() *problem.Problem {
	if p := i.Check(); p != nil {
		return p
	}
	if len(i.Grants) == 0 || len(i.Grants) > maxGrants {
		return problem.New("ACCESS_OIDC", "签发方 %.80q 的 grants 有 %d 条，应为 1 到 %d 条", "the issuer %.80q has %d grants, it may have 1 to %d",
			i.Issuer, len(i.Grants), maxGrants)
	}
	if i.Login != nil {
		if p := i.Login.Check(i.Issuer); p != nil {
			return p
		}
	}
	for n := range i.Grants {
		if p := i.Grants[n].check(); p != nil {
			return p.At(int64(n+1), i.Issuer)
		}
	}
	return nil
}

func (g *Grant) check() *problem.Problem {
	switch {
	case g.Claim == "" || g.Value == "":
		return problem.New("ACCESS_OIDC", "授权缺少 claim 或 value", "a grant has no claim or no value").
			Advise("写明用户要有的声明和它的值", "name the claim that a user must have, and its value")
	case !opens(g.Tier):
		return problem.New("ACCESS_TIER", "授权的版本 %.40q 无效", "a grant has the tier %.40q", g.Tier).
			Advise("应为 secure 或 government；公众版不需要令牌", "it may be secure or government; public needs no token")
	case g.PlacesClaim != "" && g.Scope.Local():
		return problem.New("ACCESS_SCOPE", "places_claim 与 scope 中的 places、area 只能给一个", "give one of places_claim and places or area of the scope")
	}
	if p := g.Scope.check(); p != nil {
		return p
	}
	return g.Bounds.check()
}

// scope is what a user with claims c reaches by g; false for nothing.
func (g *Grant) scope(c *oidc.Claims) (*Scope, bool) {
	if g.PlacesClaim == "" {
		return g.Scope, true
	}
	var s Scope
	if g.Scope != nil {
		s = *g.Scope
	}
	s.Places = c.Texts(g.PlacesClaim)
	return &s, len(s.Places) > 0 && s.check() == nil
}

// issuer is an issuer as tokens are verified.
type issuer struct {
	Issuer
	verifier *oidc.Verifier
	users    *userLimits
	client   *oidc.Client // nil without Login
}

// newIssuer returns i with what last, which may be nil, knows of the same issuer:
// its keys, and what users have used up of their rates.
func newIssuer(i Issuer, last *snapshot, now func() time.Time) (*issuer, error) {
	if last != nil {
		for _, b := range last.issuers {
			if b.Config == i.Config {
				next := &issuer{Issuer: i, verifier: b.verifier, users: b.users, client: b.client}
				if !reflect.DeepEqual(i.Login, b.Login) {
					next.client = clientOf(&i, b.verifier)
				}
				return next, nil
			}
		}
	}
	v, err := oidc.New(i.Config, now)
	if err != nil {
		return nil, err
	}
	return &issuer{Issuer: i, verifier: v, users: &userLimits{}, client: clientOf(&i, v)}, nil
}

// clientOf is what logs users of i in, nil where it is not to.
func clientOf(i *Issuer, v *oidc.Verifier) *oidc.Client {
	if i.Login == nil {
		return nil
	}
	return oidc.NewClient(*i.Login, v)
}

// looksSigned tells whether a token has the form of a JSON web token.
func looksSigned(token string) bool { return strings.Count(token, ".") == 2 }

// checkSigned decides on a request with a token that an issuer may have signed.
func (n *snapshot) checkSigned(q *Request, now time.Time) Decision {
	i, claims, err := n.signed(q.Token)
	switch {
	case errors.Is(err, oidc.ErrExpired):
		return Decision{Outcome: Expired}
	case errors.Is(err, oidc.ErrKeys):
		return Decision{Outcome: NoKeys, Cause: err}
	case i == nil:
		return Decision{Outcome: Unknown}
	}
	return i.decide(q, claims, now)
}

// signed returns the issuer of a token and what it says, or nil where none has signed it;
// the error is that of the last one that it names.
func (n *snapshot) signed(token string) (*issuer, *oidc.Claims, error) {
	if len(n.issuers) == 0 || !looksSigned(token) {
		return nil, nil, nil
	}
	said := oidc.IssuerOf(token)
	var last error
	for _, i := range n.issuers {
		if i.Config.Issuer != said {
			continue
		}
		claims, err := i.verifier.Verify(token)
		if err == nil {
			return i, claims, nil
		}
		last = err
	}
	return nil, nil, last
}

// opens tells whether a user with claims c has g of a tier.
func (g *Grant) opens(tier string, c *oidc.Claims) bool {
	return g.Tier == tier && slices.Contains(c.Texts(g.Claim), g.Value)
}

// decide finds what a user of i gets.
func (i *issuer) decide(q *Request, c *oidc.Claims, now time.Time) Decision {
	d := Decision{Outcome: WrongTier, Name: i.nameOf(c)}
	for n := range i.Grants {
		g := &i.Grants[n]
		if !g.opens(q.Tier, c) {
			continue
		}
		scope, ok := g.scope(c)
		if !ok {
			return d
		}
		if d.Outcome = g.Bounds.outcome(q); d.Outcome != Allowed {
			return d
		}
		d.Scope, d.Rated = scope, g.Rate > 0
		d.Outcome, d.Retry = admit(i.users.limiter(c.Subject, &g.Bounds, now), now)
		return d
	}
	return d
}

// userPrefix begins the names of issuers' users in logs, so that none can be taken
// for a token of the file.
const userPrefix = "oidc:"

// nameOf is what the log calls a user by.
func (i *issuer) nameOf(c *oidc.Claims) string {
	name := c.Subject
	if i.NameClaim != "" {
		if t := c.Texts(i.NameClaim); len(t) == 1 {
			name = t[0]
		}
	}
	if !validName(name) {
		return userPrefix + "?"
	}
	return userPrefix + name
}

// maxUsers bounds the users of an issuer whose rates are remembered.
const maxUsers = 10_000

// userLimits holds the rates of an issuer's users. Safe for concurrent use; the
// zero value is empty.
type userLimits struct {
	mu sync.Mutex
	of map[string]*rate.Limiter
}

// limiter returns that of a user; nil where b has no rate.
func (u *userLimits) limiter(subject string, b *Bounds, now time.Time) *rate.Limiter {
	if b.Rate == 0 {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	l := limiterOf(b, u.of[subject])
	if u.of == nil {
		u.of = map[string]*rate.Limiter{}
	}
	if _, known := u.of[subject]; !known && len(u.of) >= maxUsers {
		u.forget(now)
	}
	u.of[subject] = l
	return l
}

// forget makes room: users who have all of their rate again lose nothing by it, and
// where there is none of them one goes that comes first.
func (u *userLimits) forget(now time.Time) {
	for k, l := range u.of {
		if l.TokensAt(now) >= float64(l.Burst()) {
			delete(u.of, k)
		}
	}
	for k := range u.of {
		if len(u.of) < maxUsers {
			return
		}
		delete(u.of, k)
	}
}
