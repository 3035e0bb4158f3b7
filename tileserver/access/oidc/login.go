package oidc

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"gengtu/index/problem"
)

// Login is how a browser gets a token of an issuer for its user: OpenID Connect Core 1.0
// with the authorization code flow and PKCE (RFC 7636).
type Login struct {
	// Title is what a page names the issuer by; "" is its host.
	Title string `json:"title,omitempty"`
	// ClientID is what this system is registered as; "" is the audience.
	ClientID string `json:"client_id,omitempty"`
	// ClientSecretFile holds the client's secret, on one line, where the issuer has given
	// one; others are public clients, which PKCE alone protects.
	ClientSecretFile string `json:"client_secret_file,omitempty"`
	// AuthorizationEndpoint and TokenEndpoint are the issuer's; "" takes what its
	// description says.
	AuthorizationEndpoint string `json:"authorization_endpoint,omitempty"`
	TokenEndpoint         string `json:"token_endpoint,omitempty"`
	// EndSessionEndpoint is where users are sent who log out; "" sends them nowhere.
	EndSessionEndpoint string `json:"end_session_endpoint,omitempty"`
	// Scopes are asked for beside openid.
	Scopes []string `json:"scopes,omitempty"`
}

// The bounds of a Login.
const (
	maxTitle  = 60
	maxScopes = 20
	maxSecret = 4096 // bytes
)

// Check tells what is wrong with l, of an issuer of that name, or nil. The secret is read
// when it is needed.
func (l *Login) Check(issuer string) *problem.Problem {
	for _, a := range []string{l.AuthorizationEndpoint, l.TokenEndpoint, l.EndSessionEndpoint} {
		if a != "" && !safeURL(a) {
			return problem.New("ACCESS_OIDC", "地址 %.120q 无效", "the address %.120q is not valid", a).
				Advise("写作 https://…；http 只用于本机", "write https://…; http is for this machine alone")
		}
	}
	for _, s := range l.Scopes {
		if s == "" || strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\\' }) {
			return problem.New("ACCESS_OIDC", "签发方 %.80q 的 scopes 中 %.40q 无效", "of the issuer %.80q the scope %.40q is not valid", issuer, s).
				Advise("每条写一个名称，不含空格", "each is one name without spaces")
		}
	}
	if len([]rune(l.Title)) > maxTitle || len(l.Scopes) > maxScopes {
		return problem.New("ACCESS_OIDC", "签发方 %.80q 的 login 太长：title 最多 %d 字，scopes 最多 %d 条", "the login of the issuer %.80q is too long: a title of %d characters and %d scopes at most", issuer, maxTitle, maxScopes)
	}
	return nil
}

// Why a login does not end with a token.
var (
	// ErrAway means that the issuer does not answer, or with what is no answer.
	ErrAway = errors.New("the issuer does not answer as it should")
	// ErrCode means that the issuer does not take the code: it was used, is too old, or
	// belongs to another login.
	ErrCode = errors.New("the issuer does not take the code")
	// ErrToken means that the token that the issuer gives is none for this login.
	ErrToken = errors.New("the issuer's token is not for this login")
)

// Attempt is one login from the moment in which the user leaves for the issuer. It is
// kept by the browser, sealed; nothing of it is told to anybody but State, Nonce and the
// digest of Verifier.
type Attempt struct {
	Issuer   string    `json:"i"`
	Client   string    `json:"c"` // what this system is called there
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"`
	Redirect string    `json:"r"`
	Until    time.Time `json:"u"`
}

// Is tells whether a state is that of the attempt.
func (a *Attempt) Is(state string) bool {
	return subtle.ConstantTimeCompare([]byte(a.State), []byte(state)) == 1
}

// Client logs users in at one issuer. Safe for concurrent use.
type Client struct {
	Login
	verifier *Verifier

	mu        sync.Mutex
	described description
	of        time.Time // when described was fetched
}

// description is what the client takes from the issuer's description.
type description struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Methods       []string `json:"token_endpoint_auth_methods_supported"`
	// SaysIssuer tells that answers name the issuer (RFC 9207).
	SaysIssuer bool `json:"authorization_response_iss_parameter_supported"`
}

// NewClient returns a client of an issuer whose tokens v verifies; nothing is fetched
// before the first login.
func NewClient(l Login, v *Verifier) *Client { return &Client{Login: l, verifier: v} }

// ID is what this system is called at the issuer.
func (c *Client) ID() string {
	if c.ClientID != "" {
		return c.ClientID
	}
	return c.verifier.Audience
}

// describe returns the issuer's endpoints. The error wraps [ErrAway].
func (c *Client) describe(ctx context.Context) (description, error) {
	c.mu.Lock()
	d, of := c.described, c.of
	c.mu.Unlock()
	now := c.verifier.now()
	if known := c.AuthorizationEndpoint != "" && c.TokenEndpoint != ""; !known && (of.IsZero() || now.Sub(of) >= fresh) {
		next := description{}
		err := c.verifier.keys.get(ctx, strings.TrimSuffix(c.verifier.Issuer, "/")+"/.well-known/openid-configuration", &next)
		if err == nil && next.Issuer != c.verifier.Issuer {
			err = fmt.Errorf("the description at %s is of the issuer %.120q", c.verifier.Issuer, next.Issuer)
		}
		if err != nil {
			return d, fmt.Errorf("%w: %w", ErrAway, err)
		}
		d = next
		c.mu.Lock()
		c.described, c.of = d, now
		c.mu.Unlock()
	}
	if c.AuthorizationEndpoint != "" {
		d.Authorization = c.AuthorizationEndpoint
	}
	if c.TokenEndpoint != "" {
		d.Token = c.TokenEndpoint
	}
	if !safeURL(d.Authorization) || !safeURL(d.Token) {
		return d, fmt.Errorf("%w: its endpoints are said to be at no https address", ErrAway)
	}
	return d, nil
}

// LoginTime is how long a user may take at the issuer.
const LoginTime = 10 * time.Minute

// Begin begins a login that comes back to redirect: the address to send the user to, and
// what is to be kept. It may wait for the issuer, FetchTime at most. The error wraps
// [ErrAway].
func (c *Client) Begin(ctx context.Context, redirect string) (string, *Attempt, error) {
	ctx, cancel := context.WithTimeout(ctx, FetchTime)
	defer cancel()
	d, err := c.describe(ctx)
	if err != nil {
		return "", nil, err
	}
	a := &Attempt{Issuer: c.verifier.Issuer, Client: c.ID(), Redirect: redirect, Until: c.verifier.now().Add(LoginTime).UTC().Truncate(time.Second)}
	for _, to := range []*string{&a.State, &a.Nonce, &a.Verifier} {
		if *to, err = random(); err != nil {
			return "", nil, err
		}
	}
	u, err := url.Parse(d.Authorization)
	if err != nil { // safeURL has read it
		return "", nil, err
	}
	challenge := sha256.Sum256([]byte(a.Verifier))
	q := u.Query()
	for name, value := range map[string]string{
		"response_type": "code", "client_id": c.ID(), "redirect_uri": redirect, "scope": strings.Join(append([]string{"openid"}, c.Scopes...), " "),
		"state": a.State, "nonce": a.Nonce, "code_challenge": base64.RawURLEncoding.EncodeToString(challenge[:]), "code_challenge_method": "S256",
	} {
		q.Set(name, value)
	}
	u.RawQuery = q.Encode()
	return u.String(), a, nil
}

// random is 256 random bits, as 43 characters (RFC 7636, 4.1).
func random() (string, error) {
	var b [32]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("no randomness for a login: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// Back is what the issuer sends a user back with.
type Back struct{ Code, State, Issuer string }

// ErrState means that a user comes back from another login than the one that was begun.
var ErrState = errors.New("not the login that was begun")

// Finish exchanges the code for the user's ID token and judges it as [Verifier.Verify]
// does, and that it is of this login. It may wait for the issuer, twice FetchTime at most.
// Errors wrap [ErrState], [ErrExpired], [ErrAway], [ErrCode], [ErrToken] or [ErrKeys].
func (c *Client) Finish(ctx context.Context, a *Attempt, b Back) (string, *Claims, error) {
	switch {
	case a.Issuer != c.verifier.Issuer, a.Client != c.ID(), !a.Is(b.State):
		return "", nil, ErrState
	case b.Issuer != "" && b.Issuer != c.verifier.Issuer: // RFC 9207: another issuer's answer
		return "", nil, ErrState
	case !c.verifier.now().Before(a.Until):
		return "", nil, fmt.Errorf("%w: the login took longer than %v", ErrExpired, LoginTime)
	}
	ctx, cancel := context.WithTimeout(ctx, FetchTime)
	defer cancel()
	d, err := c.describe(ctx)
	if err != nil {
		return "", nil, err
	}
	if d.SaysIssuer && b.Issuer == "" {
		return "", nil, ErrState
	}
	token, err := c.exchange(ctx, &d, a, b.Code)
	if err != nil {
		return "", nil, err
	}
	claims, err := c.verifier.Verify(token)
	switch {
	case errors.Is(err, ErrKeys):
		return "", nil, err
	case err != nil:
		return "", nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if err := c.belongs(claims, a); err != nil {
		return "", nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	return token, claims, nil
}

// belongs tells what of an ID token, which was verified, is not of a login (OpenID
// Connect Core 1.0, 3.1.3.7).
func (c *Client) belongs(claims *Claims, a *Attempt) error {
	nonce, azp := claims.Texts("nonce"), claims.Texts("azp")
	audiences := claims.Texts("aud")
	switch {
	case len(nonce) != 1 || subtle.ConstantTimeCompare([]byte(nonce[0]), []byte(a.Nonce)) != 1:
		return errors.New("its nonce is of another login")
	case !slices.Contains(audiences, c.ID()):
		return fmt.Errorf("its aud has not the client %.80q", c.ID())
	case len(audiences) > 1 && len(azp) == 0, len(azp) > 0 && azp[0] != c.ID():
		return fmt.Errorf("its azp is not the client %.80q", c.ID())
	}
	return nil
}

// exchange gives the code to the issuer and returns the ID token. No error holds the code,
// the secret or the token. Errors wrap [ErrAway] or [ErrCode].
func (c *Client) exchange(ctx context.Context, d *description, a *Attempt, code string) (string, error) {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {a.Redirect}, "code_verifier": {a.Verifier}}
	secret, err := c.secret()
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrAway, err)
	}
	basic := secret != "" && (len(d.Methods) == 0 || slices.Contains(d.Methods, "client_secret_basic"))
	if !basic {
		form.Set("client_id", c.ID())
		if secret != "" {
			form.Set("client_secret", secret)
		}
	}
	bare, _, _ := strings.Cut(d.Token, "?")
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.Token, strings.NewReader(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("%w: %s: %w", ErrAway, bare, withoutURL(err))
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if basic {
		req.SetBasicAuth(url.QueryEscape(c.ID()), url.QueryEscape(secret)) // RFC 6749, 2.3.1
	}
	res, err := c.verifier.keys.client.Do(req)
	if err != nil {
		return "", fmt.Errorf("%w: %s: %w", ErrAway, bare, withoutURL(err))
	}
	defer func() { _ = res.Body.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("%w: %s: %w", ErrAway, bare, err)
	case len(data) > maxAnswer:
		return "", fmt.Errorf("%w: %s answers with more than %d bytes", ErrAway, bare, maxAnswer)
	}
	return idToken(res.StatusCode, data, bare)
}

// idToken reads the answer of a token endpoint, which bare names.
func idToken(status int, data []byte, bare string) (string, error) {
	var answer struct {
		IDToken string `json:"id_token"`
		Error   string `json:"error"`
	}
	err := json.Unmarshal(data, &answer)
	switch {
	case err == nil && answer.Error == "invalid_grant":
		return "", ErrCode
	case err == nil && answer.Error != "":
		return "", fmt.Errorf("%w: %s says %.40q", ErrAway, bare, answer.Error)
	case status != http.StatusOK:
		return "", fmt.Errorf("%w: %s answers %d", ErrAway, bare, status)
	case err != nil:
		return "", fmt.Errorf("%w: %s answers with no JSON", ErrAway, bare)
	case answer.IDToken == "":
		return "", fmt.Errorf("%w: %s gives no id_token", ErrAway, bare)
	}
	if _, err := jwt.ParseSigned(answer.IDToken, algorithms); err != nil {
		return "", fmt.Errorf("%w: the id_token of %s has no signature that is taken", ErrToken, bare)
	}
	return answer.IDToken, nil
}

// secret reads the client's secret, "" of a public client.
func (c *Client) secret() (string, error) {
	if c.ClientSecretFile == "" {
		return "", nil
	}
	f, err := os.Open(c.ClientSecretFile)
	if err != nil {
		return "", fmt.Errorf("the client's secret cannot be read: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	text := strings.TrimSpace(string(data))
	if err != nil || text == "" || len(data) > maxSecret {
		return "", fmt.Errorf("the client's secret in %s is empty, too long or cannot be read", c.ClientSecretFile)
	}
	return text, nil
}

// Out is the address that ends the user's session at the issuer and comes back to
// redirect, "" where none is configured.
func (c *Client) Out(redirect string) string {
	u, err := url.Parse(c.EndSessionEndpoint)
	if c.EndSessionEndpoint == "" || err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", c.ID())
	q.Set("post_logout_redirect_uri", redirect)
	u.RawQuery = q.Encode()
	return u.String()
}
