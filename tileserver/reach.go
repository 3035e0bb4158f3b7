package tileserver

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/access"
	"gengtu/tileserver/scoped"
	"gengtu/tileserver/tile"
)

// reach is what a request reaches of a tier: the generations of its edition or, by a
// token whose scope is bounded, of the editions that are made of them for the scope.
// Handlers have no other way to a generation, so none of them can forget the scope.
type reach struct {
	tier   *tierState
	scope  *access.Scope // nil is all of the tier
	scoped *scoped.Editions[*generation]
}

// take returns the generation in force, acquired.
func (e *reach) take() (*generation, error) { return e.scoped.Take(e.tier.Edition, e.scope) }

// pin returns the generation of that name, acquired.
func (e *reach) pin(name string) (*generation, error) {
	return e.scoped.Pin(e.tier.Edition, e.scope, name)
}

// prepareScopes makes the editions for the scopes of the tokens in force at the start and
// whenever the access file or a generation in force has changed, so that whoever comes first
// with one need not wait. It ends with ctx.
func (s *Server) prepareScopes(ctx context.Context) {
	if s.cfg.Access == nil {
		return
	}
	s.scoped.Prepare(ctx, s.renewed, func() (out []scoped.Want[*generation]) {
		for _, b := range s.cfg.Access.Bounded() {
			if t := s.tiers[edition.Tier(b.Tier)]; t != nil {
				out = append(out, scoped.Want[*generation]{Of: t.Edition, Scope: b.Scope})
			}
		}
		return out
	})
}

// tellRenewed wakes prepareScopes; it never waits.
func (s *Server) tellRenewed() {
	select {
	case s.renewed <- struct{}{}:
	default: // it is about to look
	}
}

// looking is the operation of routes that go with each operation, and of those
// that belong to no tier.
const looking access.Operation = "look"

// allows tells whether the token reaches an operation. One that no route names is
// reached by tokens alone that are not bound.
func (r *request) allows(o access.Operation) bool { return o == looking || r.scope.Allows(o) }

// narrow hides what the token does not reach from all that follows: other layers
// are as if they were not there, the edition ends at its last zoom, and single
// features are not told where features may not be asked for.
func (r *request) narrow() {
	r.seen = r.gen.ix
	if r.scope == nil {
		return
	}
	// Whoever may see an answer reached the layers that it was made of.
	r.seen = r.gen.ix.Showing(func(name string) bool { return r.gen.answer != "" || r.scope.Layer(name) })
	m := r.seen.Manifest
	if z := r.scope.MaxZoom; z > 0 {
		m.MaxZoom = min(m.MaxZoom, z)
	}
	m.Policy.Pieces = m.Policy.Pieces && r.allows(access.Features)
}

// of returns what the token reaches of another generation.
func (r *request) of(g *generation) *index.Index {
	other := request{gen: g, scope: r.scope}
	other.narrow()
	return other.seen
}

// minZoom is the lowest zoom of a grid that the policy serves and the token reaches.
func (r *request) minZoom(g tile.Grid) int {
	low := max(int(g.MinZoom()), r.policy().MinZoom)
	if r.scope != nil {
		low = max(low, r.scope.MinZoom)
	}
	return low
}

// The problems of a token that is used too often, and of an address that has tried
// too many.
var (
	errTooFast = problem.New("TOO_MANY", "这个令牌的请求太快", "this token asks too often").
			Advise("请稍后再试", "try again in a while")
	errNoKeys = problem.New("NOT_READY", "暂时取不到令牌签发方的公钥，无法核对令牌", "the keys of the token's issuer cannot be had, so the token cannot be judged").
			Advise("稍后再试", "try again later")
	errGuesses = problem.New("TOO_MANY", "来自这一地址的错误令牌太多", "too many wrong tokens came from this address").
			Advise("请稍后再试", "try again in a while")
)

// check asks what the token reaches.
func (s *Server) check(r *request, op access.Operation) error {
	r.from = s.caller(r)
	if err := r.twoTokens(); err != nil {
		return err
	}
	r.proof = access.Request{
		Token: r.givenToken(), Tier: string(r.tier), Address: r.from,
		Origin: r.said(r.header(nameOrigin)), Referer: r.said(r.header(nameReferer)),
	}
	d := s.cfg.Access.Check(r.proof)
	if r.query("tk") != "" {
		// A page that is answered, and what it links to, sends the address on to nobody.
		r.ctx.Response.Header.Set("Referrer-Policy", "same-origin")
	}
	r.token, r.outcome, r.retry, r.rated = d.Name, d.Outcome, d.Retry, d.Rated
	switch d.Outcome {
	case access.Allowed:
		r.scope = d.Scope
		if !r.allows(op) {
			r.outcome = access.WrongOperation
			return r.refusedToken(r.outcome, op)
		}
		return nil
	case access.TooFast:
		return errTooFast
	case access.Barred:
		return errGuesses
	case access.NoKeys:
		s.cfg.Log.Error("keys of a token's issuer not fetched", "id", r.id(), "error", d.Cause)
		return errNoKeys
	}
	if !s.hold(r, d.Delay) {
		return errGuesses
	}
	return r.refusedToken(d.Outcome, op)
}

// holds returns what tells, of an answer that takes its time, whether the token has been
// revoked or has expired meanwhile. It looks as often as the access file is looked at, is
// safe for concurrent use and outlives the request.
func (r *request) holds() func() bool {
	store, proof := r.server.cfg.Access, r.proof
	if proof.Token == "" || store == nil {
		return func() bool { return true }
	}
	var next atomic.Int64
	var over atomic.Bool
	return func() bool {
		now, at := time.Now().UnixNano(), next.Load()
		if now >= at && next.CompareAndSwap(at, now+int64(accessEvery)) && !store.Holds(proof) {
			over.Store(true)
		}
		return !over.Load()
	}
}

// single are headers that stand at most once in a request: what counts of two is for each
// program on the way to guess, and they guess differently.
var single = []string{fasthttp.HeaderAuthorization, fasthttp.HeaderOrigin}

// ambiguous refuses a request that says twice who asks.
func (r *request) ambiguous() error {
	for _, name := range single {
		if n := len(r.ctx.Request.Header.PeekAll(name)); n > 1 {
			return problem.New("PARAMETER_HEADER", "请求头 %[1]s 有 %[2]d 个", "the header %[1]s stands %[2]d times", name, n).
				Advise("只给一个", "give it once")
		}
	}
	return nil
}

// twoTokens refuses a request with tokens that differ.
func (r *request) twoTokens() error {
	if !r.hasQuery() {
		return nil
	}
	given := r.givenToken()
	for _, tk := range r.ctx.QueryArgs().PeekMulti("tk") {
		if len(tk) > 0 && string(tk) != given {
			return problem.New("PARAMETER_TOKEN", "请求给了两个不同的令牌", "the request gives two tokens that differ").
				Advise("只用 Authorization: Bearer 或 tk= 中的一个", "give one of Authorization: Bearer and tk=, once")
		}
	}
	return nil
}

// givenToken returns the token of the request, "" for none.
func (r *request) givenToken() string {
	if h := r.said(r.header(nameAuthorization)); h != "" {
		scheme, value, _ := strings.Cut(h, " ")
		if strings.EqualFold(scheme, "Bearer") {
			return strings.TrimSpace(value)
		}
	}
	if tk := r.query("tk"); tk != "" || r.onError == nil {
		return tk
	}
	// Names of parameters count in any case in the protocols that have faults of their own.
	for k, v := range r.ctx.QueryArgs().All() {
		if strings.EqualFold(string(k), "tk") {
			return string(v)
		}
	}
	return ""
}

// maxHeld bounds the answers that are held back at once.
const maxHeld = 256

// hold waits before a wrong token is answered; false when too many wait already.
func (s *Server) hold(r *request, delay time.Duration) bool {
	if delay <= 0 {
		return true
	}
	select {
	case s.held <- struct{}{}:
		defer func() { <-s.held }()
	default:
		r.retry = delay
		return false
	}
	wait := time.NewTimer(delay)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-r.ctx.Done(): // the server stops
	}
	return true
}

// caller returns the address that a request comes from. A proxy that is trusted
// adds whom it heard from to the end of X-Forwarded-For; the last address there
// that is none of them is the caller's. It is not known where such a proxy does
// not say.
func (s *Server) caller(r *request) netip.Addr {
	peer := addressOfPeer(r.ctx.RemoteAddr())
	if !s.trusts(peer) {
		return peer
	}
	var hops []string
	for _, h := range r.ctx.Request.Header.PeekAll("X-Forwarded-For") {
		hops = append(hops, strings.Split(string(h), ",")...)
	}
	var a netip.Addr
	var err error
	for i := len(hops) - 1; i >= 0; i-- {
		if a, err = addressIn(strings.TrimSpace(hops[i])); err != nil || !s.trusts(a) {
			return a
		}
	}
	return a
}

// addressOfPeer returns the address of the other end of a connection, the zero value of
// one that has none.
func addressOfPeer(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	peer, err := addressIn(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return peer
}

// trusts tells whether a is a proxy's that is trusted.
func (s *Server) trusts(a netip.Addr) bool {
	for _, p := range s.cfg.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// addressIn reads an address with or without a port; the zero value for none.
func addressIn(text string) (netip.Addr, error) {
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		p, perr := netip.ParseAddrPort(text)
		if perr != nil {
			return netip.Addr{}, err
		}
		a = p.Addr()
	}
	return a.Unmap().WithZone(""), nil
}
