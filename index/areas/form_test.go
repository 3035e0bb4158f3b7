package areas_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// formLand has classes that look like numbers and like formulas.
var formLand = land{
	"cropland": {
		{rect: rect{0, 0, 2, 2}, class: "0101", patch: 100, net: 90}, {rect: rect{2, 0, 4, 2}, class: "0102", patch: index.NoArea, net: index.NoArea},
		{rect: rect{4, 0, 6, 2}, class: "=1+1", patch: 200, net: 180},
	},
	"pbf": {{rect: rect{1, 0, 3, 2}, class: nil, patch: index.NoArea, net: index.NoArea}},
}

var formAbout = areas.About{
	Generation: "g0123456789abcdef", Tier: edition.Secure, Created: "2024-03-05T01:02:03.4Z", Program: "gengtu test",
	Titles:     map[string]edition.Title{"cropland": {Zh: "耕地", En: "cropland"}},
	Disclaimer: edition.Title{Zh: "不作依据", En: "no <basis>"},
}

// formResults are results of all kinds: whole, doubtful, failed, with texts that
// every form has to be careful with.
func formResults(t *testing.T) []areas.Result {
	t.Helper()
	ix := formLand.open(t)
	k := areas.Asker{Index: ix, Program: "gengtu test", Question: areas.Question{
		Combinations: true, Pieces: true, GroupBy: map[string][]string{"cropland": {"DLBM"}},
	}}
	plot := func(id, properties string, r rect) areas.Given {
		shapes, _, err := areas.ParseShapes([]byte(`{"type":"Feature","id":`+id+`,"properties":`+properties+`,"geometry":`+string(geo.AppendGeoJSON(nil, r.shape()))+`}`), areas.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		return shapes[0]
	}
	var out []areas.Result
	for _, g := range []areas.Given{
		{ID: json.RawMessage(`"坏"`), Err: problem.New("AOI_EMPTY", "没有面积", "no area <&>").Advise("改", "mend")},
		plot(`"001"`, `{"name":"=HYPERLINK(\"http://x\")","n":1}`, rect{0, 0, 4, 2}),
		plot(`-5`, `{"名称":"<b>二号</b> & \u0001"}`, rect{1, 1, 7, 5}),
		plot(`"@x"`, `null`, rect{20, 20, 21, 21}),
	} {
		r, err := k.Result(t.Context(), &g)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	out[2].Answer.Failed = append(out[2].Answer.Failed, areas.Failed{Layer: "pbf", ID: 9007199254740991, Reason: "why", ReasonZh: "缘故"})
	return out
}

func written(t *testing.T, form areas.Form, results []areas.Result) []byte {
	t.Helper()
	var b bytes.Buffer
	w := areas.NewWriter(&b, form, formAbout)
	for i := range results {
		if err := w.Write(&results[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Each form is the same bytes when it is written again, from the same question
// asked again.
func TestFormsAgain(t *testing.T) {
	for _, form := range areas.Forms {
		if !bytes.Equal(written(t, form, formResults(t)), written(t, form, formResults(t))) {
			t.Errorf("%s: other bytes for the same question", form)
		}
		if len(written(t, form, nil)) == 0 && form != areas.NDJSON {
			t.Errorf("%s: nothing for no results", form)
		}
	}
}

// Why a feature could not be measured is said in Chinese beside the English.
func TestFailedInChinese(t *testing.T) {
	results := formResults(t)
	for form, want := range map[areas.Form]string{
		areas.HTML: "没有算出来：缘故", areas.JSON: `"reason":"why","reason_zh":"缘故"`, areas.GeoJSON: `"reason":"why","reason_zh":"缘故"`,
	} {
		if got := written(t, form, results); !strings.Contains(string(got), want) {
			t.Errorf("%s does not say %s", form, want)
		}
	}
}

// Lines, array and single answer hold the same.
func TestJSONForms(t *testing.T) {
	results := formResults(t)
	want, err := json.Marshal(results)
	if err != nil {
		t.Fatal(err)
	}
	if got := written(t, areas.JSON, results); string(got) != string(want) {
		t.Errorf("array\n got %s\nwant %s", got, want)
	}
	lines := strings.Split(strings.TrimSuffix(string(written(t, areas.NDJSON, results)), "\n"), "\n")
	if got := "[" + strings.Join(lines, ",") + "]"; got != string(want) {
		t.Errorf("lines\n got %s\nwant %s", got, want)
	}
	single := results[1]
	single.Single = true
	want, err = json.Marshal(single.Answer)
	if got := written(t, areas.JSON, []areas.Result{single}); err != nil || string(got) != string(want) {
		t.Errorf("single\n got %s\nwant %s", got, want)
	}
	for name, rs := range map[string][]areas.Result{"array": results, "none": nil, "single": {single}} {
		var b, plain bytes.Buffer
		w := areas.Indented(&b)
		for i := range rs {
			if err := w.Write(&rs[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := json.Compact(&plain, b.Bytes()); err != nil || plain.String() != string(written(t, areas.JSON, rs)) || !strings.HasSuffix(b.String(), "\n") {
			t.Errorf("%s, indented: %v %s", name, err, b.String())
		}
	}
}

// What is cut off says so, in a form that can still be read.
func TestFormsAbort(t *testing.T) {
	results := formResults(t)
	why := problem.New("TIMEOUT", "超时", "out of time")
	abort := func(form areas.Form, n int) string {
		var b bytes.Buffer
		w := areas.NewWriter(&b, form, formAbout)
		for i := range n {
			if err := w.Write(&results[i]); err != nil {
				t.Fatal(err)
			}
		}
		err := w.Abort(why)
		if (err != nil) != (form == areas.XLSX) || err != nil && b.Len() > 0 {
			t.Errorf("%s: %v, %d bytes", form, err, b.Len())
		}
		return b.String()
	}
	for _, n := range []int{0, 2} {
		var array []struct{ Status string }
		if err := json.Unmarshal([]byte(abort(areas.JSON, n)), &array); err != nil || len(array) != n+1 || array[n].Status != "aborted" {
			t.Errorf("array: %v %v", array, err)
		}
		lines := strings.Split(strings.TrimSpace(abort(areas.NDJSON, n)), "\n")
		if len(lines) != n+1 || !strings.Contains(lines[n], `"status":"aborted"`) || !strings.Contains(lines[n], `"TIMEOUT"`) {
			t.Errorf("lines: %s", lines)
		}
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(abort(areas.CSV, n), "\uFEFF"))).ReadAll()
		if last := rows[len(rows)-1]; err != nil || last[0] != "" || !strings.HasPrefix(last[2], "aborted: out of time") {
			t.Errorf("table: %v %v", last, err)
		}
		var pieces map[string]json.RawMessage
		if err := json.Unmarshal([]byte(abort(areas.GeoJSON, n)), &pieces); err != nil || !strings.Contains(string(pieces["aborted"]), "TIMEOUT") {
			t.Errorf("pieces: %s %v", pieces["aborted"], err)
		}
		if page := abort(areas.HTML, n); !strings.Contains(page, "This sheet is not whole") || !strings.HasSuffix(page, "</html>\n") {
			t.Errorf("page: %s", page)
		}
		abort(areas.XLSX, n)
	}
}

// No text of a table is a formula to a spreadsheet, and numbers stay numbers.
func TestCSVFormulas(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(written(t, areas.CSV, formResults(t))), "\uFEFF"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, row := range rows {
		ids[row[1]] = true
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+@\t\r", rune(cell[0])) || strings.HasPrefix(cell, "-") && cell != "-5" {
				t.Errorf("%q is a formula", cell)
			}
		}
	}
	if !ids["-5"] || !ids["'@x"] || !ids["001"] {
		t.Errorf("ids %v", ids)
	}
}

// The pieces are read by a GeoJSON reader of another hand and have the areas that
// are told.
func TestPiecesForm(t *testing.T) {
	results := formResults(t)
	var doc struct {
		Type, Generation, Formula string
		Features                  []struct {
			Type       string
			Properties struct {
				Shape   int
				ShapeID any `json:"shape_id"`
				Layer   string
				ID      uint64
				AreaM2  float64 `json:"area_m2"`
				AreaMu  float64 `json:"area_mu"`
			}
			Geometry json.RawMessage
		}
		Failed []struct {
			Shape   int
			Layer   string
			ID      uint64
			Problem *struct{ Code string }
		}
	}
	if err := json.Unmarshal(written(t, areas.GeoJSON, results), &doc); err != nil {
		t.Fatal(err)
	}
	n := 0
	for i, r := range results {
		if r.Answer == nil {
			continue
		}
		for _, l := range r.Answer.Layers {
			for _, p := range l.Pieces {
				f := doc.Features[n]
				n++
				shapes, _, err := areas.ParseShapes(f.Geometry, areas.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				m, err := areas.Shape(shapes[0].Polygons, geo.CRS{})
				if err != nil || f.Properties.Shape != i+1 || f.Properties.Layer != l.Layer || f.Properties.ID != p.ID || f.Properties.AreaM2 != p.AreaM2 || cmp.Diff(m, p.Shape) != "" {
					t.Errorf("piece %d is %+v, want %+v, %v", n, f, p, err)
				}
			}
		}
	}
	if n != len(doc.Features) || n == 0 || doc.Type != "FeatureCollection" || doc.Generation != formAbout.Generation {
		t.Errorf("%d pieces of %d", len(doc.Features), n)
	}
	if len(doc.Failed) != 2 || doc.Failed[0].Shape != 1 || doc.Failed[0].Problem.Code != "AOI_EMPTY" || doc.Failed[1].ID != 9007199254740991 {
		t.Errorf("failed %+v", doc.Failed)
	}
}

// ogrRows reads a sheet of a workbook by GDAL's driver: rows of the columns as
// it gives them, and the columns' types.
func ogrRows(t *testing.T, path, sheet string) (types map[string]string, rows []map[string]any) {
	t.Helper()
	if _, err := exec.LookPath("ogr2ogr"); err != nil {
		t.Fatal("GDAL is missing: apt-get install gdal-bin")
	}
	run := func(args ...string) []byte {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "OGR_XLSX_HEADERS=FORCE", "OGR_XLSX_FIELD_TYPES=AUTO")
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil || errs.Len() > 0 {
			t.Fatalf("%v: %v %s", args, err, errs.String())
		}
		return out
	}
	types = map[string]string{}
	for line := range strings.SplitSeq(string(run("ogrinfo", "-so", path, sheet)), "\n") {
		if name, typ, ok := strings.Cut(line, ": "); ok && strings.Contains(typ, "(") {
			types[name] = typ[:strings.IndexByte(typ, ' ')]
		}
	}
	var doc struct {
		Features []struct{ Properties map[string]any }
	}
	if err := json.Unmarshal(run("ogr2ogr", "-f", "GeoJSON", "/vsistdout/", path, sheet), &doc); err != nil {
		t.Fatal(err)
	}
	for _, f := range doc.Features {
		rows = append(rows, f.Properties)
	}
	return types, rows
}

// The workbook opens in GDAL's reader, cell by cell what the answers hold: codes
// as text, m² and ha with 2 decimals, mu with 4.
func TestWorkbook(t *testing.T) {
	results := formResults(t)
	path := filepath.Join(t.TempDir(), "overlay.xlsx")
	if err := os.WriteFile(path, written(t, areas.XLSX, results), 0o600); err != nil {
		t.Fatal(err)
	}
	fixed := func(v float64, decimals int) float64 {
		f, err := strconv.ParseFloat(strconv.FormatFloat(v, 'f', decimals, 64), 64)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	near := func(got any, want float64, decimals int) bool {
		f, ok := got.(float64)
		return ok && (f == fixed(want, decimals) || f == fixed(want+1e-9, decimals))
	}
	types, rows := ogrRows(t, path, "汇总")
	if len(rows) != 4 {
		t.Fatalf("%d rows", len(rows))
	}
	if types["编号 id"] != "String" || types["面积 亩"] != "Real" || types["序号 No."] != "Integer" {
		t.Errorf("types %v", types)
	}
	for i, want := range []struct{ id, name, state string }{
		{"坏", "", "failed AOI_EMPTY"}, {"001", `=HYPERLINK("http://x")`, "ok"}, {"-5", "<b>二号</b> & \uFFFD", "ok"}, {"@x", "", "ok"},
	} {
		row := rows[i]
		text := func(k string) string { s, _ := row[k].(string); return s }
		if row["序号 No."] != float64(i+1) || text("编号 id") != want.id || text("名称 name") != want.name || text("状态 status") != want.state {
			t.Errorf("row %d: %v", i+1, row)
		}
		a := results[i].Answer
		if a == nil {
			if row["面积 m²"] != nil {
				t.Errorf("row %d has figures: %v", i+1, row)
			}
			continue
		}
		l := a.Layers[0]
		if !near(row["面积 m²"], a.AOI.AreaM2, 2) || !near(row["面积 亩"], a.AOI.AreaMu, 4) || !near(row["面积 公顷"], a.AOI.AreaM2/1e4, 2) ||
			!near(row["耕地 cropland 2024 m²"], l.AreaM2, 2) || !near(row["耕地 cropland 2024 亩"], l.AreaMu, 4) || !near(row["耕地 cropland 2024 公顷"], l.AreaM2/1e4, 2) ||
			row["耕地 cropland 2024 要素数"] != float64(l.Count) {
			t.Errorf("row %d: %v, want %+v", i+1, row, a)
		}
		if got := row["耕地 cropland 2024 净面积 m²"]; (got == nil) != (l.NetM2 == nil) || l.NetM2 != nil && !near(got, *l.NetM2, 2) {
			t.Errorf("row %d: net area %v", i+1, got)
		}
	}
	types, rows = ogrRows(t, path, "地类")
	var codes []string
	for _, r := range rows {
		codes = append(codes, fmt.Sprint(r["序号 No."], r["代码 code"]))
	}
	if types["代码 code"] != "String" || !slices.Equal(codes, []string{"20101", "20102", "30101", "30102", "3=1+1"}) || !near(rows[0]["面积 m²"], results[1].Answer.Layers[0].Groups[0].AreaM2, 2) {
		t.Errorf("classes %v %v", types, codes)
	}
	_, rows = ogrRows(t, path, "组合")
	for i, r := range results {
		if r.Answer == nil {
			continue
		}
		for _, c := range r.Answer.Combinations {
			if row := rows[0]; row["序号 No."] != float64(i+1) || !near(row["面积 m²"], c.AreaM2, 2) {
				t.Errorf("combination of %d: %v, want %+v", i+1, row, c)
			}
			rows = rows[1:]
		}
	}
	if len(rows) > 0 {
		t.Errorf("more combinations: %v", rows)
	}
	_, rows = ogrRows(t, path, "问题")
	codes = nil
	for _, r := range rows {
		codes = append(codes, fmt.Sprint(r["序号 No."], r["代码 code"], r["要素 feature"]))
	}
	if !slices.Equal(codes, []string{"1AOI_EMPTY<nil>", "3FEATURE_FAILED9007199254740991", "4AOI_OUTSIDE<nil>"}) {
		t.Errorf("problems %v", codes)
	}
	_, rows = ogrRows(t, path, "说明")
	said := map[any]any{}
	for _, r := range rows {
		said[r["项目 item"]] = r["内容 content"]
	}
	if said["数据版本 generation"] != formAbout.Generation || said["数据时相 vintage of the data"] != "2024" ||
		said["版本生成时间 created"] != "2024-03-05T01:02:03Z" || said["声明 disclaimer"] != "不作依据 no <basis>" {
		t.Errorf("notes %v", rows)
	}
}

// Every part of the workbook is well-formed XML, no cell is a formula, and the
// head stays in sight.
func TestWorkbookParts(t *testing.T) {
	data := written(t, areas.XLSX, formResults(t))
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r) // which compares the checksum
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		cmd := exec.Command("xmllint", "--noout", "-")
		cmd.Stdin = bytes.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v %s (xmllint: apt-get install libxml2-utils)", f.Name, err, out)
		}
		if bytes.Contains(text, []byte("<f>")) || strings.HasPrefix(f.Name, "xl/worksheets") && !bytes.Contains(text, []byte(`state="frozen"`)) {
			t.Errorf("%s has a formula, or its head moves", f.Name)
		}
		if !f.Modified.IsZero() && f.Modified.Year() > 1980 {
			t.Errorf("%s is dated %v", f.Name, f.Modified)
		}
	}
}

// The page escapes what it is given, asks for nothing outside, and tells figures,
// date and problems.
func TestPage(t *testing.T) {
	page := string(written(t, areas.HTML, formResults(t)))
	for _, s := range []string{
		"<dt>数据时相 vintage of the data</dt><dd>2024</dd>", "<dt>版本生成时间 created</dt><dd>2024-03-05T01:02:03Z</dd>", "不作依据 no &lt;basis&gt;", formAbout.Generation, "gengtu test", "ellipsoidal CGCS2000", "&lt;b&gt;二号&lt;/b&gt; &amp;", "耕地 cropland", "AOI_OUTSIDE", "AOI_EMPTY", "no area &lt;&amp;&gt;",
		"均不在 none", "经办人", "盖章", "size:A4", "0101 ",
	} {
		if !strings.Contains(page, s) {
			t.Errorf("the page does not say %q", s)
		}
	}
	for _, s := range []string{"<b>二号", "http:", "https:", "<script", "src=", "url(", "@import", "ZgotmplZ"} {
		if strings.Contains(page, s) && s != "http:" {
			t.Errorf("the page has %q", s)
		}
	}
	if strings.Count(page, "http:") != 1 { // the name of the second shape
		t.Errorf("the page refers outside")
	}
}
