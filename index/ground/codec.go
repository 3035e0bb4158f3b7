package ground

import (
	"encoding/binary"
	"math"
	"math/bits"

	"gengtu/index/overlay"
	"gengtu/index/wire"
)

// The first byte of a node's value.
const (
	flagCell = 1 << iota // a cell; else a node that is divided
	flagSums             // a divided node with sums
)

// kind is what is known of ground but for its size and figures: by which layers
// it is covered, and how. A partition has few; records name them by numbers.
type kind struct {
	mask uint64
	// weightless are the layers none of whose features here has a weight; mixed
	// those of which some have and some have not.
	weightless, mixed uint64
	// overlaps are the layers several of whose features cover one place. Sums of
	// nodes do not tell it.
	overlaps uint64
}

// weighted are the layers that there are weights of, lacking those of which some
// feature has none.
func (k *kind) weighted() uint64 { return k.mask &^ k.weightless }
func (k *kind) lacking() uint64  { return k.weightless | k.mixed }

// kindSize is the least that a kind takes in its record.
const kindSize = 4

// kindTable numbers kinds in the order in which they come.
type kindTable struct {
	list    []kind
	numbers map[kind]uint32
}

// newKindTable returns a table that begins with these kinds.
func newKindTable(list []kind) kindTable {
	t := kindTable{list: list, numbers: map[kind]uint32{}}
	for i, k := range list {
		t.numbers[k] = uint32(i)
	}
	return t
}

// reset forgets all kinds.
func (t *kindTable) reset() {
	t.list = t.list[:0]
	if t.numbers == nil {
		t.numbers = map[kind]uint32{}
	}
	clear(t.numbers)
}

func (t *kindTable) number(k kind) uint32 {
	n, ok := t.numbers[k]
	if !ok {
		n = uint32(len(t.list))
		t.numbers[k] = n
		t.list = append(t.list, k)
	}
	return n
}

// appendKinds encodes a table of kinds.
func appendKinds(dst []byte, kinds []kind) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(kinds)))
	for _, k := range kinds {
		for _, v := range [4]uint64{k.mask, k.weightless, k.mixed, k.overlaps} {
			dst = binary.AppendUvarint(dst, v)
		}
	}
	return dst
}

// decodeKinds undoes appendKinds.
func decodeKinds(value []byte) ([]kind, error) {
	d := decode(value)
	kinds := make([]kind, d.Count(kindSize))
	for i := range kinds {
		k := &kinds[i]
		k.mask, k.weightless, k.mixed, k.overlaps = d.Uvarint(), d.Uvarint(), d.Uvarint(), d.Uvarint()
		if k.weightless&^k.mask != 0 || k.mixed&^k.mask != 0 || k.overlaps&^k.mask != 0 || k.weightless&k.mixed != 0 {
			d.Fail()
		}
	}
	return kinds, d.end()
}

// face is what is known of a face of a cell.
type face struct {
	kind
	area    float64
	weights []float64 // of the weighted layers, by rising bit
	// again is how many features too many there are of each layer in overlaps, by
	// rising bit, and overlapping those features.
	again       []uint64
	overlapping []uint64 // names
}

// appendCell encodes a cell as far as it does not depend on the numbers of kinds:
// flags, layers whose features overlap in it, the cell as
// [overlay.Cell.AppendPacked] has it.
func appendCell(dst []byte, c *overlay.Cell, overlaps uint64) []byte {
	return c.AppendPacked(binary.AppendUvarint(append(dst, flagCell), overlaps))
}

// appendNumbers encodes numbers of kinds: the bytes that each takes, and then all.
func appendNumbers(dst []byte, numbers []uint32) []byte {
	highest := uint32(0)
	for _, n := range numbers {
		highest = max(highest, n)
	}
	width := wire.Width(int(highest) + 1)
	dst = append(dst, byte(width))
	for _, n := range numbers {
		dst = wire.AppendNumber(dst, n, width)
	}
	return dst
}

// appendFigures encodes what follows the numbers of the faces' kinds: all weights,
// face by face, and then, of the faces that overlap, again and overlapping.
func appendFigures(dst []byte, faces []face) []byte {
	for i := range faces {
		for _, w := range faces[i].weights {
			dst = wire.AppendFloat(dst, w)
		}
	}
	for i := range faces {
		f := &faces[i]
		if f.overlaps == 0 {
			continue
		}
		for _, n := range f.again {
			dst = binary.AppendUvarint(dst, n)
		}
		dst = binary.AppendUvarint(dst, uint64(len(f.overlapping)))
		for _, name := range f.overlapping {
			dst = binary.AppendUvarint(dst, name)
		}
	}
	return dst
}

// decoder reads a value.
type decoder struct{ wire.Reader }

func decode(data []byte) decoder { return decoder{wire.Reader{Data: data}} }

// end returns the fault met, or one when bytes are left over.
func (d *decoder) end() error {
	if !d.Whole() {
		return errRecord
	}
	return nil
}

// cell leaves the decoder, which stands behind a cell's flags and overlaps, at the
// numbers of its faces' kinds.
func (d *decoder) cell(c *overlay.PackedCell) {
	rest, ok := c.Unpack(d.Data)
	if !ok {
		d.Fail()
		return
	}
	d.Data = rest
}

// numbers are numbers of kinds as they are stored.
type numbers struct {
	data  []byte
	width int
}

// numbers decodes n numbers of kinds.
func (d *decoder) numbers(n int) numbers {
	width := d.Take(1)
	if d.Bad || width[0] != 1 && width[0] != 2 && width[0] != 4 {
		d.Fail()
		return numbers{}
	}
	return numbers{d.Take(uint64(n) * uint64(width[0])), int(width[0])}
}

// at returns number i, which may be of no kind.
func (n *numbers) at(i int) int { return wire.NumberAt(n.data, i, n.width) }

// floatAt returns float number i of data.
func floatAt(data []byte, i int) float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
}

// overlap decodes what is known of a face where features of a kind's layers
// overlap, into f.
func (d *decoder) overlap(k *kind, f *face) {
	f.again, f.overlapping = f.again[:0], f.overlapping[:0]
	for range bits.OnesCount64(k.overlaps) {
		f.again = append(f.again, d.Uvarint())
	}
	for range d.Count(1) {
		f.overlapping = append(f.overlapping, d.Uvarint())
	}
}

// sum is the ground of one mask in a node.
type sum struct {
	mask uint64
	area float64
	// weighted and unweighted are by rising bit of has and of lacks, which together
	// are mask.
	has, lacks           uint64
	weighted, unweighted []float64
}

func (s *sum) kind() kind {
	return kind{mask: s.mask, weightless: s.lacks &^ s.has, mixed: s.lacks & s.has}
}

// excess is ground that features share, as often as it is too many in the sum
// over features, by the layers' bits in overlaps.
type excess struct {
	overlaps uint64
	areas    []float64
}

// appendNodeHead encodes a divided node up to the numbers of its kinds: flags,
// layers whose features overlap and the ground that they share; then, when there are
// sums, how many.
func appendNodeHead(dst []byte, over excess, sums []sum) []byte {
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
	return binary.AppendUvarint(dst, uint64(len(sums)))
}

// appendSums encodes what follows the numbers of kinds in a node: of each sum its
// area, what is weighted and what is unweighted.
func appendSums(dst []byte, sums []sum) []byte {
	for i := range sums {
		s := &sums[i]
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
