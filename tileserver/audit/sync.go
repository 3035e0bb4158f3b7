package audit

import (
	"errors"
	"os"
	"time"

	"gengtu/index/problem"
)

// SyncEvery is how often lines are made to outlast a loss of power.
const SyncEvery = time.Second

// slowTicks is how many times [SyncEvery] a device may take for what was written. Then
// nothing more is appended until it is done: what a loss of power takes stays bounded,
// and requests are refused rather than left waiting.
const slowTicks = 10

// syncOften syncs until the log is closed. What goes wrong shuts Append until it goes
// right again.
func (l *Log) syncOften() {
	tick := time.NewTicker(l.opt.every)
	defer tick.Stop()
	done := make(chan struct{})
	for late := -1; ; { // -1 while there is no sync under way
		select {
		case <-l.stop:
			if late >= 0 {
				<-done
			}
			return
		case <-done:
			late = -1
			l.slow.Store(false)
		case <-tick.C:
			if late++; late == 0 {
				go func() {
					_ = l.Sync() // Append tells
					done <- struct{}{}
				}()
			}
			l.slow.Store(late >= slowTicks)
		}
	}
}

// errSlow is that the device has not taken what was written.
var errSlow = problem.New("AUDIT_SLOW", "审计日志所在的磁盘迟迟没有写完", "the audit log's disk has not taken what was written for long").
	Advise("检查磁盘或网络存储；写完后自动恢复，无须重启", "see to the disk or the network storage; no restart is needed once it has")

// Sync makes what was appended outlast a loss of power, and writes the head file. A
// log does it by itself every [SyncEvery]. The error tells, too, that the file which is
// written is no longer the one in the directory: AUDIT_GONE.
func (l *Log) Sync() error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.mu.Lock()
	f, end, closed := l.file, l.end, l.closed
	var err error
	if !closed {
		err = l.stands()
	}
	if err != nil || end == l.synced {
		l.unsynced = err
	}
	l.mu.Unlock()
	if closed || err != nil || end == l.synced {
		return err
	}
	err = f.Sync()
	if err == nil {
		err = writeHead(l.dir, l.chain, end, l.opt.Now())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// A file that was full meanwhile was synced before it was closed.
	if errors.Is(err, os.ErrClosed) && l.file != f {
		err = nil
	}
	if l.unsynced = err; err == nil {
		l.synced = end
	}
	return err
}

// stands checks that the file which is written is still the one in the directory, with
// our lines alone: else what is written is lost with the file, or broken. It is called
// with l.mu locked.
func (l *Log) stands() error {
	path := l.path(l.begun.number)
	gone := func(p *problem.Problem) error {
		return p.In(path).
			Advise("把原来的文件放回原处即恢复；否则留作证据，另换目录重新启动服务", "put the file back where it was, and service goes on; else keep what is there as evidence, and start the server with a new directory")
	}
	held, err := l.file.Stat()
	if err != nil {
		return err
	}
	named, err := os.Stat(path)
	switch {
	case err != nil:
		return gone(problem.New("AUDIT_GONE", "正在写的审计日志文件被移走或删除",
			"the file of the audit log that is being written was moved away or removed").Because(err))
	case !os.SameFile(held, named):
		return gone(problem.New("AUDIT_GONE", "正在写的审计日志文件被换成了另一个",
			"the file of the audit log that is being written was replaced by another"))
	case held.Size() != l.begun.size && !l.dirty:
		return gone(problem.New("AUDIT_GONE", "正在写的审计日志文件被别的程序截短或写入",
			"the file of the audit log that is being written was cut or written to by another program"))
	}
	return nil
}

// Close syncs and closes the log, which may not be used afterwards.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.mu.Unlock()
	close(l.stop)
	l.stopped.Wait()
	err := l.Sync()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return errors.Join(err, l.file.Close(), l.unlock())
}
