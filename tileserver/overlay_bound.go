package tileserver

import (
	"bytes"
	"io"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"

	"gengtu/index/areas"
	"gengtu/index/problem"
)

// packed tells whether the request's body has a content coding (RFC 9110, 8.4).
func (o *overlayRequest) packed() bool {
	return o.request.ctx.IsPost() && o.coding() != ""
}

// coding is the body's content coding, "" when there is none.
func (r *request) coding() string {
	c := strings.ToLower(strings.TrimSpace(string(r.ctx.Request.Header.ContentEncoding())))
	if c == "identity" {
		return ""
	}
	return c
}

// plainBody returns the body, unpacked up to the limit that holds for all bodies.
func (r *request) plainBody() ([]byte, error) {
	data, err := r.wholeBody()
	if err != nil {
		return nil, err
	}
	switch r.coding() {
	case "":
		return data, nil
	case "gzip", "x-gzip":
	default:
		return nil, problem.New("CONTENT_CODING", "请求体用了 %.40q 编码", "the body has the content coding %.40q", r.coding()).
			Advise("用 gzip，或不压缩", "use gzip, or none")
	}
	bad := problem.New("PARAMETER_GZIP", "请求体不是完整的 gzip", "the body is no whole gzip stream")
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, bad.Because(err)
	}
	most := r.server.cfg.Limits.BodyBytes
	plain, err := io.ReadAll(io.LimitReader(z, int64(most)+1))
	switch {
	case len(plain) > most:
		return nil, problem.New("TOO_LARGE_BODY", "请求体解压后超过 %d 字节", "the body is over %d bytes once unpacked", most).
			Advise("分几次来问", "ask in several requests")
	case err != nil:
		return nil, bad.Because(err)
	}
	return plain, nil
}

// listed counts the pieces of a collection's answers. over is read by those who
// make them, the rest by who writes them.
type listed struct {
	limit int // 0 is none
	n     int
	over  atomic.Bool
}

// problem is what the shape that goes beyond and those behind it are told.
func (l *listed) problem() *problem.Problem {
	return problem.New("TOO_LARGE_ANSWER", "到这个图形为止，结果共超过 %d 项", "up to this shape the answer would list more than %d items together", l.limit).
		Advise("分几次来问，或不取逐个要素", "ask in several requests, or without single features")
}

// boundedWriter writes results in their order, and in place of those that go
// beyond the bound and all behind them that they do.
type boundedWriter struct {
	areas.ResultWriter
	listed *listed
}

// Write implements [areas.ResultWriter].
func (w *boundedWriter) Write(r *areas.Result) error {
	l := w.listed
	if r.Answer != nil {
		for i := range r.Answer.Layers {
			l.n += len(r.Answer.Layers[i].Pieces)
		}
	}
	if l.limit > 0 && l.n > l.limit {
		l.over.Store(true)
		// Other problems of later shapes would depend on who was asked first.
		r = &areas.Result{ID: r.ID, Properties: r.Properties, Problem: l.problem()}
	}
	return w.ResultWriter.Write(r)
}
