package source

import (
	"bytes"
	"io"
	"math"
	"strconv"
	"unicode/utf8"

	"gengtu/index/problem"
)

// trimField returns a text field without its padding: what follows the first
// NUL, and the blanks at the end.
func trimField(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return bytes.TrimRight(b, " ")
}

// trimNumber returns a numeric field without blanks and NUL around it.
func trimNumber(b []byte) []byte { return bytes.Trim(b, " \x00\t") }

// logical returns the value of a logical field; nil for '?' and blank.
func logical(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	switch b[0] {
	case 'T', 't', 'Y', 'y':
		return true
	case 'F', 'f', 'N', 'n':
		return false
	}
	return nil
}

// dbfDate returns YYYYMMDD as YYYY-MM-DD, nil for blank and zeros, and other
// text as it is.
func dbfDate(b []byte) any {
	b = trimNumber(b)
	if len(bytes.Trim(b, "0")) == 0 {
		return nil
	}
	if len(b) != 8 || !allDigits(b) {
		return string(bytes.ToValidUTF8(b, []byte("\uFFFD")))
	}
	return string(b[:4]) + "-" + string(b[4:6]) + "-" + string(b[6:])
}

// allDigits tells whether b holds digits only.
func allDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// parseInteger parses a whole decimal number; false when it is none or does not
// fit.
func parseInteger(b []byte) (int64, bool) {
	negative := false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		negative = b[0] == '-'
		b = b[1:]
	}
	// 18 digits are always below 2^63.
	if len(b) == 0 || !allDigits(b) {
		return 0, false
	}
	if len(b) > 18 {
		s := string(b)
		if negative {
			s = "-" + s
		}
		v, err := strconv.ParseInt(s, 10, 64)
		return v, err == nil
	}
	var v int64
	for _, c := range b {
		v = v*10 + int64(c-'0')
	}
	if negative {
		v = -v
	}
	return v, true
}

// tenPowers are the powers of ten that a float64 holds exactly.
var tenPowers = [...]float64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// parseDecimal parses a finite decimal number, rounded to the nearest float64. A
// comma stands for the point if there is just one, as some locales write it.
//
// A mantissa below 2^53 divided by an exact power of ten is rounded once and so
// right (Clinger 1990, "How to read floating point numbers accurately", section
// 3); the rest is left to strconv.
func parseDecimal(b []byte) (float64, bool) {
	i, negative := 0, false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		negative, i = b[0] == '-', 1
	}
	var mantissa uint64
	digits, point := 0, -1
	for ; i < len(b); i++ {
		c := b[i]
		if c >= '0' && c <= '9' {
			digits++
			if digits > 18 {
				return parseSlowly(b)
			}
			mantissa = mantissa*10 + uint64(c-'0')
			continue
		}
		if (c != '.' && c != ',') || point >= 0 {
			return parseSlowly(b)
		}
		point = digits
	}
	if digits == 0 {
		return 0, false
	}
	if mantissa > 1<<53 {
		return parseSlowly(b)
	}
	v := float64(mantissa)
	if point >= 0 {
		v /= tenPowers[digits-point]
	}
	if negative {
		v = -v
	}
	return v, true
}

// parseSlowly parses what the fast way does not: exponents and long numbers.
func parseSlowly(b []byte) (float64, bool) {
	for _, c := range b {
		// strconv also takes hexadecimal, underscores and names.
		if (c < '0' || c > '9') && c != '.' && c != ',' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return 0, false
		}
	}
	v, err := strconv.ParseFloat(string(bytes.Replace(b, []byte(","), []byte("."), 1)), 64)
	if err != nil || math.IsInf(v, 0) {
		return 0, false
	}
	return v, true
}

// sniffLimit is how much of a table is read to find out its encoding.
const sniffLimit = 64 << 20

// sniff finds the encoding of the table's text by the text itself: UTF-8 when
// all of it is valid UTF-8, else GB18030. It reads the table from its beginning
// and leaves the file's position undefined.
func (t *dbfTable) sniff() (charset, error) {
	for _, c := range t.columns {
		if !isASCII(c.rawName) && !validButCut(c.rawName) {
			return charsetGB18030, nil
		}
	}
	if _, err := t.file.Seek(int64(t.headerLen), io.SeekStart); err != nil {
		return charset{}, err
	}
	t.in.Reset(t.file)
	limit := min(t.count, sniffLimit/int64(t.recordLen)+1)
	for range limit {
		if _, err := io.ReadFull(t.in, t.row); err != nil {
			return charset{}, err
		}
		for _, c := range t.columns {
			if c.typ != 'C' || t.row[0] == '*' {
				continue
			}
			b := trimField(t.row[c.offset : c.offset+c.width])
			if !isASCII(b) && !validButCut(b) {
				return charsetGB18030, nil
			}
		}
	}
	return charsetUTF8, nil
}

// validButCut tells whether b is UTF-8, but for a character that is cut at the
// end because the field was full.
func validButCut(b []byte) bool {
	for cut := range min(len(b), utf8.UTFMax) {
		if utf8.Valid(b[:len(b)-cut]) {
			return cut == 0 || !utf8.FullRune(b[len(b)-cut:])
		}
	}
	return false
}

// rewind sets the table before its first row.
func (t *dbfTable) rewind() error {
	_, err := t.file.Seek(int64(t.headerLen), io.SeekStart)
	t.in.Reset(t.file)
	return err
}

// notes tells what was met in the rows that lost something.
func (t *dbfTable) notes() []*problem.Problem {
	var notes []*problem.Problem
	for i := range t.columns {
		c := &t.columns[i]
		add := func(n tally, p *problem.Problem) {
			if n.count > 0 {
				notes = append(notes, p.At(n.first, ""))
			}
		}
		add(c.overflow, problem.New("DBF_OVERFLOW", "字段 %s 有 %d 个数值是星号（溢出，或 GDAL 写的空值），按空值处理",
			"field %s has %d numbers that are asterisks (overflow, or GDAL's null), taken as null", c.Name, c.overflow.count))
		add(c.unreadable, problem.New("DBF_VALUE", "字段 %s（类型 %c）有 %d 个值无法读取，按空值处理",
			"field %s (type %c) has %d values that cannot be read, taken as null", c.Name, printable(c.typ), c.unreadable.count))
		add(c.wide, problem.New("DBF_INTEGER", "整数字段 %s 有 %d 个值超出 64 位或带小数，按实数处理",
			"integer field %s has %d values beyond 64 bits or with decimals, taken as reals", c.Name, c.wide.count))
		add(c.undecoded, problem.New("DBF_ENCODING", "字段 %s 有 %d 个值不是 %s 编码",
			"field %s has %d values that are not %s", c.Name, c.undecoded.count, t.text.name).
			Advise("用 --encoding 指定编码", "name the encoding with --encoding"))
	}
	return notes
}

// printable returns a field type for a message.
func printable(typ byte) rune {
	if typ < 0x20 || typ > 0x7E {
		return '?'
	}
	return rune(typ)
}

// chooseCharset finds the encoding of t's text: what the user says, then cpg,
// then the table's language id, then the text itself. A cpg that says nothing
// usable gives a note.
func (t *dbfTable) chooseCharset(asked, cpg string) (charset, *problem.Problem, error) {
	if asked != "" {
		c, ok := charsetOf(asked)
		if !ok {
			return charset{}, nil, unknownEncoding(asked)
		}
		return c, nil, nil
	}
	var note *problem.Problem
	if cpg != "" {
		if c, ok := charsetOf(cpg); ok {
			return c, nil, nil
		}
		note = problem.New("SHP_CPG", ".cpg 写着 %q，不是已知编码，改按内容判断",
			"its .cpg says %q, no known encoding; the text decides", cpg)
	}
	if c, ok := charsetOf(languageIDs[t.language]); ok {
		return c, note, nil
	}
	c, err := t.sniff()
	if err != nil {
		return charset{}, note, err
	}
	return c, note, t.rewind()
}
