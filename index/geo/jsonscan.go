package geo

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// maxSkipDepth bounds how deep values that are passed over may be nested.
const maxSkipDepth = 64

// jsonScanner reads JSON from front to back (RFC 8259), accepting nothing that
// the grammar does not. encoding/json is not used for coordinates because it
// tells no place and takes several times the memory of the result.
type jsonScanner struct {
	data []byte
	pos  int
	// place is where in the geometry the scanner is, for errors.
	place Place
}

// foundLength bounds what an error repeats of the text.
const foundLength = 24

func (s *jsonScanner) fault(kind error) error {
	at := min(s.pos, len(s.data))
	found := "end of text"
	if at < len(s.data) {
		rest := s.data[at:min(len(s.data), at+foundLength)]
		found = strconv.Quote(strings.ToValidUTF8(string(rest), "�"))
	}
	return &GeometryError{Kind: kind, Place: s.place, Offset: at, Found: found}
}

// space steps over white space and returns the next byte, 0 at the end.
func (s *jsonScanner) space() byte {
	for s.pos < len(s.data) {
		switch ch := s.data[s.pos]; ch {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return ch
		}
	}
	return 0
}

// expect steps over white space and the byte ch.
func (s *jsonScanner) expect(ch byte) error {
	if s.space() != ch {
		return s.fault(ErrGeometrySyntax)
	}
	s.pos++
	return nil
}

// more reads the comma or the end mark that follows an item of an array or
// object, and tells whether another item follows.
func (s *jsonScanner) more(end byte) (bool, error) {
	switch s.space() {
	case ',':
		s.pos++
		return true, nil
	case end:
		s.pos++
		return false, nil
	}
	return false, s.fault(ErrGeometrySyntax)
}

// array calls item for each item of the array that follows.
func (s *jsonScanner) array(item func() error) error {
	if err := s.expect('['); err != nil {
		return err
	}
	if s.space() == ']' {
		s.pos++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		if more, err := s.more(']'); err != nil || !more {
			return err
		}
	}
}

// object calls member with the name of each member of the object that follows;
// member reads the value.
func (s *jsonScanner) object(member func(name string) error) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	if s.space() == '}' {
		s.pos++
		return nil
	}
	for {
		s.space()
		name, err := s.text()
		if err != nil {
			return err
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		if err := member(name); err != nil {
			return err
		}
		if more, err := s.more('}'); err != nil || !more {
			return err
		}
	}
}

// literal steps over the word, or returns false.
func (s *jsonScanner) literal(word string) bool {
	s.space()
	if !bytes.HasPrefix(s.data[s.pos:], []byte(word)) {
		return false
	}
	s.pos += len(word)
	return true
}

// rawText steps over a string and returns it with its marks and escapes, valid
// as long as the data.
func (s *jsonScanner) rawText() (raw []byte, escaped bool, err error) {
	start := s.pos
	if err := s.expect('"'); err != nil {
		return nil, false, err
	}
	for s.pos < len(s.data) {
		switch ch := s.data[s.pos]; {
		case ch == '"':
			s.pos++
			return s.data[start:s.pos], escaped, nil
		case ch < ' ':
			return nil, false, s.fault(ErrGeometrySyntax)
		case ch != '\\':
			s.pos++
		default:
			escaped = true
			n := escapeLength(s.data[s.pos:])
			if n == 0 {
				return nil, false, s.fault(ErrGeometrySyntax)
			}
			s.pos += n
		}
	}
	return nil, false, s.fault(ErrGeometrySyntax)
}

// escapeLength returns the length of the escape that b begins with, or 0.
func escapeLength(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	if strings.IndexByte(`"\/bfnrt`, b[1]) >= 0 {
		return 2
	}
	if b[1] != 'u' || len(b) < 6 {
		return 0
	}
	for _, ch := range b[2:6] {
		if !(ch >= '0' && ch <= '9' || ch >= 'a' && ch <= 'f' || ch >= 'A' && ch <= 'F') {
			return 0
		}
	}
	return 6
}

// text reads a string.
func (s *jsonScanner) text() (string, error) {
	start := s.pos
	raw, escaped, err := s.rawText()
	if err != nil {
		return "", err
	}
	if !escaped {
		return string(raw[1 : len(raw)-1]), nil
	}
	var out string
	if err := json.Unmarshal(raw, &out); err != nil {
		s.pos = start
		return "", s.fault(ErrGeometrySyntax)
	}
	return out, nil
}

// digits steps over digits and returns how many there were.
func (s *jsonScanner) digits() int {
	start := s.pos
	for s.pos < len(s.data) && s.data[s.pos] >= '0' && s.data[s.pos] <= '9' {
		s.pos++
	}
	return s.pos - start
}

// peek returns the next byte, 0 at the end.
func (s *jsonScanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

// rawNumber steps over a number and returns its text, nil when there is none.
func (s *jsonScanner) rawNumber() []byte {
	start := s.pos
	if s.peek() == '-' {
		s.pos++
	}
	zero := s.peek() == '0'
	n := s.digits()
	valid := n == 1 || n > 1 && !zero
	if valid && s.peek() == '.' {
		s.pos++
		valid = s.digits() > 0
	}
	if valid && s.peek()|0x20 == 'e' {
		s.pos++
		if sign := s.peek(); sign == '+' || sign == '-' {
			s.pos++
		}
		valid = s.digits() > 0
	}
	if !valid {
		s.pos = start
		return nil
	}
	return s.data[start:s.pos]
}

// number reads a number; one beyond the range of float64 is an error.
func (s *jsonScanner) number() (float64, error) {
	s.space()
	start := s.pos
	raw := s.rawNumber()
	f, err := strconv.ParseFloat(string(raw), 64)
	if raw == nil || err != nil {
		s.pos = start
		return 0, s.fault(ErrGeometryCoordinate)
	}
	return f, nil
}

// skip steps over any value.
func (s *jsonScanner) skip(depth int) error {
	if depth > maxSkipDepth {
		return s.fault(ErrGeometryLimit)
	}
	switch s.space() {
	case '{':
		return s.object(func(string) error { return s.skip(depth + 1) })
	case '[':
		return s.array(func() error { return s.skip(depth + 1) })
	case '"':
		_, _, err := s.rawText()
		return err
	}
	if s.literal("null") || s.literal("true") || s.literal("false") || s.rawNumber() != nil {
		return nil
	}
	return s.fault(ErrGeometrySyntax)
}
