package forms

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"gengtu/index/analyze"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
)

// maxColumns bounds the columns of a table that is read.
const maxColumns = 1000

// Read reads an answer that [Write] wrote as [JSON]: a kept one. It has the question's
// name, title, definition and sources as they were then, whether or not there is such a
// question now, and cannot be run. Extras are [json.RawMessage]. Of Request.Previous
// there is the run alone. Shapes are those that were written; where they were not,
// Geometry answers a problem ANSWER_SHAPES.
//
// What is no such answer, or contradicts itself (an area in mu that is not that in m², an
// identity whose difference is another), is a problem ANSWER_FORM. What is read costs
// memory in proportion to its bytes.
func Read(r io.Reader) (*analyze.Result, error) {
	d := &decoder{Decoder: json.NewDecoder(r), members: map[string]json.RawMessage{}, result: &analyze.Result{}}
	d.UseNumber()
	err := d.read()
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	if errors.As(err, &syntax) || errors.As(err, &kind) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = badForm("不是完整的 JSON（%v）", "it is no whole JSON (%v)", err).Because(err)
	}
	if err != nil {
		return nil, err
	}
	return d.result, nil
}

// badForm is the problem of what is no answer.
func badForm(zh, en string, args ...any) *problem.Problem {
	return problem.New("ANSWER_FORM", "不是 gengtu analyze 的答案："+zh, "this is no answer of gengtu analyze: "+en, args...).
		Advise("用 gengtu analyze … --out 文件.json 写出的文件", "take a file that gengtu analyze … --out FILE.json wrote")
}

// decoder reads an answer member by member, tables row by row.
type decoder struct {
	*json.Decoder
	members map[string]json.RawMessage // those of the head, and extras
	result  *analyze.Result
	layers  []layerRead
}

// layerRead is a layer of shapes whose table may come later.
type layerRead struct {
	Name       string            `json:"name"`
	Title      edition.Title     `json:"title"`
	Table      string            `json:"table"`
	Geometries []json.RawMessage `json:"geometries"`
}

func (d *decoder) read() error {
	seen := map[string]bool{}
	err := d.object(func(name string) error {
		if seen[name] {
			return badForm("%.40s 出现两次", "%.40s comes twice", name)
		}
		seen[name] = true
		switch name {
		case "tables":
			return d.array(d.table)
		case "shapes":
			return d.Decode(&d.layers)
		}
		var value json.RawMessage
		err := d.Decode(&value)
		d.members[name] = value
		return err
	})
	if err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return badForm("后面还有别的内容", "something follows it")
	}
	for _, name := range []string{"run", "question", "title", "request", "generation", "program", "tier", "formula", "crs", "rules", "layers", "identities", "tables"} {
		if !seen[name] {
			return badForm("没有 %s", "it has no %s", name)
		}
	}
	if err := d.head(); err != nil {
		return err
	}
	return d.shapes()
}

// object reads an object, whose members are read by the function.
func (d *decoder) object(member func(name string) error) error {
	if err := d.delim('{'); err != nil {
		return err
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		name, ok := t.(string)
		if !ok {
			return badForm("%v 不是名称", "%v is no name", t)
		}
		if err := member(name); err != nil {
			return err
		}
	}
	return d.delim('}')
}

// array reads an array, whose elements are read by the function.
func (d *decoder) array(element func() error) error {
	if err := d.delim('['); err != nil {
		return err
	}
	for d.More() {
		if err := element(); err != nil {
			return err
		}
	}
	return d.delim(']')
}

func (d *decoder) delim(want json.Delim) error {
	t, err := d.Token()
	if err == nil && t != want {
		err = badForm("第 %[1]d 字节处应为 %[3]s，而是 %.40[2]v", "byte %[1]d is %.40[2]v, not %[3]s", d.InputOffset(), t, want)
	}
	return err
}

// head takes the members beside tables and shapes.
func (d *decoder) head() error {
	var h head
	for _, m := range []struct {
		name string
		to   any
	}{
		{"run", &h.Run}, {"question", &h.Question}, {"title", &h.Title}, {"about", &h.About}, {"request", &h.Request}, {"previous", &h.Previous},
		{"generation", &h.Generation}, {"program", &h.Program}, {"tier", &h.Tier}, {"formula", &h.Formula}, {"crs", &h.CRS}, {"rules", &h.Rules},
		{"layers", &h.Layers}, {"identities", &h.Identities}, {"notes", &h.Notes}, {"sources", &h.Sources}, {"policy", &h.Policy},
	} {
		data, ok := d.members[m.name]
		if !ok {
			continue
		}
		if err := json.Unmarshal(data, m.to); err != nil {
			return badForm("%s 读不出来（%v）", "%s cannot be read (%v)", m.name, err).Because(err)
		}
		delete(d.members, m.name)
	}
	if h.CRS != crsName {
		return badForm("坐标系是 %.40q", "its coordinate system is %.40q", h.CRS)
	}
	if h.Run == "" || h.Question == "" || h.Request.Question != h.Question {
		return badForm("run 或 question 不对", "its run or question is not right")
	}
	if _, err := edition.ParseTier(string(h.Tier)); err != nil {
		return err
	}
	r := d.result
	r.Run, r.Request, r.Generation, r.Program, r.Tier, r.Formula, r.Rules = h.Run, h.Request, h.Generation, h.Program, h.Tier, h.Formula, h.Rules
	r.Question = &analyze.Question{Name: h.Question, Title: h.Title, About: h.About, Sources: h.Sources}
	r.Layers, r.Notes, r.Policy = h.Layers, h.Notes, h.Policy
	if h.Previous != "" {
		r.Request.Previous = &analyze.Result{Run: h.Previous}
	}
	for i := range h.Identities {
		x, err := h.Identities[i].read()
		if err != nil {
			return err
		}
		r.Identities = append(r.Identities, x)
	}
	if len(d.members) > 0 {
		r.Extra = map[string]any{}
	}
	for name, value := range d.members {
		r.Extra[name] = value
	}
	return nil
}

// read returns the identity, whose three figures agree.
func (i *identity) read() (analyze.Identity, error) {
	out := analyze.Identity{Name: i.Name, Title: i.Title}
	left, okLeft := parseArea(string(i.Left))
	right, okRight := parseArea(string(i.Right))
	difference, okDifference := parseArea(string(i.Difference))
	if !okLeft || !okRight || !okDifference || left-right != difference {
		return out, badForm("恒等式 %.40s 的两边与差不符", "the sides of the identity %.40s are not what its difference says", i.Name)
	}
	out.Left, out.Right = left, right
	return out, nil
}

// parseArea reads an area in m².
func parseArea(s string) (analyze.Area, bool) {
	n, ok := parseFixed(s, 2)
	a := analyze.Area(n)
	return a, ok && -maxArea <= a && a <= maxArea
}

// tableRead is a table on its way. Rows that come before the columns wait for them.
type tableRead struct {
	*analyze.Table
	fields []Field
	places map[string]int // of fields, by name
	early  json.RawMessage
	known  bool // columns were read
}

func (d *decoder) table() error {
	t := &tableRead{Table: &analyze.Table{}}
	err := d.object(func(name string) error {
		switch name {
		case "name":
			return d.Decode(&t.Name)
		case "title":
			return d.Decode(&t.Title)
		case "columns":
			return t.head(d.Decoder)
		case "rows":
			if !t.known {
				return d.Decode(&t.early)
			}
			return d.array(func() error { return t.row(d) })
		}
		return badForm("表里不该有 %.40s", "a table has no %.40s", name)
	})
	if err != nil {
		return err
	}
	if t.Name == "" || !t.known || slices.ContainsFunc(d.result.Tables, func(o *analyze.Table) bool { return o.Name == t.Name }) {
		return badForm("有表没有列或名称，或重名：%.40s", "a table has no columns or no name, or the name of another: %.40s", t.Name)
	}
	if t.early != nil {
		in := &decoder{Decoder: json.NewDecoder(bytes.NewReader(t.early))}
		in.UseNumber()
		if err := in.array(func() error { return t.row(in) }); err != nil {
			return err
		}
	}
	d.result.Tables = append(d.result.Tables, t.Table)
	return nil
}

// head reads the columns.
func (t *tableRead) head(d *json.Decoder) error {
	var columns []column
	if err := d.Decode(&columns); err != nil {
		return err
	}
	if t.known || len(columns) > maxColumns {
		return badForm("表 %.40s 的列多于 %d，或出现两次", "table %.40s has more than %d columns, or has them twice", t.Name, maxColumns)
	}
	for _, c := range columns {
		switch c.Kind {
		case analyze.Text, analyze.Code, analyze.Count, analyze.Areas, analyze.Length, analyze.Ratio, analyze.Number, analyze.Truth:
		default:
			return badForm("列 %.40s 的类型是 %.40q", "the kind of column %.40s is %.40q", c.Name, c.Kind)
		}
		t.Columns = append(t.Columns, analyze.Column{Name: c.Name, Title: c.Title, Kind: c.Kind})
	}
	var err error
	if t.fields, err = Fields(t.Table); err != nil {
		return err
	}
	t.places, t.known = map[string]int{}, true
	for i := range t.fields {
		t.places[t.fields[i].Name] = i
	}
	return nil
}

// row reads a row, which has each field once.
func (t *tableRead) row(d *decoder) error {
	values := make([]json.Token, len(t.fields))
	seen := make([]bool, len(t.fields))
	n := 0
	err := d.object(func(name string) error {
		i, ok := t.places[name]
		if !ok || seen[i] {
			return badForm("表 %.40s 第 %d 行的 %.40s 多余或重复", "row %[2]d of table %.40[1]s has %.40[3]s twice, or should not have it", t.Name, len(t.Rows)+1, name)
		}
		v, err := d.Token()
		if _, nested := v.(json.Delim); nested {
			return badForm("表 %.40s 第 %d 行的 %.40s 不是单个值", "in row %[2]d of table %.40[1]s %.40[3]s is no single value", t.Name, len(t.Rows)+1, name)
		}
		values[i], seen[i] = v, true
		n++
		return err
	})
	if err != nil {
		return err
	}
	if n != len(t.fields) {
		return badForm("表 %.40s 第 %d 行缺列", "row %[2]d of table %.40[1]s lacks columns", t.Name, len(t.Rows)+1)
	}
	row := make([]any, len(t.Columns))
	for i := range t.fields {
		f := &t.fields[i]
		if f.Unit == Mu || f.Unit == Ha {
			if !sameArea(row[f.Column], values[i], f.Unit) {
				return badForm("表 %.40s 第 %d 行的 %.40s 与平方米不符", "in row %[2]d of table %.40[1]s %.40[3]s is not the area in m²", t.Name, len(t.Rows)+1, f.Name)
			}
			continue
		}
		v, ok := valueOf(f.Kind, values[i])
		if !ok {
			return badForm("表 %.40s 第 %d 行的 %.40s 不是 %s", "in row %[2]d of table %.40[1]s %.40[3]s is no %[4]s", t.Name, len(t.Rows)+1, f.Name, string(f.Kind))
		}
		row[f.Column] = v
	}
	t.Rows = append(t.Rows, row)
	return nil
}

// sameArea tells whether a value of another unit is that of the area.
func sameArea(area any, v json.Token, u Unit) bool {
	a, ok := area.(analyze.Area)
	if !ok {
		return v == nil
	}
	n, isNumber := v.(json.Number)
	want, decimals := inHa(a), 2
	if u == Mu {
		want, decimals = inMu(a), muDecimals
	}
	got, ok := parseFixed(string(n), decimals)
	return isNumber && ok && got == want
}

// valueOf returns a value as a column of the kind holds it.
func valueOf(k analyze.Kind, v json.Token) (any, bool) {
	switch v := v.(type) {
	case nil:
		return nil, true
	case string:
		return v, k == analyze.Text || k == analyze.Code
	case bool:
		return v, k == analyze.Truth
	case json.Number:
		switch k {
		case analyze.Areas:
			a, ok := parseArea(string(v))
			return a, ok
		case analyze.Count:
			n, err := strconv.ParseInt(string(v), 10, 64)
			return n, err == nil
		case analyze.Length, analyze.Ratio, analyze.Number:
			x, err := strconv.ParseFloat(string(v), 64)
			return x, err == nil && !math.IsInf(x, 0)
		}
	}
	return nil, false
}

// shapes takes the layers of shapes.
func (d *decoder) shapes() error {
	for _, l := range d.layers {
		i := slices.IndexFunc(d.result.Tables, func(t *analyze.Table) bool { return t.Name == l.Table })
		if l.Name == "" || i < 0 {
			return badForm("图形层 %.40s 的表 %.40s 不在其中", "the table %.40[2]s of the layer of shapes %.40[1]s is not there", l.Name, l.Table)
		}
		t := d.result.Tables[i]
		if l.Geometries != nil && len(l.Geometries) != len(t.Rows) {
			return badForm("图形层 %.40s 有 %d 个图形，表有 %d 行", "the layer of shapes %.40s has %d, its table %d rows", l.Name, len(l.Geometries), len(t.Rows))
		}
		s := &analyze.Shapes{Name: l.Name, Title: l.Title, Table: t, Geometry: noShapes}
		if l.Geometries != nil {
			shapes, err := parseShapes(l.Geometries)
			if err != nil {
				return badForm("图形层 %.40s：%v", "the layer of shapes %.40s: %v", l.Name, err).Because(err)
			}
			s.Geometry = func(_ context.Context, row int) (geo.MultiPolygon, error) { return shapes[row], nil }
		}
		d.result.Shapes = append(d.result.Shapes, s)
	}
	return nil
}

// noShapes answers for an answer that was written without its shapes.
func noShapes(context.Context, int) (geo.MultiPolygon, error) {
	return nil, problem.New("ANSWER_SHAPES", "这份答案没有存图形", "this answer was kept without its shapes").
		Advise("用 --geometry 写 JSON，或重新分析", "write the JSON with --geometry, or ask again")
}

// parseShapes reads shapes, null for none. They are mended: those that were written are
// valid, and stay what they are.
func parseShapes(geometries []json.RawMessage) ([]geo.MultiPolygon, error) {
	out := make([]geo.MultiPolygon, len(geometries))
	for i, g := range geometries {
		if string(g) == "null" {
			continue
		}
		polygons, err := geo.ParseGeometry(g, geo.Limits{})
		if err != nil {
			return nil, fmt.Errorf("%d: %w", i+1, err)
		}
		m, err := areas.Shape(polygons, geo.CRS{})
		if err != nil {
			return nil, fmt.Errorf("%d: %w", i+1, err)
		}
		if out[i], _, err = overlay.Mend(m); err != nil {
			return nil, fmt.Errorf("%d: %w", i+1, err)
		}
	}
	return out, nil
}
