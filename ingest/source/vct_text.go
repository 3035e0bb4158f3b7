package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"

	"gengtu/index/problem"
)

// vctLine is the longest line of a VCT file, and the buffer that it is read with:
// a row of attributes takes some hundred bytes.
const vctLine = 1 << 20

// vctText reads a VCT file line by line.
type vctText struct {
	ctx  context.Context
	in   *bufio.Reader
	at   int64 // where the next line begins
	line int64 // the number of the last line, from 1

	back     bool // the last line comes again
	last     []byte
	lastSize int64
}

// newVCTText reads from the beginning of in.
func newVCTText(ctx context.Context, in io.Reader, size int64) *vctText {
	return &vctText{ctx: ctx, in: bufio.NewReaderSize(in, readAhead(size, vctLine))}
}

// next returns the next line without the blanks around it; it is valid until the
// next call. The end of the file is io.EOF.
func (t *vctText) next() ([]byte, error) {
	if t.back {
		t.back = false
		t.at += t.lastSize
		t.line++
		return t.last, nil
	}
	b, err := t.in.ReadSlice('\n')
	t.at += int64(len(b))
	t.line++
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, t.tooLong(len(b))
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	case err != nil && len(b) == 0:
		return nil, io.EOF
	}
	if t.line&0xFFFF == 0 && t.ctx.Err() != nil {
		return nil, t.ctx.Err()
	}
	t.lastSize = int64(len(b))
	t.last = bytes.TrimSpace(b)
	return t.last, nil
}

// pass moves behind n lines of the section of that name.
func (t *vctText) pass(section string, n int64) error {
	for range n {
		b, err := t.in.ReadSlice('\n')
		t.at += int64(len(b))
		t.line++
		if err == nil && (t.line&0xFFFF != 0 || t.ctx.Err() == nil) {
			continue
		}
		switch {
		case err == nil:
			return t.ctx.Err()
		case errors.Is(err, io.EOF):
			return t.truncated(section)
		case errors.Is(err, bufio.ErrBufferFull):
			return t.tooLong(len(b))
		}
		return err
	}
	return nil
}

// tooLong is the problem of a line that no VCT has.
func (t *vctText) tooLong(n int) *problem.Problem {
	return problem.New("VCT_LINE", "第 %d 行超过 %d 字节", "line %d is longer than %d bytes", t.line, n).
		Advise("这不像 VCT 文本，请重新取得该文件", "that is no text of a VCT; get the file again")
}

// again lets the last line come again.
func (t *vctText) again() {
	t.back = true
	t.at -= t.lastSize
	t.line--
}

// need is next where the file must not end: inside the section of that name.
func (t *vctText) need(section string) ([]byte, error) {
	b, err := t.next()
	if errors.Is(err, io.EOF) {
		return nil, t.truncated(section)
	}
	return b, err
}

// truncated is the problem of a file that ends inside a section.
func (t *vctText) truncated(section string) *problem.Problem {
	return problem.New("VCT_TRUNCATED", "文件被截断：第 %d 行之后没有了，%s 一节没有写完", "truncated: it ends after line %d, in the middle of section %s", t.line-1, section).
		Advise("请重新取得该文件", "get the file again")
}

// integer reads a line that holds a whole number in [0, most].
func (t *vctText) integer(section string, most int64) (int64, error) {
	b, err := t.need(section)
	if err != nil {
		return 0, err
	}
	v, ok := parseInteger(b)
	if !ok || v < 0 || v > most {
		return 0, t.syntax("第 %[1]d 行（%[2]s）是 %[3]q，应为 0 到 %[4]d 的整数",
			"line %[1]d (%[2]s) says %[3]q where a whole number from 0 to %[4]d should be", t.line, section, short(b), most)
	}
	return v, nil
}

// syntax is the problem of a line that is not what should stand there.
func (t *vctText) syntax(zh, en string, args ...any) *problem.Problem {
	return problem.New("VCT_SYNTAX", zh, en, args...).
		Advise("文件可能损坏，请用原软件重新输出 VCT", "it may be damaged; have it written again by the program that made it")
}

// vctSection returns the name of the section that a line begins, in lower case, or "".
func vctSection(line []byte) string {
	const begin = "begin"
	if n := len(line) - len(begin); n > 0 && n < 40 && bytes.EqualFold(line[n:], []byte(begin)) && allLetters(line[:n]) {
		return string(bytes.ToLower(line[:n]))
	}
	return ""
}

// allLetters tells whether b holds letters only.
func allLetters(b []byte) bool {
	for _, c := range b {
		if c|0x20 < 'a' || c|0x20 > 'z' {
			return false
		}
	}
	return true
}

// vctEnds tells whether a line ends the section of that name.
func vctEnds(line []byte, section string) bool {
	return len(line) == len(section)+3 && bytes.EqualFold(line[len(section):], []byte("end")) && bytes.EqualFold(line[:len(section)], []byte(section))
}

// skip moves behind the end of a section.
func (t *vctText) skip(section string) error {
	for {
		b, err := t.need(section)
		if err != nil || vctEnds(b, section) {
			return err
		}
	}
}
