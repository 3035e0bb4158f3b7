package forms

import (
	"context"
	_ "embed" // of the page's template
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gengtu/index/analyze"
	"gengtu/index/edition"
	"gengtu/index/problem"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"px":    func(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) },
	"count": func(n int) string { return grouped(strconv.Itoa(n)) },
	"m2":    func(a analyze.Area) string { return grouped(areaText(a, M2)) },
	"add":   func(a, b float64) float64 { return a + b },
	"half":  func(v float64) float64 { return v / 2 },
	"minus": func(a, b analyze.Area) analyze.Area { return a - b },
}).Parse(pageText))

// The limits of a page. What goes beyond them stands in the other forms, and the page says
// how much it is.
const (
	mainRows    = 300    // of a table
	listRows    = 30     // of one in the annex
	fewRows     = 12     // of a table that has shapes and is none of the annex
	pageLetters = 120    // of a text in a cell
	upright     = 8      // columns that a page takes as it stands
	lying       = 13     // and as it lies
	mostKeys    = 3      // columns that stand again beside those that do not fit
	wholeCode   = 20     // letters of a code that is not broken into lines
	wholeWord   = 8      // and of another text
	yearly      = 10_000 // counts below it, which may be years, are not divided by commas
)

// pageView is what the template shows.
type pageView struct {
	*analyze.Result
	TierName edition.Title
	Asked    []aboutLine
	Map      *mapView
	Sankey   *sankeyView
	Sums     []tableView
	Lists    []tableView // an annex: of shapes, or long
	Public   bool
}

// tableView is a table, or some of its columns.
type tableView struct {
	Name  string
	Title edition.Title
	Part  string // which of several: 1/2
	Heads []headView
	Rows  [][]cellView
	Left  int // rows that are not shown
	All   int
}

type headView struct {
	edition.Title
	Unit string
}

// cellView is a cell: an area in mu with m² under it.
type cellView struct {
	Text, Under string
	Class       string // of style
}

// writePage writes the page.
func writePage(ctx context.Context, w io.Writer, r *analyze.Result, opt Options) error {
	v := pageView{Result: r, Asked: requestLines(r), Public: r.Tier == edition.Public}
	v.TierName = edition.Title{Zh: r.Tier.Title(problem.Chinese), En: r.Tier.Title(problem.English)}
	for _, t := range r.Tables {
		rows, columns, to := mainRows, upright, &v.Sums
		if single(r, t) && len(t.Rows) > fewRows || len(t.Rows) > mainRows {
			rows, columns, to = listRows, lying, &v.Lists
		}
		parts, err := tableViews(t, rows, columns)
		if err != nil {
			return err
		}
		*to = append(*to, parts...)
	}
	var err error
	if v.Map, err = drawMap(ctx, r, opt.Places); err != nil {
		return err
	}
	if v.Sankey, err = drawSankey(r); err != nil {
		return err
	}
	return page.Execute(w, &v)
}

// single tells whether the rows of a table are those of a layer of shapes.
func single(r *analyze.Result, t *analyze.Table) bool {
	return slices.ContainsFunc(r.Shapes, func(s *analyze.Shapes) bool { return s.Table == t })
}

// tableViews returns a table as the page shows it: more columns than lie on a page stand
// in parts under each other.
func tableViews(t *analyze.Table, most, wide int) ([]tableView, error) {
	fields, err := Fields(t)
	if err != nil {
		return nil, err
	}
	byColumn := make([][]Field, len(t.Columns))
	for _, f := range fields {
		byColumn[f.Column] = append(byColumn[f.Column], f)
	}
	groups := columnGroups(t, wide)
	if len(t.Rows) == 0 {
		groups = groups[:1] // that there are none is said once
	}
	var out []tableView
	for g, columns := range groups {
		v := tableView{Title: t.Title, All: len(t.Rows)}
		if len(groups) > 1 {
			v.Part = strconv.Itoa(g+1) + "/" + strconv.Itoa(len(groups))
		}
		for _, c := range columns {
			v.Heads = append(v.Heads, headView{t.Columns[c].Title, unitOf(t.Columns[c].Kind)})
		}
		for _, row := range t.Rows[:min(len(t.Rows), most)] {
			cells := make([]cellView, len(columns))
			for i, c := range columns {
				if cells[i], err = cellOf(byColumn[c], row); err != nil {
					return nil, err
				}
				if code, is := row[c].(string); is && analyze.Values(t.Name, t.Columns[c].Name) != nil {
					told := analyze.Told(t.Name, t.Columns[c].Name, code)
					cells[i] = cellView{Text: visible(told.Zh), Under: visible(told.En)}
				}
			}
			v.Rows = append(v.Rows, cells)
		}
		v.Left = len(t.Rows) - len(v.Rows)
		out = append(out, v)
	}
	return out, nil
}

// keyColumns returns the columns that say what a row is of: the first, the codes that
// follow it before any figure, and texts where there are few of those.
func keyColumns(t *analyze.Table) []int {
	keys := []int{0}
	for _, kind := range [...]analyze.Kind{analyze.Code, analyze.Text} {
		for c := 1; c < len(t.Columns) && len(keys) < mostKeys; c++ {
			k := t.Columns[c].Kind
			if k != analyze.Code && k != analyze.Text {
				break
			}
			if k == kind {
				keys = append(keys, c)
			}
		}
	}
	slices.Sort(keys)
	return keys
}

// columnGroups divides the columns of a table into those that lie on a page together; the
// first ones, which say what a row is of, stand with each.
func columnGroups(t *analyze.Table, wide int) [][]int {
	var all []int
	for i := range t.Columns {
		all = append(all, i)
	}
	if len(all) <= wide {
		return [][]int{all}
	}
	keys := keyColumns(t)
	rest := slices.DeleteFunc(all, func(c int) bool { return slices.Contains(keys, c) })
	parts := (len(rest) + wide - len(keys) - 1) / (wide - len(keys))
	var out [][]int
	for p := range parts {
		out = append(out, slices.Concat(keys, rest[p*len(rest)/parts:(p+1)*len(rest)/parts]))
	}
	return out
}

func unitOf(k analyze.Kind) string {
	switch k {
	case analyze.Areas:
		return "亩 mu / m²"
	case analyze.Length:
		return "m"
	case analyze.Ratio:
		return "%"
	}
	return ""
}

// cellOf returns what the page shows of a column in a row.
func cellOf(fields []Field, row []any) (cellView, error) {
	text, err := fields[0].Text(row)
	if err != nil {
		return cellView{}, err
	}
	switch v := row[fields[0].Column].(type) {
	case nil:
		return cellView{Text: "—", Class: "none"}, nil
	case string:
		if fields[0].Kind == analyze.Code && len(v) <= wholeCode || utf8.RuneCountInString(v) <= wholeWord {
			return cellView{Text: visible(v), Class: "n"}, nil
		}
		return cellView{Text: visible(v)}, nil
	case bool:
		mark := "否 no"
		if v {
			mark = "是 yes"
		}
		return cellView{Text: mark}, nil
	case analyze.Area:
		return cellView{Text: grouped(areaText(v, Mu)), Under: grouped(areaText(v, M2)), Class: "r"}, nil
	case int64:
		if -yearly < v && v < yearly {
			return cellView{Text: strings.Replace(text, "-", "−", 1), Class: "r"}, nil
		}
	case float64:
		if fields[0].Kind == analyze.Ratio {
			return cellView{Text: percent(v), Class: "r"}, nil
		}
	}
	return cellView{Text: grouped(text), Class: "r"}, nil
}

// percent is a ratio in per cent.
func percent(v float64) string {
	return positiveZero(strconv.FormatFloat(v*100, 'f', 2, 64))
}

// grouped sets the thousands of a number apart.
func grouped(s string) string {
	whole, behind, point := strings.Cut(s, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "−", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if point {
		whole += "." + behind
	}
	return sign + whole
}

// visible is a text on a page: cut where it is long, and without what a reader does not see
// or what turns the direction of writing.
func visible(s string) string {
	out := strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case r < ' ', r >= 0x7F && r < 0xA0, r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x206F, r == 0xFEFF:
			return '\uFFFD'
		}
		return r
	}, s)
	if r := []rune(out); len(r) > pageLetters {
		return string(r[:pageLetters-1]) + "…"
	}
	return out
}
