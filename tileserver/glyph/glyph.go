// Package glyph makes the glyph ranges that MapLibre draws labels from: for 256
// code points each, a protobuf message of signed distance fields, in the form
// that fontnik defined (24 pixels per em, 3 pixels of margin, distances up to 8
// pixels in steps of 1/32, the outline at 3/4 of the scale).
//
// There is one typeface, embedded: Go Regular for Latin, Greek and Cyrillic, and
// Droid Sans Fallback for Chinese and symbols, 27,000 Chinese characters among
// them (font/README.md). Every font stack is answered with it, because a label
// in another face is better than none.
//
// The package knows no style, no layer and no request, and reads no font but its own.
package glyph

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"

	"gengtu/index/problem"
)

//go:embed font/cjk.ttf.gz
var cjkFont []byte

// RangeSize is the number of code points in a range.
const RangeSize = 256

// MaxStart is the first code point of the last range: MapLibre asks for glyphs
// of the Basic Multilingual Plane alone.
const MaxStart = 0xFF00

// maxStackBytes bounds a font stack's name, which the answer repeats.
const maxStackBytes = 512

// latinEnd is the first code point that is looked for in the Chinese font first:
// from general punctuation on, Chinese text has forms of its own.
const latinEnd = 0x2000

// Range returns the glyph message of the code points [start, start+256) for
// fontstack, a comma list of font names of 1 to 512 bytes that the message
// repeats and that does not change the glyphs. Code points that the typeface
// does not have are left out, so that a range outside it is a message without
// glyphs. The glyphs of a range are made once and kept. The result is the
// caller's own. It is safe for concurrent use.
//
// A start that is no multiple of 256 in [0, MaxStart] and a font stack that is
// empty or too long are each a *problem.Problem.
func Range(fontstack string, start int) ([]byte, error) {
	if start < 0 || start > MaxStart || start%RangeSize != 0 {
		return nil, problem.New("GLYPH_RANGE", "字形区间起点 %d 不可用，应为 0 到 %d 之间 %d 的倍数",
			"no glyph range starts at %d: starts are multiples of %[3]d from 0 to %[2]d", start, MaxStart, RangeSize)
	}
	if fontstack == "" || len(fontstack) > maxStackBytes {
		return nil, problem.New("FONT_STACK", "字体名长度为 %d 字节，应为 1 到 %d",
			"the font stack's name has %d bytes; 1 to %d are needed", len(fontstack), maxStackBytes)
	}
	glyphs, err := ranges[start/RangeSize].get(rune(start))
	if err != nil {
		return nil, err
	}
	return appendStack(fontstack, start, glyphs), nil
}

// made holds the glyphs of one range, once they have been asked for.
type made struct {
	once   sync.Once
	glyphs []byte
	err    error
}

var ranges [MaxStart/RangeSize + 1]made

func (m *made) get(start rune) ([]byte, error) {
	m.once.Do(func() { m.glyphs, m.err = glyphsFrom(start) })
	return m.glyphs, m.err
}

// glyphsFrom returns the glyphs of the range at start, as fields of a font stack
// message.
func glyphsFrom(start rune) ([]byte, error) {
	fonts, err := typeface()
	if err != nil {
		return nil, err
	}
	var out []byte
	var p pen
	for r := start; r < start+RangeSize; r++ {
		g, ok, err := p.glyph(fonts, r)
		if err != nil {
			return nil, fmt.Errorf("glyph U+%04X: %w", r, err)
		}
		if ok {
			out = g.appendTo(out)
		}
	}
	return out, nil
}

// fonts are the two halves of the typeface.
type fonts struct {
	latin, cjk *sfnt.Font
}

// order returns the fonts in the order that r is looked for.
func (f fonts) order(r rune) [2]*sfnt.Font {
	if r < latinEnd {
		return [2]*sfnt.Font{f.latin, f.cjk}
	}
	return [2]*sfnt.Font{f.cjk, f.latin}
}

var typeface = sync.OnceValues(func() (fonts, error) {
	latin, err := sfnt.Parse(goregular.TTF)
	if err != nil {
		return fonts{}, fmt.Errorf("latin font: %w", err)
	}
	r, err := gzip.NewReader(bytes.NewReader(cjkFont))
	if err != nil {
		return fonts{}, fmt.Errorf("chinese font: %w", err)
	}
	data, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		return fonts{}, fmt.Errorf("chinese font: %w", err)
	}
	cjk, err := sfnt.Parse(data)
	if err != nil {
		return fonts{}, fmt.Errorf("chinese font: %w", err)
	}
	return fonts{latin, cjk}, nil
})
