package ground

import (
	"encoding/binary"
	"math"
	"math/bits"

	"gengtu/index/geo"
	"gengtu/index/overlay"
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

// appendCell encodes a cell:
//
//	flags, layers whose features overlap in it, box, width of an index,
//	numbers of vertices, segments, bottom faces and faces,
//	vertices, bottom abscissas and faces, segments, areas of faces, faces
//
// floats as 8 bytes, little-endian, so that a question reads them as they lie.
func appendCell(dst []byte, c *overlay.Cell, overlaps uint64, faces []face) []byte {
	dst = binary.AppendUvarint(append(dst, flagCell), overlaps)
	for _, v := range [4]float64{c.X0, c.Y0, c.X1, c.Y1} {
		dst = appendFloat(dst, v)
	}
	width := indexWidth(max(len(c.Vertices), len(c.Faces)))
	dst = append(dst, byte(width))
	for _, n := range [4]int{len(c.Vertices), len(c.Segments), len(c.Bottom), len(c.Faces)} {
		dst = binary.AppendUvarint(dst, uint64(n))
	}
	for _, v := range c.Vertices {
		dst = appendFloat(appendFloat(dst, v.X), v.Y)
	}
	for _, b := range c.Bottom {
		dst = appendIndex(appendFloat(dst, b.X), b.Face, width)
	}
	for _, s := range c.Segments {
		for _, v := range [4]uint32{s.From, s.To, s.Below, s.Above} {
			dst = appendIndex(dst, v, width)
		}
	}
	for i := range faces {
		dst = appendFloat(dst, faces[i].area)
	}
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
		dst = appendFloat(dst, w)
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

func appendFloat(dst []byte, v float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
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

// decoder reads a value; after the first fault it gives zeros and remembers it.
type decoder struct {
	data []byte
	bad  bool
}

func (d *decoder) fail() { d.bad, d.data = true, nil }

func (d *decoder) uvarint() uint64 {
	if len(d.data) > 0 && d.data[0] < 0x80 {
		v := d.data[0]
		d.data = d.data[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(d.data)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.data = d.data[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.data)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.data = d.data[n:]
	return v
}

func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.data)) {
		d.fail()
		return nil
	}
	b := d.data[:n]
	d.data = d.data[n:]
	return b
}

func (d *decoder) float() float64 {
	if len(d.data) < 8 {
		d.fail()
		return 0
	}
	v := binary.LittleEndian.Uint64(d.data)
	d.data = d.data[8:]
	return math.Float64frombits(v)
}

// count reads a number of things of at least size bytes each.
func (d *decoder) count(size int) int {
	n := d.uvarint()
	if n > uint64(len(d.data)/size) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) index(width int) uint32 {
	b := d.take(uint64(width))
	switch len(b) {
	case 1:
		return uint32(b[0])
	case 2:
		return uint32(binary.LittleEndian.Uint16(b))
	case 4:
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// header is what a cell begins with.
type header struct {
	x0, y0, x1, y1                     float64
	width                              int
	vertices, segments, bottoms, faces int
}

func (d *decoder) header() header {
	d.take(1)
	d.uvarint()
	h := header{x0: d.float(), y0: d.float(), x1: d.float(), y1: d.float()}
	if b := d.take(1); b != nil {
		h.width = int(b[0])
	}
	if h.width != 1 && h.width != 2 && h.width != 4 {
		d.fail()
	}
	h.vertices, h.segments, h.bottoms, h.faces = d.count(16), d.count(4), d.count(9), d.count(12)
	return h
}

// skipCell leaves the decoder at the faces of a cell, whose areas it appends to
// areas.
func (d *decoder) skipCell(areas []float64) []float64 {
	h := d.header()
	d.take(uint64(16*h.vertices + h.bottoms*(8+h.width) + h.segments*4*h.width))
	for range h.faces {
		areas = append(areas, d.float())
	}
	return areas
}

// cell decodes a cell but for its faces' records into c, whose faces get their
// areas; the decoder is left at them. Indices are held against what they count.
func (d *decoder) cell(c *overlay.Cell) {
	h := d.header()
	c.X0, c.Y0, c.X1, c.Y1 = h.x0, h.y0, h.x1, h.y1
	c.Vertices, c.Segments, c.Bottom, c.Faces = c.Vertices[:0], c.Segments[:0], c.Bottom[:0], c.Faces[:0]
	raw := d.take(uint64(h.vertices) * 16)
	for ; len(raw) >= 16; raw = raw[16:] {
		c.Vertices = append(c.Vertices, geo.XY{
			X: math.Float64frombits(binary.LittleEndian.Uint64(raw)), Y: math.Float64frombits(binary.LittleEndian.Uint64(raw[8:])),
		})
	}
	for range h.bottoms {
		c.Bottom = append(c.Bottom, overlay.BottomFace{X: d.float(), Face: d.index(h.width)})
	}
	d.segments(c, h.segments, h.width)
	for _, b := range c.Bottom {
		d.within(b.Face, h.faces)
	}
	for range h.faces {
		c.Faces = append(c.Faces, overlay.Face{Area: d.float()})
	}
	for i := range c.Segments {
		s := &c.Segments[i]
		d.within(s.From, h.vertices)
		d.within(s.To, h.vertices)
		d.within(s.Below, h.faces)
		d.within(s.Above, h.faces)
	}
}

func (d *decoder) segments(c *overlay.Cell, n, width int) {
	raw := d.take(uint64(n) * uint64(4*width))
	switch width {
	case 1:
		for ; len(raw) >= 4; raw = raw[4:] {
			c.Segments = append(c.Segments, overlay.Segment{From: uint32(raw[0]), To: uint32(raw[1]), Below: uint32(raw[2]), Above: uint32(raw[3])})
		}
	default:
		sub := decoder{data: raw}
		for range n {
			c.Segments = append(c.Segments, overlay.Segment{From: sub.index(width), To: sub.index(width), Below: sub.index(width), Above: sub.index(width)})
		}
	}
}

func (d *decoder) within(i uint32, n int) {
	if int(i) >= n {
		d.fail()
	}
}

// face decodes the record of a face into f, but for its area.
func (d *decoder) face(f *face) {
	f.mask, f.weightless, f.mixed, f.overlaps = d.uvarint(), d.uvarint(), d.uvarint(), d.uvarint()
	f.weights, f.again, f.overlapping = f.weights[:0], f.again[:0], f.overlapping[:0]
	for range bits.OnesCount64(f.mask &^ f.weightless) {
		f.weights = append(f.weights, d.float())
	}
	if f.overlaps == 0 {
		return
	}
	for range bits.OnesCount64(f.overlaps) {
		f.again = append(f.again, d.uvarint())
	}
	for range d.count(1) {
		f.overlapping = append(f.overlapping, int32(d.uvarint()))
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
		dst = appendFloat(dst, v)
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
		dst = appendFloat(dst, s.area)
		for _, v := range s.weighted {
			dst = appendFloat(dst, v)
		}
		for _, v := range s.unweighted {
			dst = appendFloat(dst, v)
		}
	}
	return dst
}

// sum decodes the next sum of a node into s.
func (d *decoder) sum(s *sum) {
	s.mask, s.has, s.lacks = d.uvarint(), d.uvarint(), d.uvarint()
	s.area = d.float()
	s.weighted, s.unweighted = s.weighted[:0], s.unweighted[:0]
	for range bits.OnesCount64(s.has) {
		s.weighted = append(s.weighted, d.float())
	}
	for range bits.OnesCount64(s.lacks) {
		s.unweighted = append(s.unweighted, d.float())
	}
}
