package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"gengtu/index/geo"
)

// NoArea stands for an area of record that the delivery does not give.
const NoArea = math.MinInt64

// MaxID is the largest id: 53 bits, so that every client can hold it in a
// floating point number.
const MaxID = 1<<53 - 1

// Feature is one polygon or multipolygon with its attributes.
type Feature struct {
	// ID is in [1, MaxID], the same across zooms, rebuilds and vintages.
	ID uint64
	// Geometry is valid: shells counter-clockwise, holes clockwise inside them.
	Geometry geo.MultiPolygon
	// Box is the smallest box around Geometry.
	Box geo.Box
	// Values are parallel to the layer's fields: nil, string, int64, float64 or
	// bool.
	Values []any
	// AreaM2 is the ellipsoidal area.
	AreaM2 float64
	// Patch and Net are the areas of record in 0.01 m², or NoArea.
	Patch, Net int64
	// Place is the feature's administrative code, of 2 to 14 digits, or "".
	Place string
}

// errRecord says that a stored record does not decode: the file is damaged.
var errRecord = errors.New("record damaged")

// encodeRecord returns f in the form that features.db holds:
//
//	id, box, area, patch, net, place, length of the values, values, geometry
//
// with integers as varints, the geometry as differences between neighbouring
// positions, and values each behind a byte for its type. The length lets who
// wants the geometry pass over the values.
func encodeRecord(f *Feature) ([]byte, error) {
	dst := binary.AppendUvarint(nil, f.ID)
	for _, v := range []int64{f.Box.Min.Lon, f.Box.Min.Lat, f.Box.Max.Lon - f.Box.Min.Lon, f.Box.Max.Lat - f.Box.Min.Lat} {
		dst = binary.AppendVarint(dst, v)
	}
	dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(f.AreaM2))
	dst = binary.AppendVarint(dst, f.Patch)
	dst = binary.AppendVarint(dst, f.Net)
	dst = appendText(dst, f.Place)
	values := binary.AppendUvarint(nil, uint64(len(f.Values)))
	for i, v := range f.Values {
		var err error
		if values, err = appendValue(values, v); err != nil {
			return nil, fmt.Errorf("value %d: %w", i, err)
		}
	}
	dst = append(binary.AppendUvarint(dst, uint64(len(values))), values...)
	return appendGeometry(dst, f.Geometry), nil
}

// The types of stored values.
const (
	valueNil = iota
	valueText
	valueInteger
	valueReal
	valueFalse
	valueTrue
)

func appendValue(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, valueNil), nil
	case string:
		return appendText(append(dst, valueText), v), nil
	case int64:
		return binary.AppendVarint(append(dst, valueInteger), v), nil
	case float64:
		return binary.LittleEndian.AppendUint64(append(dst, valueReal), math.Float64bits(v)), nil
	case bool:
		if v {
			return append(dst, valueTrue), nil
		}
		return append(dst, valueFalse), nil
	}
	return nil, fmt.Errorf("a %T is no value of a feature", v)
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendGeometry(dst []byte, m geo.MultiPolygon) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(m)))
	var last geo.Position
	for _, p := range m {
		dst = binary.AppendUvarint(dst, uint64(len(p)))
		for _, r := range p {
			dst = binary.AppendUvarint(dst, uint64(len(r)))
			for _, v := range r {
				dst = binary.AppendVarint(dst, v.Lon-last.Lon)
				dst = binary.AppendVarint(dst, v.Lat-last.Lat)
				last = v
			}
		}
	}
	return dst
}

// decoder reads a record; after the first fault it gives zeros and remembers it.
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

// varint reads what [binary.AppendVarint] writes. Numbers of up to eight bytes,
// as coordinates and their differences are, are read at once: the first byte
// without its highest bit set ends the number, and the lower seven bits of each
// are moved together by twos, fours and eights.
func (d *decoder) varint() int64 {
	if len(d.data) < 8 {
		return d.longVarint()
	}
	x := binary.LittleEndian.Uint64(d.data)
	ends := ^x & 0x8080808080808080
	if ends == 0 {
		return d.longVarint()
	}
	n := bits.TrailingZeros64(ends) + 1
	d.data = d.data[n/8:]
	x &= 0x7f7f7f7f7f7f7f7f & (1<<n - 1)
	x = x&0x007f007f007f007f | x>>1&0x3f803f803f803f80
	x = x&0x00003fff00003fff | x>>2&0x0fffc0000fffc000
	x = x&0x000000000fffffff | x>>4&0x00fffffff0000000
	return int64(x>>1) ^ -int64(x&1)
}

// longVarint is varint for nine and ten bytes, and at the end of a record.
func (d *decoder) longVarint() int64 {
	v, n := binary.Varint(d.data)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.data = d.data[n:]
	return v
}

// take returns the next n bytes, which alias the record.
func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.data)) {
		d.fail()
		return nil
	}
	b := d.data[:n]
	d.data = d.data[n:]
	return b
}

func (d *decoder) real() float64 {
	b := d.take(8)
	if b == nil {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

func (d *decoder) text() string { return string(d.take(d.uvarint())) }

// count reads a number of things that take at least size bytes each.
func (d *decoder) count(size uint64) int {
	n := d.uvarint()
	if n > uint64(len(d.data))/size {
		d.fail()
		return 0
	}
	return int(n)
}

// head decodes everything before the values.
func (d *decoder) head() Head {
	var h Head
	h.ID = d.uvarint()
	h.Box = d.box()
	h.AreaM2 = d.real()
	h.Patch, h.Net = d.varint(), d.varint()
	h.Place = d.text()
	return h
}

func (d *decoder) box() geo.Box {
	lo := geo.Position{Lon: d.varint(), Lat: d.varint()}
	return geo.Box{Min: lo, Max: geo.Position{Lon: lo.Lon + d.varint(), Lat: lo.Lat + d.varint()}}
}

func (d *decoder) values() []any {
	list := decoder{data: d.take(d.uvarint())}
	out := make([]any, list.count(1))
	for i := range out {
		out[i] = list.value()
	}
	if list.end() != nil {
		d.fail()
	}
	return out
}

// textAt returns value number field, when it is a text.
func (d *decoder) textAt(field int) (string, bool) {
	d.uvarint()
	if n := d.count(1); field >= n {
		d.fail()
		return "", false
	}
	for range field {
		d.skip()
	}
	s, ok := d.value().(string)
	return s, ok
}

// skip passes over a value.
func (d *decoder) skip() {
	t := d.take(1)
	if t == nil {
		return
	}
	switch t[0] {
	case valueText:
		d.take(d.uvarint())
	case valueInteger:
		d.varint()
	case valueReal:
		d.take(8)
	case valueNil, valueFalse, valueTrue:
	default:
		d.fail()
	}
}

func (d *decoder) value() any {
	t := d.take(1)
	if t == nil {
		return nil
	}
	switch t[0] {
	case valueNil:
		return nil
	case valueText:
		return d.text()
	case valueInteger:
		return d.varint()
	case valueReal:
		return d.real()
	case valueFalse:
		return false
	case valueTrue:
		return true
	}
	d.fail()
	return nil
}

func (d *decoder) geometry() geo.MultiPolygon {
	m := make(geo.MultiPolygon, d.count(1))
	var last geo.Position
	for i := range m {
		m[i] = make(geo.Polygon, d.count(1))
		for j := range m[i] {
			r := make(geo.Ring, d.count(2))
			for k := range r {
				last.Lon += d.varint()
				last.Lat += d.varint()
				r[k] = last
			}
			m[i][j] = r
		}
	}
	return m
}

// skipHead passes over everything before the values.
func (d *decoder) skipHead() {
	d.uvarint()
	for range 4 {
		d.varint()
	}
	d.take(8)
	d.varint()
	d.varint()
	d.take(d.uvarint())
}

func (d *decoder) skipValues() { d.take(d.uvarint()) }

// rings reads a geometry as [decoder.geometry] does, into r.
func (d *decoder) rings(r *geo.Rings) {
	var lon, lat int64
	for range d.count(1) {
		for range d.count(1) {
			n := d.count(2)
			r.Positions = slices.Grow(r.Positions, n)
			for range n {
				lon += d.varint()
				lat += d.varint()
				r.Positions = append(r.Positions, geo.Position{Lon: lon, Lat: lat})
			}
			r.Ends = append(r.Ends, int32(len(r.Positions)))
		}
	}
}

// end returns the fault met, or one when bytes are left over.
func (d *decoder) end() error {
	if d.bad || len(d.data) > 0 {
		return errRecord
	}
	return nil
}

// DecodeRecord returns the feature that a value of a features bucket holds, see
// [Each]. An error says that the record is damaged.
func DecodeRecord(data []byte) (Feature, error) { return decodeRecord(data) }

func decodeRecord(data []byte) (Feature, error) {
	d := decoder{data: data}
	h := d.head()
	f := Feature{ID: h.ID, Box: h.Box, AreaM2: h.AreaM2, Patch: h.Patch, Net: h.Net, Place: h.Place}
	f.Values = d.values()
	f.Geometry = d.geometry()
	return f, d.end()
}
