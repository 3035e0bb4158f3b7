package access

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"gengtu/tileserver/access/oidc"
)

// LoginTitles are what a page names the issuers by at which users of a tier may log in, in
// the order of the file; none where there is no such issuer.
func (s *Store) LoginTitles(tier string) []string {
	var out []string
	for _, i := range s.current.Load().logins(tier) {
		title := i.client.Title
		if u, err := url.Parse(i.Config.Issuer); title == "" && err == nil {
			title = u.Host
		}
		out = append(out, title)
	}
	return out
}

// logins are the issuers at which users of a tier may log in.
func (n *snapshot) logins(tier string) []*issuer {
	var out []*issuer
	for _, i := range n.issuers {
		if i.client != nil && slices.ContainsFunc(i.Grants, func(g Grant) bool { return g.Tier == tier }) {
			out = append(out, i)
		}
	}
	return out
}

// Logout is where the session of a user of an issuer ends, who comes back to redirect; ""
// where there is none, or the issuer is not known.
func (s *Store) Logout(name, redirect string) string {
	for _, i := range s.current.Load().issuers {
		if i.client != nil && i.Config.Issuer == name {
			return i.client.Out(redirect)
		}
	}
	return ""
}

// ErrNoLogin means an issuer that there is not, or at which users of the tier do not log in.
var ErrNoLogin = errors.New("no such login")

// Departure is a login that was begun.
type Departure struct {
	// Address is where to send the user.
	Address string
	// Kept is what the browser is to keep until the user comes back, and cannot read; Name,
	// [LoginName] of the login's state, tells it from what it keeps of other logins.
	Name, Kept string
}

// LoginName is what tells a login from others of the same browser, found from its state
// and not telling it: 16 characters of those of base64url. Any text has one.
func LoginName(state string) string {
	digest := sha256.Sum256([]byte(state))
	return base64.RawURLEncoding.EncodeToString(digest[:12])
}

// BeginLogin begins a login of a tier at the issuer of that number, from 0, in
// [Store.LoginTitles], that comes back to redirect. It may wait for the issuer. The error
// is [ErrNoLogin] or one of [oidc.Client.Begin].
func (s *Store) BeginLogin(ctx context.Context, tier string, number int, redirect string) (Departure, error) {
	all := s.current.Load().logins(tier)
	if number < 0 || number >= len(all) {
		return Departure{}, ErrNoLogin
	}
	address, attempt, err := all[number].client.Begin(ctx, redirect)
	if err != nil {
		return Departure{}, err
	}
	kept, err := s.sealAttempt(tier, attempt)
	return Departure{Address: address, Name: LoginName(attempt.State), Kept: kept}, err
}

// Arrival is a user who comes back from the issuer.
type Arrival struct {
	oidc.Back
	Tier, Redirect string
	// Kept is what the browser has kept of [Store.BeginLogin] under the name of the state
	// that it brings; "" for nothing.
	Kept string
	// Denied is the error that the issuer names, "" for none.
	Denied  string
	Address netip.Addr
}

// Login is how a login ended.
type Login struct {
	// Token opens the tier; "" unless Outcome is [Allowed].
	Token string
	// Decision has an Outcome of [Store.Check]'s: Allowed; WrongTier of a user who has
	// nothing in the tier; NoToken of one whom the issuer has refused; Expired of one who
	// took too long; NoKeys, with Cause, where the issuer does not answer; Barred, with
	// Retry; Unknown of the rest: with Delay where the issuer does not take the code or what
	// it gives is not of this login, without where the arrival is not of a login that was
	// begun here, or the access file has lost its issuer since. Name is the user's, of
	// Allowed and WrongTier. Scope and Rated are never set.
	Decision
	// Own tells that the arrival is of the login that this browser has begun, which counts
	// once: what is kept of it is to be forgotten.
	Own bool
}

// ErrDenied means that the user, or the issuer, has refused the login.
var ErrDenied = errors.New("the issuer has refused the login")

// FinishLogin ends a login. An arrival whose state is not that of the login that its browser
// has begun is refused, and changes nothing: any page can have a browser ask for one. It is
// looked at by what the browser keeps alone, so nobody learns anything from its answer. Of
// the login itself a code that is made up counts as a wrong token of its address. Errors are
// those of [oidc.Client.Finish], [ErrDenied], and nil of Barred, WrongTier and Allowed.
func (s *Store) FinishLogin(ctx context.Context, a Arrival) (Login, error) {
	attempt, err := s.openAttempt(a.Tier, a.Kept)
	if err != nil || attempt.Redirect != a.Redirect || !attempt.Is(a.State) {
		return Login{Decision: Decision{Outcome: Unknown}}, oidc.ErrState
	}
	now := s.time()
	if wait := s.guesses.barred(a.Address, now); wait > 0 {
		return Login{Decision: Decision{Outcome: Barred, Retry: wait}}, nil
	}
	own := func(d Decision) Login { return Login{Decision: d, Own: true} }
	all := s.current.Load().logins(a.Tier)
	n := slices.IndexFunc(all, func(i *issuer) bool { return i.Config.Issuer == attempt.Issuer && i.client.ID() == attempt.Client })
	if n < 0 {
		return own(Decision{Outcome: Unknown}), oidc.ErrState // the access file is another one since
	}
	if a.Denied != "" {
		return own(Decision{Outcome: NoToken}), fmt.Errorf("%w: %.40q", ErrDenied, a.Denied)
	}
	token, claims, err := all[n].client.Finish(ctx, attempt, a.Back)
	switch {
	case errors.Is(err, oidc.ErrKeys), errors.Is(err, oidc.ErrAway):
		return own(Decision{Outcome: NoKeys, Cause: err}), err
	case errors.Is(err, oidc.ErrExpired) && !errors.Is(err, oidc.ErrToken):
		return own(Decision{Outcome: Expired}), err
	case err != nil:
		d := s.guesses.wrong(a.Address, sha256.Sum256([]byte(a.State+" "+a.Code)), now)
		return own(Decision{Outcome: Unknown, Delay: d}), err
	}
	l := own(Decision{Outcome: WrongTier, Name: all[n].nameOf(claims)})
	if all[n].grants(a.Tier, claims) {
		l.Outcome, l.Token = Allowed, token
	}
	return l, nil
}

// grants tells whether a user with claims c has something in a tier.
func (i *issuer) grants(tier string, c *oidc.Claims) bool {
	return slices.ContainsFunc(i.Grants, func(g Grant) bool {
		if !g.opens(tier, c) {
			return false
		}
		_, ok := g.scope(c)
		return ok
	})
}

// newSealer returns what seals logins on their way: by a key of this process alone, so
// that nothing of them is kept here, and a login that a restart falls into begins anew.
func newSealer() (cipher.AEAD, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("no randomness for a key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// loginOf binds what is sealed to what it is for, so that nothing of another tier fits.
func loginOf(tier string) []byte { return []byte("login " + tier) }

func (s *Store) sealAttempt(tier string, a *oidc.Attempt) (string, error) {
	data, err := json.Marshal(a)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(s.sealer.Seal(nil, nil, data, loginOf(tier))), nil
}

// openAttempt returns what was sealed; an error of what was not, or by another process.
func (s *Store) openAttempt(tier, kept string) (*oidc.Attempt, error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(kept) // one text for each sealed login
	if err != nil {
		return nil, err
	}
	data, err := s.sealer.Open(nil, nil, sealed, loginOf(tier))
	if err != nil {
		return nil, err
	}
	a := new(oidc.Attempt)
	if err := json.Unmarshal(data, a); err != nil {
		return nil, err
	}
	return a, nil
}

// LoginTime is how long the browser keeps what [Store.BeginLogin] gives it.
const LoginTime time.Duration = oidc.LoginTime
