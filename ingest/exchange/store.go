package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"

	"gengtu/index/disk"
	"gengtu/index/edition"
	"gengtu/index/problem"
)

// The files in an edition's [edition.ExchangeDir].
const (
	sentFile     = "sent.json"     // by receiver, what was sent last
	receivedFile = "received.json" // by sender and receiver, what was taken in last
	logFile      = "log.jsonl"     // each step, hash-chained
	storeLock    = ".lock"
	heldDir      = "held"     // packages that wait for a second person
	receiptsDir  = "receipts" // one of each package that was taken in or refused
)

// maxStateBytes is how long a file of state may be.
const maxStateBytes = 16 << 20

// Sent is the last package that was sent to a receiver.
type Sent struct {
	Sequence   int64  `json:"seq"`
	ID         string `json:"id"`
	Generation string `json:"generation"`
	At         string `json:"at"`
}

// Received is the last package that was taken in from a sender.
type Received struct {
	Sequence   int64  `json:"seq"`
	ID         string `json:"id"`
	Generation string `json:"generation"`
	At         string `json:"at"`
}

// received is the file of that name.
type received struct {
	// Streams are by sender, as the trust file names him, and receiver.
	Streams map[string]Received `json:"streams"`
	// Pending is what is being put in force: if the program is stopped between that and
	// the note of it, the generation tells which of the two it was.
	Pending *pending `json:"pending,omitempty"`
	// TwoPersons asks that a second person releases each package.
	TwoPersons bool `json:"two_persons,omitempty"`
}

type pending struct {
	Stream string `json:"stream"`
	Received
}

// stream is the key of a sequence.
func stream(sender, receiver string) string { return sender + " > " + receiver }

// store is the exchange directory of an edition, locked.
type store struct {
	edition, dir string
	lock         *os.File
	// fresh tells that the directory of the edition was not there before.
	fresh bool
}

// openStore makes the exchange directory of an edition, if it is not there, and locks
// it. Problems: EXCHANGE_DIR, EXCHANGE_BUSY.
func openStore(dir string) (*store, error) {
	s := &store{edition: dir, dir: filepath.Join(dir, edition.ExchangeDir)}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		s.fresh = true
	}
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.MkdirAll(s.dir, 0o700)); err != nil {
		return nil, s.unwritable(err)
	}
	f, err := os.OpenFile(filepath.Join(s.dir, storeLock), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, s.unwritable(err)
	}
	got, err := disk.TryLock(f)
	if err != nil {
		return nil, errors.Join(s.unwritable(err), f.Close())
	}
	if !got {
		return nil, errors.Join(problem.New("EXCHANGE_BUSY", "另一个 gengtu 正在为这个版本收发包", "another gengtu is sending or receiving for this edition").In(dir).
			Advise("等它结束再试", "try again when it is done"), f.Close())
	}
	s.lock = f
	if err := s.sweep(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// sweep removes what an earlier run that was stopped left behind: half a file of state,
// a package in the clear.
func (s *store) sweep() error {
	for _, pattern := range []string{plainFiles, newFiles} {
		left, err := matching(s.dir, pattern)
		if err != nil {
			return s.unwritable(err)
		}
		for _, path := range left {
			if err := os.Remove(path); err != nil {
				return s.unwritable(err)
			}
		}
	}
	return nil
}

// matching lists the files in a directory whose names fit a pattern, none where there is
// no such directory. The directory's own name is no pattern.
func matching(dir, pattern string) ([]string, error) {
	names, err := fs.Glob(os.DirFS(dir), pattern)
	for i := range names {
		names[i] = filepath.Join(dir, names[i])
	}
	return names, err
}

// The patterns of files that are made for a while.
const (
	plainFiles = ".plain-*"
	newFiles   = ".new-*"
)

func (s *store) unwritable(err error) error {
	return problem.New("EXCHANGE_DIR", "收发记录写不了（%v）", "the records of exchange cannot be written (%v)", err).In(s.dir).Because(err).
		Advise("核对权限和磁盘空间；没有记录就不收发", "look at permissions and the room on the disk: nothing is sent or taken in without records")
}

// discard removes the directories of an edition that was not there before and into which
// nothing was taken, as far as they are empty.
func (s *store) discard() {
	for _, path := range []string{filepath.Join(s.dir, storeLock), s.dir, s.edition} {
		_ = os.Remove(path) // of no use, and of no harm where it stays
	}
}

// close frees the lock.
func (s *store) close() {
	_ = s.lock.Close() // nothing was written to it
}

// read reads a file of state into v, which stays when there is none.
func (s *store) read(name string, v any) error {
	path := filepath.Join(s.dir, name)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && len(data) > maxStateBytes {
		err = fmt.Errorf("%d bytes", len(data))
	}
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return problem.New("EXCHANGE_STATE", "收发记录读不懂（%v）", "the records of exchange cannot be read (%v)", err).In(path).Because(err).
			Advise("请从备份恢复；没有它就不知道收到第几号", "restore it from a backup: without it the sequence is not known")
	}
	return nil
}

// write puts a file of state in place whole.
func (s *store) write(name string, v any) error {
	data, err := json.MarshalIndent(v, "", " ")
	if err == nil {
		err = writeWhole(filepath.Join(s.dir, name), append(data, '\n'))
	}
	if err != nil {
		return s.unwritable(err)
	}
	return nil
}

// writeWhole writes a file beside path, sees it on disk and puts it in place.
func writeWhole(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), newFiles)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = disk.Replace(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func (s *store) sent() (map[string]Sent, error) {
	m := map[string]Sent{}
	return m, s.read(sentFile, &m)
}

func (s *store) keepSent(m map[string]Sent) error { return s.write(sentFile, m) }

// received returns what was taken in, after it has settled what was pending.
func (s *store) received() (*received, error) {
	r := &received{Streams: map[string]Received{}}
	if err := s.read(receivedFile, r); err != nil {
		return nil, err
	}
	if r.Streams == nil {
		r.Streams = map[string]Received{}
	}
	if p := r.Pending; p != nil {
		if name, _, err := edition.Current(s.edition); err == nil && name == p.Generation {
			r.Streams[p.Stream] = p.Received
			err := errors.Join(s.log(entry{At: p.At, Step: stepApply, Package: p.ID, Stream: p.Stream, Sequence: p.Sequence, Outcome: "done", Text: "found in force after a stop"}), s.write(receivedFile, &received{Streams: r.Streams, TwoPersons: r.TwoPersons}))
			if err != nil {
				return nil, err
			}
		}
		r.Pending = nil
	}
	return r, nil
}

// account is who runs the program, as the operating system knows him.
func account() string {
	u, err := user.Current()
	if err != nil {
		return fmt.Sprintf("uid %d", os.Getuid())
	}
	return u.Username
}

// Account returns the name of the account that the program runs under: who brought a
// package in, where no other name is given.
func Account() string { return account() }

// isProblem tells whether err is told to a person as it is.
func isProblem(err error) bool { return problem.Of(err) != nil }

// newBytes returns a reader of data.
func newBytes(data []byte) *bytes.Reader { return bytes.NewReader(data) }
