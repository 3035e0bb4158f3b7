// Package backup writes files into one archive and takes them out again: a tar file whose
// last entries are an index with the SHA-256 of each file, and the index's own.
//
// The archive is written and read from front to end, so it may go through a pipe. What is
// taken out is exactly what was put in, or an error: names lead to no other place, each
// file is there once, and nothing may be missing, more or different. The package knows
// files and names; which of them make a whole is the caller's to say.
package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"io/fs"
	"strings"
	"time"

	"gengtu/index/problem"
)

// Format is the version of the archive's form that is written and read.
const Format = 1

// The names of the last two entries.
const (
	indexName = "backup.json"
	sumName   = "backup.sha256"
)

// Bounds of what is read.
const (
	maxEntries    = 1 << 20
	maxIndexBytes = 1 << 29
	maxNameBytes  = 1 << 10
)

// Index says what an archive holds.
type Index struct {
	Product string    `json:"product"`
	Format  int       `json:"format"`
	Program string    `json:"program"`
	Made    time.Time `json:"made"`
	// Origins says, by the first element of names, where the files were.
	Origins map[string]string `json:"origins"`
	Entries []Entry           `json:"entries"`
	// Digest is the SHA-256 of the index as it is written, in hex; it is not in it.
	Digest string `json:"-"`
}

// Entry is one file.
type Entry struct {
	// Name is its path, with slashes.
	Name   string      `json:"name"`
	Bytes  int64       `json:"bytes"`
	SHA256 string      `json:"sha256"` // in hex
	Mode   fs.FileMode `json:"mode"`   // permission bits
	// Same names the entry before it that is the same file.
	Same string `json:"same,omitempty"`
}

// Bytes is the sum of the entries' sizes, of those that are the same file once.
func (x *Index) Bytes() int64 {
	var n int64
	for _, e := range x.Entries {
		if e.Same == "" {
			n += e.Bytes
		}
	}
	return n
}

// Writer writes an archive. Not for concurrent use.
type Writer struct {
	tar   *tar.Writer
	index Index
	at    map[string]int // place of an entry by its name
}

// NewWriter begins an archive on w, which stays the caller's to close.
func NewWriter(w io.Writer, program string, made time.Time) *Writer {
	return &Writer{
		tar:   tar.NewWriter(w),
		index: Index{Product: "gengtu", Format: Format, Program: program, Made: made.UTC(), Origins: map[string]string{}},
		at:    map[string]int{},
	}
}

// Origin notes where the files were whose names begin with that element.
func (w *Writer) Origin(first, path string) { w.index.Origins[first] = path }

// Put adds the first bytes of from as a file, and returns the entry. The problem of a
// file that ends before has the code BACKUP_CHANGED; ctx's error is returned when it ends.
func (w *Writer) Put(ctx context.Context, e Entry, from io.Reader) (Entry, error) {
	if err := w.may(e.Name); err != nil {
		return e, err
	}
	head := tar.Header{Typeflag: tar.TypeReg, Name: e.Name, Size: e.Bytes, Mode: int64(e.Mode.Perm()), ModTime: w.index.Made.Truncate(time.Second)}
	if err := w.tar.WriteHeader(&head); err != nil {
		return e, err
	}
	h := sha256.New()
	n, err := copyBytes(ctx, io.MultiWriter(w.tar, h), io.LimitReader(from, e.Bytes))
	if err != nil {
		return e, err
	}
	if n < e.Bytes {
		return e, problem.New("BACKUP_CHANGED", "备份时文件变短了：%d 字节中只有 %d", "the file became shorter while it was copied: %[2]d of %[1]d bytes", e.Bytes, n).In(e.Name).
			Advise("请重做备份", "make the backup again")
	}
	e.SHA256 = sumOf(h)
	w.add(e)
	return e, nil
}

// Link adds a file that is, under another name, that of an entry before. It returns the
// entry.
func (w *Writer) Link(name, same string) (Entry, error) {
	if err := w.may(name); err != nil {
		return Entry{}, err
	}
	i, ok := w.at[same]
	if !ok {
		return Entry{}, problem.New("BACKUP_NAME", "没有 %q 这一项", "there is no entry %q", same).In(name)
	}
	e := w.index.Entries[i]
	e.Name, e.Same = name, same
	head := tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: same, Mode: int64(e.Mode), ModTime: w.index.Made.Truncate(time.Second)}
	if err := w.tar.WriteHeader(&head); err != nil {
		return Entry{}, err
	}
	w.add(e)
	return e, nil
}

func (w *Writer) add(e Entry) {
	w.at[e.Name] = len(w.index.Entries)
	w.index.Entries = append(w.index.Entries, e)
}

// may refuses a name that would not be taken out again.
func (w *Writer) may(name string) error {
	if _, twice := w.at[name]; twice || len(w.at) >= maxEntries {
		return problem.New("BACKUP_NAME", "%q 出现两次，或文件超过 %d 个", "%q stands twice, or there are more than %d files", name, maxEntries)
	}
	return goodName(name)
}

// Close writes the index and returns it. Nothing can be added after it.
func (w *Writer) Close() (*Index, error) {
	data, err := json.MarshalIndent(&w.index, "", " ")
	if err != nil {
		return nil, err
	}
	data = append(data, '\n')
	w.index.Digest = digest(data)
	return &w.index, errors.Join(w.last(indexName, data), w.last(sumName, []byte(w.index.Digest+"  "+indexName+"\n")), w.tar.Close())
}

func (w *Writer) last(name string, data []byte) error {
	head := tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(data)), Mode: 0o600, ModTime: w.index.Made.Truncate(time.Second)}
	if err := w.tar.WriteHeader(&head); err != nil {
		return err
	}
	_, err := w.tar.Write(data)
	return err
}

// digest is that of an index, as sha256sum would print it.
func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// goodName refuses a name that is no plain path downwards, on any system.
func goodName(name string) error {
	if fs.ValidPath(name) && name != "." && len(name) <= maxNameBytes && !strings.ContainsAny(name, "\\:\x00") && name != indexName && name != sumName {
		return nil
	}
	return problem.New("BACKUP_NAME", "备份里不能有 %.80q 这样的名字", "a backup holds no name like %.80q", name)
}

// copyBytes is [io.Copy] that ends with ctx.
func copyBytes(ctx context.Context, to io.Writer, from io.Reader) (int64, error) {
	return io.Copy(to, readerUntil{ctx, from})
}

// readerUntil reads until ctx ends.
type readerUntil struct {
	ctx  context.Context //nolint:containedctx // of one copy
	from io.Reader
}

func (r readerUntil) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(b)
}

// sumOf returns the digest in hex of what h was given.
func sumOf(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }
