package ground

import (
	"encoding/binary"
	"math/bits"

	"gengtu/index/overlay"
	"gengtu/index/wire"
)

// The first byte of a node's value.
const (
	flagCell = 1 << iota // a cell; else a node that is divided
	flagSums             // a divided node with sums
)

// face is what is known of a face of a cell.
type face struct {
	mask uint64
	// weightless are the layers none of whose features here has a weight; mixed
	// those of which some have and some have not.
	weightless, mixed uint64
	area              float64
	weights           []float64 // of the layers in mask that are not weightless, by rising bit
	// overlaps are the layers several of whose features cover it, again how many
	// too many of each, by rising bit, and overlapping those features.
	overlaps    uint64
	again       []uint64
	overlapping []int32
}

// appendCell encodes a cell: flags, layers whose features overlap in it, the cell
// as [overlay.Cell.AppendPacked] has it, faces.
func appendCell(dst []byte, c *overlay.Cell, overlaps uint64, faces []face) []byte {
	dst = binary.AppendUvarint(append(dst, flagCell), overlaps)
	dst = c.AppendPacked(dst)
	for i := range faces {
		dst = faces[i].append(dst)
	}
	return dst
}

func (f *face) append(dst []byte) []byte {
	for _, v := range [4]uint64{f.mask, f.weightless, f.mixed, f.overlaps} {
		dst = binary.AppendUvarint(dst, v)
	}
	for _, w := range f.weights {
		dst = wire.AppendFloat(dst, w)
	}
	if f.overlaps == 0 {
		return dst
	}
	for _, n := range f.again {
		dst = binary.AppendUvarint(dst, n)
	}
	dst = binary.AppendUvarint(dst, uint64(len(f.overlapping)))
	for _, o := range f.overlapping {
		dst = binary.AppendUvarint(dst, uint64(o))
	}
	return dst
}

// decoder reads a value.
type decoder struct{ wire.Reader }

func decode(data []byte) decoder { return decoder{wire.Reader{Data: data}} }

// cell leaves the decoder, which stands at a cell's flags, at its faces.
func (d *decoder) cell(c *overlay.PackedCell) {
	d.Take(1)
	d.Uvarint()
	rest, ok := c.Unpack(d.Data)
	if !ok {
		d.Fail()
		return
	}
	d.Data = rest
}

// face decodes the record of a face into f, but for its area.
func (d *decoder) face(f *face) {
	if b := d.Data; len(b) >= 4 && (b[0]|b[1]|b[2]|b[3]) < 0x80 {
		f.mask, f.weightless, f.mixed, f.overlaps = uint64(b[0]), uint64(b[1]), uint64(b[2]), uint64(b[3])
		d.Data = b[4:]
	} else {
		f.mask, f.weightless, f.mixed, f.overlaps = d.Uvarint(), d.Uvarint(), d.Uvarint(), d.Uvarint()
	}
	f.weights, f.again, f.overlapping = f.weights[:0], f.again[:0], f.overlapping[:0]
	for range bits.OnesCount64(f.mask &^ f.weightless) {
		f.weights = append(f.weights, d.Float())
	}
	if f.overlaps == 0 {
		return
	}
	for range bits.OnesCount64(f.overlaps) {
		f.again = append(f.again, d.Uvarint())
	}
	for range d.Count(1) {
		f.overlapping = append(f.overlapping, int32(d.Uvarint()))
	}
}

// sum is the ground of one mask in a node.
type sum struct {
	mask uint64
	area float64
	// weighted and unweighted are by rising bit of has and of lacks.
	has, lacks           uint64
	weighted, unweighted []float64
}

// excess is ground that features share, as often as it is too many in the sum
// over features, by the layers' bits in overlaps.
type excess struct {
	overlaps uint64
	areas    []float64
}

// appendNode encodes a divided node; without sums when there are none.
func appendNode(dst []byte, over excess, sums []sum) []byte {
	flags := byte(0)
	if sums != nil {
		flags |= flagSums
	}
	dst = binary.AppendUvarint(append(dst, flags), over.overlaps)
	for _, v := range over.areas {
		dst = wire.AppendFloat(dst, v)
	}
	if sums == nil {
		return dst
	}
	dst = binary.AppendUvarint(dst, uint64(len(sums)))
	for i := range sums {
		s := &sums[i]
		for _, v := range [3]uint64{s.mask, s.has, s.lacks} {
			dst = binary.AppendUvarint(dst, v)
		}
		dst = wire.AppendFloat(dst, s.area)
		for _, v := range s.weighted {
			dst = wire.AppendFloat(dst, v)
		}
		for _, v := range s.unweighted {
			dst = wire.AppendFloat(dst, v)
		}
	}
	return dst
}

// sum decodes the next sum of a node into s.
func (d *decoder) sum(s *sum) {
	s.mask, s.has, s.lacks = d.Uvarint(), d.Uvarint(), d.Uvarint()
	s.area = d.Float()
	s.weighted, s.unweighted = s.weighted[:0], s.unweighted[:0]
	for range bits.OnesCount64(s.has) {
		s.weighted = append(s.weighted, d.Float())
	}
	for range bits.OnesCount64(s.lacks) {
		s.unweighted = append(s.unweighted, d.Float())
	}
}
