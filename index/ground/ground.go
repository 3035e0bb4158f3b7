// Package ground holds the partition of an edition's ground: cells, each divided
// into faces of which it is known which layers cover them, and sums over cells.
//
// It is made once, when a generation is, and answers how much ground of an AOI
// lies in which combination of layers at a cost that follows the AOI's border:
// cells wholly inside give their sums, and in those that the border crosses the
// borders between faces are ready for the integral of [overlay.Clip].
//
// Layers, and views of layers, are known by bits of a mask; features, while a
// partition is made, by owners, numbers counted from 0 over all layers, and in what
// is stored by names, which stay when other features come and go. Ground is measured in m² by the
// survey's formula.
package ground

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// MaxLayers is the number of layers and views that one partition can tell apart.
const MaxLayers = 64

// The buckets that a partition is stored in: records of what it is about, cells,
// and nodes, which are divided further.
const (
	HeadBucket  = "head"
	CellsBucket = "cells"
	NodesBucket = "nodes"
)

// The keys of [HeadBucket]: extent and layers, the kinds of ground, and the
// features that share ground with others of their layer.
const (
	headKey   = "head"
	kindsKey  = "kinds"
	sharedKey = "shared"
)

// errRecord says that what is stored does not decode.
var errRecord = errors.New("record of the partition damaged")

// Ground is a partition that is open for questions. It is not changed and may be
// used by several goroutines at once, as long as the bytes that it was opened
// with stay where they are.
type Ground struct {
	frame overlay.Frame
	keys  []string
	// Nodes are in the order of their paths, so that a divided node's lower half
	// follows it. highs is where its higher half is, 0 for a cell: by itself, as it
	// is all that is read of most.
	highs  []int32
	values [][]byte
	// overlaps is the set of layers in which features overlap each other.
	overlaps uint64
	// kinds are known by their numbers in records, weights how many each has.
	kinds   []kind
	weights []uint8
	// together are the names of the features that share ground with others of their
	// layer, until they are resolved to loners.
	together []uint64
	loners   *Loners
	complete bool // together has been read
}

// Keys returns the layers' keys (name@vintage) by the number of their bit. It
// must not be changed.
func (g *Ground) Keys() []string { return g.keys }

// Bit returns the mask of a layer, 0 when the partition does not know it.
func (g *Ground) Bit(key string) uint64 {
	if i := slices.Index(g.keys, key); i >= 0 {
		return 1 << i
	}
	return 0
}

// Overlaps tells whether features of any of the layers in mask overlap others of
// their layer.
func (g *Ground) Overlaps(mask uint64) bool { return g.overlaps&mask != 0 }

// Opener takes a partition's records in, buckets in any order and the records of
// each in the order of their keys.
type Opener struct {
	ground Ground
	cells  []record
	inner  []record
}

type record struct {
	key, value []byte
}

// Take takes one record in. Key and value are kept.
func (o *Opener) Take(bucket string, key, value []byte) error {
	switch bucket {
	case HeadBucket:
		return o.about(string(key), value)
	case CellsBucket:
		o.cells = append(o.cells, record{key, value})
	case NodesBucket:
		o.inner = append(o.inner, record{key, value})
	default:
		return fmt.Errorf("%w: bucket %q", errRecord, bucket)
	}
	if len(key) != keySize {
		return fmt.Errorf("%w: key %x", errRecord, key)
	}
	return nil
}

// about reads a record of HeadBucket.
func (o *Opener) about(key string, value []byte) (err error) {
	g := &o.ground
	switch key {
	case headKey:
		return o.head(value)
	case kindsKey:
		g.kinds, err = decodeKinds(value)
		for i := range g.kinds {
			g.weights = append(g.weights, uint8(bits.OnesCount64(g.kinds[i].weighted())))
		}
	case sharedKey:
		g.together, err = decodeNames(value)
		g.complete = true
	default:
		err = fmt.Errorf("%w: key %q", errRecord, key)
	}
	return err
}

// head reads what the partition is about: extent, layers, overlaps.
func (o *Opener) head(value []byte) error {
	d := decode(value)
	var box geo.Box
	for _, v := range []*int64{&box.Min.Lon, &box.Min.Lat, &box.Max.Lon, &box.Max.Lat} {
		*v = d.Varint()
	}
	o.ground.overlaps = d.Uvarint()
	for range d.Count(1) {
		o.ground.keys = append(o.ground.keys, string(d.Take(d.Uvarint())))
	}
	if d.Bad || box.Empty() || len(o.ground.keys) > MaxLayers {
		return errRecord
	}
	o.ground.frame = overlay.NewFrame(box)
	return nil
}

// Open returns the partition of the records taken in.
func (o *Opener) Open() (*Ground, error) {
	g := &o.ground
	if len(g.keys) == 0 || !g.complete {
		return nil, errRecord
	}
	n := len(o.cells) + len(o.inner)
	g.highs, g.values = make([]int32, 0, n), make([][]byte, 0, n)
	err := o.link(0, 0)
	if err == nil && len(o.cells)+len(o.inner) > 0 {
		err = errRecord
	}
	o.cells, o.inner = nil, nil // g, which stays, is a part of o
	return g, err
}

// next takes the first of the records that are left. In the order of paths, and of
// depths on the same path, a node comes before its parts, the lower one first.
func (o *Opener) next() (record, bool) {
	from := &o.cells
	if len(o.cells) == 0 || len(o.inner) > 0 && bytes.Compare(o.inner[0].key, o.cells[0].key) < 0 {
		from = &o.inner
	}
	if len(*from) == 0 {
		return record{}, false
	}
	r := (*from)[0]
	*from = (*from)[1:]
	return r, true
}

// link makes the next record, which must be the node at path, and what is under it.
func (o *Opener) link(path uint64, depth int) error {
	g := &o.ground
	r, ok := o.next()
	if key := nodeKey(path, depth); !ok || !bytes.Equal(r.key, key) || len(r.value) == 0 {
		return fmt.Errorf("%w: no node %x", errRecord, key)
	}
	at := len(g.highs)
	g.highs, g.values = append(g.highs, 0), append(g.values, r.value)
	if r.value[0]&flagCell != 0 {
		return nil
	}
	if depth >= 64 {
		return errRecord
	}
	if err := o.link(path, depth+1); err != nil {
		return err
	}
	g.highs[at] = int32(len(g.highs))
	return o.link(path|1<<(63-depth), depth+1)
}

// keySize is the length of a node's key: its path and its depth.
const keySize = 9

func nodeKey(path uint64, depth int) []byte {
	return appendKey(make([]byte, 0, keySize), path, depth)
}

func appendKey(dst []byte, path uint64, depth int) []byte {
	return append(binary.BigEndian.AppendUint64(dst, path), byte(depth))
}

// Parts is ground by the layers that cover it. Bits are those of the layers that
// were asked for, in their order.
type Parts struct {
	// Excess is, by layer, the ground in m² that several of its features share, as
	// often as it is too many in the sum over features.
	Excess []float64

	layers int
	index  map[uint64]int
	parts  []Part
}

// Part is the ground that lies in all layers of Mask and in no other.
type Part struct {
	Mask uint64
	Area float64 // m²
	// Weighted is, by layer, the sum of weight times area over the features that
	// have a weight; Unweighted the ground in at least one that has none.
	Weighted, Unweighted []float64
}

func newParts(layers int) *Parts {
	return &Parts{Excess: make([]float64, layers), layers: layers, index: map[uint64]int{}}
}

// at returns the place of mask's part.
func (p *Parts) at(mask uint64) int {
	i, ok := p.index[mask]
	if !ok {
		i = len(p.parts)
		p.index[mask] = i
		f := make([]float64, 2*p.layers)
		p.parts = append(p.parts, Part{Mask: mask, Weighted: f[:p.layers:p.layers], Unweighted: f[p.layers:]})
	}
	return i
}

// Sorted returns the parts in rising order of their masks.
func (p *Parts) Sorted() []Part {
	slices.SortFunc(p.parts, func(a, b Part) int { return cmp.Compare(a.Mask, b.Mask) })
	p.index = nil
	return p.parts
}
