package exchange

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"gengtu/index/edition"
	"gengtu/index/problem"
)

// entry is a line of the log.
type entry struct {
	At      string `json:"at"`
	Step    string `json:"step"`
	Package string `json:"package,omitempty"`
	File    string `json:"file,omitempty"`
	// Stream and Sequence are of a package that was sent, or taken in.
	Stream   string `json:"stream,omitempty"`
	Sequence int64  `json:"seq,omitempty"`
	// Outcome is done, refused or held; Code and Text say why it was refused.
	Outcome string `json:"outcome"`
	Code    string `json:"code,omitempty"`
	Text    string `json:"text,omitempty"`
	By      string `json:"by,omitempty"`
	// User is the account of the operating system.
	User string `json:"user"`
	// Torn counts the bytes of an unfinished line, left by a crash, that was cut off
	// before this one.
	Torn int `json:"torn,omitempty"`
	// Previous is the SHA-256 of the line before, with its line break; "" in the first.
	Previous string `json:"prev"`
}

// The steps that the sequences are held against.
const (
	stepSent  = "sent"
	stepApply = "apply"
)

// maxLogLine is how long a line of the log may be: texts in it are cut before.
const maxLogLine = 64 << 10

// log appends lines to the log and sees them on disk.
func (s *store) log(entries ...entry) error {
	f, err := os.OpenFile(filepath.Join(s.dir, logFile), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return s.unwritable(err)
	}
	last, torn, err := lastLine(f)
	for i := range entries {
		if err != nil {
			break
		}
		e := entries[i]
		e.User, e.Previous, e.Torn = account(), hashOfLine(last), torn
		torn = 0
		if last, err = json.Marshal(e); err == nil {
			last = append(last, '\n')
			_, err = f.Write(last)
		}
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return s.unwritable(err)
	}
	return nil
}

// hashOfLine is the hash of a line with its line break, "" of none.
func hashOfLine(line []byte) string {
	if line == nil {
		return ""
	}
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}

// lastLine returns the last line of a file with its line break, nil of an empty one, and
// cuts off what a crash has left of one behind it.
func lastLine(f *os.File) (line []byte, torn int, err error) {
	st, err := f.Stat()
	if err != nil || st.Size() == 0 {
		return nil, 0, err
	}
	n := min(st.Size(), 2*maxLogLine)
	tail := make([]byte, n)
	if _, err := f.ReadAt(tail, st.Size()-n); err != nil {
		return nil, 0, err
	}
	end := bytes.LastIndexByte(tail, '\n') + 1
	torn = len(tail) - end
	if torn > 0 {
		if torn >= maxLogLine {
			return nil, 0, errors.New("the last line of the log is too long")
		}
		if err := f.Truncate(st.Size() - int64(torn)); err != nil {
			return nil, 0, err
		}
	}
	if end == 0 {
		return nil, torn, nil
	}
	begin := bytes.LastIndexByte(tail[:end-1], '\n') + 1
	if begin == 0 && n < st.Size() {
		return nil, 0, errors.New("the last line of the log is too long")
	}
	return tail[begin:end], torn, nil
}

// LogSummary is what [VerifyLog] found of a log that is whole.
type LogSummary struct {
	Lines int64 `json:"lines"`
	// First and Last are the times of the first and last line, "" of an empty log.
	First string `json:"first"`
	Last  string `json:"last"`
	// Hash is that of the last line: kept elsewhere it finds, later, an end that was cut
	// off.
	Hash string `json:"hash"`
}

// VerifyLog goes through the log of what an edition sent and took in. A line that was
// changed, put in, moved or taken out is found by the one behind it; one at the end by
// kept, the hash of a last line that was written down before ("" for none), which must
// be among the lines. The sequences of what was sent and taken in are held against the
// log, too. What does not agree is a problem EXCHANGE_LOG with the line.
func VerifyLog(dir, kept string) (*LogSummary, error) {
	path := filepath.Join(dir, edition.ExchangeDir, logFile)
	sum, all, found := &LogSummary{}, noted{last: map[string]entry{}, packages: map[string]bool{}}, kept == ""
	err := eachLine(path, func(e *entry, hash string) {
		if sum.Lines++; sum.Lines == 1 {
			sum.First = e.At
		}
		sum.Last, sum.Hash, found = e.At, hash, found || hash == kept
		if e.Outcome == "done" && (e.Step == stepSent || e.Step == stepApply) {
			all.packages[e.Step+" "+e.Package] = true
			if e.Sequence > 0 {
				all.last[e.Step+" "+e.Stream] = *e
			}
		}
	})
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, problem.New("EXCHANGE_LOG", "日志的 %d 行里没有另存的那一行：末尾被截掉，或换成了另一本", "the line whose hash was kept is not among the %d of the log: its end was cut off, or it is another log", sum.Lines).In(path).
			Advise("查明原因；从备份恢复", "find out why, and restore it from a backup")
	}
	return sum, all.agree(dir)
}

// eachLine goes through the lines of a log, none where there is no file, and sees that
// each follows the one before.
func eachLine(path string, each func(e *entry, hash string)) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return problem.New("EXCHANGE_LOG", "收发日志读不出来（%v）", "the log of exchange cannot be read (%v)", err).In(path).Because(err)
	}
	defer func() { _ = f.Close() }() // only read
	r, before := bufio.NewReaderSize(f, maxLogLine), ""
	for n := int64(1); ; n++ {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nil
		}
		if err != nil {
			return brokenLog(path, n, "没写完或太长", "it is unfinished or too long")
		}
		e, good := parseEntry(line)
		if !good {
			return brokenLog(path, n, "不是日志行", "it is no line of a log")
		}
		if e.Previous != before {
			return brokenLog(path, n, "与上一行对不上：有行被改、删、插或换了位置", "it does not follow the one before: a line was changed, taken out, put in or moved")
		}
		before = hashOfLine(line)
		each(&e, before)
	}
}

// parseEntry reads a line of the log; only what we would write is one.
func parseEntry(line []byte) (entry, bool) {
	var e entry
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if d.Decode(&e) != nil {
		return e, false
	}
	again, err := json.Marshal(e)
	return e, err == nil && bytes.Equal(append(again, '\n'), line)
}

// noted is what a log has of packages that were sent and taken in: the last line of each
// sequence, and all of them.
type noted struct {
	last     map[string]entry
	packages map[string]bool
}

// agree holds the records of what was sent and taken in against the log.
func (n *noted) agree(dir string) error {
	s := &store{edition: dir, dir: filepath.Join(dir, edition.ExchangeDir)}
	sent, err := s.sent()
	if err != nil {
		return err
	}
	received := &received{}
	if err := s.read(receivedFile, received); err != nil {
		return err
	}
	for key, e := range n.last {
		has, at := sent[e.Stream].Sequence, sentFile
		if e.Step == stepApply {
			has, at = received.Streams[e.Stream].Sequence, receivedFile
		}
		if p := received.Pending; has < e.Sequence && (p == nil || key != stepApply+" "+p.Stream || p.Sequence < e.Sequence) {
			return problem.New("EXCHANGE_LOG", "%[1]s 写的是第 %[2]d 号，日志里已到第 %[3]d 号（%[4]q）：它被改回去了", "%[1]s says number %[2]d, the log has number %[3]d (%[4]q): it was set back", at, has, e.Sequence, e.Stream).In(filepath.Join(s.dir, at)).
				Advise("从备份恢复：序号改回去，就能重放已收过的包", "restore it from a backup: with a sequence set back packages can be replayed")
		}
	}
	for _, x := range sent {
		if err := n.has(s, stepSent, x.ID); err != nil {
			return err
		}
	}
	for _, x := range received.Streams {
		if err := n.has(s, stepApply, x.ID); err != nil {
			return err
		}
	}
	return nil
}

// has sees that the log has a line of a package that was sent or taken in.
func (n *noted) has(s *store, step, id string) error {
	if n.packages[step+" "+id] {
		return nil
	}
	return problem.New("EXCHANGE_LOG", "日志里没有包 %.80[1]q 的那一行（%[2]s）：末尾被截掉了", "the log has no line of the package %.80[1]q (%[2]s): its end was cut off", id, step).In(filepath.Join(s.dir, logFile)).
		Advise("查明原因；从备份恢复", "find out why, and restore it from a backup")
}

func brokenLog(path string, line int64, zh, en string) error {
	return problem.New("EXCHANGE_LOG", "收发日志的这一行，%[1]s", "line of the log of exchange: %[2]s", zh, en).In(path).At(line, "").
		Advise("查明原因；把日志移到别处留证", "find out why, and keep the log elsewhere as evidence")
}

// cutText shortens a text of a line.
func cutText(text string) string {
	const most = 2000
	if len(text) <= most {
		return text
	}
	return fmt.Sprintf("%s… (%d bytes)", bytes.ToValidUTF8([]byte(text[:most]), nil), len(text))
}
