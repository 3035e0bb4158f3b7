package tileserver

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/live"
)

// auditHealth is whether the audit log takes lines.
type auditHealth struct {
	failed atomic.Int64 // when a line was last refused, in Unix nanoseconds

	mu     sync.Mutex
	looked time.Time
	err    error
}

// How often the log is tried, whoever asks, and how long a line that was refused tells
// more than that.
const (
	tryAuditEvery = time.Second
	refusedCounts = 2 * time.Second
)

// unwritten is why no line can be written to the audit log, "" where one can: a code.
func (s *Server) unwritten() string {
	h, now := &s.auditHealth, time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if now.Sub(h.looked) >= tryAuditEvery {
		h.looked, h.err = now, s.cfg.Audit.Ready()
	}
	switch p := problem.Of(h.err); {
	case p != nil:
		return p.Code
	case h.err != nil || now.UnixNano()-h.failed.Load() < int64(refusedCounts):
		return errAudit.Code
	}
	return ""
}

// handleReady tells whether requests should be sent here: not before editions are
// loaded, not once the server stops, and not while the audit log takes no lines, without
// which nothing above public is answered.
func (s *Server) handleReady(r *request) error {
	if err := s.unready(); err != nil {
		return err
	}
	return s.handleHealth(r)
}

// unready is why no requests should be sent here, nil where they may be.
func (s *Server) unready() error {
	if len(s.tiers) == 0 || s.stopping.Load() {
		return live.ErrClosed
	}
	var zh, en []string
	for _, t := range edition.Tiers {
		if s.tiers[t] != nil && t != edition.Public {
			zh, en = append(zh, t.Title(problem.Chinese)), append(en, string(t))
		}
	}
	if s.cfg.Audit == nil || len(en) == 0 {
		return nil
	}
	if why := s.unwritten(); why != "" {
		return problem.New(errAudit.Code, "审计日志写不下来（%[1]s），%[2]s现在不作答", "the audit log cannot be written (%[1]s): %[3]s is not answered", why, strings.Join(zh, "、"), strings.Join(en, " and ")).
			Advise("请系统管理员检查审计日志的磁盘空间与权限；恢复后无须重启", "have the system administrator see to the audit log's disk space and permissions; no restart is needed then")
	}
	return nil
}
