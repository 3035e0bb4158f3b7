package forms_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/analyze"
	"gengtu/index/analyze/forms"
	"gengtu/index/problem"
)

// What is written and read back is the answer, and is written as the same bytes again.
func TestJSONRoundTrip(t *testing.T) {
	for _, geometry := range []bool{false, true} {
		opt := forms.Options{Geometry: geometry}
		r := answer()
		text := written(t, r, forms.JSON, opt)
		if again := written(t, answer(), forms.JSON, opt); !bytes.Equal(text, again) {
			t.Fatal("the same answer has other bytes")
		}
		got, err := forms.Read(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if again := written(t, got, forms.JSON, opt); !bytes.Equal(text, again) {
			t.Errorf("read and written again it is other:\n%s", cmp.Diff(string(text), string(again)))
		}
		if got.Question.Name != "test-lots" || got.Question.About != r.Question.About || got.Run != r.Run || got.Request.Place != "3401" || got.Request.Previous.Run != "ffffffffffffffff" {
			t.Errorf("of the question there is %+v, %+v", got.Question, got.Request)
		}
		for i, name := range []string{"Columns", "Title", "Name"} {
			if d := cmp.Diff(r.Tables[i%2].Columns, got.Tables[i%2].Columns); d != "" {
				t.Errorf("%s: %s", name, d)
			}
		}
		row := got.Tables[0].Rows[1]
		if d := cmp.Diff(r.Tables[0].Rows[1], row); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(r.Tables[0].Rows[2], got.Tables[0].Rows[2]); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(r.Identities, got.Identities); d != "" {
			t.Error(d)
		}
		for i := range r.Tables[1].Rows {
			want, _ := r.Shapes[0].Geometry(t.Context(), i)
			m, err := got.Shapes[0].Geometry(t.Context(), i)
			if geometry && (err != nil || !cmp.Equal(want, m)) {
				t.Errorf("shape %d is %v (%v), not %v", i, m, err, want)
			}
			if !geometry && !errors.Is(err, problem.New("ANSWER_SHAPES", "", "")) {
				t.Errorf("shapes that were not kept are answered by %v", err)
			}
		}
	}
}

// Whoever reads the JSON with other means finds exact decimal digits, and null for nothing.
func TestJSONFigures(t *testing.T) {
	text := string(written(t, answer(), forms.JSON, forms.Options{}))
	for _, want := range []string{
		`"area_m2":12345678.91,"area_mu":18518.5184,"area_ha":1234.57,"share":0.333333,"edge":12.35,"gain":0,"flag":true}`,
		`"area_m2":-0.05,"area_mu":-0.0001,"area_ha":0.00,"share":0.5,"edge":0.00,"gain":1000000000000,"flag":false}`,
		`{"xzqdm":null,"xzqmc":null,"n":null,"area_m2":null,"area_mu":null,"area_ha":null,"share":null,"edge":null,"gain":null,"flag":null}`,
		`{"name":"area","title":{"zh":"面积","en":"area"},"kind":"area","unit":"m2"}`,
		`"crs":"EPSG:4490"`, `"left_m2":12345678.86,"right_m2":12345678.85,"difference_m2":0.01`, `"sankey":{"links":[1,2],"of":"<a&b>"}`,
		`"shapes":[` + "\n" + `{"name":"test_lots","title":{"zh":"地块","en":"Lots"},"table":"lots"}]`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %s in\n%s", want, text)
		}
	}
	if !json.Valid([]byte(text)) {
		t.Error("it is no JSON")
	}
}

// Areas in mu and hectares are those of exact arithmetic, halves away from zero.
func TestAreaDigits(t *testing.T) {
	table := &analyze.Table{Name: "t", Columns: []analyze.Column{{Name: "a", Kind: analyze.Areas}}}
	fields, err := forms.Fields(table)
	if err != nil {
		t.Fatal(err)
	}
	exact := func(a int64, per int64, by int64, decimals int) string {
		r := big.NewRat(a*per, by)
		return r.FloatString(decimals) // halves away from zero
	}
	random := rand.New(rand.NewPCG(8, 1))
	for i := range 100_000 {
		a := int64(i - 50_000)
		if i%2 == 1 {
			a = random.Int64N(2e15) - 1e15
		}
		row := []any{analyze.Area(a)}
		for k, want := range []string{exact(a, 1, 100, 2), exact(a, 15, 1_000_000, 4), exact(a, 1, 1_000_000, 2)} {
			got, err := fields[k].Text(row)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Trim(want, "-0.") == "" {
				want = strings.TrimPrefix(want, "-")
			}
			if got != want {
				t.Fatalf("%d as %s is %s, not %s", a, fields[k].Name, got, want)
			}
		}
	}
}

// A file that is none of these, or contradicts itself, is refused with the reason.
func TestReadRefuses(t *testing.T) {
	whole := string(written(t, answer(), forms.JSON, forms.Options{Geometry: true}))
	change := func(from, to string) string {
		if !strings.Contains(whole, from) {
			t.Fatalf("there is no %s", from)
		}
		return strings.Replace(whole, from, to, 1)
	}
	for name, c := range map[string]struct{ text, says string }{
		"empty":                         {"", "no whole JSON"},
		"no JSON":                       {"PK\x03\x04", "no whole JSON"},
		"another JSON":                  {`{"type":"FeatureCollection","features":[]}`, "it has no run"},
		"an array":                      {`[1]`, "not {"},
		"cut":                           {whole[:len(whole)/2], "no whole JSON"},
		"something behind":              {whole + "{}", "something follows"},
		"a member twice":                {change(`"crs":"EPSG:4490"`, `"crs":"EPSG:4490","crs":"EPSG:4490"`), "twice"},
		"another coordinate system":     {change(`"crs":"EPSG:4490"`, `"crs":"EPSG:3857"`), "coordinate system"},
		"mu that are another area":      {change(`"area_mu":18518.5184`, `"area_mu":18518.5185`), "not the area in m²"},
		"m² that are another area":      {change(`"area_m2":12345678.91`, `"area_m2":12345679.91`), "not the area in m²"},
		"ha that are another area":      {change(`"area_ha":1234.57`, `"area_ha":1234.56`), "not the area in m²"},
		"an area in too many digits":    {change(`"area_m2":12345678.91`, `"area_m2":12345678.911`), "is no area"},
		"an area larger than the earth": {change(`"area_m2":12345678.91`, `"area_m2":1234567890123456.91`), "is no area"},
		"text in a count":               {change(`"n":3`, `"n":"3"`), "is no count"},
		"a number in a code":            {change(`"xzqdm":"340100"`, `"xzqdm":340100`), "is no code"},
		"an object in a cell":           {change(`"xzqdm":"340100"`, `"xzqdm":{}`), "no single value"},
		"a column that is not there":    {change(`"n":3`, `"n":3,"m":3`), "should not have it"},
		"a column that is missing":      {change(`"n":3,`, ``), "lacks columns"},
		"a cell twice":                  {change(`"n":3`, `"n":3,"n":3`), "twice"},
		"an unknown kind":               {change(`"kind":"count"`, `"kind":"money"`), "kind of column"},
		"an identity that is open":      {change(`"difference_m2":0.01`, `"difference_m2":0.00`), "identity whole"},
		"another question in request":   {change(`"request":{"question":"test-lots"`, `"request":{"question":"flows"`), "run or question"},
		"a tier that is none":           {change(`"tier":"government"`, `"tier":"all"`), "tier"},
		"a shape too few":               {change("null]}", "]}"), ""},
		"a shape that is none":          {change(`"type":"Polygon"`, `"type":"Point"`), "layer of shapes"},
		"the same table twice":          {change(`"name":"lots"`, `"name":"by_place"`), "name of another"},
		"a table of a layer missing":    {change(`"table":"lots"`, `"table":"plots"`), "is not there"},
	} {
		_, err := forms.Read(strings.NewReader(c.text))
		p := problem.Of(err)
		if p == nil || !strings.Contains(p.Text(problem.English), c.says) || p.Found(problem.Chinese) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An error of the reader is told as it is.
func TestReadFails(t *testing.T) {
	broken := errors.New("the disk is gone")
	if _, err := forms.Read(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Error(err)
	}
}

// Rows may stand before their columns, as programs that order members write them.
func TestRowsBeforeColumns(t *testing.T) {
	text := written(t, answer(), forms.JSON, forms.Options{Geometry: true})
	var v any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	for _, table := range v.(map[string]any)["tables"].([]any) {
		m := table.(map[string]any)
		m["zcolumns"] = m["columns"]
		delete(m, "columns")
	}
	var sorted bytes.Buffer
	e := json.NewEncoder(&sorted)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	got, err := forms.Read(bytes.NewReader(bytes.ReplaceAll(sorted.Bytes(), []byte(`"zcolumns"`), []byte(`"columns"`))))
	if err != nil {
		t.Fatal(err)
	}
	if again := written(t, got, forms.JSON, forms.Options{Geometry: true}); !bytes.Equal(text, again) {
		t.Error(cmp.Diff(string(text), string(again)))
	}
}

// What no file can hold is refused where it is written, and so is a layer's error.
func TestWriteRefuses(t *testing.T) {
	for name, spoil := range map[string]func(r *analyze.Result){
		"a column twice":           func(r *analyze.Result) { r.Tables[0].Columns[2].Name = "area_mu" },
		"a column without a name":  func(r *analyze.Result) { r.Tables[0].Columns[3].Name = "" },
		"an extra of another name": func(r *analyze.Result) { r.Extra["tables"] = 1 },
		"a number that is none":    func(r *analyze.Result) { r.Tables[0].Rows[0][4] = nan() },
	} {
		r := answer()
		spoil(r)
		if err := forms.Write(t.Context(), &bytes.Buffer{}, r, forms.JSON, forms.Options{}); problem.Of(err) == nil || problem.Of(err).Code != "ANSWER_VALUE" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func nan() float64 { zero := 0.0; return zero / zero }

func FuzzRead(f *testing.F) {
	for _, geometry := range []bool{false, true} {
		var b bytes.Buffer
		if err := forms.Write(f.Context(), &b, answer(), forms.JSON, forms.Options{Geometry: geometry}); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	// What is read is written, and what was written is read as the same.
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := forms.Read(bytes.NewReader(data))
		if err != nil {
			if problem.Of(err) == nil {
				t.Fatalf("an error that is no problem: %v", err)
			}
			return
		}
		opt := forms.Options{Geometry: len(r.Shapes) > 0}
		for _, s := range r.Shapes {
			if _, err := s.Geometry(t.Context(), 0); problem.Of(err) != nil {
				opt.Geometry = false
			}
		}
		text := written(t, r, forms.JSON, opt)
		again, err := forms.Read(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if got := written(t, again, forms.JSON, opt); !bytes.Equal(text, got) {
			t.Fatal(cmp.Diff(string(text), string(got)))
		}
	})
}
