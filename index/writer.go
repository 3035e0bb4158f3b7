package index

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"os"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"gengtu/index/edition"
	"gengtu/index/geo"
)

// The buckets of features.db: one of features and one of codes for each layer,
// named by these and the layer's key.
const (
	featuresBucket = "features/"
	codesBucket    = "codes/"
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

// NewWriter returns a writer for the file at path, which must not exist.
func NewWriter(path string) *Writer { return &Writer{path: path} }

// LayerWriter takes the features of one layer.
type LayerWriter struct {
	meta    edition.Layer
	codes   []int // fields that ?code= looks up
	ids     map[uint64]struct{}
	entries []entry
	extent  geo.Box
	patch   int64
	net     int64
	hasP    bool
	hasN    bool
	codeKVs [][]byte
}

type entry struct {
	key, record []byte
}

// Layer begins a layer. Of meta, name, title, vintage, source, fields and class
// field are used; the sums are found.
func (w *Writer) Layer(meta edition.Layer) *LayerWriter {
	l := &LayerWriter{meta: meta, ids: map[uint64]struct{}{}, extent: geo.EmptyBox()}
	for i, f := range meta.Fields {
		if f.Code {
			l.codes = append(l.codes, i)
		}
	}
	w.layers = append(w.layers, l)
	return l
}

// Add stores a feature; f is not kept. It returns ErrDuplicate, and stores
// nothing, when the layer has the id already.
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
	rec, err := appendRecord(nil, f)
	if err != nil {
		return fmt.Errorf("feature %d: %w", f.ID, err)
	}
	l.ids[f.ID] = struct{}{}
	l.entries = append(l.entries, entry{featureKey(f.Box, f.ID), rec})
	l.extent = l.extent.Union(f.Box)
	l.meta.Features++
	l.meta.Vertices += f.Geometry.Vertices()
	l.meta.AreaM2 += f.AreaM2
	if f.Patch != NoArea {
		l.patch, l.hasP = l.patch+f.Patch, true
	}
	if f.Net != NoArea {
		l.net, l.hasN = l.net+f.Net, true
	}
	for _, i := range l.codes {
		if s, ok := f.Values[i].(string); ok && s != "" && len(s) <= maxCode {
			l.codeKVs = append(l.codeKVs, codeKey(s, f.ID))
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

// finish sorts the entries and returns the layer as a manifest lists it.
func (l *LayerWriter) finish() edition.Layer {
	slices.SortFunc(l.entries, func(a, b entry) int { return bytes.Compare(a.key, b.key) })
	slices.SortFunc(l.codeKVs, bytes.Compare)
	m := l.meta
	if !l.extent.Empty() {
		lo, hi := l.extent.Min.LonLat(), l.extent.Max.LonLat()
		m.Extent = &[4]float64{lo.Lon, lo.Lat, hi.Lon, hi.Lat}
	}
	m.PatchM2, m.NetM2 = l.Sums()
	// The sum must not depend on the order of delivery.
	m.AreaM2 = 0
	for _, e := range l.entries {
		d := decoder{data: e.record}
		var f Feature
		d.head(&f)
		m.AreaM2 += f.AreaM2
	}
	return m
}

// Close writes the file and returns the layers as the manifest lists them.
func (w *Writer) Close() ([]edition.Layer, error) {
	db, err := bolt.Open(w.path, 0o644, &bolt.Options{NoSync: true, NoFreelistSync: true, Timeout: time.Second})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.path, err)
	}
	var out []edition.Layer
	slices.SortFunc(w.layers, func(a, b *LayerWriter) int { return bytes.Compare([]byte(a.meta.Key()), []byte(b.meta.Key())) })
	for _, l := range w.layers {
		m := l.finish()
		if err := l.write(db); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", w.path, err), db.Close())
		}
		out = append(out, m)
	}
	return out, errors.Join(db.Sync(), db.Close())
}

// write stores the layer in transactions of a bounded size.
func (l *LayerWriter) write(db *bolt.DB) error {
	kvs := make([]entry, 0, len(l.codeKVs))
	for _, k := range l.codeKVs {
		kvs = append(kvs, entry{key: k})
	}
	if err := putAll(db, featuresBucket+l.meta.Key(), l.entries); err != nil {
		return err
	}
	return putAll(db, codesBucket+l.meta.Key(), kvs)
}

func putAll(db *bolt.DB, bucket string, kvs []entry) error {
	const batch = 20_000
	for first := true; first || len(kvs) > 0; first = false {
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

// Each calls visit with every stored bucket, key and value of the features.db
// at path, in sorted order. Key and value are valid during the call only.
func Each(path string, visit func(bucket string, key, value []byte) error) error {
	db, err := openReadOnly(path)
	if err != nil {
		return err
	}
	err = db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			return b.ForEach(func(k, v []byte) error { return visit(string(name), k, v) })
		})
	})
	return errors.Join(err, db.Close())
}

func openReadOnly(path string) (*bolt.DB, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	db, err := bolt.Open(path, 0o444, &bolt.Options{ReadOnly: true, Timeout: 5 * time.Second})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return db, nil
}

// Sums returns the sums of the areas of record, in m², so far; nil where no
// feature has one.
func (l *LayerWriter) Sums() (patchM2, netM2 *float64) {
	if l.hasP {
		v := float64(l.patch) / 100
		patchM2 = &v
	}
	if l.hasN {
		v := float64(l.net) / 100
		netM2 = &v
	}
	return patchM2, netM2
}
