package receipt

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gengtu/index/problem"
)

// The limits of a text of JSON whose canonical form is asked for.
const (
	// MaxDepth is how deep values may lie in each other.
	MaxDepth = 64
	// maxExponent bounds the power of ten of a number, either way.
	maxExponent = 100_000
)

// Canonical appends the canonical form of a text of JSON to dst and returns the
// extended slice: what two texts have in common that say the same. The member
// omit of the outermost object is left out; "" leaves out none. text is not kept.
//
// The form has no spaces between values. Members are sorted by the bytes of their
// names in UTF-8. Strings are in UTF-8, with \" \\ \b \f \n \r \t and \u00xx, in
// lower case, for the control characters below U+0020, and nothing else escaped
// (as RFC 8785, 3.2.2.2). A number is its exact decimal value: all its digits from
// the first to the last that is no 0, as an integer, and "e" with the power of ten
// where that is not 0: 12.50 is 125e-1, 1200 is 12e2, 0.0 and -0 are 0. It is not
// RFC 8785's, in which integers beyond 2^53 are rounded.
//
// Problems, all JSON_SYNTAX: what is no one value of JSON in UTF-8, a name that
// stands twice in an object, half a surrogate pair, values deeper than [MaxDepth].
func Canonical(dst, text []byte, omit string) ([]byte, error) {
	if !utf8.Valid(text) || !json.Valid(text) {
		return nil, unreadable("不是完整的 UTF-8 JSON", "it is no whole JSON in UTF-8")
	}
	if loneSurrogate(text) {
		return nil, unreadable("有不成对的代理项转义（\\ud800 一类）", "it has half a surrogate pair, such as \\ud800")
	}
	c := canonicaler{d: json.NewDecoder(bytes.NewReader(text))}
	c.d.UseNumber()
	if err := c.value(&dst, 0, omit); err != nil {
		return nil, err
	}
	return dst, nil
}

func unreadable(zh, en string, args ...any) *problem.Problem {
	return problem.New("JSON_SYNTAX", zh, en, args...).
		Advise("请向出具单位重新索取原样的文件", "ask whoever gave it for the file as it was made")
}

// canonicaler rewrites one value after another of what d reads, which is valid JSON.
type canonicaler struct{ d *json.Decoder }

func (c *canonicaler) value(dst *[]byte, depth int, omit string) error {
	if depth > MaxDepth {
		return unreadable("嵌套超过 %d 层", "values lie deeper than %d in each other", MaxDepth)
	}
	t, err := c.d.Token()
	if err != nil {
		return err
	}
	switch v := t.(type) {
	case json.Delim:
		if v == '{' {
			return c.object(dst, depth, omit)
		}
		return c.array(dst, depth)
	case string:
		*dst = appendString(*dst, v)
	case json.Number:
		*dst, err = appendNumber(*dst, string(v))
	case bool:
		*dst = strconv.AppendBool(*dst, v)
	default:
		*dst = append(*dst, "null"...)
	}
	return err
}

func (c *canonicaler) array(dst *[]byte, depth int) error {
	*dst = append(*dst, '[')
	for i := 0; c.d.More(); i++ {
		if i > 0 {
			*dst = append(*dst, ',')
		}
		if err := c.value(dst, depth+1, ""); err != nil {
			return err
		}
	}
	*dst = append(*dst, ']')
	_, err := c.d.Token()
	return err
}

func (c *canonicaler) object(dst *[]byte, depth int, omit string) error {
	members := map[string][]byte{}
	for c.d.More() {
		t, err := c.d.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string) // in an object it is one
		if _, twice := members[name]; twice {
			return unreadable("成员 %.40q 写了两次", "member %.40q stands twice", name)
		}
		var value []byte
		if err := c.value(&value, depth+1, ""); err != nil {
			return err
		}
		members[name] = value
	}
	if omit != "" {
		delete(members, omit)
	}
	*dst = append(*dst, '{')
	for i, name := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			*dst = append(*dst, ',')
		}
		*dst = append(appendString(*dst, name), ':')
		*dst = append(*dst, members[name]...)
	}
	*dst = append(*dst, '}')
	_, err := c.d.Token()
	return err
}

// shortEscapes are those of control characters that have one of two characters.
var shortEscapes = map[byte]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}

func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		b := s[i]
		if e, ok := shortEscapes[b]; ok {
			dst = append(dst, e...)
		} else if b < ' ' {
			dst = append(dst, `\u00`...)
			dst = append(dst, "0123456789abcdef"[b>>4], "0123456789abcdef"[b&15])
		} else {
			dst = append(dst, b)
		}
	}
	return append(dst, '"')
}

// appendNumber appends the exact value of a number of JSON.
func appendNumber(dst []byte, text string) ([]byte, error) {
	number, negative := strings.CutPrefix(text, "-")
	mantissa, power := number, 0
	if i := strings.IndexAny(number, "eE"); i >= 0 {
		var err error
		mantissa = number[:i]
		if power, err = strconv.Atoi(number[i+1:]); err != nil || power > maxExponent || power < -maxExponent {
			return nil, beyond(text)
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	short := strings.TrimRight(digits, "0")
	power += len(digits) - len(short) - len(fraction)
	switch {
	case short == "":
		return append(dst, '0'), nil
	case power > maxExponent || power < -maxExponent: // or the form could not be read again
		return nil, beyond(text)
	}
	if negative {
		dst = append(dst, '-')
	}
	dst = append(dst, short...)
	if power != 0 {
		dst = strconv.AppendInt(append(dst, 'e'), int64(power), 10)
	}
	return dst, nil
}

// beyond is the problem of a number whose exponent is too great to be read.
func beyond(number string) error {
	return unreadable("数 %.40q 的指数超过 %d", "the exponent of the number %.40q is beyond %d", number, maxExponent)
}

// loneSurrogate tells whether a valid text of JSON escapes half a surrogate pair,
// which readers take for U+FFFD: texts that differ would be one.
func loneSurrogate(text []byte) bool {
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			return false
		}
		text = text[i+1:]
		unit, ok := codeUnit(text)
		switch {
		case !ok:
			text = text[1:] // an escape of one character, which may be a backslash
		case unit < 0xD800 || unit > 0xDFFF:
			text = text[5:]
		case unit > 0xDBFF || text[5] != '\\':
			return true
		default:
			low, ok := codeUnit(text[6:])
			if !ok || low < 0xDC00 || low > 0xDFFF {
				return true
			}
			text = text[11:]
		}
	}
}

// codeUnit reads what follows the backslash of \uXXXX.
func codeUnit(text []byte) (uint64, bool) {
	if text[0] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(text[1:5]), 16, 16)
	return unit, err == nil
}

// members calls take with the members of an object, in order.
func members(object []byte, take func(name string, value json.RawMessage) error) error {
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return unreadable("不是 JSON 对象", "it is no JSON object")
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return unreadable("不是完整的 JSON", "it is no whole JSON")
		}
		name, _ := t.(string) // in an object it is one
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return unreadable("不是完整的 JSON", "it is no whole JSON")
		}
		if err := take(name, value); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return unreadable("不是完整的 JSON", "it is no whole JSON")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return unreadable("后面还有别的内容", "something else follows")
	}
	return nil
}
