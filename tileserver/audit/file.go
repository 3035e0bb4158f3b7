package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"gengtu/index/disk"
	"gengtu/index/problem"
)

// A log's directory holds, of each chain, CHAIN.000001.jsonl and so on, CHAIN.head.json
// and CHAIN.lock.
var (
	fileForm = regexp.MustCompile(`^([a-z][a-z0-9-]{0,30})\.(\d{6,9})\.jsonl$`)
	headForm = regexp.MustCompile(`^([a-z][a-z0-9-]{0,30})\.head\.json$`)
)

func headName(chain string) string { return chain + ".head.json" }

func fileName(chain string, number int) string { return fmt.Sprintf("%s.%06d.jsonl", chain, number) }

// list returns the chains in dir, sorted, each with the numbers of its files in
// ascending order. A chain of which there is but a head has none.
func list(dir string) (map[string][]int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, unreadable(dir, err)
	}
	out := map[string][]int{}
	for _, e := range entries {
		if m := headForm.FindStringSubmatch(e.Name()); m != nil && out[m[1]] == nil {
			out[m[1]] = []int{}
		}
		m := fileForm.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		n, err := strconv.Atoi(m[2])
		if err != nil || fileName(m[1], n) != e.Name() {
			continue // two names of one number: only one is ours
		}
		out[m[1]] = append(out[m[1]], n)
	}
	for _, numbers := range out {
		slices.Sort(numbers)
	}
	return out, nil
}

// Files lists the files of the log in dir, in the order in which a copy of a log that is
// written to must take them: heads before the lines that they tell of, and acts last, for
// they tell of the other chains. A line that has no end yet belongs to no copy. A chain
// that has just begun is waited for until it has a head.
func Files(dir string) ([]string, error) {
	deadline := time.NewTimer(headPatience)
	defer deadline.Stop()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		out, complete, err := files(dir)
		if err != nil || complete {
			return out, err
		}
		select {
		case <-deadline.C:
			return out, nil // a program was killed before it wrote one, as [Verify] tells
		case <-again.C:
		}
	}
}

// headPatience is how long the head of a chain is waited for, which is written within a
// second of its first line.
const headPatience = 5 * time.Second

// files are those of [Files], and whether each chain has its head.
func files(dir string) (out []string, complete bool, err error) {
	chains, err := list(dir)
	if err != nil {
		return nil, false, err
	}
	names := slices.Sorted(maps.Keys(chains))
	if i := slices.Index(names, ActsChain); i >= 0 {
		names = append(slices.Delete(names, i, i+1), ActsChain)
	}
	complete = true
	for _, chain := range names {
		_, err := os.Stat(filepath.Join(dir, headName(chain)))
		switch {
		case err == nil:
			out = append(out, headName(chain))
		case !errors.Is(err, fs.ErrNotExist):
			return nil, false, unreadable(dir, err)
		default:
			complete = false
		}
	}
	for _, chain := range names {
		for _, n := range chains[chain] {
			out = append(out, fileName(chain, n))
		}
	}
	return out, complete, nil
}

// Holds tells whether dir is a log.
func Holds(dir string) bool {
	chains, err := list(dir)
	return err == nil && len(chains) > 0
}

func filesOf(dir, chain string) ([]int, error) {
	all, err := list(dir)
	return all[chain], err
}

// modeIn is the mode of the files in dir: its owner's, and its group's where the group
// may use the directory, so that three administrators can share a log.
func modeIn(dir string) (os.FileMode, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return 0, unreadable(dir, err)
	}
	return 0o600 | info.Mode().Perm()&0o060, nil
}

// ownMode gives f the mode whatever the process's mask is; who does not own the file
// leaves it as it is.
func ownMode(f *os.File, mode os.FileMode) error {
	info, err := f.Stat()
	if err != nil || info.Mode().Perm() == mode || info.Size() > 0 {
		return err
	}
	return f.Chmod(mode)
}

// lockPatience is how long a command waits for another's line.
const lockPatience = 5 * time.Second

// lockChain takes the writer's lock of a chain, and returns what gives it back.
func lockChain(dir, chain string) (func() error, error) {
	path := filepath.Join(dir, chain+".lock")
	mode, err := modeIn(dir)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, mode)
	if err != nil {
		return nil, unwritable(path, err)
	}
	if err := ownMode(f, mode); err != nil {
		return nil, errors.Join(unwritable(path, err), f.Close())
	}
	got, err := disk.TryLock(f)
	if err != nil {
		return nil, errors.Join(unwritable(path, err), f.Close())
	}
	if !got {
		return nil, errors.Join(errLocked.In(path), f.Close())
	}
	return f.Close, nil
}

// errLocked is that a chain has a writer.
var errLocked = problem.New("AUDIT_LOCKED", "另一程序正在写该审计日志", "another program is writing this audit log").
	Advise("稍后再试，或另给一个目录", "try again, or name another directory")

// waitForLock calls open until the chain has no other writer, for [lockPatience].
func waitForLock(open func() (*Log, error)) (*Log, error) {
	deadline := time.NewTimer(lockPatience)
	defer deadline.Stop()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		l, err := open()
		if !errors.Is(err, errLocked) {
			return l, err
		}
		select {
		case <-again.C:
		case <-deadline.C:
			return nil, err
		}
	}
}

// head is the content of a head file: how far a chain went when it was last synced.
type head struct {
	N    int64     `json:"n"`
	Hash string    `json:"hash"`
	Time time.Time `json:"time"`
}

// maxHeadBytes bounds what is read of a head file.
const maxHeadBytes = 4096

// readHead returns the head of a chain, or nil when there is none.
func readHead(dir, chain string) (*head, error) {
	path := filepath.Join(dir, headName(chain))
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // no head is no error
	}
	if err != nil {
		return nil, unreadable(path, err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxHeadBytes))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, unreadable(path, err)
	}
	h := new(head)
	if err := json.Unmarshal(data, h); err != nil || h.N < 1 || parseHash(h.Hash) == nil {
		return nil, problem.New("AUDIT_HEAD", "不是审计日志的末端文件", "this is not the head of an audit log").In(path).
			Advise("它被改过；请查明原因", "it was changed: find out why").Because(err)
	}
	return h, nil
}

// writeHead replaces the head of a chain in one step.
func writeHead(dir, chain string, end position, now time.Time) error {
	mode, err := modeIn(dir)
	if err != nil {
		return err
	}
	data, err := json.Marshal(head{end.n, hexOf(end.hash), now.UTC()})
	if err != nil {
		return err
	}
	path := filepath.Join(dir, headName(chain))
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	err = ownMode(f, mode)
	if err == nil {
		_, err = f.Write(append(data, '\n'))
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return disk.Replace(f.Name(), path)
}

// cutOff is that the end of a chain is gone.
func cutOff(chain string, want, found int64) *problem.Problem {
	return problem.New("AUDIT_CUT", "审计日志 %[1]s 的末尾被截断或改写：应有第 %[2]d 行，现止于第 %[3]d 行",
		"the end of the audit log %[1]s was cut off or written anew: there was a line %[2]d, it now ends with line %[3]d", chain, want, found).
		Advise("先查明原因；把整个目录移开留作证据，再用新目录继续", "find out why; move the directory away as evidence, and go on in a new one")
}

func notOurs(path string) error {
	return problem.New("AUDIT_SYNTAX", "文件末尾不是审计日志", "the file does not end as an audit log").
		Advise("请换一个目录，或先用 gengtu audit verify 检查", "choose another directory, or look with gengtu audit verify").In(path)
}

// inFile names the file in a problem.
func inFile(err error, path string) error {
	if p := problem.Of(err); p != nil {
		return p.In(path)
	}
	return unreadable(path, err)
}

func unreadable(path string, err error) error {
	return problem.New("AUDIT_READ", "无法读取：%v", "cannot be read: %v", cause(err)).Because(err).In(path).
		Advise("请检查路径和读权限；日志目录写在服务启动时的“审计日志”一行，也可用 gengtu access check FILE 查", "see to the path and to permissions; where the log is, the server says at its start, and gengtu access check FILE")
}

func unwritable(path string, err error) *problem.Problem {
	return problem.New("AUDIT_WRITE", "无法写入：%v", "cannot be written: %v", cause(err)).Because(err).In(path).
		Advise("请检查目录是否存在、权限与磁盘空间", "see whether the directory is there, to permissions and to disk space")
}

// cause returns err without the path that the problem names already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
