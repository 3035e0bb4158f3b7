package edition

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"

	"gengtu/index/disk"
	"gengtu/index/problem"
)

// blockBytes is what one checksum of [Manifest.Blocks] is taken over.
const blockBytes = 1 << 20

// castagnoli is the polynomial that processors have an instruction for.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sealed is what is known of a file of a draft once it is on disk.
type sealed struct {
	sum, blocks string
	err         error
}

// Finish sees a file of the draft on disk and takes its checksums, beside other
// work: Commit waits for it. The file must not be written to any more.
func (d *Draft) Finish(name string) {
	if before := d.finished[name]; before != nil {
		<-before // of a file that this one stands for now
	}
	done := make(chan sealed, 1)
	d.finished[name] = done
	path := d.File(name)
	go func() { done <- sealFile(path) }()
}

// rest waits for what Finish began.
func (d *Draft) rest() {
	for name, done := range d.finished {
		<-done
		delete(d.finished, name)
	}
}

// seal sees the draft's files on disk, writes the manifest with their checksums,
// and sees that on disk too before anything names it.
func (d *Draft) seal(m *Manifest) error {
	m.Files, m.Blocks, m.Format = map[string]string{}, map[string]string{}, formatWhole
	var names []string
	for _, name := range fileNames {
		_, err := os.Lstat(d.File(name))
		if errors.Is(err, os.ErrNotExist) && name != FeaturesFile && name != TilesFile {
			continue
		}
		names = append(names, name)
		if d.finished[name] == nil {
			d.Finish(name)
		}
		if patched(name) {
			m.Format = Format
		}
	}
	var errs []error
	for _, name := range names {
		s := <-d.finished[name]
		delete(d.finished, name)
		m.Files[name], m.Blocks[name] = s.sum, s.blocks
		errs = append(errs, s.err)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := m.write(d.tmp); err != nil {
		return err
	}
	return disk.SyncDir(d.tmp)
}

// patched tells whether name is that of a patch.
func patched(name string) bool { return patchOf[name] == "" }

// sealFile sees a file on disk and takes its checksums.
func sealFile(path string) sealed {
	synced := make(chan error, 1)
	go func() { synced <- disk.SyncFile(path) }()
	sum, blocks, err := checksums(path)
	return sealed{sum, blocks, errors.Join(err, <-synced)}
}

// CheckFiles compares the checksums of a generation's files with its manifest,
// of several files at once.
func CheckFiles(dir string, m *Manifest) error { return m.checkBut(Path(dir, m.Generation), nil) }

// checkBut is CheckFiles but for the files of which is said that they need not be
// compared.
func (m *Manifest) checkBut(gdir string, same map[string]bool) error {
	if err := m.listed(gdir); err != nil {
		return err
	}
	errs := make([]error, len(fileNames))
	var wait sync.WaitGroup
	for i, name := range fileNames {
		if _, ok := m.Files[name]; ok && !same[name] {
			wait.Go(func() { errs[i] = m.checkFile(gdir, name) })
		}
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err // one is enough to be told of
		}
	}
	return nil
}

// listed tells whether the manifest lists what it has to, and the directory holds no
// patch that it does not list: that would be read all the same.
func (m *Manifest) listed(gdir string) error {
	for _, name := range fileNames {
		_, ok := m.Files[name]
		switch {
		case ok:
		case name == FeaturesFile || name == TilesFile:
			return differs(filepath.Join(gdir, name), "-", "")
		case patched(name):
			if err := stray(filepath.Join(gdir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// stray refuses a patch that no manifest lists.
func stray(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return problem.New("CHECKSUM", "清单里没有这个文件", "the manifest does not list this file").In(path).
		Advise("不是本代的文件：请移走，或从备份恢复这一代", "it is none of the generation's: take it away, or restore the generation from a backup")
}

// CheckFile compares the SHA-256 of a file of the generation in gdir, and of its patch,
// with the manifest. A file that the manifest does not list, as in a draft, is not
// compared. Problems are those of [CheckFile].
func (m *Manifest) CheckFile(gdir, name string) error {
	if _, ok := m.Files[name]; !ok {
		return nil
	}
	if err := CheckFile(filepath.Join(gdir, name), m.Files[name]); err != nil {
		return err
	}
	path := filepath.Join(gdir, patchOf[name])
	want, ok := m.Files[patchOf[name]]
	if !ok {
		return stray(path)
	}
	return CheckFile(path, want)
}

// checkFile compares both kinds of checksum of a file of the generation in gdir.
func (m *Manifest) checkFile(gdir, name string) error {
	path := filepath.Join(gdir, name)
	sum, blocks, err := checksums(path)
	if err == nil && sum != m.Files[name] {
		err = differs(path, sum, m.Files[name])
	}
	if want, ok := m.Blocks[name]; err == nil && ok && blocks != want {
		err = blocksDiffer(path, blocks, want)
	}
	return err
}

// CheckFile compares the SHA-256 of the file at path, in hex, with want. The
// problem of a file that differs has the code CHECKSUM, that of one that is not
// there EDITION_INCOMPLETE.
func CheckFile(path, want string) error {
	sum, _, err := checksums(path)
	if err == nil && sum != want {
		err = differs(path, sum, want)
	}
	return err
}

// blocksDiffer names the first block that is another.
func blocksDiffer(path, blocks, want string) error {
	at := 0
	for at < min(len(blocks), len(want)) && blocks[at] == want[at] {
		at++
	}
	return differs(path, fmt.Sprintf("%.8s (MiB %d)", blocks[at&^7:], at/8), fmt.Sprintf("%.8s", want[at&^7:]))
}

func differs(path, sum, want string) error {
	return problem.New("CHECKSUM", "文件的校验和是 %s，清单里是 %s", "the file has the checksum %s, the manifest says %s", sum, want).In(path).
		Advise("文件已损坏：请从备份恢复，或用 gengtu rollback 回到上一代", "the file is damaged: restore it from a backup, or go back with gengtu rollback")
}

// CopyFile copies the file name of the generation that m describes from its
// directory gdir to a path that must not exist, and compares what it copies with
// the checksums of m's blocks, or with that of the file where m has none. Problems
// are those of [CheckFile]; ctx's error is returned when it ends. After an error
// the copy is worth nothing.
func CopyFile(ctx context.Context, gdir string, m *Manifest, name, to string) error {
	path := filepath.Join(gdir, name)
	want, known := m.Blocks[name]
	if !known {
		if err := CheckFile(path, m.Files[name]); err != nil {
			return err
		}
	}
	in, err := openFile(path)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return errors.Join(err, in.Close())
	}
	blocks, err := eachPart(in, func(b []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		_, err := out.Write(b)
		return err
	})
	if err == nil && known && blocks != want {
		err = blocksDiffer(path, blocks, want)
	}
	return errors.Join(wrap(path, err), in.Close(), out.Close())
}

func openFile(path string) (*os.File, error) {
	f, err := os.Open(path)
	switch {
	case os.IsNotExist(err):
		return nil, problem.New("EDITION_INCOMPLETE", "缺少文件", "the file is missing").In(path).Because(err)
	case err != nil:
		return nil, problem.New("EDITION_UNREADABLE", "文件读不出来（%v）", "the file cannot be read (%v)", err).In(path).Because(err)
	}
	return f, nil
}

// partBytes is what is read at a time: little enough that it is still in the
// processor's cache when it is hashed and written.
const partBytes = 128 << 10

// eachPart reads in part by part, gives each to visit, which must not keep it, and
// returns the checksums of the blocks.
func eachPart(in io.Reader, visit func(b []byte) error) (string, error) {
	var sums []byte
	part := make([]byte, partBytes)
	sum, size := uint32(0), 0 // of the block so far
	for {
		n, err := io.ReadFull(in, part)
		if n > 0 {
			if err := visit(part[:n]); err != nil {
				return "", err
			}
			sum, size = crc32.Update(sum, castagnoli, part[:n]), size+n
		}
		over := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if size == blockBytes || over && size > 0 {
			sums = fmt.Appendf(sums, "%08x", sum)
			sum, size = 0, 0
		}
		switch {
		case over:
			return string(sums), nil
		case err != nil:
			return "", err
		}
	}
}

// checksums returns the SHA-256 of a file in hex, and the checksums of its blocks.
func checksums(path string) (sum, blocks string, err error) {
	f, err := openFile(path)
	if err != nil {
		return "", "", err
	}
	h := sha256.New()
	blocks, err = eachPart(f, func(b []byte) error {
		h.Write(b)
		return nil
	})
	if err = errors.Join(err, f.Close()); err != nil {
		return "", "", wrap(path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), blocks, nil
}
