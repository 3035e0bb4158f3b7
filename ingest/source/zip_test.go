package source_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"

	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// parts returns the parts of a shapefile of one square with its corner at x, 0.
func parts(t *testing.T, x float64) map[string][]byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.shp")
	w, err := source.Create(path, &source.Layer{Fields: []source.Field{{Name: "BSM"}}, CRS: source.CRSInfo{EPSG: 4490}}, source.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	square := []geo.XY{{X: x, Y: 0}, {X: x, Y: 1}, {X: x + 1, Y: 1}, {X: x + 1, Y: 0}, {X: x, Y: 0}}
	if err := w.Write(&source.Feature{Polygons: [][][]geo.XY{{square}}, Values: []any{"田"}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, ending := range []string{".shp", ".shx", ".dbf", ".prj", ".cpg"} {
		b, err := os.ReadFile(strings.TrimSuffix(path, ".shp") + ending)
		if err != nil {
			t.Fatal(err)
		}
		out[ending] = b
	}
	return out
}

// member is a member of an archive.
type member struct {
	name string
	data []byte
	gbk  bool
}

// pack writes an archive.
func pack(t *testing.T, members ...member) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		h := &zip.FileHeader{Name: m.name, Method: zip.Deflate}
		if m.gbk {
			name, err := simplifiedchinese.GBK.NewEncoder().String(m.name)
			if err != nil {
				t.Fatal(err)
			}
			h.Name, h.NonUTF8 = name, true
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(m.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return put(t, []string{"x.zip"}, b.Bytes())
}

// shapefileIn returns the members of a shapefile under a name without ending.
func shapefileIn(t *testing.T, stem string, x float64) []member {
	t.Helper()
	var out []member
	for ending, b := range parts(t, x) {
		out = append(out, member{name: stem + ending, data: b, gbk: true})
	}
	return out
}

// Each shapefile of an archive must be a table, whatever the encoding of its name and
// the case of its endings; those of one name are told apart by their folders. Nothing
// may be left behind.
func TestZip(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	members := shapefileIn(t, "渭城区/地类图斑", 1)
	members = append(members, shapefileIn(t, "a/DLTB", 2)...)
	members = append(members, shapefileIn(t, "b/DLTB", 3)...)
	for i := range members {
		if strings.HasSuffix(members[i].name, ".dbf") {
			members[i].name = strings.Replace(members[i].name, ".dbf", ".DBF", 1)
		}
	}
	members = append(members, member{name: "说明.txt", data: []byte("x"), gbk: true}, member{name: "inner.zip", data: []byte("PK")})
	path := pack(t, members...)
	names, err := source.Tables(path)
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]float64{"地类图斑": 1, "a/DLTB": 2, "b/DLTB": 3}
	if len(names) != len(at) {
		t.Errorf("tables %v", names)
	}
	for name, x := range at {
		got, l := readTable(t, path, name)
		if len(got) != 1 || l.Table != name || l.Path != path || l.CRS.WKT == "" {
			t.Fatalf("%+v, %d records", l, len(got))
		}
		if d := cmp.Diff([]any{"田"}, got[0].Values); d != "" || got[0].Polygons[0][0][0].X != x {
			t.Error(d, got[0].Polygons)
		}
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// An archive that is not what it seems must be refused by name, and nothing be left.
func TestZipHostile(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	good := shapefileIn(t, "DLTB", 1)
	with := func(more ...member) []member { return append(append([]member{}, good...), more...) }
	blanks := bytes.Repeat([]byte{' '}, 100<<20)
	var bomb []member
	for _, m := range good {
		if strings.HasSuffix(m.name, ".dbf") {
			m.data = append(append([]byte{}, m.data...), blanks...)
		}
		bomb = append(bomb, m)
	}
	for _, c := range []struct {
		name, path, table, code string
	}{
		{"nothing in it", pack(t), "", "ZIP_EMPTY"},
		{"no shapefile", pack(t, member{name: "a.gpkg", data: []byte("x")}), "", "ZIP_EMPTY"},
		{"an archive in it", pack(t, member{name: "县/DLTB.zip", data: []byte("PK"), gbk: true}), "", "ZIP_NESTED"},
		{"a way out", pack(t, with(member{name: "../../etc/passwd.shp", data: []byte("x")})...), "", "ZIP_PATH"},
		{"a way out with backslashes", pack(t, with(member{name: `..\..\x.dll`, data: []byte("x")})...), "", "ZIP_PATH"},
		{"an absolute path", pack(t, with(member{name: "/etc/cron.d/x", data: []byte("x")})...), "", "ZIP_PATH"},
		{"a drive", pack(t, with(member{name: `C:\x`, data: []byte("x")})...), "", "ZIP_PATH"},
		{"a bomb", pack(t, bomb...), "", "ZIP_BOMB"},
		{"a bomb that says it is none", boasting(t, bomb), "", "ZIP_BOMB"},
		{"two of one name", pack(t, with(member{name: "DLTB.SHP", data: []byte("x")})...), "", "ZIP_TWICE"},
		{"several", pack(t, append(with(), shapefileIn(t, "XZQ", 2)...)...), "", "ZIP_MANY_LAYERS"},
		{"a table that is not there", pack(t, good...), "XZQ", "SOURCE_NO_TABLE"},
		{"no dbf", pack(t, member{name: "a.shp", data: parts(t, 1)[".shp"]}), "", "SHP_NO_DBF"},
		{"cut", cutFile(t, pack(t, good...), 0.6), "", "ZIP_DAMAGED"},
		{"another size than stated", lying(t, parts(t, 1)), "", "ZIP_DAMAGED"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := tryRead(c.path, source.Options{Table: c.table})
			p := problem.Of(err)
			if p == nil || p.Code != c.code || p.File != c.path {
				t.Errorf("got %v in %v, want %s", err, p, c.code)
			}
		})
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// cutFile cuts a file to a part of its size.
func cutFile(t *testing.T, path string, part float64) string {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(float64(info.Size())*part)); err != nil {
		t.Fatal(err)
	}
	return path
}

// boasting writes an archive whose directory says that its members take more bytes
// packed than unpacked, which unpacking does not find wrong.
func boasting(t *testing.T, members []member) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		size := uint64(len(m.data))
		w, err := z.CreateRaw(&zip.FileHeader{Name: m.name, Method: zip.Deflate, CRC32: crc32.ChecksumIEEE(m.data), CompressedSize64: size + 100, UncompressedSize64: size})
		if err != nil {
			t.Fatal(err)
		}
		pack, err := flate.NewWriter(w, flate.BestSpeed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pack.Write(m.data); err != nil {
			t.Fatal(err)
		}
		if err := pack.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return put(t, []string{"x.zip"}, b.Bytes())
}

// lying writes an archive whose .shp states fewer bytes than it unpacks to.
func lying(t *testing.T, files map[string][]byte) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for ending, data := range files {
		stated := len(data)
		if ending == ".shp" {
			stated -= 10
		}
		w, err := z.CreateRaw(&zip.FileHeader{
			Name: "a" + ending, Method: zip.Store, CRC32: crc32.ChecksumIEEE(data),
			CompressedSize64: uint64(len(data)), UncompressedSize64: uint64(stated),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return put(t, []string{"x.zip"}, b.Bytes())
}
