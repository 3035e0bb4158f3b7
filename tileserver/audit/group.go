package audit

import (
	"bytes"
	"crypto/sha256"
	"os"
	"sync"

	"gengtu/index/problem"
	"gengtu/tileserver/access"
)

// queue is the lines that wait to be written. Whoever finds nobody writing writes its
// own at once; what comes meanwhile is written next, in one write for all of it, by the
// first of them. So one processor's line costs a write, and many processors share one.
// (To wait for others first was measured, and gained nothing: the answer leaves the
// processor's cache meanwhile.)
type queue struct {
	mu      sync.Mutex
	waiting []*entry
	spare   []*entry // the slice of the last group, to be used again
	led     bool     // somebody writes, or is about to
}

// entry is a line that waits.
type entry struct {
	record []byte // as [Record.append] writes it
	day    int64
	told   chan verdict
}

// verdict is what becomes of an entry.
type verdict struct {
	lead bool  // it is to write the next group, its own line among them
	err  error // why its line is not in the log
}

var entries = sync.Pool{New: func() any { return &entry{told: make(chan verdict, 1)} }}

// Append writes r as one line, its path masked and its long fields cut, and hands it to
// the syslog. It returns once the line is with the system; lines that are appended at
// once share a write, and one that cannot be written whole is taken back. Where it
// returns an error, a problem AUDIT_WRITE, AUDIT_GONE, AUDIT_SLOW or AUDIT_SYSLOG, nothing may be answered.
// Nothing of r is kept.
func (l *Log) Append(r Record) error { return l.append(&r) }

func (l *Log) append(r *Record) error {
	if s := l.opt.Syslog; s != nil {
		if err := s.ready(); err != nil {
			l.refuse(1)
			return err
		}
	}
	if l.slow.Load() {
		l.refuse(1)
		return errSlow.In(l.dir)
	}
	r.Path = access.Mask(r.Path)
	r.cut()
	q := &l.queue
	q.mu.Lock()
	led := q.led
	q.led = true
	q.mu.Unlock()
	if led {
		return l.wait(r)
	}
	l.mu.Lock()
	l.own.record, l.own.day = r.append(l.own.record[:0]), dayOf(r.Time)
	l.alone[0] = &l.own
	err := l.putGroup(l.alone[:], &l.own)
	l.mu.Unlock()
	l.handOver()
	return err
}

// wait has r written by whoever writes next.
func (l *Log) wait(r *Record) error {
	e := entries.Get().(*entry) //nolint:forcetypeassert // the pool has nothing else
	defer entries.Put(e)
	e.record, e.day = r.append(e.record[:0]), dayOf(r.Time)
	q := &l.queue
	q.mu.Lock()
	q.waiting = append(q.waiting, e)
	led := q.led // nobody may be writing any more
	q.led = true
	q.mu.Unlock()
	if led {
		if v := <-e.told; !v.lead {
			return v.err
		}
	}
	q.mu.Lock()
	group := q.waiting
	q.waiting = q.spare[:0]
	q.mu.Unlock()
	l.mu.Lock()
	err := l.putGroup(group, e)
	l.mu.Unlock()
	q.mu.Lock()
	q.spare = group
	q.mu.Unlock()
	l.handOver()
	return err
}

// handOver lets the first of those who wait write.
func (l *Log) handOver() {
	q := &l.queue
	q.mu.Lock()
	q.led = len(q.waiting) > 0
	if q.led {
		q.waiting[0].told <- verdict{lead: true}
	}
	q.mu.Unlock()
}

// putGroup writes the lines of a group, and tells all but own what became of theirs;
// that of own is returned. It is called with l.mu locked.
func (l *Log) putGroup(group []*entry, own *entry) (mine error) {
	for len(group) > 0 {
		n, err := l.put(group)
		if err != nil {
			l.refuse(int64(n))
			err = l.unwritten(err)
		}
		for _, e := range group[:n] {
			if e == own {
				mine = err
			} else {
				e.told <- verdict{err: err}
			}
		}
		group = group[n:]
	}
	return mine
}

// unwritten is why a line is not in the log.
func (l *Log) unwritten(err error) error {
	if p := problem.Of(err); p != nil {
		return p
	}
	return problem.New("AUDIT_WRITE", "审计日志无法写入：%v", "the audit log cannot be written: %v", cause(err)).
		Advise("请检查磁盘空间与权限；在此之前不提供数据", "see to disk space and permissions; no data are served until then").
		Because(err).In(l.path(l.begun.number))
}

// refuse counts lines that are not in the log.
func (l *Log) refuse(n int64) {
	l.lost.Add(n)
	l.refused.Add(n)
}

// put writes the lines of a group up to where the next file is to begin, in one write,
// all or none of them, and returns how many they are: one at least.
func (l *Log) put(group []*entry) (int, error) {
	if l.closed {
		return len(group), os.ErrClosed
	}
	if l.unsynced != nil {
		return len(group), l.unsynced
	}
	lost, end := l.lost.Load(), l.end
	l.text = l.text[:0]
	n := 0
	for _, e := range group {
		more := int64(len(e.record) + maxChainBytes)
		if l.due(l.begun.size+int64(len(l.text)), more, e.day) {
			if n > 0 {
				break
			}
			if err := l.rotate(e.day); err != nil {
				return len(group), err
			}
		} else if l.begun.size == 0 && n == 0 {
			l.day = e.day
		}
		from := len(l.text)
		l.text = appendNumbered(l.text, end.n+1, e.record)
		if n == 0 {
			l.text = appendChain(l.text, lost, l.torn)
		}
		l.text = appendPrev(l.text, &end.hash)
		end = position{end.n + 1, sha256.Sum256(l.text[from : len(l.text)-1])}
		n++
	}
	if err := l.write(l.text); err != nil {
		return n, err
	}
	l.lost.Add(-lost)
	l.end, l.torn, l.lines = end, 0, l.lines+int64(n)
	if s := l.opt.Syslog; s != nil {
		for text := range bytes.Lines(l.text) {
			s.send(l.chain, text[:len(text)-1])
		}
	}
	return n, nil
}
