package mvt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
)

// MaxID is the largest feature id: ids are read as float64 by JavaScript
// clients, which hold integers exactly up to 2^53-1.
const MaxID = 1<<53 - 1

// ErrFeature is wrapped by the errors of [Append] about a feature that a tile
// cannot carry: no polygon, a ring of fewer than three points, an id above
// [MaxID], or a value that is no string, int64, bool or finite float64.
var ErrFeature = errors.New("feature does not fit a vector tile")

// Field numbers and wire types of vector_tile.proto 2.1, and the three drawing
// commands of the specification's 4.3.1.
const (
	tileLayer = 3

	layerName     = 1
	layerFeature  = 2
	layerKey      = 3
	layerValue    = 4
	layerExtent   = 5
	layerVersion  = 15
	featureID     = 1
	featureTags   = 2
	featureType   = 3
	featureGeom   = 4
	valueString   = 1
	valueFloat    = 2
	valueDouble   = 3
	valueInt      = 4
	valueUint     = 5
	valueSint     = 6
	valueBool     = 7
	wireVarint    = 0
	wireFixed64   = 1
	wireBytes     = 2
	wireFixed32   = 5
	version       = 2
	typePolygon   = 3
	commandMove   = 1
	commandLine   = 2
	commandClose  = 7
	maxBytesInTag = binary.MaxVarintLen64
)

// encoder holds the buffers of one Append, kept between calls.
type encoder struct {
	layer, feature, part []byte

	keys   []string
	values []any
	keyAt  map[string]uint64
	valAt  map[any]uint64
}

var encoders = sync.Pool{New: func() any {
	return &encoder{keyAt: map[string]uint64{}, valAt: map[any]uint64{}}
}}

// Append appends l to dst as one layer message of a tile (version 2.1, extent
// [Extent]) and returns the longer slice. Messages may follow each other: the
// result of appending several layers of different names is one tile.
//
// Coordinates are tile units, y down, and are written as they are: Append does
// not clip, repair or reorder. Keys and values are written once each, in the
// order in which the features first use them, so equal layers give equal bytes.
// An int64 becomes an int, or a sint below zero. A layer without features is
// written as nothing. l is only read; nothing of it is kept. On an error, which
// wraps [ErrFeature], dst is returned as it came.
func Append(dst []byte, l *Layer) ([]byte, error) {
	if len(l.Features) == 0 {
		return dst, nil
	}
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	clear(e.keyAt)
	clear(e.valAt)
	e.keys, e.values = e.keys[:0], e.values[:0]

	e.layer = appendBytes(e.layer[:0], layerName, []byte(l.Name))
	for i := range l.Features {
		f := &l.Features[i]
		if err := e.putFeature(f); err != nil {
			return dst, fmt.Errorf("layer %q, feature %d of %d, id %d: %w", l.Name, i+1, len(l.Features), f.ID, err)
		}
		e.layer = appendBytes(e.layer, layerFeature, e.feature)
	}
	for _, k := range e.keys {
		e.layer = appendBytes(e.layer, layerKey, []byte(k))
	}
	for _, v := range e.values {
		e.part = appendValue(e.part[:0], v)
		e.layer = appendBytes(e.layer, layerValue, e.part)
	}
	e.layer = appendVarint(e.layer, layerExtent, Extent)
	e.layer = appendVarint(e.layer, layerVersion, version)
	dst = slices.Grow(dst, len(e.layer)+1+maxBytesInTag)
	return appendBytes(dst, tileLayer, e.layer), nil
}

// putFeature writes f to e.feature and enters its keys and values.
func (e *encoder) putFeature(f *Feature) error {
	e.feature = e.feature[:0]
	if f.ID > MaxID {
		return fmt.Errorf("%w: its id is above %d", ErrFeature, uint64(MaxID))
	}
	if f.ID != 0 {
		e.feature = appendVarint(e.feature, featureID, f.ID)
	}
	if len(f.Tags) > 0 {
		e.part = e.part[:0]
		for _, t := range f.Tags {
			if err := checkValue(t); err != nil {
				return err
			}
			e.part = binary.AppendUvarint(e.part, e.key(t.Key))
			e.part = binary.AppendUvarint(e.part, e.value(t.Value))
		}
		e.feature = appendBytes(e.feature, featureTags, e.part)
	}
	e.feature = appendVarint(e.feature, featureType, typePolygon)
	if len(f.Polygons) == 0 {
		return fmt.Errorf("%w: it has no polygon", ErrFeature)
	}
	e.part = e.part[:0]
	var cursor Point
	for _, p := range f.Polygons {
		for _, r := range p {
			if len(r) < 3 {
				return fmt.Errorf("%w: it has a ring of %d points", ErrFeature, len(r))
			}
			e.part, cursor = appendRing(e.part, r, cursor)
		}
	}
	e.feature = appendBytes(e.feature, featureGeom, e.part)
	return nil
}

func (e *encoder) key(k string) uint64 {
	i, ok := e.keyAt[k]
	if !ok {
		i = uint64(len(e.keys))
		e.keyAt[k] = i
		e.keys = append(e.keys, k)
	}
	return i
}

func (e *encoder) value(v any) uint64 {
	i, ok := e.valAt[v]
	if !ok {
		i = uint64(len(e.values))
		e.valAt[v] = i
		e.values = append(e.values, v)
	}
	return i
}

func checkValue(t Tag) error {
	switch v := t.Value.(type) {
	case string, int64, bool:
		return nil
	case float64:
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			return nil
		}
		return fmt.Errorf("%w: %q is %v, which JSON cannot say", ErrFeature, t.Key, v)
	default:
		return fmt.Errorf("%w: %q is a %T", ErrFeature, t.Key, v)
	}
}

// appendRing writes r as MoveTo, LineTo and ClosePath (4.3.3.3), relative to the
// cursor, and returns where the cursor then is: ClosePath does not move it.
func appendRing(b []byte, r Ring, cursor Point) ([]byte, Point) {
	b = binary.AppendUvarint(b, 1<<3|commandMove)
	for i, p := range r {
		if i == 1 {
			b = binary.AppendUvarint(b, uint64(len(r)-1)<<3|commandLine)
		}
		b = binary.AppendUvarint(b, uint64(zigzag32(p.X-cursor.X)))
		b = binary.AppendUvarint(b, uint64(zigzag32(p.Y-cursor.Y)))
		cursor = p
	}
	return binary.AppendUvarint(b, 1<<3|commandClose), cursor
}

// zigzag32 maps a signed number to an unsigned one of like size (4.3.2).
func zigzag32(v int32) uint32 { return uint32(v)<<1 ^ uint32(v>>31) }

func unzigzag32(v uint32) int32 { return int32(v>>1) ^ -int32(v&1) }

func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendBytes(b, valueString, []byte(v))
	case float64:
		b = append(b, valueDouble<<3|wireFixed64)
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	case bool:
		if v {
			return appendVarint(b, valueBool, 1)
		}
		return appendVarint(b, valueBool, 0)
	case int64:
		if v < 0 {
			// An int below zero takes ten bytes, a sint as many as its size needs.
			return appendVarint(b, valueSint, uint64(v)<<1^uint64(v>>63))
		}
		return appendVarint(b, valueInt, uint64(v))
	}
	return b
}

// appendVarint writes a field of number below 16 that holds a varint.
func appendVarint(b []byte, field byte, v uint64) []byte {
	return binary.AppendUvarint(append(b, field<<3|wireVarint), v)
}

// appendBytes writes a field of number below 16 that holds bytes.
func appendBytes(b []byte, field byte, v []byte) []byte {
	b = binary.AppendUvarint(append(b, field<<3|wireBytes), uint64(len(v)))
	return append(b, v...)
}
