package tileserver

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"

	"github.com/valyala/fasthttp"

	"gengtu/index/problem"
	"gengtu/tileserver/gate"
	"gengtu/tileserver/load"
)

// isLengthTwice tells whether a request says by a number and by chunks how long its body is.
// Whoever stands in front may have read the other one, so the connection is not to be used
// for another request (RFC 9112, 6.1).
func isLengthTwice(ctx *fasthttp.RequestCtx) bool {
	const chunked = -1
	h := &ctx.Request.Header
	return h.ContentLength() == chunked && bytes.Contains(bytes.ToLower(h.RawHeaders()), []byte("content-length:"))
}

// wholeBody returns the body of the request. It is read here and not before the handler:
// until then a client that announces a large body has cost some KiB, whatever it sends.
// What it takes beyond [load.FreeForEach] is taken from the server's memory for bodies, as it
// arrives, until the request is released. A second call returns the same.
func (r *request) wholeBody() ([]byte, error) {
	if r.bodyRead {
		return r.payload, nil
	}
	stream, most := r.ctx.RequestBodyStream(), r.server.cfg.Limits.BodyBytes
	if stream == nil {
		return r.ctx.Request.Body(), nil // nothing, or what a test has put there
	}
	if r.ctx.Request.Header.ContentLength() > most {
		return nil, r.tooLarge()
	}
	buf := make([]byte, 0, 4<<10)
	for {
		if len(buf) == cap(buf) {
			if err := r.room(&buf, most+1); err != nil {
				return nil, err
			}
		}
		n, err := stream.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > most:
			return nil, r.tooLarge()
		case errors.Is(err, io.EOF):
			r.payload, r.bodyRead = buf, true
			return buf, nil
		case err != nil:
			r.ctx.SetConnectionClose()
			return nil, r.server.broken(err)
		}
	}
}

// room doubles a body's buffer, up to most bytes.
func (r *request) room(buf *[]byte, most int) error {
	larger := min(2*cap(*buf), most)
	if more := larger - max(load.FreeForEach, cap(*buf)); more > 0 {
		if !r.server.bodies.Take(more) {
			return load.ErrOverloaded
		}
		r.bodyHeld += more
	}
	*buf = slices.Grow(*buf, larger-len(*buf))[:len(*buf):larger]
	return nil
}

func (r *request) tooLarge() error {
	return problem.New("TOO_LARGE_BODY", "请求体超过 %d 字节", "the body is over %d bytes", r.server.cfg.Limits.BodyBytes)
}

// broken is the problem of a request that cannot be read to its end.
func (s *Server) broken(err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() || s.stopping.Load() {
		return problem.New("REQUEST_SLOW", "请求没有在 %s 内到齐", "the request was not complete within %s", s.cfg.Limits.Read)
	}
	return problem.New("PARAMETER_REQUEST", "这不是完整的 HTTP 请求", "this is no whole HTTP request")
}

// leastDrained is how much of a refused request is read at least: a body that is
// too large is mostly a delivery's file, of some megabytes.
const leastDrained = 16 << 20

// leaveBody reads what is left of a body that nobody wants, so that it is not taken for
// the next request. The connection is closed after the answer where that is long or slow
// to come.
func (r *request) leaveBody() {
	stream := r.ctx.RequestBodyStream()
	if stream == nil || r.bodyRead {
		return
	}
	r.bodyRead = true
	c := r.ctx.Conn()
	if c == nil || !gate.Drain(c, stream, max(4*r.server.cfg.Limits.BodyBytes, leastDrained)) {
		r.ctx.SetConnectionClose()
	}
}

// holdAnswer takes memory for the answer until it is sent.
func (r *request) holdAnswer() error {
	if gate.Owe(r.ctx.Conn(), r.size()) {
		return nil
	}
	return load.ErrOverloaded
}
