package source

import "encoding/binary"

// flatBuilder writes a FlatBuffers buffer from front to back behind its size in
// four bytes. Offsets in FlatBuffers point forward, so a table comes before what
// it refers to and its offsets are filled in afterwards. Alignment counts from
// the size on, as the library's own FinishSizePrefixed does.
type flatBuilder struct{ b []byte }

// flatSlot is a field of a table to be written: its place in the schema, its
// size in bytes and its value. An offset has size 4 and is filled in by point.
type flatSlot struct {
	field, size int
	value       uint64
}

// start begins a buffer whose root is the next table.
func (w *flatBuilder) start() { w.b = append(w.b[:0], 0, 0, 0, 0, 0, 0, 0, 0) }

// align fills up with zeros until n bytes more end on a multiple of size.
func (w *flatBuilder) align(n, size int) {
	for (len(w.b)+n)%size != 0 {
		w.b = append(w.b, 0)
	}
}

// table writes a vtable and a table with slots, and returns the table's place
// and the slots' places in the order given.
func (w *flatBuilder) table(slots ...flatSlot) (pos int, places []int) {
	fields := 0
	for _, s := range slots {
		fields = max(fields, s.field+1)
	}
	vtableBytes := 4 + 2*fields
	w.align(vtableBytes, 4)
	vtable := len(w.b)
	w.b = append(w.b, make([]byte, vtableBytes)...)
	pos = len(w.b)
	w.b = binary.LittleEndian.AppendUint32(w.b, uint32(pos-vtable)) //nolint:gosec // buffers are below 2 GB
	for _, s := range slots {
		w.align(0, s.size)
		places = append(places, len(w.b))
		binary.LittleEndian.PutUint16(w.b[vtable+4+2*s.field:], uint16(len(w.b)-pos)) //nolint:gosec // tables are small
		for i := range s.size {
			w.b = append(w.b, byte(s.value>>(8*i)))
		}
	}
	binary.LittleEndian.PutUint16(w.b[vtable:], uint16(vtableBytes))    //nolint:gosec // tables are small
	binary.LittleEndian.PutUint16(w.b[vtable+2:], uint16(len(w.b)-pos)) //nolint:gosec // tables are small
	return pos, places
}

// point makes the offset at place refer to target.
func (w *flatBuilder) point(place, target int) {
	binary.LittleEndian.PutUint32(w.b[place:], uint32(target-place)) //nolint:gosec // buffers are below 2 GB
}

// vector begins a vector of n elements of size bytes and returns its place; the
// caller appends the elements.
func (w *flatBuilder) vector(n, size int) int {
	w.align(4, max(size, 4))
	pos := len(w.b)
	w.b = binary.LittleEndian.AppendUint32(w.b, uint32(n)) //nolint:gosec // buffers are below 2 GB
	return pos
}

// offsets begins a vector of n offsets and returns its place; element i is at
// place + 4 + 4i.
func (w *flatBuilder) offsets(n int) int {
	pos := w.vector(n, 4)
	w.b = append(w.b, make([]byte, 4*n)...)
	return pos
}

// text writes a string and returns its place.
func (w *flatBuilder) text(s string) int {
	pos := w.vector(len(s), 1)
	w.b = append(append(w.b, s...), 0)
	return pos
}

// finish makes root the buffer's root table and returns the buffer with its
// size, a multiple of eight bytes.
func (w *flatBuilder) finish(root int) []byte {
	w.point(4, root)
	w.align(0, 8)
	binary.LittleEndian.PutUint32(w.b, uint32(len(w.b)-4)) //nolint:gosec // buffers are below 2 GB
	return w.b
}
