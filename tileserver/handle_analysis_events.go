package tileserver

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gengtu/index/problem"
	"gengtu/tileserver/jobs"
	"gengtu/tileserver/load"
)

const (
	// eventsAlive is how often a stream of events says that it is there: proxies close what
	// is silent for a minute, and a client that has gone is found by it.
	eventsAlive = 10 * time.Second
	// eventsFor is how long a stream lasts; the client comes again by itself, with
	// Last-Event-ID.
	eventsFor = 30 * time.Minute
	// eventsRetry is after how many milliseconds it does.
	eventsRetry = 2000
)

// handleEvents sends what happens to a job, as it happens, as an event stream (HTML Living
// Standard, 9.2): events are named by the job's state, `progress` or `restarted`. Behind
// `Last-Event-ID` (or `after=`) it goes on; with the end of the job it ends.
func (s *Server) handleEvents(r *request) error {
	j, err := r.job(r.params["id"])
	if err != nil {
		return err
	}
	after := int64(0)
	text := string(r.ctx.Request.Header.Peek("Last-Event-ID"))
	if text == "" {
		text = r.query("after")
	}
	if text != "" {
		if after, err = strconv.ParseInt(text, 10, 64); err != nil || after < 0 {
			return problem.New("PARAMETER_AFTER", "Last-Event-ID 是 %.40q，应取自上一个事件的 id", "Last-Event-ID is %.40q; it is the id of the event before", text)
		}
	}
	if int(s.answers.streams.Add(1)) > s.cfg.Limits.JobStreams {
		s.answers.streams.Add(-1)
		return load.ErrBusy
	}
	h := &r.ctx.Response.Header
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx passes each event on
	r.ctx.SetContentType("text/event-stream; charset=utf-8")
	e := &eventStream{server: s, id: j.ID, after: after, holds: r.holds(), extend: func() error { return nil }}
	if c := r.ctx.Conn(); c != nil {
		write := s.cfg.Limits.Write
		e.extend = func() error { return c.SetWriteDeadline(time.Now().Add(write)) }
	}
	if r.ctx.IsHead() {
		s.answers.streams.Add(-1)
		return nil
	}
	r.ctx.SetBodyStreamWriter(func(w *bufio.Writer) {
		defer s.answers.streams.Add(-1)
		e.send(w)
	})
	return nil
}

// eventStream sends the events of one job.
type eventStream struct {
	server *Server
	id     string
	after  int64
	holds  func() bool
	extend func() error // gives the connection more time
}

// send sends until the job is over, the client is gone, its token is not valid any more,
// the server stops, or the stream is old enough.
func (e *eventStream) send(w *bufio.Writer) {
	q := e.server.answers.queue
	alive := time.NewTicker(eventsAlive)
	defer alive.Stop()
	end := time.NewTimer(eventsFor)
	defer end.Stop()
	_, _ = fmt.Fprintf(w, "retry: %d\n\n", eventsRetry) // told by Flush
	for {
		events, more, over, ok := q.Follow(e.id, e.after)
		if !ok {
			_, _ = w.WriteString("event: gone\ndata: {}\n\n")
		}
		for i := range events {
			e.write(w, &events[i])
			e.after = events[i].ID
		}
		if e.extend() != nil || w.Flush() != nil || over || !ok || !e.holds() {
			return
		}
		select {
		case <-more:
		case <-alive.C:
			_, _ = w.WriteString(": alive\n\n")
		case <-end.C:
			return
		case <-e.server.ending:
			return
		}
	}
}

// write writes one event.
func (e *eventStream) write(w *bufio.Writer, v *jobs.Event) {
	data, err := json.Marshal(v)
	if err != nil { // texts, numbers and a time always marshal
		return
	}
	// A name that none of the events of the connection itself has.
	name := strings.NewReplacer("\n", "", "\r", "").Replace(v.Kind)
	_, _ = fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", v.ID, name, data)
}
