package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"gengtu/index/geo"
	"gengtu/index/wire"
)

// NoArea stands for an area of record that the delivery does not give.
const NoArea = math.MinInt64

// Computed marks an area, at least 0 in 0.01 m², as one that no record gives: it
// was computed by the survey's rule. It stands in the place of the area of record,
// is below 0 and in no sum of areas of record.
func Computed(area int64) int64 { return ^area }

// OfRecord tells whether an area is one of record: neither missing nor computed.
func OfRecord(area int64) bool { return area >= 0 }

// ComputedOf returns the area that [Computed] marked; false when area is one of
// record or missing.
func ComputedOf(area int64) (int64, bool) {
	if OfRecord(area) || area == NoArea {
		return 0, false
	}
	return ^area, true
}

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
	// Patch and Net are the areas of record in 0.01 m², or NoArea, or areas that
	// [Computed] marks.
	Patch, Net int64
	// Place is the feature's administrative code, of 2 to 14 digits, or "".
	Place string
}

// errRecord says that a stored record does not decode: the file is damaged.
var errRecord = errors.New("record damaged")

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

// decoder reads a record.
type decoder struct{ wire.Reader }

func decode(data []byte) decoder { return decoder{wire.Reader{Data: data}} }

// head decodes everything between the geometry and the values.
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

// texts fills in the values of the fields listed, in rising order, where they are
// texts, and nil where they are not; they alias the record.
func (d *decoder) texts(fields []int, to [][]byte) {
	d.Uvarint()
	n := d.Count(1)
	at := 0
	for _, field := range fields {
		if field >= n {
			d.Fail()
			return
		}
		for ; at < field; at++ {
			d.skip()
		}
		to[field] = nil
		if len(d.Data) == 0 || d.Data[0] != valueText {
			continue
		}
		d.Take(1)
		to[field] = d.Take(d.Uvarint())
		at++
	}
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

// skipHead passes over everything between the geometry and the values.
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
	shape := d.shape()
	h := d.head()
	f := Feature{ID: h.ID, Box: h.Box, AreaM2: h.AreaM2, Patch: h.Patch, Net: h.Net, Place: h.Place}
	f.Values = d.values()
	if err := d.end(); err != nil {
		return f, err
	}
	f.Geometry = shape.geometry()
	return f, shape.end()
}
