package exchange

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

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

// quarantine puts a copy of the package into quarantine, and returns its name there and
// its SHA-256.
func (r *Reception) quarantine() (name, digest string, err error) {
	dir := r.o.quarantineDir()
	fail := func(err error) (string, string, error) {
		return "", "", problem.New("QUARANTINE", "隔离目录写不了（%v）", "the package cannot be put into quarantine (%v)", err).In(dir).Because(err).
			Advise("请手工隔离这个包", "put it aside by hand")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fail(err)
	}
	name = r.o.Now.UTC().Format("20060102T150405.000000000") + "-" + endOf(filepath.Base(r.path))
	if digest, err = copyFile(r.path, filepath.Join(dir, name)); err != nil {
		return fail(err)
	}
	return name, digest, nil
}

// maxNameBytes is how much of a file's name is kept in quarantine: with the time before it
// no file system refuses it.
const maxNameBytes = 200

// endOf is the end of a name, where that is too long, with whole characters.
func endOf(name string) string {
	return strings.ToValidUTF8(name[max(len(name)-maxNameBytes, 0):], "")
}

// copyFile puts a copy of a file in place whole and returns the SHA-256 of what it wrote:
// what waits for release, and evidence, is ours, and is not altered with the file on the
// medium. File systems that can share the bytes until one is written do so.
func copyFile(from, to string) (digest string, err error) {
	in, err := os.Open(from)
	if err != nil {
		return "", err
	}
	if err := errors.Join(copyWhole(to, in), in.Close()); err != nil {
		return "", err
	}
	return fileDigest(to)
}

// fileDigest is the SHA-256 of a file.
func fileDigest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(h, f)
	return fmt.Sprintf("%x", h.Sum(nil)), errors.Join(err, f.Close())
}
