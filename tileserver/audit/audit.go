// Package audit keeps the record of who asked for what above public.
//
// A [Record] a request goes in; [Log] writes it as a line that later lines vouch for,
// and [Verify] finds a line that was changed, put in, moved or taken out. Addresses
// are masked on their way in, so that no token is ever in a log. The package knows no
// HTTP library. Where the system has no flock, two programs that write one file at
// once are not kept apart.
package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"gengtu/index/problem"
	"gengtu/tileserver/access"
)

// MaxLineBytes is the longest line of a log, its end included. The fields of a
// [Record] are cut so that they always fit.
const MaxLineBytes = 4096

// Record is one line of the audit log: who asked for what, and what was given.
type Record struct {
	// Time is when the request was answered; written in UTC.
	Time time.Time `json:"time"`
	// Request is the id that the answer carried.
	Request string `json:"request,omitempty"`
	Tier    string `json:"tier,omitempty"`
	// Token is the name of the token, never the token.
	Token string `json:"token,omitempty"`
	// Outcome is that of [access.Store.Check].
	Outcome string `json:"outcome,omitempty"`
	Method  string `json:"method,omitempty"`
	// Path is the address with its query; [Log.Append] masks it.
	Path       string `json:"path,omitempty"`
	Layer      string `json:"layer,omitempty"`
	Status     int    `json:"status,omitempty"`
	Bytes      int64  `json:"bytes"`
	Generation string `json:"generation,omitempty"`
}

// line is a record as it is written. Its fields come in the order of the
// struct, the chain last.
type line struct {
	Record
	// Lost counts the records before this one that could not be written.
	Lost int64 `json:"lost,omitempty"`
	// Torn counts the bytes of an unfinished line that was cut off before this
	// one, which a crash had left.
	Torn int64 `json:"torn,omitempty"`
	// Prev is the SHA-256 of the line before, without its end; zeros at the
	// beginning of a log.
	Prev string `json:"prev"`
}

// Policy says what becomes of a request whose line cannot be written.
type Policy uint8

const (
	// FailClosed refuses it: [Log.Append] returns the error, and the server
	// must not answer with data.
	FailClosed Policy = iota
	// FailOpen answers it: Append returns nil, and the next line that can be
	// written says how many are missing.
	FailOpen
)

// Log is an audit log: a file of JSON lines, each of which holds the hash of
// the one before, so that [Verify] finds a line that was changed, put in,
// moved or taken out. Its methods may be called by many goroutines at once.
//
// The chain has no key. Who may write the file can cut its end off, or write
// all of it anew; against that, keep what [Verify] returns elsewhere from
// time to time.
type Log struct {
	path   string
	policy Policy

	mu   sync.Mutex
	file logFile
	size int64 // of the file up to the end of the last whole line
	prev [sha256.Size]byte
	lost int64
	torn int64
	// dirty tells that part of a line is behind size and could not be cut off.
	dirty bool
}

// logFile is what a Log needs of an [os.File].
type logFile interface {
	io.Writer
	io.Closer
	Truncate(size int64) error
	Sync() error
}

// Open opens the log at path for appending, or makes it, readable by its
// owner alone. The last line of a log that is there must be one of ours; an
// unfinished line behind it is cut off, which the next line tells. No two Logs
// may have one file open at once, in this process or another. Every error is a
// [problem.Problem].
func Open(path string, policy Policy) (*Log, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, unwritable(path, err)
	}
	l := &Log{path: path, policy: policy, file: f}
	if err := l.resume(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return l, nil
}

// resume locks f and finds the end of its chain.
func (l *Log) resume(f *os.File) error {
	got, err := access.TryLock(f)
	if err != nil {
		return unwritable(l.path, err)
	}
	if !got {
		return problem.New("AUDIT_LOCKED", "另一程序正在写该审计日志", "another program is writing this audit log").In(l.path)
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return unreadable(l.path, err)
	}
	// Two lines: the last whole one and one that was begun.
	from := max(0, size-2*MaxLineBytes)
	tail := make([]byte, size-from)
	if _, err := f.ReadAt(tail, from); err != nil {
		return unreadable(l.path, err)
	}
	end := bytes.LastIndexByte(tail, '\n') + 1
	l.torn = int64(len(tail) - end)
	l.size = size - l.torn
	if l.torn > MaxLineBytes || end == 0 && from > 0 {
		return notOurs(l.path)
	}
	if end > 0 {
		begin := bytes.LastIndexByte(tail[:end-1], '\n') + 1
		last := tail[begin : end-1]
		if _, err := parseLine(last); err != nil || begin == 0 && from > 0 {
			return notOurs(l.path)
		}
		l.prev = sha256.Sum256(last)
	} else if l.torn > 0 && tail[0] != '{' {
		return notOurs(l.path)
	}
	if l.torn > 0 {
		if err := f.Truncate(l.size); err != nil {
			return unwritable(l.path, err)
		}
	}
	return nil
}

func notOurs(path string) error {
	return problem.New("AUDIT_SYNTAX", "文件末尾不是审计日志", "the file does not end as an audit log").
		Advise("请换一个文件，或先用 Verify 检查", "choose another file, or find out who wrote to it").In(path)
}

// Append writes r as one line, its path masked and its long fields cut, in one
// write. A line that cannot be written whole is taken back. By [FailClosed] the
// error is a problem AUDIT_WRITE; by [FailOpen] it is nil.
func (l *Log) Append(r Record) error {
	r.Path = access.Mask(r.Path)
	r.cut()
	l.mu.Lock()
	defer l.mu.Unlock()
	text, err := encodeLine(line{r, l.lost, l.torn, hex.EncodeToString(l.prev[:])})
	if err == nil {
		err = l.write(text)
	}
	if err != nil {
		l.lost++
		if l.policy == FailOpen {
			return nil
		}
		return problem.New("AUDIT_WRITE", "审计日志无法写入：%v", "the audit log cannot be written: %v", cause(err)).
			Advise("请检查磁盘空间与权限；在此之前不提供数据", "see to disk space and permissions; no data are served until then").
			Because(err).In(l.path)
	}
	l.prev = sha256.Sum256(text[:len(text)-1])
	l.lost, l.torn = 0, 0
	return nil
}

// write adds text to the file, or leaves the file as it was.
func (l *Log) write(text []byte) error {
	if l.dirty {
		if err := l.file.Truncate(l.size); err != nil {
			return err
		}
		l.dirty = false
	}
	n, err := l.file.Write(text)
	if err != nil && n > 0 {
		e := l.file.Truncate(l.size)
		l.dirty = e != nil
		return errors.Join(err, e)
	}
	if err != nil {
		return err
	}
	l.size += int64(n)
	return nil
}

// Lost returns how many records could not be written since the last one that
// could.
func (l *Log) Lost() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// Sync makes what was appended outlast a loss of power. Without it lines
// outlast the program's end only.
func (l *Log) Sync() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Sync()
}

// Close syncs and closes the log, which may not be used afterwards.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.file.Sync(), l.file.Close())
}

// encodeLine returns v as JSON with a newline.
func encodeLine(v line) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	if b.Len() > MaxLineBytes {
		return nil, fmt.Errorf("line of %d bytes, the limit is %d", b.Len(), MaxLineBytes)
	}
	return b.Bytes(), nil
}

// cut shortens the texts of r. The sizes add up to 2,900 bytes as JSON, which
// with names, numbers and the hash stay under [MaxLineBytes].
func (r *Record) cut() {
	r.Time = r.Time.UTC()
	for _, f := range []struct {
		text *string
		size int
	}{
		{&r.Request, 100}, {&r.Tier, 50}, {&r.Token, 400}, {&r.Outcome, 50}, {&r.Method, 50},
		{&r.Path, 1800}, {&r.Layer, 300}, {&r.Generation, 150},
	} {
		// What is not UTF-8 would not come back from JSON as it went in.
		*f.text = clip(strings.ToValidUTF8(*f.text, string(utf8.RuneError)), f.size)
	}
}

// clip returns s, which is UTF-8, cut so that its JSON form takes at most size
// bytes; what was cut off is shown by an ellipsis.
func clip(s string, size int) string {
	// As JSON a control character, U+2028 and U+2029 take six bytes, a quote
	// and a backslash two.
	const escaped, ellipsis = 6, "…"
	used, fits := 0, 0
	for i, r := range s {
		n := utf8.RuneLen(r)
		end := i + n
		switch {
		case r < ' ', r == '\u2028', r == '\u2029':
			n = escaped
		case r == '"', r == '\\':
			n = 2
		}
		used += n
		if used > size {
			return s[:fits] + ellipsis
		}
		if used+len(ellipsis) <= size {
			fits = end
		}
	}
	return s
}

func unreadable(path string, err error) error {
	return problem.New("AUDIT_READ", "无法读取：%v", "cannot be read: %v", cause(err)).Because(err).In(path)
}

func unwritable(path string, err error) error {
	return problem.New("AUDIT_WRITE", "无法写入：%v", "cannot be written: %v", cause(err)).Because(err).In(path)
}

// cause returns err without the path that the problem names already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
