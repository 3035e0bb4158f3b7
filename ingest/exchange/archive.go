package exchange

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"
	"time"

	"gengtu/index/problem"
)

// A package is a tar file of one form (USTAR, regular files, mode 0644, no owner, no
// times), so that there is no byte in it that could be another: what is not bound by
// the signature follows from what is.

// blockBytes is a block of a tar file.
const blockBytes = 512

// zeroBlock is what fills a block up and, twice, ends the file.
var zeroBlock [blockBytes]byte

// header returns the tar header of a file of a package.
func header(name string, size int64) ([]byte, error) {
	var b bytes.Buffer
	err := tar.NewWriter(&b).WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR,
	})
	if err != nil {
		return nil, fmt.Errorf("tar: %w", err)
	}
	return b.Bytes(), nil
}

// padding is how many bytes fill the last block of a file up.
func padding(size int64) int64 { return -size & (blockBytes - 1) }

// writeEntry writes a file of a package.
func writeEntry(w io.Writer, name string, size int64, content io.Reader) error {
	h, err := header(name, size)
	if err != nil {
		return err
	}
	if _, err := w.Write(h); err != nil {
		return err
	}
	n, err := io.Copy(w, content)
	if err == nil && n != size {
		err = fmt.Errorf("%s has %d bytes, not %d", name, n, size)
	}
	if err != nil {
		return err
	}
	_, err = w.Write(zeroBlock[:padding(size)])
	return err
}

// writeEnd ends a package.
func writeEnd(w io.Writer) error {
	_, err := w.Write(append(zeroBlock[:], zeroBlock[:]...))
	return err
}

// member is a file of a package: where its bytes are.
type member struct {
	name     string
	at, size int64
}

// scan looks at all headers of the package of size bytes at file: its counts and sizes
// are within the limits, its names lead nowhere else and its form is the one form.
// Nothing of what is in the files is read. The path is for messages.
func scan(path string, file io.ReaderAt, size int64) ([]member, error) {
	var all []member
	names := map[string]bool{}
	at := int64(0)
	for {
		var block [blockBytes]byte
		if n, err := file.ReadAt(block[:], at); n < blockBytes {
			if err != nil && !errors.Is(err, io.EOF) {
				return nil, err
			}
			return nil, form(path, at, "文件在这里断了", "the file ends here")
		}
		if block == zeroBlock {
			return all, scanEnd(path, file, at, size)
		}
		m, err := scanHeader(path, block[:], at)
		if err != nil {
			return nil, err
		}
		if names[m.name] {
			return nil, resend(refused(path, "PACKAGE_PATH", "文件名 %.100q 出现两次", "the name %.100q stands there twice", m.name))
		}
		names[m.name] = true
		m.at = at + blockBytes
		end := m.at + m.size + padding(m.size)
		if len(all) >= MaxParts+2 || m.size > size || end > size {
			return nil, resend(refused(path, "PACKAGE_LIMIT", "文件 %.100q 称有 %d 字节，整个包只有 %d；最多 %d 个文件", "the file %.100q says that it has %d bytes, the whole package has %d; there may be %d files", m.name, m.size, size, MaxParts+2))
		}
		if err := scanPadding(path, file, m.at+m.size, end); err != nil {
			return nil, err
		}
		all = append(all, m)
		at = end
	}
}

// scanEnd looks at the end of a package, which begins at at.
func scanEnd(path string, file io.ReaderAt, at, size int64) error {
	if size != at+2*blockBytes {
		return form(path, at, "结尾之后还有内容，或结尾不全", "there is something behind its end, or its end is not whole")
	}
	return scanPadding(path, file, at, size)
}

// scanPadding sees that the bytes from at to end, less than three blocks, are zero.
func scanPadding(path string, file io.ReaderAt, at, end int64) error {
	rest := make([]byte, end-at)
	if _, err := file.ReadAt(rest, at); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for _, b := range rest {
		if b != 0 {
			return form(path, at, "填充的字节不为零", "bytes that fill it up are not zero")
		}
	}
	return nil
}

// scanHeader reads a header, and refuses one that any other program would have
// written.
func scanHeader(path string, block []byte, at int64) (member, error) {
	h, err := tar.NewReader(bytes.NewReader(block)).Next()
	if err != nil {
		return member{}, form(path, at, "文件头读不懂", "the header of a file cannot be read").Because(err)
	}
	if p := unsafePath(path, h); p != nil {
		return member{}, p
	}
	want, err := header(h.Name, h.Size)
	if err != nil || !bytes.Equal(want, block) {
		return member{}, form(path, at, "文件 %.100q 的头不是规定的写法", "the header of %.100q is not of the one form", h.Name).Because(err)
	}
	return member{name: h.Name, size: h.Size}, nil
}

// memberName is what a file of a package may be called.
var memberName = regexp.MustCompile(`^[a-z0-9]+([/.][a-z0-9]+)*$`)

// unsafePath refuses what is no plain file of a plain name.
func unsafePath(at string, h *tar.Header) *problem.Problem {
	bad := func(zh, en string) *problem.Problem {
		return resend(refused(at, "PACKAGE_PATH", "%[2]s：%.100[1]q", "%[3]s: %.100[1]q", h.Name, zh, en))
	}
	switch name := h.Name; {
	case h.Typeflag != tar.TypeReg:
		return bad("不是普通文件（链接、目录等）", "no plain file (a link, a directory …)")
	case path.IsAbs(name) || strings.Contains(name, `\`) || len(name) > 1 && name[1] == ':':
		return bad("绝对路径", "an absolute path")
	case name == ".." || strings.HasPrefix(name, "../") || strings.Contains(name, "/.."):
		return bad("路径里有 ..", "a path with ..")
	case len(name) > 100 || !memberName.MatchString(name):
		return bad("文件名不合规", "a name that is not allowed")
	}
	return nil
}

// form is the problem of a package that is not of the one form.
func form(path string, at int64, zh, en string, args ...any) *problem.Problem {
	return resend(refused(path, "PACKAGE_FORM", "第 %[1]d 字节：%[2]s", "at byte %[1]d: %[3]s", at, fmt.Sprintf(zh, args...), fmt.Sprintf(en, args...)))
}
