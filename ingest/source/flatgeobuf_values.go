package source

import (
	"encoding/base64"
	"encoding/binary"
	"math"

	"gengtu/index/problem"
)

// properties parses the attributes of feature t into values: again and again the
// number of a column in two bytes and its value.
func (r *flatGeobuf) properties(t flatTable, values []any) *problem.Problem {
	v, valid := t.vector(fgbFeatureProperties, 1)
	if !valid {
		return badFeature("属性无法读取", "the attributes cannot be read")
	}
	b := v.buf[v.pos : v.pos+v.n]
	// Some writers leave one byte of padding at the end.
	for len(b) >= 2 {
		column := int(binary.LittleEndian.Uint16(b))
		if column >= len(r.types) {
			return badFeature("属性指向第 %d 个字段，共 %d 个", "an attribute is for column %d of %d", column+1, len(r.types))
		}
		b = b[2:]
		typ := int(r.types[column])
		size, skip := 0, 0
		if typ < len(fgbSizes) {
			size = fgbSizes[typ]
		} else if skip = 4; len(b) >= 4 {
			size = int(binary.LittleEndian.Uint32(b))
		}
		if size > len(b)-skip || skip > len(b) {
			return badFeature("字段 %s 的值不完整", "the value of column %s ends too early", r.layer.Fields[column].Name)
		}
		values[column] = r.value(column, b[skip:skip+size])
		b = b[skip+size:]
	}
	return nil
}

// value returns the value of b, whose size is right, in a column.
func (r *flatGeobuf) value(column int, b []byte) any {
	switch r.types[column] {
	case 2:
		return b[0] != 0
	case 9:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	case 10:
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	case 14:
		return base64.StdEncoding.EncodeToString(b)
	case 11, 12, 13:
		known := r.known[column]
		if v, ok := known[string(b)]; ok {
			return v
		}
		var v any = text(b)
		if len(known) < knownValues {
			known[string(b)] = v
		}
		return v
	}
	v, fits := integerValue(r.types[column], b)
	if !fits {
		r.wide.add(r.record)
	}
	return v
}

// integerValue returns the value of the whole-number types; an unsigned one
// beyond int64 is a float64 and does not fit.
func integerValue(typ byte, b []byte) (v any, fits bool) {
	le := binary.LittleEndian
	switch typ {
	case 0:
		return int64(int8(b[0])), true
	case 1:
		return int64(b[0]), true
	case 3:
		return int64(int16(le.Uint16(b))), true //nolint:gosec // the bits are the number
	case 4:
		return int64(le.Uint16(b)), true
	case 5:
		return int64(int32(le.Uint32(b))), true //nolint:gosec // the bits are the number
	case 6:
		return int64(le.Uint32(b)), true
	case 7:
		return int64(le.Uint64(b)), true //nolint:gosec // the bits are the number
	}
	u := le.Uint64(b)
	if u > math.MaxInt64 {
		return float64(u), false
	}
	return int64(u), true
}
