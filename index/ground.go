package index

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	bolt "go.etcd.io/bbolt"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/ground"
	"gengtu/index/overlay"
	"gengtu/index/spill"
)

// Ground returns the partition of the edition's ground; nil when the generation
// has none. It may be used until the index is closed.
func (ix *Index) Ground() *ground.Ground { return ix.ground }

// Named returns the ordinal that the feature which the partition knows by name
// has in l; false when l does not hold it.
func (ix *Index) Named(l *Layer, name uint64) (int, bool) {
	s := ix.owners.named(name)
	if s == nil || s.layer.stored != l.stored {
		return 0, false
	}
	return l.ByID(name >> nameBits)
}

// nameBits is how many bits of a feature's name number its stored layer; the
// others are its id.
const nameBits = 6

// BuildGround makes the partition of the ground of ix and writes it to path,
// which must not exist. It makes nothing, and returns false, when there are no
// features or more layers than a partition can tell apart. tell is told how many
// of how many parts are done. The layers of ix know from then on which of their
// features are alone on their ground, so nobody else may use ix meanwhile; to ask the
// partition, ix is to be opened anew. The file is not seen on disk. After an error,
// which is ctx's when it ends, it is worth nothing.
func BuildGround(ctx context.Context, ix *Index, path string, tell func(done, all int)) (made bool, err error) {
	s := newGroundSource(ix)
	if s.box.Empty() || len(s.keys) > ground.MaxLayers {
		return false, nil
	}
	db, err := create(ctx, path)
	if err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	w := &batchWriter{ctx: ctx, db: db}
	nodes := spill.NewSorter(filepath.Dir(path), nodesBytes)
	loners, err := ground.Build(ctx, s, nodes, w.put, tell)
	if err == nil {
		err = w.flush()
	}
	err = errors.Join(err, nodes.Close())
	if err = errors.Join(err, db.Close()); err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	if ix.ground == nil {
		s.isolate(loners)
	}
	return true, nil
}

// nodesBytes is what nodes of the partition take in memory until they are written:
// those of some 2 million features. The disk takes the others.
const nodesBytes = 128 << 20

// batchWriter puts records that come in the order of their keys into buckets, in
// transactions of a bounded size.
type batchWriter struct {
	ctx    context.Context //nolint:containedctx // lives as long as the call that made it
	db     *bolt.DB
	bucket string
	kvs    []entry
	bytes  int
}

// batchBytes is the size of a transaction.
const batchBytes = 32 << 20

func (w *batchWriter) put(bucket string, key, value []byte) error {
	if bucket != w.bucket || w.bytes > batchBytes || len(w.kvs) == batchEntries {
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.bucket = bucket
	w.kvs = append(w.kvs, entry{key: key, record: value})
	w.bytes += len(key) + len(value)
	return nil
}

func (w *batchWriter) flush() error {
	if len(w.kvs) == 0 {
		return nil
	}
	err := putAll(w.ctx, w.db, w.bucket, w.kvs)
	w.kvs, w.bytes = w.kvs[:0], 0
	return err
}

// loadGround opens the partition that the manifest lists.
func (ix *Index) loadGround() error {
	if _, listed := ix.Manifest.Files[edition.GroundFile]; !listed {
		return nil
	}
	path := filepath.Join(ix.Dir, edition.GroundFile)
	if err := ix.Manifest.CheckFile(ix.Dir, edition.GroundFile); err != nil {
		return damaged(path, err)
	}
	return ix.openGround(path)
}

func (ix *Index) openGround(path string) error {
	f, err := open(path, nil)
	if err != nil {
		return err
	}
	ix.groundFile = f
	err = guard(func() (err error) {
		var o ground.Opener
		for _, name := range f.Buckets() {
			if err := f.Bucket(name).ForEach(func(k, v []byte) error { return o.Take(name, k, v) }); err != nil {
				return err
			}
		}
		ix.ground, err = o.Open()
		return err
	})
	if err != nil {
		return damaged(path, err)
	}
	return nil
}

// join puts the partition beside the layers that it must be of.
func (ix *Index) join() error {
	if ix.ground == nil {
		return nil
	}
	ix.owners = newGroundSource(ix)
	return ix.resolve(ix.ground, ix.owners)
}

// resolve tells the layers who of theirs is alone in g.
func (ix *Index) resolve(g *ground.Ground, s *groundSource) error {
	if !slices.Equal(g.Keys(), s.keys) {
		return damaged(filepath.Join(ix.Dir, edition.GroundFile), fmt.Errorf("%w: its layers are others than the manifest's", errFile))
	}
	if err := g.Resolve(s.owners, s.ownerOf); err != nil {
		return damaged(filepath.Join(ix.Dir, edition.GroundFile), err)
	}
	s.isolate(g.Loners())
	return nil
}

// groundSource gives the features of an index to a partition. Owners count
// through the stored layers in the order of their keys.
type groundSource struct {
	keys   []string
	stored []*storedLayer
	box    geo.Box
	owners int
}

// storedLayer is a layer whose features lie in the file, with its views.
type storedLayer struct {
	layer *Layer
	first int // owner of its first feature
	bit   int
	views []*Layer
	bits  []int // of the views
}

func newGroundSource(ix *Index) *groundSource {
	s := &groundSource{box: geo.EmptyBox()}
	for i := range ix.Manifest.Layers {
		s.keys = append(s.keys, ix.Manifest.Layers[i].Key())
	}
	slices.Sort(s.keys)
	for bit, k := range s.keys {
		l := ix.layers[k]
		if l.at != nil {
			continue
		}
		g := &storedLayer{layer: l, first: s.owners, bit: bit}
		for vbit, vk := range s.keys {
			if v := ix.layers[vk]; v.at != nil && v.stored == l.stored {
				g.views, g.bits = append(g.views, v), append(g.bits, vbit)
			}
		}
		s.stored = append(s.stored, g)
		s.owners += l.Len()
		s.box = s.box.Union(l.extent)
	}
	return s
}

// isolate tells the layers which of their features are alone on their ground.
func (s *groundSource) isolate(loners *ground.Loners) {
	for _, l := range s.stored {
		l.layer.partitioned = partitioned{loners, l.first}
	}
}

func (s *groundSource) Box() geo.Box   { return s.box }
func (s *groundSource) Keys() []string { return s.keys }
func (s *groundSource) Owners() int    { return s.owners }

// of returns the layer of an owner and the feature's ordinal in it.
func (s *groundSource) of(owner int32) (*storedLayer, int) {
	for _, l := range s.stored {
		if i := int(owner) - l.first; i < l.layer.Len() {
			return l, i
		}
	}
	panic("index: no such owner")
}

// named returns the stored layer of the feature with that name, nil when there is
// none.
func (s *groundSource) named(name uint64) *storedLayer {
	bit := int(name & (1<<nameBits - 1))
	i := slices.IndexFunc(s.stored, func(l *storedLayer) bool { return l.bit == bit })
	if i < 0 {
		return nil
	}
	return s.stored[i]
}

// Name implements [ground.Source].
func (s *groundSource) Name(owner int32) uint64 {
	l, i := s.of(owner)
	return l.layer.idOf(i)<<nameBits | uint64(l.bit)
}

// ownerOf undoes Name.
func (s *groundSource) ownerOf(name uint64) (int32, bool) {
	l := s.named(name)
	if l == nil {
		return 0, false
	}
	i, ok := l.layer.ByID(name >> nameBits)
	return int32(l.first + i), ok
}

// recordVertices estimates the vertices of a feature by the size of its record: one
// takes some 6 bytes.
func recordVertices(record []byte) int { return len(record) / 6 }

// Extent implements [overlay.Ground].
func (s *groundSource) Extent(owner int32) overlay.Extent {
	l, i := s.of(owner)
	return overlay.Extent{Box: l.layer.boxes[i], Vertices: recordVertices(l.layer.records[i])}
}

// Search implements [overlay.Ground].
func (s *groundSource) Search(b geo.Box, visit func(owner int32) bool) {
	more := true
	for _, l := range s.stored {
		if more {
			l.layer.Search(b, func(i int) bool {
				more = visit(int32(l.first + i))
				return more
			})
		}
	}
}

// Rings implements [overlay.Ground].
func (s *groundSource) Rings(owner int32, r *geo.Rings) error {
	l, i := s.of(owner)
	return l.layer.Rings(i, r)
}

// Layers implements [ground.Source].
func (s *groundSource) Layers(owner int32) uint64 {
	l, i := s.of(owner)
	bits := uint64(1) << l.bit
	for k, v := range l.views {
		if v.at[i] >= 0 {
			bits |= 1 << l.bits[k]
		}
	}
	return bits
}

// Weight implements [ground.Source]: net m² of record for each m² of ground.
func (s *groundSource) Weight(owner int32) float64 {
	l, i := s.of(owner)
	r := l.layer.Record(i)
	if w, ok := PerM2(r.Net, r.AreaM2); ok {
		return w
	}
	return math.NaN()
}

// PerM2 returns an area of record, given in 0.01 m², for each m² of a feature's
// ground; false when there is none.
func PerM2(record int64, areaM2 float64) (float64, bool) {
	if !OfRecord(record) || areaM2 <= 0 {
		return 0, false
	}
	return geo.Hundredths(record).M2() / areaM2, true
}

// idOf returns the id of a stored feature, 0 when the file has been damaged
// since it was opened.
func (l *Layer) idOf(i int) uint64 {
	var id uint64
	err := guard(func() error {
		d := decode(l.record(i))
		d.shape()
		id = d.Uvarint()
		return nil
	})
	if err != nil {
		return 0
	}
	return id
}
