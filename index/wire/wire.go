// Package wire reads stored records: integers as varints, floats as eight bytes,
// little-endian, lists and texts behind their length. What features and the
// partition of the ground are stored in is read by the same rules.
//
// The package opens no file and does not know what a record means.
package wire

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// Reader reads a record from its beginning. After the first fault it gives zeros
// and remembers it, so that a record is judged once, at its end. A Reader is a
// value; a copy reads on from where it was made.
type Reader struct {
	// Data is what is left to read; it aliases the record.
	Data []byte
	// Bad tells whether there was a fault.
	Bad bool
}

// Fail records a fault.
func (r *Reader) Fail() { r.Bad, r.Data = true, nil }

// Whole tells whether everything was read, and without a fault.
func (r *Reader) Whole() bool { return !r.Bad && len(r.Data) == 0 }

// Uvarint reads what [binary.AppendUvarint] writes.
func (r *Reader) Uvarint() uint64 {
	if len(r.Data) > 0 && r.Data[0] < 0x80 {
		v := r.Data[0]
		r.Data = r.Data[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(r.Data)
	if n <= 0 {
		r.Fail()
		return 0
	}
	r.Data = r.Data[n:]
	return v
}

// Varint reads what [binary.AppendVarint] writes. Numbers of up to eight bytes,
// as coordinates and their differences are, are read at once: the first byte
// without its highest bit set ends the number, and the lower seven bits of each
// are moved together by twos, fours and eights.
func (r *Reader) Varint() int64 {
	if len(r.Data) < 8 {
		return r.longVarint()
	}
	x := binary.LittleEndian.Uint64(r.Data)
	ends := ^x & 0x8080808080808080
	if ends == 0 {
		return r.longVarint()
	}
	n := bits.TrailingZeros64(ends) + 1
	r.Data = r.Data[n/8:]
	x &= 0x7f7f7f7f7f7f7f7f & (1<<n - 1)
	x = x&0x007f007f007f007f | x>>1&0x3f803f803f803f80
	x = x&0x00003fff00003fff | x>>2&0x0fffc0000fffc000
	x = x&0x000000000fffffff | x>>4&0x00fffffff0000000
	return int64(x>>1) ^ -int64(x&1)
}

// longVarint is Varint for nine and ten bytes, and at the end of a record.
func (r *Reader) longVarint() int64 {
	v, n := binary.Varint(r.Data)
	if n <= 0 {
		r.Fail()
		return 0
	}
	r.Data = r.Data[n:]
	return v
}

// Take returns the next n bytes, which alias the record.
func (r *Reader) Take(n uint64) []byte {
	if n > uint64(len(r.Data)) {
		r.Fail()
		return nil
	}
	b := r.Data[:n]
	r.Data = r.Data[n:]
	return b
}

// Float reads eight bytes.
func (r *Reader) Float() float64 {
	if len(r.Data) < 8 {
		r.Fail()
		return 0
	}
	v := binary.LittleEndian.Uint64(r.Data)
	r.Data = r.Data[8:]
	return math.Float64frombits(v)
}

// Text reads a text behind its length.
func (r *Reader) Text() string { return string(r.Take(r.Uvarint())) }

// Count reads a number of things that take at least size bytes each, so that none
// is believed that the record cannot hold.
func (r *Reader) Count(size int) int {
	n := r.Uvarint()
	if n > uint64(len(r.Data)/size) {
		r.Fail()
		return 0
	}
	return int(n)
}

// AppendFloat appends v as eight bytes.
func AppendFloat(dst []byte, v float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
}

// Width returns the bytes that a number below n takes in a list of them: 1, 2 or 4.
func Width(n int) int {
	switch {
	case n <= 1<<8:
		return 1
	case n <= 1<<16:
		return 2
	default:
		return 4
	}
}

// AppendNumber appends v, little-endian, in a [Width] that it fits.
func AppendNumber(dst []byte, v uint32, width int) []byte {
	switch width {
	case 1:
		return append(dst, byte(v))
	case 2:
		return binary.LittleEndian.AppendUint16(dst, uint16(v))
	default:
		return binary.LittleEndian.AppendUint32(dst, v)
	}
}

// NumberAt returns number i of a list of numbers of one [Width], which holds it.
func NumberAt(list []byte, i, width int) int {
	switch width {
	case 1:
		return int(list[i])
	case 2:
		return int(binary.LittleEndian.Uint16(list[2*i:]))
	default:
		return int(binary.LittleEndian.Uint32(list[4*i:]))
	}
}
