// Package sheet writes tables as workbooks (xlsx): rows of text and numbers go in,
// the same bytes come out each time. A text is never a formula and never taken for
// a number. CSV that spreadsheets open is begun here, too ([NewCSV]).
//
// The workbook is written from ECMA-376 (Office Open XML, part 1: SpreadsheetML)
// by hand: what it takes is a few parts, whose sheets grow side by side ([New],
// [Write]) or go out row by row ([Create]). A library for all of SpreadsheetML
// would bring formulas, charts and a dozen modules with it for that.
//
// It reads no workbook, and what a row means is the caller's affair.
package sheet

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"hash/crc32"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Style is how a cell is shown; an index into the formats of styles.xml.
type Style uint8

// The styles of cells.
const (
	General Style = iota // numbers as they are
	head                 // bold, wrapped
	text                 // never taken for a number
	M2                   // 2 decimals
	Mu                   // 4 decimals
	Count                // whole number

	// The styles of printed tables, see [Sheet.Lay]: cells have borders.
	Title   // large, in the middle, without a border
	Note    // small, wrapped, without a border
	Heading // bold, wrapped, in the middle
	Name    // text
	NameSum // text in a row of sums, bold
	Ha      // 2 decimals, nothing for 0
	HaSum   // the same in a row of sums, bold
)

// Limits of a sheet. ECMA-376 leaves them to programs; these are Excel's.
const (
	MaxRows     = 1 << 20 // the heading is one of them
	MaxColumns  = 1 << 14
	MaxNameLen  = 31
	maxCellText = 32_767 // of a text, in UTF-16 units
)

// ErrRows is what [Sheet.Err] wraps when a sheet has more than [MaxRows].
var ErrRows = errors.New("too many rows for a sheet")

// Sheet is one sheet of a workbook, which begins with [Sheet.Head]. It is used by
// one goroutine.
type Sheet struct {
	name    string
	out     io.Writer     // takes the XML
	packed  bytes.Buffer  // of New alone: the XML, compressed
	deflate *flate.Writer // into packed
	crc     uint32
	size    uint64
	rows    int
	line    []byte
	column  int
	altered int
	layout  *Layout // of a printed table
	merged  []string
	err     error
}

// New returns an empty sheet that grows in memory, compressed, until [Write]
// takes it. Its name has at most [MaxNameLen] characters.
func New(name string) *Sheet {
	s := &Sheet{name: name}
	s.deflate, s.err = flate.NewWriter(&s.packed, flate.BestSpeed)
	s.out = s.deflate
	return s
}

// Err returns the first error of what was written, or nil.
func (s *Sheet) Err() error { return s.err }

// Altered returns how many texts are not in the sheet as they were given: longer
// than a cell can hold and cut, or with characters that XML does not have.
func (s *Sheet) Altered() int { return s.altered }

// Head begins the sheet with the columns' names and widths in characters; the
// line stays in sight.
func (s *Sheet) Head(columns []string, widths []float64) {
	out := append([]byte(nil), xmlHead...)
	out = append(out, `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews><sheetView workbookViewId="0">`...)
	out = append(out, `<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>`...)
	s.write(append(appendColumns(out, widths), `<sheetData>`...))
	for _, c := range columns {
		s.textIn(c, head)
	}
	s.End()
}

func (s *Sheet) write(b []byte) {
	if s.err != nil {
		return
	}
	s.crc = crc32.Update(s.crc, crc32.IEEETable, b)
	s.size += uint64(len(b))
	_, s.err = s.out.Write(b)
}

// cell begins a cell.
func (s *Sheet) cell(style Style) {
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

// Text adds a cell of text; the empty text is an empty cell. A text too long for
// a cell is cut and ends in "…", characters that XML cannot hold become U+FFFD.
func (s *Sheet) Text(t string) { s.textIn(t, text) }

// Styled adds a cell of text in a style; the empty text is a cell with borders
// where the style has them.
func (s *Sheet) Styled(t string, style Style) {
	if t == "" {
		s.cell(style)
		s.line = append(s.line, `"/>`...)
		return
	}
	s.textIn(t, style)
}

func (s *Sheet) textIn(t string, style Style) {
	if t == "" {
		s.column++
		return
	}
	s.cell(style)
	s.line = append(s.line, `" t="inlineStr"><is><t xml:space="preserve">`...)
	line, whole := appendXML(s.line, t)
	if !whole {
		s.altered++
	}
	s.line = line
	s.line = append(s.line, `</t></is></c>`...)
}

// Number adds a cell of a number, which is finite and written to its last digit.
func (s *Sheet) Number(v float64, style Style) {
	s.cell(style)
	s.line = append(s.line, `"><v>`...)
	s.line = strconv.AppendFloat(s.line, v, 'f', -1, 64)
	s.line = append(s.line, `</v></c>`...)
}

// Bool adds a cell of true or false.
func (s *Sheet) Bool(v bool) {
	s.cell(General)
	bit := byte('0')
	if v {
		bit = '1'
	}
	s.line = append(append(append(s.line, `" t="b"><v>`...), bit), `</v></c>`...)
}

// Skip leaves n cells empty.
func (s *Sheet) Skip(n int) { s.column += n }

// End ends the row.
func (s *Sheet) End() { s.end(0) }

// EndHigh ends a row of that height in points.
func (s *Sheet) EndHigh(points int) { s.end(points) }

func (s *Sheet) end(points int) {
	if s.rows == MaxRows && s.err == nil {
		s.err = ErrRows
	}
	s.rows++
	row := append([]byte(`<row r="`), strconv.Itoa(s.rows)...)
	if points > 0 {
		row = append(append(append(row, `" ht="`...), strconv.Itoa(points)...), `" customHeight="1`...)
	}
	row = append(append(append(row, `">`...), s.line...), `</row>`...)
	s.write(row)
	s.line, s.column = s.line[:0], 0
}

// appendXML appends text as XML, and tells whether it is that text: what a cell
// cannot hold is cut off, characters that XML cannot hold are U+FFFD.
func appendXML(dst []byte, text string) (out []byte, whole bool) {
	whole = true
	units, room := 0, maxCellText
	if len(text) > maxCellText && len(utf16.Encode([]rune(text))) > maxCellText {
		whole, room = false, maxCellText-1
	}
	for i, r := range text {
		if units += max(utf16.RuneLen(r), 1); units > room {
			return append(dst, "…"...), false
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
		case r < ' ' && r != '\n' && r != '\t' || r == 0xFFFE || r == 0xFFFF,
			r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"): // a byte that is no UTF-8
			dst, whole = utf8.AppendRune(dst, utf8.RuneError), false
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst, whole
}

const xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"

// The parts of a workbook that are the same in all.
const (
	xlsxRelations = xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`
	// The formats in the order of [Style]; 49 is text, 1 and 2 are whole and two
	// decimals (ECMA-376 part 1, 18.8.30).
	xlsxStyles = xmlHead + `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="2"><numFmt numFmtId="164" formatCode="0.0000"/><numFmt numFmtId="165" formatCode="0.00;-0.00;"/></numFmts>` +
		`<fonts count="5"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="18"/><name val="Calibri"/></font><font><sz val="9"/><name val="Calibri"/></font><font><b/><sz val="9"/><name val="Calibri"/></font></fonts>` +
		`<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill><fill><patternFill patternType="solid"><fgColor rgb="FFE7EFE2"/></patternFill></fill></fills>` +
		`<borders count="2"><border><left/><right/><top/><bottom/><diagonal/></border><border><left style="thin"/><right style="thin"/><top style="thin"/><bottom style="thin"/><diagonal/></border></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="13"><xf/>` +
		`<xf numFmtId="49" fontId="1" fillId="2" applyNumberFormat="1" applyFont="1" applyFill="1" applyAlignment="1"><alignment wrapText="1" vertical="center"/></xf>` +
		`<xf numFmtId="49" applyNumberFormat="1"/><xf numFmtId="2" applyNumberFormat="1"/><xf numFmtId="164" applyNumberFormat="1"/><xf numFmtId="1" applyNumberFormat="1"/>` +
		`<xf numFmtId="49" fontId="2" applyNumberFormat="1" applyFont="1" applyAlignment="1"><alignment horizontal="center" vertical="center"/></xf>` +
		`<xf numFmtId="49" fontId="3" applyNumberFormat="1" applyFont="1" applyAlignment="1"><alignment wrapText="1" vertical="top"/></xf>` +
		`<xf numFmtId="49" fontId="4" fillId="2" borderId="1" applyNumberFormat="1" applyFont="1" applyFill="1" applyBorder="1" applyAlignment="1"><alignment horizontal="center" wrapText="1" vertical="center"/></xf>` +
		`<xf numFmtId="49" fontId="3" borderId="1" applyNumberFormat="1" applyFont="1" applyBorder="1"/><xf numFmtId="49" fontId="4" borderId="1" applyNumberFormat="1" applyFont="1" applyBorder="1"/>` +
		`<xf numFmtId="165" fontId="3" borderId="1" applyNumberFormat="1" applyFont="1" applyBorder="1"/><xf numFmtId="165" fontId="4" borderId="1" applyNumberFormat="1" applyFont="1" applyBorder="1"/></cellXfs></styleSheet>`
)

// Write writes a workbook of sheets that [New] made, in their order, to w. It holds
// no date, so that the same sheets have the same bytes. The sheets are used up.
func Write(w io.Writer, sheets []*Sheet) error {
	z := zip.NewWriter(w)
	if err := frame(z, sheets); err != nil {
		return err
	}
	for i, s := range sheets {
		if err := s.writeTo(z, partName(i)); err != nil {
			return err
		}
	}
	return z.Close()
}

// partName is the name of sheet i in the archive.
func partName(i int) string { return "xl/worksheets/sheet" + strconv.Itoa(i+1) + ".xml" }

// frame writes what a workbook holds beside its sheets.
func frame(z *zip.Writer, sheets []*Sheet) error {
	types := []byte(xmlHead + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>` +
		`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>`)
	book := []byte(xmlHead + `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>`)
	links := []byte(xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId0" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/>`)
	for i, s := range sheets {
		n := strconv.Itoa(i + 1)
		types = append(types, `<Override PartName="/`+partName(i)+`" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>`...)
		book, _ = appendXML(append(book, `<sheet name="`...), s.name)
		book = append(book, `" sheetId="`+n+`" r:id="rId`+n+`"/>`...)
		links = append(links, `<Relationship Id="rId`+n+`" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet`+n+`.xml"/>`...)
	}
	for _, part := range []struct {
		name string
		data []byte
	}{
		{"[Content_Types].xml", append(types, `</Types>`...)}, {"_rels/.rels", []byte(xlsxRelations)},
		{"xl/workbook.xml", append(append(append(book, `</sheets>`...), printTitles(sheets)...), `</workbook>`...)}, {"xl/_rels/workbook.xml.rels", append(links, `</Relationships>`...)},
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
	return nil
}

// writeTo ends the sheet and adds it to the archive, compressed as it is.
func (s *Sheet) writeTo(z *zip.Writer, name string) error {
	s.write(s.ending())
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

// Book is a workbook of one sheet whose rows go out as they come.
type Book struct {
	*Sheet
	zip *zip.Writer
}

// Create begins a workbook with one sheet of that name in w, which stays the
// caller's.
func Create(w io.Writer, name string) (*Book, error) {
	z := zip.NewWriter(w)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	s := &Sheet{name: name}
	if err := frame(z, []*Sheet{s}); err != nil {
		return nil, err
	}
	var err error
	s.out, err = z.Create(partName(0))
	return &Book{s, z}, err
}

// Close ends the workbook. The error is that of [Sheet.Err] when there is one.
func (b *Book) Close() error {
	b.write(b.ending())
	if b.err != nil {
		return b.err
	}
	return b.zip.Close()
}
