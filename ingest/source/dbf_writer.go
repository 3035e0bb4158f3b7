package source

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"gengtu/index/problem"
)

const (
	// maxTextWidth is the widest text field of dBASE IV.
	maxTextWidth = 254
	// dbfNameBytes is the longest field name.
	dbfNameBytes = 10
)

// dbfWriter writes a dBASE III table. The widths of fields are known only when
// all values are, so the values go to a passing file first.
type dbfWriter struct {
	file     *stagedFile
	spool    *stagedFile
	columns  []dbfOut
	text     *encoder
	modified time.Time
	rows     uint32
	notes    []*problem.Problem
	buf      []byte
	cutTexts bool // what does not fit is cut
	cuts     int  // how many were
}

// dbfOut is a column to be written.
type dbfOut struct {
	Field
	name     []byte
	width    int
	decimals int
	asText   bool // a value does not fit the field's kind
}

// newDBFWriter begins the table at path.
func newDBFWriter(path string, fields []Field, c charset, modified time.Time) (*dbfWriter, error) {
	w := &dbfWriter{text: newEncoder(c), modified: modified}
	taken := map[string]bool{}
	for _, f := range fields {
		name, err := w.fieldName(f.Name, taken)
		if err != nil {
			return nil, err.In(path)
		}
		w.columns = append(w.columns, dbfOut{Field: f, name: name, decimals: min(f.Decimals, 15)})
	}
	if len(w.columns) == 0 {
		// A table without a field is none to most programs.
		w.columns = []dbfOut{{Field: Field{Name: "FID", Kind: Integer}, name: []byte("FID")}}
	}
	var err error
	if w.file, err = stage(path); err != nil {
		return nil, err
	}
	if w.spool, err = stage(path + ".values"); err != nil {
		return nil, errors.Join(err, w.file.abort())
	}
	return w, nil
}

// fieldName returns name cut to what a dbf holds and unlike those taken.
func (w *dbfWriter) fieldName(name string, taken map[string]bool) ([]byte, *problem.Problem) {
	whole, ok := w.text.encode(name)
	if !ok {
		return nil, problem.New("EXPORT_ENCODING", "字段名 %q 不能用 %s 编码", "field name %q cannot be written in %s", name, w.text.name).
			Advise("改用 --encoding UTF-8 或 .gpkg", "use --encoding UTF-8 or .gpkg")
	}
	b := w.cut(name, dbfNameBytes)
	for n := 1; taken[strings.ToUpper(string(b))]; n++ {
		suffix := fmt.Sprintf("_%d", n)
		b = append(w.cut(name, dbfNameBytes-len(suffix)), suffix...)
	}
	taken[strings.ToUpper(string(b))] = true
	if !bytes.Equal(b, whole) {
		w.notes = append(w.notes, problem.New("EXPORT_FIELD_NAME", "字段名 %s 在 dbf 中写为 %s", "field %s is called %s in the dbf", name, w.cutText(name, b)))
	}
	return b, nil
}

// cut returns as many characters of s as fit into n bytes.
func (w *dbfWriter) cut(s string, n int) []byte {
	var out []byte
	for _, r := range s {
		b, ok := w.text.encode(string(r))
		if !ok || len(out)+len(b) > n {
			break
		}
		out = append(out, b...)
	}
	return out
}

// cutText returns the cut name b of name for a message.
func (w *dbfWriter) cutText(name string, b []byte) string {
	s, ok := newDecoder(w.text.charset).decode(b)
	if !ok {
		return name
	}
	return s
}

// write adds the values of f. Each stands in the passing file behind its length.
func (w *dbfWriter) write(f *Feature) error {
	w.rows++
	b := w.buf[:0]
	for i := range w.columns {
		var v any
		if i < len(f.Values) {
			v = f.Values[i]
		} else if len(f.Values) == 0 && w.columns[i].Name == "FID" {
			v = int64(w.rows)
		}
		text, err := w.value(&w.columns[i], v)
		if err != nil {
			return err.In(w.file.path).At(f.Record, "")
		}
		b = binary.LittleEndian.AppendUint16(b, uint16(len(text))) //nolint:gosec // at most maxTextWidth
		b = append(b, text...)
	}
	w.buf = b
	_, err := w.spool.Write(b)
	return err
}

// value returns the bytes of v and learns what column c must hold.
func (w *dbfWriter) value(c *dbfOut, v any) ([]byte, *problem.Problem) {
	var s string
	switch v := v.(type) {
	case nil:
		return nil, nil
	case float64:
		if !finite(v) {
			return nil, badValue(c.Name, v)
		}
		s = formatReal(v)
		_, behind, _ := strings.Cut(s, ".")
		if missing := c.Decimals - len(behind); missing > 0 && c.Decimals <= 15 && !strings.Contains(s, "e") {
			if behind == "" {
				s += "."
			}
			s += strings.Repeat("0", missing)
		}
		if _, behind, _ = strings.Cut(s, "."); !strings.Contains(s, "e") {
			c.decimals = max(c.decimals, min(len(behind), 15))
		}
		c.asText = c.asText || c.Kind == Bool || c.Kind == Date
	case int64:
		s = valueText(v)
		c.asText = c.asText || c.Kind == Bool || c.Kind == Date
	case bool:
		s = "F"
		if v {
			s = "T"
		}
		c.asText = c.asText || c.Kind != Bool
	case string:
		s = v
		c.asText = c.asText || (c.Kind != Text && (c.Kind != Date || !isDate(v)))
	default:
		return nil, badValue(c.Name, v)
	}
	b, ok := w.text.encode(s)
	if w.cutTexts && (!ok || len(b) > maxTextWidth) {
		b, ok = w.fitting(s), true
		w.cuts++
	}
	if !ok {
		return nil, problem.New("EXPORT_ENCODING", "字段 %s 的值 %q 不能用 %s 编码", "the value %[2]q of field %[1]s cannot be written in %[3]s", c.Name, s, w.text.name).
			Advise("改用 --encoding UTF-8 或 .gpkg", "use --encoding UTF-8 or .gpkg")
	}
	if len(b) > maxTextWidth {
		return nil, problem.New("EXPORT_WIDTH", "字段 %s 的值有 %d 字节，dbf 只容 %d", "a value of field %s has %d bytes, a dbf holds %d", c.Name, len(b), maxTextWidth).
			Advise("改用 .gpkg 或 .fgb", "use .gpkg or .fgb")
	}
	c.width = max(c.width, len(b))
	return b, nil
}

// fitting returns as much of a text as a field holds, with an ellipsis where something
// behind it is missing, and ? for characters that the encoding does not have.
func (w *dbfWriter) fitting(s string) []byte {
	s = strings.Map(func(r rune) rune {
		if _, ok := w.text.encode(string(r)); !ok {
			return '?'
		}
		return r
	}, s)
	if b, ok := w.text.encode(s); ok && len(b) <= maxTextWidth {
		return append([]byte(nil), b...)
	}
	mark, ok := w.text.encode("…")
	if !ok {
		mark = []byte("...")
	}
	mark = append([]byte(nil), mark...)
	return append(w.cut(s, maxTextWidth-len(mark)), mark...)
}

// form returns the type and width that the column gets.
func (c *dbfOut) form() (typ byte, width int) {
	declared := 0
	if c.Width <= maxTextWidth {
		declared = c.Width
	}
	switch {
	case c.asText || c.Kind == Text:
		return 'C', max(c.width, declared, 1)
	case c.Kind == Bool:
		return 'L', 1
	case c.Kind == Date:
		return 'D', 8
	}
	return 'N', max(c.width, min(declared, 20), 1)
}

// finish writes the table from the passing file and removes that.
func (w *dbfWriter) finish() error {
	if err := w.spool.out.Flush(); err != nil {
		return w.spool.failed(err)
	}
	if _, err := w.spool.file.Seek(0, io.SeekStart); err != nil {
		return w.spool.failed(err)
	}
	rowLen := 1
	for i := range w.columns {
		_, width := w.columns[i].form()
		rowLen += width
	}
	headerLen := 32*len(w.columns) + 33
	total := int64(headerLen) + int64(rowLen)*int64(w.rows)
	if rowLen > math.MaxUint16 || headerLen > math.MaxUint16 || total > maxShapefile {
		return problem.New("EXPORT_SIZE", "dbf 放不下：%d 个字段，每行 %d 字节，共 %d 行", "a dbf cannot hold %d fields, %d bytes a row, %d rows", len(w.columns), rowLen, w.rows).
			Advise("改用 .gpkg 或 .fgb", "use .gpkg or .fgb").In(w.file.path)
	}
	if _, err := w.file.Write(w.header(headerLen, rowLen)); err != nil {
		return err
	}
	in := bufio.NewReader(w.spool.file)
	row := make([]byte, rowLen)
	for range w.rows {
		if err := w.row(in, row); err != nil {
			return err
		}
		if _, err := w.file.Write(row); err != nil {
			return err
		}
	}
	if _, err := w.file.Write([]byte{0x1A}); err != nil {
		return err
	}
	return w.spool.abort()
}

// row fills row with the next values of in: text to the left, numbers to the
// right.
func (w *dbfWriter) row(in io.Reader, row []byte) error {
	for i := range row {
		row[i] = ' '
	}
	at := 1
	var value [maxTextWidth]byte
	for i := range w.columns {
		var length [2]byte
		if _, err := io.ReadFull(in, length[:]); err != nil {
			return w.spool.failed(err)
		}
		b := value[:binary.LittleEndian.Uint16(length[:])]
		if _, err := io.ReadFull(in, b); err != nil {
			return w.spool.failed(err)
		}
		typ, width := w.columns[i].form()
		switch {
		case typ == 'D':
			b = bytes.ReplaceAll(b, []byte("-"), nil)
		case typ == 'N':
			at += width - len(b)
			width = len(b)
		}
		copy(row[at:], b)
		at += width
	}
	return nil
}

// header returns the table's header.
func (w *dbfWriter) header(headerLen, rowLen int) []byte {
	h := make([]byte, 32, headerLen)
	year, month, day := w.modified.UTC().Date()
	h[0], h[1], h[2], h[3] = 3, byte(year-1900), byte(month), byte(day) //nolint:gosec // years up to 2155
	binary.LittleEndian.PutUint32(h[4:], w.rows)
	binary.LittleEndian.PutUint16(h[8:], uint16(headerLen)) //nolint:gosec // bounded by the caller
	binary.LittleEndian.PutUint16(h[10:], uint16(rowLen))   //nolint:gosec // bounded by the caller
	switch w.text.name {
	case charsetGBK.name:
		h[29] = 0x4D
	case charsetBig5.name:
		h[29] = 0x4F
	}
	for i := range w.columns {
		c := &w.columns[i]
		typ, width := c.form()
		var d [32]byte
		copy(d[:dbfNameBytes], c.name)
		d[11], d[16] = typ, byte(width) //nolint:gosec // at most maxTextWidth
		if typ == 'N' {
			d[17] = byte(max(0, min(c.decimals, width-2))) //nolint:gosec // at most 15
		}
		h = append(h, d[:]...)
	}
	return append(h, 0x0D)
}

// abort removes what has been written.
func (w *dbfWriter) abort() error { return errors.Join(w.file.abort(), w.spool.abort()) }
