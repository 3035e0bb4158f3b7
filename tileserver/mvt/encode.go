package mvt

import (
	"encoding/binary"
	"errors"
	"fmt"
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
	pairs  []pair   // of all features, one after another
	values []use    // in the order of their first use
	places []uint32 // where each of values stands in the tile
	order  []uint32 // the values in the tile's order
	seen   []seen   // by number in a foreign table
	own    Values   // plain values
	table  *Values  // the table that seen is about
	round  uint32   // of this Append
	ownAt  []seen   // by number in own
}

// pair is a tag: a key and a value by number.
type pair struct{ key, value uint32 }

// use is a value and the key that used it first.
type use struct {
	v   *Value
	key uint32
}

// seen tells where a value stands in encoder.values, if round is the encoder's.
type seen struct{ round, at uint32 }

var encoders = sync.Pool{New: func() any { return &encoder{} }}

// Append appends l to dst as one layer message of a tile (version 2.1, extent
// [Extent]) and returns the longer slice. Messages may follow each other: the
// result of appending several layers of different names is one tile.
//
// Coordinates are tile units, y down, and are written as they are: Append does
// not clip, repair or reorder. Keys are written once each, in the order in which
// the features first use them; values once each, those of one key together, in
// the order of first use: so equal layers give equal bytes, and values that look
// alike stand side by side, which compresses better. An int64 becomes an int, or
// a sint below zero. A layer without features is written as nothing. l is only
// read; nothing of it is kept. Values of one [Values] that come as *[Value] are
// not encoded again. On an error, which wraps [ErrFeature], dst is returned as it
// came.
func Append(dst []byte, l *Layer) ([]byte, error) {
	if len(l.Features) == 0 {
		return dst, nil
	}
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	e.begin()
	for i := range l.Features {
		if err := e.enter(&l.Features[i]); err != nil {
			return dst, featureError(l, i, err)
		}
	}
	e.arrange()

	e.layer = appendBytes(e.layer[:0], layerName, []byte(l.Name))
	pairs := e.pairs
	for i := range l.Features {
		f := &l.Features[i]
		if err := e.putFeature(f, pairs[:len(f.Tags)]); err != nil {
			return dst, featureError(l, i, err)
		}
		pairs = pairs[len(f.Tags):]
		e.layer = appendBytes(e.layer, layerFeature, e.feature)
	}
	for _, k := range e.keys {
		e.layer = appendBytes(e.layer, layerKey, []byte(k))
	}
	for _, at := range e.order[:len(e.values)] {
		e.layer = appendBytes(e.layer, layerValue, e.values[at].v.data)
	}
	e.layer = appendVarint(e.layer, layerExtent, Extent)
	e.layer = appendVarint(e.layer, layerVersion, version)
	dst = slices.Grow(dst, len(e.layer)+1+maxBytesInTag)
	return appendBytes(dst, tileLayer, e.layer), nil
}

func featureError(l *Layer, i int, err error) error {
	return fmt.Errorf("layer %q, feature %d of %d, id %d: %w", l.Name, i+1, len(l.Features), l.Features[i].ID, err)
}

// begin forgets the last layer.
func (e *encoder) begin() {
	e.keys, e.pairs, e.values, e.table = e.keys[:0], e.pairs[:0], e.values[:0], nil
	e.own.Reset()
	e.round++
	if e.round == 0 {
		clear(e.seen[:cap(e.seen)])
		clear(e.ownAt[:cap(e.ownAt)])
		e.round = 1
	}
}

// enter takes in f's keys and values.
func (e *encoder) enter(f *Feature) error {
	for i, t := range f.Tags {
		v, ok := t.Value.(*Value)
		if !ok {
			var err error
			if v, err = e.own.of(t); err != nil {
				return err
			}
		}
		key := e.key(t.Key, i)
		e.pairs = append(e.pairs, pair{key, e.value(v, key)})
	}
	return nil
}

// key returns the number of k, which is probably the one that is hinted at.
func (e *encoder) key(k string, hint int) uint32 {
	if hint < len(e.keys) && e.keys[hint] == k {
		return uint32(hint)
	}
	i := slices.Index(e.keys, k)
	if i < 0 {
		i = len(e.keys)
		e.keys = append(e.keys, k)
	}
	return uint32(i)
}

// value returns the place of v in e.values. Values that are not of the first
// table, plain ones too, are looked up in it and then in e.own, so that equal ones
// are one.
func (e *encoder) value(v *Value, key uint32) uint32 {
	if e.table == nil && len(e.values) == 0 && v.table != &e.own {
		e.table = v.table
	}
	at := &e.seen
	if v.table != e.table {
		known := (*Value)(nil)
		if e.table != nil {
			known = e.table.find(v.data)
		}
		switch {
		case known != nil:
			v = known
		case v.table == &e.own:
			at = &e.ownAt
		default:
			v, at = e.own.intern(v.data), &e.ownAt
		}
	}
	if int(v.number) >= len(*at) {
		*at = slices.Grow(*at, int(v.number)+1-len(*at))
		*at = (*at)[:cap(*at)]
	}
	s := &(*at)[v.number]
	if s.round != e.round {
		*s = seen{e.round, uint32(len(e.values))}
		e.values = append(e.values, use{v, key})
	}
	return s.at
}

// arrange finds each value's place in the tile. It lists them in that order
// in e.order.
func (e *encoder) arrange() {
	begin := make([]uint32, len(e.keys)+1)
	for _, u := range e.values {
		begin[u.key+1]++
	}
	for k := range e.keys {
		begin[k+1] += begin[k]
	}
	n := len(e.values)
	e.places, e.order = slices.Grow(e.places[:0], n)[:n], slices.Grow(e.order[:0], n)[:n]
	for i, u := range e.values {
		e.places[i] = begin[u.key]
		e.order[begin[u.key]] = uint32(i)
		begin[u.key]++
	}
}

// putFeature writes f, whose tags are pairs, to e.feature.
func (e *encoder) putFeature(f *Feature, pairs []pair) error {
	e.feature = e.feature[:0]
	if f.ID > MaxID {
		return fmt.Errorf("%w: its id is above %d", ErrFeature, uint64(MaxID))
	}
	if f.ID != 0 {
		e.feature = appendVarint(e.feature, featureID, f.ID)
	}
	if len(pairs) > 0 {
		e.part = e.part[:0]
		for _, p := range pairs {
			e.part = binary.AppendUvarint(e.part, uint64(p.key))
			e.part = binary.AppendUvarint(e.part, uint64(e.places[p.value]))
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

// appendVarint writes a field of number below 16 that holds a varint.
func appendVarint(b []byte, field byte, v uint64) []byte {
	return binary.AppendUvarint(append(b, field<<3|wireVarint), v)
}

// appendBytes writes a field of number below 16 that holds bytes.
func appendBytes(b []byte, field byte, v []byte) []byte {
	b = binary.AppendUvarint(append(b, field<<3|wireBytes), uint64(len(v)))
	return append(b, v...)
}
