package source

import (
	"bytes"
	"errors"
	"io"

	"gengtu/index/problem"
)

// recordSeparator stands before each text of a JSON text sequence (RFC 7464).
const recordSeparator = 0x1E

// jsonWindow is how much of a large GeoJSON file is in memory at first; the window
// grows to the size of the largest feature.
const jsonWindow = 1 << 20

// jsonWalker goes through a file and hands out the bytes of one feature (or bare
// geometry) after the other, whether they stand in a FeatureCollection, one
// after the other, on lines or in a text sequence.
type jsonWalker struct {
	in     *jsonInput
	form   jsonForm
	inside bool // between the brackets of "features"
	rest   bool // in a collection, behind "features"
	comma  bool // a feature was handed out, so a comma or bracket must follow
	// crs is the crs member of the collection, once it has been met.
	crs   []byte
	texts int // JSON texts begun
	// at is the place of the last feature in the file, in bytes from 0.
	at int64
}

// jsonForm is how features follow each other in a file.
type jsonForm uint8

const (
	// jsonDocument is one JSON text, or several with white space between them.
	jsonDocument jsonForm = iota
	// jsonLines is one feature a line, so that a bad line does not hide the next.
	jsonLines
	// jsonSequence is a text sequence with record separators.
	jsonSequence
)

// syntax is the problem of JSON that cannot be understood at place at.
func syntax(at int64, zh, en string) *problem.Problem {
	return problem.New("GEOJSON_SYNTAX", "第 %[1]d 字节处："+zh, "at byte %[1]d: "+en, at)
}

// truncatedJSON is the problem of a file that ends inside a JSON text.
func truncatedJSON(at int64) *problem.Problem {
	return problem.New("GEOJSON_TRUNCATED", "文件被截断：在第 %d 字节处结束，JSON 尚未完整", "truncated: it ends at byte %d inside a JSON text", at).
		Advise("请重新取得该文件", "get the file again")
}

// crsOr returns the crs member of the collection, or first when none was met.
func (w *jsonWalker) crsOr(first []byte) []byte {
	if w.crs != nil {
		return w.crs
	}
	return first
}

// newJSONWalker starts at the beginning of src with window bytes in memory.
func newJSONWalker(src io.Reader, window int) (*jsonWalker, error) {
	w := &jsonWalker{in: newJSONInput(src, window)}
	for w.in.end < len(w.in.buf) && w.in.fill() {
		continue // A decoder gives a few kilobytes at a time.
	}
	if bytes.HasPrefix(w.in.window(), utf8BOM) {
		w.in.pos += len(utf8BOM)
	}
	w.form = formOf(w.in.window())
	return w, w.in.err
}

// formOf tells the form of a file by its beginning: a record separator, or a
// first line that is a whole object with more to follow.
func formOf(b []byte) jsonForm {
	b = bytes.TrimLeft(b, " \t\r\n")
	if len(b) > 0 && b[0] == recordSeparator {
		return jsonSequence
	}
	first, rest, found := bytes.Cut(b, []byte("\n"))
	if found && balanced(first) && len(bytes.TrimSpace(rest)) > 0 {
		return jsonLines
	}
	return jsonDocument
}

// balanced tells whether b is one whole JSON object.
func balanced(b []byte) bool {
	b = bytes.TrimSpace(b)
	if len(b) == 0 || b[0] != '{' {
		return false
	}
	end, err := skipJSON(b, 0)
	return err == nil && end == len(b)
}

// next returns the bytes of the next feature; they are valid until the next
// call. At the end it returns io.EOF.
func (w *jsonWalker) next() ([]byte, error) {
	if w.form != jsonDocument {
		return w.nextRecord()
	}
	for {
		switch {
		case w.inside:
			b, err := w.nextInCollection()
			if b != nil || err != nil {
				return b, err
			}
		case w.rest:
			if _, err := w.members(); err != nil {
				return nil, err
			}
		default:
			b, err := w.nextText()
			if b != nil || err != nil {
				return b, err
			}
		}
	}
}

// nextRecord returns the next line or record of a sequence.
func (w *jsonWalker) nextRecord() ([]byte, error) {
	delimiter := byte('\n')
	if w.form == jsonSequence {
		delimiter = recordSeparator
	}
	for {
		start := w.in.offset()
		line, whole, err := w.in.until(delimiter)
		if err != nil {
			return nil, err
		}
		text := bytes.Trim(line, " \t\r\n\x1e")
		if len(text) == 0 {
			if !whole {
				return nil, io.EOF
			}
			continue
		}
		w.at = start + int64(bytes.Index(line, text))
		w.texts++
		if !whole && !balanced(text) {
			return nil, truncatedJSON(w.in.offset())
		}
		return text, nil
	}
}

// nextInCollection returns the next element of "features", or nil at the bracket
// that closes it.
func (w *jsonWalker) nextInCollection() ([]byte, error) {
	c, err := w.in.peek()
	if err != nil {
		return nil, err
	}
	if c == ']' {
		w.in.pos++
		w.inside, w.rest, w.comma = false, true, false
		return nil, nil
	}
	if w.comma {
		if c != ',' {
			return nil, syntax(w.in.offset(), "要素之间缺少逗号", "a comma is missing between features")
		}
		w.in.pos++
		if _, err = w.in.peek(); err != nil {
			return nil, err
		}
	}
	w.comma = true
	w.at = w.in.offset()
	return w.in.value()
}

// nextText begins the next JSON text of the file. It returns its bytes, or nil
// when the text is a collection, whose features follow.
func (w *jsonWalker) nextText() ([]byte, error) {
	c, err := w.in.peek()
	if err != nil {
		if errors.Is(err, io.EOF) || w.in.ended() {
			return nil, io.EOF
		}
		return nil, err
	}
	w.at = w.in.offset()
	w.texts++
	if c != '{' {
		return nil, syntax(w.at, "应为 JSON 对象（GeoJSON）", "a JSON object (GeoJSON) was expected")
	}
	w.in.keep = w.in.pos
	w.in.pos++
	return w.members()
}

// members goes through the members of the object that it stands in, up to
// "features" or to the end. At the end of an object without "features" it
// returns the object's bytes.
func (w *jsonWalker) members() ([]byte, error) {
	first := !w.rest
	for {
		c, err := w.in.peek()
		if err != nil {
			return nil, err
		}
		if c == '}' {
			return w.endObject(), nil
		}
		if !first {
			if c != ',' {
				return nil, syntax(w.in.offset(), "成员之间缺少逗号", "a comma is missing between members")
			}
			w.in.pos++
		}
		first = false
		name, err := w.member()
		if err != nil {
			return nil, err
		}
		if c, err = w.in.peek(); err != nil {
			return nil, err
		}
		if name == "features" && c == '[' {
			if w.rest {
				return nil, syntax(w.in.offset(), "重复的 features", "features occurs twice")
			}
			w.in.pos++
			w.in.keep = -1
			w.inside, w.comma = true, false
			return nil, nil
		}
		length := -w.in.offset()
		if err := w.in.skip(); err != nil {
			return nil, err
		}
		if length += w.in.offset(); name == "crs" {
			w.crs = bytes.Clone(w.in.buf[w.in.pos-int(length) : w.in.pos])
		}
	}
}

// endObject consumes the brace that ends the object.
func (w *jsonWalker) endObject() []byte {
	w.in.pos++
	if w.rest {
		w.rest = false
		return nil
	}
	b := w.in.buf[w.in.keep:w.in.pos]
	w.in.keep = -1
	w.crs = nil // that of a single feature is read with the feature
	return b
}

// member reads a member's name and colon.
func (w *jsonWalker) member() (string, error) {
	c, err := w.in.peek()
	if err != nil {
		return "", err
	}
	if c != '"' {
		return "", syntax(w.in.offset(), "应为成员名", "the name of a member was expected")
	}
	start := w.in.offset()
	if err := w.in.skip(); err != nil {
		return "", err
	}
	length := int(w.in.offset() - start)
	name := string(w.in.buf[w.in.pos-length+1 : w.in.pos-1])
	if c, err = w.in.peek(); err != nil {
		return "", err
	}
	if c != ':' {
		return "", syntax(w.in.offset(), "缺少冒号", "a colon is missing")
	}
	w.in.pos++
	return name, nil
}
