package areas

import (
	"encoding/json"
	"io"
	"strconv"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// book writes results as a workbook: a summary with one row a shape, the classes,
// the combinations, what was wrong or doubtful, and what the figures are. Codes
// are text; m² and ha have 2 decimals, mu 4, and the combinations of a shape add
// up to its area in 0.01 m².
type book struct {
	w     io.Writer
	about About
	n     int

	summary, classes, combinations, problems *sheet

	layers []string // the columns of the summary, once an answer names them
	first  []shapeRow
}

// shapeRow is what the summary says of a shape without an answer, kept until the
// columns are known.
type shapeRow struct {
	number          int
	id, name, state string
	properties      string
}

func newBook(w io.Writer, about About) *book {
	b := &book{
		w: w, about: about,
		summary: newSheet("汇总"), classes: newSheet("地类"), combinations: newSheet("组合"), problems: newSheet("问题"),
	}
	b.classes.head([]string{"序号 No.", "编号 id", "图层 layer", "时相 vintage", "字段 field", "代码 code", "要素数 features", "面积 m²", "面积 亩", "面积 公顷", "净面积 net m²"},
		[]float64{8, 16, 14, 10, 14, 14, 10, 16, 16, 12, 16})
	b.combinations.head([]string{"序号 No.", "编号 id", "在内 inside", "在外 outside", "面积 m²", "面积 亩", "面积 公顷"}, []float64{8, 16, 28, 28, 16, 16, 12})
	b.problems.head([]string{"序号 No.", "编号 id", "图层 layer", "要素 feature", "代码 code", "问题", "problem", "建议", "advice"},
		[]float64{8, 16, 14, 20, 22, 50, 50, 40, 40})
	return b
}

// Write implements [ResultWriter].
func (b *book) Write(r *Result) error {
	b.n++
	row := shapeRow{b.n, plain(r.ID), nameOf(r.Properties), "ok", compact(r.Properties)}
	if r.Problem != nil {
		row.state = "failed " + r.Problem.Code
		b.problem(&row, "", "", r.Problem)
		if b.layers == nil {
			b.first = append(b.first, row)
			return nil
		}
		b.shape(&row, nil)
		return b.fault()
	}
	a := r.Answer
	if b.layers == nil {
		b.begin(a)
	}
	b.shape(&row, a)
	for i := range a.Layers {
		b.groups(&row, &a.Layers[i])
	}
	b.combined(&row, a)
	for _, p := range a.AOI.Problems {
		b.problem(&row, "", "", p)
	}
	for _, f := range a.Failed {
		b.problem(&row, f.Layer, strconv.FormatUint(f.ID, 10), problem.New("FEATURE_FAILED", "没有算出来（%s）", "could not be measured (%s)", f.Reason))
	}
	return b.fault()
}

func (b *book) fault() error {
	for _, s := range []*sheet{b.summary, b.classes, b.combinations, b.problems} {
		if s.err != nil {
			return s.err
		}
	}
	return nil
}

// begin writes the summary's columns for the layers of an answer.
func (b *book) begin(a *Answer) {
	columns := []string{"序号 No.", "编号 id", "名称 name", "状态 status", "面积 m²", "面积 亩", "面积 公顷"}
	widths := []float64{8, 16, 20, 10, 16, 16, 12}
	b.layers = []string{}
	if a != nil {
		for i := range a.Layers {
			l := &a.Layers[i]
			b.layers = append(b.layers, l.Layer)
			name := b.about.title(l.Layer) + " " + l.Vintage
			columns = append(columns, name+" 要素数", name+" m²", name+" 亩", name+" 公顷", name+" 图斑面积 m²", name+" 净面积 m²")
			widths = append(widths, 10, 16, 16, 12, 16, 16)
		}
	}
	b.summary.head(append(columns, "属性 properties"), append(widths, 40))
	for i := range b.first {
		b.shape(&b.first[i], nil)
	}
	b.first = nil
}

// shape writes the row of a shape; without an answer its figures are empty.
func (b *book) shape(row *shapeRow, a *Answer) {
	s := b.summary
	s.count(row.number)
	s.text(row.id)
	s.text(row.name)
	s.text(row.state)
	if a == nil {
		s.column += 3 + 6*len(b.layers)
	} else {
		areaCells(s, a.AOI.AreaM2)
		for i := range a.Layers {
			l := &a.Layers[i]
			s.count(l.Count)
			areaCells(s, l.AreaM2)
			s.number(l.PatchM2, styleM2)
			s.number(l.NetM2, styleM2)
		}
	}
	s.text(row.properties)
	s.end()
}

// areaCells writes an area in m², mu and ha.
func areaCells(s *sheet, m2 float64) {
	mu, ha := m2*geo.MuPerM2, m2/1e4
	s.number(&m2, styleM2)
	s.number(&mu, styleMu)
	s.number(&ha, styleM2)
}

func (b *book) groups(row *shapeRow, l *Layer) {
	s := b.classes
	for i := range l.Groups {
		g := &l.Groups[i]
		fields, codes := g.columns()
		s.count(row.number)
		s.text(row.id)
		s.text(b.about.title(l.Layer))
		s.text(l.Vintage)
		s.text(fields)
		s.text(codes)
		s.count(g.Count)
		areaCells(s, g.AreaM2)
		s.number(g.NetM2, styleM2)
		s.end()
	}
}

// columns are the names of the class's fields and their values, each joined.
func (g *Group) columns() (fields, codes string) {
	for i, f := range g.Fields {
		if i > 0 {
			fields += " / "
			codes += " / "
		}
		fields += f
		codes += text(g.Values[i])
	}
	return fields, codes
}

func (b *book) combined(row *shapeRow, a *Answer) {
	s := b.combinations
	for i, m2 := range a.hundredths() {
		c := &a.Combinations[i]
		s.count(row.number)
		s.text(row.id)
		s.text(b.about.titles(c.Inside))
		s.text(b.about.titles(c.Outside))
		areaCells(s, m2)
		s.end()
	}
}

// hundredths are the areas of the combinations in whole 0.01 m², which add up to
// the shape's.
func (a *Answer) hundredths() []float64 {
	if len(a.Combinations) == 0 {
		return nil
	}
	parts := make([]float64, len(a.Combinations))
	for i := range parts {
		parts[i] = a.Combinations[i].AreaM2
	}
	for i, v := range geo.LargestRemainder(geo.Hundredths(round(a.AOI.AreaM2*100, 0)), parts) {
		parts[i] = float64(v) / 100
	}
	return parts
}

func (b *book) problem(row *shapeRow, layer, feature string, p *problem.Problem) {
	s := b.problems
	s.count(row.number)
	s.text(row.id)
	s.text(layer)
	s.text(feature)
	s.text(p.Code)
	s.text(p.Found(problem.Chinese))
	s.text(p.Found(problem.English))
	s.text(p.Advice(problem.Chinese))
	s.text(p.Advice(problem.English))
	s.end()
}

// Abort implements [ResultWriter]. A workbook cannot be half written: nothing is.
func (b *book) Abort(*problem.Problem) error { return noPart }

// Close implements [ResultWriter].
func (b *book) Close() error {
	if b.layers == nil {
		b.begin(nil)
	}
	notes := newSheet("说明")
	notes.head([]string{"项目 item", "内容 content"}, []float64{22, 90})
	for _, n := range b.about.notes() {
		notes.text(n.Name)
		notes.text(n.Text)
		notes.end()
	}
	return writeBook(b.w, []*sheet{b.summary, b.classes, b.combinations, b.problems, notes})
}

// nameOf finds what a shape is called in its properties.
func nameOf(properties json.RawMessage) string {
	var p map[string]json.RawMessage
	if len(properties) == 0 || json.Unmarshal(properties, &p) != nil {
		return ""
	}
	for _, k := range []string{"name", "NAME", "名称", "地块名称", "DKMC", "XMMC", "title"} {
		var s string
		if v, ok := p[k]; ok && json.Unmarshal(v, &s) == nil && s != "" {
			return s
		}
	}
	return ""
}
