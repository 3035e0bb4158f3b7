package tileserver

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/basemap"
	"gengtu/tileserver/gate"
	"gengtu/tileserver/load"
	"gengtu/tileserver/scoped"
)

// Handle answers one request. It is the one place where errors become answers.
func (s *Server) Handle(ctx *fasthttp.RequestCtx) {
	start := begun(ctx)
	r := requests.Get().(*request) //nolint:forcetypeassert // the pool has nothing else
	r.ctx, r.server = ctx, s
	defer r.done()
	if r.lane = r.readTile(); r.lane {
		r.called = view(appendRequestID(r.name[:0]))
	} else {
		r.called = requestID()
	}
	r.set(nameRequestID, r.called)
	r.set(nameOptions, "nosniff")
	if isLengthTwice(ctx) {
		ctx.SetConnectionClose()
	}
	if !ctx.IsPost() {
		r.leaveBody() // it means nothing (RFC 9110, 9.3.1)
	}
	err := s.dispatch(r)
	r.leaveBody()
	if err == nil {
		err = r.holdAnswer()
	}
	status := ctx.Response.StatusCode()
	if err != nil {
		err = r.ungranted(err)
		s.metrics.work.problem(err)
		status = r.fail(err)
		if errors.Is(err, scoped.ErrMaking) {
			s.cfg.Log.Info("what a token's scope holds is being prepared; the client comes again", "id", r.id(), "route", r.route, "token", r.token)
		} else if status >= 500 && status != fasthttp.StatusNotImplemented && !isToldElsewhere(err) {
			s.cfg.Log.Error("request failed", "id", r.id(), "route", r.route, "status", status, "error", err)
		}
	}
	if aerr := s.audit(r, status); aerr != nil {
		s.cfg.Log.Error("audit line not written; answer taken back", "id", r.id(), "error", aerr)
		status = r.fail(errAudit)
	}
	if r.audited != nil {
		close(r.audited)
	}
	s.account(r, status, time.Since(start))
	if r.lane {
		gate.ExpectRest(ctx.Conn(), len(ctx.Response.Body()))
	}
}

// isToldElsewhere tells whether a failure is not logged for each request: what is turned
// away by the thousand is counted, and of a base map it is logged when it begins to fail.
func isToldElsewhere(err error) bool {
	return errors.Is(err, load.ErrOverloaded) || errors.Is(err, basemap.ErrUpstream)
}

// begun is when the head of a request was read, which the library knows; the system is
// asked for the time where it does not. On a virtual machine that takes as long as a header.
func begun(ctx *fasthttp.RequestCtx) time.Time {
	if t := ctx.Time(); !t.IsZero() {
		return t
	}
	return time.Now()
}

// dispatch finds the route, the tier and its generation, checks the token and
// calls the handler. A panic is a fault of ours and answers 500.
func (s *Server) dispatch(r *request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	path, method := "", fasthttp.MethodGet
	var rt *route
	var allowed []string
	tier := r.ask.tier
	if r.lane {
		rt = s.tileRoute(r.ask.picture)
	} else {
		path, method = string(r.ctx.Path()), string(r.ctx.Method())
		rt, r.params, allowed = s.find(method, path)
		tier = r.params["tier"]
	}
	if rt != nil {
		r.route = rt.name
		if rt.faults != nil {
			rt.faults(r)
		}
	}
	if !s.isOpen(rt, path) {
		if tier == "" {
			return errNotFound
		}
		if err := s.findTier(r, tier); err != nil {
			return err
		}
	}
	if !r.lane { // else it was
		if err := checkHost(r.ctx.Host()); err != nil {
			return err
		}
	}
	if method == fasthttp.MethodOptions {
		return preflight(r, allowed)
	}
	if r.tier != "" {
		enter := s.enter
		if rt != nil && rt.login && r.offersLogin() {
			enter = s.enterLogin
		}
		if err := enter(r, rt); err != nil {
			return err
		}
	}
	switch {
	case r.lane:
		return r.answerTile(rt)
	case rt != nil:
		if err := r.misspelt(rt); err != nil {
			return err
		}
		return rt.handle(r)
	case len(allowed) > 0:
		r.ctx.Response.Header.Set("Allow", allowHeader(allowed))
		return errMethod
	}
	return errNotFound
}

// isOpen tells whether a path lies in no tier; rt is its route, nil where it has none for
// the method.
func (s *Server) isOpen(rt *route, path string) bool {
	if rt != nil {
		return rt.open
	}
	for i := range s.routes {
		if c := &s.routes[i]; c.open {
			if _, ok := match(c.pattern, path); ok {
				return true
			}
		}
	}
	return false
}

// preflight answers OPTIONS for every path of a tier that is served, with a
// token or without, whether there is something or not: browsers ask before they
// send the token.
func preflight(r *request, allowed []string) error {
	if len(allowed) == 0 {
		allowed = []string{fasthttp.MethodGet}
	}
	r.ctx.Response.Header.Set("Allow", allowHeader(allowed))
	r.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// allowHeader lists methods as Allow does, those that every address has added.
func allowHeader(methods []string) string {
	var out []string
	for _, m := range methods {
		out = append(out, m)
		if m == fasthttp.MethodGet {
			out = append(out, fasthttp.MethodHead)
		}
	}
	return strings.Join(append(out, fasthttp.MethodOptions), ", ")
}

func requestID() string { return string(appendRequestID(nil)) }

// appendRequestID appends what tells a request from others: it is no secret.
func appendRequestID(dst []byte) []byte {
	var b [requestIDBytes / 2]byte
	binary.BigEndian.PutUint64(b[:], rand.Uint64())
	return hex.AppendEncode(dst, b[:])
}

// requestIDBytes is the length of a request's id.
const requestIDBytes = 16

// refuseBroken answers requests that cannot be read, after which the connection
// is closed.
func (s *Server) refuseBroken(ctx *fasthttp.RequestCtx, err error) {
	var small *fasthttp.ErrSmallBuffer
	l := s.cfg.Limits
	switch {
	case errors.As(err, &small):
		err = problem.New("URL_TOO_LONG", "请求行和头超过 %d 字节", "request line and headers are over %d bytes", l.URLBytes)
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		err = problem.New("TOO_LARGE_BODY", "请求体超过 %d 字节", "the body is over %d bytes", l.BodyBytes)
	default:
		// Clients take a 408 on a connection that they have not used yet, as any
		// is closed that waits too long, for a word of farewell.
		err = s.broken(err)
	}
	ctx.Response.Header.Set("X-Request-Id", requestID())
	r := &request{ctx: ctx, server: s, route: "broken"}
	if p, ok := match("/{tier}/*", string(ctx.Path())); ok {
		if tier := edition.Tier(p["tier"]); tier == edition.Public {
			ctx.Response.Header.Set("Access-Control-Allow-Origin", "*")
		} else if s.tiers[tier] != nil {
			r.tier = tier // so that it is audited
		}
	}
	status := r.fail(err)
	if aerr := s.audit(r, status); aerr != nil {
		s.cfg.Log.Error("audit line not written; the request was refused", "id", r.id(), "error", aerr)
	}
	s.account(r, status, 0)
	if c := ctx.Conn(); c != nil && status != fasthttp.StatusRequestTimeout {
		gate.Drain(c, c, max(4*l.BodyBytes, leastDrained))
	}
}
