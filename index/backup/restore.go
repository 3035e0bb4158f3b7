package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"gengtu/index/disk"
	"gengtu/index/problem"
)

// Read reads an archive to its end and compares each file with the index. Problems:
// BACKUP_BROKEN for what is no archive of ours, is damaged, or ends before its end;
// BACKUP_FORMAT for one of another format; BACKUP_NAME for a name that no backup holds.
func Read(ctx context.Context, r io.Reader) (*Index, error) {
	return read(ctx, r, func(Entry, io.Reader) error { return nil })
}

// Restore is [Read] that makes the files in dir, which is there and empty, with the
// folders that they are in, and sees them on disk. After an error what is in dir is worth
// nothing. Files are no more open to others than they were; folders are the owner's and
// his group's.
func Restore(ctx context.Context, r io.Reader, dir string) (*Index, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	x, err := read(ctx, r, func(e Entry, from io.Reader) error { return place(ctx, root, e, from) })
	if err = errors.Join(err, root.Close()); err != nil {
		return nil, err
	}
	return x, syncDirs(dir, x)
}

// place makes a file in root, out of which no name leads.
func place(ctx context.Context, root *os.Root, e Entry, from io.Reader) error {
	if err := root.MkdirAll(path.Dir(e.Name), 0o750); err != nil {
		return err
	}
	if e.Same != "" && root.Link(e.Same, e.Name) == nil {
		return nil
	}
	if e.Same != "" { // the file system knows no second names
		f, err := root.Open(e.Same)
		if err != nil {
			return err
		}
		return errors.Join(write(ctx, root, e, f), f.Close())
	}
	return write(ctx, root, e, from)
}

func write(ctx context.Context, root *os.Root, e Entry, from io.Reader) error {
	f, err := root.OpenFile(e.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = copyBytes(ctx, f, from)
	return errors.Join(err, f.Chmod(e.Mode.Perm()), f.Sync(), f.Close())
}

// syncDirs sees the folders of what was restored on disk.
func syncDirs(dir string, x *Index) error {
	seen := map[string]bool{".": true}
	errs := []error{disk.SyncDir(dir)}
	for _, e := range x.Entries {
		for d := path.Dir(e.Name); !seen[d]; d = path.Dir(d) {
			seen[d] = true
			errs = append(errs, disk.SyncDir(filepath.Join(dir, filepath.FromSlash(d))))
		}
	}
	return errors.Join(errs...)
}

// read gives each file to take, and compares the index with what it saw.
func read(ctx context.Context, r io.Reader, take func(Entry, io.Reader) error) (*Index, error) {
	in := tar.NewReader(readerUntil{ctx, r})
	var found []Entry
	at := map[string]int{}
	for {
		head, err := next(in)
		if err != nil {
			return nil, cut(ctx, err)
		}
		if head.Name == indexName {
			return readIndex(ctx, in, head, found)
		}
		e, err := entryOf(head, found, at)
		if err != nil {
			return nil, err
		}
		h := sha256.New()
		if err := take(e, io.TeeReader(in, h)); err != nil {
			return nil, cut(ctx, err)
		}
		if e.Same == "" {
			// What take leaves is read, too.
			if _, err := io.Copy(h, in); err != nil {
				return nil, cut(ctx, err)
			}
			e.SHA256 = sumOf(h)
		}
		at[e.Name] = len(found)
		found = append(found, e)
	}
}

// next goes to the next entry, and refuses one with holes (GNU's sparse files, which in PAX
// have the type of any other): of these, a few bytes of an archive would fill the disk.
func next(in *tar.Reader) (*tar.Header, error) {
	head, err := in.Next()
	if err != nil {
		return nil, err
	}
	for key := range head.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return nil, broken("%q 有空洞", "%q has holes", head.Name)
		}
	}
	return head, nil
}

// entryOf is what a header says of a file, as far as it may be taken.
func entryOf(head *tar.Header, found []Entry, at map[string]int) (Entry, error) {
	e := Entry{Name: head.Name, Bytes: head.Size, Mode: fs.FileMode(head.Mode).Perm()}
	if err := goodName(e.Name); err != nil {
		return e, err
	}
	if _, twice := at[e.Name]; twice || len(found) >= maxEntries {
		return e, broken("%q 出现两次，或文件太多", "%q stands twice, or there are too many files", e.Name)
	}
	switch head.Typeflag {
	case tar.TypeReg:
		return e, nil
	case tar.TypeLink:
		i, there := at[head.Linkname]
		if !there {
			return e, broken("%q 指向的文件不在前面", "the file that %q stands for is not before it", e.Name)
		}
		same := found[i]
		same.Name, same.Same = e.Name, head.Linkname
		return same, nil
	}
	return e, broken("%q 不是文件", "%q is no file", e.Name)
}

// readIndex reads the end of the archive and compares it with what was found.
func readIndex(ctx context.Context, in *tar.Reader, head *tar.Header, found []Entry) (*Index, error) {
	if head.Size > maxIndexBytes {
		return nil, broken("索引有 %d 字节", "the index has %d bytes", head.Size)
	}
	data, err := io.ReadAll(in)
	if err != nil {
		return nil, cut(ctx, err)
	}
	sum := digest(data)
	if head, err = next(in); err != nil {
		return nil, cut(ctx, err)
	}
	said, err := io.ReadAll(io.LimitReader(in, 2*sha256.Size+int64(len(indexName))+3))
	if err != nil {
		return nil, cut(ctx, err)
	}
	if head.Name != sumName || strings.TrimSpace(string(said)) != sum+"  "+indexName {
		return nil, broken("索引的校验和不符", "the index does not have its checksum")
	}
	if _, err := in.Next(); !errors.Is(err, io.EOF) {
		return nil, broken("索引后面还有东西", "something follows the index")
	}
	x := new(Index)
	if err := json.Unmarshal(data, x); err != nil || x.Product != "gengtu" {
		return nil, broken("索引读不懂（%v）", "the index is not understood (%v)", err)
	}
	if x.Format != Format {
		return nil, problem.New("BACKUP_FORMAT", "备份的格式是 %d，本程序读 %d", "the backup has format %d, this program reads %d", x.Format, Format).
			Advise("用做备份的程序版本来恢复：%s", "restore it with the version that made it: %s", x.Program)
	}
	x.Digest = sum
	if !slices.Equal(x.Entries, found) {
		return nil, broken("%s", "%s", differing(x.Entries, found))
	}
	return x, nil
}

// differing names the first file that is another.
func differing(want, found []Entry) string {
	for i, e := range found {
		if i >= len(want) || want[i] != e {
			return e.Name
		}
	}
	return want[len(found)].Name
}

// cut says of a read error what it means for an archive; what is no fault of it stays.
func cut(ctx context.Context, err error) error {
	if cerr := ctx.Err(); cerr != nil {
		return cerr
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, tar.ErrHeader) {
		return broken("%v", "%v", err)
	}
	return err
}

func broken(zh, en string, args ...any) *problem.Problem {
	return problem.New("BACKUP_BROKEN", "备份不完整或已损坏："+zh, "the backup is incomplete or damaged: "+en, args...).
		Advise("请用另一份备份", "take another backup")
}
