package audit

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"gengtu/index/problem"
)

// The limits of a [Syslog].
const (
	// SyslogQueue is how many lines wait for a receiver that does not take them. It is
	// a few seconds of a busy server, and 8 MB at most.
	SyslogQueue = 2048
	// syslogTime is how long connecting or sending may take.
	syslogTime = 5 * time.Second
	// syslogPause is how long nothing is tried after a failure.
	syslogPause = time.Second
)

// Syslog sends lines to a receiver as RFC 5424 writes them, besides the file: what was
// sent to another machine cannot be changed on this one. It sends by itself, behind a
// queue. What the queue does not hold is dropped and counted; where Required, no line
// may be written while the receiver fails.
type Syslog struct {
	network, address string
	required         bool
	secure           *tls.Config
	host             string
	failed           func(error)

	queue chan []byte
	lost  atomic.Int64
	down  atomic.Pointer[problem.Problem]
	done  sync.WaitGroup
	quit  chan struct{}
}

// Required says what becomes of requests while a receiver fails.
type Required bool

// The two ways.
const (
	// Besides goes on without it.
	Besides Required = false
	// Needed refuses them.
	Needed Required = true
)

// OpenSyslog makes a sink for an address: unix:/dev/log, udp://host:514 (RFC 5426),
// tcp://host:601 (RFC 6587, octets counted) or tls://host:6514 (RFC 5425, with the
// system's roots). Failed is told of each failure to send, not more than once a second.
// The receiver is first connected when there is a line, unless it is needed: then
// an error tells that it is not there.
func OpenSyslog(address string, r Required, failed func(error)) (*Syslog, error) {
	u, err := url.Parse(address)
	s := &Syslog{required: bool(r), failed: failed, queue: make(chan []byte, SyslogQueue), quit: make(chan struct{})}
	switch {
	case err != nil:
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		err = errors.ErrUnsupported // would be left out without a word, and a secret printed with the flags
	case u.Scheme == "unix" && u.Host == "" && u.Path != "":
		s.network, s.address = "unixgram", u.Path
	case (u.Scheme == "udp" || u.Scheme == "tcp" || u.Scheme == "tls") && u.Port() != "" && u.Hostname() != "" && (u.Path == "" || u.Path == "/"):
		s.network, s.address = u.Scheme, u.Host
		if u.Scheme == "tls" {
			s.network, s.secure = "tcp", &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
		}
		_, _, err = net.SplitHostPort(u.Host)
	default:
		err = errors.ErrUnsupported
	}
	if err != nil {
		return nil, problem.New("AUDIT_SYSLOG_ADDRESS", "syslog 地址 %.80q 不对", "the syslog address %.80q is not one", address).Because(err).
			Advise("写作 unix:/dev/log、udp://主机:514、tcp://主机:601 或 tls://主机:6514", "write unix:/dev/log, udp://host:514, tcp://host:601 or tls://host:6514")
	}
	if s.host, err = os.Hostname(); err != nil || s.host == "" {
		s.host = "-" // RFC 5424's word for what is not known
	}
	conn, err := s.connect()
	if err != nil {
		if r == Needed {
			return nil, s.problem(err)
		}
		s.fail(err)
	}
	s.done.Go(func() { s.run(conn) })
	return s, nil
}

func (s *Syslog) problem(err error) *problem.Problem {
	return problem.New("AUDIT_SYSLOG", "审计记录发不到 syslog（%v）", "audit lines cannot be sent to the syslog (%v)", err).In(s.address).Because(err).
		Advise("检查接收端与网络", "see to the receiver and the network")
}

// fail tells that the receiver does not take lines.
func (s *Syslog) fail(err error) {
	p := s.problem(err)
	s.down.Store(p)
	if s.failed != nil {
		s.failed(p)
	}
}

// ready returns why no line may be written; nil where the syslog is not needed.
func (s *Syslog) ready() error {
	if !s.required {
		return nil
	}
	if p := s.down.Load(); p != nil {
		return p
	}
	if len(s.queue) == cap(s.queue) {
		return s.problem(errFull)
	}
	return nil
}

var errFull = errors.New("the queue is full")

// send queues a line, of which it keeps a copy.
func (s *Syslog) send(chain string, text []byte) {
	select {
	case s.queue <- s.message(chain, text):
	default:
		s.lost.Add(1)
	}
}

// message is a line as RFC 5424, 6 writes it: facility 13 (log audit), severity 6
// (informational).
func (s *Syslog) message(chain string, text []byte) []byte {
	const facility, severity = 13, 6
	out := make([]byte, 0, len(text)+160)
	out = strconv.AppendInt(append(out, '<'), facility*8+severity, 10)
	out = append(out, ">1 "...)
	// Six digits of the second are the most that the format has.
	out = time.Now().UTC().AppendFormat(out, "2006-01-02T15:04:05.000000Z")
	out = append(append(append(out, ' '), s.host...), " gengtu "...)
	out = strconv.AppendInt(out, int64(os.Getpid()), 10)
	out = append(append(append(out, ' '), chain...), " - "...)
	// The mark says that the text is UTF-8 (6.4).
	return append(append(out, "\uFEFF"...), text...)
}

// waiting returns how many lines are queued.
func (s *Syslog) waiting() int64 { return int64(len(s.queue)) }

// Lost returns how many lines were not sent since the start.
func (s *Syslog) Lost() int64 { return s.lost.Load() }

func (s *Syslog) connect() (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), syslogTime)
	defer cancel()
	if s.secure != nil {
		return (&tls.Dialer{Config: s.secure}).DialContext(ctx, s.network, s.address)
	}
	return new(net.Dialer).DialContext(ctx, s.network, s.address)
}

// run sends what is queued until the queue is closed. A line whose sending fails is
// tried again until it is sent: the queue fills meanwhile.
func (s *Syslog) run(conn net.Conn) {
	defer func() {
		if conn != nil {
			_ = conn.Close() // what was sent is sent
		}
	}()
	for m := range s.queue {
		for {
			var err error
			if conn == nil {
				conn, err = s.connect()
			}
			if err == nil {
				err = s.write(conn, m)
			}
			if err == nil {
				s.down.Store(nil)
				break
			}
			s.fail(err)
			if conn != nil {
				_ = conn.Close() // it is broken already
				conn = nil
			}
			if !s.pause() {
				s.lost.Add(int64(1 + len(s.queue)))
				return
			}
		}
	}
}

// pause waits before the next try, and returns false when there is none.
func (s *Syslog) pause() bool {
	t := time.NewTimer(syslogPause)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.quit:
		return false
	}
}

func (s *Syslog) write(conn net.Conn, m []byte) error {
	if err := conn.SetWriteDeadline(time.Now().Add(syslogTime)); err != nil {
		return err
	}
	if s.network == "tcp" {
		m = append(strconv.AppendInt(make([]byte, 0, len(m)+8), int64(len(m)), 10), append([]byte{' '}, m...)...)
	}
	_, err := conn.Write(m)
	return err
}

// Close sends what is queued, unless the receiver fails, and ends. No log may be
// appended to any more that has the sink.
func (s *Syslog) Close() error {
	close(s.queue)
	close(s.quit)
	s.done.Wait()
	return nil
}
