package areas

import (
	"encoding/json"
	"io"
	"slices"
	"strconv"

	"gengtu/index/problem"
)

// book writes results as a workbook: a summary with one row a shape, the classes,
// the pieces where they are listed, the combinations, what was wrong or doubtful,
// and what the figures are. Codes are text; m² and ha have 2 decimals, mu 4, each
// figure that of the answer, rounded by itself.
type book struct {
	w     io.Writer
	about About
	n     int

	summary, classes, pieces, combinations, problems *sheet

	vintages string // of the first answer's layers, which are those of all
	listed   bool   // pieces were
	survey   bool   // areas as booked were asked for

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
		summary: newSheet("汇总"), classes: newSheet("地类"), pieces: newSheet("图斑"), combinations: newSheet("组合"), problems: newSheet("问题"),
	}
	b.classes.head([]string{"序号 No.", "编号 id", "图层 layer", "时相 vintage", "字段 field", "代码 code", "要素数 features", "面积 m²", "面积 亩", "面积 公顷", "图斑面积 patch m²", "净面积 net m²"},
		[]float64{8, 16, 14, 10, 14, 14, 10, 16, 16, 12, 16, 16})
	b.pieces.head([]string{"序号 No.", "编号 id", "图层 layer", "时相 vintage", "要素 feature", "面积 m²", "面积 亩", "面积 公顷", "图斑面积 patch m²", "净面积 net m²", "调查面积 survey m²"},
		[]float64{8, 16, 14, 10, 20, 16, 16, 12, 16, 16, 16})
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
		b.parts(&row, &a.Layers[i])
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
	for _, s := range []*sheet{b.summary, b.classes, b.pieces, b.combinations, b.problems} {
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
		b.vintages = b.about.vintages(a.Layers)
		if b.survey = a.AOI.SurveyM2 != nil; b.survey {
			columns = append(columns, "调查面积 survey m²", "调查带 survey zone")
			widths = append(widths, 16, 20)
		}
		for i := range a.Layers {
			l := &a.Layers[i]
			b.layers = append(b.layers, l.Layer)
			name := b.about.title(l.Layer) + " " + l.Vintage
			columns = append(columns, name+" 要素数", name+" m²", name+" 亩", name+" 公顷", name+" 图斑面积 m²", name+" 净面积 m²")
			widths = append(widths, 10, 16, 16, 12, 16, 16)
			if b.survey {
				columns, widths = append(columns, name+" 调查面积 m²"), append(widths, 16)
			}
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
		if b.survey {
			s.column += 2 + len(b.layers)
		}
	} else {
		areaCells(s, a.AOI.area())
		if b.survey {
			s.number(a.AOI.SurveyM2, styleM2)
			s.text(a.AOI.SurveyZone)
		}
		for i := range a.Layers {
			l := &a.Layers[i]
			s.count(l.Count)
			areaCells(s, l.area())
			s.number(l.PatchM2, styleM2)
			s.number(l.NetM2, styleM2)
			if b.survey {
				s.number(l.SurveyM2, styleM2)
			}
		}
	}
	s.text(row.properties)
	s.end()
}

// areaCells writes an area in m², mu and ha.
func areaCells(s *sheet, a area) {
	s.number(&a.m2, styleM2)
	s.number(&a.mu, styleMu)
	s.number(&a.ha, styleM2)
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
		areaCells(s, g.area())
		s.number(g.PatchM2, styleM2)
		s.number(g.NetM2, styleM2)
		s.end()
	}
}

// parts lists the pieces of a layer.
func (b *book) parts(row *shapeRow, l *Layer) {
	s := b.pieces
	b.listed = b.listed || l.Pieces != nil
	for i := range l.Pieces {
		p := &l.Pieces[i]
		s.count(row.number)
		s.text(row.id)
		s.text(b.about.title(l.Layer))
		s.text(l.Vintage)
		s.text(p.name())
		areaCells(s, p.area())
		s.number(p.PatchM2, styleM2)
		s.number(p.NetM2, styleM2)
		s.number(p.SurveyM2, styleM2)
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
	for i := range a.Combinations {
		c := &a.Combinations[i]
		s.count(row.number)
		s.text(row.id)
		s.text(b.about.titles(c.Inside))
		s.text(b.about.titles(c.Outside))
		areaCells(s, c.area())
		s.end()
	}
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
	for _, n := range slices.Concat(b.about.origin(b.vintages), b.about.conditions(), meanings()) {
		notes.text(n.Name)
		notes.text(n.Text)
		notes.end()
	}
	sheets := []*sheet{b.summary, b.classes}
	if b.listed {
		sheets = append(sheets, b.pieces)
	}
	return writeBook(b.w, append(sheets, b.combinations, b.problems, notes))
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
