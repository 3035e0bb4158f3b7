package audit

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gengtu/index/problem"
)

// Summary is what a chain holds. Kept elsewhere, N and Hash show later whether the
// chain's end was cut off or the whole written anew: it must still have a line of that
// number and that hash.
type Summary struct {
	Chain string `json:"chain"`
	Files int    `json:"files"`
	// FirstN and N are the numbers of the first and last line that are there; 0 when
	// there is none.
	FirstN int64     `json:"first_n"`
	N      int64     `json:"n"`
	First  time.Time `json:"first,omitzero"`
	Last   time.Time `json:"last,omitzero"`
	// Hash is the SHA-256 of the last line in hexadecimal; zeros when there is none.
	Hash string `json:"hash"`
	// Lost is how many records could not be written, as later lines tell.
	Lost int64 `json:"lost"`
	// Bytes is the size of the files.
	Bytes int64 `json:"bytes"`

	latest time.Time // of all lines: a clock may have been set back
}

// Verify reads the log in dir, which may be open for writing, and checks each chain of
// it: that every line is one of ours and holds the hash of the line before, over all
// files, that no file is missing but those whose removal an act tells, that no chain is
// missing that an act began, and that no chain ends before its head file or before
// what was kept of it. The error is a problem in the file and at the line in it:
// AUDIT_BROKEN at the first line that does not follow from the one before it, so that
// either of the two was changed or lines between them are gone; AUDIT_SYNTAX at a line
// that is none of ours; AUDIT_TORN when the last line has no end and nobody is writing
// it; AUDIT_MISSING for a file or a chain; AUDIT_HEAD_MISSING for a head file;
// AUDIT_CUT for the end. With it come the
// summaries of what was read before.
func Verify(dir string, kept []Summary) ([]Summary, error) {
	chains, err := list(dir)
	if err != nil {
		return nil, err
	}
	if len(chains) == 0 {
		return nil, problem.New("AUDIT_EMPTY", "目录里没有审计日志", "there is no audit log in the directory").In(dir).
			Advise("给出访问文件旁的 ACCESSFILE.audit 目录，或用 --access 给出访问文件", "name the directory ACCESSFILE.audit beside the access file, or the access file by --access")
	}
	for _, k := range kept {
		if _, there := chains[k.Chain]; !there && k.N > 0 {
			return nil, missingChain(dir, k.Chain)
		}
	}
	v := verifier{dir: dir, began: map[string]bool{}}
	names := slices.Sorted(maps.Keys(chains))
	// Acts tell what was removed of the others, and which there must be.
	if _, there := chains[ActsChain]; there {
		names = append([]string{ActsChain}, slices.DeleteFunc(names, func(n string) bool { return n == ActsChain })...)
	} else if slices.ContainsFunc(names, isServer) {
		return nil, missingChain(dir, ActsChain)
	}
	var all []Summary
	for _, name := range names {
		s, err := v.chain(name, kept)
		all = append(all, s)
		if err != nil {
			return all, err
		}
	}
	// A server may have begun since the directory was first looked at.
	if chains, err = list(dir); err != nil {
		return all, err
	}
	for _, name := range slices.Sorted(maps.Keys(v.began)) {
		if _, there := chains[name]; !there {
			return all, missingChain(dir, name)
		}
	}
	return all, nil
}

// evidence is what to do where a log was tampered with.
func evidence() (zh, en string) {
	return "先把整个目录原样留作证据，对照 syslog 收到的副本和备份查明何时由谁改动；服务改用新目录继续",
		"keep the whole directory as evidence, hold it against the copy that a syslog took and the backup to find who changed it and when; go on in a new one"
}

func missingChain(dir, chain string) error {
	return problem.New("AUDIT_MISSING", "审计日志 %s 的文件不见了", "the files of the audit log %s are gone", chain).In(dir).Advise(evidence())
}

// verifier checks the chains of one log.
type verifier struct {
	dir     string
	removed []Removed
	began   map[string]bool
}

// chain checks one chain.
func (v *verifier) chain(name string, kept []Summary) (Summary, error) {
	var zero [sha256.Size]byte
	w := &walk{Summary: Summary{Chain: name, Hash: hexOf(zero)}, due: map[int64]string{}, seen: v.note}
	// The head before the files: a chain that is being written only grows.
	head, err := readHead(v.dir, name)
	if err != nil {
		return w.Summary, err
	}
	numbers, err := filesOf(v.dir, name)
	if err != nil {
		return w.Summary, err
	}
	var want int64
	expect := func(n int64, hash string) {
		w.due[n] = hash
		want = max(want, n)
	}
	for _, r := range v.removed {
		if r.Chain == name {
			w.due[r.N] = r.Hash
		}
	}
	if head != nil {
		expect(head.N, head.Hash)
	}
	for _, k := range kept {
		if k.Chain == name && k.N > 0 {
			if h, twice := w.due[k.N]; twice && h != k.Hash {
				return w.Summary, cutOff(name, k.N, k.N).In(v.dir)
			}
			expect(k.N, k.Hash)
		}
	}
	for i, number := range numbers {
		path := filepath.Join(v.dir, fileName(name, number))
		if i > 0 && number != numbers[i-1]+1 {
			return w.Summary, missingFile(v.dir, name, numbers[i-1]+1)
		}
		if err := w.file(path, i == len(numbers)-1); err != nil {
			return w.Summary, err
		}
		w.Files++
	}
	if err := v.beginning(w, numbers); err != nil {
		return w.Summary, err
	}
	if head == nil && w.N > 0 {
		if err := v.noHead(w); err != nil {
			return w.Summary, err
		}
	}
	if want > w.N {
		return w.Summary, cutOff(name, want, w.N).In(v.dir)
	}
	return w.Summary, nil
}

// noHead tells that a chain with lines has no head file: it is written within a second of
// the first line, and at the end.
func (v *verifier) noHead(w *walk) error {
	if w.beingWritten(filepath.Join(v.dir, w.Chain)) {
		return nil // of a program in its first second
	}
	if head, err := readHead(v.dir, w.Chain); head != nil || err != nil {
		return err // written since
	}
	zh, en := evidence()
	return problem.New("AUDIT_HEAD_MISSING", "%[1]s 有 %[2]d 行，却没有末端文件 %[1]s.head.json：末尾是否被截，无从知道",
		"%[1]s has %[2]d lines and no head file %[1]s.head.json: nobody can tell whether its end was cut off", w.Chain, w.N-max(w.FirstN, 1)+1).In(v.dir).
		Advise("若程序在头一秒内被杀，再启动一次即补上；否则%[1]s", "where a program was killed within its first second, the next start writes it; else %[2]s", zh, en)
}

// note keeps what acts tell of the chains.
func (v *verifier) note(l *line) {
	if l.Removed != nil && l.Outcome == Begun {
		v.removed = append(v.removed, *l.Removed)
	}
	if l.Chain != "" {
		v.began[l.Chain] = true
	}
}

// beginning checks that a chain begins with its first line, or behind what an act
// removed.
func (v *verifier) beginning(w *walk, numbers []int) error {
	if len(numbers) == 0 {
		return nil // a head alone: the end is missed
	}
	first := numbers[0]
	if first == 1 && w.FirstN <= 1 {
		return nil // the first line was held against zeros
	}
	for _, r := range v.removed {
		// Removing may have been cut off before its last file.
		if r.Chain == w.Chain && (r.File > first-1 || r.File == first-1 && r.N == w.FirstN-1 && r.Hash == w.before) {
			return nil
		}
	}
	return missingFile(v.dir, w.Chain, first-1)
}

func missingFile(dir, chain string, number int) error {
	return problem.New("AUDIT_MISSING", "缺少文件 %[1]s，日志中没有它到期删除的记录",
		"the file %[1]s is missing, and no act tells that it was old enough and removed", fileName(chain, max(number, 1))).In(dir).Advise(evidence())
}

// VerifyFile checks the lines of one file of a log by themselves. Errors are those of
// [Verify] that concern lines.
func VerifyFile(path string) (Summary, error) {
	var zero [sha256.Size]byte
	w := &walk{Summary: Summary{Hash: hexOf(zero)}}
	if m := fileForm.FindStringSubmatch(filepath.Base(path)); m != nil {
		w.Chain = m[1]
	}
	err := w.file(path, true)
	w.Files = 1
	return w.Summary, err
}

// walk goes along the lines of a chain.
type walk struct {
	Summary
	before string           // the hash that the first line goes on from
	due    map[int64]string // hashes that lines must have, by their numbers
	seen   func(*line)      // nil, or is shown every line
	number int64            // of the line in its file
}

// file goes along one file; the last one of a chain may be growing.
func (w *walk) file(path string, last bool) error {
	f, err := os.Open(path)
	if err != nil {
		return unreadable(path, err)
	}
	w.number = 0
	err = w.lines(f)
	if last && errors.Is(err, errTorn) && w.beingWritten(path) {
		err = nil
	}
	if p := problem.Of(err); p != nil {
		err = p.In(path).At(w.number, "")
	} else if err != nil {
		err = unreadable(path, err)
	}
	return errors.Join(err, f.Close())
}

// beingWritten tells whether a program is writing the chain, whose last line may then
// be on its way.
func (w *walk) beingWritten(path string) bool {
	unlock, err := lockChain(filepath.Dir(path), w.Chain)
	if err != nil {
		return errors.Is(err, errLocked)
	}
	_ = unlock() // nothing was written
	return false
}

// errTorn is that a file does not end with a whole line.
var errTorn = problem.New("AUDIT_TORN", "末行不完整", "the last line is not whole").
	Advise("程序被中断时会这样；下次启动服务时自动截去并记下", "a program that was killed leaves it so; the next server cuts it off and tells so in its first line")

// lines goes along the lines of r.
func (w *walk) lines(r io.Reader) error {
	in := bufio.NewReaderSize(r, MaxLineBytes)
	for {
		text, err := in.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(text) == 0 {
			return nil
		}
		w.number++
		switch {
		case errors.Is(err, io.EOF):
			return errTorn
		case errors.Is(err, bufio.ErrBufferFull):
			return problem.New("AUDIT_SYNTAX", "行长超过 %d 字节", "the line is longer than %d bytes", MaxLineBytes).Advise(evidence())
		case err != nil:
			return err
		}
		if err := w.line(text[:len(text)-1]); err != nil {
			return err
		}
		w.Bytes += int64(len(text))
	}
}

// line checks that text follows from the line before.
func (w *walk) line(text []byte) error {
	l, err := parseLine(text)
	if err != nil {
		return problem.New("AUDIT_SYNTAX", "不是审计日志的一行：%v", "not a line of an audit log: %v", err).Because(err).Advise(evidence())
	}
	if w.N == 0 {
		w.FirstN, w.First, w.before = l.N, l.Time, l.Prev
		if l.N > 1 {
			w.N, w.Hash = l.N-1, l.Prev // goes on from a file that is not looked at
		}
	}
	if l.Prev != w.Hash || l.N != w.N+1 {
		return problem.New("AUDIT_BROKEN", "哈希链在此中断：本行（编号 %[1]d）与前一行不相连",
			"the chain breaks here: this line (number %[1]d) does not follow from the one before", l.N).Advise(evidence())
	}
	hash := hexOf(sha256.Sum256(text))
	if due, there := w.due[l.N]; there && due != hash {
		return problem.New("AUDIT_CUT", "本行（编号 %[1]d）不是原来的一行：日志从这里或更早被改写", "this is not the line (number %[1]d) that was there: the log was written anew from here or before", l.N).Advise(evidence())
	}
	w.N, w.Hash, w.Last = l.N, hash, l.Time
	w.Lost += l.Lost
	if l.Time.After(w.latest) {
		w.latest = l.Time
	}
	if w.seen != nil {
		w.seen(&l)
	}
	return nil
}
