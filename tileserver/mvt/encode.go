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
	layer []byte

	keys    []string
	columns []int32  // of the table's columns, the number in keys or -1
	pairs   []pair   // of all features, one after another
	tags    []int32  // where each feature's pairs end
	values  []use    // in the order of their first use
	places  []uint32 // where each of values stands in the tile
	order   []uint32 // the values in the tile's order
	begins  []uint32
	table   *Values // that of the first row
	seen    []seen  // by number in table
	own     Values  // values that table does not have
	ownAt   []seen  // by number in own
	round   uint32  // of this Append
}

// pair is a tag: a key and a value by number.
type pair struct{ key, value uint32 }

// use is a value, of the table or of encoder.own, and the key that used it first.
type use struct {
	cell Cell
	key  uint32
	own  bool
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
// read; nothing of it is kept. A feature's row comes before its tags; a key that both
// have is written twice. On an error, which wraps [ErrFeature], dst is returned as it
// came.
func Append(dst []byte, l *Layer) ([]byte, error) {
	if len(l.Features) == 0 {
		return dst, nil
	}
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	defer e.end()
	e.begin(l)
	for i := range l.Features {
		if err := e.enter(&l.Features[i]); err != nil {
			return dst, featureError(l, i, err)
		}
		e.tags = append(e.tags, int32(len(e.pairs)))
	}
	e.arrange()

	e.layer = appendBytes(e.layer[:0], layerName, []byte(l.Name))
	from := int32(0)
	for i := range l.Features {
		var err error
		if e.layer, err = e.appendFeature(e.layer, &l.Features[i], e.pairs[from:e.tags[i]]); err != nil {
			return dst, featureError(l, i, err)
		}
		from = e.tags[i]
	}
	for _, k := range e.keys {
		e.layer = appendBytes(e.layer, layerKey, []byte(k))
	}
	for _, at := range e.order {
		e.layer = appendBytes(e.layer, layerValue, e.data(&e.values[at]))
	}
	e.layer = appendVarint(e.layer, layerExtent, Extent)
	e.layer = appendVarint(e.layer, layerVersion, version)
	dst = slices.Grow(dst, len(e.layer)+1+maxBytesInTag)
	return appendBytes(dst, tileLayer, e.layer), nil
}

func featureError(l *Layer, i int, err error) error {
	return fmt.Errorf("layer %q, feature %d of %d, id %d: %w", l.Name, i+1, len(l.Features), l.Features[i].ID, err)
}

// end lets go of the layer's strings and table.
func (e *encoder) end() {
	clear(e.keys)
	e.table = nil
}

// begin forgets the last layer and finds the table of l.
func (e *encoder) begin(l *Layer) {
	e.keys, e.pairs, e.tags, e.values = e.keys[:0], e.pairs[:0], e.tags[:0], e.values[:0]
	e.own.Reset()
	e.round++
	if e.round == 0 {
		clear(e.seen[:cap(e.seen)])
		clear(e.ownAt[:cap(e.ownAt)])
		e.round = 1
	}
	for i := range l.Features {
		if e.table = l.Features[i].Row.Table; e.table != nil {
			break
		}
	}
	e.columns = e.columns[:0]
	if e.table != nil {
		for range e.table.Columns {
			e.columns = append(e.columns, -1)
		}
		e.seen = grown(e.seen, len(e.table.spans))
	}
}

// grown returns s with room for n elements. What it had beyond its length stays:
// rounds tell whether it counts.
func grown(s []seen, n int) []seen {
	if n > cap(s) {
		s = append(s[:cap(s)], make([]seen, n-cap(s))...)
	}
	return s[:max(n, len(s))]
}

// enter takes in f's keys and values.
func (e *encoder) enter(f *Feature) error {
	if f.Row.Table == e.table {
		e.enterRow(f.Row.Cells)
	} else if f.Row.Table != nil {
		for i, c := range f.Row.Cells {
			if c > 0 {
				e.enterOwn(f.Row.Table.Columns[i], e.own.intern(f.Row.Table.data(c)), i)
			}
		}
	}
	for i, t := range f.Tags {
		c, err := e.own.of(t)
		if err != nil {
			return err
		}
		e.enterOwn(t.Key, c, i)
	}
	return nil
}

// enterRow takes in cells of the table.
func (e *encoder) enterRow(cells []Cell) {
	for i, c := range cells {
		if c == 0 {
			continue
		}
		key := e.columns[i]
		if key < 0 {
			key = int32(e.key(e.table.Columns[i], i))
			e.columns[i] = key
		}
		s := &e.seen[c-1]
		if s.round != e.round {
			*s = seen{e.round, uint32(len(e.values))}
			e.values = append(e.values, use{c, uint32(key), false})
		}
		e.pairs = append(e.pairs, pair{uint32(key), s.at})
	}
}

// enterOwn takes in a value of e.own, which is looked up in the table, so that equal
// ones are one.
func (e *encoder) enterOwn(name string, c Cell, hint int) {
	key := e.key(name, hint)
	own, at := true, &e.ownAt
	if e.table != nil {
		if known := e.table.known(e.own.data(c)); known > 0 {
			own, at, c = false, &e.seen, known
		}
	}
	*at = grown(*at, int(c))
	s := &(*at)[c-1]
	if s.round != e.round {
		*s = seen{e.round, uint32(len(e.values))}
		e.values = append(e.values, use{c, key, own})
	}
	e.pairs = append(e.pairs, pair{key, s.at})
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

// data returns how a value is encoded.
func (e *encoder) data(u *use) []byte {
	if u.own {
		return e.own.data(u.cell)
	}
	return e.table.data(u.cell)
}

// arrange finds each value's place in the tile. It lists them in that order
// in e.order.
func (e *encoder) arrange() {
	e.begins = append(e.begins[:0], make([]uint32, len(e.keys)+1)...)
	begins := e.begins
	for i := range e.values {
		begins[e.values[i].key+1]++
	}
	for k := range e.keys {
		begins[k+1] += begins[k]
	}
	n := len(e.values)
	e.places, e.order = slices.Grow(e.places[:0], n)[:n], slices.Grow(e.order[:0], n)[:n]
	for i := range e.values {
		at := &begins[e.values[i].key]
		e.places[i] = *at
		e.order[*at] = uint32(i)
		*at++
	}
}

// appendFeature writes f, whose tags are pairs, to b.
func (e *encoder) appendFeature(b []byte, f *Feature, pairs []pair) ([]byte, error) {
	if f.ID > MaxID {
		return b, fmt.Errorf("%w: its id is above %d", ErrFeature, uint64(MaxID))
	}
	if len(f.Polygons) == 0 {
		return b, fmt.Errorf("%w: it has no polygon", ErrFeature)
	}
	b = append(b, layerFeature<<3|wireBytes)
	whole := len(b)
	if f.ID != 0 {
		b = appendVarint(b, featureID, f.ID)
	}
	if len(pairs) > 0 {
		b = append(b, featureTags<<3|wireBytes)
		from := len(b)
		for _, p := range pairs {
			b = appendSmall(b, p.key)
			b = appendSmall(b, e.places[p.value])
		}
		b = insertLength(b, from)
	}
	b = appendVarint(b, featureType, typePolygon)
	b = append(b, featureGeom<<3|wireBytes)
	from := len(b)
	var cursor Point
	for _, p := range f.Polygons {
		for _, r := range p {
			if len(r) < 3 {
				return b, fmt.Errorf("%w: it has a ring of %d points", ErrFeature, len(r))
			}
			b, cursor = appendRing(b, r, cursor)
		}
	}
	return insertLength(insertLength(b, from), whole), nil
}

// insertLength puts in front of what b holds from a place on how long that is.
func insertLength(b []byte, from int) []byte {
	var length [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(length[:], uint64(len(b)-from))
	b = append(b, length[:n]...)
	copy(b[from+n:], b[from:])
	copy(b[from:], length[:n])
	return b
}

// appendSmall appends v as a varint.
func appendSmall(b []byte, v uint32) []byte {
	switch {
	case v < 1<<7:
		return append(b, byte(v))
	case v < 1<<14:
		return append(b, byte(v)|0x80, byte(v>>7))
	default:
		return binary.AppendUvarint(b, uint64(v))
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
		b = appendSmall(b, zigzag32(p.X-cursor.X))
		b = appendSmall(b, zigzag32(p.Y-cursor.Y))
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
