package areas

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/sheet"
)

// SummaryForms are the forms that summaries and hectare tables are written in.
var SummaryForms = []Form{JSON, CSV, XLSX}

// WriteSummary writes a summary as JSON, as CSV of its classes, or as a workbook
// with a sheet for the classes and one for each kind of group. Of another form it
// writes nothing.
func WriteSummary(w io.Writer, s *Summary, form Form, about About) error {
	switch form {
	case JSON:
		return json.NewEncoder(w).Encode(s)
	case CSV:
		return writeRows(w, s.remarked(s.marked(summaryColumns, "partial"), "told_by", "problems"), len(s.Rows), func(i int) []string {
			return s.remarked(s.marked(s.Rows[i].cells(), yes(s.Rows[i].Partial)), string(s.ToldBy), codesOf(s.Problems))
		})
	case XLSX:
		return s.writeBook(w, about)
	case NDJSON, HTML, GeoJSON:
	}
	return nil
}

// WriteGroups writes a summary's groups of one kind as CSV.
func WriteGroups(w io.Writer, s *Summary, kind GroupKind) error {
	var of []*SummaryGroup
	for i := range s.Groups {
		if s.Groups[i].By == kind {
			of = append(of, &s.Groups[i])
		}
	}
	return writeRows(w, s.remarked(s.marked(groupColumns, "partial"), "told_by", "problems"), len(of), func(i int) []string {
		return s.remarked(s.marked(of[i].cells(), yes(of[i].Partial)), string(s.ToldBy), codesOf(s.Problems))
	})
}

// remarked adds the cells of what is to be known of the rows, of a summary with such.
func (s *Summary) remarked(row []string, cells ...string) []string {
	if len(s.Problems) == 0 {
		return row
	}
	return append(slices.Clip(row), cells...)
}

// marked adds a cell of the column that says which rows are partial, of a summary that
// may have some.
func (s *Summary) marked(row []string, cell string) []string {
	if !s.bounded {
		return row
	}
	return append(slices.Clip(row), cell)
}

// yes is a fact as a cell tells it: "true", or nothing.
func yes(fact bool) string {
	if fact {
		return "true"
	}
	return ""
}

// partName is what a workbook calls a place, of which a part may have been asked about.
func partName(name string, partial bool) string {
	if partial {
		return name + "（部分 partial）"
	}
	return name
}

// writeRows writes a table as CSV.
func writeRows(w io.Writer, columns []string, rows int, row func(int) []string) error {
	out, err := sheet.NewCSV(w, columns)
	if err != nil {
		return err
	}
	for i := range rows {
		if err := out.Write(row(i)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// The columns of the tables; what the first version had comes first.
var (
	summaryColumns = []string{
		"place", "layer", "vintage", "class", "features", "area_m2", "area_mu", "patch_m2", "net_m2",
		"place_name", "class_name", "first_class", "broad_class", "net_mu", "ridges_m2", "book_m2",
		"patch_computed", "patch_computed_m2", "net_computed", "net_computed_m2", "no_patch",
	}
	groupColumns = []string{
		"place", "layer", "vintage", "code", "features", "area_m2", "area_mu", "patch_m2", "net_m2",
		"place_name", "name", "by", "net_mu", "ridges_m2", "book_m2",
		"patch_computed", "patch_computed_m2", "net_computed", "net_computed_m2", "no_patch",
	}
)

func (r *SummaryRow) cells() []string {
	out := append([]string{r.Place, r.Layer, r.Vintage, sheet.Harmless(r.Class)}, r.first()...)
	out = append(out, sheet.Harmless(r.PlaceName), sheet.Harmless(r.ClassName), sheet.Harmless(r.First), sheet.Harmless(r.Broad))
	return append(out, r.rest()...)
}

func (g *SummaryGroup) cells() []string {
	out := append([]string{g.Place, g.Layer, g.Vintage, sheet.Harmless(g.Code)}, g.first()...)
	out = append(out, sheet.Harmless(g.PlaceName), sheet.Harmless(g.Name), string(g.By))
	return append(out, g.rest()...)
}

// first are the cells of the figures that every table begins with.
func (f *Figures) first() []string {
	return []string{strconv.Itoa(f.Features), number(&f.AreaM2, 2), number(&f.AreaMu, 4), number(f.PatchM2, 2), number(f.NetM2, 2)}
}

// rest are the cells of the other figures.
func (f *Figures) rest() []string {
	out := []string{number(f.NetMu, 4), number(f.RidgesM2, 2), number(f.BookM2, 2)}
	for _, c := range []*edition.ComputedArea{f.PatchComputed, f.NetComputed} {
		if c == nil {
			out = append(out, "", "")
			continue
		}
		out = append(out, strconv.Itoa(c.Features), number(&c.M2, 2))
	}
	if f.NoPatch == 0 {
		return append(out, "")
	}
	return append(out, strconv.Itoa(f.NoPatch))
}

// kindTitles are the sheets of the groups.
var kindTitles = map[GroupKind]string{ByTotal: "合计", ByFirst: "一级类", ByBroad: "三大类", ByOwner: "权属", ByIsland: "大陆海岛"}

// figureHeads are the heads of the columns of figures.
var figureHeads = []string{
	"要素数 features", "椭球面积 m²", "椭球面积 亩", "图斑面积 patch m²", "净面积 net m²", "净面积 亩", "扣除 ridges m²", "入账 book m²", "入账 公顷",
	"计算图斑面积 个数", "计算图斑面积 m²", "计算净面积 个数", "计算净面积 m²", "无图斑面积 个数",
}

func (s *Summary) writeBook(w io.Writer, about About) error {
	var sheets []*sheet.Sheet
	begin := func(name string, columns ...string) *sheet.Sheet {
		sh := sheet.New(name)
		columns = append(columns, figureHeads...)
		widths := make([]float64, len(columns))
		for i := range widths {
			widths[i] = 16
		}
		sh.Head(columns, widths)
		sheets = append(sheets, sh)
		return sh
	}
	for _, kind := range GroupKinds {
		var sh *sheet.Sheet
		for i := range s.Groups {
			g := &s.Groups[i]
			if g.By != kind {
				continue
			}
			if sh == nil {
				sh = begin(kindTitles[kind], "行政区代码 place", "行政区 name", "图层 layer", "时相 vintage", "代码 code", "名称 name")
			}
			for _, t := range []string{g.Place, partName(g.PlaceName, g.Partial), about.title(g.Layer), g.Vintage, g.Code, g.Name} {
				sh.Text(t)
			}
			g.into(sh)
		}
	}
	sh := begin("地类", "行政区代码 place", "行政区 name", "图层 layer", "时相 vintage", "地类 class", "名称 name", "一级类 first", "大类 broad")
	for i := range s.Rows {
		r := &s.Rows[i]
		for _, t := range []string{r.Place, partName(r.PlaceName, r.Partial), about.title(r.Layer), r.Vintage, r.Class, r.ClassName, r.First, r.Broad} {
			sh.Text(t)
		}
		r.into(sh)
	}
	notes := sheet.New("说明")
	notes.Head([]string{"项目 item", "内容 content"}, []float64{22, 90})
	for _, list := range [][]note{about.origin(s.vintages()), about.conditions(), s.meanings()} {
		for _, n := range list {
			notes.Text(n.Name)
			notes.Text(n.Text)
			notes.End()
		}
	}
	sheets = append(sheets, notes)
	for _, sh := range sheets {
		if err := sh.Err(); errors.Is(err, sheet.ErrRows) {
			return tooMany(sheet.MaxRows)
		}
	}
	return sheet.Write(w, sheets)
}

// into adds the cells of the figures and ends the row.
func (f *Figures) into(s *sheet.Sheet) {
	s.Number(float64(f.Features), sheet.Count)
	numberCell(s, &f.AreaM2, sheet.M2)
	numberCell(s, &f.AreaMu, sheet.Mu)
	numberCell(s, f.PatchM2, sheet.M2)
	numberCell(s, f.NetM2, sheet.M2)
	numberCell(s, f.NetMu, sheet.Mu)
	numberCell(s, f.RidgesM2, sheet.M2)
	numberCell(s, f.BookM2, sheet.M2)
	if f.BookM2 == nil {
		s.Skip(1)
	} else {
		ha := *f.BookM2 / 1e4
		numberCell(s, &ha, sheet.M2)
	}
	for _, c := range []*edition.ComputedArea{f.PatchComputed, f.NetComputed} {
		if c == nil {
			s.Skip(2)
			continue
		}
		s.Number(float64(c.Features), sheet.Count)
		numberCell(s, &c.M2, sheet.M2)
	}
	if f.NoPatch > 0 {
		s.Number(float64(f.NoPatch), sheet.Count)
	}
	s.End()
}

// vintages tells of what time the layers are.
func (s *Summary) vintages() string {
	seen, out := map[string]bool{}, ""
	for i := range s.Groups {
		g := &s.Groups[i]
		k := g.Layer + " " + g.Vintage
		if seen[k] {
			continue
		}
		seen[k] = true
		if out != "" {
			out += "，"
		}
		out += k
	}
	return out
}

// meanings say what the figures are.
func (s *Summary) meanings() []note {
	zh, en := "扣除的面积不入账", "which are not booked"
	if s.ridges != "" {
		zh, en = "扣除的面积记在 "+s.ridges+" 名下", "which are booked under "+s.ridges
	}
	out := []note{
		{"椭球面积 area", "各要素椭球面积之和，重叠处不扣除 features' areas on the ellipsoid added up, overlaps not taken out"},
		{"图斑面积 patch，净面积 net", "成果登记的面积之和，与成果一致；没有登记的为空 areas of record added up, as delivered; empty where there is none"},
		{"计算面积 computed", "成果没有登记、按调查规则由图形算出的面积，另列，不在登记面积的合计里 areas that no record gives, computed by the survey's rule; apart from the sums of record"},
		{"入账面积 book", "图斑面积减去扣除（田坎），" + zh + "；没有登记的图斑用计算面积 patch area less ridges, " + en + "; computed areas where a record has none"},
		{"三大类 broad", "按地类表归并（gengtu info --table classes 可看，可改）by the table of classes, which may be edited"},
		{"单位 units", "1 亩 = 2000/3 m²，1 公顷 ha = 10000 m²"},
	}
	for _, p := range s.Problems {
		out = append(out, note{p.Code, p.Found(problem.Chinese) + "；" + p.Advice(problem.Chinese) + " " + p.Found(problem.English) + "; " + p.Advice(problem.English)})
	}
	if s.bounded {
		out = append(out, note{"部分 partial", "令牌只授予这一行政区的一部分，数是那一部分的 the token grants a part of the place alone, which the figures are of"})
	}
	return out
}
