package tileserver

import "bytes"

// The headers of every answer and request, as fasthttp writes and finds them: a name that
// is given as text is brought to this form each time, which for a tile's dozen of headers
// takes as long as finding the tile.
var (
	nameAcceptEncoding = []byte("Accept-Encoding")
	nameAuthorization  = []byte("Authorization")
	nameCacheControl   = []byte("Cache-Control")
	nameETag           = []byte("Etag")
	nameExposed        = []byte("Access-Control-Expose-Headers")
	nameAllowOrigin    = []byte("Access-Control-Allow-Origin")
	nameGeneration     = []byte("Gengtu-Generation")
	nameIfNoneMatch    = []byte("If-None-Match")
	nameOptions        = []byte("X-Content-Type-Options")
	nameOrigin         = []byte("Origin")
	nameReferer        = []byte("Referer")
	nameRequestID      = []byte("X-Request-Id")
	nameVary           = []byte("Vary")
)

// header returns a header of the request, a view of its bytes.
func (r *request) header(name []byte) []byte { return r.ctx.Request.Header.PeekCanonical(name) }

// set sets a header of the answer.
func (r *request) set(name []byte, value string) {
	r.scratch = append(r.scratch[:0], value...)
	r.ctx.Response.Header.SetCanonical(name, r.scratch)
}

// hasQuery tells whether the request's address has a query; to look for a parameter takes
// the whole address apart.
func (r *request) hasQuery() bool { return bytes.IndexByte(r.ctx.RequestURI(), '?') >= 0 }
