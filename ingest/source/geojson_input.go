package source

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
	"sync"
	"sync/atomic"

	"gengtu/index/problem"
)

// maxJSONWindow bounds the memory for one feature: 1 GiB is some twenty million
// vertices.
const maxJSONWindow = 1 << 30

// jsonBlock is the memory of a window. It is in use by the window that is on it and
// by batches whose features stand in it.
type jsonBlock struct {
	buf   []byte
	users atomic.Int32
	spare *sync.Pool // of blocks of the size that windows begin with
}

// release ends one use of the block.
func (b *jsonBlock) release() {
	if b.users.Add(-1) == 0 && b.spare != nil {
		b.spare.Put(b)
	}
}

// jsonInput is a window on a stream of JSON that moves on and, when a value does
// not fit, grows. The bytes from keep on, if it is not negative, stay in it.
type jsonInput struct {
	src   io.Reader
	block *jsonBlock
	buf   []byte // of block
	least int    // the size that it begins with
	spare *sync.Pool
	pos   int // the next byte
	end   int // behind the last byte read
	keep  int
	base  int64 // place of buf[0] in the stream
	err   error // what ended the stream, but for io.EOF
	eof   bool
}

// newJSONInput returns a window of size bytes on src that has read nothing.
func newJSONInput(src io.Reader, size int) *jsonInput {
	in := &jsonInput{src: src, least: size, spare: new(sync.Pool), keep: -1}
	in.block = in.take(size)
	in.buf = in.block.buf
	return in
}

// take returns a block of size bytes for the window.
func (in *jsonInput) take(size int) *jsonBlock {
	b := &jsonBlock{}
	if size == in.least {
		if spare, ok := in.spare.Get().(*jsonBlock); ok {
			b = spare
		}
		b.spare = in.spare
	}
	if b.buf == nil {
		b.buf = make([]byte, size)
	}
	b.users.Store(1)
	return b
}

// window returns what is read and not yet consumed.
func (in *jsonInput) window() []byte { return in.buf[in.pos:in.end] }

// offset returns the place of the next byte in the stream.
func (in *jsonInput) offset() int64 { return in.base + int64(in.pos) }

// ended tells whether everything is consumed.
func (in *jsonInput) ended() bool { return in.eof && in.pos == in.end && in.err == nil }

// fill reads more and tells whether there was more.
func (in *jsonInput) fill() bool {
	if in.eof {
		return false
	}
	start := in.pos
	if in.keep >= 0 {
		start = min(start, in.keep)
	}
	if in.end == len(in.buf) && !in.move(start) {
		return false
	}
	for range 100 {
		n, err := in.src.Read(in.buf[in.end:])
		in.end += n
		if err != nil {
			in.eof = true
			if !errors.Is(err, io.EOF) {
				in.err = err
			}
		}
		if n > 0 || err != nil {
			return n > 0
		}
	}
	in.eof, in.err = true, io.ErrNoProgress
	return false
}

// move makes room behind the bytes from start on, and tells whether it could.
func (in *jsonInput) move(start int) bool {
	size := len(in.buf)
	switch kept := in.end - start; {
	case kept <= in.least/2:
		size = in.least
	case kept > size/2 && size >= maxJSONWindow:
		in.eof, in.err = true, problem.New("GEOJSON_LARGE", "第 %d 字节起的一个要素超过 %d 字节",
			"a feature at byte %d is larger than %d bytes", in.base+int64(start), maxJSONWindow).
			Advise("请拆分该要素", "divide the feature")
		return false
	case kept > size/2:
		size *= 2
	}
	target := in.block
	if size != len(in.buf) || target.users.Load() > 1 {
		target = in.take(size)
	}
	copy(target.buf, in.buf[start:in.end])
	if target != in.block {
		in.block.release()
		in.block, in.buf = target, target.buf
	}
	in.base += int64(start)
	in.pos, in.end = in.pos-start, in.end-start
	if in.keep >= 0 {
		in.keep -= start
	}
	return true
}

// stop returns why there is no more: the stream's own error, or its early end.
func (in *jsonInput) stop() error {
	if in.err != nil {
		return in.err
	}
	return truncatedJSON(in.base + int64(in.end))
}

// peek returns the next byte that is no white space without consuming it.
func (in *jsonInput) peek() (byte, error) {
	for {
		for ; in.pos < in.end; in.pos++ {
			if c := in.buf[in.pos]; c != ' ' && c != '\n' && c != '\r' && c != '\t' {
				return c, nil
			}
		}
		if !in.fill() {
			return 0, in.stop()
		}
	}
}

// value consumes the next value and returns its bytes, valid until more is read.
func (in *jsonInput) value() ([]byte, error) {
	in.keep = in.pos
	err := in.skip()
	b := in.buf[in.keep:in.pos]
	in.keep = -1
	return b, err
}

// skip consumes the next value, which begins at the next byte and stays in the
// window from there on.
func (in *jsonInput) skip() error {
	outer := in.keep
	if outer < 0 {
		in.keep = in.pos
	}
	s := jsonSkipper{}
	for {
		n, done := s.run(in.buf[in.pos:in.end])
		in.pos += n
		if done {
			break
		}
		if !in.fill() {
			if in.err == nil && s.complete() {
				break
			}
			return in.stop()
		}
	}
	if outer < 0 {
		in.keep = -1
	}
	if s.bad {
		return syntax(in.offset(), "应为一个值", "a value was expected")
	}
	return nil
}

// until consumes and returns the bytes up to delimiter, which is consumed too;
// whole is false at the end of the stream. They are valid until more is read.
func (in *jsonInput) until(delimiter byte) (b []byte, whole bool, err error) {
	in.keep = in.pos
	scanned := in.pos
	for {
		if i := bytes.IndexByte(in.buf[scanned:in.end], delimiter); i >= 0 {
			b = in.buf[in.keep : scanned+i]
			in.pos, in.keep = scanned+i+1, -1
			return b, true, nil
		}
		// fill may move the window; what is searched already moves with keep.
		searched := in.end - in.keep
		if !in.fill() {
			break
		}
		scanned = in.keep + searched
	}
	b = in.buf[in.keep:in.end]
	in.pos, in.keep = in.end, -1
	return b, false, in.err
}

// jsonSkipper finds the end of a JSON value that comes in pieces. It counts
// brackets and minds strings; whether the value makes sense is for its parser.
type jsonSkipper struct {
	depth   int
	begun   bool
	scalar  bool
	text    bool // inside a string
	escaped bool // behind a backslash
	bad     bool
}

// jsonStops marks the bytes that matter outside of strings.
var jsonStops = [256]bool{'"': true, '{': true, '}': true, '[': true, ']': true}

// jsonScalarEnds marks the bytes that end a number or a literal.
var jsonScalarEnds = [256]bool{',': true, '}': true, ']': true, ' ': true, '\n': true, '\r': true, '\t': true, ':': true, '"': true, '{': true, '[': true, recordSeparator: true}

// complete tells whether the value may end where the stream ends.
func (s *jsonSkipper) complete() bool { return s.scalar && s.begun }

// run returns how many bytes of b belong to the value and whether it ends there.
func (s *jsonSkipper) run(b []byte) (n int, done bool) {
	i := 0
	if !s.begun && len(b) > 0 {
		s.begun = true
		s.scalar = !jsonStops[b[0]]
		if b[0] == '}' || b[0] == ']' || (s.scalar && jsonScalarEnds[b[0]]) {
			s.bad = true
			return 0, true
		}
	}
	if s.scalar {
		for i < len(b) && !jsonScalarEnds[b[i]] {
			i++
		}
		return i, i < len(b)
	}
	for i < len(b) {
		if s.text {
			if i = s.skipText(b, i); s.text {
				return i, false
			}
			if s.depth == 0 {
				return i, true
			}
			continue
		}
		if i = nextStop(b, i); i == len(b) {
			break
		}
		switch b[i] {
		case '"':
			s.text = true
		case '{', '[':
			s.depth++
		default:
			s.depth--
		}
		i++
		if s.depth == 0 && !s.text {
			return i, true
		}
	}
	return i, false
}

// skipText goes on in a string at b[i] and returns the place behind its end.
func (s *jsonSkipper) skipText(b []byte, i int) int {
	if s.escaped && i < len(b) {
		s.escaped = false
		i++
	}
	for i < len(b) {
		if i = nextInText(b, i); i == len(b) {
			break
		}
		if b[i] == '"' {
			s.text = false
			return i + 1
		}
		if i+1 == len(b) {
			s.escaped = true
			return i + 1
		}
		i += 2
	}
	return i
}

// Eight bytes at a time: a byte of v is zero where the result has its highest bit
// set; of the bits that are set the lowest is sure, those above it may be false.
const (
	eachByte    = 0x0101010101010101
	eachHighBit = 0x80 * eachByte
)

func zeroBytes(v uint64) uint64 { return (v - eachByte) &^ v & eachHighBit }

// nextStop returns the first place from i on with a byte of [jsonStops], or len(b).
func nextStop(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		v := binary.LittleEndian.Uint64(b[i:])
		// Braces are brackets with one bit more.
		brackets := v | ' '*eachByte
		found := zeroBytes(v^'"'*eachByte) | zeroBytes(brackets^'{'*eachByte) | zeroBytes(brackets^'}'*eachByte)
		if found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(b) && !jsonStops[b[i]] {
		i++
	}
	return i
}

// nextInText returns the first place from i on with a quote or a backslash, or
// len(b).
func nextInText(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		v := binary.LittleEndian.Uint64(b[i:])
		if found := zeroBytes(v^'"'*eachByte) | zeroBytes(v^'\\'*eachByte); found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(b) && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// errJSONEnd says that a value does not end inside the bytes given.
var errJSONEnd = errors.New("value is not complete")

// skipJSON returns the place behind the value that begins at b[i].
func skipJSON(b []byte, i int) (int, error) {
	if i < len(b) && b[i] == '"' {
		return skipString(b, i)
	}
	s := jsonSkipper{}
	n, done := s.run(b[i:])
	if s.bad || (!done && !s.complete()) {
		return i, errJSONEnd
	}
	return i + n, nil
}

// skipString returns the place behind the string that begins at b[i].
func skipString(b []byte, i int) (int, error) {
	for at := i + 1; at < len(b); at += 2 { // a backslash and what it escapes
		if at = nextInText(b, at); at < len(b) && b[at] == '"' {
			return at + 1, nil
		}
	}
	return i, errJSONEnd
}
