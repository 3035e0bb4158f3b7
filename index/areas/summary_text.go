package areas

import (
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/width"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// textTable is a table for a terminal, whose columns stand under each other:
// characters of East Asian width take two columns (UAX #11).
type textTable struct {
	rows  [][]string
	right []bool // columns of numbers
}

// cellWidth is how many columns of a terminal a text takes.
func cellWidth(s string) int {
	n := 0
	for _, r := range s {
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		case width.Neutral, width.EastAsianAmbiguous, width.EastAsianNarrow, width.EastAsianHalfwidth:
			n++
		}
	}
	return n
}

// printable is a text without what would move the cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

func (t *textTable) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *textTable) write(w io.Writer) error {
	var widths []int
	for _, row := range t.rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], cellWidth(printable(c)))
		}
	}
	var b strings.Builder
	for _, row := range t.rows {
		line := ""
		for i, c := range row {
			c = printable(c)
			pad := strings.Repeat(" ", widths[i]-cellWidth(c))
			if i > 0 {
				line += "  "
			}
			if i < len(t.right) && t.right[i] {
				line += pad + c
			} else {
				line += c + pad
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteText writes the summary for a terminal: a row for each place and layer, with
// its net area in mu, and of the layers with land classes what is booked of the
// broad classes, in hectares. Headings are in the language; names of places are the
// delivery's.
func (s *Summary) WriteText(w io.Writer, classes *Classes, lang problem.Lang) error {
	t := textTable{right: []bool{false, false, false, true, true, true, true, true}}
	head := []string{"code", "place", "layer", "features", "patch m²", "net m²", "net mu", "computed m²"}
	if lang == problem.Chinese {
		head = []string{"代码", "行政区", "图层", "要素", "图斑面积 m²", "净面积 m²", "净面积 亩", "计算 m²"}
	}
	for _, b := range classes.Broad {
		name := b.En + " ha"
		if lang == problem.Chinese {
			name = b.Zh + " 公顷"
		}
		head, t.right = append(head, name), append(t.right, true)
	}
	t.add(head...)
	broad := map[[3]string]*Figures{}
	for i := range s.Groups {
		if g := &s.Groups[i]; g.By == ByBroad {
			broad[[3]string{g.Place, g.Layer, g.Code}] = &g.Figures
		}
	}
	for i := range s.Groups {
		g := &s.Groups[i]
		if g.By != ByTotal {
			continue
		}
		computed := "—"
		if c := g.PatchComputed; c != nil {
			computed = number(&c.M2, 2)
		}
		row := []string{
			g.Place, g.PlaceName, g.Layer + "@" + g.Vintage, fmt.Sprint(g.Features),
			orDash(number(g.PatchM2, 2)), orDash(number(g.NetM2, 2)), orDash(number(g.NetMu, 4)), computed,
		}
		for _, b := range classes.Broad {
			f := broad[[3]string{g.Place, g.Layer, b.Code}]
			if f == nil || f.BookM2 == nil {
				row = append(row, "—")
				continue
			}
			row = append(row, geo.HundredthsOf(*f.BookM2).HaText(2))
		}
		t.add(row...)
	}
	if err := t.write(w); err != nil {
		return err
	}
	for _, p := range s.Problems {
		if _, err := fmt.Fprintf(w, "! %s\n", p.Text(lang)); err != nil {
			return err
		}
	}
	return nil
}

// WriteText writes the table for a terminal: the first-level classes, and those of
// the second that are all of theirs. Headings are in the language; names of places are
// the delivery's.
func (t *HectareTable) WriteText(w io.Writer, lang problem.Lang) error {
	out := textTable{right: []bool{false, false, true}}
	head := []string{"code", "place", "total ha"}
	if lang == problem.Chinese {
		head = []string{"代码", "行政区", "合计 公顷"}
	}
	var shown []int
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Code == "" || c.Code == c.First || c.First == "" {
			name := c.FirstName
			switch {
			case lang != problem.Chinese && c.english != "":
				name = c.english
			case c.First == "":
				name = c.columnName()
			}
			head, shown, out.right = append(head, name), append(shown, i), append(out.right, true)
		}
	}
	out.add(head...)
	for i := range t.Rows {
		r := &t.Rows[i]
		row := []string{r.Place, r.called(lang), fixed(r.Total, hectareDecimals)}
		for _, k := range shown {
			row = append(row, fixed(r.Values[k], hectareDecimals))
		}
		out.add(row...)
	}
	return out.write(w)
}
