package report_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/check"
	"gengtu/ingest/report"
)

// Each planted fault is in the report, of the right rule and feature, with a place in or
// near that feature, in degrees and in the delivery's own system.
func TestPlantedFaults(t *testing.T) {
	d := deliver(t, 600)
	d.spoil()
	d.write("")
	r := d.run(ingest.Options{}, report.Options{})
	if r.Verdict != report.Fail {
		t.Errorf("the verdict is %q", r.Verdict)
	}
	for name, i := range planted {
		if name == "sliver" {
			i = len(d.features) - 1
		}
		rules := rulesOf(t, name)
		k := slices.IndexFunc(r.Faults, func(f report.Fault) bool {
			return slices.Contains(rules, f.Rule) && (f.Record == int64(i+1) || f.OtherBSM == d.text(i, "BSM") || name == "gap")
		})
		if k < 0 {
			t.Errorf("%s of record %d is not listed", name, i+1)
			continue
		}
		f := &r.Faults[k]
		if name != "gap" && f.Record == int64(i+1) && f.BSM != d.text(i, "BSM") {
			t.Errorf("%s: BSM %q, want %q", name, f.BSM, d.text(i, "BSM"))
		}
		if f.TextZh == "" || f.TextEn == "" || f.AdviceZh == "" || f.AdviceEn == "" || f.File != d.patches {
			t.Errorf("%s: %+v", name, f)
		}
		if f.X == nil || f.CRS != "EPSG:4524" {
			t.Errorf("%s has no place in the plane", name)
			continue
		}
		if name == "gap" {
			continue
		}
		near := math.Inf(1)
		for _, p := range d.features[i].Polygons[0][0] {
			near = min(near, math.Hypot(p.X-*f.X, p.Y-*f.Y))
		}
		if near > 400 {
			t.Errorf("%s lies %v m from its feature", name, near)
		}
		crs, _ := geo.EPSG(4524)
		if back := crs.Forward(geo.LonLat{Lon: *f.Lon, Lat: *f.Lat}); math.Hypot(back.X-*f.X, back.Y-*f.Y) > 1e-4 {
			t.Errorf("%s: the two places differ: %v, %v %v", name, back, *f.X, *f.Y)
		}
	}
	if r.County.Code != "619901" {
		t.Errorf("the county is %+v", r.County)
	}
}

// What the summary says is what the lists hold.
func TestSums(t *testing.T) {
	d := deliver(t, 600)
	d.spoil()
	d.write("")
	r := d.run(ingest.Options{}, report.Options{})
	s := report.Summary{Severities: []report.Severity{{Name: "一类", Fails: true}, {Name: "二类", Fails: true}, {Name: "三类"}}}
	for _, l := range r.Layers {
		s.Files += len(l.Files)
		s.Read, s.Kept, s.Mended, s.Refused = s.Read+l.Read, s.Kept+l.Kept, s.Mended+l.Mended, s.Refused+l.Refused
		if d := l.AreaIn - l.AreaOut - l.AreaRefused - l.AreaLeftOut - l.AreaMending; math.Abs(d) > 0.01 {
			t.Errorf("%s: areas are off by %v", l.Name, d)
		}
	}
	for _, p := range r.Rules {
		s.Faults, s.Listed, s.Mapped = s.Faults+p.Count, s.Listed+p.Listed, s.Mapped+p.Mapped
		if p.Asked {
			s.Asked++
		}
		k := strings.Index("一类二类三类", p.Severity) / len("一类")
		if p.Count > 0 {
			s.Violated++
			s.Severities[k].Rules++
			s.Severities[k].Faults += p.Count
		}
		if s.Severities[k].Fails {
			s.Failing += p.Count
		}
	}
	if diff := cmp.Diff(s, r.Summary); diff != "" {
		t.Error(diff)
	}
	if len(r.Faults) != s.Listed {
		t.Errorf("%d faults are listed, want %d", len(r.Faults), s.Listed)
	}
	for i, f := range r.Faults {
		if f.Number != i+1 {
			t.Fatalf("fault %d has the number %d", i, f.Number)
		}
	}
}

// The verdict follows the severities in the rules, what was refused, and what could not
// be read.
func TestVerdict(t *testing.T) {
	square := func(x float64) string {
		return `{"type":"Polygon","coordinates":[[[` + num(x) + `,34],[` + num(x+0.001) + `,34],[` + num(x+0.001) + `,34.001],[` + num(x) + `,34.001],[` + num(x) + `,34]]]}`
	}
	bow := `{"type":"Polygon","coordinates":[[[108,34],[108.001,34.001],[108.001,34],[108,34.001],[108,34]]]}`
	flat := `{"type":"Polygon","coordinates":[[[108,34],[108.001,34],[108,34]]]}`
	cases := map[string]struct {
		shapes []string
		fails  []string
		strict bool
		want   report.Verdict
	}{
		"nothing wrong":                      {shapes: []string{square(108), square(108.1)}, fails: []string{"一类"}, want: report.Pass},
		"overlap, which fails":               {shapes: []string{square(108), square(108.0005)}, fails: []string{"一类"}, want: report.Fail},
		"overlap, which warns":               {shapes: []string{square(108), square(108.0005)}, fails: []string{"三类"}, want: report.Warnings},
		"overlap, nothing fails":             {shapes: []string{square(108), square(108.0005)}, fails: []string{}, want: report.Warnings},
		"mended":                             {shapes: []string{bow, square(108.1)}, fails: []string{}, want: report.Warnings},
		"mended in strict: refused":          {shapes: []string{bow, square(108.1)}, fails: []string{}, strict: true, want: report.Fail},
		"refused":                            {shapes: []string{flat, square(108.1)}, fails: []string{}, want: report.Warnings},
		"refused, strict":                    {shapes: []string{flat, square(108.1)}, fails: []string{}, strict: true, want: report.Fail},
		"no severity, nothing wrong, strict": {shapes: []string{square(108)}, fails: []string{}, strict: true, want: report.Pass},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			rules, err := check.LoadRules("")
			if err != nil {
				t.Fatal(err)
			}
			rules.Fails = c.fails
			rules.List = slices.DeleteFunc(rules.List, func(r check.Rule) bool {
				return r.Group == check.Structure || strings.HasPrefix(name, "mended") && r.Group == check.Topology
			})
			r := run(t, geojson(t, c.shapes...), ingest.Options{Strict: c.strict}, report.Options{Check: check.Options{Rules: rules}})
			if r.Verdict != c.want {
				t.Errorf("%s, want %s: %+v", r.Verdict, c.want, r.Summary)
			}
		})
	}
	t.Run("no other rule is asked when no file can be read", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a.geojson")
		write(t, path, `{"type":"FeatureCollection","features":[{"type":"Fea`)
		r := run(t, path, ingest.Options{}, report.Options{Drawing: report.Pictures})
		if r.Verdict != report.Fail || len(r.Errors) != 1 || r.Summary.Asked != 1 || r.Summary.Faults != 1 {
			t.Errorf("%s %v", r.Verdict, r.Errors)
		}
		if p := page(t, r); !strings.Contains(p, "不能收：") || !strings.Contains(p, "没有相应图层，未检查") || strings.Contains(p, "没有发现问题") {
			t.Error("the page does not say so")
		}
	})
}

// A file that could not be opened fails a delivery whose others are in order.
func TestUnread(t *testing.T) {
	p := problem.New("SHP_TRUNCATED", "截断", "truncated").In("b.shp")
	r := run(t, geojson(t, `{"type":"Polygon","coordinates":[[[108,34],[108.001,34],[108.001,34.001],[108,34.001],[108,34]]]}`), ingest.Options{},
		report.Options{Drawing: report.Pictures, Unread: []*problem.Problem{p}})
	if r.Verdict != report.Fail || len(r.Errors) != 1 || len(r.Rules) == 0 || !strings.Contains(page(t, r), "SHP_TRUNCATED") {
		t.Errorf("%s %v", r.Verdict, r.Errors)
	}
}

func num(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// geojson writes shapes as a layer.
func geojson(t *testing.T, shapes ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.geojson")
	var b strings.Builder
	for i, s := range shapes {
		b.WriteString(`,{"type":"Feature","properties":{"BSM":"` + strconv.Itoa(610402210000000000+i) + `"},"geometry":` + s + `}`)
	}
	write(t, path, `{"type":"FeatureCollection","features":[`+b.String()[1:]+`]}`)
	return path
}

func run(t *testing.T, path string, reading ingest.Options, opt report.Options) *report.Report {
	t.Helper()
	r, err := report.Run(t.Context(), []ingest.Input{{Layer: "pbf", Vintage: "2024", Path: path}}, reading, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// outputs returns all that a report writes, by name.
func outputs(t *testing.T, r *report.Report) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	if err := r.Shapefiles(dir); err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{"html": []byte(page(t, r))}
	var b bytes.Buffer
	if err := r.JSON(&b); err != nil {
		t.Fatal(err)
	}
	out["json"] = b.Bytes()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if out[f.Name()], err = os.ReadFile(filepath.Join(dir, f.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// The same delivery gives the same bytes, whatever the number of workers.
func TestSameBytes(t *testing.T) {
	d := deliver(t, 600)
	d.spoil()
	d.write("")
	opt := report.Options{Drawing: report.Pictures}
	a := outputs(t, d.run(ingest.Options{Workers: 1}, opt))
	b := outputs(t, d.run(ingest.Options{Workers: 5}, opt))
	if len(a) != 12 {
		t.Errorf("%d files, want JSON, page and two shapefiles of five", len(a))
	}
	for name := range a {
		if !bytes.Equal(a[name], b[name]) {
			t.Errorf("%s differs", name)
		}
	}
}

// Beyond 300 of a rule faults are counted and not listed; the page says how many.
func TestListedAreBounded(t *testing.T) {
	d := deliver(t, 600)
	for i := range 450 {
		d.set(i, "DLMC", "月球")
	}
	d.write("")
	r := d.run(ingest.Options{}, report.Options{Drawing: report.Pictures})
	k := slices.IndexFunc(r.Rules, func(p report.Rule) bool { return p.Number == rulesOf(t, "name-of-code")[0] })
	if p := r.Rules[k]; p.Count != 450 || p.Listed != 300 {
		t.Errorf("%d of %d are listed", p.Listed, p.Count)
	}
	html := page(t, r)
	if n := len(regexp.MustCompile(`<tr id="f\d+">`).FindAllString(html, -1)); n != len(r.Faults) {
		t.Errorf("%d rows, want %d", n, len(r.Faults))
	}
	if !strings.Contains(html, "另有 150 处未在此列出") {
		t.Error("the page does not say how many it leaves out")
	}
}

// hostile are values that no report may pass on as they are.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'-alert(1)-'`, `{{.}}`, `javascript:alert(1)`,
	"a\x01b\x1b[31mc", "abc\u202Edef", "]]>&lt;!--", "=cmd|'/C calc'!A0", "+1+1", "@SUM(A1)", strings.Repeat("长", 5000), strings.Repeat("x", 100_000),
}

// hostileReport is the report of a delivery of hostile values, pair by pair at one place,
// so that they overlap.
func hostileReport(t *testing.T) *report.Report {
	t.Helper()
	var b strings.Builder
	for i, v := range hostile {
		value, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		at := 108 + float64(i/2)/100
		b.WriteString(`,{"type":"Feature","properties":{"BSM":` + string(value) + `,"DLBM":` + string(value) + `,"<b>":1},"geometry":{"type":"Polygon","coordinates":[[[` +
			num(at) + `,34],[` + num(at+0.001+float64(i)/1e5) + `,34],[` + num(at+0.001) + `,34.001],[` + num(at) + `,34.001],[` + num(at) + `,34]]]}}`)
	}
	path := filepath.Join(t.TempDir(), "<i>a.geojson")
	write(t, path, `{"type":"FeatureCollection","features":[`+b.String()[1:]+`]}`)
	return run(t, path, ingest.Options{}, report.Options{Drawing: report.Pictures, Date: "<u>", County: `<s>"'`})
}

// Hostile values reach the page as text alone, and the shapefile as text that is no
// formula; what is too long is cut.
func TestHostileValues(t *testing.T) {
	r := hostileReport(t)
	if r.Summary.Faults < len(hostile) {
		t.Fatalf("only %d faults: the values are not in the report", r.Summary.Faults)
	}
	html := page(t, r)
	for _, bad := range []string{"<script", "<img", "<b>:", "<i>a", "<u>", "<s>", "\x01", "\x1b", "\u202E", "onerror=alert(1)>", strings.Repeat("长", 500), strings.Repeat("x", 500)} {
		if strings.Contains(html, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if !strings.Contains(html, "&lt;script&gt;alert(1)&lt;/script&gt;") || !strings.Contains(html, "a␁b␛[31mc") {
		t.Error("the page does not show the values as text")
	}
	if len(html) > 1<<20 {
		t.Errorf("the page has %d bytes", len(html))
	}
	var text bytes.Buffer
	if err := r.Write(&text, problem.English); err != nil {
		t.Fatal(err)
	}
	if s := text.String(); strings.ContainsAny(s, "\x01\x1b\u202E") {
		t.Error("the summary holds control characters")
	}
	for _, f := range read(t, r, report.PointsFile) {
		for _, name := range []string{"BSM", "BSM2", "MSG"} {
			if s, _ := f.Properties[name].(string); s != "" && strings.ContainsAny(s[:1], "=+-@") {
				t.Errorf("%s is a formula: %.40q", name, s)
			}
		}
	}
}

// FORMAT.md tells of each member of the JSON.
func TestFormatIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for typ.Kind() == reflect.Slice || typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || typ.PkgPath() != reflect.TypeFor[report.Report]().PkgPath() {
			return
		}
		for i := range typ.NumField() {
			f := typ.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if !f.IsExported() {
				continue
			}
			if name == "" || !strings.Contains(string(doc), "`"+name+"`") {
				t.Errorf("FORMAT.md does not tell of %s.%s (%q)", typ.Name(), f.Name, name)
			}
			walk(f.Type)
		}
	}
	walk(reflect.TypeFor[report.Report]())
}

// A page stays below 5 MB, whatever is wrong with a delivery; rows that are left out are
// told.
func TestPageIsBounded(t *testing.T) {
	d := deliver(t, 1200)
	long := strings.Repeat("长", 60)
	for i := range d.features {
		d.push(i, 0, 3)
		for _, name := range []string{"DLBM", "DLMC", "QSXZ", "QSDWDM", "ZLDWDM", "GDLX", "GDPDJB", "KCDLBM", "CZCSXM", "MSSM"} {
			d.set(i, name, long)
		}
		d.set(i, "TBMJ", -1.0)
		d.set(i, "KCXS", 7.0)
	}
	d.layer.Fields = slices.Clone(d.layer.Fields)
	for i := range d.layer.Fields {
		d.layer.Fields[i].Width = 0
	}
	d.write("UTF-8")
	r := d.run(ingest.Options{}, report.Options{Drawing: report.Pictures, Check: check.Options{Listed: 3000}})
	html := page(t, r)
	rows := len(regexp.MustCompile(`<tr id="f\d+">`).FindAllString(html, -1))
	if len(html) > 5_000_000 || rows == len(r.Faults) || !strings.Contains(html, "处未在此列出") {
		t.Errorf("%d bytes, %d rows of %d faults", len(html), rows, len(r.Faults))
	}
	last := r.Faults[len(r.Faults)-1]
	first := slices.IndexFunc(r.Faults, func(f report.Fault) bool { return f.Rule == last.Rule })
	if !strings.Contains(html, `<tr id="f`+strconv.Itoa(first+1)+`">`) {
		t.Errorf("the last rule, %s, has no rows", last.Rule)
	}
	t.Logf("%d bytes, %d rows of %d faults", len(html), rows, len(r.Faults))
}

// Texts name a severity in the language that they are in; the JSON has the one name that
// rules have, whatever the language.
func TestSeverityWords(t *testing.T) {
	d := deliver(t, 600)
	d.spoil()
	d.write("")
	r := d.run(ingest.Options{}, report.Options{})
	var chinese, english, data, page bytes.Buffer
	for _, err := range []error{r.Write(&chinese, problem.Chinese), r.Write(&english, problem.English), r.JSON(&data), r.HTML(&page)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	names := check.Severities()
	for text, wants := range map[*bytes.Buffer]map[string]bool{
		&chinese: {"[" + names[0] + "]": true, "[class": false},
		&english: {"[class 1]": true, names[0]: false, names[1]: false, names[2]: false},
		&data:    {`"severity": "` + names[0] + `"`: true, "class 1": false},
		&page:    {`<span class="zh">` + names[0] + `</span> <span class="en">class 1</span>`: true, `<span class="en">` + names[0]: false},
	} {
		for want, there := range wants {
			if strings.Contains(text.String(), want) != there {
				t.Errorf("%q is there: %t\n%.2000s", want, !there, text)
			}
		}
	}
	if check.EnglishSeverity("四类") != "四类" {
		t.Error("what is no severity is called one")
	}
}
