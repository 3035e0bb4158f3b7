package index

import (
	"encoding/binary"
	"fmt"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/wire"
)

// slabSize is how much memory for records is taken at once: a record of half a
// kilobyte by itself would cost more in bookkeeping than in bytes.
const slabSize = 256 << 10

// Encoder brings features of a layer into the form in which they are stored, so
// that several goroutines can do that work, each with its own. Not for
// concurrent use.
type Encoder struct {
	meta   *edition.Layer
	slab   []byte // what is free
	shape  []byte
	values []byte
	record []byte
}

// Encoded is a feature as it is stored, or why it cannot be.
type Encoded struct {
	packed
	err error
}

// packed is a feature as it is kept until the file is written, and its place in
// the file: in the order of a Hilbert curve over the features' centres, then of ids.
type packed struct {
	order, id uint64
	record    []byte
}

// appendKey appends the key of the feature in the file.
func (p *packed) appendKey(dst []byte) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(dst, p.order), p.id)
}

// Encoder returns an encoder for features of the layer.
func (l *LayerWriter) Encoder() *Encoder { return &Encoder{meta: &l.meta} }

// Encode encodes f, whose Box it sets; f is not kept. What is wrong with f is told
// by [LayerWriter.AddEncoded].
func (e *Encoder) Encode(f *Feature) Encoded {
	out := Encoded{packed: packed{id: f.ID}}
	if f.ID == 0 || f.ID > MaxID {
		out.err = fmt.Errorf("id %d is not in [1, 2^53)", f.ID)
		return out
	}
	if len(f.Values) != len(e.meta.Fields) {
		out.err = fmt.Errorf("feature %d has %d values, layer %s has %d fields", f.ID, len(f.Values), e.meta.Key(), len(e.meta.Fields))
		return out
	}
	f.Box = f.Geometry.Box()
	if f.Box.Empty() {
		out.err = fmt.Errorf("feature %d has no geometry", f.ID)
		return out
	}
	if out.err = e.encode(f); out.err != nil {
		out.err = fmt.Errorf("feature %d: %w", f.ID, out.err)
		return out
	}
	out.order, out.record = orderOf(f.Box), e.keep()
	return out
}

// encode leaves f in e.record in the form that features.db holds:
//
//	length of the geometry, geometry, id, box, area, patch, net, place, length
//	of the values, values
//
// with integers as varints and values each behind a byte for its type. The
// geometry comes first, see [appendGeometry], because it is what is read most.
func (e *Encoder) encode(f *Feature) error {
	e.shape = appendGeometry(e.shape[:0], f.Geometry)
	dst := append(binary.AppendUvarint(e.record[:0], uint64(len(e.shape))), e.shape...)
	dst = binary.AppendUvarint(dst, f.ID)
	for _, v := range []int64{f.Box.Min.Lon, f.Box.Min.Lat, f.Box.Max.Lon - f.Box.Min.Lon, f.Box.Max.Lat - f.Box.Min.Lat} {
		dst = binary.AppendVarint(dst, v)
	}
	dst = wire.AppendFloat(dst, f.AreaM2)
	dst = binary.AppendVarint(dst, f.Patch)
	dst = binary.AppendVarint(dst, f.Net)
	dst = appendText(dst, f.Place)
	values := binary.AppendUvarint(e.values[:0], uint64(len(f.Values)))
	for i, v := range f.Values {
		var err error
		if values, err = appendValue(values, v); err != nil {
			return fmt.Errorf("value %d: %w", i, err)
		}
	}
	e.values = values
	e.record = append(binary.AppendUvarint(dst, uint64(len(values))), values...)
	return nil
}

// keep returns a copy of e.record.
func (e *Encoder) keep() []byte {
	n := len(e.record)
	if n > slabSize/8 {
		return append([]byte(nil), e.record...)
	}
	if n > len(e.slab) {
		e.slab = make([]byte, slabSize)
	}
	out := e.slab[:n:n]
	e.slab = e.slab[n:]
	copy(out, e.record)
	return out
}

// orderOf returns where a feature with that box comes along a Hilbert curve: by
// its centre.
func orderOf(b geo.Box) uint64 {
	return hilbert(geo.Position{
		Lon: b.Min.Lon + (b.Max.Lon-b.Min.Lon)/2,
		Lat: b.Min.Lat + (b.Max.Lat-b.Min.Lat)/2,
	})
}

// hilbert returns where p comes on a Hilbert curve of 2^31 steps a side over
// the world's 360 × 360 degrees.
func hilbert(p geo.Position) uint64 {
	const side = 1 << 31
	at := func(v int64) uint32 {
		f := (float64(v)/geo.Unit + 180) / 360 * side
		return uint32(min(max(f, 0), side-1))
	}
	x, y := at(p.Lon), at(p.Lat)
	var d uint64
	// Of each square the quarter is a digit. In the two southern quarters the curve
	// lies on its side, in the eastern one turned round. No branch: bits of places are
	// not to be foretold.
	for bit := 30; bit >= 0; bit-- {
		rx, ry := x>>bit&1, y>>bit&1
		d = d<<2 | uint64(3*rx^ry)
		round := -(rx &^ ry) & (side - 1)
		aside := (x ^ y) & (ry - 1)
		x, y = x^round^aside, y^round^aside
	}
	return d
}
