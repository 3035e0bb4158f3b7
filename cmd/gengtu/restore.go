package main

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"gengtu/index/backup"
	"gengtu/index/disk"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest/policy"
	"gengtu/tileserver/access"
	"gengtu/tileserver/audit"
)

func runRestore(e *env, fs *flags) error {
	out := fs.String("out", "", "恢复到的目录，须不存在或为空|directory to restore into, which is empty or not there")
	check := fs.String("check", "", "只检查这份备份|a backup that is checked and not taken out")
	args, err := fs.parse(0, 1)
	if err != nil {
		return err
	}
	if *check != "" {
		if *out != "" || len(args) > 0 {
			return usage("ARGUMENTS", "--check 只检查，不能同时给 --out 或备份文件", "--check takes nothing out: no --out and no other file beside it")
		}
		return e.checkBackup(*check)
	}
	if err := need("out", *out); err != nil {
		return err
	}
	if len(args) == 0 {
		return usage("ARGUMENTS", "没有给出备份文件", "no backup is given")
	}
	return e.restore(args[0], *out)
}

// checkBackup reads a backup to its end.
func (e *env) checkBackup(file string) error {
	in, err := openBackup(file)
	if err != nil {
		return err
	}
	x, err := backup.Read(e.ctx, in)
	if err = errors.Join(err, in.Close()); err != nil {
		return inBackup(file, err)
	}
	return e.giveBackup(e.stdout, file, x)
}

// restore takes a backup out beside the directory and moves it there when all of it is
// right.
func (e *env) restore(file, out string) error {
	if err := emptyPlace(out); err != nil {
		return err
	}
	in, err := openBackup(file)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // was only read
	out = filepath.Clean(out)
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return unwritable(out, err)
	}
	if err := roomFor(in, out); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(out), "."+filepath.Base(out)+"-*") // mode 0700
	if err != nil {
		return unwritable(out, err)
	}
	defer func() { _ = os.RemoveAll(tmp) }() // gone already when all went well
	x, err := backup.Restore(e.ctx, in, tmp)
	var written *fs.PathError
	switch {
	case problem.Of(err) == nil && errors.As(err, &written) && written.Path != file:
		return unwritable(out, written.Err) // a file in tmp, which is gone by now
	case err != nil:
		return inBackup(file, err)
	}
	if err := e.judgeRestored(tmp, x); err != nil {
		return err
	}
	// An empty directory gives way to the one that is moved there.
	if err := os.Remove(out); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unwritable(out, err)
	}
	if err := errors.Join(disk.Replace(tmp, out), disk.SyncDir(filepath.Dir(out))); err != nil {
		return unwritable(out, err)
	}
	if err := e.giveBackup(e.stdout, out, x); err != nil {
		return err
	}
	return e.tellLog(out)
}

// roomFor refuses to begin where the disc of out has no room for what a backup holds, which
// is as much as its file. A system that does not tell what is free is no hindrance: writing
// tells.
func roomFor(in *os.File, out string) error {
	info, err := in.Stat()
	if err != nil {
		return err
	}
	free, err := disk.Free(filepath.Dir(out))
	if err != nil || free >= info.Size() {
		return nil //nolint:nilerr // see above
	}
	return problem.New("OUT_ROOM", "备份有 %[1]d 字节，磁盘上只剩 %[2]d 字节", "the backup has %[1]d bytes, %[2]d are free on the disc", info.Size(), free).In(out).
		Advise("腾出空间，或恢复到另一块磁盘", "make room, or restore onto another disc")
}

// emptyPlace refuses a directory with something in it.
func emptyPlace(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return unwritable(dir, err)
	case len(entries) > 0:
		return problem.New("OUT_NOT_EMPTY", "目录里已有东西（%s）", "the directory holds something already (%s)", entries[0].Name()).In(dir).
			Advise("恢复到一个空目录，核对后再换上", "restore into an empty one, and put it in place when you have looked at it")
	}
	return nil
}

func openBackup(file string) (*os.File, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, unreadableFile(file, err)
	}
	return f, nil
}

// inBackup says in which file a problem of reading is.
func inBackup(file string, err error) error {
	if p := problem.Of(err); p != nil && p.File == "" {
		return p.In(file)
	}
	return err
}

// judgeRestored holds what was taken out against what it says of itself. A chain of
// register or audit log that does not hold was so when the backup was made: that is told,
// and no reason to serve nothing.
func (e *env) judgeRestored(dir string, x *backup.Index) error {
	sums, parts := map[string]string{}, map[string]bool{}
	for _, entry := range x.Entries {
		sums[entry.Name] = entry.SHA256
		part, _, _ := strings.Cut(entry.Name, "/")
		parts[part] = true
	}
	for part := range parts { // and not what the index says there is
		at := filepath.Join(dir, part)
		switch {
		case part == backupAccess:
			if _, err := access.Load(at); err != nil {
				return err
			}
		case part == backupAudit:
			_, err := audit.Verify(at, nil)
			if err := e.tellBroken(err); err != nil {
				return err
			}
		case part != backupAlso:
			if err := judgeEdition(at, part, sums); err != nil {
				return err
			}
			_, _, err := policy.ReadRegister(at)
			if err := e.tellBroken(err); err != nil {
				return err
			}
		}
	}
	return nil
}

// judgeEdition looks at an edition that was taken out, whose files have those checksums.
func judgeEdition(dir, part string, sums map[string]string) error {
	_, current, err := edition.Current(dir)
	if err != nil {
		return err
	}
	if string(current.Tier) != part {
		return problem.New("TIER_CHANGED", "备份里的 %s 是 %s 版", "what the backup calls %s is a %s edition", part, current.Tier).In(dir)
	}
	kept, err := edition.History(dir)
	if err != nil {
		return err
	}
	own := map[string]string{}
	for name, sum := range sums {
		if rest, ok := strings.CutPrefix(name, part+"/"); ok {
			own[path.Clean(rest)] = sum
		}
	}
	return compareSums(dir, kept, own)
}

// tellBroken warns of a problem; another error stays one.
func (e *env) tellBroken(err error) error {
	if p := problem.Of(err); p != nil {
		e.warn(p)
		return nil
	}
	return err
}

// tellLog says where a server looks for the audit log, when that is not where it is now.
func (e *env) tellLog(out string) error {
	file := filepath.Join(out, backupAccess)
	f, err := access.Load(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if want := f.AuditDir(file); want != filepath.Join(out, backupAudit) {
		e.notef(e.pick("访问文件里审计日志的目录是 %s：把 %s 移到那里再启动服务\n", "the access file names %s as the directory of the audit log: move %s there before a server starts\n"), want, filepath.Join(out, backupAudit))
	}
	return nil
}
