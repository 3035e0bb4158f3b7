package sheet

import (
	"strconv"
	"strings"
)

// Layout is how a printed table lies on its sheet and on paper.
type Layout struct {
	// Widths are those of the columns, in characters.
	Widths []float64
	// HeadRows and HeadColumns stay in sight and stand on every page. Both are at
	// least 1.
	HeadRows, HeadColumns int
	// PagesWide is how many pages of A3, lying, the columns are printed on; at least 1.
	PagesWide int
}

// paperA3 is the code of A3 (ECMA-376 part 1, 18.3.1.63).
const paperA3 = 8

// Lay begins the sheet as a printed table, in place of [Sheet.Head].
func (s *Sheet) Lay(l Layout) {
	s.layout = &l
	corner := cellName(l.HeadRows, l.HeadColumns)
	out := append([]byte(nil), xmlHead...)
	out = append(out, `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetPr><pageSetUpPr fitToPage="1"/></sheetPr><sheetViews><sheetView workbookViewId="0"><pane xSplit="`...)
	out = strconv.AppendInt(out, int64(l.HeadColumns), 10)
	out = append(out, `" ySplit="`...)
	out = strconv.AppendInt(out, int64(l.HeadRows), 10)
	out = append(out, `" topLeftCell="`+corner+`" activePane="bottomRight" state="frozen"/></sheetView></sheetViews>`...)
	s.write(append(appendColumns(out, l.Widths), `<sheetData>`...))
}

// appendColumns appends the widths of columns.
func appendColumns(out []byte, widths []float64) []byte {
	out = append(out, `<cols>`...)
	for i, w := range widths {
		n := strconv.Itoa(i + 1)
		out = append(out, `<col min="`+n+`" max="`+n+`" width="`...)
		out = strconv.AppendFloat(out, w, 'f', -1, 64)
		out = append(out, `" customWidth="1"/>`...)
	}
	return append(out, `</cols>`...)
}

// Merge makes one cell of those from a row and column to a row and column, all
// counted from 0; the first has the text.
func (s *Sheet) Merge(row, column, toRow, toColumn int) {
	if row != toRow || column != toColumn {
		s.merged = append(s.merged, cellName(row, column)+":"+cellName(toRow, toColumn))
	}
}

// cellName is the name of a cell, row and column from 0.
func cellName(row, column int) string {
	return string(strconv.AppendInt(appendColumn(nil, column), int64(row+1), 10))
}

// ending is what stands behind the rows, in the order of CT_Worksheet (ECMA-376
// part 1, 18.3.1.99).
func (s *Sheet) ending() []byte {
	out := []byte(`</sheetData>`)
	if len(s.merged) > 0 {
		out = append(out, `<mergeCells count="`+strconv.Itoa(len(s.merged))+`">`...)
		for _, m := range s.merged {
			out = append(out, `<mergeCell ref="`+m+`"/>`...)
		}
		out = append(out, `</mergeCells>`...)
	}
	if l := s.layout; l != nil {
		out = append(out, `<printOptions horizontalCentered="1"/><pageMargins left="0.4" right="0.4" top="0.5" bottom="0.6" header="0.3" footer="0.3"/><pageSetup paperSize="`+strconv.Itoa(paperA3)+
			`" orientation="landscape" fitToWidth="`+strconv.Itoa(max(l.PagesWide, 1))+`" fitToHeight="0"/><headerFooter><oddFooter>&amp;C&amp;P / &amp;N</oddFooter></headerFooter>`...)
	}
	return append(out, `</worksheet>`...)
}

// printTitles names the rows and columns that stand on every page of the sheets
// that are printed tables (ECMA-376 part 1, 18.2.5).
func printTitles(sheets []*Sheet) []byte {
	var out []byte
	for i, s := range sheets {
		if s.layout == nil {
			continue
		}
		var name []byte
		name, _ = appendXML(name, "'"+strings.ReplaceAll(s.name, "'", "''")+"'!")
		last := string(appendColumn(nil, s.layout.HeadColumns-1))
		out = append(out, `<definedName name="_xlnm.Print_Titles" localSheetId="`+strconv.Itoa(i)+`">`...)
		out = append(out, name...)
		out = append(out, "$A:$"+last+","...)
		out = append(out, name...)
		out = append(out, "$1:$"+strconv.Itoa(s.layout.HeadRows)+`</definedName>`...)
	}
	if out == nil {
		return nil
	}
	return append(append([]byte(`<definedNames>`), out...), `</definedNames>`...)
}
