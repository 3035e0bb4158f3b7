package source

import (
	"encoding/binary"
	"math"
)

// flatTable is a table in a FlatBuffers buffer. The layout: a table begins with
// the signed distance back to its vtable, which holds its own size, the table's
// size and for each field its place in the table, 0 for absent
// (flatbuffers.dev, "FlatBuffer Internals").
//
// Every access is checked against the buffer; a place outside of it reads as
// absent. ok is false for a table that is not there.
type flatTable struct {
	buf    []byte
	pos    int // of the table
	vtable int
	fields int // how many fields the vtable has room for
	ok     bool
}

// flatVector is a vector in a buffer: where its elements begin and how many
// there are. They lie in the buffer as a whole.
type flatVector struct {
	buf  []byte
	pos  int
	n    int
	size int
}

// rootTable returns the table that the offset at the beginning of buf points to.
func rootTable(buf []byte) flatTable {
	if len(buf) < 4 {
		return flatTable{}
	}
	return tableAt(buf, int64(binary.LittleEndian.Uint32(buf)))
}

// tableAt returns the table at pos.
func tableAt(buf []byte, pos int64) flatTable {
	if pos < 0 || pos+4 > int64(len(buf)) {
		return flatTable{}
	}
	back := int64(int32(binary.LittleEndian.Uint32(buf[pos:]))) //nolint:gosec // a signed distance by definition
	vtable := pos - back
	if vtable < 0 || vtable+4 > int64(len(buf)) {
		return flatTable{}
	}
	size := int64(binary.LittleEndian.Uint16(buf[vtable:]))
	if size < 4 || vtable+size > int64(len(buf)) {
		return flatTable{}
	}
	return flatTable{buf: buf, pos: int(pos), vtable: int(vtable), fields: int(size-4) / 2, ok: true}
}

// at returns the place of a field of size bytes, or -1 when it is absent.
func (t flatTable) at(field, size int) int {
	if !t.ok || field >= t.fields {
		return -1
	}
	offset := int(binary.LittleEndian.Uint16(t.buf[t.vtable+4+2*field:]))
	if offset == 0 || t.pos+offset+size > len(t.buf) {
		return -1
	}
	return t.pos + offset
}

// byte returns an unsigned byte field, 0 if it is absent.
func (t flatTable) byte(field int) byte {
	if p := t.at(field, 1); p >= 0 {
		return t.buf[p]
	}
	return 0
}

// uint16 returns an unsigned field of two bytes, or otherwise if it is absent.
func (t flatTable) uint16(field int, otherwise uint16) uint16 {
	if p := t.at(field, 2); p >= 0 {
		return binary.LittleEndian.Uint16(t.buf[p:])
	}
	return otherwise
}

// int32 returns a signed field of four bytes, or otherwise if it is absent.
func (t flatTable) int32(field int, otherwise int32) int32 {
	if p := t.at(field, 4); p >= 0 {
		return int32(binary.LittleEndian.Uint32(t.buf[p:])) //nolint:gosec // the bits are the number
	}
	return otherwise
}

// uint64 returns an unsigned field of eight bytes, 0 if it is absent.
func (t flatTable) uint64(field int) uint64 {
	if p := t.at(field, 8); p >= 0 {
		return binary.LittleEndian.Uint64(t.buf[p:])
	}
	return 0
}

// target returns where an offset field points to, or -1 when it is absent.
func (t flatTable) target(field int) int64 {
	p := t.at(field, 4)
	if p < 0 {
		return -1
	}
	return int64(p) + int64(binary.LittleEndian.Uint32(t.buf[p:]))
}

// table returns a field that is a table.
func (t flatTable) table(field int) flatTable { return tableAt(t.buf, t.target(field)) }

// vector returns a field that is a vector of elements of size bytes. valid is
// false when the field is there but does not fit into the buffer; an absent
// vector is empty and valid.
func (t flatTable) vector(field, size int) (v flatVector, valid bool) {
	pos := t.target(field)
	if pos < 0 {
		return flatVector{}, true
	}
	if pos+4 > int64(len(t.buf)) {
		return flatVector{}, false
	}
	n := int64(binary.LittleEndian.Uint32(t.buf[pos:]))
	if pos+4+n*int64(size) > int64(len(t.buf)) {
		return flatVector{}, false
	}
	return flatVector{buf: t.buf, pos: int(pos) + 4, n: int(n), size: size}, true
}

// bytes returns a vector of bytes or a string; nil if it is absent or broken.
func (t flatTable) bytes(field int) []byte {
	v, valid := t.vector(field, 1)
	if !valid || v.n == 0 {
		return nil
	}
	return v.buf[v.pos : v.pos+v.n]
}

// uint32 returns element i of a vector of four-byte elements.
func (v flatVector) uint32(i int) uint32 { return binary.LittleEndian.Uint32(v.buf[v.pos+4*i:]) }

// float64 returns element i of a vector of doubles.
func (v flatVector) float64(i int) float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(v.buf[v.pos+8*i:]))
}

// table returns element i of a vector of tables.
func (v flatVector) table(i int) flatTable {
	p := v.pos + 4*i
	return tableAt(v.buf, int64(p)+int64(binary.LittleEndian.Uint32(v.buf[p:])))
}
