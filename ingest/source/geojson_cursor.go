package source

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// jsonCursor parses the bytes of one feature. base is their place in the file,
// for messages.
type jsonCursor struct {
	b    []byte
	i    int
	base int64
}

// fail is the problem of a feature that cannot be understood where c stands.
func (c *jsonCursor) fail(zh, en string) *problem.Problem {
	return syntax(c.base+int64(c.i), zh, en)
}

// space moves over white space and returns the next byte, 0 at the end.
func (c *jsonCursor) space() byte {
	for ; c.i < len(c.b); c.i++ {
		if ch := c.b[c.i]; ch != ' ' && ch != '\n' && ch != '\r' && ch != '\t' {
			return ch
		}
	}
	return 0
}

// null consumes the word null if it is next.
func (c *jsonCursor) null() bool {
	const word = "null"
	if len(c.b)-c.i >= len(word) && string(c.b[c.i:c.i+len(word)]) == word {
		c.i += len(word)
		return true
	}
	return false
}

// skip consumes the next value and returns its bytes.
func (c *jsonCursor) skip() ([]byte, *problem.Problem) {
	c.space()
	end, err := skipJSON(c.b, c.i)
	if err != nil {
		return nil, c.fail("应为一个值", "a value was expected")
	}
	v := c.b[c.i:end]
	c.i = end
	return v, nil
}

// object goes through the members of the object that is next. For each it calls
// member with the name as it is written, without its quotes; member consumes the
// value.
func (c *jsonCursor) object(member func(name []byte) *problem.Problem) *problem.Problem {
	if c.space() != '{' {
		return c.fail("应为对象", "an object was expected")
	}
	c.i++
	for first := true; ; first = false {
		more, p := c.another(first)
		if !more || p != nil {
			return p
		}
		name, p := c.skip()
		if p == nil {
			p = c.colon()
		}
		if p == nil {
			p = member(name[1 : len(name)-1])
		}
		if p != nil {
			return p
		}
	}
}

// another moves to the name of an object's next member; more is false behind the
// brace that ends the object.
func (c *jsonCursor) another(first bool) (more bool, p *problem.Problem) {
	ch := c.space()
	if ch == '}' {
		c.i++
		return false, nil
	}
	if !first {
		if ch != ',' {
			return false, c.fail("应为逗号或右花括号", "a comma or a closing brace was expected")
		}
		c.i++
		ch = c.space()
	}
	if ch != '"' {
		return false, c.fail("应为成员名", "the name of a member was expected")
	}
	return true, nil
}

// colon moves over the colon behind a member's name, to the value.
func (c *jsonCursor) colon() *problem.Problem {
	if c.space() != ':' {
		return c.fail("缺少冒号", "a colon is missing")
	}
	c.i++
	c.space()
	return nil
}

// array goes through the elements of the array that is next; element consumes
// each.
func (c *jsonCursor) array(element func() *problem.Problem) *problem.Problem {
	if c.space() != '[' {
		return c.fail("应为数组", "an array was expected")
	}
	c.i++
	if c.space() == ']' {
		c.i++
		return nil
	}
	for {
		if p := element(); p != nil {
			return p
		}
		switch c.space() {
		case ',':
			c.i++
			c.space()
		case ']':
			c.i++
			return nil
		default:
			return c.fail("应为逗号或右方括号", "a comma or a closing bracket was expected")
		}
	}
}

// ring adds the positions of a ring to s; what a position holds beyond two
// numbers is dropped.
func (c *jsonCursor) ring(s *shape) *problem.Problem {
	p := c.array(func() *problem.Problem { return c.position(s) })
	s.endRing()
	return p
}

// position adds one position to s, and those behind it that are written plainly.
func (c *jsonCursor) position(s *shape) *problem.Problem {
	if c.plainPositions(s) {
		return nil
	}
	if c.space() != '[' {
		return c.fail("应为坐标 [x, y]", "a position [x, y] was expected")
	}
	c.i++
	x, ok := c.number()
	if !ok || c.space() != ',' {
		return c.fail("坐标应为两个数", "a position has two numbers")
	}
	c.i++
	y, ok := c.number()
	if !ok {
		return c.fail("坐标应为两个数", "a position has two numbers")
	}
	for c.space() == ',' {
		c.i++
		if _, ok := c.number(); !ok && !c.null() {
			return c.fail("坐标应为数", "a position holds numbers")
		}
	}
	if c.space() != ']' {
		return c.fail("坐标缺少右方括号", "a position lacks its closing bracket")
	}
	c.i++
	s.points = append(s.points, geo.XY{X: x, Y: y})
	return nil
}

// unquote returns the text of a JSON string without its quotes; false when it is
// no valid string in UTF-8.
func unquote(b []byte) (string, bool) {
	if bytes.IndexByte(b, '\\') < 0 {
		return string(b), utf8.Valid(b) // Control characters stay, which some programs leave as they are.
	}
	if !utf8.Valid(b) {
		return "", false
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			out = append(out, b[i])
			continue
		}
		var n int
		if out, n = appendEscape(out, b[i:]); n == 0 {
			return "", false
		}
		i += n - 1
	}
	return string(out), true
}

// appendEscape appends the character that the escape at the beginning of b
// stands for, and returns the length of the escape, 0 when it is none.
func appendEscape(out, b []byte) ([]byte, int) {
	if len(b) < 2 {
		return out, 0
	}
	if b[1] != 'u' {
		at := bytes.IndexByte([]byte(`"\/bfnrt`), b[1])
		if at < 0 {
			return out, 0
		}
		return append(out, "\"\\/\b\f\n\r\t"[at]), 2
	}
	r, ok := hex4(b[2:])
	if !ok {
		return out, 0
	}
	if utf16.IsSurrogate(r) && len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
		if low, ok := hex4(b[8:]); ok {
			if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
				return utf8.AppendRune(out, both), 12
			}
		}
	}
	return utf8.AppendRune(out, r), 6
}

// hex4 parses four hexadecimal digits.
func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	v, err := strconv.ParseUint(string(b[:4]), 16, 32)
	return rune(v), err == nil
}

// compactJSON returns an object or array without white space; false when it is
// not valid.
func compactJSON(b []byte) (string, bool) {
	var out bytes.Buffer
	if err := json.Compact(&out, b); err != nil || !utf8.Valid(b) {
		return "", false
	}
	return out.String(), true
}
