package policy

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gengtu/index/disk"
	"gengtu/index/edition"
	"gengtu/index/problem"
)

// Event is what a line of the register says.
type Event string

// The events. A publication is entered before it is put in force: there is none in
// force that the register does not know. Failed says of the line before that it was not.
const (
	Published Event = "published"
	Failed    Event = "failed"
)

// Entry is one line of the register of publications, which lies in the higher
// edition's directory as JSON lines. Each holds the hash of the one before, so that
// [ReadRegister] finds one that was changed, put in, moved or taken out of the middle;
// against a cut at the end keep the hash that publish prints, for [Holds].
type Entry struct {
	Event Event `json:"event"`
	// Time is when the line was written, in UTC.
	Time time.Time `json:"time"`
	// Program is the version that derived, KeyID names the key of ids without telling it.
	Program string `json:"program"`
	KeyID   string `json:"key_id"`
	// By is who ran publish: an account of the operating system, or the holder of a token.
	By string `json:"by,omitempty"`
	// Approver is who approved, by the name given to publish, and Document the number
	// of the document that the policy names.
	Approver string `json:"approver,omitempty"`
	Document string `json:"document,omitempty"`
	// Made and MadeHash are the generation that was made and the hash of its content.
	Made     string `json:"to_generation"`
	MadeHash string `json:"to_content_hash"`
	*Register
	// Torn counts the bytes of an unfinished line, left by a crash, that was cut off
	// before this one.
	Torn int `json:"torn,omitempty"`
	// Prev is the SHA-256 of the line before, without its end; "" in the first.
	Prev string `json:"prev"`
}

// KeyID names a publisher's key: 16 hex digits that do not tell it.
func KeyID(key []byte) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("register"))
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Approve returns a problem, POLICY_APPROVER, unless the policy lets that person
// approve what the tier shows; "" is nobody.
func (p *Policy) Approve(tier edition.Tier, approver string) error {
	by := p.Tiers[tier].ApprovedBy
	switch {
	case len(by) == 0 || slices.Contains(by, approver):
		return nil
	case approver == "":
		return problem.New("POLICY_APPROVER", "策略要求有人批准", "the policy asks for someone's approval").
			Advise("加 --approver，可批准的有：%s", "give --approver; who may approve: %s", strings.Join(by, " "))
	}
	return problem.New("POLICY_APPROVER", "%.80q 不在策略的批准人之列", "%.80q is none of those who may approve", approver).
		Advise("可批准的有：%s", "who may approve: %s", strings.Join(by, " "))
}

// Bounds of what is read of a register: some 100,000 publications.
const maxRegister = 512 << 20

// Enter appends an entry to the register in the directory of a higher edition, brings
// it to disk and returns the hash of its line. It fills in Prev and Torn. A register
// that has been tampered with is not written to: REGISTER_BROKEN. Safe for several
// processes at once.
func Enter(dir string, e *Entry) (hash string, err error) {
	path := filepath.Join(dir, edition.Register)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", unwritten(path, err)
	}
	defer func() {
		if cerr := f.Close(); err == nil && cerr != nil {
			err = unwritten(path, cerr)
		}
	}()
	if err := disk.Lock(f); err != nil {
		return "", unwritten(path, err)
	}
	data, err := readAll(path, f)
	if err != nil {
		return "", err
	}
	_, whole, prev, err := chain(path, data)
	if err != nil {
		return "", err
	}
	e.Torn, e.Prev = len(data)-whole, prev
	line, err := json.Marshal(e)
	if err != nil {
		return "", err
	}
	if err := f.Truncate(int64(whole)); err != nil {
		return "", unwritten(path, err)
	}
	if _, err := f.WriteAt(append(line, '\n'), int64(whole)); err != nil {
		return "", unwritten(path, errors.Join(err, f.Truncate(int64(whole))))
	}
	if err := f.Sync(); err != nil {
		return "", unwritten(path, err)
	}
	return lineHash(line), nil
}

// ReadRegister returns the entries of the register in a directory, the oldest first,
// and the hash of the last line; none when there is no register. A line that does not
// follow the one before is a problem REGISTER_BROKEN.
func ReadRegister(dir string) (entries []Entry, hash string, err error) {
	path := filepath.Join(dir, edition.Register)
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", unread(path, err)
	}
	data, err := readAll(path, f)
	if cerr := f.Close(); err == nil && cerr != nil {
		err = unread(path, cerr)
	}
	if err != nil {
		return nil, "", err
	}
	entries, _, hash, err = chain(path, data)
	return entries, hash, err
}

// Kept returns a problem, REGISTER_MISSING, where a directory has a publisher's key but no
// entry in its register: the key is made by the first publication, so that there was a
// register, unless that one failed before anything was put in force.
func Kept(dir string, entries []Entry) error {
	if len(entries) > 0 {
		return nil
	}
	switch _, err := os.Stat(filepath.Join(dir, edition.PublisherKey)); {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return unread(filepath.Join(dir, edition.PublisherKey), err)
	}
	return problem.New("REGISTER_MISSING", "有标识密钥 %[1]s，即发布过，登记簿里却没有一行：登记簿丢失，或唯一一次发布没有完成", "the key of ids, %[1]s, shows that something was published, but the register has no line: it was lost, or the only publication failed", edition.PublisherKey).
		In(filepath.Join(dir, edition.Register)).Advise("查明原因；从备份找回登记簿。再次发布会另起一本", "find out why; take the register from a backup. The next publication begins another")
}

// Holds returns a problem, REGISTER_CUT, unless the register in a directory has a line
// with that hash, which was kept elsewhere: lines after it may have been added since, but
// where it is missing the end was cut off, or the whole was written anew. hash is 64
// hexadecimal digits, REGISTER_KEPT otherwise. Other problems are those of [ReadRegister].
func Holds(dir, hash string) error {
	want := strings.ToLower(strings.TrimSpace(hash))
	if sum, err := hex.DecodeString(want); err != nil || len(sum) != sha256.Size {
		return problem.New("REGISTER_KEPT", "%.80q 不是登记行的散列", "%.80q is no hash of a line", hash).
			Advise("给出 publish 或 policy register 打印的 64 位十六进制数", "give the 64 hexadecimal digits that publish or policy register printed")
	}
	entries, last, err := ReadRegister(dir)
	if err != nil {
		return err
	}
	// Each line holds the hash of the one before.
	if last == want || slices.ContainsFunc(entries, func(e Entry) bool { return e.Prev == want }) {
		return nil
	}
	return problem.New("REGISTER_CUT", "登记簿的 %[1]d 行里没有另存的那一行：末尾被截，或整本被换", "none of the register's %[1]d lines is the one that was kept: its end was cut off, or all of it replaced", len(entries)).
		In(filepath.Join(dir, edition.Register)).Advise("查明原因；从备份找回登记簿", "find out why; take the register from a backup")
}

func readAll(path string, r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxRegister+1))
	if err != nil {
		return nil, unread(path, err)
	}
	if len(data) > maxRegister {
		return nil, problem.New("REGISTER_LARGE", "登记簿超过 %d 字节", "the register has more than %d bytes", maxRegister).In(path).
			Advise("归档后移走，发布会另起一本", "archive it and take it away: publish begins another")
	}
	return data, nil
}

// chain reads the whole lines of a register, and returns the bytes that they have and
// the hash of the last.
func chain(path string, data []byte) (entries []Entry, whole int, prev string, err error) {
	for n := int64(1); ; n++ {
		line, _, ended := bytes.Cut(data[whole:], []byte{'\n'})
		if !ended {
			return entries, whole, prev, nil // what is unfinished is no entry
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil || e.Register == nil {
			return nil, 0, "", broken(path, n, "不是登记行", "it is no line of a register")
		}
		if e.Prev != prev {
			return nil, 0, "", broken(path, n, "与上一行对不上：有行被改、删、插或换了位置", "it does not follow the one before: a line was changed, taken out, put in or moved")
		}
		entries, whole, prev = append(entries, e), whole+len(line)+1, lineHash(line)
	}
}

func lineHash(line []byte) string {
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}

func broken(path string, line int64, zh, en string) error {
	return problem.New("REGISTER_BROKEN", "发布登记簿的这一行，%[1]s", "line of the register of publications: %[2]s", zh, en).In(path).At(line, "").
		Advise("查明原因；把它移到别处留证，发布会另起一本", "find out why; keep it elsewhere as evidence, and publish begins another")
}

func unread(path string, err error) error {
	return problem.New("REGISTER_UNREADABLE", "发布登记簿读不出来（%v）", "the register of publications cannot be read (%v)", err).In(path).Because(err).
		Advise("核对文件的权限和磁盘", "check the file's mode and the disk")
}

func unwritten(path string, err error) error {
	return problem.New("REGISTER_UNWRITABLE", "发布登记簿写不进去，因此不发布（%v）", "the register of publications cannot be written to, so nothing is published (%v)", err).In(path).Because(err).
		Advise("核对上级版本目录的权限和磁盘空间，再发布一次", "check the mode of the higher edition's directory and the space on the disk, and publish again")
}
