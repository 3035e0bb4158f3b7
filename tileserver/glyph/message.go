package glyph

import (
	"encoding/binary"
	"fmt"
)

// The fields of fontnik's glyphs.proto, each as the byte that stands before its
// value: number << 3 | wire type, 0 for a number and 2 for bytes.
const (
	keyStack = 1<<3 | 2 // glyphs.stacks

	keyName   = 1<<3 | 2 // fontstack.name
	keyRange  = 2<<3 | 2 // fontstack.range
	keyGlyphs = 3<<3 | 2 // fontstack.glyphs

	keyID      = 1 << 3   // glyph.id
	keyBitmap  = 2<<3 | 2 // glyph.bitmap
	keyWidth   = 3 << 3   // glyph.width
	keyHeight  = 4 << 3   // glyph.height
	keyLeft    = 5 << 3   // glyph.left, zigzag
	keyTop     = 6 << 3   // glyph.top, zigzag
	keyAdvance = 7 << 3   // glyph.advance
)

// appendTo appends g as a field of a font stack message.
func (g glyph) appendTo(b []byte) []byte {
	m := appendNumber(nil, keyID, uint64(g.id))
	if len(g.bitmap) > 0 {
		m = appendBytes(m, keyBitmap, g.bitmap)
	}
	m = appendNumber(m, keyWidth, uint64(g.width))
	m = appendNumber(m, keyHeight, uint64(g.height))
	m = appendNumber(m, keyLeft, zigzag(g.left))
	m = appendNumber(m, keyTop, zigzag(g.top))
	m = appendNumber(m, keyAdvance, uint64(g.advance))
	return appendBytes(b, keyGlyphs, m)
}

// appendStack returns the message of one font stack with glyphs.
func appendStack(name string, start int, glyphs []byte) []byte {
	stack := make([]byte, 0, len(name)+len(glyphs)+32)
	stack = appendBytes(stack, keyName, []byte(name))
	stack = appendBytes(stack, keyRange, fmt.Appendf(nil, "%d-%d", start, start+RangeSize-1))
	stack = append(stack, glyphs...)
	return appendBytes(make([]byte, 0, len(stack)+8), keyStack, stack)
}

func appendBytes(b []byte, key byte, value []byte) []byte {
	b = binary.AppendUvarint(append(b, key), uint64(len(value)))
	return append(b, value...)
}

func appendNumber(b []byte, key byte, value uint64) []byte {
	return binary.AppendUvarint(append(b, key), value)
}

// zigzag is protobuf's encoding of signed numbers (sint32).
func zigzag(v int) uint64 { return uint64(uint32(v)<<1 ^ uint32(int32(v)>>31)) }
