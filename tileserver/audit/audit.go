// Package audit keeps the record of who asked for what above public, and of who
// administered what.
//
// A log is a directory of chains. A chain is what one writer wrote, one line after
// the other: each server process has its own (server-1, server-2 …), and all commands
// share the chain of acts. A [Record] becomes a line of JSON that holds the SHA-256 of
// the line before; a chain goes on from file to numbered file, and [Verify] finds a
// line that was changed, put in, moved or taken out, and a file that is gone. What
// was cut off at a chain's end is found by its head file, or by a summary that was
// kept elsewhere.
//
// A line is with the system before [Log.Append] returns, so that an answer that waits
// for it is never without its line when the program dies; a loss of power takes the
// lines since the last sync, which is one [SyncEvery] ago, and where the device is slow
// [slowTicks] of them at most. As often it is seen whether the file was taken away. When a line cannot be written there must be no
// answer: Append says so. Addresses are masked on their way in, so that no token is
// ever in a log. The package knows no HTTP library. Where the system has no flock,
// two programs that write one chain at once are not kept apart.
package audit

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"gengtu/index/disk"
	"gengtu/index/problem"
)

// DefaultFileBytes is the size that a file of a chain does not grow beyond: some
// 150,000 lines.
const DefaultFileBytes = 64 << 20

// Options say how a log is written. The zero value is the default.
type Options struct {
	// FileBytes bounds a file of a chain; 0 is [DefaultFileBytes]. The next file begins
	// there, and with the first line of a day (UTC).
	FileBytes int64
	// Syslog takes a copy of each line; nil for none. It is not closed with the log.
	Syslog *Syslog
	// Now is the clock for the lines that the log writes of itself; nil is [time.Now].
	Now func() time.Time

	every time.Duration // [SyncEvery], but for tests
}

func (o Options) withDefaults() Options {
	if o.FileBytes <= 0 {
		o.FileBytes = DefaultFileBytes
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.every <= 0 {
		o.every = SyncEvery
	}
	return o
}

// Log writes one chain. Its methods may be called by many goroutines at once.
//
// A chain has no key. Who may write its files can write all of it anew; against that,
// keep what [Verify] returns elsewhere from time to time, or send the lines to another
// machine by [Options.Syslog].
type Log struct {
	dir, chain string
	opt        Options
	unlock     func() error

	mu    sync.Mutex
	file  logFile
	begun segment
	end   position
	day   int64  // of the file's lines
	text  []byte // of the group that is written, used again and again
	torn  int64
	lines int64 // written since the log was opened
	// dirty tells that part of a line is behind begun.size and could not be cut off.
	dirty bool
	// unsynced is why lines may not outlast a loss of power.
	unsynced error
	closed   bool

	queue   queue
	own     entry // of who writes its line alone
	alone   [1]*entry
	lost    atomic.Int64 // since the last line
	refused atomic.Int64
	slow    atomic.Bool

	syncing sync.Mutex // one at a time
	synced  position
	stop    chan struct{}
	stopped sync.WaitGroup
}

// segment is the file that is being written.
type segment struct {
	number int
	size   int64 // up to the end of the last whole line
}

// position is how far a chain goes: the number of its last line and that line's hash.
type position struct {
	n    int64
	hash [sha256.Size]byte
}

// logFile is what a Log needs of an [os.File].
type logFile interface {
	io.Writer
	io.Closer
	Truncate(size int64) error
	Sync() error
	Stat() (os.FileInfo, error)
}

// Open opens a chain of the log in dir for appending, or makes it. A directory that is
// not there is made, for its owner alone; its parent is not. Files may be read and
// written by the group where the directory may. The last line of a chain that is there
// must be one of ours and no earlier than its head file says; an unfinished line behind
// it is cut off, which the next line tells. A chain has one writer at a time, in this
// process or another: else AUDIT_LOCKED. Every error is a [problem.Problem].
func Open(dir, chain string, opt Options) (*Log, error) {
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	unlock, err := lockChain(dir, chain)
	if err != nil {
		return nil, err
	}
	l := &Log{dir: dir, chain: chain, opt: opt.withDefaults(), unlock: unlock, stop: make(chan struct{})}
	if err := l.resume(); err != nil {
		err = errors.Join(err, unlock())
		if l.file != nil {
			err = errors.Join(err, l.file.Close())
		}
		return nil, err
	}
	l.synced = l.end
	l.stopped.Go(l.syncOften)
	return l, nil
}

// makeDir makes the log's directory.
func makeDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return unwritable(dir, err).Advise("新建该目录并给予写权限，或另给一个目录（--audit，或访问文件的 audit.dir）",
			"make the directory and let this user write to it, or name another (--audit, or audit.dir in the access file)")
	}
	info, err := os.Stat(dir)
	if err != nil {
		return unreadable(dir, err)
	}
	if !info.IsDir() {
		return problem.New("AUDIT_DIRECTORY", "审计日志是一个目录，这里是文件", "the audit log is a directory, this is a file").In(dir).
			Advise("给出一个目录，没有则新建", "name a directory; it is made when it is not there")
	}
	return nil
}

// resume finds the end of the chain and opens its last file.
func (l *Log) resume() error {
	files, err := filesOf(l.dir, l.chain)
	if err != nil {
		return err
	}
	l.begun.number = 1
	if len(files) > 0 {
		l.begun.number = files[len(files)-1]
	}
	f, err := l.openFile(l.begun.number, 0)
	if err != nil {
		return err
	}
	l.file = f
	tail, err := tailOf(f)
	if err != nil {
		return inFile(err, f.Name())
	}
	l.torn, l.begun.size = tail.torn, tail.size
	// A file that has just been begun has no line of its own yet.
	if tail.last == nil && len(files) > 1 {
		before, err := tailOfFile(l.path(files[len(files)-2]))
		if err != nil {
			return err
		}
		tail.last = before.last
	}
	if tail.last != nil {
		last, err := parseLine(tail.last)
		if err != nil {
			return notOurs(f.Name())
		}
		l.end = position{last.N, sha256.Sum256(tail.last)}
		l.day = dayOf(last.Time)
	}
	// What is no log of ours, or cut, is left as it is.
	if err := l.checkHead(); err != nil || tail.torn == 0 {
		return err
	}
	if err := f.Truncate(tail.size); err != nil {
		return unwritable(f.Name(), err)
	}
	return nil
}

// checkHead holds the end of the chain against its head file.
func (l *Log) checkHead() error {
	h, err := readHead(l.dir, l.chain)
	if err != nil || h == nil {
		return err
	}
	if h.N > l.end.n || h.N == l.end.n && h.Hash != hexOf(l.end.hash) {
		return cutOff(l.chain, h.N, l.end.n).In(l.path(l.begun.number))
	}
	return nil
}

func (l *Log) path(number int) string { return filepath.Join(l.dir, fileName(l.chain, number)) }

// openFile opens a file of the chain, with more flags than all have.
func (l *Log) openFile(number, flags int) (*os.File, error) {
	mode, err := modeIn(l.dir)
	if err != nil {
		return nil, err
	}
	path := l.path(number)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND|flags, mode)
	if err != nil {
		return nil, unwritable(path, err)
	}
	if err := ownMode(f, mode); err != nil {
		return nil, errors.Join(unwritable(path, err), f.Close())
	}
	return f, nil
}

// due tells whether a line of a day begins the next file, when the file has some bytes
// that its own are too many for. A clock that is a little behind another line's, at
// midnight, begins none; one that was set back by days does, once.
func (l *Log) due(size, more, day int64) bool {
	return size > 0 && (size+more > l.opt.FileBytes || day > l.day || day < l.day-1)
}

// rotate begins the next file. The one before is on the disk then.
func (l *Log) rotate(day int64) error {
	if err := l.file.Sync(); err != nil {
		return err
	}
	f, err := l.openFile(l.begun.number+1, os.O_EXCL)
	if err != nil {
		return err
	}
	if err := disk.SyncDir(l.dir); err != nil {
		return errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	old := l.file
	l.file, l.begun, l.day, l.dirty = f, segment{number: l.begun.number + 1}, day, false
	return old.Close()
}

// write adds text to the file, or leaves the file as it was.
func (l *Log) write(text []byte) error {
	if l.dirty {
		if err := l.file.Truncate(l.begun.size); err != nil {
			return err
		}
		l.dirty = false
	}
	n, err := l.file.Write(text)
	if err != nil && n > 0 {
		e := l.file.Truncate(l.begun.size)
		l.dirty = e != nil
		return errors.Join(err, e)
	}
	if err != nil {
		return err
	}
	l.begun.size += int64(n)
	return nil
}

// Chain returns the name of the chain.
func (l *Log) Chain() string { return l.chain }

// Dir returns the directory of the log.
func (l *Log) Dir() string { return l.dir }

// Stats are what a log did since it was opened.
type Stats struct {
	// Lines were written.
	Lines int64
	// Refused could not be: their requests have no answer.
	Refused int64
	// Behind were written and are not on the disk yet; more than those of a few seconds say
	// that the device is slow.
	Behind int64
	// SyslogLost were written to the file and did not reach the syslog, SyslogWaiting have
	// not reached it yet.
	SyslogLost, SyslogWaiting int64
}

// Stats returns what the log did so far.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Stats{Lines: l.lines, Refused: l.refused.Load(), Behind: l.end.n - l.synced.n}
	if l.opt.Syslog != nil {
		s.SyslogLost, s.SyslogWaiting = l.opt.Syslog.Lost(), l.opt.Syslog.waiting()
	}
	return s
}

// dayOf numbers the day (UTC) of a line's time. Days before 1970 are no line's.
func dayOf(t time.Time) int64 { return t.Unix() / (24 * 60 * 60) }

// tail is the end of a file.
type tail struct {
	last []byte // the last whole line without its end; nil when there is none
	size int64  // up to the end of that line
	torn int64  // bytes behind it
}

func tailOfFile(path string) (tail, error) {
	f, err := os.Open(path)
	if err != nil {
		return tail{}, unreadable(path, err)
	}
	t, err := tailOf(f)
	if err != nil {
		err = inFile(err, path)
	}
	return t, errors.Join(err, f.Close())
}

// tailOf finds the last line of f. A file that does not end as a log is AUDIT_SYNTAX.
func tailOf(f *os.File) (tail, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return tail{}, unreadable(f.Name(), err)
	}
	// Two lines: the last whole one and one that was begun.
	from := max(0, size-2*MaxLineBytes)
	text := make([]byte, size-from)
	if _, err := f.ReadAt(text, from); err != nil {
		return tail{}, unreadable(f.Name(), err)
	}
	end := bytes.LastIndexByte(text, '\n') + 1
	t := tail{size: size - int64(len(text)-end), torn: int64(len(text) - end)}
	if t.torn > MaxLineBytes || end == 0 && (from > 0 || t.torn > 0 && text[0] != '{') {
		return tail{}, notOurs(f.Name())
	}
	if end == 0 {
		return t, nil
	}
	begin := bytes.LastIndexByte(text[:end-1], '\n') + 1
	t.last = text[begin : end-1]
	if _, err := parseLine(t.last); err != nil || begin == 0 && from > 0 {
		return tail{}, notOurs(f.Name())
	}
	return t, nil
}
