// Package index is the meeting point of gengtu: the frozen features of an
// edition. Ingest writes them, the server reads them.
//
// Features lie in features.db (bbolt), mapped into memory by the system; an
// R-tree (tidwall/rtree) over their boxes, their ids, areas and places are held
// in memory, the geometry is decoded when it is asked for. An Index never
// changes once it is open, so that any number of goroutines may read it; a new
// generation is a new Index.
package index

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/tidwall/rtree"
	bolt "go.etcd.io/bbolt"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// Index is one generation of one edition, open for reading. Safe for
// concurrent use until Close.
type Index struct {
	Manifest *edition.Manifest
	Dir      string // the generation's directory

	db     *bolt.DB
	tx     *bolt.Tx
	layers map[string]*Layer

	mu   sync.Mutex
	refs int
	done bool
}

// Layer is one layer in one vintage. Features are counted by ordinals in
// [0, Len), whose order is fixed for a generation and means nothing else.
type Layer struct {
	Meta *edition.Layer

	heads  []head
	tree   rtree.RTreeGN[int64, int32]
	byID   map[uint64]int32
	db     *bolt.DB
	codes  []byte // the bucket of codes; nil when there is none
	fields map[string]int
}

// head is what is kept in memory of a feature.
type head struct {
	Feature        // without values and geometry
	record  []byte // in the mapped file
}

// Open opens the generation in force of the edition at dir, or the one named.
func Open(dir, generation string) (*Index, error) {
	if generation == "" {
		name, _, err := edition.Current(dir)
		if err != nil {
			return nil, err
		}
		generation = name
	}
	gdir := edition.Path(dir, generation)
	m, err := edition.ReadManifest(gdir)
	if err != nil {
		return nil, err
	}
	return OpenFiles(gdir, m)
}

// OpenFiles opens the features.db in gdir, which need not be committed yet,
// with the layers that m lists. The Index is to be closed; m is kept.
func OpenFiles(gdir string, m *edition.Manifest) (*Index, error) {
	path := filepath.Join(gdir, edition.FeaturesFile)
	db, err := openReadOnly(path)
	if err != nil {
		return nil, damaged(path, err)
	}
	tx, err := db.Begin(false)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), db.Close())
	}
	ix := &Index{Manifest: m, Dir: gdir, db: db, tx: tx, layers: map[string]*Layer{}, refs: 1}
	// Views come after what they are views of.
	for _, views := range []bool{false, true} {
		for i := range m.Layers {
			if (m.Layers[i].View != nil) != views {
				continue
			}
			if err := ix.load(&m.Layers[i]); err != nil {
				return nil, errors.Join(damaged(path, err), ix.Close())
			}
		}
	}
	return ix, nil
}

func damaged(path string, err error) error {
	return problem.New("FEATURES_DAMAGED", "要素文件已损坏或缺失（%v）", "the features file is damaged or missing (%v)", err).In(path).
		Advise("请从备份恢复，或用 gengtu rollback 回到上一代", "restore it from a backup, or go back with gengtu rollback").Because(err)
}

func (ix *Index) load(meta *edition.Layer) error {
	l := &Layer{Meta: meta, db: ix.db, byID: make(map[uint64]int32, meta.Features), fields: map[string]int{}}
	for i, f := range meta.Fields {
		l.fields[f.Name] = i
	}
	var err error
	if meta.View != nil {
		err = l.loadView(ix.layers[meta.View.Of+"@"+meta.Vintage])
	} else {
		err = l.loadBucket(ix.tx)
	}
	if err != nil {
		return fmt.Errorf("layer %s: %w", meta.Key(), err)
	}
	if len(l.heads) != meta.Features {
		return fmt.Errorf("layer %s holds %d features, the manifest says %d", meta.Key(), len(l.heads), meta.Features)
	}
	for i := range l.heads {
		h := &l.heads[i]
		l.byID[h.ID] = int32(i)
		l.tree.Insert([2]int64{h.Box.Min.Lon, h.Box.Min.Lat}, [2]int64{h.Box.Max.Lon, h.Box.Max.Lat}, int32(i))
	}
	if len(l.byID) != len(l.heads) {
		return fmt.Errorf("layer %s holds an id twice", meta.Key())
	}
	ix.layers[meta.Key()] = l
	return nil
}

func (l *Layer) loadBucket(tx *bolt.Tx) error {
	b := tx.Bucket([]byte(featuresBucket + l.Meta.Key()))
	if b == nil {
		return errors.New("not in the file")
	}
	l.codes = []byte(codesBucket + l.Meta.Key())
	l.heads = make([]head, 0, l.Meta.Features)
	return b.ForEach(func(k, v []byte) error {
		d := decoder{data: v}
		h := head{record: v}
		d.head(&h.Feature)
		if d.bad {
			return fmt.Errorf("key %x: %w", k, errRecord)
		}
		l.heads = append(l.heads, h)
		return nil
	})
}

// loadView takes the features of another layer that the view selects.
func (l *Layer) loadView(of *Layer) error {
	v := l.Meta.View
	if of == nil {
		return fmt.Errorf("its source %s is missing", v.Of)
	}
	fi, ok := of.fields[v.Field]
	if !ok {
		return fmt.Errorf("its source has no field %s", v.Field)
	}
	l.codes = of.codes
	for i := range of.heads {
		h := of.heads[i]
		d := decoder{data: h.record}
		var skip Feature
		d.head(&skip)
		vals := d.values()
		if d.bad || fi >= len(vals) {
			return fmt.Errorf("feature %d: %w", h.ID, errRecord)
		}
		if s, ok := vals[fi].(string); ok && strings.HasPrefix(s, v.Prefix) {
			l.heads = append(l.heads, h)
		}
	}
	return nil
}

// Acquire keeps the index open until the matching Release; false when it is
// closed already.
func (ix *Index) Acquire() bool {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if ix.refs == 0 {
		return false
	}
	ix.refs++
	return true
}

// Release gives back what Acquire took.
func (ix *Index) Release() {
	// The last reader has no one to tell; a file that was only read loses
	// nothing when closing it fails.
	_ = ix.drop()
}

// Close gives up the opener's hold. The files are closed when the last reader
// has released the index; features that were handed out stay valid. Closing
// twice does nothing.
func (ix *Index) Close() error {
	ix.mu.Lock()
	if ix.done {
		ix.mu.Unlock()
		return nil
	}
	ix.done = true
	ix.mu.Unlock()
	return ix.drop()
}

func (ix *Index) drop() error {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.refs--
	if ix.refs > 0 {
		return nil
	}
	return errors.Join(ix.tx.Rollback(), ix.db.Close())
}

// Layer returns the layer of that name in that vintage, or in its latest
// vintage when vintage is ""; nil when there is none.
func (ix *Index) Layer(name, vintage string) *Layer {
	if vintage == "" {
		vs := ix.Vintages(name)
		if len(vs) == 0 {
			return nil
		}
		vintage = vs[0]
	}
	return ix.layers[name+"@"+vintage]
}

// Names lists the layers' names, each once, in the manifest's order.
func (ix *Index) Names() []string {
	var out []string
	for i := range ix.Manifest.Layers {
		if n := ix.Manifest.Layers[i].Name; !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// Vintages lists the vintages of a layer, latest first.
func (ix *Index) Vintages(name string) []string {
	var out []string
	for i := range ix.Manifest.Layers {
		if l := &ix.Manifest.Layers[i]; l.Name == name {
			out = append(out, l.Vintage)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(b, a) })
	return out
}

// Len returns the number of features.
func (l *Layer) Len() int { return len(l.heads) }

// Field returns the place of a field among a feature's values, or -1.
func (l *Layer) Field(name string) int {
	if i, ok := l.fields[name]; ok {
		return i
	}
	return -1
}

// Extent returns the box around all features.
func (l *Layer) Extent() geo.Box {
	b := geo.EmptyBox()
	if len(l.heads) == 0 {
		return b
	}
	lo, hi := l.tree.Bounds()
	return geo.Box{Min: geo.Position{Lon: lo[0], Lat: lo[1]}, Max: geo.Position{Lon: hi[0], Lat: hi[1]}}
}

// Search visits the features whose boxes meet b, in no particular order, until
// visit returns false.
func (l *Layer) Search(b geo.Box, visit func(i int) bool) {
	l.tree.Search([2]int64{b.Min.Lon, b.Min.Lat}, [2]int64{b.Max.Lon, b.Max.Lat},
		func(_, _ [2]int64, i int32) bool { return visit(int(i)) })
}

// Head returns feature i without values and geometry. The result is shared and
// must not be changed.
func (l *Layer) Head(i int) *Feature { return &l.heads[i].Feature }

// Feature returns feature i whole. It is the caller's own.
func (l *Layer) Feature(i int) (Feature, error) {
	f, err := decodeRecord(l.heads[i].record)
	if err != nil {
		return Feature{}, fmt.Errorf("layer %s, feature %d: %w", l.Meta.Key(), l.heads[i].ID, err)
	}
	return f, nil
}

// ByID returns the ordinal of the feature with that id.
func (l *Layer) ByID(id uint64) (int, bool) {
	i, ok := l.byID[id]
	return int(i), ok
}

// ByCode returns the ordinals of the features with that code (BSM, 空间码 or
// another code field), at most limit.
func (l *Layer) ByCode(code string, limit int) ([]int, error) {
	if code == "" || len(code) > maxCode {
		return nil, nil
	}
	var out []int
	prefix := append([]byte(code), 0)
	err := l.db.View(func(tx *bolt.Tx) error {
		b := tx.Bucket(l.codes)
		if b == nil {
			return nil
		}
		c := b.Cursor()
		for k, _ := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix) && len(out) < limit; k, _ = c.Next() {
			if len(k) != len(prefix)+8 {
				continue // a longer code that holds a zero byte
			}
			if i, ok := l.ByID(binary.BigEndian.Uint64(k[len(prefix):])); ok && !slices.Contains(out, i) {
				out = append(out, i)
			}
		}
		return nil
	})
	return out, err
}
