package tileserver

import (
	"fmt"
	"io"
	"net"
	"time"

	"github.com/valyala/fasthttp"

	"gengtu/tileserver/load"
)

// refuse tells a connection that there are too many, and closes it. It is given
// a moment to take the answer, in which nobody waits.
func (s *Server) refuse(c net.Conn) {
	s.metrics.requests.WithLabelValues("refused", "", "429").Inc()
	id := requestID()
	body := problemBody(fasthttp.StatusTooManyRequests, load.ErrBusy, s.cfg.Lang, id, nil)
	text := fmt.Sprintf("HTTP/1.1 429 Too Many Requests\r\nContent-Type: %s\r\nContent-Length: %d\r\nRetry-After: %s\r\nX-Request-Id: %s\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n%s",
		problemType, len(body), retryAfter, id, body)
	go func() {
		// The client may be gone; there is nobody else to tell.
		_ = c.SetDeadline(time.Now().Add(time.Second))
		_, _ = c.Write([]byte(text))
		_, _ = io.CopyN(io.Discard, c, 64<<10) // see gate.Drain
		_ = c.Close()
	}()
}
