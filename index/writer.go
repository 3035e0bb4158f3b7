package index

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/spill"
)

// ErrDuplicate says that a layer holds a feature with this id already.
var ErrDuplicate = errors.New("id exists already")

// Writer makes a features.db. Features are kept, encoded, until their layer is
// settled; then they are written in the order of a Hilbert curve so that neighbours
// on the ground are neighbours in the file. Those that do not fit into memory are
// kept sorted in a file beside it that has no name, see [Writer.Limit]. Not for
// concurrent use.
type Writer struct {
	path      string
	layers    []*LayerWriter
	memory    int64        // that features may take, 0: no limit
	held      int64        // that those of layers take which are not settled
	settling  atomic.Int64 // that those of the others take
	file      *writing     // nil until a layer is settled
	lineages  []*Lineage
	registers []*Register
}

// NewWriter returns a writer for the file at path, which must not exist. The
// file is made when the first layer is settled, by [Writer.Settle] or Close; a
// writer that is given up after that is to be abandoned.
func NewWriter(path string) *Writer { return &Writer{path: path} }

// Limit bounds what features take in memory until they are written. Beyond it 16 to
// 32 bytes a feature stay there, by which equal ids are found; the file is the same.
func (w *Writer) Limit(memoryBytes int64) { w.memory = memoryBytes }

// LayerWriter takes the features of one layer.
type LayerWriter struct {
	writer  *Writer
	meta    edition.Layer
	codes   []int            // fields that ?code= looks up
	ids     map[uint64]int64 // where: in entries, or of which it is the complement, in spilled
	entries []packed
	spilled spilled
	held    int64 // by entries
	own     *Encoder
	settled bool
}

// entry is a key and value of a bucket.
type entry struct{ key, record []byte }

// Layer begins a layer. Of meta, name, title, vintage, source, fields and class
// field are used; the sums are found.
func (w *Writer) Layer(meta edition.Layer) *LayerWriter {
	meta.View, meta.Extent = nil, nil
	l := &LayerWriter{writer: w, meta: meta, ids: map[uint64]int64{}, spilled: spilled{runs: spill.Runs{Dir: filepath.Dir(w.path)}}}
	l.own = l.Encoder()
	for i, f := range meta.Fields {
		if f.Code {
			l.codes = append(l.codes, i)
		}
	}
	w.layers = append(w.layers, l)
	return l
}

// Expect makes room for n features, before any is added: no more than what they may
// take in memory.
func (l *LayerWriter) Expect(n int) {
	room := n
	if most := l.writer.memory; most > 0 {
		room = int(min(int64(n), most/2/packedBytes))
	}
	l.ids, l.entries = make(map[uint64]int64, n), make([]packed, 0, room)
}

// View adds a layer that is a selection from another one of the same vintage.
// Of meta, name, title, view and vintage are used; the rest is found.
func (w *Writer) View(meta edition.Layer) {
	w.layers = append(w.layers, &LayerWriter{meta: meta})
}

// Drop gives up the layer with that name and vintage, which is not settled, and the
// views of it.
func (w *Writer) Drop(name, vintage string) error {
	var err error
	w.layers = slices.DeleteFunc(w.layers, func(l *LayerWriter) bool {
		m := &l.meta
		switch {
		case m.Vintage != vintage:
			return false
		case m.View != nil:
			return m.View.Of == name
		case m.Name != name:
			return false
		}
		l.release(l.held)
		err = errors.Join(err, l.spilled.runs.Close())
		return true
	})
	return err
}

// Add stores a feature, whose Box it sets; f is not kept. It returns
// [ErrDuplicate], and stores nothing, when the layer has the id already.
func (l *LayerWriter) Add(f *Feature) error { return l.AddEncoded(l.own.Encode(f)) }

// AddEncoded is [LayerWriter.Add] for a feature that an encoder of the layer has
// encoded.
func (l *LayerWriter) AddEncoded(e Encoded) error {
	if _, ok := l.ids[e.id]; ok {
		return ErrDuplicate
	}
	if e.err != nil {
		return e.err
	}
	if len(l.ids) == maxEntries {
		return fmt.Errorf("layer %s has more than %d features", l.meta.Key(), maxEntries)
	}
	l.ids[e.id] = int64(len(l.entries))
	l.entries = append(l.entries, e.packed)
	return l.hold(&e.packed)
}

// maxEntries is how many features a layer may have: ordinals have 31 bits.
const maxEntries = 1<<31 - 1

// Take removes the feature with that id and returns it; false when there is none.
func (l *LayerWriter) Take(id uint64) (Feature, bool, error) {
	i, ok := l.ids[id]
	if !ok {
		return Feature{}, false, nil
	}
	if i < 0 {
		f, err := l.spilled.take(^i)
		if err == nil {
			delete(l.ids, id)
		}
		return f, err == nil, err
	}
	f, err := decodeRecord(l.entries[i].record)
	if err != nil {
		return Feature{}, false, err
	}
	l.release(l.entries[i].bytes())
	last := int64(len(l.entries) - 1)
	if i != last {
		moved := l.entries[last]
		l.entries[i] = moved
		l.ids[moved.id] = i
	}
	l.entries[last] = packed{}
	l.entries = l.entries[:last]
	delete(l.ids, id)
	return f, true, nil
}

// Each calls visit with every feature taken, in no particular order. A feature is
// visit's own. The first error ends it.
func (l *LayerWriter) Each(visit func(f *Feature) error) error {
	for i := range l.entries {
		f, err := decodeRecord(l.entries[i].record)
		if err != nil {
			return err
		}
		if err := visit(&f); err != nil {
			return err
		}
	}
	return l.spilled.each(l.writer.share(), func(e *packed) error {
		f, err := decodeRecord(e.record)
		if err != nil {
			return err
		}
		return visit(&f)
	})
}

// maxCode bounds the length of a code that is indexed; real ones have 28 digits
// at most.
const maxCode = 128

// sums are what a manifest says of features added up. Areas of record are sums
// of integers; the ellipsoidal areas are added in the order of the file, so that
// the order of delivery does not show.
type sums struct {
	features, vertices int
	extent             geo.Box
	areaM2             float64
	patch, net         recordSum
}

// recordSum adds up one kind of area of record, and apart from it what stands in
// for it, in 0.01 m².
type recordSum struct {
	sum      int64
	has      bool
	computed int64
	features int // whose area is computed
}

func (s *recordSum) add(area int64) {
	if OfRecord(area) {
		s.sum, s.has = s.sum+area, true
	} else if c, ok := ComputedOf(area); ok {
		s.computed, s.features = s.computed+c, s.features+1
	}
}

// figures returns the sums in m², nil where no feature has such an area.
func (s *recordSum) figures() (record *float64, computed *edition.ComputedArea) {
	if s.has {
		v := geo.Hundredths(s.sum).M2()
		record = &v
	}
	if s.features > 0 {
		computed = &edition.ComputedArea{Features: s.features, M2: geo.Hundredths(s.computed).M2()}
	}
	return record, computed
}

// add counts a feature, by what its record says.
func (s *sums) add(h *Head, vertices int) {
	s.features++
	s.vertices += vertices
	s.extent = s.extent.Union(h.Box)
	s.areaM2 += h.AreaM2
	s.patch.add(h.Patch)
	s.net.add(h.Net)
}

// into fills in the figures of a layer.
func (s *sums) into(m *edition.Layer) {
	m.Features, m.Vertices, m.AreaM2 = s.features, s.vertices, s.areaM2
	m.Extent = nil
	if !s.extent.Empty() {
		lo, hi := s.extent.Min.LonLat(), s.extent.Max.LonLat()
		m.Extent = &[4]float64{lo.Lon, lo.Lat, hi.Lon, hi.Lat}
	}
	m.PatchM2, m.PatchComputed = s.patch.figures()
	m.NetM2, m.NetComputed = s.net.figures()
}

// Close writes the file and returns the layers and views as the manifest lists
// them, by their keys. After an error, which is ctx's when it ends, the file is
// worth nothing.
func (w *Writer) Close(ctx context.Context) ([]edition.Layer, error) {
	slices.SortFunc(w.layers, func(a, b *LayerWriter) int { return strings.Compare(a.meta.Key(), b.meta.Key()) })
	views := map[string][]*LayerWriter{}
	for i, l := range w.layers {
		if i > 0 && l.meta.Key() == w.layers[i-1].meta.Key() {
			return nil, fmt.Errorf("layer %s was begun twice", l.meta.Key())
		}
		if v := l.meta.View; v != nil {
			k := v.Of + "@" + l.meta.Vintage
			views[k] = append(views[k], l)
		}
	}
	err := w.begin(ctx)
	for _, l := range w.layers {
		if err == nil && l.meta.View == nil {
			delete(views, l.meta.Key())
			err = w.settle(l)
		}
	}
	if err == nil && len(views) > 0 {
		err = fmt.Errorf("a view has no source %s", slices.Sorted(maps.Keys(views))[0])
	}
	if err == nil {
		err = errors.Join(w.file.group.Wait(), w.file.close())
	}
	if err == nil {
		err = w.describe(w.file.db)
	}
	if err == nil {
		err = w.putLineages(ctx, w.file.db)
	}
	if err == nil {
		err = w.putRegisters(ctx, w.file.db)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", w.path, err), w.Abandon())
	}
	var out []edition.Layer
	for _, l := range w.layers {
		out = append(out, l.meta)
	}
	db := w.file.db
	w.file.cancel()
	w.file = nil
	return out, errors.Join(db.Sync(), db.Close(), ctx.Err())
}

// describe stores what each layer is.
func (w *Writer) describe(db *bolt.DB) error {
	var kvs []entry
	for _, l := range w.layers {
		s, err := schemaOf(&l.meta)
		if err != nil {
			return err
		}
		kvs = append(kvs, entry{key: []byte(l.meta.Key()), record: s})
	}
	return putAll(context.Background(), db, layersBucket, kvs)
}

// putAll puts keys, which are in order, and values into a bucket.
func putAll(ctx context.Context, db *bolt.DB, bucket string, kvs []entry) error {
	return putEach(ctx, db, bucket, len(kvs), func(i int) ([]byte, []byte) { return kvs[i].key, kvs[i].record })
}

// batchEntries is how many keys a transaction takes at most, so that what it holds
// stays in the processor's cache.
const batchEntries = 2000

// putEach puts n keys, which are in order, and values into a bucket, in
// transactions of a bounded size. A key is used before the next one is asked for, a
// value stays.
func putEach(ctx context.Context, db *bolt.DB, bucket string, n int, at func(i int) (key, value []byte)) error {
	for i := 0; i == 0 || i < n; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := db.Update(func(tx *bolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte(bucket))
			if err != nil {
				return err
			}
			b.FillPercent = 1 // keys come in order and nothing is added later
			for end := min(i+batchEntries, n); i < end; i++ {
				key, value := at(i)
				if err := b.Put(key, value); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || n == 0 {
			return err
		}
	}
	return nil
}
