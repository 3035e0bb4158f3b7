package overlay

import (
	"encoding/binary"
	"math"

	"gengtu/index/wire"
)

// PackedCell is a cell in the bytes that it is stored in: questions read it as it
// lies. It is valid as long as they are.
type PackedCell struct {
	width    int // bytes of an index
	vertices []byte
	bottoms  []byte
	segments []byte
	areas    []byte
}

// packedCounts is the number of numbers of things in a packed cell.
const packedCounts = 4

// AppendPacked appends the cell in packed form: the width of an index, the numbers
// of vertices, bottom faces, segments and faces, and then these: floats as 8 bytes,
// little-endian, of faces the areas alone. Who follows the cells knows the box. The
// segments must be in the order of their left ends, as a partitioner has them.
func (c *Cell) AppendPacked(dst []byte) []byte {
	width := wire.Width(max(len(c.Vertices), len(c.Faces)))
	dst = append(dst, byte(width))
	for _, n := range [packedCounts]int{len(c.Vertices), len(c.Bottom), len(c.Segments), len(c.Faces)} {
		dst = binary.AppendUvarint(dst, uint64(n))
	}
	for _, v := range c.Vertices {
		dst = wire.AppendFloat(wire.AppendFloat(dst, v.X), v.Y)
	}
	for _, b := range c.Bottom {
		dst = wire.AppendNumber(wire.AppendFloat(dst, b.X), b.Face, width)
	}
	for _, s := range c.Segments {
		for _, v := range [4]uint32{s.From, s.To, s.Below, s.Above} {
			dst = wire.AppendNumber(dst, v, width)
		}
	}
	for i := range c.Faces {
		dst = wire.AppendFloat(dst, c.Faces[i].Area)
	}
	return dst
}

// Unpack makes p the packed cell that data begins with and returns what follows;
// false when it is damaged so that it cannot be told apart from that.
func (p *PackedCell) Unpack(data []byte) (rest []byte, ok bool) {
	if len(data) == 0 {
		return nil, false
	}
	p.width, data = int(data[0]), data[1:]
	if p.width != 1 && p.width != 2 && p.width != 4 {
		return nil, false
	}
	var counts [packedCounts]uint64
	for i := range counts {
		if len(data) > 0 && data[0] < 0x80 {
			counts[i], data = uint64(data[0]), data[1:]
			continue
		}
		v, n := binary.Uvarint(data)
		if n <= 0 || v > uint64(len(data)) {
			return nil, false
		}
		counts[i], data = v, data[n:]
	}
	width := uint64(p.width)
	vertices := 16 * counts[0]
	bottoms := vertices + (8+width)*counts[1]
	segments := bottoms + 4*width*counts[2]
	areas := segments + 8*counts[3]
	if areas > uint64(len(data)) {
		return nil, false
	}
	p.vertices, p.bottoms = data[:vertices:vertices], data[vertices:bottoms:bottoms]
	p.segments, p.areas = data[bottoms:segments:segments], data[segments:areas:areas]
	return data[areas:], true
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
	return wire.NumberAt(data, i, p.width)
}
