package tileserver

import (
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/access"
	"gengtu/tileserver/gate"
)

// request is one request on its way through a handler. It holds a generation
// from enter until release.
type request struct {
	ctx    *fasthttp.RequestCtx
	server *Server
	route  string
	called string // see id
	params params

	// lane tells that the address is in ask and not in params, and that texts may be views
	// of the request's bytes; see settle.
	lane    bool
	ask     tileAsk
	name    [requestIDBytes]byte // of called
	scratch []byte

	tier     edition.Tier // "" outside of the tiers
	state    reach
	gen      *generation
	seen     *index.Index  // what of gen the token reaches
	beside   []*generation // of layers of answers that seen has, too
	pinned   bool
	token    string // the name of the token used
	outcome  access.Outcome
	proof    access.Request // what the token was checked with; zero where none was asked for
	scope    *access.Scope  // nil is the whole tier
	rated    bool           // the access file sets a rate for the token
	retry    time.Duration  // after which to ask again, where it is known
	layer    string         // for the audit
	answerOf string         // the generation of the answer that is sent, where that is not gen
	sends    int64          // bytes of a file that is sent as it lies
	dated    bool           // the query has a vintage from elsewhere, see takeVintage
	from     netip.Addr     // that asks, once it is known
	asked    asked
	// Closed once the audit has the answer's line, for an answer that is made while it is
	// sent: its own line comes after. Nil of others.
	audited chan struct{}
	// The body, once it is read or left, and what of the server's memory it holds.
	payload  []byte
	bodyRead bool
	bodyHeld int
	// onError writes an error otherwise than by problem+json, where a protocol
	// asks for it, and returns its status.
	onError func(error) int
}

// id is what the answer and the log call the request by.
func (r *request) id() string {
	if r.called == "" {
		r.called = string(r.ctx.Response.Header.Peek("X-Request-Id"))
	}
	return r.called
}

// findTier finds the tier of the path and what its answers may be read by.
func (s *Server) findTier(r *request, name string) error {
	tier, err := edition.ParseTier(name)
	if err != nil || s.tiers[tier] == nil {
		return errNotFound
	}
	r.tier, r.state = tier, reach{tier: s.tiers[tier], scoped: s.scoped}
	if err := r.ambiguous(); err != nil {
		return err
	}
	s.cors(r)
	return nil
}

// enter checks the token, for a route or a path without one, and takes the generation.
func (s *Server) enter(r *request, rt *route) error {
	op := looking
	if rt != nil {
		op = rt.op
	}
	if err := s.slowAddress(r); err != nil {
		return err
	}
	if r.tier != edition.Public && s.cfg.Access != nil {
		if err := s.check(r, op); err != nil {
			return err
		}
		if err := s.slowToken(r); err != nil {
			return err
		}
		r.state.scope = r.scope
		r.vary(fasthttp.HeaderAuthorization) // one address answers each scope in its own way
	}
	var err error
	if r.gen, err = r.takeAnswer(); r.gen != nil || err != nil {
		// It has layers of its own.
	} else if name := r.query("generation"); name == "" {
		r.gen, err = r.state.take()
	} else {
		r.pinned = true
		r.gen, err = r.state.pin(name)
	}
	if err != nil {
		return err
	}
	r.narrow()
	if err := r.showAnswers(rt); err != nil {
		return err
	}
	r.set(nameGeneration, r.gen.Name())
	r.tellScope()
	if err := r.takeVintage(rt); err != nil {
		return err
	}
	return r.checkVintage()
}

// cors lets pages of other origins read: all of them in public, those of the
// access file above it.
func (s *Server) cors(r *request) {
	h := &r.ctx.Response.Header
	if r.tier == edition.Public {
		r.set(nameAllowOrigin, "*")
	} else {
		r.vary("Origin")
		origin := r.said(r.header(nameOrigin))
		if origin == "" || s.cfg.Access == nil || !s.cfg.Access.AllowsOrigin(origin) {
			return
		}
		r.set(nameAllowOrigin, origin)
	}
	r.set(nameExposed, "ETag, Gengtu-Generation, Gengtu-Receipt, Gengtu-Scope, Retry-After, X-Request-Id")
	if r.ctx.IsOptions() {
		h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, DELETE, OPTIONS")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-None-Match, Accept-Language")
		h.Set("Access-Control-Max-Age", "86400")
	}
}

func (r *request) release() {
	if r.bodyHeld > 0 {
		r.server.bodies.Give(r.bodyHeld)
		r.bodyHeld = 0
	}
	if r.gen != nil {
		_ = r.gen.Release() // the last reader of what was only read
		r.gen = nil
	}
	for _, g := range r.beside {
		_ = g.Release() // as r.gen
	}
	r.beside = nil
}

// done gives up what r holds, and r itself where nothing outlives it.
func (r *request) done() {
	r.release()
	if r.lane {
		*r = request{scratch: r.scratch[:0]}
		requests.Put(r)
	}
}

// fail writes the answer for err and returns its status.
func (r *request) fail(err error) int {
	if r.onError != nil {
		return r.onError(err)
	}
	status, p := statusOf(err)
	return r.writeProblem(status, p)
}

func (r *request) ix() *index.Index { return r.seen }

// query returns a parameter of the query; keys are matched to the letter.
func (r *request) query(key string) string {
	if !r.dated && !r.hasQuery() {
		return ""
	}
	return string(r.ctx.QueryArgs().Peek(key))
}

// findLayer finds a layer of the edition in the vintage that the query names.
func (r *request) findLayer(name string) (*index.Layer, error) {
	l, err := r.ix().FindLayer(name, r.query("vintage"))
	if err == nil {
		r.layer = name
	}
	return l, err
}

// checkVintage refuses a vintage that no layer of the edition has, whatever is asked
// for; what of the layers has it is for each handler to find.
func (r *request) checkVintage() error {
	v := r.query("vintage")
	if v == "" {
		return nil
	}
	for i := range r.ix().Manifest.Layers {
		if r.ix().Manifest.Layers[i].Vintage == v {
			return nil
		}
	}
	return r.ix().NoVintage("", v)
}

// errHost is that of a Host that no server has.
var errHost = problem.New("PARAMETER_HOST", "请求的 Host 不是主机名", "the request's Host is no name of a host").
	Advise("应为 主机名 或 主机名:端口", "it is a name or an address, with :port where there is one")

// maxHostBytes is a name of 253 (RFC 1035, 2.3.4) with a port.
const maxHostBytes = 253 + len(":65535")

// checkHost refuses a Host that would be something else than a host in the addresses of
// an answer. There may be none.
func checkHost(host []byte) error {
	for _, c := range host {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '-', c == '_', c == ':', c == '[', c == ']':
		default:
			return errHost
		}
	}
	if len(host) > maxHostBytes {
		return errHost
	}
	return nil
}

// base returns the server's address as answers name it, without a slash.
func (r *request) base() string {
	if u := r.server.cfg.PublicURL; u != "" {
		return strings.TrimRight(u, "/")
	}
	scheme := "http"
	if gate.Encrypted(r.ctx.Conn()) {
		scheme = "https"
	}
	return scheme + "://" + string(r.ctx.Host())
}

// path names a resource of the tier without a query.
func (r *request) path(resource string) string {
	return r.base() + "/" + string(r.tier) + "/" + resource
}

// address names a resource of the tier, with what addresses carry.
func (r *request) address(resource string) string { return r.path(resource) + r.carry() }

// carried are the parameters that addresses in answers repeat: tk= in public, too, where
// none is needed here, but a gate in front may ask for one of its own.
func (r *request) carried() url.Values {
	v := url.Values{}
	for _, k := range []string{"vintage", "generation", "tk"} {
		if s := r.query(k); s != "" {
			v.Set(k, s)
		}
	}
	return v
}

// carry returns carried as a query with its question mark, or "".
func (r *request) carry() string {
	if v := r.carried(); len(v) > 0 {
		return "?" + v.Encode()
	}
	return ""
}
