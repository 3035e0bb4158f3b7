package mvt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math"
)

// Value is an attribute's value in the form that tiles carry, made once by a
// [Values] and put into as many tiles as have it, as a [Tag]'s Value.
type Value struct {
	table  *Values
	data   []byte
	number uint32
}

// Values keeps values, each once. The zero value is empty and ready for use. Its
// methods must not be called by several goroutines at once; values that it has
// given may be read by any number.
type Values struct {
	seed  maphash.Seed
	slots []uint32 // by hash: the number of a value plus 1, or 0
	list  [][]Value
	n     int
	bytes []byte // of values, the newest chunk
	part  []byte
}

// valueChunk is how many values are made room for at a time, valueBytes how much
// of their bytes.
const (
	valueChunk = 512
	valueBytes = 1 << 14
)

// Reset forgets all values and keeps the memory: values given before must not be
// used any more.
func (t *Values) Reset() {
	if t.n > 0 {
		clear(t.slots)
		t.n = 0
	}
}

// Text returns the value of a text in UTF-8. s is not kept.
func (t *Values) Text(s []byte) *Value {
	t.part = appendBytes(t.part[:0], valueString, s)
	return t.intern(t.part)
}

// Int returns the value of an integer: an int, or a sint below zero.
func (t *Values) Int(v int64) *Value {
	if v < 0 {
		// An int below zero takes ten bytes, a sint as many as its size needs.
		t.part = appendVarint(t.part[:0], valueSint, uint64(v)<<1^uint64(v>>63))
	} else {
		t.part = appendVarint(t.part[:0], valueInt, uint64(v))
	}
	return t.intern(t.part)
}

// Real returns the value of a number, or nil when v is not finite: JSON cannot
// say it.
func (t *Values) Real(v float64) *Value {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	t.part = append(t.part[:0], valueDouble<<3|wireFixed64)
	t.part = binary.LittleEndian.AppendUint64(t.part, math.Float64bits(v))
	return t.intern(t.part)
}

// Bool returns the value of a truth.
func (t *Values) Bool(v bool) *Value {
	b := uint64(0)
	if v {
		b = 1
	}
	t.part = appendVarint(t.part[:0], valueBool, b)
	return t.intern(t.part)
}

// of returns the value of a tag that has a plain one. The error wraps
// [ErrFeature].
func (t *Values) of(tag Tag) (*Value, error) {
	switch v := tag.Value.(type) {
	case string:
		t.part = append(binary.AppendUvarint(append(t.part[:0], valueString<<3|wireBytes), uint64(len(v))), v...)
		return t.intern(t.part), nil
	case int64:
		return t.Int(v), nil
	case bool:
		return t.Bool(v), nil
	case float64:
		if known := t.Real(v); known != nil {
			return known, nil
		}
		return nil, fmt.Errorf("%w: %q is %v, which JSON cannot say", ErrFeature, tag.Key, v)
	default:
		return nil, fmt.Errorf("%w: %q is a %T", ErrFeature, tag.Key, v)
	}
}

// at returns value number i.
func (t *Values) at(i uint32) *Value { return &t.list[i/valueChunk][i%valueChunk] }

// slot returns where data's number stands, or would.
func (t *Values) slot(data []byte) *uint32 {
	mask := uint64(len(t.slots) - 1)
	for i := maphash.Bytes(t.seed, data) & mask; ; i = (i + 1) & mask {
		if s := &t.slots[i]; *s == 0 || bytes.Equal(t.at(*s-1).data, data) {
			return s
		}
	}
}

// find returns the value that data encodes, or nil when t does not have it.
func (t *Values) find(data []byte) *Value {
	if t.n == 0 {
		return nil
	}
	if s := t.slot(data); *s != 0 {
		return t.at(*s - 1)
	}
	return nil
}

// intern returns the value that data encodes, a new one if need be.
func (t *Values) intern(data []byte) *Value {
	if 2*t.n >= len(t.slots) {
		t.grow()
	}
	s := t.slot(data)
	if *s != 0 {
		return t.at(*s - 1)
	}
	if t.n/valueChunk == len(t.list) {
		t.list = append(t.list, make([]Value, valueChunk))
	}
	if cap(t.bytes)-len(t.bytes) < len(data) {
		t.bytes = make([]byte, 0, max(valueBytes, len(data)))
	}
	from := len(t.bytes)
	t.bytes = append(t.bytes, data...)
	t.n++
	*s = uint32(t.n)
	v := t.at(uint32(t.n - 1))
	*v = Value{table: t, data: t.bytes[from:len(t.bytes):len(t.bytes)], number: uint32(t.n - 1)}
	return v
}

// grow makes room for twice as many values.
func (t *Values) grow() {
	if t.slots == nil {
		t.seed = maphash.MakeSeed()
	}
	t.slots = make([]uint32, max(64, 4*len(t.slots)))
	for i := range uint32(t.n) {
		*t.slot(t.at(i).data) = i + 1
	}
}
