package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"gengtu/index/geo"
	"gengtu/index/wire"
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

// decoder reads a record.
type decoder struct{ wire.Reader }

func decode(data []byte) decoder { return decoder{wire.Reader{Data: data}} }

// head decodes everything before the values.
func (d *decoder) head() Head {
	var h Head
	h.ID = d.Uvarint()
	h.Box = d.box()
	h.AreaM2 = d.Float()
	h.Patch, h.Net = d.Varint(), d.Varint()
	h.Place = d.Text()
	return h
}

func (d *decoder) box() geo.Box {
	lo := geo.Position{Lon: d.Varint(), Lat: d.Varint()}
	return geo.Box{Min: lo, Max: geo.Position{Lon: lo.Lon + d.Varint(), Lat: lo.Lat + d.Varint()}}
}

func (d *decoder) values() []any {
	list := decode(d.Take(d.Uvarint()))
	out := make([]any, list.Count(1))
	for i := range out {
		out[i] = list.value()
	}
	if list.end() != nil {
		d.Fail()
	}
	return out
}

// textAt returns value number field, when it is a text.
func (d *decoder) textAt(field int) (string, bool) {
	d.Uvarint()
	if n := d.Count(1); field >= n {
		d.Fail()
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
	t := d.Take(1)
	if t == nil {
		return
	}
	switch t[0] {
	case valueText:
		d.Take(d.Uvarint())
	case valueInteger:
		d.Varint()
	case valueReal:
		d.Take(8)
	case valueNil, valueFalse, valueTrue:
	default:
		d.Fail()
	}
}

func (d *decoder) value() any {
	t := d.Take(1)
	if t == nil {
		return nil
	}
	switch t[0] {
	case valueNil:
		return nil
	case valueText:
		return d.Text()
	case valueInteger:
		return d.Varint()
	case valueReal:
		return d.Float()
	case valueFalse:
		return false
	case valueTrue:
		return true
	}
	d.Fail()
	return nil
}

func (d *decoder) geometry() geo.MultiPolygon {
	m := make(geo.MultiPolygon, d.Count(1))
	var last geo.Position
	for i := range m {
		m[i] = make(geo.Polygon, d.Count(1))
		for j := range m[i] {
			r := make(geo.Ring, d.Count(2))
			for k := range r {
				last.Lon += d.Varint()
				last.Lat += d.Varint()
				r[k] = last
			}
			m[i][j] = r
		}
	}
	return m
}

// skipHead passes over everything before the values.
func (d *decoder) skipHead() {
	d.Uvarint()
	for range 4 {
		d.Varint()
	}
	d.Take(8)
	d.Varint()
	d.Varint()
	d.Take(d.Uvarint())
}

func (d *decoder) skipValues() { d.Take(d.Uvarint()) }

// rings reads a geometry as [decoder.geometry] does, into r.
func (d *decoder) rings(r *geo.Rings) {
	var lon, lat int64
	for range d.Count(1) {
		for range d.Count(1) {
			n := d.Count(2)
			r.Positions = slices.Grow(r.Positions, n)
			for range n {
				lon += d.Varint()
				lat += d.Varint()
				r.Positions = append(r.Positions, geo.Position{Lon: lon, Lat: lat})
			}
			r.Ends = append(r.Ends, int32(len(r.Positions)))
		}
	}
}

// end returns the fault met, or one when bytes are left over.
func (d *decoder) end() error {
	if d.Bad || len(d.Data) > 0 {
		return errRecord
	}
	return nil
}

// DecodeRecord returns the feature that a value of a features bucket holds, see
// [Each]. An error says that the record is damaged.
func DecodeRecord(data []byte) (Feature, error) { return decodeRecord(data) }

func decodeRecord(data []byte) (Feature, error) {
	d := decode(data)
	h := d.head()
	f := Feature{ID: h.ID, Box: h.Box, AreaM2: h.AreaM2, Patch: h.Patch, Net: h.Net, Place: h.Place}
	f.Values = d.values()
	f.Geometry = d.geometry()
	return f, d.end()
}
