package source

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"gengtu/index/problem"
	"gengtu/index/txt"
)

// format is a file format that can be read; 0 is none.
type format uint8

const (
	formatShapefile format = iota + 1
	formatZip
	formatGeoPackage
	formatGeoJSON
	formatFlatGeobuf
	formatVCT
	formatTXT
	formatGDB
)

// formatNames are what a message calls the formats, in Chinese and English.
var formatNames = [...][2]string{
	formatShapefile:  {"shapefile", "shapefile"},
	formatZip:        {"shapefile 的 zip", "zip of shapefiles"},
	formatGeoPackage: {"GeoPackage", "GeoPackage"},
	formatGeoJSON:    {"GeoJSON（含文本序列）", "GeoJSON (text sequences too)"},
	formatFlatGeobuf: {"FlatGeobuf", "FlatGeobuf"},
	formatVCT:        {"VCT", "VCT"},
	formatTXT:        {"报盘 TXT", "the surveyor's TXT"},
	formatGDB:        {"File Geodatabase", "File Geodatabase"},
}

// readableFormats lists the formats that are read.
func readableFormats() (zh, en string) {
	var names [2][]string
	for _, n := range formatNames[formatShapefile:] {
		names[0], names[1] = append(names[0], n[0]), append(names[1], n[1])
	}
	last := len(names[1]) - 1
	return strings.Join(names[0], "、"), strings.Join(names[1][:last], ", ") + " and " + names[1][last]
}

// several tells whether a file of the format may hold several layers.
func (f format) several() bool {
	return slices.ContainsFunc(endings, func(e Ending) bool { return e.Several && e.form == f })
}

// sniffBytes is how much of a file's beginning is looked at; more than any
// format's mark needs, so that white space before JSON does not hide it.
const sniffBytes = 512

// vctBegin is what a VCT file begins with.
const vctBegin = "HeadBegin"

// utf8BOM is the byte order mark that some programs put before UTF-8 text.
var utf8BOM = []byte{0xEF, 0xBB, 0xBF}

// detect finds the format of the file at path by its content; the ending
// decides only where contents are the same.
func detect(path string) (format, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, cannotOpen(err)
	}
	ext := strings.ToLower(filepath.Ext(path))
	if !info.IsDir() && !info.Mode().IsRegular() {
		return 0, problem.New("SOURCE_SPECIAL", "不是普通文件（管道或设备）", "is no regular file but a pipe or a device").
			Advise("先存成文件再交", "save what comes out of it as a file first")
	}
	if info.IsDir() {
		if IsGeodatabase(path) {
			return formatGDB, nil
		}
		return 0, problem.New("SOURCE_DIRECTORY", "是文件夹，不是数据文件", "is a folder, not a data file").
			Advise("请给出其中的数据文件，整个文件夹用 --delivery", "name a data file in it, or the whole folder with --delivery")
	}
	head, err := readHead(path)
	if err != nil {
		return 0, cannotOpen(err)
	}
	if len(head) == 0 {
		return 0, problem.New("SOURCE_EMPTY", "文件是空的（0 字节）", "the file is empty (0 bytes)").
			Advise("请重新取得该文件", "get the file again")
	}
	return detectContent(head, ext)
}

// detectContent decides by the first bytes of a file and its ending in lower case.
func detectContent(head []byte, ext string) (format, error) {
	switch {
	case bytes.HasPrefix(head, []byte("SQLite format 3\x00")):
		return formatGeoPackage, nil
	case bytes.HasPrefix(head, []byte("fgb")):
		return formatFlatGeobuf, nil
	case slices.Contains(ShapefileEndings()[1:], ext):
		return 0, problem.New("SOURCE_COMPANION", "是 shapefile 的附属文件（%s）", "is a companion of a shapefile (%s)", ext).
			Advise("请给出 .shp 文件", "name the .shp file")
	case bytes.HasPrefix(head, []byte{0, 0, 0x27, 0x0A}):
		return formatShapefile, nil
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return formatZip, nil
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}) || bytes.HasPrefix(head, []byte{0xFE, 0xFF}):
		return 0, problem.New("GEOJSON_ENCODING", "文本是 UTF-16 编码", "the text is UTF-16").
			Advise("请另存为 UTF-8", "save it as UTF-8")
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, utf8BOM), " \t\r\n")
	if len(text) > 1 && text[0] == '[' && text[1] >= utf8.RuneSelf && txt.LooksLike(head) {
		return formatTXT, nil // no JSON goes on like this
	}
	if len(text) > 0 && (text[0] == '{' || text[0] == '[' || text[0] == recordSeparator) {
		return formatGeoJSON, nil
	}
	if len(text) > len(vctBegin) && bytes.EqualFold(text[:len(vctBegin)], []byte(vctBegin)) {
		return formatVCT, nil
	}
	if txt.LooksLike(head) {
		return formatTXT, nil
	}
	return detectEnding(len(text) == 0, ext)
}

// detectEnding takes the ending's word where the content says nothing: blank
// tells that the beginning holds white space only.
func detectEnding(blank bool, ext string) (format, error) {
	e := EndingOf("x" + ext)
	if e.GeoJSON() && blank {
		return formatGeoJSON, nil
	}
	zh, en := readableFormats()
	if !e.promise {
		return 0, problem.New("SOURCE_FORMAT", "不认识的文件格式", "not a known file format").Advise("可读：%[1]s", "readable are %[2]s", zh, en)
	}
	return 0, problem.New("SOURCE_FORMAT", "按扩展名应为 %[1]s，但内容不是", "named as %[2]s, but its content is not", formatNames[e.form][0], formatNames[e.form][1]).
		Advise("文件可能损坏或改错了扩展名；可读：%[1]s", "it may be damaged or misnamed; readable are %[2]s", zh, en)
}

// cannotOpen is the problem of a file that is not there or not ours to read.
func cannotOpen(err error) *problem.Problem {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return problem.New("SOURCE_MISSING", "文件不存在", "no such file").
			Advise("请检查路径", "check the path").Because(err)
	case errors.Is(err, fs.ErrPermission):
		return problem.New("SOURCE_PERMISSION", "没有读取权限", "no permission to read").Because(err)
	}
	return problem.New("SOURCE_READ", "读取时出错：%v", "cannot be read: %v", err).Because(err)
}

// readHead returns the first bytes of the file at path, at most sniffBytes.
func readHead(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	head, err := io.ReadAll(io.LimitReader(f, sniffBytes))
	return head, errors.Join(err, f.Close())
}
