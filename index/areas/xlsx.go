package areas

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"hash/crc32"
	"io"
	"strconv"
	"unicode/utf8"

	"gengtu/index/problem"
)

// The workbook is written from ECMA-376 (Office Open XML, part 1: SpreadsheetML)
// by hand: what it takes is these few parts, whose sheets grow side by side and
// are compressed row by row. A library for all of SpreadsheetML would bring
// formulas, charts and a dozen modules with it for that.

// cellStyle is an index into the formats of styles.xml.
type cellStyle uint8

const (
	styleHead  cellStyle = iota + 1 // bold, wrapped
	styleText                       // never taken for a number
	styleM2                         // 2 decimals
	styleMu                         // 4 decimals
	styleCount                      // whole number
)

// decimals are how many digits a style shows, and a cell of it holds.
func (s cellStyle) decimals() int {
	switch s {
	case styleM2:
		return m2Decimals
	case styleMu:
		return muDecimals
	}
	return 0
}

const (
	maxSheetRows = 1 << 20 // of a sheet; ECMA-376 leaves it to programs, and Excel stops here
	maxCellRunes = 32_767  // of a text, likewise
)

// sheet is one sheet of a workbook: its rows as compressed XML, so that a large
// one takes little memory until it is written.
type sheet struct {
	name    string
	widths  []float64 // of the columns, in characters
	packed  bytes.Buffer
	deflate *flate.Writer
	crc     uint32
	size    uint64
	rows    int
	line    []byte
	column  int
	err     error
}

// newSheet returns an empty sheet of at most 31 characters' name.
func newSheet(name string) *sheet {
	s := &sheet{name: name}
	s.deflate, s.err = flate.NewWriter(&s.packed, flate.BestSpeed)
	return s
}

// head begins the sheet with its columns; the line stays in sight.
func (s *sheet) head(columns []string, widths []float64) {
	s.widths = widths
	out := append([]byte(nil), xmlHead...)
	out = append(out, `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews><sheetView workbookViewId="0">`...)
	out = append(out, `<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>`...)
	for i, w := range widths {
		n := strconv.Itoa(i + 1)
		out = append(out, `<col min="`+n+`" max="`+n+`" width="`...)
		out = strconv.AppendFloat(out, w, 'f', -1, 64)
		out = append(out, `" customWidth="1"/>`...)
	}
	s.write(append(out, `</cols><sheetData>`...))
	for _, c := range columns {
		s.textIn(c, styleHead)
	}
	s.end()
}

func (s *sheet) write(b []byte) {
	if s.err != nil {
		return
	}
	s.crc = crc32.Update(s.crc, crc32.IEEETable, b)
	s.size += uint64(len(b))
	_, s.err = s.deflate.Write(b)
}

// cell begins a cell.
func (s *sheet) cell(style cellStyle) {
	s.line = append(s.line, `<c r="`...)
	s.line = appendColumn(s.line, s.column)
	s.line = strconv.AppendInt(s.line, int64(s.rows+1), 10)
	s.line = append(s.line, `" s="`...)
	s.line = strconv.AppendInt(s.line, int64(style), 10)
	s.column++
}

// appendColumn appends the letters of a column, from 0: A, Z, AA.
func appendColumn(dst []byte, column int) []byte {
	if column >= 26 {
		dst = appendColumn(dst, column/26-1)
	}
	return append(dst, byte('A'+column%26))
}

// text adds a cell of text, which is never a formula.
func (s *sheet) text(t string) { s.textIn(t, styleText) }

func (s *sheet) textIn(t string, style cellStyle) {
	if t == "" {
		s.column++
		return
	}
	s.cell(style)
	s.line = append(s.line, `" t="inlineStr"><is><t xml:space="preserve">`...)
	s.line = appendXML(s.line, t)
	s.line = append(s.line, `</t></is></c>`...)
}

// number adds a cell of a number, rounded to what its style shows; nil is an
// empty cell.
func (s *sheet) number(v *float64, style cellStyle) {
	if v == nil {
		s.column++
		return
	}
	s.cell(style)
	s.line = append(s.line, `"><v>`...)
	s.line = strconv.AppendFloat(s.line, ofSteps(steps(*v, style.decimals()), style.decimals()), 'f', -1, 64)
	s.line = append(s.line, `</v></c>`...)
}

func (s *sheet) count(n int) {
	v := float64(n)
	s.number(&v, styleCount)
}

// end ends the row.
func (s *sheet) end() {
	if s.rows == maxSheetRows && s.err == nil {
		s.err = tooMany(maxSheetRows)
	}
	s.rows++
	row := append([]byte(`<row r="`), strconv.Itoa(s.rows)...)
	row = append(append(append(row, `">`...), s.line...), `</row>`...)
	s.write(row)
	s.line, s.column = s.line[:0], 0
}

// appendXML appends text as XML. Characters that XML cannot hold are U+FFFD.
func appendXML(dst []byte, text string) []byte {
	n := 0
	for _, r := range text {
		if n++; n == maxCellRunes {
			return append(dst, "…"...)
		}
		switch {
		case r == '<':
			dst = append(dst, "&lt;"...)
		case r == '>':
			dst = append(dst, "&gt;"...)
		case r == '&':
			dst = append(dst, "&amp;"...)
		case r == '"':
			dst = append(dst, "&quot;"...)
		case r == '\r':
			dst = append(dst, "&#13;"...)
		case r < ' ' && r != '\n' && r != '\t' || r == 0xFFFE || r == 0xFFFF:
			dst = utf8.AppendRune(dst, utf8.RuneError)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

const xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"

// The parts of a workbook that are the same in all.
const (
	xlsxRelations = xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`
	// The formats in the order of cellStyle; 49 is text, 1 and 2 are whole and two
	// decimals (ECMA-376 part 1, 18.8.30).
	xlsxStyles = xmlHead + `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="1"><numFmt numFmtId="164" formatCode="0.0000"/></numFmts>` +
		`<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>` +
		`<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill><fill><patternFill patternType="solid"><fgColor rgb="FFE7EFE2"/></patternFill></fill></fills>` +
		`<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="6"><xf/>` +
		`<xf numFmtId="49" fontId="1" fillId="2" applyNumberFormat="1" applyFont="1" applyFill="1" applyAlignment="1"><alignment wrapText="1" vertical="center"/></xf>` +
		`<xf numFmtId="49" applyNumberFormat="1"/><xf numFmtId="2" applyNumberFormat="1"/><xf numFmtId="164" applyNumberFormat="1"/><xf numFmtId="1" applyNumberFormat="1"/></cellXfs></styleSheet>`
)

// writeBook writes a workbook of sheets, in their order. It holds no date, so that
// the same sheets have the same bytes.
func writeBook(w io.Writer, sheets []*sheet) error {
	types := []byte(xmlHead + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>` +
		`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>`)
	book := []byte(xmlHead + `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>`)
	links := []byte(xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId0" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/>`)
	for i, s := range sheets {
		n := strconv.Itoa(i + 1)
		types = append(types, `<Override PartName="/xl/worksheets/sheet`+n+`.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>`...)
		book = append(appendXML(append(book, `<sheet name="`...), s.name), `" sheetId="`+n+`" r:id="rId`+n+`"/>`...)
		links = append(links, `<Relationship Id="rId`+n+`" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet`+n+`.xml"/>`...)
	}
	z := zip.NewWriter(w)
	for _, part := range []struct {
		name string
		data []byte
	}{
		{"[Content_Types].xml", append(types, `</Types>`...)}, {"_rels/.rels", []byte(xlsxRelations)},
		{"xl/workbook.xml", append(book, `</sheets></workbook>`...)}, {"xl/_rels/workbook.xml.rels", append(links, `</Relationships>`...)},
		{"xl/styles.xml", []byte(xlsxStyles)},
	} {
		f, err := z.Create(part.name)
		if err != nil {
			return err
		}
		if _, err := f.Write(part.data); err != nil {
			return err
		}
	}
	for i, s := range sheets {
		if err := s.writeTo(z, "xl/worksheets/sheet"+strconv.Itoa(i+1)+".xml"); err != nil {
			return err
		}
	}
	return z.Close()
}

// writeTo ends the sheet and adds it to the archive, compressed as it is.
func (s *sheet) writeTo(z *zip.Writer, name string) error {
	s.write([]byte(`</sheetData></worksheet>`))
	if s.err != nil {
		return s.err
	}
	if err := s.deflate.Close(); err != nil {
		return err
	}
	f, err := z.CreateRaw(&zip.FileHeader{
		Name: name, Method: zip.Deflate, CRC32: s.crc, UncompressedSize64: s.size, CompressedSize64: uint64(s.packed.Len()),
	})
	if err != nil {
		return err
	}
	_, err = f.Write(s.packed.Bytes())
	return err
}

// noPart is why a workbook cannot be half written.
var noPart = problem.New("XLSX_WHOLE", "工作簿只能整个写出", "a workbook is written whole or not at all")
