package tileserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/gzip"
	"github.com/valyala/fasthttp"

	"gengtu/index/edition"
)

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

// coding is how the bytes of a representation are coded. Representations that
// differ in it have different ETags (RFC 9110, 8.8.3).
type coding string

const (
	plainly coding = ""
	gzipped coding = "-gzip"
)

// fresh sets ETag and Cache-Control and tells whether the client holds the
// content already; then 304 has been answered.
func (r *request) fresh(tag string, c coding) bool {
	tag = `"` + tag + string(c) + `"`
	h := &r.ctx.Response.Header
	h.Set("ETag", tag)
	h.Set("Cache-Control", r.cacheControl())
	if !holds(string(r.ctx.Request.Header.Peek("If-None-Match")), tag) {
		return false
	}
	r.ctx.SetStatusCode(fasthttp.StatusNotModified)
	return true
}

// holds tells whether an If-None-Match header names the tag, by the weak
// comparison (RFC 9110, 13.1.2).
func holds(header, tag string) bool {
	for v := range strings.SplitSeq(header, ",") {
		v = strings.TrimPrefix(strings.TrimSpace(v), "W/")
		if v == "*" || v == tag {
			return true
		}
	}
	return false
}

// minGzip is the size from which text is worth compressing: below it, it fits a
// packet or two.
const minGzip = 1 << 10

// codingOf chooses how a body of a type is sent.
func (r *request) codingOf(contentType string, body []byte) coding {
	r.vary(fasthttp.HeaderAcceptEncoding)
	if len(body) < minGzip || strings.HasPrefix(contentType, "image/png") || !r.gzips() {
		return plainly
	}
	return gzipped
}

// send answers with content that depends on nothing but the address and the
// generation. The body must not be changed afterwards.
func (r *request) send(contentType string, body []byte) error {
	c := r.codingOf(contentType, body)
	if r.fresh(etag(body), c) {
		return nil
	}
	return r.body(contentType, body, c)
}

// sendOnce answers a POST with what is kept by nobody.
func (r *request) sendOnce(contentType string, body []byte) error {
	r.ctx.Response.Header.Set("Cache-Control", "no-store")
	return r.body(contentType, body, r.codingOf(contentType, body))
}

func (r *request) body(contentType string, body []byte, c coding) error {
	r.ctx.SetContentType(contentType)
	if c == plainly {
		r.ctx.Response.SetBodyRaw(body)
		return nil
	}
	var buf bytes.Buffer
	w := packer(&buf)
	defer packers.Put(w)
	if _, err := w.Write(body); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	r.ctx.Response.Header.Set("Content-Encoding", "gzip")
	r.ctx.Response.SetBodyRaw(buf.Bytes())
	return nil
}

// packers pack answers; each holds most of a megabyte.
var packers = sync.Pool{New: func() any {
	// The error is about levels that do not exist.
	w, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	return w
}}

// packer returns one of packers that writes to w; who is done puts it back.
func packer(w io.Writer) *gzip.Writer {
	z := packers.Get().(*gzip.Writer)
	z.Reset(w)
	return z
}

// sendJSON answers with v as JSON, which is the same for the same address.
func (r *request) sendJSON(v any) error { return r.sendAs("application/json", v) }

// sendAs is sendJSON under a media type of its own.
func (r *request) sendAs(contentType string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if data, err = r.withScope(data); err != nil {
		return err
	}
	return r.send(contentType, data)
}
