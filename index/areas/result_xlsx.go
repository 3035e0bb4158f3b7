package areas

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"

	"gengtu/index/problem"
	"gengtu/index/sheet"
)

// book writes results as a workbook: a summary with one row a shape, the classes,
// the pieces where they are listed, the combinations, what was wrong or doubtful,
// and what the figures are. Codes are text; m² and ha have 2 decimals, mu 4, each
// figure that of the answer, rounded by itself.
type book struct {
	w     io.Writer
	about About
	n     int

	summary, classes, pieces, combinations, problems *sheet.Sheet

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
		summary: sheet.New("汇总"), classes: sheet.New("地类"), pieces: sheet.New("图斑"), combinations: sheet.New("组合"), problems: sheet.New("问题"),
	}
	b.classes.Head([]string{"序号 No.", "编号 id", "图层 layer", "时相 vintage", "字段 field", "代码 code", "要素数 features", "面积 m²", "面积 亩", "面积 公顷", "图斑面积 patch m²", "净面积 net m²"},
		[]float64{8, 16, 14, 10, 14, 14, 10, 16, 16, 12, 16, 16})
	b.pieces.Head([]string{"序号 No.", "编号 id", "图层 layer", "时相 vintage", "要素 feature", "面积 m²", "面积 亩", "面积 公顷", "图斑面积 patch m²", "净面积 net m²", "调查面积 survey m²"},
		[]float64{8, 16, 14, 10, 20, 16, 16, 12, 16, 16, 16})
	b.combinations.Head([]string{"序号 No.", "编号 id", "在内 inside", "在外 outside", "面积 m²", "面积 亩", "面积 公顷"}, []float64{8, 16, 28, 28, 16, 16, 12})
	b.problems.Head([]string{"序号 No.", "编号 id", "图层 layer", "要素 feature", "代码 code", "问题", "problem", "建议", "advice"},
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
		b.problem(&row, f.Layer, strconv.FormatUint(f.ID, 10), failedProblem(&f))
	}
	return b.fault()
}

func (b *book) fault() error {
	for _, s := range []*sheet.Sheet{b.summary, b.classes, b.pieces, b.combinations, b.problems} {
		switch err := s.Err(); {
		case errors.Is(err, sheet.ErrRows):
			return tooMany(sheet.MaxRows)
		case err != nil:
			return err
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
	b.summary.Head(append(columns, "属性 properties"), append(widths, 40))
	for i := range b.first {
		b.shape(&b.first[i], nil)
	}
	b.first = nil
}

// shape writes the row of a shape; without an answer its figures are empty.
func (b *book) shape(row *shapeRow, a *Answer) {
	s := b.summary
	s.Number(float64(row.number), sheet.Count)
	s.Text(row.id)
	s.Text(row.name)
	s.Text(row.state)
	if a == nil {
		s.Skip(3 + 6*len(b.layers))
		if b.survey {
			s.Skip(2 + len(b.layers))
		}
	} else {
		areaCells(s, a.AOI.area())
		if b.survey {
			numberCell(s, a.AOI.SurveyM2, sheet.M2)
			s.Text(a.AOI.SurveyZone)
		}
		for i := range a.Layers {
			l := &a.Layers[i]
			s.Number(float64(l.Count), sheet.Count)
			areaCells(s, l.area())
			numberCell(s, l.PatchM2, sheet.M2)
			numberCell(s, l.NetM2, sheet.M2)
			if b.survey {
				numberCell(s, l.SurveyM2, sheet.M2)
			}
		}
	}
	s.Text(row.properties)
	s.End()
}

// numberCell adds a cell of a figure, rounded to what its style shows; nil is an empty
// cell.
func numberCell(s *sheet.Sheet, v *float64, style sheet.Style) {
	if v == nil {
		s.Skip(1)
		return
	}
	decimals := m2Decimals
	if style == sheet.Mu {
		decimals = muDecimals
	}
	s.Number(ofSteps(steps(*v, decimals), decimals), style)
}

// areaCells writes an area in m², mu and ha.
func areaCells(s *sheet.Sheet, a area) {
	numberCell(s, &a.m2, sheet.M2)
	numberCell(s, &a.mu, sheet.Mu)
	numberCell(s, &a.ha, sheet.M2)
}

func (b *book) groups(row *shapeRow, l *Layer) {
	s := b.classes
	for i := range l.Groups {
		g := &l.Groups[i]
		fields, codes := g.columns()
		s.Number(float64(row.number), sheet.Count)
		s.Text(row.id)
		s.Text(b.about.title(l.Layer))
		s.Text(l.Vintage)
		s.Text(fields)
		s.Text(codes)
		s.Number(float64(g.Count), sheet.Count)
		areaCells(s, g.area())
		numberCell(s, g.PatchM2, sheet.M2)
		numberCell(s, g.NetM2, sheet.M2)
		s.End()
	}
}

// parts lists the pieces of a layer.
func (b *book) parts(row *shapeRow, l *Layer) {
	s := b.pieces
	b.listed = b.listed || l.Pieces != nil
	for i := range l.Pieces {
		p := &l.Pieces[i]
		s.Number(float64(row.number), sheet.Count)
		s.Text(row.id)
		s.Text(b.about.title(l.Layer))
		s.Text(l.Vintage)
		s.Text(p.name())
		areaCells(s, p.area())
		numberCell(s, p.PatchM2, sheet.M2)
		numberCell(s, p.NetM2, sheet.M2)
		numberCell(s, p.SurveyM2, sheet.M2)
		s.End()
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
		s.Number(float64(row.number), sheet.Count)
		s.Text(row.id)
		s.Text(b.about.titles(c.Inside))
		s.Text(b.about.titles(c.Outside))
		areaCells(s, c.area())
		s.End()
	}
}

func (b *book) problem(row *shapeRow, layer, feature string, p *problem.Problem) {
	s := b.problems
	s.Number(float64(row.number), sheet.Count)
	s.Text(row.id)
	s.Text(layer)
	s.Text(feature)
	s.Text(p.Code)
	s.Text(p.Found(problem.Chinese))
	s.Text(p.Found(problem.English))
	s.Text(p.Advice(problem.Chinese))
	s.Text(p.Advice(problem.English))
	s.End()
}

// failedProblem tells of a feature that could not be measured.
func failedProblem(f *Failed) *problem.Problem {
	return problem.New("FEATURE_FAILED", "没有算出来（%[1]s）", "could not be measured (%[2]s)", f.ReasonZh, f.Reason).
		Advise("用 gengtu verify 检查版本；这个要素不在各项面积里", "check the edition with gengtu verify; this feature is in none of the areas")
}

// noPart is why a workbook cannot be half written.
var noPart = problem.New("XLSX_WHOLE", "工作簿只能整个写出", "a workbook is written whole or not at all").
	Advise("请重新运行；要边算边写，请用 .csv 或 .ndjson", "run it again; .csv and .ndjson are written as it goes")

// Abort implements [ResultWriter]. A workbook cannot be half written: nothing is.
func (b *book) Abort(*problem.Problem) error { return noPart }

// Close implements [ResultWriter].
func (b *book) Close() error {
	if b.layers == nil {
		b.begin(nil)
	}
	notes := sheet.New("说明")
	notes.Head([]string{"项目 item", "内容 content"}, []float64{22, 90})
	for _, n := range slices.Concat(b.about.origin(b.vintages), b.about.conditions(), meanings()) {
		notes.Text(n.Name)
		notes.Text(n.Text)
		notes.End()
	}
	sheets := []*sheet.Sheet{b.summary, b.classes}
	if b.listed {
		sheets = append(sheets, b.pieces)
	}
	return sheet.Write(b.w, append(sheets, b.combinations, b.problems, notes))
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
