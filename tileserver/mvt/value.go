package mvt

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
)

// Cell is an attribute's value in the form that tiles carry, by its number in the
// [Values] that made it. 0 is no value.
type Cell uint32

// Row is a feature's attributes, made once and put into as many tiles as show the
// feature: for each of Table's columns a cell that Table gave, 0 for none. Cells
// may be fewer than columns. It is valid until Table is reset.
type Row struct {
	Table *Values
	Cells []Cell
}

// Values keeps values, each once, and the names of columns. The zero value is empty
// and ready for use. Its methods must not be called by several goroutines at once;
// rows of it may be read by any number while none is.
type Values struct {
	// Columns are the keys of the cells of rows, each different from all others.
	Columns []string

	seed  maphash.Seed
	slots []slot // by hash; as many as a power of two
	spans []span // by number of a value, from 0
	bytes []byte // of all values, one after another
	part  []byte // the value that is asked for
	last  []text // texts that a column had, columnTexts for each
}

// slot holds the number of a value from 1, or 0, and a part of the value's hash.
type slot struct{ hash, number uint32 }

// span is where in Values.bytes a value is.
type span struct{ from, to int }

// text is a text and its value. It aliases what Values.bytes was when it came.
type text struct {
	text []byte
	cell Cell
}

// columnTexts is how many texts of a column are remembered, a power of two.
const columnTexts = 8

// Reset forgets all values and keeps columns and the memory: cells given before must
// not be used any more.
func (t *Values) Reset() {
	if len(t.spans) > 0 {
		clear(t.slots)
		clear(t.last)
		t.spans, t.bytes = t.spans[:0], t.bytes[:0]
	}
}

// Text returns the value of a text in UTF-8. s is not kept.
func (t *Values) Text(s []byte) Cell {
	t.part = appendBytes(t.part[:0], valueString, s)
	return t.intern(t.part)
}

// TextOf is Text for a text of a column, faster where features that follow each
// other have the same.
func (t *Values) TextOf(column int, s []byte) Cell {
	if len(s) == 0 {
		return t.Text(s)
	}
	at := column*columnTexts + int(s[len(s)-1]^byte(len(s)))&(columnTexts-1)
	if at >= len(t.last) {
		t.last = append(t.last, make([]text, at+columnTexts-len(t.last))...)
	}
	last := &t.last[at]
	if string(last.text) != string(s) {
		last.cell = t.Text(s)
		data := t.data(last.cell)
		last.text = data[len(data)-len(s):]
	}
	return last.cell
}

// Int returns the value of an integer: an int, or a sint below zero.
func (t *Values) Int(v int64) Cell {
	if v < 0 {
		// An int below zero takes ten bytes, a sint as many as its size needs.
		t.part = appendVarint(t.part[:0], valueSint, uint64(v)<<1^uint64(v>>63))
	} else {
		t.part = appendVarint(t.part[:0], valueInt, uint64(v))
	}
	return t.intern(t.part)
}

// Real returns the value of a number, or 0 when v is not finite: JSON cannot
// say it.
func (t *Values) Real(v float64) Cell {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	t.part = append(t.part[:0], valueDouble<<3|wireFixed64)
	t.part = binary.LittleEndian.AppendUint64(t.part, math.Float64bits(v))
	return t.intern(t.part)
}

// Bool returns the value of a truth.
func (t *Values) Bool(v bool) Cell {
	b := uint64(0)
	if v {
		b = 1
	}
	t.part = appendVarint(t.part[:0], valueBool, b)
	return t.intern(t.part)
}

// of returns the value of a tag. The error wraps [ErrFeature].
func (t *Values) of(tag Tag) (Cell, error) {
	switch v := tag.Value.(type) {
	case string:
		t.part = append(binary.AppendUvarint(append(t.part[:0], valueString<<3|wireBytes), uint64(len(v))), v...)
		return t.intern(t.part), nil
	case int64:
		return t.Int(v), nil
	case bool:
		return t.Bool(v), nil
	case float64:
		if c := t.Real(v); c > 0 {
			return c, nil
		}
		return 0, fmt.Errorf("%w: %q is %v, which JSON cannot say", ErrFeature, tag.Key, v)
	default:
		return 0, fmt.Errorf("%w: %q is a %T", ErrFeature, tag.Key, v)
	}
}

// data returns how c is encoded. It is valid until the next value is made.
func (t *Values) data(c Cell) []byte {
	s := t.spans[c-1]
	return t.bytes[s.from:s.to]
}

// find returns where data's slot is, or would be, and its hash.
func (t *Values) find(data []byte) (at int, hash uint32) {
	h := maphash.Bytes(t.seed, data)
	hash = uint32(h >> 32)
	mask := len(t.slots) - 1
	for at = int(h) & mask; ; at = (at + 1) & mask {
		if s := t.slots[at]; s.number == 0 || s.hash == hash && string(t.data(Cell(s.number))) == string(data) {
			return at, hash
		}
	}
}

// known returns the value that data encodes, or 0 when t does not have it.
func (t *Values) known(data []byte) Cell {
	if len(t.spans) == 0 {
		return 0
	}
	at, _ := t.find(data)
	return Cell(t.slots[at].number)
}

// intern returns the value that data encodes, a new one if need be.
func (t *Values) intern(data []byte) Cell {
	if 2*len(t.spans) >= len(t.slots) {
		t.grow()
	}
	at, hash := t.find(data)
	if n := t.slots[at].number; n > 0 {
		return Cell(n)
	}
	from := len(t.bytes)
	t.bytes = append(t.bytes, data...)
	t.spans = append(t.spans, span{from, len(t.bytes)})
	t.slots[at] = slot{hash, uint32(len(t.spans))}
	return Cell(len(t.spans))
}

// grow makes room for more values.
func (t *Values) grow() {
	if t.slots == nil {
		t.seed = maphash.MakeSeed()
	}
	t.slots = make([]slot, max(64, 4*len(t.slots)))
	for i := range t.spans {
		at, hash := t.find(t.data(Cell(i + 1)))
		t.slots[at] = slot{hash, uint32(i + 1)}
	}
	t.spans = slices.Grow(t.spans, len(t.slots)/2-len(t.spans))
}
