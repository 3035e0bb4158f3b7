package index

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"

	"gengtu/index/edition"
	"gengtu/index/geo"
)

// ErrDuplicate says that a layer holds a feature with this id already.
var ErrDuplicate = errors.New("id exists already")

// Writer makes a features.db. Features are kept in memory, encoded, until
// Close, which writes them in the order of a Hilbert curve so that neighbours
// on the ground are neighbours in the file. Not for concurrent use.
type Writer struct {
	path   string
	layers []*LayerWriter
}

// NewWriter returns a writer for the file at path, which must not exist. The
// file is made by Close, so that a writer that is given up leaves nothing.
func NewWriter(path string) *Writer { return &Writer{path: path} }

// LayerWriter takes the features of one layer.
type LayerWriter struct {
	meta    edition.Layer
	codes   []int // fields that ?code= looks up
	ids     map[uint64]int
	entries []entry
}

// entry is a feature as it is stored, with the codes that lead to it.
type entry struct {
	key, record []byte
	codes       []string
}

// Layer begins a layer. Of meta, name, title, vintage, source, fields and class
// field are used; the sums are found.
func (w *Writer) Layer(meta edition.Layer) *LayerWriter {
	meta.View, meta.Extent = nil, nil
	l := &LayerWriter{meta: meta, ids: map[uint64]int{}}
	for i, f := range meta.Fields {
		if f.Code {
			l.codes = append(l.codes, i)
		}
	}
	w.layers = append(w.layers, l)
	return l
}

// View adds a layer that is a selection from another one of the same vintage.
// Of meta, name, title, view and vintage are used; the rest is found.
func (w *Writer) View(meta edition.Layer) {
	w.layers = append(w.layers, &LayerWriter{meta: meta})
}

// Add stores a feature, whose Box it sets; f is not kept. It returns
// [ErrDuplicate], and stores nothing, when the layer has the id already.
func (l *LayerWriter) Add(f *Feature) error {
	if f.ID == 0 || f.ID > MaxID {
		return fmt.Errorf("id %d is not in [1, 2^53)", f.ID)
	}
	if len(f.Values) != len(l.meta.Fields) {
		return fmt.Errorf("feature %d has %d values, layer %s has %d fields", f.ID, len(f.Values), l.meta.Key(), len(l.meta.Fields))
	}
	if _, ok := l.ids[f.ID]; ok {
		return ErrDuplicate
	}
	f.Box = f.Geometry.Box()
	if f.Box.Empty() {
		return fmt.Errorf("feature %d has no geometry", f.ID)
	}
	rec, err := encodeRecord(f)
	if err != nil {
		return fmt.Errorf("feature %d: %w", f.ID, err)
	}
	e := entry{key: featureKey(f.Box, f.ID), record: rec}
	for _, i := range l.codes {
		if s, ok := f.Values[i].(string); ok && s != "" && len(s) <= maxCode && !slices.Contains(e.codes, s) {
			e.codes = append(e.codes, s)
		}
	}
	l.ids[f.ID] = len(l.entries)
	l.entries = append(l.entries, e)
	return nil
}

// Take removes the feature with that id and returns it; false when there is none.
func (l *LayerWriter) Take(id uint64) (Feature, bool, error) {
	i, ok := l.ids[id]
	if !ok {
		return Feature{}, false, nil
	}
	f, err := decodeRecord(l.entries[i].record)
	if err != nil {
		return Feature{}, false, err
	}
	last := len(l.entries) - 1
	if i != last {
		moved := l.entries[last]
		l.entries[i] = moved
		l.ids[binary.BigEndian.Uint64(moved.key[8:])] = i
	}
	l.entries[last] = entry{}
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
	return nil
}

// maxCode bounds the length of a code that is indexed; real ones have 28 digits
// at most.
const maxCode = 128

func codeKey(code string, id uint64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte(code), 0), id)
}

// featureKey orders features along a Hilbert curve over their centres, then by
// id.
func featureKey(b geo.Box, id uint64) []byte {
	k := binary.BigEndian.AppendUint64(nil, hilbert(geo.Position{
		Lon: b.Min.Lon + (b.Max.Lon-b.Min.Lon)/2,
		Lat: b.Min.Lat + (b.Max.Lat-b.Min.Lat)/2,
	}))
	return binary.BigEndian.AppendUint64(k, id)
}

// hilbert returns where p comes on a Hilbert curve of 2^31 steps a side over
// the world's 360 × 360 degrees.
func hilbert(p geo.Position) uint64 {
	const side = 1 << 31
	at := func(v int64) uint32 {
		f := (float64(v)/geo.Unit + 180) / 360 * side
		return uint32(min(max(f, 0), side-1))
	}
	x, y := at(p.Lon), at(p.Lat)
	var d uint64
	for s := uint32(side / 2); s > 0; s /= 2 {
		var rx, ry uint32
		if x&s > 0 {
			rx = 1
		}
		if y&s > 0 {
			ry = 1
		}
		d += uint64(s) * uint64(s) * uint64(3*rx^ry)
		if ry == 0 {
			if rx == 1 {
				x, y = side-1-x, side-1-y
			}
			x, y = y, x
		}
	}
	return d
}

// sums are what a manifest says of features added up. Areas of record are sums
// of integers; the ellipsoidal areas are added in the order of the file, so that
// the order of delivery does not show.
type sums struct {
	features, vertices int
	extent             geo.Box
	areaM2             float64
	patch, net         int64
	hasPatch, hasNet   bool
}

// add counts a feature.
func (s *sums) add(f *Feature) {
	s.features++
	s.vertices += f.Geometry.Vertices()
	s.extent = s.extent.Union(f.Box)
	s.areaM2 += f.AreaM2
	if f.Patch != NoArea {
		s.patch, s.hasPatch = s.patch+f.Patch, true
	}
	if f.Net != NoArea {
		s.net, s.hasNet = s.net+f.Net, true
	}
}

// into fills in the figures of a layer.
func (s *sums) into(m *edition.Layer) {
	m.Features, m.Vertices, m.AreaM2 = s.features, s.vertices, s.areaM2
	m.Extent, m.PatchM2, m.NetM2 = nil, nil, nil
	if !s.extent.Empty() {
		lo, hi := s.extent.Min.LonLat(), s.extent.Max.LonLat()
		m.Extent = &[4]float64{lo.Lon, lo.Lat, hi.Lon, hi.Lat}
	}
	if s.hasPatch {
		v := float64(s.patch) / 100
		m.PatchM2 = &v
	}
	if s.hasNet {
		v := float64(s.net) / 100
		m.NetM2 = &v
	}
}

// finish sorts the entries and fills in the figures of the layer and its views.
func (l *LayerWriter) finish(views []*LayerWriter) error {
	slices.SortFunc(l.entries, func(a, b entry) int { return bytes.Compare(a.key, b.key) })
	all := sums{extent: geo.EmptyBox()}
	parts := make([]sums, len(views))
	fields := make([]int, len(views))
	for i, v := range views {
		parts[i].extent = geo.EmptyBox()
		fields[i] = slices.IndexFunc(l.meta.Fields, func(f edition.Field) bool { return f.Name == v.meta.View.Field })
		if fields[i] < 0 {
			return fmt.Errorf("view %s: layer %s has no field %s", v.meta.Key(), l.meta.Key(), v.meta.View.Field)
		}
	}
	for _, e := range l.entries {
		f, err := decodeRecord(e.record)
		if err != nil {
			return err
		}
		all.add(&f)
		for i, v := range views {
			if s, ok := f.Values[fields[i]].(string); ok && strings.HasPrefix(s, v.meta.View.Prefix) {
				parts[i].add(&f)
			}
		}
	}
	all.into(&l.meta)
	for i, v := range views {
		v.meta.Source, v.meta.Fields = l.meta.Source, l.meta.Fields
		parts[i].into(&v.meta)
	}
	return nil
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
	db, err := create(ctx, w.path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.path, err)
	}
	for _, l := range w.layers {
		if l.meta.View != nil {
			continue
		}
		if err := l.write(ctx, db, views[l.meta.Key()]); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", w.path, err), db.Close())
		}
		delete(views, l.meta.Key())
	}
	for k := range views {
		return nil, errors.Join(fmt.Errorf("%s: a view has no source %s", w.path, k), db.Close())
	}
	if err := w.describe(db); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", w.path, err), db.Close())
	}
	var out []edition.Layer
	for _, l := range w.layers {
		out = append(out, l.meta)
	}
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

// write stores the layer in transactions of a bounded size.
func (l *LayerWriter) write(ctx context.Context, db *bolt.DB, views []*LayerWriter) error {
	if err := l.finish(views); err != nil {
		return err
	}
	var kvs []entry
	for _, e := range l.entries {
		for _, c := range e.codes {
			kvs = append(kvs, entry{key: codeKey(c, binary.BigEndian.Uint64(e.key[8:]))})
		}
	}
	slices.SortFunc(kvs, func(a, b entry) int { return bytes.Compare(a.key, b.key) })
	if err := putAll(ctx, db, featuresBucket+l.meta.Key(), l.entries); err != nil {
		return err
	}
	l.entries = nil
	return putAll(ctx, db, codesBucket+l.meta.Key(), kvs)
}

func putAll(ctx context.Context, db *bolt.DB, bucket string, kvs []entry) error {
	const batch = 20_000
	for first := true; first || len(kvs) > 0; first = false {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(batch, len(kvs))
		err := db.Update(func(tx *bolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte(bucket))
			if err != nil {
				return err
			}
			b.FillPercent = 1 // keys come in order and nothing is added later
			for _, e := range kvs[:n] {
				if err := b.Put(e.key, e.record); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		kvs = kvs[n:]
	}
	return nil
}

// ContentHasher hashes keys and values that come in a fixed order, each behind
// its length, so that the hash does not depend on how a file is laid out.
type ContentHasher struct{ h hash.Hash }

// NewContentHasher returns a hasher that has taken nothing.
func NewContentHasher() *ContentHasher { return &ContentHasher{sha256.New()} }

// Add takes one entry of a section.
func (c *ContentHasher) Add(section string, key, value []byte) {
	var n [8]byte
	for _, b := range [][]byte{[]byte(section), key, value} {
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		c.h.Write(n[:])
		c.h.Write(b)
	}
}

// Sum returns the SHA-256 in hex.
func (c *ContentHasher) Sum() string { return hex.EncodeToString(c.h.Sum(nil)) }
