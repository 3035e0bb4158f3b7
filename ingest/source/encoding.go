package source

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"

	"gengtu/index/problem"
)

// charset is a text encoding under its usual name. With a nil enc it is UTF-8.
type charset struct {
	name string
	enc  encoding.Encoding
}

var (
	charsetUTF8 = charset{name: "UTF-8"}
	// GBK is read as GB18030, its superset, so that the rare characters that
	// programs write into "GBK" files survive; it is written as GBK proper.
	charsetGBK     = charset{"GBK", simplifiedchinese.GB18030}
	charsetGB18030 = charset{"GB18030", simplifiedchinese.GB18030}
	charsetBig5    = charset{"Big5", traditionalchinese.Big5}
	charsetLatin1  = charset{"ISO-8859-1", charmap.ISO8859_1}
)

// charsets holds every known name, in capitals and without punctuation and
// vendor prefix (plainName), and its encoding.
var charsets = map[string]charset{
	"UTF8": charsetUTF8, "65001": charsetUTF8, "ASCII": charsetUTF8, "USASCII": charsetUTF8,
	"GBK": charsetGBK, "936": charsetGBK, "GB2312": charsetGBK, "GB231280": charsetGBK, "EUCCN": charsetGBK,
	"GB18030": charsetGB18030, "54936": charsetGB18030,
	"BIG5": charsetBig5, "950": charsetBig5, "BIG5HKSCS": charsetBig5,
	"88591": charsetLatin1, "LATIN1": charsetLatin1, "28591": charsetLatin1, "L1": charsetLatin1,
	"SHIFTJIS": {"Shift_JIS", japanese.ShiftJIS}, "SJIS": {"Shift_JIS", japanese.ShiftJIS}, "932": {"Shift_JIS", japanese.ShiftJIS},
	"EUCKR": {"EUC-KR", korean.EUCKR}, "949": {"EUC-KR", korean.EUCKR},
	"88592": {"ISO-8859-2", charmap.ISO8859_2}, "88595": {"ISO-8859-5", charmap.ISO8859_5},
	"88597": {"ISO-8859-7", charmap.ISO8859_7}, "88599": {"ISO-8859-9", charmap.ISO8859_9},
	"885915": {"ISO-8859-15", charmap.ISO8859_15},
	"437":    {"IBM437", charmap.CodePage437}, "850": {"IBM850", charmap.CodePage850},
	"852": {"IBM852", charmap.CodePage852}, "866": {"IBM866", charmap.CodePage866},
	"874":  {"windows-874", charmap.Windows874},
	"1250": {"windows-1250", charmap.Windows1250}, "1251": {"windows-1251", charmap.Windows1251},
	"1252": {"windows-1252", charmap.Windows1252}, "1253": {"windows-1253", charmap.Windows1253},
	"1254": {"windows-1254", charmap.Windows1254}, "1255": {"windows-1255", charmap.Windows1255},
	"1256": {"windows-1256", charmap.Windows1256}, "1257": {"windows-1257", charmap.Windows1257},
	"1258": {"windows-1258", charmap.Windows1258},
}

// languageIDs is the meaning of byte 29 of a dbf header. 0x57 ("ANSI") names no
// code page and is left out, so that the text decides.
var languageIDs = map[byte]string{
	0x01: "437", 0x02: "850", 0x03: "1252", 0x13: "932", 0x4D: "936", 0x4E: "949", 0x4F: "950",
	0x58: "1252", 0x59: "1252", 0x64: "852", 0x65: "866", 0x78: "950", 0x79: "949", 0x7A: "936",
	0x7B: "932", 0x7D: "1255", 0x7E: "1256", 0xC8: "1250", 0xC9: "1251", 0xCA: "1254", 0xCB: "1253", 0xCC: "1257",
}

// charsetOf finds the encoding that name stands for, in any of the spellings
// that cpg files and people use: "CP936", "ms936", "ANSI 936", "8859_1". Names
// that only say "the system's own" (OEM, ANSI) are not found.
func charsetOf(name string) (charset, bool) {
	plain := plainName(name)
	for {
		if c, ok := charsets[plain]; ok {
			return c, true
		}
		short := plain
		for _, prefix := range []string{"WINDOWS", "ANSI", "OEM", "LDID", "IBM", "ISO", "MS", "CP", "CS", "X"} {
			if rest, ok := strings.CutPrefix(plain, prefix); ok && rest != "" {
				short = rest
				break
			}
		}
		if short == plain {
			return charset{}, false
		}
		plain = short
	}
}

// plainName returns the letters and digits of name in capitals.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, name)
}

// unknownEncoding is the problem of an encoding that the user asked for and that
// is not known.
func unknownEncoding(name string) *problem.Problem {
	return problem.New("SOURCE_ENCODING", "不认识的编码 %q", "unknown encoding %q", name).
		Advise("常用：GBK、GB18030、UTF-8、BIG5", "common are GBK, GB18030, UTF-8, BIG5")
}

// decoder turns bytes of one charset into strings.
type decoder struct {
	charset
	dec     *encoding.Decoder
	scratch []byte
}

// newDecoder returns a decoder of c.
func newDecoder(c charset) *decoder {
	d := &decoder{charset: c}
	if c.enc != nil {
		d.dec = c.enc.NewDecoder()
	}
	return d
}

// decode returns b as UTF-8, and whether every byte had a meaning; those that
// had none are U+FFFD.
func (d *decoder) decode(b []byte) (string, bool) {
	if isASCII(b) {
		return string(b), true
	}
	if d.dec == nil {
		if utf8.Valid(b) {
			return string(b), true
		}
		return strings.ToValidUTF8(string(b), "\uFFFD"), false
	}
	// One byte becomes at most one character of three bytes, in every charset here.
	if need := 3*len(b) + utf8.UTFMax; len(d.scratch) < need {
		d.scratch = make([]byte, need)
	}
	d.dec.Reset()
	n, _, err := d.dec.Transform(d.scratch, b, true)
	s := string(d.scratch[:n])
	return s, err == nil && !strings.ContainsRune(s, utf8.RuneError)
}

// DecodeText returns b, the text of a whole file, as UTF-8: from the encoding with that name,
// or, without one, as UTF-8 where it is, else as GB18030. Problems: SOURCE_ENCODING,
// TEXT_ENCODING where bytes have no meaning in it.
func DecodeText(b []byte, name string) (string, error) {
	c := charsetUTF8
	switch {
	case name != "":
		var ok bool
		if c, ok = charsetOf(name); !ok {
			return "", unknownEncoding(name)
		}
	case !utf8.Valid(b):
		c = charsetGB18030
	}
	s, ok := newDecoder(c).decode(b)
	if !ok {
		return "", problem.New("TEXT_ENCODING", "文字不是 %s 编码", "the text is not in %s", c.name).
			Advise("用 --encoding 说明编码，或另存为 UTF-8", "name the encoding with --encoding, or save it as UTF-8")
	}
	return s, nil
}

// isASCII tells whether b holds bytes below 0x80 only.
func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// encoder turns strings into bytes of one charset.
type encoder struct {
	charset
	enc *encoding.Encoder
}

// newEncoder returns an encoder to c. GBK is narrowed to what GBK holds, so that
// every reader of the file understands it.
func newEncoder(c charset) *encoder {
	e := &encoder{charset: c}
	switch {
	case c.name == charsetGBK.name:
		e.enc = simplifiedchinese.GBK.NewEncoder()
	case c.enc != nil:
		e.enc = c.enc.NewEncoder()
	}
	return e
}

// encode returns s in e's charset, or false when a character of s is not in it.
func (e *encoder) encode(s string) ([]byte, bool) {
	if e.enc == nil {
		return []byte(s), utf8.ValidString(s)
	}
	b, err := e.enc.Bytes([]byte(s))
	return b, err == nil
}
