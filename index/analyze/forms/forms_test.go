package forms_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/analyze"
	"gengtu/index/analyze/forms"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// Every form has the same bytes each time, and stops when it is told to.
func TestSameBytes(t *testing.T) {
	for _, form := range forms.Forms {
		a, b := written(t, answer(), form, forms.Options{}), written(t, answer(), form, forms.Options{})
		if !bytes.Equal(a, b) {
			t.Errorf("%s: the same answer has other bytes", form)
		}
		if form.MediaType() == "" {
			t.Errorf("%s has no media type", form)
		}
	}
}

// A spreadsheet opens the CSV as it is: known as UTF-8, codes kept as text, no text run
// as a formula; and each row says which answer it is of.
func TestCSV(t *testing.T) {
	text := written(t, answer(), forms.CSV, forms.Options{})
	if !bytes.HasPrefix(text, []byte("\xEF\xBB\xBF")) {
		t.Fatal("there is no byte order mark")
	}
	// csv.Reader makes CR LF inside quotes LF, so that is what is expected.
	rows, err := csv.NewReader(bytes.NewReader(text[3:])).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	origin := []string{"00112233aabbccdd", "0123456789abcdef", "2026-11", "government", "EPSG:4490"}
	want := [][]string{
		{"xzqdm", "xzqmc", "n", "area_m2", "area_mu", "area_ha", "share", "edge", "gain", "flag", "run_id", "generation", "rule_version", "tier", "crs"},
		append([]string{"340100", "甲县", "3", "12345678.91", "18518.5184", "1234.57", "0.333333", "12.35", "0", "true"}, origin...),
		append([]string{"010203", "'=1+1,\"<script>alert('图')</script>\"\n&", "-7", "-0.05", "-0.0001", "0.00", "0.5", "0.00", "1000000000000", "false"}, origin...),
		append([]string{"", "", "", "", "", "", "", "", "", ""}, origin...),
	}
	if d := cmp.Diff(want, rows); d != "" {
		t.Error(d)
	}
	second := string(written(t, answer(), forms.CSV, forms.Options{Table: "lots"}))
	if !strings.Contains(second, "\r\n340100211000000001,") {
		t.Errorf("a code of 18 digits has lost some:\n%s", second)
	}
}

// Codes stand as they are, for programs; what a spreadsheet would run as a formula does not.
func TestCSVCells(t *testing.T) {
	for text, want := range map[string]string{
		"0101": "0101", "340100211000000001": "340100211000000001", "2024-05-01": "2024-05-01",
		"=A1": "'=A1", "+cmd": "'+cmd", "@x": "'@x", "-": "'-", "	x": "'	x", "甲村": "甲村", "a1": "a1", "": "",
	} {
		table := &analyze.Table{Name: "t", Columns: []analyze.Column{{Name: "a", Kind: analyze.Text}}, Rows: [][]any{{text}}}
		r := answer()
		r.Tables = []*analyze.Table{table}
		rows, err := csv.NewReader(bytes.NewReader(written(t, r, forms.CSV, forms.Options{})[3:])).ReadAll()
		if err != nil || rows[1][0] != want {
			t.Errorf("%q is written as %q (%v), not %q", text, rows[1][0], err, want)
		}
	}
}

// A table or a layer that is not there is refused with those that are.
func TestNoTable(t *testing.T) {
	bare := answer()
	bare.Tables, bare.Shapes = nil, nil
	for _, c := range []struct {
		r    *analyze.Result
		form forms.Form
		name string
		says string
	}{
		{answer(), forms.CSV, "plots", "by_place lots"},
		{answer(), forms.GeoJSON, "by_place", "test_lots"},
		{bare, forms.CSV, "", "no table"},
		{bare, forms.GeoJSON, "", "no layer of shapes"},
	} {
		err := forms.Write(t.Context(), &bytes.Buffer{}, c.r, c.form, forms.Options{Table: c.name})
		if p := problem.Of(err); p == nil || p.Code != "ANSWER_TABLE" || !strings.Contains(p.Text(problem.English), c.says) {
			t.Errorf("%s %s: %v", c.form, c.name, err)
		}
	}
	if err := forms.Write(t.Context(), &bytes.Buffer{}, bare, "pdf", forms.Options{}); problem.Of(err) == nil {
		t.Errorf("a form that is none: %v", err)
	}
}

// The shapes that are written have the areas that the table says, to 1e-6.
func TestGeoJSONAreas(t *testing.T) {
	text := written(t, answer(), forms.GeoJSON, forms.Options{Table: "lots"})
	var got struct {
		Type     string
		Answer   struct{ Run, Question, Generation, CRS string }
		Features []struct {
			ID         int
			Geometry   json.RawMessage
			Properties map[string]any
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if got.Type != "FeatureCollection" || got.Answer.Run != "00112233aabbccdd" || got.Answer.CRS != "EPSG:4490" || len(got.Features) != 3 {
		t.Fatalf("%s", text)
	}
	if string(got.Features[2].Geometry) != "null" {
		t.Errorf("a row without a shape has %s", got.Features[2].Geometry)
	}
	for _, f := range got.Features[:2] {
		polygons, err := geo.ParseGeometry(f.Geometry, geo.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		m, err := geo.CRS{}.MultiPolygon(polygons, geo.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		stated, area := f.Properties["ground_m2"].(float64), geo.Area(m)
		if math.Abs(stated-area) > 1e-6*area+0.005 || area < 100 {
			t.Errorf("feature %d covers %.4f m², its table says %.2f", f.ID, area, stated)
		}
		if code, ok := f.Properties["BSM"].(string); !ok || len(code) != 18 {
			t.Errorf("the code is %v", f.Properties["BSM"])
		}
	}
}

// readBook prints the cells of a workbook by the standard library of another language.
const readBook = `
import sys, io, json, zipfile, xml.etree.ElementTree as E
n = {'m': 'http://schemas.openxmlformats.org/spreadsheetml/2006/main'}
z = zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read()))
assert z.testzip() is None
book = E.fromstring(z.read('xl/workbook.xml'))
out = []
for i, s in enumerate(book.findall('m:sheets/m:sheet', n), 1):
    rows = []
    for row in E.fromstring(z.read('xl/worksheets/sheet%d.xml' % i)).findall('m:sheetData/m:row', n):
        rows.append([[c.get('r'), c.get('t') or 'n', ''.join(c.itertext())] for c in row.findall('m:c', n)])
    out.append({'name': s.get('name'), 'rows': rows})
print(json.dumps(out))
`

// Another reader finds the tables in the workbook, figures as numbers, codes as text, and
// beside them what they mean and come from.
func TestBook(t *testing.T) {
	c := exec.CommandContext(t.Context(), "python3", "-c", readBook)
	c.Stdin = bytes.NewReader(written(t, answer(), forms.XLSX, forms.Options{}))
	data, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	var sheets []struct {
		Name string
		Rows [][][3]string
	}
	if err := json.Unmarshal(data, &sheets); err != nil {
		t.Fatal(err)
	}
	if len(sheets) != 3 || sheets[0].Name != "按地区" || sheets[1].Name != "地块" || sheets[2].Name != "说明" {
		t.Fatalf("the sheets are %+v", sheets)
	}
	row := sheets[0].Rows[1]
	want := [][3]string{
		{"A2", "inlineStr", "340100"}, {"B2", "inlineStr", "甲县"}, {"C2", "n", "3"}, {"D2", "n", "12345678.91"}, {"E2", "n", "18518.5184"},
		{"F2", "n", "1234.57"}, {"G2", "n", "0.333333"}, {"H2", "n", "12.35"}, {"I2", "n", "0"}, {"J2", "b", "1"},
	}
	if d := cmp.Diff(want, row); d != "" {
		t.Error(d)
	}
	if got := sheets[0].Rows[2][1][2]; got != hostile {
		t.Errorf("a text came as %q", got)
	}
	if len(sheets[0].Rows) != 4 || len(sheets[0].Rows[3]) != 0 {
		t.Errorf("a row of nothing is %v", sheets[0].Rows[3])
	}
	if head := sheets[0].Rows[0][4][2]; head != "面积（亩）\narea (mu)" {
		t.Errorf("a column is headed %q", head)
	}
	var about []string
	for _, row := range sheets[2].Rows {
		for _, c := range row {
			about = append(about, c[2])
		}
	}
	for _, want := range []string{
		"地块试验（test-lots）", "把地块加起来。", "0123456789abcdef", "2026-11，SHA-256 aa11", "永久基本农田（pbf@2024），3 个要素", "eco：此版没有，未参与",
		"全部＝各部分之和：12345678.86 = 12345678.85 m²，Δ 0.01", "自然资发〔2024〕1号", "审图号：GS(2024)0000号", "界线不作权属依据", "列 area", "参数 a", "ffffffffffffffff",
	} {
		if !slices.Contains(about, want) {
			t.Errorf("the sheet of definitions does not say %q: %q", want, about)
		}
	}
}

// Sheets whose titles are the same, or cannot be a sheet's name, get names of their own.
func TestSheetNames(t *testing.T) {
	r := answer()
	long := strings.Repeat("长", 40)
	var want []string
	for i, title := range []string{"说明", "a/b", "A_B", long, long, ""} {
		table := &analyze.Table{Name: "t" + strconv.Itoa(i)}
		table.Title.Zh = title
		r.Tables = append(r.Tables, table)
	}
	want = append(want, "按地区", "地块", "说明 2", "a_b", "A_B 2", strings.Repeat("长", 31), strings.Repeat("长", 29)+" 2", "表", "说明")
	c := exec.CommandContext(t.Context(), "python3", "-c", readBook)
	c.Stdin = bytes.NewReader(written(t, r, forms.XLSX, forms.Options{}))
	data, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	var sheets []struct{ Name string }
	if err := json.Unmarshal(data, &sheets); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range sheets {
		got = append(got, s.Name)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
