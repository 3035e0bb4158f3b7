package tileserver

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gengtu/index/problem"
	"gengtu/tileserver/access"
)

// LogFormat is how lines of logs are written.
type LogFormat string

// The formats: an object of JSON a line, or text, which for the access log is the
// combined form that tools for web servers read.
const (
	LogJSON LogFormat = "json"
	LogText LogFormat = "text"
)

// AccessLog writes a line for each answer of every tier: what operators count and search,
// beside the audit log, which is the record of who saw what. Nobody waits for it: where
// the disc is too slow, lines are lost and counted. Tokens are masked. Safe for
// concurrent use.
type AccessLog struct {
	path   string // "" is a writer that is not a file
	format LogFormat
	failed func(error)

	lines         chan []byte
	again         chan struct{}
	done          chan struct{}
	written, lost atomic.Int64

	closing sync.RWMutex
	closed  bool
}

// waitingLines is how many lines of the access log wait for the disc at most.
const waitingLines = 4096

// StandardError is the path by which [OpenAccessLog] writes to another writer.
const StandardError = "-"

// OpenAccessLog opens, or begins, the file at path, which others may not read, or takes w
// where path is [StandardError]. failed is told, by one goroutine, what could not be
// written. Close ends it.
func OpenAccessLog(path string, w io.Writer, format LogFormat, failed func(error)) (*AccessLog, error) {
	l := &AccessLog{path: path, format: format, failed: failed, lines: make(chan []byte, waitingLines), again: make(chan struct{}, 1), done: make(chan struct{})}
	var file *os.File
	if path == StandardError {
		l.path = ""
	} else {
		var err error
		if file, err = openAccessFile(path); err != nil {
			return nil, err
		}
		w = file
	}
	go l.run(w, file)
	return l, nil
}

func openAccessFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, problem.New("ACCESS_LOG", "访问日志打不开（%v）", "the access log cannot be opened (%v)", err).In(path).Because(err).
			Advise("核对 --access-log 的路径和权限", "see to the path of --access-log and its permissions")
	}
	return f, nil
}

// Reopen opens the file anew, as rotating logs asks for after it has renamed it.
func (l *AccessLog) Reopen() {
	if l == nil || l.path == "" {
		return
	}
	select {
	case l.again <- struct{}{}:
	default: // it is about to
	}
}

// Close writes what waits and closes the file.
func (l *AccessLog) Close() {
	l.closing.Lock()
	if !l.closed {
		l.closed = true
		close(l.lines)
	}
	l.closing.Unlock()
	<-l.done
}

// counts tells how many lines were written, and how many were lost.
func (l *AccessLog) counts() (written, lost int64) { return l.written.Load(), l.lost.Load() }

// run writes the lines until there will be no more.
func (l *AccessLog) run(w io.Writer, file *os.File) {
	defer close(l.done)
	buf := bufio.NewWriterSize(w, 64<<10)
	held := int64(0) // lines in buf
	failing := false
	flush := func() {
		if held == 0 {
			return
		}
		if err := buf.Flush(); err != nil {
			// Once: each answer's failure told would fill the same disc with that.
			if !failing {
				l.failed(err)
			}
			failing = true
			l.lost.Add(held)
			buf.Reset(w) // an error stays with it else, when there is room again, too
		} else {
			failing = false
			l.written.Add(held)
		}
		held = 0
	}
	for {
		select {
		case line, more := <-l.lines:
			if !more {
				flush()
				if file != nil {
					if err := file.Close(); err != nil {
						l.failed(err)
					}
				}
				return
			}
			held++
			if _, err := buf.Write(line); err != nil || len(l.lines) == 0 {
				flush()
			}
		case <-l.again:
			flush()
			if next, err := openAccessFile(l.path); err != nil {
				l.failed(err) // and on with the file of before
			} else {
				if err := file.Close(); err != nil {
					l.failed(err)
				}
				file, w = next, next
				buf.Reset(w)
			}
		}
	}
}

// accessLine is a line of the access log. README names the members.
type accessLine struct {
	Time       string  `json:"time"`
	Request    string  `json:"request"`
	Address    string  `json:"address"`
	Method     string  `json:"method"`
	Path       string  `json:"path"`
	Route      string  `json:"route"`
	Tier       string  `json:"tier,omitempty"`
	Token      string  `json:"token,omitempty"`
	Layer      string  `json:"layer,omitempty"`
	Generation string  `json:"generation,omitempty"`
	Status     int     `json:"status"`
	Bytes      int     `json:"bytes"`
	Seconds    float64 `json:"seconds"`
	Agent      string  `json:"agent,omitempty"`
}

// mostAgent bounds what is told of a User-Agent, in bytes.
const mostAgent = 200

// tell takes a line for an answer, unless too many are waiting. l may be nil.
func (l *AccessLog) tell(r *request, status int, took time.Duration) {
	if l == nil {
		return
	}
	if !r.from.IsValid() {
		r.from = r.server.caller(r)
	}
	a := accessLine{
		Time: time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), Request: r.id(), Address: textOf(r.from), Method: methodOf(r.ctx.Method()),
		Path: access.Mask(r.loggedURI()), Route: r.route, Tier: string(r.tier), Token: r.token, Layer: r.layer,
		Status: status, Bytes: r.size(), Seconds: took.Seconds(),
	}
	agent := r.ctx.UserAgent()
	a.Agent = strings.ToValidUTF8(string(agent[:min(len(agent), mostAgent)]), "")
	if r.gen != nil {
		a.Generation = r.gen.Name()
	}
	line := a.combined()
	if l.format == LogJSON {
		var err error
		if line, err = json.Marshal(a); err != nil { // texts and numbers always marshal
			l.lost.Add(1)
			return
		}
	}
	l.put(append(line, '\n'))
}

func (l *AccessLog) put(line []byte) {
	l.closing.RLock()
	defer l.closing.RUnlock()
	if l.closed {
		l.lost.Add(1)
		return
	}
	select {
	case l.lines <- line:
	default:
		l.lost.Add(1)
	}
}

// combined is the line in the combined form of web servers' logs, with the seconds that
// the answer took behind it. What a client wrote is quoted, so that it can begin no line
// of its own.
func (a *accessLine) combined() []byte {
	dash := func(s string) string {
		if s == "" {
			return "-"
		}
		return strings.Map(func(c rune) rune {
			if c <= ' ' || c == 0x7f {
				return '_'
			}
			return c
		}, s)
	}
	at := a.Time
	if t, err := time.Parse(time.RFC3339Nano, at); err == nil {
		at = t.Format("02/Jan/2006:15:04:05 -0700")
	}
	line := fmt.Appendf(nil, "%s - %s [%s] ", dash(a.Address), dash(a.Token), at)
	line = strconv.AppendQuote(line, a.Method+" "+a.Path+" HTTP/1.1")
	size := "-"
	if a.Bytes > 0 || a.Status == http.StatusOK {
		size = strconv.Itoa(a.Bytes)
	}
	line = fmt.Appendf(line, ` %d %s "-" `, a.Status, size)
	line = strconv.AppendQuote(line, dash(a.Agent))
	return fmt.Appendf(line, " %.6f %s", a.Seconds, a.Request)
}
