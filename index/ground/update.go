package ground

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// Records are the records of a partition that is changed where it is stored.
// Keys and values that are handed out are valid until the next change.
type Records interface {
	// Get returns the value of a key, nil when there is none.
	Get(bucket string, key []byte) []byte
	// From visits the records of a bucket in the order of their keys, from key on,
	// until visit returns false.
	From(bucket string, key []byte, visit func(key, value []byte) bool)
	Put(bucket string, key, value []byte) error
	Delete(bucket string, key []byte) error
}

// Update makes the partition in r, which is that of the features of s before the
// change, the partition of s: of the cells only those are made anew that a feature
// which came or went can have changed. The records are those that [Build] makes,
// but for the numbers by which they know the kinds of ground, which go by who
// comes first.
//
// It changes nothing and returns false where a build is the shorter way: when the
// ground has outgrown its frame, the layers are others, or more than half of the
// features lie in what would have to be made. tell is told how many of how many
// parts are done. After an error r is worth nothing.
func Update(ctx context.Context, s Source, c *overlay.Change, r Records, tell func(done, all int)) (bool, error) {
	u := &updating{source: s, records: r, fresh: map[place]stored{}, dropped: map[uint64]bool{}}
	if err := u.open(); err != nil {
		return false, err
	}
	frame := overlay.NewFrame(s.Box())
	if frame != u.ground.frame || !slices.Equal(u.ground.keys, s.Keys()) {
		return false, nil
	}
	blocks, held, err := frame.Changed(ctx, s, c)
	if err != nil || held > s.Owners()/2 {
		return false, err
	}
	u.blocks, u.assembly = blocks, newAssembly(newKindTable(u.ground.kinds))
	shared, err := makeBlocks(ctx, s, frame, blocks, func(i int, b *built) error {
		tell(i+1, len(blocks))
		return u.take(&blocks[i], b)
	})
	if err != nil {
		return false, err
	}
	root, err := u.above(0, 0)
	if err != nil {
		return false, err
	}
	about := about{box: s.Box(), keys: s.Keys(), overlaps: root.over.overlaps, kinds: u.assembly.kinds.list}
	if about.shared, err = u.shared(shared.names(s)); err != nil {
		return false, err
	}
	return true, about.put(r.Put)
}

// place is where a node is.
type place struct {
	path  uint64
	depth int
}

// updating is a partition that is changed.
type updating struct {
	source   Source
	records  Records
	ground   Ground // what the partition is about, without its nodes
	blocks   []overlay.Block
	assembly *assembly
	fresh    map[place]stored // the blocks made anew
	dropped  map[uint64]bool  // the names in cells that are no more, of features that shared ground
	cell     overlay.PackedCell
}

// open reads what the partition is about.
func (u *updating) open() error {
	g, err := About(u.records)
	if err == nil {
		u.ground = *g
	}
	return err
}

// About returns the partition of records without its cells: after [Ground.Resolve]
// it can be asked for its [Ground.Loners], and for nothing else. It keeps nothing of
// the records.
func About(r Records) (*Ground, error) {
	var o Opener
	for _, key := range []string{headKey, kindsKey, sharedKey} {
		v := r.Get(HeadBucket, []byte(key))
		if v == nil {
			return nil, fmt.Errorf("%w: no record %s", errRecord, key)
		}
		if err := o.about(key, bytes.Clone(v)); err != nil {
			return nil, err
		}
	}
	return &o.ground, nil
}

// take puts the cells of a block, and the nodes in it, in place of those that are
// there.
func (u *updating) take(b *overlay.Block, made *built) error {
	if err := u.clear(b); err != nil {
		return err
	}
	if len(made.open) != 1 || made.open[0].depth != b.Depth {
		return fmt.Errorf("%w: a block's cells do not fill it", errRecord)
	}
	e := encoderOf(made, &u.assembly.kinds)
	for i := range made.cells {
		if err := u.put(CellsBucket, e.record(&made.cells[i])); err != nil {
			return err
		}
	}
	for i := range made.nodes {
		if err := u.put(NodesBucket, e.record(&made.nodes[i])); err != nil {
			return err
		}
	}
	u.fresh[place{b.Path, b.Depth}] = made.open[0].clone()
	return nil
}

func (u *updating) put(bucket string, r record) error { return u.records.Put(bucket, r.key, r.value) }

// clear takes the records of a block away, and notes which features shared
// ground in it.
func (u *updating) clear(b *overlay.Block) error {
	last := b.Path | (1<<(64-b.Depth) - 1)
	if b.Depth == 0 {
		last = 1<<64 - 1
	}
	for _, bucket := range []string{CellsBucket, NodesBucket} {
		var gone [][]byte
		var err error
		u.records.From(bucket, nodeKey(b.Path, b.Depth), func(k, v []byte) bool {
			if len(k) != keySize || binary.BigEndian.Uint64(k) > last {
				return false
			}
			gone = append(gone, bytes.Clone(k))
			if bucket == CellsBucket {
				err = u.overlapping(v, func(name uint64) { u.dropped[name] = true })
			}
			return err == nil
		})
		if err != nil {
			return err
		}
		for _, k := range gone {
			if err := u.records.Delete(bucket, k); err != nil {
				return err
			}
		}
	}
	return nil
}

// overlapping visits the names of the features that share ground in a cell.
func (u *updating) overlapping(value []byte, visit func(name uint64)) error {
	// Most cells have none and say so at once.
	if len(value) < 2 || value[0] != flagCell {
		return errRecord
	}
	if value[1] == 0 {
		return nil
	}
	return u.faces(value, func(f *face) {
		for _, name := range f.overlapping {
			visit(name)
		}
	})
}

// faces visits the faces of a stored cell. The face is valid during the call.
func (u *updating) faces(value []byte, visit func(f *face)) error {
	d := decode(value)
	d.Take(1)
	overlaps := d.Uvarint()
	if d.cell(&u.cell); d.Bad {
		return errRecord
	}
	n := u.cell.Faces()
	numbers := d.numbers(n)
	if d.Bad {
		return errRecord
	}
	all := make([]face, n)
	for i := range all {
		number := numbers.at(i)
		if number >= len(u.assembly.kinds.list) {
			return errRecord
		}
		f := &all[i]
		f.kind, f.area = u.assembly.kinds.list[number], u.cell.FaceArea(i)
		for range bits.OnesCount64(f.weighted()) {
			f.weights = append(f.weights, d.Float())
		}
	}
	for i := range all {
		if overlaps != 0 && all[i].overlaps != 0 {
			d.overlap(&all[i].kind, &all[i])
		}
	}
	if err := d.end(); err != nil {
		return err
	}
	for i := range all {
		visit(&all[i])
	}
	return nil
}

// dirty tells whether a block made anew lies in the node.
func (u *updating) dirty(path uint64, depth int) bool {
	last := uint64(1<<64 - 1)
	if depth > 0 {
		last = path | (1<<(64-depth) - 1)
	}
	i, _ := slices.BinarySearchFunc(u.blocks, path, func(b overlay.Block, path uint64) int {
		switch {
		case b.Path < path:
			return -1
		case b.Path > path:
			return 1
		}
		return 0
	})
	return i < len(u.blocks) && u.blocks[i].Path <= last
}

// above makes the nodes above the blocks anew and returns the sums of the node.
func (u *updating) above(path uint64, depth int) (stored, error) {
	if s, ok := u.fresh[place{path, depth}]; ok {
		return s, nil
	}
	if !u.dirty(path, depth) {
		return u.load(path, depth)
	}
	if depth >= 64 {
		return stored{}, errRecord
	}
	lo, err := u.above(path, depth+1)
	if err != nil {
		return stored{}, err
	}
	hi, err := u.above(path|1<<(63-depth), depth+1)
	if err != nil {
		return stored{}, err
	}
	node, d := u.assembly.join(&lo, &hi)
	r := new(encoder).record(&d)
	// A cell that is divided now.
	if v := u.records.Get(CellsBucket, r.key); v != nil {
		if err := u.overlapping(v, func(name uint64) { u.dropped[name] = true }); err != nil {
			return stored{}, err
		}
		if err := u.records.Delete(CellsBucket, r.key); err != nil {
			return stored{}, err
		}
	}
	return node, u.put(NodesBucket, r)
}

// load reads the sums of a node that has not changed, as they were when it was
// made.
func (u *updating) load(path uint64, depth int) (stored, error) {
	s := stored{path: path, depth: depth}
	if v := u.records.Get(CellsBucket, nodeKey(path, depth)); v != nil {
		s.cells = 1
		err := u.faces(v, func(f *face) {
			s.over = s.over.plus(f.excess())
			s.sums = u.assembly.addFace(s.sums, f)
		})
		return s, err
	}
	v := u.records.Get(NodesBucket, nodeKey(path, depth))
	if len(v) == 0 || depth >= 64 {
		return s, fmt.Errorf("%w: no node %x", errRecord, nodeKey(path, depth))
	}
	if v[0]&flagSums != 0 {
		return s, u.sums(&s, v)
	}
	lo, err := u.load(path, depth+1)
	if err != nil {
		return s, err
	}
	hi, err := u.load(path|1<<(63-depth), depth+1)
	if err != nil {
		return s, err
	}
	s.over, s.sums, s.cells = lo.over.plus(hi.over), u.assembly.merge(lo.sums, hi.sums), lo.cells+hi.cells
	return s, nil
}

// sums decodes the sums of a node into s.
func (u *updating) sums(s *stored, value []byte) error {
	d := decode(value)
	d.Take(1)
	s.over.overlaps, s.cells = d.Uvarint(), summedCells
	for range bits.OnesCount64(s.over.overlaps) {
		s.over.areas = append(s.over.areas, d.Float())
	}
	n := d.Count(1)
	numbers := d.numbers(n)
	if d.Bad {
		return errRecord
	}
	s.sums = make([]sum, 0, n)
	for i := range n {
		number := numbers.at(i)
		if number >= len(u.assembly.kinds.list) {
			return errRecord
		}
		k := &u.assembly.kinds.list[number]
		t := sum{mask: k.mask, has: k.weighted(), lacks: k.lacking(), area: d.Float()}
		for range bits.OnesCount64(t.has) {
			t.weighted = append(t.weighted, d.Float())
		}
		for range bits.OnesCount64(t.lacks) {
			t.unweighted = append(t.unweighted, d.Float())
		}
		s.sums = append(s.sums, t)
	}
	return d.end()
}

// shared returns the names of all features that share ground with others of their
// layer: made are those that do in cells made anew.
func (u *updating) shared(made []uint64) ([]uint64, error) {
	names := map[uint64]bool{}
	for _, n := range u.ground.together {
		if !u.dropped[n] {
			names[n] = true
		}
	}
	for _, n := range made {
		names[n] = true
		delete(u.dropped, n)
	}
	// Whether the others still do elsewhere, the cells know that they reach to.
	if boxes := u.boxes(); len(boxes) > 0 {
		if err := u.elsewhere(0, 0, boxes, names); err != nil {
			return nil, err
		}
	}
	out := make([]uint64, 0, len(names))
	for n := range names {
		out = append(out, n)
	}
	slices.Sort(out)
	return out, nil
}

// boxes returns the boxes of the features whose names are dropped, as far as they
// are still there: each meets a block made anew.
func (u *updating) boxes() []geo.Box {
	if len(u.dropped) == 0 {
		return nil
	}
	owners := map[int32]bool{}
	for i := range u.blocks {
		b := u.ground.frame.NodeBox(u.blocks[i].Path, u.blocks[i].Depth)
		u.source.Search(b, func(owner int32) bool {
			if u.dropped[u.source.Name(owner)] {
				owners[owner] = true
			}
			return true
		})
	}
	out := make([]geo.Box, 0, len(owners))
	for o := range owners {
		out = append(out, u.source.Extent(o).Box)
	}
	return out
}

// elsewhere adds to names those of the dropped ones whose features share ground in a
// cell under the node that one of boxes meets.
func (u *updating) elsewhere(path uint64, depth int, boxes []geo.Box, names map[uint64]bool) error {
	box := u.ground.frame.NodeBox(path, depth)
	var here []geo.Box
	for _, b := range boxes {
		if b.Intersects(box) {
			here = append(here, b)
		}
	}
	if len(here) == 0 {
		return nil
	}
	key := nodeKey(path, depth)
	if v := u.records.Get(CellsBucket, key); v != nil {
		return u.overlapping(v, func(n uint64) {
			if u.dropped[n] {
				names[n] = true
			}
		})
	}
	if depth >= 64 || u.records.Get(NodesBucket, key) == nil {
		return fmt.Errorf("%w: no node %x", errRecord, key)
	}
	if err := u.elsewhere(path, depth+1, here, names); err != nil {
		return err
	}
	return u.elsewhere(path|1<<(63-depth), depth+1, here, names)
}
