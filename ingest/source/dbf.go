package source

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"strings"

	"gengtu/index/problem"
)

// dbfTable reads the attribute table of a shapefile: dBASE III, IV and 7 and
// FoxPro, row after row.
type dbfTable struct {
	file      *os.File
	in        *bufio.Reader
	version   byte
	language  byte
	count     int64
	headerLen int
	recordLen int
	columns   []dbfColumn
	text      *decoder
	row       []byte
}

// dbfColumn is one column and what was met in it that is worth a note.
type dbfColumn struct {
	Field
	rawName       []byte
	typ           byte
	offset, width int
	known         map[string]any // decoded values of columns that repeat
	overflow      tally
	unreadable    tally
	undecoded     tally
	wide          tally
}

// tally counts occurrences and remembers the record of the first.
type tally struct{ count, first int64 }

func (t *tally) add(record int64) {
	if t.count == 0 {
		t.first = record
	}
	t.count++
}

// knownValues is how many different values of a column are remembered, so that
// codes and names are decoded once; a column of keys stops filling there.
const knownValues = 1024

// dbfReadAhead is the buffer of a table; about a thousand rows.
const dbfReadAhead = 256 << 10

// openDBF reads the header of the table at path.
func openDBF(path string) (*dbfTable, error) {
	file, size, err := openSized(path)
	if err != nil {
		return nil, err
	}
	t := &dbfTable{file: file, in: bufio.NewReaderSize(file, readAhead(size, dbfReadAhead))}
	if err := t.readHeader(size); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return t, nil
}

// badDBF is the problem of a table whose header makes no sense.
func badDBF(zh, en string, args ...any) *problem.Problem {
	return problem.New("DBF_HEADER", zh, en, args...).Advise("文件可能损坏，请重新取得", "it may be damaged; get it again")
}

// readHeader parses the header of a table of size bytes.
func (t *dbfTable) readHeader(size int64) error {
	var h [32]byte
	if _, err := io.ReadFull(t.in, h[:]); err != nil {
		return badDBF("不足 32 字节", "shorter than 32 bytes")
	}
	t.version, t.language = h[0], h[29]
	t.count = int64(binary.LittleEndian.Uint32(h[4:]))
	t.headerLen = int(binary.LittleEndian.Uint16(h[8:]))
	t.recordLen = int(binary.LittleEndian.Uint16(h[10:]))
	if t.headerLen < 33 || t.recordLen < 1 || int64(t.headerLen) > size {
		return badDBF("表头长 %d、记录长 %d 字节，不成立", "header of %d and records of %d bytes make no sense", t.headerLen, t.recordLen)
	}
	if need := int64(t.headerLen) + t.count*int64(t.recordLen); need > size {
		return problem.New("DBF_TRUNCATED", "文件被截断：%d 条记录需要 %d 字节，只有 %d",
			"truncated: %d records need %d bytes, there are %d", t.count, need, size).
			Advise("请重新取得该文件", "get the file again")
	}
	rest := make([]byte, t.headerLen-32)
	if _, err := io.ReadFull(t.in, rest); err != nil {
		return err
	}
	t.row = make([]byte, t.recordLen)
	return t.readColumns(rest)
}

// level7 tells whether the table is dBASE 7, whose field descriptors differ.
func (t *dbfTable) level7() bool { return t.version&7 == 4 }

// readColumns parses the field descriptors, which end with 0x0D.
func (t *dbfTable) readColumns(b []byte) error {
	nameLen, descriptor := 11, 32
	if t.level7() {
		nameLen, descriptor = 32, 48
		b = b[min(len(b), 36):] // language driver name and reserved bytes
	}
	for len(b) >= descriptor && b[0] != 0x0D {
		c := dbfColumn{rawName: cString(b[:nameLen]), known: map[string]any{}}
		if t.level7() {
			c.typ, c.width, c.Decimals = b[32], int(b[33]), int(b[34])
		} else {
			c.typ, c.width, c.Decimals = b[11], int(b[16]), int(b[17])
		}
		t.columns = append(t.columns, c)
		b = b[descriptor:]
	}
	if len(t.columns) == 0 {
		return badDBF("没有字段", "it has no field")
	}
	if t.sumWidths() != t.recordLen {
		// Clipper and FoxPro keep the high byte of a long text's width in the
		// place of the decimals.
		for i := range t.columns {
			if c := &t.columns[i]; c.typ == 'C' {
				c.width, c.Decimals = c.width+c.Decimals<<8, 0
			}
		}
	}
	if sum := t.sumWidths(); sum > t.recordLen {
		return badDBF("各字段共 %d 字节，超过记录长 %d", "fields of %d bytes in records of %d", sum, t.recordLen)
	}
	offset := 1
	columns := t.columns[:0]
	for _, c := range t.columns {
		c.offset = offset
		offset += c.width
		if c.typ != '0' { // FoxPro's hidden null flags
			c.Kind, c.Width = c.kind(), c.width
			columns = append(columns, c)
		}
	}
	t.columns = columns
	return nil
}

// sumWidths returns the length of a record by its columns and the deletion mark.
func (t *dbfTable) sumWidths() int {
	sum := 1
	for _, c := range t.columns {
		sum += c.width
	}
	return sum
}

// kind returns the kind of the column's values.
func (c *dbfColumn) kind() Kind {
	switch c.typ {
	case 'N', 'F':
		if c.Decimals == 0 && c.typ == 'N' {
			return Integer
		}
		return Real
	case 'I', '+':
		return Integer
	case 'O', 'B':
		return Real
	case 'L':
		return Bool
	case 'D':
		return Date
	}
	return Text
}

// useCharset fixes the encoding and decodes the columns' names with it.
func (t *dbfTable) useCharset(c charset) []Field {
	t.text = newDecoder(c)
	fields := make([]Field, len(t.columns))
	for i := range t.columns {
		col := &t.columns[i]
		name, ok := t.text.decode(col.rawName)
		if !ok {
			// Names are cut after ten bytes, also in the middle of a character.
			name = strings.TrimRight(name, "\uFFFD")
		}
		col.Name = strings.TrimSpace(name)
		fields[i] = col.Field
	}
	return fields
}

// next reads the row of record into values, which has one element a column and
// is nil to skip the row; deleted tells that the row is marked as deleted.
func (t *dbfTable) next(record int64, values []any) (deleted bool, err error) {
	if _, err := io.ReadFull(t.in, t.row); err != nil {
		return false, err
	}
	if t.row[0] == '*' {
		return true, nil
	}
	for i := range t.columns {
		c := &t.columns[i]
		values[i] = t.value(c, t.row[c.offset:c.offset+c.width], record)
	}
	return false, nil
}

// value returns the value of b in column c.
func (t *dbfTable) value(c *dbfColumn, b []byte, record int64) any {
	switch c.typ {
	case 'N', 'F':
		return c.number(b, record)
	case 'I', '+', 'O', 'B':
		return t.binaryValue(c, b, record)
	case 'L':
		return logical(b)
	case 'D':
		return dbfDate(b)
	case 'M', 'G', 'P':
		if len(trimField(b)) > 0 {
			c.unreadable.add(record)
		}
		return nil
	}
	b = trimField(b)
	if len(b) == 0 {
		return nil
	}
	if v, ok := c.known[string(b)]; ok {
		return v
	}
	s, ok := t.text.decode(b)
	if !ok {
		c.undecoded.add(record)
	}
	var v any = s
	if len(c.known) < knownValues && ok {
		c.known[string(b)] = v
	}
	return v
}

// number parses the text of a numeric field: blank is nil, asterisks (a number
// that did not fit when it was written) are nil and noted.
func (c *dbfColumn) number(b []byte, record int64) any {
	b = trimNumber(b)
	if len(b) == 0 {
		return nil
	}
	if b[0] == '*' {
		c.overflow.add(record)
		return nil
	}
	if c.Kind == Integer {
		if v, ok := parseInteger(b); ok {
			return v
		}
	}
	v, ok := parseDecimal(b)
	if !ok {
		c.unreadable.add(record)
		return nil
	}
	if c.Kind == Integer {
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v)
		}
		c.wide.add(record)
	}
	return v
}

// binaryValue reads the binary types: little-endian as FoxPro writes them, or
// dBASE 7's big-endian order with the sign bit turned, so that bytes sort as
// numbers do.
func (t *dbfTable) binaryValue(c *dbfColumn, b []byte, record int64) any {
	switch {
	case len(b) == 4 && c.Kind == Integer:
		if t.level7() {
			u := binary.BigEndian.Uint32(b)
			if u == 0 {
				return nil
			}
			return int64(int32(u ^ 1<<31)) //nolint:gosec // the bits are the number
		}
		return int64(int32(binary.LittleEndian.Uint32(b))) //nolint:gosec // the bits are the number
	case len(b) == 8 && c.Kind == Real:
		bits := binary.LittleEndian.Uint64(b)
		if t.level7() {
			bits = binary.BigEndian.Uint64(b)
			if bits == 0 {
				return nil
			}
			if bits>>63 == 1 {
				bits ^= 1 << 63
			} else {
				bits = ^bits
			}
		}
		if v := math.Float64frombits(bits); !math.IsNaN(v) && !math.IsInf(v, 0) {
			return v
		}
		c.unreadable.add(record)
		return nil
	}
	return base64.StdEncoding.EncodeToString(b)
}

// close releases the file.
func (t *dbfTable) close() error { return t.file.Close() }

// cString returns b up to its first NUL.
func cString(b []byte) []byte {
	for i, c := range b {
		if c == 0 {
			return b[:i]
		}
	}
	return b
}
