package index

import (
	"fmt"
	"slices"

	"gengtu/index/geo"
)

// Raw is a feature as it is stored, read without taking memory for each: what is
// made of thousands of features at a time reads them so. The zero value is ready
// for use, and again and again.
type Raw struct {
	ID     uint64
	AreaM2 float64
	// Net is the net area of record in 0.01 m², or [NoArea], or marked by [Computed].
	Net int64
	// Rings are all rings, in CGCS2000 (EPSG:4490).
	Rings geo.Rings
	// Values are parallel to the layer's fields.
	Values []RawValue
}

// RawKind tells which of a [RawValue]'s fields holds the value.
type RawKind uint8

// The kinds of value. A truth is in Int, 0 or 1.
const (
	RawNil RawKind = iota
	RawText
	RawInteger
	RawReal
	RawBool
)

// RawValue is one value of a feature. Text aliases the mapped file and is valid
// until the index is closed.
type RawValue struct {
	Kind RawKind
	Text []byte
	Int  int64
	Real float64
}

// Read reads feature i into r.
func (l *Layer) Read(i int, r *Raw) error {
	err := guard(func() error {
		d := decode(l.record(i))
		shape := d.shape()
		r.ID = d.Uvarint()
		d.box()
		r.AreaM2 = d.Float()
		d.Varint()
		r.Net = d.Varint()
		d.Take(d.Uvarint())
		list := decode(d.Take(d.Uvarint()))
		r.Values = list.rawValues(r.Values)
		if list.end() != nil || d.end() != nil {
			return errRecord
		}
		r.Rings.Reset()
		shape.rings(&r.Rings)
		return shape.end()
	})
	if err != nil {
		return fmt.Errorf("layer %s, feature number %d: %w", l.Meta.Key(), i, err)
	}
	return nil
}

// rawValues reads the values of a list into dst's memory. Nearly all are texts of less
// than 128 bytes, which are read without asking for each byte.
func (d *decoder) rawValues(dst []RawValue) []RawValue {
	n := d.Count(1)
	dst = slices.Grow(dst[:0], n)[:n]
	for i := range dst {
		if b := d.Data; len(b) > 1 && b[0] == valueText && int(b[1]) < min(0x80, len(b)-1) {
			end := 2 + int(b[1])
			dst[i] = RawValue{Kind: RawText, Text: b[2:end:end]}
			d.Data = b[end:]
			continue
		}
		dst[i] = d.rawValue()
	}
	return dst
}

func (d *decoder) rawValue() RawValue {
	t := d.Take(1)
	if t == nil {
		return RawValue{}
	}
	switch t[0] {
	case valueNil:
		return RawValue{}
	case valueText:
		return RawValue{Kind: RawText, Text: d.Take(d.Uvarint())}
	case valueInteger:
		return RawValue{Kind: RawInteger, Int: d.Varint()}
	case valueReal:
		return RawValue{Kind: RawReal, Real: d.Float()}
	case valueFalse:
		return RawValue{Kind: RawBool}
	case valueTrue:
		return RawValue{Kind: RawBool, Int: 1}
	}
	d.Fail()
	return RawValue{}
}

// Size returns the bytes that feature i takes in the file, from which the memory
// that it will take can be told.
func (l *Layer) Size(i int) int { return len(l.record(i)) }

// Holds tells whether a view holds feature i of the layer that it is a view of;
// true of every other layer.
func (l *Layer) Holds(i int) bool { return l.at == nil || l.at[i] >= 0 }
