package areas

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"gengtu/index/problem"
	"gengtu/index/sheet"
)

// hectareDecimals are those of the books.
const hectareDecimals = 2

// WriteHectares writes hectare tables as JSON, as CSV of the first (which is of all
// patches), or as a workbook with a sheet for each. Of another form it writes
// nothing.
func WriteHectares(w io.Writer, tables []*HectareTable, form Form, about About) error {
	switch form {
	case JSON:
		return writeHectareJSON(w, tables, about)
	case CSV:
		t := tables[0]
		return writeRows(w, t.csvColumns(), len(t.Rows), func(i int) []string { return t.cells(&t.Rows[i]) })
	case XLSX:
		var sheets []*sheet.Sheet
		for _, t := range tables {
			s := t.sheet(about)
			if err := s.Err(); errors.Is(err, sheet.ErrRows) {
				return tooMany(sheet.MaxRows)
			}
			sheets = append(sheets, s)
		}
		return sheet.Write(w, sheets)
	case NDJSON, HTML, GeoJSON:
	}
	return nil
}

// columnName is a column as a table without a two-level head calls it.
func (c *HectareColumn) columnName() string {
	if c.Code == "" {
		return heading(c.First, c.FirstName)
	}
	return heading(c.Code, c.Name)
}

func (t *HectareTable) csvColumns() []string {
	out := []string{"place", "name", "level", "total_ha"}
	for i := range t.Columns {
		out = append(out, sheet.Harmless(t.Columns[i].columnName()))
	}
	if t.bounded {
		out = append(out, "partial")
	}
	return out
}

func (t *HectareTable) cells(r *HectareRow) []string {
	out := []string{r.Place, sheet.Harmless(r.Name), string(r.Level), fixed(r.Total, hectareDecimals)}
	for _, v := range r.Values {
		out = append(out, fixed(v, hectareDecimals))
	}
	if t.bounded {
		out = append(out, yes(r.Partial))
	}
	return out
}

// leveled tells whether every county was leveled as a whole, not a part of one.
func leveled(tables []*HectareTable) bool {
	return !slices.ContainsFunc(tables, func(t *HectareTable) bool {
		return slices.ContainsFunc(t.Rows, func(r HectareRow) bool { return r.Level == "county" && r.Partial })
	})
}

// writeHectareJSON writes areas as numbers of hectares.
func writeHectareJSON(w io.Writer, tables []*HectareTable, about About) error {
	type column struct {
		First string `json:"first_class"`
		Code  string `json:"class"`
		Name  string `json:"name"`
	}
	type row struct {
		Place  string        `json:"place"`
		Name   string        `json:"place_name,omitempty"`
		Level  Level         `json:"level"`
		Part   bool          `json:"partial,omitempty"`
		Total  json.Number   `json:"total_ha"`
		Values []json.Number `json:"values_ha"`
	}
	type control struct {
		County string      `json:"county"`
		Island string      `json:"mssm,omitempty"`
		Area   json.Number `json:"area_ha"`
	}
	type table struct {
		Layer    string    `json:"layer"`
		Vintage  string    `json:"vintage"`
		Island   string    `json:"mssm,omitempty"`
		Controls []control `json:"controls,omitempty"`
		Features int       `json:"features"`
		Computed int       `json:"patch_computed"`
		Columns  []column  `json:"columns"`
		Rows     []row     `json:"rows"`
	}
	out := []table{}
	for _, t := range tables {
		x := table{Layer: t.Layer, Vintage: t.Vintage, Island: t.Island, Features: t.Features, Computed: t.Computed, Columns: []column{}, Rows: []row{}}
		for _, c := range t.Controls {
			x.Controls = append(x.Controls, control{c.County, c.Island, json.Number(fixed(c.Hundredths, hectareDecimals))})
		}
		for i := range t.Columns {
			c := &t.Columns[i]
			x.Columns = append(x.Columns, column{c.First, c.Code, c.columnName()})
		}
		for _, r := range t.Rows {
			values := make([]json.Number, len(r.Values))
			for i, v := range r.Values {
				values[i] = json.Number(fixed(v, hectareDecimals))
			}
			x.Rows = append(x.Rows, row{r.Place, r.Name, r.Level, r.Partial, json.Number(fixed(r.Total, hectareDecimals)), values})
		}
		out = append(out, x)
	}
	return json.NewEncoder(w).Encode(map[string]any{
		"generation": about.Generation, "tier": about.Tier, "program": about.Program, "table": "hectare", "unit": "ha", "leveled": leveled(tables), "tables": out,
	})
}

// The lines of a hectare sheet: title, what it is of, and three lines of heads.
const (
	hectareTitle = iota
	hectareAbout
	hectareFirst
	hectareSecond
	hectareCodes
	hectareHead
)

// hectareNames are the columns before the classes: name, code, total.
const hectareNames = 3

// columnsAPage is how many columns of classes a page of A3 holds in letters that
// can be read: 400 mm less 70 for the names, 13 mm each.
const columnsAPage = 25

// sheet is the table as it is printed.
func (t *HectareTable) sheet(about About) *sheet.Sheet {
	s := sheet.New(t.sheetName())
	width := hectareNames + len(t.Columns)
	widths := []float64{18, 13, 11}
	for range t.Columns {
		widths = append(widths, 9)
	}
	s.Lay(sheet.Layout{
		Widths: widths, HeadRows: hectareHead, HeadColumns: hectareNames,
		PagesWide: max(1, (len(t.Columns)+columnsAPage-1)/columnsAPage),
	})
	// What is merged over many pages would be cut where it is printed: titles stand
	// over the first page.
	last := min(width, hectareNames+columnsAPage) - 1
	s.Styled(t.title(), sheet.Title)
	s.Merge(hectareTitle, 0, hectareTitle, last)
	s.EndHigh(32)
	s.Styled(fmt.Sprintf("单位：公顷（0.00）　图层：%s　时相：%s　数据版本：%s　面积经调平，各行各列合计一致", about.title(t.Layer), t.Vintage, about.Generation), sheet.Note)
	s.Merge(hectareAbout, 0, hectareAbout, last)
	s.EndHigh(16)
	t.heads(s)
	for i := range t.Rows {
		t.row(s, &t.Rows[i])
	}
	row := hectareHead + len(t.Rows)
	s.Styled(t.note(about), sheet.Note)
	s.Merge(row, 0, row, last)
	s.EndHigh(28)
	return s
}

func (t *HectareTable) sheetName() string {
	switch t.Island {
	case "":
		return "面积汇总"
	case "00":
		return "大陆 00"
	case "01":
		return "海岛 01"
	}
	return "MSSM " + t.Island[:min(len(t.Island), 8)]
}

// title is the table's, with its county's name where it is of one.
func (t *HectareTable) title() string {
	name := ""
	if len(t.Rows) > 0 && t.Rows[0].Level == "county" && countiesIn(t.Rows) == 1 {
		name = partName(t.Rows[0].Name, t.Rows[0].Partial)
	}
	out := name + "土地分类面积汇总表"
	if t.Island != "" {
		out += "（" + t.sheetName() + "）"
	}
	return out
}

func countiesIn(rows []HectareRow) int {
	n := 0
	for i := range rows {
		if rows[i].Level == "county" {
			n++
		}
	}
	return n
}

// heads writes the three lines over the columns.
func (t *HectareTable) heads(s *sheet.Sheet) {
	names := []string{"行政区名称", "行政区代码", "合计"}
	for line := hectareFirst; line < hectareHead; line++ {
		for i, n := range names {
			if line > hectareFirst {
				n = ""
			} else {
				s.Merge(hectareFirst, i, hectareCodes, i)
			}
			s.Styled(n, sheet.Heading)
		}
		for i := range t.Columns {
			s.Styled(t.head(line, i), sheet.Heading)
		}
		s.EndHigh([]int{0, 0, 26, 40, 16}[line])
	}
	for i := 0; i < len(t.Columns); {
		end := i + 1
		for end < len(t.Columns) && t.Columns[end].First == t.Columns[i].First {
			end++
		}
		s.Merge(hectareFirst, hectareNames+i, hectareFirst, hectareNames+end-1)
		i = end
	}
}

// head is what stands over column i in a line.
func (t *HectareTable) head(line, i int) string {
	c := &t.Columns[i]
	switch {
	case line == hectareFirst && (i == 0 || t.Columns[i-1].First != c.First):
		return c.FirstName
	case line == hectareSecond:
		return c.Name
	case line == hectareCodes && c.Code == "":
		return c.First
	case line == hectareCodes:
		return c.Code
	}
	return ""
}

func (t *HectareTable) row(s *sheet.Sheet, r *HectareRow) {
	name, number := sheet.NameSum, sheet.HaSum
	if r.Level == "village" {
		name, number = sheet.Name, sheet.Ha
	}
	indent := map[Level]string{"township": "　", "village": "　　"}[r.Level]
	s.Styled(indent+partName(r.called(problem.Chinese), r.Partial), name)
	s.Styled(r.Place, name)
	s.Number(ofSteps(r.Total, hectareDecimals), number)
	for i, v := range r.Values {
		style := number
		if t.Columns[i].Code == "" {
			style = sheet.HaSum
		}
		s.Number(ofSteps(v, hectareDecimals), style)
	}
	s.End()
}

// called is the place's name; of one that sums others up and has no name in the
// edition it says that.
func (r *HectareRow) called(lang problem.Lang) string {
	switch {
	case r.Name != "":
		return r.Name
	case lang != problem.Chinese:
		return map[Level]string{"county": "total", "township": "subtotal"}[r.Level]
	}
	return map[Level]string{"county": "合计", "township": "小计"}[r.Level]
}

// note says what the table is, and what is to be known of it.
func (t *HectareTable) note(about About) string {
	text := "注：面积为图斑面积，不扣田坎。"
	if t.ridges != "" {
		text = "注：面积为图斑面积减去田坎，扣除的面积记在 " + t.ridges + "。"
	}
	if t.Computed > 0 {
		text += fmt.Sprintf("%d 个图斑中有 %d 个成果没有图斑面积，按调查规则由图形算出。", t.Features, t.Computed)
	}
	for _, c := range t.Controls {
		text += fmt.Sprintf("%s%s 按给定的控制面积 %s 公顷调平。", c.County, c.Island, fixed(c.Hundredths, hectareDecimals))
	}
	if about.Scope != "" {
		text += "只是令牌授予范围 " + about.Scope + " 内的数，标“部分”的行政区不全，调平也只在这一范围内。"
	}
	if d := about.Disclaimer.Zh; d != "" {
		text += d + "。"
	}
	if about.Approval != "" {
		text += "审图号 " + about.Approval
	}
	return text
}
