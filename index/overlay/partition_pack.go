package overlay

import (
	"encoding/binary"
	"math"

	"gengtu/index/wire"
)

// PackedCell is a cell in the bytes that it is stored in: questions read it as it
// lies. It is valid as long as they are.
type PackedCell struct {
	X0, Y0, X1, Y1 float64
	width          int // bytes of an index
	vertices       []byte
	bottoms        []byte
	segments       []byte
	areas          []byte
}

// packedCounts is the number of numbers of things in a packed cell.
const packedCounts = 4

// AppendPacked appends the cell in packed form: its box, the width of an index,
// the numbers of vertices, bottom faces, segments and faces, and then these: floats
// as 8 bytes, little-endian, of faces the areas alone.
func (c *Cell) AppendPacked(dst []byte) []byte {
	for _, v := range [4]float64{c.X0, c.Y0, c.X1, c.Y1} {
		dst = wire.AppendFloat(dst, v)
	}
	width := indexWidth(max(len(c.Vertices), len(c.Faces)))
	dst = append(dst, byte(width))
	for _, n := range [packedCounts]int{len(c.Vertices), len(c.Bottom), len(c.Segments), len(c.Faces)} {
		dst = binary.AppendUvarint(dst, uint64(n))
	}
	for _, v := range c.Vertices {
		dst = wire.AppendFloat(wire.AppendFloat(dst, v.X), v.Y)
	}
	for _, b := range c.Bottom {
		dst = appendIndex(wire.AppendFloat(dst, b.X), b.Face, width)
	}
	for _, s := range c.Segments {
		for _, v := range [4]uint32{s.From, s.To, s.Below, s.Above} {
			dst = appendIndex(dst, v, width)
		}
	}
	for i := range c.Faces {
		dst = wire.AppendFloat(dst, c.Faces[i].Area)
	}
	return dst
}

// indexWidth returns the bytes that an index below n takes.
func indexWidth(n int) int {
	switch {
	case n <= 1<<8:
		return 1
	case n <= 1<<16:
		return 2
	default:
		return 4
	}
}

func appendIndex(dst []byte, v uint32, width int) []byte {
	switch width {
	case 1:
		return append(dst, byte(v))
	case 2:
		return binary.LittleEndian.AppendUint16(dst, uint16(v))
	default:
		return binary.LittleEndian.AppendUint32(dst, v)
	}
}

// Unpack makes p the packed cell that data begins with and returns what follows;
// false when it is damaged so that it cannot be told apart from that.
func (p *PackedCell) Unpack(data []byte) (rest []byte, ok bool) {
	if len(data) < 33 {
		return nil, false
	}
	p.X0, p.Y0, p.X1, p.Y1 = floatAt(data, 0), floatAt(data, 8), floatAt(data, 16), floatAt(data, 24)
	p.width = int(data[32])
	data = data[33:]
	if p.width != 1 && p.width != 2 && p.width != 4 {
		return nil, false
	}
	var counts [packedCounts]uint64
	for i := range counts {
		v, n := binary.Uvarint(data)
		if n <= 0 || v > uint64(len(data)) {
			return nil, false
		}
		counts[i], data = v, data[n:]
	}
	for i, part := range [packedCounts]struct {
		to   *[]byte
		size uint64
	}{{&p.vertices, 16}, {&p.bottoms, 8 + uint64(p.width)}, {&p.segments, 4 * uint64(p.width)}, {&p.areas, 8}} {
		size := counts[i] * part.size
		if size > uint64(len(data)) {
			return nil, false
		}
		*part.to, data = data[:size:size], data[size:]
	}
	return data, true
}

// Faces returns the number of faces.
func (p *PackedCell) Faces() int { return len(p.areas) / 8 }

// FaceArea returns the area of face i in the whole cell, in m².
func (p *PackedCell) FaceArea(i int) float64 { return floatAt(p.areas, 8*i) }

func floatAt(data []byte, at int) float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(data[at : at+8]))
}

// indexAt returns index number i of a list of indices.
func (p *PackedCell) indexAt(data []byte, i int) int {
	switch p.width {
	case 1:
		return int(data[i])
	case 2:
		return int(binary.LittleEndian.Uint16(data[2*i:]))
	default:
		return int(binary.LittleEndian.Uint32(data[4*i:]))
	}
}
