package viewer_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"gengtu/tileserver/viewer/viewertest"
)

// packed makes a zip of files that are called so; locked marks them as under a password.
func packed(t *testing.T, locked bool, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names {
		flags := uint16(0x800)
		if locked {
			flags |= 1
		}
		w, err := z.CreateRaw(&zip.FileHeader{Name: name, Flags: flags, CompressedSize64: 1, UncompressedSize64: 1, CRC32: 0x8cdc1683})
		if err == nil {
			_, err = w.Write([]byte("x"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// badFile is a file that cannot be measured, and what is said of it: what was found, and
// what to do.
type badFile struct {
	file   viewertest.File
	zh, en []string
}

func badFiles(t *testing.T) map[string]badFile {
	t.Helper()
	points := make([]byte, 100) // The head of a shapefile of points.
	binary.BigEndian.PutUint32(points, 9994)
	binary.LittleEndian.PutUint32(points[32:], 1)
	file := func(name, data string) viewertest.File { return viewertest.File{Name: name, Data: []byte(data)} }
	zipped := func(locked bool, names ...string) viewertest.File {
		return viewertest.File{Name: "a.zip", Data: packed(t, locked, names...)}
	}
	cut := zipped(false, "a.shp", "a.dbf")
	cut.Data = cut.Data[:len(cut.Data)-20]
	return map[string]badFile{
		"GeoJSON that is cut":             {file("a.geojson", "{\"type\": \"Polygon\",\n \"coordinates\": [[[108.6, 34."), []string{"第 2 行第 30 列", "重新导出"}, []string{"line 2, column 30", "Export"}},
		"GeoJSON cut within a character":  {file("a.geojson", "{\"name\": \"\xe7\x94"), []string{"第 1 行第 11 列", "不完整"}, []string{"line 1, column 11", "breaks off"}},
		"GeoJSON with a slip":             {file("a.geojson", `{"type": Polygon}`), []string{"第 1 行第 10 列", "Polygon}", "改正"}, []string{"line 1, column 10", "Polygon}", "Correct"}},
		"GeoJSON in GBK":                  {file("a.geojson", "{\"name\": \"\xb5\xd8\xbf\xe9\"}"), []string{"UTF-8", "转换"}, []string{"UTF-8", "convert"}},
		"JSON of another kind":            {file("a.json", `{"a": 1}`), []string{"不是 GeoJSON", "导出"}, []string{"no GeoJSON", "Export"}},
		"a GeoPackage":                    {file("a.gpkg", "SQLite format 3\x00"), []string{"GeoPackage", "导出"}, []string{"GeoPackage", "Export"}},
		"a picture":                       {file("a.png", "\x89PNG\r\n\x1a\n"), []string{"图片", "GeoJSON"}, []string{"picture", "GeoJSON"}},
		"a picture that is called a TXT":  {file("a.txt", "\xff\xd8\xff\xe0"), []string{"图片", "GeoJSON"}, []string{"picture", "GeoJSON"}},
		"a PDF":                           {file("a.pdf", "%PDF-1.7"), []string{"PDF", "GeoJSON"}, []string{"PDF", "GeoJSON"}},
		"a RAR":                           {file("a.rar", "Rar!\x1a\x07"), []string{"RAR", "打成 zip"}, []string{"RAR", "zip"}},
		"a CAD drawing":                   {file("a.dwg", "AC1027"), []string{"CAD", "导出"}, []string{"CAD", "Export"}},
		"KML":                             {file("a.kml", `<?xml version="1.0"?><kml>`), []string{"KML", "导出"}, []string{"KML", "Export"}},
		"a file of no kind":               {file("a.docx", "x"), []string{"不认识", "可用"}, []string{"no known kind", "Take"}},
		"an empty file":                   {file("a.geojson", ""), []string{"0 字节", "重新"}, []string{"0 bytes", "again"}},
		"a zip under a password":          {zipped(true, "a.shp", "a.dbf"), []string{"密码", "再打包"}, []string{"password", "without one"}},
		"a zip that is cut":               {cut, []string{"不完整", "重新打包"}, []string{"not whole", "again"}},
		"a zip without a .shp":            {zipped(false, "地块/a.dbf", "地块/a.prj", "说明.txt"), []string{"缺 .shp", "地块/a.dbf、地块/a.prj、说明.txt", "一起打包"}, []string{"lacks its .shp", "地块/a.dbf, 地块/a.prj, 说明.txt", "together"}},
		"a zip of a note":                 {zipped(false, "说明.txt"), []string{"（1 个）：说明.txt", "需要"}, []string{"(files: 1): 说明.txt", "needs"}},
		"a zip with nothing in it":        {zipped(false), []string{"没有文件", "需要"}, []string{"no files", "needs"}},
		"a shapefile of points":           {viewertest.File{Name: "a.shp", Data: points}, []string{"不是面（类型 1）", "另选"}, []string{"no polygons (type 1)", "Take"}},
		"a shapefile's table alone":       {file("a.dbf", "x"), []string{"缺少 .shp", "打成一个 zip"}, []string{".shp is missing", "Pack"}},
		"a collection that holds nothing": {file("a.geojson", `{"type": "FeatureCollection", "features": []}`), []string{"没有图形", "重新导出"}, []string{"no shapes", "export"}},
	}
}

// Each kind of bad file is told in the page's language, with what was found and what to do,
// in the same box, and nothing of it is sent; the box follows the language.
func TestAskBadFiles(t *testing.T) {
	c := newContract(t)
	b := viewertest.OpenMap(t, viewertest.Browser(t), c.URL+"/?tier=public#map=13/34.33/108.63", viewertest.Desktop)
	const box = `document.querySelector('[data-testid="file-problem"]')`
	for name, bad := range badFiles(t) {
		b.Drop(t, bad.file)
		for _, of := range []struct {
			lang  string
			wants []string
		}{{"zh-CN", bad.zh}, {"en", bad.en}} {
			b.Until(t, fmt.Sprintf("document.documentElement.lang === %q && %s?.querySelector('strong').textContent.includes(%q)", of.lang, box, bad.file.Name))
			text := viewertest.Eval[string](t, b, box+".querySelector('p').textContent")
			for _, want := range of.wants {
				if !strings.Contains(text, want) {
					t.Errorf("%s, %s: %q, want %q", name, of.lang, text, want)
				}
			}
			quoted := strings.NewReplacer("地块", "", "说明", "").Replace(text)
			if strings.ContainsFunc(quoted, func(r rune) bool { return unicode.Is(unicode.Han, r) }) != (of.lang == "zh-CN") {
				t.Errorf("%s, %s: %q", name, of.lang, text)
			}
			if parts := viewertest.Eval[[]string](t, b, "[..."+box+".children].map((el) => el.tagName)"); !slices.Equal(parts, []string{"STRONG", "P", "BUTTON"}) {
				t.Errorf("%s, %s: the box is of %q", name, of.lang, parts)
			}
			if name == "a zip without a .shp" {
				b.Picture(t, "ask-bad-"+of.lang)
			}
			viewertest.Eval[any](t, b, "void document.getElementById('lang').click()")
		}
	}
	if len(c.overlays) != 0 {
		t.Errorf("something was sent: %.200s", c.lastOverlay())
	}
	if toast := viewertest.Eval[bool](t, b, "document.getElementById('toast').hidden"); !toast {
		t.Errorf("a fault of a file is said to be one of the page: %q", b.Text(t, "toast"))
	}
	b.Quiet(t, c.URL)
}
