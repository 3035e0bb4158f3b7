package forms

import (
	"context"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gengtu/index/analyze"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/sheet"
)

// aboutSheet is what the sheet is called that says what the others are.
const aboutSheet = "说明"

// writeBook writes a workbook: a sheet for each table, then one of what they mean and come
// from.
func writeBook(ctx context.Context, w io.Writer, r *analyze.Result) error {
	taken := map[string]bool{aboutSheet: true}
	var sheets []*sheet.Sheet
	for _, t := range r.Tables {
		s, err := bookTable(ctx, t, sheetName(t, taken))
		if err != nil {
			return err
		}
		sheets = append(sheets, s)
	}
	about, err := bookTable(ctx, About(r), aboutSheet)
	if err != nil {
		return err
	}
	return sheet.Write(w, append(sheets, about))
}

// About returns a table that says of an answer what it is: the question and its
// definition, what was asked, of which data and by which rules it was made, its identities,
// notes, sources and what the policy demands, and what its columns mean.
func About(r *analyze.Result) *analyze.Table {
	t := &analyze.Table{Name: "about", Title: edition.Title{Zh: aboutSheet, En: "About"}, Columns: []analyze.Column{
		{Name: "item_zh", Title: edition.Title{Zh: "项目"}, Kind: analyze.Text}, {Name: "item_en", Title: edition.Title{En: "item"}, Kind: analyze.Text},
		{Name: "text_zh", Title: edition.Title{Zh: "内容"}, Kind: analyze.Text}, {Name: "text_en", Title: edition.Title{En: "in English"}, Kind: analyze.Text},
	}}
	for _, l := range aboutLines(r) {
		t.Add(l.Name.Zh, l.Name.En, l.Text.Zh, l.Text.En)
	}
	return t
}

// bookTable makes a sheet of a table.
func bookTable(ctx context.Context, t *analyze.Table, name string) (*sheet.Sheet, error) {
	fields, err := Fields(t)
	if err != nil {
		return nil, err
	}
	if len(fields) > sheet.MaxColumns || len(t.Rows) >= sheet.MaxRows {
		return nil, problem.New("EXPORT_LIMIT", "表 %.40s 有 %d 行 %d 列，工作表最多 %d 行 %d 列", "table %.40s has %d rows and %d columns, a sheet at most %d rows and %d columns",
			t.Name, len(t.Rows), len(fields), sheet.MaxRows-1, sheet.MaxColumns).Advise("改用 csv、json 或 gpkg", "write csv, json or gpkg")
	}
	names, widths := make([]string, len(fields)), make([]float64, len(fields))
	for i := range fields {
		names[i] = heading(&fields[i])
		widths[i] = 14
		if fields[i].Kind == analyze.Text || fields[i].Kind == analyze.Code {
			widths[i] = textWidth(t, fields[i].Column)
		}
	}
	s := sheet.New(name)
	s.Head(names, widths)
	for i, row := range t.Rows {
		if i%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		for k := range fields {
			if err := bookCell(s, &fields[k], row); err != nil {
				return nil, err
			}
		}
		s.End()
	}
	return s, s.Err()
}

// bookCell writes a cell: numbers are those digits that the other forms have.
func bookCell(s *sheet.Sheet, f *Field, row []any) error {
	text, err := f.Text(row)
	if err != nil {
		return err
	}
	switch v := row[f.Column].(type) {
	case nil:
		s.Skip(1)
	case string:
		s.Text(v)
	case bool:
		s.Bool(v)
	default:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return err
		}
		s.Number(x, bookStyle(f))
	}
	return nil
}

func bookStyle(f *Field) sheet.Style {
	switch {
	case f.Unit == Mu:
		return sheet.Mu
	case f.Unit != None:
		return sheet.M2
	case f.Kind == analyze.Count:
		return sheet.Count
	}
	return sheet.General
}

// heading is what a column is called on paper.
func heading(f *Field) string {
	zh, en := f.Title.Zh, f.Title.En
	if u, ok := unitTitles[f.Unit]; ok {
		zh, en = zh+"（"+u.Zh+"）", en+" ("+u.En+")"
	}
	return strings.TrimSpace(zh + "\n" + en)
}

// textWidth is how wide a column of texts is, in characters, by its first rows.
func textWidth(t *analyze.Table, column int) float64 {
	const least, most, looked = 10, 60, 200
	width := least
	for _, row := range t.Rows[:min(len(t.Rows), looked)] {
		if s, ok := row[column].(string); ok {
			width = max(width, len(s)-(len(s)-utf8.RuneCountInString(s))/2+2)
		}
	}
	return float64(min(width, most))
}

// sheetName is what the sheet of a table is called: its title as far as a sheet may be
// called so, with a number where another has that name.
func sheetName(t *analyze.Table, taken map[string]bool) string {
	name := []rune(strings.Map(func(r rune) rune {
		if strings.ContainsRune(`[]:*?/\'`, r) || r < ' ' {
			return '_'
		}
		return r
	}, t.Title.Zh))
	if len(name) == 0 {
		name = []rune("表")
	}
	out := string(name[:min(len(name), sheet.MaxNameLen)])
	for n := 2; taken[strings.ToLower(out)]; n++ {
		suffix := " " + strconv.Itoa(n)
		out = string(name[:min(len(name), sheet.MaxNameLen-len(suffix))]) + suffix
	}
	taken[strings.ToLower(out)] = true
	return out
}

// aboutLine is a line of what an answer means and comes from.
type aboutLine struct{ Name, Text edition.Title }

// same is a text that is the same in both languages.
func same(s string) edition.Title { return edition.Title{Zh: s, En: s} }

// aboutLines tell what the answer is, and what its columns mean.
func aboutLines(r *analyze.Result) []aboutLine {
	var out []aboutLine
	add := func(zh, en string, text edition.Title) {
		if text != (edition.Title{}) {
			out = append(out, aboutLine{edition.Title{Zh: zh, En: en}, text})
		}
	}
	add("专题", "question", edition.Title{Zh: r.Question.Title.Zh + "（" + r.Question.Name + "）", En: r.Question.Title.En + " (" + r.Question.Name + ")"})
	add("怎么算", "definition", r.Question.About)
	for _, l := range requestLines(r) {
		add(l.Name.Zh, l.Name.En, l.Text)
	}
	add("答案编号", "run", same(r.Run))
	add("数据代次", "generation", same(r.Generation))
	add("版别", "tier", edition.Title{Zh: r.Tier.Title(problem.Chinese), En: r.Tier.Title(problem.English)})
	add("规则", "rules", same(r.Rules.Version+"，SHA-256 "+r.Rules.Digest))
	add("程序", "program", same(r.Program))
	add("面积算法", "area by", same(r.Formula))
	add("坐标系", "coordinate system", same("CGCS2000 "+crsName))
	add("单位", "units", edition.Title{Zh: "1 亩 = 2000/3 平方米，1 公顷 = 10000 平方米；亩 4 位、公顷 2 位小数", En: "1 mu = 2000/3 m², 1 ha = 10000 m²; mu with 4 decimals, hectares with 2"})
	for i := range r.Layers {
		add("图层", "layer", layerLine(&r.Layers[i]))
	}
	for i := range r.Identities {
		x := &r.Identities[i]
		sides := "：" + areaText(x.Left, M2) + " = " + areaText(x.Right, M2) + " m²，Δ " + areaText(x.Left-x.Right, M2)
		add("恒等式", "identity", edition.Title{Zh: x.Title.Zh + sides, En: x.Title.En + sides})
	}
	for _, n := range r.Notes {
		add("注意", "note", n)
	}
	for _, s := range r.Question.Sources {
		add("依据", "source", s)
	}
	add("用途", "use", r.Policy.Use)
	add("审图号", "map approval", same(r.Policy.Approval))
	add("声明", "disclaimer", r.Policy.Disclaimer)
	for _, t := range r.Tables {
		add("表", "table", edition.Title{Zh: t.Title.Zh + "（" + t.Name + "）", En: t.Title.En + " (" + t.Name + ")"})
		for _, c := range t.Columns {
			add("列 "+c.Name, "column "+c.Name, columnLine(t.Name, &c))
		}
	}
	return out
}

// columnLine is what a column is called, with its codes and what those are called.
func columnLine(table string, c *analyze.Column) edition.Title {
	out := c.Title
	for i, v := range analyze.Values(table, c.Name) {
		zh, en := "，", ", "
		if i == 0 {
			zh, en = "：", ": "
		}
		out.Zh, out.En = out.Zh+zh+v.Value+" "+v.Title.Zh, out.En+en+v.Value+" "+v.Title.En
	}
	return out
}

// requestLines tell what was asked beside the question's name.
func requestLines(r *analyze.Result) []aboutLine {
	var out []aboutLine
	q := &r.Request
	if zh, ok := levels[q.By]; ok {
		out = append(out, aboutLine{edition.Title{Zh: "地区级别", En: "level"}, edition.Title{Zh: zh, En: string(q.By)}})
	}
	for _, l := range []struct{ zh, en, text string }{
		{"范围", "place", q.Place}, {"时相", "vintage", q.Vintage}, {"对照时相", "earlier vintage", q.From},
	} {
		if l.text != "" {
			out = append(out, aboutLine{edition.Title{Zh: l.zh, En: l.en}, same(l.text)})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(q.Parameters)) {
		out = append(out, aboutLine{edition.Title{Zh: "参数 " + name, En: "parameter " + name}, same(q.Parameters[name])})
	}
	if q.Previous != nil {
		out = append(out, aboutLine{edition.Title{Zh: "上次答案", En: "previous answer"}, same(q.Previous.Run)})
	}
	return out
}

// levels are what levels of places are called.
var levels = map[areas.Level]string{"province": "省", "prefecture": "市", "county": "县", "township": "乡镇", "village": "村", "group": "社（组）"}

// layerLine tells of a layer that the answer was made from.
func layerLine(l *analyze.LayerVersion) edition.Title {
	if l.Missing && l.Title.Zh == "" {
		return edition.Title{Zh: l.Layer + "：此版没有，未参与", En: l.Layer + ": not in this edition, not used"}
	}
	if l.Missing {
		return edition.Title{Zh: l.Title.Zh + "（" + l.Layer + "）：此版没有，未参与", En: l.Title.En + " (" + l.Layer + "): not in this edition, not used"}
	}
	n := strconv.Itoa(l.Features)
	return edition.Title{
		Zh: l.Title.Zh + "（" + l.Layer + "@" + l.Vintage + "），" + n + " 个要素",
		En: l.Title.En + " (" + l.Layer + "@" + l.Vintage + "), " + n + " features",
	}
}
