package tileserver

import (
	"bytes"
	"mime"
	"slices"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"gengtu/index/problem"
)

// lang is the language that the request prefers among ours. Whoever asks makes
// the answer depend on it.
func (r *request) lang() problem.Lang {
	r.vary(fasthttp.HeaderAcceptLanguage)
	return preferred(string(r.ctx.Request.Header.Peek(fasthttp.HeaderAcceptLanguage)), r.server.cfg.Lang)
}

// preferred returns the language of ours that an Accept-Language header
// (RFC 9110, 12.5.4) gives the highest quality, the first of several; def where
// it names none.
func preferred(header string, def problem.Lang) problem.Lang {
	best, bestQ := def, 0.0
	for part := range strings.SplitSeq(header, ",") {
		tag, q := quality(part)
		primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if l := problem.Lang(primary); (l == problem.Chinese || l == problem.English) && q > bestQ {
			best, bestQ = l, q
		}
	}
	if best == "" {
		return problem.English
	}
	return best
}

// quality takes a member of a list and its weight apart; a weight that is no
// number in [0, 1] is 0.
func quality(member string) (value string, q float64) {
	value, params, _ := strings.Cut(member, ";")
	q = 1
	for p := range strings.SplitSeq(params, ";") {
		k, v, ok := strings.Cut(strings.TrimSpace(p), "=")
		if !ok || !strings.EqualFold(strings.TrimSpace(k), "q") {
			continue
		}
		var err error
		if q, err = strconv.ParseFloat(strings.TrimSpace(v), 64); err != nil || !(q >= 0 && q <= 1) {
			q = 0
		}
	}
	return strings.TrimSpace(value), q
}

// accepts tells whether the request's Accept header (RFC 9110, 12.5.1) lets a
// media type pass; without one everything does.
func (r *request) accepts(mediaType string) bool {
	header := string(r.ctx.Request.Header.Peek(fasthttp.HeaderAccept))
	if strings.TrimSpace(header) == "" {
		return true
	}
	if t, _, err := mime.ParseMediaType(mediaType); err == nil {
		mediaType = t
	}
	major, _, _ := strings.Cut(mediaType, "/")
	// The most particular range that speaks of the type decides.
	ranges := []string{"*/*", major + "/*", mediaType}
	found, allowed := -1, false
	for part := range strings.SplitSeq(header, ",") {
		value, q := quality(part)
		if i := slices.Index(ranges, strings.ToLower(value)); i >= 0 && i >= found {
			allowed = i == found && allowed || q > 0
			found = i
		}
	}
	return allowed
}

// need answers 406 when the client does not take the media type.
func (r *request) need(mediaType string) error {
	r.vary(fasthttp.HeaderAccept)
	if r.accepts(mediaType) {
		return nil
	}
	return problem.New("NOT_ACCEPTABLE", "这里是 %s，而请求不接受它", "this is %s, which the request does not accept", mediaType).
		Advise("去掉 Accept，或加上这种类型", "leave Accept out, or add the type")
}

// gzips tells whether the client takes gzip.
func (r *request) gzips() bool {
	return acceptsGzip(string(r.ctx.Request.Header.Peek(fasthttp.HeaderAcceptEncoding)))
}

// acceptsGzip reads an Accept-Encoding header (RFC 9110, 12.5.3).
func acceptsGzip(header string) bool {
	star := false
	for part := range strings.SplitSeq(header, ",") {
		value, q := quality(part)
		switch strings.ToLower(value) {
		case "gzip", "x-gzip":
			return q > 0
		case "*":
			star = q > 0
		}
	}
	return star
}

// vary adds a header of the request to those that the answer depends on.
func (r *request) vary(header string) {
	h := &r.ctx.Response.Header
	have := h.Peek(fasthttp.HeaderVary)
	for member := range bytes.SplitSeq(have, []byte(", ")) {
		if string(member) == header {
			return
		}
	}
	if r.scratch = append(r.scratch[:0], have...); len(have) > 0 {
		r.scratch = append(r.scratch, ", "...)
	}
	r.scratch = append(r.scratch, header...)
	h.SetBytesV(fasthttp.HeaderVary, r.scratch)
}
