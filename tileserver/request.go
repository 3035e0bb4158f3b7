package tileserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/gzip"
	"github.com/valyala/fasthttp"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/access"
)

// request is one request on its way through a handler. It holds a generation
// from enter until release.
type request struct {
	ctx    *fasthttp.RequestCtx
	server *Server
	route  string
	params params
	lang   problem.Lang

	tier    edition.Tier
	gen     *generation
	pinned  bool
	token   string // the name of the token used
	outcome access.Outcome
	layer   string // for the audit
	// fail answers an error otherwise than by problem+json, where a protocol
	// asks for it.
	onError func(error) (int, bool)
}

// language returns the language that Accept-Language prefers among ours.
func language(ctx *fasthttp.RequestCtx, def problem.Lang) problem.Lang {
	best, bestQ := def, 0.0
	for _, part := range strings.Split(string(ctx.Request.Header.Peek("Accept-Language")), ",") {
		tag, q := part, 1.0
		if i := strings.Index(part, ";q="); i >= 0 {
			tag = part[:i]
			v, err := strconv.ParseFloat(strings.TrimSpace(part[i+3:]), 64)
			if err != nil {
				continue
			}
			q = v
		}
		tag = strings.ToLower(strings.TrimSpace(tag))
		l := problem.Lang("")
		switch {
		case strings.HasPrefix(tag, "zh"):
			l = problem.Chinese
		case strings.HasPrefix(tag, "en"):
			l = problem.English
		}
		if l != "" && q > bestQ {
			best, bestQ = l, q
		}
	}
	if best == "" {
		return problem.English
	}
	return best
}

// enter finds the tier of the path, checks the token and takes the generation.
func (s *Server) enter(r *request) error {
	tier, err := edition.ParseTier(r.params["tier"])
	if err != nil {
		return errNotFound
	}
	t := s.tiers[tier]
	if t == nil {
		return errNotFound
	}
	r.tier = tier
	s.cors(r)
	if tier != edition.Public && s.cfg.Access != nil && !r.ctx.IsOptions() {
		if err := s.check(r); err != nil {
			return err
		}
	}
	name := r.query("generation")
	if name == "" {
		r.gen = t.take()
	} else {
		r.pinned = true
		if r.gen, err = t.pin(t.dir, name); err != nil {
			return err
		}
	}
	r.ctx.Response.Header.Set("Gengtu-Generation", r.gen.name)
	return nil
}

func (s *Server) check(r *request) error {
	token := r.query("tk")
	if h := string(r.ctx.Request.Header.Peek("Authorization")); h != "" {
		scheme, value, _ := strings.Cut(h, " ")
		if strings.EqualFold(scheme, "Bearer") {
			token = strings.TrimSpace(value)
		}
	}
	d := s.cfg.Access.Check(token, string(r.tier))
	r.token, r.outcome = d.Name, d.Outcome
	switch d.Outcome {
	case access.Allowed:
		return nil
	case access.NoToken:
		return errToken
	case access.WrongTier:
		return errForbidden
	}
	return errUnknownToken
}

// cors lets pages of other origins read: all of them in public, those of the
// access file above it.
func (s *Server) cors(r *request) {
	h := &r.ctx.Response.Header
	origin := string(r.ctx.Request.Header.Peek("Origin"))
	if r.tier == edition.Public {
		h.Set("Access-Control-Allow-Origin", "*")
	} else {
		h.Add("Vary", "Origin")
		if origin == "" || s.cfg.Access == nil || !s.cfg.Access.AllowsOrigin(origin) {
			return
		}
		h.Set("Access-Control-Allow-Origin", origin)
	}
	h.Set("Access-Control-Expose-Headers", "ETag, Gengtu-Generation, X-Request-Id")
	if r.ctx.IsOptions() {
		h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-None-Match, Accept-Language")
		h.Set("Access-Control-Max-Age", "86400")
	}
}

func (r *request) release() {
	if r.gen != nil {
		_ = r.gen.release() // the last reader of what was only read
		r.gen = nil
	}
}

// fail writes the answer for err and returns its status.
func (r *request) fail(err error) int {
	if r.onError != nil {
		if status, ok := r.onError(err); ok {
			return status
		}
	}
	return writeProblem(r.ctx, err, r.lang)
}

func (r *request) ix() *index.Index { return r.gen.ix }

// query returns a parameter of the query; keys are matched to the letter.
func (r *request) query(key string) string {
	return string(r.ctx.QueryArgs().Peek(key))
}

// layer finds a layer of the edition in the vintage that the query names.
func (r *request) findLayer(name string) (*index.Layer, error) {
	v := r.query("vintage")
	l := r.ix().Layer(name, v)
	switch {
	case l != nil:
		r.layer = name
		return l, nil
	case len(r.ix().Vintages(name)) > 0:
		return nil, problem.New("NO_VINTAGE", "图层 %s 没有 %q 这个时相", "layer %s has no vintage %q", name, v)
	}
	return nil, problem.New("NO_LAYER", "没有图层 %q", "there is no layer %q", name)
}

// base returns the server's address as answers name it, without a slash.
func (r *request) base() string {
	if u := r.server.cfg.PublicURL; u != "" {
		return strings.TrimRight(u, "/")
	}
	scheme := "http"
	if r.ctx.IsTLS() {
		scheme = "https"
	}
	return scheme + "://" + string(r.ctx.Host())
}

// tk returns the caller's token as a query to hang on addresses, with lead ('?'
// or '&') before it, or "".
func (r *request) tk(lead string) string {
	if v := r.query("tk"); v != "" && r.tier != edition.Public {
		return lead + "tk=" + string(fasthttp.AppendQuotedArg(nil, []byte(v)))
	}
	return ""
}

// cacheControl says how long an answer may be kept.
func (r *request) cacheControl() string {
	who := "private"
	if r.tier == edition.Public {
		who = "public"
	}
	switch {
	case r.pinned:
		return who + ", max-age=31536000, immutable"
	case r.tier == edition.Public:
		return "public, max-age=300"
	}
	return "private, no-cache"
}

// etag names content by its hash.
func etag(content []byte) string {
	return fmt.Sprintf("%016x", xxhash.Sum64(content))
}

// fresh sets ETag and Cache-Control and tells whether the client holds the
// content already; then 304 has been answered.
func (r *request) fresh(tag string) bool {
	h := &r.ctx.Response.Header
	h.Set("ETag", `"`+tag+`"`)
	h.Set("Cache-Control", r.cacheControl())
	for _, v := range strings.Split(string(r.ctx.Request.Header.Peek("If-None-Match")), ",") {
		v = strings.TrimPrefix(strings.TrimSpace(v), "W/")
		if v == "*" || strings.Trim(v, `"`) == tag {
			r.ctx.SetStatusCode(fasthttp.StatusNotModified)
			return true
		}
	}
	return false
}

// gzips tells whether the client takes gzip.
func (r *request) gzips() bool {
	return r.ctx.Request.Header.HasAcceptEncoding("gzip")
}

// minGzip is the size from which text is worth compressing.
const minGzip = 1 << 10

// send answers with content that depends on nothing but the address and the
// generation. The body is kept.
func (r *request) send(contentType string, body []byte) error {
	r.ctx.Response.Header.Add("Vary", "Accept-Encoding")
	if r.fresh(etag(body)) {
		return nil
	}
	r.ctx.SetContentType(contentType)
	return r.body(contentType, body)
}

// body writes the body, compressed when it is text of some size.
func (r *request) body(contentType string, body []byte) error {
	if len(body) < minGzip || !r.gzips() || strings.HasPrefix(contentType, "image/png") {
		r.ctx.SetBody(body)
		return nil
	}
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if _, err := w.Write(body); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	r.ctx.Response.Header.Set("Content-Encoding", "gzip")
	r.ctx.SetBody(buf.Bytes())
	return nil
}

// sendJSON answers with v as JSON, which is the same for the same address.
func (r *request) sendJSON(contentType string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return r.send(contentType, data)
}
