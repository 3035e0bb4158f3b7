package source

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"gengtu/index/problem"
)

// What an archive of shapefiles may be at most. A shapefile's own limit is 4 GiB; text
// of a dbf, which is mostly blanks, is packed a hundredfold, and DEFLATE reaches a
// thousandfold on nothing but blanks.
const (
	zipMember    = 4 << 30 // bytes of one member
	zipDirectory = 16 << 20
	zipMembers   = 100_000
	zipRatio     = 200
	zipUnasked   = 64 << 20 // below, no ratio is asked
)

// zipped reads one shapefile of a .zip. Its parts are unpacked into a passing folder,
// because a shapefile is read in two places at once.
type zipped struct {
	*shapefile
	dir string
}

// zipShape is a shapefile in an archive.
type zipShape struct {
	name  string // of the table
	stem  string // the members' name without ending
	parts map[string]*zip.File
}

// zipReader bounds what is read of an archive before its members are.
type zipReader struct {
	file io.ReaderAt
	left int64
}

var errZipDirectory = errors.New("the archive's directory is too large")

// ReadAt implements io.ReaderAt.
func (r *zipReader) ReadAt(b []byte, at int64) (int, error) {
	if r.left -= int64(len(b)); r.left < 0 {
		return 0, errZipDirectory
	}
	return r.file.ReadAt(b, at)
}

// openArchive reads the directory of the archive in file, of size bytes.
func openArchive(file io.ReaderAt, size int64) (*zip.Reader, error) {
	in := &zipReader{file: file, left: zipDirectory}
	z, err := zip.NewReader(in, size)
	if err == nil && len(z.File) > zipMembers {
		err = errZipDirectory
	}
	if errors.Is(err, errZipDirectory) {
		return nil, problem.New("ZIP_DIRECTORY", "压缩包的目录太大（成员最多 %d 个）", "the archive's directory is too large (at most %d members)", zipMembers).
			Advise("请先解压，再给出其中的 .shp", "unpack it and name the .shp in it")
	}
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, problem.New("ZIP_DAMAGED", "压缩包无法读取：%v", "the archive cannot be read: %v", err).
			Advise("请重新取得该文件", "get the file again").Because(err)
	}
	in.left = 1 << 62
	return z, nil
}

// zipName returns a member's name. Without the mark of UTF-8 it is GBK, as programs in
// China write it.
func zipName(f *zip.File) string {
	if !f.NonUTF8 {
		return f.Name
	}
	name, _ := newDecoder(charsetGB18030).decode([]byte(f.Name))
	return name
}

// zipShapes lists the shapefiles of an archive in its order; aside are the names of
// archives in it, which are not opened.
func zipShapes(z *zip.Reader) (shapes []*zipShape, aside []string, err error) {
	byStem := map[string]*zipShape{}
	for _, f := range z.File {
		name := zipName(f)
		if p := badZipName(name, f); p != nil {
			return nil, nil, p
		}
		ending := strings.ToLower(path.Ext(name))
		if ending == ".zip" || ending == ".rar" || ending == ".7z" {
			aside = append(aside, name)
		}
		if !slices.Contains(ShapefileEndings(), ending) || strings.HasPrefix(name, "__MACOSX/") || strings.HasPrefix(path.Base(name), "._") {
			continue
		}
		stem := name[:len(name)-len(ending)]
		s := byStem[strings.ToLower(stem)]
		if s == nil {
			s = &zipShape{stem: stem, parts: map[string]*zip.File{}}
			byStem[strings.ToLower(stem)] = s
		}
		if s.parts[ending] != nil {
			return nil, nil, problem.New("ZIP_TWICE", "压缩包里有两个 %.200q", "the archive has two members %.200q", name).
				Advise("请去掉一个，重新压缩", "take one out and pack it again")
		}
		if s.parts[ending] = f; ending == ".shp" {
			shapes = append(shapes, s)
		}
	}
	names := map[string]int{}
	for _, s := range shapes {
		s.name = path.Base(s.stem)
		names[strings.ToLower(s.name)]++
	}
	for _, s := range shapes {
		if names[strings.ToLower(s.name)] > 1 {
			s.name = s.stem
		}
	}
	return shapes, aside, nil
}

// badZipName refuses members whose names lead out of a folder. Nothing is ever
// written under a member's name; but no honest program makes such an archive.
func badZipName(name string, f *zip.File) *problem.Problem {
	slashed := strings.ReplaceAll(name, `\`, "/")
	bad := strings.HasPrefix(slashed, "/") || strings.Contains(name, "\x00") || len(slashed) > 1 && slashed[1] == ':'
	for part := range strings.SplitSeq(slashed, "/") {
		bad = bad || part == ".."
	}
	if !bad && f.Mode()&os.ModeSymlink == 0 {
		return nil
	}
	return problem.New("ZIP_PATH", "压缩包成员 %.200q 指向包外或是链接，不读", "the archive's member %.200q leads out of it or is a link; it is not read", name).
		Advise("请核实来源，重新压缩后再交", "find out where it comes from, and have it packed again")
}

// zipTables lists the shapefiles of the archive at path.
func zipTables(path string) ([]TableInfo, error) {
	file, size, err := openSized(path)
	if err != nil {
		return nil, err
	}
	shapes, err := listZip(file, size)
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	var out []TableInfo
	for _, s := range shapes {
		out = append(out, TableInfo{Name: s.name})
	}
	return out, nil
}

// listZip lists the shapefiles of an archive that has some.
func listZip(file io.ReaderAt, size int64) ([]*zipShape, error) {
	z, err := openArchive(file, size)
	if err != nil {
		return nil, err
	}
	shapes, aside, err := zipShapes(z)
	if err != nil {
		return nil, err
	}
	if len(shapes) == 0 && len(aside) > 0 {
		return nil, problem.New("ZIP_NESTED", "压缩包里没有 shapefile，却有压缩包 %.200q；套在里面的不打开", "the archive holds no shapefile but the archive %.200q; archives inside are not opened", aside[0]).
			Advise("请先解压外层", "unpack the outer one first")
	}
	if len(shapes) == 0 {
		return nil, problem.New("ZIP_EMPTY", "压缩包里没有 shapefile", "the archive holds no shapefile").
			Advise("其他格式请先解压，再给出其中的数据文件", "unpack other formats and name the data file in it")
	}
	return shapes, nil
}

// openZip opens the shapefile opt.Table, or the only one, of the archive at path.
func openZip(ctx context.Context, path string, opt Options) (*zipped, error) {
	file, size, err := openSized(path)
	if err != nil {
		return nil, err
	}
	r, err := unpack(ctx, file, size, opt)
	if err := errors.Join(err, file.Close()); err != nil {
		if r != nil {
			err = errors.Join(err, r.Close())
		}
		return nil, err
	}
	return r, nil
}

// unpack is openZip on the open file.
func unpack(ctx context.Context, file io.ReaderAt, size int64, opt Options) (*zipped, error) {
	shapes, err := listZip(file, size)
	if err != nil {
		return nil, err
	}
	s, err := chooseZip(shapes, opt.Table)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "gengtu-zip-")
	if err != nil {
		return nil, err
	}
	r := &zipped{dir: dir}
	for _, ending := range ShapefileEndings() { // in order, so that it is always the same part that is told
		member := s.parts[ending]
		if member == nil {
			continue
		}
		if err := unpackMember(ctx, member, uint64(size), filepath.Join(dir, "table"+ending)); err != nil { //nolint:gosec // never negative
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
	}
	opt.Table = ""
	if r.shapefile, err = openShapefile(ctx, filepath.Join(dir, "table.shp"), opt); err != nil {
		if p := problem.Of(err); p != nil {
			q := *p
			q.File = "" // nobody knows the passing folder
			err = &q
		}
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	r.layer.Table = s.name
	return r, nil
}

// chooseZip returns the shapefile with that name, or the only one.
func chooseZip(shapes []*zipShape, table string) (*zipShape, error) {
	names := make([]string, len(shapes))
	for i, s := range shapes {
		if table != "" && strings.EqualFold(s.name, table) {
			return s, nil
		}
		names[i] = s.name
	}
	switch {
	case table != "":
		return nil, noTable(table, names)
	case len(shapes) > 1:
		return nil, problem.New("ZIP_MANY_LAYERS", "有 %d 个 shapefile：%.500s", "it has %d shapefiles: %.500s", len(names), strings.Join(names, ", ")).
			Advise("在路径后写 #%[1]s 选一个", "choose one by writing #%[1]s behind the path", names[0])
	}
	return shapes[0], nil
}

// unpackMember writes a member of an archive of that many bytes to a file at to.
func unpackMember(ctx context.Context, f *zip.File, archive uint64, to string) error {
	name, size := zipName(f), f.UncompressedSize64
	packed := min(f.CompressedSize64, archive) // the directory may say more than there is
	if size > zipMember || size > zipUnasked && size/zipRatio > packed {
		return problem.New("ZIP_BOMB", "压缩包成员 %.200q 解开有 %d 字节，是压缩后的 %d 倍；不解", "the archive's member %.200q is %d bytes unpacked, %d times what is packed; it is not unpacked",
			name, size, size/max(packed, 1)).
			Advise("若确是数据，请自行解压，再给出其中的 .shp", "if it is data, unpack it yourself and name the .shp in it")
	}
	in, err := f.Open()
	if err != nil {
		return damagedMember(name, err)
	}
	defer func() { _ = in.Close() }() // only read
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	// The size that is stated holds: what is longer is damaged.
	n, err := io.Copy(out, &endsWith{ctx, io.LimitReader(in, int64(size)+1)}) //nolint:gosec // bounded above
	err = errors.Join(err, out.Close())
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil || uint64(n) != size: //nolint:gosec // never negative
		return damagedMember(name, errors.Join(err, fmt.Errorf("%d bytes of %d", n, size)))
	}
	return nil
}

func damagedMember(name string, err error) error {
	return problem.New("ZIP_DAMAGED", "压缩包成员 %.200q 无法解开：%v", "the archive's member %.200q cannot be unpacked: %v", name, err).
		Advise("请重新取得该文件", "get the file again").Because(err)
}

// endsWith is a reader that ends with a context.
type endsWith struct {
	ctx context.Context
	in  io.Reader
}

// Read implements io.Reader.
func (r *endsWith) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.in.Read(b)
}

// Close implements [Reader].
func (r *zipped) Close() error { return errors.Join(r.shapefile.Close(), os.RemoveAll(r.dir)) }
