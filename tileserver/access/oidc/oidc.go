// Package oidc verifies the tokens of an OpenID Connect issuer: JSON web tokens
// (RFC 7519) that it has signed for us.
//
// A token comes in and its claims go out, once the signature, the issuer, the
// audience and the times are right; what they allow is for package access to
// decide. Only asymmetric signatures are taken: with a shared secret whoever
// verifies could also sign, and "none" is no signature. Keys come from the issuer
// alone, never from the token, are fetched when they are first needed, and are
// kept over an outage of it for a stated time.
package oidc

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"gengtu/index/problem"
)

// Config names an issuer.
type Config struct {
	// Issuer is the value of iss in its tokens, to the letter, and where its
	// description is found: https://id.example.org/realms/land.
	Issuer string `json:"issuer"`
	// Audience is what aud in its tokens must hold.
	Audience string `json:"audience"`
	// JWKSURL is where its keys are; "" takes what its description says (OpenID
	// Connect Discovery 1.0).
	JWKSURL string `json:"jwks_url,omitempty"`
	// CAFile holds the certificates, as PEM, that its server is trusted by; "" takes
	// the system's.
	CAFile string `json:"ca_file,omitempty"`
}

// Check tells what is wrong with c, or nil.
func (c *Config) Check() *problem.Problem {
	if c.Audience == "" {
		return problem.New("ACCESS_OIDC", "签发方 %.80q 没有 audience", "the issuer %.80q has no audience", c.Issuer).
			Advise("写上在签发方登记的本系统名称", "give the name that this system has there")
	}
	addresses := []string{c.Issuer}
	if c.JWKSURL != "" {
		addresses = append(addresses, c.JWKSURL)
	}
	for _, a := range addresses {
		if !safeURL(a) {
			return problem.New("ACCESS_OIDC", "地址 %.120q 无效", "the address %.120q is not valid", a).
				Advise("写作 https://…；http 只用于本机", "write https://…; http is for this machine alone")
		}
	}
	return nil
}

// safeURL tells whether what is fetched from an address comes from whom it names.
func safeURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	if u.Scheme == "https" {
		return true
	}
	a, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || err == nil && a.IsLoopback())
}

// Why a token is not taken.
var (
	// ErrInvalid means that the token is none of this issuer for us.
	ErrInvalid = errors.New("not a token of this issuer")
	// ErrExpired means a token that was right and whose time is over, or has not
	// come.
	ErrExpired = errors.New("the token's time is over or has not come")
	// ErrKeys means that it cannot be told, because the issuer's keys cannot be
	// had.
	ErrKeys = errors.New("the issuer's keys cannot be had")
)

// Skew is how far the issuer's clock and ours may be apart.
const Skew = time.Minute

// leastRSABits is the least size of an RSA key (RFC 7518, 3.3).
const leastRSABits = 2048

// algorithms are the signatures that are taken.
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// Claims are what an issuer says of a user.
type Claims struct {
	Subject string
	// Expires is when the token ceases to be valid.
	Expires time.Time
	all     map[string]any
}

// IssuerOf returns what an unverified token says that its issuer is; "" for what
// is no signed token of a kind that is taken.
func IssuerOf(token string) string {
	t, err := jwt.ParseSigned(token, algorithms)
	if err != nil {
		return ""
	}
	var c jwt.Claims
	if err := t.UnsafeClaimsWithoutVerification(&c); err != nil {
		return ""
	}
	return c.Issuer
}

// Verifier verifies the tokens of one issuer. Safe for concurrent use.
type Verifier struct {
	Config
	keys *keySet
	now  func() time.Time
}

// New returns a verifier; nothing is fetched before the first token. The error, a
// problem, says that the CA file cannot be used.
func New(c Config, now func() time.Time) (*Verifier, error) {
	keys, err := newKeySet(c, now)
	if err != nil {
		return nil, err
	}
	return &Verifier{Config: c, keys: keys, now: now}, nil
}

// Verify returns the claims of a token. It may wait for the issuer, FetchTime at
// most. Errors wrap [ErrInvalid], [ErrExpired] or [ErrKeys].
func (v *Verifier) Verify(token string) (*Claims, error) {
	t, err := jwt.ParseSigned(token, algorithms)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	h := t.Headers[0]
	keys, err := v.keys.named(h.KeyID)
	if err != nil {
		return nil, err
	}
	for i := range keys {
		if !fits(&keys[i], h.Algorithm) {
			continue
		}
		var std jwt.Claims
		var all map[string]any
		if t.Claims(keys[i].Key, &std, &all) != nil {
			continue // another key of that name
		}
		if err := v.judge(&std); err != nil {
			return nil, err
		}
		return &Claims{Subject: std.Subject, Expires: std.Expiry.Time(), all: all}, nil
	}
	return nil, fmt.Errorf("%w: signed by no key of it", ErrInvalid)
}

// judge holds signed claims against what is demanded.
func (v *Verifier) judge(c *jwt.Claims) error {
	// An empty issuer or audience would not be compared; Check sees to that.
	err := c.ValidateWithLeeway(jwt.Expected{Issuer: v.Issuer, AnyAudience: jwt.Audience{v.Audience}, Time: v.now()}, Skew)
	switch {
	case errors.Is(err, jwt.ErrExpired), errors.Is(err, jwt.ErrNotValidYet), errors.Is(err, jwt.ErrIssuedInTheFuture):
		return fmt.Errorf("%w: %w", ErrExpired, err)
	case err != nil:
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	case c.Expiry == nil:
		return fmt.Errorf("%w: it has no exp", ErrInvalid)
	}
	return nil
}

// fits tells whether a key of the issuer's may have signed with an algorithm.
func fits(k *jose.JSONWebKey, algorithm string) bool {
	if k.Algorithm != "" && k.Algorithm != algorithm {
		return false
	}
	r, ok := k.Key.(*rsa.PublicKey)
	return !ok || r.N.BitLen() >= leastRSABits
}

// Texts returns the texts of a claim, which is one or a list of them; none where
// there is no such claim. A name that begins with a slash is a JSON pointer (RFC
// 6901), for claims inside of others: "/realm_access/roles".
func (c *Claims) Texts(claim string) []string {
	var out []string
	switch v := c.find(claim).(type) {
	case string:
		out = append(out, v)
	case []any:
		for _, e := range v {
			if s, ok := e.(string); ok {
				out = append(out, s)
			}
		}
	case float64:
		out = append(out, strconv.FormatFloat(v, 'f', -1, 64))
	case bool:
		out = append(out, strconv.FormatBool(v))
	}
	return out
}

// find returns the value of a claim, nil where there is none.
func (c *Claims) find(claim string) any {
	if !strings.HasPrefix(claim, "/") {
		return c.all[claim]
	}
	var at any = c.all
	for _, name := range strings.Split(claim[1:], "/") {
		m, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = m[pointerNames.Replace(name)]
	}
	return at
}

// pointerNames undoes what a JSON pointer writes otherwise (RFC 6901, 4).
var pointerNames = strings.NewReplacer("~1", "/", "~0", "~")
