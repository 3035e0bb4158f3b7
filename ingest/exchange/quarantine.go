package exchange

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"gengtu/index/problem"
)

// The limits of a quarantine: with one package more at most, it has no more files and
// bytes. What is in it is evidence, so nothing goes by itself: nothing is taken in any
// more until a person has been there.
const (
	MaxQuarantined = 1000
	// DefaultQuarantineBytes is 100 GiB.
	DefaultQuarantineBytes = 100 << 30
)

// QuarantineDir returns where packages go that an edition refused: beside it, so that
// what may be above its level never lies among its files.
func QuarantineDir(dir string) string {
	return strings.TrimRight(filepath.Clean(dir), string(filepath.Separator)) + ".quarantine"
}

// quarantineDir is the quarantine of a reception.
func (o *ReceiveOptions) quarantineDir() string {
	if o.Quarantine != "" {
		return o.Quarantine
	}
	return QuarantineDir(o.Edition)
}

// QuarantineRoom sees that there is room in a quarantine for what may be refused; most is
// in bytes, 0 stands for [DefaultQuarantineBytes]. None is a problem QUARANTINE_FULL.
func QuarantineRoom(dir string, most int64) error {
	if most == 0 {
		most = DefaultQuarantineBytes
	}
	all, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return problem.New("QUARANTINE", "隔离目录读不出来（%v）", "the quarantine cannot be read (%v)", err).In(dir).Because(err)
	}
	var bytes int64
	for _, e := range all {
		if info, err := e.Info(); err == nil { // else somebody has just taken it away
			bytes += info.Size()
		}
	}
	if len(all) < MaxQuarantined && bytes < most {
		return nil
	}
	return problem.New("QUARANTINE_FULL", "隔离目录已有 %[1]d 件、%[2]d 字节（上限 %[3]d 件、%[4]d 字节），什么也不再收", "the quarantine has %[1]d files of %[2]d bytes (the limits are %[3]d and %[4]d): nothing more is taken in", len(all), bytes, MaxQuarantined, most).In(dir).
		Advise("由人查看后移到别处留证；原因在 exchange/log.jsonl 和回执里", "have a person look at them and keep them elsewhere; exchange/log.jsonl and the receipts say why they are there")
}

// quarantine puts a copy of the package, or the very file where that can be linked, into
// quarantine, and returns its name there.
func (r *Reception) quarantine() (string, error) {
	dir := r.o.quarantineDir()
	fail := func(err error) (string, error) {
		return "", problem.New("QUARANTINE", "隔离目录写不了（%v）", "the package cannot be put into quarantine (%v)", err).In(dir).Because(err).
			Advise("请手工隔离这个包", "put it aside by hand")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fail(err)
	}
	name := r.o.Now.UTC().Format("20060102T150405.000000000") + "-" + endOf(filepath.Base(r.path))
	if err := linkOrCopy(r.path, filepath.Join(dir, name)); err != nil {
		return fail(err)
	}
	return name, nil
}

// maxNameBytes is how much of a file's name is kept in quarantine: with the time before it
// no file system refuses it.
const maxNameBytes = 200

// endOf is the end of a name, where that is too long, with whole characters.
func endOf(name string) string {
	return strings.ToValidUTF8(name[max(len(name)-maxNameBytes, 0):], "")
}

// ours tells whether nobody else may write to a file: what waits for release, and
// evidence, is not to be altered by who brought it.
func ours(st os.FileInfo) bool {
	const othersWrite = 0o022
	of, known := st.Sys().(*syscall.Stat_t)
	return known && int(of.Uid) == os.Geteuid() && st.Mode().IsRegular() && st.Mode().Perm()&othersWrite == 0
}

// linkOrCopy gives the file at from a second name where it is ours alone and that can be,
// or copies it.
func linkOrCopy(from, to string) error {
	if os.Link(from, to) == nil {
		// It is looked at where it lies now: in its old place it may be another one.
		if st, err := os.Lstat(to); err == nil && ours(st) {
			return nil
		}
		if err := os.Remove(to); err != nil {
			return err
		}
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return errors.Join(err, in.Close())
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, in.Close(), out.Sync(), out.Close())
}
